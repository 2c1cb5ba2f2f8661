/* SPDX-License-Identifier: BSD-3-Clause */
/* What an appliance consists of, for the files that start and stop it. */
#pragma once

#include "dpdk_app/eal.h"
#include "dpdk_app/stages.h"
#include "lcore/bus.h"
#include "lcore/net/net.h"

struct rln_appliance { /* owner: main thread; the pointers are constant while lcores run */
	struct rln_config config;
	struct rln_appliance_options options;
	struct rln_eal eal;
	struct rln_bus *bus;
	struct rln_ports *ports;
	struct rln_net_shared net;
	struct rln_placement *placement;
	struct rln_io *io;
	struct rln_files *files;
	struct rln_channels *channels;
	struct rln_taps *taps;
	struct rln_wheel *wheel;
	struct rln_transport *transport;
	struct rln_dialogs *dialogs;
	struct rln_coord *coord;
	struct rln_hosts *hosts;
	struct rln_apps *apps;
	struct rln_net *nets[RLN_WORKERS_MAX];
	struct rln_shard *shards[RLN_WORKERS_MAX];
	struct rln_loop *control, *loops[RLN_WORKERS_MAX];
	struct rln_tend *tend;
	unsigned left; /* still in use, counted by the undos */
	char left_text[256];
};

/* lcores.c: the loops and their tasks, before the lcores run and after they ended. 0 or -errno. */
int rln_lcores_make(struct rln_appliance *a);
void rln_lcores_free(struct rln_appliance *a);
/* Launches and ends the file thread, the workers and control, control last and first. */
int rln_lcores_run(struct rln_appliance *a);
void rln_lcores_end(struct rln_appliance *a);
