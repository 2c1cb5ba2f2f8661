/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * URIs taken apart where they stand (RFC 3261 19.1, 25.1). Ours and not libosip2's, because osip_uri_parse() unescapes the
 * user part, so that "%00" cuts the text, allocates a string for each part, and takes no scheme with a digit or a dot.
 * Stateless.
 *
 * More lenient than the grammar where peers are: '#' and bytes above 127 in a user part, '_' in a host name.
 */
#include "sip/message_priv.h"
#include "sip/span.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Classes of characters (25.1). '%' is in a class where two hexadecimal digits may follow it. */
#define TOKEN    1
#define USER     2
#define PASSWORD 4
#define HOST     8
#define PARAM    16 /* parameters and headers of a URI */
#define SCHEME   32 /* behind the first letter */
#define HEX      64
#define ALNUM    (TOKEN | USER | PASSWORD | HOST | PARAM | SCHEME)

static const uint8_t class[256] = {
	['0' ... '9'] = ALNUM | HEX,
	['a' ... 'f'] = ALNUM | HEX,
	['g' ... 'z'] = ALNUM,
	['A' ... 'F'] = ALNUM | HEX,
	['G' ... 'Z'] = ALNUM,
	['-'] = ALNUM,
	['.'] = ALNUM,
	['_'] = TOKEN | USER | PASSWORD | HOST | PARAM,
	['+'] = TOKEN | USER | PASSWORD | PARAM | SCHEME,
	['!'] = TOKEN | USER | PASSWORD | PARAM,
	['%'] = TOKEN | USER | PASSWORD | PARAM,
	['*'] = TOKEN | USER | PASSWORD | PARAM,
	['\''] = TOKEN | USER | PASSWORD | PARAM,
	['~'] = TOKEN | USER | PASSWORD | PARAM,
	['`'] = TOKEN,
	['('] = USER | PASSWORD | PARAM,
	[')'] = USER | PASSWORD | PARAM,
	['&'] = USER | PASSWORD | PARAM,
	['='] = USER | PASSWORD | PARAM,
	['$'] = USER | PASSWORD | PARAM,
	[','] = USER | PASSWORD | PARAM,
	[';'] = USER | PARAM,
	['?'] = USER | PARAM,
	['/'] = USER | PARAM,
	['#'] = USER,
	['['] = PARAM,
	[']'] = PARAM,
	[':'] = PARAM,
	['@'] = PARAM,
	[0x80 ... 0xff] = USER | PARAM,
};

/* Are all characters of one class, and every '%' an escape? (A token's '%' is no escape.) */
static bool is_all(const char *s, size_t len, uint8_t bits)
{
	for (size_t i = 0; i < len; i++) {
		if (!(class[(uint8_t)s[i]] & bits))
			return false;
		if (s[i] != '%' || bits == TOKEN)
			continue;
		if (len - i < 3 || !(class[(uint8_t)s[i + 1]] & HEX) || !(class[(uint8_t)s[i + 2]] & HEX))
			return false;
	}
	return true;
}

bool rln_sip_is_token(const char *s, size_t len)
{
	return len && is_all(s, len, TOKEN);
}

static struct rln_slice slice(const char *base, const char *at, const char *end)
{
	return (struct rln_slice){(uint16_t)(at - base), (uint16_t)(end - at)};
}

/* [user [":" password] "@"]; the user part can hold every separator but '@', so that is looked for first. */
static int split_user(struct rln_sip_uri *out, const char *text, const char **at, const char *end)
{
	const char *sign = memchr(*at, '@', (size_t)(end - *at));
	const char *colon;

	if (!sign)
		return 0;
	colon = memchr(*at, ':', (size_t)(sign - *at));
	if (!is_all(*at, (size_t)((colon ? colon : sign) - *at), USER))
		return -EINVAL;
	if (colon && !is_all(colon + 1, (size_t)(sign - colon - 1), PASSWORD))
		return -EINVAL;
	out->user = slice(text, *at, colon ? colon : sign);
	*at = sign + 1;
	return out->user.len ? 0 : -EINVAL;
}

static int split_port(struct rln_sip_uri *out, const char **at, const char *end)
{
	uint32_t port = 0;
	const char *p = *at + 1;

	for (; p < end && *p >= '0' && *p <= '9' && port <= UINT16_MAX; p++)
		port = port * 10 + (uint32_t)(*p - '0');
	if (port == 0 || port > UINT16_MAX)
		return -EINVAL;
	out->port = (uint16_t)port;
	*at = p;
	return 0;
}

