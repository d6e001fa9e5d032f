/* Mounts prepared for one sandbox in a mount namespace of its own. */
#ifndef CORRAL_STAGE_H
#define CORRAL_STAGE_H

#include <stddef.h>
#include <stdint.h>

#define STAGE_MAP_OWNER 1u
#define STAGE_READ_ONLY 2u

struct stage_mount {
    const char *source, *name;
    uint8_t flags;
};

/* Unshares the mount namespace, mounts a small tmpfs on `folder` and puts a clone of each source there. With STAGE_MAP_OWNER the owner of the
   source and uid/gid change places. 0, or -1 with errno and *what naming the step. */
int stage_mounts(const char *folder, const struct stage_mount *mounts, size_t n, uint32_t uid, uint32_t gid, const char **what);

#endif
