/* SPDX-License-Identifier: BSD-3-Clause */
/* Hold and resume from either side, and media that went away (requirements 7, R189, R190): each trace, step by step with its causes. */
#include "tests/sim/flow_peer.h"

#include <errno.h>

static struct rln_call *call;
static struct sim_dialog d;
static struct sim_msg answer;

static void up(void)
{
	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0", "sendrecv"), bob, &call, &answer);
	send_audio(sim_sdp_port(&answer));
	assert_int_equal(rln_call_wait_for_media(call, SIM_WAIT_MS), 0);
}

static void down(void)
{
	sim_bye(&d);
	rln_call_free(call);
}

/* Their answer to our re-INVITE, and its ACK. */
static void agree(const char *direction, const char *want)
{
	struct sim_msg invite, ack;

	sim_expect(sip, &invite, "INVITE ");
	if (!strstr(sim_body(&invite), want))
		fail_msg("'%s' is not in\n%s", want, sim_body(&invite));
	sim_respond(&d, &invite, 200, NULL, sim_sdp(30000, "0", direction));
	sim_expect(sip, &ack, "ACK ");
}

/* R189, R168, R169 */
static void we_hold(void)
{
	enum { HOLD, OFFER, PAUSE, PENDING, INVITE, OK, ACK, ACKED, APPLY, HELD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[HOLD] = STEP(HOLD_CALL, SESSION, OUTSIDE),
		[OFFER] = STEP(HOLD_SESSION, DIALOG, HOLD),
		[PAUSE] = STEP(HOLD_MEDIA, MEDIA, HOLD),
		[PENDING] = STEP(STATE_CHANGED, SESSION, HOLD),
		[INVITE] = STEP(SEND_SIP_MESSAGE, NONE, OFFER),
		[OK] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[ACK] = CALLS("send_ack", OK),
		[ACKED] = STEP(REINVITE_ACKED, DIALOG, OK),
		[APPLY] = STEP(UPDATE_MEDIA_STREAM, MEDIA, ACKED),
		[HELD] = STEP(STATE_CHANGED, SESSION, ACKED),
	};
	size_t at[STEPS], begin = sim_trace_count();

	assert_int_equal(rln_call_hold(call), 0);
	agree("recvonly", "a=sendonly");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ON_HOLD, SIM_WAIT_MS), 0);
	FOLLOW(begin, rows, at);
	WRITE("We hold (R168, R169, R189)",
		"The media pauses at once; the hold counts with its 2xx, and a refusal takes it back.", rows, at);
	assert_slice(sim_trace_at(at[OFFER]), event(at[OFFER])->hold_session.sdp, "a=sendonly");
	assert_int_equal(event(at[PENDING])->state_changed.new_state, RLN_STATE_HOLD_PENDING);
	assert_int_equal(event(at[HELD])->state_changed.old_state, RLN_STATE_HOLD_PENDING);
	assert_int_equal(event(at[HELD])->state_changed.new_state, RLN_STATE_ON_HOLD);
	assert_slice(sim_trace_at(at[ACKED]), event(at[ACKED])->reinvite_acked.sdp, "a=recvonly");
	assert_true(at[OFFER] < at[ACKED] && at[PAUSE] < at[ACKED]);
}

