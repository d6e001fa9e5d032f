/* Patterns of file names, as a shell expands them. Characters are UTF-8; ranges and the order of results go by code point. */
#ifndef CORRAL_GLOB_H
#define CORRAL_GLOB_H

#include <stdbool.h>
#include <stddef.h>

#include "plan.h"

/* Whether a pattern part is well formed: `*`, `?`, `[...]` and plain characters; no slash, no backslash. */
bool glob_pattern_valid(const char *pattern);

/* Whether one component of a path fits a pattern in which a backslash takes the meaning of what follows. A leading dot has to be written. */
bool glob_match(const char *pattern, size_t pattern_len, const char *name);

/* A growing, bounded vector of texts. */
struct texts {
    char **v;                   /* NULL-terminated once anything was added */
    size_t count, cap, bytes;
};

bool texts_add(struct texts *t, const char *text, size_t len);
void texts_free(struct texts *t);

enum glob_result { GLOB_OK = 0, GLOB_TOO_MUCH, GLOB_NO_MEMORY, GLOB_OUTSIDE };

/* Appends what a word stands for: itself, or the matches of its pattern in byte order, each that begins with '-' behind "./"; without a match,
   the pattern as it is written. With WORD_INSIDE every match must satisfy `inside`; the one that does not is left in *culprit. */
enum glob_result glob_word(const struct word *word, struct texts *out, bool (*inside)(const char *path), char **culprit);

#endif
