// SPDX-License-Identifier: BSD-3-Clause
/* Neighbour discovery: exact solicitations and advertisements, and every reason of RFC 4861 7.1 to discard one. */
#include "tests/unit/net_fixture.h"

#define ASK_US                                                                                                                   \
	"3333ff00000102000000000286dd6000000000203aff20010db8000000000000000000000002ff0200000000000000000001ff0000018700"       \
	"1c270000000020010db80000000000000000000000010101020000000002"
#define OUR_ANSWER                                                                                                               \
	"02000000000202000000000186dd6000000000203aff20010db800000000000000000000000120010db80000000000000000000000028800"       \
	"8a736000000020010db80000000000000000000000010201020000000001"
#define ASK_US_NONCE                                                                                                             \
	"3333ff00000102000000000286dd6000000000283aff20010db8000000000000000000000002ff0200000000000000000001ff0000018700"       \
	"050b0000000020010db80000000000000000000000010e010102030405060101020000000009"
#define OUR_ANSWER_TO_NONCE                                                                                                      \
	"02000000000902000000000186dd6000000000203aff20010db800000000000000000000000120010db80000000000000000000000028800"       \
	"8a736000000020010db80000000000000000000000010201020000000001"
#define ASK_US_UNICAST                                                                                                           \
	"02000000000102000000000286dd6000000000183aff20010db800000000000000000000000220010db80000000000000000000000018700"       \
	"ef7d0000000020010db8000000000000000000000001"
#define ASK_US_LINK_LOCAL                                                                                                        \
	"3333ff00000102000000000286dd6000000000203afffe800000000000000000000000000002ff0200000000000000000001ff0000018700"       \
	"4b5f0000000020010db80000000000000000000000010101020000000002"
#define OUR_ANSWER_LINK_LOCAL                                                                                                    \
	"02000000000202000000000186dd6000000000203aff20010db8000000000000000000000001fe8000000000000000000000000000028800"       \
	"b9ab6000000020010db80000000000000000000000010201020000000001"
#define DAD                                                                                                                      \
	"3333ff00000102000000000286dd6000000000183aff00000000000000000000000000000000ff0200000000000000000001ff0000018700"       \
	"4ced0000000020010db8000000000000000000000001"
#define DAD_ANSWER                                                                                                               \
	"33330000000102000000000186dd6000000000203aff20010db8000000000000000000000001ff0200000000000000000000000000018800"       \
	"f92a2000000020010db80000000000000000000000010201020000000001"
#define DAD_WITH_MAC                                                                                                             \
	"3333ff00000102000000000286dd6000000000203aff00000000000000000000000000000000ff0200000000000000000001ff0000018700"       \
	"49e20000000020010db80000000000000000000000010101020000000002"
#define DAD_TO_UNICAST                                                                                                           \
	"02000000000102000000000286dd6000000000183aff0000000000000000000000000000000020010db80000000000000000000000018700"       \
	"1d390000000020010db8000000000000000000000001"
#define HOPS_254                                                                                                                 \
	"3333ff00000102000000000286dd6000000000203afe20010db8000000000000000000000002ff0200000000000000000001ff0000018700"       \
	"1c270000000020010db80000000000000000000000010101020000000002"
#define TARGET_MULTICAST                                                                                                         \
	"3333ff00000102000000000286dd6000000000203aff20010db8000000000000000000000002ff0200000000000000000001ff0000018700"       \
	"4add00000000ff0200000000000000000000000000010101020000000002"
#define CODE_1                                                                                                                   \
	"3333ff00000102000000000286dd6000000000203aff20010db8000000000000000000000002ff0200000000000000000001ff0000018701"       \
	"1c260000000020010db80000000000000000000000010101020000000002"
#define OPTION_EMPTY                                                                                                             \
	"3333ff00000102000000000286dd6000000000203aff20010db8000000000000000000000002ff0200000000000000000001ff0000018700"       \
	"1c280000000020010db80000000000000000000000010100020000000002"
#define OPTION_LONG                                                                                                              \
	"3333ff00000102000000000286dd6000000000203aff20010db8000000000000000000000002ff0200000000000000000001ff0000018700"       \
	"1c260000000020010db80000000000000000000000010102020000000002"
#define SHORT                                                                                                                    \
	"3333ff00000102000000000286dd6000000000143aff20010db8000000000000000000000002ff0200000000000000000001ff0000018700"       \
	"1f370000000020010db80000000000000000"
