/* WAIT_PORT and WAIT_FILE: waits until something listens on a TCP port of this network namespace, or a name exists beneath the roots. */
#ifndef CORRAL_WAITS_H
#define CORRAL_WAITS_H

#include <stdint.h>

#include "connection.h"

void wait_port(struct connection *c, uint32_t id, uint16_t port, uint32_t timeout_ms);
void wait_file(struct connection *c, uint32_t id, struct slice path, uint32_t timeout_ms);
void wait_cancel(struct connection *c, uint32_t id);
/* Answers what is due; returns the time (mono_ms) of the next look, UINT64_MAX when nothing waits. */
uint64_t waits_tick(uint64_t now);

#endif
