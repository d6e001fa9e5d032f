#include "launch_request.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

static char *text_of(struct slice s)
{
    char *t = malloc((size_t)s.len + 1);
    if (t == NULL) return NULL;
    memcpy(t, s.data, s.len);
    t[s.len] = 0;
    return t;
}

/* A string without NUL; its memory lives until launch_request_free. */
static char *get_text(struct cursor *c)
{
    struct slice s = get_str(c);
    if (c->bad || memchr(s.data, 0, s.len) != NULL) {
        c->bad = true;
        return NULL;
    }
    char *t = text_of(s);
    if (t == NULL) c->bad = true;
    return t;
}

static char **get_texts(struct cursor *c)
{
    uint32_t n = get_count(c);
    if (c->bad) return NULL;
    char **v = calloc((size_t)n + 1, sizeof *v);
    if (v == NULL) c->bad = true;
    for (uint32_t i = 0; i < n && !c->bad; i++) v[i] = get_text(c);
    return v;
}

static void free_texts(char **v)
{
    for (char **t = v; t != NULL && *t != NULL; t++) free(*t);
    free(v);
}

void launch_request_free(struct launch_request *r)
{
    free(r->sandbox);
    free(r->socket);
    free(r->logs);
    free(r->journal);
    free(r->boot);
    free_texts(r->cgroups);
    free_texts(r->figures);
    free(r->staging);
    for (uint32_t i = 0; i < r->mount_count; i++) {
        free((char *)(uintptr_t)r->mounts[i].source);
        free((char *)(uintptr_t)r->mounts[i].name);
    }
    free_texts(r->argv);
    free_texts(r->env);
}

bool launch_request_parse(struct cursor *c, struct launch_request *r)
{
    memset(r, 0, sizeof *r);
    r->sandbox = get_text(c);
    r->socket = get_text(c);
    r->logs = get_text(c);
    r->journal = get_text(c);
    r->boot = get_text(c);
    r->config = get_str(c);
    r->uid = get_u32(c);
    r->gid = get_u32(c);
    r->cgroups = get_texts(c);
    r->figures = get_texts(c);
    size_t figures = 0;
    while (!c->bad && r->figures[figures] != NULL) figures++;
    if (figures > FIGURES_MAX) c->bad = true;
    r->staging = get_text(c);
    uint32_t n = get_u32(c);
    if (n > LAUNCH_MOUNTS_MAX) c->bad = true;
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        struct stage_mount *m = &r->mounts[r->mount_count++];
        m->source = get_text(c);
        m->name = get_text(c);
        m->flags = get_u8(c);
    }
    r->argv = get_texts(c);
    r->env = get_texts(c);
    r->data_count = get_count(c);
    if (r->data_count > LAUNCH_DATA_MAX) c->bad = true;
    for (uint32_t i = 0; i < r->data_count && !c->bad; i++) r->data[i] = get_str(c);
    return cursor_done(c) && r->argv[0] != NULL;
}
