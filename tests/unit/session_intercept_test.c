/* SPDX-License-Identifier: BSD-3-Clause */
/* The interceptor and the factory: every decision of a signalling handler, who is asked, and what is refused without asking. */
#include "session_engine.h"

#include <time.h>

static struct rln_decision decision;
static struct rln_invite_details seen;
static char seen_headers[128], seen_sdp[512];
static unsigned asked, acted;
static struct rln_session_id acted_on;
static bool is_slow;
static size_t headers_len;

static struct rln_decision decide(void *arg, const struct rln_invite_details *invite)
{
	uint64_t began = rln_clock_ns();

	assert_string_equal(arg, "arg");
	asked++;
	seen = *invite;
	headers_len = strlen(invite->headers);
	snprintf(seen_headers, sizeof(seen_headers), "%s", invite->headers);
	snprintf(seen_sdp, sizeof(seen_sdp), "%s", invite->sdp ? invite->sdp : "");
	while (is_slow && rln_clock_ns() - began < 2 * RLN_MS)
		;
	return decision;
}

static void act(void *arg, struct rln_session_id session)
{
	assert_string_equal(arg, "other");
	acted++;
	acted_on = session;
	assert_non_null(rln_session_manager_get_session(coord->sessions, session));
}

static int begin(void **state)
{
	asked = acted = 0;
	is_slow = false;
	decision = (struct rln_decision){.kind = RLN_DECISION_ACCEPT};
	setup(state);
	peer_new("alice", 5060, true,
		(struct rln_signalling_handler){.on_incoming_invite = decide, .arg = (void *)(uintptr_t) "arg"});
	return 0;
}

static void an_accepted_call_rings_until_it_is_answered(void **state)
{
	struct rln_sub *sub = watch(RLN_SUB_PEER, 0, (struct rln_session_id){0});
	struct fake_dialog *d = wire_invites("anyone", 5060, SDP_PEER);
	struct rln_event ev;

	(void)state;
	assert_int_equal(asked, 1);
	assert_string_equal(seen.from, "sip:carol@198.18.0.2");
	assert_string_equal(seen.request_uri, "sip:anyone@198.18.0.1");
	assert_string_equal(seen.call_id, "1@198.18.0.2");
	assert_string_equal(seen_headers, "Subject: hello\r\nX: y\r\n");
	assert_string_equal(seen_sdp, SDP_PEER);
	assert_int_equal(seen.local_port, 5060);
	assert_int_equal(d->response, 180);
	assert_true(next(sub, RLN_EV_SESSION_CREATED, &ev));
	assert_int_equal(ev.id, seen.session.v);
	assert_int_equal(ev.session_created.role, RLN_ROLE_UAS);
	assert_true(next(sub, RLN_EV_INCOMING_CALL, &ev)); /* before the machine saw it */
	rln_sub_give_back(sub, &ev);
	assert_true(next_state(sub, RLN_STATE_PROCEEDING));
	assert_int_equal(rln_coord_accept(coord, seen.session), 0);
	turn();
	assert_int_equal(d->response, 200);
	wire_establishes(d, NULL);
	assert_true(next_state(sub, RLN_STATE_ACTIVE));
	wire_byes(d, RLN_END_REMOTE);
	assert_true(next_state(sub, RLN_STATE_TERMINATED));
	forget(sub);
}

/* What a handler sees of endless headers are whole lines. */
static void long_headers_are_cut_at_a_line(void **state)
{
	static char headers[3 * RLN_BLOCK_SMALL];
	const char *before = wire_headers;

	(void)state;
	for (size_t at = 0; at + 12 < sizeof(headers); at += 11)
		memcpy(headers + at, "X-A: 12345\n", 12);
	wire_headers = headers;
	decision = (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 486};
	wire_invites("anyone", 5060, SDP_PEER);
	wire_headers = before;
	assert_int_equal(asked, 1);
	assert_true(headers_len < RLN_BLOCK_SMALL && headers_len > RLN_BLOCK_SMALL - 12);
	assert_int_equal(headers_len % 11, 0);
}

