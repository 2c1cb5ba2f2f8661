/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How good a received stream is (requirements, section 8): loss and jitter of a window that slides over the last five seconds, the level that follows, and what is news.
 * Plain numbers in, plain numbers out; once a second.
 *
 * Loss is of unique packets (measurement 2): numbers that never came, by those that should have. Jitter is the mean of RFC 3550's estimate, read once a second: a window's
 * figure as the loss is, where the estimate alone would forget all but the last third of a second. A worse level counts at once. A better one counts after two windows
 * in a row that are better, and is the worse one of theirs; loss alone calms down by the same rule. A window of fewer than RLN_QUALITY_PACKETS expected packets is
 * not judged and says nothing (one lost packet of a handful is no percentage), nor does one that spans a hold: rln_quality_restart().
 * owner: worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lcore/types.h"

#define RLN_QUALITY_SLOTS   5u  /* of about a second */
#define RLN_QUALITY_PACKETS 50u /* expected, from which on a window is judged: a second of 20 ms packets; 60 ms packets are 83 in five seconds */

/* Totals of the stream at one moment. They only grow, but for `unique`'s lag behind `expected` while packets overtake each other. */
struct rln_quality_sample {
	uint32_t at_ms; /* any clock, modulo 2^32 */
	uint32_t expected, unique;
	uint32_t octets;    /* of payload */
	uint32_t jitter_us; /* now, not a total */
};

struct rln_quality_window {
	uint32_t ms;
	uint32_t expected, lost;
	uint32_t octets;
	uint32_t jitter_us;
};

/* All zero: GOOD, nothing seen. */
struct rln_quality_state {
	struct rln_quality_sample sample[RLN_QUALITY_SLOTS + 1]; /* a ring; the newest one is the window's end */
	uint8_t newest, n;
	uint8_t level;    /* enum rln_quality that holds */
	uint8_t before;   /* of the last judged window, for a better level */
	uint8_t is_lossy; /* loss has left GOOD and has not been back for two windows */
	uint8_t is_over;  /* loss is over the limit, likewise */
	uint8_t calm, calm_limit; /* the last judged window was back */
};

enum rln_quality_news { /* bits */
	RLN_QUALITY_JUDGED = 1,
	RLN_QUALITY_WORSE = 2,
	RLN_QUALITY_BETTER = 4,
	RLN_QUALITY_LOSS = 8,   /* loss left GOOD */
	RLN_QUALITY_LIMIT = 16, /* loss passed the limit */
};

/* R196-R199. `expected` may not be 0. */
enum rln_quality rln_quality_of(uint32_t lost, uint32_t expected, uint32_t jitter_us);
enum rln_severity rln_quality_severity(enum rln_quality quality);
/* A second later. limit_pct: 0 = none. Returns news; *window is what they were judged by. */
unsigned rln_quality_step(
	struct rln_quality_state *q, const struct rln_quality_sample *now, unsigned limit_pct, struct rln_quality_window *window);
/* The next window begins anew: what came so far belongs to another time. The level stays. */
void rln_quality_restart(struct rln_quality_state *q);
/* R200; rtt_us 0 = not measured. */
struct rln_media_metrics rln_quality_metrics(const struct rln_quality_window *window, uint32_t rtt_us);
