#include "waits.h"

#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "listeners.h"
#include "protocol.h"
#include "util.h"

#define LOOK_MS 20u
#define WAITS_MAX 256

struct wait {
    uint64_t serial;
    uint32_t id;
    uint16_t port;
    struct slice path;      /* ours; no data = a wait for the port */
    uint64_t deadline;
};

static struct wait waits[WAITS_MAX];
static size_t count;
static uint64_t next_look;

static void answer(struct wait *w, bool yes)
{
    struct connection *c = connection_by_serial(w->serial);
    if (c != NULL) {
        size_t mark;
        put_u8(reply_begin(c, w->path.data != NULL ? REP_WAIT_FILE : REP_PORT, w->id, &mark), yes ? 1 : 0);
        reply_end(c, mark);
    }
    free(w->path.data);
}

static bool has_room(struct connection *c, uint32_t id)
{
    if (count < WAITS_MAX) return true;
    reply_error(c, id, ERR_TOO_MANY, 0, "too many pending waits");
    return false;
}

static void add(struct wait w)
{
    waits[count++] = w;
    next_look = 0;
}

void wait_port(struct connection *c, uint32_t id, uint16_t port, uint32_t timeout_ms)
{
    if (has_room(c, id)) add((struct wait){ .serial = c->serial, .id = id, .port = port, .deadline = mono_ms() + timeout_ms });
}

void wait_file(struct connection *c, uint32_t id, struct slice path, uint32_t timeout_ms)
{
    if (!has_room(c, id) || !files_within(c, id, path)) return;
    struct slice own = { malloc(path.len), path.len };
    if (own.data == NULL) {
        reply_error(c, id, ERR_TOO_MANY, 0, "out of memory");
        return;
    }
    memcpy(own.data, path.data, path.len);
    add((struct wait){ .serial = c->serial, .id = id, .path = own, .deadline = mono_ms() + timeout_ms });
}

void wait_cancel(struct connection *c, uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (waits[i].serial != c->serial || waits[i].id != id) continue;
        answer(&waits[i], false);
        waits[i] = waits[--count];
        return;
    }
}

uint64_t waits_tick(uint64_t now)
{
    if (count == 0) return UINT64_MAX;
    if (now < next_look) return next_look;
    static struct listeners listening;
    listening.n = 0;
    bool looked = false;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct wait *w = &waits[i];
        bool there = false;
        if (w->path.data != NULL) there = files_exists(w->path);
        else if (looked || (looked = true, listeners_read(&listening))) there = listeners_have(&listening, w->port);
        if (there || now >= w->deadline || connection_by_serial(w->serial) == NULL) answer(w, there);
        else waits[kept++] = *w;
    }
    count = kept;
    next_look = now + LOOK_MS;
    return count == 0 ? UINT64_MAX : next_look;
}
