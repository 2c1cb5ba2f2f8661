/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys by INFO against a scripted peer, both ways: exact bodies, one at a time and in order, and what the answers decide. */
#include "sip_dialog_caller.h"

#include "sip/dialog_info.h"

#define RELAY "Content-Type: application/dtmf-relay\r\n"

static void establish(void)
{
	establish_with("alice@" OUR_IP, BOB);
}

/* ---- out ---- */

static void press(const char *tones, uint16_t duration_ms)
{
	struct rln_event ev = {.kind = RLN_EV_SEND_DTMF, .id = call.v, .send_dtmf = {.duration_ms = duration_ms}};

	memcpy(ev.send_dtmf.tones, tones, strnlen(tones, sizeof(ev.send_dtmf.tones)));
	rln_bus_publish(node0->bus, &ev);
	pump();
}

static const char *key_goes(const char *body)
{
	const char *info = next_sent("INFO sip:bob@198.18.0.2:5070 SIP/2.0\r\n");

	assert_header(info, "Content-Type", "application/dtmf-relay");
	assert_string_equal(body_of(info), body);
	return info;
}

static void error_event(enum rln_dialog_fault fault, unsigned code)
{
	const struct rln_event *ev = next_event(RLN_EV_DIALOG_ERROR);

	assert_int_equal(ev->dialog_error.error, fault);
	assert_int_equal(ev->dialog_error.error_code, code);
}

static void keys_go_one_by_one(void **state)
{
	unsigned number;
	const char *info;

	(void)state;
	establish();
	press("1#", 80);
	press("D", 0);
	info = key_goes("Signal=1\r\nDuration=80\r\n");
	number = (unsigned)atoi(header(info, "CSeq"));
	no_more_sent();
	reply(info, "100 Trying", NULL, NULL, NULL);
	no_more_sent();
	reply(info, "200 OK", NULL, NULL, NULL);
	info = key_goes("Signal=#\r\nDuration=80\r\n");
	assert_int_equal(atoi(header(info, "CSeq")), number + 1);
	reply(info, "204 No Notification", NULL, NULL, NULL);
	reply(key_goes("Signal=D\r\nDuration=160\r\n"), "200 OK", NULL, NULL, NULL);
	no_more_sent();
	finish();
}

static void a_challenged_key_goes_again(void **state)
{
	const char *info;

	(void)state;
	establish();
	press("19", 100);
	reply(key_goes("Signal=1\r\nDuration=100\r\n"), "401 Unauthorized", NULL,
		"WWW-Authenticate: Digest realm=\"example.test\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n", NULL);
	info = key_goes("Signal=1\r\nDuration=100\r\n");
	assert_non_null(nth_header(info, "Authorization", 0));
	reply(info, "200 OK", NULL, NULL, NULL);
	reply(key_goes("Signal=9\r\nDuration=100\r\n"), "200 OK", NULL, NULL, NULL);
	finish();
}

static void a_refused_key_takes_the_rest_along(void **state)
{
	static const struct {
		const char *answer;
		unsigned progress, error;
	} ends[] = {{"415 Unsupported Media Type", 0, 415}, {"501 Not Implemented", 0, 501}, {"405 Method Not Allowed", 0, 405},
		{"481 Gone", 481, 0}, {"408 Timeout", 408, 0}};

	(void)state;
	establish();
	for (unsigned i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		press("12", 100);
		reply(key_goes("Signal=1\r\nDuration=100\r\n"), ends[i].answer, NULL, NULL, NULL);
		if (ends[i].progress)
			progress_event(RLN_CALL_REFUSED, ends[i].progress);
		else
			error_event(RLN_FAULT_REQUEST_REFUSED, ends[i].error);
		no_more_sent();
	}
	press("12", 100);
	key_goes("Signal=1\r\nDuration=100\r\n");
	run_for(32001);
	progress_event(RLN_CALL_TIMED_OUT, 408);
	while (world.sent_read < world.sent_n)
		next_sent("INFO ");
	press("3", 100); /* the next ones go out again */
	reply(key_goes("Signal=3\r\nDuration=100\r\n"), "200 OK", NULL, NULL, NULL);
	finish();
}

