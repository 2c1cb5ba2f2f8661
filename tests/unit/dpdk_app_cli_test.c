/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: what is understood, what is refused and in which words, and the pages that are written from its tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/parse.h"
#include "dpdk_app/cli_priv.h"

static struct rln_cli cli;
static char complaint[4096];

/* Parses "call x -d 3" split at blanks; the words live until the next run. */
static int parse(const char *line)
{
	static char text[1024];
	char *argv[64] = {(char *)"ringlane"}, *save = NULL;
	FILE *err = fmemopen(complaint, sizeof(complaint), "w");
	int argc = 1, rc;

	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	complaint[0] = 0;
	rc = rln_cli_parse(&cli, argc, argv, err);
	fclose(err);
	return rc;
}

static void refuse(const char *line, const char *why)
{
	assert_int_equal(parse(line), RLN_EXIT_USAGE);
	if (!strstr(complaint, why))
		print_error("%s: %s", line, complaint);
	assert_non_null(strstr(complaint, why));
	assert_non_null(strstr(complaint, "ringlane help"));
}

static void test_verbs(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(cli.verb, RLN_VERB_HELP);
	assert_int_equal(parse("serve -c a.yaml --trace"), 0);
	assert_int_equal(cli.verb, RLN_VERB_SERVE);
	assert_string_equal(cli.config_file, "a.yaml");
	assert_true(cli.trace);
	assert_int_equal(parse("--config=a.yaml serve"), 0); /* options may stand before the verb */
	assert_int_equal(cli.verb, RLN_VERB_SERVE);
	assert_int_equal(parse("config check a.yaml"), 0);
	assert_string_equal(cli.words[1], "a.yaml");
	assert_int_equal(parse("-V"), 0);
	assert_int_equal(cli.verb, RLN_VERB_VERSION);
	assert_int_equal(parse("serve --version"), 0);
	assert_int_equal(cli.verb, RLN_VERB_VERSION);
	assert_int_equal(parse("call -h"), 0); /* help needs no address */
	assert_true(cli.help);
}

static void test_call_options(void **state)
{
	(void)state;
	assert_int_equal(
		parse("call sip:x@198.18.0.1 -p a.wav --record b.wav -s -d 2.5 --ring 3 -C PCMA -P 30 -f me -n 20 -j - -l debug"),
		0);
	assert_string_equal(cli.words[0], "sip:x@198.18.0.1");
	assert_string_equal(cli.play, "a.wav");
	assert_string_equal(cli.record, "b.wav");
	assert_true(cli.stereo);
	assert_true(cli.duration_s > 2.49 && cli.duration_s < 2.51);
	assert_true(cli.ring_s > 2.9);
	assert_string_equal(cli.codec, "PCMA");
	assert_int_equal(cli.ptime_ms, 30);
	assert_string_equal(cli.from, "me");
	assert_int_equal(cli.calls, 20);
	assert_string_equal(cli.json, "-");
	assert_string_equal(cli.log_level, "debug");
	assert_int_equal(parse("call x"), 0);
	assert_true(cli.duration_s < 0 && cli.ring_s < 0);
	assert_int_equal(cli.calls, 0);
}

static void test_eal_arguments(void **state)
{
	char line[600];

	(void)state;
	assert_int_equal(parse("serve -e --no-pci -- --log-level=8 -d x"), 0);
	assert_string_equal(cli.eal_args, "--log-level=8 -d x --no-pci");
	assert_int_equal(parse("call x -- -c 3"), 0); /* not our -c */
	assert_null(cli.config_file);
	assert_string_equal(cli.eal_args, "-c 3");
	refuse("check -- -x", "check starts no EAL");
	snprintf(line, sizeof(line), "serve -- %0400d", 1);
	refuse(line, "longer than");
}

