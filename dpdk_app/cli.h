/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line. Verbs and options are tables (cli.c): getopt, --help, the man page and its test read them, so they cannot
 * disagree. Exit codes: 0 done; 1 it could not be done (call not answered, machine not fit, start failed); 2 wrong command
 * line or configuration.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "config/config.h"

enum { RLN_EXIT_DONE, RLN_EXIT_FAILED, RLN_EXIT_USAGE };

enum rln_verb {
	RLN_VERB_SERVE,
	RLN_VERB_CALL,
	RLN_VERB_PING,
	RLN_VERB_TRACE,
	RLN_VERB_CHECK,
	RLN_VERB_LOAD,
	RLN_VERB_CONFIG,
	RLN_VERB_VERSION,
	RLN_VERB_HELP,
	RLN_VERB_COUNT,
};

struct rln_cli { /* a command line, read; texts point into argv */
	enum rln_verb verb;
	const char *words[2];       /* what stands behind the verb: the URI; default, check FILE ... */
	unsigned words_n;
	const char *config_file;    /* NULL: $RINGLANE_CONFIG, else the embedded default */
	char eal_args[RLN_CONFIG_PATH];
	const char *log_level, *codec, *json, *play, *record, *from;
	double duration_s, ring_s, wait_s; /* < 0: not given */
	unsigned ptime_ms, calls, count;   /* 0: not given */
	bool trace, verbose, stereo, brief, help;
};

/* 0 and *out, or RLN_EXIT_USAGE with the reason on `err`. */
int rln_cli_parse(struct rln_cli *out, int argc, char **argv, FILE *err);
/* The configuration that the command line asks for, its own options included. 0 or RLN_EXIT_USAGE with the faults on `err`. */
int rln_cli_config(const struct rln_cli *cli, struct rln_config *config, FILE *err);
/* Everything: parse, run the verb, the process's exit code. */
int rln_cli_main(int argc, char **argv);

/* Pages: --help of one verb or, RLN_VERB_COUNT, of all; docs/ringlane.1. */
void rln_cli_write_help(FILE *out, enum rln_verb verb);
void rln_cli_write_man(FILE *out);

/* The verbs that have files of their own. They return the exit code. */
int rln_cli_serve(const struct rln_cli *cli);
int rln_cli_call(const struct rln_cli *cli);
int rln_cli_ping(const struct rln_cli *cli);
int rln_cli_trace(const struct rln_cli *cli);
/* What `serve` prints once it is ready: addresses, routes and commands that call them. */
void rln_cli_write_welcome(FILE *out, const struct rln_config *config);
