/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sequence accounting after RFC 3550 A.1 and A.3, with a window of 1,024 bits that tells a copy from a late packet, which A.1 cannot. Every packet
 * is in exactly one count:  received = in_order + reordered + duplicate + too_late + before_base + jump.
 *
 * Split by use: struct rln_seq is what each packet touches; the log has the window (one line of it per packet) and what is rare.
 * An epoch is a run of numbers of one source; a jump of 3,000 or more, confirmed by the next number, begins another one, and so does the user
 * with rln_seq_restart() (SSRC or codec changed). Old epochs are added up apart and never mixed into the current one.
 * owner: the leg's worker.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#define RLN_SEQ_WINDOW 1024u /* numbers, a power of two */
#define RLN_SEQ_DROPOUT 3000u
#define RLN_SEQ_MISORDER 100u
#define RLN_SEQ_NO_JUMP 0x10000u

enum rln_seq_verdict { /* what one packet was */
	RLN_SEQ_IN_ORDER,
	RLN_SEQ_REORDERED,
	RLN_SEQ_DUPLICATE,
	RLN_SEQ_TOO_LATE,
	RLN_SEQ_BEFORE_BASE,
	RLN_SEQ_JUMP,      /* held: becomes the first of a new epoch when the next number follows */
	RLN_SEQ_NEW_EPOCH, /* in order, and the held packet with it */
};

struct rln_seq_counts {
	uint32_t expected, received, in_order, reordered, duplicate, too_late, before_base, jump;
	uint32_t unique_lost; /* expected - in_order - reordered: our headline, never negative */
	int32_t lost;         /* RFC 3550: expected - received, negative when copies came */
	uint32_t reorder_distance_max;
};

struct rln_seq_log {
	uint64_t window[RLN_SEQ_WINDOW / 64]; /* bit of an extended number that has come */
	uint32_t base, jump_seq, jump_ext;    /* jump_seq: number that would confirm a jump */
	uint32_t reordered, duplicate, too_late, before_base, jump, reorder_distance_max;
	uint32_t epochs;                      /* begun; 0 = no packet yet */
	struct rln_seq_counts past;           /* sum of the ended epochs */
	uint32_t report_expected, report_received; /* at the last RTCP report, over all epochs */
};

struct rln_seq { /* 16 bytes of the leg's first line */
	struct rln_seq_log *log;
	uint32_t max;      /* highest extended number: cycles + max_seq */
	uint32_t in_order; /* of this epoch */
};

/* Everything zero but the log pointer; the first packet begins an epoch (MIN_SEQUENTIAL is 1: signalling announced the source). */
void rln_seq_init(struct rln_seq *s, struct rln_seq_log *log);
/* Ends the current epoch: the next packet begins another. */
void rln_seq_restart(struct rln_seq *s);
/* Anything but the next numbers in order. */
enum rln_seq_verdict rln_seq_update_rest(struct rln_seq *s, uint16_t seq);

static inline void rln_seq_mark(struct rln_seq_log *log, uint32_t ext)
{
	log->window[ext % RLN_SEQ_WINDOW / 64] |= 1ull << ext % 64;
}

/* One packet. */
static inline enum rln_seq_verdict rln_seq_update(struct rln_seq *s, uint16_t seq)
{
	uint32_t next = s->max + 1;

	if (__builtin_expect((uint16_t)next != seq || !s->log->epochs, 0))
		return rln_seq_update_rest(s, seq);
	s->max = next;
	s->in_order++;
	/* The word that a run enters is a window old: clear it whole when its first bit is set. */
	if (next % 64 == 0)
		s->log->window[next % RLN_SEQ_WINDOW / 64] = 0;
	rln_seq_mark(s->log, next);
	return RLN_SEQ_IN_ORDER;
}

/* Counts of the current epoch. */
void rln_seq_counts(const struct rln_seq *s, struct rln_seq_counts *out);
/* Sum over all epochs, for totals that may mix them. */
void rln_seq_totals(const struct rln_seq *s, struct rln_seq_counts *out);
/* Fraction lost since the last call, as an RTCP report block wants it (RFC 3550 A.3). */
uint8_t rln_seq_report_fraction(struct rln_seq *s);
/* Cumulative lost of this epoch, clamped to 24 bits signed. */
int32_t rln_seq_report_lost(const struct rln_seq *s);
