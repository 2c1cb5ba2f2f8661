/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A transfer that the peer asks us for: its REFER goes up, the session answers, and what it reports of the new call goes
 * out in NOTIFYs, one at a time and in order (RFC 3515 2.4.4 to 2.4.7).
 *
 * While a NOTIFY is on its way only the newest status is kept for the next one: the peer wants to know how things stand.
 * A final status ends the subscription with its NOTIFY; so does the end of its time. A NOTIFY that the peer refuses, or
 * never answers, ends it too (RFC 6665 4.2.2): the transfer itself goes on.
 */
#include <errno.h>

#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "sip/dialog_refer.h"
#include "sip/refer_to.h"
#include "sip/sipfrag.h"

static const struct rln_span nothing = {NULL, 0};

static struct rln_wheel *wheel(const struct rln_dialog_refer *r)
{
	return r->dialog->all->cfg.wheel;
}

struct rln_dialog_refer *rln_refer_of(struct rln_dialog *d)
{
	struct rln_dialog_refer *r = d->refer ? d->refer : rln_zalloc(sizeof(*r));

	if (!r || d->refer)
		return r;
	r->dialog = d;
	r->guard.fire = rln_refer_on_guard;
	r->clock.fire = rln_referred_on_clock;
	d->refer = r;
	return r;
}

static const struct rln_sip_msg *open_request(const struct rln_dialog_refer *r)
{
	return rln_txn_request(r->dialog->all->txns, (struct rln_txn_id){r->theirs.txn});
}

void rln_refer_end(struct rln_dialog *d)
{
	struct rln_dialog_refer *r = d->refer;
	const struct rln_sip_msg *req = r && r->theirs.phase == RLN_REFERRED_OPEN ? open_request(r) : NULL;

	if (!r)
		return;
	if (req)
		rln_policy_respond(d->all, req, r->theirs.txn, 487, NULL, NULL);
	rln_refer_close_ours(r);
	rln_referred_close(r);
}

void rln_refer_free(struct rln_dialog *d)
{
	if (d->refer)
		rln_refer_end(d);
	rln_free(d->refer);
	d->refer = NULL;
}

void rln_referred_close(struct rln_dialog_refer *r)
{
	rln_wheel_disarm(wheel(r), &r->clock);
	memset(&r->theirs, 0, sizeof(r->theirs));
}

/* RFC 6665 4.1.3: how the subscription stands once this NOTIFY is out. */
static void write_subscription_state(struct rln_text *t, const struct rln_dialog_refer *r, bool is_last)
{
	uint64_t now = rln_wheel_now(wheel(r));

	if (is_last)
		rln_text_printf(
			t, "Subscription-State: terminated;reason=%s\r\n", r->theirs.has_expired ? "timeout" : "noresource");
	else
		rln_text_printf(t, "Subscription-State: active;expires=%u\r\n",
			(unsigned)((r->theirs.deadline_ns - now + RLN_SEC - 1) / RLN_SEC));
}

static void on_answer(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error);

static int send_notify(struct rln_dialog_refer *r, uint16_t status, bool is_last)
{
	struct rln_dialog_ask ask = {
		.method = RLN_SIP_NOTIFY, .content_type = RLN_SIPFRAG_TYPE, .done = on_answer, .arg = r->theirs.cseq};
	char head[128], frag[64];
	struct rln_text t, body;

	rln_text_init(&t, head, sizeof(head));
	rln_text_printf(&t, "Event: refer;id=%u\r\n", r->theirs.cseq);
	write_subscription_state(&t, r, is_last);
	rln_text_init(&body, frag, sizeof(frag));
	rln_sipfrag_build(&body, status);
	ask.extra = (struct rln_span){head, t.len};
	ask.body = (struct rln_span){frag, body.len};
	return rln_dialog_ask(r->dialog, &ask);
}

