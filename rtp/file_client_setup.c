/* SPDX-License-Identifier: BSD-3-Clause */
/* All memory of the worker's end, made at the start; apart from rtp/file_client, whose object needs no allocator. */
#include <errno.h>

#include "lcore/heap.h"
#include "rtp/file_client_priv.h"

/* Requests that can wait at the same time: of a player the close of the former file, an open, two reads and a close; of a recorder the
   same without reads; and each block once. Nothing is asked twice before its answer came. */
#define REQUESTS_PLAYER   5u
#define REQUESTS_RECORDER 3u
#define ALIGN             64u

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 64;

	while (p < n)
		p *= 2;
	return p;
}

static int slots_create(struct rln_file_client *c)
{
	c->players = rln_zalloc((c->cfg.players + 1u) * sizeof(*c->players));
	c->recorders = rln_zalloc((c->cfg.recorders + 1u) * sizeof(*c->recorders));
	if (!c->players || !c->recorders)
		return -ENOMEM;
	for (unsigned i = c->cfg.players; i-- > 0;) {
		c->players[i].client = c;
		c->players[i].next_free = c->players_free;
		c->players_free = &c->players[i];
	}
	for (unsigned i = c->cfg.recorders; i-- > 0;) {
		c->recorders[i].client = c;
		c->recorders[i].next_free = c->recorders_free;
		c->recorders_free = &c->recorders[i];
	}
	return 0;
}

static int blocks_create(struct rln_file_client *c)
{
	c->memory = rln_alloc_aligned(ALIGN, c->cfg.blocks * sizeof(*c->memory));
	c->free = rln_alloc(c->cfg.blocks * sizeof(*c->free));
	if (!c->memory || !c->free)
		return -ENOMEM;
	for (unsigned i = 0; i < c->cfg.blocks; i++)
		c->free[i] = &c->memory[i];
	c->blocks_free = c->cfg.blocks;
	return 0;
}

int rln_file_client_create(struct rln_file_client **out, const struct rln_file_client_cfg *cfg)
{
	uint32_t requests = power_of_two(cfg->players * REQUESTS_PLAYER + cfg->recorders * REQUESTS_RECORDER + cfg->blocks);
	struct rln_file_client *c;
	int rc = -ENOMEM;

	if (!cfg->io || !cfg->counts || cfg->blocks == 0)
		return -EINVAL;
	c = rln_zalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->cfg = *cfg;
	if (rln_fifo_init(&c->waiting, requests, requests) < 0 || blocks_create(c) < 0 || slots_create(c) < 0)
		goto out;
	*out = c;
	return 0;
out:
	rln_file_client_destroy(c);
	return rc;
}

void rln_file_client_destroy(struct rln_file_client *client)
{
	if (!client)
		return;
	rln_fifo_fini(&client->waiting);
	rln_free(client->memory);
	rln_free(client->free);
	rln_free(client->players);
	rln_free(client->recorders);
	rln_free(client);
}
