/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A world for tests of the IP stack: one port made of rings (what we put into `rx` the device receives, what it sends stands in `tx`), one
 * or two workers, frames written as hex. Each test ends with world_end(): the ledger of every worker agrees and no buffer is missing.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "lcore/bus.h"
#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/net/net_priv.h"

#define UNUSED __attribute__((unused))
#define OUR_MAC "020000000001"
#define PEER_MAC "020000000002"
#define BUFFERS 2047
#define QUEUES 2

struct world {
	struct rln_net_shared shared;
	struct rln_net *net[QUEUES];
	struct rln_batch out;
	uint64_t now_ns;
	uint16_t device;
	struct rte_ring *rx[QUEUES], *tx[QUEUES];
	struct rte_mempool *pool;
};

static struct world w;

/* 5060 is control's; 20000 to 20999 belong to worker 0, 21000 to 21999 to worker 1. */
static UNUSED int owner_of(const void *arg, const struct rln_addr *local)
{
	(void)arg;
	if (local->port == 5060)
		return RLN_NET_CONTROL;
	return local->port >= 20000 && local->port < 22000 ? (local->port - 20000) / 1000 : RLN_NET_NOBODY;
}

static UNUSED struct rln_addr addr(const char *text, uint16_t port)
{
	struct rln_addr a;

	assert_int_equal(rln_addr_parse(&a, text, strlen(text)), 0);
	a.port = port;
	return a;
}

static UNUSED unsigned from_hex(const char *hex, uint8_t *out, size_t size)
{
	unsigned n = 0;

	for (const char *p = hex; *p;) {
		unsigned byte;

		if (*p == ' ') {
			p++;
			continue;
		}
		assert_true(n < size);
		assert_int_equal(sscanf(p, "%2x", &byte), 1);
		out[n++] = (uint8_t)byte;
		p += 2;
	}
	return n;
}

static UNUSED struct rte_mbuf *buffer(const void *data, unsigned len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w.pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	return m;
}

static UNUSED struct rte_mbuf *frame(const char *hex)
{
	uint8_t bytes[2048];

	return buffer(bytes, from_hex(hex, bytes, sizeof(bytes)));
}

static UNUSED void put(unsigned queue, struct rte_mbuf *m)
{
	assert_int_equal(rte_ring_enqueue(w.rx[queue], m), 0);
}

/* The frame is received by worker 0; whatever it left for itself stays in w.out. */
static UNUSED void receive(const char *hex)
{
	put(0, frame(hex));
	rln_net_poll(w.net[0], &w.out, w.now_ns);
	rln_net_flush(w.net[0]);
}

static UNUSED struct rte_mbuf *sent_on(unsigned queue)
{
	void *m = NULL;

	if (rte_ring_dequeue(w.tx[queue], &m) != 0)
		return NULL;
	return m;
}

static UNUSED void expect_bytes(struct rte_mbuf *m, const uint8_t *expected, unsigned n)
{
	assert_non_null(m);
	if (m->pkt_len != n || memcmp(rte_pktmbuf_mtod(m, void *), expected, n) != 0) {
		rte_pktmbuf_dump(stderr, m, m->pkt_len);
		fprintf(stderr, "expected %u bytes:", n);
		for (unsigned i = 0; i < n; i++)
			fprintf(stderr, "%s%02x", i % 16 ? " " : "\n", expected[i]);
		fprintf(stderr, "\n");
		fail_msg("another frame than expected");
	}
	rte_pktmbuf_free(m);
}

/* The next frame out of queue 0 is exactly this. */
static UNUSED void expect_sent(const char *hex)
{
	uint8_t bytes[2048];
	unsigned n = from_hex(hex, bytes, sizeof(bytes));

	expect_bytes(sent_on(0), bytes, n);
}

static UNUSED void expect_nothing_sent(void)
{
	for (unsigned q = 0; q < QUEUES; q++)
		assert_int_equal(rte_ring_count(w.tx[q]), 0);
}

static UNUSED uint64_t count_of(unsigned worker, enum rln_counter counter)
{
	return rln_counts_of(RLN_ENDPOINT_WORKER0 + worker)->v[counter];
}

#define expect_count(counter, n) assert_int_equal(count_of(0, RLN_C_##counter), n)

/* What a leg does with a datagram: here it only counts it. */
static UNUSED void eat(unsigned worker, struct rte_mbuf *m)
{
	if (rln_pkt(m)->op != RLN_PKT_UNREACH)
		rln_counts_add(rln_net_counts(w.net[worker]), RLN_C_EATEN_RTP, 1);
	rte_pktmbuf_free(m);
}

static UNUSED void eat_all(unsigned worker)
{
	for (unsigned i = 0; i < w.out.n; i++)
		eat(worker, w.out.m[i]);
	w.out.n = 0;
}

static UNUSED struct rte_mbuf *to_control(unsigned worker)
{
	void *m = NULL;

	return rte_ring_dequeue(w.shared.to_control[worker], &m) == 0 ? m : NULL;
}

static UNUSED void expect_addr(const struct rln_addr *a, const char *text)
{
	char buf[RLN_ADDR_TEXT];

	assert_string_equal(rln_addr_text(a, buf), text);
}

static UNUSED void world_ring(struct rte_ring **ring, const char *name, unsigned size)
{
	*ring = rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(*ring);
}

