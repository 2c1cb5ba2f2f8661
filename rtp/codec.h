/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of audio codecs: what each is called, its RTP clock, and its way to 16-bit samples and back over whole frames.
 * G.711 (ITU-T G.711, rounding as codec.c says): decoding by table, encoding by the exponent of a float, which compilers turn
 * into vector code. Any thread; no state.
 */
#pragma once

#include <stdint.h>

#include "lcore/types.h"

struct rln_codec_row {
	const char *name;                                                      /* as in a=rtpmap */
	uint8_t payload_type;                                                  /* static one (RFC 3551) */
	uint8_t samples_per_ms;                                                /* of audio */
	uint8_t bytes_per_ms;                                                  /* of payload */
	uint8_t silence;                                                       /* byte that decodes to the smallest level */
	uint16_t clock_khz;                                                    /* of timestamps */
	unsigned (*encode)(const int16_t *in, unsigned samples, uint8_t *out); /* returns bytes */
	unsigned (*decode)(const uint8_t *in, unsigned bytes, int16_t *out);   /* returns samples */
};

extern const struct rln_codec_row rln_codecs[RLN_CODEC_COUNT]; /* NONE: a row without name that makes nothing */
extern const int16_t rln_pcmu_to_linear[256], rln_pcma_to_linear[256];

/* Bytes written: one per sample for G.711. */
static inline unsigned rln_codec_encode(enum rln_codec codec, const int16_t *in, unsigned samples, uint8_t *out)
{
	return rln_codecs[codec].encode(in, samples, out);
}

/* Samples written. */
static inline unsigned rln_codec_decode(enum rln_codec codec, const uint8_t *in, unsigned bytes, int16_t *out)
{
	return rln_codecs[codec].decode(in, bytes, out);
}

/* Between codecs of one byte per sample: what each code of `from` is in `to`. */
void rln_codec_map(enum rln_codec from, enum rln_codec to, uint8_t map[256]);

/* enum rln_codec of an encoding name (any case) and clock in Hz; RLN_CODEC_NONE when we have none. */
enum rln_codec rln_codec_find(const char *name, uint32_t clock_hz);
/* Of a static payload type. */
enum rln_codec rln_codec_of_payload_type(uint8_t payload_type);
