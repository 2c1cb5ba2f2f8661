// SPDX-License-Identifier: BSD-3-Clause
/* The neighbour cache: retries, failure, waiting frames, ageing, a full table, stale generations. */
#include "tests/unit/net_fixture.h"

static struct rln_flow flow_to(const char *text, uint16_t from)
{
	struct rln_addr us = addr("198.18.0.1", from), peer = addr(text, 30000);
	struct rln_flow flow;

	assert_int_equal(rln_flow_init(w.net[0], &flow, &us, &peer), 0);
	return flow;
}

static void send_one(struct rln_flow *flow)
{
	rln_net_send(w.net[0], flow, buffer("x", 1));
}

/* Takes all frames off the wire; how many of them were ARP. */
static unsigned questions(void)
{
	struct rte_mbuf *m;
	unsigned n = 0;

	rln_net_flush(w.net[0]);
	while ((m = sent_on(0))) {
		n += rte_pktmbuf_mtod(m, uint8_t *)[13] == 6;
		rte_pktmbuf_free(m);
	}
	return n;
}

static void pass(uint64_t ns)
{
	w.now_ns += ns;
	for (unsigned i = 0; i < RLN_NEIGHBOURS; i++)
		rln_net_housekeep(w.net[0], w.now_ns);
}

static struct rln_neighbour *find(const char *text)
{
	struct rln_addr a = addr(text, 0);

	return rln_neighbour_find(w.net[0], 0, &a);
}

static void test_three_questions_then_failure(void **state)
{
	struct rln_flow flow = flow_to("198.18.0.2", 20000);

	(void)state;
	send_one(&flow);
	send_one(&flow);
	assert_int_equal(questions(), 1);
	pass(RLN_NEIGHBOUR_RETRY_NS - 1);
	assert_int_equal(questions(), 0);
	pass(1);
	assert_int_equal(questions(), 1);
	pass(RLN_NEIGHBOUR_RETRY_NS);
	assert_int_equal(questions(), 1);
	expect_count(TXDROP_NEIGHBOUR, 0);
	pass(RLN_NEIGHBOUR_RETRY_NS);
	assert_int_equal(questions(), 0);
	expect_count(TXDROP_NEIGHBOUR, 2);
	assert_int_equal(find("198.18.0.2")->state, RLN_NEIGHBOUR_FAILED);
	send_one(&flow); /* refused at once while the failure is remembered */
	expect_count(TXDROP_NEIGHBOUR, 3);
	assert_int_equal(questions(), 0);
	pass(RLN_NEIGHBOUR_RETRY_NS);
	assert_null(find("198.18.0.2"));
	send_one(&flow); /* and asked again after it, as often as before */
	assert_int_equal(questions(), 1);
	for (unsigned i = 0; i < 2; i++) {
		pass(RLN_NEIGHBOUR_RETRY_NS);
		assert_int_equal(questions(), 1);
	}
	expect_count(TXDROP_NEIGHBOUR, 3);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	assert_int_equal(w.out.n, 3); /* one note for each lost datagram */
	for (unsigned i = 0; i < w.out.n; i++) {
		assert_int_equal(rln_pkt(w.out.m[i])->op, RLN_PKT_UNREACH);
		assert_int_equal(rln_pkt(w.out.m[i])->error, EHOSTUNREACH);
		expect_addr(&rln_pkt(w.out.m[i])->dst, "198.18.0.2:30000");
	}
	world_end();
}

