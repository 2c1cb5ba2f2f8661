/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls to us through the machine, with doubles of the layers below: answered, refused, cancelled, with an offer or without. */
#include "session_calls.h"

/* ---- R157 to R159, R166, R167: a call to us ---- */

static void a_callee_reaches_active(void **state)
{
	struct rln_session_id id = ringing();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	assert_int_equal(d->last_response, 180);
	command(id, RLN_EV_ACCEPT_CALL, 0);
	assert_int_equal(state_of(id), RLN_STATE_NEGOTIATING);
	assert_int_equal(d->last_response, 180); /* the 200 waits for the stream */
	pump();
	assert_int_equal(d->last_response, 200);
	assert_non_null(strstr(d->last_sdp, "m=audio 20000 RTP/AVP 8 0"));
	assert_int_equal(state_of(id), RLN_STATE_NEGOTIATING);
	assert_true(first(RLN_EV_MEDIA_SESSION_READY) < first(RLN_EV_MEDIA_NEGOTIATED));
	acked(d, NULL);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(told(RLN_EV_MEDIA_NEGOTIATED), 1);
	assert_int_equal(told(RLN_EV_SDP_EVENT), 2);
	assert_int_equal(told_sdp(RLN_SDP_OFFER_RECEIVED), 1);
	assert_int_equal(told_sdp(RLN_SDP_ANSWER_SENT), 1);
	dialog_byes(d);
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

static void an_accept_before_the_leg_waits_for_it(void **state)
{
	struct rln_session_id id = invite_new(SDP_PEER, 0);

	(void)state;
	command(id, RLN_EV_ACCEPT_CALL, 0);
	assert_int_equal(state_of(id), RLN_STATE_PROCEEDING);
	assert_non_null(session_of(id)->deferred);
	pump();
	assert_int_equal(dialog_for(id)->last_response, 200);
	assert_null(session_of(id)->deferred);
	acked(dialog_for(id), NULL);
	pump();
	hang_up(id);
}

static void auto_answer_answers(void **state)
{
	struct rln_session_id id = invite_new(SDP_PEER, RLN_CALL_AUTO_ANSWER);

	(void)state;
	pump();
	assert_int_equal(told(RLN_EV_ACCEPT_CALL), 1);
	assert_int_equal(dialog_for(id)->last_response, 200);
	acked(dialog_for(id), NULL);
	pump();
	hang_up(id);
}

static void a_deferred_call_is_queued(void **state)
{
	struct rln_session_id id = invite_new(SDP_PEER, RLN_CALL_QUEUED);

	(void)state;
	pump();
	assert_int_equal(dialog_for(id)->last_response, 182);
	command(id, RLN_EV_REJECT_CALL, 603);
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REJECTED, 603);
}

static void refusals_of_ours_are_sent(void **state)
{
	struct rln_session_id id = ringing();
	struct fake_dialog d;

	(void)state;
	command(id, RLN_EV_REJECT_CALL, 486);
	d = *dialog_for(id);
	assert_int_equal(d.last_response, 486);
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REJECTED, 486);
	forget();

	id = ringing();
	command(id, RLN_EV_HANGUP_CALL, 0);
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REJECTED, 486);
	forget();

	id = ringing();
	advance(59 * RLN_SEC);
	assert_int_equal(state_of(id), RLN_STATE_PROCEEDING);
	advance(2 * RLN_SEC);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REJECTED, 480);
}

static void a_cancel_is_confirmed(void **state)
{
	struct rln_session_id id = ringing();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	dialog_over(d, RLN_END_CANCELLED, 487);
	pump();
	assert_int_equal(d->last_response, 487);
	assert_ended(id, RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
	forget();

	id = ringing(); /* and after the accept, before our 200 */
	command(id, RLN_EV_ACCEPT_CALL, 0);
	dialog_over(dialog_for(id), RLN_END_CANCELLED, 487);
	while (pump_one(FROM_DIALOG))
		;
	assert_int_equal(state_of(id), RLN_STATE_CANCELLED);
	pump();
	assert_ended(id, RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

static void an_offer_without_use_gets_488(void **state)
{
	struct rln_session_id id = invite_new(SDP_USELESS, 0);
	unsigned responses = w->responses;

	(void)state;
	assert_int_equal(responses, 1);
	pump();
	assert_int_equal(told(RLN_EV_CREATE_MEDIA_SESSION), 0);
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 488);
}

static void a_callee_without_a_leg_refuses(void **state)
{
	static const struct {
		enum rln_media_fault fault;
		uint16_t code;
	} faults[] = {
		{RLN_MEDIA_FAULT_NO_PORT, 503},
		{RLN_MEDIA_FAULT_NO_MEMORY, 503},
		{RLN_MEDIA_FAULT_BAD_SDP, 488},
		{RLN_MEDIA_FAULT_SRTP, 500},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct rln_session_id id;
		struct fake_dialog *d;

		w->fail_create_leg = faults[i].fault + 1;
		id = invite_new(SDP_PEER, 0);
		d = dialog_for(id);
		pump_one(FROM_MEDIA);
		assert_int_equal(d->last_response, faults[i].code);
		if (faults[i].code == 503)
			assert_string_equal(d->last_extra, "Retry-After: 7\r\n");
		assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, faults[i].code);
		forget();
	}
}

static void media_that_fails_before_the_200_refuses(void **state)
{
	struct rln_session_id id = ringing();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	w->quiet_media = true;
	command(id, RLN_EV_ACCEPT_CALL, 0);
	media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_BAD_SDP);
	pump_one(FROM_MEDIA);
	assert_int_equal(d->last_response, 488);
	media_says(session_of(id)->media.v, RLN_EV_MEDIA_STREAM_STOPPED);
	w->legs[0] = 0;
	pump();
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 488);
}

