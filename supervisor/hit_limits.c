#define _GNU_SOURCE
#include "hit_limits.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES ((size_t)64 * 1024 * 1024)
#define PAGE 4096u

int hit_limits_main(void)
{
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    if (pid > 0 || errno != EAGAIN) return 3;
    volatile char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 4;
    for (size_t i = 0; i < BYTES; i += PAGE) memory[i] = 1;
    return 5;
}
