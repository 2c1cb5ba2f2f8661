/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reliable provisional responses of ours to a first INVITE (RFC 3262 3). Each is sent again from T1 on, doubling without a
 * limit, until its PRACK comes or 64*T1 have passed. One at a time: what the session says meanwhile is kept in order, and so
 * is a 2xx when the response that waits carries a description. What no memory is left for when its turn comes is tried again.
 *
 * Offer and answer (RFC 3262 5): a description in the first of them answers the INVITE's offer, or is the offer when the
 * INVITE had none and its PRACK brings the answer, which goes up with the ACK like that of any late offer. From then on a
 * PRACK may bring an offer of its own; the session answers it in the 2xx to that PRACK.
 */
#include "sip/dialog_reliable.h"

#include <errno.h>

#include "lcore/heap.h"
#include "lcore/log.h"
#include "lcore/secure.h"

#define WAITING_MOST 16 /* responses that one unacknowledged holds up */

struct waiting {
	struct waiting *next;
	uint16_t code;
	size_t sdp_len, extra_len;
	char text[]; /* SDP, then header lines */
};

struct rln_reliable { /* owner: its dialog */
	struct rln_timer repeat;
	struct rln_dialog *dialog;
	uint32_t rseq; /* of the last one sent, 0 = none yet */
	uint16_t status;
	bool is_open; /* its PRACK has not come */
	bool has_sdp;
	struct rln_dialog_sent sent; /* for its repetitions; no block: none any more */
	uint64_t interval_ns, deadline_ns;
	struct waiting *waiting; /* in order */
	rln_block_ref answer;    /* the message that rln_reliable_answer() gives */
};

static struct rln_wheel *wheel(const struct rln_dialog *d)
{
	return d->all->cfg.wheel;
}

static uint64_t t1_ns(const struct rln_dialog *d)
{
	return d->all->cfg.t1_ms * 1000000ull;
}

static void arm(struct rln_dialog *d, uint64_t after_ns)
{
	rln_wheel_arm(wheel(d), &d->reliable->repeat, rln_wheel_now(wheel(d)) + after_ns);
}

bool rln_reliable_is_wanted(const struct rln_dialogs *all, const struct rln_sip_msg *invite)
{
	return rln_sip_lists(invite, invite->require, "100rel") ||
	       (all->cfg.reliable != RLN_RELIABLE_OFF && rln_sip_lists(invite, invite->supported, "100rel"));
}

bool rln_reliable_answers(struct rln_dialogs *all, const struct rln_sip_msg *invite, uint64_t txn)
{
	if (all->cfg.reliable != RLN_RELIABLE_REQUIRED || invite->to_tag.len || rln_reliable_is_wanted(all, invite))
		return false;
	rln_policy_respond(all, invite, txn, 421, NULL, "Require: 100rel\r\n");
	return true;
}

static void free_waiting(struct rln_reliable *r)
{
	struct waiting *w;

	while ((w = r->waiting)) {
		r->waiting = w->next;
		rln_free(w);
	}
}

static void stop_repeating(struct rln_dialog *d)
{
	rln_wheel_disarm(wheel(d), &d->reliable->repeat);
	rln_block_release(d->reliable->sent.block);
	d->reliable->sent.block = 0;
}

static bool is_answer_waiting(const struct rln_reliable *r)
{
	const struct waiting *w = r->waiting;

	while (w && w->code < 200)
		w = w->next;
	return w;
}

/* 64*T1: the session hears of it, and refuses the INVITE. A session that has accepted it already cannot: we do (RFC 3262 3). */
static void on_no_prack(struct rln_dialog *d)
{
	static const struct rln_span nothing = {NULL, 0};
	bool is_accepted = is_answer_waiting(d->reliable);

	stop_repeating(d);
	d->reliable->is_open = false;
	free_waiting(d->reliable);
	rln_dialog_emit_error(d, RLN_FAULT_NO_PRACK, 504);
	if (is_accepted)
		rln_uas_respond(d, 504, nothing, nothing); /* without memory it tries again itself */
}

static void repeat(struct rln_dialog *d, uint64_t now)
{
	struct rln_reliable *r = d->reliable;
	uint64_t next;

	rln_block_hold(r->sent.block);
	rln_dialogs_publish_response(d->all, &r->sent, d->self, d->theirs.txn, r->status);
	r->interval_ns *= 2;
	next = now + r->interval_ns;
	rln_wheel_arm(wheel(d), &r->repeat, next < r->deadline_ns ? next : r->deadline_ns);
}

