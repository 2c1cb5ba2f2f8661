/* SPDX-License-Identifier: BSD-3-Clause */
/* Events of the session toward the application, within, and to the call that it is linked with; failures are logged by the bus. owner: control lcore. */
#pragma once

#include "session/session.h"

struct rln_step; /* actions.h */

int rln_publish(const struct rln_step *st, struct rln_event *ev);
void rln_publish_state(const struct rln_step *st, enum rln_call_state from);
void rln_publish_terminated(const struct rln_step *st);
/* `before`: the bit of the state that the session was in. */
void rln_publish_to_other(const struct rln_step *st, uint64_t other, uint32_t before);
void rln_publish_rejected(const struct rln_step *st, int error);
int rln_publish_timer(const struct rln_layers *layers, struct rln_session_id id, enum rln_session_timer which);
