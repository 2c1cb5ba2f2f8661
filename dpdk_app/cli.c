/* SPDX-License-Identifier: BSD-3-Clause */
/* Verbs and options as tables, their parser, and the verbs that need no engine: check, load, config, version, help. */
#include "dpdk_app/cli_priv.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/parse.h"
#include "config/schema.h"
#include "dpdk_app/preflight.h"

const struct rln_cli_verb rln_cli_verbs[RLN_VERB_COUNT] = {
	[RLN_VERB_SERVE] = {"serve", "", "Answer calls by the route table until SIGTERM or Ctrl-C, which end every call first."},
	[RLN_VERB_CALL] = {"call", "URI", "Place a call, play and record files, print a report of what was heard."},
	[RLN_VERB_PING] = {"ping", "URI",
		"Ask an address for an answer (OPTIONS): status and round trip, as often as --count says."},
	[RLN_VERB_TRACE] = {"trace", "[FILTER]",
		"Show a call of the running server as a ladder: next, id=ID, call-id=TEXT, from=TEXT or to=TEXT."},
	[RLN_VERB_CHECK] = {"check", "",
		"Look whether this machine fits the configuration; each finding names the command that mends it."},
	[RLN_VERB_LOAD] = {"load", "...", "Run ringlane-load, the load generator; everything behind the verb goes to it."},
	[RLN_VERB_CONFIG] = {"config", "default | check FILE | print | reference",
		"Print the commented default, check a file, print what holds, print docs/config.md."},
	[RLN_VERB_VERSION] = {"version", "", "Print the version."},
	[RLN_VERB_HELP] = {"help", "[VERB]", "Print this text, or the options of one verb; help man: the manual page's source."},
};

#define SERVE  (1u << RLN_VERB_SERVE)
#define CALL   (1u << RLN_VERB_CALL)
#define PING   (1u << RLN_VERB_PING)
#define TRACE  (1u << RLN_VERB_TRACE)
#define CHECK  (1u << RLN_VERB_CHECK)
#define CONFIG (1u << RLN_VERB_CONFIG)
#define EVERY  ((1u << RLN_VERB_COUNT) - 1)

const struct rln_cli_option rln_cli_options[] = {
	{"config", 'c', "FILE", SERVE | CALL | PING | TRACE | CHECK | CONFIG,
		"Configuration; without it $RINGLANE_CONFIG, else the embedded default (a TAP device)."},
	{"log", 'l', "LEVEL", SERVE | CALL | PING, "error, warning, info or debug, in place of log.level."},
	{"trace", 't', NULL, SERVE | CALL | PING, "Print every call as a ladder of its events."},
	{"verbose", 'v', NULL, SERVE | CALL | PING | TRACE,
		"With --trace, or tracing: whole SIP messages, ids and queries, too."},
	{"eal", 'e', "ARGS", SERVE | CALL | PING, "Further EAL arguments; also what stands behind --."},
	{"play", 'p', "FILE", CALL, "WAV file to play once the call is up; without --duration the call ends after it."},
	{"record", 'r', "FILE", CALL, "WAV file for what the peer sends; -N is put before .wav with several calls."},
	{"stereo", 's', NULL, CALL, "Record both directions: left received, right sent."},
	{"duration", 'd', "SECONDS", CALL | TRACE,
		"Hang up, or end the trace, after so long; else when the file is over, or with the peer or Ctrl-C."},
	{"ring", 'R', "SECONDS", CALL, "Give up when nobody answers for so long; default 60."},
	{"codec", 'C', "NAME", CALL, "Offer this codec alone: PCMU or PCMA."},
	{"ptime", 'P', "MS", CALL, "Packet length to ask for: 10, 20, 30, 40 or 60."},
	{"from", 'f', "NAME", CALL | PING, "User part of our address; default sip.name."},
	{"calls", 'n', "N", CALL | TRACE, "Place so many calls at once, or trace so many one after another; default 1."},
	{"count", 'k', "N", PING, "Ask so many times, one a second; default 1."},
	{"wait", 'w', "SECONDS", PING, "Wait for an answer for so long; default 5."},
	{"json", 'j', "FILE", CALL, "Write the report as JSON, too; - writes it to standard output instead of the table."},
	{"brief", 'b', NULL, CHECK, "Print only what is not in order."},
	{"help", 'h', NULL, EVERY, "Print the help of the verb."},
	{"version", 'V', NULL, EVERY, "Print the version."},
};
const unsigned rln_cli_options_n = sizeof(rln_cli_options) / sizeof(rln_cli_options[0]);
#define OPTIONS (sizeof(rln_cli_options) / sizeof(rln_cli_options[0]))

