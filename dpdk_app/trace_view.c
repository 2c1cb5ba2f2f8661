/* SPDX-License-Identifier: BSD-3-Clause */
/* Traced events as people look at them; see trace_view.h. */
#include "dpdk_app/trace_view.h"

#include <string.h>
#include <strings.h>

#include "sip/message.h"

const char *rln_lane_name(enum rln_lane lane)
{
	static const char *const names[RLN_LANES] = {"transport", "dialog", "session", "media", "rtp", "application"};

	return lane < RLN_LANES ? names[lane] : "?";
}

/* ---- lanes ---- */

/* Kinds that sessions raise for themselves or one another though their category is the application's. */
static bool is_own(const struct rln_event *ev)
{
	switch ((int)rln_event_kind(ev)) {
	case RLN_EV_TIMER_FIRED:
	case RLN_EV_ACTION_FAILED:
	case RLN_EV_EVALUATED:
	case RLN_EV_OTHER_CALL:
	case RLN_EV_BRIDGE_OFFER:
	case RLN_EV_BRIDGE_ANSWER:
		return true;
	default:
		return false;
	}
}

/* A dialog's or worker's news under the session's id is the session's, for the application (R104); but a leg is asked for, and
 * refused, under the session's id. */
static bool is_passed_on(const struct rln_event *ev)
{
	return rln_id_type(ev->id) == RLN_ID_SESSION && ev->kind != RLN_EV_MEDIA_SESSION_CREATED &&
	       ev->kind != RLN_EV_MEDIA_ERROR;
}

void rln_traced_lanes(const struct rln_event *ev, enum rln_lane *from, enum rln_lane *to)
{
	static const uint8_t lanes[RLN_CAT_COUNT + 1][2] = {
		[RLN_CAT_S2D] = {RLN_LANE_SESSION, RLN_LANE_DIALOG},
		[RLN_CAT_D2S] = {RLN_LANE_DIALOG, RLN_LANE_SESSION},
		[RLN_CAT_T2D] = {RLN_LANE_TRANSPORT, RLN_LANE_DIALOG},
		[RLN_CAT_D2T] = {RLN_LANE_DIALOG, RLN_LANE_TRANSPORT},
		[RLN_CAT_S2M] = {RLN_LANE_SESSION, RLN_LANE_MEDIA},
		[RLN_CAT_M2S] = {RLN_LANE_MEDIA, RLN_LANE_SESSION},
		[RLN_CAT_M2R] = {RLN_LANE_MEDIA, RLN_LANE_RTP},
		[RLN_CAT_R2M] = {RLN_LANE_RTP, RLN_LANE_MEDIA},
		[RLN_CAT_S2A] = {RLN_LANE_SESSION, RLN_LANE_APPLICATION},
		[RLN_CAT_A2S] = {RLN_LANE_APPLICATION, RLN_LANE_SESSION},
		[RLN_CAT_COUNT] = {RLN_LANE_APPLICATION, RLN_LANE_APPLICATION},
	};
	unsigned category = rln_traced_is_call(ev) ? ev->call.category : rln_event_info(rln_event_kind(ev))->category;

	if (category > RLN_CAT_COUNT)
		category = RLN_CAT_COUNT;
	if (!rln_traced_is_call(ev)) {
		if ((category == RLN_CAT_D2S || category == RLN_CAT_M2S) && is_passed_on(ev))
			category = RLN_CAT_S2A;
		else if (category == RLN_CAT_S2A && rln_id_type(ev->id) == RLN_ID_MEDIA)
			category = RLN_CAT_M2S; /* 3.9: the worker raises it, the session passes it on */
	}
	*from = (enum rln_lane)(is_own(ev) ? RLN_LANE_SESSION : lanes[category][0]);
	*to = (enum rln_lane)lanes[category][1];
}

/* ---- texts ---- */

struct rln_trace_text rln_traced_slice(const struct rln_traced *t, struct rln_slice slice)
{
	if (!t->text || (size_t)slice.off + slice.len > t->room)
		return (struct rln_trace_text){"", 0};
	return (struct rln_trace_text){t->text + slice.off, slice.len};
}

static struct rln_trace_text received(const struct rln_traced *t)
{
	const struct rln_sip_msg *msg = (const struct rln_sip_msg *)(const void *)t->text;
	size_t len;

	if (t->room < sizeof(*msg) || msg->raw.off >= t->room)
		return (struct rln_trace_text){"", 0};
	len = t->room - msg->raw.off;
	return (struct rln_trace_text){t->text + msg->raw.off, msg->raw.len < len ? msg->raw.len : len};
}

/* As sip/build.h lays it out: from the block's beginning; an empty line stands between headers and body. */
static struct rln_trace_text sent(const struct rln_traced *t, struct rln_slice headers, struct rln_slice body)
{
	size_t len = headers.len ? (size_t)headers.off + headers.len + 2 + body.len : 0;

	return (struct rln_trace_text){t->text, len < t->room ? len : t->room};
}

