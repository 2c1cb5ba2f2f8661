/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as the values of WWW-Authenticate: each challenge found lies within them, can be answered, and the walk ends. */
#include <stdlib.h>

#include "sip/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_within(struct rln_span s, const char *text, size_t size)
{
	check(!s.s || (s.s >= text && s.s + s.len <= text + size));
}

static void check_answer(const struct rln_digest_challenge *c)
{
	struct rln_digest_request r = {
		.method = "INVITE", .uri = {"sip:a@b", 7}, .body = {"v=0", 3}, .cnonce = "cnonce", .nc = UINT32_MAX};
	char secret[RLN_DIGEST_HEX], response[RLN_DIGEST_HEX];
	size_t len = c->algorithm >= RLN_DIGEST_SHA256 ? 64 : 32;

	check(rln_digest_secret(c->algorithm, "user", c->realm, "password", secret) == 0 && strlen(secret) == len);
	check(rln_digest_response(c, secret, &r, response) == 0 && strlen(response) == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1); /* of the exact size: a sanitizer sees a read beyond it */
	const char *at = copy;
	struct rln_digest_challenge c;
	size_t n = 0;

	check(copy);
	if (size)
		memcpy(copy, data, size);
	while (rln_digest_next(&at, copy + size, &c)) {
		check(c.algorithm <= RLN_DIGEST_SHA256_SESS && c.qop <= RLN_QOP_AUTH_INT && c.nonce.len);
		check_within(c.realm, copy, size);
		check_within(c.nonce, copy, size);
		check_within(c.opaque, copy, size);
		if (n < 8)
			check_answer(&c);
		check(++n <= size);
	}
	check(at == copy + size);
	free(copy);
	return 0;
}
