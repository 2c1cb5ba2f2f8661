/* SPDX-License-Identifier: BSD-3-Clause */
/* RTP packets: what is parsed, what is refused and under which name, and that nothing outside the bytes is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rtp/packet.h"

#define OK ((enum rln_counter)0)

/* In an allocation of its own, so that the address sanitizer sees the first byte read beyond it. */
static enum rln_counter parse(const uint8_t *data, size_t len, struct rln_rtp *out)
{
	static uint8_t *exact;
	enum rln_counter rc;

	free(exact);
	exact = malloc(len ? len : 1);
	memcpy(exact, data, len);
	rc = rln_rtp_parse(exact, len, out);
	return rc;
}

static void test_plain(void **state)
{
	const uint8_t p[] = {0x80, 0x88, 0x12, 0x34, 0x00, 0x01, 0x02, 0x03, 0xde, 0xad, 0xbe, 0xef, 0xd5, 0x55};
	struct rln_rtp r;

	(void)state;
	assert_int_equal(parse(p, sizeof(p), &r), OK);
	assert_int_equal(r.payload_type, 8);
	assert_int_equal(r.marker, 1);
	assert_int_equal(r.seq, 0x1234);
	assert_int_equal(r.timestamp, 0x00010203);
	assert_int_equal(r.ssrc, 0xdeadbeef);
	assert_int_equal(r.payload_len, 2);
	assert_int_equal(r.payload[0], 0xd5);
	assert_int_equal(r.csrc_n, 0);
	assert_null(r.extension);
	assert_int_equal(r.padding, 0);
	assert_int_equal(parse(p, 12, &r), OK);
	assert_int_equal(r.payload_len, 0);
}

static void test_short_and_version(void **state)
{
	uint8_t p[12] = {0x80};
	struct rln_rtp r;

	(void)state;
	for (size_t len = 0; len < 12; len++)
		assert_int_equal(parse(p, len, &r), RLN_C_DROP_RTP_SHORT);
	for (unsigned version = 0; version < 4; version++) {
		p[0] = (uint8_t)(version << 6);
		assert_int_equal(parse(p, 12, &r), version == 2 ? OK : RLN_C_DROP_RTP_VERSION);
	}
}

static void test_csrc_extension_padding(void **state)
{
	const uint8_t p[] = {0xb2, 0x00, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, /* V 2, P, X, CC 2 */
		1, 1, 1, 1, 2, 2, 2, 2, 0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0, 0xaa, 0xbb, 0, 0, 3};
	struct rln_rtp r;

	(void)state;
	assert_int_equal(parse(p, sizeof(p), &r), OK);
	assert_int_equal(r.csrc_n, 2);
	assert_memory_equal(r.csrc, p + 12, 8);
	assert_int_equal(r.extension_profile, 0xbede);
	assert_int_equal(r.extension_len, 4);
	assert_memory_equal(r.extension, p + 24, 4);
	assert_int_equal(r.padding, 3);
	assert_int_equal(r.payload_len, 2);
	assert_memory_equal(r.payload, p + 28, 2);
	/* Cut anywhere, it no longer fits: the last byte is then no padding count that the rest can hold, or the headers are cut. */
	for (size_t len = 12; len < 28; len++)
		assert_int_equal(parse(p, len, &r), RLN_C_DROP_RTP_FORMAT);
}

static void test_bad_format(void **state)
{
	uint8_t p[64] = {0};
	struct rln_rtp r;

	(void)state;
	p[0] = 0x8f; /* 15 CSRCs are 60 bytes more */
	assert_int_equal(parse(p, 64, &r), RLN_C_DROP_RTP_FORMAT);
	p[0] = 0x90;
	assert_int_equal(parse(p, 15, &r), RLN_C_DROP_RTP_FORMAT); /* extension header cut */
	p[14] = 0, p[15] = 13;                                     /* 52 bytes where 48 are */
	assert_int_equal(parse(p, 64, &r), RLN_C_DROP_RTP_FORMAT);
	p[15] = 12;
	assert_int_equal(parse(p, 64, &r), OK);
	assert_int_equal(r.payload_len, 0);
	p[14] = 0x40, p[15] = 1; /* 65,540 bytes: must not wrap to 4 */
	assert_int_equal(parse(p, 64, &r), RLN_C_DROP_RTP_FORMAT);
	p[0] = 0xa0; /* padding */
	p[63] = 0;
	assert_int_equal(parse(p, 64, &r), RLN_C_DROP_RTP_FORMAT);
	p[63] = 53;
	assert_int_equal(parse(p, 64, &r), RLN_C_DROP_RTP_FORMAT);
	p[63] = 52; /* all of it */
	assert_int_equal(parse(p, 64, &r), OK);
	assert_int_equal(r.payload_len, 0);
	assert_int_equal(parse(p, 12, &r), RLN_C_DROP_RTP_FORMAT); /* nothing that could be padding */
}

