/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus on one thread, which enters each endpoint in turn; lcore_bus_thread_test.c has real threads. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lcore/bus_priv.h"
#include "lcore/count.h"
#include "lcore/heap.h"

#define WORKER(k) (RLN_ENDPOINT_WORKER0 + (k))
#define RING      8 /* 7 usable */
#define SEEN      5000

static struct rln_bus *bus;

struct seen {
	struct rln_event ev;
	unsigned endpoint;
	char by; /* 'h' handler, 'o' observer */
};
static struct seen seen[SEEN];
static unsigned seen_n;
static void (*react)(const struct rln_event *ev); /* what a handler does beside noting */

static void note(char by, const struct rln_event *ev)
{
	if (seen_n < SEEN)
		seen[seen_n] = (struct seen){*ev, rln_bus_self(), by};
	seen_n++;
}

static void handle(void *arg, const struct rln_event *ev)
{
	assert_ptr_equal(arg, &bus);
	note('h', ev);
	if (react)
		react(ev);
}

static void observe_it(void *arg, const struct rln_event *ev)
{
	assert_ptr_equal(arg, seen);
	note('o', ev);
}

static int take(enum rln_category category, unsigned endpoint)
{
	const struct rln_event_handler h = {handle, &bus, (uint8_t)endpoint};

	return rln_bus_register_handler(bus, category, &h);
}

static int watch(enum rln_category category, unsigned endpoint)
{
	const struct rln_event_handler h = {observe_it, seen, (uint8_t)endpoint};

	return rln_bus_subscribe(bus, category, &h);
}

static int setup(void **state)
{
	(void)state;
	rln_counts_reset();
	seen_n = 0;
	react = NULL;
	if (rln_blocks_init(64, 0) < 0)
		return -1;
	bus = rln_bus_new();
	if (!bus || rln_bus_add_worker(bus, 0, RING) < 0 || rln_bus_add_worker(bus, 1, RING) < 0)
		return -1;
	if (take(RLN_CAT_A2S, RLN_ENDPOINT_CONTROL) || take(RLN_CAT_M2S, RLN_ENDPOINT_CONTROL) ||
		take(RLN_CAT_S2D, RLN_ENDPOINT_CONTROL))
		return -1;
	return take(RLN_CAT_S2M, WORKER(0)) | take(RLN_CAT_S2M, WORKER(1)) | take(RLN_CAT_M2R, WORKER(0)) |
	       take(RLN_CAT_R2M, WORKER(0));
}

static int teardown(void **state)
{
	(void)state;
	rln_bus_enter(NULL, RLN_ENDPOINT_APP);
	rln_bus_free(bus);
	assert_int_equal(rln_blocks_in_use(), 0);
	rln_blocks_fini();
	return 0;
}

static struct rln_event event(enum rln_event_kind kind, unsigned shard, uint32_t slot)
{
	return (struct rln_event){.kind = (uint16_t)kind, .id = rln_id_make(RLN_ID_SESSION, shard, slot, 1)};
}

static int publish(enum rln_event_kind kind, unsigned shard, uint32_t slot)
{
	struct rln_event ev = event(kind, shard, slot);

	return rln_bus_publish(bus, &ev);
}

static int publish_from(unsigned endpoint, enum rln_event_kind kind, unsigned shard, uint32_t slot)
{
	rln_bus_enter(bus, endpoint);
	return publish(kind, shard, slot);
}

static unsigned poll_as(unsigned endpoint, unsigned budget)
{
	rln_bus_enter(bus, endpoint);
	return rln_bus_poll(bus, budget);
}

static struct rln_bus_figures figures(enum rln_event_kind kind)
{
	struct rln_bus_figures f;

	rln_bus_figures(bus, kind, &f);
	return f;
}

static void assert_figures(enum rln_event_kind kind, uint64_t published, uint64_t delivered, uint64_t retried, uint64_t dropped)
{
	struct rln_bus_figures f = figures(kind);

	assert_int_equal(f.published, published);
	assert_int_equal(f.delivered, delivered);
	assert_int_equal(f.retried, retried);
	assert_int_equal(f.dropped, dropped);
}

static struct rln_event with_block(enum rln_event_kind kind, unsigned shard, const char *text)
{
	struct rln_event ev = event(kind, shard, 0);
	struct rln_slice at;

	ev.make_call.block = rln_block_from_text(text, strlen(text), &at);
	ev.make_call.from = at;
	assert_int_not_equal(ev.make_call.block, 0);
	return ev;
}

