/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bus between real threads: control, two workers, two application threads, a trace reader and one that reads figures.
 * Built with SAN=tsan it proves that what crosses is ordered; in every build, that nothing is lost, doubled or
 * reordered while small rings wrap and run full, and that no block is left behind.
 *
 * Each application thread sends numbered commands; control passes each on to the worker of its shard; the worker answers,
 * beside telemetry that may be dropped; control checks the numbers. The flow ends when control has all answers.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lcore/bus.h"
#include "lcore/clock.h"
#include "lcore/count.h"

#define WORKERS    2
#define APPS       2
#define EACH       10000u /* commands of an application thread */
#define RING       16     /* wraps hundreds of times, and is full most of the time */
#define BLOCKS     4096
#define PATIENCE_S 60

static struct rln_bus *bus;
static bool stop;                                                          /* relaxed: the threads may end */
static bool failed;                                                        /* relaxed: somebody saw something wrong */
static uint32_t next_command[APPS];                                        /* owner: control */
static uint32_t next_at_worker[WORKERS][APPS], next_answer[WORKERS][APPS]; /* owners: worker; control */
static uint32_t answers;                                                   /* control writes, main reads */
static uint64_t telemetry_sent[WORKERS], telemetry_seen;

static void expect(bool holds)
{
	if (!holds)
		__atomic_store_n(&failed, true, __ATOMIC_RELAXED);
}

static bool is_over(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED) || __atomic_load_n(&failed, __ATOMIC_RELAXED);
}

/* The number travels as text in a block and as `slot`, the application as `generation`: both must arrive together. */
static rln_block_ref numbered(uint32_t n, struct rln_slice *at)
{
	char text[16];

	return rln_block_from_text(text, (size_t)snprintf(text, sizeof(text), "%u", n), at);
}

static void check_number(const struct rln_event *ev, rln_block_ref block, struct rln_slice at)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", rln_id_slot(ev->id));
	expect(strcmp(rln_slice_text(block, at), text) == 0);
}

static unsigned app_of(const struct rln_event *ev)
{
	return rln_id_generation(ev->id) % APPS;
}

/* Control: PLAY_REQUEST in, PLAY_AUDIO out. */
static void on_command(void *arg, const struct rln_event *ev)
{
	struct rln_event out = {.kind = RLN_EV_PLAY_AUDIO, .id = ev->id};
	uint32_t n = rln_id_slot(ev->id);

	(void)arg;
	check_number(ev, ev->play_request.block, ev->play_request.file_path);
	expect(n == next_command[app_of(ev)]++);
	do
		out.play_audio.block = numbered(n, &out.play_audio.file_path);
	while (!out.play_audio.block && !is_over());
	expect(rln_bus_publish(bus, &out) != -ENOBUFS);
}

/* Worker: PLAY_AUDIO in, RECORDING_STARTED and MEDIA_QUALITY_UPDATE out. */
static void on_worker(void *arg, const struct rln_event *ev)
{
	unsigned worker = rln_bus_self() - RLN_ENDPOINT_WORKER0;
	struct rln_event telemetry = {.kind = RLN_EV_MEDIA_QUALITY_UPDATE, .id = ev->id};
	struct rln_event out = {.kind = RLN_EV_RECORDING_STARTED, .id = ev->id};
	uint32_t n = rln_id_slot(ev->id);

	(void)arg;
	check_number(ev, ev->play_audio.block, ev->play_audio.file_path);
	expect(n / WORKERS == next_at_worker[worker][app_of(ev)]++);
	do
		out.recording_started.block = numbered(n, &out.recording_started.file_path);
	while (!out.recording_started.block && !is_over());
	/* The backlog of a worker is bounded: a test that floods it waits for room, as no product code does. */
	while (rln_bus_depth(bus, RLN_ENDPOINT_CONTROL) > RING && !is_over())
		sched_yield();
	rln_bus_publish(bus, &out);
	telemetry_sent[worker]++;
	rln_bus_publish(bus, &telemetry);
}

static void on_answer(void *arg, const struct rln_event *ev)
{
	unsigned worker = rln_id_shard(ev->id);

	(void)arg;
	if (ev->kind == RLN_EV_MEDIA_QUALITY_UPDATE) {
		telemetry_seen++;
		return;
	}
	check_number(ev, ev->recording_started.block, ev->recording_started.file_path);
	expect(ev->serial >> 24 == RLN_ENDPOINT_WORKER0 + worker);
	expect(ev->cause >> 24 == RLN_ENDPOINT_CONTROL);
	expect(rln_id_slot(ev->id) / WORKERS == next_answer[worker][app_of(ev)]++);
	__atomic_store_n(&answers, answers + 1, __ATOMIC_RELEASE);
}

static void *endpoint_main(void *arg)
{
	rln_bus_enter(bus, (unsigned)(uintptr_t)arg);
	while (!is_over())
		if (rln_bus_poll(bus, 8) == 0)
			sched_yield();
	return NULL;
}

static void *app_main(void *arg)
{
	unsigned app = (unsigned)(uintptr_t)arg;

	for (uint32_t n = 0; n < EACH && !is_over(); n++) {
		struct rln_event ev = {
			.kind = RLN_EV_PLAY_REQUEST, .id = rln_id_make(RLN_ID_SESSION, n % WORKERS, n, app + APPS)};
		int rc;

		do {
			while (rln_blocks_in_use() > BLOCKS / 2 && !is_over()) /* the other half is for those who must answer */
				sched_yield();
			do
				ev.play_request.block = numbered(n, &ev.play_request.file_path);
			while (!ev.play_request.block && !is_over());
			rc = rln_bus_publish(bus, &ev);
			if (rc < 0)
				sched_yield();
		} while (rc < 0 && !is_over());
	}
	return NULL;
}

