/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transactions over a network that is an array, on a wheel that the test turns. One table is both sides: what a client
 * transaction sends comes back as a request. Times are ms since the test began; T1, T2 and T4 are RFC 3261's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/secure.h"
#include "sip/build.h"
#include "sip/txn_priv.h"

#define MS       1000000ull
#define CAPACITY 64
#define SENT     512
#define UP       256

struct packet {
	unsigned at_ms;
	size_t len;
	char text[1200];
	struct rln_addr local, remote;
	unsigned worker;
};
struct up {
	unsigned at_ms;
	struct rln_event ev;
	char line[64]; /* of the message, as the user saw it */
};

static struct rln_bus *bus;
static struct rln_wheel *wheel;
static struct rln_txns *txns;
static struct rln_addr alice, bob;
static uint64_t start_ns = 5000 * MS, now_ns;
static struct packet sent[SENT];
static unsigned sent_n, taken_n; /* taken: delivered by deliver() */
static struct up up[UP];
static unsigned up_n;
static int send_rc;
static void (*react)(const struct rln_event *ev);

static unsigned now_ms(void)
{
	return (unsigned)((now_ns - start_ns) / MS);
}

static int on_send(
	void *arg, const char *text, size_t len, const struct rln_addr *local, const struct rln_addr *remote, unsigned worker)
{
	struct packet *p = &sent[sent_n];

	assert_ptr_equal(arg, &sent);
	if (send_rc < 0)
		return send_rc;
	assert_true(sent_n < SENT && len < sizeof(p->text));
	*p = (struct packet){.at_ms = now_ms(), .len = len, .local = *local, .remote = *remote, .worker = worker};
	memcpy(p->text, text, len);
	sent_n++;
	return 0;
}

static void on_event(void *arg, const struct rln_event *ev)
{
	struct up *u = &up[up_n++];
	const struct rln_sip_msg *msg = rln_event_block(ev) ? rln_block_data(rln_event_block(ev)) : NULL;

	assert_ptr_equal(arg, &up);
	assert_true(up_n < UP);
	*u = (struct up){.at_ms = now_ms(), .ev = *ev};
	if (msg && msg->status)
		snprintf(u->line, sizeof(u->line), "%u %s", msg->status, rln_sip_text(msg, msg->method_text));
	else if (msg)
		snprintf(u->line, sizeof(u->line), "%s", rln_sip_text(msg, msg->method_text));
	if (react)
		react(ev);
}

static void run_to(unsigned ms)
{
	while (now_ms() < ms) {
		now_ns += MS;
		rln_wheel_advance(wheel, now_ns, UINT32_MAX);
		while (rln_bus_poll(bus, 64))
			;
	}
}

static void settle(void)
{
	while (rln_bus_poll(bus, 64))
		;
}

/* ---- messages ---- */

static const char *first_line(const struct packet *p)
{
	static char line[64];

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(p->text, "\r"), p->text);
	return line;
}

static void request_text(char *text, size_t size, const char *method, const char *branch, const char *more)
{
	snprintf(text, size,
		"%s sip:bob@198.18.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.1:5060;rport;branch=%s\r\nMax-Forwards: 70\r\n"
		"From: <sip:alice@198.18.0.1>;tag=f\r\nTo: <sip:bob@198.18.0.2>\r\nCall-ID: call\r\nCSeq: 1 "
		"%s\r\n%sContent-Length: 0\r\n\r\n",
		method, branch, method, more);
}

static void take(const char *text, size_t len, const struct rln_addr *from, const struct rln_addr *to)
{
	struct rln_sip_msg *msg;

	assert_int_equal(rln_sip_parse(&msg, text, len, from, to), 0);
	if (msg->status)
		rln_txns_on_response(txns, msg);
	else
		assert_int_equal(rln_txns_on_request(txns, msg), 0);
	settle();
}

static void take_request(const char *method, const char *branch)
{
	char text[1024];

	request_text(text, sizeof(text), method, branch, "");
	take(text, strlen(text), &alice, &bob);
}

/* A response to what was sent as number `n`. */
static void take_response(unsigned n, const char *status, const char *tag)
{
	const char *via = strstr(sent[n].text, "Via: "), *cseq = strstr(sent[n].text, "CSeq: ");
	char text[1024];

	snprintf(text, sizeof(text),
		"SIP/2.0 %s\r\n%.*s\r\nFrom: <sip:alice@198.18.0.1>;tag=f\r\nTo: <sip:bob@198.18.0.2>;tag=%s\r\nCall-ID: "
		"call\r\n%.*s\r\n\r\n",
		status, (int)strcspn(via, "\r"), via, tag, (int)strcspn(cseq, "\r"), cseq);
	take(text, strlen(text), &bob, &alice);
}

/* A client transaction with its request sent. */
static uint64_t send_request(enum rln_sip_method method, uint64_t owner, char branch[RLN_BRANCH_MAX])
{
	struct rln_txn_id id = rln_txn_new_client(txns, method, branch);
	char text[1024];

	assert_int_not_equal(id.v, 0);
	rln_txn_set_owner(txns, id, owner);
	request_text(text, sizeof(text), rln_sip_method_name(method), branch, "");
	rln_txns_send_request(txns, id.v, text, strlen(text), &alice, &bob, 3);
	settle();
	return id.v;
}

static uint64_t send_new(enum rln_sip_method method)
{
	char branch[RLN_BRANCH_MAX];

	return send_request(method, 77, branch);
}

