/* Fuzz target: the frame decoder, the dispatch of `serve`, the parser of LAUNCH and the decoder of plans. What requests do is stubbed; that every byte of their
   arguments is readable, and every string terminated, is checked by touching them. The first byte of an input chooses: bit 0 = a peer that
   has said HELLO, bit 1 = launch, bit 2 = a plan (its bytes in base64), bit 3 = the text of a plan's arguments. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../launch_request.h"

#include "../activity.h"
#include "../changes.h"
#include "../connection.h"
#include "../execution.h"
#include "../files.h"
#include "../glob.h"
#include "../plan.h"
#include "../serve.h"
#include "../stats.h"
#include "../waits.h"

struct server server;
struct execution *executions;

static struct execution known;
static volatile size_t sink;

static void touch(struct slice s)
{
    for (uint32_t i = 0; i < s.len; i++) sink += s.data[i];
}

static void touch_text(const char *t) { sink += strlen(t); }

void server_renew_lease(void) {}
void server_stop(uint32_t grace_ms, const char *reason) { sink += grace_ms + strlen(reason); }

struct execution *execution_find(struct slice id)
{
    touch(id);
    return id.len == 1 && id.data[0] == 'a' ? &known : NULL;
}

void execution_spawn(struct connection *c, uint32_t id, struct spawn_request *r)
{
    touch_text(r->id);
    touch_text(r->cwd);
    for (char **e = r->env; *e != NULL; e++) touch_text(*e);
    for (int i = 0; i < r->steps; i++)
        for (char **a = r->argv[i]; *a != NULL; a++) touch_text(*a);
    for (int i = 0; i < r->limit_count; i++) sink += r->limits[i].value;
    touch(r->input);
    touch(r->meta);
    reply_ok(c, id);
}

void execution_input(struct connection *c, uint32_t id, struct execution *e, bool eof, struct slice data)
{
    (void)e;
    sink += eof;
    touch(data);
    reply_ok(c, id);
}

void execution_signal(struct connection *c, uint32_t id, struct execution *e, int signal, int cause)
{
    (void)e;
    sink += (size_t)(signal + cause);
    reply_ok(c, id);
}

void execution_end_tree(struct connection *c, uint32_t id, struct execution *e, int signal, uint32_t grace_ms, int cause)
{
    execution_signal(c, id, e, signal, cause);
    sink += grace_ms;
}

void execution_acknowledge(struct execution *e) { (void)e; }
bool execution_resize(struct execution *e, uint16_t cols, uint16_t rows, int *err)
{
    (void)e;
    *err = ENOTTY;
    return cols == rows;
}
void execution_watch(struct connection *c, struct execution *e, bool on) { (void)c, (void)e, sink += on; }
void executions_list(struct buffer *b) { put_u32(b, 0); }
void executions_count(uint32_t *running, uint32_t *ended) { *running = *ended = 0; }
void stats_processes(uint32_t *processes, uint64_t *rss) { *processes = 0, *rss = 0; }
void wait_port(struct connection *c, uint32_t id, uint16_t port, uint32_t timeout_ms) { sink += port + timeout_ms, reply_ok(c, id); }
void wait_file(struct connection *c, uint32_t id, struct slice path, uint32_t timeout_ms) { touch(path), sink += timeout_ms, reply_ok(c, id); }
void wait_cancel(struct connection *c, uint32_t id) { (void)c, sink += id; }
void inspect(struct connection *c, uint32_t id, struct execution *e) { (void)e, reply_ok(c, id); }

void changes_by_request(struct slice path) { touch(path); }

void files_read(struct connection *c, uint32_t id, struct slice path, uint64_t offset, uint32_t length)
{
    touch(path), sink += (size_t)offset + length, reply_ok(c, id);
}
void files_write(struct connection *c, uint32_t id, struct slice path, uint8_t flags, uint32_t mode, uint64_t offset, struct slice data)
{
    touch(path), touch(data), sink += flags + mode + (size_t)offset, reply_ok(c, id);
}
void files_stat(struct connection *c, uint32_t id, struct slice path, bool follow) { touch(path), sink += follow, reply_ok(c, id); }
void files_list(struct connection *c, uint32_t id, struct slice path, struct slice after, uint32_t max)
{
    touch(path), touch(after), sink += max, reply_ok(c, id);
}
void files_remove(struct connection *c, uint32_t id, struct slice path, bool recursive) { touch(path), sink += recursive, reply_ok(c, id); }
void files_mkdir(struct connection *c, uint32_t id, struct slice path, bool parents, uint32_t mode)
{
    touch(path), sink += parents + mode, reply_ok(c, id);
}
void files_rename(struct connection *c, uint32_t id, struct slice from, struct slice to, bool replace)
{
    touch(from), touch(to), sink += replace, reply_ok(c, id);
}

static void one_launch(struct frame *f)
{
    struct cursor c = { f->payload, f->payload + f->len, false };
    struct launch_request r;
    if (launch_request_parse(&c, &r)) {
        touch_text(r.sandbox);
        touch_text(r.socket);
        touch(r.config);
        for (char **a = r.figures; *a != NULL; a++) touch_text(*a);
        for (char **a = r.argv; *a != NULL; a++) touch_text(*a);
        for (uint32_t i = 0; i < r.data_count; i++) touch(r.data[i]);
        for (uint32_t i = 0; i < r.mount_count; i++) touch_text(r.mounts[i].source);
    }
    launch_request_free(&r);
}

/* A word as glob_word would see it, against names that a folder might hold. */
static void match_word(const struct word *w)
{
    static const char *const names[] = { "a", "abc.ts", ".hidden", "-x", "[x]", "\xc3\xa9", "\xff\xfe", "a\\b" };
    for (uint32_t i = 0; i < w->count; i++)
        for (size_t k = 0; k < sizeof names / sizeof names[0] && w->parts[i].kind == PART_PATTERN; k++)
            sink += glob_match(w->parts[i].text.data, w->parts[i].text.len, names[k]);
}

