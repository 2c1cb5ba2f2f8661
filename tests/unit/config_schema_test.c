/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of settings itself, both bounds of every number, and the pages that are written from it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/parse.h"
#include "config/schema.h"

static char base[sizeof(struct rln_config)]; /* room for any group's struct */

static int put(const struct rln_setting *s, const char *text)
{
	return rln_setting_put(s, base, text, strlen(text));
}

static int put_number(const struct rln_setting *s, unsigned long v)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", v);
	return put(s, text);
}

static const char *value(const struct rln_setting *s)
{
	static char text[RLN_SETTING_VALUE];

	rln_setting_print(s, base, text, sizeof(text));
	return text;
}

static void test_rows_are_sound(void **state)
{
	(void)state;
	for (unsigned i = 0; i < rln_settings_n; i++) {
		const struct rln_setting *s = &rln_settings[i];
		char path[RLN_SETTING_PATH], expected[RLN_SETTING_EXPECT];

		assert_true(s->offset + s->size <= rln_groups[s->group].size);
		assert_ptr_equal(rln_setting_find((enum rln_group)s->group, s->key), s); /* no key twice */
		assert_int_equal(rln_group_find((enum rln_group)s->group, s->key), RLN_GROUP_COUNT);
		assert_true(strlen(rln_setting_path((enum rln_group)s->group, s, path)) > strlen(s->key));
		assert_true(strlen(rln_setting_expected(s, false, expected)) > 4);
		assert_true(strlen(s->help) > 4 && s->help[strlen(s->help) - 1] == '.');
		assert_true(s->size > 0);
	}
	assert_string_equal(rln_setting_path(RLN_GROUP_PORT_ROUTES, rln_setting_find(RLN_GROUP_PORT_ROUTES, "via"), base),
		"ports[].routes[].via");
}

/* Printing a default gives what the table says: it parses, and nothing is lost in storage. */
static void test_defaults_are_values(void **state)
{
	(void)state;
	for (unsigned i = 0; i < rln_settings_n; i++) {
		const struct rln_setting *s = &rln_settings[i];

		memset(base, 0, sizeof(base));
		rln_group_defaults((enum rln_group)s->group, base);
		if (s->fallback && *s->fallback)
			assert_string_equal(value(s), s->fallback);
	}
}

static void test_bounds_of_every_number(void **state)
{
	unsigned numbers = 0;

	(void)state;
	for (unsigned i = 0; i < rln_settings_n; i++) {
		const struct rln_setting *s = &rln_settings[i];
		char text[24];

		if (s->type != RLN_SET_UINT && s->type != RLN_SET_AUTO_UINT && s->type != RLN_SET_CPU)
			continue;
		numbers++;
		memset(base, 0, sizeof(base));
		assert_int_equal(put_number(s, s->min), 0);
		assert_int_equal(put_number(s, s->max), 0);
		snprintf(text, sizeof(text), "%lu", (unsigned long)s->max);
		assert_string_equal(value(s), text); /* the field is wide enough */
		assert_int_equal(put_number(s, s->max + 1), -EINVAL);
		if (s->min)
			assert_int_equal(put_number(s, s->min - 1), -EINVAL);
		assert_string_equal(value(s), text); /* untouched by what was refused */
		assert_int_equal(put(s, "auto"), s->type == RLN_SET_UINT ? -EINVAL : 0);
		assert_int_equal(put(s, ""), -EINVAL);
		assert_int_equal(put(s, " 100"), -EINVAL);
		assert_int_equal(put(s, "0x20"), -EINVAL);
		assert_int_equal(put(s, "18446744073709551716"), -EINVAL); /* 2^64 + 100 */
	}
	assert_true(numbers > 25);
}

static void test_texts_fill_their_room_and_no_more(void **state)
{
	char text[RLN_CONFIG_PATH + 2];

	(void)state;
	for (unsigned i = 0; i < rln_settings_n; i++) {
		const struct rln_setting *s = &rln_settings[i];

		if (s->type != RLN_SET_TEXT)
			continue;
		assert_true(s->max < s->size);
		memset(base, 0, sizeof(base));
		memset(text, 'x', sizeof(text));
		assert_int_equal(rln_setting_put(s, base, text, s->max), 0);
		assert_int_equal(strlen(base + s->offset), s->max);
		assert_int_equal(rln_setting_put(s, base, text, s->max + 1), -EINVAL);
		assert_int_equal(rln_setting_put(s, base, "a\0b", 3), -EINVAL);
		assert_int_equal(rln_setting_put(s, base, "a\nb", 3), -EINVAL);
		assert_int_equal(put(s, ""), s->min ? -EINVAL : 0);
	}
}

static void test_choices(void **state)
{
	const struct rln_setting *s = rln_setting_find(RLN_GROUP_RUNTIME, "hugepages");
	struct rln_config_runtime *r = (void *)base;

	(void)state;
	assert_int_equal(put(s, "off"), 0);
	assert_int_equal(r->hugepages, RLN_HUGEPAGES_OFF);
	assert_int_equal(put(s, "of"), -EINVAL);
	assert_int_equal(put(s, "auto|on"), -EINVAL);
	s = rln_setting_find(RLN_GROUP_RTP, "codecs");
	memset(base, 0, sizeof(base));
	assert_int_equal(put(s, ""), -EINVAL); /* number 0 stands for nothing */
	assert_int_equal(put(s, "PCMA"), 0);
	assert_int_equal(((struct rln_config_rtp *)base)->codecs[0], RLN_CONFIG_PCMA);
	assert_int_equal(put(s, "PCMA"), -EEXIST);
	assert_string_equal(value(s), "[PCMA]");
}

