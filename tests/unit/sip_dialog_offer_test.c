/* SPDX-License-Identifier: BSD-3-Clause */
/* Offers inside a dialog that meet one another: ours that waits for an ACK, theirs while it waits, holds ordered by event. */
#include "sip_dialog_callee.h"

#define SDP_HELD                                                                                                                 \
	"v=0\r\no=- 2 3 IN IP4 198.18.0.1\r\ns=-\r\nc=IN IP4 198.18.0.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\na=sendonly\r\n"

static int offer(const char *sdp)
{
	return rln_dialog_send_update(dialogs0, call, sdp);
}

static void publish_offer(enum rln_event_kind kind)
{
	struct rln_event ev = {.kind = (uint16_t)kind, .id = call.v};

	ev.hold_session.block = rln_block_from_text(SDP_HELD, strlen(SDP_HELD), &ev.hold_session.sdp);
	assert_int_equal(rln_bus_publish(node0->bus, &ev), 0);
	pump();
}

static const char *offered(void)
{
	const char *text = next_sent("INVITE sip:bob@198.18.0.2:5070 ");

	assert_string_equal(body_of(text), SDP_HELD);
	return text;
}

static void accepted(const char *invite)
{
	reply(invite, "200 OK", NULL, BOB, SDP_OFFER);
	next_sent("ACK ");
	next_event(RLN_EV_REINVITE_ACKED);
}

static void an_offer_waits_for_the_ack(void **state)
{
	(void)state;
	answer();
	assert_int_equal(offer(SDP_HELD), 0);
	no_more_sent();
	assert_true(rln_dialog_is_invite_open(dialogs0, call));
	assert_int_equal(offer(SDP_ANSWER), -EINPROGRESS); /* one at a time */
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	accepted(offered());
	assert_false(rln_dialog_is_invite_open(dialogs0, call));
	finish();
}

