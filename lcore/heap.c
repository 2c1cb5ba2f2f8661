/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fence around jemalloc. Sanitizer builds take the C library's allocator, which the sanitizer replaces.
 * Live figures stand in a few cache lines that threads are dealt round robin: the adds are atomic, because two threads
 * can share a line and because one thread may free what another allocated, but hardly ever contended.
 */
#include "lcore/heap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef RLN_PLAIN_MALLOC
#include <malloc.h>
#else
#include <jemalloc/jemalloc.h>
#endif

#include "lcore/count.h"

#define LANES 32

struct lane { /* writers: the threads that were dealt this lane */
	int64_t bytes, count;
} __attribute__((aligned(64)));

static struct lane lanes[LANES];
static unsigned lanes_dealt;
static __thread struct lane *my_lane;
static __thread unsigned fail_in; /* 1 = the next allocation fails, 0 = none */
static __thread bool has_failed;

static struct lane *lane(void)
{
	if (!my_lane)
		my_lane = &lanes[__atomic_fetch_add(&lanes_dealt, 1, __ATOMIC_RELAXED) % LANES];
	return my_lane;
}

static void account(int64_t bytes, int64_t count)
{
	struct lane *l = lane();

	__atomic_fetch_add(&l->bytes, bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&l->count, count, __ATOMIC_RELAXED);
}

static void *failed(void)
{
	rln_count(RLN_C_HEAP_FAILED);
	errno = ENOMEM;
	return NULL;
}

static bool is_told_to_fail(void)
{
	if (!fail_in || --fail_in)
		return false;
	has_failed = true;
	return true;
}

static int64_t size_of(void *p)
{
	return (int64_t)malloc_usable_size(p);
}

static void *taken(void *p)
{
	if (!p)
		return failed();
	account(size_of(p), 1);
	return p;
}

void *rln_alloc(size_t size)
{
	return is_told_to_fail() ? failed() : taken(malloc(size ? size : 1));
}

void *rln_zalloc(size_t size)
{
	return is_told_to_fail() ? failed() : taken(calloc(1, size ? size : 1));
}

void *rln_alloc_aligned(size_t align, size_t size)
{
	size_t rounded = (size + align - 1) & ~(align - 1); /* C11 7.22.3.1 wants a multiple */

	if (rounded < size)
		return failed();
	return is_told_to_fail() ? failed() : taken(aligned_alloc(align, rounded ? rounded : align));
}

void *rln_realloc(void *p, size_t size)
{
	int64_t before = p ? size_of(p) : 0;
	void *q;

	if (is_told_to_fail())
		return failed();
	q = realloc(p, size ? size : 1);
	if (!q)
		return failed();
	account(size_of(q) - before, p ? 0 : 1);
	return q;
}

char *rln_strndup(const char *s, size_t len)
{
	size_t n = strnlen(s, len);
	char *copy = rln_alloc(n + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s, n);
	copy[n] = 0;
	return copy;
}

char *rln_strdup(const char *s)
{
	return rln_strndup(s, strlen(s));
}

void rln_free(void *p)
{
	if (!p)
		return;
	account(-size_of(p), -1);
	free(p);
}

int rln_heap_fail_nth(unsigned nth)
{
	bool failed_before = has_failed;

	has_failed = false;
	fail_in = nth;
	return failed_before;
}

int64_t rln_heap_live_bytes(void)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < LANES; i++)
		sum += __atomic_load_n(&lanes[i].bytes, __ATOMIC_RELAXED);
	return sum;
}

int64_t rln_heap_live_count(void)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < LANES; i++)
		sum += __atomic_load_n(&lanes[i].count, __ATOMIC_RELAXED);
	return sum;
}
