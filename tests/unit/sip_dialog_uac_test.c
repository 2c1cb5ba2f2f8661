/* SPDX-License-Identifier: BSD-3-Clause */
/* The client half of dialogs against a scripted peer: every message that we send and every event that goes up,
 * with the times between them. */
#include "sip_dialog_fixture.h"

static struct rln_dialog_id call;

static const char *start_call(const char *sdp)
{
	call = rln_dialog_create(dialogs0, "sip:alice@" OUR_IP, "bob@" PEER_IP);
	assert_true(call.v != 0);
	publish_initiate(node0, call, sdp);
	return next_sent("INVITE ");
}

static char invite[TEXT_MAX];

static void ring(const char *sdp)
{
	strcpy(invite, start_call(sdp));
	reply(invite, "180 Ringing", "bt", NULL, NULL);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_RINGING, 180);
}

#define BOB "Contact: <sip:bob@198.18.0.2:5070>\r\n"

/* A confirmed call; the ACK was looked at by another test. */
static void establish(void)
{
	ring(SDP_ANSWER);
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	next_event(RLN_EV_CALL_ESTABLISHED);
	next_sent("ACK ");
}

static void finish_by_bye(void)
{
	const char *bye;

	publish_terminate(node0, call, 0);
	bye = next_sent("BYE ");
	reply(bye, "200 OK", "bt", NULL, NULL);
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
}

static void a_call_from_invite_to_bye(void **state)
{
	char ack[TEXT_MAX];
	const char *text;
	const struct rln_event *ev;

	(void)state;
	text = start_call(SDP_ANSWER);
	assert_ptr_equal(
		strstr(text, "INVITE sip:bob@198.18.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.1:5060;rport;branch=z9hG4bK"), text);
	assert_header(text, "Max-Forwards", "70");
	assert_int_equal(strncmp(header(text, "From"), "<sip:alice@198.18.0.1>;tag=", 27), 0);
	assert_header(text, "To", "<sip:bob@198.18.0.2>");
	assert_string_equal(header(text, "Call-ID"), rln_dialog_call_id(dialogs0, call));
	assert_string_equal("sip:bob@198.18.0.2", rln_dialog_remote_uri(dialogs0, call));
	assert_header(text, "Contact", "<sip:alice@198.18.0.1:5060>");
	assert_header(text, "User-Agent", "ringlane-test");
	assert_header(text, "Allow", ALLOW);
	assert_header(text, "Content-Type", "application/sdp");
	assert_string_equal(body_of(text), SDP_ANSWER);
	assert_sent_to(PEER_IP, 5060);
	strcpy(invite, text);
	assert_int_equal(rln_dialog_get_state(dialogs0, call), RLN_DIALOG_NONE);
	assert_true(rln_dialog_is_invite_open(dialogs0, call));
	assert_false(rln_dialog_has_provisional(dialogs0, call));

	reply(invite, "100 Trying", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRYING, 100);
	assert_true(rln_dialog_has_provisional(dialogs0, call));
	reply(invite, "180 Ringing", "bt", NULL, NULL);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_RINGING, 180);
	reply(invite, "183 Session Progress", "bt", BOB, SDP_OFFER);
	ev = progress_event(RLN_CALL_PROGRESS, 183);
	assert_slice(ev->call_state_changed.block, ev->call_state_changed.sdp, SDP_OFFER);
	assert_slice(ev->call_state_changed.block, ev->call_state_changed.contact, "sip:bob@198.18.0.2:5070");

	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	ev = next_event(RLN_EV_CALL_ESTABLISHED);
	assert_int_equal(ev->id, call.v);
	assert_slice(ev->call_established.block, ev->call_established.sdp, SDP_OFFER);
	strcpy(ack, next_sent("ACK sip:bob@198.18.0.2:5070 SIP/2.0\r\n"));
	assert_sent_to(PEER_IP, 5070);
	assert_string_equal("sip:bob@198.18.0.2:5070", rln_dialog_remote_target(dialogs0, call));
	assert_string_equal("sip:bob@198.18.0.2", rln_dialog_remote_uri(dialogs0, call));
	assert_header(ack, "From", header(invite, "From"));
	assert_header(ack, "To", "<sip:bob@198.18.0.2>;tag=bt");
	assert_int_equal(atoi(header(ack, "CSeq")), atoi(header(invite, "CSeq")));
	assert_string_not_equal(header(ack, "Via"), header(invite, "Via"));
	assert_header(ack, "Content-Length", "0");
	assert_false(rln_dialog_is_invite_open(dialogs0, call));

	/* The ACK got lost: the 2xx comes again, gets another, and nobody above hears of it. */
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	next_sent("ACK sip:bob@198.18.0.2:5070 ");
	no_more_events();

	publish_terminate(node0, call, 0);
	text = next_sent("BYE sip:bob@198.18.0.2:5070 SIP/2.0\r\n");
	assert_int_equal(atoi(header(text, "CSeq")), atoi(header(invite, "CSeq")) + 1);
	reply(text, "200 OK", "bt", NULL, NULL);
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
	rln_dialog_release(dialogs0, call);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
	no_more_sent();
}

