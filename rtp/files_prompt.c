/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prompts. Short ones are decoded once and shared: a list, the last used in front, found by the file's identity (device, inode, size,
 * time), so a prompt that is replaced on disk is read anew while calls that play the old one finish it. Those that
 * nobody plays leave from the back when the cache is over its bound. A few dozen prompts are the rule: a list is enough.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lcore/heap.h"
#include "rtp/files_priv.h"

struct identity {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed, modified;
};

struct rln_files_prompt { /* owner: the file thread; workers read `samples` while they hold a reference */
	struct rln_files_prompt *next, *prev;
	struct identity identity;
	uint32_t users;
	uint64_t n;
	int16_t samples[];
};

struct rln_files_prompts {
	struct rln_files_prompt *first, *last;
	size_t cache_bytes;         /* bound of idle_bytes */
	uint64_t idle_bytes, bytes; /* bytes: of all that are decoded; read by others */
	uint32_t count;             /* read by others */
};

struct rln_files_stream {
	struct rln_files_source *source;
	uint32_t loops; /* still to play, 0 = for ever */
};

int rln_files_prompts_create(struct rln_files_prompts **out, size_t cache_bytes)
{
	struct rln_files_prompts *p = rln_zalloc(sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->cache_bytes = cache_bytes;
	*out = p;
	return 0;
}

static uint64_t bytes_of(const struct rln_files_prompt *p)
{
	return p->n * sizeof(int16_t);
}

static void totals(struct rln_files_prompts *ps, int64_t bytes, int count)
{
	__atomic_store_n(&ps->bytes, ps->bytes + (uint64_t)bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&ps->count, ps->count + (uint32_t)count, __ATOMIC_RELAXED);
}

static void list_del(struct rln_files_prompts *ps, struct rln_files_prompt *p)
{
	*(p->prev ? &p->prev->next : &ps->first) = p->next;
	*(p->next ? &p->next->prev : &ps->last) = p->prev;
}

static void list_add(struct rln_files_prompts *ps, struct rln_files_prompt *p)
{
	p->prev = NULL;
	p->next = ps->first;
	*(ps->first ? &ps->first->prev : &ps->last) = p;
	ps->first = p;
}

static void prompt_free(struct rln_files_prompts *ps, struct rln_files_prompt *p)
{
	list_del(ps, p);
	totals(ps, -(int64_t)bytes_of(p), -1);
	rln_free(p);
}

static void shrink(struct rln_files_prompts *ps)
{
	struct rln_files_prompt *prev;

	for (struct rln_files_prompt *p = ps->last; p && ps->idle_bytes > ps->cache_bytes; p = prev) {
		prev = p->prev;
		if (p->users == 0) {
			ps->idle_bytes -= bytes_of(p);
			prompt_free(ps, p);
		}
	}
}

void rln_files_prompts_destroy(struct rln_files_prompts *prompts)
{
	if (!prompts)
		return;
	while (prompts->first)
		prompt_free(prompts, prompts->first);
	rln_free(prompts);
}

static struct rln_files_prompt *find(struct rln_files_prompts *ps, const struct identity *id)
{
	struct rln_files_prompt *p = ps->first;

	while (p && memcmp(&p->identity, id, sizeof(*id)) != 0)
		p = p->next;
	return p;
}

static struct rln_files_prompt *use(struct rln_files_prompts *ps, struct rln_files_prompt *p)
{
	if (p->users++ == 0)
		ps->idle_bytes -= bytes_of(p);
	list_del(ps, p);
	list_add(ps, p);
	return p;
}

void rln_files_prompt_release(struct rln_files_prompts *prompts, struct rln_files_prompt *prompt)
{
	if (--prompt->users > 0)
		return;
	prompts->idle_bytes += bytes_of(prompt);
	shrink(prompts);
}

const int16_t *rln_files_prompt_samples(const struct rln_files_prompt *prompt, uint64_t *n)
{
	*n = prompt->n;
	return prompt->samples;
}

/* Decodes all of it. 0, -ENOMEM (the source is as it was), -ENODATA or -errno. */
static int load(
	struct rln_files_prompts *ps, struct rln_files_source *source, const struct identity *id, struct rln_files_prompt **out)
{
	uint64_t n = rln_files_source_length(source);
	struct rln_files_prompt *p = rln_alloc(sizeof(*p) + n * sizeof(int16_t));
	ssize_t got;

	if (!p)
		return -ENOMEM;
	memset(p, 0, sizeof(*p));
	got = rln_files_source_read(source, p->samples, n);
	if (got <= 0) {
		rln_free(p);
		return got < 0 ? (int)got : -ENODATA;
	}
	p->identity = *id;
	p->n = (uint64_t)got;
	p->users = 1;
	list_add(ps, p);
	totals(ps, (int64_t)bytes_of(p), 1);
	*out = p;
	return 0;
}

static int stream_make(struct rln_files_source *source, uint32_t loops, struct rln_files_stream **out)
{
	struct rln_files_stream *s = rln_alloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct rln_files_stream){source, loops};
	*out = s;
	return 0;
}

