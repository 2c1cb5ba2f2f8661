/* SPDX-License-Identifier: BSD-3-Clause */
/* What a call has of its media, through the machine: recovery when it is lost, the order of its events, commands for the leg. */
#include "session_calls.h"

/* ---- R175 ---- */

static void lost_media_is_recovered(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	say_media(id, RLN_EV_RTP_TIMEOUT);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_RECOVERING);
	assert_int_equal(w->updates, 1);
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_INBOUND); /* refused meanwhile */
	reinvite_accepted(id, SDP_MOVED);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.remote_addr.port, 4400);
	hang_up(id);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

static void media_that_stays_lost_ends_the_call(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 5; how++) {
		struct rln_session_id id = active_uas();
		struct fake_dialog *d = dialog_for(id);

		say_media(id, RLN_EV_RTP_TIMEOUT);
		pump();
		if (how < 4)
			d->invite_open = false;
		if (how == 0)
			dialog_says(d, RLN_CALL_REFUSED, 488, NULL);
		else if (how == 1)
			dialog_says(d, RLN_CALL_TIMED_OUT, 408, NULL);
		else if (how == 2)
			dialog_sdp(d, RLN_EV_REINVITE_ACKED, NULL);
		else if (how == 3)
			dialog_says(d, RLN_CALL_CHALLENGED, 401, NULL);
		else
			say_media(id, RLN_EV_RTP_TIMEOUT);
		pump();
		assert_ended(id, RLN_STATE_TERMINATED, RLN_END_MEDIA_LOST, 0);
		forget();
	}
}

static void recovery_waits_for_the_peers_open_invite(void **state)
{
	struct rln_session_id id = active_uas();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	d->theirs_open = true;
	say_media(id, RLN_EV_RTP_TIMEOUT);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_RECOVERING);
	assert_int_equal(w->updates, 0);
	d->theirs_open = false;
	advance(3 * RLN_SEC);
	assert_int_equal(w->updates, 1);
	dialog_byes(d);
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

static void an_offer_that_is_open_tells_whether_media_are_lost(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_BIDIRECTIONAL);
	forget();
	say_media(id, RLN_EV_RTP_TIMEOUT);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_RECOVERING);
	assert_int_equal(w->updates, 1);
	assert_int_equal(told_sdp(RLN_SDP_OFFER_SENT), 0);
	assert_true(session_of(id)->is_offering); /* the same one still counts, and no other is due */
	assert_int_equal(last(RLN_EV_MEDIA_EVENT)->media_event.event, RLN_EV_RTP_TIMEOUT);
	reinvite_accepted(id, SDP_MOVED);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(told_sdp(RLN_SDP_ANSWER_RECEIVED), 1);
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.remote_addr.port, 4400);
	hang_up(id);
}

static void a_reinvite_that_cannot_be_sent_ends_recovery(void **state)
{
	struct rln_session_id id = active_uas();

	(void)state;
	w->fail_update = -ENOBUFS;
	say_media(id, RLN_EV_RTP_TIMEOUT);
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_MEDIA_LOST, 0);
}

static void an_unreachable_peer_is_lost_only_when_it_was_there(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_UNREACHABLE);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	flows(id);
	media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_FILE);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_UNREACHABLE);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_RECOVERING);
	hang_up(id);
}

/* ---- R155: the order of media events ---- */

static void media_events_wait_for_their_turn(void **state)
{
	struct rln_session_id id = calling();

	(void)state;
	say_media(id, RLN_EV_FIRST_AUDIO_FRAME_RECEIVED); /* in the wrong order, and before the answer */
	say_media(id, RLN_EV_REMOTE_MEDIA_CONFIRMED);
	say_media(id, RLN_EV_MEDIA_FLOW_ESTABLISHED);
	pump();
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED) + told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED), 0);
	dialog_answers(dialog_for(id), SDP_PEER);
	pump();
	say_media(id, RLN_EV_MEDIA_STREAM_STATE_CHANGED); /* any next event */
	pump();
	assert_true(first(RLN_EV_MEDIA_NEGOTIATED) < first(RLN_EV_MEDIA_FLOW_ESTABLISHED));
	assert_true(first(RLN_EV_MEDIA_FLOW_ESTABLISHED) < first(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED));
	assert_true(first(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED) < first(RLN_EV_AUDIO_CHANNELS_READY));
	assert_int_equal(told(RLN_EV_AUDIO_CHANNELS_READY), 1);
	assert_int_equal(last(RLN_EV_AUDIO_CHANNELS_READY)->audio_channels_ready.can_send, 1);
	assert_int_equal(last(RLN_EV_AUDIO_CHANNELS_READY)->audio_channels_ready.can_receive, 1);
	assert_int_equal(last(RLN_EV_MEDIA_FLOW_ESTABLISHED)->id, id.v);
	assert_null(session_of(id)->deferred);
	hang_up(id);
}

