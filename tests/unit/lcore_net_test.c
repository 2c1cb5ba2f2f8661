// SPDX-License-Identifier: BSD-3-Clause
/* The worker's turn: bursts, hand-off, sending by others, inside deliveries, and the ledger through all of it. */
#include "tests/unit/net_fixture.h"

#define TO_LEG      "020000000001020000000002080045000021000000004011eea4c6120002c612000175304e20000d6c8968656c6c6f"
#define TO_WORKER_1 "020000000001020000000002080045000021000000004011eea4c6120002c612000175305208000d68a168656c6c6f"
#define TO_SIP      "020000000001020000000002080045000021000000004011eea4c6120002c6120001753013c4000da6e568656c6c6f"
#define OUT         "020000000002020000000001080045000021000040004011aea4c6120001c61200024e207530000d6c8968656c6c6f"

static struct rln_flow flow_from(
	unsigned worker, const char *local, uint16_t local_port, const char *remote, uint16_t remote_port)
{
	struct rln_addr us = addr(local, local_port), peer = addr(remote, remote_port);
	struct rln_flow flow;

	assert_int_equal(rln_flow_init(w.net[worker], &flow, &us, &peer), 0);
	return flow;
}

static void two_workers(void)
{
	world_defaults();
	w.shared.workers = 2;
	world_start();
}

static void test_create_refuses_nonsense(void **state)
{
	struct rln_net *net = NULL;

	(void)state;
	world_defaults();
	assert_int_equal(rln_net_create(&net, &w.shared, 1), -EINVAL); /* one worker: 0 */
	w.shared.addrs[0].port = 1;
	assert_int_equal(rln_net_create(&net, &w.shared, 0), -EINVAL);
	world_defaults();
	w.shared.ports[0].tx_queues = 0;
	assert_int_equal(rln_net_create(&net, &w.shared, 0), -EINVAL);
	world_defaults();
	world_route("10.0.0.0", 8, "198.18.0.9");
	w.shared.routes[0].to.port = 1;
	assert_int_equal(rln_net_create(&net, &w.shared, 0), -EINVAL);
	world_defaults();
	w.shared.workers = 0;
	assert_int_equal(rln_net_create(&net, &w.shared, 0), -EINVAL);
	world_defaults();
	w.shared.pool = NULL;
	assert_int_equal(rln_net_create(&net, &w.shared, 0), -EINVAL);
	world_defaults();
	rln_heap_fail_nth(1);
	assert_int_equal(rln_net_create(&net, &w.shared, 0), -ENOMEM);
	assert_int_equal(rln_heap_fail_nth(0), 1);
	assert_null(net);
	rln_net_destroy(NULL);
}

static void test_a_burst_never_overflows(void **state)
{
	(void)state;
	two_workers();
	for (unsigned i = 0; i < 100; i++) {
		put(0, frame(TO_LEG));
		if (i < 60)
			put(1, frame(TO_LEG));
	}
	rln_net_poll(w.net[1], &w.out, w.now_ns); /* hands over to worker 0 */
	rln_net_poll(w.net[1], &w.out, w.now_ns);
	assert_int_equal(count_of(1, RLN_C_HANDOFF_OUT), 60);
	for (unsigned got = 0, turns = 0; got < 160; turns++) {
		assert_true(turns < 20);
		assert_true(rln_net_poll(w.net[0], &w.out, w.now_ns) > 0);
		assert_true(w.out.n <= RLN_BURST);
		got += w.out.n;
		expect_ledger(0, w.out.n);
		eat_all(0);
	}
	expect_count(RX_PACKETS, 100);
	expect_count(HANDOFF_IN, 60);
	assert_int_equal(rln_net_poll(w.net[0], &w.out, w.now_ns), 0);
	world_end();
}

