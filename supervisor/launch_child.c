#define _GNU_SOURCE
#include "launch_child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "stage.h"
#include "util.h"

#define BACKLOG 16

/* Where the launched program finds things; the supervisor's own numbers are 3 to 6 and FD_FIGURES on. */
enum { AT_SOCKET = 3, AT_LOGS, AT_JOURNAL, AT_CONFIG, AT_INFO = 8, AT_INFO_KEPT, AT_DATA };
/* While they are collected, descriptors live above every target. */
#define HIGH 200

static void __attribute__((noreturn)) give_up(int report, const char *what, const char *detail)
{
    struct setup_failure f;
    memset(&f, 0, sizeof f);
    f.err = errno;
    if (detail != NULL) snprintf(f.what, sizeof f.what, "%s: %.80s: %s", what, detail, strerror(f.err));
    else snprintf(f.what, sizeof f.what, "%s: %s", what, strerror(f.err));
    (void)!write_all(report, &f, sizeof f);
    _exit(127);
}

static int raised(int fd)
{
    if (fd < 0) return -1;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
    int saved = errno;
    close(fd);
    errno = saved;
    return high;
}

/* Binds by the last component from within the folder, as the address of a socket holds 107 bytes only. */
static int bind_socket(const char *path)
{
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    char *folder = strdup(path), *name = strdup(path);
    if (folder == NULL || name == NULL || chdir(dirname(folder)) != 0) return -1;
    const char *last = basename(name);
    if (strlen(last) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, last, strlen(last) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    umask(0177);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0) return -1;
    umask(077);
    return chdir("/") == 0 ? fd : -1;
}

static int blob(struct slice s)
{
    int fd = (int)syscall(SYS_memfd_create, "corral", 1u);
    if (fd < 0 || write_all(fd, s.data, s.len) != 0 || lseek(fd, 0, SEEK_SET) != 0) return -1;
    return fd;
}

static void place(int report, int from, int to)
{
    if (dup2(from, to) < 0) give_up(report, "a descriptor cannot be placed", NULL);
}

void launch_child(const struct launch_request *r, int report, const int info_pipe[2], const struct rlimit *nofile, const sigset_t *signals)
{
    report = raised(report);
    int info = raised(info_pipe[1]), info_kept = raised(info_pipe[0]);
    if (report < 0 || info < 0 || info_kept < 0) _exit(127);
    int listener = raised(bind_socket(r->socket));
    if (listener < 0) give_up(report, "the socket cannot be bound", r->socket);
    int logs = raised(open(r->logs, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (logs < 0) give_up(report, "the log folder cannot be opened", r->logs);
    int journal = raised(open(r->journal, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (journal < 0) give_up(report, "the journal cannot be opened", r->journal);
    int boot = raised(open(r->boot, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (boot < 0) give_up(report, "the boot log cannot be opened", r->boot);
    int empty = raised(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (empty < 0) give_up(report, "/dev/null cannot be opened", NULL);
    int config = raised(blob(r->config));
    if (config < 0) give_up(report, "the configuration cannot be handed over", NULL);
    int data[LAUNCH_DATA_MAX];
    for (uint32_t i = 0; i < r->data_count; i++)
        if ((data[i] = raised(blob(r->data[i]))) < 0) give_up(report, "data cannot be handed over", NULL);
    for (char **path = r->cgroups; *path != NULL; path++) {
        int fd = open(*path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write_all(fd, "0", 1) != 0) give_up(report, "a cgroup cannot be joined", *path);
        close(fd);
    }
    int figures[FIGURES_MAX];
    size_t figure_count = 0;
    for (char **path = r->figures; *path != NULL; path++) {
        int fd = **path == 0 ? -1 : raised(open(*path, O_RDONLY | O_CLOEXEC));
        if (fd < 0 && **path != 0) give_up(report, "a figure of the cgroup cannot be read", *path);
        figures[figure_count++] = fd;
    }
    if (setsid() < 0) give_up(report, "no session can be made", NULL);
    if (r->mount_count > 0) {
        const char *what = "the mounts cannot be staged";
        if (stage_mounts(r->staging, r->mounts, r->mount_count, r->uid, r->gid, &what) != 0) give_up(report, what, NULL);
    }
    if (r->uid != LAUNCH_KEEP || r->gid != LAUNCH_KEEP) {
        uid_t uid = r->uid == LAUNCH_KEEP ? (uid_t)-1 : r->uid;
        gid_t gid = r->gid == LAUNCH_KEEP ? (gid_t)-1 : r->gid;
        if (fchown(logs, uid, gid) != 0 || fchown(journal, uid, gid) != 0) give_up(report, "the logs cannot be given to the user", NULL);
        if (setgroups(0, NULL) != 0) give_up(report, "the groups cannot be dropped", NULL);
        if (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) give_up(report, "the user cannot be changed", NULL);
    }
    place(report, empty, 0);
    place(report, boot, 1);
    place(report, boot, 2);
    place(report, listener, AT_SOCKET);
    place(report, logs, AT_LOGS);
    place(report, journal, AT_JOURNAL);
    place(report, config, AT_CONFIG);
    place(report, info, AT_INFO);
    /* The launcher may die before the program has told: what it writes must not end it half-way, with children that wait for it for ever. */
    place(report, info_kept, AT_INFO_KEPT);
    for (uint32_t i = 0; i < r->data_count; i++) place(report, data[i], AT_DATA + (int)i);
    int keep[9 + LAUNCH_DATA_MAX + FIGURES_MAX + 1] = { 0, 1, 2, AT_SOCKET, AT_LOGS, AT_JOURNAL, AT_CONFIG, AT_INFO, AT_INFO_KEPT };
    size_t kept = 9;
    for (uint32_t i = 0; i < r->data_count; i++) keep[kept++] = AT_DATA + (int)i;
    for (size_t i = 0; i < figure_count; i++) {
        if (figures[i] < 0) continue;
        place(report, figures[i], FD_FIGURES + (int)i);
        keep[kept++] = FD_FIGURES + (int)i;
    }
    keep[kept++] = report;
    close_all_except(keep, kept);
    umask(022);
    setrlimit(RLIMIT_NOFILE, nofile);
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(SIGPIPE, &standard, NULL);
    sigprocmask(SIG_SETMASK, signals, NULL);
    execve(r->argv[0], r->argv, r->env);
    give_up(report, "the program cannot be executed", r->argv[0]);
}
