/* The state of `serve` mode that its parts share. One thread; no part blocks for longer than one bounded disk or /proc operation. */
#ifndef CORRAL_SERVE_H
#define CORRAL_SERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "protocol.h"

#define FD_LISTEN 3
#define FD_LOGS 4
#define FD_JOURNAL 5
#define FD_CONFIG 6

struct server {
    uint8_t client_secret[SECRET_BYTES];
    uint8_t supervisor_secret[SECRET_BYTES];
    char *sandbox;
    pid_t pid;
    bool is_pid1;
    uint64_t started_real_ms, started_ms;
    uint32_t lease_ms;            /* 0 = none */
    uint64_t lease_ends;          /* mono_ms */
    uint64_t lifetime_ends;       /* boot_ms; 0 = none */
    uint64_t memory_bytes;
    uint32_t max_executions;
    uint32_t processes;           /* of the sandbox, threads included; 0 = no limit */
    uint64_t disk_bytes;          /* of its writable places; 0 = no limit */
    uint64_t log_bytes;
    struct rlimit nofile;         /* as inherited; children get it back */
    int oom_fd;                   /* /proc/self/oom_score_adj, opened while still permitted; -1 = unavailable */
    char oom_own[16];
    bool stopping;
    uint64_t stop_deadline;       /* mono_ms */
};

extern struct server server;

/* Begins the end of the sandbox: everything is ended gracefully within grace_ms, then forced. */
void server_stop(uint32_t grace_ms, const char *reason);
void server_renew_lease(void);

int serve_main(void);

#endif
