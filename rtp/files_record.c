/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recordings. "<name>.part" is locked while it is written, so two calls that record under one name do not mix (the second gets
 * EBUSY), and one that a dead process left behind is taken over. Blocks go to their own place, what lies between is a hole, which
 * reads as zeros, which is silence. The name is given by a rename at the end and replaces an older file of that name as a whole.
 * Not promised: that a file survives a power cut right after its close (no fsync: it would hold up every other file).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lcore/heap.h"
#include "rtp/files_priv.h"
#include "rtp/wav.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "samples go to the file as they are in memory");

#define TAKE_OVER_TRIES 3

struct rln_files_recording {
	int folder, fd;
	unsigned channels;
	int error;       /* the first one */
	uint64_t frames; /* written so far: the end of the furthest block */
	char name[RLN_FILES_PATH], part[RLN_FILES_PATH + 8];
};

static int write_at(int fd, const void *data, size_t len, uint64_t at)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENOSPC;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int header_write(const struct rln_files_recording *r, uint64_t frames)
{
	uint8_t header[RLN_WAV_HEADER];

	rln_wav_header(header, r->channels, frames);
	return write_at(r->fd, header, sizeof(header), 0);
}

/* The .part under our lock, empty. Descriptor or -errno; -EAGAIN: another process renamed it in between. */
static int part_open(const struct rln_files_recording *r, int nofollow)
{
	int fd = openat(r->folder, r->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | nofollow, 0644), rc = 0;
	struct stat st, named;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (fstatat(r->folder, r->part, &named, AT_SYMLINK_NOFOLLOW) < 0 || named.st_ino != st.st_ino)
		rc = -EAGAIN;
	else if (ftruncate(fd, 0) < 0)
		rc = -errno;
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

static void recording_free(struct rln_files_recording *r)
{
	if (r->fd >= 0)
		close(r->fd);
	close(r->folder);
	rln_free(r);
}

/* The folder's descriptor moves from the place into the recording. */
int rln_files_recording_open(struct rln_files_recording **out, struct rln_files_place *place, unsigned channels)
{
	struct rln_files_recording *r;
	struct stat st;
	int rc;

	if (channels < 1 || channels > 2)
		return -EINVAL;
	if (fstatat(place->folder, place->name, &st, 0) == 0 && S_ISDIR(st.st_mode))
		return -EISDIR;
	r = rln_zalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	snprintf(r->name, sizeof(r->name), "%s", place->name);
	snprintf(r->part, sizeof(r->part), "%s.part", place->name);
	r->channels = channels;
	r->folder = place->folder;
	place->folder = -1;
	for (int i = 0; i < TAKE_OVER_TRIES; i++) {
		rc = r->fd = part_open(r, place->nofollow);
		if (rc != -EAGAIN)
			break;
	}
	if (rc >= 0)
		rc = header_write(r, 0);
	if (rc < 0) {
		if (r->fd >= 0)
			unlinkat(r->folder, r->part, 0); /* ours and empty */
		recording_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

int rln_files_recording_write(struct rln_files_recording *recording, uint64_t frame, const int16_t *samples, uint32_t n)
{
	uint64_t end = frame + n / recording->channels;

	if (recording->error)
		return recording->error;
	if (end > rln_wav_frames_max(recording->channels))
		recording->error = -EFBIG;
	else
		recording->error = write_at(recording->fd, samples, n * sizeof(*samples),
			RLN_WAV_HEADER + frame * recording->channels * sizeof(*samples));
	if (!recording->error && end > recording->frames)
		recording->frames = end;
	return recording->error;
}

int rln_files_recording_close(struct rln_files_recording *recording, uint64_t frames)
{
	struct rln_files_recording *r = recording;
	int rc = r->error;

	if (frames < r->frames)
		frames = r->frames;
	if (!rc && frames > rln_wav_frames_max(r->channels))
		rc = -EFBIG;
	if (!rc && ftruncate(r->fd, (off_t)(RLN_WAV_HEADER + frames * r->channels * sizeof(int16_t))) < 0)
		rc = -errno; /* silence up to the end */
	if (rc) {            /* what there is can be listened to, if even that can be written */
		if (ftruncate(r->fd, (off_t)(RLN_WAV_HEADER + r->frames * r->channels * sizeof(int16_t))) == 0)
			header_write(r, r->frames);
	} else {
		rc = header_write(r, frames);
		if (!rc && renameat(r->folder, r->part, r->folder, r->name) < 0)
			rc = -errno;
	}
	recording_free(r);
	return rc;
}

void rln_files_recording_abandon(struct rln_files_recording *recording)
{
	header_write(recording, recording->frames);
	recording_free(recording);
}
