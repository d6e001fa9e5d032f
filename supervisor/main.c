#include <stdio.h>
#include <string.h>

#include "launch.h"
#include "serve.h"

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "serve") == 0) return serve_main();
    if (argc == 2 && strcmp(argv[1], "launch") == 0) return launch_main();
    fprintf(stderr, "usage: corral-supervisor serve | launch\n");
    return 2;
}
