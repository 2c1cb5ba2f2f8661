/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Refer-To, Replaces and their escapes (refer_to.h).
 *
 * Of the header fields in a Refer-To URI only Replaces is taken: the others would put a stranger's header lines into our
 * INVITE (RFC 3261 19.1.5 warns of that). For the same reason what unescapes to a control character is refused.
 */
#include "sip/refer_to.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "sip/message_priv.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct rln_span trim(struct rln_span s)
{
	while (s.len && is_blank(*s.s)) {
		s.s++;
		s.len--;
	}
	while (s.len && is_blank(s.s[s.len - 1]))
		s.len--;
	return s;
}

/* What stands before `sign`, and in *rest what stands behind it (len 0 when the sign is not there). */
static struct rln_span cut(struct rln_span s, char sign, struct rln_span *rest)
{
	const char *at = s.len ? memchr(s.s, sign, s.len) : NULL;

	if (!at) {
		*rest = (struct rln_span){s.s + s.len, 0};
		return s;
	}
	*rest = (struct rln_span){at + 1, (size_t)(s.s + s.len - at - 1)};
	return (struct rln_span){s.s, (size_t)(at - s.s)};
}

bool rln_span_is(struct rln_span span, const char *text)
{
	return strlen(text) == span.len && strncasecmp(span.s, text, span.len) == 0;
}

struct rln_span rln_param_head(struct rln_span value)
{
	struct rln_span rest;

	return trim(cut(value, ';', &rest));
}

bool rln_param_find(struct rln_span params, const char *name, struct rln_span *value)
{
	while (params.len) {
		struct rln_span param = cut(params, ';', &params);

		if (rln_span_is(trim(cut(param, '=', value)), name)) {
			*value = trim(*value);
			return true;
		}
	}
	return false;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int rln_unescape(struct rln_text *t, struct rln_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.s[i];

		if (c == '%') {
			int high = i + 2 < text.len ? hex(text.s[i + 1]) : -1;
			int low = i + 2 < text.len ? hex(text.s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if ((uint8_t)c < ' ' || c == 0x7f)
			return -EINVAL;
		rln_text_add(t, &c, 1);
	}
	return 0;
}

/* hnv-unreserved and unreserved (25.1). */
static bool is_plain(char c)
{
	return isalnum((uint8_t)c) || (c && strchr("-_.!~*'()[]/?:+$", c));
}

void rln_escape(struct rln_text *t, struct rln_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_plain(text.s[i]))
			rln_text_add(t, text.s + i, 1);
		else
			rln_text_printf(t, "%%%02X", (uint8_t)text.s[i]);
	}
}

/* ";method=" may name INVITE only, and is no part of the URI that is then called (19.1.1, table 1). */
static int write_uri(struct rln_text *t, const char *text, const struct rln_sip_uri *uri)
{
	struct rln_span params = {text + uri->params.off, uri->params.len};
	size_t host_end = uri->params.len ? uri->params.off - 1u : uri->text.off + uri->text.len;
	const char *headers = memchr(text + uri->host.off, '?', uri->text.off + uri->text.len - uri->host.off);

	if (headers && !uri->params.len)
		host_end = (size_t)(headers - text);
	rln_text_add(t, text + uri->text.off, host_end - uri->text.off);
	while (params.len) {
		struct rln_span value, param = cut(params, ';', &params);

		if (!rln_span_is(cut(param, '=', &value), "method")) {
			rln_text_add(t, ";", 1);
			rln_text_add(t, param.s, param.len);
		} else if (!rln_span_is(value, "INVITE")) {
			return -501;
		}
	}
	rln_text_add(t, "", 1);
	return 0;
}

/* Of "?name=value&name=value" the one Replaces. */
static int write_replaces(struct rln_text *t, struct rln_span headers)
{
	bool is_seen = false;

	while (headers.len) {
		struct rln_span value, header = cut(headers, '&', &headers);

		if (!rln_span_is(cut(header, '=', &value), "Replaces"))
			continue;
		if (is_seen || !value.len || rln_unescape(t, value) != 0)
			return -400;
		is_seen = true;
	}
	rln_text_add(t, "", 1);
	return 0;
}

int rln_refer_to_parse(struct rln_refer_to *out, struct rln_text *t, struct rln_span value)
{
	size_t start = t->len, end;
	struct rln_span headers = {NULL, 0};
	struct rln_sip_uri uri;
	const char *mark;
	int rc;

	memset(out, 0, sizeof(*out));
	if (rln_sip_addr_split(&uri, &end, value.s, value.len) != 0 || !rln_sip_params_are_sound(value.s + end, value.len - end))
		return -400;
	if (uri.scheme.len != 3 || strncasecmp(value.s + uri.scheme.off, "sip", 3) != 0)
		return -416;
	rc = write_uri(t, value.s, &uri);
	if (rc != 0)
		return rc;
	out->uri = (struct rln_slice){(uint16_t)start, (uint16_t)(t->len - start - 1)};
	start = t->len;
	mark = memchr(value.s + uri.host.off, '?', uri.text.off + uri.text.len - uri.host.off);
	if (mark)
		headers = (struct rln_span){mark + 1, (size_t)(value.s + uri.text.off + uri.text.len - mark - 1)};
	rc = write_replaces(t, headers);
	if (rc == 0)
		out->replaces = (struct rln_slice){(uint16_t)start, (uint16_t)(t->len - start - 1)};
	return rc;
}

static int take_tag(struct rln_span *tag, struct rln_span value)
{
	if (tag->len || !rln_sip_is_token(value.s, value.len))
		return -EINVAL;
	*tag = value;
	return 0;
}

int rln_replaces_parse(struct rln_replaces *out, struct rln_span value)
{
	struct rln_span params;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (value.len && memchr(value.s, ',', value.len))
		return -EINVAL; /* neither a Call-ID nor a tag has one: a second value */
	out->call_id = trim(cut(value, ';', &params));
	while (params.len && rc == 0) {
		struct rln_span text, param = cut(params, ';', &params), name = trim(cut(param, '=', &text));

		text = trim(text);
		if (rln_span_is(name, "to-tag"))
			rc = take_tag(&out->to_tag, text);
		else if (rln_span_is(name, "from-tag"))
			rc = take_tag(&out->from_tag, text);
		else if (rln_span_is(name, "early-only"))
			out->early_only = true;
	}
	return rc == 0 && out->call_id.len && out->to_tag.len && out->from_tag.len ? 0 : -EINVAL;
}

void rln_refer_to_build(struct rln_text *t, struct rln_span uri, const struct rln_replaces *replaces)
{
	rln_text_printf(t, "Refer-To: <%.*s", (int)uri.len, uri.s);
	if (replaces) {
		rln_text_printf(t, "?Replaces=");
		rln_escape(t, replaces->call_id);
		rln_text_printf(t, "%%3Bto-tag%%3D");
		rln_escape(t, replaces->to_tag);
		rln_text_printf(t, "%%3Bfrom-tag%%3D");
		rln_escape(t, replaces->from_tag);
	}
	rln_text_printf(t, ">\r\n");
}