static void test_failure_is_told_to_control(void **state)
{
	struct rte_mbuf *m = buffer("INVITE", 6);

	(void)state;
	rln_pkt(m)->src = addr("198.18.0.1", 5060);
	rln_pkt(m)->dst = addr("198.18.0.2", 5060);
	rln_net_send_to(w.net[0], m);
	for (unsigned i = 0; i < 3; i++)
		pass(RLN_NEIGHBOUR_RETRY_NS);
	m = to_control(0);
	assert_non_null(m);
	assert_int_equal(rln_pkt(m)->op, RLN_PKT_UNREACH);
	assert_int_equal(rln_pkt(m)->error, EHOSTUNREACH);
	rte_pktmbuf_free(m);
	m = buffer("INVITE", 6);
	rln_pkt(m)->src = addr("198.18.0.1", 5060);
	rln_pkt(m)->dst = addr("192.0.2.1", 5060);
	rln_net_send_to(w.net[0], m);
	rln_net_flush(w.net[0]);
	m = to_control(0);
	assert_non_null(m);
	assert_int_equal(rln_pkt(m)->error, ENETUNREACH);
	rte_pktmbuf_free(m);
	expect_count(TXDROP_NO_ROUTE, 1);
	world_end();
}

static void test_the_oldest_of_too_many_is_dropped(void **state)
{
	struct rln_flow flow = flow_to("198.18.0.2", 20000);

	(void)state;
	for (unsigned i = 0; i < RLN_PENDING_EACH + 3; i++) {
		char text[4];

		snprintf(text, sizeof(text), "%u", i);
		rln_net_send(w.net[0], &flow, buffer(text, (unsigned)strlen(text)));
	}
	expect_count(TXDROP_NEIGHBOUR, 3);
	assert_int_equal(rln_net_held(w.net[0]), RLN_PENDING_EACH + 1); /* and the question, not yet flushed */
	questions();
	know("198.18.0.2");
	rln_net_flush(w.net[0]);
	for (unsigned i = 3; i < RLN_PENDING_EACH + 3; i++) {
		struct rte_mbuf *m = sent_on(0);

		assert_non_null(m);
		assert_int_equal(atoi(rte_pktmbuf_mtod_offset(m, char *, 42)), i);
		rte_pktmbuf_free(m);
	}
	world_end();
}

static void test_all_waiting_places_taken(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		struct rln_flow flow;
		char text[32];

		snprintf(text, sizeof(text), "198.18.0.%u", 10 + i);
		flow = flow_to(text, 20000);
		for (unsigned k = 0; k < RLN_PENDING_EACH; k++)
			send_one(&flow);
	}
	expect_count(TXDROP_NEIGHBOUR, 40 * RLN_PENDING_EACH - RLN_PENDING);
	expect_ledger(0, 0);
	questions();
	for (unsigned i = 0; i < 3; i++)
		pass(RLN_NEIGHBOUR_RETRY_NS);
	questions();
	expect_count(TXDROP_NEIGHBOUR, 40 * RLN_PENDING_EACH);
	while (rln_net_poll(w.net[0], &w.out, w.now_ns))
		eat_all(0);
	world_end();
}

static void test_in_use_is_probed_unused_is_forgotten(void **state)
{
	struct rln_flow flow = flow_to("198.18.0.2", 20000);
	struct rln_neighbour *n;
	uint32_t gen;

	(void)state;
	know("198.18.0.2");
	know("198.18.0.3");
	send_one(&flow);
	questions();
	n = find("198.18.0.2");
	gen = n->gen;
	pass(RLN_NEIGHBOUR_REACHABLE_NS);
	assert_null(find("198.18.0.3"));
	assert_int_equal(n->state, RLN_NEIGHBOUR_PROBE);
	assert_int_equal(questions(), 1);
	send_one(&flow); /* still goes out while asked */
	rln_net_flush(w.net[0]);
	assert_int_equal(rte_ring_count(w.tx[0]), 1);
	know("198.18.0.2");
	assert_int_equal(n->state, RLN_NEIGHBOUR_REACHABLE);
	assert_int_equal(n->gen, gen);
	questions();
	send_one(&flow);
	pass(RLN_NEIGHBOUR_REACHABLE_NS);
	assert_int_equal(n->state, RLN_NEIGHBOUR_PROBE);
	for (unsigned i = 0; i < 3; i++)
		pass(RLN_NEIGHBOUR_RETRY_NS);
	assert_int_equal(n->state, RLN_NEIGHBOUR_FAILED);
	assert_int_not_equal(n->gen, gen); /* the flow looks again */
	questions();
	send_one(&flow);
	expect_count(TXDROP_NEIGHBOUR, 1);
	world_end();
}

