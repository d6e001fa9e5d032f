#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "glob.h"

#define REDIRECTS_MAX 64

struct block {
    struct block *next;
    max_align_t data[];
};

static void *take(struct plan *plan, size_t count, size_t size)
{
    struct block *b = calloc(1, sizeof *b + (count == 0 ? 1 : count) * size);
    if (b == NULL) return NULL;
    b->next = plan->blocks;
    plan->blocks = b;
    return b->data;
}

void plan_free(struct plan *plan)
{
    for (struct block *b = plan->blocks; b != NULL;) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
    memset(plan, 0, sizeof *plan);
}

/* ---- base64, the usual alphabet, padded ---- */

static int sextet(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes in place; false when it is no base64. */
static bool decode_base64(uint8_t *text, size_t n, size_t *out)
{
    *out = 0;
    if (n == 0 || n % 4 != 0) return false;
    size_t padding = text[n - 1] != '=' ? 0 : text[n - 2] != '=' ? 1 : 2;
    for (size_t i = 0; i < n; i += 4) {
        size_t real = i + 4 == n ? 4 - padding : 4;
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            int v = k < real ? sextet(text[i + k]) : 0;
            if (v < 0) return false;
            bits = bits << 6 | (uint32_t)v;
        }
        /* What the last character holds beyond the last byte must be nothing: there is one spelling only. */
        if ((bits & (real == 4 ? 0u : real == 3 ? 0xffu : 0xffffu)) != 0) return false;
        for (size_t k = 0; k + 1 < real; k++) text[(*out)++] = (uint8_t)(bits >> (16 - 8 * k));
    }
    return true;
}

/* ---- the fields ---- */

struct reader {
    struct cursor in;
    struct plan *plan;
    char *text;                 /* room for every string: each is longer in the input, by its length, than its NUL */
    const char *problem;        /* the first one */
};

static void wrong(struct reader *r, const char *problem)
{
    if (r->problem == NULL) r->problem = problem;
    r->in.bad = true;
}

static struct bytes get_bytes_of(struct reader *r, bool any)
{
    struct slice s = get_str(&r->in);
    struct bytes b = { NULL, s.len };
    if (r->in.bad) return b;
    if (!any && memchr(s.data, 0, s.len) != NULL) {
        wrong(r, "a text holds NUL");
        return b;
    }
    b.data = r->text;
    memcpy(b.data, s.data, s.len);
    b.data[s.len] = 0;
    r->text += s.len + 1;
    return b;
}

/* An array with as many elements as were announced, each of which takes at least `least` bytes. */
static void *get_array(struct reader *r, uint32_t *count, size_t least, size_t size)
{
    uint32_t n = get_u32(&r->in);
    *count = 0;
    if (r->in.bad || n > (size_t)(r->in.end - r->in.at) / least) {
        wrong(r, "a list is cut off");
        return NULL;
    }
    void *p = take(r->plan, n, size);
    if (p == NULL) wrong(r, "out of memory");
    else *count = n;
    return p;
}

static uint8_t get_choice(struct reader *r, uint8_t most, const char *problem)
{
    uint8_t v = get_u8(&r->in);
    if (v > most) wrong(r, problem);
    return v;
}

static struct bytes *get_texts(struct reader *r, uint32_t *count, bool paths)
{
    struct bytes *list = get_array(r, count, 4, sizeof *list);
    for (uint32_t i = 0; i < *count && !r->in.bad; i++) {
        list[i] = get_bytes_of(r, false);
        if (!r->in.bad && paths && list[i].data[0] != '/') wrong(r, "a path is not absolute");
    }
    return list;
}

static void get_word(struct reader *r, struct word *w)
{
    w->flags = get_choice(r, WORD_INSIDE, "an unknown flag of a word");
    w->parts = get_array(r, &w->count, 5, sizeof *w->parts);
    for (uint32_t i = 0; i < w->count && !r->in.bad; i++) {
        struct part *p = &w->parts[i];
        p->kind = get_choice(r, PART_PATTERN, "an unknown part of a word");
        p->text = get_bytes_of(r, false);
        if (!r->in.bad && p->kind == PART_PATTERN && !glob_pattern_valid(p->text.data)) wrong(r, "a pattern is malformed");
    }
}

