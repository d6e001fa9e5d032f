#define _GNU_SOURCE
#include "execution.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "journal.h"
#include "serve.h"
#include "util.h"

#define ENTRIES_MAX 4096u                  /* running and ended executions together */
#define LIST_FIXED 1024u                   /* bound of what LIST says about one execution without meta and streams */
#define LIST_BASE_MAX (3u * 1024 * 1024)
#define LIST_MAX (FRAME_MAX - 64u * 1024)
#define INPUT_MAX (1024u * 1024)
#define READ_BYTES (256u * 1024)
#define READS_PER_TURN 4                   /* per stream: no stream keeps the others waiting */
#define BUSY_BYTES (32u * 1024)
#define BUSY_READS 4u
#define PIPE_GROWN (1024 * 1024)
#define SETTLE_MS 50u                      /* how long other holders of the streams delay the telling of the end */
#define RUN_MS 250u
#define WATCH_MS 10u
#define STRAY_LOOK_MS 1000u
#define SPARES 2
#define HOLD_MS 25u                        /* from its first byte: so long an execution's output may wait without a file */
#define QUIET_MS 20u                       /* without output for so long, running executions are not delayed by making a file */

struct execution *executions;
static struct shim_slot *slots;
static uint8_t read_buffer[READ_BYTES];
static size_t entry_count;
static size_t list_base;
static int spares[SPARES] = { -1, -1 };    /* log files without a name */
static bool no_spares;
static size_t spares_wanted;               /* as many as files were needed lately: a run of short programs needs none */
static bool slot_used[ENTRIES_MAX];
static size_t slot_next;
static uint64_t last_activity;             /* mono_ms of the last start or output */

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

static struct shim_slot *slot_take(void)
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

