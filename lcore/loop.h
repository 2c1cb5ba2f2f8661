/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of an lcore: polls its tasks in order; when none found work it backs off. Cycles of turns that found work and
 * of idle turns are counted apart, which is the only honest load figure of a polling thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One thing that an lcore does. `poll` returns how much it found to do (0 = idle) and never blocks. */
struct rln_task {
	const char *name;
	unsigned (*poll)(void *arg, uint64_t now_ns);
	void *arg;
};

struct rln_idle_cfg {
	uint32_t spin_us;        /* poll without sleep for this long after the last work; UINT32_MAX = never sleep (PCI NICs) */
	uint32_t sleep_min_us;   /* first sleep; doubles while idle */
	uint32_t sleep_max_us;   /* bound while something is up (hint_busy) */
	uint32_t sleep_quiet_us; /* bound while nothing is up */
};

struct rln_loop;

struct rln_loop_cfg {
	const char *name;        /* thread name; copied */
	unsigned endpoint;       /* bus.h; the loop enters it */
	struct rln_idle_cfg idle;
	/* Optional: waits up to `us` for a device fd instead of a plain sleep (tap). Returns at once on traffic. */
	void (*wait)(void *arg, uint32_t us);
	/* Optional: true while calls are up, so that sleeps stay short. */
	bool (*busy)(void *arg);
	void *arg;               /* of wait and busy */
};

#define RLN_LOOP_TASKS 12

int rln_loop_create(struct rln_loop **out, const struct rln_loop_cfg *cfg) __attribute__((warn_unused_result));
void rln_loop_destroy(struct rln_loop *loop);
/* Adds a task; tasks are polled in this order. -ENOSPC beyond RLN_LOOP_TASKS. Before the loop runs. */
int rln_loop_add(struct rln_loop *loop, const struct rln_task *task) __attribute__((warn_unused_result));
/* Runs until rln_loop_stop(). Signature of an EAL lcore function: arg is the loop. */
int rln_loop_run(void *loop);
/* Any thread. The loop ends after its current turn. */
void rln_loop_stop(struct rln_loop *loop);

struct rln_loop_figures { /* a snapshot; times in ns of our clock */
	uint64_t turns, turns_busy, busy_ns, idle_ns, sleep_ns, longest_turn_ns, cpu_ns; /* cpu_ns: thread CPU time, kernel included */
};
void rln_loop_figures(const struct rln_loop *loop, struct rln_loop_figures *out);
