/* SPDX-License-Identifier: BSD-3-Clause */
/* The index of dialogs by Call-ID and tag, and of transactions by branch (see index.h for its design). */
#include "sip/index.h"

#include <errno.h>

#include "lcore/heap.h"

int rln_sip_index_init(struct rln_sip_index *ix, uint32_t capacity)
{
	uint32_t size = 16;

	while (size < capacity * 2)
		size *= 2;
	ix->entry = rln_zalloc(size * sizeof(*ix->entry));
	ix->mask = size - 1;
	ix->used = 0;
	return ix->entry ? 0 : -ENOMEM;
}

void rln_sip_index_fini(struct rln_sip_index *ix)
{
	rln_free(ix->entry);
	ix->entry = NULL;
}

void rln_sip_index_add(struct rln_sip_index *ix, uint64_t hash, uint64_t handle)
{
	uint32_t at = (uint32_t)hash & ix->mask;

	while (ix->entry[at].handle)
		at = (at + 1) & ix->mask;
	ix->entry[at] = (struct rln_sip_index_entry){hash, handle};
	ix->used++;
}

/* Closes the hole at `at`: what stands behind it and would rather stand there moves up (Knuth 6.4, algorithm R). */
static void shift_back(struct rln_sip_index *ix, uint32_t at)
{
	uint32_t next = at;

	for (;;) {
		uint32_t home;

		next = (next + 1) & ix->mask;
		if (!ix->entry[next].handle)
			break;
		home = (uint32_t)ix->entry[next].hash & ix->mask;
		if (((next - home) & ix->mask) < ((next - at) & ix->mask))
			continue;
		ix->entry[at] = ix->entry[next];
		at = next;
	}
	ix->entry[at].handle = 0;
}

void rln_sip_index_del(struct rln_sip_index *ix, uint64_t hash, uint64_t handle)
{
	for (uint32_t at = (uint32_t)hash & ix->mask; ix->entry[at].handle; at = (at + 1) & ix->mask) {
		if (ix->entry[at].handle != handle || ix->entry[at].hash != hash)
			continue;
		shift_back(ix, at);
		ix->used--;
		return;
	}
}

uint64_t rln_sip_index_find(const struct rln_sip_index *ix, uint64_t hash, uint32_t *cursor)
{
	for (;;) {
		const struct rln_sip_index_entry *e = &ix->entry[((uint32_t)hash + *cursor) & ix->mask];

		if (!e->handle || *cursor > ix->mask)
			return 0;
		++*cursor;
		if (e->hash == hash)
			return e->handle;
	}
}
