#define _GNU_SOURCE
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol.h"
#include "serve.h"
#include "util.h"

#define UNGREETED_MAX 64u          /* largest frame of a peer that has not proved itself */
#define READ_CHUNK (256u * 1024)
#define FRAMES_PER_TURN 64

struct connection connections[CONNECTIONS_MAX];
static uint64_t last_serial;

void connections_init(void)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) connections[i].fd = -1;
}

static bool peer_trusted(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) return false;
    if (server.is_pid1) return peer.pid == 0;
    return peer.uid == geteuid() || peer.uid == 0;
}

void connections_accept(int listener)
{
    for (int i = 0; i < 2 * CONNECTIONS_MAX; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        struct connection *c = NULL;
        for (size_t k = 0; k < CONNECTIONS_MAX && c == NULL; k++)
            if (connections[k].fd < 0) c = &connections[k];
        if (c == NULL || !peer_trusted(fd)) {
            close(fd);
            continue;
        }
        memset(c, 0, sizeof *c);
        c->fd = fd;
        c->serial = ++last_serial;
        c->hello_deadline = mono_ms() + HELLO_MS;
    }
}

void connection_drop(struct connection *c) { c->dead = true; }

void connections_sweep(void)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &connections[i];
        if (c->fd < 0 || !c->dead) continue;
        close(c->fd);
        buffer_free(&c->in);
        buffer_free(&c->out);
        c->fd = -1;
    }
}

struct connection *connection_by_serial(uint64_t serial)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (connections[i].fd >= 0 && !connections[i].dead && connections[i].serial == serial) return &connections[i];
    return NULL;
}

void connection_read(struct connection *c)
{
    size_t want = READ_CHUNK;
    if (!c->greeted) want = UNGREETED_MAX + 4;
    else if (buffer_pending(&c->in) == 0 && c->in.cap < 4096) want = 4096;
    size_t pending = buffer_pending(&c->in);
    if (pending > 4) {
        struct frame f;
        if (frame_next(c->in.data + c->in.start, pending, FRAME_MAX, &f) == 0 && f.whole > pending && f.whole - pending > want)
            want = f.whole - pending;
    }
    if (!buffer_reserve(&c->in, want)) {
        connection_drop(c);
        return;
    }
    ssize_t n = recv(c->fd, c->in.data + c->in.len, c->in.cap - c->in.len, 0);
    if (n > 0) {
        c->in.len += (size_t)n;
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    connection_drop(c);
}

bool connection_work(struct connection *c)
{
    for (int i = 0; !c->dead; i++) {
        size_t pending = buffer_pending(&c->in);
        if (pending < 4) return false;
        if (buffer_pending(&c->out) > OUTPUT_PAUSE) return false;
        struct frame f;
        int got = frame_next(c->in.data + c->in.start, pending, c->greeted ? FRAME_MAX : UNGREETED_MAX, &f);
        if (got == 0) return false;
        if (got > 0 && i >= FRAMES_PER_TURN) return true;
        if (got < 0 || !dispatch(c, &f)) {
            connection_drop(c);
            return false;
        }
        buffer_consume(&c->in, f.whole);
    }
    return false;
}

void connection_flush(struct connection *c)
{
    size_t pending;
    while (!c->dead && (pending = buffer_pending(&c->out)) > 0) {
        ssize_t n = send(c->fd, c->out.data + c->out.start, pending, MSG_NOSIGNAL);
        if (n > 0) {
            buffer_consume(&c->out, (size_t)n);
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == ENOBUFS)) break;
        connection_drop(c);
    }
    if (c->out.failed || buffer_pending(&c->out) > OUTPUT_MAX) connection_drop(c);
}

struct buffer *reply_begin(struct connection *c, uint8_t type, uint32_t id, size_t *mark)
{
    *mark = frame_begin(&c->out, type, id);
    return &c->out;
}

void reply_end(struct connection *c, size_t mark) { frame_end(&c->out, mark); }

void reply_ok(struct connection *c, uint32_t id)
{
    size_t mark;
    reply_begin(c, REP_OK, id, &mark);
    reply_end(c, mark);
}

void reply_error(struct connection *c, uint32_t id, int code, int err, const char *message)
{
    size_t mark;
    struct buffer *b = reply_begin(c, REP_ERROR, id, &mark);
    put_u16(b, (uint16_t)code);
    put_i32(b, err);
    put_text(b, message);
    reply_end(c, mark);
}

void broadcast(const struct buffer *frame)
{
    if (frame->failed) return;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &connections[i];
        if (c->fd < 0 || c->dead || !c->greeted || !c->events) continue;
        put_bytes(&c->out, frame->data + frame->start, buffer_pending(frame));
        if (c->out.failed || buffer_pending(&c->out) > OUTPUT_MAX) connection_drop(c);
    }
}