struct rln_trace_text rln_traced_message(const struct rln_traced *t)
{
	if (!t->text)
		return (struct rln_trace_text){"", 0};
	if (rln_traced_is_call(t->ev))
		return rln_traced_slice(t, t->ev->call.message);
	switch ((int)rln_event_kind(t->ev)) {
	case RLN_EV_SIP_MESSAGE_RECEIVED:
	case RLN_EV_SIP_RESPONSE_RECEIVED:
		return received(t);
	case RLN_EV_SEND_SIP_MESSAGE:
		return sent(t, t->ev->send_sip_message.headers, t->ev->send_sip_message.body);
	case RLN_EV_SEND_SIP_RESPONSE:
		return sent(t, t->ev->send_sip_response.headers, t->ev->send_sip_response.body);
	default:
		return (struct rln_trace_text){"", 0};
	}
}

struct rln_trace_text rln_trace_line(struct rln_trace_text *text)
{
	struct rln_trace_text line = *text;
	const char *end = line.len ? memchr(line.s, '\n', line.len) : NULL;
	size_t taken = end ? (size_t)(end - line.s) + 1 : line.len;

	line.len = end ? taken - 1 : taken;
	if (line.len && line.s[line.len - 1] == '\r')
		line.len--;
	text->s += taken;
	text->len -= taken;
	return line;
}

/* "Name  : value" */
static bool is_header(struct rln_trace_text line, const char *name, size_t len, struct rln_trace_text *value)
{
	size_t at = len;

	if (line.len <= len || strncasecmp(line.s, name, len) != 0)
		return false;
	while (at < line.len && (line.s[at] == ' ' || line.s[at] == '\t'))
		at++;
	if (at == line.len || line.s[at] != ':')
		return false;
	for (at++; at < line.len && (line.s[at] == ' ' || line.s[at] == '\t');)
		at++;
	*value = (struct rln_trace_text){line.s + at, line.len - at};
	return true;
}

struct rln_trace_text rln_trace_header(struct rln_trace_text message, const char *name, char compact)
{
	struct rln_trace_text line, value;

	(void)rln_trace_line(&message);
	while (message.len && (line = rln_trace_line(&message)).len) {
		if (is_header(line, name, strlen(name), &value) || (compact && is_header(line, &compact, 1, &value)))
			return value;
	}
	return (struct rln_trace_text){"", 0};
}

/* ---- secrets ---- */

static void blacken(char *at, const char *end)
{
	for (; at < end; at++)
		if (*at != '\r' && *at != '\n')
			*at = '*';
}

/* The credentials of a header: all behind the scheme ("Digest"), folded lines too. Returns the end of what was looked at. */
static char *mask_header(char *value, char *end, char *text_end)
{
	char *at = value;

	while (at < end && *at != ' ' && *at != '\t' && *at != '\r')
		at++;
	for (;;) {
		blacken(at, end);
		if (end + 1 >= text_end || (end[1] != ' ' && end[1] != '\t'))
			return end;
		at = end + 1; /* 7.3.1: a line that begins with white space goes on */
		end = memchr(at, '\n', (size_t)(text_end - at));
		if (!end)
			end = text_end;
	}
}

static const struct {
	const char *name;
	bool is_sdp; /* else a header */
} secrets[] = {{"Authorization", false}, {"Proxy-Authorization", false}, {"Authentication-Info", false},
	{"Proxy-Authentication-Info", false}, {"a=crypto:", true}, {"a=key-mgmt:", true}, {"k=", true}};

/* RFC 4568 9.1: every inline key parameter, up to the lifetime. */
static void mask_crypto(char *at, char *end)
{
	char *key;

	while ((key = memmem(at, (size_t)(end - at), "inline:", 7))) {
		at = key + 7;
		while (at < end && !strchr("|; \r", *at))
			*at++ = '*';
	}
}

static char *mask_line(char *line, char *end, char *text_end)
{
	struct rln_trace_text text = {line, (size_t)(end - line)}, value;

	for (unsigned i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		size_t len = strlen(secrets[i].name);

		if (!secrets[i].is_sdp && is_header(text, secrets[i].name, len, &value))
			return mask_header(line + (value.s - text.s), end, text_end);
		if (!secrets[i].is_sdp || text.len < len || strncmp(line, secrets[i].name, len) != 0)
			continue;
		if (secrets[i].name[2] == 'c')
			mask_crypto(line + len, end);
		else
			blacken(line + len, end);
	}
	return end;
}

/* RFC 3261 19.1.1: "sip:user:password@host". */
static void mask_passwords(char *text, size_t len)
{
	char *at = text, *end = text + len, *colon;

	while ((at = memmem(at, (size_t)(end - at), "sip", 3))) {
		at += 3;
		at += at < end && *at == 's';
		if (at >= end || *at != ':')
			continue;
		for (colon = NULL, at++; at<end && * at> ' ' && !strchr("<>\"@", *at); at++)
			if (*at == ':' && !colon)
				colon = at;
			else if (colon && (*at == ';' || *at == '?'))
				break; /* that was a port */
		if (at < end && *at == '@' && colon)
			blacken(colon + 1, at);
	}
}

void rln_trace_mask(char *text, size_t len)
{
	char *end = text + len, *line = text;

	while (line < end) {
		char *stop = memchr(line, '\n', (size_t)(end - line));

		line = mask_line(line, stop ? stop : end, end) + 1;
	}
	mask_passwords(text, len);
}
