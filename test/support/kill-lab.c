/* Process trees that are hard to end, one per name: kill-lab NAME MARK. Says "ready" when the tree stands, and stays.
   Every process carries MARK in its command line or its environment, so that a look from outside can count them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 200
#define BOMB_MOST 120

static char **arguments;

static void stay(void)
{
    for (;;) pause();
}

static void ready(void)
{
    if (write(1, "ready\n", 6) != 6) _exit(3);
}

static pid_t fork_or_fail(void)
{
    pid_t pid = fork();
    if (pid < 0) _exit(4);
    return pid;
}

/* A grandchild that nobody waits for, in a session of its own when `away`; returns when it stands. */
static void leave_daemon(bool away, bool holds_stdout)
{
    int told[2];
    if (pipe(told) != 0) _exit(4);
    if (fork_or_fail() == 0) {
        if (away) setsid();
        if (fork_or_fail() > 0) _exit(0);
        if (!holds_stdout) {
            int null = open("/dev/null", O_RDWR);
            for (int fd = 0; fd < 3; fd++) dup2(null, fd);
        }
        if (write(told[1], "x", 1) != 1) _exit(3);
        close(told[0]);
        close(told[1]);
        stay();
    }
    char byte;
    close(told[1]);
    wait(NULL);
    if (read(told[0], &byte, 1) != 1) _exit(4);
    close(told[0]);
}

static void ignore_all(void)
{
    for (int number = 1; number < NSIG; number++) signal(number, SIG_IGN);
}

static void children(void)
{
    for (int i = 0; i < 3; i++)
        if (fork_or_fail() == 0) stay();
}

static void stopped(void)
{
    for (int i = 0; i < 2; i++)
        if (fork_or_fail() == 0) {
            raise(SIGSTOP);
            stay();
        }
    ready();
    raise(SIGSTOP);
    stay();
}

/* The parent of a vfork waits in state D, where only a fatal signal reaches it, until the child ends or executes; this child does neither. */
static void uninterruptible(void)
{
    if (fork_or_fail() == 0) {
        if (vfork() == 0) {
            ready();
            stay();
        }
        stay();
    }
    stay();
}

static void traced(void)
{
    pid_t child = fork_or_fail();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) {
            if (write(1, "denied\n", 7) != 7) _exit(3);
            _exit(0);
        }
        raise(SIGSTOP);
        stay();
    }
    waitpid(child, NULL, WUNTRACED);
    ready();
    stay();
}

static void zombie_parent(void)
{
    for (int i = 0; i < 20; i++)
        if (fork_or_fail() == 0) _exit(0);
    if (fork_or_fail() == 0) stay();
}

static void *idle_thread(void *unused)
{
    stay();
    return unused;
}

/* The first thread ends: the process reads as a zombie while its other threads go on. */
static void threads(void)
{
    for (int i = 0; i < 8; i++) {
        pthread_t one;
        if (pthread_create(&one, NULL, idle_thread, NULL) != 0) _exit(4);
    }
    ready();
    pthread_exit(NULL);
}

/* Afterwards nothing of the command line names it. */
static void renamed(void)
{
    if (fork_or_fail() > 0) return;
    prctl(PR_SET_NAME, "kworker/0:1)");
    for (char **word = arguments; *word != NULL; word++) memset(*word, 0, strlen(*word));
    setsid();
    stay();
}

static void block_all(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}

static void many(void)
{
    for (int i = 0; i < MANY; i++)
        if (fork_or_fail() == 0) {
            if (i % 2 == 0) ignore_all();
            stay();
        }
}

/* Each forks for ever, in sessions of their own, ignoring what can be ignored. Bounded by itself to BOMB_MOST at once, for places without a
   limit on processes; whoever is killed by others is not counted off, so it grows tired instead of flooding the machine. */
static void bomb(void)
{
    atomic_int *alive = mmap(NULL, sizeof *alive, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (alive == MAP_FAILED) _exit(4);
    ignore_all();
    signal(SIGCHLD, SIG_IGN);
    atomic_store(alive, 1);
    ready();
    for (;;) {
        if (atomic_fetch_add(alive, 1) >= BOMB_MOST) {
            atomic_fetch_sub(alive, 1);
            usleep(500);
            if (getpid() % 3 == 0) {
                atomic_fetch_sub(alive, 1);
                _exit(0);
            }
            continue;
        }
        pid_t pid = fork();
        if (pid < 0) atomic_fetch_sub(alive, 1);
        if (pid == 0) setsid();
    }
}

/* Two that watch each other through a pipe: whoever sees the other gone makes it anew. */
static void phoenix(void)
{
    ignore_all();
    signal(SIGCHLD, SIG_DFL);
    for (int generation = 0; generation < 50; generation++) {
        int line[2];
        if (pipe(line) != 0) _exit(4);
        pid_t other = fork_or_fail();
        if (other > 0) {
            /* The older one: waits for the younger's end. */
            close(line[0]);
            if (generation == 0) ready();
            waitpid(other, NULL, 0);
            close(line[1]);
        } else {
            char byte;
            setsid();
            close(line[1]);
            while (read(line[0], &byte, 1) > 0) {}
            close(line[0]);
        }
    }
    stay();
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    char name[32];
    snprintf(name, sizeof name, "%s", argv[1]);
    arguments = argv;
    if (strcmp(name, "children") == 0) children();
    else if (strcmp(name, "double-fork") == 0) leave_daemon(false, false);
    else if (strcmp(name, "setsid") == 0) leave_daemon(true, false);
    else if (strcmp(name, "pipe-holder") == 0) {
        leave_daemon(true, true);
        ready();
        return 0;
    } else if (strcmp(name, "ignorer") == 0) ignore_all(), children();
    else if (strcmp(name, "stopped") == 0) stopped();
    else if (strcmp(name, "uninterruptible") == 0) uninterruptible();
    else if (strcmp(name, "traced") == 0) traced();
    else if (strcmp(name, "zombie-parent") == 0) zombie_parent();
    else if (strcmp(name, "threads") == 0) threads();
    else if (strcmp(name, "renamed") == 0) renamed();
    else if (strcmp(name, "blocks-all") == 0) block_all(), children();
    else if (strcmp(name, "many") == 0) many();
    else if (strcmp(name, "bomb") == 0) bomb();
    else if (strcmp(name, "phoenix") == 0) phoenix();
    else if (strcmp(name, "single") != 0) return 2;
    ready();
    stay();
}
