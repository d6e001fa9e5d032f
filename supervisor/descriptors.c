#define _GNU_SOURCE
#include "descriptors.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "listeners.h"
#include "tree.h"
#include "util.h"

#define DESCRIPTORS_MAX 1024
#define EPOLL_DEPTH 2

/* The number of a terminal as /proc/PID/stat writes it. */
static unsigned kernel_number(dev_t d) { return (minor(d) & 0xffu) | (major(d) << 8) | ((minor(d) & ~0xffu) << 12); }

/* The number in "kind:[number]"; 0 when the text is something else. */
static unsigned long numbered(const char *text, const char *kind)
{
    size_t n = strlen(kind);
    return strncmp(text, kind, n) == 0 && text[n] == ':' && text[n + 1] == '[' ? strtoul(text + n + 2, NULL, 10) : 0;
}

/* What a descriptor leads to, as /proc writes it; false when it is gone. Nothing but the name is touched: a file system that hangs, as one over a
   network may, would keep whoever looks at a file of it. */
static bool link_of(const struct process *p, int fd, char *link, size_t cap)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)p->pid, fd);
    ssize_t n = readlink(path, link, cap - 1);
    if (n <= 0) return false;
    link[n] = 0;
    return true;
}

static bool is_input(const struct process *p, int fd, const char *link, const struct input_id *in)
{
    if (!in->terminal) return numbered(link, "pipe") == in->inode;
    if (*link != '/' || (strncmp(link, "/dev/", 5) != 0 && strstr(link, "/pts/") == NULL)) return false;
    char path[48];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)p->pid, fd);
    if (stat(path, &st) != 0 || !S_ISCHR(st.st_mode)) return false;
    if (st.st_dev == in->device && st.st_ino == in->inode) return st.st_rdev == in->number;
    /* /dev/tty is whatever controls the process. */
    return st.st_rdev == makedev(5, 0) && p->terminal == kernel_number(in->number);
}

bool descriptor_is_input(const struct process *p, int fd, const struct input_id *in)
{
    char link[64];
    return link_of(p, fd, link, sizeof link) && is_input(p, fd, link, in);
}

/* Whether the process holds the other end too: of a pipe it has the same number, a pair of sockets is made with neighbouring ones. */
static bool has_both_ends(const struct process *p, int fd, const char *kind, unsigned long number)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)p->pid);
    DIR *d = opendir(path);
    if (d == NULL) return false;
    bool found = false;
    struct dirent *entry;
    for (int i = 0; i < DESCRIPTORS_MAX && !found && (entry = readdir(d)) != NULL; i++) {
        char link[64];
        if (atoi(entry->d_name) == fd) continue;
        ssize_t n = readlinkat(dirfd(d), entry->d_name, link, sizeof link - 1);
        if (n <= 0) continue;
        link[n] = 0;
        unsigned long other = numbered(link, kind);
        found = other != 0 && (*kind == 'p' ? other == number : other == number + 1 || other + 1 == number);
    }
    closedir(d);
    return found;
}

enum source descriptor_source(const struct process *p, int fd, const struct input_id *in)
{
    char path[48], link[64];
    if (!link_of(p, fd, link, sizeof link)) return SOURCE_OTHER;
    if (is_input(p, fd, link, in)) return SOURCE_INPUT;
    if (strcmp(link, "anon_inode:[eventfd]") == 0 || strcmp(link, "anon_inode:[signalfd]") == 0) return SOURCE_SELF;
    if (strcmp(link, "anon_inode:[eventpoll]") == 0) return SOURCE_EPOLL;
    char protocol[16] = "";
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)p->pid, fd);
    if (numbered(link, "socket") != 0 && getxattr(path, "system.sockprotoname", protocol, sizeof protocol - 1) > 0 && strncmp(protocol, "TCP", 3) == 0)
        return SOURCE_CONNECTION;
    unsigned long number;
    if ((number = numbered(link, "pipe")) != 0 && has_both_ends(p, fd, "pipe", number)) return SOURCE_SELF;
    if ((number = numbered(link, "socket")) != 0 && has_both_ends(p, fd, "socket", number)) return SOURCE_SELF;
    return SOURCE_OTHER;
}

enum source epoll_source(const struct process *p, int fd, const struct input_id *in, int depth)
{
    char path[56];
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)p->pid, fd);
    FILE *f = fopen(path, "re");
    if (f == NULL) return SOURCE_OTHER;
    char line[256];
    enum source all = SOURCE_SELF;
    for (int i = 0; i < DESCRIPTORS_MAX && all != SOURCE_OTHER && fgets(line, sizeof line, f) != NULL; i++) {
        int target;
        unsigned events;
        if (sscanf(line, "tfd: %d events: %x", &target, &events) != 2 || (events & EPOLLIN) == 0) continue;
        enum source one = descriptor_source(p, target, in);
        if (one == SOURCE_EPOLL) one = depth < EPOLL_DEPTH ? epoll_source(p, target, in, depth + 1) : SOURCE_OTHER;
        if (one != SOURCE_SELF && one != SOURCE_CONNECTION) all = one;
    }
    fclose(f);
    return all;
}

static struct listeners table;
static bool table_fresh;

void descriptors_new_look(void) { table_fresh = false; }

static void note_found(void *with, const struct listener *one)
{
    (void)one;
    *(bool *)with = true;
}

bool process_listens(const struct process *p)
{
    bool found = false;
    if (!table_fresh) table_fresh = listeners_read(&table);
    if (table_fresh) listeners_of(p->pid, &table, note_found, &found);
    return found;
}
