/* SPDX-License-Identifier: BSD-3-Clause */
/* Transfer in every role (R176-R178, RFC 3515, 3891): what the machine does, with doubles of the layers below. */
#include "session_calls.h"

static void notified(struct rln_session_id id, enum rln_call_progress value, uint16_t status)
{
	dialog_says(dialog_for(id), value, status, NULL);
	pump();
}

static struct rln_session_id transferring(void)
{
	struct rln_session_id id = active_uac();

	command_target(id, RLN_EV_BLIND_TRANSFER);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_TRANSFERRING);
	return id;
}

/* ---- blind, ours ---- */

static void a_blind_transfer_ends_the_call(void **state)
{
	struct rln_session_id id = transferring();

	(void)state;
	assert_true(dialog_for(id)->refer_out);
	assert_int_equal(dialog_for(id)->replaces, 0);
	notified(id, RLN_CALL_TRANSFER_TRYING, 100);
	assert_int_equal(state_of(id), RLN_STATE_TRANSFERRING);
	notified(id, RLN_CALL_TRANSFER_DONE, 200);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

static void a_failed_transfer_returns(void **state)
{
	struct rln_session_id id = transferring();

	(void)state;
	notified(id, RLN_CALL_TRANSFER_FAILED, 486);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(last(RLN_EV_CALL_STATE_CHANGED)->call_state_changed.status, 486);
	command(id, RLN_EV_HOLD_CALL, 0);
	pump();
	reinvite_accepted(id, SDP_HELD_BY_US);
	command_target(id, RLN_EV_BLIND_TRANSFER);
	pump();
	notified(id, RLN_CALL_TRANSFER_FAILED, 603);
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD); /* the state that it came from */
	hang_up(id);
}