static void on_repeat(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_reliable *r = (struct rln_reliable *)((char *)timer - offsetof(struct rln_reliable, repeat));
	struct rln_dialog *d = r->dialog;

	if (!r->sent.block)
		rln_reliable_advance(d); /* it had found no memory */
	else if (now_ns < r->deadline_ns)
		repeat(d, now_ns);
	else
		on_no_prack(d);
	rln_dialog_settle(d);
}

static int make(struct rln_dialog *d)
{
	if (d->reliable)
		return 0;
	d->reliable = rln_zalloc(sizeof(*d->reliable));
	if (!d->reliable)
		return -ENOMEM;
	d->reliable->dialog = d;
	d->reliable->repeat.fire = on_repeat;
	return 0;
}

/* The first RSeq is anything below 2^31 (RFC 3262 3); ours leave room for all that follow. */
static int send_now(struct rln_dialog *d, const struct rln_dialog_response *response)
{
	struct rln_reliable *r = d->reliable;
	struct rln_dialog_response out = *response;
	struct rln_dialog_sent sent;
	int rc;

	out.rseq = r->rseq ? r->rseq + 1 : 1 + rln_random_u32() % 0x3fffffff;
	if (d->answered)
		out.sdp.len = 0; /* no offer may follow in a response (RFC 3261 13.2.1) */
	rc = rln_uas_write(d, &d->theirs, &out, &sent);
	if (rc != 0)
		return rc;
	r->rseq = out.rseq;
	r->sent = sent;
	r->status = out.code;
	r->has_sdp = out.sdp.len > 0;
	r->is_open = true;
	r->interval_ns = t1_ns(d);
	r->deadline_ns = rln_wheel_now(wheel(d)) + rln_dialogs_timeout_ns(d->all);
	arm(d, r->interval_ns);
	rln_uas_provisional_sent(d, out.code);
	return 0;
}

/* After a 2xx nothing may be kept, and before one nothing need be: it says more than any provisional (RFC 3262 3). */
int rln_reliable_keep(struct rln_dialog *d, const struct rln_dialog_response *response)
{
	struct waiting **end = &d->reliable->waiting, *w;
	unsigned n = 0;

	for (; *end && (*end)->code < 200; end = &(*end)->next)
		n++;
	if (*end)
		return 0;
	if (n == WAITING_MOST && response->code < 200)
		return -ENOBUFS;
	w = rln_zalloc(sizeof(*w) + response->sdp.len + response->extra.len);
	if (!w)
		return -ENOMEM;
	w->code = response->code;
	w->sdp_len = response->sdp.len;
	w->extra_len = response->extra.len;
	if (w->sdp_len)
		memcpy(w->text, response->sdp.s, w->sdp_len);
	if (w->extra_len)
		memcpy(w->text + w->sdp_len, response->extra.s, w->extra_len);
	if (w->code >= 200) {
		free_waiting(d->reliable);
		end = &d->reliable->waiting;
	}
	*end = w;
	return 0;
}

int rln_reliable_send(struct rln_dialog *d, const struct rln_dialog_response *response)
{
	int rc = make(d);

	if (rc != 0)
		return rc;
	if (d->reliable->is_open || d->reliable->waiting)
		return rln_reliable_keep(d, response);
	return send_now(d, response);
}

bool rln_reliable_holds(const struct rln_dialog *d)
{
	const struct rln_reliable *r = d->reliable;

	return r && ((r->is_open && r->has_sdp) || d->offer.phase == RLN_THEIRS_OPEN);
}

/* Without the request its transaction broke, and the event that says so is on its way. */
static bool may_advance(const struct rln_dialog *d)
{
	const struct waiting *w = d->reliable->waiting;
	bool is_open = d->theirs.phase == RLN_THEIRS_OPEN && rln_txn_request(d->all->txns, (struct rln_txn_id){d->theirs.txn});

	return w && is_open && !d->reliable->is_open && (w->code < 200 || d->offer.phase != RLN_THEIRS_OPEN);
}

