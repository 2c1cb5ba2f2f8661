/* SPDX-License-Identifier: BSD-3-Clause */
/* The media controller's worker side; see media_controller.h. */
#include "session/media_controller.h"

#include <errno.h>

struct rln_shard *rln_media_controller_new(const struct rln_shard_cfg *config, struct rln_bus *bus)
{
	struct rln_shard_cfg cfg = *config;
	struct rln_shard *shard = NULL;
	int rc;

	cfg.bus = bus;
	rc = rln_shard_create(&shard, &cfg);
	if (rc != 0)
		errno = -rc;
	return shard;
}

int rln_media_get_statistics(struct rln_shard *const *shards, unsigned n, struct rln_media_id id, struct rln_leg_stats *out)
{
	unsigned worker = rln_id_shard(id.v);

	return id.v && worker < n ? rln_shard_leg_stats(shards[worker], id.v, out) : -ENOENT;
}
