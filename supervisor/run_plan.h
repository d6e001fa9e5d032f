/* `run-plan`: executes accepted shell text from its syntax tree. No shell is started. */
#ifndef CORRAL_RUN_PLAN_H
#define CORRAL_RUN_PLAN_H

/* The arguments behind "run-plan". Returns the exit code; a last command takes the place of the process instead. */
int run_plan_main(int count, char **args);

#endif
