/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Refusals that can be met, against a scripted peer: challenges of the first INVITE and of requests inside the dialog,
 * intervals that are too small, redirections. Answers to challenges are checked with the same arithmetic that the peer
 * would use; sip_digest_test.c checks the arithmetic.
 */
#include "sip/digest.h"
#include "sip_dialog_fixture.h"

#define BOB          "Contact: <sip:bob@198.18.0.2:5060>\r\n"
#define ASKS         "WWW-Authenticate: Digest realm=\"example.test\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n"
#define ASKS_AGAIN   "WWW-Authenticate: Digest realm=\"example.test\", nonce=\"n2\", qop=\"auth\", algorithm=SHA-256\r\n"
#define STALE        "WWW-Authenticate: Digest realm=\"example.test\", nonce=\"n3\", qop=\"auth\", stale=true, algorithm=SHA-256\r\n"
#define PROXY_ASKS   "Proxy-Authenticate: Digest realm=\"proxy.test\", nonce=\"p1\"\r\n"
#define STRANGE_ASKS "WWW-Authenticate: Digest realm=\"elsewhere\", nonce=\"n1\"\r\n"

static struct rln_dialog_id call;
static char invite[TEXT_MAX];

static void start_call(void)
{
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
	assert_true(call.v != 0);
	publish_initiate(node0, call, SDP_OFFER);
	strcpy(invite, next_sent("INVITE "));
}

/* The session tries again, as its row for a refusal that can be met does. */
static void try_again(void)
{
	assert_true(rln_dialog_can_retry(dialogs0, call));
	publish_initiate(node0, call, SDP_OFFER);
	strcpy(invite, next_sent("INVITE "));
}

static void refuse(const char *status, enum rln_call_progress progress, const char *extra)
{
	reply(invite, status, "c", extra, NULL);
	progress_event(progress, (unsigned)atoi(status));
	next_sent("ACK ");
	no_more_events();
}

static void answer(const char *record_route)
{
	char extra[512];

	snprintf(extra, sizeof(extra), BOB "%s", record_route ? record_route : "");
	reply(invite, "200 OK", "bt", extra, SDP_ANSWER);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	next_event(RLN_EV_CALL_ESTABLISHED);
}

static void end_refused(void)
{
	assert_false(rln_dialog_can_retry(dialogs0, call));
	publish_terminate(node0, call, 0);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	no_more_events();
	no_more_sent();
}

static struct rln_span param(const char *value, const char *name)
{
	static char params[8][1024];
	static unsigned turn;
	struct rln_span found;
	char *text = params[turn++ % 8], *at = text;

	/* Its commas are ours, not a list's: no value of ours has one. */
	at += snprintf(text, 1024, ";%s", value + strlen("Digest "));
	while (at-- > text) {
		if (*at == ',')
			*at = ';';
	}
	if (!rln_sip_param(rln_span_of(text), name, &found))
		fail_msg("no %s in %s", name, value);
	return found;
}

static void assert_param(const char *value, const char *name, const char *want)
{
	struct rln_span found = param(value, name);

	assert_int_equal(found.len, strlen(want));
	assert_memory_equal(found.s, want, found.len);
}

/* Is this Authorization value the right answer for alice and this password? */
static bool is_right(const char *value, const char *method, const char *password)
{
	struct rln_digest_challenge c = {.realm = param(value, "realm"), .nonce = param(value, "nonce")};
	struct rln_digest_request r = {.method = method, .uri = param(value, "uri"), .cnonce = ""};
	struct rln_span given = param(value, "response");
	char secret[RLN_DIGEST_HEX], response[RLN_DIGEST_HEX], cnonce[64];

	c.algorithm = strstr(value, "algorithm=SHA-256") ? RLN_DIGEST_SHA256 : RLN_DIGEST_MD5;
	if (strstr(value, "qop=auth")) {
		c.qop = RLN_QOP_AUTH;
		snprintf(cnonce, sizeof(cnonce), "%.*s", (int)param(value, "cnonce").len, param(value, "cnonce").s);
		r.cnonce = cnonce;
		r.nc = (uint32_t)strtoul(param(value, "nc").s, NULL, 16);
	}
	assert_int_equal(rln_digest_secret(c.algorithm, "alice", c.realm, password, secret), 0);
	assert_int_equal(rln_digest_response(&c, secret, &r, response), 0);
	return given.len == strlen(response) && memcmp(given.s, response, given.len) == 0;
}

