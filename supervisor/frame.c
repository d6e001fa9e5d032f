#include "frame.h"

#include <stdlib.h>
#include <string.h>

#include "protocol.h"

bool buffer_reserve(struct buffer *b, size_t more)
{
    if (b->failed) return false;
    if (b->start > 0 && (b->start == b->len || b->cap - b->len < more)) {
        memmove(b->data, b->data + b->start, b->len - b->start);
        b->len -= b->start;
        b->start = 0;
    }
    if (b->cap - b->len >= more) return true;
    size_t want = b->cap ? b->cap : 512;
    while (want - b->len < more) want *= 2;
    uint8_t *grown = realloc(b->data, want);
    if (grown == NULL) {
        b->failed = true;
        return false;
    }
    b->data = grown;
    b->cap = want;
    return true;
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    memset(b, 0, sizeof *b);
}

void buffer_consume(struct buffer *b, size_t n)
{
    b->start += n;
    if (b->start < b->len) return;
    b->start = b->len = 0;
    /* A connection at rest holds little: one large frame must not pin its memory. */
    if (b->cap > 64u * 1024) buffer_free(b);
}

void put_bytes(struct buffer *b, const void *data, size_t n)
{
    if (n == 0 || !buffer_reserve(b, n)) return;
    memcpy(b->data + b->len, data, n);
    b->len += n;
}

static void put_little(struct buffer *b, uint64_t v, size_t n)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(v >> (8 * i));
    put_bytes(b, bytes, n);
}

void put_u8(struct buffer *b, uint8_t v) { put_little(b, v, 1); }
void put_u16(struct buffer *b, uint16_t v) { put_little(b, v, 2); }
void put_u32(struct buffer *b, uint32_t v) { put_little(b, v, 4); }
void put_u64(struct buffer *b, uint64_t v) { put_little(b, v, 8); }
void put_i32(struct buffer *b, int32_t v) { put_little(b, (uint32_t)v, 4); }

void put_str(struct buffer *b, const void *data, size_t n)
{
    put_u32(b, (uint32_t)n);
    put_bytes(b, data, n);
}

void put_text(struct buffer *b, const char *text) { put_str(b, text, strlen(text)); }

size_t frame_begin(struct buffer *b, uint8_t type, uint32_t id)
{
    size_t mark = b->len - b->start;
    put_u32(b, 0);
    put_u8(b, type);
    put_u32(b, id);
    return mark;
}

void frame_end(struct buffer *b, size_t mark)
{
    if (b->failed) return;
    uint8_t *p = b->data + b->start + mark;
    uint32_t len = (uint32_t)(b->len - b->start - mark - 4);
    for (size_t i = 0; i < 4; i++) p[i] = (uint8_t)(len >> (8 * i));
}

uint8_t *get_bytes(struct cursor *c, size_t n)
{
    if (c->bad || (size_t)(c->end - c->at) < n) {
        c->bad = true;
        return NULL;
    }
    uint8_t *p = c->at;
    c->at += n;
    return p;
}

static uint64_t get_little(struct cursor *c, size_t n)
{
    const uint8_t *p = get_bytes(c, n);
    uint64_t v = 0;
    for (size_t i = 0; p != NULL && i < n; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

uint8_t get_u8(struct cursor *c) { return (uint8_t)get_little(c, 1); }
uint16_t get_u16(struct cursor *c) { return (uint16_t)get_little(c, 2); }
uint32_t get_u32(struct cursor *c) { return (uint32_t)get_little(c, 4); }
uint64_t get_u64(struct cursor *c) { return get_little(c, 8); }
int32_t get_i32(struct cursor *c) { return (int32_t)(uint32_t)get_little(c, 4); }

struct slice get_str(struct cursor *c)
{
    struct slice s = { NULL, 0 };
    uint32_t len = get_u32(c);
    uint8_t *p = get_bytes(c, len);
    if (p != NULL) {
        s.data = p;
        s.len = len;
    }
    return s;
}

uint32_t get_count(struct cursor *c)
{
    uint32_t n = get_u32(c);
    if (c->bad || n > (size_t)(c->end - c->at) / 4) {
        c->bad = true;
        return 0;
    }
    return n;
}

bool cursor_done(const struct cursor *c) { return !c->bad && c->at == c->end; }

int frame_next(uint8_t *data, size_t len, size_t max, struct frame *out)
{
    memset(out, 0, sizeof *out);
    if (len < 4) return 0;
    struct cursor c = { data, data + len, false };
    uint32_t n = get_u32(&c);
    if (n < FRAME_MIN || n > max) return -1;
    out->whole = (size_t)n + 4;
    if (len < out->whole) return 0;
    out->type = get_u8(&c);
    out->id = get_u32(&c);
    out->payload = c.at;
    out->len = n - FRAME_MIN;
    return out->id == 0 ? -1 : 1;
}
