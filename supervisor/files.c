#define _GNU_SOURCE
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "beneath.h"
#include "protocol.h"
#include "util.h"

#ifndef SYS_renameat2
#if defined(__x86_64__)
#define SYS_renameat2 316
#else
#define SYS_renameat2 276
#endif
#endif
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1u
#endif

#define ROOTS_MAX 64
#define READ_MAX (1024u * 1024)
#define LIST_ENTRIES_MAX 4096u
#define LIST_BYTES (3u * 1024 * 1024)
#define LINKS_MAX 8
#define RETRIES 64
#define REMOVE_DEPTH 64         /* deeper folders are moved up into the folder that is being removed */
#define REMOVE_PER_TURN 512

enum write_flag { W_CREATE = 1, W_EXCLUSIVE = 2, W_TRUNCATE = 4, W_APPEND = 8, W_PARENTS = 16, W_REPLACE = 32 };

struct root {
    char *path;                 /* without a trailing '/'; "" = the root folder of the file system */
    size_t len;
    int fd;
};

static struct root roots[ROOTS_MAX];
static size_t root_count;

/* A path split into its root and the rest, which is "." for the root itself. */
struct place {
    int root;
    char rest[PATH_MAX];
    char parent[PATH_MAX];      /* the rest without its last component; "." when it has one component */
    const char *name;           /* last component, within rest; of the root "." */
    bool is_root;
};

#define E_BAD_PATH 10003

static void fail(struct connection *c, uint32_t id, int err)
{
    int code;
    const char *text = NULL;
    switch (err) {
    case E_OUTSIDE: code = ERR_OUTSIDE_ROOTS, text = "the path leads outside the folders of the sandbox", err = EXDEV; break;
    case E_NOT_FILE: code = ERR_NOT_A_FILE, text = "not a regular file", err = 0; break;
    case E_BAD_PATH: code = ERR_BAD_REQUEST, text = "not a usable absolute path", err = EINVAL; break;
    case ENOENT: code = ERR_NOT_FOUND; break;
    case EISDIR: code = ERR_NOT_A_FILE; break;
    case EEXIST: code = ERR_EXISTS; break;
    case ENOTDIR: code = ERR_NOT_A_DIRECTORY; break;
    case ENOTEMPTY: code = ERR_NOT_EMPTY; break;
    case EACCES: case EPERM: case EROFS: code = ERR_PERMISSION; break;
    case ENOSPC: case EDQUOT: code = ERR_NO_SPACE; break;
    case ENAMETOOLONG: case EINVAL: code = ERR_BAD_REQUEST; break;
    default: code = ERR_IO; break;
    }
    reply_error(c, id, code, err, text != NULL ? text : strerror(err));
}

bool files_add_root(struct slice path)
{
    if (root_count == ROOTS_MAX || path.len == 0 || path.data[0] != '/' || memchr(path.data, 0, path.len) != NULL) {
        note("files: not a usable root");
        return false;
    }
    struct root *r = &roots[root_count];
    r->path = must_alloc((size_t)path.len + 1);
    memcpy(r->path, path.data, path.len);
    r->fd = open(r->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r->fd < 0) {
        note("files: root %s cannot be opened: %s", r->path, strerror(errno));
        return false;
    }
    r->len = path.len;
    while (r->len > 0 && r->path[r->len - 1] == '/') r->path[--r->len] = 0;
    root_count++;
    return true;
}

/* Finds the root by whole components and takes the path apart. 0 or an error. */
static int locate(struct slice path, struct place *p)
{
    char whole[PATH_MAX];
    size_t n = 0;
    if (path.len == 0 || path.data[0] != '/' || path.len >= PATH_MAX || memchr(path.data, 0, path.len) != NULL) return E_BAD_PATH;
    /* Empty and "." components are dropped; ".." is never followed. */
    for (size_t i = 0; i < path.len;) {
        while (i < path.len && path.data[i] == '/') i++;
        size_t start = i;
        while (i < path.len && path.data[i] != '/') i++;
        size_t len = i - start;
        if (len == 0 || (len == 1 && path.data[start] == '.')) continue;
        if (len == 2 && path.data[start] == '.' && path.data[start + 1] == '.') return E_OUTSIDE;
        if (len > NAME_MAX) return ENAMETOOLONG;
        whole[n++] = '/';
        memcpy(whole + n, path.data + start, len);
        n += len;
    }
    whole[n] = 0;
    const struct root *best = NULL;
    for (size_t i = 0; i < root_count; i++) {
        const struct root *r = &roots[i];
        if (r->len > n || memcmp(r->path, whole, r->len) != 0 || (whole[r->len] != '/' && whole[r->len] != 0)) continue;
        if (best == NULL || r->len > best->len) best = r;
    }
    if (best == NULL) return E_OUTSIDE;
    p->root = best->fd;
    const char *rest = whole + best->len;
    if (*rest == '/') rest++;
    p->is_root = *rest == 0;
    snprintf(p->rest, sizeof p->rest, "%s", p->is_root ? "." : rest);
    char *slash = strrchr(p->rest, '/');
    p->name = slash != NULL ? slash + 1 : p->rest;
    snprintf(p->parent, sizeof p->parent, "%s", ".");
    if (slash != NULL) {
        memcpy(p->parent, p->rest, (size_t)(slash - p->rest));
        p->parent[slash - p->rest] = 0;
    }
    return 0;
}

