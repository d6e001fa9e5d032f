/* The files that an execution changed. */
#ifndef CORRAL_CHANGES_H
#define CORRAL_CHANGES_H

#include "frame.h"

struct execution;

/* Appends the `changes` of EXIT: a str of at most CHANGES_MAX bytes, empty when nobody looked. */
void changes_put(struct buffer *b, struct execution *e);

#endif
