/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/count.h"
#include "lcore/heap.h"

static void live_figures_return_to_where_they_were(void **state)
{
	int64_t bytes = rln_heap_live_bytes();
	int64_t count = rln_heap_live_count();
	char *a = rln_alloc(100);
	char *b = rln_zalloc(5000);
	char *c = rln_strdup("ringlane");
	char *d = rln_strndup("ringlane", 4);

	(void)state;
	assert_non_null(a);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(b[i], 0);
	assert_string_equal(c, "ringlane");
	assert_string_equal(d, "ring");
	assert_int_equal(rln_heap_live_count(), count + 4);
	assert_true(rln_heap_live_bytes() >= bytes + 100 + 5000 + 9 + 5);
	a = rln_realloc(a, 20000);
	assert_non_null(a);
	assert_int_equal(rln_heap_live_count(), count + 4);
	assert_true(rln_heap_live_bytes() >= bytes + 20000 + 5000 + 9 + 5);
	rln_free(a);
	rln_free(b);
	rln_free(c);
	rln_free(d);
	rln_free(NULL);
	assert_int_equal(rln_heap_live_count(), count);
	assert_int_equal(rln_heap_live_bytes(), bytes);
}

static void aligned_memory_is_aligned(void **state)
{
	(void)state;
	for (size_t align = 16; align <= 4096; align *= 2) {
		void *p = rln_alloc_aligned(align, 3 * align + 1);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % align, 0);
		rln_free(p);
	}
	assert_null(rln_alloc_aligned(64, SIZE_MAX - 10));
}

static void realloc_of_nothing_allocates(void **state)
{
	int64_t count = rln_heap_live_count();
	void *p = rln_realloc(NULL, 10);

	(void)state;
	assert_non_null(p);
	assert_int_equal(rln_heap_live_count(), count + 1);
	rln_free(p);
}

static void the_nth_allocation_fails_and_only_that(void **state)
{
	uint64_t failed = rln_count_total(RLN_C_HEAP_FAILED);
	void *p[3];

	(void)state;
	rln_heap_fail_nth(2);
	p[0] = rln_alloc(1);
	errno = 0;
	p[1] = rln_zalloc(1);
	assert_int_equal(errno, ENOMEM);
	p[2] = rln_alloc(1);
	assert_non_null(p[0]);
	assert_null(p[1]);
	assert_non_null(p[2]);
	assert_int_equal(rln_count_total(RLN_C_HEAP_FAILED), failed + 1);
	assert_true(rln_heap_fail_nth(0));
	assert_false(rln_heap_fail_nth(0));
	rln_heap_fail_nth(1);
	assert_null(rln_strdup("x"));
	rln_heap_fail_nth(1);
	assert_null(rln_realloc(p[0], 100)); /* the old piece stays */
	rln_heap_fail_nth(1);
	assert_null(rln_alloc_aligned(64, 64));
	rln_heap_fail_nth(5);
	assert_false(rln_heap_fail_nth(0)); /* it was never reached */
	rln_free(p[0]);
	rln_free(p[2]);
}

static void *free_it(void *p)
{
	rln_free(p);
	return NULL;
}

static void another_thread_may_free(void **state)
{
	int64_t bytes = rln_heap_live_bytes();
	void *p = rln_alloc(1000);
	pthread_t t;

	(void)state;
	rln_heap_fail_nth(1); /* ours, not that thread's */
	assert_int_equal(pthread_create(&t, NULL, free_it, p), 0);
	pthread_join(t, NULL);
	rln_heap_fail_nth(0);
	assert_int_equal(rln_heap_live_bytes(), bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_figures_return_to_where_they_were),
		cmocka_unit_test(aligned_memory_is_aligned),
		cmocka_unit_test(realloc_of_nothing_allocates),
		cmocka_unit_test(the_nth_allocation_fails_and_only_that),
		cmocka_unit_test(another_thread_may_free),
	};

	return cmocka_run_group_tests_name("lcore/heap", tests, NULL, NULL);
}
