/* SPDX-License-Identifier: BSD-3-Clause */
/* Call queues: every strategy, what a caller hears, and each way out. */
#include "fake_host.h"

#include "session/apps/handlers.h"

static struct rln_config_queue cfg;
static struct rln_queue_figures figures;

static int begin(void **state)
{
	(void)state;
	fake_begin();
	memset(&cfg, 0, sizeof(cfg));
	snprintf(cfg.name, sizeof(cfg.name), "sales");
	cfg.agents_n = 3;
	snprintf(cfg.agents[0], 20, "sip:a@host");
	snprintf(cfg.agents[1], 20, "sip:b@host");
	snprintf(cfg.agents[2], 20, "sip:c@host");
	cfg.max_waiting = 10;
	cfg.announce_every_s = 30;
	cfg.timeout_s = 300;
	cfg.agent_ring_s = 20;
	cfg.retry_s = 10;
	return 0;
}

static const struct rln_queue_figures *now(void)
{
	rln_queue_figures(&fake.handler, &figures);
	return &figures;
}

static int end(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= fake.calls_n; i++) {
		if (fake.calls[i].data)
			fake_over(i, RLN_END_NETWORK, 0);
	}
	if (fake.handler.arg) {
		assert_int_equal(now()->waiting, 0);
		assert_int_equal(figures.talking + figures.ringing, 0);
		assert_int_equal(figures.entered, figures.answered + figures.abandoned + figures.timed_out);
	}
	fake_end();
	assert_int_equal(rln_heap_live_count(), 0);
	return 0;
}

static void serve(enum rln_config_strategy strategy)
{
	cfg.strategy = (uint8_t)strategy;
	assert_int_equal(rln_queue_app(&fake.handler, &cfg), 0);
}

/* A caller comes, and its call is up. */
static unsigned enter(void)
{
	unsigned call = fake_invite("sales");

	assert_int_equal(fake.decision.kind, RLN_DECISION_ACCEPT);
	assert_true(fake.decision.auto_answer);
	fake_up(call);
	return call;
}

static void all_ring_and_the_first_has_it(void **state)
{
	(void)state;
	serve(RLN_QUEUE_RING_ALL);
	enter();
	fake_said("call 2 sip:a@host; call 3 sip:b@host; call 4 sip:c@host; ");
	assert_int_equal(fake.calls[2].near, 1);
	assert_string_equal(fake.calls[2].from, FAKE_CALLER);
	fake_progress(3, RLN_CALL_RINGING, 180);
	fake_wait(5000);
	fake_up(3);
	fake_said("hangup 2; hangup 4; bridge 1 3; ");
	fake_up(4); /* it answered when it was given up */
	fake_said("");
	fake_over(2, RLN_END_CANCELLED, 487);
	fake_over(4, RLN_END_NORMAL, 0);
	assert_int_equal(now()->free, 2);
	assert_int_equal(figures.talking, 1);
	assert_int_equal(figures.answered, 1);
	assert_int_equal(figures.waited_ms, 5000);
	assert_int_equal(figures.not_answered, 0);
	fake_over(3, RLN_END_REMOTE, 0);
	fake_said("hangup 1; ");
	fake_over(1, RLN_END_NORMAL, 0);
	assert_int_equal(now()->free, 3);
}

static void others_wait_their_turn(void **state)
{
	(void)state;
	cfg.agents_n = 1;
	serve(RLN_QUEUE_RING_ALL);
	enter();
	fake_said("call 2 sip:a@host; ");
	enter();
	enter();
	fake_said("");
	assert_int_equal(now()->waiting, 3);
	fake_up(2);
	fake_said("bridge 1 2; ");
	fake_over(1, RLN_END_REMOTE, 0);
	fake_said("hangup 2; ");
	fake_over(2, RLN_END_NORMAL, 0);
	fake_said("call 5 sip:a@host; "); /* for the second caller */
	assert_int_equal(fake.calls[5].near, 3);
	fake_over(3, RLN_END_REMOTE, 0); /* which gives up */
	fake_said("hangup 5; ");
	fake_over(5, RLN_END_CANCELLED, 487);
	fake_said("call 6 sip:a@host; ");
	assert_int_equal(fake.calls[6].near, 4);
	assert_int_equal(now()->abandoned, 1);
}

/* Three callers one after the other, each of which talks and goes; which agents had them? */
static void three_calls(const char *want)
{
	char got[64] = "";

	fake.said[0] = '\0';
	for (unsigned i = 0; i < 3; i++) {
		unsigned in = enter(), out = fake.calls_n;

		strncat(got, &fake.calls[out].to[4], 1);
		fake_up(out);
		fake_wait(1000);
		fake_over(in, RLN_END_REMOTE, 0);
		fake_over(out, RLN_END_NORMAL, 0);
		fake_wait(1000);
	}
	assert_string_equal(got, want);
}

