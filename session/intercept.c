/* SPDX-License-Identifier: BSD-3-Clause */
/* The interceptor (intercept.h): who takes a new INVITE, and what the answer of its handler leads to. */
#include "session/intercept.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/log.h"
#include "session/coord_priv.h"
#include "session/session.h"
#include "sip/message.h"

#define SLOW_NS RLN_MS

static void refuse(struct rln_coord *coord, const struct rln_event *ev, uint16_t code)
{
	const struct rln_dialog_commands *d = &coord->layers.dialog;
	struct rln_dialog_id dialog = {ev->id};
	char extra[40] = "";
	int rc;

	if (code == 503)
		snprintf(extra, sizeof(extra), "Retry-After: %u\r\n", coord->layers.set.retry_after_s);
	rc = d->send_response(d->arg, dialog, code, NULL, extra[0] ? extra : NULL);
	if (rc != 0)
		rln_log(RLN_LOG_WARNING, ev->id, "refusal %u could not be sent: %d", code, rc);
	d->release(d->arg, dialog);
	rln_count(RLN_C_CALLS_REFUSED);
}

/* Calls in this second against the limit. */
static bool is_admitted(struct rln_coord *coord)
{
	uint64_t now = rln_wheel_now(coord->layers.wheel);

	if (coord->is_draining)
		return false;
	if (coord->cfg.calls_per_second == 0)
		return true;
	if (now - coord->second_ns >= RLN_SEC) {
		coord->second_ns = now;
		coord->second_calls = 0;
	}
	return coord->second_calls++ < coord->cfg.calls_per_second;
}

static const char *text_of(const struct rln_event *ev, struct rln_slice slice)
{
	return rln_slice_text(rln_event_block(ev), slice);
}

/* Header lines are followed by the body, not by NUL: a copy, cut after the last whole line that fits. */
static const char *headers_of(struct rln_coord *coord, const struct rln_event *ev)
{
	size_t len = ev->incoming_call.headers.len;

	if (len >= sizeof(coord->scratch)) {
		len = sizeof(coord->scratch) - 1;
		while (len > 0 && text_of(ev, ev->incoming_call.headers)[len - 1] != '\n')
			len--;
	}
	memcpy(coord->scratch, text_of(ev, ev->incoming_call.headers), len);
	coord->scratch[len] = '\0';
	return coord->scratch;
}

static struct rln_decision ask(struct rln_coord *coord, const struct rln_event *ev, const struct rln_sip_msg *msg,
	unsigned number, struct rln_session_id id)
{
	const struct rln_coord_peer *peer = &coord->peers[number];
	struct rln_decision decision = {.kind = RLN_DECISION_ACCEPT, .auto_answer = peer->auto_answer};
	struct rln_invite_details details = {
		.session = id,
		.call_id = text_of(ev, ev->incoming_call.call_id),
		.from = text_of(ev, ev->incoming_call.from),
		.to = text_of(ev, ev->incoming_call.to),
		.request_uri = rln_sip_text(msg, msg->request_uri.text),
		.sdp = ev->incoming_call.sdp_offer.len ? text_of(ev, ev->incoming_call.sdp_offer) : NULL,
		.headers = headers_of(coord, ev),
		.source = msg->source,
		.local_port = msg->local.port,
	};
	uint64_t began;

	if (!peer->handler.on_incoming_invite)
		return decision;
	began = rln_clock_ns();
	decision = peer->handler.on_incoming_invite(peer->handler.arg, &details);
	if (rln_clock_ns() - began > SLOW_NS) {
		rln_count(RLN_C_HANDLER_SLOW);
		rln_log(RLN_LOG_WARNING, id.v, "the signalling handler of %s took %llu us", peer->name,
			(unsigned long long)(rln_clock_ns() - began) / 1000);
	}
	return decision;
}

