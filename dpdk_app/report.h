/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ringlane call` says at its end: a table for people, JSON for programs. Pure functions of what was measured. */
#pragma once

#include <stdio.h>

#include "session/ringlane.h"

struct rln_call_result { /* one call; texts belong to the caller and live until the report is printed; times < 0: not reached */
	const char *target;
	char end_text[128];         /* rln_call_end_text() */
	enum rln_call_state state;
	enum rln_end_reason reason;
	uint16_t code;
	bool answered, has_media;   /* has_media: `statistics` is valid */
	double setup_ms;            /* INVITE to ACTIVE */
	double first_audio_ms;      /* ACTIVE to the first audio frame */
	double duration_ms;         /* ACTIVE to the end */
	struct rln_call_statistics statistics;
	char digits[64];            /* received */
	const char *played;         /* files, NULL: none */
	char recorded[512];         /* "": none */
	uint32_t recorded_ms, recorded_gap_ms; /* gap: filled with silence because the disk was late */
};

/* Percent of the expected packets that did not come. */
double rln_report_loss_percent(const struct rln_call_statistics *s);
void rln_report_print(FILE *out, const struct rln_call_result *calls, unsigned n);
void rln_report_json(FILE *out, const struct rln_call_result *calls, unsigned n);