static void linear_begins_at_the_top(void **state)
{
	(void)state;
	serve(RLN_QUEUE_LINEAR);
	three_calls("aaa");
}

static void round_robin_goes_on(void **state)
{
	(void)state;
	serve(RLN_QUEUE_ROUND_ROBIN);
	three_calls("abc");
	three_calls("abc");
}

static void the_longest_idle_is_next(void **state)
{
	unsigned first, second;

	(void)state;
	serve(RLN_QUEUE_LONGEST_IDLE);
	first = enter();
	fake_up(2); /* a talks long */
	second = enter();
	fake_up(4); /* b */
	fake_wait(1000);
	fake_over(second, RLN_END_REMOTE, 0);
	fake_over(4, RLN_END_NORMAL, 0);
	fake_wait(1000);
	fake_over(first, RLN_END_REMOTE, 0);
	fake_over(2, RLN_END_NORMAL, 0);
	three_calls("cba");
}

static void one_by_one_goes_past_who_does_not_answer(void **state)
{
	(void)state;
	serve(RLN_QUEUE_LINEAR);
	enter();
	fake_said("call 2 sip:a@host; ");
	fake_over(2, RLN_END_REFUSED, 486); /* busy */
	fake_said("call 3 sip:b@host; ");
	fake_over(3, RLN_END_NETWORK, 0); /* not there */
	fake_said("call 4 sip:c@host; ");
	fake_wait(9000);
	fake_said("");
	fake_wait(1000); /* a and b may be called again, but c rings */
	fake_said("");
	fake_wait(10000); /* c rang long enough */
	fake_said("hangup 4; ");
	fake_over(4, RLN_END_CANCELLED, 487);
	fake_said("call 5 sip:a@host; ");
	assert_int_equal(now()->not_answered, 3);
	assert_int_equal(figures.free, 1);
}

static void two_that_cannot_be_joined_end(void **state)
{
	(void)state;
	cfg.agents_n = 1;
	serve(RLN_QUEUE_RING_ALL);
	enter();
	fake_up(2);
	fake.said[0] = '\0';
	fake_rejected(1, RLN_EV_STOP_PLAY_REQUEST);
	fake_said("");
	fake_rejected(1, RLN_EV_BRIDGE_CALLS);
	fake_said("hangup 1; ");
	fake_over(1, RLN_END_NORMAL, 0);
	fake_said("hangup 2; ");
	fake_over(2, RLN_END_NORMAL, 0);
}

static void agents_rest_after_a_call(void **state)
{
	(void)state;
	cfg.agents_n = 1;
	cfg.wrap_up_s = 15;
	serve(RLN_QUEUE_RING_ALL);
	enter();
	fake_up(2);
	fake_over(1, RLN_END_REMOTE, 0);
	fake_over(2, RLN_END_NORMAL, 0);
	fake.said[0] = '\0';
	enter();
	fake_wait(14000);
	fake_said("");
	fake_wait(1000);
	fake_said("call 4 sip:a@host; ");
}

static void nobody_to_be_called_at_once_is_tried_later(void **state)
{
	(void)state;
	serve(RLN_QUEUE_RING_ALL);
	fake.no_calls = true;
	enter();
	fake_said("");
	fake.no_calls = false;
	fake_wait(10000);
	fake_said("call 2 sip:a@host; call 3 sip:b@host; call 4 sip:c@host; ");
}

static void a_full_queue_is_busy(void **state)
{
	unsigned call;

	(void)state;
	cfg.max_waiting = 2;
	serve(RLN_QUEUE_RING_ALL);
	enter();
	fake_invite("sales"); /* not up yet, and counts */
	fake_invite("sales");
	assert_int_equal(fake.decision.kind, RLN_DECISION_REJECT);
	assert_int_equal(fake.decision.code, 486);
	assert_int_equal(now()->refused, 1);
	call = fake_call_new("x");
	assert_int_equal(fake.handler.on_given(fake.handler.arg, &fake.host, (struct rln_session_id){call}, ""), -EBUSY);
	fake_over(5, RLN_END_CANCELLED, 487); /* the one that was not up */
	assert_int_equal(now()->waiting, 1);
	enter();
}

static void without_agents_it_is_busy(void **state)
{
	(void)state;
	cfg.agents_n = 0;
	serve(RLN_QUEUE_ROUND_ROBIN);
	fake_invite("sales");
	assert_int_equal(fake.decision.code, 486);
}