/* ---- parsing ---- */

static int usage(FILE *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int usage(FILE *err, const char *format, ...)
{
	va_list ap;

	fprintf(err, "ringlane: ");
	va_start(ap, format);
	vfprintf(err, format, ap);
	va_end(ap);
	fprintf(err, "\n`ringlane help` shows what there is.\n");
	return RLN_EXIT_USAGE;
}

static enum rln_verb verb_of(const char *word)
{
	unsigned v = 0;

	while (v < RLN_VERB_COUNT && strcmp(rln_cli_verbs[v].name, word) != 0)
		v++;
	return (enum rln_verb)v;
}

/* What stands behind "--": EAL's. */
static int join_eal_args(struct rln_cli *out, int n, char **words, FILE *err)
{
	size_t used = strlen(out->eal_args);

	for (int i = 0; i < n; i++) {
		used += (size_t)snprintf(out->eal_args + used, sizeof(out->eal_args) - used, "%s%s", used ? " " : "", words[i]);
		if (used >= sizeof(out->eal_args))
			return usage(err, "the EAL arguments are longer than %zu bytes", sizeof(out->eal_args) - 1);
	}
	return 0;
}

static int seconds(double *out, const char *name, const char *text, FILE *err)
{
	char *end;

	*out = strtod(text, &end);
	if (end == text || *end || !isfinite(*out) || *out < 0 || *out > 1e6)
		return usage(err, "--%s: found '%s', expected seconds from 0 to 1000000", name, text);
	return 0;
}

static int count(unsigned *out, const char *name, const char *text, unsigned long max, FILE *err)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (end == text || *end || errno || *text == '-' || v < 1 || v > max)
		return usage(err, "--%s: found '%s', expected a number from 1 to %lu", name, text, max);
	*out = (unsigned)v;
	return 0;
}

static int take_option(struct rln_cli *out, int letter, char *value, FILE *err)
{
	switch (letter) {
	case 'c':
		out->config_file = value;
		return 0;
	case 'l':
		out->log_level = value;
		return 0;
	case 't':
		out->trace = true;
		return 0;
	case 'v':
		out->verbose = true;
		return 0;
	case 'e':
		return join_eal_args(out, 1, &value, err);
	case 'p':
		out->play = value;
		return 0;
	case 'r':
		out->record = value;
		return 0;
	case 's':
		out->stereo = true;
		return 0;
	case 'd':
		return seconds(&out->duration_s, "duration", value, err);
	case 'R':
		return seconds(&out->ring_s, "ring", value, err);
	case 'C':
		out->codec = value;
		return 0;
	case 'P':
		return count(&out->ptime_ms, "ptime", value, 60, err);
	case 'f':
		out->from = value;
		return 0;
	case 'n':
		return count(&out->calls, "calls", value, RLN_CLI_CALLS, err);
	case 'k':
		return count(&out->count, "count", value, RLN_CLI_COUNT, err);
	case 'w':
		return seconds(&out->wait_s, "wait", value, err);
	case 'j':
		out->json = value;
		return 0;
	case 'b':
		out->brief = true;
		return 0;
	case 'h':
		out->help = true;
		return 0;
	case 'V':
		out->verb = RLN_VERB_VERSION;
		return 0;
	default:
		return RLN_EXIT_USAGE;
	}
}

