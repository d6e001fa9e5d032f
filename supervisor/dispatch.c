/* Decodes the requests of a peer. A payload that is malformed closes the connection; one that asks for the impossible gets an ERROR. */
#include <errno.h>
#include <signal.h>

#include "activity.h"
#include "changes.h"
#include "connection.h"
#include "execution.h"
#include "files.h"
#include "protocol.h"
#include "serve.h"
#include "stats.h"
#include "util.h"
#include "waits.h"

#define HELLO_EVENTS 1u

static bool hello(struct connection *c, const struct frame *f, struct cursor *in)
{
    uint16_t version = get_u16(in);
    const uint8_t *secret = get_bytes(in, SECRET_BYTES);
    uint8_t flags = get_u8(in);
    if (!cursor_done(in) || version != PROTOCOL_VERSION || !secret_equal(secret, server.client_secret, SECRET_BYTES)) return false;
    c->greeted = true;
    c->events = (flags & HELLO_EVENTS) != 0;
    server_renew_lease();
    size_t mark;
    struct buffer *b = reply_begin(c, REP_HELLO, f->id, &mark);
    put_u16(b, PROTOCOL_VERSION);
    put_bytes(b, server.supervisor_secret, SECRET_BYTES);
    put_u32(b, (uint32_t)server.pid);
    put_u64(b, server.started_real_ms);
    put_u8(b, server.is_pid1 ? 1 : 0);
    reply_end(c, mark);
    return true;
}

static bool spawn(struct connection *c, const struct frame *f, struct cursor *in)
{
    struct spawn_request r;
    const char *problem;
    bool good = spawn_request_parse(in, &r, &problem);
    if (good) execution_spawn(c, f->id, &r);
    else if (problem != NULL) reply_error(c, f->id, ERR_BAD_REQUEST, 0, problem);
    spawn_request_free(&r);
    return good || problem != NULL;
}

/* The execution a request names, or NULL after an ERROR was sent. */
static struct execution *named(struct connection *c, const struct frame *f, struct slice name)
{
    struct execution *e = execution_find(name);
    if (e == NULL) reply_error(c, f->id, ERR_UNKNOWN_EXECUTION, 0, "no such execution");
    return e;
}

static bool end_tree(struct connection *c, const struct frame *f, struct cursor *in)
{
    struct slice name = get_str(in);
    uint8_t mode = get_u8(in), signal = get_u8(in);
    uint32_t grace_ms = get_u32(in);
    uint8_t cause = get_u8(in);
    if (!cursor_done(in)) return false;
    if (mode > 1 || signal >= _NSIG || cause > END_LAST) {
        reply_error(c, f->id, ERR_BAD_REQUEST, 0, "unknown mode, signal or cause");
        return true;
    }
    struct execution *e = named(c, f, name);
    if (e == NULL) return true;
    if (mode == 0) execution_signal(c, f->id, e, signal, cause);
    else execution_end_tree(c, f->id, e, signal, grace_ms, cause);
    return true;
}

static bool stats(struct connection *c, const struct frame *f)
{
    uint32_t processes, running, ended;
    uint64_t rss;
    stats_processes(&processes, &rss);
    executions_count(&running, &ended);
    size_t mark;
    struct buffer *b = reply_begin(c, REP_STATS, f->id, &mark);
    put_u32(b, processes);
    put_u64(b, rss);
    put_u32(b, running);
    put_u32(b, ended);
    put_u64(b, mono_ms() - server.started_ms);
    put_u64(b, server.log_bytes);
    reply_end(c, mark);
    return true;
}

static bool file_request(struct connection *c, const struct frame *f, struct cursor *in)
{
    struct slice path = get_str(in);
    if (f->type != REQ_FS_READ && f->type != REQ_FS_STAT && f->type != REQ_FS_LIST) changes_by_request(path);
    switch (f->type) {
    case REQ_FS_READ: {
        uint64_t offset = get_u64(in);
        uint32_t length = get_u32(in);
        if (!cursor_done(in)) return false;
        files_read(c, f->id, path, offset, length);
        return true;
    }
    case REQ_FS_WRITE: {
        uint8_t flags = get_u8(in);
        uint32_t mode = get_u32(in);
        uint64_t offset = get_u64(in);
        struct slice data = get_str(in);
        if (!cursor_done(in)) return false;
        files_write(c, f->id, path, flags, mode, offset, data);
        return true;
    }
    case REQ_FS_STAT: {
        uint8_t follow = get_u8(in);
        if (!cursor_done(in)) return false;
        files_stat(c, f->id, path, follow != 0);
        return true;
    }
    case REQ_FS_LIST: {
        struct slice after = get_str(in);
        uint32_t max = get_u32(in);
        if (!cursor_done(in)) return false;
        files_list(c, f->id, path, after, max);
        return true;
    }
    case REQ_FS_REMOVE: {
        uint8_t recursive = get_u8(in);
        if (!cursor_done(in)) return false;
        files_remove(c, f->id, path, recursive != 0);
        return true;
    }
    case REQ_FS_MKDIR: {
        uint8_t parents = get_u8(in);
        uint32_t mode = get_u32(in);
        if (!cursor_done(in)) return false;
        files_mkdir(c, f->id, path, parents != 0, mode);
        return true;
    }
    case REQ_FS_RENAME: {
        struct slice to = get_str(in);
        changes_by_request(to);
        uint8_t replace = get_u8(in);
        if (!cursor_done(in)) return false;
        files_rename(c, f->id, path, to, replace != 0);
        return true;
    }
    default: return false;
    }
}

