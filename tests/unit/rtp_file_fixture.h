/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file thread without a thread: rln_io's four functions as two queues of this test. Nothing is done until serve() says so, which is a
 * disk as slow as a test wants; `room` is how full the ring towards it is. The files themselves are real, in a folder of their own.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/io.h"
#include "rtp/file_client_priv.h"
#include "rtp/wav.h"

#define QUEUE    4096u
#define ENDPOINT 3u
#define OWNER    0x1234567800000001ull

struct queue {
	struct rln_io_msg msg[QUEUE];
	unsigned head, tail;
};

static struct {
	struct queue asked, answered;
	unsigned room;   /* messages that the ring toward the file thread still takes */
	int fail_writes; /* errno that writes answer with, 0 = they are done */
	struct rln_files *files;
	struct rln_file_client *client;
	struct rln_counts *counts;
	char folder[64];
} fx;

static void queue_push(struct queue *q, const struct rln_io_msg *msg)
{
	assert_true(q->tail - q->head < QUEUE);
	q->msg[q->tail++ % QUEUE] = *msg;
}

bool rln_io_ask(struct rln_io *io, unsigned endpoint, const struct rln_io_msg *msg)
{
	(void)io;
	assert_int_equal(endpoint, ENDPOINT);
	if (fx.room == 0)
		return false;
	fx.room--;
	queue_push(&fx.asked, msg);
	return true;
}

void rln_io_answer(struct rln_io *io, unsigned endpoint, const struct rln_io_msg *msg)
{
	(void)io;
	assert_int_equal(endpoint, ENDPOINT);
	queue_push(&fx.answered, msg);
}

bool rln_io_take(struct rln_io *io, unsigned endpoint, struct rln_io_msg *msg)
{
	(void)io;
	assert_int_equal(endpoint, ENDPOINT);
	if (fx.answered.head == fx.answered.tail)
		return false;
	*msg = fx.answered.msg[fx.answered.head++ % QUEUE];
	return true;
}

/* The file thread does up to `n` requests. Returns how many there were. */
static inline unsigned serve(unsigned n)
{
	unsigned done = 0;

	for (; done < n && fx.asked.head != fx.asked.tail; done++) {
		struct rln_io_msg msg = fx.asked.msg[fx.asked.head++ % QUEUE];

		if (fx.fail_writes && msg.op == RLN_FILES_WRITE) {
			msg.result = -fx.fail_writes;
			queue_push(&fx.answered, &msg);
			continue;
		}
		rln_files_handle(fx.files, ENDPOINT, &msg);
	}
	return done;
}

/* The next news; fails the test when there are none after everything was done. */
static inline struct rln_file_news news(void)
{
	struct rln_file_news n;

	for (unsigned i = 0; i < 100; i++) {
		if (rln_file_client_take(fx.client, &n))
			return n;
		serve(QUEUE);
	}
	fail_msg("no news");
	return n;
}

static inline void no_news(void)
{
	struct rln_file_news n;

	for (unsigned i = 0; i < 4; i++) {
		assert_false(rln_file_client_take(fx.client, &n));
		serve(QUEUE);
	}
}

static inline const char *path_of(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, 128, "%s/%s", fx.folder, name);
	return p;
}

static inline void file_make(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(path_of(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* A WAV file of 8 kHz, mono: sample i is 7 * i modulo 20,000 less 10,000. */
static inline int16_t ramp(uint64_t i)
{
	return (int16_t)(7 * i % 20000 - 10000);
}

static inline void wav_make(const char *name, uint32_t samples)
{
	uint8_t *bytes = malloc(RLN_WAV_HEADER + 2ul * samples);
	int16_t *pcm = (int16_t *)(bytes + RLN_WAV_HEADER);

	rln_wav_header(bytes, 1, samples);
	for (uint32_t i = 0; i < samples; i++)
		pcm[i] = ramp(i);
	file_make(name, bytes, RLN_WAV_HEADER + 2ul * samples);
	free(bytes);
}

/* A recording as it lies on the disk: its samples (caller frees), frames in *n; NULL when there is no such file. */
static inline int16_t *wav_read(const char *name, unsigned channels, uint64_t *n)
{
	FILE *f = fopen(path_of(name), "rb");
	struct rln_wav_info info;
	uint8_t *bytes;
	int16_t *pcm;
	long len;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	len = ftell(f);
	rewind(f);
	bytes = malloc((size_t)len + 1);
	assert_int_equal(fread(bytes, 1, (size_t)len, f), len);
	fclose(f);
	assert_int_equal(rln_wav_parse(bytes, (size_t)len, &info), 0);
	assert_int_equal(info.channels, channels);
	assert_int_equal(info.rate, 8000);
	assert_int_equal(info.data_at, RLN_WAV_HEADER);
	assert_int_equal((long)(info.data_at + info.frames * info.frame_bytes), len); /* header and file agree */
	*n = info.frames;
	pcm = malloc(info.frames * info.frame_bytes);
	memcpy(pcm, bytes + RLN_WAV_HEADER, info.frames * info.frame_bytes);
	free(bytes);
	return pcm;
}

/* Files of this process may not grow beyond `bytes`; 0 = as far as they like. */
static inline void file_limit(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static inline bool file_exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static inline void fixture_begin(unsigned blocks, unsigned players, unsigned recorders, size_t cache_bytes)
{
	struct rln_files_cfg files = {.cache_bytes = cache_bytes};
	struct rln_file_client_cfg client = {
		.io = (struct rln_io *)&fx, .endpoint = ENDPOINT, .blocks = blocks, .players = players, .recorders = recorders};

	memset(&fx, 0, sizeof(fx));
	snprintf(fx.folder, sizeof(fx.folder), "%s/rtp-files-XXXXXX",
		getenv("RUNTIME_DIRECTORY") ? getenv("RUNTIME_DIRECTORY") : "/tmp");
	assert_non_null(mkdtemp(fx.folder));
	snprintf(files.prompts, sizeof(files.prompts), "%s", fx.folder);
	snprintf(files.recordings, sizeof(files.recordings), "%s", fx.folder);
	fx.room = QUEUE;
	fx.counts = rln_counts_of(ENDPOINT);
	rln_counts_reset();
	client.counts = fx.counts;
	assert_int_equal(rln_files_create(&fx.files, NULL, &files), 0);
	assert_int_equal(rln_file_client_create(&fx.client, &client), 0);
}

/* Everything that was lent is back. */
static inline void fixture_check_idle(void)
{
	struct rln_file_client_counts c;
	struct rln_files_counts f;

	no_news();
	rln_file_client_counts(fx.client, &c);
	rln_files_counts(fx.files, &f);
	assert_int_equal(c.players, 0);
	assert_int_equal(c.recorders, 0);
	assert_int_equal(c.waiting, 0);
	assert_int_equal(c.blocks_free, fx.client->cfg.blocks);
	assert_int_equal(f.open, 0);
}

static inline void fixture_end(void)
{
	char command[128];

	rln_file_client_destroy(fx.client);
	rln_files_destroy(fx.files);
	snprintf(command, sizeof(command), "rm -r '%s'", fx.folder);
	assert_int_equal(system(command), 0);
}
