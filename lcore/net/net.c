// SPDX-License-Identifier: BSD-3-Clause
/*
 * The worker's turn: takes bursts from the device queues, from other workers, from control and from ourselves, and hands what comes
 * of them on. owner: one worker; rings to other lcores are filled in bursts at the end of a poll or of a turn.
 *
 * A poll looks at its sources in turn, beginning one further each time, until 32 packets are in hand: a packet leaves at most one
 * datagram, so `out` cannot overflow and no source starves another.
 */
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

#include "lcore/net/net_priv.h"

enum { SOURCE_DEVICE, SOURCE_WORKER, SOURCE_INSIDE };

/* Packets ahead of the one at work whose first 64 bytes (headers: 14 + 4 + 40 + 8 = 66 at most) and private area are fetched. */
#define PREFETCH_AHEAD    6
/* Vector drivers give nothing when asked for fewer than this, and round down to a multiple. */
#define DEVICE_BURST_STEP 8

void rln_net_choose_sources(struct rln_net *net)
{
	for (unsigned p = 0; p < net->shared->ports_n; p++)
		if (net->worker < net->shared->ports[p].rx_queues)
			net->sources[net->sources_n++] = (struct rln_source){SOURCE_DEVICE, (uint8_t)p};
	for (unsigned w = 0; w < net->shared->workers; w++)
		if (net->shared->handoff[w][net->worker])
			net->sources[net->sources_n++] = (struct rln_source){SOURCE_WORKER, (uint8_t)w};
	net->sources[net->sources_n++] = (struct rln_source){SOURCE_INSIDE, 0};
}

/* ---- rings to other lcores ---- */

/* A packet that found its ring full. */
static void refuse_staged(struct rln_net *net, struct rte_mbuf *m, bool to_control)
{
	switch ((enum rln_pkt_op)rln_pkt(m)->op) {
	case RLN_PKT_DATAGRAM:
		rln_net_drop(net, m, to_control ? RLN_C_DROP_SIP_RING_FULL : RLN_C_DROP_HANDOFF_FULL);
		break;
	case RLN_PKT_XMIT:
		rln_net_drop(net, m, RLN_C_TXDROP_QUEUE_FULL);
		break;
	case RLN_PKT_LEARN:
		rln_net_drop(net, m, RLN_C_NEIGHBOUR_UNTOLD);
		break;
	case RLN_PKT_UNREACH:
		rln_net_drop(net, m, RLN_C_UNREACH_LOST);
		break;
	}
}

/* Which counter a packet adds to when it enters a ring; -1: none, it was counted before. */
static int counter_of(enum rln_pkt_op op, bool to_control)
{
	switch (op) {
	case RLN_PKT_DATAGRAM:
		return to_control ? RLN_C_EATEN_SIP : RLN_C_HANDOFF_OUT;
	case RLN_PKT_XMIT:
		return RLN_C_TX_HANDED;
	case RLN_PKT_LEARN:
		return RLN_C_NEIGHBOUR_TOLD;
	case RLN_PKT_UNREACH:
		break;
	}
	return -1;
}

static void flush_stage(struct rln_net *net, struct rln_stage *stage)
{
	bool to_control = stage == &net->stage[RLN_NET_CONTROL_STAGE];
	unsigned done = 0, n = stage->n;
	int counter[RLN_BURST];

	/* Looked at before the ring takes them: afterwards they are another lcore's. */
	for (unsigned i = 0; i < n; i++)
		counter[i] = counter_of(rln_pkt(stage->m[i])->op, to_control);
	if (stage->ring)
		done = rte_ring_sp_enqueue_burst(stage->ring, (void **)stage->m, n, NULL);
	for (unsigned i = 0; i < done; i++)
		if (counter[i] >= 0)
			rln_net_count(net, counter[i]);
	for (unsigned i = done; i < n; i++)
		refuse_staged(net, stage->m[i], to_control);
	stage->n = 0;
}

static void stage_push(struct rln_net *net, unsigned which, struct rte_mbuf *m)
{
	struct rln_stage *stage = &net->stage[which];

	stage->m[stage->n++] = m;
	if (stage->n == RLN_BURST)
		flush_stage(net, stage);
}

static void flush_stages(struct rln_net *net)
{
	for (unsigned w = 0; w < net->shared->workers; w++)
		if (net->stage[w].n)
			flush_stage(net, &net->stage[w]);
	if (net->stage[RLN_NET_CONTROL_STAGE].n)
		flush_stage(net, &net->stage[RLN_NET_CONTROL_STAGE]);
}