static void a_peer_that_never_tells_is_not_waited_for(void **state)
{
	struct rln_session_id id = transferring();

	(void)state;
	advance(180 * RLN_SEC - RLN_MS);
	assert_int_equal(state_of(id), RLN_STATE_TRANSFERRING);
	advance(2 * RLN_MS);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void a_refer_that_cannot_be_sent_returns(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	w->fail_publish = 1;
	w->fail_publish_kind = RLN_EV_TRANSFER_CALL;
	command_target(id, RLN_EV_BLIND_TRANSFER);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void the_peer_may_hang_up_while_transferring(void **state)
{
	struct rln_session_id id = transferring();

	(void)state;
	forget();
	dialog_byes(dialog_for(id));
	pump();
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

static void a_transfer_waits_for_what_is_open(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_BIDIRECTIONAL);
	for (unsigned is_held = 0; is_held < 2; is_held++) { /* in ACTIVE, then in HOLD_PENDING */
		if (is_held)
			command(id, RLN_EV_HOLD_CALL, 0);
		pump();
		forget();
		command_target(id, RLN_EV_BLIND_TRANSFER);
		assert_int_equal(w->out_n, 0);
		assert_non_null(session_of(id)->deferred);
		reinvite_accepted(id, is_held ? SDP_HELD_BY_US : SDP_PEER);
		assert_int_equal(state_of(id), RLN_STATE_TRANSFERRING);
		assert_int_equal(told(RLN_EV_TRANSFER_CALL), 1);
		assert_string_equal(dialog_for(id)->transfer_to, "sip:carol@198.18.0.3");
		notified(id, RLN_CALL_TRANSFER_FAILED, 486);
	}
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
	hang_up(id);
}

/* ---- attended, ours ---- */

static struct rln_session_id consulting(struct rln_session_id *consultation)
{
	struct rln_session_id id = active_uac();

	consultation->v = command_target(id, RLN_EV_START_CONSULT);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_CONSULTING);
	assert_int_equal(state_of(*consultation), RLN_STATE_CALLING);
	reinvite_accepted(id, SDP_HELD_BY_US);
	return id;
}

static void an_attended_transfer_replaces_the_consultation(void **state)
{
	struct rln_session_id other, id = consulting(&other);
	uint64_t dialog = dialog_for(other)->id;

	(void)state;
	dialog_answers(dialog_for(other), SDP_PEER);
	pump();
	command(id, RLN_EV_COMPLETE_TRANSFER, 0);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_TRANSFERRING);
	assert_int_equal(dialog_for(id)->replaces, dialog);
	assert_string_equal(dialog_for(id)->transfer_to, "sip:bob@198.18.0.2:5070"); /* its Contact */
	dialog_byes(dialog_for(other));                                              /* the target replaces it */
	pump();
	assert_int_equal(state_of(id), RLN_STATE_TRANSFERRING);
	forget();
	notified(id, RLN_CALL_TRANSFER_DONE, 200);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

static void a_done_transfer_hangs_up_the_consultation(void **state)
{
	struct rln_session_id other, id = consulting(&other);

	(void)state;
	dialog_answers(dialog_for(other), SDP_PEER);
	pump();
	command(id, RLN_EV_COMPLETE_TRANSFER, 0);
	pump();
	notified(id, RLN_CALL_TRANSFER_DONE, 200);
	assert_null(session_of(id));
	assert_null(session_of(other));
}

static void attended_never_falls_back_to_blind(void **state)
{
	struct rln_session_id other, id = consulting(&other);

	(void)state;
	forget();
	command(id, RLN_EV_COMPLETE_TRANSFER, 0);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_CONSULTING);
	assert_int_equal(last(RLN_EV_COMMAND_REJECTED)->command_rejected.error, EINPROGRESS);
	assert_false(dialog_for(id)->refer_out);
	dialog_refuses(dialog_for(other), 486); /* the target is busy: back to the peer */
	pump();
	assert_int_equal(state_of(id), RLN_STATE_RESUME_PENDING);
	reinvite_accepted(id, SDP_PEER);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void a_failed_attended_transfer_returns_to_what_is_left(void **state)
{
	struct rln_session_id other, id = consulting(&other);

	(void)state;
	dialog_answers(dialog_for(other), SDP_PEER);
	pump();
	command(id, RLN_EV_COMPLETE_TRANSFER, 0);
	pump();
	notified(id, RLN_CALL_TRANSFER_FAILED, 603);
	assert_int_equal(state_of(id), RLN_STATE_CONSULTING); /* the consultation is still there */
	command(id, RLN_EV_COMPLETE_TRANSFER, 0);
	pump();
	hang_up(other);
	notified(id, RLN_CALL_TRANSFER_FAILED, 603);
	assert_int_equal(state_of(id), RLN_STATE_RESUME_PENDING);
	reinvite_accepted(id, SDP_PEER);
	hang_up(id);
}

static void a_held_call_consults_without_another_hold(void **state)
{
	struct rln_session_id id = active_uac(), other;

	(void)state;
	command(id, RLN_EV_HOLD_CALL, 0);
	pump();
	reinvite_accepted(id, SDP_HELD_BY_US);
	forget();
	other.v = command_target(id, RLN_EV_START_CONSULT);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_CONSULTING);
	assert_int_equal(told(RLN_EV_HOLD_SESSION) + told(RLN_EV_HOLD_MEDIA), 0);
	assert_int_equal(w->updates, 1);
	assert_int_equal(state_of(other), RLN_STATE_CALLING); /* the target is called */
	assert_int_equal(w->invites, 2);
	assert_int_equal(session_of(id)->other, other.v);
	dialog_answers(dialog_for(other), SDP_PEER);
	pump();
	command(id, RLN_EV_COMPLETE_TRANSFER, 0);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_TRANSFERRING);
	notified(id, RLN_CALL_TRANSFER_DONE, 200);
	assert_null(session_of(other));
}

