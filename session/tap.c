/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taps; tap.h tells their life. The same protocol as session/channel.c: one word per entry holds generation and the sides that are there, so joining, parting and leaving
 * are single compare-and-swaps; the mutex orders create, destroy, end and the bell ringer, and the worker's functions never touch it. All bells fit one word.
 */
#include "session/tap.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lcore/clock.h"
#include "lcore/heap.h"
#include "session/ringlane.h"

#define PACKETS_MAX 65536u

#define SIDE_APP    1u
#define SIDE_WORKER 2u
#define SIDES       3u
#define HAD_LEG     4u /* joined once: parted, it stays so */
#define FLAG_BITS   3

struct rln_tap {
	struct rln_tap_ring ring;
	uint64_t handle; /* slot << 32 | generation */
	void *memory;    /* as allocated; the tap and its packets are aligned inside */
	int fd;
	uint32_t ended; /* writers: worker, control */
};

struct entry {
	uint64_t word; /* generation << FLAG_BITS | flags */
	struct rln_tap *tap;
};

struct rln_taps {
	pthread_mutex_t lock; /* create, destroy, ring */
	unsigned in_use;
	uint32_t any;
	uint64_t bells, dead; /* a bit per entry */
	struct entry entry[RLN_TAPS];
};

int rln_taps_create(struct rln_taps **out)
{
	struct rln_taps *t = rln_zalloc(sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

static void tap_free(struct rln_taps *t, struct entry *e)
{
	struct rln_tap *tap = e->tap;

	e->tap = NULL;
	__atomic_store_n(&t->in_use, t->in_use - 1, __ATOMIC_RELAXED);
	close(tap->fd);
	rln_free(tap->memory);
}

void rln_taps_destroy(struct rln_taps *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < RLN_TAPS; i++) {
		if (t->entry[i].tap)
			tap_free(t, &t->entry[i]);
	}
	pthread_mutex_destroy(&t->lock);
	rln_free(t);
}

unsigned rln_taps_in_use(const struct rln_taps *t)
{
	return __atomic_load_n(&t->in_use, __ATOMIC_RELAXED);
}

static void bell_write(const struct rln_tap *tap)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then it is readable anyway. */
	if (write(tap->fd, &one, sizeof(one)) < 0)
		return;
}

unsigned rln_taps_ring(void *taps, uint64_t now_ns)
{
	struct rln_taps *t = taps;
	uint64_t bells, dead;
	unsigned n = 0;

	(void)now_ns;
	if (!__atomic_load_n(&t->any, __ATOMIC_RELAXED) || !__atomic_exchange_n(&t->any, 0, __ATOMIC_ACQ_REL))
		return 0;
	pthread_mutex_lock(&t->lock);
	bells = __atomic_exchange_n(&t->bells, 0, __ATOMIC_ACQ_REL);
	dead = __atomic_exchange_n(&t->dead, 0, __ATOMIC_ACQ_REL);
	for (; bells; bells &= bells - 1, n++) {
		if (t->entry[__builtin_ctzll(bells)].tap)
			bell_write(t->entry[__builtin_ctzll(bells)].tap);
	}
	for (; dead; dead &= dead - 1, n++) {
		struct entry *e = &t->entry[__builtin_ctzll(dead)];

		/* A bit that outlived its tap must not free the next one. */
		if (e->tap && (__atomic_load_n(&e->word, __ATOMIC_ACQUIRE) & SIDES) == 0)
			tap_free(t, e);
	}
	pthread_mutex_unlock(&t->lock);
	return n;
}

/* ---- application side ---- */

