/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client half of a dialog: INVITE and re-INVITE, their responses, CANCEL, the ACK to a 2xx, answers to our BYE
 * (RFC 3261 9.1, 13.2, 14.1, 15.1.1). The transaction layer repeats requests, absorbs repeated responses other than 2xx, and
 * acknowledges refusals; each 2xx comes up here, because its ACK is ours (13.2.2.4).
 *
 * The first 2xx makes the dialog. A 2xx of another fork is acknowledged and its dialog ended at once. A 2xx that comes after we
 * gave up is acknowledged and told as LATE_ANSWER; the BYE is the session's order.
 */
#include <errno.h>

#include "lcore/heap.h"
#include "lcore/log.h"
#include "lcore/secure.h"
#include "sip/dialog_refer.h"
#include "sip/dialog_refresh.h"
#include "sip/dialog_reliable.h"
#include "sip/dialog_priv.h"

static const struct rln_span nothing = {NULL, 0};

/* After a refusal that can be met the same dialog tries again (22.2), as if nothing had happened but the CSeq. */
static int check_start(struct rln_dialog *d)
{
	if (d->ours.phase != RLN_OURS_NONE || d->theirs.phase == RLN_THEIRS_OPEN || d->offer.phase == RLN_THEIRS_OPEN ||
		d->answer.block)
		return -EINPROGRESS;
	if (d->state == RLN_DIALOG_CONFIRMED)
		return d->bye == RLN_BYE_NONE ? 0 : -ENOTCONN;
	if (d->role != RLN_ROLE_UAC || d->established || d->released)
		return -ENOTCONN;
	d->state = RLN_DIALOG_NONE;
	return 0;
}

/* A re-INVITE is kept until its answer: challenged, it goes out again. Without memory for that it does not. */
static void keep_text(struct rln_dialog *d, struct rln_span sdp, struct rln_span extra)
{
	char *text = rln_zalloc(sdp.len + extra.len + 2);

	rln_free(d->ours.text);
	d->ours.text = text;
	if (!text)
		return;
	if (sdp.len)
		memcpy(text, sdp.s, sdp.len);
	if (extra.len)
		memcpy(text + sdp.len + 1, extra.s, extra.len);
}

static int send_invite(struct rln_dialog *d, struct rln_span sdp, struct rln_span extra)
{
	struct rln_dialog_request req = {.method = RLN_SIP_INVITE,
		.cseq = d->local_cseq + 1,
		.owner = d->self,
		.remote = d->remote,
		.sdp = sdp,
		.extra = extra,
		.branch = d->ours.branch,
		.txn = &d->ours.txn,
		.credentials = &d->ours.credentials};
	int rc = rln_dialog_request(d, &req);

	if (rc != 0)
		return rc;
	d->local_cseq = d->ours.cseq = req.cseq;
	d->ours.phase = RLN_OURS_CALLING;
	d->ours.has_offer = sdp.len > 0;
	return 0;
}

int rln_uac_invite(struct rln_dialog *d, struct rln_span sdp, struct rln_span extra)
{
	int rc = check_start(d);

	if (rc != 0)
		return rc;
	rln_prack_free(d);
	d->answered &= d->established;
	rc = rln_refresh_keep(d, sdp);
	if (rc != 0)
		return rc;
	if (d->established) {
		d->ours.tries = (struct rln_auth_tries){{0}};
		keep_text(d, sdp, extra);
	} else {
		rc = rln_retry_prepare(d);
	}
	return rc == 0 ? send_invite(d, sdp, extra) : rc;
}

/*
 * 14.1: not while an INVITE of either side is open. One that waits for the ACK of our own 2xx, or for the end of a refresh,
 * we hold back ourselves: the session sees neither of them.
 */
int rln_uac_offer(struct rln_dialog *d, struct rln_span sdp)
{
	if (d->state != RLN_DIALOG_CONFIRMED || d->bye != RLN_BYE_NONE)
		return -ENOTCONN;
	if (d->queued)
		return -EINPROGRESS;
	if (d->offer.phase == RLN_THEIRS_OPEN || !(d->answer.block || rln_refresh_is_open(d)))
		return rln_uac_invite(d, sdp, nothing);
	d->queued = rln_strndup(sdp.len ? sdp.s : "", sdp.len);
	return d->queued ? 0 : -ENOMEM;
}

void rln_uac_offer_failed(struct rln_dialog *d, int error)
{
	if (error == -EINPROGRESS) { /* it crossed a request of theirs: glare, whose remedy the session knows */
		rln_dialog_emit_progress(d, RLN_CALL_GLARE, 491, NULL);
		return;
	}
	rln_dialog_emit_error(d, rln_dialog_fault_of(error), (unsigned)-error);
	rln_dialog_emit_progress(d, RLN_CALL_REFUSED, 503, NULL);
}

