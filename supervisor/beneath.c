#define _GNU_SOURCE
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

#define RESOLVE_NO_MAGICLINKS_ 0x02u
#define RESOLVE_BENEATH_ 0x08u
#define RETRIES 64

struct open_how_ {
    uint64_t flags, mode, resolve;
};

static bool no_openat2;

bool beneath_follows_links(void) { return !no_openat2; }

/* Component by component, following no link. For kernels and filters without openat2. */
static int open_walk(int root, const char *path, int flags, mode_t mode)
{
    int at = root;
    while (*path != 0) {
        const char *end = strchrnul(path, '/');
        char name[NAME_MAX + 1];
        size_t len = (size_t)(end - path);
        if (len > NAME_MAX) {
            if (at != root) close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path, len);
        name[len] = 0;
        bool last = *end == 0;
        bool parent = strcmp(name, "..") == 0;
        int fd = -1;
        if (parent) errno = EXDEV;
        else if (last) fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
        else fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int saved = errno;
        struct stat st;
        /* A link in the middle reads as ENOTDIR: here it is refused, not missing. */
        if (fd < 0 && !parent && saved == ENOTDIR && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) saved = ELOOP;
        if (at != root) close(at);
        if (fd < 0) {
            errno = saved;
            return -1;
        }
        at = fd;
        path = last ? end : end + 1;
    }
    return at;
}

int open_beneath(int root, const char *path, int flags, mode_t mode)
{
    int fd = -1;
    for (int i = 0; i < RETRIES && !no_openat2; i++) {
        struct open_how_ how = { (uint64_t)(flags | O_CLOEXEC), (flags & O_CREAT) ? mode : 0, RESOLVE_BENEATH_ | RESOLVE_NO_MAGICLINKS_ };
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0) return fd;
        if (errno == EAGAIN || errno == EINTR) continue;
        if (errno == ENOSYS) no_openat2 = true;
        if (errno == EPERM) {
            /* Refused by a filter, or by the file: a path that always opens tells which. */
            struct open_how_ probe = { O_PATH | O_CLOEXEC, 0, RESOLVE_BENEATH_ };
            int own = (int)syscall(SYS_openat2, root, ".", &probe, sizeof probe);
            if (own >= 0) {
                close(own);
                errno = EPERM;
                return -1;
            }
            no_openat2 = true;
        }
        break;
    }
    if (no_openat2) fd = open_walk(root, path, flags, mode);
    if (fd < 0 && (errno == EXDEV || errno == ELOOP)) errno = E_OUTSIDE;
    return fd;
}

int open_regular(int root, const char *path, int flags)
{
    int fd = open_beneath(root, path, O_PATH, 0);
    if (fd < 0) return -1;
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        errno = E_NOT_FILE;
        return -1;
    }
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int data = open(link, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int saved = errno;
    close(fd);
    errno = saved;
    return data;
}
