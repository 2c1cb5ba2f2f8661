/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of ringlane.h: audio to and from a call, in frames of 20 ms. */
#pragma once

#include "session/ringlane_call.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RLN_FRAME_SAMPLES 160 /* 20 ms at 8 kHz */

struct rln_audio_frame {
	uint32_t timestamp;   /* RTP clock of the frame's first sample; on send it is ignored */
	uint16_t samples_n;   /* at most RLN_FRAME_SAMPLES; fewer are padded with silence on send */
	uint16_t flags;       /* RLN_FRAME_* */
	int16_t samples[RLN_FRAME_SAMPLES];
};
#define RLN_FRAME_LOST 1u /* on receive: this frame fills a gap in the sequence */

/* Queues a frame; the media clock sends it. -EAGAIN: 1,000 frames wait already (wait with rln_call_wait_can_send); RLN_EENDED. */
int rln_call_send_audio(struct rln_call *call, const struct rln_audio_frame *frame);
/* Until there is room for `frames` frames. 0, RLN_ETIMEDOUT, RLN_EENDED. */
int rln_call_wait_can_send(struct rln_call *call, unsigned frames, int timeout_ms);
/* The next received frame. 0, RLN_ETIMEDOUT, RLN_EENDED. */
int rln_call_recv_audio(struct rln_call *call, struct rln_audio_frame *frame, int timeout_ms);

#ifdef __cplusplus
}
#endif
