/* SPDX-License-Identifier: BSD-3-Clause */
/* Transfers against a scripted peer, asked for by either side: exact messages, what goes up, and every way in which one ends. */
#include "sip_dialog_caller.h"

#include "sip/dialog_refer.h"

#define EVENT "Event: refer\r\n"
#define ASKS  "WWW-Authenticate: Digest realm=\"example.test\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n"
#define FRAG  "Content-Type: message/sipfrag;version=2.0\r\n"

static uint32_t refer_id, referred_id; /* CSeq of our REFER, of theirs */

static void establish(void)
{
	establish_with("\"Alice\" <sip:alice@" OUR_IP ">", BOB "Allow: INVITE, ACK, BYE, REFER , NOTIFY\r\n");
}

/* ---- transfers that the peer asks for ---- */

static const struct rln_event *refer_comes(const char *lines)
{
	from_bob("REFER", lines, "");
	referred_id = cseq;
	return next_event(RLN_EV_TRANSFER_REQUESTED);
}

static void accept_refer(void)
{
	assert_int_equal(rln_dialog_respond_refer(dialogs0, call, 202), 0);
	next_sent("SIP/2.0 202 ");
}

/* Our NOTIFY: this status, this state of the subscription; answered. */
static void notify_goes(const char *frag, const char *state, const char *answer)
{
	const char *notify = next_sent("NOTIFY sip:bob@198.18.0.2:5070 SIP/2.0\r\n");
	char event[32], want[64];

	snprintf(event, sizeof(event), "refer;id=%u", referred_id);
	assert_header(notify, "Event", event);
	assert_header(notify, "Subscription-State", state);
	assert_header(notify, "Content-Type", "message/sipfrag;version=2.0");
	assert_header(notify, "Contact", "<sip:alice@198.18.0.1:5060>");
	snprintf(want, sizeof(want), "SIP/2.0 %s\r\n", frag);
	assert_string_equal(body_of(notify), want);
	if (answer)
		reply(notify, answer, NULL, NULL, NULL);
}

static void a_blind_transfer_is_asked_for(void **state)
{
	const struct rln_event *ev;

	(void)state;
	establish();
	ev = refer_comes(BOB "Refer-To: <sip:carol@" PEER_IP ";user=phone>\r\nReferred-By: <sip:bob@" PEER_IP ">\r\n");
	assert_int_equal(ev->transfer_requested.type, RLN_TRANSFER_BLIND);
	assert_slice(ev->transfer_requested.block, ev->transfer_requested.refer_to, "sip:carol@198.18.0.2;user=phone");
	assert_slice(ev->transfer_requested.block, ev->transfer_requested.referred_by, "<sip:bob@198.18.0.2>");
	assert_int_equal(ev->transfer_requested.replaces.len, 0);
	assert_int_equal(rln_dialog_respond_refer(dialogs0, call, 202), 0);
	assert_header(next_sent("SIP/2.0 202 Accepted\r\n"), "Contact", "<sip:alice@198.18.0.1:5060>");
	notify_goes("100 Trying", "active;expires=300", "200 OK");
	run_for(20000);
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 180), 0);
	notify_goes("180 Ringing", "active;expires=280", "200 OK");
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 200), 0);
	notify_goes("200 OK", "terminated;reason=noresource", "200 OK");
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 200), -ENOTCONN);
	finish();
}

static void an_attended_transfer_is_asked_for(void **state)
{
	const struct rln_event *ev;

	(void)state;
	establish();
	ev = refer_comes(BOB "r: \"Carol\" <sip:carol@" PEER_IP
			     ";method=INVITE;x?Subject=tea&Replaces=a%40b%3Bto-tag%3D1%3bfrom-tag%3D2>\r\n");
	assert_int_equal(ev->transfer_requested.type, RLN_TRANSFER_ATTENDED);
	assert_slice(ev->transfer_requested.block, ev->transfer_requested.refer_to, "sip:carol@198.18.0.2;x");
	assert_slice(ev->transfer_requested.block, ev->transfer_requested.replaces, "a@b;to-tag=1;from-tag=2");
	assert_int_equal(ev->transfer_requested.referred_by.len, 0);
	assert_int_equal(rln_dialog_respond_refer(dialogs0, call, 603), 0);
	next_sent("SIP/2.0 603 Decline\r\n");
	assert_int_equal(rln_dialog_respond_refer(dialogs0, call, 202), -ENOTCONN);
	finish();
}

