/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls of ours through the machine, with doubles of the layers below: up to ACTIVE, refused, given up. One end notice on every path. */
#include "session_calls.h"

/* ---- R156, R160, R161, R166: a call of ours ---- */

static void a_caller_reaches_active(void **state)
{
	struct rln_session_id id = active_uac();
	const struct rln_event *negotiated = last(RLN_EV_MEDIA_NEGOTIATED);

	(void)state;
	assert_int_equal(w->invites, 1);
	assert_true(first(RLN_EV_CREATE_MEDIA_SESSION) < first(RLN_EV_MEDIA_SESSION_READY));
	assert_true(first(RLN_EV_MEDIA_SESSION_READY) < first(RLN_EV_MEDIA_NEGOTIATED));
	assert_true(first(RLN_EV_INITIATE_CALL) < first(RLN_EV_START_MEDIA_STREAM));
	assert_int_equal(told(RLN_EV_MEDIA_NEGOTIATED), 1);
	assert_int_equal(negotiated->media_negotiated.codec, RLN_CODEC_PCMU); /* the answer's first */
	assert_int_equal(negotiated->media_negotiated.payload_type, 0);
	assert_int_equal(negotiated->media_negotiated.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(negotiated->media_negotiated.remote_addr.port, 4000);
	assert_int_equal(told(RLN_EV_SDP_EVENT), 2);
	assert_int_equal(told_sdp(RLN_SDP_OFFER_SENT), 1);
	assert_int_equal(told_sdp(RLN_SDP_ANSWER_RECEIVED), 1);
	assert_non_null(strstr(dialog_for(id)->last_sdp, "m=audio 20000 RTP/AVP 8 0 101"));
	hang_up(id);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
	assert_true(first(RLN_EV_TERMINATE_SESSION) < first(RLN_EV_STOP_MEDIA_STREAM)); /* R154 */
	assert_true(first(RLN_EV_STOP_MEDIA_STREAM) < first(RLN_EV_SESSION_TERMINATED));
}

static void provisionals_are_told(void **state)
{
	struct rln_session_id id = calling();

	(void)state;
	dialog_says(dialog_for(id), RLN_CALL_TRYING, 100, NULL);
	dialog_moves(dialog_for(id), RLN_DIALOG_EARLY);
	dialog_says(dialog_for(id), RLN_CALL_RINGING, 180, NULL);
	dialog_says(dialog_for(id), RLN_CALL_PROGRESS, 183, SDP_USELESS);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_CALLING);
	assert_int_equal(told(RLN_EV_CALL_STATE_CHANGED), 3);
	assert_int_equal(last(RLN_EV_CALL_STATE_CHANGED)->id, id.v);
	assert_int_equal(told(RLN_EV_DIALOG_STATE_CHANGED), 1);
	dialog_answers(dialog_for(id), SDP_PEER);
	pump();
	hang_up(id);
}

static void early_media_starts_the_stream_once(void **state)
{
	struct rln_session_id id = calling();

	(void)state;
	dialog_says(dialog_for(id), RLN_CALL_PROGRESS, 183, SDP_PEER);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_EARLY_MEDIA);
	assert_int_equal(told(RLN_EV_MEDIA_NEGOTIATED), 1);
	dialog_answers(dialog_for(id), SDP_PEER);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(told(RLN_EV_START_MEDIA_STREAM), 1);
	assert_int_equal(told(RLN_EV_MEDIA_NEGOTIATED), 1); /* R166: nothing changed */
	hang_up(id);
}

static void an_answer_other_than_early_is_told_again(void **state)
{
	struct rln_session_id id = calling();

	(void)state;
	dialog_says(dialog_for(id), RLN_CALL_PROGRESS, 183, SDP_PEER);
	pump();
	dialog_answers(dialog_for(id), SDP_MOVED);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(told(RLN_EV_MEDIA_NEGOTIATED), 2);
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.remote_addr.port, 4400);
	hang_up(id);
}

