#define _GNU_SOURCE
#include "hit_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

#define PROOF_BYTES ((size_t)64 * 1024 * 1024)
#define CHUNK ((size_t)256 * 1024)
#define PART ((uint64_t)2 * 1024 * 1024)
#define PATIENCE_MS 10000u     /* so long an attack goes on that nothing stops */

enum { HIT_PASSED = 0, HIT_NOT_HAD = 38, HIT_NOT_MADE = 39 };

static void rest(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&t, NULL);
}

/* Inside a control group that holds one process and 8 MiB. */
static int prove(void)
{
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    if (pid > 0 || errno != EAGAIN) return 3;
    volatile char *memory = mmap(NULL, PROOF_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 4;
    for (size_t i = 0; i < PROOF_BYTES; i += 4096) memory[i] = 1;
    return 5;
}

/* A child that ends with its parent, and by itself. */
static pid_t idle_child(void)
{
    pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    rest((long)PATIENCE_MS);
    _exit(0);
}

static int hit_processes(uint64_t most)
{
    uint64_t have = 0, until = mono_ms() + PATIENCE_MS;
    while (have < most && mono_ms() < until) {
        if (idle_child() > 0) have++;
        else rest(1);
    }
    return have < most ? HIT_NOT_MADE : HIT_PASSED;
}

static int hit_memory(uint64_t most)
{
    for (uint64_t done = 0; done < most; done += CHUNK) {
        char *memory = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return HIT_NOT_HAD;
        memset(memory, 1, CHUNK);
    }
    rest(1000);
    return HIT_PASSED;
}

static int write_to(int fd, uint64_t most)
{
    static char zeros[CHUNK];
    memset(zeros, 1, sizeof zeros);
    for (uint64_t done = 0; done < most; done += CHUNK)
        if (write(fd, zeros, sizeof zeros) < 0) return HIT_NOT_HAD;
    return HIT_PASSED;
}

/* Memory that no process maps. In many parts: each is a file, and may be limited as one. */
static int hit_unmapped(uint64_t most)
{
    for (uint64_t done = 0; done < most; done += PART) {
        int fd = (int)syscall(SYS_memfd_create, "hit", 1u);
        if (fd < 0) return errno == EMFILE ? HIT_NOT_MADE : HIT_NOT_HAD;
        int result = write_to(fd, PART);
        if (result != HIT_PASSED) return result;
    }
    rest(1000);
    return HIT_PASSED;
}

static int hit_file(uint64_t most)
{
    int fd = open("hit-file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return fd < 0 ? HIT_NOT_MADE : write_to(fd, most);
}

static int hit_files(uint64_t most)
{
    for (uint64_t i = 0; i * CHUNK < most; i++) {
        char name[32];
        snprintf(name, sizeof name, "hit-%llu", (unsigned long long)i);
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0) return HIT_NOT_MADE;
        int result = write_to(fd, CHUNK);
        close(fd);
        if (result != HIT_PASSED) return result;
        rest(5);
    }
    rest(1000);
    return HIT_PASSED;
}

/* Two processes at once; each uses so much of a processor's time, however little of it the machine gives. */
static int hit_cpu(uint64_t seconds)
{
    pid_t other = fork();
    if (other == 0) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    struct timespec used;
    do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    while ((uint64_t)used.tv_sec < seconds);
    if (other == 0) _exit(0);
    return HIT_PASSED;
}

int hit_limits_main(int argc, char **argv)
{
    if (argc == 0) return prove();
    static const struct { const char *name; int (*hit)(uint64_t); } attacks[] = {
        { "processes", hit_processes }, { "memory", hit_memory }, { "unmapped", hit_unmapped },
        { "file", hit_file }, { "files", hit_files }, { "cpu", hit_cpu },
    };
    for (size_t i = 0; argc == 2 && i < COUNT_OF(attacks); i++)
        if (strcmp(argv[0], attacks[i].name) == 0) return attacks[i].hit(strtoull(argv[1], NULL, 10));
    return 2;
}
