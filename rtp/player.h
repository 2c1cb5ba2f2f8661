/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plays a file to a leg: frames of any length from a shared prompt, or from two blocks that the file thread fills in turn. Never
 * waits: a frame that is not there yet is silence, counted as FILE_STALL. owner: worker.
 */
#pragma once

#include <stdint.h>

#include "rtp/file_client.h"

enum rln_player_state {
	RLN_PLAYER_AUDIO, /* the frame has sound (padded with silence where the file ended) */
	RLN_PLAYER_WAIT,  /* the file is not open yet: silence */
	RLN_PLAYER_STALL, /* the next block is late: silence, counted */
	RLN_PLAYER_END,   /* the last loop is over: silence; from now on always */
};

/*
 * Opens `path` and plays it `loops` times (0: for ever). 0; -EAGAIN: no player slot is free; -ENOBUFS: no block is free; -ENAMETOOLONG;
 * -EINVAL: no path. RLN_PLAYER_STARTED or RLN_PLAYER_FAILED follows; the pointer lives until rln_player_stop() or FAILED.
 */
int rln_player_start(struct rln_player **out, struct rln_file_client *client, uint64_t owner, const char *path, uint32_t loops)
	__attribute__((warn_unused_result));
/* The next `n` samples, always all of them. Loops join without a gap, inside a frame too. */
enum rln_player_state rln_player_frame(struct rln_player *player, int16_t *out, unsigned n);
/* Gives everything back, now or when the file thread has answered. No news follows. */
void rln_player_stop(struct rln_player *player);
/* Frames that stalled so far. */
uint32_t rln_player_stalls(const struct rln_player *player);
