#define _GNU_SOURCE
#include "tasks.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "execution.h"
#include "figures.h"
#include "limits_parts.h"
#include "serve.h"
#include "tree.h"

#define LOOKS 3u      /* at the limit, before somebody is ended */
#define RESCANS 3     /* of a tree that changes while it is read and nearly reaches the limit */

static uint64_t counted;      /* at the last look at the tree */
static uint64_t last_pid;     /* then */
static uint64_t refused;      /* forks, as the control group counts them */
static bool refused_now;
static uint32_t looks;

/* The last pid that this pid namespace gave out; every process and thread takes one. 0 = not known. */
static uint64_t newest_pid(void)
{
    static int fd = -2;
    char text[128];
    if (fd == -2) fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (n <= 0) return 0;
    text[n] = 0;
    const char *last = strrchr(text, ' ');
    unsigned long long pid = 0;
    if (last == NULL || sscanf(last, "%llu", &pid) != 1) return 0;
    return pid;
}

bool tasks_want_tree(void)
{
    if (server.processes == 0) return false;
    uint64_t total = 0;
    if (figure_read(FIGURE_PROCESS_MAXIMA, &total)) {
        refused_now = total > refused;
        refused = total;
    }
    if (refused_now || looks > 0) return true;
    uint64_t now = newest_pid();
    /* Numbers that begin anew say nothing. */
    if (now == 0 || now < last_pid) return true;
    return counted + (now - last_pid) >= server.processes;
}

/* All that the kernel counts: zombies, the shims and the supervisor itself. */
static uint64_t count(const struct tree *t)
{
    uint64_t n = 1;
    for (size_t i = 0; i < t->n; i++) n += t->v[i].threads > 0 ? t->v[i].threads : 1;
    return n;
}

void tasks_look(struct tree *t)
{
    if (server.processes == 0) return;
    last_pid = newest_pid();
    counted = count(t);
    for (int i = 0; i < RESCANS && counted < server.processes && counted >= server.processes - server.processes / 8u; i++) {
        if (!tree_scan(t)) return;
        uint64_t again = count(t);
        if (again > counted) counted = again;
    }
    bool at_limit = counted >= server.processes || refused_now;
    if (!at_limit) {
        if (looks > 0) looks--;
        return;
    }
    if (++looks < LOOKS) return;
    uint64_t most = 0;
    struct execution *largest = NULL;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        uint64_t own = 0;
        for (size_t i = 0; i < t->n; i++)
            if (process_of(&t->v[i], e)) own += t->v[i].threads;
        if (own <= most || !limits_lives(e)) continue;
        most = own;
        largest = e;
    }
    if (largest == NULL) return;
    char text[160];
    snprintf(text, sizeof text, "it had %llu processes and threads and tried to start more, %u are allowed in the sandbox",
             (unsigned long long)most, server.processes);
    limits_end(largest, END_PROCESS_LIMIT, text);
    looks = 0;
}
