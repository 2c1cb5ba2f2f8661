/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handles: what crosses cores instead of pointers. 64 bits {type:4, shard:8, slot:20, generation:32};
 * zero is "none". A session, a dialog, a media leg and a transaction are distinct struct types, so the
 * compiler stops a mix-up; the type bits let the registry and the trace tell them apart at run time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rln_id_type { RLN_ID_NONE, RLN_ID_SESSION, RLN_ID_DIALOG, RLN_ID_MEDIA, RLN_ID_TXN, RLN_ID_REGISTRATION };

struct rln_session_id { uint64_t v; };
struct rln_dialog_id { uint64_t v; };
struct rln_media_id { uint64_t v; };
struct rln_txn_id { uint64_t v; };

#define RLN_ID_SLOT_BITS 20
#define RLN_ID_SLOT_MAX ((1u << RLN_ID_SLOT_BITS) - 1)

static inline uint64_t rln_id_make(enum rln_id_type type, unsigned shard, uint32_t slot, uint32_t generation)
{
	return (uint64_t)type << 60 | (uint64_t)(shard & 0xff) << 52 | (uint64_t)(slot & RLN_ID_SLOT_MAX) << 32 | generation;
}

static inline enum rln_id_type rln_id_type(uint64_t id)
{
	return (enum rln_id_type)(id >> 60);
}

/* The worker that owns the thing's media: events toward a worker are routed by it. */
static inline unsigned rln_id_shard(uint64_t id)
{
	return (unsigned)(id >> 52) & 0xff;
}

static inline uint32_t rln_id_slot(uint64_t id)
{
	return (uint32_t)(id >> 32) & RLN_ID_SLOT_MAX;
}

static inline uint32_t rln_id_generation(uint64_t id)
{
	return (uint32_t)id;
}

/* Writes "s0/12#3" (type letter, shard, slot, generation) for logs and traces; returns buf. */
#define RLN_ID_TEXT 32
const char *rln_id_text(uint64_t id, char buf[RLN_ID_TEXT]);

#ifdef __cplusplus
}
#endif
