/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine's side of ringlane_app.h: who has which call, and the operations. Each handler has a host under a name; each call of
 * one stands in a record by session slot, checked by generation, which is made at the slot's first use and kept. It is an observer
 * of what goes to applications: a call costs it one look per event and no thread.
 *
 * A record is taken in on_incoming_invite, before the session exists. When the factory cannot make it, or the caller is gone, the
 * slot comes back under another generation, and the old owner is told SESSION_TERMINATED then. owner: control lcore; hosts are
 * added by any thread.
 */
#pragma once

#include "lcore/bus.h"
#include "lcore/wheel.h"
#include "session/ringlane_app.h"

struct rln_coord;
struct rln_hosts;

struct rln_hosts_cfg {
	struct rln_coord *coord;
	struct rln_bus *bus;
	struct rln_wheel *wheel; /* control's */
};

/* 0, -ENOMEM or -errno. Main thread, before the lcores run. */
int rln_hosts_create(struct rln_hosts **out, const struct rln_hosts_cfg *cfg) __attribute__((warn_unused_result));
/* Tells every handler the end of the calls that are left, then on_stop, last added first. After the lcores ended; again: nothing. */
void rln_hosts_stop(struct rln_hosts *hosts);
/* Stops first. */
void rln_hosts_destroy(struct rln_hosts *hosts);

/* A handler under a name, both copied. 0; -EINVAL (abi, no name), -EEXIST, -ENOMEM. Any thread. */
int rln_hosts_add(struct rln_hosts *hosts, struct rln_host **out, const struct rln_handler *handler, const char *name,
	const char *options) __attribute__((warn_unused_result));
struct rln_host *rln_hosts_find(struct rln_hosts *hosts, const char *name);
/* The local peer that takes INVITEs and makes calls for hosts: `choose` names the host of each INVITE, NULL: 404. Control lcore.
 * With a host of its own, `only` non-NULL, there is nothing to choose. 0 or as rln_coord_add_peer(). */
struct rln_hosts_peer_cfg {
	const char *name;
	uint16_t port;
	bool any_user;
	struct rln_host *only;
	struct rln_host *(*choose)(void *arg, const struct rln_invite_details *invite);
	void *arg;
};
int rln_hosts_add_peer(struct rln_hosts *hosts, const struct rln_hosts_peer_cfg *cfg) __attribute__((warn_unused_result));
/* A host with a peer of its own: no more INVITEs, its calls hang up, then on_stop. 0; -ETIMEDOUT: calls are left. Not control. */
int rln_host_retire(struct rln_host *host, int timeout_ms);
/* A host that got no peer: its name is free again. */
void rln_host_forget(struct rln_host *host);
/* Calls that a handler has now. Any thread. */
uint32_t rln_host_calls(const struct rln_host *host);
