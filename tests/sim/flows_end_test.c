/* SPDX-License-Identifier: BSD-3-Clause */
/* How calls end otherwise than by our hangup (requirements 7, R188, R195): each end's trace, step by step with its causes. */
#include "tests/sim/flow_peer.h"

#include <errno.h>

#define SDP sim_sdp(30000, "0", "sendrecv")

/* The peer hangs up: its BYE is answered by the dialog layer at once, the machine stops the media and tells the end. */
static void they_hang_up(void **state)
{
	enum { BYE, OK, ENDED, STOP, TERMINATED, TOLD, CLOSE, CLOSED, STOPPED, CLEANUP, RELEASE, GONE, STEPS };
	static const struct sim_step rows[STEPS] = {
		[BYE] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE),
		[OK] = STEP(SEND_SIP_RESPONSE, NONE, BYE),
		[ENDED] = STEP(CALL_TERMINATED, DIALOG, BYE),
		[STOP] = STEP(STOP_MEDIA_STREAM, MEDIA, ENDED),
		[TERMINATED] = STEP(STATE_CHANGED, SESSION, ENDED),
		[TOLD] = STEP(SESSION_TERMINATED, SESSION, ENDED),
		[CLOSE] = STEP(STOP_RTP_STREAM, MEDIA, STOP),
		[CLOSED] = STEP(RTP_STREAM_STOPPED, MEDIA, CLOSE),
		[STOPPED] = STEP(MEDIA_STREAM_STOPPED, MEDIA, CLOSED),
		[CLEANUP] = STEP(TIMER_FIRED, SESSION, STOPPED),
		[RELEASE] = CALLS("release", CLEANUP),
		[GONE] = CALLS("closed", CLEANUP),
	};
	size_t at[STEPS], begin;
	struct rln_call *call;
	struct sim_dialog d;

	(void)state;
	sim_call_in(&d, sip, "bob", PORT, SDP, bob, &call, NULL);
	begin = sim_trace_count();
	sim_bye(&d);
	FOLLOW(begin, rows, at);
	WRITE("The peer hangs up (R188)", "Its BYE is answered at once, whatever the machine does about it, and exactly once.",
		rows, at);
	assert_int_equal(event(at[OK])->send_sip_response.status_code, 200);
	assert_int_equal(event(at[TOLD])->session_terminated.reason, RLN_END_REMOTE);
	assert_int_equal(event(at[STOP])->stop_media_stream.reason, RLN_END_REMOTE);
	rln_call_free(call);
}

/* An incoming call up to its 180; its leg stands. */
static struct rln_incoming *ringing(struct sim_dialog *d)
{
	struct rln_incoming *in;
	struct sim_msg m;

	sim_uac(d, sip, "bob", PORT);
	sim_request(d, "INVITE", NULL, SDP);
	in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(in);
	sim_expect(sip, &m, "SIP/2.0 180");
	sim_trace_wait(0, RLN_EV_MEDIA_SESSION_CREATED, 0);
	return in;
}

static void they_cancel(void **state)
{
	enum { CANCEL, OK, ENDED, REFUSE, REFUSED, STOP, CANCELLED, TOLD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[CANCEL] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE),
		[OK] = STEP(SEND_SIP_RESPONSE, NONE, CANCEL),
		[ENDED] = STEP(CALL_TERMINATED, DIALOG, CANCEL),
		[REFUSE] = CALLS("send_response", ENDED),
		[REFUSED] = STEP(SEND_SIP_RESPONSE, NONE, REFUSE),
		[STOP] = STEP(STOP_MEDIA_STREAM, MEDIA, ENDED),
		[CANCELLED] = STEP(STATE_CHANGED, SESSION, ENDED),
		[TOLD] = STEP(SESSION_TERMINATED, SESSION, ENDED),
	};
	struct rln_incoming *in;
	size_t at[STEPS], begin;
	struct sim_dialog d;
	struct sim_msg m;

	(void)state;
	in = ringing(&d);
	begin = sim_trace_count();
	sim_request(&d, "CANCEL", NULL, NULL);
	do
		sim_expect(sip, &m, "SIP/2.0 ");
	while (m.status != 487);
	sim_ack_refusal(&d, &m);
	FOLLOW(begin, rows, at);
	WRITE("The caller gives up while it rings (R159)", "The CANCEL has an answer of its own; the INVITE gets 487.", rows, at);
	assert_int_equal(event(at[REFUSED])->send_sip_response.status_code, 487);
	assert_int_equal(event(at[CANCELLED])->state_changed.new_state, RLN_STATE_CANCELLED);
	assert_int_equal(event(at[TOLD])->session_terminated.reason, RLN_END_CANCELLED);
	(void)rln_incoming_reject(in, 486);
}

