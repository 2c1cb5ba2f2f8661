/* SPDX-License-Identifier: BSD-3-Clause */
/* The parser over tests/scenario/sip (run from the repository's root), and field by field over messages written here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "lcore/count.h"
#include "lcore/heap.h"
#include "sip/build.h"
#include "sip/message.h"

#define FOLDER "tests/scenario/sip/"

static struct rln_addr peer, us;
static char datagram[65536];

static int read_message(const char *name, size_t *len)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), FOLDER "%s.msg", name);
	file = fopen(path, "rb");
	if (!file)
		return -1;
	*len = fread(datagram, 1, sizeof(datagram), file);
	fclose(file);
	return 0;
}

static int parse(struct rln_sip_msg **msg, const char *text, size_t len)
{
	return rln_sip_parse(msg, text, len, &peer, &us);
}

static struct rln_sip_msg *parsed(const char *text)
{
	struct rln_sip_msg *msg = NULL;

	assert_int_equal(parse(&msg, text, strlen(text)), 0);
	return msg;
}

static struct rln_sip_msg *parsed_file(const char *name)
{
	struct rln_sip_msg *msg = NULL;
	size_t len = 0;

	assert_int_equal(read_message(name, &len), 0);
	assert_int_equal(parse(&msg, datagram, len), 0);
	return msg;
}

/* Compares, and checks the NUL behind. */
static void assert_slice_(const struct rln_sip_msg *msg, struct rln_slice s, const char *want, int line)
{
	const char *text = rln_sip_text(msg, s);

	if (s.len != strlen(want) || memcmp(text, want, s.len) != 0 || (s.len && text[s.len] != 0))
		fail_msg("line %d: \"%.*s\" instead of \"%s\"", line, s.len, text, want);
}
#define assert_slice(msg, member, want) assert_slice_(msg, (msg)->member, want, __LINE__)

static void done(struct rln_sip_msg *msg)
{
	rln_block_release(msg->block);
	assert_int_equal(rln_blocks_in_use(), 0);
}

/* ---- the corpus ---- */

struct row {
	char name[64], expect[16], method[80];
};

static bool next_row(FILE *table, struct row *row)
{
	char line[512];

	while (fgets(line, sizeof(line), table)) {
		if (line[0] == '#')
			continue;
		row->method[0] = 0;
		if (sscanf(line, "%63[^\t]\t%15[^\t]\t%79[^\t]\t", row->name, row->expect, row->method) >= 2)
			return true;
	}
	return false;
}

static void check_row(const struct row *row)
{
	struct rln_sip_msg *msg = NULL;
	size_t len = 0;
	int rc;

	assert_int_equal(read_message(row->name, &len), 0);
	rc = parse(&msg, datagram, len);
	if (strcmp(row->expect, "bad") == 0) {
		if (rc != -EBADMSG)
			fail_msg("%s: %d instead of silence", row->name, rc);
		return;
	}
	if (rc != 0)
		fail_msg("%s: not parsed (%d)", row->name, rc);
	if ((msg->status ? msg->status : msg->fault.status) != atoi(row->expect))
		fail_msg("%s: %u %s instead of %s", row->name, msg->fault.status, msg->fault.why ? msg->fault.why : "",
			row->expect);
	assert_true(!msg->fault.status || msg->fault.why);
	assert_slice(msg, method_text, row->method);
	done(msg);
}

static void every_message_gets_its_verdict(void **state)
{
	FILE *table = fopen(FOLDER "EXPECTED.tsv", "r");
	struct row row;
	unsigned n = 0;

	(void)state;
	assert_non_null(table);
	for (; next_row(table, &row); n++)
		check_row(&row);
	fclose(table);
	assert_true(n >= 100);
	assert_int_equal(rln_blocks_in_use(), 0);
}

/* A datagram may end anywhere: what is cut off is refused or answered, and nothing is read behind its end (exact
 * allocation, sanitizer). */
