/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Digest authentication: the published examples of RFC 7616 3.9.1 and RFC 2617 3.5, variants of the latter computed with
 * Python's hashlib, the grammar of challenges, and which of several is answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sip/digest.h"

#define NONCE_7616  "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
#define CNONCE_7616 "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
#define NONCE_2617  "dcd98b7102dd2f0e8b11d0f600bfb0c093"

static struct rln_span text(const char *s)
{
	return (struct rln_span){s, strlen(s)};
}

static void assert_span(struct rln_span got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.s, want, got.len);
}

static void assert_response(
	const struct rln_digest_challenge *c, const char *password, const struct rln_digest_request *r, const char *want)
{
	char secret[RLN_DIGEST_HEX], got[RLN_DIGEST_HEX];

	assert_int_equal(rln_digest_secret(c->algorithm, "Mufasa", c->realm, password, secret), 0);
	assert_int_equal(rln_digest_response(c, secret, r, got), 0);
	assert_string_equal(got, want);
}

static void rfc_7616_3_9_1(void **state)
{
	struct rln_digest_challenge c = {.realm = text("http-auth@example.org"), .nonce = text(NONCE_7616), .qop = RLN_QOP_AUTH};
	struct rln_digest_request r = {.method = "GET", .uri = text("/dir/index.html"), .cnonce = CNONCE_7616, .nc = 1};

	(void)state;
	c.algorithm = RLN_DIGEST_MD5;
	assert_response(&c, "Circle of Life", &r, "8ca523f5e9506fed4657c9700eebdbec");
	c.algorithm = RLN_DIGEST_SHA256;
	assert_response(&c, "Circle of Life", &r, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

static void rfc_2617_3_5(void **state)
{
	struct rln_digest_challenge c = {.realm = text("testrealm@host.com"), .nonce = text(NONCE_2617), .qop = RLN_QOP_AUTH};
	struct rln_digest_request r = {.method = "GET", .uri = text("/dir/index.html"), .cnonce = "0a4f113b", .nc = 1};

	(void)state;
	assert_response(&c, "Circle Of Life", &r, "6629fae49393a05397450978507c4ef1");
	c.qop = RLN_QOP_NONE; /* RFC 2069 */
	assert_response(&c, "Circle Of Life", &r, "670fd8c2df070c60b045671b8b24ff02");
}

static void every_algorithm_with_auth_int(void **state)
{
	static const char *const want[] = {[RLN_DIGEST_MD5] = "45db95e93ecd6b465210c289844d11df",
		[RLN_DIGEST_MD5_SESS] = "7b03ac78e79c2d2a24f35565d9dc1996",
		[RLN_DIGEST_SHA256] = "081c53a2e3392850ed60d961ece14ada5903e363f72635346256baab81245766",
		[RLN_DIGEST_SHA256_SESS] = "09c3d0ccfca59d23129f0e191d982f3dc9aacd5225164bf0b50a09318b67f116"};
	struct rln_digest_challenge c = {.realm = text("testrealm@host.com"), .nonce = text(NONCE_2617), .qop = RLN_QOP_AUTH_INT};
	struct rln_digest_request r = {
		.method = "INVITE", .uri = text("sip:bob@biloxi.com"), .body = text("v=0\r\n"), .cnonce = "0a4f113b", .nc = 1};

	(void)state;
	for (c.algorithm = 0; c.algorithm < 4; c.algorithm++)
		assert_response(&c, "Circle Of Life", &r, want[c.algorithm]);
	c.algorithm = RLN_DIGEST_MD5_SESS;
	c.qop = RLN_QOP_NONE;
	assert_response(&c, "Circle Of Life", &r, "b9df28ea6a01780885b05228704386b6");
}

/* ---- challenges ---- */

static bool next(const char **at, struct rln_digest_challenge *c)
{
	return rln_digest_next(at, *at + strlen(*at), c);
}

static void a_challenge_with_everything(void **state)
{
	const char *at =
		"Digest realm=\"atlanta.com\",\tdomain=\"sip:boxesbybob.com\", qop=\"auth,auth-int\" , "
		"nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", opaque=\"a \\\"b\\\"\", stale=TRUE, algorithm=SHA-256-sess, x=y";
	struct rln_digest_challenge c;

	(void)state;
	assert_true(next(&at, &c));
	assert_span(c.realm, "atlanta.com");
	assert_span(c.nonce, "f84f1cec41e6cbe5aea9c8e88d359");
	assert_span(c.opaque, "a \\\"b\\\"");
	assert_true(c.has_opaque && c.stale);
	assert_int_equal(c.algorithm, RLN_DIGEST_SHA256_SESS);
	assert_int_equal(c.qop, RLN_QOP_AUTH);
	assert_false(next(&at, &c));
}

static void a_challenge_with_little(void **state)
{
	const char *at = "DIGEST realm=\"\",nonce=\"n\"";
	struct rln_digest_challenge c;

	(void)state;
	assert_true(next(&at, &c));
	assert_span(c.realm, "");
	assert_int_equal(c.algorithm, RLN_DIGEST_MD5);
	assert_int_equal(c.qop, RLN_QOP_NONE);
	assert_false(c.has_opaque || c.stale);
}

static void several_challenges_in_one_list(void **state)
{
	const char *at = "Digest realm=\"a\", nonce=\"1\", algorithm=MD5, NTLM TlRMTVNTUAAB==, Digest realm=\"b\", nonce=\"2\", "
			 "algorithm=SHA-512-256, Basic realm=\"a, Digest c\", Digest realm=\"d\", nonce=\"4\", qop=\"auth-int\"";
	struct rln_digest_challenge c;

	(void)state;
	assert_true(next(&at, &c));
	assert_span(c.realm, "a");
	assert_true(next(&at, &c)); /* b: an algorithm that we have not */
	assert_span(c.realm, "d");
	assert_int_equal(c.qop, RLN_QOP_AUTH_INT);
	assert_false(next(&at, &c));
}

static void what_is_no_challenge(void **state)
{
	static const char *const rows[] = {"", "Digest", "Digest ", "Digest realm=\"a\"", "Digest nonce=\"a\"",
		"Digest realm=\"a\", nonce=\"\"", "Digest realm=\"a, nonce=\"b", "Digest realm=\"a\", nonce=\"b\", qop=\"token\"",
		"Digest realm=\"a\", nonce=\"b\", qop=\"\"", "Digest realm=\"a\", nonce=\"b\", qop=\"auth;int\"",
		"Digest realm=\"a\", nonce=\"b\", algorithm=", "Digest realm=\"a\" nonce=\"b\"", ",,,", "Digest =", "\"Digest",
		"Digest realm=\"a\\", "Basic realm=\"x\", nonce=\"y\""};
	struct rln_digest_challenge c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *at = rows[i];

		if (next(&at, &c))
			fail_msg("%s: taken for a challenge of realm %.*s", rows[i], (int)c.realm.len, c.realm.s);
	}
}

static void what_is_stronger(void **state)
{
	struct rln_digest_challenge md5 = {.algorithm = RLN_DIGEST_MD5}, md5_sess = {.algorithm = RLN_DIGEST_MD5_SESS},
				    sha = {.algorithm = RLN_DIGEST_SHA256};

	(void)state;
	assert_true(rln_digest_is_stronger(&sha, &md5));
	assert_true(rln_digest_is_stronger(&sha, &md5_sess));
	assert_false(rln_digest_is_stronger(&md5_sess, &md5));
	assert_false(rln_digest_is_stronger(&md5, &sha));
	assert_string_equal(rln_digest_algorithm_name(RLN_DIGEST_SHA256_SESS), "SHA-256-sess");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_7616_3_9_1),
		cmocka_unit_test(rfc_2617_3_5),
		cmocka_unit_test(every_algorithm_with_auth_int),
		cmocka_unit_test(a_challenge_with_everything),
		cmocka_unit_test(a_challenge_with_little),
		cmocka_unit_test(several_challenges_in_one_list),
		cmocka_unit_test(what_is_no_challenge),
		cmocka_unit_test(what_is_stronger),
	};

	return cmocka_run_group_tests_name("sip_digest", tests, NULL, NULL);
}
