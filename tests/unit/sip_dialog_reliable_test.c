/* SPDX-License-Identifier: BSD-3-Clause */
/* Reliable provisional responses of ours (RFC 3262) against a scripted caller. */
#include "sip_dialog_callee.h"

#define REL     BOB "Supported: 100rel\r\n"
#define SDP_NEW "v=0\r\no=- 1 2 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4002 RTP/AVP 0\r\n"
#define SDP_OWN "v=0\r\no=- 2 3 IN IP4 198.18.0.1\r\ns=-\r\nc=IN IP4 198.18.0.1\r\nt=0 0\r\nm=audio 20002 RTP/AVP 0\r\n"

static unsigned rseq; /* of the last reliable response */

static const char *reliable(const char *status)
{
	const char *text = next_sent(status);

	assert_header(text, "Require", "100rel");
	rseq = (unsigned)strtoul(header(text, "RSeq"), NULL, 10);
	note_tag(text);
	return text;
}

static void prack_of(unsigned number, unsigned cseq, const char *sdp)
{
	char rack[64];

	snprintf(rack, sizeof(rack), "RAck: %u 10 INVITE\r\n", number);
	from_peer("PRACK", cseq, rack, sdp);
}

static void pracked(unsigned cseq)
{
	char want[32];

	snprintf(want, sizeof(want), "%u PRACK", cseq);
	prack_of(rseq, cseq, NULL);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", want);
}

static void ring(const char *sdp)
{
	incoming_with(REL, SDP_OFFER);
	respond(sdp ? 183 : 180, sdp);
	reliable(sdp ? "SIP/2.0 183 " : "SIP/2.0 180 ");
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
}

static void a_ringing_call(void **state)
{
	const char *text;

	(void)state;
	incoming_with(REL, SDP_OFFER);
	respond(100, NULL);
	assert_null(nth_header(next_sent("SIP/2.0 100 "), "RSeq", 0)); /* a 100 never is (RFC 3262 3) */
	respond(180, NULL);
	text = reliable("SIP/2.0 180 ");
	assert_true(rseq > 0 && rseq < 0x80000000u);
	assert_non_null(strstr(header(text, "Allow"), "PRACK"));
	assert_non_null(strstr(header(text, "Supported"), "100rel"));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	pracked(11);
	run_for(40000);
	no_more_sent();
	assert_false(rln_dialog_is_answered(dialogs0, call));
	respond(200, SDP_ANSWER);
	assert_string_equal(body_of(next_sent("SIP/2.0 200 ")), SDP_ANSWER);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	assert_true(rln_dialog_is_answered(dialogs0, call));
	finish();
}

static void repeated_until_its_prack(void **state)
{
	static const unsigned at_ms[] = {500, 1500, 3500, 7500, 15500, 31500}; /* no T2 here */
	uint64_t start;
	char first[TEXT_MAX];

	(void)state;
	ring(NULL);
	strcpy(first, last_sent()->text);
	start = world.now_ns;
	for (unsigned i = 0; i < sizeof(at_ms) / sizeof(*at_ms); i++) {
		run_for(at_ms[i] - 1 - (world.now_ns - start) / RLN_MS);
		no_more_sent();
		run_for(2);
		assert_string_equal(next_sent("SIP/2.0 180 "), first);
	}
	no_more_events();
	run_for(32001 - (world.now_ns - start) / RLN_MS);
	assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error, RLN_FAULT_NO_PRACK);
	assert_int_equal(node0->events[node0->events_read - 1].dialog_error.error_code, 504);
	no_more_sent();
	publish_terminate(node0, call, 504);
	next_sent("SIP/2.0 504 ");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	prack_of(rseq, 11, NULL);
	next_sent("SIP/2.0 481 ");
}

static void one_at_a_time(void **state)
{
	unsigned first;

	(void)state;
	ring(NULL);
	first = rseq;
	respond(181, NULL);
	assert_int_equal(rln_dialog_send_response(dialogs0, call, 182, NULL, "Reason: busy\r\n"), 0);
	no_more_sent();
	pracked(11);
	reliable("SIP/2.0 181 ");
	assert_int_equal(rseq, first + 1);
	no_more_sent();
	prack_of(first, 12, NULL); /* the one before is acknowledged already */
	next_sent("SIP/2.0 481 ");
	pracked(13);
	assert_header(reliable("SIP/2.0 182 "), "Reason", "busy");
	assert_int_equal(rseq, first + 2);
	/* A 2xx waits for none of them, since none has a description. */
	respond(183, NULL);
	respond(200, SDP_ANSWER);
	assert_string_equal(body_of(next_sent("SIP/2.0 200 ")), SDP_ANSWER);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	pracked(14); /* and takes the last PRACK still */
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	run_for(1000);
	finish();
}