/* The user answers the request that came up as number `n`. */
static void answer(unsigned n, unsigned status)
{
	uint64_t id = up[n].ev.sip_message_received.transaction_id;
	struct rln_sip_msg *msg = rln_txn_request(txns, (struct rln_txn_id){id});
	char buf[1024];
	struct rln_text t;

	rln_text_init(&t, buf, sizeof(buf));
	if (msg)
		rln_build_response(&t, msg, status, NULL, "mine", false);
	else
		rln_text_printf(&t, "SIP/2.0 %u Again\r\n", status);
	rln_build_body(&t, NULL, NULL, 0);
	assert_false(t.full);
	rln_txns_send_response(txns, id, status, t.buf, t.len);
	settle();
}

static void assert_sent_(unsigned from, unsigned n, const unsigned *at_ms, const char *start, int line)
{
	if (sent_n != from + n)
		fail_msg("line %d: %u packets instead of %u", line, sent_n - from, n);
	for (unsigned i = 0; i < n; i++) {
		if (sent[from + i].at_ms != at_ms[i])
			fail_msg("line %d: packet %u at %u ms instead of %u", line, i, sent[from + i].at_ms, at_ms[i]);
		if (strncmp(sent[from + i].text, start, strlen(start)) != 0)
			fail_msg("line %d: packet %u is \"%s\"", line, i, first_line(&sent[from + i]));
	}
}
#define assert_sent(from, start, ...)                                                                                            \
	assert_sent_(from, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned), (const unsigned[]){__VA_ARGS__}, start,   \
		__LINE__)

static void assert_up_(unsigned n, unsigned at_ms, const char *what, int line)
{
	if (n >= up_n)
		fail_msg("line %d: %u events, none with number %u", line, up_n, n);
	if (up[n].at_ms != at_ms || strcmp(up[n].line, what) != 0)
		fail_msg("line %d: event %u is \"%s\" at %u ms", line, n, up[n].line, up[n].at_ms);
}
#define assert_up(n, at_ms, what) assert_up_(n, at_ms, what, __LINE__)

static void assert_error_(unsigned n, unsigned at_ms, uint64_t id, int error, int line)
{
	if (n >= up_n || up[n].ev.kind != RLN_EV_TRANSPORT_ERROR)
		fail_msg("line %d: no error as event %u of %u", line, n, up_n);
	if (up[n].at_ms != at_ms || up[n].ev.transport_error.error != error || up[n].ev.transport_error.transaction_id != id)
		fail_msg("line %d: error %d at %u ms", line, up[n].ev.transport_error.error, up[n].at_ms);
}
#define assert_error(n, at_ms, id, error) assert_error_(n, at_ms, id, error, __LINE__)

/* ---- client, INVITE ---- */

static void invite_client_repeats_until_b(void **state)
{
	uint64_t id = send_new(RLN_SIP_INVITE);

	(void)state;
	assert_true(rln_txn_is_open(txns, (struct rln_txn_id){id}));
	run_to(31999);
	assert_sent(0, "INVITE", 0, 500, 1500, 3500, 7500, 15500, 31500);
	assert_int_equal(sent[6].worker, 3);
	assert_true(rln_addr_equal(&sent[6].local, &alice) && rln_addr_equal(&sent[6].remote, &bob));
	assert_int_equal(up_n, 0);
	run_to(40000);
	assert_int_equal(sent_n, 7);
	assert_int_equal(up_n, 1);
	assert_error(0, 32000, id, ETIMEDOUT);
	assert_int_equal(up[0].ev.id, 77);
	assert_int_equal(rln_count_total(RLN_C_SIP_RETRANSMIT_OUT), 6);
	assert_false(rln_txn_is_open(txns, (struct rln_txn_id){id}));
}

static void invite_client_refused(void **state)
{
	uint64_t id = send_new(RLN_SIP_INVITE);
	struct rln_ev_sip_response_received *ev = &up[0].ev.sip_response_received;

	(void)state;
	run_to(100);
	take_response(0, "180 Ringing", "b");
	assert_up(0, 100, "180 INVITE");
	assert_int_equal(up[0].ev.kind, RLN_EV_SIP_RESPONSE_RECEIVED);
	assert_int_equal(up[0].ev.id, 77);
	assert_int_equal(ev->transaction_id, id);
	assert_int_equal(ev->status_code, 180);
	assert_int_equal(ev->reason_phrase.len, 7);
	assert_true(ev->headers.len > 100 && ev->body.len == 0 && ev->block);
	assert_true(rln_txn_has_provisional(txns, (struct rln_txn_id){id}));
	run_to(120000); /* no B after a provisional: how long it rings is the user's affair */
	assert_int_equal(sent_n, 1);
	take_response(0, "486 Busy", "b");
	assert_up(1, 120000, "486 INVITE");
	assert_sent(1, "ACK sip:bob@198.18.0.2 SIP/2.0", 120000);
	assert_non_null(strstr(sent[1].text, "To: <sip:bob@198.18.0.2>;tag=b\r\n"));
	assert_non_null(strstr(sent[1].text, "CSeq: 1 ACK\r\n"));
	assert_memory_equal(strstr(sent[1].text, "Via"), strstr(sent[0].text, "Via"), strcspn(strstr(sent[0].text, "Via"), "\r"));
	assert_false(rln_txn_is_open(txns, (struct rln_txn_id){id}));
	run_to(130000);
	take_response(0, "486 Busy", "b");
	take_response(0, "200 OK", "b"); /* too late to count */
	assert_sent(2, "ACK", 130000);
	assert_int_equal(up_n, 2);
	run_to(151999);
	assert_int_equal(rln_txns_in_use(txns), 1);
	run_to(152000); /* D */
	assert_int_equal(rln_txns_in_use(txns), 0);
	assert_int_equal(up_n, 2);
}

