#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve.h"
#include "util.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

const int ignored_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU,
                                SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO };
const int ignored_signal_count = (int)COUNT_OF(ignored_signals);

/* Written by the vfork child, which shares the shim's memory, before it gives up. */
struct attempt {
    volatile int stage, err;
    volatile bool interpreter;
};

/* Whether a file without a known format may be handed to /bin/sh: text, not the binary of another machine. */
static bool looks_like_script(const char *path)
{
    char head[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    ssize_t n = read(fd, head, sizeof head);
    close(fd);
    if (n < 0) return false;
    for (ssize_t i = 0; i < n && head[i] != '\n'; i++)
        if (head[i] == 0) return false;
    return true;
}

/* execve and the reason why it failed, told apart finer than errno does. */
static int try_exec(const char *path, char **argv, char **shell_argv, char **env, volatile bool *interpreter)
{
    struct stat st;
    execve(path, argv, env);
    int err = errno;
    if (err == ENOENT && stat(path, &st) == 0) *interpreter = true;
    if (err == EACCES && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) err = EISDIR;
    if (err == ENOEXEC && looks_like_script(path)) {
        shell_argv[1] = (char *)(uintptr_t)path;
        execve("/bin/sh", shell_argv, env);
    }
    return err;
}

static int exec_lookup(char **argv, char **shell_argv, char **env, volatile bool *interpreter)
{
    const char *name = argv[0];
    if (strchr(name, '/') != NULL) return try_exec(name, argv, shell_argv, env, interpreter);
    size_t len = strlen(name);
    if (len == 0) return ENOENT;
    const char *path = DEFAULT_PATH;
    for (char **e = env; *e != NULL; e++)
        if (strncmp(*e, "PATH=", 5) == 0) {
            path = *e + 5;
            break;
        }
    int found = ENOENT;
    for (const char *at = path;; at++) {
        const char *end = strchrnul(at, ':');
        size_t dir = (size_t)(end - at);
        char file[4096];
        if (dir + len + 2 <= sizeof file) {
            memcpy(file, at, dir);
            size_t n = dir;
            if (dir > 0) file[n++] = '/';
            memcpy(file + n, name, len + 1);
            volatile bool missing = false;
            int err = try_exec(file, argv, shell_argv, env, &missing);
            if (missing) {
                *interpreter = true;
                return err;
            }
            /* A file that may not be run (or a folder of that name) does not hide one further on. */
            if (err == EACCES || err == EISDIR) found = EACCES;
            else if (err != ENOENT && err != ENOTDIR && err != ELOOP && err != ENAMETOOLONG && err != ESTALE && err != ENODEV &&
                     err != ETIMEDOUT)
                return err;
        }
        at = end;
        if (*at == 0) return found;
    }
}

/* The leader between vfork and exec. Uses system calls and the stack only. */
static void __attribute__((noreturn, noinline)) leader(const struct shim_task *t, int step, char **shell_argv, struct attempt *a)
{
    t->slot->step = (uint32_t)step;
    t->slot->leader = getpid();
    a->stage = STAGE_SESSION;
    if (setsid() < 0) goto failed;
    a->stage = STAGE_TERMINAL;
    if (t->pty && ioctl(t->out, TIOCSCTTY, 0) != 0) goto failed;

    a->stage = STAGE_STREAMS;
    /* The shim holds its streams above 2, so no dup2 overwrites one that is still needed. Without input 0 stays /dev/null. */
    if (t->in >= 0 && dup2(t->in, 0) < 0) goto failed;
    if (dup2(t->out, 1) < 0 || dup2(t->err, 2) < 0) goto failed;

    a->stage = STAGE_CWD;
    if (chdir(t->cwd) != 0) goto failed;
    umask(022);

    a->stage = STAGE_LIMITS;
    if (setrlimit(RLIMIT_NOFILE, &t->nofile) != 0) goto failed;
    for (int i = 0; i < t->limit_count; i++) {
        struct rlimit now, limit;
        rlim_t value = t->limits[i].value == UINT64_MAX ? RLIM_INFINITY : (rlim_t)t->limits[i].value;
        if (getrlimit((__rlimit_resource_t)t->limits[i].resource, &now) != 0) goto failed;
        limit.rlim_cur = limit.rlim_max = value;
        if (setrlimit((__rlimit_resource_t)t->limits[i].resource, &limit) == 0) continue;
        /* Only a privileged process may pass the hard limit: what is tighter already holds. */
        if (errno != EPERM || value <= now.rlim_max) goto failed;
        limit.rlim_cur = limit.rlim_max = now.rlim_max;
        if (setrlimit((__rlimit_resource_t)t->limits[i].resource, &limit) != 0) goto failed;
    }

    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    for (int i = 0; i < ignored_signal_count; i++) sigaction(ignored_signals[i], &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    a->stage = STAGE_EXEC;
    a->err = exec_lookup(t->argv[step], shell_argv, t->env, &a->interpreter);
    _exit(127);
failed:
    a->err = errno;
    _exit(127);
}

static pid_t __attribute__((noinline)) start(const struct shim_task *t, int step, struct attempt *a)
{
    size_t n = 0;
    while (t->argv[step][n] != NULL) n++;
    /* /bin/sh FILE ARG...: the file's name is filled in once it is known. */
    char **volatile shell_argv = malloc((n + 2) * sizeof *shell_argv);
    if (shell_argv == NULL) {
        a->stage = STAGE_FORK;
        a->err = ENOMEM;
        return -1;
    }
    shell_argv[0] = (char *)(uintptr_t)"/bin/sh";
    for (size_t i = 1; i <= n; i++) shell_argv[i + 1] = t->argv[step][i];
    a->stage = STAGE_NONE;
    a->err = 0;
    a->interpreter = false;
    pid_t pid = vfork();
    if (pid == 0) leader(t, step, shell_argv, a);
    if (pid < 0) {
        a->stage = STAGE_FORK;
        a->err = errno;
    }
    free(shell_argv);
    return pid;
}

static void send_report(int fd, const struct shim_report *r)
{
    (void)!write_all(fd, r, sizeof *r);
}

/* The kernel's own sum over everything the shim has reaped, and what that had reaped: the steps, and orphans. */
static void account(struct shim_slot *slot)
{
    struct rusage sum;
    if (getrusage(RUSAGE_CHILDREN, &sum) == 0) slot->ended = usage_of(&sum);
}

/* Moves a descriptor above the standard ones; -1 stays -1. */
static int above_standard(int fd)
{
    if (fd < 0 || fd > 2) return fd;
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int ascending(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

void shim_main(const struct shim_task *task)
{
    struct shim_task t = *task;
    wipe(server.client_secret, SECRET_BYTES);
    wipe(server.supervisor_secret, SECRET_BYTES);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    prctl(PR_SET_NAME, "corral-shim", 0, 0, 0);
    t.in = above_standard(t.in);
    t.out = above_standard(t.out);
    t.err = above_standard(t.err);
    t.report = above_standard(t.report);
    int keep[7] = { 0, 1, 2, t.report, t.in, t.out, t.err };
    qsort(keep, COUNT_OF(keep), sizeof keep[0], ascending);
    close_all_except(keep, COUNT_OF(keep));

    bool streams_open = true;
    bool finished = false;
    for (int step = 0; step < t.steps && !finished; step++) {
        struct attempt attempt = { 0 };
        struct shim_report r;
        memset(&r, 0, sizeof r);
        r.step = (uint32_t)step;
        r.start_ms = real_ms();
        r.began_us = mono_us();
        pid_t pid = start(&t, step, &attempt);
        int status;
        if (pid < 0 || attempt.err != 0) {
            if (pid > 0) while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
            r.kind = REPORT_FAILED;
            r.stage = attempt.stage;
            r.err = attempt.err;
            r.interpreter = attempt.interpreter;
            r.final = 1;
            r.others = waitpid(-1, &status, WNOHANG | WNOWAIT) == 0;
            send_report(t.report, &r);
            break;
        }
        r.kind = REPORT_STARTED;
        r.pid = pid;
        send_report(t.report, &r);
        if (step + 1 == t.steps) {
            if (t.in >= 0) close(t.in);
            if (t.out != t.in) close(t.out);
            if (t.err != t.out) close(t.err);
            streams_open = false;
        }
        pid_t got;
        while ((got = waitpid(-1, &status, 0)) != pid && (got > 0 || errno == EINTR))
            if (got > 0) account(t.slot);
        if (got != pid) break;
        r.kind = REPORT_EXITED;
        r.ended_us = mono_us();
        r.status = status;
        int other;
        while ((got = waitpid(-1, &other, WNOHANG)) > 0) {}
        account(t.slot);
        r.others = got == 0;
        finished = !WIFEXITED(status) || WEXITSTATUS(status) != 0 || step + 1 == t.steps || t.slot->stop;
        r.final = finished;
        send_report(t.report, &r);
        t.slot->leader = 0;
    }
    if (streams_open) {
        if (t.in >= 0) close(t.in);
        close(t.out);
        close(t.err);
    }
    close(1);
    close(2);
    for (;;) {
        int status;
        pid_t got = waitpid(-1, &status, 0);
        if (got > 0) account(t.slot);
        if (got < 0 && errno != EINTR) break;
    }
    _exit(0);
}
