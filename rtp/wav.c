/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RIFF/WAVE. The scan is a walk of four steps: RIFF header, chunk header, contents of "fmt ", and on. It never trusts a size: an offset
 * that would not grow or leaves the file ends the walk, and a file that never comes to its data gets RLN_WAV_CHUNKS_MAX chunks.
 */
#include "rtp/wav.h"

#include <errno.h>
#include <string.h>

#include "rtp/codec.h"

#define RIFF_BYTES       12u /* "RIFF" size "WAVE" */
#define CHUNK_BYTES      8u  /* name and size */
#define FORMAT_BYTES     16u
#define EXTENSIBLE_BYTES 40u
#define TAG_PCM          1u
#define TAG_ALAW         6u
#define TAG_ULAW         7u
#define TAG_EXTENSIBLE   0xfffeu
#define RATE_MIN         8000u
#define RATE_MAX         192000u

enum scan_step { STEP_RIFF, STEP_CHUNK, STEP_FORMAT };

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[1] << 8 | p[0]);
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

static int ask(struct rln_wav_scan *scan, enum scan_step step, uint64_t at, uint32_t want)
{
	scan->step = (uint8_t)step;
	scan->at = at;
	scan->want = want;
	return 1;
}

void rln_wav_scan_init(struct rln_wav_scan *scan, uint64_t file_size)
{
	memset(scan, 0, sizeof(*scan));
	scan->file_size = file_size;
	ask(scan, STEP_RIFF, 0, RIFF_BYTES);
}

/* Contents of "fmt ". `len` is at least FORMAT_BYTES. */
static int format_read(struct rln_wav_info *info, const uint8_t *p, size_t len)
{
	uint16_t tag = le16(p), channels = le16(p + 2), frame_bytes = le16(p + 12), bits = le16(p + 14);

	if (tag == TAG_EXTENSIBLE) {
		if (len < EXTENSIBLE_BYTES)
			return -EINVAL;
		tag = le16(p + 24); /* the GUID begins with the plain tag */
	}
	info->rate = le32(p + 4);
	info->channels = channels;
	info->frame_bytes = (uint8_t)frame_bytes;
	info->encoding = tag == TAG_ALAW ? RLN_WAV_ALAW : tag == TAG_ULAW ? RLN_WAV_ULAW : RLN_WAV_PCM16;
	if (channels == 0 || info->rate == 0 || bits == 0 || frame_bytes == 0)
		return -EINVAL;
	if ((tag != TAG_PCM && tag != TAG_ALAW && tag != TAG_ULAW) || channels > 2 || info->rate < RATE_MIN ||
		info->rate > RATE_MAX)
		return -ENOTSUP;
	if (bits != (tag == TAG_PCM ? 16 : 8))
		return -ENOTSUP;
	return frame_bytes == channels * (bits / 8) ? 0 : -EINVAL;
}

static int data_found(struct rln_wav_scan *scan, uint64_t at, uint32_t size)
{
	uint64_t there = scan->file_size > at ? scan->file_size - at : 0;

	if (!scan->has_format)
		return -EINVAL;
	/* 0 and 0xffffffff are what recorders write that do not know yet: the file's end decides. */
	if (size != 0 && size < there)
		there = size;
	scan->info.data_at = at;
	scan->info.frames = there / scan->info.frame_bytes;
	return scan->info.frames ? 0 : -ENODATA;
}

static int chunk_found(struct rln_wav_scan *scan, const uint8_t *p)
{
	uint32_t size = le32(p + 4);
	uint64_t inside = scan->at + CHUNK_BYTES;

	if (++scan->chunks > RLN_WAV_CHUNKS_MAX)
		return -EINVAL;
	if (memcmp(p, "data", 4) == 0)
		return data_found(scan, inside, size);
	if (memcmp(p, "fmt ", 4) == 0) {
		if (size < FORMAT_BYTES || scan->has_format)
			return -EINVAL;
		scan->info.data_at = inside + size + (size & 1); /* where the walk goes on */
		return ask(scan, STEP_FORMAT, inside, size < EXTENSIBLE_BYTES ? FORMAT_BYTES : EXTENSIBLE_BYTES);
	}
	return ask(scan, STEP_CHUNK, inside + size + (size & 1), CHUNK_BYTES);
}

