/* SPDX-License-Identifier: BSD-3-Clause */
/* What the receive tests of IPv4 and IPv6 ask alike: a datagram that is delivered, frames that are dropped and why, frames cut short. */
#pragma once

#include "net_fixture.h"

struct bad_frame {
	const char *name, *hex;
	enum rln_counter counter;
};

/* "hello" from port 30000 to 20000, and that alone. */
static void expect_hello_between(const char *src, const char *dst)
{
	assert_int_equal(w.out.n, 1);
	assert_int_equal(w.out.m[0]->pkt_len, 5);
	assert_memory_equal(rte_pktmbuf_mtod(w.out.m[0], void *), "hello", 5);
	expect_addr(&rln_pkt(w.out.m[0])->src, src);
	expect_addr(&rln_pkt(w.out.m[0])->dst, dst);
	assert_int_equal(rln_pkt(w.out.m[0])->op, RLN_PKT_DATAGRAM);
	assert_int_equal(rln_pkt(w.out.m[0])->rx_ns, w.now_ns);
	eat_all(0);
}

/* Each is counted under its reason, delivered to nobody and not answered. */
static void expect_drops(const struct bad_frame *bad, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t before = count_of(0, bad[i].counter);

		receive(bad[i].hex);
		if (count_of(0, bad[i].counter) != before + 1)
			fail_msg("%s: not counted as %s", bad[i].name, rln_count_name(bad[i].counter));
		assert_int_equal(w.out.n, 0);
		expect_nothing_sent();
	}
}

/* Every beginning of a good frame, the empty one too; returns the frame's length. */
static unsigned receive_every_shorter(const char *hex)
{
	uint8_t bytes[80];
	unsigned n = from_hex(hex, bytes, sizeof(bytes));

	for (unsigned len = 0; len < n; len++) {
		put(0, buffer(bytes, len));
		rln_net_poll(w.net[0], &w.out, w.now_ns);
		assert_int_equal(w.out.n, 0);
	}
	return n;
}
