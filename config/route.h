/* SPDX-License-Identifier: BSD-3-Clause */
/* The route table of the config: which application takes a call, and the names of its files. */
#pragma once

#include <stddef.h>

#include "config/config.h"

/* The first route whose pattern matches the user part of a request URI; NULL: nobody is here (404). Control lcore; no
 * allocation. */
const struct rln_config_route *rln_config_route_find(const struct rln_config *config, const char *user);

/* What {names} in a route's `record` and `file` stand for; NULL counts as "". */
struct rln_route_names {
	const char *user; /* {user}: user part that was called */
	const char *from; /* {from}: user part of the caller */
	const char *call; /* {call}: the session's id, "0-12-3" */
	const char *time; /* {time}: UTC, "20260131T101500Z" */
};

/* User part of a SIP URI or name-addr, without password and parameters; "" when there is none or it does not fit. Returns out. */
const char *rln_config_uri_user(const char *uri, char *out, size_t size);

/*
 * The path of a route's file: {names} replaced, characters that could leave the folder ("/", leading ".", control characters)
 * inside a replaced name turned into "_", `folder` before it unless the pattern is absolute. 0, -ENAMETOOLONG or -EINVAL
 * (unknown {name}).
 */
int rln_config_route_path(char *out, size_t size, const char *folder, const char *pattern, const struct rln_route_names *names);

/*
 * The URI that a route calls: {user} and {from} of `names` replaced, what a user part may not hold there (RFC 3261 25.1) left
 * out. 0, -ENAMETOOLONG or -EINVAL (unknown {name}).
 */
int rln_config_route_target(char *out, size_t size, const char *pattern, const struct rln_route_names *names);
