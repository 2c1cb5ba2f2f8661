/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose packets are a leg's (symmetric RTP and the guard against hijackers).
 *
 * The address in SDP is what the peer believes of itself; behind a NAT it is wrong, so the source of the first valid packets is
 * taken in its place. From then on any other source is dropped, unless signalling moved the remote, the latched source fell silent
 * for `latch_silence`, or the packet comes from the very address that signalling names. A latched source that signalling moved
 * away from may come back only after 50 packets: what is still on its way when a re-INVITE is answered must not win.
 * Without `symmetric` the same guard holds, but packets go where signalling says.
 */
#include "rtp/pipeline_priv.h"

#define REFUSED_PACKETS 50
#define PROBATION_NS    RLN_SEC /* how long a candidate that stopped sending keeps others out */

static bool may_replace(const struct rln_leg *leg, const struct rln_addr *src, uint64_t now_ns)
{
	const struct rln_leg_cold *cold = leg->cold;
	uint64_t silence = leg->pipeline->latch_silence_ns;

	if (rln_addr_equal(src, &cold->signalled))
		return true;
	return silence != 0 && now_ns - leg->rx_ns >= silence;
}

static uint32_t packets_needed(const struct rln_leg *leg, const struct rln_addr *src)
{
	const struct rln_leg_cold *cold = leg->cold;

	if (rln_addr_equal(src, &cold->signalled))
		return 1;
	return rln_addr_equal(src, &cold->refused) ? REFUSED_PACKETS : leg->pipeline->cfg.latch_packets;
}

static void latch_onto(struct rln_leg *leg, const struct rln_addr *src, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_pipeline *p = leg->pipeline;
	struct rln_flow flow;

	cold->row->source = *src; /* its SSRC, when it is another one, begins a new epoch in the receive stage */
	cold->candidate.port = 0;
	cold->refused.port = 0;
	/* No route back to where it came from: we go on sending where signalling says. */
	if (p->cfg.symmetric && !(cold->has_flow && rln_addr_equal(src, &leg->flow.remote)) &&
		rln_flow_init(p->net, &flow, &cold->local, src) == 0) {
		leg->flow = flow;
		cold->has_flow = 1;
		rln_counts_add(p->counts, RLN_C_RTP_LATCHED, 1);
	}
	rln_leg_refresh(leg, now_ns);
}

bool rln_leg_latch(struct rln_leg *leg, const struct rln_addr *src, uint32_t ssrc, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	uint32_t need = packets_needed(leg, src);

	if (cold->row->source.port != 0 && !may_replace(leg, src, now_ns))
		return false;
	if (!rln_addr_equal(src, &cold->candidate) || ssrc != cold->candidate_ssrc) {
		bool busy = cold->candidate.port != 0 && !rln_addr_equal(&cold->candidate, &cold->refused);

		if (busy && need > 1 && now_ns - cold->candidate_ns < PROBATION_NS)
			return false; /* one at a time */
		cold->candidate = *src;
		cold->candidate_ssrc = ssrc;
		cold->candidate_n = 0;
	}
	cold->candidate_ns = now_ns;
	if (++cold->candidate_n >= need)
		latch_onto(leg, src, now_ns);
	return true;
}

void rln_leg_unlatch(struct rln_leg *leg)
{
	struct rln_leg_cold *cold = leg->cold;

	cold->refused = cold->row->source;
	cold->row->source.port = 0;
	cold->candidate.port = 0;
}
