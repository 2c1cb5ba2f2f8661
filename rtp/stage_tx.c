/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The send stage: what a leg sends by the clock. One packet per tick: sequence numbers have no gap, timestamps follow the leg's
 * own time line whatever the source is, so a listener hears one continuous stream over every change.
 *
 * Sources, the first that has something: a playing file, a tone, the application's channel, silence. Muted: silence, and the
 * others go on at their pace (a file plays on unheard). Telephone events stand in place of all of these, which pause.
 */
#include <errno.h>
#include <string.h>

#include "rtp/codec.h"
#include "rtp/frame_ring.h"
#include "rtp/packet.h"
#include "rtp/pipeline_priv.h"
#include "rtp/player.h"
#include "rtp/recorder.h"
#include "rtp/tone.h"

/* Samples from the channel, padded with silence when it runs dry inside a packet. False: it was dry from the start. */
static bool channel_pull(struct rln_leg_cold *cold, int16_t *pcm, unsigned n)
{
	struct rln_frame_ring *r = cold->channel_out;
	const struct rln_frame *f;
	unsigned at = 0;

	while (at < n && (f = rln_frame_ring_peek(r)) != NULL) {
		unsigned have = RLN_FRAME_RING_SAMPLES - cold->out_used, take = n - at < have ? n - at : have;

		memcpy(pcm + at, f->samples + cold->out_used, take * sizeof(*pcm));
		at += take;
		cold->out_used = (uint16_t)(cold->out_used + take);
		if (cold->out_used < RLN_FRAME_RING_SAMPLES)
			break;
		cold->out_used = 0;
		rln_frame_ring_done(r);
		rln_frame_ring_wake(r, RLN_FRAME_RING_SIZE - rln_frame_ring_count(r));
	}
	memset(pcm + at, 0, (n - at) * sizeof(*pcm));
	return at > 0;
}

/* A played file came to its end: tells it and gives the player back. */
static void player_finish(struct rln_leg *leg, uint64_t due_ns)
{
	struct rln_event ev = {.kind = RLN_EV_AUDIO_PLAYBACK_FINISHED};

	rln_player_stop(leg->cold->player);
	leg->cold->player = NULL;
	rln_leg_emit(leg, &ev);
	rln_leg_refresh(leg, due_ns);
}

/* The samples of this tick. False: silence. */
static bool source_pull(struct rln_leg *leg, int16_t *pcm, unsigned n, uint64_t due_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	enum rln_player_state played;

	if (cold->player) {
		played = rln_player_frame(cold->player, pcm, n);
		if (played == RLN_PLAYER_END)
			player_finish(leg, due_ns);
		return played == RLN_PLAYER_AUDIO;
	}
	if (leg->app == RLN_LEG_TONE) {
		rln_tone_frame(&cold->tone, pcm, n);
		return true;
	}
	return cold->channel_out != NULL && channel_pull(cold, pcm, n);
}

static uint32_t next_timestamp(struct rln_leg *leg, uint64_t due_ns)
{
	uint32_t ts = rln_leg_ts(leg, due_ns);

	/* What was sent last reaches beyond this tick (turned packets of a faster clock, a longer ptime): the time line moves. */
	if ((int32_t)(ts - leg->tx_last) < 0) {
		leg->tx_base += leg->tx_last - ts;
		ts = leg->tx_last;
	}
	return ts;
}

static void send(struct rln_leg *leg, struct rte_mbuf *m, unsigned bytes, uint64_t due_ns)
{
	m->data_len = (uint16_t)(RLN_RTP_HEADER + bytes);
	m->pkt_len = m->data_len;
	leg->tx_packets++;
	leg->tx_octets += bytes;
	if (unlikely(leg->mode & RLN_LEG_TAP))
		rln_leg_tap(leg, RLN_EV_SEND_RTP_PACKET, m, due_ns);
	rln_net_send(leg->pipeline->net, &leg->flow, m);
	if (unlikely(leg->mode & RLN_LEG_NEWS))
		rln_leg_on_sent(leg);
}

/* ---- telephone events ---- */

