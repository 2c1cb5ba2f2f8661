/* SPDX-License-Identifier: BSD-3-Clause */
/* What may happen in a part of session_explore_test.c, choice by choice: letters, losses, acts of applications and workers, timers, the third call's peer. */
#pragma once

#include "session_explore_state.h"

enum act {
	A_HANGUP,
	A_ACCEPT,
	A_REJECT,
	A_HOLD,
	A_RESUME,
	A_UPDATE, /* a re-INVITE of the application */
	A_BLIND,
	A_CONSULT,
	A_COMPLETE,
	A_CALL, /* the third call, with no link to this one */
	A_BRIDGE,
	A_UNBRIDGE,
	A_FLOW, /* reports of the worker */
	A_FRAME,
	A_NO_RTP,
	A_FAULT,
	A_FULL_DISK,
	A_LOSS,
	A_MILD_LOSS,
	A_REFRESH, /* the dialog's own, a re-INVITE or an UPDATE without description (RFC 4028) */
	A_PLAIN_REFRESH,
	A_OFFER, /* an UPDATE with an offer, as other user agents send it */
	ACTS
};

#define ON(act)   (1u << A_##act)
#define UNBOUNDED 255

struct part {
	const char *name;
	uint32_t acts[SIDES]; /* bit per enum act */
	uint8_t losses, swaps;
	uint8_t times;  /* that a side may do the same, or UNBOUNDED */
	uint8_t policy; /* RLN_CALL_* bits of the first call */
	bool is_up;     /* it begins with both calls ACTIVE */
	bool is_late;   /* a worker's reports may come late */
	bool is_reliable, may_transfer;
	bool no_leg; /* the callee gets none */
};

static const struct part *part;
static uint8_t used[SIDES][ACTS];
static unsigned losses, swaps;

/* ---- what may happen ---- */

static struct rln_session *call_of(const struct side *s)
{
	return s->session.v ? session_of(s->session) : NULL;
}

static struct letter take(struct side *s, unsigned at)
{
	struct letter l = s->mail[at];

	memmove(&s->mail[at], &s->mail[at + 1], (--s->mail_n - at) * sizeof(l));
	return l;
}

static bool is_mail(void)
{
	return side[0].mail_n + side[1].mail_n > 0;
}

/* A transaction that waits, and would hear nothing more. A callee that rings may ring on. */
static bool can_give_up(const struct side *s)
{
	return (s->invite != NONE && s->invite != PROCEEDING) || s->ack || s->bye_out || s->update_out || s->refer;
}

static void give_up_reinvite(struct side *s)
{
	bool is_refresh = s->is_refresh;

	s->invite = NONE;
	s->is_refresh = false;
	if (!is_live(s))
		return;
	s->d->invite_open = false;
	if (is_refresh)
		expires(s);
	else
		dialog_says(s->d, RLN_CALL_TIMED_OUT, 408, NULL);
}

static void give_up_ack(struct side *s)
{
	s->ack = 0;
	if (!is_live(s))
		return;
	s->d->ack_pending = false;
	dialog_says(s->d, RLN_CALL_ACK_MISSING, 408, NULL);
	if (s->bye_waits)
		send_bye(s);
}

static bool give_up(struct side *s)
{
	if (!can_give_up(s))
		return false;
	if (s->invite == REINVITING)
		give_up_reinvite(s);
	else if (s->update_out)
		expires(s);
	else if (s->invite != NONE && s->invite != PROCEEDING)
		on_refused(s, 408);
	else if (s->ack)
		give_up_ack(s);
	else if (s->bye_out)
		bye_ended(s, RLN_END_TIMEOUT, 408);
	else
		on_refer_ended(s, s->refer == 1 ? RLN_CALL_TIMED_OUT : RLN_CALL_TRANSFER_FAILED, 408);
	return true;
}

/* The session's own events and the dialogs' at once; a worker's reports may be late. */
static void settle(void)
{
	while (pump_one(FROM_SELF) || pump_one(FROM_DIALOG) || (!part->is_late && pump_one(FROM_MEDIA)))
		;
	for (unsigned i = 0; i < SIDES; i++) {
		if (side[i].d && side[i].session.v && !session_of(side[i].session))
			side[i].d = NULL; /* given back */
	}
}

static unsigned deferred_n(const struct rln_session *c)
{
	unsigned n = 0;

	for (const struct rln_deferred *d = c->deferred; d; d = d->next)
		n++;
	return n;
}

/* What sip/dialog_refresh.c calls busy, its retries apart. */
static bool may_refresh(const struct side *s, enum act a)
{
	bool is_free = is_live(s) && s->invite == NONE && !s->ack && !s->update_out && !s->offered && !s->d->bye_out;

	return is_free && (s->d->state == RLN_DIALOG_CONFIRMED || (a == A_OFFER && s->d->answered));
}

