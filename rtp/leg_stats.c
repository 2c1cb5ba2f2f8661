/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sequence lock around a leg's statistics. Every word is copied by relaxed atomics, because a reader may overlap a write
 * that the lock then makes it throw away; plain copies would be a data race in C11's eyes.
 */
#include "rtp/leg_stats.h"

#include <stddef.h>

typedef uint64_t __attribute__((may_alias)) word; /* fields of other types are copied through it */

#define WORDS (sizeof(struct rln_leg_stats) / sizeof(word))
_Static_assert(sizeof(struct rln_leg_stats) % sizeof(word) == 0, "copied by words");

void rln_leg_stats_publish(struct rln_leg_stats_cell *cell, uint64_t media_id, const struct rln_leg_stats *stats)
{
	const word *from = (const word *)stats;
	word *to = (word *)&cell->stats;
	size_t i;

	/* Exchanges order the stores after them as a release store would not. */
	__atomic_exchange_n(&cell->lock, cell->lock + 1, __ATOMIC_ACQ_REL);
	__atomic_store_n(&cell->media_id, media_id, __ATOMIC_RELAXED);
	for (i = 0; i < WORDS; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
	__atomic_store_n(&cell->lock, cell->lock + 1, __ATOMIC_RELEASE);
}

bool rln_leg_stats_read(const struct rln_leg_stats_cell *cell, uint64_t media_id, struct rln_leg_stats *out)
{
	const word *from = (const word *)&cell->stats;
	word *to = (word *)out;
	uint64_t whose;
	uint32_t lock;
	size_t i;

	do {
		while ((lock = __atomic_load_n(&cell->lock, __ATOMIC_ACQUIRE)) & 1)
			;
		whose = __atomic_load_n(&cell->media_id, __ATOMIC_RELAXED);
		/* Acquire loads keep the look at the lock below after them. */
		for (i = 0; i < WORDS; i++)
			to[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&cell->lock, __ATOMIC_RELAXED) != lock);
	return whose == media_id && media_id != 0;
}
