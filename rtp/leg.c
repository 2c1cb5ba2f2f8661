/* SPDX-License-Identifier: BSD-3-Clause */
/* What changes a leg: commands, and packets that are news. Off the packet path but for the first packets of a stream. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "rtp/pipeline_priv.h"

#define STATS_NS     RLN_SEC
#define REPORT_NS    (5 * RLN_SEC) /* RTP_STATISTICS_UPDATE when we send no RTCP */
#define DTMF_LOOK_NS (100 * RLN_MS)
#define LONG_RUN     0x4000 /* packets: how far back a run's beginning is kept, far more than packets are overtaken by */
#define FAULTS_FIRST 10     /* faults in a row until RTP_ERROR, */
#define FAULTS_AGAIN 250    /* and until the next one */

static struct rln_leg_cold *cold_of_slow(struct rln_timer *t)
{
	return (struct rln_leg_cold *)((char *)t - offsetof(struct rln_leg_cold, slow));
}

/* ---- state and news ---- */

enum rln_stream_state rln_leg_state_now(const struct rln_leg *leg)
{
	const struct rln_leg_cold *cold = leg->cold;
	uint8_t direction = cold->params.direction;

	if (cold->closing)
		return RLN_STREAM_STOPPED;
	if (!cold->started)
		return RLN_STREAM_READY;
	if (direction == RLN_MEDIA_INACTIVE || (direction & cold->full_direction) != cold->full_direction)
		return RLN_STREAM_HELD;
	if (cold->stalled)
		return RLN_STREAM_STALLED;
	if (direction & RLN_MEDIA_INBOUND)
		return cold->news.rtp_seen ? RLN_STREAM_FLOWING : RLN_STREAM_READY;
	return leg->tx_packets > 0 ? RLN_STREAM_FLOWING : RLN_STREAM_READY;
}

void rln_leg_set_state(struct rln_leg *leg, enum rln_stream_state state, bool always)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_event ev = {.kind = RLN_EV_MEDIA_STREAM_STATE_CHANGED};

	if (state == cold->state && !always)
		return;
	ev.media_stream_state_changed.old_state = cold->state;
	ev.media_stream_state_changed.new_state = (uint8_t)state;
	ev.media_stream_state_changed.direction = cold->params.direction;
	cold->state = (uint8_t)state;
	rln_leg_emit(leg, &ev);
}

static const struct rln_addr *remote_of(const struct rln_leg *leg)
{
	const struct rln_leg_cold *cold = leg->cold;

	return cold->row->source.port != 0 ? &cold->row->source : &cold->params.remote;
}

static void tell_confirmed(struct rln_leg *leg)
{
	struct rln_event ev = {.kind = RLN_EV_REMOTE_MEDIA_CONFIRMED};

	ev.remote_media_confirmed.remote_addr = *remote_of(leg);
	ev.remote_media_confirmed.rtp_flowing = leg->cold->news.rtp_seen;
	ev.remote_media_confirmed.rtcp_received = leg->cold->news.rtcp_seen;
	rln_leg_emit(leg, &ev);
}

static void tell_flow(struct rln_leg *leg)
{
	struct rln_event ev = {.kind = RLN_EV_MEDIA_FLOW_ESTABLISHED};

	ev.media_flow_established.local_addr = leg->cold->local;
	ev.media_flow_established.remote_addr = *remote_of(leg);
	ev.media_flow_established.direction = RLN_MEDIA_BIDIRECTIONAL;
	rln_leg_emit(leg, &ev);
}

static void tell_audio(struct rln_leg *leg)
{
	struct rln_event ev = {.kind = RLN_EV_FIRST_AUDIO_FRAME_RECEIVED};

	ev.first_audio_frame_received.timestamp = leg->cold->news.audio_ts;
	ev.first_audio_frame_received.ssrc = leg->cold->news.audio_ssrc;
	rln_leg_emit(leg, &ev);
}

