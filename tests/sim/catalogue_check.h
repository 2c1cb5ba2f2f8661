/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of catalogue_test.c's story write their checks with. */
#pragma once

#include "tests/sim/sim.h"

/* CHECK(KIND, member, what must hold of e (the trace's entry), v (the event) and p (its payload)) */
#define CHECK(kind, member, ...)                                                                                                 \
	static bool check_##kind(const struct sim_event *e)                                                                      \
	{                                                                                                                        \
		const struct rln_event *v = &e->ev;                                                                              \
		__typeof__(v->member) const *p = &v->member;                                                                     \
                                                                                                                                 \
		(void)p;                                                                                                         \
		return __VA_ARGS__;                                                                                              \
	}

static inline bool has(const struct sim_event *e, struct rln_slice slice, const char *want)
{
	return strstr(sim_trace_text(e, slice), want) != NULL;
}
