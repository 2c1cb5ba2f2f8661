/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The WAV format (RIFF/WAVE): bytes in and out, no files. A reader walks the chunks by asking for a few bytes at a time, so a
 * chunk of any length costs nothing; what it accepts is PCM of 16 bits, A-law and mu-law, one or two channels, 8 to 192 kHz.
 * A recording is PCM of 16 bits at 8 kHz with the plain 44-byte header; the sizes are patched in when it is closed. Sizes are 32
 * bits: we write no RF64, a recording ends at RLN_WAV_DATA_MAX (37 h of stereo).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RLN_WAV_HEADER 44u
#define RLN_WAV_RATE   8000u /* of what we write, and of every sample in rtp/ */
#define RLN_WAV_DATA_MAX                                                                                                         \
	(0xffffffffu - RLN_WAV_HEADER) /* RIFF's size counts 36 bytes more than the data; a whole number of frames below */
#define RLN_WAV_SCAN_MAX   40u         /* bytes that a step of the scan asks for at most */
#define RLN_WAV_CHUNKS_MAX 64u         /* a file with more in front of its data is refused */

enum rln_wav_encoding { RLN_WAV_PCM16, RLN_WAV_ALAW, RLN_WAV_ULAW };

struct rln_wav_info {
	uint64_t data_at;  /* offset of the first sample in the file */
	uint64_t frames;   /* sample frames (one sample per channel) that are really there */
	uint32_t rate;     /* Hz */
	uint16_t channels; /* 1 or 2 */
	uint8_t encoding;  /* enum rln_wav_encoding */
	uint8_t frame_bytes;
};

struct rln_wav_scan {  /* where the walk over the chunks is */
	uint64_t at;   /* read from this offset, */
	uint32_t want; /* this many bytes */
	uint64_t file_size;
	uint32_t chunks;
	uint8_t step;
	bool has_format;
	struct rln_wav_info info;
};

void rln_wav_scan_init(struct rln_wav_scan *scan, uint64_t file_size);
/*
 * The bytes it wanted (fewer only at the end of the file). 1: it wants more; 0: scan->info is complete; -EINVAL: not a WAV file, or
 * one that contradicts itself; -ENOTSUP: a WAV file with an encoding, rate or channel count that we do not play; -ENODATA: no samples.
 * A data chunk that is longer than the file (a recorder that died, a stream) ends where the file does.
 */
int rln_wav_scan_feed(struct rln_wav_scan *scan, const uint8_t *data, size_t len);
/* The whole walk over a file in memory. 0 or as above. */
int rln_wav_parse(const uint8_t *data, size_t len, struct rln_wav_info *out);

/* `frames` sample frames to one channel at the file's own rate; two channels are averaged. */
void rln_wav_decode(const struct rln_wav_info *info, const uint8_t *data, size_t frames, int16_t *out);

/* The header of a recording with `frames` sample frames so far. */
void rln_wav_header(uint8_t out[RLN_WAV_HEADER], unsigned channels, uint64_t frames);
/* Sample frames that a recording may have. */
uint64_t rln_wav_frames_max(unsigned channels);