static void auto_answer_needs_nobody(void **state)
{
	struct fake_dialog *d;

	(void)state;
	decision.auto_answer = true;
	decision.leg_app = RLN_LEG_TONE;
	decision.tone_hz = 440;
	d = wire_invites("anyone", 5060, SDP_PEER);
	assert_int_equal(d->response, 200);
	assert_int_equal(rln_session_manager_get_session(coord->sessions, seen.session)->params.app, RLN_LEG_TONE);
	assert_int_equal(rln_session_manager_get_session(coord->sessions, seen.session)->params.tone_hz, 440);
	wire_establishes(d, NULL);
	rln_coord_hangup(coord, seen.session);
	turn();
}

static void a_rejected_call_leaves_no_session(void **state)
{
	uint64_t before = rln_count_total(RLN_C_CALLS_REFUSED);
	struct fake_dialog *d;

	(void)state;
	decision = (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 486};
	d = wire_invites("anyone", 5060, SDP_PEER);
	assert_int_equal(d->response, 486);
	assert_true(d->released);
	decision.code = 200; /* not a refusal */
	assert_int_equal(wire_invites("anyone", 5060, SDP_PEER)->response, 603);
	assert_int_equal(rln_count_total(RLN_C_CALLS_REFUSED), before + 2);
	assert_int_equal(rln_coord_sessions(coord), 0);
}

static void a_deferred_call_waits_for_its_decision(void **state)
{
	struct fake_dialog *d;

	(void)state;
	decision.kind = RLN_DECISION_DEFER;
	d = wire_invites("anyone", 5060, SDP_PEER);
	assert_int_equal(d->response, 182);
	assert_int_equal(rln_coord_deferred_reject(coord, seen.session, 503), 0);
	turn();
	assert_int_equal(d->response, 503);
	d = wire_invites("anyone", 5060, SDP_PEER);
	assert_int_equal(rln_coord_deferred_accept(coord, seen.session), 0);
	turn();
	assert_int_equal(d->response, 200);
	wire_establishes(d, NULL);
	rln_coord_hangup(coord, seen.session);
	turn();
}

static void the_ring_limit_ends_a_deferred_call(void **state)
{
	struct fake_dialog *d;

	(void)state;
	decision.kind = RLN_DECISION_DEFER;
	d = wire_invites("anyone", 5060, SDP_PEER);
	advance(61 * RLN_SEC);
	assert_int_equal(d->response, 480);
	assert_int_equal(rln_coord_sessions(coord), 0);
}

static void a_cancelled_call_ends(void **state)
{
	struct fake_dialog *d = wire_invites("anyone", 5060, SDP_PEER);

	(void)state;
	wire_byes(d, RLN_END_CANCELLED);
	assert_int_equal(d->response, 487);
	assert_int_equal(rln_coord_sessions(coord), 0);
}

static void a_custom_decision_is_called_once_the_session_exists(void **state)
{
	struct fake_dialog *d;

	(void)state;
	decision = (struct rln_decision){.kind = RLN_DECISION_CUSTOM, .action = act, .arg = (void *)(uintptr_t) "other"};
	d = wire_invites("anyone", 5060, SDP_PEER);
	assert_int_equal(acted, 1);
	assert_int_equal(acted_on.v, seen.session.v);
	assert_int_equal(d->response, 180);
	rln_coord_hangup(coord, seen.session);
	turn();
	decision.action = NULL; /* nothing to call */
	wire_invites("anyone", 5060, SDP_PEER);
	rln_coord_hangup(coord, seen.session);
	turn();
	assert_int_equal(acted, 1);
}

static void a_known_dialog_is_not_asked_about_again(void **state)
{
	struct fake_dialog *d = wire_invites("anyone", 5060, SDP_PEER);
	struct rln_event again = {.kind = RLN_EV_INCOMING_CALL};

	(void)state;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	emit(d, &again);
	turn();
	assert_int_equal(asked, 1);
	assert_int_equal(rln_coord_sessions(coord), 1);
	rln_coord_hangup(coord, seen.session);
	turn();
}

