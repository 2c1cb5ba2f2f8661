// SPDX-License-Identifier: BSD-3-Clause
/*
 * Who is next on the wire: one cache per worker for ARP and ND, after RFC 4861 7.3 with its states cut down to what a
 * host needs. Fixed slots, chained hash, no allocation. Frames that wait for an answer come from one bounded list; a 17th frame for the
 * same neighbour pushes the oldest out (7.2.2).
 *
 * A flow keeps slot and generation: whatever makes its copy of the MAC void (another MAC, failure, reuse of the slot) gives the slot
 * another generation. A neighbour in use is asked again, by unicast, every 30 s; one that is not in use is forgotten then.
 */
#include <rte_jhash.h>

#include "lcore/net/net_priv.h"

/* Retries of one look: each is a frame, and a turn must stay short. */
#define AGE_BUDGET 16

static uint16_t index_of(const struct rln_neighbours *ns, const struct rln_neighbour *n)
{
	return (uint16_t)(n - ns->slot);
}

static uint16_t bucket(const struct rln_neighbours *ns, unsigned port, const struct rln_addr *addr)
{
	uint32_t words[4];

	memcpy(words, addr->ip, sizeof(words));
	return rte_jhash_32b(words, 4, ns->seed + port) & (RLN_NEIGHBOURS - 1);
}

static void next_gen(struct rln_neighbour *n)
{
	if (++n->gen == 0)
		n->gen = 1;
}

void rln_neighbours_init(struct rln_neighbours *ns, uint32_t seed)
{
	memset(ns, 0, sizeof(*ns));
	ns->seed = seed;
	ns->due_head = ns->due_tail = RLN_NIL;
	for (unsigned i = 0; i < RLN_NEIGHBOURS; i++) {
		ns->hash[i] = RLN_NIL;
		ns->slot[i].gen = 1;
		ns->slot[i].hash_next = i + 1 < RLN_NEIGHBOURS ? (uint16_t)(i + 1) : RLN_NIL;
	}
	for (unsigned i = 0; i < RLN_PENDING; i++)
		ns->pending[i].next = i + 1 < RLN_PENDING ? (uint16_t)(i + 1) : RLN_NIL;
}

/* ---- the list of retries ---- */

static bool is_waiting(const struct rln_neighbour *n)
{
	return n->state == RLN_NEIGHBOUR_INCOMPLETE || n->state == RLN_NEIGHBOUR_PROBE || n->state == RLN_NEIGHBOUR_FAILED;
}

static void due_remove(struct rln_neighbours *ns, struct rln_neighbour *n)
{
	if (n->due_prev == RLN_NIL)
		ns->due_head = n->due_next;
	else
		ns->slot[n->due_prev].due_next = n->due_next;
	if (n->due_next == RLN_NIL)
		ns->due_tail = n->due_prev;
	else
		ns->slot[n->due_next].due_prev = n->due_prev;
}

static void due_append(struct rln_neighbours *ns, struct rln_neighbour *n, uint64_t now_ns)
{
	uint16_t i = index_of(ns, n);

	n->due_ns = now_ns + RLN_NEIGHBOUR_RETRY_NS;
	n->due_prev = ns->due_tail;
	n->due_next = RLN_NIL;
	if (ns->due_tail == RLN_NIL)
		ns->due_head = i;
	else
		ns->slot[ns->due_tail].due_next = i;
	ns->due_tail = i;
}

static void set_state(struct rln_net *net, struct rln_neighbour *n, enum rln_neighbour_state state)
{
	if (is_waiting(n))
		due_remove(&net->neighbours, n);
	n->state = state;
	if (is_waiting(n))
		due_append(&net->neighbours, n, net->now_ns);
}

/* ---- frames that wait ---- */

static struct rte_mbuf *pending_pop(struct rln_neighbours *ns, struct rln_neighbour *n)
{
	uint16_t i = n->pending_head;
	struct rte_mbuf *m = ns->pending[i].m;

	n->pending_head = ns->pending[i].next;
	n->pending_n--;
	ns->pending_n--;
	ns->pending[i].next = ns->pending_free;
	ns->pending_free = i;
	return m;
}

