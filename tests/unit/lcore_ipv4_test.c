// SPDX-License-Identifier: BSD-3-Clause
/* Ethernet and IPv4 on receive: what is delivered, and each reason to drop one. */
#include "tests/unit/net_receive.h"

#define GOOD "020000000001020000000002080045000021000700004011ee9dc6120002c612000175304e20000d6c8968656c6c6f"
#define PADDED                                                                                                                   \
	"020000000001020000000002080045000021000700004011ee9dc6120002c612000175304e20000d6c8968656c6c6f000000000000000000"       \
	"00000000"
#define OPTIONS            "020000000001020000000002080046000025000000004011eb9fc6120002c61200010101010075304e20000d6c8968656c6c6f"
#define VERSION_5          "020000000001020000000002080055000021000000004011dea4c6120002c612000175304e20000d6c8968656c6c6f"
#define HEADER_16          "020000000001020000000002080044000021000000004011efa4c6120002c612000175304e20000d6c8968656c6c6f"
#define TOTAL_19           "020000000001020000000002080045000013000000004011eeb2c6120002c612000175304e20000d6c8968656c6c6f"
#define TRUNCATED          "0200000000010200000000020800450000c8000000004011edfdc6120002c612000175304e20000d6c8968656c6c6f"
#define OTHER_ADDRESS      "020000000001020000000002080045000021000000004011ee9cc6120002c612000975304e20000d6c8968656c6c6f"
#define BROADCAST          "020000000001020000000002080045000021000000004011eda6c6120002c61200ff75304e20000d6c8968656c6c6f"
#define TO_LOOPBACK        "02000000000102000000000208004500002100000000401135b7c61200027f00000175304e20000d6c8968656c6c6f"
#define ETHERNET_BROADCAST "ffffffffffff020000000002080045000021000700004011ee9dc6120002c612000175304e20000d6c8968656c6c6f"
#define FROM_US            "020000000001020000000002080045000021000000004011eea5c6120001c612000175304e20000d6c8968656c6c6f"
#define FROM_LOOPBACK      "02000000000102000000000208004500002100000000401135b87f000001c612000175304e20000d6c8968656c6c6f"
#define FROM_MULTICAST     "020000000001020000000002080045000021000000004011d4b3e0000005c612000175304e20000d6c8968656c6c6f"
#define FROM_ZERO          "020000000001020000000002080045000021000000004011b4b900000000c612000175304e20000d6c8968656c6c6f"
#define TCP                "020000000001020000000002080045000021000000004006eeafc6120002c612000175304e20000d6c8968656c6c6f"
#define BAD_CHECKSUM       "0200000000010200000000020800450000210007000040116e9dc6120002c612000175304e20000d6c8968656c6c6f"
#define OTHER_MAC          "020000000009020000000002080045000021000700004011ee9dc6120002c612000175304e20000d6c8968656c6c6f"
#define OTHER_TYPE         "02000000000102000000000288cc45000021000700004011ee9dc6120002c612000175304e20000d6c8968656c6c6f"

static void expect_hello(void)
{
	expect_hello_between("198.18.0.2:30000", "198.18.0.1:20000");
}

static void test_delivers(void **state)
{
	static const char *const good[] = {GOOD, PADDED, OPTIONS};

	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct rte_mbuf *m = frame(good[i]);

		memset(rln_pkt(m), 0xff, sizeof(struct rln_pkt)); /* what the buffer's last use left there */
		put(0, m);
		rln_net_poll(w.net[0], &w.out, w.now_ns);
		expect_hello();
	}
	expect_count(RX_PACKETS, 3);
	world_end();
}

static void test_trusts_a_device_that_checked(void **state)
{
	struct rte_mbuf *m = frame(BAD_CHECKSUM);

	(void)state;
	m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	put(0, m);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	expect_hello();
	world_end();
}

static void test_drops_by_reason(void **state)
{
	static const struct bad_frame bad[] = {
		{"version", VERSION_5, RLN_C_DROP_IP_HEADER},
		{"header length", HEADER_16, RLN_C_DROP_IP_HEADER},
		{"total length", TOTAL_19, RLN_C_DROP_IP_HEADER},
		{"truncated", TRUNCATED, RLN_C_DROP_IP_TRUNCATED},
		{"another address", OTHER_ADDRESS, RLN_C_DROP_IP_NOT_OURS},
		{"broadcast", BROADCAST, RLN_C_DROP_IP_NOT_OURS},
		{"loopback", TO_LOOPBACK, RLN_C_DROP_IP_NOT_OURS},
		{"Ethernet broadcast", ETHERNET_BROADCAST, RLN_C_DROP_IP_NOT_OURS},
		{"from us", FROM_US, RLN_C_DROP_IP_SOURCE},
		{"from loopback", FROM_LOOPBACK, RLN_C_DROP_IP_SOURCE},
		{"from multicast", FROM_MULTICAST, RLN_C_DROP_IP_SOURCE},
		{"from zero", FROM_ZERO, RLN_C_DROP_IP_SOURCE},
		{"protocol", TCP, RLN_C_DROP_IP_PROTO},
		{"checksum", BAD_CHECKSUM, RLN_C_DROP_IP_CHECKSUM},
		{"another MAC", OTHER_MAC, RLN_C_DROP_ETH_NOT_OURS},
		{"EtherType", OTHER_TYPE, RLN_C_DROP_ETH_TYPE},
	};

	(void)state;
	expect_drops(bad, sizeof(bad) / sizeof(bad[0]));
	world_end();
}

static void test_every_shorter_frame_is_dropped(void **state)
{
	unsigned n = receive_every_shorter(GOOD);

	(void)state;
	assert_int_equal(count_of(0, RLN_C_DROP_ETH_SHORT), 14);
	assert_int_equal(count_of(0, RLN_C_DROP_IP_HEADER), 20);
	assert_int_equal(count_of(0, RLN_C_DROP_IP_TRUNCATED), n - 34);
	world_end();
}

static void test_a_chain_is_joined_or_dropped(void **state)
{
	uint8_t bytes[64];
	unsigned n = from_hex(GOOD, bytes, sizeof(bytes));
	struct rte_mbuf *head = buffer(bytes, 20), *tail = buffer(bytes + 20, n - 20);

	(void)state;
	assert_int_equal(rte_pktmbuf_chain(head, tail), 0);
	put(0, head);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	expect_hello();
	head = buffer(bytes, 20);
	rte_pktmbuf_append(head, rte_pktmbuf_tailroom(head));
	tail = buffer(bytes, 20);
	assert_int_equal(rte_pktmbuf_chain(head, tail), 0);
	put(0, head);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	expect_count(DROP_ETH_CHAIN, 1);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_delivers, world_setup),
		cmocka_unit_test_setup(test_trusts_a_device_that_checked, world_setup),
		cmocka_unit_test_setup(test_drops_by_reason, world_setup),
		cmocka_unit_test_setup(test_every_shorter_frame_is_dropped, world_setup),
		cmocka_unit_test_setup(test_a_chain_is_joined_or_dropped, world_setup),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