static void slot_give_back(struct shim_slot *slot)
{
    if (slot != NULL) slot_used[slot - slots] = false;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void execution_free(struct execution *e)
{
    struct execution **at = &executions;
    while (*at != e) at = &(*at)->next;
    *at = e->next;
    entry_count--;
    list_base -= e->meta_len + LIST_FIXED;
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

/* ---- logs ---- */

static int log_open(const struct execution *e, const char *suffix)
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

static void log_failed(struct execution *e, int err)
{
    char text[128];
    snprintf(text, sizeof text, "the log cannot be written: %s", strerror(err));
    e->out.discard = e->err.discard = true;
    execution_decide(e, END_DISK_LIMIT, text);
    kill_begin(e, SIGKILL, 0, NULL, 0);
}

static void run_flush(struct execution *e)
{
    uint8_t record[8];
    uint64_t since = e->run_at - e->start_us / 1000u;
    uint32_t at = (int64_t)since < 0 ? 0 : since > UINT32_MAX ? UINT32_MAX : (uint32_t)since;
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
static void run_settle(struct execution *e)
{
    if (e->ord_pending && (e->ord >= 0 || e->run_stream == 1)) run_flush(e);
}

static void run_note(struct execution *e, uint32_t which, uint64_t n, uint64_t now)
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

/* Makes room for more of a head; what it holds stays when there is none. */
static bool head_reserve(struct execution *e, uint32_t which, size_t more)
{
    if (e->head_dropped || (size_t)e->head_len[0] + e->head_len[1] + more > WHOLE_STREAM_MAX) return false;
    uint8_t *grown = realloc(e->head[which], e->head_len[which] + more);
    if (grown != NULL) e->head[which] = grown;
    return grown != NULL;
}

static void heads_drop(struct execution *e)
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

/* Appends to the stream's file, which is made when it has none. Returns how many bytes are in it; fewer than n when `failed` is set. */
static size_t log_append(struct execution *e, struct stream *s, uint32_t which, const uint8_t *data, size_t n, int *failed)
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

/* From now on the output is in files: what was held back is written, what comes is appended. */
static void release(struct execution *e)
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

static bool holds_bytes(const struct execution *e) { return e->held && e->out.bytes + e->err.bytes > 0; }

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
        release(e);
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

static void stream_read(struct execution *e, struct stream *s, uint32_t which, uint64_t now)
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

/* ---- input ---- */

static void input_close(struct execution *e)
{
    close_fd(&e->in);
    buffer_free(&e->in_pending);
}

static void input_flush(struct execution *e)
{
    while (e->in >= 0 && buffer_pending(&e->in_pending) > 0) {
        ssize_t n = write(e->in, e->in_pending.data + e->in_pending.start, buffer_pending(&e->in_pending));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            input_close(e);
            return;
        }
        buffer_consume(&e->in_pending, (size_t)n);
    }
    if (e->in_eof && !e->pty && e->in >= 0) input_close(e);
}

/* A terminal has no end of input but its VEOF character: one at the start of a line, two after an unfinished one. */
static void terminal_eof(struct execution *e)
{
    struct termios t;
    uint8_t veof = 4;
    if (tcgetattr(e->in, &t) == 0 && t.c_cc[VEOF] != 0) veof = t.c_cc[VEOF];
    if (e->in_last != '\n') put_u8(&e->in_pending, veof);
    put_u8(&e->in_pending, veof);
    e->in_last = '\n';
}

static void input_add(struct execution *e, const uint8_t *data, size_t n, bool eof)
{
    put_bytes(&e->in_pending, data, n);
    if (n > 0) e->in_last = data[n - 1];
    if (eof && e->pty) terminal_eof(e);
    else if (eof) e->in_eof = true;
    input_flush(e);
}

void execution_input(struct connection *c, uint32_t id, struct execution *e, bool eof, struct slice data)
{
    if (e->in < 0 || e->in_eof || e->state == EXECUTION_ENDED) {
        reply_error(c, id, ERR_INPUT_CLOSED, 0, "the input is closed");
        return;
    }
    input_flush(e);
    if (e->in >= 0 && buffer_pending(&e->in_pending) + data.len > INPUT_MAX) {
        reply_error(c, id, ERR_INPUT_FULL, 0, "the input buffer is full");
        return;
    }
    if (e->in >= 0) input_add(e, data.data, data.len, eof);
    if (e->in < 0 && !(eof && e->in_eof)) reply_error(c, id, ERR_INPUT_CLOSED, EPIPE, "nothing reads the input any more");
    else reply_ok(c, id);
}

/* ---- start ---- */

struct spawn_pipes {
    int in[2], out[2], err[2], report[2];
    int master;
};

static void pipes_close(struct spawn_pipes *p)
{
    for (int i = 0; i < 2; i++) {
        close_fd(&p->in[i]);
        close_fd(&p->out[i]);
        close_fd(&p->err[i]);
        close_fd(&p->report[i]);
    }
    close_fd(&p->master);
}

static const char *terminal_open(const struct spawn_request *r, struct spawn_pipes *p)
{
    p->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (p->master < 0) return "no terminal: /dev/ptmx cannot be opened";
    int unlock = 0;
    if (ioctl(p->master, TIOCSPTLCK, &unlock) != 0) return "no terminal: it cannot be unlocked";
#ifdef TIOCGPTPEER
    p->out[1] = ioctl(p->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
#endif
    if (p->out[1] < 0) {
        unsigned number;
        char path[32];
        if (ioctl(p->master, TIOCGPTN, &number) != 0) return "no terminal: it has no number";
        snprintf(path, sizeof path, "/dev/pts/%u", number);
        p->out[1] = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (p->out[1] < 0) return "no terminal: /dev/pts cannot be opened";
    }
    struct winsize size = { .ws_col = r->cols ? r->cols : 80, .ws_row = r->rows ? r->rows : 24 };
    ioctl(p->master, TIOCSWINSZ, &size);
    return NULL;
}

static const char *pipes_open(const struct spawn_request *r, struct spawn_pipes *p)
{
    const char *problem = "a pipe cannot be made";
    if (pipe2(p->report, O_CLOEXEC) != 0) return problem;
    set_nonblock(p->report[0]);
    if (r->flags & SPAWN_PTY) {
        const char *why = terminal_open(r, p);
        if (why != NULL) return why;
        p->out[0] = p->master;
        p->master = -1;
        p->in[1] = fcntl(p->out[0], F_DUPFD_CLOEXEC, 3);
        return p->in[1] < 0 ? problem : NULL;
    }
    if (pipe2(p->out, O_CLOEXEC) != 0 || pipe2(p->err, O_CLOEXEC) != 0) return problem;
    if (set_nonblock(p->out[0]) != 0 || set_nonblock(p->err[0]) != 0) return problem;
    if (r->input.len > 0 || (r->flags & SPAWN_KEEP_INPUT)) {
        if (pipe2(p->in, O_CLOEXEC) != 0 || set_nonblock(p->in[1]) != 0) return problem;
    }
    return NULL;
}

void executions_count(uint32_t *running, uint32_t *ended)
{
    *running = *ended = 0;
    for (struct execution *e = executions; e != NULL; e = e->next) {
        if (e->state == EXECUTION_ENDED) (*ended)++;
        else (*running)++;
    }
}

/* Children inherit the score; the supervisor keeps its own. Raising and taking back is open to everybody, a lower one is not. */
static void oom_score(const char *value)
{
    if (server.oom_fd >= 0) (void)!pwrite(server.oom_fd, value, strlen(value), 0);
}

void execution_spawn(struct connection *c, uint32_t id, struct spawn_request *r)
{
    uint32_t running, ended;
    executions_count(&running, &ended);
    struct slice name = { (uint8_t *)r->id, (uint32_t)strlen(r->id) };
    if (server.stopping) {
        reply_error(c, id, ERR_SPAWN_FAILED, 0, "the sandbox is ending");
        return;
    }
    if (execution_find(name) != NULL) {
        reply_error(c, id, ERR_DUPLICATE_EXECUTION, 0, "an execution of this id exists");
        return;
    }
    if ((server.max_executions > 0 && running >= server.max_executions) || entry_count >= ENTRIES_MAX ||
        list_base + r->meta.len + LIST_FIXED > LIST_BASE_MAX) {
        reply_error(c, id, ERR_TOO_MANY, 0, "too many executions");
        return;
    }
    struct execution *e = calloc(1, sizeof *e);
    uint8_t *meta = malloc(r->meta.len + 1u);
    struct shim_slot *slot = slot_take();
    struct spawn_pipes p = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 }, -1 };
    const char *problem = e == NULL || meta == NULL || slot == NULL ? "out of memory" : pipes_open(r, &p);
    pid_t shim = -1;
    if (problem == NULL) {
        struct shim_task task = { .report = p.report[1], .in = p.in[0], .out = p.out[1], .err = p.err[1], .steps = r->steps,
                                  .pty = (r->flags & SPAWN_PTY) != 0, .env = r->env, .cwd = r->cwd, .limit_count = r->limit_count,
                                  .nofile = server.nofile, .slot = slot };
        memcpy(task.argv, r->argv, sizeof task.argv);
        memcpy(task.limits, r->limits, sizeof task.limits);
        if (task.pty) task.in = task.err = task.out;
        sigset_t all, before;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, &before);
        oom_score("900");
        shim = fork();
        if (shim == 0) shim_main(&task);
        int saved = errno;
        oom_score(server.oom_own);
        sigprocmask(SIG_SETMASK, &before, NULL);
        errno = saved;
        if (shim < 0) problem = errno == EAGAIN ? "no process can be started: the limit of processes is reached" : "no process can be started";
    }
    if (problem != NULL) {
        int err = errno;
        reply_error(c, id, ERR_SPAWN_FAILED, err, problem);
        pipes_close(&p);
        slot_give_back(slot);
        free(meta);
        free(e);
        return;
    }
    memcpy(e->id, r->id, sizeof e->id);
    e->state = EXECUTION_STARTING;
    e->pty = (r->flags & SPAWN_PTY) != 0;
    e->keep_input = (r->flags & SPAWN_KEEP_INPUT) != 0;
    e->grace_ms = r->grace_ms;
    e->wall_ms = r->wall_ms;
    e->output_limit = r->output_bytes;
    if (r->meta.len > 0) memcpy(meta, r->meta.data, r->meta.len);
    e->meta = meta;
    e->meta_len = r->meta.len;
    e->slot = slot;
    e->shim = shim;
    e->steps = (uint32_t)r->steps;
    e->report = p.report[0];
    e->out.fd = p.out[0];
    e->err.fd = p.err[0];
    e->in = p.in[1];
    e->out.log = e->err.log = e->ord = -1;
    e->in_last = '\n';
    e->spawn_serial = c->serial;
    e->spawn_id = id;
    e->start_us = mono_us();
    last_activity = mono_ms();
    e->held = true;
    e->deadline = r->wall_ms > 0 ? mono_ms() + r->wall_ms : 0;
    p.report[0] = p.out[0] = p.err[0] = p.in[1] = -1;
    pipes_close(&p);
    e->next = executions;
    executions = e;
    entry_count++;
    list_base += e->meta_len + LIST_FIXED;
    if (e->in >= 0) input_add(e, r->input.data, r->input.len, !e->keep_input);
}

