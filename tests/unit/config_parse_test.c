/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The YAML walker: every file of tests/scenario/config with the faults that its "#! " lines name, and what a parse leaves behind.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/parse.h"
#include "config/schema.h"

#define DIR_OF_SCENARIOS "tests/scenario/config"

static struct rln_config config;
static struct rln_config_report report;

static int parse(const char *text)
{
	return rln_config_parse(&config, text, strlen(text), &report);
}

/* The faults as the "#! " lines have them. */
static void faults_text(char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = 0;
	for (unsigned i = 0; i < report.n; i++)
		used += (size_t)snprintf(buf + used, size - used, "%u:%u: %s\n", report.faults[i].line, report.faults[i].column,
			report.faults[i].text);
	if (report.more)
		snprintf(buf + used, size - used, "and %u more\n", report.more);
}

static void check_scenario(const char *path)
{
	static char text[1 << 16], expected[1 << 14], got[1 << 14];
	FILE *file = fopen(path, "r");
	size_t used = 0;
	int rc;

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	expected[0] = 0;
	for (const char *p = strstr(text, "\n#! "); p; p = strstr(p, "\n#! ")) {
		p += 4;
		used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%.*s\n", (int)strcspn(p, "\n"), p);
	}
	rc = rln_config_load(&config, path, &report);
	faults_text(got, sizeof(got));
	if (strcmp(got, expected) != 0)
		print_error("%s:\n", path);
	assert_string_equal(got, expected);
	assert_int_equal(rc, *expected ? -EINVAL : 0);
}

static void test_scenarios(void **state)
{
	DIR *dir = opendir(DIR_OF_SCENARIOS);
	char path[512];
	unsigned files = 0;

	(void)state;
	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (!strstr(e->d_name, ".yaml"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", DIR_OF_SCENARIOS, e->d_name);
		check_scenario(path);
		files++;
	}
	closedir(dir);
	assert_true(files >= 28);
}

static void test_values_arrive(void **state)
{
	char text[RLN_CONFIG_IP_TEXT];

	(void)state;
	assert_int_equal(rln_config_load(&config, DIR_OF_SCENARIOS "/good_bare_metal.yaml", &report), 0);
	assert_int_equal(config.runtime.hugepages, RLN_HUGEPAGES_ON);
	assert_int_equal(config.runtime.workers, 4);
	assert_int_equal(config.runtime.control_cpu, 1);
	assert_int_equal(config.runtime.main_cpu, 0);
	assert_int_equal(config.runtime.worker_cpus_n, 4);
	assert_int_equal(config.runtime.worker_cpus[2], 4);
	assert_int_equal(config.runtime.worker_cpus[3], 6);
	assert_int_equal(config.idle.mode, RLN_IDLE_POLL);
	assert_int_equal(config.ports_n, 1);
	assert_string_equal(config.ports[0].device, "0000:03:00.0");
	assert_int_equal(config.ports[0].addresses_n, 3);
	assert_string_equal(rln_config_prefix_text(&config.ports[0].addresses[1], text), "192.0.2.11/24");
	assert_int_equal(config.ports[0].addresses[1].len, 96 + 24);
	assert_string_equal(rln_config_prefix_text(&config.ports[0].addresses[2], text), "2001:db8::10/64");
	assert_string_equal(rln_config_ip_text(&config.ports[0].gateway6, text), "fe80::1");
	assert_int_equal(config.ports[0].vlan, 7);
	assert_int_equal(config.ports[0].mtu, 9000);
	assert_int_equal(config.ports[0].routes_n, 2);
	assert_string_equal(rln_config_prefix_text(&config.ports[0].routes[1].to, text), "2001:db8:1::/48");
	assert_int_equal(config.sip.hosts_n, 2);
	assert_string_equal(config.sip.hosts[1].name, "six");
	assert_int_equal(config.sip.port, 5060); /* not given: the default */
	assert_int_equal(config.routes_n, 6);
}

static void test_default_lists_are_replaced(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(config.ports_n, 1);
	assert_string_equal(config.ports[0].device, "net_tap0,iface=rl0");
	assert_true(config.ports[0].mac_set);
	assert_string_equal(config.routes[0].match, "echo");
	assert_int_equal(parse("routes: [{match: '*', app: tone, tone_hz: 300}]"), 0);
	assert_int_equal(config.routes_n, 1);
	assert_int_equal(config.routes[0].tone_hz, 300);
	assert_int_equal(config.routes[0].code, 486);
	assert_int_equal(config.ports_n, 1);
	assert_int_equal(parse("routes: []"), 0);
	assert_int_equal(config.routes_n, 0);
}

static void test_nothing_is_applied_when_one_is_wrong(void **state)
{
	struct rln_config before;

	(void)state;
	assert_int_equal(parse("sip: {port: 5999}"), 0);
	before = config;
	assert_int_equal(parse("sip: {port: 6000, t1_ms: 1}"), -EINVAL);
	assert_int_equal(report.n, 1);
	assert_memory_equal(&config, &before, sizeof(config));
	assert_int_equal(parse("sip: {port: 20000}"), -EINVAL); /* a rule across keys */
	assert_memory_equal(&config, &before, sizeof(config));
}

static void test_written_file_reads_back_the_same(void **state)
{
	static const char quoted[] = "sip: {user_agent: 'it''s # \"quoted\"', domain: '', name: 'null'}";
	static const char lists[] =
		"runtime: {worker_cpus: 0-3, eal_args: '--log-level=lib.eal:8 -d x'}\nsip: {hosts: [{name: a, address: '::2'}]}\n"
		"ports: [{name: a, device: net_memif0, addresses: ['::3/64'], routes: [{to: '::/0', via: '::4'}]}]";
	static const char registrations[] = "registrations: [{uri: 'sip:a@192.0.2.1', user: a, password: 'x: \"y\" # z'}]";
	static const char *const sources[] = {"", quoted, lists, registrations};

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(sources) / sizeof(sources[0]); i++) {
		struct rln_config first;
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		assert_int_equal(parse(sources[i / 2]), 0);
		first = config;
		rln_config_write(out, &first, i & 1);
		fclose(out);
		assert_int_equal(rln_config_parse(&config, text, len, &report), 0);
		assert_memory_equal(&config, &first, sizeof(config));
		free(text);
	}
}

