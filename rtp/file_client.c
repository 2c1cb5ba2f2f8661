/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker's end of the way to the file thread: see file_client.h. */
#include "rtp/file_client.h"

#include <errno.h>
#include <string.h>

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

struct rln_files_block *rln_file_client_block(struct rln_file_client *client)
{
	return client->blocks_free ? client->free[--client->blocks_free] : NULL;
}

void rln_file_client_block_put(struct rln_file_client *client, struct rln_files_block *block)
{
	if (block)
		client->free[client->blocks_free++] = block;
}

static bool waiting_send(struct rln_file_client *c)
{
	const struct rln_io_msg *msg;

	while ((msg = rln_fifo_peek(&c->waiting))) {
		if (!rln_io_ask(c->cfg.io, c->cfg.endpoint, msg))
			return false;
		rln_fifo_drop(&c->waiting);
	}
	return true;
}

void rln_file_client_ask(struct rln_file_client *client, const struct rln_io_msg *msg)
{
	if (waiting_send(client) && rln_io_ask(client->cfg.io, client->cfg.endpoint, msg))
		return;
	if (!rln_fifo_push(&client->waiting, msg))
		__builtin_trap(); /* the count above is wrong: a block would be lost without a trace */
}

int rln_file_client_path(struct rln_file_client *client, const char *path, struct rln_files_block **out)
{
	size_t len = path ? strnlen(path, RLN_FILES_PATH) : 0;

	if (len == 0)
		return -EINVAL;
	if (len >= RLN_FILES_PATH)
		return -ENAMETOOLONG;
	*out = rln_file_client_block(client);
	if (!*out)
		return -ENOBUFS;
	memcpy((*out)->path, path, len + 1);
	return 0;
}

static bool answer(struct rln_file_client *c, const struct rln_io_msg *msg, struct rln_file_news *news)
{
	uint32_t slot = (uint32_t)msg->arg[2];

	if (msg->result < 0)
		rln_counts_add(c->cfg.counts, RLN_C_FILE_ERROR, 1);
	if (msg->arg[2] & RLN_FILE_MARK_RECORDER)
		return rln_recorder_answer(&c->recorders[slot], msg, news);
	return rln_player_answer(&c->players[slot], msg, news);
}

bool rln_file_client_take(struct rln_file_client *client, struct rln_file_news *out)
{
	struct rln_io_msg msg;

	waiting_send(client);
	while (rln_io_take(client->cfg.io, client->cfg.endpoint, &msg)) {
		memset(out, 0, sizeof(*out));
		if (answer(client, &msg, out))
			return true;
	}
	return false;
}

void rln_file_client_counts(const struct rln_file_client *client, struct rln_file_client_counts *out)
{
	out->players = client->players_n;
	out->recorders = client->recorders_n;
	out->blocks_free = client->blocks_free;
	out->waiting = rln_fifo_count(&client->waiting);
}
