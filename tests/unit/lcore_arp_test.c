// SPDX-License-Identifier: BSD-3-Clause
/* ARP: exact questions and answers, what is learned and what is not. */
#include "tests/unit/net_fixture.h"

#define ASK_US                                                                                                                   \
	"ffffffffffff02000000000208060001080006040001020000000002c6120002000000000000c61200010000000000000000000000000000"       \
	"00000000"
#define OUR_ANSWER                                                                                                               \
	"02000000000202000000000108060001080006040002020000000001c6120001020000000002c61200020000000000000000000000000000"       \
	"00000000"
#define ASK_OTHER                                                                                                                \
	"ffffffffffff02000000000208060001080006040001020000000002c6120002000000000000c61200090000000000000000000000000000"       \
	"00000000"
#define PROBE_US                                                                                                                 \
	"ffffffffffff0200000000020806000108000604000102000000000200000000000000000000c61200010000000000000000000000000000"       \
	"00000000"
#define PROBE_ANSWER                                                                                                             \
	"02000000000202000000000108060001080006040002020000000001c6120001020000000002000000000000000000000000000000000000"       \
	"00000000"
#define CONFLICT                                                                                                                 \
	"ffffffffffff02000000000208060001080006040001020000000002c6120001000000000000c61200010000000000000000000000000000"       \
	"00000000"
#define OFF_LINK                                                                                                                 \
	"ffffffffffff020000000002080600010800060400010200000000020a000001000000000000c61200010000000000000000000000000000"       \
	"00000000"
#define OUR_QUESTION                                                                                                             \
	"ffffffffffff02000000000108060001080006040001020000000001c6120001000000000000c61200020000000000000000000000000000"       \
	"00000000"
#define PEER_ANSWER                                                                                                              \
	"02000000000102000000000208060001080006040002020000000002c6120002020000000001c61200010000000000000000000000000000"       \
	"00000000"
#define PEER_ANSWER_NEW_MAC                                                                                                      \
	"02000000000102000000000308060001080006040002020000000003c6120002020000000001c61200010000000000000000000000000000"       \
	"00000000"
#define OUR_PROBE                                                                                                                \
	"02000000000202000000000108060001080006040001020000000001c6120001000000000000c61200020000000000000000000000000000"       \
	"00000000"
#define ASK_US_VLAN                                                                                                              \
	"ffffffffffff0200000000028100000508060001080006040001020000000002c6120002000000000000c612000100000000000000000000"       \
	"00000000"
#define OUR_ANSWER_VLAN                                                                                                          \
	"0200000000020200000000018100000508060001080006040002020000000001c6120001020000000002c612000200000000000000000000"       \
	"00000000"
#define OUT_PLAIN "020000000002020000000001080045000021000040004011aea4c6120001c61200024e207530000d6c8968656c6c6f"

static struct rte_mbuf *hello(void)
{
	return buffer("hello", 5);
}

static void test_answers_for_our_address(void **state)
{
	(void)state;
	receive(ASK_US);
	expect_sent(OUR_ANSWER);
	expect_count(EATEN_ARP, 1);
	expect_count(OUT_PACKETS, 1);
	expect_count(TX_PACKETS, 1);
	world_end();
}

static void test_answers_a_probe_and_learns_nothing(void **state)
{
	struct rln_addr none = addr("0.0.0.0", 0);

	(void)state;
	receive(PROBE_US);
	expect_sent(PROBE_ANSWER);
	assert_null(rln_neighbour_find(w.net[0], 0, &none));
	world_end();
}

static void test_leaves_other_questions_alone(void **state)
{
	struct rln_addr peer = addr("198.18.0.2", 0);

	(void)state;
	receive(ASK_OTHER);
	expect_nothing_sent();
	assert_null(rln_neighbour_find(w.net[0], 0, &peer));
	expect_count(EATEN_ARP, 1);
	world_end();
}

static void test_counts_a_conflict_and_does_not_answer(void **state)
{
	(void)state;
	receive(CONFLICT);
	expect_nothing_sent();
	expect_count(ADDRESS_CONFLICT, 1);
	world_end();
}

static void test_answers_off_link_askers_but_keeps_no_entry(void **state)
{
	struct rln_addr off = addr("10.0.0.1", 0);

	(void)state;
	put(0, frame(OFF_LINK));
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	rln_net_flush(w.net[0]);
	assert_int_equal(rte_ring_count(w.tx[0]), 1);
	assert_null(rln_neighbour_find(w.net[0], 0, &off));
	world_end();
}

static void test_resolves_once_for_many_packets(void **state)
{
	struct rln_addr us = addr("198.18.0.1", 20000), peer = addr("198.18.0.2", 30000);
	struct rln_flow flow;

	(void)state;
	assert_int_equal(rln_flow_init(w.net[0], &flow, &us, &peer), 0);
	rln_net_send(w.net[0], &flow, hello());
	rln_net_send(w.net[0], &flow, hello());
	rln_net_flush(w.net[0]);
	expect_sent(OUR_QUESTION);
	expect_nothing_sent();
	assert_int_equal(rln_net_held(w.net[0]), 2);
	expect_ledger(0, 0);
	receive(PEER_ANSWER);
	expect_sent(OUT_PLAIN);
	expect_sent(OUT_PLAIN);
	rln_net_send(w.net[0], &flow, hello());
	rln_net_flush(w.net[0]);
	expect_sent(OUT_PLAIN);
	world_end();
}

