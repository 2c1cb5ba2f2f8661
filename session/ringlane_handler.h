/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Part of ringlane.h: handlers, which decide on incoming calls and are told of all.
 *
 * Ownership: the structs are copied when they are given; what `arg` points to is the application's and lives as long as the peer or
 * coordinator that has the handler.
 */
#pragma once

#include "session/ringlane_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What an incoming INVITE looks like to a handler; texts are valid during the call of the handler. */
struct rln_invite_details {
	struct rln_session_id session;  /**< reserved; becomes live on ACCEPT, DEFER and CUSTOM */
	const char *call_id;            /**< of the dialog */
	const char *from;               /**< who calls */
	const char *to;                 /**< whom */
	const char *request_uri;        /**< where the INVITE was sent to */
	const char *sdp;                /**< the offer, NULL: none */
	const char *headers;            /**< the header lines as they came, with CRLF */
	struct rln_addr source;         /**< who sent it */
	uint16_t local_port;            /**< our SIP port that it came to */
};

/** What may become of an INVITE. */
enum rln_decision_kind {
	RLN_DECISION_ACCEPT, /**< a session is made and told, 180 goes out; the application answers, or auto_answer */
	RLN_DECISION_REJECT, /**< that response is sent, and no session stays */
	RLN_DECISION_DEFER,  /**< it waits (182) for rln_deferred_accept() or _reject(), CANCEL, or the ring limit (480) */
	RLN_DECISION_CUSTOM, /**< as ACCEPT, and then `action` is called */
};

/** What a signalling handler answers; fields of other kinds are ignored. */
struct rln_decision {
	enum rln_decision_kind kind;    /**< which of the four */
	uint16_t code;                  /**< REJECT: SIP status 300-699, another number: 603 */
	bool auto_answer;               /**< ACCEPT: answer by itself */
	void (*action)(void *arg, struct rln_session_id session); /**< CUSTOM: called once, on the control lcore, after the session exists */
	void *arg;                      /**< CUSTOM: its first argument */
	uint8_t leg_app;                /**< enum rln_leg_app: what the leg does by itself, RLN_LEG_PLAIN: nothing */
	uint16_t tone_hz;               /**< of RLN_LEG_TONE */
};

/** Decides on incoming calls. */
struct rln_signalling_handler {
	/** Asked once for each new INVITE, on the control lcore: must not block (over 1 ms is counted and named in the log); DEFER takes time. */
	struct rln_decision (*on_incoming_invite)(void *arg, const struct rln_invite_details *invite);
	void *arg; /**< its first argument */
	/** Asked when the peer of a call that is up sends REFER, on the control lcore, under the same rule. True: `refer_to` (a SIP URI) is called, and
	 * the result told to the peer; false: 603. NULL: what the config says (sip.accept_transfers), or the peer's options. */
	bool (*on_transfer)(void *arg, struct rln_session_id session, const char *refer_to);
};

/** Is told of calls: callbacks in the order of the events, on the thread inside rln_coordinator_run() or a wait. Each may be NULL. */
struct rln_call_handler {
	void (*on_incoming_call)(void *arg, struct rln_session_id session, const char *from); /**< rings, or was deferred */
	void (*on_call_established)(void *arg, struct rln_session_id session);                /**< ACTIVE for the first time */
	/** Exactly once per call. */
	void (*on_call_ended)(void *arg, struct rln_session_id session, enum rln_end_reason reason, uint16_t code);
	void *arg; /**< the first argument of each */
};

#ifdef __cplusplus
}
#endif
