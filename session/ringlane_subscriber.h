/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Part of ringlane.h: subscriptions. Each has a ring and an eventfd of its own; a slow reader loses only its own events, counted, and holds
 * up nobody.
 *
 * Threads: a subscriber by one thread at a time; any number of subscribers.
 */
#pragma once

#include "session/ringlane_audio.h"
#include "session/ringlane_coordinator.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rln_subscriber; /* The application's until rln_subscriber_free(). */

/** Events of one session ({0}: of all of the process), from those that are published after this returned. NULL and errno: ENOMEM,
 * EMFILE (eventfd), EINVAL (no id of ours), EPIPE (the runtime stopped). */
struct rln_subscriber *rln_coordinator_subscribe_to_session_events(struct rln_coordinator *c, struct rln_session_id id);
/** 0 and the next event, RLN_ETIMEDOUT, or RLN_EENDED once its session is over and everything was read. A block in the event is the
 * caller's until rln_subscriber_release(). */
int rln_subscriber_next(struct rln_subscriber *s, struct rln_event *event, int timeout_ms);
/** A text of the event's block and its length, "" when absent; not NUL terminated, valid until rln_subscriber_release(). */
const char *rln_subscriber_text(struct rln_subscriber *s, const struct rln_event *event, struct rln_slice slice, size_t *len);
/** Gives the event's block back; void when it has none. */
void rln_subscriber_release(struct rln_subscriber *s, struct rln_event *event);
/** Readable once an event came after rln_subscriber_next() had returned RLN_ETIMEDOUT. The subscriber's; not to be read or closed. */
int rln_subscriber_fd(const struct rln_subscriber *s);
/** Events that did not fit into its ring. */
uint64_t rln_subscriber_lost(const struct rln_subscriber *s);
/** Ends it; events that were not read go with it. Release the blocks of those that were first: nobody else does. NULL is allowed. */
void rln_subscriber_free(struct rln_subscriber *s);

/** The audio that a session receives, as frames for rln_audio_recv(), from now on: any number of readers, each with a ring of its
 * own, beside the channels of a call handle. NULL and errno: ENOMEM, ENOSPC (no channels left), EPIPE. Its end is rln_audio_unsubscribe(). */
struct rln_audio_rx *rln_media_subscribe_to_audio_frames(struct rln_coordinator *c, struct rln_session_id id);
/** Ends it. NULL is allowed. */
void rln_audio_unsubscribe(struct rln_audio_rx *rx);

struct rln_packets; /* A session's RTP packets, as they come and go; the application's until rln_packets_free(). */

/** One RTP packet. */
struct rln_packet {
	bool is_sent;             /**< by us; else received */
	bool marker;              /**< RFC 3550 5.1 */
	uint8_t payload_type;     /**< the same */
	uint16_t sequence_number; /**< the same */
	uint32_t timestamp;       /**< the same */
	uint32_t ssrc;            /**< the same */
	uint64_t at_ns;           /**< the worker's clock, of the turn that it belongs to */
	const uint8_t *payload;   /**< valid until the next rln_packets_next() */
	uint16_t payload_n;       /**< bytes there, at most 480 */
	uint16_t whole_n;         /**< bytes of the packet's payload: more than payload_n when it was cut */
};

/** Every RTP packet of a session from now on, on a ring with room for `room` of them (up to 65,536, about 560 bytes each). For looking, not for every
 * call: at most 64 in a process, one per session (the one before ends). A packet that finds the ring full is dropped and counted. NULL
 * and errno: EINVAL (room), ENOMEM, ENOSPC, ENOBUFS, EPIPE (the runtime stopped). */
struct rln_packets *rln_media_subscribe_to_packets(struct rln_coordinator *c, struct rln_session_id id, unsigned room);
/** The next one. 0; RLN_ETIMEDOUT; RLN_EENDED: the call's media ended, and every packet was read. */
int rln_packets_next(struct rln_packets *packets, struct rln_packet *packet, int timeout_ms);
/** Packets that found the ring full. */
uint32_t rln_packets_dropped(const struct rln_packets *packets);
/** Ends it. NULL is allowed. */
void rln_packets_free(struct rln_packets *packets);

#ifdef __cplusplus
}
#endif
