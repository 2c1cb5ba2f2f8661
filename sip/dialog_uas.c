/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server half of a dialog: first INVITE, re-INVITE and UPDATE, the session's responses to them, our 2xx until its
 * ACK, CANCEL and BYE of theirs (RFC 3261 9.2, 12.2.2, 13.3, 14.2, 15.1.2; RFC 3311).
 *
 * A 2xx is sent again from T1 on, doubling to T2, until its ACK comes or 64*T1 have passed (13.3.1.4); the block that
 * carries it is held for that long. A provisional is sent again each minute, so that no proxy on the way gives up
 * (13.3.1.1).
 */
#include <errno.h>

#include "lcore/clock.h"
#include "lcore/log.h"
#include "lcore/secure.h"
#include "sip/dialog_info.h"
#include "sip/dialog_refer.h"
#include "sip/dialog_refresh.h"
#include "sip/dialog_reliable.h"

#define MINUTE_NS (60 * RLN_SEC)

static const struct rln_span nothing = {NULL, 0};

static struct rln_wheel *wheel(const struct rln_dialog *d)
{
	return d->all->cfg.wheel;
}

static const char *our_tag(const struct rln_dialog *d)
{
	return rln_dialog_text(d, d->local_tag);
}

static bool is_first(const struct rln_dialog *d, const struct rln_dialog_theirs *r)
{
	return r == &d->theirs;
}

static const struct rln_sip_msg *request_of(const struct rln_dialog *d, const struct rln_dialog_theirs *r)
{
	return rln_txn_request(d->all->txns, (struct rln_txn_id){r->txn});
}

/* Status line to body, with what the method asks for: a 2xx to INVITE names what we can (13.3.1.4), and all that
 * make or refresh a target have a Contact. */
int rln_uas_write(struct rln_dialog *d, const struct rln_dialog_theirs *r, const struct rln_dialog_response *response,
	struct rln_dialog_sent *keep)
{
	uint16_t code = response->code;
	bool forms_dialog = is_first(d, r) && code > 100 && code < 300;
	struct rln_refresh_terms terms = rln_refresh_terms(d, request_of(d, r));
	struct rln_text t;

	rln_text_init(&t, d->all->scratch, sizeof(d->all->scratch));
	rln_build_response(&t, request_of(d, r), code, rln_sip_reason_phrase(code), our_tag(d), forms_dialog);
	if (code > 100 && code < 300)
		rln_dialog_write_contact(&t, d);
	if (code / 100 == 2 || response->rseq)
		rln_policy_write_abilities(&t, true);
	if (code / 100 == 2)
		rln_refresh_write_response(&t, &terms);
	if (response->rseq)
		rln_text_printf(&t, "Require: 100rel\r\nRSeq: %u\r\n", response->rseq);
	if (response->extra.len)
		rln_text_add(&t, response->extra.s, response->extra.len);
	return rln_dialogs_send_response(d->all, &t, d->self, r->txn, code, response->sdp, keep);
}

void rln_uas_provisional_sent(struct rln_dialog *d, uint16_t code)
{
	d->theirs.provisional = code;
	rln_wheel_arm(wheel(d), &d->repeat, rln_wheel_now(wheel(d)) + MINUTE_NS);
	rln_dialog_set_state(d, RLN_DIALOG_EARLY);
}

static int send_provisional(struct rln_dialog *d, struct rln_dialog_theirs *r, const struct rln_dialog_response *response)
{
	int rc;

	if (r->is_reliable && response->code > 100)
		return rln_reliable_send(d, response);
	rc = rln_uas_write(d, r, response, NULL);
	if (rc == 0 && response->code > 100 && is_first(d, r))
		rln_uas_provisional_sent(d, response->code);
	return rc;
}

/* Keeps the 2xx for its repetitions, in place of one without ACK if a session answers a re-INVITE that early. */
static void start_answer(
	struct rln_dialog *d, const struct rln_dialog_theirs *r, const struct rln_dialog_sent *sent, uint16_t code, bool has_sdp)
{
	uint64_t now = rln_wheel_now(wheel(d));