static void keys_that_cannot_be_sent(void **state)
{
	(void)state;
	establish();
	press("12x", 100);
	error_event(RLN_FAULT_TRANSACTION, EINVAL);
	press("", 100);
	error_event(RLN_FAULT_TRANSACTION, EINVAL);
	press("0123456789012345678901234567890123456", 100);
	press("0123456789012345678901234567890123456", 100); /* more than may wait */
	error_event(RLN_FAULT_TRANSACTION, ENOBUFS);
	key_goes("Signal=0\r\nDuration=100\r\n");
	publish_terminate(node0, call, 0); /* those that wait go with the call */
	press("1", 100);
	error_event(RLN_FAULT_TRANSACTION, ENOTCONN);
	reply(next_sent("BYE "), "200 OK", NULL, NULL, NULL);
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
}

/* A key that no block is left for goes out when there is one. */
static void blocks_run_out(void **state)
{
	rln_block_ref held[600];
	unsigned n = 0;

	(void)state;
	establish();
	while ((held[n] = rln_block_alloc(64)))
		n++;
	press("5", 100);
	run_for(1700);
	no_more_sent();
	while (n)
		rln_block_release(held[--n]);
	run_for(500);
	reply(key_goes("Signal=5\r\nDuration=100\r\n"), "200 OK", NULL, NULL, NULL);
	finish();
}

static void keys_without_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned nth = 1; failed; nth++) {
		assert_true(nth < 50);
		establish();
		rln_heap_fail_nth(nth);
		press("5", 100);
		failed = rln_heap_fail_nth(0);
		forget_call(call, 140000);
	}
}

/* ---- in ---- */

static void key_comes(const char *lines, const char *body, const char *answer)
{
	from_bob("INFO", lines, body);
	next_sent(answer);
}

static void keys_come(void **state)
{
	static const struct {
		const char *lines, *body, *key;
		unsigned duration_ms;
	} keys[] = {
		{RELAY, "Signal=5\r\nDuration=250\r\n", "5", 250},
		{RELAY, "Signal= 1\r\nDuration= 160\r\n", "1", 160},
		{RELAY, "signal = *\nduration = 90", "*", 90},
		{RELAY, "Duration=70\r\nSignal=#", "#", 70},
		{RELAY, "Signal=10\r\n", "*", 160},
		{RELAY, "Signal=11\r\nDuration=x\r\n", "#", 160},
		{RELAY, "Signal=d\r\nDuration=99999999\r\n", "D", 65535},
		{RELAY, "Signal=15\r\n", "D", 160},
		{"Content-Type: application/dtmf\r\n", "7", "7", 160},
		{"Content-Type: Application/DTMF ;x=y\r\n", " 0\r\n", "0", 160},
	};

	(void)state;
	establish();
	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct rln_event *ev;

		key_comes(keys[i].lines, keys[i].body, "SIP/2.0 200 ");
		ev = next_event(RLN_EV_DTMF_RECEIVED);
		assert_string_equal(ev->dtmf_received.tones, keys[i].key);
		assert_int_equal(ev->dtmf_received.duration_ms, keys[i].duration_ms);
	}
	finish();
}

static void what_is_no_key(void **state)
{
	static const char *const bad[] = {"Duration=5\r\n", "Signal=\r\n", "Signal=x\r\n", "Signal=17\r\n", "Signal=-1\r\n",
		"Signal=123\r\n", "nonsense", "\r\n\r\n", "=5", "Signal"};

	(void)state;
	establish();
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		key_comes(RELAY, bad[i], "SIP/2.0 400 ");
	key_comes(RELAY, "Signal=!\r\n", "SIP/2.0 200 "); /* the hook, which we have no key for */
	key_comes(RELAY, "Signal=16\r\n", "SIP/2.0 200 ");
	key_comes("", "", "SIP/2.0 200 ");
	key_comes("Content-Type: application/media_control+xml\r\n", "<x/>", "SIP/2.0 415 ");
	assert_header(last_sent()->text, "Accept", "application/dtmf-relay, application/dtmf");
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, start_one, end_world)
		T(keys_go_one_by_one),
		T(a_challenged_key_goes_again),
		T(a_refused_key_takes_the_rest_along),
		T(keys_that_cannot_be_sent),
		T(blocks_run_out),
		T(keys_without_memory),
		T(keys_come),
		T(what_is_no_key),
	};

	return cmocka_run_group_tests(tests, start_eal, stop_eal);
}
