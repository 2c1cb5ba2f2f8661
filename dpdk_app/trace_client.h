/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ringlane trace` and its server. The client connects to a stream socket in the run folder and sends one line,
 *
 *     trace verbose=0 colour=1 calls=1 what=from text=alice
 *
 * gets "ok" or "error: why" as a line, then the ladders as text; the server closes after the last call. It shows one call at a
 * time, the next one that fits. Text is made on the server: whoever can connect is who may read the run folder, and what
 * leaves is masked already. A client that reads too slowly loses lines, and is told how many; the server never waits for it.
 * owner: the housekeeping thread.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "dpdk_app/ladder.h"

#define RLN_TRACE_CLIENTS 4
#define RLN_TRACE_FILTER  128 /* bytes of a filter's text */

enum rln_trace_what { RLN_TRACE_NEXT, RLN_TRACE_ID, RLN_TRACE_CALL_ID, RLN_TRACE_FROM, RLN_TRACE_TO, RLN_TRACE_WHATS };

struct rln_trace_request {
	enum rln_trace_what what;
	char text[RLN_TRACE_FILTER];
	unsigned calls; /* then it ends; 1 to 1000000 */
	bool verbose, colour;
};

/* "next", "id=s0/3#1", "call-id=...", "from=alice", "to=bob" into what and text. 0, or -EINVAL with the reason in why. */
int rln_trace_filter_parse(struct rln_trace_request *out, const char *filter, const char **why);
/* The line that is sent, without its end; and back. 0 or -EINVAL. */
void rln_trace_request_text(const struct rln_trace_request *request, char *buf, size_t size);
int rln_trace_request_parse(struct rln_trace_request *out, const char *line);
/* Does the request mean the call that this event belongs to? */
bool rln_trace_request_fits(const struct rln_trace_request *request, const struct rln_traced *t, const struct rln_trace_place *place);

/* ---- the server's side; every function takes NULL for a door that could not be opened ---- */

struct rln_trace_door;

/* 0; -ENOMEM; another -errno is logged. */
int rln_trace_door_open(struct rln_trace_door **out, const char *path) __attribute__((warn_unused_result));
void rln_trace_door_close(struct rln_trace_door *door);
/* Is anybody there who waits for events? */
bool rln_trace_door_is_wanted(const struct rln_trace_door *door);
/* An event for whom it may concern; `line` is room to write in. */
void rln_trace_door_show(struct rln_trace_door *door, const struct rln_traced *t, const struct rln_trace_place *place,
	struct rln_ladder_text *line);
void rln_trace_door_tell_lost(struct rln_trace_door *door, unsigned long lost);
/* New clients, requests, output; never waits. */
void rln_trace_door_serve(struct rln_trace_door *door);

/* ---- the client's side ---- */

/* Copies a server's ladders to `out` until it is done, `seconds` (< 0: no limit) passed or *stop was set. 0; -errno with the
 * reason on `err`. */
int rln_trace_attach(const char *path, const struct rln_trace_request *request, double seconds, const volatile int *stop, FILE *out,
	FILE *err);
