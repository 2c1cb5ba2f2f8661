/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests to files: a table of what is open, and one function per op. A handle is slot and generation, so a request for a file that was
 * closed is answered with EBADF, never carried out on another.
 */
#include "rtp/files.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "lcore/heap.h"
#include "lcore/log.h"
#include "rtp/files_priv.h"

#define OPEN_MAX_DEFAULT 4096u

struct open_file { /* all pointers NULL: free */
	struct rln_files_prompt *prompt;
	struct rln_files_stream *stream;
	struct rln_files_recording *recording;
	uint32_t generation;
	uint32_t next_free;
};

struct rln_files { /* owner: the file thread */
	struct rln_io *io;
	struct rln_files_cfg cfg;
	struct rln_files_prompts *prompts;
	struct open_file *open;
	uint32_t first_free; /* open_max = none */
	uint32_t in_use;     /* read by others */
	bool prepared;       /* the thread was told what it must not die of */
};

int rln_files_create(struct rln_files **out, struct rln_io *io, const struct rln_files_cfg *cfg)
{
	struct rln_files *f = rln_zalloc(sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->io = io;
	f->cfg = *cfg;
	if (f->cfg.open_max == 0)
		f->cfg.open_max = OPEN_MAX_DEFAULT;
	f->open = rln_zalloc(f->cfg.open_max * sizeof(*f->open));
	if (!f->open || rln_files_prompts_create(&f->prompts, cfg->cache_bytes) < 0) {
		rln_files_destroy(f);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < f->cfg.open_max; i++)
		f->open[i].next_free = i + 1;
	*out = f;
	return 0;
}

/* ---- handles ---- */

static void count(struct rln_files *f, int n)
{
	__atomic_store_n(&f->in_use, f->in_use + (uint32_t)n, __ATOMIC_RELAXED);
}

/* The slot that the next open file gets; NULL when all are taken. */
static struct open_file *slot_next(struct rln_files *f)
{
	return f->first_free < f->cfg.open_max ? &f->open[f->first_free] : NULL;
}

static uint64_t slot_take(struct rln_files *f, struct open_file *o)
{
	uint32_t slot = (uint32_t)(o - f->open);

	f->first_free = o->next_free;
	count(f, 1);
	return (uint64_t)++o->generation << 32 | slot;
}

static struct open_file *slot_of(struct rln_files *f, uint64_t handle)
{
	uint32_t slot = (uint32_t)handle;
	struct open_file *o = slot < f->cfg.open_max ? &f->open[slot] : NULL;

	return o && o->generation == handle >> 32 && (o->prompt || o->stream || o->recording) ? o : NULL;
}

static void slot_give(struct rln_files *f, struct open_file *o)
{
	o->prompt = NULL;
	o->stream = NULL;
	o->recording = NULL;
	o->next_free = f->first_free;
	f->first_free = (uint32_t)(o - f->open);
	count(f, -1);
}

/* ---- requests; each fills in the answer ---- */

static void open_prompt(struct rln_files *f, const char *path, struct rln_io_msg *msg)
{
	struct open_file *o = slot_next(f);
	struct rln_files_place place;
	uint64_t n;

	msg->result = o ? rln_files_place_open(&place, f->cfg.prompts, f->cfg.absolute, path) : -EMFILE;
	if (msg->result < 0)
		return;
	msg->result = rln_files_prompt_open(f->prompts, &place, (uint32_t)msg->arg[0], &o->prompt, &o->stream);
	rln_files_place_close(&place);
	if (msg->result < 0)
		return;
	msg->file = slot_take(f, o);
	if (o->prompt) {
		msg->flags = RLN_FILES_SHARED;
		msg->data = (void *)(uintptr_t)rln_files_prompt_samples(o->prompt, &n); /* read-only for who gets it */
		msg->arg[1] = n;
	}
}

static void read_block(struct open_file *o, struct rln_io_msg *msg)
{
	bool end = false;

	msg->len = 0;
	msg->result = o && o->stream ? rln_files_stream_read(o->stream, msg->data, &msg->len, &end) : -EBADF;
	if (end)
		msg->flags = RLN_FILES_END;
}

static void close_prompt(struct rln_files *f, struct open_file *o)
{
	if (!o || o->recording)
		return;
	if (o->prompt)
		rln_files_prompt_release(f->prompts, o->prompt);
	else
		rln_files_stream_close(o->stream);
	slot_give(f, o);
}

static void open_recording(struct rln_files *f, const char *path, struct rln_io_msg *msg)
{
	struct open_file *o = slot_next(f);
	struct rln_files_place place;

	msg->result = o ? rln_files_place_open(&place, f->cfg.recordings, f->cfg.absolute, path) : -EMFILE;
	if (msg->result < 0)
		return;
	msg->result = rln_files_recording_open(&o->recording, &place, (unsigned)msg->arg[0]);
	rln_files_place_close(&place);
	if (msg->result == 0)
		msg->file = slot_take(f, o);
}

static void write_block(struct open_file *o, struct rln_io_msg *msg)
{
	const struct rln_files_block *block = msg->data;

	if (!o || !o->recording || msg->len > RLN_FILES_BLOCK_SAMPLES)
		msg->result = -EBADF;
	else
		msg->result = rln_files_recording_write(o->recording, msg->arg[0], block->samples, msg->len);
}

static void close_recording(struct rln_files *f, struct open_file *o, struct rln_io_msg *msg)
{
	if (!o || !o->recording) {
		msg->result = -EBADF;
		return;
	}
	msg->result = rln_files_recording_close(o->recording, msg->arg[0]);
	slot_give(f, o);
}

/* A file that reaches RLIMIT_FSIZE is an error of that write, not the end of the process. */
static void prepare_thread(struct rln_files *f)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	f->prepared = true;
}

