/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waits of the public interface: for what comes before, during, after or never; by several threads on one peer; across a stop. Started by
 * rln_runtime_start() and its configuration text, twice in a row, as an application does it.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static struct rln_peer *alice, *bob;

static int open_peers(void **state)
{
	(void)state;
	alice = rln_peer_new("alice", 5080);
	bob = rln_peer_new("bob", 5070);
	return alice && bob ? 0 : -1;
}

static int close_peers(void **state)
{
	(void)state;
	rln_peer_free(alice);
	rln_peer_free(bob);
	sim_wait_idle();
	return 0;
}

static void connect_calls(struct rln_call **a, struct rln_call **b)
{
	struct rln_incoming *in;

	*a = rln_peer_call(alice, "bob@127.0.0.1:5070");
	assert_non_null(*a);
	in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(in);
	*b = rln_incoming_accept(in);
	assert_non_null(*b);
}

static void hang_up(struct rln_call *a, struct rln_call *b)
{
	assert_int_equal(rln_call_hangup(a), 0);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_state(b, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	rln_call_free(a);
	rln_call_free(b);
}

/* Once-per-call kinds are latched; a passed state on the way up counts. */
static void event_came_before(void **state)
{
	struct rln_call *a, *b;
	struct rln_event ev;

	(void)state;
	connect_calls(&a, &b);
	assert_int_equal(rln_call_wait_for_media(a, SIM_WAIT_MS), 0);
	for (unsigned i = 0; i < 2; i++) { /* again and again */
		assert_int_equal(rln_call_wait_for_event(a, RLN_EV_MEDIA_FLOW_ESTABLISHED, 0, &ev), 0);
		assert_int_equal(ev.id, rln_call_session(a).v);
		assert_int_equal(rln_call_wait_for_event(a, RLN_EV_SESSION_CREATED, 0, &ev), 0);
	}
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_CALLING, 0), 0);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_ACTIVE, 0), 0);
	assert_int_equal(rln_call_wait_for_media(a, 0), 0);
	hang_up(a, b);
}

struct waiter {
	pthread_t thread;
	struct rln_call *call;
	enum rln_call_state want;
	enum rln_event_kind kind;
	int timeout_ms, rc;
	uint64_t took_ms;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *w = arg;
	uint64_t began = sim_now_ms();

	w->rc = w->kind ? rln_call_wait_for_event(w->call, w->kind, w->timeout_ms, NULL)
			: rln_call_wait_for_state(w->call, w->want, w->timeout_ms);
	w->took_ms = sim_now_ms() - began;
	return NULL;
}

static void start(struct waiter *w)
{
	assert_int_equal(pthread_create(&w->thread, NULL, wait_in_thread, w), 0);
}

static void event_comes_during(void **state)
{
	struct rln_incoming *in;
	struct waiter w = {.want = RLN_STATE_ACTIVE, .timeout_ms = SIM_WAIT_MS};
	struct rln_call *b;

	(void)state;
	w.call = rln_peer_call(alice, "bob@127.0.0.1:5070");
	start(&w);
	in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(in);
	b = rln_incoming_accept(in);
	pthread_join(w.thread, NULL);
	assert_int_equal(w.rc, 0);
	assert_true(w.took_ms < SIM_WAIT_MS);
	hang_up(w.call, b);
}

static void event_never_comes(void **state)
{
	struct rln_call *a, *b;
	uint64_t began;

	(void)state;
	connect_calls(&a, &b);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	began = sim_now_ms();
	assert_int_equal(rln_call_wait_for_event(a, RLN_EV_DTMF_DETECTED, 50, NULL), RLN_ETIMEDOUT);
	assert_true(sim_now_ms() - began >= 50 && sim_now_ms() - began < 1000);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_TERMINATED, 20), RLN_ETIMEDOUT);
	assert_int_equal(rln_call_wait_for_event(a, RLN_EV_DTMF_DETECTED, 0, NULL), RLN_ETIMEDOUT);
	assert_null(rln_peer_get_incoming_call(bob, 20));
	assert_int_equal(errno, ETIMEDOUT);
	hang_up(a, b);
}

