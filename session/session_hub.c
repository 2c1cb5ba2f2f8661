/* SPDX-License-Identifier: BSD-3-Clause */
/* The session hub; session_hub.h says what it is for. */
#include "session/session_hub.h"

#include <errno.h>
#include <string.h>

#include "lcore/count.h"
#include "lcore/log.h"
#include "session/actions.h"
#include "session/coord_priv.h"
#include "session/intercept.h"
#include "session/offer.h"
#include "session/session.h"
#include "sip/dialog.h"

int rln_session_hub_publish_event(struct rln_coord *coord, struct rln_event *ev)
{
	int rc = RLN_EENDED;

	if (coord)
		rc = rln_bus_publish(coord->cfg.bus, ev);
	else
		rln_block_release(rln_event_block(ev));
	return rc == -EAGAIN ? 0 : rc; /* it waits in the backlog and will be delivered */
}

static int send_as(struct rln_coord *coord, struct rln_event *ev, enum rln_category category)
{
	if (rln_event_info(rln_event_kind(ev))->category != category) {
		rln_block_release(rln_event_block(ev));
		return -EINVAL;
	}
	return rln_session_hub_publish_event(coord, ev);
}

int rln_session_hub_send_to_dialog(struct rln_coord *coord, struct rln_event *ev)
{
	return send_as(coord, ev, RLN_CAT_S2D);
}

int rln_session_hub_send_to_media(struct rln_coord *coord, struct rln_event *ev)
{
	return send_as(coord, ev, RLN_CAT_S2M);
}

static void lost(const struct rln_event *ev)
{
	rln_count(RLN_C_EVENT_ENDED_SESSION);
	rln_log(RLN_LOG_DEBUG, ev->id, "%s for a session that has ended", rln_event_info(rln_event_kind(ev))->name);
}

static void feed(struct rln_coord *coord, struct rln_session_id session, const struct rln_event *ev)
{
	if (session.v)
		rln_machine_process_event(coord->machine, session, ev);
	else
		lost(ev);
}

/* R13: a SIP request for a session that has ended is answered. */
static void answer_lost(struct rln_coord *coord, const struct rln_event *ev)
{
	const struct rln_dialog_commands *d = &coord->layers.dialog;
	struct rln_dialog_id dialog = {ev->id};

	if (ev->kind == RLN_EV_REINVITE_RECEIVED)
		rln_offer_refuse(d, dialog, ev, 481, NULL);
	else if (ev->kind == RLN_EV_TRANSFER_REQUESTED)
		d->respond_refer(d->arg, dialog, 481);
	else
		return;
	d->release(d->arg, dialog);
}

static void to_interceptor(void *arg, struct rln_dialog_id dialog, const struct rln_event *ev)
{
	(void)dialog; /* the interceptor asks whether a session has it */
	rln_intercept_invite(arg, ev);
}

static void to_machine(void *arg, struct rln_dialog_id dialog, const struct rln_event *ev)
{
	struct rln_coord *coord = arg;
	struct rln_session_id session = rln_registry_session_of_dialog(coord->registry, dialog);

	if (!session.v)
		answer_lost(coord, ev);
	feed(coord, session, ev);
}

static void on_dialog_event(void *arg, const struct rln_event *ev)
{
	struct rln_coord *coord = arg;
	const struct rln_dialog_event_handler *to = &coord->from_dialog;
	struct rln_dialog_id dialog = {ev->id};

	if (rln_id_type(ev->id) == RLN_ID_SESSION)
		rln_subs_deliver(coord->subs, ev);
	else if (ev->kind == RLN_EV_INCOMING_CALL)
		to->on_incoming_call(to->arg, dialog, ev);
	else if (ev->kind == RLN_EV_CALL_ESTABLISHED)
		to->on_call_established(to->arg, dialog, ev);
	else if (ev->kind == RLN_EV_CALL_TERMINATED)
		to->on_call_terminated(to->arg, dialog, ev);
	else
		to_machine(coord, dialog, ev);
}

/* A leg that was made for a session that has ended has no other owner. */
static void stop_orphan(struct rln_coord *coord, const struct rln_event *ev)
{
	struct rln_event stop = {.id = ev->media_session_created.media_id, .kind = RLN_EV_STOP_MEDIA_STREAM};

	rln_session_hub_send_to_media(coord, &stop);
}

static void on_media_event(void *arg, const struct rln_event *ev)
{
	struct rln_coord *coord = arg;
	struct rln_session_id session = {ev->id};

	if (rln_id_type(ev->id) == RLN_ID_MEDIA) {
		feed(coord, rln_registry_session_of_media(coord->registry, (struct rln_media_id){ev->id}), ev);
		return;
	}
	if (ev->kind != RLN_EV_MEDIA_SESSION_CREATED && ev->kind != RLN_EV_MEDIA_ERROR) {
		rln_subs_deliver(coord->subs, ev);
		return;
	}
	if (ev->kind == RLN_EV_MEDIA_SESSION_CREATED && !rln_session_manager_get_session(coord->sessions, session))
		stop_orphan(coord, ev);
	feed(coord, session, ev);
}

/* 3.9: what a worker raised goes to the machine, which passes it on in its turn under the session's id. */
static void on_application_event(void *arg, const struct rln_event *ev)
{
	struct rln_coord *coord = arg;

	if (rln_id_type(ev->id) == RLN_ID_MEDIA)
		feed(coord, rln_registry_session_of_media(coord->registry, (struct rln_media_id){ev->id}), ev);
	else
		rln_subs_deliver(coord->subs, ev);
}

static void on_command(void *arg, const struct rln_event *ev)
{
	struct rln_coord *coord = arg;
	struct rln_session_id session = {ev->id};
	struct rln_session *made;

	rln_subs_link(coord->subs); /* who subscribed before the command must see what it leads to */
	if (ev->kind == RLN_EV_MAKE_CALL && !rln_session_manager_get_session(coord->sessions, session)) {
		rln_factory_outgoing(coord, ev, &made);
		return;
	}
	if (!rln_session_manager_get_session(coord->sessions, session))
		rln_cleanup_command(&coord->layers, rln_session_manager_last(coord->sessions, session), ev);
	feed(coord, session, ev);
}

int rln_session_hub_register(struct rln_coord *coord)
{
	static const struct {
		enum rln_category category;
		void (*handle)(void *arg, const struct rln_event *ev);
	} mine[] = {
		{RLN_CAT_D2S, on_dialog_event},
		{RLN_CAT_M2S, on_media_event},
		{RLN_CAT_S2A, on_application_event},
		{RLN_CAT_A2S, on_command},
	};
	int rc = 0;

	coord->from_dialog = (struct rln_dialog_event_handler){.on_incoming_call = to_interceptor,
		.on_call_established = to_machine,
		.on_call_terminated = to_machine,
		.arg = coord};
	for (unsigned i = 0; i < sizeof(mine) / sizeof(mine[0]) && rc == 0; i++) {
		struct rln_event_handler handler = {.handle = mine[i].handle, .arg = coord, .endpoint = RLN_ENDPOINT_CONTROL};

		rc = rln_bus_register_handler(coord->cfg.bus, mine[i].category, &handler);
	}
	return rc;
}