/* No source waits for ever behind a busy one. */
static void test_sources_take_turns(void **state)
{
	unsigned turns = 0;

	(void)state;
	two_workers();
	put(1, frame(TO_LEG));
	rln_net_poll(w.net[1], &w.out, w.now_ns);
	do {
		for (unsigned i = 0; i < RLN_BURST; i++)
			put(0, frame(TO_LEG));
		rln_net_poll(w.net[0], &w.out, w.now_ns);
		eat_all(0);
	} while (count_of(0, RLN_C_HANDOFF_IN) == 0 && ++turns < 5);
	assert_true(turns < 5);
	while (rln_net_poll(w.net[0], &w.out, w.now_ns))
		eat_all(0);
	world_end();
}

static void test_short_tx_bursts_keep_the_rest(void **state)
{
	struct rln_flow flow;

	(void)state;
	two_workers();
	know("198.18.0.2");
	flow = flow_from(0, "198.18.0.1", 20000, "198.18.0.2", 30000);
	for (unsigned i = 0; i < 100; i++)
		rln_net_send(w.net[0], &flow, buffer("hello", 5));
	rln_net_flush(w.net[0]);
	expect_count(TX_PACKETS, 63); /* what the ring takes */
	assert_int_equal(rln_net_held(w.net[0]), 37);
	expect_ledger(0, 0);
	for (unsigned i = 0; i < 300; i++)
		rln_net_send(w.net[0], &flow, buffer("hello", 5));
	expect_count(TXDROP_QUEUE_FULL, 300 - (RLN_TX_BUFFER - 37));
	expect_ledger(0, 0);
	for (unsigned got = 0; got < 63 + RLN_TX_BUFFER; got++) {
		if (rte_ring_empty(w.tx[0]))
			rln_net_housekeep(w.net[0], w.now_ns); /* tries again */
		expect_sent(OUT);
	}
	assert_int_equal(rln_net_held(w.net[0]), 0);
	world_end();
}

static void test_what_the_device_never_took_is_counted_at_the_end(void **state)
{
	struct rln_flow flow;

	(void)state;
	two_workers();
	know("198.18.0.2");
	flow = flow_from(0, "198.18.0.1", 20000, "198.18.0.2", 30000);
	for (unsigned i = 0; i < 100; i++)
		rln_net_send(w.net[0], &flow, buffer("hello", 5));
	rln_net_flush(w.net[0]);
	world_end();
	expect_count(TXDROP_QUEUE_FULL, 37);
}

static void test_a_worker_without_queue_hands_frames_over(void **state)
{
	struct rte_ether_addr mac = {.addr_bytes = {2, 0, 0, 0, 0, 2}};
	struct rln_addr peer = addr("198.18.0.2", 0);
	struct rln_flow flow;

	(void)state;
	world_defaults();
	w.shared.workers = 2;
	w.shared.ports[0].rx_queues = w.shared.ports[0].tx_queues = 1;
	world_start();
	flow = flow_from(1, "198.18.0.1", 20000, "198.18.0.2", 30000);
	rln_neighbour_learn(w.net[1], 0, &peer, &mac, RLN_LEARN_CREATE | RLN_LEARN_CONFIRMED);
	for (unsigned i = 0; i < 40; i++)
		rln_net_send(w.net[1], &flow, buffer("hello", 5));
	expect_ledger(1, 0);
	rln_net_flush(w.net[1]);
	assert_int_equal(count_of(1, RLN_C_TX_HANDED), 40);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	rln_net_flush(w.net[0]);
	expect_count(OUT_TAKEN, 40);
	expect_count(TX_PACKETS, 40);
	for (unsigned i = 0; i < 40; i++)
		expect_sent(OUT);
	for (unsigned i = 0; i < 70; i++) {
		rln_net_send(w.net[1], &flow, buffer("hello", 5));
		rln_net_flush(w.net[1]);
	}
	assert_int_equal(count_of(1, RLN_C_TXDROP_QUEUE_FULL), 7); /* the hand-off ring takes 63 */
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	world_end();
}

