/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counted blocks: what does not fit into a 64-byte event travels as a 4-byte handle to one of these.
 *
 * A payload carries at most one block, as its first member, and slices that say where in it each field
 * stands. An event owns one reference: publishing gives it to the bus, and the bus drops it after the
 * last delivery. A handler that wants to keep the block takes a reference of its own.
 *
 * owner: whoever holds the event. References are counted without atomics on the control lcore; a block that
 * crosses lcores must have exactly one reference, and its ownership moves with the event (R37).
 * Two size classes. Allocating and freeing is lock-free on any thread, because threads that do both can share a CPU.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t rln_block_ref; /* 0 = none */

struct rln_slice { /* a field inside a block; len 0 = absent */
	uint16_t off;
	uint16_t len;
};

#define RLN_BLOCK_SMALL 4096u
#define RLN_BLOCK_LARGE 65536u

/* Pools of the process: small and large blocks. 0, -ENOMEM or -EALREADY. Main thread, before any lcore runs. */
int rln_blocks_init(unsigned small, unsigned large) __attribute__((warn_unused_result));
void rln_blocks_fini(void);

/* A block of at least `size` bytes with one reference, or 0 when the pool is empty (counted). Any thread. */
rln_block_ref rln_block_alloc(size_t size) __attribute__((warn_unused_result));
/* Data and room of a block; NULL and 0 for a stale or empty reference (counted). */
void *rln_block_data(rln_block_ref ref);
size_t rln_block_room(rln_block_ref ref);
/* One more, one fewer reader; the last one frees. Owner lcore only. 0 is allowed and does nothing. */
void rln_block_hold(rln_block_ref ref);
void rln_block_release(rln_block_ref ref);
/* Blocks in use: a run ends with zero. Any thread. */
unsigned rln_blocks_in_use(void);

/* A block that holds one text; 0 when the pool is empty. *at receives its slice (terminated by NUL after len). */
rln_block_ref rln_block_from_text(const char *text, size_t len, struct rln_slice *at) __attribute__((warn_unused_result));

static inline const char *rln_slice_text(rln_block_ref ref, struct rln_slice s)
{
	const char *base = s.len ? (const char *)rln_block_data(ref) : NULL;

	return base ? base + s.off : "";
}

#ifdef __cplusplus
}
#endif
