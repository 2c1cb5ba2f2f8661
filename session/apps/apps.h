/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The built-in call applications: the config's route table as a signalling handler of a local peer that takes every user part.
 * It decides on each INVITE, and acts on what becomes of its calls by the same commands that an application publishes; it is an
 * observer of session_to_application, so a call costs it one look per event and no thread. owner: control lcore.
 */
#pragma once

#include "config/config.h"
#include "lcore/bus.h"
#include "lcore/wheel.h"

struct rln_apps;
struct rln_coord;

struct rln_apps_cfg {
	struct rln_coord *coord;
	struct rln_bus *bus;
	struct rln_wheel *wheel;         /* control's */
	const struct rln_config *config; /* outlives the apps */
};

/* Takes the config's SIP port. 0 or -errno. Main thread, before the lcores run. */
int rln_apps_create(struct rln_apps **out, const struct rln_apps_cfg *cfg) __attribute__((warn_unused_result));
/* After the lcores ended. */
void rln_apps_destroy(struct rln_apps *apps);