/* When the next thing is due: the subscription's end, or another try in T1. */
static void arm_clock(struct rln_dialog_refer *r, bool again)
{
	uint64_t due = again ? rln_wheel_now(wheel(r)) + r->dialog->all->cfg.t1_ms * 1000000ull : r->theirs.deadline_ns;

	rln_wheel_arm(wheel(r), &r->clock, due);
}

/* Sends what is to be told, unless a NOTIFY is still on its way. */
static void tell(struct rln_dialog_refer *r)
{
	uint16_t status = r->theirs.next;
	bool is_last = status >= 200 || r->theirs.has_expired;
	int rc;

	if (!status || r->theirs.is_telling)
		return;
	rc = send_notify(r, status, is_last);
	if (rc != 0)
		rln_log(RLN_LOG_WARNING, r->dialog->self, "NOTIFY not sent: %s", strerror(-rc));
	if (rc == -ENOBUFS || rc == -ENOMEM || rc == 0)
		arm_clock(r, rc != 0);
	else
		rln_referred_close(r); /* nowhere to send it to, now or later */
	if (rc != 0)
		return;
	r->theirs.is_telling = true;
	r->theirs.next = 0;
	r->theirs.last = status;
	r->theirs.is_last = is_last;
	if (is_last)
		rln_wheel_disarm(wheel(r), &r->clock);
}

static void on_answer(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error)
{
	struct rln_dialog_refer *r = d->refer;

	(void)error;
	if (ask->arg != r->theirs.cseq || !r->theirs.is_telling)
		return; /* of a subscription that is over */
	r->theirs.is_telling = false;
	if (!msg || msg->status >= 300 || r->theirs.is_last)
		rln_referred_close(r);
	else
		tell(r);
}

/* Time is up: the peer hears so, with the last status. */
void rln_referred_on_clock(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_dialog_refer *r = (struct rln_dialog_refer *)((char *)timer - offsetof(struct rln_dialog_refer, clock));

	if (now_ns >= r->theirs.deadline_ns && !r->theirs.has_expired) {
		r->theirs.has_expired = r->theirs.next < 200;
		r->theirs.next = r->theirs.next ? r->theirs.next : r->theirs.last;
	}
	tell(r);
	rln_dialog_settle(r->dialog);
}

/* RFC 4488: the one who asks may want no reports. */
static bool is_quiet(const struct rln_sip_msg *msg)
{
	return rln_span_is(rln_param_head(rln_span_in(msg, msg->refer_sub)), "false");
}

/* Texts of the REFER in a block of their own: what a URI's escapes hide stands in no message as it is. */
static int emit(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	struct rln_span value = rln_span_in(msg, msg->refer_to), by = rln_span_in(msg, msg->referred_by);
	struct rln_event ev = {.kind = RLN_EV_TRANSFER_REQUESTED};
	struct rln_ev_transfer_requested *out = &ev.transfer_requested;
	struct rln_refer_to refer_to;
	struct rln_text t;
	int rc;

	out->block = rln_block_alloc(value.len + by.len + 8);
	if (!out->block)
		return -500;
	rln_text_init(&t, rln_block_data(out->block), rln_block_room(out->block));
	rc = rln_refer_to_parse(&refer_to, &t, value);
	if (rc != 0) {
		rln_block_release(out->block);
		return rc;
	}
	out->refer_to = refer_to.uri;
	out->replaces = refer_to.replaces;
	out->type = refer_to.replaces.len ? RLN_TRANSFER_ATTENDED : RLN_TRANSFER_BLIND;
	out->referred_by = (struct rln_slice){(uint16_t)t.len, (uint16_t)by.len};
	rln_text_add(&t, by.s, by.len);
	rln_text_add(&t, "", 1);
	return rln_dialog_emit_transfer(d, &ev) == 0 ? 0 : -481;
}