#define NA_SOLICITED_TO_ALL                                                                                                      \
	"33330000000102000000000286dd6000000000203aff20010db8000000000000000000000002ff0200000000000000000000000000018800"       \
	"b9276000000020010db80000000000000000000000020201020000000002"
#define BAD_CHECKSUM                                                                                                             \
	"3333ff00000102000000000286dd6000000000203aff20010db8000000000000000000000002ff0200000000000000000001ff0000018700"       \
	"1c260000000020010db80000000000000000000000010101020000000002"
#define ASK_OTHER                                                                                                                \
	"3333ff01000102000000000286dd6000000000203aff20010db8000000000000000000000002ff0200000000000000000001ff0100018700"       \
	"1c250000000020010db80000000000000000000100010101020000000002"
#define SAME_GROUP                                                                                                               \
	"3333ff00000102000000000286dd6000000000203aff20010db8000000000000000000000002ff0200000000000000000001ff0000018700"       \
	"1c220000000020010db80000000000000005000000010101020000000002"
#define OUR_QUESTION                                                                                                             \
	"3333ff00000202000000000186dd6000000000203aff20010db8000000000000000000000001ff0200000000000000000001ff0000028700"       \
	"1c270000000020010db80000000000000000000000020101020000000001"
#define OUR_PROBE                                                                                                                \
	"02000000000202000000000186dd6000000000203aff20010db800000000000000000000000120010db80000000000000000000000028700"       \
	"ec720000000020010db80000000000000000000000020101020000000001"
#define PEER_ANSWER                                                                                                              \
	"02000000000102000000000286dd6000000000203aff20010db800000000000000000000000220010db80000000000000000000000018800"       \
	"8a716000000020010db80000000000000000000000020201020000000002"
#define PEER_ANSWER_NO_MAC                                                                                                       \
	"02000000000102000000000286dd6000000000183aff20010db800000000000000000000000220010db80000000000000000000000018800"       \
	"8e7c6000000020010db8000000000000000000000002"
#define NEW_MAC_NO_OVERRIDE                                                                                                      \
	"02000000000102000000000386dd6000000000203aff20010db800000000000000000000000220010db80000000000000000000000018800"       \
	"aa704000000020010db80000000000000000000000020201020000000003"
#define NEW_MAC_OVERRIDE                                                                                                         \
	"02000000000102000000000386dd6000000000203aff20010db800000000000000000000000220010db80000000000000000000000018800"       \
	"8a706000000020010db80000000000000000000000020201020000000003"
#define CONFLICT                                                                                                                 \
	"33330000000102000000000286dd6000000000203aff20010db8000000000000000000000001ff0200000000000000000000000000018800"       \
	"f9292000000020010db80000000000000000000000010201020000000002"
#define OUT_PLAIN                                                                                                                \
	"02000000000202000000000186dd60000000000d114020010db800000000000000000000000120010db80000000000000000000000024e20"       \
	"7530000d9d3c68656c6c6f"
#define FRAGMENTED                                                                                                               \
	"3333ff00000102000000000286dd6000000000282cff20010db8000000000000000000000002ff0200000000000000000001ff0000013a00"       \
	"00000000000787001c270000000020010db80000000000000000000000010101020000000002"

static struct rte_mbuf *hello(void)
{
	return buffer("hello", 5);
}

static void test_answers_a_solicitation(void **state)
{
	(void)state;
	receive(ASK_US);
	expect_sent(OUR_ANSWER);
	receive(ASK_US_UNICAST); /* without an option: the answer goes to the frame's sender */
	expect_sent(OUR_ANSWER);
	receive(ASK_US_LINK_LOCAL);
	expect_sent(OUR_ANSWER_LINK_LOCAL);
	receive(ASK_US_NONCE); /* an option that we do not know stands before the MAC */
	expect_sent(OUR_ANSWER_TO_NONCE);
	expect_count(EATEN_ND, 4);
	world_end();
}

static void test_answers_duplicate_address_detection_to_all_nodes(void **state)
{
	struct rln_addr none = addr("::", 0);

	(void)state;
	receive(DAD);
	expect_sent(DAD_ANSWER);
	assert_null(rln_neighbour_find(w.net[0], 0, &none));
	world_end();
}

