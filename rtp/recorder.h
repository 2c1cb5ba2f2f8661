/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records a leg: samples of one direction (mono) or of both (stereo: left received, right sent) find their place by time, so what
 * never came is silence in the file and counted in gap_ms. Two blocks are open at a time, so packets may overtake each other by
 * up to a block; what is older is dropped. When no block is free the samples are lost to the file, FILE_STALL counts, the gap
 * stays. Never waits. owner: worker.
 *
 * Time: the first packet of a side is placed by the clock, the others by their RTP timestamps (8 kHz) relative to it. When both
 * disagree by more than 500 ms (a new timestamp base, a sender's clock far off) the clock wins again; packets that were only held up
 * keep their place.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rtp/file_client.h"

enum rln_recorder_side { RLN_RECORDER_RECEIVED, RLN_RECORDER_SENT };

/*
 * Opens the file; recording counts from `now_ns`. 0; -EAGAIN: no recorder slot is free; -ENOBUFS: no block is free; -ENAMETOOLONG; -EINVAL.
 * RLN_RECORDER_STARTED follows if the file could be opened, and exactly one of RLN_RECORDER_STOPPED and RLN_RECORDER_FAILED ends it: the
 * pointer lives until then.
 */
int rln_recorder_start(struct rln_recorder **out, struct rln_file_client *client, uint64_t owner, const char *path, bool stereo,
	uint64_t now_ns) __attribute__((warn_unused_result));
/* `n` samples whose first one has this RTP timestamp. Mono: both sides are added up. After the stop: ignored. */
void rln_recorder_push(struct rln_recorder *recorder, enum rln_recorder_side side, uint32_t timestamp, const int16_t *samples,
	unsigned n, uint64_t now_ns);
/* The side's next packet is placed by the clock (its SSRC changed). */
void rln_recorder_restart(struct rln_recorder *recorder, enum rln_recorder_side side);
/* The file ends at `now_ns`. STOPPED or FAILED follows. A second call does nothing. */
void rln_recorder_stop(struct rln_recorder *recorder, uint64_t now_ns);
bool rln_recorder_is_stereo(const struct rln_recorder *recorder);
const char *rln_recorder_path(const struct rln_recorder *recorder);
