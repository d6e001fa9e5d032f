#define _GNU_SOURCE
#include "kill.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "connection.h"
#include "execution.h"
#include "serve.h"
#include "tree.h"
#include "util.h"

#define UNKILLABLE_MS 3000u   /* after the last SIGKILL to a process: it is told as a survivor */
#define WHOLE_MS 20000u       /* bound of one forced ending */
#define FREEZE_PASSES 6
#define BOMB_ROUNDS 40u
#define SEEN_MAX 65536u

static struct tree tree;

/* The entry of a process, added when it is new; NULL when the table is full. */
static struct kill_seen *seen(struct kill_work *w, const struct process *p, bool *added)
{
    *added = false;
    for (size_t i = 0; i < w->seen_count; i++)
        if (w->seen[i].pid == p->pid && w->seen[i].start == p->start) return &w->seen[i];
    if (w->seen_count == SEEN_MAX) return NULL;
    if (w->seen_count == w->seen_cap) {
        size_t cap = w->seen_cap ? w->seen_cap * 2 : 16;
        struct kill_seen *grown = realloc(w->seen, cap * sizeof *grown);
        if (grown == NULL) return NULL;
        w->seen = grown;
        w->seen_cap = cap;
    }
    *added = true;
    w->seen[w->seen_count] = (struct kill_seen){ p->pid, p->start, false };
    return &w->seen[w->seen_count++];
}

uint32_t kill_count(struct execution *e)
{
    uint32_t n = 0;
    if (!tree_scan(&tree)) return 0;
    for (size_t i = 0; i < tree.n; i++) n += process_of(&tree.v[i], e);
    return n;
}

bool kill_has_group(struct execution *e, pid_t group)
{
    if (!tree_scan(&tree)) return false;
    for (size_t i = 0; i < tree.n; i++)
        if (process_of(&tree.v[i], e) && tree.v[i].group == group) return true;
    return false;
}

static void finish(struct execution *e)
{
    struct kill_work *w = &e->kill;
    uint32_t alive = 0;
    bool added;
    bool gone = e->shim == 0 && !e->shim_lost;
    if (gone || !tree_scan(&tree)) tree.n = 0;
    for (size_t i = 0; i < tree.n; i++)
        if (process_of(&tree.v[i], e)) {
            alive++;
            seen(w, &tree.v[i], &added);
        }
    uint32_t ended = w->seen_count > alive ? (uint32_t)w->seen_count - alive : 0;
    for (size_t i = 0; i < w->waiter_count; i++) {
        struct connection *c = connection_by_serial(w->waiters[i].serial);
        if (c == NULL) continue;
        size_t mark;
        struct buffer *b = reply_begin(c, REP_KILL, w->waiters[i].id, &mark);
        uint32_t told = alive < 256 ? alive : 256;
        put_u32(b, ended);
        put_u32(b, told);
        for (size_t k = 0; k < tree.n && told > 0; k++) {
            if (!process_of(&tree.v[k], e)) continue;
            char line[48];
            snprintf(line, sizeof line, "%d %s", (int)tree.v[k].pid, tree.v[k].name);
            put_text(b, line);
            told--;
        }
        reply_end(c, mark);
    }
    kill_free(e);
}

void kill_free(struct execution *e)
{
    free(e->kill.seen);
    memset(&e->kill, 0, sizeof e->kill);
}

static void force(struct execution *e, uint64_t now)
{
    struct kill_work *w = &e->kill;
    /* One call that stops most of a bomb, before a look at the tree has to compete with it. The number is the leader's own until that is reaped. */
    if (!e->final && e->leader > 0) kill(-e->leader, SIGSTOP);
    w->forced = true;
    w->deadline = now + WHOLE_MS;
    w->last_kill = now;
    w->wait_ms = 1;
    w->next = now;
}

void kill_begin(struct execution *e, int signal, uint32_t grace_ms, struct connection *c, uint32_t id)
{
    struct kill_work *w = &e->kill;
    uint64_t now = mono_ms();
    bool first = !w->active;
    if (c != NULL) {
        if (w->waiter_count == KILL_WAITERS_MAX) {
            reply_error(c, id, ERR_TOO_MANY, 0, "too many pending KILL");
        } else {
            w->waiters[w->waiter_count].serial = c->serial;
            w->waiters[w->waiter_count++].id = id;
        }
    }
    if (e->slot != NULL) e->slot->stop = 1;
    w->active = true;
    if (w->forced) {
        /* Already the strongest form. */
    } else if (grace_ms == 0) {
        force(e, now);
    } else {
        if (tree_scan(&tree)) {
            bool added;
            for (size_t i = 0; i < tree.n; i++) {
                if (!process_of(&tree.v[i], e)) continue;
                seen(w, &tree.v[i], &added);
                kill(tree.v[i].pid, signal);
                if (e->pty) kill(tree.v[i].pid, SIGHUP);
                kill(tree.v[i].pid, SIGCONT);
            }
        }
        uint64_t deadline = now + grace_ms;
        if (first || deadline < w->deadline) w->deadline = deadline;
        w->wait_ms = 1;
        w->next = now + 1;
    }
    /* The caller may still be building the state of e: the work goes on in kill_tick. */
}

