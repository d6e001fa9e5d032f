#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "launch_child.h"
#include "launch_request.h"
#include "protocol.h"
#include "util.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

#define INFO_MAX (64u * 1024)
#define OUTPUT_BOUND (64u * 1024 * 1024)

struct launched {
    struct launched *next;
    pid_t pid;
    uint32_t id;
    int report;             /* closed by exec; -1 = told */
    int info;               /* -1 = told */
    struct buffer text;     /* of info */
    bool answered, failed, ended;
    int status;
};

static struct launched *children;
static struct buffer out;
static sigset_t before;
static struct rlimit nofile;

static void error_reply(uint32_t id, int code, int err, const char *message)
{
    size_t mark = frame_begin(&out, REP_ERROR, id);
    put_u16(&out, (uint16_t)code);
    put_i32(&out, err);
    put_text(&out, message);
    frame_end(&out, mark);
}

static void launch(uint32_t id, const struct launch_request *r)
{
    int report[2] = { -1, -1 }, info[2] = { -1, -1 };
    struct launched *l = calloc(1, sizeof *l);
    pid_t pid = -1;
    bool ready = l != NULL && pipe2(report, O_CLOEXEC) == 0 && pipe2(info, O_CLOEXEC) == 0;
    if (ready) pid = fork();
    if (ready && pid == 0) launch_child(r, report[1], info, &nofile, &before);
    int saved = errno;
    if (report[1] >= 0) close(report[1]);
    if (info[1] >= 0) close(info[1]);
    if (pid < 0) {
        if (report[0] >= 0) close(report[0]);
        if (info[0] >= 0) close(info[0]);
        free(l);
        error_reply(id, ERR_SPAWN_FAILED, saved, "no process can be started");
        return;
    }
    l->pid = pid;
    l->id = id;
    l->report = report[0];
    l->info = info[0];
    set_nonblock(l->report);
    set_nonblock(l->info);
    l->next = children;
    children = l;
}

static uint64_t start_ticks(pid_t pid)
{
    char path[40], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_small(path, text, sizeof text) <= 0) return 0;
    const char *close = strrchr(text, ')');
    unsigned long long start = 0;
    if (close == NULL || sscanf(close + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &start) != 1) return 0;
    return start;
}

static void end_process(uint32_t id, pid_t pid, uint64_t ticks)
{
    if (pid <= 1) {
        error_reply(id, ERR_BAD_REQUEST, EINVAL, "not a process that may be ended");
        return;
    }
    if (ticks == 0) {
        struct launched *l = children;
        while (l != NULL && (l->pid != pid || l->ended)) l = l->next;
        if (l == NULL) {
            error_reply(id, ERR_NOT_FOUND, ESRCH, "not a running child of the launcher");
            return;
        }
    }
    /* The descriptor is taken first: from then on it names one process, and the start time tells whether it is the right one. */
    int fd = (int)syscall(SYS_pidfd_open, pid, 0u);
    bool plain = fd < 0 && errno == ENOSYS;
    bool ended = false;
    int err = 0;
    if (fd < 0 && !plain) err = errno;
    else if (ticks != 0 && start_ticks(pid) != ticks) err = ESRCH;
    /* What it began and has not told of yet is in its group still, and would wait for it for ever. */
    else if (getpgid(pid) == pid) ended = kill(-pid, SIGKILL) == 0;
    if (err == 0 && !ended && (plain ? (long)kill(pid, SIGKILL) : syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0u)) != 0) err = errno;
    if (fd >= 0) close(fd);
    if (err == 0) frame_end(&out, frame_begin(&out, REP_OK, id));
    else if (err == ESRCH) error_reply(id, ERR_NOT_FOUND, err, "no such process");
    else error_reply(id, err == EPERM ? ERR_PERMISSION : ERR_IO, err, strerror(err));
}

/* False = malformed: the launcher ends. */
static bool handle(const struct frame *f)
{
    struct cursor c = { f->payload, f->payload + f->len, false };
    if (f->type == REQ_LAUNCH) {
        struct launch_request r;
        bool good = launch_request_parse(&c, &r);
        if (good) launch(f->id, &r);
        launch_request_free(&r);
        return good;
    }
    if (f->type == REQ_END) {
        pid_t pid = get_i32(&c);
        uint64_t ticks = get_u64(&c);
        if (!cursor_done(&c)) return false;
        end_process(f->id, pid, ticks);
        return true;
    }
    return false;
}

static void on_report(struct launched *l)
{
    struct setup_failure f;
    memset(&f, 0, sizeof f);
    ssize_t n = read(l->report, &f, sizeof f);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    close(l->report);
    l->report = -1;
    l->answered = true;
    if (n > 0) {
        l->failed = true;
        f.what[sizeof f.what - 1] = 0;
        error_reply(l->id, ERR_SPAWN_FAILED, f.err, f.what);
        return;
    }
    size_t mark = frame_begin(&out, REP_LAUNCH, l->id);
    put_i32(&out, l->pid);
    frame_end(&out, mark);
}

