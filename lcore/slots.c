/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Slots: an array of objects, and beside it eight bytes per slot that say whether it lives. The free list runs through
 * those eight bytes; slots that were never used are not on it but above `fresh`, so that create touches no memory.
 */
#include "lcore/slots.h"

#include <errno.h>
#include <string.h>

#include "lcore/count.h"
#include "lcore/heap.h"

#define LINE 64
#define LIVE UINT32_MAX
#define END  (UINT32_MAX - 1)

struct slot {
	uint32_t generation; /* of the living object, or of the one before */
	uint32_t next;       /* LIVE, or the next free slot, or END */
};

struct rln_slots { /* owner: the lcore that creates and deletes */
	struct slot *slots;
	uint8_t *objects;
	size_t stride;
	uint32_t capacity, fresh, free, in_use;
	uint8_t type, shard;
};

int rln_slots_create(struct rln_slots **out, const struct rln_slots_cfg *cfg)
{
	struct rln_slots *s;

	if (cfg->capacity == 0 || cfg->capacity > RLN_ID_SLOT_MAX || cfg->object_size == 0 || cfg->shard > UINT8_MAX)
		return -EINVAL;
	s = rln_zalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->stride = (cfg->object_size + LINE - 1) / LINE * LINE;
	s->capacity = cfg->capacity;
	s->free = END;
	s->type = (uint8_t)cfg->type;
	s->shard = (uint8_t)cfg->shard;
	s->slots = rln_alloc(cfg->capacity * sizeof(*s->slots));
	s->objects = rln_alloc_aligned(LINE, cfg->capacity * s->stride);
	if (!s->slots || !s->objects) {
		rln_slots_destroy(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void rln_slots_destroy(struct rln_slots *slots)
{
	if (!slots)
		return;
	rln_free(slots->slots);
	rln_free(slots->objects);
	rln_free(slots);
}

static uint64_t handle_of(const struct rln_slots *s, uint32_t at)
{
	return rln_id_make((enum rln_id_type)s->type, s->shard, at, s->slots[at].generation);
}

void *rln_slots_add(struct rln_slots *slots, uint64_t *handle)
{
	uint32_t at = slots->free;
	void *object;

	if (at != END) {
		slots->free = slots->slots[at].next;
	} else if (slots->fresh < slots->capacity) {
		at = slots->fresh++;
		slots->slots[at].generation = 0;
	} else {
		return NULL;
	}
	if (++slots->slots[at].generation == 0)
		slots->slots[at].generation = 1;
	slots->slots[at].next = LIVE;
	slots->in_use++;
	object = slots->objects + at * slots->stride;
	memset(object, 0, slots->stride);
	*handle = handle_of(slots, at);
	return object;
}

/* The slot of a living handle; stale ones are counted. */
static struct slot *find(const struct rln_slots *slots, uint64_t handle)
{
	uint32_t at = rln_id_slot(handle);

	if (handle == 0)
		return NULL;
	if (at < slots->fresh && slots->slots[at].next == LIVE && handle_of(slots, at) == handle)
		return &slots->slots[at];
	rln_count(RLN_C_STALE_HANDLE);
	return NULL;
}

void *rln_slots_get(const struct rln_slots *slots, uint64_t handle)
{
	return find(slots, handle) ? slots->objects + rln_id_slot(handle) * slots->stride : NULL;
}

bool rln_slots_del(struct rln_slots *slots, uint64_t handle)
{
	struct slot *slot = find(slots, handle);

	if (!slot)
		return false;
	slot->next = slots->free;
	slots->free = rln_id_slot(handle);
	slots->in_use--;
	return true;
}

uint32_t rln_slots_in_use(const struct rln_slots *slots)
{
	return slots->in_use;
}

uint32_t rln_slots_capacity(const struct rln_slots *slots)
{
	return slots->capacity;
}

void *rln_slots_next(const struct rln_slots *slots, uint32_t *cursor, uint64_t *handle)
{
	for (uint32_t at = *cursor; at < slots->fresh; at++) {
		if (slots->slots[at].next != LIVE)
			continue;
		*cursor = at + 1;
		*handle = handle_of(slots, at);
		return slots->objects + at * slots->stride;
	}
	*cursor = slots->fresh;
	return NULL;
}
