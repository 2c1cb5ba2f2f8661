/* SPDX-License-Identifier: BSD-3-Clause */
/* Two calls joined (R179), and what passes through the bridge (R182d): holds, refusals, digits, early media. */
#include "session_calls.h"

#define SDP_EVENTS                                                                                                               \
	"v=0\r\no=- 7 8 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"              \
	"a=rtpmap:101 telephone-event/8000\r\n"

static struct rln_session_id a, b;

static void join(void)
{
	command_other(a, RLN_EV_BRIDGE_CALLS, b);
	pump();
}

/* An incoming call and the one that was made for it. */
static void bridged(void)
{
	a = active_uas();
	b = active_uac();
	forget();
	join();
	assert_int_equal(state_of(a), RLN_STATE_BRIDGED);
	assert_int_equal(state_of(b), RLN_STATE_BRIDGED);
}

static void end_both(void)
{
	hang_up(a);
	hang_up(b);
}

static const struct rln_event *bridge_media(struct rln_session_id id)
{
	for (unsigned i = w->out_n; i > 0; i--) {
		if (w->out[i - 1].kind == RLN_EV_BRIDGE_MEDIA && w->out[i - 1].id == session_of(id)->media.v)
			return &w->out[i - 1];
	}
	return NULL;
}

/* ---- R179 ---- */

static void both_legs_are_joined(void **state)
{
	(void)state;
	bridged();
	assert_int_equal(told(RLN_EV_BRIDGE_MEDIA), 2);
	assert_int_equal(bridge_media(a)->bridge_media.other, session_of(b)->media.v);
	assert_int_equal(bridge_media(b)->bridge_media.other, session_of(a)->media.v);
	end_both();
}

static void unbridged_calls_are_parted(void **state)
{
	(void)state;
	bridged();
	forget();
	command(b, RLN_EV_UNBRIDGE_CALLS, 0);
	pump();
	assert_int_equal(state_of(a), RLN_STATE_ACTIVE);
	assert_int_equal(state_of(b), RLN_STATE_ACTIVE);
	assert_int_equal(bridge_media(a)->bridge_media.other, 0);
	assert_int_equal(bridge_media(b)->bridge_media.other, 0);
	join(); /* and again */
	assert_int_equal(state_of(b), RLN_STATE_BRIDGED);
	end_both();
}

static void the_end_of_one_frees_the_other(void **state)
{
	(void)state;
	bridged();
	dialog_byes(dialog_for(a));
	pump();
	assert_null(session_of(a));
	assert_int_equal(state_of(b), RLN_STATE_ACTIVE);
	assert_int_equal(session_of(b)->other, 0);
	hang_up(b);
}

static void what_cannot_be_joined_is_refused(void **state)
{
	(void)state;
	a = active_uas();
	b = calling();
	forget();
	join();
	assert_int_equal(last(RLN_EV_COMMAND_REJECTED)->command_rejected.error, ENOTCONN);
	command_other(a, RLN_EV_BRIDGE_CALLS, a);
	pump();
	assert_int_equal(told(RLN_EV_COMMAND_REJECTED), 2);
	dialog_refuses(dialog_for(b), 486);
	pump();
	join(); /* a session that has ended */
	assert_int_equal(told(RLN_EV_COMMAND_REJECTED), 3);
	hang_up(a);
}

/* This world has one worker: the other call is made to look as if it were on a second one. */
static void legs_of_two_workers_are_not_joined(void **state)
{
	struct rln_session *there;

	(void)state;
	a = active_uas();
	b = active_uac();
	there = session_of(b);
	there->id.v = rln_id_make(RLN_ID_SESSION, 1, rln_id_slot(b.v), rln_id_generation(b.v));
	forget();
	join();
	there->id = b;
	assert_int_equal(w->out_n, 1);
	assert_int_equal(last(RLN_EV_COMMAND_REJECTED)->command_rejected.error, EXDEV);
	assert_int_equal(state_of(a), RLN_STATE_ACTIVE);
	end_both();
}

