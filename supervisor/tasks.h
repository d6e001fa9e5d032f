/* The sandbox's limit of processes and threads. The kernel keeps it; here it is seen who stands at it and does not move on. */
#ifndef CORRAL_TASKS_H
#define CORRAL_TASKS_H

#include <stdbool.h>

struct tree;

/* Could the limit be reached, judging by what was started since the last look at the tree? */
bool tasks_want_tree(void);
void tasks_look(struct tree *t);

#endif