/* Makes the folders of `path` that are missing. */
static int make_parents(int root, const char *path, mode_t mode)
{
    char part[PATH_MAX];
    if (strcmp(path, ".") == 0) return 0;
    int fd = open_beneath(root, path, O_PATH | O_DIRECTORY, 0);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (errno != ENOENT) return errno;
    int at = open_beneath(root, ".", O_PATH | O_DIRECTORY, 0);
    if (at < 0) return errno;
    for (const char *p = path; *p != 0;) {
        const char *end = strchrnul(p, '/');
        size_t len = (size_t)(end - p), upto = (size_t)(end - path);
        char name[NAME_MAX + 1];
        memcpy(name, p, len);
        name[len] = 0;
        memcpy(part, path, upto);
        part[upto] = 0;
        if (mkdirat(at, name, mode) != 0 && errno != EEXIST) {
            int saved = errno;
            close(at);
            return saved;
        }
        close(at);
        at = open_beneath(root, part, O_PATH | O_DIRECTORY, 0);
        if (at < 0) return errno;
        p = *end == 0 ? end : end + 1;
    }
    close(at);
    return 0;
}

/* ---- read, write ---- */

void files_read(struct connection *c, uint32_t id, struct slice path, uint64_t offset, uint32_t length)
{
    struct place p;
    int err = locate(path, &p);
    if (err == 0 && (length > READ_MAX || offset > INT64_MAX)) err = EINVAL;
    int fd = -1;
    if (err == 0 && (fd = open_regular(p.root, p.rest, O_RDONLY)) < 0) err = errno;
    struct stat st;
    if (err == 0 && fstat(fd, &st) != 0) err = errno;
    uint8_t *data = NULL;
    if (err == 0 && (data = malloc(length + 1u)) == NULL) err = ENOMEM;
    size_t done = 0;
    bool end = false;
    while (err == 0 && done < length && !end) {
        ssize_t n = pread(fd, data + done, length - done, (off_t)(offset + done));
        if (n > 0) done += (size_t)n;
        else if (n == 0) end = true;
        else if (errno != EINTR) err = errno;
    }
    if (err == 0) {
        uint64_t size = (uint64_t)st.st_size;
        size_t mark;
        struct buffer *b = reply_begin(c, REP_READ, id, &mark);
        put_u64(b, size);
        put_u8(b, end || offset + done >= size);
        put_str(b, data, done);
        reply_end(c, mark);
    } else {
        fail(c, id, err);
    }
    free(data);
    if (fd >= 0) close(fd);
}