	rln_block_release(d->answer.block);
	d->answer.block = sent->block;
	d->answer.reason = sent->reason;
	d->answer.headers = sent->headers;
	d->answer.body = sent->body;
	d->answer.status = code;
	d->answer.is_first = is_first(d, r);
	d->answer.has_offer = has_sdp && !r->has_offer;
	d->answer.txn = r->txn;
	d->answer.cseq = r->cseq;
	d->answer.interval_ns = d->all->cfg.t1_ms * 1000000ull;
	d->answer.deadline_ns = now + rln_dialogs_timeout_ns(d->all);
	rln_wheel_arm(wheel(d), &d->repeat, now + d->answer.interval_ns);
}

/* The first INVITE has its final answer: neither repeated provisionals nor its Expires matter any more. */
static void stop_waiting(struct rln_dialog *d)
{
	rln_wheel_disarm(wheel(d), &d->repeat);
	rln_wheel_disarm(wheel(d), &d->guard);
	rln_reliable_stop(d);
}

static int send_accepted(struct rln_dialog *d, struct rln_dialog_theirs *r, const struct rln_dialog_response *response)
{
	bool is_invite = r->method == RLN_SIP_INVITE;
	struct rln_refresh_terms terms = rln_refresh_terms(d, request_of(d, r));
	struct rln_dialog_sent sent;
	int rc = rln_refresh_keep(d, response->sdp);

	if (rc == 0)
		rc = rln_uas_write(d, r, response, is_invite ? &sent : NULL);
	if (rc != 0)
		return rc;
	r->phase = RLN_THEIRS_NONE;
	if (is_invite || d->state == RLN_DIALOG_CONFIRMED)
		rln_refresh_start(d, &terms);
	if (!is_invite)
		return 0;
	if (is_first(d, r))
		stop_waiting(d);
	start_answer(d, r, &sent, response->code, response->sdp.len > 0);
	d->established = true;
	rln_dialog_set_state(d, RLN_DIALOG_CONFIRMED);
	return 0;
}

/* Once offer and answer are exchanged no response may bring a description (RFC 3261 13.2.1). */
int rln_uas_accept(struct rln_dialog *d, const struct rln_dialog_response *response)
{
	struct rln_dialog_response out = *response;

	if (d->answered)
		out.sdp.len = 0;
	return send_accepted(d, &d->theirs, &out);
}

/* A first INVITE that we refuse must hear of it: when there is no memory for that, it is tried again until there is. */
static int send_refused(struct rln_dialog *d, struct rln_dialog_theirs *r, uint16_t code, struct rln_span extra)
{
	struct rln_dialog_response response = {.code = code, .extra = extra};
	int rc = rln_uas_write(d, r, &response, NULL);

	r->refusal = rc != 0 && is_first(d, r) ? code : 0;
	if (r->refusal) {
		rln_wheel_arm(wheel(d), &d->repeat, rln_wheel_now(wheel(d)) + d->all->cfg.t1_ms * 1000000ull);
		return 0;
	}
	if (rc != 0)
		return rc;
	r->phase = RLN_THEIRS_NONE;
	if (!is_first(d, r))
		return 0;
	stop_waiting(d);
	rln_dialog_end(d);
	return 0;
}

/*
 * The session's response. When the peer's CANCEL is here already, but the session answers before it heard of it, the
 * CANCEL has won: every final answer goes out as 487, and CALL_TERMINATED is on its way up.
 */
