/* SPDX-License-Identifier: BSD-3-Clause */
/* Quality of a received stream: levels at their exact boundaries, the window, when news are told; then a leg with packets that get lost and come late. */
#include "tests/unit/rtp_harness.h"

#include "rtp/quality.h"

/* ---- levels ---- */

static void levels_at_their_boundaries(void **state)
{
	(void)state;
	assert_int_equal(rln_quality_of(0, 1000, 0), RLN_QUALITY_GOOD);
	assert_int_equal(rln_quality_of(9, 1000, 49999), RLN_QUALITY_GOOD);
	assert_int_equal(rln_quality_of(10, 1000, 0), RLN_QUALITY_DEGRADED); /* exactly 1 % is not below 1 % */
	assert_int_equal(rln_quality_of(0, 1000, 50000), RLN_QUALITY_DEGRADED);
	assert_int_equal(rln_quality_of(49, 1000, 149999), RLN_QUALITY_DEGRADED);
	assert_int_equal(rln_quality_of(50, 1000, 0), RLN_QUALITY_POOR);
	assert_int_equal(rln_quality_of(0, 1000, 150000), RLN_QUALITY_POOR);
	assert_int_equal(rln_quality_of(99, 1000, 299999), RLN_QUALITY_POOR);
	assert_int_equal(rln_quality_of(100, 1000, 0), RLN_QUALITY_FAILED); /* exactly 10 % */
	assert_int_equal(rln_quality_of(0, 1000, 300000), RLN_QUALITY_FAILED);
	assert_int_equal(rln_quality_of(1000, 1000, 0), RLN_QUALITY_FAILED);
	assert_int_equal(rln_quality_of(429496730, 4294967295u, 0), RLN_QUALITY_FAILED);
	assert_int_equal(rln_quality_of(429496729, 4294967295u, 0), RLN_QUALITY_POOR);
	assert_int_equal(rln_quality_severity(RLN_QUALITY_GOOD), RLN_SEVERITY_LOW);
	assert_int_equal(rln_quality_severity(RLN_QUALITY_DEGRADED), RLN_SEVERITY_MEDIUM);
	assert_int_equal(rln_quality_severity(RLN_QUALITY_POOR), RLN_SEVERITY_HIGH);
	assert_int_equal(rln_quality_severity(RLN_QUALITY_FAILED), RLN_SEVERITY_CRITICAL);
}

static void metrics_are_figures_of_the_window(void **state)
{
	struct rln_quality_window w = {.ms = 5000, .expected = 250, .lost = 5, .octets = 40000, .jitter_us = 12500};
	struct rln_media_metrics m = rln_quality_metrics(&w, 45500);

	(void)state;
	assert_float_equal(m.packet_loss, 2.0, 0.0001);
	assert_float_equal(m.jitter_ms, 12.5, 0.0001);
	assert_float_equal(m.round_trip_ms, 45.5, 0.0001);
	assert_int_equal(m.bitrate_bps, 64000);
	assert_true(rln_quality_metrics(&w, 0).round_trip_ms < 0);
	w = (struct rln_quality_window){0};
	m = rln_quality_metrics(&w, 0);
	assert_int_equal(m.bitrate_bps, 0);
	assert_float_equal(m.packet_loss, 0, 0.0001);
}

/* ---- the window ---- */

static struct rln_quality_state q;
static struct rln_quality_sample s;
static struct rln_quality_window w;

static int clear(void **state)
{
	(void)state;
	memset(&q, 0, sizeof(q));
	memset(&s, 0, sizeof(s));
	s.at_ms = UINT32_MAX - 2000; /* clocks and counters wrap */
	s.expected = s.unique = UINT32_MAX - 100;
	s.octets = UINT32_MAX - 5;
	return rln_quality_step(&q, &s, 10, &w) == 0 ? 0 : -1;
}

/* A second in which `lost` of `expected` packets did not come. */
static unsigned second(uint32_t expected, uint32_t lost, uint32_t jitter_us)
{
	s.at_ms += 1000;
	s.expected += expected;
	s.unique += expected - lost;
	s.octets += 160 * (expected - lost);
	s.jitter_us = jitter_us;
	return rln_quality_step(&q, &s, 10, &w);
}

