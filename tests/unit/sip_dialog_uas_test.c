/* SPDX-License-Identifier: BSD-3-Clause */
/* The server half of dialogs against a scripted peer: exact messages, the times of repetitions, and every event that goes up. */
#include "sip_dialog_callee.h"

static void a_call_from_invite_to_bye(void **state)
{
	const struct rln_event *ev;
	char ok[TEXT_MAX];
	const char *text;

	(void)state;
	strcpy(to, "<sip:alice@198.18.0.1>");
	from_peer("INVITE", 10, BOB "Subject: tea\r\n", SDP_OFFER);
	ev = next_event(RLN_EV_INCOMING_CALL);
	call.v = ev->id;
	assert_slice(ev->incoming_call.block, ev->incoming_call.call_id, CALL_ID);
	assert_slice(ev->incoming_call.block, ev->incoming_call.from, "sip:bob@198.18.0.2");
	assert_slice(ev->incoming_call.block, ev->incoming_call.to, "sip:alice@198.18.0.1");
	assert_slice(ev->incoming_call.block, ev->incoming_call.sdp_offer, SDP_OFFER);
	assert_non_null(strstr(rln_slice_text(ev->incoming_call.block, ev->incoming_call.headers), "Subject: tea\r\n"));
	assert_string_equal(rln_dialog_remote_uri(dialogs0, call), "sip:bob@198.18.0.2");
	assert_string_equal(rln_dialog_call_id(dialogs0, call), CALL_ID);

	respond(180, NULL);
	text = next_sent("SIP/2.0 180 Ringing\r\n");
	assert_header(text, "Contact", "<sip:alice@198.18.0.1:5060>");
	assert_header(text, "From", FROM);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	respond(200, SDP_ANSWER);
	strcpy(ok, next_sent("SIP/2.0 200 OK\r\n"));
	assert_header(ok, "To", header(text, "To"));
	assert_header(ok, "CSeq", "10 INVITE");
	assert_header(ok, "Contact", "<sip:alice@198.18.0.1:5060>");
	assert_header(ok, "Allow", ALLOW);
	assert_header(ok, "Supported", SUPPORTED);
	assert_header(ok, "Allow-Events", "refer");
	assert_header(ok, "Content-Type", "application/sdp");
	assert_string_equal(body_of(ok), SDP_ANSWER);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	assert_true(rln_dialog_is_ack_pending(dialogs0, call));
	no_more_events();

	note_tag(ok);
	from_peer("ACK", 10, NULL, NULL);
	ev = next_event(RLN_EV_CALL_ESTABLISHED);
	assert_int_equal(ev->call_established.sdp.len, 0);
	assert_false(rln_dialog_is_ack_pending(dialogs0, call));
	from_peer("ACK", 10, NULL, NULL); /* a repeated ACK says nothing new */
	run_for(40000);
	no_more_events();
	no_more_sent();

	/* Our BYE goes to their Contact, with the tags turned round. */
	publish_terminate(node0, call, 0);
	text = next_sent("BYE sip:bob@198.18.0.2:5070 SIP/2.0\r\n");
	assert_header(text, "From", header(ok, "To"));
	assert_header(text, "To", FROM);
	assert_header(text, "Call-ID", CALL_ID);
	assert_sent_to(PEER_IP, 5070);
	reply(text, "200 OK", NULL, NULL, NULL);
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void the_2xx_is_repeated_until_its_ack(void **state)
{
	static const unsigned at_ms[] = {500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500};
	uint64_t start;
	char first[TEXT_MAX];

	(void)state;
	answer();
	strcpy(first, world.sent[world.sent_read - 1].text);
	start = world.now_ns;
	for (unsigned i = 0; i < sizeof(at_ms) / sizeof(*at_ms); i++) {
		run_for(at_ms[i] - 1 - (world.now_ns - start) / RLN_MS);
		no_more_sent();
		run_for(2);
		assert_string_equal(next_sent("SIP/2.0 200 "), first);
	}
	no_more_events();
	/* 64*T1: the session hears of it, and its BYE goes at once (13.3.1.4). */
	run_for(32000 - (world.now_ns - start) / RLN_MS);
	run_for(1);
	progress_event(RLN_CALL_ACK_MISSING, 408);
	no_more_events();
	assert_int_equal(rln_dialog_send_bye(dialogs0, call), 0);
	reply(next_sent("BYE "), "200 OK", NULL, NULL, NULL);
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void a_bye_waits_for_the_ack(void **state)
{
	(void)state;
	answer();
	publish_terminate(node0, call, 0);
	assert_int_equal(rln_dialog_send_bye(dialogs0, call), 0);
	no_more_sent();
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	reply(next_sent("BYE "), "200 OK", NULL, NULL, NULL);
	no_more_sent();
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	rln_dialog_release(dialogs0, call);
	/* And when none comes, for 64*T1. */
	strcpy(to, "<sip:alice@198.18.0.1>");
	request("INVITE", "second", 1, FROM, to, "second", BOB, SDP_OFFER);
	call.v = next_event(RLN_EV_INCOMING_CALL)->id;
	respond(200, SDP_ANSWER);
	publish_terminate(node0, call, 0);
	run_for(32100);
	for (unsigned i = 0; i < 11; i++)
		next_sent("SIP/2.0 200 ");
	next_sent("BYE ");
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	progress_event(RLN_CALL_ACK_MISSING, 408);
	no_more_events();
}

/* Let go while the ACK is missing: the BYE is sent all the same, and nobody is told. */
static void a_release_while_the_ack_is_missing(void **state)
{
	(void)state;
	answer();
	rln_dialog_release(dialogs0, call);
	no_more_sent();
	from_peer("ACK", 10, NULL, NULL);
	reply(next_sent("BYE "), "200 OK", NULL, NULL, NULL);
	no_more_events();
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
}

static void refusals(void **state)
{
	static const uint16_t code[] = {302, 400, 480, 486, 488, 500, 503, 603};

	(void)state;
	for (unsigned i = 0; i < sizeof(code) / sizeof(*code); i++) {
		char id[16];
		const char *text;

		snprintf(id, sizeof(id), "refused%u", i);
		request("INVITE", id, 1, FROM, "<sip:alice@198.18.0.1>", id, BOB, SDP_OFFER);
		call.v = next_event(RLN_EV_INCOMING_CALL)->id;
		assert_int_equal(rln_dialog_send_response(dialogs0, call, code[i], NULL, "Retry-After: 5\r\n"), 0);
		text = next_sent("SIP/2.0 ");
		assert_int_equal(atoi(text + 8), code[i]);
		assert_header(text, "Retry-After", "5");
		state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
		request("ACK", id, 1, FROM, header(text, "To"), id, NULL, NULL);
		no_more_events();
		assert_int_equal(rln_dialog_send_response(dialogs0, call, 200, NULL, NULL), -ENOTCONN);
		rln_dialog_release(dialogs0, call);
	}
	/* TERMINATE_SESSION before an answer refuses, with its code or 480. */
	for (unsigned i = 0; i < 2; i++) {
		request("INVITE", i ? "t1" : "t0", 1, FROM, "<sip:alice@198.18.0.1>", i ? "t1" : "t0", BOB, SDP_OFFER);
		call.v = next_event(RLN_EV_INCOMING_CALL)->id;
		publish_terminate(node0, call, i ? 486 : 0);
		next_sent(i ? "SIP/2.0 486 " : "SIP/2.0 480 ");
		state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
		rln_dialog_release(dialogs0, call);
	}
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
}

static void cancel_before_the_answer(void **state)
{
	const char *text;

	(void)state;
	incoming_with(BOB, SDP_OFFER);
	respond(180, NULL);
	text = next_sent("SIP/2.0 180 ");
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	same_branch("CANCEL", 10, NULL);
	assert_header(next_sent("SIP/2.0 200 "), "To", header(text, "To")); /* one tag for both (9.2) */
	terminated_event(RLN_END_CANCELLED, 487);
	no_more_events();
	no_more_sent();
	respond(487, NULL);
	next_sent("SIP/2.0 487 ");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	note_tag(text);
	same_branch("ACK", 10, NULL);
	no_more_events();
	no_more_sent();
}

/* The session answers while the CANCEL's event is on its way to it: the CANCEL has won. */
static void cancel_crosses_the_sessions_answer(void **state)
{
	(void)state;
	incoming_with(BOB, SDP_OFFER);
	same_branch("CANCEL", 10, NULL);
	next_sent("SIP/2.0 200 ");
	respond(180, NULL);
	no_more_sent();
	respond(200, SDP_ANSWER);
	next_sent("SIP/2.0 487 ");
	terminated_event(RLN_END_CANCELLED, 487);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void cancel_after_the_answer(void **state)
{
	(void)state;
	incoming_with(BOB, SDP_OFFER);
	respond(200, SDP_ANSWER);
	next_sent("SIP/2.0 200 OK\r\n");
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	same_branch("CANCEL", 10, NULL);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "10 CANCEL");
	no_more_events();
	/* And one that cancels nothing. */
	from_peer("CANCEL", 77, NULL, NULL);
	next_sent("SIP/2.0 481 ");
}

static void bye_before_the_answer(void **state)
{
	(void)state;
	incoming_with(BOB, SDP_OFFER);
	respond(180, NULL);
	note_tag(next_sent("SIP/2.0 180 "));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	from_peer("BYE", 11, NULL, NULL);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "11 BYE");
	terminated_event(RLN_END_CANCELLED, 487);
	from_peer("BYE", 12, NULL, NULL);
	next_sent("SIP/2.0 200 ");
	no_more_events();
	respond(487, NULL);
	assert_header(next_sent("SIP/2.0 487 "), "CSeq", "10 INVITE");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	from_peer("BYE", 13, NULL, NULL); /* of a dialog that they ended */
	next_sent("SIP/2.0 481 ");
	no_more_events();
}

static void the_invitation_expires(void **state)
{
	(void)state;
	incoming_with(BOB "Expires: 20\r\n", SDP_OFFER);
	respond(180, NULL);
	next_sent("SIP/2.0 180 ");
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	run_for(19990);
	no_more_events();
	run_for(20);
	terminated_event(RLN_END_CANCELLED, 487);
	no_more_sent();
	respond(487, NULL);
	next_sent("SIP/2.0 487 ");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	same_branch("ACK", 10, NULL);
	no_more_events();
	/* An answer in time stops that clock. */
	request("INVITE", "expires", 1, FROM, "<sip:alice@198.18.0.1>", "expires", BOB "Expires: 20\r\n", SDP_OFFER);
	call.v = next_event(RLN_EV_INCOMING_CALL)->id;
	respond(200, SDP_ANSWER);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	run_for(25000);
	no_more_events();
}

static void a_late_offer(void **state)
{
	const struct rln_event *ev;

	(void)state;
	incoming_with(BOB, NULL);
	assert_int_equal(node0->events[0].incoming_call.sdp_offer.len, 0);
	respond(200, SDP_OFFER);
	note_tag(next_sent("SIP/2.0 200 "));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	from_peer("ACK", 10, NULL, SDP_ANSWER);
	ev = next_event(RLN_EV_CALL_ESTABLISHED);
	assert_slice(ev->call_established.block, ev->call_established.sdp, SDP_ANSWER);
	finish();
}

static void their_reinvite(void **state)
{
	const struct rln_event *ev;

	(void)state;
	establish();
	from_peer("INVITE", 11, "Contact: <sip:bob@198.18.0.2:5075>\r\n", SDP_OFFER);
	ev = next_event(RLN_EV_REINVITE_RECEIVED);
	assert_int_equal(ev->reinvite_received.method, RLN_SIP_INVITE);
	assert_slice(ev->reinvite_received.block, ev->reinvite_received.sdp, SDP_OFFER);
	/* A second one while this is open (14.2). */
	from_peer("INVITE", 12, BOB, SDP_OFFER);
	assert_true(atoi(header(next_sent("SIP/2.0 500 "), "Retry-After")) <= 10);
	same_branch("ACK", 12, NULL);
	no_more_events();
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_OFFER), -EINPROGRESS);
	respond(200, SDP_ANSWER);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "11 INVITE");
	assert_true(rln_dialog_is_ack_pending(dialogs0, call));
	run_for(600);
	next_sent("SIP/2.0 200 ");
	from_peer("ACK", 11, NULL, NULL);
	assert_false(rln_dialog_is_ack_pending(dialogs0, call));
	no_more_events(); /* offer and answer were complete with the 2xx */
	/* Refused: nothing changes. */
	from_peer("INVITE", 13, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond(488, NULL);
	next_sent("SIP/2.0 488 ");
	from_peer("ACK", 13, NULL, NULL);
	assert_int_equal(rln_dialog_get_state(dialogs0, call), RLN_DIALOG_CONFIRMED);
	no_more_events();
	/* Ours goes where the last Contact said. */
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_OFFER), 0);
	next_sent("INVITE sip:bob@198.18.0.2:5070 ");
	/* Glare: it goes up, and the session says 491. */
	from_peer("INVITE", 14, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond(491, NULL);
	next_sent("SIP/2.0 491 ");
	finish();
}

