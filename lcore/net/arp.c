// SPDX-License-Identifier: BSD-3-Clause
/*
 * ARP over Ethernet for IPv4 (RFC 826, with the probes of RFC 5227): answers for the addresses of the port it came by, asks for
 * neighbours, learns. An answer alone never makes a new cache entry; a question to us does, because we are about to talk to its sender.
 */
#include <rte_arp.h>

#include "lcore/net/net_priv.h"

struct arp {
	struct rln_addr sender, target;
	struct rte_ether_addr mac;
	uint16_t op;
};

static bool parse(const struct rte_mbuf *m, struct arp *arp)
{
	const struct rte_arp_hdr *h = rte_pktmbuf_mtod(m, const struct rte_arp_hdr *);

	if (m->data_len < sizeof(*h) || h->arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
		h->arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) || h->arp_hlen != RTE_ETHER_ADDR_LEN || h->arp_plen != 4)
		return false;
	arp->op = rte_be_to_cpu_16(h->arp_opcode);
	arp->mac = h->arp_data.arp_sha;
	rln_addr_from_v4(&arp->sender, h->arp_data.arp_sip, 0);
	rln_addr_from_v4(&arp->target, h->arp_data.arp_tip, 0);
	return (arp->op == RTE_ARP_OP_REQUEST || arp->op == RTE_ARP_OP_REPLY) && rte_is_valid_assigned_ether_addr(&arp->mac);
}

/* What the sender says of itself. 0.0.0.0 is a probe, which says nothing; our own address is a conflict, and never believed. */
static bool learn(struct rln_net *net, unsigned port, const struct arp *arp)
{
	unsigned how = RLN_LEARN_OVERRIDE | RLN_LEARN_CONFIRMED;

	if (rln_addr_is_any(&arp->sender))
		return false;
	if (rln_route_has(net->shared, port, &arp->sender)) {
		rln_net_count(net, RLN_C_ADDRESS_CONFLICT);
		return false;
	}
	if (arp->op == RTE_ARP_OP_REQUEST && rln_route_has(net->shared, port, &arp->target))
		how |= RLN_LEARN_CREATE;
	rln_neighbour_learn(net, port, &arp->sender, &arp->mac, how);
	return true;
}

/* Turns the question into the answer. Its frame may be as short as 42 bytes; senders pad to 60, and so it stays. */
static void answer(struct rln_net *net, unsigned port, struct rte_mbuf *m, const struct arp *arp)
{
	struct rte_arp_hdr *h = rte_pktmbuf_mtod(m, struct rte_arp_hdr *);
	uint32_t asked = h->arp_data.arp_tip;

	h->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY);
	h->arp_data.arp_tha = arp->mac;
	h->arp_data.arp_tip = h->arp_data.arp_sip;
	h->arp_data.arp_sha = rln_net_port(net, port)->mac;
	h->arp_data.arp_sip = asked;
	rln_eth_send(net, port, m, &arp->mac, RTE_ETHER_TYPE_ARP);
}

void rln_arp_input(struct rln_net *net, unsigned port, struct rte_mbuf *m, unsigned eth_len)
{
	struct arp arp;

	rte_pktmbuf_adj(m, (uint16_t)eth_len);
	if (!parse(m, &arp)) {
		rln_net_drop(net, m, RLN_C_DROP_ARP_BAD);
		return;
	}
	rln_net_count(net, RLN_C_EATEN_ARP);
	if (learn(net, port, &arp))
		rln_net_tell(net, port, m);
	if (arp.op == RTE_ARP_OP_REQUEST && rln_route_has(net->shared, port, &arp.target) &&
		!rln_route_has(net->shared, port, &arp.sender))
		answer(net, port, m, &arp);
	else
		rte_pktmbuf_free(m);
}

void rln_arp_learn(struct rln_net *net, unsigned port, const struct rte_mbuf *m)
{
	struct arp arp;

	if (parse(m, &arp))
		learn(net, port, &arp);
}

void rln_arp_request(struct rln_net *net, const struct rln_neighbour *n, const struct rte_ether_addr *dst)
{
	static const struct rte_ether_addr broadcast = {.addr_bytes = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	const struct rln_net_port *port = rln_net_port(net, n->port);
	const struct rln_addr *source = rln_route_source(net->shared, n->port, &n->addr);
	struct rte_mbuf *m = source ? rln_mbuf_new(net, RLN_ARP_FRAME - rln_eth_len(port)) : NULL;
	struct rte_arp_hdr *h;

	if (!m)
		return;
	h = rte_pktmbuf_mtod(m, struct rte_arp_hdr *);
	h->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	h->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	h->arp_hlen = RTE_ETHER_ADDR_LEN;
	h->arp_plen = 4;
	h->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REQUEST);
	h->arp_data.arp_sha = port->mac;
	h->arp_data.arp_sip = rln_addr_v4_be(source);
	h->arp_data.arp_tip = rln_addr_v4_be(&n->addr);
	rln_eth_send(net, n->port, m, dst ? dst : &broadcast, RTE_ETHER_TYPE_ARP);
}
