/* SPDX-License-Identifier: BSD-3-Clause */
/* The send side of a leg by the clock, the order of its news, timeouts, digits, RTCP, and the even spread of ticks. */
#include "tests/unit/rtp_harness.h"

#include <math.h>

#include "rtp/codec.h"
#include "rtp/frame_ring.h"

static uint64_t count(enum rln_counter c)
{
	return h.counts->v[c];
}

/* RTP sent so far must be one stream: numbers without a gap, timestamps that only go forward. */
static void sent_is_one_stream(void)
{
	struct rtp_fields before = {0}, f;
	unsigned i, n = 0;

	for (i = 0; i < h.sent_n; i++) {
		if (h.sent[i].from.port & 1)
			continue;
		f = rtp_get(h.sent[i].m);
		if (n++ > 0) {
			assert_int_equal(f.ssrc, before.ssrc);
			assert_int_equal(f.seq, (uint16_t)(before.seq + 1));
			assert_true((int32_t)(f.ts - before.ts) >= (int32_t)before.len);
		}
		before = f;
	}
	assert_true(n > 0);
}

/* ---- the clock ---- */

static void every_ptime_keeps_its_pace(void **state)
{
	static const uint8_t ptimes[] = {10, 20, 30, 40, 60};

	(void)state;
	h.pipeline->rtcp_interval_ns = 0;
	for (unsigned i = 0; i < 5; i++) {
		struct rln_leg_params q = params_to(peer_ip, peer_port);
		unsigned at = h.sent_n;

		q.ptime_ms = ptimes[i];
		start(&q);
		run_for(1200);
		assert_int_equal(h.sent_n - at, 1200 / ptimes[i]);
		for (unsigned k = at + 1; k < h.sent_n; k++) {
			assert_int_equal(rtp_get(h.sent[k].m).len, ptimes[i] * 8);
			assert_int_equal(rtp_get(h.sent[k].m).ts - rtp_get(h.sent[k - 1].m).ts, ptimes[i] * 8);
			assert_int_equal(rtp_get(h.sent[k].m).marker, 0);
		}
		assert_int_equal(rtp_get(h.sent[at].m).marker, 1);
	}
	sent_is_one_stream();
	assert_int_equal(count(RLN_C_RTP_TICK_LATE), 0);
	assert_int_equal(count(RLN_C_RTP_FRAMES_SILENCE), h.sent_n);
}

static void silence_is_of_the_codec(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	uint8_t quiet[160];

	(void)state;
	start(&q);
	run_for(20);
	memset(quiet, 0xff, sizeof(quiet));
	assert_memory_equal(rtp_get(h.sent[0].m).payload, quiet, 160);
	q.config.codec = RLN_CODEC_PCMA;
	q.payload_type = 8;
	start(&q);
	run_for(20);
	memset(quiet, 0xd5, sizeof(quiet));
	assert_memory_equal(rtp_get(h.sent[1].m).payload, quiet, 160);
	assert_int_equal(rtp_get(h.sent[1].m).pt, 8);
	assert_int_equal(rtp_get(h.sent[1].m).marker, 1);
	sent_is_one_stream();
}

static void one_stream_over_every_change(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	uint16_t seq = 40000;
	uint32_t ts = 12345;

	(void)state;
	for (unsigned round = 0; round < 6; round++) {
		q.app = RLN_LEG_PLAIN;
		start(&q);
		run_for(100);
		q.app = RLN_LEG_TONE;
		q.tone_hz = 1000;
		start(&q);
		run_for(100);
		q.app = RLN_LEG_ECHO;
		q.ptime_ms = round % 2 ? 20 : 60;
		start(&q);
		for (unsigned i = 0; i < 10; i++) {
			receive(seq++, ts, 7);
			ts += 160;
			run_for(19); /* the peer's clock is 5 % fast */
		}
		q.muted = 1; /* silence by the clock again */
		start(&q);
		run_for(100);
		q.muted = 0;
		q.direction = RLN_MEDIA_INBOUND;
		start(&q);
		run_for(500);
		q.direction = RLN_MEDIA_BIDIRECTIONAL;
	}
	sent_is_one_stream();
}

