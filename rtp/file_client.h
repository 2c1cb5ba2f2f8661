/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The worker's end of the way to the file thread: the blocks of samples, the slots of players and recorders, requests that wait for
 * room in the ring, and the answers. All memory is made at the start. owner: one worker (one endpoint of lcore/io).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lcore/count.h"

struct rln_io;
struct rln_file_client;
struct rln_player;
struct rln_recorder;

struct rln_file_client_cfg {
	struct rln_io *io;
	unsigned endpoint;
	struct rln_counts *counts; /* the worker's: FILE_STALL, FILE_ERROR */
	unsigned blocks; /* of RLN_FILES_BLOCK_SAMPLES: a recorder fills two at a time, a player of a long file has two */
	unsigned players, recorders; /* at once */
};

enum rln_file_news_kind {
	RLN_PLAYER_STARTED,   /* the file is there: frames will follow */
	RLN_PLAYER_FAILED,    /* result says why; the player is gone */
	RLN_RECORDER_STARTED, /* the file is open */
	RLN_RECORDER_STOPPED, /* closed and whole; the recorder is gone */
	RLN_RECORDER_FAILED,  /* result says why; what was written is in "<path>.part"; the recorder is gone */
};

struct rln_file_news {
	enum rln_file_news_kind kind;
	int result;       /* 0 or -errno */
	uint64_t owner;   /* as given at the start: the leg's media id */
	const char *path; /* as given at the start; valid until the next rln_file_client_take() */
	bool after_stop;  /* recorders: rln_recorder_stop() had been called */
	/* STOPPED: length of the file, and for how long nothing was received, or kept for want of a block */
	uint32_t duration_ms, gap_ms;
};

/* 0, -EINVAL or -ENOMEM. Main thread. */
int rln_file_client_create(struct rln_file_client **out, const struct rln_file_client_cfg *cfg)
	__attribute__((warn_unused_result));
/* After the file thread ended. */
void rln_file_client_destroy(struct rln_file_client *client);
/* Sends what waits and takes answers until one is news (true: `out` is filled) or none is left. Never waits. Worker. */
bool rln_file_client_take(struct rln_file_client *client, struct rln_file_news *out);

struct rln_file_client_counts {
	uint32_t players, recorders; /* slots in use, those that wait for their last answer included */
	uint32_t blocks_free;
	uint32_t waiting; /* requests that found the ring full */
};
void rln_file_client_counts(const struct rln_file_client *client, struct rln_file_client_counts *out);
