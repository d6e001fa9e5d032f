#define _GNU_SOURCE
#include "glob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than the kernel takes as arguments of one program. */
#define TEXTS_BYTES_MAX (8u * 1024 * 1024)
#define FOLDERS_MAX 100000u

/* ---- one component ---- */

static bool is_class(const char *name, size_t n, uint32_t c, bool *matches)
{
    static const char *const names[] = { "alnum", "alpha", "blank", "digit", "lower", "punct", "space", "upper", "xdigit" };
    bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
    bool graph = c > ' ' && c < 0x7f;
    bool hex = digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    const bool is[] = { upper || lower || digit, upper || lower, c == ' ' || c == '\t', digit, lower, graph && !upper && !lower && !digit,
                        c == ' ' || (c >= '\t' && c <= '\r'), upper, hex };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0) {
            *matches = is[i];
            return true;
        }
    return false;
}

/* The length of the class name at p, which points behind "[:"; 0 when there is none. */
static size_t class_length(const char *p, const char *end)
{
    size_t n = 0;
    while (p + n < end && p[n] >= 'a' && p[n] <= 'z') n++;
    bool ignored;
    return (size_t)(end - p) >= n + 2 && p[n] == ':' && p[n + 1] == ']' && is_class(p, n, 0, &ignored) ? n : 0;
}

/* The end of the bracket expression that begins at p, behind its ']'; NULL when it is not well formed. */
static const char *bracket_end(const char *p, const char *end)
{
    p++;
    if (p < end && (*p == '!' || *p == '^')) p++;
    for (bool first = true; p < end; first = false) {
        if (*p == ']' && !first) return p + 1;
        if (*p == '[') {
            size_t n = p + 1 < end && p[1] == ':' ? class_length(p + 2, end) : 0;
            if (n == 0) return NULL;
            p += n + 4;
        } else {
            p++;
        }
    }
    return NULL;
}

bool glob_pattern_valid(const char *pattern)
{
    const char *end = pattern + strlen(pattern);
    if (strpbrk(pattern, "/\\") != NULL) return false;
    for (const char *p = pattern; p < end;) {
        p = *p == '[' ? bracket_end(p, end) : p + 1;
        if (p == NULL) return false;
    }
    return true;
}

/* Bytes of the UTF-8 character at p; 0 when it is none. */
static size_t character(const char *p, const char *end, uint32_t *c)
{
    const uint8_t *u = (const uint8_t *)p;
    size_t n = u[0] < 0x80 ? 1 : u[0] >= 0xc2 && u[0] < 0xe0 ? 2 : u[0] >= 0xe0 && u[0] < 0xf0 ? 3 : u[0] >= 0xf0 && u[0] < 0xf5 ? 4 : 0;
    if (n == 0 || (size_t)(end - p) < n) return 0;
    uint32_t v = n == 1 ? u[0] : u[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80) return 0;
        v = v << 6 | (u[i] & 0x3fu);
    }
    if ((n == 3 && (v < 0x800 || (v >= 0xd800 && v < 0xe000))) || (n == 4 && (v < 0x10000 || v > 0x10ffff))) return 0;
    *c = v;
    return n;
}

static bool is_utf8(const char *p, const char *end)
{
    uint32_t c;
    while (p < end) {
        size_t n = character(p, end, &c);
        if (n == 0) return false;
        p += n;
    }
    return true;
}

/* The next character, or byte where the texts are no UTF-8. */
static uint32_t next(const char **p, const char *end, bool wide)
{
    uint32_t c = (uint8_t)**p;
    *p += wide ? character(*p, end, &c) : 1;
    return c;
}

/* Whether c is in the bracket expression at *p, which moves behind it. */
static bool in_bracket(const char **p, const char *end, uint32_t c, bool wide)
{
    const char *stop = bracket_end(*p, end) - 1;
    const char *at = *p + 1;
    bool not = *at == '!' || *at == '^', found = false;
    if (not) at++;
    while (at < stop) {
        if (*at == '[') {
            size_t n = class_length(at + 2, end);
            bool matches = false;
            is_class(at + 2, n, c, &matches);
            found = found || matches;
            at += n + 4;
            continue;
        }
        uint32_t low = next(&at, stop, wide), high = low;
        /* A class is no end of a range. */
        if (at + 1 < stop && *at == '-' && at[1] != '[') {
            at++;
            high = next(&at, stop, wide);
        }
        found = found || (c >= low && c <= high);
    }
    *p = stop + 1;
    return found != not;
}

