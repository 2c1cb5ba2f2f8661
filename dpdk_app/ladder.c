/* SPDX-License-Identifier: BSD-3-Clause */
/* The ladder's lines; see ladder.h. */
#include "dpdk_app/ladder.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dpdk_app/trace.h"

#define PITCH 10u /* columns from lane to lane: "transport" and a space */
#define STARS 3u  /* what is left of a masked run */

enum tint { PLAIN, STATE, SIP, CALL, BAD, TINTS };

void rln_ladder_put(struct rln_ladder_text *out, const char *format, ...)
{
	size_t left = out->room - out->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out->s + out->len, left, format, args);
	va_end(args);
	if (n > 0)
		out->len += (size_t)n < left ? (size_t)n : left ? left - 1 : 0;
}

/* Text from outside: control characters as '.', a masked run as three stars. */
static void put_text(struct rln_ladder_text *out, const char *s, size_t len)
{
	size_t stars = 0;

	for (size_t i = 0; i < len && out->len + 1 < out->room; i++) {
		stars = s[i] == '*' ? stars + 1 : 0;
		if (stars <= STARS)
			out->s[out->len++] = (uint8_t)s[i] < ' ' || s[i] == 0x7f ? '.' : s[i];
	}
	out->s[out->len] = 0;
}

/* ---- columns ---- */

static void put_lanes(struct rln_ladder_text *out, enum rln_lane from, enum rln_lane to, char stroke)
{
	char row[PITCH * RLN_LANES + 1];
	unsigned a = (from < to ? from : to) * PITCH, b = (from < to ? to : from) * PITCH;

	memset(row, ' ', sizeof(row));
	for (unsigned lane = 0; lane < RLN_LANES; lane++)
		row[lane * PITCH] = '|';
	for (unsigned i = a + 1; i < b; i++)
		row[i] = stroke;
	if (from < to)
		row[b - 1] = '>';
	else if (from > to)
		row[a + 1] = '<';
	else
		row[a] = 'o';
	rln_ladder_put(out, "%.*s", (int)(PITCH * (RLN_LANES - 1) + 2), row);
}

void rln_ladder_head(struct rln_ladder_text *out, const struct rln_ladder_style *style)
{
	rln_ladder_put(out, "%s%s", style->numbers ? "  call " : "", style->is_doc ? "" : "        ms ");
	for (unsigned lane = 0; lane < RLN_LANES; lane++)
		rln_ladder_put(out, "%-*s", (int)PITCH, rln_lane_name((enum rln_lane)lane));
	rln_ladder_put(out, "  step\n");
}

static void put_step(struct rln_ladder_text *out, const struct rln_trace_place *p)
{
	char cause[32] = "";

	if (p->cause_step && p->cause_call == p->call)
		snprintf(cause, sizeof(cause), "<- %u", p->cause_step);
	else if (p->cause_step)
		snprintf(cause, sizeof(cause), "<- call %u", p->cause_call);
	rln_ladder_put(out, "%4u %-8s", p->step, cause);
}

/* ---- what it is ---- */

static bool is_failure(const struct rln_event *ev)
{
	switch ((int)rln_event_kind(ev)) {
	case RLN_EV_DIALOG_ERROR:
	case RLN_EV_TRANSPORT_ERROR:
	case RLN_EV_MEDIA_ERROR:
	case RLN_EV_RTP_ERROR:
	case RLN_EV_ACTION_FAILED:
		return true;
	case RLN_EV_STATE_CHANGED:
		return ev->state_changed.new_state == RLN_STATE_FAILED;
	default:
		return rln_traced_is_call(ev) && !ev->call.is_query && ev->call.result < 0;
	}
}

static enum tint tint_of(const struct rln_traced *t)
{
	if (is_failure(t->ev))
		return BAD;
	if (t->ev->kind == RLN_EV_STATE_CHANGED)
		return STATE;
	return rln_traced_message(t).len ? SIP : rln_traced_is_call(t->ev) ? CALL : PLAIN;
}

static void put_call(struct rln_ladder_text *out, const struct rln_event *ev)
{
	enum rln_lane from, to;

	rln_traced_lanes(ev, &from, &to);
	rln_ladder_put(out, "%s.%s(", rln_lane_name(to), ev->call.name ? ev->call.name : "?");
	if (ev->call.detail)
		rln_ladder_put(out, "%u", ev->call.detail);
	rln_ladder_put(out, ")");
	if (ev->call.is_query)
		rln_ladder_put(out, " = %" PRId64, ev->call.result);
	else if (ev->call.result < 0)
		rln_ladder_put(out, " failed: %s", strerror((int)-ev->call.result));
}

/* "INVITE sip:bob@198.18.0.1 (1 INVITE)", "SIP/2.0 200 OK (1 INVITE)" */
static void put_message(struct rln_ladder_text *out, struct rln_trace_text message, bool is_doc)
{
	struct rln_trace_text rest = message, first = rln_trace_line(&rest), cseq = rln_trace_header(message, "CSeq", 0);
	const char *version = memmem(first.s, first.len, " SIP/2.0", 8);

	if (version && first.len > 8 && version == first.s + first.len - 8)
		first.len -= 8;
	if (is_doc && version) { /* the method alone: addresses differ */
		const char *space = memchr(first.s, ' ', first.len);

		first.len = space ? (size_t)(space - first.s) : first.len;
	}
	rln_ladder_put(out, " ");
	put_text(out, first.s, first.len);
	if (is_doc) /* its number differs, too */
		cseq.len = 0;
	if (cseq.len) {
		rln_ladder_put(out, " (");
		put_text(out, cseq.s, cseq.len);
		rln_ladder_put(out, ")");
	}
	if (rln_trace_header(message, "Content-Type", 'c').len)
		rln_ladder_put(out, " with body");
}

