#include <stdio.h>
#include <string.h>

#include "hit_limits.h"
#include "launch.h"
#include "run_plan.h"
#include "serve.h"

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "serve") == 0) return serve_main();
    if (argc == 2 && strcmp(argv[1], "launch") == 0) return launch_main();
    if (argc >= 3 && strcmp(argv[1], "run-plan") == 0) return run_plan_main(argc - 2, argv + 2);
    if (argc >= 2 && strcmp(argv[1], "hit-limits") == 0) return hit_limits_main(argc - 2, argv + 2);
    fprintf(stderr, "usage: corral-supervisor serve | launch | run-plan PLAN... | hit-limits [LIMIT AMOUNT]\n");
    return 2;
}
