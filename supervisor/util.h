/* Small helpers shared by every part: clocks, descriptors, bounded text. */
#ifndef CORRAL_UTIL_H
#define CORRAL_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t mono_us(void);    /* CLOCK_MONOTONIC, microseconds */
uint64_t mono_ms(void);    /* CLOCK_MONOTONIC, milliseconds */
uint64_t boot_ms(void);    /* CLOCK_BOOTTIME, milliseconds; goes on while the machine sleeps */
uint64_t real_ms(void);    /* milliseconds since 1970 */

/* Compares in a time that depends on n only. */
bool secret_equal(const uint8_t *a, const uint8_t *b, size_t n);

/* Overwrites n bytes; the compiler may not drop it. */
void wipe(void *p, size_t n);

/* Closes every descriptor >= 0 that is not in keep (ascending order). */
void close_all_except(const int *keep, size_t n);

/* Reads a file of at most cap - 1 bytes, NUL-terminated; the number of bytes, or -1 with errno. */
ssize_t read_small(const char *path, char *out, size_t cap);

/* Writes everything to a blocking descriptor; 0, or -1 with errno. */
int write_all(int fd, const void *data, size_t n);

int set_nonblock(int fd);
int set_cloexec(int fd, bool on);

/* n random bytes (getrandom, else /dev/urandom); false when neither works. */
bool random_bytes(void *out, size_t n);

/* Number of '\n' bytes. Short lines cost no more than long ones. */
size_t count_newlines(const uint8_t *data, size_t n);

/* One line on descriptor 2. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For small structures only: ends the process when memory is gone. */
void *must_alloc(size_t n);

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#endif
