#include "usage.h"

#define BLOCK_BYTES 512u    /* the unit of ru_inblock and ru_oublock */

static uint64_t micros(struct timeval t) { return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_usec; }

struct usage usage_of(const struct rusage *r)
{
    return (struct usage){ .user_us = micros(r->ru_utime), .system_us = micros(r->ru_stime), .maxrss_bytes = (uint64_t)r->ru_maxrss * 1024u,
                           .read_bytes = (uint64_t)r->ru_inblock * BLOCK_BYTES, .written_bytes = (uint64_t)r->ru_oublock * BLOCK_BYTES,
                           .voluntary = (uint64_t)r->ru_nvcsw, .involuntary = (uint64_t)r->ru_nivcsw };
}

void usage_add(struct usage *to, const struct usage *more)
{
    to->user_us += more->user_us;
    to->system_us += more->system_us;
    if (more->maxrss_bytes > to->maxrss_bytes) to->maxrss_bytes = more->maxrss_bytes;
    to->read_bytes += more->read_bytes;
    to->written_bytes += more->written_bytes;
    to->voluntary += more->voluntary;
    to->involuntary += more->involuntary;
}
