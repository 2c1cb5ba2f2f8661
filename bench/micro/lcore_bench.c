/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the runtime costs, one operation at a time. JSON lines on stdout: first the machine, then a line per figure with the
 * median of the runs and their spread, in ns per operation. The event hop (control to worker and back, both threads
 * polling) prints percentiles of single hops: its target is 2,000 ns at p50. Beside them the bare rings that they rest on, with elements of
 * the same 64 bytes: what the bus itself costs is the ratio.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "bench/micro/micro.h"
#include "lcore/bus.h"
#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/hist.h"
#include "lcore/secure.h"
#include "lcore/slots.h"
#include "lcore/wheel.h"

#define OPERATIONS 1000000u
#define HOPS       50000u
#define OBJECTS    10000u
#define RING       1024u /* elements, as in the bus's rings here */

static volatile uint64_t sink; /* what the compiler may not leave out */

/* --- the bus ------------------------------------------------------------------------------------------------------ */

static struct rln_bus *bus;
static bool stop;         /* relaxed */
static uint64_t answered; /* TSC of the last answer; owner: control */

static void on_command(void *arg, const struct rln_event *ev)
{
	const struct rln_event out = {.kind = RLN_EV_MEDIA_STREAM_STOPPED, .id = ev->id};

	(void)arg;
	rln_bus_publish(bus, &out);
}

static void on_answer(void *arg, const struct rln_event *ev)
{
	(void)arg;
	(void)ev;
	answered = rln_clock_tsc();
}

static void on_local(void *arg, const struct rln_event *ev)
{
	(void)arg;
	sink += ev->id;
}

static void take(enum rln_category category, unsigned endpoint, void (*handle)(void *, const struct rln_event *))
{
	const struct rln_event_handler h = {handle, NULL, (uint8_t)endpoint};

	if (rln_bus_register_handler(bus, category, &h) < 0)
		abort();
}

/* The n-th CPU that this process may use; false when there are fewer. */
static bool pin(unsigned n)
{
	static cpu_set_t allowed; /* as it was before the first pin */
	cpu_set_t one;

	if (CPU_COUNT(&allowed) == 0)
		sched_getaffinity(0, sizeof(allowed), &allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || n-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		return pthread_setaffinity_np(pthread_self(), sizeof(one), &one) == 0;
	}
	return false;
}

static void *worker_main(void *arg)
{
	(void)arg;
	pin(1);
	rln_bus_enter(bus, RLN_ENDPOINT_WORKER0);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		rln_bus_poll(bus, 32);
	return NULL;
}

static void hop_event(void)
{
	const struct rln_event ev = {.kind = RLN_EV_STOP_MEDIA_STREAM, .id = rln_id_make(RLN_ID_MEDIA, 0, 1, 1)};

	rln_bus_publish(bus, &ev);
	while (rln_bus_poll(bus, 32) == 0)
		;
}

/* --- bare rings --- */

static struct rte_ring *there, *back;

static struct rte_ring *ring_new(void)
{
	ssize_t size = rte_ring_get_memsize_elem(sizeof(struct rln_event), RING);
	struct rte_ring *r = size > 0 ? aligned_alloc(64, ((size_t)size + 63) & ~(size_t)63) : NULL;

	if (!r || rte_ring_init(r, "bare", RING, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0)
		abort();
	return r;
}

static void *ring_main(void *arg)
{
	struct rln_event ev[32];

	(void)arg;
	pin(1);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		unsigned n = rte_ring_sc_dequeue_burst_elem(there, ev, sizeof(ev[0]), 32, NULL);

		for (unsigned i = 0; i < n; i++)
			rte_ring_sp_enqueue_elem(back, &ev[i], sizeof(ev[i]));
	}
	return NULL;
}

static void hop_ring(void)
{
	struct rln_event ev = {.kind = RLN_EV_STOP_MEDIA_STREAM};

	rte_ring_sp_enqueue_elem(there, &ev, sizeof(ev));
	while (rte_ring_sc_dequeue_burst_elem(back, &ev, sizeof(ev), 1, NULL) == 0)
		;
	answered = rln_clock_tsc();
}

static void ring_push_pop(uint32_t count)
{
	struct rln_event ev = {.kind = RLN_EV_TERMINATE_SESSION}, got[32];

	for (uint32_t i = 0; i < count; i += 32) {
		for (int k = 0; k < 32; k++)
			rte_ring_sp_enqueue_elem(back, &ev, sizeof(ev));
		sink += rte_ring_sc_dequeue_burst_elem(back, got, sizeof(ev), 32, NULL);
	}
}