static void bad_refers_are_refused(void **state)
{
	static const struct {
		const char *lines, *status;
	} bad[] = {
		{BOB, "SIP/2.0 400 "},
		{BOB "Refer-To: carol\r\n", "SIP/2.0 400 "},
		{BOB "Refer-To: <sip:a@h>, <sip:b@h>\r\n", "SIP/2.0 400 "},
		{BOB "Refer-To: <sip:a@h>\r\nRefer-To: <sip:b@h>\r\n", "SIP/2.0 400 "},
		{BOB "Refer-To: <tel:+123>\r\n", "SIP/2.0 416 "},
		{BOB "Refer-To: <sips:a@h>\r\n", "SIP/2.0 416 "},
		{BOB "Refer-To: <sip:a@h;method=BYE>\r\n", "SIP/2.0 501 "},
		{BOB "Refer-To: <sip:a@h?Replaces=x%0d%0aEvil:y>\r\n", "SIP/2.0 400 "},
		{BOB "Refer-To: <sip:a@h?Replaces=x%00>\r\n", "SIP/2.0 400 "},
		{BOB "Refer-To: <sip:a@h?Replaces=x&Replaces=y>\r\n", "SIP/2.0 400 "},
		{BOB "Refer-To: <sip:a@h>\r\nRequire: unheard-of\r\n", "SIP/2.0 420 "},
		{BOB "Refer-To: <sip:a@h>\r\nReplaces: x;to-tag=1;from-tag=2\r\n", "SIP/2.0 400 "},
	};

	(void)state;
	establish();
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		from_bob("REFER", bad[i].lines, "");
		next_sent(bad[i].status);
	}
	while (node0->events_read < node0->events_n) /* those that were no sound SIP */
		assert_int_equal(next_event(RLN_EV_DIALOG_ERROR)->dialog_error.error_code, 400);
	finish();
}

static void a_second_refer_waits(void **state)
{
	(void)state;
	establish();
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\n");
	from_bob("REFER", BOB "Refer-To: <sip:dave@h>\r\n", "");
	header(next_sent("SIP/2.0 500 "), "Retry-After");
	accept_refer();
	notify_goes("100 Trying", "active;expires=300", NULL);
	from_bob("REFER", BOB "Refer-To: <sip:dave@h>\r\n", "");
	header(next_sent("SIP/2.0 500 "), "Retry-After");
	finish();
}

/* One NOTIFY at a time; while it is on its way the newest status is kept. */
static void notifies_go_one_by_one(void **state)
{
	char first[TEXT_MAX];

	(void)state;
	establish();
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\n");
	accept_refer();
	strcpy(first, next_sent("NOTIFY "));
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 180), 0);
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 183), 0);
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 486), 0);
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 180), 0); /* too late */
	no_more_sent();
	reply(first, "200 OK", NULL, NULL, NULL);
	notify_goes("486 Busy Here", "terminated;reason=noresource", "200 OK");
	finish();
}

static void a_notify_that_fails_ends_the_reports(void **state)
{
	(void)state;
	establish();
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\n");
	accept_refer();
	notify_goes("100 Trying", "active;expires=300", "481 Gone");
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 200), -ENOTCONN);
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\n");
	accept_refer();
	notify_goes("100 Trying", "active;expires=300", NULL);
	run_for(33000); /* no answer at all */
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 200), -ENOTCONN);
	while (world.sent_read < world.sent_n)
		next_sent("NOTIFY ");
	finish();
}

