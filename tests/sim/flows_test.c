/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flows of requirements 7, read off the bus: each test makes one call with a scripted peer and follows the trace, kinds in their order, each with the event
 * that it came from, then the fields. Every call ends with an empty appliance (the group's teardown).
 */
#include "tests/sim/flow_peer.h"

/* R186: the seven events, and six steps of set-up. */
static void incoming_is_set_up(void **state)
{
	enum {
		INVITE,
		INCOMING,
		CREATED,
		TOLD,
		RING,
		RINGING,
		ASKED,
		PROCEEDING,
		RESERVED,
		ACCEPT,
		START,
		OPEN,
		OPENED,
		STARTED,
		ANSWER,
		OK,
		NEGOTIATED,
		ACK,
		ESTABLISHED,
		ACTIVE,
		STEPS
	};
	static const struct sim_step rows[STEPS] = {
		[INVITE] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE),
		[INCOMING] = STEP(INCOMING_CALL, DIALOG, INVITE),
		[CREATED] = STEP(SESSION_CREATED, SESSION, INCOMING),
		[TOLD] = STEP(INCOMING_CALL, SESSION, INCOMING),
		[RING] = CALLS("send_response", INCOMING),
		[RINGING] = STEP(SEND_SIP_RESPONSE, NONE, RING),
		[ASKED] = STEP(CREATE_MEDIA_SESSION, SESSION, INCOMING),
		[PROCEEDING] = STEP(STATE_CHANGED, SESSION, INCOMING),
		[RESERVED] = STEP(MEDIA_SESSION_CREATED, SESSION, ASKED),
		[ACCEPT] = STEP(ACCEPT_CALL, SESSION, OUTSIDE),
		[START] = STEP(START_MEDIA_STREAM, MEDIA, ACCEPT),
		[OPEN] = STEP(START_RTP_STREAM, MEDIA, START),
		[OPENED] = STEP(RTP_STREAM_STARTED, MEDIA, OPEN),
		[STARTED] = STEP(MEDIA_STREAM_STARTED, MEDIA, OPENED),
		[ANSWER] = CALLS("send_response", STARTED),
		[OK] = STEP(SEND_SIP_RESPONSE, NONE, ANSWER),
		[NEGOTIATED] = STEP(MEDIA_NEGOTIATED, SESSION, STARTED),
		[ACK] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE),
		[ESTABLISHED] = STEP(CALL_ESTABLISHED, DIALOG, ACK),
		[ACTIVE] = STEP(STATE_CHANGED, SESSION, ESTABLISHED),
	};
	size_t at[STEPS];
	struct rln_incoming *in;
	struct rln_call *call;
	struct sim_dialog d;
	const struct sim_event *e;
	struct sim_msg m;

	(void)state;
	sim_uac(&d, sip, "bob", PORT);
	sim_request(&d, "INVITE", NULL, sim_sdp(30000, "8", "sendrecv"));
	in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(in);
	sim_trace_wait(0, RLN_EV_MEDIA_SESSION_CREATED, 0); /* an accept that comes earlier is deferred until then */
	call = rln_incoming_accept(in);
	assert_non_null(call);
	sim_expect(sip, &m, "SIP/2.0 180");
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_learn(&d, &m);
	sim_request(&d, "ACK", NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	FOLLOW(0, rows, at);
	WRITE("Incoming call (R186)",
		"The leg and its port are reserved while it rings; the accept confirms them, and the 200 goes out when the "
		"stream runs.",
		rows, at);
	e = sim_trace_at(at[INVITE]);
	assert_slice(e, e->ev.sip_message_received.body, "m=audio 30000");
	assert_int_equal(e->ev.sip_message_received.source.port, 5060);
	e = sim_trace_at(at[TOLD]);
	assert_slice(e, e->ev.incoming_call.call_id, d.call_id);
	assert_slice(e, e->ev.incoming_call.from, "sip:sim@" SIM_HOST);
	assert_slice(e, e->ev.incoming_call.to, "sip:bob@" SIM_MAIN);
	assert_slice(e, e->ev.incoming_call.sdp_offer, "m=audio 30000");
	assert_slice(e, e->ev.incoming_call.headers, "CSeq");
	assert_int_equal(event(at[CREATED])->session_created.role, RLN_ROLE_UAS);
	assert_int_equal(event(at[RINGING])->send_sip_response.status_code, 180);
	assert_int_equal(event(at[PROCEEDING])->state_changed.old_state, RLN_STATE_IDLE);
	assert_int_equal(event(at[PROCEEDING])->state_changed.new_state, RLN_STATE_PROCEEDING);
	assert_int_equal(event(at[RESERVED])->media_session_created.local_addr.port, sim_sdp_port(&m));
	assert_int_equal(rln_id_type(event(at[RESERVED])->media_session_created.media_id), RLN_ID_MEDIA);
	assert_int_equal(rln_id_shard(event(at[RESERVED])->media_session_created.media_id),
		sim_trace_at(at[START])->endpoint - RLN_ENDPOINT_WORKER0);
	e = sim_trace_at(at[START]);
	assert_slice(e, e->ev.start_media_stream.remote_sdp, "m=audio 30000");
	assert_slice(e, e->ev.start_media_stream.local_sdp, "RTP/AVP 8");
	assert_int_equal(event(at[OPEN])->start_rtp_stream.remote.port, 30000);
	assert_int_equal(event(at[OPEN])->start_rtp_stream.local_port, sim_sdp_port(&m));
	assert_int_equal(event(at[OPEN])->start_rtp_stream.codec, RLN_CODEC_PCMA);
	assert_int_equal(event(at[STARTED])->media_stream_started.local_port, sim_sdp_port(&m));
	assert_int_equal(event(at[STARTED])->media_stream_started.codec, RLN_CODEC_PCMA);
	assert_int_equal(event(at[OK])->send_sip_response.status_code, 200);
	assert_int_equal(event(at[NEGOTIATED])->media_negotiated.codec, RLN_CODEC_PCMA);
	assert_int_equal(event(at[NEGOTIATED])->media_negotiated.payload_type, 8);
	assert_int_equal(event(at[NEGOTIATED])->media_negotiated.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(event(at[NEGOTIATED])->media_negotiated.remote_addr.port, 30000);
	assert_int_equal(event(at[ACTIVE])->state_changed.new_state, RLN_STATE_ACTIVE);
	sim_bye(&d);
	rln_call_free(call);
}

/* R187 */
static void outgoing_is_set_up(void **state)
{
	enum {
		MAKE,
		CREATE,
		CREATED,
		ASKED,
		CALLING,
		RESERVED,
		INITIATE,
		READY,
		INVITE,
		RINGING,
		PROGRESS,
		OK,
		ACK,
		ESTABLISHED,
		START,
		STARTED,
		ACTIVE,
		NEGOTIATED,
		STEPS
	};
	static const struct sim_step rows[STEPS] = {
		[MAKE] = STEP(MAKE_CALL, SESSION, OUTSIDE),
		[CREATE] = CALLS("create", MAKE),
		[CREATED] = STEP(SESSION_CREATED, SESSION, MAKE),
		[ASKED] = STEP(CREATE_MEDIA_SESSION, SESSION, MAKE),
		[CALLING] = STEP(STATE_CHANGED, SESSION, MAKE),
		[RESERVED] = STEP(MEDIA_SESSION_CREATED, SESSION, ASKED),
		[INITIATE] = STEP(INITIATE_CALL, DIALOG, RESERVED),
		[READY] = STEP(MEDIA_SESSION_READY, SESSION, RESERVED),
		[INVITE] = STEP(SEND_SIP_MESSAGE, NONE, INITIATE),
		[RINGING] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[PROGRESS] = STEP(CALL_STATE_CHANGED, DIALOG, RINGING),
		[OK] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[ACK] = CALLS("send_ack", OK),
		[ESTABLISHED] = STEP(CALL_ESTABLISHED, DIALOG, OK),
		[START] = STEP(START_MEDIA_STREAM, MEDIA, ESTABLISHED),
		[STARTED] = STEP(MEDIA_STREAM_STARTED, MEDIA, START),
		[ACTIVE] = STEP(STATE_CHANGED, SESSION, STARTED),
		[NEGOTIATED] = STEP(MEDIA_NEGOTIATED, SESSION, STARTED),
	};
	size_t at[STEPS];
	struct sim_msg invite, ack;
	const struct sim_event *e;
	struct rln_call *call;
	struct sim_dialog d;

	(void)state;
	call = rln_peer_call(bob, "sim@" SIM_HOST);
	assert_non_null(call);
	sim_expect(sip, &invite, "INVITE ");
	sim_uas(&d, sip, &invite);
	sim_respond(&d, &invite, 180, NULL, NULL);
	sim_trace_wait(0, RLN_EV_CALL_STATE_CHANGED, rln_call_session(call).v);
	sim_respond(&d, &invite, 200, NULL, sim_sdp(30000, "0", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	FOLLOW(0, rows, at);
	WRITE("Outgoing call (R187)", "The INVITE waits for the leg, whose port stands in its offer.", rows, at);
	e = sim_trace_at(at[MAKE]);
	assert_slice(e, e->ev.make_call.to, "sim@" SIM_HOST);
	assert_int_equal(event(at[CREATED])->session_created.role, RLN_ROLE_UAC);
	assert_int_equal(event(at[CALLING])->state_changed.new_state, RLN_STATE_CALLING);
	e = sim_trace_at(at[INITIATE]);
	assert_slice(e, e->ev.initiate_call.to, "sim@" SIM_HOST);
	assert_slice(e, e->ev.initiate_call.from, "bob@");
	assert_slice(e, e->ev.initiate_call.sdp_offer, "m=audio");
	assert_int_equal(event(at[RESERVED])->media_session_created.local_addr.port, sim_sdp_port(&invite));
	assert_int_equal(event(at[READY])->media_session_ready.local_addr.port, sim_sdp_port(&invite));
	assert_int_equal(event(at[INVITE])->send_sip_message.destination.port, 5060);
	assert_int_equal(event(at[RINGING])->sip_response_received.status_code, 180);
	assert_int_equal(event(at[PROGRESS])->call_state_changed.new_state, RLN_CALL_RINGING);
	assert_int_equal(event(at[PROGRESS])->call_state_changed.status, 180);
	assert_int_equal(event(at[OK])->sip_response_received.status_code, 200);
	e = sim_trace_at(at[ESTABLISHED]);
	assert_slice(e, e->ev.call_established.sdp, "m=audio 30000");
	assert_int_equal(event(at[ACTIVE])->state_changed.new_state, RLN_STATE_ACTIVE);
	assert_int_equal(event(at[NEGOTIATED])->media_negotiated.remote_addr.port, 30000);
	assert_int_equal(event(at[NEGOTIATED])->media_negotiated.codec, RLN_CODEC_PCMU);
	assert_string_equal(sim_header(&invite, "Content-Type"), "application/sdp");
	sim_bye(&d);
	rln_call_free(call);
}

/* R188, R154: BYE, stop media, the end told once, the slot goes. */
static void termination_is_in_order(void **state)
{
	enum { HANGUP, TERMINATE, BYE, STOP, CLOSE, CLOSED, STOPPED, OK, ENDED, TERMINATED, TOLD, CLEANUP, RELEASE, GONE, STEPS };
	static const struct sim_step rows[STEPS] = {
		[HANGUP] = STEP(HANGUP_CALL, SESSION, OUTSIDE),
		[TERMINATE] = STEP(TERMINATE_SESSION, DIALOG, HANGUP),
		[BYE] = STEP(SEND_SIP_MESSAGE, NONE, TERMINATE),
		[STOP] = STEP(STOP_MEDIA_STREAM, MEDIA, HANGUP),
		[CLOSE] = STEP(STOP_RTP_STREAM, MEDIA, STOP),
		[CLOSED] = STEP(RTP_STREAM_STOPPED, MEDIA, CLOSE),
		[STOPPED] = STEP(MEDIA_STREAM_STOPPED, MEDIA, CLOSED),
		[OK] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[ENDED] = STEP(CALL_TERMINATED, DIALOG, OK),
		[TERMINATED] = STEP(STATE_CHANGED, SESSION, ENDED),
		[TOLD] = STEP(SESSION_TERMINATED, SESSION, ENDED),
		[CLEANUP] = STEP(TIMER_FIRED, SESSION, OK),
		[RELEASE] = CALLS("release", CLEANUP),
		[GONE] = CALLS("closed", CLEANUP),
	};
	size_t at[STEPS], begin;
	struct rln_call *call;
	struct sim_dialog d;
	struct sim_msg bye;

	(void)state;
	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0", "sendrecv"), bob, &call, NULL);
	begin = sim_trace_count();
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &bye, "BYE ");
	sim_trace_wait(begin, RLN_EV_MEDIA_STREAM_STOPPED, 0); /* the leg goes without waiting for the peer */
	assert_int_equal(rln_call_state(call), RLN_STATE_TERMINATING);
	sim_respond(&d, &bye, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	FOLLOW(begin, rows, at);
	WRITE("Termination (R188, R154)",
		"We hang up: BYE first, the media stops without waiting for the answer, the end is told once, then everything is "
		"given back.",
		rows, at);
	assert_true(at[TERMINATE] < at[STOP]); /* BYE first */
	assert_int_equal(event(at[TOLD])->session_terminated.reason, RLN_END_NORMAL);
	assert_int_equal(event(at[TERMINATED])->state_changed.old_state, RLN_STATE_TERMINATING);
	assert_int_equal(sim_trace_find(at[TOLD] + 1, RLN_EV_SESSION_TERMINATED, 0), SIZE_MAX);
	assert_int_equal(rln_call_end(call, NULL), RLN_END_NORMAL);
	rln_call_free(call);
}

/* R155's tail: what both directions of audio lead to, in this order, each once. */
static void check_media_tail(size_t from, uint64_t session, unsigned ssrc, uint16_t local_port)
{
	static const struct sim_step rows[] = {
		STEP(MEDIA_NEGOTIATED, SESSION, OUTSIDE),
		STEP(MEDIA_FLOW_ESTABLISHED, SESSION, OUTSIDE),
		STEP(FIRST_AUDIO_FRAME_RECEIVED, SESSION, OUTSIDE),
		STEP(AUDIO_CHANNELS_READY, SESSION, OUTSIDE),
	};
	size_t at[4];

	FOLLOW(from, rows, at);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(event(at[i])->id, session);
		assert_int_equal(sim_trace_find(at[i] + 1, rows[i].kind, session), SIZE_MAX);
	}
	assert_int_equal(event(at[1])->media_flow_established.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(event(at[1])->media_flow_established.remote_addr.port, 30000);
	assert_int_equal(event(at[1])->media_flow_established.local_addr.port, local_port);
	assert_int_equal(event(at[2])->first_audio_frame_received.ssrc, ssrc);
	assert_int_equal(event(at[2])->first_audio_frame_received.timestamp, 160000);
	assert_int_equal(event(at[3])->audio_channels_ready.can_send, 1);
	assert_int_equal(event(at[3])->audio_channels_ready.can_receive, 1);
}

/* The order is the same on both sides; the packets come from outside, the worker tells, the machine passes it on in its turn. */
static void write_media_flow(const char *title)
{
	enum { CREATED, READY, NEGOTIATED, FLOWING, FLOW, FRAME, AUDIO, CHANNELS, STEPS };
	static const struct sim_step rows[STEPS] = {
		[CREATED] = STEP(SESSION_CREATED, SESSION, OUTSIDE),
		[READY] = STEP(MEDIA_SESSION_READY, SESSION, OUTSIDE),
		[NEGOTIATED] = STEP(MEDIA_NEGOTIATED, SESSION, OUTSIDE),
		[FLOWING] = STEP(MEDIA_FLOW_ESTABLISHED, MEDIA, OUTSIDE),
		[FLOW] = STEP(MEDIA_FLOW_ESTABLISHED, SESSION, FLOWING),
		[FRAME] = STEP(FIRST_AUDIO_FRAME_RECEIVED, MEDIA, OUTSIDE),
		[AUDIO] = STEP(FIRST_AUDIO_FRAME_RECEIVED, SESSION, FRAME),
		[CHANNELS] = STEP(AUDIO_CHANNELS_READY, SESSION, FRAME),
	};
	size_t at[STEPS];

	FOLLOW(0, rows, at);
	sim_flow_write(title,
		"Packets both ways, not SDP, make the flow: the worker sees the first one sent and the first one received and "
		"tells; the machine passes it on in its turn.",
		rows, STEPS, at);
}

/* R191, UAC: SESSION_CREATED, MEDIA_SESSION_READY, MEDIA_NEGOTIATED, MEDIA_FLOW_ESTABLISHED, FIRST_AUDIO_FRAME_RECEIVED, AUDIO_CHANNELS_READY. */
static void media_of_the_caller(void **state)
{
	struct sim_msg invite;
	struct rln_call *call;
	struct sim_dialog d;
	size_t made, ready;
	uint64_t id;

	(void)state;
	sim_call_out(&d, sip, bob, sim_sdp(30000, "0", "sendrecv"), &call, &invite);
	id = rln_call_session(call).v;
	assert_false(rln_call_is_media_ready(call)); /* never from SDP alone (R107) */
	send_audio(sim_sdp_port(&invite));
	assert_int_equal(rln_call_wait_for_media(call, SIM_WAIT_MS), 0);
	assert_true(rln_call_is_media_ready(call));
	made = sim_trace_wait(0, RLN_EV_SESSION_CREATED, id);
	ready = sim_trace_wait(made + 1, RLN_EV_MEDIA_SESSION_READY, id);
	check_media_tail(ready + 1, id, rtp->ssrc, sim_sdp_port(&invite));
	write_media_flow("Media of a call that we make (R191)");
	sim_rtp_wait(rtp, 2); /* and silence goes out by itself */
	sim_bye(&d);
	rln_call_free(call);
}

/* R191, UAS; the confirmation of the remote comes with the first RTP. */
static void media_of_the_callee(void **state)
{
	size_t ringing, ready, confirmed;
	struct sim_msg answer;
	struct rln_call *call;
	struct sim_dialog d;
	uint64_t id;

	(void)state;
	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0", "sendrecv"), bob, &call, &answer);
	id = rln_call_session(call).v;
	send_audio(sim_sdp_port(&answer));
	assert_int_equal(rln_call_wait_for_media(call, SIM_WAIT_MS), 0);
	ringing = sim_trace_wait(0, RLN_EV_INCOMING_CALL, id);
	ready = sim_trace_wait(ringing, RLN_EV_ACCEPT_CALL, id);
	ready = sim_trace_wait(ready, RLN_EV_MEDIA_SESSION_READY, id);
	check_media_tail(ready + 1, id, rtp->ssrc, sim_sdp_port(&answer));
	confirmed = sim_trace_wait(0, RLN_EV_REMOTE_MEDIA_CONFIRMED, id);
	assert_int_equal(event(confirmed)->remote_media_confirmed.rtp_flowing, 1);
	assert_int_equal(event(confirmed)->remote_media_confirmed.rtcp_received, 0);
	assert_int_equal(event(confirmed)->remote_media_confirmed.remote_addr.port, 30000);
	write_media_flow("Media of a call that we take (R191)");
	sim_bye(&d);
	rln_call_free(call);
}

/* R155: what comes before the answer counts, and is told in its turn. */
static void early_packets_wait_for_the_answer(void **state)
{
	char target[64];
	struct sim_msg invite, ack;
	struct rln_call *call;
	struct sim_dialog d;
	uint64_t id;

	(void)state;
	snprintf(target, sizeof(target), "sim@" SIM_HOST);
	call = rln_peer_call(bob, target);
	assert_non_null(call);
	id = rln_call_session(call).v;
	sim_expect(sip, &invite, "INVITE ");
	sim_uas(&d, sip, &invite);
	sim_respond(&d, &invite, 180, NULL, NULL);
	send_audio(sim_sdp_port(&invite));
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, 100, NULL), RLN_ETIMEDOUT);
	sim_respond(&d, &invite, 200, NULL, sim_sdp(30000, "0", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_media(call, SIM_WAIT_MS), 0);
	check_media_tail(0, id, rtp->ssrc, sim_sdp_port(&invite));
	sim_bye(&d);
	rln_call_free(call);
}

/* R155: one way: AUDIO_CHANNELS_READY right after MEDIA_NEGOTIATED with one flag; no flow is ever established. */
static void one_way_call_has_one_flag(void **state)
{
	struct sim_msg answer;
	struct rln_event ev;
	struct rln_call *call;
	struct sim_dialog d;

	(void)state;
	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0", "sendonly"), bob, &call, &answer);
	assert_non_null(strstr(sim_body(&answer), "a=recvonly"));
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_AUDIO_CHANNELS_READY, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.audio_channels_ready.can_send, 0);
	assert_int_equal(ev.audio_channels_ready.can_receive, 1);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.media_negotiated.direction, RLN_MEDIA_INBOUND);
	send_audio(sim_sdp_port(&answer));
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_FLOW_ESTABLISHED, 60, &ev), RLN_ETIMEDOUT);
	assert_int_equal(sim_rtp_received(rtp), 0);
	sim_bye(&d);
	rln_call_free(call);
}

