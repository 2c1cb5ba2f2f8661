/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One call as the control lcore keeps it. owner: control lcore; nobody else ever sees a pointer to it (ids cross, see
 * registry.h).
 *
 * `state` has one writer, rln_machine_process_event(). Beside it the session remembers one state to return to, one end reason
 * and the events that a row deferred (R152); everything else here is data of the call, or the life of something that it holds
 * and must give back.
 */
#pragma once

#include "lcore/event.h"
#include "lcore/media.h"
#include "lcore/wheel.h"

/* Timers of a session, on control's wheel; each comes back as TIMER_FIRED. CLEANUP is raised without waiting (cleanup.c). */
#define RLN_SESSION_TIMERS(X)                                      \
	X(RING_LIMIT) /* ringing has lasted too long: 480 */       \
	X(REINVITE)   /* our re-INVITE again, after 491 (14.1) */  \
	X(TRANSFER)   /* the peer never told what became of our REFER */ \
	X(CLEANUP)    /* everything was told and given back: the slot goes */

enum rln_session_timer {
#define X(name) RLN_TIMER_##name,
	RLN_SESSION_TIMERS(X)
#undef X
	RLN_TIMER_COUNT
};

/* Life of the dialog and of the leg that a session holds: what cleanup waits for. READY: it exists, nothing was asked of it
 * yet. */
enum rln_hold {
	RLN_HOLD_NONE,
	RLN_HOLD_ASKED,
	RLN_HOLD_READY,
	RLN_HOLD_STARTING,
	RLN_HOLD_RUNNING,
	RLN_HOLD_ENDING,
	RLN_HOLD_ENDED,
};

enum rln_call_policy {
	RLN_CALL_AUTO_ANSWER = 1, /* ACCEPT with auto_answer: ACCEPT_CALL is raised by itself */
	RLN_CALL_QUEUED = 2,      /* DEFER: 182 in place of 180 */
	RLN_CALL_LATE_OFFER = 4,  /* our INVITE carries no offer: the 2xx does, the ACK answers */
};

/* What the call in `other` is to this one (R177-R179, R182d). */
enum rln_link {
	RLN_LINK_NONE,
	RLN_LINK_CONSULT,  /* our consultation with the transfer's target */
	RLN_LINK_REFERRED, /* the call that the peer's REFER asked for */
	RLN_LINK_CAUSE,    /* the call for whose transfer this one was made */
	RLN_LINK_REPLACED, /* the call that this one takes the place of (RFC 3891) */
	RLN_LINK_BRIDGE,   /* the other leg of a bridge */
};

struct rln_deferred { /* an event that waits for its turn; from the control heap, rare */
	struct rln_deferred *next;
	struct rln_event ev;
};

struct rln_layers;

struct rln_session_timer_slot {
	struct rln_timer timer; /* first: found from it when it fires */
	uint64_t session;
	const struct rln_layers *layers; /* to whom it fires */
	uint8_t which;                   /* enum rln_session_timer */
};

struct rln_session {
	struct rln_session_id id;
	struct rln_dialog_id dialog;   /* 0 = none (yet) */
	struct rln_media_id media;
	uint8_t state, saved;          /* enum rln_call_state; writer: the machine */
	uint8_t role;                  /* enum rln_call_role */
	uint8_t reason;                /* enum rln_end_reason; the first cause stays */
	uint16_t code;                 /* SIP status that belongs to it, 0 = none */
	uint16_t peer;                 /* local peer (coordinator.h) */
	uint8_t dialog_hold, leg_hold; /* enum rln_hold */
	uint8_t policy;                /* RLN_CALL_* bits */
	uint8_t last;                  /* enum rln_column of the event before, for logs */
	uint8_t said;                  /* bit per step of R155 that the application was told (guards.c) */
	bool is_offering;              /* an offer of ours waits for its answer */
	bool is_leaving;               /* its cleanup was raised */
	uint8_t link;                  /* enum rln_link: what `other` is to us */
	uint8_t wanted, asked;         /* enum rln_media_direction: what we want; what our open re-INVITE asks for */
	uint8_t aim;                   /* what `wanted` becomes when that re-INVITE is accepted */
	uint8_t prefer;                /* enum rln_codec to offer first; NONE: the config's order */
	uint8_t sdp_lines, sdp_index;  /* of our last offer, as rln_sdp_local has them */
	uint8_t local_index;           /* of our address in the net's table */
	uint32_t sdp_version;          /* of our last description (RFC 3264 8) */
	uint16_t local_sdp_len;
	char *local_sdp;               /* our last description; control heap */
	uint64_t began_ns;             /* its INVITE was received, or ordered by MAKE_CALL */
	uint64_t other;                /* session id of the linked call, 0 = none */
	uint64_t asker;                /* the bridged session for which our offer is open, 0 = our own */
	rln_block_ref request;         /* MAKE_CALL's texts, until the INVITE has its answer */
	struct rln_slice from, to, headers, own_sdp;
	rln_block_ref offer;           /* the peer's offer that awaits our answer; offer_sdp.len 0: none */
	struct rln_slice offer_sdp;
	struct rln_addr local_rtp;
	struct rln_leg_params params;        /* agreed now */
	struct rln_ev_media_negotiated told; /* what MEDIA_NEGOTIATED said last; codec NONE = nothing yet */
	struct rln_deferred *deferred;       /* oldest first */
	struct rln_session_timer_slot timers[RLN_TIMER_COUNT];
};
