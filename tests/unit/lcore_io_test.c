/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lcore/heap.h"
#include "lcore/io.h"

#define ENDPOINTS  4
#define SIZE       16
#define PATIENCE_S 20

static struct rln_io *io;
static unsigned answers_each; /* per request */
static unsigned handled;      /* owner: file thread while it runs */
static pthread_t handler_thread;
static bool out_of_memory;

static void answer(void *arg, unsigned endpoint, const struct rln_io_msg *msg)
{
	struct rln_io_msg m = *msg;

	assert_ptr_equal(arg, &handled);
	handler_thread = pthread_self();
	handled++;
	if (out_of_memory)
		rln_heap_fail_nth(1);
	for (unsigned i = 0; i < answers_each; i++) {
		m.result = (int32_t)i;
		rln_io_answer(io, endpoint, &m);
	}
	rln_heap_fail_nth(0);
}

static int setup(void **state)
{
	(void)state;
	answers_each = 1;
	handled = 0;
	out_of_memory = false;
	if (rln_io_create(&io, ENDPOINTS, SIZE) < 0)
		return -1;
	rln_io_set_handler(io, answer, &handled);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rln_io_destroy(io);
	return 0;
}

/* The next answer, waited for. */
static struct rln_io_msg taken(unsigned endpoint)
{
	time_t end = time(NULL) + PATIENCE_S;
	struct rln_io_msg m = {0};

	while (!rln_io_take(io, endpoint, &m)) {
		assert_true(time(NULL) < end);
		sched_yield();
	}
	return m;
}

static void requests_are_answered_on_the_file_thread_in_order(void **state)
{
	static char buffer[10];

	(void)state;
	assert_int_equal(rln_io_start(io), 0);
	for (uint64_t i = 0; i < 500; i++) {
		const struct rln_io_msg ask = {.op = 7, .owner = i, .data = buffer, .arg = {1, 2, i}};
		struct rln_io_msg got;

		for (unsigned e = 0; e < ENDPOINTS; e++)
			assert_true(rln_io_ask(io, e, &ask));
		for (unsigned e = 0; e < ENDPOINTS; e++) {
			got = taken(e);
			assert_memory_equal(&got, &ask, sizeof(ask));
		}
	}
	rln_io_stop(io);
	assert_int_equal(handled, 500 * ENDPOINTS);
	assert_false(pthread_equal(handler_thread, pthread_self()));
}

static void a_full_ring_says_so(void **state)
{
	struct rln_io_msg m = {0};
	unsigned n = 0;

	(void)state;
	while (rln_io_ask(io, 1, &m))
		n++;
	assert_int_equal(n, SIZE - 1);
	assert_true(rln_io_ask(io, 2, &m)); /* another endpoint's ring */
	assert_false(rln_io_take(io, 1, &m));
}

static void stop_handles_what_is_queued_and_hands_it_all_over(void **state)
{
	struct rln_io_msg m = {0};

	(void)state;
	answers_each = 10; /* ten times what the answer ring holds, nearly */
	for (uint64_t i = 0; i < SIZE - 1; i++) {
		m.owner = i;
		assert_true(rln_io_ask(io, 3, &m));
	}
	assert_int_equal(rln_io_start(io), 0);
	rln_io_stop(io);
	assert_int_equal(handled, SIZE - 1);
	for (uint64_t i = 0; i < SIZE - 1; i++)
		for (int k = 0; k < 10; k++) {
			assert_true(rln_io_take(io, 3, &m));
			assert_int_equal(m.owner, i);
			assert_int_equal(m.result, k);
		}
	assert_false(rln_io_take(io, 3, &m));
}

static void an_asker_that_does_not_take_is_not_served_but_others_are(void **state)
{
	struct rln_io_msg m = {0};

	(void)state;
	answers_each = SIZE; /* one more than its ring holds: the first request fills it and backs up */
	for (int i = 0; i < 5; i++)
		assert_true(rln_io_ask(io, 0, &m));
	assert_int_equal(rln_io_start(io), 0);
	for (int i = 0; i < 3; i++) { /* the other endpoint is served three times meanwhile */
		assert_true(rln_io_ask(io, 1, &m));
		for (int k = 0; k < SIZE; k++)
			assert_int_equal(taken(1).result, k);
	}
	for (int i = 0; i < 5; i++) /* and nothing of the slow one is lost */
		for (int k = 0; k < SIZE; k++)
			assert_int_equal(taken(0).result, k);
	rln_io_stop(io);
	assert_int_equal(handled, 8);
}

static void without_memory_an_answer_waits_for_the_asker(void **state)
{
	struct rln_io_msg m = {0};

	(void)state;
	answers_each = SIZE + 64; /* ring, backlog as created, and one that would make it grow */
	out_of_memory = true;
	assert_true(rln_io_ask(io, 0, &m));
	assert_int_equal(rln_io_start(io), 0);
	for (int k = 0; k < SIZE + 64; k++)
		assert_int_equal(taken(0).result, k);
	rln_io_stop(io);
	assert_int_equal(handled, 1);
}

static void it_starts_and_stops_again(void **state)
{
	const struct rln_io_msg m = {.op = 1};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rln_io_start(io), 0);
		assert_int_equal(rln_io_start(io), -EINVAL);
		assert_true(rln_io_ask(io, 0, &m));
		assert_int_equal(taken(0).op, 1);
		rln_io_stop(io);
		rln_io_stop(io);
	}
	rln_io_set_handler(io, NULL, NULL);
	assert_int_equal(rln_io_start(io), -EINVAL);
}

static void bad_settings_and_no_memory_at_every_step(void **state)
{
	int64_t before;
	struct rln_io *none = NULL;
	int rc = -ENOMEM;

	(void)state;
	assert_int_equal(rln_io_create(&none, 0, SIZE), -EINVAL);
	assert_int_equal(rln_io_create(&none, 1000, SIZE), -EINVAL);
	assert_int_equal(rln_io_create(&none, 1, 3), -EINVAL);
	before = rln_heap_live_count();
	for (unsigned nth = 1; rc < 0; nth++) {
		rln_heap_fail_nth(nth);
		rc = rln_io_create(&none, 2, SIZE);
		assert_int_equal(rln_heap_fail_nth(0), rc < 0);
		assert_true(rc == 0 || (rc == -ENOMEM && rln_heap_live_count() == before));
		assert_in_range(nth, 1, 8);
	}
	rln_io_destroy(none);
	rln_io_destroy(NULL);
	assert_int_equal(rln_heap_live_count(), before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_are_answered_on_the_file_thread_in_order),
		TEST(a_full_ring_says_so),
		TEST(stop_handles_what_is_queued_and_hands_it_all_over),
		TEST(an_asker_that_does_not_take_is_not_served_but_others_are),
		TEST(without_memory_an_answer_waits_for_the_asker),
		TEST(it_starts_and_stops_again),
		TEST(bad_settings_and_no_memory_at_every_step),
	};

	return cmocka_run_group_tests_name("lcore/io", tests, NULL, NULL);
}
