/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One clock for the process: the TSC, whose rate we measure ourselves against CLOCK_MONOTONIC_RAW, because EAL's
 * rte_get_tsc_hz() rounds to 10 MHz and can be wrong by 0.2 % (37 us in a 20 ms tick). Times are ns since rln_clock_init().
 */
#pragma once

#include <stdint.h>

/* Measures the rate for 100 ms (once per process; later calls do nothing). Main thread. */
void rln_clock_init(void);
/* Now in ns. Any thread, ~10 ns. */
uint64_t rln_clock_ns(void);
uint64_t rln_clock_tsc(void);
uint64_t rln_clock_tsc_to_ns(uint64_t tsc);
double rln_clock_hz(void);
/*
 * Measures again over the time since init and returns the drift of the first measurement in ppm; keeps the better rate without
 * a jump. Housekeeping, one thread.
 */
double rln_clock_refine(void);
/* UTC in ns since 1970 of a clock time; for display only. */
uint64_t rln_clock_utc_ns(uint64_t ns);
/* NTP timestamp (RFC 5905 short epoch 1900), 32.32, of a clock time; for RTCP SR. */
uint64_t rln_clock_ntp(uint64_t ns);

#define RLN_MS 1000000ull
#define RLN_SEC 1000000000ull

#define RLN_CLOCK_NEVER UINT64_MAX

/* When a wait of `timeout_ms` from now ends; negative: never. */
static inline uint64_t rln_clock_end_ns(int timeout_ms)
{
	return timeout_ms < 0 ? RLN_CLOCK_NEVER : rln_clock_ns() + (uint64_t)timeout_ms * RLN_MS;
}

/* How long it may last yet, as poll() takes it: rounded up, 0 once it is over, -1 for ever. */
static inline int rln_clock_left_ms(uint64_t end_ns)
{
	uint64_t now = rln_clock_ns();

	if (end_ns == RLN_CLOCK_NEVER)
		return -1;
	return now < end_ns ? (int)((end_ns - now + RLN_MS - 1) / RLN_MS) : 0;
}
