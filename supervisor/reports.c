#define _GNU_SOURCE
#include "execution_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal.h"
#include "serve.h"
#include "util.h"

static void started(struct execution *e, pid_t pid)
{
    e->state = EXECUTION_RUNNING;
    struct buffer b = { 0 };
    size_t mark = frame_begin(&b, REC_START, 0);
    put_text(&b, e->id);
    put_u32(&b, (uint32_t)pid);
    put_u64(&b, e->start_ms);
    put_str(&b, e->meta, e->meta_len);
    frame_end(&b, mark);
    journal_append(&b);
    buffer_free(&b);
    struct connection *c = connection_by_serial(e->spawn_serial);
    if (c == NULL) return;
    struct buffer *out = reply_begin(c, REP_SPAWN, e->spawn_id, &mark);
    put_u32(out, (uint32_t)pid);
    put_u64(out, e->start_ms);
    reply_end(c, mark);
}

static int failure(const struct shim_report *r, char *text, size_t cap)
{
    const char *why = strerror(r->err);
    switch (r->stage) {
    case STAGE_CWD:
        snprintf(text, cap, "the working folder cannot be entered: %s", why);
        return ERR_BAD_CWD;
    case STAGE_EXEC:
        if (r->interpreter) {
            snprintf(text, cap, "the program exists, but the interpreter or loader it names does not");
            return ERR_PROGRAM_NOT_FOUND;
        }
        switch (r->err) {
        case ENOENT: case ENOTDIR: case ENAMETOOLONG: case ELOOP:
            snprintf(text, cap, "the program was not found: %s", why);
            return ERR_PROGRAM_NOT_FOUND;
        case EACCES: case EPERM: case ENOEXEC: case EISDIR: case ELIBBAD: case EINVAL: case ETXTBSY:
            snprintf(text, cap, "the program cannot be executed: %s", why);
            return ERR_NOT_EXECUTABLE;
        case E2BIG:
            snprintf(text, cap, "arguments and environment together are too long, or one of them is");
            return ERR_ARGUMENT_TOO_LONG;
        default: break;
        }
        snprintf(text, cap, "the program cannot be started: %s", why);
        return ERR_SPAWN_FAILED;
    case STAGE_FORK:
        snprintf(text, cap, "no process can be started: %s", why);
        return ERR_SPAWN_FAILED;
    case STAGE_TERMINAL:
        snprintf(text, cap, "the terminal cannot be made the controlling one: %s", why);
        return ERR_SPAWN_FAILED;
    case STAGE_LIMITS:
        snprintf(text, cap, "a resource limit cannot be set: %s", why);
        return ERR_SPAWN_FAILED;
    default:
        snprintf(text, cap, "the process cannot be prepared: %s", why);
        return ERR_SPAWN_FAILED;
    }
}

static void owe(struct stream *s, bool pty)
{
    int n = 0;
    if (s->fd >= 0 && !pty && ioctl(s->fd, FIONREAD, &n) == 0 && n > 0) s->owed = (uint64_t)n;
}

/* The last step is over. `kind` is END_NONE when `status` tells how. */
static void finalise(struct execution *e, bool has_status, int status, int kind, const char *message)
{
    if (kind != END_NONE) execution_decide(e, kind, message);
    else if (has_status) limits_on_end(e, status);
    e->final = true;
    e->final_ms = mono_ms();
    /* The deadline is the tree's: it stays for processes that outlive the leader. */
    if (!e->others) e->deadline = 0;
    e->has_status = has_status;
    e->status = status;
    if (e->end_us == 0) e->end_us = mono_us();
    owe(&e->out, e->pty);
    owe(&e->err, e->pty);
}

static void spawn_failed(struct execution *e, int code, int err, const char *text)
{
    struct connection *c = connection_by_serial(e->spawn_serial);
    if (c != NULL) reply_error(c, e->spawn_id, code, err, text);
    e->shim_lost = false;
    e->shim = 0;
    kill_tick(e, mono_ms());
    execution_free(e);
}

/* False when e is gone. */
static bool on_report(struct execution *e, const struct shim_report *r)
{
    char text[200];
    e->step = r->step;
    switch (r->kind) {
    case REPORT_STARTED:
        e->leader = r->pid;
        if (r->step < STEPS_MAX) e->leaders[r->step] = r->pid;
        if (e->state != EXECUTION_STARTING) return true;
        e->start_ms = r->start_ms;
        e->start_us = r->began_us;
        started(e, r->pid);
        return true;
    case REPORT_FAILED: {
        int code = failure(r, text, sizeof text);
        if (e->state == EXECUTION_STARTING) {
            spawn_failed(e, code, r->err, text);
            return false;
        }
        e->others = r->others;
        finalise(e, false, 0, END_FAILED_TO_START, text);
        return true;
    }
    case REPORT_EXITED:
        e->end_us = r->ended_us;
        if (!r->final) {
            e->leader = 0;
            return true;
        }
        e->others = r->others;
        finalise(e, true, r->status, END_NONE, NULL);
        return true;
    default: return true;
    }
}

/* False when e is gone. */
bool reports_read(struct execution *e)
{
    while (e->report >= 0) {
        struct shim_report r;
        ssize_t n = read(e->report, &r, sizeof r);
        if (n == (ssize_t)sizeof r) {
            if (!on_report(e, &r)) return false;
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return true;
        close_fd(&e->report);
    }
    return true;
}

/* The shim is gone and has not told the end: somebody killed it. Its leader is now a child of the supervisor. False when e is gone. */
bool reports_missing(struct execution *e)
{
    pid_t leader = e->slot->leader;
    if (e->state == EXECUTION_STARTING) {
        if (leader == 0) {
            spawn_failed(e, ERR_SPAWN_FAILED, 0, "the process that should start the program was killed");
            return false;
        }
        e->step = e->slot->step;
        e->leader = leader;
        if (e->step < STEPS_MAX) e->leaders[e->step] = leader;
        e->start_ms = real_ms();
        started(e, leader);
    }
    e->others = true;
    if (e->has_orphan_status) {
        bool success = WIFEXITED(e->orphan_status) && WEXITSTATUS(e->orphan_status) == 0;
        if (success && e->step + 1 < e->steps && !e->slot->stop)
            finalise(e, true, e->orphan_status, END_LOST, "the process that starts the steps was killed before the last one");
        else
            finalise(e, true, e->orphan_status, END_NONE, NULL);
        return true;
    }
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (leader > 0 && waitid(P_PID, (id_t)leader, &info, WEXITED | WNOHANG | WNOWAIT) == 0) return true;
    finalise(e, false, 0, END_LOST, "the process that watched over the program was killed; how the program ended is not known");
    return true;
}

void executions_reap(void)
{
    for (;;) {
        int status;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG | WUNTRACED, &usage);
        if (pid <= 0) return;
        struct execution *e = executions;
        while (e != NULL && e->shim != pid && !(e->slot->leader == pid && !e->final)) e = e->next;
        if (e == NULL) continue;
        if (WIFSTOPPED(status)) {
            if (e->shim == pid) kill(pid, SIGCONT);
            continue;
        }
        if (e->shim == pid) {
            e->shim = 0;
            e->shim_lost = WIFSIGNALED(status);
        } else {
            e->has_orphan_status = true;
            e->orphan_status = status;
            e->orphan_usage = usage_of(&usage);
        }
        kill_hurry(e);
    }
}