static void a_peer_that_never_tells_is_resumed_when_the_consultation_is_gone(void **state)
{
	struct rln_session_id other, id = consulting(&other);

	(void)state;
	dialog_answers(dialog_for(other), SDP_PEER);
	pump();
	command(id, RLN_EV_COMPLETE_TRANSFER, 0);
	pump();
	hang_up(other);
	forget();
	advance(181 * RLN_SEC);
	assert_int_equal(state_of(id), RLN_STATE_RESUME_PENDING);
	assert_int_equal(told(RLN_EV_RESUME_SESSION), 1);
	assert_int_equal(told_sdp(RLN_SDP_OFFER_SENT), 1);
	reinvite_accepted(id, SDP_PEER);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void a_target_that_answers_before_the_hold_waits(void **state)
{
	struct rln_session_id id = active_uac(), other;

	(void)state;
	other.v = command_target(id, RLN_EV_START_CONSULT);
	pump();
	dialog_answers(dialog_for(other), SDP_PEER);
	pump();
	forget();
	command(id, RLN_EV_COMPLETE_TRANSFER, 0);
	pump();
	assert_int_equal(last(RLN_EV_COMMAND_REJECTED)->command_rejected.error, EINPROGRESS);
	hang_up(other); /* and leaves before it too: the resume must wait */
	assert_int_equal(state_of(id), RLN_STATE_CONSULTING);
	reinvite_accepted(id, SDP_HELD_BY_US);
	assert_int_equal(state_of(id), RLN_STATE_RESUME_PENDING);
	reinvite_accepted(id, SDP_PEER);
	hang_up(id);
}

static void a_peer_that_will_not_be_held_ends_the_consultation(void **state)
{
	struct rln_session_id id = active_uac(), other;

	(void)state;
	other.v = command_target(id, RLN_EV_START_CONSULT);
	pump();
	reinvite_refused(id, RLN_CALL_REFUSED, 488);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	dialog_refuses(dialog_for(other), 487);
	pump();
	assert_null(session_of(other));
	hang_up(id);
}

static void a_consultation_that_is_refused_gives_its_id_back(void **state)
{
	struct rln_session_id id = calling();

	(void)state;
	command_target(id, RLN_EV_START_CONSULT);
	assert_int_equal(w->abandoned, 1);
	dialog_answers(dialog_for(id), SDP_PEER);
	pump();
	w->fail_dialog = EHOSTUNREACH; /* the target cannot be called */
	command_target(id, RLN_EV_START_CONSULT);
	pump();
	w->fail_dialog = 0;
	assert_int_equal(w->abandoned, 2);
	hang_up(id);
}

/* The id is given back however the consultation comes to nothing. */
static void a_consultation_that_fails_gives_its_id_back(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	w->fail_publish_kind = RLN_EV_HOLD_SESSION; /* it does not come as far as the target */
	w->fail_publish = 1;
	command_target(id, RLN_EV_START_CONSULT);
	pump();
	assert_int_equal(w->fail_publish, 0);
	assert_int_equal(w->abandoned, 1);
	hang_up(id);
	id = active_uac();
	command(id, RLN_EV_HOLD_CALL, 0);
	rln_heap_fail_nth(1); /* it must wait for the hold, and there is no memory to keep it */
	command_target(id, RLN_EV_START_CONSULT);
	assert_int_equal(rln_heap_fail_nth(0), 1);
	assert_null(session_of(id)->deferred);
	assert_int_equal(w->abandoned, 2);
	hang_up(id);
}

/* ---- the peer's REFER ---- */

static struct rln_session_id referred(const char *replaces, struct rln_session_id *made)
{
	struct rln_session_id id = active_uas();

	w->allow_transfers = true;
	dialog_referred(dialog_for(id), replaces);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_TRANSFERRING);
	assert_int_equal(dialog_for(id)->last_refer_response, 202);
	made->v = session_of(id)->other;
	assert_int_equal(state_of(*made), RLN_STATE_CALLING);
	return id;
}

static void a_referred_call_that_stands_ends_ours(void **state)
{
	struct rln_session_id made, id = referred(NULL, &made);
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	forget();
	dialog_answers(dialog_for(made), SDP_PEER);
	pump();
	assert_int_equal(d->last_notify, 200);
	assert_null(session_of(id));
	assert_int_equal(state_of(made), RLN_STATE_ACTIVE);
	hang_up(made);
}

static void a_referred_call_that_was_answered_and_ended_at_once_is_done(void **state)
{
	struct rln_session_id made, id = referred(NULL, &made);
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	dialog_answers(dialog_for(made), SDP_PEER);
	dialog_byes(dialog_for(made));
	pump();
	assert_int_equal(d->last_notify, 200);
	assert_null(session_of(id));
	assert_null(session_of(made));
}