static void music_and_announcements(void **state)
{
	(void)state;
	cfg.agents_n = 1;
	snprintf(cfg.music, sizeof(cfg.music), "moh.wav");
	cfg.announce_n = 2;
	snprintf(cfg.announce[0], 20, "one.wav");
	snprintf(cfg.announce[1], 20, "two.wav");
	serve(RLN_QUEUE_RING_ALL);
	enter();
	fake_said("play 1 moh.wav 0; call 2 sip:a@host; ");
	fake.calls[2].due_ms[2] = 0; /* the agent rings for ever */
	fake_wait(30000);
	fake_said("play 1 one.wav 1; ");
	fake_played(1);
	fake_said("play 1 moh.wav 0; ");
	fake_wait(30000);
	fake_said("play 1 two.wav 1; ");
	fake_wait(30000); /* a long one: the next waits for its end */
	fake_said("");
	fake_played(1);
	fake_said("play 1 one.wav 1; ");
	fake_no_file(1); /* it is not there */
	fake_said("play 1 moh.wav 0; ");
	fake_no_file(1);
	fake_said("");
	fake_up(2);
	fake_said("bridge 1 2; ");
}

static void the_place_is_told(void **state)
{
	(void)state;
	cfg.agents_n = 1;
	cfg.position = true;
	cfg.max_waiting = 100;
	serve(RLN_QUEUE_RING_ALL);
	for (unsigned i = 0; i < 12; i++)
		enter();
	fake.calls[2].due_ms[2] = 0;
	fake_played(1);
	fake.said[0] = '\0';
	enter(); /* the thirteenth, call 14 */
	fake_said("play 14 digits/1.wav 1; ");
	fake_played(14);
	fake_said("play 14 digits/3.wav 1; ");
	fake_played(14);
	fake_said("");
	fake_over(3, RLN_END_REMOTE, 0);
	for (unsigned i = 4; i <= 13; i++)
		fake_over(i, RLN_END_REMOTE, 0);
	fake_wait(30000);
	fake_said("play 1 digits/1.wav 1; play 14 digits/2.wav 1; ");
	fake_up(2);
	fake_said("stop 1; bridge 1 2; ");
	fake_played(14);
}

static void the_longest_wait_ends(void **state)
{
	(void)state;
	cfg.agents_n = 1;
	cfg.timeout_s = 15;
	serve(RLN_QUEUE_RING_ALL);
	enter();
	fake.said[0] = '\0';
	fake_wait(15000);
	fake_said("hangup 2; hangup 1; ");
	fake_over(2, RLN_END_CANCELLED, 487);
	fake_over(1, RLN_END_NORMAL, 0);
	fake_said("");
	assert_int_equal(now()->timed_out, 1);
	snprintf(cfg.fallback, sizeof(cfg.fallback), "sip:night@host");
	enter();
	fake.said[0] = '\0';
	fake_wait(15000);
	fake_said("hangup 4; give 3 bridge 'sip:night@host'; ");
	enter();
	fake_over(4, RLN_END_CANCELLED, 487);
	fake.give_answer = -EHOSTUNREACH;
	fake.said[0] = '\0';
	fake_wait(15000);
	fake_said("hangup 6; give 5 bridge 'sip:night@host'; hangup 5; ");
}

static void who_is_given_waits_like_others(void **state)
{
	unsigned call = fake_call_new("x");

	(void)state;
	cfg.agents_n = 1;
	serve(RLN_QUEUE_RING_ALL);
	fake.calls[call].state = RLN_STATE_BRIDGED; /* answered, whatever became of it since */
	assert_int_equal(fake.handler.on_given(fake.handler.arg, &fake.host, (struct rln_session_id){call}, ""), 0);
	fake_said("call 2 sip:a@host; ");
	call = fake_call_new("y");
	assert_int_equal(fake.handler.on_given(fake.handler.arg, &fake.host, (struct rln_session_id){call}, ""), 0);
	fake_said("accept 3; ");
	fake_up(call);
	assert_int_equal(now()->waiting, 2);
	rln_heap_fail_nth(1);
	assert_int_equal(
		fake.handler.on_given(fake.handler.arg, &fake.host, (struct rln_session_id){fake_call_new("z")}, ""), -ENOMEM);
	rln_heap_fail_nth(1);
	fake_invite("sales");
	rln_heap_fail_nth(0);
	assert_int_equal(fake.decision.code, 503);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(all_ring_and_the_first_has_it),
		T(others_wait_their_turn),
		T(linear_begins_at_the_top),
		T(round_robin_goes_on),
		T(the_longest_idle_is_next),
		T(one_by_one_goes_past_who_does_not_answer),
		T(two_that_cannot_be_joined_end),
		T(agents_rest_after_a_call),
		T(nobody_to_be_called_at_once_is_tried_later),
		T(a_full_queue_is_busy),
		T(without_agents_it_is_busy),
		T(music_and_announcements),
		T(the_place_is_told),
		T(the_longest_wait_ends),
		T(who_is_given_waits_like_others),
	};

	return cmocka_run_group_tests_name("session_queue", tests, NULL, NULL);
}
