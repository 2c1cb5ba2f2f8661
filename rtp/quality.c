/* SPDX-License-Identifier: BSD-3-Clause */
/* Levels of quality from counters: see quality.h. */
#include "rtp/quality.h"

/* R196-R198: below both; whole numbers, so that a limit is exact. */
static const struct {
	uint32_t loss_pct, jitter_us;
} below[] = {
	[RLN_QUALITY_GOOD] = {1, 50000},
	[RLN_QUALITY_DEGRADED] = {5, 150000},
	[RLN_QUALITY_POOR] = {10, 300000},
};

static bool is_loss_below(uint32_t lost, uint32_t expected, uint32_t pct)
{
	return (uint64_t)lost * 100 < (uint64_t)expected * pct;
}

enum rln_quality rln_quality_of(uint32_t lost, uint32_t expected, uint32_t jitter_us)
{
	for (unsigned level = RLN_QUALITY_GOOD; level <= RLN_QUALITY_POOR; level++) {
		if (is_loss_below(lost, expected, below[level].loss_pct) && jitter_us < below[level].jitter_us)
			return (enum rln_quality)level;
	}
	return RLN_QUALITY_FAILED;
}

enum rln_severity rln_quality_severity(enum rln_quality quality)
{
	return (enum rln_severity)quality; /* R196-R199: LOW, MEDIUM, HIGH, CRITICAL */
}

/* ---- the window ---- */

static const struct rln_quality_sample *oldest(const struct rln_quality_state *q)
{
	unsigned ring = RLN_QUALITY_SLOTS + 1;

	return &q->sample[(q->newest + ring - (q->n - 1u)) % ring];
}

static void sample_add(struct rln_quality_state *q, const struct rln_quality_sample *now)
{
	if (q->n > 0)
		q->newest = (uint8_t)((q->newest + 1) % (RLN_QUALITY_SLOTS + 1));
	if (q->n <= RLN_QUALITY_SLOTS)
		q->n++;
	q->sample[q->newest] = *now;
}

/* From the oldest sample to the newest one. The oldest one's jitter belongs to the second before. */
static void window_of(const struct rln_quality_state *q, struct rln_quality_window *w)
{
	const struct rln_quality_sample *from = oldest(q), *to = &q->sample[q->newest];
	uint32_t unique = to->unique - from->unique;
	uint64_t jitter = 0;

	*w = (struct rln_quality_window){
		.ms = to->at_ms - from->at_ms, .expected = to->expected - from->expected, .octets = to->octets - from->octets};
	w->lost = unique < w->expected ? w->expected - unique : 0; /* a packet that was overtaken may count in the next second */
	for (unsigned i = 0; i + 1 < q->n; i++)
		jitter += q->sample[(q->newest + RLN_QUALITY_SLOTS + 1 - i) % (RLN_QUALITY_SLOTS + 1)].jitter_us;
	w->jitter_us = q->n > 1 ? (uint32_t)(jitter / (q->n - 1u)) : 0;
}

/* ---- news ---- */

/* Up at once, down after two calm windows. True: it went up. */
static bool edge(uint8_t *is_up, uint8_t *was_calm, bool now)
{
	bool rises = now && !*is_up;

	if (now)
		*is_up = 1;
	else if (*was_calm)
		*is_up = 0;
	*was_calm = !now;
	return rises;
}

static unsigned level_step(struct rln_quality_state *q, enum rln_quality now)
{
	uint8_t both = q->before > now ? q->before : (uint8_t)now;

	q->before = (uint8_t)now;
	if (now > q->level) {
		q->level = (uint8_t)now;
		return RLN_QUALITY_WORSE;
	}
	if (both < q->level) {
		q->level = both;
		return RLN_QUALITY_BETTER;
	}
	return 0;
}

unsigned rln_quality_step(
	struct rln_quality_state *q, const struct rln_quality_sample *now, unsigned limit_pct, struct rln_quality_window *window)
{
	unsigned news = RLN_QUALITY_JUDGED;
	bool is_over;

	sample_add(q, now);
	window_of(q, window);
	if (window->expected < RLN_QUALITY_PACKETS)
		return 0;
	is_over = limit_pct != 0 && (uint64_t)window->lost * 100 > (uint64_t)window->expected * limit_pct;
	if (edge(&q->is_lossy, &q->calm, !is_loss_below(window->lost, window->expected, below[RLN_QUALITY_GOOD].loss_pct)))
		news |= RLN_QUALITY_LOSS;
	if (edge(&q->is_over, &q->calm_limit, is_over))
		news |= RLN_QUALITY_LIMIT;
	return news | level_step(q, rln_quality_of(window->lost, window->expected, window->jitter_us));
}

void rln_quality_restart(struct rln_quality_state *q)
{
	q->n = 0;
	q->newest = 0;
	q->before = q->level; /* windows on either side of a pause are not in a row */
	q->calm = q->calm_limit = 0;
}

struct rln_media_metrics rln_quality_metrics(const struct rln_quality_window *w, uint32_t rtt_us)
{
	return (struct rln_media_metrics){
		.packet_loss = w->expected ? (float)(100.0 * w->lost / w->expected) : 0.0f,
		.jitter_ms = (float)w->jitter_us / 1000.0f,
		.round_trip_ms = rtt_us ? (float)rtt_us / 1000.0f : -1.0f,
		.bitrate_bps = w->ms ? (uint32_t)(w->octets * 8000ull / w->ms) : 0,
	};
}
