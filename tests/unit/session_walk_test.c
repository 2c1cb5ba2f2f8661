/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random walks: applications, peers and workers do what they may, in any order and at any time, and memory runs out at every place once. Whatever
 * happens, each call is told its end exactly once and leaves nothing behind (teardown counts slots, maps, timers, blocks and memory).
 */
#include "session_world.h"

static uint64_t dice_state;

static uint32_t dice(uint32_t sides)
{
	dice_state = dice_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(dice_state >> 33) % sides;
}

static const char *any_sdp(void)
{
	static const char *const texts[] = {SDP_PEER, SDP_MOVED, SDP_HELD, SDP_USELESS, NULL};

	return texts[dice(5)];
}

/* ---- what the wire may do to a dialog ---- */

static void wire_calls(struct fake_dialog *d)
{
	static const enum rln_call_progress retries[] = {
		RLN_CALL_CHALLENGED, RLN_CALL_INTERVAL_TOO_SMALL, RLN_CALL_REDIRECTED, RLN_CALL_REFUSED, RLN_CALL_TIMED_OUT};
	unsigned way;

	d->answered = dice(2);
	switch (dice(10)) {
	case 8:
		if (d->cancelled)
			break;
		d->invite_open = false; /* the dialog waits: another INVITE, or TERMINATE_SESSION */
		way = dice(5);
		d->can_retry = way >= 3 || dice(2); /* the last two end the dialog otherwise */
		d->state = RLN_DIALOG_NONE;
		dialog_says(d, retries[way], 401, NULL);
		break;
	case 9:
		if (d->answered)
			dialog_reinvited(d, any_sdp(), RLN_SIP_UPDATE);
		break;
	case 0:
		dialog_moves(d, RLN_DIALOG_EARLY);
		dialog_says(d, RLN_CALL_RINGING, 180, NULL);
		break;
	case 1:
		dialog_says(d, RLN_CALL_PROGRESS, 183, any_sdp());
		break;
	case 2:
	case 3:
		dialog_answers(d, any_sdp());
		break;
	case 4:
		dialog_refuses(d, 486);
		break;
	case 5:
		dialog_refuses(d, 408);
		break;
	case 6:
		dialog_says(d, RLN_CALL_TRYING, 100, NULL);
		break;
	default:
		if (d->cancelled)
			dialog_refuses(d, 487);
		break;
	}
}

static void ack_comes(struct fake_dialog *d)
{
	d->ack_pending = false;
	if (dice(8) == 0)
		dialog_says(d, RLN_CALL_ACK_MISSING, 408, NULL);
	else
		dialog_sdp(d, RLN_EV_CALL_ESTABLISHED, any_sdp());
	if (d->bye_out) {
		dialog_over(d, RLN_END_NORMAL, 200);
		dialog_moves(d, RLN_DIALOG_TERMINATED);
	}
}

static void reinvite_ends(struct fake_dialog *d)
{
	static const uint16_t codes[] = {488, 481, 408, 503};

	d->invite_open = false;
	switch (dice(4)) {
	case 0:
		dialog_sdp(d, RLN_EV_REINVITE_ACKED, any_sdp());
		break;
	case 1:
		dialog_says(d, RLN_CALL_GLARE, 491, NULL);
		break;
	case 2:
		dialog_says(d, RLN_CALL_TIMED_OUT, 408, NULL);
		break;
	default:
		dialog_says(d, RLN_CALL_REFUSED, codes[dice(4)], NULL);
		break;
	}
}

/* What the peer tells of our REFER. */
static void refer_goes_on(struct fake_dialog *d)
{
	switch (dice(3)) {
	case 0:
		dialog_says(d, RLN_CALL_TRANSFER_TRYING, 100, NULL);
		break;
	case 1:
		d->refer_out = false;
		dialog_says(d, RLN_CALL_TRANSFER_DONE, 200, NULL);
		break;
	default:
		d->refer_out = false;
		dialog_says(d, RLN_CALL_TRANSFER_FAILED, 486, NULL);
		break;
	}
}

static void wire_in_dialog(struct fake_dialog *d)
{
	struct rln_event fault = {.kind = RLN_EV_DIALOG_ERROR, .dialog_error = {RLN_FAULT_PARSE, 0, dice(2) ? 400 : 481}};

	if (d->refer_out && dice(3) == 0)
		refer_goes_on(d);
	else if (!d->refer_open && dice(12) == 0)
		dialog_referred(d, dice(2) ? ";x" : NULL);
	else if (d->ack_pending && dice(2))
		ack_comes(d);
	else if (d->invite_open && dice(2))
		reinvite_ends(d);
	else if (dice(4) == 0)
		dialog_byes(d);
	else if (dice(4) == 0)
		dialog_emit(d, &fault);
	else if (!d->theirs_open)
		dialog_reinvited(d, any_sdp(), dice(2) ? RLN_SIP_INVITE : RLN_SIP_UPDATE);
}

