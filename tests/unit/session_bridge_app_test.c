/* SPDX-License-Identifier: BSD-3-Clause */
/* The bridge's decisions, from the INVITE to the end of both calls. */
#include "fake_host.h"

#include "session/apps/handlers.h"

static struct rln_config_route route;

static void serve(const struct rln_config_route *r)
{
	assert_int_equal(rln_bridge_app(&fake.handler, r), 0);
}

static int begin(void **state)
{
	(void)state;
	fake_begin();
	route = (struct rln_config_route){
		.app = RLN_ROUTE_BRIDGE, .to_n = 1, .to = {"sip:{user}@198.18.0.9"}, .to_ring_s = 20, .keep_from = true};
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_end();
	assert_int_equal(rln_heap_live_count(), 0);
	return 0;
}

static void an_answer_joins_both(void **state)
{
	unsigned in, out = 2;

	(void)state;
	serve(&route);
	in = fake_invite("601");
	assert_int_equal(fake.decision.kind, RLN_DECISION_DEFER);
	fake_said("call 2 sip:601@198.18.0.9; ");
	assert_string_equal(fake.calls[out].from, FAKE_CALLER);
	assert_int_equal(fake.calls[out].near, in);
	fake_progress(out, RLN_CALL_TRYING, 100);
	fake_said("");
	fake_progress(out, RLN_CALL_RINGING, 180);
	fake_progress(out, RLN_CALL_RINGING, 180);
	fake_said("ring 1; ");
	fake_up(out);
	fake_said("accept 1; ");
	fake_up(in);
	fake_said("bridge 1 2; ");
	fake_wait(60000); /* the ring limit went with the answer */
	fake_said("");
	fake_state(in, RLN_STATE_BRIDGED);
	fake_state(out, RLN_STATE_BRIDGED);
	fake_over(out, RLN_END_REMOTE, 0);
	fake_state(in, RLN_STATE_ACTIVE); /* parted */
	fake_said("hangup 1; ");
	fake_over(in, RLN_END_NORMAL, 0);
	fake_said("");
}

static void early_media_is_joined_before_the_answer(void **state)
{
	(void)state;
	serve(&route);
	fake_invite("601");
	fake_progress(2, RLN_CALL_PROGRESS, 183);
	fake_state(2, RLN_STATE_EARLY_MEDIA);
	fake_said("call 2 sip:601@198.18.0.9; bridge 1 2; ");
	fake_up(2);
	fake_said("accept 1; ");
	fake_up(1);
	fake_said("bridge 1 2; ");
	fake_over(1, RLN_END_REMOTE, 0);
	fake_said("hangup 2; ");
	fake_over(2, RLN_END_NORMAL, 0);
}

static void two_that_cannot_be_joined_end(void **state)
{
	(void)state;
	serve(&route);
	fake_invite("601");
	fake_state(2, RLN_STATE_EARLY_MEDIA);
	fake_rejected(1, RLN_EV_BRIDGE_CALLS); /* early media: the call goes on without it */
	fake_up(2);
	fake_up(1);
	fake.said[0] = '\0';
	fake_rejected(1, RLN_EV_PLAY_REQUEST);
	fake_said("");
	fake_rejected(1, RLN_EV_BRIDGE_CALLS);
	fake_said("hangup 1; ");
	fake_over(1, RLN_END_NORMAL, 0);
	fake_said("hangup 2; ");
	fake_over(2, RLN_END_NORMAL, 0);
}

static void refusal_is(enum rln_end_reason reason, uint16_t code, const char *said)
{
	unsigned in = fake_invite("601");

	fake.said[0] = '\0';
	fake_over(in + 1, reason, code);
	fake_said(said);
	fake_over(in, RLN_END_REJECTED, code);
}

static void refusals_pass(void **state)
{
	(void)state;
	serve(&route);
	refusal_is(RLN_END_REFUSED, 486, "reject 1 486; ");
	refusal_is(RLN_END_REFUSED, 603, "reject 3 603; ");
	refusal_is(RLN_END_REFUSED, 404, "reject 5 404; ");
	refusal_is(RLN_END_TIMEOUT, 408, "reject 7 408; ");
	refusal_is(RLN_END_NETWORK, 0, "reject 9 503; ");
	refusal_is(RLN_END_AUTH, 401, "reject 11 403; ");
	refusal_is(RLN_END_MEDIA, 0, "reject 13 488; ");
	refusal_is(RLN_END_REFUSED, 302, "reject 15 503; ");
}

