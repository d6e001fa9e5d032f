#define _GNU_SOURCE
#include "metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "execution.h"
#include "listeners.h"
#include "tree.h"
#include "util.h"

#define THREADS_MAX 256      /* of one process */
#define LOOKS_FOR_OWNER 3    /* a socket whose owner is not found then is somebody else's */

struct owned {
    unsigned long inode;
    uint16_t port;
    uint8_t looks;
    struct execution *owner;    /* NULL = not found */
};

static struct owned *sockets;   /* ascending inode */
static size_t socket_count;

void metrics_sample(struct execution *e, const struct tree *t)
{
    uint32_t processes = 0;
    uint64_t rss = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (!process_of(&t->v[i], e)) continue;
        processes++;
        rss += t->v[i].rss;
    }
    if (processes > e->peak_processes) e->peak_processes = processes;
    if (rss > e->peak_rss) e->peak_rss = rss;
}

static void port_add(uint16_t *ports, uint32_t *count, uint16_t port)
{
    uint32_t at = 0;
    while (at < *count && ports[at] < port) at++;
    if (*count == PORTS_MAX || (at < *count && ports[at] == port)) return;
    memmove(&ports[at + 1], &ports[at], (*count - at) * sizeof *ports);
    ports[at] = port;
    (*count)++;
}

static struct owned *socket_find(unsigned long inode)
{
    size_t low = 0, high = socket_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (sockets[middle].inode < inode) low = middle + 1;
        else high = middle;
    }
    return low < socket_count && sockets[low].inode == inode ? &sockets[low] : NULL;
}

static void own(void *with, const struct listener *one)
{
    struct owned *s = socket_find(one->inode);
    if (s != NULL && s->owner == NULL) s->owner = with;
}

void metrics_ports(const struct tree *t)
{
    static struct listeners all, fresh;
    if (!listeners_read(&all)) return;
    struct owned *next = all.n == 0 ? NULL : malloc(all.n * sizeof *next);
    struct listener *unowned = realloc(fresh.v, (all.n + 1) * sizeof *unowned);
    if (unowned != NULL) fresh.v = unowned;
    if ((all.n > 0 && next == NULL) || unowned == NULL) {
        free(next);
        return;
    }
    fresh.n = 0;
    for (size_t i = 0; i < all.n; i++) {
        const struct owned *known = socket_find(all.v[i].inode);
        next[i] = (struct owned){ all.v[i].inode, all.v[i].port, known != NULL ? known->looks : 0, known != NULL ? known->owner : NULL };
        if (next[i].owner != NULL || next[i].looks == LOOKS_FOR_OWNER) continue;
        next[i].looks++;
        fresh.v[fresh.n++] = all.v[i];
    }
    free(sockets);
    sockets = next;
    socket_count = all.n;
    for (size_t i = 0; i < t->n && fresh.n > 0; i++) {
        const struct process *p = &t->v[i];
        if (p->alive && p->below && !p->shim && p->owner != NULL) listeners_of(p->pid, &fresh, own, p->owner);
    }
    for (size_t i = 0; i < socket_count; i++)
        if (sockets[i].owner != NULL) port_add(sockets[i].owner->ports, &sockets[i].owner->port_count, sockets[i].port);
}

void metrics_forget(const struct execution *e)
{
    for (size_t i = 0; i < socket_count; i++)
        if (sockets[i].owner == e) sockets[i].owner = NULL, sockets[i].looks = LOOKS_FOR_OWNER;
}

/* The number after `name` at the start of a line, 0 when there is none. */
static uint64_t line_value(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
        if (*at == '\n') at++;
        if (strncmp(at, name, n) == 0) return strtoull(at + n, NULL, 10);
    }
    return 0;
}

static void add_storage(pid_t pid, struct usage *u)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
    if (read_small(path, text, sizeof text) <= 0) return;
    u->read_bytes += line_value(text, "read_bytes:");
    u->written_bytes += line_value(text, "write_bytes:");
}

static void add_switches(pid_t pid, struct usage *u)
{
    char path[40], text[4096];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    if (d == NULL) return;
    struct dirent *entry;
    for (int left = THREADS_MAX; left > 0 && (entry = readdir(d)) != NULL; left--) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.10s/status", (int)pid, entry->d_name);
        if (read_small(path, text, sizeof text) <= 0) continue;
        u->voluntary += line_value(text, "voluntary_ctxt_switches:");
        u->involuntary += line_value(text, "nonvoluntary_ctxt_switches:");
    }
    closedir(d);
}

void metrics_put(struct buffer *b, struct execution *e, const struct tree *t)
{
    struct usage total = e->slot->ended;
    uint64_t rss = 0;
    uint32_t processes = 0;
    usage_add(&total, &e->orphan_usage);
    for (size_t i = 0; i < t->n; i++) {
        const struct process *p = &t->v[i];
        if (!p->below || p->shim || p->owner != e) continue;
        /* One that ended and was not reaped yet has used its time, too. */
        total.user_us += p->user_us;
        total.system_us += p->system_us;
        if (!p->alive) continue;
        processes++;
        rss += p->rss;
        add_storage(p->pid, &total);
        add_switches(p->pid, &total);
    }
    uint16_t ports[PORTS_MAX];
    uint32_t count = 0;
    for (size_t i = 0; i < socket_count; i++)
        if (sockets[i].owner == e) port_add(ports, &count, sockets[i].port);
    put_u8(b, METRICS_PROC);
    put_u64(b, total.user_us);
    put_u64(b, total.system_us);
    put_u64(b, rss);
    put_u64(b, e->peak_rss);
    put_u64(b, total.read_bytes);
    put_u64(b, total.written_bytes);
    put_u64(b, total.voluntary);
    put_u64(b, total.involuntary);
    put_u32(b, processes);
    put_u32(b, e->peak_processes);
    put_u16(b, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++) put_u16(b, ports[i]);
}