static void an_early_answer_serves_a_2xx_without_one(void **state)
{
	struct rln_session_id id = calling();

	(void)state;
	dialog_says(dialog_for(id), RLN_CALL_PROGRESS, 183, SDP_PEER);
	pump();
	dialog_answers(dialog_for(id), NULL);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void a_2xx_without_use_is_ended_by_bye(void **state)
{
	struct rln_session_id id = calling();

	(void)state;
	dialog_answers(dialog_for(id), SDP_USELESS);
	pump();
	assert_int_equal(told(RLN_EV_TERMINATE_SESSION), 1);
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

static void a_late_offer_is_answered_in_the_ack(void **state)
{
	struct rln_session_id id = call_new(RLN_CALL_LATE_OFFER);

	(void)state;
	pump();
	assert_string_equal(dialog_for(id)->last_sdp, "");
	dialog_answers(dialog_for(id), SDP_PEER);
	pump();
	assert_int_equal(w->acks, 1);
	assert_non_null(strstr(dialog_for(id)->last_sdp, "m=audio 20000 RTP/AVP 8 0"));
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.codec, RLN_CODEC_PCMA); /* we choose */
	dialog_reinvited(dialog_for(id), SDP_MOVED, RLN_SIP_INVITE);
	pump();
	assert_int_equal(dialog_for(id)->last_response, 200);
	hang_up(id);
}

static void a_late_offer_without_use_gets_ack_and_bye(void **state)
{
	struct rln_session_id id = call_new(RLN_CALL_LATE_OFFER);

	(void)state;
	pump();
	dialog_answers(dialog_for(id), SDP_USELESS);
	pump();
	assert_int_equal(w->acks, 1);
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

/* ---- R163: a call of ours fails ---- */

static void refusals_fail_the_call(void **state)
{
	static const struct {
		enum rln_call_progress value;
		uint16_t status;
		enum rln_end_reason reason;
		uint16_t code;
	} refusals[] = {
		{RLN_CALL_REFUSED, 486, RLN_END_REFUSED, 486},
		{RLN_CALL_REFUSED, 604, RLN_END_REFUSED, 604},
		{RLN_CALL_REDIRECTED, 302, RLN_END_REFUSED, 302},
		{RLN_CALL_INTERVAL_TOO_SMALL, 422, RLN_END_REFUSED, 422},
		{RLN_CALL_GLARE, 491, RLN_END_REFUSED, 491},
		{RLN_CALL_CHALLENGED, 401, RLN_END_AUTH, 401},
		{RLN_CALL_CHALLENGED, 407, RLN_END_AUTH, 407},
		{RLN_CALL_TIMED_OUT, 408, RLN_END_TIMEOUT, 408},
	};

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct rln_session_id id = calling();
		struct fake_dialog *d = dialog_for(id);

		if (i % 2)
			dialog_says(d, RLN_CALL_PROGRESS, 183, SDP_PEER);
		d->invite_open = false;
		dialog_says(d, refusals[i / 2].value, refusals[i / 2].status, NULL);
		dialog_moves(d, RLN_DIALOG_TERMINATED);
		pump();
		assert_ended(id, RLN_STATE_FAILED, refusals[i / 2].reason, refusals[i / 2].code);
		forget();
	}
}

/* R162: the dialog has another contact; the application hears of each refusal. */
static void another_contact_is_tried(void **state)
{
	struct rln_event fault = {.kind = RLN_EV_DIALOG_ERROR, .dialog_error = {RLN_FAULT_TRANSPORT, 0, EHOSTUNREACH}};
	struct rln_session_id id = calling();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		dialog_says(d, RLN_CALL_PROGRESS, 183, SDP_PEER);
		pump();
		assert_int_equal(state_of(id), RLN_STATE_EARLY_MEDIA);
		forget();
		d->invite_open = false;
		d->can_retry = true;
		if (i == 0)
			dialog_says(d, RLN_CALL_REFUSED, 486, NULL);
		else if (i == 1)
			dialog_says(d, RLN_CALL_TIMED_OUT, 408, NULL);
		else
			dialog_emit(d, &fault);
		pump();
		assert_int_equal(w->invites, i + 2);
		assert_int_equal(state_of(id), RLN_STATE_CALLING);
		assert_int_equal(told(i < 2 ? RLN_EV_CALL_STATE_CHANGED : RLN_EV_DIALOG_ERROR), 1);
	}
	d->can_retry = false;
	dialog_refuses(d, 480);
	pump();
	assert_ended(id, RLN_STATE_FAILED, RLN_END_REFUSED, 480);
}

