/* SPDX-License-Identifier: BSD-3-Clause */
/* The ladder from made-up events: which call they belong to, how their lines look, what is never shown, whom a filter means. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpdk_app/trace_client.h"
#include "lcore/bus.h"

#define SESSION(n) rln_id_make(RLN_ID_SESSION, 0, n, 1)
#define DIALOG(n)  rln_id_make(RLN_ID_DIALOG, 0, n, 1)
#define MEDIA(n)   rln_id_make(RLN_ID_MEDIA, 0, n, 1)
#define S(n)       (1u << 24 | (n)) /* serial of control */

static struct rln_trace_calls *calls;
static struct rln_trace_place place;
static char block[2048];

static int setup(void **state)
{
	(void)state;
	return rln_trace_calls_create(&calls);
}

static int teardown(void **state)
{
	(void)state;
	rln_trace_calls_destroy(calls);
	return 0;
}

static const struct rln_trace_place *see_at(uint64_t ns, struct rln_event ev, uint32_t serial, uint32_t cause, const char *text)
{
	struct rln_traced t = {&ev, RLN_ENDPOINT_CONTROL, ns, NULL, 0};

	ev.serial = serial;
	ev.cause = cause;
	if (text) {
		snprintf(block, sizeof(block), "%s", text);
		t.text = block;
		t.room = sizeof(block);
	}
	rln_trace_calls_place(calls, &t, &place);
	return &place;
}

static const struct rln_trace_place *see(struct rln_event ev, uint32_t serial, uint32_t cause)
{
	return see_at(1000, ev, serial, cause, NULL);
}

/* SEND_SIP_MESSAGE with this text in its block. */
static struct rln_event sends(uint64_t id, const char *text)
{
	struct rln_event ev = {.kind = RLN_EV_SEND_SIP_MESSAGE, .id = id};
	const char *headers = strchr(text, '\n') + 1, *end = strstr(text, "\r\n\r\n") + 2;

	ev.send_sip_message.headers = (struct rln_slice){(uint16_t)(headers - text), (uint16_t)(end - headers)};
	ev.send_sip_message.body = (struct rln_slice){(uint16_t)(end + 2 - text), (uint16_t)strlen(end + 2)};
	return ev;
}

static struct rln_event direct(uint64_t id, const char *name, enum rln_category category)
{
	struct rln_event ev = {.spare = RLN_TRACED_CALL, .id = id};

	ev.call.name = name;
	ev.call.category = (uint8_t)category;
	return ev;
}

#define EV(k, i) ((struct rln_event){.kind = RLN_EV_##k, .id = (i)})
#define INVITE                                                                                                                   \
	"INVITE sip:bob@198.18.0.2 SIP/2.0\r\nFrom: <sip:alice@198.18.0.1>;tag=1\r\nTo: <sip:bob@198.18.0.2>\r\ni: one@x\r\n"    \
	"CSeq: 7 INVITE\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"

/* ---- calls ---- */

static void an_outgoing_call_is_one_from_command_to_cleanup(void **state)
{
	(void)state;
	assert_int_equal(see_at(5000, EV(MAKE_CALL, SESSION(1)), S(1), 0, NULL)->call, 1);
	assert_true(place.is_new);
	assert_int_equal(see(EV(CREATE_MEDIA_SESSION, SESSION(1)), S(2), S(1))->cause_step, 1);
	assert_int_equal(see(EV(INITIATE_CALL, DIALOG(4)), S(3), S(2))->call, 1); /* by its cause */
	assert_int_equal(see_at(7000, sends(DIALOG(4), INVITE), S(4), S(3), INVITE)->since_ns, 2000);
	assert_int_equal(place.step, 4);
	assert_int_equal(see(EV(SIP_RESPONSE_RECEIVED, DIALOG(4)), S(5), 0)->call, 1); /* by its subject */
	assert_int_equal(place.cause_step, 0);
	assert_int_equal(see_at(8000, sends(0, INVITE), S(6), 0, INVITE)->call, 1); /* by its Call-ID */
	assert_false(place.is_over);
	assert_false(see(direct(DIALOG(4), "release", RLN_CAT_S2D), S(7), S(5))->is_over);
	assert_true(see(direct(SESSION(1), "closed", RLN_CAT_S2A), S(8), S(5))->is_over);
	assert_int_equal(place.step, 8);
}