static void a_subscription_runs_out(void **state)
{
	(void)state;
	establish();
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\n");
	accept_refer();
	notify_goes("100 Trying", "active;expires=300", "200 OK");
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 180), 0);
	notify_goes("180 Ringing", "active;expires=300", "200 OK");
	run_for(300001);
	notify_goes("180 Ringing", "terminated;reason=timeout", "200 OK");
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 200), -ENOTCONN);
	finish();
}

/* RFC 4488 */
static void a_transfer_without_reports(void **state)
{
	(void)state;
	establish();
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\nRefer-Sub: false\r\nSupported: norefersub\r\n");
	assert_int_equal(rln_dialog_respond_refer(dialogs0, call, 202), 0);
	assert_header(next_sent("SIP/2.0 202 "), "Refer-Sub", "false");
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 200), 0);
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\nRefer-Sub: true\r\n");
	accept_refer();
	notify_goes("100 Trying", "active;expires=300", "200 OK");
	finish();
}

static void the_call_ends_before_the_answer(void **state)
{
	(void)state;
	establish();
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\n");
	from_bob("BYE", "", "");
	next_sent("SIP/2.0 200 ");
	next_sent("SIP/2.0 487 ");
	terminated_event(RLN_END_REMOTE, 0);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	assert_int_equal(rln_dialog_respond_refer(dialogs0, call, 202), -ENOTCONN);
	no_more_sent();
}

static void an_answer_that_comes_too_late(void **state)
{
	(void)state;
	establish();
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\n");
	run_for(32001); /* its sender no longer waits (RFC 4320) */
	assert_int_equal(rln_dialog_respond_refer(dialogs0, call, 202), -ETIMEDOUT);
	no_more_sent();
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\n");
	run_for(32001);
	refer_comes(BOB "Refer-To: <sip:dave@h>\r\n"); /* nobody answered that one; this one counts */
	accept_refer();
	notify_goes("100 Trying", "active;expires=300", "200 OK");
	finish();
}

/* ---- transfers that we ask for ---- */

static void transfer(const char *target, enum rln_transfer_type type, uint64_t replaces)
{
	struct rln_event ev = {.kind = RLN_EV_TRANSFER_CALL, .id = call.v};

	ev.transfer_call.block = rln_block_from_text(target, strlen(target), &ev.transfer_call.target);
	ev.transfer_call.type = (uint8_t)type;
	ev.transfer_call.replaces = replaces;
	rln_bus_publish(node0->bus, &ev);
	pump();
}

static const char *refer_goes(void)
{
	const char *refer;

	transfer("carol@" PEER_IP, RLN_TRANSFER_BLIND, 0);
	refer = next_sent("REFER sip:bob@198.18.0.2:5070 SIP/2.0\r\n");
	refer_id = (uint32_t)atoi(header(refer, "CSeq"));
	return refer;
}

static void notify_comes(const char *lines, const char *frag, const char *answer)
{
	char all[512];

	snprintf(all, sizeof(all), "%s%s", lines, *frag ? FRAG : "");
	from_bob("NOTIFY", all, frag);
	next_sent(answer);
}

static void a_blind_transfer_that_succeeds(void **state)
{
	char event[256];
	const char *refer;

	(void)state;
	establish();
	refer = refer_goes();
	assert_header(refer, "Refer-To", "<sip:carol@198.18.0.2>");
	assert_header(refer, "Referred-By", "<sip:alice@198.18.0.1>");
	assert_header(refer, "Contact", "<sip:alice@198.18.0.1:5060>");
	reply(refer, "202 Accepted", NULL, BOB, NULL);
	progress_event(RLN_CALL_TRANSFER_TRYING, 202);
	snprintf(event, sizeof(event), "Event: refer;id=%u\r\nSubscription-State: active;expires=60\r\n", refer_id);
	notify_comes(event, "SIP/2.0 100 Trying\r\n", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_TRYING, 100);
	notify_comes(EVENT "Subscription-State: active;expires=60\r\n", "SIP/2.0 180 Ringing\r\nFrom: x\r\n", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_TRYING, 180);
	notify_comes("o: refer\r\nSubscription-State: terminated;reason=noresource\r\n", "SIP/2.0 200 OK", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_DONE, 200);
	notify_comes(event, "SIP/2.0 100 Trying\r\n", "SIP/2.0 481 ");
	finish();
}

