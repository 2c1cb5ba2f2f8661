/* SPDX-License-Identifier: BSD-3-Clause */
/* Reliable provisional responses to an INVITE of ours (RFC 3262 4) from a scripted callee. */
#include "sip_dialog_fixture.h"

#define BOB     "Contact: <sip:bob@198.18.0.2:5070>\r\n"
#define SDP_OWN "v=0\r\no=- 2 3 IN IP4 198.18.0.1\r\ns=-\r\nc=IN IP4 198.18.0.1\r\nt=0 0\r\nm=audio 20002 RTP/AVP 0\r\n"

static struct rln_dialog_id call;
static char invite[TEXT_MAX];

static void start_call(const char *sdp)
{
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
	publish_initiate(node0, call, sdp);
	strcpy(invite, next_sent("INVITE "));
}

static void reliable(const char *status, const char *tag, unsigned rseq, const char *sdp)
{
	char extra[256];

	snprintf(extra, sizeof(extra), BOB "Require: 100rel\r\nRSeq: %u\r\n", rseq);
	reply(invite, status, tag, extra, sdp);
}

static const char *prack(unsigned rseq)
{
	const char *text = next_sent("PRACK sip:bob@198.18.0.2:5070 ");
	char rack[64];

	snprintf(rack, sizeof(rack), "%u %u INVITE", rseq, (unsigned)atoi(header(invite, "CSeq")));
	assert_header(text, "RAck", rack);
	assert_string_equal(header(text, "Call-ID"), header(invite, "Call-ID"));
	return text;
}

static void accepted(const char *tag, const char *sdp)
{
	reply(invite, "200 OK", tag, BOB, sdp);
	state_event(RLN_DIALOG_EARLY, RLN_DIALOG_CONFIRMED);
}

static void a_ringing_call(void **state)
{
	const char *text;
	unsigned cseq;

	(void)state;
	start_call(SDP_ANSWER);
	assert_non_null(strstr(header(invite, "Supported"), "100rel"));
	assert_null(nth_header(invite, "Require", 0));
	cseq = (unsigned)atoi(header(invite, "CSeq"));
	reliable("180 Ringing", "bt", 4711, NULL);
	text = prack(4711);
	assert_non_null(strstr(header(text, "To"), ";tag=bt"));
	assert_int_equal(atoi(header(text, "CSeq")), cseq + 1);
	assert_string_equal(body_of(text), "");
	assert_sent_to(PEER_IP, 5070);
	reply(text, "200 OK", NULL, NULL, NULL);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_RINGING, 180);
	reliable("180 Ringing", "bt", 4711, NULL); /* repeated: RFC 3262 4 */
	no_more_sent();
	reliable("182 Queued", "bt", 4713, NULL); /* 4712 is missing */
	no_more_sent();
	no_more_events();
	reliable("181 Forwarded", "bt", 4712, NULL);
	reply(prack(4712), "200 OK", NULL, NULL, NULL);
	progress_event(RLN_CALL_RINGING, 181);
	reliable("182 Queued", "bt", 4713, NULL);
	reply(prack(4713), "200 OK", NULL, NULL, NULL);
	progress_event(RLN_CALL_RINGING, 182);
	assert_false(rln_dialog_is_answered(dialogs0, call));
	accepted("bt", SDP_OFFER);
	assert_true(next_event(RLN_EV_CALL_ESTABLISHED)->call_established.sdp.len > 0);
	assert_int_equal(atoi(header(next_sent("ACK "), "CSeq")), cseq);
	publish_terminate(node0, call, 0);
	assert_int_equal(atoi(header(next_sent("BYE "), "CSeq")), cseq + 4);
}

/* The answer came with the 183: what the 2xx says of media no longer counts (13.2.1). */
static void the_answer_comes_early(void **state)
{
	const struct rln_event *ev;

	(void)state;
	start_call(SDP_ANSWER);
	reply(invite, "183 Session Progress", "bt", "Require: 100rel\r\n", NULL); /* no RSeq: an ordinary one */
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_RINGING, 183);
	reliable("183 Session Progress", "bt", 1, SDP_OFFER);
	ev = progress_event(RLN_CALL_PROGRESS, 183);
	assert_slice(ev->call_state_changed.block, ev->call_state_changed.sdp, SDP_OFFER);
	reply(prack(1), "200 OK", NULL, NULL, NULL);
	assert_true(rln_dialog_is_answered(dialogs0, call));
	accepted("bt", SDP_OWN);
	assert_int_equal(next_event(RLN_EV_CALL_ESTABLISHED)->call_established.sdp.len, 0);
	next_sent("ACK ");
	assert_true(rln_dialog_is_answered(dialogs0, call));
}

