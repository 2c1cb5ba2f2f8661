/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lcore/heap.h"
#include "lcore/hist.c" /* the layout */

static struct rln_hist *hist;

static int setup(void **state)
{
	(void)state;
	return rln_hist_create(&hist);
}

static int teardown(void **state)
{
	(void)state;
	rln_hist_destroy(hist);
	return 0;
}

static uint64_t at(const struct rln_hist *h, double percent)
{
	uint64_t us = UINT64_MAX;

	assert_true(rln_hist_percentile(h, percent, &us));
	return us;
}

static void the_layout_is_hdr_histograms(void **state)
{
	uint64_t expected = 0;

	(void)state;
	assert_int_equal(COUNTERS * sizeof(uint64_t), 184 * 1024);
	for (uint32_t i = 0; i < COUNTERS; i++) { /* no gap, no overlap, width doubles */
		assert_int_equal(lowest(i), expected);
		assert_int_equal(index_of(lowest(i)), i);
		assert_int_equal(index_of(highest(i)), i);
		expected = highest(i) + 1;
	}
	assert_int_equal(expected, 2048ull << 21);
	/* HdrHistogram's own: with 3 digits 2,048 is the first value of width 2, 4,096 of width 4 (index 3,072). */
	assert_int_equal(index_of(2047), 2047);
	assert_int_equal(index_of(2048), 2048);
	assert_int_equal(index_of(2049), 2048);
	assert_int_equal(index_of(4095), 3071);
	assert_int_equal(index_of(4096), 3072);
	assert_int_equal(highest(index_of(10007)), 10007);
	assert_int_equal(lowest(index_of(10007)), 10000);
}

static void three_digits_are_kept(void **state)
{
	(void)state;
	srand(3);
	for (int i = 0; i < 100000; i++) {
		uint64_t us = ((uint64_t)rand() << 16 ^ (uint64_t)rand()) % (HIGHEST + 1) >> rand() % 30;
		uint32_t index = index_of(us);

		assert_true(lowest(index) <= us && us <= highest(index));
		assert_true((highest(index) - lowest(index)) * 1000 <= us || index < 2048);
	}
}

/* The vector of HdrHistogram's own tests: 10,000 times 1,000 and once 100,000,000. */
static void percentiles_of_the_reference_vector(void **state)
{
	double mean;

	(void)state;
	for (int i = 0; i < 10000; i++)
		rln_hist_record(hist, 1000);
	rln_hist_record(hist, 100000000);
	assert_int_equal(rln_hist_count(hist), 10001);
	assert_int_equal(at(hist, 50), 1000);
	assert_int_equal(at(hist, 90), 1000);
	assert_int_equal(at(hist, 99), 1000);
	assert_int_equal(at(hist, 99.99), 1000);
	assert_int_equal(at(hist, 100), 100000000);
	assert_true(rln_hist_mean(hist, &mean));
	assert_true(mean > 10996 && mean < 10997); /* (10,000 x 1,000 + the middle of 99,942,400 and 100,007,936) / 10,001 */
	assert_true(rln_hist_share_at(hist, 1000) > 99.98 && rln_hist_share_at(hist, 1000) < 100);
	assert_true(rln_hist_share_at(hist, UINT64_MAX) == 100);
}

static void percentiles_of_a_ramp_are_exact(void **state)
{
	(void)state;
	for (uint64_t us = 1; us <= 1000; us++)
		rln_hist_record(hist, us);
	assert_int_equal(at(hist, 0), 1);
	assert_int_equal(at(hist, 50), 500);
	assert_int_equal(at(hist, 90), 900);
	assert_int_equal(at(hist, 99), 990);
	assert_int_equal(at(hist, 99.9), 999);
	assert_int_equal(at(hist, 100), 1000);
}

static void too_few_samples_are_not_available(void **state)
{
	static const struct {
		double percent;
		unsigned needs;
	} rows[] = {{50, 2}, {90, 10}, {99, 100}, {99.9, 1000}, {99.99, 10000}, {100, 1}, {0, 1}};
	uint64_t us = 0;
	double mean;

	(void)state;
	assert_false(rln_hist_percentile(hist, 50, &us));
	assert_false(rln_hist_percentile(hist, 100, &us));
	assert_false(rln_hist_mean(hist, &mean));
	assert_true(rln_hist_share_at(hist, 10) == -1);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		rln_hist_reset(hist);
		for (unsigned n = 1; n < rows[r].needs; n++)
			rln_hist_record(hist, 7);
		assert_false(rln_hist_percentile(hist, rows[r].percent, &us));
		rln_hist_record(hist, 7);
		assert_true(rln_hist_percentile(hist, rows[r].percent, &us));
		assert_int_equal(us, 7);
	}
	assert_false(rln_hist_percentile(hist, -1, &us));
	assert_false(rln_hist_percentile(hist, 100.1, &us));
}

