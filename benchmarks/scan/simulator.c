/* A Modbus/TCP device that is never the bottleneck: epoll, functions 1 to 4, registers that move.
 *
 * usage: simulator      prints its port; ends when its standard input does.
 * Registers hold their own address, every tenth one moves by 7 a hundred times a second; every third bit is set.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { REGISTERS = 65536, IN = 1 << 16, OUT = 1 << 18, MOVING = 10 };

struct connection {
    int fd;
    size_t have, first, last;
    uint8_t in[IN], out[OUT];
};

static uint8_t words[2 * REGISTERS], bits[REGISTERS / 8];

static void move(void)
{
    for (int i = 0; i < REGISTERS; i += MOVING) {
        unsigned value = (words[2 * i] << 8 | words[2 * i + 1]) + 7;
        words[2 * i] = value >> 8;
        words[2 * i + 1] = value;
    }
}

/* The reply to one request of 12 bytes; its size. */
static size_t answer(const uint8_t *q, uint8_t *r)
{
    unsigned function = q[7], start = q[8] << 8 | q[9], count = q[10] << 8 | q[11], size = 0;
    memcpy(r, q, 8);
    if (function == 3 || function == 4) {
        size = 2 * count;
        if (count && count <= 125 && start + count <= REGISTERS)
            memcpy(r + 9, words + 2 * start, size);
        else
            size = 0;
    } else if ((function == 1 || function == 2) && count && count <= 2000 && start % 8 == 0 && start + count <= REGISTERS) {
        size = (count + 7) / 8;
        memcpy(r + 9, bits + start / 8, size);
        if (count % 8)
            r[8 + size] &= (1 << count % 8) - 1;
    }
    if (!size) {
        r[4] = 0, r[5] = 3, r[7] = function | 0x80, r[8] = 2;
        return 9;
    }
    r[4] = (size + 3) >> 8, r[5] = size + 3, r[8] = size;
    return 9 + size;
}

static int serve(struct connection *c)
{
    ssize_t got = recv(c->fd, c->in + c->have, IN - c->have, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    c->have += got;
    size_t at = 0;
    c->first = c->last = 0;
    while (c->have - at >= 12) {
        if (c->last + 300 > OUT) {
            if (send(c->fd, c->out, c->last, 0) != (ssize_t)c->last)
                return 0;
            c->last = 0;
        }
        c->last += answer(c->in + at, c->out + c->last);
        at += 12;
    }
    memmove(c->in, c->in + at, c->have - at);
    c->have -= at;
    while (c->first < c->last) {
        ssize_t sent = send(c->fd, c->out + c->first, c->last - c->first, 0);
        if (sent < 0 && errno != EAGAIN)
            return 0;
        c->first += sent > 0 ? sent : 0;
    }
    return 1;
}

static void watch(int poll, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct itimerspec beat = {{0, 10000000}, {0, 10000000}};
    int poll = epoll_create1(0), door = socket(AF_INET, SOCK_STREAM, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0), one = 1;
    for (int i = 0; i < REGISTERS; i++) {
        words[2 * i] = i >> 8, words[2 * i + 1] = i;
        bits[i / 8] |= (i % 3 == 0) << i % 8;
    }
    if (bind(door, (struct sockaddr *)&address, sizeof address) || listen(door, 4096))
        return 1;
    getsockname(door, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    timerfd_settime(timer, 0, &beat, NULL);
    watch(poll, door, &door);
    watch(poll, timer, &timer);
    watch(poll, 0, &one);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &one) {
                return 0;
            } else if (events[i].data.ptr == &timer) {
                uint64_t beats;
                if (read(timer, &beats, sizeof beats) > 0)
                    move();
            } else if (events[i].data.ptr == &door) {
                struct connection *c = calloc(1, sizeof *c);
                c->fd = accept4(door, NULL, NULL, SOCK_NONBLOCK);
                setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                watch(poll, c->fd, c);
            } else {
                struct connection *c = events[i].data.ptr;
                if (!serve(c)) {
                    close(c->fd);
                    free(c);
                }
            }
        }
    }
}