static void late_ticks_are_counted_and_lost_ones_skipped(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rtp_fields before, after;

	(void)state;
	start(&q);
	run_for(100);
	h.now += 5 * RLN_MS + 20 * RLN_MS;
	rln_pipeline_ticks(h.pipeline, h.now);
	assert_true(count(RLN_C_RTP_TICK_LATE) >= 1);
	before = rtp_get(h.sent[h.sent_n - 1].m);
	h.now += 3000 * RLN_MS; /* the process stood still */
	rln_pipeline_ticks(h.pipeline, h.now);
	run_for(1);
	after = rtp_get(h.sent[h.sent_n - 1].m);
	assert_true(h.sent_n < 12); /* no burst of 150 packets */
	assert_true(after.ts - before.ts >= 2900 * 8);
	sent_is_one_stream();
}

static void no_buffer_left_is_counted_and_shows_as_a_gap(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rte_mbuf *all[16384];
	unsigned n = 0;

	(void)state;
	start(&q);
	run_for(20);
	while (n < 16384 && (all[n] = rte_pktmbuf_alloc(h.pool)) != NULL)
		n++;
	while (h.pipeline->spare_n > 0)
		rte_pktmbuf_free(h.pipeline->spare[--h.pipeline->spare_n]), all[n++] = rte_pktmbuf_alloc(h.pool);
	run_for(60);
	assert_int_equal(h.sent_n, 1);
	assert_int_equal(count(RLN_C_TXDROP_NO_MBUF), 3);
	while (n > 0)
		rte_pktmbuf_free(all[--n]);
	run_for(20);
	assert_int_equal((uint16_t)(rtp_get(h.sent[1].m).seq - rtp_get(h.sent[0].m).seq), 4);
}

static void ticks_are_spread_evenly(void **state)
{
	enum { LEGS_N = 500 };
	static struct rln_leg legs[LEGS_N];
	static struct rln_leg_cold colds[LEGS_N];
	static struct rln_port_row rows[LEGS_N];
	static const uint8_t ptimes[] = {20, 20, 20, 20, 20, 20, 10, 30, 40, 60};
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_addr local = addr_of("198.18.0.1", 20000);
	unsigned i, round;

	(void)state;
	memset(legs, 0, sizeof(legs));
	memset(colds, 0, sizeof(colds));
	for (i = 0; i < LEGS_N; i++)
		rln_leg_open(h.pipeline, &legs[i], &colds[i], rln_id_make(RLN_ID_MEDIA, 0, i, 1), &rows[i], &local, h.now);
	for (round = 0; round < 3; round++) { /* 20 ms only; mixed; and again after half of them went */
		const uint32_t *bins = rln_pipeline_phases(h.pipeline);
		uint32_t most = 0, sum = 0;

		for (i = 0; i < LEGS_N; i++) {
			if (round == 2 && i % 2) {
				rln_leg_close(&legs[i], h.now);
				continue;
			}
			q.ptime_ms = round ? ptimes[i % 10] : 20;
			h.now += 1700000;
			assert_int_equal(rln_leg_apply(&legs[i], &q, h.now), 0);
			rln_leg_release_news(&legs[i], h.now);
		}
		if (round == 2) { /* what was left behind unevenly moves within a second or two */
			for (i = 0; i < 20; i++) {
				run_for(100);
				forget_sent();
			}
			h.told_n = 0;
		}
		for (i = 0; i < RLN_PHASE_BINS; i++) {
			most = bins[i] > most ? bins[i] : most;
			sum += bins[i];
		}
		/* The fullest millisecond carries at most 1.5 times the mean. */
		assert_true(most * RLN_PHASE_BINS * 2 <= sum * 3);
	}
	forget_sent();
	h.told_n = 0;
	run_for(30);
	assert_true(h.sent_n >= LEGS_N / 2);
	for (i = 0; i < LEGS_N; i++) {
		if (!colds[i].closing)
			rln_leg_close(&legs[i], h.now);
		if (h.sent_n > SENT_MAX / 2)
			forget_sent();
	}
	for (i = 0; i < RLN_PHASE_BINS; i++)
		assert_int_equal(rln_pipeline_phases(h.pipeline)[i], 0);
	assert_int_equal(rln_wheel_armed(h.pipeline->wheel), 1); /* the harness's own leg */
}

