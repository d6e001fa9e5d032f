/* Opening files beneath a folder: no path and no race of links leads out of it. */
#ifndef CORRAL_BENEATH_H
#define CORRAL_BENEATH_H

#include <stdbool.h>
#include <sys/types.h>

/* errno values of our own, outside the range of the system's. */
#define E_OUTSIDE 10001
#define E_NOT_FILE 10002

/* Opens `path`, relative to a root, beneath it. -1 and errno, EXDEV and ELOOP told as E_OUTSIDE. */
int open_beneath(int root, const char *path, int flags, mode_t mode);

/* The data descriptor of a regular file. It is looked at as O_PATH first, so that no device or FIFO is ever opened. */
int open_regular(int root, const char *path, int flags);

/* False once the kernel, or a filter, turned out to be without openat2: then no link is followed at all. */
bool beneath_follows_links(void);

#endif
