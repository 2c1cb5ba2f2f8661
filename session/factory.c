/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session factory (R29): makes the session of an INVITE or of MAKE_CALL, stores and maps it, tells the application, and
 * only then lets the machine see its first event.
 */
#include <errno.h>

#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/log.h"
#include "session/coord_priv.h"
#include "session/intercept.h"
#include "session/session.h"
#include "sip/message.h"

/* Registered, mapped, known to subscribers, and told; removed again when that fails. */
static int introduce(struct rln_coord *coord, struct rln_session *s)
{
	struct rln_event ev = {.id = s->id.v, .kind = RLN_EV_SESSION_CREATED, .session_created = {.role = s->role}};
	int rc = rln_session_manager_register_session(coord->sessions, s);

	ev.session_created.from_session = s->link == RLN_LINK_CAUSE ? s->other : 0;

	if (rc == 0 && s->dialog.v)
		rc = rln_registry_map_dialog(coord->registry, s->id, s->dialog);
	if (rc != 0) {
		rln_session_manager_remove_session(coord->sessions, s->id);
		return rc;
	}
	s->wanted = s->asked = s->aim = RLN_MEDIA_BIDIRECTIONAL;
	rln_peers_count(coord, s->peer, 1);
	rln_subs_open(coord->subs, s->id, s->peer);
	rln_count(RLN_C_CALLS_STARTED);
	rln_session_hub_publish_event(coord, &ev);
	return 0;
}

/* The application sees the INVITE under the session's id. */
static void show_invite(struct rln_coord *coord, const struct rln_session *s, const struct rln_event *invite)
{
	struct rln_event ev = *invite;

	ev.id = s->id.v;
	ev.serial = ev.cause = 0;
	rln_block_hold(rln_event_block(&ev));
	rln_session_hub_publish_event(coord, &ev);
}

struct rln_session *rln_factory_incoming(
	struct rln_coord *coord, struct rln_session_id id, const struct rln_event *ev, unsigned peer, unsigned policy)
{
	struct rln_session *s = rln_session_manager_create_session(coord->sessions, id);
	const struct rln_sip_msg *msg = rln_sip_msg_of(rln_event_block(ev));

	if (!s)
		return NULL;
	s->role = RLN_ROLE_UAS;
	s->peer = (uint16_t)peer;
	s->policy = (uint8_t)policy;
	s->began_ns = msg && msg->rx_ns ? msg->rx_ns : rln_clock_ns();
	s->dialog.v = ev->id;
	s->dialog_hold = RLN_HOLD_RUNNING;
	if (introduce(coord, s) != 0)
		return NULL;
	show_invite(coord, s, ev);
	return s;
}

int rln_factory_outgoing(struct rln_coord *coord, const struct rln_event *ev, struct rln_session **out)
{
	const struct rln_ev_make_call *call = &ev->make_call;
	struct rln_session_id id = {ev->id};
	struct rln_session *s = rln_session_manager_create_session(coord->sessions, id);
	int rc;

	if (!s) {
		rln_count(RLN_C_EVENT_ENDED_SESSION);
		rln_log(RLN_LOG_WARNING, ev->id, "MAKE_CALL with an id that was not reserved");
		return -ENOENT;
	}
	s->role = RLN_ROLE_UAC;
	s->began_ns = rln_clock_ns();
	s->peer = call->peer;
	s->policy = call->late_offer ? RLN_CALL_LATE_OFFER : 0;
	s->other = call->other;
	s->link = call->link;
	s->params.app = call->leg_app;
	s->params.tone_hz = call->tone_hz;
	s->request = call->block;
	rln_block_hold(s->request);
	s->from = call->from;
	s->to = call->to;
	s->headers = call->headers;
	s->own_sdp = call->sdp_offer;
	rc = introduce(coord, s);
	if (rc != 0) {
		rln_block_release(call->block);
		return rc;
	}
	*out = s;
	rln_machine_process_event(coord->machine, id, ev);
	if (coord->is_draining || coord->peers[call->peer % RLN_COORD_PEERS].is_dying)
		rln_coord_hangup(coord, id);
	return 0;
}
