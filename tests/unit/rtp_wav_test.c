/* SPDX-License-Identifier: BSD-3-Clause */
/* The WAV format: what we write we read, what others write we read, what is broken gets its own refusal; and the way to 8 kHz. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lcore/heap.h"
#include "rtp/codec.h"
#include "rtp/resample.h"
#include "rtp/wav.h"

static uint8_t file[4096];
static size_t file_len;

static void put(const void *data, size_t len)
{
	memcpy(file + file_len, data, len);
	file_len += len;
}

static void put_le(uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++, v >>= 8)
		file[file_len++] = (uint8_t)v;
}

static void riff(void)
{
	file_len = 0;
	put("RIFF", 4);
	put_le(1000, 4);
	put("WAVE", 4);
}

static void chunk(const char *name, uint32_t size)
{
	put(name, 4);
	put_le(size, 4);
}

static void format(unsigned tag, unsigned channels, uint32_t rate, unsigned bits)
{
	chunk("fmt ", 16);
	put_le(tag, 2);
	put_le(channels, 2);
	put_le(rate, 4);
	put_le(rate * channels * bits / 8, 4);
	put_le(channels * bits / 8, 2);
	put_le(bits, 2);
}

/* In an allocation of its own, so that the address sanitizer sees the first byte read beyond it. */
static int parse_len(size_t len, struct rln_wav_info *info)
{
	uint8_t *exact = malloc(len ? len : 1);
	int rc;

	memcpy(exact, file, len);
	rc = rln_wav_parse(exact, len, info);
	free(exact);
	return rc;
}

static int parse(struct rln_wav_info *info)
{
	return parse_len(file_len, info);
}

static void test_own_header(void **state)
{
	const uint8_t want[RLN_WAV_HEADER] = {'R', 'I', 'F', 'F', 36 + 64, 1, 0, 0, 'W', 'A', 'V', 'E', 'f', 'm', 't', ' ', 16, 0,
		0, 0, 1, 0, 2, 0, 0x40, 0x1f, 0, 0, 0, 0x7d, 0, 0, 4, 0, 16, 0, 'd', 'a', 't', 'a', 64, 1, 0, 0};
	struct rln_wav_info info;

	(void)state;
	rln_wav_header(file, 2, 80);
	assert_memory_equal(file, want, RLN_WAV_HEADER);
	file_len = RLN_WAV_HEADER + 320;
	assert_int_equal(parse(&info), 0);
	assert_int_equal(info.frames, 80);
	assert_int_equal(info.channels, 2);
	assert_int_equal(info.rate, 8000);
	assert_int_equal(info.data_at, 44);
	assert_int_equal(info.frame_bytes, 4);
	/* Sizes at the limit of 32 bits stay consistent */
	for (unsigned channels = 1; channels <= 2; channels++) {
		uint64_t most = rln_wav_frames_max(channels);
		uint32_t riff_size, data_size;

		for (uint64_t frames = most - 1; frames < most + 3; frames++) {
			rln_wav_header(file, channels, frames);
			memcpy(&riff_size, file + 4, 4);
			memcpy(&data_size, file + 40, 4);
			assert_int_equal(riff_size, (uint64_t)data_size + 36);
			assert_int_equal(data_size, (frames < most ? frames : most) * 2 * channels);
		}
	}
}

static void test_chunks(void **state)
{
	struct rln_wav_info info;

	(void)state;
	riff();
	chunk("LIST", 5); /* odd: a byte of padding */
	put("abcde\0", 6);
	format(1, 1, 16000, 16);
	chunk("fact", 4);
	put_le(2, 4);
	chunk("data", 4);
	put("\x01\x00\xff\x7f", 4);
	chunk("LIST", 4);
	put("tail", 4);
	assert_int_equal(parse(&info), 0);
	assert_int_equal(info.rate, 16000);
	assert_int_equal(info.frames, 2);
	assert_memory_equal(file + info.data_at, "\x01\x00\xff\x7f", 4);
	/* WAVE_FORMAT_EXTENSIBLE, and a fmt chunk of 18 */
	riff();
	chunk("fmt ", 40);
	put_le(0xfffe, 2), put_le(2, 2), put_le(48000, 4), put_le(192000, 4), put_le(4, 2), put_le(16, 2), put_le(22, 2),
		put_le(16, 2), put_le(3, 4);
	put("\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71", 16);
	chunk("data", 8);
	put_le(0, 4), put_le(0, 4);
	assert_int_equal(parse(&info), 0);
	assert_int_equal(info.channels, 2);
	assert_int_equal(info.frames, 2);
	file[12 + 8 + 24] = 3; /* floats */
	assert_int_equal(parse(&info), -ENOTSUP);
	riff();
	format(7, 1, 8000, 8);
	file[16] = 18;
	put_le(0, 2);
	chunk("data", 3);
	put("\xff\x7f\x00", 3);
	assert_int_equal(parse(&info), 0);
	assert_int_equal(info.encoding, RLN_WAV_ULAW);
	assert_int_equal(info.frames, 3);
}