/* RFC 6026 7.2: 2xx, repeated or of another branch, are the user's until M. */
static void invite_client_accepted(void **state)
{
	uint64_t id = send_new(RLN_SIP_INVITE);

	(void)state;
	run_to(600);
	take_response(0, "200 OK", "b1");
	run_to(1000);
	take_response(0, "200 OK", "b1");
	take_response(0, "200 OK", "b2");
	take_response(0, "486 Busy", "b3");
	take_response(0, "180 Ringing", "b3");
	assert_int_equal(up_n, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_up(i, i ? 1000 : 600, "200 INVITE");
		assert_int_equal(up[i].ev.sip_response_received.transaction_id, id);
		assert_int_equal(up[i].ev.id, 77);
	}
	assert_int_equal(sent_n, 2); /* the INVITE and its repetition at 500: the ACK is the dialog's */
	run_to(32599);
	assert_int_equal(rln_txns_in_use(txns), 1);
	run_to(32600);
	assert_int_equal(rln_txns_in_use(txns), 0);
	assert_int_equal(rln_count_total(RLN_C_SIP_STRAY_RESPONSE), 0);
	take_response(0, "200 OK", "b1");
	assert_int_equal(rln_count_total(RLN_C_SIP_STRAY_RESPONSE), 1);
	assert_int_equal(up_n, 3);
}

/* ---- client, others ---- */

static void other_client_repeats_until_f(void **state)
{
	uint64_t id = send_new(RLN_SIP_BYE);

	(void)state;
	run_to(31999);
	assert_sent(0, "BYE", 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500);
	run_to(60000);
	assert_int_equal(sent_n, 11);
	assert_int_equal(up_n, 1);
	assert_error(0, 32000, id, ETIMEDOUT);
}

/* 17.1.2.2: after a provisional E is T2, and F still ends it. */
static void other_client_slows_down(void **state)
{
	uint64_t id = send_new(RLN_SIP_OPTIONS);

	(void)state;
	run_to(100);
	take_response(0, "183 Wait", "b");
	assert_up(0, 100, "183 OPTIONS");
	run_to(31999);
	assert_sent(0, "OPTIONS", 0, 500, 4500, 8500, 12500, 16500, 20500, 24500, 28500);
	run_to(32000);
	assert_error(1, 32000, id, ETIMEDOUT);
}

static void other_client_answered(void **state)
{
	(void)state;
	send_new(RLN_SIP_BYE);
	run_to(700);
	take_response(0, "481 Gone", "b");
	run_to(800);
	take_response(0, "481 Gone", "b");
	assert_int_equal(up_n, 1);
	assert_up(0, 700, "481 BYE");
	assert_int_equal(rln_count_total(RLN_C_SIP_RETRANSMIT_IN), 1);
	run_to(5699);
	assert_int_equal(rln_txns_in_use(txns), 1);
	run_to(5700); /* K */
	assert_int_equal(rln_txns_in_use(txns), 0);
	assert_int_equal(sent_n, 2);
}

/* ---- server, INVITE ---- */

static void slow_user_gets_a_100_sent(void **state)
{
	(void)state;
	take_request("INVITE", "z9hG4bKs1");
	assert_up(0, 0, "INVITE");
	assert_int_equal(up[0].ev.id, 0);
	assert_int_equal(up[0].ev.sip_message_received.method, RLN_SIP_INVITE);
	assert_true(rln_addr_equal(&up[0].ev.sip_message_received.source, &alice));
	assert_true(up[0].ev.sip_message_received.headers.len > 100);
	run_to(100);
	take_request("INVITE", "z9hG4bKs1"); /* nothing to repeat yet */
	run_to(199);
	assert_int_equal(sent_n, 0);
	run_to(200);
	assert_sent(0, "SIP/2.0 100 Trying\r\nVia: ", 200);
	assert_non_null(strstr(sent[0].text, ";received=198.18.0.1;rport=5060\r\n"));
	assert_null(strstr(sent[0].text, "To: <sip:bob@198.18.0.2>;tag"));
	assert_true(rln_addr_equal(&sent[0].remote, &alice) && rln_addr_equal(&sent[0].local, &bob));
	run_to(300);
	take_request("INVITE", "z9hG4bKs1");
	assert_sent(1, "SIP/2.0 100", 300);
	answer(0, 180);
	run_to(400);
	take_request("INVITE", "z9hG4bKs1");
	assert_sent(2, "SIP/2.0 180", 300, 400);
	assert_int_equal(up_n, 1);
	assert_int_equal(rln_count_total(RLN_C_SIP_RETRANSMIT_IN), 3);
	answer(0, 487);
	take_request("ACK", "z9hG4bKs1");
	run_to(10000);
}

static void quick_user_needs_no_100(void **state)
{
	(void)state;
	take_request("INVITE", "z9hG4bKs1");
	run_to(199);
	answer(0, 180);
	run_to(1000);
	assert_sent(0, "SIP/2.0 180", 199);
	answer(0, 200);
	run_to(33000);
	assert_int_equal(sent_n, 2);
}

