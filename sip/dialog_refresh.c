/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Session timers (RFC 4028). The refresher sends an UPDATE without description at half the interval, or a re-INVITE with the
 * last description that counted when the peer's Allow lacks UPDATE. Whoever sees no 2xx for the interval less min(32 s, a
 * third of it) tells the session SESSION_EXPIRED, and the session hangs up (10).
 *
 * As UAS we take the interval that is asked for, shortened to the config's, and let the caller refresh unless it says
 * otherwise; for a caller that knows no timers we refresh alone (table 2). As UAC we ask for the config's, and a 2xx without
 * Session-Expires switches the timer off (7.2).
 */
#include "sip/dialog_refresh.h"

#include <errno.h>
#include <strings.h>

#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "lcore/secure.h"

#define LEAST_S  90 /* of any interval (RFC 4028 4) */
#define MARGIN_S 32
#define RAISES   2 /* 422 responses that one refresh gives in to */
#define RETRY_NS (1 * RLN_SEC)

static struct rln_wheel *wheel(const struct rln_dialog *d)
{
	return d->all->cfg.wheel;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t least_of(const struct rln_dialogs *all)
{
	return larger(all->cfg.min_se_s, LEAST_S);
}

/* "1800;refresher=uas", "90": the number, 0 when there is none. */
static uint32_t seconds_of(const struct rln_sip_msg *msg, struct rln_slice value)
{
	struct rln_span text = rln_span_in(msg, value);
	uint32_t n;

	return value.len && rln_take_number(&text, &n) ? n : 0;
}

enum refresher { ANYBODY, UAC, UAS };

static enum refresher refresher_of(const struct rln_sip_msg *msg)
{
	struct rln_span text = rln_span_in(msg, msg->session_expires), value;
	const char *params = text.len ? memchr(text.s, ';', text.len) : NULL;

	if (!params ||
		!rln_sip_param((struct rln_span){params + 1, (size_t)(text.s + text.len - params - 1)}, "refresher", &value))
		return ANYBODY;
	if (value.len != 3 || strncasecmp(value.s, "ua", 2) != 0)
		return ANYBODY;
	return (value.s[2] | 0x20) == 'c' ? UAC : UAS;
}

static bool knows_timers(const struct rln_sip_msg *msg)
{
	return rln_sip_lists(msg, msg->supported, "timer") || rln_sip_lists(msg, msg->require, "timer");
}

/* ---- their requests ---- */

/* Who knows no timers would not know what to do with a 422: a proxy has put the interval there, and we lengthen it. */
bool rln_refresh_answers(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	uint32_t asked = seconds_of(msg, msg->session_expires);
	char line[32];

	if ((msg->method != RLN_SIP_INVITE && msg->method != RLN_SIP_UPDATE) || !msg->session_expires.len ||
		asked >= least_of(all) || !knows_timers(msg))
		return false;
	snprintf(line, sizeof(line), "Min-SE: %u\r\n", least_of(all));
	rln_policy_respond(all, msg, txn, 422, NULL, line);
	return true;
}

static bool we_refresh(const struct rln_dialog *d, const struct rln_sip_msg *request, bool peer_can)
{
	switch (refresher_of(request)) {
	case UAC:
		return !peer_can;
	case UAS:
		return true;
	case ANYBODY:
		break;
	}
	return !peer_can || (d->timer.interval_s && d->timer.is_ours); /* the roles stay (7.4) */
}

struct rln_refresh_terms rln_refresh_terms(const struct rln_dialog *d, const struct rln_sip_msg *request)
{
	uint32_t ours = d->all->cfg.session_expires_s, asked = seconds_of(request, request->session_expires);
	struct rln_refresh_terms terms = {.peer_can = knows_timers(request)};