static int respond(struct rln_dialog *d, struct rln_dialog_theirs *r, const struct rln_dialog_response *response)
{
	bool is_cancelled = r->phase == RLN_THEIRS_CANCELLED;
	uint16_t code = response->code;

	if (code < 100 || code > 699)
		return -EINVAL;
	if (r->phase == RLN_THEIRS_MOOT || (is_cancelled && code < 200) || (r->refusal && code < 300))
		return 0;
	if (r->phase == RLN_THEIRS_NONE)
		return -ENOTCONN;
	if (!request_of(d, r)) {
		if (r->method == RLN_SIP_INVITE)
			return -ENOTCONN;   /* its transaction broke, and the event that says so is on its way */
		r->phase = RLN_THEIRS_NONE; /* an UPDATE that its sender no longer waits for (RFC 4320) */
		return 0;
	}
	if (is_cancelled)
		return send_refused(d, r, 487, nothing);
	if (code < 200)
		return r->method == RLN_SIP_INVITE ? send_provisional(d, r, response) : -EINVAL;
	if (code >= 300)
		return send_refused(d, r, code, response->extra);
	if (!is_first(d, r))
		return send_accepted(d, r, response);
	return rln_reliable_holds(d) ? rln_reliable_keep(d, response) : rln_uas_accept(d, response);
}

int rln_uas_respond_offer(struct rln_dialog *d, uint16_t code, struct rln_span sdp, struct rln_span extra)
{
	struct rln_dialog_response response = {.code = code, .sdp = sdp, .extra = extra};
	int rc = respond(d, &d->offer, &response);

	rln_reliable_advance(d);
	rln_uac_send_queued(d);
	return rc;
}

int rln_uas_respond(struct rln_dialog *d, uint16_t code, struct rln_span sdp, struct rln_span extra)
{
	struct rln_dialog_response response = {.code = code, .sdp = sdp, .extra = extra};

	if (d->theirs.phase == RLN_THEIRS_NONE)
		return rln_uas_respond_offer(d, code, sdp, extra);
	return respond(d, &d->theirs, &response);
}

int rln_uas_respond_update(struct rln_dialog *d, uint16_t code, const char *extra)
{
	struct rln_txn_id txn = {d->update};
	const struct rln_sip_msg *msg = rln_txn_request(d->all->txns, txn);

	if (code < 200 || code > 699)
		return -EINVAL;
	if (!txn.v)
		return d->state == RLN_DIALOG_TERMINATED ? 0 : -ENOTCONN; /* it was refused with the end of the dialog */
	d->update = 0;
	if (!msg)
		return 0; /* its sender no longer waits (RFC 4320) */
	if (code < 300)
		rln_uas_accept_plain(d, msg, txn.v); /* without memory its repetition comes up again */
	else
		rln_policy_respond(d->all, msg, txn.v, code, NULL, extra);
	return 0;
}

/* The transaction of what the session was to answer broke: nothing can be answered any more. */
void rln_uas_on_fault(struct rln_dialog *d, uint64_t txn, int error)
{
	rln_dialog_emit_error(d, error == ETIMEDOUT ? RLN_FAULT_TRANSACTION : RLN_FAULT_TRANSPORT, (unsigned)error);
	if (txn == d->offer.txn && d->offer.phase == RLN_THEIRS_OPEN)
		d->offer.phase = RLN_THEIRS_MOOT;
	if (txn != d->theirs.txn || d->theirs.phase == RLN_THEIRS_NONE)
		return;
	d->theirs.phase = RLN_THEIRS_NONE;
	rln_dialog_end(d);
}

void rln_uas_drop_answer(struct rln_dialog *d)
{
	rln_wheel_disarm(wheel(d), &d->repeat);
	rln_block_release(d->answer.block);
	d->answer.block = 0;
}

/* The BYE that waited for the ACK (15). */
static void send_waiting_bye(struct rln_dialog *d)
{
	int rc;

	if (d->bye != RLN_BYE_WAITS)
		return;
	d->bye = RLN_BYE_NONE;
	rc = rln_dialog_bye(d);
	if (rc != 0)
		rln_dialog_fail(d, rc);
}

static void on_no_ack(struct rln_dialog *d)
{
	rln_uas_drop_answer(d);
	rln_dialog_emit_progress(d, RLN_CALL_ACK_MISSING, 408, NULL);
	send_waiting_bye(d);
}

