/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Histograms of microseconds in the HdrHistogram layout: 1 us to 3,600 s, 3 significant digits, 23,552 counters, 184 KiB.
 * One per lcore and metric, never per call. Percentiles are never averaged: histograms are merged, and the
 * merged one is asked (measurement.md 1).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rln_hist; /* owner: one thread records; any thread may merge from it while it does */

/* Zeroed. 0 or -ENOMEM. */
int rln_hist_create(struct rln_hist **out) __attribute__((warn_unused_result));
void rln_hist_destroy(struct rln_hist *hist);

/* Values above 3,600 s count as 3,600 s (and rln_hist_clamped() says how many there were). Owner. Never allocates, ~5 ns. */
void rln_hist_record(struct rln_hist *hist, uint64_t us);
void rln_hist_reset(struct rln_hist *hist);
/* Adds a snapshot of `from`, which another thread may be recording into. Owner of `to`. */
void rln_hist_merge(struct rln_hist *to, const struct rln_hist *from);
/* to = now - before, where `before` is an older snapshot of `now`: an interval. All three belong to the caller. */
void rln_hist_interval(struct rln_hist *to, const struct rln_hist *now, const struct rln_hist *before);

uint64_t rln_hist_count(const struct rln_hist *hist);
uint64_t rln_hist_clamped(const struct rln_hist *hist);
/* Value below or at which `percent` of the samples lie (the highest value that its counter stands for). False, "n/a", when
 * there are fewer than 1 / (1 - percent/100) samples; 100 gives the exact maximum and needs one. */
bool rln_hist_percentile(const struct rln_hist *hist, double percent, uint64_t *us);
/* Mean of the counters' middle values, as HdrHistogram computes it. False when empty. */
bool rln_hist_mean(const struct rln_hist *hist, double *us);
/* Walk over counters that are not zero: start with *cursor = 0; false at the end. `us` is the highest value of the counter. */
bool rln_hist_next(const struct rln_hist *hist, uint32_t *cursor, uint64_t *us, uint64_t *count);
/* For drawing and export: share of samples at or below `us`, in percent; -1 when empty. */
double rln_hist_share_at(const struct rln_hist *hist, uint64_t us);