static void a_reinvite_without_offer(void **state)
{
	const struct rln_event *ev;

	(void)state;
	establish();
	from_peer("INVITE", 11, BOB, NULL);
	assert_int_equal(next_event(RLN_EV_REINVITE_RECEIVED)->reinvite_received.sdp.len, 0);
	respond(200, SDP_OFFER);
	next_sent("SIP/2.0 200 ");
	from_peer("ACK", 11, NULL, SDP_ANSWER);
	ev = next_event(RLN_EV_CALL_ESTABLISHED);
	assert_slice(ev->call_established.block, ev->call_established.sdp, SDP_ANSWER);
	no_more_events();
}

static void a_reinvite_that_is_cancelled(void **state)
{
	(void)state;
	establish();
	from_peer("INVITE", 11, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	same_branch("CANCEL", 11, NULL);
	next_sent("SIP/2.0 200 ");
	assert_header(next_sent("SIP/2.0 487 "), "CSeq", "11 INVITE");
	same_branch("ACK", 11, NULL);
	respond(200, SDP_ANSWER); /* it came too late, and nothing is wrong */
	no_more_sent();
	no_more_events();
	finish();
}

/* Our ACK's absence and their next INVITE: it shows that the 2xx arrived (RFC 5407 3.1.4). */
static void a_reinvite_before_the_ack(void **state)
{
	(void)state;
	answer();
	from_peer("INVITE", 11, BOB, SDP_OFFER);
	next_event(RLN_EV_CALL_ESTABLISHED);
	next_event(RLN_EV_REINVITE_RECEIVED);
	assert_false(rln_dialog_is_ack_pending(dialogs0, call));
	from_peer("ACK", 10, NULL, NULL);
	no_more_events();
	respond(200, SDP_ANSWER);
	next_sent("SIP/2.0 200 ");
	from_peer("ACK", 11, NULL, NULL);
	finish();
}

/* A session that answers a re-INVITE while its own offer awaits the ACK breaks RFC 3261 14.2; the 2xx before is repeated no more. */
static void a_2xx_in_place_of_one_without_ack(void **state)
{
	(void)state;
	incoming_with(BOB, NULL);
	respond(200, SDP_OFFER);
	note_tag(next_sent("SIP/2.0 200 "));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	from_peer("INVITE", 11, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond(200, SDP_ANSWER);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "11 INVITE");
	run_for(600);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "11 INVITE");
	no_more_sent();
	from_peer("ACK", 11, NULL, NULL);
	finish();
}