static void refusal_repeats_until_its_ack(void **state)
{
	uint64_t id;

	(void)state;
	take_request("INVITE", "z9hG4bKs1");
	id = up[0].ev.sip_message_received.transaction_id;
	assert_non_null(rln_txn_request(txns, (struct rln_txn_id){id}));
	answer(0, 486);
	assert_null(rln_txn_request(txns, (struct rln_txn_id){id}));
	answer(0, 200); /* one final response is enough */
	run_to(9000);
	assert_sent(0, "SIP/2.0 486", 0, 500, 1500, 3500, 7500); /* G doubles up to T2 */
	take_request("INVITE", "z9hG4bKs1");
	assert_sent(5, "SIP/2.0 486", 9000);
	take_request("ACK", "z9hG4bKs1");
	take_request("ACK", "z9hG4bKs1");
	take_request("INVITE", "z9hG4bKs1");
	run_to(13999);
	assert_int_equal(sent_n, 6);
	assert_int_equal(up_n, 1); /* the ACK went no further */
	assert_int_equal(rln_txns_in_use(txns), 1);
	run_to(14000); /* I */
	assert_int_equal(rln_txns_in_use(txns), 0);
	take_request("ACK", "z9hG4bKs1"); /* now it matches nothing, and the dialog shall say so */
	assert_up(1, 14000, "ACK");
	assert_int_equal(up[1].ev.sip_message_received.transaction_id, 0);
}

static void refusal_without_ack(void **state)
{
	uint64_t id;

	(void)state;
	take_request("INVITE", "z9hG4bKs1");
	id = up[0].ev.sip_message_received.transaction_id;
	rln_txn_set_owner(txns, (struct rln_txn_id){id}, 99);
	assert_int_equal(rln_txn_owner(txns, (struct rln_txn_id){id}), 99);
	answer(0, 603);
	run_to(31999);
	assert_sent(0, "SIP/2.0 603", 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500);
	run_to(32000); /* H */
	assert_error(1, 32000, id, ETIMEDOUT);
	assert_int_equal(up[1].ev.id, 99);
	assert_int_equal(rln_txn_owner(txns, (struct rln_txn_id){id}), 0);
}

/* RFC 6026 7.1: absorbs INVITEs, passes the user's 2xx, and its ACK comes from elsewhere. */
static void accepted_invite_server(void **state)
{
	(void)state;
	take_request("INVITE", "z9hG4bKs1");
	answer(0, 200);
	take_request("INVITE", "z9hG4bKs1");
	run_to(500);
	answer(0, 200);
	answer(0, 486);
	answer(0, 183);
	run_to(600);
	take_request("ACK", "z9hG4bKother");
	run_to(31999);
	assert_int_equal(rln_txns_in_use(txns), 1);
	run_to(32000); /* L */
	assert_int_equal(rln_txns_in_use(txns), 0);
	assert_sent(0, "SIP/2.0 200", 0, 500);
	assert_int_equal(up_n, 2);
	assert_up(1, 600, "ACK");
	assert_int_equal(rln_count_total(RLN_C_SIP_RETRANSMIT_IN), 1);
	assert_int_equal(rln_count_total(RLN_C_SIP_RETRANSMIT_OUT), 1);
}

static void an_ack_before_any_answer(void **state)
{
	(void)state;
	take_request("INVITE", "z9hG4bKs1");
	take_request("ACK", "z9hG4bKs1");
	assert_int_equal(up_n, 1);
	assert_int_equal(rln_count_total(RLN_C_SIP_STRAY_ACK), 1);
	answer(0, 200);
	run_to(32000);
}

/* ---- server, others ---- */

static void other_server(void **state)
{
	(void)state;
	take_request("INFO", "z9hG4bKs1");
	assert_up(0, 0, "INFO");
	run_to(100);
	take_request("INFO", "z9hG4bKs1");
	run_to(1000);
	assert_int_equal(sent_n, 0); /* no 100 for these */
	answer(0, 182);
	take_request("INFO", "z9hG4bKs1");
	answer(0, 200);
	answer(0, 500);
	run_to(2000);
	take_request("INFO", "z9hG4bKs1");
	assert_int_equal(sent_n, 4);
	assert_string_equal(first_line(&sent[1]), "SIP/2.0 182 Queued");
	assert_string_equal(first_line(&sent[2]), "SIP/2.0 200 OK");
	assert_string_equal(first_line(&sent[3]), "SIP/2.0 200 OK");
	assert_int_equal(up_n, 1);
	run_to(32999);
	assert_int_equal(rln_txns_in_use(txns), 1);
	run_to(33000); /* J */
	assert_int_equal(rln_txns_in_use(txns), 0);
	take_request("INFO", "z9hG4bKs1");
	assert_int_equal(up_n, 2);
	answer(1, 200);
	run_to(66000);
}

/* RFC 4320: whoever asked has given up by then. */
static void nobody_answers(void **state)
{
	(void)state;
	take_request("INFO", "z9hG4bKs1");
	run_to(31999);
	assert_int_equal(rln_txns_in_use(txns), 1);
	run_to(32000);
	assert_int_equal(rln_txns_in_use(txns), 0);
	assert_int_equal(up_n, 1);
	answer(0, 200); /* the handle is stale */
	assert_int_equal(sent_n, 0);
}

/* ---- matching ---- */

