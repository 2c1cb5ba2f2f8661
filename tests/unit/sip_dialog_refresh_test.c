/* SPDX-License-Identifier: BSD-3-Clause */
/* Session timers (RFC 4028): who refreshes, when and how, what a refusal does, and what happens when nobody does. */
#include "sip_dialog_callee.h"

#define UPDATES "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n"
#define OLD     "Allow: INVITE, ACK, BYE, CANCEL\r\n" /* no UPDATE */
#define TIMER   "Supported: timer\r\n"
#define SDP_NEW "v=0\r\no=- 2 3 IN IP4 198.18.0.1\r\ns=-\r\nc=IN IP4 198.18.0.1\r\nt=0 0\r\nm=audio 20002 RTP/AVP 0\r\n"

static char invite[TEXT_MAX];

/* ---- we are called ---- */

static const char *answered(const char *extra)
{
	char all[512];
	const char *text;

	snprintf(all, sizeof(all), BOB "%s", extra);
	incoming_with(all, SDP_OFFER);
	respond(200, SDP_ANSWER);
	text = next_sent("SIP/2.0 200 ");
	note_tag(text);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
	return text;
}

static void expired(void)
{
	const struct rln_event *ev = next_event(RLN_EV_DIALOG_ERROR);

	assert_int_equal(ev->dialog_error.error, RLN_FAULT_SESSION_EXPIRED);
	assert_int_equal(ev->dialog_error.error_code, 408);
	no_more_events();
}

static void hang_up(void)
{
	publish_terminate(node0, call, 0);
	reply(next_sent("BYE "), "200 OK", NULL, NULL, NULL);
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	run_for(2000000);
	no_more_sent();
	no_more_events();
}

static void the_caller_refreshes(void **state)
{
	const char *text;

	(void)state;
	text = answered(TIMER "Session-Expires: 600\r\n");
	assert_header(text, "Session-Expires", "600;refresher=uac");
	assert_header(text, "Require", "timer");
	assert_non_null(strstr(header(text, "Supported"), "timer"));
	run_for(500000);
	from_peer("UPDATE", 11, BOB TIMER "Session-Expires: 600;refresher=uac\r\n", NULL);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond_update(200);
	assert_header(next_sent("SIP/2.0 200 "), "Session-Expires", "600;refresher=uac");
	assert_header(last_sent()->text, "Require", "timer");
	run_for(500000);
	no_more_events();
	from_peer("INVITE", 12, BOB TIMER "x: 600;refresher=uac\r\n", SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond_offer(200, SDP_ANSWER);
	assert_header(next_sent("SIP/2.0 200 "), "Session-Expires", "600;refresher=uac");
	from_peer("ACK", 12, NULL, NULL);
	/* Then no more: 32 s before the end (R182e). */
	run_for(567990);
	no_more_events();
	run_for(20);
	expired();
	no_more_sent();
	hang_up();
}

/* A third of a short interval. */
static void a_short_interval(void **state)
{
	(void)state;
	assert_header(answered(TIMER "Session-Expires: 90\r\nMin-SE: 90\r\n"), "Session-Expires", "90;refresher=uac");
	run_for(59990);
	no_more_events();
	run_for(20);
	expired();
	hang_up();
}

static const char *update(void)
{
	const char *text = next_sent("UPDATE sip:bob@198.18.0.2:5070 ");

	assert_string_equal(body_of(text), "");
	header(text, "Contact");
	return text;
}

/* The last repetition of the request that is under way. */
static const char *latest_update(void)
{
	world.sent_read = world.sent_n - 1;
	return update();
}

static void we_refresh_by_update(void **state)
{
	const char *text;

	(void)state;
	text = answered(TIMER UPDATES "Session-Expires: 600;refresher=uas\r\n");
	assert_header(text, "Session-Expires", "600;refresher=uas");
	run_for(299990);
	no_more_sent();
	run_for(20);
	text = update();
	assert_header(text, "Session-Expires", "600;refresher=uac");
	reply(text, "200 OK", NULL, "Contact: <sip:bob@198.18.0.2:5070>\r\nSession-Expires: 400;refresher=uac\r\n", NULL);
	run_for(199990);
	no_more_sent();
	run_for(20);
	/* It is the peer's turn from now on. */
	reply(update(), "200 OK", NULL, "Session-Expires: 600;refresher=uas\r\n", NULL);
	run_for(567000);
	no_more_sent();
	no_more_events();
	run_for(2000);
	expired();
	hang_up();
}

/* The peer's Allow lacks UPDATE: the description that counts goes once more. */
static void we_refresh_by_reinvite(void **state)
{
	const char *text;

	(void)state;
	answered(TIMER OLD "Session-Expires: 600;refresher=uas\r\n");
	run_for(300010);
	text = next_sent("INVITE sip:bob@198.18.0.2:5070 ");
	assert_string_equal(body_of(text), SDP_ANSWER);
	assert_header(text, "Session-Expires", "600;refresher=uac");
	reply(text, "200 OK", NULL, BOB "Session-Expires: 600;refresher=uac\r\n", SDP_OFFER);
	next_sent("ACK ");
	assert_true(next_event(RLN_EV_REINVITE_ACKED)->reinvite_acked.sdp.len > 0);
	/* The session's own offer refreshes too, and counts once it is accepted. */
	run_for(200000);
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_NEW), 0);
	reply(next_sent("INVITE "), "200 OK", NULL, BOB "Session-Expires: 600;refresher=uac\r\n", SDP_OFFER);
	next_sent("ACK ");
	next_event(RLN_EV_REINVITE_ACKED);
	run_for(150000);
	no_more_sent();
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_OFFER), 0);
	reply(next_sent("INVITE "), "488 Not Acceptable Here", NULL, NULL, NULL);
	next_sent("ACK ");
	progress_event(RLN_CALL_REFUSED, 488);
	run_for(150010);
	assert_string_equal(body_of(next_sent("INVITE ")), SDP_NEW);
	no_more_events();
}