static void too_many_wait(void **state)
{
	unsigned n = 0;

	(void)state;
	ring(NULL);
	while (rln_dialog_send_response(dialogs0, call, 182, NULL, NULL) == 0)
		n++;
	assert_int_equal(n, 16);
	assert_int_equal(rln_dialog_send_response(dialogs0, call, 182, NULL, NULL), -ENOBUFS);
	respond(486, NULL);
	next_sent("SIP/2.0 486 ");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
}

/* RFC 3262 3: the 2xx must not overtake the description; 13.2.1: nor may it bring one. */
static void the_answer_goes_ahead_of_the_2xx(void **state)
{
	(void)state;
	ring(SDP_ANSWER);
	respond(180, NULL);
	respond(200, SDP_ANSWER);
	respond(180, NULL); /* after an answer that waits nothing counts */
	no_more_sent();
	assert_int_equal(rln_dialog_get_state(dialogs0, call), RLN_DIALOG_EARLY);
	prack_of(rseq, 11, NULL);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "11 PRACK");
	assert_true(rln_dialog_is_answered(dialogs0, call));
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "10 INVITE");
	assert_string_equal(body_of(last_sent()->text), "");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	from_peer("ACK", 10, NULL, NULL);
	assert_int_equal(next_event(RLN_EV_CALL_ESTABLISHED)->call_established.sdp.len, 0);
	finish();
}

static void an_answer_that_waits_is_given_up(void **state)
{
	(void)state;
	ring(SDP_ANSWER);
	respond(200, SDP_ANSWER);
	same_branch("CANCEL", 10, NULL);
	next_sent("SIP/2.0 200 ");
	terminated_event(RLN_END_CANCELLED, 487);
	respond(487, NULL);
	next_sent("SIP/2.0 487 ");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	pracked(12); /* RFC 3262 3: prepared to process it */
	run_for(40000);
	no_more_events();
}

static void hung_up_while_the_2xx_waits(void **state)
{
	(void)state;
	ring(SDP_ANSWER);
	respond(200, SDP_ANSWER);
	publish_terminate(node0, call, 0);
	next_sent("SIP/2.0 480 ");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	no_more_sent();
}

/* The session has said 200, and nobody acknowledges the 183 that it waits for. */
static void no_prack_for_an_answer_that_waits(void **state)
{
	(void)state;
	ring(SDP_ANSWER);
	respond(200, SDP_ANSWER);
	run_for(32010);
	for (unsigned i = 0; i < 6; i++)
		reliable("SIP/2.0 183 ");
	next_sent("SIP/2.0 504 ");
	assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error, RLN_FAULT_NO_PRACK);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void a_prack_brings_an_offer(void **state)
{
	const struct rln_event *ev;

	(void)state;
	ring(SDP_ANSWER);
	prack_of(rseq, 11, SDP_NEW);
	ev = next_event(RLN_EV_REINVITE_RECEIVED);
	assert_int_equal(ev->reinvite_received.method, RLN_SIP_PRACK);
	assert_slice(ev->reinvite_received.block, ev->reinvite_received.sdp, SDP_NEW);
	no_more_sent();
	assert_true(rln_dialog_is_answered(dialogs0, call));
	respond(200, SDP_ANSWER); /* it waits for the answer to that offer */
	no_more_sent();
	from_peer("UPDATE", 12, BOB, SDP_OFFER); /* a second offer beside it */
	header(next_sent("SIP/2.0 500 "), "Retry-After");
	respond_offer(200, SDP_OWN);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "11 PRACK");
	assert_string_equal(body_of(last_sent()->text), SDP_OWN);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "10 INVITE");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	finish();
}

/* An offer before theirs in the INVITE is answered. */
static void a_prack_offers_too_early(void **state)
{
	(void)state;
	ring(NULL);
	prack_of(rseq, 11, SDP_NEW);
	header(next_sent("SIP/2.0 500 "), "Retry-After");
	pracked(12);
	no_more_events();
}

