/* SPDX-License-Identifier: BSD-3-Clause */
/* The 64-byte event, generated from event.def. It travels by value; a hop allocates nothing. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "lcore/event_payload.h"
#include "lcore/id.h"

#ifdef __cplusplus
extern "C" {
#define RLN_STATIC_ASSERT static_assert
#else
#define RLN_STATIC_ASSERT _Static_assert
#endif

/* X(short name, name as printed): who talks to whom (R22). */
#define RLN_CATEGORIES(X)                   \
	X(S2D, "session_to_dialog")         \
	X(D2S, "dialog_to_session")         \
	X(T2D, "transport_to_dialog")       \
	X(D2T, "dialog_to_transport")       \
	X(S2M, "session_to_media")          \
	X(M2S, "media_to_session")          \
	X(M2R, "media_to_rtp")              \
	X(R2M, "rtp_to_media")              \
	X(S2A, "session_to_application")    \
	X(A2S, "application_to_session")

enum rln_category {
#define X(name, text) RLN_CAT_##name,
	RLN_CATEGORIES(X)
#undef X
	RLN_CAT_COUNT
};

enum rln_event_kind {
	RLN_EV_NONE,
#define X(kind, cat, member, payload, full, block, status, text) RLN_EV_##kind,
#include "lcore/event.def"
#undef X
	RLN_EV_COUNT
};

#define RLN_TRACED_CALL 1 /* `spare` of an event of kind NONE: the trace's record of a direct call (bus.h) */

struct rln_event {
	uint64_t id;            /* subject: session, dialog or media id (id.h tells which) */
	uint32_t serial, cause; /* lcore:8 | count:24, of this event and of the one that led here; the bus stamps both */
	uint32_t when;          /* TSC >> 4, low half; the reader extends it */
	uint16_t kind, spare;   /* enum rln_event_kind; the category follows from it. spare: 0, or RLN_TRACED_CALL */
	union {
		uint8_t raw[40];
#define X(kind, cat, member, payload, full, block, status, text) payload member;
#include "lcore/event.def"
#undef X
		struct rln_ev_direct_call call; /* in the trace only (bus.h) */
	};
};
RLN_STATIC_ASSERT(sizeof(struct rln_event) == 64, "an event is one cache line");
#define X(kind, cat, member, payload, full, block, status, text) RLN_STATIC_ASSERT(sizeof(payload) <= 40, #kind " outgrew the event");
#include "lcore/event.def"
#undef X
RLN_STATIC_ASSERT(sizeof(struct rln_ev_direct_call) <= 40, "a direct call outgrew the event");

/* What event.def says of a kind. `has_block`: the event owns the block in its first payload member. */
struct rln_event_info {
	const char *name, *payload, *meaning;
	uint8_t category; /* enum rln_category */
	bool retry, has_block, live;
};

static inline enum rln_event_kind rln_event_kind(const struct rln_event *ev)
{
	return (enum rln_event_kind)ev->kind;
}

/* Description of a kind, never NULL: an unknown kind gives the row named "NONE". */
const struct rln_event_info *rln_event_info(enum rln_event_kind kind);
const char *rln_category_name(enum rln_category category);
/* The block an event owns, 0 when its kind has none. */
rln_block_ref rln_event_block(const struct rln_event *ev);
/* One line of text for the trace: kind, ids, fields, cause; for people, no code branches on it. Returns the length. */
int rln_event_text(const struct rln_event *ev, char *buf, size_t size);
/* The fields of it alone, each with a space before it. Returns the length. */
int rln_event_fields(const struct rln_event *ev, char *buf, size_t size);
/* The event has the pattern's kind and, wherever the pattern has something other than 0, its subject and the same value in that
 * field of the payload. What stands in blocks is not compared. */
bool rln_event_is_like(const struct rln_event *ev, const struct rln_event *pattern);

#ifdef __cplusplus
}
#endif
