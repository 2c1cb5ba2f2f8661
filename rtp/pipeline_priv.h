/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the pipeline, for its stages and their tests. owner: worker. */
#pragma once

#include <rte_mbuf.h>

#include "lcore/clock.h"
#include "rtp/pipeline.h"
#include "rtp/tap_ring.h"

#define RLN_PIPELINE_TICK_NS 250000ull /* of the wheel: a leg's phase is exact to this */
#define RLN_PIPELINE_SPARE   32        /* packet buffers taken from the pool at once */
#define RLN_PIPELINE_BUDGET  64        /* ticks per turn, so that receive bursts come between */
#define RLN_TX_SAMPLES_MAX   480       /* 60 ms at 8 kHz */
#define RLN_TX_HEADROOM      128       /* that rln_net_send() asks for */

struct rln_pipeline {
	struct rln_pipeline_cfg cfg;
	struct rln_net *net;
	struct rln_counts *counts;
	struct rln_wheel *wheel;
	uint64_t rtp_timeout_ns, first_rtp_timeout_ns, rtcp_interval_ns, latch_silence_ns, quality_interval_ns;
	uint64_t random;                 /* xorshift state: RTCP jitter, SSRC, first sequence numbers */
	uint32_t phases[RLN_PHASE_BINS]; /* ticks armed per ms of the 120 ms cycle */
	uint32_t phases_sum;
	uint8_t law[2][256]; /* G.711 codes into those of the other law: of PCMU, of PCMA */
	uint16_t spare_n;
	struct rte_mbuf *spare[RLN_PIPELINE_SPARE];
	char cname[64];
};

/* 64 bits that need not be secret. */
static inline uint64_t rln_pipeline_random(struct rln_pipeline *p)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return p->random;
}

/* An empty packet buffer of ours; NULL when the pool is empty (counted as a packet that was to go out). */
struct rte_mbuf *rln_pipeline_mbuf(struct rln_pipeline *p);
/* Counts and frees a packet that ends here. */
static inline void rln_pipeline_end(struct rln_pipeline *p, struct rte_mbuf *m, enum rln_counter exit)
{
	rln_counts_add(p->counts, exit, 1);
	rte_pktmbuf_free(m);
}

static inline void rln_leg_emit(struct rln_leg *leg, struct rln_event *ev)
{
	leg->pipeline->cfg.emit(leg->pipeline->cfg.arg, leg, ev);
}

/* RTP timestamp of a clock time on the leg's own time line: 8 kHz, a sample is 125 us. */
static inline uint32_t rln_leg_ts(const struct rln_leg *leg, uint64_t at_ns)
{
	return leg->tx_base + (uint32_t)((int64_t)(at_ns - leg->tx_ns) / 125000);
}

/* leg.c: the packet path found something to tell. */
void rln_leg_on_audio(struct rln_leg *leg, uint32_t timestamp, uint32_t ssrc);
void rln_leg_on_rtp(struct rln_leg *leg, uint64_t now_ns);
void rln_leg_on_rtcp(struct rln_leg *leg, uint64_t now_ns);
void rln_leg_on_sent(struct rln_leg *leg);
/* Key presses that a packet, a new source or silence ended. */
void rln_leg_on_digits(struct rln_leg *leg, const struct rln_dtmf_digit *digits, unsigned n);
/* Looks again in a while at a key that is down. */
void rln_leg_watch_digits(struct rln_leg *leg, uint64_t now_ns);
/* mode.c: what others receive goes on as this leg's stream, or its own packets do: it needs no clock. */
bool rln_leg_is_fed(const struct rln_leg *leg);
/* The leg ends: out of every bridge. */
void rln_leg_part(struct rln_leg *leg, uint64_t now_ns);
/* leg_quality.c: once a second. */
void rln_leg_quality_look(struct rln_leg *leg, uint64_t now_ns);
/* phase.c: arms or disarms the tick, as the mode asks. */
void rln_leg_schedule(struct rln_leg *leg, uint64_t now_ns);
/* The tick's timer. */
void rln_leg_tick(struct rln_timer *timer, uint64_t now_ns);
/* Out of a millisecond with more than 1.25 times its share, if there is a better one. */
void rln_leg_rebalance(struct rln_leg *leg);
/* latch.c: a packet of `src` that is valid otherwise; true = from the leg's source. */
bool rln_leg_latch(struct rln_leg *leg, const struct rln_addr *src, uint32_t ssrc, uint64_t now_ns);
/* Signalling moved the remote: whoever sends next may be latched, the old source last of all. */
void rln_leg_unlatch(struct rln_leg *leg);
/* stage_tx.c: one packet by the clock. */
void rln_leg_send_tick(struct rln_leg *leg, uint64_t due_ns);
/* Digits that cannot be sent any more. */
void rln_leg_drop_digits(struct rln_leg *leg);
/* A tapped leg's packet, RTP header first, to its tap. */
static inline void rln_leg_tap(struct rln_leg *leg, enum rln_event_kind kind, const struct rte_mbuf *m, uint64_t now_ns)
{
	rln_tap_put(leg->cold->tap, kind, leg->id, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, now_ns);
}
/* stage_rtcp.c */
void rln_leg_rtcp_rx(struct rln_leg *leg, struct rte_mbuf *m, uint64_t now_ns);
void rln_leg_rtcp_send(struct rln_leg *leg, uint64_t now_ns, bool bye);
/* Time of the next report: the interval, times 0.5 to 1.5 (RFC 3550 6.3.1). */
uint64_t rln_leg_rtcp_next(struct rln_leg *leg, uint64_t now_ns);
