/* SPDX-License-Identifier: BSD-3-Clause */
/* The sine: exact in frequency, level and shape, whatever the frames. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "rtp/tone.h"

static void test_shape(void **state)
{
	const unsigned hz[] = {50, 440, 697, 1000, 1004, 3400, 3999};
	static int16_t pcm[8000];

	(void)state;
	for (unsigned f = 0; f < sizeof(hz) / sizeof(hz[0]); f++) {
		struct rln_tone tone;

		rln_tone_init(&tone, hz[f]);
		rln_tone_frame(&tone, pcm, 8000);
		for (unsigned i = 0; i < 8000; i++) {
			double want = RLN_TONE_PEAK * sin(2 * M_PI * ((double)hz[f] * i / 8000));

			assert_true(fabs(pcm[i] - want) <= 0.6);
		}
		assert_int_equal(tone.phase, 0); /* a second is a whole number of turns */
	}
}

static void test_level(void **state)
{
	static int16_t pcm[8000];
	struct rln_tone tone;
	double power = 0;

	(void)state;
	rln_tone_init(&tone, 1004);
	rln_tone_frame(&tone, pcm, 8000);
	for (unsigned i = 0; i < 8000; i++)
		power += (double)pcm[i] * pcm[i] / 8000;
	/* Full scale is +3.14 dBm0. */
	assert_true(fabs(10 * log10(power / (32768.0 * 32768 / 2)) + 3.14 + 10) < 0.01);
}

static void test_no_drift_over_hours(void **state)
{
	struct rln_tone tone;
	int16_t first[160], pcm[160];

	(void)state;
	rln_tone_init(&tone, 1000);
	rln_tone_frame(&tone, first, 160);
	for (unsigned i = 0; i < 2 * 180000; i++) /* two hours of 20 ms */
		rln_tone_frame(&tone, pcm, 160);
	assert_memory_equal(first, pcm, sizeof(pcm));
}

static void test_frames_join(void **state)
{
	int16_t whole[480], parts[480];
	struct rln_tone a, b;

	(void)state;
	rln_tone_init(&a, 1633);
	rln_tone_init(&b, 1633);
	rln_tone_frame(&a, whole, 480);
	for (unsigned at = 0, n = 1; at < 480; at += n, n = n * 2 < 480 - at ? n * 2 : 480 - at)
		rln_tone_frame(&b, parts + at, n);
	assert_memory_equal(whole, parts, sizeof(whole));
	rln_tone_init(&a, 0);
	rln_tone_frame(&a, whole, 480);
	for (unsigned i = 0; i < 480; i++)
		assert_int_equal(whole[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_no_drift_over_hours),
		cmocka_unit_test(test_frames_join),
	};

	return cmocka_run_group_tests_name("rtp_tone", tests, NULL, NULL);
}
