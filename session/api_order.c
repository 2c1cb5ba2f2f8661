/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Orders of a call handle (R121-R124): each is an event to the control lcore that returns at once. What becomes of one is read off the events that
 * follow: a state reached, a state left the wrong way (the peer refused), COMMAND_REJECTED. A wait for the state that a failed order was to bring
 * ends with the reason, once.
 */
#include <errno.h>
#include <stdlib.h>

#include "session/api_priv.h"

#define BIT(n) (1u << (n))

/* An order's commands, and the states that it is to bring. */
static const struct {
	uint32_t leads_to;
	uint16_t command, other_command;
} orders[RLN_ORDER_COUNT] = {
	[RLN_ORDER_ACCEPT] = {BIT(RLN_STATE_NEGOTIATING) | BIT(RLN_STATE_ACTIVE), RLN_EV_ACCEPT_CALL, 0},
	[RLN_ORDER_HOLD] = {BIT(RLN_STATE_HOLD_PENDING) | BIT(RLN_STATE_ON_HOLD), RLN_EV_HOLD_CALL, 0},
	[RLN_ORDER_RESUME] = {BIT(RLN_STATE_RESUME_PENDING) | BIT(RLN_STATE_ACTIVE), RLN_EV_RESUME_CALL, 0},
	[RLN_ORDER_TRANSFER] = {BIT(RLN_STATE_TRANSFERRING) | BIT(RLN_STATE_TERMINATING) | BIT(RLN_STATE_TERMINATED),
		RLN_EV_BLIND_TRANSFER, RLN_EV_COMPLETE_TRANSFER},
	[RLN_ORDER_CONSULT] = {BIT(RLN_STATE_CONSULTING), RLN_EV_START_CONSULT, 0},
	[RLN_ORDER_BRIDGE] = {BIT(RLN_STATE_BRIDGED), RLN_EV_BRIDGE_CALLS, 0},
	[RLN_ORDER_UNBRIDGE] = {BIT(RLN_STATE_ACTIVE), RLN_EV_UNBRIDGE_CALLS, 0},
};

/* States in which a call goes on as before a transfer, a hold, or the end of one. */
#define UP (BIT(RLN_STATE_ACTIVE) | BIT(RLN_STATE_ON_HOLD) | BIT(RLN_STATE_CONSULTING) | BIT(RLN_STATE_BRIDGED))

static void fails(struct rln_call *call, enum rln_order order, int error)
{
	call->failed |= BIT(order);
	call->error[order] = error;
}

int rln_order_failure(struct rln_call *call, enum rln_call_state wanted)
{
	for (unsigned i = 0; i < RLN_ORDER_COUNT; i++) {
		if ((call->failed & BIT(i)) && (orders[i].leads_to & BIT(wanted))) {
			call->failed &= ~BIT(i);
			return call->error[i];
		}
	}
	return 0;
}

/* ---- what became of them; under the inbox lock ---- */

static struct rln_call *consultation(const struct rln_call *call)
{
	return call->consult ? rln_peer_find(call->peer, call->consult) : NULL;
}

/* The consultation's call will not come: nobody else tells. */
static void consultation_never(struct rln_call *call, enum rln_end_reason reason)
{
	struct rln_call *other = consultation(call);

	if (other && !other->ended && !rln_call_has_latched(other, RLN_EV_SESSION_CREATED)) {
		rln_call_never(other, reason);
		call->consult = 0;
	}
}

static void rejected(struct rln_call *call, unsigned command, int error)
{
	for (unsigned i = 0; i < RLN_ORDER_COUNT; i++) {
		if (command == orders[i].command || command == orders[i].other_command)
			fails(call, (enum rln_order)i, error);
	}
	if (command != RLN_EV_START_CONSULT)
		return;
	consultation_never(call, RLN_END_REJECTED);
	if (call->completes)
		fails(call, RLN_ORDER_TRANSFER, error);
	call->completes = false;
}

