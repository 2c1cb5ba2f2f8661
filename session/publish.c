/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a session tells: the publications of the state table, and the events that the interpreter itself raises. All go through
 * the session hub (layers->publish). A block that is passed on gets one more reader here; the bus takes it from there.
 */
#include <string.h>

#include "session/actions.h"
#include "session/said.h"

int rln_publish(const struct rln_step *st, struct rln_event *ev)
{
	return st->layers->publish(st->layers->arg, ev);
}

static struct rln_event event_of(const struct rln_step *st, enum rln_event_kind kind)
{
	return (struct rln_event){.id = st->s->id.v, .kind = (uint16_t)kind};
}

/* The end's code, or that of a refusal which the call survives: a hold, a transfer. */
static uint16_t code_of(const struct rln_step *st)
{
	uint16_t code = rln_event_code(st->ev);

	return st->s->reason == RLN_END_NONE && code >= 300 ? code : st->s->code;
}

void rln_publish_state(const struct rln_step *st, enum rln_call_state from)
{
	struct rln_event ev = event_of(st, RLN_EV_STATE_CHANGED);

	ev.state_changed = (struct rln_ev_state_changed){.old_state = (uint8_t)from,
		.new_state = st->s->state,
		.reason = st->s->reason,
		.code = code_of(st),
		.by = st->ev->kind};
	rln_publish(st, &ev);
}

void rln_publish_terminated(const struct rln_step *st)
{
	struct rln_event ev = event_of(st, RLN_EV_SESSION_TERMINATED);

	ev.session_terminated = (struct rln_ev_session_terminated){.reason = st->s->reason, .code = st->s->code};
	rln_publish(st, &ev);
}

/* A linked call learns of every step, and of being let go. */
void rln_publish_to_other(const struct rln_step *st, uint64_t other, uint32_t before)
{
	struct rln_event ev = {.id = other, .kind = RLN_EV_OTHER_CALL};
	bool has_parted = st->s->other != other;

	if (other == 0 || (before == 1u << st->s->state && !has_parted))
		return;
	ev.other_call = (struct rln_ev_other_call){.other = st->s->id.v,
		.old_state = (uint8_t)__builtin_ctz(before),
		.new_state = st->s->state,
		.reason = st->s->reason,
		.parted = has_parted,
		.code = st->s->code};
	rln_publish(st, &ev);
}

void rln_publish_rejected(const struct rln_step *st, int error)
{
	struct rln_event ev = event_of(st, RLN_EV_COMMAND_REJECTED);

	ev.command_rejected = (struct rln_ev_command_rejected){.kind = st->ev->kind, .error = error};
	rln_publish(st, &ev);
}

void rln_publish_action_failed(const struct rln_step *st, enum rln_action action, int error)
{
	struct rln_event ev = event_of(st, RLN_EV_ACTION_FAILED);

	ev.action_failed = (struct rln_ev_action_failed){.action = (uint16_t)action, .error = error};
	rln_publish(st, &ev);
}

int rln_publish_timer(const struct rln_layers *layers, struct rln_session_id id, enum rln_session_timer which)
{
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_TIMER_FIRED, .timer_fired = {.timer = (uint8_t)which}};

	return layers->publish(layers->arg, &ev);
}

static void FORWARD(const struct rln_step *st)
{
	struct rln_event ev = *st->ev;

	ev.id = st->s->id.v;
	ev.serial = 0;
	ev.cause = 0; /* the bus notes the event being handled */
	rln_block_hold(rln_event_block(&ev));
	rln_publish(st, &ev);
}

static void MEDIA_EVENT(const struct rln_step *st)
{
	struct rln_event ev = event_of(st, RLN_EV_MEDIA_EVENT);

	ev.media_event.event = st->ev->kind;
	memcpy(ev.media_event.raw, st->ev->raw, sizeof(ev.media_event.raw));
	ev.media_event.block = rln_event_block(st->ev);
	if (ev.media_event.block) /* named once: the envelope owns it */
		memset(ev.media_event.raw, 0, sizeof(rln_block_ref));
	rln_block_hold(ev.media_event.block);
	rln_publish(st, &ev);
}

