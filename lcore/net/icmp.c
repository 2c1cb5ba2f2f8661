// SPDX-License-Identifier: BSD-3-Clause
/*
 * ICMP (RFC 792, 1122 3.2.2) and ICMPv6 (RFC 4443): echo is answered in place, an error about a datagram of ours goes to whoever sent it,
 * a closed port is reported at a limited rate. Answers go to the MAC that the packet came from, so they need no neighbour entry and a flood
 * of them makes none.
 */
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include <rte_icmp.h>
#include <rte_udp.h>

#include "lcore/net/net_priv.h"

#define ICMP_LEN 8
/* How much of the offending packet goes back: the error stays within the least MTU (RFC 1812 4.3.2.3: 576; RFC 4443 2.4: 1280). */
#define QUOTE_V4 (576 - 20 - ICMP_LEN)
#define QUOTE_V6 (1280 - 40 - ICMP_LEN)

struct header {
	uint8_t type, code;
	uint16_t checksum;
	uint32_t rest;
} __attribute__((packed));
_Static_assert(sizeof(struct header) == ICMP_LEN, "RFC 792");

/* The packet was for one of our addresses (dst) and goes back to src; data at the ICMP header, which is complete. */
static void send_back(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	const struct rln_pkt *pkt = rln_pkt(m);
	unsigned len = m->pkt_len;
	uint16_t type = ip->v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4;
	void *at = rte_pktmbuf_prepend(m, ip->v6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr));

	if (!at) {
		rte_pktmbuf_free(m);
		return;
	}
	if (ip->v6) {
		rln_ipv6_build(at, pkt->dst.ip, pkt->src.ip, IPPROTO_ICMPV6, 64);
		((struct rte_ipv6_hdr *)at)->payload_len = rte_cpu_to_be_16((uint16_t)len);
	} else {
		rln_ipv4_build(at, rln_addr_v4_be(&pkt->dst), rln_addr_v4_be(&pkt->src), IPPROTO_ICMP, 0);
		rln_ipv4_finish(at, len + (unsigned)sizeof(struct rte_ipv4_hdr));
	}
	rln_eth_send(net, ip->port, m, &ip->mac, type);
}

/* RFC 1624 equation 3: the type in the first 16-bit word is all that changes; swapped addresses leave a pseudo-header's sum alone. */
static void answer_echo(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip, uint8_t reply)
{
	struct header *h = rte_pktmbuf_mtod(m, struct header *);
	uint32_t sum = (uint16_t)~h->checksum + (uint16_t)~rte_cpu_to_be_16((uint16_t)(h->type << 8));

	h->type = reply;
	sum += rte_cpu_to_be_16((uint16_t)(reply << 8));
	h->checksum = (uint16_t)~rln_sum_fold(sum);
	rln_net_count(net, RLN_C_EATEN_ICMP);
	send_back(net, m, ip);
}

/* ---- errors about our datagrams ---- */

static int errno_of_v4(uint8_t type, uint8_t code)
{
	static const uint8_t unreachable[] = {ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT, ECONNREFUSED, EMSGSIZE};

	return type == ICMP_UNREACH && code < sizeof(unreachable) ? unreachable[code] : EHOSTUNREACH;
}

static int errno_of_v6(uint8_t type, uint8_t code)
{
	if (type == ICMP6_PACKET_TOO_BIG)
		return EMSGSIZE;
	if (type == ICMP6_DST_UNREACH && code == ICMP6_DST_UNREACH_NOPORT)
		return ECONNREFUSED;
	return type == ICMP6_DST_UNREACH && code == ICMP6_DST_UNREACH_NOROUTE ? ENETUNREACH : EHOSTUNREACH;
}

/* The quoted datagram's UDP header and, in `pkt`, its addresses; NULL: it is not a UDP datagram, or not its beginning. */
static const struct rte_udp_hdr *quoted_v4(const uint8_t *at, unsigned len, struct rln_pkt *pkt)
{
	const struct rte_ipv4_hdr *h = (const struct rte_ipv4_hdr *)at;
	unsigned header;

	if (len < sizeof(*h) || h->version_ihl >> 4 != 4 || h->next_proto_id != IPPROTO_UDP ||
		h->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK))
		return NULL;
	header = rte_ipv4_hdr_len(h);
	if (header < sizeof(*h) || len < header + sizeof(struct rte_udp_hdr))
		return NULL;
	rln_addr_from_v4(&pkt->src, h->src_addr, 0);
	rln_addr_from_v4(&pkt->dst, h->dst_addr, 0);
	return (const struct rte_udp_hdr *)(at + header);
}

static const struct rte_udp_hdr *quoted_v6(const uint8_t *at, unsigned len, struct rln_pkt *pkt)
{
	const struct rte_ipv6_hdr *h = (const struct rte_ipv6_hdr *)at;
	const struct rte_ipv6_fragment_ext *e = (const struct rte_ipv6_fragment_ext *)(h + 1);
	unsigned header = sizeof(*h);
	uint8_t proto;

	if (len < sizeof(*h) || rte_be_to_cpu_32(h->vtc_flow) >> 28 != 6)
		return NULL;
	proto = h->proto;
	if (proto == IPPROTO_FRAGMENT && len >= sizeof(*h) + sizeof(*e) && !(e->frag_data & rte_cpu_to_be_16(0xfff8))) {
		proto = e->next_header;
		header += sizeof(*e);
	}
	if (proto != IPPROTO_UDP || len < header + sizeof(struct rte_udp_hdr))
		return NULL;
	memcpy(pkt->src.ip, h->src_addr, sizeof(pkt->src.ip));
	memcpy(pkt->dst.ip, h->dst_addr, sizeof(pkt->dst.ip));
	return (const struct rte_udp_hdr *)(at + header);
}