static void we_reject(void **state)
{
	enum { REJECT, REFUSE, REFUSED, STOP, TERMINATED, TOLD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[REJECT] = STEP(REJECT_CALL, SESSION, OUTSIDE),
		[REFUSE] = CALLS("send_response", REJECT),
		[REFUSED] = STEP(SEND_SIP_RESPONSE, NONE, REFUSE),
		[STOP] = STEP(STOP_MEDIA_STREAM, MEDIA, REJECT),
		[TERMINATED] = STEP(STATE_CHANGED, SESSION, REJECT),
		[TOLD] = STEP(SESSION_TERMINATED, SESSION, REJECT),
	};
	struct rln_incoming *in;
	struct sim_dialog d;
	struct sim_msg m;
	size_t at[STEPS];

	(void)state;
	in = ringing(&d);
	assert_int_equal(rln_incoming_reject(in, 486), 0);
	sim_expect(sip, &m, "SIP/2.0 486");
	sim_ack_refusal(&d, &m);
	FOLLOW(0, rows, at);
	WRITE("We reject a call (R159)", "With the application's code.", rows, at);
	assert_int_equal(event(at[REFUSED])->send_sip_response.status_code, 486);
	assert_int_equal(event(at[TOLD])->session_terminated.reason, RLN_END_REJECTED);
	assert_int_equal(event(at[TOLD])->session_terminated.code, 486);
}

/* An outgoing call up to its INVITE. */
static struct rln_call *placed(struct sim_dialog *d, struct sim_msg *invite)
{
	struct rln_call *call = rln_peer_call(bob, "sim@" SIM_HOST);

	assert_non_null(call);
	sim_expect(sip, invite, "INVITE ");
	sim_uas(d, sip, invite);
	return call;
}

static void they_refuse(void **state)
{
	enum { INITIATE, INVITE, BUSY, TOLD_BUSY, STOP, FAILED, TOLD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[INITIATE] = STEP(INITIATE_CALL, DIALOG, OUTSIDE),
		[INVITE] = STEP(SEND_SIP_MESSAGE, NONE, INITIATE),
		[BUSY] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[TOLD_BUSY] = STEP(CALL_STATE_CHANGED, DIALOG, BUSY),
		[STOP] = STEP(STOP_MEDIA_STREAM, MEDIA, TOLD_BUSY),
		[FAILED] = STEP(STATE_CHANGED, SESSION, TOLD_BUSY),
		[TOLD] = STEP(SESSION_TERMINATED, SESSION, TOLD_BUSY),
	};
	struct sim_msg invite, ack;
	struct rln_call *call;
	struct sim_dialog d;
	size_t at[STEPS];

	(void)state;
	call = placed(&d, &invite);
	sim_respond(&d, &invite, 486, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	FOLLOW(0, rows, at);
	WRITE("The peer refuses (R163, R195)", "The ACK of a refusal is the transaction's own; no event tells of it.", rows, at);
	assert_int_equal(event(at[TOLD_BUSY])->call_state_changed.new_state, RLN_CALL_REFUSED);
	assert_int_equal(event(at[FAILED])->state_changed.new_state, RLN_STATE_FAILED);
	assert_int_equal(event(at[FAILED])->state_changed.reason, RLN_END_REFUSED);
	assert_int_equal(event(at[FAILED])->state_changed.code, 486);
	rln_call_free(call);
}

static void nobody_answers(void **state)
{
	enum { INITIATE, INVITE, TIMEOUT, GONE, FAILED, TOLD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[INITIATE] = STEP(INITIATE_CALL, DIALOG, OUTSIDE),
		[INVITE] = STEP(SEND_SIP_MESSAGE, NONE, INITIATE),
		[TIMEOUT] = STEP(TRANSPORT_ERROR, DIALOG, OUTSIDE),
		[GONE] = STEP(CALL_STATE_CHANGED, DIALOG, TIMEOUT),
		[FAILED] = STEP(STATE_CHANGED, SESSION, GONE),
		[TOLD] = STEP(SESSION_TERMINATED, SESSION, GONE),
	};
	struct sim_msg invite;
	struct rln_call *call;
	struct sim_dialog d;
	size_t at[STEPS];

	(void)state;
	call = placed(&d, &invite);
	FOLLOW(0, rows, at);
	WRITE("Nobody answers (R195)", "64 * T1 after the INVITE timer B fires, and the failure is told at once.", rows, at);
	assert_int_equal(event(at[TIMEOUT])->transport_error.error, ETIMEDOUT);
	assert_int_equal(event(at[GONE])->call_state_changed.new_state, RLN_CALL_TIMED_OUT);
	assert_int_equal(event(at[FAILED])->state_changed.reason, RLN_END_TIMEOUT);
	rln_call_free(call);
}

static void we_give_up(void **state)
{
	enum { HANGUP, TERMINATE, CANCEL, PENDING, REFUSED, TOLD_REFUSED, CANCELLED, TOLD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[HANGUP] = STEP(HANGUP_CALL, SESSION, OUTSIDE),
		[TERMINATE] = STEP(TERMINATE_SESSION, DIALOG, HANGUP),
		[CANCEL] = STEP(SEND_SIP_MESSAGE, NONE, TERMINATE),
		[PENDING] = STEP(STATE_CHANGED, SESSION, HANGUP),
		[REFUSED] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[TOLD_REFUSED] = STEP(CALL_STATE_CHANGED, DIALOG, REFUSED),
		[CANCELLED] = STEP(STATE_CHANGED, SESSION, TOLD_REFUSED),
		[TOLD] = STEP(SESSION_TERMINATED, SESSION, TOLD_REFUSED),
	};
	struct sim_msg invite, m;
	struct rln_call *call;
	size_t at[STEPS], begin;
	struct sim_dialog d;

	(void)state;
	call = placed(&d, &invite);
	sim_respond(&d, &invite, 180, NULL, NULL);
	begin = sim_trace_wait(0, RLN_EV_CALL_STATE_CHANGED, 0) + 1;
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_CALL_STATE_CHANGED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &m, "CANCEL ");
	sim_respond(&d, &m, 200, NULL, NULL);
	sim_respond(&d, &invite, 487, NULL, NULL);
	sim_expect(sip, &m, "ACK ");
	FOLLOW(begin, rows, at);
	WRITE("We give up while it rings (R164, R165)", "CANCEL goes only after a provisional; the INVITE's 487 ends the call.",
		rows, at);
	assert_int_equal(event(at[PENDING])->state_changed.new_state, RLN_STATE_CANCEL_PENDING);
	assert_int_equal(event(at[CANCELLED])->state_changed.new_state, RLN_STATE_CANCELLED);
	rln_call_free(call);
}

