/* Measures SPAWN to EXIT of `/bin/sh -c 'echo hi'` through the socket, against plain vfork + exec + pipe + wait of the same.
   latency SOCKET SECRET_HEX [ROUNDS]; prints both p50 in microseconds. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../frame.h"
#include "../protocol.h"

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void exact(int fd, void *p, size_t n)
{
    for (uint8_t *q = p; n > 0;) {
        ssize_t r = read(fd, q, n);
        if (r <= 0) exit(1);
        q += r;
        n -= (size_t)r;
    }
}

static uint8_t next_type(int fd)
{
    static uint8_t body[FRAME_MAX];
    uint32_t n;
    exact(fd, &n, 4);
    exact(fd, body, n);
    return body[0];
}

static double plain(void)
{
    char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)"echo hi", NULL };
    char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };
    int p[2];
    char text[64];
    double t = now_us();
    if (pipe(p) != 0) exit(1);
    pid_t pid = vfork();
    if (pid == 0) {
        dup2(p[1], 1);
        close(p[0]);
        close(p[1]);
        execve(argv[0], argv, env);
        _exit(127);
    }
    close(p[1]);
    while (read(p[0], text, sizeof text) > 0) {}
    waitpid(pid, NULL, 0);
    close(p[0]);
    return now_us() - t;
}

static void put_list(struct buffer *b, int n, const char **v)
{
    put_u32(b, (uint32_t)n);
    for (int i = 0; i < n; i++) put_text(b, v[i]);
}

static double through(int fd, int i)
{
    char id[32];
    const char *argv[] = { "/bin/sh", "-c", "echo hi" }, *env[] = { "PATH=/usr/bin:/bin" };
    snprintf(id, sizeof id, "e%d", i);
    struct buffer b = { 0 };
    double t = now_us();
    size_t mark = frame_begin(&b, REQ_SPAWN, (uint32_t)i + 2);
    put_text(&b, id);
    put_u8(&b, 0);
    put_u16(&b, 0);
    put_u16(&b, 0);
    put_u32(&b, 0);
    put_u32(&b, 0);
    put_u64(&b, 0);
    put_u8(&b, 0);
    put_text(&b, "/");
    put_list(&b, 1, env);
    put_u8(&b, 1);
    put_list(&b, 3, argv);
    put_u32(&b, 0);
    put_u32(&b, 0);
    frame_end(&b, mark);
    if (write(fd, b.data, b.len) != (ssize_t)b.len) exit(1);
    while (next_type(fd) != EVT_EXIT) {}
    double took = now_us() - t;
    buffer_free(&b);
    mark = frame_begin(&b, REQ_ACK, 1);
    put_text(&b, id);
    frame_end(&b, mark);
    if (write(fd, b.data, b.len) != (ssize_t)b.len) exit(1);
    buffer_free(&b);
    return took;
}

int main(int argc, char **argv)
{
    if (argc < 3 || strlen(argv[2]) != 64) return 2;
    int rounds = argc > 3 ? atoi(argv[3]) : 500;
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    snprintf(a.sun_path, sizeof a.sun_path, "%s", argv[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) return 1;
    struct buffer b = { 0 };
    size_t mark = frame_begin(&b, REQ_HELLO, 1);
    put_u16(&b, PROTOCOL_VERSION);
    for (int i = 0; i < 32; i++) {
        unsigned v;
        if (sscanf(argv[2] + 2 * i, "%2x", &v) != 1) return 2;
        put_u8(&b, (uint8_t)v);
    }
    put_u8(&b, 1);
    frame_end(&b, mark);
    if (write(fd, b.data, b.len) != (ssize_t)b.len || next_type(fd) != REP_HELLO) return 1;
    double *x = calloc((size_t)rounds, sizeof *x), *y = calloc((size_t)rounds, sizeof *y);
    for (int i = 0; i < rounds; i++) {
        x[i] = plain();
        y[i] = through(fd, i);
    }
    qsort(x, (size_t)rounds, sizeof *x, compare);
    qsort(y, (size_t)rounds, sizeof *y, compare);
    printf("plain p50 %.0f us, supervisor p50 %.0f us, p95 %.0f us\n", x[rounds / 2], y[rounds / 2], y[rounds * 95 / 100]);
    return 0;
}
