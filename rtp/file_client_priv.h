/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the worker's end, shared by rtp/file_client, rtp/player and rtp/recorder and seen by their tests. owner: one worker. */
#pragma once

#include "lcore/fifo.h"
#include "lcore/io.h"
#include "rtp/file_client.h"
#include "rtp/files.h"
#include "rtp/player.h"
#include "rtp/recorder.h"

struct rln_player_ready { /* a block that the file thread has filled */
	struct rln_files_block *block;
	uint32_t len, used;
	bool end; /* the file's last */
};

struct rln_player {
	struct rln_file_client *client;
	struct rln_player *next_free;
	enum {
		RLN_PLAYER_FREE,
		RLN_PLAYER_OPENING,
		RLN_PLAYER_SHARED,
		RLN_PLAYER_STREAM,
		RLN_PLAYER_CLOSING /* stopped; waits for answers that are still to come */
	} phase;
	bool over;       /* everything was played */
	uint8_t reads;   /* stream: blocks on their way */
	uint8_t ready_n; /* stream: blocks below */
	uint32_t loops;  /* shared: still to play, 0 = for ever */
	uint32_t stalls;
	uint64_t owner, file;
	const int16_t *samples; /* shared */
	uint64_t n, at;
	struct rln_files_block *path; /* while OPENING */
	struct rln_player_ready ready[2];
	char name[RLN_FILES_PATH];
};

struct rln_recorder_side_state {
	bool placed;      /* anchor is valid */
	uint8_t late_n;   /* packets in a row that came too late for their timestamp */
	uint32_t ts;      /* RTP timestamp of the last packet, */
	int64_t at;       /* which stands at this frame */
	int64_t end;      /* furthest frame so far */
	int64_t floor;    /* nothing more goes below this one */
	uint64_t covered; /* frames that came and are kept */
};

struct rln_recorder_window {           /* frames base + i * block frames and on */
	struct rln_files_block *block; /* NULL: nothing came for it */
	uint32_t len;                  /* frames in use */
};

struct rln_recorder {
	struct rln_file_client *client;
	struct rln_recorder *next_free;
	enum {
		RLN_RECORDER_FREE,
		RLN_RECORDER_OPENING,
		RLN_RECORDER_OPEN,
		RLN_RECORDER_CLOSING, /* CLOSE is on its way; its answer is news */
		RLN_RECORDER_DYING    /* FAILED was told; CLOSE's answer frees the slot */
	} phase;
	bool stop; /* before the file was open */
	uint8_t channels;
	uint64_t owner, file;
	uint64_t start_ns;
	uint64_t base;                /* frame of window[0] */
	uint64_t frames;              /* of the whole file: the furthest sample, in the end the stop */
	struct rln_files_block *path; /* while OPENING */
	struct rln_recorder_side_state side[2];
	struct rln_recorder_window window[2];
	char name[RLN_FILES_PATH];
};

struct rln_file_client { /* owner: worker */
	struct rln_file_client_cfg cfg;
	struct rln_files_block *memory;
	struct rln_files_block **free; /* blocks_free of them */
	uint32_t blocks_free;
	struct rln_player *players, *players_free;
	struct rln_recorder *recorders, *recorders_free;
	uint32_t players_n, recorders_n; /* in use */
	struct rln_fifo waiting;         /* requests that found the ring full; has room for every one that there can be */
	char news_path[RLN_FILES_PATH];
};

/* arg[2] of a request: whose it is. */
#define RLN_FILE_MARK_RECORDER (1ull << 32)

/* NULL: none is free. */
struct rln_files_block *rln_file_client_block(struct rln_file_client *client);
/* NULL is allowed. */
void rln_file_client_block_put(struct rln_file_client *client, struct rln_files_block *block);
/* Never fails: what the ring does not take waits in order. */
void rln_file_client_ask(struct rln_file_client *client, const struct rln_io_msg *msg);
/* A block that holds the path, for a request to open. 0, -EINVAL, -ENAMETOOLONG or -ENOBUFS. */
int rln_file_client_path(struct rln_file_client *client, const char *path, struct rln_files_block **out);
/* player.c, recorder.c: an answer; true = news. */
bool rln_player_answer(struct rln_player *player, const struct rln_io_msg *msg, struct rln_file_news *news);
bool rln_recorder_answer(struct rln_recorder *recorder, const struct rln_io_msg *msg, struct rln_file_news *news);
