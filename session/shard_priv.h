/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of a shard, for its media hub and their tests. owner: worker. */
#pragma once

#include "lcore/batch.h"
#include "lcore/slots.h"
#include "rtp/file_client.h"
#include "rtp/pipeline.h"
#include "session/media_priv.h"
#include "session/shard.h"

/* Port pairs of one address that nobody has, oldest first. */
struct rln_port_fifo {
	uint16_t *pair;
	uint32_t head, count; /* head: index of the oldest; room for every pair of the slice */
};

struct rln_shard {
	struct rln_shard_cfg cfg;
	uint64_t now_ns; /* of the current turn */
	struct rln_slots *legs;
	struct rln_leg_cold *cold; /* [slot of the leg] */
	struct rln_port_table ports;
	void *cold_memory, *rows_memory; /* as allocated; the tables are aligned inside */
	struct rln_port_fifo free[RLN_NET_ADDRS];
	struct rln_pipeline *pipeline;
	struct rln_file_client *files; /* NULL: no file thread */
	struct rln_media_hub *hub;
	uint64_t housekeep_ns;
	uint32_t age_cursor;            /* slot to look at next */
	struct rln_shard_counts counts; /* writer: worker; read by anyone, field by field */
	struct rln_batch batch;
};

/* A leg on a port pair of local address `local`. 0; -EADDRNOTAVAIL: no such address; -EADDRINUSE: no port left; -ENOMEM: no slot. */
int rln_shard_add_leg(struct rln_shard *shard, unsigned local, struct rln_leg **out) __attribute__((warn_unused_result));
/* NULL for a stale id (counted). */
struct rln_leg *rln_shard_leg(const struct rln_shard *shard, uint64_t media_id);
/* The leg was closed: its port rests, its slot is free. */
void rln_shard_del_leg(struct rln_shard *shard, struct rln_leg *leg);

static inline void rln_shard_count(uint32_t *figure, int n)
{
	__atomic_store_n(figure, (uint32_t)((int)*figure + n), __ATOMIC_RELAXED);
}
