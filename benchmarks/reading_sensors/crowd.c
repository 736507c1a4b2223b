/* PORT READERS SECONDS PERIOD: so many connections, each asking with n every PERIOD seconds (0: as soon as it was
   answered). Prints "ready" when all are connected, then what came of it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct reader { int fd; double due, asked; };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int count = atoi(argv[2]), connected = 0, lost = 0;
    double seconds = atof(argv[3]), period = atof(argv[4]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    struct reader *readers = calloc(count, sizeof *readers);
    int poll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        readers[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (readers[i].fd < 0 || connect(readers[i].fd, (struct sockaddr *)&to, sizeof to) < 0) {
            readers[i].fd = -1;
            continue;
        }
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(poll, EPOLL_CTL_ADD, readers[i].fd, &event);
        connected++;
    }
    printf("ready\n");
    fflush(stdout);
    long answers = 0, kept = 0, most = 4000000;
    double *times = malloc(most * sizeof *times);
    double began = now(), t;
    for (int i = 0; i < count; i++) readers[i].due = began + (period ? period * i / count : 0);
    struct epoll_event events[1024];
    int next = 0;
    char text[256];
    while ((t = now()) < began + seconds) {
        for (int seen = 0; seen < count && readers[next].due <= t; seen++) {
            struct reader *r = &readers[next];
            next = (next + 1) % count;
            if (r->fd < 0) { r->due = t + 1e9; continue; }
            if (r->asked == 0) { r->asked = t; if (send(r->fd, "n", 1, MSG_NOSIGNAL) != 1) lost++; }
            r->due = period ? r->due + period : t + 1e9;
        }
        int found = epoll_wait(poll, events, 1024, 1);
        t = now();
        for (int i = 0; i < found; i++) {
            struct reader *r = &readers[events[i].data.u32];
            ssize_t size = recv(r->fd, text, sizeof text, 0);
            if (size <= 0) { epoll_ctl(poll, EPOLL_CTL_DEL, r->fd, NULL); close(r->fd); r->fd = -1; lost++; continue; }
            answers++;
            if (kept < most) times[kept++] = t - r->asked;
            r->asked = 0;
            if (!period) { r->asked = t; if (send(r->fd, "n", 1, MSG_NOSIGNAL) != 1) lost++; }
        }
    }
    qsort(times, kept, sizeof *times, by_size);
    double p50 = kept ? times[kept / 2] : 0, p99 = kept ? times[kept * 99 / 100] : 0, worst = kept ? times[kept - 1] : 0;
    printf("{\"connected\": %d, \"lost\": %d, \"answers\": %ld, \"seconds\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"max_ms\": %.3f}\n", connected, lost, answers, now() - began, p50 * 1e3, p99 * 1e3, worst * 1e3);
    return 0;
}
