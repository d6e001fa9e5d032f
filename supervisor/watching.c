#define _GNU_SOURCE
#include "watching.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "beneath.h"
#include "change_set.h"
#include "changes.h"
#include "folders.h"
#include "names.h"
#include "util.h"
#include "watching_parts.h"

#define TURN_US 1000u               /* of reading folders, in one turn of the main loop */
#define GATHER_MS 5u                /* notices gather in the kernel for so long */
#define AGAIN_MS 200u               /* from a loss of notices to the new look at everything */
#define RETRY_MS 5000u              /* until a watcher is asked for again */
#define MOVES 8u

/* A folder that left and may come back under another name with the next notice. */
struct move {
    folder_id folder;
    uint32_t cookie;
    char *from;                     /* its path, ending in '/' */
};

struct watching watching = { .notices = -1 };
static struct move moves[MOVES];
static uint32_t gaps;               /* of what is watched: holds for everybody until the next look */
static uint64_t read_at, again_at;

void note_gap(uint32_t gap)
{
    gaps |= gap;
    changes_gap(gap);
}

/* ---- paths ---- */

/* The path of a name in a folder as it is told; its length, 0 when it has none. */
size_t tell_path(folder_id f, const char *name, bool is_folder, char out[PATH_MAX * 2])
{
    char whole[PATH_MAX];
    folder_id root;
    const char *rest = folder_path(f, whole, &root);
    if (rest == NULL && root == FOLDER_NONE) return 0;
    int n = rest == NULL ? PATH_MAX : snprintf(out, PATH_MAX * 2, "%s%s%s%s%s", watching.roots[root].prefix, rest, *rest != 0 ? "/" : "", name, is_folder ? "/" : "");
    if (n > 0 && n < PATH_MAX) return (size_t)n;
    note_gap(GAP_FOLDERS);
    return 0;
}

void record_change(folder_id f, const char *name, bool is_folder, enum change_kind kind)
{
    char path[PATH_MAX * 2];
    size_t n = changes_wanted() ? tell_path(f, name, is_folder, path) : 0;
    if (n > 0) changes_record(path, n, kind);
}

/* ---- notices ---- */

static void move_over(struct move *m)
{
    free(m->from);
    *m = (struct move){ .folder = FOLDER_NONE };
}

/* It did not come back: what is beneath it is outside. */
static void left(struct move *m)
{
    changes_moved(m->from, NULL);
    if (folder_watch(m->folder) >= 0) inotify_rm_watch(watching.notices, folder_watch(m->folder));
    forget_folder(m->folder);
    move_over(m);
}

/* Watches of folders that are in the tree no more. */
static void drop_cut_off(void)
{
    char whole[PATH_MAX];
    folder_id root;
    for (folder_id f = folder_from(0); f != FOLDER_NONE; f = folder_from((size_t)f + 1)) {
        if (folder_path(f, whole, &root) != NULL || root != FOLDER_NONE) continue;
        if (folder_watch(f) >= 0) inotify_rm_watch(watching.notices, folder_watch(f));
        forget_folder(f);
    }
}

static void moves_left(void)
{
    bool any = false;
    for (size_t i = 0; i < MOVES; i++) {
        if (moves[i].from == NULL) continue;
        left(&moves[i]);
        any = true;
    }
    if (any) drop_cut_off();
}

/* Notices were lost, or do not fit what is known: everything is looked at anew, soon. */
static void look_again(uint32_t gap)
{
    note_gap(gap);
    if (watching.notices >= 0) close(watching.notices);
    watching.notices = -1;
    stop_reading();
    for (size_t i = 0; i < MOVES; i++) move_over(&moves[i]);
    read_at = 0;
    again_at = mono_ms() + AGAIN_MS;
}

static void folder_left(folder_id parent, const char *name, uint32_t cookie)
{
    char path[PATH_MAX * 2];
    folder_id f = folder_child(parent, name);
    if (f == FOLDER_NONE) return;
    size_t n = tell_path(parent, name, true, path), i = 0;
    while (i < MOVES - 1 && moves[i].from != NULL) i++;
    if (moves[i].from != NULL) left(&moves[i]);
    folder_cut(f);
    moves[i] = (struct move){ f, cookie, n > 0 ? strdup(path) : NULL };
    if (moves[i].from == NULL) forget_folder(f);
}

static void folder_came(folder_id parent, const char *name, uint32_t cookie)
{
    char path[PATH_MAX * 2];
    folder_id there = folder_child(parent, name);
    if (there != FOLDER_NONE) {
        /* Two folders changed places, or one replaced another: which is which cannot be told. */
        look_again(GAP_SWAP);
        return;
    }
    for (size_t i = 0; i < MOVES; i++) {
        struct move *m = &moves[i];
        if (m->from == NULL || m->cookie != cookie) continue;
        if (tell_path(parent, name, true, path) == 0 || !folder_put(m->folder, parent, name)) {
            left(m);
            note_gap(GAP_FOLDERS);
            return;
        }
        changes_moved(m->from, path);
        move_over(m);
        return;
    }
    find_folder(parent, name, TASK_TELL);
}