static void test_sizes_that_lie(void **state)
{
	const uint32_t sizes[] = {0, 0xffffffff, 0x7fffffff, 101};
	struct rln_wav_info info;

	(void)state;
	for (unsigned i = 0; i < 4; i++) { /* the file's end decides */
		riff();
		format(1, 1, 8000, 16);
		chunk("data", sizes[i]);
		file_len += 100;
		assert_int_equal(parse(&info), 0);
		assert_int_equal(info.frames, 50);
	}
	riff();
	format(1, 2, 8000, 16);
	chunk("data", 7); /* a frame that is cut */
	file_len += 7;
	assert_int_equal(parse(&info), 0);
	assert_int_equal(info.frames, 1);
	riff();
	chunk("LIST", 0xffffffff); /* leads out of the file */
	format(1, 1, 8000, 16);
	assert_int_equal(parse(&info), -EINVAL);
	riff();
	for (unsigned i = 0; i < 300; i++) /* never comes to the data */
		chunk("junk", 0);
	assert_int_equal(parse(&info), -EINVAL);
}

static void test_refusals(void **state)
{
	static const struct {
		unsigned tag, channels, rate, bits;
		int rc;
	} formats[] = {{1, 1, 8000, 16, 0}, {1, 1, 192000, 16, 0}, {6, 2, 8000, 8, 0}, {7, 1, 44100, 8, 0},
		{1, 1, 8000, 8, -ENOTSUP}, {1, 1, 8000, 24, -ENOTSUP}, {3, 1, 8000, 32, -ENOTSUP}, {1, 3, 8000, 16, -ENOTSUP},
		{1, 1, 7999, 16, -ENOTSUP}, {1, 1, 192001, 16, -ENOTSUP}, {0x55, 1, 8000, 16, -ENOTSUP},
		{6, 1, 8000, 16, -ENOTSUP}, {1, 0, 8000, 16, -EINVAL}, {1, 1, 0, 16, -EINVAL}, {1, 1, 8000, 0, -EINVAL}};
	struct rln_wav_info info;

	(void)state;
	for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		riff();
		format(formats[i].tag, formats[i].channels, formats[i].rate, formats[i].bits);
		chunk("data", 64);
		file_len += 64;
		assert_int_equal(parse(&info), formats[i].rc);
		if (formats[i].rc == 0) {
			file[12 + 8 + 12] ^= 1; /* block align that contradicts */
			assert_int_equal(parse(&info), -EINVAL);
		}
	}
	riff();
	chunk("data", 4); /* before its format */
	put_le(0, 4);
	assert_int_equal(parse(&info), -EINVAL);
	riff();
	format(1, 1, 8000, 16);
	format(1, 1, 8000, 16);
	assert_int_equal(parse(&info), -EINVAL);
	riff();
	chunk("fmt ", 15);
	file_len += 64;
	assert_int_equal(parse(&info), -EINVAL);
	riff();
	format(1, 1, 8000, 16);
	assert_int_equal(parse(&info), -ENODATA);
	chunk("data", 0);
	assert_int_equal(parse(&info), -ENODATA);
	file[0] = 'r';
	assert_int_equal(parse(&info), -EINVAL);
	memcpy(file, "RF64", 4);
	assert_int_equal(parse(&info), -ENOTSUP);
	memcpy(file, "RIFX", 4);
	assert_int_equal(parse(&info), -ENOTSUP);
	riff();
	file[8] = 'A';
	assert_int_equal(parse(&info), -EINVAL);
}

static void test_cut_anywhere(void **state)
{
	struct rln_wav_info info;

	(void)state;
	rln_wav_header(file, 1, 10);
	for (size_t len = 0; len <= RLN_WAV_HEADER + 20; len++) {
		int rc = parse_len(len, &info);

		if (len < 36)
			assert_int_equal(rc, -EINVAL);
		else
			assert_int_equal(rc, len < RLN_WAV_HEADER + 2 ? -ENODATA : 0);
	}
}

static void test_decode(void **state)
{
	struct rln_wav_info info = {.channels = 1, .encoding = RLN_WAV_PCM16, .frame_bytes = 2};
	const uint8_t pcm[] = {0x01, 0x00, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x80}, codes[] = {0x00, 0x80, 0x2a, 0xd5};
	int16_t out[4];

	(void)state;
	rln_wav_decode(&info, pcm, 4, out);
	assert_memory_equal(out, ((int16_t[]){1, -1, 32767, -32768}), 8);
	info.channels = 2;
	rln_wav_decode(&info, pcm, 2, out);
	assert_int_equal(out[0], 0);
	assert_int_equal(out[1], 0); /* (32767 - 32768) / 2 */
	info = (struct rln_wav_info){.channels = 1, .encoding = RLN_WAV_ULAW};
	rln_wav_decode(&info, codes, 4, out);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(out[i], rln_pcmu_to_linear[codes[i]]);
	info.encoding = RLN_WAV_ALAW;
	rln_wav_decode(&info, codes, 4, out);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(out[i], rln_pcma_to_linear[codes[i]]);
	info.channels = 2;
	rln_wav_decode(&info, codes, 2, out);
	assert_int_equal(out[1], (rln_pcma_to_linear[0x2a] + 8) / 2);
}