/* ---- sources ---- */

static double power_at(const int16_t *pcm, unsigned n, double hz)
{
	double re = 0, im = 0;

	for (unsigned i = 0; i < n; i++) {
		re += pcm[i] * cos(2 * M_PI * hz * i / 8000);
		im += pcm[i] * sin(2 * M_PI * hz * i / 8000);
	}
	return (re * re + im * im) / n / n;
}

static void a_tone_is_a_tone(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	int16_t pcm[1600];

	(void)state;
	q.app = RLN_LEG_TONE;
	q.tone_hz = 440;
	start(&q);
	run_for(220);
	for (unsigned i = 0; i < 10; i++)
		rln_codec_decode(RLN_CODEC_PCMU, rtp_get(h.sent[i].m).payload, 160, pcm + 160 * i);
	assert_true(power_at(pcm, 1600, 440) > 1000000); /* an amplitude of 7,218 makes 13 million */
	assert_true(power_at(pcm, 1600, 1000) < 1000);
	assert_int_equal(count(RLN_C_RTP_FRAMES_SILENCE), 0);
	q.muted = 1;
	start(&q);
	run_for(40);
	assert_int_equal(((const uint8_t *)rtp_get(h.sent[h.sent_n - 1].m).payload)[77], 0xff);
}

static struct rln_frame_ring in_ring, out_ring;
static uint64_t bell_word;
static uint32_t bell_any;

static void channel_attach(void)
{
	memset(&in_ring, 0, offsetof(struct rln_frame_ring, frame));
	memset(&out_ring, 0, offsetof(struct rln_frame_ring, frame));
	in_ring.bell = out_ring.bell = (struct rln_doorbell){&bell_word, 1, &bell_any};
	h.cold->channel_in = &in_ring;
	h.cold->channel_out = &out_ring;
	rln_leg_refresh(h.leg, h.now);
}

static void frames_of_the_application_are_sent(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	int16_t pcm[480], sample = 100;

	(void)state;
	q.ptime_ms = 30; /* a frame and a half per packet */
	start(&q);
	channel_attach();
	for (unsigned i = 0; i < 30; i++) {
		struct rln_frame *f = rln_frame_ring_slot(&out_ring);

		for (unsigned k = 0; k < 160; k++)
			f->samples[k] = sample;
		sample = (int16_t)(sample + 100);
		rln_frame_ring_commit(&out_ring);
	}
	run_for(600);
	assert_int_equal(h.sent_n, 20);
	for (unsigned i = 0; i < 20; i++) {
		rln_codec_decode(RLN_CODEC_PCMU, rtp_get(h.sent[i].m).payload, 240, pcm);
		for (unsigned k = 0; k < 240; k += 40) {
			int want = 100 + 100 * (int)((i * 240 + k) / 160);

			assert_true(pcm[k] >= want - want / 16 - 8 && pcm[k] <= want + want / 16 + 8);
		}
	}
	assert_int_equal(rln_frame_ring_count(&out_ring), 0);
	run_for(60); /* dry: silence */
	assert_int_equal(count(RLN_C_RTP_FRAMES_SILENCE), 2);
}

static void receive_ptime(uint16_t seq, uint32_t ts, unsigned samples, uint8_t octet)
{
	uint8_t audio[480], packet[600];
	struct rtp_fields f = {.seq = seq, .ts = ts, .ssrc = 7, .payload = audio, .len = samples};

	memset(audio, octet, sizeof(audio));
	receive_bytes(peer_ip, peer_port, 10004, packet, rtp_put(packet, &f));
}