static void a_one_way_call_needs_no_flow(void **state)
{
	struct rln_session_id id = calling();

	(void)state;
	dialog_answers(dialog_for(id), SDP_HELD);
	pump();
	assert_true(first(RLN_EV_MEDIA_NEGOTIATED) < first(RLN_EV_AUDIO_CHANNELS_READY));
	assert_int_equal(last(RLN_EV_AUDIO_CHANNELS_READY)->audio_channels_ready.can_send, 0);
	assert_int_equal(last(RLN_EV_AUDIO_CHANNELS_READY)->audio_channels_ready.can_receive, 1);
	say_media(id, RLN_EV_FIRST_AUDIO_FRAME_RECEIVED);
	pump();
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED), 1);
	assert_int_equal(told(RLN_EV_AUDIO_CHANNELS_READY), 1);
	hang_up(id);
}

/* ---- R180, R181 ---- */

static void media_commands_reach_the_leg(void **state)
{
	struct rln_session_id id = active_uac();
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_PLAY_REQUEST, .play_request = {.loop_count = 3}};

	(void)state;
	ev.play_request.block = rln_block_from_text("a.wav", 5, &ev.play_request.file_path);
	deliver(&ev);
	assert_int_equal(last(RLN_EV_PLAY_AUDIO)->id, session_of(id)->media.v);
	assert_int_equal(last(RLN_EV_PLAY_AUDIO)->play_audio.loop_count, 3);
	ev = (struct rln_event){.id = id.v, .kind = RLN_EV_RECORD_REQUEST, .record_request = {.channels = 2}};
	ev.record_request.block = rln_block_from_text("b.wav", 5, &ev.record_request.file_path);
	deliver(&ev);
	assert_int_equal(last(RLN_EV_START_RECORDING)->start_recording.channels, 2);
	command(id, RLN_EV_STOP_PLAY_REQUEST, 0);
	command(id, RLN_EV_STOP_RECORD_REQUEST, 0);
	assert_int_equal(told(RLN_EV_STOP_AUDIO) + told(RLN_EV_STOP_RECORDING), 2);
	forget();
	command(id, RLN_EV_MUTE_REQUEST, 1);
	assert_int_equal(told(RLN_EV_UPDATE_MEDIA_STREAM), 1);
	assert_int_equal(session_of(id)->params.muted, 1);
	pump();
	say_media(id, RLN_EV_AUDIO_PLAYBACK_FINISHED);
	say_media(id, RLN_EV_DTMF_DETECTED);
	pump();
	assert_int_equal(last(RLN_EV_MEDIA_EVENT)->media_event.event, RLN_EV_AUDIO_PLAYBACK_FINISHED);
	assert_int_equal(last(RLN_EV_DTMF_DETECTED)->id, id.v);
	hang_up(id);
}

/* R87, R88: the path travels in the block of the worker's event, which the envelope passes on. */
static void recordings_are_told_with_their_file(void **state)
{
	struct rln_session_id id = active_uac();
	struct rln_event ev = {
		.id = session_of(id)->media.v, .kind = RLN_EV_RECORDING_STARTED, .recording_started = {.channels = 2}};
	const struct rln_ev_media_event *told_as;
	struct rln_ev_recording_stopped stopped;
	struct rln_ev_file started;
	rln_block_ref block;

	(void)state;
	block = ev.recording_started.block = rln_block_from_text("x/a.wav", 7, &ev.recording_started.file_path);
	rln_block_hold(block); /* ours, to look at after the bus is done with it */
	deliver(&ev);
	told_as = &last(RLN_EV_MEDIA_EVENT)->media_event;
	memcpy(&started, told_as->raw, sizeof(started));
	assert_int_equal(told_as->event, RLN_EV_RECORDING_STARTED);
	assert_int_equal(told_as->block, block);
	assert_string_equal(rln_slice_text(told_as->block, started.file_path), "x/a.wav");
	assert_int_equal(started.block, 0); /* named once */
	assert_int_equal(started.channels, 2);

	ev = (struct rln_event){
		.id = ev.id, .kind = RLN_EV_RECORDING_STOPPED, .recording_stopped = {.duration_ms = 900, .gap_ms = 3}};
	ev.recording_stopped.block = block;
	ev.recording_stopped.file_path = started.file_path;
	rln_block_hold(block);
	deliver(&ev);
	told_as = &last(RLN_EV_MEDIA_EVENT)->media_event;
	memcpy(&stopped, told_as->raw, sizeof(stopped));
	assert_int_equal(told_as->event, RLN_EV_RECORDING_STOPPED);
	assert_string_equal(rln_slice_text(told_as->block, stopped.file_path), "x/a.wav");
	assert_int_equal(stopped.duration_ms, 900);
	assert_int_equal(stopped.gap_ms, 3);
	rln_block_release(block); /* teardown sees that nobody else holds it */
	hang_up(id);
}

