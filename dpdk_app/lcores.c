/* SPDX-License-Identifier: BSD-3-Clause */
/* The loops of the lcores: which tasks each polls, in which order, how it waits; and the threads that run them. */
#include <stdio.h>

#include <rte_launch.h>

#include "dpdk_app/ports.h"
#include "dpdk_app/stages_priv.h"
#include "lcore/io.h"
#include "lcore/loop.h"
#include "lcore/wheel.h"
#include "session/channel.h"
#include "session/coordinator.h"
#include "session/shard.h"
#include "session/tap.h"
#include "sip/transport.h"

#define BUS_BUDGET   256
#define TIMER_BUDGET 1024

/* Tasks of the control loop that are not tasks by themselves. */
static unsigned poll_bus(void *bus, uint64_t now_ns)
{
	(void)now_ns;
	return rln_bus_poll(bus, BUS_BUDGET);
}

static unsigned poll_wheel(void *wheel, uint64_t now_ns)
{
	return rln_wheel_advance(wheel, now_ns, TIMER_BUDGET);
}

static struct rln_idle_cfg idle_of(const struct rln_config *config)
{
	const struct rln_config_idle *idle = &config->idle;

	return (struct rln_idle_cfg){idle->mode == RLN_IDLE_POLL ? UINT32_MAX : idle->spin_us, idle->sleep_min_us,
		idle->sleep_max_us, idle->sleep_quiet_us};
}

static int make_control_loop(struct rln_appliance *a)
{
	struct rln_loop_cfg cfg = {.name = "rln-control",
		.endpoint = RLN_ENDPOINT_CONTROL,
		.idle = idle_of(&a->config),
		.busy = rln_coord_busy,
		.arg = a->coord};
	const struct rln_task tasks[] = {
		{"transport", rln_transport_poll, a->transport},
		{"bus", poll_bus, a->bus},
		{"wheel", poll_wheel, a->wheel},
		{"coordinator", rln_coord_poll, a->coord},
		{"channels", rln_channels_ring, a->channels},
		{"taps", rln_taps_ring, a->taps},
	};
	int rc = rln_loop_create(&a->control, &cfg);

	for (unsigned i = 0; rc == 0 && i < sizeof(tasks) / sizeof(tasks[0]); i++)
		rc = rln_loop_add(a->control, &tasks[i]);
	return rc;
}

struct worker_wait {
	struct rln_port_wait *port;
	struct rln_shard *shard;
};

static struct worker_wait waits[RLN_WORKERS_MAX];

static void wait_for_packets(void *arg, uint32_t us)
{
	rln_ports_wait(((struct worker_wait *)arg)->port, us);
}

static bool has_legs(void *arg)
{
	return rln_shard_busy(((struct worker_wait *)arg)->shard);
}

static int make_worker_loop(struct rln_appliance *a, unsigned w)
{
	char name[16];
	struct rln_loop_cfg cfg = {.name = name,
		.endpoint = RLN_ENDPOINT_WORKER0 + w,
		.idle = idle_of(&a->config),
		.wait = wait_for_packets,
		.busy = has_legs,
		.arg = &waits[w]};
	const struct rln_task task = {"shard", rln_shard_poll, a->shards[w]};
	int rc;

	snprintf(name, sizeof(name), "rln-worker%u", w & 0xff);
	waits[w] = (struct worker_wait){rln_ports_wait_of(a->ports, w), a->shards[w]};
	rc = rln_loop_create(&a->loops[w], &cfg);
	return rc == 0 ? rln_loop_add(a->loops[w], &task) : rc;
}

int rln_lcores_make(struct rln_appliance *a)
{
	int rc = make_control_loop(a);

	for (unsigned w = 0; rc == 0 && w < a->eal.workers; w++)
		rc = make_worker_loop(a, w);
	return rc;
}

void rln_lcores_free(struct rln_appliance *a)
{
	for (unsigned w = 0; w < a->eal.workers; w++) {
		rln_loop_destroy(a->loops[w]);
		a->loops[w] = NULL;
	}
	rln_loop_destroy(a->control);
	a->control = NULL;
}

int rln_lcores_run(struct rln_appliance *a)
{
	int rc = rln_io_start(a->io);

	if (rc != 0)
		return rc;
	for (unsigned w = 0; rc == 0 && w < a->eal.workers; w++)
		rc = rte_eal_remote_launch(rln_loop_run, a->loops[w], RLN_LCORE_WORKER0 + w);
	return rc == 0 ? rte_eal_remote_launch(rln_loop_run, a->control, RLN_LCORE_CONTROL) : rc;
}

void rln_lcores_end(struct rln_appliance *a)
{
	rln_loop_stop(a->control);
	rte_eal_wait_lcore(RLN_LCORE_CONTROL);
	for (unsigned w = 0; w < a->eal.workers; w++) {
		rln_loop_stop(a->loops[w]);
		rte_eal_wait_lcore(RLN_LCORE_WORKER0 + w);
	}
	rln_io_stop(a->io);
}
