#define _GNU_SOURCE
#include "run_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "glob.h"
#include "plan.h"
#include "plan_files.h"
#include "util.h"

#define STATUS_OWN 125          /* the runner itself cannot go on */
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND 127
#define STATUS_REDIRECTION 1

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

extern char **environ;

struct finished {
    int status[PLAN_STAGES_MAX];    /* as waitpid tells it */
    int count;
};

static volatile sig_atomic_t interrupted;

/* One line on standard error, of any length. */
static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) return;
    (void)write_all(2, text, (size_t)n);
    free(text);
}

static int code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

/* ---- one program; these run in its process ---- */

/* execveat runs the very file that was looked at. Before 6.14 the kernel would call the process by the number of a descriptor. */
static bool names_what_it_execs(void)
{
    struct utsname u;
    int major = 0, minor = 0;
    return uname(&u) == 0 && sscanf(u.release, "%d.%d", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 14));
}

/* Returns only when it failed, with the reason; *text is set when that is none of the system's. */
static int execute(const struct command *c, char **argv, const char **text)
{
    struct stat st;
    int fd = open(c->path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) return errno;
    if ((c->device != 0 || c->inode != 0) && (st.st_dev != c->device || st.st_ino != c->inode)) {
        *text = "is not the file that was decided on";
        return EACCES;
    }
    if (S_ISDIR(st.st_mode)) return EISDIR;
    if (!S_ISREG(st.st_mode)) return EACCES;
#ifdef SYS_execveat
    if (names_what_it_execs()) {
        syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
        /* A script is opened again by its interpreter, for which the descriptor is gone; a filter may not know the call. */
        if (errno != ENOENT && errno != ENOSYS && errno != EPERM) return errno;
    }
#endif
    execve(c->path, argv, environ);
    int err = errno;
    if (err == ENOENT) *text = "the program that runs this script is not there";
    return err;
}

static void set_environment(const struct command *c)
{
    for (uint32_t i = 0; i < c->env_count; i++)
        if (putenv(c->env[i].data) != 0) {
            complain("corral: out of memory\n");
            _exit(STATUS_OWN);
        }
}

static void expand_words(const struct command *c, struct texts *argv)
{
    for (uint32_t i = 0; i < c->word_count; i++) {
        char *culprit = NULL;
        switch (glob_word(&c->words[i], argv, plan_files_inside, &culprit)) {
        case GLOB_OK: break;
        case GLOB_TOO_MUCH: complain("corral: %s: %s\n", argv->count > 0 ? argv->v[0] : "", strerror(E2BIG)); _exit(STATUS_NOT_EXECUTABLE);
        case GLOB_OUTSIDE:
            complain("corral: %s: %s: %s\n", argv->v[0], culprit == NULL ? "" : culprit, "the pattern matches what leads outside the workspace, or nowhere");
            _exit(STATUS_NOT_EXECUTABLE);
        case GLOB_NO_MEMORY: complain("corral: out of memory or descriptors\n"); _exit(STATUS_OWN);
        }
    }
}

static void redirect(const struct command *c)
{
    for (uint32_t i = 0; i < c->redirect_count; i++) {
        const struct redirect *r = &c->redirects[i];
        int fd = r->kind == REDIRECT_FD ? r->source : plan_files_redirect(r);
        if (fd < 0) {
            int err = errno;
            complain("corral: %s: %s\n", r->kind == REDIRECT_DATA ? "here-document" : r->kind == REDIRECT_NULL ? "/dev/null" : r->text.data,
                     plan_files_error(err));
            _exit(STATUS_REDIRECTION);
        }
        if (fd != r->fd && dup2(fd, r->fd) < 0) {
            complain("corral: %s\n", strerror(errno));
            _exit(STATUS_REDIRECTION);
        }
        if (fd > 2) close(fd);
    }
}