/* A state left for one that the order was not to bring. */
static void moved(struct rln_call *call, const struct rln_ev_state_changed *ev)
{
	uint32_t to = BIT(ev->new_state);

	if (ev->reason == RLN_END_NONE && ev->code)
		call->refusal = ev->code;
	if (ev->old_state == RLN_STATE_HOLD_PENDING && (to & UP) && ev->new_state != RLN_STATE_ON_HOLD)
		fails(call, RLN_ORDER_HOLD, RLN_EREFUSED);
	else if (ev->old_state == RLN_STATE_RESUME_PENDING && ev->new_state == RLN_STATE_ON_HOLD)
		fails(call, RLN_ORDER_RESUME, RLN_EREFUSED);
	else if (ev->old_state == RLN_STATE_TRANSFERRING && (to & UP))
		fails(call, RLN_ORDER_TRANSFER, RLN_EREFUSED);
}

/* The call that consults another one, from that one's events. */
static void tell_parent(struct rln_call *call, const struct rln_event *ev)
{
	struct rln_call *parent = rln_peer_find(call->peer, call->from);

	if (!parent || parent->consult != call->id.v)
		return;
	if (parent->completes && ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.new_state == RLN_STATE_ACTIVE) {
		int rc = rln_coord_complete_transfer(call->peer->api->coord, parent->id);

		parent->completes = false;
		if (rc != 0)
			fails(parent, RLN_ORDER_TRANSFER, rc);
	} else if (ev->kind == RLN_EV_SESSION_TERMINATED) {
		parent->consult = 0;
		if (parent->completes)
			fails(parent, RLN_ORDER_TRANSFER, RLN_EREFUSED);
		parent->completes = false;
	}
}

void rln_order_take(struct rln_call *call, const struct rln_event *ev)
{
	if (ev->kind == RLN_EV_COMMAND_REJECTED)
		rejected(call, ev->command_rejected.kind, -ev->command_rejected.error);
	else if (ev->kind == RLN_EV_STATE_CHANGED)
		moved(call, &ev->state_changed);
	else if (ev->kind == RLN_EV_CALL_STATE_CHANGED && ev->call_state_changed.status >= 300)
		call->refusal = ev->call_state_changed.status;
	else if (ev->kind == RLN_EV_SESSION_TERMINATED)
		consultation_never(call, RLN_END_CANCELLED);
	if (call->from)
		tell_parent(call, ev);
}

/* ---- orders ---- */

/* A new order: what became of earlier ones of its kind is past. */
static struct rln_coord *begin(struct rln_call *call, uint32_t which)
{
	rln_inbox_drain(&call->peer->inbox);
	pthread_mutex_lock(&call->peer->inbox.lock);
	call->failed &= ~which;
	pthread_mutex_unlock(&call->peer->inbox.lock);
	return call->peer->api->coord;
}

int rln_call_hangup(struct rln_call *call)
{
	return call ? rln_coord_hangup(begin(call, UINT32_MAX), call->id) : -EINVAL;
}

int rln_call_hold(struct rln_call *call)
{
	return rln_coord_hold(begin(call, BIT(RLN_ORDER_HOLD)), call->id);
}

int rln_call_resume(struct rln_call *call)
{
	return rln_coord_resume(begin(call, BIT(RLN_ORDER_RESUME)), call->id);
}

int rln_call_update(struct rln_call *call, enum rln_media_direction direction)
{
	if ((unsigned)direction > RLN_MEDIA_BIDIRECTIONAL)
		return -EINVAL;
	return rln_coord_update(begin(call, 0), call->id, (uint8_t)direction);
}

int rln_call_send_dtmf(struct rln_call *call, const char *tones)
{
	return rln_coord_send_dtmf(call->peer->api->coord, call->id, tones, 0);
}

int rln_call_mute(struct rln_call *call, bool on)
{
	return rln_coord_mute(call->peer->api->coord, call->id, on);
}

int rln_call_play(struct rln_call *call, const char *path, unsigned loop_count)
{
	return call ? rln_coord_play(call->peer->api->coord, call->id, path, loop_count) : -EINVAL;
}

