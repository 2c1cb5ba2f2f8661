/* SPDX-License-Identifier: BSD-3-Clause */
/* The handlers of the built-in applications, each made from its part of the config, which outlives it. What they hold goes in
 * on_stop. Those that return int: 0 or -ENOMEM. */
#pragma once

#include "config/config.h"
#include "session/ringlane.h"

/* route_apps.c: echo, play, record, tone, reject. */
void rln_route_app(struct rln_handler *out, const struct rln_config_route *route);
/* Was the call answered, and has it not begun to end? A call that is given to a handler may be held or bridged. */
bool rln_app_is_answered(enum rln_call_state state);
/* bridge.c: of a route, or with NULL the one that calls are given to, text: the target. */
int rln_bridge_app(struct rln_handler *out, const struct rln_config_route *route) __attribute__((warn_unused_result));
/* queue.c */
int rln_queue_app(struct rln_handler *out, const struct rln_config_queue *queue) __attribute__((warn_unused_result));
/* ivr.c */
int rln_menu_app(struct rln_handler *out, const struct rln_config_menu *menu) __attribute__((warn_unused_result));

/* Names of hosts, for give(): "queue:sales", "menu:main"; the bridge that takes calls is "bridge". */
#define RLN_APP_NAME 48
#define RLN_APP_BRIDGE "bridge"
#define RLN_APP_QUEUE  "queue:"
#define RLN_APP_MENU   "menu:"

struct rln_queue_figures { /* since the start, but for waiting, ringing and talking */
	uint64_t waiting, ringing, talking, free; /* callers that wait; agents that ring, talk, could be called */
	uint64_t entered, refused, answered, abandoned, timed_out; /* refused: full or without agents; timed_out: longest wait */
	uint64_t not_answered; /* calls to agents that led to nothing by the agent's side */
	uint64_t waited_ms;    /* of those that were answered, together */
};
/* Of a handler that rln_queue_app() made. Any thread. */
void rln_queue_figures(const struct rln_handler *queue, struct rln_queue_figures *out);
