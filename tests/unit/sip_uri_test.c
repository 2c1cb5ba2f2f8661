/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "sip/message_priv.h"

struct row {
	const char *in, *text, *scheme, *user, *host, *params; /* text NULL: refused */
	uint16_t port;
};

static const struct row good[] = {
	{"sip:bob@198.18.0.2:5070;transport=udp", "sip:bob@198.18.0.2:5070;transport=udp", "sip", "bob", "198.18.0.2",
		"transport=udp", 5070},
	{"sip:host", "sip:host", "sip", "", "host", "", 0},
	{"SIPS:a:pw@h-1.example.:65535", "SIPS:a:pw@h-1.example.:65535", "SIPS", "a", "h-1.example.", "", 65535},
	{"sip:a:@h", "sip:a:@h", "sip", "a", "h", "", 0},
	{"<sip:bob@h;lr>;tag=x", "sip:bob@h;lr", "sip", "bob", "h", "lr", 0},
	{"Bob Jones <sip:bob@h>", "sip:bob@h", "sip", "bob", "h", "", 0},
	{"\"a<b@c>, \\\"\" <sip:bob@h>", "sip:bob@h", "sip", "bob", "h", "", 0},
	{"  sip:bob@h  ", "sip:bob@h", "sip", "bob", "h", "", 0},
	{"sip:[2001:db8::1]", "sip:[2001:db8::1]", "sip", "", "[2001:db8::1]", "", 0},
	{"sip:x@[::ffff:1.2.3.4]:9;a=b", "sip:x@[::ffff:1.2.3.4]:9;a=b", "sip", "x", "[::ffff:1.2.3.4]", "a=b", 9},
	{"sip:+1;ext=2/x?y@h?a=b&c=d", "sip:+1;ext=2/x?y@h?a=b&c=d", "sip", "+1;ext=2/x?y", "h", "", 0},
	{"sip:h;p=1?h=v", "sip:h;p=1?h=v", "sip", "", "h", "p=1", 0},
	{"sip:%00%41@h;m=%2a", "sip:%00%41@h;m=%2a", "sip", "%00%41", "h", "m=%2a", 0},
	{"sip:*21#@h", "sip:*21#@h", "sip", "*21#", "h", "", 0},
	{"tel:+1-555;phone-context=x", "tel:+1-555;phone-context=x", "tel", "", "", "", 0},
	{"h323.x+y-z:any?thing/#", "h323.x+y-z:any?thing/#", "h323.x+y-z", "", "", "", 0},
};

static const char *const bad[] = {
	"",
	" ",
	"sip",
	"sip:",
	":x",
	"1sip:h",
	"-x:h",
	"si p:h",
	"sip:@h",
	"sip:a@",
	"sip:a@:5",
	"sip:h:",
	"sip:h:0",
	"sip:h:65536",
	"sip:h:99999999999",
	"sip:h:5x",
	"sip:a b@h",
	"sip:h h",
	"sip:h\"",
	"sip:h;p q",
	"sip:h;<",
	"sip:%4@h",
	"sip:%zz@h",
	"sip:h;x=%",
	"sip:h%41",
	"sip:[::1",
	"sip:[]",
	"sip:[::1]x",
	"sip:[g::1]",
	"sip:2001:db8::1",
	"sip:a\\b@h",
	"sip:a<b@h",
	"sip:h,x",
	"tel:",
	"tel:a b",
	"tel:a\"b",
	"<sip:h",
	"<>",
	"<sip:a b@h>",
	"< sip:h>",
	"<sip:h >",
	"a, b <sip:h>",
	"\"open <sip:h>",
	"<sip:h>junk",
	"sip:\x01@h",
	"tel:\x7f",
};

static void assert_part(const char *base, struct rln_slice s, const char *want, const char *in)
{
	if (s.len != strlen(want) || memcmp(base + s.off, want, s.len) != 0)
		fail_msg("%s: \"%.*s\" instead of \"%s\"", in, s.len, base + s.off, want);
}

/* In an allocation of its exact size, without NUL, so that the sanitizer sees a byte read too far. */
static int parse(struct rln_sip_uri *uri, char **copy, const char *in)
{
	size_t len = strlen(in);

	*copy = malloc(len ? len : 1);
	assert_non_null(*copy);
	memcpy(*copy, in, len);
	return rln_sip_uri_parse(uri, *copy, len);
}

static void good_ones_come_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct row *r = &good[i];
		struct rln_sip_uri uri;
		char *copy;

		if (parse(&uri, &copy, r->in) != 0)
			fail_msg("%s: refused", r->in);
		assert_part(copy, uri.text, r->text, r->in);
		assert_part(copy, uri.scheme, r->scheme, r->in);
		assert_part(copy, uri.user, r->user, r->in);
		assert_part(copy, uri.host, r->host, r->in);
		assert_part(copy, uri.params, r->params, r->in);
		assert_int_equal(uri.port, r->port);
		free(copy);
	}
}

