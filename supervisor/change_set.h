/* What changed while one execution ran: coalesced, counted, the first of it listed by name. Bounded in every direction. */
#ifndef CORRAL_CHANGE_SET_H
#define CORRAL_CHANGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#define CHANGES_LISTED 100u            /* paths */
#define CHANGES_TEXT (8u * 1024)       /* bytes of them together */

enum change_kind { CHANGE_NONE = 0, CHANGE_CREATED, CHANGE_CHANGED, CHANGE_REMOVED };

/* Why not all may have been seen. */
enum change_gap {
    GAP_START = 1,      /* the first look at the workspace was not finished */
    GAP_OVERFLOW = 2,   /* the kernel dropped notices */
    GAP_FOLDERS = 4,    /* more folders, or deeper ones, than are watched */
    GAP_WATCHES = 8,    /* the user has no more watches */
    GAP_DENIED = 16,    /* a folder may not be read */
    GAP_OFF = 32,       /* nothing can be watched */
    GAP_PATHS = 64,     /* more paths than are told apart */
    GAP_END = 128,      /* new folders were not read in time */
    GAP_NAMES = 256,    /* more files than are known by name */
    GAP_CROWD = 512,    /* more executions at once than are followed */
    GAP_SWAP = 1024,    /* a folder took the place of another */
    GAP_INSTANCES = 2048, /* the user has no more watchers */
};

struct change_set {
    struct change_set *next;
    uint64_t *table;                   /* open addressing; hash with the kind in its low two bits, 0 = free */
    size_t cap, used;
    struct { uint64_t key; char *path; } *listed;
    size_t listed_count, text;
    uint32_t gaps;
    bool company;                      /* others may have changed files meanwhile */
};

/* A folder's path ends in '/'. */
void change_set_record(struct change_set *s, const char *path, size_t len, enum change_kind kind);
/* A folder was renamed (to != NULL) or has left (NULL): so have the listed paths beneath it. Both end in '/'. */
void change_set_moved(struct change_set *s, const char *from, const char *to);
/* The payload of the slot `changes` in EXIT. */
void change_set_put(const struct change_set *s, struct buffer *out);
void change_set_free(struct change_set *s);

#endif