static void received_audio_reaches_the_application(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	const struct rln_frame *f;
	unsigned lost = 0, n = 0;

	(void)state;
	start(&q);
	channel_attach();
	for (unsigned i = 0; i < 8; i++) /* any ptime in */
		receive_ptime((uint16_t)i, 240 * i, 240, 0x80);
	assert_int_equal(rln_frame_ring_count(&in_ring), 12);
	receive_ptime(8, 1920, 80, 0x80);
	receive_ptime(9, 2000, 80, 0x80);
	assert_int_equal(rln_frame_ring_count(&in_ring), 13);
	receive_ptime(12, 2080 + 320, 160, 0x80); /* two are lost */
	receive_ptime(13, 2560 + 800, 160, 0x80); /* and here the peer was silent: no loss */
	receive_ptime(11, 2240, 160, 0x80);       /* too late for the channel */
	while ((f = rln_frame_ring_peek(&in_ring)) != NULL) {
		assert_int_equal(f->timestamp, 160 * n++);
		assert_int_equal(f->samples_n, 160);
		lost += f->flags & RLN_FRAME_RING_LOST;
		assert_true(f->flags & RLN_FRAME_RING_LOST || f->samples[10] == rln_pcmu_to_linear[0x80] || f->samples[10] == 0);
		rln_frame_ring_done(&in_ring);
	}
	assert_int_equal(n, (2560 + 800 + 160) / 160);
	assert_int_equal(lost, 2);
	assert_int_equal(count(RLN_C_EATEN_RTP), 13);
}

static void a_full_channel_drops_and_says_so(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	start(&q);
	channel_attach();
	for (unsigned i = 0; i < 1010; i++)
		receive_ptime((uint16_t)i, 160 * i, 160, 0x80);
	assert_int_equal(rln_frame_ring_count(&in_ring), 1000);
	assert_int_equal(in_ring.dropped, 10);
	assert_int_equal(count(RLN_C_EATEN_RTP), 1000);
	assert_int_equal(count(RLN_C_DROP_RTP_CHANNEL_FULL), 10);
	while (rln_frame_ring_peek(&in_ring))
		rln_frame_ring_done(&in_ring);
	receive_ptime(1010, 160 * 1010, 160, 0x80);
	assert_int_equal(rln_frame_ring_count(&in_ring), 1);
}

/* ---- news ---- */

static unsigned place_of(enum rln_event_kind kind)
{
	for (unsigned i = 0; i < h.told_n; i++) {
		if (h.told[i].kind == kind)
			return i;
	}
	fail_msg("no %s", rln_event_info(kind)->name);
	return 0;
}

static void send_rtcp(uint32_t ssrc)
{
	uint8_t rr[] = {0x80, 201, 0, 1, (uint8_t)(ssrc >> 24), (uint8_t)(ssrc >> 16), (uint8_t)(ssrc >> 8), (uint8_t)ssrc};

	receive_bytes(peer_ip, (uint16_t)(peer_port + 1), 10005, rr, sizeof(rr));
}

