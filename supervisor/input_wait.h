/* Whether a process of an execution sits in a read of what INPUT feeds. */
#ifndef CORRAL_INPUT_WAIT_H
#define CORRAL_INPUT_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "blocked.h"
#include "frame.h"

struct execution;
struct tree;

#define INPUT_STABLE_MS 100u    /* a wait counts once it has lasted so long */

struct input_wait {
    bool seen;                  /* at the last look, by `pid` and `tid` */
    bool unknown;               /* nobody was seen waiting, and not everybody could be looked at */
    pid_t pid, tid;
    bool hidden;
    char program[20];
    uint64_t since;             /* mono_ms */
    bool told;                  /* watchers know of the wait */
    uint64_t next;              /* mono_ms of the next look for watchers */
    uint32_t interval;
};

/* Remembers what the execution's input is: the pipe, or the terminal that `slave` is. */
void input_identify(struct execution *e, int fd, bool terminal);

/* Looks, and tells watchers what changed. */
void input_look(struct execution *e, const struct tree *t, uint64_t now);
bool input_waits(const struct execution *e, uint64_t now);
/* u8 0 no, 1 yes, 2 unknown; when 1, who. */
void input_put(struct buffer *b, const struct execution *e, uint64_t now);

/* Somebody typed: whoever waits from now on does so anew. */
void input_typed(struct execution *e, uint64_t now);
/* Something was printed: the next look is soon. */
void input_stirred(struct execution *e, uint64_t now);

#endif
