/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an application does with calls that are up, by the public interface alone, over real SIP and RTP between peers of one process: hold, digits,
 * transfers in all three parts, consultation, bridge. Each wait ends by an event.
 */
#include "tests/sim/sim.h"

#include <errno.h>

static struct rln_peer *alice, *bob, *carol;

static int open_peers(void **state)
{
	(void)state;
	alice = rln_peer_new("alice", 5080);
	bob = rln_peer_new("bob", 5070);
	carol = rln_peer_new("carol", 5090);
	return alice && bob && carol ? 0 : -1;
}

static int close_peers(void **state)
{
	(void)state;
	rln_peer_free(alice);
	rln_peer_free(bob);
	rln_peer_free(carol);
	sim_wait_idle();
	return 0;
}

static struct rln_call *answered_by(struct rln_peer *peer)
{
	struct rln_call *call = rln_incoming_accept(rln_peer_get_incoming_call(peer, SIM_WAIT_MS));

	assert_non_null(call);
	return call;
}

static void reaches(struct rln_call *call, enum rln_call_state state)
{
	int rc = rln_call_wait_for_state(call, state, SIM_WAIT_MS);

	if (rc != 0)
		fail_msg("no %s but %s: %s; %s", rln_call_state_name(state), rln_call_state_name(rln_call_state(call)),
			rln_error_text(rc), rln_call_end_text(call));
}

static void connect_calls(struct rln_call **a, struct rln_call **b)
{
	*a = rln_peer_call(alice, "bob@127.0.0.1:5070");
	assert_non_null(*a);
	*b = answered_by(bob);
	reaches(*a, RLN_STATE_ACTIVE);
	reaches(*b, RLN_STATE_ACTIVE);
}

/* The call that a REFER made of `from`. */
static struct rln_call *transferred(struct rln_call *from)
{
	struct rln_call *call = rln_call_transferred(from, SIM_WAIT_MS);

	assert_non_null(call);
	reaches(call, RLN_STATE_ACTIVE);
	return call;
}

static void hang_up(struct rln_call *a, struct rln_call *b)
{
	assert_int_equal(rln_call_hangup(a), 0);
	reaches(a, RLN_STATE_TERMINATED);
	reaches(b, RLN_STATE_TERMINATED);
	rln_call_free(a);
	rln_call_free(b);
}

static void a_call_is_held_and_resumed_from_either_side(void **state)
{
	struct rln_call *a, *b;

	(void)state;
	connect_calls(&a, &b);
	for (unsigned i = 0; i < 2; i++) {
		struct rln_call *who = i ? b : a;

		assert_int_equal(rln_call_hold(who), 0);
		reaches(who, RLN_STATE_ON_HOLD);
		assert_int_equal(rln_call_resume(who), 0);
		reaches(who, RLN_STATE_ACTIVE);
	}
	assert_int_equal(rln_call_resume(a), 0); /* of what is not held */
	assert_int_equal(rln_call_wait_for_event(a, RLN_EV_COMMAND_REJECTED, SIM_WAIT_MS, NULL), 0);
	hang_up(a, b);
}

