/* SPDX-License-Identifier: BSD-3-Clause */
/* The telemetry commands; the one includer of DPDK's telemetry header. They run on DPDK's telemetry thread, under a lock
 * against close. */
#include "dpdk_app/telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <rte_telemetry.h>

#include "dpdk_app/ports.h"
#include "dpdk_app/trace.h"
#include "lcore/block.h"
#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/hist.h"
#include "lcore/log.h"
#include "session/apps/apps.h"
#include "session/coordinator.h"
#include "session/registrations.h"
#include "session/shard.h"

static struct { /* owner: lock */
	pthread_mutex_t lock;
	struct rln_telemetry_view view;
	bool running, tracing;
	bool registered; /* main thread */
} t = {.lock = PTHREAD_MUTEX_INITIALIZER};

typedef void answer_fn(struct rte_tel_data *d, const char *params);

/* DPDK takes letters, digits, '_' and '/' in names and refuses the rest. */
static const char *plain(char *buf, size_t size, const char *name)
{
	snprintf(buf, size, "%s", name);
	for (char *p = buf; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')))
			*p = '_';
	return buf;
}

/* One number; an answer that is full leaves the rest out. */
static void add(struct rte_tel_data *d, const char *name, uint64_t value)
{
	(void)rte_tel_data_add_dict_u64(d, name, value);
}

/* A dictionary inside `d`; NULL when there is no memory for it. Filled by the caller, then handed over with attach(). */
static struct rte_tel_data *inner(void)
{
	struct rte_tel_data *d = rte_tel_data_alloc();

	if (d)
		rte_tel_data_start_dict(d);
	return d;
}

static void attach(struct rte_tel_data *d, const char *name, struct rte_tel_data *child)
{
	if (rte_tel_data_add_dict_container(d, name, child, 0) != 0)
		rte_tel_data_free(child);
}

static void worker_name(char *buf, size_t size, unsigned worker)
{
	snprintf(buf, size, "worker%u", worker);
}

static void answer_calls(struct rte_tel_data *d, const char *params)
{
	static const struct {
		const char *name;
		enum rln_counter counter;
	} totals[] = {{"started", RLN_C_CALLS_STARTED}, {"established", RLN_C_CALLS_ESTABLISHED}, {"ended", RLN_C_CALLS_ENDED},
		{"refused", RLN_C_CALLS_REFUSED}};
	struct rln_shard_counts counts;
	uint64_t legs = 0, free_pairs = 0, players = 0, recorders = 0;

	(void)params;
	if (t.view.coord)
		add(d, "sessions", rln_coord_sessions(t.view.coord));
	for (unsigned k = 0; k < t.view.workers; k++) {
		if (!t.view.shards[k])
			continue;
		rln_shard_counts(t.view.shards[k], &counts);
		legs += counts.legs;
		free_pairs += counts.ports_free;
		players += counts.players;
		recorders += counts.recorders;
	}
	add(d, "legs", legs);
	add(d, "rtp_port_pairs_free", free_pairs);
	add(d, "players", players);
	add(d, "recorders", recorders);
	for (unsigned i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
		add(d, totals[i].name, rln_count_total(totals[i].counter));
	if (t.view.config)
		add(d, "limit", t.view.config->limits.calls);
}

/* Percentiles for which there are too few calls are left out. */
static void answer_setup(struct rte_tel_data *d, const char *params)
{
	static const struct {
		const char *name;
		double percent;
	} values[] = {{"p50_us", 50}, {"p90_us", 90}, {"p99_us", 99}, {"p999_us", 99.9}, {"max_us", 100}};
	static const char *const directions[RLN_ROLE_COUNT] = {[RLN_ROLE_UAC] = "outgoing", [RLN_ROLE_UAS] = "incoming"};

	(void)params;
	for (unsigned role = 0; t.view.coord && role < RLN_ROLE_COUNT; role++) {
		const struct rln_hist *setup = rln_coord_setup_us(t.view.coord, (enum rln_call_role)role);
		struct rte_tel_data *child = inner();
		uint64_t us;

		if (!child)
			return;
		add(child, "calls", rln_hist_count(setup));
		for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
			if (rln_hist_percentile(setup, values[i].percent, &us))
				add(child, values[i].name, us);
		attach(d, directions[role], child);
	}
}

/* A dictionary for each address of record. */
static void answer_registrations(struct rte_tel_data *d, const char *params)
{
	struct rln_registration_view view;
	char name[RLN_REGISTRATION_URI];

	(void)params;
	for (unsigned i = 0; t.view.coord && rln_coord_registration_view(t.view.coord, i, &view); i++) {
		struct rte_tel_data *one = inner();

		if (!one)
			return;
		(void)rte_tel_data_add_dict_string(one, "uri", view.uri);
		(void)rte_tel_data_add_dict_string(
			one, "status", rln_registration_state_name((enum rln_registration_state)view.status));
		add(one, "code", view.code);
		add(one, "expires_s", view.expires_s);
		add(one, "retry_s", view.retry_s);
		attach(d, plain(name, sizeof(name), view.uri), one);
	}
}

/* "control", "app", "worker3" to a bus endpoint; -1 for something else. */
static int endpoint_of(const char *name)
{
	unsigned k;
	char rest;

	if (strcmp(name, "control") == 0)
		return RLN_ENDPOINT_CONTROL;
	if (strcmp(name, "app") == 0)
		return RLN_ENDPOINT_APP;
	if (sscanf(name, "worker%u%c", &k, &rest) == 1 && k < t.view.workers)
		return (int)(RLN_ENDPOINT_WORKER0 + k);
	return -1;
}

static void answer_counters(struct rte_tel_data *d, const char *params)
{
	int endpoint = params ? endpoint_of(params) : -1;

	if (params && endpoint < 0) {
		(void)rte_tel_data_add_dict_string(d, "error", "expected control, app or worker0, worker1, ...");
		return;
	}
	for (unsigned c = 0; c < RLN_C_COUNT; c++)
		add(d, rln_count_name((enum rln_counter)c),
			params ? __atomic_load_n(&rln_counts_of((unsigned)endpoint)->v[c], __ATOMIC_RELAXED)
			       : rln_count_total((enum rln_counter)c));
}

static void add_loop(struct rte_tel_data *d, const char *name, const struct rln_loop *loop)
{
	struct rte_tel_data *child = loop ? inner() : NULL;
	struct rln_loop_figures f;
	uint64_t all;

	if (!child)
		return;
	rln_loop_figures(loop, &f);
	all = f.busy_ns + f.idle_ns + f.sleep_ns;
	add(child, "turns", f.turns);
	add(child, "turns_busy", f.turns_busy);
	add(child, "busy_ns", f.busy_ns);
	add(child, "idle_ns", f.idle_ns);
	add(child, "sleep_ns", f.sleep_ns);
	add(child, "cpu_ns", f.cpu_ns);
	add(child, "longest_turn_ns", f.longest_turn_ns);
	add(child, "busy_percent", all ? f.busy_ns * 100 / all : 0);
	attach(d, name, child);
}

static void answer_lcores(struct rte_tel_data *d, const char *params)
{
	char name[24];

	(void)params;
	add_loop(d, "control", t.view.control);
	for (unsigned k = 0; k < t.view.workers; k++) {
		worker_name(name, sizeof(name), k);
		add_loop(d, name, t.view.loops[k]);
	}
}

static void add_ring(struct rte_tel_data *d, const char *name, const struct rte_ring *ring)
{
	if (ring)
		add(d, name, rte_ring_count(ring));
}

static void answer_rings(struct rte_tel_data *d, const char *params)
{
	char name[32];

	(void)params;
	if (t.view.bus)
		add(d, "events_control", rln_bus_depth(t.view.bus, RLN_ENDPOINT_CONTROL));
	for (unsigned k = 0; k < t.view.workers; k++) {
		if (t.view.bus) {
			snprintf(name, sizeof(name), "events_worker%u", k);
			add(d, name, rln_bus_depth(t.view.bus, RLN_ENDPOINT_WORKER0 + k));
		}
		if (!t.view.net)
			continue;
		snprintf(name, sizeof(name), "sip_in_worker%u", k);
		add_ring(d, name, t.view.net->to_control[k]);
		snprintf(name, sizeof(name), "sip_out_worker%u", k);
		add_ring(d, name, t.view.net->from_control[k]);
		for (unsigned from = 0; from < t.view.workers && from < 32; from++) {
			snprintf(name, sizeof(name), "handoff_%u_%u", from, k);
			add_ring(d, name, t.view.net->handoff[from][k]);
		}
	}
}

static void add_pool(struct rte_mempool *pool, void *arg)
{
	struct rte_tel_data *d = arg, *child = inner();
	char name[RTE_MEMPOOL_NAMESIZE];

	if (!child)
		return;
	add(child, "size", pool->size);
	add(child, "in_use", rte_mempool_in_use_count(pool));
	add(child, "element_bytes", pool->elt_size);
	attach(d, plain(name, sizeof(name), pool->name), child);
}

static void answer_pools(struct rte_tel_data *d, const char *params)
{
	(void)params;
	rte_mempool_walk(add_pool, d);
	add(d, "blocks_in_use", rln_blocks_in_use());
	add(d, "heap_live_bytes", (uint64_t)rln_heap_live_bytes());
	add(d, "heap_live_allocations", (uint64_t)rln_heap_live_count());
}

/* Kinds that were published at all: the catalogue is longer than an answer may be. */
static void answer_events(struct rte_tel_data *d, const char *params)
{
	(void)params;
	for (unsigned kind = 1; t.view.bus && kind < RLN_EV_COUNT; kind++) {
		struct rte_tel_data *child;
		struct rln_bus_figures f;

		rln_bus_figures(t.view.bus, (enum rln_event_kind)kind, &f);
		if (f.published + f.delivered + f.dropped == 0)
			continue;
		child = inner();
		if (!child)
			return;
		add(child, "published", f.published);
		add(child, "delivered", f.delivered);
		add(child, "retried", f.retried);
		add(child, "dropped", f.dropped);
		attach(d, rln_event_info((enum rln_event_kind)kind)->name, child);
	}
}

/* The device's own figures, and what the kernel lost before it (receive overload shows nowhere else). */
static void answer_ports(struct rte_tel_data *d, const char *params)
{
	char name[RLN_NET_PORTNAME];

	(void)params;
	for (unsigned i = 0; t.view.net && i < t.view.net->ports_n; i++) {
		const struct rln_net_port *port = &t.view.net->ports[i];
		struct rte_tel_data *child = inner();
		struct rln_port_losses lost = {0};
		struct rte_eth_stats stats = {0};

		if (!child)
			return;
		(void)rte_eth_stats_get(port->device, &stats);
		if (t.view.ports)
			rln_ports_losses(t.view.ports, i, &lost);
		add(child, "received", stats.ipackets);
		add(child, "received_bytes", stats.ibytes);
		add(child, "sent", stats.opackets);
		add(child, "sent_bytes", stats.obytes);
		add(child, "send_errors", stats.oerrors);
		add(child, "missed", lost.imissed);
		add(child, "receive_errors", lost.ierrors);
		add(child, "no_buffer", lost.rx_nombuf);
		add(child, "kernel_dropped", lost.kernel_dropped);
		attach(d, plain(name, sizeof(name), port->name), child);
	}
}

static void answer_queues(struct rte_tel_data *d, const char *params)
{
	struct rln_queue_figures f;
	const char *name;
	char buf[RLN_CONFIG_NAME];

	(void)params;
	for (unsigned i = 0; (name = rln_apps_queue(t.view.apps, i, &f)); i++) {
		struct rte_tel_data *child = inner();

		if (!child)
			return;
		add(child, "waiting", f.waiting);
		add(child, "agents_ringing", f.ringing);
		add(child, "agents_talking", f.talking);
		add(child, "agents_free", f.free);
		add(child, "entered", f.entered);
		add(child, "refused", f.refused);
		add(child, "answered", f.answered);
		add(child, "abandoned", f.abandoned);
		add(child, "timed_out", f.timed_out);
		add(child, "agent_calls_failed", f.not_answered);
		add(child, "mean_wait_ms", f.answered ? f.waited_ms / f.answered : 0);
		attach(d, plain(buf, sizeof(buf), name), child);
	}
}

static void answer_log(struct rte_tel_data *d, const char *params)
{
	static const char *const levels[] = {"error", "warning", "info", "debug"};
	unsigned level = 0;

	if (params) {
		while (level < 4 && strcasecmp(levels[level], params) != 0)
			level++;
		if (level == 4) {
			(void)rte_tel_data_add_dict_string(d, "error", "expected error, warning, info or debug");
			return;
		}
		rln_log_level = (enum rln_log_level)level;
	}
	(void)rte_tel_data_add_dict_string(d, "level", levels[rln_log_level]);
}

static void answer_trace(struct rte_tel_data *d, const char *params)
{
	if (params && strcmp(params, "on") != 0 && strcmp(params, "off") != 0) {
		(void)rte_tel_data_add_dict_string(d, "error", "expected on or off");
		return;
	}
	if (params) {
		t.tracing = strcmp(params, "on") == 0;
		if (t.view.trace)
			rln_trace_print(t.view.trace, t.tracing ? RLN_TRACE_ON : RLN_TRACE_OFF);
	}
	(void)rte_tel_data_add_dict_string(d, "trace", t.tracing ? "on" : "off");
}

static const struct {
	const char *name, *help;
	answer_fn *answer;
} commands[] = {
	{"/ringlane/calls", "Calls now and since start.", answer_calls},
	{"/ringlane/setup", "INVITE to ACTIVE of the calls since start, ringing included: percentiles, us.", answer_setup},
	{"/ringlane/registrations", "Our registrations: state, last SIP code, seconds granted or until the next try.",
		answer_registrations},
	{"/ringlane/counters", "Every counter by name; parameter: control, app or workerN for one thread's share.",
		answer_counters},
	{"/ringlane/lcores", "Time that each lcore worked, polled in vain and slept, ns.", answer_lcores},
	{"/ringlane/rings", "Events and packets that wait in each ring.", answer_rings},
	{"/ringlane/pools", "Packet buffers, event blocks and heap in use.", answer_pools},
	{"/ringlane/events", "Published, delivered, retried and dropped events by kind.", answer_events},
	{"/ringlane/queues", "Each call queue: who waits, what its agents do, what became of its callers.", answer_queues},
	{"/ringlane/ports", "Each device's packets and losses, the kernel's included.", answer_ports},
	{"/ringlane/log", "Log level; parameter: error, warning, info or debug sets it.", answer_log},
	{"/ringlane/trace", "Every call as a ladder on standard error; parameter: on or off.", answer_trace},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int on_command(const char *cmd, const char *params, struct rte_tel_data *d)
{
	if (params && !*params)
		params = NULL;
	rte_tel_data_start_dict(d);
	pthread_mutex_lock(&t.lock);
	if (!t.running)
		add(d, "running", 0);
	for (unsigned i = 0; t.running && i < COMMANDS; i++)
		if (strcmp(commands[i].name, cmd) == 0)
			commands[i].answer(d, params);
	pthread_mutex_unlock(&t.lock);
	return 0;
}

int rln_telemetry_open(const struct rln_telemetry_view *view)
{
	int rc = 0;

	for (unsigned i = 0; !t.registered && i < COMMANDS && rc == 0; i++)
		rc = rte_telemetry_register_cmd(commands[i].name, on_command, commands[i].help);
	if (rc)
		return rc;
	t.registered = true;
	pthread_mutex_lock(&t.lock);
	t.view = *view;
	t.running = true;
	t.tracing = view->config && view->config->log.trace;
	pthread_mutex_unlock(&t.lock);
	return 0;
}

void rln_telemetry_close(void)
{
	pthread_mutex_lock(&t.lock);
	t.running = false;
	memset(&t.view, 0, sizeof(t.view));
	pthread_mutex_unlock(&t.lock);
}