static void test_many_faults_are_counted(void **state)
{
	static char text[4096] = "";

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "bad%u: 1\n", i);
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(report.n, RLN_CONFIG_FAULTS);
	assert_int_equal(report.more, 40 - RLN_CONFIG_FAULTS);
	assert_int_equal(report.faults[0].line, 1);
	assert_int_equal(report.faults[RLN_CONFIG_FAULTS - 1].line, RLN_CONFIG_FAULTS);
}

static void test_report_prints_file_line_column(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(parse("sip:\n  prot: 1\n"), -EINVAL);
	report.more = 2;
	rln_config_report_print(out, "a.yaml", &report);
	fclose(out);
	assert_string_equal(
		text, "a.yaml:2:3: found unknown key 'prot', expected a key of sip; did you mean 'port'?\na.yaml: and 2 more\n");
	free(text);
}

static void test_files_that_cannot_be_read(void **state)
{
	char path[] = "/tmp/rln_config_XXXXXX", *big;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	big = calloc(1, RLN_CONFIG_FILE_MAX + 1);
	memset(big, '#', RLN_CONFIG_FILE_MAX + 1);
	assert_int_equal(write(fd, big, RLN_CONFIG_FILE_MAX + 1), RLN_CONFIG_FILE_MAX + 1);
	assert_int_equal(rln_config_load(&config, path, &report), -EFBIG);
	assert_int_equal(report.n, 1);
	assert_int_equal(ftruncate(fd, RLN_CONFIG_FILE_MAX), 0);
	assert_int_equal(rln_config_load(&config, path, &report), 0);
	assert_int_equal(rln_config_parse(&config, big, RLN_CONFIG_FILE_MAX + 1, &report), -EINVAL);
	free(big);
	close(fd);
	unlink(path);
	assert_int_equal(rln_config_load(&config, path, &report), -ENOENT);
	assert_non_null(strstr(report.faults[0].text, "cannot open the file: No such file"));
	assert_int_equal(rln_config_load(&config, "/tmp", &report), -EISDIR);
	assert_non_null(strstr(report.faults[0].text, "cannot read the file"));
}

