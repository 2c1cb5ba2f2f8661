/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Audio channels; channel.h tells their life, rtp/frame_ring.h the ring and the doorbell.
 *
 * One word per entry holds generation and the two sides' presence, so joining, parting and leaving are single compare-and-swaps
 * and the side that takes the last bit down is the one that ends the channel. The mutex orders open, leave and the bell ringer
 * (application threads and control, which may lock); the worker's functions never touch it.
 */
#include "session/channel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lcore/clock.h"
#include "lcore/heap.h"
#include "rtp/frame_ring.h"

_Static_assert(sizeof(struct rln_frame) == sizeof(struct rln_audio_frame), "one layout");
_Static_assert(offsetof(struct rln_frame, samples) == offsetof(struct rln_audio_frame, samples), "one layout");
_Static_assert(RLN_FRAME_RING_SAMPLES == RLN_FRAME_SAMPLES && RLN_FRAME_RING_LOST == RLN_FRAME_LOST, "one meaning");

struct rln_channel {
	struct rln_frame_ring in, out; /* from the leg, toward it */
	uint64_t handle;
	void *memory;           /* what the allocator gave; the rings are aligned inside it */
	int fd;                 /* eventfd; writers: control, and the application when it arms */
	uint32_t joined, ended; /* writers: worker; ended also control */
};

#define SIDE_APP    1u
#define SIDE_WORKER 2u
#define SIDES       3u

struct entry {
	uint64_t word; /* generation << 2 | sides */
	struct rln_channel *channel;
};

struct rln_channels {
	pthread_mutex_t lock; /* open, leave, ring */
	unsigned capacity, in_use, next;
	uint32_t any;
	uint64_t *bells, *dead; /* a bit per entry; workers set, control takes */
	struct entry *entry;
};

int rln_channels_create(struct rln_channels **out, unsigned capacity)
{
	struct rln_channels *c;
	unsigned words = (capacity + 63) / 64;

	if (capacity == 0)
		return -EINVAL;
	c = rln_zalloc(sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->bells = rln_zalloc(2 * words * sizeof(*c->bells));
	c->entry = rln_zalloc(capacity * sizeof(*c->entry));
	if (c->bells == NULL || c->entry == NULL) {
		rln_free(c->bells);
		rln_free(c->entry);
		rln_free(c);
		return -ENOMEM;
	}
	c->dead = c->bells + words;
	c->capacity = capacity;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return 0;
}

static void channel_free(struct rln_channels *c, struct entry *e)
{
	struct rln_channel *ch = e->channel;

	e->channel = NULL;
	__atomic_store_n(&c->in_use, c->in_use - 1, __ATOMIC_RELAXED);
	close(ch->fd);
	rln_free(ch->memory);
}

void rln_channels_destroy(struct rln_channels *c)
{
	unsigned i;

	if (c == NULL)
		return;
	for (i = 0; i < c->capacity; i++) {
		if (c->entry[i].channel)
			channel_free(c, &c->entry[i]);
	}
	pthread_mutex_destroy(&c->lock);
	rln_free(c->bells);
	rln_free(c->entry);
	rln_free(c);
}

unsigned rln_channels_in_use(const struct rln_channels *c)
{
	return __atomic_load_n(&c->in_use, __ATOMIC_RELAXED);
}

static void bell_write(struct rln_channel *ch)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then it is readable anyway. */
	if (write(ch->fd, &one, sizeof(one)) < 0)
		return;
}

/* Takes every bit of a bitmap word and does `what` to its entries. */
static unsigned bits_take(
	struct rln_channels *c, uint64_t *words, unsigned w, void (*what)(struct rln_channels *, struct entry *))
{
	uint64_t bits = __atomic_exchange_n(&words[w], 0, __ATOMIC_ACQ_REL);
	unsigned n = 0;

	for (; bits; bits &= bits - 1, n++) {
		struct entry *e = &c->entry[w * 64 + (unsigned)__builtin_ctzll(bits)];

		if (e->channel)
			what(c, e);
	}
	return n;
}

static void entry_ring(struct rln_channels *c, struct entry *e)
{
	(void)c;
	bell_write(e->channel);
}

static void entry_bury(struct rln_channels *c, struct entry *e)
{
	/* A bit that outlived its channel (the slot was opened again in between) must not free the new one. */
	if ((__atomic_load_n(&e->word, __ATOMIC_ACQUIRE) & SIDES) == 0)
		channel_free(c, e);
}

unsigned rln_channels_ring(void *channels, uint64_t now_ns)
{
	struct rln_channels *c = channels;
	unsigned w, n = 0;

	(void)now_ns;
	if (!__atomic_load_n(&c->any, __ATOMIC_RELAXED) || !__atomic_exchange_n(&c->any, 0, __ATOMIC_ACQ_REL))
		return 0;
	pthread_mutex_lock(&c->lock);
	for (w = 0; w < (c->capacity + 63) / 64; w++) {
		n += bits_take(c, c->bells, w, entry_ring);
		n += bits_take(c, c->dead, w, entry_bury);
	}
	pthread_mutex_unlock(&c->lock);
	return n;
}