static void raise_two_more(const struct rln_event *ev)
{
	if (ev->kind != RLN_EV_ACCEPT_CALL)
		return;
	assert_int_equal(publish(RLN_EV_TERMINATE_SESSION, 0, rln_id_slot(ev->id) * 10), 0);
	assert_int_equal(publish(RLN_EV_TERMINATE_SESSION, 0, rln_id_slot(ev->id) * 10 + 1), 0);
	assert_int_equal(seen_n % 3, 1); /* nothing is delivered inside a publish */
}

static void what_a_handler_raises_comes_after_it_and_before_the_next(void **state)
{
	static const uint32_t order[] = {1, 10, 11, 2, 20, 21};

	(void)state;
	react = raise_two_more;
	publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, 1);
	publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, 2);
	assert_int_equal(poll_as(RLN_ENDPOINT_CONTROL, 100), 6);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(rln_id_slot(seen[i].ev.id), order[i]);
	assert_int_equal(rln_bus_poll(bus, 100), 0);
}

static void answer_to_control(const struct rln_event *ev)
{
	if (ev->kind == RLN_EV_STOP_MEDIA_STREAM)
		assert_int_equal(publish(RLN_EV_MEDIA_STREAM_STOPPED, 0, rln_id_slot(ev->id)), 0);
}

static void events_find_the_worker_of_their_shard_and_carry_their_cause(void **state)
{
	(void)state;
	react = answer_to_control;
	assert_int_equal(publish_from(RLN_ENDPOINT_CONTROL, RLN_EV_STOP_MEDIA_STREAM, 1, 5), 0);
	assert_int_equal(poll_as(WORKER(0), 10), 0);
	assert_int_equal(poll_as(WORKER(1), 10), 1);
	assert_int_equal(poll_as(RLN_ENDPOINT_CONTROL, 10), 1);
	assert_int_equal(seen[0].endpoint, WORKER(1));
	assert_int_equal(seen[0].ev.serial, RLN_ENDPOINT_CONTROL << 24 | 1);
	assert_int_equal(seen[0].ev.cause, 0);
	assert_int_equal(seen[1].endpoint, RLN_ENDPOINT_CONTROL);
	assert_int_equal(seen[1].ev.kind, RLN_EV_MEDIA_STREAM_STOPPED);
	assert_int_equal(seen[1].ev.serial, WORKER(1) << 24 | 1);
	assert_int_equal(seen[1].ev.cause, seen[0].ev.serial);
	assert_true((int32_t)(seen[1].ev.when - seen[0].ev.when) >= 0);
}

static void a_cause_that_is_set_stays(void **state)
{
	struct rln_event ev = event(RLN_EV_ACCEPT_CALL, 0, 0);

	(void)state;
	ev.cause = 0x01000007;
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	assert_int_equal(seen[0].ev.cause, 0x01000007);
}

static void serials_skip_zero_when_they_wrap(void **state)
{
	(void)state;
	bus->endpoints[RLN_ENDPOINT_APP]->count = 0xfffffe;
	for (int i = 0; i < 3; i++)
		publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, 0);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	assert_int_equal(seen[0].ev.serial, 0xffffff);
	assert_int_equal(seen[1].ev.serial, 1);
	assert_int_equal(seen[2].ev.serial, 2);
}

static void a_full_ring_makes_commands_wait_in_order(void **state)
{
	(void)state;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	for (uint32_t i = 0; i < 500; i++) /* the backlog grows */
		assert_int_equal(publish(RLN_EV_STOP_MEDIA_STREAM, 0, i), i < RING - 1 ? 0 : -EAGAIN);
	assert_int_equal(publish(RLN_EV_STOP_MEDIA_STREAM, 1, 1000), 0); /* the other worker's way is free */
	assert_int_equal(rln_bus_depth(bus, WORKER(0)), 500);
	assert_int_equal(poll_as(WORKER(0), 3), 3);
	assert_int_equal(rln_bus_depth(bus, WORKER(0)), 497);
	/* The ring has room now, but what waits comes first. */
	assert_int_equal(publish_from(RLN_ENDPOINT_CONTROL, RLN_EV_STOP_MEDIA_STREAM, 0, 500), -EAGAIN);
	for (int i = 0; i < 1000 && rln_bus_depth(bus, WORKER(0)); i++) {
		poll_as(WORKER(0), 100);
		poll_as(RLN_ENDPOINT_CONTROL, 0); /* only retries */
	}
	assert_int_equal(seen_n, 501);
	for (uint32_t i = 0; i <= 500; i++)
		assert_int_equal(rln_id_slot(seen[i].ev.id), i);
	assert_int_equal(bus->waiting, 0);
	assert_figures(RLN_EV_STOP_MEDIA_STREAM, 502, 501, 494, 0);
	assert_int_equal(poll_as(WORKER(1), 10), 1);
}

