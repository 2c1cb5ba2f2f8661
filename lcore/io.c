/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file thread and its rings. A request is taken only while the asker's answers are not backed up, so an asker that stops
 * looking stops being served, and a backlog stays as small as the answers of one request.
 *
 * The thread waits on a semaphore with a timeout and not for a signal from workers, because waking it would cost them a
 * system call: 2 ms after work, up to 16 ms when nothing comes. Only rln_io_stop() posts it.
 */
#include "lcore/io.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include <rte_ring_elem.h>

#include "lcore/bus.h"
#include "lcore/fifo.h"
#include "lcore/heap.h"
#include "lcore/log.h"

#define WAIT_MIN_MS     2u
#define WAIT_MAX_MS     16u
#define BACKLOG_INITIAL 64u
#define BACKLOG_MAX     (1u << 16)

struct lane {                          /* of one endpoint */
	struct rte_ring *ask, *answer; /* SP/SC, towards the file thread and back */
	struct rln_fifo backlog;       /* owner: file thread; after it ended, the endpoint's */
};

struct rln_io { /* owner: main thread; lanes as said above */
	rln_io_handler handler;
	void *arg;
	unsigned lanes_n;
	bool stop, running;
	pthread_t thread;
	sem_t wake;
	struct lane lanes[RLN_ENDPOINT_COUNT];
};

int rln_io_create(struct rln_io **out, unsigned endpoints, unsigned size)
{
	struct rln_io *io;

	if (endpoints == 0 || endpoints > RLN_ENDPOINT_COUNT || size < 2 || (size & (size - 1)))
		return -EINVAL;
	io = rln_zalloc(sizeof(*io));
	if (!io)
		return -ENOMEM;
	sem_init(&io->wake, 0, 0);
	io->lanes_n = endpoints;
	for (unsigned i = 0; i < endpoints; i++) {
		struct lane *l = &io->lanes[i];

		l->ask = rln_ring_new(size, RING_F_SP_ENQ | RING_F_SC_DEQ);
		l->answer = rln_ring_new(size, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!l->ask || !l->answer || rln_fifo_init(&l->backlog, BACKLOG_INITIAL, BACKLOG_MAX) < 0)
			goto out;
	}
	*out = io;
	return 0;
out:
	rln_io_destroy(io);
	return -ENOMEM;
}

void rln_io_destroy(struct rln_io *io)
{
	if (!io)
		return;
	rln_io_stop(io);
	for (unsigned i = 0; i < io->lanes_n; i++) {
		rln_ring_free(io->lanes[i].ask);
		rln_ring_free(io->lanes[i].answer);
		rln_fifo_fini(&io->lanes[i].backlog);
	}
	sem_destroy(&io->wake);
	rln_free(io);
}

void rln_io_set_handler(struct rln_io *io, rln_io_handler handler, void *arg)
{
	io->handler = handler;
	io->arg = arg;
}

/* True when no answer waits any more. */
static bool flush(struct lane *l)
{
	void *msg;

	while ((msg = rln_fifo_peek(&l->backlog))) {
		if (rte_ring_sp_enqueue_elem(l->answer, msg, sizeof(struct rln_io_msg)) < 0)
			return false;
		rln_fifo_drop(&l->backlog);
	}
	return true;
}

/* One request of each lane. Returns how many there were. */
static unsigned serve(struct rln_io *io, bool last)
{
	struct rln_io_msg msg;
	unsigned served = 0;

	for (unsigned i = 0; i < io->lanes_n; i++) {
		struct lane *l = &io->lanes[i];

		/* At the end nobody may be left to take answers: they pile up here, for rln_io_take(). */
		if (!flush(l) && !last)
			continue;
		if (rte_ring_sc_dequeue_elem(l->ask, &msg, sizeof(msg)) < 0)
			continue;
		io->handler(io->arg, i, &msg);
		served++;
	}
	return served;
}

static void wait_ms(struct rln_io *io, unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)ms * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	sem_clockwait(&io->wake, CLOCK_MONOTONIC, &until);
}

static void *thread_main(void *arg)
{
	struct rln_io *io = arg;
	unsigned ms = WAIT_MIN_MS;

	pthread_setname_np(pthread_self(), "rln-files");
	while (!__atomic_load_n(&io->stop, __ATOMIC_ACQUIRE)) {
		if (serve(io, false)) {
			ms = WAIT_MIN_MS;
			continue;
		}
		wait_ms(io, ms);
		ms = ms * 2 < WAIT_MAX_MS ? ms * 2 : WAIT_MAX_MS;
	}
	while (serve(io, true))
		;
	return NULL;
}

int rln_io_start(struct rln_io *io)
{
	int rc;

	if (!io->handler || io->running)
		return -EINVAL;
	__atomic_store_n(&io->stop, false, __ATOMIC_RELAXED);
	rc = pthread_create(&io->thread, NULL, thread_main, io);
	if (rc == 0)
		__atomic_store_n(&io->running, true, __ATOMIC_RELEASE);
	return -rc;
}

void rln_io_stop(struct rln_io *io)
{
	if (!io->running)
		return;
	__atomic_store_n(&io->stop, true, __ATOMIC_RELEASE);
	sem_post(&io->wake);
	pthread_join(io->thread, NULL);
	__atomic_store_n(&io->running, false, __ATOMIC_RELEASE);
}

bool rln_io_ask(struct rln_io *io, unsigned endpoint, const struct rln_io_msg *msg)
{
	return rte_ring_sp_enqueue_elem(io->lanes[endpoint].ask, (void *)(uintptr_t)msg, sizeof(*msg)) == 0;
}

void rln_io_answer(struct rln_io *io, unsigned endpoint, const struct rln_io_msg *msg)
{
	struct lane *l = &io->lanes[endpoint];

	if (flush(l) && rte_ring_sp_enqueue_elem(l->answer, (void *)(uintptr_t)msg, sizeof(*msg)) == 0)
		return;
	/* Out of memory: waiting here holds up files, losing the answer would lose its buffer. */
	while (!rln_fifo_push(&l->backlog, msg)) {
		if (__atomic_load_n(&io->stop, __ATOMIC_ACQUIRE)) {
			rln_log(RLN_LOG_ERROR, msg->owner, "file thread: no memory for an answer at the end: it is lost");
			return;
		}
		rln_log(RLN_LOG_ERROR, msg->owner, "file thread: no memory for answers; waiting for endpoint %u", endpoint);
		wait_ms(io, WAIT_MIN_MS);
		if (flush(l) && rte_ring_sp_enqueue_elem(l->answer, (void *)(uintptr_t)msg, sizeof(*msg)) == 0)
			return;
	}
}

bool rln_io_take(struct rln_io *io, unsigned endpoint, struct rln_io_msg *msg)
{
	struct lane *l = &io->lanes[endpoint];
	const struct rln_io_msg *waiting;

	if (rte_ring_sc_dequeue_elem(l->answer, msg, sizeof(*msg)) == 0)
		return true;
	if (__atomic_load_n(&io->running, __ATOMIC_ACQUIRE))
		return false;
	waiting = rln_fifo_peek(&l->backlog); /* the thread has ended: what it could not hand over is ours */
	if (!waiting)
		return false;
	*msg = *waiting;
	rln_fifo_drop(&l->backlog);
	return true;
}
