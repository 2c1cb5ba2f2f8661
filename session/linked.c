/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that a session makes for another one: the consultation of an attended transfer, and the call that a REFER asks for
 * (R177, R178). They are calls of the same local peer, on the same worker, so that their legs can be joined. owner: control lcore.
 */
#include "session/linked.h"

#include <errno.h>

#include "session/coord_priv.h"
#include "session/session.h"

struct rln_session_id rln_coord_reserve_near(struct rln_coord *coord, struct rln_session_id other)
{
	return rln_session_manager_reserve_near(coord->sessions, rln_id_shard(other.v));
}

/* Whoever reserved the id waits for a call that will not come. Who was told of its end must not meet the id again: it is retired.
 * Void for an id that is not reserved, so that nothing is ended twice. */
static void tell_end(struct rln_coord *coord, const struct rln_session *cause, struct rln_session_id id)
{
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_SESSION_TERMINATED, .session_terminated = {.reason = RLN_END_REJECTED}};

	if (!rln_session_manager_retire(coord->sessions, id))
		return;
	rln_subs_open(coord->subs, id, cause ? cause->peer : RLN_COORD_PEERS);
	rln_subs_deliver(coord->subs, &ev);
	rln_subs_close(coord->subs, id);
}

int rln_linked_make_call(
	void *coord, const struct rln_session *cause, uint64_t id, const struct rln_linked_call *call, uint64_t *made)
{
	struct rln_call_request request = {
		.peer = cause->peer, .to = call->to, .headers = call->headers, .other = cause->id.v, .link = RLN_LINK_CAUSE};
	struct rln_session_id session = {id};
	int rc;

	if (id == 0)
		session = rln_coord_reserve_near(coord, cause->id);
	if (session.v == 0)
		return -ENOSPC;
	rc = rln_coord_place_call(coord, session, &request);
	if (rc == 0)
		*made = session.v;
	else
		tell_end(coord, cause, session);
	return rc;
}

void rln_linked_abandon(void *arg, const struct rln_session *cause, uint64_t id)
{
	tell_end(arg, cause, (struct rln_session_id){id});
}
