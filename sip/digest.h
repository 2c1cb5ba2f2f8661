/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Digest authentication as arithmetic (RFC 7616, with 2617 and 8760 for SIP): a challenge taken apart, and the answer to
 * it. Pure functions of their arguments; auth.h remembers what was asked and answered.
 *
 * Texts of a challenge are kept as they stand between the quotes, escapes included: so they are hashed (RFC 7616 3.4:
 * unq() takes off the quotes and no more), and so they go back.
 */
#pragma once

#include "lcore/secure.h"
#include "sip/span.h"

enum rln_digest_algorithm { /* the stronger, the higher; -sess says when A1 is made, not how strong it is */
	RLN_DIGEST_MD5,
	RLN_DIGEST_MD5_SESS,
	RLN_DIGEST_SHA256,
	RLN_DIGEST_SHA256_SESS,
};

enum rln_digest_qop { RLN_QOP_NONE, RLN_QOP_AUTH, RLN_QOP_AUTH_INT };

struct rln_digest_challenge {
	struct rln_span realm, nonce, opaque;
	uint8_t algorithm, qop;
	bool has_opaque, stale;
};

/*
 * The next challenge that we can answer, from *at on, in the values of WWW-Authenticate or Proxy-Authenticate joined by
 * commas; moves *at behind it. Other schemes, unknown algorithms or qops, and what is malformed are passed over. Of
 * several qops auth is taken, before auth-int: gateways on the way rewrite bodies, which auth-int would not survive.
 */
bool rln_digest_next(const char **at, const char *end, struct rln_digest_challenge *out);
/* SHA-256 or better than MD5? For the choice among challenges of one realm. */
bool rln_digest_is_stronger(const struct rln_digest_challenge *a, const struct rln_digest_challenge *b);
const char *rln_digest_algorithm_name(uint8_t algorithm);

/* H(user:realm:password): what the answers need of the password. 0 or -ENOTSUP. */
int rln_digest_secret(uint8_t algorithm, const char *user, struct rln_span realm, const char *password,
	char out[RLN_DIGEST_HEX]) __attribute__((warn_unused_result));

struct rln_digest_request {
	const char *method;
	struct rln_span uri, body; /* Request-URI as sent; the body counts with auth-int */
	const char *cnonce;
	uint32_t nc;               /* of this nonce, from 1 */
};

/* The `response` value. `secret` is rln_digest_secret()'s. 0 or -ENOTSUP. */
int rln_digest_response(const struct rln_digest_challenge *challenge, const char *secret,
	const struct rln_digest_request *request, char out[RLN_DIGEST_HEX]) __attribute__((warn_unused_result));
