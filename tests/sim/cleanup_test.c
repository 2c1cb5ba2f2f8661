/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What calls leave behind: nothing. A thousand one after another, two hundred at once, a drain with calls up, calls that a handler accepts, rejects, defers or
 * takes over. Each test has an appliance of its own; sim_stop() asserts that sessions, dialogs, legs, channels, timers, blocks and packet buffers are back.
 */
#include "tests/sim/sim.h"

#include <errno.h>

#include "lcore/count.h"

#define SDP sim_sdp(30000, "0", "sendrecv")

static void inside_call(struct rln_peer *from, struct rln_peer *to)
{
	struct rln_call *a = rln_peer_call(from, "bob@127.0.0.1:5070"), *b;
	struct rln_incoming *in;

	assert_non_null(a);
	in = rln_peer_get_incoming_call(to, SIM_WAIT_MS);
	assert_non_null(in);
	b = rln_incoming_accept(in);
	assert_non_null(b);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_hangup(a), 0);
	assert_int_equal(rln_call_wait_for_state(b, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	rln_call_free(a);
	rln_call_free(b);
}

static void thousand_in_a_row(void **state)
{
	struct rln_peer *alice, *bob;

	(void)state;
	sim_start(&(struct sim_cfg){
		.limits = "calls: 20", .sip = "t1_ms: 20, t2_ms: 80, t4_ms: 20, max_transactions: 20000, max_dialogs: 2000"});
	alice = rln_peer_new("alice", 5080);
	bob = rln_peer_new("bob", 5070);
	for (unsigned i = 0; i < 1000; i++)
		inside_call(alice, bob);
	assert_int_equal(rln_count_total(RLN_C_CALLS_STARTED), 2000);
	assert_int_equal(rln_count_total(RLN_C_CALLS_ESTABLISHED), 2000);
	assert_int_equal(rln_count_total(RLN_C_CALLS_ENDED), 2000);
	assert_int_equal(rln_count_total(RLN_C_APP_EVENTS_LOST), 0);
	rln_peer_free(alice);
	rln_peer_free(bob);
	sim_stop();
}

static void two_hundred_at_once(void **state)
{
	enum { CALLS = 200 };
	static struct sim_dialog d[CALLS];
	static struct rln_call *call[CALLS];
	struct rln_peer *bob;
	struct sim_sip *sip;
	struct sim_msg m;
	unsigned n;

	(void)state;
	sim_start(&(struct sim_cfg){.limits = "calls: 200", .sip = "t1_ms: 500"});
	bob = rln_peer_new_with(&(struct rln_peer_options){.name = "bob", .port = 5070, .auto_answer = true});
	sip = sim_sip_open(5060);
	for (unsigned i = 0; i < CALLS; i++) {
		sim_uac(&d[i], sip, "bob", 5070);
		sim_request(&d[i], "INVITE", NULL, sim_sdp((uint16_t)(30000 + 2 * i), "0", "sendrecv"));
	}
	for (n = 0; n < CALLS;) {
		sim_expect(sip, &m, "SIP/2.0 ");
		for (unsigned i = 0; m.status == 200 && i < CALLS; i++) {
			if (strcmp(sim_header(&m, "Call-ID"), d[i].call_id) != 0)
				continue;
			sim_learn(&d[i], &m);
			sim_request(&d[i], "ACK", NULL, NULL);
			n++;
		}
		assert_true(m.status == 180 || m.status == 200);
	}
	for (unsigned i = 0; i < CALLS; i++) {
		struct rln_incoming *in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);

		assert_non_null(in);
		call[i] = rln_incoming_accept(in); /* answered already; the handle is ours */
		assert_non_null(call[i]);
		assert_int_equal(rln_call_wait_for_state(call[i], RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	}
	assert_int_equal(rln_coord_sessions(sim_coord()), CALLS);
	/* One more than the limit: 503 with Retry-After, and no session. */
	sim_uac(&d[0], sip, "bob", 5070);
	{
		struct sim_dialog more = d[0];

		sim_request(&more, "INVITE", NULL, SDP);
		sim_expect(sip, &m, "SIP/2.0 503");
		assert_string_not_equal(sim_header(&m, "Retry-After"), "");
		sim_ack_refusal(&more, &m);
	}
	for (unsigned i = 0; i < CALLS; i++)
		assert_int_equal(rln_call_hangup(call[i]), 0);
	for (n = 0; n < CALLS; n++) {
		sim_expect(sip, &m, "BYE ");
		sim_respond(&d[0], &m, 200, NULL, NULL);
	}
	for (unsigned i = 0; i < CALLS; i++) {
		assert_int_equal(rln_call_wait_for_state(call[i], RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
		rln_call_free(call[i]);
	}
	rln_peer_free(bob);
	sim_sip_close(sip);
	sim_stop();
}

/* SIGTERM's way: new calls are refused, every call gets its BYE, the peers see their ends. */
static void drain_says_bye(void **state)
{
	enum { CALLS = 10 };
	struct sim_dialog d[CALLS], late;
	struct rln_call *call[CALLS];
	struct rln_peer *bob;
	struct sim_sip *sip;
	struct sim_msg m;

	(void)state;
	sim_start(NULL);
	bob = rln_peer_new("bob", 5070);
	sip = sim_sip_open(5060);
	for (unsigned i = 0; i < CALLS; i++)
		sim_call_in(&d[i], sip, "bob", 5070, SDP, bob, &call[i], NULL);
	rln_coord_drain(sim_coord());
	for (unsigned i = 0; i < CALLS; i++) {
		sim_expect(sip, &m, "BYE ");
		sim_respond(&d[i], &m, 200, NULL, NULL);
	}
	for (unsigned i = 0; i < CALLS; i++) {
		assert_int_equal(rln_call_wait_for_state(call[i], RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
		rln_call_free(call[i]);
	}
	sim_uac(&late, sip, "bob", 5070);
	sim_request(&late, "INVITE", NULL, SDP);
	sim_expect(sip, &m, "SIP/2.0 503");
	sim_ack_refusal(&late, &m);
	rln_peer_free(bob);
	sim_sip_close(sip);
	sim_stop();
}

/* Nobody answers the BYEs and nobody freed anything: the stop itself still ends with nothing in use. */
static void stop_with_calls_up(void **state)
{
	struct rln_call *call[4];
	struct rln_peer *bob;
	struct sim_sip *sip;
	struct sim_dialog d;

	(void)state;
	sim_start(&(struct sim_cfg){.sip = "t1_ms: 10, t2_ms: 40, t4_ms: 20, max_transactions: 20000, max_dialogs: 2000"});
	bob = rln_peer_new("bob", 5070);
	sip = sim_sip_open(5060);
	for (unsigned i = 0; i < 4; i++)
		sim_call_in(&d, sip, "bob", 5070, SDP, bob, &call[i], NULL);
	for (unsigned i = 0; i < 4; i++)
		rln_call_free(call[i]); /* hangs up, and nobody answers */
	rln_peer_free(bob);
	sim_stop_with_calls();
	sim_sip_close(sip);
}

/* ---- decisions ---- */

static struct {
	struct rln_decision decision;
	struct rln_invite_details seen;
	char from[128], uri[128], sdp[512], call_id[64];
	unsigned asked, acted;
	uint64_t acted_on;
} handler;

static struct rln_decision decide(void *arg, const struct rln_invite_details *invite)
{
	(void)arg;
	snprintf(handler.from, sizeof(handler.from), "%s", invite->from);
	snprintf(handler.uri, sizeof(handler.uri), "%s", invite->request_uri);
	snprintf(handler.sdp, sizeof(handler.sdp), "%s", invite->sdp ? invite->sdp : "");
	snprintf(handler.call_id, sizeof(handler.call_id), "%s", invite->call_id);
	handler.seen = *invite;
	__atomic_add_fetch(&handler.asked, 1, __ATOMIC_RELEASE);
	return handler.decision;
}

static void act(void *arg, struct rln_session_id session)
{
	assert_ptr_equal(arg, &handler);
	handler.acted_on = session.v;
	__atomic_add_fetch(&handler.acted, 1, __ATOMIC_RELEASE);
}

static struct rln_coordinator *coordinator(struct rln_decision decision)
{
	const struct rln_signalling_handler h = {.on_incoming_invite = decide};
	struct rln_coordinator *c =
		rln_coordinator_with_handler(&(struct rln_coordinator_options){.name = "desk", .port = 5062}, &h);

	handler.decision = decision;
	handler.asked = handler.acted = 0;
	assert_non_null(c);
	assert_int_equal(rln_coordinator_start(c), 0);
	return c;
}

static void expect_event(struct rln_coordinator *c, enum rln_event_kind kind, uint64_t session)
{
	struct rln_event ev = {.kind = (uint16_t)kind, .id = session};

	assert_int_equal(rln_coordinator_wait_for_event_timeout(c, &ev, SIM_WAIT_MS), 0);
	assert_int_equal(ev.kind, kind);
}

static void handler_accepts(void **state)
{
	struct rln_coordinator *c;
	struct sim_sip *sip;
	struct sim_dialog d;
	struct sim_msg m;

	(void)state;
	sim_start(NULL);
	c = coordinator((struct rln_decision){.kind = RLN_DECISION_ACCEPT, .auto_answer = true, .leg_app = 1});
	sip = sim_sip_open(5060);
	sim_uac(&d, sip, "anyone", 5062);
	sim_request(&d, "INVITE", NULL, SDP);
	sim_expect(sip, &m, "SIP/2.0 180");
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_learn(&d, &m);
	sim_request(&d, "ACK", NULL, NULL);
	expect_event(c, RLN_EV_INCOMING_CALL, 0);
	assert_int_equal(handler.asked, 1);
	assert_non_null(strstr(handler.from, "sip:sim@" SIM_HOST));
	assert_non_null(strstr(handler.uri, "anyone@"));
	assert_non_null(strstr(handler.sdp, "m=audio 30000"));
	assert_string_equal(handler.call_id, d.call_id);
	assert_int_equal(handler.seen.local_port, 5062);
	assert_int_equal(handler.seen.source.port, 5060);
	assert_int_equal(rln_coordinator_sessions(c), 1);
	sim_bye(&d);
	expect_event(c, RLN_EV_SESSION_TERMINATED, handler.seen.session.v);
	rln_coordinator_free(c);
	sim_sip_close(sip);
	sim_stop();
}

static void handler_rejects(void **state)
{
	struct rln_coordinator *c;
	struct sim_sip *sip;
	struct sim_dialog d;
	struct sim_msg m;

	(void)state;
	sim_start(NULL);
	c = coordinator((struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 603});
	sip = sim_sip_open(5060);
	sim_uac(&d, sip, "anyone", 5062);
	sim_request(&d, "INVITE", NULL, SDP);
	sim_expect(sip, &m, "SIP/2.0 603");
	sim_ack_refusal(&d, &m);
	assert_int_equal(rln_coordinator_run(c, 20), 0); /* no session, no event */
	assert_int_equal(rln_count_total(RLN_C_CALLS_STARTED), 0);
	assert_int_equal(rln_count_total(RLN_C_CALLS_REFUSED), 1);
	rln_coordinator_free(c);
	sim_sip_close(sip);
	sim_stop();
}

static void handler_defers(void **state)
{
	struct rln_coordinator *c;
	struct sim_sip *sip;
	struct sim_dialog d;
	struct sim_msg m;

	(void)state;
	sim_start(NULL);
	c = coordinator((struct rln_decision){.kind = RLN_DECISION_DEFER});
	sip = sim_sip_open(5060);
	for (unsigned i = 0; i < 2; i++) {
		sim_uac(&d, sip, "anyone", 5062);
		sim_request(&d, "INVITE", NULL, SDP);
		sim_expect(sip, &m, "SIP/2.0 182");
		expect_event(c, RLN_EV_INCOMING_CALL, 0);
		if (i == 0) {
			assert_int_equal(rln_coord_deferred_accept(sim_coord(), handler.seen.session), 0);
			sim_expect(sip, &m, "SIP/2.0 200");
			sim_learn(&d, &m);
			sim_request(&d, "ACK", NULL, NULL);
			sim_bye(&d);
		} else {
			assert_int_equal(rln_coord_deferred_reject(sim_coord(), handler.seen.session, 480), 0);
			sim_expect(sip, &m, "SIP/2.0 480");
			sim_ack_refusal(&d, &m);
		}
		expect_event(c, RLN_EV_SESSION_TERMINATED, handler.seen.session.v);
	}
	rln_coordinator_free(c);
	sim_sip_close(sip);
	sim_stop();
}

static void handler_takes_over(void **state)
{
	struct rln_coordinator *c;
	struct sim_sip *sip;
	struct sim_dialog d;
	struct sim_msg m;

	(void)state;
	sim_start(NULL);
	c = coordinator((struct rln_decision){.kind = RLN_DECISION_CUSTOM, .action = act, .arg = &handler});
	sip = sim_sip_open(5060);
	sim_uac(&d, sip, "anyone", 5062);
	sim_request(&d, "INVITE", NULL, SDP);
	expect_event(c, RLN_EV_INCOMING_CALL, 0);
	assert_int_equal(__atomic_load_n(&handler.acted, __ATOMIC_ACQUIRE), 1);
	assert_int_equal(handler.acted_on, handler.seen.session.v);
	assert_int_equal(rln_coordinator_accept(c, handler.seen.session), 0);
	sim_expect(sip, &m, "SIP/2.0 180");
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_learn(&d, &m);
	sim_request(&d, "ACK", NULL, NULL);
	assert_int_equal(rln_coordinator_terminate_session(c, handler.seen.session), 0);
	sim_expect(sip, &m, "BYE ");
	sim_respond(&d, &m, 200, NULL, NULL);
	expect_event(c, RLN_EV_SESSION_TERMINATED, handler.seen.session.v);
	rln_coordinator_free(c);
	sim_sip_close(sip);
	sim_stop();
}

/* R34: each end is told once, whatever the way. */
static unsigned incoming, established, ended;

static void on_incoming(void *arg, struct rln_session_id session, const char *from)
{
	(void)session, (void)from;
	incoming += arg == &incoming;
}

static void on_established(void *arg, struct rln_session_id session)
{
	(void)session;
	established += arg == &incoming;
}

static void on_ended(void *arg, struct rln_session_id session, enum rln_end_reason reason, uint16_t code)
{
	(void)session, (void)code;
	ended += arg == &incoming && reason != RLN_END_NONE;
}

static void run_until(struct rln_coordinator *c, const unsigned *n, unsigned want)
{
	uint64_t end = sim_now_ms() + SIM_WAIT_MS;

	while (*n < want && sim_now_ms() < end)
		assert_true(rln_coordinator_run(c, 50) >= 0);
	assert_int_equal(*n, want);
}

static void every_end_is_told_once(void **state)
{
	const struct rln_call_handler h = {on_incoming, on_established, on_ended, &incoming};
	struct rln_coordinator *c;
	struct rln_session_id id;
	struct sim_sip *sip;
	struct sim_dialog d;
	struct sim_msg m, bye;

	(void)state;
	sim_start(NULL);
	incoming = established = ended = 0;
	c = rln_coordinator_new(&(struct rln_coordinator_options){.name = "desk", .port = 5062}, &h);
	assert_int_equal(rln_coordinator_start(c), 0);
	sip = sim_sip_open(5060);
	id = rln_coordinator_create_outgoing_call(c, NULL, "sip:sim@" SIM_HOST, NULL); /* refused */
	assert_int_not_equal(id.v, 0);
	sim_expect(sip, &m, "INVITE ");
	sim_uas(&d, sip, &m);
	sim_respond(&d, &m, 486, NULL, NULL);
	sim_expect(sip, &m, "ACK ");
	run_until(c, &ended, 1);
	id = rln_coordinator_create_outgoing_call(c, NULL, "sip:sim@" SIM_HOST, NULL); /* both hang up at once */
	sim_expect(sip, &m, "INVITE ");
	sim_uas(&d, sip, &m);
	sim_respond(&d, &m, 200, NULL, SDP);
	sim_expect(sip, &m, "ACK ");
	run_until(c, &established, 1);
	assert_int_equal(rln_coordinator_terminate_session(c, id), 0);
	assert_int_equal(rln_coordinator_terminate_session(c, id), 0);
	sim_expect(sip, &bye, "BYE ");
	sim_request(&d, "BYE", NULL, NULL);
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_respond(&d, &bye, 200, NULL, NULL);
	run_until(c, &ended, 2);
	sim_uac(&d, sip, "desk", 5062); /* cancelled while it rings */
	sim_request(&d, "INVITE", NULL, SDP);
	sim_expect(sip, &m, "SIP/2.0 180");
	run_until(c, &incoming, 1);
	sim_request(&d, "CANCEL", NULL, NULL);
	run_until(c, &ended, 3);
	sim_expect(sip, &m, "SIP/2.0 ");
	while (m.status != 487)
		sim_expect(sip, &m, "SIP/2.0 ");
	sim_ack_refusal(&d, &m);
	sim_wait_idle();
	assert_int_equal(rln_coordinator_run(c, 20), 0);
	assert_int_equal(ended, 3);
	assert_int_equal(rln_count_total(RLN_C_CALLS_ENDED), 3);
	rln_coordinator_free(c);
	sim_sip_close(sip);
	sim_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousand_in_a_row),
		cmocka_unit_test(two_hundred_at_once),
		cmocka_unit_test(drain_says_bye),
		cmocka_unit_test(stop_with_calls_up),
		cmocka_unit_test(handler_accepts),
		cmocka_unit_test(handler_rejects),
		cmocka_unit_test(handler_defers),
		cmocka_unit_test(handler_takes_over),
		cmocka_unit_test(every_end_is_told_once),
	};

	return cmocka_run_group_tests_name("sim/cleanup", tests, NULL, NULL);
}