/* RFC 3515 2.4.6 allows several at once; a call can be moved to one place at a time. */
static bool is_busy(const struct rln_dialog *d)
{
	const struct rln_dialog_refer *r = d->refer;

	if (!r || r->theirs.phase == RLN_REFERRED_QUIET)
		return false;
	return r->theirs.phase == RLN_REFERRED_SUBSCRIBED || (r->theirs.phase == RLN_REFERRED_OPEN && open_request(r));
}

void rln_referred_on_request(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	struct rln_dialog_refer *r;
	int rc;

	if (d->state != RLN_DIALOG_CONFIRMED || is_busy(d)) {
		rln_policy_respond_later(d->all, msg, txn);
		return;
	}
	r = rln_refer_of(d);
	if (!r) {
		rln_policy_respond_later(d->all, msg, txn);
		return;
	}
	rln_referred_close(r);
	r->theirs.txn = txn;
	r->theirs.cseq = msg->cseq;
	r->theirs.is_quiet = is_quiet(msg);
	r->theirs.phase = RLN_REFERRED_OPEN;
	rc = emit(d, msg);
	if (rc == 0)
		return;
	rln_referred_close(r);
	if (rc == -500)
		rln_policy_respond_later(d->all, msg, txn);
	else
		rln_policy_respond(d->all, msg, txn, (uint16_t)-rc, NULL, NULL);
}

static int send_answer(struct rln_dialog_refer *r, const struct rln_sip_msg *req, uint16_t code)
{
	struct rln_dialog *d = r->dialog;
	struct rln_text t;

	rln_text_init(&t, d->all->scratch, sizeof(d->all->scratch));
	rln_build_response(&t, req, code, rln_sip_reason_phrase(code), NULL, false);
	if (code < 300) {
		rln_dialog_write_contact(&t, d);
		rln_text_printf(&t, "%s", r->theirs.is_quiet ? "Refer-Sub: false\r\n" : "");
	}
	return rln_dialogs_send_response(d->all, &t, d->self, r->theirs.txn, code, nothing, NULL);
}

/* 2.4.5: the first NOTIFY goes out at once. */
static void subscribe(struct rln_dialog_refer *r)
{
	if (r->theirs.is_quiet) {
		r->theirs.phase = RLN_REFERRED_QUIET;
		return;
	}
	r->theirs.phase = RLN_REFERRED_SUBSCRIBED;
	r->theirs.deadline_ns = rln_wheel_now(wheel(r)) + RLN_REFER_EXPIRES_S * RLN_SEC;
	r->theirs.next = 100;
	tell(r);
}

static int respond(struct rln_dialog *d, uint16_t code)
{
	struct rln_dialog_refer *r = d->refer;
	const struct rln_sip_msg *req;
	int rc;

	if (code < 200 || code > 699)
		return -EINVAL;
	if (!r || r->theirs.phase != RLN_REFERRED_OPEN)
		return -ENOTCONN;
	req = open_request(r);
	rc = req ? send_answer(r, req, code) : -ETIMEDOUT;
	if (rc != 0 && req)
		rln_txn_drop(d->all->txns, (struct rln_txn_id){r->theirs.txn});
	if (rc == 0 && code < 300) {
		rln_dialog_refresh_target(d, req);
		subscribe(r);
	} else {
		rln_referred_close(r);
	}
	return rc;
}

int rln_dialog_respond_refer(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t code)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? respond(d, code) : -ENOENT;
}

int rln_dialog_notify_transfer(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t status)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);
	struct rln_dialog_refer *r = d ? d->refer : NULL;

	if (!d || status < 100 || status > 699)
		return d ? -EINVAL : -ENOENT;
	if (!r || r->theirs.phase < RLN_REFERRED_SUBSCRIBED)
		return -ENOTCONN;
	if (r->theirs.phase == RLN_REFERRED_QUIET || r->theirs.is_last || r->theirs.next >= 200)
		return 0;
	r->theirs.next = status;
	tell(r);
	return 0;
}