/* For a caller that knows nothing of timers we refresh alone. */
static void a_caller_without_timers(void **state)
{
	const char *text;

	(void)state;
	text = answered(UPDATES);
	assert_header(text, "Session-Expires", "1800;refresher=uas");
	assert_null(nth_header(text, "Require", 0));
	run_for(900010);
	reply(update(), "200 OK", NULL, NULL, NULL); /* without Session-Expires it ends there (RFC 4028 7.2) */
	run_for(4000000);
	no_more_sent();
	no_more_events();
}

static void no_timer_unless_asked(void **state)
{
	(void)state;
	assert_null(nth_header(answered(TIMER), "Session-Expires", 0));
	run_for(4000000);
	no_more_sent();
	finish();
}

static void intervals(void **state)
{
	static const struct {
		const char *extra, *want;
	} rows[] = {
		{TIMER "Session-Expires: 7200\r\n", "1800;refresher=uac"}, /* ours is shorter */
		{TIMER "Session-Expires: 7200\r\nMin-SE: 3600\r\n", "3600;refresher=uac"},
		{TIMER "Min-SE: 2000\r\n", "2000;refresher=uac"},
		{TIMER "Session-Expires: 500;refresher=UAS\r\n", "500;refresher=uas"},
		{TIMER "Session-Expires: 500 ; refresher = uac\r\n", "500;refresher=uac"},
		{TIMER "Session-Expires: 500;refresher=nobody\r\n", "500;refresher=uac"},
		{"Session-Expires: 50;refresher=uac\r\n", "200;refresher=uas"}, /* a proxy's, for a caller that cannot */
		{TIMER "Session-Expires: 99999999999999999999\r\n", NULL},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char id[16], extra[256];
		const char *text;

		snprintf(id, sizeof(id), "se%u", i);
		snprintf(extra, sizeof(extra), BOB "%s", rows[i].extra);
		request("INVITE", id, 1, FROM, "<sip:alice@198.18.0.1>", id, extra, SDP_OFFER);
		if (!rows[i].want) {
			next_sent("SIP/2.0 422 ");
			continue;
		}
		call.v = node0->events[node0->events_n - 1].id;
		respond(200, SDP_ANSWER);
		text = next_sent("SIP/2.0 200 ");
		assert_header(text, "Session-Expires", rows[i].want);
		request("ACK", id, 1, FROM, header(text, "To"), id, NULL, NULL);
		request("BYE", "bye", 2, FROM, header(text, "To"), id, NULL, NULL);
		world.sent_read = world.sent_n;
		rln_dialog_release(dialogs0, call);
		run_for(40000);
	}
}

