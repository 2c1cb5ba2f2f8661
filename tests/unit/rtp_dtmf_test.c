/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 4733 digits: one per key press, whatever is lost, copied, late or without a marker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lcore/clock.h"
#include "rtp/dtmf.h"

static struct rln_dtmf_rx rx;
static char got[64];
static unsigned got_ms[64], got_n;
static uint64_t now;

static int begin(void **state)
{
	(void)state;
	memset(&rx, 0, sizeof(rx));
	memset(got, 0, sizeof(got));
	got_n = 0;
	now = RLN_SEC;
	return 0;
}

static void take(const struct rln_dtmf_digit *digits, unsigned n)
{
	for (unsigned i = 0; i < n; i++, got_n++) {
		got[got_n] = digits[i].digit;
		got_ms[got_n] = digits[i].duration_ms;
	}
}

static void packet(uint8_t event, uint32_t ts, unsigned duration, bool end)
{
	const uint8_t p[4] = {event, (uint8_t)(end ? 0x8a : 0x0a), (uint8_t)(duration >> 8), (uint8_t)duration};
	struct rln_dtmf_digit out[2];

	now += 20 * RLN_MS;
	take(out, rln_dtmf_rx_packet(&rx, p, 4, ts, 8, now, out));
}

static void press(uint8_t event, uint32_t ts, unsigned ms, unsigned ends)
{
	for (unsigned at = 20; at < ms; at += 20)
		packet(event, ts, at * 8, false);
	for (unsigned i = 0; i < ends; i++)
		packet(event, ts, ms * 8, true);
}

static void idle(unsigned ms)
{
	struct rln_dtmf_digit out;

	now += ms * RLN_MS;
	if (rln_dtmf_rx_expire(&rx, 8, now, &out))
		take(&out, 1);
}

static void test_all_digits(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++)
		press((uint8_t)i, 10000 + i * 2000, 100, 3);
	assert_string_equal(got, "0123456789*#ABCD");
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(got_ms[i], 100);
	assert_false(rln_dtmf_rx_is_down(&rx));
}

static void test_any_packet_may_be_lost(void **state)
{
	/* One press of 4 updates and 3 ends; every subset of the seven that is not empty gives one digit. */
	for (unsigned kept = 1; kept < 128; kept++) {
		begin(state);
		for (unsigned i = 0; i < 7; i++)
			if (kept >> i & 1)
				packet(5, 800, i < 4 ? (i + 1) * 160 : 800, i >= 4);
		idle(RLN_DTMF_SILENCE_MS);
		idle(1000);
		assert_string_equal(got, "5");
		if (kept >> 4)
			assert_int_equal(got_ms[0], 100);
	}
}

static void test_lost_ends_shown_by_the_next(void **state)
{
	(void)state;
	press(1, 1000, 100, 0);
	press(1, 3000, 100, 0); /* the same key again, after a pause */
	assert_string_equal(got, "1");
	packet(2, 6000, 800, true); /* all that came of it is its end: two press at once */
	assert_string_equal(got, "112");
	assert_int_equal(got_ms[0], 80);
	assert_int_equal(got_ms[2], 100);
}

static void test_out_of_order(void **state)
{
	(void)state;
	packet(7, 1000, 160, false);
	packet(7, 1000, 480, false);
	packet(7, 1000, 320, false); /* overtaken: the duration does not shrink */
	packet(7, 1000, 640, true);
	packet(7, 1000, 560, false); /* overtaken by the end */
	packet(7, 1000, 640, true);
	packet(8, 3000, 160, false);
	packet(7, 1000, 640, true); /* a late copy of an event that is over */
	packet(8, 3000, 320, true);
	assert_string_equal(got, "78");
	assert_int_equal(got_ms[0], 80);
}