static void a_full_ring_drops_telemetry_and_counts_it(void **state)
{
	(void)state;
	rln_bus_enter(bus, WORKER(0));
	for (int i = 0; i < 10; i++)
		assert_int_equal(publish(RLN_EV_MEDIA_QUALITY_UPDATE, 0, 0), i < RING - 1 ? 0 : -ENOBUFS);
	assert_int_equal(publish(RLN_EV_DTMF_DETECTED, 0, 0), -EAGAIN);
	assert_int_equal(publish(RLN_EV_MEDIA_QUALITY_UPDATE, 0, 0), -ENOBUFS); /* does not overtake what waits */
	assert_figures(RLN_EV_MEDIA_QUALITY_UPDATE, 11, 0, 0, 4);
	assert_int_equal(poll_as(RLN_ENDPOINT_CONTROL, 100), 7);
	poll_as(WORKER(0), 0);
	assert_int_equal(poll_as(RLN_ENDPOINT_CONTROL, 100), 1);
	assert_int_equal(seen[7].ev.kind, RLN_EV_DTMF_DETECTED);
	assert_int_equal(rln_count_total(RLN_C_BUS_BACKLOG_FULL), 0); /* dropping telemetry loses nothing that matters */
}

static void a_workers_backlog_is_bounded(void **state)
{
	unsigned kept = 0;

	(void)state;
	rln_bus_enter(bus, WORKER(0));
	for (int i = 0; i < 1000; i++) {
		struct rln_event ev = event(RLN_EV_DTMF_DETECTED, 0, (uint32_t)i);
		int rc = rln_bus_publish(bus, &ev);

		if (rc == -ENOBUFS)
			break;
		assert_true(rc == 0 || rc == -EAGAIN);
		kept++;
	}
	assert_int_equal(kept, 7 + 8 * RING);
	assert_int_equal(rln_count_total(RLN_C_BUS_BACKLOG_FULL), 1);
	assert_figures(RLN_EV_DTMF_DETECTED, kept + 1, 0, 8 * RING, 1);
	for (int i = 0; i < 100 && rln_bus_depth(bus, RLN_ENDPOINT_CONTROL); i++) {
		poll_as(RLN_ENDPOINT_CONTROL, 100);
		poll_as(WORKER(0), 0);
	}
	assert_int_equal(seen_n, kept);
}

static void a_workers_local_queue_is_bounded_and_allocates_nothing(void **state)
{
	int64_t before = rln_heap_live_count();

	(void)state;
	rln_bus_enter(bus, WORKER(0));
	for (int i = 0; i < 8 * RING; i++)
		assert_int_equal(publish(RLN_EV_RTP_STREAM_STARTED, 0, 0), 0);
	assert_int_equal(publish(RLN_EV_RTP_STREAM_STARTED, 0, 0), -ENOBUFS);
	assert_int_equal(publish(RLN_EV_RTP_STATISTICS_UPDATE, 0, 0), -ENOBUFS);
	assert_int_equal(rln_count_total(RLN_C_BUS_BACKLOG_FULL), 1);
	assert_int_equal(rln_bus_poll(bus, 100), 8 * RING);
	assert_int_equal(rln_heap_live_count(), before);
}

static void controls_local_queue_grows(void **state)
{
	(void)state;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	for (uint32_t i = 0; i < 2000; i++)
		assert_int_equal(publish(RLN_EV_TERMINATE_SESSION, 0, i), 0);
	assert_int_equal(rln_bus_depth(bus, RLN_ENDPOINT_CONTROL), 2000);
	assert_int_equal(rln_bus_poll(bus, 1500), 1500);
	for (uint32_t i = 2000; i < 4000; i++) /* grows while its head stands in the middle */
		assert_int_equal(publish(RLN_EV_TERMINATE_SESSION, 0, i), 0);
	assert_int_equal(rln_bus_poll(bus, 5000), 2500);
	for (uint32_t i = 0; i < 4000; i++)
		assert_int_equal(rln_id_slot(seen[i].ev.id), i);
}

