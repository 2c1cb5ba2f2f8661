/* SPDX-License-Identifier: BSD-3-Clause */
/* Digest authentication (digest.h): the grammar of challenges (RFC 7235 2.1, RFC 7616 3.3) and the hashes (RFC 7616 3.4). */
#include "sip/digest.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "sip/message_priv.h"

static const struct {
	const char *name;
	enum rln_digest_kind kind;
	bool is_session; /* A1 takes in the first nonce and cnonce */
} algorithms[] = {
	[RLN_DIGEST_MD5] = {"MD5", RLN_DIGEST_KIND_MD5, false},
	[RLN_DIGEST_MD5_SESS] = {"MD5-sess", RLN_DIGEST_KIND_MD5, true},
	[RLN_DIGEST_SHA256] = {"SHA-256", RLN_DIGEST_KIND_SHA256, false},
	[RLN_DIGEST_SHA256_SESS] = {"SHA-256-sess", RLN_DIGEST_KIND_SHA256, true},
};
#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

/* ---- the grammar ---- */

static bool is_name(struct rln_span s, const char *name)
{
	return s.len == strlen(name) && strncasecmp(s.s, name, s.len) == 0;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

static struct rln_span take_token(const char **at, const char *end)
{
	struct rln_span token = {*at, 0};

	while (*at < end && rln_sip_is_token(*at, 1))
		(*at)++;
	token.len = (size_t)(*at - token.s);
	return token;
}

/* Between the quotes, escapes as they stand; false when they never close. */
static bool take_quoted(const char **at, const char *end, struct rln_span *out)
{
	const char *p = *at + 1;

	for (; p < end && *p != '"'; p++)
		p += *p == '\\' && end - p > 1;
	if (p >= end)
		return false;
	*out = (struct rln_span){*at + 1, (size_t)(p - *at) - 1};
	*at = p + 1;
	return true;
}

/* name = value with the blanks around it; false and *at unmoved: what stands here is no parameter, so a scheme begins. */
static bool take_param(const char **at, const char *end, struct rln_span *name, struct rln_span *value)
{
	const char *p = *at;

	*name = take_token(&p, end);
	p = skip_blanks(p, end);
	if (!name->len || p == end || *p != '=')
		return false;
	p = skip_blanks(p + 1, end);
	if (p < end && *p == '"') {
		if (!take_quoted(&p, end, value))
			return false;
	} else {
		*value = take_token(&p, end);
		if (!value->len)
			return false;
	}
	*at = skip_blanks(p, end);
	return *at == end || **at == ',';
}

static bool set_algorithm(struct rln_digest_challenge *c, struct rln_span value)
{
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (is_name(value, algorithms[i].name)) {
			c->algorithm = (uint8_t)i;
			return true;
		}
	}
	return false;
}