static void what_one_call_does_to_another_names_it(void **state)
{
	(void)state;
	see(EV(MAKE_CALL, SESSION(1)), S(1), 0);
	see(EV(MAKE_CALL, SESSION(2)), S(2), 0);
	assert_int_equal(place.call, 2);
	see(EV(HANGUP_CALL, SESSION(2)), S(3), S(1)); /* a known subject stays where it is */
	assert_int_equal(place.call, 2);
	assert_int_equal(place.cause_call, 1);
	see(EV(MAKE_CALL, SESSION(3)), S(4), S(1)); /* a second session is a call of its own */
	assert_int_equal(place.call, 3);
	assert_int_equal(place.cause_call, 1);
	assert_int_equal(place.cause_step, 1);
}

static void a_call_to_ourselves_is_one(void **state)
{
	struct rln_event incoming = EV(INCOMING_CALL, DIALOG(9));

	(void)state;
	see(EV(MAKE_CALL, SESSION(1)), S(1), 0);
	see_at(1, sends(DIALOG(4), INVITE), S(2), S(1), INVITE);
	see_at(2, sends(0, INVITE), S(3), 0, INVITE);
	assert_int_equal(see(incoming, S(4), S(3))->call, 1);
	assert_int_equal(see(EV(SESSION_CREATED, SESSION(2)), S(5), S(4))->call, 1);
	assert_false(see(direct(SESSION(1), "closed", RLN_CAT_S2A), S(6), S(5))->is_over);
	assert_true(see(direct(SESSION(2), "closed", RLN_CAT_S2A), S(7), S(5))->is_over);
}

static void a_call_that_was_there_before_is_put_together(void **state)
{
	(void)state;
	assert_int_equal(see(EV(RTP_STATISTICS_UPDATE, MEDIA(3)), S(1), 0)->call, 0); /* whose that is shows later */
	assert_int_equal(see(EV(RTP_TIMEOUT, MEDIA(3)), S(2), S(1))->call, 0);
	assert_int_equal(see(EV(MEDIA_EVENT, SESSION(5)), S(3), S(2))->call, 1);
	assert_int_equal(see(EV(RTP_STATISTICS_UPDATE, MEDIA(3)), S(4), 0)->call, 1);
	assert_int_equal(see(EV(CALL_TERMINATED, DIALOG(6)), S(5), 0)->call, 2); /* unknown yet; a session's answer would tell */
}

static void a_refused_call_ends_without_a_session(void **state)
{
	struct rln_event refusal = EV(SEND_SIP_RESPONSE, 0);

	(void)state;
	see_at(1, sends(0, INVITE), S(1), 0, INVITE);
	refusal.send_sip_response.status_code = 100;
	assert_false(see(refusal, S(2), S(1))->is_over);
	refusal.send_sip_response.status_code = 503;
	assert_true(see(refusal, S(3), S(1))->is_over);
	see(EV(INCOMING_CALL, DIALOG(1)), S(4), 0);
	assert_false(see(EV(SEND_SIP_RESPONSE, DIALOG(1)), S(5), S(4))->is_over);
	assert_true(see(direct(DIALOG(1), "release", RLN_CAT_S2D), S(6), S(4))->is_over);
}

/* Days of calls: old ones are forgotten, new ones are found, and nothing grows. */
static void tables_forget_the_oldest(void **state)
{
	uint32_t serial = 0;

	(void)state;
	for (unsigned n = 1; n <= 200000; n++) {
		uint64_t id = rln_id_make(RLN_ID_SESSION, 0, n % 1000, n);

		serial += 2;
		assert_int_equal(see(EV(MAKE_CALL, id), serial, 0)->call, n);
		assert_int_equal(see(EV(STATE_CHANGED, id), serial + 1, serial)->step, 2);
	}
	assert_int_equal(see(EV(STATE_CHANGED, rln_id_make(RLN_ID_SESSION, 0, 1, 1)), S(1), 0)->call, 200001);
}