static void the_window_slides_over_five_seconds(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		second(50, 1, 1000 * (i + 1));
	assert_int_equal(w.ms, 4000);
	assert_int_equal(w.expected, 200);
	assert_int_equal(w.lost, 4);
	assert_int_equal(w.jitter_us, 2500);
	second(50, 0, 5000);
	second(50, 0, 6000); /* the first second is out */
	assert_int_equal(w.ms, 5000);
	assert_int_equal(w.expected, 250);
	assert_int_equal(w.lost, 3);
	assert_int_equal(w.octets, 160 * 247);
	assert_int_equal(w.jitter_us, 4000);
	for (unsigned i = 0; i < 5; i++)
		second(50, 0, 0);
	assert_int_equal(w.lost, 0);
	assert_int_equal(w.jitter_us, 0);
	s.unique += 2; /* overtaken packets of the second before */
	second(50, 0, 0);
	assert_int_equal(w.lost, 0);
}

static void few_packets_are_not_judged(void **state)
{
	(void)state;
	assert_int_equal(second(RLN_QUALITY_PACKETS - 1, 20, 0), 0);
	assert_int_equal(q.level, RLN_QUALITY_GOOD);
	assert_int_equal(second(1, 0, 0), RLN_QUALITY_JUDGED | RLN_QUALITY_WORSE | RLN_QUALITY_LOSS | RLN_QUALITY_LIMIT);
	assert_int_equal(q.level, RLN_QUALITY_FAILED);
	clear(NULL);
	for (unsigned i = 0; i < 20; i++) /* nine packets a second never make 50 in five */
		assert_int_equal(second(9, 9, 500000), 0);
}

static void worse_counts_at_once_and_better_after_two(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(second(1000, 0, 0), RLN_QUALITY_JUDGED);
	assert_int_equal(second(1000, 0, 250000), RLN_QUALITY_JUDGED | RLN_QUALITY_WORSE); /* mean of five: 50 ms */
	assert_int_equal(q.level, RLN_QUALITY_DEGRADED);
	assert_int_equal(second(1000, 0, 500000), RLN_QUALITY_JUDGED | RLN_QUALITY_WORSE);
	assert_int_equal(q.level, RLN_QUALITY_POOR);
	assert_int_equal(second(1000, 0, 1500000), RLN_QUALITY_JUDGED | RLN_QUALITY_WORSE);
	assert_int_equal(q.level, RLN_QUALITY_FAILED);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(second(1000, 0, 0), RLN_QUALITY_JUDGED); /* still 300 ms in the mean */
	assert_int_equal(second(1000, 0, 0), RLN_QUALITY_JUDGED);         /* one good window */
	assert_int_equal(second(1000, 0, 300000),
		RLN_QUALITY_JUDGED | RLN_QUALITY_BETTER); /* the second one is only 60 ms: the worse of both */
	assert_int_equal(q.level, RLN_QUALITY_DEGRADED);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(second(1000, 0, 0), RLN_QUALITY_JUDGED);
	assert_int_equal(second(1000, 0, 0), RLN_QUALITY_JUDGED);
	assert_int_equal(second(1000, 0, 0), RLN_QUALITY_JUDGED | RLN_QUALITY_BETTER);
	assert_int_equal(q.level, RLN_QUALITY_GOOD);
}

static void a_good_window_among_bad_ones_is_not_enough(void **state)
{
	(void)state;
	second(1000, 200, 0);
	assert_int_equal(q.level, RLN_QUALITY_FAILED);
	for (unsigned i = 0; i < 10; i++) {
		rln_quality_restart(&q); /* each of these is a window of its own */
		rln_quality_step(&q, &s, 10, &w);
		assert_int_equal(second(1000, 0, 0), RLN_QUALITY_JUDGED);
		rln_quality_restart(&q);
		rln_quality_step(&q, &s, 10, &w);
		second(1000, 200, 0);
		assert_int_equal(q.level, RLN_QUALITY_FAILED);
	}
}