static void an_attended_transfer_names_the_consultation(void **state)
{
	struct rln_dialog_id first;
	char want[512], from_tag[64], consultation[128];

	(void)state;
	establish();
	first = call;
	strcpy(from_tag, strstr(us, ";tag=") + 5);
	strcpy(consultation, call_id);
	*strchr(consultation, '@') = '\0';
	establish();
	transfer("carol@" PEER_IP, RLN_TRANSFER_ATTENDED, first.v);
	snprintf(want, sizeof(want), "<sip:carol@198.18.0.2?Replaces=%s%%40198.18.0.1%%3Bto-tag%%3Dbt%%3Bfrom-tag%%3D%s>",
		consultation, from_tag);
	assert_header(next_sent("REFER "), "Refer-To", want);
	reply(world.sent[(world.sent_read - 1) % SENT_MAX].text, "603 Decline", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRANSFER_FAILED, 603);
	transfer("", RLN_TRANSFER_ATTENDED, first.v); /* to where the consultation goes */
	assert_int_equal(strncmp(header(next_sent("REFER "), "Refer-To"), "<sip:bob@198.18.0.2:5070?Replaces=", 34), 0);
	reply(world.sent[(world.sent_read - 1) % SENT_MAX].text, "603 Decline", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRANSFER_FAILED, 603);
	transfer("carol@" PEER_IP, RLN_TRANSFER_ATTENDED, call.v + 1); /* no such dialog */
	progress_event(RLN_CALL_TRANSFER_FAILED, 481);
	finish();
	call = first;
	finish();
}

static void refers_that_come_to_nothing(void **state)
{
	static const struct {
		const char *answer;
		enum rln_call_progress progress;
		unsigned status;
	} ends[] = {
		{"603 Decline", RLN_CALL_TRANSFER_FAILED, 603},
		{"405 Method Not Allowed", RLN_CALL_TRANSFER_FAILED, 405},
		{"302 Elsewhere", RLN_CALL_TRANSFER_FAILED, 302},
		{"481 Gone", RLN_CALL_REFUSED, 481},
		{"408 Timeout", RLN_CALL_REFUSED, 408},
	};

	(void)state;
	establish();
	for (unsigned i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		reply(refer_goes(), ends[i].answer, NULL, NULL, NULL);
		progress_event(ends[i].progress, ends[i].status);
	}
	transfer("carol at home", RLN_TRANSFER_BLIND, 0);
	progress_event(RLN_CALL_TRANSFER_FAILED, 400);
	refer_goes();
	transfer("dave@" PEER_IP, RLN_TRANSFER_BLIND, 0); /* one at a time */
	progress_event(RLN_CALL_TRANSFER_FAILED, 491);
	run_for(32001);
	progress_event(RLN_CALL_TIMED_OUT, 408);
	while (world.sent_read < world.sent_n)
		next_sent("REFER ");
	finish();
}

