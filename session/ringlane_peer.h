/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Part of ringlane.h: the simple peer, which makes and takes calls in a few lines and hides everything else.
 *
 * A NULL peer gives NULL and leaves errno as it is, so that short programs may check once, at their end.
 *
 * Threads: one at a time for the functions here; its calls may be used by other threads meanwhile. Callbacks run inside rln_peer_run() and
 * every wait of the peer and its calls, on the thread that waits.
 */
#pragma once

#include "session/ringlane_call.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rln_peer;     /* A SIP endpoint in this process; the application's until rln_peer_free(). */
struct rln_incoming; /* A call that rings; gone with rln_incoming_accept() or _reject(). */

/** What rln_peer_new_with() can be told; texts are copied. */
struct rln_peer_options {
	const char *name;          /**< user part of our address, e.g. "alice" */
	uint16_t port;             /**< SIP port on every local address */
	const char *local_address; /**< NULL: by route */
	struct rln_account account; /**< for challenges to our calls and registrations */
	bool auto_answer;          /**< incoming calls are accepted at once and still delivered */
	bool refuse_transfers;     /**< 603 when a call's peer asks us to call somebody else (REFER); otherwise we do, and
	                                rln_call_transferred() has the new call */
};

/** A SIP endpoint in this process: user part and SIP port. Starts the runtime when nobody did. NULL and errno: EINVAL, EADDRINUSE (a peer of
 * that name has the port already; peers of other names may share it), ENOSPC (64 peers), ETIMEDOUT (the engine does not turn), or why
 * the runtime did not start. */
struct rln_peer *rln_peer_new(const char *name, uint16_t port);
/** The same with everything that can be chosen. EINVAL also for a local address that is not ours to read. */
struct rln_peer *rln_peer_new_with(const struct rln_peer_options *options);
/** Ends the peer's calls first; call handles that the application still holds stay valid and are ended. NULL is allowed. A runtime that started by
 * itself stops with its last peer, coordinator or application: free that one on the thread that made the first. */
void rln_peer_free(struct rln_peer *peer);

/** Places a call: "bob@198.18.0.2", "sip:bob@198.18.0.2:5070"; hosts 127.0.0.0/8 and ::1 mean this process. Returns at once: wait for
 * RLN_STATE_ACTIVE. A target that cannot be called ends the call at once: FAILED, with its reason.
 * NULL and errno: EINVAL (empty or too long), ENOSPC (call limit), EAGAIN (too many at once: again), ENOBUFS, EPIPE (runtime stopped). */
struct rln_call *rln_peer_call(struct rln_peer *peer, const char *target);

/** What rln_peer_call_with() can be told. */
struct rln_call_options {
	bool late_offer; /**< the INVITE offers no media: the peer's answer does, and our ACK answers that. For peers that want to offer first */
};
/** The same with everything that can be chosen; `options` NULL: all defaults. A peer that then offers nothing of use ends the call: FAILED
 * with RLN_END_MEDIA. */
struct rln_call *rln_peer_call_with(struct rln_peer *peer, const char *target, const struct rln_call_options *options);

/** OPTIONS: asks who is there, and how long an answer takes. The SIP status of the answer (any answer is one), *rtt_us the time it took;
 * RLN_ETIMEDOUT, -EINVAL, -EHOSTUNREACH, -ENETUNREACH ..., RLN_EENDED. Calls go on meanwhile, on other threads too. */
int rln_peer_ping(struct rln_peer *peer, const char *target, int timeout_ms, uint32_t *rtt_us);

/** Registers the peer with `registrar` (host, "host:5080" or URI) as a SIP address with its name at that host, so that calls to that address come here;
 * refreshes go by themselves until rln_peer_unregister() or rln_peer_free(). `user` NULL: the peer's name, and the
 * account that it has; else user and password answer challenges from now on, to calls too. `expires_s`: what to ask for, 0 = 3,600 s. Returns at once: rln_peer_wait_for_registration() tells
 * what came of it. -EINVAL, -ENOBUFS, -ETIMEDOUT (the engine does not turn), RLN_EENDED. */
int rln_peer_register(struct rln_peer *peer, const char *registrar, const char *user, const char *password, uint32_t expires_s);
/** Ends it. 0 when it was ordered; -ENOENT: the peer has none. */
int rln_peer_unregister(struct rln_peer *peer);

/** Where a registration stands. */
struct rln_registration {
	enum rln_registration_state state; /**< UNREGISTERED before the first */
	uint16_t code;                     /**< SIP status that led here; 0: none, or no answer came */
	uint32_t expires_s;                /**< REGISTERED: granted, from the last answer */
	uint32_t retry_s;                  /**< UNREGISTERED: tried again so long after the failure; 0: not by itself */
};
/** The peer's last one. */
void rln_peer_registration(struct rln_peer *peer, struct rln_registration *out);
/** Until the peer's registration is REGISTERED, or UNREGISTERED. 0; RLN_EREFUSED: the registrar would not have it, and it is not tried again
 * (the code says why); RLN_ETIMEDOUT, also while it is tried again and again; RLN_EENDED; -EINVAL: another state. Runs callbacks meanwhile. */
int rln_peer_wait_for_registration(struct rln_peer *peer, enum rln_registration_state state, int timeout_ms);

/** The next call off the wire. NULL and errno: ETIMEDOUT, EPIPE (the runtime stopped). */
struct rln_incoming *rln_peer_get_incoming_call(struct rln_peer *peer, int timeout_ms);
/** Told of an incoming call, on the thread inside a wait; it owns `in` and accepts or rejects it, now or later. */
typedef void (*rln_incoming_callback)(void *arg, struct rln_incoming *in);
/** Callback form of rln_peer_get_incoming_call(). NULL: no callback any more. */
void rln_peer_on_incoming_call(struct rln_peer *peer, rln_incoming_callback callback, void *arg);
/** Runs callbacks until timeout_ms have passed or one was run. 0, or RLN_EENDED when the runtime stopped. */
int rln_peer_run(struct rln_peer *peer, int timeout_ms);

/** Answers (200 OK) and returns the call; `in` is gone either way. NULL and errno: ECANCELED (the caller gave up meanwhile),
 * ENOBUFS; `in` NULL: errno is left as it is, so that rln_incoming_accept(rln_peer_get_incoming_call(peer, ms)) can be written. */
struct rln_call *rln_incoming_accept(struct rln_incoming *in);
/** Refuses with a SIP code 400-699 (486 Busy Here, 603 Decline ...); `in` is gone. -ECANCELED: the caller gave up meanwhile, and `in` is gone
 * too. -EINVAL, and `in` is still there: another code. */
int rln_incoming_reject(struct rln_incoming *in, uint16_t code);
/** The caller's URI, "sip:alice@198.18.0.1"; valid as long as `in`. */
const char *rln_incoming_from(const struct rln_incoming *in);
/** The session's id; the call's after rln_incoming_accept(). */
struct rln_session_id rln_incoming_session(const struct rln_incoming *in);

#ifdef __cplusplus
}
#endif
