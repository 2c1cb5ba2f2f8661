/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dialog layer for those who build on it (requirements R146, R149): its construction, calls in one step, and the one way up.
 * dialog.h has the rest. owner: control lcore.
 */
#pragma once

#include "sip/dialog.h"

struct rln_event;

/* The dialog layer on these transactions (the transport has them) and this bus, which `config` need not name: manager and hub
 * in one. NULL and errno. Before the lcores run; rln_dialogs_destroy() ends it. */
struct rln_dialogs *rln_dialog_api_new(struct rln_transport *transactions, const struct rln_dialogs_cfg *config, struct rln_bus *bus);
/* Other transactions from now on. -EBUSY while there are dialogs. */
int rln_dialog_set_transport(struct rln_dialogs *dialogs, struct rln_transport *transport);

struct rln_dialog_call { /* texts are copied */
	const char *from, *to; /* URIs, with or without "sip:" */
	const char *sdp;       /* NULL: late offer */
	const char *headers;   /* whole lines with CRLF, or NULL */
	uint16_t local_port;   /* 0: the transport's first one */
};

/* A UAC dialog and its INVITE. {0} and errno: as rln_dialog_create() and rln_dialog_send_invite(); nothing stays then. */
struct rln_dialog_id rln_dialog_send_invite_with_details(struct rln_dialogs *dialogs, const struct rln_dialog_call *call);
/* The same with nothing but the description. */
struct rln_dialog_id rln_dialog_make_call(struct rln_dialogs *dialogs, const char *from, const char *to, const char *sdp);

/* The dialog layer's one way to the bus, up and down (R8; dialog_hub.c). 0 also when the event waits in the backlog; else -errno,
 * logged. Takes the event's block. Control lcore. */
int rln_dialog_hub_publish_event(struct rln_dialogs *hub, struct rln_event *ev);