static void a_reinvites_2xx_without_ack(void **state)
{
	(void)state;
	establish();
	from_peer("INVITE", 11, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond(200, SDP_ANSWER);
	run_for(32100);
	progress_event(RLN_CALL_ACK_MISSING, 408);
	for (unsigned i = 0; i < 11; i++)
		next_sent("SIP/2.0 200 ");
	no_more_sent();
	assert_int_equal(rln_dialog_get_state(dialogs0, call), RLN_DIALOG_CONFIRMED);
}

static void updates(void **state)
{
	const struct rln_event *ev;

	(void)state;
	incoming_with(BOB, SDP_OFFER);
	respond(180, NULL);
	note_tag(next_sent("SIP/2.0 180 "));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	from_peer("UPDATE", 11, BOB, SDP_OFFER); /* theirs is unanswered, and the session says so */
	next_event(RLN_EV_REINVITE_RECEIVED);
	no_more_sent();
	respond_offer(500, NULL);
	assert_header(next_sent("SIP/2.0 500 "), "CSeq", "11 UPDATE");
	from_peer("UPDATE", 12, BOB, NULL);
	ev = next_event(RLN_EV_REINVITE_RECEIVED);
	assert_int_equal(ev->reinvite_received.method, RLN_SIP_UPDATE);
	assert_int_equal(ev->reinvite_received.sdp.len, 0);
	no_more_sent();
	respond_update(200);
	header(next_sent("SIP/2.0 200 "), "Contact");
	assert_int_equal(rln_dialog_respond_update(dialogs0, call, 200, NULL), -ENOTCONN);
	no_more_events();
	respond(200, SDP_ANSWER);
	next_sent("SIP/2.0 200 ");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	from_peer("UPDATE", 13, "Contact: <sip:bob@198.18.0.2:5081>\r\n", SDP_OFFER);
	ev = next_event(RLN_EV_REINVITE_RECEIVED);
	assert_int_equal(ev->reinvite_received.method, RLN_SIP_UPDATE);
	respond(200, SDP_ANSWER);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "13 UPDATE");
	assert_string_equal(body_of(last_sent()->text), SDP_ANSWER);
	run_for(40000); /* an UPDATE's 2xx is not repeated, and needs no ACK */
	no_more_sent();
	no_more_events();
	assert_int_equal(rln_dialog_send_bye(dialogs0, call), 0);
	next_sent("BYE sip:bob@198.18.0.2:5081 ");
}

