/* SPDX-License-Identifier: BSD-3-Clause */
/* The generator's device and frames: Ethernet, ARP, IPv4, UDP, nothing else. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_arp.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "bench/gen/gen.h"

#define HEADERS (sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* EAL's figure is rounded to 10 MHz; ours is measured over 200 ms. */
static double measure_hz(void)
{
	uint64_t t0 = monotonic_ns(), c0 = rte_rdtsc(), t1;

	do
		t1 = monotonic_ns();
	while (t1 - t0 < 200000000u);
	return (double)(rte_rdtsc() - c0) * 1e9 / (double)(t1 - t0);
}

uint64_t gen_ns(const struct gen *g)
{
	return (uint64_t)((double)rte_rdtsc() / g->hz * 1e9);
}

static void arp_write(struct gen *g, struct rte_mbuf *m, uint16_t op, const struct rte_ether_addr *to, uint32_t to_be)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, sizeof(*eth) + sizeof(struct rte_arp_hdr));
	struct rte_arp_hdr *arp = (struct rte_arp_hdr *)(eth + 1);

	eth->dst_addr = *to;
	eth->src_addr = g->mac;
	eth->ether_type = htons(RTE_ETHER_TYPE_ARP);
	arp->arp_hardware = htons(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = htons(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = RTE_ETHER_ADDR_LEN;
	arp->arp_plen = sizeof(uint32_t);
	arp->arp_opcode = htons(op);
	arp->arp_data.arp_sha = g->mac;
	arp->arp_data.arp_sip = g->local_be;
	arp->arp_data.arp_tha = *to;
	arp->arp_data.arp_tip = to_be;
}

static void arp_send(struct gen *g, uint16_t op, const struct rte_ether_addr *to, uint32_t to_be)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(g->pool);

	if (!m)
		return;
	arp_write(g, m, op, to, to_be);
	gen_send(g, m);
	gen_flush(g);
}

static void arp_input(struct gen *g, struct rte_mbuf *m)
{
	struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(m, struct rte_arp_hdr *, sizeof(struct rte_ether_hdr));

	if (m->data_len < sizeof(struct rte_ether_hdr) + sizeof(*arp) || arp->arp_data.arp_tip != g->local_be)
		return;
	if (arp->arp_data.arp_sip == g->peer_be)
		g->peer_mac = arp->arp_data.arp_sha;
	if (arp->arp_opcode == htons(RTE_ARP_OP_REQUEST))
		arp_send(g, RTE_ARP_OP_REPLY, &arp->arp_data.arp_sha, arp->arp_data.arp_sip);
}

struct rte_mbuf *gen_udp(struct gen *g, uint16_t src, uint16_t dst, unsigned len, char **payload)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(g->pool);
	struct rte_ether_hdr *eth;
	struct rte_ipv4_hdr *ip;
	struct rte_udp_hdr *udp;

	if (!m)
		return NULL;
	eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, (uint16_t)(HEADERS + len));
	ip = (struct rte_ipv4_hdr *)(eth + 1);
	udp = (struct rte_udp_hdr *)(ip + 1);
	eth->dst_addr = g->peer_mac;
	eth->src_addr = g->mac;
	eth->ether_type = htons(RTE_ETHER_TYPE_IPV4);
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
		.total_length = htons((uint16_t)(HEADERS - sizeof(*eth) + len)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = g->local_be,
		.dst_addr = g->peer_be};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	*udp = (struct rte_udp_hdr){htons(src), htons(dst), htons((uint16_t)(sizeof(*udp) + len)), 0};
	*payload = (char *)(udp + 1);
	return m;
}

void gen_finish(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	udp->dgram_cksum = 0;
	udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
}

void gen_flush(struct gen *g)
{
	unsigned sent = 0;
	uint64_t give_up = gen_ns(g) + 1000000000u;

	while (sent < g->out_n && gen_ns(g) < give_up)
		sent += rte_eth_tx_burst(g->port, 0, g->out + sent, (uint16_t)(g->out_n - sent));
	g->tx += sent;
	g->tx_refused += g->out_n - sent;
	if (sent < g->out_n)
		rte_pktmbuf_free_bulk(g->out + sent, g->out_n - sent);
	g->out_n = 0;
}

