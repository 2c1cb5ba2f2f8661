/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses, handles and names: everything that turns a plain type into text. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/addr.h"
#include "lcore/id.h"
#include "lcore/types.h"

static void text_survives_parsing_and_printing(void **state)
{
	static const struct {
		const char *in, *out, *bracketed;
		bool v4;
	} rows[] = {
		{"198.18.0.1", "198.18.0.1", "198.18.0.1", true},
		{"0.0.0.0", "0.0.0.0", "0.0.0.0", true},
		{"255.255.255.255", "255.255.255.255", "255.255.255.255", true},
		{"2001:db8::1", "2001:db8::1", "[2001:db8::1]", false},
		{"[2001:db8::1]", "2001:db8::1", "[2001:db8::1]", false},
		{"::", "::", "[::]", false},
		{"::ffff:198.18.0.1", "198.18.0.1", "198.18.0.1", true},
		{"2001:0DB8:0:0:0:0:0:00a1", "2001:db8::a1", "[2001:db8::a1]", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char buf[RLN_ADDR_TEXT];
		struct rln_addr a = {.port = 9};

		assert_int_equal(rln_addr_parse(&a, rows[i].in, strlen(rows[i].in)), 0);
		assert_int_equal(a.port, 0);
		assert_int_equal(rln_addr_is_v4(&a), rows[i].v4);
		assert_string_equal(rln_addr_text(&a, buf), rows[i].out);
		assert_string_equal(rln_addr_ip_text(&a, false, buf), rows[i].out);
		assert_string_equal(rln_addr_ip_text(&a, true, buf), rows[i].bracketed);
	}
}

static void ports_stand_behind_a_colon(void **state)
{
	char buf[RLN_ADDR_TEXT];
	struct rln_addr a;

	(void)state;
	assert_int_equal(rln_addr_parse(&a, "198.18.0.1", 10), 0);
	a.port = 5060;
	assert_string_equal(rln_addr_text(&a, buf), "198.18.0.1:5060");
	assert_int_equal(rln_addr_parse(&a, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 39), 0);
	a.port = 65535;
	assert_string_equal(rln_addr_text(&a, buf), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535");
	assert_string_equal(rln_addr_ip_text(&a, true, buf), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]");
}

static void what_is_no_address_is_refused_and_changes_nothing(void **state)
{
	static const char *const bad[] = {"", " ", "[]", "[", "]", "198.18.0", "198.18.0.1 ", "198.18.0.256", "198.18.0.1:5060",
		"[198.18.0.1]", "2001:db8::1::2", "[2001:db8::1", "2001:db8::1]", "example.com", "1", "0x7f.1", "fe80::1%eth0",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
	struct rln_addr a = {.port = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rln_addr_parse(&a, bad[i], strlen(bad[i])), -EINVAL);
	assert_int_equal(rln_addr_parse(&a, "198.18.0.1\0x", 12), -EINVAL);
	assert_int_equal(a.port, 7);
	assert_int_equal(rln_addr_parse(&a, "198.18.0.17", 10), 0); /* the length counts, not the text behind */
	assert_int_equal(rln_addr_v4_be(&a), inet_addr("198.18.0.1"));
}

static void unspecified_and_equal(void **state)
{
	struct rln_addr a, b;

	(void)state;
	rln_addr_from_v4(&a, 0, 0);
	assert_true(rln_addr_is_any(&a));
	assert_int_equal(rln_addr_parse(&b, "::", 2), 0);
	assert_true(rln_addr_is_any(&b));
	assert_false(rln_addr_same_ip(&a, &b));
	rln_addr_from_v4(&a, htonl(0x0a000001), 5);
	assert_false(rln_addr_is_any(&a));
	rln_addr_from_v4(&b, htonl(0x0a000001), 6);
	assert_true(rln_addr_same_ip(&a, &b));
	assert_false(rln_addr_equal(&a, &b));
	b.port = 5;
	assert_true(rln_addr_equal(&a, &b));
}

static void handles_keep_their_parts(void **state)
{
	uint64_t id = rln_id_make(RLN_ID_MEDIA, 255, RLN_ID_SLOT_MAX, 0xfffffffe);
	char buf[RLN_ID_TEXT];

	(void)state;
	assert_int_equal(rln_id_type(id), RLN_ID_MEDIA);
	assert_int_equal(rln_id_shard(id), 255);
	assert_int_equal(rln_id_slot(id), RLN_ID_SLOT_MAX);
	assert_int_equal(rln_id_generation(id), 0xfffffffe);
	assert_string_equal(rln_id_text(id, buf), "m255/1048575#4294967294");
	assert_string_equal(rln_id_text(rln_id_make(RLN_ID_SESSION, 0, 12, 3), buf), "s0/12#3");
	assert_string_equal(rln_id_text(rln_id_make(RLN_ID_DIALOG, 1, 0, 1), buf), "d1/0#1");
	assert_string_equal(rln_id_text(rln_id_make(RLN_ID_TXN, 0, 2, 1), buf), "t0/2#1");
	assert_string_equal(rln_id_text(0, buf), "-");
	assert_string_equal(rln_id_text(UINT64_MAX, buf), "?255/1048575#4294967295");
}

static void names_cover_their_enums(void **state)
{
	(void)state;
	assert_string_equal(rln_call_state_name(RLN_STATE_EARLY_MEDIA), "EARLY_MEDIA");
	assert_string_equal(rln_call_state_name(RLN_STATE_COUNT), "?");
	assert_string_equal(rln_end_reason_name(RLN_END_MEDIA_LOST), "MEDIA_LOST");
	assert_string_equal(rln_end_reason_name(RLN_END_COUNT), "?");
	assert_string_equal(rln_media_direction_name(RLN_MEDIA_OUTBOUND), "OUTBOUND");
	assert_string_equal(rln_media_direction_name((enum rln_media_direction)4), "?");
	assert_string_equal(rln_codec_name(RLN_CODEC_PCMA), "PCMA");
	for (unsigned i = 0; i < RLN_STATE_COUNT; i++)
		assert_string_not_equal(rln_call_state_name((enum rln_call_state)i), "?");
	for (unsigned i = 0; i < RLN_END_COUNT; i++)
		assert_string_not_equal(rln_end_reason_name((enum rln_end_reason)i), "?");
	for (unsigned i = 0; i < RLN_CODEC_COUNT; i++)
		assert_string_not_equal(rln_codec_name((enum rln_codec)i), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_survives_parsing_and_printing),
		cmocka_unit_test(ports_stand_behind_a_colon),
		cmocka_unit_test(what_is_no_address_is_refused_and_changes_nothing),
		cmocka_unit_test(unspecified_and_equal),
		cmocka_unit_test(handles_keep_their_parts),
		cmocka_unit_test(names_cover_their_enums),
	};

	return cmocka_run_group_tests_name("lcore/addr", tests, NULL, NULL);
}
