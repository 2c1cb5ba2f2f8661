/* SPDX-License-Identifier: BSD-3-Clause */
/* Interarrival jitter: measurement 3's vector in every step, and what must not disturb it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rtp/jitter_stat.h"

static const uint32_t arrivals[] = {0, 160, 330, 480, 640, 880, 960, 1120, 1280, 1440};

static void test_vector(void **state)
{
	const uint32_t j[] = {0, 0, 0, 1, 1, 6, 10, 10, 9, 8}, j16[] = {0, 0, 10, 19, 18, 97, 171, 160, 150, 141};
	struct rln_jitter_stat s;
	double exact = 0, last = 0;

	(void)state;
	rln_jitter_stat_init(&s);
	for (uint32_t i = 0; i < 10; i++) {
		double transit = arrivals[i] - 160.0 * i;

		if (i)
			exact += (fabs(transit - last) - exact) / 16;
		last = transit;
		assert_int_equal(rln_jitter_stat_update(&s, arrivals[i], 160 * i), arrivals[i] - 160 * i);
		assert_int_equal(s.j16, j16[i]);
		assert_int_equal(rln_jitter_stat_rtp(&s), j[i]);
		assert_int_equal(rln_jitter_stat_has(&s), i > 0);
	}
	assert_true(fabs(exact - 8.8044) < 0.00005);
	assert_int_equal(s.j16_max, 171);
	assert_int_equal(rln_jitter_stat_us(s.j16_max, 8), 1335); /* 171/16 units of 125 us */
}

/* Where the clocks begin, and that both go round, changes nothing. */
static void test_origin_is_free(void **state)
{
	const uint32_t origin[] = {1, 0x7fffffff, 0x80000000, 0xffffff00, 0xffffffff};

	(void)state;
	for (unsigned o = 0; o < 25; o++) {
		struct rln_jitter_stat s;

		rln_jitter_stat_init(&s);
		for (uint32_t i = 0; i < 10; i++)
			rln_jitter_stat_update(&s, arrivals[i] + origin[o % 5], 160 * i + origin[o / 5]);
		assert_int_equal(s.j16, 141);
		assert_int_equal(s.j16_max, 171);
		assert_int_equal(rln_jitter_stat_pdv(&s, s.smallest + 80), 80);
		assert_int_equal(s.smallest, origin[o % 5] - origin[o / 5]);
	}
}

static void test_smallest_transit(void **state)
{
	struct rln_jitter_stat s;
	uint32_t transit;

	(void)state;
	rln_jitter_stat_init(&s);
	rln_jitter_stat_update(&s, 1000, 0);
	transit = rln_jitter_stat_update(&s, 1240, 160);
	assert_int_equal(rln_jitter_stat_pdv(&s, transit), 80);
	transit = rln_jitter_stat_update(&s, 1300, 320); /* 20 faster than the first */
	assert_int_equal(rln_jitter_stat_pdv(&s, transit), 0);
	assert_int_equal(s.smallest, 980);
}

/* What the receive stage does: the packets of a key press are left out, the next audio packet fits where it would have. */
static void test_event_left_out(void **state)
{
	struct rln_jitter_stat s, t;

	(void)state;
	rln_jitter_stat_init(&s);
	for (uint32_t i = 0; i < 50; i++) {
		bool event = i >= 20 && i < 40;

		if (!event)
			rln_jitter_stat_update(&s, 160 * i, 160 * i);
	}
	assert_int_equal(s.j16_max, 0);
	rln_jitter_stat_init(&t);
	for (uint32_t i = 0; i < 50; i++)
		rln_jitter_stat_update(&t, 160 * i, i >= 20 && i < 40 ? 3200 : 160 * i);
	assert_true(t.j16_max > 1000); /* this is what it would look like */
}

static void test_na_restart_and_ceiling(void **state)
{
	struct rln_jitter_stat s;

	(void)state;
	rln_jitter_stat_init(&s);
	assert_false(rln_jitter_stat_has(&s));
	rln_jitter_stat_update(&s, 5, 5);
	assert_false(rln_jitter_stat_has(&s)); /* one packet: n/a, not 0 */
	rln_jitter_stat_update(&s, 175, 165);
	assert_true(rln_jitter_stat_has(&s));
	assert_int_equal(s.j16, 10);
	rln_jitter_stat_restart(&s);
	rln_jitter_stat_update(&s, 0, 0x40000000); /* another timestamp base: nothing to compare with */
	assert_int_equal(s.j16, 10);
	rln_jitter_stat_update(&s, 160, 0x400000a0);
	assert_int_equal(s.j16, 9);
	for (unsigned i = 0; i < 100000; i++) /* hours to and fro: stays in its bits */
		rln_jitter_stat_update(&s, 0, i % 2 ? 0x70000000 : 0);
	assert_true(s.j16 <= RLN_JITTER_CEILING && s.j16_max <= RLN_JITTER_CEILING);
	assert_true(s.j16 > RLN_JITTER_CEILING / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_origin_is_free),
		cmocka_unit_test(test_smallest_transit),
		cmocka_unit_test(test_event_left_out),
		cmocka_unit_test(test_na_restart_and_ceiling),
	};

	return cmocka_run_group_tests_name("rtp_jitter_stat", tests, NULL, NULL);
}