static void test_what_is_refused(void **state)
{
	(void)state;
	refuse("frobnicate", "'frobnicate' is not a verb");
	refuse("serve --frob", "unknown option --frob");
	refuse("serve -x", "unknown option -x");
	refuse("serve -c", "-c expects a value");
	refuse("serve extra", "serve: found 'extra'");
	refuse("serve --play a.wav", "--play is no option of serve");
	refuse("check --json x", "--json is no option of check");
	refuse("call", "call: found 0 addresses");
	refuse("call a b", "call: found 2 addresses");
	refuse("call a b c", "call: found 'c', expected fewer words");
	refuse("call a -d soon", "--duration: found 'soon', expected seconds");
	refuse("call a -d -1", "--duration: found '-1'");
	refuse("call a -d nan", "--duration: found 'nan'");
	refuse("call a -n 0", "--calls: found '0', expected a number from 1 to 1000");
	refuse("call a -n 1001", "--calls: found '1001'");
	refuse("call a -n -5", "--calls: found '-5'");
	refuse("call a -P 5x", "--ptime: found '5x'");
	refuse("ping", "ping: found 0 addresses");
	refuse("ping a -k 0", "--count: found '0', expected a number from 1 to 1000000");
	refuse("ping a --wait -1", "--wait: found '-1', expected seconds");
	refuse("ping a --play x.wav", "--play is no option of ping");
	refuse("config", "config: found nothing");
	refuse("config frob", "config: found 'frob'");
	refuse("config check", "expected one FILE");
	refuse("config default x", "expected nothing behind it");
	refuse("help frob", "help: 'frob' is not a verb");
}

static int configure(struct rln_config *config)
{
	FILE *err = fmemopen(complaint, sizeof(complaint), "w");
	int rc;

	complaint[0] = 0;
	rc = rln_cli_config(&cli, config, err);
	fclose(err);
	return rc;
}

static void test_options_change_the_configuration(void **state)
{
	static struct rln_config config;

	(void)state;
	unsetenv("RINGLANE_CONFIG");
	assert_int_equal(parse("call a -C PCMA -P 40 -f me -l warning -t"), 0);
	assert_int_equal(configure(&config), 0);
	assert_int_equal(config.rtp.codecs_n, 1);
	assert_int_equal(config.rtp.codecs[0], RLN_CONFIG_PCMA);
	assert_int_equal(config.rtp.ptime_ms, 40);
	assert_string_equal(config.sip.name, "me");
	assert_int_equal(config.log.level, RLN_CONFIG_WARNING);
	assert_true(config.log.trace);
	assert_int_equal(parse("call a -C G729"), 0);
	assert_int_equal(configure(&config), RLN_EXIT_USAGE);
	assert_non_null(strstr(complaint, "--codec: found 'G729', expected PCMU or PCMA"));
	assert_int_equal(parse("call a -P 50"), 0);
	assert_int_equal(configure(&config), RLN_EXIT_USAGE);
	assert_non_null(strstr(complaint, "expected 10, 20, 30, 40 or 60"));
	assert_int_equal(parse("serve -l loud"), 0);
	assert_int_equal(configure(&config), RLN_EXIT_USAGE);
	assert_non_null(strstr(complaint, "--log: found 'loud', expected error, warning, info or debug"));
}

static void test_where_the_configuration_comes_from(void **state)
{
	static struct rln_config config;

	(void)state;
	setenv("RINGLANE_CONFIG", "tests/scenario/config/good_minimal.yaml", 1);
	assert_int_equal(parse("serve"), 0);
	assert_int_equal(configure(&config), 0);
	assert_int_equal(config.sip.port, 5070);
	assert_int_equal(parse("serve -c tests/scenario/config/sip_rules.yaml"), 0);
	assert_int_equal(configure(&config), RLN_EXIT_USAGE);
	assert_non_null(strstr(complaint, "tests/scenario/config/sip_rules.yaml:2:9: sip.name: found 'a b'"));
	assert_int_equal(parse("serve -c /nowhere.yaml"), 0);
	assert_int_equal(configure(&config), RLN_EXIT_USAGE);
	assert_non_null(strstr(complaint, "/nowhere.yaml:1:1: cannot open the file"));
	unsetenv("RINGLANE_CONFIG");
	assert_int_equal(parse("serve"), 0);
	assert_int_equal(configure(&config), 0);
	assert_int_equal(config.sip.port, 5060);
}

static char *page(void (*write)(FILE *out, enum rln_verb verb), enum rln_verb verb)
{
	static char text[32768];
	FILE *out = fmemopen(text, sizeof(text), "w");

	write(out, verb);
	fclose(out);
	return text;
}

