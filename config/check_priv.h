/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of check share: one run over one configuration, and how a rule names its culprit. */
#pragma once

#include "config/check.h"
#include "config/device.h"
#include "config/schema.h"

struct rln_check {
	const struct rln_config *config;
	const struct rln_config_marks *marks;
	struct rln_config_report *report;
};

/* A fault at the position of `value`, which lies in the configuration. */
void rln_check_blame(struct rln_check *c, const void *value, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Was the value given in the file? */
bool rln_check_given(const struct rln_check *c, const void *value);
/* Of two values that contradict each other the one that was given; the first when both or none were. */
const void *rln_check_either(const struct rln_check *c, const void *first, const void *second);

/* check_net.c: ports, devices, addresses, routes. */
void rln_check_net(struct rln_check *c);
/* check_apps.c: routes, queues, menus. */
void rln_check_apps(struct rln_check *c);
/* check_registrations.c */
void rln_check_registrations(struct rln_check *c);