/* Turns this process into the command. Words are expanded before anything is redirected, so that no pattern sees a file the command makes. */
static void __attribute__((noreturn)) become(const struct command *c)
{
    signal(SIGINT, SIG_DFL);
    struct texts argv = { 0 };
    expand_words(c, &argv);
    redirect(c);
    set_environment(c);
    if (*c->path == 0) {
        complain("corral: %s: command not found\n", argv.v[0]);
        _exit(STATUS_NOT_FOUND);
    }
    const char *text = NULL;
    int err = execute(c, argv.v, &text);
    complain("corral: %s: %s\n", argv.v[0], text != NULL ? text : strerror(err));
    _exit(err == ENOENT || err == ENOTDIR ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

/* ---- pipelines ---- */

static void __attribute__((noreturn)) run_stage(const struct command *c, int in, int out)
{
    if ((in >= 0 && dup2(in, 0) < 0) || (out >= 0 && dup2(out, 1) < 0)) {
        complain("corral: %s\n", strerror(errno));
        _exit(STATUS_OWN);
    }
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    become(c);
}

static int wait_for(pid_t pid, struct rusage *usage)
{
    int status;
    while (wait4(pid, &status, 0, usage) < 0)
        if (errno != EINTR) return STATUS_OWN << 8;
    return status;
}

static void tell_signal(const struct command *c, int status)
{
    int n = WTERMSIG(status);
    if (!WIFSIGNALED(status) || n == SIGINT || n == SIGPIPE) return;
    complain("corral: %s: %s%s\n", c->words[0].parts[0].text.data, strsignal(n), WCOREDUMP(status) ? " (core dumped)" : "");
}

/* Starts all stages, then waits for all of them. False when not all could be started: then those that were are ended. */
static bool run_pipeline(const struct step *s, struct finished *f, struct timeval *user, struct timeval *system)
{
    pid_t pids[PLAN_STAGES_MAX];
    int in = -1, started = 0, err = 0;
    for (; started < s->stage_count && err == 0; started++) {
        int ends[2] = { -1, -1 };
        if (started + 1 < s->stage_count && pipe2(ends, O_CLOEXEC) != 0) {
            err = errno;
            break;
        }
        pid_t pid = fork();
        if (pid == 0) run_stage(&s->stages[started], in, ends[1]);
        err = pid < 0 ? errno : 0;
        if (in >= 0) close(in);
        if (ends[1] >= 0) close(ends[1]);
        in = ends[0];
        if (pid < 0) break;
        pids[started] = pid;
    }
    if (in >= 0) close(in);
    if (err != 0) {
        complain("corral: a program could not be started: %s\n", strerror(err));
        for (int i = 0; i < started; i++) kill(pids[i], SIGKILL);
    }
    f->count = started;
    for (int i = 0; i < started; i++) {
        struct rusage usage = { 0 };
        f->status[i] = wait_for(pids[i], &usage);
        if (err == 0) tell_signal(&s->stages[i], f->status[i]);
        timeradd(user, &usage.ru_utime, user);
        timeradd(system, &usage.ru_stime, system);
    }
    return err == 0;
}

static void tell_time(uint64_t real_us, struct timeval user, struct timeval system)
{
    const struct { const char *name; uint64_t us; } lines[] = { { "real", real_us },
        { "user", (uint64_t)user.tv_sec * 1000000u + (uint64_t)user.tv_usec }, { "sys", (uint64_t)system.tv_sec * 1000000u + (uint64_t)system.tv_usec } };
    complain("\n");
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        complain("%s\t%llum%u.%03us\n", lines[i].name, (unsigned long long)(lines[i].us / 60000000u), (unsigned)(lines[i].us / 1000000u % 60),
                 (unsigned)(lines[i].us / 1000u % 1000));
}

/* ---- lists ---- */

static void set_folder(const char *name)
{
    char path[PATH_MAX];
    if (getcwd(path, sizeof path) == NULL) unsetenv(name);
    else if (setenv(name, path, 1) != 0) complain("corral: out of memory\n");
}

static int change_folder(const char *path)
{
    set_folder("OLDPWD");
    int err = plan_files_change(path);
    if (err != 0) complain("corral: cd: %s: %s\n", path, plan_files_error(err));
    set_folder("PWD");
    return err == 0 ? 0 : 1;
}

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void die_of_interrupt(void)
{
    signal(SIGINT, SIG_DFL);
    raise(SIGINT);
}

/* As in a shell, a program that ended by the interrupt ends the list, too; one that handled it does not. The terminal's signal reaches the
   program first, at times, so its end counts whether or not the signal was seen here. */
static void follow_interrupt(int status)
{
    interrupted = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) die_of_interrupt();
}

static void report(const struct finished *f, bool first)
{
    if (first) complain("corral: statuses");
    for (int i = 0; i < f->count; i++) complain("%s%d", i == 0 ? " " : "|", code_of(f->status[i]));
}

static bool is_due(const struct step *s, int status)
{
    return s->when == WHEN_ALWAYS || (s->when == WHEN_SUCCESS) == (status == 0);
}

/* A report is one line at the end: "corral: statuses 0 1|0 127", a step each, - for one that was not due. */
static int run_steps(const struct plan *plan)
{
    int status = 0;
    struct finished *all = (plan->flags & PLAN_REPORT) ? calloc(plan->step_count, sizeof *all) : NULL;
    if ((plan->flags & PLAN_REPORT) && all == NULL) {
        complain("corral: out of memory\n");
        return STATUS_OWN;
    }
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct step *s = &plan->steps[i];
        if (interrupted) die_of_interrupt();
        if (!is_due(s, status)) continue;
        struct finished f = { { 0 }, 0 };
        struct timeval user = { 0, 0 }, system = { 0, 0 };
        uint64_t began = mono_us();
        bool good = true;
        if (s->cd != NULL) {
            f.status[f.count++] = change_folder(s->cd) << 8;
        } else {
            /* The last command needs nobody to wait for it: how it ends is how the execution ends. */
            if (i + 1 == plan->step_count && s->stage_count == 1 && !(s->flags & STEP_TIMED) && all == NULL) become(&s->stages[0]);
            good = run_pipeline(s, &f, &user, &system);
        }
        if (!good) {
            free(all);
            return STATUS_OWN;
        }
        follow_interrupt(f.status[f.count - 1]);
        if (s->flags & STEP_TIMED) tell_time(mono_us() - began, user, system);
        status = code_of(f.status[f.count - 1]);
        if (all != NULL) all[i] = f;
    }
    for (uint32_t i = 0; all != NULL && i < plan->step_count; i++) {
        report(&all[i], i == 0);
        if (all[i].count == 0) complain(" -");
    }
    if (all != NULL) complain("\n");
    free(all);
    return status;
}

