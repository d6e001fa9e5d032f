#define _GNU_SOURCE
#include "blocked.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "descriptors.h"
#include "tree.h"
#include "util.h"

#define RETURNS_SOON_MS 4000    /* a wait that ends by itself before that is the loop of a program with other things to do */
#define POLL_MAX 256u
#define SELECT_MAX 1024u
#define RESTARTED_MAX 8         /* 9 and 128 are operations of futex */

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* 1: it is in a call. 0: it runs, or is gone. -1: the kernel does not tell. */
static int call_of(pid_t pid, pid_t tid, long *number, uint64_t args[6])
{
    char path[56], text[256];
    snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
    if (read_small(path, text, sizeof text) <= 0) {
        if (errno == ESRCH) return 0;
        *strrchr(path, '/') = 0;
        return access(path, F_OK) == 0 ? -1 : 0;
    }
    unsigned long long a[6];
    if (sscanf(text, "%ld %llx %llx %llx %llx %llx %llx", number, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5]) != 7) return 0;
    for (int i = 0; i < 6; i++) args[i] = a[i];
    return 1;
}

static bool memory_of(pid_t pid, uint64_t at, void *out, size_t n)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t got = at <= INT64_MAX ? pread(fd, out, n, (off_t)at) : -1;
    close(fd);
    return got == (ssize_t)n;
}

/* Whether a limit of time, a timespec or timeval of the process, passes soon; one that cannot be read might. NULL = never. */
static bool soon(pid_t pid, uint64_t at, long unit)
{
    struct { int64_t seconds, part; } limit;
    if (at == 0) return false;
    if (!memory_of(pid, at, &limit, sizeof limit)) return true;
    return limit.seconds < RETURNS_SOON_MS / 1000 && limit.seconds * 1000 + limit.part / unit < RETURNS_SOON_MS;
}

static bool soon_ms(uint64_t raw)
{
    int ms = (int)raw;
    return ms >= 0 && ms < RETURNS_SOON_MS;
}

static enum source together(enum source so_far, const struct process *p, int fd, const struct input_id *in)
{
    enum source one = descriptor_source(p, fd, in);
    if (one == SOURCE_EPOLL) one = epoll_source(p, fd, in, 1);
    if (one == SOURCE_CONNECTION) one = SOURCE_OTHER;
    return one == SOURCE_SELF || so_far == SOURCE_OTHER ? so_far : one;
}

static enum source polled(const struct process *p, uint64_t at, uint64_t count, const struct input_id *in)
{
    struct pollfd set[POLL_MAX];
    if (count == 0 || count > POLL_MAX || !memory_of(p->pid, at, set, (size_t)count * sizeof *set)) return SOURCE_OTHER;
    enum source all = SOURCE_SELF;
    for (uint64_t i = 0; i < count; i++)
        if (set[i].fd >= 0 && (set[i].events & (POLLIN | POLLRDNORM)) != 0) all = together(all, p, set[i].fd, in);
    return all;
}

static enum source selected(const struct process *p, uint64_t at, uint64_t count, const struct input_id *in)
{
    uint64_t set[SELECT_MAX / 64];
    if (at == 0 || (int)count <= 0) return SOURCE_SELF;
    if (count > SELECT_MAX || !memory_of(p->pid, at, set, (size_t)((count + 63) / 64) * 8)) return SOURCE_OTHER;
    enum source all = SOURCE_SELF;
    for (unsigned i = 0; i < count; i++)
        if ((set[i / 64] >> (i % 64) & 1u) != 0) all = together(all, p, (int)i, in);
    return all;
}

/* Numbers of calls mean this machine's only in a process of its own kind. The auxiliary vector begins with a small number, as wide as the kind. */
static bool is_native(pid_t pid)
{
    char path[32];
    uint32_t head[2];
    snprintf(path, sizeof path, "/proc/%d/auxv", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
    if (fd >= 0) close(fd);
    return n == (ssize_t)sizeof head && (sizeof(void *) == 4 || head[1] == 0);
}

static bool waits_in(const struct process *p, long number, const uint64_t a[6], const struct input_id *in)
{
    switch (number) {
    case SYS_read: case SYS_readv: case SYS_preadv2: case SYS_splice: case SYS_tee:
        return !in->returns && descriptor_is_input(p, (int)a[0], in);
#ifdef SYS_poll
    case SYS_poll: return polled(p, a[0], a[1], in) == SOURCE_INPUT && !soon_ms(a[2]);
    /* A poll that goes on after the process was stopped. A sleep or a futex that does has other arguments: no small number is second. */
    case SYS_restart_syscall: return a[1] >= 1 && a[1] <= RESTARTED_MAX && polled(p, a[0], a[1], in) == SOURCE_INPUT && !soon_ms(a[2]);
#endif
    case SYS_ppoll: return polled(p, a[0], a[1], in) == SOURCE_INPUT && !soon(p->pid, a[2], 1000000);
#ifdef SYS_select
    case SYS_select: return selected(p, a[1], a[0], in) == SOURCE_INPUT && !soon(p->pid, a[4], 1000);
#endif
    case SYS_pselect6: return selected(p, a[1], a[0], in) == SOURCE_INPUT && !soon(p->pid, a[4], 1000000);
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait: return epoll_source(p, (int)a[0], in, 0) == SOURCE_INPUT && !soon_ms(a[3]);
    case SYS_epoll_pwait2: return epoll_source(p, (int)a[0], in, 0) == SOURCE_INPUT && !soon(p->pid, a[3], 1000000);
    default: return false;
    }
}

enum blocked blocked_on(const struct process *p, pid_t tid, const struct input_id *in)
{
    long number;
    uint64_t args[6];
    int got = call_of(p->pid, tid, &number, args);
    if (got < 0) return BLOCKED_UNKNOWN;
    if (got == 0 || !waits_in(p, number, args, in) || !is_native(p->pid) || process_listens(p)) return BLOCKED_ELSEWHERE;
    return BLOCKED_ON_INPUT;
}
