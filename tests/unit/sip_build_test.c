/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sip/build.h"

static struct rln_addr peer, us;
static char buf[4096];

static struct rln_sip_msg *parsed(const char *text)
{
	struct rln_sip_msg *msg = NULL;

	assert_int_equal(rln_sip_parse(&msg, text, strlen(text), &peer, &us), 0);
	return msg;
}

#define REQUEST(via, to)                                                                                                         \
	"INVITE sip:bob@198.18.0.1 SIP/2.0\r\nVia: " via "\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nTimestamp: 5\r\n"        \
	"From: <sip:ann@x>;tag=f\r\nTo: <sip:bob@y>" to "\r\nCall-ID: c\r\nCSeq: 09 INVITE\r\n\r\n"

static void assert_built(const struct rln_text *t, const char *want)
{
	assert_false(t->full);
	if (t->len != strlen(want) || memcmp(t->buf, want, t->len) != 0)
		fail_msg("built:\n%.*s\nwanted:\n%s", (int)t->len, t->buf, want);
}

static void responses_are_exactly_this(void **state)
{
	struct rln_sip_msg *msg = parsed(REQUEST("SIP/2.0/UDP 198.18.0.2;branch=z9hG4bK1", ""));
	struct rln_text t;

	(void)state;
	rln_text_init(&t, buf, sizeof(buf));
	rln_build_response(&t, msg, 200, NULL, "mine", true);
	rln_text_printf(&t, "Contact: <sip:%s>\r\n", "us");
	rln_build_body(&t, "application/sdp", "v=0", 3);
	assert_built(&t,
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bK1\r\nFrom: <sip:ann@x>;tag=f\r\nTo: "
		"<sip:bob@y>;tag=mine\r\n"
		"Call-ID: c\r\nCSeq: 09 INVITE\r\nRecord-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\nContact: <sip:us>\r\n"
		"Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0");
	/* 100: no tag, the Timestamp back (8.2.6.1) */
	rln_text_init(&t, buf, sizeof(buf));
	rln_build_response(&t, msg, 100, "Hold on", "mine", false);
	rln_build_body(&t, NULL, NULL, 0);
	assert_built(&t, "SIP/2.0 100 Hold on\r\nVia: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bK1\r\nFrom: <sip:ann@x>;tag=f\r\nTo: "
			 "<sip:bob@y>\r\n"
			 "Call-ID: c\r\nCSeq: 09 INVITE\r\nTimestamp: 5\r\nContent-Length: 0\r\n\r\n");
	rln_block_release(msg->block);
	/* a tag that is there stays alone */
	msg = parsed(REQUEST("SIP/2.0/UDP 198.18.0.2;branch=z9hG4bK1", ";tag=t"));
	rln_text_init(&t, buf, sizeof(buf));
	rln_build_response(&t, msg, 481, NULL, "mine", false);
	assert_non_null(strstr(buf, "To: <sip:bob@y>;tag=t\r\n"));
	rln_block_release(msg->block);
}

/* 8.2.7: the same request gets the same tag, another one another. */
static void a_stateless_tag_is_a_function_of_the_request(void **state)
{
	struct rln_sip_msg *msg = parsed(REQUEST("SIP/2.0/UDP a;branch=z9hG4bK1", ""));
	struct rln_sip_msg *other = parsed(REQUEST("SIP/2.0/UDP a;branch=z9hG4bK2", ""));
	char first[1024], second[1024], third[1024];
	struct rln_text t;

	(void)state;
	rln_text_init(&t, first, sizeof(first));
	rln_build_response(&t, msg, 503, NULL, NULL, false);
	rln_text_add(&t, "", 1);
	rln_text_init(&t, second, sizeof(second));
	rln_build_response(&t, msg, 503, NULL, NULL, false);
	rln_text_add(&t, "", 1);
	rln_text_init(&t, third, sizeof(third));
	rln_build_response(&t, other, 503, NULL, NULL, false);
	rln_text_add(&t, "", 1);
	assert_string_equal(first, second);
	assert_non_null(strstr(first, ";tag="));
	assert_memory_not_equal(strstr(first, "To: "), strstr(third, "To: "), 40);
	rln_block_release(msg->block);
	rln_block_release(other->block);
}