static bool prepare_descriptors(void)
{
    const int keep[] = { 0, 1, 2 };
    close_all_except(keep, COUNT_OF(keep));
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd) return false;
    return true;
}

static bool prepare_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    /* Programs get the default of SIGPIPE whatever this process was started with. */
    return signal(SIGPIPE, SIG_DFL) != SIG_ERR && sigaction(SIGINT, &action, NULL) == 0;
}

int run_plan_main(int count, char **args)
{
    struct plan plan;
    if (!prepare_descriptors() || !prepare_signals()) {
        complain("corral: the plan cannot be run: %s\n", strerror(errno));
        return STATUS_OWN;
    }
    const char *problem = plan_decode(&plan, args, count);
    if (problem != NULL) {
        complain("corral: not a plan: %s\n", problem);
        plan_free(&plan);
        return STATUS_OWN;
    }
    const char *missing = plan_files_open(&plan);
    if (missing != NULL) {
        complain("corral: the folder %s cannot be opened: %s\n", missing, strerror(errno));
        return STATUS_OWN;
    }
    if (!plan_files_inside(".")) {
        complain("corral: the working directory lies outside the workspace\n");
        return STATUS_OWN;
    }
    set_folder("PWD");
    int status = run_steps(&plan);
    plan_free(&plan);
    return status;
}