void rln_uac_send_queued(struct rln_dialog *d)
{
	char *sdp = d->queued;
	int rc;

	if (!sdp || d->answer.block || d->ours.phase != RLN_OURS_NONE || d->offer.phase == RLN_THEIRS_OPEN ||
		d->state != RLN_DIALOG_CONFIRMED)
		return;
	d->queued = NULL;
	rc = rln_uac_invite(d, rln_span_of(sdp), nothing);
	rln_free(sdp);
	if (rc != 0)
		rln_uac_offer_failed(d, rc);
}

/* CANCEL is a transaction of its own, with the INVITE's branch, CSeq, target and routes (9.1). Should it get lost,
 * the guard ends the INVITE. */
static int send_cancel(struct rln_dialog *d)
{
	uint64_t txn;
	struct rln_dialog_request req = {
		.method = RLN_SIP_CANCEL, .cseq = d->ours.cseq, .remote = d->remote, .branch = d->ours.branch, .txn = &txn};
	int rc = rln_dialog_request(d, &req);

	if (rc != 0)
		return rc;
	d->ours.phase = RLN_OURS_CANCELLED;
	rln_wheel_arm(d->all->cfg.wheel, &d->guard, rln_wheel_now(d->all->cfg.wheel) + rln_dialogs_timeout_ns(d->all));
	return 0;
}

int rln_uac_cancel(struct rln_dialog *d)
{
	switch ((enum rln_dialog_ours)d->ours.phase) {
	case RLN_OURS_CALLING:
		d->ours.phase = RLN_OURS_CANCEL_WAITS;
		return 0;
	case RLN_OURS_PROCEEDING:
		return send_cancel(d);
	case RLN_OURS_CANCEL_WAITS:
	case RLN_OURS_CANCELLED:
		return 0;
	case RLN_OURS_NONE:
	case RLN_OURS_ACK_WAITS:
		break;
	}
	return -ENOTCONN;
}

/* The INVITE is over, whatever its end. */
static void close_invite(struct rln_dialog *d)
{
	d->ours.phase = RLN_OURS_NONE;
	d->ours.is_refresh = false;
	rln_free(d->ours.text);
	d->ours.text = NULL;
	rln_wheel_disarm(d->all->cfg.wheel, &d->guard);
}

void rln_uac_ack_pending(struct rln_dialog *d)
{
	d->ours.phase = RLN_OURS_NONE;
	rln_dialog_ack(d, d->remote, d->acked.cseq, nothing);
}

/* A 2xx that we do not want: its own dialog gets ACK and BYE (13.2.2.4), from nobody's account. */
static void refuse_fork(struct rln_dialog *d, const struct rln_sip_msg *msg, bool with_bye)
{
	struct rln_dialog_remote *remote = rln_dialog_remote_of(d->all, msg, rln_dialog_request_uri(d->remote));
	struct rln_dialog_request bye = {.method = RLN_SIP_BYE, .cseq = d->local_cseq + 1, .remote = remote};
	char branch[RLN_BRANCH_MAX];
	uint64_t txn;
	int rc = 0;

	if (!remote)
		return; /* its next repetition tries again */
	bye.branch = branch;
	bye.txn = &txn;
	rln_dialog_ack(d, remote, d->acked.cseq, nothing);
	if (with_bye)
		rc = rln_dialog_request(d, &bye);
	d->local_cseq += with_bye; /* a PRACK or an UPDATE may have taken the one behind the INVITE's */
	if (rc != 0)
		rln_log(RLN_LOG_WARNING, d->self, "BYE to a forked answer not sent: %s", strerror(-rc));
	rln_free(remote);
}

/* Is this the first time that we see this fork? */
static bool note_fork(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	uint32_t tag = (uint32_t)rln_hash(rln_sip_text(msg, msg->to_tag), msg->to_tag.len);

	for (unsigned i = 0; i < d->acked.forks; i++) {
		if (d->acked.fork[i] == tag)
			return false;
	}
	if (d->acked.forks < RLN_DIALOG_FORKS)
		d->acked.fork[d->acked.forks++] = tag;
	return true;
}

static bool is_our_fork(const struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	const char *tag = d->remote->text + d->remote->tag;

	return strlen(tag) == msg->to_tag.len && memcmp(tag, rln_sip_text(msg, msg->to_tag), msg->to_tag.len) == 0;
}

