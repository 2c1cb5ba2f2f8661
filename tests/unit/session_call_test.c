/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole calls through the machine, with doubles of the layers below: each row of requirements 5.1 that is in use, and one end notice on every path. */
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

/* ---- R171, R172: offers within the call ---- */

static void a_reinvite_is_answered(void **state)
{
	struct rln_session_id id = active_uas();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	dialog_reinvited(d, SDP_MOVED, RLN_SIP_INVITE);
	pump();
	assert_int_equal(d->last_response, 200);
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.remote_addr.port, 4400);
	dialog_reinvited(d, SDP_HELD, RLN_SIP_UPDATE);
	pump();
	assert_non_null(strstr(d->last_sdp, "a=recvonly"));
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.direction, RLN_MEDIA_INBOUND);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void the_version_rises_only_with_the_text(void **state)
{
	struct rln_session_id id = active_uas();
	struct fake_dialog *d = dialog_for(id);
	char before[1024];

	(void)state;
	snprintf(before, sizeof(before), "%s", d->last_sdp);
	dialog_reinvited(d, SDP_PEER, RLN_SIP_INVITE);
	pump();
	assert_string_equal(d->last_sdp, before);
	dialog_reinvited(d, SDP_HELD, RLN_SIP_INVITE);
	pump();
	assert_string_not_equal(d->last_sdp, before);
	assert_int_equal(session_of(id)->sdp_version, 2);
	hang_up(id);
}

static void an_offer_without_use_changes_nothing(void **state)
{
	struct rln_session_id id = active_uac();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	forget();
	dialog_reinvited(d, SDP_USELESS, RLN_SIP_INVITE);
	pump();
	assert_int_equal(d->last_response, 488);
	assert_int_equal(told(RLN_EV_UPDATE_MEDIA_STREAM), 0);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void crossing_offers_are_refused(void **state)
{
	struct rln_session_id id = active_uac();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_OUTBOUND);
	assert_int_equal(w->updates, 1);
	dialog_reinvited(d, SDP_MOVED, RLN_SIP_INVITE);
	pump();
	assert_int_equal(d->last_response, 491);
	dialog_reinvited(d, NULL, RLN_SIP_UPDATE); /* without offer: 200 in every state */
	pump();
	assert_int_equal(d->last_response, 200);
	reinvite_accepted(id, SDP_PEER);
	hang_up(id);
	forget();

	id = ringing();
	d = dialog_for(id);
	dialog_reinvited(d, SDP_MOVED, RLN_SIP_UPDATE);
	pump();
	assert_int_equal(d->last_response, 500);
	assert_memory_equal(d->last_extra, "Retry-After: ", 13);
	command(id, RLN_EV_REJECT_CALL, 486);
	pump();
}

static void a_reinvite_without_offer_gets_ours(void **state)
{
	struct rln_session_id id = active_uac();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	dialog_reinvited(d, NULL, RLN_SIP_INVITE);
	pump();
	assert_int_equal(d->last_response, 200);
	assert_non_null(strstr(d->last_sdp, "m=audio 20000"));
	dialog_sdp(d, RLN_EV_CALL_ESTABLISHED, SDP_MOVED);
	pump();
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.remote_addr.port, 4400);
	dialog_reinvited(d, NULL, RLN_SIP_INVITE);
	pump();
	dialog_sdp(d, RLN_EV_CALL_ESTABLISHED, NULL); /* the old session stays */
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_false(session_of(id)->is_offering);
	hang_up(id);
}

