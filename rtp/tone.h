/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sine at -10 dBm0. The phase counts in 1/8000 of a turn, so a whole number of Hz at 8 kHz is exact and never drifts.
 * owner: whoever holds it. No memory, no libm at run time.
 */
#pragma once

#include <stdint.h>

#define RLN_TONE_PEAK 7218 /* -10 dBm0: G.711's full scale, 32768, is a sine of +3.14 dBm0; 32768 * 10^(-13.14/20) */

struct rln_tone {
	uint16_t phase; /* of 8000 */
	uint16_t hz;    /* below 4000 */
};

/* Begins at phase 0. Frequencies of 4,000 and above fold back, as any at 8 kHz do. */
void rln_tone_init(struct rln_tone *tone, unsigned hz);
/* The next `n` samples at 8 kHz. */
void rln_tone_frame(struct rln_tone *tone, int16_t *out, unsigned n);
