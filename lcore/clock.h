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
