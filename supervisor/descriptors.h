/* What the descriptors of another process are, by /proc/PID/fd. */
#ifndef CORRAL_DESCRIPTORS_H
#define CORRAL_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "blocked.h"

struct process;

enum source {
    SOURCE_SELF = 0,    /* only the process itself makes it ready */
    SOURCE_INPUT,
    SOURCE_CONNECTION,  /* a TCP connection */
    SOURCE_OTHER,       /* somebody else may make it ready */
    SOURCE_EPOLL        /* a set of its own */
};

enum source descriptor_source(const struct process *p, int fd, const struct input_id *in);
bool descriptor_is_input(const struct process *p, int fd, const struct input_id *in);
/* What an epoll set waits to read from: SOURCE_INPUT when that is the input and nothing of others. A connection does not matter there: event
   loops keep idle ones for later requests. */
enum source epoll_source(const struct process *p, int fd, const struct input_id *in, int depth);
/* What is known of the network is read anew from here on, once. */
void descriptors_new_look(void);
/* Whether it holds a TCP socket in listening state: a server, whatever else it reads. */
bool process_listens(const struct process *p);

#endif
