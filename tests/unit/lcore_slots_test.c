/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/slots.c" /* generations are set by hand */

#define CAPACITY 100

struct thing {
	uint64_t self;
	uint8_t rest[90];
};

static struct rln_slots *table;

static int setup(void **state)
{
	const struct rln_slots_cfg cfg = {RLN_ID_SESSION, 7, CAPACITY, sizeof(struct thing)};

	(void)state;
	rln_counts_reset();
	return rln_slots_create(&table, &cfg);
}

static int teardown(void **state)
{
	(void)state;
	rln_slots_destroy(table);
	return 0;
}

static void handles_name_type_shard_and_slot(void **state)
{
	uint64_t a, b;
	struct thing *x = rln_slots_add(table, &a);
	struct thing *y = rln_slots_add(table, &b);

	(void)state;
	assert_int_equal(a, rln_id_make(RLN_ID_SESSION, 7, 0, 1));
	assert_int_equal(b, rln_id_make(RLN_ID_SESSION, 7, 1, 1));
	assert_ptr_equal(rln_slots_get(table, a), x);
	assert_ptr_equal(rln_slots_get(table, b), y);
	assert_int_equal((uintptr_t)x % 64, 0);
	assert_int_equal((uintptr_t)y % 64, 0);
	assert_true((uint8_t *)y - (uint8_t *)x >= (ptrdiff_t)sizeof(struct thing));
	assert_int_equal(rln_slots_in_use(table), 2);
	assert_int_equal(rln_slots_capacity(table), CAPACITY);
}

static void stale_handles_are_counted_and_do_nothing(void **state)
{
	uint64_t old, new;
	struct thing *x = rln_slots_add(table, &old);
	struct thing *y;

	(void)state;
	memset(x, 0xff, sizeof(*x));
	assert_true(rln_slots_del(table, old));
	assert_null(rln_slots_get(table, old));
	assert_false(rln_slots_del(table, old));
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), 2);
	y = rln_slots_add(table, &new); /* last out, first in */
	assert_ptr_equal(y, x);
	assert_int_equal(y->self, 0);
	assert_int_equal(y->rest[89], 0);
	assert_null(rln_slots_get(table, old));
	assert_false(rln_slots_del(table, old));
	assert_ptr_equal(rln_slots_get(table, new), y);
	assert_int_equal(rln_slots_in_use(table), 1);
}

static void foreign_handles_are_stale(void **state)
{
	uint64_t h;

	(void)state;
	assert_non_null(rln_slots_add(table, &h));
	assert_null(rln_slots_get(table, rln_id_make(RLN_ID_DIALOG, 7, 0, 1)));
	assert_null(rln_slots_get(table, rln_id_make(RLN_ID_SESSION, 8, 0, 1)));
	assert_null(rln_slots_get(table, rln_id_make(RLN_ID_SESSION, 7, 1, 1)));   /* never used */
	assert_null(rln_slots_get(table, rln_id_make(RLN_ID_SESSION, 7, 101, 1))); /* beyond the table */
	assert_null(rln_slots_get(table, rln_id_make(RLN_ID_SESSION, 7, 0, 2)));   /* of the future */
	assert_null(rln_slots_get(table, UINT64_MAX));
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), 6);
	assert_null(rln_slots_get(table, 0));
	assert_false(rln_slots_del(table, 0));
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), 6); /* "none" is not stale */
}

static void generations_skip_zero_when_they_wrap(void **state)
{
	uint64_t h;

	(void)state;
	assert_non_null(rln_slots_add(table, &h));
	assert_true(rln_slots_del(table, h));
	table->slots[0].generation = UINT32_MAX - 1;
	assert_non_null(rln_slots_add(table, &h));
	assert_int_equal(rln_id_generation(h), UINT32_MAX);
	assert_true(rln_slots_del(table, h));
	assert_non_null(rln_slots_add(table, &h));
	assert_int_equal(rln_id_generation(h), 1);
}

static void a_full_table_says_so(void **state)
{
	uint64_t h[CAPACITY], extra = 99;

	(void)state;
	for (int i = 0; i < CAPACITY; i++)
		assert_non_null(rln_slots_add(table, &h[i]));
	assert_null(rln_slots_add(table, &extra));
	assert_int_equal(extra, 99);
	assert_true(rln_slots_del(table, h[50]));
	assert_non_null(rln_slots_add(table, &extra));
	assert_int_equal(rln_id_slot(extra), 50);
	assert_null(rln_slots_add(table, &extra));
}