/* ---- reports of the shim ---- */

static void started(struct execution *e, pid_t pid)
{
    e->state = EXECUTION_RUNNING;
    struct buffer b = { 0 };
    size_t mark = frame_begin(&b, REC_START, 0);
    put_text(&b, e->id);
    put_u32(&b, (uint32_t)pid);
    put_u64(&b, e->start_ms);
    put_str(&b, e->meta, e->meta_len);
    frame_end(&b, mark);
    journal_append(&b);
    buffer_free(&b);
    struct connection *c = connection_by_serial(e->spawn_serial);
    if (c == NULL) return;
    struct buffer *out = reply_begin(c, REP_SPAWN, e->spawn_id, &mark);
    put_u32(out, (uint32_t)pid);
    put_u64(out, e->start_ms);
    reply_end(c, mark);
}

static int failure(const struct shim_report *r, char *text, size_t cap)
{
    const char *why = strerror(r->err);
    switch (r->stage) {
    case STAGE_CWD:
        snprintf(text, cap, "the working folder cannot be entered: %s", why);
        return ERR_BAD_CWD;
    case STAGE_EXEC:
        if (r->interpreter) {
            snprintf(text, cap, "the program exists, but the interpreter or loader it names does not");
            return ERR_PROGRAM_NOT_FOUND;
        }
        switch (r->err) {
        case ENOENT: case ENOTDIR: case ENAMETOOLONG: case ELOOP:
            snprintf(text, cap, "the program was not found: %s", why);
            return ERR_PROGRAM_NOT_FOUND;
        case EACCES: case EPERM: case ENOEXEC: case EISDIR: case ELIBBAD: case EINVAL: case ETXTBSY:
            snprintf(text, cap, "the program cannot be executed: %s", why);
            return ERR_NOT_EXECUTABLE;
        case E2BIG:
            snprintf(text, cap, "arguments and environment together are too long, or one of them is");
            return ERR_ARGUMENT_TOO_LONG;
        default: break;
        }
        snprintf(text, cap, "the program cannot be started: %s", why);
        return ERR_SPAWN_FAILED;
    case STAGE_FORK:
        snprintf(text, cap, "no process can be started: %s", why);
        return ERR_SPAWN_FAILED;
    case STAGE_TERMINAL:
        snprintf(text, cap, "the terminal cannot be made the controlling one: %s", why);
        return ERR_SPAWN_FAILED;
    case STAGE_LIMITS:
        snprintf(text, cap, "a resource limit cannot be set: %s", why);
        return ERR_SPAWN_FAILED;
    default:
        snprintf(text, cap, "the process cannot be prepared: %s", why);
        return ERR_SPAWN_FAILED;
    }
}

