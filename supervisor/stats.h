/* Memory and process counts of the whole sandbox. */
#ifndef CORRAL_STATS_H
#define CORRAL_STATS_H

#include <stdint.h>

/* Living processes and the sum of their resident bytes; the supervisor and its shims are not counted. */
void stats_processes(uint32_t *processes, uint64_t *rss);

/* Looks every 250 ms when the sandbox has a memory limit; the execution with the largest tree is ended when it is passed. Returns the time
   (mono_ms) of the next look. */
uint64_t memory_watch(uint64_t now);

#endif