static void a_late_offer_is_answered_in_the_prack(void **state)
{
	const struct rln_event *ev;

	(void)state;
	incoming_with(REL, NULL);
	respond(183, SDP_ANSWER);
	assert_string_equal(body_of(reliable("SIP/2.0 183 ")), SDP_ANSWER);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	from_peer("UPDATE", 11, BOB, SDP_OFFER); /* our offer is open (RFC 3311 5.2) */
	next_event(RLN_EV_REINVITE_RECEIVED);
	assert_false(rln_dialog_is_answered(dialogs0, call));
	respond_offer(491, NULL);
	next_sent("SIP/2.0 491 ");
	prack_of(rseq, 12, SDP_NEW);
	next_sent("SIP/2.0 200 ");
	no_more_events();
	assert_true(rln_dialog_is_answered(dialogs0, call));
	respond(200, SDP_ANSWER);
	assert_string_equal(body_of(next_sent("SIP/2.0 200 ")), "");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	from_peer("ACK", 10, NULL, NULL);
	ev = next_event(RLN_EV_CALL_ESTABLISHED);
	assert_slice(ev->call_established.block, ev->call_established.sdp, SDP_NEW);
	finish();
}

/* A PRACK that owes an answer and has none: the 2xx offers again. */
static void a_late_offer_without_answer(void **state)
{
	(void)state;
	incoming_with(REL, NULL);
	respond(183, SDP_ANSWER);
	reliable("SIP/2.0 183 ");
	pracked(12);
	assert_false(rln_dialog_is_answered(dialogs0, call));
	respond(200, SDP_ANSWER);
	assert_string_equal(body_of(next_sent("SIP/2.0 200 ")), SDP_ANSWER);
	from_peer("ACK", 10, NULL, SDP_NEW);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	assert_true(next_event(RLN_EV_CALL_ESTABLISHED)->call_established.sdp.len > 0);
}

/* RFC 3311 5.1: once the first exchange is complete an offer may come before the 2xx. */
static void an_update_in_the_early_dialog(void **state)
{
	const struct rln_event *ev;

	(void)state;
	ring(SDP_ANSWER);
	from_peer("UPDATE", 11, BOB, SDP_NEW);
	next_event(RLN_EV_REINVITE_RECEIVED);
	assert_false(rln_dialog_is_answered(dialogs0, call)); /* not complete yet */
	respond_offer(500, NULL);
	next_sent("SIP/2.0 500 ");
	pracked(12);
	from_peer("UPDATE", 13, "Contact: <sip:bob@198.18.0.2:5081>\r\n", SDP_NEW);
	ev = next_event(RLN_EV_REINVITE_RECEIVED);
	assert_int_equal(ev->reinvite_received.method, RLN_SIP_UPDATE);
	from_peer("UPDATE", 14, BOB, SDP_NEW);
	header(next_sent("SIP/2.0 500 "), "Retry-After"); /* the one before is unanswered */
	respond(180, NULL);                               /* the INVITE's own responses are another matter */
	reliable("SIP/2.0 180 ");
	respond_offer(200, SDP_OWN);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "13 UPDATE");
	assert_string_equal(body_of(last_sent()->text), SDP_OWN);
	respond(486, NULL);
	next_sent("SIP/2.0 486 ");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void pracks_that_match_nothing(void **state)
{
	static const char *const racks[] = {
		"", "RAck: \r\n", "RAck: 1 10 INVITE\r\n", "RAck: x\r\n", "RAck: 99999999999 10 INVITE\r\n"};
	char rack[64];

	(void)state;
	ring(NULL);
	for (unsigned i = 0; i < sizeof(racks) / sizeof(*racks); i++) {
		from_peer("PRACK", 20 + i, racks[i], NULL);
		next_sent("SIP/2.0 481 ");
	}
	snprintf(rack, sizeof(rack), "RAck: %u 11 INVITE\r\n", rseq);
	from_peer("PRACK", 30, rack, NULL);
	next_sent("SIP/2.0 481 ");
	snprintf(rack, sizeof(rack), "RAck: %u 10 INFO\r\n", rseq);
	from_peer("PRACK", 31, rack, NULL);
	next_sent("SIP/2.0 481 ");
	from_peer("PRACK", 32, "Content-Type: text/plain\r\n", NULL);
	next_sent("SIP/2.0 481 ");
	pracked(33);
	no_more_events();
	strcpy(to, "<sip:alice@198.18.0.1>;tag=nobody");
	prack_of(rseq, 34, NULL);
	next_sent("SIP/2.0 481 ");
}

/* 13.3.1.1 holds for them too, each with an RSeq of its own. */
static void each_minute_one_more(void **state)
{
	unsigned first;

	(void)state;
	ring(NULL);
	first = rseq;
	pracked(11);
	run_for(60100);
	reliable("SIP/2.0 180 ");
	assert_int_equal(rseq, first + 1);
	pracked(12);
	no_more_sent();
}