/* ---- lines ---- */

static const char *line_of(struct rln_event ev, const char *text, const struct rln_ladder_style *style)
{
	static char buf[8192];
	struct rln_ladder_text out = {buf, sizeof(buf), 0};
	struct rln_traced t = {&ev, RLN_ENDPOINT_CONTROL, 0, NULL, 0};
	const struct rln_trace_place at = {.call = 3, .step = 12, .cause_call = 3, .cause_step = 9, .since_ns = 1234567};

	buf[0] = 0;
	if (text) {
		snprintf(block, sizeof(block), "%s", text);
		t.text = block;
		t.room = sizeof(block);
	}
	rln_ladder_line(&out, style, &t, &at);
	return buf;
}

static const struct rln_ladder_style plain, loud = {.verbose = true}, numbered = {.numbers = true}, coloured = {.colour = true};

static void lines_show_arrow_step_cause_and_message(void **state)
{
	struct rln_event ev = EV(STATE_CHANGED, SESSION(1));

	(void)state;
	assert_string_equal(line_of(sends(DIALOG(1), INVITE), INVITE, &plain),
		"     1.235 |<--------|         |         |         |         |   12 <- 9    SEND_SIP_MESSAGE INVITE "
		"sip:bob@198.18.0.2 (7 "
		"INVITE) with body\n");
	ev.state_changed.old_state = RLN_STATE_PROCEEDING;
	ev.state_changed.new_state = RLN_STATE_ACTIVE;
	assert_string_equal(line_of(ev, NULL, &plain), "     1.235 |         |         |============================>|   12 <- 9 "
						       "   STATE_CHANGED ** PROCEEDING -> ACTIVE **\n");
	assert_string_equal(line_of(EV(ACCEPT_CALL, SESSION(1)), NULL, &numbered),
		"     3      1.235 |         |         |<----------------------------|   12 <- 9    ACCEPT_CALL code=0\n");
	assert_non_null(strstr(line_of(EV(TIMER_FIRED, SESSION(1)), NULL, &plain), " |         |         o         |"));
	assert_non_null(strstr(line_of(EV(FIRST_AUDIO_FRAME_RECEIVED, MEDIA(1)), NULL, &plain), "|         |<--------|"));
	assert_non_null(strstr(line_of(EV(DTMF_DETECTED, SESSION(1)), NULL, &plain), "|         |-----------"));
	assert_memory_equal(line_of(ev, NULL, &coloured), "\033[1;36m", 7);
}

static void lines_show_direct_calls_and_their_failure(void **state)
{
	struct rln_event ev = direct(DIALOG(1), "send_response", RLN_CAT_S2D);

	(void)state;
	ev.call.detail = 180;
	assert_string_equal(line_of(ev, NULL, &plain),
		"     1.235 |         |<........|         |         |         |   12 <- 9    dialog.send_response(180)\n");
	ev.call.result = -ENOTCONN;
	assert_non_null(strstr(line_of(ev, NULL, &plain), "(180) failed: Transport endpoint is not connected\n"));
	ev.call.is_query = 1;
	ev.call.result = 2;
	assert_string_equal(line_of(ev, NULL, &plain), "");
	assert_non_null(strstr(line_of(ev, NULL, &loud), "dialog.send_response(180) = 2  [control d0/1#1 #"));
	ev = direct(DIALOG(1), "send_ack", RLN_CAT_D2T);
	ev.call.message = (struct rln_slice){0, (uint16_t)strlen("ACK sip:bob@x SIP/2.0\r\nCSeq: 1 ACK\r\n\r\n")};
	assert_non_null(strstr(line_of(ev, "ACK sip:bob@x SIP/2.0\r\nCSeq: 1 ACK\r\n\r\n", &plain),
		"transport.send_ack() ACK sip:bob@x (1 ACK)\n"));
}