static void loose_routes_are_reversed(void **state)
{
	const char *text;

	(void)state;
	strcpy(invite, start_call(SDP_ANSWER));
	reply(invite, "200 OK", "bt",
		"Record-Route: <sip:198.18.0.9:5090;lr>, <sip:p2.example.test;lr>\r\nRecord-Route: "
		"<sip:198.18.0.7;lr=on>\r\n" BOB,
		SDP_OFFER);
	text = next_sent("ACK sip:bob@198.18.0.2:5070 SIP/2.0\r\n");
	assert_string_equal(nth_header(text, "Route", 0), "<sip:198.18.0.7;lr=on>");
	assert_string_equal(nth_header(text, "Route", 1), "<sip:p2.example.test;lr>");
	assert_string_equal(nth_header(text, "Route", 2), "<sip:198.18.0.9:5090;lr>");
	assert_null(nth_header(text, "Route", 3));
	assert_sent_to("198.18.0.7", 5060);
}

/* 12.2.1.1: a first route without lr becomes the Request-URI, and the target the last Route. */
static void a_strict_route_takes_the_request_uri(void **state)
{
	const char *text;

	(void)state;
	strcpy(invite, start_call(SDP_ANSWER));
	reply(invite, "200 OK", "bt", "Record-Route: <sip:198.18.0.9;lr>, <sip:198.18.0.7:5077>\r\n" BOB, SDP_OFFER);
	text = next_sent("ACK sip:198.18.0.7:5077 SIP/2.0\r\n");
	assert_string_equal(nth_header(text, "Route", 0), "<sip:198.18.0.9;lr>");
	assert_string_equal(nth_header(text, "Route", 1), "<sip:bob@198.18.0.2:5070>");
	assert_null(nth_header(text, "Route", 2));
	assert_sent_to("198.18.0.7", 5077);
}

/* A Contact that we cannot resolve: requests go where the answer came from; one that the hosts table has goes there. */
static void names_in_contacts(void **state)
{
	(void)state;
	strcpy(invite, start_call(SDP_ANSWER));
	reply(invite, "200 OK", "bt", "Contact: <sip:bob@phone.invalid:5099>\r\n", SDP_OFFER);
	next_sent("ACK sip:bob@phone.invalid:5099 ");
	assert_int_equal(last_sent()->dst.port, 5060);
	call = rln_dialog_create(dialogs0, "sip:alice@" OUR_IP, "sip:bob@bob.example.test:5080?Subject=tea");
	assert_true(call.v != 0);
	publish_initiate(node0, call, SDP_ANSWER);
	assert_header(next_sent("INVITE sip:bob@bob.example.test:5080 SIP/2.0\r\n"), "To", "<sip:bob@bob.example.test:5080>");
	assert_int_equal(last_sent()->dst.port, 5080);
}

/* A new target keeps the route set (12.2.1.2), and an own idea of where to go: maddr. */
static void routes_outlive_the_target(void **state)
{
	const char *text;

	(void)state;
	strcpy(invite, start_call(SDP_ANSWER));
	reply(invite, "200 OK", "bt", "Record-Route: <sip:p.invalid;lr;maddr=198.18.0.9>\r\n" BOB, SDP_OFFER);
	next_sent("ACK sip:bob@198.18.0.2:5070 ");
	assert_sent_to("198.18.0.9", 5060);
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), 0);
	reply(next_sent("INVITE "), "200 OK", "bt", "Contact: <sips:bob@198.18.0.2:5072>\r\n", SDP_OFFER);
	text = next_sent("ACK sips:bob@198.18.0.2:5072 ");
	assert_header(text, "Route", "<sip:p.invalid;lr;maddr=198.18.0.9>");
	assert_sent_to("198.18.0.9", 5060);
}

/* A Contact by TLS or over TCP leads nowhere that UDP could go: the peer's own address does. */
static void contacts_of_other_transports(void **state)
{
	static const char *const contact[] = {
		"sips:bob@198.18.0.3", "sip:bob@198.18.0.3;transport=tcp", "tel:+4930123", "sip:bob@0.0.0.0"};

	(void)state;
	for (unsigned i = 0; i < sizeof(contact) / sizeof(*contact); i++) {
		char line[128];

		strcpy(invite, start_call(SDP_ANSWER));
		snprintf(line, sizeof(line), "Contact: <%s>\r\n", contact[i]);
		reply(invite, "200 OK", "bt", line, SDP_OFFER);
		next_sent("ACK ");
		assert_sent_to(PEER_IP, 5060);
	}
}

