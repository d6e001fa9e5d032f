/* The main loop of `serve`: configuration, trust in what was inherited, timers, the end. */
#define _GNU_SOURCE
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "activity.h"
#include "connection.h"
#include "disk.h"
#include "execution.h"
#include "figures.h"
#include "files.h"
#include "journal.h"
#include "limits.h"
#include "util.h"
#include "waits.h"
#include "watching.h"

#define CONFIG_MAX (1024u * 1024)
#define STOP_EXTRA_MS 5000u     /* beyond the grace: bound of the orderly end */

struct server server;
static bool quit;

void server_renew_lease(void)
{
    server.lease_ends = server.lease_ms > 0 ? mono_ms() + server.lease_ms : UINT64_MAX;
}

void server_stop(uint32_t grace_ms, const char *reason)
{
    uint64_t deadline = mono_ms() + grace_ms + STOP_EXTRA_MS;
    if (server.stopping && deadline >= server.stop_deadline) return;
    server.stopping = true;
    server.stop_deadline = deadline;
    executions_stop(grace_ms, reason);
}

static bool get_places(struct cursor *c, bool own)
{
    uint32_t n = get_count(c);
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        struct slice path = get_str(c);
        if (!c->bad) disk_add_place(path, own);
    }
    return !c->bad;
}

static bool read_config(void)
{
    struct buffer raw = { 0 };
    for (;;) {
        if (raw.len > CONFIG_MAX || !buffer_reserve(&raw, 4096)) return false;
        ssize_t n = read(FD_CONFIG, raw.data + raw.len, raw.cap - raw.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        if (n == 0) break;
        raw.len += (size_t)n;
    }
    close(FD_CONFIG);
    struct cursor c = { raw.data, raw.data + raw.len, false };
    uint16_t version = get_u16(&c);
    const uint8_t *client = get_bytes(&c, SECRET_BYTES);
    const uint8_t *own = get_bytes(&c, SECRET_BYTES);
    struct slice sandbox = get_str(&c);
    uint32_t roots = get_count(&c);
    bool good = version == PROTOCOL_VERSION && !c.bad;
    if (good) {
        memcpy(server.client_secret, client, SECRET_BYTES);
        memcpy(server.supervisor_secret, own, SECRET_BYTES);
        server.sandbox = must_alloc((size_t)sandbox.len + 1);
        memcpy(server.sandbox, sandbox.data, sandbox.len);
    }
    for (uint32_t i = 0; i < roots && good; i++) {
        struct slice root = get_str(&c);
        good = !c.bad && files_add_root(root);
    }
    server.lease_ms = get_u32(&c);
    uint32_t lifetime_ms = get_u32(&c);
    server.memory_bytes = get_u64(&c);
    server.max_executions = get_u32(&c);
    uint32_t workspaces = get_count(&c);
    for (uint32_t i = 0; i < workspaces && good; i++) {
        struct slice workspace = get_str(&c);
        good = !c.bad;
        if (good) watching_add_root(workspace);
    }
    server.processes = get_u32(&c);
    server.disk_bytes = get_u64(&c);
    good = get_places(&c, false) && get_places(&c, true) && good;
    server.lifetime_ends = lifetime_ms > 0 ? boot_ms() + lifetime_ms : 0;
    good = good && cursor_done(&c);
    wipe(raw.data, raw.len);
    buffer_free(&raw);
    return good;
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    for (int i = 0; i < ignored_signal_count; i++) sigaction(ignored_signals[i], &ignore, NULL);
    /* Inherited dispositions are not trusted: an ignored SIGCHLD would lose every status. */
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &standard, NULL);
    sigaction(SIGTERM, &standard, NULL);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void on_signals(int fd)
{
    struct signalfd_siginfo s[8];
    ssize_t n;
    bool child = false;
    while ((n = read(fd, s, sizeof s)) > 0) {
        for (size_t i = 0; i < (size_t)n / sizeof s[0]; i++) {
            if (s[i].ssi_signo == SIGCHLD) child = true;
            /* As pid 1 only the outside (which reads as pid 0) may end the sandbox, not a command in it; and only by kill(2), since
             * a signal that a command had a descriptor send (F_SETSIG) reads as pid 0 too. */
            if (s[i].ssi_signo == SIGTERM && (!server.is_pid1 || (s[i].ssi_pid == 0 && s[i].ssi_code == SI_USER))) server_stop(0, "the supervisor was asked to end");
        }
    }
    if (child) executions_reap();
}

static bool start(int *signals)
{
    int oom = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int keep[8 + FIGURES_MAX] = { 0, 1, 2, FD_LISTEN, FD_LOGS, FD_JOURNAL, FD_CONFIG, oom };
    for (int i = 0; i < FIGURES_MAX; i++) keep[8 + i] = FD_FIGURES + i;
    close_all_except(keep, COUNT_OF(keep));
    figures_init();
    for (int fd = FD_LISTEN; fd <= FD_CONFIG; fd++) {
        if (set_cloexec(fd, true) != 0) {
            note("descriptor %d is missing", fd);
            return false;
        }
    }
    server.oom_fd = oom;
    ssize_t n = oom >= 0 ? pread(oom, server.oom_own, sizeof server.oom_own - 1, 0) : -1;
    if (n <= 0 && oom >= 0) {
        close(oom);
        server.oom_fd = -1;
    }
    server.pid = getpid();
    server.is_pid1 = server.pid == 1;
    server.started_real_ms = real_ms();
    server.started_ms = mono_ms();
    umask(022);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    getrlimit(RLIMIT_NOFILE, &server.nofile);
    struct rlimit most = { server.nofile.rlim_max, server.nofile.rlim_max };
    setrlimit(RLIMIT_NOFILE, &most);
    *signals = open_signals();
    if (*signals < 0 || !executions_init()) {
        note("cannot start: %s", strerror(errno));
        return false;
    }
    connections_init();
    if (!read_config()) {
        note("the configuration is invalid");
        return false;
    }
    journal_init(FD_JOURNAL);
    watching_start();
    server_renew_lease();
    return set_nonblock(FD_LISTEN) == 0;
}

static void sooner(uint64_t *next, uint64_t at)
{
    if (at < *next) *next = at;
}

/* Everything that is due; the time (mono_ms) until which nothing else is. */
static uint64_t on_time(void)
{
    uint64_t now = mono_ms(), next = UINT64_MAX;
    if (!server.stopping && now >= server.lease_ends) server_stop(0, "the lease ended");
    if (!server.stopping) sooner(&next, server.lease_ends);
    if (!server.stopping && server.lifetime_ends > 0) {
        uint64_t boot = boot_ms();
        if (boot >= server.lifetime_ends) server_stop(0, "the lifetime of the sandbox ended");
        else sooner(&next, now + (server.lifetime_ends - boot));
    }
    sooner(&next, executions_tick(now));
    sooner(&next, activity_tick(now));
    sooner(&next, waits_tick(now));
    sooner(&next, limits_tick(now));
    sooner(&next, watching_tick(now));
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &connections[i];
        if (c->fd < 0 || c->greeted) continue;
        if (now >= c->hello_deadline) connection_drop(c);
        else sooner(&next, c->hello_deadline);
    }
    if (server.stopping) {
        if (executions_idle() || now >= server.stop_deadline) quit = true;
        else sooner(&next, server.stop_deadline);
    }
    return next;
}

