#include "activity.h"

#include <string.h>

#include "descriptors.h"
#include "execution.h"
#include "metrics.h"
#include "tree.h"
#include "util.h"

#define ASKS_MAX 256

struct ask {
    uint64_t serial;
    uint32_t id;
    char execution[ID_MAX + 1];
    uint64_t due;       /* mono_ms */
};

static struct ask asks[ASKS_MAX];
static size_t ask_count;
static struct tree tree;

void inspect(struct connection *c, uint32_t id, struct execution *e)
{
    if (e->state == EXECUTION_ENDED) {
        reply_error(c, id, ERR_UNKNOWN_EXECUTION, 0, "the execution has ended");
        return;
    }
    if (ask_count == ASKS_MAX) {
        reply_error(c, id, ERR_TOO_MANY, 0, "too many pending INSPECT");
        return;
    }
    struct ask *a = &asks[ask_count++];
    *a = (struct ask){ .serial = c->serial, .id = id };
    memcpy(a->execution, e->id, sizeof a->execution);
}

static void sooner(uint64_t *next, uint64_t at)
{
    if (at < *next) *next = at;
}

/* What happens in the first seconds is looked at closely; later little changes. Looks of many executions fall together. */
static uint64_t next_look(const struct execution *e, uint64_t now)
{
    uint64_t age = now - e->start_us / 1000u;
    uint32_t interval = age < 4000 ? 250 : age < 16000 ? 1000 : 2000;
    return now / interval * interval + interval;
}

static bool is_watched(struct execution *e)
{
    bool watched = false;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (e->watchers[i] == 0) continue;
        if (connection_by_serial(e->watchers[i]) == NULL) e->watchers[i] = 0;
        else watched = true;
    }
    return watched;
}

/* The execution of an ask; NULL when it has ended. */
static struct execution *asked(const struct ask *a)
{
    struct slice id = { (uint8_t *)(uintptr_t)a->execution, (uint32_t)strlen(a->execution) };
    struct execution *e = execution_find(id);
    return e == NULL || e->state == EXECUTION_ENDED ? NULL : e;
}

/* False when the answer has to wait. */
static bool answer(struct ask *a, uint64_t now)
{
    struct connection *c = connection_by_serial(a->serial);
    struct execution *e = asked(a);
    if (c == NULL) return true;
    if (e == NULL) {
        reply_error(c, a->id, ERR_UNKNOWN_EXECUTION, 0, "the execution has ended");
        return true;
    }
    if (a->due > now) return false;
    input_look(e, &tree, now);
    if (e->input_wait.seen && !input_waits(e, now)) {
        a->due = e->input_wait.since + INPUT_STABLE_MS;
        return false;
    }
    size_t mark;
    struct buffer *b = reply_begin(c, REP_INSPECT, a->id, &mark);
    input_put(b, e, now);
    metrics_put(b, e, &tree);
    reply_end(c, mark);
    return true;
}

uint64_t activity_tick(uint64_t now)
{
    uint64_t next = UINT64_MAX;
    bool light = ask_count > 0, look = false;
    for (size_t i = 0; i < ask_count; i++) look = look || now >= asks[i].due || asked(&asks[i]) == NULL;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (e->state != EXECUTION_RUNNING) continue;
        if (now >= e->look_at) light = look = true;
        if (is_watched(e) && now >= e->input_wait.next) look = true;
    }
    if (look && !tree_scan(&tree)) tree.n = 0;
    if (look) descriptors_new_look();
    if (look && light) metrics_ports(&tree);
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (e->state != EXECUTION_RUNNING) continue;
        if (look) metrics_sample(e, &tree);
        if (now >= e->look_at) e->look_at = next_look(e, now);
        if (look && now >= e->input_wait.next && is_watched(e)) input_look(e, &tree, now);
    }
    size_t kept = 0;
    for (size_t i = 0; i < ask_count; i++)
        if (!answer(&asks[i], now)) asks[kept++] = asks[i];
    ask_count = kept;
    for (size_t i = 0; i < ask_count; i++) sooner(&next, asks[i].due);
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (e->state != EXECUTION_RUNNING) continue;
        sooner(&next, e->look_at);
        if (is_watched(e)) sooner(&next, e->input_wait.next);
    }
    return next;
}
