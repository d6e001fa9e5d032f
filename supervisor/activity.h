/* When the tree is looked at: for INSPECT, for whoever watches, and now and then for the largest figures of an execution that takes its time. */
#ifndef CORRAL_ACTIVITY_H
#define CORRAL_ACTIVITY_H

#include <stdint.h>

#include "connection.h"

struct execution;

#define LOOK_AFTER_MS 250u    /* of age: shorter executions are never looked at */

/* Answers, at once or, when a process seems to wait for input, as soon as that has lasted long enough to be true. */
void inspect(struct connection *c, uint32_t id, struct execution *e);
/* Does what is due; returns the time (mono_ms) of the next look. */
uint64_t activity_tick(uint64_t now);

#endif
