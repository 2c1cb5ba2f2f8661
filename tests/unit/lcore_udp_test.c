// SPDX-License-Identifier: BSD-3-Clause
/* UDP both ways: checksums, lengths, the owner of a port, and frames sent byte for byte. */
#include "tests/unit/net_fixture.h"

#define GOOD_V4 "020000000001020000000002080045000021000000004011eea4c6120002c612000175304e20000d6c8968656c6c6f"
#define GOOD_V6                                                                                                                  \
	"02000000000102000000000286dd60000000000d114020010db800000000000000000000000220010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define ZERO_V4 "020000000001020000000002080045000021000000004011eea4c6120002c612000175304e20000d000068656c6c6f"
#define ZERO_V6                                                                                                                  \
	"02000000000102000000000286dd60000000000d114020010db800000000000000000000000220010db80000000000000000000000017530"       \
	"4e20000d000068656c6c6f"
#define WRONG_V4 "020000000001020000000002080045000021000000004011eea4c6120002c612000175304e20000d123468656c6c6f"
#define WRONG_V6                                                                                                                 \
	"02000000000102000000000286dd60000000000d114020010db800000000000000000000000220010db80000000000000000000000017530"       \
	"4e20000d123468656c6c6f"
#define PARTIAL_V4 "020000000001020000000002080045000021000000004011eea4c6120002c612000175304e20000d8c4668656c6c6f"
#define PARTIAL_V6                                                                                                               \
	"02000000000102000000000286dd60000000000d114020010db800000000000000000000000220010db80000000000000000000000017530"       \
	"4e20000d5b9368656c6c6f"
#define LENGTH_7  "020000000001020000000002080045000021000000004011eea4c6120002c612000175304e2000076c8968656c6c6f"
#define LENGTH_14 "020000000001020000000002080045000021000000004011eea4c6120002c612000175304e20000e6c8968656c6c6f"
#define SHORT     "02000000000102000000000208004500001b000000004011eeaac6120002c612000175304e20000d6c"
#define SHORTER_THAN_IP                                                                                                          \
	"020000000001020000000002080045000028000000004011ee9dc6120002c612000175304e20000d6c8968656c6c6f747261696c6572"
#define EMPTY         "02000000000102000000000208004500001c000000004011eea9c6120002c612000175304e200008b065"
#define TO_CONTROL    "020000000001020000000002080045000023000000004011eea2c6120002c612000113c513c4000f06374f5054494f4e53"
#define TO_WORKER_1   "020000000001020000000002080045000021000000004011eea4c6120002c612000175305208000d68a168656c6c6f"
#define ZERO_SUM_DATA "b061"
#define OUT_ZERO_SUM  "02000000000202000000000108004500001e000040004011aea7c6120001c61200024e207530000affffb061"
#define OUT_V4        "020000000002020000000001080045000021000040004011aea4c6120001c61200024e207530000d6c8968656c6c6f"
#define OUT_V6                                                                                                                   \
	"02000000000202000000000186dd60000000000d114020010db800000000000000000000000120010db80000000000000000000000024e20"       \
	"7530000d9d3c68656c6c6f"
#define OUT_V4_VLAN "02000000000202000000000181000005080045000021000040004011aea4c6120001c61200024e207530000d6c8968656c6c6f"
#define OUT_V6_VLAN                                                                                                              \
	"0200000000020200000000018100000586dd60000000000d114020010db800000000000000000000000120010db800000000000000000000"       \
	"00024e207530000d9d3c68656c6c6f"
#define OUT_V4_OFFLOAD "0200000000020200000000010800450000210000400040110000c6120001c61200024e207530000d8c4668656c6c6f"
#define OUT_V6_OFFLOAD                                                                                                           \
	"02000000000202000000000186dd60000000000d114020010db800000000000000000000000120010db80000000000000000000000024e20"       \
	"7530000d5b9368656c6c6f"
#define OUT_TO "020000000002020000000001080045000021000000004011eea4c6120001c612000213c413c5000d085168656c6c6f"

static void expect_delivered(const char *hex, unsigned len)
{
	receive(hex);
	assert_int_equal(w.out.n, 1);
	assert_int_equal(w.out.m[0]->pkt_len, len);
	assert_memory_equal(rte_pktmbuf_mtod(w.out.m[0], void *), "hello", len);
	eat_all(0);
}

static void expect_dropped(const char *hex, enum rln_counter counter)
{
	uint64_t before = count_of(0, counter);

	receive(hex);
	assert_int_equal(w.out.n, 0);
	assert_int_equal(count_of(0, counter), before + 1);
}

