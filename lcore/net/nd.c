// SPDX-License-Identifier: BSD-3-Clause
/*
 * Neighbour discovery: the part of RFC 4861 that a host with fixed addresses needs, Neighbour Solicitation and Advertisement.
 * Discards what section 7.1 says, answers for our addresses (also to another host's duplicate address detection, RFC 4862 5.4.3), asks for
 * neighbours, learns. Router discovery, redirects and autoconfiguration are left out: addresses and routes come from the configuration.
 */
#include <netinet/icmp6.h>

#include "lcore/net/net_priv.h"

#define OPTION_SOURCE_MAC 1
#define OPTION_TARGET_MAC 2
#define HOPS              255 /* RFC 4861 7.1: proof that no router forwarded it */

struct nd { /* NS and NA have the same shape: header, flags or reserved, target, options */
	uint8_t type, code;
	uint16_t checksum;
	uint8_t flags, reserved[3];
	uint8_t target[16];
} __attribute__((packed));
_Static_assert(sizeof(struct nd) == 24, "RFC 4861 4.3");

struct nd_option {
	uint8_t type, len; /* in units of 8 bytes */
	uint8_t mac[6];
};
_Static_assert(sizeof(struct nd_option) == 8, "RFC 4861 4.6.1");

#define FLAG_SOLICITED 0x40
#define FLAG_OVERRIDE  0x20

struct parsed {
	struct rln_addr target;
	struct rte_ether_addr mac;
	bool has_mac, solicit, solicited, override;
};

static bool is_multicast(const struct rln_addr *a)
{
	return !rln_addr_is_v4(a) && a->ip[0] == 0xff;
}

static bool is_solicited_node(const struct rln_addr *a)
{
	static const uint8_t prefix[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

	return memcmp(a->ip, prefix, sizeof(prefix)) == 0;
}

/* The MAC option of the wanted type. False: an option is longer than the packet, or has no length (7.1: discard). */
static bool parse_options(const uint8_t *at, unsigned len, uint8_t wanted, struct parsed *p)
{
	while (len) {
		const struct nd_option *o = (const struct nd_option *)at;

		if (len < 2 || o->len == 0 || o->len * 8u > len)
			return false;
		if (o->type == wanted && o->len == 1) {
			memcpy(&p->mac, o->mac, sizeof(p->mac));
			p->has_mac = rte_is_valid_assigned_ether_addr(&p->mac);
		}
		at += o->len * 8u;
		len -= o->len * 8u;
	}
	return true;
}

/* RFC 4861 7.1.1 and 7.1.2, without hop limit and checksum. */
static bool parse(const uint8_t *at, unsigned len, const struct rln_addr *src, const struct rln_addr *dst, struct parsed *p)
{
	const struct nd *nd = (const struct nd *)at;

	memset(p, 0, sizeof(*p));
	if (len < sizeof(*nd) || nd->code != 0)
		return false;
	p->solicit = nd->type == ND_NEIGHBOR_SOLICIT;
	memcpy(p->target.ip, nd->target, sizeof(nd->target));
	if (is_multicast(&p->target) ||
		!parse_options(at + sizeof(*nd), len - sizeof(*nd), p->solicit ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC, p))
		return false;
	p->solicited = !p->solicit && nd->flags & FLAG_SOLICITED;
	p->override = p->solicit || nd->flags & FLAG_OVERRIDE;
	if (p->solicit && rln_addr_is_any(src))
		return is_solicited_node(dst) && !p->has_mac;
	return !(p->solicited && is_multicast(dst));
}

/* 7.2.3 and 7.2.5. A solicitation speaks of its sender, an advertisement of its target. */
static bool learn(struct rln_net *net, unsigned port, const struct parsed *p, const struct rln_addr *src)
{
	const struct rln_addr *who = p->solicit ? src : &p->target;
	unsigned how = p->override ? RLN_LEARN_OVERRIDE : 0;

	if (rln_addr_is_any(who))
		return false;
	if (rln_route_has(net->shared, port, who)) {
		rln_net_count(net, RLN_C_ADDRESS_CONFLICT);
		return false;
	}
	if (!p->has_mac)
		return false;
	if (p->solicit && rln_route_has(net->shared, port, &p->target))
		how |= RLN_LEARN_CREATE;
	if (p->solicited)
		how |= RLN_LEARN_CONFIRMED;
	rln_neighbour_learn(net, port, who, &p->mac, how);
	return true;
}

static void put_mac(struct nd *nd, uint8_t type, const struct rte_ether_addr *mac)
{
	struct nd_option *o = (struct nd_option *)(nd + 1);

	o->type = type;
	o->len = 1;
	memcpy(o->mac, mac, sizeof(o->mac));
}

/* Checksum, IPv6 header, Ethernet. */
static void finish(struct rln_net *net, unsigned port, struct rte_mbuf *m, const struct rln_addr *src, const struct rln_addr *dst,
	const struct rte_ether_addr *mac)
{
	struct nd *nd = rte_pktmbuf_mtod(m, struct nd *);
	unsigned len = m->pkt_len;
	struct rte_ipv6_hdr *h;

	nd->checksum = 0;
	nd->checksum = (uint16_t)~rln_l4_sum(m, src, dst, IPPROTO_ICMPV6);
	h = (struct rte_ipv6_hdr *)rte_pktmbuf_prepend(m, sizeof(*h));
	if (!h) {
		rte_pktmbuf_free(m);
		return;
	}
	rln_ipv6_build(h, src->ip, dst->ip, IPPROTO_ICMPV6, HOPS);
	h->payload_len = rte_cpu_to_be_16((uint16_t)len);
	rln_eth_send(net, port, m, mac, RTE_ETHER_TYPE_IPV6);
}

/* 7.2.4; a solicitation without source address is answered to all nodes (RFC 4862 5.4.3: duplicate address detection). */
static void answer(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip, const struct parsed *p)
{
	static const struct rte_ether_addr all_nodes_mac = {.addr_bytes = {0x33, 0x33, 0, 0, 0, 1}};
	static const struct rln_addr all_nodes = {.ip = {0xff, 0x02, [15] = 1}};
	const unsigned len = sizeof(struct nd) + sizeof(struct nd_option);
	struct nd *nd = rte_pktmbuf_mtod(m, struct nd *);
	struct rln_addr asker = rln_pkt(m)->src;
	bool anonymous = rln_addr_is_any(&asker);

	if (m->pkt_len > len)
		rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - len));
	else if (m->pkt_len < len && !rte_pktmbuf_append(m, (uint16_t)(len - m->pkt_len))) {
		rte_pktmbuf_free(m);
		return;
	}
	memset(nd, 0, sizeof(*nd));
	nd->type = ND_NEIGHBOR_ADVERT;
	nd->flags = anonymous ? FLAG_OVERRIDE : FLAG_SOLICITED | FLAG_OVERRIDE;
	memcpy(nd->target, p->target.ip, sizeof(nd->target));
	put_mac(nd, OPTION_TARGET_MAC, &rln_net_port(net, ip->port)->mac);
	if (anonymous)
		finish(net, ip->port, m, &p->target, &all_nodes, &all_nodes_mac);
	else
		finish(net, ip->port, m, &p->target, &asker, p->has_mac ? &p->mac : &ip->mac);
}

