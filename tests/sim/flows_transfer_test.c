/* SPDX-License-Identifier: BSD-3-Clause */
/* Transfers, sent and received, blind and attended (requirements 7, R192): each trace, step by step with its causes. */
#include "tests/sim/flow_peer.h"

#include <errno.h>

#define SDP  sim_sdp(30000, "0", "sendrecv")
#define FRAG "Content-Type: message/sipfrag;version=2.0\r\nEvent: refer\r\n"

static struct rln_call *call;
static struct sim_dialog d;
static struct sim_sip *carol; /* whom the call goes to */

static void up(void)
{
	sim_call_in(&d, sip, "bob", PORT, SDP, bob, &call, NULL);
	carol = sim_sip_open(5061);
}

static void down(void)
{
	rln_call_free(call);
	sim_sip_close(carol);
}

/* The BYE of the call that was transferred. */
static void leave(void)
{
	struct sim_msg m;

	sim_expect(sip, &m, "BYE ");
	sim_respond(&d, &m, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
}

static void notify(const char *state, const char *status)
{
	char headers[200];
	struct sim_msg m;

	snprintf(headers, sizeof(headers), FRAG "Subscription-State: %s\r\n", state);
	sim_request_body(&d, "NOTIFY", headers, status);
	sim_expect(sip, &m, "SIP/2.0 200");
}

static void we_transfer(void **state)
{
	enum { TRANSFER, ORDER, MOVED, REFER, ACCEPTED, RINGING, ANSWERED, OK, DONE, TERMINATE, BYE, STEPS };
	static const struct sim_step rows[STEPS] = {
		[TRANSFER] = STEP(BLIND_TRANSFER, SESSION, OUTSIDE),
		[ORDER] = STEP(TRANSFER_CALL, DIALOG, TRANSFER),
		[MOVED] = STEP(STATE_CHANGED, SESSION, TRANSFER),
		[REFER] = STEP(SEND_SIP_MESSAGE, NONE, ORDER),
		[ACCEPTED] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[RINGING] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE),
		[ANSWERED] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE),
		[OK] = STEP(SEND_SIP_RESPONSE, NONE, ANSWERED),
		[DONE] = STEP(CALL_STATE_CHANGED, DIALOG, ANSWERED),
		[TERMINATE] = STEP(TERMINATE_SESSION, DIALOG, DONE),
		[BYE] = STEP(SEND_SIP_MESSAGE, NONE, TERMINATE),
	};
	size_t at[STEPS], begin;
	struct sim_msg m;

	(void)state;
	up();
	begin = sim_trace_count();
	assert_int_equal(rln_call_transfer(call, "carol@" SIM_HOST ":5061", RLN_TRANSFER_BLIND), 0);
	sim_expect(sip, &m, "REFER ");
	assert_non_null(strstr(sim_header(&m, "Refer-To"), "sip:carol@" SIM_HOST ":5061"));
	sim_respond(&d, &m, 202, NULL, NULL);
	notify("active;expires=60", "SIP/2.0 180 Ringing\r\n");
	notify("terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
	leave();
	FOLLOW(begin, rows, at);
	WRITE("We transfer the peer, blind (R176, R192)",
		"The peer tells by NOTIFY how far it has come (steps 6 and 7); when it has arrived, we hang up.", rows, at);
	assert_slice(sim_trace_at(at[ORDER]), event(at[ORDER])->transfer_call.target, "carol@" SIM_HOST);
	assert_int_equal(event(at[MOVED])->state_changed.new_state, RLN_STATE_TRANSFERRING);
	assert_int_equal(event(at[DONE])->call_state_changed.new_state, RLN_CALL_TRANSFER_DONE);
	down();
}

static void they_transfer(void **state)
{
	enum {
		REFER,
		TOLD,
		ACCEPT,
		ACCEPTED,
		CREATED,
		INITIATE,
		INVITE,
		OK,
		ESTABLISHED,
		STARTED,
		ACTIVE,
		LINK,
		NOTIFY,
		NOTIFIED,
		TERMINATE,
		BYE,
		STEPS
	};
	static const struct sim_step rows[STEPS] = {
		[REFER] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE),
		[TOLD] = STEP(TRANSFER_REQUESTED, DIALOG, REFER),
		[ACCEPT] = CALLS("respond_refer", TOLD),
		[ACCEPTED] = STEP(SEND_SIP_RESPONSE, NONE, ACCEPT),
		[CREATED] = STEP(SESSION_CREATED, SESSION, TOLD),
		[INITIATE] = STEP(INITIATE_CALL, DIALOG, TOLD),
		[INVITE] = STEP(SEND_SIP_MESSAGE, NONE, INITIATE),
		[OK] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[ESTABLISHED] = STEP(CALL_ESTABLISHED, DIALOG, OK),
		[STARTED] = STEP(MEDIA_STREAM_STARTED, MEDIA, ESTABLISHED),
		[ACTIVE] = STEP(STATE_CHANGED, SESSION, STARTED),
		[LINK] = STEP(OTHER_CALL, SESSION, STARTED),
		[NOTIFY] = CALLS("notify_transfer", LINK),
		[NOTIFIED] = STEP(SEND_SIP_MESSAGE, NONE, NOTIFY),
		[TERMINATE] = STEP(TERMINATE_SESSION, DIALOG, LINK),
		[BYE] = STEP(SEND_SIP_MESSAGE, NONE, TERMINATE),
	};
	size_t at[STEPS], begin;
	struct sim_dialog e;
	struct rln_call *made;
	struct sim_msg m, invite;

	(void)state;
	up();
	begin = sim_trace_count();
	sim_request(&d, "REFER", "Refer-To: <sip:carol@" SIM_HOST ":5061>\r\n", NULL);
	sim_expect(sip, &m, "SIP/2.0 202");
	sim_expect(sip, &m, "NOTIFY ");
	assert_non_null(strstr(sim_body(&m), "SIP/2.0 100"));
	sim_respond(&d, &m, 200, NULL, NULL);
	sim_expect(carol, &invite, "INVITE ");
	sim_uas(&e, carol, &invite);
	sim_respond(&e, &invite, 200, NULL, SDP);
	sim_expect(carol, &m, "ACK ");
	sim_expect(sip, &m, "NOTIFY ");
	assert_non_null(strstr(sim_body(&m), "SIP/2.0 200"));
	sim_respond(&d, &m, 200, NULL, NULL);
	made = rln_call_transferred(call, SIM_WAIT_MS);
	assert_non_null(made);
	leave();
	FOLLOW(begin, rows, at);
	WRITE("The peer transfers us, blind (R178, R192)",
		"A second session calls the target; when it stands, the first one reports it and hangs up.", rows, at);
	assert_slice(sim_trace_at(at[TOLD]), event(at[TOLD])->transfer_requested.refer_to, "carol@" SIM_HOST);
	assert_int_equal(event(at[ACCEPTED])->send_sip_response.status_code, 202);
	sim_bye(&e);
	rln_call_free(made);
	down();
}

