/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sequence accounting of one received stream (RFC 3550 A.1 and A.3, measurement 2): every valid packet is exactly one of in order,
 * reordered, duplicate, too late, before base or jump, and an epoch's loss follows from these.
 *
 * Hot part: 16 bytes. Copies are told from late packets by 1,024 bits over extended sequence numbers, 64 of which, the word that
 * holds the highest number, stand in the hot part; the 16 words before it are in the cold part, which a packet in order touches once
 * in 64. Rejected: the whole window beside the counters (two more cache lines per packet).
 *
 * With RFC 3550's limit of 100 numbers behind, whatever is older is a jump and nothing ever leaves the window; `misorder` can be widened
 * up to 3,000 for measurements of heavy reordering, and only then is anything too late.
 * owner: worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RLN_SEQ_WINDOW   1024u /* numbers, the highest included */
#define RLN_SEQ_DROPOUT  3000u /* RFC 3550 A.1: this far ahead is a jump */
#define RLN_SEQ_MISORDER 100u  /* RFC 3550 A.1: and this far behind */

enum rln_seq_verdict {
	RLN_SEQ_IN_ORDER,
	RLN_SEQ_REORDERED,
	RLN_SEQ_DUPLICATE,
	RLN_SEQ_TOO_LATE,    /* below the window: new or copy, nobody can tell */
	RLN_SEQ_BEFORE_BASE, /* older than the epoch's first packet */
	RLN_SEQ_JUMP,        /* held: if the next number follows it, both begin a new epoch */
	RLN_SEQ_EPOCH,       /* in order, and the first (or second, with the held one) packet of a new epoch */
};

struct rln_seq {
	uint64_t word;     /* numbers seen among the 64 that `max` belongs to */
	uint32_t max;      /* highest extended number: cycles << 16 | sequence number */
	uint32_t in_order; /* of this epoch */
};
_Static_assert(sizeof(struct rln_seq) == 16, "a quarter of a cache line");

struct rln_seq_counts { /* of one epoch, or summed */
	uint32_t expected, in_order, reordered, duplicate, too_late, before_base, jump;
};

struct rln_seq_more {        /* the cold part: touched once in 64 packets and by every packet out of order */
	uint64_t window[16]; /* words below the hot one: number n stands in [(n >> 6) & 15] */
	uint32_t base;       /* first extended number of the epoch */
	uint32_t bad_seq;    /* the jump's next number; above 65,535: none */
	uint32_t reordered, duplicate, too_late, before_base, jump; /* of this epoch; jump: not taken into an epoch (yet) */
	uint32_t distance, distance_max;                            /* max - seq of the last reordered packet, and the largest */
	uint32_t epochs;                                            /* begun; 0 = still on probation */
	uint32_t report_expected, report_received;                  /* at the last RTCP report */
	uint16_t misorder;                                          /* limit of being behind */
	uint8_t running;                                            /* an epoch is open */
	uint8_t announced;                                          /* one packet begins an epoch, not two in a row */
	struct rln_seq_counts last;                                 /* the epoch that ended last */
	struct rln_seq_counts past;                                 /* all ended epochs, summed */
};

/* `announced`: SDP named the source, so its first packet counts (MIN_SEQUENTIAL 1); otherwise two in a row must come. */
void rln_seq_init(struct rln_seq *seq, struct rln_seq_more *more, bool announced);
/* Ends the epoch (SSRC or payload type changed): the next packet begins another, by the same rule as at the start. */
void rln_seq_end_epoch(struct rln_seq *seq, struct rln_seq_more *more);
/* Anything but the next number within the same word. */
enum rln_seq_verdict rln_seq_update_slow(struct rln_seq *seq, struct rln_seq_more *more, uint16_t number);

static inline enum rln_seq_verdict rln_seq_update(struct rln_seq *seq, struct rln_seq_more *more, uint16_t number)
{
	uint32_t next = seq->max + 1;

	/* One compare for both: the number follows, and does not leave the word. Not running: max ends a word (see init). */
	if (__builtin_expect(((number ^ (uint16_t)next) | ((next & 63) == 0)) != 0, 0))
		return rln_seq_update_slow(seq, more, number);
	seq->word |= 1ull << (next & 63);
	seq->max = next;
	seq->in_order++;
	return RLN_SEQ_IN_ORDER;
}

/* Of the epoch that runs (all 0 when none does). */
void rln_seq_counts(const struct rln_seq *seq, const struct rln_seq_more *more, struct rln_seq_counts *out);
/* Of all epochs. Losses between epochs are nobody's. */
void rln_seq_counts_total(const struct rln_seq *seq, const struct rln_seq_more *more, struct rln_seq_counts *out);

/* Packets that count as received in RFC 3550's sense (a jump that was not taken up does not). */
static inline uint32_t rln_seq_received(const struct rln_seq_counts *c)
{
	return c->in_order + c->reordered + c->duplicate + c->too_late + c->before_base;
}

/* RFC 3550 A.3: copies make it negative. */
static inline int32_t rln_seq_lost(const struct rln_seq_counts *c)
{
	return (int32_t)(c->expected - rln_seq_received(c));
}

/* The headline: numbers that never came. */
static inline uint32_t rln_seq_unique_lost(const struct rln_seq_counts *c)
{
	return c->expected - c->in_order - c->reordered;
}

/* For a report block: the loss of the interval since the last call in 1/256, and the total clamped to 24 bits. Begins a new interval. */
uint8_t rln_seq_report(const struct rln_seq *seq, struct rln_seq_more *more, int32_t *lost, uint32_t *highest);