int rln_call_stop_audio(struct rln_call *call)
{
	return rln_coord_stop_play(call->peer->api->coord, call->id);
}

int rln_call_start_recording(struct rln_call *call, const char *path, enum rln_file_format format, unsigned channels)
{
	if (format != RLN_FORMAT_WAV)
		return -ENOTSUP;
	if (channels != 1 && channels != 2)
		return -EINVAL;
	return rln_coord_record(call->peer->api->coord, call->id, path, (uint8_t)format, (uint8_t)channels);
}

int rln_call_stop_recording(struct rln_call *call)
{
	return rln_coord_stop_record(call->peer->api->coord, call->id);
}

/* ---- transfer ---- */

/* The handle of the call that is to come, under the inbox lock: before its first event can. 0 or a negative code. */
static int consultation_make(struct rln_call *call, struct rln_coord *coord, struct rln_call **out)
{
	struct rln_session_id id;

	if (call->ended)
		return RLN_EENDED;
	id = rln_coord_reserve(coord);
	if (!id.v)
		return errno == EPIPE ? RLN_EENDED : -errno;
	*out = rln_call_make(call->peer, id);
	if (*out)
		return 0;
	rln_coord_unreserve(coord, id);
	return -ENOMEM;
}

static int consult(struct rln_call *call, const char *target, bool hidden, struct rln_call **out)
{
	struct rln_peer *peer = call->peer;
	struct rln_coord *coord = begin(call, BIT(RLN_ORDER_CONSULT) | BIT(RLN_ORDER_TRANSFER));
	int rc;

	pthread_mutex_lock(&peer->inbox.lock);
	rc = consultation_make(call, coord, out);
	if (rc == 0) {
		rc = rln_coord_consult(coord, call->id, target, (*out)->id);
		if (rc == 0) {
			(*out)->from = call->id.v;
			(*out)->is_unclaimed = call->completes = hidden;
			call->consult = (*out)->id.v;
		} else {
			rln_peer_unlink(peer, *out);
			free(*out);
		}
	}
	pthread_mutex_unlock(&peer->inbox.lock);
	return rc;
}

struct rln_call *rln_call_consult(struct rln_call *call, const char *target)
{
	struct rln_call *other;
	int rc = consult(call, target, false, &other);

	if (rc == 0)
		return other;
	rln_set_errno(rc);
	return NULL;
}

int rln_call_transfer(struct rln_call *call, const char *target, enum rln_transfer_type type)
{
	struct rln_call *other;

	if (type == RLN_TRANSFER_BLIND)
		return rln_coord_blind_transfer(begin(call, BIT(RLN_ORDER_TRANSFER)), call->id, target);
	return type == RLN_TRANSFER_ATTENDED ? consult(call, target, true, &other) : -EINVAL;
}

int rln_call_complete_transfer(struct rln_call *call)
{
	struct rln_coord *coord = begin(call, BIT(RLN_ORDER_TRANSFER));
	bool consults;

	pthread_mutex_lock(&call->peer->inbox.lock);
	consults = call->consult != 0;
	pthread_mutex_unlock(&call->peer->inbox.lock);
	return consults ? rln_coord_complete_transfer(coord, call->id) : -ENOENT;
}

struct transfer_wait {
	struct rln_call *call, *found;
};

static bool transfer_is_settled(void *arg)
{
	struct transfer_wait *w = arg;
	struct rln_call *other = w->call->peer->calls;

	while (other && !(other->is_unclaimed && other->from == w->call->id.v && other->id.v != w->call->consult))
		other = other->next;
	if (other)
		other->is_unclaimed = false;
	w->found = other;
	return other || w->call->ended;
}

struct rln_call *rln_call_transferred(struct rln_call *call, int timeout_ms)
{
	struct transfer_wait w = {.call = call};
	int rc = rln_call_wait(call, transfer_is_settled, &w, rln_wait_ms(timeout_ms, RLN_EV_NONE));

	if (!w.found)
		errno = rc == RLN_ETIMEDOUT ? ETIMEDOUT : ECANCELED;
	return w.found;
}
