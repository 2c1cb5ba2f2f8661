/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ringlane's commands on DPDK's telemetry socket (dpdk-telemetry.py -f PREFIX). DPDK cannot take a command back, so they are
 * registered once in a process's life and answer from the appliance that runs now, or with {"running": 0}. They only read:
 * counters have one writer each.
 *
 *     /ringlane/calls     /ringlane/counters[,control|app|workerN]    /ringlane/lcores    /ringlane/rings    /ringlane/pools
 *     /ringlane/events    /ringlane/queues    /ringlane/ports    /ringlane/setup    /ringlane/log[,LEVEL]    /ringlane/trace[,on|off]
 */
#pragma once

#include "config/config.h"
#include "lcore/bus.h"
#include "lcore/loop.h"
#include "lcore/net/net.h"

struct rln_apps;
struct rln_coord;
struct rln_ports;
struct rln_shard;
struct rln_trace;

/* What runs; copied, the pointers live until rln_telemetry_close(). Any pointer may be NULL: its part stays out. */
struct rln_telemetry_view {
	const struct rln_config *config;
	struct rln_bus *bus;
	const struct rln_loop *control;
	unsigned workers;
	const struct rln_loop *loops[RLN_WORKERS_MAX];
	const struct rln_shard *shards[RLN_WORKERS_MAX];
	const struct rln_net_shared *net;
	const struct rln_ports *ports;
	const struct rln_coord *coord;
	const struct rln_apps *apps; /* NULL: no routes are served */
	struct rln_trace *trace;
};

/* After EAL is up and everything in the view exists. 0 or -errno. Main thread. */
int rln_telemetry_open(const struct rln_telemetry_view *view) __attribute__((warn_unused_result));
/* Returns when no command reads the view any more: from then on its objects may go. */
void rln_telemetry_close(void);
