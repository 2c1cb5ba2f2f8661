/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bus's trace, read and shown: as ladders of all calls on standard error (--trace, log.trace, /ringlane/trace), and of one
 * call at a time to whoever asks over a socket (`ringlane trace`, trace_client.h). The lcores only put copies into bounded
 * rings; everything here happens on the housekeeping thread, and what is too slow loses counted records or lines.
 * owner: the housekeeping thread, but for rln_trace_print().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "lcore/bus.h"

struct rln_trace;

/* fd: where ladders of all calls are printed. socket: path to listen on, NULL: none; one that cannot be had is logged, not an
 * error. 0 or -ENOMEM. */
int rln_trace_create(struct rln_trace **out, struct rln_bus *bus, int fd, const char *socket) __attribute__((warn_unused_result));
void rln_trace_destroy(struct rln_trace *trace);
struct rln_bus *rln_trace_bus(const struct rln_trace *trace);
/* Print every call from the housekeeping's next turn on, or no longer. Any thread. */
void rln_trace_print(struct rln_trace *trace, enum rln_config_trace how);
/* Takes up to `budget` records from the bus and shows them. Returns how many. */
unsigned rln_trace_read(struct rln_trace *trace, unsigned budget);
/* Shows one record. `text`: the private copy of its block's first bytes, or NULL; secrets in it are overwritten. */
void rln_trace_feed(struct rln_trace *trace, const struct rln_event *ev, unsigned endpoint, char *text, size_t room);
/* Everything else: who asks, what waits to be written, whether the bus's trace is wanted at all. Each turn. */
void rln_trace_serve(struct rln_trace *trace);

/* ns of our clock at which the event was published, from the low half of TSC >> 4 that it carries; exact within 28 s at 2.4
 * GHz. */
uint64_t rln_trace_time(const struct rln_event *ev, uint64_t tsc_now);
/* "control", "worker2", "app". Returns buf. */
const char *rln_trace_endpoint(unsigned endpoint, char buf[16]);
