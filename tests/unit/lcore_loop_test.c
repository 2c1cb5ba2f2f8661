/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop runs on the test's own thread until one of its tasks stops it; waits are seen through the `wait` hook. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>

#include <cmocka.h>

#include "lcore/bus.h"
#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/loop.h"

#define WAITS 64

static struct rln_loop *loop;
static unsigned turns_left;
static unsigned work_in[8]; /* turn numbers counted down at which the task finds work */
static uint32_t waits[WAITS];
static unsigned waits_n;
static bool calls_up;
static unsigned endpoint_seen;
static uint64_t last_now;
static char order[16];

static int setup(void **state)
{
	(void)state;
	rln_clock_init();
	memset(work_in, 0, sizeof(work_in));
	memset(order, 0, sizeof(order));
	waits_n = 0;
	calls_up = false;
	loop = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rln_loop_destroy(loop);
	return 0;
}

static unsigned count_down(void *arg, uint64_t now_ns)
{
	unsigned found = 0;

	assert_ptr_equal(arg, &turns_left);
	assert_true(now_ns >= last_now);
	last_now = now_ns;
	endpoint_seen = rln_bus_self();
	for (unsigned i = 0; i < 8; i++)
		found += work_in[i] == turns_left && turns_left;
	if (--turns_left == 0)
		rln_loop_stop(loop);
	return found;
}

static void note_wait(void *arg, uint32_t us)
{
	assert_ptr_equal(arg, &waits_n);
	if (waits_n < WAITS)
		waits[waits_n++] = us;
}

static bool is_busy(void *arg)
{
	(void)arg;
	return calls_up;
}

static void run(uint32_t spin_us, bool hooks, unsigned turns)
{
	const struct rln_task task = {"count", count_down, &turns_left};
	struct rln_loop_cfg cfg = {.name = "a name of more than fifteen",
		.endpoint = RLN_ENDPOINT_WORKER0,
		.idle = {.spin_us = spin_us, .sleep_min_us = 10, .sleep_max_us = 80, .sleep_quiet_us = 1000},
		.arg = &waits_n};

	if (hooks) {
		cfg.wait = note_wait;
		cfg.busy = is_busy;
	}
	turns_left = turns;
	last_now = 0;
	assert_int_equal(rln_loop_create(&loop, &cfg), 0);
	assert_int_equal(rln_loop_add(loop, &task), 0);
	assert_int_equal(rln_loop_run(loop), 0);
}

static void sleeps_double_up_to_the_bound_of_quiet_times(void **state)
{
	static const uint32_t expected[] = {10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000};

	(void)state;
	run(0, true, 11);
	assert_in_range(waits_n, 10, 11); /* the turn that stops the loop may wait as well */
	assert_memory_equal(waits, expected, sizeof(expected));
}

static void sleeps_stay_short_while_calls_are_up(void **state)
{
	static const uint32_t expected[] = {10, 20, 40, 80, 80, 80};

	(void)state;
	calls_up = true;
	run(0, true, 7);
	assert_memory_equal(waits, expected, sizeof(expected));
}

static void work_resets_the_sleep(void **state)
{
	static const uint32_t expected[] = {10, 20, 40, /* work */ 10, 20};
	struct rln_loop_figures f;

	(void)state;
	work_in[0] = 7; /* of 10, 9, 8, 7 .. */
	run(0, true, 10);
	assert_memory_equal(waits, expected, sizeof(expected));
	rln_loop_figures(loop, &f);
	assert_int_equal(f.turns, 10);
	assert_int_equal(f.turns_busy, 1);
}

static void spinning_comes_before_sleeping(void **state)
{
	(void)state;
	run(10 * 1000 * 1000, true, 1000); /* 10 s of spin: 1,000 turns are over before */
	assert_int_equal(waits_n, 0);
}

static void a_pci_loop_never_sleeps(void **state)
{
	struct rln_loop_figures f;

	(void)state;
	run(UINT32_MAX, true, 1000);
	assert_int_equal(waits_n, 0);
	rln_loop_figures(loop, &f);
	assert_int_equal(f.sleep_ns, 0);
	assert_int_equal(f.turns, 1000);
	assert_int_equal(f.busy_ns, 0);
	assert_true(f.idle_ns > 0);
}

