#define _GNU_SOURCE
#include "execution_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "changes.h"
#include "journal.h"
#include "metrics.h"
#include "serve.h"

#define LIST_FIXED 1024u                   /* bound of what LIST says about one execution without meta and streams */
#define LIST_BASE_MAX (3u * 1024 * 1024)
#define LIST_MAX (FRAME_MAX - 64u * 1024)
#define ENTRIES_MAX 4096u                  /* running and ended executions together */

struct execution *executions;
static struct shim_slot *slots;
static size_t entry_count;
static size_t list_base;
static bool slot_used[ENTRIES_MAX];
static size_t slot_next;

bool executions_init(void)
{
    slots = mmap(NULL, ENTRIES_MAX * sizeof *slots, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return slots != MAP_FAILED;
}

struct execution *execution_find(struct slice id)
{
    if (id.len < 1 || id.len > ID_MAX) return NULL;
    for (struct execution *e = executions; e != NULL; e = e->next)
        if (strlen(e->id) == id.len && memcmp(e->id, id.data, id.len) == 0) return e;
    return NULL;
}

struct execution *execution_of_stray(pid_t session)
{
    struct execution *any = NULL;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (!e->shim_lost) continue;
        for (uint32_t i = 0; i < STEPS_MAX; i++)
            if (e->leaders[i] > 0 && e->leaders[i] == session) return e;
        if (any == NULL) any = e;
    }
    return any;
}

struct shim_slot *slot_take(void)
{
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        size_t at = (slot_next + i) % ENTRIES_MAX;
        if (slot_used[at]) continue;
        slot_used[at] = true;
        slot_next = at + 1;
        memset(&slots[at], 0, sizeof slots[at]);
        return &slots[at];
    }
    return NULL;
}

void slot_give_back(struct shim_slot *slot)
{
    if (slot != NULL) slot_used[slot - slots] = false;
}

void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

void execution_free(struct execution *e)
{
    struct execution **at = &executions;
    while (*at != e) at = &(*at)->next;
    *at = e->next;
    entry_count--;
    list_base -= e->meta_len + LIST_FIXED;
    metrics_forget(e);
    close_fd(&e->report);
    close_fd(&e->out.fd);
    close_fd(&e->err.fd);
    close_fd(&e->out.log);
    close_fd(&e->err.log);
    close_fd(&e->in);
    close_fd(&e->ord);
    buffer_free(&e->in_pending);
    buffer_free(&e->exit);
    kill_free(e);
    changes_drop(e->changes);
    slot_give_back(e->slot);
    free(e->head[0]);
    free(e->head[1]);
    free(e->meta);
    free(e);
}

void execution_decide(struct execution *e, int cause, const char *message)
{
    bool late = e->final && cause != END_OUTPUT_LIMIT && cause != END_DISK_LIMIT;
    if (e->cause != END_NONE || late || e->state == EXECUTION_ENDED) return;
    e->cause = (uint8_t)cause;
    snprintf(e->message, sizeof e->message, "%s", message);
}

void executions_count(uint32_t *running, uint32_t *ended)
{
    *running = *ended = 0;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (e->state == EXECUTION_ENDED) (*ended)++;
        else (*running)++;
    }
}

bool execution_room(uint32_t meta_len)
{
    uint32_t running, ended;
    executions_count(&running, &ended);
    if (server.max_executions > 0 && running >= server.max_executions) return false;
    return entry_count < ENTRIES_MAX && list_base + meta_len + LIST_FIXED <= LIST_BASE_MAX;
}

void execution_add(struct execution *e)
{
    e->next = executions;
    executions = e;
    entry_count++;
    list_base += e->meta_len + LIST_FIXED;
}

size_t executions_descriptors(void) { return entry_count * 4; }

/* ---- requests about one execution ---- */

void execution_signal(struct connection *c, uint32_t id, struct execution *e, int signal, int cause)
{
    pid_t group = e->leader > 0 ? e->leader : e->slot->leader;
    uint32_t ended = 0;
    if (cause != 0) execution_decide(e, cause, "ended on request");
    /* Once the leader is reaped its number may name another group, unless a process of this tree still is in it. */
    if (group > 0 && (!e->final || kill_has_group(e, group))) {
        if (kill(-group, signal) == 0) ended = 1;
        else if (errno == EPERM) {
            reply_error(c, id, ERR_PERMISSION, EPERM, "the processes may not be signalled");
            return;
        }
    }
    size_t mark;
    struct buffer *b = reply_begin(c, REP_KILL, id, &mark);
    put_u32(b, ended);
    put_u32(b, 0);
    reply_end(c, mark);
}

void execution_end_tree(struct connection *c, uint32_t id, struct execution *e, int signal, uint32_t grace_ms, int cause)
{
    if (cause != 0) execution_decide(e, cause, "ended on request");
    kill_begin(e, signal != 0 ? signal : SIGTERM, grace_ms, c, id);
}

void execution_acknowledge(struct execution *e)
{
    if (e->state == EXECUTION_ENDED) e->acknowledged = true;
    for (e = executions; e != NULL; e = e->next)
        if (e->state != EXECUTION_ENDED || !e->acknowledged) return;
    journal_compact();
}

/* Whether there is anything to tell about e: not once its end is acknowledged and nothing of it lives. */
static bool listed(const struct execution *e)
{
    return !(e->state == EXECUTION_ENDED && e->acknowledged && e->told_closed && !e->others);
}

void executions_list(struct buffer *b)
{
    uint32_t n = 0;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (output_held(e)) output_release(e);
        n += listed(e);
    }
    put_u32(b, n);
    size_t room = LIST_MAX > list_base ? LIST_MAX - list_base : 0;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (!listed(e)) continue;
        put_text(b, e->id);
        put_u8(b, e->state == EXECUTION_ENDED ? 2 : 1);
        put_u32(b, (uint32_t)(e->leader > 0 ? e->leader : e->leaders[e->step < STEPS_MAX ? e->step : 0]));
        put_u64(b, e->start_ms);
        put_u64(b, e->out.bytes);
        put_u64(b, e->err.bytes);
        put_str(b, e->meta, e->meta_len);
        if (e->state != EXECUTION_ENDED) {
            put_u32(b, 0);
        } else if (e->exit.len <= room) {
            put_str(b, e->exit.data, e->exit.len);
            room -= e->exit.len;
        } else {
            struct buffer bare = { 0 };
            put_bare_exit(&bare, e, false);
            put_str(b, bare.data, bare.len);
            buffer_free(&bare);
        }
    }
}

bool executions_idle(void)
{
    for (struct execution *e = executions; e != NULL; e = e->next)
        if (e->state != EXECUTION_ENDED || e->kill.active) return false;
    return true;
}

void executions_stop(uint32_t grace_ms, const char *reason)
{
    for (struct execution *e = executions; e != NULL; e = e->next) {
        output_release(e);
        if (e->state != EXECUTION_ENDED) execution_decide(e, END_CANCELLED, reason);
        if (e->shim > 0 || e->shim_lost) kill_begin(e, SIGTERM, grace_ms, NULL, 0);
    }
}
