/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guards of the state table: questions about the event, the session and the layers below. They read and never write.
 */
#include "session/actions.h"
#include "session/media_ctl.h"
#include "session/offer.h"
#include "session/said.h"
#include "sip/message.h"

#define GUARD(name) static bool name(const struct rln_step *st)

GUARD(LEG_ASKED)
{
	return st->s->leg_hold == RLN_HOLD_ASKED;
}

GUARD(LEG_READY)
{
	return st->s->leg_hold >= RLN_HOLD_READY && st->s->leg_hold <= RLN_HOLD_RUNNING;
}

GUARD(LEG_RUNNING)
{
	return st->s->leg_hold == RLN_HOLD_RUNNING;
}

GUARD(NEWS)
{
	const struct rln_ev_media_negotiated *told = &st->s->told;
	const struct rln_leg_params *now = &st->s->params;

	if (now->config.codec == RLN_CODEC_NONE)
		return false;
	return told->codec != now->config.codec || told->payload_type != now->payload_type || told->direction != now->direction ||
	       !rln_addr_equal(&told->remote_addr, &now->remote);
}

GUARD(NEWS_APPLIED)
{
	return LEG_RUNNING(st) && NEWS(st);
}

/* R155. A one-way call needs no flow both ways before its first frame. */
GUARD(ITS_TURN)
{
	bool is_two_way = st->s->told.direction == RLN_MEDIA_BIDIRECTIONAL;
	uint8_t said = st->s->said;

	if (!(said & RLN_SAID_NEGOTIATED))
		return false;
	return st->ev->kind != RLN_EV_FIRST_AUDIO_FRAME_RECEIVED || !is_two_way || (said & RLN_SAID_FLOW);
}

GUARD(STREAM_FAULT)
{
	switch ((enum rln_media_fault)st->ev->media_error.error) {
	case RLN_MEDIA_FAULT_DISK:
	case RLN_MEDIA_FAULT_FILE:
	case RLN_MEDIA_FAULT_FORMAT:
	case RLN_MEDIA_FAULT_COMMAND:
		return false;
	case RLN_MEDIA_FAULT_NO_PORT:
	case RLN_MEDIA_FAULT_NO_MEMORY:
	case RLN_MEDIA_FAULT_BAD_SDP:
	case RLN_MEDIA_FAULT_UNREACHABLE:
	case RLN_MEDIA_FAULT_SRTP:
		break;
	}
	return true;
}

/* What never flowed cannot be lost: a peer that opens no port for its audio is left alone. */
GUARD(FAULT_LOST)
{
	return STREAM_FAULT(st) && (st->s->said & (RLN_SAID_FLOW | RLN_SAID_FIRST_FRAME));
}

GUARD(ANSWERED)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return d->is_ack_pending(d->arg, st->s->dialog) || d->get_state(d->arg, st->s->dialog) == RLN_DIALOG_CONFIRMED;
}

GUARD(FAULT_ANSWERED)
{
	return STREAM_FAULT(st) && ANSWERED(st);
}

GUARD(FAULT_BAD_SDP)
{
	return st->ev->media_error.error == RLN_MEDIA_FAULT_BAD_SDP;
}

GUARD(FAULT_NO_ROOM)
{
	return st->ev->media_error.error == RLN_MEDIA_FAULT_NO_PORT || st->ev->media_error.error == RLN_MEDIA_FAULT_NO_MEMORY;
}

GUARD(AUTO_ANSWER)
{
	return st->s->policy & RLN_CALL_AUTO_ANSWER;
}

GUARD(INVITE_OUT)
{
	return st->s->dialog_hold == RLN_HOLD_RUNNING;
}

GUARD(NO_SDP)
{
	return rln_event_sdp_slice(st->ev).len == 0;
}

GUARD(OFFER_USABLE)
{
	struct rln_sdp_agreed agreed;
	size_t len;
	const char *sdp = rln_event_sdp(st->ev, &len);

	return len && rln_media_try_offer(st->layers, st->s, sdp, len, &agreed) == 0;
}