static void owe(struct stream *s, bool pty)
{
    int n = 0;
    if (s->fd >= 0 && !pty && ioctl(s->fd, FIONREAD, &n) == 0 && n > 0) s->owed = (uint64_t)n;
}

/* The last step is over. `kind` is END_NONE when `status` tells how. */
static void finalise(struct execution *e, bool has_status, int status, int kind, const char *message)
{
    if (kind != END_NONE) execution_decide(e, kind, message);
    e->final = true;
    e->final_ms = mono_ms();
    /* The deadline is the tree's: it stays for processes that outlive the leader. */
    if (!e->others) e->deadline = 0;
    e->has_status = has_status;
    e->status = status;
    if (e->end_us == 0) e->end_us = mono_us();
    owe(&e->out, e->pty);
    owe(&e->err, e->pty);
}

static void spawn_failed(struct execution *e, int code, int err, const char *text)
{
    struct connection *c = connection_by_serial(e->spawn_serial);
    if (c != NULL) reply_error(c, e->spawn_id, code, err, text);
    e->shim_lost = false;
    e->shim = 0;
    kill_tick(e, mono_ms());
    execution_free(e);
}

/* False when e is gone. */
static bool on_report(struct execution *e, const struct shim_report *r)
{
    char text[200];
    e->step = r->step;
    switch (r->kind) {
    case REPORT_STARTED:
        e->leader = r->pid;
        if (r->step < STEPS_MAX) e->leaders[r->step] = r->pid;
        if (e->state != EXECUTION_STARTING) return true;
        e->start_ms = r->start_ms;
        e->start_us = r->began_us;
        started(e, r->pid);
        return true;
    case REPORT_FAILED: {
        int code = failure(r, text, sizeof text);
        if (e->state == EXECUTION_STARTING) {
            spawn_failed(e, code, r->err, text);
            return false;
        }
        e->others = r->others;
        finalise(e, false, 0, END_FAILED_TO_START, text);
        return true;
    }
    case REPORT_EXITED:
        e->user_us += r->user_us;
        e->system_us += r->system_us;
        if (r->maxrss_bytes > e->maxrss_bytes) e->maxrss_bytes = r->maxrss_bytes;
        e->end_us = r->ended_us;
        if (!r->final) {
            e->leader = 0;
            return true;
        }
        e->others = r->others;
        finalise(e, true, r->status, END_NONE, NULL);
        return true;
    default: return true;
    }
}