static void test_long_press_in_segments(void **state)
{
	(void)state;
	/* 20 s: three segments, no E and no marker at the borders (RFC 4733 2.5.1.3) */
	for (unsigned d = 400; d <= 65200; d += 400)
		packet(9, 5000, d, false);
	packet(9, 5000, 65535, false);
	for (unsigned d = 400; d <= 65200; d += 400)
		packet(9, 5000 + 65535, d, false);
	packet(9, 5000 + 65535, 65535, false);
	for (unsigned d = 400; d < 28930; d += 400)
		packet(9, 5000 + 2 * 65535, d, false);
	packet(9, 5000 + 2 * 65535, 28930, true);
	packet(9, 5000 + 2 * 65535, 28930, true);
	assert_string_equal(got, "9");
	assert_int_equal(got_ms[0], 20000);
	/* Longer than the figure holds */
	begin(state);
	for (uint32_t s = 0; s < 10; s++)
		packet(9, s * 65535, 65535, s == 9);
	assert_string_equal(got, "9");
	assert_int_equal(got_ms[0], 65535);
}

/* Senders that move the timestamp along with each update. */
static void test_moving_timestamp(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		packet(3, 1000 + i * 160, 160, false);
	packet(3, 1800, 160, true);
	assert_string_equal(got, "3");
	assert_int_equal(got_ms[0], 120);
}

static void test_same_key_twice(void **state)
{
	(void)state;
	press(4, 1000, 60, 3);
	press(4, 1000 + 480, 60, 3); /* even at once: there was an E between */
	assert_string_equal(got, "44");
}

static void test_timestamp_wraps(void **state)
{
	(void)state;
	press(1, 0xffffff00, 100, 3);
	press(2, 0x00000400, 100, 3);
	assert_string_equal(got, "12");
	/* A sender that starts anew far back is not taken for a late packet */
	press(3, 0x00000400 - 200000, 100, 3);
	assert_string_equal(got, "123");
}

static void test_not_digits(void **state)
{
	struct rln_dtmf_digit out[2];

	(void)state;
	press(16, 1000, 100, 3); /* flash */
	press(255, 3000, 100, 3);
	for (unsigned len = 0; len < 4; len++)
		assert_int_equal(rln_dtmf_rx_packet(&rx, (const uint8_t *)"\x01\x8a\x03", len, 9, 8, now, out), 0);
	idle(10000);
	assert_string_equal(got, "");
}

static void test_expire_and_flush(void **state)
{
	struct rln_dtmf_digit out;

	(void)state;
	packet(6, 1000, 160, false);
	idle(RLN_DTMF_SILENCE_MS - 1);
	assert_string_equal(got, "");
	idle(1);
	assert_string_equal(got, "6");
	packet(6, 1000, 320, true); /* its end after all: told already */
	assert_string_equal(got, "6");
	packet(6, 9000, 160, false);
	assert_true(rln_dtmf_rx_is_down(&rx));
	assert_true(rln_dtmf_rx_flush(&rx, 8, &out));
	assert_int_equal(out.digit, '6');
	assert_int_equal(out.duration_ms, 20);
	assert_false(rln_dtmf_rx_flush(&rx, 8, &out));
	press(7, 500, 60, 1); /* another source with older timestamps */
	assert_string_equal(got, "67");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_all_digits, begin),
		cmocka_unit_test_setup(test_any_packet_may_be_lost, begin),
		cmocka_unit_test_setup(test_lost_ends_shown_by_the_next, begin),
		cmocka_unit_test_setup(test_out_of_order, begin),
		cmocka_unit_test_setup(test_long_press_in_segments, begin),
		cmocka_unit_test_setup(test_moving_timestamp, begin),
		cmocka_unit_test_setup(test_same_key_twice, begin),
		cmocka_unit_test_setup(test_timestamp_wraps, begin),
		cmocka_unit_test_setup(test_not_digits, begin),
		cmocka_unit_test_setup(test_expire_and_flush, begin),
	};

	return cmocka_run_group_tests_name("rtp_dtmf", tests, NULL, NULL);
}
