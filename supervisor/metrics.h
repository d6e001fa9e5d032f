/* What the tree of one execution uses, from /proc. */
#ifndef CORRAL_METRICS_H
#define CORRAL_METRICS_H

#include <stdint.h>

#include "frame.h"

struct execution;
struct tree;

enum metric_source { METRICS_CGROUP2 = 1, METRICS_CGROUP1, METRICS_PROC };

/* Notes the largest number of processes and sum of resident memory so far. */
void metrics_sample(struct execution *e, const struct tree *t);
/* Finds out whose the listening sockets are. Descriptors are looked through only when there is a socket that was not seen before. */
void metrics_ports(const struct tree *t);
/* The figures of INSPECT; living processes and what ended. After metrics_sample and metrics_ports of the same look. */
void metrics_put(struct buffer *b, struct execution *e, const struct tree *t);
/* e is about to be freed. */
void metrics_forget(const struct execution *e);

#endif