static void nobody_is_asked_for_strangers(void **state)
{
	(void)state;
	assert_int_equal(wire_invites("anyone", 5099, SDP_PEER)->response, 404);
	assert_int_equal(asked, 0);
}

static void a_peer_may_have_one_address(void **state)
{
	struct rln_coord_peer_cfg there = {.name = "there", .port = 5090, .local_address = "198.18.0.9"};
	struct rln_coord_peer_cfg here = {.name = "here", .port = 5091, .local_address = "198.18.0.1", .auto_answer = true};
	unsigned peer;
	struct fake_dialog *d;

	(void)state;
	coord->is_running = false;
	assert_int_equal(rln_coord_add_peer(coord, &there, &peer, 0), 0);
	assert_int_equal(rln_coord_add_peer(coord, &here, &peer, 0), 0);
	assert_int_equal(wire_invites("there", 5090, SDP_PEER)->response, 404);
	d = wire_invites("here", 5091, SDP_PEER); /* without a handler: ACCEPT, and its auto_answer */
	assert_int_equal(d->response, 200);
	assert_int_equal(wire_invites("someone", 5091, SDP_PEER)->response, 404);
	wire_establishes(d, NULL);
	wire_byes(d, RLN_END_REMOTE);
}

static void the_call_limit_refuses_with_503(void **state)
{
	struct fake_dialog *d = NULL;

	(void)state;
	for (unsigned i = 0; i < CALLS; i++)
		assert_int_equal(wire_invites("anyone", 5060, SDP_PEER)->response, 180);
	d = wire_invites("anyone", 5060, SDP_PEER);
	assert_int_equal(d->response, 503);
	assert_string_equal(d->extra, "Retry-After: 9\r\n");
	assert_int_equal(asked, CALLS);
	rln_coord_hangup_all(coord, RLN_COORD_PEERS);
	turn();
}

static void the_rate_limit_counts_by_the_second(void **state)
{
	(void)state;
	coord->cfg.calls_per_second = 2;
	decision = (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 404};
	assert_int_equal(wire_invites("anyone", 5060, SDP_PEER)->response, 404);
	assert_int_equal(wire_invites("anyone", 5060, SDP_PEER)->response, 404);
	assert_int_equal(wire_invites("anyone", 5060, SDP_PEER)->response, 503);
	advance(RLN_SEC + RLN_MS);
	assert_int_equal(wire_invites("anyone", 5060, SDP_PEER)->response, 404);
}

static void a_callee_without_a_leg_answers_503(void **state)
{
	struct fake_dialog *d;

	(void)state;
	no_leg = true;
	d = wire_invites("anyone", 5060, SDP_PEER);
	assert_int_equal(d->response, 503);
	assert_int_equal(rln_coord_sessions(coord), 0);
}

static void a_slow_handler_is_counted(void **state)
{
	uint64_t before = rln_count_total(RLN_C_HANDLER_SLOW);

	(void)state;
	decision = (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 486};
	wire_invites("anyone", 5060, SDP_PEER);
	is_slow = true;
	wire_invites("anyone", 5060, SDP_PEER);
	assert_true(rln_count_total(RLN_C_HANDLER_SLOW) > before);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_accepted_call_rings_until_it_is_answered),
		T(long_headers_are_cut_at_a_line),
		T(auto_answer_needs_nobody),
		T(a_rejected_call_leaves_no_session),
		T(a_deferred_call_waits_for_its_decision),
		T(the_ring_limit_ends_a_deferred_call),
		T(a_cancelled_call_ends),
		T(a_custom_decision_is_called_once_the_session_exists),
		T(a_known_dialog_is_not_asked_about_again),
		T(nobody_is_asked_for_strangers),
		T(a_peer_may_have_one_address),
		T(the_call_limit_refuses_with_503),
		T(the_rate_limit_counts_by_the_second),
		T(a_callee_without_a_leg_answers_503),
		T(a_slow_handler_is_counted),
	};

	return cmocka_run_group_tests_name("session_intercept", tests, NULL, NULL);
}
