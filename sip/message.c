/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A datagram to a view. This file knows lines: start line, headers (unfolded), body; header.c knows what the headers mean,
 * uri.c URIs, and osip_glue.c asks libosip2. The view and every text in it live in one block: struct rln_sip_msg, then the
 * datagram, then the values with a NUL each.
 *
 * A small block (4 KB) holds nearly every message; one that outgrows it is parsed again into a large one.
 */
#include "sip/message_priv.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define LEAST_VALUES 512 /* bytes of values that an ordinary message has: with fewer left in a small block it is not tried */

static const char *const methods[RLN_SIP_METHOD_COUNT] = {"",
#define X(name) #name,
	RLN_SIP_METHODS(X)
#undef X
};

const char *rln_sip_method_name(enum rln_sip_method method)
{
	return (unsigned)method < RLN_SIP_METHOD_COUNT ? methods[method] : "";
}

/* Methods are case-sensitive (7.1). */
enum rln_sip_method rln_sip_method_of(const char *text, size_t len)
{
	for (unsigned i = 1; i < RLN_SIP_METHOD_COUNT; i++)
		if (strlen(methods[i]) == len && memcmp(methods[i], text, len) == 0)
			return (enum rln_sip_method)i;
	return RLN_SIP_UNKNOWN;
}