static void media_that_fails_after_the_200_ends_by_bye(void **state)
{
	struct rln_session_id id = ringing();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	command(id, RLN_EV_ACCEPT_CALL, 0);
	pump();
	media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_UNREACHABLE);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_FAILED);
	assert_true(d->bye_out);
	acked(d, NULL);
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

static void a_hangup_before_the_ack_lets_the_bye_wait(void **state)
{
	struct rln_session_id id = ringing();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	command(id, RLN_EV_ACCEPT_CALL, 0);
	command(id, RLN_EV_ACCEPT_CALL, 0); /* refused: it is answered */
	pump();
	command(id, RLN_EV_HANGUP_CALL, 0);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_TERMINATING);
	forget();
	acked(d, NULL); /* R182: the application is not told */
	pump();
	assert_int_equal(told(RLN_EV_CALL_ESTABLISHED), 0);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

static void a_hangup_after_the_accept_and_before_the_200_refuses(void **state)
{
	struct rln_session_id id = ringing();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	command(id, RLN_EV_ACCEPT_CALL, 0);
	command(id, RLN_EV_HANGUP_CALL, 0);
	assert_int_equal(d->last_response, 486);
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REJECTED, 486);
}

static void a_missing_ack_fails_the_call(void **state)
{
	struct rln_session_id id = ringing();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	command(id, RLN_EV_ACCEPT_CALL, 0);
	pump();
	d->ack_pending = false;
	dialog_says(d, RLN_CALL_ACK_MISSING, 408, NULL);
	pump();
	assert_true(d->bye_out);
	assert_ended(id, RLN_STATE_FAILED, RLN_END_NO_ACK, 408);
}

/* ---- ends while it rings ---- */

static void a_dialog_that_fails_while_it_rings_fails_the_call(void **state)
{
	static const struct {
		uint8_t error;
		uint16_t response, code;
	} faults[] = {{RLN_FAULT_NO_PRACK, 504, 504}, {RLN_FAULT_TRANSPORT, 480, 0}};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rln_event ev = {
			.kind = RLN_EV_DIALOG_ERROR, .dialog_error = {.error = faults[i].error, .error_code = 111}};
		struct rln_session_id id = ringing();
		struct fake_dialog *d = dialog_for(id);

		forget();
		dialog_emit(d, &ev);
		pump_one(FROM_DIALOG);
		assert_int_equal(d->last_response, faults[i].response); /* 480: the dialog's own, when it is told to end */
		assert_int_equal(told(RLN_EV_TERMINATE_SESSION), i);
		assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1);
		assert_int_equal(last(RLN_EV_DIALOG_ERROR)->id, id.v);
		assert_ended(id, RLN_STATE_FAILED, RLN_END_NETWORK, faults[i].code);
		forget();
	}
}

static void an_action_that_fails_while_it_rings_gets_500(void **state)
{
	struct rln_session_id id = ringing();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	action_fails(id, RLN_ACT_RING);
	assert_int_equal(d->last_response, 500);
	assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1);
	pump();
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 500);
}

static void a_leg_that_goes_before_the_200_gets_500(void **state)
{
	(void)state;
	for (unsigned is_accepted = 0; is_accepted < 2; is_accepted++) {
		struct rln_session_id id = ringing();
		struct fake_dialog *d = dialog_for(id);

		w->quiet_media = true;
		if (is_accepted)
			command(id, RLN_EV_ACCEPT_CALL, 0);
		forget();
		w->legs[0] = 0;
		say_media(id, RLN_EV_MEDIA_STREAM_STOPPED);
		pump_one(FROM_MEDIA);
		assert_int_equal(d->last_response, 500);
		assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 0); /* it is gone */
		assert_int_equal(last(RLN_EV_MEDIA_EVENT)->media_event.event, RLN_EV_MEDIA_STREAM_STOPPED);
		pump();
		assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 500);
		w->quiet_media = false;
		forget();
	}
}

