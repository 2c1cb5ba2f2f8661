/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of actions share about the peer's offer. owner: control lcore. */
#pragma once

#include "session/layers.h"

struct rln_session;

/* The peer's offer is answered, or no longer counts. */
void rln_offer_drop_kept(struct rln_session *s);
/* A refusal of what REINVITE_RECEIVED told of, with an offer or without; extra: header lines or NULL. 0 or -errno. */
int rln_offer_refuse(const struct rln_dialog_commands *d, struct rln_dialog_id dialog, const struct rln_event *ev, uint16_t code,
	const char *extra);