static void news_come_in_order_and_once(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};

	(void)state;
	receive(1, 1111, 7); /* early: seen, and told later */
	receive(2, 1271, 7);
	assert_int_equal(h.told_n, 0);
	start(&q);
	assert_int_equal(told(RLN_EV_REMOTE_MEDIA_CONFIRMED, &ev), 1);
	assert_true(ev.remote_media_confirmed.rtp_flowing && !ev.remote_media_confirmed.rtcp_received);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 0); /* we have sent nothing yet */
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 0);
	run_for(20);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, &ev), 1);
	assert_int_equal(ev.media_flow_established.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_true(rln_addr_equal(&ev.media_flow_established.local_addr, &h.cold->local));
	assert_true(rln_addr_equal(&ev.media_flow_established.remote_addr, &q.remote));
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, &ev), 1);
	assert_int_equal(ev.first_audio_frame_received.timestamp, 1111);
	assert_int_equal(ev.first_audio_frame_received.ssrc, 7);
	assert_true(place_of(RLN_EV_MEDIA_FLOW_ESTABLISHED) < place_of(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED));
	send_rtcp(7);
	assert_int_equal(told(RLN_EV_REMOTE_MEDIA_CONFIRMED, &ev), 2);
	assert_true(ev.remote_media_confirmed.rtp_flowing && ev.remote_media_confirmed.rtcp_received);
	send_rtcp(7);
	receive(3, 1431, 7);
	run_for(100);
	start(&q);
	assert_int_equal(told(RLN_EV_REMOTE_MEDIA_CONFIRMED, NULL), 2);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 1);
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 1);
	assert_int_equal(told(RLN_EV_MEDIA_STREAM_STATE_CHANGED, &ev), 1);
	assert_int_equal(ev.media_stream_state_changed.old_state, RLN_STREAM_READY);
	assert_int_equal(ev.media_stream_state_changed.new_state, RLN_STREAM_FLOWING);
	assert_int_equal(h.leg->mode & RLN_LEG_NEWS, 0); /* the packet path is the short one from now on */
}

static void a_one_way_call_needs_no_flow(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	q.direction = RLN_MEDIA_INBOUND;
	start(&q);
	receive(1, 160, 7);
	run_for(100);
	assert_int_equal(h.sent_n, 0);
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 1);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 0);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_FLOWING);
}

static void sending_alone_flows_too(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	q.direction = RLN_MEDIA_OUTBOUND;
	start(&q);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_READY);
	run_for(40);
	assert_int_equal(told(RLN_EV_MEDIA_STREAM_STATE_CHANGED, NULL), 1);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_FLOWING);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 0);
}

static void holding_is_less_than_there_was(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	start(&q);
	receive(1, 160, 7);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_FLOWING);
	q.direction = RLN_MEDIA_INBOUND;
	start(&q);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_HELD);
	q.direction = RLN_MEDIA_BIDIRECTIONAL;
	start(&q);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_FLOWING);
}

/* ---- timeouts ---- */

static void silence_is_a_timeout_again_and_again(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};
	uint64_t last;

	(void)state;
	start(&q);
	run_for(100);
	receive(1, 160, 7);
	last = h.now;
	run_for(29900);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 0);
	run_for(200);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, &ev), 1);
	assert_int_equal(ev.rtp_timeout.last_packet_ns, last);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_STALLED);
	assert_int_equal(h.cold->state, RLN_STREAM_STALLED);
	run_for(30000);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 2);
	receive(2, 320, 7);
	assert_int_equal(h.cold->state, RLN_STREAM_FLOWING);
	run_for(25000);
	send_rtcp(7); /* RTCP is a sign of life too */
	run_for(25000);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 2);
	run_for(5100);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 3);
}

static void timeouts_ask_the_direction(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	receive(1, 160, 7);
	q.direction = RLN_MEDIA_OUTBOUND;
	start(&q);
	run_for(70000);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 0);
	q.direction = RLN_MEDIA_BIDIRECTIONAL; /* from now on, not from the last packet */
	start(&q);
	run_for(29900);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 0);
	run_for(200);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 1);
}

static void a_first_timeout_is_another(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};

	(void)state;
	start(&q);
	run_for(65000);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 0); /* off */
	h.pipeline->first_rtp_timeout_ns = 10 * RLN_SEC;
	start(&q);
	run_for(1000);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, &ev), 1);
	assert_int_equal(ev.rtp_timeout.last_packet_ns, 0);
	receive(1, 160, 7);
	run_for(29900);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 1);
}

/* ---- digits ---- */