static void test_learns_from_the_question(void **state)
{
	struct rln_addr us = addr("198.18.0.1", 20000), peer = addr("198.18.0.2", 30000);
	struct rln_flow flow;

	(void)state;
	receive(ASK_US);
	expect_sent(OUR_ANSWER);
	assert_int_equal(rln_flow_init(w.net[0], &flow, &us, &peer), 0);
	rln_net_send(w.net[0], &flow, hello());
	rln_net_flush(w.net[0]);
	expect_sent(OUT_PLAIN);
	world_end();
}

static void test_an_answer_alone_makes_no_entry(void **state)
{
	struct rln_addr peer = addr("198.18.0.2", 0);

	(void)state;
	receive(PEER_ANSWER);
	assert_null(rln_neighbour_find(w.net[0], 0, &peer));
	expect_count(EATEN_ARP, 1);
	world_end();
}

static void test_a_new_mac_reaches_the_flow(void **state)
{
	struct rln_addr us = addr("198.18.0.1", 20000), peer = addr("198.18.0.2", 30000);
	struct rln_flow flow;
	struct rte_mbuf *m;

	(void)state;
	know("198.18.0.2");
	assert_int_equal(rln_flow_init(w.net[0], &flow, &us, &peer), 0);
	rln_net_send(w.net[0], &flow, hello());
	receive(PEER_ANSWER_NEW_MAC);
	expect_sent(OUT_PLAIN);
	rln_net_send(w.net[0], &flow, hello());
	rln_net_flush(w.net[0]);
	m = sent_on(0);
	assert_non_null(m);
	assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[5], 3);
	rte_pktmbuf_free(m);
	world_end();
}

static void test_drops_malformed(void **state)
{
	static const unsigned spoil[] = {15, 16, 18, 19, 21, 22}; /* hardware, protocol, lengths, operation, a multicast sender */
	uint8_t good[60], bytes[60];

	(void)state;
	from_hex(ASK_US, good, sizeof(good));
	for (unsigned i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		memcpy(bytes, good, sizeof(good));
		bytes[spoil[i]] ^= 0x11;
		put(0, buffer(bytes, sizeof(bytes)));
	}
	put(0, buffer(good, 41));
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	rln_net_flush(w.net[0]);
	expect_nothing_sent();
	expect_count(DROP_ARP_BAD, 7);
	world_end();
}

static void test_speaks_on_its_vlan(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	world_defaults();
	w.shared.ports[0].vlan = 5;
	world_start();
	receive(ASK_US_VLAN);
	expect_sent(OUR_ANSWER_VLAN);
	receive(ASK_US); /* untagged */
	expect_count(DROP_VLAN, 1);
	m = frame(ASK_US); /* the device took the tag off */
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = 0xe005;
	put(0, m);
	m = frame(ASK_US_VLAN); /* the driver put it back and left a flag */
	m->ol_flags |= RTE_MBUF_F_RX_VLAN;
	m->vlan_tci = 5;
	put(0, m);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	rln_net_flush(w.net[0]);
	expect_sent(OUR_ANSWER_VLAN "00000000"); /* the padding of 60 bytes without tag stays */
	expect_sent(OUR_ANSWER_VLAN);
	world_end();
}

static void test_others_learn(void **state)
{
	struct rln_addr peer = addr("198.18.0.2", 0);
	struct rln_batch out;
	struct rln_neighbour *n;

	(void)state;
	world_defaults();
	w.shared.workers = 2;
	world_start();
	n = rln_neighbour_get(w.net[1], 0, &peer);
	assert_int_equal(n->state, RLN_NEIGHBOUR_INCOMPLETE);
	rln_net_flush(w.net[1]);
	receive(PEER_ANSWER); /* comes to worker 0, who did not ask */
	expect_count(NEIGHBOUR_TOLD, 1);
	rln_net_poll(w.net[1], &out, w.now_ns);
	assert_int_equal(n->state, RLN_NEIGHBOUR_REACHABLE);
	assert_int_equal(out.n, 0);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_answers_for_our_address, world_setup),
		cmocka_unit_test_setup(test_answers_a_probe_and_learns_nothing, world_setup),
		cmocka_unit_test_setup(test_leaves_other_questions_alone, world_setup),
		cmocka_unit_test_setup(test_counts_a_conflict_and_does_not_answer, world_setup),
		cmocka_unit_test_setup(test_answers_off_link_askers_but_keeps_no_entry, world_setup),
		cmocka_unit_test_setup(test_resolves_once_for_many_packets, world_setup),
		cmocka_unit_test_setup(test_learns_from_the_question, world_setup),
		cmocka_unit_test_setup(test_an_answer_alone_makes_no_entry, world_setup),
		cmocka_unit_test_setup(test_a_new_mac_reaches_the_flow, world_setup),
		cmocka_unit_test_setup(test_drops_malformed, world_setup),
		cmocka_unit_test(test_speaks_on_its_vlan),
		cmocka_unit_test(test_others_learn),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