static void repeat_answer(struct rln_dialog *d, uint64_t now)
{
	uint64_t t2 = d->all->cfg.t2_ms * 1000000ull, next;
	struct rln_dialog_sent sent = {d->answer.block, d->answer.reason, d->answer.headers, d->answer.body};

	rln_block_hold(sent.block);
	rln_dialogs_publish_response(d->all, &sent, d->self, d->answer.txn, d->answer.status);
	d->answer.interval_ns = d->answer.interval_ns * 2 < t2 ? d->answer.interval_ns * 2 : t2;
	next = now + d->answer.interval_ns;
	rln_wheel_arm(wheel(d), &d->repeat, next < d->answer.deadline_ns ? next : d->answer.deadline_ns);
}

static void repeat_provisional(struct rln_dialog *d)
{
	struct rln_dialog_response again = {.code = d->theirs.provisional};
	int rc = 0;

	if (request_of(d, &d->theirs) && d->theirs.phase == RLN_THEIRS_OPEN && again.code)
		rc = send_provisional(d, &d->theirs, &again);
	if (rc != 0) { /* the next minute tries again */
		rln_log(RLN_LOG_WARNING, d->self, "response %u not sent again: %s", again.code, strerror(-rc));
		rln_wheel_arm(wheel(d), &d->repeat, rln_wheel_now(wheel(d)) + MINUTE_NS);
	}
}

void rln_uas_on_repeat(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_dialog *d = (struct rln_dialog *)((char *)timer - offsetof(struct rln_dialog, repeat));

	if (d->theirs.refusal)
		rln_uas_respond(d, d->theirs.refusal, nothing, nothing);
	else if (!d->answer.block)
		repeat_provisional(d);
	else if (now_ns < d->answer.deadline_ns)
		repeat_answer(d, now_ns);
	else
		on_no_ack(d);
	rln_dialog_settle(d);
}

/* msg NULL: the peer has shown otherwise that our 2xx arrived. */
static void on_acked(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	bool goes_up = d->answer.is_first || d->answer.has_offer;

	rln_uas_drop_answer(d);
	if (d->answer.is_first && rln_reliable_answer(d))
		msg = rln_reliable_answer(d);
	if (goes_up)
		rln_dialog_emit_sdp(d, RLN_EV_CALL_ESTABLISHED, msg);
	send_waiting_bye(d);
}

static void on_ack(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	if (d->answer.block && msg->cseq == d->answer.cseq)
		on_acked(d, msg);
	/* else a repeated ACK: the peer answered a repetition of our 2xx */
	rln_uac_send_queued(d);
}

/* The caller gives up, by CANCEL, by BYE, or by the Expires of its INVITE: the session hears of it, and sends the 487. */
static void give_up(struct rln_dialog *d)
{
	d->theirs.phase = RLN_THEIRS_CANCELLED;
	stop_waiting(d);
	rln_dialog_emit_terminated(d, RLN_END_CANCELLED, 487);
}

/* 13.3.1: the INVITE's Expires has passed before the session answered. */
bool rln_uas_on_expires(struct rln_dialog *d)
{
	if (d->theirs.phase != RLN_THEIRS_OPEN)
		return false;
	give_up(d);
	return true;
}

static struct rln_dialog_theirs theirs_of(const struct rln_sip_msg *msg, uint64_t txn)
{
	return (struct rln_dialog_theirs){.txn = txn,
		.cseq = msg->cseq,
		.method = msg->method,
		.phase = RLN_THEIRS_OPEN,
		.has_offer = rln_dialog_sdp_of(msg).len > 0};
}

