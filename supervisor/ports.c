#include "ports.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol.h"
#include "util.h"

#define LOOK_MS 20u
#define WAITS_MAX 256
#define STATE_LISTEN 0x0A

struct wait {
    uint64_t serial;
    uint32_t id;
    uint16_t port;
    uint64_t deadline;
};

static struct wait waits[WAITS_MAX];
static size_t count;
static uint64_t next_look;

static void answer(const struct wait *w, bool listening)
{
    struct connection *c = connection_by_serial(w->serial);
    if (c == NULL) return;
    size_t mark;
    put_u8(reply_begin(c, REP_PORT, w->id, &mark), listening ? 1 : 0);
    reply_end(c, mark);
}

/* Sets found[i] for every wait whose port is in listening state in one table of /proc/net. */
static void look(const char *path, bool *found)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) return;
    char line[512];
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned port, state;
        char local[40], remote[40];
        if (sscanf(line, " %*d: %39[0-9A-Fa-f]:%x %39[0-9A-Fa-f]:%*x %x", local, &port, remote, &state) != 4) continue;
        if (state != STATE_LISTEN) continue;
        for (size_t i = 0; i < count; i++)
            if (waits[i].port == port) found[i] = true;
    }
    fclose(f);
}

void ports_wait(struct connection *c, uint32_t id, uint16_t port, uint32_t timeout_ms)
{
    if (count == WAITS_MAX) {
        reply_error(c, id, ERR_TOO_MANY, 0, "too many pending WAIT_PORT");
        return;
    }
    waits[count++] = (struct wait){ c->serial, id, port, mono_ms() + timeout_ms };
    next_look = 0;
}

void ports_cancel(struct connection *c, uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (waits[i].serial != c->serial || waits[i].id != id) continue;
        answer(&waits[i], false);
        waits[i] = waits[--count];
        return;
    }
}

uint64_t ports_tick(uint64_t now)
{
    if (count == 0) return UINT64_MAX;
    if (now < next_look) return next_look;
    bool found[WAITS_MAX] = { false };
    look("/proc/net/tcp", found);
    look("/proc/net/tcp6", found);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool late = now >= waits[i].deadline;
        if (connection_by_serial(waits[i].serial) == NULL) continue;
        if (found[i] || late) answer(&waits[i], found[i]);
        else waits[kept++] = waits[i];
    }
    count = kept;
    next_look = now + LOOK_MS;
    return count == 0 ? UINT64_MAX : next_look;
}