static void whole_messages_are_shown_on_demand(void **state)
{
	const char *text = line_of(sends(DIALOG(1), INVITE), INVITE, &loud);

	(void)state;
	assert_non_null(strstr(text, "\n\t\t| INVITE sip:bob@198.18.0.2 SIP/2.0\n\t\t| From: <sip:alice"));
	assert_non_null(strstr(text, "\n\t\t| \n\t\t| v=0\n"));
}

static void a_line_that_does_not_fit_is_cut(void **state)
{
	struct rln_event ev = sends(DIALOG(1), INVITE);
	struct rln_traced t = {&ev, RLN_ENDPOINT_CONTROL, 0, block, sizeof(block)};
	const struct rln_trace_place at = {.call = 1, .step = 1};

	(void)state;
	snprintf(block, sizeof(block), "%s", INVITE);
	for (size_t room = 1; room < 700; room++) {
		char *buf = malloc(room); /* the sanitizer stands at its end */
		struct rln_ladder_text out = {buf, room, 0};

		rln_ladder_head(&out, &loud);
		rln_ladder_line(&out, &loud, &t, &at);
		assert_true(out.len < room);
		free(buf);
	}
}

/* ---- secrets ---- */

static const char *masked(const char *text)
{
	static char buf[600];

	snprintf(buf, sizeof(buf), "%s", text);
	rln_trace_mask(buf, strlen(text));
	assert_int_equal(strlen(buf), strlen(text));
	return buf;
}

static void secrets_are_masked_in_place(void **state)
{
	(void)state;
	assert_string_equal(masked("A\r\nAuthorization: Digest response=\"x\"\r\nTo: b\r\n"),
		"A\r\nAuthorization: Digest*************\r\nTo: b\r\n");
	assert_string_equal(masked("A\r\nPROXY-authorization\t : Digest a\r\n b=c\r\nTo: b\r\n"),
		"A\r\nPROXY-authorization\t : Digest**\r\n****\r\nTo: b\r\n");
	assert_string_equal(masked("Authorization: Digest a"), "Authorization: Digest**");
	assert_string_equal(masked("a=crypto:1 AES inline:c2Vj|2^20|1:4;inline:a\r\nk=clear:x\r\na=x"),
		"a=crypto:1 AES inline:****|2^20|1:4;inline:*\r\nk=*******\r\na=x");
	assert_string_equal(masked("To: <sip:bob:pass@h:5060> sips:a:b@c sip:h:5060;x=a@b sip:h:5060"),
		"To: <sip:bob:****@h:5060> sips:a:*@c sip:h:5060;x=a@b sip:h:5060");
	assert_string_equal(masked("Authorizations: Digest a\r\nX-Authorization: a\r\nWWW-Authenticate: Digest nonce\r\n"),
		"Authorizations: Digest a\r\nX-Authorization: a\r\nWWW-Authenticate: Digest nonce\r\n");
	assert_string_equal(masked(""), "");
	assert_string_equal(masked("Authorization:\r\n\r\n"), "Authorization:\r\n\r\n");
}

static void masked_runs_are_short_in_print(void **state)
{
	const char *text =
		"REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username=\"me\", response=\"0123\"\r\nContact: *\r\n\r\n";
	char copy[256];

	(void)state;
	snprintf(copy, sizeof(copy), "%s", text);
	rln_trace_mask(copy, strlen(copy));
	assert_non_null(strstr(line_of(sends(1, text), copy, &loud), "| Authorization: Digest***\n\t\t| Contact: *\n"));
}

/* ---- filters ---- */

static bool fits(const char *filter, struct rln_event ev, const char *text, bool is_new)
{
	struct rln_trace_request request = {.calls = 1};
	struct rln_traced t = {&ev, RLN_ENDPOINT_CONTROL, 0, NULL, 0};
	const struct rln_trace_place at = {.call = 1, .step = 1, .is_new = is_new};
	const char *why;

	assert_int_equal(rln_trace_filter_parse(&request, filter, &why), 0);
	if (text) {
		snprintf(block, sizeof(block), "%s", text);
		t.text = block;
		t.room = sizeof(block);
	}
	return rln_trace_request_fits(&request, &t, &at);
}

