// SPDX-License-Identifier: BSD-3-Clause
/* Fragments: pieces in every order, overlaps, time and memory running out; and that what we cut joins again. */
#include "tests/unit/net_fixture.h"

#include <rte_udp.h>

/* A UDP datagram for port `port`, its payload a pattern, cut as the test says; headers are made here, apart from the stack's own. */
struct datagram {
	uint8_t bytes[60000]; /* UDP header and payload */
	unsigned len;
	bool v6;
	uint32_t id;
};

static struct datagram dg;

static uint32_t add_words(uint32_t sum, const uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i += 2)
		sum += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void make(bool v6, uint16_t port, unsigned payload, uint32_t id)
{
	struct rln_addr src = addr(v6 ? "2001:db8::2" : "198.18.0.2", 0), dst = addr(v6 ? "2001:db8::1" : "198.18.0.1", 0);
	unsigned from = v6 ? 0 : 12, n = v6 ? 16 : 4;
	uint8_t *b = dg.bytes;
	uint32_t sum;

	dg.len = payload + 8;
	dg.v6 = v6;
	dg.id = id;
	for (unsigned i = 0; i < payload; i++)
		b[8 + i] = (uint8_t)(i * 7 + i / 256);
	b[0] = 30000 >> 8;
	b[1] = 30000 & 0xff;
	b[2] = (uint8_t)(port >> 8);
	b[3] = (uint8_t)port;
	b[4] = (uint8_t)(dg.len >> 8);
	b[5] = (uint8_t)dg.len;
	b[6] = b[7] = 0;
	sum = add_words(17 + dg.len, src.ip + from, n);
	sum = add_words(sum, dst.ip + from, n);
	sum = ~add_words(sum, b, dg.len);
	b[6] = (uint8_t)(sum >> 8);
	b[7] = (uint8_t)sum;
}

/* Bytes [at, at + len) of it as a frame. */
static struct rte_mbuf *piece(unsigned at, unsigned len, bool more)
{
	uint8_t f[2100];
	unsigned n = 14;

	from_hex(OUR_MAC PEER_MAC, f, 12);
	if (dg.v6) {
		from_hex("86dd 60000000 0000 2c 40 20010db8000000000000000000000002 20010db8000000000000000000000001 1100 0000 "
			 "00000000",
			f + 12, sizeof(f) - 12);
		f[18] = (uint8_t)((len + 8) >> 8);
		f[19] = (uint8_t)(len + 8);
		n += 40;
		f[n + 2] = (uint8_t)(at >> 8);
		f[n + 3] = (uint8_t)((at & 0xf8) | more);
		f[n + 4] = (uint8_t)(dg.id >> 24);
		f[n + 5] = (uint8_t)(dg.id >> 16);
		f[n + 6] = (uint8_t)(dg.id >> 8);
		f[n + 7] = (uint8_t)dg.id;
		n += 8;
	} else {
		uint32_t sum;

		from_hex("0800 4500 0000 0000 0000 4011 0000 c6120002 c6120001", f + 12, sizeof(f) - 12);
		f[16] = (uint8_t)((len + 20) >> 8);
		f[17] = (uint8_t)(len + 20);
		f[18] = (uint8_t)(dg.id >> 8);
		f[19] = (uint8_t)dg.id;
		f[20] = (uint8_t)((at / 8) >> 8 | (more ? 0x20 : 0));
		f[21] = (uint8_t)(at / 8);
		sum = ~add_words(0, f + 14, 20);
		f[24] = (uint8_t)(sum >> 8);
		f[25] = (uint8_t)sum;
		n += 20;
	}
	memcpy(f + n, dg.bytes + at, len);
	return buffer(f, n + len);
}

static void give(unsigned at, unsigned len, bool more)
{
	put(0, piece(at, len, more));
	rln_net_poll(w.net[0], &w.out, w.now_ns);
}

static void expect_whole(struct rte_mbuf *m)
{
	static uint8_t copy[60000];
	const void *p;

	assert_non_null(m);
	assert_int_equal(m->pkt_len, dg.len - 8);
	p = rte_pktmbuf_read(m, 0, m->pkt_len, copy);
	assert_memory_equal(p, dg.bytes + 8, dg.len - 8);
}