static void on_info(struct launched *l)
{
    uint8_t bytes[4096];
    ssize_t n;
    while ((n = read(l->info, bytes, sizeof bytes)) > 0)
        if (l->text.len + (size_t)n <= INFO_MAX) put_bytes(&l->text, bytes, (size_t)n);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    close(l->info);
    l->info = -1;
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (struct launched *l = children; l != NULL; l = l->next) {
            if (l->pid != pid || l->ended) continue;
            l->ended = true;
            l->status = status;
        }
    }
}

/* Tells, in this order: the reply, LAUNCHED, ENDED. */
static void settle(void)
{
    for (struct launched **at = &children; *at != NULL;) {
        struct launched *l = *at;
        if (l->report >= 0) on_report(l);
        if (l->info >= 0 && l->answered) {
            on_info(l);
            if (l->info < 0 && !l->failed) {
                size_t mark = frame_begin(&out, EVT_LAUNCHED, 0);
                put_i32(&out, l->pid);
                put_str(&out, l->text.data, l->text.len);
                frame_end(&out, mark);
            }
        }
        if (!l->ended || !l->answered) {
            at = &l->next;
            continue;
        }
        if (!l->failed) {
            size_t mark = frame_begin(&out, EVT_ENDED, 0);
            put_i32(&out, l->pid);
            put_i32(&out, l->status);
            frame_end(&out, mark);
        }
        /* What it started may hold the info pipe for ever; it has nothing to tell any more. */
        if (l->info >= 0) close(l->info);
        buffer_free(&l->text);
        *at = l->next;
        free(l);
    }
}

static size_t child_count(void)
{
    size_t n = 0;
    for (struct launched *l = children; l != NULL; l = l->next) n++;
    return n;
}

int launch_main(void)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int keep[3] = { 0, 1, 2 };
    close_all_except(keep, COUNT_OF(keep));
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigemptyset(&before);
    getrlimit(RLIMIT_NOFILE, &nofile);
    struct rlimit most = { nofile.rlim_max, nofile.rlim_max };
    setrlimit(RLIMIT_NOFILE, &most);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0 || set_nonblock(1) != 0) return 1;
    umask(077);
    struct buffer in = { 0 };
    struct pollfd *fds = NULL;
    bool open_input = true;
    while (open_input) {
        size_t most_fds = 3 + 2 * child_count();
        struct pollfd *grown = realloc(fds, most_fds * sizeof *fds);
        if (grown == NULL) return 1;
        fds = grown;
        fds[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
        fds[2] = (struct pollfd){ .fd = buffer_pending(&out) > 0 ? 1 : -1, .events = POLLOUT };
        nfds_t n = 3;
        for (struct launched *l = children; l != NULL; l = l->next) {
            if (l->report >= 0) fds[n++] = (struct pollfd){ .fd = l->report, .events = POLLIN };
            if (l->info >= 0) fds[n++] = (struct pollfd){ .fd = l->info, .events = POLLIN };
        }
        if (poll(fds, n, -1) < 0) continue;
        if (fds[1].revents != 0) {
            struct signalfd_siginfo s[8];
            while (read(signals, s, sizeof s) > 0) {}
            reap();
        }
        if (fds[0].revents != 0) {
            size_t pending = buffer_pending(&in);
            struct frame f;
            size_t want = 64u * 1024;
            if (pending >= 4 && frame_next(in.data + in.start, pending, FRAME_MAX, &f) == 0 && f.whole > pending + want) want = f.whole - pending;
            if (!buffer_reserve(&in, want)) return 1;
            ssize_t got = read(0, in.data + in.len, in.cap - in.len);
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) open_input = false;
            if (got > 0) in.len += (size_t)got;
        }
        struct frame f;
        int state;
        while ((state = frame_next(in.data + in.start, buffer_pending(&in), FRAME_MAX, &f)) == 1) {
            bool good = handle(&f);
            /* Configurations hold secrets. */
            wipe(in.data + in.start, f.whole);
            buffer_consume(&in, f.whole);
            if (!good) return 1;
        }
        if (state < 0) return 1;
        settle();
        while (buffer_pending(&out) > 0) {
            ssize_t w = write(1, out.data + out.start, buffer_pending(&out));
            if (w > 0) {
                buffer_consume(&out, (size_t)w);
                continue;
            }
            if (w < 0 && errno == EINTR) continue;
            if (w < 0 && errno == EAGAIN) break;
            return 0;
        }
        if (out.failed || buffer_pending(&out) > OUTPUT_BOUND) return 1;
    }
    return 0;
}