/* ---- the first INVITE ---- */

static void a_challenge_is_answered(void **state)
{
	char ack[TEXT_MAX];
	const char *value;
	unsigned cseq;

	(void)state;
	start_call();
	cseq = (unsigned)atoi(header(invite, "CSeq"));
	assert_null(nth_header(invite, "Authorization", 0));
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS);
	try_again();
	assert_int_equal(atoi(header(invite, "CSeq")), cseq + 1);
	value = header(invite, "Authorization");
	assert_true(is_right(value, "INVITE", "wonderland"));
	assert_false(is_right(value, "INVITE", "Wonderland"));
	assert_param(value, "username", "alice");
	assert_param(value, "uri", "sip:bob@" PEER_IP);
	assert_param(value, "nc", "00000001");
	answer(NULL);
	strcpy(ack, next_sent("ACK "));
	assert_header(ack, "Authorization", header(invite, "Authorization")); /* 22.1 */
	publish_terminate(node0, call, 0);
	value = header(next_sent("BYE "), "Authorization"); /* the same nonce, used again */
	assert_param(value, "nc", "00000002");
	assert_true(is_right(value, "BYE", "wonderland"));
}

/* The ACK to a refusal repeats what its INVITE carried too. */
static void a_refusal_after_the_challenge(void **state)
{
	(void)state;
	start_call();
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS);
	try_again();
	reply(invite, "486 Busy Here", "c", NULL, NULL);
	assert_header(next_sent("ACK "), "Authorization", header(invite, "Authorization"));
	progress_event(RLN_CALL_REFUSED, 486);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
}

/* Two proxies and the peer, one after the other: each gets its own answer, from then on in every request. */
static void everybody_on_the_way_asks(void **state)
{
	(void)state;
	start_call();
	refuse("407 Proxy Authentication Required", RLN_CALL_CHALLENGED, PROXY_ASKS);
	try_again();
	assert_true(is_right(header(invite, "Proxy-Authorization"), "INVITE", "wonderland"));
	refuse("407 Proxy Authentication Required", RLN_CALL_CHALLENGED,
		"Proxy-Authenticate: Digest realm=\"example.test\", nonce=\"q1\"\r\n");
	try_again();
	assert_non_null(nth_header(invite, "Proxy-Authorization", 1));
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS);
	try_again();
	assert_param(nth_header(invite, "Proxy-Authorization", 0), "realm", "proxy.test");
	assert_param(nth_header(invite, "Proxy-Authorization", 1), "realm", "example.test");
	assert_param(nth_header(invite, "Proxy-Authorization", 1), "nonce", "q1");
	assert_true(is_right(header(invite, "Authorization"), "INVITE", "wonderland"));
	answer(NULL);
	assert_non_null(nth_header(next_sent("ACK "), "Proxy-Authorization", 1));
}

static void a_wrong_password_is_sent_once(void **state)
{
	(void)state;
	start_call();
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS);
	try_again();
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS_AGAIN);
	end_refused();
}

static void a_stale_nonce_gets_one_more(void **state)
{
	(void)state;
	start_call();
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS);
	try_again();
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, STALE);
	try_again();
	assert_param(header(invite, "Authorization"), "nonce", "n3");
	assert_param(header(invite, "Authorization"), "nc", "00000001");
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, STALE);
	end_refused();
}

static void challenges_without_an_answer(void **state)
{
	static const char *const asks[] = {
		NULL, STRANGE_ASKS, "WWW-Authenticate: Basic realm=\"example.test\"\r\n", "WWW-Authenticate: Digest\r\n"};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		start_call();
		refuse("401 Unauthorized", RLN_CALL_CHALLENGED, asks[i]);
		end_refused();
		rln_dialog_release(dialogs0, call);
	}
}

