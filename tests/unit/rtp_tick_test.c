/* SPDX-License-Identifier: BSD-3-Clause */
/* The send side of a leg by the clock, its sources, the application's channel, and the even spread of ticks. */
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
	assert_int_equal(count(RLN_C_RTP_TICKS_SKIPPED), 0);
	before = rtp_get(h.sent[h.sent_n - 1].m);
	h.now += 3000 * RLN_MS; /* the process stood still */
	rln_pipeline_ticks(h.pipeline, h.now);
	run_for(1);
	after = rtp_get(h.sent[h.sent_n - 1].m);
	assert_true(h.sent_n < 12); /* no burst of 150 packets */
	assert_true(after.ts - before.ts >= 2900 * 8);
	assert_true(count(RLN_C_RTP_TICKS_SKIPPED) >= 145);
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

static void digits_are_no_loss_to_the_channel(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	const struct rln_frame *f;

	(void)state;
	start(&q);
	channel_attach();
	receive_ptime(1, 160, 160, 0x80);
	for (uint16_t i = 0; i < 5; i++)
		receive_event((uint16_t)(2 + i), 320, 1, i > 2, (uint16_t)(160 * (i + 1)));
	receive_ptime(7, 160 + 6 * 160, 160, 0x80);
	assert_int_equal(rln_frame_ring_count(&in_ring), 7);
	while ((f = rln_frame_ring_peek(&in_ring)) != NULL) {
		assert_int_equal(f->flags, 0);
		rln_frame_ring_done(&in_ring);
	}
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
		T(digits_are_no_loss_to_the_channel),
	};

	return cmocka_run_group_tests_name("rtp_tick", tests, harness_eal, harness_eal_end);
}
