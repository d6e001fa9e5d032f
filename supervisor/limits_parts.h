/* What limits.c and the parts it asks need of each other. */
#ifndef CORRAL_LIMITS_PARTS_H
#define CORRAL_LIMITS_PARTS_H

#include <stdbool.h>

struct execution;

/* Something of its tree may live. */
bool limits_lives(const struct execution *e);
/* Ends e by force, for this reason, unless it is being ended so. */
void limits_end(struct execution *e, int cause, const char *message);

#endif
