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
/* For gen_poll(): a datagram to our SIP port. */
void calls_take(void *calls, const struct gen_datagram *d);
/* Hang-ups and retransmissions that fell due. */
void calls_step(struct calls *c, uint64_t now);
uint32_t calls_up(const struct calls *c);
uint64_t calls_answered(const struct calls *c);
bool calls_clean(const struct calls *c); /* nothing failed, nothing is left */
