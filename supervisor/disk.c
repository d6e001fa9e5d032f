#define _GNU_SOURCE
#include "disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "execution.h"
#include "limits_parts.h"
#include "serve.h"
#include "tree.h"
#include "util.h"

#define PLACES_MAX 64
#define DEPTH_MAX 64
#define PASS_MS 250u           /* between two counts */
#define SLICE_US 2000u         /* of a count, at once */
#define PAUSE_MS 10u           /* between two slices: a sixth of the time at most */
#define SEARCH_MAX 20000u      /* files looked at for one of a certain size */
#define INODE_BYTES 1024u      /* memory of a file in a file system in memory, beside its content */
#define MIB(bytes) ((unsigned long long)((bytes) >> 20))

struct place {
    char *path;
    bool own;
    uint64_t blocks, inodes;   /* of its file system that were free when the last count began */
};

/* A walk that can be left and gone on with. Links and mount points are not followed. */
struct walk {
    DIR *open[DEPTH_MAX];
    size_t depth, place;
    bool all;                  /* also the file systems that know their sum */
    dev_t device;
    uint64_t bytes;
};

static struct place places[PLACES_MAX];
static size_t place_count;
static struct walk walk;
static bool counting;
static uint64_t next_pass, count_began_us;

void disk_add_place(struct slice path, bool own)
{
    if (place_count == PLACES_MAX) return;
    struct place *p = &places[place_count++];
    p->path = must_alloc((size_t)path.len + 1);
    memcpy(p->path, path.data, path.len);
    p->path[path.len] = 0;
    p->own = own;
}

uint64_t disk_scratch_bytes(void)
{
    uint64_t total = 0;
    for (size_t i = 0; i < place_count; i++) {
        struct statvfs s;
        if (!places[i].own || statvfs(places[i].path, &s) != 0) continue;
        total += (uint64_t)(s.f_blocks - s.f_bfree) * s.f_frsize + (uint64_t)(s.f_files - s.f_ffree) * INODE_BYTES;
    }
    return total;
}

static void walk_end(struct walk *w)
{
    while (w->depth > 0) closedir(w->open[--w->depth]);
}

/* Opens the next place that is to be walked; false when there is none. */
static bool walk_enter(struct walk *w)
{
    while (w->place < place_count) {
        const struct place *p = &places[w->place++];
        struct stat st;
        int fd = p->own && !w->all ? -1 : open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) continue;
        DIR *d = fstat(fd, &st) == 0 ? fdopendir(fd) : NULL;
        if (d == NULL) {
            close(fd);
            continue;
        }
        w->device = st.st_dev;
        w->open[w->depth++] = d;
        return true;
    }
    return false;
}