int rln_wav_scan_feed(struct rln_wav_scan *scan, const uint8_t *data, size_t len)
{
	uint64_t next = scan->info.data_at;
	int rc;

	if (len < scan->want)
		return scan->step == STEP_CHUNK && scan->has_format ? -ENODATA : -EINVAL;
	switch ((enum scan_step)scan->step) {
	case STEP_RIFF:
		if (memcmp(data, "RF64", 4) == 0 || memcmp(data, "RIFX", 4) == 0) /* longer than 4 GB; big-endian */
			return -ENOTSUP;
		if (memcmp(data, "RIFF", 4) != 0 || memcmp(data + 8, "WAVE", 4) != 0)
			return -EINVAL;
		return ask(scan, STEP_CHUNK, RIFF_BYTES, CHUNK_BYTES);
	case STEP_CHUNK:
		return chunk_found(scan, data);
	case STEP_FORMAT:
		rc = format_read(&scan->info, data, len);
		if (rc < 0)
			return rc;
		scan->has_format = true;
		return ask(scan, STEP_CHUNK, next, CHUNK_BYTES);
	}
	return -EINVAL;
}

int rln_wav_parse(const uint8_t *data, size_t len, struct rln_wav_info *out)
{
	struct rln_wav_scan scan;
	int rc = 1;

	rln_wav_scan_init(&scan, len);
	while (rc > 0) {
		size_t left = scan.at < len ? len - (size_t)scan.at : 0;

		rc = rln_wav_scan_feed(&scan, data + (left ? scan.at : 0), left < scan.want ? left : scan.want);
	}
	*out = scan.info;
	return rc;
}

static int16_t sample(const struct rln_wav_info *info, const uint8_t *p, size_t at)
{
	switch ((enum rln_wav_encoding)info->encoding) {
	case RLN_WAV_ALAW:
		return rln_pcma_to_linear[p[at]];
	case RLN_WAV_ULAW:
		return rln_pcmu_to_linear[p[at]];
	case RLN_WAV_PCM16:
		break;
	}
	return (int16_t)le16(p + 2 * at);
}

void rln_wav_decode(const struct rln_wav_info *info, const uint8_t *data, size_t frames, int16_t *out)
{
	for (size_t i = 0; i < frames; i++) {
		if (info->channels == 1)
			out[i] = sample(info, data, i);
		else
			out[i] = (int16_t)((sample(info, data, 2 * i) + sample(info, data, 2 * i + 1)) / 2);
	}
}

uint64_t rln_wav_frames_max(unsigned channels)
{
	return RLN_WAV_DATA_MAX / (2 * channels);
}

void rln_wav_header(uint8_t out[RLN_WAV_HEADER], unsigned channels, uint64_t frames)
{
	uint64_t most = rln_wav_frames_max(channels);
	uint32_t bytes = (uint32_t)((frames < most ? frames : most) * 2 * channels);

	memcpy(out, "RIFF", 4);
	put32(out + 4, bytes + RLN_WAV_HEADER - CHUNK_BYTES);
	memcpy(out + 8, "WAVEfmt ", 8);
	put32(out + 16, FORMAT_BYTES);
	put16(out + 20, TAG_PCM);
	put16(out + 22, channels);
	put32(out + 24, RLN_WAV_RATE);
	put32(out + 28, RLN_WAV_RATE * 2 * channels);
	put16(out + 32, 2 * channels);
	put16(out + 34, 16);
	memcpy(out + 36, "data", 4);
	put32(out + 40, bytes);
}
