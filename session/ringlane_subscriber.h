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
 * EMFILE (eventfd), EPIPE (the runtime stopped). */
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
/** Ends it; blocks that were not released go back. NULL is allowed. */
void rln_subscriber_free(struct rln_subscriber *s);

/** The audio that a session receives, as frames for rln_audio_recv(), from now on: any number of readers, each with a ring of its
 * own, beside the channels of a call handle. NULL and errno: ENOMEM, ENOSPC (no channels left), EPIPE. Its end is rln_audio_unsubscribe(). */
struct rln_audio_rx *rln_media_subscribe_to_audio_frames(struct rln_coordinator *c, struct rln_session_id id);
/** Ends it. NULL is allowed. */
void rln_audio_unsubscribe(struct rln_audio_rx *rx);

#ifdef __cplusplus
}
#endif