/* RFC 3311 5.2: an offer in the early dialog, once the first exchange is complete. */
static void the_callee_updates_early(void **state)
{
	const struct rln_event *ev;
	char from[128], to[128];

	(void)state;
	start_call(SDP_ANSWER);
	reliable("183 Session Progress", "bt", 1, SDP_OFFER);
	reply(prack(1), "200 OK", NULL, NULL, NULL);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_PROGRESS, 183);
	snprintf(from, sizeof(from), "%s;tag=bt", header(invite, "To"));
	strcpy(to, header(invite, "From"));
	request("UPDATE", "early", 7, from, to, header(invite, "Call-ID"), "Contact: <sip:bob@198.18.0.2:5099>\r\n", SDP_OFFER);
	ev = next_event(RLN_EV_REINVITE_RECEIVED);
	assert_int_equal(ev->reinvite_received.method, RLN_SIP_UPDATE);
	assert_int_equal(rln_dialog_respond_offer(dialogs0, call, 200, SDP_OWN, NULL), 0);
	assert_string_equal(body_of(next_sent("SIP/2.0 200 ")), SDP_OWN);
	assert_int_equal(rln_dialog_send_cancel(dialogs0, call), 0);
	next_sent("CANCEL sip:bob@198.18.0.2 "); /* the Request-URI of the INVITE (9.1) */
}

static void a_late_offer_in_a_183(void **state)
{
	const char *text;

	(void)state;
	start_call(NULL);
	reliable("183 Session Progress", "bt", 9, SDP_OFFER);
	no_more_sent(); /* the session answers first */
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_PROGRESS, 183);
	reliable("183 Session Progress", "bt", 9, SDP_OFFER);
	no_more_sent();
	assert_true(rln_dialog_is_answer_owed(dialogs0, call));
	assert_int_equal(rln_dialog_send_ack(dialogs0, call, SDP_ANSWER), 0);
	assert_false(rln_dialog_is_answer_owed(dialogs0, call));
	text = prack(9);
	assert_string_equal(body_of(text), SDP_ANSWER);
	assert_header(text, "Content-Type", "application/sdp");
	reply(text, "200 OK", NULL, NULL, NULL);
	assert_true(rln_dialog_is_answered(dialogs0, call));
	assert_int_equal(rln_dialog_send_ack(dialogs0, call, SDP_ANSWER), -ENOTCONN);
	accepted("bt", SDP_OFFER);
	assert_int_equal(next_event(RLN_EV_CALL_ESTABLISHED)->call_established.sdp.len, 0);
	assert_string_equal(body_of(next_sent("ACK ")), "");
	no_more_events();
}

/* A 2xx that ought to have waited for our answer: it goes into the ACK. */
static void a_2xx_overtakes_the_answer(void **state)
{
	(void)state;
	start_call(NULL);
	reliable("183 Session Progress", "bt", 9, SDP_OFFER);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_PROGRESS, 183);
	accepted("bt", NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	no_more_sent();
	assert_int_equal(rln_dialog_send_ack(dialogs0, call, SDP_ANSWER), 0);
	assert_string_equal(body_of(next_sent("ACK ")), SDP_ANSWER);
}

static void each_fork_counts_for_itself(void **state)
{
	(void)state;
	start_call(SDP_ANSWER);
	reliable("183 Session Progress", "one", 5, SDP_OFFER);
	assert_non_null(strstr(header(prack(5), "To"), ";tag=one"));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_PROGRESS, 183);
	reliable("180 Ringing", "two", 900, NULL);
	assert_non_null(strstr(header(prack(900), "To"), ";tag=two"));
	progress_event(RLN_CALL_RINGING, 180);
	reliable("180 Ringing", "one", 6, NULL);
	prack(6);
	progress_event(RLN_CALL_RINGING, 180);
	/* The second answers: its description is the first that it sends. */
	accepted("two", SDP_OWN);
	assert_true(next_event(RLN_EV_CALL_ESTABLISHED)->call_established.sdp.len > 0);
	next_sent("ACK ");
}

