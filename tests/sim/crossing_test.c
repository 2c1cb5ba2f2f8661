/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What crosses: the peer's re-INVITE and UPDATE in every state of a call (R171, R172), through the real dialog layer to the row that answers; and orders of
 * the application that come when the caller has given up (R159).
 */
#include "tests/sim/scripted_call.h"

#include <errno.h>

#include "lcore/count.h"

/* A call that we make without an offer. */
static void called_late(void)
{
	struct rln_call_options late = {.late_offer = true};

	call = rln_peer_call_with(bob, "sim@" SIM_HOST, &late);
	assert_non_null(call);
	sim_expect(sip, &m, "INVITE ");
	assert_string_equal(sim_body(&m), "");
	sim_uas(&d, sip, &m);
}

/* ---- R171: their re-INVITE and UPDATE in every state; the session's row answers ---- */

/* A request of theirs, and its answer, which the session gave. The INVITE of before stays the one that counts. */
static void meanwhile(const char *method, const char *sdp, const char *want)
{
	unsigned cseq = d.invite_cseq;
	char branch[sizeof(d.invite_branch)];
	size_t seen = sim_trace_count();
	struct sim_msg r;

	memcpy(branch, d.invite_branch, sizeof(branch));
	sim_request(&d, method, NULL, sdp);
	sim_expect(sip, &r, want);
	assert_string_equal(r.method, method);
	sim_trace_wait(seen, RLN_EV_REINVITE_RECEIVED, 0);
	if (r.status == 500)
		assert_int_not_equal(sim_header(&r, "Retry-After")[0], 0);
	if (strcmp(method, "INVITE") == 0)
		sim_ack_refusal(&d, &r);
	d.invite_cseq = cseq;
	memcpy(d.invite_branch, branch, sizeof(branch));
}