/* ---- application side ---- */

static struct rln_channel *channel_new(int *error)
{
	/* The frames stay untouched until used: 640 KB that a short call never pays. */
	void *memory = rln_alloc(sizeof(struct rln_channel) + 63);
	struct rln_channel *ch;

	*error = -ENOMEM;
	if (memory == NULL)
		return NULL;
	ch = (struct rln_channel *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
	memset(&ch->in, 0, offsetof(struct rln_frame_ring, frame));
	memset(&ch->out, 0, offsetof(struct rln_frame_ring, frame));
	ch->memory = memory;
	ch->joined = ch->ended = 0;
	ch->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ch->fd < 0) {
		*error = -errno;
		rln_free(memory);
		return NULL;
	}
	return ch;
}

static struct entry *entry_find_free(struct rln_channels *c)
{
	unsigned i;

	for (i = 0; i < c->capacity; i++) {
		struct entry *e = &c->entry[(c->next + i) % c->capacity];

		if (e->channel == NULL) {
			c->next = (c->next + i + 1) % c->capacity;
			return e;
		}
	}
	return NULL;
}

int rln_channel_open(struct rln_channels *c, struct rln_channel **out, uint64_t *handle)
{
	struct rln_channel *ch;
	struct entry *e;
	unsigned slot;
	uint32_t generation;
	int err;

	ch = channel_new(&err);
	if (ch == NULL)
		return err;
	pthread_mutex_lock(&c->lock);
	e = entry_find_free(c);
	if (e == NULL) {
		pthread_mutex_unlock(&c->lock);
		close(ch->fd);
		rln_free(ch->memory);
		return -ENOSPC;
	}
	slot = (unsigned)(e - c->entry);
	generation = (uint32_t)(e->word >> 2) + 1;
	generation += generation == 0;
	ch->handle = (uint64_t)slot << 32 | generation;
	ch->in.handle = ch->handle;
	ch->in.bell = (struct rln_doorbell){&c->bells[slot / 64], 1ull << slot % 64, &c->any};
	ch->out.bell = ch->in.bell;
	e->channel = ch;
	__atomic_store_n(&c->in_use, c->in_use + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&e->word, (uint64_t)generation << 2 | SIDE_APP, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&c->lock);
	*handle = ch->handle;
	*out = ch;
	return 0;
}

void rln_channel_leave(struct rln_channels *c, struct rln_channel *ch)
{
	struct entry *e = &c->entry[ch->handle >> 32];

	pthread_mutex_lock(&c->lock);
	if ((__atomic_and_fetch(&e->word, ~(uint64_t)SIDE_APP, __ATOMIC_ACQ_REL) & SIDES) == 0)
		channel_free(c, e);
	pthread_mutex_unlock(&c->lock);
}

static bool has_ended(const struct rln_channel *ch)
{
	return __atomic_load_n(&ch->ended, __ATOMIC_SEQ_CST) != 0;
}

static uint32_t room_of(const struct rln_frame_ring *r)
{
	return RLN_FRAME_RING_SIZE - rln_frame_ring_count(r);
}

/* Arms the bell of a ring; the caller looks again at what it waits for before it sleeps. */
static void bell_arm(struct rln_frame_ring *r, uint32_t wanted)
{
	__atomic_store_n(&r->wanted, wanted, __ATOMIC_RELAXED);
	__atomic_store_n(&r->waits, 1, __ATOMIC_SEQ_CST);
}

/* Sleeps until `have` of the ring reaches `wanted`. 0, RLN_ETIMEDOUT or RLN_EENDED. */
static int ring_wait(struct rln_channel *ch, struct rln_frame_ring *r, uint32_t (*have)(const struct rln_frame_ring *),
	uint32_t wanted, int timeout_ms)
{
	uint64_t end = rln_clock_end_ns(timeout_ms);
	struct pollfd pfd = {.fd = ch->fd, .events = POLLIN};
	uint64_t rung;
	int left, rc = 0;

	while (have(r) < wanted) {
		if (has_ended(ch)) {
			rc = have(r) < wanted ? RLN_EENDED : 0; /* what came before the end counts */
			break;
		}
		left = rln_clock_left_ms(end);
		if (left == 0) {
			rc = RLN_ETIMEDOUT;
			break;
		}
		bell_arm(r, wanted);
		if (have(r) >= wanted || has_ended(ch))
			continue;
		if (poll(&pfd, 1, left) > 0 && read(ch->fd, &rung, sizeof(rung)) < 0 && errno != EAGAIN)
			return -errno;
	}
	__atomic_store_n(&r->waits, 0, __ATOMIC_RELAXED);
	return rc;
}

