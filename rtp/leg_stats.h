/* SPDX-License-Identifier: BSD-3-Clause */
/* What others may know of a leg: published by its worker behind a sequence lock, read by any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lcore/addr.h"

struct rln_leg_stats {
	uint64_t at_ns;                     /* when it was published */
	uint64_t packets_sent, octets_sent; /* payload octets, as in RTCP */
	uint64_t packets_received, octets_received;
	uint64_t lost;                       /* numbers that never came; copies do not hide any (RFC 3550's own count goes into RTCP) */
	uint64_t reordered, duplicate, late; /* late: older than the sequence window */
	uint64_t dropped_source, dropped_pt;
	uint64_t last_rx_ns;                /* 0 = never */
	uint32_t jitter_us;                 /* RFC 3550 6.4.1 */
	uint32_t rtt_us;                    /* 0 = not measured */
	uint32_t peer_lost, peer_jitter_us; /* of what we send, from the peer's reports */
	uint8_t peer_fraction_lost;         /* of 256 */
	uint8_t state;                      /* enum rln_stream_state */
	uint8_t direction, codec;
	struct rln_addr local, remote;
};

/* owner: the leg's worker writes; readers retry while `lock` is odd or has moved. */
struct rln_leg_stats_cell {
	uint64_t media_id; /* whose they are; 0 = none yet */
	uint32_t lock;
	struct rln_leg_stats stats;
};

/* Worker. */
void rln_leg_stats_publish(struct rln_leg_stats_cell *cell, uint64_t media_id, const struct rln_leg_stats *stats);
/* False when the cell belongs to another id. Any thread. */
bool rln_leg_stats_read(const struct rln_leg_stats_cell *cell, uint64_t media_id, struct rln_leg_stats *out);
