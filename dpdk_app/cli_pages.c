/* SPDX-License-Identifier: BSD-3-Clause */
/* --help and the manual page, from the tables of the command line and of the settings. */
#include <string.h>

#include "config/schema.h"
#include "dpdk_app/cli_priv.h"

#define VERSION_AND_DATE "ringlane " RLN_VERSION

/* "  -c, --config FILE" */
static void option_text(const struct rln_cli_option *o, char *buf, size_t size)
{
	snprintf(buf, size, "-%c, --%s%s%s", o->letter, o->name, o->argument ? " " : "", o->argument ? o->argument : "");
}

static void help_options(FILE *out, enum rln_verb verb)
{
	char text[64];

	fprintf(out, "\nOptions:\n");
	for (unsigned i = 0; i < rln_cli_options_n; i++) {
		const struct rln_cli_option *o = &rln_cli_options[i];

		if (verb != RLN_VERB_COUNT && !(o->verbs >> verb & 1))
			continue;
		option_text(o, text, sizeof(text));
		fprintf(out, "  %-24s %s\n", text, o->help);
	}
}

static void help_all(FILE *out)
{
	char text[80];

	fprintf(out,
		"ringlane: SIP calls and their audio on DPDK.\n\nUsage: ringlane VERB [OPTIONS] [-- EAL ARGUMENTS]\n\nVerbs:\n");
	for (unsigned v = 0; v < RLN_VERB_COUNT; v++) {
		snprintf(text, sizeof(text), "%s %s", rln_cli_verbs[v].name,
			v == RLN_VERB_CONFIG ? "..." : rln_cli_verbs[v].arguments);
		fprintf(out, "  %-14s %s\n", text, rln_cli_verbs[v].help);
	}
	help_options(out, RLN_VERB_COUNT);
	fprintf(out, "\nSettings of the configuration file (`ringlane config default` prints every one, docs/config.md explains "
		     "them):\n");
	rln_config_write_help(out);
	fprintf(out, "\nFirst steps:\n"
		     "  ringlane check                                        does this machine fit?\n"
		     "  ringlane serve                                        answer at sip:echo@198.18.0.1, on a TAP device\n"
		     "  ringlane call sip:echo@198.18.0.1 -c a.yaml -d 5      from another machine or namespace\n"
		     "  dpdk-telemetry.py -f ringlane                         then /ringlane/calls, /ringlane/counters, ...\n"
		     "\nExit code: 0 done, 1 it could not be done, 2 wrong command line or configuration.\n");
}

void rln_cli_write_help(FILE *out, enum rln_verb verb)
{
	if (verb == RLN_VERB_COUNT) {
		help_all(out);
		return;
	}
	fprintf(out, "Usage: ringlane %s %s\n\n%s\n", rln_cli_verbs[verb].name, rln_cli_verbs[verb].arguments,
		rln_cli_verbs[verb].help);
	if (verb != RLN_VERB_LOAD)
		help_options(out, verb);
}

/* ---- docs/ringlane.1 ---- */

/* Text for roff: '-' as a minus sign, no line that begins with a control character, '\' doubled. */
static void roff(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
	}
}

static void man_verbs(FILE *out)
{
	fprintf(out, ".SH VERBS\n");
	for (unsigned v = 0; v < RLN_VERB_COUNT; v++) {
		fprintf(out, ".TP\n.B ");
		roff(out, rln_cli_verbs[v].name);
		if (*rln_cli_verbs[v].arguments) {
			fprintf(out, " \\fI");
			roff(out, rln_cli_verbs[v].arguments);
			fprintf(out, "\\fR");
		}
		fprintf(out, "\n");
		roff(out, rln_cli_verbs[v].help);
		fprintf(out, "\n");
	}
}

static void man_options(FILE *out)
{
	fprintf(out, ".SH OPTIONS\n");
	for (unsigned i = 0; i < rln_cli_options_n; i++) {
		const struct rln_cli_option *o = &rln_cli_options[i];
		const char *comma = "";

		fprintf(out, ".TP\n\\fB\\-%c\\fR, \\fB\\-\\-", o->letter);
		roff(out, o->name);
		fprintf(out, "\\fR%s%s%s\n", o->argument ? " \\fI" : "", o->argument ? o->argument : "",
			o->argument ? "\\fR" : "");
		roff(out, o->help);
		fprintf(out, "\n");
		if (o->verbs == (1u << RLN_VERB_COUNT) - 1)
			continue;
		fprintf(out, "(");
		for (unsigned v = 0; v < RLN_VERB_COUNT; v++)
			if (o->verbs >> v & 1) {
				fprintf(out, "%s%s", comma, rln_cli_verbs[v].name);
				comma = ", ";
			}
		fprintf(out, ")\n");
	}
}

static void man_settings(FILE *out)
{
	fprintf(out, ".SH CONFIGURATION\nA YAML file. Every wrong key, value or combination is refused before start, with file, "
		     "line and column.\n"
		     ".B ringlane config default\nprints every setting with its meaning. The groups:\n");
	for (unsigned g = 1; g < RLN_GROUP_COUNT; g++) {
		if (rln_groups[g].parent != RLN_GROUP_ROOT)
			continue;
		fprintf(out, ".TP\n.B %s\n", rln_groups[g].key);
		roff(out, rln_groups[g].help);
		fprintf(out, "\n");
	}
}

void rln_cli_write_man(FILE *out)
{
	fprintf(out, ".\\\" SPDX-License-Identifier: BSD-3-Clause\n.\\\" Written by `ringlane help man`; do not edit.\n"
		     ".TH RINGLANE 1 \"\" \"" VERSION_AND_DATE "\" \"User Commands\"\n"
		     ".SH NAME\nringlane \\- SIP calls and their audio on DPDK\n"
		     ".SH SYNOPSIS\n.B ringlane\n.I VERB\n[\\fIOPTIONS\\fR] [\\-\\- \\fIEAL ARGUMENTS\\fR]\n"
		     ".SH DESCRIPTION\n"
		     "A media server, load generator and voice\\-quality bench: SIP over UDP and RTP with an IP stack of its own "
		     "on any DPDK device.\n"
		     "Without a configuration it makes a TAP device\n.B rl0\nwith the address 198.18.0.1 for itself and "
		     "198.18.0.2 for this machine.\n");
	man_verbs(out);
	man_options(out);
	man_settings(out);
	fprintf(out, ".SH SIGNALS\nSIGTERM and SIGINT end every call with BYE, close the recordings and stop; a second one stops "
		     "at once. SIGHUP is ignored.\n"
		     ".SH ENVIRONMENT\n.TP\n.B RINGLANE_CONFIG\nThe configuration file when \\-\\-config is not given.\n"
		     ".TP\n.B RUNTIME_DIRECTORY\nWhere EAL keeps its run\\-time files and the telemetry socket.\n"
		     ".SH EXIT STATUS\n0 done; 1 it could not be done: the call was not answered, the machine does not fit, the "
		     "start failed;\n"
		     "2 wrong command line or configuration.\n"
		     ".SH EXAMPLES\n.nf\nringlane check\nringlane serve \\-c /etc/ringlane.yaml\n"
		     "ringlane call sip:echo@198.18.0.1 \\-\\-play hello.wav \\-\\-record heard.wav \\-\\-duration 5\n"
		     "ringlane config default > ringlane.yaml\ndpdk\\-telemetry.py \\-f ringlane\n.fi\n"
		     ".SH SEE ALSO\n.BR dpdk\\-telemetry.py (1)\n");
}
