/* SPDX-License-Identifier: BSD-3-Clause */
/* What event.def says of each kind; its text for the trace is made in event_text.c. */
#include "lcore/event.h"

#define RETRY true
#define COUNT false
#define BLOCK true
#define PLAIN false
#define LIVE  true
#define LATER false

static const struct rln_event_info infos[RLN_EV_COUNT] = {
	[RLN_EV_NONE] = {"NONE", "-", "no such kind", RLN_CAT_COUNT, false, false, false},
#define X(kind, cat, member, payload, full, block, status, text)                                                                 \
	[RLN_EV_##kind] = {#kind, #payload, text, RLN_CAT_##cat, full, block, status},
#include "lcore/event.def"
#undef X
};

const struct rln_event_info *rln_event_info(enum rln_event_kind kind)
{
	return &infos[(unsigned)kind < RLN_EV_COUNT ? kind : RLN_EV_NONE];
}

const char *rln_category_name(enum rln_category category)
{
	static const char *const names[RLN_CAT_COUNT] = {
#define X(name, text) [RLN_CAT_##name] = text,
		RLN_CATEGORIES(X)
#undef X
	};

	return (unsigned)category < RLN_CAT_COUNT ? names[category] : "none";
}

/* rln_event_block() takes the first four bytes of the payload: that is where a kind marked BLOCK must have it. */
#define ASSERT_BLOCK(payload)                                     _Static_assert(__builtin_offsetof(payload, block) == 0, #payload " has its block first")
#define ASSERT_PLAIN(payload)                                     _Static_assert(sizeof(payload) > 0, #payload " is empty")
#define X(kind, cat, member, payload, full, block_, status, text) ASSERT_##block_(payload);
#include "lcore/event.def"
#undef X

rln_block_ref rln_event_block(const struct rln_event *ev)
{
	if (rln_event_info(rln_event_kind(ev))->has_block)
		return ev->make_call.block;
	return ev->kind == RLN_EV_NONE && ev->spare == RLN_TRACED_CALL ? ev->call.block : 0;
}
