/* Watches the folders of the workspaces (inotify), and tells changes.c what happens in them. */
#ifndef CORRAL_WATCHING_H
#define CORRAL_WATCHING_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

#define NOTICES_US 2000u    /* of reading notices, at once */

/* A workspace. Its paths are told relative when it is the first one, else absolute. Before watching_start. */
void watching_add_root(struct slice path);
void watching_start(void);
bool watching_on(void);
/* Does this path lie, by its name, in a workspace? */
bool watching_holds(struct slice path);

/* Why not everything is seen from now on: enum change_gap. */
uint32_t watching_gaps(void);
/* The first look is not finished. */
bool watching_looking(void);
/* New folders are there that were not read so far. */
bool watching_behind(void);
/* Reads what has been noticed by now, for at most about so long; true when nothing of it is left. */
bool watching_drain(uint64_t most_us);
/* Reads folders for at most about so long; true when there is more. */
bool watching_read(uint64_t most_us);
/* Nothing runs: the time to make up for what was left out. */
void watching_quiet(void);

/* The main loop's hooks. */
int watching_fd(void);                  /* to wait for; -1 = not now */
void watching_ready(uint64_t now);      /* it can be read */
uint64_t watching_tick(uint64_t now);   /* next time (mono_ms) */
bool watching_work(void);               /* a bounded part of what is to be read; true when there is more */

#endif