/* getopt's tables from ours. */
static void getopt_tables(struct option longs[OPTIONS + 1], char shorts[2 * OPTIONS + 2])
{
	char *s = shorts;

	*s++ = ':'; /* a missing value is told apart from an unknown option */
	for (unsigned i = 0; i < OPTIONS; i++) {
		const struct rln_cli_option *o = &rln_cli_options[i];

		longs[i] = (struct option){o->name, o->argument ? required_argument : no_argument, NULL, o->letter};
		*s++ = o->letter;
		if (o->argument)
			*s++ = ':';
	}
	longs[OPTIONS] = (struct option){0};
	*s = 0;
}

static const struct rln_cli_option *option_of(int letter)
{
	for (unsigned i = 0; i < OPTIONS; i++)
		if (rln_cli_options[i].letter == letter)
			return &rln_cli_options[i];
	return NULL;
}

/* How many words a verb takes. */
static int check_words(const struct rln_cli *cli, FILE *err)
{
	const char *first = cli->words_n ? cli->words[0] : "";
	bool file = strcmp(first, "check") == 0;

	if ((cli->verb == RLN_VERB_CALL || cli->verb == RLN_VERB_PING) && cli->words_n != 1)
		return usage(err, "%s: found %u addresses, expected one, e.g. sip:echo@198.18.0.1", rln_cli_verbs[cli->verb].name,
			cli->words_n);
	if ((cli->verb == RLN_VERB_SERVE || cli->verb == RLN_VERB_CHECK || cli->verb == RLN_VERB_VERSION) && cli->words_n)
		return usage(err, "%s: found '%s', expected options only", rln_cli_verbs[cli->verb].name, first);
	if (cli->verb == RLN_VERB_TRACE && cli->words_n > 1)
		return usage(err, "trace: found '%s', expected one filter", cli->words[1]);
	if (cli->verb == RLN_VERB_HELP && cli->words_n && verb_of(first) == RLN_VERB_COUNT && strcmp(first, "man") != 0)
		return usage(err, "help: '%s' is not a verb", first);
	if (cli->verb != RLN_VERB_CONFIG)
		return 0;
	if (strcmp(first, "default") && strcmp(first, "reference") && strcmp(first, "print") && !file)
		return usage(err, "config: found %s%s%s, expected default, check FILE, print or reference", *first ? "'" : "",
			*first ? first : "nothing", *first ? "'" : "");
	if (cli->words_n != 1u + file)
		return usage(err, "config %s: expected %s", first, file ? "one FILE" : "nothing behind it");
	return 0;
}

static int take_words(struct rln_cli *out, int n, char **words, FILE *err)
{
	const unsigned room = sizeof(out->words) / sizeof(out->words[0]);

	if (out->verb != RLN_VERB_VERSION && n > 0) {
		out->verb = verb_of(words[0]);
		if (out->verb == RLN_VERB_COUNT)
			return usage(err, "'%s' is not a verb", words[0]);
		words++;
		n--;
	} else if (out->verb == RLN_VERB_VERSION) {
		n = 0; /* --version, wherever it stands */
	}
	if (n > (int)room)
		return usage(err, "%s: found '%s', expected fewer words", rln_cli_verbs[out->verb].name, words[room]);
	for (int i = 0; i < n; i++)
		out->words[out->words_n++] = words[i];
	return 0;
}