/* ---- to 8 kHz ---- */

/* Power of the part of `x` at `hz`, as an amplitude. */
static double amplitude(const int16_t *x, unsigned n, double hz)
{
	double c = 0, s = 0;

	for (unsigned i = 0; i < n; i++) {
		c += x[i] * cos(2 * M_PI * hz * i / 8000);
		s += x[i] * sin(2 * M_PI * hz * i / 8000);
	}
	return 2 * sqrt(c * c + s * s) / n;
}

/* A second of a tone through the filter, in pieces of odd sizes. Returns samples. */
static size_t resampled(uint32_t rate, double hz, int16_t out[8200])
{
	struct rln_resample *r = NULL;
	int16_t *in = malloc(rate * sizeof(*in));
	size_t at = 0, given = 0, taken, piece = 1;

	for (uint32_t i = 0; i < rate; i++)
		in[i] = (int16_t)lrint(10000 * sin(2 * M_PI * hz * i / rate));
	assert_int_equal(rln_resample_create(&r, rate), 0);
	while (at < rate) {
		size_t n = rate - at < piece ? rate - at : piece;

		given += rln_resample_run(r, in + at, n, &taken, out + given, given % 2 ? 1 : 100);
		at += taken;
		piece = piece * 3 % 4999;
	}
	while (given < rln_resample_length(rate, rate))
		given += rln_resample_run(r, NULL, 100, &taken, out + given, 8000 - given);
	rln_resample_destroy(r);
	free(in);
	return given;
}

static void test_resample(void **state)
{
	const uint32_t rates[] = {11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000};
	static int16_t out[8200];

	(void)state;
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const double pass[] = {300, 1000, 2000, 3400};

		for (unsigned k = 0; k < 4; k++) {
			double worst = 0;

			assert_int_equal(resampled(rates[i], pass[k], out), 8000);
			/* In its place, too: no delay, no lost sample */
			for (unsigned n = 200; n < 7800; n++)
				worst = fmax(worst, fabs(out[n] - 10000 * sin(2 * M_PI * pass[k] * n / 8000)));
			assert_true(worst < 40); /* -48 dB, most of it is level at 3.4 kHz */
		}
		for (double hz = 4300; hz < rates[i] / 2.0 && hz < 9000;
			hz += 700) { /* what would fold back is gone: 60 dB and more */
			double alias = fabs(hz - 8000 * round(hz / 8000));

			resampled(rates[i], hz, out);
			assert_true(amplitude(out + 200, 7600, alias) < 10);
		}
	}
}

static void test_resample_faults(void **state)
{
	struct rln_resample *r = NULL;
	int64_t before = rln_heap_live_count();

	(void)state;
	assert_int_equal(rln_resample_create(&r, 7999), -EINVAL);
	assert_int_equal(rln_resample_create(&r, 192001), -EINVAL);
	assert_int_equal(rln_resample_create(&r, 44101), -EINVAL); /* 8,000 phases */
	for (unsigned nth = 1;; nth++) {
		rln_heap_fail_nth(nth);
		if (rln_resample_create(&r, 44100) == 0)
			break;
		assert_true(nth <= 2);
		assert_int_equal(rln_heap_live_count(), before);
	}
	rln_heap_fail_nth(0);
	rln_resample_destroy(r);
	rln_resample_destroy(NULL);
	assert_int_equal(rln_heap_live_count(), before);
	assert_int_equal(rln_resample_length(0, 44100), 0);
	assert_int_equal(rln_resample_length(1, 44100), 1);
	assert_int_equal(rln_resample_length(44100, 44100), 8000);
	assert_int_equal(rln_resample_length(44101, 44100), 8001);
}

/* Loud input at the filter's overshoot stays within 16 bits, silence is silence, and a reset forgets. */
static void test_resample_edges(void **state)
{
	struct rln_resample *r = NULL;
	static int16_t in[48000], out[9000];
	size_t taken;

	(void)state;
	for (unsigned i = 0; i < 48000; i++)
		in[i] = i / 20 % 2 ? 32767 : -32768;
	assert_int_equal(rln_resample_create(&r, 48000), 0);
	rln_resample_run(r, in, 48000, &taken, out, 9000);
	assert_int_equal(taken, 48000);
	for (unsigned i = 100; i < 7900; i++) /* a square wave of 1,200 Hz: no wrap round from loud to loud */
		assert_true(abs(out[i] - out[i + 20]) < 8);
	rln_resample_reset(r);
	memset(in, 0, sizeof(in));
	rln_resample_run(r, in, 48000, &taken, out, 9000);
	for (unsigned i = 0; i < 7900; i++)
		assert_int_equal(out[i], 0);
	rln_resample_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_header),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_sizes_that_lie),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_resample),
		cmocka_unit_test(test_resample_faults),
		cmocka_unit_test(test_resample_edges),
	};

	return cmocka_run_group_tests_name("rtp_wav", tests, NULL, NULL);
}
