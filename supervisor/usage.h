/* What processes that ended had used. */
#ifndef CORRAL_USAGE_H
#define CORRAL_USAGE_H

#include <stdint.h>
#include <sys/resource.h>

struct usage {
    uint64_t user_us, system_us;
    uint64_t maxrss_bytes;                 /* of the largest process */
    uint64_t read_bytes, written_bytes;    /* storage */
    uint64_t voluntary, involuntary;       /* context switches */
};

struct usage usage_of(const struct rusage *r);
/* Sums; maxrss is the larger one. */
void usage_add(struct usage *to, const struct usage *more);

#endif