/* The other call moved on while the command was on its way. */
static void a_call_that_moved_on_sends_the_bridge_away(void **state)
{
	struct rln_event ask;

	(void)state;
	a = active_uas();
	b = active_uac();
	command_other(a, RLN_EV_BRIDGE_CALLS, b); /* a is BRIDGED; its BRIDGE_CALLS to b waits in the queue */
	ask = (struct rln_event){.id = b.v, .kind = RLN_EV_HOLD_CALL};
	rln_machine_process_event(w->machine, b, &ask);
	pump();
	assert_int_equal(state_of(a), RLN_STATE_ACTIVE);
	assert_int_equal(state_of(b), RLN_STATE_HOLD_PENDING);
	end_both();
}

static void lost_media_is_mended_and_the_bridge_stays(void **state)
{
	(void)state;
	bridged();
	say_media(a, RLN_EV_RTP_TIMEOUT);
	pump();
	assert_int_equal(state_of(a), RLN_STATE_RECOVERING);
	reinvite_accepted(a, SDP_PEER);
	assert_int_equal(state_of(a), RLN_STATE_BRIDGED);
	assert_int_equal(state_of(b), RLN_STATE_BRIDGED);
	say_media(a, RLN_EV_RTP_TIMEOUT);
	pump();
	dialog_byes(dialog_for(b)); /* the other leaves meanwhile: told once the media is back */
	pump();
	assert_int_equal(state_of(a), RLN_STATE_RECOVERING);
	reinvite_accepted(a, SDP_PEER);
	assert_int_equal(state_of(a), RLN_STATE_ACTIVE);
	hang_up(a);
}

/* ---- R182d: holds pass ---- */

