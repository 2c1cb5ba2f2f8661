/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/block_priv.h"
#include "lcore/count.h"
#include "lcore/heap.h"

#define SMALL 64
#define LARGE 4

static int setup(void **state)
{
	(void)state;
	rln_counts_reset();
	return rln_blocks_init(SMALL, LARGE);
}

static int teardown(void **state)
{
	(void)state;
	rln_blocks_fini();
	return 0;
}

static void two_classes_hold_what_they_say(void **state)
{
	rln_block_ref small = rln_block_alloc(1);
	rln_block_ref full = rln_block_alloc(RLN_BLOCK_SMALL);
	rln_block_ref large = rln_block_alloc(RLN_BLOCK_SMALL + 1);

	(void)state;
	assert_int_equal(rln_block_room(small), RLN_BLOCK_SMALL);
	assert_int_equal(rln_block_room(full), RLN_BLOCK_SMALL);
	assert_int_equal(rln_block_room(large), RLN_BLOCK_LARGE);
	memset(rln_block_data(small), 1, RLN_BLOCK_SMALL);
	memset(rln_block_data(full), 2, RLN_BLOCK_SMALL);
	memset(rln_block_data(large), 3, RLN_BLOCK_LARGE);
	assert_int_equal(((uint8_t *)rln_block_data(small))[RLN_BLOCK_SMALL - 1], 1);
	assert_int_equal(((uint8_t *)rln_block_data(full))[0], 2);
	assert_int_equal(rln_blocks_in_use(), 3);
	assert_int_equal(rln_block_alloc(RLN_BLOCK_LARGE + 1), 0);
	rln_block_release(small);
	rln_block_release(full);
	rln_block_release(large);
	assert_int_equal(rln_blocks_in_use(), 0);
}

static void init_happens_once(void **state)
{
	(void)state;
	assert_int_equal(rln_blocks_init(1, 1), -EALREADY);
	rln_blocks_fini();
	assert_int_equal(rln_block_alloc(1), 0);
	assert_int_equal(rln_blocks_init(1u << 30, 1), -EINVAL);
	assert_int_equal(rln_blocks_init(1, 0), 0);
	assert_int_equal(rln_block_alloc(RLN_BLOCK_LARGE), 0);
}

static void memory_can_run_out_at_every_step(void **state)
{
	int64_t before;
	unsigned nth;
	int rc = -ENOMEM;

	(void)state;
	rln_blocks_fini();
	before = rln_heap_live_count();
	for (nth = 1; rc < 0; nth++) {
		rln_heap_fail_nth(nth);
		rc = rln_blocks_init(8, 2);
		assert_int_equal(rln_heap_fail_nth(0), rc < 0);
		if (rc < 0) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(rln_heap_live_count(), before);
		}
	}
	assert_int_equal(nth - 2, 6); /* three pools of headers and data */
}

static void the_last_reader_frees(void **state)
{
	rln_block_ref b = rln_block_alloc(10);

	(void)state;
	assert_int_equal(rln_block_refs(b), 1);
	rln_block_hold(b);
	rln_block_hold(b);
	assert_int_equal(rln_block_refs(b), 3);
	rln_block_release(b);
	rln_block_release(b);
	assert_non_null(rln_block_data(b));
	assert_int_equal(rln_blocks_in_use(), 1);
	rln_block_release(b);
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), 0);
}

static void stale_references_do_nothing_and_are_counted(void **state)
{
	rln_block_ref b = rln_block_alloc(10);
	rln_block_ref next;

	(void)state;
	rln_block_release(b);
	rln_block_release(b); /* twice */
	assert_null(rln_block_data(b));
	assert_int_equal(rln_block_room(b), 0);
	rln_block_hold(b);
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), 4);
	next = rln_block_alloc(10); /* the same memory again */
	assert_int_not_equal(next, b);
	rln_block_release(b);
	assert_int_equal(rln_block_refs(next), 1);
	assert_int_equal(rln_block_refs(b), 0);
	assert_null(rln_block_data(0xdeadbeef));
	assert_null(rln_block_data(0xffffffff));
	rln_counts_reset();
	assert_null(rln_block_data(0)); /* none is not stale */
	rln_block_release(0);
	rln_block_hold(0);
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), 0);
	rln_block_release(next);
}