/* The next file or folder: its size and time; false at the end. */
static bool walk_next(struct walk *w, struct stat *st)
{
    for (;;) {
        if (w->depth == 0 && !walk_enter(w)) return false;
        DIR *d = w->open[w->depth - 1];
        struct dirent *entry = readdir(d);
        if (entry == NULL) {
            closedir(d);
            w->depth--;
            continue;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (fstatat(dirfd(d), entry->d_name, st, AT_SYMLINK_NOFOLLOW) != 0 || st->st_dev != w->device) continue;
        if (S_ISDIR(st->st_mode) && w->depth < DEPTH_MAX) {
            int fd = openat(dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            DIR *below = fd < 0 ? NULL : fdopendir(fd);
            if (below != NULL) w->open[w->depth++] = below;
            else if (fd >= 0) close(fd);
        }
        return true;
    }
}

/* Has any file system of a place changed since the last count began? Others may have changed it; nobody can write without. */
static bool changed(void)
{
    bool any = false;
    for (size_t i = 0; i < place_count; i++) {
        struct statvfs s;
        if (statvfs(places[i].path, &s) != 0) continue;
        any = any || places[i].blocks != s.f_bfree || places[i].inodes != s.f_ffree;
        places[i].blocks = s.f_bfree;
        places[i].inodes = s.f_ffree;
    }
    return any;
}

/* What the living processes of e have handed over so far: to storage, and to anything at all. */
struct handed {
    unsigned long long storage, all;
};

static struct handed handed_by(const struct execution *e, const struct tree *t)
{
    struct handed total = { 0, 0 };
    for (size_t i = 0; i < t->n; i++) {
        if (!process_of(&t->v[i], e)) continue;
        char path[32], text[512];
        unsigned long long n;
        snprintf(path, sizeof path, "/proc/%d/io", (int)t->v[i].pid);
        if (read_small(path, text, sizeof text) <= 0) continue;
        const char *all = strstr(text, "wchar:"), *storage = strstr(text, "\nwrite_bytes:");
        if (all != NULL && sscanf(all, "wchar: %llu", &n) == 1) total.all += n;
        if (storage != NULL && sscanf(storage, "\nwrite_bytes: %llu", &n) == 1) total.storage += n;
    }
    return total;
}

/* Who is to answer for growth since the last count: the one that handed over most. One that began since then may be innocent of it, unless it
   writes while the sandbox was over its limit already. */
static struct execution *writer(uint64_t since_us, bool was_over)
{
    static struct tree tree;
    struct execution *found = NULL;
    struct handed most = { 0, 0 };
    if (!tree_scan(&tree)) tree.n = 0;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (!limits_lives(e) || e->kill.active) continue;
        struct handed own = handed_by(e, &tree);
        if (e->start_us > since_us && !(was_over && own.storage > 0)) continue;
        if (found != NULL && (own.storage < most.storage || (own.storage == most.storage && own.all <= most.all))) continue;
        most = own;
        found = e;
    }
    return found;
}

/* A count is complete. What only stayed over the limit, or gets smaller, may go on: otherwise nobody could remove anything. */
static void judge(uint64_t bytes, uint64_t begun_us)
{
    static uint64_t last_us, last_bytes;
    bool grew = last_us > 0 && bytes > last_bytes, was_over = last_bytes > server.disk_bytes;
    uint64_t since = last_us;
    last_us = begun_us;
    last_bytes = bytes;
    if (bytes <= server.disk_bytes || !grew) return;
    struct execution *e = writer(since, was_over);
    if (e == NULL) return;
    char text[160];
    snprintf(text, sizeof text, "the files of the sandbox took %llu MiB, %llu MiB are allowed", MIB(bytes), MIB(server.disk_bytes));
    limits_end(e, END_DISK_LIMIT, text);
}

uint64_t disk_tick(uint64_t now)
{
    static bool quiet;
    if (server.disk_bytes == 0) return UINT64_MAX;
    if (now < next_pass) return next_pass;
    if (!counting) {
        bool runs = false;
        for (struct execution *e = executions; e != NULL; e = e->next) runs = runs || limits_lives(e);
        /* Counted once more when nothing runs: what is there then is nobody's fault. */
        if (!runs && quiet) return UINT64_MAX;
        quiet = !runs;
        if (!changed()) return runs ? next_pass = now + PASS_MS : UINT64_MAX;
        memset(&walk, 0, sizeof walk);
        counting = true;
        count_began_us = mono_us();
    }
    uint64_t until = mono_us() + SLICE_US;
    struct stat st;
    for (uint32_t n = 0;; n++) {
        if (!walk_next(&walk, &st)) {
            counting = false;
            judge(walk.bytes + disk_scratch_bytes(), count_began_us);
            return next_pass = now + PASS_MS;
        }
        /* A file of several names is met as often. */
        walk.bytes += (uint64_t)st.st_blocks * 512u / (S_ISDIR(st.st_mode) || st.st_nlink == 0 ? 1u : (uint64_t)st.st_nlink);
        if (n % 32 == 31 && mono_us() > until) return next_pass = now + PAUSE_MS;
    }
}

bool disk_has_file_of(uint64_t size, uint64_t start_ms)
{
    static struct walk search;
    memset(&search, 0, sizeof search);
    search.all = true;
    bool found = false;
    struct stat st;
    for (uint32_t n = 0; n < SEARCH_MAX && !found && walk_next(&search, &st); n++)
        found = S_ISREG(st.st_mode) && (uint64_t)st.st_size == size && (uint64_t)st.st_mtim.tv_sec * 1000u + 1000u >= start_ms;
    walk_end(&search);
    return found;
}