static UNUSED int world_group_setup(void **state)
{
	char *args[] = {"test", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "64", "--lcores", "0", "--log-level", "3", NULL};
	struct rte_eth_conf conf = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_NONE}};
	int device;

	(void)state;
	assert_true(rte_eal_init(11, args) >= 0);
	w.pool = rte_pktmbuf_pool_create("test", BUFFERS, 0, RLN_PKT_PRIV, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	assert_non_null(w.pool);
	world_ring(&w.rx[0], "rx0", 1024);
	world_ring(&w.rx[1], "rx1", 1024);
	world_ring(&w.tx[0], "tx0", 64);
	world_ring(&w.tx[1], "tx1", 64);
	device = rte_eth_from_rings("world", w.rx, QUEUES, w.tx, QUEUES, 0);
	assert_true(device >= 0);
	w.device = (uint16_t)device;
	assert_int_equal(rte_eth_dev_configure(w.device, QUEUES, QUEUES, &conf), 0);
	for (uint16_t q = 0; q < QUEUES; q++) {
		assert_int_equal(rte_eth_rx_queue_setup(w.device, q, 64, 0, NULL, w.pool), 0);
		assert_int_equal(rte_eth_tx_queue_setup(w.device, q, 64, 0, NULL), 0);
	}
	assert_int_equal(rte_eth_dev_start(w.device), 0);
	world_ring(&w.shared.handoff[0][1], "h01", 64);
	world_ring(&w.shared.handoff[1][0], "h10", 64);
	for (unsigned k = 0; k < QUEUES; k++) {
		world_ring(&w.shared.to_control[k], k ? "tc1" : "tc0", 64);
		world_ring(&w.shared.from_control[k], k ? "fc1" : "fc0", 64);
	}
	return 0;
}

static UNUSED int world_group_teardown(void **state)
{
	(void)state;
	rte_eth_dev_stop(w.device);
	rte_eth_dev_close(w.device);
	return rte_eal_cleanup();
}

static UNUSED void world_address(const char *text, unsigned len)
{
	struct rln_net_prefix *p = &w.shared.addrs[w.shared.addrs_n++];

	p->addr = addr(text, 0);
	p->len = (uint8_t)(len + (rln_addr_is_v4(&p->addr) ? 96 : 0));
	p->port = 0;
}

static UNUSED void world_route(const char *to, unsigned len, const char *gateway)
{
	struct rln_net_route *r = &w.shared.routes[w.shared.routes_n++];

	r->to.addr = addr(to, 0);
	r->to.len = (uint8_t)(len + (rln_addr_is_v4(&r->to.addr) ? 96 : 0));
	r->to.port = 0;
	r->gateway = addr(gateway, 0);
}

/* 198.18.0.1/24 and 2001:db8::1/64 on one untagged port; tests change w.shared before world_start(). */
static UNUSED void world_defaults(void)
{
	struct rln_net_port *p = &w.shared.ports[0];

	w.shared.workers = 1;
	w.shared.ports_n = 1;
	w.shared.addrs_n = w.shared.routes_n = 0;
	w.shared.pool = w.pool;
	w.shared.owner_of = owner_of;
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "world");
	p->device = w.device;
	from_hex(OUR_MAC, p->mac.addr_bytes, 6);
	p->mtu = 1500;
	p->rx_queues = p->tx_queues = QUEUES;
	world_address("198.18.0.1", 24);
	world_address("2001:db8::1", 64);
	w.now_ns = RLN_SEC;
	w.out.n = 0;
}

static UNUSED void world_start(void)
{
	rln_counts_reset();
	for (unsigned k = 0; k < w.shared.workers; k++) {
		assert_int_equal(rln_net_create(&w.net[k], &w.shared, k), 0);
		rln_net_poll(w.net[k], &w.out, w.now_ns); /* tells it the time */
	}
}

static UNUSED void drain(struct rte_ring *ring)
{
	void *m;

	while (rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
}

static UNUSED void expect_ledger(unsigned worker, unsigned in_hand)
{
	struct rln_net_ledger l;

	if (!rln_net_check(w.net[worker], in_hand, &l))
		fail_msg("worker %u: in %lu = %lu + %lu held, out %lu = %lu + %lu held", worker, l.in, l.in_ends, l.in_held, l.out, l.out_ends,
			l.out_held);
}

static UNUSED void world_end(void)
{
	eat_all(0);
	for (unsigned k = 0; k < w.shared.workers; k++)
		expect_ledger(k, 0);
	for (unsigned k = 0; k < w.shared.workers; k++) {
		rln_net_destroy(w.net[k]);
		w.net[k] = NULL;
	}
	for (unsigned k = 0; k < QUEUES; k++) {
		drain(w.rx[k]);
		drain(w.tx[k]);
		drain(w.shared.to_control[k]);
		drain(w.shared.from_control[k]);
	}
	drain(w.shared.handoff[0][1]);
	drain(w.shared.handoff[1][0]);
	assert_int_equal(rte_mempool_avail_count(w.pool), BUFFERS);
}

static UNUSED int world_setup(void **state)
{
	(void)state;
	world_defaults();
	world_start();
	return 0;
}

/* Our neighbour 198.18.0.2 or 2001:db8::2 is known from here on. */
static UNUSED void know(const char *text)
{
	struct rln_addr a = addr(text, 0);
	struct rte_ether_addr mac;

	from_hex(PEER_MAC, mac.addr_bytes, 6);
	rln_neighbour_learn(w.net[0], 0, &a, &mac, RLN_LEARN_CREATE | RLN_LEARN_OVERRIDE | RLN_LEARN_CONFIRMED);
}
