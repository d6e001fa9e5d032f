/* The shim: one small process per execution. It is a subreaper, so whatever the execution starts stays below it, starts the steps one
   after the other and reports on a pipe. */
#ifndef CORRAL_SHIM_H
#define CORRAL_SHIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "protocol.h"
#include "usage.h"

enum limit_kind { LIMIT_NPROC = 1, LIMIT_DATA, LIMIT_CPU, LIMIT_FSIZE, LIMIT_NOFILE, LIMIT_CORE, LIMIT_STACK, LIMIT_AS,
                  LIMIT_TREE_MEMORY, LIMIT_TREE_TASKS };
#define LIMITS_MAX 16

struct limit {
    int resource;          /* RLIMIT_* */
    uint64_t value;
};

enum spawn_stage { STAGE_NONE = 0, STAGE_FORK, STAGE_SESSION, STAGE_TERMINAL, STAGE_LIMITS, STAGE_STREAMS, STAGE_CWD, STAGE_EXEC };

/* Memory shared between the supervisor and one shim; what was exec'd does not have it. */
struct shim_slot {
    volatile pid_t leader;      /* of the step that is being or was started; 0 between steps */
    volatile uint32_t step;
    volatile uint32_t stop;     /* set by the supervisor: start no further step */
    volatile struct usage ended; /* of all that ended below the shim so far */
};

enum report_kind { REPORT_STARTED = 1, REPORT_FAILED, REPORT_EXITED };

/* One record on the report pipe; smaller than PIPE_BUF, so written whole. */
struct shim_report {
    uint32_t kind;
    uint32_t step;
    int32_t pid;
    int32_t status;             /* wait status (EXITED) */
    int32_t stage, err;         /* FAILED */
    uint8_t interpreter;        /* FAILED: the program is there, what it asks to be run by is not */
    uint8_t final;              /* EXITED: no further step will start */
    uint8_t others;             /* EXITED: other processes of the execution live */
    uint64_t start_ms;          /* CLOCK_REALTIME, at the step's start */
    uint64_t began_us, ended_us; /* CLOCK_MONOTONIC, of the step */
};

struct shim_task {
    int report, in, out, err;   /* in = -1: /dev/null is the supervisor's descriptor 0; a terminal has in = out = err */
    bool pty;
    int steps;
    char **argv[STEPS_MAX];
    char **env;
    const char *cwd;
    struct limit limits[LIMITS_MAX];
    int limit_count;
    struct rlimit nofile;       /* the descriptor limit without a limit of its own */
    struct shim_slot *slot;
};

/* Runs in the forked child; never returns. All signals are blocked by the caller. */
void shim_main(const struct shim_task *task) __attribute__((noreturn));

/* The signals the supervisor ignores; a leader gets their default back. */
extern const int ignored_signals[];
extern const int ignored_signal_count;

#endif
