#define _GNU_SOURCE
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "disk.h"
#include "execution.h"
#include "figures.h"
#include "limits_parts.h"
#include "serve.h"
#include "tree.h"
#include "util.h"

#define PENDING_MS 1000u       /* so long a kill by the kernel waits for evidence whose process it was */
#define MIB(bytes) ((unsigned long long)((bytes) >> 20))

/* Who lived at the last look, to see whom the kernel took. */
struct seen {
    pid_t pid;
    uint64_t start, rss;
    struct execution *owner;
};

static struct seen *seen;
static size_t seen_count, seen_cap;
static uint64_t kills;         /* that were told or given up */
static uint64_t kills_since;   /* mono_ms; 0 = none is pending */

bool memory_is_limited(void) { return server.memory_bytes > 0; }

static bool in_group(void) { return figure_known(FIGURE_OOM_KILLS); }

static bool kill_pending(void)
{
    uint64_t total;
    return figure_read(FIGURE_OOM_KILLS, &total) && total > kills;
}

static void kill_settled(void)
{
    (void)figure_read(FIGURE_OOM_KILLS, &kills);
    kills_since = 0;
}

bool memory_wants_tree(void)
{
    if (!memory_is_limited()) return false;
    if (!in_group()) return true;
    uint64_t used = 0;
    /* Far from the limit the kernel kills nobody: it need not be known who lives. */
    return kill_pending() || !figure_read(FIGURE_MEMORY, &used) || used > server.memory_bytes / 2;
}

/* One process; falls back to all its resident pages where that is not shown. */
static uint64_t proportional(const struct process *p)
{
    char path[48], text[1024];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)p->pid);
    if (read_small(path, text, sizeof text) <= 0) return p->rss;
    const char *at = strstr(text, "\nPss:");
    unsigned long long kib;
    return at != NULL && sscanf(at, "\nPss: %llu", &kib) == 1 ? (uint64_t)kib * 1024u : p->rss;
}

uint64_t memory_proportional(const struct tree *t, const struct execution *e)
{
    uint64_t total = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct process *p = &t->v[i];
        if (p->alive && p->below && !p->shim && (e == NULL || p->owner == e)) total += proportional(p);
    }
    return total;
}

static void say(char *text, size_t cap, uint64_t used)
{
    snprintf(text, cap, "the sandbox used %llu MiB of memory, %llu MiB are allowed", MIB(used), MIB(server.memory_bytes));
}

/* Grows when a process of e is reaped by another of its processes or by its shim. */
static uint64_t child_faults(const struct tree *t, const struct execution *e)
{
    uint64_t total = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].below && (t->v[i].owner == e || (t->v[i].shim && t->v[i].pid == e->shim))) total += t->v[i].child_faults;
    return total;
}

/* Whether a process of e, beside the leader, ended since the last look. */
static bool lost_one(const struct tree *t, const struct execution *e)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].below && !t->v[i].alive && !t->v[i].shim && t->v[i].owner == e) return true;
    return child_faults(t, e) > e->child_faults;
}

static void remember(const struct tree *t)
{
    for (struct execution *e = executions; e != NULL; e = e->next) e->child_faults = child_faults(t, e);
    seen_count = 0;
    if (seen_cap < t->n) {
        struct seen *grown = realloc(seen, t->n * sizeof *seen);
        if (grown == NULL) return;
        seen = grown;
        seen_cap = t->n;
    }
    for (size_t i = 0; i < t->n; i++) {
        const struct process *p = &t->v[i];
        if (p->alive && p->below && !p->shim && p->owner != NULL) seen[seen_count++] = (struct seen){ p->pid, p->start, p->rss, p->owner };
    }
}

static bool still_lives(const struct tree *t, const struct seen *s)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].pid == s->pid && t->v[i].start == s->start) return t->v[i].alive;
    return false;
}

/* The only execution there is, the only one in which a process ended since the last look, or the one that lost most of what was seen then;
   NULL when nothing shows it. */
static struct execution *robbed(const struct tree *t)
{
    struct execution *only = NULL, *bereft = NULL, *most_robbed = NULL;
    size_t living = 0, losers = 0;
    uint64_t most = 0;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (!limits_lives(e) || e->kill.active) continue;
        living++;
        only = e;
        if (lost_one(t, e)) {
            losers++;
            bereft = e;
        }
        uint64_t lost = 0;
        for (size_t i = 0; i < seen_count; i++)
            if (seen[i].owner == e && !still_lives(t, &seen[i])) lost += seen[i].rss;
        if (lost > most) {
            most = lost;
            most_robbed = e;
        }
    }
    if (living == 1) return only;
    return losers == 1 ? bereft : most_robbed;
}

static void look_in_group(struct tree *t, uint64_t now)
{
    if (!kill_pending()) {
        remember(t);
        return;
    }
    struct execution *e = robbed(t);
    if (e != NULL) {
        char text[128];
        say(text, sizeof text, server.memory_bytes);
        limits_end(e, END_MEMORY_LIMIT, text);
        kill_settled();
    } else if (kills_since == 0) {
        kills_since = now;
    } else if (now - kills_since > PENDING_MS) {
        note("the kernel ended a process for want of memory, and nothing shows whose it was");
        kill_settled();
    }
    remember(t);
}

static void look_by_sum(struct tree *t)
{
    uint64_t files = disk_scratch_bytes(), total = files, most = 0;
    struct execution *largest = NULL;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        uint64_t own = 0;
        for (size_t i = 0; i < t->n; i++)
            if (process_of(&t->v[i], e)) own += t->v[i].rss;
        total += own;
        if (own <= most) continue;
        most = own;
        largest = e;
    }
    if (total <= server.memory_bytes || largest == NULL) return;
    /* Pages that forked processes share were counted for each of them. */
    total = files + memory_proportional(t, NULL);
    if (total <= server.memory_bytes) return;
    char text[128];
    say(text, sizeof text, total);
    limits_end(largest, END_MEMORY_LIMIT, text);
}

void memory_look(struct tree *t, uint64_t now)
{
    if (!memory_is_limited()) return;
    if (in_group()) look_in_group(t, now);
    else look_by_sum(t);
}

void memory_on_end(struct execution *e, bool killed)
{
    if (!memory_is_limited() || !in_group() || e->kill.active || !kill_pending()) return;
    size_t living = 0;
    for (struct execution *o = executions; o != NULL; o = o->next) living += limits_lives(o) && !o->kill.active;
    if (!killed && living != 1) return;
    char text[128];
    say(text, sizeof text, server.memory_bytes);
    execution_decide(e, END_MEMORY_LIMIT, text);
    kill_settled();
}
