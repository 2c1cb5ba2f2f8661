/* SPDX-License-Identifier: BSD-3-Clause */
/* The dialogs of session_world.h as the wire sees them: what a test lets the peer of a call do, and what the machine is told of it. */
#pragma once

#include "session_world_state.h"

static void wire(struct fake_dialog *d, enum order order, uint16_t code, const char *sdp)
{
	if (w->wire)
		w->wire(d, order, code, sdp ? sdp : "");
}

static struct fake_dialog *dialog_of(uint64_t id)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		if (w->dialogs[i].id == id && id)
			return &w->dialogs[i];
	}
	return NULL;
}

static struct fake_dialog *dialog_new(bool is_uas)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		struct fake_dialog *d = &w->dialogs[i];

		if (d->id == 0) {
			memset(d, 0, sizeof(*d));
			d->id = rln_id_make(RLN_ID_DIALOG, 0, i, ++w->dialog_generation);
			d->is_uas = is_uas;
			return d;
		}
	}
	return NULL;
}

static void dialog_emit(struct fake_dialog *d, struct rln_event *ev)
{
	ev->id = d->id;
	if (d->released || d->ended)
		rln_block_release(rln_event_block(ev));
	else
		queue_push(FROM_DIALOG, ev);
}

static UNUSED void dialog_moves(struct fake_dialog *d, enum rln_dialog_state to)
{
	struct rln_event ev = {.kind = RLN_EV_DIALOG_STATE_CHANGED,
		.dialog_state_changed = {.old_state = (uint8_t)d->state, .new_state = (uint8_t)to}};

	if (d->state == to || d->state == RLN_DIALOG_TERMINATED)
		return;
	d->state = to;
	dialog_emit(d, &ev);
	if (to == RLN_DIALOG_TERMINATED) {
		d->ended = true;
		d->invite_open = d->ack_pending = d->theirs_open = false;
	}
}

static UNUSED void dialog_says(struct fake_dialog *d, enum rln_call_progress value, uint16_t status, const char *sdp)
{
	struct rln_slice at;
	struct rln_event ev = event_text(0, RLN_EV_CALL_STATE_CHANGED, sdp, &at);

	ev.call_state_changed.sdp = at;
	ev.call_state_changed.status = status;
	ev.call_state_changed.new_state = (uint8_t)value;
	dialog_emit(d, &ev);
}

static UNUSED void dialog_sdp(struct fake_dialog *d, enum rln_event_kind kind, const char *sdp)
{
	struct rln_slice at;
	struct rln_event ev = event_text(0, kind, sdp, &at);

	ev.call_established.sdp = at;
	dialog_emit(d, &ev);
}

static UNUSED void dialog_reinvited(struct fake_dialog *d, const char *sdp, enum rln_sip_method method)
{
	struct rln_slice at;
	struct rln_event ev = event_text(0, RLN_EV_REINVITE_RECEIVED, sdp, &at);

	ev.reinvite_received.sdp = at;
	ev.reinvite_received.method = (uint8_t)method;
	d->theirs_open = true;
	dialog_emit(d, &ev);
}

/* The peer's REFER. */
static UNUSED void dialog_referred(struct fake_dialog *d, const char *replaces)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "sip:carol@198.18.0.3%s", replaces ? replaces : "");
	struct rln_slice at;
	struct rln_event ev = event_text(0, RLN_EV_TRANSFER_REQUESTED, text, &at);

	ev.transfer_requested.refer_to = (struct rln_slice){at.off, at.len ? 20 : 0};
	if (replaces && at.len) {
		ev.transfer_requested.replaces = (struct rln_slice){(uint16_t)(at.off + 20), (uint16_t)(len - 20)};
		ev.transfer_requested.type = RLN_TRANSFER_ATTENDED;
	}
	d->refer_open = true;
	dialog_emit(d, &ev);
}

static UNUSED void dialog_over(struct fake_dialog *d, enum rln_end_reason reason, uint16_t code)
{
	struct rln_event ev = {.kind = RLN_EV_CALL_TERMINATED, .call_terminated = {.reason = (uint8_t)reason, .code = code}};

	if (!d->reported)
		dialog_emit(d, &ev);
	d->reported = true;
}

/* The wire's answers to an INVITE of ours. */
static UNUSED void dialog_answers(struct fake_dialog *d, const char *sdp)
{
	d->invite_open = false;
	dialog_moves(d, RLN_DIALOG_CONFIRMED);
	if (d->cancelled)
		dialog_says(d, RLN_CALL_LATE_ANSWER, 200, sdp);
	else
		dialog_sdp(d, RLN_EV_CALL_ESTABLISHED, sdp);
}

static UNUSED void dialog_refuses(struct fake_dialog *d, uint16_t status)
{
	d->invite_open = false;
	dialog_says(d, status == 408 ? RLN_CALL_TIMED_OUT : RLN_CALL_REFUSED, status, NULL);
	dialog_moves(d, RLN_DIALOG_TERMINATED);
}

static UNUSED void dialog_byes(struct fake_dialog *d)
{
	dialog_over(d, RLN_END_REMOTE, 0);
	dialog_moves(d, RLN_DIALOG_TERMINATED);
}

/* What the real layer does with TERMINATE_SESSION. */
static void dialog_terminate(struct fake_dialog *d, uint16_t code)
{
	wire(d, ORDER_TERMINATE, code, NULL);
	if (d->ended || w->quiet_dialog)
		return;
	if (d->state == RLN_DIALOG_CONFIRMED) {
		d->bye_out = true;
		if (!d->ack_pending) {
			dialog_over(d, RLN_END_NORMAL, 200);
			dialog_moves(d, RLN_DIALOG_TERMINATED);
		}
	} else if (d->is_uas) {
		d->last_response = code ? code : 480;
		dialog_moves(d, RLN_DIALOG_TERMINATED);
	} else if (d->invite_open) {
		d->cancelled = true;
	} else {
		dialog_over(d, RLN_END_NORMAL, 0);
		dialog_moves(d, RLN_DIALOG_TERMINATED);
	}
}
