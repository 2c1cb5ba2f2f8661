/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the hash of a key to handles: open addressing, linear probing, deletion by shifting back, so that no
 * tombstones pile up and nothing is ever scanned. The key itself stays with its object: the caller compares, because
 * equal hashes need not mean equal keys. Hashes come from rln_hash(), keyed SipHash, so strangers cannot aim at one
 * bucket. owner: control lcore.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rln_sip_index_entry {
	uint64_t hash, handle; /* handle 0 = free */
};

struct rln_sip_index {
	struct rln_sip_index_entry *entry;
	uint32_t mask, used;
};

/* Room for `capacity` handles at half load. 0 or -ENOMEM. */
int rln_sip_index_init(struct rln_sip_index *ix, uint32_t capacity) __attribute__((warn_unused_result));
void rln_sip_index_fini(struct rln_sip_index *ix);
/* At most `capacity` handles; the caller's table of objects sees to that. */
void rln_sip_index_add(struct rln_sip_index *ix, uint64_t hash, uint64_t handle);
void rln_sip_index_del(struct rln_sip_index *ix, uint64_t hash, uint64_t handle);
/* The next handle with this hash, 0 at the end. *cursor starts at 0. */
uint64_t rln_sip_index_find(const struct rln_sip_index *ix, uint64_t hash, uint32_t *cursor);