static void touch_command(const struct command *c)
{
    touch_text(c->path);
    for (uint32_t i = 0; i < c->env_count; i++) touch_text(c->env[i].data);
    for (uint32_t i = 0; i < c->redirect_count; i++)
        if (c->redirects[i].kind >= REDIRECT_READ) touch((struct slice){ (uint8_t *)c->redirects[i].text.data, c->redirects[i].text.len });
    for (uint32_t i = 0; i < c->word_count; i++) {
        match_word(&c->words[i]);
        for (uint32_t k = 0; k < c->words[i].count; k++) touch_text(c->words[i].parts[k].text.data);
    }
}

/* Arguments of random lengths, each a block of its own, terminated. */
static void one_plan(const char *text, size_t n)
{
    char *args[3];
    size_t cut = n / 3, at = 0;
    for (int i = 0; i < 3; i++) {
        size_t len = i < 2 ? cut : n - at;
        args[i] = malloc(len + 1);
        memcpy(args[i], text + at, len);
        args[i][len] = 0;
        at += len;
    }
    struct plan plan;
    if (plan_decode(&plan, args, 3) == NULL) {
        for (uint32_t i = 0; i < plan.root_count; i++) touch_text(plan.roots[i].data);
        for (uint32_t i = 0; i < plan.readable_count; i++) touch_text(plan.readable[i].data);
        for (uint32_t i = 0; i < plan.step_count; i++) {
            if (plan.steps[i].cd != NULL) touch_text(plan.steps[i].cd);
            for (int k = 0; k < plan.steps[i].stage_count; k++) touch_command(&plan.steps[i].stages[k]);
        }
    }
    plan_free(&plan);
    for (int i = 0; i < 3; i++) free(args[i]);
}

static void one_plan_of(const uint8_t *data, size_t size)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc(size / 3 * 4 + 4);
    size_t n = 0;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) bits = bits << 8 | (i + k < size ? data[i + k] : 0u);
        for (size_t k = 0; k < 4; k++) text[n++] = i + k <= size ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
    }
    one_plan(text, n);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    if (data[0] & 4) return one_plan_of(data + 1, size - 1), 0;
    if (data[0] & 8) return one_plan((const char *)data + 1, size - 1), 0;
    struct connection c;
    memset(&c, 0, sizeof c);
    c.fd = -1;
    c.greeted = (data[0] & 1) != 0;
    bool launching = (data[0] & 2) != 0;
    /* A block of its exact size: a read or write one byte too far is found. Each frame is decoded from a block of its own, too. */
    size_t at = 1;
    while (at < size) {
        uint8_t *copy = malloc(size - at);
        memcpy(copy, data + at, size - at);
        struct frame f;
        int got = frame_next(copy, size - at, FRAME_MAX, &f);
        bool good = got == 1;
        size_t whole = f.whole;
        if (good) {
            uint8_t *own = malloc(whole);
            memcpy(own, copy, whole);
            good = frame_next(own, whole, FRAME_MAX, &f) == 1;
            if (good && launching) one_launch(&f);
            else if (good) good = dispatch(&c, &f);
            free(own);
        }
        free(copy);
        if (!good) break;
        at += whole;
    }
    /* What was answered must itself be whole frames. */
    while (buffer_pending(&c.out) > 0) {
        struct frame f;
        if (frame_next(c.out.data + c.out.start, buffer_pending(&c.out), FRAME_MAX, &f) != 1) abort();
        buffer_consume(&c.out, f.whole);
    }
    buffer_free(&c.out);
    return 0;
}