static void overflow_sticks(void **state)
{
	struct rln_sip_msg *msg = parsed(REQUEST("SIP/2.0/UDP a;branch=z9hG4bK1", ""));
	struct rln_slice reason, headers, body;
	struct rln_text t;
	size_t whole;

	(void)state;
	rln_text_init(&t, buf, sizeof(buf));
	rln_build_response(&t, msg, 200, NULL, "mine", true);
	rln_build_body(&t, NULL, NULL, 0);
	whole = t.len;
	for (size_t size = 0; size < whole; size++) {
		memset(buf, '#', sizeof(buf));
		rln_text_init(&t, buf, size);
		rln_build_response(&t, msg, 200, NULL, "mine", true);
		rln_build_body(&t, NULL, NULL, 0);
		assert_true(t.full);
		assert_true(t.len <= size);
		assert_int_equal(buf[size], '#');
		assert_int_equal(rln_build_block(&t, &reason, &headers, &body), 0);
	}
	rln_block_release(msg->block);
}

static void an_event_block_holds_the_datagram(void **state)
{
	struct rln_sip_msg *msg = parsed(REQUEST("SIP/2.0/UDP a;branch=z9hG4bK1", ""));
	struct rln_slice reason, headers, body;
	struct rln_text t;
	rln_block_ref block;

	(void)state;
	rln_text_init(&t, buf, sizeof(buf));
	rln_build_response(&t, msg, 183, "Soon", "mine", false);
	rln_build_body(&t, "text/plain", "a\r\n\r\nb", 6);
	block = rln_build_block(&t, &reason, &headers, &body);
	assert_int_not_equal(block, 0);
	assert_int_equal(rln_build_block_len(block, headers, body), t.len);
	assert_memory_equal(rln_block_data(block), buf, t.len);
	assert_int_equal(reason.len, 4);
	assert_memory_equal(rln_slice_text(block, reason), "Soon", 4);
	assert_memory_equal(rln_slice_text(block, headers), "Via: SIP", 8);
	assert_memory_equal(rln_slice_text(block, headers) + headers.len - 2, "\r\n\r\n", 4);
	assert_int_equal(body.len, 6);
	assert_memory_equal(rln_slice_text(block, body), "a\r\n\r\nb", 6);
	rln_block_release(block);
	rln_text_init(&t, buf, sizeof(buf));
	rln_text_printf(&t, "no message");
	assert_int_equal(rln_build_block(&t, NULL, &headers, &body), 0);
	rln_text_printf(&t, "\r\nbut: no end\r\n");
	assert_int_equal(rln_build_block(&t, NULL, &headers, &body), 0);
	assert_int_equal(rln_build_block_len(0, headers, body), 0);
	rln_block_release(msg->block);
}

/* 18.2.2, RFC 3581 4. */
static void where_responses_go(void **state)
{
	static const struct {
		const char *via, *to;
	} rows[] = {
		{"SIP/2.0/UDP 10.0.0.1:7000;branch=z9hG4bK1", "198.18.0.2:7000"},
		{"SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1", "198.18.0.2:5060"},
		{"SIP/2.0/UDP 10.0.0.1:7000;branch=z9hG4bK1;rport", "198.18.0.2:5070"},
		{"SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=9.9.9.9", "198.18.0.2:5060"},
		{"SIP/2.0/UDP 10.0.0.1:7000;maddr=198.18.0.9;rport;branch=z9hG4bK1", "198.18.0.9:7000"},
		{"SIP/2.0/UDP 10.0.0.1;maddr=some.name;branch=z9hG4bK1", "198.18.0.2:5060"},
		{"SIP/2.0/UDP [2001:db8::1]:7001;branch=z9hG4bK1", "198.18.0.2:7001"},
	};
	char text[RLN_ADDR_TEXT], request[512];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rln_sip_msg *msg;
		struct rln_addr to;

		snprintf(request, sizeof(request),
			"OPTIONS sip:b@a SIP/2.0\r\nVia: %s\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@a>\r\nCall-ID: z\r\nCSeq: 3 "
			"OPTIONS\r\n\r\n",
			rows[i].via);
		msg = parsed(request);
		rln_build_response_target(msg, &to);
		assert_string_equal(rln_addr_text(&to, text), rows[i].to);
		rln_block_release(msg->block);
	}
}