/* A cancelled INVITE is over with any refusal. */
static void a_challenge_of_a_cancelled_call(void **state)
{
	(void)state;
	start_call();
	publish_terminate(node0, call, 0);
	reply(invite, "401 Unauthorized", "c", ASKS, NULL);
	progress_event(RLN_CALL_CHALLENGED, 401);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	assert_false(rln_dialog_can_retry(dialogs0, call));
	next_sent("ACK ");
	no_more_sent();
}

static void a_released_call_is_not_tried_again(void **state)
{
	(void)state;
	start_call();
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS);
	rln_dialog_release(dialogs0, call);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
}

/* ---- intervals ---- */

static void an_interval_is_raised(void **state)
{
	const struct rln_dialog *d;

	(void)state;
	start_call();
	d = rln_dialog_get(dialogs0, call.v);
	refuse("422 Session Interval Too Small", RLN_CALL_INTERVAL_TOO_SMALL, "Min-SE: 120\r\n");
	assert_int_equal(d->min_se_s, 120);
	assert_int_equal(d->session_interval_s, 120);
	try_again();
	refuse("422 Session Interval Too Small", RLN_CALL_INTERVAL_TOO_SMALL, "Min-SE: 3600;x=y\r\n");
	assert_int_equal(d->min_se_s, 3600);
	try_again();
	refuse("422 Session Interval Too Small", RLN_CALL_INTERVAL_TOO_SMALL, "Min-SE: 7200\r\n");
	end_refused();
}

static void intervals_that_ask_for_nothing(void **state)
{
	static const char *const lines[] = {NULL, "Min-SE: 0\r\n", "Min-SE: soon\r\n", "Min-SE: 99999999999999\r\n"};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		start_call();
		refuse("422 Session Interval Too Small", RLN_CALL_INTERVAL_TOO_SMALL, lines[i]);
		end_refused();
		rln_dialog_release(dialogs0, call);
	}
}

/* ---- redirections ---- */

static void the_best_contact_goes_first(void **state)
{
	(void)state;
	start_call();
	refuse("302 Moved Temporarily", RLN_CALL_REDIRECTED,
		"Contact: <sip:a@198.18.0.3>;q=0.5, <sip:b@198.18.0.4:5070?subject=x>;q=0.75, <tel:123>\r\n"
		"Contact: <sip:c@nowhere.test>;q=1.0, <sip:d@198.18.0.5;transport=tcp>, <sip:f@203.0.113.1>, \"Bob\" "
		"<sip:bob@" PEER_IP ">\r\n");
	try_again();
	assert_sent_to("198.18.0.4", 5070);
	assert_true(strncmp(invite, "INVITE sip:b@198.18.0.4:5070 SIP", 32) == 0);
	assert_header(invite, "To", "<sip:bob@" PEER_IP ">");
	refuse("302 Moved Temporarily", RLN_CALL_REDIRECTED, "Contact: <sip:e@198.18.0.6>;q=0.25, <sip:bob@" PEER_IP ">\r\n");
	try_again();
	assert_sent_to("198.18.0.3", 5060);
	refuse("300 Multiple Choices", RLN_CALL_REDIRECTED, NULL);
	try_again();
	assert_sent_to("198.18.0.6", 5060);
	answer(NULL);
	assert_true(strncmp(next_sent("ACK "), "ACK sip:bob@198.18.0.2:5060 ", 28) == 0);
	assert_sent_to(PEER_IP, 5060);
}

static void redirections_come_to_an_end(void **state)
{
	char contact[64];

	(void)state;
	start_call();
	for (unsigned i = 0; i < 6; i++) {
		snprintf(contact, sizeof(contact), "Contact: <sip:hop%u@198.18.0.3>\r\n", i);
		refuse("302 Moved Temporarily", RLN_CALL_REDIRECTED, contact);
		if (i < 5)
			try_again();
	}
	end_refused();
}

static void a_redirection_in_a_circle(void **state)
{
	(void)state;
	start_call();
	refuse("302 Moved Temporarily", RLN_CALL_REDIRECTED, "Contact: <sip:bob@198.18.0.3>\r\n");
	try_again();
	refuse("302 Moved Temporarily", RLN_CALL_REDIRECTED, "Contact: <SIP:bob@" PEER_IP ";x=y>, <sip:bob@198.18.0.3>\r\n");
	end_refused();
}

