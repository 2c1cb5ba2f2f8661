/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Part of ringlane.h: the coordinator, for applications that handle many calls by their sessions' ids: call centres, media servers.
 *
 * A coordinator is a SIP port and a name with handlers. Its operations on a session return at once, with 0 when the command is on its way;
 * events, callbacks and rln_coordinator_wait_for_event_timeout() tell what came of it. Each may return -ENOBUFS (the command ring or
 * the pool of blocks is full), -EINVAL (argument) and RLN_EENDED (the runtime stopped). A command for a session that has ended is
 * counted and does nothing; one that the session's state does not allow is told by COMMAND_REJECTED.
 *
 * Threads: one at a time per coordinator, but for the operations on sessions, which any thread may use at once. Callbacks run on the
 * thread inside rln_coordinator_run() or a wait.
 *
 * Conferences of several calls are not part of this version; rln_coordinator_bridge() joins two.
 */
#pragma once

#include "session/ringlane_handler.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rln_coordinator; /* The application's until rln_coordinator_free(). */

/** What a coordinator is called; texts are copied. */
struct rln_coordinator_options {
	const char *name;   /**< user part of our own address; NULL: "ringlane" */
	uint16_t port;      /**< SIP port; 0: the config's */
};

/** A coordinator that is told of calls by `handler` (may be NULL; copied) and accepts every INVITE for the application to answer. NULL options: all
 * defaults. Starts the runtime when nobody did. NULL and errno: ENOMEM, or why the runtime did not start. */
struct rln_coordinator *rln_coordinator_new(const struct rln_coordinator_options *options, const struct rln_call_handler *handler);
/** A coordinator whose `handler` (copied) decides on each new INVITE. */
struct rln_coordinator *rln_coordinator_with_handler(const struct rln_coordinator_options *options, const struct rln_signalling_handler *handler);
/** Opens its SIP port to calls. 0; -EALREADY; -EADDRINUSE (another one has the port), -ENOSPC, -EINVAL, -ENOMEM, -ETIMEDOUT (the engine does not
 * turn), RLN_EENDED. */
int rln_coordinator_start(struct rln_coordinator *c);
/** Ends its calls and takes its port out of service; callbacks of what is left run here. */
void rln_coordinator_stop(struct rln_coordinator *c);
/** Stops it first. NULL is allowed. The runtime may stop with it: as rln_peer_free() says. */
void rln_coordinator_free(struct rln_coordinator *c);

/* ---- a builder, for those who set up in steps ---- */

struct rln_builder; /* The application's until rln_builder_build() or _free(). */

/** NULL and errno ENOMEM. */
struct rln_builder *rln_builder_new(void);
/** Who decides on incoming calls; copied. Each of these returns `b`. */
struct rln_builder *rln_builder_with_handler(struct rln_builder *b, const struct rln_signalling_handler *handler);
/** Who is told of calls; copied. */
struct rln_builder *rln_builder_with_call_handler(struct rln_builder *b, const struct rln_call_handler *handler);
/** Name and SIP port; NULL and 0: the defaults. Names of over 63 bytes are cut. */
struct rln_builder *rln_builder_with_name(struct rln_builder *b, const char *name, uint16_t port);
/** Builds and starts the coordinator; the builder is gone either way. NULL and errno, also when `b` is NULL (ENOMEM). */
struct rln_coordinator *rln_builder_build(struct rln_builder *b);
/** Of one that is not to be built. */
void rln_builder_free(struct rln_builder *b);

/* ---- operations on sessions, any thread ---- */

/** Places a call. `from` NULL: our own address; `sdp` NULL: ringlane makes the offer; "": nobody does, the peer's answer brings it and
 * ringlane answers in the ACK (late offer). {0} and errno: ENOTCONN (not started), EINVAL (target),
 * ENOSPC (call limit), EAGAIN (too many at once: again), ENOBUFS, EPIPE. */
struct rln_session_id rln_coordinator_create_outgoing_call(struct rln_coordinator *c, const char *from, const char *to, const char *sdp);
/** BYE, CANCEL or refusal, as its state asks; then the media is stopped, then it is told as ended. */
int rln_coordinator_terminate_session(struct rln_coordinator *c, struct rln_session_id id);
/** Answers an incoming call (200 OK). */
int rln_coordinator_accept(struct rln_coordinator *c, struct rln_session_id id);
/** Refuses it; code 400-699. */
int rln_coordinator_reject(struct rln_coordinator *c, struct rln_session_id id, uint16_t code);
/** Answers a call that the signalling handler deferred. */
int rln_deferred_accept(struct rln_coordinator *c, struct rln_session_id deferred);
/** Refuses it; code 400-699. */
int rln_deferred_reject(struct rln_coordinator *c, struct rln_session_id deferred, uint16_t code);
/** Puts the peer on hold: STATE_CHANGED to HOLD_PENDING, then ON_HOLD, or back when it refused. */
int rln_coordinator_hold(struct rln_coordinator *c, struct rln_session_id id);
/** Ends our hold. */
int rln_coordinator_resume(struct rln_coordinator *c, struct rln_session_id id);
/** Offers another direction of our audio by re-INVITE; no state changes. MEDIA_NEGOTIATED tells what was agreed, where that is something new;
 * CALL_STATE_CHANGED a refusal, and all stays as it was. Only while ACTIVE and no offer is open. */