static void loss_is_told_when_it_leaves_good_and_passes_the_limit(void **state)
{
	(void)state;
	assert_int_equal(second(10000, 99, 0), RLN_QUALITY_JUDGED);
	assert_int_equal(second(10000, 101, 0), RLN_QUALITY_JUDGED | RLN_QUALITY_LOSS | RLN_QUALITY_WORSE); /* exactly 1 % */
	assert_int_equal(second(10000, 2800, 0), RLN_QUALITY_JUDGED | RLN_QUALITY_WORSE); /* exactly 10 %: not beyond it */
	assert_int_equal(q.level, RLN_QUALITY_FAILED);
	assert_int_equal(second(10000, 1001, 0), RLN_QUALITY_JUDGED | RLN_QUALITY_LIMIT);
	assert_int_equal(second(10000, 1000, 0), RLN_QUALITY_JUDGED);
	assert_int_equal(second(10000, 90, 0), RLN_QUALITY_JUDGED);   /* 9.98 % */
	assert_int_equal(second(10000, 2000, 0), RLN_QUALITY_JUDGED); /* one window below is no end of it */
	assert_int_equal(second(10000, 0, 0), RLN_QUALITY_JUDGED);
	assert_int_equal(second(10000, 0, 0), RLN_QUALITY_JUDGED | RLN_QUALITY_BETTER);
	assert_int_equal(second(10000, 4000, 0), RLN_QUALITY_JUDGED | RLN_QUALITY_LIMIT | RLN_QUALITY_WORSE);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(second(10000, 0, 0) & (RLN_QUALITY_LOSS | RLN_QUALITY_LIMIT), 0);
	second(10000, 0, 0);
	assert_int_equal(q.level, RLN_QUALITY_GOOD);
	assert_int_equal(second(10000, 600, 0) & RLN_QUALITY_LOSS, RLN_QUALITY_LOSS);
	clear(NULL);
	s.at_ms += 1000;
	s.expected += 100; /* everything lost, and no limit set */
	assert_int_equal(rln_quality_step(&q, &s, 0, &w), RLN_QUALITY_JUDGED | RLN_QUALITY_LOSS | RLN_QUALITY_WORSE);
}

/* ---- a leg ---- */

static uint16_t seq;

/* A second of 20 ms packets; every `nth` one is lost (0: none), every second one is held up. */
static void talk(unsigned seconds, unsigned nth, unsigned late_ms)
{
	for (unsigned i = 0; i < 50 * seconds; i++, seq++) {
		unsigned late = i % 2 ? late_ms : 0;

		run_for(20 - (late > 19 ? 19 : late));
		if (nth == 0 || seq % nth != 0)
			receive(seq, 160u * seq, 7);
		run_for(late > 19 ? 19 : late);
	}
}

static void a_lossy_stream_is_told(void **state)
{
	struct rln_leg_params p = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};

	(void)state;
	seq = 1;
	h.pipeline->first_rtp_timeout_ns = 0;
	start(&p);
	run_for(30);
	talk(11, 0, 0);
	assert_int_equal(told(RLN_EV_MEDIA_QUALITY_UPDATE, &ev), 2);
	assert_int_equal(ev.media_quality_update.quality, RLN_QUALITY_GOOD);
	assert_float_equal(ev.media_quality_update.metrics.packet_loss, 0, 0.001);
	assert_true(ev.media_quality_update.metrics.jitter_ms < 1);
	assert_true(ev.media_quality_update.metrics.round_trip_ms < 0);
	assert_in_range(ev.media_quality_update.metrics.bitrate_bps, 63000, 65000);
	assert_int_equal(told(RLN_EV_MEDIA_QUALITY_CHANGE, NULL), 0);
	talk(5, 4, 0); /* a quarter */
	assert_int_equal(told(RLN_EV_PACKET_LOSS_DETECTED, &ev), 1);
	assert_true(ev.packet_loss_detected.loss_percentage >= 1 && ev.packet_loss_detected.loss_percentage <= 10);
	assert_in_range(ev.packet_loss_detected.window_ms, 4990, 5010);
	assert_int_equal(told(RLN_EV_PACKET_LOSS_THRESHOLD_EXCEEDED, &ev), 1);
	assert_true(ev.packet_loss_threshold_exceeded.loss_percentage > 10);
	assert_true(told(RLN_EV_MEDIA_QUALITY_DEGRADED, &ev) >= 2);
	assert_int_equal(ev.media_quality_degraded.quality, RLN_QUALITY_FAILED);
	assert_int_equal(ev.media_quality_degraded.severity, RLN_SEVERITY_CRITICAL);
	assert_true(ev.media_quality_degraded.metrics.packet_loss >= 10);
	talk(8, 0, 0);
	assert_true(told(RLN_EV_MEDIA_QUALITY_CHANGE, &ev) > told(RLN_EV_MEDIA_QUALITY_DEGRADED, NULL));
	assert_int_equal(ev.media_quality_change.quality, RLN_QUALITY_GOOD);
	assert_int_equal(ev.media_quality_change.severity, RLN_SEVERITY_LOW);
	assert_int_equal(told(RLN_EV_PACKET_LOSS_DETECTED, NULL), 1);
}

