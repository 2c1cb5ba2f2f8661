/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Impairment on the wire: a stream that loses a quarter of its packets and comes to itself again, and one whose packets come far too fast for their timestamps,
 * side by side. Each event is looked for in the bus's trace, from the leg to control, with its fields; what the machine makes of it is another matter.
 */
#include "tests/sim/sim.h"

#define PORT   5070
#define SECOND 200u /* packets: one every 5 ms */
#define SMALL  40u  /* samples, the 5 ms that they take */
#define LARGE  480u /* 60 ms in every 5: each transit is 55 ms less than the one before */

static uint8_t sound[11 * SECOND * SMALL], hasty[4 * SECOND * LARGE];

static unsigned a_quarter_lost(unsigned packet)
{
	return packet < 3 * SECOND && packet % 4 == 3 ? 0 : 1;
}

static uint64_t media_of(struct rln_call *call)
{
	return sim_trace_at(sim_trace_wait(0, RLN_EV_MEDIA_SESSION_CREATED, rln_call_session(call).v))
		->ev.media_session_created.media_id;
}

/* The first event of the kind that the leg's worker sent to control since `from`. */
static const struct rln_event *told(size_t from, enum rln_event_kind kind, uint64_t media)
{
	const struct sim_event *e = sim_trace_at(sim_trace_wait(from, kind, media));

	assert_true(e->ev.serial >> 24 >= RLN_ENDPOINT_WORKER0);
	assert_int_equal(e->endpoint, RLN_ENDPOINT_CONTROL);
	return &e->ev;
}

static unsigned count_of(enum rln_event_kind kind, uint64_t media)
{
	unsigned n = 0;

	for (size_t i = sim_trace_find(0, kind, media); i != SIZE_MAX; i = sim_trace_find(i + 1, kind, media))
		n++;
	return n;
}

static void loss_is_told(uint64_t media)
{
	const struct rln_event *ev = told(0, RLN_EV_PACKET_LOSS_DETECTED, media);

	assert_true(ev->packet_loss_detected.loss_percentage > 15 && ev->packet_loss_detected.loss_percentage < 35);
	assert_in_range(ev->packet_loss_detected.window_ms, 500, 5500);
	ev = told(0, RLN_EV_PACKET_LOSS_THRESHOLD_EXCEEDED, media);
	assert_true(ev->packet_loss_threshold_exceeded.loss_percentage > 15);
	ev = told(0, RLN_EV_MEDIA_QUALITY_DEGRADED, media);
	assert_int_equal(ev->media_quality_degraded.quality, RLN_QUALITY_FAILED);
	assert_int_equal(ev->media_quality_degraded.severity, RLN_SEVERITY_CRITICAL);
	assert_true(ev->media_quality_degraded.metrics.packet_loss > 15);
	assert_true(ev->media_quality_degraded.metrics.round_trip_ms < 0);             /* the scripted peer sends no RTCP */
	assert_in_range(ev->media_quality_degraded.metrics.bitrate_bps, 30000, 60000); /* three quarters of 64,000 */
	ev = told(0, RLN_EV_MEDIA_QUALITY_CHANGE, media);
	assert_int_equal(ev->media_quality_change.quality, RLN_QUALITY_FAILED);
	ev = told(0, RLN_EV_MEDIA_QUALITY_UPDATE, media);
	assert_true(ev->media_quality_update.metrics.packet_loss > 15);
}

/* Packets are paced by a thread of a busy machine: jitter is at least what the script makes. */
static void jitter_is_told(uint64_t media)
{
	const struct rln_event *ev = told(0, RLN_EV_MEDIA_QUALITY_DEGRADED, media);

	assert_in_range(ev->media_quality_degraded.quality, RLN_QUALITY_DEGRADED, RLN_QUALITY_FAILED);
	assert_int_equal(ev->media_quality_degraded.severity, ev->media_quality_degraded.quality);
	assert_true(ev->media_quality_degraded.metrics.jitter_ms >= 50);
	assert_true(ev->media_quality_degraded.metrics.packet_loss < 1);
	assert_int_equal(count_of(RLN_EV_PACKET_LOSS_DETECTED, media), 0);
	assert_int_equal(count_of(RLN_EV_PACKET_LOSS_THRESHOLD_EXCEEDED, media), 0);
}

static void recovery_is_told(uint64_t media)
{
	size_t at = sim_trace_find(0, RLN_EV_MEDIA_QUALITY_CHANGE, media), last = at;

	for (; at != SIZE_MAX; at = sim_trace_find(at + 1, RLN_EV_MEDIA_QUALITY_CHANGE, media))
		last = at;
	assert_int_equal(sim_trace_at(last)->ev.media_quality_change.quality, RLN_QUALITY_GOOD);
	assert_int_equal(sim_trace_at(last)->ev.media_quality_change.severity, RLN_SEVERITY_LOW);
	assert_true(sim_trace_at(last)->ev.media_quality_change.metrics.packet_loss < 1);
	assert_int_equal(count_of(RLN_EV_PACKET_LOSS_DETECTED, media), 1);
	assert_true(count_of(RLN_EV_MEDIA_QUALITY_UPDATE, media) >= 3);
}

static void impaired_streams_are_told_of(void **state)
{
	struct rln_peer *bob = rln_peer_new("bob", PORT);
	struct sim_sip *sip[2] = {sim_sip_open(5060), sim_sip_open(5061)};
	struct sim_rtp *rtp[2] = {sim_rtp_open(SIM_HOST, 30000), sim_rtp_open(SIM_HOST, 31000)};
	struct sim_dialog d[2];
	struct rln_call *call[2];
	uint64_t media[2];
	struct sim_msg m;

	(void)state;
	sim_trace_begin();
	for (unsigned i = 0; i < 2; i++) {
		sim_call_in(&d[i], sip[i], "bob", PORT, sim_sdp((uint16_t)(30000 + 1000 * i), "0 101", "sendrecv"), bob, &call[i],
			&m);
		sim_rtp_to(rtp[i], SIM_MAIN, sim_sdp_port(&m));
		media[i] = media_of(call[i]);
	}
	sim_rtp_play(rtp[0], sound, sizeof(sound), SMALL, 5000, a_quarter_lost);
	sim_rtp_play(rtp[1], hasty, sizeof(hasty), LARGE, 5000, NULL);
	loss_is_told(media[0]);
	jitter_is_told(media[1]);
	sim_rtp_wait_sent(rtp[0]);
	recovery_is_told(media[0]);
	sim_trace_end();
	for (unsigned i = 0; i < 2; i++) {
		sim_bye(&d[i]);
		rln_call_free(call[i]);
		sim_rtp_close(rtp[i]);
		sim_sip_close(sip[i]);
	}
	sim_wait_idle();
	rln_peer_free(bob);
}

static int begin(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){.rtp = "port_min: 20000, port_max: 29999, quality_interval_ms: 2000"});
	sim_sound_ulaw(sound, sizeof(sound), 3);
	sim_sound_ulaw(hasty, sizeof(hasty), 4);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(impaired_streams_are_told_of)};

	return _cmocka_run_group_tests("sim/quality", tests, 1, begin, sim_group_stop);
}