int rln_cli_parse(struct rln_cli *out, int argc, char **argv, FILE *err)
{
	struct option longs[OPTIONS + 1];
	char shorts[2 * OPTIONS + 2];
	uint64_t given = 0;
	int letter, rc = 0, eal = 1;

	memset(out, 0, sizeof(*out));
	out->verb = RLN_VERB_HELP;
	out->duration_s = out->ring_s = out->wait_s = -1;
	while (eal < argc && strcmp(argv[eal], "--") != 0)
		eal++;
	if (eal < argc)
		rc = join_eal_args(out, argc - eal - 1, argv + eal + 1, err);
	getopt_tables(longs, shorts);
	optind = 0; /* glibc: start anew, also in a test's second run */
	opterr = 0;
	while (rc == 0 && (letter = getopt_long(eal, argv, shorts, longs, NULL)) != -1) {
		if (letter == ':')
			return usage(err, "%s expects a value", argv[optind - 1]);
		if (letter == '?')
			return usage(err, "unknown option %s", argv[optind - 1]);
		for (unsigned i = 0; i < OPTIONS; i++)
			if (rln_cli_options[i].letter == letter)
				given |= UINT64_C(1) << i;
		rc = take_option(out, letter, optarg, err);
	}
	if (rc == 0)
		rc = take_words(out, eal - optind, argv + optind, err);
	for (unsigned i = 0; rc == 0 && i < OPTIONS; i++)
		if (given >> i & 1 && !(rln_cli_options[i].verbs >> out->verb & 1))
			rc = usage(err, "--%s is no option of %s", rln_cli_options[i].name, rln_cli_verbs[out->verb].name);
	if (rc == 0 && *out->eal_args && !(option_of('e')->verbs >> out->verb & 1))
		rc = usage(err, "%s starts no EAL: nothing may stand behind --", rln_cli_verbs[out->verb].name);
	return rc || out->help ? rc : check_words(out, err);
}

/* ---- the configuration ---- */

static int override(void *group, enum rln_group which, const char *key, const char *option, const char *text, FILE *err)
{
	const struct rln_setting *s = rln_setting_find(which, key);
	char expected[RLN_SETTING_EXPECT];

	if (rln_setting_is_list(s))
		rln_setting_clear(s, group);
	if (rln_setting_put(s, group, text, strlen(text)) == 0)
		return 0;
	return usage(err, "--%s: found '%s', expected %s", option, text, rln_setting_expected(s, true, expected));
}

int rln_cli_config(const struct rln_cli *cli, struct rln_config *config, FILE *err)
{
	const char *file = cli->config_file ? cli->config_file : getenv("RINGLANE_CONFIG");
	struct rln_config_report report;
	char ptime[16];
	int rc = 0;

	if (!file || !*file) {
		rln_config_defaults(config);
	} else if (rln_config_load(config, file, &report)) {
		rln_config_report_print(err, file, &report);
		return RLN_EXIT_USAGE;
	}
	if (cli->trace)
		config->log.trace = cli->verbose ? RLN_TRACE_MESSAGES : RLN_TRACE_ON;
	if (cli->log_level)
		rc = override(&config->log, RLN_GROUP_LOG, "level", "log", cli->log_level, err);
	if (rc == 0 && cli->codec)
		rc = override(&config->rtp, RLN_GROUP_RTP, "codecs", "codec", cli->codec, err);
	if (rc == 0 && cli->ptime_ms) {
		snprintf(ptime, sizeof(ptime), "%u", cli->ptime_ms);
		if (cli->ptime_ms % 10 || cli->ptime_ms == 50)
			rc = usage(err, "--ptime: found %u, expected 10, 20, 30, 40 or 60", cli->ptime_ms);
		else
			rc = override(&config->rtp, RLN_GROUP_RTP, "ptime_ms", "ptime", ptime, err);
	}
	if (rc == 0 && cli->from)
		rc = override(&config->sip, RLN_GROUP_SIP, "name", "from", cli->from, err);
	return rc;
}

/* ---- verbs ---- */

static int verb_check(const struct rln_cli *cli)
{
	struct rln_preflight *preflight;
	struct rln_config config;
	int rc = rln_cli_config(cli, &config, stderr);

	if (rc)
		return rc;
	preflight = malloc(sizeof(*preflight));
	if (!preflight)
		return RLN_EXIT_FAILED;
	rln_preflight_run(preflight, &config, "");
	rln_preflight_print(stdout, preflight, !cli->brief, isatty(1));
	printf("%u failure%s, %u warning%s\n", preflight->failures, preflight->failures == 1 ? "" : "s", preflight->warnings,
		preflight->warnings == 1 ? "" : "s");
	rc = preflight->failures ? RLN_EXIT_FAILED : RLN_EXIT_DONE;
	free(preflight);
	return rc;
}

