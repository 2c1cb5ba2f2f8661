/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/secure.c" /* siphash() with a key of the test */

/* The vectors of SipHash's authors: key 00 01 .. 0f, message 00 01 02 .., and the example of the paper (15 bytes). */
static void siphash_gives_the_known_answers(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {15, 0xa129ca6149be45e5}, {63, 0x958a324ceb064572}};
	uint8_t bytes[64];
	uint64_t key[2];

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	memcpy(key, bytes, sizeof(key));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(siphash(key, bytes, rows[i].len), rows[i].hash);
}

static void the_hash_is_steady_within_the_process(void **state)
{
	(void)state;
	assert_int_equal(rln_hash("call-id@host", 12), rln_hash("call-id@host", 12));
	assert_int_not_equal(rln_hash("call-id@host", 12), rln_hash("call-id@hosu", 12));
	assert_int_not_equal(rln_hash("", 0), rln_hash("\0", 1));
	assert_true(hash_key[0] != 0 || hash_key[1] != 0);
}

static void random_bytes_fill_all_and_never_repeat(void **state)
{
	static uint8_t a[1000], b[1000];

	(void)state;
	for (size_t len = 0; len <= sizeof(a); len = len * 2 + 1) {
		unsigned zeroes = 0;

		memset(a, 0, sizeof(a));
		rln_random(a, len);
		for (size_t i = 0; i < len; i++)
			zeroes += a[i] == 0;
		assert_true(zeroes <= len / 10 + 2); /* 1 in 256 expected */
		for (size_t i = len; i < sizeof(a); i++)
			assert_int_equal(a[i], 0);
	}
	rln_random(a, sizeof(a));
	rln_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	for (int i = 0; i < 1000; i++)
		assert_true(rln_random_u32() != rln_random_u32() || rln_random_u32() != rln_random_u32());
}

static void what_was_given_out_is_wiped(void **state)
{
	uint8_t out[16];

	(void)state;
	batch_left = 0;
	rln_random(out, sizeof(out));
	for (size_t i = 0; i < sizeof(out); i++)
		assert_int_equal(batch[i], 0);
	assert_int_equal(batch_left, BATCH - sizeof(out));
}

static void tokens_use_every_character_about_as_often(void **state)
{
	static unsigned seen[256];
	char token[37];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		memset(token, '#', sizeof(token));
		rln_random_token(token, 36);
		assert_int_equal(strlen(token), 36);
		for (int k = 0; k < 36; k++)
			seen[(unsigned char)token[k]]++;
	}
	/* 36,000 characters, 1,000 of each expected, deviation 31: 7 of them to either side. */
	for (int c = 0; c < 256; c++) {
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			assert_in_range(seen[c], 780, 1220);
		else
			assert_int_equal(seen[c], 0);
	}
	rln_random_token(token, 0);
	assert_string_equal(token, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_gives_the_known_answers),
		cmocka_unit_test(the_hash_is_steady_within_the_process),
		cmocka_unit_test(random_bytes_fill_all_and_never_repeat),
		cmocka_unit_test(what_was_given_out_is_wiped),
		cmocka_unit_test(tokens_use_every_character_about_as_often),
	};

	return cmocka_run_group_tests_name("lcore/secure", tests, NULL, NULL);
}