/* False when everything is to be looked at anew. */
static bool on_notice(const struct inotify_event *v)
{
    if (v->mask & IN_Q_OVERFLOW) {
        look_again(GAP_OVERFLOW);
        return false;
    }
    folder_id f = folder_by_watch(v->wd);
    if (f == FOLDER_NONE) return true;
    if (v->mask & IN_IGNORED) {
        char whole[PATH_MAX];
        folder_id root;
        const char *path = folder_path(f, whole, &root);
        if (path != NULL && *path == 0) note_gap(GAP_OFF);
        else forget_folder(f);
        return true;
    }
    if (v->len == 0 || v->name[0] == 0) return true;
    bool folder = (v->mask & IN_ISDIR) != 0;
    if (v->mask & IN_CREATE) {
        names_add(v->wd, v->name);
        record_change(f, v->name, folder, CHANGE_CREATED);
        if (folder) find_folder(f, v->name, TASK_TELL);
    } else if (v->mask & (IN_DELETE | IN_MOVED_FROM)) {
        names_remove(v->wd, v->name);
        record_change(f, v->name, folder, CHANGE_REMOVED);
        if (folder && (v->mask & IN_MOVED_FROM)) folder_left(f, v->name, v->cookie);
        else if (folder) {
            folder_id child = folder_child(f, v->name);
            if (child != FOLDER_NONE) forget_folder(child);
        }
    } else if (v->mask & IN_MOVED_TO) {
        if (!names_complete()) note_gap(GAP_NAMES);
        bool replaced = names_has(v->wd, v->name);
        names_add(v->wd, v->name);
        record_change(f, v->name, folder, replaced && !folder ? CHANGE_CHANGED : CHANGE_CREATED);
        if (folder) folder_came(f, v->name, v->cookie);
        return watching.notices >= 0;
    } else {
        record_change(f, v->name, folder, CHANGE_CHANGED);
    }
    return true;
}

bool watching_drain(uint64_t most_us)
{
    static _Alignas(struct inotify_event) char buffer[8192];
    int waiting = 0;
    read_at = 0;
    if (watching.notices < 0 || ioctl(watching.notices, FIONREAD, &waiting) != 0 || waiting == 0) return true;
    uint64_t until = mono_us() + most_us;
    while (waiting > 0) {
        ssize_t n = read(watching.notices, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        waiting -= (int)n;
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *v = (const struct inotify_event *)(buffer + at);
            at += (ssize_t)(sizeof *v + v->len);
            if (!on_notice(v)) return true;
        }
        if (waiting > 0 && mono_us() >= until) {
            read_at = 1;
            return false;
        }
    }
    moves_left();
    return true;
}

/* ---- beginning, and beginning anew ---- */

static void look(void)
{
    again_at = 0;
    folders_clear();
    names_clear();
    gaps = 0;
    watching.too_few = watching.stirred = false;
    watching.looking = true;
    if (watching.unusable_root) note_gap(GAP_OFF);
    watching.notices = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watching.notices < 0) {
        note_gap(errno == EMFILE ? GAP_INSTANCES : GAP_OFF);
        watching.looking = false;
        again_at = mono_ms() + RETRY_MS;
        return;
    }
    for (size_t i = 0; i < watching.root_count; i++) folder_add(FOLDER_NONE, "", 0, TASK_QUIET);
}

void watching_add_root(struct slice path)
{
    struct root *r = &watching.roots[watching.root_count];
    if (watching.root_count == ROOTS_MAX || path.len == 0 || path.len >= PATH_MAX || path.data[0] != '/' || memchr(path.data, 0, path.len) != NULL) {
        watching.unusable_root = true;
        return;
    }
    r->path = must_alloc((size_t)path.len + 1);
    memcpy(r->path, path.data, path.len);
    r->fd = open(r->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r->fd < 0) {
        note("changes: %s cannot be opened: %s", r->path, strerror(errno));
        free(r->path);
        watching.unusable_root = true;
        return;
    }
    r->prefix = must_alloc((size_t)path.len + 2);
    if (watching.root_count > 0) snprintf(r->prefix, (size_t)path.len + 2, "%s/", r->path);
    watching.root_count++;
}

bool watching_holds(struct slice path)
{
    for (size_t i = 0; i < watching.root_count; i++) {
        size_t n = strlen(watching.roots[i].path);
        if (path.len > n && memcmp(path.data, watching.roots[i].path, n) == 0 && path.data[n] == '/') return true;
    }
    return false;
}

bool watching_on(void) { return watching.root_count > 0 || watching.unusable_root; }

void watching_start(void)
{
    char text[32];
    if (!watching_on()) return;
    watching.most_folders = FOLDERS_MAX;
    /* The user's other programs need some too. */
    if (read_small("/proc/sys/fs/inotify/max_user_watches", text, sizeof text) > 0) {
        unsigned long share = strtoul(text, NULL, 10) / 4;
        if (share < watching.most_folders) watching.most_folders = share > watching.root_count ? share : watching.root_count;
    }
    for (size_t i = 0; i < MOVES; i++) moves[i].folder = FOLDER_NONE;
    look();
}

uint32_t watching_gaps(void) { return gaps | (watching.looking || (again_at > 0 && (gaps & GAP_INSTANCES) == 0) ? GAP_START : 0u); }

bool watching_looking(void) { return watching.looking && watching.notices >= 0; }

bool watching_behind(void)
{
    return watching.notices >= 0 && !watching.looking && (folders_telling() || reading_to_tell());
}

void watching_quiet(void)
{
    /* There is room again for folders that were left out. */
    if (watching.too_few && again_at == 0 && folders_count() < watching.most_folders / 2) look_again(0);
}

int watching_fd(void) { return read_at > 0 ? -1 : watching.notices; }

void watching_ready(uint64_t now) { read_at = now + GATHER_MS; }

uint64_t watching_tick(uint64_t now)
{
    if (again_at > 0 && now >= again_at) look();
    if (read_at > 0 && now >= read_at) watching_drain(NOTICES_US);
    if (again_at > 0) return again_at;
    return read_at > 0 ? read_at : UINT64_MAX;
}

bool watching_work(void) { return watching_read(TURN_US); }