static void bad_ones_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rln_sip_uri uri;
		char *copy;

		if (parse(&uri, &copy, bad[i]) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
		free(copy);
	}
}

static void longer_than_a_slice(void **state)
{
	char *text = malloc(70000);
	struct rln_sip_uri uri;
	size_t end;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 70000);
	memcpy(text, "sip:", 4);
	assert_int_equal(rln_sip_uri_parse(&uri, text, 70000), -EINVAL);
	assert_int_equal(rln_sip_uri_split(&uri, text, 70000), -EINVAL);
	assert_int_equal(rln_sip_addr_split(&uri, &end, text, 70000), -EINVAL);
	assert_int_equal(rln_sip_uri_parse(&uri, text, 65535), 0);
	free(text);
}

/* 20.10: without <>, a ';' belongs to the header, and ',' and '?' may not stand there. */
static void address_and_parameters(void **state)
{
	static const struct {
		const char *in, *uri, *rest;
	} rows[] = {
		{"sip:a@h;tag=1", "sip:a@h", ";tag=1"},
		{"<sip:a@h;lr>;tag=1", "sip:a@h;lr", ";tag=1"},
		{"sip:a@h ; tag=1", "sip:a@h", "; tag=1"},
		{"A <sip:h> ;x", "sip:h", ";x"},
		{"<sip:h?a=b>", "sip:h?a=b", ""},
		{"sip:h", "sip:h", ""},
		{"sip:h?a=b", NULL, NULL},
		{"sip:a,b@h", NULL, NULL},
		{"<sip:h>,", NULL, NULL},
		{"<sip:h> x", NULL, NULL},
		{";tag=1", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rln_sip_uri uri;
		size_t end;
		int rc = rln_sip_addr_split(&uri, &end, rows[i].in, strlen(rows[i].in));

		if ((rc == 0) != (rows[i].uri != NULL))
			fail_msg("%s: %d", rows[i].in, rc);
		if (rc < 0)
			continue;
		assert_part(rows[i].in, uri.text, rows[i].uri, rows[i].in);
		assert_string_equal(rows[i].in + end, rows[i].rest);
	}
}

static bool has_headers(const char *text)
{
	struct rln_sip_uri uri;

	assert_int_equal(rln_sip_uri_split(&uri, text, strlen(text)), 0);
	return rln_sip_uri_has_headers(&uri, text);
}

static void headers_of_a_uri(void **state)
{
	(void)state;
	assert_true(has_headers("sip:h?a=b"));
	assert_true(has_headers("sip:h;x?a=b"));
	assert_true(has_headers("sip:h:1?"));
	assert_false(has_headers("sip:a?b@h"));
	assert_false(has_headers("sip:h;x"));
	assert_false(has_headers("news:a?b"));
}

static void parameters(void **state)
{
	static const char *const sound[] = {
		"", ";", ";a", ";a;b=c", " ; a = b ; c" + 1, ";a=\"x;y=\\\"\";b", ";a=b=c==", ";a=[::1]:5", ";;a", ";a=b;"};
	static const char *const unsound[] = {
		"a", ";a=", ";a=;b", ";a= ;b", ";a=\"x", ";a=\"x\"y", ";a b", ";a,b", ";a=<b>", ";a=b c", ";a\x01", ";\"a\""};

	(void)state;
	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
		if (!rln_sip_params_are_sound(sound[i], strlen(sound[i])))
			fail_msg("%s: refused", sound[i]);
	for (size_t i = 0; i < sizeof(unsound) / sizeof(unsound[0]); i++)
		if (rln_sip_params_are_sound(unsound[i], strlen(unsound[i])))
			fail_msg("%s: taken", unsound[i]);
}

static void values_between_commas(void **state)
{
	(void)state;
	assert_int_equal(rln_sip_value_len("a,b", 3), 1);
	assert_int_equal(rln_sip_value_len("\"a,b\",c", 7), 5);
	assert_int_equal(rln_sip_value_len("<a,b>,c", 7), 5);
	assert_int_equal(rln_sip_value_len("\"a\\\",b\",c", 9), 7);
	assert_int_equal(rln_sip_value_len("\"open,b", 7), 7);
	assert_int_equal(rln_sip_value_len("<\",\">,c", 7), 5);
	assert_int_equal(rln_sip_value_len("", 0), 0);
	assert_true(rln_sip_is_token("a-.!%*_+`'~9", 12));
	assert_false(rln_sip_is_token("", 0));
	assert_false(rln_sip_is_token("a b", 3));
	assert_false(rln_sip_is_token("a\xc3", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_come_apart),
		cmocka_unit_test(bad_ones_are_refused),
		cmocka_unit_test(longer_than_a_slice),
		cmocka_unit_test(address_and_parameters),
		cmocka_unit_test(headers_of_a_uri),
		cmocka_unit_test(parameters),
		cmocka_unit_test(values_between_commas),
	};

	return cmocka_run_group_tests_name("sip_uri", tests, NULL, NULL);
}