	if (request->method != RLN_SIP_INVITE && (request->method != RLN_SIP_UPDATE || d->state != RLN_DIALOG_CONFIRMED))
		return terms; /* the time begins with the first INVITE's 2xx */
	terms.interval_s = asked ? asked : d->timer.interval_s ? d->timer.interval_s : ours;
	if (!terms.interval_s)
		return terms;
	if (ours && ours < terms.interval_s)
		terms.interval_s = ours;
	terms.interval_s = larger(terms.interval_s, larger(least_of(d->all), seconds_of(request, request->min_se)));
	terms.is_ours = we_refresh(d, request, terms.peer_can);
	return terms;
}

void rln_refresh_write_response(struct rln_text *t, const struct rln_refresh_terms *terms)
{
	if (!terms->interval_s)
		return;
	rln_text_printf(t, "Session-Expires: %u;refresher=%s\r\n", terms->interval_s, terms->is_ours ? "uas" : "uac");
	if (terms->peer_can)
		rln_text_printf(t, "Require: timer\r\n");
}

/* ---- our requests ---- */

void rln_refresh_write_request(struct rln_text *t, const struct rln_dialog *d)
{
	uint32_t asked = d->session_interval_s ? d->session_interval_s : d->all->cfg.session_expires_s;
	uint32_t interval = d->established ? d->timer.interval_s : asked;
	uint32_t least = larger(d->min_se_s, least_of(d->all));

	if (!interval)
		return;
	rln_text_printf(t, "Session-Expires: %u", larger(interval, d->min_se_s));
	if (d->established)
		rln_text_printf(t, ";refresher=%s", d->timer.is_ours ? "uac" : "uas");
	rln_text_printf(t, "\r\n");
	if (d->min_se_s || least > LEAST_S)
		rln_text_printf(t, "Min-SE: %u\r\n", least);
}

static bool takes_update(const struct rln_dialog *d)
{
	return d->peer_methods & 1u << RLN_SIP_UPDATE;
}

int rln_refresh_keep(struct rln_dialog *d, struct rln_span sdp)
{
	char *copy = NULL;

	if (!sdp.len || takes_update(d) || (d->established && !d->timer.interval_s))
		return 0;
	copy = rln_strndup(sdp.s, sdp.len);
	if (!copy)
		return -ENOMEM;
	rln_free(d->timer.next_sdp);
	d->timer.next_sdp = copy;
	return 0;
}

/* ---- time ---- */

static void arm(struct rln_dialog *d, struct rln_timer *timer, uint64_t after_ns)
{
	rln_wheel_arm(wheel(d), timer, rln_wheel_now(wheel(d)) + after_ns);
}

void rln_refresh_take_description(struct rln_dialog *d)
{
	bool is_needed = d->timer.interval_s && !takes_update(d);

	if (d->timer.next_sdp || !is_needed) {
		rln_free(d->timer.sdp);
		d->timer.sdp = is_needed ? d->timer.next_sdp : NULL;
	}
	if (!is_needed)
		rln_free(d->timer.next_sdp);
	d->timer.next_sdp = NULL;
}

void rln_refresh_start(struct rln_dialog *d, const struct rln_refresh_terms *terms)
{
	uint64_t interval = terms->interval_s * RLN_SEC;
	uint64_t third = interval / 3, margin = MARGIN_S * RLN_SEC;

	rln_wheel_disarm(wheel(d), &d->timer.refresh);
	rln_wheel_disarm(wheel(d), &d->timer.expiry);
	d->timer.interval_s = terms->interval_s;
	d->timer.is_ours = terms->is_ours;
	d->timer.raises = 0;
	rln_refresh_take_description(d);
	if (!interval)
		return;
	d->timer.expires_ns = rln_wheel_now(wheel(d)) + interval - (third < margin ? third : margin);
	rln_wheel_arm(wheel(d), &d->timer.expiry, d->timer.expires_ns);
	if (terms->is_ours)
		arm(d, &d->timer.refresh, interval / 2);
}

/* Our offer of a timer was taken, by whom it says (7.2); UAC when it fails to. */
void rln_refresh_on_accepted(struct rln_dialog *d, const struct rln_sip_msg *response)
{
	struct rln_refresh_terms terms = {
		.interval_s = seconds_of(response, response->session_expires), .is_ours = refresher_of(response) != UAS};

	rln_refresh_start(d, &terms);
}

void rln_refresh_stop(struct rln_dialog *d)
{
	rln_wheel_disarm(wheel(d), &d->timer.refresh);
	rln_wheel_disarm(wheel(d), &d->timer.expiry);
	rln_free(d->timer.sdp);
	rln_free(d->timer.next_sdp);
	d->timer.sdp = d->timer.next_sdp = NULL;
	d->timer.interval_s = 0;
}

static void expire(struct rln_dialog *d)
{
	rln_refresh_stop(d);
	rln_dialog_emit_error(d, RLN_FAULT_SESSION_EXPIRED, 408);
}

static void on_expiry(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_dialog *d = (struct rln_dialog *)((char *)timer - offsetof(struct rln_dialog, timer.expiry));

	(void)now_ns;
	expire(d);
	rln_dialog_settle(d);
}

static void on_update_done(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error)
{
	(void)ask;
	if (msg && msg->status < 300) {
		rln_dialog_refresh_target(d, msg);
		rln_refresh_on_accepted(d, msg);
	} else {
		rln_refresh_on_failure(d, msg ? msg->status : error == ETIMEDOUT ? 408 : 503, msg);
	}
}

static int send_refresh(struct rln_dialog *d)
{
	static const struct rln_dialog_ask update = {.method = RLN_SIP_UPDATE, .done = on_update_done};
	int rc;

	if (takes_update(d) || !d->timer.sdp)
		return rln_dialog_ask(d, &update);
	rc = rln_uac_invite(d, rln_span_of(d->timer.sdp), rln_span_of(NULL));
	d->ours.is_refresh = rc == 0;
	return rc;
}

/* Any other INVITE, and an offer of theirs, refreshes as well when it succeeds. */
static bool is_busy(const struct rln_dialog *d)
{
	return d->ours.phase != RLN_OURS_NONE || d->offer.phase == RLN_THEIRS_OPEN || d->answer.block || d->queued ||
	       rln_dialog_is_asking(d, RLN_SIP_UPDATE);
}

static void on_refresh(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_dialog *d = (struct rln_dialog *)((char *)timer - offsetof(struct rln_dialog, timer.refresh));
	int rc;

	(void)now_ns;
	if (d->state != RLN_DIALOG_CONFIRMED || d->bye != RLN_BYE_NONE)
		return;
	rc = is_busy(d) ? -EINPROGRESS : send_refresh(d);
	if (rc != 0)
		arm(d, timer, RETRY_NS);
	if (rc != 0 && rc != -EINPROGRESS)
		rln_log(RLN_LOG_WARNING, d->self, "session refresh not sent: %s", strerror(-rc));
}

void rln_refresh_init(struct rln_dialog *d)
{
	d->timer.refresh.fire = on_refresh;
	d->timer.expiry.fire = on_expiry;
}

/* ---- refusals ---- */

bool rln_refresh_raise(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	uint32_t least = msg && msg->status == 422 ? seconds_of(msg, msg->min_se) : 0;

	if (least <= d->min_se_s || d->timer.raises == RAISES)
		return false;
	d->timer.raises++;
	d->min_se_s = least;
	d->timer.interval_s = larger(d->timer.interval_s, least);
	return true;
}

/* RFC 3261 14.1: the owner of the Call-ID waits longer. */
static uint64_t glare_ns(const struct rln_dialog *d)
{
	return (d->role == RLN_ROLE_UAC ? 2100 + rln_random_u32() % 191 * 10 : rln_random_u32() % 201 * 10) * RLN_MS;
}

/* The time that is left, halved: it either heals in time, or the session expires. */
static uint64_t half_of_the_rest(const struct rln_dialog *d)
{
	uint64_t now = rln_wheel_now(wheel(d)), due = d->timer.expires_ns;
	uint64_t rest = due > now ? (due - now) / 2 : 0;

	return rest > RETRY_NS ? rest : RETRY_NS;
}

void rln_refresh_on_failure(struct rln_dialog *d, uint16_t status, const struct rln_sip_msg *msg)
{
	if (!d->timer.interval_s)
		return;                       /* it has expired meanwhile */
	if (status == 408 || status == 481) { /* RFC 3261 12.2.1.2 */
		expire(d);
	} else if (status == 491) {
		arm(d, &d->timer.refresh, glare_ns(d));
	} else if (rln_refresh_raise(d, msg)) {
		arm(d, &d->timer.refresh, 0);
	} else {
		arm(d, &d->timer.refresh, half_of_the_rest(d));
	}
}

bool rln_refresh_is_open(const struct rln_dialog *d)
{
	return d->ours.is_refresh && d->ours.phase != RLN_OURS_NONE;
}