/* 8.1.3.4: failures are refusals above 399, silence, and what the network tells. */
static void a_contact_that_fails_makes_room_for_the_next(void **state)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(world.pool);

	(void)state;
	start_call();
	refuse("300 Multiple Choices", RLN_CALL_REDIRECTED,
		"Contact: <sip:a@198.18.0.3>;q=0.9, <sip:b@198.18.0.4>;q=0.2, <sip:c@198.18.0.5>;q=0.6, "
		"<sip:d@198.18.0.6>;q=0.1\r\n");
	try_again();
	assert_sent_to("198.18.0.3", 5060);
	reply(invite, "180 Ringing", "x", BOB, NULL);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_RINGING, 180);
	refuse("486 Busy Here", RLN_CALL_REFUSED, NULL);
	try_again();
	assert_sent_to("198.18.0.5", 5060);
	assert_header(invite, "To", "<sip:bob@" PEER_IP ">");
	world.sent_read = world.sent_n;
	run_for(33000); /* timer B */
	progress_event(RLN_CALL_TIMED_OUT, 408);
	no_more_events();
	world.sent_read = world.sent_n;
	try_again();
	assert_sent_to("198.18.0.4", 5060);
	*rln_pkt(m) = (struct rln_pkt){.dst = addr_of("198.18.0.4", 5060), .op = RLN_PKT_UNREACH, .error = ECONNREFUSED};
	assert_int_equal(rte_ring_enqueue(node0->net.to_control[0], m), 0);
	assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error, RLN_FAULT_TRANSPORT);
	no_more_events();
	try_again();
	assert_sent_to("198.18.0.6", 5060);
	answer(NULL);
}

static void the_last_contacts_refusal_ends_the_call(void **state)
{
	(void)state;
	start_call();
	refuse("302 Moved Temporarily", RLN_CALL_REDIRECTED, "Contact: <sip:a@198.18.0.3>\r\n");
	try_again();
	reply(invite, "486 Busy Here", "c", NULL, NULL);
	progress_event(RLN_CALL_REFUSED, 486);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	assert_false(rln_dialog_can_retry(dialogs0, call));
}

/* A 6xx says that nobody else will answer either (21.6). */
static void a_global_failure_ends_the_search(void **state)
{
	(void)state;
	start_call();
	refuse("302 Moved Temporarily", RLN_CALL_REDIRECTED, "Contact: <sip:a@198.18.0.3>, <sip:b@198.18.0.4>\r\n");
	try_again();
	reply(invite, "603 Decline", "c", NULL, NULL);
	progress_event(RLN_CALL_REFUSED, 603);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	assert_false(rln_dialog_can_retry(dialogs0, call));
}

static void contacts_that_fail_are_hops_too(void **state)
{
	(void)state;
	start_call();
	refuse("302 Moved Temporarily", RLN_CALL_REDIRECTED,
		"Contact: <sip:a@198.18.0.3>, <sip:b@198.18.0.3>, <sip:c@198.18.0.3>, <sip:d@198.18.0.3>, <sip:e@198.18.0.3>, "
		"<sip:f@198.18.0.3>\r\n");
	for (unsigned i = 0; i < 5; i++) {
		try_again();
		if (i < 4)
			refuse("480 Temporarily Unavailable", RLN_CALL_REFUSED, NULL);
	}
	assert_true(strncmp(invite, "INVITE sip:e@", 13) == 0);
	reply(invite, "480 Temporarily Unavailable", "c", NULL, NULL);
	progress_event(RLN_CALL_REFUSED, 480);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
}

