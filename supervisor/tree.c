#define _GNU_SOURCE
#include "tree.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "execution.h"
#include "serve.h"
#include "util.h"

enum { STAT_PARENT = 4, STAT_GROUP, STAT_SESSION, STAT_TERMINAL, STAT_FOREGROUND, STAT_CHILD_MINOR = 11, STAT_CHILD_MAJOR = 13, STAT_USER, STAT_THREADS = 20, STAT_START = 22, STAT_LAST = 24 };

/* The fields of /proc/PID/stat after the name, which may hold any byte: counted from its last ')'. */
static bool parse_stat(char *text, struct process *p)
{
    char *open = strchr(text, '(');
    char *close = strrchr(text, ')');
    if (open == NULL || close == NULL || close < open) return false;
    size_t n = (size_t)(close - open - 1);
    if (n >= sizeof p->name) n = sizeof p->name - 1;
    memcpy(p->name, open + 1, n);
    p->name[n] = 0;
    /* field[n] is the n-th of proc(5); the name is the 2nd. */
    long long field[STAT_LAST + 1];
    char *at = close + 1;
    while (*at == ' ') at++;
    char state = *at;
    if (state == 0) return false;
    at++;
    for (int i = STAT_PARENT; i <= STAT_LAST; i++) {
        char *end;
        field[i] = strtoll(at, &end, 10);
        if (end == at) return false;
        at = end;
    }
    static long page, tick;
    if (page == 0) page = sysconf(_SC_PAGESIZE), tick = sysconf(_SC_CLK_TCK);
    p->state = state;
    p->parent = (pid_t)field[STAT_PARENT];
    p->group = (pid_t)field[STAT_GROUP];
    p->session = (pid_t)field[STAT_SESSION];
    p->terminal = (unsigned)field[STAT_TERMINAL];
    p->foreground = (pid_t)field[STAT_FOREGROUND];
    p->threads = (uint32_t)field[STAT_THREADS];
    p->start = (uint64_t)field[STAT_START];
    p->rss = field[STAT_LAST] > 0 ? (uint64_t)field[STAT_LAST] * (uint64_t)page : 0;
    p->user_us = (uint64_t)(field[STAT_USER] + field[STAT_USER + 2]) * (uint64_t)(1000000 / tick);
    p->system_us = (uint64_t)(field[STAT_USER + 1] + field[STAT_USER + 3]) * (uint64_t)(1000000 / tick);
    p->child_faults = (uint64_t)(field[STAT_CHILD_MINOR] + field[STAT_CHILD_MAJOR]);
    /* A process whose first thread ended while others go on reads as a zombie too. */
    p->alive = (state != 'Z' && state != 'X' && state != 'x') || p->threads > 1;
    return true;
}

static int by_pid(const void *a, const void *b)
{
    const struct process *x = a, *y = b;
    return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static struct process *find(struct tree *t, pid_t pid)
{
    struct process key = { .pid = pid };
    return t->n == 0 ? NULL : bsearch(&key, t->v, t->n, sizeof key, by_pid);
}

/* Follows the parents of p up to the supervisor: the process below it on that path, or NULL. The bound breaks cycles which processes
   that changed during the scan may form. */
static struct process *top_of(struct tree *t, struct process *p)
{
    for (size_t i = 0; i < 4096 && p != NULL; i++) {
        if (p->parent == server.pid || p->shim) return p;
        if (p->parent <= 1) return NULL;
        p = find(t, p->parent);
    }
    return NULL;
}

bool tree_scan(struct tree *t)
{
    DIR *d = opendir("/proc");
    if (d == NULL) return false;
    t->n = 0;
    struct dirent *entry;
    while ((entry = readdir(d)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid == server.pid) continue;
        if (t->n == t->cap) {
            size_t cap = t->cap ? t->cap * 2 : 64;
            struct process *grown = realloc(t->v, cap * sizeof *grown);
            if (grown == NULL) break;
            t->v = grown;
            t->cap = cap;
        }
        struct process *p = &t->v[t->n];
        memset(p, 0, sizeof *p);
        p->pid = pid;
        char path[40], text[1024];
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        if (read_small(path, text, sizeof text) > 0 && parse_stat(text, p)) t->n++;
    }
    closedir(d);
    qsort(t->v, t->n, sizeof *t->v, by_pid);
    for (struct execution *e = executions; e != NULL; e = e->next) {
        struct process *shim = e->shim > 0 ? find(t, e->shim) : NULL;
        if (shim == NULL) continue;
        shim->shim = true;
        shim->owner = e;
    }
    for (size_t i = 0; i < t->n; i++) {
        struct process *p = &t->v[i];
        struct process *top = top_of(t, p);
        /* As pid 1, whatever lives in the namespace is ours, even when its chain of parents changed during the scan. */
        p->below = top != NULL || server.is_pid1;
        if (p->shim) continue;
        p->owner = top != NULL && top->shim ? top->owner : execution_of_stray(p->session);
    }
    return true;
}
