/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any rate from 8 to 192 kHz down to 8 kHz, for prompts at load: a polyphase low-pass filter (Kaiser-windowed sinc, 3.4 kHz pass,
 * 4 kHz stop, 70 dB). File thread only: floating point and an allocation at create.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rln_resample;

/* 0, -EINVAL (rate out of bounds, or a ratio to 8 kHz that needs too large a table) or -ENOMEM. */
int rln_resample_create(struct rln_resample **out, uint32_t rate) __attribute__((warn_unused_result));
void rln_resample_destroy(struct rln_resample *r);
/* Back to the start of a stream. */
void rln_resample_reset(struct rln_resample *r);
/*
 * Takes input from `in` (NULL: silence, to flush the last half filter) and gives at most `room` samples at 8 kHz; *taken says how much input
 * it used. Output k belongs to input time k * rate / 8000: no delay. Returns samples given.
 */
size_t rln_resample_run(struct rln_resample *r, const int16_t *in, size_t in_n, size_t *taken, int16_t *out, size_t room);
/* Samples at 8 kHz of a file with `frames` frames. */
uint64_t rln_resample_length(uint64_t frames, uint32_t rate);