static void test_inside_to_a_leg_of_the_same_worker(void **state)
{
	struct rln_flow flow;

	(void)state;
	two_workers();
	flow = flow_from(0, "198.18.0.1", 20000, "198.18.0.1", 20002);
	assert_int_equal(flow.port, RLN_FLOW_LOCAL);
	rln_net_send(w.net[0], &flow, buffer("hello", 5));
	expect_ledger(0, 0);
	assert_int_equal(rln_net_held(w.net[0]), 1);
	assert_int_equal(rln_net_poll(w.net[0], &w.out, w.now_ns), 1);
	assert_int_equal(w.out.n, 1);
	expect_addr(&rln_pkt(w.out.m[0])->src, "198.18.0.1:20000");
	expect_addr(&rln_pkt(w.out.m[0])->dst, "198.18.0.1:20002");
	assert_int_equal(rln_pkt(w.out.m[0])->port, RLN_FLOW_LOCAL);
	assert_int_equal(w.out.m[0]->pkt_len, 5);
	expect_count(TX_LOCAL, 1);
	expect_count(RX_LOCAL, 1);
	expect_nothing_sent();
	world_end();
}

static void test_inside_to_another_worker_and_to_control(void **state)
{
	struct rln_flow leg, sip;
	struct rte_mbuf *m;

	(void)state;
	two_workers();
	leg = flow_from(0, "2001:db8::1", 20000, "2001:db8::1", 21000);
	sip = flow_from(0, "198.18.0.1", 5060, "127.0.0.1", 5060);
	rln_net_send(w.net[0], &leg, buffer("hello", 5));
	rln_net_send(w.net[0], &sip, buffer("BYE", 3));
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	assert_int_equal(w.out.n, 0);
	m = to_control(0);
	assert_non_null(m);
	expect_addr(&rln_pkt(m)->dst, "127.0.0.1:5060");
	rte_pktmbuf_free(m);
	rln_net_poll(w.net[1], &w.out, w.now_ns);
	assert_int_equal(w.out.n, 1);
	eat(1, w.out.m[0]);
	w.out.n = 0;
	expect_count(HANDOFF_OUT, 1);
	expect_count(EATEN_SIP, 1);
	world_end();
}

static void test_inside_to_a_closed_port_comes_back(void **state)
{
	struct rln_flow flow;

	(void)state;
	two_workers();
	flow = flow_from(0, "198.18.0.1", 20000, "198.18.0.1", 9);
	rln_net_send(w.net[0], &flow, buffer("hello", 5));
	for (unsigned i = 0; i < 2 && w.out.n == 0; i++)
		rln_net_poll(w.net[0], &w.out, w.now_ns);
	assert_int_equal(w.out.n, 1);
	assert_int_equal(rln_pkt(w.out.m[0])->op, RLN_PKT_UNREACH);
	assert_int_equal(rln_pkt(w.out.m[0])->error, ECONNREFUSED);
	expect_addr(&rln_pkt(w.out.m[0])->dst, "198.18.0.1:9");
	expect_count(DROP_UDP_PORT, 1);
	world_end();
}

static void test_inside_queue_full(void **state)
{
	struct rln_flow flow;

	(void)state;
	two_workers();
	flow = flow_from(0, "198.18.0.1", 20000, "198.18.0.1", 20002);
	for (unsigned i = 0; i < RLN_INSIDE + 5; i++)
		rln_net_send(w.net[0], &flow, buffer("hello", 5));
	expect_count(TXDROP_LOCAL_FULL, 5);
	expect_ledger(0, 0);
	while (rln_net_poll(w.net[0], &w.out, w.now_ns))
		eat_all(0);
	world_end();
}

static void test_inside_left_over_at_the_end(void **state)
{
	struct rln_flow flow;

	(void)state;
	two_workers();
	flow = flow_from(0, "198.18.0.1", 20000, "198.18.0.1", 20002);
	rln_net_send(w.net[0], &flow, buffer("hello", 5));
	world_end();
}

