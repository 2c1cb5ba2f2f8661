/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of the command line, for its parser, its pages and their test. */
#pragma once

#include "dpdk_app/cli.h"

#define RLN_CLI_CALLS 1000    /* --calls at most */
#define RLN_CLI_COUNT 1000000 /* --count at most */

struct rln_cli_verb {
	const char *name, *arguments, *help;
};

struct rln_cli_option {
	const char *name;
	char letter;
	const char *argument; /* NULL: takes none */
	unsigned verbs;       /* bit per enum rln_verb that takes it */
	const char *help;
};

extern const struct rln_cli_verb rln_cli_verbs[RLN_VERB_COUNT];
extern const struct rln_cli_option rln_cli_options[];
extern const unsigned rln_cli_options_n;

/* cli_target.c */
/* Can this address be called, by its form and by its host? Says on stderr why not. */
bool rln_cli_is_target(const struct rln_config *config, const char *target);
/* The configuration with the command line's changes, as text for rln_runtime_start(); free it. NULL, and *rc the exit code. */
char *rln_cli_config_text(const struct rln_cli *cli, struct rln_config *config, int *rc);
