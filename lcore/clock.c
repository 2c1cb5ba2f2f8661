/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TSC to ns. A rate is {start of the TSC, start in ns, ns per cycle as 24.40 fixed point}. A better rate is written into the
 * next entry of a small array and published by its index, so readers never wait and never see a torn one: an entry is written
 * again only after 63 more refinements, minutes apart.
 */
#include "lcore/clock.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#define SHIFT       40
#define RATES       64
#define MEASURE_NS  (100 * RLN_MS)
#define NTP_TO_UNIX 2208988800ull /* 1900 to 1970, RFC 868 */

struct sample { /* one moment on both clocks */
	uint64_t tsc, raw_ns;
};

struct rate {
	uint64_t tsc0, ns0, mult;
};

/* owner: main thread during init, then the housekeeping thread that refines; everybody reads rates[current] */
static struct rate rates[RATES];
static unsigned current;
static struct sample origin;
static uint64_t utc0_ns;
static double hz, first_hz;

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * RLN_SEC + (uint64_t)t.tv_nsec;
}

uint64_t rln_clock_tsc(void)
{
	return rte_rdtsc();
}

/* Both clocks at the same moment: of a few tries the one that was interrupted least. */
static struct sample take_sample(void)
{
	struct sample best = {0};
	uint64_t best_width = UINT64_MAX;

	for (int i = 0; i < 20; i++) {
		uint64_t before = rte_rdtsc_precise();
		uint64_t raw = clock_ns(CLOCK_MONOTONIC_RAW);
		uint64_t width = rte_rdtsc_precise() - before;

		if (width < best_width) {
			best_width = width;
			best = (struct sample){before + width / 2, raw};
		}
	}
	return best;
}

static double rate_between(const struct sample *a, const struct sample *b)
{
	return (double)(b->tsc - a->tsc) * 1e9 / (double)(b->raw_ns - a->raw_ns);
}

static uint64_t mult_of(double rate_hz)
{
	return (uint64_t)(1e9 / rate_hz * (double)(1ull << SHIFT) + 0.5);
}

static uint64_t convert(const struct rate *r, uint64_t tsc)
{
	/* Signed: a TSC read just before a rate was published may be older than that rate. */
	return r->ns0 + (uint64_t)(int64_t)((__int128)(int64_t)(tsc - r->tsc0) * (int64_t)r->mult >> SHIFT);
}

void rln_clock_init(void)
{
	struct sample end;

	if (hz != 0)
		return;
	origin = take_sample();
	do
		end = take_sample();
	while (end.raw_ns - origin.raw_ns < MEASURE_NS);
	first_hz = hz = rate_between(&origin, &end);
	rates[0] = (struct rate){origin.tsc, 0, mult_of(hz)};
	__atomic_store_n(&current, 0, __ATOMIC_RELEASE);
	utc0_ns = clock_ns(CLOCK_REALTIME) - rln_clock_ns();
}

uint64_t rln_clock_tsc_to_ns(uint64_t tsc)
{
	return convert(&rates[__atomic_load_n(&current, __ATOMIC_ACQUIRE)], tsc);
}

uint64_t rln_clock_ns(void)
{
	/* The rate first: a TSC read after it is not older than the rate's start but for speculation, which convert() bears. */
	const struct rate *r = &rates[__atomic_load_n(&current, __ATOMIC_ACQUIRE)];

	return convert(r, rte_rdtsc());
}

double rln_clock_hz(void)
{
	double now;

	__atomic_load(&hz, &now, __ATOMIC_RELAXED);
	return now;
}

double rln_clock_refine(void)
{
	struct sample now = take_sample();
	double better = rate_between(&origin, &now);
	unsigned next = (current + 1) % RATES;

	rates[next] = (struct rate){now.tsc, convert(&rates[current], now.tsc), mult_of(better)};
	__atomic_store_n(&current, next, __ATOMIC_RELEASE);
	__atomic_store(&hz, &better, __ATOMIC_RELAXED);
	return (first_hz - better) / better * 1e6;
}

uint64_t rln_clock_utc_ns(uint64_t ns)
{
	return utc0_ns + ns;
}

uint64_t rln_clock_ntp(uint64_t ns)
{
	uint64_t utc = rln_clock_utc_ns(ns);
	uint64_t fraction = ((utc % RLN_SEC) << 32) / RLN_SEC;

	return (utc / RLN_SEC + NTP_TO_UNIX) << 32 | fraction;
}
