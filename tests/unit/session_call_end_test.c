/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends that no command asked for, through the machine, and a bus without room: one end notice on every path. */
#include "session_calls.h"

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

static void a_2xx_to_a_reinvite_that_nobody_acknowledges_ends_the_call(void **state)
{
	struct rln_session_id id = active_uas();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	dialog_reinvited(d, SDP_MOVED, RLN_SIP_INVITE);
	pump();
	dialog_says(d, RLN_CALL_ACK_MISSING, 408, NULL);
	pump();
	assert_true(d->bye_out);
	assert_int_equal(last(RLN_EV_CALL_STATE_CHANGED)->call_state_changed.new_state, RLN_CALL_ACK_MISSING);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_NO_ACK, 408);
}

/* ---- a bus without room ---- */

static void a_stream_that_cannot_be_changed_ends_the_call(void **state)
{
	struct rln_session_id id = active_uas();
	struct fake_dialog *d = dialog_for(id);

	(void)state;
	w->fail_publish_kind = RLN_EV_UPDATE_MEDIA_STREAM;
	w->fail_publish = 1;
	dialog_reinvited(d, SDP_MOVED, RLN_SIP_INVITE);
	pump();
	assert_true(d->bye_out);
	assert_int_equal(told(RLN_EV_STOP_MEDIA_STREAM), 1);
	assert_ended(id, RLN_STATE_TERMINATED, RLN_END_MEDIA, 0);
}

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
		T(dialog_errors_are_told_or_end_the_call),
		T(a_leg_that_goes_takes_the_call_along),
		T(byes_of_both_sides_cross),
		T(the_last_file_is_told_before_the_slot_goes),
		T(a_dialog_that_ends_without_a_word_ends_the_call),
		T(a_2xx_to_a_reinvite_that_nobody_acknowledges_ends_the_call),
		T(a_stream_that_cannot_be_changed_ends_the_call),
		T(a_timer_that_finds_no_room_comes_again),
		T(a_cleanup_that_finds_no_room_comes_again),
		T(commands_that_find_no_room_end_the_call),
	};

	return cmocka_run_group_tests_name("session_call_end", tests, NULL, NULL);
}
