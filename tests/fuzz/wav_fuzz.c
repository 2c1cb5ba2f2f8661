/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a WAV file: the walk ends, what it finds lies inside the file, and all of it can be decoded and brought to 8 kHz. */
#include <stdint.h>
#include <stdlib.h>

#include "rtp/resample.h"
#include "rtp/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static void check_resample(const struct rln_wav_info *info, const int16_t *pcm, size_t frames)
{
	static int16_t out[1024];
	struct rln_resample *r;
	size_t given = 0, want = rln_resample_length(frames, info->rate), taken, at = 0;

	/* A table of many phases takes long to make: this is about the data, units are about the tables. */
	if (info->rate % 1000 || info->rate == RLN_WAV_RATE || rln_resample_create(&r, info->rate) < 0)
		return;
	while (given < want) {
		size_t left = want - given < 1024 ? want - given : 1024;

		given += at < frames ? rln_resample_run(r, pcm + at, frames - at, &taken, out, left)
				     : rln_resample_run(r, NULL, 64, &taken, out, left);
		at = at < frames ? at + taken : at;
		check(at <= frames);
	}
	rln_resample_destroy(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int16_t pcm[4096];
	struct rln_wav_info info;
	uint64_t frames;

	if (rln_wav_parse(data, size, &info) < 0)
		return 0;
	check(info.frames > 0 && info.channels >= 1 && info.channels <= 2 && info.frame_bytes >= 1 && info.frame_bytes <= 4);
	check(info.data_at + info.frames * info.frame_bytes <= size);
	check(info.rate >= 8000 && info.rate <= 192000);
	frames = info.frames < 4096 ? info.frames : 4096;
	rln_wav_decode(&info, data + info.data_at + (info.frames - frames) * info.frame_bytes, frames, pcm);
	check_resample(&info, pcm, frames);
	return 0;
}
