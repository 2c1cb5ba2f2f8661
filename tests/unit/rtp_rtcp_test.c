/* SPDX-License-Identifier: BSD-3-Clause */
/* RTCP: what we build is what a peer reads, every rule of RFC 3550 A.2 refuses, and the times of measurement 6. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lcore/clock.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"

#define US   0x11223344u
#define PEER 0xcafebabeu

/* In an allocation of its own, so that the address sanitizer sees the first byte read beyond it. */
static bool parse(const uint8_t *data, size_t len, struct rln_rtcp *out)
{
	static uint8_t *exact;

	free(exact);
	exact = malloc(len ? len : 1);
	memcpy(exact, data, len);
	return rln_rtcp_parse(exact, len, US, out);
}

static const struct rln_rtcp_sender sender = {0xe1e2e3e4f1f2f3f4ull, 0x01020304, 500, 80000};
static const struct rln_rtcp_block block = {US, 32, -2, 0x10004, 77, 0xb7052000, 0x00054000};

static void test_sr_bytes(void **state)
{
	const uint8_t want[] = {0x81, 200, 0, 12, 0xca, 0xfe, 0xba, 0xbe, 0xe1, 0xe2, 0xe3, 0xe4, 0xf1, 0xf2, 0xf3, 0xf4, 1, 2, 3,
		4, 0, 0, 0x01, 0xf4, 0, 1, 0x38, 0x80, 0x11, 0x22, 0x33, 0x44, 32, 0xff, 0xff, 0xfe, 0, 1, 0, 4, 0, 0, 0, 77,
		0xb7, 5, 0x20, 0, 0, 5, 0x40, 0,                                          /* SR */
		0x81, 202, 0, 3, 0xca, 0xfe, 0xba, 0xbe, 1, 4, 'a', '@', 'b', 'c', 0, 0}; /* SDES: 2 bytes of end and padding */
	const struct rln_rtcp_build in = {.ssrc = PEER, .sender = &sender, .block = &block, .cname = "a@bc"};
	uint8_t data[RLN_RTCP_ROOM];

	(void)state;
	assert_int_equal(rln_rtcp_build(data, sizeof(data), &in), sizeof(want));
	assert_memory_equal(data, want, sizeof(want));
}

static void test_round_trip(void **state)
{
	static char cname[300];
	uint8_t data[RLN_RTCP_ROOM];
	struct rln_rtcp out;

	(void)state;
	for (unsigned len = 0; len <= 260; len++) {
		unsigned kept = len < 255 ? len : 255;

		memset(cname, 'x', len);
		cname[len] = 0;
		for (unsigned v = 0; v < 16; v++) {
			const struct rln_rtcp_build in = {.ssrc = PEER,
				.sender = v & 1 ? &sender : NULL,
				.block = v & 2 ? &block : NULL,
				.cname = cname,
				.bye = v & 4 ? (v & 8 ? "so long, and thanks" : "") : NULL};
			size_t n = rln_rtcp_build(data, sizeof(data), &in);

			assert_true(n > 0 && n % 4 == 0);
			assert_true(parse(data, n, &out));
			assert_int_equal(out.ssrc, PEER);
			assert_int_equal(out.packets, v & 4 ? 3 : 2);
			assert_int_equal(out.has_sender, v & 1);
			assert_int_equal(out.has_block, (v & 2) != 0);
			assert_int_equal(out.has_bye, (v & 4) != 0);
			assert_int_equal(out.cname_len, kept);
			assert_memory_equal(out.cname, cname, kept);
			if (v & 1)
				assert_memory_equal(&out.sender, &sender, sizeof(sender));
			if (v & 2) {
				assert_int_equal(out.block.ssrc, US);
				assert_int_equal(out.block.fraction, 32);
				assert_int_equal(out.block.lost, -2);
				assert_int_equal(out.block.highest, 0x10004);
				assert_int_equal(out.block.jitter, 77);
				assert_int_equal(out.block.lsr, block.lsr);
				assert_int_equal(out.block.dlsr, block.dlsr);
			}
			for (size_t cut = 0; cut < n; cut++) /* a shorter compound may be valid at a border only */
				if (parse(data, cut, &out))
					assert_true(cut % 4 == 0 && out.packets < (v & 4 ? 3u : 2u) + 0u);
		}
	}
}