/* After a re-INVITE of theirs too, whose ACK says nothing to the session. */
static void an_offer_waits_for_their_reinvites_ack(void **state)
{
	(void)state;
	establish();
	from_peer("INVITE", 11, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	assert_int_equal(offer(SDP_HELD), -EINPROGRESS); /* theirs is unanswered */
	respond_offer(200, SDP_ANSWER);
	next_sent("SIP/2.0 200 ");
	assert_int_equal(offer(SDP_HELD), 0);
	no_more_sent();
	from_peer("ACK", 11, NULL, NULL);
	accepted(offered());
	no_more_events();
	finish();
}

/* Their next INVITE shows that our 2xx arrived, and goes before ours. */
static void an_offer_lets_theirs_pass(void **state)
{
	(void)state;
	answer();
	assert_int_equal(offer(SDP_HELD), 0);
	from_peer("INVITE", 11, BOB, SDP_OFFER);
	next_event(RLN_EV_CALL_ESTABLISHED);
	next_event(RLN_EV_REINVITE_RECEIVED);
	no_more_sent();
	respond_offer(491, NULL);
	next_sent("SIP/2.0 491 ");
	accepted(offered());
	from_peer("ACK", 11, NULL, NULL);
	/* And when theirs is accepted, its ACK is waited for as well. */
	from_peer("INVITE", 12, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond_offer(200, SDP_ANSWER);
	next_sent("SIP/2.0 200 ");
	assert_int_equal(offer(SDP_HELD), 0);
	from_peer("INVITE", 13, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond_offer(200, SDP_ANSWER);
	next_sent("SIP/2.0 200 ");
	no_more_sent();
	from_peer("ACK", 13, NULL, NULL);
	accepted(offered());
	finish();
}

static void an_offer_that_waits_when_the_call_ends(void **state)
{
	(void)state;
	answer();
	assert_int_equal(offer(SDP_HELD), 0);
	publish_terminate(node0, call, 0);
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	reply(next_sent("BYE "), "200 OK", NULL, NULL, NULL);
	no_more_sent();
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void the_ack_never_comes(void **state)
{
	(void)state;
	answer();
	assert_int_equal(offer(SDP_HELD), 0);
	run_for(32100);
	for (unsigned i = 0; i < 10; i++)
		next_sent("SIP/2.0 200 ");
	no_more_sent();
	progress_event(RLN_CALL_ACK_MISSING, 408);
	from_peer("BYE", 11, NULL, NULL);
	next_sent("SIP/2.0 200 ");
	terminated_event(RLN_END_REMOTE, 0);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void holds_by_event(void **state)
{
	(void)state;
	establish();
	publish_offer(RLN_EV_HOLD_SESSION);
	accepted(offered());
	publish_offer(RLN_EV_RESUME_SESSION);
	reply(offered(), "488 Not Acceptable Here", NULL, NULL, NULL);
	next_sent("ACK ");
	progress_event(RLN_CALL_REFUSED, 488);
	no_more_events();
	finish();
	publish_offer(RLN_EV_HOLD_SESSION); /* it crossed their BYE */
	no_more_sent();
	no_more_events();
}

static void a_hold_that_cannot_be_sent(void **state)
{
	const struct rln_event *ev;

	(void)state;
	answer();
	rln_heap_fail_nth(1);
	publish_offer(RLN_EV_HOLD_SESSION);
	rln_heap_fail_nth(0);
	ev = next_event(RLN_EV_DIALOG_ERROR);
	assert_int_equal(ev->dialog_error.error, RLN_FAULT_TRANSACTION);
	assert_int_equal(ev->dialog_error.error_code, ENOMEM);
	progress_event(RLN_CALL_REFUSED, 503);
	assert_false(rln_dialog_is_invite_open(dialogs0, call));
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	/* One that crossed their offer is glare. */
	from_peer("INVITE", 11, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	publish_offer(RLN_EV_HOLD_SESSION);
	progress_event(RLN_CALL_GLARE, 491);
	respond_offer(200, SDP_ANSWER);
	next_sent("SIP/2.0 200 ");
	from_peer("ACK", 11, NULL, NULL);
	finish();
}

/* What waited cannot be sent when its time comes: strangers have taken every transaction. */
static void a_waiting_offer_finds_no_room(void **state)
{
	char id[16];

	(void)state;
	answer();
	assert_int_equal(offer(SDP_HELD), 0);
	for (unsigned i = 0; i < TXNS; i++) {
		snprintf(id, sizeof(id), "stranger%u", i);
		request("OPTIONS", id, 1, "<sip:x@198.18.0.2>;tag=x", "<sip:alice@198.18.0.1>", id, NULL, NULL);
	}
	world.sent_read = world.sent_n;
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error_code, ENOBUFS);
	progress_event(RLN_CALL_REFUSED, 503);
	no_more_sent();
	run_for(33000);
	finish();
}

static void nothing_to_answer(void **state)
{
	(void)state;
	incoming_with(BOB, SDP_OFFER);
	assert_int_equal(
		rln_dialog_respond_offer(dialogs0, call, 200, SDP_ANSWER, NULL), -ENOTCONN); /* the first INVITE is none */
	assert_int_equal(rln_dialog_respond_offer(dialogs0, (struct rln_dialog_id){0}, 200, NULL, NULL), -ENOENT);
	assert_int_equal(offer(SDP_HELD), -ENOTCONN);
	respond(200, SDP_ANSWER);
	next_sent("SIP/2.0 200 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_one, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_offer_waits_for_the_ack),
		TEST(an_offer_waits_for_their_reinvites_ack),
		TEST(an_offer_lets_theirs_pass),
		TEST(an_offer_that_waits_when_the_call_ends),
		TEST(the_ack_never_comes),
		TEST(holds_by_event),
		TEST(a_hold_that_cannot_be_sent),
		TEST(a_waiting_offer_finds_no_room),
		TEST(nothing_to_answer),
	};

	return cmocka_run_group_tests_name("sip_dialog_offer", tests, start_eal, stop_eal);
}
