/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of ringlane.h: handlers, which decide on incoming calls and are told of all. */
#pragma once

#include "session/ringlane_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an incoming INVITE looks like to a handler; texts are valid during the call. */
struct rln_invite_details {
	struct rln_session_id session;  /* reserved; becomes live on ACCEPT, DEFER and CUSTOM */
	const char *call_id, *from, *to, *request_uri, *sdp, *headers;
	struct rln_addr source;
	uint16_t local_port;            /* our SIP port that it came to */
};

enum rln_decision_kind { RLN_DECISION_ACCEPT, RLN_DECISION_REJECT, RLN_DECISION_DEFER, RLN_DECISION_CUSTOM };

struct rln_decision {
	enum rln_decision_kind kind;
	uint16_t code;                  /* REJECT */
	bool auto_answer;               /* ACCEPT: answer by itself */
	void (*action)(void *arg, struct rln_session_id session); /* CUSTOM: called once, on the control lcore, after the session exists */
	void *arg;
	uint8_t leg_app;                /* what the leg does by itself: 0 nothing, 1 echo, 2 tone (enum rln_leg_app of lcore/media.h) */
	uint16_t tone_hz;
};

/* Asked once for each new INVITE, on the control lcore: must not block (over 1 ms is counted and named); DEFER takes time. */
struct rln_signalling_handler {
	struct rln_decision (*on_incoming_invite)(void *arg, const struct rln_invite_details *invite);
	void *arg;
};

/* Callbacks in coordinator order, on the thread inside rln_coordinator_run() or a wait. on_call_ended: exactly once per call. */
struct rln_call_handler {
	void (*on_incoming_call)(void *arg, struct rln_session_id session, const char *from);
	void (*on_call_established)(void *arg, struct rln_session_id session);
	void (*on_call_ended)(void *arg, struct rln_session_id session, enum rln_end_reason reason, uint16_t code);
	void *arg;
};

#ifdef __cplusplus
}
#endif