static void test_build_needs_room(void **state)
{
	const struct rln_rtcp_build in = {.ssrc = 1, .sender = &sender, .block = &block, .cname = "c", .bye = "x"};
	uint8_t data[RLN_RTCP_ROOM];

	(void)state;
	for (size_t room = 0; room < RLN_RTCP_ROOM; room++) {
		size_t n;

		memset(data, 0x5a, sizeof(data));
		n = rln_rtcp_build(data, room, &in);
		assert_true(n <= room);
		for (size_t i = n; i < sizeof(data); i++)
			assert_int_equal(data[i], 0x5a);
	}
}

static void test_a2_refuses(void **state)
{
	uint8_t rr[] = {0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 203, 0, 0}, p[sizeof(rr)];
	struct rln_rtcp out;

	(void)state;
	assert_true(parse(rr, sizeof(rr), &out));
	assert_int_equal(out.packets, 2);
	assert_false(out.has_bye); /* it names nobody */
#define CHANGED(at, value, len)                                                                                                  \
	do {                                                                                                                     \
		memcpy(p, rr, sizeof(rr));                                                                                       \
		p[at] = (value);                                                                                                 \
		assert_false(parse(p, len, &out));                                                                               \
	} while (0)
	CHANGED(0, 0x40, 12); /* version of the first */
	CHANGED(8, 0x00, 12); /* and of another */
	CHANGED(0, 0xa0, 12); /* padding in the first */
	CHANGED(1, 202, 12);  /* the first is no report */
	CHANGED(1, 204, 12);
	CHANGED(3, 2, 11); /* lengths do not add up */
	CHANGED(3, 3, 12);
	CHANGED(11, 1, 12);
	CHANGED(0, 0x81, 12); /* a block that is not there */
	CHANGED(8, 0x81, 12); /* BYE with an SSRC that is not there */
	CHANGED(3, 0, 12);    /* RR without SSRC: then what follows is no packet */
	for (size_t len = 0; len < 12; len++)
		assert_int_equal(parse(rr, len, &out), len == 8);
}

static void test_padding(void **state)
{
	uint8_t p[] = {0x80, 201, 0, 1, 0, 0, 0, 1, 0xa1, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4};
	struct rln_rtcp out;

	(void)state;
	assert_true(parse(p, sizeof(p), &out));
	assert_true(out.has_bye);
	for (unsigned n = 0; n < 256; n++) { /* only 4 leaves the SSRC of the BYE; 8 would cover it */
		p[19] = (uint8_t)n;
		assert_int_equal(parse(p, sizeof(p), &out), n == 4);
	}
}

static void test_sdes(void **state)
{
	/* Two chunks: a stranger with a NOTE, and the sender with EMAIL and CNAME. */
	uint8_t p[] = {0x80, 201, 0, 1, 0, 0, 0, 1, 0x82, 202, 0, 8, 0, 0, 0, 9, 7, 2, 'h', 'i', 0, 0, 0, 0, 0, 0, 0, 1, 3, 3,
		'a', '@', 'b', 1, 3, 'x', 'y', 'z', 0, 0, 0, 0, 0, 0};
	struct rln_rtcp out;

	(void)state;
	p[11] = (uint8_t)((sizeof(p) - 8) / 4 - 1);
	assert_true(parse(p, sizeof(p), &out));
	assert_int_equal(out.cname_len, 3);
	assert_memory_equal(out.cname, "xyz", 3);
	p[34] = 200; /* an item that ends outside */
	assert_false(parse(p, sizeof(p), &out));
	p[34] = 9; /* exactly to the end: the chunk has no zero */
	assert_false(parse(p, sizeof(p), &out));
	p[34] = 8;
	assert_true(parse(p, sizeof(p), &out));
	assert_int_equal(out.cname_len, 8);
	p[8] = 0x83; /* a third chunk that is not there */
	assert_false(parse(p, sizeof(p), &out));
}

static void test_others_are_skipped(void **state)
{
	/* RR with blocks about a stranger, us and another; then XR and an unknown type. */
	uint8_t p[8 + 3 * 24 + 8 + 4] = {0x83, 201, 0, 19, 0, 0, 0, 5};
	struct rln_rtcp out;

	(void)state;
	rln_put_be32(p + 8, 1);
	rln_put_be32(p + 32, US);
	p[36] = 99;
	rln_put_be32(p + 56, 2);
	memcpy(p + 80, (uint8_t[]){0x80, 207, 0, 1, 0, 0, 0, 5, 0x80, 255, 0, 0}, 12);
	assert_true(parse(p, sizeof(p), &out));
	assert_int_equal(out.packets, 3);
	assert_true(out.has_block);
	assert_int_equal(out.block.fraction, 99);
	rln_put_be32(p + 32, 3);
	assert_true(parse(p, sizeof(p), &out));
	assert_false(out.has_block);
}

