/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Call transfer inside a dialog (RFC 3515, 3892, 4488; RFC 6665 as far as the implicit subscription needs it). Two small
 * machines, one for each direction, in memory that a dialog gets with its first REFER: dialog_refer_uac.c asks for a
 * transfer and is told how it goes, dialog_refer_uas.c is asked and tells. owner: control lcore.
 */
#pragma once

#include "sip/dialog_priv.h"

#define RLN_REFER_EXPIRES_S 300 /* how long we tell: longer than anybody lets a phone ring */

enum rln_refer_ours {            /* REFER of ours */
	RLN_REFER_NONE,
	RLN_REFER_SENT,          /* no final response yet; a NOTIFY may come before it */
	RLN_REFER_SUBSCRIBED,
};

enum rln_refer_theirs {          /* REFER of theirs */
	RLN_REFERRED_NONE,
	RLN_REFERRED_OPEN,       /* the session owes an answer */
	RLN_REFERRED_SUBSCRIBED,
	RLN_REFERRED_QUIET,      /* accepted, and the peer wants to hear no more (RFC 4488) */
};

struct rln_dialog_refer {
	struct rln_dialog *dialog;
	uint64_t orders;                 /* REFERs of ours so far: which one an answer is for */
	struct rln_timer guard;          /* ours: until the next NOTIFY must have come */
	struct rln_timer clock;          /* theirs: the subscription's end, or a NOTIFY that no memory was left for */
	struct {
		uint32_t cseq;           /* the subscription's id (RFC 3515 2.4.6); while the REFER is out the first that it can be */
		uint8_t phase;
		bool is_told;            /* DONE or FAILED went up */
	} ours;
	struct {
		uint64_t txn;            /* the REFER */
		uint32_t cseq;           /* the subscription's id */
		uint8_t phase;
		bool is_quiet, is_last;  /* Refer-Sub: false; the NOTIFY on its way ends the subscription */
		bool is_telling, has_expired; /* a NOTIFY is on its way */
		uint16_t next, last;     /* status to be told, 0 = nothing new; the one told last */
		uint64_t deadline_ns;
	} theirs;
};

/* The dialog's, made now when it has none; NULL: no memory. */
struct rln_dialog_refer *rln_refer_of(struct rln_dialog *d);
/* The dialog is over: nothing more is told, and a REFER that is open is refused. */
void rln_refer_end(struct rln_dialog *d);
void rln_refer_free(struct rln_dialog *d);

/* dialog_refer_uac.c */
struct rln_refer_order {
	struct rln_span target;
	uint8_t type;                    /* enum rln_transfer_type */
	uint64_t replaces;               /* dialog of the consultation, of ATTENDED */
};
/* Tells by itself what came of it, also when nothing could be sent. */
void rln_refer_start(struct rln_dialog *d, const struct rln_refer_order *order);
void rln_refer_on_notify(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn);
void rln_refer_on_guard(struct rln_timer *timer, uint64_t now_ns);
void rln_refer_close_ours(struct rln_dialog_refer *r);

/* dialog_refer_uas.c */
void rln_referred_on_request(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn);
void rln_referred_on_clock(struct rln_timer *timer, uint64_t now_ns);
void rln_referred_close(struct rln_dialog_refer *r);