/* There and back again, both threads polling. */
static void hops(const char *name, void *(*other)(void *), void (*hop)(void))
{
	static double ns[HOPS];
	pthread_t worker;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("{\"bench\":\"lcore\",\"name\":\"%s\",\"unit\":\"ns\",\"median\":\"n/a\",\"why\":\"one CPU\"}\n", name);
		return;
	}
	__atomic_store_n(&stop, false, __ATOMIC_RELAXED);
	if (pthread_create(&worker, NULL, other, NULL) != 0)
		abort();
	for (uint32_t i = 0; i < HOPS; i++) {
		uint64_t from = rln_clock_tsc();

		hop();
		ns[i] = (double)(answered - from) * 1e9 / rln_clock_hz();
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(worker, NULL);
	qsort(ns, HOPS, sizeof(ns[0]), by_value);
	printf("{\"bench\":\"lcore\",\"name\":\"%s\",\"unit\":\"ns\",\"median\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"max\":%.0f,"
	       "\"samples\":%u}\n",
		name, ns[HOPS / 2], ns[HOPS / 100 * 99], ns[HOPS / 1000 * 999], ns[HOPS - 1], HOPS);
}

static void publish_and_deliver(uint32_t count)
{
	const struct rln_event ev = {.kind = RLN_EV_TERMINATE_SESSION, .id = rln_id_make(RLN_ID_SESSION, 0, 1, 1)};

	for (uint32_t i = 0; i < count; i += 32) {
		for (int k = 0; k < 32; k++)
			rln_bus_publish(bus, &ev);
		rln_bus_poll(bus, 32);
	}
}

static void publish_and_deliver_block(uint32_t count)
{
	struct rln_event ev = {.kind = RLN_EV_INITIATE_CALL, .id = rln_id_make(RLN_ID_SESSION, 0, 1, 1)};

	for (uint32_t i = 0; i < count; i++) {
		ev.initiate_call.block = rln_block_alloc(1000);
		rln_bus_publish(bus, &ev);
		rln_bus_poll(bus, 1);
	}
}

static void poll_idle(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		sink += rln_bus_poll(bus, 32);
}

static void bench_bus(void)
{
	if (rln_blocks_init(1024, 0) < 0 || !(bus = rln_bus_new()) || rln_bus_add_worker(bus, 0, 1024) < 0)
		abort();
	take(RLN_CAT_S2M, RLN_ENDPOINT_WORKER0, on_command);
	take(RLN_CAT_M2S, RLN_ENDPOINT_CONTROL, on_answer);
	take(RLN_CAT_S2D, RLN_ENDPOINT_CONTROL, on_local);
	pin(0);
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	there = ring_new();
	back = ring_new();
	hops("ring_hop_bare", ring_main, hop_ring);
	hops("event_hop", worker_main, hop_event);
	measure_as("lcore", "ring_bare", ring_push_pop, OPERATIONS);
	free(there);
	free(back);
	measure_as("lcore", "publish_deliver", publish_and_deliver, OPERATIONS);
	measure_as("lcore", "publish_deliver_block", publish_and_deliver_block, OPERATIONS);
	measure_as("lcore", "bus_poll_idle", poll_idle, OPERATIONS);
	rln_bus_free(bus);
}

/* --- slots, timers, and the small things --------------------------------------------------------------------------- */

static struct rln_slots *slots;
static uint64_t handles[OBJECTS];
static uint32_t shuffled[OBJECTS];

static void slots_get(uint32_t count)
{
	for (uint32_t i = 0, k = 0; i < count; i++, k = k + 1 == OBJECTS ? 0 : k + 1)
		sink += *(uint64_t *)rln_slots_get(slots, handles[shuffled[k]]);
}

static void slots_add_del(uint32_t count)
{
	uint64_t handle;

	for (uint32_t i = 0; i < count; i++) {
		if (!rln_slots_add(slots, &handle) || !rln_slots_del(slots, handle))
			abort();
	}
}

