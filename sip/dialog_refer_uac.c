/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A transfer that we ask the peer for: REFER, and the NOTIFYs that tell how it goes (RFC 3515 2.4.2 to 2.4.7).
 *
 * The transfer goes up as TRANSFER_TRYING, from the 202 on and any number of times, and then once as DONE or FAILED. The peer's word counts
 * wherever it stands: a NOTIFY may come before the 202 (2.4.4), and a final one may leave the subscription active. A
 * subscription that ends, or falls silent, without a final status is a transfer that failed: nobody will tell any more.
 */
#include <errno.h>
#include <stdlib.h>

#include "lcore/clock.h"
#include "lcore/log.h"
#include "sip/dialog_refer.h"
#include "sip/message_priv.h"
#include "sip/refer_to.h"
#include "sip/sipfrag.h"

#define REFER_MAX                                                                                                                \
	3072 /* the header lines of a REFER: a URI of 1,024, a Call-ID with three characters for each of its own, two tags */

static struct rln_wheel *wheel(const struct rln_dialog_refer *r)
{
	return r->dialog->all->cfg.wheel;
}

static void arm_guard(struct rln_dialog_refer *r, uint64_t wait_ns)
{
	rln_wheel_arm(wheel(r), &r->guard, rln_wheel_now(wheel(r)) + wait_ns);
}

void rln_refer_close_ours(struct rln_dialog_refer *r)
{
	rln_wheel_disarm(wheel(r), &r->guard);
	memset(&r->ours, 0, sizeof(r->ours));
}

/* Goes up once. */
static void tell_end(struct rln_dialog_refer *r, uint16_t status)
{
	if (r->ours.is_told)
		return;
	r->ours.is_told = true;
	rln_dialog_emit_progress(r->dialog, status < 300 ? RLN_CALL_TRANSFER_DONE : RLN_CALL_TRANSFER_FAILED, status, NULL);
}

static void tell_trying(const struct rln_dialog_refer *r, uint16_t status)
{
	if (!r->ours.is_told)
		rln_dialog_emit_progress(r->dialog, RLN_CALL_TRANSFER_TRYING, status, NULL);
}

/* ---- the REFER ---- */

/* Call-ID and tags of the consultation, as its peer sees them: what we call our tag is its from-tag (RFC 3891 3). */
static int replaces_of(const struct rln_dialogs *all, uint64_t id, struct rln_replaces *out, struct rln_span *contact)
{
	const struct rln_dialog *d = rln_dialog_get(all, id);

	if (!d || d->state != RLN_DIALOG_CONFIRMED)
		return -ENOENT;
	out->call_id = rln_span_of(d->texts);
	out->to_tag = rln_span_of(d->remote->text + d->remote->tag);
	out->from_tag = rln_span_of(rln_dialog_text(d, d->local_tag));
	*contact = rln_span_of(d->remote->text + d->remote->target);
	return 0;
}

/* RFC 3892: who asks, by the name that the peer knows us by. */
static void write_referred_by(struct rln_text *t, const struct rln_dialog *d)
{
	const char *value = rln_dialog_text(d, d->local_value);
	struct rln_sip_uri uri;
	size_t end;

	if (rln_sip_addr_split(&uri, &end, value, strlen(value)) == 0)
		rln_text_printf(t, "Referred-By: <%.*s>\r\n", uri.text.len, value + uri.text.off);
}

/* Without a target of its own an attended transfer goes to where the consultation goes. */
static int write_headers(struct rln_text *t, const struct rln_dialog *d, const struct rln_refer_order *order)
{
	bool is_attended = order->type == RLN_TRANSFER_ATTENDED;
	struct rln_span contact = {NULL, 0}, target = order->target;
	char wanted[RLN_URI_MAX], text[RLN_URI_MAX];
	struct rln_replaces replaces;
	struct rln_sip_uri uri;
	int rc = is_attended ? replaces_of(d->all, order->replaces, &replaces, &contact) : 0;

	if (rc != 0)
		return rc;
	if (target.len == 0)
		target = contact;
	snprintf(wanted, sizeof(wanted), "%.*s", (int)target.len, target.s);
	rc = target.len < sizeof(wanted) ? rln_dialog_take_uri(text, &uri, wanted) : -EINVAL;
	if (rc != 0)
		return rc;
	rln_refer_to_build(t, (struct rln_span){text + uri.text.off, uri.text.len}, is_attended ? &replaces : NULL);
	write_referred_by(t, d);
	return t->full ? -EMSGSIZE : 0;
}

