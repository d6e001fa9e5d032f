#define _GNU_SOURCE
#include "change_set.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

#define TABLE_FIRST 32u
#define TABLE_MOST 32768u              /* slots: 256 KiB */
#define TABLES_MOST (2u * 1024 * 1024) /* bytes over all executions */
#define KIND_BITS 3u

static size_t tables;

static uint64_t key_of(const char *path, size_t len)
{
    uint64_t key = seeded_hash(1, path, len) & ~(uint64_t)KIND_BITS;
    return key != 0 ? key : 4;
}

static size_t slot_of(const struct change_set *s, uint64_t key)
{
    size_t at = (key >> 2) & (s->cap - 1);
    while (s->table[at] != 0 && (s->table[at] & ~(uint64_t)KIND_BITS) != key) at = (at + 1) & (s->cap - 1);
    return at;
}

static bool grow(struct change_set *s)
{
    size_t before = s->cap, wanted = before > 0 ? before * 2 : TABLE_FIRST;
    uint64_t *old = s->table;
    if (wanted > TABLE_MOST || tables + (wanted - before) * sizeof *old > TABLES_MOST) return false;
    uint64_t *grown = calloc(wanted, sizeof *grown);
    if (grown == NULL) return false;
    tables += (wanted - before) * sizeof *old;
    s->table = grown;
    s->cap = wanted;
    for (size_t i = 0; i < before; i++)
        if (old[i] != 0) s->table[slot_of(s, old[i] & ~(uint64_t)KIND_BITS)] = old[i];
    free(old);
    return true;
}

static void take_out(struct change_set *s, size_t hole)
{
    s->used--;
    for (size_t at = (hole + 1) & (s->cap - 1); s->table[at] != 0; at = (at + 1) & (s->cap - 1)) {
        size_t home = (s->table[at] >> 2) & (s->cap - 1);
        if (((at - home) & (s->cap - 1)) < ((at - hole) & (s->cap - 1))) continue;
        s->table[hole] = s->table[at];
        hole = at;
    }
    s->table[hole] = 0;
}

static void list(struct change_set *s, uint64_t key, const char *path, size_t len)
{
    if (s->listed_count == CHANGES_LISTED || s->text + len > CHANGES_TEXT) return;
    if (s->listed == NULL && (s->listed = calloc(CHANGES_LISTED, sizeof *s->listed)) == NULL) return;
    char *copy = malloc(len + 1);
    if (copy == NULL) return;
    memcpy(copy, path, len);
    copy[len] = 0;
    s->listed[s->listed_count].key = key;
    s->listed[s->listed_count++].path = copy;
    s->text += len;
}

static void unlist_at(struct change_set *s, size_t i)
{
    s->text -= strlen(s->listed[i].path);
    free(s->listed[i].path);
    memmove(&s->listed[i], &s->listed[i + 1], (s->listed_count - i - 1) * sizeof s->listed[0]);
    s->listed_count--;
}

static void unlist(struct change_set *s, uint64_t key)
{
    for (size_t i = 0; i < s->listed_count; i++) {
        if (s->listed[i].key != key) continue;
        unlist_at(s, i);
        return;
    }
}

/* What two things that happened to one path, one after the other, come to. */
static enum change_kind both(enum change_kind first, enum change_kind then, bool folder)
{
    if (first == CHANGE_CREATED) return then == CHANGE_REMOVED ? CHANGE_NONE : CHANGE_CREATED;
    if (then == CHANGE_REMOVED) return CHANGE_REMOVED;
    /* A folder that was removed and made anew is there as before; what was in it is told by itself. */
    return folder && first == CHANGE_REMOVED ? CHANGE_NONE : CHANGE_CHANGED;
}