/* R162: the application hears of what was asked for, and the offer goes out again. */
static void a_retry_that_can_be_met_is_made(void **state)
{
	static const struct {
		enum rln_call_progress value;
		uint16_t status;
	} asks[] = {{RLN_CALL_CHALLENGED, 407}, {RLN_CALL_INTERVAL_TOO_SMALL, 422}, {RLN_CALL_REDIRECTED, 302}};
	struct rln_session_id id = calling();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	for (unsigned i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		w->quiet_media = true; /* the first time, the stream of early media starts after that */
		dialog_says(d, RLN_CALL_PROGRESS, 183, SDP_PEER);
		pump();
		forget();
		d->invite_open = false;
		d->can_retry = true;
		d->last_sdp[0] = '\0';
		dialog_says(d, asks[i].value, asks[i].status, NULL);
		pump();
		assert_int_equal(state_of(id), RLN_STATE_CALLING);
		assert_int_equal(w->invites, i + 2);
		assert_non_null(strstr(d->last_sdp, "m=audio 20000 RTP/AVP 8 0 101"));
		assert_int_equal(last(RLN_EV_CALL_STATE_CHANGED)->call_state_changed.status, asks[i].status);
		assert_int_equal(told_sdp(RLN_SDP_OFFER_SENT), 1);
		assert_only_told(id, RLN_EV_MEDIA_STREAM_STARTED);
		assert_int_equal(session_of(id)->leg_hold, RLN_HOLD_RUNNING);
	}
	w->quiet_media = false;
	d->can_retry = false;
	dialog_refuses(d, 486);
	pump();
}

static void nobody_answers_for_too_long(void **state)
{
	struct rln_session_id id = calling();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	advance(59 * RLN_SEC);
	assert_int_equal(state_of(id), RLN_STATE_CALLING);
	advance(2 * RLN_SEC);
	assert_int_equal(state_of(id), RLN_STATE_FAILED);
	assert_true(d->cancelled);
	assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1);
	dialog_refuses(d, 487);
	pump();
	assert_ended(id, RLN_STATE_FAILED, RLN_END_TIMEOUT, 408);
}

static void a_leg_that_goes_while_calling_cancels(void **state)
{
	struct rln_session_id id = calling();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	forget();
	leg_goes(id);
	assert_int_equal(state_of(id), RLN_STATE_FAILED);
	assert_true(d->cancelled);
	assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 0);
	assert_int_equal(last(RLN_EV_MEDIA_EVENT)->media_event.event, RLN_EV_MEDIA_STREAM_STOPPED);
	dialog_refuses(d, 487);
	pump();
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

static void a_target_that_cannot_be_called_fails_the_call(void **state)
{
	struct rln_session_id id;

	(void)state;
	w->fail_dialog = EHOSTUNREACH;
	id = call_new(0);
	pump();
	assert_int_equal(w->invites, 0);
	assert_ended(id, RLN_STATE_FAILED, RLN_END_NETWORK, 0);
}