/* Tells what packets have shown and commands allow, in R155's order, and notes whether a next packet can be news. */
static void news_tell(struct rln_leg *leg)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_leg_news *n = &cold->news;
	bool two_way = cold->params.direction == RLN_MEDIA_BIDIRECTIONAL;

	if (cold->started) {
		if (n->rtp_seen && !n->rtp_told) {
			n->rtp_told = 1;
			n->rtcp_told = n->rtcp_seen;
			tell_confirmed(leg);
		}
		if (n->rtcp_seen && !n->rtcp_told) {
			n->rtcp_told = 1;
			tell_confirmed(leg);
		}
		if (two_way && n->rtp_told && !n->flow_told && leg->tx_packets > 0) {
			n->flow_told = 1;
			tell_flow(leg);
		}
		if (n->audio_seen && !n->audio_told && (n->flow_told || !two_way)) {
			n->audio_told = 1;
			tell_audio(leg);
		}
		rln_leg_set_state(leg, rln_leg_state_now(leg), false);
	}
	if (cold->stalled || !n->audio_told || !n->flow_told || cold->row->source.port == 0)
		leg->mode |= RLN_LEG_NEWS;
	else
		leg->mode &= (uint8_t)~RLN_LEG_NEWS;
}

static void slow_schedule(struct rln_leg *leg);
static void timeout_schedule(struct rln_leg *leg);

void rln_leg_on_rtp(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	bool first = !cold->news.rtp_seen || cold->stalled;

	(void)now_ns;
	cold->news.rtp_seen = 1;
	cold->stalled = 0;
	news_tell(leg);
	if (first) {
		timeout_schedule(leg);
		slow_schedule(leg);
	}
}

void rln_leg_on_audio(struct rln_leg *leg, uint32_t timestamp, uint32_t ssrc)
{
	struct rln_leg_news *n = &leg->cold->news;

	if (n->audio_seen)
		return;
	n->audio_seen = 1;
	n->audio_ts = timestamp;
	n->audio_ssrc = ssrc;
}

void rln_leg_on_rtcp(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;

	cold->rtcp_rx_ns = now_ns;
	if (!cold->news.rtcp_seen) {
		cold->news.rtcp_seen = 1;
		news_tell(leg);
		timeout_schedule(leg);
		slow_schedule(leg);
	}
}

void rln_leg_on_sent(struct rln_leg *leg)
{
	news_tell(leg);
}

static void digit_tell(struct rln_leg *leg, const struct rln_dtmf_digit *digit)
{
	struct rln_event ev = {.kind = RLN_EV_DTMF_DETECTED};

	ev.dtmf_detected.digit = digit->digit;
	ev.dtmf_detected.duration_ms = digit->duration_ms;
	rln_leg_emit(leg, &ev);
}

void rln_leg_on_digits(struct rln_leg *leg, const struct rln_dtmf_digit *digits, unsigned n)
{
	struct rln_leg_cold *cold = leg->cold;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (cold->started)
			digit_tell(leg, &digits[i]);
		else if (cold->early_digits_n < RLN_LEG_EARLY_DIGITS)
			cold->early_digits[cold->early_digits_n++] = digits[i];
	}
}

void rln_leg_on_fault(struct rln_leg *leg, enum rln_media_fault fault, int error)
{
	struct rln_leg_cold *cold = leg->cold;
	uint32_t *n = fault == RLN_MEDIA_FAULT_UNREACHABLE ? &cold->unreachable : &cold->malformed;
	uint64_t heard = leg->rx_ns > cold->rtcp_rx_ns ? leg->rx_ns : cold->rtcp_rx_ns;
	struct rln_event ev = {.kind = RLN_EV_RTP_ERROR};

	/* The packet path counts nothing for us: that something valid came in between shows in its time. */
	if (heard != cold->fault_heard_ns)
		cold->unreachable = cold->malformed = 0;
	cold->fault_heard_ns = heard;
	if (!cold->started || (++*n != FAULTS_FIRST && *n % FAULTS_AGAIN != 0))
		return;
	ev.rtp_error.error = (uint8_t)fault;
	ev.rtp_error.error_code = error;
	rln_leg_emit(leg, &ev);
}

