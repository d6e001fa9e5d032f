/* Memory and process counts of the whole sandbox. */
#ifndef CORRAL_STATS_H
#define CORRAL_STATS_H

#include <stdint.h>

/* Living processes and the sum of their resident bytes; the supervisor and its shims are not counted. */
void stats_processes(uint32_t *processes, uint64_t *rss);

#endif