bool dispatch(struct connection *c, const struct frame *f)
{
    struct cursor in = { f->payload, f->payload + f->len, false };
    struct execution *e;
    if (f->type == REQ_HELLO) return hello(c, f, &in);
    if (!c->greeted) return false;
    server_renew_lease();
    switch (f->type) {
    case REQ_SPAWN: return spawn(c, f, &in);
    case REQ_INPUT: {
        struct slice name = get_str(&in);
        uint8_t eof = get_u8(&in);
        struct slice data = get_str(&in);
        if (!cursor_done(&in)) return false;
        if ((e = named(c, f, name)) != NULL) execution_input(c, f->id, e, eof != 0, data);
        return true;
    }
    case REQ_KILL: return end_tree(c, f, &in);
    case REQ_LIST: {
        if (!cursor_done(&in)) return false;
        size_t mark;
        executions_list(reply_begin(c, REP_LIST, f->id, &mark));
        reply_end(c, mark);
        return true;
    }
    case REQ_ACK: {
        struct slice name = get_str(&in);
        if (!cursor_done(&in)) return false;
        if ((e = execution_find(name)) != NULL) execution_acknowledge(e);
        return true;
    }
    case REQ_RESIZE: {
        struct slice name = get_str(&in);
        uint16_t cols = get_u16(&in), rows = get_u16(&in);
        int err = 0;
        if (!cursor_done(&in)) return false;
        if ((e = named(c, f, name)) == NULL) return true;
        if (execution_resize(e, cols, rows, &err)) reply_ok(c, f->id);
        else if (err == ENOTTY) reply_error(c, f->id, ERR_NO_TERMINAL, err, "the execution runs on pipes");
        else reply_error(c, f->id, ERR_TERMINAL_CLOSED, err, "the terminal is closed");
        return true;
    }
    case REQ_WAIT_PORT: {
        uint16_t port = get_u16(&in);
        uint32_t timeout_ms = get_u32(&in);
        if (!cursor_done(&in)) return false;
        wait_port(c, f->id, port, timeout_ms);
        return true;
    }
    case REQ_WAIT_FILE: {
        struct slice path = get_str(&in);
        uint32_t timeout_ms = get_u32(&in);
        if (!cursor_done(&in)) return false;
        wait_file(c, f->id, path, timeout_ms);
        return true;
    }
    case REQ_INSPECT: {
        struct slice name = get_str(&in);
        if (!cursor_done(&in)) return false;
        if ((e = named(c, f, name)) != NULL) inspect(c, f->id, e);
        return true;
    }
    case REQ_CANCEL: {
        uint32_t id = get_u32(&in);
        if (!cursor_done(&in)) return false;
        wait_cancel(c, id);
        return true;
    }
    case REQ_LEASE: {
        uint32_t lease_ms = get_u32(&in);
        if (!cursor_done(&in)) return false;
        server.lease_ms = lease_ms;
        server_renew_lease();
        reply_ok(c, f->id);
        return true;
    }
    case REQ_SHUTDOWN: {
        uint32_t grace_ms = get_u32(&in);
        if (!cursor_done(&in)) return false;
        reply_ok(c, f->id);
        server_stop(grace_ms, "the sandbox was ended");
        return true;
    }
    case REQ_STATS: return cursor_done(&in) && stats(c, f);
    case REQ_WATCH: {
        struct slice name = get_str(&in);
        uint8_t on = get_u8(&in);
        if (!cursor_done(&in)) return false;
        if ((e = named(c, f, name)) == NULL) return true;
        reply_ok(c, f->id);
        execution_watch(c, e, on != 0);
        return true;
    }
    default: return file_request(c, f, &in);
    }
}
