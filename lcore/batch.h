/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst of packets on its way through a worker's stages, and what the stages know of each packet. The latter stands in
 * the mbuf's private area (every pool of ringlane has RLN_PKT_PRIV bytes of it), so it crosses hand-off rings with the packet.
 */
#pragma once

#include <rte_mbuf.h>

#include "lcore/addr.h"

#define RLN_BURST 32

enum rln_pkt_op {          /* what a packet in a ring between lcores is for */
	RLN_PKT_DATAGRAM,  /* UDP payload at data_off; src and dst are valid */
	RLN_PKT_XMIT,      /* whole frame, to be sent on `port` by the worker that has its tx queue */
	RLN_PKT_LEARN,     /* ARP or ND frame, for neighbour learning only */
	RLN_PKT_UNREACH,   /* our own datagram came back in an ICMP error: dst is what could not be reached, error says why */
};

struct rln_pkt {
	struct rln_addr src, dst;  /* UDP endpoints of the datagram */
	uint8_t op;                /* enum rln_pkt_op */
	uint8_t port;              /* index of the port (net.h) it came from or goes to */
	uint8_t worker;            /* the worker that received it */
	uint8_t error;             /* positive errno, UNREACH */
	uint64_t rx_ns;            /* clock at the poll that found it */
	uint32_t leg;              /* set by lookup: index in the worker's leg table, UINT32_MAX = none */
	uint16_t udp_sum;          /* UDP checksum as received, when it holds over the data; 0 = none, unfinished or not known */
	uint16_t spare;
};

#define RLN_PKT_PRIV 64
_Static_assert(sizeof(struct rln_pkt) <= RLN_PKT_PRIV, "fits the private area");

static inline struct rln_pkt *rln_pkt(struct rte_mbuf *m)
{
	return (struct rln_pkt *)rte_mbuf_to_priv(m);
}

struct rln_batch {
	uint16_t n;
	struct rte_mbuf *m[RLN_BURST];
};
