/* Client connections of `serve`: trust, frames in, bounded frames out. */
#ifndef CORRAL_CONNECTION_H
#define CORRAL_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

#define CONNECTIONS_MAX 16
#define OUTPUT_MAX (8u * 1024 * 1024)     /* a peer that leaves more than this unread is dropped */
#define OUTPUT_PAUSE (1u * 1024 * 1024)   /* above this its requests wait */
#define HELLO_MS 5000u

struct connection {
    int fd;                 /* -1 = free slot */
    uint64_t serial;        /* never reused: how pending work names its client */
    bool greeted, events, dead;
    uint64_t hello_deadline;
    struct buffer in, out;
};

extern struct connection connections[CONNECTIONS_MAX];

void connections_init(void);
/* Accepts what waits on the listening socket. */
void connections_accept(int listener);
void connection_read(struct connection *c);
/* Handles buffered frames; true when some could be handled at once but were left for the next turn. */
bool connection_work(struct connection *c);
void connection_flush(struct connection *c);
void connection_drop(struct connection *c);
/* Closes those marked dead. */
void connections_sweep(void);

/* NULL when that client is gone. */
struct connection *connection_by_serial(uint64_t serial);

/* A frame to one client: begin, put_*, end. */
struct buffer *reply_begin(struct connection *c, uint8_t type, uint32_t id, size_t *mark);
void reply_end(struct connection *c, size_t mark);
void reply_ok(struct connection *c, uint32_t id);
void reply_error(struct connection *c, uint32_t id, int code, int err, const char *message);
/* A complete event frame to every client that asked for events. */
void broadcast(const struct buffer *frame);

/* dispatch.c: one frame of a peer. False = malformed or refused: the connection is to be closed. */
bool dispatch(struct connection *c, const struct frame *f);

#endif