static void the_thread_is_named_entered_and_left(void **state)
{
	char name[16];

	(void)state;
	run(UINT32_MAX, false, 3);
	assert_int_equal(endpoint_seen, RLN_ENDPOINT_WORKER0);
	assert_int_equal(rln_bus_self(), RLN_ENDPOINT_APP);
	assert_int_equal(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
	assert_string_equal(name, "a name of more ");
	assert_int_equal(prctl(PR_GET_TIMERSLACK), 1);
}

static void plain_sleeps_are_accounted(void **state)
{
	struct rln_loop_figures f;
	uint64_t before, spent;

	(void)state;
	calls_up = true;
	rln_clock_init();
	before = rln_clock_ns();
	run(0, false, 20);
	spent = rln_clock_ns() - before;
	rln_loop_figures(loop, &f);
	assert_true(f.sleep_ns >= 10000 * 18);                    /* at least 18 sleeps of at least 10 us */
	assert_true(f.busy_ns + f.idle_ns + f.sleep_ns <= spent); /* nothing is counted twice */
	assert_true(f.longest_turn_ns <= f.busy_ns + f.idle_ns);
	assert_true(f.cpu_ns > 0 && f.cpu_ns <= spent + RLN_SEC);
}

static void stop_before_run_ends_at_once(void **state)
{
	const struct rln_loop_cfg cfg = {.name = "x", .idle = {UINT32_MAX, 0, 0, 0}};
	struct rln_loop_figures f;

	(void)state;
	assert_int_equal(rln_loop_create(&loop, &cfg), 0);
	rln_loop_stop(loop);
	assert_int_equal(rln_loop_run(loop), 0);
	rln_loop_figures(loop, &f);
	assert_int_equal(f.turns, 0);
}

static unsigned append(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	strcat(order, arg);
	if (strlen(order) >= RLN_LOOP_TASKS)
		rln_loop_stop(loop);
	return 1;
}

static void tasks_run_in_order_and_are_bounded(void **state)
{
	static char letters[RLN_LOOP_TASKS][2];
	const struct rln_loop_cfg cfg = {.name = "x", .idle = {UINT32_MAX, 0, 0, 0}};
	struct rln_loop_figures f;
	struct rln_task task = {"t", append, letters[0]};

	(void)state;
	assert_int_equal(rln_loop_create(&loop, &cfg), 0);
	for (int i = 0; i < RLN_LOOP_TASKS; i++) {
		letters[i][0] = (char)('a' + i);
		task.arg = letters[i];
		assert_int_equal(rln_loop_add(loop, &task), 0);
	}
	assert_int_equal(rln_loop_add(loop, &task), -ENOSPC);
	assert_int_equal(rln_loop_run(loop), 0);
	assert_string_equal(order, "abcdefghijkl");
	rln_loop_figures(loop, &f);
	assert_int_equal(f.turns_busy, 1);
	assert_true(f.busy_ns > 0);
}

static unsigned spin_a_little(void *arg, uint64_t now_ns)
{
	(void)arg;
	(void)now_ns;
	return 1;
}

static void *run_thread(void *arg)
{
	rln_loop_run(arg);
	return NULL;
}

static void others_may_read_and_stop(void **state)
{
	const struct rln_loop_cfg cfg = {.name = "x", .endpoint = RLN_ENDPOINT_CONTROL, .idle = {UINT32_MAX, 0, 0, 0}};
	const struct rln_task task = {"spin", spin_a_little, NULL};
	struct rln_loop_figures f = {0}, end;
	uint64_t deadline = rln_clock_ns() + 20 * RLN_SEC;
	pthread_t t;

	(void)state;
	assert_int_equal(rln_loop_create(&loop, &cfg), 0);
	assert_int_equal(rln_loop_add(loop, &task), 0);
	assert_int_equal(pthread_create(&t, NULL, run_thread, loop), 0);
	while ((f.turns < 1000 || f.cpu_ns == 0) && rln_clock_ns() < deadline) {
		rln_loop_figures(loop, &f);
		sched_yield();
	}
	rln_loop_stop(loop);
	pthread_join(t, NULL);
	assert_true(f.turns >= 1000 && f.cpu_ns > 0);
	rln_loop_figures(loop, &end);
	assert_true(end.turns >= f.turns && end.cpu_ns >= f.cpu_ns && end.busy_ns >= f.busy_ns);
}

static void bad_settings_and_no_memory(void **state)
{
	const struct rln_loop_cfg never_ends = {.name = "x", .idle = {.spin_us = 10, .sleep_min_us = 0}};
	const struct rln_loop_cfg cfg = {.name = "x", .idle = {UINT32_MAX, 0, 0, 0}};

	(void)state;
	assert_int_equal(rln_loop_create(&loop, &never_ends), -EINVAL); /* 0 doubled stays 0: it would spin in system calls */
	rln_heap_fail_nth(1);
	assert_int_equal(rln_loop_create(&loop, &cfg), -ENOMEM);
	assert_null(loop);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sleeps_double_up_to_the_bound_of_quiet_times),
		TEST(sleeps_stay_short_while_calls_are_up),
		TEST(work_resets_the_sleep),
		TEST(spinning_comes_before_sleeping),
		TEST(a_pci_loop_never_sleeps),
		TEST(the_thread_is_named_entered_and_left),
		TEST(plain_sleeps_are_accounted),
		TEST(stop_before_run_ends_at_once),
		TEST(tasks_run_in_order_and_are_bounded),
		TEST(others_may_read_and_stop),
		TEST(bad_settings_and_no_memory),
	};

	return cmocka_run_group_tests_name("lcore/loop", tests, NULL, NULL);
}