static void other_requests_in_the_dialog(void **state)
{
	char right[256];

	(void)state;
	establish();
	from_peer("OPTIONS", 11, NULL, NULL);
	assert_header(next_sent("SIP/2.0 200 "), "Accept", "application/sdp");
	from_peer("MESSAGE", 12, NULL, NULL);
	header(next_sent("SIP/2.0 405 "), "Allow");
	from_peer("CHEER", 13, NULL, NULL);
	header(next_sent("SIP/2.0 501 "), "Allow");
	from_peer("INVITE", 14, "Require: teleportation\r\n" BOB, SDP_OFFER);
	assert_header(next_sent("SIP/2.0 420 "), "Unsupported", "teleportation");
	from_peer("OPTIONS", 11, NULL, NULL); /* out of order (12.2.2) */
	next_sent("SIP/2.0 500 ");
	from_peer("BYE", 9, NULL, NULL);
	next_sent("SIP/2.0 500 ");
	strcpy(right, to);
	strcat(to, "x");
	from_peer("BYE", 20, NULL, NULL);
	next_sent("SIP/2.0 481 ");
	strcpy(to, right);
	request("BYE", "foreign", 21, "<sip:bob@198.18.0.2>;tag=other", to, CALL_ID, NULL, NULL);
	next_sent("SIP/2.0 481 ");
	request("ACK", "stray", 21, "<sip:bob@198.18.0.2>;tag=other", to, CALL_ID, NULL, NULL);
	no_more_sent();
	no_more_events();
	assert_int_equal(rln_count_total(RLN_C_SIP_STRAY_ACK), 1);
	finish();
}

