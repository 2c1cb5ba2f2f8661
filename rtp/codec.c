/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * G.711. Decoding: a table of 256 values per law, computed by the compiler. Encoding: a code is sign, exponent and four bits of mantissa,
 * which is what a float has at the top, so a conversion, a shift and a subtraction make it, without a branch: eight samples at a time
 * where the compiler has vectors for it. Rejected: a table of 16,384 codes per law (two thirds of a first-level cache for both).
 *
 * Rounding on a decision value, which G.711 leaves open for linear input: A-law takes a negative sample's one's complement, mu-law its absolute value, as
 * spandsp, SoX and the common peers do (ITU-T G.191's mu-law takes the one's complement; recordings would differ from theirs in 2 % of the samples).
 */
#include "rtp/codec.h"

#include <strings.h>

/* Of mu-law the value is ((mantissa * 8 + 132) << exponent) - 132, the code's bits are inverted. */
#define U_MAGNITUDE(c) (((((~(c)&15) << 3) + 132) << ((~(c) >> 4) & 7)) - 132)
#define U(c)           ((c)&128 ? U_MAGNITUDE(c) : -U_MAGNITUDE(c))
/* Of A-law every other bit is inverted; exponents 0 and 1 have the same step. */
#define A_MANTISSA(c)  ((((c) ^ 0x55) & 15) << 4)
#define A_EXPONENT(c)  ((((c) ^ 0x55) >> 4) & 7)
#define A_MAGNITUDE(c) (A_EXPONENT(c) ? (A_MANTISSA(c) + 264) << (A_EXPONENT(c) ? A_EXPONENT(c) - 1 : 0) : A_MANTISSA(c) + 8)
#define A(c)           ((c)&128 ? A_MAGNITUDE(c) : -A_MAGNITUDE(c))
#define X4(f, c)       f(c), f((c) + 1), f((c) + 2), f((c) + 3)
#define X16(f, c)      X4(f, c), X4(f, (c) + 4), X4(f, (c) + 8), X4(f, (c) + 12)
#define X64(f, c)      X16(f, c), X16(f, (c) + 16), X16(f, (c) + 32), X16(f, (c) + 48)
#define X256(f)        X64(f, 0), X64(f, 64), X64(f, 128), X64(f, 192)

const int16_t rln_pcmu_to_linear[256] = {X256(U)};
const int16_t rln_pcma_to_linear[256] = {X256(A)};

/* Exponent and the four bits below the leading one, of a whole number up to 2^24. */
static inline uint32_t top_bits(int32_t v)
{
	union {
		float f;
		uint32_t bits;
	} u = {.f = (float)v};

	return u.bits >> 19;
}

#define EXPONENT(n) ((127u + (n)) << 4) /* of top_bits(1 << n) */

/* Vectors at -O2 too; clang makes them anyway. */
#if defined(__GNUC__) && !defined(__clang__)
#define VECTOR __attribute__((optimize("O3")))
#else
#define VECTOR
#endif

VECTOR static unsigned pcmu_encode(const int16_t *restrict in, unsigned n, uint8_t *restrict out)
{
	for (unsigned i = 0; i < n; i++) {
		int32_t sign = in[i] >> 15, magnitude = (((in[i] ^ sign) - sign) >> 2) + 33; /* 14 bits, bias 33 */

		magnitude = magnitude < 0x1fff ? magnitude : 0x1fff;
		out[i] = (uint8_t)(~(top_bits(magnitude) - EXPONENT(5)) ^ (uint32_t)(sign & 0x80));
	}
	return n;
}

VECTOR static unsigned pcma_encode(const int16_t *restrict in, unsigned n, uint8_t *restrict out)
{
	for (unsigned i = 0; i < n; i++) {
		int32_t sign = in[i] >> 15, magnitude = (in[i] ^ sign) >> 4; /* 11 bits */
		int32_t top = (int32_t)(top_bits(magnitude) - EXPONENT(3));
		int32_t code = top + ((magnitude - top) & ((magnitude - 16) >> 31)); /* below 16 there is no leading one */

		out[i] = (uint8_t)((code ^ 0xd5) ^ (sign & 0x80));
	}
	return n;
}

static inline unsigned g711_decode(const int16_t table[256], const uint8_t *in, unsigned n, int16_t *out)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = table[in[i]];
	return n;
}

static unsigned pcmu_decode(const uint8_t *in, unsigned n, int16_t *out)
{
	return g711_decode(rln_pcmu_to_linear, in, n, out);
}

static unsigned pcma_decode(const uint8_t *in, unsigned n, int16_t *out)
{
	return g711_decode(rln_pcma_to_linear, in, n, out);
}

static unsigned none_encode(const int16_t *in, unsigned n, uint8_t *out)
{
	(void)in, (void)n, (void)out;
	return 0;
}

static unsigned none_decode(const uint8_t *in, unsigned n, int16_t *out)
{
	(void)in, (void)n, (void)out;
	return 0;
}

const struct rln_codec_row rln_codecs[RLN_CODEC_COUNT] = {
	[RLN_CODEC_NONE] = {"", UINT8_MAX, 0, 0, 0, 0, none_encode, none_decode},
	[RLN_CODEC_PCMU] = {"PCMU", 0, 8, 8, 0xff, 8, pcmu_encode, pcmu_decode},
	[RLN_CODEC_PCMA] = {"PCMA", 8, 8, 8, 0xd5, 8, pcma_encode, pcma_decode},
};

void rln_codec_map(enum rln_codec from, enum rln_codec to, uint8_t map[256])
{
	uint8_t code[256];
	int16_t pcm[256];

	for (unsigned i = 0; i < 256; i++)
		code[i] = (uint8_t)i;
	rln_codec_decode(from, code, 256, pcm);
	rln_codec_encode(to, pcm, 256, map);
}

enum rln_codec rln_codec_find(const char *name, uint32_t clock_hz)
{
	for (unsigned i = RLN_CODEC_NONE + 1; i < RLN_CODEC_COUNT; i++) {
		if (strcasecmp(rln_codecs[i].name, name) == 0 && rln_codecs[i].clock_khz * 1000u == clock_hz)
			return (enum rln_codec)i;
	}
	return RLN_CODEC_NONE;
}

enum rln_codec rln_codec_of_payload_type(uint8_t payload_type)
{
	for (unsigned i = RLN_CODEC_NONE + 1; i < RLN_CODEC_COUNT; i++) {
		if (rln_codecs[i].payload_type == payload_type)
			return (enum rln_codec)i;
	}
	return RLN_CODEC_NONE;
}
