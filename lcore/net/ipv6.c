// SPDX-License-Identifier: BSD-3-Clause
/*
 * IPv6 (RFC 8200): checks, fragments to reassembly, the rest to UDP and ICMPv6. No extension header but Fragment, directly after
 * the fixed one, is accepted: none has a use for SIP or RTP, and chains of them are how filters are fooled.
 */
#include "lcore/net/net_priv.h"

#define FRAGMENT_MORE 1

static void to_addr(struct rln_addr *a, const uint8_t ip[16])
{
	memcpy(a->ip, ip, sizeof(a->ip));
	a->port = 0;
}

void rln_ipv6_build(struct rte_ipv6_hdr *h, const uint8_t src[16], const uint8_t dst[16], uint8_t proto, uint8_t hops)
{
	h->vtc_flow = rte_cpu_to_be_32(6u << 28);
	h->payload_len = 0;
	h->proto = proto;
	h->hop_limits = hops;
	memcpy(h->src_addr, src, sizeof(h->src_addr));
	memcpy(h->dst_addr, dst, sizeof(h->dst_addr));
}

/* Multicast, loopback, and IPv4-mapped: the last would pass for an IPv4 peer inside (RFC 4942 2.2). `::` may ask, by ND alone. */
static bool is_bad_source(const struct rln_addr *a, uint8_t proto)
{
	return a->ip[0] == 0xff || rln_addr_is_v4(a) || rln_net_is_loopback(a) || (rln_addr_is_any(a) && proto != IPPROTO_ICMPV6);
}

/* All nodes, or the solicited-node group of an address of ours (RFC 4861 7.2.1). */
static bool is_our_group(const struct rln_net *net, const struct rln_addr *a)
{
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
	static const uint8_t solicited[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

	if (memcmp(a->ip, all_nodes, sizeof(all_nodes)) == 0)
		return true;
	if (memcmp(a->ip, solicited, sizeof(solicited)) != 0)
		return false;
	for (unsigned i = 0; i < net->v6_n; i++)
		if (memcmp(net->v6[i] + 13, a->ip + 13, 3) == 0)
			return true;
	return false;
}

static bool check(struct rln_net *net, struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	unsigned total;

	if (m->data_len < sizeof(*h) || rte_be_to_cpu_32(h->vtc_flow) >> 28 != 6) {
		rln_net_drop(net, m, RLN_C_DROP_IP_HEADER);
		return false;
	}
	total = sizeof(*h) + rte_be_to_cpu_16(h->payload_len);
	if (total > m->data_len) {
		rln_net_drop(net, m, RLN_C_DROP_IP_TRUNCATED);
		return false;
	}
	if (unlikely(m->data_len > total)) /* Ethernet's padding */
		rte_pktmbuf_trim(m, (uint16_t)(m->data_len - total));
	return true;
}

static void dispatch(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	switch (ip->proto) {
	case IPPROTO_UDP:
		if (unlikely(ip->multicast))
			rln_net_drop(net, m, RLN_C_DROP_IP_NOT_OURS);
		else
			rln_udp_input(net, m, ip);
		return;
	case IPPROTO_ICMPV6:
		rln_icmp6_input(net, m, ip);
		return;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
		rln_net_drop(net, m, RLN_C_DROP_IP_OPTIONS);
		return;
	}
	rln_net_drop(net, m, RLN_C_DROP_IP_PROTO);
}

static void input_fragment(struct rln_net *net, struct rte_mbuf *m, struct rln_ip *ip)
{
	const struct rte_ipv6_fragment_ext *e = rte_pktmbuf_mtod(m, const struct rte_ipv6_fragment_ext *);
	struct rln_fragment f;
	uint16_t bits;

	if (m->data_len < sizeof(*e)) {
		rln_net_drop(net, m, RLN_C_DROP_IP_HEADER);
		return;
	}
	bits = rte_be_to_cpu_16(e->frag_data);
	f = (struct rln_fragment){.id = rte_be_to_cpu_32(e->id), .offset = bits & 0xfff8, .more = bits & FRAGMENT_MORE};
	ip->proto = e->next_header;
	ip->l4_good = false;
	ip->header_len = 0;
	rte_pktmbuf_adj(m, sizeof(*e));
	if (f.offset || f.more) /* a lone one, "atomic", is whole already (RFC 6946) */
		m = rln_reassembly_add(net, m, ip, &f);
	if (m)
		dispatch(net, m, ip);
}

void rln_ipv6_input(struct rln_net *net, struct rte_mbuf *m, struct rln_ip *ip)
{
	const struct rte_ipv6_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	struct rln_pkt *pkt = rln_pkt(m);

	if (!check(net, m))
		return;
	to_addr(&pkt->src, h->src_addr);
	to_addr(&pkt->dst, h->dst_addr);
	ip->v6 = true;
	ip->proto = h->proto;
	ip->hops = h->hop_limits;
	ip->header_len = sizeof(*h);
	ip->multicast = pkt->dst.ip[0] == 0xff;
	if (!(ip->multicast ? is_our_group(net, &pkt->dst) : !rln_addr_is_v4(&pkt->dst) && rln_ip_is_ours(net, &pkt->dst))) {
		rln_net_drop(net, m, RLN_C_DROP_IP_NOT_OURS);
		return;
	}
	/* Ours from outside: to ND that is a conflict to count, to all others a forgery. */
	if (is_bad_source(&pkt->src, ip->proto) || (ip->proto != IPPROTO_ICMPV6 && rln_ip_is_ours(net, &pkt->src))) {
		rln_net_drop(net, m, RLN_C_DROP_IP_SOURCE);
		return;
	}
	rte_pktmbuf_adj(m, sizeof(*h));
	if (unlikely(ip->proto == IPPROTO_FRAGMENT))
		input_fragment(net, m, ip);
	else
		dispatch(net, m, ip);
}