/* host [":" port]; an IPv6 reference is not checked beyond its characters: nobody need reach it to answer (RFC 5118 4.10). */
static int split_host(struct rln_sip_uri *out, const char *text, const char **at, const char *end)
{
	const char *p = *at;

	if (p < end && *p == '[') {
		for (p++; p < end && (class[(uint8_t)*p] & HEX || *p == ':' || *p == '.'); p++)
			;
		if (p == end || *p != ']' || p - *at < 3)
			return -EINVAL;
		p++;
	} else {
		for (; p < end && class[(uint8_t)*p] & HOST; p++)
			;
	}
	if (p == *at)
		return -EINVAL;
	out->host = slice(text, *at, p);
	*at = p;
	return p < end && *p == ':' ? split_port(out, at, end) : 0;
}

bool rln_sip_scheme_is_sip(const char *s, size_t len)
{
	return (len == 3 && strncasecmp(s, "sip", 3) == 0) || (len == 4 && strncasecmp(s, "sips", 4) == 0);
}

bool rln_sip_uri_has_headers(const struct rln_sip_uri *uri, const char *base)
{
	const struct rln_slice *last = uri->params.len ? &uri->params : &uri->host;
	size_t from = (size_t)last->off + last->len, end = (size_t)uri->text.off + uri->text.len;

	return uri->host.len && from < end && memchr(base + from, '?', end - from);
}

static int split_sip(struct rln_sip_uri *out, const char *text, const char *at, const char *end)
{
	const char *headers;
	int rc = split_user(out, text, &at, end);

	if (rc == 0)
		rc = split_host(out, text, &at, end);
	if (rc < 0)
		return rc;
	if (at >= end)
		return 0;
	if ((*at != ';' && *at != '?') || !is_all(at, (size_t)(end - at), PARAM))
		return -EINVAL;
	headers = memchr(at, '?', (size_t)(end - at));
	if (*at == ';')
		out->params = slice(text, at + 1, headers ? headers : end);
	return 0;
}

/* Another scheme's URI: whatever has no blanks, quotes or brackets in it. */
static int check_opaque(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)s[i] <= ' ' || s[i] == 0x7f || strchr("<>\"", s[i]))
			return -EINVAL;
	return len ? 0 : -EINVAL;
}

static int split_at(struct rln_sip_uri *out, const char *text, const char *at, const char *end)
{
	const char *colon = memchr(at, ':', (size_t)(end - at));

	memset(out, 0, sizeof(*out));
	if (!colon || colon == at || !(class[(uint8_t)*at] & SCHEME) || *at < 'A')
		return -EINVAL;
	for (const char *p = at; p < colon; p++)
		if (!(class[(uint8_t)*p] & SCHEME))
			return -EINVAL;
	out->text = slice(text, at, end);
	out->scheme = slice(text, at, colon);
	if (rln_sip_scheme_is_sip(at, (size_t)(colon - at)))
		return split_sip(out, text, colon + 1, end);
	return check_opaque(colon + 1, (size_t)(end - colon - 1));
}

int rln_sip_uri_split(struct rln_sip_uri *out, const char *text, size_t len)
{
	return len > UINT16_MAX ? -EINVAL : split_at(out, text, text, text + len);
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* Behind the closing quote, or NULL. */
static const char *skip_quoted(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && end - at > 1)
			at++;
	return at < end ? at + 1 : NULL;
}

/* The '<' behind an optional display name; NULL when there is none, or what stands before it is no display name. */
static const char *find_bracket(const char *at, const char *end)
{
	at = skip_blanks(at, end);
	if (at < end && *at == '"') {
		at = skip_quoted(at, end);
		at = at ? skip_blanks(at, end) : end;
	} else {
		while (at < end && (class[(uint8_t)*at] & TOKEN || *at == ' ' || *at == '\t' || (uint8_t)*at >= 0x80))
			at++;
	}
	return at < end && *at == '<' ? at : NULL;
}

