/* TCP sockets in listening state in this network namespace, and whose they are. */
#ifndef CORRAL_LISTENERS_H
#define CORRAL_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct listener {
    unsigned long inode;
    uint16_t port;
};

struct listeners {
    struct listener *v;     /* ascending inode */
    size_t n, cap;
};

/* v4 and v6, from /proc/net. False when neither table can be read, or memory is gone. At most 4096 are kept. */
bool listeners_read(struct listeners *l);
bool listeners_have(const struct listeners *l, uint16_t port);
const struct listener *listeners_find(const struct listeners *l, unsigned long inode);

/* Calls `found` for each listening socket among the first 4096 descriptors of a process. */
void listeners_of(pid_t pid, const struct listeners *l, void (*found)(void *with, const struct listener *one), void *with);

#endif
