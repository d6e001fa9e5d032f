#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define SLOTS_FIRST 1024u

/* Open addressing; 0 = free. A print is its own key: two names in NAMES_MAX are taken for one with a probability of about 2^-16. */
static uint32_t *slots;
static size_t cap, used;
static bool incomplete;
static uint64_t seed;

uint64_t seeded_hash(uint64_t start, const void *data, size_t n)
{
    const uint8_t *p = data;
    if (seed == 0 && (!random_bytes(&seed, sizeof seed) || seed == 0)) seed = 0x9e3779b97f4a7c15u;
    uint64_t h = seed ^ start;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3u;
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 33);
}

static uint32_t print_of(int watch, const char *name)
{
    uint32_t print = (uint32_t)seeded_hash((uint64_t)(uint32_t)watch << 20, name, strlen(name));
    return print != 0 ? print : 1;
}

/* Where the print is, or the free slot where it would be. */
static size_t slot_of(uint32_t print)
{
    size_t at = print & (cap - 1);
    while (slots[at] != 0 && slots[at] != print) at = (at + 1) & (cap - 1);
    return at;
}

static bool grow(void)
{
    size_t before = cap, wanted = cap > 0 ? cap * 2 : SLOTS_FIRST;
    uint32_t *old = slots, *grown = calloc(wanted, sizeof *grown);
    if (grown == NULL) return false;
    slots = grown;
    cap = wanted;
    for (size_t i = 0; i < before; i++)
        if (old[i] != 0) slots[slot_of(old[i])] = old[i];
    free(old);
    return true;
}

void names_clear(void)
{
    free(slots);
    slots = NULL;
    cap = used = 0;
    incomplete = false;
}

void names_add(int watch, const char *name)
{
    if (used >= NAMES_MAX || (used * 4 >= cap * 3 && !grow())) {
        incomplete = true;
        return;
    }
    uint32_t print = print_of(watch, name);
    size_t at = slot_of(print);
    if (slots[at] == print) return;
    slots[at] = print;
    used++;
}

void names_remove(int watch, const char *name)
{
    if (cap == 0) return;
    uint32_t print = print_of(watch, name);
    size_t hole = slot_of(print);
    if (slots[hole] != print) return;
    used--;
    /* Whatever was put further on because of this one moves up. */
    for (size_t at = (hole + 1) & (cap - 1); slots[at] != 0; at = (at + 1) & (cap - 1)) {
        size_t home = slots[at] & (cap - 1);
        if (((at - home) & (cap - 1)) < ((at - hole) & (cap - 1))) continue;
        slots[hole] = slots[at];
        hole = at;
    }
    slots[hole] = 0;
}

bool names_has(int watch, const char *name)
{
    if (cap == 0) return false;
    uint32_t print = print_of(watch, name);
    return slots[slot_of(print)] == print;
}

bool names_complete(void) { return !incomplete; }
