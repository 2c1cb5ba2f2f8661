/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RTP side of one worker: bursts of datagrams through the receive stage, legs' ticks through the send stage, RTCP beside both.
 *
 *   stage_rx    parse -> port to leg -> source check or latch -> sequence and jitter -> telephone events -> turn round or decode
 *   stage_tx    tick -> player, tone, channel or silence -> encode -> rln_net_send
 *   stage_rtcp  sender and receiver reports, round trip, BYE
 *   leg         what a command changes: open, apply parameters, close, states and the order of their news
 *   mode        what becomes of a leg's packets, echo and bridge; phase: when it sends by the clock
 *
 * It finds out what happens to legs and says so through one function of the media hub (`emit`); it talks to no bus. owner: worker.
 */
#pragma once

#include "lcore/batch.h"
#include "lcore/event.h"
#include "rtp/leg.h"

struct rln_pipeline;

struct rln_pipeline_cfg {
	struct rln_net *net;
	struct rte_mempool *pool;  /* packets that we build */
	struct rln_counts *counts; /* the worker's */
	struct rln_port_table *ports;
	uint32_t rtp_timeout_ms, first_rtp_timeout_ms, rtcp_interval_ms,
		latch_silence_ms, quality_interval_ms; /* session/shard.h says what they mean */
	uint8_t loss_limit_pct;
	uint8_t latch_packets;
	bool symmetric;
	const char *cname;
	/* The media hub's way out: `ev` is complete but for its id, which is the leg's. */
	void (*emit)(void *arg, struct rln_leg *leg, struct rln_event *ev);
	void *arg;
};

/* 0 or -ENOMEM. Main thread. */
int rln_pipeline_create(struct rln_pipeline **out, const struct rln_pipeline_cfg *cfg, uint64_t now_ns)
	__attribute__((warn_unused_result));
void rln_pipeline_destroy(struct rln_pipeline *pipeline);

/* Takes every packet of the batch; each ends in one counter. */
void rln_pipeline_rx(struct rln_pipeline *pipeline, struct rln_batch *batch, uint64_t now_ns);
/* Fires ticks, reports and timeouts that are due, a bounded number. Returns how many. */
unsigned rln_pipeline_ticks(struct rln_pipeline *pipeline, uint64_t now_ns);
/* When the next tick may be due; UINT64_MAX = none. */
uint64_t rln_pipeline_next_ns(const struct rln_pipeline *pipeline);
/* Ticks per millisecond of the 120 ms cycle, for the test of their spread. */
#define RLN_PHASE_BINS 120
const uint32_t *rln_pipeline_phases(const struct rln_pipeline *pipeline);

/* ---- legs: what the media hub and the shard call ---- */

/* A zeroed leg and its cold part become a leg on `row`; it receives from now on. */
void rln_leg_open(struct rln_pipeline *pipeline, struct rln_leg *leg, struct rln_leg_cold *cold, uint64_t id,
	struct rln_port_row *row, const struct rln_addr *local, uint64_t now_ns);
/* Applies parameters: 0; -EINVAL for parameters that cannot be (no codec, ptime, payload type); -ENETUNREACH (nothing changed).
 * rln_leg_release_news() follows, unless the parameters are early ones. */
int rln_leg_apply(struct rln_leg *leg, const struct rln_leg_params *params, uint64_t now_ns);
/* From now on the leg's news may be told, in R155's order; what happened before is told now. */
void rln_leg_release_news(struct rln_leg *leg, uint64_t now_ns);
/* Stops sending and receiving, says BYE, gives the row back. Player, recorder and channel are the caller's to end first. */
void rln_leg_close(struct rln_leg *leg, uint64_t now_ns);
/* The mode bits and the tick follow from parameters, player, recorder and channels: call it after changing one of them. */
void rln_leg_refresh(struct rln_leg *leg, uint64_t now_ns);
/*
 * From now on what `leg` receives goes out as the stream of `to` (NULL: no more). `to` is another leg of this worker; a leg that was tied to it before is parted.
 * Payload types are those of `to`'s peer, G.711 laws are converted, telephone events pass if that peer takes them; mode.c says when packets pass.
 */
void rln_leg_bridge(struct rln_leg *leg, struct rln_leg *to, uint64_t now_ns);
/* Queues telephone events; the leg sends them by its clock in place of audio. 0; -ENOTSUP: the peer takes none; -ENOTCONN: the leg does not send now; -EINVAL,
 * -ENOBUFS: see rtp/dtmf_tx.h. A leg that must stop sending in the middle drops them: MEDIA_ERROR(COMMAND, ECANCELED). */
int rln_leg_send_digits(struct rln_leg *leg, const char *tones, unsigned duration_ms, uint64_t now_ns) __attribute__((warn_unused_result));
/* Moves the stream's state and tells it; `always`: also when nothing moved (the answer to UPDATE_MEDIA_STREAM). */
void rln_leg_set_state(struct rln_leg *leg, enum rln_stream_state state, bool always);
/* The state that direction and packets make. */
enum rln_stream_state rln_leg_state_now(const struct rln_leg *leg);
/* Signalled rubbish, a peer that cannot be reached: counted, and RTP_ERROR at the tenth in a row. */
void rln_leg_on_fault(struct rln_leg *leg, enum rln_media_fault fault, int error);
/* Publishes the leg's statistics in its cell. */
void rln_leg_publish_stats(struct rln_leg *leg, uint64_t now_ns);