/* A 2xx to an INVITE that had one already: the ACK got lost, or another fork answered too. */
static void on_further_2xx(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	if (!is_our_fork(d, msg))
		refuse_fork(d, msg, note_fork(d, msg));
	else if (d->ours.phase != RLN_OURS_ACK_WAITS)
		rln_dialog_ack(d, d->remote, d->acked.cseq, rln_span_of(d->acked.sdp));
}

/* The ACK goes out now, unless the session owes it an answer: to an offer in this 2xx, or to one in a reliable provisional
 * that it has overtaken. */
static void acknowledge(struct rln_dialog *d, const struct rln_sip_msg *msg, bool session_answers)
{
	bool has_offer = !d->ours.has_offer && rln_dialog_sdp_of(msg).len && !rln_prack_is_answered(d, msg);

	if (session_answers && (has_offer || rln_prack_owes(d, msg)))
		d->ours.phase = RLN_OURS_ACK_WAITS;
	else
		rln_dialog_ack(d, d->remote, d->acked.cseq, nothing);
}

static void note_accepted(struct rln_dialog *d)
{
	d->acked.txn = d->ours.txn;
	d->acked.cseq = d->ours.cseq;
	rln_free(d->acked.sdp);
	d->acked.sdp = NULL;
	rln_free(d->acked.credentials);
	d->acked.credentials = d->ours.credentials;
	d->ours.credentials = NULL;
	close_invite(d);
}

static void on_first_accepted(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	bool is_late = d->ours.phase == RLN_OURS_CANCEL_WAITS || d->ours.phase == RLN_OURS_CANCELLED;
	struct rln_dialog_remote *remote;

	note_accepted(d);
	if (d->state == RLN_DIALOG_TERMINATED) {
		refuse_fork(d, msg, true); /* its BYE came before it */
		return;
	}
	remote = rln_dialog_remote_of(d->all, msg, rln_dialog_request_uri(d->remote));
	if (!remote) {
		rln_dialog_fail(d, -ENOMEM);
		return;
	}
	rln_free(d->remote);
	d->remote = remote;
	d->established = true;
	rln_dialog_set_state(d, RLN_DIALOG_CONFIRMED);
	acknowledge(d, msg, !is_late);
	rln_refresh_on_accepted(d, msg);
	if (is_late)
		rln_dialog_emit_progress(d, RLN_CALL_LATE_ANSWER, msg->status, msg);
	else /* what follows the first answer is no description (13.2.1) */
		rln_dialog_emit_sdp(d, RLN_EV_CALL_ESTABLISHED, rln_prack_is_answered(d, msg) ? NULL : msg);
	rln_prack_free(d);
	if (d->released && rln_dialog_bye(d) != 0)
		rln_dialog_end(d);
}

static void on_reinvite_accepted(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	bool is_overtaken = d->ours.is_refresh && d->queued; /* the session would take it for the end of its own offer */

	note_accepted(d);
	rln_dialog_refresh_target(d, msg);
	acknowledge(d, msg, d->state == RLN_DIALOG_CONFIRMED && !d->released);
	if (d->state == RLN_DIALOG_CONFIRMED)
		rln_refresh_on_accepted(d, msg);
	if (!is_overtaken)
		rln_dialog_emit_sdp(d, RLN_EV_REINVITE_ACKED, msg);
	rln_uac_send_queued(d);
}

static enum rln_call_progress progress_of(const struct rln_dialog *d, unsigned status)
{
	if (d->established)
		return status == 491 ? RLN_CALL_GLARE : RLN_CALL_REFUSED;
	if (status < 400)
		return RLN_CALL_REDIRECTED;
	if (status == 401 || status == 407)
		return RLN_CALL_CHALLENGED;
	return status == 422 ? RLN_CALL_INTERVAL_TOO_SMALL : RLN_CALL_REFUSED;
}

static bool is_given_up(const struct rln_dialog *d)
{
	return d->ours.phase == RLN_OURS_CANCEL_WAITS || d->ours.phase == RLN_OURS_CANCELLED || d->released;
}

/* A re-INVITE that was challenged, or whose interval was too small, once more with what was asked for and the next CSeq;
 * nobody hears of it. */
static bool repeat_reinvite(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	const char *sdp = d->ours.text;

	if (!sdp || d->state != RLN_DIALOG_CONFIRMED || d->bye != RLN_BYE_NONE || is_given_up(d) ||
		!(rln_retry_learn(d, &d->ours.tries, msg) || rln_refresh_raise(d, msg)))
		return false;
	return send_invite(d, rln_span_of(sdp), rln_span_of(sdp + strlen(sdp) + 1)) == 0;
}

/* A dialog that was confirmed lives on; one that was not has ended (12.3, 13.2.2.3), unless the session may ask again in
 * the way that the refusal wants: it waits for that. */
