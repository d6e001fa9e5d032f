/* Which names exist in the watched folders: 4 bytes each, so that a name that a rename puts in place is known to be new or replaced. */
#ifndef CORRAL_NAMES_H
#define CORRAL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_MAX 65536u

/* Of bytes that others choose: the seed is random, so that nobody can choose ones that collide. */
uint64_t seeded_hash(uint64_t start, const void *data, size_t n);

/* Forgets everything. */
void names_clear(void);
/* A folder is known by its watch. A name for which there is no room makes names_complete false. */
void names_add(int watch, const char *name);
void names_remove(int watch, const char *name);
bool names_has(int watch, const char *name);
bool names_complete(void);

#endif