int rln_sip_addr_split(struct rln_sip_uri *out, size_t *end, const char *text, size_t len)
{
	const char *limit = text + len, *at, *stop;

	memset(out, 0, sizeof(*out));
	if (len > UINT16_MAX)
		return -EINVAL;
	at = find_bracket(text, limit);
	if (at) {
		stop = memchr(at, '>', (size_t)(limit - at));
		if (!stop)
			return -EINVAL;
		*end = (size_t)(skip_blanks(stop + 1, limit) - text);
		return *end == len || text[*end] == ';' ? split_at(out, text, at + 1, stop) : -EINVAL;
	}
	at = skip_blanks(text, limit);
	stop = memchr(at, ';', (size_t)(limit - at));
	stop = stop ? stop : limit;
	*end = (size_t)(stop - text);
	while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	if (memchr(at, ',', (size_t)(stop - at)) || memchr(at, '?', (size_t)(stop - at)))
		return -EINVAL;
	return split_at(out, text, at, stop);
}

int rln_sip_uri_parse(struct rln_sip_uri *out, const char *text, size_t len)
{
	const char *end = text + len, *at;
	size_t rest;

	if (len > UINT16_MAX)
		return -EINVAL;
	if (find_bracket(text, end))
		return rln_sip_addr_split(out, &rest, text, len);
	at = skip_blanks(text, end);
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return split_at(out, text, at, end);
}

/* A run of characters that neither part parameters nor quote. */
static const char *skip_plain(const char *at, const char *end, bool stop_at_equals)
{
	while (at < end && (uint8_t)*at > ' ' && !strchr(";,\"<>", *at) && !(stop_at_equals && *at == '='))
		at++;
	return at;
}

bool rln_sip_params_are_sound(const char *s, size_t len)
{
	const char *at = s, *end = s + len;

	while (at < end) {
		if (*at != ';')
			return false;
		at = skip_blanks(at + 1, end);
		at = skip_blanks(skip_plain(at, end, true), end);
		if (at == end || *at != '=')
			continue;
		at = skip_blanks(at + 1, end);
		if (at == end || *at == ';')
			return false;
		at = *at == '"' ? skip_quoted(at, end) : skip_plain(at, end, false);
		if (!at)
			return false;
		at = skip_blanks(at, end);
	}
	return true;
}

size_t rln_sip_value_len(const char *s, size_t len)
{
	const char *end = s + len;
	bool bracket = false;

	for (const char *at = s; at < end; at++) {
		if (*at == '"' && !bracket) {
			at = skip_quoted(at, end);
			if (!at)
				return len; /* unbalanced: one value, which its parser will refuse */
			at--;
		} else if (*at == '<' || *at == '>') {
			bracket = *at == '<';
		} else if (*at == ',' && !bracket) {
			return (size_t)(at - s);
		}
	}
	return len;
}

static struct rln_span unquoted(const char *at, const char *end)
{
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (end - at >= 2 && *at == '"' && end[-1] == '"')
		return (struct rln_span){at + 1, (size_t)(end - at) - 2};
	return (struct rln_span){at, (size_t)(end - at)};
}

/* Where a parameter ends: at the next ';' that no quotes hide. */
static const char *param_end(const char *at, const char *end)
{
	while (at < end && *at != ';') {
		const char *behind = *at == '"' ? skip_quoted(at, end) : at + 1;

		at = behind ? behind : end;
	}
	return at;
}

bool rln_sip_param(struct rln_span params, const char *name, struct rln_span *value)
{
	const char *at = params.s, *end = params.s + params.len;

	while (at < end) {
		const char *stop = param_end(at, end), *equals = memchr(at, '=', (size_t)(stop - at));
		const char *start = skip_blanks(at, stop);
		struct rln_span found = unquoted(start, equals ? equals : stop);

		if (found.len == strlen(name) && strncasecmp(found.s, name, found.len) == 0) {
			*value = equals ? unquoted(skip_blanks(equals + 1, stop), stop) : (struct rln_span){stop, 0};
			return true;
		}
		at = stop + 1;
	}
	return false;
}

static bool is_same_part(const char *a, struct rln_slice a_at, const char *b, struct rln_slice b_at, bool any_case)
{
	if (a_at.len != b_at.len)
		return false;
	a += a_at.off;
	b += b_at.off;
	return any_case ? strncasecmp(a, b, a_at.len) == 0 : memcmp(a, b, a_at.len) == 0;
}

bool rln_sip_uri_is_same(struct rln_span a, struct rln_span b)
{
	struct rln_sip_uri x, y;

	if (rln_sip_uri_parse(&x, a.s, a.len) != 0 || rln_sip_uri_parse(&y, b.s, b.len) != 0)
		return false;
	return is_same_part(a.s, x.scheme, b.s, y.scheme, true) && is_same_part(a.s, x.user, b.s, y.user, false) &&
	       is_same_part(a.s, x.host, b.s, y.host, true) && x.port == y.port;
}