/* What an application still holds when the appliance stops must not name a block of the next run. */
static void references_do_not_outlive_their_pools(void **state)
{
	rln_block_ref old = rln_block_alloc(10), next;

	(void)state;
	rln_blocks_fini();
	rln_block_release(old);
	assert_int_equal(rln_blocks_init(SMALL, LARGE), 0);
	next = rln_block_alloc(10);
	rln_block_release(old);
	assert_int_equal(rln_block_refs(next), 1);
	assert_null(rln_block_data(old));
	rln_block_release(next);
}

static void generations_wrap_without_naming_nothing(void **state)
{
	rln_block_ref first = rln_block_alloc(1);
	rln_block_ref ref = first;
	unsigned different = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		rln_block_release(ref);
		ref = rln_block_alloc(1);
		assert_int_not_equal(ref, 0);
		assert_int_not_equal(ref & 0x1fff, 0);
		different += ref != first;
	}
	assert_int_equal(different, 20000 - 2); /* the same handle comes back after 8,191 uses */
	rln_block_release(ref);
}

static void an_empty_pool_is_counted(void **state)
{
	rln_block_ref all[SMALL];

	(void)state;
	for (int i = 0; i < SMALL; i++) {
		all[i] = rln_block_alloc(1);
		assert_int_not_equal(all[i], 0);
		for (int k = 0; k < i; k++)
			assert_ptr_not_equal(rln_block_data(all[i]), rln_block_data(all[k]));
	}
	assert_int_equal(rln_block_alloc(1), 0);
	assert_int_equal(rln_count_total(RLN_C_BLOCK_EMPTY), 1);
	assert_int_equal(rln_blocks_in_use(), SMALL);
	for (int i = 0; i < SMALL; i++)
		rln_block_release(all[i]);
	assert_int_equal(rln_blocks_in_use(), 0);
}

static void text_goes_in_and_out(void **state)
{
	struct rln_slice at;
	rln_block_ref b = rln_block_from_text("sip:alice@example.com;x", 21, &at);

	(void)state;
	assert_string_equal(rln_slice_text(b, at), "sip:alice@example.com");
	assert_int_equal(at.len, 21);
	assert_string_equal(rln_slice_text(b, (struct rln_slice){0}), "");
	rln_block_release(b);
	assert_string_equal(rln_slice_text(b, at), "");
	assert_int_equal(rln_block_from_text("x", 70000, &at), 0);
	assert_int_equal(at.len, 0);
}

static void trace_copies_stand_apart(void **state)
{
	struct rln_slice at;
	rln_block_ref b = rln_block_from_text("hello", 5, &at);
	rln_block_ref copy = rln_block_copy_for_trace(b);
	unsigned copies = 0;

	(void)state;
	rln_block_release(b);
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_string_equal(rln_slice_text(copy, at), "hello");
	rln_block_release(copy);
	assert_int_equal(rln_block_copy_for_trace(b), 0);
	b = rln_block_alloc(1);
	while (copies < 10000 && rln_block_copy_for_trace(b))
		copies++;
	assert_in_range(copies, 1, 9999);
	assert_int_equal(rln_count_total(RLN_C_BLOCK_EMPTY), 0); /* the product is not short of any */
	rln_block_release(b);
}

static void *churn(void *arg)
{
	rln_block_ref held[8] = {0};

	for (unsigned i = 0; i < 40000; i++) {
		unsigned at = i * 7 % 8;
		uint32_t *data = rln_block_data(held[at]);

		if (data && *data != (uint32_t)(uintptr_t)&held[at])
			return arg;
		rln_block_release(held[at]);
		held[at] = rln_block_alloc(4);
		data = rln_block_data(held[at]);
		if (data)
			*data = (uint32_t)(uintptr_t)&held[at];
	}
	for (unsigned i = 0; i < 8; i++)
		rln_block_release(held[i]);
	return NULL;
}

static void threads_never_share_a_block(void **state)
{
	pthread_t threads[4];
	void *bad;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, threads), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &bad);
		assert_null(bad);
	}
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_classes_hold_what_they_say, setup, teardown),
		cmocka_unit_test_setup_teardown(init_happens_once, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_can_run_out_at_every_step, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_reader_frees, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_references_do_nothing_and_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(references_do_not_outlive_their_pools, setup, teardown),
		cmocka_unit_test_setup_teardown(generations_wrap_without_naming_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_pool_is_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(text_goes_in_and_out, setup, teardown),
		cmocka_unit_test_setup_teardown(trace_copies_stand_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_never_share_a_block, setup, teardown),
	};

	return cmocka_run_group_tests_name("lcore/block", tests, NULL, NULL);
}
