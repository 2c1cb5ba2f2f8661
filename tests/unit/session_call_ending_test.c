/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls on their way out (R165, R182, R182b): the CANCEL or the BYE is out, or the call is over and not everything has come back. */
#include "session_calls.h"

/* ---- our CANCEL is out ---- */

static struct rln_session_id cancelling(void)
{
	struct rln_session_id id = calling();

	command(id, RLN_EV_HANGUP_CALL, 0);
	assert_int_equal(state_of(id), RLN_STATE_CANCEL_PENDING);
	forget();
	return id;
}

static void a_cancel_that_cannot_be_sent_ends_the_call(void **state)
{
	struct rln_event fault = {.kind = RLN_EV_DIALOG_ERROR, .dialog_error = {RLN_FAULT_TRANSPORT, 0, EHOSTUNREACH}};

	(void)state;
	for (unsigned is_action = 0; is_action < 2; is_action++) {
		struct rln_session_id id = cancelling();

		if (is_action)
			action_fails(id, RLN_ACT_TERMINATE);
		else
			dialog_emit(dialog_for(id), &fault);
		pump();
		assert_int_equal(state_of(id), RLN_STATE_CANCELLED);
		assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1);
		assert_int_equal(told(RLN_EV_TERMINATE_SESSION) + told(RLN_EV_DIALOG_ERROR), 0);
		dialog_moves(dialog_for(id), RLN_DIALOG_TERMINATED);
		assert_ended(id, RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
		forget();
	}
}

static void a_dialog_that_ends_without_a_word_ends_a_cancelled_call(void **state)
{
	struct rln_session_id id = cancelling();

	(void)state;
	dialog_moves(dialog_for(id), RLN_DIALOG_TERMINATED);
	pump();
	assert_int_equal(told(RLN_EV_DIALOG_STATE_CHANGED), 1);
	assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1);
	assert_ended(id, RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

static void media_of_a_cancelled_call_are_only_told(void **state)
{
	static const enum rln_event_kind kinds[] = {RLN_EV_MEDIA_STREAM_STARTED, RLN_EV_MEDIA_ERROR, RLN_EV_RECORDING_STARTED,
		RLN_EV_RECORDING_STOPPED, RLN_EV_AUDIO_PLAYBACK_FINISHED, RLN_EV_MEDIA_STREAM_STATE_CHANGED,
		RLN_EV_MEDIA_STREAM_STOPPED};
	struct rln_session_id id = cancelling();

	(void)state;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i] == RLN_EV_MEDIA_STREAM_STOPPED)
			w->legs[rln_id_slot(session_of(id)->media.v)] = 0;
		assert_only_told(id, kinds[i]);
	}
	assert_int_equal(session_of(id)->leg_hold, RLN_HOLD_ENDED);
	dialog_refuses(dialog_for(id), 487);
	pump();
	assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 0); /* its leg is gone */
	assert_ended(id, RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

static void channels_of_an_ending_call_end(void **state)
{
	struct rln_session_id id = cancelling();
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_CHANNELS_REQUEST, .channels_request = {77, 1}};

	(void)state;
	deliver(&ev);
	assert_int_equal(w->channels_ended, 1);
	assert_int_equal(w->out_n, 0);
	dialog_refuses(dialog_for(id), 487);
	pump();
}

/* ---- our BYE is out ---- */

/* Dialog and leg are silent until the test lets them speak. */
static struct rln_session_id leaving(void)
{
	struct rln_session_id id = active_uac();

	w->quiet_dialog = w->quiet_media = true;
	command(id, RLN_EV_HANGUP_CALL, 0);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_TERMINATING);
	forget();
	return id;
}

static void leg_ends(struct rln_session_id id)
{
	w->quiet_dialog = w->quiet_media = false;
	leg_goes(id);
}