/* Our sum against DPDK's, for every length and alignment that a datagram's data can have, and for data that carries at every step. */
static void test_sums_agree_with_dpdk(void **state)
{
	static uint8_t data[1600];

	(void)state;
	for (unsigned fill = 0; fill < 3; fill++) {
		for (unsigned i = 0; i < sizeof(data); i++)
			data[i] = fill == 0 ? (uint8_t)(i * 37 + i / 251) : fill == 1 ? 0xff : 0;
		for (unsigned at = 0; at < 9; at++)
			for (unsigned len = 0; len < 1500; len += len < 80 ? 1 : 23)
				assert_int_equal(rln_sum(data + at, len), rte_raw_cksum(data + at, len));
	}
}

static void test_checksums(void **state)
{
	(void)state;
	expect_delivered(GOOD_V4, 5);
	expect_delivered(GOOD_V6, 5);
	expect_delivered(ZERO_V4, 5); /* RFC 768: not made */
	expect_dropped(ZERO_V6, RLN_C_DROP_UDP_CHECKSUM);
	expect_dropped(WRONG_V4, RLN_C_DROP_UDP_CHECKSUM);
	expect_dropped(WRONG_V6, RLN_C_DROP_UDP_CHECKSUM);
	expect_dropped(PARTIAL_V4, RLN_C_DROP_UDP_CHECKSUM);
	expect_dropped(PARTIAL_V6, RLN_C_DROP_UDP_CHECKSUM);
	expect_count(UDP_CHECKSUM_PARTIAL, 0);
	world_end();
}

static void test_partial_checksums_pass_on_marked_ports(void **state)
{
	(void)state;
	w.shared.ports[0].partial_ok = true;
	expect_delivered(PARTIAL_V4, 5);
	expect_delivered(PARTIAL_V6, 5);
	expect_count(UDP_CHECKSUM_PARTIAL, 2);
	expect_delivered(GOOD_V4, 5);
	expect_dropped(WRONG_V4, RLN_C_DROP_UDP_CHECKSUM);
	expect_count(UDP_CHECKSUM_PARTIAL, 2);
	world_end();
}

static void test_trusts_a_device_that_checked(void **state)
{
	struct rte_mbuf *m = frame(WRONG_V4);

	(void)state;
	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	put(0, m);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	assert_int_equal(w.out.n, 1);
	world_end();
}

static void test_lengths(void **state)
{
	(void)state;
	expect_dropped(LENGTH_7, RLN_C_DROP_UDP_LENGTH);
	expect_dropped(LENGTH_14, RLN_C_DROP_UDP_LENGTH);
	expect_dropped(SHORT, RLN_C_DROP_UDP_LENGTH);
	expect_delivered(SHORTER_THAN_IP, 5);
	expect_delivered(EMPTY, 0);
	world_end();
}

static void test_goes_to_its_owner(void **state)
{
	struct rln_batch out;
	struct rte_mbuf *m;

	(void)state;
	world_defaults();
	w.shared.workers = 2;
	world_start();
	receive(TO_CONTROL);
	m = to_control(0);
	assert_non_null(m);
	assert_int_equal(m->pkt_len, 7);
	assert_int_equal(rln_pkt(m)->worker, 0);
	expect_addr(&rln_pkt(m)->src, "198.18.0.2:5061");
	rte_pktmbuf_free(m);
	expect_count(EATEN_SIP, 1);
	receive(TO_WORKER_1);
	assert_int_equal(w.out.n, 0);
	expect_count(HANDOFF_OUT, 1);
	rln_net_poll(w.net[1], &out, w.now_ns);
	assert_int_equal(out.n, 1);
	expect_addr(&rln_pkt(out.m[0])->dst, "198.18.0.1:21000");
	assert_int_equal(count_of(1, RLN_C_HANDOFF_IN), 1);
	eat(1, out.m[0]);
	world_end();
}

static void test_full_rings_drop_by_name(void **state)
{
	(void)state;
	world_defaults();
	w.shared.workers = 2;
	world_start();
	for (unsigned i = 0; i < 70; i++) {
		receive(TO_CONTROL);
		receive(TO_WORKER_1);
	}
	expect_count(EATEN_SIP, 63);
	expect_count(DROP_SIP_RING_FULL, 7);
	expect_count(HANDOFF_OUT, 63);
	expect_count(DROP_HANDOFF_FULL, 7);
	for (unsigned i = 0; i < 2; i++) {
		struct rln_batch out;

		rln_net_poll(w.net[1], &out, w.now_ns);
		for (unsigned k = 0; k < out.n; k++)
			eat(1, out.m[k]);
	}
	world_end();
}