static void memory_that_runs_out_loses_counted_events_and_their_blocks(void **state)
{
	struct rln_event ev;

	(void)state;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	for (int i = 0; i < 7; i++)
		assert_int_equal(publish(RLN_EV_STOP_MEDIA_STREAM, 0, 0), 0);
	ev = with_block(RLN_EV_PLAY_AUDIO, 0, "a.wav");
	rln_heap_fail_nth(1); /* the backlog's first room */
	assert_int_equal(rln_bus_publish(bus, &ev), -ENOBUFS);
	assert_true(rln_heap_fail_nth(0));
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_int_equal(rln_count_total(RLN_C_BUS_BACKLOG_FULL), 1);
	ev = with_block(RLN_EV_PLAY_AUDIO, 0, "a.wav");
	assert_int_equal(rln_bus_publish(bus, &ev), -EAGAIN);
}

static void applications_meet_a_full_ring_at_once(void **state)
{
	unsigned n = 0;
	int rc;

	(void)state;
	while ((rc = publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, n)) == 0)
		n++;
	assert_int_equal(rc, -ENOBUFS);
	assert_int_equal(n, 4096);
	assert_int_equal(rln_bus_depth(bus, RLN_ENDPOINT_CONTROL), n);
	assert_int_equal(rln_bus_depth(bus, RLN_ENDPOINT_APP), 0);
	assert_int_equal(rln_bus_poll(bus, 100), 0); /* an application delivers nothing */
	assert_int_equal(poll_as(RLN_ENDPOINT_CONTROL, UINT32_MAX), n);
	assert_figures(RLN_EV_ACCEPT_CALL, n + 1, n, 0, 1);
	assert_int_equal(publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, n), 0);
}

static void what_nobody_takes_is_counted_and_gives_its_block_back(void **state)
{
	struct rln_event ev = with_block(RLN_EV_INCOMING_CALL, 0, "x"); /* D2S has no handler here */

	(void)state;
	assert_int_equal(rln_bus_publish(bus, &ev), -ENOENT);
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_int_equal(publish(RLN_EV_NONE, 0, 0), -ENOENT);
	assert_int_equal(publish((enum rln_event_kind)60000, 0, 0), -ENOENT);
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	assert_int_equal(publish(RLN_EV_STOP_MEDIA_STREAM, 2, 0), -ENOENT); /* no such worker */
	assert_int_equal(publish(RLN_EV_STOP_MEDIA_STREAM, 200, 0), -ENOENT);
	assert_int_equal(publish(RLN_EV_STOP_RTP_STREAM, 1, 0), -ENOENT);                   /* worker 1 has no M2R handler */
	assert_int_equal(publish_from(WORKER(0), RLN_EV_STOP_MEDIA_STREAM, 1, 0), -ENOENT); /* no way between workers */
	assert_int_equal(publish_from(RLN_ENDPOINT_APP, RLN_EV_STOP_MEDIA_STREAM, 0, 0), -ENOENT);
	assert_int_equal(rln_count_total(RLN_C_BUS_NO_HANDLER), 8);
	assert_figures(RLN_EV_STOP_MEDIA_STREAM, 4, 0, 0, 4);
	assert_figures(RLN_EV_NONE, 2, 0, 0, 2);
}

static void places_are_taken_once(void **state)
{
	struct rln_event_handler h = {handle, &bus, RLN_ENDPOINT_APP};

	(void)state;
	assert_int_equal(take(RLN_CAT_A2S, RLN_ENDPOINT_CONTROL), -EEXIST);
	assert_int_equal(take(RLN_CAT_A2S, WORKER(0)), -EEXIST); /* control's, so no worker's */
	assert_int_equal(take(RLN_CAT_S2M, RLN_ENDPOINT_CONTROL), -EEXIST);
	assert_int_equal(take(RLN_CAT_S2M, WORKER(1)), -EEXIST);
	assert_int_equal(take(RLN_CAT_M2R, WORKER(1)), 0);
	assert_int_equal(take(RLN_CAT_S2A, WORKER(2)), -EINVAL);
	assert_int_equal(take(RLN_CAT_COUNT, RLN_ENDPOINT_CONTROL), -EINVAL);
	assert_int_equal(rln_bus_register_handler(bus, RLN_CAT_S2A, &h), -EINVAL);
	h = (struct rln_event_handler){NULL, NULL, RLN_ENDPOINT_CONTROL};
	assert_int_equal(rln_bus_register_handler(bus, RLN_CAT_S2A, &h), -EINVAL);
	assert_int_equal(rln_bus_subscribe(bus, RLN_CAT_S2A, &h), -EINVAL);
	assert_int_equal(rln_bus_add_worker(bus, 1, RING), -EEXIST);
	assert_int_equal(rln_bus_add_worker(bus, 3, RING), -EINVAL);
	assert_int_equal(rln_bus_add_worker(bus, RLN_WORKERS_MAX, RING), -EINVAL);
	assert_int_equal(rln_bus_add_worker(bus, 2, 12), -EINVAL);
	assert_int_equal(rln_bus_add_worker(bus, 2, 0), -EINVAL);
	assert_int_equal(rln_bus_workers(bus), 2);
}