/* The packet again from its IPv6 header, as the other workers read it. */
static void tell(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	if (rte_pktmbuf_prepend(m, ip->header_len)) {
		rln_net_tell(net, ip->port, m);
		rte_pktmbuf_adj(m, ip->header_len);
	}
}

void rln_nd_input(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	const struct rln_pkt *pkt = rln_pkt(m);
	struct parsed p;

	/* header_len 0: it came in fragments, which RFC 6980 forbids. */
	if (ip->hops != HOPS || ip->header_len == 0 ||
		!parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &pkt->src, &pkt->dst, &p)) {
		rln_net_drop(net, m, RLN_C_DROP_ND_BAD);
		return;
	}
	rln_net_count(net, RLN_C_EATEN_ND);
	if (learn(net, ip->port, &p, &pkt->src))
		tell(net, m, ip);
	if (p.solicit && rln_route_has(net->shared, ip->port, &p.target) && !rln_route_has(net->shared, ip->port, &pkt->src))
		answer(net, m, ip, &p);
	else
		rte_pktmbuf_free(m);
}

void rln_nd_learn(struct rln_net *net, unsigned port, const struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	struct rln_addr src = {.port = 0}, dst = {.port = 0};
	struct parsed p;

	if (m->data_len <= sizeof(*h))
		return;
	memcpy(src.ip, h->src_addr, sizeof(src.ip));
	memcpy(dst.ip, h->dst_addr, sizeof(dst.ip));
	if (parse((const uint8_t *)(h + 1), m->data_len - (unsigned)sizeof(*h), &src, &dst, &p))
		learn(net, port, &p, &src);
}

void rln_nd_solicit(struct rln_net *net, const struct rln_neighbour *n, const struct rte_ether_addr *mac)
{
	const uint8_t *ip = n->addr.ip;
	struct rln_addr group = {.ip = {0xff, 0x02, [11] = 1, 0xff, ip[13], ip[14], ip[15]}};
	struct rte_ether_addr group_mac = {.addr_bytes = {0x33, 0x33, 0xff, ip[13], ip[14], ip[15]}}; /* RFC 2464 7 */
	const struct rln_addr *source = rln_route_source(net->shared, n->port, &n->addr);
	struct rte_mbuf *m = source ? rln_mbuf_new(net, sizeof(struct nd) + sizeof(struct nd_option)) : NULL;
	struct nd *nd;

	if (!m)
		return;
	nd = rte_pktmbuf_mtod(m, struct nd *);
	nd->type = ND_NEIGHBOR_SOLICIT;
	memcpy(nd->target, ip, sizeof(nd->target));
	put_mac(nd, OPTION_SOURCE_MAC, &rln_net_port(net, n->port)->mac);
	finish(net, n->port, m, source, mac ? &n->addr : &group, mac ? mac : &group_mac);
}
