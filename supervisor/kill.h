/* Ending the process tree of one execution, in steps between which the main loop goes on. */
#ifndef CORRAL_KILL_H
#define CORRAL_KILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct execution;
struct connection;

#define KILL_WAITERS_MAX 16

struct kill_seen {
    pid_t pid;
    uint64_t start;
    bool killed;
};

struct kill_work {
    bool active, forced;
    uint64_t next, deadline, last_kill;   /* mono_ms */
    uint32_t wait_ms, rounds;
    struct kill_seen *seen;
    size_t seen_count, seen_cap;
    struct { uint64_t serial; uint32_t id; } waiters[KILL_WAITERS_MAX];
    size_t waiter_count;
};

/* Sends `signal` to the whole tree and, when it still lives after grace_ms, ends it by SIGKILL; grace_ms 0 = at once. A second call
   can shorten the first. `c` (may be NULL) gets the answer to request `id` when the tree is gone. */
void kill_begin(struct execution *e, int signal, uint32_t grace_ms, struct connection *c, uint32_t id);
/* Goes on with the work; returns the time (mono_ms) of the next step, UINT64_MAX = none. */
uint64_t kill_tick(struct execution *e, uint64_t now);
/* A process of e ended: look now. */
void kill_hurry(struct execution *e);
void kill_free(struct execution *e);

/* Living processes of e. */
uint32_t kill_count(struct execution *e);
/* Whether a living process of e has this process group. */
bool kill_has_group(struct execution *e, pid_t group);

/* Ends everything below the supervisor, shims included, and reaps it. Blocks for at most 10 s. */
void kill_everything(void);

#endif