static void test_a_full_table_forgets_the_unused(void **state)
{
	struct rln_addr a = addr("10.0.0.0", 0);
	struct rte_ether_addr mac = {.addr_bytes = {2, 0, 0, 0, 0, 2}};
	struct rln_flow flow;

	(void)state;
	world_defaults();
	w.shared.addrs_n = 0;
	world_address("198.18.0.1", 24);
	world_address("10.0.0.1", 8);
	world_start();
	know("198.18.0.2");
	flow = flow_to("198.18.0.2", 20000);
	send_one(&flow);
	for (unsigned i = 1; i < 3 * RLN_NEIGHBOURS; i++) {
		a.ip[13] = 1;
		a.ip[14] = (uint8_t)(i >> 8);
		a.ip[15] = (uint8_t)i;
		rln_neighbour_learn(w.net[0], 0, &a, &mac, RLN_LEARN_CREATE | RLN_LEARN_CONFIRMED);
		assert_non_null(rln_neighbour_find(w.net[0], 0, &a));
	}
	assert_non_null(find("198.18.0.2")); /* in use: stays */
	world_end();
}

static void test_a_table_full_of_questions_refuses(void **state)
{
	struct rln_addr a = addr("10.0.0.0", 0);

	(void)state;
	world_defaults();
	world_address("10.0.0.1", 8);
	world_start();
	for (unsigned i = 1; i <= RLN_NEIGHBOURS; i++) {
		a.ip[13] = 1;
		a.ip[14] = (uint8_t)(i >> 8);
		a.ip[15] = (uint8_t)i;
		assert_non_null(rln_neighbour_get(w.net[0], 0, &a));
		questions();
	}
	a.ip[13] = 2;
	assert_null(rln_neighbour_get(w.net[0], 0, &a));
	world_end();
}

/* A slot that went to another neighbour must not be taken for the old one. */
static void test_a_stale_generation_looks_again(void **state)
{
	struct rln_flow flow = flow_to("198.18.0.2", 20000);
	struct rte_mbuf *m;

	(void)state;
	know("198.18.0.2");
	send_one(&flow);
	questions();
	pass(RLN_NEIGHBOUR_REACHABLE_NS); /* probed, as it was in use */
	for (unsigned i = 0; i < 4; i++)
		pass(RLN_NEIGHBOUR_RETRY_NS);
	assert_null(find("198.18.0.2"));
	know("198.18.0.7"); /* takes the slot */
	assert_ptr_equal(find("198.18.0.7"), &w.net[0]->neighbours.slot[flow.neighbour]);
	questions();
	send_one(&flow);
	rln_net_flush(w.net[0]);
	m = sent_on(0);
	assert_non_null(m);
	assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[13], 6); /* asks for 198.18.0.2 */
	rte_pktmbuf_free(m);
	expect_nothing_sent();
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_three_questions_then_failure, world_setup),
		cmocka_unit_test_setup(test_failure_is_told_to_control, world_setup),
		cmocka_unit_test_setup(test_the_oldest_of_too_many_is_dropped, world_setup),
		cmocka_unit_test_setup(test_all_waiting_places_taken, world_setup),
		cmocka_unit_test_setup(test_in_use_is_probed_unused_is_forgotten, world_setup),
		cmocka_unit_test(test_a_full_table_forgets_the_unused),
		cmocka_unit_test(test_a_table_full_of_questions_refuses),
		cmocka_unit_test_setup(test_a_stale_generation_looks_again, world_setup),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
