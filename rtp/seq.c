/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything but the next number within the hot word. Window: bit (n & 63) of word (n >> 6); the word of the highest number is
 * seq->word, the 16 before it are more->window. 16 whole words below a partly used one always cover the 1,024 numbers that count,
 * and which of them are older is known by the distance. Words are zeroed when the highest number passes them; what they held before
 * the epoch's base is never asked for, because base is looked at first.
 */
#include "rtp/seq.h"

#include <string.h>

#define WORDS    16u
#define NO_JUMP  0x10000u
#define IDLE_MAX 63u /* ends a word: no number takes the fast path while no epoch runs */

static void stop_running(struct rln_seq *seq, struct rln_seq_more *more)
{
	*seq = (struct rln_seq){.max = IDLE_MAX};
	more->running = 0;
	more->bad_seq = NO_JUMP;
}

void rln_seq_init(struct rln_seq *seq, struct rln_seq_more *more, bool announced)
{
	memset(more, 0, sizeof(*more));
	more->announced = announced;
	more->misorder = RLN_SEQ_MISORDER;
	stop_running(seq, more);
}

static void counts_add(struct rln_seq_counts *sum, const struct rln_seq_counts *c)
{
	sum->expected += c->expected;
	sum->in_order += c->in_order;
	sum->reordered += c->reordered;
	sum->duplicate += c->duplicate;
	sum->too_late += c->too_late;
	sum->before_base += c->before_base;
	sum->jump += c->jump;
}

/* Jumps outside an epoch (probation) stay with the one that begins next. */
void rln_seq_end_epoch(struct rln_seq *seq, struct rln_seq_more *more)
{
	if (more->running) {
		rln_seq_counts(seq, more, &more->last);
		counts_add(&more->past, &more->last);
		more->reordered = more->duplicate = more->too_late = more->before_base = more->jump = 0;
		more->report_expected = more->report_received = 0;
	}
	stop_running(seq, more);
}

static enum rln_seq_verdict epoch_begin(struct rln_seq *seq, struct rln_seq_more *more, uint16_t number)
{
	more->running = 1;
	more->epochs++;
	more->base = number;
	seq->max = number;
	seq->word = 1ull << (number & 63);
	seq->in_order = 1;
	return RLN_SEQ_EPOCH;
}

/* The highest number goes on by `ahead`; the words that it passes get empty. */
static void move_ahead(struct rln_seq *seq, struct rln_seq_more *more, uint32_t ahead)
{
	uint32_t from = seq->max >> 6, passed = ((seq->max & 63) + ahead) >> 6, i;

	seq->max += ahead;
	seq->in_order++;
	if (passed == 0) {
		seq->word |= 1ull << (seq->max & 63);
		return;
	}
	more->window[from & (WORDS - 1)] = seq->word;
	for (i = 1; i < passed && i <= WORDS; i++)
		more->window[(from + i) & (WORDS - 1)] = 0;
	if (passed > WORDS) /* the old word itself is too far back by now */
		more->window[from & (WORDS - 1)] = 0;
	seq->word = 1ull << (seq->max & 63);
}

static enum rln_seq_verdict behind(struct rln_seq *seq, struct rln_seq_more *more, uint32_t distance)
{
	uint32_t extended = seq->max - distance;
	uint64_t bit = 1ull << (extended & 63);
	uint64_t *word = (extended >> 6) == (seq->max >> 6) ? &seq->word : &more->window[(extended >> 6) & (WORDS - 1)];

	if (distance > seq->max - more->base) {
		more->before_base++;
		return RLN_SEQ_BEFORE_BASE;
	}
	if (distance >= RLN_SEQ_WINDOW) {
		more->too_late++;
		return RLN_SEQ_TOO_LATE;
	}
	if (*word & bit) {
		more->duplicate++;
		return RLN_SEQ_DUPLICATE;
	}
	*word |= bit;
	more->reordered++;
	more->distance = distance;
	if (distance > more->distance_max)
		more->distance_max = distance;
	return RLN_SEQ_REORDERED;
}

/* Two numbers in a row outside the epoch: a sender that started anew. The held one is the first of the new epoch (no packet is forgotten). */
static enum rln_seq_verdict jump(struct rln_seq *seq, struct rln_seq_more *more, uint16_t number)
{
	if (number != more->bad_seq) {
		more->bad_seq = (uint16_t)(number + 1);
		more->jump++;
		return RLN_SEQ_JUMP;
	}
	more->jump--;
	rln_seq_end_epoch(seq, more);
	epoch_begin(seq, more, (uint16_t)(number - 1));
	move_ahead(seq, more, 1);
	return RLN_SEQ_EPOCH;
}

enum rln_seq_verdict rln_seq_update_slow(struct rln_seq *seq, struct rln_seq_more *more, uint16_t number)
{
	uint16_t ahead = (uint16_t)(number - seq->max);

	if (!more->running)
		return more->announced ? epoch_begin(seq, more, number) : jump(seq, more, number);
	if (ahead != 0 && ahead < RLN_SEQ_DROPOUT) {
		move_ahead(seq, more, ahead);
		return RLN_SEQ_IN_ORDER;
	}
	if (ahead != 0 && ahead <= 65536u - more->misorder)
		return jump(seq, more, number);
	return behind(seq, more, (uint16_t)(0u - ahead));
}

void rln_seq_counts(const struct rln_seq *seq, const struct rln_seq_more *more, struct rln_seq_counts *out)
{
	*out = (struct rln_seq_counts){
		.expected = more->running ? seq->max - more->base + 1 : 0,
		.in_order = seq->in_order,
		.reordered = more->reordered,
		.duplicate = more->duplicate,
		.too_late = more->too_late,
		.before_base = more->before_base,
		.jump = more->jump,
	};
}

void rln_seq_counts_total(const struct rln_seq *seq, const struct rln_seq_more *more, struct rln_seq_counts *out)
{
	rln_seq_counts(seq, more, out);
	counts_add(out, &more->past);
}

uint8_t rln_seq_report(const struct rln_seq *seq, struct rln_seq_more *more, int32_t *lost, uint32_t *highest)
{
	struct rln_seq_counts c;
	uint32_t expected, received;
	int32_t delta_lost;

	rln_seq_counts(seq, more, &c);
	*lost = rln_seq_lost(&c);
	*lost = *lost > 0x7fffff ? 0x7fffff : *lost < -0x800000 ? -0x800000 : *lost;
	*highest = more->running ? seq->max : 0;
	expected = c.expected - more->report_expected;
	received = rln_seq_received(&c) - more->report_received;
	more->report_expected = c.expected;
	more->report_received = rln_seq_received(&c);
	delta_lost = (int32_t)(expected - received);
	if (delta_lost <= 0 || expected == 0)
		return 0;
	/* Everything lost would be 256: the field has 8 bits. */
	return (uint8_t)(((uint64_t)delta_lost << 8) / expected > 255 ? 255 : ((uint64_t)delta_lost << 8) / expected);
}
