/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues within a thread and rings between threads, away from the bus. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rte_ring_elem.h>

#include "lcore/fifo.h"
#include "lcore/heap.h"
#include "lcore/mpsc.h"

#define PRODUCERS 4
#define EACH      20000u

struct elem {
	uint32_t n[16];
};
_Static_assert(sizeof(struct elem) == RLN_ELEM, "one element");

static struct elem elem(uint32_t n)
{
	struct elem e;

	for (int i = 0; i < 16; i++)
		e.n[i] = n + (uint32_t)i;
	return e;
}

static void assert_pop(struct rln_fifo *f, uint32_t n)
{
	const struct elem expected = elem(n), *e = rln_fifo_peek(f);

	assert_non_null(e);
	assert_memory_equal(e, &expected, sizeof(expected));
	rln_fifo_drop(f);
}

static bool push(struct rln_fifo *f, uint32_t n)
{
	const struct elem e = elem(n);

	return rln_fifo_push(f, &e);
}

static void a_fifo_keeps_order_while_it_grows_and_wraps(void **state)
{
	struct rln_fifo f;
	uint32_t in = 0, out = 0;

	(void)state;
	assert_int_equal(rln_fifo_init(&f, 0, 1024), 0);
	assert_null(rln_fifo_peek(&f));
	f.head = f.tail = UINT32_MAX - 100; /* the counters wrap on the way */
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 30; i++)
			assert_true(push(&f, in++));
		for (int i = 0; i < 20; i++)
			assert_pop(&f, out++);
		assert_int_equal(rln_fifo_count(&f), in - out);
	}
	while (out < in)
		assert_pop(&f, out++);
	assert_null(rln_fifo_peek(&f));
	rln_fifo_fini(&f);
}

static void a_fifo_has_its_bound(void **state)
{
	struct rln_fifo f;
	unsigned n = 0;

	(void)state;
	assert_int_equal(rln_fifo_init(&f, 64, 256), 0);
	while (push(&f, n))
		n++;
	assert_int_equal(n, 256);
	assert_pop(&f, 0);
	assert_true(push(&f, 256));
	assert_false(push(&f, 257));
	rln_fifo_fini(&f);
}

static void a_fifo_without_memory_keeps_what_it_has(void **state)
{
	int64_t before = rln_heap_live_count();
	struct rln_fifo f;

	(void)state;
	rln_heap_fail_nth(1);
	assert_int_equal(rln_fifo_init(&f, 64, 256), -ENOMEM);
	assert_int_equal(rln_fifo_init(&f, 64, 256), 0);
	for (uint32_t i = 0; i < 64; i++)
		assert_true(push(&f, i));
	rln_heap_fail_nth(1);
	assert_false(push(&f, 64));
	assert_true(push(&f, 64));
	for (uint32_t i = 0; i <= 64; i++)
		assert_pop(&f, i);
	rln_fifo_fini(&f);
	assert_int_equal(rln_heap_live_count(), before);
}

static void rings_stand_in_our_own_memory(void **state)
{
	struct rte_ring *a = rln_ring_new(8, RING_F_SP_ENQ | RING_F_SC_DEQ);
	struct rte_ring *b = rln_ring_new(8, RING_F_SP_ENQ | RING_F_SC_DEQ); /* the same name twice is no clash */
	struct elem e = elem(1);
	unsigned n = 0;

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	while (rte_ring_sp_enqueue_elem(a, &e, sizeof(e)) == 0)
		assert_int_equal(rln_ring_count(a), ++n);
	assert_int_equal(n, 7);
	assert_int_equal(rln_ring_count(b), 0);
	rln_ring_free(a);
	rln_ring_free(b);
	rln_ring_free(NULL);
	errno = 0;
	assert_null(rln_ring_new(7, 0));
	assert_int_equal(errno, EINVAL);
	rln_heap_fail_nth(1);
	assert_null(rln_ring_new(8, 0));
	assert_int_equal(errno, ENOMEM);
}

struct cell {
	struct rln_mpsc_cell cell;
	uint32_t producer, n;
};

static struct cell cells[8];
static struct rln_mpsc ring = {.cells = (uint8_t *)cells, .size = 8, .stride = sizeof(struct cell)};

static void a_ring_of_many_producers_fills_and_wraps(void **state)
{
	uint64_t position[8], extra;

	(void)state;
	for (uint32_t round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < 8; i++) {
			struct cell *c = rln_mpsc_claim(&ring, &position[i]);

			assert_non_null(c);
			c->n = round * 8 + i;
		}
		assert_null(rln_mpsc_claim(&ring, &extra));
		assert_int_equal(rln_mpsc_count(&ring), 8);
		rln_mpsc_publish(&ring, position[1]); /* the second is ready before the first: the reader waits */
		assert_null(rln_mpsc_peek(&ring));
		for (uint32_t i = 0; i < 8; i++)
			if (i != 1)
				rln_mpsc_publish(&ring, position[i]);
		for (uint32_t i = 0; i < 8; i++) {
			const struct cell *c = rln_mpsc_peek(&ring);

			assert_non_null(c);
			assert_int_equal(c->n, round * 8 + i);
			rln_mpsc_drop(&ring);
		}
		assert_null(rln_mpsc_peek(&ring));
		assert_int_equal(rln_mpsc_count(&ring), 0);
	}
}

static void *produce(void *arg)
{
	for (uint32_t n = 0; n < EACH; n++) {
		uint64_t position;
		struct cell *c;

		while (!(c = rln_mpsc_claim(&ring, &position)))
			sched_yield();
		c->producer = (uint32_t)(uintptr_t)arg;
		c->n = n;
		rln_mpsc_publish(&ring, position);
	}
	return NULL;
}

static void producers_lose_and_reorder_nothing(void **state)
{
	pthread_t threads[PRODUCERS];
	uint32_t next[PRODUCERS] = {0};

	(void)state;
	for (uintptr_t i = 0; i < PRODUCERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, produce, (void *)i), 0);
	for (uint32_t i = 0; i < PRODUCERS * EACH; i++) {
		const struct cell *c;

		while (!(c = rln_mpsc_peek(&ring)))
			sched_yield();
		assert_int_equal(c->n, next[c->producer]++);
		rln_mpsc_drop(&ring);
	}
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	assert_null(rln_mpsc_peek(&ring));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fifo_keeps_order_while_it_grows_and_wraps),
		cmocka_unit_test(a_fifo_has_its_bound),
		cmocka_unit_test(a_fifo_without_memory_keeps_what_it_has),
		cmocka_unit_test(rings_stand_in_our_own_memory),
		cmocka_unit_test(a_ring_of_many_producers_fills_and_wraps),
		cmocka_unit_test(producers_lose_and_reorder_nothing),
	};

	return cmocka_run_group_tests_name("lcore/fifo", tests, NULL, NULL);
}
