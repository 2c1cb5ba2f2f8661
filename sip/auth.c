/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory of challenges (auth.h). A protection space is replaced as a whole when its server sends a new nonce. */
#include "sip/auth.h"

#include <errno.h>
#include <stdio.h>

#include "lcore/heap.h"
#include "sip/digest.h"

#define CNONCE     24 /* characters: 124 bits */
#define REALM_MAX  256
#define TRIES      1 /* answers per request and realm ... */
#define TRIES_MOST 2 /* ... and when the server says that the nonce had only become stale */

struct space {
	struct rln_digest_challenge challenge; /* its texts lie in `text` */
	char *text;
	bool is_proxy, refused; /* refused: it is not answered again until a new challenge comes */
	uint32_t nc;
	char user[sizeof(((struct rln_credentials *)0)->user)];
	char secret[RLN_DIGEST_HEX], cnonce[CNONCE + 1];
};

struct rln_auth {
	unsigned spaces_n;
	struct space spaces[RLN_AUTH_REALMS];
};

static bool is_equal(struct rln_span a, struct rln_span b)
{
	return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

static struct space *find_space(struct rln_auth *auth, bool is_proxy, struct rln_span realm)
{
	for (unsigned i = 0; i < auth->spaces_n; i++) {
		struct space *s = &auth->spaces[i];

		if (s->is_proxy == is_proxy && is_equal(s->challenge.realm, realm))
			return s;
	}
	return NULL;
}

static struct rln_span put(char *text, size_t *at, struct rln_span from)
{
	struct rln_span to = {text + *at, from.len};

	if (from.len)
		memcpy(text + *at, from.s, from.len);
	*at += from.len;
	return to;
}

/* The challenge takes the place of what the space had; texts of its own. */
static int set_challenge(struct space *s, const struct rln_digest_challenge *c)
{
	char *text = rln_alloc(c->realm.len + c->nonce.len + c->opaque.len + 1);
	size_t at = 0;

	if (!text)
		return -ENOMEM;
	rln_free(s->text);
	s->text = text;
	s->challenge = *c;
	s->challenge.realm = put(text, &at, c->realm);
	s->challenge.nonce = put(text, &at, c->nonce);
	s->challenge.opaque = put(text, &at, c->opaque);
	s->nc = 0;
	s->refused = false;
	rln_random_token(s->cnonce, CNONCE);
	return 0;
}

static int set_secret(struct space *s, const struct rln_digest_challenge *c, const struct rln_auth_source *source)
{
	struct rln_credentials found;
	char realm[REALM_MAX];
	int rc = -ENOENT;

	if (c->realm.len >= sizeof(realm) || !source->find)
		return rc;
	snprintf(realm, sizeof(realm), "%.*s", (int)c->realm.len, c->realm.s);
	rc = source->find(source->arg, source->local, source->local_uri, realm, &found);
	if (rc == 0) {
		memcpy(s->user, found.user, sizeof(s->user));
		rc = rln_digest_secret(c->algorithm, found.user, c->realm, found.password, s->secret);
	}
	explicit_bzero(&found, sizeof(found));
	return rc;
}

static int learn(struct rln_auth *auth, struct rln_auth_tries *tries, bool is_proxy, const struct rln_digest_challenge *c,
	const struct rln_auth_source *source)
{
	struct space *s = find_space(auth, is_proxy, c->realm), fresh = {.is_proxy = is_proxy};
	uint8_t *tried;
	int rc;

	if (!s && auth->spaces_n == RLN_AUTH_REALMS)
		return -ENOSPC;
	tried = &tries->of[s ? (size_t)(s - auth->spaces) : auth->spaces_n];
	if (s && *tried >= (c->stale ? TRIES_MOST : TRIES)) {
		s->refused = true;
		return -EACCES;
	}
	rc = set_secret(&fresh, c, source);
	if (rc == 0)
		rc = set_challenge(&fresh, c);
	if (rc != 0)
		return rc;
	if (s)
		rln_free(s->text);
	else
		s = &auth->spaces[auth->spaces_n++];
	*s = fresh;
	explicit_bzero(&fresh, sizeof(fresh));
	++*tried;
	return 0;
}

/* Of the challenges of one realm the strongest; among equals the first, which its server likes best (RFC 7616 3.7). */
static bool is_best(const struct rln_span values, const struct rln_digest_challenge *c)
{
	const char *at = values.s, *end = values.s + values.len;
	struct rln_digest_challenge other;

	while (rln_digest_next(&at, end, &other)) {
		if (!is_equal(other.realm, c->realm))
			continue;
		if (rln_digest_is_stronger(&other, c) || (other.nonce.s < c->nonce.s && !rln_digest_is_stronger(c, &other)))
			return false;
	}
	return true;
}

/* 0 when one realm's challenge can be answered; else what is wrong with the last one. */
static int learn_all(struct rln_auth *auth, struct rln_auth_tries *tries, bool is_proxy, struct rln_span values,
	const struct rln_auth_source *source)
{
	const char *at = values.s, *end = values.s + values.len;
	struct rln_digest_challenge c;
	int result = -ENOTSUP;

	while (rln_digest_next(&at, end, &c)) {
		int rc = is_best(values, &c) ? learn(auth, tries, is_proxy, &c, source) : result;

		if (rc == -EACCES)
			return rc; /* whoever refused the same answer before will do so again, whatever others say */
		result = result == 0 ? 0 : rc;
	}
	return result;
}

int rln_auth_learn(struct rln_auth **auth, struct rln_auth_tries *tries, const struct rln_sip_msg *refusal,
	const struct rln_auth_source *source)
{
	int server, proxy;

	if (!*auth)
		*auth = rln_zalloc(sizeof(**auth));
	if (!*auth)
		return -ENOMEM;
	server = learn_all(*auth, tries, false, rln_span_in(refusal, refusal->www_authenticate), source);
	proxy = learn_all(*auth, tries, true, rln_span_in(refusal, refusal->proxy_authenticate), source);
	if (server == -EACCES || proxy == -EACCES)
		return -EACCES;
	if (server == 0 || proxy == 0)
		return 0;
	return server != -ENOTSUP ? server : proxy;
}

/* A quoted-string (RFC 3261 25.1). */
static void write_quoted(struct rln_text *t, const char *name, const char *value)
{
	rln_text_printf(t, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			rln_text_add(t, "\\", 1);
		rln_text_add(t, value, 1);
	}
	rln_text_add(t, "\"", 1);
}

static void write_space(struct space *s, struct rln_text *t, const char *method, struct rln_span uri, struct rln_span body)
{
	const struct rln_digest_challenge *c = &s->challenge;
	struct rln_digest_request request = {.method = method, .uri = uri, .body = body, .cnonce = s->cnonce, .nc = s->nc + 1};
	char response[RLN_DIGEST_HEX];

	if (rln_digest_response(c, s->secret, &request, response) != 0)
		return; /* it was possible when the challenge came; now its refusal will say what is missing */
	s->nc++;
	rln_text_printf(t, "%s: Digest ", s->is_proxy ? "Proxy-Authorization" : "Authorization");
	write_quoted(t, "username", s->user);
	rln_text_printf(t, ", realm=\"%.*s\", nonce=\"%.*s\", uri=\"%.*s\", response=\"%s\", algorithm=%s", (int)c->realm.len,
		c->realm.s, (int)c->nonce.len, c->nonce.s, (int)uri.len, uri.s, response,
		rln_digest_algorithm_name(c->algorithm));
	if (c->has_opaque)
		rln_text_printf(t, ", opaque=\"%.*s\"", (int)c->opaque.len, c->opaque.s);
	if (c->qop != RLN_QOP_NONE)
		rln_text_printf(t, ", qop=%s, nc=%08x", c->qop == RLN_QOP_AUTH_INT ? "auth-int" : "auth", request.nc);
	if (c->qop != RLN_QOP_NONE || c->algorithm == RLN_DIGEST_MD5_SESS || c->algorithm == RLN_DIGEST_SHA256_SESS)
		rln_text_printf(t, ", cnonce=\"%s\"", s->cnonce);
	rln_text_add(t, "\r\n", 2);
}

void rln_auth_write(struct rln_auth *auth, struct rln_text *t, const char *method, struct rln_span uri, struct rln_span body)
{
	for (unsigned i = 0; auth && i < auth->spaces_n; i++) {
		if (!auth->spaces[i].refused)
			write_space(&auth->spaces[i], t, method, uri, body);
	}
}

void rln_auth_destroy(struct rln_auth *auth)
{
	for (unsigned i = 0; auth && i < auth->spaces_n; i++)
		rln_free(auth->spaces[i].text);
	if (auth)
		explicit_bzero(auth, sizeof(*auth));
	rln_free(auth);
}