static void what_tells_requests_apart(void **state)
{
	char text[1024];

	(void)state;
	take_request("INFO", "z9hG4bKs1");
	take_request("MESSAGE", "z9hG4bKs1");
	take_request("FROBNICATE", "z9hG4bKs1");
	take_request("TWIDDLE", "z9hG4bKs1");
	take_request("INFO", "z9hG4bKs2");
	assert_int_equal(up_n, 5);
	request_text(text, sizeof(text), "INFO", "z9hG4bKs1", "");
	memcpy(strstr(text, "198.18.0.1:5060"), "198.18.0.1:5061", 15);
	take(text, strlen(text), &alice, &bob);
	assert_int_equal(up_n, 6); /* another sent-by */
	for (unsigned i = 0; i < 2; i++) {
		take_request("INFO", "z9hG4bKs1");
		take_request("FROBNICATE", "z9hG4bKs1");
		take_request("TWIDDLE", "z9hG4bKs1");
	}
	assert_int_equal(up_n, 6);
	assert_int_equal(rln_count_total(RLN_C_SIP_RETRANSMIT_IN), 6);
	run_to(32000);
}

static void cancel_finds_its_invite(void **state)
{
	char branch[RLN_BRANCH_MAX], same[RLN_BRANCH_MAX];
	uint64_t invite = send_request(RLN_SIP_INVITE, 77, branch), cancel;
	struct rln_sip_msg *msg;

	(void)state;
	take(sent[0].text, sent[0].len, &alice, &bob);
	assert_up(0, 0, "INVITE");
	take_response(0, "180 Ringing", "b");
	memcpy(same, branch, sizeof(same));
	cancel = send_request(RLN_SIP_CANCEL, 78, same);
	assert_string_equal(same, branch);
	assert_int_not_equal(cancel, invite);
	take(sent[1].text, sent[1].len, &alice, &bob);
	assert_up(2, 0, "CANCEL");
	msg = rln_sip_msg_of(up[2].ev.sip_message_received.block); /* as the handler saw it; its transaction still holds it */
	assert_non_null(msg);
	assert_int_equal(rln_txn_cancelled_by(txns, msg).v, up[0].ev.sip_message_received.transaction_id);
	answer(2, 200);
	answer(0, 487);
	take(sent[2].text, sent[2].len, &bob, &alice);
	assert_up(3, 0, "200 CANCEL");
	assert_int_equal(up[3].ev.sip_response_received.transaction_id, cancel);
	assert_int_equal(up[3].ev.id, 78);
	take(sent[3].text, sent[3].len, &bob, &alice);
	assert_up(4, 0, "487 INVITE");
	assert_int_equal(up[4].ev.sip_response_received.transaction_id, invite);
	take(sent[4].text, sent[4].len, &alice, &bob); /* ACK */
	take_request("CANCEL", "z9hG4bKnobody");
	assert_int_equal(rln_txn_cancelled_by(txns, rln_sip_msg_of(up[5].ev.sip_message_received.block)).v, 0);
	run_to(40000);
	assert_int_equal(up_n, 6);
}

/* 17.2.3 without a cookie. */
static void old_request(char *text, size_t size, const char *method, const char *call, const char *to_tag)
{
	snprintf(text, size,
		"%s sip:bob@198.18.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.1\r\nFrom: <sip:alice@198.18.0.1>;tag=f\r\nTo: "
		"<sip:bob@198.18.0.2>%s\r\n"
		"Call-ID: %s\r\nCSeq: 1 %s\r\n\r\n",
		method, to_tag, call, method);
	take(text, strlen(text), &alice, &bob);
}

static void a_client_of_rfc_2543(void **state)
{
	char text[1024];

	(void)state;
	old_request(text, sizeof(text), "INVITE", "one", "");
	old_request(text, sizeof(text), "INVITE", "one", "");
	assert_int_equal(up_n, 1);
	old_request(text, sizeof(text), "INVITE", "two", "");
	assert_int_equal(up_n, 2);
	old_request(text, sizeof(text), "CANCEL", "one", "");
	assert_int_equal(up_n, 3);
	assert_int_equal(rln_txn_cancelled_by(txns, rln_sip_msg_of(up[2].ev.sip_message_received.block)).v,
		up[0].ev.sip_message_received.transaction_id);
	answer(2, 200);
	answer(0, 487);
	assert_int_equal(sent[1].remote.port, 5060);
	old_request(text, sizeof(text), "ACK", "one", ";tag=mine");
	assert_int_equal(up_n, 3); /* ours: the refusal ends */
	answer(1, 200);
	run_to(100);
	old_request(text, sizeof(text), "ACK", "two", ";tag=mine");
	assert_up(3, 100, "ACK"); /* of a 2xx: the dialog's */
	old_request(text, sizeof(text), "BYE", "two", ";tag=mine");
	old_request(text, sizeof(text), "BYE", "two", ";tag=other");
	assert_int_equal(up_n, 6);
	run_to(40000);
	assert_int_equal(sent_n, 3);
}