static void put_state(struct rln_ladder_text *out, const struct rln_ev_state_changed *s)
{
	rln_ladder_put(out, " ** %s -> %s **", rln_call_state_name((enum rln_call_state)s->old_state),
		rln_call_state_name((enum rln_call_state)s->new_state));
	if (s->new_state == RLN_STATE_FAILED || s->code)
		rln_ladder_put(out, " %s %u", rln_end_reason_name((enum rln_end_reason)s->reason), s->code);
}

/* Kinds whose fields are the same at every run. */
static bool is_stable(const struct rln_event *ev)
{
	switch ((int)rln_event_kind(ev)) {
	case RLN_EV_CALL_STATE_CHANGED:
	case RLN_EV_CALL_TERMINATED:
	case RLN_EV_SESSION_TERMINATED:
	case RLN_EV_DIALOG_STATE_CHANGED:
	case RLN_EV_DIALOG_ERROR:
	case RLN_EV_MEDIA_STREAM_STATE_CHANGED:
	case RLN_EV_MEDIA_ERROR:
	case RLN_EV_SESSION_CREATED:
	case RLN_EV_HOLD_MEDIA:
	case RLN_EV_RESUME_MEDIA:
	case RLN_EV_DTMF_DETECTED:
	case RLN_EV_DTMF_RECEIVED:
	case RLN_EV_ACTION_FAILED:
		return true;
	default:
		return false;
	}
}

static void put_fields(struct rln_ladder_text *out, const struct rln_traced *t, bool is_doc)
{
	char fields[600], *texts;

	rln_event_fields(t->ev, fields, sizeof(fields));
	texts = is_doc ? strstr(fields, " sdp=") : NULL; /* a copied event's block is gone */
	if (is_doc && !texts)
		texts = strstr(fields, " from_session=");
	put_text(out, fields, texts ? (size_t)(texts - fields) : strlen(fields));
}

static void put_what(struct rln_ladder_text *out, const struct rln_ladder_style *style, const struct rln_traced *t)
{
	struct rln_trace_text message = rln_traced_message(t);

	if (rln_traced_is_call(t->ev))
		put_call(out, t->ev);
	else
		rln_ladder_put(out, "%s", rln_event_info(rln_event_kind(t->ev))->name);
	if (message.len) {
		put_message(out, message, style->is_doc);
	} else if (t->ev->kind == RLN_EV_STATE_CHANGED) {
		put_state(out, &t->ev->state_changed);
	} else if (!rln_traced_is_call(t->ev) && (!style->is_doc || is_stable(t->ev))) {
		put_fields(out, t, style->is_doc);
	}
}

/* Whose it is, and under which numbers the log and the bus know it. */
static void put_ids(struct rln_ladder_text *out, const struct rln_traced *t)
{
	char id[RLN_ID_TEXT], who[16];

	rln_ladder_put(out, "  [%s %s #%u.%u]", rln_trace_endpoint(t->endpoint, who), rln_id_text(t->ev->id, id),
		t->ev->serial >> 24, t->ev->serial & 0xffffff);
}

static void put_body(struct rln_ladder_text *out, struct rln_trace_text message)
{
	while (message.len) {
		struct rln_trace_text line = rln_trace_line(&message);

		rln_ladder_put(out, "\t\t| ");
		put_text(out, line.s, line.len);
		rln_ladder_put(out, "\n");
	}
}

void rln_ladder_line(struct rln_ladder_text *out, const struct rln_ladder_style *style, const struct rln_traced *t,
	const struct rln_trace_place *place)
{
	static const char *const tints[TINTS] = {"", "\033[1;36m", "\033[32m", "\033[2m", "\033[1;31m"};
	const char *tint = style->colour ? tints[tint_of(t)] : "";
	char stroke = rln_traced_is_call(t->ev) ? '.' : t->ev->kind == RLN_EV_STATE_CHANGED ? '=' : '-';
	enum rln_lane from, to;

	if (rln_traced_is_call(t->ev) && t->ev->call.is_query && !style->verbose)
		return;
	rln_traced_lanes(t->ev, &from, &to);
	rln_ladder_put(out, "%s", tint);
	if (style->numbers)
		rln_ladder_put(out, "%6u ", place->call);
	if (!style->is_doc)
		rln_ladder_put(out, "%10.3f ", (double)place->since_ns / 1e6);
	put_lanes(out, from, to, stroke);
	put_step(out, place);
	put_what(out, style, t);
	if (style->verbose)
		put_ids(out, t);
	rln_ladder_put(out, "%s\n", *tint ? "\033[0m" : "");
	if (style->verbose)
		put_body(out, rln_traced_message(t));
}
