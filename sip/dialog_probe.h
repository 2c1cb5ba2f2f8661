/* SPDX-License-Identifier: BSD-3-Clause */
/* OPTIONS of ours, outside a dialog (dialog_probe.c). owner: control lcore. */
#pragma once

#include "sip/dialog_state.h"

struct rln_probe_order {
	const char *from, *target; /* URIs, as rln_dialog_create() takes them */
	uint16_t port;             /* of ours; 0: the transport's first one */
	uint32_t token;            /* for the asker, given back with the answer */
	uint64_t asker;            /* event.id of the OPTIONS_ANSWERED that follows, once, whatever happens */
};

void rln_probe_start(struct rln_dialogs *all, const struct rln_probe_order *order);
void rln_probe_free(struct rln_dialog *d);