/* ---- dispatch ---- */

static bool inside_push(struct rln_net *net, struct rte_mbuf *m)
{
	if (net->inside_head - net->inside_tail == RLN_INSIDE)
		return false;
	net->inside[net->inside_head++ & (RLN_INSIDE - 1)] = m;
	return true;
}

bool rln_net_deliver(struct rln_net *net, struct rte_mbuf *m)
{
	int owner = net->shared->owner_of(net->shared->owner_arg, &rln_pkt(m)->dst);

	rln_pkt(m)->op = RLN_PKT_DATAGRAM;
	if (owner == RLN_NET_CONTROL) {
		stage_push(net, RLN_NET_CONTROL_STAGE, m);
		return true;
	}
	if (owner < 0 || (unsigned)owner >= net->shared->workers)
		return false;
	/* A leg reads its packet as one piece; control copes with chains (an INVITE longer than a buffer). */
	if (unlikely(m->nb_segs > 1) && rte_pktmbuf_linearize(m) < 0)
		rln_net_drop(net, m, RLN_C_DROP_FRAGMENT_BAD);
	else if (owner == net->worker)
		net->out->m[net->out->n++] = m;
	else
		stage_push(net, (unsigned)owner, m);
	return true;
}

void rln_net_note_unreach(struct rln_net *net, struct rte_mbuf *m, int error)
{
	int owner = net->shared->owner_of(net->shared->owner_arg, &rln_pkt(m)->src);

	rln_pkt(m)->op = RLN_PKT_UNREACH;
	rln_pkt(m)->error = (uint8_t)error;
	rln_pkt(m)->worker = net->worker;
	if (owner == RLN_NET_CONTROL) {
		stage_push(net, RLN_NET_CONTROL_STAGE, m);
	} else if (owner >= 0 && (unsigned)owner < net->shared->workers && owner != net->worker) {
		stage_push(net, (unsigned)owner, m);
	} else if (owner == net->worker && inside_push(net, m)) {
		net->inside_notes++;
	} else {
		rln_net_drop(net, m, RLN_C_UNREACH_LOST);
	}
}

void rln_net_inside(struct rln_net *net, struct rte_mbuf *m, const struct rln_addr *src, const struct rln_addr *dst)
{
	struct rln_pkt *pkt = rln_pkt(m);

	if (!inside_push(net, m)) {
		rln_net_drop(net, m, RLN_C_TXDROP_LOCAL_FULL);
		return;
	}
	pkt->src = *src;
	pkt->dst = *dst;
	pkt->op = RLN_PKT_DATAGRAM;
	pkt->port = RLN_FLOW_LOCAL;
	pkt->udp_sum = 0;
	pkt->worker = net->worker;
	pkt->rx_ns = net->now_ns;
	rln_net_count(net, RLN_C_TX_LOCAL);
	rln_net_count(net, RLN_C_RX_LOCAL);
}

void rln_net_tell(struct rln_net *net, unsigned port, const struct rte_mbuf *m)
{
	for (unsigned w = 0; w < net->shared->workers; w++) {
		struct rte_mbuf *copy;

		if (w == net->worker || !net->stage[w].ring)
			continue;
		copy = rte_pktmbuf_copy(m, net->shared->pool, 0, UINT32_MAX);
		if (!copy) {
			rln_net_count(net, RLN_C_NEIGHBOUR_UNTOLD);
			continue;
		}
		rln_pkt(copy)->op = RLN_PKT_LEARN;
		rln_pkt(copy)->port = (uint8_t)port;
		stage_push(net, w, copy);
	}
}

/* ---- sending ---- */

static void tx_flush(struct rln_net *net, unsigned port)
{
	struct rln_tx *tx = &net->tx[port];
	uint16_t done = rte_eth_tx_burst(net->shared->ports[port].device, tx->queue, tx->m, tx->n);

	rln_counts_add(net->counts, RLN_C_TX_PACKETS, done);
	tx->n -= done;
	if (unlikely(tx->n && done))
		memmove(tx->m, tx->m + done, tx->n * sizeof(tx->m[0]));
}