static void observers_see_first_and_only_where_they_stand(void **state)
{
	(void)state;
	assert_int_equal(watch(RLN_CAT_S2M, WORKER(0)), 0);
	assert_int_equal(watch(RLN_CAT_S2M, WORKER(0)), 0);
	assert_int_equal(watch(RLN_CAT_M2S, RLN_ENDPOINT_CONTROL), 0);
	publish_from(RLN_ENDPOINT_CONTROL, RLN_EV_STOP_MEDIA_STREAM, 0, 1);
	publish(RLN_EV_STOP_MEDIA_STREAM, 1, 2);
	publish(RLN_EV_TERMINATE_SESSION, 0, 3);
	poll_as(WORKER(0), 10);
	poll_as(WORKER(1), 10);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	assert_int_equal(seen_n, 5);
	assert_int_equal(seen[0].by, 'o');
	assert_int_equal(seen[1].by, 'o');
	assert_int_equal(seen[2].by, 'h');
	assert_int_equal(rln_id_slot(seen[3].ev.id), 2);
	assert_int_equal(seen[3].by, 'h');
	assert_int_equal(rln_id_slot(seen[4].ev.id), 3);
	for (unsigned i = 2; i < RLN_BUS_OBSERVERS; i++)
		assert_int_equal(watch(RLN_CAT_S2M, WORKER(0)), 0);
	assert_int_equal(watch(RLN_CAT_S2M, WORKER(0)), -ENOSPC);
}

static rln_block_ref kept;

static void keep_the_block(const struct rln_event *ev)
{
	assert_string_equal(rln_slice_text(rln_event_block(ev), ev->make_call.from), "sip:bob");
	kept = rln_event_block(ev);
	rln_block_hold(kept);
}

static void blocks_live_through_delivery_and_as_long_as_they_are_held(void **state)
{
	struct rln_event ev = with_block(RLN_EV_MAKE_CALL, 0, "sip:bob");

	(void)state;
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	assert_int_equal(rln_blocks_in_use(), 1);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	assert_int_equal(rln_blocks_in_use(), 0);
	react = keep_the_block;
	rln_bus_enter(bus, RLN_ENDPOINT_APP);
	ev = with_block(RLN_EV_MAKE_CALL, 0, "sip:bob");
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	assert_int_equal(rln_blocks_in_use(), 1);
	rln_block_release(kept);
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), 0);
}

static void blocks_come_back_from_everywhere_when_the_bus_goes(void **state)
{
	struct rln_event ev;

	(void)state;
	rln_bus_trace(bus, true);
	for (int i = 0; i < 3; i++) { /* app ring; one of them ends in control's inbox, one is handled and traced */
		rln_bus_enter(bus, RLN_ENDPOINT_APP);
		ev = with_block(RLN_EV_MAKE_CALL, 0, "x");
		assert_int_equal(rln_bus_publish(bus, &ev), 0);
	}
	assert_int_equal(poll_as(RLN_ENDPOINT_CONTROL, 1), 1);
	ev = with_block(RLN_EV_INITIATE_CALL, 0, "local");
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	for (int i = 0; i < 10; i++) { /* ring, then backlog */
		ev = with_block(RLN_EV_PLAY_AUDIO, 0, "x.wav");
		assert_int_equal(rln_bus_publish(bus, &ev), i < 7 ? 0 : -EAGAIN);
	}
	rln_bus_enter(bus, WORKER(0));
	for (int i = 0; i < 10; i++) {
		ev = with_block(RLN_EV_RECORDING_STARTED, 0, "x.wav");
		assert_int_equal(rln_bus_publish(bus, &ev), i < 7 ? 0 : -EAGAIN);
	}
	assert_int_equal(rln_blocks_in_use(), 2 + 1 + 10 + 10);
	/* teardown frees the bus and finds no block in use */
}