static void responses_that_are_not_ours(void **state)
{
	char branch[RLN_BRANCH_MAX], text[1024], forged[64];
	uint64_t id = send_request(RLN_SIP_OPTIONS, 77, branch);
	struct rln_txn_id idle;
	static const char form[] =
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP %s;branch=%s%s\r\nFrom: <sip:a@b>;tag=f\r\nTo: <sip:b@a>;tag=t\r\n"
		"Call-ID: call\r\nCSeq: 1 %s\r\n\r\n";
	const struct {
		const char *via, *branch, *more, *method;
	} rows[] = {
		{"198.18.0.9:5060", branch, "", "OPTIONS"},
		{"198.18.0.1:5061", branch, "", "OPTIONS"},
		{"a.name", branch, "", "OPTIONS"},
		{"198.18.0.1", branch, ", SIP/2.0/UDP 255.255.255.255", "OPTIONS"},
		{"198.18.0.1", branch, "", "INVITE"},
		{"198.18.0.1", branch, "", "CANCEL"},
		{"198.18.0.1", "z9hG4bK", "", "OPTIONS"},
		{"198.18.0.1", forged, "", "OPTIONS"},
		{"198.18.0.1", "z9hG4bKzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "", "OPTIONS"},
		{"198.18.0.1", "z9hG4bK0000000000000000000000000000g", "", "OPTIONS"},
	};

	(void)state;
	memcpy(forged, branch, sizeof(branch));
	forged[8] = forged[8] == 'a' ? 'b' : 'a'; /* the right handle behind a hash that is not its own */
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), form, rows[i].via, rows[i].branch, rows[i].more, rows[i].method);
		take(text, strlen(text), &bob, &alice);
		assert_int_equal(up_n, 0);
		assert_int_equal(rln_count_total(RLN_C_SIP_STRAY_RESPONSE), i + 1);
	}
	snprintf(text, sizeof(text), form, "198.18.0.1", branch, "", "OPTIONS"); /* without port: 5060 */
	take(text, strlen(text), &bob, &alice);
	assert_int_equal(up_n, 1);
	assert_int_equal(up[0].ev.sip_response_received.transaction_id, id);
	idle = rln_txn_new_client(txns, RLN_SIP_OPTIONS, branch);
	snprintf(text, sizeof(text), form, "198.18.0.1", branch, "", "OPTIONS"); /* nothing was sent with it yet */
	take(text, strlen(text), &bob, &alice);
	assert_int_equal(up_n, 1);
	rln_txn_drop(txns, idle);
	rln_txn_drop(txns, idle);
	run_to(5000);
}

static void branches_never_repeat(void **state)
{
	char branch[3][RLN_BRANCH_MAX];
	struct rln_txn_id id;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		id = rln_txn_new_client(txns, RLN_SIP_BYE, branch[i]);
		assert_memory_equal(branch[i], "z9hG4bK", 7);
		assert_true(strlen(branch[i]) < RLN_BRANCH_MAX);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(branch[i], branch[k]);
		rln_txn_drop(txns, id); /* the same slot each time */
	}
}

/* ---- faults ---- */

static void send_faults(void **state)
{
	uint64_t id;

	(void)state;
	send_rc = -ENETUNREACH;
	id = send_new(RLN_SIP_INVITE);
	assert_error(0, 0, id, ENETUNREACH);
	assert_int_equal(up[0].ev.id, 77);
	send_rc = -ENOBUFS; /* as good as lost on the wire */
	id = send_new(RLN_SIP_INVITE);
	send_rc = 0;
	run_to(500);
	assert_sent(0, "INVITE", 500);
	send_rc = -ENETUNREACH;
	run_to(1500);
	assert_error(1, 1500, id, ENETUNREACH);
	send_rc = 0;
	take_request("INVITE", "z9hG4bKs1");
	answer(2, 486);
	send_rc = -EHOSTUNREACH;
	run_to(2000);
	assert_error(3, 2000, up[2].ev.sip_message_received.transaction_id, EHOSTUNREACH);
	take_request("INFO", "z9hG4bKs1");
	answer(4, 200);
	assert_error(5, 2000, up[4].ev.sip_message_received.transaction_id, EHOSTUNREACH);
	assert_int_equal(rln_txns_in_use(txns), 0);
}

static void unreachable_peers(void **state)
{
	uint64_t invite = send_new(RLN_SIP_INVITE), ringing, bye = send_new(RLN_SIP_BYE);
	struct rln_addr other = bob;

	(void)state;
	ringing = send_new(RLN_SIP_INVITE);
	take_response(2, "180 Ringing", "b"); /* it was reachable */
	other.port++;
	assert_int_equal(rln_txns_on_unreach(txns, &other, ECONNREFUSED), 0);
	run_to(50);
	assert_int_equal(rln_txns_on_unreach(txns, &bob, ECONNREFUSED), 2);
	settle();
	assert_int_equal(up_n, 3);
	assert_error(1, 50, bye, ECONNREFUSED);
	assert_error(2, 50, invite, ECONNREFUSED);
	assert_true(rln_txn_is_open(txns, (struct rln_txn_id){ringing}));
	assert_int_equal(rln_txns_on_unreach(txns, &bob, ECONNREFUSED), 0);
	rln_txn_drop(txns, (struct rln_txn_id){ringing});
}

static void a_source_address_of_its_own(void **state)
{
	char branch[RLN_BRANCH_MAX], text[1024];
	struct rln_txn_id id = rln_txn_new_client(txns, RLN_SIP_BYE, branch);
	struct rln_addr own = alice;

	(void)state;
	own.port = 5999;
	assert_null(rln_txns_local(txns, id.v));
	rln_txn_set_local(txns, id, &own);
	assert_true(rln_addr_equal(rln_txns_local(txns, id.v), &own));
	request_text(text, sizeof(text), "BYE", branch, "");
	rln_txns_send_request(txns, id.v, text, strlen(text), &alice, &bob, 0);
	rln_txns_send_request(txns, id.v, text, strlen(text), &alice, &bob, 0); /* once is enough */
	assert_int_equal(sent_n, 1);
	assert_int_equal(sent[0].local.port, 5999);
	rln_txn_drop(txns, id);
	assert_null(rln_txns_local(txns, id.v));
}