static void test_joins_in_any_order(void **state)
{
	static const unsigned order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		for (unsigned i = 0; i < 6; i++) {
			make(v6, 20000, 1500, 77 + i);
			for (unsigned k = 0; k < 3; k++) {
				unsigned at = order[i][k] * 600;

				assert_int_equal(w.out.n, 0);
				give(at, at == 1200 ? dg.len - 1200 : 600, at != 1200);
				expect_ledger(0, w.out.n);
			}
			assert_int_equal(w.out.n, 1);
			assert_int_equal(w.out.m[0]->nb_segs, 1);
			expect_whole(w.out.m[0]);
			expect_addr(&rln_pkt(w.out.m[0])->dst, v6 ? "[2001:db8::1]:20000" : "198.18.0.1:20000");
			eat_all(0);
		}
	}
	expect_count(EATEN_FRAGMENT, 24);
	world_end();
}

static void test_control_gets_what_exceeds_a_buffer(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	make(false, 5060, 5000, 1);
	for (unsigned at = 0; at < dg.len; at += 1480)
		give(at, RTE_MIN(1480u, dg.len - at), at + 1480 < dg.len);
	m = to_control(0);
	expect_whole(m);
	assert_int_equal(m->nb_segs, 4);
	rte_pktmbuf_free(m);
	expect_count(EATEN_SIP, 1);
	world_end();
}

static void test_a_leg_does_not(void **state)
{
	(void)state;
	make(false, 20000, 5000, 1);
	for (unsigned at = 0; at < dg.len; at += 1480)
		give(at, RTE_MIN(1480u, dg.len - at), at + 1480 < dg.len);
	assert_int_equal(w.out.n, 0);
	expect_count(DROP_FRAGMENT_BAD, 1);
	expect_count(EATEN_FRAGMENT, 3);
	world_end();
}

static void test_wrong_checksum_of_the_whole(void **state)
{
	(void)state;
	make(true, 20000, 1500, 1);
	dg.bytes[900] ^= 1;
	give(0, 600, true);
	give(600, dg.len - 600, false);
	expect_count(DROP_UDP_CHECKSUM, 1);
	world_end();
}

static void test_a_copy_is_dropped_alone(void **state)
{
	(void)state;
	make(false, 20000, 1500, 1);
	give(0, 600, true);
	give(0, 600, true);
	expect_count(DROP_FRAGMENT_BAD, 1);
	give(600, dg.len - 600, false);
	assert_int_equal(w.out.n, 1);
	expect_whole(w.out.m[0]);
	world_end();
}

/* RFC 5722: nothing of a datagram whose pieces overlap may live, not even what comes later. */
static void test_overlap_spoils_all(void **state)
{
	static const struct {
		unsigned at, len;
		bool more;
	} bad[] = {
		{592, 600, true}, /* begins inside the first */
		{0, 592, true},   /* shorter copy of the first */
		{0, 608, true},   /* longer copy */
		{8, 8, true},     /* inside the first */
		{600, 607, true}, /* not a multiple of 8, and not the last */
		{8, 100, false},  /* ends before what came */
	};

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			uint64_t before = count_of(0, RLN_C_DROP_FRAGMENT_BAD);

			make(v6, 20000, 1500, 100 + i);
			give(0, 600, true);
			give(bad[i].at, bad[i].len, bad[i].more);
			assert_int_equal(count_of(0, RLN_C_DROP_FRAGMENT_BAD), before + 2);
			assert_int_equal(rln_net_held(w.net[0]), 0);
			give(0, 600, true);
			give(600, dg.len - 600, false);
			assert_int_equal(w.out.n, 0);
			assert_int_equal(count_of(0, RLN_C_DROP_FRAGMENT_BAD), before + 4);
		}
	}
	world_end();
}