/* False when e is gone. */
static bool read_reports(struct execution *e)
{
    while (e->report >= 0) {
        struct shim_report r;
        ssize_t n = read(e->report, &r, sizeof r);
        if (n == (ssize_t)sizeof r) {
            if (!on_report(e, &r)) return false;
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return true;
        close_fd(&e->report);
    }
    return true;
}

/* The shim is gone and has not told the end: somebody killed it. Its leader is now a child of the supervisor. False when e is gone. */
static bool without_shim(struct execution *e)
{
    pid_t leader = e->slot->leader;
    if (e->state == EXECUTION_STARTING) {
        if (leader == 0) {
            spawn_failed(e, ERR_SPAWN_FAILED, 0, "the process that should start the program was killed");
            return false;
        }
        e->step = e->slot->step;
        e->leader = leader;
        if (e->step < STEPS_MAX) e->leaders[e->step] = leader;
        e->start_ms = real_ms();
        started(e, leader);
    }
    e->others = true;
    if (e->has_orphan_status) {
        struct rusage *u = &e->orphan_usage;
        e->user_us += (uint64_t)u->ru_utime.tv_sec * 1000000u + (uint64_t)u->ru_utime.tv_usec;
        e->system_us += (uint64_t)u->ru_stime.tv_sec * 1000000u + (uint64_t)u->ru_stime.tv_usec;
        uint64_t rss = (uint64_t)u->ru_maxrss * 1024u;
        if (rss > e->maxrss_bytes) e->maxrss_bytes = rss;
        bool success = WIFEXITED(e->orphan_status) && WEXITSTATUS(e->orphan_status) == 0;
        if (success && e->step + 1 < e->steps && !e->slot->stop)
            finalise(e, true, e->orphan_status, END_LOST, "the process that starts the steps was killed before the last one");
        else
            finalise(e, true, e->orphan_status, END_NONE, NULL);
        return true;
    }
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (leader > 0 && waitid(P_PID, (id_t)leader, &info, WEXITED | WNOHANG | WNOWAIT) == 0) return true;
    finalise(e, false, 0, END_LOST, "the process that watched over the program was killed; how the program ended is not known");
    return true;
}

void executions_reap(void)
{
    for (;;) {
        int status;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG | WUNTRACED, &usage);
        if (pid <= 0) return;
        struct execution *e = executions;
        while (e != NULL && e->shim != pid && !(e->slot->leader == pid && !e->final)) e = e->next;
        if (e == NULL) continue;
        if (WIFSTOPPED(status)) {
            if (e->shim == pid) kill(pid, SIGCONT);
            continue;
        }
        if (e->shim == pid) {
            e->shim = 0;
            e->shim_lost = WIFSIGNALED(status);
        } else {
            e->has_orphan_status = true;
            e->orphan_status = status;
            e->orphan_usage = usage;
        }
        kill_hurry(e);
    }
}

