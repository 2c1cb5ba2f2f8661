/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the IP stack, for the files of lcore/net/ and their tests. owner of everything here: one worker.
 *
 * A packet goes up eth -> {arp, ipv4, ipv6} -> {icmp, nd, udp} -> net.c (dispatch) and down flow -> neighbour -> net.c (tx buffers).
 * A function named _input consumes its mbuf: passes it on, or counts and frees it.
 */
#pragma once

#include <errno.h>

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "lcore/net/neighbour.h"
#include "lcore/net/net.h"
#include "lcore/net/reassembly.h"

#define RLN_NET_WORKERS 32
#define RLN_NET_CONTROL_STAGE RLN_NET_WORKERS
#define RLN_TX_BUFFER 256   /* frames per port that wait for the device */
#define RLN_INSIDE 1024     /* datagrams to ourselves that wait for the next poll; a power of two */

#define RLN_ARP_FRAME 60          /* least Ethernet frame without FCS */
#define RLN_ICMP_BURST 10                               /* port unreachables at once, and per second */
#define RLN_POLL_GAP_NS (10 * 1000000ull)               /* 1,024 descriptors at 100,000 packets/s */

/* What the IP layer learned of a packet on its way up; the addresses stand in rln_pkt(m). */
struct rln_ip {
	uint8_t port;       /* index it came by */
	uint8_t proto;
	uint8_t hops;       /* IPv6's hop limit, for ND */
	bool v6;
	bool multicast;     /* sent to more than us: nothing may be answered with an error */
	bool l4_good;       /* the device checked the UDP checksum */
	uint8_t header_len; /* bytes of IP header right before data_off; 0 = reassembled, they are gone */
	struct rte_ether_addr mac; /* who sent the frame: answers go back there, without a lookup */
};

struct rln_tx {
	uint16_t n;
	uint16_t queue;
	int16_t via;    /* worker that sends for us, -1 = we have a queue of our own */
	struct rte_mbuf *m[RLN_TX_BUFFER];
};

struct rln_stage { /* packets for one ring, gathered so that they cross in bursts */
	struct rte_ring *ring;
	uint16_t n;
	struct rte_mbuf *m[RLN_BURST];
};

struct rln_source {
	uint8_t kind; /* of net.c */
	uint8_t index;
};

struct rln_net {
	struct rln_net_shared *shared;
	struct rln_counts *counts;
	struct rln_batch *out; /* set during a poll */
	uint64_t now_ns;
	uint8_t worker;
	uint8_t sources_n, source_next;
	uint16_t ip_id;
	uint32_t ip6_id;
	uint32_t icmp_tokens;
	uint64_t icmp_since_ns;
	unsigned v4_n, v6_n;
	uint32_t v4[RLN_NET_ADDRS];      /* ours, network order */
	uint8_t v6[RLN_NET_ADDRS][16];
	struct rln_source sources[RLN_NET_PORTS + RLN_NET_WORKERS + 1];
	uint32_t inside_head, inside_tail, inside_notes; /* notes: UNREACH, which stand outside the ledger */
	struct rte_mbuf *inside[RLN_INSIDE];
	struct rln_stage stage[RLN_NET_WORKERS + 1]; /* [worker], then control */
	struct rln_tx tx[RLN_NET_PORTS];
	struct rln_reassemblies reassemblies;
	struct rln_neighbours neighbours;
};

static inline void rln_net_count(struct rln_net *net, enum rln_counter counter)
{
	rln_counts_add(net->counts, counter, 1);
}

static inline void rln_net_drop(struct rln_net *net, struct rte_mbuf *m, enum rln_counter counter)
{
	rln_net_count(net, counter);
	rte_pktmbuf_free(m);
}

/* A zeroed packet of `len` bytes with full headroom; NULL when no buffer is left. */
static inline struct rte_mbuf *rln_mbuf_new(struct rln_net *net, unsigned len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(net->shared->pool);
	void *data = m ? rte_pktmbuf_append(m, (uint16_t)len) : NULL;

	if (data)
		memset(data, 0, len);
	else
		rte_pktmbuf_free(m);
	return data ? m : NULL;
}

/* One's complement sum of 32 bits to 16. */
static inline uint16_t rln_sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* What the device found on receive must not reach the next reader (ring ports pass flags on) nor confuse a driver on sending. */
static inline void rln_mbuf_forget_offloads(struct rte_mbuf *m)
{
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	m->tx_offload = 0;
}