static void every_beginning_of_a_message(void **state)
{
	static const char *const names[] = {"folded", "compact", "v6plain", "ctparams", "oddchars", "ok", "nulpair"};
	struct rln_sip_msg *msg;
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(read_message(names[i], &len), 0);
		for (size_t n = 0; n < len; n++) {
			char *exact = malloc(n ? n : 1);
			int rc;

			assert_non_null(exact);
			memcpy(exact, datagram, n);
			rc = parse(&msg, exact, n);
			free(exact);
			assert_true(rc == 0 || rc == -EBADMSG);
			if (rc == 0)
				done(msg);
		}
	}
}

/* ---- fields ---- */

static void an_invite_taken_apart(void **state)
{
	struct rln_sip_msg *msg = parsed("INVITE sips:bob:secret@example.com:5061;transport=udp;lr SIP/2.0\r\n"
					 "Via: SIP/2.0/UDP 10.0.0.9:5070;rport;branch=z9hG4bKx1\r\n"
					 "Via: SIP/2.0/TCP 10.0.0.8\r\n"
					 "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
					 "Record-Route: <sip:p3;lr>\r\n"
					 "Route: <sip:us;lr>\r\n"
					 "From: \"A, <B>\" <sip:ann@example.com>;x=\"a;tag=no\";tag=ft\r\n"
					 "To: <sip:bob@example.com>\r\n"
					 "Call-ID: c1@x\r\nCSeq: 2147483647 INVITE\r\nMax-Forwards: 69\r\n"
					 "Contact: <sip:ann@10.0.0.9:5070;ob>;+x, sip:ann@10.0.0.7;q=0.1\r\n"
					 "Accept: application/sdp;level=1, text/plain\r\nAccept: */*\r\n"
					 "Supported: timer\r\nAllow: INVITE, ACK\r\nExpires: 180\r\n"
					 "Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\nTimestamp: 54 .1\r\n"
					 "Replaces: a@b;to-tag=1;from-tag=2\r\nRefer-To: <sip:c@d>\r\nReferred-By: <sip:e@f>\r\n"
					 "Event: refer;id=3\r\nRSeq: 5\r\nRAck: 5 1 INVITE\r\n"
					 "Authorization: Digest username=\"u\"\r\nAuthorization: Digest username=\"second\"\r\n"
					 "Content-Type: APPLICATION/SDP;x=y\r\nContent-Length: 4\r\n\r\nbodyjunk");

	(void)state;
	assert_int_equal(msg->fault.status, 0);
	assert_int_equal(msg->status, 0);
	assert_int_equal(msg->method, RLN_SIP_INVITE);
	assert_false(msg->is_2543);
	assert_true(msg->is_forwarded);
	assert_true(rln_addr_equal(&msg->source, &peer) && rln_addr_equal(&msg->local, &us));
	assert_slice(msg, request_uri.text, "sips:bob:secret@example.com:5061;transport=udp;lr");
	assert_slice(msg, request_uri.scheme, "sips");
	assert_slice(msg, request_uri.user, "bob");
	assert_slice(msg, request_uri.host, "example.com");
	assert_slice(msg, request_uri.params, "transport=udp;lr");
	assert_int_equal(msg->request_uri.port, 5061);
	assert_slice(msg, branch, "z9hG4bKx1");
	assert_slice(msg, sent_by, "10.0.0.9:5070");
	assert_slice(msg, via_host, "10.0.0.9");
	assert_int_equal(msg->via_port, 5070);
	assert_true(msg->has_rport);
	assert_int_equal(msg->via_rport, 0);
	assert_slice(msg, vias,
		"Via: SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKx1;received=198.18.0.2;rport=5070\r\nVia: SIP/2.0/TCP "
		"10.0.0.8\r\n");
	assert_int_equal(msg->record_routes_n, 3);
	assert_slice(msg, record_route[1], "<sip:p2;lr>");
	assert_slice(msg, record_route[2], "<sip:p3;lr>");
	assert_int_equal(msg->routes_n, 1);
	assert_slice(msg, route[0], "<sip:us;lr>");
	assert_slice(msg, from, "\"A, <B>\" <sip:ann@example.com>;x=\"a;tag=no\";tag=ft");
	assert_slice(msg, from_uri.text, "sip:ann@example.com");
	assert_slice(msg, from_tag, "ft");
	assert_slice(msg, to_uri.user, "bob");
	assert_slice(msg, to_tag, "");
	assert_slice(msg, call_id, "c1@x");
	assert_int_equal(msg->cseq, INT32_MAX);
	assert_int_equal(msg->cseq_method, RLN_SIP_INVITE);
	assert_slice(msg, cseq_text, "2147483647 INVITE");
	assert_int_equal(msg->max_forwards, 69);
	assert_int_equal(msg->contacts_n, 2);
	assert_slice(msg, contact[0].text, "sip:ann@10.0.0.9:5070;ob");
	assert_slice(msg, contact[0].params, "ob");
	assert_slice(msg, contact[1].text, "sip:ann@10.0.0.7");
	assert_slice(msg, accept, "application/sdp;level=1, text/plain, */*");
	assert_slice(msg, supported, "timer");
	assert_slice(msg, allow, "INVITE, ACK");
	assert_int_equal(msg->expires, 180);
	assert_slice(msg, session_expires, "1800;refresher=uac");
	assert_slice(msg, min_se, "90");
	assert_slice(msg, timestamp, "54 .1");
	assert_slice(msg, replaces, "a@b;to-tag=1;from-tag=2");
	assert_slice(msg, refer_to, "<sip:c@d>");
	assert_slice(msg, referred_by, "<sip:e@f>");
	assert_slice(msg, event, "refer;id=3");
	assert_slice(msg, rseq, "5");
	assert_slice(msg, rack, "5 1 INVITE");
	assert_slice(msg, authorization, "Digest username=\"u\"");
	assert_slice(msg, content_type, "application/sdp");
	assert_slice(msg, body, "body");
	assert_int_equal(rln_sip_text(msg, msg->raw)[msg->raw.len], 0);
	assert_memory_equal(rln_sip_text(msg, msg->headers), "Via: SIP", 8);
	assert_memory_equal(rln_sip_text(msg, msg->headers) + msg->headers.len, "\r\n", 2);
	assert_true(rln_sip_is(msg, msg->content_type, "Application/SDP"));
	assert_false(rln_sip_is(msg, msg->content_type, "application/sd"));
	assert_ptr_equal(rln_sip_msg_of(msg->block), msg);
	done(msg);
	assert_null(rln_sip_msg_of(0));
}

