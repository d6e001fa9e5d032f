/* A plan: accepted shell text as data, decoded from the arguments of `run-plan`. See docs/reference/shell-plan.md. */
#ifndef CORRAL_PLAN_H
#define CORRAL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_VERSION 1
#define PLAN_BYTES_MAX (1024u * 1024)
#define PLAN_ROOTS_MAX 64
#define PLAN_STEPS_MAX 4096
#define PLAN_STAGES_MAX 64

#define PLAN_REPORT 1u          /* flag of a plan: tell the status of every stage */
#define STEP_TIMED 1u           /* flag of a step: tell how long it took */
#define WORD_INSIDE 1u          /* flag of a word: its matches have to lie beneath the roots */

enum step_when { WHEN_ALWAYS = 0, WHEN_SUCCESS, WHEN_FAILURE };
enum redirect_kind { REDIRECT_FD = 1, REDIRECT_NULL, REDIRECT_READ, REDIRECT_WRITE, REDIRECT_APPEND, REDIRECT_DATA };
enum part_kind { PART_LITERAL = 0, PART_PATTERN = 1 };

struct bytes {
    char *data;                 /* terminated, and without NUL inside unless it is the data of a redirection */
    uint32_t len;
};

struct part {
    struct bytes text;
    uint8_t kind;
};

struct word {
    struct part *parts;
    uint32_t count;
    uint8_t flags;
};

struct redirect {
    struct bytes text;          /* path or data */
    uint8_t fd, kind, source;
};

struct command {
    const char *path;           /* "" = no trusted folder has it */
    uint64_t device, inode;     /* both 0 = not known */
    struct bytes *env;
    struct redirect *redirects;
    struct word *words;         /* the first is argv[0] and without a pattern */
    uint32_t env_count, redirect_count, word_count;
};

struct step {
    const char *cd;             /* NULL = a pipeline */
    struct command *stages;
    uint8_t when, flags, stage_count;
};

struct plan {
    uint8_t flags;
    struct bytes *roots, *readable;
    struct step *steps;
    uint32_t root_count, readable_count, step_count;
    void *blocks;               /* everything above */
};

/* Decodes the arguments, base64 all together. NULL when all is well, else what is wrong; the caller frees in either case. */
const char *plan_decode(struct plan *plan, char *const *args, int count);
void plan_free(struct plan *plan);

#endif
