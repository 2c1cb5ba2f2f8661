/* SPDX-License-Identifier: BSD-3-Clause */
/* G.711 against a plain reading of its tables, over all codes and all samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "rtp/codec.h"

/* The text's own loops. Decision values from G.711 tables: segments of 16 steps, each twice as wide as the one before. */
static uint8_t pcmu_of(int sample)
{
	int magnitude = (sample < 0 ? -sample : sample) / 4 + 33, segment = 1, edge = 64;

	if (magnitude > 8191)
		magnitude = 8191;
	while (magnitude >= edge) {
		edge *= 2;
		segment++;
	}
	return (uint8_t)((sample < 0 ? 0 : 128) | (8 - segment) << 4 | (15 - (magnitude - edge / 2) / (edge / 32)));
}

static uint8_t pcma_of(int sample)
{
	int magnitude = (sample < 0 ? -1 - sample : sample) / 16, segment = 0, code;

	if (magnitude < 16) {
		code = magnitude;
	} else {
		for (segment = 1; magnitude > 31; segment++)
			magnitude /= 2;
		code = segment * 16 + magnitude - 16;
	}
	return (uint8_t)((code + (sample < 0 ? 0 : 128)) ^ 0x55);
}

static int pcmu_value(uint8_t code)
{
	int inverted = 255 - code, exponent = inverted / 16 % 8, mantissa = inverted % 16, value = 2 * mantissa + 33;

	for (int i = 0; i < exponent; i++)
		value *= 2;
	value = 4 * (value - 33);
	return code < 128 ? -value : value;
}

static int pcma_value(uint8_t code)
{
	int c = code ^ 0x55, exponent = c / 16 % 8, value = c % 16 * 16 + 8;

	if (exponent > 0)
		value += 256;
	for (int i = 1; i < exponent; i++)
		value *= 2;
	return c < 128 ? -value : value;
}

static void test_all_codes(void **state)
{
	uint8_t code[256], again[256];
	int16_t value[256];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		code[i] = (uint8_t)i;
	assert_int_equal(rln_codec_decode(RLN_CODEC_PCMU, code, 256, value), 256);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(value[i], pcmu_value((uint8_t)i));
	assert_int_equal(rln_codec_encode(RLN_CODEC_PCMU, value, 256, again), 256);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(again[i], i == 0x7f ? 0xff : i); /* minus zero is zero */
	assert_int_equal(rln_codec_decode(RLN_CODEC_PCMA, code, 256, value), 256);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(value[i], pcma_value((uint8_t)i));
	assert_int_equal(rln_codec_encode(RLN_CODEC_PCMA, value, 256, again), 256);
	assert_memory_equal(again, code, 256);
}

static void test_all_samples(void **state)
{
	static int16_t in[65536];
	static uint8_t out[65536];

	(void)state;
	for (int i = 0; i < 65536; i++)
		in[i] = (int16_t)(i - 32768);
	rln_codec_encode(RLN_CODEC_PCMU, in, 65536, out);
	for (int i = 0; i < 65536; i++)
		assert_int_equal(out[i], pcmu_of(in[i]));
	rln_codec_encode(RLN_CODEC_PCMA, in, 65536, out);
	for (int i = 0; i < 65536; i++)
		assert_int_equal(out[i], pcma_of(in[i]));
}

/* Values that are printed in many places. */
static void test_known(void **state)
{
	(void)state;
	assert_int_equal(rln_pcmu_to_linear[0x00], -32124);
	assert_int_equal(rln_pcmu_to_linear[0x80], 32124);
	assert_int_equal(rln_pcmu_to_linear[0xff], 0);
	assert_int_equal(rln_pcmu_to_linear[0x7f], 0);
	assert_int_equal(rln_pcma_to_linear[0x2a], -32256);
	assert_int_equal(rln_pcma_to_linear[0xaa], 32256);
	assert_int_equal(rln_pcma_to_linear[0xd5], 8);
	assert_int_equal(rln_pcma_to_linear[0x55], -8);
}

/* Every length and place: the vector body and its rest agree. */
static void test_any_length(void **state)
{
	int16_t in[200];
	uint8_t whole[200], part[200];

	(void)state;
	for (int i = 0; i < 200; i++)
		in[i] = (int16_t)(i * 977 - 30000);
	for (enum rln_codec c = RLN_CODEC_PCMU; c <= RLN_CODEC_PCMA; c++) {
		rln_codec_encode(c, in, 200, whole);
		for (unsigned n = 0; n <= 160; n++) {
			memset(part, 0x5a, sizeof(part));
			assert_int_equal(rln_codec_encode(c, in + n % 7, n, part + n % 5), n);
			assert_memory_equal(part + n % 5, whole + n % 7, n);
			assert_int_equal(part[n % 5 + n], 0x5a);
		}
	}
}

static void test_table(void **state)
{
	int16_t silence;
	uint8_t byte = 1;

	(void)state;
	assert_int_equal(rln_codec_find("PCMU", 8000), RLN_CODEC_PCMU);
	assert_int_equal(rln_codec_find("pcma", 8000), RLN_CODEC_PCMA);
	assert_int_equal(rln_codec_find("PCMU", 16000), RLN_CODEC_NONE);
	assert_int_equal(rln_codec_find("", 0), RLN_CODEC_NONE);
	assert_int_equal(rln_codec_of_payload_type(0), RLN_CODEC_PCMU);
	assert_int_equal(rln_codec_of_payload_type(8), RLN_CODEC_PCMA);
	assert_int_equal(rln_codec_of_payload_type(9), RLN_CODEC_NONE);
	assert_int_equal(rln_codec_encode(RLN_CODEC_NONE, &silence, 1, &byte), 0);
	assert_int_equal(rln_codec_decode(RLN_CODEC_NONE, &byte, 1, &silence), 0);
	assert_int_equal(byte, 1);
	for (enum rln_codec c = RLN_CODEC_PCMU; c < RLN_CODEC_COUNT; c++) {
		assert_string_equal(rln_codecs[c].name, rln_codec_name(c));
		rln_codec_decode(c, &rln_codecs[c].silence, 1, &silence);
		assert_in_range(silence, 0, 8);
		assert_int_equal(rln_codecs[c].samples_per_ms, 8);
		assert_int_equal(rln_codecs[c].clock_khz, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_codes),
		cmocka_unit_test(test_all_samples),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_any_length),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("rtp_codec", tests, NULL, NULL);
}