static void we_transfer_attended(void **state)
{
	enum {
		CONSULT,
		OFFER,
		PAUSE,
		MOVED,
		CREATED,
		COMPLETE,
		ORDER,
		REFER,
		ACCEPTED,
		LEFT,
		ANSWERED,
		DONE,
		TERMINATE,
		BYE,
		STEPS
	};
	static const struct sim_step rows[STEPS] = {
		[CONSULT] = STEP(START_CONSULT, SESSION, OUTSIDE),
		[OFFER] = STEP(HOLD_SESSION, DIALOG, CONSULT),
		[PAUSE] = STEP(HOLD_MEDIA, MEDIA, CONSULT),
		[MOVED] = STEP(STATE_CHANGED, SESSION, CONSULT),
		[CREATED] = STEP(SESSION_CREATED, SESSION, CONSULT),
		[COMPLETE] = STEP(COMPLETE_TRANSFER, NONE, OUTSIDE),
		[ORDER] = STEP(TRANSFER_CALL, DIALOG, COMPLETE),
		[REFER] = STEP(SEND_SIP_MESSAGE, NONE, ORDER),
		[ACCEPTED] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[LEFT] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE), /* the target's BYE */
		[ANSWERED] = STEP(SIP_MESSAGE_RECEIVED, NONE, OUTSIDE),
		[DONE] = STEP(CALL_STATE_CHANGED, DIALOG, ANSWERED),
		[TERMINATE] = STEP(TERMINATE_SESSION, DIALOG, DONE),
		[BYE] = STEP(SEND_SIP_MESSAGE, NONE, TERMINATE),
	};
	size_t at[STEPS], begin, trying;
	struct rln_call *second;
	struct sim_msg m, invite;
	struct sim_dialog e;

	(void)state;
	up();
	begin = trying = sim_trace_count();
	second = rln_call_consult(call, "carol@" SIM_HOST ":5061");
	assert_non_null(second);
	sim_expect(sip, &m, "INVITE ");
	assert_non_null(strstr(sim_body(&m), "a=sendonly"));
	sim_respond(&d, &m, 200, NULL, sim_sdp(30000, "0", "recvonly"));
	sim_expect(sip, &m, "ACK ");
	sim_expect(carol, &invite, "INVITE ");
	sim_uas(&e, carol, &invite);
	sim_respond(&e, &invite, 200, NULL, sim_sdp(30002, "0", "sendrecv"));
	sim_expect(carol, &m, "ACK ");
	assert_int_equal(rln_call_wait_for_state(second, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_complete_transfer(call), 0);
	sim_expect(sip, &m, "REFER ");
	assert_non_null(strstr(sim_header(&m, "Refer-To"), "sip:sim@" SIM_HOST ":5061?Replaces="));
	sim_respond(&d, &m, 202, NULL, NULL);
	do /* of the hold's answer there is none: TRANSFER_TRYING */
		trying = sim_trace_wait(trying + 1, RLN_EV_CALL_STATE_CHANGED, 0);
	while (event(trying)->call_state_changed.new_state != RLN_CALL_TRANSFER_TRYING);
	sim_bye(&e); /* the peer's INVITE has replaced it */
	notify("terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
	leave();
	FOLLOW(begin, rows, at);
	WRITE("We transfer the peer, attended (R177, R192)",
		"The peer is held while we talk to the target; the REFER names that dialog, which the peer's INVITE replaces: "
		"the target leaves it with a BYE (step 9).",
		rows, at);
	assert_int_equal(event(at[MOVED])->state_changed.new_state, RLN_STATE_CONSULTING);
	assert_true(event(at[ORDER])->transfer_call.replaces != 0);
	assert_int_equal(event(at[DONE])->call_state_changed.new_state, RLN_CALL_TRANSFER_DONE);
	rln_call_free(second);
	down();
}

/* One worker: responses and requests leave in the order in which they were sent. */
static int start(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){.trace = true, .workers = 1, .queues = 1});
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW(we_transfer),
		FLOW(they_transfer),
		FLOW(we_transfer_attended),
	};

	return cmocka_run_group_tests_name("sim/flows_transfer", tests, start, sim_group_stop);
}
