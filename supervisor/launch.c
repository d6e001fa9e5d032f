#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "protocol.h"
#include "stage.h"
#include "util.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

#define KEEP UINT32_MAX
#define INFO_MAX (64u * 1024)
#define OUTPUT_BOUND (64u * 1024 * 1024)
#define DATA_MAX 64u
#define MOUNTS_MAX 64u
#define BACKLOG 16

/* Where the launched program finds things; the supervisor's own numbers are 3 to 6. */
enum { AT_SOCKET = 3, AT_LOGS, AT_JOURNAL, AT_CONFIG, AT_INFO = 8, AT_DATA = 10 };
/* While they are collected, descriptors live above every target. */
#define HIGH 200

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

struct launch_request {
    char *sandbox, *socket, *logs, *journal, *boot;
    struct slice config;
    uint32_t uid, gid;
    char **cgroups;
    char *staging;
    struct stage_mount mounts[MOUNTS_MAX];
    uint32_t mount_count;
    char **argv, **env;
    struct slice data[DATA_MAX];
    uint32_t data_count;
};

/* What the child tells through its report pipe when it gives up. */
struct setup_failure {
    int err;
    char what[160];
};

static struct launched *children;
static struct buffer out;
static sigset_t before;
static struct rlimit nofile;

static char *text_of(struct slice s)
{
    char *t = malloc((size_t)s.len + 1);
    if (t == NULL) return NULL;
    memcpy(t, s.data, s.len);
    t[s.len] = 0;
    return t;
}

/* A string without NUL; its memory lives until request_free. */
static char *get_text(struct cursor *c)
{
    struct slice s = get_str(c);
    if (c->bad || memchr(s.data, 0, s.len) != NULL) {
        c->bad = true;
        return NULL;
    }
    char *t = text_of(s);
    if (t == NULL) c->bad = true;
    return t;
}

static char **get_texts(struct cursor *c)
{
    uint32_t n = get_count(c);
    if (c->bad) return NULL;
    char **v = calloc((size_t)n + 1, sizeof *v);
    if (v == NULL) c->bad = true;
    for (uint32_t i = 0; i < n && !c->bad; i++) v[i] = get_text(c);
    return v;
}

static void free_texts(char **v)
{
    for (char **t = v; t != NULL && *t != NULL; t++) free(*t);
    free(v);
}

static void request_free(struct launch_request *r)
{
    free(r->sandbox);
    free(r->socket);
    free(r->logs);
    free(r->journal);
    free(r->boot);
    free_texts(r->cgroups);
    free(r->staging);
    for (uint32_t i = 0; i < r->mount_count; i++) {
        free((char *)(uintptr_t)r->mounts[i].source);
        free((char *)(uintptr_t)r->mounts[i].name);
    }
    free_texts(r->argv);
    free_texts(r->env);
}

static bool parse_launch(struct cursor *c, struct launch_request *r)
{
    memset(r, 0, sizeof *r);
    r->sandbox = get_text(c);
    r->socket = get_text(c);
    r->logs = get_text(c);
    r->journal = get_text(c);
    r->boot = get_text(c);
    r->config = get_str(c);
    r->uid = get_u32(c);
    r->gid = get_u32(c);
    r->cgroups = get_texts(c);
    r->staging = get_text(c);
    uint32_t n = get_u32(c);
    if (n > MOUNTS_MAX) c->bad = true;
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        struct stage_mount *m = &r->mounts[r->mount_count++];
        m->source = get_text(c);
        m->name = get_text(c);
        m->flags = get_u8(c);
    }
    r->argv = get_texts(c);
    r->env = get_texts(c);
    r->data_count = get_count(c);
    if (r->data_count > DATA_MAX) c->bad = true;
    for (uint32_t i = 0; i < r->data_count && !c->bad; i++) r->data[i] = get_str(c);
    return cursor_done(c) && r->argv[0] != NULL;
}

/* ---- the child ---- */

static void __attribute__((noreturn)) give_up(int report, const char *what, const char *detail)
{
    struct setup_failure f;
    memset(&f, 0, sizeof f);
    f.err = errno;
    if (detail != NULL) snprintf(f.what, sizeof f.what, "%s: %.80s: %s", what, detail, strerror(f.err));
    else snprintf(f.what, sizeof f.what, "%s: %s", what, strerror(f.err));
    (void)!write_all(report, &f, sizeof f);
    _exit(127);
}

static int raised(int fd)
{
    if (fd < 0) return -1;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
    int saved = errno;
    close(fd);
    errno = saved;
    return high;
}

