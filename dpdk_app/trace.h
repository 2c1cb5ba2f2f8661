/* SPDX-License-Identifier: BSD-3-Clause */
/* Trace lines for people: every delivered event with its time, the thread that delivered it, and the event that caused it. */
#pragma once

#include <stdint.h>

#include "lcore/bus.h"

/* ns of our clock at which the event was published, from the low half of TSC >> 4 that it carries; exact within 28 s at 2.4
 * GHz. */
uint64_t rln_trace_time(const struct rln_event *ev, uint64_t tsc_now);
/* "control", "worker2", "app". Returns buf. */
const char *rln_trace_endpoint(unsigned endpoint, char buf[16]);
/* Writes up to `budget` waiting trace lines to fd. One thread. Returns lines written. */
unsigned rln_trace_print(struct rln_bus *bus, int fd, unsigned budget);