static int write_at(int fd, struct slice data, uint64_t offset, bool append)
{
    size_t done = 0;
    while (done < data.len) {
        ssize_t n = append ? write(fd, data.data + done, data.len - done)
                           : pwrite(fd, data.data + done, data.len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : EIO;
        done += (size_t)n;
    }
    return 0;
}

static void told_size(struct connection *c, uint32_t id, int fd)
{
    struct stat st;
    size_t mark;
    put_u64(reply_begin(c, REP_WRITE, id, &mark), fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0);
    reply_end(c, mark);
}

/* Follows links in the last component, so that a replacement replaces the file and not the link to it. `rest` is changed to name the file;
   *dir is its folder. 0 or an error. */
static int follow_last(int root, char *rest, int *dir, char *name)
{
    for (int i = 0; i <= LINKS_MAX; i++) {
        char *slash = strrchr(rest, '/');
        char parent[PATH_MAX] = ".", target[PATH_MAX];
        if (slash != NULL) {
            memcpy(parent, rest, (size_t)(slash - rest));
            parent[slash - rest] = 0;
        }
        const char *last = slash != NULL ? slash + 1 : rest;
        if (*last == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) return E_NOT_FILE;
        size_t length = strlen(last);
        if (length > NAME_MAX) return ENAMETOOLONG;
        *dir = open_beneath(root, parent, O_PATH | O_DIRECTORY, 0);
        if (*dir < 0) return errno;
        memcpy(name, last, length + 1);
        ssize_t n = readlinkat(*dir, name, target, sizeof target - 1);
        if (n < 0) return 0;
        target[n] = 0;
        close(*dir);
        *dir = -1;
        if (target[0] == '/' || !beneath_follows_links()) return E_OUTSIDE;
        size_t have = slash != NULL ? (size_t)(slash - rest) + 1 : 0;
        if (have + (size_t)n + 1 > PATH_MAX) return ENAMETOOLONG;
        memcpy(rest + have, target, (size_t)n + 1);
    }
    return E_OUTSIDE;
}

static int replace_file(struct connection *c, uint32_t id, struct place *p, uint8_t flags, mode_t mode, struct slice data)
{
    int dir = -1, fd = -1;
    char name[NAME_MAX + 1], temporary[64];
    int err = follow_last(p->root, p->rest, &dir, name);
    struct stat old;
    bool exists = err == 0 && fstatat(dir, name, &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (exists && !S_ISREG(old.st_mode)) err = E_NOT_FILE;
    else if (exists && (flags & W_EXCLUSIVE)) err = EEXIST;
    else if (err == 0 && !exists && !(flags & W_CREATE)) err = ENOENT;
    if (exists) mode = old.st_mode & 0777;
    bool made = false;
    for (int i = 0; err == 0 && !made && i < RETRIES; i++) {
        uint8_t salt[8];
        if (!random_bytes(salt, sizeof salt)) err = EIO;
        size_t n = (size_t)snprintf(temporary, sizeof temporary, ".corral-");
        for (size_t k = 0; k < sizeof salt; k++) n += (size_t)snprintf(temporary + n, sizeof temporary - n, "%02x", salt[k]);
        fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        made = fd >= 0;
        if (!made && errno != EEXIST) err = errno;
    }
    if (err == 0) err = write_at(fd, data, 0, false);
    if (err == 0 && fchmod(fd, mode) != 0) err = errno;
    if (err == 0) {
        long r;
        if (flags & W_EXCLUSIVE) {
            r = syscall(SYS_renameat2, dir, temporary, dir, name, RENAME_NOREPLACE);
            if (r != 0 && (errno == ENOSYS || errno == EINVAL)) {
                r = linkat(dir, temporary, dir, name, 0);
                if (r == 0) unlinkat(dir, temporary, 0);
            }
        } else {
            r = renameat(dir, temporary, dir, name);
        }
        if (r != 0) err = errno;
    }
    if (err == 0) told_size(c, id, fd);
    else if (made) unlinkat(dir, temporary, 0);
    if (fd >= 0) close(fd);
    if (dir >= 0) close(dir);
    return err;
}

void files_write(struct connection *c, uint32_t id, struct slice path, uint8_t flags, uint32_t mode, uint64_t offset, struct slice data)
{
    struct place p;
    int err = locate(path, &p);
    mode_t permission = (mode_t)(mode & 0777);
    if (err == 0 && p.is_root) err = E_NOT_FILE;
    if (err == 0 && (offset > INT64_MAX - FRAME_MAX || (flags & ~63) || ((flags & W_REPLACE) && ((flags & W_APPEND) || offset != 0)))) err = EINVAL;
    if (err == 0 && (flags & W_PARENTS)) err = make_parents(p.root, p.parent, 0755);
    if (err == 0 && (flags & W_REPLACE)) {
        err = replace_file(c, id, &p, flags, permission, data);
        if (err != 0) fail(c, id, err);
        return;
    }
    int fd = -1;
    int open_flags = O_WRONLY | ((flags & W_TRUNCATE) ? O_TRUNC : 0) | ((flags & W_APPEND) ? O_APPEND : 0);
    /* A file that comes and goes meanwhile is tried again a bounded number of times. */
    for (int i = 0; err == 0 && fd < 0; i++) {
        if (flags & W_CREATE) {
            fd = open_beneath(p.root, p.rest, open_flags | O_CREAT | O_EXCL, 0600);
            if (fd >= 0) {
                if (fchmod(fd, permission) != 0) err = errno;
                break;
            }
            if (errno != EEXIST || (flags & W_EXCLUSIVE)) {
                err = errno;
                break;
            }
        }
        fd = open_regular(p.root, p.rest, open_flags);
        if (fd < 0 && (errno != ENOENT || !(flags & W_CREATE) || i >= RETRIES)) err = errno;
    }
    if (err == 0) err = write_at(fd, data, offset, (flags & W_APPEND) != 0);
    if (err == 0) told_size(c, id, fd);
    else fail(c, id, err);
    if (fd >= 0) close(fd);
}

/* ---- stat, list ---- */

static void put_entry(struct buffer *b, const char *name, const struct stat *st, const char *target, size_t target_len)
{
    put_text(b, name);
    put_u8(b, S_ISREG(st->st_mode) ? 1 : S_ISDIR(st->st_mode) ? 2 : S_ISLNK(st->st_mode) ? 3 : 4);
    put_u64(b, (uint64_t)st->st_size);
    put_u64(b, (uint64_t)st->st_mtim.tv_sec * 1000u + (uint64_t)st->st_mtim.tv_nsec / 1000000u);
    put_u32(b, st->st_mode & 07777);
    put_str(b, target, target_len);
}

void files_stat(struct connection *c, uint32_t id, struct slice path, bool follow)
{
    struct place p;
    int err = locate(path, &p);
    int fd = -1;
    struct stat st;
    if (err == 0 && (fd = open_beneath(p.root, p.rest, O_PATH | (follow ? 0 : O_NOFOLLOW), 0)) < 0) err = errno;
    if (err == 0 && fstat(fd, &st) != 0) err = errno;
    if (err == 0) {
        char target[PATH_MAX];
        ssize_t n = S_ISLNK(st.st_mode) ? readlinkat(fd, "", target, sizeof target) : 0;
        const char *slash = p.is_root ? NULL : p.name;
        char name[NAME_MAX + 1] = "";
        if (slash != NULL) {
            snprintf(name, sizeof name, "%s", slash);
        } else {
            /* A root is named by its own last component. */
            for (size_t i = 0; i < root_count; i++) {
                const char *last = strrchr(roots[i].path, '/');
                if (roots[i].fd == p.root && last != NULL) snprintf(name, sizeof name, "%s", last + 1);
            }
        }
        size_t mark;
        put_entry(reply_begin(c, REP_STAT, id, &mark), name, &st, target, n > 0 ? (size_t)n : 0);
        reply_end(c, mark);
    } else {
        fail(c, id, err);
    }
    if (fd >= 0) close(fd);
}

bool files_within(struct connection *c, uint32_t id, struct slice path)
{
    struct place p;
    int err = locate(path, &p);
    if (err != 0) fail(c, id, err);
    return err == 0;
}

bool files_exists(struct slice path)
{
    struct place p;
    if (locate(path, &p) != 0) return false;
    int fd = open_beneath(p.root, p.rest, O_PATH, 0);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void keep_smallest(char **names, size_t *n, size_t max)
{
    qsort(names, *n, sizeof *names, by_name);
    while (*n > max) free(names[--*n]);
}

void files_list(struct connection *c, uint32_t id, struct slice path, struct slice after, uint32_t max)
{
    struct place p;
    char from[NAME_MAX + 1];
    int err = locate(path, &p);
    if (err == 0 && (max < 1 || max > LIST_ENTRIES_MAX || after.len > NAME_MAX)) err = EINVAL;
    if (err == 0) {
        memcpy(from, after.data, after.len);
        from[after.len] = 0;
    }
    int fd = -1;
    if (err == 0 && (fd = open_beneath(p.root, p.rest, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0)) < 0) err = errno;
    DIR *d = NULL;
    if (err == 0 && (d = fdopendir(fd)) == NULL) {
        err = errno;
        close(fd);
    }
    /* Only the smallest max + 1 names are held, however large the folder is. */
    size_t want = (size_t)max + 1, n = 0;
    char **names = err == 0 ? calloc(want * 2, sizeof *names) : NULL;
    if (err == 0 && names == NULL) err = ENOMEM;
    struct dirent *entry;
    while (err == 0 && (errno = 0, entry = readdir(d)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (after.len > 0 && strcmp(name, from) <= 0)) continue;
        if ((names[n] = strdup(name)) == NULL) err = ENOMEM;
        else if (++n == want * 2) keep_smallest(names, &n, want);
    }
    if (err == 0 && errno != 0) err = errno;
    if (err == 0) {
        keep_smallest(names, &n, want);
        struct buffer entries = { 0 };
        uint32_t told = 0;
        size_t i = 0;
        for (; i < n && told < max && buffer_pending(&entries) < LIST_BYTES; i++) {
            struct stat st;
            char target[PATH_MAX];
            if (fstatat(dirfd(d), names[i], &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
            ssize_t len = S_ISLNK(st.st_mode) ? readlinkat(dirfd(d), names[i], target, sizeof target) : 0;
            put_entry(&entries, names[i], &st, target, len > 0 ? (size_t)len : 0);
            told++;
        }
        size_t mark;
        struct buffer *b = reply_begin(c, REP_ENTRIES, id, &mark);
        put_u8(b, i < n);
        put_u32(b, told);
        put_bytes(b, entries.data, entries.len);
        if (entries.failed) b->failed = true;
        reply_end(c, mark);
        buffer_free(&entries);
    } else {
        fail(c, id, err);
    }
    for (size_t i = 0; i < n; i++) free(names[i]);
    free(names);
    if (d != NULL) closedir(d);
}

/* ---- remove ---- */

struct removal {
    struct removal *next;
    uint64_t serial;
    uint32_t id, removed, moved;
    int parent;                         /* the folder that holds the one being removed */
    char name[NAME_MAX + 1];
    int depth;                          /* open folders: stack[0] is the one being removed */
    DIR *stack[REMOVE_DEPTH];
    char names[REMOVE_DEPTH][NAME_MAX + 1];
    bool again;                         /* folders were moved up into stack[0] after it was read */
};

static struct removal *removals;

static DIR *open_folder(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return NULL;
    DIR *d = fdopendir(fd);
    if (d == NULL) close(fd);
    return d;
}

static void removal_end(struct removal *r, int err)
{
    struct connection *c = connection_by_serial(r->serial);
    if (c != NULL && err != 0) {
        fail(c, r->id, err);
    } else if (c != NULL) {
        size_t mark;
        put_u32(reply_begin(c, REP_REMOVE, r->id, &mark), r->removed);
        reply_end(c, mark);
    }
    while (r->depth > 0) closedir(r->stack[--r->depth]);
    close(r->parent);
    struct removal **at = &removals;
    while (*at != r) at = &(*at)->next;
    *at = r->next;
    free(r);
}

/* One bounded piece of work; false when the removal is over. */
static bool removal_step(struct removal *r)
{
    for (int i = 0; i < REMOVE_PER_TURN; i++) {
        DIR *d = r->stack[r->depth - 1];
        errno = 0;
        struct dirent *entry = readdir(d);
        if (entry == NULL) {
            if (errno != 0) {
                removal_end(r, errno);
                return false;
            }
            if (r->depth == 1 && r->again) {
                r->again = false;
                rewinddir(d);
                continue;
            }
            int up = r->depth == 1 ? r->parent : dirfd(r->stack[r->depth - 2]);
            const char *name = r->depth == 1 ? r->name : r->names[r->depth - 1];
            if (unlinkat(up, name, AT_REMOVEDIR) == 0) {
                r->removed++;
            } else if (errno == ENOTEMPTY || errno == EEXIST) {
                /* Somebody fills it meanwhile: told, not fought. */
                removal_end(r, ENOTEMPTY);
                return false;
            } else if (errno != ENOENT && errno != ENOTDIR) {
                removal_end(r, errno);
                return false;
            }
            closedir(r->stack[--r->depth]);
            if (r->depth == 0) {
                removal_end(r, 0);
                return false;
            }
            continue;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (entry->d_type != DT_DIR) {
            if (unlinkat(dirfd(d), entry->d_name, 0) == 0) {
                r->removed++;
                continue;
            }
            if (errno == ENOENT) continue;
            if (errno != EISDIR && errno != EPERM) {
                removal_end(r, errno);
                return false;
            }
        }
        if (r->depth == REMOVE_DEPTH) {
            char name[48];
            snprintf(name, sizeof name, ".corral-remove-%u-%u", r->id, r->moved++);
            if (renameat(dirfd(d), entry->d_name, dirfd(r->stack[0]), name) != 0) {
                removal_end(r, errno);
                return false;
            }
            r->again = true;
            continue;
        }
        DIR *sub = open_folder(dirfd(d), entry->d_name);
        if (sub == NULL) {
            if (errno == ENOENT) continue;
            removal_end(r, errno == ELOOP || errno == ENOTDIR ? EPERM : errno);
            return false;
        }
        snprintf(r->names[r->depth], sizeof r->names[0], "%s", entry->d_name);
        r->stack[r->depth++] = sub;
    }
    return true;
}

bool files_work(void)
{
    for (struct removal *r = removals, *next; r != NULL; r = next) {
        next = r->next;
        removal_step(r);
    }
    return removals != NULL;
}

void files_remove(struct connection *c, uint32_t id, struct slice path, bool recursive)
{
    struct place p;
    int err = locate(path, &p);
    if (err == 0 && p.is_root) err = EINVAL;
    int dir = -1;
    if (err == 0 && (dir = open_beneath(p.root, p.parent, O_PATH | O_DIRECTORY, 0)) < 0) err = errno;
    bool done = false;
    if (err == 0) {
        struct stat st;
        if (fstatat(dir, p.name, &st, AT_SYMLINK_NOFOLLOW) != 0) err = errno;
        else if (!S_ISDIR(st.st_mode)) {
            if (unlinkat(dir, p.name, 0) != 0) err = errno;
            done = err == 0;
        } else if (unlinkat(dir, p.name, AT_REMOVEDIR) == 0) {
            done = true;
        } else {
            err = errno == EEXIST ? ENOTEMPTY : errno;
            if (err == ENOTEMPTY && recursive) err = 0;
        }
    }
    struct removal *r = NULL;
    if (err == 0 && !done) {
        r = calloc(1, sizeof *r);
        if (r == NULL) err = ENOMEM;
        else if ((r->stack[0] = open_folder(dir, p.name)) == NULL) err = errno;
    }
    if (err == 0 && !done) {
        r->depth = 1;
        r->serial = c->serial;
        r->id = id;
        r->parent = dir;
        snprintf(r->name, sizeof r->name, "%s", p.name);
        r->next = removals;
        removals = r;
        return;
    }
    free(r);
    if (err != 0) {
        fail(c, id, err);
    } else {
        size_t mark;
        put_u32(reply_begin(c, REP_REMOVE, id, &mark), 1);
        reply_end(c, mark);
    }
    if (dir >= 0) close(dir);
}

/* ---- mkdir, rename ---- */

void files_mkdir(struct connection *c, uint32_t id, struct slice path, bool parents, uint32_t mode)
{
    struct place p;
    int err = locate(path, &p);
    if (err == 0 && p.is_root && !parents) err = EEXIST;
    if (err == 0 && parents && !p.is_root) err = make_parents(p.root, p.parent, 0755);
    int dir = -1, fd = -1;
    if (err == 0 && !p.is_root) {
        if ((dir = open_beneath(p.root, p.parent, O_PATH | O_DIRECTORY, 0)) < 0) err = errno;
        else if (mkdirat(dir, p.name, (mode_t)(mode & 0777)) == 0) {
            /* The supervisor's own umask is not the caller's business. */
            fd = openat(dir, p.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (fd >= 0) (void)!fchmod(fd, (mode_t)(mode & 0777));
        } else {
            err = errno;
            if (err == EEXIST && parents && (fd = open_beneath(p.root, p.rest, O_PATH | O_DIRECTORY, 0)) >= 0) err = 0;
        }
    }
    if (fd >= 0) close(fd);
    if (dir >= 0) close(dir);
    if (err != 0) fail(c, id, err);
    else reply_ok(c, id);
}

void files_rename(struct connection *c, uint32_t id, struct slice from, struct slice to, bool replace)
{
    struct place a, b;
    int err = locate(from, &a);
    if (err == 0) err = locate(to, &b);
    if (err == 0 && (a.is_root || b.is_root)) err = EINVAL;
    int x = -1, y = -1;
    if (err == 0 && (x = open_beneath(a.root, a.parent, O_PATH | O_DIRECTORY, 0)) < 0) err = errno;
    if (err == 0 && (y = open_beneath(b.root, b.parent, O_PATH | O_DIRECTORY, 0)) < 0) err = errno;
    if (err == 0) {
        long r = syscall(SYS_renameat2, x, a.name, y, b.name, replace ? 0u : RENAME_NOREPLACE);
        if (r != 0 && (errno == ENOSYS || (errno == EINVAL && !replace))) {
            struct stat st;
            if (!replace && fstatat(y, b.name, &st, AT_SYMLINK_NOFOLLOW) == 0) errno = EEXIST;
            else r = renameat(x, a.name, y, b.name);
        }
        if (r != 0) err = errno;
    }
    if (x >= 0) close(x);
    if (y >= 0) close(y);
    if (err != 0) fail(c, id, err);
    else reply_ok(c, id);
}
