/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The task on the file thread (lcore/io): opens, reads and writes media files for players and recorders on workers, which talk to
 * it through rtp/file_client only. Everything here happens on that one thread, or before it starts and after it ended.
 *
 * Prompts: what is shorter than ten minutes is decoded once to 8 kHz samples, shared read-only by everyone who plays it, counted, and
 * kept after its last player for the next one as long as the cache has room. Longer files are read block by block.
 * Recordings: written to "<name>.part" at the place that each block names, so what was never written reads as silence; the header is
 * patched and the file renamed when it is closed. A file that has its name is whole; one that is not is called .part.
 * Paths: relative names start at the folder that the config names and cannot leave it; links inside it are not followed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lcore/io.h"

#define RLN_FILES_PATH          256u     /* bytes of a path, NUL included */
#define RLN_FILES_BLOCK_SAMPLES 4000u    /* of a block: 0.5 s mono, 0.25 s stereo */
#define RLN_FILES_SHARE_BYTES   9600000u /* of sample data: ten minutes at 8 kHz, 16 bits, mono; longer files are streamed */

/*
 * Requests; the answer carries the same op, owner (the leg's id, for the log) and arg[2] (the client's own mark). A block that came with
 * a request is the asker's again with the answer.
 */
enum rln_files_op {
	/* data: block with the path; arg[0]: times to play, 0 = for ever. Answer: file, and when flags has RLN_FILES_SHARED, data = shared
	   samples, arg[1] = how many. Result: 0, -errno of the open, or of rln_wav_scan_feed(). */
	RLN_FILES_OPEN_PROMPT,
	/* file (not a shared one), data: an empty block. Answer: len samples in it; RLN_FILES_END: these were the last ones. */
	RLN_FILES_READ,
	/* file: not used any more. No answer. */
	RLN_FILES_CLOSE_PROMPT,
	/* data: block with the path, arg[0]: channels. Answer: file. */
	RLN_FILES_OPEN_RECORDING,
	/* file, data: block with len samples, arg[0]: sample frame where they belong. Answer: data, result; after the first error every
	   further write answers the same. */
	RLN_FILES_WRITE,
	/* file, arg[0]: sample frames in all. Answer: result 0 = whole, under its name; else it stayed .part. */
	RLN_FILES_CLOSE_RECORDING,
};

#define RLN_FILES_SHARED 1u /* flags */
#define RLN_FILES_END    2u

struct rln_files_block { /* owner: moves with the message */
	union {
		int16_t samples[RLN_FILES_BLOCK_SAMPLES];
		char path[RLN_FILES_PATH]; /* in requests to open, terminated */
	};
};

struct rln_files_cfg {
	char prompts[RLN_FILES_PATH], recordings[RLN_FILES_PATH]; /* folders; "" = anywhere, as the process may */
	bool absolute;      /* absolute names may lie outside the folders (they come from the config or the application) */
	size_t cache_bytes; /* of prompts that nobody plays at the moment; 0 = none are kept */
	unsigned open_max;  /* files open at once, prompts and recordings; 0 = 4096 */
};

struct rln_files;

/* 0 or -ENOMEM. Folders are opened when they are first needed, so one that is not there yet is an error of that request. */
int rln_files_create(struct rln_files **out, struct rln_io *io, const struct rln_files_cfg *cfg)
	__attribute__((warn_unused_result));
/* After the file thread ended. Recordings that are still open stay .part, with a header that says what they have. */
void rln_files_destroy(struct rln_files *files);
/* The rln_io_handler: rln_io_set_handler(io, rln_files_handle, files). */
void rln_files_handle(void *files, unsigned endpoint, const struct rln_io_msg *msg);

struct rln_files_counts {
	uint32_t open;   /* files, shared prompts counted once */
	uint32_t shared; /* prompts in the cache */
	uint64_t shared_bytes;
};
/* A snapshot; any thread. */
void rln_files_counts(const struct rln_files *files, struct rln_files_counts *out);
