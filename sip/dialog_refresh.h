/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Session timers (RFC 4028), which live wholly in the dialog layer: the interval is agreed on in each INVITE and UPDATE and
 * its 2xx, one side refreshes, and both watch that it happens. owner: control lcore.
 */
#pragma once

#include "sip/dialog_priv.h"

/* What a request of theirs and our config come to. */
struct rln_refresh_terms {
	uint32_t interval_s;    /* 0: no session timer */
	bool is_ours, peer_can; /* we refresh; the peer knows of timers */
};

/* 422: an interval below ours (RFC 4028 9). */
bool rln_refresh_answers(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn);
struct rln_refresh_terms rln_refresh_terms(const struct rln_dialog *d, const struct rln_sip_msg *request);
void rln_refresh_write_response(struct rln_text *t, const struct rln_refresh_terms *terms);
void rln_refresh_write_request(struct rln_text *t, const struct rln_dialog *d);
/* The description that goes out now, in case a refresh has to repeat it. 0 or -ENOMEM. It counts from the next start on. */
int rln_refresh_keep(struct rln_dialog *d, struct rln_span sdp);
void rln_refresh_take_description(struct rln_dialog *d); /* it counts now: it was an answer in an ACK */
/* A 2xx went out, or came: the time begins anew. */
void rln_refresh_start(struct rln_dialog *d, const struct rln_refresh_terms *terms);
void rln_refresh_on_accepted(struct rln_dialog *d, const struct rln_sip_msg *response);
/* A refresh of ours was refused (status), or came to nothing (408, 503). msg may be NULL. */
void rln_refresh_on_failure(struct rln_dialog *d, uint16_t status, const struct rln_sip_msg *msg);
/* A 422 to a request of ours in the dialog: longer next time. False when that would not help. */
bool rln_refresh_raise(struct rln_dialog *d, const struct rln_sip_msg *msg);
/* Is a re-INVITE open that the session knows nothing of? */
bool rln_refresh_is_open(const struct rln_dialog *d);
void rln_refresh_stop(struct rln_dialog *d);
void rln_refresh_init(struct rln_dialog *d);
