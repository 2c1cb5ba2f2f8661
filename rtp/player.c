/* SPDX-License-Identifier: BSD-3-Clause */
/* Players: see player.h. A slot is free again when no answer can come for it any more. */
#include "rtp/player.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rtp/file_client_priv.h"

#define BLOCKS 2u

static void ask(struct rln_player *p, enum rln_files_op op, struct rln_files_block *block)
{
	const struct rln_io_msg msg = {
		.op = (uint16_t)op,
		.owner = p->owner,
		.file = p->file,
		.data = block,
		.arg = {p->loops, 0, (uint64_t)(p - p->client->players)},
	};

	rln_file_client_ask(p->client, &msg);
}

int rln_player_start(struct rln_player **out, struct rln_file_client *client, uint64_t owner, const char *path, uint32_t loops)
{
	struct rln_player *p = client->players_free, *next;
	struct rln_files_block *block;
	int rc;

	if (!p)
		return -EAGAIN;
	rc = rln_file_client_path(client, path, &block);
	if (rc < 0)
		return rc;
	next = p->next_free;
	*p = (struct rln_player){.client = client, .phase = RLN_PLAYER_OPENING, .owner = owner, .loops = loops, .path = block};
	memcpy(p->name, block->path, sizeof(p->name));
	client->players_free = next;
	client->players_n++;
	ask(p, RLN_FILES_OPEN_PROMPT, block);
	*out = p;
	return 0;
}

static void slot_free(struct rln_player *p)
{
	struct rln_file_client *c = p->client;

	p->phase = RLN_PLAYER_FREE;
	p->next_free = c->players_free;
	c->players_free = p;
	c->players_n--;
}

/* ---- playing ---- */

/* Gives up to `n` samples; fewer only at the end. */
static unsigned take_shared(struct rln_player *p, int16_t *out, unsigned n)
{
	unsigned done = 0;

	while (done < n) {
		uint64_t left = p->n - p->at;
		unsigned part = n - done < left ? n - done : (unsigned)left;

		memcpy(out + done, p->samples + p->at, part * sizeof(*out));
		done += part;
		p->at += part;
		if (p->at < p->n)
			continue;
		if (p->loops == 1) {
			p->over = true;
			break;
		}
		p->loops -= p->loops > 1;
		p->at = 0;
	}
	return done;
}

/* As many blocks as there may be on their way. A pool that is empty only means that one has to do. */
static void read_more(struct rln_player *p, struct rln_files_block *block)
{
	if (!block && (unsigned)p->reads + p->ready_n < BLOCKS)
		block = rln_file_client_block(p->client);
	if (!block)
		return;
	p->reads++;
	ask(p, RLN_FILES_READ, block);
}

static void ready_drop(struct rln_player *p)
{
	struct rln_player_ready first = p->ready[0];

	p->ready[0] = p->ready[1];
	p->ready_n--;
	if (first.end) {
		p->over = true;
		rln_file_client_block_put(p->client, first.block);
		return;
	}
	read_more(p, first.block);
}

static unsigned take_stream(struct rln_player *p, int16_t *out, unsigned n)
{
	unsigned done = 0;

	while (done < n && p->ready_n > 0) {
		struct rln_player_ready *r = &p->ready[0];
		unsigned left = r->len - r->used, part = n - done < left ? n - done : left;

		memcpy(out + done, r->block->samples + r->used, part * sizeof(*out));
		done += part;
		r->used += part;
		if (r->used == r->len)
			ready_drop(p);
	}
	return done;
}

enum rln_player_state rln_player_frame(struct rln_player *player, int16_t *out, unsigned n)
{
	unsigned got = 0;
	bool was_over = player->over;

