/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A leg's quality (R81-R84, R111): once a second its counters go into the window, and what is news is told. Only a stream that flows in is judged: a leg that is held,
 * stalled or not started is not, and its window begins anew afterwards. The bit rate is that of received payload.
 */
#include "rtp/pipeline_priv.h"

static struct rln_quality_sample sample_of(const struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_seq_counts c;

	rln_seq_counts_total(&leg->seq, &leg->cold->seq, &c);
	return (struct rln_quality_sample){
		.at_ms = (uint32_t)(now_ns / RLN_MS),
		.expected = c.expected,
		.unique = c.in_order + c.reordered,
		.octets = (uint32_t)leg->rx_octets,
		.jitter_us = rln_jitter_stat_us(leg->jitter.j16, 8),
	};
}

static void tell_quality(struct rln_leg *leg, enum rln_event_kind kind, const struct rln_media_metrics *metrics)
{
	struct rln_event ev = {.kind = (uint16_t)kind};
	enum rln_quality level = (enum rln_quality)leg->cold->quality.level;

	ev.media_quality_update.metrics = *metrics;
	ev.media_quality_update.quality = (uint8_t)level;
	ev.media_quality_update.severity = (uint8_t)rln_quality_severity(level);
	rln_leg_emit(leg, &ev);
}

static void tell_loss(struct rln_leg *leg, enum rln_event_kind kind, float loss, uint32_t window_ms)
{
	struct rln_event ev = {.kind = (uint16_t)kind};

	ev.packet_loss_detected.loss_percentage = loss;
	ev.packet_loss_detected.window_ms = window_ms;
	rln_leg_emit(leg, &ev);
}

void rln_leg_quality_look(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	const struct rln_pipeline *p = leg->pipeline;
	struct rln_quality_sample sample;
	struct rln_quality_window window;
	struct rln_media_metrics metrics;
	unsigned news;

	if (rln_leg_state_now(leg) != RLN_STREAM_FLOWING || !(cold->params.direction & RLN_MEDIA_INBOUND)) {
		rln_quality_restart(&cold->quality);
		cold->quality_due = now_ns + p->quality_interval_ns;
		return;
	}
	sample = sample_of(leg, now_ns);
	news = rln_quality_step(&cold->quality, &sample, p->cfg.loss_limit_pct, &window);
	metrics = rln_quality_metrics(&window, cold->rtcp.rtt_us);
	if (news & RLN_QUALITY_LOSS)
		tell_loss(leg, RLN_EV_PACKET_LOSS_DETECTED, metrics.packet_loss, window.ms);
	if (news & RLN_QUALITY_LIMIT)
		tell_loss(leg, RLN_EV_PACKET_LOSS_THRESHOLD_EXCEEDED, metrics.packet_loss, window.ms);
	if (news & RLN_QUALITY_WORSE)
		tell_quality(leg, RLN_EV_MEDIA_QUALITY_DEGRADED, &metrics);
	if (news & (RLN_QUALITY_WORSE | RLN_QUALITY_BETTER))
		tell_quality(leg, RLN_EV_MEDIA_QUALITY_CHANGE, &metrics);
	/* Half a second early is the nearest look to the interval's end. */
	if ((news & RLN_QUALITY_JUDGED) && p->quality_interval_ns != 0 && now_ns + RLN_SEC / 2 >= cold->quality_due) {
		cold->quality_due = now_ns + p->quality_interval_ns;
		tell_quality(leg, RLN_EV_MEDIA_QUALITY_UPDATE, &metrics);
	}
}