/* What is printed lands in tickets and logs. */
static void hide_passwords(struct rln_config *config)
{
	for (unsigned i = 0; i < config->registrations_n; i++) {
		struct rln_config_registration *r = &config->registrations[i];

		snprintf(r->password, sizeof(r->password), "%s", r->password[0] ? "********" : "");
	}
}

static int verb_config(const struct rln_cli *cli)
{
	struct rln_config_report report;
	struct rln_config config;
	int rc = 0;

	if (strcmp(cli->words[0], "reference") == 0) {
		rln_config_write_reference(stdout);
	} else if (strcmp(cli->words[0], "default") == 0) {
		rln_config_defaults(&config);
		rln_config_write(stdout, &config, true);
	} else if (strcmp(cli->words[0], "print") == 0) {
		rc = rln_cli_config(cli, &config, stderr);
		hide_passwords(&config);
		if (rc == 0)
			rln_config_write(stdout, &config, false);
	} else if (rln_config_load(&config, cli->words[1], &report)) {
		rln_config_report_print(stderr, cli->words[1], &report);
		rc = RLN_EXIT_USAGE;
	} else {
		printf("%s: in order\n", cli->words[1]);
	}
	return rc;
}

/* The load generator is a program of its own; it lies beside this one or in the PATH. */
static int verb_load(int argc, char **argv)
{
	char self[4096], path[4200];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)argc;
	self[len > 0 ? len : 0] = 0;
	snprintf(path, sizeof(path), "%s/ringlane-load", dirname(self));
	argv[1] = path;
	execv(path, argv + 1);
	argv[1] = (char *)"ringlane-load";
	execvp(argv[1], argv + 1);
	fprintf(stderr, "ringlane: ringlane-load is neither in %s nor in the PATH: %s\n", self, strerror(errno));
	return RLN_EXIT_FAILED;
}

static int verb_help(const struct rln_cli *cli)
{
	if (cli->words_n && strcmp(cli->words[0], "man") == 0)
		rln_cli_write_man(stdout);
	else
		rln_cli_write_help(stdout, cli->words_n ? verb_of(cli->words[0]) : RLN_VERB_COUNT);
	return RLN_EXIT_DONE;
}

int rln_cli_main(int argc, char **argv)
{
	struct rln_cli cli;
	int rc;

	if (argc > 1 && strcmp(argv[1], rln_cli_verbs[RLN_VERB_LOAD].name) == 0)
		return verb_load(argc, argv);
	rc = rln_cli_parse(&cli, argc, argv, stderr);
	if (rc)
		return rc;
	if (cli.help) {
		rln_cli_write_help(stdout, cli.verb == RLN_VERB_HELP ? RLN_VERB_COUNT : cli.verb);
		return RLN_EXIT_DONE;
	}
	switch (cli.verb) {
	case RLN_VERB_SERVE:
		return rln_cli_serve(&cli);
	case RLN_VERB_CALL:
		return rln_cli_call(&cli);
	case RLN_VERB_PING:
		return rln_cli_ping(&cli);
	case RLN_VERB_TRACE:
		return rln_cli_trace(&cli);
	case RLN_VERB_CHECK:
		return verb_check(&cli);
	case RLN_VERB_CONFIG:
		return verb_config(&cli);
	case RLN_VERB_VERSION:
		printf("ringlane %s\n", RLN_VERSION);
		return RLN_EXIT_DONE;
	case RLN_VERB_HELP:
		return verb_help(&cli);
	case RLN_VERB_LOAD: /* taken above, unless an option stood before it */
	case RLN_VERB_COUNT:
		break;
	}
	return usage(stderr, "load: options stand behind the verb");
}