static void on_refused(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	enum rln_call_progress progress = progress_of(d, msg->status);
	bool is_over = is_given_up(d), is_refresh = d->ours.is_refresh;

	if (d->established && repeat_reinvite(d, msg))
		return;
	if (!d->established && !is_over) {
		rln_retry_on_refusal(d, msg);
		is_over = progress == RLN_CALL_REFUSED && !d->again.allowed;
	}
	close_invite(d);
	if (is_refresh) {
		rln_refresh_on_failure(d, msg->status, msg);
		rln_uac_send_queued(d);
		return;
	}
	rln_dialog_emit_progress(d, progress, msg->status, msg);
	if (!d->established && is_over)
		rln_dialog_end(d);
}

static void on_provisional(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	int rc = 0;

	if (d->ours.phase == RLN_OURS_CALLING)
		d->ours.phase = RLN_OURS_PROCEEDING;
	else if (d->ours.phase == RLN_OURS_CANCEL_WAITS)
		rc = send_cancel(d);
	if (rc != 0)
		rln_log(RLN_LOG_WARNING, d->self, "CANCEL not sent: %s", strerror(-rc)); /* the next provisional tries again */
	if (!rln_prack_on_provisional(d, msg) || d->established)
		return;
	if (d->state == RLN_DIALOG_NONE && msg->status > 100 && msg->to_tag.len)
		rln_dialog_set_state(d, RLN_DIALOG_EARLY);
	if (msg->status == 100)
		rln_dialog_emit_progress(d, RLN_CALL_TRYING, 100, msg);
	else
		rln_dialog_emit_progress(d, rln_dialog_sdp_of(msg).len ? RLN_CALL_PROGRESS : RLN_CALL_RINGING, msg->status, msg);
}

static void on_invite_response(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	if (msg->status < 200)
		on_provisional(d, msg);
	else if (msg->status >= 300)
		on_refused(d, msg);
	else if (d->established)
		on_reinvite_accepted(d, msg);
	else
		on_first_accepted(d, msg);
}

void rln_uac_on_response(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	bool is_open = d->ours.phase != RLN_OURS_NONE && d->ours.phase != RLN_OURS_ACK_WAITS;

	if (msg->cseq_method == RLN_SIP_INVITE && txn == d->ours.txn && is_open)
		on_invite_response(d, msg);
	else if (msg->cseq_method == RLN_SIP_INVITE && txn == d->acked.txn && msg->status / 100 == 2)
		on_further_2xx(d, msg);
	else
		rln_ask_on_response(d, msg, txn); /* else to a CANCEL, which says nothing that the INVITE's will not say */
}

/* Our INVITE came to nothing: timer B, or the network (8.1.3.1 has 408 and 503 for these). */
static void on_invite_fault(struct rln_dialog *d, int error)
{
	bool is_refresh = d->ours.is_refresh;
	bool is_over = d->established || is_given_up(d) || d->state == RLN_DIALOG_TERMINATED || !rln_retry_elsewhere(d);

	close_invite(d);
	if (is_refresh) {
		rln_refresh_on_failure(d, error == ETIMEDOUT ? 408 : 503, NULL);
		rln_uac_send_queued(d);
		return;
	}
	if (error == ETIMEDOUT) {
		rln_dialog_emit_progress(d, RLN_CALL_TIMED_OUT, 408, NULL);
	} else {
		rln_dialog_emit_error(d, RLN_FAULT_TRANSPORT, (unsigned)error);
		if (d->established)
			rln_dialog_emit_progress(d, RLN_CALL_REFUSED, 503, NULL);
	}
	if (!d->established && is_over)
		rln_dialog_end(d);
}

void rln_uac_on_fault(struct rln_dialog *d, uint64_t txn, int error)
{
	if (d->ours.phase != RLN_OURS_NONE && d->ours.phase != RLN_OURS_ACK_WAITS && txn == d->ours.txn) {
		on_invite_fault(d, error);
	} else if (rln_ask_on_fault(d, txn, error)) {
		return;
	} else if (txn == d->theirs.txn || txn == d->offer.txn || txn == d->answer.txn) {
		rln_uas_on_fault(d, txn, error);
	}
}

/* 64*T1 after CANCEL (9.1), or after the end of a dialog whose INVITE is still open: no final response will come. */
void rln_uac_on_guard(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_dialog *d = (struct rln_dialog *)((char *)timer - offsetof(struct rln_dialog, guard));

	(void)now_ns;
	if (rln_uas_on_expires(d) || d->ours.phase == RLN_OURS_NONE)
		return;
	rln_txn_drop(d->all->txns, (struct rln_txn_id){d->ours.txn});
	on_invite_fault(d, ETIMEDOUT);
	rln_dialog_settle(d);
}
