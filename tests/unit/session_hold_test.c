/* SPDX-License-Identifier: BSD-3-Clause */
/* HOLD_MEDIA and RESUME_MEDIA on a running leg: what is told, what passes, what is not held against the peer afterwards. */
#include "tests/unit/shard_harness.h"

static void direct(uint64_t id, enum rln_event_kind kind, uint8_t direction)
{
	struct rln_event ev = {.id = id, .kind = (uint16_t)kind, .hold_media = {.direction = direction}};

	command(&ev);
	turn_after(250);
	turn_after(250);
}

static uint64_t talking(struct rln_addr *local, uint16_t *seq)
{
	struct rln_leg_params q = stream_params();
	uint64_t id = create_leg(1, local);

	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	for (; *seq < 100; ++*seq)
		peer_talks(local->port, *seq, 160u * *seq), turns(19);
	return id;
}

static struct rln_leg_stats stats_of(uint64_t id)
{
	struct rln_leg_stats s;

	turns(1100); /* they are published each second */
	assert_int_equal(rln_shard_leg_stats(w.shard, id, &s), 0);
	return s;
}

static void state_is(enum rln_stream_state state, uint8_t direction)
{
	struct rln_event ev = {0};

	got(RLN_EV_MEDIA_STREAM_STATE_CHANGED, &ev);
	assert_int_equal(ev.media_stream_state_changed.new_state, state);
	assert_int_equal(ev.media_stream_state_changed.direction, direction);
}

static void a_held_leg_lets_nothing_in_and_goes_on_sending(void **state)
{
	struct rln_addr local;
	uint16_t seq = 1;
	uint64_t id = talking(&local, &seq);

	(void)state;
	state_is(RLN_STREAM_FLOWING, RLN_MEDIA_BIDIRECTIONAL);
	direct(id, RLN_EV_HOLD_MEDIA, RLN_MEDIA_OUTBOUND); /* sendonly: music on hold would be heard */
	state_is(RLN_STREAM_HELD, RLN_MEDIA_OUTBOUND);
	w.heard_n = 0;
	for (unsigned i = 0; i < 10; i++, seq++)
		peer_talks(local.port, seq, 160u * seq), turns(19);
	assert_int_equal(count(RLN_C_DROP_RTP_DIRECTION), 10);
	assert_in_range(heard_rtp(), 9, 12);
	direct(id, RLN_EV_HOLD_MEDIA, RLN_MEDIA_INACTIVE); /* held from both sides */
	state_is(RLN_STREAM_HELD, RLN_MEDIA_INACTIVE);
	w.heard_n = 0;
	turns(100);
	assert_int_equal(heard_rtp(), 0);
	direct(id, RLN_EV_RESUME_MEDIA, RLN_MEDIA_INBOUND); /* we resume, the peer holds still */
	state_is(RLN_STREAM_HELD, RLN_MEDIA_INBOUND);
	direct(id, RLN_EV_RESUME_MEDIA, RLN_MEDIA_BIDIRECTIONAL);
	state_is(RLN_STREAM_FLOWING, RLN_MEDIA_BIDIRECTIONAL);
	turns(100);
	assert_in_range(heard_rtp(), 4, 6);
	stop_leg(id);
}

static void silence_times_out_only_when_audio_may_come(void **state)
{
	struct rln_addr local;
	uint16_t seq = 1;
	uint64_t id = talking(&local, &seq);
	struct rln_event ev = {0};

	(void)state;
	direct(id, RLN_EV_HOLD_MEDIA, RLN_MEDIA_OUTBOUND);
	for (unsigned i = 0; i < 65; i++)
		turns(1000), w.heard_n = 0;
	assert_int_equal(got(RLN_EV_RTP_TIMEOUT, NULL), 0);
	direct(id, RLN_EV_RESUME_MEDIA, RLN_MEDIA_BIDIRECTIONAL);
	for (unsigned i = 0; i < 29; i++)
		turns(1000), w.heard_n = 0;
	assert_int_equal(got(RLN_EV_RTP_TIMEOUT, NULL), 0);
	turns(1100);
	w.heard_n = 0;
	assert_int_equal(got(RLN_EV_RTP_TIMEOUT, &ev), 1); /* counted from the resume */
	state_is(RLN_STREAM_STALLED, RLN_MEDIA_BIDIRECTIONAL);
	peer_talks(local.port, seq, 160u * seq);
	state_is(RLN_STREAM_FLOWING, RLN_MEDIA_BIDIRECTIONAL);
	stop_leg(id);
}

/* What the peer sent (or counted on) in the meantime is neither lost nor late. */
static void a_pause_is_no_loss(void **state)
{
	struct rln_addr local;
	uint16_t seq = 1;
	uint64_t id = talking(&local, &seq);

	(void)state;
	direct(id, RLN_EV_HOLD_MEDIA, RLN_MEDIA_OUTBOUND);
	turns(10000);
	seq = (uint16_t)(seq + 500);
	direct(id, RLN_EV_RESUME_MEDIA, RLN_MEDIA_BIDIRECTIONAL);
	turns(2500); /* the peer takes its time: a quality window has begun */
	w.heard_n = w.got_n = 0;
	for (unsigned i = 0; i < 300; i++, seq++)
		peer_talks(local.port, seq, 160u * seq + 77777), turns(19);
	assert_int_equal(got(RLN_EV_PACKET_LOSS_DETECTED, NULL), 0);
	assert_int_equal(got(RLN_EV_MEDIA_QUALITY_DEGRADED, NULL), 0);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STATE_CHANGED, NULL), 0);
	assert_int_equal(stats_of(id).lost, 0);
	assert_true(stats_of(id).jitter_us < 2000);
	assert_int_equal(stats_of(id).packets_received, 99 + 300);
	assert_int_equal(count(RLN_C_EATEN_RTP), 99 + 300);
	stop_leg(id);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_plain, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_held_leg_lets_nothing_in_and_goes_on_sending),
		T(silence_times_out_only_when_audio_may_come),
		T(a_pause_is_no_loss),
	};

	return cmocka_run_group_tests_name("session_hold", tests, world_eal, world_eal_end);
}