static void too_small(void **state)
{
	(void)state;
	strcpy(to, "<sip:alice@198.18.0.1>");
	from_peer("INVITE", 10, BOB TIMER "Session-Expires: 199\r\n", SDP_OFFER);
	assert_header(next_sent("SIP/2.0 422 "), "Min-SE", "200");
	no_more_events();
	answered(TIMER "Session-Expires: 200\r\n");
	from_peer("UPDATE", 11, BOB TIMER "Session-Expires: 199\r\n", NULL);
	assert_header(next_sent("SIP/2.0 422 "), "Min-SE", "200");
	from_peer("INVITE", 12, BOB TIMER "Session-Expires: x\r\n", SDP_OFFER);
	assert_header(next_sent("SIP/2.0 422 "), "Min-SE", "200");
	from_peer("ACK", 12, NULL, NULL);
	no_more_events();
	finish();
}

/* ---- refusals of our refresh ---- */

static void ours(const char *allow)
{
	char extra[256];

	snprintf(extra, sizeof(extra), TIMER "%sSession-Expires: 600;refresher=uas\r\n", allow);
	answered(extra);
	run_for(300010);
}

static void a_refresh_that_is_refused(void **state)
{
	(void)state;
	ours(UPDATES);
	reply(update(), "500 Server Internal Error", NULL, NULL, NULL);
	run_for(133900); /* half of what is left until 568 s */
	no_more_sent();
	run_for(200);
	reply(update(), "491 Request Pending", NULL, NULL, NULL);
	run_for(2010); /* theirs is the Call-ID: 0 to 2 s (RFC 3261 14.1) */
	reply(latest_update(), "401 Unauthorized", NULL,
		"WWW-Authenticate: Digest realm=\"example.test\", nonce=\"n\", qop=\"auth\"\r\n", NULL);
	header(update(), "Authorization");
	reply(last_sent()->text, "200 OK", NULL, "Session-Expires: 600;refresher=uac\r\n", NULL);
	run_for(299000);
	no_more_sent();
	run_for(1010);
	reply(update(), "481 Gone", NULL, NULL, NULL);
	expired();
	hang_up();
}

static void a_refresh_whose_interval_is_too_small(void **state)
{
	const char *text;

	(void)state;
	ours(UPDATES);
	reply(update(), "422 Session Interval Too Small", NULL, "Min-SE: 900\r\n", NULL);
	run_for(10);
	text = update();
	assert_header(text, "Session-Expires", "900;refresher=uac");
	assert_header(text, "Min-SE", "900");
	reply(text, "200 OK", NULL, "Session-Expires: 900;refresher=uac\r\n", NULL);
	run_for(449000);
	no_more_sent();
	run_for(1010);
	reply(update(), "422 Session Interval Too Small", NULL, "Min-SE: 900\r\n", NULL); /* we said that: no use */
	run_for(1000);
	no_more_sent();
	no_more_events();
}

static void a_refresh_without_answer(void **state)
{
	(void)state;
	ours(UPDATES);
	run_for(32500);
	expired();
	world.sent_read = world.sent_n;
	hang_up();
}

static void a_reinvite_refresh_without_answer(void **state)
{
	(void)state;
	ours(OLD);
	run_for(32500);
	expired();
	world.sent_read = world.sent_n;
	hang_up();
}

/* Offers of either side and our own refresh, of which the session knows no more than that an INVITE is open. */
static void a_refresh_meets_offers(void **state)
{
	char refresh[TEXT_MAX];

	(void)state;
	ours(OLD);
	strcpy(refresh, next_sent("INVITE "));
	assert_true(rln_dialog_is_invite_open(dialogs0, call)); /* so the session says 491 */
	from_peer("INVITE", 11, BOB TIMER, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond_offer(491, NULL);
	next_sent("SIP/2.0 491 ");
	same_branch("ACK", 11, NULL);
	from_peer("UPDATE", 12, BOB TIMER, SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond_offer(491, NULL);
	next_sent("SIP/2.0 491 ");
	from_peer("UPDATE", 13, BOB TIMER, NULL);
	next_event(RLN_EV_REINVITE_RECEIVED);
	respond_update(200);
	next_sent("SIP/2.0 200 ");
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_NEW), 0); /* once the refresh is over */
	no_more_sent();
	reply(refresh, "200 OK", NULL, BOB "Session-Expires: 600;refresher=uac\r\n", SDP_OFFER);
	next_sent("ACK ");
	assert_string_equal(body_of(next_sent("INVITE ")), SDP_NEW);
	no_more_events(); /* the refresh's answer is not that of the session's offer */
	reply(last_sent()->text, "200 OK", NULL, BOB "Session-Expires: 600;refresher=uac\r\n", SDP_OFFER);
	next_sent("ACK ");
	next_event(RLN_EV_REINVITE_ACKED);
	/* Refused, the session's offer goes all the same. */
	run_for(300010);
	strcpy(refresh, next_sent("INVITE "));
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), 0);
	reply(refresh, "503 Service Unavailable", NULL, NULL, NULL);
	next_sent("ACK ");
	assert_string_equal(body_of(next_sent("INVITE ")), SDP_ANSWER);
	no_more_events();
}