static void a_walk_sees_each_live_object_once(void **state)
{
	uint64_t h[CAPACITY], found;
	uint32_t cursor = 0;
	unsigned seen = 0;
	struct thing *t;

	(void)state;
	assert_null(rln_slots_next(table, &cursor, &found));
	for (int i = 0; i < CAPACITY; i++) {
		t = rln_slots_add(table, &h[i]);
		t->self = h[i];
	}
	for (int i = 0; i < CAPACITY; i += 3)
		assert_true(rln_slots_del(table, h[i]));
	cursor = 0;
	while ((t = rln_slots_next(table, &cursor, &found))) {
		assert_int_equal(t->self, found);
		assert_true(rln_slots_del(table, found)); /* deleting the current one is allowed */
		seen++;
	}
	assert_int_equal(seen, CAPACITY - 34);
	assert_int_equal(rln_slots_in_use(table), 0);
	cursor = 0;
	assert_null(rln_slots_next(table, &cursor, &found));
}

/* A model that only appends: every handle ever given out is tried again and again. */
static void random_use_agrees_with_a_model(void **state)
{
	enum { STEPS = 20000 };
	static uint64_t all[STEPS];
	static bool live[STEPS];
	unsigned n = 0, alive = 0;

	(void)state;
	srand(1);
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned at = n ? (unsigned)rand() % n : 0;

		if (rand() % 2) {
			struct thing *t = rln_slots_add(table, &all[n]);

			assert_int_equal(t != NULL, alive < CAPACITY);
			if (!t)
				continue;
			assert_int_equal(t->self, 0);
			t->self = all[n];
			live[n++] = true;
			alive++;
		} else if (n && rand() % 4 == 0) {
			struct thing *t = rln_slots_get(table, all[at]);

			assert_int_equal(t != NULL, live[at]);
			if (t)
				assert_int_equal(t->self, all[at]);
		} else if (n) {
			assert_int_equal(rln_slots_del(table, all[at]), live[at]);
			alive -= live[at];
			live[at] = false;
		}
		assert_int_equal(rln_slots_in_use(table), alive);
	}
}

static void bad_settings_are_refused(void **state)
{
	struct rln_slots *none = NULL;

	(void)state;
	assert_int_equal(rln_slots_create(&none, &(struct rln_slots_cfg){RLN_ID_TXN, 0, 0, 8}), -EINVAL);
	assert_int_equal(rln_slots_create(&none, &(struct rln_slots_cfg){RLN_ID_TXN, 0, RLN_ID_SLOT_MAX + 1, 8}), -EINVAL);
	assert_int_equal(rln_slots_create(&none, &(struct rln_slots_cfg){RLN_ID_TXN, 0, 1, 0}), -EINVAL);
	assert_int_equal(rln_slots_create(&none, &(struct rln_slots_cfg){RLN_ID_TXN, 256, 1, 8}), -EINVAL);
	assert_null(none);
	rln_slots_destroy(NULL);
}

static void memory_can_run_out_at_every_step(void **state)
{
	const struct rln_slots_cfg cfg = {RLN_ID_TXN, 0, 10, 8};
	int64_t before = rln_heap_live_count();
	int rc = -ENOMEM;

	(void)state;
	for (unsigned nth = 1; rc < 0; nth++) {
		struct rln_slots *t = NULL;

		rln_heap_fail_nth(nth);
		rc = rln_slots_create(&t, &cfg);
		assert_int_equal(rln_heap_fail_nth(0), rc < 0);
		assert_true(rc == 0 || (rc == -ENOMEM && t == NULL));
		rln_slots_destroy(t);
		assert_int_equal(rln_heap_live_count(), before);
		assert_in_range(nth, 1, 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(handles_name_type_shard_and_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_handles_are_counted_and_do_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_handles_are_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(generations_skip_zero_when_they_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_table_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(a_walk_sees_each_live_object_once, setup, teardown),
		cmocka_unit_test_setup_teardown(random_use_agrees_with_a_model, setup, teardown),
		cmocka_unit_test(bad_settings_are_refused),
		cmocka_unit_test(memory_can_run_out_at_every_step),
	};

	return cmocka_run_group_tests_name("lcore/slots", tests, NULL, NULL);
}