/* Each contact may ask for credentials, although another took the same for wrong. */
static void the_next_contact_is_asked_anew(void **state)
{
	(void)state;
	start_call();
	refuse("302 Moved Temporarily", RLN_CALL_REDIRECTED, "Contact: <sip:a@198.18.0.3>, <sip:b@198.18.0.4>\r\n");
	try_again();
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS);
	try_again();
	assert_sent_to("198.18.0.3", 5060);
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS_AGAIN);
	try_again();
	assert_sent_to("198.18.0.4", 5060);
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS_AGAIN);
	try_again();
	assert_sent_to("198.18.0.4", 5060);
	assert_true(is_right(header(invite, "Authorization"), "INVITE", "wonderland"));
	refuse("401 Unauthorized", RLN_CALL_CHALLENGED, ASKS);
	end_refused();
}

static void a_call_that_was_given_up_tries_nobody_else(void **state)
{
	(void)state;
	start_call();
	refuse("302 Moved Temporarily", RLN_CALL_REDIRECTED, "Contact: <sip:a@198.18.0.3>, <sip:b@198.18.0.4>\r\n");
	try_again();
	publish_terminate(node0, call, 0);
	reply(invite, "487 Request Terminated", "c", NULL, NULL);
	progress_event(RLN_CALL_REFUSED, 487);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	assert_false(rln_dialog_can_retry(dialogs0, call));
}

/* ---- inside the dialog ---- */

static void establish(void)
{
	start_call();
	answer(NULL);
	next_sent("ACK ");
}

static void a_challenged_bye_goes_again(void **state)
{
	char bye[TEXT_MAX];
	const char *again;

	(void)state;
	establish();
	publish_terminate(node0, call, 0);
	strcpy(bye, next_sent("BYE "));
	reply(bye, "401 Unauthorized", NULL, ASKS, NULL);
	again = next_sent("BYE ");
	assert_true(is_right(header(again, "Authorization"), "BYE", "wonderland"));
	assert_int_equal(atoi(header(again, "CSeq")), atoi(header(bye, "CSeq")) + 1);
	no_more_events();
	reply(again, "200 OK", NULL, NULL, NULL);
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
}

static void a_bye_that_is_refused_twice(void **state)
{
	(void)state;
	establish();
	publish_terminate(node0, call, 0);
	reply(next_sent("BYE "), "407 Proxy Authentication Required", NULL, PROXY_ASKS, NULL);
	reply(next_sent("BYE "), "407 Proxy Authentication Required", NULL, PROXY_ASKS, NULL);
	terminated_event(RLN_END_NORMAL, 407);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_sent();
}

static void a_challenged_reinvite_goes_again(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	establish();
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), 0);
	strcpy(text, next_sent("INVITE "));
	reply(text, "401 Unauthorized", NULL, ASKS, NULL);
	next_sent("ACK ");
	strcpy(text, next_sent("INVITE "));
	assert_true(is_right(header(text, "Authorization"), "INVITE", "wonderland"));
	assert_string_equal(body_of(text), SDP_ANSWER);
	no_more_events();
	reply(text, "200 OK", NULL, BOB, SDP_OFFER);
	next_event(RLN_EV_REINVITE_ACKED);
	assert_header(next_sent("ACK "), "Authorization", header(text, "Authorization"));
	/* The next one begins anew: an old nonce may be refused once. */
	assert_int_equal(rln_dialog_send_update(dialogs0, call, SDP_ANSWER), 0);
	strcpy(text, next_sent("INVITE "));
	assert_param(header(text, "Authorization"), "nc", "00000002");
	reply(text, "401 Unauthorized", NULL, ASKS_AGAIN, NULL);
	next_sent("ACK ");
	strcpy(text, next_sent("INVITE "));
	assert_param(header(text, "Authorization"), "nonce", "n2");
	reply(text, "401 Unauthorized", NULL, ASKS, NULL);
	next_sent("ACK ");
	progress_event(RLN_CALL_REFUSED, 401);
	no_more_events();
	no_more_sent();
}

static unsigned done, done_status;
static int done_error;

static void on_done(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error)
{
	assert_int_equal(ask->arg, 42);
	assert_false(rln_dialog_is_asking(d, ask->method));
	done++;
	done_status = msg ? msg->status : 0;
	done_error = error;
}