static void input_error(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	const struct header *h = rte_pktmbuf_mtod(m, const struct header *);
	const uint8_t *quote = (const uint8_t *)(h + 1);
	unsigned len = m->data_len - (unsigned)sizeof(*h);
	struct rln_pkt *pkt = rln_pkt(m);
	const struct rte_udp_hdr *udp = ip->v6 ? quoted_v6(quote, len, pkt) : quoted_v4(quote, len, pkt);
	int error = ip->v6 ? errno_of_v6(h->type, h->code) : errno_of_v4(h->type, h->code);

	if (!udp || !rln_ip_is_ours(net, &pkt->src)) {
		rln_net_drop(net, m, RLN_C_DROP_ICMP_BAD);
		return;
	}
	pkt->src.port = rte_be_to_cpu_16(udp->src_port);
	pkt->dst.port = rte_be_to_cpu_16(udp->dst_port);
	if (net->shared->owner_of(net->shared->owner_arg, &pkt->src) == RLN_NET_NOBODY) {
		rln_net_drop(net, m, RLN_C_DROP_ICMP_BAD);
		return;
	}
	rln_net_count(net, RLN_C_EATEN_ICMP);
	rln_net_note_unreach(net, m, error);
}

void rln_icmp4_input(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	const struct header *h = rte_pktmbuf_mtod(m, const struct header *);
	uint16_t sum = 0;

	if (m->data_len < sizeof(*h) || rte_raw_cksum_mbuf(m, 0, m->pkt_len, &sum) < 0 || !rln_sum_is_good(sum)) {
		rln_net_drop(net, m, RLN_C_DROP_ICMP_BAD);
		return;
	}
	switch (h->type) {
	case ICMP_ECHO:
		answer_echo(net, m, ip, ICMP_ECHOREPLY);
		return;
	case ICMP_UNREACH:
	case ICMP_TIMXCEED:
	case ICMP_PARAMPROB:
		input_error(net, m, ip);
		return;
	}
	rln_net_drop(net, m, RLN_C_DROP_ICMP_BAD);
}

void rln_icmp6_input(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	const struct header *h = rte_pktmbuf_mtod(m, const struct header *);
	const struct rln_pkt *pkt = rln_pkt(m);

	if (m->data_len < sizeof(*h) || !rln_sum_is_good(rln_l4_sum(m, &pkt->src, &pkt->dst, IPPROTO_ICMPV6))) {
		rln_net_drop(net, m, RLN_C_DROP_ICMP_BAD);
		return;
	}
	if (h->type == ND_NEIGHBOR_SOLICIT || h->type == ND_NEIGHBOR_ADVERT)
		rln_nd_input(net, m, ip);
	else if (ip->multicast || rln_addr_is_any(&pkt->src))
		rln_net_drop(net, m, RLN_C_DROP_ICMP_BAD);
	else if (h->type == ICMP6_ECHO_REQUEST)
		answer_echo(net, m, ip, ICMP6_ECHO_REPLY);
	else if (h->type >= ICMP6_DST_UNREACH && h->type <= ICMP6_PARAM_PROB)
		input_error(net, m, ip);
	else
		rln_net_drop(net, m, RLN_C_DROP_ICMP_BAD);
}

/* ---- closed ports ---- */

/* RFC 1812 4.3.2.8, RFC 4443 2.4(f): a bucket of RLN_ICMP_BURST that fills in a second. */
static bool may_report(struct rln_net *net)
{
	uint64_t step = 1000000000ull / RLN_ICMP_BURST, steps = (net->now_ns - net->icmp_since_ns) / step;

	if (steps) {
		net->icmp_tokens = (uint32_t)RTE_MIN(net->icmp_tokens + steps, (uint64_t)RLN_ICMP_BURST);
		net->icmp_since_ns += steps * step;
	}
	if (net->icmp_tokens == 0) {
		rln_net_count(net, RLN_C_ICMP_LIMITED);
		return false;
	}
	net->icmp_tokens--;
	return true;
}

/* Puts the ICMP header before the quote, which begins at the packet's own IP header. */
static bool quote(struct rte_mbuf *m, const struct rln_ip *ip)
{
	unsigned limit = ip->v6 ? QUOTE_V6 : QUOTE_V4;
	const struct rln_pkt *pkt = rln_pkt(m);
	struct header *h;

	if (!rte_pktmbuf_prepend(m, (uint16_t)(sizeof(struct rte_udp_hdr) + ip->header_len)))
		return false;
	if (m->pkt_len > limit)
		rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - limit));
	h = (struct header *)rte_pktmbuf_prepend(m, sizeof(*h));
	if (!h)
		return false;
	memset(h, 0, sizeof(*h));
	if (ip->v6) {
		h->type = ICMP6_DST_UNREACH;
		h->code = ICMP6_DST_UNREACH_NOPORT;
		h->checksum = (uint16_t)~rln_l4_sum(m, &pkt->dst, &pkt->src, IPPROTO_ICMPV6);
	} else {
		h->type = ICMP_UNREACH;
		h->code = ICMP_UNREACH_PORT;
		h->checksum = (uint16_t)~rln_sum(h, m->data_len);
	}
	return true;
}

void rln_icmp_refuse(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip)
{
	rln_net_count(net, RLN_C_DROP_UDP_PORT);
	if (ip->header_len && m->nb_segs == 1 && !ip->multicast && may_report(net) && quote(m, ip))
		send_back(net, m, ip);
	else
		rte_pktmbuf_free(m);
}
