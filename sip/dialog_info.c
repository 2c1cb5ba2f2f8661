/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys by INFO (dialog_info.h), out and in. A key that the peer refuses takes those behind it along: it will not take them
 * either, and digits with a hole are worse than none.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "lcore/heap.h"
#include "lcore/log.h"
#include "sip/dialog_info.h"
#include "sip/refer_to.h"

#define KEYS       "0123456789*#ABCD" /* by their event number (RFC 4733 3.2) */
#define FLASH      16                 /* of the hook: no key of ours */
#define DEFAULT_MS 160                /* where nobody says how long */
#define ACCEPTED   "Accept: application/dtmf-relay, application/dtmf\r\n"

/* ---- out ---- */

static void on_again(struct rln_timer *timer, uint64_t now_ns);

static struct rln_dialog_info *info_of(struct rln_dialog *d)
{
	struct rln_dialog_info *info = d->info ? d->info : rln_zalloc(sizeof(*info));

	if (!info || d->info)
		return info;
	info->dialog = d;
	info->again.fire = on_again;
	d->info = info;
	return info;
}

void rln_info_end(struct rln_dialog *d)
{
	if (!d->info)
		return;
	rln_wheel_disarm(d->all->cfg.wheel, &d->info->again);
	d->info->n = 0;
}

void rln_info_free(struct rln_dialog *d)
{
	rln_info_end(d);
	rln_free(d->info);
	d->info = NULL;
}

static void on_answer(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error);

static int send_first(struct rln_dialog_info *info)
{
	struct rln_dialog_ask ask = {.method = RLN_SIP_INFO, .content_type = "application/dtmf-relay", .done = on_answer};
	char body[48];
	int len = snprintf(body, sizeof(body), "Signal=%c\r\nDuration=%u\r\n", info->digit[info->head].digit,
		info->digit[info->head].duration_ms);

	ask.body = (struct rln_span){body, (size_t)len};
	return rln_dialog_ask(info->dialog, &ask);
}

/* The next key, unless one is on its way. */
static void send_next(struct rln_dialog_info *info)
{
	struct rln_dialog *d = info->dialog;
	struct rln_wheel *wheel = d->all->cfg.wheel;
	int rc;

	if (info->is_asking || info->n == 0)
		return;
	rc = send_first(info);
	info->is_asking = rc == 0;
	if (rc == 0)
		return;
	rln_log(RLN_LOG_WARNING, d->self, "INFO not sent: %s", strerror(-rc));
	if (rc == -ENOBUFS || rc == -ENOMEM) { /* T1 later there may be some */
		rln_wheel_arm(wheel, &info->again, rln_wheel_now(wheel) + d->all->cfg.t1_ms * 1000000ull);
		return;
	}
	rln_info_end(d);
	rln_dialog_emit_error(d, RLN_FAULT_TRANSPORT, (unsigned)-rc);
}

static void on_again(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_dialog_info *info = (struct rln_dialog_info *)((char *)timer - offsetof(struct rln_dialog_info, again));
	struct rln_dialog *d = info->dialog;

	(void)now_ns;
	send_next(info);
	rln_dialog_settle(d);
}

static int line_up(struct rln_dialog *d, const struct rln_ev_tones *tones)
{
	size_t n = strnlen(tones->tones, sizeof(tones->tones));
	struct rln_dialog_info *info;

	if (d->state != RLN_DIALOG_CONFIRMED || d->bye != RLN_BYE_NONE)
		return -ENOTCONN;
	if (n == 0 || strspn(tones->tones, KEYS) < n)
		return -EINVAL;
	info = info_of(d);
	if (!info)
		return -ENOMEM;
	if (info->n + n > RLN_INFO_DIGITS)
		return -ENOBUFS;
	for (size_t i = 0; i < n; i++) {
		unsigned at = (info->head + info->n++) % RLN_INFO_DIGITS;

		info->digit[at].digit = tones->tones[i];
		info->digit[at].duration_ms = tones->duration_ms ? tones->duration_ms : DEFAULT_MS;
	}
	send_next(info);
	return 0;
}

void rln_info_send(struct rln_dialog *d, const struct rln_ev_tones *tones)
{
	int rc = line_up(d, tones);

	if (rc == 0)
		return;
	rln_log(RLN_LOG_WARNING, d->self, "keys not sent: %s", strerror(-rc));
	rln_dialog_emit_error(d, RLN_FAULT_TRANSACTION, (unsigned)-rc);
}