static void a_full_table(void **state)
{
	char text[1024], branch[RLN_BRANCH_MAX];
	struct rln_sip_msg *msg;

	(void)state;
	for (unsigned i = 0; i < CAPACITY; i++) {
		snprintf(branch, sizeof(branch), "z9hG4bKn%u", i);
		take_request("INFO", branch);
		if (i + 1 != CAPACITY / 8 * 7)
			continue;
		/* the rest is for those who hang up */
		assert_int_equal(rln_txn_new_client(txns, RLN_SIP_INVITE, branch).v, 0);
		request_text(text, sizeof(text), "INVITE", "z9hG4bKcall", "");
		assert_int_equal(rln_sip_parse(&msg, text, strlen(text), &alice, &bob), 0);
		assert_int_equal(rln_txns_on_request(txns, msg), -ENOSPC);
		rln_block_release(msg->block);
	}
	assert_int_equal(rln_txns_in_use(txns), CAPACITY);
	assert_int_equal(rln_txn_new_client(txns, RLN_SIP_BYE, branch).v, 0);
	assert_int_equal(rln_txn_new_client(txns, RLN_SIP_INVITE, branch).v, 0);
	request_text(text, sizeof(text), "INFO", "z9hG4bKmore", "");
	assert_int_equal(rln_sip_parse(&msg, text, strlen(text), &alice, &bob), 0);
	assert_int_equal(rln_txns_on_request(txns, msg), -ENOSPC);
	rln_block_release(msg->block);
	take_request("INFO", "z9hG4bKn5"); /* known ones still match */
	take_request("ACK", "z9hG4bKack");
	assert_int_equal(up_n, CAPACITY + 1);
	run_to(32000);
}

static void want_of_memory(void **state)
{
	struct rln_txns_cfg cfg = {.bus = bus,
		.wheel = wheel,
		.capacity = 8,
		.t1_ms = 500,
		.t2_ms = 4000,
		.t4_ms = 5000,
		.send = on_send,
		.arg = &sent};
	int64_t live = rln_heap_live_count();
	struct rln_txns *other = NULL;
	char branch[RLN_BRANCH_MAX], text[1024];
	struct rln_txn_id id;
	unsigned n = 0;
	int rc;

	(void)state;
	do {
		rln_heap_fail_nth(++n);
		rc = rln_txns_create(&other, &cfg);
		rln_heap_fail_nth(0);
		assert_true(rc == 0 || rc == -ENOMEM);
		if (rc < 0)
			assert_int_equal(rln_heap_live_count(), live);
	} while (rc < 0);
	assert_true(n > 4);
	rln_txns_destroy(other);
	assert_int_equal(rln_heap_live_count(), live);
	cfg.capacity = 0;
	assert_int_equal(rln_txns_create(&other, &cfg), -EINVAL);
	/* a request that cannot be repeated is not sent */
	id = rln_txn_new_client(txns, RLN_SIP_BYE, branch);
	request_text(text, sizeof(text), "BYE", branch, "");
	rln_heap_fail_nth(1);
	rln_txns_send_request(txns, id.v, text, strlen(text), &alice, &bob, 0);
	assert_true(rln_heap_fail_nth(0));
	settle();
	assert_error(0, 0, id.v, ENOMEM);
	assert_int_equal(sent_n, 0);
	/* an answer that cannot be repeated is sent once */
	take_request("INFO", "z9hG4bKs1");
	rln_heap_fail_nth(1);
	answer(1, 200);
	assert_true(rln_heap_fail_nth(0));
	take_request("INFO", "z9hG4bKs1");
	assert_sent(0, "SIP/2.0 200", 0);
	run_to(32000);
}

/* ---- whole exchanges ---- */

static void answer_at_once(const struct rln_event *ev)
{
	if (ev->kind == RLN_EV_SIP_MESSAGE_RECEIVED && ev->sip_message_received.transaction_id) {
		const struct rln_sip_msg *msg = rln_block_data(ev->sip_message_received.block);
		char buf[1024];
		struct rln_text t;

		rln_text_init(&t, buf, sizeof(buf));
		rln_build_response(&t, msg, msg->method == RLN_SIP_INVITE ? 480 : 200, NULL, "mine", false);
		rln_build_body(&t, NULL, NULL, 0);
		rln_txns_send_response(
			txns, ev->sip_message_received.transaction_id, msg->method == RLN_SIP_INVITE ? 480 : 200, t.buf, t.len);
	}
}

/* Carries every packet but number `lost` to the other side, until nothing lives. How many were there? */
static unsigned exchange(enum rln_sip_method method, unsigned lost)
{
	sent_n = taken_n = up_n = 0;
	react = answer_at_once;
	send_new(method);
	while (rln_txns_in_use(txns)) {
		while (taken_n < sent_n) {
			const struct packet *p = &sent[taken_n++];

			if (taken_n - 1 != lost)
				take(p->text, p->len, &p->local, &p->remote);
		}
		assert_true(now_ms() < 4000000);
		run_to(now_ms() + 1);
	}
	return sent_n;
}

static void every_message_may_be_lost(void **state)
{
	static const enum rln_sip_method methods[] = {RLN_SIP_INVITE, RLN_SIP_BYE};

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		unsigned n = exchange(methods[m], UINT32_MAX);

		assert_int_equal(n, m == 0 ? 3 : 2); /* INVITE, 480, ACK; BYE, 200 */
		for (unsigned lost = 0; lost < n; lost++) {
			assert_true(exchange(methods[m], lost) > n);
			assert_int_equal(up_n, 2); /* the request once, the response once, no error */
			assert_int_equal(up[0].ev.kind, RLN_EV_SIP_MESSAGE_RECEIVED);
			assert_int_equal(up[1].ev.kind, RLN_EV_SIP_RESPONSE_RECEIVED);
		}
	}
}