static void a_leg_that_cannot_be_made_fails_the_call(void **state)
{
	struct rln_session_id id;

	(void)state;
	w->fail_create_leg = RLN_MEDIA_FAULT_NO_PORT + 1;
	id = call_new(0);
	pump();
	assert_int_equal(w->invites, 0);
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

static void a_transport_fault_fails_the_call(void **state)
{
	struct rln_session_id id = calling();
	struct rln_event ev = {.kind = RLN_EV_DIALOG_ERROR, .dialog_error = {RLN_FAULT_TRANSPORT, 0, EHOSTUNREACH}};

	(void)state;
	dialog_for(id)->invite_open = false;
	dialog_emit(dialog_for(id), &ev);
	dialog_moves(dialog_for(id), RLN_DIALOG_TERMINATED);
	pump();
	assert_ended(id, RLN_STATE_FAILED, RLN_END_NETWORK, 0);
}

static void media_that_fails_while_calling_cancels(void **state)
{
	struct rln_session_id id = calling();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_DISK); /* a file's fault changes nothing */
	pump();
	assert_int_equal(state_of(id), RLN_STATE_CALLING);
	media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_UNREACHABLE);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_FAILED);
	assert_int_equal(told(RLN_EV_SESSION_TERMINATED), 1); /* at once */
	assert_true(d->cancelled);
	dialog_refuses(d, 487); /* R182b: the slot goes when the dialog reports its end */
	pump();
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

static void a_late_answer_to_a_failed_call_gets_a_bye(void **state)
{
	struct rln_session_id id = calling();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_UNREACHABLE);
	pump();
	dialog_answers(d, SDP_PEER);
	pump();
	assert_true(d->bye_out);
	assert_int_equal(told(RLN_EV_TERMINATE_SESSION), 2);
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

/* ---- between the 2xx and the stream ---- */

static void an_answered_call_without_media_is_ended_by_bye(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 3; how++) {
		struct rln_session_id id = answered_silent();
		struct fake_dialog *d = dialog_for(id);

		w->quiet_media = false;
		if (how == 0)
			media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_UNREACHABLE);
		else if (how == 1)
			action_fails(id, RLN_ACT_ESTABLISH_FLOW);
		else
			leg_goes(id);
		pump();
		assert_int_equal(told(RLN_EV_TERMINATE_SESSION), 1);
		assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), how < 2);
		assert_int_equal(told(RLN_EV_MEDIA_EVENT), how == 0 ? 2 : 1); /* the fault; the leg's end */
		assert_true(d->bye_out);
		assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
		forget();
	}
}

static void a_hangup_before_the_stream_starts_sends_bye(void **state)
{
	struct rln_session_id id = answered_silent();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	w->quiet_media = false;
	command(id, RLN_EV_HANGUP_CALL, 0);
	assert_int_equal(state_of(id), RLN_STATE_TERMINATING);
	pump();
	assert_true(d->bye_out);
	assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

static void only_the_stream_makes_the_call_active(void **state)
{
	struct rln_session_id id = answered_silent();

	(void)state;
	assert_only_told(id, RLN_EV_MEDIA_STREAM_STATE_CHANGED); /* armed */
	assert_only_told(id, RLN_EV_MEDIA_ERROR);                /* of a file */
	stream_starts(id);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_only_told(id, RLN_EV_MEDIA_STREAM_STARTED);
	hang_up(id);
	forget();
	id = early_media(); /* which has told what was agreed */
	w->quiet_media = true;
	dialog_answers(dialog_for(id), NULL);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_NEGOTIATING);
	forget();
	stream_starts(id);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(told(RLN_EV_MEDIA_NEGOTIATED), 0);
	assert_int_equal(last(RLN_EV_MEDIA_EVENT)->media_event.event, RLN_EV_MEDIA_STREAM_STARTED);
	hang_up(id);
}

/* ---- R164, R165: we give up ---- */

