/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The peer's BYE in every state of a call (R181): one helper brings a call to the state, one row per state. Each is answered by exactly one 200, which a BYE
 * sent again gets again, tells exactly one SESSION_TERMINATED, and leaves nothing.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

#define PORT 5070
#define SDP  sim_sdp(30000, "0 8 101", "sendrecv")

static struct rln_peer *bob;
static struct sim_sip *sip, *carol; /* carol: the other party of a row */
static struct sim_rtp *rtp;
static struct rln_call *call, *other;
static struct rln_incoming *incoming;
static struct sim_dialog d, od;
static struct sim_msg open, other_open; /* a request of ours that the peer has not answered */
static struct sim_msg crossed;          /* a response that came before the BYE's; status 0: none */
static uint8_t sound[200 * 40];

/* ---- ways into the states; each ends when the peer knows enough to hang up ---- */

static void up(void)
{
	struct sim_msg answer;

	sim_call_in(&d, sip, "bob", PORT, SDP, bob, &call, &answer);
	sim_rtp_to(rtp, SIM_MAIN, sim_sdp_port(&answer));
}

static void to_proceeding(void)
{
	struct sim_msg m;

	sim_uac(&d, sip, "bob", PORT);
	sim_request(&d, "INVITE", NULL, SDP);
	sim_expect(sip, &m, "SIP/2.0 180");
	sim_learn(&d, &m);
	incoming = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(incoming);
}

/* Their ACK is missing. */
static void to_negotiating(void)
{
	struct sim_msg m;

	to_proceeding();
	call = rln_incoming_accept(incoming);
	incoming = NULL;
	assert_non_null(call);
	sim_expect(sip, &m, "SIP/2.0 200");
}

static void to_early_media(void)
{
	call = rln_peer_call(bob, "sim@" SIM_HOST);
	assert_non_null(call);
	sim_expect(sip, &open, "INVITE ");
	sim_uas(&d, sip, &open);
	sim_respond(&d, &open, 183, NULL, SDP);
}

static void to_hold_pending(void)
{
	up();
	assert_int_equal(rln_call_hold(call), 0);
	sim_expect(sip, &open, "INVITE ");
}

static void agree(const char *direction)
{
	struct sim_msg ack;

	sim_respond(&d, &open, 200, NULL, sim_sdp(30000, "0 8 101", direction));
	sim_expect(sip, &ack, "ACK ");
}

static void to_on_hold(void)
{
	to_hold_pending();
	agree("recvonly");
}

static void to_resume_pending(void)
{
	to_on_hold();
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ON_HOLD, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_resume(call), 0);
	sim_expect(sip, &open, "INVITE ");
}

static unsigned a_quarter_lost(unsigned packet)
{
	return packet % 4 == 3 ? 0 : 1;
}

static void to_evaluating(void)
{
	up();
	sim_rtp_talk(rtp, sound, sizeof(sound), 40, 5000, a_quarter_lost);
	sim_expect(sip, &open, "INVITE ");
}

static void to_recovering(void)
{
	up();
	sim_rtp_send(rtp, sound, 160, true);
	sim_expect(sip, &open, "INVITE ");
}

static void to_transferring(void)
{
	up();
	assert_int_equal(rln_call_transfer(call, "carol@" SIM_HOST ":5061", RLN_TRANSFER_BLIND), 0);
	sim_expect(sip, &open, "REFER ");
}

static void to_consulting(void)
{
	up();
	other = rln_call_consult(call, "carol@" SIM_HOST ":5061");
	assert_non_null(other);
	sim_expect(sip, &open, "INVITE ");
	agree("recvonly");
	sim_expect(carol, &other_open, "INVITE ");
	sim_uas(&od, carol, &other_open);
}

static void to_bridged(void)
{
	up();
	sim_call_out(&od, carol, bob, sim_sdp(30002, "0 101", "sendrecv"), &other, NULL);
	sim_trace_state(rln_call_session(other).v, RLN_STATE_ACTIVE);
	assert_int_equal(rln_coord_bridge(sim_coord(), rln_call_session(call), rln_call_session(other)), 0);
}