static void READY(const struct rln_step *st)
{
	struct rln_event ev = event_of(st, RLN_EV_MEDIA_SESSION_READY);
	uint8_t agreed = st->s->params.config.codec;

	ev.media_session_ready.local_addr = st->s->local_rtp;
	ev.media_session_ready.codec = agreed ? agreed : st->layers->set.codecs[0]; /* until an answer: what we like best */
	rln_publish(st, &ev);
}

static void CHANNELS_READY(const struct rln_step *st)
{
	struct rln_event ev = event_of(st, RLN_EV_AUDIO_CHANNELS_READY);
	uint8_t direction = st->s->told.direction;

	if (st->s->said & RLN_SAID_CHANNELS)
		return;
	st->s->said |= RLN_SAID_CHANNELS;
	ev.audio_channels_ready.can_send = (direction & RLN_MEDIA_OUTBOUND) != 0;
	ev.audio_channels_ready.can_receive = (direction & RLN_MEDIA_INBOUND) != 0;
	rln_publish(st, &ev);
}

static void NEGOTIATED(const struct rln_step *st)
{
	struct rln_event ev = event_of(st, RLN_EV_MEDIA_NEGOTIATED);
	const struct rln_leg_params *p = &st->s->params;

	ev.media_negotiated = (struct rln_ev_media_negotiated){
		.remote_addr = p->remote, .codec = p->config.codec, .payload_type = p->payload_type, .direction = p->direction};
	st->s->told = ev.media_negotiated;
	st->s->said |= RLN_SAID_NEGOTIATED;
	rln_publish(st, &ev);
	if (p->direction == RLN_MEDIA_INBOUND || p->direction == RLN_MEDIA_OUTBOUND)
		CHANNELS_READY(st);
}

static void sdp_event(const struct rln_step *st, enum rln_sdp_event_type type, rln_block_ref block, struct rln_slice sdp)
{
	struct rln_event ev = event_of(st, RLN_EV_SDP_EVENT);

	if (block == 0 || sdp.len == 0)
		return;
	ev.sdp_event = (struct rln_ev_sdp_event){.block = block, .sdp = sdp, .event_type = (uint8_t)type};
	rln_publish(st, &ev);
}

static void received(const struct rln_step *st, enum rln_sdp_event_type type)
{
	rln_block_ref block = rln_event_block(st->ev);
	struct rln_slice sdp = rln_event_sdp_slice(st->ev);

	if (sdp.len)
		rln_block_hold(block);
	sdp_event(st, type, block, sdp);
}

static void sent(const struct rln_step *st, enum rln_sdp_event_type type)
{
	struct rln_slice sdp = {0, 0};
	rln_block_ref block = st->s->local_sdp_len ? rln_block_from_text(st->s->local_sdp, st->s->local_sdp_len, &sdp) : 0;

	sdp_event(st, type, block, sdp);
}

static void OFFER_RECEIVED(const struct rln_step *st)
{
	received(st, RLN_SDP_OFFER_RECEIVED);
}

static void ANSWER_RECEIVED(const struct rln_step *st)
{
	received(st, RLN_SDP_ANSWER_RECEIVED);
}

static void OFFER_SENT(const struct rln_step *st)
{
	if (st->s->is_offering) /* an INVITE without offer, or a re-INVITE that has to wait, has sent none */
		sent(st, RLN_SDP_OFFER_SENT);
}

static void ANSWER_SENT(const struct rln_step *st)
{
	sent(st, RLN_SDP_ANSWER_SENT);
}

const rln_publication_fn rln_publication_bodies[RLN_PUB_COUNT] = {
#define X(name, text) [RLN_PUB_##name] = name,
	RLN_PUBLICATIONS(X)
#undef X
};