/* A regular file, opened without waiting for the other end of a pipe. Descriptor or -errno. */
static int regular_open(const struct rln_files_place *place, struct stat *st)
{
	int fd = openat(place->folder, place->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | place->nofollow), rc = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0)
		rc = -errno;
	else if (S_ISDIR(st->st_mode))
		rc = -EISDIR;
	else if (!S_ISREG(st->st_mode))
		rc = -EINVAL;
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

static struct identity identity_of(const struct stat *st)
{
	struct identity id;

	memset(&id, 0, sizeof(id)); /* compared as bytes */
	id.dev = st->st_dev;
	id.ino = st->st_ino;
	id.size = st->st_size;
	id.changed = st->st_ctim;
	id.modified = st->st_mtim;
	return id;
}

int rln_files_prompt_open(struct rln_files_prompts *prompts, const struct rln_files_place *place, uint32_t loops,
	struct rln_files_prompt **prompt, struct rln_files_stream **stream)
{
	struct rln_files_source *source = NULL;
	struct identity id;
	struct stat st;
	int fd = regular_open(place, &st), rc;

	*prompt = NULL;
	*stream = NULL;
	if (fd < 0)
		return fd;
	id = identity_of(&st);
	*prompt = find(prompts, &id);
	if (*prompt) {
		use(prompts, *prompt);
		close(fd);
		return 0;
	}
	rc = rln_files_source_open(&source, fd, (uint64_t)st.st_size);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	rc = -ENOMEM;
	if (rln_files_source_bytes(source) <= RLN_FILES_SHARE_BYTES)
		rc = load(prompts, source, &id, prompt);
	if (rc == -ENOMEM) /* too long, or no memory for all of it: a block at a time then */
		rc = stream_make(source, loops, stream);
	if (!*stream)
		rln_files_source_close(source);
	return rc;
}

int rln_files_stream_read(struct rln_files_stream *stream, struct rln_files_block *block, uint32_t *len, bool *end)
{
	bool empty = false; /* the last pass gave nothing */

	*len = 0;
	*end = false;
	while (*len < RLN_FILES_BLOCK_SAMPLES) {
		ssize_t n = rln_files_source_read(stream->source, block->samples + *len, RLN_FILES_BLOCK_SAMPLES - *len);

		if (n < 0)
			return (int)n;
		*len += (uint32_t)n;
		if (n > 0) {
			empty = false;
			continue;
		}
		if (stream->loops == 1 || empty) {
			*end = true;
			break;
		}
		stream->loops -= stream->loops > 1;
		empty = true;
		rln_files_source_rewind(stream->source);
	}
	return 0;
}

void rln_files_stream_close(struct rln_files_stream *stream)
{
	rln_files_source_close(stream->source);
	rln_free(stream);
}

uint32_t rln_files_prompts_shared(const struct rln_files_prompts *prompts, uint64_t *bytes)
{
	*bytes = __atomic_load_n(&prompts->bytes, __ATOMIC_RELAXED);
	return __atomic_load_n(&prompts->count, __ATOMIC_RELAXED);
}
