/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Media files: the task on the file thread (lcore/io), and the words that workers exchange with it. Only this task opens, reads or writes media files.
 *
 * Playing: a file is decoded whole to 8 kHz mono samples, once, and shared read-only by every call that plays it; a worker gets a pointer and gives it
 * back with RELEASE. Files that nobody plays stay in the cache up to a bound, the longest unused go first.
 * Recording: a worker sends blocks of samples; the file grows as NAME.part and gets its name when it is closed, so a file under its own name is whole.
 * A full disk or a dead one is an error in an answer; the worker goes on.
 *
 * owner: the file thread; blocks: whoever holds the pointer, their pool is RTS (worker and file thread may share a CPU).
 */
#pragma once

#include "lcore/io.h"

struct rln_files;

enum rln_file_op {
	RLN_FILE_PLAY_OPEN = 1, /* data: block with the path     answer: data samples, len how many, file; result */
	RLN_FILE_PLAY_RELEASE,  /* file                          no answer */
	RLN_FILE_RECORD_OPEN,   /* data: block with the path, arg[0] channels   answer: file; result */
	RLN_FILE_RECORD_WRITE,  /* file, data: block of samples, len of them (all channels), arg[0] silence before it, in frames;
	                           answer only when it failed: result */
	RLN_FILE_RECORD_CLOSE,  /* file                          answer: result, arg[0] frames in the file */
};
/* Every answer repeats op, owner and arg[2], the asker's cookie. */

#define RLN_FILE_BLOCK_SAMPLES 2048 /* 256 ms mono, 128 ms stereo */
#define RLN_FILE_PATH_MAX 512

struct rln_file_block {
	union {
		int16_t samples[RLN_FILE_BLOCK_SAMPLES];
		char path[RLN_FILE_PATH_MAX];
	};
};

struct rln_files_cfg {
	struct rln_io *io;        /* created; this becomes its handler */
	uint32_t blocks;          /* in the pool */
	uint64_t cache_bytes;     /* of decoded samples that nobody plays */
	uint32_t play_seconds_max; /* a longer file is refused with -EFBIG; 0 = 1,800 */
};

/* 0 or -errno. Main thread, before the file thread starts. */
int rln_files_create(struct rln_files **out, const struct rln_files_cfg *cfg) __attribute__((warn_unused_result));
/* After the file thread ended: closes what is open (whole files). */
void rln_files_destroy(struct rln_files *files);
struct rln_io *rln_files_io(struct rln_files *files);

/* A block for a worker or the file thread, NULL when there is none (the caller counts FILE_STALL). */
struct rln_file_block *rln_file_block_get(struct rln_files *files);
void rln_file_block_put(struct rln_files *files, struct rln_file_block *block);
/* Blocks in use: a run ends with zero. Any thread. */
unsigned rln_file_blocks_in_use(const struct rln_files *files);
