/* SPDX-License-Identifier: BSD-3-Clause */
/* The handlers of the built-in applications, each made from its part of the config. What they hold goes in on_stop. */
#pragma once

#include "config/config.h"
#include "session/ringlane.h"

/* echo, play, record, tone, reject. */
void rln_route_app(struct rln_handler *out, const struct rln_config_route *route);