static struct rln_flow flow_to(const char *from, const char *to)
{
	struct rln_addr us = addr(from, 20000), peer = addr(to, 30000);
	struct rln_flow flow;

	know(to);
	assert_int_equal(rln_flow_init(w.net[0], &flow, &us, &peer), 0);
	return flow;
}

static void send_data(struct rln_flow *flow, const void *data, unsigned len)
{
	struct rte_mbuf *m = buffer(data, len);

	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD; /* an echo leg sends what it received */
	rln_net_send(w.net[0], flow, m);
	rln_net_flush(w.net[0]);
}

static void test_sends_exactly(void **state)
{
	struct rln_flow v4 = flow_to("198.18.0.1", "198.18.0.2"), v6 = flow_to("2001:db8::1", "2001:db8::2");
	uint8_t zero_sum[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) { /* first by the slow way, then with the MAC in the flow */
		send_data(&v4, "hello", 5);
		expect_sent(OUT_V4);
		send_data(&v6, "hello", 5);
		expect_sent(OUT_V6);
	}
	from_hex(ZERO_SUM_DATA, zero_sum, sizeof(zero_sum));
	send_data(&v4, zero_sum, 2); /* a sum of zero is sent as ffff: zero means none */
	expect_sent(OUT_ZERO_SUM);
	world_end();
}

static void test_sends_with_a_vlan_tag(void **state)
{
	struct rln_flow v4, v6;

	(void)state;
	world_defaults();
	w.shared.ports[0].vlan = 5;
	world_start();
	v4 = flow_to("198.18.0.1", "198.18.0.2");
	v6 = flow_to("2001:db8::1", "2001:db8::2");
	send_data(&v4, "hello", 5);
	expect_sent(OUT_V4_VLAN);
	send_data(&v6, "hello", 5);
	expect_sent(OUT_V6_VLAN);
	world_end();
}

static void expect_offload(const char *hex, uint64_t flags, unsigned l3_len)
{
	struct rte_mbuf *m = sent_on(0);
	uint8_t bytes[128];
	unsigned n = from_hex(hex, bytes, sizeof(bytes));

	assert_non_null(m);
	assert_int_equal(m->ol_flags, flags);
	assert_int_equal(m->l2_len, 14);
	assert_int_equal(m->l3_len, l3_len);
	expect_bytes(m, bytes, n);
}

static void test_leaves_sums_to_a_device_that_has_them(void **state)
{
	struct rln_flow v4, v6;

	(void)state;
	world_defaults();
	w.shared.ports[0].tx_offloads = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	world_start();
	v4 = flow_to("198.18.0.1", "198.18.0.2");
	v6 = flow_to("2001:db8::1", "2001:db8::2");
	send_data(&v4, "hello", 5);
	expect_offload(OUT_V4_OFFLOAD, RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4, 20);
	send_data(&v6, "hello", 5);
	expect_offload(OUT_V6_OFFLOAD, RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IPV6, 40);
	world_end();
}

static void test_control_sends_by_ring(void **state)
{
	struct rte_mbuf *m = buffer("hello", 5);

	(void)state;
	know("198.18.0.2");
	w.net[0]->ip_id = 0;
	rln_pkt(m)->src = addr("198.18.0.1", 5060);
	rln_pkt(m)->dst = addr("198.18.0.2", 5061);
	assert_int_equal(rte_ring_enqueue(w.shared.from_control[0], m), 0);
	assert_int_equal(rln_net_poll(w.net[0], &w.out, w.now_ns), 1);
	rln_net_flush(w.net[0]);
	expect_sent(OUT_TO);
	expect_count(OUT_PACKETS, 1);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_agree_with_dpdk),
		cmocka_unit_test_setup(test_checksums, world_setup),
		cmocka_unit_test_setup(test_partial_checksums_pass_on_marked_ports, world_setup),
		cmocka_unit_test_setup(test_trusts_a_device_that_checked, world_setup),
		cmocka_unit_test_setup(test_lengths, world_setup),
		cmocka_unit_test(test_goes_to_its_owner),
		cmocka_unit_test(test_full_rings_drop_by_name),
		cmocka_unit_test_setup(test_sends_exactly, world_setup),
		cmocka_unit_test(test_sends_with_a_vlan_tag),
		cmocka_unit_test(test_leaves_sums_to_a_device_that_has_them),
		cmocka_unit_test_setup(test_control_sends_by_ring, world_setup),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
