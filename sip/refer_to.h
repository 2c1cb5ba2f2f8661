/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a transfer is written with: the Refer-To header (RFC 3515 2.1) with header fields escaped in its URI (RFC 3261
 * 19.1.1), the Replaces header (RFC 3891 6.1), and parameters as Event and Subscription-State carry them. Pure functions.
 */
#pragma once

#include <stdbool.h>

#include "sip/build.h"
#include "sip/span.h"

/* The value of ";name" or ";name=value" among a header's parameters, blanks and all; false when absent. */
bool rln_param_find(struct rln_span params, const char *name, struct rln_span *value);
/* What stands before the first ';', without blanks. */
struct rln_span rln_param_head(struct rln_span value);
bool rln_span_is(struct rln_span span, const char *text); /* case-insensitive */

/* "%3B" to ';'. -EINVAL for a '%' that is no escape, and for what could not stand in a header: controls, NUL. */
int rln_unescape(struct rln_text *t, struct rln_span text);
/* All but what may stand in a URI's header value becomes an escape. */
void rln_escape(struct rln_text *t, struct rln_span text);

struct rln_refer_to {
	struct rln_slice uri;      /* of the text it was parsed into: without headers and without ;method=INVITE */
	struct rln_slice replaces; /* unescaped, len 0 = none */
};

/*
 * Parses a header value; uri and replaces are written into `t`, a NUL behind each. 0 or the status to refuse the REFER with: -400, -416 (not a sip: URI), -501
 * (asks for another request than INVITE). Overflow shows in t->full.
 */
int rln_refer_to_parse(struct rln_refer_to *out, struct rln_text *t, struct rln_span value);

struct rln_replaces { /* whose tags: as the one sees them that gets the INVITE */
	struct rln_span call_id, to_tag, from_tag;
	bool early_only;
};

/* 0 or -EINVAL; also when several dialogs stand in it. */
int rln_replaces_parse(struct rln_replaces *out, struct rln_span value);
/* "Refer-To: <uri?Replaces=...>" as a header line; replaces NULL: without. */
void rln_refer_to_build(struct rln_text *t, struct rln_span uri, const struct rln_replaces *replaces);