static void log_failure(const struct rln_io_msg *request, const struct rln_io_msg *answer)
{
	const struct rln_files_block *block = request->data;
	bool opens = request->op == RLN_FILES_OPEN_PROMPT || request->op == RLN_FILES_OPEN_RECORDING;

	rln_log(RLN_LOG_WARNING, request->owner, "file %s%.*s: %s", opens ? "" : "operation", opens ? (int)RLN_FILES_PATH : 0,
		opens ? block->path : "", strerror(-answer->result));
}

void rln_files_handle(void *files, unsigned endpoint, const struct rln_io_msg *msg)
{
	struct rln_files *f = files;
	struct rln_io_msg answer = *msg;
	const struct rln_files_block *block = msg->data;
	struct open_file *o = slot_of(f, msg->file);

	if (!f->prepared)
		prepare_thread(f);
	answer.flags = 0;
	answer.result = 0;
	switch ((enum rln_files_op)msg->op) {
	case RLN_FILES_OPEN_PROMPT:
		open_prompt(f, block->path, &answer);
		break;
	case RLN_FILES_READ:
		read_block(o, &answer);
		break;
	case RLN_FILES_CLOSE_PROMPT:
		close_prompt(f, o);
		return;
	case RLN_FILES_OPEN_RECORDING:
		open_recording(f, block->path, &answer);
		break;
	case RLN_FILES_WRITE:
		write_block(o, &answer);
		break;
	case RLN_FILES_CLOSE_RECORDING:
		close_recording(f, o, &answer);
		break;
	}
	if (answer.result < 0)
		log_failure(msg, &answer);
	rln_io_answer(f->io, endpoint, &answer);
}

void rln_files_destroy(struct rln_files *files)
{
	if (!files)
		return;
	for (uint32_t i = 0; files->open && i < files->cfg.open_max; i++) {
		struct open_file *o = &files->open[i];

		if (o->recording)
			rln_files_recording_abandon(o->recording);
		else if (o->stream)
			rln_files_stream_close(o->stream);
	}
	rln_files_prompts_destroy(files->prompts);
	rln_free(files->open);
	rln_free(files);
}

void rln_files_counts(const struct rln_files *files, struct rln_files_counts *out)
{
	out->open = __atomic_load_n(&files->in_use, __ATOMIC_RELAXED);
	out->shared = rln_files_prompts_shared(files->prompts, &out->shared_bytes);
}