static void test_rtt(void **state)
{
	uint32_t rtt;

	(void)state;
	/* RFC 3550's figure: 6.125 s */
	assert_true(rln_rtcp_rtt(0x0000b71080000000ull, 0xb7052000, 0x00054000, &rtt));
	assert_int_equal(rtt, 0x00062000);
	assert_int_equal(rln_rtcp_us(rtt), 6125000);
	assert_false(rln_rtcp_rtt(0x0000b71080000000ull, 0, 0, &rtt));          /* no SR seen yet */
	assert_false(rln_rtcp_rtt(0x0000b71080000000ull, 0xb7108000, 1, &rtt)); /* negative */
	assert_true(rln_rtcp_rtt(0x0000b71080000000ull, 0xb7108000, 0, &rtt));
	assert_int_equal(rtt, 0);
	assert_true(rln_rtcp_rtt(0x0000000080000000ull, 0xffffffff, 0, &rtt)); /* over the end of 16 bits of seconds */
	assert_int_equal(rtt, 0x8001);
	assert_true(rln_rtcp_rtt(0x80000000ull << 16, 1, 0, &rtt));
	assert_false(rln_rtcp_rtt(0x80000001ull << 16, 1, 0, &rtt)); /* 2^31 is not below 2^31 */
}

static void test_interval(void **state)
{
	double low = 5e9 * 0.5 / 1.21828, high = 5e9 * 1.5 / 1.21828, sum = 0;

	(void)state;
	assert_true(fabs((double)rln_rtcp_interval_ns(5 * RLN_SEC, false, 0) - low) < 2);
	assert_true(fabs((double)rln_rtcp_interval_ns(5 * RLN_SEC, false, UINT32_MAX) - high) < 4);
	assert_true(fabs((double)rln_rtcp_interval_ns(5 * RLN_SEC, true, 0) - low / 2) < 2);
	for (uint32_t i = 0; i < 1000; i++)
		sum += (double)rln_rtcp_interval_ns(5 * RLN_SEC, false, i * 4294967u);
	assert_true(fabs(sum / 1000 - 5e9 / 1.21828) < 5e6);
}

static void test_leg(void **state)
{
	struct rln_rtcp_leg leg = {0};
	struct rln_rtcp in = {.ssrc = PEER, .has_sender = true, .sender = sender};
	struct rln_rtcp_block b;

	(void)state;
	rln_rtcp_leg_fill(&leg, 7 * RLN_SEC, &b);
	assert_int_equal(b.lsr, 0);
	assert_int_equal(b.dlsr, 0);
	rln_rtcp_leg_update(&leg, &in, 10 * RLN_SEC, 0);
	assert_int_equal(leg.peer_packets, 500);
	assert_int_equal(leg.rtt_us, 0);
	rln_rtcp_leg_fill(&leg, 15 * RLN_SEC + RLN_SEC / 4, &b);
	assert_int_equal(b.lsr, 0xe3e4f1f2);
	assert_int_equal(b.dlsr, 0x00054000); /* 5.25 s */
	in = (struct rln_rtcp){.ssrc = PEER, .has_block = true, .has_bye = true, .block = block};
	rln_rtcp_leg_update(&leg, &in, 16 * RLN_SEC, 0xb710800000000000ull >> 16);
	assert_int_equal(leg.rtt_us, 6125000);
	assert_int_equal(leg.peer_fraction, 32);
	assert_int_equal(leg.peer_lost, -2);
	assert_int_equal(leg.peer_jitter, 77);
	assert_int_equal(leg.peer_highest, 0x10004);
	assert_true(leg.bye_seen);
	assert_int_equal(leg.received, 2);
	/* A peer whose last SR is a day old: the field holds 18 hours. */
	rln_rtcp_leg_fill(&leg, 86410 * RLN_SEC, &b);
	assert_int_equal(b.dlsr, 0xffff0000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sr_bytes),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_build_needs_room),
		cmocka_unit_test(test_a2_refuses),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_sdes),
		cmocka_unit_test(test_others_are_skipped),
		cmocka_unit_test(test_rtt),
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_leg),
	};

	return cmocka_run_group_tests_name("rtp_rtcp", tests, NULL, NULL);
}