static void refusals(void **state)
{
	static const struct {
		const char *status;
		enum rln_call_progress progress;
		const char *extra;
	} row[] = {
		{"302 Moved Temporarily", RLN_CALL_REDIRECTED, "Contact: <sip:carol@198.18.0.3>\r\n"},
		{"401 Unauthorized", RLN_CALL_CHALLENGED, "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n"},
		{"407 Proxy Authentication Required", RLN_CALL_CHALLENGED, NULL},
		{"404 Not Found", RLN_CALL_REFUSED, NULL},
		{"422 Session Interval Too Small", RLN_CALL_INTERVAL_TOO_SMALL, NULL},
		{"486 Busy Here", RLN_CALL_REFUSED, NULL},
		{"491 Request Pending", RLN_CALL_REFUSED, NULL},
		{"503 Service Unavailable", RLN_CALL_REFUSED, NULL},
		{"603 Decline", RLN_CALL_REFUSED, NULL},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(*row); i++) {
		const struct rln_event *ev;

		ring(SDP_ANSWER);
		reply(invite, row[i].status, "bt", row[i].extra, NULL);
		ev = progress_event(row[i].progress, (unsigned)atoi(row[i].status));
		if (i == 0)
			assert_slice(ev->call_state_changed.block, ev->call_state_changed.contact, "sip:carol@198.18.0.3");
		next_sent("ACK ");
		if (row[i].progress != RLN_CALL_REFUSED) /* it waits for the session, which may have something to answer */
			assert_int_equal(rln_dialog_terminate(dialogs0, call, 0), 0);
		state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
		no_more_events();
		assert_int_equal(rln_dialog_terminate(dialogs0, call, 0), -ENOTCONN);
		rln_dialog_release(dialogs0, call);
	}
}

static void a_challenged_call_tries_again(void **state)
{
	char first[TEXT_MAX];
	const char *again;

	(void)state;
	strcpy(first, start_call(SDP_ANSWER));
	reply(first, "401 Unauthorized", "c", NULL, NULL);
	progress_event(RLN_CALL_CHALLENGED, 401);
	next_sent("ACK ");
	no_more_events();
	assert_false(rln_dialog_can_retry(dialogs0, call)); /* with what the layer knows; the session may know more */
	assert_int_equal(rln_dialog_send_invite(dialogs0, call, SDP_ANSWER, "Authorization: Digest username=\"alice\"\r\n"), 0);
	again = next_sent("INVITE ");
	assert_header(again, "Authorization", "Digest username=\"alice\"");
	assert_header(again, "Call-ID", header(first, "Call-ID"));
	assert_header(again, "From", header(first, "From"));
	assert_int_equal(atoi(header(again, "CSeq")), atoi(header(first, "CSeq")) + 1);
	strcpy(invite, again);
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	next_event(RLN_EV_CALL_ESTABLISHED);
}

static void nobody_answers(void **state)
{
	(void)state;
	start_call(SDP_ANSWER);
	run_for(31900);
	for (unsigned i = 0; i < 6; i++) /* timer A: 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s */
		next_sent("INVITE ");
	no_more_sent();
	no_more_events();
	run_for(200);
	progress_event(RLN_CALL_TIMED_OUT, 408);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void the_network_fails(void **state)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(world.pool);
	const struct rln_event *ev;

	(void)state;
	start_call(SDP_ANSWER);
	*rln_pkt(m) = (struct rln_pkt){
		.src = addr_of(OUR_IP, 5060), .dst = addr_of(PEER_IP, 5060), .op = RLN_PKT_UNREACH, .error = ECONNREFUSED};
	assert_int_equal(rte_ring_enqueue(node0->net.to_control[0], m), 0);
	ev = next_event(RLN_EV_DIALOG_ERROR);
	assert_int_equal(ev->dialog_error.error, RLN_FAULT_TRANSPORT);
	assert_int_equal(ev->dialog_error.error_code, ECONNREFUSED);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void cancel_waits_for_a_provisional(void **state)
{
	char cancel[TEXT_MAX];

	(void)state;
	strcpy(invite, start_call(SDP_ANSWER));
	assert_int_equal(rln_dialog_send_cancel(dialogs0, call), 0);
	assert_int_equal(rln_dialog_send_cancel(dialogs0, call), 0);
	no_more_sent();
	reply(invite, "180 Ringing", "bt", NULL, NULL);
	strcpy(cancel, next_sent("CANCEL sip:bob@198.18.0.2 SIP/2.0\r\n"));
	assert_header(cancel, "Via", header(invite, "Via"));
	assert_header(cancel, "From", header(invite, "From"));
	assert_header(cancel, "To", header(invite, "To"));
	assert_header(cancel, "Call-ID", header(invite, "Call-ID"));
	assert_int_equal(atoi(header(cancel, "CSeq")), atoi(header(invite, "CSeq")));
	assert_non_null(strstr(header(cancel, "CSeq"), " CANCEL"));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_RINGING, 180);
	assert_int_equal(rln_dialog_send_cancel(dialogs0, call), 0);
	reply(cancel, "200 OK", "bt", NULL, NULL);
	no_more_sent();
	no_more_events();
	reply(invite, "487 Request Terminated", "bt", NULL, NULL);
	next_sent("ACK ");
	progress_event(RLN_CALL_REFUSED, 487);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void terminate_cancels_a_ringing_call(void **state)
{
	(void)state;
	ring(SDP_ANSWER);
	publish_terminate(node0, call, 0);
	next_sent("CANCEL ");
	/* Released now: what comes is dealt with in silence. */
	rln_dialog_release(dialogs0, call);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 1);
	reply(invite, "487 Request Terminated", "bt", NULL, NULL);
	next_sent("ACK ");
	no_more_events();
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
}