/* 0: gone out. The 2xx overtakes nothing, being the last. */
static int send_waiting(struct rln_dialog *d, const struct waiting *w)
{
	struct rln_dialog_response out = {
		.code = w->code, .sdp = {w->text, w->sdp_len}, .extra = {w->text + w->sdp_len, w->extra_len}};

	return w->code < 200 ? send_now(d, &out) : rln_uas_accept(d, &out);
}

void rln_reliable_advance(struct rln_dialog *d)
{
	while (d->reliable && may_advance(d)) {
		struct waiting *w = d->reliable->waiting;

		d->reliable->waiting = w->next;
		if (send_waiting(d, w) != 0) {
			w->next = d->reliable->waiting;
			d->reliable->waiting = w;
			arm(d, t1_ns(d));
			return;
		}
		rln_free(w);
	}
}

void rln_reliable_stop(struct rln_dialog *d)
{
	if (!d->reliable)
		return;
	stop_repeating(d);
	free_waiting(d->reliable);
}

void rln_reliable_free(struct rln_dialog *d)
{
	if (!d->reliable)
		return;
	rln_reliable_stop(d);
	rln_block_release(d->reliable->answer);
	rln_free(d->reliable);
	d->reliable = NULL;
}

const struct rln_sip_msg *rln_reliable_answer(const struct rln_dialog *d)
{
	return d->reliable && d->reliable->answer ? rln_sip_msg_of(d->reliable->answer) : NULL;
}

/* ---- PRACK ---- */

bool rln_take_number(struct rln_span *text, uint32_t *out)
{
	uint64_t n = 0;
	size_t digits = 0;

	for (; digits < text->len && text->s[digits] >= '0' && text->s[digits] <= '9' && n <= UINT32_MAX; digits++)
		n = n * 10 + (uint64_t)(text->s[digits] - '0');
	if (!digits || n > UINT32_MAX)
		return false;
	*out = (uint32_t)n;
	text->s += digits;
	text->len -= digits;
	return true;
}

static bool take_blanks(struct rln_span *text)
{
	size_t n = 0;

	while (n < text->len && (text->s[n] == ' ' || text->s[n] == '\t'))
		n++;
	text->s += n;
	text->len -= n;
	return n;
}

/* RAck: 776656 1 INVITE */
static bool matches(const struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	const struct rln_reliable *r = d->reliable;
	struct rln_span rack = rln_span_in(msg, msg->rack);
	uint32_t rseq, cseq;

	return r && r->is_open && rln_take_number(&rack, &rseq) && take_blanks(&rack) && rln_take_number(&rack, &cseq) &&
	       take_blanks(&rack) && rseq == r->rseq && cseq == d->theirs.cseq && rack.len == 6 &&
	       memcmp(rack.s, "INVITE", 6) == 0;
}

static void acknowledged(struct rln_dialog *d)
{
	struct rln_reliable *r = d->reliable;

	stop_repeating(d);
	r->is_open = false;
	if (r->has_sdp && d->theirs.has_offer)
		d->answered = true;
}

/* The first exchange began with our offer: this is its answer. Without one the 2xx repeats the offer. */
static void on_answer(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	acknowledged(d);
	if (!rln_dialog_sdp_of(msg).len)
		return;
	d->answered = true;
	rln_block_hold(msg->block);
	d->reliable->answer = msg->block;
}

/* An offer that comes before the first exchange is complete is out of order, and so is one beside another. */
static void on_offer(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	if (!(d->answered || d->reliable->has_sdp) || d->offer.phase == RLN_THEIRS_OPEN) {
		rln_policy_respond_later(d->all, msg, txn);
		return;
	}
	acknowledged(d);
	rln_uas_open_offer(d, msg, txn);
}

void rln_reliable_on_prack(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	bool is_answer, is_over = d->state == RLN_DIALOG_TERMINATED;

	if (!matches(d, msg)) {
		rln_policy_respond(d->all, msg, txn, 481, NULL, NULL);
		return;
	}
	is_answer = d->reliable->has_sdp && !d->theirs.has_offer && !d->answered;
	if (rln_dialog_sdp_of(msg).len && !is_answer && !is_over) {
		on_offer(d, msg, txn);
		return;
	}
	if (rln_uas_accept_plain(d, msg, txn) != 0)
		return; /* it will come again */
	if (is_answer)
		on_answer(d, msg);
	else
		acknowledged(d);
	rln_reliable_advance(d);
}
