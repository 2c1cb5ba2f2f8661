/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A call as people read it: one line per event, with time, an arrow from layer to layer, and the step that caused it.
 *
 *       ms transport dialog    session   media     rtp       application
 *    0.000 |-------->|         |         |         |         |          1        SIP_MESSAGE_RECEIVED INVITE sip:bob@... (1 INVITE)
 *    0.031 |         |-------->|         |         |         |          2 <- 1   INCOMING_CALL call_id="..." ...
 *    0.052 |         |<........|         |         |         |          4 <- 2   dialog.send_response(180)
 *    0.060 |         |         |========================================>...     7 <- 2   STATE_CHANGED ** IDLE -> PROCEEDING **
 *
 * Direct calls are dotted, changes of the machine's state doubled. Pure text; no state.
 */
#pragma once

#include "dpdk_app/trace_calls.h"

struct rln_ladder_style {
	bool colour;
	bool verbose;   /* queries, ids, serials, and whole SIP messages */
	bool numbers;   /* the call's number before each line: several calls in one output */
	bool is_doc;    /* without times and what differs from run to run */
};

struct rln_ladder_text { /* a buffer that is filled; what does not fit is left out */
	char *s;
	size_t room, len;
};

/* The lanes' names. */
void rln_ladder_head(struct rln_ladder_text *out, const struct rln_ladder_style *style);
/* An event's line, and with verbose its message. Nothing for a query unless verbose. */
void rln_ladder_line(struct rln_ladder_text *out, const struct rln_ladder_style *style, const struct rln_traced *t,
	const struct rln_trace_place *place);
void rln_ladder_put(struct rln_ladder_text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
