/* File operations beneath the configured roots. No race of links leads outside: every path is resolved from a root's descriptor. */
#ifndef CORRAL_FILES_H
#define CORRAL_FILES_H

#include "connection.h"

/* Opens a root; false with a note on the boot log. */
bool files_add_root(struct slice path);

/* Each answers the request itself. */
void files_read(struct connection *c, uint32_t id, struct slice path, uint64_t offset, uint32_t length);
void files_write(struct connection *c, uint32_t id, struct slice path, uint8_t flags, uint32_t mode, uint64_t offset, struct slice data);
void files_stat(struct connection *c, uint32_t id, struct slice path, bool follow);
void files_list(struct connection *c, uint32_t id, struct slice path, struct slice after, uint32_t max);
void files_remove(struct connection *c, uint32_t id, struct slice path, bool recursive);
void files_mkdir(struct connection *c, uint32_t id, struct slice path, bool parents, uint32_t mode);
/* False, and the request answered, when the path is not one beneath the roots. */
bool files_within(struct connection *c, uint32_t id, struct slice path);
/* Whether anything of this name is there now; what lies behind a link that leads outside is not. */
bool files_exists(struct slice path);
void files_rename(struct connection *c, uint32_t id, struct slice from, struct slice to, bool replace);

/* Goes on with recursive removals; true while there is more to do. */
bool files_work(void);

#endif