static void what_comes_after_the_bye_is_only_told(void **state)
{
	static const enum rln_event_kind kinds[] = {RLN_EV_MEDIA_ERROR, RLN_EV_RECORDING_STARTED, RLN_EV_RECORDING_STOPPED,
		RLN_EV_AUDIO_PLAYBACK_FINISHED, RLN_EV_MEDIA_STREAM_STATE_CHANGED};
	struct rln_event fault = {.kind = RLN_EV_DIALOG_ERROR, .dialog_error = {RLN_FAULT_PARSE, 0, 400}},
			 moved = {.kind = RLN_EV_DIALOG_STATE_CHANGED,
				 .dialog_state_changed = {RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED}};
	struct rln_session_id id = leaving();

	(void)state;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_only_told(id, kinds[i]);
	forget();
	dialog_emit(dialog_for(id), &fault);
	dialog_emit(dialog_for(id), &moved);
	pump();
	assert_int_equal(w->out_n, 2);
	assert_int_equal(last(RLN_EV_DIALOG_ERROR)->id, id.v);
	assert_int_equal(last(RLN_EV_DIALOG_STATE_CHANGED)->id, id.v);
	assert_int_equal(state_of(id), RLN_STATE_TERMINATING);
	forget();
	leg_ends(id);
	dialog_moves(dialog_for(id), RLN_DIALOG_TERMINATED); /* and nothing said why */
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

static void an_action_that_fails_after_the_bye_is_tried_once_more(void **state)
{
	struct rln_session_id id = leaving();

	(void)state;
	action_fails(id, RLN_ACT_TERMINATE);
	assert_int_equal(told(RLN_EV_TERMINATE_SESSION), 1);
	assert_int_equal(state_of(id), RLN_STATE_TERMINATED);
	leg_ends(id);
	dialog_moves(dialog_for(id), RLN_DIALOG_TERMINATED);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

/* ---- over, and the INVITE still open (R182b) ---- */

static void nobody_tries_again_for_a_call_that_is_over(void **state)
{
	static const enum rln_call_progress asks[] = {RLN_CALL_CHALLENGED, RLN_CALL_INTERVAL_TOO_SMALL, RLN_CALL_REDIRECTED};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct rln_session_id id = calling();
		struct fake_dialog *d = dialog_for(id);

		media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_UNREACHABLE);
		pump();
		assert_int_equal(state_of(id), RLN_STATE_FAILED);
		d->invite_open = false;
		d->can_retry = true;
		dialog_says(d, asks[i], 401, NULL);
		pump();
		assert_int_equal(told(RLN_EV_TERMINATE_SESSION), 2);
		assert_int_equal(told(RLN_EV_CALL_STATE_CHANGED), 0);
		assert_int_equal(w->invites, i + 1);
		assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
		forget();
	}
}

static void a_leg_that_cannot_be_made_for_a_call_that_is_over_is_not_waited_for(void **state)
{
	struct rln_session_id id;

	(void)state;
	w->fail_create_leg = RLN_MEDIA_FAULT_NO_PORT + 1;
	id = call_new(0);
	command(id, RLN_EV_HANGUP_CALL, 0);
	assert_int_equal(state_of(id), RLN_STATE_CANCELLED);
	pump();
	assert_int_equal(told(RLN_EV_MEDIA_EVENT), 0);
	assert_ended(id, RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_cancel_that_cannot_be_sent_ends_the_call),
		T(a_dialog_that_ends_without_a_word_ends_a_cancelled_call),
		T(media_of_a_cancelled_call_are_only_told),
		T(channels_of_an_ending_call_end),
		T(what_comes_after_the_bye_is_only_told),
		T(an_action_that_fails_after_the_bye_is_tried_once_more),
		T(nobody_tries_again_for_a_call_that_is_over),
		T(a_leg_that_cannot_be_made_for_a_call_that_is_over_is_not_waited_for),
	};

	return cmocka_run_group_tests_name("session_call_ending", tests, NULL, NULL);
}