static void the_ends_of_the_range(void **state)
{
	(void)state;
	rln_hist_record(hist, 0);
	rln_hist_record(hist, HIGHEST);
	assert_int_equal(rln_hist_clamped(hist), 0);
	rln_hist_record(hist, HIGHEST + 1);
	rln_hist_record(hist, UINT64_MAX);
	assert_int_equal(rln_hist_clamped(hist), 2);
	assert_int_equal(rln_hist_count(hist), 4);
	assert_int_equal(at(hist, 100), HIGHEST);
	assert_int_equal(at(hist, 0), 0);
	rln_hist_reset(hist);
	assert_int_equal(rln_hist_count(hist), 0);
	assert_int_equal(rln_hist_clamped(hist), 0);
}

static void merged_intervals_are_the_whole(void **state)
{
	struct rln_hist *whole, *last, *interval, *sum;
	uint32_t cursor = 0;
	uint64_t us, count;

	(void)state;
	assert_int_equal(
		rln_hist_create(&whole) | rln_hist_create(&last) | rln_hist_create(&interval) | rln_hist_create(&sum), 0);
	srand(5);
	for (int round = 0; round < 5; round++) {
		uint64_t most = 0;

		for (int i = 0; i < 2000; i++) {
			uint64_t v = (uint64_t)rand() % (1000u << (round % 3));

			most = v > most ? v : most;
			rln_hist_record(hist, v);
		}
		rln_hist_reset(whole);
		rln_hist_merge(whole, hist); /* a snapshot of the live one */
		rln_hist_interval(interval, whole, last);
		assert_int_equal(rln_hist_count(interval), 2000);
		assert_int_equal(index_of(at(interval, 100)), index_of(most));
		rln_hist_merge(sum, interval);
		rln_hist_reset(last);
		rln_hist_merge(last, whole);
	}
	assert_int_equal(rln_hist_count(sum), rln_hist_count(hist));
	for (double p = 0; p <= 99.9; p += 0.1)
		assert_int_equal(at(sum, p), at(hist, p));
	while (rln_hist_next(sum, &cursor, &us, &count))
		assert_int_equal(count, hist->counts[index_of(us)]);
	assert_int_equal(index_of(at(sum, 100)), index_of(at(hist, 100)));
	rln_hist_destroy(whole);
	rln_hist_destroy(last);
	rln_hist_destroy(interval);
	rln_hist_destroy(sum);
}

static void a_walk_meets_every_sample(void **state)
{
	uint32_t cursor = 0;
	uint64_t us, count;

	(void)state;
	rln_hist_record(hist, 5);
	rln_hist_record(hist, 10001);
	rln_hist_record(hist, 10002);
	assert_true(rln_hist_next(hist, &cursor, &us, &count));
	assert_true(us == 5 && count == 1);
	assert_true(rln_hist_next(hist, &cursor, &us, &count));
	assert_true(us == 10007 && count == 2);
	assert_false(rln_hist_next(hist, &cursor, &us, &count));
	assert_false(rln_hist_next(hist, &cursor, &us, &count));
}

static void no_memory_no_histogram(void **state)
{
	struct rln_hist *none = NULL;

	(void)state;
	rln_heap_fail_nth(1);
	assert_int_equal(rln_hist_create(&none), -ENOMEM);
	assert_null(none);
	rln_hist_destroy(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_layout_is_hdr_histograms),
		TEST(three_digits_are_kept),
		TEST(percentiles_of_the_reference_vector),
		TEST(percentiles_of_a_ramp_are_exact),
		TEST(too_few_samples_are_not_available),
		TEST(the_ends_of_the_range),
		TEST(merged_intervals_are_the_whole),
		TEST(a_walk_meets_every_sample),
		cmocka_unit_test(no_memory_no_histogram),
	};

	return cmocka_run_group_tests_name("lcore/hist", tests, NULL, NULL);
}