static void subscriptions_that_end_badly(void **state)
{
	(void)state;
	establish();
	reply(refer_goes(), "202 Accepted", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRANSFER_TRYING, 202);
	notify_comes(EVENT "Subscription-State: terminated;reason=rejected\r\n", "", "SIP/2.0 200 "); /* ends without a word */
	progress_event(RLN_CALL_TRANSFER_FAILED, 487);
	reply(refer_goes(), "202 Accepted", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRANSFER_TRYING, 202);
	notify_comes(EVENT "Subscription-State: terminated;reason=timeout\r\n", "SIP/2.0 180 Ringing\r\n", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_FAILED, 408);
	reply(refer_goes(), "202 Accepted", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRANSFER_TRYING, 202);
	run_for(31999);
	no_more_events();
	run_for(2); /* no NOTIFY at all */
	progress_event(RLN_CALL_TRANSFER_FAILED, 408);
	reply(refer_goes(), "202 Accepted", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRANSFER_TRYING, 202);
	notify_comes(EVENT "Subscription-State: active;expires=5\r\n", "SIP/2.0 180 Ringing\r\n", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_TRYING, 180);
	run_for(5001); /* it fell silent */
	progress_event(RLN_CALL_TRANSFER_FAILED, 408);
	finish();
}

static void a_notify_comes_before_the_202(void **state)
{
	char refer[TEXT_MAX];

	(void)state;
	establish();
	strcpy(refer, refer_goes());
	notify_comes(EVENT "Subscription-State: active;expires=60\r\n", "SIP/2.0 100 Trying\r\n", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_TRYING, 100);
	reply(refer, "202 Accepted", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRANSFER_TRYING, 202);
	notify_comes(
		EVENT "Subscription-State: active;expires=60\r\n", "SIP/2.0 200 OK\r\n", "SIP/2.0 200 "); /* final, yet active */
	progress_event(RLN_CALL_TRANSFER_DONE, 200);
	strcpy(refer, refer_goes()); /* what is told is told: the next one may start */
	notify_comes(EVENT "Subscription-State: terminated;reason=noresource\r\n", "SIP/2.0 404 Not Found\r\n", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_FAILED, 404);
	reply(refer, "202 Accepted", NULL, NULL, NULL);
	no_more_events();
	strcpy(refer, refer_goes());
	notify_comes(EVENT "Subscription-State: active;expires=3600\r\n", "SIP/2.0 100 Trying\r\n", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_TRYING, 100);
	run_for(33000); /* the 202 was lost each time, but the transfer goes on */
	while (world.sent_read < world.sent_n)
		next_sent("REFER ");
	notify_comes(EVENT "Subscription-State: terminated\r\n", "SIP/2.0 200 OK\r\n", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_DONE, 200);
	finish();
}

static void notifies_that_are_refused(void **state)
{
	(void)state;
	establish();
	notify_comes(EVENT "Subscription-State: active\r\n", "SIP/2.0 200 OK\r\n", "SIP/2.0 481 "); /* no subscription */
	reply(refer_goes(), "202 Accepted", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRANSFER_TRYING, 202);
	from_bob("NOTIFY", "Event: presence\r\nSubscription-State: active\r\n", "");
	assert_header(next_sent("SIP/2.0 489 Bad Event\r\n"), "Allow-Events", "refer");
	notify_comes("Subscription-State: active\r\n", "SIP/2.0 200 OK\r\n", "SIP/2.0 489 ");
	notify_comes("Event: refer;id=7\r\nSubscription-State: active\r\n", "SIP/2.0 200 OK\r\n", "SIP/2.0 481 ");
	notify_comes(EVENT, "SIP/2.0 200 OK\r\n", "SIP/2.0 400 ");
	notify_comes(EVENT "Subscription-State: active\r\n", "SIP/2.0 20x OK\r\n", "SIP/2.0 400 ");
	from_bob("NOTIFY", EVENT "Subscription-State: active\r\nContent-Type: text/plain\r\n", "SIP/2.0 200 OK\r\n");
	assert_header(next_sent("SIP/2.0 415 "), "Accept", "message/sipfrag");
	no_more_events();
	notify_comes(EVENT "Subscription-State: terminated\r\n", "nonsense", "SIP/2.0 400 ");
	progress_event(RLN_CALL_TRANSFER_FAILED, 487);
	finish();
}