/* A request of the dialog that is not sound is answered, and told. */
static void a_fault_in_the_dialog(void **state)
{
	const struct rln_event *ev;
	char text[TEXT_MAX];

	(void)state;
	establish();
	snprintf(text, sizeof(text),
		"OPTIONS sip:alice@198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bKfault\r\nMax-Forwards: "
		"70\r\nFrom: " FROM "\r\nTo: %s\r\nCall-ID: " CALL_ID "\r\nCSeq: 11 INVITE\r\nContent-Length: 0\r\n\r\n",
		to);
	receive(text);
	next_sent("SIP/2.0 400 ");
	ev = next_event(RLN_EV_DIALOG_ERROR);
	assert_int_equal(ev->dialog_error.error, RLN_FAULT_PARSE);
	assert_int_equal(ev->dialog_error.error_code, 400);
	finish();
}

static void merged_requests(void **state)
{
	(void)state;
	incoming_with(BOB, SDP_OFFER);
	same_branch("INVITE", 10, SDP_OFFER); /* a retransmission is absorbed */
	no_more_sent();
	from_peer("INVITE", 10, BOB, SDP_OFFER); /* the same by another way (8.2.2.2) */
	next_sent("SIP/2.0 482 ");
	from_peer("INVITE", 11, BOB, SDP_OFFER); /* another attempt: a call of its own */
	next_event(RLN_EV_INCOMING_CALL);
	no_more_events();
}

static void the_table_is_full(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= DIALOGS; i++) {
		char id[16];

		snprintf(id, sizeof(id), "full%u", i);
		request("INVITE", id, 1, FROM, "<sip:alice@198.18.0.1>", id, BOB, SDP_OFFER);
	}
	for (unsigned i = 0; i < DIALOGS; i++)
		next_event(RLN_EV_INCOMING_CALL);
	no_more_events();
	assert_header(next_sent("SIP/2.0 503 "), "Retry-After", "7");
	assert_int_equal(rln_count_total(RLN_C_SIP_OVERLOAD), 1);
	assert_int_equal(rln_dialogs_in_use(dialogs0), DIALOGS);
}

