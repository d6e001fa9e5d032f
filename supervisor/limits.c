#define _GNU_SOURCE
#include "limits.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "execution.h"
#include "limits_parts.h"
#include "memory.h"
#include "serve.h"
#include "tasks.h"
#include "tree.h"
#include "util.h"

#define LOOK_MS 100u
#define CPU_LOOK_MIN_MS 20u
#define CPU_LOOK_MAX_MS 60000u
#define MIB(bytes) ((unsigned long long)((bytes) >> 20))

static struct tree tree;

static void sooner(uint64_t *next, uint64_t at)
{
    if (at < *next) *next = at;
}

bool limits_lives(const struct execution *e) { return e->shim > 0 || e->shim_lost; }

void limits_end(struct execution *e, int cause, const char *message)
{
    if (e->kill.active && e->kill.forced) return;
    execution_decide(e, cause, message);
    kill_begin(e, SIGKILL, 0, NULL, 0);
}

/* Of ended and living processes. Children whose parent has the kernel discard them leave no trace. */
static uint64_t cpu_used(const struct execution *e)
{
    uint64_t used = e->slot->ended.user_us + e->slot->ended.system_us + e->orphan_usage.user_us + e->orphan_usage.system_us;
    for (size_t i = 0; i < tree.n; i++) {
        const struct process *p = &tree.v[i];
        if (p->below && !p->shim && p->owner == e) used += p->user_us + p->system_us;
    }
    return used;
}

/* No tree uses more than all processors: until the rest can be used up nobody needs to look. */
static void cpu_look_after(struct execution *e, uint64_t now, uint64_t left_us)
{
    static long processors;
    if (processors == 0) processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t wait = left_us / 1000u / (uint64_t)(processors > 0 ? processors : 1);
    if (wait < CPU_LOOK_MIN_MS) wait = CPU_LOOK_MIN_MS;
    e->cpu_look = now + (wait > CPU_LOOK_MAX_MS ? CPU_LOOK_MAX_MS : wait);
}

void limits_begin(struct execution *e, uint64_t now) { cpu_look_after(e, now, e->limits.cpu_us); }

static void look_at_cpu(struct execution *e, uint64_t now)
{
    uint64_t used = cpu_used(e), limit = e->limits.cpu_us;
    if (used >= limit) {
        char text[128];
        snprintf(text, sizeof text, "it used %llu.%02llu s of CPU time, %llu s are allowed", (unsigned long long)(used / 1000000u),
                 (unsigned long long)(used / 10000u % 100u), (unsigned long long)(limit / 1000000u));
        limits_end(e, END_CPU_LIMIT, text);
        e->cpu_look = now + CPU_LOOK_MAX_MS;
        return;
    }
    cpu_look_after(e, now, limit - used);
}

/* What a caller granted to one execution alone. */
static void look_at_tree(struct execution *e)
{
    uint64_t rss = 0, tasks = 0;
    for (size_t i = 0; i < tree.n; i++) {
        if (!process_of(&tree.v[i], e)) continue;
        rss += tree.v[i].rss;
        tasks += tree.v[i].threads;
    }
    char text[128];
    if (e->limits.memory_bytes > 0 && rss > e->limits.memory_bytes && memory_proportional(&tree, e) > e->limits.memory_bytes) {
        snprintf(text, sizeof text, "it used %llu MiB of memory, %llu MiB are allowed", MIB(rss), MIB(e->limits.memory_bytes));
        limits_end(e, END_MEMORY_LIMIT, text);
    }
    if (e->limits.tasks > 0 && tasks > e->limits.tasks) {
        snprintf(text, sizeof text, "it had %llu processes and threads, %u are allowed", (unsigned long long)tasks, e->limits.tasks);
        limits_end(e, END_PROCESS_LIMIT, text);
    }
}

uint64_t limits_tick(uint64_t now)
{
    static uint64_t next_look;
    bool any = false, per_tree = false, cpu = false;
    uint64_t next = UINT64_MAX;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (!limits_lives(e)) continue;
        any = true;
        per_tree = per_tree || e->limits.memory_bytes > 0 || e->limits.tasks > 0;
        if (e->limits.cpu_us == 0) continue;
        cpu = cpu || now >= e->cpu_look;
    }
    if (!any) {
        next_look = 0;
        return disk_tick(now);
    }
    if (next_look == 0) next_look = now + LOOK_MS;
    bool often = per_tree || memory_is_limited() || server.processes > 0;
    bool look = often && now >= next_look;
    if (cpu || (look && (per_tree || memory_wants_tree() || tasks_want_tree()))) {
        if (!tree_scan(&tree)) tree.n = 0;
        for (struct execution *e = executions; e != NULL; e = e->next) {
            if (!limits_lives(e)) continue;
            if (e->limits.cpu_us > 0 && now >= e->cpu_look) look_at_cpu(e, now);
            if (look) look_at_tree(e);
        }
        if (look) memory_look(&tree, now);
        if (look) tasks_look(&tree);
    }
    if (look) next_look = now + LOOK_MS;
    if (often) sooner(&next, next_look);
    for (struct execution *e = executions; e != NULL; e = e->next)
        if (e->limits.cpu_us > 0 && limits_lives(e)) sooner(&next, e->cpu_look);
    sooner(&next, disk_tick(now));
    return next;
}

void limits_on_end(struct execution *e, int status)
{
    if (e->cause != END_NONE) return;
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    /* A shell ends with 128 and the signal of the program it ran; so may any program, for reasons of its own. */
    int told = WIFEXITED(status) && WEXITSTATUS(status) > 128 ? WEXITSTATUS(status) - 128 : 0;
    if (signal == SIGXCPU && e->limits.cpu_us > 0) {
        execution_decide(e, END_CPU_LIMIT, "a process of it used more CPU time than it may");
    } else if (e->limits.file_bytes > 0 && (signal == SIGXFSZ || (told == SIGXFSZ && disk_has_file_of(e->limits.file_bytes, e->start_ms)))) {
        char text[128];
        snprintf(text, sizeof text, "it wrote a file beyond %llu bytes, the most that one may have", (unsigned long long)e->limits.file_bytes);
        execution_decide(e, END_FILE_SIZE_LIMIT, text);
    } else {
        memory_on_end(e, signal == SIGKILL || told == SIGKILL);
    }
}
