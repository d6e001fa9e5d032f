#define _GNU_SOURCE
#include "input_wait.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "execution_parts.h"
#include "tree.h"

#define LOOK_MS 50u            /* looks fall on multiples of their interval, so that those of many executions are one */
#define LOOK_MAX_MS 400u
#define THREADS_MAX 256        /* of one process */

static uint64_t next_look(uint64_t now, uint32_t interval) { return now / interval * interval + interval; }

void input_identify(struct execution *e, int fd, bool terminal)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) return;
    e->input_id = (struct input_id){ .known = true, .terminal = terminal, .device = st.st_dev, .inode = st.st_ino, .number = st.st_rdev };
}

/* Bytes that a program could read now; a terminal in canonical mode counts whole lines only. Its other end has to be opened for that, which is
   harmless while a program has it open too. */
static bool input_pending(const struct execution *e)
{
    int n = 0;
    if (buffer_pending(&e->in_pending) > 0) return true;
    if (!e->pty) return ioctl(e->in, FIONREAD, &n) == 0 && n > 0;
#ifdef TIOCGPTPEER
    int peer = ioctl(e->in, TIOCGPTPEER, O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (peer < 0) return false;
    bool some = ioctl(peer, FIONREAD, &n) == 0 && n > 0;
    close(peer);
    return some;
#else
    return false;
#endif
}

/* A terminal that shows no echo while it collects a line asks for a secret. In raw mode the program draws what is typed itself. */
static bool terminal_hides(struct execution *e)
{
    struct termios t;
    if (!e->pty || tcgetattr(e->in, &t) != 0) return false;
    bool canonical = (t.c_lflag & ICANON) != 0;
    e->input_id.returns = !canonical && t.c_cc[VMIN] == 0;
    return canonical && (t.c_lflag & ECHO) == 0;
}

/* The thread of p that waits, 0 = none; sets *unknown when the kernel does not tell of one. */
static pid_t waiting_thread(const struct process *p, const struct input_id *in, bool *unknown)
{
    enum blocked first = blocked_on(p, p->pid, in);
    if (first == BLOCKED_ON_INPUT) return p->pid;
    if (first == BLOCKED_UNKNOWN) *unknown = true;
    if (p->threads < 2 || first == BLOCKED_UNKNOWN) return 0;
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/task", (int)p->pid);
    DIR *d = opendir(path);
    if (d == NULL) return 0;
    pid_t found = 0;
    struct dirent *entry;
    int left = THREADS_MAX;
    while (found == 0 && left > 0 && (entry = readdir(d)) != NULL) {
        pid_t tid = (pid_t)atoi(entry->d_name);
        if (tid <= 0 || tid == p->pid) continue;
        left--;
        if (blocked_on(p, tid, in) == BLOCKED_ON_INPUT) found = tid;
    }
    closedir(d);
    if (left == 0) *unknown = true;
    return found;
}

/* The process that waits, of several the youngest. A process that is stopped, or in the background of the terminal, is not asked. */
static const struct process *find_waiting(const struct execution *e, const struct tree *t, pid_t *tid, bool *unknown)
{
    const struct process *found = NULL;
    for (size_t i = 0; i < t->n; i++) {
        const struct process *p = &t->v[i];
        if (!process_of(p, e) || (p->state != 'S' && p->threads < 2)) continue;
        if (e->pty && p->terminal != 0 && p->group != p->foreground) continue;
        if (found != NULL && (p->start < found->start || (p->start == found->start && p->pid < found->pid))) continue;
        pid_t thread = waiting_thread(p, &e->input_id, unknown);
        if (thread == 0) continue;
        found = p;
        *tid = thread;
    }
    return found;
}

static void tell(const struct execution *e, uint64_t now, bool waits)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = e->watchers[i] == 0 ? NULL : connection_by_serial(e->watchers[i]);
        if (c == NULL) continue;
        size_t mark;
        struct buffer *b = reply_begin(c, EVT_INPUT_WAIT, 0, &mark);
        put_text(b, e->id);
        if (waits) input_put(b, e, now);
        else put_u8(b, 0);
        reply_end(c, mark);
    }
}

bool input_waits(const struct execution *e, uint64_t now) { return e->input_wait.seen && now - e->input_wait.since >= INPUT_STABLE_MS; }

void input_look(struct execution *e, const struct tree *t, uint64_t now)
{
    struct input_wait *w = &e->input_wait;
    struct input_wait before = *w;
    bool hidden = terminal_hides(e);
    const struct process *p = NULL;
    pid_t tid = 0;
    w->unknown = false;
    if (e->in >= 0 && !e->in_eof && e->input_id.known && (p = find_waiting(e, t, &tid, &w->unknown)) != NULL && input_pending(e))
        p = NULL;
    w->seen = p != NULL;
    if (p != NULL) {
        w->unknown = false;
        if (!before.seen || before.pid != p->pid || before.tid != tid) w->since = now;
        w->pid = p->pid;
        w->tid = tid;
        w->hidden = hidden;
        snprintf(w->program, sizeof w->program, "%s", p->name);
    }
    bool changed = before.seen != w->seen || (w->seen && (before.since != w->since || before.hidden != hidden));
    bool stable = input_waits(e, now);
    if (stable && (!w->told || changed)) tell(e, now, true);
    else if (w->told && !stable) tell(e, now, false);
    w->told = stable;
    if (changed || (w->seen && !stable) || w->interval == 0) w->interval = LOOK_MS;
    else w->interval = w->interval * 2 > LOOK_MAX_MS ? LOOK_MAX_MS : w->interval * 2;
    w->next = next_look(now, w->interval);
}

void input_put(struct buffer *b, const struct execution *e, uint64_t now)
{
    const struct input_wait *w = &e->input_wait;
    bool waits = input_waits(e, now);
    put_u8(b, waits ? 1 : w->unknown ? 2 : 0);
    if (!waits) return;
    put_u32(b, (uint32_t)w->pid);
    put_u8(b, e->pty ? 2 : 1);
    put_u8(b, w->hidden ? 1 : 0);
    put_u32(b, (uint32_t)(now - w->since));
    put_text(b, w->program);
}

void input_stirred(struct execution *e, uint64_t now)
{
    struct input_wait *w = &e->input_wait;
    w->interval = LOOK_MS;
    if (w->next > now + LOOK_MS) w->next = next_look(now, LOOK_MS);
}

void input_typed(struct execution *e, uint64_t now)
{
    struct input_wait *w = &e->input_wait;
    if (w->told) tell(e, now, false);
    w->told = w->seen = false;
    input_stirred(e, now);
}