/* A worker beyond the last one, and a queue that the device does not have. */
static void test_only_what_there_is(void **state)
{
	(void)state;
	world_defaults();
	world_start();
	receive(TO_WORKER_1);
	expect_count(DROP_UDP_PORT, 1);
	world_end();
	world_defaults();
	w.shared.workers = 2;
	w.shared.ports[0].rx_queues = 1;
	world_start();
	put(1, frame(TO_WORKER_1));
	assert_int_equal(rln_net_poll(w.net[1], &w.out, w.now_ns), 0);
	world_end();
}

static void test_flow_errors(void **state)
{
	static const char *const bad[][2] = {
		{"198.18.0.1", "192.0.2.1"},   /* no route */
		{"198.18.0.1", "2001:db8::2"}, /* two families */
		{"198.18.0.9", "198.18.0.2"},  /* not ours */
		{"127.0.0.1", "198.18.0.2"},   /* must not leave */
		{"198.18.0.1", "224.0.0.1"},
	};
	struct rln_flow flow;

	(void)state;
	two_workers();
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rln_addr local = addr(bad[i][0], 20000), remote = addr(bad[i][1], 30000);

		assert_int_equal(rln_flow_init(w.net[0], &flow, &local, &remote), -ENETUNREACH);
	}
	world_end();
}

static void test_through_a_gateway(void **state)
{
	struct rln_flow flow;
	struct rte_mbuf *m;

	(void)state;
	world_defaults();
	world_route("0.0.0.0", 0, "198.18.0.2");
	world_start();
	know("198.18.0.2");
	flow = flow_from(0, "198.18.0.1", 20000, "203.0.113.1", 30000);
	rln_net_send(w.net[0], &flow, buffer("hello", 5));
	rln_net_flush(w.net[0]);
	m = sent_on(0);
	assert_non_null(m);
	assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[5], 2);
	assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[30], 203);
	rte_pktmbuf_free(m);
	world_end();
}

static void test_long_turns_are_counted(void **state)
{
	(void)state;
	two_workers();
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	w.now_ns += RLN_POLL_GAP_NS;
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	expect_count(POLL_GAP, 0);
	w.now_ns += RLN_POLL_GAP_NS + 1;
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	expect_count(POLL_GAP, 1);
	world_end();
}

static void test_no_buffer_for_a_question(void **state)
{
	struct rte_mbuf *all[BUFFERS], *m;
	struct rln_flow flow;
	unsigned n = 0;

	(void)state;
	two_workers();
	flow = flow_from(0, "198.18.0.1", 20000, "198.18.0.2", 30000);
	m = buffer("hello", 5);
	while ((all[n] = rte_pktmbuf_alloc(w.pool)))
		n++;
	rln_net_send(w.net[0], &flow, m); /* the question cannot be made; it is asked at the next retry */
	rte_pktmbuf_free_bulk(all, n);
	assert_int_equal(rln_net_held(w.net[0]), 1);
	w.now_ns += RLN_NEIGHBOUR_RETRY_NS;
	rln_net_housekeep(w.net[0], w.now_ns);
	assert_int_equal(rte_ring_count(w.tx[0]), 1);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_refuses_nonsense),
		cmocka_unit_test(test_a_burst_never_overflows),
		cmocka_unit_test(test_sources_take_turns),
		cmocka_unit_test(test_short_tx_bursts_keep_the_rest),
		cmocka_unit_test(test_what_the_device_never_took_is_counted_at_the_end),
		cmocka_unit_test(test_a_worker_without_queue_hands_frames_over),
		cmocka_unit_test(test_inside_to_a_leg_of_the_same_worker),
		cmocka_unit_test(test_inside_to_another_worker_and_to_control),
		cmocka_unit_test(test_inside_to_a_closed_port_comes_back),
		cmocka_unit_test(test_inside_queue_full),
		cmocka_unit_test(test_inside_left_over_at_the_end),
		cmocka_unit_test(test_only_what_there_is),
		cmocka_unit_test(test_flow_errors),
		cmocka_unit_test(test_through_a_gateway),
		cmocka_unit_test(test_long_turns_are_counted),
		cmocka_unit_test(test_no_buffer_for_a_question),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