static void cancel_crosses_the_answer(void **state)
{
	const struct rln_event *ev;

	(void)state;
	ring(SDP_ANSWER);
	assert_int_equal(rln_dialog_send_cancel(dialogs0, call), 0);
	next_sent("CANCEL ");
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	next_sent("ACK sip:bob@198.18.0.2:5070 ");
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
	ev = progress_event(RLN_CALL_LATE_ANSWER, 200);
	assert_slice(ev->call_state_changed.block, ev->call_state_changed.sdp, SDP_OFFER);
	no_more_events();
	no_more_sent();
	finish_by_bye();
}

/* The session let go before the late answer came: ACK and BYE all the same. */
static void a_late_answer_after_release(void **state)
{
	const char *bye;

	(void)state;
	strcpy(invite, start_call(SDP_ANSWER));
	rln_dialog_release(dialogs0, call);
	no_more_sent();
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	next_sent("ACK ");
	bye = next_sent("BYE ");
	reply(bye, "200 OK", "bt", NULL, NULL);
	no_more_events();
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
}

static void a_cancel_without_effect_is_given_up(void **state)
{
	(void)state;
	ring(SDP_ANSWER);
	publish_terminate(node0, call, 0);
	next_sent("CANCEL ");
	run_for(31900);
	no_more_events();
	run_for(200);
	progress_event(RLN_CALL_TIMED_OUT, 408);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void other_forks_are_hung_up(void **state)
{
	char bye[TEXT_MAX];

	(void)state;
	establish();
	reply(invite, "200 OK", "other", "Contact: <sip:carol@198.18.0.3:5071>\r\nRecord-Route: <sip:198.18.0.9;lr>\r\n",
		SDP_OFFER);
	strcpy(bye, next_sent("ACK sip:carol@198.18.0.3:5071 "));
	assert_header(bye, "To", "<sip:bob@198.18.0.2>;tag=other");
	assert_header(bye, "Route", "<sip:198.18.0.9;lr>");
	strcpy(bye, next_sent("BYE sip:carol@198.18.0.3:5071 "));
	assert_header(bye, "To", "<sip:bob@198.18.0.2>;tag=other");
	/* Its 2xx again: ACK, no second BYE. A third fork: both. */
	reply(invite, "200 OK", "other", "Contact: <sip:carol@198.18.0.3:5071>\r\n", SDP_OFFER);
	next_sent("ACK sip:carol@198.18.0.3:5071 ");
	no_more_sent();
	reply(invite, "200 OK", "third", "Contact: <sip:dave@198.18.0.4>\r\n", SDP_OFFER);
	next_sent("ACK sip:dave@198.18.0.4 ");
	next_sent("BYE sip:dave@198.18.0.4 ");
	reply(bye, "200 OK", "other", NULL, NULL);
	no_more_events();
	finish_by_bye();
}

static void a_late_offer_is_answered_in_the_ack(void **state)
{
	const struct rln_event *ev;
	const char *text = start_call(NULL);

	(void)state;
	strcpy(invite, text);
	assert_header(invite, "Content-Length", "0");
	assert_header(invite, "Accept", "application/sdp");
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	ev = next_event(RLN_EV_CALL_ESTABLISHED);
	assert_slice(ev->call_established.block, ev->call_established.sdp, SDP_OFFER);
	no_more_sent();
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER); /* it grows impatient; there is no answer yet */
	no_more_sent();
	assert_int_equal(rln_dialog_send_ack(dialogs0, call, SDP_ANSWER), 0);
	text = next_sent("ACK sip:bob@198.18.0.2:5070 ");
	assert_string_equal(body_of(text), SDP_ANSWER);
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	text = next_sent("ACK sip:bob@198.18.0.2:5070 ");
	assert_string_equal(body_of(text), SDP_ANSWER);
	assert_int_equal(rln_dialog_send_ack(dialogs0, call, SDP_ANSWER), -ENOTCONN);
	no_more_events();
	finish_by_bye();
}

