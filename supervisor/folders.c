#include "folders.h"

#include <stdlib.h>
#include <string.h>

#define CUT 0xfffeu
#define UNUSED 0xfffdu
#define SLOTS (FOLDERS_MAX * 2)

/* Parallel arrays: looking for children reads one of them only, and memory that is not needed is never touched. */
static uint16_t parents[FOLDERS_MAX], following[FOLDERS_MAX], slots[SLOTS];
static int32_t watches[FOLDERS_MAX];
static uint8_t tasks[FOLDERS_MAX];
static char *names[FOLDERS_MAX];
static size_t top, count, telling;
static folder_id free_list = FOLDER_NONE, first = FOLDER_NONE, last = FOLDER_NONE;

static size_t slot_of(int watch)
{
    size_t at = ((uint32_t)watch * 2654435761u) & (SLOTS - 1);
    while (slots[at] != 0 && watches[slots[at] - 1] != watch) at = (at + 1) & (SLOTS - 1);
    return at;
}

void folders_clear(void)
{
    for (size_t f = 0; f < top; f++) free(names[f]);
    memset(names, 0, top * sizeof names[0]);
    if (top > 0) memset(slots, 0, sizeof slots);
    top = count = telling = 0;
    free_list = first = last = FOLDER_NONE;
}

size_t folders_count(void) { return count; }

folder_id folder_add(folder_id parent, const char *name, size_t len, enum folder_task task)
{
    if (free_list == FOLDER_NONE && top == FOLDERS_MAX) return FOLDER_NONE;
    char *copy = malloc(len + 1);
    if (copy == NULL) return FOLDER_NONE;
    memcpy(copy, name, len);
    copy[len] = 0;
    folder_id f = free_list;
    if (f != FOLDER_NONE) free_list = following[f];
    else f = (folder_id)top++;
    names[f] = copy;
    parents[f] = parent;
    watches[f] = -1;
    tasks[f] = (uint8_t)task;
    following[f] = FOLDER_NONE;
    count++;
    if (task == TASK_TELL) telling++;
    if (last != FOLDER_NONE) following[last] = f;
    else first = f;
    last = f;
    return f;
}

static void forget_watch(folder_id f)
{
    if (watches[f] < 0) return;
    size_t hole = slot_of(watches[f]);
    watches[f] = -1;
    slots[hole] = 0;
    /* Whatever was put further on because of this one is put in anew. */
    for (size_t at = (hole + 1) & (SLOTS - 1); slots[at] != 0; at = (at + 1) & (SLOTS - 1)) {
        uint16_t moved = slots[at];
        slots[at] = 0;
        slots[slot_of(watches[moved - 1])] = moved;
    }
}

/* Takes it out of the queue of those to be read. */
static void unqueue(folder_id f)
{
    if (tasks[f] == TASK_NONE) return;
    if (tasks[f] == TASK_TELL) telling--;
    tasks[f] = TASK_NONE;
    folder_id before = FOLDER_NONE;
    for (folder_id at = first; at != f; at = following[at]) before = at;
    if (before == FOLDER_NONE) first = following[f];
    else following[before] = following[f];
    if (last == f) last = before;
}

void folder_free(folder_id f)
{
    if (parents[f] == UNUSED) return;
    unqueue(f);
    forget_watch(f);
    for (size_t c = 0; c < top; c++)
        if (parents[c] == f) parents[c] = CUT;
    free(names[f]);
    names[f] = NULL;
    parents[f] = UNUSED;
    following[f] = free_list;
    free_list = f;
    count--;
}

void folder_cut(folder_id f) { parents[f] = CUT; }

bool folder_put(folder_id f, folder_id parent, const char *name)
{
    char *copy = strdup(name);
    if (copy == NULL) return false;
    free(names[f]);
    names[f] = copy;
    parents[f] = parent;
    return true;
}

folder_id folder_by_watch(int watch)
{
    if (watch < 0) return FOLDER_NONE;
    uint16_t found = slots[slot_of(watch)];
    return found != 0 ? (folder_id)(found - 1) : FOLDER_NONE;
}

folder_id folder_child(folder_id parent, const char *name)
{
    for (size_t f = 0; f < top; f++)
        if (parents[f] == parent && strcmp(names[f], name) == 0) return (folder_id)f;
    return FOLDER_NONE;
}

int folder_watch(folder_id f) { return watches[f]; }

void folder_set_watch(folder_id f, int watch)
{
    forget_watch(f);
    watches[f] = watch;
    slots[slot_of(watch)] = (uint16_t)(f + 1);
}

folder_id folder_next(enum folder_task *task)
{
    folder_id f = first;
    if (f == FOLDER_NONE) return f;
    *task = (enum folder_task)tasks[f];
    if (tasks[f] == TASK_TELL) telling--;
    tasks[f] = TASK_NONE;
    first = following[f];
    if (first == FOLDER_NONE) last = FOLDER_NONE;
    return f;
}

bool folders_telling(void) { return telling > 0; }

const char *folder_path(folder_id f, char out[PATH_MAX], folder_id *root)
{
    char *at = out + PATH_MAX - 1;
    *at = 0;
    *root = 0;
    for (unsigned depth = 0; parents[f] != FOLDER_NONE; depth++) {
        if (parents[f] >= UNUSED) *root = FOLDER_NONE;
        if (parents[f] >= UNUSED || depth == FOLDER_DEPTH_MAX) return NULL;
        size_t len = strlen(names[f]);
        size_t need = len + (*at != 0 ? 1 : 0);
        if ((size_t)(at - out) < need) return NULL;
        if (*at != 0) *--at = '/';
        at -= len;
        memcpy(at, names[f], len);
        f = parents[f];
    }
    *root = f;
    return at;
}

folder_id folder_from(size_t f)
{
    while (f < top && parents[f] == UNUSED) f++;
    return f < top ? (folder_id)f : FOLDER_NONE;
}