static void provisionals_keep_the_call_alive(void **state)
{
	(void)state;
	incoming_with(BOB, SDP_OFFER);
	respond(180, NULL);
	next_sent("SIP/2.0 180 ");
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	run_for(60100);
	next_sent("SIP/2.0 180 ");
	run_for(60000);
	next_sent("SIP/2.0 180 ");
	no_more_sent();
	respond(486, NULL);
	next_sent("SIP/2.0 486 ");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void record_routes_of_the_invite(void **state)
{
	const char *text;

	(void)state;
	incoming_with("Record-Route: <sip:198.18.0.9:5090;lr>\r\nRecord-Route: <sip:198.18.0.7;lr>\r\n" BOB, SDP_OFFER);
	respond(200, SDP_ANSWER);
	text = next_sent("SIP/2.0 200 ");
	assert_string_equal(nth_header(text, "Record-Route", 0), "<sip:198.18.0.9:5090;lr>");
	assert_string_equal(nth_header(text, "Record-Route", 1), "<sip:198.18.0.7;lr>");
	note_tag(text);
	from_peer("ACK", 10, NULL, NULL);
	assert_int_equal(rln_dialog_send_bye(dialogs0, call), 0);
	text = next_sent("BYE sip:bob@198.18.0.2:5070 ");
	assert_string_equal(nth_header(text, "Route", 0), "<sip:198.18.0.9:5090;lr>");
	assert_string_equal(nth_header(text, "Route", 1), "<sip:198.18.0.7;lr>");
	assert_sent_to("198.18.0.9", 5090);
}

static void a_strict_route_of_the_invite(void **state)
{
	const char *text;

	(void)state;
	incoming_with("Record-Route: <sip:198.18.0.9:5090>, <sip:198.18.0.7;lr>\r\n" BOB, SDP_OFFER);
	respond(200, SDP_ANSWER);
	note_tag(next_sent("SIP/2.0 200 "));
	from_peer("ACK", 10, NULL, NULL);
	assert_int_equal(rln_dialog_send_bye(dialogs0, call), 0);
	text = next_sent("BYE sip:198.18.0.9:5090 ");
	assert_string_equal(nth_header(text, "Route", 0), "<sip:198.18.0.7;lr>");
	assert_string_equal(nth_header(text, "Route", 1), "<sip:bob@198.18.0.2:5070>");
	assert_null(nth_header(text, "Route", 2));
}

/* RFC 2543: no cookie, no From tag, no Contact. */
static void an_old_peer(void **state)
{
	static const char invite[] =
		"INVITE sip:alice@198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2\r\nFrom: sip:bob@198.18.0.2\r\n"
		"To: sip:alice@198.18.0.1\r\nCall-ID: old\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
	char text[TEXT_MAX];

	(void)state;
	receive(invite);
	call.v = next_event(RLN_EV_INCOMING_CALL)->id;
	respond(200, SDP_OFFER);
	note_tag(next_sent("SIP/2.0 200 "));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	snprintf(text, sizeof(text),
		"ACK sip:alice@198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2\r\nFrom: sip:bob@198.18.0.2\r\nTo: %s\r\n"
		"Call-ID: old\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
		to);
	receive(text);
	next_event(RLN_EV_CALL_ESTABLISHED);
	publish_terminate(node0, call, 0);
	next_sent("BYE sip:bob@198.18.0.2 ");
}

/* Several ports of ours: an incoming call stays on the one that it came to. */
static void another_port_of_ours(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	make_message(text,
		"INVITE sip:carol@198.18.0.1:5062 SIP/2.0\r\nVia: SIP/2.0/UDP "
		"198.18.0.2:5060;branch=z9hG4bKport\r\nMax-Forwards: 70\r\n"
		"From: " FROM "\r\nTo: <sip:carol@198.18.0.1:5062>\r\nCall-ID: port\r\nCSeq: 1 INVITE\r\n",
		BOB, SDP_OFFER);
	receive_from(text, strlen(text), PEER_IP, 5060, 5062);
	call.v = next_event(RLN_EV_INCOMING_CALL)->id;
	respond(200, SDP_ANSWER);
	assert_header(next_sent("SIP/2.0 200 "), "Contact", "<sip:carol@198.18.0.1:5062>");
	assert_int_equal(last_sent()->src.port, 5062);
}

static void wrong_orders(void **state)
{
	(void)state;
	incoming_with(BOB, SDP_OFFER);
	assert_int_equal(rln_dialog_send_response(dialogs0, call, 99, NULL, NULL), -EINVAL);
	assert_int_equal(rln_dialog_send_response(dialogs0, call, 700, NULL, NULL), -EINVAL);
	assert_int_equal(rln_dialog_send_bye(dialogs0, call), -ENOTCONN);
	assert_int_equal(rln_dialog_send_cancel(dialogs0, call), -ENOTCONN);
	assert_int_equal(rln_dialog_send_invite(dialogs0, call, NULL, NULL), -EINPROGRESS);
	assert_int_equal(rln_dialog_send_ack(dialogs0, call, SDP_ANSWER), -ENOTCONN);
	assert_int_equal(rln_dialog_set_local_port(dialogs0, call, 1), -EALREADY);
	no_more_sent();
	rln_dialog_release(dialogs0, call);
	next_sent("SIP/2.0 480 ");
	no_more_events();
}

static void no_way_back(void **state)
{
	static const char invite[] =
		"INVITE sip:alice@198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKaway\r\nMax-Forwards: 70\r\n"
		"From: <sip:bob@203.0.113.5>;tag=bt\r\nTo: <sip:alice@198.18.0.1>\r\nCall-ID: away\r\nCSeq: 1 INVITE\r\n"
		"Contact: <sip:bob@203.0.113.5>\r\nContent-Length: 0\r\n\r\n";
	const struct rln_event *ev;

	(void)state;
	receive_from(invite, sizeof(invite) - 1, "203.0.113.5", 5060, 5060);
	call.v = next_event(RLN_EV_INCOMING_CALL)->id;
	respond(180, NULL);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	ev = next_event(RLN_EV_DIALOG_ERROR);
	assert_int_equal(ev->dialog_error.error, RLN_FAULT_TRANSPORT);
	assert_int_equal(ev->dialog_error.error_code, ENETUNREACH);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	assert_int_equal(rln_dialog_send_response(dialogs0, call, 200, SDP_ANSWER, NULL), -ENOTCONN);
	no_more_events();
	no_more_sent();
}

/* RFC 3311 5.2: beside an offer that waits one without an offer finds its answer, but not a second UPDATE beside another. */
static void updates_beside_others(void **state)
{
	(void)state;
	establish();
	from_peer("INVITE", 11, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	from_peer("UPDATE", 12, "Contact: <sip:bob@198.18.0.2:5082>\r\n", NULL);
	next_event(RLN_EV_REINVITE_RECEIVED);
	from_peer("UPDATE", 13, BOB, NULL);
	assert_header(next_sent("SIP/2.0 500 "), "CSeq", "13 UPDATE");
	header(last_sent()->text, "Retry-After");
	from_peer("INVITE", 14, BOB, SDP_OFFER);
	assert_header(next_sent("SIP/2.0 500 "), "CSeq", "14 INVITE");
	header(last_sent()->text, "Retry-After");
	same_branch("ACK", 14, NULL);
	respond_update(200);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "12 UPDATE");
	respond_offer(488, NULL);
	assert_header(next_sent("SIP/2.0 488 "), "CSeq", "11 INVITE");
	from_peer("UPDATE", 15, "Contact: <sip:bob@198.18.0.2:5082>\r\n", SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	from_peer("UPDATE", 16, BOB, NULL);
	assert_header(next_sent("SIP/2.0 500 "), "CSeq", "16 UPDATE");
	respond_offer(200, SDP_ANSWER);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "15 UPDATE");
	no_more_events();
	assert_int_equal(rln_dialog_send_bye(dialogs0, call), 0);
	next_sent("BYE sip:bob@198.18.0.2:5082 ");
}

/* 14.2: it goes up before the first INVITE is answered, too; what it may be answered with there is no 2xx. */
static void a_reinvite_before_the_answer(void **state)
{
	(void)state;
	incoming_with(BOB, SDP_OFFER);
	respond(180, NULL);
	note_tag(next_sent("SIP/2.0 180 "));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	from_peer("INVITE", 11, BOB, SDP_OFFER);
	assert_int_equal(next_event(RLN_EV_REINVITE_RECEIVED)->reinvite_received.method, RLN_SIP_INVITE);
	no_more_sent();
	respond_offer(500, NULL);
	assert_header(next_sent("SIP/2.0 500 "), "CSeq", "11 INVITE");
	same_branch("ACK", 11, NULL);
	respond(200, SDP_ANSWER);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "10 INVITE");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	finish();
}

