#define _GNU_SOURCE
#include "execution_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"
#include "util.h"

#define READ_BYTES (256u * 1024)
#define READS_PER_TURN 4                   /* per stream: no stream keeps the others waiting */
#define BUSY_BYTES (32u * 1024)
#define BUSY_READS 4u
#define PIPE_GROWN (1024 * 1024)
#define HOLD_MS 25u                        /* from its first byte: so long an execution's output may wait without a file */

static uint8_t read_buffer[READ_BYTES];

/* Makes room for more of a head; what it holds stays when there is none. */
static bool head_reserve(struct execution *e, uint32_t which, size_t more)
{
    if (e->head_dropped || (size_t)e->head_len[0] + e->head_len[1] + more > WHOLE_STREAM_MAX) return false;
    uint8_t *grown = realloc(e->head[which], e->head_len[which] + more);
    if (grown != NULL) e->head[which] = grown;
    return grown != NULL;
}

void heads_drop(struct execution *e)
{
    e->head_dropped = true;
    for (size_t i = 0; i < 2; i++) {
        free(e->head[i]);
        e->head[i] = NULL;
        e->head_len[i] = 0;
    }
}

static void head_keep(struct execution *e, uint32_t which, const uint8_t *data, size_t n)
{
    if (e->head_dropped) return;
    if (!head_reserve(e, which, n)) {
        heads_drop(e);
        return;
    }
    memcpy(e->head[which] + e->head_len[which], data, n);
    e->head_len[which] += (uint32_t)n;
}

/* From now on the output is in files: what was held back is written, what comes is appended. */
void output_release(struct execution *e)
{
    if (!e->held) return;
    e->held = false;
    struct stream *own[2] = { &e->out, &e->err };
    for (uint32_t which = 0; which < 2; which++) {
        struct stream *s = own[which];
        uint32_t held = e->head_len[which];
        int failed = 0;
        size_t done = log_append(e, s, which, e->head[which], held, &failed);
        if (failed == 0) continue;
        s->bytes = done;
        s->newlines = count_newlines(e->head[which], done);
        server.log_bytes -= held - done;
        e->head_len[which] = (uint32_t)done;
        log_failed(e, failed);
    }
}

bool output_held(const struct execution *e) { return e->held && e->out.bytes + e->err.bytes > 0; }

static void stream_keep(struct execution *e, struct stream *s, uint32_t which, const uint8_t *data, size_t n, uint64_t now)
{
    last_activity = now;
    if (s->discard) return;
    bool over = false;
    if (e->output_limit > 0) {
        uint64_t room = e->output_limit - (e->out.bytes + e->err.bytes);
        if (n > room) {
            n = (size_t)room;
            over = true;
        }
    }
    if (n > 0 && e->held_until == 0) e->held_until = now + HOLD_MS;
    if (e->held && n > 0 && (now >= e->held_until || e->head_len[1 - which] > 0 || !head_reserve(e, which, n))) {
        output_release(e);
        if (s->discard) return;
    }
    int failed = 0;
    size_t done = e->held ? n : log_append(e, s, which, data, n, &failed);
    if (done > 0) {
        s->bytes += done;
        server.log_bytes += done;
        s->newlines += count_newlines(data, done);
        head_keep(e, which, data, done);
        run_note(e, which, done, now);
        e->watch_dirty = true;
        input_stirred(e, now);
    }
    if (failed != 0) {
        log_failed(e, failed);
    } else if (over) {
        char text[96];
        snprintf(text, sizeof text, "the output passed %llu bytes", (unsigned long long)e->output_limit);
        e->out.discard = e->err.discard = true;
        execution_decide(e, END_OUTPUT_LIMIT, text);
        kill_begin(e, SIGKILL, 0, NULL, 0);
    }
}

static void stream_close(struct stream *s)
{
    close_fd(&s->fd);
    close_fd(&s->log);
    s->owed = 0;
}

void stream_read(struct execution *e, struct stream *s, uint32_t which, uint64_t now)
{
    for (int i = 0; i < READS_PER_TURN && s->fd >= 0; i++) {
        ssize_t n = read(s->fd, read_buffer, sizeof read_buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            s->owed = 0;
            return;
        }
        if (n <= 0) {
            stream_close(s);
            return;
        }
        stream_keep(e, s, which, read_buffer, (size_t)n, now);
        s->owed = s->owed > (uint64_t)n ? s->owed - (uint64_t)n : 0;
        if ((size_t)n >= BUSY_BYTES && ++s->busy == BUSY_READS && !e->pty) {
            /* Best effort: the kernel bounds the pipe memory of a user. */
            if (fcntl(s->fd, F_SETPIPE_SZ, PIPE_GROWN) < 0) (void)fcntl(s->fd, F_SETPIPE_SZ, PIPE_GROWN / 4);
        }
        if ((size_t)n < sizeof read_buffer && !e->pty) return;
    }
}

bool streams_closed(const struct execution *e) { return e->out.fd < 0 && e->err.fd < 0; }

void tell_output(struct execution *e, uint64_t now)
{
    e->watch_dirty = false;
    e->watch_told_ms = now;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (e->watchers[i] == 0) continue;
        struct connection *c = connection_by_serial(e->watchers[i]);
        if (c == NULL) {
            e->watchers[i] = 0;
            continue;
        }
        size_t mark;
        struct buffer *b = reply_begin(c, EVT_OUTPUT, 0, &mark);
        put_text(b, e->id);
        put_u64(b, e->out.bytes);
        put_u64(b, e->err.bytes);
        reply_end(c, mark);
    }
}

void execution_watch(struct connection *c, struct execution *e, bool on)
{
    size_t slot = CONNECTIONS_MAX;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (e->watchers[i] == c->serial) e->watchers[i] = 0;
        if (connection_by_serial(e->watchers[i]) == NULL) slot = i;
    }
    if (!on || slot == CONNECTIONS_MAX) return;
    e->watchers[slot] = c->serial;
    e->input_wait.told = false;
    e->input_wait.next = 0;
    output_release(e);
    if (e->out.bytes + e->err.bytes > 0) e->watch_dirty = true;
}
