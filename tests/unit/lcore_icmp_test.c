// SPDX-License-Identifier: BSD-3-Clause
/* ICMP and ICMPv6: echo, refusals of closed ports and their limit, errors about our own datagrams. */
#include "tests/unit/net_fixture.h"

#define PING4                                                                                                                    \
	"02000000000102000000000208004500003c000000004001ee99c6120002c61200010800f4c912340001000102030405060708090a0b0c0d"       \
	"0e0f101112131415161718191a1b1c1d1e1f"
#define PONG4                                                                                                                    \
	"02000000000202000000000108004500003c000000004001ee99c6120001c61200020000fcc912340001000102030405060708090a0b0c0d"       \
	"0e0f101112131415161718191a1b1c1d1e1f"
#define PING6                                                                                                                    \
	"02000000000102000000000286dd6000000000283a4020010db800000000000000000000000220010db80000000000000000000000018000"       \
	"20f212340001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define PONG6                                                                                                                    \
	"02000000000202000000000186dd6000000000283a4020010db800000000000000000000000120010db80000000000000000000000028100"       \
	"1ff212340001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define PING6_ALL                                                                                                                \
	"33330000000102000000000286dd6000000000283a4020010db8000000000000000000000002ff0200000000000000000000000000018000"       \
	"4fa812340001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define PING4_BAD                                                                                                                \
	"02000000000102000000000208004500003c000000004001ee99c6120002c61200010800f4c912340001000102030405060708090a0b0c0d"       \
	"0e0f101112131415161718191a1b1c1d1e1e"
#define PING6_BAD                                                                                                                \
	"02000000000102000000000286dd6000000000283a4020010db800000000000000000000000220010db80000000000000000000000018000"       \
	"20f212340001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1e"
#define PONG4_IN                                                                                                                 \
	"02000000000102000000000208004500003c000000004001ee99c6120002c61200010000fcc912340001000102030405060708090a0b0c0d"       \
	"0e0f101112131415161718191a1b1c1d1e1f"
#define PONG6_IN                                                                                                                 \
	"02000000000102000000000286dd6000000000283a4020010db800000000000000000000000220010db80000000000000000000000018100"       \
	"1ff212340001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SHORT4     "02000000000102000000000208004500001b000000004001eebac6120002c61200010800f4c9123400"
#define TIMESTAMP4 "02000000000102000000000208004500001c000000004001eeb9c6120002c61200010d00f2ff00000000"
#define CLOSED4    "020000000001020000000002080045000021000000004011eea4c6120002c61200019c400009000d939068656c6c6f"
#define CLOSED6                                                                                                                  \
	"02000000000102000000000286dd60000000000d114020010db800000000000000000000000220010db80000000000000000000000019c40"       \
	"0009000dc44368656c6c6f"
#define REFUSED4                                                                                                                 \
	"02000000000202000000000108004500003d000000004001ee98c6120001c6120002030389430000000045000021000000004011eea4c612"       \
	"0002c61200019c400009000d939068656c6c6f"
#define REFUSED6                                                                                                                 \
	"02000000000202000000000186dd60000000003d3a4020010db800000000000000000000000120010db80000000000000000000000020104"       \
	"31e00000000060000000000d114020010db800000000000000000000000220010db80000000000000000000000019c400009000dc4436865"       \
	"6c6c6f"
#define UNREACH4_LEG                                                                                                             \
	"02000000000102000000000208004500003d000000004001ee98c6120002c6120001030389430000000045000021000040004011aea4c612"       \
	"0001c61200024e207530000d6c8968656c6c6f"
#define UNREACH4_SIP                                                                                                             \
	"02000000000102000000000208004500003d000000004001ee98c6120002c6120001030189450000000045000021000040004011aea4c612"       \
	"0001c612000213c413c5000d085168656c6c6f"
#define UNREACH4_WORKER_1                                                                                                        \
	"02000000000102000000000208004500003d000000004001ee98c6120002c6120001030089460000000045000021000040004011aea4c612"       \
	"0001c612000252087530000d68a168656c6c6f"
#define TOO_BIG4                                                                                                                 \
	"02000000000102000000000208004500003d000000004001ee98c6120002c6120001030489420000000045000021000040004011aea4c612"       \
	"0001c612000213c413c5000d085168656c6c6f"
#define EXPIRED4                                                                                                                 \
	"02000000000102000000000208004500003d000000004001ee98c6120002c61200010b0081460000000045000021000040004011aea4c612"       \
	"0001c612000213c413c5000d085168656c6c6f"