static int status_of(void (*crime)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		freopen("/dev/null", "w", stderr);
		signal(SIGABRT, SIG_DFL);
		crime();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void send_a_shared_block_away(void)
{
	struct rln_event ev;

	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	ev = with_block(RLN_EV_PLAY_AUDIO, 0, "x.wav");
	rln_block_hold(ev.play_audio.block);
	rln_bus_publish(bus, &ev);
}

static void share_a_block_at_home(void)
{
	struct rln_event ev;

	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	ev = with_block(RLN_EV_INITIATE_CALL, 0, "x");
	rln_block_hold(ev.initiate_call.block);
	rln_bus_publish(bus, &ev);
}

static void poll_again(const struct rln_event *ev)
{
	(void)ev;
	rln_bus_poll(bus, 1);
}

static void poll_inside_a_handler(void)
{
	react = poll_again;
	publish_from(RLN_ENDPOINT_CONTROL, RLN_EV_TERMINATE_SESSION, 0, 0);
	rln_bus_poll(bus, 1);
}

static void enter_nowhere(void)
{
	rln_bus_enter(bus, WORKER(2));
}

static void broken_invariants_end_the_process(void **state)
{
	int status = status_of(send_a_shared_block_away);

	(void)state;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = status_of(poll_inside_a_handler);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = status_of(enter_nowhere);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = status_of(share_a_block_at_home);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_budget_is_kept_over_rings_and_local_events(void **state)
{
	(void)state;
	react = raise_two_more;
	for (uint32_t i = 1; i <= 40; i++)
		publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, i);
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	assert_int_equal(rln_bus_poll(bus, 0), 0);
	assert_int_equal(rln_bus_poll(bus, 1), 1);
	assert_int_equal(rln_bus_depth(bus, RLN_ENDPOINT_CONTROL), 39 + 2);
	for (unsigned i = 1; i < 120; i++) {
		assert_int_equal(rln_bus_poll(bus, 1), 1);
		assert_int_equal(seen_n, i + 1);
	}
	assert_int_equal(rln_bus_poll(bus, 1), 0);
	for (uint32_t i = 0; i < 40; i++)
		assert_int_equal(rln_id_slot(seen[3 * i].ev.id), i + 1);
}

static void no_source_starves_another(void **state)
{
	unsigned first_of_worker1 = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, i);
	publish_from(WORKER(0), RLN_EV_DTMF_DETECTED, 0, 0);
	publish_from(WORKER(1), RLN_EV_DTMF_DETECTED, 1, 0);
	poll_as(RLN_ENDPOINT_CONTROL, 200);
	while (first_of_worker1 < seen_n && seen[first_of_worker1].ev.serial >> 24 != WORKER(1))
		first_of_worker1++;
	assert_in_range(first_of_worker1, 0, 2 * RLN_BUS_INBOX);
}

static void depth_counts_all_that_waits(void **state)
{
	(void)state;
	publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, 0);
	publish_from(WORKER(0), RLN_EV_DTMF_DETECTED, 0, 0);
	for (int i = 0; i < 9; i++)
		publish_from(WORKER(1), RLN_EV_DTMF_DETECTED, 0, 0);
	publish_from(RLN_ENDPOINT_CONTROL, RLN_EV_TERMINATE_SESSION, 0, 0);
	assert_int_equal(rln_bus_depth(bus, RLN_ENDPOINT_CONTROL), 1 + 1 + 9 + 1);
	assert_int_equal(rln_bus_depth(bus, WORKER(0)), 0);
	assert_int_equal(rln_bus_depth(bus, WORKER(2)), 0);
	assert_int_equal(rln_bus_depth(bus, 1000), 0);
	poll_as(WORKER(0), 10);
	assert_int_equal(poll_as(RLN_ENDPOINT_CONTROL, 100), 10);
	assert_int_equal(rln_bus_depth(bus, RLN_ENDPOINT_CONTROL), 2); /* worker 1's backlog */
	poll_as(WORKER(1), 0);
	poll_as(RLN_ENDPOINT_CONTROL, 100);
	assert_int_equal(rln_bus_depth(bus, RLN_ENDPOINT_CONTROL), 0);
}

