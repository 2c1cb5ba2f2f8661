/* SPDX-License-Identifier: BSD-3-Clause */
/* OPTIONS of ours outside a dialog: what goes out, and the one answer that comes up whatever happens. */
#include "sip_dialog_fixture.h"

#define ASKER 0x1234

static uint32_t token;

static void ask(const char *target, uint16_t port)
{
	struct rln_event ev = {.kind = RLN_EV_OPTIONS_REQUEST, .id = ASKER};
	char text[512];
	int from = snprintf(text, sizeof(text), "sip:alice@" OUR_IP),
	    len = from + 1 + snprintf(text + from + 1, 400, "%s", target);
	struct rln_slice all;

	ev.options_request.block = rln_block_from_text(text, (size_t)len, &all);
	ev.options_request.from = (struct rln_slice){all.off, (uint16_t)from};
	ev.options_request.target = (struct rln_slice){(uint16_t)(all.off + from + 1), (uint16_t)(len - from - 1)};
	ev.options_request.port = port;
	ev.options_request.token = ++token;
	rln_bus_publish(node0->bus, &ev);
	pump();
}

static void answered(unsigned status, int error)
{
	const struct rln_event *ev = next_event(RLN_EV_OPTIONS_ANSWERED);

	assert_int_equal(ev->id, ASKER);
	assert_int_equal(ev->options_answered.token, token);
	assert_int_equal(ev->options_answered.status, status);
	assert_int_equal(ev->options_answered.error, error);
	assert_int_equal(rln_slots_in_use(dialogs0->slots), 0);
	no_more_events();
}

static void somebody_is_there(void **state)
{
	const char *text;

	(void)state;
	ask("bob@" PEER_IP, 0);
	text = next_sent("OPTIONS sip:bob@198.18.0.2 SIP/2.0\r\n");
	assert_int_equal(strncmp(header(text, "From"), "<sip:alice@198.18.0.1>;tag=", 27), 0);
	assert_header(text, "To", "<sip:bob@198.18.0.2>");
	assert_header(text, "Contact", "<sip:alice@198.18.0.1:5060>");
	assert_header(text, "Accept", "application/sdp");
	assert_header(text, "Allow", ALLOW);
	assert_header(text, "Max-Forwards", "70");
	assert_header(text, "Content-Length", "0");
	reply(text, "100 Trying", NULL, NULL, NULL);
	no_more_events();
	reply(text, "200 OK", "bt", NULL, SDP_ANSWER);
	answered(200, 0);
	ask("sip:" PEER_IP ":5070", 5062);
	text = next_sent("OPTIONS sip:198.18.0.2:5070 SIP/2.0\r\n");
	assert_header(text, "Contact", "<sip:alice@198.18.0.1:5062>");
	assert_sent_to(PEER_IP, 5070);
	reply(text, "404 Not Found", "bt", NULL, NULL);
	answered(404, 0);
	no_more_sent();
}

static void a_challenge_is_an_answer(void **state)
{
	(void)state;
	ask("bob@" PEER_IP, 0);
	reply(next_sent("OPTIONS "), "401 Unauthorized", "bt", "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n", NULL);
	answered(401, 0);
	no_more_sent();
}

static void nobody_is_there(void **state)
{
	(void)state;
	ask("bob@" PEER_IP, 0);
	run_for(31999);
	no_more_events();
	assert_int_equal(rln_slots_in_use(dialogs0->slots), 1);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0); /* whoever drains need not wait for it */
	run_for(2);
	answered(0, ETIMEDOUT);
}

static void what_cannot_be_asked(void **state)
{
	(void)state;
	ask("bob at home", 0);
	answered(0, EINVAL);
	ask("bob@nowhere.example.test", 0);
	answered(0, EHOSTUNREACH);
	ask("sip:bob@" PEER_IP ";transport=tcp", 0);
	answered(0, EPROTONOSUPPORT);
	no_more_sent();
}

/* It is no dialog: the peer's requests do not find it, though they know its tag. */
static void it_is_no_dialog(void **state)
{
	char from[256], call_id[256];
	const char *text;

	(void)state;
	ask("bob@" PEER_IP, 0);
	text = next_sent("OPTIONS ");
	strcpy(from, header(text, "From"));
	strcpy(call_id, header(text, "Call-ID"));
	request("BYE", "probe", 1, "<sip:bob@" PEER_IP ">;tag=bt", from, call_id, NULL, NULL);
	next_sent("SIP/2.0 481 ");
	reply(text, "200 OK", "bt", NULL, NULL);
	answered(200, 0);
}

static void many_at_once(void **state)
{
	char sent[DIALOGS][TEXT_MAX];

	(void)state;
	for (unsigned i = 0; i < DIALOGS; i++) {
		ask("bob@" PEER_IP, 0);
		strcpy(sent[i], next_sent("OPTIONS "));
	}
	ask("bob@" PEER_IP, 0); /* the table is full */
	assert_int_equal(next_event(RLN_EV_OPTIONS_ANSWERED)->options_answered.error, ENOMEM);
	for (unsigned i = 0; i < DIALOGS; i++) {
		reply(sent[DIALOGS - 1 - i], "200 OK", "bt", NULL, NULL);
		assert_int_equal(next_event(RLN_EV_OPTIONS_ANSWERED)->options_answered.status, 200);
	}
	no_more_events();
}

static void without_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned nth = 1; failed; nth++) {
		assert_true(nth < 50);
		rln_heap_fail_nth(nth);
		ask("bob@" PEER_IP, 0);
		failed = rln_heap_fail_nth(0);
		run_for(33000);
		next_event(RLN_EV_OPTIONS_ANSWERED);
		no_more_events();
		assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, start_one, end_world)
		T(somebody_is_there),
		T(a_challenge_is_an_answer),
		T(nobody_is_there),
		T(what_cannot_be_asked),
		T(it_is_no_dialog),
		T(many_at_once),
		T(without_memory),
	};

	return cmocka_run_group_tests(tests, start_eal, stop_eal);
}
