/* What the writable places of the sandbox hold. */
#ifndef CORRAL_DISK_H
#define CORRAL_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

/* A place whose files are counted one by one, or a file system of its own that knows its sum. Before the first tick. */
void disk_add_place(struct slice path, bool own);
/* Goes on with the count when there is a limit and something runs; the time (mono_ms) of the next step. */
uint64_t disk_tick(uint64_t now);
/* Memory that the sandbox's own file systems hold, their inodes included. */
uint64_t disk_scratch_bytes(void);
/* Is there a file of exactly this size that was changed since start_ms (real time)? Looks at so many files only. */
bool disk_has_file_of(uint64_t size, uint64_t start_ms);

#endif
