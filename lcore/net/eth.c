// SPDX-License-Identifier: BSD-3-Clause
/*
 * Ethernet and one VLAN tag. A port speaks on exactly one VLAN (0 = untagged); a tag may stand in the frame or have been taken off by
 * the device. Some drivers put the tag back into the frame and leave a flag set: the frame's own EtherType decides then.
 */
#include <rte_ether.h>

#include "lcore/net/net_priv.h"

#define VLAN_ID 0x0fff

struct eth {
	uint16_t type; /* host order */
	uint16_t vlan;
	uint16_t len;
};

static bool parse(const struct rte_mbuf *m, struct eth *eth)
{
	const struct rte_ether_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)(h + 1);

	if (m->data_len < sizeof(*h))
		return false;
	eth->len = sizeof(*h);
	eth->type = rte_be_to_cpu_16(h->ether_type);
	eth->vlan = m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED ? m->vlan_tci & VLAN_ID : 0;
	if (eth->type != RTE_ETHER_TYPE_VLAN)
		return true;
	if (m->data_len < sizeof(*h) + sizeof(*tag))
		return false;
	eth->len += sizeof(*tag);
	eth->type = rte_be_to_cpu_16(tag->eth_proto);
	eth->vlan = rte_be_to_cpu_16(tag->vlan_tci) & VLAN_ID;
	return true;
}

static bool is_for_us(const struct rln_net_port *port, const struct rte_ether_addr *dst)
{
	return rte_is_same_ether_addr(dst, &port->mac) || rte_is_multicast_ether_addr(dst);
}

static void input_ip(struct rln_net *net, unsigned port, struct rte_mbuf *m, const struct eth *eth)
{
	const struct rte_ether_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	struct rln_pkt *pkt = rln_pkt(m);
	struct rln_ip ip = {
		.port = (uint8_t)port,
		.mac = h->src_addr,
		.multicast = rte_is_multicast_ether_addr(&h->dst_addr),
		.l4_good = (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD,
	};

	pkt->port = (uint8_t)port;
	pkt->worker = net->worker;
	pkt->rx_ns = net->now_ns;
	rte_pktmbuf_adj(m, eth->len);
	if (eth->type == RTE_ETHER_TYPE_IPV4)
		rln_ipv4_input(net, m, &ip);
	else
		rln_ipv6_input(net, m, &ip);
}

void rln_eth_input(struct rln_net *net, unsigned port, struct rte_mbuf *m)
{
	const struct rln_net_port *p = rln_net_port(net, port);
	struct eth eth;

	if (unlikely(m->nb_segs > 1) && rte_pktmbuf_linearize(m) < 0)
		rln_net_drop(net, m, RLN_C_DROP_ETH_CHAIN);
	else if (!parse(m, &eth))
		rln_net_drop(net, m, RLN_C_DROP_ETH_SHORT);
	else if (eth.vlan != p->vlan)
		rln_net_drop(net, m, RLN_C_DROP_VLAN);
	else if (!is_for_us(p, &rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->dst_addr))
		rln_net_drop(net, m, RLN_C_DROP_ETH_NOT_OURS);
	else if (eth.type == RTE_ETHER_TYPE_IPV4 || eth.type == RTE_ETHER_TYPE_IPV6)
		input_ip(net, port, m, &eth);
	else if (eth.type == RTE_ETHER_TYPE_ARP)
		rln_arp_input(net, port, m, eth.len);
	else
		rln_net_drop(net, m, RLN_C_DROP_ETH_TYPE);
}

/* The copy begins with ARP or with the IPv6 header; its first half byte tells: ARP's hardware type is 1, IPv6 begins with 6. */
void rln_eth_learn(struct rln_net *net, struct rte_mbuf *m)
{
	unsigned port = rln_pkt(m)->port;

	if (port < net->shared->ports_n && m->data_len > 0) {
		if (*rte_pktmbuf_mtod(m, const uint8_t *) >> 4 == 6)
			rln_nd_learn(net, port, m);
		else
			rln_arp_learn(net, port, m);
	}
	rte_pktmbuf_free(m);
}

unsigned rln_eth_len(const struct rln_net_port *port)
{
	return sizeof(struct rte_ether_hdr) + (port->vlan ? sizeof(struct rte_vlan_hdr) : 0);
}

void rln_eth_build(const struct rln_net_port *port, uint8_t *to, const struct rte_ether_addr *dst, uint16_t type)
{
	struct rte_ether_hdr *h = (struct rte_ether_hdr *)to;
	struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(h + 1);

	if (dst)
		h->dst_addr = *dst;
	else
		memset(&h->dst_addr, 0, sizeof(h->dst_addr));
	h->src_addr = port->mac;
	h->ether_type = rte_cpu_to_be_16(port->vlan ? RTE_ETHER_TYPE_VLAN : type);
	if (port->vlan) {
		tag->vlan_tci = rte_cpu_to_be_16(port->vlan);
		tag->eth_proto = rte_cpu_to_be_16(type);
	}
}

void rln_eth_send(struct rln_net *net, unsigned port, struct rte_mbuf *m, const struct rte_ether_addr *dst, uint16_t type)
{
	const struct rln_net_port *p = rln_net_port(net, port);
	unsigned ip_len = m->pkt_len, n = 1;
	uint8_t *h = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)rln_eth_len(p));
	struct rte_mbuf *out[RLN_FRAGMENTS_OUT] = {m};

	rln_net_count(net, RLN_C_OUT_PACKETS);
	if (!h) {
		rln_net_drop(net, m, RLN_C_TXDROP_NO_MBUF);
		return;
	}
	rln_eth_build(p, h, dst, type);
	rln_mbuf_forget_offloads(m);
	if (unlikely(ip_len > p->mtu))
		n = rln_fragment(net, port, m, out);
	for (unsigned i = 0; i < n; i++)
		rln_net_transmit(net, port, out[i]);
}
