/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues of 64-byte elements: see fifo.h. */
#include "lcore/fifo.h"

#include <errno.h>
#include <string.h>

#include <rte_ring_elem.h>

#include "lcore/heap.h"

int rln_fifo_init(struct rln_fifo *fifo, uint32_t initial, uint32_t max)
{
	memset(fifo, 0, sizeof(*fifo));
	fifo->max = max;
	if (initial == 0)
		return 0;
	fifo->elems = rln_alloc_aligned(RLN_ELEM, (size_t)initial * RLN_ELEM);
	if (!fifo->elems)
		return -ENOMEM;
	fifo->room = initial;
	return 0;
}

void rln_fifo_fini(struct rln_fifo *fifo)
{
	rln_free(fifo->elems);
	memset(fifo, 0, sizeof(*fifo));
}

static uint8_t *elem_at(const struct rln_fifo *f, uint32_t position)
{
	return f->elems + (size_t)(position & (f->room - 1)) * RLN_ELEM;
}

static bool grow(struct rln_fifo *f)
{
	struct rln_fifo bigger = *f;

	bigger.room = f->room ? f->room * 2 : 64;
	if (bigger.room > f->max)
		return false;
	bigger.elems = rln_alloc_aligned(RLN_ELEM, (size_t)bigger.room * RLN_ELEM);
	if (!bigger.elems)
		return false;
	for (uint32_t i = f->head; i != f->tail; i++)
		memcpy(elem_at(&bigger, i), elem_at(f, i), RLN_ELEM);
	rln_free(f->elems);
	f->elems = bigger.elems;
	f->room = bigger.room;
	return true;
}

bool rln_fifo_push(struct rln_fifo *fifo, const void *elem)
{
	if (fifo->tail - fifo->head == fifo->room && !grow(fifo))
		return false;
	memcpy(elem_at(fifo, fifo->tail), elem, RLN_ELEM);
	__atomic_store_n(&fifo->tail, fifo->tail + 1, __ATOMIC_RELAXED);
	return true;
}

void *rln_fifo_peek(const struct rln_fifo *fifo)
{
	return fifo->tail == fifo->head ? NULL : elem_at(fifo, fifo->head);
}

void rln_fifo_drop(struct rln_fifo *fifo)
{
	__atomic_store_n(&fifo->head, fifo->head + 1, __ATOMIC_RELAXED);
}

struct rte_ring *rln_ring_new(uint32_t size, unsigned flags)
{
	ssize_t bytes = size >= 2 && (size & (size - 1)) == 0 ? rte_ring_get_memsize_elem(RLN_ELEM, size) : -EINVAL;
	struct rte_ring *ring;

	if (bytes < 0) {
		errno = EINVAL;
		return NULL;
	}
	ring = rln_alloc_aligned(RTE_CACHE_LINE_SIZE, (size_t)bytes);
	if (ring && rte_ring_init(ring, "ringlane", size, flags) < 0) {
		rln_ring_free(ring);
		errno = EINVAL;
		return NULL;
	}
	return ring;
}

void rln_ring_free(struct rte_ring *ring)
{
	rln_free(ring);
}

uint32_t rln_ring_count(const struct rte_ring *ring)
{
	uint32_t out = __atomic_load_n(&ring->cons.tail, __ATOMIC_ACQUIRE);
	uint32_t waiting = __atomic_load_n(&ring->prod.tail, __ATOMIC_RELAXED) - out;

	return waiting > ring->capacity ? ring->capacity : waiting;
}

bool rln_ring_is_full(const struct rte_ring *ring)
{
	return rln_ring_count(ring) == ring->capacity;
}
