/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the trace's reader has in its hands: an event or a direct call with a private copy of its block's text, and what people
 * want to know of it: the SIP message, its headers, its lanes. Secrets are masked in the copy before anything else sees it, in
 * place and at the same length, so that slices stay true.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lcore/event.h"

struct rln_traced {
	const struct rln_event *ev;
	unsigned endpoint;  /* that delivered it */
	uint64_t at_ns;     /* when it was published, our clock */
	char *text;         /* the block's copy; NULL: none */
	size_t room;
};

struct rln_trace_text { /* not terminated */
	const char *s;
	size_t len;
};

/* Layers, left to right as the ladder shows them. */
enum rln_lane { RLN_LANE_TRANSPORT, RLN_LANE_DIALOG, RLN_LANE_SESSION, RLN_LANE_MEDIA, RLN_LANE_RTP, RLN_LANE_APPLICATION, RLN_LANES };

const char *rln_lane_name(enum rln_lane lane);
/* From which layer to which; equal: the layer to itself. An unknown kind is the application's to itself. */
void rln_traced_lanes(const struct rln_event *ev, enum rln_lane *from, enum rln_lane *to);

static inline bool rln_traced_is_call(const struct rln_event *ev)
{
	return ev->kind == RLN_EV_NONE && ev->spare == RLN_TRACED_CALL;
}

/* A slice of the block; len 0 when it is absent or does not lie in the copy. */
struct rln_trace_text rln_traced_slice(const struct rln_traced *t, struct rln_slice slice);
/* The SIP message that it carries, as far as the copy goes; len 0: none. */
struct rln_trace_text rln_traced_message(const struct rln_traced *t);
/* A text's next line without its end, taken off its front; len 0 at the end and for an empty line. */
struct rln_trace_text rln_trace_line(struct rln_trace_text *text);
/* Value of a message's header by its long name or its compact letter (0: none); len 0: absent. */
struct rln_trace_text rln_trace_header(struct rln_trace_text message, const char *name, char compact);
/* Overwrites with '*' what nobody may read: credentials in SIP headers, keys in SDP, passwords in URIs. */
void rln_trace_mask(char *text, size_t len);
