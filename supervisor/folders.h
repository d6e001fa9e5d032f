/* The watched folders: a tree of names, found by watch. Bounded; about 40 bytes a folder. */
#ifndef CORRAL_FOLDERS_H
#define CORRAL_FOLDERS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLDERS_MAX 4096u
#define FOLDER_NONE 0xffffu
#define FOLDER_DEPTH_MAX 128u

typedef uint16_t folder_id;

/* A folder that is to be read: `quiet` when what is in it was there before, else it is told as created. */
enum folder_task { TASK_NONE = 0, TASK_QUIET, TASK_TELL };

void folders_clear(void);
size_t folders_count(void);

/* parent = FOLDER_NONE for a root. FOLDER_NONE when there is no room. It has no watch yet. */
folder_id folder_add(folder_id parent, const char *name, size_t len, enum folder_task task);
/* Forgets it, and cuts its children off. */
void folder_free(folder_id f);
/* Takes it out of the tree: it and what is beneath have no path until it is put in again. */
void folder_cut(folder_id f);
bool folder_put(folder_id f, folder_id parent, const char *name);

folder_id folder_by_watch(int watch);
folder_id folder_child(folder_id parent, const char *name);
int folder_watch(folder_id f);                 /* -1 = none */
void folder_set_watch(folder_id f, int watch);

/* The next one to be read, first come, first served; FOLDER_NONE = none. It has then no task any more. */
folder_id folder_next(enum folder_task *task);
/* Is one waiting whose content is to be told? */
bool folders_telling(void);

/* The path below its root, "" for the root itself, at the end of `out`; the root's id. NULL when it is too deep or too long, or, with
   *root = FOLDER_NONE, cut off. */
const char *folder_path(folder_id f, char out[PATH_MAX], folder_id *root);

/* The next folder from `f` on that is in use; FOLDER_NONE = none. */
folder_id folder_from(size_t f);

#endif