static void a_response_taken_apart(void **state)
{
	struct rln_sip_msg *msg = parsed(
		"SIP/2.0 401 Who are you?\r\nVia: SIP/2.0/UDP [2001:db8::1]:5060;received=2001:db8::2;rport=9;branch=z9hG4bKq\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:b@a>;tag=2\r\nCall-ID: z\r\nCSeq: 3 BYE\r\n"
		"WWW-Authenticate: Digest realm=\"r\"\r\nProxy-Authenticate: Digest realm=\"p\"\r\nRetry-After: 5;duration=9\r\n"
		"Contact: <sip:broken\r\n\r\n");

	(void)state;
	assert_int_equal(msg->status, 401);
	assert_slice(msg, reason, "Who are you?");
	assert_int_equal(msg->method, RLN_SIP_BYE);
	assert_int_equal(msg->fault.status, 0);
	assert_int_equal(msg->contacts_n, 0);
	assert_slice(msg, via_host, "[2001:db8::1]");
	assert_slice(msg, sent_by, "[2001:db8::1]:5060");
	assert_slice(msg, via_received, "2001:db8::2");
	assert_int_equal(msg->via_rport, 9);
	assert_slice(msg, www_authenticate, "Digest realm=\"r\"");
	assert_slice(msg, proxy_authenticate, "Digest realm=\"p\"");
	assert_slice(msg, retry_after, "5;duration=9");
	assert_false(msg->is_forwarded);
	assert_int_equal(msg->max_forwards, -1);
	assert_int_equal(msg->expires, -1);
	done(msg);
}

