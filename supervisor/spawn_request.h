/* The SPAWN payload, decoded in place. */
#ifndef CORRAL_SPAWN_REQUEST_H
#define CORRAL_SPAWN_REQUEST_H

#include "frame.h"
#include "limits.h"
#include "shim.h"

#define SPAWN_PTY 1u
#define SPAWN_KEEP_INPUT 2u

struct spawn_request {
    char id[ID_MAX + 1];
    uint8_t flags;
    uint16_t cols, rows;
    uint32_t wall_ms, grace_ms;
    uint64_t output_bytes;
    struct limit limits[LIMITS_MAX];
    int limit_count;
    struct tree_limits tree;
    const char *cwd;
    char **env;
    int steps;
    char **argv[STEPS_MAX];
    struct slice input, meta;
};

bool execution_id_valid(struct slice id);

/* NUL-terminates strings inside the payload; they stay valid as long as it does. False = malformed (*problem NULL) or refused (*problem
   says why). The caller calls spawn_request_free in every case. */
bool spawn_request_parse(struct cursor *c, struct spawn_request *out, const char **problem);
void spawn_request_free(struct spawn_request *r);

#endif
