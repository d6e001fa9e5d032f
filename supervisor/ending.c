#define _GNU_SOURCE
#include "execution_parts.h"

#include <sys/wait.h>

#include "changes.h"
#include "journal.h"
#include "serve.h"
#include "util.h"

static void exit_payload(struct execution *e, bool closed)
{
    int kind = e->cause;
    int32_t code = -1, signal = -1;
    if (e->has_status && WIFEXITED(e->status)) code = WEXITSTATUS(e->status);
    if (e->has_status && WIFSIGNALED(e->status)) signal = WTERMSIG(e->status);
    if (kind == END_NONE) kind = code >= 0 ? END_EXITED : END_SIGNALLED;
    struct buffer *b = &e->exit;
    put_text(b, e->id);
    put_u8(b, (uint8_t)e->step);
    put_u8(b, (uint8_t)kind);
    put_i32(b, code);
    put_i32(b, signal);
    put_u64(b, e->start_ms);
    put_u64(b, e->end_us > e->start_us ? e->end_us - e->start_us : 0);
    struct usage total = e->slot->ended;
    usage_add(&total, &e->orphan_usage);
    put_u64(b, total.user_us);
    put_u64(b, total.system_us);
    put_u64(b, total.maxrss_bytes);
    put_u64(b, e->out.bytes);
    put_u64(b, e->err.bytes);
    put_u64(b, e->out.newlines);
    put_u64(b, e->err.newlines);
    put_u32(b, e->others && (e->shim > 0 || e->shim_lost) ? kill_count(e) : 0);
    put_u8(b, (uint8_t)((closed ? EXIT_CLOSED : 0u) | (e->held ? EXIT_UNFILED : 0u)));
    put_u64(b, total.read_bytes);
    put_u64(b, total.written_bytes);
    put_u64(b, total.voluntary);
    put_u64(b, total.involuntary);
    put_u32(b, e->peak_processes);
    put_u16(b, (uint16_t)e->port_count);
    for (uint32_t i = 0; i < e->port_count; i++) put_u16(b, e->ports[i]);
    e->exit_changes = (uint32_t)b->len;
    changes_put(b, e);
    e->exit_streams = (uint32_t)b->len;
    put_str(b, e->head[0], e->head_len[0]);
    put_str(b, e->head[1], e->head_len[1]);
    put_text(b, e->message);
}

/* The EXIT payload without the streams. */
void put_bare_exit(struct buffer *b, const struct execution *e, bool changes)
{
    if (e->exit.failed) return;
    put_bytes(b, e->exit.data, changes ? e->exit_streams : e->exit_changes);
    if (!changes) put_u32(b, 0);
    put_u32(b, 0);
    put_u32(b, 0);
    put_text(b, e->message);
}

/* The EXIT payload and its frame in the journal, which holds the streams when they are nowhere else. False when it could not be written. */
static bool record_end(struct execution *e, bool closed)
{
    exit_payload(e, closed);
    struct buffer b = { 0 };
    size_t mark = frame_begin(&b, EVT_EXIT, 0);
    if (e->held && !e->exit.failed) put_bytes(&b, e->exit.data, e->exit.len);
    else put_bare_exit(&b, e, true);
    frame_end(&b, mark);
    bool written = journal_append(&b) && !e->exit.failed;
    buffer_free(&b);
    return written;
}

void tell_end(struct execution *e)
{
    bool closed = streams_closed(e);
    input_close(e);
    if (!closed || !journal_has_room()) output_release(e);
    if (e->held && !record_end(e, closed)) {
        output_release(e);
        buffer_free(&e->exit);
        run_settle(e);
        record_end(e, closed);
    } else if (!e->held) {
        run_settle(e);
        record_end(e, closed);
    }
    if (e->held) e->ord_pending = false;
    e->held = false;
    e->state = EXECUTION_ENDED;
    e->told_closed = closed;
    heads_drop(e);
    changes_drop(e->changes);
    e->changes = NULL;

    struct buffer b = { 0 };
    size_t mark;
    mark = frame_begin(&b, EVT_EXIT, 0);
    put_bytes(&b, e->exit.data, e->exit.len);
    frame_end(&b, mark);
    broadcast(&b);
    buffer_free(&b);
}

void tell_closed(struct execution *e)
{
    e->told_closed = true;
    run_settle(e);
    struct buffer b = { 0 };
    size_t mark = frame_begin(&b, EVT_CLOSED, 0);
    put_text(&b, e->id);
    put_u64(&b, e->out.bytes);
    put_u64(&b, e->err.bytes);
    put_u64(&b, e->out.newlines);
    put_u64(&b, e->err.newlines);
    frame_end(&b, mark);
    broadcast(&b);
    buffer_free(&b);
}