static void get_redirect(struct reader *r, struct redirect *d)
{
    d->fd = get_choice(r, 2, "a redirection of an unknown descriptor");
    d->kind = get_choice(r, REDIRECT_DATA, "an unknown redirection");
    if (d->kind == 0) wrong(r, "an unknown redirection");
    if (d->kind == REDIRECT_FD) d->source = get_choice(r, 2, "a redirection to an unknown descriptor");
    if (d->kind < REDIRECT_READ || r->in.bad) return;
    d->text = get_bytes_of(r, d->kind == REDIRECT_DATA);
    if (d->kind != REDIRECT_DATA && !r->in.bad && d->text.len == 0) wrong(r, "a redirection to an empty name");
}

static void get_command(struct reader *r, struct command *c)
{
    struct bytes path = get_bytes_of(r, false);
    c->path = path.data;
    if (!r->in.bad && path.len > 0 && path.data[0] != '/') wrong(r, "a program's path is not absolute");
    c->device = get_u64(&r->in);
    c->inode = get_u64(&r->in);
    c->env = get_texts(r, &c->env_count, false);
    for (uint32_t i = 0; i < c->env_count && !r->in.bad; i++)
        if (c->env[i].data[0] == '=' || strchr(c->env[i].data, '=') == NULL) wrong(r, "an environment entry is not NAME=value");
    c->redirects = get_array(r, &c->redirect_count, 2, sizeof *c->redirects);
    if (c->redirect_count > REDIRECTS_MAX) wrong(r, "too many redirections");
    for (uint32_t i = 0; i < c->redirect_count && !r->in.bad; i++) get_redirect(r, &c->redirects[i]);
    c->words = get_array(r, &c->word_count, 5, sizeof *c->words);
    for (uint32_t i = 0; i < c->word_count && !r->in.bad; i++) get_word(r, &c->words[i]);
    if (r->in.bad) return;
    size_t name = 0;
    for (uint32_t i = 0; c->word_count > 0 && i < c->words[0].count; i++) {
        name += c->words[0].parts[i].text.len;
        if (c->words[0].parts[i].kind != PART_LITERAL) wrong(r, "the name of a program is a pattern");
    }
    if (name == 0) wrong(r, "a command has no name");
}

static void get_step(struct reader *r, struct step *s)
{
    s->when = get_choice(r, WHEN_FAILURE, "an unknown condition of a step");
    s->flags = get_choice(r, STEP_TIMED, "an unknown flag of a step");
    s->stage_count = get_choice(r, PLAN_STAGES_MAX, "too many stages");
    if (r->in.bad) return;
    if (s->stage_count == 0) {
        s->cd = get_bytes_of(r, false).data;
        if (!r->in.bad && s->cd[0] == 0) wrong(r, "cd without a folder");
        return;
    }
    s->stages = take(r->plan, s->stage_count, sizeof *s->stages);
    if (s->stages == NULL) wrong(r, "out of memory");
    for (uint8_t i = 0; i < s->stage_count && !r->in.bad; i++) get_command(r, &s->stages[i]);
}

static void get_plan(struct reader *r)
{
    struct plan *plan = r->plan;
    if (get_u8(&r->in) != PLAN_VERSION) return wrong(r, "another version of the format");
    plan->flags = get_choice(r, PLAN_REPORT, "an unknown flag of the plan");
    plan->roots = get_texts(r, &plan->root_count, true);
    if (plan->root_count > PLAN_ROOTS_MAX) wrong(r, "too many roots");
    plan->readable = get_texts(r, &plan->readable_count, true);
    plan->steps = get_array(r, &plan->step_count, 7, sizeof *plan->steps);
    if (plan->step_count > PLAN_STEPS_MAX) wrong(r, "too many steps");
    for (uint32_t i = 0; i < plan->step_count && !r->in.bad; i++) get_step(r, &plan->steps[i]);
    if (!r->in.bad && plan->step_count == 0) wrong(r, "there is no step in it");
}

const char *plan_decode(struct plan *plan, char *const *args, int count)
{
    memset(plan, 0, sizeof *plan);
    size_t n = 0, most = PLAN_BYTES_MAX / 3 * 4 + 4;
    for (int i = 0; i < count; i++) {
        n += strlen(args[i]);
        if (n > most) return "it is too long";
    }
    uint8_t *text = take(plan, n, 1);
    if (text == NULL) return "out of memory";
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        size_t len = strlen(args[i]);
        memcpy(text + at, args[i], len);
        at += len;
    }
    if (!decode_base64(text, n, &n)) return "it is not base64";
    if (n > PLAN_BYTES_MAX) return "it is too long";
    struct reader r = { { text, text + n, false }, plan, take(plan, n, 1), NULL };
    if (r.text == NULL) return "out of memory";
    get_plan(&r);
    if (r.problem != NULL) return r.problem;
    return cursor_done(&r.in) ? NULL : "it is cut off, or goes on behind its end";
}
