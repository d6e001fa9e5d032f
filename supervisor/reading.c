/* Reads the folders that are to be watched, a bounded part at a time: each is watched first and read then, so that nothing falls between. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "beneath.h"
#include "names.h"
#include "util.h"
#include "watching.h"
#include "watching_parts.h"

#define EVENTS (IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR | IN_EXCL_UNLINK)

static struct {
    int fd;
    folder_id folder;
    enum folder_task task;
} reading = { .fd = -1 };

bool reading_to_tell(void) { return reading.fd >= 0 && reading.task == TASK_TELL; }

void stop_reading(void)
{
    if (reading.fd >= 0) close(reading.fd);
    reading.fd = -1;
}

void forget_folder(folder_id f)
{
    if (reading.fd >= 0 && reading.folder == f) stop_reading();
    folder_free(f);
}

/* A folder was found: it is read, and watched, in its turn. */
void find_folder(folder_id parent, const char *name, enum folder_task task)
{
    if ((task == TASK_TELL || watching.stirred) && folder_child(parent, name) != FOLDER_NONE) return;
    if (watching.looking && task == TASK_TELL) watching.stirred = true;
    if (folders_count() >= watching.most_folders || folder_add(parent, name, strlen(name), task) == FOLDER_NONE) {
        watching.too_few = true;
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
        forget_folder(f);
        return true;
    }
    int fd = open_beneath(watching.roots[root].fd, *path != 0 ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0) {
        if (errno == EACCES || errno == EPERM) note_gap(GAP_DENIED);
        else if (errno != ENOENT && errno != ENOTDIR && errno != E_OUTSIDE) note_gap(GAP_OFF);
        if (*path != 0) forget_folder(f);
        return true;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int watch = inotify_add_watch(watching.notices, link, EVENTS);
    if (watch < 0 || (folder_by_watch(watch) != FOLDER_NONE && folder_by_watch(watch) != f)) {
        if (watch < 0) note_gap(errno == ENOSPC ? GAP_WATCHES : GAP_OFF);
        watching.too_few = watching.too_few || watch < 0;
        close(fd);
        if (*path != 0) forget_folder(f);
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
        if (reading.task == TASK_TELL) record_change(f, d->name, folder, CHANGE_CREATED);
        if (folder) find_folder(f, d->name, reading.task);
    }
    if (n <= 0) stop_reading();
}

bool watching_read(uint64_t most_us)
{
    if (watching.notices < 0) return false;
    uint64_t until = mono_us() + most_us;
    do {
        if (reading.fd < 0 && !begin_reading()) {
            watching.looking = false;
            return false;
        }
        if (reading.fd >= 0) read_some();
    } while (mono_us() < until);
    return true;
}
