/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls from templates, step by step, for the modes that need them: all on the generator's one thread. */
#pragma once

#include "bench/gen/gen.h"

struct calls;

struct calls *calls_new(struct gen *g, const struct gen_options *o); /* NULL: no memory */
void calls_free(struct calls *c);
/* Instead of holding and hanging up by itself: tells slot and the peer's media port of each answered call. */
void calls_on_answer(struct calls *c, void (*answer)(void *arg, uint32_t slot, uint16_t media), void *arg);
/* INVITE with our media port; counted as skipped when the table is full. */
void calls_start(struct calls *c, uint64_t now, uint16_t media);
void calls_hangup(struct calls *c, uint32_t slot, uint64_t now);
/* A re-INVITE that holds the peer (sendonly), or resumes it (sendrecv). False: the call is not up, or the last one is unanswered. */
bool calls_change(struct calls *c, uint32_t slot, uint64_t now);
/* Told when its 200 came, with the slot and our media port; `arg` as in calls_on_answer(). */
void calls_on_change(struct calls *c, void (*change)(void *arg, uint32_t slot, uint16_t media));
bool calls_is_held(const struct calls *c, uint32_t slot);
struct calls_changes {
	uint64_t asked, answered, refused, wrong_direction, p50_us, p99_us, max_us; /* times from re-INVITE to 200 */
};
struct calls_changes calls_changes(const struct calls *c);
/* For gen_poll(): a datagram to our SIP port. */
void calls_take(void *calls, const struct gen_datagram *d);
/* Hang-ups and retransmissions that fell due. */
void calls_step(struct calls *c, uint64_t now);
uint32_t calls_up(const struct calls *c);
uint64_t calls_answered(const struct calls *c);
uint64_t calls_retransmitted(const struct calls *c);
bool calls_clean(const struct calls *c); /* nothing failed, nothing is left */
