/* The sandbox's limit of memory: kept by the kernel where there is a control group, else by adding up and ending the largest. */
#ifndef CORRAL_MEMORY_H
#define CORRAL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct execution;
struct tree;

bool memory_is_limited(void);
/* Is it time to look at the tree? */
bool memory_wants_tree(void);
void memory_look(struct tree *t, uint64_t now);
/* The leader of e ended, by a SIGKILL or as if a child of it had. */
void memory_on_end(struct execution *e, bool killed);
/* What the tree of e (NULL = every one) uses, shared pages divided among those that share them. */
uint64_t memory_proportional(const struct tree *t, const struct execution *e);

#endif
