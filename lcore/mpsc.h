/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bounded ring from any number of threads to one (after Vyukov): events of application threads, log lines. A cell's sequence
 * number says whose turn it is; a producer claims a cell, fills it in place and publishes it, and never waits for another:
 * one that is preempted between the two holds up the reader at its cell, and nobody else. Rejected: rte_ring's RTS mode, in
 * which a producer spins when another is far behind, and whose mixed 32- and 64-bit atomics no thread sanitizer follows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rln_mpsc_cell { /* first in each cell */
	uint64_t sequence; /* less by the cell's index than whose turn it is: static zeroes are a valid empty ring */
};

struct rln_mpsc {
	uint64_t head __attribute__((aligned(64))); /* producers */
	uint64_t tail __attribute__((aligned(64))); /* the reader writes, any may read */
	/* constant */
	uint8_t *cells __attribute__((aligned(64)));
	uint32_t size; /* cells, a power of two; all usable */
	uint32_t stride;
};

static inline struct rln_mpsc_cell *rln_mpsc_cell(const struct rln_mpsc *ring, uint64_t position)
{
	return (struct rln_mpsc_cell *)(ring->cells + (size_t)(position & (ring->size - 1)) * ring->stride);
}

/* At `position` it is the turn of the producer that claims it, at position + 1 the reader's. */
static inline uint64_t rln_mpsc_turn(const struct rln_mpsc *ring, uint64_t position)
{
	return __atomic_load_n(&rln_mpsc_cell(ring, position)->sequence, __ATOMIC_ACQUIRE) + (position & (ring->size - 1));
}

static inline void rln_mpsc_give(struct rln_mpsc *ring, uint64_t position, uint64_t turn)
{
	__atomic_store_n(&rln_mpsc_cell(ring, position)->sequence, turn - (position & (ring->size - 1)), __ATOMIC_RELEASE);
}

/* A cell to fill, NULL when the ring is full; then rln_mpsc_publish() with the same position. Any thread. */
static inline void *rln_mpsc_claim(struct rln_mpsc *ring, uint64_t *position)
{
	uint64_t at = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);

	for (;;) {
		int64_t ahead = (int64_t)(rln_mpsc_turn(ring, at) - at);

		if (ahead < 0)
			return NULL;
		if (ahead > 0) /* another producer was faster */
			at = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
		else if (__atomic_compare_exchange_n(&ring->head, &at, at + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			break;
	}
	*position = at;
	return rln_mpsc_cell(ring, at);
}

static inline void rln_mpsc_publish(struct rln_mpsc *ring, uint64_t position)
{
	rln_mpsc_give(ring, position, position + 1);
}

/* The oldest cell, NULL when there is none; valid until rln_mpsc_drop(). The reader. */
static inline void *rln_mpsc_peek(struct rln_mpsc *ring)
{
	return rln_mpsc_turn(ring, ring->tail) == ring->tail + 1 ? rln_mpsc_cell(ring, ring->tail) : NULL;
}

static inline void rln_mpsc_drop(struct rln_mpsc *ring)
{
	rln_mpsc_give(ring, ring->tail, ring->tail + ring->size);
	__atomic_store_n(&ring->tail, ring->tail + 1, __ATOMIC_RELAXED);
}

/* Cells that are claimed or filled. Any thread; a snapshot. */
static inline uint32_t rln_mpsc_count(const struct rln_mpsc *ring)
{
	uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	uint64_t waiting = __atomic_load_n(&ring->head, __ATOMIC_RELAXED) - tail;

	return waiting > ring->size ? ring->size : (uint32_t)waiting;
}