static int tap_new(struct rln_tap **out, unsigned packets)
{
	unsigned size = 1;
	struct rln_tap *tap;
	void *memory;

	while (size < packets)
		size *= 2;
	memory = rln_alloc(sizeof(*tap) + (size_t)size * sizeof(struct rln_tap_packet) + 63);
	if (memory == NULL)
		return -ENOMEM;
	tap = (struct rln_tap *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
	memset(tap, 0, sizeof(*tap));
	tap->memory = memory;
	tap->ring.mask = size - 1;
	tap->ring.packet = (struct rln_tap_packet *)(tap + 1);
	tap->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (tap->fd < 0) {
		rln_free(memory);
		return -errno;
	}
	*out = tap;
	return 0;
}

/* The tap takes a free slot of the table; false: there is none. */
static bool tap_register(struct rln_taps *t, struct rln_tap *tap)
{
	for (unsigned slot = 0; slot < RLN_TAPS; slot++) {
		struct entry *e = &t->entry[slot];
		uint32_t generation = (uint32_t)(e->word >> FLAG_BITS) + 1;

		if (e->tap)
			continue;
		generation += generation == 0;
		tap->handle = (uint64_t)slot << 32 | generation;
		tap->ring.bell = (struct rln_doorbell){&t->bells, 1ull << slot, &t->any};
		e->tap = tap;
		__atomic_store_n(&t->in_use, t->in_use + 1, __ATOMIC_RELAXED);
		__atomic_store_n(&e->word, (uint64_t)generation << FLAG_BITS | SIDE_APP, __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

int rln_tap_create(struct rln_taps *t, unsigned packets, struct rln_tap **out, uint64_t *handle)
{
	struct rln_tap *tap = NULL;
	bool fits;
	int rc;

	if (packets == 0 || packets > PACKETS_MAX)
		return -EINVAL;
	rc = tap_new(&tap, packets);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&t->lock);
	fits = tap_register(t, tap);
	pthread_mutex_unlock(&t->lock);
	if (!fits) {
		close(tap->fd);
		rln_free(tap->memory);
		return -ENOSPC;
	}
	*handle = tap->handle;
	*out = tap;
	return 0;
}

void rln_tap_destroy(struct rln_taps *t, struct rln_tap *tap)
{
	struct entry *e = &t->entry[tap->handle >> 32];

	pthread_mutex_lock(&t->lock);
	if ((__atomic_and_fetch(&e->word, ~(uint64_t)SIDE_APP, __ATOMIC_ACQ_REL) & SIDES) == 0)
		tap_free(t, e);
	pthread_mutex_unlock(&t->lock);
}

static bool has_ended(const struct rln_tap *tap)
{
	return __atomic_load_n(&tap->ended, __ATOMIC_SEQ_CST) != 0;
}

/* Until a packet is there. */
static int packet_wait(struct rln_tap *tap, int timeout_ms)
{
	uint64_t end = rln_clock_end_ns(timeout_ms), rung;
	struct pollfd pfd = {.fd = tap->fd, .events = POLLIN};
	int left;

	while (rln_tap_ring_count(&tap->ring) == 0) {
		if (has_ended(tap)) /* what came before the end counts */
			return rln_tap_ring_count(&tap->ring) ? 0 : RLN_EENDED;
		left = rln_clock_left_ms(end);
		if (left == 0)
			return RLN_ETIMEDOUT;
		__atomic_store_n(&tap->ring.waits, 1, __ATOMIC_SEQ_CST);
		if (rln_tap_ring_count(&tap->ring) || has_ended(tap))
			continue;
		if (poll(&pfd, 1, left) > 0 && read(tap->fd, &rung, sizeof(rung)) < 0 && errno != EAGAIN)
			return -errno;
	}
	return 0;
}

int rln_tap_read(struct rln_tap *tap, struct rln_tap_packet *packet, int timeout_ms)
{
	struct rln_tap_ring *r = &tap->ring;
	const struct rln_tap_packet *p;
	int rc = packet_wait(tap, timeout_ms);

	if (rc != 0)
		return rc;
	p = &r->packet[r->tail & r->mask];
	memcpy(packet, p, offsetof(struct rln_tap_packet, payload) + p->ev.rtp_packet_received.payload.len);
	__atomic_store_n(&r->tail, r->tail + 1, __ATOMIC_RELEASE);
	return 0;
}

uint32_t rln_tap_dropped(const struct rln_tap *tap)
{
	return __atomic_load_n(&tap->ring.dropped, __ATOMIC_RELAXED);
}

/* ---- both sides ---- */

static struct entry *entry_of(struct rln_taps *t, uint64_t handle)
{
	return (handle >> 32) < RLN_TAPS && (uint32_t)handle != 0 ? &t->entry[handle >> 32] : NULL;
}

/* The end, told to whoever sleeps; the caller asks for the bell to be rung. */
static void tap_end(struct rln_tap *tap)
{
	__atomic_store_n(&tap->ended, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(tap->ring.bell.word, tap->ring.bell.bit, __ATOMIC_RELAXED);
}

void rln_tap_end(struct rln_taps *t, uint64_t handle)
{
	struct entry *e = entry_of(t, handle);

	if (e == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	if (e->tap && e->tap->handle == handle) {
		tap_end(e->tap);
		__atomic_store_n(&t->any, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&t->lock);
}

/* ---- worker side ---- */

int rln_tap_join(struct rln_taps *t, uint64_t handle, struct rln_tap_ring **out)
{
	struct entry *e = entry_of(t, handle);
	uint64_t word = (uint64_t)(uint32_t)handle << FLAG_BITS | SIDE_APP, want = word;

	if (e == NULL)
		return -ENOENT;
	if (!__atomic_compare_exchange_n(
		    &e->word, &want, word | SIDE_WORKER | HAD_LEG, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return want == (word | SIDE_WORKER | HAD_LEG) ? -EBUSY : -ENOENT;
	*out = &e->tap->ring;
	return 0;
}

void rln_tap_part(struct rln_taps *t, uint64_t handle)
{
	struct entry *e = entry_of(t, handle);
	uint64_t word = e ? __atomic_load_n(&e->word, __ATOMIC_ACQUIRE) : 0;

	if (word >> FLAG_BITS != (uint32_t)handle || !(word & SIDE_WORKER))
		return;
	tap_end(e->tap); /* our bit keeps it alive */
	if ((__atomic_and_fetch(&e->word, ~(uint64_t)SIDE_WORKER, __ATOMIC_ACQ_REL) & SIDES) == 0)
		__atomic_fetch_or(&t->dead, 1ull << (handle >> 32), __ATOMIC_RELAXED);
	__atomic_store_n(&t->any, 1, __ATOMIC_RELEASE);
}