static void port_is_closed(void **state)
{
	enum { INITIATE, INVITE, UNREACHABLE, FAULT, FAILED, TOLD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[INITIATE] = STEP(INITIATE_CALL, DIALOG, OUTSIDE),
		[INVITE] = STEP(SEND_SIP_MESSAGE, NONE, INITIATE),
		[UNREACHABLE] = STEP(TRANSPORT_ERROR, DIALOG, OUTSIDE),
		[FAULT] = STEP(DIALOG_ERROR, DIALOG, UNREACHABLE),
		[FAILED] = STEP(STATE_CHANGED, SESSION, FAULT),
		[TOLD] = STEP(SESSION_TERMINATED, SESSION, FAULT),
	};
	struct rln_call *call;
	size_t at[STEPS];

	(void)state;
	sim_wire_refuse(true);
	call = rln_peer_call(bob, "sim@" SIM_HOST ":5999");
	assert_non_null(call);
	FOLLOW(0, rows, at);
	sim_wire_refuse(false);
	WRITE("The peer's port is closed (R62, R195)",
		"ICMP port unreachable fails the transaction, and with it the call, at once.", rows, at);
	assert_int_equal(event(at[UNREACHABLE])->transport_error.error, ECONNREFUSED);
	assert_int_equal(event(at[FAULT])->dialog_error.error, RLN_FAULT_TRANSPORT);
	assert_int_equal(event(at[FAILED])->state_changed.reason, RLN_END_NETWORK);
	rln_call_free(call);
}

static void no_codec_in_common(void **state)
{
	enum { INVITE, INCOMING, REFUSE, REFUSED, FAILED, TOLD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[INVITE] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE),
		[INCOMING] = STEP(INCOMING_CALL, DIALOG, INVITE),
		[REFUSE] = CALLS("send_response", INCOMING),
		[REFUSED] = STEP(SEND_SIP_RESPONSE, NONE, REFUSE),
		[FAILED] = STEP(STATE_CHANGED, SESSION, INCOMING),
		[TOLD] = STEP(SESSION_TERMINATED, SESSION, INCOMING),
	};
	struct sim_dialog d;
	struct sim_msg m;
	size_t at[STEPS];

	(void)state;
	sim_uac(&d, sip, "bob", PORT);
	sim_request(&d, "INVITE", NULL, sim_sdp(30000, "18", "sendrecv"));
	sim_expect(sip, &m, "SIP/2.0 488");
	sim_ack_refusal(&d, &m);
	FOLLOW(0, rows, at);
	WRITE("An offer without a codec of ours (R159, R195)", "488, and the call failed by its media.", rows, at);
	assert_int_equal(event(at[FAILED])->state_changed.new_state, RLN_STATE_FAILED);
	assert_int_equal(event(at[FAILED])->state_changed.reason, RLN_END_MEDIA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW(they_hang_up),
		FLOW(they_cancel),
		FLOW(we_give_up),
		FLOW(we_reject),
		FLOW(they_refuse),
		FLOW(nobody_answers),
		FLOW(port_is_closed),
		FLOW(no_codec_in_common),
	};

	return cmocka_run_group_tests_name("sim/flows_end", tests, sim_group_start, sim_group_stop);
}