static bool one(const char **p, const char *end, uint32_t c, bool wide)
{
    if (**p == '[') return in_bracket(p, end, c, wide);
    if (**p == '?') {
        ++*p;
        return true;
    }
    if (**p == '\\') ++*p;
    return next(p, end, wide) == c;
}

bool glob_match(const char *pattern, size_t pattern_len, const char *name)
{
    const char *p = pattern, *end = pattern + pattern_len, *s = name, *name_end = name + strlen(name);
    const char *star = NULL, *resume = NULL;
    bool wide = is_utf8(pattern, end) && is_utf8(name, name_end);
    if (*name == '.' && !(pattern_len > 0 && (*p == '.' || (pattern_len > 1 && p[0] == '\\' && p[1] == '.')))) return false;
    /* After a mismatch the last star takes one character more: that is enough, as nothing before it could do better. */
    while (s < name_end) {
        if (p < end && *p == '*') {
            star = ++p;
            resume = s;
            continue;
        }
        const char *at = s;
        uint32_t c = next(&at, name_end, wide);
        if (p < end && one(&p, end, c, wide)) {
            s = at;
            continue;
        }
        if (star == NULL) return false;
        p = star;
        (void)next(&resume, name_end, wide);
        s = resume;
    }
    while (p < end && *p == '*') p++;
    return p == end;
}

/* ---- texts ---- */

bool texts_add(struct texts *t, const char *text, size_t len)
{
    if (t->count + 1 >= t->cap) {
        size_t cap = t->cap == 0 ? 16 : t->cap * 2;
        char **v = realloc(t->v, cap * sizeof *v);
        if (v == NULL) return false;
        t->v = v;
        t->cap = cap;
    }
    char *copy = malloc(len + 1);
    if (copy == NULL) return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    t->v[t->count++] = copy;
    t->v[t->count] = NULL;
    t->bytes += len + 1 + sizeof(char *);
    return true;
}

void texts_free(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++) free(t->v[i]);
    free(t->v);
    memset(t, 0, sizeof *t);
}

/* ---- paths ---- */

struct search {
    struct texts *out;
    char path[PATH_MAX];
    unsigned folders;
    enum glob_result result;
};

static bool has_pattern(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\\') i++;
        else if (p[i] == '*' || p[i] == '?' || p[i] == '[') return true;
    }
    return false;
}

/* Appends n bytes of a pattern without its backslashes; the new length, or 0 when it is too long. */
static size_t append_plain(struct search *s, size_t at, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\\') i++;
        if (at + 1 >= sizeof s->path) return 0;
        s->path[at++] = p[i];
    }
    s->path[at] = 0;
    return at;
}

static void found(struct search *s, size_t len)
{
    if (s->out->bytes > TEXTS_BYTES_MAX) s->result = GLOB_TOO_MUCH;
    else if (!texts_add(s->out, s->path, len)) s->result = GLOB_NO_MEMORY;
}

static void skip_slashes(const char **p, size_t *n)
{
    while (*n > 0 && **p == '/') ++*p, --*n;
}

