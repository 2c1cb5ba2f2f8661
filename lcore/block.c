/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Block pools: per class an array of headers, an array of data, and a stack of free indices.
 *
 * The stack is Treiber's with a tag against ABA: lock-free, so a thread that was preempted between two steps holds up
 * nobody (threads that allocate and free can share a CPU), and last in, first out, so a quiet system stays in warm lines
 * and touches few pages. Rejected: an rte_mempool (EAL memory and a process-wide name for what two arrays do) and an RTS
 * ring of indices (walks through the whole pool, touching all of it).
 * A handle is {class:2, index:17, generation:13}; the generation moves when the block is freed and is never 0.
 */
#include "lcore/block_priv.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lcore/count.h"
#include "lcore/heap.h"

#define GENERATION_BITS 13
#define GENERATION_MAX  ((1u << GENERATION_BITS) - 1)
#define INDEX_BITS      17
#define CLASS_SHIFT     (GENERATION_BITS + INDEX_BITS)
#define NONE            UINT32_MAX
#define TRACE_BLOCKS    256

enum class { SMALL, LARGE, TRACE, CLASSES };

struct header {              /* owner: whoever holds the block; the stack while it is free */
	uint32_t next;       /* index of the next free block */
	uint16_t generation; /* anybody may compare it */
	uint16_t refs;
};

struct pool {
	uint64_t head __attribute__((aligned(64))); /* tag:32 | index:32 */
	uint32_t in_use;
	struct header *headers __attribute__((aligned(64)));
	uint8_t *data;
	size_t room, stride;
	uint32_t count;
};

static struct pool pools[CLASSES]; /* constant but for head and in_use, between init and fini */
/* Of the next pools' blocks: a handle of an earlier run is stale in the next, with the odds of one that waited long within a run. The step is
 * prime, so that it comes round late. Writer: init. */
static uint16_t first_generation = 1;
#define GENERATION_STEP 3001

