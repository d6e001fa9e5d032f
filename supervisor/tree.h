/* One look at /proc: every process below the supervisor and the execution it belongs to. */
#ifndef CORRAL_TREE_H
#define CORRAL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct execution;

struct process {
    pid_t pid, parent, session, group;
    uint64_t start;             /* clock ticks since boot */
    char state;
    unsigned terminal;          /* the controlling one's number as the kernel writes it; 0 = none */
    pid_t foreground;           /* process group of that terminal */
    uint32_t threads;
    uint64_t rss;               /* bytes */
    uint64_t user_us, system_us; /* its own and those of children it reaped; in steps of a clock tick */
    uint64_t child_faults;      /* page faults of the children it reaped: every program has some, so that it grows with each of them */
    bool alive;                 /* not a zombie */
    bool below;                 /* a descendant of the supervisor */
    bool shim;
    struct execution *owner;    /* NULL = none known */
    char name[20];
};

struct tree {
    struct process *v;          /* ascending pid */
    size_t n, cap;
};

/* Replaces the content of t; false when /proc cannot be read. */
bool tree_scan(struct tree *t);

/* A living process that counts as part of e: below its shim, or a stray of it. */
static inline bool process_of(const struct process *p, const struct execution *e)
{
    return p->alive && p->below && !p->shim && p->owner == e;
}

#endif