void gen_send(struct gen *g, struct rte_mbuf *m)
{
	g->out[g->out_n++] = m;
	if (g->out_n == 32)
		gen_flush(g);
}

unsigned gen_poll(struct gen *g, void (*take)(void *arg, const struct gen_datagram *d), void *arg)
{
	struct rte_mbuf *m[64];
	uint16_t n = rte_eth_rx_burst(g->port, 0, m, 64);

	for (uint16_t i = 0; i < n; i++) {
		struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m[i], struct rte_ether_hdr *);
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
		struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

		if (i + 1 < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + 1], void *));
		if (eth->ether_type == htons(RTE_ETHER_TYPE_ARP)) {
			arp_input(g, m[i]);
		} else if (eth->ether_type == htons(RTE_ETHER_TYPE_IPV4) && ip->next_proto_id == IPPROTO_UDP &&
			   m[i]->data_len >= HEADERS && ip->dst_addr == g->local_be) {
			struct gen_datagram d = {ntohs(udp->src_port), ntohs(udp->dst_port),
				(uint16_t)(ntohs(udp->dgram_len) - sizeof(*udp)), (char *)(udp + 1)};

			if (d.len <= m[i]->data_len - HEADERS)
				take(arg, &d);
		} else {
			g->rx_foreign++;
		}
	}
	g->rx += n;
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static void take_nothing(void *arg, const struct gen_datagram *d)
{
	(void)arg;
	(void)d;
}

static int find_peer(struct gen *g, const struct gen_options *o)
{
	static const struct rte_ether_addr all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, none;

	if (o->peer_mac)
		return rte_ether_unformat_addr(o->peer_mac, &g->peer_mac);
	for (int try = 0; try < 100; try++) {
		uint64_t until = gen_ns(g) + 100000000u;

		arp_send(g, RTE_ARP_OP_REQUEST, &all, g->peer_be);
		while (gen_ns(g) < until) {
			gen_poll(g, take_nothing, NULL);
			if (memcmp(&g->peer_mac, &none, sizeof(none)) != 0)
				return 0;
		}
	}
	fprintf(stderr, "gen: %s does not answer ARP\n", g->peer);
	return -EHOSTUNREACH;
}

/* A memif client connects when it is started and only then; the peer must be up already. */
static int wait_link(struct gen *g)
{
	struct rte_eth_link link = {0};
	uint64_t give_up = gen_ns(g) + 10000000000ull;

	while (!link.link_status && gen_ns(g) < give_up)
		rte_eth_link_get_nowait(g->port, &link);
	return link.link_status ? 0 : -ENOTCONN;
}

int gen_open(struct gen *g, const struct gen_options *o)
{
	struct rte_eth_conf conf = {0};
	uint16_t descriptors_rx = 2048, descriptors_tx = 2048;
	int rc;

	snprintf(g->local, sizeof(g->local), "%s", o->local);
	snprintf(g->peer, sizeof(g->peer), "%s", o->peer);
	if (inet_pton(AF_INET, o->local, &g->local_be) != 1 || inet_pton(AF_INET, o->peer, &g->peer_be) != 1)
		return -EINVAL;
	if (rte_eth_dev_count_avail() < 1)
		return -ENODEV;
	g->hz = measure_hz();
	g->pool = rte_pktmbuf_pool_create("gen", 32767, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (!g->pool)
		return -ENOMEM;
	rc = rte_eth_dev_configure(g->port, 1, 1, &conf);
	if (rc == 0)
		rc = rte_eth_dev_adjust_nb_rx_tx_desc(g->port, &descriptors_rx, &descriptors_tx);
	if (rc == 0)
		rc = rte_eth_rx_queue_setup(g->port, 0, descriptors_rx, 0, NULL, g->pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(g->port, 0, descriptors_tx, 0, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(g->port);
	if (rc == 0)
		rc = rte_eth_macaddr_get(g->port, &g->mac);
	rte_eth_promiscuous_enable(g->port);
	if (rc == 0)
		rc = wait_link(g);
	return rc == 0 ? find_peer(g, o) : rc;
}

void gen_close(struct gen *g)
{
	rte_eth_dev_stop(g->port);
	rte_eth_dev_close(g->port);
}
