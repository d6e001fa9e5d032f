#define _GNU_SOURCE
#include "execution_parts.h"

#include <signal.h>
#include <stdio.h>

#include "changes.h"
#include "serve.h"
#include "util.h"

#define SETTLE_MS 50u          /* how long other holders of the streams delay the telling of the end */
#define WATCH_MS 10u
#define STRAY_LOOK_MS 1000u

static void add_poll(struct pollfd *fds, size_t cap, size_t *n, int fd, short events)
{
    if (fd < 0 || *n == cap) return;
    fds[(*n)++] = (struct pollfd){ .fd = fd, .events = events };
}

size_t executions_poll(struct pollfd *fds, size_t cap)
{
    size_t n = 0;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        add_poll(fds, cap, &n, e->report, POLLIN);
        add_poll(fds, cap, &n, e->out.fd, POLLIN);
        add_poll(fds, cap, &n, e->err.fd, POLLIN);
        if (buffer_pending(&e->in_pending) > 0) add_poll(fds, cap, &n, e->in, POLLOUT);
    }
    return n;
}

void executions_ready(const struct pollfd *fds, size_t n)
{
    uint64_t now = mono_ms();
    /* The entries are in the order of executions_poll. Executions that were added since stand in front of the list and have none; reading
       closes descriptors only of the execution at hand. */
    size_t i = 0;
    for (struct execution *e = executions, *next; e != NULL && i < n; e = next) {
        next = e->next;
        bool reports = false;
        struct { int fd; int what; } own[4] = { { e->report, 0 }, { e->out.fd, 1 }, { e->err.fd, 2 }, { e->in, 3 } };
        for (size_t k = 0; k < 4 && i < n; k++) {
            if (own[k].fd < 0 || fds[i].fd != own[k].fd) continue;
            short got = fds[i++].revents;
            if (got == 0) continue;
            if (own[k].what == 0) reports = true;
            if (own[k].what == 1) stream_read(e, &e->out, 0, now);
            if (own[k].what == 2) stream_read(e, &e->err, 1, now);
            if (own[k].what == 3) input_flush(e);
        }
        if (reports) reports_read(e);
    }
}

static void sooner(uint64_t *next, uint64_t at)
{
    if (at < *next) *next = at;
}

/* What is due for one execution; the time of the next thing to do. */
static uint64_t advance(struct execution *e, uint64_t now)
{
    uint64_t next = UINT64_MAX;
    if (e->shim == 0 && !e->final) {
        if (!reports_read(e)) return next;
        if (!e->final && e->report < 0 && !reports_missing(e)) return next;
    }
    if (e->deadline > 0 && now >= e->deadline) {
        char text[96];
        e->deadline = 0;
        snprintf(text, sizeof text, "it ran for %u ms", e->wall_ms);
        if (!e->final) execution_decide(e, END_TIMED_OUT, text);
        if (e->shim != 0 || !e->final) kill_begin(e, SIGTERM, e->grace_ms, NULL, 0);
    }
    if (e->deadline > 0) sooner(&next, e->deadline);
    if (e->final && e->state != EXECUTION_ENDED) {
        bool due = now >= e->final_ms + SETTLE_MS;
        if (due && !streams_closed(e)) {
            stream_read(e, &e->out, 0, now);
            stream_read(e, &e->err, 1, now);
            due = e->out.owed == 0 && e->err.owed == 0;
        }
        /* What is being ended is over in a moment: what it used then counts, and it is not told as left behind. */
        bool dying = e->kill.active && e->shim > 0 && now < e->final_ms + SETTLE_MS;
        due = (due || streams_closed(e)) && !dying;
        if (due && changes_settled(e->changes, now - e->final_ms)) tell_end(e);
        else sooner(&next, due ? now + 1 : now >= e->final_ms + SETTLE_MS ? now + 1 : e->final_ms + SETTLE_MS);
    }
    if (output_held(e)) {
        if (now >= e->held_until) output_release(e);
        else sooner(&next, e->held_until);
    }
    if (e->state == EXECUTION_ENDED && !e->told_closed && streams_closed(e)) tell_closed(e);
    if (run_tells(e)) {
        if (now >= e->run_at + RUN_MS) run_flush(e);
        else sooner(&next, e->run_at + RUN_MS);
    }
    if (e->watch_dirty) {
        if (now >= e->watch_told_ms + WATCH_MS) tell_output(e, now);
        else sooner(&next, e->watch_told_ms + WATCH_MS);
    }
    sooner(&next, kill_tick(e, now));
    if (e->state == EXECUTION_ENDED && e->acknowledged && e->told_closed && e->shim == 0 && !e->kill.active) {
        if (e->shim_lost && now < e->forget_look) {
            sooner(&next, e->forget_look);
        } else if (e->shim_lost && kill_count(e) > 0) {
            e->forget_look = now + STRAY_LOOK_MS;
            sooner(&next, e->forget_look);
        } else {
            execution_free(e);
        }
    }
    return next;
}

uint64_t executions_tick(uint64_t now)
{
    uint64_t next = UINT64_MAX;
    for (struct execution *e = executions, *after; e != NULL; e = after) {
        after = e->next;
        sooner(&next, advance(e, now));
    }
    return next;
}
