/* PORT SENSORS RATE SECONDS: datagrams "sN value sequence" of many sensors in turn; SENSORS 0: the number alone.
   Prints how many were sent. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int sensors = atoi(argv[2]);
    double rate = atof(argv[3]), seconds = atof(argv[4]);
    int out = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (connect(out, (struct sockaddr *)&to, sizeof to) < 0) return 1;
    long sent = 0, failed = 0;
    double began = now(), t;
    char text[64];
    while ((t = now() - began) < seconds) {
        long due = (long)(t * rate);
        for (; sent + failed < due; ) {
            long n = sent + failed;
            double value = (n % 1000) / 500.0 - 1.0;
            int size = sensors ? snprintf(text, sizeof text, "s%ld %.3f %ld", n % sensors, value, n / sensors + 1)
                               : snprintf(text, sizeof text, "%.3f", value);
            if (send(out, text, size, 0) == size) sent++; else failed++;
        }
        struct timespec pause = {0, 500000};
        nanosleep(&pause, NULL);
    }
    printf("{\"sent\": %ld, \"failed\": %ld, \"seconds\": %.3f}\n", sent, failed, now() - began);
    return 0;
}