static const char *skip_commas(const char *at, const char *end)
{
	while (at < end && (*at == ',' || *at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* A list of what the server takes; false when we can do none of it. */
static bool set_qop(struct rln_digest_challenge *c, struct rln_span value)
{
	const char *end = value.s + value.len;
	struct rln_span one;

	for (const char *at = skip_commas(value.s, end); at < end; at = skip_commas(at, end)) {
		one = take_token(&at, end);
		if (is_name(one, "auth"))
			c->qop = RLN_QOP_AUTH;
		else if (is_name(one, "auth-int") && c->qop == RLN_QOP_NONE)
			c->qop = RLN_QOP_AUTH_INT;
		else if (!one.len)
			return false;
	}
	return c->qop != RLN_QOP_NONE;
}

/* False: a value that makes the challenge one that we cannot answer. */
static bool set_param(struct rln_digest_challenge *c, struct rln_span name, struct rln_span value)
{
	if (is_name(name, "realm"))
		c->realm = value;
	else if (is_name(name, "nonce"))
		c->nonce = value;
	else if (is_name(name, "stale"))
		c->stale = is_name(value, "true");
	else if (is_name(name, "algorithm"))
		return set_algorithm(c, value);
	else if (is_name(name, "qop"))
		return set_qop(c, value);
	if (is_name(name, "opaque")) {
		c->opaque = value;
		c->has_opaque = true;
	}
	return true;
}

/* Does a challenge begin here, or is it the end? What is neither is a parameter that is broken. */
static bool is_boundary(const char *at, const char *end)
{
	struct rln_span scheme = take_token(&at, end);
	const char *behind = skip_blanks(at, end);

	return behind == end ? scheme.len || at == end : scheme.len && behind > at && *behind != '=';
}

/* The parameters of one challenge, up to the next scheme; true when we can answer it. */
static bool take_challenge(const char **at, const char *end, struct rln_digest_challenge *c)
{
	struct rln_span name, value;
	bool is_sound = true;

	memset(c, 0, sizeof(*c));
	while (*at < end && take_param(at, end, &name, &value)) {
		is_sound = set_param(c, name, value) && is_sound;
		*at = skip_commas(*at, end);
	}
	return is_sound && c->realm.s && c->nonce.len && is_boundary(*at, end);
}

/* Past whatever is no parameter and no scheme (a token68, RFC 7235): the next comma outside of quotes. */
static void skip_rest(const char **at, const char *end)
{
	size_t len = rln_sip_value_len(*at, (size_t)(end - *at));

	*at += len + (*at + len < end);
}

bool rln_digest_next(const char **at, const char *end, struct rln_digest_challenge *out)
{
	while (*at < end) {
		struct rln_span scheme;
		const char *behind;

		*at = skip_blanks(*at, end);
		scheme = take_token(at, end);
		behind = skip_blanks(*at, end);
		if (!scheme.len || behind == *at) {
			skip_rest(at, end);
			continue;
		}
		*at = behind;
		if (is_name(scheme, "Digest") && take_challenge(at, end, out))
			return true;
		if (!is_name(scheme, "Digest"))
			skip_rest(at, end);
	}
	return false;
}

bool rln_digest_is_stronger(const struct rln_digest_challenge *a, const struct rln_digest_challenge *b)
{
	return algorithms[a->algorithm].kind > algorithms[b->algorithm].kind;
}

const char *rln_digest_algorithm_name(uint8_t algorithm)
{
	return algorithms[algorithm].name;
}

/* ---- the hashes ---- */

static struct rln_piece text(const char *s)
{
	return (struct rln_piece){s, strlen(s)};
}

static struct rln_piece span(struct rln_span s)
{
	return (struct rln_piece){s.s ? s.s : "", s.len};
}

int rln_digest_secret(uint8_t algorithm, const char *user, struct rln_span realm, const char *password, char out[RLN_DIGEST_HEX])
{
	const struct rln_piece a1[] = {text(user), text(":"), span(realm), text(":"), text(password)};

	return rln_digest_hex(algorithms[algorithm].kind, a1, 5, out);
}

/* H(A1): the secret itself, or with -sess bound to this nonce and cnonce. */
static int hash_a1(const struct rln_digest_challenge *c, const char *secret, const char *cnonce, char out[RLN_DIGEST_HEX])
{
	const struct rln_piece a1[] = {text(secret), text(":"), span(c->nonce), text(":"), text(cnonce)};

	if (algorithms[c->algorithm].is_session)
		return rln_digest_hex(algorithms[c->algorithm].kind, a1, 5, out);
	memcpy(out, secret, strlen(secret) + 1);
	return 0;
}

static int hash_a2(const struct rln_digest_challenge *c, const struct rln_digest_request *r, char out[RLN_DIGEST_HEX])
{
	enum rln_digest_kind kind = algorithms[c->algorithm].kind;
	struct rln_piece a2[] = {text(r->method), text(":"), span(r->uri), text(":"), text("")};
	const struct rln_piece body = span(r->body);
	char hash[RLN_DIGEST_HEX];
	int rc;

	if (c->qop != RLN_QOP_AUTH_INT)
		return rln_digest_hex(kind, a2, 3, out);
	rc = rln_digest_hex(kind, &body, 1, hash);
	if (rc != 0)
		return rc;
	a2[4] = text(hash);
	return rln_digest_hex(kind, a2, 5, out);
}

int rln_digest_response(
	const struct rln_digest_challenge *c, const char *secret, const struct rln_digest_request *r, char out[RLN_DIGEST_HEX])
{
	char a1[RLN_DIGEST_HEX], a2[RLN_DIGEST_HEX], nc[12];
	const char *qop = c->qop == RLN_QOP_AUTH_INT ? "auth-int" : "auth";
	int rc = hash_a1(c, secret, r->cnonce, a1);

	if (rc == 0)
		rc = hash_a2(c, r, a2);
	if (rc != 0)
		return rc;
	snprintf(nc, sizeof(nc), "%08x", r->nc);
	if (c->qop == RLN_QOP_NONE) { /* RFC 2069 */
		const struct rln_piece all[] = {text(a1), text(":"), span(c->nonce), text(":"), text(a2)};

		return rln_digest_hex(algorithms[c->algorithm].kind, all, 5, out);
	}
	const struct rln_piece all[] = {text(a1), text(":"), span(c->nonce), text(":"), text(nc), text(":"), text(r->cnonce),
		text(":"), text(qop), text(":"), text(a2)};

	return rln_digest_hex(algorithms[c->algorithm].kind, all, 11, out);
}