static bool may_act(unsigned i, enum act a)
{
	const struct rln_session *c = call_of(&side[i]);
	bool has_room = w->queue[FROM_MEDIA].tail - w->queue[FROM_MEDIA].head < 2;

	if (!(part->acts[i] & 1u << a) || !c || (part->times != UNBOUNDED && used[i][a] >= part->times) || deferred_n(c) > 1)
		return false;
	switch (a) {
	case A_CONSULT:
	case A_CALL:
		return !THIRD->begun && side[0].begun && side[1].begun;
	case A_BRIDGE:
		return call_of(THIRD) != NULL;
	case A_FLOW:
	case A_FRAME:
	case A_NO_RTP:
	case A_FAULT:
	case A_FULL_DISK:
	case A_LOSS:
	case A_MILD_LOSS:
		return has_room && c->leg_hold == RLN_HOLD_RUNNING;
	case A_REFRESH:
	case A_PLAIN_REFRESH:
	case A_OFFER:
		return may_refresh(&side[i], a);
	default:
		return true;
	}
}

static void report(const struct rln_session *c, enum act a)
{
	static const enum rln_event_kind kinds[ACTS] = {[A_FLOW] = RLN_EV_MEDIA_FLOW_ESTABLISHED,
		[A_FRAME] = RLN_EV_FIRST_AUDIO_FRAME_RECEIVED,
		[A_NO_RTP] = RLN_EV_RTP_TIMEOUT,
		[A_MILD_LOSS] = RLN_EV_MEDIA_QUALITY_DEGRADED};
	struct rln_event loss = {
		.id = c->media.v, .kind = RLN_EV_PACKET_LOSS_DETECTED, .packet_loss_detected = {.loss_percentage = 20}};

	if (a == A_FAULT)
		media_fails(c->media.v, RLN_MEDIA_FAULT_UNREACHABLE);
	else if (a == A_FULL_DISK)
		media_fails(c->media.v, RLN_MEDIA_FAULT_DISK);
	else if (a == A_LOSS)
		queue_push(FROM_MEDIA, &loss);
	else
		media_says(c->media.v, kinds[a]);
}

static void update(struct side *s, const char *sdp)
{
	s->update_out = true;
	post(s, M_UPDATE, 0, sdp);
}

static void refresh(struct side *s)
{
	s->invite = REINVITING;
	s->is_refresh = s->d->invite_open = true;
	post(s, M_REINVITE, 0, SDP_MOVED);
}

static void act(unsigned i, enum act a)
{
	static const enum rln_event_kind kinds[ACTS] = {[A_HANGUP] = RLN_EV_HANGUP_CALL,
		[A_ACCEPT] = RLN_EV_ACCEPT_CALL,
		[A_REJECT] = RLN_EV_REJECT_CALL,
		[A_HOLD] = RLN_EV_HOLD_CALL,
		[A_RESUME] = RLN_EV_RESUME_CALL,
		[A_COMPLETE] = RLN_EV_COMPLETE_TRANSFER,
		[A_UNBRIDGE] = RLN_EV_UNBRIDGE_CALLS};
	struct rln_session *c = call_of(&side[i]);

	used[i][a] += part->times != UNBOUNDED;
	if (a == A_UPDATE)
		command(c->id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_OUTBOUND);
	else if (a == A_BLIND)
		command_target(c->id, RLN_EV_BLIND_TRANSFER);
	else if (a == A_CONSULT)
		command_target(c->id, RLN_EV_START_CONSULT);
	else if (a == A_CALL)
		call_new(0);
	else if (a == A_BRIDGE)
		command_other(c->id, RLN_EV_BRIDGE_CALLS, THIRD->session);
	else if (a == A_REFRESH)
		refresh(&side[i]);
	else if (a == A_PLAIN_REFRESH || a == A_OFFER)
		update(&side[i], a == A_OFFER ? SDP_HELD : NULL);
	else if (a >= A_FLOW)
		report(c, a);
	else
		command(c->id, kinds[a], 486);
}

/* Counts the choices of this state (want < 0), or makes one of them. */
static int chosen, wanted_choice;

static bool is_chosen(bool condition)
{
	return condition && chosen++ == wanted_choice;
}

/* What the third call's peer may say; nothing of it is ever on the way. */
static bool third_party(void)
{
	static const struct letter rings = {M_RINGING, 180, ""}, early = {M_PROGRESS, 183, SDP_PEER},
				   answers = {M_OK, 200, SDP_PEER}, refuses = {M_REFUSED, 486, ""},
				   takes = {M_REOK, 200, SDP_PEER}, declines = {M_REREFUSED, 488, ""}, leaves = {M_BYE, 0, ""},
				   agrees = {M_BYE_OK, 200, ""};
	struct side *s = THIRD;
	bool is_called = s->invite != NONE && s->invite != REINVITING;
	const struct letter *l = NULL;

	if (is_chosen(s->invite == CALLING || s->invite == CANCEL_WAITS))
		l = &rings;
	if (is_chosen((s->invite == CALLING || s->invite == PROCEEDING) && is_live(s) && call_of(s) &&
		      call_of(s)->state == RLN_STATE_CALLING))
		l = &early;
	if (is_chosen(is_called))
		l = &answers;
	if (is_chosen(is_called))
		l = &refuses;
	if (is_chosen(s->invite == REINVITING))
		l = &takes;
	if (is_chosen(s->invite == REINVITING))
		l = &declines;
	if (is_chosen(is_live(s) && s->d->state == RLN_DIALOG_CONFIRMED && !s->bye_out))
		l = &leaves;
	if (is_chosen(s->bye_out))
		l = &agrees;
	if (l)
		receive(s, l);
	return l != NULL;
}