/* Our BYE is on its way: the two cross. */
static void to_terminating(void)
{
	up();
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &open, "BYE ");
}

/* ---- what is left to answer ---- */

/* RFC 3261 15.1.2: the requests that are open get a 487; an INVITE's is acknowledged. */
static void give_up_invite(void)
{
	struct sim_msg m;

	sim_respond(&d, &open, 487, NULL, NULL);
	sim_expect(sip, &m, "ACK ");
}

/* A callee ought not to hang up before it has answered (15): our INVITE is cancelled too. */
static void is_cancelled(void)
{
	struct sim_msg m;

	sim_expect(sip, &m, "CANCEL ");
	sim_respond(&d, &m, 200, NULL, NULL);
	give_up_invite();
}

static void give_up_own_invite(void)
{
	if (!crossed.status)
		sim_expect(sip, &crossed, "SIP/2.0 487");
	assert_int_equal(crossed.status, 487);
	sim_ack_refusal(&d, &crossed);
	(void)rln_incoming_reject(incoming, 486);
	incoming = NULL;
}

static void hush(void)
{
	give_up_invite();
	sim_rtp_hush(rtp);
}

static void answer_open(void)
{
	sim_respond(&d, &open, open.method[0] == 'R' ? 481 : 200, NULL, NULL);
}

static void refuse_consultation(void)
{
	struct sim_msg m;

	sim_respond(&od, &other_open, 486, NULL, NULL);
	sim_expect(carol, &m, "ACK ");
}

/* The one that was bridged with it goes on. */
static void end_other(void)
{
	uint64_t id = rln_call_session(other).v;
	size_t at = 0;

	do
		at = sim_trace_wait(at, RLN_EV_STATE_CHANGED, id) + 1;
	while (sim_trace_at(at - 1)->ev.state_changed.old_state != RLN_STATE_BRIDGED);
	assert_int_equal(sim_trace_at(at - 1)->ev.state_changed.new_state, RLN_STATE_ACTIVE);
	sim_bye(&od);
}

static const struct row {
	const char *name;
	enum rln_call_state state;
	enum rln_end_reason end;
	void (*bring)(void), (*rest)(void);
} rows[] = {
	{"PROCEEDING", RLN_STATE_PROCEEDING, RLN_END_CANCELLED, to_proceeding, give_up_own_invite},
	{"NEGOTIATING", RLN_STATE_NEGOTIATING, RLN_END_REMOTE, to_negotiating, NULL},
	{"EARLY_MEDIA", RLN_STATE_EARLY_MEDIA, RLN_END_REMOTE, to_early_media, is_cancelled},
	{"ACTIVE", RLN_STATE_ACTIVE, RLN_END_REMOTE, up, NULL},
	{"HOLD_PENDING", RLN_STATE_HOLD_PENDING, RLN_END_REMOTE, to_hold_pending, give_up_invite},
	{"ON_HOLD", RLN_STATE_ON_HOLD, RLN_END_REMOTE, to_on_hold, NULL},
	{"RESUME_PENDING", RLN_STATE_RESUME_PENDING, RLN_END_REMOTE, to_resume_pending, give_up_invite},
	{"EVALUATING", RLN_STATE_EVALUATING, RLN_END_REMOTE, to_evaluating, hush},
	{"RECOVERING", RLN_STATE_RECOVERING, RLN_END_REMOTE, to_recovering, give_up_invite},
	{"TRANSFERRING", RLN_STATE_TRANSFERRING, RLN_END_REMOTE, to_transferring, answer_open},
	{"CONSULTING", RLN_STATE_CONSULTING, RLN_END_REMOTE, to_consulting, refuse_consultation},
	{"BRIDGED", RLN_STATE_BRIDGED, RLN_END_REMOTE, to_bridged, end_other},
	{"TERMINATING", RLN_STATE_TERMINATING, RLN_END_NORMAL, to_terminating, answer_open},
};

/* ---- one row ---- */

