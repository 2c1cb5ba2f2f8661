/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of codecs: one const row each, indexed by enum rln_codec. G.711 by table, a frame at a time, no state (ITU-T G.711).
 * Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lcore/types.h"

struct rln_codec_row {
	const char *name;           /* as rtpmap has it */
	uint8_t payload_type;       /* static one (RFC 3551), or 255 */
	uint32_t clock_hz, sample_hz;
	uint8_t octets_per_ms;      /* of payload */
	uint8_t silence;            /* payload octet that decodes to silence */
	/* n samples to octets and back; return what they wrote. */
	size_t (*encode)(uint8_t *out, const int16_t *pcm, size_t samples);
	size_t (*decode)(int16_t *pcm, const uint8_t *in, size_t octets);
};

/* The row of a codec; NULL for RLN_CODEC_NONE and numbers beyond the table. */
const struct rln_codec_row *rln_codec_row(enum rln_codec codec);

uint8_t rln_ulaw_encode(int16_t sample);
int16_t rln_ulaw_decode(uint8_t octet);
uint8_t rln_alaw_encode(int16_t sample);
int16_t rln_alaw_decode(uint8_t octet);
