#include "changes.h"

#include <stdlib.h>

#include "execution.h"
#include "util.h"
#include "watching.h"

#define SETS_MAX 64u       /* executions at once; each notice is noted for each */
#define FIRST_US 30000u    /* by which the first executions are delayed, all together, until all folders are read */
#define END_MS 100u        /* by which the telling of an end is delayed at most */

static struct change_set *sets;
static size_t set_count;
static uint64_t first_us = FIRST_US;

bool changes_wanted(void) { return sets != NULL; }

void changes_gap(uint32_t gap)
{
    for (struct change_set *s = sets; s != NULL; s = s->next) s->gaps |= gap;
}

void changes_record(const char *path, size_t len, enum change_kind kind)
{
    for (struct change_set *s = sets; s != NULL; s = s->next) change_set_record(s, path, len, kind);
}

void changes_moved(const char *from, const char *to)
{
    for (struct change_set *s = sets; s != NULL; s = s->next) change_set_moved(s, from, to);
}

static void in_company(void)
{
    for (struct change_set *s = sets; s != NULL; s = s->next) s->company = true;
}

void changes_by_request(struct slice path)
{
    if (sets != NULL && watching_holds(path)) in_company();
}

struct change_set *changes_begin(void)
{
    struct change_set *s = watching_on() ? calloc(1, sizeof *s) : NULL;
    if (s == NULL) return NULL;
    /* What has been noticed by now is not its own. */
    s->company = !watching_drain(NOTICES_US) || sets != NULL;
    if (watching_looking() && first_us > 0) {
        uint64_t from = mono_us();
        watching_read(first_us);
        uint64_t took = mono_us() - from;
        first_us = took < first_us ? first_us - took : 0;
        watching_drain(NOTICES_US);
    }
    in_company();
    s->gaps = watching_gaps();
    if (set_count == SETS_MAX) {
        s->gaps |= GAP_CROWD;
        return s;
    }
    s->next = sets;
    sets = s;
    set_count++;
    return s;
}

bool changes_settled(struct change_set *s, uint64_t waited_ms)
{
    if (s == NULL || (watching_drain(NOTICES_US) && !watching_behind())) return true;
    if (waited_ms < END_MS) return false;
    s->gaps |= GAP_END;
    return true;
}

static void take_off(struct change_set *s)
{
    for (struct change_set **at = &sets; *at != NULL; at = &(*at)->next) {
        if (*at != s) continue;
        *at = s->next;
        set_count--;
        return;
    }
}

/* Do processes live on that an execution left behind? */
static bool left_behind(const struct execution *e)
{
    for (const struct execution *o = executions; o != NULL; o = o->next)
        if (o != e && o->state == EXECUTION_ENDED && o->others && (o->shim > 0 || o->shim_lost)) return true;
    return false;
}

void changes_put(struct buffer *b, struct execution *e)
{
    struct buffer payload = { 0 };
    if (e->changes != NULL) {
        take_off(e->changes);
        e->changes->company = e->changes->company || left_behind(e);
        change_set_put(e->changes, &payload);
    }
    put_str(b, payload.data, payload.failed ? 0 : payload.len);
    buffer_free(&payload);
}

void changes_drop(struct change_set *s)
{
    if (s == NULL) return;
    take_off(s);
    change_set_free(s);
    if (sets == NULL) watching_quiet();
}