void rln_net_transmit(struct rln_net *net, unsigned port, struct rte_mbuf *m)
{
	struct rln_tx *tx = &net->tx[port];

	if (unlikely(tx->via >= 0)) {
		rln_pkt(m)->op = RLN_PKT_XMIT;
		rln_pkt(m)->port = (uint8_t)port;
		stage_push(net, (unsigned)tx->via, m);
		return;
	}
	if (unlikely(tx->n == RLN_TX_BUFFER)) {
		tx_flush(net, port);
		if (tx->n == RLN_TX_BUFFER) {
			rln_net_drop(net, m, RLN_C_TXDROP_QUEUE_FULL);
			return;
		}
	}
	tx->m[tx->n++] = m;
	if (tx->n == RLN_BURST)
		tx_flush(net, port);
}

void rln_net_flush(struct rln_net *net)
{
	for (unsigned p = 0; p < net->shared->ports_n; p++)
		if (net->tx[p].n)
			tx_flush(net, p);
	flush_stages(net);
}

/* ---- receiving ---- */

static void prefetch(struct rte_mbuf *m)
{
	rte_prefetch0(rte_pktmbuf_mtod(m, void *));
	rte_prefetch0(rln_pkt(m));
}

static unsigned poll_device(struct rln_net *net, unsigned port, unsigned room)
{
	struct rte_mbuf *m[RLN_BURST];
	unsigned n;

	room &= ~(DEVICE_BURST_STEP - 1u);
	if (room == 0)
		return 0;
	n = rte_eth_rx_burst(net->shared->ports[port].device, net->worker, m, (uint16_t)room);
	if (n == 0)
		return 0;
	rln_counts_add(net->counts, RLN_C_RX_PACKETS, n);
	for (unsigned i = 0; i < PREFETCH_AHEAD && i < n; i++)
		prefetch(m[i]);
	for (unsigned i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			prefetch(m[i + PREFETCH_AHEAD]);
		rln_eth_input(net, port, m[i]);
	}
	return n;
}

static void take(struct rln_net *net, struct rte_mbuf *m)
{
	switch ((enum rln_pkt_op)rln_pkt(m)->op) {
	case RLN_PKT_DATAGRAM:
		rln_net_count(net, RLN_C_HANDOFF_IN);
		net->out->m[net->out->n++] = m;
		break;
	case RLN_PKT_XMIT:
		rln_net_count(net, RLN_C_OUT_TAKEN);
		rln_net_transmit(net, rln_pkt(m)->port, m);
		break;
	case RLN_PKT_LEARN:
		rln_eth_learn(net, m);
		break;
	case RLN_PKT_UNREACH:
		net->out->m[net->out->n++] = m;
		break;
	}
}

static unsigned poll_worker(struct rln_net *net, unsigned from, unsigned room)
{
	struct rte_mbuf *m[RLN_BURST];
	unsigned n = rte_ring_sc_dequeue_burst(net->shared->handoff[from][net->worker], (void **)m, room, NULL);

	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rln_pkt(m[i]));
	for (unsigned i = 0; i < n; i++)
		take(net, m[i]);
	return n;
}

/* Nobody listens on a port of ours that we sent to: the sender is told, without any packet. */
static void refuse_inside(struct rln_net *net, struct rte_mbuf *m)
{
	rln_net_count(net, RLN_C_DROP_UDP_PORT);
	rln_net_note_unreach(net, m, ECONNREFUSED);
}

static unsigned poll_inside(struct rln_net *net, unsigned room)
{
	unsigned waiting = net->inside_head - net->inside_tail, n = waiting < room ? waiting : room;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = net->inside[net->inside_tail++ & (RLN_INSIDE - 1)];

		if (rln_pkt(m)->op == RLN_PKT_UNREACH) {
			net->inside_notes--;
			net->out->m[net->out->n++] = m;
		} else if (!rln_net_deliver(net, m)) {
			refuse_inside(net, m);
		}
	}
	return n;
}

static unsigned poll_control(struct rln_net *net)
{
	struct rte_ring *ring = net->shared->from_control[net->worker];
	struct rte_mbuf *m[RLN_BURST];
	unsigned n;

	if (!ring)
		return 0;
	n = rte_ring_sc_dequeue_burst(ring, (void **)m, RLN_BURST, NULL);
	for (unsigned i = 0; i < n; i++)
		rln_net_send_to(net, m[i]);
	return n;
}

static unsigned poll_source(struct rln_net *net, const struct rln_source *source, unsigned room)
{
	switch (source->kind) {
	case SOURCE_DEVICE:
		return poll_device(net, source->index, room);
	case SOURCE_WORKER:
		return poll_worker(net, source->index, room);
	}
	return poll_inside(net, room);
}