const char *rln_sip_reason_phrase(unsigned status)
{
	static const struct {
		uint16_t status;
		const char *text;
	} phrases[] = {
		{100, "Trying"},
		{180, "Ringing"},
		{181, "Call Is Being Forwarded"},
		{182, "Queued"},
		{183, "Session Progress"},
		{200, "OK"},
		{202, "Accepted"},
		{204, "No Notification"},
		{300, "Multiple Choices"},
		{301, "Moved Permanently"},
		{302, "Moved Temporarily"},
		{305, "Use Proxy"},
		{380, "Alternative Service"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{402, "Payment Required"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{407, "Proxy Authentication Required"},
		{408, "Request Timeout"},
		{410, "Gone"},
		{412, "Conditional Request Failed"},
		{413, "Request Entity Too Large"},
		{414, "Request-URI Too Long"},
		{415, "Unsupported Media Type"},
		{416, "Unsupported URI Scheme"},
		{420, "Bad Extension"},
		{421, "Extension Required"},
		{422, "Session Interval Too Small"},
		{423, "Interval Too Brief"},
		{480, "Temporarily Unavailable"},
		{481, "Call/Transaction Does Not Exist"},
		{482, "Loop Detected"},
		{483, "Too Many Hops"},
		{484, "Address Incomplete"},
		{485, "Ambiguous"},
		{486, "Busy Here"},
		{487, "Request Terminated"},
		{488, "Not Acceptable Here"},
		{489, "Bad Event"},
		{491, "Request Pending"},
		{493, "Undecipherable"},
		{500, "Server Internal Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Server Time-out"},
		{505, "Version Not Supported"},
		{513, "Message Too Large"},
		{580, "Precondition Failure"},
		{600, "Busy Everywhere"},
		{603, "Decline"},
		{604, "Does Not Exist Anywhere"},
		{606, "Not Acceptable"},
	};
	static const char *const classes[] = {
		"Session Progress", "OK", "Redirection", "Bad Request", "Server Error", "Global Failure"};

	for (unsigned i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].text;
	return status >= 100 && status < 700 ? classes[status / 100 - 1] : "";
}

bool rln_sip_is(const struct rln_sip_msg *msg, struct rln_slice s, const char *text)
{
	return strlen(text) == s.len && strncasecmp(rln_sip_text(msg, s), text, s.len) == 0;
}

struct rln_sip_msg *rln_sip_msg_of(rln_block_ref block)
{
	return rln_block_data(block);
}

struct rln_slice rln_view_put(struct rln_view *view, const char *s, size_t len)
{
	struct rln_slice at = {(uint16_t)view->out.len, (uint16_t)len};

	rln_text_add(&view->out, s, len);
	rln_text_add(&view->out, "", 1);
	return view->out.full ? (struct rln_slice){0, 0} : at;
}

static struct rln_slice put_part(struct rln_view *view, struct rln_slice s, const char *base)
{
	return s.len ? rln_view_put(view, base + s.off, s.len) : s;
}

void rln_view_put_uri(struct rln_view *view, struct rln_sip_uri *to, const struct rln_sip_uri *uri, const char *base)
{
	to->text = put_part(view, uri->text, base);
	to->scheme = put_part(view, uri->scheme, base);
	to->user = put_part(view, uri->user, base);
	to->host = put_part(view, uri->host, base);
	to->params = put_part(view, uri->params, base);
	to->port = uri->port;
}

void rln_view_fault(struct rln_view *view, uint16_t status, const char *why)
{
	if (!view->msg->fault.status)
		view->msg->fault = (struct rln_sip_fault){status, why};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "SIP/2.0 200 OK"; the reason may be empty, and even its blank missing. */
static int parse_status_line(struct rln_view *view, const char *line, size_t len)
{
	unsigned status = 0;

	if (len < 11 || strncasecmp(line, "SIP/2.0 ", 8) != 0 || (len > 11 && line[11] != ' '))
		return -EBADMSG;
	for (unsigned i = 8; i < 11; i++) {
		if (line[i] < '0' || line[i] > '9')
			return -EBADMSG;
		status = status * 10 + (unsigned)(line[i] - '0');
	}
	if (status < 100 || status > 699)
		return -EBADMSG;
	view->msg->status = (uint16_t)status;
	if (len > 12)
		view->msg->reason = rln_view_put(view, line + 12, len - 12);
	return 0;
}

static void parse_request_uri(struct rln_view *view, const char *s, size_t len)
{
	struct rln_sip_uri uri;
	const char *scheme;

	if (rln_sip_uri_split(&uri, s, len) < 0) {
		rln_view_fault(view, 400, "Bad Request-URI");
		return;
	}
	scheme = s + uri.scheme.off;
	rln_view_put_uri(view, &view->msg->request_uri, &uri, s);
	if (!rln_sip_scheme_is_sip(scheme, uri.scheme.len))
		rln_view_fault(view, 416, rln_sip_reason_phrase(416));
	else if (rln_sip_uri_has_headers(&uri, s)) /* 19.1.1, table 1 */
		rln_view_fault(view, 400, "Headers In Request-URI");
}

/* "INVITE sip:bob@example.com SIP/2.0", one blank each (7.1). What has no method or no version is not SIP. */
static int parse_request_line(struct rln_view *view, const char *line, size_t len)
{
	const char *uri = memchr(line, ' ', len), *end = line + len, *version;

	if (!uri || !rln_sip_is_token(line, (size_t)(uri - line)))
		return -EBADMSG;
	while (is_blank(end[-1]))
		end--;
	for (version = end; version > uri && !is_blank(version[-1]); version--)
		;
	if (end - version < 5 || strncasecmp(version, "SIP/", 4) != 0)
		return -EBADMSG;
	view->msg->method_text = rln_view_put(view, line, (size_t)(uri - line));
	view->msg->method = (uint8_t)rln_sip_method_of(line, (size_t)(uri - line));
	if (end - version != 7 || strncasecmp(version, "SIP/2.0", 7) != 0)
		rln_view_fault(view, 505, rln_sip_reason_phrase(505));
	if (end != line + len || version - uri < 3)
		rln_view_fault(view, 400, "Malformed Request-Line");
	else
		parse_request_uri(view, uri + 1, (size_t)(version - uri) - 2);
	return 0;
}

/* A header value without the ends of its lines and the blanks around it; a tab counts as a blank (25.1, LWS). */
static struct rln_slice put_value(struct rln_view *view, const char *s, size_t len)
{
	uint16_t start = (uint16_t)view->out.len;
	const char *end = s + len;

	while (s < end) {
		const char *stop = memchr(s, '\n', (size_t)(end - s));
		const char *next = stop ? stop + 1 : end;

		stop = stop ? stop : end;
		if (stop > s && stop[-1] == '\r')
			stop--;
		while (s < stop && is_blank(*s))
			s++;
		while (stop > s && is_blank(stop[-1]))
			stop--;
		if (view->out.len > start && s < stop)
			rln_text_add(&view->out, " ", 1);
		rln_text_add(&view->out, s, (size_t)(stop - s));
		s = next;
	}
	len = view->out.len - start;
	rln_text_add(&view->out, "", 1);
	if (view->out.full)
		return (struct rln_slice){0, 0};
	for (char *c = view->out.buf + start; (c = memchr(c, '\t', len - (size_t)(c - view->out.buf - start))) != NULL;)
		*c = ' ';
	return (struct rln_slice){start, (uint16_t)len};
}

/* A NUL is text only as a quoted pair (25.1, and RFC 4475 3.1.1.2). */
static bool has_bare_nul(const char *s, size_t len)
{
	const char *end = s + len;

	for (const char *at = s; (at = memchr(at, 0, (size_t)(end - at))) != NULL; at++)
		if (at == s || at[-1] != '\\')
			return true;
	return false;
}

/* What is no header, or one that we do not look at, does no harm (8.2.2): it is passed over. */
static void parse_header(struct rln_view *view, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *end = colon;
	int row;

	while (end && end > line && is_blank(end[-1]))
		end--;
	if (!colon || !rln_sip_is_token(line, (size_t)(end - line)))
		return;
	row = rln_header_find(line, (size_t)(end - line));
	if (row < 0)
		return;
	if (has_bare_nul(line, len))
		rln_view_fault(view, 400, "NUL In Header");
	rln_header_add(view, row, put_value(view, colon + 1, (size_t)(line + len - colon - 1)));
}

/* Behind the line that starts at `at`, and behind the lines that continue it when it is a header. */
static const char *next_line(const char *at, const char *end, bool unfold)
{
	do {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : end;
	} while (unfold && at < end && is_blank(*at));
	return at;
}

static size_t line_len(const char *at, const char *next)
{
	size_t len = (size_t)(next - at);

	if (len && at[len - 1] == '\n')
		len--;
	return len && at[len - 1] == '\r' ? len - 1 : len;
}

/* Returns where the body starts. Lines may end in LF alone: nobody gains by refusing that. */
static const char *parse_headers(struct rln_view *view, const char *at, const char *end)
{
	struct rln_sip_msg *msg = view->msg;
	const char *start = at;

	while (at < end && !view->no_memory && !view->out.full) {
		const char *next = next_line(at, end, false);

		if (line_len(at, next) == 0) {
			msg->headers.len = (uint16_t)(at - start);
			return next;
		}
		next = next_line(at, end, true);
		parse_header(view, at, line_len(at, next));
		at = next;
	}
	msg->headers.len = (uint16_t)(at - start);
	rln_view_fault(view, 400, "No Empty Line After Headers");
	return end;
}

/* 18.3: bytes behind the body are ignored, a body that is cut off is an error; without Content-Length the datagram's end
 * is the body's. */
static void parse_body(struct rln_view *view, const char *body, const char *end)
{
	struct rln_sip_msg *msg = view->msg;
	size_t len = (size_t)(end - body);

	if (view->content_length > (int64_t)len)
		rln_view_fault(view, 400, "Body Shorter Than Content-Length");
	else if (view->content_length >= 0)
		len = (size_t)view->content_length;
	msg->body = (struct rln_slice){(uint16_t)(body - (const char *)msg), (uint16_t)len};
	msg->raw.len = (uint16_t)(msg->body.off + len - msg->raw.off);
	((char *)msg)[msg->body.off + len] = 0;
}

static int parse_lines(struct rln_view *view)
{
	struct rln_sip_msg *msg = view->msg;
	const char *line = rln_sip_text(msg, msg->raw), *end = line + msg->raw.len;
	const char *next = next_line(line, end, false), *body;
	size_t len = line_len(line, next);
	int rc;

	if (len > 4 && strncasecmp(line, "SIP/", 4) == 0)
		rc = parse_status_line(view, line, len);
	else
		rc = parse_request_line(view, line, len);
	if (rc < 0)
		return rc;
	msg->headers.off = (uint16_t)(next - (const char *)msg);
	body = parse_headers(view, next, end);
	if (!view->out.full && !view->no_memory)
		rln_header_finish(view);
	if (!view->out.full)
		parse_body(view, body, end);
	if (!view->out.full && !view->no_memory && !msg->via_host.len)
		return -EBADMSG; /* nobody to answer */
	return msg->status && msg->fault.status ? -EBADMSG : 0;
}

/* -ENOSPC: the block is too small for this message. */
static int parse_into(struct rln_sip_msg *msg, size_t room, const char *text, size_t len)
{
	struct rln_view view;
	int rc;

	view.msg = msg;
	view.seen = 0;
	view.content_length = -1;
	view.no_memory = false;
	view.vias_n = 0;
	rln_text_init(&view.out, (char *)msg, room < UINT16_MAX ? room : UINT16_MAX);
	view.out.len = sizeof(*msg);
	msg->raw = rln_view_put(&view, text, len);
	if (view.out.full)
		return -ENOSPC;
	rc = parse_lines(&view);
	if (view.no_memory)
		return -ENOBUFS;
	return view.out.full ? -ENOSPC : rc; /* what went wrong for want of room says nothing about the message */
}

static int parse_sized(struct rln_sip_msg **out, size_t size, const char *text, size_t len, const struct rln_addr *source,
	const struct rln_addr *local)
{
	rln_block_ref block = rln_block_alloc(size);
	struct rln_sip_msg *msg = rln_block_data(block);
	int rc;

	if (!block)
		return -ENOBUFS;
	memset(msg, 0, sizeof(*msg));
	msg->block = block;
	msg->source = *source;
	msg->local = *local;
	msg->max_forwards = -1;
	msg->expires = msg->min_expires = -1;
	rc = parse_into(msg, rln_block_room(block), text, len);
	if (rc < 0)
		rln_block_release(block);
	else
		*out = msg;
	return rc;
}

int rln_sip_parse(
	struct rln_sip_msg **out, const char *text, size_t len, const struct rln_addr *source, const struct rln_addr *local)
{
	size_t skip = 0;
	int rc = -ENOSPC;

	while (skip < len && (text[skip] == '\r' || text[skip] == '\n')) /* 7.5 */
		skip++;
	text += skip;
	len -= skip;
	if (len == 0)
		return -EBADMSG;
	if (sizeof(struct rln_sip_msg) + len + LEAST_VALUES < RLN_BLOCK_SMALL)
		rc = parse_sized(out, RLN_BLOCK_SMALL, text, len, source, local);
	if (rc == -ENOSPC)
		rc = parse_sized(out, RLN_BLOCK_LARGE, text, len, source, local);
	return rc == -ENOSPC ? -EBADMSG : rc;
}
