// SPDX-License-Identifier: BSD-3-Clause
/* IPv4 (RFC 791, 1122): checks, fragments to reassembly, the rest to UDP and ICMP. Options are stepped over, as RFC 1122 3.2.1.8 allows a host. */
#include "lcore/net/net_priv.h"

bool rln_ip_is_ours(const struct rln_net *net, const struct rln_addr *addr)
{
	if (rln_addr_is_v4(addr)) {
		uint32_t be = rln_addr_v4_be(addr);

		for (unsigned i = 0; i < net->v4_n; i++)
			if (net->v4[i] == be)
				return true;
		return false;
	}
	for (unsigned i = 0; i < net->v6_n; i++)
		if (memcmp(net->v6[i], addr->ip, sizeof(net->v6[i])) == 0)
			return true;
	return false;
}

uint32_t rln_pseudo_sum(const struct rln_addr *src, const struct rln_addr *dst, uint8_t proto)
{
	bool v4 = rln_addr_is_v4(src);
	unsigned from = v4 ? 12 : 0, len = v4 ? 4 : 16;
	uint32_t sum = __rte_raw_cksum(src->ip + from, len, rte_cpu_to_be_16(proto));

	return __rte_raw_cksum_reduce(__rte_raw_cksum(dst->ip + from, len, sum));
}

uint16_t rln_l4_sum(const struct rte_mbuf *m, const struct rln_addr *src, const struct rln_addr *dst, uint8_t proto)
{
	/* Lengths beyond 65,535 do not get here. */
	uint32_t sum = rln_pseudo_sum(src, dst, proto) + rte_cpu_to_be_16((uint16_t)m->pkt_len);
	uint16_t data = 0;

	if (likely(m->nb_segs == 1))
		data = rln_sum(rte_pktmbuf_mtod(m, const void *), m->data_len);
	else
		rte_raw_cksum_mbuf(m, 0, m->pkt_len, &data);
	return rln_sum_fold(sum + data);
}

void rln_ipv4_build(struct rte_ipv4_hdr *h, uint32_t src_be, uint32_t dst_be, uint8_t proto, uint16_t fragment)
{
	memset(h, 0, sizeof(*h));
	h->version_ihl = RTE_IPV4_VHL_DEF;
	h->fragment_offset = rte_cpu_to_be_16(fragment);
	h->time_to_live = 64;
	h->next_proto_id = proto;
	h->src_addr = src_be;
	h->dst_addr = dst_be;
	h->hdr_checksum = rln_sum(h, sizeof(*h));
}

void rln_ipv4_finish(struct rte_ipv4_hdr *h, unsigned total)
{
	h->total_length = rte_cpu_to_be_16((uint16_t)total);
	h->hdr_checksum = (uint16_t)~rln_sum_fold((uint32_t)h->hdr_checksum + h->total_length);
}

/* Source addresses that no packet from outside may have (RFC 1122 3.2.1.3). */
static bool is_bad_source(uint32_t be)
{
	uint8_t first = (uint8_t)(rte_be_to_cpu_32(be) >> 24);

	return first == 0 || first == 127 || first >= 224;
}

/* Length of the header; 0: counted and freed. */
static unsigned check(struct rln_net *net, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	unsigned len, total;

	if (m->data_len < sizeof(*h)) {
		rln_net_drop(net, m, RLN_C_DROP_IP_HEADER);
		return 0;
	}
	len = rte_ipv4_hdr_len(h);
	total = rte_be_to_cpu_16(h->total_length);
	if (h->version_ihl >> 4 != 4 || len < sizeof(*h) || total < len) {
		rln_net_drop(net, m, RLN_C_DROP_IP_HEADER);
		return 0;
	}
	if (total > m->data_len) {
		rln_net_drop(net, m, RLN_C_DROP_IP_TRUNCATED);
		return 0;
	}
	if ((m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) != RTE_MBUF_F_RX_IP_CKSUM_GOOD && !rln_sum_is_good(rln_sum(h, len))) {
		rln_net_drop(net, m, RLN_C_DROP_IP_CHECKSUM);
		return 0;
	}
	if (unlikely(m->data_len > total)) /* Ethernet's padding */
		rte_pktmbuf_trim(m, (uint16_t)(m->data_len - total));
	return len;
}

static void dispatch(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	if (likely(ip->proto == IPPROTO_UDP))
		rln_udp_input(net, m, ip);
	else if (ip->proto == IPPROTO_ICMP)
		rln_icmp4_input(net, m, ip);
	else
		rln_net_drop(net, m, RLN_C_DROP_IP_PROTO);
}

static void input_fragment(struct rln_net *net, struct rte_mbuf *m, struct rln_ip *ip, uint16_t bits, uint16_t id)
{
	struct rln_fragment f = {
		.id = id,
		.offset = (uint16_t)((bits & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS),
		.more = bits & RTE_IPV4_HDR_MF_FLAG,
	};

	ip->l4_good = false;
	ip->header_len = 0;
	m = rln_reassembly_add(net, m, ip, &f);
	if (m)
		dispatch(net, m, ip);
}

void rln_ipv4_input(struct rln_net *net, struct rte_mbuf *m, struct rln_ip *ip)
{
	const struct rte_ipv4_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct rln_pkt *pkt = rln_pkt(m);
	unsigned len = check(net, m);
	uint16_t bits, id;

	if (len == 0)
		return;
	rln_addr_from_v4(&pkt->src, h->src_addr, 0);
	rln_addr_from_v4(&pkt->dst, h->dst_addr, 0);
	/* RFC 1122 3.3.6: to us by IP, to everybody by Ethernet, is nobody's. */
	if (ip->multicast || !rln_ip_is_ours(net, &pkt->dst)) {
		rln_net_drop(net, m, RLN_C_DROP_IP_NOT_OURS);
		return;
	}
	if (is_bad_source(h->src_addr) || rln_ip_is_ours(net, &pkt->src)) {
		rln_net_drop(net, m, RLN_C_DROP_IP_SOURCE);
		return;
	}
	ip->proto = h->next_proto_id;
	ip->header_len = (uint8_t)len;
	bits = rte_be_to_cpu_16(h->fragment_offset);
	id = rte_be_to_cpu_16(h->packet_id);
	rte_pktmbuf_adj(m, (uint16_t)len);
	if (unlikely(bits & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)))
		input_fragment(net, m, ip, bits, id);
	else
		dispatch(net, m, ip);
}