static void receive_event(uint16_t seq, uint32_t ts, uint8_t event, bool end, uint16_t duration)
{
	uint8_t packet[32], payload[4] = {event, (uint8_t)(end ? 0x8a : 0x0a), (uint8_t)(duration >> 8), (uint8_t)duration};
	struct rtp_fields f = {.pt = 101, .seq = seq, .ts = ts, .ssrc = 7, .payload = payload, .len = 4};

	receive_bytes(peer_ip, peer_port, 10004, packet, rtp_put(packet, &f));
}

static void a_key_press_is_one_digit(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};

	(void)state;
	start(&q);
	for (uint16_t i = 0; i < 5; i++)
		receive_event((uint16_t)(10 + i), 8000, 5, false, (uint16_t)(160 * (i + 1)));
	for (uint16_t i = 0; i < 3; i++)
		receive_event((uint16_t)(15 + i), 8000, 5, true, 960);
	assert_int_equal(told(RLN_EV_DTMF_DETECTED, &ev), 1);
	assert_int_equal(ev.dtmf_detected.digit, '5');
	assert_int_equal(ev.dtmf_detected.duration_ms, 120);
	receive_event(18, 20000, 11, false, 400); /* every end packet is lost */
	run_for(500);
	assert_int_equal(told(RLN_EV_DTMF_DETECTED, &ev), 2);
	assert_int_equal(ev.dtmf_detected.digit, '#');
	assert_int_equal(ev.dtmf_detected.duration_ms, 50);
	receive_event(19, 30000, 3, false, 400); /* and here the peer begins anew */
	receive(1, 160, 8);
	assert_int_equal(told(RLN_EV_DTMF_DETECTED, NULL), 3);
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, &ev), 1); /* events are no audio */
	assert_int_equal(ev.first_audio_frame_received.ssrc, 8);
}

/* ---- RTCP ---- */

static const struct sent *last_rtcp(void)
{
	for (unsigned i = h.sent_n; i > 0; i--) {
		if (h.sent[i - 1].from.port & 1)
			return &h.sent[i - 1];
	}
	return NULL;
}

static unsigned rtcp_sent(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h.sent_n; i++)
		n += h.sent[i].from.port & 1;
	return n;
}

static struct rln_rtcp parsed(const struct sent *s, uint32_t about)
{
	struct rln_rtcp r;

	assert_non_null(s);
	assert_true(rln_rtcp_parse(rte_pktmbuf_mtod(s->m, const uint8_t *), s->m->data_len, about, &r));
	return r;
}

static void reports_go_out_and_say_the_truth(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_addr to = addr_of(peer_ip, (uint16_t)(peer_port + 1));
	struct rln_rtcp r;
	struct rln_event ev = {0};

	(void)state;
	start(&q);
	for (unsigned i = 0; i < 400; i++) {
		if (i % 4 != 3) /* a quarter is lost */
			receive((uint16_t)i, 160 * i, 77);
		run_for(20);
	}
	assert_true(rtcp_sent() >= 1 && rtcp_sent() <= 4);
	r = parsed(last_rtcp(), 77);
	assert_true(rln_addr_equal(&last_rtcp()->to, &to));
	assert_true(r.has_sender && r.has_block);
	assert_int_equal(r.ssrc, h.leg->tx_ssrc);
	assert_true(r.sender.packets > 50 && r.sender.packets <= h.leg->tx_packets);
	assert_int_equal(r.sender.octets, r.sender.packets * 160);
	assert_true(r.block.fraction >= 60 && r.block.fraction <= 68);
	assert_true(r.block.lost > 10);
	assert_int_equal(r.cname_len, strlen("test@ringlane"));
	assert_memory_equal(r.cname, "test@ringlane", r.cname_len);
	assert_int_equal(told(RLN_EV_RTP_STATISTICS_UPDATE, &ev), 1);
	assert_true(ev.rtp_statistics_update.packets_received > 150 && ev.rtp_statistics_update.lost > 50);
	q.direction = RLN_MEDIA_INBOUND;
	start(&q);
	run_for(9000);
	receive(500, 160 * 500, 77);
	run_for(9000);
	r = parsed(last_rtcp(), 77);
	assert_false(r.has_sender); /* nothing was sent since the last report */
	rln_leg_close(h.leg, h.now);
	assert_true(parsed(last_rtcp(), 77).has_bye);
}

