/* SPDX-License-Identifier: BSD-3-Clause */
/* The housekeeping thread; see tend.h. */
#include "dpdk_app/tend.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "dpdk_app/trace.h"
#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/log.h"

#define TURN_MS      20
#define TRACE_BUDGET 256
#define REFINE_TURNS 500 /* every 10 s */

struct rln_tend {
	struct rln_trace *trace;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
};

static void wait_turn(struct rln_tend *t, int ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&t->wake, &t->lock, &until);
}

static void *run(void *arg)
{
	struct rln_tend *t = arg;

	pthread_mutex_lock(&t->lock);
	for (unsigned turn = 1; !t->stop; turn++) {
		pthread_mutex_unlock(&t->lock);
		while (rln_trace_read(t->trace, TRACE_BUDGET))
			;
		rln_trace_serve(t->trace);
		rln_log_flush();
		if (turn % REFINE_TURNS == 0)
			rln_clock_refine();
		pthread_mutex_lock(&t->lock);
		if (!t->stop)
			wait_turn(t, TURN_MS);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

int rln_tend_start(struct rln_tend **out, struct rln_bus *bus, const struct rln_config *config, const char *trace_socket)
{
	struct rln_tend *t = rln_zalloc(sizeof(*t));
	pthread_condattr_t attr;
	int rc;

	if (!t)
		return -ENOMEM;
	rc = rln_trace_create(&t->trace, bus, STDERR_FILENO, trace_socket);
	if (rc != 0) {
		rln_free(t);
		return rc;
	}
	rln_log_level = (enum rln_log_level)config->log.level;
	rln_log_open(STDERR_FILENO,
		config->log.colour == RLN_COLOUR_ON || (config->log.colour == RLN_COLOUR_AUTO && isatty(STDERR_FILENO)));
	rln_trace_print(t->trace, (enum rln_config_trace)config->log.trace);
	rln_trace_serve(t->trace); /* the first event is traced already */
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&t->thread, NULL, run, t);
	if (rc != 0) {
		rln_trace_destroy(t->trace);
		rln_free(t);
		return -rc;
	}
	pthread_setname_np(t->thread, "rln-tend");
	*out = t;
	return 0;
}

void rln_tend_stop(struct rln_tend *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	while (rln_trace_read(t->trace, TRACE_BUDGET))
		;
	rln_trace_serve(t->trace);
	rln_trace_destroy(t->trace);
	rln_log_flush();
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	rln_free(t);
}

struct rln_trace *rln_tend_trace(struct rln_tend *t)
{
	return t->trace;
}

void rln_tend_pause(struct rln_tend *t, int ms)
{
	pthread_mutex_lock(&t->lock);
	wait_turn(t, ms);
	pthread_mutex_unlock(&t->lock);
}
