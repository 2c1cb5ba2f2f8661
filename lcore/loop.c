/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop reads the clock once per turn: the end of one turn is the start of the next. Only a sleep reads it again.
 * Figures have one writer, the loop's thread; the CPU time of that thread is asked from the kernel by whoever wants it.
 */
#include "lcore/loop.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_pause.h>

#include "lcore/bus.h"
#include "lcore/clock.h"
#include "lcore/heap.h"

struct rln_loop { /* owner: the thread that runs it; `stop` and the reading of figures: any thread */
	struct rln_loop_cfg cfg;
	struct rln_task tasks[RLN_LOOP_TASKS];
	unsigned tasks_n;
	bool stop;
	bool running; /* cpu_clock is good */
	clockid_t cpu_clock;
	uint64_t cpu_before_ns; /* CPU time of the thread when the loop started */
	uint32_t sleep_us;      /* the next sleep */
	char name[16];          /* what the kernel keeps, NUL included */
	struct rln_loop_figures figures;
};

int rln_loop_create(struct rln_loop **out, const struct rln_loop_cfg *cfg)
{
	struct rln_loop *loop;

	if (cfg->idle.spin_us != UINT32_MAX && cfg->idle.sleep_min_us == 0)
		return -EINVAL;
	loop = rln_zalloc(sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	loop->cfg = *cfg;
	strncpy(loop->name, cfg->name ? cfg->name : "rln-loop", sizeof(loop->name) - 1);
	*out = loop;
	return 0;
}

void rln_loop_destroy(struct rln_loop *loop)
{
	rln_free(loop);
}

int rln_loop_add(struct rln_loop *loop, const struct rln_task *task)
{
	if (loop->tasks_n == RLN_LOOP_TASKS)
		return -ENOSPC;
	loop->tasks[loop->tasks_n++] = *task;
	return 0;
}

void rln_loop_stop(struct rln_loop *loop)
{
	__atomic_store_n(&loop->stop, true, __ATOMIC_RELEASE);
}

static void add(uint64_t *figure, uint64_t n)
{
	__atomic_store_n(figure, *figure + n, __ATOMIC_RELAXED);
}

static uint64_t cpu_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		return 0; /* the thread has ended */
	return (uint64_t)t.tv_sec * RLN_SEC + (uint64_t)t.tv_nsec;
}

static void begin(struct rln_loop *loop)
{
	pthread_setname_np(pthread_self(), loop->name);
	/* 1 ns: else a sleep of 50 us takes 130, because the kernel may add 50 us of its own. */
	prctl(PR_SET_TIMERSLACK, 1);
	rln_bus_enter(NULL, loop->cfg.endpoint);
	loop->sleep_us = loop->cfg.idle.sleep_min_us;
	pthread_getcpuclockid(pthread_self(), &loop->cpu_clock);
	loop->cpu_before_ns = cpu_ns(loop->cpu_clock);
	__atomic_store_n(&loop->running, true, __ATOMIC_RELEASE);
}

static void end(struct rln_loop *loop)
{
	__atomic_store_n(&loop->figures.cpu_ns, cpu_ns(loop->cpu_clock) - loop->cpu_before_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&loop->running, false, __ATOMIC_RELEASE);
	rln_bus_enter(NULL, RLN_ENDPOINT_APP);
}

static unsigned turn(struct rln_loop *loop, uint64_t now_ns)
{
	unsigned found = 0;

	for (unsigned i = 0; i < loop->tasks_n; i++)
		found += loop->tasks[i].poll(loop->tasks[i].arg, now_ns);
	return found;
}

static void account(struct rln_loop *loop, uint64_t took_ns, unsigned found)
{
	struct rln_loop_figures *f = &loop->figures;

	add(&f->turns, 1);
	if (found) {
		add(&f->turns_busy, 1);
		add(&f->busy_ns, took_ns);
	} else {
		add(&f->idle_ns, took_ns);
	}
	if (took_ns > f->longest_turn_ns)
		__atomic_store_n(&f->longest_turn_ns, took_ns, __ATOMIC_RELAXED);
}

/* One sleep, twice as long as the one before up to the bound. Returns the time after it. */
static uint64_t sleep_once(struct rln_loop *loop, uint64_t now_ns)
{
	const struct rln_loop_cfg *cfg = &loop->cfg;
	bool busy = !cfg->busy || cfg->busy(cfg->arg);
	uint32_t bound = busy ? cfg->idle.sleep_max_us : cfg->idle.sleep_quiet_us;
	uint32_t us = loop->sleep_us < bound ? loop->sleep_us : bound;
	struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};
	uint64_t after_ns;

	if (cfg->wait)
		cfg->wait(cfg->arg, us);
	else
		nanosleep(&t, NULL); /* a signal only makes it shorter */
	loop->sleep_us = us > bound / 2 ? bound : us * 2;
	after_ns = rln_clock_ns();
	add(&loop->figures.sleep_ns, after_ns - now_ns);
	return after_ns;
}

int rln_loop_run(void *arg)
{
	struct rln_loop *loop = arg;
	uint64_t spin_ns = loop->cfg.idle.spin_us == UINT32_MAX ? UINT64_MAX : loop->cfg.idle.spin_us * 1000ull;
	uint64_t now, last_work;

	begin(loop);
	now = last_work = rln_clock_ns();
	while (!__atomic_load_n(&loop->stop, __ATOMIC_ACQUIRE)) {
		unsigned found = turn(loop, now);
		uint64_t after = rln_clock_ns();

		account(loop, after - now, found);
		now = after;
		if (found) {
			last_work = now;
			loop->sleep_us = loop->cfg.idle.sleep_min_us;
		} else if (now - last_work >= spin_ns) {
			now = sleep_once(loop, now);
		} else {
			rte_pause();
		}
	}
	end(loop);
	return 0;
}

void rln_loop_figures(const struct rln_loop *loop, struct rln_loop_figures *out)
{
	const struct rln_loop_figures *f = &loop->figures;
	uint64_t now = 0;

	out->turns = __atomic_load_n(&f->turns, __ATOMIC_RELAXED);
	out->turns_busy = __atomic_load_n(&f->turns_busy, __ATOMIC_RELAXED);
	out->busy_ns = __atomic_load_n(&f->busy_ns, __ATOMIC_RELAXED);
	out->idle_ns = __atomic_load_n(&f->idle_ns, __ATOMIC_RELAXED);
	out->sleep_ns = __atomic_load_n(&f->sleep_ns, __ATOMIC_RELAXED);
	out->longest_turn_ns = __atomic_load_n(&f->longest_turn_ns, __ATOMIC_RELAXED);
	out->cpu_ns = __atomic_load_n(&f->cpu_ns, __ATOMIC_RELAXED);
	if (__atomic_load_n(&loop->running, __ATOMIC_ACQUIRE))
		now = cpu_ns(loop->cpu_clock);
	if (now > loop->cpu_before_ns)
		out->cpu_ns = now - loop->cpu_before_ns;
}