static void a_caller_that_gives_up_cancels_the_target(void **state)
{
	(void)state;
	serve(&route);
	fake_invite("601");
	fake.said[0] = '\0';
	fake_over(1, RLN_END_CANCELLED, 487);
	fake_said("hangup 2; ");
	fake_over(2, RLN_END_CANCELLED, 487);
	fake_said("");
}

static void targets_are_tried_in_order(void **state)
{
	(void)state;
	route.to_n = 3;
	snprintf(route.to[1], sizeof(route.to[1]), "sip:{from}-{user}@198.18.0.3");
	snprintf(route.to[2], sizeof(route.to[2]), "sip:last@198.18.0.4");
	route.keep_from = false;
	serve(&route);
	fake_invite("601");
	fake_said("call 2 sip:601@198.18.0.9; ");
	assert_string_equal(fake.calls[2].from, "");
	fake_over(2, RLN_END_REFUSED, 486);
	fake_said("call 3 sip:carol-601@198.18.0.3; ");
	fake_wait(20000); /* nobody answers */
	fake_said("hangup 3; ");
	fake_over(3, RLN_END_CANCELLED, 487);
	fake_said("call 4 sip:last@198.18.0.4; ");
	fake_wait(20000);
	fake_said("hangup 4; ");
	fake_over(4, RLN_END_CANCELLED, 487);
	fake_said("reject 1 480; ");
	fake_over(1, RLN_END_REJECTED, 480);
}

static void a_global_refusal_ends_the_search(void **state)
{
	(void)state;
	route.to_n = 2;
	snprintf(route.to[1], sizeof(route.to[1]), "sip:other@198.18.0.3");
	serve(&route);
	fake_invite("601");
	fake.said[0] = '\0';
	fake_over(2, RLN_END_REFUSED, 603);
	fake_said("reject 1 603; ");
	fake_over(1, RLN_END_REJECTED, 603);
}

static void no_room_is_said(void **state)
{
	(void)state;
	serve(&route);
	fake.no_calls = true;
	fake_invite("601");
	assert_int_equal(fake.decision.kind, RLN_DECISION_REJECT);
	assert_int_equal(fake.decision.code, 503);
	fake.no_calls = false;
	rln_heap_fail_nth(1);
	fake_invite("601");
	rln_heap_fail_nth(0);
	assert_int_equal(fake.decision.code, 503);
}

static int given(unsigned call, const char *target)
{
	return fake.handler.on_given(fake.handler.arg, &fake.host, (struct rln_session_id){call}, target);
}

static void a_given_call_is_joined_to_its_target(void **state)
{
	unsigned call = fake_call_new("x");

	(void)state;
	serve(NULL);
	fake.calls[call].state = RLN_STATE_ACTIVE;
	assert_int_equal(given(call, "sip:help@198.18.0.5"), 0);
	fake_said("call 2 sip:help@198.18.0.5; ");
	fake_progress(2, RLN_CALL_RINGING, 180);
	fake_state(2, RLN_STATE_EARLY_MEDIA); /* it is answered: nothing early to join */
	fake_said("");
	fake_up(2);
	fake_said("bridge 1 2; ");
	fake_over(1, RLN_END_REMOTE, 0);
	fake_over(2, RLN_END_NORMAL, 0);
	fake.said[0] = '\0';
	call = fake_call_new("y");
	fake.calls[call].state = RLN_STATE_ACTIVE;
	assert_int_equal(given(call, "sip:help@198.18.0.5"), 0);
	fake_over(4, RLN_END_REFUSED, 486);
	fake_said("call 4 sip:help@198.18.0.5; hangup 3; ");
	fake_over(3, RLN_END_NORMAL, 0);
	fake.no_calls = true;
	assert_int_equal(given(fake_call_new("z"), "sip:help@198.18.0.5"), -EHOSTUNREACH);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_answer_joins_both),
		T(early_media_is_joined_before_the_answer),
		T(two_that_cannot_be_joined_end),
		T(refusals_pass),
		T(a_caller_that_gives_up_cancels_the_target),
		T(targets_are_tried_in_order),
		T(a_global_refusal_ends_the_search),
		T(no_room_is_said),
		T(a_given_call_is_joined_to_its_target),
	};

	return cmocka_run_group_tests_name("session_bridge_app", tests, NULL, NULL);
}