static void a_late_offer_that_is_refused_gets_ack_and_bye(void **state)
{
	(void)state;
	strcpy(invite, start_call(NULL));
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	next_event(RLN_EV_CALL_ESTABLISHED);
	publish_terminate(node0, call, 0);
	assert_header(next_sent("ACK "), "Content-Length", "0");
	next_sent("BYE ");
}

static void our_reinvite(void **state)
{
	const struct rln_event *ev;
	char text[TEXT_MAX];

	(void)state;
	establish();
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), 0);
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), -EINPROGRESS);
	strcpy(text, next_sent("INVITE sip:bob@198.18.0.2:5070 SIP/2.0\r\n"));
	assert_header(text, "To", "<sip:bob@198.18.0.2>;tag=bt");
	assert_int_equal(atoi(header(text, "CSeq")), atoi(header(invite, "CSeq")) + 1);
	reply(text, "100 Trying", NULL, NULL, NULL);
	reply(text, "180 Ringing", "bt", NULL, NULL);
	no_more_events();
	/* The answer moves the target. */
	reply(text, "200 OK", "bt", "Contact: <sip:bob@198.18.0.2:5072>\r\n", SDP_OFFER);
	ev = next_event(RLN_EV_REINVITE_ACKED);
	assert_slice(ev->reinvite_acked.block, ev->reinvite_acked.sdp, SDP_OFFER);
	assert_int_equal(atoi(header(next_sent("ACK sip:bob@198.18.0.2:5072 "), "CSeq")), atoi(header(text, "CSeq")));
	reply(text, "200 OK", "bt", "Contact: <sip:bob@198.18.0.2:5072>\r\n", SDP_OFFER);
	next_sent("ACK sip:bob@198.18.0.2:5072 ");
	no_more_events();
	/* Refusals leave the dialog as it is. */
	static const struct {
		const char *status;
		enum rln_call_progress progress;
	} row[] = {{"488 Not Acceptable Here", RLN_CALL_REFUSED}, {"491 Request Pending", RLN_CALL_GLARE},
		{"481 No Such Call", RLN_CALL_REFUSED}, {"401 Unauthorized", RLN_CALL_REFUSED}, {"302 Moved", RLN_CALL_REFUSED}};
	for (unsigned i = 0; i < sizeof(row) / sizeof(*row); i++) {
		assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), 0);
		strcpy(text, next_sent("INVITE sip:bob@198.18.0.2:5072 "));
		reply(text, row[i].status, "bt", NULL, NULL);
		progress_event(row[i].progress, (unsigned)atoi(row[i].status));
		next_sent("ACK ");
		assert_int_equal(rln_dialog_get_state(dialogs0, call), RLN_DIALOG_CONFIRMED);
	}
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), 0);
	next_sent("INVITE ");
	run_for(32100);
	for (unsigned i = 0; i < 6; i++)
		next_sent("INVITE ");
	progress_event(RLN_CALL_TIMED_OUT, 408);
	no_more_events();
	finish_by_bye();
}

static void a_reinvite_that_the_network_loses(void **state)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(world.pool);

	(void)state;
	establish();
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), 0);
	next_sent("INVITE ");
	*rln_pkt(m) = (struct rln_pkt){.dst = addr_of(PEER_IP, 5070), .op = RLN_PKT_UNREACH, .error = EHOSTUNREACH};
	assert_int_equal(rte_ring_enqueue(node0->net.to_control[0], m), 0);
	assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error_code, EHOSTUNREACH);
	progress_event(RLN_CALL_REFUSED, 503);
	no_more_events();
	/* A BYE that cannot be sent still ends the call. */
	publish_terminate(node0, call, 0);
	next_sent("BYE ");
	m = rte_pktmbuf_alloc(world.pool);
	*rln_pkt(m) = (struct rln_pkt){.dst = addr_of(PEER_IP, 5070), .op = RLN_PKT_UNREACH, .error = EHOSTUNREACH};
	assert_int_equal(rte_ring_enqueue(node0->net.to_control[0], m), 0);
	assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error, RLN_FAULT_TRANSPORT);
	terminated_event(RLN_END_NETWORK, 0);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void in_dialog(const char *method, unsigned cseq, const char *extra, const char *body)
{
	static unsigned branch;
	char b[16];

	snprintf(b, sizeof(b), "uac%u", branch++);
	request(method, b, cseq, "<sip:bob@198.18.0.2>;tag=bt", header(invite, "From"), header(invite, "Call-ID"), extra, body);
}

