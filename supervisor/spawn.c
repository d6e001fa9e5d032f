#define _GNU_SOURCE
#include "execution_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "activity.h"
#include "changes.h"
#include "serve.h"
#include "util.h"

struct spawn_pipes {
    int in[2], out[2], err[2], report[2];
    int master;
};

static void pipes_close(struct spawn_pipes *p)
{
    for (int i = 0; i < 2; i++) {
        close_fd(&p->in[i]);
        close_fd(&p->out[i]);
        close_fd(&p->err[i]);
        close_fd(&p->report[i]);
    }
    close_fd(&p->master);
}

static const char *terminal_open(const struct spawn_request *r, struct spawn_pipes *p)
{
    p->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (p->master < 0) return "no terminal: /dev/ptmx cannot be opened";
    int unlock = 0;
    if (ioctl(p->master, TIOCSPTLCK, &unlock) != 0) return "no terminal: it cannot be unlocked";
#ifdef TIOCGPTPEER
    p->out[1] = ioctl(p->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
#endif
    if (p->out[1] < 0) {
        unsigned number;
        char path[32];
        if (ioctl(p->master, TIOCGPTN, &number) != 0) return "no terminal: it has no number";
        snprintf(path, sizeof path, "/dev/pts/%u", number);
        p->out[1] = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (p->out[1] < 0) return "no terminal: /dev/pts cannot be opened";
    }
    struct winsize size = { .ws_col = r->cols ? r->cols : 80, .ws_row = r->rows ? r->rows : 24 };
    ioctl(p->master, TIOCSWINSZ, &size);
    return NULL;
}

static const char *pipes_open(const struct spawn_request *r, struct spawn_pipes *p)
{
    const char *problem = "a pipe cannot be made";
    if (pipe2(p->report, O_CLOEXEC) != 0) return problem;
    set_nonblock(p->report[0]);
    if (r->flags & SPAWN_PTY) {
        const char *why = terminal_open(r, p);
        if (why != NULL) return why;
        p->out[0] = p->master;
        p->master = -1;
        p->in[1] = fcntl(p->out[0], F_DUPFD_CLOEXEC, 3);
        return p->in[1] < 0 ? problem : NULL;
    }
    if (pipe2(p->out, O_CLOEXEC) != 0 || pipe2(p->err, O_CLOEXEC) != 0) return problem;
    if (set_nonblock(p->out[0]) != 0 || set_nonblock(p->err[0]) != 0) return problem;
    if (r->input.len > 0 || (r->flags & SPAWN_KEEP_INPUT)) {
        if (pipe2(p->in, O_CLOEXEC) != 0 || set_nonblock(p->in[1]) != 0) return problem;
    }
    return NULL;
}

/* Children inherit the score; the supervisor keeps its own. Raising and taking back is open to everybody, a lower one is not. */
static void oom_score(const char *value)
{
    if (server.oom_fd >= 0) (void)!pwrite(server.oom_fd, value, strlen(value), 0);
}

void execution_spawn(struct connection *c, uint32_t id, struct spawn_request *r)
{
    struct slice name = { (uint8_t *)r->id, (uint32_t)strlen(r->id) };
    if (server.stopping) {
        reply_error(c, id, ERR_SPAWN_FAILED, 0, "the sandbox is ending");
        return;
    }
    if (execution_find(name) != NULL) {
        reply_error(c, id, ERR_DUPLICATE_EXECUTION, 0, "an execution of this id exists");
        return;
    }
    if (!execution_room(r->meta.len)) {
        reply_error(c, id, ERR_TOO_MANY, 0, "too many executions");
        return;
    }
    struct execution *e = calloc(1, sizeof *e);
    uint8_t *meta = malloc(r->meta.len + 1u);
    struct shim_slot *slot = slot_take();
    struct spawn_pipes p = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 }, -1 };
    const char *problem = e == NULL || meta == NULL || slot == NULL ? "out of memory" : pipes_open(r, &p);
    pid_t shim = -1;
    struct change_set *changes = problem == NULL ? changes_begin() : NULL;
    if (problem == NULL) {
        struct shim_task task = { .report = p.report[1], .in = p.in[0], .out = p.out[1], .err = p.err[1], .steps = r->steps,
                                  .pty = (r->flags & SPAWN_PTY) != 0, .env = r->env, .cwd = r->cwd, .limit_count = r->limit_count,
                                  .nofile = server.nofile, .slot = slot };
        memcpy(task.argv, r->argv, sizeof task.argv);
        memcpy(task.limits, r->limits, sizeof task.limits);
        if (task.pty) task.in = task.err = task.out;
        sigset_t all, before;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, &before);
        oom_score("900");
        shim = fork();
        if (shim == 0) shim_main(&task);
        int saved = errno;
        oom_score(server.oom_own);
        sigprocmask(SIG_SETMASK, &before, NULL);
        errno = saved;
        if (shim < 0) problem = errno == EAGAIN ? "no process can be started: the limit of processes is reached" : "no process can be started";
    }
    if (problem != NULL) {
        int err = errno;
        reply_error(c, id, ERR_SPAWN_FAILED, err, problem);
        pipes_close(&p);
        slot_give_back(slot);
        changes_drop(changes);
        free(meta);
        free(e);
        return;
    }
    memcpy(e->id, r->id, sizeof e->id);
    e->state = EXECUTION_STARTING;
    e->pty = (r->flags & SPAWN_PTY) != 0;
    e->keep_input = (r->flags & SPAWN_KEEP_INPUT) != 0;
    e->grace_ms = r->grace_ms;
    e->wall_ms = r->wall_ms;
    e->output_limit = r->output_bytes;
    e->limits = r->tree;
    if (r->meta.len > 0) memcpy(meta, r->meta.data, r->meta.len);
    e->meta = meta;
    e->meta_len = r->meta.len;
    e->slot = slot;
    e->changes = changes;
    e->shim = shim;
    e->steps = (uint32_t)r->steps;
    e->report = p.report[0];
    e->out.fd = p.out[0];
    e->err.fd = p.err[0];
    e->in = p.in[1];
    e->out.log = e->err.log = e->ord = -1;
    e->in_last = '\n';
    e->spawn_serial = c->serial;
    e->spawn_id = id;
    e->start_us = mono_us();
    last_activity = mono_ms();
    e->held = true;
    e->deadline = r->wall_ms > 0 ? mono_ms() + r->wall_ms : 0;
    input_identify(e, e->pty ? p.out[1] : e->in, e->pty);
    p.report[0] = p.out[0] = p.err[0] = p.in[1] = -1;
    pipes_close(&p);
    execution_add(e);
    limits_begin(e, last_activity);
    e->look_at = last_activity + LOOK_AFTER_MS;
    if (e->in >= 0) input_add(e, r->input.data, r->input.len, !e->keep_input);
}
