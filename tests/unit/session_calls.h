/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls of session_world.h brought to a state, and what a test asks of their ends. */
#pragma once

#include "session_world.h"

#define SDP_HELD_BY_US                                                                                                           \
	"v=0\r\no=- 7 8 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\na=recvonly\r\n"

static UNUSED struct rln_session_id calling(void)
{
	struct rln_session_id id = call_new(0);

	pump();
	assert_int_equal(state_of(id), RLN_STATE_CALLING);
	return id;
}

static UNUSED struct rln_session_id early_media(void)
{
	struct rln_session_id id = calling();

	dialog_moves(dialog_for(id), RLN_DIALOG_EARLY);
	dialog_says(dialog_for(id), RLN_CALL_PROGRESS, 183, SDP_PEER);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_EARLY_MEDIA);
	return id;
}

/* The 2xx came, and the stream is still to start: the test plays the worker. */
static UNUSED struct rln_session_id answered_silent(void)
{
	struct rln_session_id id = calling();

	w->quiet_media = true;
	dialog_answers(dialog_for(id), SDP_PEER);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_NEGOTIATING);
	forget();
	return id;
}

static UNUSED void stream_starts(struct rln_session_id id)
{
	w->quiet_media = false;
	say_media(id, RLN_EV_MEDIA_STREAM_STARTED);
	pump();
}

/* The worker's end of a leg that nobody asked for. */
static UNUSED void leg_goes(struct rln_session_id id)
{
	w->legs[rln_id_slot(session_of(id)->media.v)] = 0;
	say_media(id, RLN_EV_MEDIA_STREAM_STOPPED);
	pump();
}

static UNUSED void action_fails(struct rln_session_id id, enum rln_action action)
{
	struct rln_event ev = {
		.id = id.v, .kind = RLN_EV_ACTION_FAILED, .action_failed = {.action = (uint16_t)action, .error = -ENOBUFS}};

	deliver(&ev);
}

/* An event of the worker is told in its envelope, and nothing else happens. */
static UNUSED void assert_only_told(struct rln_session_id id, enum rln_event_kind kind)
{
	enum rln_call_state state = state_of(id);

	forget();
	if (kind == RLN_EV_MEDIA_ERROR)
		media_fails(session_of(id)->media.v, RLN_MEDIA_FAULT_DISK);
	else
		say_media(id, kind);
	pump();
	assert_int_equal(w->out_n, 1);
	assert_int_equal(last(RLN_EV_MEDIA_EVENT)->id, id.v);
	assert_int_equal(last(RLN_EV_MEDIA_EVENT)->media_event.event, kind);
	assert_int_equal(state_of(id), state);
}

static UNUSED struct rln_session_id active_uac(void)
{
	struct rln_session_id id = calling();

	dialog_answers(dialog_for(id), SDP_PEER);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	return id;
}

static UNUSED struct rln_session_id ringing(void)
{
	struct rln_session_id id = invite_new(SDP_PEER, 0);

	pump();
	assert_int_equal(state_of(id), RLN_STATE_PROCEEDING);
	return id;
}

static UNUSED void acked(struct fake_dialog *d, const char *sdp)
{
	d->ack_pending = false;
	dialog_sdp(d, RLN_EV_CALL_ESTABLISHED, sdp);
	if (d->bye_out) {
		dialog_over(d, RLN_END_NORMAL, 200);
		dialog_moves(d, RLN_DIALOG_TERMINATED);
	}
}

static UNUSED struct rln_session_id active_uas(void)
{
	struct rln_session_id id = ringing();

	command(id, RLN_EV_ACCEPT_CALL, 0);
	pump();
	acked(dialog_for(id), NULL);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	return id;
}

/* The peer's answer to an offer of ours in the call. */
static UNUSED void reinvite_accepted(struct rln_session_id id, const char *sdp)
{
	struct fake_dialog *d = dialog_for(id);

	assert_true(d->invite_open);
	d->invite_open = false;
	dialog_sdp(d, RLN_EV_REINVITE_ACKED, sdp);
	pump();
}

static UNUSED void reinvite_refused(struct rln_session_id id, enum rln_call_progress value, uint16_t status)
{
	struct fake_dialog *d = dialog_for(id);

	assert_true(d->invite_open);
	d->invite_open = false;
	dialog_says(d, value, status, NULL);
	pump();
}

static UNUSED void flows(struct rln_session_id id)
{
	say_media(id, RLN_EV_MEDIA_FLOW_ESTABLISHED);
	say_media(id, RLN_EV_FIRST_AUDIO_FRAME_RECEIVED);
	pump();
}

static UNUSED void assert_ended(struct rln_session_id id, enum rln_call_state state, enum rln_end_reason reason, uint16_t code)
{
	const struct rln_event *end = last(RLN_EV_SESSION_TERMINATED), *moved = last(RLN_EV_STATE_CHANGED);

	pump();
	assert_null(session_of(id));
	assert_int_equal(told(RLN_EV_SESSION_TERMINATED), 1);
	assert_int_equal(end->session_terminated.reason, reason);
	assert_int_equal(end->session_terminated.code, code);
	assert_int_equal(moved->state_changed.new_state, state);
	assert_int_equal(moved->state_changed.reason, reason);
	assert_true(first(RLN_EV_SESSION_TERMINATED) > (int)(moved - w->out)); /* the state, then the end */
}

/* How often a description of this kind was told, offer or answer, ours or the peer's. */
static UNUSED unsigned told_sdp(enum rln_sdp_event_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->out_n; i++)
		n += w->out[i].kind == RLN_EV_SDP_EVENT && w->out[i].sdp_event.event_type == type;
	return n;
}

static UNUSED void hang_up(struct rln_session_id id)
{
	command(id, RLN_EV_HANGUP_CALL, 0);
	pump();
	assert_null(session_of(id));
}