unsigned rln_net_poll(struct rln_net *net, struct rln_batch *out, uint64_t now_ns)
{
	unsigned in_hand = 0, s = net->source_next, seen;

	if (net->now_ns && now_ns - net->now_ns > RLN_POLL_GAP_NS)
		rln_net_count(net, RLN_C_POLL_GAP);
	net->now_ns = now_ns;
	net->out = out;
	out->n = 0;
	seen = poll_control(net);
	for (unsigned i = 0; i < net->sources_n && in_hand < RLN_BURST; i++) {
		in_hand += poll_source(net, &net->sources[s], RLN_BURST - in_hand);
		s = s + 1 == net->sources_n ? 0 : s + 1;
	}
	net->source_next = net->source_next + 1 == net->sources_n ? 0 : net->source_next + 1;
	flush_stages(net);
	net->out = NULL;
	return seen + in_hand;
}

void rln_net_housekeep(struct rln_net *net, uint64_t now_ns)
{
	net->now_ns = now_ns;
	rln_neighbour_age(net);
	rln_reassembly_age(net);
	rln_net_flush(net);
}

/* ---- the ledger ---- */

static unsigned held_in(const struct rln_net *net)
{
	unsigned n = net->inside_head - net->inside_tail - net->inside_notes + net->reassemblies.held;

	for (unsigned s = 0; s <= RLN_NET_CONTROL_STAGE; s++)
		for (unsigned i = 0; i < net->stage[s].n; i++)
			n += rln_pkt(net->stage[s].m[i])->op == RLN_PKT_DATAGRAM;
	return n;
}

static unsigned held_out(const struct rln_net *net)
{
	unsigned n = net->neighbours.pending_n;

	for (unsigned p = 0; p < net->shared->ports_n; p++)
		n += net->tx[p].n;
	for (unsigned s = 0; s < RLN_NET_WORKERS; s++)
		for (unsigned i = 0; i < net->stage[s].n; i++)
			n += rln_pkt(net->stage[s].m[i])->op == RLN_PKT_XMIT;
	return n;
}

unsigned rln_net_held(const struct rln_net *net)
{
	return held_in(net) + held_out(net);
}

bool rln_net_check(const struct rln_net *net, unsigned in_hand, struct rln_net_ledger *ledger)
{
	const struct rln_counts *c = net->counts;

	ledger->in = rln_counts_group(c, RLN_G_RX) + rln_counts_group(c, RLN_G_HANDOFF_IN);
	ledger->in_ends =
		rln_counts_group(c, RLN_G_EATEN) + rln_counts_group(c, RLN_G_DROP) + rln_counts_group(c, RLN_G_HANDOFF_OUT);
	ledger->in_held = held_in(net) + in_hand;
	ledger->out = rln_counts_group(c, RLN_G_OUT);
	ledger->out_ends = rln_counts_group(c, RLN_G_SENT) + rln_counts_group(c, RLN_G_TXDROP);
	ledger->out_held = held_out(net);
	return ledger->in == ledger->in_ends + ledger->in_held && ledger->out == ledger->out_ends + ledger->out_held;
}

struct rln_counts *rln_net_counts(struct rln_net *net)
{
	return net->counts;
}

void rln_net_discard(struct rln_net *net)
{
	while (net->inside_tail != net->inside_head) {
		struct rte_mbuf *m = net->inside[net->inside_tail++ & (RLN_INSIDE - 1)];

		if (rln_pkt(m)->op == RLN_PKT_UNREACH)
			rte_pktmbuf_free(m);
		else
			rln_net_drop(net, m, RLN_C_DROP_UDP_PORT);
	}
	net->inside_notes = 0;
	for (unsigned w = 0; w <= RLN_NET_CONTROL_STAGE; w++) {
		for (unsigned i = 0; i < net->stage[w].n; i++)
			refuse_staged(net, net->stage[w].m[i], w == RLN_NET_CONTROL_STAGE);
		net->stage[w].n = 0;
	}
	for (unsigned p = 0; p < net->shared->ports_n; p++) {
		for (unsigned i = 0; i < net->tx[p].n; i++)
			rln_net_drop(net, net->tx[p].m[i], RLN_C_TXDROP_QUEUE_FULL);
		net->tx[p].n = 0;
	}
}