static void the_peer_hangs_up(void **state)
{
	(void)state;
	establish();
	in_dialog("BYE", 1, NULL, NULL);
	assert_header(next_sent("SIP/2.0 200 "), "CSeq", "1 BYE");
	terminated_event(RLN_END_REMOTE, 0);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	assert_int_equal(rln_dialog_send_bye(dialogs0, call), -ENOTCONN);
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), -ENOTCONN);
	publish_terminate(node0, call, 0); /* the session's order crossed the event */
	no_more_events();
	no_more_sent();
	rln_dialog_release(dialogs0, call);
	in_dialog("BYE", 2, NULL, NULL);
	next_sent("SIP/2.0 481 ");
}

static void both_hang_up(void **state)
{
	char bye[TEXT_MAX];

	(void)state;
	establish();
	publish_terminate(node0, call, 0);
	strcpy(bye, next_sent("BYE "));
	in_dialog("BYE", 1, NULL, NULL);
	next_sent("SIP/2.0 200 ");
	terminated_event(RLN_END_REMOTE, 0);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	reply(bye, "481 Call/Transaction Does Not Exist", "bt", NULL, NULL);
	no_more_events();
	no_more_sent();
}

static void ends_of_our_bye(void **state)
{
	static const char *const status[] = {
		"200 OK", "481 No Such Call", "408 Request Timeout", "500 Server Error", "403 Forbidden"};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		establish();
		assert_int_equal(rln_dialog_send_bye(dialogs0, call), 0);
		assert_int_equal(rln_dialog_send_bye(dialogs0, call), 0);
		reply(next_sent("BYE "), status[i], "bt", NULL, NULL);
		terminated_event(RLN_END_NORMAL, (unsigned)atoi(status[i]));
		state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
		no_more_sent();
		rln_dialog_release(dialogs0, call);
	}
	establish();
	publish_terminate(node0, call, 0);
	run_for(31900);
	no_more_events();
	run_for(200);
	terminated_event(RLN_END_TIMEOUT, 408);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
}

/* Their BYE came while our re-INVITE was open: its 2xx still gets an ACK, and the slot waits for it. */
static void a_reinvite_outlives_the_dialog(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	establish();
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), 0);
	strcpy(text, next_sent("INVITE "));
	reply(text, "100 Trying", NULL, NULL, NULL);
	in_dialog("BYE", 1, NULL, NULL);
	next_sent("SIP/2.0 200 ");
	terminated_event(RLN_END_REMOTE, 0);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	rln_dialog_release(dialogs0, call);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 1);
	reply(text, "200 OK", "bt", BOB, SDP_OFFER);
	next_sent("ACK ");
	no_more_events();
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
	/* And when no final response ever comes, 64*T1 end it. */
	establish();
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), 0);
	reply(next_sent("INVITE "), "100 Trying", NULL, NULL, NULL);
	in_dialog("BYE", 2, NULL, NULL);
	rln_dialog_release(dialogs0, call);
	run_for(31900);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 1);
	run_for(200);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
}

/* Callees ought not to (15), but a 2xx can be lost for so long that their BYE is all that we see. */
static void a_bye_before_the_answer(void **state)
{
	(void)state;
	ring(SDP_ANSWER);
	in_dialog("BYE", 1, NULL, NULL);
	next_sent("SIP/2.0 200 ");
	next_sent("CANCEL ");
	terminated_event(RLN_END_REMOTE, 0);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_TERMINATED);
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	next_sent("ACK ");
	next_sent("BYE ");
	no_more_events();
}

static void requests_in_the_early_dialog(void **state)
{
	(void)state;
	ring(SDP_ANSWER);
	in_dialog("UPDATE", 1, BOB, SDP_OFFER); /* our offer is open, as the session knows */
	next_event(RLN_EV_REINVITE_RECEIVED);
	assert_false(rln_dialog_is_answered(dialogs0, call));
	assert_int_equal(rln_dialog_respond_offer(dialogs0, call, 491, NULL, NULL), 0);
	next_sent("SIP/2.0 491 ");
	in_dialog("UPDATE", 2, BOB, NULL);
	next_event(RLN_EV_REINVITE_RECEIVED);
	assert_int_equal(rln_dialog_respond_update(dialogs0, call, 200, NULL), 0);
	next_sent("SIP/2.0 200 ");
	in_dialog("MESSAGE", 3, NULL, NULL);
	assert_header(next_sent("SIP/2.0 405 "), "Allow", ALLOW);
	no_more_events();
}

