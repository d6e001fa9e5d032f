/* WAIT_PORT: waits until something listens on a TCP port of this network namespace. */
#ifndef CORRAL_PORTS_H
#define CORRAL_PORTS_H

#include <stdint.h>

#include "connection.h"

void ports_wait(struct connection *c, uint32_t id, uint16_t port, uint32_t timeout_ms);
void ports_cancel(struct connection *c, uint32_t id);
/* Answers what is due; returns the time (mono_ms) of the next look, UINT64_MAX when nothing waits. */
uint64_t ports_tick(uint64_t now);

#endif