int rln_channel_send(struct rln_channel *ch, const struct rln_audio_frame *frame)
{
	struct rln_frame *slot;
	unsigned n = frame->samples_n > RLN_FRAME_SAMPLES ? RLN_FRAME_SAMPLES : frame->samples_n;

	if (has_ended(ch))
		return RLN_EENDED;
	if (room_of(&ch->out) == 0)
		return -EAGAIN;
	slot = rln_frame_ring_slot(&ch->out);
	slot->timestamp = 0;
	slot->flags = 0;
	slot->samples_n = RLN_FRAME_SAMPLES;
	memcpy(slot->samples, frame->samples, n * sizeof(slot->samples[0]));
	memset(slot->samples + n, 0, (RLN_FRAME_SAMPLES - n) * sizeof(slot->samples[0]));
	rln_frame_ring_commit(&ch->out);
	return 0;
}

int rln_channel_wait_can_send(struct rln_channel *ch, unsigned frames, int timeout_ms)
{
	uint32_t wanted = frames > RLN_FRAME_RING_SIZE ? RLN_FRAME_RING_SIZE : frames;

	if (has_ended(ch))
		return RLN_EENDED;
	return ring_wait(ch, &ch->out, room_of, wanted, timeout_ms);
}

int rln_channel_recv(struct rln_channel *ch, struct rln_audio_frame *frame, int timeout_ms)
{
	const struct rln_frame *f;
	int rc = ring_wait(ch, &ch->in, rln_frame_ring_count, 1, timeout_ms);

	if (rc != 0)
		return rc;
	f = rln_frame_ring_peek(&ch->in);
	frame->timestamp = f->timestamp;
	frame->samples_n = f->samples_n;
	frame->flags = f->flags;
	memcpy(frame->samples, f->samples, sizeof(frame->samples));
	rln_frame_ring_done(&ch->in);
	return 0;
}

int rln_channel_fd(struct rln_channel *ch)
{
	uint64_t rung;

	if (read(ch->fd, &rung, sizeof(rung)) < 0 && errno != EAGAIN)
		return -errno;
	bell_arm(&ch->in, 1);
	if (rln_frame_ring_count(&ch->in) > 0 || has_ended(ch))
		bell_write(ch);
	return ch->fd;
}

void rln_channel_figures(const struct rln_channel *ch, struct rln_channel_figures *out)
{
	out->received = __atomic_load_n(&ch->in.tail, __ATOMIC_RELAXED);
	out->received_dropped = __atomic_load_n(&ch->in.dropped, __ATOMIC_RELAXED);
	out->sent = __atomic_load_n(&ch->out.head, __ATOMIC_RELAXED);
	out->joined = __atomic_load_n(&ch->joined, __ATOMIC_RELAXED) != 0;
	out->ended = has_ended(ch);
}

/* ---- both sides ---- */

/* The end, told to whoever sleeps. The bell rings whether or not somebody waits: it happens once. */
static void channel_end(struct rln_channel *ch)
{
	__atomic_store_n(&ch->ended, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(ch->in.bell.word, ch->in.bell.bit, __ATOMIC_RELAXED);
	__atomic_store_n(ch->in.bell.any, 1, __ATOMIC_RELEASE);
}

static struct entry *entry_of(struct rln_channels *c, uint64_t handle)
{
	return (handle >> 32) < c->capacity && (uint32_t)handle != 0 ? &c->entry[handle >> 32] : NULL;
}

void rln_channel_end(struct rln_channels *c, uint64_t handle)
{
	struct entry *e = entry_of(c, handle);

	if (e == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	if (e->channel && e->channel->handle == handle)
		channel_end(e->channel);
	pthread_mutex_unlock(&c->lock);
}

/* ---- worker side ---- */

int rln_channel_join(struct rln_channels *c, uint64_t handle, struct rln_frame_ring **in, struct rln_frame_ring **out)
{
	struct entry *e = entry_of(c, handle);
	uint64_t word = (uint64_t)(uint32_t)handle << 2 | SIDE_APP, want = word;

	if (e == NULL)
		return -ENOENT;
	if (!__atomic_compare_exchange_n(&e->word, &want, word | SIDE_WORKER, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return want == (word | SIDE_WORKER) ? -EBUSY : -ENOENT;
	__atomic_store_n(&e->channel->joined, 1, __ATOMIC_RELAXED);
	*in = &e->channel->in;
	*out = &e->channel->out;
	return 0;
}

void rln_channel_part(struct rln_channels *c, uint64_t handle)
{
	struct entry *e = entry_of(c, handle);
	uint64_t word = e ? __atomic_load_n(&e->word, __ATOMIC_ACQUIRE) : 0;
	struct rln_channel *ch;

	if (word >> 2 != (uint32_t)handle || !(word & SIDE_WORKER))
		return;
	/* Our bit keeps the channel alive up to here, so its end is told first. */
	ch = e->channel;
	channel_end(ch);
	if ((__atomic_and_fetch(&e->word, ~(uint64_t)SIDE_WORKER, __ATOMIC_ACQ_REL) & SIDES) == 0) {
		unsigned slot = (unsigned)(e - c->entry);

		__atomic_fetch_or(&c->dead[slot / 64], 1ull << slot % 64, __ATOMIC_RELAXED);
		__atomic_store_n(&c->any, 1, __ATOMIC_RELEASE);
	}
}