/* Inside delivery: two peers of this process, and not a frame on the wire. */
static void two_peers_inside(void **state)
{
	struct rln_peer *alice = rln_peer_new("alice", 5080);
	unsigned before = sim_wire_counts().to_hosts;
	struct rln_call *a, *b;
	struct rln_incoming *in;

	(void)state;
	assert_non_null(alice);
	a = rln_peer_call(alice, "bob@127.0.0.1:5070");
	assert_non_null(a);
	in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(in);
	assert_non_null(strstr(rln_incoming_from(in), "alice@"));
	b = rln_incoming_accept(in);
	assert_non_null(b);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_state(b, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_media(a, SIM_WAIT_MS), 0); /* silence of both sides is flow enough */
	assert_int_equal(rln_call_wait_for_media(b, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_hangup(b), 0);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_end(a, NULL), RLN_END_REMOTE);
	assert_int_equal(rln_call_wait_for_state(b, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	rln_call_free(a);
	rln_call_free(b);
	rln_peer_free(alice);
	assert_int_equal(sim_wire_counts().to_hosts, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW(incoming_is_set_up),
		FLOW(outgoing_is_set_up),
		FLOW(termination_is_in_order),
		FLOW(media_of_the_caller),
		FLOW(media_of_the_callee),
		FLOW(early_packets_wait_for_the_answer),
		FLOW(one_way_call_has_one_flag),
		FLOW(two_peers_inside),
	};

	return cmocka_run_group_tests_name("sim/flows", tests, sim_group_start, sim_group_stop);
}
