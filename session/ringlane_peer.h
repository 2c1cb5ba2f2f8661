/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of ringlane.h: the simple peer, which makes and takes calls in a few lines. */
#pragma once

#include "session/ringlane_call.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rln_peer;
struct rln_incoming;

struct rln_peer_options {
	const char *name;          /* user part of our address, e.g. "alice" */
	uint16_t port;             /* SIP port on every local address */
	const char *local_address; /* NULL: by route */
	bool auto_answer;          /* incoming calls are accepted at once and still delivered */
};

/* A SIP endpoint in this process. EADDRINUSE: a peer of that name has the port already. Needs the port to itself only by name: the server's
 * routes may share it. */
struct rln_peer *rln_peer_new(const char *name, uint16_t port);
struct rln_peer *rln_peer_new_with(const struct rln_peer_options *options);
/* Ends the peer's calls first; calls that the application still holds stay valid and are ended. */
void rln_peer_free(struct rln_peer *peer);

/* Places a call: "bob@198.18.0.2", "sip:bob@198.18.0.2:5070"; hosts 127.0.0.0/8 and ::1 mean this process. Returns at once: wait for
 * RLN_STATE_ACTIVE. A target that cannot be called ends the call at once: FAILED, with its reason.
 * errno: EINVAL (empty or too long), ENOSPC (call limit). */
struct rln_call *rln_peer_call(struct rln_peer *peer, const char *target);

/* The next call off the wire, or NULL with errno ETIMEDOUT. */
struct rln_incoming *rln_peer_get_incoming_call(struct rln_peer *peer, int timeout_ms);
/* Callback form: called from rln_peer_run() or any wait of this peer; it owns `in` and accepts or rejects it, now or later. */
typedef void (*rln_incoming_callback)(void *arg, struct rln_incoming *in);
void rln_peer_on_incoming_call(struct rln_peer *peer, rln_incoming_callback callback, void *arg);
/* Runs callbacks until timeout_ms have passed. 0, or RLN_EENDED when the runtime stopped. */
int rln_peer_run(struct rln_peer *peer, int timeout_ms);

/* Answers (200 OK) and returns the call; `in` is gone either way. NULL: the caller gave up meanwhile (ECANCELED). */
struct rln_call *rln_incoming_accept(struct rln_incoming *in);
/* Refuses with a SIP code 400-699 (486 Busy Here, 603 Decline ...); `in` is gone. -EINVAL, and `in` is still there: another code. */
int rln_incoming_reject(struct rln_incoming *in, uint16_t code);
/* The caller's URI, "sip:alice@198.18.0.1"; valid as long as `in`. */
const char *rln_incoming_from(const struct rln_incoming *in);
struct rln_session_id rln_incoming_session(const struct rln_incoming *in);

#ifdef __cplusplus
}
#endif