static void test_hostile_yaml(void **state)
{
	static char deep[100001];

	(void)state;
	memset(deep, '[', 100000);
	assert_int_equal(parse(deep), -EINVAL);
	assert_int_equal(parse("a: &x [*x]"), -EINVAL); /* a list that holds itself */
	assert_int_equal(parse("routes: &r [{match: a, app: echo}]\nports: *r\n"), -EINVAL);
	assert_int_equal(parse("sip: {name: \xff\xfe}"), -EINVAL);
	assert_int_equal(rln_config_parse(&config, "sip:\0 {}", 8, &report), -EINVAL);
	assert_int_equal(parse("? {a: b}\n: c"), -EINVAL);
	assert_int_equal(parse("sip: !!binary 'x'"), -EINVAL);
	assert_int_equal(parse("---\n...\n"), 0);
}

/* A reader copies them: each YAML block of a page is a whole configuration that we take. Returns how many there were. */
static unsigned check_page(const char *path)
{
	static char text[1 << 18];
	FILE *file = fopen(path, "r");
	unsigned blocks = 0;

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	for (char *p = strstr(text, "```yaml\n"), *end; p; p = strstr(end, "```yaml\n")) {
		p += strlen("```yaml\n");
		end = strstr(p, "```");
		assert_non_null(end);
		if (rln_config_parse(&config, p, (size_t)(end - p), &report)) {
			rln_config_report_print(stderr, path, &report);
			fail_msg("%s: YAML block %u is refused", path, blocks + 1);
		}
		end += 3;
		blocks++;
	}
	return blocks;
}

static void test_examples_in_the_documentation(void **state)
{
	(void)state;
	assert_true(check_page("docs/deploy.md") >= 2);
	assert_true(check_page("docs/config.md") >= 1);
	if (access("README.md", R_OK) == 0)
		(void)check_page("README.md");
}

static void test_a_value_is_located_later(void **state)
{
	char path[] = "/tmp/ringlane-locate-XXXXXX";
	unsigned line = 0, column = 0;
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	(void)state;
	assert_non_null(file);
	fprintf(file, "handler:\n  plugin: x.so\nroutes:\n  - {match: a, app: plugin, file: y.so}\n");
	fclose(file);
	assert_int_equal(rln_config_load(&config, path, &report), 0);
	rln_config_locate(path, &config, config.handler.plugin, &line, &column);
	assert_int_equal(line * 100 + column, 211);
	rln_config_locate(path, &config, config.routes[0].file, &line, &column);
	assert_int_equal(line * 100 + column, 435);
	unlink(path);
	rln_config_locate(path, &config, config.routes[0].file, &line, &column);
	assert_int_equal(line * 100 + column, 101);
}

static void test_single_texts_empty_lists_and_bare_flags(void **state)
{
	(void)state;
	assert_int_equal(parse("routes: [{match: a, app: bridge, to: 'sip:x@y'}]\n"
			       "queues: [{name: q, agents: []}]\n"
			       "menus: [{name: m, digits: {'*': {hangup}, 12: {play: x.wav}}}]\n"),
		0);
	assert_int_equal(config.routes[0].to_n, 1);
	assert_string_equal(config.routes[0].to[0], "sip:x@y");
	assert_int_equal(config.routes[0].to_ring_s, 60);
	assert_int_equal(config.queues[0].agents_n, 0);
	assert_int_equal(config.menus[0].digits_n, 2);
	assert_string_equal(config.menus[0].digits[0].digits, "*");
	assert_true(config.menus[0].digits[0].hangup);
	assert_string_equal(config.menus[0].digits[1].digits, "12");
	assert_int_equal(config.menus[0].timeout_s, 5);
	assert_int_equal(parse("menus: [{name: m, digits: {[1]: {hangup}}}]\n"), -EINVAL);
	assert_int_equal(parse("queues: [{name: q, agents: }]\n"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_value_is_located_later),
		cmocka_unit_test(test_single_texts_empty_lists_and_bare_flags),
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_values_arrive),
		cmocka_unit_test(test_default_lists_are_replaced),
		cmocka_unit_test(test_nothing_is_applied_when_one_is_wrong),
		cmocka_unit_test(test_written_file_reads_back_the_same),
		cmocka_unit_test(test_many_faults_are_counted),
		cmocka_unit_test(test_report_prints_file_line_column),
		cmocka_unit_test(test_files_that_cannot_be_read),
		cmocka_unit_test(test_hostile_yaml),
		cmocka_unit_test(test_examples_in_the_documentation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