static void digits_arrive(void **state)
{
	struct rln_call *a, *b;
	struct rln_event ev;

	(void)state;
	connect_calls(&a, &b);
	assert_int_equal(rln_call_wait_for_media(b, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_send_dtmf(a, "4#"), 0);
	assert_int_equal(rln_call_wait_for_event(b, RLN_EV_DTMF_DETECTED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.dtmf_detected.digit, '4');
	assert_int_equal(rln_call_wait_for_event(b, RLN_EV_DTMF_DETECTED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.dtmf_detected.digit, '#');
	hang_up(a, b);
}

/* Bob sends Alice to Carol: Alice's side calls by itself, and its application gets that call's handle. */
static void a_blind_transfer_gives_the_transferred_side_a_call(void **state)
{
	struct rln_call *a, *b, *c, *to_carol;

	(void)state;
	connect_calls(&a, &b);
	assert_int_equal(rln_call_transfer(b, "carol@127.0.0.1:5090", RLN_TRANSFER_BLIND), 0);
	c = answered_by(carol);
	to_carol = transferred(a);
	reaches(c, RLN_STATE_ACTIVE);
	reaches(b, RLN_STATE_TERMINATED);
	reaches(a, RLN_STATE_TERMINATED);
	assert_int_equal(rln_call_wait_for_media(to_carol, SIM_WAIT_MS), 0);
	hang_up(to_carol, c);
	rln_call_free(a);
	rln_call_free(b);
}

static void a_transfer_that_the_target_refuses_goes_back(void **state)
{
	struct rln_call *a, *b;

	(void)state;
	connect_calls(&a, &b);
	assert_int_equal(rln_call_transfer(b, "carol@127.0.0.1:5090", RLN_TRANSFER_BLIND), 0);
	assert_int_equal(rln_incoming_reject(rln_peer_get_incoming_call(carol, SIM_WAIT_MS), 486), 0);
	assert_int_equal(rln_call_wait_for_state(b, RLN_STATE_TERMINATED, SIM_WAIT_MS), RLN_EREFUSED);
	assert_int_equal(rln_call_refusal(b), 486);
	reaches(b, RLN_STATE_ACTIVE);
	reaches(a, RLN_STATE_ACTIVE);
	hang_up(b, a);
}

static void a_consultation_ends_in_a_transfer(void **state)
{
	struct rln_call *a, *b, *to_carol, *c, *replaced;

	(void)state;
	connect_calls(&a, &b);
	to_carol = rln_call_consult(b, "carol@127.0.0.1:5090");
	assert_non_null(to_carol);
	c = answered_by(carol);
	reaches(to_carol, RLN_STATE_ACTIVE);
	reaches(b, RLN_STATE_CONSULTING);
	assert_int_equal(rln_call_complete_transfer(b), 0);
	replaced = transferred(a);
	reaches(b, RLN_STATE_TERMINATED);
	reaches(to_carol, RLN_STATE_TERMINATED);
	hang_up(replaced, c); /* c was replaced, or ends with the one that replaced it */
	rln_call_free(a);
	rln_call_free(b);
	rln_call_free(to_carol);
}

static void a_consultation_that_ends_resumes_the_call(void **state)
{
	struct rln_call *a, *b, *to_carol, *c;

	(void)state;
	connect_calls(&a, &b);
	to_carol = rln_call_consult(b, "carol@127.0.0.1:5090");
	assert_non_null(to_carol);
	c = answered_by(carol);
	reaches(to_carol, RLN_STATE_ACTIVE);
	hang_up(c, to_carol);
	reaches(b, RLN_STATE_ACTIVE);
	hang_up(a, b);
}

static void an_attended_transfer_needs_one_order(void **state)
{
	struct rln_call *a, *b, *c, *replaced;

	(void)state;
	connect_calls(&a, &b);
	assert_int_equal(rln_call_transfer(b, "carol@127.0.0.1:5090", RLN_TRANSFER_ATTENDED), 0);
	c = answered_by(carol);
	reaches(b, RLN_STATE_TERMINATED);
	replaced = transferred(a);
	hang_up(replaced, c);
	rln_call_free(a);
	rln_call_free(b);
}

/* ---- the coordinator joins two calls of its own ---- */

static void wait_state(struct rln_coordinator *c, struct rln_session_id id, enum rln_call_state state)
{
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_STATE_CHANGED, .state_changed = {.new_state = (uint8_t)state}};

	assert_int_equal(rln_coordinator_wait_for_event_timeout(c, &ev, SIM_WAIT_MS), 0);
}

static void two_calls_are_bridged_and_parted(void **state)
{
	struct rln_coordinator *c = rln_builder_build(rln_builder_with_name(rln_builder_new(), "desk", 5100));
	struct rln_session_id to_bob, to_carol;
	struct rln_call *b, *d;

	(void)state;
	assert_non_null(c);
	to_bob = rln_make_call(c, "bob@127.0.0.1:5070");
	b = answered_by(bob);
	wait_state(c, to_bob, RLN_STATE_ACTIVE);
	to_carol = rln_make_call(c, "carol@127.0.0.1:5090");
	d = answered_by(carol);
	wait_state(c, to_carol, RLN_STATE_ACTIVE);
	assert_int_equal(rln_bridge_calls(c, to_bob, to_carol), 0);
	wait_state(c, to_bob, RLN_STATE_BRIDGED);
	assert_int_equal(rln_call_wait_for_media(d, SIM_WAIT_MS), 0);
	assert_int_equal(rln_coordinator_unbridge(c, to_bob), 0);
	wait_state(c, to_bob, RLN_STATE_ACTIVE);
	rln_hangup_call(c, to_bob);
	rln_hangup_call(c, to_carol);
	reaches(b, RLN_STATE_TERMINATED);
	reaches(d, RLN_STATE_TERMINATED);
	rln_call_free(b);
	rln_call_free(d);
	rln_coordinator_free(c);
}

/* ---- its packets ---- */

static void packets_are_seen_as_they_come_and_go(void **state)
{
	struct rln_coordinator *c = rln_builder_build(rln_builder_with_name(rln_builder_new(), "desk", 5100));
	struct rln_session_id to_bob = rln_make_call(c, "bob@127.0.0.1:5070");
	struct rln_packets *packets;
	struct rln_packet p;
	unsigned sent = 0, received = 0;
	struct rln_call *b = answered_by(bob);
	int rc;

	(void)state;
	wait_state(c, to_bob, RLN_STATE_ACTIVE);
	assert_null(rln_media_subscribe_to_packets(c, to_bob, 0));
	assert_int_equal(errno, EINVAL);
	packets = rln_media_subscribe_to_packets(c, to_bob, 1024);
	assert_non_null(packets);
	while (sent < 10 || received < 10) {
		assert_int_equal(rln_packets_next(packets, &p, SIM_WAIT_MS), 0);
		assert_int_equal(p.payload_n, 160);
		assert_int_equal(p.whole_n, 160);
		sent += p.is_sent;
		received += !p.is_sent;
	}
	assert_int_equal(rln_packets_dropped(packets), 0);
	rln_hangup_call(c, to_bob);
	reaches(b, RLN_STATE_TERMINATED);
	while ((rc = rln_packets_next(packets, &p, SIM_WAIT_MS)) == 0)
		;
	assert_int_equal(rc, RLN_EENDED);
	rln_packets_free(packets);
	rln_packets_free(NULL);
	rln_call_free(b);
	rln_coordinator_free(c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_peers, close_peers)

static int start(void **state)
{
	static const struct sim_cfg cfg = {.workers = 1}; /* legs that are bridged stand on one worker */

	(void)state;
	sim_start(&cfg);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	sim_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_call_is_held_and_resumed_from_either_side),
		T(digits_arrive),
		T(a_blind_transfer_gives_the_transferred_side_a_call),
		T(a_transfer_that_the_target_refuses_goes_back),
		T(a_consultation_ends_in_a_transfer),
		T(a_consultation_that_ends_resumes_the_call),
		T(an_attended_transfer_needs_one_order),
		T(two_calls_are_bridged_and_parted),
		T(packets_are_seen_as_they_come_and_go),
	};

	return cmocka_run_group_tests_name("sim/api", tests, start, stop);
}
