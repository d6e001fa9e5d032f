#define _GNU_SOURCE
#include "plan_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "util.h"

#define RETRIES 16

struct root {
    char *path;                 /* with links followed, and without a trailing '/'; "" = the root folder of the file system */
    size_t len;
    int fd;
};

static struct root roots[PLAN_ROOTS_MAX];
static size_t root_count;
static const struct plan *current;

const char *plan_files_error(int err)
{
    switch (err) {
    case E_OUTSIDE: return "leads outside the workspace";
    case E_NOT_FILE: return "not a regular file";
    case E_HIDDEN: return "a hidden file is not written to";
    case E_LINK: return "a link is not written through";
    default: return strerror(err);
    }
}

/* Where the file behind a descriptor is; false and errno. */
static bool where(int fd, char path[PATH_MAX])
{
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX);
    if (n < 0) return false;
    if (n >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    path[n] = 0;
    return true;
}

const char *plan_files_open(const struct plan *plan)
{
    current = plan;
    for (uint32_t i = 0; i < plan->root_count; i++) {
        struct root *r = &roots[i];
        char path[PATH_MAX];
        r->fd = open(plan->roots[i].data, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (r->fd < 0 || !where(r->fd, path)) return plan->roots[i].data;
        r->len = strlen(path);
        if (r->len == 1) r->len = 0;
        r->path = must_alloc(r->len + 1);
        memcpy(r->path, path, r->len);
        root_count++;
    }
    return NULL;
}

/* The root that holds the file behind a descriptor; `rest` is its path beneath it, "." for the root itself. NULL and errno. */
static const struct root *root_of(int fd, char rest[PATH_MAX])
{
    char path[PATH_MAX];
    if (!where(fd, path)) return NULL;
    const struct root *best = NULL;
    for (size_t i = 0; i < root_count; i++) {
        const struct root *r = &roots[i];
        if (strncmp(r->path, path, r->len) != 0 || (path[r->len] != '/' && path[r->len] != 0)) continue;
        if (best == NULL || r->len > best->len) best = r;
    }
    if (best == NULL) {
        errno = E_OUTSIDE;
        return NULL;
    }
    const char *behind = path + best->len;
    while (*behind == '/') behind++;
    memmove(rest, *behind == 0 ? "." : behind, *behind == 0 ? 2 : strlen(behind) + 1);
    return best;
}

bool plan_files_inside(const char *path)
{
    char rest[PATH_MAX];
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) return false;
    bool inside = root_of(fd, rest) != NULL;
    close(fd);
    return inside;
}

static int close_with(int fd, int err)
{
    close(fd);
    errno = err;
    return -1;
}

/* Opens what `path` leads to a second time: from its root, where nothing that happened since leads outside. */
static int open_inside(const char *path, int flags, char rest[PATH_MAX])
{
    int fd = open(path, O_PATH | O_CLOEXEC | flags);
    if (fd < 0) return -1;
    const struct root *r = root_of(fd, rest);
    if (r == NULL) return close_with(fd, errno);
    close(fd);
    return open_beneath(r->fd, rest, O_PATH | flags, 0);
}

/* The data descriptor of a regular file that is open as O_PATH; that one is closed. */
static int reopen(int fd, int flags)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return close_with(fd, errno);
    if (S_ISLNK(st.st_mode)) return close_with(fd, E_LINK);
    if (S_ISDIR(st.st_mode)) return close_with(fd, EISDIR);
    if (!S_ISREG(st.st_mode)) return close_with(fd, E_NOT_FILE);
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int data = open(link, flags | O_CLOEXEC | O_NOCTTY);
    if (data < 0) return close_with(fd, errno);
    close(fd);
    return data;
}

static bool has_hidden(const char *rest)
{
    for (const char *p = rest; *p != 0; p = *p == '/' ? p + 1 : p) {
        if (*p == '.' && strcmp(rest, ".") != 0) return true;
        p = strchrnul(p, '/');
    }
    return false;
}

static int open_write(const char *path, int flags)
{
    char folder[PATH_MAX] = ".", rest[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (len >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (len > 0) {
        memcpy(folder, path, len);
        folder[len] = 0;
    }
    if (*name == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        errno = EISDIR;
        return -1;
    }
    int dir = open_inside(folder, O_DIRECTORY, rest);
    if (dir < 0) return -1;
    if (*name == '.' || has_hidden(rest)) return close_with(dir, E_HIDDEN);
    for (int i = 0; i < RETRIES; i++) {
        int fd = open_beneath(dir, name, O_PATH | O_NOFOLLOW, 0);
        if (fd >= 0) fd = reopen(fd, O_WRONLY | flags);
        else if (errno == ENOENT) {
            fd = open_beneath(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | (flags & O_APPEND), 0666);
            if (fd < 0 && errno == EEXIST) continue;
        }
        if (fd < 0) return close_with(dir, errno);
        close(dir);
        return fd;
    }
    return close_with(dir, EAGAIN);
}

static int open_read(const char *path)
{
    char rest[PATH_MAX];
    for (uint32_t i = 0; i < current->readable_count; i++) {
        if (strcmp(current->readable[i].data, path) != 0) continue;
        int fd = open(path, O_PATH | O_CLOEXEC);
        return fd < 0 ? -1 : reopen(fd, O_RDONLY);
    }
    int fd = open_inside(path, 0, rest);
    return fd < 0 ? -1 : reopen(fd, O_RDONLY);
}

/* What does not fit a pipe goes to a file without a name, which the program reads from its start. */
static int open_spilled(const struct bytes *data)
{
    char link[40];
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    if (write_all(fd, data->data, data->len) != 0) return close_with(fd, errno);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int reader = open(link, O_RDONLY | O_CLOEXEC);
    if (reader < 0) return close_with(fd, errno);
    close(fd);
    return reader;
}

static int open_data(const struct bytes *data)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    if (set_nonblock(ends[1]) != 0) {
        close(ends[0]);
        return close_with(ends[1], errno);
    }
    bool whole = write_all(ends[1], data->data, data->len) == 0;
    close(ends[1]);
    if (whole) return ends[0];
    close(ends[0]);
    return open_spilled(data);
}

int plan_files_redirect(const struct redirect *redirect)
{
    switch (redirect->kind) {
    case REDIRECT_NULL: return open("/dev/null", (redirect->fd == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
    case REDIRECT_READ: return open_read(redirect->text.data);
    case REDIRECT_WRITE: return open_write(redirect->text.data, O_TRUNC);
    case REDIRECT_APPEND: return open_write(redirect->text.data, O_APPEND);
    case REDIRECT_DATA: return open_data(&redirect->text);
    default: errno = EINVAL; return -1;
    }
}

int plan_files_change(const char *path)
{
    char rest[PATH_MAX];
    int fd = open_inside(path, O_DIRECTORY, rest);
    if (fd < 0) return errno;
    int err = fchdir(fd) == 0 ? 0 : errno;
    close(fd);
    return err;
}