static void filters_choose_a_call(void **state)
{
	struct rln_event invite = sends(DIALOG(4), INVITE);

	(void)state;
	invite.send_sip_message.method = 1;
	assert_true(fits("next", invite, INVITE, true));
	assert_false(fits("next", invite, INVITE, false));
	assert_false(fits("next", EV(SIP_MESSAGE_RECEIVED, 0), NULL, true)); /* OPTIONS, say */
	assert_true(fits("next", EV(MAKE_CALL, SESSION(1)), NULL, true));
	assert_true(fits("id=d0/4#1", invite, INVITE, false));
	assert_false(fits("id=d0/5#1", invite, INVITE, false));
	assert_true(fits("call-id=one@x", invite, INVITE, false));
	assert_false(fits("call-id=one@", invite, INVITE, false));
	assert_true(fits("from=alice", invite, INVITE, false));
	assert_false(fits("from=bob", invite, INVITE, false));
	assert_true(fits("to=sip:bob@", invite, INVITE, false));
	assert_false(fits("to=bob", EV(ACCEPT_CALL, SESSION(1)), NULL, false));
}

static void bad_filters_and_requests_are_refused(void **state)
{
	static const char *const bad[] = {"", "nxt", "next=1", "id", "id=", "id=12", "id=x0/1#2", "id=s0/1#2x",
		"from=", "from=a b", "call-id=", "to", "=x", "id=t0/1#1"};
	static const char *const lines[] = {"", "trace", "trace verbose=2 colour=0 calls=1 next",
		"trace verbose=0 colour=0 calls=0 next", "trace verbose=0 colour=0 calls=1",
		"trace verbose=0 colour=0 calls=1 nope", "GET / HTTP/1.1", "trace verbose=0 colour=0 calls=1 next next"};
	struct rln_trace_request request = {.calls = 7, .verbose = true}, back;
	char text[RLN_TRACE_FILTER + 80], filter[2 * RLN_TRACE_FILTER];
	const char *why;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(rln_trace_filter_parse(&request, bad[i], &why), -EINVAL);
		assert_non_null(strstr(why, "expect"));
	}
	memset(filter, 'a', sizeof(filter));
	memcpy(filter, "from=", 5);
	filter[5 + RLN_TRACE_FILTER] = 0;
	assert_int_equal(rln_trace_filter_parse(&request, filter, &why), -EINVAL);
	filter[5 + RLN_TRACE_FILTER - 1] = 0;
	assert_int_equal(rln_trace_filter_parse(&request, filter, &why), 0);
	rln_trace_request_text(&request, text, sizeof(text));
	assert_int_equal(rln_trace_request_parse(&back, text), 0);
	assert_memory_equal(&back, &request, sizeof(back));
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(rln_trace_request_parse(&back, lines[i]), -EINVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_outgoing_call_is_one_from_command_to_cleanup),
		TEST(what_one_call_does_to_another_names_it),
		TEST(a_call_to_ourselves_is_one),
		TEST(a_call_that_was_there_before_is_put_together),
		TEST(a_refused_call_ends_without_a_session),
		TEST(tables_forget_the_oldest),
		cmocka_unit_test(lines_show_arrow_step_cause_and_message),
		cmocka_unit_test(lines_show_direct_calls_and_their_failure),
		cmocka_unit_test(whole_messages_are_shown_on_demand),
		cmocka_unit_test(a_line_that_does_not_fit_is_cut),
		cmocka_unit_test(secrets_are_masked_in_place),
		cmocka_unit_test(masked_runs_are_short_in_print),
		cmocka_unit_test(filters_choose_a_call),
		cmocka_unit_test(bad_filters_and_requests_are_refused),
	};

	return cmocka_run_group_tests_name("dpdk_app/trace", tests, NULL, NULL);
}
