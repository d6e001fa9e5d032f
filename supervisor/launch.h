/* `launch` mode: starts sandboxes on request, so that the server itself never forks. */
#ifndef CORRAL_LAUNCH_H
#define CORRAL_LAUNCH_H

int launch_main(void);

#endif