/* What can no longer come is told at once, also to a wait that began long before. */
static void call_ends_first(void **state)
{
	struct waiter w = {.kind = RLN_EV_DTMF_DETECTED, .timeout_ms = -1};
	struct rln_call *a, *b;
	struct rln_audio_frame f;
	uint16_t code;

	(void)state;
	connect_calls(&a, &b);
	w.call = b;
	start(&w);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_hangup(a), 0);
	pthread_join(w.thread, NULL);
	assert_int_equal(w.rc, RLN_ECALLFAILED);
	assert_int_equal(rln_call_wait_for_state(b, RLN_STATE_ACTIVE, -1), RLN_ECALLFAILED);
	assert_int_equal(rln_call_wait_for_event(b, RLN_EV_SESSION_TERMINATED, 0, NULL), 0);
	assert_int_equal(rln_call_end(b, &code), RLN_END_REMOTE);
	assert_string_equal(rln_call_end_text(b), "REMOTE: the peer hung up, by CALL_TERMINATED");
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	sim_wait_idle();
	assert_int_equal(rln_call_recv_audio(b, &f, SIM_WAIT_MS), RLN_EENDED); /* a channel taken too late ends at once */
	rln_call_free(a);
	rln_call_free(b);
}

static void refusal_ends_the_wait(void **state)
{
	struct waiter w = {.want = RLN_STATE_ACTIVE, .timeout_ms = -1};
	struct rln_incoming *in;
	uint16_t code;

	(void)state;
	w.call = rln_peer_call(alice, "bob@127.0.0.1:5070");
	start(&w);
	in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(in);
	assert_int_equal(rln_incoming_reject(in, 486), 0);
	pthread_join(w.thread, NULL);
	assert_int_equal(w.rc, RLN_ECALLFAILED);
	assert_int_equal(rln_call_end(w.call, &code), RLN_END_REFUSED);
	assert_int_equal(code, 486);
	assert_string_equal(rln_call_end_text(w.call), "REFUSED: refused by the peer (486 Busy Here), by CALL_STATE_CHANGED");
	rln_call_free(w.call);
}

/* Eight calls of one peer, a thread waiting on each: whoever reads for all must hand on what is another's. */
static void several_threads_on_one_peer(void **state)
{
	enum { CALLS = 8 };
	struct waiter up[CALLS], down[CALLS];
	struct rln_call *theirs[CALLS];

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < CALLS; i++) {
			up[i] = (struct waiter){.call = rln_peer_call(alice, "bob@127.0.0.1:5070"),
				.want = RLN_STATE_ACTIVE,
				.timeout_ms = SIM_WAIT_MS};
			assert_non_null(up[i].call);
			start(&up[i]);
		}
		for (unsigned i = 0; i < CALLS; i++) {
			struct rln_incoming *in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);

			assert_non_null(in);
			theirs[i] = rln_incoming_accept(in);
			assert_non_null(theirs[i]);
		}
		for (unsigned i = 0; i < CALLS; i++) {
			pthread_join(up[i].thread, NULL);
			assert_int_equal(up[i].rc, 0);
			down[i] =
				(struct waiter){.call = up[i].call, .kind = RLN_EV_SESSION_TERMINATED, .timeout_ms = SIM_WAIT_MS};
			start(&down[i]);
		}
		for (unsigned i = 0; i < CALLS; i++)
			assert_int_equal(rln_call_hangup(theirs[CALLS - 1 - i]), 0);
		for (unsigned i = 0; i < CALLS; i++) {
			pthread_join(down[i].thread, NULL);
			assert_int_equal(down[i].rc, 0);
			rln_call_free(down[i].call);
			rln_call_free(theirs[i]);
		}
	}
}

static void callback(void *arg, struct rln_incoming *in)
{
	*(struct rln_call **)arg = rln_incoming_accept(in);
}

static void callbacks_run_inside_waits(void **state)
{
	struct rln_call *a, *b = NULL;

	(void)state;
	rln_peer_on_incoming_call(bob, callback, &b);
	assert_int_equal(rln_peer_run(bob, 0), 0);
	a = rln_peer_call(alice, "bob@127.0.0.1:5070");
	for (unsigned i = 0; i < 50 && !b; i++)
		assert_int_equal(rln_peer_run(bob, 100), 0);
	assert_non_null(b);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	hang_up(a, b);
}

