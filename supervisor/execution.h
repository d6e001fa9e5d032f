/* Executions: their streams, logs, limits and ends. */
#ifndef CORRAL_EXECUTION_H
#define CORRAL_EXECUTION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "connection.h"
#include "input_wait.h"
#include "kill.h"
#include "limits.h"
#include "shim.h"
#include "spawn_request.h"

struct stream {
    int fd;                     /* read end of the pipe, or the terminal's master; -1 = closed */
    int log;                    /* -1 = no byte has arrived yet */
    uint64_t bytes, newlines;   /* as logged */
    uint64_t owed;              /* bytes that were in the pipe when the leader ended and are to be read before the end is told */
    uint32_t busy;              /* full reads in a row: the pipe is then enlarged */
    bool discard;               /* a limit was passed: read on, so that writers do not block, and keep nothing */
};

enum execution_state { EXECUTION_STARTING = 0, EXECUTION_RUNNING, EXECUTION_ENDED };

struct execution {
    struct execution *next;
    char id[ID_MAX + 1];
    enum execution_state state;
    bool pty, keep_input;
    uint32_t grace_ms;
    uint64_t output_limit;
    uint64_t deadline;          /* mono_ms; 0 = none */
    struct tree_limits limits;
    uint64_t cpu_look;          /* mono_ms of the next look at its processor time */
    uint32_t wall_ms;
    uint8_t *meta;
    uint32_t meta_len;

    pid_t shim;                 /* 0 = gone */
    bool shim_lost;             /* it was killed: what it watched over is now below the supervisor itself */
    int report;                 /* -1 = closed */
    struct shim_slot *slot;
    pid_t leader;               /* of the current or last step */
    pid_t leaders[STEPS_MAX];
    uint32_t step, steps;
    bool has_orphan_status;     /* the leader's status as the supervisor itself learnt it */
    int orphan_status;
    struct usage orphan_usage;  /* zero until then */
    uint64_t start_ms;          /* real time */
    uint64_t start_us;          /* CLOCK_MONOTONIC, of the first step */

    uint64_t spawn_serial;      /* who waits for the answer to SPAWN */
    uint32_t spawn_id;

    struct stream out, err;
    int in;                     /* write end; -1 = closed. A terminal's is its master */
    struct buffer in_pending;
    bool in_eof;                /* close once in_pending is written */
    uint8_t in_last;            /* last byte given to a terminal */

    int ord;                    /* -1 = not written yet */
    bool ord_pending;
    uint32_t run_stream;
    uint64_t run_at, run_bytes; /* mono_ms; bytes */

    bool held;                  /* the output so far is in `head` alone and there are no files */
    uint64_t held_until;        /* mono_ms; then it is written at the latest. 0 = nothing was printed */
    uint8_t *head[2];           /* the whole streams while they have at most WHOLE_STREAM_MAX bytes together */
    uint32_t head_len[2];
    bool head_dropped;

    uint8_t cause;              /* enum end_kind that was decided before the leader ended */
    char message[256];
    bool final;                 /* the last step ended; `result` holds how */
    uint64_t final_ms;
    bool has_status;            /* `status` is the leader's real wait status */
    int status;
    uint64_t end_us;            /* CLOCK_MONOTONIC */
    uint32_t peak_processes;    /* most of the tree seen alive at once; 0 = nobody looked */
    uint64_t peak_rss;          /* largest sum seen */
    uint16_t ports[PORTS_MAX];  /* every TCP port the tree was seen listening on, ascending */
    uint32_t port_count;
    bool others;                /* processes of the tree lived when the leader ended */
    struct change_set *changes; /* NULL = nobody looks, or the end is told */
    struct buffer exit;         /* EXIT payload, whole streams included; empty while running */
    uint32_t exit_changes, exit_streams;   /* its bytes in front of `changes` and of `out` */
    bool told_closed, acknowledged;

    uint64_t watchers[CONNECTIONS_MAX];   /* serials; 0 = none */
    uint64_t watch_told_ms;
    bool watch_dirty;

    struct input_id input_id;   /* what a program has open when it reads what INPUT feeds */
    struct input_wait input_wait;
    uint64_t look_at;           /* mono_ms of the next look at what its tree uses */

    uint64_t child_faults;      /* of its processes at the last look at memory */
    struct kill_work kill;
    uint64_t forget_look;       /* mono_ms of the next look for strays */
};

struct change_set;

extern struct execution *executions;

bool executions_init(void);
struct execution *execution_find(struct slice id);
/* The execution a process belongs to whose shim is gone. */
struct execution *execution_of_stray(pid_t session);

void execution_spawn(struct connection *c, uint32_t id, struct spawn_request *r);
void execution_input(struct connection *c, uint32_t id, struct execution *e, bool eof, struct slice data);
void execution_signal(struct connection *c, uint32_t id, struct execution *e, int signal, int cause);
void execution_end_tree(struct connection *c, uint32_t id, struct execution *e, int signal, uint32_t grace_ms, int cause);
void execution_acknowledge(struct execution *e);
bool execution_resize(struct execution *e, uint16_t cols, uint16_t rows, int *err);
void execution_watch(struct connection *c, struct execution *e, bool on);
void executions_list(struct buffer *b);
void executions_count(uint32_t *running, uint32_t *ended);

/* Decides why e ends, unless that is decided or its leader has ended. */
void execution_decide(struct execution *e, int cause, const char *message);

/* The main loop's hooks. */
size_t executions_poll(struct pollfd *fds, size_t cap);      /* fills in what to wait for */
void executions_ready(const struct pollfd *fds, size_t n);   /* the same entries, answered */
size_t executions_descriptors(void);                         /* upper bound of entries */
void executions_reap(void);                                  /* SIGCHLD */
uint64_t executions_tick(uint64_t now);                      /* next time (mono_ms) */
bool executions_idle(void);                                  /* nothing runs, nothing is being ended */
/* Making a file can cost a disk file system more than starting a program. So small output of a short program gets none (`held`), and where
   files were needed lately, the next ones are made ahead, without a name, while nothing is going on. Returns in how many ms that may be done: 0 = now, -1 = there is nothing to do. */
int executions_spare_due(uint64_t now);
void executions_make_spare(void);
void executions_stop(uint32_t grace_ms, const char *reason);

#endif
