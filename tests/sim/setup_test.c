/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Set-up, end and change of calls against a scripted peer that does what RFC 3261 and 3264 allow, and some of what they do not: offers in both roles, a CANCEL
 * at each point, refusals, timeouts with a short T1, messages lost and doubled, offers that cross. A lost message of the appliance is one that the script
 * does not look at; what it sends again is compared byte for byte.
 */
#include "tests/sim/scripted_call.h"

#include <errno.h>
#include <stdlib.h>

#include "lcore/count.h"

static int close_all(void **state)
{
	struct rln_incoming *in;

	while ((in = rln_peer_get_incoming_call(bob, 0)))
		rln_incoming_reject(in, 480); /* over already: what a test did not ask for */
	return close_peer(state);
}

static void up_out(void)
{
	sim_call_out(&d, sip, bob, SDP, &call, &m);
}

static void bye_from_us(void)
{
	struct sim_msg bye;

	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &bye, "BYE ");
	sim_respond(&d, &bye, 200, NULL, NULL);
	ended(RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

/* ---- offers ---- */

static void early_offer_in(void **state)
{
	(void)state;
	up_in();
	assert_string_equal(sim_header(&m, "Content-Type"), "application/sdp");
	assert_non_null(strstr(sim_body(&m), "RTP/AVP 0 8 101"));
	assert_non_null(strstr(sim_body(&m), "a=sendrecv"));
	assert_non_null(strstr(sim_header(&m, "Contact"), "198.18.0.1:5070"));
	assert_non_null(strstr(sim_header(&m, "Via"), "rport=5060"));
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

static void late_offer_in(void **state)
{
	struct rln_incoming *in;
	struct rln_event ev;

	(void)state;
	in = ringing(NULL);
	call = rln_incoming_accept(in);
	assert_non_null(call);
	sim_expect(sip, &m, "SIP/2.0 200");
	assert_int_not_equal(sim_sdp_port(&m), 0); /* R182c: our 200 carries the offer */
	sim_request(&d, "ACK", NULL, sim_sdp(30000, "8", "sendrecv"));
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.media_negotiated.codec, RLN_CODEC_PCMA);
	bye_from_us();
}

static void late_offer_without_answer(void **state)
{
	struct sim_msg bye;

	(void)state;
	call = rln_incoming_accept(ringing(NULL));
	assert_non_null(call);
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_request(&d, "ACK", NULL, NULL);
	sim_expect(sip, &bye, "BYE ");
	sim_respond(&d, &bye, 200, NULL, NULL);
	ended(RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

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

/* We call without an offer: our ACK answers theirs. */
static void late_offer_out(void **state)
{
	struct rln_event ev;
	struct sim_msg ack;

	(void)state;
	called_late();
	sim_respond(&d, &m, 200, NULL, sim_sdp(30000, "0", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	assert_int_not_equal(sim_sdp_port(&ack), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.media_negotiated.codec, RLN_CODEC_PCMU);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

/* R182e: their reliable 183 makes the offer, our PRACK answers; early media runs before the 200, whose ACK is empty. */
static void late_offer_out_in_a_reliable_provisional(void **state)
{
	struct sim_msg prack, ack;

	(void)state;
	called_late();
	sim_respond(&d, &m, 183, "Require: 100rel\r\nRSeq: 7\r\n", sim_sdp(30000, "0", "sendrecv"));
	sim_expect(sip, &prack, "PRACK ");
	assert_int_not_equal(sim_sdp_port(&prack), 0);
	sim_respond(&d, &prack, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_EARLY_MEDIA, SIM_WAIT_MS), 0);
	sim_respond(&d, &m, 200, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	assert_string_equal(sim_body(&ack), "");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

/* Theirs is of no use to us: the 200 gets its ACK, and then a BYE. */
static void late_offer_out_without_use(void **state)
{
	struct sim_msg ack, bye;

	(void)state;
	called_late();
	sim_respond(&d, &m, 200, NULL, sim_sdp(30000, "18", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	assert_string_equal(sim_body(&ack), "");
	sim_expect(sip, &bye, "BYE ");
	sim_respond(&d, &bye, 200, NULL, NULL);
	ended(RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

static void early_media(void **state)
{
	struct sim_msg ack;
	struct rln_event ev;

	(void)state;
	called();
	sim_respond(&d, &m, 183, NULL, sim_sdp(30000, "8", "sendrecv"));
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_EARLY_MEDIA, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.media_negotiated.codec, RLN_CODEC_PCMA);
	sim_respond(&d, &m, 200, NULL, sim_sdp(30000, "8", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	bye_from_us();
}

static void offer_without_codec_is_refused(void **state)
{
	(void)state;
	sim_uac(&d, sip, "bob", PORT);
	sim_request(&d, "INVITE", NULL, sim_sdp(30000, "18", "sendrecv"));
	sim_expect(sip, &m, "SIP/2.0 488");
	sim_ack_refusal(&d, &m);
}

static void answer_without_codec_gets_bye(void **state)
{
	struct sim_msg ack, bye;

	(void)state;
	called();
	sim_respond(&d, &m, 200, NULL, sim_sdp(30000, "18", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	sim_expect(sip, &bye, "BYE ");
	sim_respond(&d, &bye, 200, NULL, NULL);
	ended(RLN_STATE_FAILED, RLN_END_MEDIA, 0);
}

static void big_offer_in_fragments(void **state)
{
	char sdp[4200];

	(void)state;
	snprintf(sdp, sizeof(sdp), "%s", SDP);
	while (strlen(sdp) < 4000)
		strcat(sdp, "a=x-unknown:0123456789012345678901234567890123456789\r\n");
	sim_call_in(&d, sip, "bob", PORT, sdp, bob, &call, &m);
	assert_true(rln_count_total(RLN_C_EATEN_FRAGMENT) > 0);
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

/* ---- refusals ---- */

static void we_reject(void **state)
{
	static const unsigned codes[] = {486, 603, 404, 480};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct rln_incoming *in = ringing(SDP);
		char want[16];

		assert_int_equal(rln_incoming_reject(in, 200), -EINVAL);
		assert_int_equal(rln_incoming_reject(in, (uint16_t)codes[i]), 0);
		snprintf(want, sizeof(want), "SIP/2.0 %u", codes[i]);
		sim_expect(sip, &m, want);
		sim_ack_refusal(&d, &m);
	}
}

static void they_refuse(void **state)
{
	static const struct {
		unsigned code;
		enum rln_end_reason reason;
	} cases[] = {{486, RLN_END_REFUSED}, {404, RLN_END_REFUSED}, {603, RLN_END_REFUSED}, {500, RLN_END_REFUSED},
		{401, RLN_END_AUTH}, {407, RLN_END_AUTH}, {491, RLN_END_REFUSED}, {488, RLN_END_REFUSED}};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_msg ack;

		called();
		sim_respond(&d, &m, 180, NULL, NULL);
		sim_respond(&d, &m, cases[i].code, NULL, NULL);
		sim_expect(sip, &ack, "ACK ");
		assert_non_null(strstr(sim_header(&ack, "Via"), "branch="));
		assert_int_equal(atoi(sim_header(&ack, "CSeq")), atoi(sim_header(&m, "CSeq")));
		ended(RLN_STATE_FAILED, cases[i].reason, cases[i].code);
		rln_call_free(call);
		call = NULL;
	}
}

/* R162: one contact after the other is called. */
static void they_redirect(void **state)
{
	struct sim_msg ack;

	(void)state;
	called();
	sim_respond(&d, &m, 302, "Contact: <sip:other@" SIM_HOST ">\r\n", NULL);
	sim_expect(sip, &ack, "ACK ");
	sim_expect(sip, &m, "INVITE sip:sim@" SIM_HOST ":5060 "); /* our own Contact, in front of it */
	sim_respond(&d, &m, 302, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	sim_expect(sip, &m, "INVITE sip:other@" SIM_HOST);
	sim_respond(&d, &m, 200, NULL, sim_sdp(30000, "0", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &m, "BYE ");
	sim_respond(&d, &m, 200, NULL, NULL);
	ended(RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

/* R162, RFC 3261 8.1.3.4: a contact that is busy makes room for the next. */
static void they_redirect_to_a_busy_contact(void **state)
{
	struct sim_msg ack;

	(void)state;
	called();
	sim_respond(&d, &m, 302, "Contact: <sip:other@" SIM_HOST ">\r\n", NULL);
	sim_expect(sip, &ack, "ACK ");
	sim_expect(sip, &m, "INVITE sip:sim@" SIM_HOST ":5060 ");
	sim_respond(&d, &m, 180, NULL, NULL);
	sim_respond(&d, &m, 486, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	sim_expect(sip, &m, "INVITE sip:other@" SIM_HOST);
	sim_respond(&d, &m, 404, NULL, NULL); /* and it was the last */
	sim_expect(sip, &ack, "ACK ");
	ended(RLN_STATE_FAILED, RLN_END_REFUSED, 404);
}

static void nobody_of_that_name(void **state)
{
	(void)state;
	sim_uac(&d, sip, "nobody", PORT);
	sim_request(&d, "INVITE", NULL, SDP);
	sim_expect(sip, &m, "SIP/2.0 404");
	sim_ack_refusal(&d, &m);
	sim_request(&d, "BYE", NULL, NULL); /* no such dialog */
	sim_expect(sip, &m, "SIP/2.0 481");
	sim_request(&d, "OPTIONS", NULL, NULL);
	sim_expect(sip, &m, "SIP/2.0 ");
}

static void extension_that_we_lack(void **state)
{
	(void)state;
	sim_uac(&d, sip, "bob", PORT);
	sim_request(&d, "INVITE", "Require: precondition\r\n", SDP);
	sim_expect(sip, &m, "SIP/2.0 420");
	assert_string_equal(sim_header(&m, "Unsupported"), "precondition");
	sim_ack_refusal(&d, &m);
	sim_uac(&d, sip, "bob", PORT);
	sim_request(&d, "PUBLISH", NULL, NULL);
	sim_expect(sip, &m, "SIP/2.0 405");
	assert_non_null(strstr(sim_header(&m, "Allow"), "INVITE"));
}

/* ---- CANCEL at each point ---- */

static void they_cancel_while_ringing(void **state)
{
	struct rln_incoming *in = ringing(SDP);

	(void)state;
	sim_request(&d, "CANCEL", NULL, NULL);
	sim_expect(sip, &m, "SIP/2.0 ");
	while (m.status == 200) {
		assert_string_equal(m.method, "CANCEL");
		sim_expect(sip, &m, "SIP/2.0 ");
	}
	assert_int_equal(m.status, 487);
	sim_ack_refusal(&d, &m);
	sim_trace_wait(0, RLN_EV_SESSION_TERMINATED, 0);
	assert_null(rln_incoming_accept(in));
	assert_int_equal(errno, ECANCELED);
}

/* Too late: the 200 is out. The CANCEL is answered and changes nothing. */
static void they_cancel_after_the_answer(void **state)
{
	(void)state;
	call = rln_incoming_accept(ringing(SDP));
	assert_non_null(call);
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_request(&d, "CANCEL", NULL, NULL);
	sim_expect(sip, &m, "SIP/2.0 ");
	assert_string_equal(m.method, "CANCEL");
	sim_request(&d, "ACK", NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

static void we_cancel_while_ringing(void **state)
{
	struct sim_msg cancel, ack;

	(void)state;
	called();
	sim_respond(&d, &m, 180, NULL, NULL);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_CALL_STATE_CHANGED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &cancel, "CANCEL ");
	assert_string_equal(sim_header(&cancel, "Via"), sim_header(&m, "Via")); /* 9.1: the INVITE's branch */
	sim_respond(&d, &cancel, 200, NULL, NULL);
	sim_respond(&d, &m, 487, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	ended(RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

/* 9.1: no CANCEL before a provisional. */
static void we_cancel_before_a_provisional(void **state)
{
	struct sim_msg cancel, ack;

	(void)state;
	called();
	assert_int_equal(rln_call_hangup(call), 0);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_CANCEL_PENDING, SIM_WAIT_MS), 0);
	sim_expect_nothing(sip, 60);
	sim_respond(&d, &m, 180, NULL, NULL);
	sim_expect(sip, &cancel, "CANCEL ");
	sim_respond(&d, &cancel, 200, NULL, NULL);
	sim_respond(&d, &m, 487, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	ended(RLN_STATE_CANCELLED, RLN_END_CANCELLED, 487);
}

/* The 200 was faster than our CANCEL: ACK, BYE, and no call for the application. */
static void answer_crosses_our_cancel(void **state)
{
	struct sim_msg cancel, ack, bye;

	(void)state;
	called();
	sim_respond(&d, &m, 180, NULL, NULL);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_CALL_STATE_CHANGED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &cancel, "CANCEL ");
	sim_respond(&d, &m, 200, NULL, SDP);
	sim_respond(&d, &cancel, 200, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	sim_expect(sip, &bye, "BYE ");
	sim_respond(&d, &bye, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_end(call, NULL), RLN_END_CANCELLED);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 0), RLN_ECALLFAILED);
}

/* ---- time ---- */

/* Timer B: 64 T1 = 640 ms, with the INVITE at 0, 10, 30, 70, ... */
static void nobody_answers(void **state)
{
	uint64_t began;
	bool again;

	(void)state;
	began = sim_now_ms();
	called();
	sim_expect_again(sip, &m, "INVITE ");
	sim_expect_again(sip, &m, "INVITE ");
	ended(RLN_STATE_FAILED, RLN_END_TIMEOUT, 408);
	assert_true(sim_now_ms() - began >= 640);
	while (sim_sip_next(sip, &m, &again, 0))
		;
	assert_int_equal(sip->fresh, 1);
	assert_true(sip->repeats >= 5 && sip->repeats <= 6);
}

/* No host there: ARP gets no answer, and the call ends as soon as that is known. */
static void no_such_host(void **state)
{
	(void)state;
	call = rln_peer_call(bob, "sim@198.18.0.77");
	assert_non_null(call);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_FAILED, SIM_WAIT_MS), 0);
	assert_true(rln_call_end(call, NULL) == RLN_END_NETWORK || rln_call_end(call, NULL) == RLN_END_TIMEOUT);
}

/* ICMP port unreachable ends it at once. */
static void port_unreachable(void **state)
{
	(void)state;
	sim_wire_refuse(true);
	call = rln_peer_call(bob, "sim@" SIM_HOST ":5999");
	assert_non_null(call);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_FAILED, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_end(call, NULL), RLN_END_NETWORK);
	sim_wire_refuse(false);
}

/* 13.3.1.4: the 2xx again and again for 64 T1, then BYE. */
static void no_ack(void **state)
{
	struct sim_msg bye;

	(void)state;
	call = rln_incoming_accept(ringing(SDP));
	assert_non_null(call);
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_expect_again(sip, &m, "SIP/2.0 200");
	sim_expect_again(sip, &m, "SIP/2.0 200");
	sim_expect(sip, &bye, "BYE ");
	sim_respond(&d, &bye, 200, NULL, NULL);
	ended(RLN_STATE_FAILED, RLN_END_NO_ACK, 408);
}

/* A BYE of ours that nobody answers still ends the call, and the dialog goes at timer F. */
static void bye_is_never_answered(void **state)
{
	(void)state;
	up_in();
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &m, "BYE ");
	sim_expect_again(sip, &m, "BYE ");
	ended(RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

static void ring_limit(void **state)
{
	struct rln_incoming *in = ringing(SDP);

	(void)state;
	sim_expect(sip, &m, "SIP/2.0 480"); /* limits.ring_timeout_s: 1 */
	sim_ack_refusal(&d, &m);
	assert_null(rln_incoming_accept(in));
}

/* ---- crossing, doubling, losing ---- */

static void byes_cross(void **state)
{
	struct sim_msg bye, other;

	(void)state;
	up_in();
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &bye, "BYE ");
	sim_request(&d, "BYE", NULL, NULL);
	sim_expect(sip, &other, "SIP/2.0 200"); /* answered, exactly once (R153) */
	assert_string_equal(other.method, "BYE");
	sim_respond(&d, &bye, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	sim_expect_nothing(sip, 30);
}

static void our_bye_waits_for_the_ack(void **state)
{
	struct sim_msg bye;

	(void)state;
	call = rln_incoming_accept(ringing(SDP));
	assert_non_null(call);
	sim_expect(sip, &m, "SIP/2.0 200");
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect_nothing(sip, 60);
	sim_request(&d, "ACK", NULL, NULL);
	sim_expect(sip, &bye, "BYE ");
	sim_respond(&d, &bye, 200, NULL, NULL);
	ended(RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

static void requests_come_twice(void **state)
{
	struct rln_incoming *in;
	uint64_t sessions;

	(void)state;
	sim_uac(&d, sip, "bob", PORT);
	sim_request(&d, "INVITE", NULL, SDP);
	sim_expect(sip, &m, "SIP/2.0 180");
	sessions = rln_count_total(RLN_C_CALLS_STARTED);
	sim_request_again(&d);
	sim_expect_again(sip, &m, "SIP/2.0 180");
	in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(in);
	call = rln_incoming_accept(in);
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_learn(&d, &m);
	sim_request(&d, "ACK", NULL, NULL);
	sim_request_again(&d);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	sim_request(&d, "BYE", NULL, NULL);
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_request_again(&d);
	sim_expect_again(sip, &m, "SIP/2.0 200");
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
	assert_int_equal(rln_count_total(RLN_C_CALLS_STARTED), sessions);
	assert_null(rln_peer_get_incoming_call(bob, 0));
}

static void responses_come_twice_or_never(void **state)
{
	struct sim_msg ack, again, bye;

	(void)state;
	called();
	sim_expect_again(sip, &m, "INVITE "); /* the first one was lost */
	sim_respond(&d, &m, 180, NULL, NULL);
	sim_respond(&d, &m, 180, NULL, NULL);
	sim_respond(&d, &m, 200, NULL, SDP);
	sim_expect(sip, &ack, "ACK ");
	sim_respond(&d, &m, 200, NULL, SDP); /* the ACK was lost */
	sim_expect(sip, &again, "ACK ");
	assert_string_equal(sim_header(&again, "CSeq"), sim_header(&ack, "CSeq"));
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &bye, "BYE ");
	sim_expect_again(sip, &bye, "BYE ");
	sim_respond(&d, &bye, 200, NULL, NULL);
	ended(RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

static void refusal_is_sent_until_acknowledged(void **state)
{
	struct rln_incoming *in = ringing(SDP);

	(void)state;
	assert_int_equal(rln_incoming_reject(in, 486), 0);
	sim_expect(sip, &m, "SIP/2.0 486");
	sim_expect_again(sip, &m, "SIP/2.0 486");
	sim_ack_refusal(&d, &m);
}

/* ---- re-INVITE ---- */

static void reinvite(const char *direction, const char *want)
{
	struct sim_msg r;

	sim_request(&d, "INVITE", NULL, sim_sdp(30000, "0", direction));
	sim_expect(sip, &r, "SIP/2.0 200");
	if (!strstr(sim_body(&r), want))
		fail_msg("offer %s, expected %s, got\n%s", direction, want, sim_body(&r));
	sim_request(&d, "ACK", NULL, NULL);
}

static void directions_of_reinvites(void **state)
{
	struct rln_event ev;

	(void)state;
	up_in();
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	reinvite("sendonly", "a=recvonly");
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.media_negotiated.direction, RLN_MEDIA_INBOUND);
	reinvite("inactive", "a=inactive");
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.media_negotiated.direction, RLN_MEDIA_INACTIVE);
	reinvite("recvonly", "a=sendonly");
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.media_negotiated.direction, RLN_MEDIA_OUTBOUND);
	reinvite("sendrecv", "a=sendrecv");
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.media_negotiated.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(rln_call_state(call), RLN_STATE_ACTIVE);
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

static void reinvite_that_we_cannot_take(void **state)
{
	(void)state;
	up_in();
	sim_request(&d, "INVITE", NULL, sim_sdp(30000, "18", "sendrecv"));
	sim_expect(sip, &m, "SIP/2.0 488");
	sim_ack_refusal(&d, &m);
	assert_int_equal(rln_call_state(call), RLN_STATE_ACTIVE);
	reinvite("sendrecv", "a=sendrecv"); /* nothing changed */
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

static void reinvite_without_offer(void **state)
{
	(void)state;
	up_in();
	sim_request(&d, "INVITE", NULL, NULL);
	sim_expect(sip, &m, "SIP/2.0 200");
	assert_int_not_equal(sim_sdp_port(&m), 0);
	sim_request(&d, "ACK", NULL, sim_sdp(30010, "0", "sendrecv"));
	sim_trace_wait(0, RLN_EV_UPDATE_RTP_STREAM, 0);
	assert_int_equal(sim_trace_at(sim_trace_find(0, RLN_EV_UPDATE_RTP_STREAM, 0))->ev.update_rtp_stream.remote.port, 30010);
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

/* Our own offer: answered, and crossed by theirs. */
static void our_reinvite_and_glare(void **state)
{
	struct sim_msg ours, r, ack;
	struct rln_event ev;

	(void)state;
	up_out();
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(rln_call_update(call, RLN_MEDIA_OUTBOUND), 0);
	sim_expect(sip, &ours, "INVITE ");
	assert_non_null(strstr(sim_body(&ours), "a=sendonly"));
	sim_request(&d, "INVITE", NULL, sim_sdp(30000, "0", "sendrecv")); /* crosses */
	sim_expect(sip, &r, "SIP/2.0 491");
	sim_ack_refusal(&d, &r);
	sim_respond(&d, &ours, 200, NULL, sim_sdp(30000, "0", "recvonly"));
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.media_negotiated.direction, RLN_MEDIA_OUTBOUND);
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

/* 14.1: after 491 the offer goes again; we are not the Call-ID's owner: within 2 s. */
static void glare_is_retried(void **state)
{
	struct sim_msg ours, again, ack;

	(void)state;
	up_in();
	assert_int_equal(rln_call_update(call, RLN_MEDIA_BIDIRECTIONAL), 0);
	sim_expect(sip, &ours, "INVITE ");
	sim_respond(&d, &ours, 491, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	sim_expect(sip, &again, "INVITE ");
	assert_string_not_equal(sim_header(&again, "CSeq"), sim_header(&ours, "CSeq"));
	sim_respond(&d, &again, 200, NULL, sim_sdp(30000, "0", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	sim_bye(&d);
	ended(RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
}

/* R153: another refusal leaves all as it was; 481 ends the call. */
static void our_reinvite_is_refused(void **state)
{
	struct sim_msg ours, ack, bye;

	(void)state;
	up_in();
	assert_int_equal(rln_call_update(call, RLN_MEDIA_OUTBOUND), 0);
	sim_expect(sip, &ours, "INVITE ");
	sim_respond(&d, &ours, 488, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_CALL_STATE_CHANGED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_state(call), RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_update(call, RLN_MEDIA_OUTBOUND), 0);
	sim_expect(sip, &ours, "INVITE ");
	sim_respond(&d, &ours, 481, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	sim_expect(sip, &bye, "BYE ");
	sim_respond(&d, &bye, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_end(call, NULL), RLN_END_TIMEOUT);
}

static int group_start(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){.trace = true,
		.sip = "t1_ms: 10, t2_ms: 160, t4_ms: 20, max_transactions: 20000, max_dialogs: 4000",
		.limits = "calls: 100, ring_timeout_s: 1"});
	bob = rln_peer_new(
		"bob", PORT); /* for all tests: the port of a freed peer is closed, also to the ACK of its last refusal */
	return bob ? 0 : -1;
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_peer, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(early_offer_in),
		T(late_offer_in),
		T(late_offer_without_answer),
		T(late_offer_out),
		T(late_offer_out_in_a_reliable_provisional),
		T(late_offer_out_without_use),
		T(early_media),
		T(offer_without_codec_is_refused),
		T(answer_without_codec_gets_bye),
		T(big_offer_in_fragments),
		T(we_reject),
		T(they_refuse),
		T(they_redirect),
		T(they_redirect_to_a_busy_contact),
		T(nobody_of_that_name),
		T(extension_that_we_lack),
		T(they_cancel_while_ringing),
		T(they_cancel_after_the_answer),
		T(we_cancel_while_ringing),
		T(we_cancel_before_a_provisional),
		T(answer_crosses_our_cancel),
		T(nobody_answers),
		T(no_such_host),
		T(port_unreachable),
		T(no_ack),
		T(bye_is_never_answered),
		T(ring_limit),
		T(byes_cross),
		T(our_bye_waits_for_the_ack),
		T(requests_come_twice),
		T(responses_come_twice_or_never),
		T(refusal_is_sent_until_acknowledged),
		T(directions_of_reinvites),
		T(reinvite_that_we_cannot_take),
		T(reinvite_without_offer),
		T(our_reinvite_and_glare),
		T(glare_is_retried),
		T(our_reinvite_is_refused),
	};

	return cmocka_run_group_tests_name("sim/setup", tests, group_start, group_stop);
}