/* 408 and 481 say that the whole dialog is gone (RFC 5057 5.1). */
static void on_refused(struct rln_dialog *d, uint16_t status)
{
	rln_info_end(d);
	if (status == 408 || status == 481)
		rln_dialog_emit_progress(d, RLN_CALL_REFUSED, status, NULL);
	else
		rln_dialog_emit_error(d, RLN_FAULT_REQUEST_REFUSED, status);
}

static void on_fault(struct rln_dialog *d, int error)
{
	rln_info_end(d);
	if (error == ETIMEDOUT)
		rln_dialog_emit_progress(d, RLN_CALL_TIMED_OUT, 408, NULL);
	else
		rln_dialog_emit_error(d, RLN_FAULT_TRANSPORT, (unsigned)error);
}

static void on_answer(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error)
{
	struct rln_dialog_info *info = d->info;

	(void)ask;
	info->is_asking = false;
	if (!msg) {
		on_fault(d, error);
	} else if (msg->status >= 300) {
		on_refused(d, msg->status);
	} else {
		info->head = (uint8_t)((info->head + 1) % RLN_INFO_DIGITS);
		info->n--;
		send_next(info);
	}
}

/* ---- in ---- */

/* A key, by itself or by its event number. 0: none of ours, -EINVAL: none at all. */
static int key_of(struct rln_span text)
{
	char number[3] = "";
	char *end;
	long event;

	if (text.len == 1 && strchr(KEYS "abcd", *text.s) && *text.s)
		return *text.s >= 'a' ? *text.s - 'a' + 'A' : *text.s;
	if (text.len == 1 && *text.s == '!')
		return 0;
	if (text.len == 0 || text.len > 2)
		return -EINVAL;
	memcpy(number, text.s, text.len);
	event = strtol(number, &end, 10);
	if (*end || event < 0 || event > FLASH)
		return -EINVAL;
	return event == FLASH ? 0 : KEYS[event];
}

static struct rln_span trim(struct rln_span s)
{
	while (s.len && strchr(" \t\r\n", *s.s) && *s.s) {
		s.s++;
		s.len--;
	}
	while (s.len && strchr(" \t\r\n", s.s[s.len - 1]) && s.s[s.len - 1])
		s.len--;
	return s;
}

/* "Signal=5", "Duration=160": the value of such a line; false when it is none of that name. */
static bool take_line(struct rln_span line, const char *name, struct rln_span *value)
{
	const char *sign = line.len ? memchr(line.s, '=', line.len) : NULL;

	if (!sign || !rln_span_is(trim((struct rln_span){line.s, (size_t)(sign - line.s)}), name))
		return false;
	*value = trim((struct rln_span){sign + 1, (size_t)(line.s + line.len - sign - 1)});
	return true;
}

static uint16_t milliseconds(struct rln_span text)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.len && n < UINT16_MAX; i++) {
		if (text.s[i] < '0' || text.s[i] > '9')
			return DEFAULT_MS;
		n = n * 10 + (unsigned)(text.s[i] - '0');
	}
	return n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
}

/* application/dtmf-relay: lines of name=value. */
static int parse_relay(struct rln_span body, uint16_t *duration_ms)
{
	int key = -EINVAL;

	while (body.len) {
		const char *stop = memchr(body.s, '\n', body.len);
		size_t len = stop ? (size_t)(stop - body.s) + 1 : body.len;
		struct rln_span line = {body.s, len}, value;

		if (take_line(line, "Signal", &value))
			key = key_of(value);
		else if (take_line(line, "Duration", &value))
			*duration_ms = milliseconds(value);
		body.s += len;
		body.len -= len;
	}
	return key;
}

/* A body that is no key is refused; a key that we have no name for is taken and left lying. */
static uint16_t take_key(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	struct rln_span body = rln_span_in(msg, msg->body);
	uint16_t duration_ms = DEFAULT_MS;
	int key;

	if (!body.len)
		return 200;
	if (rln_sip_is(msg, msg->content_type, "application/dtmf-relay"))
		key = parse_relay(body, &duration_ms);
	else if (rln_sip_is(msg, msg->content_type, "application/dtmf"))
		key = key_of(trim(body));
	else
		return 415;
	if (key > 0)
		rln_dialog_emit_key(d, (char)key, duration_ms);
	return key < 0 ? 400 : 200;
}

void rln_info_on_request(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	uint16_t status = take_key(d, msg);

	rln_policy_respond(d->all, msg, txn, status, NULL, status == 415 ? ACCEPTED : NULL);
}