static void write_man(FILE *out, enum rln_verb verb)
{
	(void)verb;
	rln_cli_write_man(out);
}

static void test_help_names_everything(void **state)
{
	char name[32], *text = page(rln_cli_write_help, RLN_VERB_COUNT);

	(void)state;
	for (unsigned v = 0; v < RLN_VERB_COUNT; v++)
		assert_non_null(strstr(text, rln_cli_verbs[v].help));
	for (unsigned i = 0; i < rln_cli_options_n; i++) {
		snprintf(name, sizeof(name), "-%c, --%s", rln_cli_options[i].letter, rln_cli_options[i].name);
		assert_non_null(strstr(text, name));
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(rln_cli_options[i].letter, rln_cli_options[k].letter);
	}
	for (const char *p = text, *end; (end = strchr(p, '\n')); p = end + 1)
		assert_true(end - p <= 130);
	text = page(rln_cli_write_help, RLN_VERB_CHECK);
	assert_non_null(strstr(text, "--brief"));
	assert_null(strstr(text, "--play"));
}

static void test_man_page_is_fresh(void **state)
{
	static char committed[32768];
	FILE *file = fopen("docs/ringlane.1", "r");
	const char *text = page(write_man, RLN_VERB_COUNT);

	(void)state;
	assert_non_null(file);
	committed[fread(committed, 1, sizeof(committed) - 1, file)] = 0;
	fclose(file);
	if (strcmp(committed, text) != 0)
		fail_msg("docs/ringlane.1 is stale: make docs");
	for (unsigned i = 0; i < rln_cli_options_n; i++) {
		char name[48];

		snprintf(name, sizeof(name), "\\fB\\-%c\\fR, \\fB\\-\\-%s\\fR", rln_cli_options[i].letter,
			rln_cli_options[i].name);
		assert_non_null(strstr(text, name));
	}
}

static void test_welcome_says_how_to_call(void **state)
{
	static struct rln_config config;
	static const char yaml[] =
		"sip: {port: 5070}\nports: [{name: a, device: net_memif0, addresses: ['2001:db8::1/64', 192.0.2.1/24]}]\n"
		"routes: [{match: '1*', app: reject}, {match: hall, app: tone, tone_hz: 300}]";
	static char text[4096];
	struct rln_config_report report;
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	rln_config_defaults(&config);
	rln_cli_write_welcome(out, &config);
	fclose(out);
	assert_non_null(strstr(text, "listening on 198.18.0.1, port rl0 (tap)\n"));
	assert_non_null(strstr(text, "sip:echo@198.18.0.1"));
	assert_non_null(strstr(text, "sipp -sn uac -s echo -m 1 198.18.0.1 -i 198.18.0.2\n"));
	assert_non_null(strstr(text, "dpdk-telemetry.py -f ringlane"));
	assert_non_null(strstr(text, "is ready"));
	assert_int_equal(rln_config_parse(&config, yaml, sizeof(yaml) - 1, &report), 0);
	out = fmemopen(text, sizeof(text), "w");
	rln_cli_write_welcome(out, &config);
	fclose(out);
	assert_non_null(strstr(text, "listening on [2001:db8::1]:5070, port a (memif)\n"));
	assert_non_null(strstr(text, "baresip -e '/dial sip:hall@[2001:db8::1]:5070'"));
	assert_non_null(strstr(text, "refused with 486"));
}

static void test_load_says_that_it_is_not_there(void **state)
{
	char *argv[] = {(char *)"ringlane", (char *)"load", (char *)"--calls", NULL};

	(void)state;
	setenv("PATH", "/nowhere", 1);
	assert_int_equal(rln_cli_main(3, argv), RLN_EXIT_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_call_options),
		cmocka_unit_test(test_eal_arguments),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_options_change_the_configuration),
		cmocka_unit_test(test_where_the_configuration_comes_from),
		cmocka_unit_test(test_help_names_everything),
		cmocka_unit_test(test_man_page_is_fresh),
		cmocka_unit_test(test_welcome_says_how_to_call),
		cmocka_unit_test(test_load_says_that_it_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