int rln_leg_send_digits(struct rln_leg *leg, const char *tones, unsigned duration_ms, uint64_t now_ns)
{
	int rc;

	if (leg->event_turn_pt == 0)
		return -ENOTSUP;
	if (!(leg->mode & RLN_LEG_OUT))
		return -ENOTCONN;
	rc = rln_dtmf_tx_add(&leg->cold->dtmf_tx, tones, duration_ms, 8);
	if (rc != 0)
		return rc;
	leg->tx_digits = 1;
	rln_leg_refresh(leg, now_ns);
	return 0;
}

void rln_leg_drop_digits(struct rln_leg *leg)
{
	struct rln_event ev = {.kind = RLN_EV_MEDIA_ERROR};

	leg->tx_digits = 0;
	if (rln_dtmf_tx_reset(&leg->cold->dtmf_tx) == 0 || leg->cold->closing)
		return;
	ev.media_error.error = RLN_MEDIA_FAULT_COMMAND;
	ev.media_error.error_code = ECANCELED;
	rln_leg_emit(leg, &ev);
}

/* What a tick of `n` samples sends in place of audio. False: audio goes on. */
static bool digits_tick(struct rln_leg *leg, struct rte_mbuf *m, uint32_t ts, unsigned n, uint64_t due_ns)
{
	const struct rln_codec_row *codec = &rln_codecs[leg->tx_codec];
	struct rln_dtmf_tx_packet event;
	enum rln_dtmf_tx_step step = rln_dtmf_tx_tick(&leg->cold->dtmf_tx, ts, n, 8, &event);
	uint8_t *data;

	if (step == RLN_DTMF_TX_AUDIO) {
		leg->tx_digits = 0;
		leg->tx_marker = 1;
		rln_leg_refresh(leg, due_ns);
		return false;
	}
	if (m == NULL)
		return true;
	data = rte_pktmbuf_mtod(m, uint8_t *);
	if (step == RLN_DTMF_TX_EVENT) {
		rln_rtp_build(data, leg->event_turn_pt, event.marker, leg->tx_seq, event.ts, leg->tx_ssrc);
		memcpy(data + RLN_RTP_HEADER, event.payload, sizeof(event.payload));
		send(leg, m, sizeof(event.payload), due_ns);
	} else {
		rln_rtp_build(data, leg->tx_pt, false, leg->tx_seq, ts, leg->tx_ssrc);
		memset(data + RLN_RTP_HEADER, codec->silence, leg->tx_ptime_ms * codec->bytes_per_ms);
		send(leg, m, leg->tx_ptime_ms * codec->bytes_per_ms, due_ns);
	}
	return true;
}

/* ---- the tick ---- */

void rln_leg_send_tick(struct rln_leg *leg, uint64_t due_ns)
{
	int16_t pcm[RLN_TX_SAMPLES_MAX];
	struct rln_pipeline *p = leg->pipeline;
	struct rln_leg_cold *cold = leg->cold;
	const struct rln_codec_row *codec = &rln_codecs[leg->tx_codec];
	unsigned n = leg->tx_ptime_ms * 8u, bytes;
	uint32_t ts = next_timestamp(leg, due_ns);
	struct rte_mbuf *m = rln_pipeline_mbuf(p);
	bool some;
	uint8_t *data;

	leg->tx_last = ts + n;
	if (unlikely(leg->tx_digits) && digits_tick(leg, m, ts, n, due_ns)) {
		leg->tx_seq++;
		return;
	}
	some = source_pull(leg, pcm, n, due_ns) && !cold->params.muted;
	if (m != NULL) {
		data = rte_pktmbuf_mtod(m, uint8_t *);
		rln_rtp_build(data, leg->tx_pt, leg->tx_marker, leg->tx_seq, ts, leg->tx_ssrc);
		if (some) {
			bytes = codec->encode(pcm, n, data + RLN_RTP_HEADER);
		} else {
			bytes = leg->tx_ptime_ms * codec->bytes_per_ms;
			memset(data + RLN_RTP_HEADER, codec->silence, bytes);
			rln_counts_add(p->counts, RLN_C_RTP_FRAMES_SILENCE, 1);
		}
		leg->tx_marker = 0;
		send(leg, m, bytes, due_ns);
	}
	leg->tx_seq++; /* also when no buffer was left: the listener shall see the gap */
	if (some && cold->recorder && rln_recorder_is_stereo(cold->recorder))
		rln_recorder_push(cold->recorder, RLN_RECORDER_SENT, ts, pcm, n, due_ns);
}
