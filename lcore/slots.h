/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fixed table of objects addressed by {slot, generation} handles. One owner lcore; free slots are a LIFO, so a busy
 * system stays in warm cache lines. Generations never repeat within 2^32 uses of a slot and never are 0.
 */
#pragma once

#include <stddef.h>

#include "lcore/id.h"

struct rln_slots; /* owner: the lcore that creates and deletes */

struct rln_slots_cfg {
	enum rln_id_type type;
	unsigned shard;
	uint32_t capacity;   /* at most RLN_ID_SLOT_MAX */
	size_t object_size;  /* objects are cache-line aligned and zeroed at add */
};

/* 0, -EINVAL or -ENOMEM. Memory is reserved at once and touched on first use. */
int rln_slots_create(struct rln_slots **out, const struct rln_slots_cfg *cfg) __attribute__((warn_unused_result));
void rln_slots_destroy(struct rln_slots *slots);
/* A zeroed object and its handle; NULL when the table is full. */
void *rln_slots_add(struct rln_slots *slots, uint64_t *handle) __attribute__((warn_unused_result));
/* The object of a live handle; NULL for a stale one (counted as STALE_HANDLE) and for 0 (not counted). */
void *rln_slots_get(const struct rln_slots *slots, uint64_t handle);
/* Frees the object; the handle is stale from now on. False when it already was. */
bool rln_slots_del(struct rln_slots *slots, uint64_t handle);
uint32_t rln_slots_in_use(const struct rln_slots *slots);
uint32_t rln_slots_capacity(const struct rln_slots *slots);
/* Walk: the next live object at or after *cursor (start at 0), which moves past it; NULL at the end. Deleting the current one is allowed. */
void *rln_slots_next(const struct rln_slots *slots, uint32_t *cursor, uint64_t *handle);
