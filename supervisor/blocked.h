/* What a thread is blocked in, by /proc/PID/task/TID/syscall. */
#ifndef CORRAL_BLOCKED_H
#define CORRAL_BLOCKED_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct process;

struct input_id {
    bool known, terminal;
    bool returns;               /* a read of the terminal returns by itself (raw mode with a limit of time) */
    dev_t device, number;       /* of the inode's file system; a terminal's own */
    ino_t inode;
};

enum blocked { BLOCKED_ELSEWHERE = 0, BLOCKED_ON_INPUT, BLOCKED_UNKNOWN };

/* Whether the thread goes on only when somebody types: it is in a read of the input, or in a poll, select or epoll of it which
   - neither returns by itself within a few seconds
   - nor waits for anything else that another party can make ready: a socket, another pipe or terminal, changes of files, a timer.
   What a process does to wake itself (eventfd, signalfd, a pipe or pair of sockets whose both ends it holds) does not matter, nor do TCP
   connections in an epoll. A process that holds a listening TCP socket is a server and is never counted. */
enum blocked blocked_on(const struct process *p, pid_t tid, const struct input_id *in);

#endif
