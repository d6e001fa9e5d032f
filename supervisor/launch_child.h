/* What happens between the launcher's fork and the launched program. */
#ifndef CORRAL_LAUNCH_CHILD_H
#define CORRAL_LAUNCH_CHILD_H

#include <signal.h>
#include <sys/resource.h>

#include "launch_request.h"

/* What the child tells through its report pipe when it gives up. */
struct setup_failure {
    int err;
    char what[160];
};

/* Prepares and executes; tells through `report` why it could not. The program gets both ends of the info pipe, so that it can write to it
   whether or not the launcher still lives. `nofile` and `signals` are what the launched program starts with. */
void launch_child(const struct launch_request *r, int report, const int info_pipe[2], const struct rlimit *nofile, const sigset_t *signals)
    __attribute__((noreturn));

#endif