static void errors_of_the_interface(void **state)
{
	struct rln_peer *other;
	struct rln_call *call;

	(void)state;
	assert_null(rln_peer_new("bob", 5070));
	assert_int_equal(errno, EADDRINUSE);
	assert_null(rln_peer_new("", 5070));
	assert_int_equal(errno, EINVAL);
	other = rln_peer_new("carol", 5070); /* another name on the same port */
	assert_non_null(other);
	rln_peer_free(other);
	assert_null(rln_peer_call(alice, "no target at all:"));
	assert_int_equal(errno, EINVAL);
	call = rln_peer_call(alice, "bob@nowhere.example"); /* a name that sip.hosts has not */
	assert_non_null(call);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_FAILED, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_end(call, NULL), RLN_END_NETWORK);
	rln_call_free(call);
	call = rln_peer_call(alice, "nobody@127.0.0.1:5070");
	assert_non_null(call);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), RLN_ECALLFAILED);
	rln_call_free(call);
}

/* A call handle that outlives its peer stays valid. */
static void handles_outlive_the_peer(void **state)
{
	struct rln_peer *carol = rln_peer_new("carol", 5090);
	struct rln_incoming *in;
	struct rln_call *a, *b;

	(void)state;
	a = rln_peer_call(carol, "bob@127.0.0.1:5070");
	in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(in);
	b = rln_incoming_accept(in);
	assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	rln_peer_free(carol); /* hangs up */
	assert_int_equal(rln_call_state(a), RLN_STATE_TERMINATED);
	assert_int_equal(rln_call_end(a, NULL), RLN_END_NORMAL);
	assert_int_equal(rln_call_wait_for_state(b, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	rln_call_free(a);
	rln_call_free(b);
}

/* rln_runtime_stop() under a wait: calls end, the wait returns. */
static void runtime_starts_and_stops_twice(void **state)
{
	static const struct rln_runtime_options options = {
		.config_text = "runtime: {hugepages: off, memory_mb: 640, workers: 2, telemetry: off}\n"
			       "ports:\n  - {name: sim0, device: net_ring_sim, addresses: [198.18.0.1/24]}\n"
			       "limits: {calls: 50}\nlog: {level: error}\n"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct waiter w = {.want = RLN_STATE_TERMINATED, .timeout_ms = SIM_WAIT_MS};
		struct rln_call *a, *b;

		assert_int_equal(rln_runtime_start(&options), 0);
		assert_true(rln_runtime_is_running());
		assert_int_equal(rln_runtime_start(&options), -EALREADY);
		assert_int_equal(open_peers(NULL), 0);
		connect_calls(&a, &b);
		assert_int_equal(rln_call_wait_for_state(a, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
		w.call = a;
		start(&w);
		rln_runtime_stop();
		assert_false(rln_runtime_is_running());
		pthread_join(w.thread, NULL);
		assert_int_equal(w.rc, 0);
		assert_int_equal(rln_call_wait_for_event(b, RLN_EV_SESSION_TERMINATED, 0, NULL), 0);
		assert_null(rln_peer_get_incoming_call(bob, -1)); /* there is nobody left who could ring */
		assert_int_equal(errno, EPIPE);
		rln_call_free(a);
		rln_peer_free(alice);
		rln_peer_free(bob);
		rln_call_free(b); /* the last one of its peer */
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_peers, close_peers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(event_came_before),
		T(event_comes_during),
		T(event_never_comes),
		T(call_ends_first),
		T(refusal_ends_the_wait),
		T(several_threads_on_one_peer),
		T(callbacks_run_inside_waits),
		T(errors_of_the_interface),
		T(handles_outlive_the_peer),
	};

	const struct CMUnitTest runtime[] = {cmocka_unit_test(runtime_starts_and_stops_twice)};
	int failed = cmocka_run_group_tests_name("sim/waits", tests, sim_group_start, sim_group_stop);

	return failed + cmocka_run_group_tests_name("sim/runtime", runtime, NULL, NULL);
}
