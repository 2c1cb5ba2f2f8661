/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RTCP beside a leg's stream: reports out by the leg's slow timer, reports in from the peer, the round trip from both. Rare
 * (one packet per leg in seconds), so it keeps no flow of its own and goes out by address.
 */
#include <string.h>

#include "rtp/packet.h"
#include "rtp/pipeline_priv.h"

uint64_t rln_leg_rtcp_next(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_pipeline *p = leg->pipeline;

	return now_ns + rln_rtcp_interval_ns(p->rtcp_interval_ns, leg->cold->rtcp.sent == 0, (uint32_t)rln_pipeline_random(p));
}

/* ---- out ---- */

/* The peer's RTCP address: where its reports come from, else what SDP says, else beside the latched source. */
static bool rtcp_target(const struct rln_leg *leg, struct rln_addr *to)
{
	const struct rln_leg_cold *cold = leg->cold;

	if (!cold->has_flow)
		return false;
	if (cold->rtcp_source.port != 0) {
		*to = cold->rtcp_source;
	} else if (rln_addr_equal(&leg->flow.remote, &cold->signalled) && cold->params.remote_rtcp.port != 0) {
		*to = cold->params.remote_rtcp;
	} else {
		*to = leg->flow.remote;
		to->port++;
	}
	return to->port != 0 && !rln_addr_is_any(to);
}

static bool block_fill(struct rln_leg *leg, struct rln_rtcp_block *block, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;

	memset(block, 0, sizeof(*block));
	if (leg->rx_ns == 0)
		return false;
	block->ssrc = cold->row->ssrc;
	block->fraction = rln_seq_report(&leg->seq, &cold->seq, &block->lost, &block->highest);
	block->jitter = rln_jitter_stat_rtp(&leg->jitter);
	rln_rtcp_leg_fill(&cold->rtcp, now_ns, block);
	return true;
}

void rln_leg_rtcp_send(struct rln_leg *leg, uint64_t now_ns, bool bye)
{
	struct rln_pipeline *p = leg->pipeline;
	struct rln_leg_cold *cold = leg->cold;
	struct rln_rtcp_sender sender = {
		rln_clock_ntp(now_ns), rln_leg_ts(leg, now_ns), leg->tx_packets, (uint32_t)leg->tx_octets};
	struct rln_rtcp_build in = {.ssrc = leg->tx_ssrc, .cname = p->cname, .bye = bye ? "" : NULL};
	struct rln_rtcp_block block;
	struct rln_addr to;
	struct rte_mbuf *m;

	if (p->rtcp_interval_ns == 0 || !rtcp_target(leg, &to) || (m = rln_pipeline_mbuf(p)) == NULL)
		return;
	if (leg->tx_packets != cold->rtcp_packets) /* RFC 3550 6.4: a sender report when we sent since the last one */
		in.sender = &sender;
	if (block_fill(leg, &block, now_ns))
		in.block = &block;
	m->data_len = (uint16_t)rln_rtcp_build(rte_pktmbuf_mtod(m, uint8_t *), RLN_RTCP_ROOM, &in);
	m->pkt_len = m->data_len;
	rln_pkt(m)->src = cold->local;
	rln_pkt(m)->src.port++;
	rln_pkt(m)->dst = to;
	cold->rtcp_packets = leg->tx_packets;
	cold->rtcp.sent++;
	rln_net_send_to(p->net, m);
}

/* ---- in ---- */

/* The same host as the leg's RTP, or the address that signalling gave. */
static bool is_from_peer(const struct rln_leg *leg, const struct rln_addr *src)
{
	const struct rln_leg_cold *cold = leg->cold;

	if (cold->row->source.port != 0 && rln_addr_same_ip(src, &cold->row->source))
		return true;
	return rln_addr_equal(src, &cold->params.remote_rtcp) || rln_addr_same_ip(src, &cold->signalled) ||
	       (cold->row->source.port == 0 && cold->signalled.port == 0);
}

void rln_leg_rtcp_rx(struct rln_leg *leg, struct rte_mbuf *m, uint64_t now_ns)
{
	struct rln_pipeline *p = leg->pipeline;
	struct rln_leg_cold *cold = leg->cold;
	const struct rln_addr *src = &rln_pkt(m)->src;
	struct rln_rtcp in;

	if (!rln_rtcp_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, leg->tx_ssrc, &in)) {
		rln_pipeline_end(p, m, RLN_C_DROP_RTCP_BAD);
		return;
	}
	if (!is_from_peer(leg, src)) {
		cold->dropped_source++;
		rln_pipeline_end(p, m, RLN_C_DROP_RTP_SOURCE);
		return;
	}
	if (p->cfg.symmetric)
		cold->rtcp_source = *src;
	rln_rtcp_leg_update(&cold->rtcp, &in, now_ns, rln_clock_ntp(now_ns));
	rln_leg_on_rtcp(leg, now_ns);
	rln_pipeline_end(p, m, RLN_C_EATEN_RTCP);
}