static void the_peer_reports_nothing(void **state)
{
	(void)state;
	establish();
	reply(refer_goes(), "202 Accepted", NULL, "Refer-Sub: false\r\n", NULL);
	progress_event(RLN_CALL_TRANSFER_DONE, 202);
	finish();
}

/* Challenged, a REFER goes out again; its new CSeq names the subscription, also in a NOTIFY that comes before the 202. */
static void challenged_requests_go_again(void **state)
{
	char first[TEXT_MAX], again[TEXT_MAX], event[256];
	const char *notify;

	(void)state;
	establish();
	strcpy(first, refer_goes());
	reply(first, "401 Unauthorized", NULL, ASKS, NULL);
	strcpy(again, next_sent("REFER "));
	assert_non_null(nth_header(again, "Authorization", 0));
	assert_string_equal(header(again, "Refer-To"), header(first, "Refer-To"));
	assert_int_equal(atoi(header(again, "CSeq")), refer_id + 1);
	snprintf(event, sizeof(event), "Event: refer;id=%u\r\nSubscription-State: active;expires=60\r\n", refer_id + 1);
	notify_comes(event, "SIP/2.0 100 Trying\r\n", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_TRYING, 100);
	reply(again, "202 Accepted", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRANSFER_TRYING, 202);
	snprintf(event, sizeof(event), "Event: refer;id=%u\r\nSubscription-State: terminated\r\n", refer_id);
	notify_comes(event, "SIP/2.0 200 OK\r\n", "SIP/2.0 481 ");
	snprintf(event, sizeof(event), "Event: refer;id=%u\r\nSubscription-State: terminated\r\n", refer_id + 1);
	notify_comes(event, "SIP/2.0 200 OK\r\n", "SIP/2.0 200 ");
	progress_event(RLN_CALL_TRANSFER_DONE, 200);
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\n");
	accept_refer();
	notify = next_sent("NOTIFY "); /* with the nonce that it knows; another is asked for */
	reply(notify, "401 Unauthorized", NULL,
		"WWW-Authenticate: Digest realm=\"example.test\", nonce=\"n2\", stale=true, qop=\"auth\", algorithm=SHA-256\r\n",
		NULL);
	notify_goes("100 Trying", "active;expires=300", "200 OK");
	strcpy(first, refer_goes());
	reply(first, "407 Proxy Authentication Required", NULL, "Proxy-Authenticate: Digest realm=\"elsewhere\", nonce=\"x\"\r\n",
		NULL);
	progress_event(RLN_CALL_TRANSFER_FAILED, 407); /* nobody we know there */
	finish();
}

/* A call that ends takes its transfers with it, in silence. */
static void the_call_ends_first(void **state)
{
	(void)state;
	establish();
	reply(refer_goes(), "202 Accepted", NULL, NULL, NULL);
	progress_event(RLN_CALL_TRANSFER_TRYING, 202);
	publish_terminate(node0, call, 0);
	transfer("carol@" PEER_IP, RLN_TRANSFER_BLIND, 0);
	progress_event(RLN_CALL_TRANSFER_FAILED, 481);
	reply(next_sent("BYE "), "200 OK", NULL, NULL, NULL);
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	notify_comes(EVENT "Subscription-State: terminated\r\n", "SIP/2.0 200 OK\r\n", "SIP/2.0 481 ");
	no_more_events();
}

/* ---- memory ---- */

static void transfers_without_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned nth = 1; failed; nth++) {
		assert_true(nth < 100);
		establish();
		world.sent_read = world.sent_n;
		rln_heap_fail_nth(nth);
		transfer("carol@" PEER_IP, RLN_TRANSFER_BLIND, 0);
		from_bob("REFER", BOB "Refer-To: <sip:carol@h>\r\n", "");
		if (rln_dialog_respond_refer(dialogs0, call, 202) == 0)
			rln_dialog_notify_transfer(dialogs0, call, 200);
		pump();
		failed = rln_heap_fail_nth(0);
		forget_call(call, 400000);
	}
}