static void a_referred_call_that_fails_returns(void **state)
{
	struct rln_session_id made, id = referred(";replaces", &made);

	(void)state;
	dialog_refuses(dialog_for(made), 486);
	pump();
	assert_int_equal(dialog_for(id)->last_notify, 486);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void the_transferor_hangs_up_and_the_new_call_goes_on(void **state)
{
	struct rln_session_id made, id = referred(NULL, &made);

	(void)state;
	dialog_byes(dialog_for(id));
	pump();
	assert_null(session_of(id));
	dialog_answers(dialog_for(made), SDP_PEER);
	pump();
	assert_int_equal(state_of(made), RLN_STATE_ACTIVE);
	hang_up(made);
}

static void a_transfer_that_the_handler_declines_gets_603(void **state)
{
	struct rln_session_id id = active_uas();

	(void)state;
	dialog_referred(dialog_for(id), NULL);
	pump();
	assert_int_equal(dialog_for(id)->last_refer_response, 603);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void a_call_that_is_being_held_cannot_be_referred_yet(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	w->allow_transfers = true;
	command(id, RLN_EV_HOLD_CALL, 0);
	pump();
	dialog_referred(dialog_for(id), NULL);
	pump();
	assert_int_equal(dialog_for(id)->last_refer_response, 500);
	hang_up(id);
}

static void a_refer_waits_until_the_call_is_up(void **state)
{
	struct rln_session_id id = answered_silent(), made;

	(void)state;
	w->allow_transfers = true;
	dialog_referred(dialog_for(id), NULL);
	pump();
	assert_int_equal(w->out_n, 0);
	assert_int_equal(dialog_for(id)->last_refer_response, 0);
	stream_starts(id);
	assert_int_equal(dialog_for(id)->last_refer_response, 202);
	assert_int_equal(state_of(id), RLN_STATE_TRANSFERRING);
	made.v = session_of(id)->other;
	hang_up(id);
	dialog_refuses(dialog_for(made), 486);
	pump();
}

/* ---- RFC 3891: this call takes the place of another ---- */

static void a_replaced_call_is_hung_up_when_ours_stands(void **state)
{
	struct rln_session_id old = active_uac(), id = invite_new(SDP_PEER, RLN_CALL_AUTO_ANSWER);

	(void)state;
	session_of(id)->other = old.v;
	session_of(id)->link = RLN_LINK_REPLACED;
	pump();
	assert_int_equal(state_of(old), RLN_STATE_ACTIVE);
	acked(dialog_for(id), NULL);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_null(session_of(old));
	hang_up(id);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_blind_transfer_ends_the_call),
		T(a_failed_transfer_returns),
		T(a_peer_that_never_tells_is_not_waited_for),
		T(a_refer_that_cannot_be_sent_returns),
		T(the_peer_may_hang_up_while_transferring),
		T(a_transfer_waits_for_what_is_open),
		T(an_attended_transfer_replaces_the_consultation),
		T(a_done_transfer_hangs_up_the_consultation),
		T(attended_never_falls_back_to_blind),
		T(a_failed_attended_transfer_returns_to_what_is_left),
		T(a_held_call_consults_without_another_hold),
		T(a_peer_that_never_tells_is_resumed_when_the_consultation_is_gone),
		T(a_target_that_answers_before_the_hold_waits),
		T(a_peer_that_will_not_be_held_ends_the_consultation),
		T(a_consultation_that_is_refused_gives_its_id_back),
		T(a_consultation_that_fails_gives_its_id_back),
		T(a_referred_call_that_stands_ends_ours),
		T(a_referred_call_that_was_answered_and_ended_at_once_is_done),
		T(a_referred_call_that_fails_returns),
		T(the_transferor_hangs_up_and_the_new_call_goes_on),
		T(a_transfer_that_the_handler_declines_gets_603),
		T(a_call_that_is_being_held_cannot_be_referred_yet),
		T(a_refer_waits_until_the_call_is_up),
		T(a_replaced_call_is_hung_up_when_ours_stands),
	};

	return cmocka_run_group_tests_name("session_transfer", tests, NULL, NULL);
}
