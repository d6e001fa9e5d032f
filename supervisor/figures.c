#define _GNU_SOURCE
#include "figures.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol.h"
#include "util.h"

static bool known[FIGURES_MAX];

void figures_init(void)
{
    for (int i = 0; i < FIGURES_MAX; i++) known[i] = set_cloexec(FD_FIGURES + i, true) == 0;
}

bool figure_known(enum figure which) { return known[which]; }

/* The number after `name` at the start of a line. */
static bool value_after(const char *text, const char *name, uint64_t *value)
{
    size_t n = strlen(name);
    for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
        if (*at == '\n') at++;
        if (strncmp(at, name, n) != 0) continue;
        *value = strtoull(at + n, NULL, 10);
        return true;
    }
    return false;
}

bool figure_read(enum figure which, uint64_t *value)
{
    char text[1024];
    if (!known[which]) return false;
    ssize_t n = pread(FD_FIGURES + (int)which, text, sizeof text - 1, 0);
    if (n <= 0) return false;
    text[n] = 0;
    switch (which) {
    case FIGURE_OOM_KILLS: return value_after(text, "oom_kill ", value);
    case FIGURE_PROCESS_MAXIMA: return value_after(text, "max ", value);
    case FIGURE_CPU_US:
        if (value_after(text, "usage_usec ", value)) return true;
        *value = strtoull(text, NULL, 10) / 1000u;   /* version 1 counts nanoseconds */
        return true;
    default: *value = strtoull(text, NULL, 10); return true;
    }
}