static void on_answer(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error);

static int send_refer(struct rln_dialog_refer *r, const struct rln_refer_order *order)
{
	struct rln_dialog_ask ask = {.method = RLN_SIP_REFER, .done = on_answer, .arg = r->orders + 1};
	char head[REFER_MAX];
	struct rln_text t;
	int rc;

	rln_text_init(&t, head, sizeof(head));
	rc = write_headers(&t, r->dialog, order);
	ask.extra = (struct rln_span){head, t.len};
	if (rc == 0)
		rc = rln_dialog_ask(r->dialog, &ask);
	if (rc != 0)
		return rc;
	r->orders++;
	r->ours.cseq = r->dialog->local_cseq;
	r->ours.phase = RLN_REFER_SENT;
	return 0;
}

static int start(struct rln_dialog *d, const struct rln_refer_order *order)
{
	struct rln_dialog_refer *r;

	if (d->state != RLN_DIALOG_CONFIRMED || d->bye != RLN_BYE_NONE)
		return -ENOTCONN;
	r = rln_refer_of(d);
	if (!r)
		return -ENOMEM;
	if (r->ours.phase != RLN_REFER_NONE && !r->ours.is_told)
		return -EINPROGRESS;
	rln_refer_close_ours(r);
	return send_refer(r, order);
}

/* The status that says best why nothing was sent. */
static uint16_t status_of(int error)
{
	switch (-error) {
	case EINVAL:
		return 400;
	case ENOENT:
	case ENOTCONN:
		return 481;
	case EINPROGRESS:
		return 491;
	case EMSGSIZE:
		return 513;
	default:
		return 503;
	}
}

void rln_refer_start(struct rln_dialog *d, const struct rln_refer_order *order)
{
	int rc = start(d, order);

	if (rc == 0)
		return;
	rln_log(RLN_LOG_WARNING, d->self, "REFER not sent: %s", strerror(-rc));
	rln_dialog_emit_progress(d, RLN_CALL_TRANSFER_FAILED, status_of(rc), NULL);
}

/* RFC 4488: accepted, and nobody will report; all that can be known is known. */
static bool is_quiet(const struct rln_sip_msg *msg)
{
	return rln_span_is(rln_param_head(rln_span_in(msg, msg->refer_sub)), "false");
}

static void on_accepted(struct rln_dialog_refer *r, const struct rln_sip_msg *msg)
{
	rln_dialog_refresh_target(r->dialog, msg);
	if (is_quiet(msg)) {
		tell_end(r, msg->status);
		rln_refer_close_ours(r);
		return;
	}
	tell_trying(r, msg->status);
	if (r->ours.phase != RLN_REFER_SENT)
		return;
	r->ours.phase = RLN_REFER_SUBSCRIBED;
	arm_guard(r, rln_dialogs_timeout_ns(r->dialog->all)); /* timer N of RFC 6665 4.1.2.4 */
}

/* 408 and 481 say that the whole dialog is gone (RFC 5057 5.1). */
static void on_refused(struct rln_dialog_refer *r, uint16_t status)
{
	if (status == 408 || status == 481)
		rln_dialog_emit_progress(r->dialog, RLN_CALL_REFUSED, status, NULL);
	else
		tell_end(r, status);
	rln_refer_close_ours(r);
}

/* A NOTIFY that came says more than a response that did not. */
static void on_fault(struct rln_dialog_refer *r, int error)
{
	struct rln_dialog *d = r->dialog;

	if (r->ours.phase != RLN_REFER_SENT)
		return;
	rln_refer_close_ours(r);
	if (error == ETIMEDOUT) {
		rln_dialog_emit_progress(d, RLN_CALL_TIMED_OUT, 408, NULL);
	} else {
		rln_dialog_emit_error(d, RLN_FAULT_TRANSPORT, (unsigned)error);
		rln_dialog_emit_progress(d, RLN_CALL_TRANSFER_FAILED, 503, NULL);
	}
}

