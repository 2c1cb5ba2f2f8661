/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The built-in call applications: the config's route table as handlers of ringlane_app.h, one for each route, queue and menu. A
 * local peer that takes every user part asks the table which handler an INVITE is for. This file and plugin.c join handlers to the
 * engine; the handlers themselves (route_apps.c, bridge.c, queue.c, ivr.c) see ringlane.h, the config and lcore's helpers, as any
 * application could. owner: control lcore.
 */
#pragma once

#include "config/config.h"
#include "session/apps/handlers.h"
#include "session/host.h"

struct rln_apps;

struct rln_apps_cfg {
	struct rln_hosts *hosts;
	const struct rln_config *config; /* outlives the apps */
};

struct rln_apps_fault { /* why they cannot be made: a value of the config, and what is wrong with it */
	const void *value; /* NULL: none is to blame */
	char text[512];
};

/* Takes the config's SIP port. 0, or -errno with *fault filled. Main thread, before the lcores run. */
int rln_apps_create(struct rln_apps **out, const struct rln_apps_cfg *cfg, struct rln_apps_fault *fault)
	__attribute__((warn_unused_result));
/* After rln_hosts_stop(). */
void rln_apps_destroy(struct rln_apps *apps);
/* Figures of queue number `queue` of the config, and its name; NULL beyond the last. Any thread. */
const char *rln_apps_queue(const struct rln_apps *apps, unsigned queue, struct rln_queue_figures *out);
