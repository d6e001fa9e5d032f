/* What the kernel counts for the whole sandbox in its control group. Its files were opened outside; without a group there are none. */
#ifndef CORRAL_FIGURES_H
#define CORRAL_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

/* In the order of LAUNCH. */
enum figure { FIGURE_OOM_KILLS, FIGURE_MEMORY, FIGURE_PROCESS_MAXIMA, FIGURE_PROCESSES, FIGURE_CPU_US };

void figures_init(void);
bool figure_known(enum figure which);
/* False when there is no such file. */
bool figure_read(enum figure which, uint64_t *value);

#endif