static void wire_acts(void)
{
	struct fake_dialog *d = &w->dialogs[dice(SESSIONS)];

	if (!d->id || d->ended)
		return;
	if (d->state == RLN_DIALOG_CONFIRMED) {
		wire_in_dialog(d);
	} else if (d->is_uas) {
		if (dice(4) == 0 && !d->reported)
			dialog_over(d, RLN_END_CANCELLED, 487);
	} else if (d->invite_open) {
		wire_calls(d);
	}
}

/* ---- what applications and workers may do ---- */

static struct rln_session *any_session(void)
{
	uint32_t cursor = dice(SESSIONS);
	struct rln_session *s = rln_session_manager_next(w->sessions, &cursor);

	cursor = 0;
	return s ? s : rln_session_manager_next(w->sessions, &cursor);
}

/* Whom to bridge it with: one that is up, if the dice find it, for two at a time are rare. */
static struct rln_session *any_other(const struct rln_session *s)
{
	struct rln_session *other = any_session();

	for (unsigned i = 0; i < SESSIONS && (other == s || other->state != RLN_STATE_ACTIVE); i++)
		other = any_session();
	return other;
}

static void application_acts(void)
{
	static const enum rln_event_kind kinds[] = {RLN_EV_ACCEPT_CALL, RLN_EV_ACCEPT_CALL, RLN_EV_ACCEPT_CALL,
		RLN_EV_REJECT_CALL, RLN_EV_HANGUP_CALL, RLN_EV_UPDATE_REQUEST, RLN_EV_UPDATE_REQUEST, RLN_EV_MUTE_REQUEST,
		RLN_EV_STOP_PLAY_REQUEST, RLN_EV_CHANNELS_REQUEST, RLN_EV_MAKE_CALL, RLN_EV_HOLD_CALL, RLN_EV_HOLD_CALL,
		RLN_EV_RESUME_CALL, RLN_EV_RESUME_CALL, RLN_EV_BLIND_TRANSFER, RLN_EV_START_CONSULT, RLN_EV_START_CONSULT,
		RLN_EV_COMPLETE_TRANSFER, RLN_EV_COMPLETE_TRANSFER, RLN_EV_BRIDGE_CALLS, RLN_EV_BRIDGE_CALLS, RLN_EV_BRIDGE_CALLS,
		RLN_EV_UNBRIDGE_CALLS, RLN_EV_DTMF_REQUEST, RLN_EV_TAP_REQUEST};
	enum rln_event_kind kind = kinds[dice(sizeof(kinds) / sizeof(kinds[0]))];
	struct rln_session *s = any_session();

	if (!s)
		return;
	if (kind == RLN_EV_BRIDGE_CALLS && s->state != RLN_STATE_ACTIVE)
		s = any_other(s);
	if (kind == RLN_EV_BRIDGE_CALLS)
		command_other(s->id, kind, any_other(s)->id);
	else if (kind == RLN_EV_BLIND_TRANSFER || kind == RLN_EV_START_CONSULT)
		command_target(s->id, kind);
	else /* where a block's reference stands there is no code */
		command(s->id, kind, rln_event_info(kind)->has_block ? 0 : (uint16_t)dice(700));
}

static void worker_acts(void)
{
	static const enum rln_event_kind kinds[] = {RLN_EV_MEDIA_FLOW_ESTABLISHED, RLN_EV_FIRST_AUDIO_FRAME_RECEIVED,
		RLN_EV_REMOTE_MEDIA_CONFIRMED, RLN_EV_RTP_TIMEOUT, RLN_EV_DTMF_DETECTED, RLN_EV_MEDIA_STREAM_STATE_CHANGED,
		RLN_EV_AUDIO_PLAYBACK_FINISHED, RLN_EV_MEDIA_QUALITY_DEGRADED, RLN_EV_PACKET_LOSS_THRESHOLD_EXCEEDED};
	uint64_t leg = w->legs[dice(SESSIONS)];
	struct rln_event loss = {.id = leg, .kind = RLN_EV_PACKET_LOSS_DETECTED, .packet_loss_detected = {.loss_percentage = 20}};

	if (!leg)
		return;
	if (dice(6) == 0)
		queue_push(FROM_MEDIA, &loss);
	else if (dice(30) == 0)
		media_fails(leg, (enum rln_media_fault)dice(RLN_MEDIA_FAULT_SRTP + 1));
	else
		media_says(leg, kinds[dice(sizeof(kinds) / sizeof(kinds[0]))]);
}

static void call_begins(void)
{
	static const unsigned policies[] = {0, RLN_CALL_AUTO_ANSWER, RLN_CALL_QUEUED};

	if (rln_session_manager_in_use(w->sessions) >= SESSIONS / 2)
		return;
	w->allow_transfers = dice(2);
	w->fail_create_leg = dice(10) == 0 ? RLN_MEDIA_FAULT_NO_PORT + 1 : 0;
	w->fail_dialog = dice(20) == 0 ? EHOSTUNREACH : 0;
	if (dice(2))
		call_new(dice(4) == 0 ? RLN_CALL_LATE_OFFER : 0);
	else
		invite_new(any_sdp(), policies[dice(3)]);
}

