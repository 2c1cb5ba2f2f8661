/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this machine lacks for a configuration, found before start: each finding says what it means and names the command that
 * mends it. It only looks: nothing is changed, no EAL is started. Findings of the configuration alone are the business of
 * config/check.
 */
#pragma once

#include <stdio.h>

#include "config/config.h"

enum rln_finding_level { RLN_FINDING_OK, RLN_FINDING_WARN, RLN_FINDING_FAIL };

struct rln_finding {
	enum rln_finding_level level;
	char subject[24];  /* "hugepages" */
	char text[256];    /* what was found and what it means */
	char mend[320];    /* a command for a shell, or ""; one line */
};

#define RLN_FINDINGS 64

struct rln_preflight {
	unsigned n, warnings, failures;
	struct rln_finding at[RLN_FINDINGS]; /* in the order of looking */
};

/*
 * Looks at everything. `root` stands before /proc, /sys, /dev and /run ("" on a real machine; tests give a tree of their own,
 * and then what only system calls can tell is left out).
 */
void rln_preflight_run(struct rln_preflight *out, const struct rln_config *config, const char *root);
/* A line per finding, the mend below it. Without `all`: only what is not in order. */
void rln_preflight_print(FILE *to, const struct rln_preflight *preflight, bool all, bool colour);