static void folded_lines_become_one(void **state)
{
	struct rln_sip_msg *msg = parsed_file("folded");

	(void)state;
	assert_slice(msg, branch, "z9hG4bK-folded");
	assert_slice(msg, sent_by, "198.18.0.2:5070");
	assert_slice(msg, to_tag, "t-1");
	assert_slice(msg, from, "\"Ann \\\"the\\\\ first\\\"\" <sip:ann@198.18.0.2> ; tag = a-folded");
	assert_slice(msg, from_tag, "a-folded");
	assert_slice(msg, call_id, "folded@ringlane.test");
	assert_int_equal(msg->cseq, 12);
	assert_int_equal(msg->max_forwards, 70);
	assert_slice(msg, contact[0].text, "sip:ann@198.18.0.2:5070");
	assert_true(
		strstr(rln_sip_text(msg, msg->vias), "\r\nVia: SIP/2.0/TCP deeper.example;branch=z9hG4bK-deeper\r\n") != NULL);
	done(msg);
}

static void escapes_and_nuls_stay(void **state)
{
	struct rln_sip_msg *msg = parsed_file("escnul");

	(void)state;
	assert_slice(msg, request_uri.user, "%00bob%00");
	assert_slice(msg, from_uri.text, "sip:a%00nn@198.18.0.2");
	assert_slice(msg, contact[0].text, "sip:%00@198.18.0.2");
	assert_slice(msg, contact[1].user, "%00%00");
	done(msg);
	msg = parsed_file("nulpair");
	assert_int_equal(msg->to.len, strlen("\"zero \\0 and bell \\\x07\" <sip:bob@198.18.0.1>"));
	assert_int_equal(rln_sip_text(msg, msg->to)[7], 0);
	assert_slice(msg, to_uri.text, "sip:bob@198.18.0.1");
	done(msg);
}

static void oddities_of_the_corpus(void **state)
{
	struct rln_sip_msg *msg = parsed_file("require");

	(void)state;
	assert_slice(msg, require, "warp, drive, tractor");
	assert_slice(msg, unsupported, "warp, drive, tractor");
	done(msg);
	msg = parsed_file("hugeexpires");
	assert_int_equal(msg->expires, INT32_MAX);
	done(msg);
	msg = parsed_file("cookieonly");
	assert_true(msg->is_2543);
	done(msg);
	msg = parsed_file("old");
	assert_true(msg->is_2543);
	assert_int_equal(msg->max_forwards, -1);
	assert_slice(msg, from_tag, "");
	done(msg);
	msg = parsed_file("starcontact");
	assert_int_equal(msg->contacts_n, 0);
	done(msg);
	msg = parsed_file("ctparams");
	assert_int_equal(msg->contacts_n, 2);
	assert_slice(msg, contact[0].text, "sip:ann@198.18.0.2");
	assert_slice(msg, contact[1].params, "user=phone");
	done(msg);
	msg = parsed_file("oddscheme");
	assert_slice(msg, to_uri.scheme, "h323.v2+x");
	assert_slice(msg, from_tag, "7");
	done(msg);
	msg = parsed_file("semiends");
	assert_slice(msg, vias, "Via: SIP/2.0/UDP 198.18.0.2:5070;branch=z9hG4bK-se\r\n");
	assert_slice(msg, from_tag, "1");
	done(msg);
	msg = parsed_file("maddr");
	assert_slice(msg, via_maddr, "198.18.0.9");
	done(msg);
	msg = parsed_file("twice");
	assert_slice(msg, body, "");
	assert_int_equal(msg->method, RLN_SIP_OPTIONS);
	done(msg);
	msg = parsed_file("manyvias");
	assert_int_equal(rln_block_room(msg->block), RLN_BLOCK_LARGE);
	done(msg);
	msg = parsed_file("longvalues");
	assert_int_equal(msg->request_uri.user.len, 600);
	assert_int_equal(msg->from_tag.len, 300);
	done(msg);
}