#define FILTERED4                                                                                                                \
	"02000000000102000000000208004500003d000000004001ee98c6120002c6120001030d89390000000045000021000040004011aea4c612"       \
	"0001c612000213c413c5000d085168656c6c6f"
#define UNREACH4_NOBODY                                                                                                          \
	"02000000000102000000000208004500003d000000004001ee98c6120002c6120001030389430000000045000021000040004011aea4c612"       \
	"0001c612000200097530000dbaa068656c6c6f"
#define UNREACH4_NOT_OURS                                                                                                        \
	"02000000000102000000000208004500003d000000004001ee98c6120002c61200010303894b0000000045000021000040004011ae9cc612"       \
	"0009c61200024e207530000d6c8168656c6c6f"
#define UNREACH4_TCP                                                                                                             \
	"02000000000102000000000208004500003d000000004001ee98c6120002c6120001030389430000000045000021000040004006aeafc612"       \
	"0001c61200024e207530000d6c8968656c6c6f"
#define UNREACH4_LATER_FRAGMENT                                                                                                  \
	"02000000000102000000000208004500003d000000004001ee98c6120002c6120001030389430000000045000021000000054011ee9fc612"       \
	"0001c61200024e207530000d6c8968656c6c6f"
#define UNREACH4_CUT                                                                                                             \
	"020000000001020000000002080045000037000000004001ee9ec6120002c61200010303cd9e0000000045000021000040004011aea4c612"       \
	"0001c61200024e207530000d6c"
#define UNREACH6_LEG                                                                                                             \
	"02000000000102000000000286dd60000000003d3a4020010db800000000000000000000000220010db80000000000000000000000010104"       \
	"31e00000000060000000000d114020010db800000000000000000000000120010db80000000000000000000000024e207530000d9d3c6865"       \
	"6c6c6f"
#define UNREACH6_SIP                                                                                                             \
	"02000000000102000000000286dd60000000003d3a4020010db800000000000000000000000220010db80000000000000000000000010100"       \
	"31e40000000060000000000d114020010db800000000000000000000000120010db800000000000000000000000213c413c5000d39046865"       \
	"6c6c6f"
#define TOO_BIG6                                                                                                                 \
	"02000000000102000000000286dd60000000003d3a4020010db800000000000000000000000220010db80000000000000000000000010200"       \
	"30e40000000060000000000d114020010db800000000000000000000000120010db800000000000000000000000213c413c5000d39046865"       \
	"6c6c6f"
#define EXPIRED6                                                                                                                 \
	"02000000000102000000000286dd60000000003d3a4020010db800000000000000000000000220010db80000000000000000000000010300"       \
	"2fe40000000060000000000d114020010db800000000000000000000000120010db800000000000000000000000213c413c5000d39046865"       \
	"6c6c6f"
#define UNREACH6_FRAGMENT                                                                                                        \
	"02000000000102000000000286dd6000000000453a4020010db800000000000000000000000220010db80000000000000000000000010103"       \
	"05c7000000006000000000152c4020010db800000000000000000000000120010db8000000000000000000000002110000010000000913c4"       \
	"13c5000d390468656c6c6f"
#define UNREACH6_LATER_FRAGMENT                                                                                                  \
	"02000000000102000000000286dd6000000000453a4020010db800000000000000000000000220010db80000000000000000000000010103"       \
	"05c0000000006000000000152c4020010db800000000000000000000000120010db8000000000000000000000002110000080000000913c4"       \
	"13c5000d390468656c6c6f"
#define UNREACH6_CUT                                                                                                             \
	"02000000000102000000000286dd6000000000373a4020010db800000000000000000000000220010db80000000000000000000000010103"       \
	"75bd0000000060000000000d114020010db800000000000000000000000120010db800000000000000000000000213c413c5000d39"
#define ROUTER_ADVERT                                                                                                            \
	"33330000000102000000000286dd6000000000103afffe800000000000000000000000000002ff0200000000000000000000000000018600"       \
	"7c2e000000000000000000000000"

static void test_answers_echo(void **state)
{
	(void)state;
	w.net[0]->ip_id = 0;
	receive(PING4);
	expect_sent(PONG4);
	receive(PING6);
	expect_sent(PONG6);
	expect_count(EATEN_ICMP, 2);
	expect_count(OUT_PACKETS, 2);
	world_end();
}

