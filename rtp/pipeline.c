/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the stages share: the wheel, the packet buffers that we build in, the statistics of a leg. pipeline.h has the picture.
 */
#include "rtp/pipeline.h"

#include "rtp/pipeline_priv.h"

unsigned rln_pipeline_ticks(struct rln_pipeline *p, uint64_t now_ns)
{
	return rln_wheel_advance(p->wheel, now_ns, RLN_PIPELINE_BUDGET);
}

uint64_t rln_pipeline_next_ns(const struct rln_pipeline *p)
{
	return rln_wheel_next_ns(p->wheel);
}

const uint32_t *rln_pipeline_phases(const struct rln_pipeline *p)
{
	return p->phases;
}

struct rte_mbuf *rln_pipeline_mbuf(struct rln_pipeline *p)
{
	if (p->spare_n == 0) {
		if (rte_pktmbuf_alloc_bulk(p->cfg.pool, p->spare, RLN_PIPELINE_SPARE) == 0)
			p->spare_n = RLN_PIPELINE_SPARE;
		else if ((p->spare[0] = rte_pktmbuf_alloc(p->cfg.pool)) != NULL)
			p->spare_n = 1;
	}
	if (p->spare_n == 0) {
		/* Both sides of the ledger: it was to go out, and it did not. */
		rln_counts_add(p->counts, RLN_C_OUT_PACKETS, 1);
		rln_counts_add(p->counts, RLN_C_TXDROP_NO_MBUF, 1);
		return NULL;
	}
	return p->spare[--p->spare_n];
}

void rln_leg_publish_stats(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_seq_counts seq;
	struct rln_leg_stats s = {
		.at_ns = now_ns,
		.packets_sent = leg->tx_packets,
		.octets_sent = leg->tx_octets,
		.octets_received = leg->rx_octets,
		.dropped_source = cold->dropped_source,
		.dropped_pt = cold->dropped_pt,
		.last_rx_ns = leg->rx_ns,
		.jitter_us = rln_jitter_stat_us(leg->jitter.j16, 8),
		.rtt_us = cold->rtcp.rtt_us,
		.peer_lost = cold->rtcp.peer_lost > 0 ? (uint32_t)cold->rtcp.peer_lost : 0,
		.peer_jitter_us = cold->rtcp.peer_jitter * 125, /* 8 kHz */
		.peer_fraction_lost = cold->rtcp.peer_fraction,
		.state = cold->state,
		.direction = cold->params.direction,
		.codec = leg->tx_codec,
		.local = cold->local,
		.remote = cold->has_flow ? leg->flow.remote : cold->params.remote,
	};

	rln_seq_counts_total(&leg->seq, &cold->seq, &seq);
	s.packets_received = rln_seq_received(&seq);
	s.lost = rln_seq_unique_lost(&seq);
	s.reordered = seq.reordered;
	s.duplicate = seq.duplicate;
	s.late = seq.too_late;
	rln_leg_stats_publish(&cold->stats, leg->id, &s);
}