static void addresses_that_lead_nowhere(void **state)
{
	static const struct {
		const char *from, *to;
		int error;
	} row[] = {{"", "sip:bob@" PEER_IP, EINVAL}, {"sip:alice@" OUR_IP, "", EINVAL},
		{"sip:alice@" OUR_IP, "sips:bob@" PEER_IP, EINVAL}, {"sip:alice@" OUR_IP, "tel:+4930123", EINVAL},
		{"sip:alice@" OUR_IP, "sip:bob@nowhere.invalid", EHOSTUNREACH},
		{"sip:alice@" OUR_IP, "sip:bob@0.0.0.0", EHOSTUNREACH}, {"sip:alice@" OUR_IP, "sip:bob@203.0.113.1", ENETUNREACH},
		{"sip:alice@" OUR_IP "\r\nX: y", "sip:bob@" PEER_IP, EINVAL},
		{"sip:alice@" OUR_IP, "sip:bob@" PEER_IP ";transport=tcp", EPROTONOSUPPORT}};
	char long_uri[2000];

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(*row); i++) {
		errno = 0;
		assert_int_equal(rln_dialog_create(dialogs0, row[i].from, row[i].to).v, 0);
		assert_int_equal(errno, row[i].error);
	}
	memset(long_uri, 'a', sizeof(long_uri) - 1);
	long_uri[sizeof(long_uri) - 1] = '\0';
	assert_int_equal(rln_dialog_create(dialogs0, long_uri, "bob@" PEER_IP).v, 0);
	for (unsigned i = 0; i < DIALOGS; i++)
		assert_true(rln_dialog_create(dialogs0, "alice@" OUR_IP, "\"Bob\" <sip:bob@" PEER_IP ">").v != 0);
	assert_int_equal(rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP).v, 0);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(rln_dialogs_in_use(dialogs0), DIALOGS);
}

static void another_port_of_ours(void **state)
{
	struct rln_addr local;
	const char *text;

	(void)state;
	call = rln_dialog_create(dialogs0, "\"Alice L.\" <sip:alice@example.test>", "sip:bob@" PEER_IP);
	assert_int_equal(rln_dialog_set_local_port(dialogs0, call, 5062), 0);
	assert_int_equal(rln_dialog_local_addr(dialogs0, call, &local), 0);
	assert_true(rln_addr_equal(&local, &(struct rln_addr){.ip = {[10] = 0xff, [11] = 0xff, [12] = 198, 18, 0, 1}}));
	publish_initiate(node0, call, SDP_ANSWER);
	text = next_sent("INVITE ");
	assert_int_equal(last_sent()->src.port, 5062);
	assert_header(text, "Contact", "<sip:alice@198.18.0.1:5062>");
	assert_non_null(strstr(header(text, "Via"), "198.18.0.1:5062;"));
	assert_non_null(strstr(header(text, "From"), "\"Alice L.\" <sip:alice@example.test>;tag="));
	strcpy(invite, text);
	reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
	next_sent("ACK ");
	assert_int_equal(last_sent()->src.port, 5062);
	assert_int_equal(rln_dialog_set_local_port(dialogs0, call, 5063), -EALREADY);
}

static void a_call_over_ipv6(void **state)
{
	struct rln_addr peer = addr_of("2001:db8::2", 5060);
	const char *text;

	(void)state;
	node0->net.addrs[node0->net.addrs_n++] = (struct rln_net_prefix){addr_of("2001:db8::1", 0), 64, 0};
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@[2001:db8::2]");
	publish_initiate(node0, call, SDP_ANSWER);
	text = next_sent("INVITE sip:bob@[2001:db8::2] ");
	assert_true(rln_addr_equal(&last_sent()->dst, &peer));
	assert_non_null(strstr(header(text, "Via"), "[2001:db8::1]:5060;"));
	assert_header(text, "Contact", "<sip:alice@[2001:db8::1]:5060>");
	strcpy(invite, text);
	reply(invite, "200 OK", "bt", "Contact: <sip:bob@[2001:db8::2]:5070>\r\n", SDP_OFFER);
	next_sent("ACK sip:bob@[2001:db8::2]:5070 ");
	assert_int_equal(last_sent()->dst.port, 5070);
}

/* This process, under loopback's name (requirements R114). */
static void a_call_to_ourselves(void **state)
{
	struct rln_addr local;

	(void)state;
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@127.0.0.1:5062");
	assert_true(call.v != 0);
	assert_int_equal(rln_dialog_local_addr(dialogs0, call, &local), 0);
	publish_initiate(node0, call, SDP_ANSWER);
	next_sent("INVITE sip:bob@127.0.0.1:5062 ");
	assert_sent_to("127.0.0.1", 5062);
}