/* The sum is corrected, not made anew (RFC 1624): right for every value that it can have. */
static void test_echo_checksum_for_every_sum(void **state)
{
	uint8_t bytes[128];
	unsigned n = from_hex(PING4, bytes, sizeof(bytes));

	(void)state;
	for (unsigned i = 0; i < 65536; i += 13) {
		struct rte_mbuf *m;
		uint16_t sum;

		bytes[38] = (uint8_t)(i >> 8);
		bytes[39] = (uint8_t)i;
		bytes[36] = bytes[37] = 0;
		sum = (uint16_t)~rte_raw_cksum(bytes + 34, n - 34);
		memcpy(bytes + 36, &sum, sizeof(sum));
		put(0, buffer(bytes, n));
		rln_net_poll(w.net[0], &w.out, w.now_ns);
		rln_net_flush(w.net[0]);
		m = sent_on(0);
		assert_non_null(m);
		assert_int_equal(rte_raw_cksum(rte_pktmbuf_mtod_offset(m, void *, 34), n - 34), 0xffff);
		rte_pktmbuf_free(m);
	}
	world_end();
}

static void test_drops_the_unwanted(void **state)
{
	static const char *const bad[] = {PING6_ALL, PING4_BAD, PING6_BAD, PONG4_IN, PONG6_IN, SHORT4, TIMESTAMP4, ROUTER_ADVERT};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		receive(bad[i]);
		expect_nothing_sent();
		assert_int_equal(count_of(0, RLN_C_DROP_ICMP_BAD), i + 1);
	}
	world_end();
}

static void test_refuses_closed_ports(void **state)
{
	(void)state;
	w.net[0]->ip_id = 0;
	receive(CLOSED4);
	expect_sent(REFUSED4);
	receive(CLOSED6);
	expect_sent(REFUSED6);
	expect_count(DROP_UDP_PORT, 2);
	world_end();
}

/* Long datagrams are quoted in part: the error stays within 576 or 1,280 bytes of IP. */
static void test_refusals_are_short(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		static uint8_t bytes[1514];
		unsigned ip = v6 ? 40 : 20, n = from_hex(v6 ? CLOSED6 : CLOSED4, bytes, sizeof(bytes)), total = 1500;
		uint16_t sum = 0;
		struct rte_mbuf *m;

		memset(bytes + n, 0, sizeof(bytes) - n);
		bytes[14 + ip + 4] = (uint8_t)((total - ip) >> 8); /* UDP length, and IP's */
		bytes[14 + ip + 5] = (uint8_t)(total - ip);
		memcpy(bytes + (v6 ? 18 : 16), v6 ? bytes + 14 + ip + 4 : (uint8_t[]){1500 >> 8, 1500 & 0xff}, 2);
		memset(bytes + 14 + ip + 6, 0, 2);
		if (v6) {
			sum = rte_ipv6_udptcp_cksum((struct rte_ipv6_hdr *)(bytes + 14), bytes + 54);
			memcpy(bytes + 14 + ip + 6, &sum, 2);
		} else {
			memset(bytes + 24, 0, 2);
			sum = (uint16_t)~rte_raw_cksum(bytes + 14, 20);
			memcpy(bytes + 24, &sum, 2);
		}
		put(0, buffer(bytes, sizeof(bytes)));
		rln_net_poll(w.net[0], &w.out, w.now_ns);
		rln_net_flush(w.net[0]);
		m = sent_on(0);
		assert_non_null(m);
		assert_int_equal(m->pkt_len, 14 + (v6 ? 1280 : 576));
		if (!v6)
			assert_int_equal(rte_raw_cksum(rte_pktmbuf_mtod_offset(m, void *, 34), m->pkt_len - 34), 0xffff);
		rte_pktmbuf_free(m);
	}
	world_end();
}

static void test_limits_refusals(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 25; i++)
		receive(CLOSED4);
	assert_int_equal(rte_ring_count(w.tx[0]), RLN_ICMP_BURST);
	expect_count(DROP_UDP_PORT, 25);
	expect_count(ICMP_LIMITED, 15);
	w.now_ns += RLN_SEC / RLN_ICMP_BURST;
	receive(CLOSED4);
	receive(CLOSED4);
	assert_int_equal(rte_ring_count(w.tx[0]), RLN_ICMP_BURST + 1);
	w.now_ns += 3600 * RLN_SEC; /* fills up, and no further */
	for (unsigned i = 0; i < 25; i++)
		receive(CLOSED4);
	assert_int_equal(rte_ring_count(w.tx[0]), 2 * RLN_ICMP_BURST + 1);
	world_end();
}

