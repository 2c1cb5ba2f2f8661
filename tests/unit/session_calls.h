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

static UNUSED void hang_up(struct rln_session_id id)
{
	command(id, RLN_EV_HANGUP_CALL, 0);
	pump();
	assert_null(session_of(id));
}