/* A NOTIFY that no block is left for goes out when there is one. */
static void blocks_run_out(void **state)
{
	rln_block_ref held[600];
	unsigned n = 0;

	(void)state;
	establish();
	refer_comes(BOB "Refer-To: <sip:carol@h>\r\n");
	accept_refer();
	notify_goes("100 Trying", "active;expires=300", "200 OK");
	while ((held[n] = rln_block_alloc(64)))
		n++;
	transfer("", RLN_TRANSFER_BLIND, 0);
	assert_int_equal(rln_dialog_notify_transfer(dialogs0, call, 200), 0);
	run_for(1700);
	no_more_sent();
	while (n)
		rln_block_release(held[--n]);
	run_for(500);
	notify_goes("200 OK", "terminated;reason=noresource", "200 OK");
	progress_event(RLN_CALL_TRANSFER_FAILED, 400);
	finish();
}

/* ---- what the peer can do, and which of our dialogs an INVITE wants ---- */

static void the_peer_says_what_it_allows(void **state)
{
	(void)state;
	establish();
	assert_true(rln_dialog_peer_allows(dialogs0, call, RLN_SIP_REFER));
	assert_true(rln_dialog_peer_allows(dialogs0, call, RLN_SIP_NOTIFY));
	assert_false(rln_dialog_peer_allows(dialogs0, call, RLN_SIP_INFO));
	from_bob("OPTIONS", "Allow: INFO\r\nAllow: FOO\r\n", "");
	next_sent("SIP/2.0 200 ");
	assert_true(rln_dialog_peer_allows(dialogs0, call, RLN_SIP_INFO));
	assert_false(rln_dialog_peer_allows(dialogs0, call, RLN_SIP_REFER));
	from_bob("OPTIONS", "", "");
	next_sent("SIP/2.0 200 ");
	assert_false(rln_dialog_peer_allows(dialogs0, call, RLN_SIP_REFER)); /* says nothing new */
	finish();
}

static void nothing_said_allows_all(void **state)
{
	(void)state;
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
	assert_true(rln_dialog_peer_allows(dialogs0, call, RLN_SIP_REFER));
	assert_false(rln_dialog_peer_allows(dialogs0, (struct rln_dialog_id){call.v + 1}, RLN_SIP_REFER));
}

/* What find_replaced() says of an INVITE with this Replaces; the INVITE is refused. */
static int replaced(const char *value, struct rln_dialog_id *out)
{
	static unsigned n;
	char b[16], lines[512];
	struct rln_dialog_id other;
	const struct rln_event *ev;
	int rc;

	snprintf(b, sizeof(b), "replaces%u", ++n);
	snprintf(lines, sizeof(lines), BOB "%s%s%s", value ? "Replaces: " : "", value ? value : "", value ? "\r\n" : "");
	request("INVITE", b, 1, "<sip:carol@" PEER_IP ">;tag=ct", "<sip:alice@" OUR_IP ">", b, lines, SDP_OFFER);
	ev = next_event(RLN_EV_INCOMING_CALL);
	other.v = ev->id;
	rc = rln_dialog_find_replaced(dialogs0, rln_sip_msg_of(ev->incoming_call.block), out);
	assert_int_equal(rln_dialog_send_response(dialogs0, other, 486, NULL, NULL), 0);
	next_sent("SIP/2.0 486 ");
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	rln_dialog_release(dialogs0, other);
	return rc;
}

static void check_replaced(const char *format, int want)
{
	struct rln_dialog_id out;
	char value[512];

	snprintf(value, sizeof(value), format, call_id, strstr(us, ";tag=") + 5);
	assert_int_equal(replaced(value, &out), want);
	assert_int_equal(out.v, want == 0 ? call.v : 0);
}

