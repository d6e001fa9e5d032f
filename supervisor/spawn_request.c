#include "spawn_request.h"

#include <stdlib.h>
#include <string.h>

bool execution_id_valid(struct slice id)
{
    if (id.len < 1 || id.len > ID_MAX) return false;
    for (uint32_t i = 0; i < id.len; i++) {
        uint8_t c = id.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) return false;
    }
    return true;
}

static int resource_of(uint8_t kind)
{
    switch (kind) {
    case LIMIT_NPROC: return RLIMIT_NPROC;
    case LIMIT_DATA: return RLIMIT_DATA;
    case LIMIT_CPU: return RLIMIT_CPU;
    case LIMIT_FSIZE: return RLIMIT_FSIZE;
    case LIMIT_NOFILE: return RLIMIT_NOFILE;
    case LIMIT_CORE: return RLIMIT_CORE;
    case LIMIT_STACK: return RLIMIT_STACK;
    case LIMIT_AS: return RLIMIT_AS;
    default: return -1;
    }
}

/* A list of strings as a NULL-terminated vector. The strings are terminated by finish_list once everything after them was decoded:
   the byte behind a string belongs to the next field. */
static char **get_list(struct cursor *c)
{
    uint32_t n = get_count(c);
    if (c->bad) return NULL;
    char **v = calloc((size_t)n + 1, sizeof *v);
    if (v == NULL) {
        c->bad = true;
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct slice s = get_str(c);
        if (c->bad) break;
        v[i] = (char *)s.data;
    }
    return v;
}

/* The length of a decoded string is still in front of it. */
static uint32_t length_before(const char *s)
{
    const uint8_t *p = (const uint8_t *)s - 4;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Terminates s and returns true when it holds no NUL. Strings are finished from the last to the first, as terminating one overwrites the
   length of the next. */
static bool finish(char *s)
{
    uint32_t n = length_before(s);
    s[n] = 0;
    return memchr(s, 0, n) == NULL;
}

static bool finish_list(char **v)
{
    size_t n = 0;
    bool good = true;
    while (v[n] != NULL) n++;
    while (n-- > 0) good = finish(v[n]) && good;
    return good;
}

/* What holds for the tree as a whole; true when there is no rlimit beside it. A process alone may use a little more than its tree, so that the
   end has the right name; the rlimit is what holds when the supervisor cannot look. */
static bool note_tree_limit(struct tree_limits *t, uint8_t kind, uint64_t *value)
{
    switch (kind) {
    case LIMIT_CPU:
        t->cpu_us = *value > UINT64_MAX / 2000000u ? 0 : *value * 1000000u;
        if (*value < UINT64_MAX - CPU_HEADROOM_S) *value += CPU_HEADROOM_S;
        return false;
    case LIMIT_FSIZE: t->file_bytes = *value; return false;
    case LIMIT_TREE_MEMORY: t->memory_bytes = *value; return true;
    case LIMIT_TREE_TASKS: t->tasks = *value > UINT32_MAX ? UINT32_MAX : (uint32_t)*value; return true;
    default: return false;
    }
}

bool spawn_request_parse(struct cursor *c, struct spawn_request *r, const char **problem)
{
    memset(r, 0, sizeof *r);
    *problem = NULL;
    struct slice id = get_str(c);
    r->flags = get_u8(c);
    r->cols = get_u16(c);
    r->rows = get_u16(c);
    r->wall_ms = get_u32(c);
    r->grace_ms = get_u32(c);
    r->output_bytes = get_u64(c);
    uint8_t limits = get_u8(c);
    const char *refused = NULL;
    if (limits > LIMITS_MAX) refused = "too many limits";
    for (unsigned i = 0; i < limits && !c->bad; i++) {
        uint8_t kind = get_u8(c);
        uint64_t value = get_u64(c);
        int resource = resource_of(kind);
        if (note_tree_limit(&r->tree, kind, &value)) continue;
        if (resource < 0) refused = "unknown resource";
        else if (i < LIMITS_MAX) r->limits[r->limit_count++] = (struct limit){ resource, value };
    }
    struct slice cwd = get_str(c);
    r->env = get_list(c);
    uint8_t steps = get_u8(c);
    if (steps < 1 || steps > STEPS_MAX) c->bad = true;
    for (int i = 0; i < steps && !c->bad; i++) {
        r->argv[i] = get_list(c);
        r->steps = i + 1;
        if (r->argv[i] != NULL && r->argv[i][0] == NULL) refused = "an argv is empty";
    }
    r->input = get_str(c);
    r->meta = get_str(c);
    if (!cursor_done(c)) return false;

    if (!execution_id_valid(id)) {
        *problem = "the execution id must be 1 to 64 of A-Z a-z 0-9 _ -";
        return false;
    }
    memcpy(r->id, id.data, id.len);
    if (r->meta.len > META_MAX) refused = "meta is longer than 16 KiB";
    if (r->flags & ~(SPAWN_PTY | SPAWN_KEEP_INPUT)) refused = "unknown flag";
    bool good = true;
    for (int i = r->steps - 1; i >= 0; i--) good = finish_list(r->argv[i]) && good;
    good = finish_list(r->env) && good;
    r->cwd = (char *)cwd.data;
    good = finish((char *)cwd.data) && good;
    if (!good) refused = "a string holds a NUL byte";
    for (char **e = r->env; *e != NULL && refused == NULL; e++) {
        const char *equal = strchr(*e, '=');
        if (equal == NULL || equal == *e) refused = "an environment entry is not NAME=value";
    }
    *problem = refused;
    return refused == NULL;
}

void spawn_request_free(struct spawn_request *r)
{
    free(r->env);
    for (int i = 0; i < STEPS_MAX; i++) free(r->argv[i]);
    r->env = NULL;
    memset(r->argv, 0, sizeof r->argv);
}