/* Poll entries: signals, listener, connections, executions, notices of changes. */
static void turn(int signals)
{
    static struct pollfd *fds;
    static size_t cap;
    size_t most = 3 + CONNECTIONS_MAX + executions_descriptors();
    if (most > cap) {
        struct pollfd *grown = realloc(fds, most * 2 * sizeof *fds);
        if (grown != NULL) {
            fds = grown;
            cap = most * 2;
        }
    }
    if (fds == NULL) {
        note("out of memory");
        _exit(1);
    }
    bool more = false;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (connections[i].fd >= 0) more = connection_work(&connections[i]) || more;
    more = files_work() || more;
    more = watching_work() || more;
    uint64_t next = on_time();
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (connections[i].fd >= 0) connection_flush(&connections[i]);
    connections_sweep();
    if (quit) return;

    fds[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
    fds[1] = (struct pollfd){ .fd = FD_LISTEN, .events = POLLIN };
    size_t n = 2;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &connections[i];
        size_t pending = buffer_pending(&c->out);
        short events = (short)((pending <= OUTPUT_PAUSE ? POLLIN : 0) | (pending > 0 ? POLLOUT : 0));
        fds[n++] = (struct pollfd){ .fd = c->fd, .events = events };
        /* Requests that waited for room in the output. */
        struct frame f;
        size_t have = buffer_pending(&c->in);
        if (c->fd >= 0 && pending <= OUTPUT_PAUSE && have >= 4 && frame_next(c->in.data + c->in.start, have, FRAME_MAX, &f) != 0) more = true;
    }
    size_t first = n;
    n += executions_poll(fds + n, cap - n);
    size_t notices = n++;
    fds[notices] = (struct pollfd){ .fd = watching_fd(), .events = POLLIN };
    uint64_t now = mono_ms();
    int timeout = -1;
    if (more || next <= now) timeout = 0;
    else if (next != UINT64_MAX) timeout = next - now > 60000 ? 60000 : (int)(next - now);
    int spare = timeout == 0 ? -1 : executions_spare_due(now), got = 0;
    if (spare > 0 && (timeout < 0 || spare < timeout)) timeout = spare;
    if (spare == 0) {
        timeout = 0;
        got = poll(fds, (nfds_t)n, 0);
        if (got == 0) executions_make_spare();
    }
    if (got == 0) got = poll(fds, (nfds_t)n, timeout);
    if (got <= 0) return;
    /* Streams first: what a leader wrote is then logged before its end is looked at. */
    executions_ready(fds + first, notices - first);
    if (fds[notices].revents != 0) watching_ready(mono_ms());
    if (fds[0].revents != 0) on_signals(signals);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (fds[2 + i].fd >= 0 && (fds[2 + i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) connection_read(&connections[i]);
    if (fds[1].revents != 0) connections_accept(FD_LISTEN);
}

int serve_main(void)
{
    int signals;
    if (!start(&signals)) return 1;
    while (!quit) turn(signals);
    /* As pid 1 the exit ends the namespace; what must be told was told. */
    if (!server.is_pid1) kill_everything();
    wipe(server.client_secret, SECRET_BYTES);
    wipe(server.supervisor_secret, SECRET_BYTES);
    return 0;
}