/* Anything in any order ends with nothing in use. */
static void random_walk(void **state)
{
	static const char *const methods[] = {"INVITE", "ACK", "CANCEL", "BYE", "INFO"};
	static const char *const answers[] = {"100 T", "180 R", "200 O", "302 M", "486 B", "603 D"};
	uint64_t seed = 4711;

	(void)state;
	for (unsigned step = 0; step < 20000; step++) {
		char branch[32];
		unsigned n;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		n = (unsigned)(seed >> 33);
		if (sent_n > SENT / 2)
			sent_n = 0;
		if (up_n > UP / 2)
			up_n = 0;
		snprintf(branch, sizeof(branch), "z9hG4bKw%u", n % 7);
		switch (n / 7 % 6) {
		case 0:
			if (rln_txns_in_use(txns) < CAPACITY / 8 * 7)
				take_request(methods[n / 42 % 5], branch);
			break;
		case 1:
			if (rln_txns_in_use(txns) < CAPACITY - 8)
				send_new(n & 1024 ? RLN_SIP_INVITE : RLN_SIP_BYE);
			break;
		case 2:
			if (sent_n && strncmp(sent[n % sent_n].text, "SIP", 3) != 0)
				take_response(n % sent_n, answers[n / 42 % 6], "b");
			break;
		case 3:
			if (up_n && up[n % up_n].ev.kind == RLN_EV_SIP_MESSAGE_RECEIVED)
				answer(n % up_n, (unsigned)atoi(answers[n / 42 % 6]));
			break;
		case 4:
			run_to(now_ms() + n / 42 % 400);
			break;
		case 5:
			if (n / 42 % 50 == 0)
				rln_txns_on_unreach(txns, &bob, ECONNREFUSED);
			break;
		}
		settle();
		assert_true(rln_wheel_validate(wheel));
	}
	for (unsigned i = 0; i < up_n; i++) /* INVITEs that were never answered wait for their user */
		if (up[i].ev.kind == RLN_EV_SIP_MESSAGE_RECEIVED)
			answer(i, 480);
	for (uint32_t cursor = 0;;) {
		uint64_t id;
		struct rln_txn *txn = rln_slots_next(txns->slots, &cursor, &id);

		if (!txn)
			break;
		if (txn->state == RLN_TXN_PROCEEDING)
			rln_txn_end(txn);
	}
	sent_n = up_n = 0;
	run_to(now_ms() + 70000);
}

/* ---- */

static int begin(void **state)
{
	struct rln_event_handler handler = {.handle = on_event, .arg = &up, .endpoint = RLN_ENDPOINT_CONTROL};
	struct rln_txns_cfg cfg = {
		.capacity = CAPACITY, .t1_ms = 500, .t2_ms = 4000, .t4_ms = 5000, .send = on_send, .arg = &sent};

	(void)state;
	now_ns = start_ns;
	sent_n = taken_n = up_n = 0;
	send_rc = 0;
	react = NULL;
	rln_counts_reset();
	bus = rln_bus_new();
	if (!bus || rln_wheel_create(&wheel, MS, now_ns) < 0)
		return -1;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	cfg.bus = bus;
	cfg.wheel = wheel;
	return rln_bus_register_handler(bus, RLN_CAT_T2D, &handler) || rln_txns_create(&txns, &cfg);
}

/* Every test leaves nothing behind. */
static int end(void **state)
{
	bool clean;

	(void)state;
	settle();
	clean = rln_txns_in_use(txns) == 0 && rln_wheel_armed(wheel) == 0 && rln_blocks_in_use() == 0 && txns->index.used == 0;
	for (unsigned i = 0; i < RLN_TXN_REMOTES; i++)
		clean &= txns->remotes[i] == NULL;
	if (!clean)
		print_error("left: %u transactions, %u timers, %u blocks\n", rln_txns_in_use(txns), rln_wheel_armed(wheel),
			rln_blocks_in_use());
	rln_txns_destroy(txns);
	rln_wheel_destroy(wheel);
	rln_bus_free(bus);
	return clean ? 0 : -1;
}

static int set_up(void **state)
{
	(void)state;
	rln_sip_parser_init();
	rln_random_u32();
	rln_addr_parse(&alice, "198.18.0.1", 10);
	rln_addr_parse(&bob, "198.18.0.2", 10);
	alice.port = bob.port = 5060;
	return rln_blocks_init(256, 4);
}

static int tear_down(void **state)
{
	(void)state;
	rln_blocks_fini();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(invite_client_repeats_until_b),
		TEST(invite_client_refused),
		TEST(invite_client_accepted),
		TEST(other_client_repeats_until_f),
		TEST(other_client_slows_down),
		TEST(other_client_answered),
		TEST(slow_user_gets_a_100_sent),
		TEST(quick_user_needs_no_100),
		TEST(refusal_repeats_until_its_ack),
		TEST(refusal_without_ack),
		TEST(accepted_invite_server),
		TEST(an_ack_before_any_answer),
		TEST(other_server),
		TEST(nobody_answers),
		TEST(what_tells_requests_apart),
		TEST(cancel_finds_its_invite),
		TEST(a_client_of_rfc_2543),
		TEST(responses_that_are_not_ours),
		TEST(branches_never_repeat),
		TEST(send_faults),
		TEST(unreachable_peers),
		TEST(a_source_address_of_its_own),
		TEST(a_full_table),
		TEST(want_of_memory),
		TEST(every_message_may_be_lost),
		TEST(random_walk),
	};

	return cmocka_run_group_tests_name("sip_txn", tests, set_up, tear_down);
}
