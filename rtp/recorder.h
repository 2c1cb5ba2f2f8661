/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recording legs, the worker's side. Samples have a place, counted in frames since the recording began, so what was lost or late on the way is
 * silence of the right length; a window of two blocks lets packets out of order find their place. Full blocks go to the file thread. Without a block or with
 * a full ring the samples are lost, counted (FILE_STALL), and the file gets silence in their place: gap_ms says how much.
 * owner: one worker.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "rtp/files.h"

struct rln_recorders; /* one worker's */
struct rln_recorder;

enum rln_recorder_channel { RLN_RECORD_RECEIVED, RLN_RECORD_SENT }; /* mono: both are the same; stereo: left, right */

int rln_recorders_create(struct rln_recorders **out, struct rln_files *files, unsigned endpoint, uint32_t capacity) __attribute__((warn_unused_result));
void rln_recorders_destroy(struct rln_recorders *recorders);
/* Recordings whose file is not closed yet: a worker that stops waits for zero. */
uint32_t rln_recorders_in_use(const struct rln_recorders *recorders);

/* Asks for a new file. channels 1: what is received; 2: left received, right sent. NULL and *error as rln_player_start(). */
struct rln_recorder *rln_recorder_start(struct rln_recorders *recorders, uint64_t owner, const char *path, size_t len, unsigned channels, uint64_t now_ns,
	int *error);
/* `n` samples of one direction at frame `at` (8 kHz, 0 = the start). What lies before the window is too late and dropped. */
void rln_recorder_put(struct rln_recorder *recorder, enum rln_recorder_channel channel, uint64_t at, const int16_t *pcm, size_t n);
/* The place of a clock time, for whoever puts by the clock. */
uint64_t rln_recorder_at(const struct rln_recorder *recorder, uint64_t now_ns);
bool rln_recorder_is_stereo(const struct rln_recorder *recorder);
/* Ends it at frame rln_recorder_at(now): what is left goes out, the file is closed; news say when. The leg may be gone by then. */
void rln_recorder_stop(struct rln_recorder *recorder, uint64_t now_ns);

struct rln_recorder_news {
	enum { RLN_RECORDER_STARTED, RLN_RECORDER_STOPPED, RLN_RECORDER_FAILED } kind; /* FAILED: an open or write failed, errno in result; STOPPED follows a failed write, not
	                                                                                  a failed open */
	uint64_t owner;
	struct rln_recorder *recorder; /* void after STOPPED and a failed open */
	bool gone;                     /* `recorder` is void */
	int result;
	uint32_t duration_ms, gap_ms;
	const char *path;              /* valid until the next call */
	size_t path_len;
};
/* An answer of the file thread to a RECORD op. True when it is news. */
bool rln_recorders_take(struct rln_recorders *recorders, const struct rln_io_msg *msg, uint64_t now_ns, struct rln_recorder_news *news);