static void run_out_refusals(void)
{
	run_for(40000);
	while (world.sent_read < world.sent_n)
		next_sent("SIP/2.0 486 ");
	while (node0->events_read < node0->events_n)
		node0->events_read++;
}

static void which_dialog_is_replaced(void **state)
{
	struct rln_dialog_id out;

	(void)state;
	establish();
	assert_int_equal(replaced(NULL, &out), 0);
	assert_int_equal(out.v, 0);
	check_replaced("%s;to-tag=%s;from-tag=bt", 0);
	check_replaced("%s ; from-tag = bt;x=y;to-tag = %s", 0);
	check_replaced("%s;to-tag=%s;from-tag=other", -481);
	check_replaced("%s;to-tag=bt;from-tag=%s", -481); /* the wrong way round */
	check_replaced("%s;to-tag=%s;from-tag=bt;early-only", -486);
	check_replaced("%s;to-tag=%s", -400);
	check_replaced("%s;to-tag=%s;to-tag=x;from-tag=bt", -400);
	run_out_refusals();
	check_replaced("%s;to-tag=%s;from-tag=bt, a;to-tag=b;from-tag=c", -400);
	publish_terminate(node0, call, 0);
	reply(next_sent("BYE "), "200 OK", NULL, NULL, NULL);
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	check_replaced("%s;to-tag=%s;from-tag=bt", -603);
	rln_dialog_release(dialogs0, call);
	check_replaced("%s;to-tag=%s;from-tag=bt", -481);
	run_out_refusals();
}

/* RFC 3891 3: an early dialog only when we started it. */
static void early_dialogs_are_replaced(void **state)
{
	const char *invite;

	(void)state;
	call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
	publish_initiate(node0, call, SDP_OFFER);
	invite = next_sent("INVITE ");
	strcpy(us, header(invite, "From"));
	strcpy(call_id, header(invite, "Call-ID"));
	check_replaced("%s;to-tag=%s;from-tag=bt", -481); /* nobody rang yet */
	reply(invite, "180 Ringing", "bt", NULL, NULL);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	progress_event(RLN_CALL_RINGING, 180);
	check_replaced("%s;to-tag=%s;from-tag=bt;early-only", 0);
	request("INVITE", "early", 1, "<sip:dave@" PEER_IP ">;tag=dt", "<sip:alice@" OUR_IP ">", "early", BOB, SDP_OFFER);
	call.v = next_event(RLN_EV_INCOMING_CALL)->id;
	assert_int_equal(rln_dialog_send_response(dialogs0, call, 180, NULL, NULL), 0);
	strcpy(us, header(next_sent("SIP/2.0 180 "), "To"));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_EARLY);
	strcpy(call_id, "early");
	check_replaced("%s;to-tag=%s;from-tag=dt", -481);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, start_one, end_world)
		T(a_blind_transfer_is_asked_for),
		T(an_attended_transfer_is_asked_for),
		T(bad_refers_are_refused),
		T(a_second_refer_waits),
		T(notifies_go_one_by_one),
		T(a_notify_that_fails_ends_the_reports),
		T(a_subscription_runs_out),
		T(a_transfer_without_reports),
		T(the_call_ends_before_the_answer),
		T(an_answer_that_comes_too_late),
		T(a_blind_transfer_that_succeeds),
		T(an_attended_transfer_names_the_consultation),
		T(refers_that_come_to_nothing),
		T(subscriptions_that_end_badly),
		T(a_notify_comes_before_the_202),
		T(notifies_that_are_refused),
		T(the_peer_reports_nothing),
		T(challenged_requests_go_again),
		T(the_call_ends_first),
		T(transfers_without_memory),
		T(blocks_run_out),
		T(the_peer_says_what_it_allows),
		T(nothing_said_allows_all),
		T(which_dialog_is_replaced),
		T(early_dialogs_are_replaced),
	};

	return cmocka_run_group_tests(tests, start_eal, stop_eal);
}