GUARD(NO_OFFER_KEPT)
{
	return st->s->offer_sdp.len == 0;
}

GUARD(WE_OFFERED_NONE)
{
	return st->s->policy & RLN_CALL_LATE_OFFER;
}

GUARD(ANSWER_USABLE)
{
	struct rln_sdp_agreed agreed;
	size_t len;
	const char *sdp = rln_event_sdp(st->ev, &len);

	/* until the call is up, a call that we made without offer gets offers, not answers */
	if (len == 0 || (WE_OFFERED_NONE(st) && st->s->local_sdp_len == 0))
		return false;
	return rln_media_try_answer(st->layers, st->s, sdp, len, &agreed) == 0;
}

GUARD(EARLY_ANSWER)
{
	return NO_SDP(st) && st->s->leg_hold >= RLN_HOLD_STARTING && st->s->leg_hold <= RLN_HOLD_RUNNING;
}

GUARD(LATE_OFFER_USABLE)
{
	return WE_OFFERED_NONE(st) && OFFER_USABLE(st);
}

GUARD(OFFER_WAITS)
{
	return st->s->is_offering;
}

GUARD(NONE_OFFERED)
{
	return !st->s->is_offering;
}

GUARD(LATE_ANSWER_USABLE)
{
	return OFFER_WAITS(st) && ANSWER_USABLE(st);
}

GUARD(OUR_OFFER_OPEN)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return st->s->is_offering || d->is_invite_open(d->arg, st->s->dialog);
}

GUARD(UPDATE_PLAIN)
{
	return rln_event_is_plain_update(st->ev);
}

GUARD(BY_CANCEL)
{
	return st->ev->call_terminated.reason == RLN_END_CANCELLED;
}

GUARD(CODE_ENDS)
{
	uint16_t code = rln_event_code(st->ev);

	return code == 408 || code == 481;
}

GUARD(DIALOG_OVER)
{
	return st->ev->dialog_state_changed.new_state == RLN_DIALOG_TERMINATED;
}

GUARD(VITAL_ACTION)
{
	switch (st->ev->action_failed.action) {
	case RLN_ACT_MAKE_ANSWER:
	case RLN_ACT_APPLY_ANSWER:
	case RLN_ACT_ESTABLISH_FLOW:
	case RLN_ACT_SEND_ANSWER:
		return true;
	default:
		return false;
	}
}

/* ---- the INVITE and its early dialog ---- */

GUARD(LEG_STARTING)
{
	return st->s->leg_hold == RLN_HOLD_STARTING;
}

GUARD(CAN_RETRY)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return d->can_retry(d->arg, st->s->dialog);
}

/* A re-INVITE has no place before the 2xx, whatever was exchanged (RFC 3261 14.1). */
GUARD(EARLY_EXCHANGED)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return st->ev->reinvite_received.method != RLN_SIP_INVITE && !st->s->is_offering && d->is_answered(d->arg, st->s->dialog);
}

GUARD(ANSWER_OWED)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return st->ev->reinvite_received.method != RLN_SIP_INVITE && d->is_answer_owed(d->arg, st->s->dialog);
}

GUARD(EARLY_OFFER_USABLE)
{
	return EARLY_EXCHANGED(st) && OFFER_USABLE(st);
}

GUARD(EARLY_OFFER_OWED)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return LATE_OFFER_USABLE(st) && d->is_answer_owed(d->arg, st->s->dialog);
}

GUARD(NO_PRACK)
{
	return st->ev->dialog_error.error == RLN_FAULT_NO_PRACK;
}

/* ---- offers of a call that is up ---- */

GUARD(DIRECTION_MOVES)
{
	struct rln_sdp_agreed agreed;
	size_t len;
	const char *sdp = rln_event_sdp(st->ev, &len);

	return len && rln_media_try_offer(st->layers, st->s, sdp, len, &agreed) == 0 &&
	       agreed.direction != st->s->params.direction;
}

