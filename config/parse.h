/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A YAML file to struct rln_config, all or nothing: every wrong key, type, value and combination is named with its line and
 * column, several at once, and nothing is applied when there is one.
 */
#pragma once

#include <stdio.h>

#include "config/config.h"

#define RLN_CONFIG_FAULTS   32
#define RLN_CONFIG_FILE_MAX (1u << 20) /* bytes */

struct rln_config_fault {
	unsigned line, column; /* from 1 */
	char text[320];        /* "sip.port: found '70000', expected a number from 1 to 65535" */
};

struct rln_config_report { /* owner: the caller; zeroed by the functions that fill it */
	unsigned n;
	unsigned more; /* faults beyond the room */
	struct rln_config_fault faults[RLN_CONFIG_FAULTS];
};

/* Text to *out; keys that are not given keep their defaults. 0; -EINVAL: faults in the report and *out unchanged; -ENOMEM. */
int rln_config_parse(struct rln_config *out, const char *text, size_t len, struct rln_config_report *report)
	__attribute__((warn_unused_result));
/* The same from a file. Also -errno of opening or reading it, -EFBIG beyond RLN_CONFIG_FILE_MAX; the report says so in words. */
int rln_config_load(struct rln_config *out, const char *path, struct rln_config_report *report)
	__attribute__((warn_unused_result));
/* Where in that file a value of the configuration that was read from it stands, for faults that show only later; 1:1 when it
 * does not stand there, or no longer. Reads the file again. */
void rln_config_locate(const char *path, const struct rln_config *config, const void *value, unsigned *line, unsigned *column);
/* "FILE:LINE:COLUMN: text", a line each, in the order of the file. */
void rln_config_report_print(FILE *to, const char *file, const struct rln_config_report *report);
