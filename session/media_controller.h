/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The media controller's worker side (R32, R147, R149): its construction, and what may be read of its legs from anywhere. The side
 * that gives it commands is media_ctl.h.
 */
#pragma once

#include "lcore/id.h"
#include "session/shard.h"

/* One worker's controller on this bus, which `config` need not name: legs, ports and the media hub in one. NULL and errno. Main
 * thread, before the lcores run; rln_shard_destroy() ends it. */
struct rln_shard *rln_media_controller_new(const struct rln_shard_cfg *config, struct rln_bus *bus);
/* The last published statistics of a leg, from the controllers of all `n` workers. 0 or -ENOENT. Any thread. */
int rln_media_get_statistics(struct rln_shard *const *shards, unsigned n, struct rln_media_id id, struct rln_leg_stats *out);
