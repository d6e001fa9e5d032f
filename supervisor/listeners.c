#define _GNU_SOURCE
#include "listeners.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STATE_LISTEN 0x0A
#define LISTENERS_MAX 4096u
#define DESCRIPTORS_MAX 4096

static bool add(struct listeners *l, struct listener one)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct listener *grown = cap > LISTENERS_MAX ? NULL : realloc(l->v, cap * sizeof *grown);
        if (grown == NULL) return false;
        l->v = grown;
        l->cap = cap;
    }
    l->v[l->n++] = one;
    return true;
}

static bool read_table(struct listeners *l, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) return false;
    char line[512];
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned port, state;
        int rest = 0;
        unsigned long inode;
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x%n", &port, &state, &rest) != 2 || state != STATE_LISTEN) continue;
        if (sscanf(line + rest, " %*x:%*x %*x:%*x %*x %*u %*u %lu", &inode) != 1) continue;
        if (!add(l, (struct listener){ inode, (uint16_t)port })) break;
    }
    fclose(f);
    return true;
}

static int by_inode(const void *a, const void *b)
{
    const struct listener *x = a, *y = b;
    return x->inode < y->inode ? -1 : x->inode > y->inode;
}

bool listeners_read(struct listeners *l)
{
    l->n = 0;
    bool v4 = read_table(l, "/proc/net/tcp"), v6 = read_table(l, "/proc/net/tcp6");
    if (l->n > 1) qsort(l->v, l->n, sizeof *l->v, by_inode);
    return v4 || v6;
}

bool listeners_have(const struct listeners *l, uint16_t port)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].port == port) return true;
    return false;
}

const struct listener *listeners_find(const struct listeners *l, unsigned long inode)
{
    struct listener key = { inode, 0 };
    return l->n == 0 ? NULL : bsearch(&key, l->v, l->n, sizeof key, by_inode);
}

void listeners_of(pid_t pid, const struct listeners *l, void (*found)(void *with, const struct listener *one), void *with)
{
    char path[40];
    if (l->n == 0) return;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *d = opendir(path);
    if (d == NULL) return;
    struct dirent *entry;
    for (int i = 0; i < DESCRIPTORS_MAX && (entry = readdir(d)) != NULL; i++) {
        char link[64];
        unsigned long inode;
        ssize_t n = readlinkat(dirfd(d), entry->d_name, link, sizeof link - 1);
        if (n <= 0) continue;
        link[n] = 0;
        if (sscanf(link, "socket:[%lu]", &inode) != 1) continue;
        const struct listener *one = listeners_find(l, inode);
        if (one != NULL) found(with, one);
    }
    closedir(d);
}