void rln_uas_on_invite(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	struct rln_dialog *d;
	char line[32];

	if (rln_dialog_is_merged(all, msg)) {
		rln_policy_respond(all, msg, txn, 482, NULL, NULL);
		return;
	}
	d = rln_dialog_create_uas(all, msg);
	if (!d) {
		snprintf(line, sizeof(line), "Retry-After: %u\r\n", all->cfg.retry_after_s);
		rln_count(RLN_C_SIP_OVERLOAD);
		rln_policy_respond(all, msg, txn, 503, NULL, line);
		return;
	}
	rln_txn_set_owner(all->txns, (struct rln_txn_id){txn}, d->self);
	d->theirs = theirs_of(msg, txn);
	d->theirs.is_reliable = rln_reliable_is_wanted(all, msg);
	if (msg->expires > 0)
		rln_wheel_arm(wheel(d), &d->guard, rln_wheel_now(wheel(d)) + (uint64_t)msg->expires * RLN_SEC);
	if (rln_dialog_emit_incoming(d, msg) != 0) { /* nobody takes calls here */
		d->released = true;
		if (rln_uas_respond(d, 503, nothing, nothing) != 0)
			rln_dialog_end(d);
		rln_dialog_settle(d);
	}
}

/* A re-INVITE that comes before the ACK of our 2xx shows that the 2xx arrived, when that 2xx closed offer and
 * answer (RFC 5407 3.1.4). */
static void infer_ack(struct rln_dialog *d)
{
	if (d->answer.block && !d->answer.has_offer)
		on_acked(d, NULL);
}

/* Tells the session of a re-INVITE, UPDATE or PRACK. False: it has let go of the dialog and nobody would answer, or there
 * is no room for the event; then the answer is ours. */
static bool goes_up(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	int rc = rln_dialog_emit_reinvite(d, msg);

	if (rc == -ENOTCONN)
		rln_policy_respond(d->all, msg, txn, 481, NULL, NULL);
	else if (rc != 0)
		rln_policy_respond_later(d->all, msg, txn);
	return rc == 0;
}

void rln_uas_open_offer(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	rln_dialog_refresh_target(d, msg);
	d->offer = theirs_of(msg, txn);
	if (!goes_up(d, msg, txn))
		d->offer.phase = RLN_THEIRS_NONE;
}

/* 14.2. What crosses an offer of ours, or comes before the first INVITE is answered, the session refuses. A second one while
 * it owes the answer to the first, with or without offer, gets its 500 here: we keep one. */
static void on_reinvite(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	infer_ack(d);
	if (d->offer.phase == RLN_THEIRS_OPEN)
		rln_policy_respond_later(d->all, msg, txn);
	else
		rln_uas_open_offer(d, msg, txn);
	rln_uac_send_queued(d);
}

int rln_uas_accept_plain(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	struct rln_refresh_terms terms = rln_refresh_terms(d, msg);
	uint32_t cseq = msg->cseq; /* the message may go with its transaction */
	struct rln_text t;
	int rc;

	rln_text_init(&t, d->all->scratch, sizeof(d->all->scratch));
	rln_build_response(&t, msg, 200, "OK", NULL, false);
	rln_dialog_write_contact(&t, d);
	rln_policy_write_abilities(&t, true);
	rln_refresh_write_response(&t, &terms);
	rc = rln_dialogs_send_response(d->all, &t, d->self, txn, 200, nothing, NULL);
	if (rc != 0) {
		rln_txn_drop(d->all->txns, (struct rln_txn_id){txn});
		if (d->remote_cseq == cseq)
			d->remote_cseq = cseq - 1;
	} else if (msg->method == RLN_SIP_UPDATE && d->state == RLN_DIALOG_CONFIRMED) {
		rln_refresh_start(d, &terms);
	}
	return rc;
}

/*
 * RFC 3311 5.2. With or without an offer it refreshes the target, and its 2xx the session's time (RFC 4028 7.4); all else,
 * 491 and 500 to an offer that crosses another included, is for the session to say. Here only what we could not keep is
 * refused, and what 5.2 leaves no choice in: a second UPDATE while one is unanswered, a second offer of theirs.
 */
static void on_update(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	bool has_offer = rln_dialog_sdp_of(msg).len, offer_is_open = d->offer.phase == RLN_THEIRS_OPEN;
	bool update_is_open = d->update || (offer_is_open && d->offer.method == RLN_SIP_UPDATE);

	if (update_is_open || (has_offer && offer_is_open)) {
		rln_policy_respond_later(d->all, msg, txn);
	} else if (has_offer) {
		rln_uas_open_offer(d, msg, txn);
	} else {
		rln_dialog_refresh_target(d, msg);
		d->update = goes_up(d, msg, txn) ? txn : 0;
	}
}

