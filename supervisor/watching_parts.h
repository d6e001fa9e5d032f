/* What watching.c (notices) and reading.c (folders) share. */
#ifndef CORRAL_WATCHING_PARTS_H
#define CORRAL_WATCHING_PARTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "change_set.h"
#include "folders.h"

#define ROOTS_MAX 16u

struct root {
    char *path, *prefix;      /* prefix: in front of the paths that are told: "", or the path and '/' */
    int fd;
};

extern struct watching {
    struct root roots[ROOTS_MAX];
    size_t root_count, most_folders;
    int notices;              /* inotify; -1 = nothing is watched now */
    bool looking;             /* the first look is not finished */
    bool too_few;             /* folders had to be left out */
    bool stirred;             /* folders were found by notices while all are being read */
    bool unusable_root;
} watching;

void note_gap(uint32_t gap);
/* The path of a name in a folder as it is told; its length, 0 when it has none. */
size_t tell_path(folder_id f, const char *name, bool is_folder, char out[PATH_MAX * 2]);
void record_change(folder_id f, const char *name, bool is_folder, enum change_kind kind);

/* A folder was found: it is watched, and read, in its turn. */
void find_folder(folder_id parent, const char *name, enum folder_task task);
void forget_folder(folder_id f);
void stop_reading(void);
bool reading_to_tell(void);

#endif
