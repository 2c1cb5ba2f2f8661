/* SPDX-License-Identifier: BSD-3-Clause */
/* Refer-To, Replaces, escapes and message fragments: what is understood, what is refused, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sip/refer_to.h"
#include "sip/sipfrag.h"

static char buf[1024];
static struct rln_text t;

static int parse(struct rln_refer_to *out, const char *value)
{
	rln_text_init(&t, buf, sizeof(buf));
	return rln_refer_to_parse(out, &t, rln_span_of(value));
}

static void refer_to_is_understood(void **state)
{
	static const struct {
		const char *value, *uri, *replaces;
	} good[] = {
		{"<sip:bob@h>", "sip:bob@h", ""}, {"sip:bob@h:5070", "sip:bob@h:5070", ""},
		{"\"Bob, the <one>\" <SIP:bob@h;transport=udp>;x=\"y;z\"", "SIP:bob@h;transport=udp", ""},
		{"<sip:bob@h;METHOD=INVITE>", "sip:bob@h", ""}, {"<sip:bob@h;a;method=INVITE;b=c?x=y>", "sip:bob@h;a;b=c", ""},
		{"<sip:b?b@[2001:db8::1]:1?replaces=a%40b%3bto-tag%3Dx%3Bfrom-tag%3Dy&Subject=z>", "sip:b?b@[2001:db8::1]:1",
			"a@b;to-tag=x;from-tag=y"},
		{"<sip:h?Subject=z>", "sip:h", ""}, {"<sip:h?Replaces=1;to-tag=2;from-tag=3>", "sip:h", "1;to-tag=2;from-tag=3"},
		{"<sip:h;?Replaces=1%253B>", "sip:h;", "1%3B"}, /* unescaped once */
	};
	struct rln_refer_to out;

	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(parse(&out, good[i].value), 0);
		assert_false(t.full);
		assert_int_equal(out.uri.len, strlen(good[i].uri));
		assert_string_equal(buf + out.uri.off, good[i].uri);
		assert_int_equal(out.replaces.len, strlen(good[i].replaces));
		assert_string_equal(buf + out.replaces.off, good[i].replaces);
	}
}

static void refer_to_is_refused(void **state)
{
	static const struct {
		const char *value;
		int rc;
	} bad[] = {
		{"", -400},
		{"bob", -400},
		{"<sip:>", -400},
		{"<sip:bob@h", -400},
		{"<sip:a@h>, <sip:b@h>", -400},
		{"<sip:a@h> x", -400},
		{"sip:a@h?Replaces=x", -400},
		{"<sip:a@h?Replaces=%0d%0aVia:x>", -400},
		{"<sip:a@h?Replaces=%00>", -400},
		{"<sip:a@h?Replaces=%7f>", -400},
		{"<sip:a@h?Replaces=%zz>", -400},
		{"<sip:a@h?Replaces=%4>", -400},
		{"<sip:a@h?Replaces=>", -400},
		{"<sip:a@h?Replaces=a&Replaces=b>", -400},
		{"<sip:a@h>;x=\"", -400},
		{"<tel:123>", -416},
		{"<sips:a@h>", -416},
		{"<http://h/?Replaces=x>", -416},
		{"<sip:a@h;method=BYE>", -501},
		{"<sip:a@h;method=>", -501},
		{"<sip:a@h;method>", -501},
	};
	struct rln_refer_to out;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse(&out, bad[i].value), bad[i].rc);
}

static void too_long_for_its_place(void **state)
{
	struct rln_refer_to out;

	(void)state;
	for (size_t size = 1; size < 40; size++) {
		rln_text_init(&t, buf, size);
		rln_refer_to_parse(&out, &t, rln_span_of("<sip:bob@example.com?Replaces=a%3Bb>"));
		assert_int_equal(t.full, size < sizeof("sip:bob@example.com") + sizeof("a;b"));
	}
}

static void replaces_is_understood(void **state)
{
	struct rln_replaces r;

	(void)state;
	assert_int_equal(rln_replaces_parse(&r, rln_span_of(" a@b ; to-tag = 1;x;from-tag=2 ; early-only")), 0);
	assert_true(rln_span_is(r.call_id, "a@b") && rln_span_is(r.to_tag, "1") && rln_span_is(r.from_tag, "2") && r.early_only);
	assert_int_equal(rln_replaces_parse(&r, rln_span_of("a;from-tag=2;to-tag=1")), 0);
	assert_false(r.early_only);
	assert_int_equal(rln_replaces_parse(&r, rln_span_of("")), -EINVAL);
	assert_int_equal(rln_replaces_parse(&r, rln_span_of("a;to-tag=1")), -EINVAL);
	assert_int_equal(rln_replaces_parse(&r, rln_span_of(";to-tag=1;from-tag=2")), -EINVAL);
	assert_int_equal(rln_replaces_parse(&r, rln_span_of("a;to-tag=1;from-tag=2;to-tag=3")), -EINVAL);
	assert_int_equal(rln_replaces_parse(&r, rln_span_of("a;to-tag=\"1\";from-tag=2")), -EINVAL);
	assert_int_equal(rln_replaces_parse(&r, rln_span_of("a;to-tag=1;from-tag=2,b;to-tag=1;from-tag=2")), -EINVAL);
}