/* The timers of a call may fire in any order; the long ones not while letters are on the way, which are dead after 64*T1. */
static bool timers(unsigned i)
{
	struct rln_session *c = call_of(&side[i]);

	for (unsigned t = 0; c && t < RLN_TIMER_COUNT; t++) {
		struct rln_session_timer_slot *slot = &c->timers[t];

		if (!is_chosen(rln_timer_is_armed(&slot->timer) && (t == RLN_TIMER_REINVITE || !is_mail())))
			continue;
		rln_wheel_disarm(w->wheel, &slot->timer);
		slot->timer.fire(&slot->timer, w->now);
		return true;
	}
	return false;
}

static bool mail(struct side *s)
{
	struct letter l;

	for (unsigned at = 0; at < s->mail_n; at++) {
		if (is_chosen(at == 0 || swaps < part->swaps)) {
			swaps += at != 0 && part->swaps != UNBOUNDED;
			l = take(s, at);
			receive(s, &l);
			return true;
		}
		if (is_chosen(losses < part->losses)) {
			losses += part->losses != UNBOUNDED;
			take(s, at);
			return true;
		}
	}
	return false;
}

static bool happens(void)
{
	for (unsigned i = 0; i < SIDES; i++) {
		if (mail(&side[i]))
			return true;
		if (is_chosen(!is_mail() && can_give_up(&side[i])))
			return give_up(&side[i]);
		for (enum act a = 0; a < ACTS; a++) {
			if (!is_chosen(may_act(i, a)))
				continue;
			act(i, a);
			return true;
		}
		if (timers(i))
			return true;
	}
	if (third_party())
		return true;
	return is_chosen(w->queue[FROM_MEDIA].head != w->queue[FROM_MEDIA].tail) && pump_one(FROM_MEDIA);
}

static int choose(int want)
{
	chosen = 0;
	wanted_choice = want;
	if (happens())
		settle();
	return chosen;
}

/* Whatever an unfinished path left behind, given back without a word. */
static void clear(void)
{
	struct rln_session *s;
	uint32_t cursor = 0;

	while ((s = rln_session_manager_next(w->sessions, &cursor))) {
		w->ends[rln_id_slot(s->id.v)] = 1;
		rln_cleanup_session(&w->layers, s);
	}
	for (unsigned q = 0; q < SOURCES; q++) {
		while (w->queue[q].head != w->queue[q].tail)
			rln_block_release(rln_event_block(&w->queue[q].ev[w->queue[q].head++ % QUEUE_MAX]));
	}
	memset(w->legs, 0, sizeof(w->legs));
	memset(w->dialogs, 0, sizeof(w->dialogs));
	forget();
}

/* Undisturbed, so that a part begins where its matter does. */
static void set_up(void)
{
	for (unsigned round = 0; round < 8; round++) {
		pump();
		settle();
		if (round == 1)
			command(side[1].session, RLN_EV_ACCEPT_CALL, 0);
		for (unsigned i = 0; i < 2; i++) {
			while (side[i].mail_n > 0) {
				struct letter l = take(&side[i], 0);

				receive(&side[i], &l);
				settle();
			}
		}
	}
	assert_int_equal(state_of(side[0].session), RLN_STATE_ACTIVE);
	assert_int_equal(state_of(side[1].session), RLN_STATE_ACTIVE);
}

static void begin(void)
{
	clear();
	memset(side, 0, sizeof(side));
	memset(used, 0, sizeof(used));
	losses = swaps = 0;
	is_reliable = part->is_reliable;
	w->allow_transfers = part->may_transfer;
	w->fail_create_leg = 0;
	w->wire = ordered;
	w->quiet_dialog = true;
	call_new(part->policy);
	w->fail_create_leg = part->no_leg ? RLN_MEDIA_FAULT_NO_PORT + 1 : 0;
	settle();
	if (part->is_up)
		set_up();
}

static uint64_t hash_world(void)
{
	uint64_t h = mixed(0, losses | (uint64_t)swaps << 8);

	for (unsigned i = 0; i < SIDES; i++) {
		for (unsigned a = 0; a < ACTS; a++)
			h = mixed(h, used[i][a]);
		h = hash_side(h, &side[i]);
	}
	return hash_reports(h);
}