static void a_hold_passes_to_the_other_leg(void **state)
{
	(void)state;
	bridged();
	dialog_reinvited(dialog_for(a), SDP_HELD, RLN_SIP_INVITE);
	pump();
	assert_true(dialog_for(a)->theirs_open); /* the answer waits for the other leg's */
	assert_non_null(strstr(dialog_for(b)->last_sdp, "a=sendonly"));
	reinvite_accepted(b, SDP_HELD_BY_US);
	assert_int_equal(dialog_for(a)->last_offer_response, 200);
	assert_non_null(strstr(dialog_for(a)->last_sdp, "a=recvonly"));
	assert_int_equal(session_of(a)->params.direction, RLN_MEDIA_INBOUND);
	assert_int_equal(session_of(b)->params.direction, RLN_MEDIA_OUTBOUND);
	dialog_reinvited(dialog_for(a), SDP_PEER, RLN_SIP_INVITE); /* resume */
	pump();
	reinvite_accepted(b, SDP_PEER);
	assert_int_equal(session_of(a)->params.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(session_of(b)->params.direction, RLN_MEDIA_BIDIRECTIONAL);
	end_both();
}

static void a_refusal_passes_back(void **state)
{
	(void)state;
	bridged();
	dialog_reinvited(dialog_for(a), SDP_HELD, RLN_SIP_INVITE);
	pump();
	reinvite_refused(b, RLN_CALL_REFUSED, 403);
	assert_int_equal(dialog_for(a)->last_offer_response, 403);
	assert_int_equal(session_of(a)->params.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(state_of(a), RLN_STATE_BRIDGED);
	end_both();
}

static void an_offer_that_changes_no_direction_stays_here(void **state)
{
	(void)state;
	bridged();
	dialog_reinvited(dialog_for(a), SDP_MOVED, RLN_SIP_INVITE);
	pump();
	assert_int_equal(dialog_for(a)->last_offer_response, 200);
	assert_false(dialog_for(b)->invite_open);
	assert_int_equal(session_of(a)->params.remote.port, 4400);
	end_both();
}

static void crossing_holds_are_refused_with_491(void **state)
{
	(void)state;
	bridged();
	dialog_reinvited(dialog_for(a), SDP_HELD, RLN_SIP_INVITE);
	dialog_reinvited(dialog_for(b), SDP_HELD, RLN_SIP_INVITE);
	pump();
	/* each side's offer meets the other's open request: b's leg cannot be asked, and says so */
	assert_int_equal(dialog_for(b)->last_offer_response, 491);
	advance(4001 * RLN_MS);
	reinvite_accepted(b, SDP_HELD_BY_US);
	assert_int_equal(dialog_for(a)->last_offer_response, 200);
	end_both();
}

static void an_offer_that_waits_is_answered_when_the_bridge_ends(void **state)
{
	(void)state;
	bridged();
	dialog_reinvited(dialog_for(a), SDP_HELD, RLN_SIP_INVITE);
	pump();
	dialog_byes(dialog_for(b));
	pump();
	assert_int_equal(state_of(a), RLN_STATE_ACTIVE);
	assert_int_equal(dialog_for(a)->last_offer_response, 200);
	hang_up(a);
}

static void commands_hold_the_other_leg(void **state)
{
	(void)state;
	bridged();
	command(a, RLN_EV_HOLD_CALL, 0);
	pump();
	assert_non_null(strstr(dialog_for(b)->last_sdp, "a=sendonly"));
	reinvite_accepted(b, SDP_HELD_BY_US);
	command(a, RLN_EV_RESUME_CALL, 0);
	pump();
	reinvite_accepted(b, SDP_PEER);
	assert_int_equal(session_of(b)->params.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(state_of(a), RLN_STATE_BRIDGED);
	end_both();
}

static void an_offer_that_the_other_leg_cannot_make_is_refused(void **state)
{
	(void)state;
	bridged();
	dialog_reinvited(dialog_for(a), SDP_HELD, RLN_SIP_INVITE);
	pump();
	reinvite_accepted(b, SDP_USELESS);
	assert_int_equal(dialog_for(a)->last_offer_response, 488);
	assert_false(session_of(b)->is_offering);
	assert_int_equal(session_of(b)->asker, 0);
	dialog_for(a)->last_offer_response = 0;
	w->fail_update = -ENOBUFS;
	dialog_reinvited(dialog_for(a), SDP_HELD, RLN_SIP_INVITE);
	pump();
	assert_int_equal(dialog_for(a)->last_offer_response, 488);
	assert_int_equal(session_of(b)->asker, 0);
	assert_int_equal(state_of(a), RLN_STATE_BRIDGED);
	assert_int_equal(state_of(b), RLN_STATE_BRIDGED);
	w->fail_update = 0;
	end_both();
}

/* A re-INVITE of ours waits for the answer to the peer's (14.1), which is the other leg's: recovery must not hold that up. */
static void media_that_are_lost_wait_for_the_other_leg(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		bridged();
		flows(a);
		dialog_reinvited(dialog_for(a), SDP_HELD, RLN_SIP_INVITE);
		pump();
		if (i == 0)
			say_media(a, RLN_EV_RTP_TIMEOUT);
		else
			media_fails(session_of(a)->media.v, RLN_MEDIA_FAULT_UNREACHABLE);
		pump();
		assert_int_equal(state_of(a), RLN_STATE_BRIDGED);
		assert_int_equal(w->updates, 1); /* of b, with the offer */
		reinvite_accepted(b, SDP_HELD_BY_US);
		assert_int_equal(dialog_for(a)->last_offer_response, 200);
		assert_int_equal(state_of(a), RLN_STATE_RECOVERING);
		assert_int_equal(w->updates, 2);
		reinvite_accepted(a, SDP_PEER);
		assert_int_equal(state_of(a), RLN_STATE_BRIDGED);
		assert_null(session_of(a)->deferred);
		end_both();
		w->updates = 0;
	}
}

static void a_bridge_waits_until_the_call_is_up(void **state)
{
	(void)state;
	a = active_uas();
	b = answered_silent();
	command_other(b, RLN_EV_BRIDGE_CALLS, a);
	assert_non_null(session_of(b)->deferred);
	assert_int_equal(w->out_n, 0);
	stream_starts(b);
	assert_int_equal(state_of(a), RLN_STATE_BRIDGED);
	assert_int_equal(state_of(b), RLN_STATE_BRIDGED);
	assert_int_equal(told(RLN_EV_BRIDGE_MEDIA), 2);
	end_both();
}

static void an_offer_through_a_busy_bridge_gets_491(void **state)
{
	(void)state;
	bridged();
	command(a, RLN_EV_HOLD_CALL, 0);
	pump();
	assert_int_equal(w->updates, 1);
	forget();
	command(a, RLN_EV_RESUME_CALL, 0); /* b's answer to the hold is still to come */
	pump();
	assert_int_equal(w->updates, 1);
	assert_int_equal(told(RLN_EV_BRIDGE_ANSWER), 1);
	assert_int_equal(last(RLN_EV_BRIDGE_ANSWER)->id, a.v);
	assert_int_equal(last(RLN_EV_BRIDGE_ANSWER)->bridge_answer.other, b.v);
	assert_int_equal(last(RLN_EV_BRIDGE_ANSWER)->bridge_answer.code, 491);
	assert_int_equal(session_of(b)->asker, a.v);
	reinvite_accepted(b, SDP_HELD_BY_US);
	end_both();
}

/* The bridge ended while the offer was on its way. */
static void an_offer_for_a_call_that_is_not_bridged_gets_491(void **state)
{
	struct rln_event ev = {.kind = RLN_EV_BRIDGE_OFFER, .bridge_offer = {.direction = RLN_MEDIA_OUTBOUND}};

	(void)state;
	a = active_uas();
	b = active_uac();
	ev.id = b.v;
	ev.bridge_offer.other = a.v;
	for (unsigned is_over = 0; is_over < 2; is_over++) {
		forget();
		deliver(&ev);
		assert_int_equal(told(RLN_EV_BRIDGE_ANSWER), 1);
		assert_int_equal(last(RLN_EV_BRIDGE_ANSWER)->id, a.v);
		assert_int_equal(last(RLN_EV_BRIDGE_ANSWER)->bridge_answer.code, 491);
		assert_int_equal(w->updates, 0);
		if (is_over)
			break;
		w->quiet_media = true; /* over, and its leg is still to end */
		dialog_byes(dialog_for(b));
		pump();
		assert_int_equal(state_of(b), RLN_STATE_TERMINATED);
	}
	w->quiet_media = false;
	w->legs[rln_id_slot(session_of(b)->media.v)] = 0;
	say_media(b, RLN_EV_MEDIA_STREAM_STOPPED);
	pump();
	hang_up(a);
}

/* ---- digits ---- */

/* Although transfers are allowed: the bridge goes on as it was. */
static void a_refer_on_a_leg_is_declined(void **state)
{
	(void)state;
	bridged();
	w->allow_transfers = true;
	dialog_referred(dialog_for(a), NULL);
	pump();
	assert_int_equal(dialog_for(a)->last_refer_response, 603);
	assert_int_equal(state_of(a), RLN_STATE_BRIDGED);
	assert_int_equal(state_of(b), RLN_STATE_BRIDGED);
	assert_int_equal(session_of(a)->other, b.v);
	end_both();
}

static void digits_pass_as_the_other_leg_takes_them(void **state)
{
	struct rln_event info = {.kind = RLN_EV_DTMF_RECEIVED, .dtmf_received = {.tones = "5", .duration_ms = 160}},
			 digit = {.kind = RLN_EV_DTMF_DETECTED, .dtmf_detected = {.digit = '7', .duration_ms = 240}};

	(void)state;
	bridged(); /* neither leg has telephone-event */
	dialog_emit(dialog_for(a), &info);
	pump();
	assert_int_equal(w->infos, 1);
	assert_string_equal(last(RLN_EV_SEND_DTMF)->send_dtmf.tones, "5");
	assert_int_equal(last(RLN_EV_SEND_DTMF)->send_dtmf.duration_ms, 160);
	digit.id = session_of(a)->media.v;
	queue_push(FROM_MEDIA, &digit);
	pump();
	assert_string_equal(last(RLN_EV_SEND_DTMF)->send_dtmf.tones, "7");
	assert_int_equal(last(RLN_EV_SEND_DTMF)->send_dtmf.duration_ms, 240);
	dialog_reinvited(dialog_for(b), SDP_EVENTS, RLN_SIP_INVITE);
	pump();
	forget();
	queue_push(FROM_MEDIA, &digit); /* the worker forwards these itself now */
	info.dtmf_received.tones[0] = '9';
	dialog_emit(dialog_for(a), &info);
	pump();
	assert_int_equal(told(RLN_EV_SEND_DTMF), 0);
	assert_int_equal(told(RLN_EV_SEND_TELEPHONE_EVENTS), 1);
	assert_string_equal(last(RLN_EV_SEND_TELEPHONE_EVENTS)->send_telephone_events.tones, "9");
	assert_int_equal(last(RLN_EV_SEND_TELEPHONE_EVENTS)->send_telephone_events.duration_ms, 160);
	end_both();
}

static void digits_that_cannot_be_sent_are_refused(void **state)
{
	(void)state;
	a = active_uac();
	dialog_for(a)->refuses_info = true;
	forget();
	command(a, RLN_EV_DTMF_REQUEST, 0);
	pump();
	assert_int_equal(last(RLN_EV_COMMAND_REJECTED)->command_rejected.error, ENOTSUP);
	hang_up(a);
}

/* ---- early media ---- */

static void early_media_reaches_the_caller(void **state)
{
	(void)state;
	a = ringing();
	b = calling();
	dialog_moves(dialog_for(b), RLN_DIALOG_EARLY);
	dialog_says(dialog_for(b), RLN_CALL_PROGRESS, 183, SDP_PEER);
	pump();
	assert_int_equal(state_of(b), RLN_STATE_EARLY_MEDIA);
	join();
	assert_int_equal(dialog_for(a)->last_response, 183);
	assert_non_null(strstr(dialog_for(a)->last_sdp, "m=audio"));
	assert_int_equal(state_of(a), RLN_STATE_PROCEEDING);
	assert_int_equal(told(RLN_EV_BRIDGE_MEDIA), 2);
	dialog_answers(dialog_for(b), NULL);
	command(a, RLN_EV_ACCEPT_CALL, 0);
	pump();
	assert_int_equal(dialog_for(a)->last_response, 200);
	acked(dialog_for(a), NULL);
	pump();
	assert_int_equal(state_of(a), RLN_STATE_ACTIVE);
	join();
	assert_int_equal(state_of(a), RLN_STATE_BRIDGED);
	assert_int_equal(state_of(b), RLN_STATE_BRIDGED);
	assert_int_equal(told(RLN_EV_MEDIA_NEGOTIATED), 2);
	end_both();
}

static void early_media_that_ends_is_parted(void **state)
{
	(void)state;
	a = ringing();
	b = calling();
	dialog_moves(dialog_for(b), RLN_DIALOG_EARLY);
	dialog_says(dialog_for(b), RLN_CALL_PROGRESS, 183, SDP_PEER);
	pump();
	join();
	dialog_refuses(dialog_for(b), 486);
	pump();
	assert_null(session_of(b));
	assert_int_equal(session_of(a)->other, 0);
	assert_int_equal(state_of(a), RLN_STATE_PROCEEDING);
	hang_up(a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_legs_are_joined),
		T(unbridged_calls_are_parted),
		T(the_end_of_one_frees_the_other),
		T(what_cannot_be_joined_is_refused),
		T(legs_of_two_workers_are_not_joined),
		T(a_call_that_moved_on_sends_the_bridge_away),
		T(lost_media_is_mended_and_the_bridge_stays),
		T(a_hold_passes_to_the_other_leg),
		T(a_refusal_passes_back),
		T(an_offer_that_changes_no_direction_stays_here),
		T(crossing_holds_are_refused_with_491),
		T(an_offer_that_waits_is_answered_when_the_bridge_ends),
		T(commands_hold_the_other_leg),
		T(an_offer_that_the_other_leg_cannot_make_is_refused),
		T(media_that_are_lost_wait_for_the_other_leg),
		T(a_bridge_waits_until_the_call_is_up),
		T(an_offer_through_a_busy_bridge_gets_491),
		T(an_offer_for_a_call_that_is_not_bridged_gets_491),
		T(a_refer_on_a_leg_is_declined),
		T(digits_pass_as_the_other_leg_takes_them),
		T(digits_that_cannot_be_sent_are_refused),
		T(early_media_reaches_the_caller),
		T(early_media_that_ends_is_parted),
	};

	return cmocka_run_group_tests_name("session_joined", tests, NULL, NULL);
}