/* An offer of theirs is open when the refresh is due: it waits for that, whose 2xx refreshes. */
static void a_refresh_waits_for_offers(void **state)
{
	(void)state;
	answered(TIMER UPDATES "Session-Expires: 600;refresher=uas\r\n");
	from_peer("INVITE", 11, BOB TIMER "Session-Expires: 600;refresher=uas\r\n", SDP_OFFER);
	next_event(RLN_EV_REINVITE_RECEIVED);
	run_for(310000);
	next_sent("SIP/2.0 100 ");
	no_more_sent();
	respond_offer(200, SDP_ANSWER);
	next_sent("SIP/2.0 200 ");
	from_peer("ACK", 11, NULL, NULL);
	run_for(299000);
	no_more_sent();
	run_for(1100);
	update();
}

/* ---- we call ---- */

static void start_call(const char *sdp)
{
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
	publish_initiate(node0, call, sdp);
	strcpy(invite, next_sent("INVITE "));
}

static void accepted(const char *extra)
{
	char all[512];

	snprintf(all, sizeof(all), BOB "%s", extra);
	reply(invite, "200 OK", "bt", all, SDP_OFFER);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	next_event(RLN_EV_CALL_ESTABLISHED);
	next_sent("ACK ");
}

static void our_call(void **state)
{
	const char *text;

	(void)state;
	start_call(SDP_ANSWER);
	assert_header(invite, "Session-Expires", "1800");
	assert_header(invite, "Min-SE", "200"); /* the config's */
	accepted(UPDATES "Require: timer\r\nSession-Expires: 1000;refresher=uac\r\n");
	run_for(500010);
	text = update();
	assert_header(text, "Session-Expires", "1000;refresher=uac");
	reply(text, "491 Request Pending", NULL, NULL, NULL);
	run_for(2090); /* ours is the Call-ID: 2.1 to 4 s */
	no_more_sent();
	run_for(1920);
	reply(latest_update(), "200 OK", NULL, "Session-Expires: 1000;refresher=uac\r\n", NULL);
	hang_up();
}

static void the_callee_refreshes(void **state)
{
	(void)state;
	start_call(SDP_ANSWER);
	accepted(UPDATES "Session-Expires: 1000;refresher=uas\r\n");
	run_for(967990);
	no_more_sent();
	no_more_events();
	run_for(20);
	expired();
	hang_up();
}

static void a_callee_without_timers(void **state)
{
	(void)state;
	start_call(SDP_ANSWER);
	accepted("");
	run_for(5000000);
	no_more_sent();
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_NEW), 0);
	assert_null(nth_header(next_sent("INVITE "), "Session-Expires", 0));
}

static void a_callee_without_update(void **state)
{
	(void)state;
	start_call(SDP_ANSWER);
	accepted("Session-Expires: 1000;refresher=uac\r\n"); /* no Allow at all */
	run_for(500010);
	assert_string_equal(body_of(next_sent("INVITE ")), SDP_ANSWER);
}

/* The last description was the answer in the ACK. */
static void a_late_offer_is_refreshed(void **state)
{
	(void)state;
	start_call(NULL);
	reply(invite, "200 OK", "bt", BOB OLD "Session-Expires: 1000;refresher=uac\r\n", SDP_OFFER);
	assert_int_equal(rln_dialog_send_ack(dialogs0, call, SDP_NEW), 0);
	next_sent("ACK ");
	run_for(500010);
	assert_string_equal(body_of(next_sent("INVITE ")), SDP_NEW);
}