/* Of the call that stands, and of another whose INVITE requires them. */
static void only_who_requires_them_gets_them(void)
{
	respond(180, NULL);
	assert_null(nth_header(next_sent("SIP/2.0 180 "), "RSeq", 0));
	request("INVITE", "must", 1, FROM, "<sip:alice@198.18.0.1>", "must", BOB "Require: 100rel\r\n", SDP_OFFER);
	next_event(RLN_EV_DIALOG_STATE_CHANGED);
	call.v = next_event(RLN_EV_INCOMING_CALL)->id;
	respond(180, NULL);
	header(next_sent("SIP/2.0 180 "), "RSeq");
}

static void who_gets_them(void **state)
{
	(void)state;
	incoming_with(BOB, SDP_OFFER); /* cannot */
	only_who_requires_them_gets_them();
}

static void off_unless_required(void **state)
{
	(void)state;
	incoming_with(REL, SDP_OFFER);
	only_who_requires_them_gets_them();
}

static void required_of_everybody(void **state)
{
	(void)state;
	strcpy(to, "<sip:alice@198.18.0.1>");
	from_peer("INVITE", 10, BOB, SDP_OFFER);
	assert_header(next_sent("SIP/2.0 421 "), "Require", "100rel");
	no_more_events();
	ring(NULL);
}

/* The INVITE's transaction broke, and its PRACK is handled before the event that says so: nothing is left to respond to. */
static void pracked_when_the_transaction_is_gone(void **state)
{
	(void)state;
	ring(NULL);
	respond(181, NULL); /* waits for the PRACK */
	world.nodes = 0;
	prack_of(rseq, 11, NULL);
	world.nodes = 1;
	assert_true(rln_transport_poll(node0->transport, world.now_ns) > 0);
	rln_txn_fail(rln_txn_get(dialogs0->txns, rln_dialog_get(dialogs0, call.v)->theirs.txn), EHOSTUNREACH);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "11 PRACK");
	assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error, RLN_FAULT_TRANSPORT);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	no_more_sent();
}

/* The Nth allocation fails, for every N: what the session is told to have been sent is sent. */
static void memory_runs_out(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned nth = 1; failed; nth++) {
		char id[32], rack[64];

		assert_true(nth < 100);
		snprintf(id, sizeof(id), "oom%u", nth);
		request("INVITE", id, 1, FROM, "<sip:alice@198.18.0.1>", id, REL, SDP_OFFER);
		call.v = next_event(RLN_EV_INCOMING_CALL)->id;
		rln_heap_fail_nth(nth);
		if (rln_dialog_send_response(dialogs0, call, 183, SDP_ANSWER, NULL) == 0 &&
			rln_dialog_send_response(dialogs0, call, 200, SDP_ANSWER, NULL) == 0) {
			pump();
			rln_heap_fail_nth(0);
			run_for(600); /* a repetition, should the first not have been kept */
			strcpy(to, header(next_sent("SIP/2.0 183 "), "To"));
			snprintf(rack, sizeof(rack), "RAck: %u 1 INVITE\r\n",
				(unsigned)strtoul(header(last_sent()->text, "RSeq"), NULL, 10));
			strcat(id, "p");
			world.sent_read = world.sent_n;
			request("PRACK", id, 2, FROM, to, "", rack, NULL);
		}
		failed = rln_heap_fail_nth(0);
		forget_call(call, 140000);
	}
}

static int start_supported(void **state)
{
	(void)state;
	world.reliable = RLN_RELIABLE_SUPPORTED;
	world_start(1);
	world.reliable = RLN_RELIABLE_OFF;
	return 0;
}

static int start_required(void **state)
{
	(void)state;
	world.reliable = RLN_RELIABLE_REQUIRED;
	world_start(1);
	world.reliable = RLN_RELIABLE_OFF;
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_supported, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ringing_call),
		TEST(repeated_until_its_prack),
		TEST(one_at_a_time),
		TEST(too_many_wait),
		TEST(the_answer_goes_ahead_of_the_2xx),
		TEST(an_answer_that_waits_is_given_up),
		TEST(hung_up_while_the_2xx_waits),
		TEST(no_prack_for_an_answer_that_waits),
		TEST(a_prack_brings_an_offer),
		TEST(a_prack_offers_too_early),
		TEST(a_late_offer_is_answered_in_the_prack),
		TEST(a_late_offer_without_answer),
		TEST(an_update_in_the_early_dialog),
		TEST(pracks_that_match_nothing),
		TEST(each_minute_one_more),
		TEST(who_gets_them),
		cmocka_unit_test_setup_teardown(off_unless_required, start_one, end_world),
		cmocka_unit_test_setup_teardown(required_of_everybody, start_required, end_world),
		TEST(pracked_when_the_transaction_is_gone),
		TEST(memory_runs_out),
	};

	return cmocka_run_group_tests_name("sip_dialog_reliable", tests, start_eal, stop_eal);
}