/* Binds by the last component from within the folder, as the address of a socket holds 107 bytes only. */
static int bind_socket(const char *path)
{
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    char *folder = strdup(path), *name = strdup(path);
    if (folder == NULL || name == NULL || chdir(dirname(folder)) != 0) return -1;
    const char *last = basename(name);
    if (strlen(last) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, last, strlen(last) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    umask(0177);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0) return -1;
    umask(077);
    return chdir("/") == 0 ? fd : -1;
}

static int blob(struct slice s)
{
    int fd = (int)syscall(SYS_memfd_create, "corral", 1u);
    if (fd < 0 || write_all(fd, s.data, s.len) != 0 || lseek(fd, 0, SEEK_SET) != 0) return -1;
    return fd;
}

static void place(int report, int from, int to)
{
    if (dup2(from, to) < 0) give_up(report, "a descriptor cannot be placed", NULL);
}

static void __attribute__((noreturn)) child(const struct launch_request *r, int report, int info)
{
    report = raised(report);
    info = raised(info);
    if (report < 0 || info < 0) _exit(127);
    int listener = raised(bind_socket(r->socket));
    if (listener < 0) give_up(report, "the socket cannot be bound", r->socket);
    int logs = raised(open(r->logs, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (logs < 0) give_up(report, "the log folder cannot be opened", r->logs);
    int journal = raised(open(r->journal, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (journal < 0) give_up(report, "the journal cannot be opened", r->journal);
    int boot = raised(open(r->boot, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (boot < 0) give_up(report, "the boot log cannot be opened", r->boot);
    int empty = raised(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (empty < 0) give_up(report, "/dev/null cannot be opened", NULL);
    int config = raised(blob(r->config));
    if (config < 0) give_up(report, "the configuration cannot be handed over", NULL);
    int data[DATA_MAX];
    for (uint32_t i = 0; i < r->data_count; i++)
        if ((data[i] = raised(blob(r->data[i]))) < 0) give_up(report, "data cannot be handed over", NULL);
    for (char **path = r->cgroups; *path != NULL; path++) {
        int fd = open(*path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write_all(fd, "0", 1) != 0) give_up(report, "a cgroup cannot be joined", *path);
        close(fd);
    }
    if (setsid() < 0) give_up(report, "no session can be made", NULL);
    if (r->mount_count > 0) {
        const char *what = "the mounts cannot be staged";
        if (stage_mounts(r->staging, r->mounts, r->mount_count, r->uid, r->gid, &what) != 0) give_up(report, what, NULL);
    }
    if (r->uid != KEEP || r->gid != KEEP) {
        uid_t uid = r->uid == KEEP ? (uid_t)-1 : r->uid;
        gid_t gid = r->gid == KEEP ? (gid_t)-1 : r->gid;
        if (fchown(logs, uid, gid) != 0 || fchown(journal, uid, gid) != 0) give_up(report, "the logs cannot be given to the user", NULL);
        if (setgroups(0, NULL) != 0) give_up(report, "the groups cannot be dropped", NULL);
        if (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) give_up(report, "the user cannot be changed", NULL);
    }
    place(report, empty, 0);
    place(report, boot, 1);
    place(report, boot, 2);
    place(report, listener, AT_SOCKET);
    place(report, logs, AT_LOGS);
    place(report, journal, AT_JOURNAL);
    place(report, config, AT_CONFIG);
    place(report, info, AT_INFO);
    for (uint32_t i = 0; i < r->data_count; i++) place(report, data[i], AT_DATA + (int)i);
    int keep[8 + DATA_MAX + 1] = { 0, 1, 2, AT_SOCKET, AT_LOGS, AT_JOURNAL, AT_CONFIG, AT_INFO };
    size_t kept = 8;
    for (uint32_t i = 0; i < r->data_count; i++) keep[kept++] = AT_DATA + (int)i;
    keep[kept++] = report;
    close_all_except(keep, kept);
    umask(022);
    setrlimit(RLIMIT_NOFILE, &nofile);
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(SIGPIPE, &standard, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    execve(r->argv[0], r->argv, r->env);
    give_up(report, "the program cannot be executed", r->argv[0]);
}

/* ---- the launcher ---- */

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
    if (ready && pid == 0) child(r, report[1], info[1]);
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
    int err = 0;
    if (fd < 0 && !plain) err = errno;
    else if (ticks != 0 && start_ticks(pid) != ticks) err = ESRCH;
    else if ((plain ? (long)kill(pid, SIGKILL) : syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0u)) != 0) err = errno;
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
        bool good = parse_launch(&c, &r);
        if (good) launch(f->id, &r);
        request_free(&r);
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
