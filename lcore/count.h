/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters: one writer per endpoint, relaxed; readers add them up (count.def is the list).
 * Workers pass their own struct on the hot path; elsewhere rln_count() finds the calling thread's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum rln_counter {
#define X(name, group, meaning) RLN_C_##name,
#include "lcore/count.def"
#undef X
	RLN_C_COUNT
};

enum rln_count_group { RLN_G_RX, RLN_G_HANDOFF_IN, RLN_G_HANDOFF_OUT, RLN_G_EATEN, RLN_G_DROP, RLN_G_OUT, RLN_G_SENT, RLN_G_TXDROP, RLN_G_OTHER };

struct rln_counts { /* owner: one endpoint; others read */
	uint64_t v[RLN_C_COUNT];
} __attribute__((aligned(64)));

static inline void rln_counts_add(struct rln_counts *c, enum rln_counter counter, uint64_t n)
{
	__atomic_store_n(&c->v[counter], __atomic_load_n(&c->v[counter], __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* The counts of an endpoint (bus.h); application threads share one and add atomically. Never NULL. */
struct rln_counts *rln_counts_of(unsigned endpoint);
/* One more on the calling thread's counters. */
void rln_count(enum rln_counter counter);
/* Sum over all endpoints; a snapshot. Any thread. */
uint64_t rln_count_total(enum rln_counter counter);
const char *rln_count_name(enum rln_counter counter);    /* "drop_rtp_short" */
const char *rln_count_meaning(enum rln_counter counter);
enum rln_count_group rln_count_group(enum rln_counter counter);
/* Sum of a group over one endpoint's counters. */
uint64_t rln_counts_group(const struct rln_counts *c, enum rln_count_group group);
/* Zero, for tests. */
void rln_counts_reset(void);