void kill_hurry(struct execution *e)
{
    if (e->kill.active) e->kill.next = 0;
}

static void again(struct kill_work *w, uint64_t now)
{
    w->next = now + w->wait_ms;
    w->wait_ms = w->wait_ms * 2 > 50 ? 50 : w->wait_ms * 2;
}

/* Stops what is new until a look finds nothing new, so that nothing forks between the look and the kill; then kills. */
static bool freeze_and_kill(struct execution *e, uint64_t now)
{
    struct kill_work *w = &e->kill;
    bool any = false, fresh_kill = false;
    for (int pass = 0; pass < FREEZE_PASSES; pass++) {
        if (pass > 0 && !tree_scan(&tree)) break;
        bool fresh = false;
        for (size_t i = 0; i < tree.n; i++) {
            if (!process_of(&tree.v[i], e)) continue;
            any = true;
            bool added;
            struct kill_seen *s = seen(w, &tree.v[i], &added);
            if (s != NULL && s->killed) continue;
            if (added || pass == 0) {
                kill(tree.v[i].pid, SIGSTOP);
                fresh = true;
            }
        }
        if (!fresh) break;
    }
    for (size_t i = 0; i < tree.n; i++) {
        if (!process_of(&tree.v[i], e)) continue;
        bool added;
        struct kill_seen *s = seen(w, &tree.v[i], &added);
        if (s == NULL || !s->killed) fresh_kill = true;
        if (s != NULL) s->killed = true;
        kill(tree.v[i].pid, SIGKILL);
    }
    if (fresh_kill) w->last_kill = now;
    return any;
}

static bool only_one_alive(const struct execution *e)
{
    for (const struct execution *o = executions; o != NULL; o = o->next)
        if (o != e && (o->shim > 0 || o->shim_lost)) return false;
    return true;
}

uint64_t kill_tick(struct execution *e, uint64_t now)
{
    struct kill_work *w = &e->kill;
    if (!w->active) return UINT64_MAX;
    if (e->shim == 0 && !e->shim_lost) {
        /* A shim ends by itself only when nothing is left below it. */
        finish(e);
        return UINT64_MAX;
    }
    if (now < w->next) return w->next;
    if (!tree_scan(&tree)) {
        again(w, now);
        return w->next;
    }
    bool alive = false, added;
    for (size_t i = 0; i < tree.n; i++)
        if (process_of(&tree.v[i], e)) {
            alive = true;
            if (!w->forced) seen(w, &tree.v[i], &added);
        }
    if (!alive) {
        finish(e);
        return UINT64_MAX;
    }
    if (!w->forced) {
        if (now < w->deadline) {
            again(w, now);
            if (w->next > w->deadline) w->next = w->deadline;
            return w->next;
        }
        force(e, now);
    }
    freeze_and_kill(e, now);
    w->rounds++;
    if (w->rounds > BOMB_ROUNDS && server.is_pid1 && now - w->last_kill < 100 && only_one_alive(e)) kill(-1, SIGKILL);
    if (now - w->last_kill > UNKILLABLE_MS || now > w->deadline) {
        finish(e);
        return UINT64_MAX;
    }
    w->wait_ms = w->rounds < 20 ? 1 + w->rounds / 4 : 20;
    w->next = now + w->wait_ms;
    return w->next;
}

void kill_everything(void)
{
    uint64_t until = mono_ms() + 10000;
    struct timespec pause = { 0, 2000000 };
    for (;;) {
        int status;
        while (waitpid(-1, &status, WNOHANG) > 0) {}
        bool left = false;
        if (tree_scan(&tree)) {
            for (size_t i = 0; i < tree.n; i++) {
                if (!tree.v[i].below || tree.v[i].pid == server.pid) continue;
                left = true;
                if (tree.v[i].alive) kill(tree.v[i].pid, SIGSTOP);
            }
            for (size_t i = 0; i < tree.n; i++)
                if (tree.v[i].below && tree.v[i].alive) kill(tree.v[i].pid, SIGKILL);
        }
        if (!left || mono_ms() > until) return;
        nanosleep(&pause, NULL);
    }
}
