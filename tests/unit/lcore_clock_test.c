/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lcore/clock.c" /* rates and origin are set by hand */

static int setup(void **state)
{
	(void)state;
	rln_clock_init();
	return 0;
}

static void spin_until(uint64_t raw_ns)
{
	while (clock_ns(CLOCK_MONOTONIC_RAW) < raw_ns)
		;
}

static void runs_at_the_rate_of_the_raw_clock(void **state)
{
	uint64_t raw = clock_ns(CLOCK_MONOTONIC_RAW);
	uint64_t ours = rln_clock_ns();
	double elapsed_raw, elapsed;

	(void)state;
	spin_until(raw + 50 * RLN_MS);
	elapsed_raw = (double)(clock_ns(CLOCK_MONOTONIC_RAW) - raw);
	elapsed = (double)(rln_clock_ns() - ours);
	/* A preemption between two of the four reads shows as a difference: bound it by 5 ms of a shared machine. */
	assert_true(elapsed > elapsed_raw - 5e6 && elapsed < elapsed_raw + 5e6);
	assert_true(rln_clock_hz() > 1e8 && rln_clock_hz() < 1e10);
}

static void init_again_changes_nothing(void **state)
{
	double before = rln_clock_hz();
	uint64_t ns = rln_clock_ns();

	(void)state;
	rln_clock_init();
	assert_true(rln_clock_hz() == before);
	assert_true(rln_clock_ns() >= ns && rln_clock_ns() - ns < RLN_SEC);
}

static void conversion_is_exact_over_days(void **state)
{
	const struct rate r = {1000, 5, mult_of(2.4454262e9)};

	(void)state;
	assert_int_equal(convert(&r, 1000), 5);
	/* 10 days at 2.4454262 GHz; 24.40 fixed point is good to 1e-12. */
	assert_in_range(convert(&r, 1000 + 2112848236800000ull), 864000000000000ull - 1000, 864000000000000ull + 1000);
	/* A TSC from before the rate's start, as a reader on another CPU may have. */
	assert_true(convert(&r, 0) + 1000 > 5 && (int64_t)convert(&r, 0) < 5);
	assert_true((int64_t)convert(&r, 0) > -1000);
}

static void refining_finds_the_error_and_does_not_jump(void **state)
{
	uint64_t before, after, tsc;
	double drift;

	(void)state;
	/* As if the first measurement had been 200 ppm too fast. */
	first_hz = hz * 1.0002;
	rates[current] = (struct rate){origin.tsc, 0, mult_of(first_hz)};
	before = rln_clock_ns();
	drift = rln_clock_refine();
	after = rln_clock_ns();
	assert_true(drift > 150 && drift < 250);
	assert_true(after >= before);
	tsc = rates[current].tsc0;
	assert_in_range(rln_clock_tsc_to_ns(tsc), before, after);
	for (int i = 0; i < 3 * RATES; i++) { /* entries are used again */
		uint64_t ns = rln_clock_ns();

		drift = rln_clock_refine();
		assert_true(drift > 150 && drift < 250);
		assert_true(rln_clock_ns() >= ns);
	}
}

static bool stop;

static void *read_on(void *arg)
{
	uint64_t last = 0;

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		uint64_t now = rln_clock_ns();

		if (now + 1000 < last) /* 1 us: two rates meet within less */
			return &stop;
		last = now;
	}
	return NULL;
}

static void readers_see_no_step_while_it_refines(void **state)
{
	pthread_t reader;
	void *bad;

	(void)state;
	first_hz = hz;
	assert_int_equal(pthread_create(&reader, NULL, read_on, NULL), 0);
	for (int i = 0; i < RATES - 2; i++)
		rln_clock_refine();
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(reader, &bad);
	assert_null(bad);
}

static void display_times_are_utc(void **state)
{
	uint64_t utc = clock_ns(CLOCK_REALTIME);
	uint64_t ours = rln_clock_utc_ns(rln_clock_ns());

	(void)state;
	assert_true(ours > utc - RLN_SEC && ours < utc + RLN_SEC);
	utc0_ns = 1000000000ull * RLN_SEC; /* 2001-09-09 01:46:40 UTC */
	assert_int_equal(rln_clock_ntp(0) >> 32, 1000000000ull + 2208988800ull);
	assert_int_equal((uint32_t)rln_clock_ntp(RLN_SEC / 2), 0x80000000u);
	assert_int_equal((uint32_t)rln_clock_ntp(RLN_SEC / 4 * 3), 0xc0000000u);
	assert_int_equal((uint32_t)rln_clock_ntp(RLN_SEC - 1), 0xfffffffbu); /* 4.29 units short of a second */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_at_the_rate_of_the_raw_clock),
		cmocka_unit_test(init_again_changes_nothing),
		cmocka_unit_test(conversion_is_exact_over_days),
		cmocka_unit_test(refining_finds_the_error_and_does_not_jump),
		cmocka_unit_test(readers_see_no_step_while_it_refines),
		cmocka_unit_test(display_times_are_utc),
	};

	return cmocka_run_group_tests_name("lcore/clock", tests, setup, NULL);
}