static void test_rtcp_is_told(void **state)
{
	uint8_t p[2] = {0x80};

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		p[1] = (uint8_t)i;
		assert_int_equal(rln_rtp_is_rtcp(p, 2), i >= 192 && i <= 223);
	}
	assert_false(rln_rtp_is_rtcp(p, 1));
	assert_false(rln_rtp_is_rtcp(p, 0));
}

static void test_build_round_trip(void **state)
{
	const uint8_t csrc[60] = {7}, extension[8] = {1, 2, 3}, payload[160] = {0xff, 9};
	uint8_t data[512];
	struct rln_rtp in = {.payload = payload,
			       .payload_len = 160,
			       .csrc = csrc,
			       .extension = extension,
			       .timestamp = 0xfffffff0,
			       .ssrc = 0x80000001,
			       .seq = 65535,
			       .extension_profile = 0x1000,
			       .payload_type = 101,
			       .marker = 1},
		       out;

	(void)state;
	for (unsigned variant = 0; variant < 16 * 2 * 3; variant++) {
		size_t len;

		in.csrc_n = (uint8_t)(variant % 16);
		in.csrc = in.csrc_n ? csrc : NULL;
		in.extension = variant / 16 % 2 ? extension : NULL;
		in.extension_len = variant / 16 % 2 ? 8 : 0;
		in.extension_profile = variant / 16 % 2 ? 0x1000 : 0;
		in.padding = (uint8_t)(variant / 32 * 127);
		len = rln_rtp_build_full(data, sizeof(data), &in);
		assert_int_equal(len, 12 + 4 * in.csrc_n + (in.extension ? 12 : 0) + 160 + in.padding);
		assert_int_equal(rln_rtp_build_full(data, len - 1, &in), 0);
		assert_int_equal(parse(data, len, &out), OK);
		assert_int_equal(out.payload_len, 160);
		assert_memory_equal(out.payload, payload, 160);
		assert_int_equal(out.seq, 65535);
		assert_int_equal(out.timestamp, 0xfffffff0);
		assert_int_equal(out.ssrc, 0x80000001);
		assert_int_equal(out.payload_type, 101);
		assert_int_equal(out.marker, 1);
		assert_int_equal(out.csrc_n, in.csrc_n);
		assert_int_equal(out.extension_len, in.extension_len);
		assert_int_equal(out.extension_profile, in.extension_profile);
		assert_int_equal(out.padding, in.padding);
	}
	in.csrc_n = 16;
	assert_int_equal(rln_rtp_build_full(data, sizeof(data), &in), 0);
	in.csrc_n = 0;
	in.extension_len = 6;
	assert_int_equal(rln_rtp_build_full(data, sizeof(data), &in), 0);
}

static void test_rewrite_keeps_the_rest(void **state)
{
	uint8_t data[14] = {0};
	struct rln_rtp r;

	(void)state;
	rln_rtp_build(data, 0, true, 1, 2, 3);
	data[12] = 0x42;
	rln_rtp_rewrite(data, 8, 65535, 0x12345678, 0x9abcdef0);
	assert_int_equal(parse(data, 14, &r), OK);
	assert_int_equal(r.marker, 1);
	assert_int_equal(r.payload_type, 8);
	assert_int_equal(r.seq, 65535);
	assert_int_equal(r.timestamp, 0x12345678);
	assert_int_equal(r.ssrc, 0x9abcdef0);
	assert_int_equal(r.payload[0], 0x42);
}

static void test_units(void **state)
{
	(void)state;
	assert_int_equal(rln_rtp_units(0, 8), 0);
	assert_int_equal(rln_rtp_units(124999, 8), 0);
	assert_int_equal(rln_rtp_units(125000, 8), 1);
	assert_int_equal(rln_rtp_units(20000000, 48), 960);
	/* 2^32 units of 8 kHz are 6.2 days: it goes round exactly there. */
	assert_int_equal(rln_rtp_units(4294967296ull * 125000, 8), 0);
	assert_int_equal(rln_rtp_units(4294967296ull * 125000 + 125000, 8), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_short_and_version),
		cmocka_unit_test(test_csrc_extension_padding),
		cmocka_unit_test(test_bad_format),
		cmocka_unit_test(test_rtcp_is_told),
		cmocka_unit_test(test_build_round_trip),
		cmocka_unit_test(test_rewrite_keeps_the_rest),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests_name("rtp_packet", tests, NULL, NULL);
}
