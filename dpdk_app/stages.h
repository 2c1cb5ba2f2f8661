/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The appliance, started in stages that can be taken back: each stage has a start and an undo, the order is written out in stages.c, and what started is
 * stopped in reverse, at the end as after a failure. This is also the body of rln_runtime_start() and _stop() of session/ringlane.h: the one place right
 * of that header. owner: the main thread.
 */
#pragma once

#include <stdbool.h>

#include "config/config.h"

struct rln_appliance;
struct rln_telemetry_view;

struct rln_appliance_options {
	const char *eal_args; /* further EAL arguments, or NULL */
	const char *config_file; /* where the configuration was read, for faults; NULL: not from a file */
	bool routes;          /* serve: the route table of the config takes calls on the config's SIP port */
};

/* 0 and the running appliance; -errno, the reason logged, nothing left behind. One at a time in a process. */
int rln_appliance_start(struct rln_appliance **out, const struct rln_config *config, const struct rln_appliance_options *options)
	__attribute__((warn_unused_result));
/* Ends every call (BYE, recordings closed; at most drain_ms), then stops. Returns what was still in use afterwards (sessions, dialogs, legs, blocks,
 * packet buffers, ...), 0 when all came back; one log line says it. */
unsigned rln_appliance_stop(struct rln_appliance *appliance, int drain_ms);
/* Calls that are up. Any thread. */
unsigned rln_appliance_calls(const struct rln_appliance *appliance);