static void the_trace_shows_what_was_delivered_cause_first(void **state)
{
	struct rln_event ev;
	unsigned endpoint;

	(void)state;
	publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, 0);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	assert_false(rln_bus_trace_pop(bus, &ev, &endpoint)); /* off */
	rln_bus_trace(bus, true);
	react = answer_to_control;
	publish_from(RLN_ENDPOINT_CONTROL, RLN_EV_STOP_MEDIA_STREAM, 1, 5);
	assert_false(rln_bus_trace_pop(bus, &ev, &endpoint)); /* not delivered yet */
	poll_as(WORKER(1), 10);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	assert_true(rln_bus_trace_pop(bus, &ev, &endpoint));
	assert_int_equal(ev.kind, RLN_EV_STOP_MEDIA_STREAM);
	assert_int_equal(endpoint, WORKER(1));
	assert_true(rln_bus_trace_pop(bus, &ev, &endpoint));
	assert_int_equal(ev.kind, RLN_EV_MEDIA_STREAM_STOPPED);
	assert_int_equal(endpoint, RLN_ENDPOINT_CONTROL);
	assert_false(rln_bus_trace_pop(bus, &ev, &endpoint));
}

static void traced_blocks_are_copies_for_the_reader(void **state)
{
	struct rln_event ev = with_block(RLN_EV_MAKE_CALL, 0, "sip:bob");
	struct rln_event first, second;
	unsigned endpoint;

	(void)state;
	rln_bus_trace(bus, true);
	rln_bus_publish(bus, &ev);
	ev = with_block(RLN_EV_MAKE_CALL, 0, "sip:carol");
	rln_bus_publish(bus, &ev);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	assert_int_equal(rln_blocks_in_use(), 0); /* the trace holds none of the product's */
	assert_true(rln_bus_trace_pop(bus, &first, &endpoint));
	assert_string_equal(rln_slice_text(first.make_call.block, first.make_call.from), "sip:bob");
	assert_true(rln_bus_trace_pop(bus, &second, &endpoint));
	assert_string_equal(rln_slice_text(second.make_call.block, second.make_call.from), "sip:carol");
	assert_null(rln_block_data(first.make_call.block)); /* the next call ended it */
	rln_bus_trace(bus, false);
	publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, 0);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	assert_false(rln_bus_trace_pop(bus, &first, &endpoint));
}

static void a_slow_trace_reader_loses_counted_records_only(void **state)
{
	struct rln_event ev;
	unsigned endpoint, popped = 0;

	(void)state;
	rln_bus_trace(bus, true);
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	for (int i = 0; i < 5000; i++) {
		ev = with_block(RLN_EV_INITIATE_CALL, 0, "x");
		assert_int_equal(rln_bus_publish(bus, &ev), 0);
		assert_int_equal(rln_bus_poll(bus, 1), 1);
	}
	while (rln_bus_trace_pop(bus, &ev, &endpoint))
		popped++;
	assert_int_equal(popped + rln_count_total(RLN_C_TRACE_LOST), 5000);
	assert_int_equal(popped, 4095);
	assert_int_equal(rln_blocks_in_use(), 0);
}

static struct rln_event next_traced(void)
{
	struct rln_event ev;
	unsigned endpoint;

	assert_true(rln_bus_trace_pop(bus, &ev, &endpoint));
	return ev;
}

/* A call that sends an ACK by a call of its own, then publishes. */
static void call_down(const struct rln_event *ev)
{
	struct rln_bus_call outer, inner;
	struct rln_event news = {.kind = RLN_EV_STOP_MEDIA_STREAM, .id = rln_id_make(RLN_ID_MEDIA, 0, 1, 1)};

	if (ev->kind != RLN_EV_ACCEPT_CALL)
		return;
	outer = rln_bus_call_begin(bus);
	inner = rln_bus_call_begin(bus);
	inner.text = "ACK sip:bob";
	inner.text_len = 11;
	rln_bus_call_end(bus, &inner, 7, &(struct rln_ev_direct_call){.name = "ack", .category = RLN_CAT_D2T});
	rln_bus_publish(bus, &news);
	rln_bus_call_end(bus, &outer, 5, &(struct rln_ev_direct_call){.name = "answer", .detail = 200, .result = -EINVAL});
	news.id = rln_id_make(RLN_ID_MEDIA, 0, 2, 1);
	rln_bus_publish(bus, &news);
}