static void commands_that_do_not_fit_are_refused(void **state)
{
	struct rln_session_id id = calling();
	uint64_t before = rln_count_total(RLN_C_EVENT_REJECTED);

	(void)state;
	command(id, RLN_EV_ACCEPT_CALL, 0);
	command(id, RLN_EV_MAKE_CALL, 0);
	command(id, RLN_EV_STOP_PLAY_REQUEST, 0);
	command(id, RLN_EV_HOLD_CALL, 0);
	command(id, RLN_EV_UPDATE_REQUEST, 3);
	assert_int_equal(rln_count_total(RLN_C_EVENT_REJECTED), before + 5);
	assert_int_equal(state_of(id), RLN_STATE_CALLING);
	dialog_refuses(dialog_for(id), 486);
	pump();
}

static void a_tap_waits_for_a_leg(void **state)
{
	struct rln_session_id id = call_new(0);
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_TAP_REQUEST, .tap_request = {55, 1}};

	(void)state;
	deliver(&ev);
	assert_non_null(session_of(id)->deferred);
	assert_int_equal(told(RLN_EV_TAP_MEDIA), 0);
	pump();
	assert_int_equal(told(RLN_EV_TAP_MEDIA), 1);
	assert_int_equal(last(RLN_EV_TAP_MEDIA)->id, session_of(id)->media.v);
	assert_int_equal(last(RLN_EV_TAP_MEDIA)->tap_media.tap, 55);
	assert_int_equal(last(RLN_EV_TAP_MEDIA)->tap_media.on, 1);
	dialog_refuses(dialog_for(id), 486);
	pump();
}

static void digits_by_info_are_told_in_every_call(void **state)
{
	struct rln_event info = {.kind = RLN_EV_DTMF_RECEIVED, .dtmf_received = {.tones = "5", .duration_ms = 160}};
	struct rln_session_id ids[] = {early_media(), active_uac()};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		forget();
		dialog_emit(dialog_for(ids[i]), &info);
		pump();
		assert_int_equal(w->out_n, 1);
		assert_int_equal(last(RLN_EV_DTMF_RECEIVED)->id, ids[i].v);
		assert_string_equal(last(RLN_EV_DTMF_RECEIVED)->dtmf_received.tones, "5");
	}
	dialog_refuses(dialog_for(ids[0]), 486);
	pump();
	hang_up(ids[1]);
}

static void channels_wait_for_a_leg_or_end_with_the_call(void **state)
{
	struct rln_session_id id = call_new(0);
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_CHANNELS_REQUEST, .channels_request = {77, 1}};

	(void)state;
	deliver(&ev); /* no leg yet */
	assert_int_equal(told(RLN_EV_ATTACH_CHANNELS), 0);
	pump();
	assert_int_equal(last(RLN_EV_ATTACH_CHANNELS)->attach_channels.channels, 77);
	dialog_refuses(dialog_for(id), 486);
	pump();
	w->fail_create_leg = RLN_MEDIA_FAULT_NO_PORT + 1;
	id = call_new(0);
	ev.id = id.v;
	deliver(&ev);
	pump();
	assert_null(session_of(id));
	assert_int_equal(w->channels_ended, 1);
}

static void a_tap_without_a_leg_ends(void **state)
{
	struct rln_session_id id = call_new(0);
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_TAP_REQUEST, .tap_request = {.tap = 77, .on = 1}};

	(void)state;
	deliver(&ev); /* no leg yet */
	pump();
	assert_int_equal(last(RLN_EV_TAP_MEDIA)->tap_media.tap, 77);
	command(id, RLN_EV_HANGUP_CALL, 0);
	ev.tap_request.on = 0; /* nobody waits for it any more */
	deliver(&ev);
	assert_int_equal(w->taps_ended, 0);
	ev.tap_request.on = 1;
	deliver(&ev); /* refused */
	assert_int_equal(w->taps_ended, 1);
	dialog_refuses(dialog_for(id), 487);
	pump();
	w->fail_create_leg = RLN_MEDIA_FAULT_NO_PORT + 1;
	id = call_new(0);
	ev.id = id.v;
	deliver(&ev);
	pump();
	assert_null(session_of(id));
	assert_int_equal(w->taps_ended, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_tap_without_a_leg_ends),
		T(lost_media_is_recovered),
		T(media_that_stays_lost_ends_the_call),
		T(recovery_waits_for_the_peers_open_invite),
		T(an_offer_that_is_open_tells_whether_media_are_lost),
		T(a_reinvite_that_cannot_be_sent_ends_recovery),
		T(an_unreachable_peer_is_lost_only_when_it_was_there),
		T(media_events_wait_for_their_turn),
		T(a_one_way_call_needs_no_flow),
		T(media_commands_reach_the_leg),
		T(recordings_are_told_with_their_file),
		T(commands_that_do_not_fit_are_refused),
		T(channels_wait_for_a_leg_or_end_with_the_call),
		T(a_tap_waits_for_a_leg),
		T(digits_by_info_are_told_in_every_call),
	};

	return cmocka_run_group_tests_name("session_call_media", tests, NULL, NULL);
}