static unsigned policy_of(const struct rln_decision *decision)
{
	unsigned policy = decision->kind == RLN_DECISION_DEFER ? RLN_CALL_QUEUED : 0;

	if (decision->kind == RLN_DECISION_ACCEPT && decision->auto_answer)
		policy |= RLN_CALL_AUTO_ANSWER;
	return policy;
}

/*
 * RFC 3891: an INVITE that names a call of this local peer takes its place. Nobody is asked again, the caller was let in when that call was. 0 and *old (0:
 * it names none), or minus the SIP code that refuses it.
 */
static int find_replaced(const struct rln_coord *coord, const struct rln_sip_msg *msg, unsigned peer, struct rln_session_id *old)
{
	const struct rln_dialog_commands *d = &coord->layers.dialog;
	struct rln_dialog_id dialog;
	const struct rln_session *s;
	int rc = d->find_replaced(d->arg, msg, &dialog);

	*old = (struct rln_session_id){0};
	if (rc != 0 || dialog.v == 0)
		return rc;
	*old = rln_registry_session_of_dialog(coord->registry, dialog);
	s = rln_session_manager_get_session(coord->sessions, *old);
	if (!s || s->peer != peer)
		return -481;
	return rln_table()->final & 1u << s->state ? -603 : 0;
}

static void admit(struct rln_coord *coord, const struct rln_event *ev, unsigned peer, struct rln_session_id id,
	const struct rln_decision *decision, struct rln_session_id replaced)
{
	struct rln_session *s = rln_factory_incoming(coord, id, ev, peer, policy_of(decision));

	if (!s) { /* the handler has its answer, and may have begun with the call */
		struct rln_event over = {.id = id.v,
			.kind = RLN_EV_SESSION_TERMINATED,
			.session_terminated = {.reason = RLN_END_NETWORK, .code = 500}};

		rln_session_hub_publish_event(coord, &over);
		refuse(coord, ev, 500);
		return;
	}
	s->params.app = decision->leg_app;
	s->params.tone_hz = decision->tone_hz;
	s->other = replaced.v;
	s->link = replaced.v ? RLN_LINK_REPLACED : RLN_LINK_NONE;
	rln_machine_process_event(coord->machine, id, ev);
	if (decision->kind == RLN_DECISION_CUSTOM && decision->action)
		decision->action(decision->arg, id);
}

void rln_intercept_invite(struct rln_coord *coord, const struct rln_event *ev)
{
	const struct rln_sip_msg *msg = rln_sip_msg_of(rln_event_block(ev));
	struct rln_registry_entry known;
	struct rln_decision decision = {.kind = RLN_DECISION_ACCEPT, .auto_answer = true};
	struct rln_session_id id, replaced;
	unsigned peer;
	int rc;

	if (rln_registry_knows(coord->registry, ev->id, &known)) {
		rln_machine_process_event(coord->machine, known.session, ev);
		return;
	}
	peer = msg ? rln_peers_find(coord, &msg->local, rln_sip_text(msg, msg->request_uri.user), msg->request_uri.user.len)
		   : RLN_COORD_PEERS;
	if (peer == RLN_COORD_PEERS) {
		refuse(coord, ev, 404);
		return;
	}
	if (!is_admitted(coord)) {
		refuse(coord, ev, 503);
		return;
	}
	rc = find_replaced(coord, msg, peer, &replaced);
	if (rc != 0) {
		refuse(coord, ev, (uint16_t)-rc);
		return;
	}
	rln_session_manager_refill(coord->sessions);
	id = rln_session_manager_reserve(coord->sessions);
	if (!id.v) {
		refuse(coord, ev, 503);
		return;
	}
	if (replaced.v == 0)
		decision = ask(coord, ev, msg, peer, id);
	if (decision.kind == RLN_DECISION_REJECT) {
		rln_session_manager_unreserve(coord->sessions, id);
		refuse(coord, ev, decision.code >= 300 && decision.code <= 699 ? decision.code : 603);
	} else {
		admit(coord, ev, peer, id, &decision, replaced);
	}
}
