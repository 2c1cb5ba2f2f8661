/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shard of one worker: sole owner of the worker's legs, their ports and everything they hold. One task of the worker's loop:
 *
 *   rln_net_poll -> pipeline (parse, port -> leg, turn or decode) -> bus -> ticks -> file answers -> rln_net_flush -> housekeeping
 *
 * It polls the bus itself, so the loop needs no other task on a worker. Slots are rln_slots; a local port finds its leg by direct
 * index in a table of one cache line per port pair and address (no hash). Ports rest before reuse: the free list is a FIFO.
 * What control may read are snapshots: counts, and a leg's statistics behind a sequence lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rtp/leg_stats.h"

struct rln_shard;
struct rln_bus;
struct rln_channels;
struct rln_io;
struct rln_net;
struct rln_net_shared;
struct rln_placement;
struct rln_taps;

#define RLN_CNAME_SIZE 64

struct rln_shard_cfg {
	struct rln_bus *bus;                 /* worker already added */
	struct rln_net *net;                 /* this worker's */
	const struct rln_net_shared *shared; /* local addresses, packet pool */
	struct rln_io *io;                   /* NULL: play and record answer MEDIA_ERROR(FILE, ENOTSUP) */
	const struct rln_placement *placement;
	struct rln_channels *channels; /* NULL: ATTACH_CHANNELS is counted and ignored */
	struct rln_taps *taps;         /* NULL: TAP_MEDIA is refused */
	unsigned worker;
	uint32_t legs;                 /* capacity */
	uint32_t players, recorders;   /* at once; 0: as many as legs, at most 4,096 and 256 */
	uint32_t file_blocks;          /* of 8 KB, between the file thread and us; 0: four per recorder */
	uint32_t rtp_timeout_ms;       /* R85; 0 = off */
	uint32_t first_rtp_timeout_ms; /* 0 = off */
	uint32_t rtcp_interval_ms;     /* 0 = no RTCP from us */
	uint32_t quality_interval_ms;  /* between MEDIA_QUALITY_UPDATEs, to the second; 0 = none */
	uint8_t loss_limit_pct;        /* R84: PACKET_LOSS_THRESHOLD_EXCEEDED beyond it; 0 = never */
	uint32_t latch_silence_ms;     /* after this much silence of the latched source another one may be latched */
	uint8_t latch_packets;         /* packets of one source and SSRC until it is latched; 1 = the first valid one */
	bool symmetric;                /* send to where packets come from (symmetric RTP) */
	char cname[RLN_CNAME_SIZE];    /* RTCP SDES CNAME; "" = made from random bytes */
};

/* Reserves tables and registers the worker's handlers on the bus. 0 or -errno. Main thread, before the lcores run. */
int rln_shard_create(struct rln_shard **out, const struct rln_shard_cfg *cfg) __attribute__((warn_unused_result));
/* After the lcores ended. Legs that are left are closed without events. */
void rln_shard_destroy(struct rln_shard *shard);
/* The worker's task (struct rln_task): one turn. Returns packets, events and ticks handled, 0 = idle. */
unsigned rln_shard_poll(void *shard, uint64_t now_ns);
/* For struct rln_loop_cfg.busy: legs are up. Any thread. */
bool rln_shard_busy(void *shard);

struct rln_shard_counts {
	uint32_t legs, legs_capacity;
	uint32_t ports_free; /* pairs, all addresses */
	uint32_t players, recorders, channels;
	uint32_t closing; /* legs that wait for their recording to be closed */
};
/* A snapshot. Any thread. */
void rln_shard_counts(const struct rln_shard *shard, struct rln_shard_counts *out);
/* The last published statistics of a leg, at most a second old while it lives and final once it was stopped (until the slot is
 * used again). 0 or -ENOENT for a stale id. Any thread. */
int rln_shard_leg_stats(const struct rln_shard *shard, uint64_t media_id, struct rln_leg_stats *out);
