/* What executions change in the workspaces: nothing is walked before or after a command. docs/guide/receipts.md says what is not seen. Each
   execution that runs has a set; what happens while several run is in the set of each. */
#ifndef CORRAL_CHANGES_H
#define CORRAL_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "change_set.h"
#include "frame.h"

struct execution;

/* An execution begins; NULL when nothing is watched. */
struct change_set *changes_begin(void);
/* Is everything seen that happened before this call? Else there is more to read, which the main loop does; `waited_ms` since it ended. */
bool changes_settled(struct change_set *s, uint64_t waited_ms);
/* The `changes` of EXIT: a str of at most CHANGES_MAX bytes, empty when nobody looked. Nothing more is noted for e. */
void changes_put(struct buffer *b, struct execution *e);
/* Forgets a set; NULL is none. */
void changes_drop(struct change_set *s);
/* A file is changed by a request of the server. */
void changes_by_request(struct slice path);

/* What watching.c tells. */
bool changes_wanted(void);
void changes_gap(uint32_t gap);
void changes_record(const char *path, size_t len, enum change_kind kind);
void changes_moved(const char *from, const char *to);

#endif
