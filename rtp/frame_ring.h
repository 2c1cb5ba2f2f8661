/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One direction of an audio channel: a bounded SP/SC ring of 20 ms frames between a worker and an application thread. It carries
 * data and no control (requirements R7, R39). It stands in rtp/ because the pipeline fills and drains it; who allocates it, how
 * long it lives and how a thread sleeps on it is the business of session/channel.
 *
 * Doorbell: a worker makes no system call on the packet path, so it cannot wake a sleeping reader itself. The sleeper sets
 * `waits`; the worker, when it next moves the ring, takes that flag down and sets one bit in a word that the control lcore looks
 * at each turn; control makes the eventfd write. Nobody sleeps: no atomic read-modify-write at all.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define RLN_FRAME_RING_SIZE    1000u /* R39: frames each way, 20 s */
#define RLN_FRAME_RING_SAMPLES 160u  /* 20 ms at 8 kHz, mono, 16 bit */
#define RLN_FRAME_RING_LOST    1u    /* flags: the frame fills a gap in the sequence */

struct rln_frame {          /* laid out as struct rln_audio_frame of ringlane.h (asserted in session/channel.c) */
	uint32_t timestamp; /* RTP clock of the first sample */
	uint16_t samples_n, flags;
	int16_t samples[RLN_FRAME_RING_SAMPLES];
};

struct rln_doorbell { /* where the worker's side rings; constant after open */
	uint64_t *word;
	uint64_t bit;
	uint32_t *any; /* so that control looks at one word per turn */
};

struct rln_frame_ring {
	uint32_t head __attribute__((aligned(64))); /* writer: producer; frames ever pushed */
	uint32_t dropped;                           /* writer: producer; frames that found the ring full */
	/* The rest of this line is the producer's alone. */
	struct rln_frame_ring *next; /* of those that hear the same leg */
	uint64_t handle;             /* of the channel that it belongs to */
	uint16_t fill;               /* samples of the frame at `head` that are there already */
	uint8_t dropping;            /* that frame found the ring full */
	uint32_t tail __attribute__((aligned(64))); /* writer: consumer; frames ever taken */
	uint32_t waits
		__attribute__((aligned(64))); /* set by the application's side before it sleeps, taken down by the worker's */
	uint32_t wanted;                      /* frames (reader) or room (writer) that the sleeper waits for */
	struct rln_doorbell bell;
	struct rln_frame frame[RLN_FRAME_RING_SIZE] __attribute__((aligned(64)));
};

static inline uint32_t rln_frame_ring_count(const struct rln_frame_ring *r)
{
	return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
}

/* The slot of the next frame to push; NULL when the ring is full (counted in `dropped`). Producer. */
static inline struct rln_frame *rln_frame_ring_slot(struct rln_frame_ring *r)
{
	if (r->head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) >= RLN_FRAME_RING_SIZE) {
		__atomic_store_n(&r->dropped, r->dropped + 1, __ATOMIC_RELAXED);
		return NULL;
	}
	return &r->frame[r->head % RLN_FRAME_RING_SIZE];
}

/* Makes the slot visible. Producer. Sequentially consistent, so that either the sleeper sees it or _wake() sees the sleeper. */
static inline void rln_frame_ring_commit(struct rln_frame_ring *r)
{
	__atomic_store_n(&r->head, r->head + 1, __ATOMIC_SEQ_CST);
}

/* The oldest frame, NULL when there is none. Consumer; gives it back with _done(). */
static inline const struct rln_frame *rln_frame_ring_peek(const struct rln_frame_ring *r)
{
	if (__atomic_load_n(&r->head, __ATOMIC_ACQUIRE) == r->tail)
		return NULL;
	return &r->frame[r->tail % RLN_FRAME_RING_SIZE];
}

static inline void rln_frame_ring_done(struct rln_frame_ring *r)
{
	__atomic_store_n(&r->tail, r->tail + 1, __ATOMIC_SEQ_CST);
}

/* Worker's side, after it moved the ring: `have` frames (or room) are there now. */
static inline void rln_frame_ring_wake(struct rln_frame_ring *r, uint32_t have)
{
	if (__atomic_load_n(&r->waits, __ATOMIC_SEQ_CST) && have >= __atomic_load_n(&r->wanted, __ATOMIC_RELAXED)) {
		__atomic_store_n(&r->waits, 0, __ATOMIC_RELAXED);
		__atomic_fetch_or(r->bell.word, r->bell.bit, __ATOMIC_RELAXED);
		__atomic_store_n(r->bell.any, 1, __ATOMIC_RELEASE);
	}
}