void rln_leg_release_news(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	unsigned i;

	if (!cold->started) {
		cold->started = 1;
		cold->listen_ns = now_ns;
		if (leg->pipeline->rtcp_interval_ns != 0)
			cold->rtcp_due = rln_leg_rtcp_next(leg, now_ns);
		cold->report_due = now_ns + (leg->pipeline->rtcp_interval_ns ? leg->pipeline->rtcp_interval_ns : REPORT_NS);
	}
	rln_leg_refresh(leg, now_ns);
	news_tell(leg);
	for (i = 0; i < cold->early_digits_n; i++)
		digit_tell(leg, &cold->early_digits[i]);
	cold->early_digits_n = 0;
	timeout_schedule(leg);
	slow_schedule(leg);
}

/* ---- the slow timer: reports, statistics, timeouts ---- */

static uint64_t max_ns(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void timeout_schedule(struct rln_leg *leg)
{
	struct rln_leg_cold *cold = leg->cold;
	const struct rln_pipeline *p = leg->pipeline;
	uint64_t heard = max_ns(leg->rx_ns, cold->rtcp_rx_ns);
	uint64_t limit = heard ? p->rtp_timeout_ns : p->first_rtp_timeout_ns;

	cold->timeout_due = 0;
	if (cold->started && limit != 0 && (cold->params.direction & RLN_MEDIA_INBOUND))
		cold->timeout_due = max_ns(heard, cold->listen_ns) + limit;
}

static void slow_schedule(struct rln_leg *leg)
{
	struct rln_leg_cold *cold = leg->cold;
	uint64_t dues[] = {cold->rtcp_due, cold->stats_due, cold->report_due, cold->timeout_due, cold->dtmf_due};
	uint64_t due = UINT64_MAX;
	unsigned i;

	for (i = 0; i < sizeof(dues) / sizeof(dues[0]); i++) {
		if (dues[i] != 0 && dues[i] < due)
			due = dues[i];
	}
	rln_wheel_arm(leg->pipeline->wheel, &cold->slow, due);
}

/* R85. Packets since the timer was set only move it; silence raises the event, and again after each further `limit`. */
static void timeout_check(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_event ev = {.kind = RLN_EV_RTP_TIMEOUT};

	timeout_schedule(leg);
	if (cold->timeout_due == 0 || cold->timeout_due > now_ns)
		return;
	cold->listen_ns = now_ns;
	cold->stalled = 1;
	leg->mode |= RLN_LEG_NEWS;
	ev.rtp_timeout.last_packet_ns = max_ns(leg->rx_ns, cold->rtcp_rx_ns);
	rln_leg_emit(leg, &ev);
	rln_leg_set_state(leg, rln_leg_state_now(leg), false);
	timeout_schedule(leg);
}

static void report(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_event ev = {.kind = RLN_EV_RTP_STATISTICS_UPDATE};
	const struct rln_leg_stats *s = &leg->cold->stats.stats; /* ours: no other writer */

	rln_leg_publish_stats(leg, now_ns);
	ev.rtp_statistics_update.packets_sent = (uint32_t)s->packets_sent;
	ev.rtp_statistics_update.packets_received = (uint32_t)s->packets_received;
	ev.rtp_statistics_update.lost = (uint32_t)s->lost;
	ev.rtp_statistics_update.reordered = (uint32_t)s->reordered;
	ev.rtp_statistics_update.duplicate = (uint32_t)s->duplicate;
	ev.rtp_statistics_update.jitter_us = s->jitter_us;
	ev.rtp_statistics_update.rtt_us = s->rtt_us;
	ev.rtp_statistics_update.peer_lost = s->peer_lost;
	ev.rtp_statistics_update.peer_jitter_us = s->peer_jitter_us;
	rln_leg_emit(leg, &ev);
}

void rln_leg_watch_digits(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;

	if (cold->dtmf_due != 0 || !rln_dtmf_rx_is_down(&cold->dtmf))
		return;
	cold->dtmf_due = now_ns + DTMF_LOOK_NS;
	slow_schedule(leg);
}

static void digits_check(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_dtmf_digit digit;

	if (rln_dtmf_rx_expire(&cold->dtmf, 8, now_ns, &digit))
		rln_leg_on_digits(leg, &digit, 1);
	cold->dtmf_due = rln_dtmf_rx_is_down(&cold->dtmf) ? now_ns + DTMF_LOOK_NS : 0;
}

static void slow_fire(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_leg_cold *cold = cold_of_slow(timer);
	struct rln_leg *leg = cold->leg;

	if (cold->timeout_due != 0 && cold->timeout_due <= now_ns)
		timeout_check(leg, now_ns);
	if (cold->dtmf_due != 0 && cold->dtmf_due <= now_ns)
		digits_check(leg, now_ns);
	if (cold->rtcp_due != 0 && cold->rtcp_due <= now_ns) {
		rln_leg_rtcp_send(leg, now_ns, false);
		cold->rtcp_due = rln_leg_rtcp_next(leg, now_ns);
	}
	if (cold->report_due != 0 && cold->report_due <= now_ns) {
		cold->report_due = now_ns + (leg->pipeline->rtcp_interval_ns ? leg->pipeline->rtcp_interval_ns : REPORT_NS);
		report(leg, now_ns);
	}
	if (cold->stats_due <= now_ns) {
		cold->stats_due = now_ns + STATS_NS;
		if ((uint16_t)(leg->tx_seq - leg->turn_first) > LONG_RUN)
			leg->turn_first = (uint16_t)(leg->tx_seq - LONG_RUN);
		rln_leg_publish_stats(leg, now_ns);
		rln_leg_quality_look(leg, now_ns);
		rln_leg_rebalance(leg);
	}
	slow_schedule(leg);
}

/* ---- open, apply, close ---- */

void rln_leg_open(struct rln_pipeline *p, struct rln_leg *leg, struct rln_leg_cold *cold, uint64_t id, struct rln_port_row *row,
	const struct rln_addr *local, uint64_t now_ns)
{
	static const struct rln_leg_payload offered[] = {{0, RLN_CODEC_PCMU, 8}, {8, RLN_CODEC_PCMA, 8}};
	uint64_t random = rln_pipeline_random(p);
	unsigned i;

	leg->id = id;
	leg->cold = cold;
	leg->pipeline = p;
	leg->tx_ssrc = (uint32_t)random;
	leg->tx_seq = (uint16_t)(random >> 32);
	leg->tx_ns = now_ns;
	leg->tx_base = leg->tx_last = (uint32_t)rln_pipeline_random(p);
	leg->tx_ptime_ms = 20;
	for (i = 0; i < 2; i++) {
		leg->rx_pt[i] = leg->turn_pt[i] = offered[i].payload_type;
		leg->rx_codec[i] = offered[i].codec;
	}
	leg->rx_n = 2;
	cold->leg = leg;
	cold->row = row;
	cold->local = *local;
	cold->params.direction = RLN_MEDIA_BIDIRECTIONAL;
	rln_seq_init(&leg->seq, &cold->seq, true);
	rln_jitter_stat_init(&leg->jitter);
	cold->tick.fire = rln_leg_tick;
	cold->slow.fire = slow_fire;
	cold->state = RLN_STREAM_READY;
	cold->stats_due = now_ns + STATS_NS;
	cold->listen_ns = now_ns;
	memset(&row->source, 0, sizeof(row->source));
	row->to = NULL;
	leg->mode = RLN_LEG_NEWS;
	rln_leg_refresh(leg, now_ns);
	slow_schedule(leg);
	row->leg = leg;
}

static bool params_are_good(const struct rln_leg_params *q)
{
	unsigned i, n = 0;

	for (i = 0; i < RLN_LEG_PAYLOADS; i++) {
		if (q->rx[i].codec >= RLN_CODEC_COUNT || q->rx[i].payload_type > 127)
			return false;
		n += q->rx[i].codec != RLN_CODEC_NONE;
	}
	if (n == 0 || q->direction > RLN_MEDIA_BIDIRECTIONAL || q->app > RLN_LEG_TONE || q->telephone_event_rx > 127)
		return false;
	if (q->early)
		return true;
	return q->config.codec > RLN_CODEC_NONE && q->config.codec < RLN_CODEC_COUNT && q->payload_type <= 127 &&
	       q->ptime_ms != 0 && q->ptime_ms <= 60 && q->ptime_ms % 10 == 0 && q->ptime_ms != 50 &&
	       q->telephone_event_tx <= 127;
}

/* leg->tx_codec and tx_pt are what we send from now on. */
static void payloads_set(struct rln_leg *leg, const struct rln_leg_params *q)
{
	unsigned i, n = 0;

	for (i = 0; i < RLN_LEG_PAYLOADS; i++) {
		if (q->rx[i].codec == RLN_CODEC_NONE)
			continue;
		leg->rx_pt[n] = q->rx[i].payload_type;
		leg->rx_codec[n] = q->rx[i].codec;
		/* The peer's own number for the codec that we send; for the others the one it uses itself. */
		leg->turn_pt[n] = q->rx[i].codec == leg->tx_codec ? leg->tx_pt : q->rx[i].payload_type;
		n++;
	}
	leg->rx_n = (uint8_t)n;
	leg->event_pt = q->telephone_event_rx;
	if (!q->early)
		leg->event_turn_pt = q->telephone_event_tx;
}

static int flow_set(struct rln_leg *leg, const struct rln_addr *remote)
{
	struct rln_flow flow;
	int rc;

	if (leg->cold->has_flow && rln_addr_equal(remote, &leg->flow.remote))
		return 0;
	rc = rln_flow_init(leg->pipeline->net, &flow, &leg->cold->local, remote);
	if (rc != 0)
		return rc;
	leg->flow = flow;
	leg->cold->has_flow = 1;
	return 0;
}

/* Where to: a remote that signalling moved wins over the latched source; the first one and an unchanged one leave it alone. */
static int remote_set(struct rln_leg *leg, const struct rln_addr *remote)
{
	struct rln_leg_cold *cold = leg->cold;
	const struct rln_addr *source = &cold->row->source;
	bool latched = leg->pipeline->cfg.symmetric && source->port != 0;
	bool moved = cold->signalled.port != 0 && !rln_addr_equal(remote, &cold->signalled);
	int rc;

	if (remote->port == 0 || rln_addr_is_any(remote)) { /* not known yet; or held by 0.0.0.0 (RFC 3264 8.4) */
		cold->has_flow = remote->port == 0 && latched;
		return 0;
	}
	rc = flow_set(leg, latched && !moved ? source : remote);
	if (rc != 0)
		return rc;
	if (moved && source->port != 0 && !rln_addr_equal(remote, source))
		rln_leg_unlatch(leg);
	if (moved)
		cold->rtcp_source.port = 0;
	cold->signalled = *remote;
	return 0;
}

int rln_leg_apply(struct rln_leg *leg, const struct rln_leg_params *q, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	uint8_t direction = cold->params.direction;
	int rc;

	if (!params_are_good(q))
		return -EINVAL;
	if (!q->early) {
		rc = remote_set(leg, &q->remote);
		if (rc != 0)
			return rc;
		if (leg->tx_codec != q->config.codec || leg->tx_pt != q->payload_type || leg->app != q->app)
			leg->tx_marker = 1;
		if (q->app == RLN_LEG_TONE && (leg->app != RLN_LEG_TONE || q->tone_hz != cold->params.tone_hz))
			rln_tone_init(&cold->tone, q->tone_hz);
		leg->app = q->app;
		leg->tx_pt = q->payload_type;
		leg->tx_codec = q->config.codec;
		leg->tx_ptime_ms = q->ptime_ms;
		cold->full_direction |= q->direction;
	}
	payloads_set(leg, q);
	/* An offer of ours on a running stream only widens what we take: the rest holds until its answer. */
	if (!q->early || !cold->started)
		cold->params = *q;
	if (cold->params.direction != direction) {
		cold->listen_ns = now_ns;
		cold->stalled = 0;
		if (!(direction & RLN_MEDIA_INBOUND)) { /* what the peer counted on while we listened to nobody is no loss */
			rln_seq_end_epoch(&leg->seq, &cold->seq);
			rln_jitter_stat_restart(&leg->jitter);
		}
	}
	rln_leg_refresh(leg, now_ns);
	return 0;
}

void rln_leg_close(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;

	if (leg->tx_packets > 0)
		rln_leg_rtcp_send(leg, now_ns, true);
	cold->closing = 1;
	rln_leg_refresh(leg, now_ns);
	rln_leg_part(leg, now_ns);
	rln_wheel_disarm(leg->pipeline->wheel, &cold->slow);
	rln_leg_publish_stats(leg, now_ns);
	cold->row->leg = NULL;
	memset(&cold->row->source, 0, sizeof(cold->row->source));
}
