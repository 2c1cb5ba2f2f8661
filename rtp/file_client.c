/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker's end of the way to the file thread: see file_client.h. */
#include "rtp/file_client.h"

#include <errno.h>
#include <string.h>

#include "rtp/file_client_priv.h"

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
		__builtin_trap(); /* the count in file_client_setup.c is wrong: a block would be lost without a trace */
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