static void bench_slots(void)
{
	const struct rln_slots_cfg cfg = {RLN_ID_SESSION, 0, OBJECTS + 1, 256};

	if (rln_slots_create(&slots, &cfg) < 0)
		abort();
	srand(1);
	for (uint32_t i = 0; i < OBJECTS; i++) {
		uint32_t k = (uint32_t)rand() % (i + 1);

		if (!rln_slots_add(slots, &handles[i]))
			abort();
		shuffled[i] = shuffled[k];
		shuffled[k] = i;
	}
	measure_as("lcore", "slots_get_of_10000", slots_get, OPERATIONS);
	measure_as("lcore", "slots_add_del", slots_add_del, OPERATIONS);
	rln_slots_destroy(slots);
}

static struct rln_wheel *wheel;
static struct rln_timer timers[OBJECTS];

static void rearm_20_ms(struct rln_timer *timer, uint64_t now_ns)
{
	rln_wheel_arm(wheel, timer, now_ns + 20 * RLN_MS);
}

static void wheel_arm_disarm(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct rln_timer *t = &timers[i % OBJECTS];

		rln_wheel_arm(wheel, t, (uint64_t)(i % 997) * RLN_MS);
		rln_wheel_disarm(wheel, t);
	}
}

/* The wheel of a worker with 10,000 legs: one operation is one media tick, fired and armed again, and its share of advances. */
static void wheel_media_ticks(uint32_t count)
{
	static uint64_t now_ns;
	uint32_t fired = 0;

	for (uint32_t i = 0; i < OBJECTS; i++)
		if (!rln_timer_is_armed(&timers[i]))
			rln_wheel_arm(wheel, &timers[i], now_ns + (uint64_t)i * 2000);
	while (fired < count) {
		now_ns += 10000; /* a turn of 10 us */
		fired += rln_wheel_advance(wheel, now_ns, UINT32_MAX);
	}
}

static void wheel_idle_advance(uint32_t count)
{
	static uint64_t now_ns;

	for (uint32_t i = 0; i < count; i++)
		sink += rln_wheel_advance(wheel, now_ns += 10000, UINT32_MAX);
}

static void bench_wheel(void)
{
	if (rln_wheel_create(&wheel, RLN_MS / 4, 0) < 0)
		abort();
	for (uint32_t i = 0; i < OBJECTS; i++)
		timers[i].fire = rearm_20_ms;
	measure_as("lcore", "wheel_advance_idle", wheel_idle_advance, OPERATIONS);
	rln_wheel_destroy(wheel);
	if (rln_wheel_create(&wheel, RLN_MS / 4, 0) < 0)
		abort();
	measure_as("lcore", "wheel_arm_disarm", wheel_arm_disarm, OPERATIONS);
	measure_as("lcore", "wheel_media_tick_of_10000", wheel_media_ticks, OPERATIONS);
	rln_wheel_destroy(wheel);
}

static void read_clock(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		sink += rln_clock_ns();
}

static void block_alloc_release(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		rln_block_release(rln_block_alloc(1000));
}

static void heap_alloc_free(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		void *p = rln_alloc(512);

		sink += (uintptr_t)p;
		rln_free(p);
	}
}

static void count_one(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		rln_count(RLN_C_SIP_KEEPALIVE);
}

static void hash_call_id(uint32_t count)
{
	static const char call_id[] = "3848276298220188511@atlanta.example.com";

	for (uint32_t i = 0; i < count; i++)
		sink += rln_hash(call_id, sizeof(call_id) - 1);
}

static void random_token(uint32_t count)
{
	char token[17];

	for (uint32_t i = 0; i < count; i++) {
		rln_random_token(token, 16);
		sink += (uint64_t)token[0];
	}
}

static struct rln_hist *hist;

static void hist_record(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		rln_hist_record(hist, i & 0xffff);
}

int main(void)
{
	rln_clock_init();
	print_machine("lcore");
	bench_bus();
	bench_slots();
	bench_wheel();
	measure_as("lcore", "clock_ns", read_clock, OPERATIONS);
	measure_as("lcore", "block_alloc_release", block_alloc_release, OPERATIONS);
	measure_as("lcore", "heap_alloc_free_512", heap_alloc_free, OPERATIONS);
	measure_as("lcore", "count", count_one, OPERATIONS);
	measure_as("lcore", "hash_40_bytes", hash_call_id, OPERATIONS);
	measure_as("lcore", "random_token_16", random_token, OPERATIONS / 10);
	if (rln_hist_create(&hist) < 0)
		abort();
	measure_as("lcore", "hist_record", hist_record, OPERATIONS);
	rln_hist_destroy(hist);
	rln_blocks_fini();
	return 0;
}