static void a_caller_that_goes_without_cancel_ends_the_call(void **state)
{
	struct rln_session_id id = ringing();

	(void)state;
	dialog_byes(dialog_for(id));
	pump();
	assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
	forget();
	id = ringing();
	dialog_moves(dialog_for(id), RLN_DIALOG_TERMINATED); /* without a word */
	pump();
	assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1);
	assert_ended(id, RLN_STATE_FAILED, RLN_END_NETWORK, 0);
}

/* ---- after the 200, before the ACK ---- */

static struct rln_session_id answered(void)
{
	struct rln_session_id id = ringing();

	command(id, RLN_EV_ACCEPT_CALL, 0);
	pump();
	assert_int_equal(dialog_for(id)->last_response, 200);
	assert_int_equal(state_of(id), RLN_STATE_NEGOTIATING);
	return id;
}

static void a_stream_that_starts_again_is_only_told(void **state)
{
	struct rln_session_id id = answered();
	unsigned before = w->responses;

	(void)state;
	assert_only_told(id, RLN_EV_MEDIA_STREAM_STARTED);
	assert_only_told(id, RLN_EV_MEDIA_ERROR);
	assert_int_equal(w->responses, before);
	acked(dialog_for(id), NULL);
	pump();
	hang_up(id);
}

static void what_breaks_before_the_ack_ends_by_bye(void **state)
{
	(void)state;
	for (unsigned is_leg = 0; is_leg < 2; is_leg++) {
		struct rln_session_id id = answered();
		struct fake_dialog *d = dialog_for(id);

		forget();
		if (is_leg)
			leg_goes(id);
		else
			action_fails(id, RLN_ACT_ESTABLISH_FLOW);
		assert_int_equal(state_of(id), RLN_STATE_FAILED);
		assert_int_equal(told(RLN_EV_TERMINATE_SESSION), 1);
		assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), !is_leg);
		assert_true(d->bye_out);
		acked(d, NULL);
		assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
		forget();
	}
}

/* ---- R182c, UAS ---- */

static void a_late_offer_of_ours_is_answered_by_the_ack(void **state)
{
	struct rln_session_id id = invite_new(NULL, 0);
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	pump();
	command(id, RLN_EV_ACCEPT_CALL, 0);
	pump();
	assert_int_equal(d->last_response, 200);
	assert_non_null(strstr(d->last_sdp, "m=audio 20000 RTP/AVP 8 0 101"));
	assert_int_equal(told(RLN_EV_START_MEDIA_STREAM), 0);
	acked(d, SDP_PEER);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(told(RLN_EV_MEDIA_NEGOTIATED), 1);
	hang_up(id);
}

static void an_ack_without_answer_ends_the_call(void **state)
{
	struct rln_session_id id = invite_new(NULL, 0);
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	pump();
	command(id, RLN_EV_ACCEPT_CALL, 0);
	pump();
	acked(d, NULL);
	pump();
	assert_true(d->bye_out);
	assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_callee_reaches_active),
		T(an_accept_before_the_leg_waits_for_it),
		T(auto_answer_answers),
		T(a_deferred_call_is_queued),
		T(refusals_of_ours_are_sent),
		T(a_cancel_is_confirmed),
		T(an_offer_without_use_gets_488),
		T(a_callee_without_a_leg_refuses),
		T(media_that_fails_before_the_200_refuses),
		T(media_that_fails_after_the_200_ends_by_bye),
		T(a_hangup_before_the_ack_lets_the_bye_wait),
		T(a_hangup_after_the_accept_and_before_the_200_refuses),
		T(a_missing_ack_fails_the_call),
		T(a_dialog_that_fails_while_it_rings_fails_the_call),
		T(an_action_that_fails_while_it_rings_gets_500),
		T(a_leg_that_goes_before_the_200_gets_500),
		T(a_caller_that_goes_without_cancel_ends_the_call),
		T(a_stream_that_starts_again_is_only_told),
		T(what_breaks_before_the_ack_ends_by_bye),
		T(a_late_offer_of_ours_is_answered_by_the_ack),
		T(an_ack_without_answer_ends_the_call),
	};

	return cmocka_run_group_tests_name("session_call_incoming", tests, NULL, NULL);
}