/* ---- the end ---- */

static bool streams_closed(const struct execution *e) { return e->out.fd < 0 && e->err.fd < 0; }

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
    put_u64(b, e->user_us);
    put_u64(b, e->system_us);
    put_u64(b, e->maxrss_bytes);
    put_u64(b, e->out.bytes);
    put_u64(b, e->err.bytes);
    put_u64(b, e->out.newlines);
    put_u64(b, e->err.newlines);
    put_u32(b, e->others && (e->shim > 0 || e->shim_lost) ? kill_count(e) : 0);
    put_u8(b, (uint8_t)((closed ? EXIT_CLOSED : 0u) | (e->held ? EXIT_UNFILED : 0u)));
    e->exit_prefix = (uint32_t)b->len;
    put_str(b, e->head[0], e->head_len[0]);
    put_str(b, e->head[1], e->head_len[1]);
    put_text(b, e->message);
}

/* The EXIT payload without the streams. */
static void put_bare_exit(struct buffer *b, const struct execution *e)
{
    if (e->exit.failed) return;
    put_bytes(b, e->exit.data, e->exit_prefix);
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
    else put_bare_exit(&b, e);
    frame_end(&b, mark);
    bool written = journal_append(&b) && !e->exit.failed;
    buffer_free(&b);
    return written;
}

static void tell_end(struct execution *e)
{
    bool closed = streams_closed(e);
    input_close(e);
    if (!closed || !journal_has_room()) release(e);
    if (e->held && !record_end(e, closed)) {
        release(e);
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

    struct buffer b = { 0 };
    size_t mark;
    mark = frame_begin(&b, EVT_EXIT, 0);
    put_bytes(&b, e->exit.data, e->exit.len);
    frame_end(&b, mark);
    broadcast(&b);
    buffer_free(&b);
}

static void tell_closed(struct execution *e)
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

static void tell_output(struct execution *e, uint64_t now)
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

bool execution_resize(struct execution *e, uint16_t cols, uint16_t rows, int *err)
{
    struct winsize size = { .ws_col = cols, .ws_row = rows };
    if (e->pty && e->out.fd >= 0 && ioctl(e->out.fd, TIOCSWINSZ, &size) == 0) return true;
    *err = ENOTTY;
    return false;
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
    release(e);
    if (e->out.bytes + e->err.bytes > 0) e->watch_dirty = true;
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
        if (holds_bytes(e)) release(e);
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
            put_bare_exit(&bare, e);
            put_str(b, bare.data, bare.len);
            buffer_free(&bare);
        }
    }
}

/* ---- main loop ---- */

static void add_poll(struct pollfd *fds, size_t cap, size_t *n, int fd, short events)
{
    if (fd < 0 || *n == cap) return;
    fds[(*n)++] = (struct pollfd){ .fd = fd, .events = events };
}

size_t executions_descriptors(void) { return entry_count * 4; }

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
        if (reports) read_reports(e);
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
        if (!read_reports(e)) return next;
        if (!e->final && e->report < 0 && !without_shim(e)) return next;
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
        if (due || streams_closed(e)) tell_end(e);
        else sooner(&next, due ? now : now >= e->final_ms + SETTLE_MS ? now + 1 : e->final_ms + SETTLE_MS);
    }
    if (holds_bytes(e)) {
        if (now >= e->held_until) release(e);
        else sooner(&next, e->held_until);
    }
    if (e->state == EXECUTION_ENDED && !e->told_closed && streams_closed(e)) tell_closed(e);
    if (e->ord_pending && (e->ord >= 0 || e->run_stream == 1)) {
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

bool executions_idle(void)
{
    for (struct execution *e = executions; e != NULL; e = e->next)
        if (e->state != EXECUTION_ENDED || e->kill.active) return false;
    return true;
}

void executions_stop(uint32_t grace_ms, const char *reason)
{
    for (struct execution *e = executions; e != NULL; e = e->next) {
        release(e);
        if (e->state != EXECUTION_ENDED) execution_decide(e, END_CANCELLED, reason);
        if (e->shim > 0 || e->shim_lost) kill_begin(e, SIGTERM, grace_ms, NULL, 0);
    }
}
