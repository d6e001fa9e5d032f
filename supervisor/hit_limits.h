/* `hit-limits` mode: runs into limits on purpose. Alone, in a control group that holds one process and 8 MiB, to see whether it does (SIGKILL
   where it does); with the name of a limit and an amount, inside a sandbox: 0 = nothing stopped it, 38 = it could not be had, 39 = the
   attack could not be made. Every attack ends by itself. */
#ifndef CORRAL_HIT_LIMITS_H
#define CORRAL_HIT_LIMITS_H

int hit_limits_main(int argc, char **argv);

#endif
