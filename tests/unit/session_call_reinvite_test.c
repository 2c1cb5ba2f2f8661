/* SPDX-License-Identifier: BSD-3-Clause */
/* Offers within a call, ours and theirs, through the machine: answered, refused, crossing, met by nobody. Holds: session_offer_test.c. */
#include "session_calls.h"

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

static void an_update_without_offer_is_answered_in_every_state(void **state)
{
	enum { OUT, IN, CANCELLING, SILENT, ANSWERED, LEAVING, STATES };
	static const enum rln_call_state states[STATES] = {RLN_STATE_CALLING, RLN_STATE_PROCEEDING, RLN_STATE_CANCEL_PENDING,
		RLN_STATE_NEGOTIATING, RLN_STATE_NEGOTIATING, RLN_STATE_TERMINATING};

	(void)state;
	for (unsigned i = 0; i < STATES; i++) {
		struct rln_session_id id = i == SILENT ? answered_silent() : i == IN || i == ANSWERED ? ringing() : calling();
		struct fake_dialog *d = dialog_for(id);

		if (i == ANSWERED)
			command(id, RLN_EV_ACCEPT_CALL, 0);
		if (i == LEAVING)
			dialog_answers(d, SDP_PEER), pump();
		w->quiet_dialog = true;
		if (i == CANCELLING || i == LEAVING)
			command(id, RLN_EV_HANGUP_CALL, 0);
		assert_int_equal(state_of(id), states[i]);
		forget();
		dialog_reinvited(d, NULL, RLN_SIP_UPDATE);
		pump_one(FROM_DIALOG);
		assert_int_equal(d->last_offer_response, 200);
		assert_string_equal(d->last_sdp, "");
		assert_int_equal(w->out_n, 0);
		w->quiet_media = w->quiet_dialog = false;
		dialog_moves(d, RLN_DIALOG_TERMINATED);
		pump();
		assert_null(session_of(id));
	}
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

/* The dialog refreshes its session by a re-INVITE of its own (RFC 4028) just when ours is to go out again. */
static void a_refresh_puts_off_what_met_the_peers(void **state)
{
	static const bool is_accepted[] = {false, true};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rln_session_id id = active_uac();
		struct fake_dialog *d = dialog_for(id);
		unsigned before;

		command(id, RLN_EV_HOLD_CALL, 0);
		reinvite_refused(id, RLN_CALL_GLARE, 491);
		before = w->updates;
		d->invite_open = true;
		advance(30 * RLN_SEC);
		assert_int_equal(w->updates, before);
		d->invite_open = false;
		if (is_accepted[i]) /* its refusals are not told */
			dialog_sdp(d, RLN_EV_REINVITE_ACKED, SDP_PEER);
		pump();
		assert_int_equal(state_of(id), RLN_STATE_HOLD_PENDING);
		advance(4 * RLN_SEC + RLN_SEC / 10);
		assert_int_equal(w->updates, before + 1);
		assert_non_null(strstr(d->last_sdp, "a=sendonly"));
		reinvite_accepted(id, SDP_HELD);
		assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_reinvite_is_answered),
		T(the_version_rises_only_with_the_text),
		T(an_offer_without_use_changes_nothing),
		T(crossing_offers_are_refused),
		T(an_update_without_offer_is_answered_in_every_state),
		T(a_reinvite_without_offer_gets_ours),
		T(an_update_of_ours_counts_with_its_2xx),
		T(glare_is_retried_after_its_time),
		T(a_refresh_puts_off_what_met_the_peers),
		T(a_request_that_finds_no_dialog_ends_the_call),
		T(a_timeout_in_the_dialog_ends_the_call),
	};

	return cmocka_run_group_tests_name("session_call_reinvite", tests, NULL, NULL);
}