static void test_cpu_lists(void **state)
{
	const struct rln_setting *s = rln_setting_find(RLN_GROUP_RUNTIME, "worker_cpus");
	struct rln_config_runtime *r = (void *)base;

	(void)state;
	memset(base, 0, sizeof(base));
	assert_string_equal(value(s), "auto");
	assert_int_equal(put(s, "2-5"), 0);
	assert_int_equal(put(s, "9"), 0);
	assert_string_equal(value(s), "[2, 3, 4, 5, 9]");
	assert_int_equal(put(s, "4-6"), -EEXIST);
	assert_int_equal(put(s, "5-"), -EINVAL);
	assert_int_equal(put(s, "-5"), -EINVAL);
	assert_int_equal(put(s, "100-200"), -ENOSPC);
	assert_int_equal(r->worker_cpus_n, RLN_CONFIG_WORKERS);
	assert_int_equal(put(s, "auto"), 0);
	assert_int_equal(r->worker_cpus_n, 0);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {
		"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4/8", "::g", "[::1]", "::ffff:1.2.3.4", "fe80::1%eth0", "localhost"};
	static const char *const bad_prefix[] = {
		"1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/8x", "::1/129", "/8", "1.2.3.4/0008"};
	struct rln_config_prefix p, q;
	struct rln_config_ip ip;
	char text[RLN_CONFIG_IP_TEXT];

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rln_config_ip_parse(&ip, bad[i], strlen(bad[i])), -EINVAL);
	for (unsigned i = 0; i < sizeof(bad_prefix) / sizeof(bad_prefix[0]); i++)
		assert_int_equal(rln_config_prefix_parse(&p, bad_prefix[i], strlen(bad_prefix[i])), -EINVAL);
	assert_int_equal(rln_config_prefix_parse(&p, "198.18.0.129/25", 15), 0);
	assert_string_equal(rln_config_prefix_text(&p, text), "198.18.0.129/25");
	assert_int_equal(rln_config_ip_parse(&ip, "198.18.0.255", 12), 0);
	assert_true(rln_config_prefix_holds(&p, &ip));
	assert_int_equal(rln_config_ip_parse(&ip, "198.18.0.127", 12), 0);
	assert_false(rln_config_prefix_holds(&p, &ip));
	assert_int_equal(rln_config_prefix_parse(&q, "::/0", 4), 0);
	assert_false(rln_config_prefix_holds(&q, &ip)); /* IPv4 is not in an IPv6 net */
	assert_int_equal(rln_config_prefix_parse(&q, "0.0.0.0/0", 9), 0);
	assert_true(rln_config_prefix_holds(&q, &ip));
	assert_int_equal(rln_config_prefix_parse(&q, "2001:db8::/32", 13), 0);
	assert_int_equal(rln_config_ip_parse(&ip, "2001:db8:ffff::1", 16), 0);
	assert_true(rln_config_prefix_holds(&q, &ip));
}

static void test_near_misses(void **state)
{
	static const struct {
		enum rln_group group;
		const char *text, *found;
	} cases[] = {
		{RLN_GROUP_SIP, "prot", "port"},
		{RLN_GROUP_SIP, "max_transaction", "max_transactions"},
		{RLN_GROUP_SIP, "retry_after", "retry_after_s"},
		{RLN_GROUP_RTP, "codec", "codecs"},
		{RLN_GROUP_ROOT, "port", "ports"},
		{RLN_GROUP_ROOT, "Runtime", "runtime"},
		{RLN_GROUP_PORTS, "addr", "addresses"},
		{RLN_GROUP_PORTS, "gateway", "gateway4"},
		{RLN_GROUP_SIP, "x", NULL},
		{RLN_GROUP_SIP, "something_completely_else", NULL},
		{RLN_GROUP_SIP, "an_even_longer_key_than_any_word_that_we_would_ever_compare_it_with", NULL},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *found = rln_setting_nearest(cases[i].group, cases[i].text);

		if (cases[i].found)
			assert_non_null(found);
		assert_string_equal(found ? found : "", cases[i].found ? cases[i].found : "");
	}
}

static void assert_page(const char *path, const char *text)
{
	static char committed[1 << 17];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	committed[fread(committed, 1, sizeof(committed) - 1, file)] = 0;
	fclose(file);
	if (strcmp(committed, text) != 0)
		fail_msg("%s is stale: make docs", path);
}

static void test_pages_are_fresh(void **state)
{
	struct rln_config config;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	rln_config_defaults(&config);
	rln_config_write(out, &config, true);
	fflush(out);
	assert_page("config/ringlane.yaml", text);
	rewind(out);
	rln_config_write_reference(out);
	fclose(out);
	assert_page("docs/config.md", text);
	free(text);
}

static void test_help_names_every_group(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	rln_config_write_help(out);
	fclose(out);
	for (unsigned g = 1; g < RLN_GROUP_COUNT; g++)
		if (rln_groups[g].parent == RLN_GROUP_ROOT)
			assert_non_null(strstr(text, rln_groups[g].help));
	for (const char *p = text, *end; (end = strchr(p, '\n')); p = end + 1)
		assert_true(end - p <= 130);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_sound),
		cmocka_unit_test(test_defaults_are_values),
		cmocka_unit_test(test_bounds_of_every_number),
		cmocka_unit_test(test_texts_fill_their_room_and_no_more),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_cpu_lists),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_near_misses),
		cmocka_unit_test(test_pages_are_fresh),
		cmocka_unit_test(test_help_names_every_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