/* Challenged, the REFER went out again with another CSeq: the one that was answered names the subscription. */
static void on_answer(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error)
{
	struct rln_dialog_refer *r = d->refer;

	if (ask->arg != r->orders || r->ours.phase == RLN_REFER_NONE)
		return; /* its NOTIFY came first, and was its last */
	if (!msg) {
		on_fault(r, error);
	} else if (msg->status < 300) {
		r->ours.cseq = msg->cseq;
		on_accepted(r, msg);
	} else {
		on_refused(r, msg->status);
	}
}

/* ---- its NOTIFYs ---- */

/* No NOTIFY in the time that the last one promised, or none at all. */
void rln_refer_on_guard(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_dialog_refer *r = (struct rln_dialog_refer *)((char *)timer - offsetof(struct rln_dialog_refer, guard));

	(void)now_ns;
	tell_end(r, 408);
	rln_refer_close_ours(r);
	rln_dialog_settle(r->dialog);
}

/* 0 is none: our CSeqs are larger. */
static unsigned long number(struct rln_span text)
{
	return text.len && text.len < 11 ? strtoul(text.s, NULL, 10) : 0;
}

/* 2.4.6: `id` may be missing as long as there is one subscription, and we have no more. While the REFER is out it may have gone out
 * again, and its number is not known. */
static bool is_ours(const struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	struct rln_span id;

	if (!d->refer || d->refer->ours.phase == RLN_REFER_NONE)
		return false;
	if (!rln_param_find(rln_span_in(msg, msg->event), "id", &id))
		return true;
	return d->refer->ours.phase == RLN_REFER_SENT ? number(id) >= d->refer->ours.cseq : number(id) == d->refer->ours.cseq;
}

/* The status that the body tells: 0 when there is no body; -code when the NOTIFY is to be refused for it. */
static int status_in(const struct rln_sip_msg *msg)
{
	uint16_t status;

	if (!msg->body.len)
		return 0;
	if (!rln_sip_is(msg, msg->content_type, "message/sipfrag"))
		return -415;
	status = rln_sipfrag_parse(rln_sip_text(msg, msg->body), msg->body.len);
	return status ? status : -400;
}

static uint64_t expires_ns(const struct rln_sip_msg *msg)
{
	struct rln_span value;
	unsigned long s = RLN_REFER_EXPIRES_S;

	if (rln_param_find(rln_span_in(msg, msg->subscription_state), "expires", &value) && value.len)
		s = strtoul(value.s, NULL, 10);
	return (s < 3600 ? s : 3600) * RLN_SEC;
}

static void on_terminated(struct rln_dialog_refer *r, const struct rln_sip_msg *msg)
{
	struct rln_span reason = {NULL, 0};

	rln_param_find(rln_span_in(msg, msg->subscription_state), "reason", &reason);
	tell_end(r, rln_span_is(reason, "timeout") ? 408 : 487);
	rln_refer_close_ours(r);
}

static void on_told(struct rln_dialog_refer *r, const struct rln_sip_msg *msg, int status)
{
	bool is_over = rln_span_is(rln_param_head(rln_span_in(msg, msg->subscription_state)), "terminated");

	rln_dialog_refresh_target(r->dialog, msg);
	r->ours.phase = RLN_REFER_SUBSCRIBED;
	if (status >= 200)
		tell_end(r, (uint16_t)status);
	else if (status > 0 && !is_over)
		tell_trying(r, (uint16_t)status);
	if (is_over)
		on_terminated(r, msg);
	else
		arm_guard(r, expires_ns(msg));
}

/* 0 or the status to refuse the NOTIFY with. */
static uint16_t check_notify(const struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	if (!rln_span_is(rln_param_head(rln_span_in(msg, msg->event)), "refer"))
		return 489;
	if (!is_ours(d, msg))
		return 481;
	return msg->subscription_state.len ? 0 : 400;
}

/* A body that we cannot read is refused, and what the headers say counts all the same. */
void rln_refer_on_notify(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	uint16_t refusal = check_notify(d, msg);
	int status = refusal ? 0 : status_in(msg);

	if (refusal)
		rln_policy_respond(d->all, msg, txn, refusal, NULL, refusal == 489 ? "Allow-Events: refer\r\n" : NULL);
	else if (status < 0)
		rln_policy_respond(
			d->all, msg, txn, (uint16_t)-status, NULL, status == -415 ? "Accept: message/sipfrag\r\n" : NULL);
	else
		rln_policy_respond(d->all, msg, txn, 200, NULL, NULL);
	if (!refusal)
		on_told(d->refer, msg, status);
}