static void any_request_may_be_asked(void **state)
{
	struct rln_dialog_ask info = {.method = RLN_SIP_INFO,
		.extra = rln_span_of("X-Line: 1\r\n"),
		.body = rln_span_of("Signal=5\r\n"),
		.content_type = "application/dtmf-relay",
		.done = on_done,
		.arg = 42};
	char text[TEXT_MAX];
	struct rln_dialog *d;

	(void)state;
	establish();
	done = 0;
	d = rln_dialog_get(dialogs0, call.v);
	assert_int_equal(rln_dialog_ask(d, &info), 0);
	assert_true(rln_dialog_is_asking(d, RLN_SIP_INFO));
	assert_false(rln_dialog_is_asking(d, RLN_SIP_BYE));
	strcpy(text, next_sent("INFO "));
	reply(text, "100 Trying", NULL, NULL, NULL);
	assert_int_equal(done, 0);
	reply(text, "407 Proxy Authentication Required", NULL, PROXY_ASKS, NULL);
	strcpy(text, next_sent("INFO "));
	assert_true(is_right(header(text, "Proxy-Authorization"), "INFO", "wonderland"));
	assert_header(text, "X-Line", "1");
	assert_header(text, "Content-Type", "application/dtmf-relay");
	assert_string_equal(body_of(text), "Signal=5\r\n");
	reply(text, "200 OK", NULL, NULL, NULL);
	assert_int_equal(done, 1);
	assert_int_equal(done_status, 200);
	assert_int_equal(rln_dialog_ask(d, &info), 0); /* nobody answers: timer F */
	run_for(32500);
	assert_int_equal(done, 2);
	assert_int_equal(done_error, ETIMEDOUT);
	assert_int_equal(rln_dialog_ask(d, &info), 0); /* the dialog ends before the answer: nobody is told */
	rln_dialog_end(d);
	run_for(40000);
	assert_int_equal(done, 2);
	assert_int_equal(rln_dialog_ask(d, &info), -ENOTCONN);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
}

/* Whatever allocation fails on the way, the call ends and nothing stays behind. */
static void memory_runs_out(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned nth = 1; failed; nth++) {
		assert_true(nth < 200);
		start_call();
		rln_heap_fail_nth(nth);
		reply(invite, "302 Moved Temporarily", "c", "Contact: <sip:b@198.18.0.3>, <sip:c@198.18.0.4>\r\n", NULL);
		if (rln_dialog_can_retry(dialogs0, call))
			publish_initiate(node0, call, SDP_OFFER);
		reply(last_sent()->text, "486 Busy Here", "c", NULL, NULL);
		if (rln_dialog_can_retry(dialogs0, call))
			publish_initiate(node0, call, SDP_OFFER);
		reply(last_sent()->text, "401 Unauthorized", "c", ASKS, NULL);
		if (rln_dialog_can_retry(dialogs0, call))
			publish_initiate(node0, call, SDP_OFFER);
		failed = rln_heap_fail_nth(0);
		forget_call(call, 140000);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_one, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_challenge_is_answered),
		TEST(a_refusal_after_the_challenge),
		TEST(everybody_on_the_way_asks),
		TEST(a_wrong_password_is_sent_once),
		TEST(a_stale_nonce_gets_one_more),
		TEST(challenges_without_an_answer),
		TEST(a_challenge_of_a_cancelled_call),
		TEST(a_released_call_is_not_tried_again),
		TEST(an_interval_is_raised),
		TEST(intervals_that_ask_for_nothing),
		TEST(the_best_contact_goes_first),
		TEST(redirections_come_to_an_end),
		TEST(a_redirection_in_a_circle),
		TEST(a_contact_that_fails_makes_room_for_the_next),
		TEST(the_last_contacts_refusal_ends_the_call),
		TEST(a_global_failure_ends_the_search),
		TEST(contacts_that_fail_are_hops_too),
		TEST(the_next_contact_is_asked_anew),
		TEST(a_call_that_was_given_up_tries_nobody_else),
		TEST(a_challenged_bye_goes_again),
		TEST(a_bye_that_is_refused_twice),
		TEST(a_challenged_reinvite_goes_again),
		TEST(any_request_may_be_asked),
		TEST(memory_runs_out),
	};

	return cmocka_run_group_tests_name("sip_dialog_retry", tests, start_eal, stop_eal);
}
