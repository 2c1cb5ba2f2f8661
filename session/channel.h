/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Audio channels: the pair of frame rings between one leg (its worker) and one application thread. Allocated by the application's
 * side when it takes them, so a call that never asks for audio pays nothing (R39). What crosses is a handle in ATTACH_CHANNELS.
 *
 * Life: open (application) -> join (worker, at ATTACH_CHANNELS, to speak or only to listen) -> part (worker, at attach 0 or the leg's end) and leave
 * (application), in either order. The side that goes second marks the channel dead and rln_channels_ring() frees it on the
 * control lcore: a worker never frees memory. Opened and never joined: leave() alone frees it.
 *
 * Waking: see rtp/frame_ring.h. The worker sets a bit, rln_channels_ring() on the control lcore turns bits into eventfd writes.
 * The delay is one turn of the control loop (its longest sleep while calls are up).
 */
#pragma once

#include "session/ringlane.h"

struct rln_channels; /* the process's table; owner: main thread; entries: any thread */
struct rln_channel;  /* owner: one application thread and one worker, each of its own ends */
struct rln_frame_ring;

/* Room for `capacity` channels at once. 0, -EINVAL or -ENOMEM. */
int rln_channels_create(struct rln_channels **out, unsigned capacity) __attribute__((warn_unused_result));
void rln_channels_destroy(struct rln_channels *channels);
/* A task of the control lcore: rings the bells that workers set and frees dead channels. Returns how many it served. */
unsigned rln_channels_ring(void *channels, uint64_t now_ns);
/* Channels that exist; a run ends with zero. Any thread. */
unsigned rln_channels_in_use(const struct rln_channels *channels);

/* ---- application side: one thread at a time per channel ---- */

/* A fresh channel and the handle for ATTACH_CHANNELS. 0, -ENOMEM, -ENOSPC (table full) or -errno of eventfd(). Any thread. */
int rln_channel_open(struct rln_channels *channels, struct rln_channel **out, uint64_t *handle)
	__attribute__((warn_unused_result));
/* Gives it back; the pointer is void from now on. */
void rln_channel_leave(struct rln_channels *channels, struct rln_channel *channel);
/* Queues a frame to the peer. 0, -EAGAIN (1,000 wait already) or RLN_EENDED. */
int rln_channel_send(struct rln_channel *channel, const struct rln_audio_frame *frame);
/* Until there is room for `frames` (at most 1,000). 0, RLN_ETIMEDOUT or RLN_EENDED; timeout_ms < 0 waits for ever. */
int rln_channel_wait_can_send(struct rln_channel *channel, unsigned frames, int timeout_ms);
/* The next received frame. 0, RLN_ETIMEDOUT, or RLN_EENDED once the leg has gone and every frame was read. */
int rln_channel_recv(struct rln_channel *channel, struct rln_audio_frame *frame, int timeout_ms);
/* For poll loops that wait on several things: arms the bell and returns an eventfd that becomes readable when a frame is there
 * or the end came. Read frames until RLN_ETIMEDOUT (timeout 0), then call it again before the next poll(). */
int rln_channel_fd(struct rln_channel *channel);
/* Frames dropped because the application read too slowly; frames that it read, and that it gave to send. */
struct rln_channel_figures {
	uint64_t received, received_dropped, sent;
	bool joined, ended;
};
void rln_channel_figures(const struct rln_channel *channel, struct rln_channel_figures *out);
/* Ends it from the session's side (the call failed before a leg joined): waits return RLN_EENDED. Any thread but workers. */
void rln_channel_end(struct rln_channels *channels, uint64_t handle);

/* ---- worker side ---- */

/* The two rings as the leg sees them: it pushes to `in` what it received and takes from `out` what it sends. -ENOENT: stale
 * handle, -EBUSY: another leg has it. */
int rln_channel_join(struct rln_channels *channels, uint64_t handle, struct rln_frame_ring **in, struct rln_frame_ring **out)
	__attribute__((warn_unused_result));
/* The leg lets go: readers see the end after what is queued. Void for a stale handle. */
void rln_channel_part(struct rln_channels *channels, uint64_t handle);