/* What we write is what the other side reads. */
static void what_is_built_parses(void **state)
{
	static const char *const call_ids[] = {"a", "x@198.18.0.1", "{}<>:\\\"/[]?~%`!*'()", "50%;=&,"};
	struct rln_replaces in = {.to_tag = {"t%~", 3}, .from_tag = {"f", 1}}, out;
	struct rln_refer_to refer_to;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		char line[512], want[256];

		in.call_id = rln_span_of(call_ids[i]);
		rln_text_init(&t, line, sizeof(line));
		rln_refer_to_build(&t, rln_span_of("sip:carol@h"), &in);
		line[t.len - 2] = '\0';
		assert_int_equal(strncmp(line, "Refer-To: ", 10), 0);
		assert_int_equal(parse(&refer_to, line + 10), 0);
		assert_string_equal(buf + refer_to.uri.off, "sip:carol@h");
		snprintf(want, sizeof(want), "%s;to-tag=t%%~;from-tag=f", call_ids[i]);
		assert_string_equal(buf + refer_to.replaces.off, want);
		assert_int_equal(rln_replaces_parse(&out, rln_span_of(buf + refer_to.replaces.off)), 0);
		assert_true(rln_span_is(out.call_id, call_ids[i]));
	}
	rln_text_init(&t, buf, sizeof(buf));
	rln_refer_to_build(&t, rln_span_of("sip:carol@h"), NULL);
	rln_text_add(&t, "", 1);
	assert_string_equal(buf, "Refer-To: <sip:carol@h>\r\n");
	rln_text_init(&t, buf, sizeof(buf));
	rln_escape(&t, rln_span_of(call_ids[3]));
	rln_text_add(&t, "", 1);
	assert_string_equal(buf, "50%25%3B%3D%26%2C");
}

static void fragments(void **state)
{
	static const struct {
		const char *body;
		unsigned status;
	} frags[] = {
		{"SIP/2.0 200 OK\r\n", 200},
		{"SIP/2.0 100", 100},
		{"sip/2.0 486 Busy Here\r\nTo: x\r\n", 486},
		{"\r\nSIP/2.0 603 \n", 603},
		{"SIP/2.0 180\r\n", 180},
		{"", 0},
		{"\r\n", 0},
		{"SIP/2.0 20", 0},
		{"SIP/2.0 2000", 0},
		{"SIP/2.0 099 x", 0},
		{"SIP/2.0 700 x", 0},
		{"SIP/2.0 2x0 OK", 0},
		{"SIP/3.0 200 OK", 0},
		{"INVITE sip:a@h SIP/2.0", 0},
		{"From: x\r\n", 0},
		{" SIP/2.0 200 OK", 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(frags) / sizeof(*frags); i++)
		assert_int_equal(rln_sipfrag_parse(frags[i].body, strlen(frags[i].body)), frags[i].status);
	rln_text_init(&t, buf, sizeof(buf));
	rln_sipfrag_build(&t, 503);
	rln_text_add(&t, "", 1);
	assert_string_equal(buf, "SIP/2.0 503 Service Unavailable\r\n");
}

static void parameters(void **state)
{
	struct rln_span value = {NULL, 0}, event = rln_span_of("refer ;x; ID = 7;y=");

	(void)state;
	assert_true(rln_span_is(rln_param_head(event), "refer"));
	assert_true(rln_param_find(event, "id", &value) && rln_span_is(value, "7"));
	assert_true(rln_param_find(event, "x", &value) && value.len == 0);
	assert_true(rln_param_find(event, "y", &value) && value.len == 0);
	assert_false(rln_param_find(event, "i", &value));
	assert_false(rln_param_find(rln_span_of(""), "id", &value));
	assert_int_equal(rln_param_head(rln_span_of("")).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refer_to_is_understood),
		cmocka_unit_test(refer_to_is_refused),
		cmocka_unit_test(too_long_for_its_place),
		cmocka_unit_test(replaces_is_understood),
		cmocka_unit_test(what_is_built_parses),
		cmocka_unit_test(fragments),
		cmocka_unit_test(parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
