/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of the command line, for its parser, its pages and their test. */
#pragma once

#include "dpdk_app/cli.h"

#define RLN_CLI_CALLS 1000 /* --calls at most */

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