static void ack_and_cancel_need_no_extension(void **state)
{
	static const char *const methods[] = {"ACK", "CANCEL"};
	char text[512];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rln_sip_msg *msg;

		snprintf(text, sizeof(text),
			"%s sip:b@a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKr\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
			"<sip:b@a>\r\nCall-ID: z\r\n"
			"CSeq: 3 %s\r\nRequire: warp\r\n\r\n",
			methods[i], methods[i]);
		msg = parsed(text);
		assert_slice(msg, require, "warp");
		assert_slice(msg, unsupported, "");
		done(msg);
	}
	assert_false(rln_sip_option_is_supported("warp", 4));
	assert_false(rln_sip_option_is_supported("", 0));
}

/* received and rport: of the packet, whatever the peer wrote there (18.2.1, RFC 3581 4). */
static void the_top_via_tells_where_it_came_from(void **state)
{
	static const struct {
		const char *via, *want;
	} rows[] = {
		{"SIP/2.0/UDP 198.18.0.2:5070;branch=z9hG4bKa", "Via: SIP/2.0/UDP 198.18.0.2:5070;branch=z9hG4bKa\r\n"},
		{"SIP/2.0/UDP 198.18.0.2;branch=z9hG4bKa;rport",
			"Via: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bKa;received=198.18.0.2;rport=5070\r\n"},
		{"SIP/2.0/UDP host.example ; received = 1.2.3.4;rport=7;branch=z9hG4bKa",
			"Via: SIP/2.0/UDP host.example ;branch=z9hG4bKa;received=198.18.0.2;rport=5070\r\n"},
		{"SIP/2.0/UDP 10.1.1.1;rportal=1;branch=z9hG4bKa;x=\"rport\"",
			"Via: SIP/2.0/UDP 10.1.1.1;rportal=1;branch=z9hG4bKa;x=\"rport\";received=198.18.0.2\r\n"},
		{"SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKa , SIP/2.0/UDP x;rport",
			"Via: SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKa ;received=198.18.0.2\r\nVia: SIP/2.0/UDP x;rport\r\n"},
	};
	char text[512];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rln_sip_msg *msg;

		snprintf(text, sizeof(text),
			"OPTIONS sip:b@a SIP/2.0\r\nVia: %s\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@a>\r\nCall-ID: z\r\nCSeq: 3 "
			"OPTIONS\r\n\r\n",
			rows[i].via);
		msg = parsed(text);
		assert_int_equal(msg->fault.status, 0);
		assert_slice(msg, branch, "z9hG4bKa");
		assert_slice(msg, vias, rows[i].want);
		done(msg);
	}
}

static void names_and_phrases(void **state)
{
	(void)state;
	for (unsigned i = 1; i < RLN_SIP_METHOD_COUNT; i++) {
		const char *name = rln_sip_method_name((enum rln_sip_method)i);

		assert_true(strlen(name) > 2);
		assert_int_equal(rln_sip_method_of(name, strlen(name)), i);
		assert_int_equal(rln_sip_method_of(name, strlen(name) - 1), RLN_SIP_UNKNOWN);
	}
	assert_string_equal(rln_sip_method_name(RLN_SIP_UNKNOWN), "");
	assert_string_equal(rln_sip_reason_phrase(486), "Busy Here");
	assert_string_equal(rln_sip_reason_phrase(299), "OK");
	assert_string_equal(rln_sip_reason_phrase(699), "Global Failure");
	assert_string_equal(rln_sip_reason_phrase(42), "");
}

/* ---- want of memory ---- */

static void every_allocation_may_fail(void **state)
{
	static const char *const names[] = {"plain", "folded", "badvia", "longvalues"};
	struct rln_sip_msg *msg;
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		int64_t live = rln_heap_live_count();
		unsigned n = 1;
		bool failed = true;

		assert_int_equal(read_message(names[i], &len), 0);
		for (; failed; n++) {
			int rc;

			rln_heap_fail_nth(n);
			rc = parse(&msg, datagram, len);
			failed = rln_heap_fail_nth(0);
			if (rc == 0)
				done(msg);
			if (failed && rc != -ENOBUFS)
				fail_msg("%s: allocation %u failed and parsing said %d", names[i], n, rc);
			assert_int_equal(rln_heap_live_count(), live);
		}
		assert_true(n > 2);
	}
}

