/* Runs the fuzz target without libFuzzer: every corpus file, then random mutations of them.
   driver CORPUS_DIR SECONDS COUNT [SEED]; ends at whichever bound comes first. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 65536u
#define FILES_MAX 256

static struct { uint8_t *data; size_t len; } corpus[FILES_MAX];
static size_t files;
static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static size_t below(size_t n) { return n == 0 ? 0 : (size_t)(next() % n); }

static size_t mutate(uint8_t *d, size_t n)
{
    static const uint32_t odd[] = { 0, 1, 4, 5, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x3fffff, 0x400000, 0x400001, 0x7fffffff,
                                    0x80000000u, 0xfffffffcu, 0xffffffffu };
    size_t at = below(n), len;
    switch (below(8)) {
    case 0: if (n > 0) d[at] ^= (uint8_t)(1u << below(8)); break;
    case 1: if (n > 0) d[at] = (uint8_t)next(); break;
    case 2: if (n >= 4) memcpy(d + below(n - 3), &odd[below(sizeof odd / sizeof odd[0])], 4); break;
    case 3: if (n >= 4) { uint32_t v = (uint32_t)below(n + 8); memcpy(d + below(n - 3), &v, 4); } break;
    case 4: n = at; break;
    case 5:
        len = 1 + below(16);
        if (n + len > INPUT_MAX) break;
        memmove(d + at + len, d + at, n - at);
        for (size_t i = 0; i < len; i++) d[at + i] = (uint8_t)next();
        n += len;
        break;
    case 6:
        len = below(n - at < 16 ? n - at : 16);
        memmove(d + at, d + at + len, n - at - len);
        n -= len;
        break;
    default: {
        size_t k = below(files), from = below(corpus[k].len);
        len = corpus[k].len - from;
        if (n + len > INPUT_MAX) break;
        memcpy(d + n, corpus[k].data + from, len);
        n += len;
    }
    }
    return n;
}

/* The frame's length is made right again in most inputs: otherwise few would pass the first check. A plan has none. */
static void repair(uint8_t *d, size_t n)
{
    if (n < 10 || (d[0] & 12) != 0 || below(8) == 0) return;
    uint32_t len = (uint32_t)(n - 5);
    memcpy(d + 1, &len, 4);
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    DIR *dir = opendir(argv[1]);
    struct dirent *e;
    while (dir != NULL && (e = readdir(dir)) != NULL && files < FILES_MAX) {
        char path[4096];
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        FILE *f = fopen(path, "rb");
        if (f == NULL) continue;
        corpus[files].data = malloc(INPUT_MAX);
        corpus[files].len = fread(corpus[files].data, 1, INPUT_MAX, f);
        fclose(f);
        LLVMFuzzerTestOneInput(corpus[files].data, corpus[files].len);
        files++;
    }
    if (dir != NULL) closedir(dir);
    if (files == 0) {
        fprintf(stderr, "no corpus in %s\n", argv[1]);
        return 2;
    }
    state = argc > 4 ? strtoull(argv[4], NULL, 10) : 20260101;
    if (state == 0) state = 1;
    uint64_t seed = state, count = strtoull(argv[3], NULL, 10), done = 0;
    time_t end = time(NULL) + atoi(argv[2]);
    static uint8_t input[INPUT_MAX];
    while (done < count && ((done & 1023) != 0 || time(NULL) < end)) {
        size_t k = below(files), n = corpus[k].len;
        memcpy(input, corpus[k].data, n);
        for (size_t i = 1 + below(6); i > 0; i--) n = mutate(input, n);
        repair(input, n);
        LLVMFuzzerTestOneInput(input, n);
        done++;
    }
    printf("fuzz: %zu corpus files, %llu inputs, seed %llu, no finding\n", files, (unsigned long long)done, (unsigned long long)seed);
    return 0;
}