static void test_two_ends(void **state)
{
	(void)state;
	make(false, 20000, 1500, 1);
	give(1200, dg.len - 1200, false);
	give(1208, 200, false);
	expect_count(DROP_FRAGMENT_BAD, 2);
	make(false, 20000, 1500, 2);
	give(1200, dg.len - 1200, false);
	give(1600, 200, true); /* beyond the end */
	expect_count(DROP_FRAGMENT_BAD, 4);
	make(false, 20000, 1500, 3);
	give(65528, 100, false); /* beyond what IP can count; the data is whatever stands there */
	expect_count(DROP_FRAGMENT_BAD, 5);
	world_end();
}

static void test_tiny_and_empty_pieces(void **state)
{
	(void)state;
	make(false, 20000, 100, 1);
	give(0, 0, true);
	give(0, 4, false);
	give(16, 0, false);
	expect_count(DROP_FRAGMENT_BAD, 2);
	eat_all(0);
	world_end();
}

static void test_time_runs_out(void **state)
{
	(void)state;
	make(false, 20000, 1500, 1);
	give(0, 600, true);
	give(1200, 304, true);
	assert_int_equal(rln_net_held(w.net[0]), 2);
	w.now_ns += RLN_REASSEMBLY_NS - 1;
	for (unsigned i = 0; i < RLN_REASSEMBLIES; i++)
		rln_net_housekeep(w.net[0], w.now_ns);
	assert_int_equal(rln_net_held(w.net[0]), 2);
	w.now_ns++;
	for (unsigned i = 0; i < RLN_REASSEMBLIES; i++)
		rln_net_housekeep(w.net[0], w.now_ns);
	assert_int_equal(rln_net_held(w.net[0]), 0);
	expect_count(DROP_FRAGMENT_TIMEOUT, 2);
	give(600, 600, true); /* begins a new one */
	assert_int_equal(rln_net_held(w.net[0]), 1);
	world_end();
}

static void test_the_oldest_makes_room(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= RLN_REASSEMBLIES; i++) {
		make(false, 20000, 1500, i);
		w.now_ns++;
		give(0, 600, true);
	}
	expect_count(DROP_FRAGMENT_TIMEOUT, 1);
	assert_int_equal(rln_net_held(w.net[0]), RLN_REASSEMBLIES);
	give(600, dg.len - 600, false); /* the newest lives */
	assert_int_equal(w.out.n, 1);
	eat_all(0);
	make(false, 20000, 1500, 1);
	give(600, dg.len - 600, false); /* the second oldest too */
	assert_int_equal(w.out.n, 1);
	world_end();
}

static void test_too_many_pieces(void **state)
{
	(void)state;
	make(false, 20000, 1500, 1);
	for (unsigned i = 0; i <= RLN_FRAGMENTS; i++)
		give(i * 8, 8, true);
	expect_count(DROP_FRAGMENT_BAD, RLN_FRAGMENTS + 1);
	world_end();
}

static void test_protocols_and_senders_are_kept_apart(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	make(false, 20000, 1500, 1);
	give(0, 600, true);
	m = piece(600, dg.len - 600, false);
	rte_pktmbuf_mtod(m, uint8_t *)[29] = 3; /* from 198.18.0.3, the checksum put right */
	rte_pktmbuf_mtod(m, uint8_t *)[25]--;
	put(0, m);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	assert_int_equal(w.out.n, 0);
	assert_int_equal(rln_net_held(w.net[0]), 2);
	world_end();
}

/* ---- what we send ---- */

static struct rte_mbuf *payload(unsigned len)
{
	struct rte_mbuf *first = buffer(dg.bytes + 8, RTE_MIN(len, 1800u));

	for (unsigned at = 1800; at < len; at += 1800)
		assert_int_equal(rte_pktmbuf_chain(first, buffer(dg.bytes + 8 + at, RTE_MIN(len - at, 1800u))), 0);
	return first;
}