static void expect_note(struct rte_mbuf *m, const char *src, const char *dst, int error)
{
	assert_non_null(m);
	assert_int_equal(rln_pkt(m)->op, RLN_PKT_UNREACH);
	assert_int_equal(rln_pkt(m)->error, error);
	expect_addr(&rln_pkt(m)->src, src);
	expect_addr(&rln_pkt(m)->dst, dst);
	rte_pktmbuf_free(m);
}

static void test_errors_reach_a_leg(void **state)
{
	static const char *const hex[] = {UNREACH4_LEG, UNREACH6_LEG};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		receive(hex[i]);
		if (w.out.n == 0)
			rln_net_poll(w.net[0], &w.out, w.now_ns);
		assert_int_equal(w.out.n, 1);
		expect_note(w.out.m[0], i ? "[2001:db8::1]:20000" : "198.18.0.1:20000",
			i ? "[2001:db8::2]:30000" : "198.18.0.2:30000", ECONNREFUSED);
		w.out.n = 0;
	}
	expect_count(EATEN_ICMP, 2);
	world_end();
}

static void test_errors_reach_control(void **state)
{
	static const struct {
		const char *hex;
		int error;
	} rows[] = {{UNREACH4_SIP, EHOSTUNREACH}, {TOO_BIG4, EMSGSIZE}, {EXPIRED4, EHOSTUNREACH}, {FILTERED4, EHOSTUNREACH}};
	static const struct {
		const char *hex;
		int error;
	} rows6[] = {
		{UNREACH6_SIP, ENETUNREACH}, {TOO_BIG6, EMSGSIZE}, {EXPIRED6, EHOSTUNREACH}, {UNREACH6_FRAGMENT, EHOSTUNREACH}};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		receive(rows[i].hex);
		expect_note(to_control(0), "198.18.0.1:5060", "198.18.0.2:5061", rows[i].error);
		receive(rows6[i].hex);
		expect_note(to_control(0), "[2001:db8::1]:5060", "[2001:db8::2]:5061", rows6[i].error);
	}
	expect_count(EATEN_ICMP, 8);
	expect_count(EATEN_SIP, 0);
	world_end();
}

static void test_errors_reach_another_worker(void **state)
{
	struct rln_batch out;

	(void)state;
	world_defaults();
	w.shared.workers = 2;
	world_start();
	receive(UNREACH4_WORKER_1);
	rln_net_poll(w.net[1], &out, w.now_ns);
	assert_int_equal(out.n, 1);
	expect_note(out.m[0], "198.18.0.1:21000", "198.18.0.2:30000", ENETUNREACH);
	assert_int_equal(count_of(1, RLN_C_HANDOFF_IN), 0);
	put(1, frame(UNREACH4_LEG)); /* and the other way */
	rln_net_poll(w.net[1], &out, w.now_ns);
	rln_net_poll(w.net[0], &out, w.now_ns);
	assert_int_equal(out.n, 1);
	expect_note(out.m[0], "198.18.0.1:20000", "198.18.0.2:30000", ECONNREFUSED);
	world_end();
}

static void test_errors_about_strangers_are_dropped(void **state)
{
	static const char *const bad[] = {UNREACH4_NOBODY, UNREACH4_NOT_OURS, UNREACH4_TCP, UNREACH4_LATER_FRAGMENT, UNREACH4_CUT,
		UNREACH6_LATER_FRAGMENT, UNREACH6_CUT};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		receive(bad[i]);
		assert_int_equal(count_of(0, RLN_C_DROP_ICMP_BAD), i + 1);
		assert_int_equal(w.out.n, 0);
		assert_null(to_control(0));
	}
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_answers_echo, world_setup),
		cmocka_unit_test_setup(test_echo_checksum_for_every_sum, world_setup),
		cmocka_unit_test_setup(test_drops_the_unwanted, world_setup),
		cmocka_unit_test_setup(test_refuses_closed_ports, world_setup),
		cmocka_unit_test_setup(test_refusals_are_short, world_setup),
		cmocka_unit_test_setup(test_limits_refusals, world_setup),
		cmocka_unit_test_setup(test_errors_reach_a_leg, world_setup),
		cmocka_unit_test_setup(test_errors_reach_control, world_setup),
		cmocka_unit_test(test_errors_reach_another_worker),
		cmocka_unit_test_setup(test_errors_about_strangers_are_dropped, world_setup),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