static void requests_before_they_answer(void **state)
{
	struct sim_msg cancel, ack;

	(void)state;
	called(); /* CALLING */
	sim_respond(&d, &m, 180, NULL, NULL);
	meanwhile("UPDATE", NULL, "SIP/2.0 200");
	meanwhile("UPDATE", SDP, "SIP/2.0 491");
	meanwhile("INVITE", SDP, "SIP/2.0 491");
	sim_respond(&d, &m, 183, NULL, SDP); /* unreliable: it exchanges nothing that an UPDATE may build on */
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_EARLY_MEDIA, SIM_WAIT_MS), 0);
	meanwhile("UPDATE", NULL, "SIP/2.0 200");
	meanwhile("UPDATE", SDP, "SIP/2.0 491");
	meanwhile("INVITE", NULL, "SIP/2.0 491");
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &cancel, "CANCEL ");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_CANCEL_PENDING, SIM_WAIT_MS), 0);
	meanwhile("UPDATE", NULL, "SIP/2.0 200");
	meanwhile("UPDATE", SDP, "SIP/2.0 491");
	meanwhile("INVITE", SDP, "SIP/2.0 491");
	sim_respond(&d, &cancel, 200, NULL, NULL);
	sim_respond(&d, &m, 487, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	ended(RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

/* RFC 3311 5.2: the first exchange is complete, so an UPDATE may offer; a re-INVITE may not, and what we cannot take is 488. */
static void requests_in_a_reliable_early_dialog(void **state)
{
	struct sim_msg prack, ack;

	(void)state;
	called();
	sim_respond(&d, &m, 183, "Require: 100rel\r\nRSeq: 7\r\n", SDP);
	sim_expect(sip, &prack, "PRACK ");
	sim_respond(&d, &prack, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_EARLY_MEDIA, SIM_WAIT_MS), 0);
	meanwhile("UPDATE", sim_sdp(30010, "0 8 101", "sendrecv"), "SIP/2.0 200");
	meanwhile("UPDATE", sim_sdp(30010, "18", "sendrecv"), "SIP/2.0 488");
	meanwhile("INVITE", SDP, "SIP/2.0 491");
	sim_respond(&d, &m, 200, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

/* Their reliable 183 offered what we cannot take, and nobody answered it: another offer is one too many (RFC 3311 5.2). */
static void an_update_beside_an_offer_without_use(void **state)
{
	struct sim_msg cancel, ack;

	(void)state;
	called_late();
	sim_respond(&d, &m, 183, "Require: 100rel\r\nRSeq: 7\r\n", sim_sdp(30000, "18", "sendrecv"));
	sim_trace_wait(0, RLN_EV_CALL_STATE_CHANGED, 0);
	meanwhile("UPDATE", SDP, "SIP/2.0 500");
	meanwhile("UPDATE", NULL, "SIP/2.0 200");
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &cancel, "CANCEL ");
	sim_respond(&d, &cancel, 200, NULL, NULL);
	sim_respond(&d, &m, 487, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	ended(RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

static void requests_before_we_answer(void **state)
{
	struct rln_incoming *in = ringing(SDP);

	(void)state;
	meanwhile("UPDATE", NULL, "SIP/2.0 200");
	meanwhile("UPDATE", SDP, "SIP/2.0 500");
	meanwhile("INVITE", SDP, "SIP/2.0 500");
	call = rln_incoming_accept(in);
	assert_non_null(call);
	sim_expect(sip, &m, "SIP/2.0 200"); /* NEGOTIATING until the ACK */
	meanwhile("UPDATE", NULL, "SIP/2.0 200");
	meanwhile("UPDATE", SDP, "SIP/2.0 500");
	sim_request(&d, "ACK", NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	meanwhile("UPDATE", NULL, "SIP/2.0 200");
	meanwhile("UPDATE", SDP, "SIP/2.0 200");
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

/* Our 200 carries the offer: until its ACK answers, theirs crosses it. */
static void requests_cross_our_late_offer(void **state)
{
	(void)state;
	call = rln_incoming_accept(ringing(NULL));
	assert_non_null(call);
	sim_expect(sip, &m, "SIP/2.0 200");
	meanwhile("UPDATE", NULL, "SIP/2.0 200");
	meanwhile("UPDATE", SDP, "SIP/2.0 491");
	meanwhile("INVITE", SDP, "SIP/2.0 491");
	sim_request(&d, "ACK", NULL, SDP);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

/* RFC 5407: what crosses our BYE. */
static void requests_cross_our_bye(void **state)
{
	struct sim_msg bye;

	(void)state;
	up_in();
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &bye, "BYE ");
	meanwhile("UPDATE", NULL, "SIP/2.0 200");
	meanwhile("UPDATE", SDP, "SIP/2.0 481");
	meanwhile("INVITE", SDP, "SIP/2.0 481");
	sim_respond(&d, &bye, 200, NULL, NULL);
	ended(RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

/* The session timer's own re-INVITE is an open offer to the session too. The interval is shorter than RFC 4028's least, which binds
 * proxies and callees. */
static void requests_cross_our_refresh(void **state)
{
	struct sim_msg refresh, ack;

	(void)state;
	called();
	sim_respond(&d, &m, 200, "Session-Expires: 2;refresher=uac\r\nRequire: timer\r\n", SDP);
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	sim_expect(sip, &refresh, "INVITE ");
	meanwhile("INVITE", SDP, "SIP/2.0 491");
	meanwhile("UPDATE", SDP, "SIP/2.0 491");
	meanwhile("UPDATE", NULL, "SIP/2.0 200");
	sim_respond(&d, &refresh, 200, NULL, SDP);
	sim_expect(sip, &ack, "ACK ");
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

/* ---- R159: who refuses a call too late ---- */

static struct rln_decision defer_all(void *arg, const struct rln_invite_details *invite)
{
	(void)arg;
	(void)invite;
	return (struct rln_decision){.kind = RLN_DECISION_DEFER};
}

/* The caller gives up: its INVITE gets the 487, and the call is over and gone. */
static void given_up(uint64_t session)
{
	struct sim_msg r;

	sim_request(&d, "CANCEL", NULL, NULL);
	sim_expect(sip, &r, "SIP/2.0 200");
	sim_expect(sip, &r, "SIP/2.0 487");
	sim_ack_refusal(&d, &r);
	sim_trace_wait(0, RLN_EV_SESSION_TERMINATED, session);
	sim_wait_idle();
}

static void a_reject_after_the_cancel(void **state)
{
	struct rln_incoming *in = ringing(SDP);
	unsigned repeats;

	(void)state;
	given_up(rln_incoming_session(in).v);
	repeats = sip->repeats;
	assert_int_equal(rln_incoming_reject(in, 486), -ECANCELED);
	sim_expect_nothing(sip, 60); /* six times T1 */
	assert_int_equal(sip->repeats, repeats);
}

/* An order by the session's id returns at once; that it came too late is counted, and nothing else. */
static void a_deferred_reject_after_the_cancel(void **state)
{
	struct rln_coordinator_options options = {.name = "queue", .port = 5095};
	struct rln_signalling_handler handler = {.on_incoming_invite = defer_all};
	struct rln_coordinator *c = rln_coordinator_with_handler(&options, &handler);
	struct rln_session_id id;
	uint64_t late;
	unsigned repeats;

	(void)state;
	assert_int_equal(rln_coordinator_start(c), 0);
	sim_uac(&d, sip, "anyone", 5095);
	sim_request(&d, "INVITE", NULL, SDP);
	sim_expect(sip, &m, "SIP/2.0 182");
	id.v = sim_trace_at(sim_trace_wait(0, RLN_EV_SESSION_CREATED, 0))->ev.id;
	given_up(id.v);
	late = rln_count_total(RLN_C_EVENT_ENDED_SESSION);
	repeats = sip->repeats;
	assert_int_equal(rln_deferred_reject(c, id, 480), 0);
	sim_trace_wait(0, RLN_EV_REJECT_CALL, id.v);
	sim_expect_nothing(sip, 60);
	assert_int_equal(sip->repeats, repeats);
	assert_int_equal(rln_count_total(RLN_C_EVENT_ENDED_SESSION), late + 1);
	rln_coordinator_free(c);
}

static int group_start(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){.trace = true, .sip = "t1_ms: 10, t2_ms: 160, t4_ms: 20"});
	bob = rln_peer_new("bob", PORT);
	return bob ? 0 : -1;
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_peer, close_peer)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(requests_before_they_answer),
		T(requests_in_a_reliable_early_dialog),
		T(an_update_beside_an_offer_without_use),
		T(requests_before_we_answer),
		T(requests_cross_our_late_offer),
		T(requests_cross_our_bye),
		T(requests_cross_our_refresh),
		T(a_reject_after_the_cancel),
		T(a_deferred_reject_after_the_cancel),
	};

	return cmocka_run_group_tests_name("sim/crossing", tests, group_start, group_stop);
}