static void test_discards_what_7_1_says(void **state)
{
	static const char *const bad[] = {HOPS_254, TARGET_MULTICAST, CODE_1, OPTION_EMPTY, OPTION_LONG, SHORT,
		NA_SOLICITED_TO_ALL, DAD_WITH_MAC, DAD_TO_UNICAST, FRAGMENTED};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		receive(bad[i]);
		assert_int_equal(count_of(0, RLN_C_DROP_ND_BAD), i + 1);
		expect_nothing_sent();
	}
	receive(BAD_CHECKSUM);
	expect_count(DROP_ICMP_BAD, 1);
	expect_nothing_sent();
	world_end();
}

static void test_leaves_other_targets_alone(void **state)
{
	(void)state;
	receive(ASK_OTHER); /* another group */
	expect_count(DROP_IP_NOT_OURS, 1);
	receive(SAME_GROUP); /* our group, another address */
	expect_count(EATEN_ND, 1);
	expect_nothing_sent();
	world_end();
}

static void test_solicits_and_sends_what_waits(void **state)
{
	struct rln_addr us = addr("2001:db8::1", 20000), peer = addr("2001:db8::2", 30000);
	struct rln_flow flow;

	(void)state;
	assert_int_equal(rln_flow_init(w.net[0], &flow, &us, &peer), 0);
	rln_net_send(w.net[0], &flow, hello());
	rln_net_flush(w.net[0]);
	expect_sent(OUR_QUESTION);
	receive(PEER_ANSWER_NO_MAC); /* 7.2.5: an incomplete entry learns nothing from it */
	expect_nothing_sent();
	receive(PEER_ANSWER);
	expect_sent(OUT_PLAIN);
	world_end();
}

static void test_override_flag(void **state)
{
	struct rln_addr peer = addr("2001:db8::2", 0);
	struct rln_neighbour *n;
	uint32_t gen;

	(void)state;
	know("2001:db8::2");
	n = rln_neighbour_find(w.net[0], 0, &peer);
	gen = n->gen;
	receive(NEW_MAC_NO_OVERRIDE);
	assert_int_equal(n->mac.addr_bytes[5], 2);
	assert_int_equal(n->gen, gen);
	assert_true(n->due_ns <= w.now_ns); /* asked again soon */
	receive(NEW_MAC_OVERRIDE);
	assert_int_equal(n->mac.addr_bytes[5], 3);
	assert_int_not_equal(n->gen, gen);
	world_end();
}

static void test_probes_by_unicast(void **state)
{
	struct rln_addr us = addr("2001:db8::1", 20000), peer = addr("2001:db8::2", 30000);
	struct rln_flow flow;

	(void)state;
	know("2001:db8::2");
	assert_int_equal(rln_flow_init(w.net[0], &flow, &us, &peer), 0);
	rln_net_send(w.net[0], &flow, hello());
	rln_net_flush(w.net[0]);
	expect_sent(OUT_PLAIN);
	w.now_ns += RLN_NEIGHBOUR_REACHABLE_NS;
	for (unsigned i = 0; i < RLN_NEIGHBOURS; i++)
		rln_net_housekeep(w.net[0], w.now_ns);
	expect_sent(OUR_PROBE);
	expect_nothing_sent();
	world_end();
}

static void test_counts_a_conflict(void **state)
{
	(void)state;
	receive(CONFLICT);
	expect_count(ADDRESS_CONFLICT, 1);
	expect_nothing_sent();
	world_end();
}

static void test_others_learn(void **state)
{
	struct rln_addr peer = addr("2001:db8::2", 0);
	struct rln_batch out;
	struct rln_neighbour *n;

	(void)state;
	world_defaults();
	w.shared.workers = 2;
	world_start();
	n = rln_neighbour_get(w.net[1], 0, &peer);
	receive(PEER_ANSWER);
	rln_net_poll(w.net[1], &out, w.now_ns);
	assert_int_equal(n->state, RLN_NEIGHBOUR_REACHABLE);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_answers_a_solicitation, world_setup),
		cmocka_unit_test_setup(test_answers_duplicate_address_detection_to_all_nodes, world_setup),
		cmocka_unit_test_setup(test_discards_what_7_1_says, world_setup),
		cmocka_unit_test_setup(test_leaves_other_targets_alone, world_setup),
		cmocka_unit_test_setup(test_solicits_and_sends_what_waits, world_setup),
		cmocka_unit_test_setup(test_override_flag, world_setup),
		cmocka_unit_test_setup(test_probes_by_unicast, world_setup),
		cmocka_unit_test_setup(test_counts_a_conflict, world_setup),
		cmocka_unit_test(test_others_learn),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
