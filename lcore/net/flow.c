// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sending. A flow keeps the headers of one path ready, so a packet costs a copy of 42 to 66 bytes, two lengths and its
 * checksums. In the kept header each checksum field holds the one's complement sum of what never changes (RFC 1624's idea); a packet adds
 * its lengths and its data. The next hop's MAC in it is good as long as the neighbour's slot still has the flow's generation.
 *
 * owner: the flow's worker. A flow's datagrams say "don't fragment" with id 0 (RFC 6864 4.1); those of rln_net_send_to() may be cut on the way.
 */
#include <rte_udp.h>

#include "lcore/net/net_priv.h"

#define UDP_LEN        ((unsigned)sizeof(struct rte_udp_hdr))
#define V4_HEADERS_MAX (14 + 4 + 20 + 8) /* Ethernet, VLAN, IPv4, UDP; with IPv6 they are longer even without a VLAN */
_Static_assert(sizeof(((struct rln_flow *)0)->header) >= 14 + 4 + 40 + 8, "Ethernet, VLAN, IPv6, UDP");

/* By the header's length (42 or 46; 62 or 66), which stands in the line that a packet needs anyway. Not for inside flows. */
static bool is_v4(const struct rln_flow *flow)
{
	return flow->header_len <= V4_HEADERS_MAX;
}

