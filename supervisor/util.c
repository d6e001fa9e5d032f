#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_us(clockid_t id)
{
    struct timespec t;
    if (clock_gettime(id, &t) != 0) return 0;
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t mono_us(void) { return clock_us(CLOCK_MONOTONIC); }
uint64_t mono_ms(void) { return clock_us(CLOCK_MONOTONIC) / 1000u; }
uint64_t real_ms(void) { return clock_us(CLOCK_REALTIME) / 1000u; }

uint64_t boot_ms(void)
{
#ifdef CLOCK_BOOTTIME
    return clock_us(CLOCK_BOOTTIME) / 1000u;
#else
    return mono_ms();
#endif
}

bool secret_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
    volatile uint8_t different = 0;
    for (size_t i = 0; i < n; i++) different = (uint8_t)(different | (a[i] ^ b[i]));
    return different == 0;
}

void wipe(void *p, size_t n)
{
    volatile uint8_t *q = p;
    while (n-- > 0) *q++ = 0;
}

static void close_span(unsigned first, unsigned last)
{
    if (first > last) return;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, last, 0u) == 0) return;
#endif
    struct rlimit limit;
    unsigned top = 65536;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < top) top = (unsigned)limit.rlim_cur;
    for (unsigned fd = first; fd <= last && fd < top; fd++) close((int)fd);
}

void close_all_except(const int *keep, size_t n)
{
    unsigned next = 0;
    for (size_t i = 0; i < n; i++) {
        if (keep[i] < 0) continue;
        unsigned fd = (unsigned)keep[i];
        if (fd > next) close_span(next, fd - 1);
        next = fd + 1;
    }
    close_span(next, ~0u);
}

ssize_t read_small(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    size_t done = 0;
    while (done + 1 < cap) {
        ssize_t n = read(fd, out + done, cap - 1 - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            int saved = errno;
            close(fd);
            errno = saved;
            return -1;
        }
        if (n == 0) break;
        done += (size_t)n;
    }
    close(fd);
    out[done] = 0;
    return (ssize_t)done;
}

int write_all(int fd, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0) {
            if (errno == EINTR) continue;
            return -1;
        }
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

int set_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int set_cloexec(int fd, bool on)
{
    return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

bool random_bytes(void *out, size_t n)
{
#ifdef SYS_getrandom
    if (syscall(SYS_getrandom, out, n, 0u) == (long)n) return true;
#endif
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t got = read(fd, out, n);
    close(fd);
    return got == (ssize_t)n;
}

typedef uint8_t lanes __attribute__((vector_size(16)));

size_t count_newlines(const uint8_t *data, size_t n)
{
    size_t total = 0;
    const lanes newline = { '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n' };
    while (n >= sizeof(lanes)) {
        /* A lane counts to 255 at most before it is added up. */
        size_t blocks = n / sizeof(lanes);
        if (blocks > 255) blocks = 255;
        lanes sum = { 0 };
        for (size_t i = 0; i < blocks; i++) {
            lanes block;
            memcpy(&block, data + i * sizeof block, sizeof block);
            sum -= (lanes)(block == newline);
        }
        for (size_t i = 0; i < sizeof(lanes); i++) total += sum[i];
        data += blocks * sizeof(lanes);
        n -= blocks * sizeof(lanes);
    }
    for (size_t i = 0; i < n; i++) total += data[i] == '\n';
    return total;
}

void note(const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (n < 0) return;
    size_t len = (size_t)n < sizeof line - 1 ? (size_t)n : sizeof line - 2;
    line[len++] = '\n';
    (void)!write(2, line, len);
}

void *must_alloc(size_t n)
{
    void *p = calloc(1, n);
    if (p == NULL) {
        note("out of memory");
        _exit(1);
    }
    return p;
}
