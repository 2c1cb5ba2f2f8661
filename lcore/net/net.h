/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The small IP stack: frames to UDP datagrams and back. It knows ports, not what travels in them.
 *
 * owner: each worker has a struct rln_net of its own (neighbour caches, reassembly, tx buffers); ports, addresses and routes
 * are constant after start. ARP and ND answers that one worker receives are handed to the others as LEARN packets, so
 * nothing is shared. One way in, rln_net_poll(); ways out, rln_net_send(), rln_net_send_to() and the from_control ring.
 */
#pragma once

#include <rte_ether.h>

#include "lcore/addr.h"
#include "lcore/batch.h"
#include "lcore/count.h"

#define RLN_NET_PORTS 8
#define RLN_NET_ADDRS 64   /* local addresses over all ports */
#define RLN_NET_ROUTES 32
#define RLN_NET_PORTNAME 32

struct rln_net_prefix {    /* an address with its prefix length, or a route's destination */
	struct rln_addr addr;
	uint8_t len;       /* 0..128; IPv4 lengths count 96 more */
	uint8_t port;      /* index of the port it stands on */
};

struct rln_net_route {
	struct rln_net_prefix to;
	struct rln_addr gateway;
};

struct rln_net_port {      /* constant after start */
	char name[RLN_NET_PORTNAME];
	uint16_t device;                 /* ethdev port id */
	struct rte_ether_addr mac;
	uint16_t mtu;                    /* bytes of IP */
	uint16_t vlan;                   /* 0 = untagged */
	uint16_t rx_queues, tx_queues;   /* as the device has them; may be fewer than workers */
	uint64_t tx_offloads, rx_offloads; /* RTE_ETH_*_OFFLOAD_* that are switched on */
	bool partial_ok;                 /* `checksum: partial_ok`: accept pseudo-header-only UDP sums, counted */
};

struct rln_net_shared {    /* one per process; owner: main thread, constant while lcores run */
	unsigned workers;
	unsigned ports_n, addrs_n, routes_n;
	struct rln_net_port ports[RLN_NET_PORTS];
	struct rln_net_prefix addrs[RLN_NET_ADDRS];
	struct rln_net_route routes[RLN_NET_ROUTES];
	struct rte_mempool *pool;                /* RTS; private area of RLN_PKT_PRIV */
	/* Who owns a UDP port of ours: worker number, RLN_NET_CONTROL, or RLN_NET_NOBODY. Set by session/placement. */
	int (*owner_of)(const void *arg, const struct rln_addr *local);
	const void *owner_arg;
	struct rte_ring *handoff[32][32];        /* [from][to], SP/SC, mbufs; NULL on the diagonal */
	struct rte_ring *to_control[32];         /* [worker], SP/SC: datagrams for SIP, and UNREACH */
	struct rte_ring *from_control[32];       /* [worker], SP/SC: datagrams from SIP; src, dst in the private area */
};

#define RLN_NET_CONTROL (-1)
#define RLN_NET_NOBODY (-2)

struct rln_net;

/* A next hop with its headers ready: what a leg keeps to send without any lookup. owner: the leg's worker. */
struct rln_flow {
	uint8_t header_len;        /* first, so that what an IPv4 packet needs is one cache line: 8 + 46 */
	uint8_t port;              /* index; RLN_FLOW_LOCAL = delivered inside */
	uint16_t neighbour;        /* slot in the worker's neighbour cache */
	uint32_t neighbour_gen;    /* differs from the cache's: look again */
	uint8_t header[68];        /* Ethernet, VLAN, IP, UDP: 14 + 4 + 40 + 8 = 66 */
	struct rln_addr local, remote;
};
#define RLN_FLOW_LOCAL 0xff

int rln_net_create(struct rln_net **out, struct rln_net_shared *shared, unsigned worker) __attribute__((warn_unused_result));
void rln_net_destroy(struct rln_net *net);

/*
 * Polls this worker's device queues and hand-off rings once, answers ARP, ND and ICMP, reassembles, and leaves in `out` at most
 * RLN_BURST datagrams for ports that this worker owns, payload at data_off in one segment, private area filled. Datagrams for other
 * workers and for control go to their rings (to control they may be chains). Every other packet was counted and freed. Returns packets
 * seen (0 = idle), which can exceed out->n.
 * A packet whose op is RLN_PKT_UNREACH, here or from to_control, is a note and counted already: its reader frees it and counts nothing.
 * It says that our datagram from src to dst came to nothing (ICMP, no neighbour, no route, closed port inside); its data means nothing.
 */
unsigned rln_net_poll(struct rln_net *net, struct rln_batch *out, uint64_t now_ns);

/* Route and headers from `local` to `remote`. 0 or -ENETUNREACH. The next hop may still be unresolved: that is settled at the first send. */
int rln_flow_init(struct rln_net *net, struct rln_flow *flow, const struct rln_addr *local, const struct rln_addr *remote);
/* Queues a datagram (payload at data_off, headroom >= 128 bytes) for sending; takes the mbuf in every case and counts it. */
void rln_net_send(struct rln_net *net, struct rln_flow *flow, struct rte_mbuf *m);
/* The same for a caller that may know the datagram's UDP checksum (as it stands in the packet; 0 = not known): what came from flow->remote to
 * flow->local and goes back has the one it came with, corrected by what was changed in its data (RFC 1624). */
void rln_net_send_summed(struct rln_net *net, struct rln_flow *flow, struct rte_mbuf *m, uint16_t udp_sum);
/* The same without a kept flow, for SIP: src and dst from the private area; fragments when longer than the MTU. */
void rln_net_send_to(struct rln_net *net, struct rte_mbuf *m);
/* Hands what was queued to the devices; what a device does not take stays for the next turn. End of each turn. */
void rln_net_flush(struct rln_net *net);
/* ARP/ND retries and ageing, reassembly timeouts, tx retries. Every few ms. */
void rln_net_housekeep(struct rln_net *net, uint64_t now_ns);
/* Packets inside (tx buffers, waiting for a neighbour, reassembly): closes the ledger. */
unsigned rln_net_held(const struct rln_net *net);
/* The ledger of count.def with its sums; true when both sides agree. `in_hand`: datagrams that the caller took and has not counted yet. */
struct rln_net_ledger {
	uint64_t in, in_ends, in_held, out, out_ends, out_held;
};
bool rln_net_check(const struct rln_net *net, unsigned in_hand, struct rln_net_ledger *ledger);
/* Our own counters; the worker's. */
struct rln_counts *rln_net_counts(struct rln_net *net);

/* Source address that the route to `remote` would use (port 0), for Contact, Via and SDP. 0 or -ENETUNREACH. Any thread. */
int rln_net_source_for(const struct rln_net_shared *shared, const struct rln_addr *remote, struct rln_addr *local);
/* Index of a local address in shared->addrs, -1 when it is none of ours. 127.0.0.0/8 and ::1 count as ours (requirements R114). Any thread. */
int rln_net_is_local(const struct rln_net_shared *shared, const struct rln_addr *addr);