static void more_forks_than_we_remember(void **state)
{
	char tag[8];

	(void)state;
	start_call(SDP_ANSWER);
	for (unsigned i = 0; i < 2 * RLN_DIALOG_FORKS; i++) {
		snprintf(tag, sizeof(tag), "f%u", i);
		reliable("180 Ringing", tag, i + 1, NULL);
		prack(i + 1);
	}
}

static void a_challenged_prack(void **state)
{
	const char *text;

	(void)state;
	start_call(SDP_ANSWER);
	reliable("180 Ringing", "bt", 3, NULL);
	reply(prack(3), "401 Unauthorized", NULL,
		"WWW-Authenticate: Digest realm=\"example.test\", nonce=\"n\", qop=\"auth\"\r\n", NULL);
	text = prack(3);
	assert_non_null(strstr(header(text, "Authorization"), "username=\"alice\""));
	assert_non_null(strstr(header(text, "To"), ";tag=bt"));
	reply(text, "481 Unknown", NULL, NULL, NULL); /* nothing that the call's end would hang on */
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_RINGING, 180);
	no_more_events();
}

/* The PRACK has a timer F of its own; the call does not end with it. */
static void a_prack_without_answer(void **state)
{
	unsigned n = 0;

	(void)state;
	start_call(SDP_ANSWER);
	reliable("180 Ringing", "bt", 3, NULL);
	prack(3);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_RINGING, 180);
	run_for(33000);
	for (; world.sent_read < world.sent_n; n++)
		prack(3);
	assert_int_equal(n, 10);
	no_more_events();
	reply(invite, "504 Server Time-out", "bt", NULL, NULL);
	progress_event(RLN_CALL_REFUSED, 504);
}

static void no_memory_for_a_prack(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned nth = 1; failed; nth++) {
		assert_true(nth < 20);
		start_call(SDP_ANSWER);
		rln_heap_fail_nth(nth);
		reliable("183 Session Progress", "bt", 3, SDP_OFFER);
		failed = rln_heap_fail_nth(0);
		reliable("183 Session Progress", "bt", 3, SDP_OFFER); /* its repetition */
		run_for(600);                                         /* or that of the PRACK */
		state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
		progress_event(RLN_CALL_PROGRESS, 183);
		no_more_events();
		prack(3);
		world.sent_read = world.sent_n;
		rln_dialog_release(dialogs0, call);
		run_for(140000);
		world.sent_read = world.sent_n;
		node0->events_read = node0->events_n;
	}
}

static void required_of_the_callee(void **state)
{
	(void)state;
	start_call(SDP_ANSWER);
	assert_header(invite, "Require", "100rel");
	reply(invite, "420 Bad Extension", "bt", "Unsupported: 100rel\r\n", NULL);
	progress_event(RLN_CALL_REFUSED, 420);
}

static void off(void **state)
{
	(void)state;
	start_call(SDP_ANSWER);
	assert_null(strstr(header(invite, "Supported"), "100rel"));
	reliable("180 Ringing", "bt", 3, NULL); /* all the same: the callee waits for it */
	prack(3);
}

static int start(enum rln_reliable_mode mode)
{
	world.reliable = mode;
	world_start(1);
	world.reliable = RLN_RELIABLE_OFF;
	return 0;
}

static int start_supported(void **state)
{
	(void)state;
	return start(RLN_RELIABLE_SUPPORTED);
}

static int start_required(void **state)
{
	(void)state;
	return start(RLN_RELIABLE_REQUIRED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_supported, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ringing_call),
		TEST(the_answer_comes_early),
		TEST(the_callee_updates_early),
		TEST(a_late_offer_in_a_183),
		TEST(a_2xx_overtakes_the_answer),
		TEST(each_fork_counts_for_itself),
		TEST(more_forks_than_we_remember),
		TEST(a_challenged_prack),
		TEST(a_prack_without_answer),
		TEST(no_memory_for_a_prack),
		cmocka_unit_test_setup_teardown(required_of_the_callee, start_required, end_world),
		cmocka_unit_test_setup_teardown(off, start_one, end_world),
	};

	return cmocka_run_group_tests_name("sip_dialog_prack", tests, start_eal, stop_eal);
}