void change_set_record(struct change_set *s, const char *path, size_t len, enum change_kind kind)
{
    if (len == 0) return;
    uint64_t key = key_of(path, len);
    if (s->cap > 0) {
        size_t at = slot_of(s, key);
        if (s->table[at] != 0) {
            kind = both((enum change_kind)(s->table[at] & KIND_BITS), kind, path[len - 1] == '/');
            if (kind != CHANGE_NONE) {
                s->table[at] = key | (uint64_t)kind;
                return;
            }
            take_out(s, at);
            unlist(s, key);
            return;
        }
    }
    if (s->used * 4 >= s->cap * 3 && !grow(s)) {
        s->gaps |= GAP_PATHS;
        return;
    }
    s->table[slot_of(s, key)] = key | (uint64_t)kind;
    s->used++;
    list(s, key, path, len);
}

void change_set_moved(struct change_set *s, const char *from, const char *to)
{
    size_t prefix = strlen(from);
    if (to != NULL && strncmp(to, from, prefix) == 0) return;
    for (size_t i = 0; i < s->listed_count;) {
        char *path = s->listed[i].path, renamed[PATH_MAX * 2];
        size_t at = slot_of(s, s->listed[i].key);
        enum change_kind kind = (enum change_kind)(s->table[at] & KIND_BITS);
        if (kind == CHANGE_REMOVED || strncmp(path, from, prefix) != 0 || path[prefix] == 0) {
            i++;
            continue;
        }
        int n = to != NULL ? snprintf(renamed, sizeof renamed, "%s%s", to, path + prefix) : 0;
        take_out(s, at);
        unlist_at(s, i);
        /* It goes to the end of the list, and is then met again without a match. */
        if (n > 0 && (size_t)n < sizeof renamed) change_set_record(s, renamed, (size_t)n, kind);
    }
}

static void put_kind(const struct change_set *s, struct buffer *out, enum change_kind kind)
{
    uint32_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) put_u32(out, n);
        for (size_t i = 0; i < s->listed_count; i++) {
            if ((enum change_kind)(s->table[slot_of(s, s->listed[i].key)] & KIND_BITS) != kind) continue;
            if (pass == 0) n++;
            else put_text(out, s->listed[i].path);
        }
    }
}

static const struct { uint32_t gap; const char *text; } reasons[] = {
    { GAP_OFF, "the workspace cannot be watched" },
    { GAP_INSTANCES, "no more watchers may be made (fs.inotify.max_user_instances)" },
    { GAP_CROWD, "more executions ran at once than are followed" },
    { GAP_START, "it began before the first look at the workspace was finished" },
    { GAP_OVERFLOW, "too much happened at once, and notices were dropped" },
    { GAP_SWAP, "one folder took the place of another" },
    { GAP_FOLDERS, "the workspace has more folders, or deeper ones, than are watched" },
    { GAP_WATCHES, "no more folders may be watched (fs.inotify.max_user_watches)" },
    { GAP_DENIED, "a folder of the workspace may not be read" },
    { GAP_PATHS, "more paths changed than are told apart" },
    { GAP_END, "new folders were still being read when it ended" },
    { GAP_NAMES, "with so many files, a replaced one may be listed as created" },
};

void change_set_put(const struct change_set *s, struct buffer *out)
{
    char why[1024] = "";
    size_t n = 0;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (s->gaps & reasons[i].gap) n += (size_t)snprintf(why + n, sizeof why - n, "%s%s", n > 0 ? "; " : "", reasons[i].text);
    if (s->company && s->used > 0) snprintf(why + n, sizeof why - n, "%sothers were at work at the same time: what they changed is among these", n > 0 ? "; " : "");
    put_u8(out, s->gaps == 0 ? 1 : 0);
    put_u32(out, (uint32_t)(s->used - s->listed_count));
    put_kind(s, out, CHANGE_CREATED);
    put_kind(s, out, CHANGE_CHANGED);
    put_kind(s, out, CHANGE_REMOVED);
    put_text(out, why);
}

void change_set_free(struct change_set *s)
{
    for (size_t i = 0; i < s->listed_count; i++) free(s->listed[i].path);
    free(s->listed);
    free(s->table);
    tables -= s->cap * sizeof *s->table;
    free(s);
}