/* Its machine is in the state; the trace says so for calls that nobody of ours has accepted, too. */
static uint64_t is_in(enum rln_call_state state)
{
	uint64_t id = incoming ? rln_incoming_session(incoming).v : rln_call_session(call).v;

	sim_trace_state(id, state);
	return id;
}

static unsigned count_terminated(uint64_t session)
{
	size_t at = 0;
	unsigned n = 0;

	while ((at = sim_trace_find(at, RLN_EV_SESSION_TERMINATED, session)) != SIZE_MAX) {
		at++;
		n++;
	}
	return n;
}

/* Responses with 200 that came, by causes, from the BYE; what came again never reached the dialog. */
static unsigned count_200(size_t bye)
{
	unsigned n = 0;

	for (size_t at = bye; (at = sim_trace_find(at, RLN_EV_SEND_SIP_RESPONSE, 0)) != SIZE_MAX; at++)
		n += sim_trace_at(at)->ev.send_sip_response.status_code == 200 && sim_trace_led_to(bye, at);
	return n;
}

static void a_bye_ends_it_once(void **state)
{
	const struct row *row = *state;
	size_t begin, bye;
	struct sim_msg m;
	uint64_t session;
	char sent[SIM_TEXT];

	row->bring();
	session = is_in(row->state);
	begin = sim_trace_count();
	sim_request(&d, "BYE", NULL, NULL);
	snprintf(sent, sizeof(sent), "%s", d.last);
	sim_expect(sip, &m, "SIP/2.0 ");
	if (strcmp(m.method, "INVITE") == 0) { /* of its end: in no order with the BYE's answer */
		crossed = m;
		sim_expect(sip, &m, "SIP/2.0 ");
	}
	assert_string_equal(m.method, "BYE");
	assert_int_equal(m.status, 200);
	if (row->rest)
		row->rest();
	sim_sip_send(sip, &d.to, sent);
	sim_expect_again(sip, &m, "SIP/2.0 200");
	bye = sim_trace_wait(begin, RLN_EV_SIP_MESSAGE_RECEIVED, 0);
	if (other)
		rln_call_free(other);
	sim_trace_wait(begin, RLN_EV_SESSION_TERMINATED, session);
	rln_call_free(call);
	sim_wait_idle();
	assert_int_equal(count_200(bye), 1);
	assert_int_equal(count_terminated(session), 1);
	assert_int_equal(
		sim_trace_at(sim_trace_find(0, RLN_EV_SESSION_TERMINATED, session))->ev.session_terminated.reason, row->end);
}

static int open_peers(void **state)
{
	(void)state;
	call = other = NULL;
	crossed.status = 0;
	incoming = NULL;
	sim_trace_begin();
	bob = rln_peer_new("bob", PORT);
	sip = sim_sip_open(5060);
	carol = sim_sip_open(5061);
	rtp = sim_rtp_open(SIM_HOST, 30000);
	return bob ? 0 : -1;
}

static int close_peers(void **state)
{
	(void)state;
	rln_peer_free(bob);
	sim_expect_nothing(sip, 0);
	sim_expect_nothing(carol, 0);
	sim_sip_close(sip);
	sim_sip_close(carol);
	sim_rtp_close(rtp);
	return 0;
}

/* Short, for RECOVERING: nobody else's call is silent after it has spoken. One worker, for BRIDGED. */
static int start(void **state)
{
	(void)state;
	sim_sound_ulaw(sound, sizeof(sound), 9);
	sim_start(&(struct sim_cfg){.trace = true,
		.workers = 1,
		.queues = 1,
		.rtp = "port_min: 20000, port_max: 29999, rtp_timeout_s: 1, rtcp_interval_ms: 500, quality_interval_ms: 1000"});
	return 0;
}

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	static struct CMUnitTest tests[ROWS];

	for (unsigned i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){.name = rows[i].name,
			.test_func = a_bye_ends_it_once,
			.setup_func = open_peers,
			.teardown_func = close_peers,
			.initial_state = (void *)(uintptr_t)&rows[i]};
	return _cmocka_run_group_tests("sim/bye", tests, ROWS, start, sim_group_stop);
}