int rln_coordinator_update(struct rln_coordinator *c, struct rln_session_id id, enum rln_media_direction direction);
/** Sends silence in place of audio, or no longer. */
int rln_coordinator_mute(struct rln_coordinator *c, struct rln_session_id id, bool on);
/** Sends the peer to `target` at once (REFER). */
int rln_coordinator_blind_transfer(struct rln_coordinator *c, struct rln_session_id id, const char *target);
/** Holds the peer and calls `target`: the new session, whose calls and events are ours like any other's. {0} and errno as for
 * rln_coordinator_create_outgoing_call(). */
struct rln_session_id rln_coordinator_consult(struct rln_coordinator *c, struct rln_session_id id, const char *target);
/** Connects the held peer with the one consulted (REFER with Replaces). */
int rln_coordinator_complete_transfer(struct rln_coordinator *c, struct rln_session_id id);
/** Joins the media of two calls: STATE_CHANGED to BRIDGED of both. */
int rln_coordinator_bridge(struct rln_coordinator *c, struct rln_session_id a, struct rln_session_id b);
/** Parts a call from the one that it is bridged with. */
int rln_coordinator_unbridge(struct rln_coordinator *c, struct rln_session_id a);
/** Digits 0-9 * # A-D to the peer, 100 ms each; as rln_call_send_dtmf(). */
int rln_coordinator_send_dtmf(struct rln_coordinator *c, struct rln_session_id id, const char *tones);
/** Plays a WAV file to the peer `loop_count` times, 0: until stopped. */
int rln_coordinator_play(struct rln_coordinator *c, struct rln_session_id id, const char *path, unsigned loop_count);
/** Ends the playing. */
int rln_coordinator_stop_audio(struct rln_coordinator *c, struct rln_session_id id);
/** Records to a file; `channels` 1: what comes in, 2: both directions. -ENOTSUP: a format that the build lacks. */
int rln_coordinator_start_recording(struct rln_coordinator *c, struct rln_session_id id, const char *path, enum rln_file_format format,
	unsigned channels);
/** Ends the recording. */
int rln_coordinator_stop_recording(struct rln_coordinator *c, struct rln_session_id id);

/* ---- registrations ---- */

/** Registers `uri` ("sip:desk@example.com") with the host that it names, for calls to `contact` (NULL: our name, address and port). Refreshes go
 * by themselves. `expires_s` 0: 3,600 s. `account` NULL: none, or what was given before. What came of it, and of each refresh, tells
 * REGISTRATION_STATUS_UPDATE. -ENOTCONN (not started), -EINVAL, -ENOBUFS, -ETIMEDOUT, RLN_EENDED. */
int rln_coordinator_register(struct rln_coordinator *c, const char *uri, uint32_t expires_s, const char *contact,
	const struct rln_account *account);
/** Ends it; `uri` NULL: each of this coordinator's (-ENOENT: it has none). -ENOTCONN, -EINVAL, -ENOBUFS, RLN_EENDED. */
int rln_coordinator_unregister(struct rln_coordinator *c, const char *uri);

/* ---- what happens ---- */

/** Runs callbacks until timeout_ms have passed or one event was handled. Events handled, or a negative code: -ENOTCONN (not started),
 * RLN_EENDED. */
int rln_coordinator_run(struct rln_coordinator *c, int timeout_ms);
/** Waits for an event of this coordinator's sessions like *event: of its kind and, where they are not 0, its session and fields (block
 * texts excluded). *event becomes a copy of it, without its block. Only what comes after the call counts; callbacks of other events run
 * meanwhile. 0; RLN_ETIMEDOUT, -ENOTCONN (not started), RLN_EENDED. */
int rln_coordinator_wait_for_event_timeout(struct rln_coordinator *c, struct rln_event *event, int timeout_ms);
/** The same for whatever event `is_it` says true to; it runs under a lock and must not call into ringlane. */
int rln_coordinator_wait_for_event_where(struct rln_coordinator *c, bool (*is_it)(void *arg, const struct rln_event *event), void *arg,
	struct rln_event *event, int timeout_ms);
/** Sessions of the process that are not yet cleaned up. */
unsigned rln_coordinator_sessions(const struct rln_coordinator *c);

/* ---- simple functions on a coordinator: the same under short names ---- */

/** rln_coordinator_create_outgoing_call() with our own offer and address. */
struct rln_session_id rln_make_call(struct rln_coordinator *c, const char *to);
/** rln_coordinator_accept(). */
int rln_accept_call(struct rln_coordinator *c, struct rln_session_id id);
/** rln_coordinator_reject(). */
int rln_reject_call(struct rln_coordinator *c, struct rln_session_id id, uint16_t code);
/** rln_coordinator_terminate_session(). */
int rln_hangup_call(struct rln_coordinator *c, struct rln_session_id id);
/** rln_coordinator_hold(). */
int rln_hold_call(struct rln_coordinator *c, struct rln_session_id id);
/** rln_coordinator_resume(). */
int rln_resume_call(struct rln_coordinator *c, struct rln_session_id id);
/** rln_coordinator_blind_transfer(). */
int rln_transfer_call(struct rln_coordinator *c, struct rln_session_id id, const char *target);
/** rln_coordinator_bridge(). */
int rln_bridge_calls(struct rln_coordinator *c, struct rln_session_id a, struct rln_session_id b);
/** rln_coordinator_send_dtmf(). */
int rln_send_dtmf(struct rln_coordinator *c, struct rln_session_id id, const char *tones);

#ifdef __cplusplus
}
#endif
