/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The WAV format, bytes in and bytes out; no files here. Read: PCM 16-bit, A-law and mu-law, mono or stereo (mixed to mono), 8, 11.025, 16, 22.05, 32, 44.1 and 48 kHz, to 8 kHz
 * mono. Written: PCM 16-bit at 8 kHz. Chunks in any order, unknown ones skipped, sizes checked against what is there. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RLN_WAV_HEADER 44
#define RLN_WAV_DATA_MAX 0xffffffd0u /* bytes of samples that the header's 32-bit sizes can hold, rounded to frames */

struct rln_wav { /* what a file's header says */
	uint16_t format, channels, bits; /* format: 1 PCM, 6 A-law, 7 mu-law */
	uint32_t rate;
	size_t data_off, data_len;
};

/* 0; -EBADMSG (not WAV, or damaged); -ENOTSUP (a format that is not listed above). A data chunk that is cut short is taken as far as it goes. */
int rln_wav_parse(struct rln_wav *out, const uint8_t *data, size_t len);
/* Samples at 8 kHz that the file makes. */
size_t rln_wav_samples_8k(const struct rln_wav *wav);
/* Decodes, mixes and resamples all of it into `pcm`, which has room for rln_wav_samples_8k(). Returns samples written; -ENOMEM. */
long rln_wav_decode_8k(const struct rln_wav *wav, const uint8_t *data, int16_t *pcm);
/* Header of a PCM 16-bit, 8 kHz file with `data_bytes` of samples. */
void rln_wav_build(uint8_t out[RLN_WAV_HEADER], unsigned channels, uint32_t data_bytes);
