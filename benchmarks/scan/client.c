/* What acquisition costs in C: the same requests, the same checks, columns of doubles, and nothing else.
 *
 * usage: client PORT CONNECTIONS BLOCKS DEPTH SECONDS WARM      prints {"registers", "cpu", "seconds"}
 * With LIBMODBUS defined, blocking reads through libmodbus in turns, one request at a time.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef LIBMODBUS
#include <modbus.h>
#endif

enum { BLOCK = 125, REPLY = 9 + 2 * BLOCK, DEEPEST = 64 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double used(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

static double begun, began, cpu, warm, span;
static long long registers;

/* Count; true when the time is over. What came while warming up does not count. */
static int over(int count)
{
    registers += count;
    double t = now();
    if (!began && t - begun >= warm)
        began = t, cpu = used(), registers = 0;
    return began && t - began >= span;
}

static int told(void)
{
    printf("{\"registers\": %lld, \"cpu\": %.6f, \"seconds\": %.6f}\n", registers, used() - cpu, now() - began);
    return 0;
}

static void wrong(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

#ifdef LIBMODBUS
static int run(int port, int connections, int blocks, int depth)
{
    modbus_t **lines = calloc(connections, sizeof *lines);
    double *values = calloc((size_t)connections * blocks * BLOCK, sizeof *values);
    uint16_t words[BLOCK];
    (void)depth;
    for (int i = 0; i < connections; i++) {
        lines[i] = modbus_new_tcp("127.0.0.1", port);
        modbus_set_slave(lines[i], i + 1);
        if (modbus_connect(lines[i]))
            wrong("cannot connect");
    }
    for (int block = 0;; block = (block + 1) % blocks)
        for (int i = 0; i < connections; i++) {
            if (modbus_read_registers(lines[i], block * BLOCK, BLOCK, words) != BLOCK)
                wrong("libmodbus read nothing");
            double *out = values + ((size_t)i * blocks + block) * BLOCK;
            for (int k = 0; k < BLOCK; k++)
                out[k] = words[k];
            if (over(BLOCK))
                return told();
        }
}
#else
struct line {
    int fd, unit, next, asked;
    uint16_t id;
    size_t have;
    double *values;
    uint8_t in[DEEPEST * REPLY];
};

static void ask(struct line *line, int blocks, int depth)
{
    uint8_t out[DEEPEST * 12], *q = out;
    int left = blocks - line->next;
    line->asked = depth < left ? depth : left;
    for (int i = 0; i < line->asked; i++, q += 12) {
        int id = (uint16_t)(line->id + i), start = (line->next + i) * BLOCK;
        uint8_t frame[12] = {id >> 8, id, 0, 0, 0, 6, line->unit, 3, start >> 8, start, 0, BLOCK};
        memcpy(q, frame, 12);
    }
    if (write(line->fd, out, q - out) != q - out)
        wrong("short write");
}

/* Read; true when all replies to what was asked are there, checked and decoded. */
static int answered(struct line *line)
{
    ssize_t got = read(line->fd, line->in + line->have, sizeof line->in - line->have);
    if (got <= 0)
        wrong("connection lost");
    line->have += got;
    if (line->have < (size_t)line->asked * REPLY)
        return 0;
    double *out = line->values + (size_t)line->next * BLOCK;
    for (int i = 0; i < line->asked; i++) {
        const uint8_t *r = line->in + i * REPLY;
        int id = (uint16_t)(line->id + i);
        uint8_t head[9] = {id >> 8, id, 0, 0, (REPLY - 6) >> 8, REPLY - 6, line->unit, 3, 2 * BLOCK};
        if (memcmp(r, head, 9))
            wrong("not the answer");
        for (int k = 0; k < BLOCK; k++)
            *out++ = r[9 + 2 * k] << 8 | r[10 + 2 * k];
    }
    line->id += line->asked;
    line->next += line->asked;
    line->have = 0;
    return 1;
}

static int run(int port, int connections, int blocks, int depth)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct line *lines = calloc(connections, sizeof *lines);
    int poll = epoll_create1(0), one = 1;
    for (int i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = lines + i};
        lines[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        lines[i].unit = i + 1;
        lines[i].values = calloc((size_t)blocks * BLOCK, sizeof(double));
        if (connect(lines[i].fd, (struct sockaddr *)&address, sizeof address))
            wrong("cannot connect");
        setsockopt(lines[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(poll, EPOLL_CTL_ADD, lines[i].fd, &event);
        ask(lines + i, blocks, depth);
    }
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            struct line *line = events[i].data.ptr;
            int asked = line->asked;
            if (!answered(line))
                continue;
            if (line->next == blocks)
                line->next = 0;
            ask(line, blocks, depth);
            if (over(asked * BLOCK))
                return told();
        }
    }
}
#endif

int main(int argc, char **argv)
{
    if (argc != 7 || atoi(argv[4]) > DEEPEST)
        wrong("usage: client PORT CONNECTIONS BLOCKS DEPTH SECONDS WARM");
    span = atof(argv[5]);
    warm = atof(argv[6]);
    begun = now();
    return run(atoi(argv[1]), atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
}
