/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a leg sends: at its own offset within the ptime. The offset is the millisecond of the 120 ms cycle (the least common
 * multiple of all ptimes) that has the fewest ticks so far, so the spread is even whatever order legs come and go in; hashing
 * the slot would leave the fullest millisecond of a small system at twice the mean. When many legs go at once, those that are left
 * in full milliseconds move to empty ones, each at its next look at the clock (once a second), by less than one ptime.
 */
#include <stddef.h>

#include "rtp/pipeline_priv.h"
#include "rtp/recorder.h"

#define QUARTER_NS   RLN_PIPELINE_TICK_NS /* four places within a millisecond */
#define SILENT_LOOKS 96 /* units of RLN_LEG_LOOK_SHIFT, 100.7 ms: a partner that sends nothing for so long is silent */

static void phase_add(struct rln_pipeline *p, const struct rln_leg_cold *cold, int n)
{
	unsigned bin;

	for (bin = cold->phase_bin; bin < RLN_PHASE_BINS; bin += cold->phase_ptime)
		p->phases[bin] = (uint32_t)((int)p->phases[bin] + n);
	p->phases_sum = (uint32_t)((int)p->phases_sum + n * (int)(RLN_PHASE_BINS / cold->phase_ptime));
}

/* The fullest millisecond of the cycle that has a tick of this offset. */
static uint32_t phase_load(const struct rln_pipeline *p, unsigned ptime, unsigned offset)
{
	uint32_t most = 0;
	unsigned bin;

	for (bin = offset; bin < RLN_PHASE_BINS; bin += ptime)
		most = p->phases[bin] > most ? p->phases[bin] : most;
	return most;
}

/* The emptiest offset within the ptime; `from` makes equal ones take turns. */
static uint16_t phase_choose(const struct rln_pipeline *p, unsigned ptime, unsigned from)
{
	uint32_t best_load = UINT32_MAX, load;
	unsigned i, at, best = 0;

	for (i = 0; i < ptime; i++) {
		at = (from + i) % ptime;
		load = phase_load(p, ptime, at);
		if (load < best_load) {
			best_load = load;
			best = at;
		}
	}
	return (uint16_t)best;
}

/* The first time of the leg's phase after `after_ns`. */
static uint64_t phase_due(const struct rln_pipeline *p, const struct rln_leg_cold *cold, uint64_t after_ns)
{
	uint64_t ptime_ns = cold->phase_ptime * RLN_MS;
	uint64_t due = after_ns - after_ns % ptime_ns + cold->phase_bin * RLN_MS + (p->phases[cold->phase_bin] & 3) * QUARTER_NS;

	while (due <= after_ns)
		due += ptime_ns;
	while (due > after_ns + ptime_ns)
		due -= ptime_ns;
	return due;
}

static void tick_arm(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_pipeline *p = leg->pipeline;

	cold->phase_ptime = leg->tx_ptime_ms;
	cold->phase_bin = phase_choose(p, cold->phase_ptime, rln_id_slot(leg->id) * 7);
	cold->tick_ns = phase_due(p, cold, now_ns);
	phase_add(p, cold, 1);
	leg->tx_marker = 1;
	if (cold->recorder)
		rln_recorder_restart(cold->recorder, RLN_RECORDER_SENT);
	rln_wheel_arm(p->wheel, &cold->tick, cold->tick_ns);
}

void rln_leg_rebalance(struct rln_leg *leg)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_pipeline *p = leg->pipeline;
	uint32_t mine;
	uint16_t better;

	if (cold->phase_ptime == 0)
		return;
	mine = phase_load(p, cold->phase_ptime, cold->phase_bin);
	if (mine * 4 * RLN_PHASE_BINS <= p->phases_sum * 5 + 4 * RLN_PHASE_BINS)
		return;
	better = phase_choose(p, cold->phase_ptime, rln_id_slot(leg->id) * 7);
	if (phase_load(p, cold->phase_ptime, better) + 1 >= mine)
		return;
	phase_add(p, cold, -1);
	cold->phase_bin = better;
	cold->tick_ns = phase_due(p, cold, cold->tick_ns);
	phase_add(p, cold, 1);
	rln_wheel_arm(p->wheel, &cold->tick, cold->tick_ns);
}

static void tick_disarm(struct rln_leg *leg)
{
	struct rln_leg_cold *cold = leg->cold;

	rln_wheel_disarm(leg->pipeline->wheel, &cold->tick);
	if (cold->phase_ptime != 0)
		phase_add(leg->pipeline, cold, -1);
	cold->phase_ptime = 0;
}

/* A bridged leg needs no tick; its timer looks whether the partner still sends. If not, the clock goes on where the partner's packets ended. */
static void partner_look(struct rln_leg *leg, uint64_t now_ns)
{
	uint16_t since = (uint16_t)((now_ns >> RLN_LEG_LOOK_SHIFT) - leg->turned_look);
	uint64_t left = since < SILENT_LOOKS ? SILENT_LOOKS - since : 0;

	if (left == 0) {
		leg->cold->from->mode |= RLN_LEG_REMAP;
		tick_arm(leg, now_ns);
		return;
	}
	rln_wheel_arm(leg->pipeline->wheel, &leg->cold->tick, now_ns + (left << RLN_LEG_LOOK_SHIFT));
}

void rln_leg_tick(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_leg_cold *cold = (struct rln_leg_cold *)((char *)timer - offsetof(struct rln_leg_cold, tick));
	struct rln_leg *leg = cold->leg;
	uint64_t ptime_ns = leg->tx_ptime_ms * RLN_MS, due = cold->tick_ns;

	if (cold->phase_ptime == 0) {
		partner_look(leg, now_ns);
		return;
	}
	if (now_ns - due > RLN_MS)
		rln_counts_add(leg->pipeline->counts, RLN_C_RTP_TICK_LATE, 1);
	/* Late by many ticks (a stopped process): those are lost, and the timestamps say so. */
	if (now_ns - due > 10 * ptime_ns) {
		rln_counts_add(leg->pipeline->counts, RLN_C_RTP_TICKS_SKIPPED, (now_ns - due) / ptime_ns);
		due += (now_ns - due) / ptime_ns * ptime_ns;
	}
	cold->tick_ns = due + ptime_ns;
	rln_wheel_arm(leg->pipeline->wheel, timer, cold->tick_ns);
	rln_leg_send_tick(leg, due);
}

/* By the clock or not: a leg needs no tick once packets are turned to it. */
void rln_leg_schedule(struct rln_leg *leg, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	bool fed = rln_leg_is_fed(leg), want = (leg->mode & RLN_LEG_OUT) && !fed;

	if (!want || cold->phase_ptime != leg->tx_ptime_ms)
		tick_disarm(leg);
	if (want && cold->phase_ptime == 0)
		tick_arm(leg, now_ns);
	if (fed && cold->from)
		partner_look(leg, now_ns);
}
