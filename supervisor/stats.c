#include "stats.h"

#include <signal.h>
#include <stdio.h>

#include "execution.h"
#include "serve.h"
#include "tree.h"

#define MEMORY_LOOK_MS 250u

static struct tree tree;

void stats_processes(uint32_t *processes, uint64_t *rss)
{
    *processes = 0;
    *rss = 0;
    if (!tree_scan(&tree)) return;
    for (size_t i = 0; i < tree.n; i++) {
        const struct process *p = &tree.v[i];
        if (!p->alive || !p->below || p->shim) continue;
        (*processes)++;
        *rss += process_rss(p->pid);
    }
}

uint64_t memory_watch(uint64_t now)
{
    static uint64_t next;
    if (server.memory_bytes == 0) return UINT64_MAX;
    if (now < next) return next;
    next = now + MEMORY_LOOK_MS;
    if (executions == NULL || !tree_scan(&tree)) return next;
    uint64_t total = 0, most = 0;
    struct execution *largest = NULL;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        uint64_t own = 0;
        for (size_t i = 0; i < tree.n; i++)
            if (process_of(&tree.v[i], e)) own += process_rss(tree.v[i].pid);
        total += own;
        if (own > most) {
            most = own;
            largest = e;
        }
    }
    if (total > server.memory_bytes && largest != NULL && !(largest->kill.active && largest->kill.forced)) {
        char text[128];
        snprintf(text, sizeof text, "the sandbox used %llu MiB of memory, %llu MiB are allowed", (unsigned long long)(total >> 20),
                 (unsigned long long)(server.memory_bytes >> 20));
        execution_decide(largest, END_MEMORY_LIMIT, text);
        kill_begin(largest, SIGKILL, 0, NULL, 0);
    }
    return next;
}
