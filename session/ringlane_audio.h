/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Part of ringlane.h: audio to and from a call, in frames of 20 ms that the media clock paces.
 *
 * A call's audio stands behind two channels, one each way, of 1,000 frames (20 s) each: a frame that finds the received one full is dropped
 * and counted, one that finds the sent one full is the caller's again (-EAGAIN). They are made when the application first asks for them.
 *
 * Threads: each channel by one thread at a time, the two of a call by different threads at once.
 */
#pragma once

#include "session/ringlane_call.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RLN_FRAME_SAMPLES 160 /**< 20 ms at 8 kHz */
#define RLN_FRAME_LOST    1u  /**< flags of a received frame: it fills a gap in the sequence */

/** 20 ms of audio: 16 bit, 8 kHz, mono. */
struct rln_audio_frame {
	uint32_t timestamp;   /**< RTP clock of the frame's first sample; on send it is ignored */
	uint16_t samples_n;   /**< at most RLN_FRAME_SAMPLES; fewer are padded with silence on send */
	uint16_t flags;       /**< RLN_FRAME_* */
	int16_t samples[RLN_FRAME_SAMPLES]; /**< linear, the machine's byte order */
};

/** Queues a frame; the media clock sends it. Takes the call's channels on first use. 0; -EAGAIN: 1,000 frames wait already (see
 * rln_call_wait_can_send()); RLN_EENDED; -ENOMEM or -ENOSPC: no channels. */
int rln_call_send_audio(struct rln_call *call, const struct rln_audio_frame *frame);
/** Until there is room for `frames` frames (at most 1,000). 0, RLN_ETIMEDOUT, RLN_EENDED; -ENOMEM, -ENOSPC. */
int rln_call_wait_can_send(struct rln_call *call, unsigned frames, int timeout_ms);
/** The next received frame. Takes the call's channels on first use. 0; RLN_ETIMEDOUT: none came; RLN_EENDED: the call is over and every frame
 * was read, or nothing was ever received for 30 s (see rln_audio_recv()); -ENOMEM, -ENOSPC. */
int rln_call_recv_audio(struct rln_call *call, struct rln_audio_frame *frame, int timeout_ms);

struct rln_audio_tx; /* A call's audio toward its peer; the call's, until rln_call_free(). */
struct rln_audio_rx; /* A call's audio from its peer: the call's, or that of rln_media_subscribe_to_audio_frames(). */

/** Waits for AUDIO_CHANNELS_READY and gives the call's two channels; either pointer may be NULL. The same ones each time. 0;
 * RLN_ECALLFAILED, RLN_ETIMEDOUT, RLN_EENDED; -ENOMEM or -ENOSPC: no channels. */
int rln_call_audio_channels_when_ready(struct rln_call *call, int timeout_ms, struct rln_audio_tx **tx, struct rln_audio_rx **rx);
/** The same, with the default timeout of 5 s. */
int rln_call_audio_channels(struct rln_call *call, struct rln_audio_tx **tx, struct rln_audio_rx **rx);

/** Queues a frame. 0, -EAGAIN (1,000 wait already) or RLN_EENDED. */
int rln_audio_send(struct rln_audio_tx *tx, const struct rln_audio_frame *frame);
/** Until there is room for `frames` frames (at most 1,000). 0, RLN_ETIMEDOUT or RLN_EENDED. */
int rln_audio_wait_can_send(struct rln_audio_tx *tx, unsigned frames, int timeout_ms);
/** The next received frame. 0, RLN_ETIMEDOUT, or RLN_EENDED: the call is over and every frame was read. The first frame is logged. When
 * none came for 30 s, counted from the first such wait after MEDIA_NEGOTIATED (of a reader of its own: from its first), that is logged as a
 * warning and the receiver ends: RLN_EENDED. */
int rln_audio_recv(struct rln_audio_rx *rx, struct rln_audio_frame *frame, int timeout_ms);
/** For poll loops: an eventfd that becomes readable once a frame is there or the end came. Read frames until RLN_ETIMEDOUT (timeout 0), then
 * call this again before the next poll(). The channel's; not to be read or closed. RLN_EENDED: the runtime stopped. */
int rln_audio_fd(struct rln_audio_rx *rx);

/** What a channel moved; received_dropped: frames that came while 1,000 waited. */
struct rln_audio_figures {
	uint64_t received;         /**< frames from the peer that were read */
	uint64_t received_dropped; /**< frames from the peer that found the channel full */
	uint64_t sent;             /**< frames given to send, those that wait included */
};
/** Of the call's channels; all 0 when it has none. */
void rln_call_audio_figures(const struct rln_call *call, struct rln_audio_figures *out);

#ifdef __cplusplus
}
#endif
