/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two workers on threads of their own, control on this one and an application on a fourth: calls from worker to worker over hand-off
 * rings, audio through a channel, statistics read while they are written. Meant for TSan; time is real, every wait has an end.
 */
#include "tests/unit/shard_harness.h"

#include <pthread.h>

#define WORKERS 2
#define PAIRS_N 6

struct worker {
	struct rln_net *net;
	struct rln_shard *shard;
	pthread_t thread;
	unsigned endpoint;
};

static struct worker workers[WORKERS];
static bool stop_flag;

static void *work(void *arg)
{
	struct worker *me = arg;

	rln_bus_enter(w.bus, me->endpoint);
	while (!__atomic_load_n(&stop_flag, __ATOMIC_RELAXED)) {
		if (rln_shard_poll(me->shard, rln_clock_ns()) == 0)
			sched_yield();
	}
	return NULL;
}

static void control_until(enum rln_event_kind kind, unsigned n)
{
	uint64_t deadline = rln_clock_ns() + 30 * RLN_SEC;

	while (got(kind, NULL) < n && rln_clock_ns() < deadline) {
		rln_bus_poll(w.bus, 64);
		rln_channels_ring(w.channels, 0);
		sched_yield();
	}
	assert_true(got(kind, NULL) >= n);
}

static void workers_start(void)
{
	struct rln_placement_cfg place = {WORKERS, 10000, 10063, LEGS};
	struct rln_event_handler control = {on_event, NULL, RLN_ENDPOINT_CONTROL};
	struct rln_shard_cfg cfg;
	unsigned i;

	w.got_n = 0;
	rln_counts_reset();
	assert_int_equal(rln_placement_create(&w.placement, &place), 0);
	assert_int_equal(rln_channels_create(&w.channels, 8), 0);
	w.bus = rln_bus_new();
	for (i = 0; i < WORKERS; i++)
		assert_int_equal(rln_bus_add_worker(w.bus, i, 256), 0);
	assert_int_equal(rln_bus_register_handler(w.bus, RLN_CAT_M2S, &control), 0);
	assert_int_equal(rln_bus_register_handler(w.bus, RLN_CAT_S2A, &control), 0);
	rln_bus_enter(w.bus, RLN_ENDPOINT_CONTROL);
	net_shared(WORKERS);
	w.shared.handoff[0][1] = rte_ring_create("h01", 256, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	w.shared.handoff[1][0] = rte_ring_create("h10", 256, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	for (i = 0; i < WORKERS; i++) {
		assert_int_equal(rln_net_create(&workers[i].net, &w.shared, i), 0);
		shard_cfg(&cfg);
		cfg.net = workers[i].net;
		cfg.worker = i;
		cfg.rtcp_interval_ms = 500;
		assert_int_equal(rln_shard_create(&workers[i].shard, &cfg), 0);
		workers[i].endpoint = RLN_ENDPOINT_WORKER0 + i;
	}
	stop_flag = false;
	for (i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
}

/* Over all workers hand-offs cancel, and what was received ended somewhere. */
static void workers_end(void)
{
	uint64_t in = 0, ends = 0, out = 0, sent = 0;
	unsigned i;

	__atomic_store_n(&stop_flag, true, __ATOMIC_RELAXED);
	for (i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	for (i = 0; i < 4 * WORKERS; i++) { /* what was still on its way from one to the other */
		rln_bus_enter(w.bus, workers[i % WORKERS].endpoint);
		rln_shard_poll(workers[i % WORKERS].shard, rln_clock_ns());
	}
	for (i = 0; i < WORKERS; i++) {
		const struct rln_counts *c = rln_net_counts(workers[i].net);

		in += rln_counts_group(c, RLN_G_RX) + rln_counts_group(c, RLN_G_HANDOFF_IN);
		ends += rln_counts_group(c, RLN_G_EATEN) + rln_counts_group(c, RLN_G_DROP) +
			rln_counts_group(c, RLN_G_HANDOFF_OUT);
		out += rln_counts_group(c, RLN_G_OUT);
		sent += rln_counts_group(c, RLN_G_SENT) + rln_counts_group(c, RLN_G_TXDROP);
		assert_int_equal(rln_net_held(workers[i].net), 0);
	}
	assert_int_equal(in, ends);
	assert_int_equal(out, sent);
	assert_int_equal(rln_count_total(RLN_C_HANDOFF_IN), rln_count_total(RLN_C_HANDOFF_OUT));
	assert_true(rln_count_total(RLN_C_HANDOFF_IN) > 0);
	rln_bus_enter(w.bus, RLN_ENDPOINT_APP);
	for (i = 0; i < WORKERS; i++) {
		rln_shard_destroy(workers[i].shard);
		rln_net_destroy(workers[i].net);
	}
	rln_bus_free(w.bus);
	rln_channels_destroy(w.channels);
	rln_placement_destroy(w.placement);
	rte_ring_free(w.shared.handoff[0][1]);
	rte_ring_free(w.shared.handoff[1][0]);
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_int_equal(rte_mempool_in_use_count(w.pool), 0);
}

struct side {
	uint64_t id;
	struct rln_addr local;
};

static struct side side_create(unsigned worker, unsigned n)
{
	struct rln_event ev = {.id = rln_id_make(RLN_ID_SESSION, worker, n, 1), .kind = RLN_EV_CREATE_MEDIA_SESSION};
	unsigned before = got(RLN_EV_MEDIA_SESSION_CREATED, NULL);

	rln_bus_publish(w.bus, &ev);
	control_until(RLN_EV_MEDIA_SESSION_CREATED, before + 1);
	got(RLN_EV_MEDIA_SESSION_CREATED, &ev);
	assert_int_equal(rln_id_shard(ev.media_session_created.media_id), worker);
	return (struct side){ev.media_session_created.media_id, ev.media_session_created.local_addr};
}

static void side_start(const struct side *me, const struct side *other, uint8_t app)
{
	struct rln_event ev = {.id = me->id, .kind = RLN_EV_START_MEDIA_STREAM};
	struct rln_leg_params q = stream_params();

	q.remote = q.remote_rtcp = other->local;
	q.remote_rtcp.port++;
	q.app = app;
	ev.start_media_stream.block = rln_block_alloc(sizeof(q));
	memcpy(rln_block_data(ev.start_media_stream.block), &q, sizeof(q));
	ev.start_media_stream.media_config = (struct rln_slice){0, sizeof(q)};
	rln_bus_publish(w.bus, &ev);
}

static void *echo_frames(void *arg)
{
	struct rln_audio_frame frame;
	uintptr_t n = 0;

	while (rln_channel_recv(arg, &frame, 30000) == 0) {
		if (rln_channel_send(arg, &frame) == 0)
			n++;
	}
	return (void *)n;
}

static void calls_between_two_workers(void **state)
{
	struct rln_event ev = {.kind = RLN_EV_ATTACH_CHANNELS};
	struct side a[PAIRS_N], b[PAIRS_N];
	struct rln_leg_stats s;
	struct rln_channel *ch;
	pthread_t application;
	uint64_t until;
	void *heard;
	unsigned i;

	(void)state;
	workers_start();
	for (i = 0; i < PAIRS_N; i++) {
		a[i] = side_create(0, i);
		b[i] = side_create(1, i);
		side_start(&a[i], &b[i], i % 2 ? RLN_LEG_PLAIN : RLN_LEG_TONE);
		side_start(&b[i], &a[i], i % 2 ? RLN_LEG_ECHO : RLN_LEG_PLAIN);
	}
	assert_int_equal(rln_channel_open(w.channels, &ch, &ev.attach_channels.channels), 0);
	ev.id = b[0].id;
	ev.attach_channels.attach = 1;
	rln_bus_publish(w.bus, &ev);
	assert_int_equal(pthread_create(&application, NULL, echo_frames, ch), 0);
	control_until(RLN_EV_MEDIA_FLOW_ESTABLISHED, 2 * PAIRS_N);
	until = rln_clock_ns() + RLN_SEC;
	while (rln_clock_ns() < until) {
		rln_bus_poll(w.bus, 64);
		rln_channels_ring(w.channels, 0);
		rln_shard_leg_stats(workers[0].shard, a[1].id, &s);
		sched_yield();
	}
	for (i = 0; i < PAIRS_N; i++) {
		struct rln_event end = {.id = a[i].id, .kind = RLN_EV_STOP_MEDIA_STREAM};

		rln_bus_publish(w.bus, &end);
		end.id = b[i].id;
		rln_bus_publish(w.bus, &end);
	}
	control_until(RLN_EV_MEDIA_STREAM_STOPPED, 2 * PAIRS_N);
	rln_channels_ring(w.channels, 0);
	pthread_join(application, &heard);
	assert_true((uintptr_t)heard > 10);
	rln_channel_leave(w.channels, ch);
	assert_int_equal(rln_shard_leg_stats(workers[0].shard, a[1].id, &s), 0);
	assert_true(s.packets_received > 10 && s.packets_sent > 10);
	assert_int_equal(got(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 2 * PAIRS_N);
	workers_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_between_two_workers),
	};

	return cmocka_run_group_tests_name("session_shard_thread", tests, world_eal, world_eal_end);
}
