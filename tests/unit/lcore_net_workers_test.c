// SPDX-License-Identifier: BSD-3-Clause
/*
 * Two workers on threads of their own and a control thread: datagrams cross between them by every ring at once, and when all have
 * stopped, what went in anywhere has come out in exactly one counter, summed over both. Not for the thread sanitizer: frames pass through the
 * ring driver and the pool, which are DPDK's own objects, and it cannot see what orders them.
 */
#include <pthread.h>
#include <stdlib.h>

#include "tests/unit/net_fixture.h"

#define DATAGRAMS 3000 /* from each worker's device queue */
#define HOPS      4    /* inside deliveries of each, from worker to worker */

/* To 198.18.0.1:20000 and :21000, payload "0": the hops so far. */
#define TO_0 "020000000001020000000002 0800 4500001d000000004011 eea8 c6120002c6120001 75304e20 0009 0000 30"
#define TO_1 "020000000001020000000002 0800 4500001d000000004011 eea8 c6120002c6120001 75305208 0009 0000 30"

static bool stop;
static uint64_t ended; /* datagrams that made all their hops, or were dropped for a full ring */

/* One turn of a wait; a minute is more than any machine needs. */
static void wait_on(const char *what)
{
	static uint64_t began;

	if (!began)
		began = rln_clock_ns();
	if (rln_clock_ns() - began > 60 * RLN_SEC) {
		fprintf(stderr, "%s: %lu of %u have ended\n", what, ended, 2 * DATAGRAMS);
		abort();
	}
	sched_yield();
}

static bool is_stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void end(void)
{
	__atomic_fetch_add(&ended, 1, __ATOMIC_RELAXED);
}

/* Sends it on to the other worker's leg, or, at its last hop, to control, which sends it to the wire. */
static void hop(unsigned k, struct rln_flow flow[2], struct rte_mbuf *m)
{
	uint8_t *n = rte_pktmbuf_mtod(m, uint8_t *);

	rln_counts_add(rln_net_counts(w.net[k]), RLN_C_EATEN_RTP_TURNED, 1);
	rln_net_send(w.net[k], &flow[++*n == '0' + HOPS], m);
}

static uint64_t dropped(unsigned k)
{
	return count_of(k, RLN_C_DROP_HANDOFF_FULL) + count_of(k, RLN_C_DROP_SIP_RING_FULL) +
	       count_of(k, RLN_C_TXDROP_LOCAL_FULL);
}

static void *worker(void *arg)
{
	unsigned k = (unsigned)(uintptr_t)arg;
	struct rln_addr us = addr("198.18.0.1", (uint16_t)(20000 + 1000 * k)),
			other = addr("198.18.0.1", (uint16_t)(21000 - 1000 * k)), sip = addr("198.18.0.1", 5060);
	uint64_t now_ns = RLN_SEC, drops = 0;
	struct rln_flow flow[2];
	struct rln_batch out;

	if (rln_flow_init(w.net[k], &flow[0], &us, &other) < 0 || rln_flow_init(w.net[k], &flow[1], &us, &sip) < 0)
		abort();
	while (!is_stopped()) {
		now_ns += 1000;
		rln_net_poll(w.net[k], &out, now_ns);
		for (unsigned i = 0; i < out.n; i++)
			hop(k, flow, out.m[i]);
		rln_net_flush(w.net[k]);
		for (uint64_t n = dropped(k); drops < n; drops++)
			end();
	}
	return NULL;
}

/* Control takes what ends; nothing goes back. */
static void *control(void *arg)
{
	(void)arg;
	while (!is_stopped()) {
		for (unsigned k = 0; k < 2; k++) {
			struct rte_mbuf *m = to_control(k);

			if (!m)
				continue;
			rte_pktmbuf_free(m);
			end();
		}
	}
	return NULL;
}

static void feed(void)
{
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		for (unsigned k = 0; k < 2; k++) {
			/* Half of them belong to the other worker. */
			struct rte_mbuf *m = frame((i + k) % 2 ? TO_1 : TO_0);

			while (rte_ring_enqueue(w.rx[k], m) != 0)
				wait_on("feeding");
		}
		while (rte_mempool_avail_count(w.pool) < 64)
			wait_on("feeding");
	}
}

static void test_all_rings_at_once(void **state)
{
	pthread_t threads[3];
	uint64_t given = 0, taken = 0;

	(void)state;
	rln_clock_init();
	world_defaults();
	w.shared.workers = 2;
	world_start();
	for (unsigned k = 0; k < 2; k++)
		assert_int_equal(pthread_create(&threads[k], NULL, worker, (void *)(uintptr_t)k), 0);
	assert_int_equal(pthread_create(&threads[2], NULL, control, NULL), 0);
	feed();
	while (__atomic_load_n(&ended, __ATOMIC_RELAXED) < 2 * DATAGRAMS)
		wait_on("ending");
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (unsigned k = 0; k < 2; k++) {
		expect_ledger(k, 0);
		given += count_of(k, RLN_C_HANDOFF_OUT);
		taken += count_of(k, RLN_C_HANDOFF_IN);
		assert_int_equal(count_of(k, RLN_C_RX_PACKETS), DATAGRAMS);
		assert_int_equal(count_of(k, RLN_C_TX_LOCAL), count_of(k, RLN_C_RX_LOCAL));
	}
	assert_int_equal(given, taken);
	assert_true(given > 0);
	assert_int_equal(ended, 2 * DATAGRAMS);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_rings_at_once),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