static void a_hangup_before_the_invite_calls_nobody(void **state)
{
	struct rln_session_id id = call_new(0);

	(void)state;
	command(id, RLN_EV_HANGUP_CALL, 0); /* MEDIA_SESSION_CREATED still waits in its queue */
	assert_int_equal(state_of(id), RLN_STATE_CANCELLED);
	assert_int_equal(told(RLN_EV_SESSION_TERMINATED), 1);
	pump();
	assert_int_equal(w->invites, 0);
	assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1); /* the leg that came too late */
	assert_ended(id, RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

static void a_hangup_while_ringing_cancels(void **state)
{
	struct rln_session_id id = calling();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	command(id, RLN_EV_HANGUP_CALL, 0);
	command(id, RLN_EV_HANGUP_CALL, 0); /* ignored */
	dialog_says(d, RLN_CALL_RINGING, 180, NULL);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_CANCEL_PENDING);
	assert_int_equal(told(RLN_EV_TERMINATE_SESSION), 1);
	dialog_refuses(d, 487);
	pump();
	assert_ended(id, RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

static void an_answer_faster_than_the_cancel_gets_a_bye(void **state)
{
	struct rln_session_id id = calling();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	command(id, RLN_EV_HANGUP_CALL, 0);
	dialog_answers(d, SDP_PEER);
	pump();
	assert_true(d->bye_out);
	assert_int_equal(told(RLN_EV_START_MEDIA_STREAM), 0);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_CANCELLED, 487);
}

/* The 2xx waits in the queue when the hangup comes. */
static void an_answer_that_crosses_the_hangup_gets_a_bye(void **state)
{
	struct rln_session_id id = calling();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	dialog_answers(d, SDP_PEER);
	command(id, RLN_EV_HANGUP_CALL, 0);
	pump();
	assert_true(d->bye_out);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_CANCELLED, 487);
}

static void a_cancel_whose_invite_times_out_ends(void **state)
{
	struct rln_session_id id = calling();

	(void)state;
	command(id, RLN_EV_HANGUP_CALL, 0);
	dialog_refuses(dialog_for(id), 408);
	pump();
	assert_ended(id, RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

/* The dialog would wait for another INVITE: it must be told that none comes. */
static void a_retry_that_is_asked_for_after_the_hangup_ends_the_call(void **state)
{
	static const struct {
		enum rln_call_progress value;
		uint16_t status;
	} asks[] = {{RLN_CALL_CHALLENGED, 401}, {RLN_CALL_INTERVAL_TOO_SMALL, 422}, {RLN_CALL_REDIRECTED, 302}};

	(void)state;
	for (unsigned i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		struct rln_session_id id = calling();
		struct fake_dialog *d = dialog_for(id);

		command(id, RLN_EV_HANGUP_CALL, 0);
		assert_int_equal(state_of(id), RLN_STATE_CANCEL_PENDING);
		forget();
		d->invite_open = false;
		d->can_retry = true;
		dialog_says(d, asks[i].value, asks[i].status, NULL);
		pump();
		assert_int_equal(told(RLN_EV_TERMINATE_SESSION), 1);
		assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1);
		assert_int_equal(told(RLN_EV_CALL_STATE_CHANGED), 0);
		assert_int_equal(w->invites, i + 1);
		assert_ended(id, RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
		forget();
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_caller_reaches_active),
		T(provisionals_are_told),
		T(early_media_starts_the_stream_once),
		T(an_answer_other_than_early_is_told_again),
		T(an_early_answer_serves_a_2xx_without_one),
		T(a_2xx_without_use_is_ended_by_bye),
		T(a_late_offer_is_answered_in_the_ack),
		T(a_late_offer_without_use_gets_ack_and_bye),
		T(refusals_fail_the_call),
		T(another_contact_is_tried),
		T(a_retry_that_can_be_met_is_made),
		T(nobody_answers_for_too_long),
		T(a_leg_that_goes_while_calling_cancels),
		T(an_answered_call_without_media_is_ended_by_bye),
		T(a_hangup_before_the_stream_starts_sends_bye),
		T(only_the_stream_makes_the_call_active),
		T(a_target_that_cannot_be_called_fails_the_call),
		T(a_leg_that_cannot_be_made_fails_the_call),
		T(a_transport_fault_fails_the_call),
		T(media_that_fails_while_calling_cancels),
		T(a_late_answer_to_a_failed_call_gets_a_bye),
		T(a_hangup_before_the_invite_calls_nobody),
		T(a_hangup_while_ringing_cancels),
		T(an_answer_faster_than_the_cancel_gets_a_bye),
		T(an_answer_that_crosses_the_hangup_gets_a_bye),
		T(a_cancel_whose_invite_times_out_ends),
		T(a_retry_that_is_asked_for_after_the_hangup_ends_the_call),
	};

	return cmocka_run_group_tests_name("session_call_outgoing", tests, NULL, NULL);
}