/* Their BYE comes before the session answered: 487 (15.1.2), and the session's answer is nobody's any more. */
static void an_update_when_the_call_ends(void **state)
{
	(void)state;
	establish();
	from_peer("UPDATE", 11, BOB, NULL);
	next_event(RLN_EV_REINVITE_RECEIVED);
	from_peer("BYE", 12, NULL, NULL);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "12 BYE");
	assert_header(next_sent("SIP/2.0 487 "), "CSeq", "11 UPDATE");
	terminated_event(RLN_END_REMOTE, 0);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	respond_update(200);
	no_more_sent();
	no_more_events();
}

/* The session has let go, and our BYE is on its way: 481 to either. */
static void offers_that_nobody_hears_of(void **state)
{
	(void)state;
	establish();
	rln_dialog_release(dialogs0, call);
	next_sent("BYE ");
	from_peer("UPDATE", 11, BOB, NULL);
	assert_header(next_sent("SIP/2.0 481 "), "CSeq", "11 UPDATE");
	from_peer("INVITE", 12, BOB, SDP_OFFER);
	assert_header(next_sent("SIP/2.0 481 "), "CSeq", "12 INVITE");
	same_branch("ACK", 12, NULL);
	no_more_events();
}

/* An UPDATE that the session leaves lying: after timer F nobody waits for its answer. */
static void an_update_too_late(void **state)
{
	(void)state;
	establish();
	from_peer("UPDATE", 11, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	run_for(33000);
	respond(200, SDP_ANSWER);
	no_more_sent();
	finish();
}

/* The Nth allocation fails, for every N. */
static void memory_runs_out(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned nth = 1; failed; nth++) {
		char id[32];

		assert_true(nth < 100);
		rln_heap_fail_nth(nth);
		snprintf(id, sizeof(id), "oom%u", nth);
		request("INVITE", id, 1, FROM, "<sip:alice@198.18.0.1>", id, BOB, SDP_OFFER);
		call.v = 0;
		if (node0->events_read < node0->events_n) {
			call.v = next_event(RLN_EV_INCOMING_CALL)->id;
			if (rln_dialog_send_response(dialogs0, call, 200, SDP_ANSWER, NULL) == 0) {
				strcpy(to, header(next_sent("SIP/2.0 200 "), "To"));
				strcat(id, "a");
				request("ACK", id, 1, FROM, to, "", NULL, NULL);
			}
		}
		failed = rln_heap_fail_nth(0);
		forget_call(call, 140000);
	}
}

