/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which worker gets the next leg, and which worker a UDP port belongs to. Session and media ids carry the worker in their shard,
 * so control must choose it before the leg exists: rln_placement_take() picks the worker with the fewest legs (ties go round),
 * the session keeps the number and gives it back with rln_placement_release() when the leg has reported its end.
 *
 * RTP ports are data: [port_min, port_max] is cut into one contiguous slice of pairs (even RTP, odd RTCP) per worker, the same
 * on every local address. Constant after create, so owner_of() may be asked by any thread; SIP ports come and go with peers
 * and are counted in a table of atomics. Leg counts belong to the control lcore.
 */
#pragma once

#include "lcore/addr.h"

struct rln_placement;

struct rln_placement_cfg {
	unsigned workers;
	uint16_t port_min, port_max; /* RTP range, inclusive; an odd minimum is raised by one */
	uint32_t legs_per_worker;    /* the shards' capacity */
};

/* 0, -EINVAL (no worker, or fewer pairs than workers) or -ENOMEM. */
int rln_placement_create(struct rln_placement **out, const struct rln_placement_cfg *cfg) __attribute__((warn_unused_result));
void rln_placement_destroy(struct rln_placement *placement);

/* The worker for the next leg, or -ENOSPC when every worker is full (admission control answers 503). Control. */
int rln_placement_take(struct rln_placement *placement) __attribute__((warn_unused_result));
/* The same on a worker that is named already; -ENOSPC when it is full, -EINVAL. Control. */
int rln_placement_take_on(struct rln_placement *placement, unsigned worker) __attribute__((warn_unused_result));
void rln_placement_release(struct rln_placement *placement, unsigned worker);
/* Legs placed on a worker; any thread, a snapshot. */
uint32_t rln_placement_legs(const struct rln_placement *placement, unsigned worker);

struct rln_port_slice {
	uint16_t first; /* even */
	uint16_t pairs;
};
/* A worker's part of the range. Any thread. */
struct rln_port_slice rln_placement_slice(const struct rln_placement *placement, unsigned worker);

/* Datagrams to this port of ours are SIP. Counted, so that two users of a port may come and go. Main or control. */
void rln_placement_add_sip_port(struct rln_placement *placement, uint16_t port);
void rln_placement_del_sip_port(struct rln_placement *placement, uint16_t port);
/* For struct rln_net_shared: worker, RLN_NET_CONTROL or RLN_NET_NOBODY. SIP ports win over the RTP range. Any thread. */
int rln_placement_owner_of(const void *placement, const struct rln_addr *local);