static void an_update_of_ours_counts_with_its_2xx(void **state)
{
	struct rln_session_id id = active_uas();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_INBOUND);
	assert_non_null(strstr(d->last_sdp, "a=recvonly"));
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_BIDIRECTIONAL); /* one at a time */
	assert_int_equal(w->updates, 1);
	reinvite_accepted(id, SDP_HELD); /* the peer sends only */
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.direction, RLN_MEDIA_INBOUND);
	assert_int_equal(session_of(id)->wanted, RLN_MEDIA_INBOUND);
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_BIDIRECTIONAL);
	reinvite_refused(id, RLN_CALL_REFUSED, 488); /* R153: the state before */
	assert_int_equal(session_of(id)->wanted, RLN_MEDIA_INBOUND);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void glare_is_retried_after_its_time(void **state)
{
	static const struct {
		bool is_uac;
		uint64_t not_before_ms, not_after_ms;
	} sides[] = {{true, 2100, 4000}, {false, 0, 2000}};

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		bool is_uac = sides[i % 2].is_uac;
		struct rln_session_id id = is_uac ? active_uac() : active_uas();
		struct fake_dialog *d = dialog_for(id);
		unsigned before;

		command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_OUTBOUND);
		reinvite_refused(id, RLN_CALL_GLARE, 491);
		before = w->updates;
		if (sides[i % 2].not_before_ms) {
			advance((sides[i % 2].not_before_ms - 2) * RLN_MS);
			assert_int_equal(w->updates, before);
		}
		advance((sides[i % 2].not_after_ms - sides[i % 2].not_before_ms + 10) * RLN_MS);
		assert_int_equal(w->updates, before + 1);
		assert_non_null(strstr(d->last_sdp, "a=sendonly"));
		reinvite_accepted(id, SDP_PEER);
		hang_up(id);
		forget();
	}
}

static void a_request_that_finds_no_dialog_ends_the_call(void **state)
{
	static const uint16_t codes[] = {408, 481};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rln_session_id id = active_uac();
		struct fake_dialog *d = dialog_for(id);

		command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_BIDIRECTIONAL);
		reinvite_refused(id, RLN_CALL_REFUSED, codes[i]);
		assert_true(d->bye_out);
		assert_ended(id, RLN_STATE_TERMINATED, RLN_END_TIMEOUT, 408);
		forget();
	}
}

static void a_timeout_in_the_dialog_ends_the_call(void **state)
{
	struct rln_session_id id = active_uas();

	(void)state;
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_BIDIRECTIONAL);
	reinvite_refused(id, RLN_CALL_TIMED_OUT, 408);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_TIMEOUT, 408);
}

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

static void dialog_errors_are_told_or_end_the_call(void **state)
{
	struct rln_session_id id = active_uac();
	struct rln_event ev = {.kind = RLN_EV_DIALOG_ERROR, .dialog_error = {RLN_FAULT_PARSE, 0, 400}};

	(void)state;
	dialog_emit(dialog_for(id), &ev);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(last(RLN_EV_DIALOG_ERROR)->id, id.v);
	ev.dialog_error = (struct rln_ev_dialog_error){RLN_FAULT_REQUEST_REFUSED, 0, 481};
	dialog_emit(dialog_for(id), &ev);
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_TIMEOUT, 408);
}

static void a_leg_that_goes_takes_the_call_along(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	w->legs[0] = 0;
	say_media(id, RLN_EV_MEDIA_STREAM_STOPPED);
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_MEDIA, 0);
}

static void byes_of_both_sides_cross(void **state)
{
	struct rln_session_id id = active_uac();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	dialog_byes(d);
	command(id, RLN_EV_HANGUP_CALL, 0);
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

static void the_last_file_is_told_before_the_slot_goes(void **state)
{
	struct rln_session_id id = active_uac();
	uint64_t leg = session_of(id)->media.v;

	(void)state;
	w->quiet_media = true;
	dialog_byes(dialog_for(id));
	pump();
	assert_int_equal(state_of(id), RLN_STATE_TERMINATED);
	media_says(leg, RLN_EV_RECORDING_STOPPED);
	pump();
	assert_int_equal(last(RLN_EV_MEDIA_EVENT)->media_event.event, RLN_EV_RECORDING_STOPPED);
	assert_non_null(session_of(id)); /* the leg has not reported its end */
	w->legs[0] = 0;
	media_says(leg, RLN_EV_MEDIA_STREAM_STOPPED);
	pump();
	assert_null(session_of(id));
}

static void a_dialog_that_ends_without_a_word_ends_the_call(void **state)
{
	struct rln_session_id id = active_uas();

	(void)state;
	dialog_moves(dialog_for(id), RLN_DIALOG_TERMINATED);
	pump();
	assert_ended(id, RLN_STATE_FAILED, RLN_END_NETWORK, 0);
	forget();
	id = calling();
	dialog_moves(dialog_for(id), RLN_DIALOG_TERMINATED);
	pump();
	assert_ended(id, RLN_STATE_FAILED, RLN_END_NETWORK, 0);
}

/* ---- a bus without room ---- */

static void a_timer_that_finds_no_room_comes_again(void **state)
{
	struct rln_session_id id = ringing();

	(void)state;
	w->fail_publish_kind = RLN_EV_TIMER_FIRED;
	w->fail_publish = 3; /* the ring limit twice, then the cleanup */
	advance(61 * RLN_SEC);
	assert_int_equal(state_of(id), RLN_STATE_PROCEEDING);
	for (unsigned i = 0; i < 10 && session_of(id); i++)
		advance(10 * RLN_MS);
	assert_int_equal(w->fail_publish, 0);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REJECTED, 480);
}

