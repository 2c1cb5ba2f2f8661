/* SPDX-License-Identifier: BSD-3-Clause */
/* The neighbour cache of one worker; owner: that worker. neighbour.c says how it works. */
#pragma once

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "lcore/addr.h"

struct rln_net;

#define RLN_NEIGHBOURS 4096 /* enough for the phones of a large flat net; a power of two */
#define RLN_PENDING 512     /* frames of one worker that wait for neighbours */
#define RLN_PENDING_EACH 16
#define RLN_NIL UINT16_MAX

#define RLN_NEIGHBOUR_RETRY_NS (1000 * 1000000ull)      /* RFC 4861 10: RETRANS_TIMER */
#define RLN_NEIGHBOUR_TRIES 3                           /* MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT */
#define RLN_NEIGHBOUR_REACHABLE_NS (30000 * 1000000ull) /* REACHABLE_TIME */

enum rln_neighbour_state {
	RLN_NEIGHBOUR_FREE,
	RLN_NEIGHBOUR_INCOMPLETE, /* asked, no answer yet; frames wait */
	RLN_NEIGHBOUR_REACHABLE,
	RLN_NEIGHBOUR_PROBE,      /* known and in use, asked again whether it still is there */
	RLN_NEIGHBOUR_FAILED,     /* did not answer; frames are refused until it is forgotten */
};

struct rln_neighbour {
	struct rln_addr addr;
	struct rte_ether_addr mac;
	uint8_t port, state, tries, used; /* enum rln_neighbour_state; used: sent to since the last look */
	uint32_t gen;                     /* never 0; another one whenever a flow's copy of the MAC is void */
	uint16_t hash_next, due_next, due_prev;
	uint16_t pending_n, pending_head, pending_tail;
	uint64_t due_ns;
};

struct rln_pending {
	struct rte_mbuf *m;
	uint16_t next;
};

struct rln_neighbours {
	struct rln_neighbour slot[RLN_NEIGHBOURS];
	uint16_t hash[RLN_NEIGHBOURS];
	/* All retries wait equally long, so the list is sorted by due_ns when each is appended: expiry looks at its head. */
	uint16_t due_head, due_tail;
	uint16_t free_head;  /* chained by hash_next */
	uint16_t cursor;     /* ageing */
	uint16_t clock;      /* eviction */
	uint32_t seed;
	struct rln_pending pending[RLN_PENDING];
	uint16_t pending_free;
	uint16_t pending_n;
};

void rln_neighbours_init(struct rln_neighbours *ns, uint32_t seed);
struct rln_neighbour *rln_neighbour_find(struct rln_net *net, unsigned port, const struct rln_addr *addr);
/* Finds or makes one, and asks for it when it is new. NULL when the table is full of neighbours in use. */
struct rln_neighbour *rln_neighbour_get(struct rln_net *net, unsigned port, const struct rln_addr *addr);
static inline bool rln_neighbour_has_mac(const struct rln_neighbour *n)
{
	return n->state == RLN_NEIGHBOUR_REACHABLE || n->state == RLN_NEIGHBOUR_PROBE;
}
/* Sends a frame whose destination MAC is still zero, or lets it wait. Takes and counts it; src and dst stand in rln_pkt(m). */
void rln_neighbour_send(struct rln_net *net, struct rln_neighbour *n, struct rte_mbuf *m);
enum { RLN_LEARN_CREATE = 1, RLN_LEARN_OVERRIDE = 2, RLN_LEARN_CONFIRMED = 4 };
void rln_neighbour_learn(struct rln_net *net, unsigned port, const struct rln_addr *addr, const struct rte_ether_addr *mac, unsigned how);
/* Retries what is due, and ages one slot. */
void rln_neighbour_age(struct rln_net *net);
void rln_neighbour_flush(struct rln_net *net);
