/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interceptor (R28): stands between the dialog layer and the machine and asks "is this for an existing session?". A known
 * dialog goes on to the machine; an INVITE of an unknown one goes to the signalling handler of the local peer that it came to,
 * whose decision the factory carries out:
 *
 *   ACCEPT        session, SESSION_CREATED and INCOMING_CALL to the application, then the machine: 180; with auto_answer it
 *       answers by itself
 *   REJECT(code)  that response; no session stays
 *   DEFER         as ACCEPT, but nobody rings: 182 Queued, kept alive, until rln_coord_deferred_accept() or _reject(), CANCEL,
 *       or the ring limit (480)
 *   CUSTOM        as ACCEPT, then action(arg, session) is called on the control lcore
 *
 * Refused without asking: no such peer (404), call limit, rate limit or no id left (503 with Retry-After). owner: control
 * lcore. A handler that takes over 1 ms is counted and named in the log.
 */
#pragma once

#include "lcore/event.h"
#include "session/ringlane.h"

struct rln_coord;
struct rln_session;

/* A new INVITE (INCOMING_CALL with the id of a dialog that no session has). */
void rln_intercept_invite(struct rln_coord *coord, const struct rln_event *ev);

/* factory.c (R29): the UAS session of an INVITE: stored, mapped, told to the application, and only then routed to the machine.
 * NULL when that failed; the INVITE was answered. `policy`: RLN_CALL_* bits (session.h). */
struct rln_session *rln_factory_incoming(struct rln_coord *coord, struct rln_session_id id, const struct rln_event *ev,
	unsigned peer, unsigned policy);
/* The UAC session of MAKE_CALL, whose id the application reserved. 0 or -errno. */
int rln_factory_outgoing(struct rln_coord *coord, const struct rln_event *ev, struct rln_session **out);