/* An unreachable next hop ends a SIP transaction at once (requirements R62), so the frame goes back as a note. */
static void refuse(struct rln_net *net, struct rte_mbuf *m)
{
	rln_net_count(net, RLN_C_TXDROP_NEIGHBOUR);
	rln_net_note_unreach(net, m, EHOSTUNREACH);
}

static void pending_push(struct rln_net *net, struct rln_neighbour *n, struct rte_mbuf *m)
{
	struct rln_neighbours *ns = &net->neighbours;
	uint16_t i;

	if (n->pending_n == RLN_PENDING_EACH)
		rln_net_drop(net, pending_pop(ns, n), RLN_C_TXDROP_NEIGHBOUR);
	i = ns->pending_free;
	if (i == RLN_NIL) {
		rln_net_drop(net, m, RLN_C_TXDROP_NEIGHBOUR);
		return;
	}
	ns->pending_free = ns->pending[i].next;
	ns->pending[i] = (struct rln_pending){m, RLN_NIL};
	if (n->pending_n == 0)
		n->pending_head = i;
	else
		ns->pending[n->pending_tail].next = i;
	n->pending_tail = i;
	n->pending_n++;
	ns->pending_n++;
}

static void send_to(struct rln_net *net, const struct rln_neighbour *n, struct rte_mbuf *m)
{
	rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr = n->mac;
	rln_net_transmit(net, n->port, m);
}

static void pending_send(struct rln_net *net, struct rln_neighbour *n)
{
	while (n->pending_n)
		send_to(net, n, pending_pop(&net->neighbours, n));
}

static void pending_refuse(struct rln_net *net, struct rln_neighbour *n)
{
	while (n->pending_n)
		refuse(net, pending_pop(&net->neighbours, n));
}

/* ---- slots ---- */

/* Nothing waits for it: frames wait for INCOMPLETE ones only, and those are answered or fail first. */
static void forget(struct rln_net *net, struct rln_neighbour *n)
{
	struct rln_neighbours *ns = &net->neighbours;
	uint16_t i = index_of(ns, n), *at = &ns->hash[bucket(ns, n->port, &n->addr)];

	set_state(net, n, RLN_NEIGHBOUR_FREE);
	while (*at != i)
		at = &ns->slot[*at].hash_next;
	*at = n->hash_next;
	n->hash_next = ns->free_head;
	ns->free_head = i;
	next_gen(n);
}

/* Makes room at the cost of a neighbour that nobody sends to; a clock hand finds it. */
static bool evict(struct rln_net *net)
{
	struct rln_neighbours *ns = &net->neighbours;

	for (unsigned i = 0; i < 16; i++) {
		struct rln_neighbour *n = &ns->slot[ns->clock++ & (RLN_NEIGHBOURS - 1)];

		if (n->state == RLN_NEIGHBOUR_FAILED || (n->state == RLN_NEIGHBOUR_REACHABLE && !n->used)) {
			forget(net, n);
			return true;
		}
	}
	return false;
}

static struct rln_neighbour *add(struct rln_net *net, unsigned port, const struct rln_addr *addr)
{
	struct rln_neighbours *ns = &net->neighbours;
	uint16_t b = bucket(ns, port, addr), i;
	struct rln_neighbour *n;

	if (ns->free_head == RLN_NIL && !evict(net))
		return NULL;
	i = ns->free_head;
	n = &ns->slot[i];
	ns->free_head = n->hash_next;
	n->hash_next = ns->hash[b];
	ns->hash[b] = i;
	n->addr = *addr;
	n->addr.port = 0;
	n->port = (uint8_t)port;
	n->tries = n->used = 0;
	return n;
}

struct rln_neighbour *rln_neighbour_find(struct rln_net *net, unsigned port, const struct rln_addr *addr)
{
	struct rln_neighbours *ns = &net->neighbours;

	for (uint16_t i = ns->hash[bucket(ns, port, addr)]; i != RLN_NIL; i = ns->slot[i].hash_next)
		if (ns->slot[i].port == port && rln_addr_same_ip(&ns->slot[i].addr, addr))
			return &ns->slot[i];
	return NULL;
}

