// SPDX-License-Identifier: BSD-3-Clause
/*
 * Making and ending a worker's IP stack: the only place of lcore/net/ that allocates. Runs on the main thread, before and
 * after the lcores; what is still inside at the end is counted as dropped, so the ledger closes.
 */
#include <rte_random.h>
#include <rte_ring.h>

#include "lcore/bus.h"
#include "lcore/heap.h"
#include "lcore/net/net_priv.h"

_Static_assert(
	sizeof(((struct rln_net_shared *)0)->to_control) / sizeof(struct rte_ring *) == RLN_NET_WORKERS, "one ring per worker");

static void collect_addresses(struct rln_net *net)
{
	const struct rln_net_shared *s = net->shared;

	for (unsigned i = 0; i < s->addrs_n; i++) {
		const struct rln_addr *a = &s->addrs[i].addr;

		if (rln_addr_is_v4(a))
			net->v4[net->v4_n++] = rln_addr_v4_be(a);
		else
			memcpy(net->v6[net->v6_n++], a->ip, sizeof(a->ip));
	}
}

static void choose_queues(struct rln_net *net)
{
	for (unsigned p = 0; p < net->shared->ports_n; p++) {
		const struct rln_net_port *port = &net->shared->ports[p];
		struct rln_tx *tx = &net->tx[p];

		tx->queue = net->worker;
		tx->via = net->worker < port->tx_queues ? -1 : (int16_t)(net->worker % port->tx_queues);
	}
}

static void choose_stages(struct rln_net *net)
{
	for (unsigned w = 0; w < net->shared->workers; w++)
		net->stage[w].ring = net->shared->handoff[net->worker][w];
	net->stage[RLN_NET_CONTROL_STAGE].ring = net->shared->to_control[net->worker];
}

static bool is_sane(const struct rln_net_shared *s, unsigned worker)
{
	if (s->workers == 0 || s->workers > RLN_NET_WORKERS || worker >= s->workers || !s->pool || !s->owner_of)
		return false;
	if (s->ports_n > RLN_NET_PORTS || s->addrs_n > RLN_NET_ADDRS || s->routes_n > RLN_NET_ROUTES)
		return false;
	for (unsigned i = 0; i < s->addrs_n; i++)
		if (s->addrs[i].port >= s->ports_n || s->addrs[i].len > 128)
			return false;
	for (unsigned i = 0; i < s->routes_n; i++)
		if (s->routes[i].to.port >= s->ports_n || s->routes[i].to.len > 128)
			return false;
	for (unsigned p = 0; p < s->ports_n; p++)
		if (s->ports[p].tx_queues == 0 || s->ports[p].mtu < 68)
			return false;
	return rte_pktmbuf_priv_size(s->pool) >= RLN_PKT_PRIV;
}

int rln_net_create(struct rln_net **out, struct rln_net_shared *shared, unsigned worker)
{
	struct rln_net *net;

	if (!is_sane(shared, worker))
		return -EINVAL;
	net = rln_zalloc(sizeof(*net));
	if (!net)
		return -ENOMEM;
	net->shared = shared;
	net->worker = (uint8_t)worker;
	net->counts = rln_counts_of(RLN_ENDPOINT_WORKER0 + worker);
	net->ip_id = (uint16_t)rte_rand();
	net->ip6_id = (uint32_t)rte_rand();
	net->icmp_tokens = RLN_ICMP_BURST;
	collect_addresses(net);
	choose_queues(net);
	choose_stages(net);
	rln_net_choose_sources(net);
	rln_neighbours_init(&net->neighbours, (uint32_t)rte_rand());
	*out = net;
	return 0;
}

void rln_net_destroy(struct rln_net *net)
{
	if (!net)
		return;
	rln_net_discard(net);
	rln_neighbour_flush(net);
	rln_reassembly_flush(net);
	rln_free(net);
}