/* Reads everything that any thread may read, and the trace, whose causes must come before their effects. */
static void *reader_main(void *arg)
{
	static uint32_t last_serial[RLN_ENDPOINT_COUNT];
	struct rln_bus_figures f;
	struct rln_event ev;
	unsigned endpoint;

	(void)arg;
	while (!is_over()) {
		while (rln_bus_trace_pop(bus, &ev, &endpoint) && !is_over()) {
			char text[300];
			uint32_t cause = ev.cause & 0xffffff;

			rln_event_text(&ev, text, sizeof(text));
			/* Control delivers what a worker raised only after that worker traced the cause. */
			if (endpoint == RLN_ENDPOINT_CONTROL && ev.kind == RLN_EV_RECORDING_STARTED)
				expect(cause <= last_serial[RLN_ENDPOINT_CONTROL] || rln_count_total(RLN_C_TRACE_LOST));
			if (ev.kind == RLN_EV_PLAY_AUDIO && cause > 0 &&
				(ev.serial & 0xffffff) > last_serial[RLN_ENDPOINT_CONTROL])
				last_serial[RLN_ENDPOINT_CONTROL] = ev.serial & 0xffffff;
		}
		rln_bus_figures(bus, RLN_EV_PLAY_AUDIO, &f);
		for (unsigned e = 0; e < RLN_ENDPOINT_WORKER0 + WORKERS; e++)
			rln_bus_depth(bus, e);
		sched_yield();
	}
	return NULL;
}

static void take(enum rln_category category, unsigned endpoint, void (*handle)(void *arg, const struct rln_event *ev))
{
	const struct rln_event_handler h = {handle, NULL, (uint8_t)endpoint};

	assert_int_equal(rln_bus_register_handler(bus, category, &h), 0);
}

static void assert_ledger(enum rln_event_kind kind, uint64_t published)
{
	struct rln_bus_figures f;

	rln_bus_figures(bus, kind, &f);
	assert_int_equal(f.published, published + f.dropped * (kind == RLN_EV_PLAY_REQUEST)); /* applications tried again */
	assert_int_equal(f.published, f.delivered + f.dropped);
}

static void nothing_is_lost_doubled_or_reordered(void **state)
{
	pthread_t threads[1 + WORKERS + APPS + 1];
	struct rln_bus_figures f;
	unsigned n = 0;
	time_t end = time(NULL) + PATIENCE_S;

	(void)state;
	assert_int_equal(rln_blocks_init(BLOCKS, 0), 0);
	bus = rln_bus_new();
	assert_non_null(bus);
	take(RLN_CAT_A2S, RLN_ENDPOINT_CONTROL, on_command);
	take(RLN_CAT_M2S, RLN_ENDPOINT_CONTROL, on_answer);
	for (unsigned w = 0; w < WORKERS; w++) {
		assert_int_equal(rln_bus_add_worker(bus, w, RING), 0);
		take(RLN_CAT_S2M, RLN_ENDPOINT_WORKER0 + w, on_worker);
	}
	rln_bus_trace(bus, true);
	for (uintptr_t e = RLN_ENDPOINT_CONTROL; e < RLN_ENDPOINT_WORKER0 + WORKERS; e++)
		assert_int_equal(pthread_create(&threads[n++], NULL, endpoint_main, (void *)e), 0);
	for (uintptr_t a = 0; a < APPS; a++)
		assert_int_equal(pthread_create(&threads[n++], NULL, app_main, (void *)a), 0);
	assert_int_equal(pthread_create(&threads[n++], NULL, reader_main, NULL), 0);

	while (__atomic_load_n(&answers, __ATOMIC_ACQUIRE) < APPS * EACH && !is_over() && time(NULL) < end)
		sched_yield();
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);

	assert_false(failed);
	assert_int_equal(answers, APPS * EACH);
	for (unsigned e = RLN_ENDPOINT_CONTROL; e < RLN_ENDPOINT_WORKER0 + WORKERS; e++) { /* telemetry behind the last answer */
		rln_bus_enter(bus, e);
		while (rln_bus_poll(bus, 100))
			;
	}
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	rln_bus_poll(bus, 100);
	rln_bus_enter(bus, RLN_ENDPOINT_APP);
	assert_ledger(RLN_EV_PLAY_REQUEST, APPS * EACH);
	assert_ledger(RLN_EV_PLAY_AUDIO, APPS * EACH);
	assert_ledger(RLN_EV_RECORDING_STARTED, APPS * EACH);
	assert_ledger(RLN_EV_MEDIA_QUALITY_UPDATE, telemetry_sent[0] + telemetry_sent[1]);
	rln_bus_figures(bus, RLN_EV_MEDIA_QUALITY_UPDATE, &f);
	assert_int_equal(f.delivered, telemetry_seen);
	rln_bus_figures(bus, RLN_EV_PLAY_AUDIO, &f);
	print_message("commands %u, waited in control's backlog %u, telemetry dropped %u\n", APPS * EACH, (unsigned)f.retried,
		(unsigned)(telemetry_sent[0] + telemetry_sent[1] - telemetry_seen));
	for (unsigned e = RLN_ENDPOINT_CONTROL; e < RLN_ENDPOINT_WORKER0 + WORKERS; e++)
		assert_int_equal(rln_bus_depth(bus, e), 0);
	rln_bus_free(bus);
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), 0);
	assert_int_equal(rln_count_total(RLN_C_BUS_NO_HANDLER), 0);
	rln_blocks_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_doubled_or_reordered)};

	return cmocka_run_group_tests_name("lcore/bus_thread", tests, NULL, NULL);
}