static void direct_calls_stand_in_the_trace_between_cause_and_effect(void **state)
{
	struct rln_event accept, ack, call, by_call, by_event;

	(void)state;
	rln_bus_trace(bus, true);
	react = call_down;
	publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, 0);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	poll_as(WORKER(0), 10);
	accept = next_traced();
	ack = next_traced();
	assert_int_equal(ack.kind, RLN_EV_NONE);
	assert_int_equal(ack.spare, RLN_TRACED_CALL);
	assert_int_equal(ack.cause, accept.serial); /* its record stands before that of the call around it */
	assert_string_equal(ack.call.name, "ack");
	assert_string_equal(rln_slice_text(ack.call.block, ack.call.message), "ACK sip:bob");
	call = next_traced();
	assert_int_equal(call.id, 5);
	assert_int_equal(call.cause, accept.serial);
	assert_int_equal(call.call.detail, 200);
	assert_int_equal(call.call.result, -EINVAL);
	assert_int_equal(call.call.message.len, 0);
	by_call = next_traced();
	assert_int_equal(by_call.cause, call.serial);
	by_event = next_traced();
	assert_int_equal(by_event.cause, accept.serial);
	assert_int_equal(rln_blocks_in_use(), 0);
}

static void direct_calls_leave_no_mark_while_the_trace_is_off(void **state)
{
	unsigned endpoint;
	struct rln_event ev;

	(void)state;
	react = call_down;
	publish_from(RLN_ENDPOINT_APP, RLN_EV_ACCEPT_CALL, 0, 0);
	poll_as(RLN_ENDPOINT_CONTROL, 10);
	poll_as(WORKER(0), 10);
	assert_int_equal(seen_n, 3);
	assert_int_equal(seen[1].ev.cause, seen[0].ev.serial);
	assert_int_equal(seen[2].ev.cause, seen[0].ev.serial);
	assert_false(rln_bus_trace_pop(bus, &ev, &endpoint));
}

static void memory_can_run_out_at_every_step(void **state)
{
	int64_t before = rln_heap_live_count();
	struct rln_bus *b = NULL;
	unsigned nth;
	int rc = -ENOMEM;

	(void)state;
	for (nth = 1; !b; nth++) {
		rln_heap_fail_nth(nth);
		errno = 0;
		b = rln_bus_new();
		assert_int_equal(rln_heap_fail_nth(0), b == NULL);
		if (!b) {
			assert_int_equal(errno, ENOMEM);
			assert_int_equal(rln_heap_live_count(), before);
		}
	}
	assert_in_range(nth, 5, 10);
	before = rln_heap_live_count();
	for (nth = 1; rc < 0; nth++) {
		rln_heap_fail_nth(nth);
		rc = rln_bus_add_worker(b, 0, 64);
		assert_int_equal(rln_heap_fail_nth(0), rc < 0);
		if (rc < 0) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(rln_heap_live_count(), before);
			assert_int_equal(rln_bus_workers(b), 0);
		}
	}
	assert_in_range(nth, 5, 10);
	rln_bus_free(b);
	rln_bus_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_handler_raises_comes_after_it_and_before_the_next),
		TEST(events_find_the_worker_of_their_shard_and_carry_their_cause),
		TEST(a_cause_that_is_set_stays),
		TEST(serials_skip_zero_when_they_wrap),
		TEST(a_full_ring_makes_commands_wait_in_order),
		TEST(a_full_ring_drops_telemetry_and_counts_it),
		TEST(a_workers_backlog_is_bounded),
		TEST(a_workers_local_queue_is_bounded_and_allocates_nothing),
		TEST(controls_local_queue_grows),
		TEST(memory_that_runs_out_loses_counted_events_and_their_blocks),
		TEST(applications_meet_a_full_ring_at_once),
		TEST(what_nobody_takes_is_counted_and_gives_its_block_back),
		TEST(places_are_taken_once),
		TEST(observers_see_first_and_only_where_they_stand),
		TEST(blocks_live_through_delivery_and_as_long_as_they_are_held),
		TEST(blocks_come_back_from_everywhere_when_the_bus_goes),
		TEST(broken_invariants_end_the_process),
		TEST(a_budget_is_kept_over_rings_and_local_events),
		TEST(no_source_starves_another),
		TEST(depth_counts_all_that_waits),
		TEST(the_trace_shows_what_was_delivered_cause_first),
		TEST(traced_blocks_are_copies_for_the_reader),
		TEST(a_slow_trace_reader_loses_counted_records_only),
		TEST(direct_calls_stand_in_the_trace_between_cause_and_effect),
		TEST(direct_calls_leave_no_mark_while_the_trace_is_off),
		TEST(memory_can_run_out_at_every_step),
	};

	return cmocka_run_group_tests_name("lcore/bus", tests, NULL, NULL);
}