static void step(void)
{
	forget();
	switch (dice(12)) {
	case 0:
		call_begins();
		break;
	case 1:
	case 2:
		application_acts();
		break;
	case 3:
	case 4:
	case 5:
		wire_acts();
		break;
	case 6:
	case 7:
		worker_acts();
		break;
	case 8:
		w->now += dice(1000) * RLN_MS;
		rln_wheel_advance(w->wheel, w->now, 64);
		break;
	default:
		/* events of one layer overtake those of another, never their own */
		pump_one((enum source)dice(SOURCES));
		pump_one(FROM_SELF);
		break;
	}
}

/* Every call is hung up, and the wire does what it owes. */
static void finish(void)
{
	struct rln_session *s;

	w->fail_create_leg = w->fail_dialog = 0;
	for (unsigned round = 0; round < 200 && rln_session_manager_in_use(w->sessions); round++) {
		uint32_t cursor = 0;

		while ((s = rln_session_manager_next(w->sessions, &cursor))) {
			forget();
			command(s->id, RLN_EV_HANGUP_CALL, 0);
		}
		for (unsigned i = 0; i < SESSIONS; i++) {
			struct fake_dialog *d = &w->dialogs[i];

			if (!d->id || d->ended)
				continue;
			if (d->ack_pending)
				ack_comes(d);
			else if (d->invite_open && d->state != RLN_DIALOG_CONFIRMED)
				dialog_refuses(d, 487);
			else if (d->state == RLN_DIALOG_CONFIRMED && round > 50)
				dialog_byes(d);
		}
		pump();
	}
	pump();
}

static void walk(uint64_t seed, unsigned steps)
{
	dice_state = seed;
	for (unsigned i = 0; i < steps; i++)
		step();
	finish();
	if (rln_session_manager_in_use(w->sessions)) {
		struct rln_session *s = any_session();

		fail_msg("seed %llu leaves a session in %s (dialog %u, leg %u)", (unsigned long long)seed,
			rln_call_state_name((enum rln_call_state)s->state), s->dialog_hold, s->leg_hold);
	}
}

static void random_walks_leave_nothing(void **state)
{
	uint32_t visited = 1u << RLN_STATE_IDLE;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		int64_t before;

		world_begin();
		before = rln_heap_live_count();
		walk(seed * 7919, 1500);
		assert_int_equal(rln_heap_live_count(), before);
		visited |= w->visited;
		world_end();
	}
	assert_int_equal(visited, rln_table()->in_use); /* they went everywhere */
}

/* ---- memory runs out ---- */

static void call_out(void)
{
	struct rln_session_id id = call_new(0);
	struct fake_dialog *d;

	say_media(id, RLN_EV_FIRST_AUDIO_FRAME_RECEIVED);
	pump();
	d = dialog_for(id);
	if (d && d->invite_open)
		dialog_answers(d, SDP_PEER);
	pump();
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_OUTBOUND);
	d = dialog_for(id);
	if (d && d->invite_open && d->state == RLN_DIALOG_CONFIRMED)
		reinvite_ends(d);
	pump();
}

static void call_in(void)
{
	struct rln_session_id id = invite_new(SDP_PEER, 0);

	command(id, RLN_EV_ACCEPT_CALL, 0); /* waits for the leg */
	pump();
	if (dialog_for(id) && dialog_for(id)->ack_pending)
		ack_comes(dialog_for(id));
	pump();
	if (dialog_for(id) && dialog_for(id)->state == RLN_DIALOG_CONFIRMED && !dialog_for(id)->ended)
		dialog_reinvited(dialog_for(id), SDP_HELD, RLN_SIP_INVITE);
	pump();
}

static void heap_fails_everywhere(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++) {
		int64_t before;

		world_begin();
		dice_state = n;
		before = rln_heap_live_count();
		rln_heap_fail_nth(n);
		call_out();
		call_in();
		failed = rln_heap_fail_nth(0);
		finish();
		assert_int_equal(rln_heap_live_count(), before);
		world_end();
		assert_true(n < 50);
	}
}

static void blocks_run_out_everywhere(void **state)
{
	rln_block_ref held[256 + 4];

	(void)state;
	for (unsigned left = 0; left < 12; left++) {
		unsigned n = 0;

		world_begin();
		dice_state = left;
		while (n < 260 && (held[n] = rln_block_alloc(1)))
			n++;
		for (unsigned i = 0; i < left; i++)
			rln_block_release(held[--n]);
		if (left >= 1)
			call_out();
		if (left >= 2)
			call_in();
		while (n)
			rln_block_release(held[--n]);
		finish();
		world_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_walks_leave_nothing),
		cmocka_unit_test(heap_fails_everywhere),
		cmocka_unit_test(blocks_run_out_everywhere),
	};

	return cmocka_run_group_tests_name("session_walk", tests, NULL, NULL);
}