/* Expands `rest`, of n bytes, behind the first `at` bytes of s->path. Behind a pattern several slashes count as one, in the results, too. */
static void expand(struct search *s, size_t at, const char *rest, size_t n, bool behind_pattern)
{
    struct stat st;
    const char *slash;
    size_t len;
    /* What holds no pattern is taken as it stands; the last of it has to exist. */
    for (;;) {
        slash = memchr(rest, '/', n);
        len = slash == NULL ? n : (size_t)(slash - rest);
        if (has_pattern(rest, len)) break;
        size_t whole = slash == NULL ? len : len + 1;
        if (whole > 0 && (at = append_plain(s, at, rest, whole)) == 0) return;
        rest += whole;
        n -= whole;
        if (behind_pattern) skip_slashes(&rest, &n);
        if (slash != NULL && n > 0) continue;
        if (at == 0) return;
        if (s->path[at - 1] == '/' ? stat(s->path, &st) == 0 && S_ISDIR(st.st_mode) : lstat(s->path, &st) == 0) found(s, at);
        return;
    }
    if (++s->folders > FOLDERS_MAX) {
        s->result = GLOB_TOO_MUCH;
        return;
    }
    int fd = open(at == 0 ? "." : s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        if (fd >= 0) close(fd);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) s->result = GLOB_NO_MEMORY;
        return;
    }
    /* The names first, so that one folder is open at a time. */
    struct texts names = { 0 };
    struct dirent *e;
    while (s->result == GLOB_OK && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || !glob_match(rest, len, e->d_name)) continue;
        if (names.bytes > TEXTS_BYTES_MAX) s->result = GLOB_TOO_MUCH;
        else if (!texts_add(&names, e->d_name, strlen(e->d_name))) s->result = GLOB_NO_MEMORY;
    }
    closedir(dir);
    rest += len;
    n -= len;
    skip_slashes(&rest, &n);
    for (size_t i = 0; i < names.count && s->result == GLOB_OK; i++) {
        size_t name = strlen(names.v[i]);
        if (at + name + 2 > sizeof s->path) continue;
        memcpy(s->path + at, names.v[i], name + 1);
        if (slash == NULL) {
            found(s, at + name);
            continue;
        }
        s->path[at + name] = '/';
        s->path[at + name + 1] = 0;
        if (n > 0) expand(s, at + name + 1, rest, n, true);
        else if (stat(s->path, &st) == 0 && S_ISDIR(st.st_mode)) found(s, at + name + 1);
    }
    s->path[at] = 0;
    texts_free(&names);
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The pattern of a word: its literal parts with a backslash before what could be taken for a pattern. NULL without memory. */
static char *pattern_of(const struct word *word, size_t *len)
{
    size_t n = 0;
    for (uint32_t i = 0; i < word->count; i++) n += word->parts[i].text.len * (size_t)2;
    char *pattern = malloc(n + 1), *to = pattern;
    if (pattern == NULL) return NULL;
    for (uint32_t i = 0; i < word->count; i++)
        for (const char *p = word->parts[i].text.data; *p != 0; p++) {
            if (word->parts[i].kind == PART_LITERAL && strchr("*?[\\", *p) != NULL) *to++ = '\\';
            *to++ = *p;
        }
    *len = (size_t)(to - pattern);
    return pattern;
}

static enum glob_result add_joined(const struct word *word, struct texts *out)
{
    size_t n = 0;
    for (uint32_t i = 0; i < word->count; i++) n += word->parts[i].text.len;
    char *text = malloc(n + 1), *to = text;
    if (text == NULL) return GLOB_NO_MEMORY;
    for (uint32_t i = 0; i < word->count; i++) to = mempcpy(to, word->parts[i].text.data, word->parts[i].text.len);
    bool added = texts_add(out, text, n);
    free(text);
    return !added ? GLOB_NO_MEMORY : out->bytes > TEXTS_BYTES_MAX ? GLOB_TOO_MUCH : GLOB_OK;
}

static enum glob_result add_matches(const struct texts *matches, const struct word *word, struct texts *out, bool (*inside)(const char *), char **culprit)
{
    for (size_t i = 0; i < matches->count; i++) {
        char *match = matches->v[i];
        char dashed[PATH_MAX + 2] = "./";
        if ((word->flags & WORD_INSIDE) && !inside(match)) {
            *culprit = strdup(match);
            return GLOB_OUTSIDE;
        }
        if (*match == '-') {
            memcpy(dashed + 2, match, strlen(match) + 1);
            match = dashed;
        }
        if (!texts_add(out, match, strlen(match))) return GLOB_NO_MEMORY;
        if (out->bytes > TEXTS_BYTES_MAX) return GLOB_TOO_MUCH;
    }
    return GLOB_OK;
}

enum glob_result glob_word(const struct word *word, struct texts *out, bool (*inside)(const char *path), char **culprit)
{
    bool pattern_in_it = false;
    for (uint32_t i = 0; i < word->count; i++) pattern_in_it = pattern_in_it || word->parts[i].kind == PART_PATTERN;
    if (!pattern_in_it) return add_joined(word, out);

    size_t len;
    char *pattern = pattern_of(word, &len);
    if (pattern == NULL) return GLOB_NO_MEMORY;
    struct texts matches = { 0 };
    struct search search;
    search.out = &matches;
    search.path[0] = 0;
    search.folders = 0;
    search.result = GLOB_OK;
    expand(&search, 0, pattern, len, false);
    free(pattern);
    enum glob_result result = search.result;
    if (result == GLOB_OK && matches.count == 0) result = add_joined(word, out);
    if (matches.count > 1) qsort(matches.v, matches.count, sizeof *matches.v, by_bytes);
    if (result == GLOB_OK && matches.count > 0) result = add_matches(&matches, word, out, inside, culprit);
    texts_free(&matches);
    return result;
}