/*
 * 15.1.2. Before our answer to the first INVITE it ends the call like a CANCEL, and the session sends the 487; before
 * their answer to ours, which callees ought not to do, our INVITE is cancelled too.
 */
static void on_bye(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	rln_policy_respond(d->all, msg, txn, 200, NULL, NULL);
	if (d->theirs.phase == RLN_THEIRS_OPEN) {
		give_up(d);
		return;
	}
	if (d->theirs.phase == RLN_THEIRS_CANCELLED)
		return;
	rln_dialog_emit_terminated(d, RLN_END_REMOTE, 0);
	if (!d->established)
		rln_uac_cancel(d);
	rln_dialog_end(d);
}

/* 12.2.2: older or repeated numbers are out of order; gaps are fine. */
static bool is_in_order(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	if (d->remote_cseq && msg->cseq <= d->remote_cseq)
		return false;
	d->remote_cseq = msg->cseq;
	return true;
}

/*
 * What an ended dialog still takes: a BYE that crosses ours, while one of a dialog that they have ended already is one too
 * many (15.1.2); the PRACK of a provisional that our refusal overtook (RFC 3262 3).
 */
static bool outlives_the_dialog(const struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	return msg->method == RLN_SIP_PRACK || (msg->method == RLN_SIP_BYE && d->bye == RLN_BYE_SENT);
}

void rln_uas_on_request(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	if (msg->method == RLN_SIP_ACK) {
		on_ack(d, msg);
		return;
	}
	rln_txn_set_owner(d->all->txns, (struct rln_txn_id){txn}, d->self);
	if (d->state == RLN_DIALOG_TERMINATED && !outlives_the_dialog(d, msg))
		rln_policy_respond(d->all, msg, txn, 481, NULL, NULL);
	else if (!is_in_order(d, msg))
		rln_policy_respond(d->all, msg, txn, 500, NULL, NULL);
	else if (msg->method == RLN_SIP_BYE)
		on_bye(d, msg, txn);
	else if (msg->method == RLN_SIP_INVITE)
		on_reinvite(d, msg, txn);
	else if (msg->method == RLN_SIP_UPDATE)
		on_update(d, msg, txn);
	else if (msg->method == RLN_SIP_REFER)
		rln_referred_on_request(d, msg, txn);
	else if (msg->method == RLN_SIP_INFO)
		rln_info_on_request(d, msg, txn);
	else if (msg->method == RLN_SIP_NOTIFY)
		rln_refer_on_notify(d, msg, txn);
	else if (msg->method == RLN_SIP_PRACK)
		rln_reliable_on_prack(d, msg, txn);
	else
		rln_policy_options(d->all, msg, txn); /* the one other method that the policy lets through */
}

/* 9.2: the CANCEL is answered whatever becomes of the INVITE; a final response that is out already stands. */
void rln_uas_on_cancel(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	struct rln_txn_id invite = rln_txn_cancelled_by(all->txns, msg);
	struct rln_dialog *d = invite.v ? rln_dialog_get(all, rln_txn_owner(all->txns, invite)) : NULL;

	if (!invite.v) {
		rln_policy_respond(all, msg, txn, 481, NULL, NULL);
		return;
	}
	rln_policy_respond(all, msg, txn, 200, d ? our_tag(d) : NULL, NULL);
	if (!d)
		return;
	if (d->theirs.txn == invite.v && d->theirs.phase == RLN_THEIRS_OPEN)
		give_up(d);
	else if (d->offer.txn == invite.v && d->offer.phase == RLN_THEIRS_OPEN &&
		 rln_uas_respond_offer(d, 487, nothing, nothing) == 0)
		d->offer.phase = RLN_THEIRS_MOOT;
	rln_dialog_settle(d);
}
