#define _GNU_SOURCE
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

/* The numbers are the same on every architecture that uses the common table; x86_64 and aarch64 do. */
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define OPEN_TREE_CLONE_ 1u
#define AT_RECURSIVE_ 0x8000u
#define MOVE_MOUNT_F_EMPTY_PATH_ 4u
#define MOUNT_ATTR_RDONLY_ 0x1ull
#define MOUNT_ATTR_IDMAP_ 0x100000ull
#define KEEP UINT32_MAX
#define IDS UINT32_MAX          /* ids are 0 .. IDS - 1; IDS itself means "none" */

struct mount_attr_ {
    uint64_t set, clear, propagation, userns_fd;
};

/* The map in which a and b change places and every other id stays itself. */
static int write_map(pid_t pid, const char *file, uint32_t a, uint32_t b)
{
    char path[64], text[512];
    uint32_t low = a < b ? a : b, high = a < b ? b : a;
    size_t n = 0;
    struct { uint32_t inside, outside, count; } extent[5] = {
        { 0, 0, low },
        { low, high, 1 },
        { low + 1, low + 1, high > low ? high - low - 1 : 0 },
        { high, low, high > low ? 1 : 0 },
        { high + 1, high + 1, IDS - high - 1 },
    };
    for (size_t i = 0; i < COUNT_OF(extent); i++)
        if (extent[i].count > 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%u %u %u\n", extent[i].inside, extent[i].outside, extent[i].count);
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    /* The kernel takes a map in one write only. */
    ssize_t w = write(fd, text, n);
    int saved = errno;
    close(fd);
    errno = saved;
    return w == (ssize_t)n ? 0 : -1;
}

/* A user namespace which nobody lives in, held by its descriptor: the form in which the kernel takes the map of a mount. */
static int map_namespace(uint32_t owner, uint32_t uid, uint32_t group, uint32_t gid)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0) return -1;
    pid_t pid = fork();
    if (pid < 0) {
        close(ready[0]);
        close(ready[1]);
        return -1;
    }
    if (pid == 0) {
        uint8_t done = unshare(CLONE_NEWUSER) == 0 ? 0 : (uint8_t)errno;
        (void)!write(ready[1], &done, 1);
        for (;;) pause();
    }
    close(ready[1]);
    uint8_t result = EPIPE;
    (void)!read(ready[0], &result, 1);
    close(ready[0]);
    int fd = -1, err = result;
    if (err == 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
        if (write_map(pid, "uid_map", owner, uid) != 0 || write_map(pid, "gid_map", group, gid) != 0) err = errno;
        else if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) err = errno;
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    errno = err;
    return fd;
}

/* A detached clone of the mount tree at the source, with its attributes set. */
static int clone_source(const struct stage_mount *m, uint32_t uid, uint32_t gid, struct stat *st, const char **what)
{
    *what = "a mount source cannot be opened";
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, m->source, OPEN_TREE_CLONE_ | O_CLOEXEC | AT_RECURSIVE_ | AT_SYMLINK_NOFOLLOW);
    if (tree < 0) return -1;
    if (fstat(tree, st) != 0) return -1;
    struct mount_attr_ attr = { 0, 0, MS_PRIVATE, 0 };
    if (m->flags & STAGE_READ_ONLY) attr.set |= MOUNT_ATTR_RDONLY_;
    int ns = -1;
    uint32_t to_uid = uid == KEEP ? st->st_uid : uid, to_gid = gid == KEEP ? st->st_gid : gid;
    if ((m->flags & STAGE_MAP_OWNER) && (to_uid != st->st_uid || to_gid != st->st_gid)) {
        *what = "the map of owners cannot be made";
        ns = map_namespace(st->st_uid, to_uid, st->st_gid, to_gid);
        if (ns < 0) return -1;
        attr.set |= MOUNT_ATTR_IDMAP_;
        attr.userns_fd = (uint64_t)ns;
    }
    *what = ns >= 0 ? "the file system of a mount source does not take a map of owners" : "the attributes of a mount cannot be set";
    long r = syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE_, &attr, sizeof attr);
    int saved = errno;
    if (ns >= 0) close(ns);
    errno = saved;
    return r == 0 ? tree : -1;
}

int stage_mounts(const char *folder, const struct stage_mount *mounts, size_t n, uint32_t uid, uint32_t gid, const char **what)
{
    *what = "a mount namespace cannot be made";
    if (unshare(CLONE_NEWNS) != 0) return -1;
    *what = "the mounts cannot be made private";
    if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return -1;
    struct clone { int fd; struct stat st; } *clones = must_alloc((n + 1) * sizeof *clones);
    /* The sources are taken first: the tmpfs may cover them. */
    for (size_t i = 0; i < n; i++) {
        const char *name = mounts[i].name;
        *what = "a mount name is not one path component";
        errno = EINVAL;
        if (*name == 0 || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return -1;
        clones[i].fd = clone_source(&mounts[i], uid, gid, &clones[i].st, what);
        if (clones[i].fd < 0) return -1;
    }
    *what = "the staging folder cannot be mounted";
    if (mount("corral", folder, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=1048576") != 0) return -1;
    int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        *what = "a staged mount cannot be placed";
        if (S_ISDIR(clones[i].st.st_mode)) {
            if (mkdirat(dir, mounts[i].name, 0755) != 0) return -1;
        } else {
            int file = openat(dir, mounts[i].name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
            if (file < 0) return -1;
            close(file);
        }
        if (syscall(SYS_move_mount, clones[i].fd, "", dir, mounts[i].name, MOVE_MOUNT_F_EMPTY_PATH_) != 0) return -1;
        close(clones[i].fd);
    }
    close(dir);
    free(clones);
    return 0;
}
