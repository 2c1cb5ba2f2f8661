/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of a leg's packets: the mode bits, worked out whenever something changes, and whose stream they go on as. One mechanism does both echo and
 * bridge: a packet is turned to a leg, its own or its partner's.
 *
 * A bridge is two one-way ties, each from the leg that receives (cold->to) to the leg that sends (cold->from); a leg has at most one of each. The tie holds for
 * as long as control wants it; whether packets pass just now is row->to and RLN_LEG_TURN: the receiving leg lets media in, the sending one may send, is not muted
 *, has no file to play and no digits to send. What the application sends by its audio channel is heard where the partner's packets leave room: while these stay away for 100 ms the leg
 * sends by the clock again (phase.c), so that R155's packet every 20 ms and a NAT's binding hold.
 */
#include <string.h>

#include "rtp/pipeline_priv.h"
#include "rtp/recorder.h"

/* Packets of another one may go out as ours. */
static bool takes(const struct rln_leg *leg)
{
	const struct rln_leg_cold *cold = leg->cold;

	return (leg->mode & RLN_LEG_OUT) && !cold->params.muted && cold->player == NULL && !leg->tx_digits;
}

static struct rln_leg *target(struct rln_leg *leg)
{
	struct rln_leg_cold *cold = leg->cold;

	if (cold->to)
		return cold->to;
	return cold->params.app == RLN_LEG_ECHO && cold->from == NULL ? leg : NULL;
}

static bool is_recording_both(const struct rln_leg *leg)
{
	return leg->cold->recorder != NULL && rln_recorder_is_stereo(leg->cold->recorder);
}

static uint8_t mode_alone(const struct rln_leg *leg)
{
	const struct rln_leg_cold *cold = leg->cold;
	uint8_t mode = leg->mode & (RLN_LEG_NEWS | RLN_LEG_REMAP);
	bool running = cold->started && !cold->closing;

	if (!cold->closing && (!running || (cold->params.direction & RLN_MEDIA_INBOUND)))
		mode |= RLN_LEG_IN;
	if (running && (cold->params.direction & RLN_MEDIA_OUTBOUND) && cold->has_flow)
		mode |= RLN_LEG_OUT;
	if (cold->recorder != NULL || cold->channel_in != NULL)
		mode |= RLN_LEG_SINK;
	if (cold->tap != NULL)
		mode |= RLN_LEG_TAP;
	return mode;
}

static void mode_set(struct rln_leg *leg)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_leg *to = target(leg), *before = cold->row->to;

	leg->mode = mode_alone(leg);
	cold->row->to = to && (leg->mode & RLN_LEG_IN) && takes(to) ? to : NULL;
	to = cold->row->to;
	if (to == NULL)
		return;
	leg->mode |= RLN_LEG_TURN;
	if (to != before)
		leg->mode |= RLN_LEG_REMAP;
	if (is_recording_both(to))
		leg->mode |= RLN_LEG_SINK;
	if (to == leg && rln_addr_equal(&leg->flow.remote, &cold->row->source))
		leg->mode |= RLN_LEG_BACK;
}

void rln_leg_refresh(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;

	mode_set(leg);
	if (cold->from)
		mode_set(cold->from);
	if (unlikely(leg->tx_digits) && (!(leg->mode & RLN_LEG_OUT) || leg->event_turn_pt == 0))
		rln_leg_drop_digits(leg);
	rln_leg_schedule(leg, now_ns);
	if (cold->to)
		rln_leg_schedule(cold->to, now_ns);
}

bool rln_leg_is_fed(const struct rln_leg *leg)
{
	const struct rln_leg *from = leg->cold->from ? leg->cold->from : leg;

	return from->cold->row->to == leg && !(from->mode & RLN_LEG_REMAP);
}

void rln_leg_bridge(struct rln_leg *leg, struct rln_leg *to, uint64_t now_ns)
{
	struct rln_leg *old = leg->cold->to, *other = to ? to->cold->from : NULL;

	if (old == to)
		return;
	if (old)
		old->cold->from = NULL;
	if (other)
		other->cold->to = NULL;
	leg->cold->to = to;
	if (to)
		to->cold->from = leg;
	rln_leg_refresh(leg, now_ns);
	if (old)
		rln_leg_refresh(old, now_ns);
	if (other)
		rln_leg_refresh(other, now_ns);
	if (to)
		rln_leg_refresh(to, now_ns);
}

void rln_leg_part(struct rln_leg *leg, uint64_t now_ns)
{
	rln_leg_bridge(leg, NULL, now_ns);
	if (leg->cold->from)
		rln_leg_bridge(leg->cold->from, NULL, now_ns);
}