/* Pieces of one datagram share an id; the next datagram has another. */
static void test_each_datagram_has_its_id(void **state)
{
	(void)state;
	know("198.18.0.2");
	know("2001:db8::2");
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint32_t id[3] = {0};

		for (unsigned i = 0; i < 3; i++) {
			struct rte_mbuf *m = payload(2000);

			rln_pkt(m)->src = addr(v6 ? "2001:db8::1" : "198.18.0.1", 5060);
			rln_pkt(m)->dst = addr(v6 ? "2001:db8::2" : "198.18.0.2", 5060);
			rln_net_send_to(w.net[0], m);
			rln_net_flush(w.net[0]);
			for (unsigned k = 0; k < 2; k++) {
				uint32_t this = 0;

				m = sent_on(0);
				assert_non_null(m);
				memcpy(&this, rte_pktmbuf_mtod_offset(m, void *, v6 ? 58 : 18), v6 ? 4 : 2);
				assert_true(k == 0 || this == id[i]);
				id[i] = this;
				rte_pktmbuf_free(m);
			}
		}
		assert_true(id[0] != id[1] && id[1] != id[2] && id[0] != id[2]);
	}
	world_end();
}

/* What we cut joins again, in the stack of another world: ours, with the addresses exchanged. */
static void send_and_join(bool v6, unsigned len, unsigned frames)
{
	struct rte_mbuf *m;
	unsigned n = 0;

	make(v6, 5060, len, 0);
	m = payload(len);
	rln_pkt(m)->src = addr(v6 ? "2001:db8::1" : "198.18.0.1", 5060);
	rln_pkt(m)->dst = addr(v6 ? "2001:db8::2" : "198.18.0.2", 5060);
	rln_net_send_to(w.net[0], m);
	rln_net_flush(w.net[0]);
	while ((m = sent_on(0))) {
		uint8_t *b = rte_pktmbuf_mtod(m, uint8_t *), t[16];

		assert_true(m->pkt_len <= 1514);
		assert_int_equal(m->nb_segs, 1);
		assert_int_equal(m->ol_flags, 0);
		memcpy(t, b, 6);
		memcpy(b, b + 6, 6);
		memcpy(b + 6, t, 6);
		if (v6) { /* swapped addresses change no sum */
			memcpy(t, b + 22, 16);
			memcpy(b + 22, b + 38, 16);
			memcpy(b + 38, t, 16);
		} else {
			memcpy(t, b + 26, 4);
			memcpy(b + 26, b + 30, 4);
			memcpy(b + 30, t, 4);
		}
		put(0, m);
		n++;
	}
	assert_int_equal(n, frames);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	m = to_control(0);
	expect_whole(m);
	rte_pktmbuf_free(m);
}

static void test_cuts_what_it_sends(void **state)
{
	(void)state;
	know("198.18.0.2");
	know("2001:db8::2");
	send_and_join(false, 1472, 1);
	send_and_join(false, 1473, 2);
	send_and_join(false, 3000, 3);
	send_and_join(false, 8000, 6);
	send_and_join(true, 1452, 1);
	send_and_join(true, 1453, 2);
	send_and_join(true, 3000, 3);
	send_and_join(true, 8000, 6);
	expect_count(OUT_PACKETS, 24);
	expect_count(TX_PACKETS, 24);
	world_end();
}

static void test_cut_leaves_nothing_to_the_device(void **state)
{
	(void)state;
	world_defaults();
	w.shared.ports[0].tx_offloads = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	world_start();
	know("198.18.0.2");
	know("2001:db8::2");
	send_and_join(false, 3000, 3);
	send_and_join(true, 3000, 3);
	world_end();
}

static void test_pieces_wait_for_the_neighbour(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	make(false, 5060, 3000, 0);
	m = payload(3000);
	rln_pkt(m)->src = addr("198.18.0.1", 5060);
	rln_pkt(m)->dst = addr("198.18.0.2", 5060);
	rln_net_send_to(w.net[0], m);
	rln_net_flush(w.net[0]);
	assert_int_equal(rln_net_held(w.net[0]), 3);
	expect_ledger(0, 0);
	rte_pktmbuf_free(sent_on(0)); /* the question */
	know("198.18.0.2");
	rln_net_flush(w.net[0]);
	assert_int_equal(rte_ring_count(w.tx[0]), 3);
	world_end();
}

