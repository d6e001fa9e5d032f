/* `hit-limits` mode: runs in a control group that holds one process and 8 MiB, to see whether it does. Ends by SIGKILL where it does. */
#ifndef CORRAL_HIT_LIMITS_H
#define CORRAL_HIT_LIMITS_H

int hit_limits_main(void);

#endif