/* One's complement sum of bytes as 16-bit words, any alignment. rte_raw_cksum() adds word by word; this takes 16 bytes a step. */
static inline uint16_t rln_sum(const void *data, unsigned len)
{
	const uint8_t *p = data;
	uint64_t sum = 0, last = 0;

	for (; len >= 16; p += 16, len -= 16) {
		uint64_t a, b;

		memcpy(&a, p, 8);
		memcpy(&b, p + 8, 8);
		sum += (a & UINT32_MAX) + (a >> 32) + (b & UINT32_MAX) + (b >> 32);
	}
	if (len >= 8) {
		uint64_t a;

		memcpy(&a, p, 8);
		sum += (a & UINT32_MAX) + (a >> 32);
		p += 8;
		len -= 8;
	}
	memcpy(&last, p, len);
	sum += (last & UINT32_MAX) + (last >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	return rln_sum_fold((uint32_t)sum);
}

/* Of one's complement numbers, 0 and 0xffff are the same: a sum that includes its own checksum is right when this holds. */
static inline bool rln_sum_is_good(uint16_t sum)
{
	return sum == 0xffff;
}

static inline const struct rln_net_port *rln_net_port(const struct rln_net *net, unsigned port)
{
	return &net->shared->ports[port];
}

/* ---- net.c ---- */
/* What setup.c leaves to the file that knows the sources and buffers. */
void rln_net_choose_sources(struct rln_net *net);
void rln_net_discard(struct rln_net *net);
/* A datagram in rln_pkt(m) form to whoever owns its port; false: nobody does, and `m` is still the caller's. */
bool rln_net_deliver(struct rln_net *net, struct rte_mbuf *m);
/* A datagram of ours that came to nothing: its owner is told. `m` is counted elsewhere. */
void rln_net_note_unreach(struct rln_net *net, struct rte_mbuf *m, int error);
/* A datagram of ours to one of our addresses. Takes and counts it; OUT is counted already. */
void rln_net_inside(struct rln_net *net, struct rte_mbuf *m, const struct rln_addr *src, const struct rln_addr *dst);
/* A whole frame to a port. Takes and counts it; OUT is counted already. */
void rln_net_transmit(struct rln_net *net, unsigned port, struct rte_mbuf *m);
/* Copies of an ARP packet or of an IPv6 packet with ND (data at its first byte) to the other workers, who learn from it. */
void rln_net_tell(struct rln_net *net, unsigned port, const struct rte_mbuf *m);

/* ---- eth.c ---- */
void rln_eth_input(struct rln_net *net, unsigned port, struct rte_mbuf *m);
/* Learning alone, from a frame that another worker received. Frees it. */
void rln_eth_learn(struct rln_net *net, struct rte_mbuf *m);
/* Bytes of Ethernet header on this port: 14, or 18 with a VLAN. */
unsigned rln_eth_len(const struct rln_net_port *port);
/* Writes that header; dst NULL leaves it zero (a neighbour fills it in). */
void rln_eth_build(const struct rln_net_port *port, uint8_t *to, const struct rte_ether_addr *dst, uint16_t type);
/* Puts it before the packet and sends to a known MAC, in fragments when it is an IP packet beyond the MTU. Counts OUT. */
void rln_eth_send(struct rln_net *net, unsigned port, struct rte_mbuf *m, const struct rte_ether_addr *dst, uint16_t type);

/* ---- arp.c, nd.c ---- */
/* Data at the Ethernet header, which is `eth_len` long. */
void rln_arp_input(struct rln_net *net, unsigned port, struct rte_mbuf *m, unsigned eth_len);
void rln_arp_learn(struct rln_net *net, unsigned port, const struct rte_mbuf *m);
/* Asks for a neighbour: broadcast, or to `dst` when it is probed. */
void rln_arp_request(struct rln_net *net, const struct rln_neighbour *n, const struct rte_ether_addr *dst);
/* Data at the ICMPv6 header, checksum already good. */
void rln_nd_input(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip);
void rln_nd_learn(struct rln_net *net, unsigned port, const struct rte_mbuf *m);
void rln_nd_solicit(struct rln_net *net, const struct rln_neighbour *n, const struct rte_ether_addr *dst);

/* ---- ipv4.c, ipv6.c: data at the IP header ---- */
void rln_ipv4_input(struct rln_net *net, struct rte_mbuf *m, struct rln_ip *ip);
void rln_ipv6_input(struct rln_net *net, struct rte_mbuf *m, struct rln_ip *ip);
/* Headers without length and checksum, whose constant parts are summed up instead: what flow.c completes per packet. */
void rln_ipv4_build(struct rte_ipv4_hdr *h, uint32_t src_be, uint32_t dst_be, uint8_t proto, uint16_t fragment);
/* Adds what was left out; `total` bytes with the header. */
void rln_ipv4_finish(struct rte_ipv4_hdr *h, unsigned total);
void rln_ipv6_build(struct rte_ipv6_hdr *h, const uint8_t src[16], const uint8_t dst[16], uint8_t proto, uint8_t hops);
/* One's complement sum of the addresses and the protocol: the constant part of a pseudo-header. */
uint32_t rln_pseudo_sum(const struct rln_addr *src, const struct rln_addr *dst, uint8_t proto);
/* Checksum of a whole packet's upper layer as it was received or will be sent; data at that layer's header. 0xffff = good. */
uint16_t rln_l4_sum(const struct rte_mbuf *m, const struct rln_addr *src, const struct rln_addr *dst, uint8_t proto);
bool rln_ip_is_ours(const struct rln_net *net, const struct rln_addr *addr);

/* ---- icmp.c, udp.c: data at their header ---- */
void rln_icmp4_input(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip);
void rln_icmp6_input(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip);
/* Counts and frees or turns round a datagram for a closed port; data at its UDP payload. */
void rln_icmp_refuse(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip);
void rln_udp_input(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip);

/* ---- route.c ---- */
struct rln_route {
	struct rln_addr next; /* the neighbour to hand it to */
	uint8_t port;
};
bool rln_net_is_loopback(const struct rln_addr *addr);
/* 0 or -ENETUNREACH. */
int rln_route_find(const struct rln_net_shared *shared, const struct rln_addr *to, struct rln_route *route);
/* Our address on `port` for talking to `to`: the one that shares the longest prefix; NULL when the family has none there. */
const struct rln_addr *rln_route_source(const struct rln_net_shared *shared, unsigned port, const struct rln_addr *to);
/* Whether `addr` stands on `port`. */
bool rln_route_has(const struct rln_net_shared *shared, unsigned port, const struct rln_addr *addr);
/* Whether `addr` is a neighbour by that port: in one of its prefixes, or link-local. */
bool rln_route_is_on_link(const struct rln_net_shared *shared, unsigned port, const struct rln_addr *addr);