static void a_cleanup_that_finds_no_room_comes_again(void **state)
{
	struct rln_session_id id = ringing();

	(void)state;
	w->fail_publish_kind = RLN_EV_TIMER_FIRED;
	w->fail_publish = 1;
	command(id, RLN_EV_REJECT_CALL, 486);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_TERMINATED); /* told, and still there */
	assert_int_equal(told(RLN_EV_SESSION_TERMINATED), 1);
	advance(5 * RLN_MS);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REJECTED, 486);
}

static void commands_that_find_no_room_end_the_call(void **state)
{
	static const struct {
		enum rln_event_kind kind;
		enum rln_end_reason reason;
	} lost[] = {
		{RLN_EV_CREATE_MEDIA_SESSION, RLN_END_MEDIA},
		{RLN_EV_UPDATE_MEDIA_STREAM, RLN_END_MEDIA},
		{RLN_EV_INITIATE_CALL, RLN_END_NETWORK},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		struct rln_session_id id;

		w->fail_publish_kind = lost[i].kind;
		w->fail_publish = 1;
		id = call_new(0);
		pump();
		assert_ended(id, RLN_STATE_FAILED, lost[i].reason, 0);
		forget();
	}
	w->fail_publish_kind = RLN_EV_START_MEDIA_STREAM;
	w->fail_publish = 1;
	{
		struct rln_session_id id = ringing();
		struct fake_dialog *d = dialog_for(id);

		command(id, RLN_EV_ACCEPT_CALL, 0);
		pump();
		assert_int_equal(d->last_response, 500);
		assert_ended(id, RLN_STATE_FAILED, RLN_END_MEDIA, 500);
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
		T(a_late_offer_of_ours_is_answered_by_the_ack),
		T(an_ack_without_answer_ends_the_call),
		T(a_reinvite_is_answered),
		T(the_version_rises_only_with_the_text),
		T(an_offer_without_use_changes_nothing),
		T(crossing_offers_are_refused),
		T(a_reinvite_without_offer_gets_ours),
		T(an_update_of_ours_counts_with_its_2xx),
		T(glare_is_retried_after_its_time),
		T(a_request_that_finds_no_dialog_ends_the_call),
		T(a_timeout_in_the_dialog_ends_the_call),
		T(lost_media_is_recovered),
		T(media_that_stays_lost_ends_the_call),
		T(recovery_waits_for_the_peers_open_invite),
		T(a_reinvite_that_cannot_be_sent_ends_recovery),
		T(an_unreachable_peer_is_lost_only_when_it_was_there),
		T(media_events_wait_for_their_turn),
		T(a_one_way_call_needs_no_flow),
		T(media_commands_reach_the_leg),
		T(commands_that_do_not_fit_are_refused),
		T(channels_wait_for_a_leg_or_end_with_the_call),
		T(dialog_errors_are_told_or_end_the_call),
		T(a_leg_that_goes_takes_the_call_along),
		T(byes_of_both_sides_cross),
		T(the_last_file_is_told_before_the_slot_goes),
		T(a_dialog_that_ends_without_a_word_ends_the_call),
		T(a_timer_that_finds_no_room_comes_again),
		T(a_cleanup_that_finds_no_room_comes_again),
		T(commands_that_find_no_room_end_the_call),
	};

	return cmocka_run_group_tests_name("session_call", tests, NULL, NULL);
}
