/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HdrHistogram's counters (Gil Tene): 2,048 of 1 us each, then 21 more halves of 1,024 whose width doubles each time, which keeps
 * every value within 1/1,024 of its counter's. 2,048 << 21 = 4,294,967,296 us is the first power that holds 3,600 s.
 */
#include "lcore/hist.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "lcore/heap.h"

#define SUB_BITS 11
#define SUB_HALF (1u << (SUB_BITS - 1))
#define BUCKETS  22
#define COUNTERS ((BUCKETS + 1) * SUB_HALF)
#define HIGHEST  3600000000ull

_Static_assert(COUNTERS == 23552, "measurement.md 1");
_Static_assert((2048ull << (BUCKETS - 1)) > HIGHEST && (2048ull << (BUCKETS - 2)) <= HIGHEST, "no counter in vain");

struct rln_hist { /* owner: one recording thread; relaxed, so that others may read */
	uint64_t max, clamped;
	uint64_t counts[COUNTERS];
};

int rln_hist_create(struct rln_hist **out)
{
	struct rln_hist *h = rln_zalloc(sizeof(*h));

	if (!h)
		return -ENOMEM;
	*out = h;
	return 0;
}

void rln_hist_destroy(struct rln_hist *hist)
{
	rln_free(hist);
}

static uint64_t load(const uint64_t *v)
{
	return __atomic_load_n(v, __ATOMIC_RELAXED);
}

static void add(uint64_t *v, uint64_t n)
{
	__atomic_store_n(v, load(v) + n, __ATOMIC_RELAXED);
}

/* Bucket b > 0 uses the upper half of 2,048 counters of width 1 << b; its lower half is bucket b - 1. */
static uint32_t index_of(uint64_t us)
{
	unsigned bucket = 63 - (unsigned)__builtin_clzll(us | (2 * SUB_HALF - 1)) - (SUB_BITS - 1);

	return bucket * SUB_HALF + (uint32_t)(us >> bucket);
}

static unsigned bucket_of(uint32_t index)
{
	return index < 2 * SUB_HALF ? 0 : index / SUB_HALF - 1;
}

static uint64_t lowest(uint32_t index)
{
	unsigned bucket = bucket_of(index);

	return (uint64_t)(index - bucket * SUB_HALF) << bucket;
}

static uint64_t highest(uint32_t index)
{
	return lowest(index) + (1ull << bucket_of(index)) - 1;
}

void rln_hist_record(struct rln_hist *hist, uint64_t us)
{
	if (us > HIGHEST) {
		us = HIGHEST;
		add(&hist->clamped, 1);
	}
	if (us > hist->max)
		__atomic_store_n(&hist->max, us, __ATOMIC_RELAXED);
	add(&hist->counts[index_of(us)], 1);
}

void rln_hist_reset(struct rln_hist *hist)
{
	__atomic_store_n(&hist->max, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&hist->clamped, 0, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < COUNTERS; i++)
		__atomic_store_n(&hist->counts[i], 0, __ATOMIC_RELAXED);
}

void rln_hist_merge(struct rln_hist *to, const struct rln_hist *from)
{
	uint64_t max = load(&from->max);

	if (max > to->max)
		__atomic_store_n(&to->max, max, __ATOMIC_RELAXED);
	add(&to->clamped, load(&from->clamped));
	for (uint32_t i = 0; i < COUNTERS; i++) {
		uint64_t n = load(&from->counts[i]);

		if (n)
			add(&to->counts[i], n);
	}
}

void rln_hist_interval(struct rln_hist *to, const struct rln_hist *now, const struct rln_hist *before)
{
	uint64_t max = 0;

	for (uint32_t i = 0; i < COUNTERS; i++) {
		to->counts[i] = now->counts[i] - before->counts[i];
		if (to->counts[i])
			max = highest(i); /* when the whole run's maximum is older, the interval's is known to the counter only */
	}
	to->max = max < now->max ? max : now->max;
	to->clamped = now->clamped - before->clamped;
}

/* The sum of the counters, not a total kept beside them: a snapshot of a live histogram must agree with itself. */
uint64_t rln_hist_count(const struct rln_hist *hist)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < COUNTERS; i++)
		sum += load(&hist->counts[i]);
	return sum;
}

uint64_t rln_hist_clamped(const struct rln_hist *hist)
{
	return load(&hist->clamped);
}

bool rln_hist_percentile(const struct rln_hist *hist, double percent, uint64_t *us)
{
	uint64_t count = rln_hist_count(hist);
	uint64_t wanted, seen = 0;

	if (count == 0 || percent < 0 || percent > 100)
		return false;
	if (percent == 100) {
		*us = load(&hist->max);
		return true;
	}
	/* The tolerances are for 99.9 and its like, which binary fractions miss by some 1e-16. */
	if ((double)count * (100 - percent) < 100 - 1e-6)
		return false;
	wanted = (uint64_t)ceil(percent / 100 * (double)count - 1e-6);
	if (wanted == 0)
		wanted = 1;
	for (uint32_t i = 0; i < COUNTERS; i++) {
		seen += load(&hist->counts[i]);
		if (seen < wanted)
			continue;
		*us = highest(i) < load(&hist->max) ? highest(i) : load(&hist->max);
		return true;
	}
	return false;
}

bool rln_hist_mean(const struct rln_hist *hist, double *us)
{
	double sum = 0;
	uint64_t count = 0;

	for (uint32_t i = 0; i < COUNTERS; i++) {
		uint64_t n = load(&hist->counts[i]);

		if (n == 0)
			continue;
		count += n;
		sum += (double)n * (double)(lowest(i) + (1ull << bucket_of(i)) / 2);
	}
	if (count == 0)
		return false;
	*us = sum / (double)count;
	return true;
}

bool rln_hist_next(const struct rln_hist *hist, uint32_t *cursor, uint64_t *us, uint64_t *count)
{
	for (uint32_t i = *cursor; i < COUNTERS; i++) {
		*count = load(&hist->counts[i]);
		if (*count == 0)
			continue;
		*us = highest(i);
		*cursor = i + 1;
		return true;
	}
	*cursor = COUNTERS;
	return false;
}

double rln_hist_share_at(const struct rln_hist *hist, uint64_t us)
{
	uint64_t count = rln_hist_count(hist);
	uint64_t below = 0;

	if (count == 0)
		return -1;
	if (us > HIGHEST)
		us = HIGHEST;
	for (uint32_t i = 0; i <= index_of(us); i++)
		below += load(&hist->counts[i]);
	return 100.0 * (double)below / (double)count;
}
