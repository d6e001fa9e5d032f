/* A clock of the day that jumps by a year, forward and back, each time it is read. A build with -Dclock_gettime=jumping_clock_gettime shows
   that nothing waits for the time of the day. */
#define _GNU_SOURCE
#undef clock_gettime
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define YEAR_S 31536000L

int jumping_clock_gettime(clockid_t id, struct timespec *t);

int jumping_clock_gettime(clockid_t id, struct timespec *t)
{
    static unsigned reads;
    if (syscall(SYS_clock_gettime, id, t) != 0) return -1;
    if (id == CLOCK_REALTIME) t->tv_sec += reads++ % 2 != 0 ? YEAR_S : -YEAR_S;
    return 0;
}
