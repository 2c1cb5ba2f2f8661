/* SPDX-License-Identifier: BSD-3-Clause */
/* WAV files that tests play: 16 bits, mono, 8 kHz. Written without rtp/wav.c, which is under test. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static inline void wav_put_le(uint8_t *at, uint32_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

static inline void wav_write(const char *path, const int16_t *samples, size_t n)
{
	uint8_t head[44] = "RIFF    WAVEfmt ";
	FILE *f = fopen(path, "wbe");

	assert_non_null(f);
	wav_put_le(head + 4, (uint32_t)(36 + 2 * n), 4);
	wav_put_le(head + 16, 16, 4);
	wav_put_le(head + 20, 1, 2);
	wav_put_le(head + 22, 1, 2);
	wav_put_le(head + 24, 8000, 4);
	wav_put_le(head + 28, 16000, 4);
	wav_put_le(head + 32, 2, 2);
	wav_put_le(head + 34, 16, 2);
	memcpy(head + 36, "data", 4);
	wav_put_le(head + 40, (uint32_t)(2 * n), 4);
	assert_int_equal(fwrite(head, 1, sizeof(head), f), sizeof(head));
	for (size_t i = 0; i < n; i++) {
		uint8_t sample[2];

		wav_put_le(sample, (uint16_t)samples[i], 2);
		assert_int_equal(fwrite(sample, 1, 2, f), 2);
	}
	assert_int_equal(fclose(f), 0);
}