static unsigned ip_len_of(bool v4)
{
	return v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

static void build_udp(const struct rln_net_port *port, struct rte_udp_hdr *h, const struct rln_flow *flow)
{
	uint32_t sum = rln_pseudo_sum(&flow->local, &flow->remote, IPPROTO_UDP);

	h->src_port = rte_cpu_to_be_16(flow->local.port);
	h->dst_port = rte_cpu_to_be_16(flow->remote.port);
	h->dgram_len = 0;
	/* A device adds ports, length and data to the pseudo-header by itself. */
	if (!(port->tx_offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM))
		sum += (uint32_t)h->src_port + h->dst_port;
	h->dgram_cksum = rln_sum_fold(sum);
}

static void build(const struct rln_net *net, struct rln_flow *flow, unsigned port, uint16_t fragment)
{
	const struct rln_net_port *p = rln_net_port(net, port);
	bool v4 = rln_addr_is_v4(&flow->local);
	unsigned l2 = rln_eth_len(p);
	uint8_t *ip = flow->header + l2;

	rln_eth_build(p, flow->header, NULL, v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	if (v4)
		rln_ipv4_build((struct rte_ipv4_hdr *)ip, rln_addr_v4_be(&flow->local), rln_addr_v4_be(&flow->remote),
			IPPROTO_UDP, fragment);
	else
		rln_ipv6_build((struct rte_ipv6_hdr *)ip, flow->local.ip, flow->remote.ip, IPPROTO_UDP, 64);
	build_udp(p, (struct rte_udp_hdr *)(ip + ip_len_of(v4)), flow);
	flow->header_len = (uint8_t)(l2 + ip_len_of(v4) + UDP_LEN);
}

static int init(struct rln_net *net, struct rln_flow *flow, const struct rln_addr *local, const struct rln_addr *remote,
	uint16_t fragment)
{
	struct rln_route route;

	memset(flow, 0, sizeof(*flow));
	flow->local = *local;
	flow->remote = *remote;
	if (rln_addr_is_v4(local) != rln_addr_is_v4(remote))
		return -ENETUNREACH;
	if (rln_net_is_local(net->shared, remote) >= 0) {
		flow->port = RLN_FLOW_LOCAL;
		return 0;
	}
	if (!rln_ip_is_ours(net, local) || rln_route_find(net->shared, remote, &route) < 0)
		return -ENETUNREACH;
	flow->port = route.port;
	build(net, flow, route.port, fragment);
	return 0;
}

int rln_flow_init(struct rln_net *net, struct rln_flow *flow, const struct rln_addr *local, const struct rln_addr *remote)
{
	return init(net, flow, local, remote, RTE_IPV4_HDR_DF_FLAG);
}

/* ---- a packet's own part ---- */

/* Constant lengths let the compiler copy in registers: v4, v4 with VLAN, v6, v6 with VLAN. */
static void copy_header(void *to, const struct rln_flow *flow)
{
	switch (flow->header_len) {
	case 42:
		memcpy(to, flow->header, 42);
		return;
	case 46:
		memcpy(to, flow->header, 46);
		return;
	case 62:
		memcpy(to, flow->header, 62);
		return;
	}
	memcpy(to, flow->header, flow->header_len);
}

/* Sum of the datagram's data, wherever its pieces are. */
static uint16_t data_sum(const struct rte_mbuf *m, unsigned from)
{
	uint16_t sum = 0;

	if (likely(m->nb_segs == 1))
		return rln_sum(rte_pktmbuf_mtod_offset(m, const void *, from), m->data_len - from);
	rte_raw_cksum_mbuf(m, from, m->pkt_len - from, &sum);
	return sum;
}

/* `port_sum`: the ports, which the kept sum lacks when the device was to add them. */
static void finish_udp(struct rte_udp_hdr *h, const struct rte_mbuf *m, unsigned from, uint32_t port_sum)
{
	uint32_t sum = h->dgram_cksum + port_sum + 2u * h->dgram_len + data_sum(m, from);
	uint16_t folded = (uint16_t)~rln_sum_fold(sum);

	h->dgram_cksum = folded ? folded : 0xffff; /* RFC 768: 0 means none */
}

/* Before fragmenting, nothing is left to the device: it could not sum up over several frames. `udp_sum`: known, or 0. */
static inline void complete(
	const struct rln_net_port *port, struct rte_mbuf *m, uint8_t *l3, bool v4, bool whole, uint16_t udp_sum)
{
	unsigned l2 = (unsigned)(l3 - rte_pktmbuf_mtod(m, uint8_t *)), ip = ip_len_of(v4), len = m->pkt_len - l2;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(l3 + ip);
	bool offload_udp = port->tx_offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	uint64_t flags = 0;

	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(len - ip));
	if (offload_udp && whole) {
		udp->dgram_cksum = rln_sum_fold((uint32_t)udp->dgram_cksum + udp->dgram_len);
		flags |= RTE_MBUF_F_TX_UDP_CKSUM | (v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
	} else if (udp_sum && whole) {
		udp->dgram_cksum = udp_sum;
	} else {
		finish_udp(udp, m, l2 + ip + UDP_LEN, offload_udp ? (uint32_t)udp->src_port + udp->dst_port : 0);
	}
	if (!v4) {
		((struct rte_ipv6_hdr *)l3)->payload_len = udp->dgram_len;
	} else if (port->tx_offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM && whole) {
		((struct rte_ipv4_hdr *)l3)->total_length = rte_cpu_to_be_16((uint16_t)len);
		((struct rte_ipv4_hdr *)l3)->hdr_checksum = 0;
		flags |= RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	} else {
		rln_ipv4_finish((struct rte_ipv4_hdr *)l3, len);
	}
	rln_mbuf_forget_offloads(m);
	m->ol_flags |= flags;
	m->l2_len = l2;
	m->l3_len = ip;
}

/* Headers before the data, in full. True when the frame may go as it is; it exceeds the MTU else. NULL header: counted and freed. */
static inline bool put_headers(
	struct rln_net *net, const struct rln_flow *flow, struct rte_mbuf *m, uint16_t udp_sum, uint8_t **header)
{
	const struct rln_net_port *port = rln_net_port(net, flow->port);
	unsigned ip = ip_len_of(is_v4(flow)), l2 = flow->header_len - ip - UDP_LEN;
	unsigned len = m->pkt_len + ip + UDP_LEN;
	bool whole = len <= port->mtu;

	*header = NULL;
	if (unlikely(len > UINT16_MAX)) {
		rln_net_drop(net, m, RLN_C_TXDROP_TOO_BIG);
		return false;
	}
	*header = (uint8_t *)rte_pktmbuf_prepend(m, flow->header_len);
	if (unlikely(!*header)) {
		rln_net_drop(net, m, RLN_C_TXDROP_NO_MBUF);
		return false;
	}
	copy_header(*header, flow);
	complete(port, m, *header + l2, is_v4(flow), whole, udp_sum);
	return whole;
}

/* ---- the next hop ---- */

/* Brings the flow's MAC up to date; NULL: no neighbour can be had. */
static struct rln_neighbour *refresh(struct rln_net *net, struct rln_flow *flow)
{
	struct rln_neighbour *n;
	struct rln_route route;

	if (rln_route_find(net->shared, &flow->remote, &route) < 0)
		return NULL;
	n = rln_neighbour_get(net, route.port, &route.next);
	if (n && rln_neighbour_has_mac(n)) {
		memcpy(flow->header, &n->mac, sizeof(n->mac));
		flow->neighbour = (uint16_t)(n - net->neighbours.slot);
		flow->neighbour_gen = n->gen;
	}
	return n;
}

/* A next hop that is not known yet, or a datagram longer than the MTU. */
static void send_slowly(struct rln_net *net, struct rln_flow *flow, struct rte_mbuf *m)
{
	struct rln_neighbour *n = refresh(net, flow);
	struct rte_mbuf *out[RLN_FRAGMENTS_OUT] = {m};
	unsigned count = 1;
	uint8_t *header;

	rln_pkt(m)->src = flow->local; /* for the note, should it come to nothing */
	rln_pkt(m)->dst = flow->remote;
	if (!n) {
		rln_net_count(net, RLN_C_TXDROP_NEIGHBOUR);
		rln_net_note_unreach(net, m, EHOSTUNREACH);
		return;
	}
	if (!put_headers(net, flow, m, 0, &header)) {
		if (!header)
			return;
		count = rln_fragment(net, flow->port, m, out);
	}
	for (unsigned i = 0; i < count; i++)
		rln_neighbour_send(net, n, out[i]);
}

static inline void send_by_flow(struct rln_net *net, struct rln_flow *flow, struct rte_mbuf *m, uint16_t udp_sum)
{
	struct rln_neighbour *n = &net->neighbours.slot[flow->neighbour];
	unsigned ip = ip_len_of(is_v4(flow));
	uint8_t *header;

	rln_net_count(net, RLN_C_OUT_PACKETS);
	if (unlikely(flow->port == RLN_FLOW_LOCAL)) {
		rln_net_inside(net, m, &flow->local, &flow->remote);
		return;
	}
	if (unlikely(n->gen != flow->neighbour_gen || m->pkt_len + ip + UDP_LEN > rln_net_port(net, flow->port)->mtu)) {
		send_slowly(net, flow, m);
		return;
	}
	n->used = 1;
	put_headers(net, flow, m, udp_sum, &header);
	if (likely(header != NULL))
		rln_net_transmit(net, flow->port, m);
}

void rln_net_send(struct rln_net *net, struct rln_flow *flow, struct rte_mbuf *m)
{
	send_by_flow(net, flow, m, 0);
}

void rln_net_send_summed(struct rln_net *net, struct rln_flow *flow, struct rte_mbuf *m, uint16_t udp_sum)
{
	send_by_flow(net, flow, m, udp_sum);
}

void rln_net_send_to(struct rln_net *net, struct rte_mbuf *m)
{
	struct rln_flow flow;

	if (init(net, &flow, &rln_pkt(m)->src, &rln_pkt(m)->dst, 0) < 0) {
		rln_net_count(net, RLN_C_OUT_PACKETS);
		rln_net_count(net, RLN_C_TXDROP_NO_ROUTE);
		rln_net_note_unreach(net, m, ENETUNREACH);
		return;
	}
	rln_net_send(net, &flow, m);
}