GUARD(STEP_FAILED)
{
	switch (st->ev->action_failed.action) {
	case RLN_ACT_HOLD:
	case RLN_ACT_RESUME:
	case RLN_ACT_REINVITE:
	case RLN_ACT_SWITCH_CODEC:
	case RLN_ACT_ANALYZE_METRICS:
	case RLN_ACT_TRANSFER:
	case RLN_ACT_TRANSFER_REPLACES:
	case RLN_ACT_CALL_TARGET:
	case RLN_ACT_ACCEPT_REFER:
	case RLN_ACT_CALL_REFERRED:
		return true;
	default:
		return false;
	}
}

GUARD(SWITCH_DECIDED)
{
	return st->ev->evaluated.decision == RLN_EVALUATED_SWITCH;
}

GUARD(OFFER_KEPT)
{
	return st->s->offer_sdp.len != 0;
}

GUARD(BY_TELEPHONE_EVENT)
{
	return st->s->params.telephone_event_tx && LEG_RUNNING(st);
}

GUARD(BY_INFO)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return d->get_state(d->arg, st->s->dialog) == RLN_DIALOG_CONFIRMED && d->peer_allows(d->arg, st->s->dialog, RLN_SIP_INFO);
}

/* ---- linked calls; both belong to the lcore that asks ---- */

static const struct rln_session *session_of(const struct rln_step *st, uint64_t id)
{
	return rln_session_manager_get_session(st->layers->sessions, (struct rln_session_id){id});
}

static bool is_state(const struct rln_session *s, enum rln_call_state state)
{
	return s && s->state == state;
}

static bool has_left(enum rln_call_state state)
{
	switch (state) {
	case RLN_STATE_CANCEL_PENDING:
	case RLN_STATE_CANCELLED:
	case RLN_STATE_TERMINATING:
	case RLN_STATE_TERMINATED:
	case RLN_STATE_FAILED:
		return true;
	default:
		return false;
	}
}

static bool is_of_other(const struct rln_step *st)
{
	return st->s->other && st->ev->other_call.other == st->s->other;
}

GUARD(OTHER_LEFT)
{
	return is_of_other(st) && has_left((enum rln_call_state)st->ev->other_call.new_state);
}

GUARD(LEFT_TOO_EARLY)
{
	return OTHER_LEFT(st) && OUR_OFFER_OPEN(st);
}

/* RFC 3515 2.4.5 tells of the final response: a peer that answers and hangs up before our media stands has answered. */
GUARD(REFERRED_UP)
{
	const struct rln_ev_other_call *other = &st->ev->other_call;

	return st->s->link == RLN_LINK_REFERRED && is_of_other(st) &&
	       (other->new_state == RLN_STATE_ACTIVE ||
		       (other->old_state == RLN_STATE_NEGOTIATING && other->reason == RLN_END_REMOTE));
}

GUARD(REFERRED_LEFT)
{
	return st->s->link == RLN_LINK_REFERRED && OTHER_LEFT(st);
}

GUARD(TRANSFER_ALLOWED)
{
	const struct rln_ev_transfer_requested *ev = &st->ev->transfer_requested;

	return st->layers->allows_transfer(st->layers->arg, st->s, rln_slice_text(ev->block, ev->refer_to));
}

GUARD(CONSULT_READY)
{
	return st->s->link == RLN_LINK_CONSULT && is_state(session_of(st, st->s->other), RLN_STATE_ACTIVE) && !OUR_OFFER_OPEN(st);
}

GUARD(CONSULT_OVER)
{
	return st->s->saved == RLN_STATE_CONSULTING && st->s->other == 0;
}

GUARD(TRANSFER_LATE)
{
	return st->ev->timer_fired.timer == RLN_TIMER_TRANSFER;
}

