/* The frame codec: a growing output buffer and a bounded input cursor. */
#ifndef CORRAL_FRAME_H
#define CORRAL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes [start, len) are pending. When memory is gone `failed` is set and appends do nothing. */
struct buffer {
    uint8_t *data;
    size_t start, len, cap;
    bool failed;
};

bool buffer_reserve(struct buffer *b, size_t more);
void buffer_free(struct buffer *b);
/* Drops n pending bytes from the front. */
void buffer_consume(struct buffer *b, size_t n);
static inline size_t buffer_pending(const struct buffer *b) { return b->len - b->start; }

void put_u8(struct buffer *b, uint8_t v);
void put_u16(struct buffer *b, uint16_t v);
void put_u32(struct buffer *b, uint32_t v);
void put_u64(struct buffer *b, uint64_t v);
void put_i32(struct buffer *b, int32_t v);
void put_bytes(struct buffer *b, const void *data, size_t n);
void put_str(struct buffer *b, const void *data, size_t n);
void put_text(struct buffer *b, const char *text);

/* Begins a frame; the value goes to frame_end, which fills in the length. The mark counts from b->start, so it stays valid when the
   buffer moves. */
size_t frame_begin(struct buffer *b, uint8_t type, uint32_t id);
void frame_end(struct buffer *b, size_t mark);

/* A view of bytes that somebody else owns. */
struct slice {
    uint8_t *data;
    uint32_t len;
};

/* After the first read past the end, `bad` stays set and every value is zero. */
struct cursor {
    uint8_t *at, *end;
    bool bad;
};

uint8_t get_u8(struct cursor *c);
uint16_t get_u16(struct cursor *c);
uint32_t get_u32(struct cursor *c);
uint64_t get_u64(struct cursor *c);
int32_t get_i32(struct cursor *c);
uint8_t *get_bytes(struct cursor *c, size_t n);
struct slice get_str(struct cursor *c);
/* The count of a list; set bad when that many strings cannot follow. */
uint32_t get_count(struct cursor *c);
/* True when everything was read and nothing was missing. */
bool cursor_done(const struct cursor *c);

struct frame {
    uint8_t type;
    uint32_t id;
    uint8_t *payload;
    size_t len;
    size_t whole;    /* bytes of the frame including its length field */
};

/* 1: a frame is there. 0: more bytes are needed (`whole` is set once the length is known, else 0). -1: the length or the id is invalid. */
int frame_next(uint8_t *data, size_t len, size_t max, struct frame *out);

#endif
