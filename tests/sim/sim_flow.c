/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows: steps looked for in the trace, and their page; see sim_flow.h. */
#include "tests/sim/sim_flow.h"

#include <stdlib.h>

#include "dpdk_app/ladder.h"

/* The id of the last step before with this subject; 0: none. */
static uint64_t subject_of(const struct sim_step *steps, size_t n, const size_t *at)
{
	for (size_t i = n; i-- > 0;)
		if (steps[i].subject == steps[n].subject)
			return sim_trace_at(at[i])->ev.id;
	return 0;
}

/* What comes from outside is told apart from other calls' by its subject, once that is known. */
static bool is_step(const struct sim_event *e, const struct sim_step *steps, size_t i, const size_t *at)
{
	const struct sim_step *step = &steps[i];
	uint64_t id = step->subject && step->from == SIM_OUTSIDE ? subject_of(steps, i, at) : 0;

	if (step->subject && rln_id_type(e->ev.id) != step->subject)
		return false;
	if (id && e->ev.id != id)
		return false;
	return !step->call || (e->ev.spare == RLN_TRACED_CALL && strcmp(e->ev.call.name, step->call) == 0);
}

void sim_flow_follow(size_t begin, const struct sim_step *steps, size_t n, size_t *at)
{
	for (size_t i = 0; i < n; i++) {
		size_t next = steps[i].from != SIM_OUTSIDE ? at[steps[i].from] + 1 : i ? at[i - 1] + 1 : begin;

		do {
			at[i] = sim_trace_wait(next, steps[i].kind, 0);
			next = at[i] + 1;
		} while (!is_step(sim_trace_at(at[i]), steps, i, at) ||
			 (steps[i].from != SIM_OUTSIDE && !sim_trace_led_to(at[steps[i].from], at[i])));
	}
}

void sim_flow_write(const char *title, const char *text, const struct sim_step *steps, size_t n, const size_t *at)
{
	static char buf[16384];
	static const struct rln_ladder_style style = {.is_doc = true};
	struct rln_ladder_text out = {buf, sizeof(buf), 0};
	FILE *page = getenv("SIM_FLOWS") ? fopen(getenv("SIM_FLOWS"), "ae") : NULL;

	if (!page)
		return;
	rln_ladder_head(&out, &style);
	for (size_t i = 0; i < n; i++) {
		const struct sim_event *e = sim_trace_at(at[i]);
		const struct rln_traced t = {.ev = &e->ev, .endpoint = e->endpoint, .text = e->text, .room = e->room};
		const struct rln_trace_place place = {
			.call = 1, .step = (uint32_t)i + 1, .cause_call = 1, .cause_step = (uint32_t)(steps[i].from + 1)};

		rln_ladder_line(&out, &style, &t, &place);
	}
	fprintf(page, "\n## %s\n\n%s\n\n```\n%s```\n", title, text, buf);
	fclose(page);
}