static void nothing_sent_yet(void **state)
{
	(void)state;
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
	assert_int_equal(rln_dialog_send_bye(dialogs0, call), -ENOTCONN);
	assert_int_equal(rln_dialog_send_cancel(dialogs0, call), -ENOTCONN);
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), -ENOTCONN);
	assert_int_equal(rln_dialog_send_response(dialogs0, call, 200, NULL, NULL), -ENOTCONN);
	publish_terminate(node0, call, 0);
	terminated_event(RLN_END_NORMAL, 0);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	rln_dialog_release(dialogs0, call);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
	/* The handle is stale from here on. */
	assert_int_equal(rln_dialog_send_invite(dialogs0, call, NULL, NULL), -ENOENT);
	assert_int_equal(rln_dialog_send_bye(dialogs0, call), -ENOENT);
	assert_int_equal(rln_dialog_terminate(dialogs0, call, 0), -ENOENT);
	assert_null(rln_dialog_call_id(dialogs0, call));
	assert_null(rln_dialog_remote_uri(dialogs0, call));
	assert_null(rln_dialog_remote_target(dialogs0, call));
	assert_int_equal(rln_dialog_get_state(dialogs0, call), RLN_DIALOG_NONE);
	rln_dialog_release(dialogs0, call);
	publish_initiate(node0, call, SDP_ANSWER);
	publish_terminate(node0, call, 0);
	no_more_sent();
	no_more_events();
	/* Released before it was used. */
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
	rln_dialog_release(dialogs0, call);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
	no_more_events();
}

/* The Nth allocation fails, for every N: an error comes back or an event goes up, and nothing stays behind. */
static void memory_runs_out(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned nth = 1; failed; nth++) {
		assert_true(nth < 100);
		rln_heap_fail_nth(nth);
		call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
		if (call.v) {
			publish_initiate(node0, call, NULL);
			if (world.sent_read < world.sent_n) {
				strcpy(invite, next_sent("INVITE "));
				reply(invite, "180 Ringing", "bt", NULL, NULL);
				reply(invite, "200 OK", "bt", BOB, SDP_OFFER);
				rln_dialog_send_ack(dialogs0, call, SDP_ANSWER);
				publish_terminate(node0, call, 0);
			}
		} else {
			assert_int_equal(errno, ENOMEM);
		}
		failed = rln_heap_fail_nth(0);
		forget_call(call, 140000);
	}
}

/* No block is left for what we would send. */
static void blocks_run_out(void **state)
{
	rln_block_ref held[600];
	unsigned n = 0;

	(void)state;
	establish();
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
	while ((held[n] = rln_block_alloc(64)))
		n++;
	publish_initiate(node0, call, NULL);
	while (n)
		rln_block_release(held[--n]);
	assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error_code, ENOBUFS);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	no_more_sent();
}

/* Nor for a BYE: the call ends all the same. */
static void no_block_for_a_bye(void **state)
{
	rln_block_ref held[600];
	unsigned n = 0;

	(void)state;
	establish();
	while ((held[n] = rln_block_alloc(64)))
		n++;
	publish_terminate(node0, call, 0);
	while (n)
		rln_block_release(held[--n]);
	assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error, RLN_FAULT_TRANSACTION);
	terminated_event(RLN_END_NETWORK, 0);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
	no_more_sent();
}

static void transactions_run_out(void **state)
{
	struct rln_txns *txns = rln_transport_txns(node0->transport);
	struct rln_txn_id held[TXNS + 1];
	char branch[RLN_BRANCH_MAX];
	unsigned n = 0;

	(void)state;
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
	while ((held[n] = rln_txn_new_client(txns, RLN_SIP_OPTIONS, branch)).v)
		n++;
	publish_initiate(node0, call, SDP_ANSWER);
	while (n)
		rln_txn_drop(txns, held[--n]);
	assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error_code, ENOBUFS);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	no_more_sent();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_one, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_from_invite_to_bye),
		TEST(loose_routes_are_reversed),
		TEST(a_strict_route_takes_the_request_uri),
		TEST(names_in_contacts),
		TEST(routes_outlive_the_target),
		TEST(contacts_of_other_transports),
		TEST(refusals),
		TEST(a_challenged_call_tries_again),
		TEST(nobody_answers),
		TEST(the_network_fails),
		TEST(cancel_waits_for_a_provisional),
		TEST(terminate_cancels_a_ringing_call),
		TEST(cancel_crosses_the_answer),
		TEST(a_late_answer_after_release),
		TEST(a_cancel_without_effect_is_given_up),
		TEST(other_forks_are_hung_up),
		TEST(a_late_offer_is_answered_in_the_ack),
		TEST(a_late_offer_that_is_refused_gets_ack_and_bye),
		TEST(our_reinvite),
		TEST(a_reinvite_that_the_network_loses),
		TEST(the_peer_hangs_up),
		TEST(both_hang_up),
		TEST(ends_of_our_bye),
		TEST(a_reinvite_outlives_the_dialog),
		TEST(a_bye_before_the_answer),
		TEST(requests_in_the_early_dialog),
		TEST(addresses_that_lead_nowhere),
		TEST(another_port_of_ours),
		TEST(a_call_over_ipv6),
		TEST(a_call_to_ourselves),
		TEST(nothing_sent_yet),
		TEST(memory_runs_out),
		TEST(blocks_run_out),
		TEST(no_block_for_a_bye),
		TEST(transactions_run_out),
	};

	return cmocka_run_group_tests_name("sip_dialog_uac", tests, start_eal, stop_eal);
}
