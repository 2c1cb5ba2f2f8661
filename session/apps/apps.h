/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The built-in applications: the config's route table as one local peer that takes every user part of the server's SIP port. A route names what
 * becomes of a call: echo, tone (the leg does it), play, record (files), reject. They stand on what any application has: a signalling handler, events
 * of session_to_application (here as an observer on the control lcore), and the coordinator's commands.
 */
#pragma once

#include "config/config.h"
#include "session/coordinator.h"

struct rln_apps; /* owner: control lcore */

/* Adds the peer `config->sip.name` on `config->sip.port`. `config` stays valid as long as the applications. 0 or -errno. Main thread, before the lcores run. */
int rln_apps_create(struct rln_apps **out, struct rln_coord *coord, const struct rln_config *config) __attribute__((warn_unused_result));
/* After the lcores ended, before the coordinator goes. */
void rln_apps_destroy(struct rln_apps *apps);
