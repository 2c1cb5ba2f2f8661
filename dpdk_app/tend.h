/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Housekeeping beside the lcores, on a thread of its own: prints log lines and traced events, refines the clock's rate. It waits on a condition with a
 * timeout, so it costs nothing between its turns.
 */
#pragma once

#include "config/config.h"
#include "lcore/bus.h"

struct rln_tend;
struct rln_trace;

/* Applies the config's log and trace settings and starts. trace_socket: where `ringlane trace` finds us, NULL: nowhere. 0 or
 * -errno. Main thread. */
int rln_tend_start(struct rln_tend **out, struct rln_bus *bus, const struct rln_config *config, const char *trace_socket)
	__attribute__((warn_unused_result));
struct rln_trace *rln_tend_trace(struct rln_tend *tend);
/* Prints what is left and ends. */
void rln_tend_stop(struct rln_tend *tend);
/* Waits `ms` on the caller's thread; for the drain. */
void rln_tend_pause(struct rln_tend *tend, int ms);
