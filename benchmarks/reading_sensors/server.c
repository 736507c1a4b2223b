/* The same server with epoll in C: the latest datagram, told to who sends n. Prints its port. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = 0};
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(tcp, (struct sockaddr *)&at, sizeof at) < 0 || listen(tcp, 4096) < 0) return 1;
    socklen_t size = sizeof at;
    getsockname(tcp, (struct sockaddr *)&at, &size);
    if (bind(udp, (struct sockaddr *)&at, sizeof at) < 0) return 1;
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = udp}, events[1024];
    epoll_ctl(poll, EPOLL_CTL_ADD, udp, &event);
    event.data.fd = tcp;
    epoll_ctl(poll, EPOLL_CTL_ADD, tcp, &event);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    char latest[512] = "nan", asked[256];
    ssize_t length = 3;
    for (;;) {
        int found = epoll_wait(poll, events, 1024, 1000);
        for (int i = 0; i < found; i++) {
            int fd = events[i].data.fd;
            if (fd == udp) {
                ssize_t got = recv(udp, latest, sizeof latest, 0);
                if (got > 0) length = got;
            } else if (fd == tcp) {
                event.data.fd = accept(tcp, NULL, NULL);
                setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                if (event.data.fd >= 0) epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
            } else {
                ssize_t got = recv(fd, asked, sizeof asked, 0);
                if (got <= 0) { close(fd); continue; }
                for (ssize_t n = 0; n < got; n++) if (asked[n] == 'n') send(fd, latest, length, MSG_NOSIGNAL);
            }
        }
    }
}