/* A refusal that no block is left for is sent when there is one: the peer must not wait for ever. */
static void blocks_run_out(void **state)
{
	rln_block_ref held[600];
	unsigned n = 0;

	(void)state;
	incoming_with(BOB, SDP_OFFER);
	while ((held[n] = rln_block_alloc(64)))
		n++;
	assert_int_equal(rln_dialog_send_response(dialogs0, call, 200, SDP_ANSWER, NULL), -ENOBUFS);
	publish_terminate(node0, call, 486);
	run_for(1600);
	next_sent("SIP/2.0 100 "); /* the transaction's own */
	no_more_sent();
	no_more_events();
	while (n)
		rln_block_release(held[--n]);
	assert_int_equal(rln_dialog_send_response(dialogs0, call, 200, SDP_ANSWER, NULL), 0); /* it has been refused */
	no_more_sent();
	run_for(500);
	next_sent("SIP/2.0 486 ");
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	no_more_events();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_one, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_from_invite_to_bye),
		TEST(the_2xx_is_repeated_until_its_ack),
		TEST(a_bye_waits_for_the_ack),
		TEST(a_release_while_the_ack_is_missing),
		TEST(refusals),
		TEST(cancel_before_the_answer),
		TEST(cancel_crosses_the_sessions_answer),
		TEST(cancel_after_the_answer),
		TEST(bye_before_the_answer),
		TEST(the_invitation_expires),
		TEST(a_late_offer),
		TEST(their_reinvite),
		TEST(a_reinvite_without_offer),
		TEST(a_reinvite_that_is_cancelled),
		TEST(a_reinvite_before_the_ack),
		TEST(a_2xx_in_place_of_one_without_ack),
		TEST(a_reinvites_2xx_without_ack),
		TEST(updates),
		TEST(other_requests_in_the_dialog),
		TEST(a_fault_in_the_dialog),
		TEST(merged_requests),
		TEST(the_table_is_full),
		TEST(provisionals_keep_the_call_alive),
		TEST(record_routes_of_the_invite),
		TEST(a_strict_route_of_the_invite),
		TEST(an_old_peer),
		TEST(another_port_of_ours),
		TEST(wrong_orders),
		TEST(no_way_back),
		TEST(updates_beside_others),
		TEST(a_reinvite_before_the_answer),
		TEST(an_update_when_the_call_ends),
		TEST(offers_that_nobody_hears_of),
		TEST(an_update_too_late),
		TEST(memory_runs_out),
		TEST(blocks_run_out),
	};

	return cmocka_run_group_tests_name("sip_dialog_uas", tests, start_eal, stop_eal);
}
