/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of rtp/files, for its parts and their tests. owner: the file thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rtp/files.h"

struct rln_files_prompts; /* the cache */
struct rln_files_prompt;  /* one decoded file */
struct rln_files_stream;  /* one long file that is read block by block */
struct rln_files_recording;

/* ---- files_path.c ---- */

struct rln_files_place {  /* where a file is or will be: a folder and a name in it */
	int folder;       /* descriptor, O_PATH */
	const char *name; /* into the path that was asked for */
	int nofollow;     /* O_NOFOLLOW when the name must not be a link that leads out */
};

/* 0; -EINVAL (empty), -EISDIR (ends in "/"), -EACCES (leads out of the folder), or why a folder on the way cannot be opened. */
int rln_files_place_open(struct rln_files_place *out, const char *folder, bool absolute, const char *path)
	__attribute__((warn_unused_result));
void rln_files_place_close(struct rln_files_place *place);

/* ---- files_source.c: a WAV file as samples at 8 kHz ---- */

struct rln_files_source;

/* Takes over `fd` when it succeeds. 0, -EINVAL, -ENOTSUP, -ENODATA, -ENOMEM or -errno of a read. */
int rln_files_source_open(struct rln_files_source **out, int fd, uint64_t file_size) __attribute__((warn_unused_result));
void rln_files_source_close(struct rln_files_source *source);
/* Samples in all, as the header has it. */
uint64_t rln_files_source_length(const struct rln_files_source *source);
/* Bytes of sample data in the file. */
uint64_t rln_files_source_bytes(const struct rln_files_source *source);
/* The next samples: how many, 0 at the end, -errno. A file that shrank while it is read ends early. */
ssize_t rln_files_source_read(struct rln_files_source *source, int16_t *out, size_t n);
/* Back to the first sample. */
void rln_files_source_rewind(struct rln_files_source *source);

/* ---- files_prompt.c ---- */

int rln_files_prompts_create(struct rln_files_prompts **out, size_t cache_bytes) __attribute__((warn_unused_result));
void rln_files_prompts_destroy(struct rln_files_prompts *prompts);
/* One of *prompt and *stream is set on success. `loops` concerns a stream only. 0 or -errno. */
int rln_files_prompt_open(struct rln_files_prompts *prompts, const struct rln_files_place *place, uint32_t loops,
	struct rln_files_prompt **prompt, struct rln_files_stream **stream) __attribute__((warn_unused_result));
const int16_t *rln_files_prompt_samples(const struct rln_files_prompt *prompt, uint64_t *n);
/* One user fewer. */
void rln_files_prompt_release(struct rln_files_prompts *prompts, struct rln_files_prompt *prompt);
/* Fills a block: samples in *len, true in *end with the last ones. 0 or -errno. */
int rln_files_stream_read(struct rln_files_stream *stream, struct rln_files_block *block, uint32_t *len, bool *end);
void rln_files_stream_close(struct rln_files_stream *stream);
uint32_t rln_files_prompts_shared(const struct rln_files_prompts *prompts, uint64_t *bytes);

/* ---- files_record.c ---- */

/* 0; -EBUSY: the same name is being recorded; -EISDIR; -errno. */
int rln_files_recording_open(struct rln_files_recording **out, struct rln_files_place *place, unsigned channels)
	__attribute__((warn_unused_result));
/* 0, or the first error of this file, from then on. */
int rln_files_recording_write(struct rln_files_recording *recording, uint64_t frame, const int16_t *samples, uint32_t n);
/* Patches the header, gives the file its name, frees. 0, or why it stays .part. */
int rln_files_recording_close(struct rln_files_recording *recording, uint64_t frames);
/* The process ends: header for what is there, no name. */
void rln_files_recording_abandon(struct rln_files_recording *recording);
