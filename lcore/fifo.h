/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues of 64-byte elements (events, file messages). A fifo stands within one thread; a ring of DPDK's stands between two.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rte_ring;

#define RLN_ELEM 64u

struct rln_fifo {          /* owner: one thread; others may read rln_fifo_count() */
	uint8_t *elems;    /* `room` of them; room is a power of two or 0 */
	uint32_t room, max;
	uint32_t head, tail; /* free running; tail - head are waiting */
};

/* Room for `initial` elements now, growing (control side only: it allocates) up to `max`. Both powers of two. 0 or -ENOMEM. */
int rln_fifo_init(struct rln_fifo *fifo, uint32_t initial, uint32_t max) __attribute__((warn_unused_result));
void rln_fifo_fini(struct rln_fifo *fifo);
/* False when full, or when it could not grow. */
bool rln_fifo_push(struct rln_fifo *fifo, const void *elem) __attribute__((warn_unused_result));
/* The oldest element, NULL when empty; valid until the next push or drop. */
void *rln_fifo_peek(const struct rln_fifo *fifo);
/* Removes the oldest. */
void rln_fifo_drop(struct rln_fifo *fifo);

/* Any thread; a snapshot. */
static inline uint32_t rln_fifo_count(const struct rln_fifo *fifo)
{
	uint32_t head = __atomic_load_n(&fifo->head, __ATOMIC_ACQUIRE);
	int32_t waiting = (int32_t)(__atomic_load_n(&fifo->tail, __ATOMIC_RELAXED) - head);

	return waiting > 0 ? (uint32_t)waiting : 0;
}

/* A ring of `size` elements (a power of two; one less is usable) in our own memory, so that no EAL name is taken. NULL with errno. */
struct rte_ring *rln_ring_new(uint32_t size, unsigned flags);
void rln_ring_free(struct rte_ring *ring);
/* Elements in a ring: like rte_ring_count(), with loads that a thread sanitizer understands. Any thread; a snapshot. */
uint32_t rln_ring_count(const struct rte_ring *ring);
bool rln_ring_is_full(const struct rte_ring *ring);
