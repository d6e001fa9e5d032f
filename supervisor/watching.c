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

#define ROOTS_MAX 16u
#define EVENTS (IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR | IN_EXCL_UNLINK)
#define TURN_US 1000u               /* of reading folders, in one turn of the main loop */
#define GATHER_MS 5u                /* notices gather in the kernel for so long */
#define AGAIN_MS 200u               /* from a loss of notices to the new look at everything */
#define RETRY_MS 5000u              /* until a watcher is asked for again */
#define MOVES 8u

struct root {
    char *prefix;                   /* in front of the paths that are told: "", or the path and '/' */
    int fd;
};

/* A folder that left and may come back under another name with the next notice. */
struct move {
    folder_id folder;
    uint32_t cookie;
    char *from;                     /* its path, ending in '/' */
};

static struct root roots[ROOTS_MAX];
static size_t root_count, most_folders;
static struct move moves[MOVES];
static int notices = -1;
static uint32_t gaps;               /* of what is watched: holds for everybody until the next look */
static bool looking;                /* the first look is not finished */
static uint64_t read_at, again_at;
static bool too_few;                /* folders had to be left out */
static bool stirred;                /* folders were found by notices while all are being read */
static bool unusable_root;

/* The folder that is being read. */
static struct {
    int fd;
    folder_id folder;
    enum folder_task task;
} reading = { .fd = -1 };

static void note_gap(uint32_t gap)
{
    gaps |= gap;
    changes_gap(gap);
}

/* ---- paths ---- */

/* The path of a name in a folder as it is told; its length, 0 when it has none. */
static size_t tell_path(folder_id f, const char *name, bool is_folder, char out[PATH_MAX * 2])
{
    char whole[PATH_MAX];
    folder_id root;
    const char *rest = folder_path(f, whole, &root);
    if (rest == NULL && root == FOLDER_NONE) return 0;
    int n = rest == NULL ? PATH_MAX : snprintf(out, PATH_MAX * 2, "%s%s%s%s%s", roots[root].prefix, rest, *rest != 0 ? "/" : "", name, is_folder ? "/" : "");
    if (n > 0 && n < PATH_MAX) return (size_t)n;
    note_gap(GAP_FOLDERS);
    return 0;
}

static void record(folder_id f, const char *name, bool is_folder, enum change_kind kind)
{
    char path[PATH_MAX * 2];
    size_t n = changes_wanted() ? tell_path(f, name, is_folder, path) : 0;
    if (n > 0) changes_record(path, n, kind);
}

/* ---- reading folders ---- */

static void stop_reading(void)
{
    if (reading.fd >= 0) close(reading.fd);
    reading.fd = -1;
}

static void forget(folder_id f)
{
    if (reading.fd >= 0 && reading.folder == f) stop_reading();
    folder_free(f);
}

/* A folder was found: it is read, and watched, in its turn. */
static void find(folder_id parent, const char *name, enum folder_task task)
{
    if ((task == TASK_TELL || stirred) && folder_child(parent, name) != FOLDER_NONE) return;
    if (looking && task == TASK_TELL) stirred = true;
    if (folders_count() >= most_folders || folder_add(parent, name, strlen(name), task) == FOLDER_NONE) {
        too_few = true;
        note_gap(GAP_FOLDERS);
    }
}

