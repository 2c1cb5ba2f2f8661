/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams in pieces, both ways; owner: one worker. reassembly.c says how it works. */
#pragma once

#include <rte_mbuf.h>

#include "lcore/addr.h"

struct rln_net;
struct rln_ip;

#define RLN_REASSEMBLIES 64
#define RLN_FRAGMENTS 24    /* pieces of one datagram: 24 * 1,480 = 35 KB received; sent pieces: RLN_FRAGMENTS_OUT */
#define RLN_FRAGMENTS_OUT 64

#define RLN_REASSEMBLY_NS (10000 * 1000000ull)          /* RFC 791 and 8200 allow 60 s; SIP resends after 0.5 s and memory is bounded */

struct rln_piece {
	struct rte_mbuf *m; /* the fragment's data alone */
	uint16_t offset, len;
};

struct rln_reassembly { /* one datagram; owner: worker */
	struct rln_addr src, dst;
	uint32_t id;
	uint8_t proto;
	bool v6, live;
	bool bad;                 /* pieces overlapped: what still comes of it is dropped (RFC 5722) */
	uint16_t n;
	uint32_t total, received; /* bytes; total 0 = the last piece has not come */
	uint64_t since_ns;
	struct rln_piece piece[RLN_FRAGMENTS];
};

struct rln_reassemblies {
	struct rln_reassembly slot[RLN_REASSEMBLIES];
	uint16_t cursor;
	uint32_t held; /* pieces */
};

struct rln_fragment {
	uint32_t id;
	uint16_t offset; /* bytes */
	bool more;
};
/* Takes a fragment (data at its payload); returns the datagram's payload when it is complete, else NULL. */
struct rte_mbuf *rln_reassembly_add(struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip, const struct rln_fragment *f);
/* Looks at one slot. */
void rln_reassembly_age(struct rln_net *net);
void rln_reassembly_flush(struct rln_net *net);
/* Cuts a frame whose IP packet exceeds the MTU into frames; frees it. Their number; 0: counted as dropped. */
unsigned rln_fragment(struct rln_net *net, unsigned port, struct rte_mbuf *m, struct rte_mbuf *out[RLN_FRAGMENTS_OUT]);
