#include "stats.h"

#include "tree.h"

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
        *rss += p->rss;
    }
}