/* Every second packet takes 60 ms longer: it comes after one that was sent later, and the transit changes by 60 ms each time. */
static void jitter_alone_degrades(void **state)
{
	struct rln_leg_params p = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};

	(void)state;
	seq = 1;
	start(&p);
	talk(6, 0, 0);
	for (unsigned i = 0; i < 400; i++, seq++) {
		uint16_t late = (uint16_t)(seq - 3);

		run_for(20);
		if (i % 2)
			continue;
		receive(seq, 160u * seq, 7);
		if (i >= 4)
			receive(late, 160u * late, 7);
	}
	assert_int_equal(told(RLN_EV_MEDIA_QUALITY_DEGRADED, &ev), 1);
	assert_int_equal(ev.media_quality_degraded.quality, RLN_QUALITY_DEGRADED);
	assert_true(ev.media_quality_degraded.metrics.jitter_ms >= 50);
	assert_true(told(RLN_EV_MEDIA_QUALITY_UPDATE, &ev) >= 2);
	assert_float_equal(ev.media_quality_update.metrics.jitter_ms, 60, 3);
	assert_int_equal(told(RLN_EV_PACKET_LOSS_DETECTED, NULL), 0);
}

static void a_held_leg_is_not_judged(void **state)
{
	struct rln_leg_params p = params_to(peer_ip, peer_port);
	unsigned before;

	(void)state;
	seq = 1;
	start(&p);
	talk(3, 0, 0);
	p.direction = RLN_MEDIA_OUTBOUND;
	start(&p);
	h.told_n = 0;
	for (unsigned i = 0; i < 250; i++)
		run_for(20);
	seq += 500; /* what the peer sent in the meantime is nobody's loss */
	assert_int_equal(told(RLN_EV_MEDIA_QUALITY_UPDATE, NULL), 0);
	p.direction = RLN_MEDIA_BIDIRECTIONAL;
	start(&p);
	before = h.told_n;
	talk(4, 0, 0);
	assert_int_equal(told(RLN_EV_MEDIA_QUALITY_DEGRADED, NULL), 0);
	assert_int_equal(told(RLN_EV_PACKET_LOSS_DETECTED, NULL), 0);
	assert_true(h.told_n >= before);
	h.told_n = 0;
	run_for(20000); /* nothing comes: no figure, no judgement */
	assert_int_equal(told(RLN_EV_MEDIA_QUALITY_DEGRADED, NULL), 0);
	assert_true(told(RLN_EV_MEDIA_QUALITY_UPDATE, NULL) <= 1);
}

#define T(name)   cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)
#define OWN(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_at_their_boundaries),
		cmocka_unit_test(metrics_are_figures_of_the_window),
		OWN(the_window_slides_over_five_seconds),
		OWN(few_packets_are_not_judged),
		OWN(worse_counts_at_once_and_better_after_two),
		OWN(a_good_window_among_bad_ones_is_not_enough),
		OWN(loss_is_told_when_it_leaves_good_and_passes_the_limit),
		T(a_lossy_stream_is_told),
		T(jitter_alone_degrades),
		T(a_held_leg_is_not_judged),
	};

	return cmocka_run_group_tests_name("rtp_quality", tests, harness_eal, harness_eal_end);
}
