/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions on the session itself: end reasons, timers, holds, what was told. Those on the dialog and on the leg stand in
 * actions_dialog.c and actions_media.c.
 */
#include "session/actions.h"

#include <errno.h>

#include "lcore/clock.h"
#include "lcore/secure.h"
#include "session/said.h"

#define AGAIN_NS (10 * RLN_MS) /* a timer whose event found no room */

/* The first cause stays: what follows from it is no cause. */
static int end(struct rln_step *st, enum rln_end_reason reason, uint16_t code)
{
	if (st->s->reason == RLN_END_NONE) {
		st->s->reason = (uint8_t)reason;
		st->s->code = code;
	}
	return 0;
}

#define ENDS(name, why, status)                                                                                                  \
	int rln_act_##name(struct rln_step *st)                                                                                  \
	{                                                                                                                        \
		return end(st, RLN_END_##why, status);                                                                           \
	}

ENDS(END_NORMAL, NORMAL, 0)
ENDS(END_REFUSED, REFUSED, rln_event_code(st->ev))
ENDS(END_CANCELLED, CANCELLED, 487)
ENDS(END_TIMEOUT, TIMEOUT, 408)
ENDS(END_AUTH, AUTH, rln_event_code(st->ev))
ENDS(END_NETWORK, NETWORK, rln_event_code(st->ev))
ENDS(END_NO_ACK, NO_ACK, 408)
ENDS(END_MEDIA, MEDIA, 0)
ENDS(END_MEDIA_LOST, MEDIA_LOST, 0)

/* The dialog layer says who or what ended it. */
int rln_act_END_REMOTE(struct rln_step *st)
{
	enum rln_end_reason reason = (enum rln_end_reason)st->ev->call_terminated.reason;

	return end(st, reason == RLN_END_NONE || reason == RLN_END_NORMAL ? RLN_END_REMOTE : reason, rln_event_code(st->ev));
}

int rln_act_END_BY_ERROR(struct rln_step *st)
{
	switch (st->ev->action_failed.action) {
	case RLN_ACT_CREATE_MEDIA:
	case RLN_ACT_PREPARE_MEDIA:
	case RLN_ACT_MAKE_ANSWER:
	case RLN_ACT_APPLY_ANSWER:
	case RLN_ACT_ESTABLISH_FLOW:
		return end(st, RLN_END_MEDIA, 0);
	default:
		return end(st, RLN_END_NETWORK, 0);
	}
}

/* ---- holds ---- */

int rln_act_DIALOG_ENDED(struct rln_step *st)
{
	st->s->dialog_hold = RLN_HOLD_ENDED;
	return 0;
}

int rln_act_ADOPT_LEG(struct rln_step *st)
{
	const struct rln_ev_media_session_created *created = &st->ev->media_session_created;
	struct rln_session *s = st->s;
	struct rln_registry *registry = rln_session_manager_registry(st->layers->sessions);

	s->media.v = created->media_id;
	s->local_rtp = created->local_addr;
	s->leg_hold = RLN_HOLD_READY;
	return rln_registry_map_media(registry, s->id, s->media);
}

int rln_act_LEG_STARTED(struct rln_step *st)
{
	struct rln_session *s = st->s;

	if (s->leg_hold == RLN_HOLD_STARTING)
		s->leg_hold = RLN_HOLD_RUNNING;
	if (s->state == RLN_STATE_NEGOTIATING) { /* the INVITE has its answer: it will not go out again */
		rln_block_release(s->request);
		s->request = 0;
	}
	return 0;
}

int rln_act_LEG_FAULT(struct rln_step *st)
{
	if (st->s->leg_hold == RLN_HOLD_ASKED)
		st->s->leg_hold = RLN_HOLD_ENDED;
	return 0;
}

int rln_act_LEG_ENDED(struct rln_step *st)
{
	st->s->leg_hold = RLN_HOLD_ENDED;
	return 0;
}

int rln_act_KEEP_OFFER(struct rln_step *st)
{
	rln_block_release(st->s->offer);
	st->s->offer = rln_event_block(st->ev);
	st->s->offer_sdp = rln_event_sdp_slice(st->ev);
	rln_block_hold(st->s->offer);
	return 0;
}

int rln_act_MARK_TOLD(struct rln_step *st)
{
	if (st->ev->kind == RLN_EV_MEDIA_FLOW_ESTABLISHED)
		st->s->said |= RLN_SAID_FLOW;
	if (st->ev->kind == RLN_EV_FIRST_AUDIO_FRAME_RECEIVED)
		st->s->said |= RLN_SAID_FIRST_FRAME;
	return 0;
}

/* ---- timers ---- */

static void fire(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_session_timer_slot *slot = (struct rln_session_timer_slot *)timer; /* its first member */

	/* what the bus cannot take now must not be lost: without this event the call may never end */
	if (rln_publish_timer(slot->layers, (struct rln_session_id){slot->session}, (enum rln_session_timer)slot->which) != 0)
		rln_wheel_arm(slot->layers->wheel, timer, now_ns + AGAIN_NS);
}

void rln_session_arm(const struct rln_layers *layers, struct rln_session *s, enum rln_session_timer which, uint64_t after_ns)
{
	struct rln_session_timer_slot *slot = &s->timers[which];

	slot->timer.fire = fire;
	slot->session = s->id.v;
	slot->which = (uint8_t)which;
	slot->layers = layers;
	rln_wheel_arm(layers->wheel, &slot->timer, rln_wheel_now(layers->wheel) + after_ns);
}

int rln_act_ARM_RING_LIMIT(struct rln_step *st)
{
	if (st->layers->set.ring_limit_s)
		rln_session_arm(st->layers, st->s, RLN_TIMER_RING_LIMIT, st->layers->set.ring_limit_s * RLN_SEC);
	return 0;
}

int rln_act_STOP_RINGING(struct rln_step *st)
{
	rln_wheel_disarm(st->layers->wheel, &st->s->timers[RLN_TIMER_RING_LIMIT].timer);
	return 0;
}

/* RFC 3261 14.1: 2.1-4 s for the owner of the Call-ID, 0-2 s for the other side, in steps of 10 ms. */
int rln_act_ARM_REINVITE(struct rln_step *st)
{
	uint32_t random = rln_random_u32();
	uint64_t ms = st->s->role == RLN_ROLE_UAC ? 2100 + random % 191 * 10 : random % 201 * 10;

	st->s->is_offering = false;
	rln_session_arm(st->layers, st->s, RLN_TIMER_REINVITE, ms * RLN_MS);
	return 0;
}

/* ---- the application's audio ---- */

int rln_act_END_CHANNELS(struct rln_step *st)
{
	st->layers->end_channels(st->layers->arg, st->ev->channels_request.channels);
	return 0;
}

const rln_action_fn rln_action_bodies[RLN_ACT_COUNT] = {
#define X(name, text) [RLN_ACT_##name] = rln_act_##name,
	RLN_ACTIONS(X)
#undef X
};