/* Watches the next folder and begins to read it. False when there is none. */
static bool begin_reading(void)
{
    folder_id f, root;
    enum folder_task task;
    if ((f = folder_next(&task)) == FOLDER_NONE) return false;
    char whole[PATH_MAX], link[40];
    const char *path = folder_path(f, whole, &root);
    if (path == NULL) {
        if (root != FOLDER_NONE) note_gap(GAP_FOLDERS);
        forget(f);
        return true;
    }
    int fd = open_beneath(roots[root].fd, *path != 0 ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0) {
        if (errno == EACCES || errno == EPERM) note_gap(GAP_DENIED);
        else if (errno != ENOENT && errno != ENOTDIR && errno != E_OUTSIDE) note_gap(GAP_OFF);
        if (*path != 0) forget(f);
        return true;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int watch = inotify_add_watch(notices, link, EVENTS);
    if (watch < 0 || (folder_by_watch(watch) != FOLDER_NONE && folder_by_watch(watch) != f)) {
        if (watch < 0) note_gap(errno == ENOSPC ? GAP_WATCHES : GAP_OFF);
        too_few = too_few || watch < 0;
        close(fd);
        if (*path != 0) forget(f);
        return true;
    }
    folder_set_watch(f, watch);
    reading.fd = fd;
    reading.folder = f;
    reading.task = task;
    return true;
}

struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

static bool is_folder_entry(const struct entry *d)
{
    struct stat st;
    if (d->type != DT_UNKNOWN) return d->type == DT_DIR;
    return fstatat(reading.fd, d->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static void read_some(void)
{
    static _Alignas(struct entry) char buffer[4096];
    folder_id f = reading.folder;
    int watch = folder_watch(f);
    long n = syscall(SYS_getdents64, reading.fd, buffer, sizeof buffer);
    for (long at = 0; at < n;) {
        struct entry *d = (struct entry *)(buffer + at);
        at += d->size;
        if (strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0) continue;
        bool folder = is_folder_entry(d);
        names_add(watch, d->name);
        if (reading.task == TASK_TELL) record(f, d->name, folder, CHANGE_CREATED);
        if (folder) find(f, d->name, reading.task);
    }
    if (n <= 0) stop_reading();
}

bool watching_read(uint64_t most_us)
{
    if (notices < 0) return false;
    uint64_t until = mono_us() + most_us;
    do {
        if (reading.fd < 0 && !begin_reading()) {
            looking = false;
            return false;
        }
        if (reading.fd >= 0) read_some();
    } while (mono_us() < until);
    return true;
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
    if (folder_watch(m->folder) >= 0) inotify_rm_watch(notices, folder_watch(m->folder));
    forget(m->folder);
    move_over(m);
}

/* Watches of folders that are in the tree no more. */
static void drop_cut_off(void)
{
    char whole[PATH_MAX];
    folder_id root;
    for (folder_id f = folder_from(0); f != FOLDER_NONE; f = folder_from((size_t)f + 1)) {
        if (folder_path(f, whole, &root) != NULL || root != FOLDER_NONE) continue;
        if (folder_watch(f) >= 0) inotify_rm_watch(notices, folder_watch(f));
        forget(f);
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
    if (notices >= 0) close(notices);
    notices = -1;
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
    if (moves[i].from == NULL) forget(f);
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
    find(parent, name, TASK_TELL);
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
        else forget(f);
        return true;
    }
    if (v->len == 0 || v->name[0] == 0) return true;
    bool folder = (v->mask & IN_ISDIR) != 0;
    if (v->mask & IN_CREATE) {
        names_add(v->wd, v->name);
        record(f, v->name, folder, CHANGE_CREATED);
        if (folder) find(f, v->name, TASK_TELL);
    } else if (v->mask & (IN_DELETE | IN_MOVED_FROM)) {
        names_remove(v->wd, v->name);
        record(f, v->name, folder, CHANGE_REMOVED);
        if (folder && (v->mask & IN_MOVED_FROM)) folder_left(f, v->name, v->cookie);
        else if (folder) {
            folder_id child = folder_child(f, v->name);
            if (child != FOLDER_NONE) forget(child);
        }
    } else if (v->mask & IN_MOVED_TO) {
        if (!names_complete()) note_gap(GAP_NAMES);
        bool replaced = names_has(v->wd, v->name);
        names_add(v->wd, v->name);
        record(f, v->name, folder, replaced && !folder ? CHANGE_CHANGED : CHANGE_CREATED);
        if (folder) folder_came(f, v->name, v->cookie);
        return notices >= 0;
    } else {
        record(f, v->name, folder, CHANGE_CHANGED);
    }
    return true;
}

bool watching_drain(uint64_t most_us)
{
    static _Alignas(struct inotify_event) char buffer[8192];
    int waiting = 0;
    read_at = 0;
    if (notices < 0 || ioctl(notices, FIONREAD, &waiting) != 0 || waiting == 0) return true;
    uint64_t until = mono_us() + most_us;
    while (waiting > 0) {
        ssize_t n = read(notices, buffer, sizeof buffer);
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
    too_few = stirred = false;
    looking = true;
    if (unusable_root) note_gap(GAP_OFF);
    notices = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (notices < 0) {
        note_gap(errno == EMFILE ? GAP_INSTANCES : GAP_OFF);
        looking = false;
        again_at = mono_ms() + RETRY_MS;
        return;
    }
    for (size_t i = 0; i < root_count; i++) folder_add(FOLDER_NONE, "", 0, TASK_QUIET);
}

void watching_add_root(struct slice path)
{
    struct root *r = &roots[root_count];
    if (root_count == ROOTS_MAX || path.len == 0 || path.len >= PATH_MAX || path.data[0] != '/' || memchr(path.data, 0, path.len) != NULL) {
        unusable_root = true;
        return;
    }
    r->prefix = must_alloc((size_t)path.len + 2);
    memcpy(r->prefix, path.data, path.len);
    r->fd = open(r->prefix, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r->fd < 0) {
        note("changes: %s cannot be opened: %s", r->prefix, strerror(errno));
        free(r->prefix);
        unusable_root = true;
        return;
    }
    if (root_count > 0) r->prefix[path.len] = '/';
    else r->prefix[0] = 0;
    root_count++;
}

bool watching_on(void) { return root_count > 0 || unusable_root; }

void watching_start(void)
{
    char text[32];
    if (!watching_on()) return;
    most_folders = FOLDERS_MAX;
    /* The user's other programs need some too. */
    if (read_small("/proc/sys/fs/inotify/max_user_watches", text, sizeof text) > 0) {
        unsigned long share = strtoul(text, NULL, 10) / 4;
        if (share < most_folders) most_folders = share > root_count ? share : root_count;
    }
    for (size_t i = 0; i < MOVES; i++) moves[i].folder = FOLDER_NONE;
    look();
}

uint32_t watching_gaps(void) { return gaps | (looking || (again_at > 0 && (gaps & GAP_INSTANCES) == 0) ? GAP_START : 0u); }

bool watching_looking(void) { return looking && notices >= 0; }

bool watching_behind(void)
{
    return notices >= 0 && !looking && (folders_telling() || (reading.fd >= 0 && reading.task == TASK_TELL));
}

void watching_quiet(void)
{
    /* There is room again for folders that were left out. */
    if (too_few && again_at == 0 && folders_count() < most_folders / 2) look_again(0);
}

int watching_fd(void) { return read_at > 0 ? -1 : notices; }

void watching_ready(uint64_t now) { read_at = now + GATHER_MS; }

uint64_t watching_tick(uint64_t now)
{
    if (again_at > 0 && now >= again_at) look();
    if (read_at > 0 && now >= read_at) watching_drain(NOTICES_US);
    if (again_at > 0) return again_at;
    return read_at > 0 ? read_at : UINT64_MAX;
}

bool watching_work(void) { return watching_read(TURN_US); }