static void push(struct pool *p, uint32_t index)
{
	uint64_t old = __atomic_load_n(&p->head, __ATOMIC_RELAXED);
	uint64_t new;

	do {
		__atomic_store_n(&p->headers[index].next, (uint32_t)old, __ATOMIC_RELAXED);
		new = ((old >> 32) + 1) << 32 | index;
	} while (!__atomic_compare_exchange_n(&p->head, &old, new, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static uint32_t pop(struct pool *p)
{
	uint64_t old = __atomic_load_n(&p->head, __ATOMIC_ACQUIRE);
	uint64_t new;

	do {
		if ((uint32_t)old == NONE)
			return NONE;
		/* Another thread may have taken this block meanwhile: then the tag differs and what we read is not used. */
		new = ((old >> 32) + 1) << 32 | __atomic_load_n(&p->headers[(uint32_t)old].next, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&p->head, &old, new, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	return (uint32_t)old;
}

static void pool_fini(struct pool *p)
{
	rln_free(p->headers);
	rln_free(p->data);
	memset(p, 0, sizeof(*p));
}

static int pool_init(struct pool *p, unsigned count, size_t room)
{
	p->room = room;
	p->stride = room + 64; /* not a power of two: the first lines of all blocks would share one cache set */
	p->count = count;
	p->head = NONE;
	if (!count)
		return 0;
	p->headers = rln_zalloc(count * sizeof(*p->headers));
	p->data = rln_alloc_aligned(64, count * p->stride);
	if (!p->headers || !p->data)
		return -ENOMEM;
	for (uint32_t i = count; i-- > 0;) {
		p->headers[i].generation = first_generation;
		push(p, i);
	}
	return 0;
}

int rln_blocks_init(unsigned small, unsigned large)
{
	int rc;

	if (pools[TRACE].count)
		return -EALREADY;
	if (small > 1u << INDEX_BITS || large > 1u << INDEX_BITS)
		return -EINVAL;
	first_generation = (uint16_t)((first_generation - 1 + GENERATION_STEP) % GENERATION_MAX + 1);
	rc = pool_init(&pools[SMALL], small, RLN_BLOCK_SMALL);
	if (rc == 0)
		rc = pool_init(&pools[LARGE], large, RLN_BLOCK_LARGE);
	if (rc == 0)
		rc = pool_init(&pools[TRACE], TRACE_BLOCKS, RLN_BLOCK_SMALL);
	if (rc < 0)
		rln_blocks_fini();
	return rc;
}

void rln_blocks_fini(void)
{
	for (unsigned i = 0; i < CLASSES; i++)
		pool_fini(&pools[i]);
}

static rln_block_ref take(enum class class)
{
	struct pool *p = &pools[class];
	uint32_t index = p->count ? pop(p) : NONE;
	struct header *h;

	if (index == NONE)
		return 0;
	h = &p->headers[index];
	h->refs = 1;
	__atomic_fetch_add(&p->in_use, 1, __ATOMIC_RELAXED);
	return (uint32_t) class << CLASS_SHIFT | index << GENERATION_BITS | h->generation;
}

rln_block_ref rln_block_alloc(size_t size)
{
	rln_block_ref ref = 0;

	if (size <= RLN_BLOCK_SMALL)
		ref = take(SMALL);
	else if (size <= RLN_BLOCK_LARGE)
		ref = take(LARGE);
	if (!ref)
		rln_count(RLN_C_BLOCK_EMPTY);
	return ref;
}

/* The header of a live reference, NULL for any other. */
static struct header *find(rln_block_ref ref, struct pool **pool, uint32_t *index)
{
	uint32_t class = ref >> CLASS_SHIFT;
	uint32_t at = ref >> GENERATION_BITS & ((1u << INDEX_BITS) - 1);
	struct header *h;

	if (!ref || class >= CLASSES || at >= pools[class].count)
		return NULL;
	h = &pools[class].headers[at];
	if (__atomic_load_n(&h->generation, __ATOMIC_RELAXED) != (ref & GENERATION_MAX))
		return NULL;
	*pool = &pools[class];
	*index = at;
	return h;
}

static struct header *find_counted(rln_block_ref ref, struct pool **pool, uint32_t *index)
{
	struct header *h = find(ref, pool, index);

	if (!h && ref)
		rln_count(RLN_C_STALE_HANDLE);
	return h;
}

void *rln_block_data(rln_block_ref ref)
{
	struct pool *p;
	uint32_t index;

	return find_counted(ref, &p, &index) ? p->data + index * p->stride : NULL;
}

size_t rln_block_room(rln_block_ref ref)
{
	struct pool *p;
	uint32_t index;

	return find_counted(ref, &p, &index) ? p->room : 0;
}

unsigned rln_block_refs(rln_block_ref ref)
{
	struct pool *p;
	uint32_t index;
	struct header *h = find(ref, &p, &index);

	return h ? h->refs : 0;
}

void rln_block_hold(rln_block_ref ref)
{
	struct pool *p;
	uint32_t index;
	struct header *h = find_counted(ref, &p, &index);

	if (h)
		h->refs++;
}

void rln_block_release(rln_block_ref ref)
{
	struct pool *p;
	uint32_t index;
	struct header *h = find_counted(ref, &p, &index);

	if (!h || --h->refs)
		return;
	__atomic_store_n(&h->generation, h->generation == GENERATION_MAX ? 1 : h->generation + 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&p->in_use, 1, __ATOMIC_RELAXED);
	push(p, index);
}

unsigned rln_blocks_in_use(void)
{
	return __atomic_load_n(&pools[SMALL].in_use, __ATOMIC_RELAXED) + __atomic_load_n(&pools[LARGE].in_use, __ATOMIC_RELAXED);
}

rln_block_ref rln_block_from_text(const char *text, size_t len, struct rln_slice *at)
{
	rln_block_ref ref;
	char *data;

	memset(at, 0, sizeof(*at));
	if (len > UINT16_MAX)
		return 0;
	ref = rln_block_alloc(len + 1);
	data = rln_block_data(ref);
	if (!data)
		return 0;
	memcpy(data, text, len);
	data[len] = 0;
	at->len = (uint16_t)len;
	return ref;
}

rln_block_ref rln_block_copy_for_trace(rln_block_ref ref)
{
	struct pool *from, *to;
	uint32_t index, copy_index;
	rln_block_ref copy;

	if (!find(ref, &from, &index))
		return 0;
	copy = take(TRACE);
	if (find(copy, &to, &copy_index))
		memcpy(to->data + copy_index * to->stride, from->data + index * from->stride, RLN_BLOCK_SMALL);
	return copy;
}

rln_block_ref rln_block_text_for_trace(const char *text, size_t len, struct rln_slice *at)
{
	rln_block_ref copy = text && len ? take(TRACE) : 0;
	struct pool *to;
	uint32_t index;

	*at = (struct rln_slice){0, 0};
	if (!find(copy, &to, &index))
		return 0;
	at->len = (uint16_t)(len < RLN_BLOCK_SMALL ? len : RLN_BLOCK_SMALL - 1);
	memcpy(to->data + index * to->stride, text, at->len);
	to->data[index * to->stride + at->len] = 0;
	return copy;
}