static void acks_repeat_their_invite(void **state)
{
	static const char invite[] =
		"INVITE sip:bob@h;x=y SIP/2.0\r\nVia: SIP/2.0/UDP us:5060;rport;branch=z9hG4bKi\r\nRoute: <sip:r1;lr>\r\n"
		"Route: <sip:r2;lr>\r\nMax-Forwards: 70\r\nFrom: <sip:us>;tag=f\r\nTo: <sip:bob@h>\r\nCall-ID: k\r\nCSeq: 5 "
		"INVITE\r\n"
		"Route-Like: no\r\nContent-Length: 13\r\n\r\nRoute: <fake>";
	struct rln_sip_msg *msg =
		parsed("SIP/2.0 486 Busy\r\nVia: SIP/2.0/UDP us:5060;rport=1;branch=z9hG4bKi\r\nFrom: <sip:us>;tag=f\r\n"
		       "To: <sip:bob@h>;tag=theirs\r\nCall-ID: k\r\nCSeq: 5 INVITE\r\n\r\n");
	struct rln_text t;

	(void)state;
	rln_text_init(&t, buf, sizeof(buf));
	rln_build_ack(&t, invite, sizeof(invite) - 1, msg);
	assert_built(&t, "ACK sip:bob@h;x=y SIP/2.0\r\nVia: SIP/2.0/UDP us:5060;rport;branch=z9hG4bKi\r\nRoute: "
			 "<sip:r1;lr>\r\nRoute: <sip:r2;lr>\r\n"
			 "From: <sip:us>;tag=f\r\nTo: <sip:bob@h>;tag=theirs\r\nCall-ID: k\r\nCSeq: 5 ACK\r\nMax-Forwards: 70\r\n"
			 "Content-Length: 0\r\n\r\n");
	rln_text_init(&t, buf, sizeof(buf));
	rln_build_ack(&t, "INVITE", 6, msg);
	assert_true(t.full);
	rln_block_release(msg->block);
}

/* What we write, we read: also the answer to each odd message. */
static void our_own_text_is_sound(void **state)
{
	struct rln_sip_msg *msg = parsed(REQUEST("SIP/2.0/UDP nat.example:9;rport;branch=z9hG4bK1, SIP/2.0/TCP deeper", "")),
			   *back;
	struct rln_text t;

	(void)state;
	rln_text_init(&t, buf, sizeof(buf));
	rln_build_response(&t, msg, 200, NULL, "mine", true);
	rln_build_body(&t, NULL, NULL, 0);
	assert_int_equal(rln_sip_parse(&back, t.buf, t.len, &us, &peer), 0);
	assert_int_equal(back->via_rport, 5070);
	assert_true(rln_sip_is(back, back->via_received, "198.18.0.2"));
	assert_true(rln_sip_is(back, back->to_tag, "mine"));
	assert_int_equal(back->cseq, 9);
	assert_int_equal(back->record_routes_n, 2);
	rln_block_release(back->block);
	rln_block_release(msg->block);
}

static int set_up(void **state)
{
	(void)state;
	rln_sip_parser_init();
	rln_addr_parse(&peer, "198.18.0.2", 10);
	rln_addr_parse(&us, "198.18.0.1", 10);
	peer.port = 5070;
	us.port = 5060;
	return rln_blocks_init(16, 4);
}

static int tear_down(void **state)
{
	unsigned left = rln_blocks_in_use();

	(void)state;
	rln_blocks_fini();
	return left ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_are_exactly_this),
		cmocka_unit_test(a_stateless_tag_is_a_function_of_the_request),
		cmocka_unit_test(overflow_sticks),
		cmocka_unit_test(an_event_block_holds_the_datagram),
		cmocka_unit_test(where_responses_go),
		cmocka_unit_test(acks_repeat_their_invite),
		cmocka_unit_test(our_own_text_is_sound),
	};

	return cmocka_run_group_tests_name("sip_build", tests, set_up, tear_down);
}