static void test_too_big_and_no_buffers(void **state)
{
	struct rte_mbuf *m, *all[BUFFERS];
	unsigned n = 0;

	(void)state;
	know("198.18.0.2");
	memset(&dg, 0, sizeof(dg));
	m = buffer(dg.bytes, 1800);
	for (unsigned i = 1; i < 37; i++) /* 66,600 bytes */
		assert_int_equal(rte_pktmbuf_chain(m, buffer(dg.bytes, 1800)), 0);
	rln_pkt(m)->src = addr("198.18.0.1", 5060);
	rln_pkt(m)->dst = addr("198.18.0.2", 5060);
	rln_net_send_to(w.net[0], m);
	expect_count(TXDROP_TOO_BIG, 1);
	m = payload(3000);
	rln_pkt(m)->src = addr("198.18.0.1", 5060);
	rln_pkt(m)->dst = addr("198.18.0.2", 5060);
	while ((all[n] = rte_pktmbuf_alloc(w.pool)))
		n++;
	rln_net_send_to(w.net[0], m);
	expect_count(TXDROP_NO_MBUF, 1);
	rte_pktmbuf_free_bulk(all, n);
	world_end();
}

static void test_echo_longer_than_the_mtu(void **state)
{
	struct rte_mbuf *m;
	unsigned sum;

	(void)state;
	make(false, 0, 3000, 9);
	memset(dg.bytes, 0, 8);
	dg.bytes[0] = 8; /* ICMP echo in place of UDP */
	sum = ~add_words(0, dg.bytes, dg.len);
	dg.bytes[2] = (uint8_t)(sum >> 8);
	dg.bytes[3] = (uint8_t)sum;
	for (unsigned at = 0; at < dg.len; at += 1480) {
		m = piece(at, RTE_MIN(1480u, dg.len - at), at + 1480 < dg.len);
		rte_pktmbuf_mtod(m, uint8_t *)[23] = 1; /* protocol; the checksum put right */
		sum = (unsigned)(rte_pktmbuf_mtod(m, uint8_t *)[24] << 8 | rte_pktmbuf_mtod(m, uint8_t *)[25]) + 16;
		sum = (sum & 0xffff) + (sum >> 16);
		rte_pktmbuf_mtod(m, uint8_t *)[24] = (uint8_t)(sum >> 8);
		rte_pktmbuf_mtod(m, uint8_t *)[25] = (uint8_t)sum;
		put(0, m);
	}
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	rln_net_flush(w.net[0]);
	assert_int_equal(rte_ring_count(w.tx[0]), 3);
	expect_count(EATEN_ICMP, 1);
	expect_count(EATEN_FRAGMENT, 2);
	expect_count(OUT_PACKETS, 3);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_joins_in_any_order, world_setup),
		cmocka_unit_test_setup(test_control_gets_what_exceeds_a_buffer, world_setup),
		cmocka_unit_test_setup(test_a_leg_does_not, world_setup),
		cmocka_unit_test_setup(test_wrong_checksum_of_the_whole, world_setup),
		cmocka_unit_test_setup(test_a_copy_is_dropped_alone, world_setup),
		cmocka_unit_test_setup(test_overlap_spoils_all, world_setup),
		cmocka_unit_test_setup(test_two_ends, world_setup),
		cmocka_unit_test_setup(test_tiny_and_empty_pieces, world_setup),
		cmocka_unit_test_setup(test_time_runs_out, world_setup),
		cmocka_unit_test_setup(test_the_oldest_makes_room, world_setup),
		cmocka_unit_test_setup(test_too_many_pieces, world_setup),
		cmocka_unit_test_setup(test_protocols_and_senders_are_kept_apart, world_setup),
		cmocka_unit_test_setup(test_each_datagram_has_its_id, world_setup),
		cmocka_unit_test_setup(test_cuts_what_it_sends, world_setup),
		cmocka_unit_test(test_cut_leaves_nothing_to_the_device),
		cmocka_unit_test_setup(test_pieces_wait_for_the_neighbour, world_setup),
		cmocka_unit_test_setup(test_too_big_and_no_buffers, world_setup),
		cmocka_unit_test_setup(test_echo_longer_than_the_mtu, world_setup),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