static void ask(struct rln_net *net, struct rln_neighbour *n)
{
	const struct rte_ether_addr *dst = n->state == RLN_NEIGHBOUR_PROBE ? &n->mac : NULL;

	n->tries++;
	if (rln_addr_is_v4(&n->addr))
		rln_arp_request(net, n, dst);
	else
		rln_nd_solicit(net, n, dst);
}

struct rln_neighbour *rln_neighbour_get(struct rln_net *net, unsigned port, const struct rln_addr *addr)
{
	struct rln_neighbour *n = rln_neighbour_find(net, port, addr);

	if (n)
		return n;
	n = add(net, port, addr);
	if (!n)
		return NULL;
	set_state(net, n, RLN_NEIGHBOUR_INCOMPLETE);
	ask(net, n);
	return n;
}

void rln_neighbour_send(struct rln_net *net, struct rln_neighbour *n, struct rte_mbuf *m)
{
	n->used = 1;
	if (rln_neighbour_has_mac(n))
		send_to(net, n, m);
	else if (n->state == RLN_NEIGHBOUR_INCOMPLETE)
		pending_push(net, n, m);
	else
		refuse(net, m);
}

void rln_neighbour_learn(
	struct rln_net *net, unsigned port, const struct rln_addr *addr, const struct rte_ether_addr *mac, unsigned how)
{
	struct rln_neighbour *n = rln_neighbour_find(net, port, addr);
	bool known;

	if (!n && how & RLN_LEARN_CREATE && rln_route_is_on_link(net->shared, port, addr))
		n = add(net, port, addr);
	if (!n)
		return;
	known = rln_neighbour_has_mac(n);
	if (known && !rte_is_same_ether_addr(&n->mac, mac)) {
		/* RFC 4861 7.2.5: without the override flag the old MAC stays, and is asked again at the next ageing. */
		if (!(how & RLN_LEARN_OVERRIDE)) {
			n->due_ns = net->now_ns;
			return;
		}
		next_gen(n);
	}
	n->mac = *mac;
	if (!known || how & RLN_LEARN_CONFIRMED)
		set_state(net, n, RLN_NEIGHBOUR_REACHABLE);
	if (n->state == RLN_NEIGHBOUR_REACHABLE)
		n->due_ns = net->now_ns + (how & RLN_LEARN_CONFIRMED ? RLN_NEIGHBOUR_REACHABLE_NS : RLN_NEIGHBOUR_RETRY_NS);
	pending_send(net, n);
}

/* ---- time ---- */

static void fail(struct rln_net *net, struct rln_neighbour *n)
{
	next_gen(n);
	set_state(net, n, RLN_NEIGHBOUR_FAILED);
	pending_refuse(net, n);
}

static void retry(struct rln_net *net, struct rln_neighbour *n)
{
	if (n->state == RLN_NEIGHBOUR_FAILED) {
		forget(net, n);
	} else if (n->tries == RLN_NEIGHBOUR_TRIES) {
		fail(net, n);
	} else {
		ask(net, n);
		set_state(net, n, n->state);
	}
}

static void age_one(struct rln_net *net)
{
	struct rln_neighbours *ns = &net->neighbours;
	struct rln_neighbour *n = &ns->slot[ns->cursor++ & (RLN_NEIGHBOURS - 1)];

	if (n->state != RLN_NEIGHBOUR_REACHABLE || net->now_ns < n->due_ns)
		return;
	if (!n->used) {
		forget(net, n);
		return;
	}
	n->used = 0;
	n->tries = 0;
	set_state(net, n, RLN_NEIGHBOUR_PROBE);
	ask(net, n);
}

void rln_neighbour_age(struct rln_net *net)
{
	struct rln_neighbours *ns = &net->neighbours;

	for (unsigned i = 0; i < AGE_BUDGET && ns->due_head != RLN_NIL && ns->slot[ns->due_head].due_ns <= net->now_ns; i++)
		retry(net, &ns->slot[ns->due_head]);
	age_one(net);
}

void rln_neighbour_flush(struct rln_net *net)
{
	struct rln_neighbours *ns = &net->neighbours;

	for (unsigned i = 0; i < RLN_NEIGHBOURS; i++)
		while (ns->slot[i].pending_n)
			rln_net_drop(net, pending_pop(ns, &ns->slot[i]), RLN_C_TXDROP_NEIGHBOUR);
}
