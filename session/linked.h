/* SPDX-License-Identifier: BSD-3-Clause */
/* What the coordinator gives the machine for calls that belong together (layers.h). Control lcore. */
#pragma once

#include "session/layers.h"

/* rln_layers.make_call and .abandon; `coord` is the struct rln_coord. */
int rln_linked_make_call(
	void *coord, const struct rln_session *cause, uint64_t id, const struct rln_linked_call *call, uint64_t *made);
void rln_linked_abandon(void *coord, const struct rln_session *cause, uint64_t id);
