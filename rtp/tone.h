/* SPDX-License-Identifier: BSD-3-Clause */
/* A sine at an exact frequency: 32-bit phase accumulator over a table of 1,024 values with interpolation. owner: the leg's worker. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rln_tone {
	uint32_t phase, step;
	int16_t peak;
};

/* level in dBm0: 0 dBm0 is 3.14 dB below G.711's overload, for A-law and mu-law taken alike (peak 22,826). Frequency below half the rate. */
void rln_tone_init(struct rln_tone *tone, double hz, double level_dbm0, uint32_t sample_hz);
void rln_tone_fill(struct rln_tone *tone, int16_t *pcm, size_t samples);
