/* What LAUNCH asks for. */
#ifndef CORRAL_LAUNCH_REQUEST_H
#define CORRAL_LAUNCH_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "protocol.h"
#include "stage.h"

#define LAUNCH_KEEP UINT32_MAX
#define LAUNCH_DATA_MAX 64u
#define LAUNCH_MOUNTS_MAX 64u

struct launch_request {
    char *sandbox, *socket, *logs, *journal, *boot;
    struct slice config;
    uint32_t uid, gid;
    char **cgroups;
    char **figures;         /* at most FIGURES_MAX; "" = none */
    char *staging;
    struct stage_mount mounts[LAUNCH_MOUNTS_MAX];
    uint32_t mount_count;
    char **argv, **env;
    struct slice data[LAUNCH_DATA_MAX];
    uint32_t data_count;
};

/* False = malformed. The slices point into the frame; the rest is the request's own until launch_request_free, also when it is malformed. */
bool launch_request_parse(struct cursor *c, struct launch_request *r);
void launch_request_free(struct launch_request *r);

#endif
