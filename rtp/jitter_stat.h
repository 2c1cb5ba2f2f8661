/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interarrival jitter of one received stream (RFC 3550 6.4.1, A.8; measurement 3) and its companions, in units of the RTP clock.
 * Call it for every audio packet in arrival order. telephone-event packets are left out: their timestamp stands still while they
 * arrive, which is not jitter.
 * owner: worker. 16 bytes of the leg's hot line.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RLN_JITTER_CEILING ((1u << 30) - 1) /* of J16: 2^26 units, 2.3 hours at 8 kHz */

struct rln_jitter_stat {
	uint32_t transit;      /* of the last packet, modulo 2^32 */
	uint32_t j16;          /* 16 times the jitter */
	uint32_t j16_max : 30; /* largest so far */
	uint32_t seen : 2;     /* packets: 0, 1, 2 = more */
	uint32_t smallest;     /* transit: PDV of a packet is its transit less this (RFC 5481) */
};
_Static_assert(sizeof(struct rln_jitter_stat) == 16, "a quarter of a cache line");

static inline void rln_jitter_stat_init(struct rln_jitter_stat *j)
{
	*j = (struct rln_jitter_stat){0};
}

/* Both in units of the RTP clock; rln_rtp_units() makes `arrival`. Returns the transit. */
static inline uint32_t rln_jitter_stat_update(struct rln_jitter_stat *j, uint32_t arrival, uint32_t timestamp)
{
	uint32_t transit = arrival - timestamp;
	int32_t delta = (int32_t)(transit - j->transit);
	uint32_t d = delta < 0 ? 0u - (uint32_t)delta : (uint32_t)delta;
	uint32_t grown;

	j->transit = transit;
	if (__builtin_expect(j->seen == 0, 0)) {
		j->seen = 1;
		j->smallest = transit;
		return transit;
	}
	j->seen = 2;
	d = d < RLN_JITTER_CEILING / 16 ? d
					: RLN_JITTER_CEILING / 16; /* a clock that jumped by hours: keep the sum in its bits */
	grown = j->j16 + d - ((j->j16 + 8) >> 4);
	j->j16 = grown < RLN_JITTER_CEILING ? grown : RLN_JITTER_CEILING;
	j->j16_max = j->j16 > j->j16_max ? j->j16 : j->j16_max;
	j->smallest = (int32_t)(transit - j->smallest) < 0 ? transit : j->smallest;
	return transit;
}

/* A new epoch: the next transit has nothing to be compared with. Jitter and its largest go on. */
static inline void rln_jitter_stat_restart(struct rln_jitter_stat *j)
{
	j->seen = 0;
}

/* False: fewer than two packets, all of the figures below are n/a. */
static inline bool rln_jitter_stat_has(const struct rln_jitter_stat *j)
{
	return j->seen == 2 || j->j16_max != 0;
}

/* J as RTCP carries it. */
static inline uint32_t rln_jitter_stat_rtp(const struct rln_jitter_stat *j)
{
	return j->j16 >> 4;
}

/* J16/16 in microseconds. */
static inline uint32_t rln_jitter_stat_us(uint32_t j16, unsigned clock_khz)
{
	return (uint32_t)((uint64_t)j16 * 1000u / (16u * clock_khz));
}

/* Delay variation of a packet with this transit, in units. */
static inline uint32_t rln_jitter_stat_pdv(const struct rln_jitter_stat *j, uint32_t transit)
{
	return transit - j->smallest;
}