static void no_block_left(void **state)
{
	rln_block_ref held[64];
	struct rln_sip_msg *msg;
	size_t len = 0;
	unsigned n = 0;

	(void)state;
	assert_int_equal(read_message("plain", &len), 0);
	while (n < 64 && (held[n] = rln_block_alloc(100)) != 0)
		n++;
	assert_int_equal(parse(&msg, datagram, len), -ENOBUFS);
	while (n)
		rln_block_release(held[--n]);
	assert_int_equal(rln_blocks_in_use(), 0);
}

/* Whatever the length, a message outgrows the small block without a trace (a response's fault would silence it). */
static void at_the_edge_of_a_small_block(void **state)
{
	static const char *const starts[] = {"SIP/2.0 200 OK", "INVITE sip:a@b SIP/2.0"};
	struct rln_sip_msg *msg;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		bool was_large = false;

		for (int pad = 0; pad < 1600; pad++) {
			int len = sprintf(datagram,
				"%s\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKr;x=%0*d\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
				"<sip:b@a>;tag=2;y=%0*d\r\nCall-ID: z\r\n"
				"CSeq: 3 INVITE\r\nContact: <sip:%0*d@a>\r\n\r\n",
				starts[i], pad / 3 + 1, 0, pad / 3 + 1, 0, pad / 3 + 1, 0);

			assert_int_equal(parse(&msg, datagram, (size_t)len), 0);
			assert_int_equal(msg->fault.status, 0);
			assert_int_equal(msg->contact[0].user.len, pad / 3 + 1);
			was_large |= rln_block_room(msg->block) == RLN_BLOCK_LARGE;
			done(msg);
		}
		assert_true(was_large);
	}
}

/* Beyond a large block nothing is kept: silence, not half a message. */
static void too_large_for_any_block(void **state)
{
	struct rln_sip_msg *msg;
	size_t len;

	(void)state;
	len = (size_t)sprintf(datagram, "OPTIONS sip:b@a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKr\r\nFrom: <sip:a@b>;tag=");
	memset(datagram + len, 't', 40000);
	len += 40000;
	len += (size_t)sprintf(datagram + len, "\r\nTo: <sip:b@a>\r\nCall-ID: z\r\nCSeq: 3 OPTIONS\r\n\r\n");
	assert_int_equal(parse(&msg, datagram, len), -EBADMSG);
	memset(datagram, 'A', 65507);
	assert_int_equal(parse(&msg, datagram, 65507), -EBADMSG);
	assert_int_equal(parse(&msg, "", 0), -EBADMSG);
	assert_int_equal(parse(&msg, "\r\n\r\n", 4), -EBADMSG);
	assert_int_equal(rln_blocks_in_use(), 0);
}

static int set_up(void **state)
{
	(void)state;
	rln_sip_parser_init();
	rln_sip_parser_init();
	rln_addr_parse(&peer, "198.18.0.2", 10);
	rln_addr_parse(&us, "198.18.0.1", 10);
	peer.port = 5070;
	us.port = 5060;
	return rln_blocks_init(16, 4);
}

static int tear_down(void **state)
{
	(void)state;
	rln_blocks_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_gets_its_verdict),
		cmocka_unit_test(every_beginning_of_a_message),
		cmocka_unit_test(an_invite_taken_apart),
		cmocka_unit_test(a_response_taken_apart),
		cmocka_unit_test(folded_lines_become_one),
		cmocka_unit_test(escapes_and_nuls_stay),
		cmocka_unit_test(oddities_of_the_corpus),
		cmocka_unit_test(ack_and_cancel_need_no_extension),
		cmocka_unit_test(the_top_via_tells_where_it_came_from),
		cmocka_unit_test(names_and_phrases),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(no_block_left),
		cmocka_unit_test(at_the_edge_of_a_small_block),
		cmocka_unit_test(too_large_for_any_block),
	};

	return cmocka_run_group_tests_name("sip_message", tests, set_up, tear_down);
}
