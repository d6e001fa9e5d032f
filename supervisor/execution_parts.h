/* What the parts of an execution need of each other: its table (execution.c), start (spawn.c), reports of its shim (reports.c), streams
   (streams.c), log files (logs.c), input (input.c), end (ending.c) and its share of the main loop (turn.c). */
#ifndef CORRAL_EXECUTION_PARTS_H
#define CORRAL_EXECUTION_PARTS_H

#include "execution.h"

#define RUN_MS 250u            /* a run of the order index is extended while it is younger */

/* The table. */
bool execution_room(uint32_t meta_len);   /* for one more */
void execution_add(struct execution *e);
void execution_free(struct execution *e);
struct shim_slot *slot_take(void);        /* NULL = none is free */
void slot_give_back(struct shim_slot *slot);
void close_fd(int *fd);                   /* and sets it to -1 */

/* Log files. */
extern uint64_t last_activity;            /* mono_ms of the last start or output */
int log_open(const struct execution *e, const char *suffix);
void log_failed(struct execution *e, int err);
/* Appends to the stream's file, which is made when it has none. Returns how many bytes are in it; fewer than n when `failed` is set. */
size_t log_append(struct execution *e, struct stream *s, uint32_t which, const uint8_t *data, size_t n, int *failed);
void run_note(struct execution *e, uint32_t which, uint64_t n, uint64_t now);
/* Does the run that is being extended say what a reader would not assume: stdout alone, at the start? */
bool run_tells(const struct execution *e);
void run_flush(struct execution *e);
/* Writes the run that is being extended, unless the file is not needed so far. */
void run_settle(struct execution *e);

/* Streams; `which`: 0 = stdout, 1 = stderr. */
void stream_read(struct execution *e, struct stream *s, uint32_t which, uint64_t now);
bool streams_closed(const struct execution *e);
void heads_drop(struct execution *e);
/* From now on the output is in files: what was held back is written, what comes is appended. */
void output_release(struct execution *e);
bool output_held(const struct execution *e);
void tell_output(struct execution *e, uint64_t now);

/* Input. */
void input_add(struct execution *e, const uint8_t *data, size_t n, bool eof);
void input_flush(struct execution *e);
void input_close(struct execution *e);

/* Reports of the shim. Both are false when e is gone. */
bool reports_read(struct execution *e);
/* The shim is gone and has not told the end: somebody killed it. Its leader is now a child of the supervisor. */
bool reports_missing(struct execution *e);

/* The end. */
void tell_end(struct execution *e);
void tell_closed(struct execution *e);
/* The EXIT payload without the streams, and without the list of changed files unless that is asked for. */
void put_bare_exit(struct buffer *b, const struct execution *e, bool changes);

#endif
