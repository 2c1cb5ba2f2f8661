/* SPDX-License-Identifier: BSD-3-Clause */
/* Offers of the peer while a call is not up yet (R172, R182c, R182e): answered with a description, on the wire and for the leg. */
#include "session_calls.h"

/* 200 with our description, and the leg follows; the offer and our answer are told once. */
static void assert_answered(struct rln_session_id id, enum rln_call_state state)
{
	const struct fake_dialog *d = dialog_for(id);

	assert_int_equal(d->last_offer_response, 200);
	assert_non_null(strstr(d->last_sdp, "m=audio 20000 RTP/AVP 8 0"));
	assert_int_equal(last(RLN_EV_UPDATE_MEDIA_STREAM)->id, session_of(id)->media.v);
	assert_int_equal(session_of(id)->params.remote.port, 4400);
	assert_int_equal(session_of(id)->offer_sdp.len, 0);
	assert_int_equal(told_sdp(RLN_SDP_OFFER_RECEIVED), 1);
	assert_int_equal(told_sdp(RLN_SDP_ANSWER_SENT), 1);
	assert_int_equal(state_of(id), state);
}

static void a_callers_early_dialog_takes_an_update(void **state)
{
	struct rln_session_id id = early_media();

	(void)state;
	dialog_for(id)->answered = true; /* the 183 was reliable */
	forget();
	dialog_reinvited(dialog_for(id), SDP_MOVED, RLN_SIP_UPDATE);
	pump();
	assert_answered(id, RLN_STATE_EARLY_MEDIA);
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.remote_addr.port, 4400);
	dialog_answers(dialog_for(id), NULL);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

/* Early media from another call, in a reliable 183; then UPDATE, or PRACK, with an offer. */
static void a_callees_early_dialog_takes_an_update(void **state)
{
	struct rln_session_id id = ringing(), from = early_media();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	command_other(id, RLN_EV_BRIDGE_CALLS, from);
	pump();
	assert_int_equal(d->last_response, 183);
	d->answered = true;
	forget();
	dialog_reinvited(d, SDP_MOVED, RLN_SIP_UPDATE);
	pump();
	assert_answered(id, RLN_STATE_PROCEEDING);
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.remote_addr.port, 4400);
	command(id, RLN_EV_ACCEPT_CALL, 0); /* the 200 says the same again */
	assert_int_equal(d->last_response, 200);
	assert_non_null(strstr(d->last_sdp, "m=audio 20000 RTP/AVP 8 0"));
	acked(d, NULL);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
	dialog_refuses(dialog_for(from), 486);
	pump();
}

static void a_prack_answers_the_offer_of_a_provisional(void **state)
{
	struct rln_session_id id = call_new(RLN_CALL_LATE_OFFER);

	(void)state;
	pump();
	dialog_for(id)->answer_owed = true;
	forget();
	dialog_says(dialog_for(id), RLN_CALL_PROGRESS, 183, SDP_PEER);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_EARLY_MEDIA);
	assert_int_equal(w->acks, 1);
	assert_non_null(strstr(dialog_for(id)->last_sdp, "m=audio 20000 RTP/AVP 8 0"));
	assert_int_equal(told(RLN_EV_START_MEDIA_STREAM), 1);
	assert_int_equal(told(RLN_EV_CALL_STATE_CHANGED), 1);
	assert_int_equal(told_sdp(RLN_SDP_OFFER_RECEIVED), 1);
	assert_int_equal(told_sdp(RLN_SDP_ANSWER_SENT), 1);
	dialog_answers(dialog_for(id), NULL);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void a_reinvite_before_the_stream_starts_is_answered(void **state)
{
	struct rln_session_id id = answered_silent();

	(void)state;
	dialog_reinvited(dialog_for(id), SDP_MOVED, RLN_SIP_INVITE);
	pump();
	assert_answered(id, RLN_STATE_NEGOTIATING);
	stream_starts(id);
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.remote_addr.port, 4400);
	hang_up(id);
}

static void a_reinvite_without_offer_before_the_stream_starts_gets_ours(void **state)
{
	struct rln_session_id id = answered_silent();

	(void)state;
	dialog_reinvited(dialog_for(id), NULL, RLN_SIP_INVITE);
	pump();
	assert_int_equal(dialog_for(id)->last_offer_response, 200);
	assert_non_null(strstr(dialog_for(id)->last_sdp, "m=audio 20000"));
	assert_int_equal(told_sdp(RLN_SDP_OFFER_SENT), 1);
	assert_true(session_of(id)->is_offering);
	assert_int_equal(state_of(id), RLN_STATE_NEGOTIATING);
	stream_starts(id);
	dialog_sdp(dialog_for(id), RLN_EV_CALL_ESTABLISHED, SDP_MOVED); /* the ACK's answer */
	pump();
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.remote_addr.port, 4400);
	hang_up(id);
}