static void our_first_invite_is_too_short(void **state)
{
	(void)state;
	start_call(SDP_ANSWER);
	reply(invite, "422 Session Interval Too Small", "bt", "Min-SE: 3000\r\n", NULL);
	next_sent("ACK ");
	progress_event(RLN_CALL_INTERVAL_TOO_SMALL, 422);
	assert_true(rln_dialog_can_retry(dialogs0, call));
	publish_initiate(node0, call, SDP_ANSWER);
	strcpy(invite, next_sent("INVITE "));
	assert_header(invite, "Session-Expires", "3000");
	assert_header(invite, "Min-SE", "3000");
	accepted("Session-Expires: 3000;refresher=uas\r\n");
	/* A re-INVITE of the session's repeats itself. */
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_NEW), 0);
	strcpy(invite, next_sent("INVITE "));
	assert_header(invite, "Session-Expires", "3000;refresher=uas");
	reply(invite, "422 Session Interval Too Small", NULL, "Min-SE: 4000\r\n", NULL);
	next_sent("ACK ");
	strcpy(invite, next_sent("INVITE "));
	assert_header(invite, "Session-Expires", "4000;refresher=uas");
	assert_string_equal(body_of(invite), SDP_NEW);
	no_more_events();
}

/* The Nth allocation fails, for every N: either the order fails, or the refresh comes. */
static void memory_runs_out(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned nth = 1; failed; nth++) {
		char id[32], tag[128];

		assert_true(nth < 50);
		snprintf(id, sizeof(id), "oom%u", nth);
		request("INVITE", id, 1, FROM, "<sip:alice@198.18.0.1>", id,
			BOB TIMER OLD "Session-Expires: 600;refresher=uas\r\n", SDP_OFFER);
		call.v = next_event(RLN_EV_INCOMING_CALL)->id;
		rln_heap_fail_nth(nth);
		if (rln_dialog_send_response(dialogs0, call, 200, SDP_ANSWER, NULL) != 0) {
			failed = rln_heap_fail_nth(0);
			rln_dialog_release(dialogs0, call);
		} else {
			pump();
			failed = rln_heap_fail_nth(0);
			run_for(600);
			strcpy(tag, header(next_sent("SIP/2.0 200 "), "To"));
			request("ACK", id, 1, FROM, tag, id, NULL, NULL);
			world.sent_read = world.sent_n;
			run_for(300000);
			assert_string_equal(body_of(next_sent("INVITE ")), SDP_ANSWER);
			rln_dialog_release(dialogs0, call);
		}
		run_for(140000);
		assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
		world.sent_read = world.sent_n;
		node0->events_read = node0->events_n;
	}
}

/* The refresh itself finds no memory: a second later it is sent. */
static void no_memory_for_a_refresh(void **state)
{
	(void)state;
	answered(TIMER UPDATES "Session-Expires: 600;refresher=uas\r\n");
	run_for(299980);
	rln_heap_fail_nth(1);
	run_for(100);
	assert_true(rln_heap_fail_nth(0));
	no_more_sent();
	run_for(1000);
	update();
}

static int start_timers(void **state)
{
	(void)state;
	world.session_expires_s = 1800;
	world.min_se_s = 200;
	world_start(1);
	world.session_expires_s = world.min_se_s = 0;
	return 0;
}

static int start_short(void **state)
{
	(void)state;
	world.session_expires_s = 1800;
	world_start(1);
	world.session_expires_s = 0;
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_timers, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_caller_refreshes),
		cmocka_unit_test_setup_teardown(a_short_interval, start_short, end_world),
		TEST(we_refresh_by_update),
		TEST(we_refresh_by_reinvite),
		TEST(a_caller_without_timers),
		cmocka_unit_test_setup_teardown(no_timer_unless_asked, start_one, end_world),
		TEST(intervals),
		TEST(too_small),
		TEST(a_refresh_that_is_refused),
		TEST(a_refresh_whose_interval_is_too_small),
		TEST(a_refresh_without_answer),
		TEST(a_reinvite_refresh_without_answer),
		TEST(a_refresh_meets_offers),
		TEST(a_refresh_waits_for_offers),
		TEST(our_call),
		TEST(the_callee_refreshes),
		TEST(a_callee_without_timers),
		TEST(a_callee_without_update),
		TEST(a_late_offer_is_refreshed),
		TEST(our_first_invite_is_too_short),
		TEST(memory_runs_out),
		TEST(no_memory_for_a_refresh),
	};

	return cmocka_run_group_tests_name("sip_dialog_refresh", tests, start_eal, stop_eal);
}