static void a_round_trip_is_measured(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_rtcp_block block = {.fraction = 25, .lost = 3, .highest = 9, .jitter = 80};
	struct rln_rtcp_sender sender = {.ntp = 0x1234567890abcdefull, .packets = 9, .octets = 90, .timestamp = 5};
	struct rln_rtcp_build in = {.ssrc = 77, .sender = &sender, .block = &block, .cname = "peer"};
	struct rln_leg_stats s;
	uint8_t data[RLN_RTCP_ROOM];
	struct rln_rtcp r;
	unsigned before;

	(void)state;
	start(&q);
	receive(1, 160, 77);
	run_for(8000);
	r = parsed(last_rtcp(), 77);
	block.ssrc = r.ssrc;
	block.lsr = rln_rtcp_middle(r.sender.ntp);
	block.dlsr = (uint32_t)(rln_rtcp_middle(rln_clock_ntp(h.now)) - block.lsr - 65536 / 20); /* 50 ms on the way */
	receive_bytes(peer_ip, (uint16_t)(peer_port + 11), 10005, data, (unsigned)rln_rtcp_build(data, sizeof(data), &in));
	rln_leg_publish_stats(h.leg, h.now);
	assert_true(rln_leg_stats_read(&h.cold->stats, h.leg->id, &s));
	assert_true(s.rtt_us > 49000 && s.rtt_us < 51000);
	assert_int_equal(s.peer_lost, 3);
	assert_int_equal(s.peer_jitter_us, 10000);
	assert_int_equal(s.peer_fraction_lost, 25);
	assert_false(rln_leg_stats_read(&h.cold->stats, h.leg->id + 1, &s));
	before = rtcp_sent();
	while (rtcp_sent() == before)
		run_for(100);
	r = parsed(last_rtcp(), 77);
	assert_int_equal(last_rtcp()->to.port, peer_port + 11); /* to where its reports come from */
	assert_int_equal(r.block.lsr, 0x567890ab);
	assert_true(r.block.dlsr > 0);
	peer_ip = "198.18.0.66"; /* a stranger's report */
	send_rtcp(77);
	peer_ip = "198.18.0.2";
	assert_int_equal(count(RLN_C_DROP_RTP_SOURCE), 1);
	assert_int_equal(count(RLN_C_EATEN_RTCP), 1);
}

static void rtcp_can_be_off(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	h.pipeline->rtcp_interval_ns = 0;
	start(&q);
	receive(1, 160, 7);
	run_for(20000);
	assert_int_equal(rtcp_sent(), 0);
	assert_int_equal(told(RLN_EV_RTP_STATISTICS_UPDATE, NULL), 4);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_ptime_keeps_its_pace),
		T(silence_is_of_the_codec),
		T(one_stream_over_every_change),
		T(late_ticks_are_counted_and_lost_ones_skipped),
		T(no_buffer_left_is_counted_and_shows_as_a_gap),
		T(ticks_are_spread_evenly),
		T(a_tone_is_a_tone),
		T(frames_of_the_application_are_sent),
		T(received_audio_reaches_the_application),
		T(a_full_channel_drops_and_says_so),
		T(news_come_in_order_and_once),
		T(a_one_way_call_needs_no_flow),
		T(sending_alone_flows_too),
		T(holding_is_less_than_there_was),
		T(silence_is_a_timeout_again_and_again),
		T(timeouts_ask_the_direction),
		T(a_first_timeout_is_another),
		T(a_key_press_is_one_digit),
		T(reports_go_out_and_say_the_truth),
		T(a_round_trip_is_measured),
		T(rtcp_can_be_off),
	};

	return cmocka_run_group_tests_name("rtp_tick", tests, harness_eal, harness_eal_end);
}