	if (!was_over && player->phase == RLN_PLAYER_SHARED)
		got = take_shared(player, out, n);
	else if (!was_over && player->phase == RLN_PLAYER_STREAM)
		got = take_stream(player, out, n);
	memset(out + got, 0, (n - got) * sizeof(*out));
	if (got == n)
		return RLN_PLAYER_AUDIO;
	if (player->over)
		return got > 0 ? RLN_PLAYER_AUDIO : RLN_PLAYER_END;
	if (player->phase == RLN_PLAYER_OPENING)
		return RLN_PLAYER_WAIT;
	player->stalls++;
	rln_counts_add(player->client->cfg.counts, RLN_C_FILE_STALL, 1);
	return RLN_PLAYER_STALL;
}

uint32_t rln_player_stalls(const struct rln_player *player)
{
	return player->stalls;
}

/* ---- the end ---- */

/* Asks the file thread to close; the slot goes when the last read has come back. */
static void close_file(struct rln_player *p)
{
	ask(p, RLN_FILES_CLOSE_PROMPT, NULL);
	for (unsigned i = 0; i < p->ready_n; i++)
		rln_file_client_block_put(p->client, p->ready[i].block);
	p->ready_n = 0;
	p->phase = RLN_PLAYER_CLOSING;
	if (p->reads == 0)
		slot_free(p);
}

void rln_player_stop(struct rln_player *player)
{
	if (player->phase == RLN_PLAYER_OPENING)
		player->phase = RLN_PLAYER_CLOSING; /* the answer will say whether there is a file to close */
	else
		close_file(player);
}

/* ---- answers ---- */

static bool fail(struct rln_player *p, int result, struct rln_file_news *news)
{
	memcpy(p->client->news_path, p->name, sizeof(p->name));
	*news = (struct rln_file_news){
		.kind = RLN_PLAYER_FAILED, .result = result, .owner = p->owner, .path = p->client->news_path};
	return true;
}

static bool opened(struct rln_player *p, const struct rln_io_msg *msg, struct rln_file_news *news)
{
	struct rln_files_block *block = p->path;
	bool stopped = p->phase == RLN_PLAYER_CLOSING;

	p->path = NULL;
	p->file = msg->file;
	if (msg->result < 0) {
		rln_file_client_block_put(p->client, block);
		slot_free(p);
		return !stopped && fail(p, msg->result, news);
	}
	if (stopped) {
		rln_file_client_block_put(p->client, block);
		close_file(p);
		return false;
	}
	if (msg->flags & RLN_FILES_SHARED) {
		p->phase = RLN_PLAYER_SHARED;
		p->samples = msg->data;
		p->n = msg->arg[1];
		rln_file_client_block_put(p->client, block);
	} else {
		p->phase = RLN_PLAYER_STREAM;
		read_more(p, block);
		read_more(p, NULL);
	}
	memcpy(p->client->news_path, p->name, sizeof(p->name));
	*news = (struct rln_file_news){.kind = RLN_PLAYER_STARTED, .owner = p->owner, .path = p->client->news_path};
	return true;
}

static bool block_came(struct rln_player *p, const struct rln_io_msg *msg, struct rln_file_news *news)
{
	bool closing = p->phase == RLN_PLAYER_CLOSING;

	p->reads--;
	if (closing || msg->result < 0 || p->over || (p->ready_n && p->ready[p->ready_n - 1].end)) {
		rln_file_client_block_put(p->client, msg->data);
		if (closing && p->reads == 0)
			slot_free(p);
		if (closing || msg->result == 0)
			return false;
		close_file(p);
		return fail(p, msg->result, news);
	}
	if (msg->len == 0) { /* the block before was the last one, though it did not know */
		rln_file_client_block_put(p->client, msg->data);
		if (p->ready_n)
			p->ready[p->ready_n - 1].end = true;
		p->over = p->ready_n == 0;
		return false;
	}
	p->ready[p->ready_n++] = (struct rln_player_ready){msg->data, msg->len, 0, (msg->flags & RLN_FILES_END) != 0};
	return false;
}

bool rln_player_answer(struct rln_player *player, const struct rln_io_msg *msg, struct rln_file_news *news)
{
	return msg->op == RLN_FILES_OPEN_PROMPT ? opened(player, msg, news) : block_came(player, msg, news);
}