GUARD(TRANSFER_LATE_CONSULT_OVER)
{
	return TRANSFER_LATE(st) && CONSULT_OVER(st);
}

GUARD(LINKED_BRIDGE)
{
	return st->s->link == RLN_LINK_BRIDGE;
}

/* Does the call that BRIDGE_CALLS names hold on to us? */
static const struct rln_session *bridged_with_us(const struct rln_step *st)
{
	const struct rln_session *other = session_of(st, st->ev->bridge_calls.other);

	return other && other->link == RLN_LINK_BRIDGE && other->other == st->s->id.v ? other : NULL;
}

GUARD(BRIDGE_ASKED)
{
	return is_state(bridged_with_us(st), RLN_STATE_BRIDGED);
}

GUARD(BRIDGE_ASKED_EARLY)
{
	return is_state(bridged_with_us(st), RLN_STATE_PROCEEDING);
}

/* Another call than ours, with a leg, on our worker; and we have one too. */
static const struct rln_session *joinable(const struct rln_step *st)
{
	const struct rln_session *other = session_of(st, st->ev->bridge_calls.other);
	bool both = other && other != st->s && other->media.v && st->s->media.v;

	return both && rln_id_shard(other->id.v) == rln_id_shard(st->s->id.v) ? other : NULL;
}

GUARD(BRIDGEABLE)
{
	return is_state(joinable(st), RLN_STATE_ACTIVE);
}

GUARD(EARLY_BRIDGEABLE)
{
	return OFFER_KEPT(st) && LEG_READY(st) && is_state(joinable(st), RLN_STATE_EARLY_MEDIA);
}

GUARD(EARLY_JOINED)
{
	return st->s->link == RLN_LINK_BRIDGE && st->s->other == st->ev->bridge_calls.other && joinable(st) != NULL;
}

GUARD(OTHER_ELSEWHERE)
{
	const struct rln_session *other = session_of(st, st->ev->bridge_calls.other);

	return other && rln_id_shard(other->id.v) != rln_id_shard(st->s->id.v);
}

GUARD(OTHER_PARTED)
{
	return LINKED_BRIDGE(st) && is_of_other(st) && (st->ev->other_call.parted || OTHER_LEFT(st));
}

GUARD(LOST_OWING)
{
	return FAULT_LOST(st) && OFFER_KEPT(st);
}

GUARD(PARTED_OWING)
{
	return OTHER_PARTED(st) && OFFER_KEPT(st);
}

/* Two offers that meet in a bridge would wait for one another. */
GUARD(BRIDGE_BUSY)
{
	return OUR_OFFER_OPEN(st) || st->s->asker || OFFER_KEPT(st);
}

GUARD(ANSWER_PASSED)
{
	return OFFER_KEPT(st) && st->ev->bridge_answer.code / 100 == 2;
}

GUARD(OTHER_LACKS_EVENTS)
{
	const struct rln_session *other = LINKED_BRIDGE(st) ? session_of(st, st->s->other) : NULL;

	return other && other->params.telephone_event_tx == 0;
}

/* ---- timers ---- */

GUARD(RING_LIMIT)
{
	return st->ev->timer_fired.timer == RLN_TIMER_RING_LIMIT;
}

GUARD(REINVITE_DUE)
{
	return st->ev->timer_fired.timer == RLN_TIMER_REINVITE && !OUR_OFFER_OPEN(st);
}

/* An offer of ours that is out already tells by itself how it ends. */
GUARD(REINVITE_PUT_OFF)
{
	return st->ev->timer_fired.timer == RLN_TIMER_REINVITE && NONE_OFFERED(st);
}

GUARD(CLEANUP_DUE)
{
	return st->ev->timer_fired.timer == RLN_TIMER_CLEANUP;
}

const rln_guard_fn rln_guard_bodies[RLN_GUARD_COUNT] = {
#define X(name, text) [RLN_GUARD_##name] = name,
	RLN_GUARDS(X)
#undef X
};
