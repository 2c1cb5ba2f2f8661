/* SPDX-License-Identifier: BSD-3-Clause */
/* What the bus asks of blocks, and nobody else. */
#pragma once

#include "lcore/block.h"

/* References of a live block; 0 for a stale one and for 0. Nothing is counted. Owner lcore. */
unsigned rln_block_refs(rln_block_ref ref);

/*
 * A private copy of the first RLN_BLOCK_SMALL bytes for the trace, from a pool of its own: tracing can neither take a block from
 * the product nor show in rln_blocks_in_use(). 0 when there is none. Released like any block, by the trace's reader.
 */
rln_block_ref rln_block_copy_for_trace(rln_block_ref ref);
/* The same for a text that stands in no block, cut to what fits; 0 also for an empty one. */
rln_block_ref rln_block_text_for_trace(const char *text, size_t len, struct rln_slice *at);
