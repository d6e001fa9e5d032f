#define _GNU_SOURCE
#include "execution_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"
#include "util.h"

#define SPARES 2
#define QUIET_MS 20u                       /* without output for so long, running executions are not delayed by making a file */

uint64_t last_activity;
static int spares[SPARES] = { -1, -1 };    /* log files without a name */
static bool no_spares;
static size_t spares_wanted;               /* as many as files were needed lately: a run of short programs needs none */

int log_open(const struct execution *e, const char *suffix)
{
    char name[ID_MAX + 8];
    snprintf(name, sizeof name, "%s.%s", e->id, suffix);
    if (spares_wanted < SPARES) spares_wanted++;
    for (size_t i = 0; i < SPARES; i++) {
        if (spares[i] < 0) continue;
        char link[40];
        int fd = spares[i];
        spares[i] = -1;
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (linkat(AT_FDCWD, link, FD_LOGS, name, AT_SYMLINK_FOLLOW) == 0) return fd;
        bool exists = errno == EEXIST;
        close(fd);
        no_spares = no_spares || !exists;
        errno = EEXIST;
        if (exists) return -1;
    }
    return openat(FD_LOGS, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0600);
}

int executions_spare_due(uint64_t now)
{
    size_t have = 0;
    for (size_t i = 0; i < SPARES; i++) have += spares[i] >= 0;
    if (no_spares || have >= spares_wanted || server.stopping) return -1;
    if (executions_idle() || now >= last_activity + QUIET_MS) return 0;
    return (int)(last_activity + QUIET_MS - now);
}

void executions_make_spare(void)
{
    for (size_t i = 0; i < SPARES; i++) {
        if (spares[i] >= 0) continue;
        spares[i] = openat(FD_LOGS, ".", O_WRONLY | O_TMPFILE | O_APPEND | O_CLOEXEC, 0600);
        no_spares = spares[i] < 0;
        return;
    }
}

void log_failed(struct execution *e, int err)
{
    char text[128];
    snprintf(text, sizeof text, "the log cannot be written: %s", strerror(err));
    e->out.discard = e->err.discard = true;
    execution_decide(e, END_DISK_LIMIT, text);
    kill_begin(e, SIGKILL, 0, NULL, 0);
}

/* When the run began, in ms since the start of the execution. */
static uint32_t run_began(const struct execution *e)
{
    uint64_t since = e->run_at - e->start_us / 1000u;
    return (int64_t)since < 0 ? 0 : since > UINT32_MAX ? UINT32_MAX : (uint32_t)since;
}

bool run_tells(const struct execution *e)
{
    return e->ord_pending && (e->ord >= 0 || e->run_stream == 1 || run_began(e) >= RUN_MS);
}

void run_flush(struct execution *e)
{
    uint8_t record[8];
    uint32_t at = run_began(e);
    uint32_t run = (uint32_t)e->run_bytes | (e->run_stream << 31);
    for (size_t i = 0; i < 4; i++) {
        record[i] = (uint8_t)(at >> (8 * i));
        record[4 + i] = (uint8_t)(run >> (8 * i));
    }
    e->ord_pending = false;
    if (e->ord < 0) e->ord = log_open(e, "ord");
    if (e->ord < 0 || write_all(e->ord, record, sizeof record) != 0) log_failed(e, errno);
    else server.log_bytes += sizeof record;
}

/* Writes the run that is being extended, unless the file is not needed so far. */
void run_settle(struct execution *e)
{
    if (run_tells(e)) run_flush(e);
}

void run_note(struct execution *e, uint32_t which, uint64_t n, uint64_t now)
{
    if (e->ord_pending && e->run_stream == which && now - e->run_at < RUN_MS && e->run_bytes + n <= INT32_MAX) {
        e->run_bytes += n;
        return;
    }
    if (e->ord_pending) run_flush(e);
    e->ord_pending = true;
    e->run_stream = which;
    e->run_at = now;
    e->run_bytes = n;
}

/* Appends to the stream's file, which is made when it has none. Returns how many bytes are in it; fewer than n when `failed` is set. */
size_t log_append(struct execution *e, struct stream *s, uint32_t which, const uint8_t *data, size_t n, int *failed)
{
    size_t done = 0;
    if (n > 0 && s->log < 0) s->log = log_open(e, which == 0 ? "out" : "err");
    if (n > 0 && s->log < 0) {
        *failed = errno;
        return 0;
    }
    while (done < n) {
        ssize_t w = write(s->log, data + done, n - done);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) {
            *failed = w < 0 ? errno : EIO;
            break;
        }
        done += (size_t)w;
    }
    if (s->fd < 0) close_fd(&s->log);
    return done;
}
