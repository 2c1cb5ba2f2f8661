/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A flow of requirements 7, written down as steps: each a kind or a direct call, whose subject it has, and the step that it came
 * from by causes. The same steps are found in the trace of a real call (the test), and become a section of docs/flows.md with
 * the lines that were found (make docs: SIM_FLOWS names the file that they are added to).
 */
#pragma once

#include "tests/sim/sim.h"

#define SIM_OUTSIDE (-1)

struct sim_step {
	enum rln_event_kind kind;
	enum rln_id_type subject; /* RLN_ID_NONE: any; from outside: the one of the last step before with such a subject */
	int from;                 /* row of the step that led here, or SIM_OUTSIDE: a packet, a timer, a command */
	const char *call;         /* of a direct call, kind NONE */
};

#define STEP(kind, subject, from) {RLN_EV_##kind, RLN_ID_##subject, from, NULL}
#define CALLS(name, from)         {RLN_EV_NONE, RLN_ID_NONE, from, name}
#define OUTSIDE                   SIM_OUTSIDE

/* Each step stands behind the one that it came from, or behind the row before when it came from outside; lcores that work at the same time are in no
 * order. Waits; asserts. at[i]: where in the trace step i stands. */
void sim_flow_follow(size_t begin, const struct sim_step *steps, size_t n, size_t *at);
void sim_flow_write(const char *title, const char *text, const struct sim_step *steps, size_t n, const size_t *at);

#define FOLLOW(begin, steps, at)       sim_flow_follow(begin, steps, sizeof(steps) / sizeof(steps[0]), at)
#define WRITE(title, text, steps, at)  sim_flow_write(title, text, steps, sizeof(steps) / sizeof(steps[0]), at)
