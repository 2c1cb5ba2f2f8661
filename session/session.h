/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One call as the control lcore keeps it. owner: control lcore; nobody else ever sees a pointer to it (ids cross, see registry.h).
 *
 * `state` has one writer, rln_machine_process_event(). Beside it the session remembers one state to return to, one end reason and the
 * events that a row deferred (R152); everything else here is data of the call or the life of a resource that it holds, for cleanup.
 */
#pragma once

#include "lcore/event.h"
#include "lcore/media.h"
#include "lcore/wheel.h"

/* Timers of a session, on control's wheel; each comes back as TIMER_FIRED. CLEANUP is raised without waiting (cleanup.c). */
#define RLN_SESSION_TIMERS(X)                                                             \
	X(RING_LIMIT)    /* ringing has lasted too long: 480 */                           \
	X(PROVISIONAL)   /* a provisional again, before proxies give up (13.3.1.1) */     \
	X(REINVITE)      /* our re-INVITE again, after 491 (RFC 3261 14.1) */             \
	X(CLEANUP)       /* everything was told and given back: the slot goes */

enum rln_session_timer {
#define X(name) RLN_TIMER_##name,
	RLN_SESSION_TIMERS(X)
#undef X
	RLN_TIMER_COUNT
};

/* Life of the dialog and of the leg that a session holds: what cleanup has to wait for. Set by actions and by reports of the end. */
enum rln_hold { RLN_HOLD_NONE, RLN_HOLD_ASKED, RLN_HOLD_READY, RLN_HOLD_RUNNING, RLN_HOLD_ENDING, RLN_HOLD_ENDED };

struct rln_deferred_event { /* one event that waits for its turn; from the control heap, rare */
	struct rln_deferred_event *next;
	struct rln_event ev;
};

struct rln_session {
	struct rln_session_id id;
	struct rln_dialog_id dialog; /* 0 = none (yet) */
	struct rln_media_id media;
	uint8_t state, saved;        /* enum rln_call_state */
	uint8_t role;                /* enum rln_call_role */
	uint8_t reason;              /* enum rln_end_reason; the first cause wins */
	uint16_t code;               /* SIP status that belongs to it, 0 = none */
	uint16_t peer;               /* local peer (coordinator.h) */
	uint8_t dialog_hold, leg_hold; /* enum rln_hold */
	uint8_t policy;              /* RLN_CALL_* as the interceptor decided */
	uint8_t offers;              /* how SDP stands: enum rln_offer_state */
	uint16_t local_index;        /* of our address in the net's table */
	uint16_t retries;            /* re-INVITEs repeated after 491 */
	rln_block_ref request;       /* MAKE_CALL or INVITE: texts that later steps need */
	struct rln_slice from, to, headers, remote_sdp;
	rln_block_ref offer;         /* the peer's offer that awaits our answer */
	struct rln_slice offer_sdp;
	struct rln_addr local_rtp;
	uint32_t sdp_version;        /* of our last description (RFC 3264 8) */
	uint64_t sdp_hash;           /* of its text without the origin line */
	struct rln_leg_params params;            /* agreed now */
	struct rln_ev_media_negotiated told;     /* what MEDIA_NEGOTIATED said last; codec NONE = nothing yet */
	struct rln_deferred_event *deferred;     /* oldest first */
	struct rln_timer timers[RLN_TIMER_COUNT];
};

enum rln_call_policy {
	RLN_CALL_AUTO_ANSWER = 1, /* ACCEPT with auto_answer: ACCEPT_CALL is raised by itself */
	RLN_CALL_DEFERRED = 2,    /* DEFER: 182 in place of 180 */
};
