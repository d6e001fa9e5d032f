/* The limits that no rlimit keeps: sums over the tree of one execution and over the sandbox. Whoever passes one is ended, and it is said why. */
#ifndef CORRAL_LIMITS_H
#define CORRAL_LIMITS_H

#include <stdint.h>

struct execution;

/* Of one execution, its whole tree; 0 = none. */
struct tree_limits {
    uint64_t cpu_us;
    uint64_t memory_bytes;
    uint64_t file_bytes;       /* of one file; kept by an rlimit, known here to name the end */
    uint32_t tasks;            /* processes and threads */
};

/* The processor time that a single process may use beyond the tree's limit before the kernel ends it. */
#define CPU_HEADROOM_S 2u

/* e is about to run. */
void limits_begin(struct execution *e, uint64_t now);
/* Does what is due; returns the time (mono_ms) of the next look. */
uint64_t limits_tick(uint64_t now);
/* The leader of e has ended with this wait status: was it a limit? Decides so when there is evidence. */
void limits_on_end(struct execution *e, int status);

#endif