/* R189, R170 */
static void we_resume(void)
{
	enum { RESUME, OFFER, PENDING, INVITE, OK, ACK, ACKED, APPLY, FLOW, ACTIVE, STEPS };
	static const struct sim_step rows[STEPS] = {
		[RESUME] = STEP(RESUME_CALL, SESSION, OUTSIDE),
		[OFFER] = STEP(RESUME_SESSION, DIALOG, RESUME),
		[PENDING] = STEP(STATE_CHANGED, SESSION, RESUME),
		[INVITE] = STEP(SEND_SIP_MESSAGE, NONE, OFFER),
		[OK] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[ACK] = CALLS("send_ack", OK),
		[ACKED] = STEP(REINVITE_ACKED, DIALOG, OK),
		[APPLY] = STEP(UPDATE_MEDIA_STREAM, MEDIA, ACKED),
		[FLOW] = STEP(RESUME_MEDIA, MEDIA, ACKED),
		[ACTIVE] = STEP(STATE_CHANGED, SESSION, ACKED),
	};
	size_t at[STEPS], begin = sim_trace_count();

	assert_int_equal(rln_call_resume(call), 0);
	agree("sendrecv", "a=sendrecv");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	FOLLOW(begin, rows, at);
	WRITE("We resume (R170, R189)", "The media flows again when the peer has agreed.", rows, at);
	assert_slice(sim_trace_at(at[OFFER]), event(at[OFFER])->resume_session.sdp, "a=sendrecv");
	assert_int_equal(event(at[PENDING])->state_changed.new_state, RLN_STATE_RESUME_PENDING);
	assert_int_equal(event(at[FLOW])->resume_media.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(event(at[ACTIVE])->state_changed.old_state, RLN_STATE_RESUME_PENDING);
	assert_int_equal(event(at[ACTIVE])->state_changed.new_state, RLN_STATE_ACTIVE);
}

static void hold_and_resume(void **state)
{
	(void)state;
	up();
	we_hold();
	we_resume();
	down();
}

static void hold_is_refused(void **state)
{
	enum { HOLD, OFFER, PAUSE, INVITE, REFUSED, TOLD, FLOW, ACTIVE, STEPS };
	static const struct sim_step rows[STEPS] = {
		[HOLD] = STEP(HOLD_CALL, SESSION, OUTSIDE),
		[OFFER] = STEP(HOLD_SESSION, DIALOG, HOLD),
		[PAUSE] = STEP(HOLD_MEDIA, MEDIA, HOLD),
		[INVITE] = STEP(SEND_SIP_MESSAGE, NONE, OFFER),
		[REFUSED] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[TOLD] = STEP(CALL_STATE_CHANGED, DIALOG, REFUSED),
		[FLOW] = STEP(RESUME_MEDIA, MEDIA, TOLD),
		[ACTIVE] = STEP(STATE_CHANGED, SESSION, TOLD),
	};
	size_t at[STEPS], begin;
	struct sim_msg m;

	(void)state;
	up();
	begin = sim_trace_count();
	assert_int_equal(rln_call_hold(call), 0);
	sim_expect(sip, &m, "INVITE ");
	sim_respond(&d, &m, 488, NULL, NULL);
	sim_expect(sip, &m, "ACK ");
	FOLLOW(begin, rows, at);
	WRITE("A hold that is refused (R153, R169)", "Everything is as before, the media included.", rows, at);
	assert_int_equal(event(at[TOLD])->call_state_changed.status, 488);
	assert_int_equal(event(at[ACTIVE])->state_changed.new_state, RLN_STATE_ACTIVE);
	down();
}

/* R172: the peer's hold is its re-INVITE: answered, applied, and no state of ours. */
static void they_hold(void **state)
{
	enum { INVITE, TOLD, APPLY, APPLIED, ANSWER, OK, STEPS };
	static const struct sim_step rows[STEPS] = {
		[INVITE] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE),
		[TOLD] = STEP(REINVITE_RECEIVED, DIALOG, INVITE),
		[APPLY] = STEP(UPDATE_MEDIA_STREAM, MEDIA, TOLD),
		[APPLIED] = STEP(MEDIA_STREAM_STATE_CHANGED, MEDIA, APPLY),
		[ANSWER] = CALLS("respond_offer", TOLD),
		[OK] = STEP(SEND_SIP_RESPONSE, NONE, ANSWER),
	};
	size_t at[STEPS], begin;
	struct sim_msg m;

	(void)state;
	up();
	begin = sim_trace_count();
	sim_request(&d, "INVITE", NULL, sim_sdp(30000, "0", "sendonly"));
	sim_expect(sip, &m, "SIP/2.0 200");
	assert_non_null(strstr(sim_body(&m), "a=recvonly"));
	sim_request(&d, "ACK", NULL, NULL);
	FOLLOW(begin, rows, at);
	WRITE("The peer holds (R172)", "Its re-INVITE is answered; the machine's state stays, the stream's direction changes.",
		rows, at);
	assert_int_equal(event(at[APPLIED])->media_stream_state_changed.direction, RLN_MEDIA_INBOUND);
	assert_int_equal(rln_call_state(call), RLN_STATE_ACTIVE);
	down();
}

/* R190, R175: a cut path that is mended. */
static void lost_media_is_found_again(void **state)
{
	enum { LOST, ASK, RECOVERING, INVITE, OK, ACKED, APPLY, ACTIVE, STEPS };
	static const struct sim_step rows[STEPS] = {
		[LOST] = STEP(RTP_TIMEOUT, MEDIA, OUTSIDE),
		[ASK] = CALLS("send_update", LOST),
		[RECOVERING] = STEP(STATE_CHANGED, SESSION, LOST),
		[INVITE] = STEP(SEND_SIP_MESSAGE, NONE, ASK),
		[OK] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[ACKED] = STEP(REINVITE_ACKED, DIALOG, OK),
		[APPLY] = STEP(UPDATE_MEDIA_STREAM, MEDIA, ACKED),
		[ACTIVE] = STEP(STATE_CHANGED, SESSION, ACKED),
	};
	static const uint8_t sound[160];
	size_t at[STEPS], begin;

	(void)state;
	up();
	begin = sim_trace_count();
	sim_trace_wait(begin, RLN_EV_RTP_TIMEOUT, 0);
	sim_rtp_talk(rtp, sound, sizeof(sound), sizeof(sound), 20000, NULL); /* the path is mended */
	agree("sendrecv", "m=audio");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	FOLLOW(begin, rows, at);
	WRITE("Recovery (R175, R190)", "No packet came for the set time: a re-INVITE asks the peer where its media is.", rows,
		at);
	assert_int_equal(event(at[RECOVERING])->state_changed.new_state, RLN_STATE_RECOVERING);
	assert_int_equal(event(at[ACTIVE])->state_changed.old_state, RLN_STATE_RECOVERING);
	assert_int_equal(event(at[ACTIVE])->state_changed.new_state, RLN_STATE_ACTIVE);
	down();
	sim_rtp_hush(rtp);
}

/* Of its own: whoever has spoken and pauses for a second is lost here. */
static int impatient_start(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){
		.trace = true, .rtp = "port_min: 20000, port_max: 29999, rtp_timeout_s: 1, rtcp_interval_ms: 500"});
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW(hold_and_resume),
		FLOW(hold_is_refused),
		FLOW(they_hold),
	};
	const struct CMUnitTest impatient[] = {FLOW(lost_media_is_found_again)};
	int failed = cmocka_run_group_tests_name("sim/flows_hold", tests, sim_group_start, sim_group_stop);

	return failed + cmocka_run_group_tests_name("sim/flows_lost", impatient, impatient_start, sim_group_stop);
}
