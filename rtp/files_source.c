/* SPDX-License-Identifier: BSD-3-Clause */
/* A WAV file on the disk as a stream of samples at 8 kHz, one channel: pread, rtp/wav, rtp/resample. owner: the file thread. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lcore/heap.h"
#include "rtp/files_priv.h"
#include "rtp/resample.h"
#include "rtp/wav.h"

#define RAW_FRAMES 4096u /* read at once; 4 bytes each at most */

struct rln_files_source {
	int fd;
	struct rln_wav_info info;
	struct rln_resample *resample; /* NULL: 8 kHz already */
	uint64_t frame;                /* next to read */
	uint64_t given;                /* samples at 8 kHz so far */
	size_t have, used;             /* of native[] */
	uint8_t raw[RAW_FRAMES * 4];
	int16_t native[RAW_FRAMES]; /* at the file's own rate */
};

/* All of `len` unless the file ends before; bytes or -errno. */
static ssize_t read_at(int fd, uint8_t *out, size_t len, uint64_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, out + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int scan(int fd, uint64_t file_size, struct rln_wav_info *out)
{
	uint8_t bytes[RLN_WAV_SCAN_MAX];
	struct rln_wav_scan s;
	int rc = 1;

	rln_wav_scan_init(&s, file_size);
	while (rc > 0) {
		ssize_t n = s.at > file_size ? 0 : read_at(fd, bytes, s.want, s.at);

		if (n < 0)
			return (int)n;
		rc = rln_wav_scan_feed(&s, bytes, (size_t)n);
	}
	*out = s.info;
	return rc;
}

int rln_files_source_open(struct rln_files_source **out, int fd, uint64_t file_size)
{
	struct rln_files_source *s;
	struct rln_wav_info info;
	int rc = scan(fd, file_size, &info);

	if (rc < 0)
		return rc;
	s = rln_zalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->info = info;
	if (info.rate != RLN_WAV_RATE) {
		rc = rln_resample_create(&s->resample, info.rate);
		if (rc < 0) {
			rln_free(s);
			return rc == -EINVAL ? -ENOTSUP : rc;
		}
	}
	s->fd = fd;
	*out = s;
	return 0;
}

void rln_files_source_close(struct rln_files_source *source)
{
	if (!source)
		return;
	close(source->fd);
	rln_resample_destroy(source->resample);
	rln_free(source);
}

uint64_t rln_files_source_length(const struct rln_files_source *source)
{
	return rln_resample_length(source->info.frames, source->info.rate);
}

uint64_t rln_files_source_bytes(const struct rln_files_source *source)
{
	return source->info.frames * source->info.frame_bytes;
}

void rln_files_source_rewind(struct rln_files_source *source)
{
	source->frame = source->given = 0;
	source->have = source->used = 0;
	if (source->resample)
		rln_resample_reset(source->resample);
}

/* The next samples at the file's rate into native[]; 0, or -errno. At the end `have` stays 0. */
static int fill_native(struct rln_files_source *s)
{
	uint64_t left = s->info.frames - s->frame;
	size_t frames = left < RAW_FRAMES ? (size_t)left : RAW_FRAMES;
	ssize_t n;

	s->have = s->used = 0;
	if (frames == 0)
		return 0;
	n = read_at(s->fd, s->raw, frames * s->info.frame_bytes, s->info.data_at + s->frame * s->info.frame_bytes);
	if (n < 0)
		return (int)n;
	s->have = (size_t)n / s->info.frame_bytes;
	if (s->have < frames) /* it shrank */
		s->info.frames = s->frame + s->have;
	s->frame += s->have;
	rln_wav_decode(&s->info, s->raw, s->have, s->native);
	return 0;
}

/* From native[] to the output; at the end of the file the filter is fed silence. Returns samples given. */
static size_t convert(struct rln_files_source *s, int16_t *out, size_t n)
{
	size_t taken = s->have - s->used, given;

	if (!s->resample) {
		given = taken < n ? taken : n;
		memcpy(out, s->native + s->used, given * sizeof(*out));
		s->used += given;
	} else if (taken > 0) {
		given = rln_resample_run(s->resample, s->native + s->used, taken, &taken, out, n);
		s->used += taken;
	} else {
		given = rln_resample_run(s->resample, NULL, RAW_FRAMES, &taken, out, n);
	}
	return given;
}

ssize_t rln_files_source_read(struct rln_files_source *source, int16_t *out, size_t n)
{
	size_t done = 0;

	while (done < n) {
		uint64_t left = rln_files_source_length(source) - source->given;
		size_t want = n - done < left ? n - done : (size_t)left, got;
		int rc = source->used == source->have ? fill_native(source) : 0;

		if (rc < 0)
			return rc;
		left = rln_files_source_length(source); /* reading may have shown that it shrank */
		want = left <= source->given ? 0 : want < left - source->given ? want : (size_t)(left - source->given);
		if (want == 0)
			break;
		got = convert(source, out + done, want);
		done += got;
		source->given += got;
		if (got == 0 && source->have == 0 && !source->resample)
			break;
	}
	return (ssize_t)done;
}
