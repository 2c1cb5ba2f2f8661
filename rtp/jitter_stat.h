/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interarrival jitter (RFC 3550 6.4.1, A.8) in units of the RTP clock: J16 is sixteen times the jitter, so that no precision is lost. Kept beside it: the
 * largest J. telephone-event packets stay out (their timestamp stands still). owner: the leg's worker.
 */
#pragma once

#include <stdint.h>

struct rln_jitter_stat { /* 16 bytes of the leg's first line; all zero = no packet yet */
	uint32_t transit;     /* of the last packet, plus one so that zero means none */
	uint32_t j16, j16_max;
	uint32_t packets;     /* that counted; J means something from two on */
};

/* One packet: arrival and timestamp in units of the RTP clock, arrival's origin is free. */
static inline void rln_jitter_stat_add(struct rln_jitter_stat *j, uint32_t arrival, uint32_t ts)
{
	uint32_t transit = arrival - ts;
	int32_t d;

	j->packets++;
	if (j->transit == 0) {
		j->transit = transit + 1 ? transit + 1 : 1;
		return;
	}
	d = (int32_t)(transit + 1 - j->transit);
	j->transit = transit + 1 ? transit + 1 : 1;
	d = d < 0 ? -d : d;
	j->j16 += (uint32_t)d - ((j->j16 + 8) >> 4);
	if (j->j16 > j->j16_max)
		j->j16_max = j->j16;
}

/* A new epoch or another clock: the next packet has no predecessor; the largest J stays. */
static inline void rln_jitter_stat_restart(struct rln_jitter_stat *j)
{
	j->transit = 0;
}

/* J as RTCP reports it, in units of the RTP clock. */
static inline uint32_t rln_jitter_stat_rtcp(const struct rln_jitter_stat *j)
{
	return j->j16 >> 4;
}