/* ---- early media toward a caller (R182d): the stream is asked for, and starts ---- */

static void an_accept_waits_until_early_media_run(void **state)
{
	struct rln_session_id id = ringing(), from = early_media();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	w->quiet_media = true;
	command_other(id, RLN_EV_BRIDGE_CALLS, from);
	command(id, RLN_EV_ACCEPT_CALL, 0);
	assert_int_equal(state_of(id), RLN_STATE_PROCEEDING);
	assert_non_null(session_of(id)->deferred);
	assert_int_equal(d->last_response, 180);
	w->responses = 0;
	stream_starts(id);
	assert_int_equal(w->responses, 2); /* 183, 200 */
	assert_int_equal(d->last_response, 200);
	assert_int_equal(state_of(id), RLN_STATE_NEGOTIATING);
	acked(d, NULL);
	pump();
	hang_up(id);
	dialog_refuses(dialog_for(from), 486);
	pump();
}

static void a_bridge_waits_for_the_callers_leg(void **state)
{
	struct rln_session_id from = early_media(), id = invite_new(SDP_PEER, 0);

	(void)state;
	forget();
	command_other(id, RLN_EV_BRIDGE_CALLS, from);
	assert_non_null(session_of(id)->deferred);
	assert_int_equal(told(RLN_EV_BRIDGE_MEDIA) + told(RLN_EV_COMMAND_REJECTED), 0);
	pump();
	assert_int_equal(told(RLN_EV_BRIDGE_MEDIA), 2);
	assert_int_equal(dialog_for(id)->last_response, 183);
	command(id, RLN_EV_REJECT_CALL, 486);
	dialog_refuses(dialog_for(from), 486);
	pump();
}

static void early_media_are_joined_again_and_parted_on_command(void **state)
{
	struct rln_session_id id = ringing(), from = early_media();

	(void)state;
	command_other(id, RLN_EV_BRIDGE_CALLS, from);
	pump();
	forget();
	w->responses = 0;
	command_other(id, RLN_EV_BRIDGE_CALLS, from);
	pump();
	assert_int_equal(told(RLN_EV_BRIDGE_MEDIA), 2);
	assert_int_equal(told(RLN_EV_START_MEDIA_STREAM) + told(RLN_EV_UPDATE_MEDIA_STREAM), 0);
	assert_int_equal(w->responses, 0);
	forget();
	command(id, RLN_EV_UNBRIDGE_CALLS, 0);
	pump();
	assert_int_equal(told(RLN_EV_BRIDGE_MEDIA), 2);
	assert_int_equal(last(RLN_EV_BRIDGE_MEDIA)->bridge_media.other, 0);
	assert_int_equal(session_of(id)->other + session_of(from)->other, 0);
	assert_int_equal(state_of(id), RLN_STATE_PROCEEDING);
	assert_int_equal(state_of(from), RLN_STATE_EARLY_MEDIA);
	command(id, RLN_EV_REJECT_CALL, 486);
	dialog_refuses(dialog_for(from), 486);
	pump();
}

/* ---- what the worker tells meanwhile ---- */

static void what_changes_nothing_is_only_told(void **state)
{
	static const enum rln_event_kind kinds[] = {RLN_EV_MEDIA_STREAM_STATE_CHANGED, RLN_EV_MEDIA_ERROR,
		RLN_EV_RECORDING_STARTED, RLN_EV_RECORDING_STOPPED, RLN_EV_AUDIO_PLAYBACK_FINISHED};
	struct rln_session_id ours = calling(), theirs = ringing(), early = early_media();

	(void)state;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_only_told(ours, kinds[i]);
		assert_only_told(theirs, kinds[i]);
		assert_only_told(early, kinds[i]);
	}
	assert_only_told(early, RLN_EV_MEDIA_STREAM_STARTED);
	forget();
	say_media(theirs, RLN_EV_DTMF_DETECTED);
	pump();
	assert_int_equal(last(RLN_EV_DTMF_DETECTED)->id, theirs.v);
	command(theirs, RLN_EV_REJECT_CALL, 486);
	dialog_refuses(dialog_for(ours), 486);
	dialog_refuses(dialog_for(early), 486);
	pump();
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_callers_early_dialog_takes_an_update),
		T(a_callees_early_dialog_takes_an_update),
		T(a_prack_answers_the_offer_of_a_provisional),
		T(a_reinvite_before_the_stream_starts_is_answered),
		T(a_reinvite_without_offer_before_the_stream_starts_gets_ours),
		T(an_accept_waits_until_early_media_run),
		T(a_bridge_waits_for_the_callers_leg),
		T(early_media_are_joined_again_and_parted_on_command),
		T(what_changes_nothing_is_only_told),
	};

	return cmocka_run_group_tests_name("session_early", tests, NULL, NULL);
}
