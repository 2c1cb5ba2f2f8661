// SPDX-License-Identifier: BSD-3-Clause
/* UDP on receive (RFC 768, 8200 8.1): length, checksum, ports; then to the owner of the port. */
#include <rte_udp.h>

#include "lcore/net/net_priv.h"

/*
 * Whether the checksum holds. Kernel senders on veth leave only the pseudo-header's sum in the field, for a device to finish
 * that never comes; on ports marked partial_ok such a packet passes and is counted.
 */
static bool is_sum_good(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	const struct rte_udp_hdr *h = rte_pktmbuf_mtod(m, const struct rte_udp_hdr *);
	struct rln_pkt *pkt = rln_pkt(m);
	uint32_t pseudo;

	pkt->udp_sum = h->dgram_cksum;
	if (h->dgram_cksum == 0)
		return !ip->v6;
	if (ip->l4_good || rln_sum_is_good(rln_l4_sum(m, &pkt->src, &pkt->dst, IPPROTO_UDP)))
		return true;
	if (!rln_net_port(net, ip->port)->partial_ok)
		return false;
	pseudo = rln_pseudo_sum(&pkt->src, &pkt->dst, IPPROTO_UDP) + h->dgram_len;
	if (h->dgram_cksum != rln_sum_fold(pseudo))
		return false;
	pkt->udp_sum = 0;
	rln_net_count(net, RLN_C_UDP_CHECKSUM_PARTIAL);
	return true;
}

void rln_udp_input(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	const struct rte_udp_hdr *h = rte_pktmbuf_mtod(m, const struct rte_udp_hdr *);
	struct rln_pkt *pkt = rln_pkt(m);
	unsigned len;

	if (m->data_len < sizeof(*h)) {
		rln_net_drop(net, m, RLN_C_DROP_UDP_LENGTH);
		return;
	}
	len = rte_be_to_cpu_16(h->dgram_len);
	if (len < sizeof(*h) || len > m->pkt_len || (len < m->pkt_len && rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - len)) < 0)) {
		rln_net_drop(net, m, RLN_C_DROP_UDP_LENGTH);
		return;
	}
	if (!is_sum_good(net, m, ip)) {
		rln_net_drop(net, m, RLN_C_DROP_UDP_CHECKSUM);
		return;
	}
	pkt->src.port = rte_be_to_cpu_16(h->src_port);
	pkt->dst.port = rte_be_to_cpu_16(h->dst_port);
	rte_pktmbuf_adj(m, sizeof(*h));
	if (unlikely(!rln_net_deliver(net, m)))
		rln_icmp_refuse(net, m, ip);
}
