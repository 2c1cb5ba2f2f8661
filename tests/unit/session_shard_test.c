/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's shard from command to packet: every command and its answer, ports, ids that went stale, the ledger at the end. */
#include "tests/unit/shard_harness.h"

#include "lcore/heap.h"

/* ---- the life of a leg ---- */

static void a_leg_from_create_to_stop(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_addr local;
	struct rln_event ev = {0};
	uint64_t id = create_leg(3, &local);

	(void)state;
	assert_true(id != 0);
	assert_int_equal(local.port, 10000);
	assert_true(rln_addr_same_ip(&local, &w.shared.addrs[0].addr));
	assert_true(rln_shard_busy(w.shard));
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STARTED, &ev), 1);
	assert_int_equal(ev.id, id);
	assert_int_equal(ev.media_stream_started.local_port, 10000);
	assert_int_equal(ev.media_stream_started.codec, RLN_CODEC_PCMU);
	assert_int_equal(ev.media_stream_started.payload_type, 0);
	turns(100);
	peer_talks(local.port, 1, 160);
	turns(100);
	assert_true(w.heard_n >= 9 && w.heard_n <= 11);
	assert_int_equal(w.heard[0].from, 10000);
	assert_int_equal(w.heard[0].to, 4000);
	assert_int_equal(w.heard[0].len, 172);
	assert_true(place_of(RLN_EV_MEDIA_STREAM_STARTED) < place_of(RLN_EV_REMOTE_MEDIA_CONFIRMED));
	assert_true(place_of(RLN_EV_REMOTE_MEDIA_CONFIRMED) < place_of(RLN_EV_MEDIA_FLOW_ESTABLISHED));
	assert_true(place_of(RLN_EV_MEDIA_FLOW_ESTABLISHED) < place_of(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED));
	assert_int_equal(got(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, &ev), 1);
	assert_int_equal(ev.id, id);
	stop_leg(id);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STOPPED, &ev), 1);
	assert_int_equal(ev.id, id);
	assert_int_equal(ev.media_stream_stopped.reason, RLN_END_REMOTE);
	assert_true(got(RLN_EV_MEDIA_STREAM_STATE_CHANGED, &ev) >= 2);
	assert_int_equal(ev.media_stream_state_changed.new_state, RLN_STREAM_STOPPED);
	turns(20);
	assert_int_equal(w.heard[w.heard_n - 1].to, 4001); /* RTCP BYE */
}

static void a_leg_stopped_before_it_started(void **state)
{
	uint64_t id = create_leg(1, NULL);

	(void)state;
	stop_leg(id);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STOPPED, NULL), 1);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STATE_CHANGED, NULL), 0);
	assert_int_equal(w.heard_n, 0);
}

static void a_stale_id_does_nothing(void **state)
{
	struct rln_leg_params q = stream_params();
	uint64_t id = create_leg(1, NULL), before;

	(void)state;
	stop_leg(id);
	before = count(RLN_C_STALE_HANDLE);
	stop_leg(id);
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	stream_command(id, RLN_EV_UPDATE_MEDIA_STREAM, &q);
	assert_int_equal(count(RLN_C_STALE_HANDLE), before + 3);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STOPPED, NULL), 1);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STARTED, NULL), 0);
}

static void commands_in_one_burst_keep_their_order(void **state)
{
	struct rln_leg_params q = stream_params();
	uint64_t id = create_leg(1, NULL);
	struct rln_event ev = {.id = id, .kind = RLN_EV_STOP_MEDIA_STREAM};
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct rln_event start = {
			.id = id, .kind = i ? (uint16_t)RLN_EV_UPDATE_MEDIA_STREAM : (uint16_t)RLN_EV_START_MEDIA_STREAM};

		start.start_media_stream.block = rln_block_alloc(sizeof(q));
		memcpy(rln_block_data(start.start_media_stream.block), &q, sizeof(q));
		start.start_media_stream.media_config = (struct rln_slice){0, sizeof(q)};
		command(&start);
	}
	command(&ev);
	command(&ev); /* a second one finds it stopping */
	turn_after(250);
	turns(5);
	assert_true(place_of(RLN_EV_MEDIA_STREAM_STARTED) < place_of(RLN_EV_MEDIA_STREAM_STATE_CHANGED));
	assert_true(place_of(RLN_EV_MEDIA_STREAM_STATE_CHANGED) < place_of(RLN_EV_MEDIA_STREAM_STOPPED));
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STOPPED, NULL), 1);
}

static void parameters_without_sense_are_an_error(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_event ev = {0}, bad = {.kind = RLN_EV_START_MEDIA_STREAM};
	uint64_t id = create_leg(1, NULL);

	(void)state;
	q.config.codec = RLN_CODEC_NONE;
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 1);
	assert_int_equal(ev.id, id);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_BAD_SDP);
	assert_int_equal(ev.media_error.error_code, EINVAL);
	bad.id = id; /* no block at all */
	command(&bad);
	turn_after(250);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 2);
	q = stream_params();
	rln_addr_from_v4(&q.remote, rte_cpu_to_be_32(IP4(203, 0, 113, 1)), 4000); /* no route leads there */
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 3);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_UNREACHABLE);
	assert_int_equal(ev.media_error.error_code, ENETUNREACH);
	stop_leg(id);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STARTED, NULL), 0);
}

static void an_early_leg_hears_and_waits(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_addr local;
	struct rln_event ev = {0};
	uint64_t id = create_leg(1, &local);

	(void)state;
	q.early = 1;
	q.remote.port = 0;
	q.rx[0].payload_type = 0;
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STARTED, &ev), 1);
	assert_int_equal(ev.media_stream_started.codec, RLN_CODEC_PCMU);
	for (uint16_t i = 0; i < 5; i++)
		peer_talks(local.port, i, 160u * i);
	turns(100);
	assert_int_equal(count(RLN_C_EATEN_RTP), 5);
	assert_int_equal(w.heard_n, 0);
	assert_int_equal(got(RLN_EV_REMOTE_MEDIA_CONFIRMED, NULL), 0);
	q = stream_params();
	stream_command(id, RLN_EV_UPDATE_MEDIA_STREAM, &q); /* the answer */
	turns(40);
	assert_true(place_of(RLN_EV_MEDIA_STREAM_STATE_CHANGED) < place_of(RLN_EV_REMOTE_MEDIA_CONFIRMED));
	assert_int_equal(got(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 1);
	assert_true(w.heard_n > 0);
	stop_leg(id);
}

static void an_update_is_always_answered(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_event ev = {0}, hold = {.kind = RLN_EV_HOLD_MEDIA};
	struct rln_addr local;
	uint64_t id = create_leg(1, &local);

	(void)state;
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	peer_talks(local.port, 1, 160);
	turns(40);
	w.got_n = 0;
	stream_command(id, RLN_EV_UPDATE_MEDIA_STREAM, &q);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STATE_CHANGED, &ev), 1);
	assert_int_equal(ev.media_stream_state_changed.old_state, RLN_STREAM_FLOWING);
	assert_int_equal(ev.media_stream_state_changed.new_state, RLN_STREAM_FLOWING);
	assert_int_equal(ev.media_stream_state_changed.direction, RLN_MEDIA_BIDIRECTIONAL);
	q.direction = RLN_MEDIA_INACTIVE;
	stream_command(id, RLN_EV_UPDATE_MEDIA_STREAM, &q);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STATE_CHANGED, &ev), 2);
	assert_int_equal(ev.media_stream_state_changed.new_state, RLN_STREAM_HELD);
	assert_int_equal(ev.media_stream_state_changed.direction, RLN_MEDIA_INACTIVE);
	hold.id = id;
	hold.kind = RLN_EV_RESUME_MEDIA;
	hold.resume_media.direction = RLN_MEDIA_BIDIRECTIONAL;
	command(&hold);
	turn_after(250);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STATE_CHANGED, &ev), 3);
	assert_int_equal(ev.media_stream_state_changed.new_state, RLN_STREAM_FLOWING);
	q = stream_params();
	q.ptime_ms = 77;
	stream_command(id, RLN_EV_UPDATE_MEDIA_STREAM, &q); /* refused, and the stream goes on as it was */
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, NULL), 1);
	w.heard_n = 0;
	turns(40);
	assert_int_equal(w.heard_n, 2);
	stop_leg(id);
}

/* ---- ports and slots ---- */

static void ports_rest_before_they_are_used_again(void **state)
{
	struct rln_addr local;
	uint64_t id[16];
	struct rln_event ev = {0};
	unsigned i;

	(void)state;
	for (i = 0; i < 8; i++) {
		id[0] = create_leg(i, &local);
		assert_int_equal(local.port, 10000 + 2 * i); /* though the ones before are free again */
		stop_leg(id[0]);
	}
	for (i = 0; i < 16; i++) {
		id[i] = create_leg(i, &local);
		assert_int_equal(local.port, 10000 + 2 * ((8 + i) % 16));
	}
	assert_int_equal(create_leg(99, NULL), 0);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 1);
	assert_int_equal(ev.id, session_id(99));
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_NO_PORT);
	assert_int_equal(ev.media_error.error_code, EADDRINUSE);
	stop_leg(id[5]);
	assert_true((id[5] = create_leg(100, &local)) != 0);
	assert_int_equal(local.port, 10000 + 2 * 13);
	for (i = 0; i < 16; i++)
		stop_leg(id[i]);
}

static void few_legs(struct rln_shard_cfg *cfg)
{
	cfg->legs = 3;
}

static int open_few(void **state)
{
	(void)state;
	world_open(few_legs);
	return 0;
}

static void no_slot_and_no_address_are_told_apart(void **state)
{
	struct rln_event ev = {.id = session_id(9), .kind = RLN_EV_CREATE_MEDIA_SESSION};
	uint64_t id[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		id[i] = create_leg(i, NULL);
	assert_int_equal(create_leg(4, NULL), 0);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 1);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_NO_MEMORY);
	ev = (struct rln_event){.id = session_id(9), .kind = RLN_EV_CREATE_MEDIA_SESSION};
	ev.create_media_session.local = 7;
	command(&ev);
	turn_after(250);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 2);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_NO_PORT);
	assert_int_equal(ev.media_error.error_code, EADDRNOTAVAIL);
	for (unsigned i = 0; i < 3; i++)
		stop_leg(id[i]);
}

static void packets_for_an_ended_call_reach_nobody(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_addr local;
	uint64_t id = create_leg(1, &local);

	(void)state;
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	peer_talks(local.port, 1, 160);
	stop_leg(id);
	peer_talks(local.port, 2, 320);
	assert_int_equal(count(RLN_C_DROP_RTP_NO_LEG), 1);
}

/* ---- echo, local calls, neighbours ---- */

static void an_echo_over_the_whole_stack(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_addr local;
	uint64_t id = create_leg(1, &local);
	unsigned i, at;

	(void)state;
	q.app = RLN_LEG_ECHO;
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	turns(40); /* silence, and ARP is done */
	at = w.heard_n;
	assert_true(at > 0);
	for (i = 0; i < 200; i++) {
		peer_talks(local.port, (uint16_t)i, 160 * i);
		assert_int_equal(w.heard_n, at + i + 1);
		assert_int_equal(w.heard[at + i].len, 172);
		for (unsigned k = 12; k < 172; k++)
			assert_int_equal(w.heard[at + i].data[k], (uint8_t)(i + k));
	}
	assert_int_equal(count(RLN_C_EATEN_RTP_TURNED), 200);
	stop_leg(id);
}

static void two_legs_of_one_process_talk(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_addr a, b;
	uint64_t ida = create_leg(1, &a), idb = create_leg(2, &b);

	(void)state;
	q.remote = b;
	q.remote_rtcp = b;
	q.remote_rtcp.port++;
	stream_command(ida, RLN_EV_START_MEDIA_STREAM, &q);
	q.remote = a;
	q.remote_rtcp = a;
	q.remote_rtcp.port++;
	stream_command(idb, RLN_EV_START_MEDIA_STREAM, &q);
	turns(1000);
	assert_int_equal(got(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 2);
	assert_int_equal(got(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 2);
	assert_true(count(RLN_C_EATEN_RTP) >= 98);
	assert_int_equal(w.heard_n, 0);
	stop_leg(ida);
	stop_leg(idb);
}

static void a_peer_that_nobody_finds_is_a_fault(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_event ev = {0};
	uint64_t id = create_leg(1, NULL);

	(void)state;
	w.peer_deaf = true;
	rln_addr_from_v4(&q.remote, rte_cpu_to_be_32(IP4(198, 18, 0, 99)), 4000);
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	turns(5000);
	assert_true(got(RLN_EV_MEDIA_ERROR, &ev) >= 1);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_UNREACHABLE);
	assert_int_equal(ev.media_error.error_code, EHOSTUNREACH);
	stop_leg(id);
	turns(5000);
}

/* ---- channels, timeouts, statistics ---- */

static void a_channel_through_commands(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_event ev = {.kind = RLN_EV_ATTACH_CHANNELS};
	struct rln_audio_frame frame = {.samples_n = 160};
	struct rln_channel *ch;
	struct rln_shard_counts counts;
	struct rln_addr local;
	uint64_t id = create_leg(1, &local), handle;

	(void)state;
	assert_int_equal(rln_channel_open(w.channels, &ch, &handle), 0);
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	ev.id = id;
	ev.attach_channels.channels = handle;
	ev.attach_channels.attach = 1;
	command(&ev);
	turn_after(250);
	rln_shard_counts(w.shard, &counts);
	assert_int_equal(counts.channels, 1);
	for (unsigned i = 0; i < 160; i++)
		frame.samples[i] = 7932; /* decodes to itself */
	assert_int_equal(rln_channel_send(ch, &frame), 0);
	turns(20);
	assert_int_equal(w.heard[0].data[100], 0xa0);
	peer_talks(local.port, 1, 160);
	assert_int_equal(rln_channel_recv(ch, &frame, 0), 0);
	assert_int_equal(frame.timestamp, 160);
	stop_leg(id); /* the leg's end is the channel's */
	assert_int_equal(rln_channel_recv(ch, &frame, -1), RLN_EENDED);
	rln_channel_leave(w.channels, ch);
	ev.attach_channels.channels = handle;
	ev.id = create_leg(2, NULL);
	command(&ev); /* the application left in the meantime */
	turn_after(250);
	rln_shard_counts(w.shard, &counts);
	assert_int_equal(counts.channels, 0);
	assert_int_equal(rln_channel_open(w.channels, &ch, &handle), 0);
	ev.attach_channels.channels = handle;
	command(&ev);
	turn_after(250);
	ev.attach_channels.attach = 0;
	command(&ev);
	turn_after(250);
	rln_shard_counts(w.shard, &counts);
	assert_int_equal(counts.channels, 0);
	assert_int_equal(rln_channel_recv(ch, &frame, -1), RLN_EENDED);
	rln_channel_leave(w.channels, ch);
	stop_leg(ev.id);
}

/* Any number of readers hear a leg, one of them speaks; who is slow loses its own frames alone. */
static void several_hear_one_leg(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_event ev = {.kind = RLN_EV_ATTACH_CHANNELS};
	struct rln_channel *ch[3];
	struct rln_channel_figures figures;
	struct rln_audio_frame frame = {.samples_n = 160};
	struct rln_shard_counts counts;
	struct rln_addr local;
	uint64_t id = create_leg(1, &local), handles[3];

	(void)state;
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	ev.id = id;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rln_channel_open(w.channels, &ch[i], &handles[i]), 0);
		ev.attach_channels.channels = handles[i];
		ev.attach_channels.attach = i == 1 ? RLN_CHANNELS_JOIN : RLN_CHANNELS_LISTEN;
		command(&ev);
	}
	turn_after(250);
	rln_shard_counts(w.shard, &counts);
	assert_int_equal(counts.channels, 3);
	for (unsigned i = 0; i < 160; i++)
		frame.samples[i] = 7932;                      /* decodes to itself */
	assert_int_equal(rln_channel_send(ch[0], &frame), 0); /* a listener's words go nowhere */
	assert_int_equal(rln_channel_send(ch[1], &frame), 0);
	turns(20);
	assert_int_equal(w.heard[0].data[100], 0xa0);
	for (unsigned n = 0; n < 1005; n++) {
		peer_talks(local.port, (uint16_t)(1 + n), 160 * (1 + n));
		assert_int_equal(rln_channel_recv(ch[0], &frame, 0), 0);
		assert_int_equal(frame.timestamp, 160 * (1 + n));
		assert_int_equal(rln_channel_recv(ch[1], &frame, 0), 0);
	}
	rln_channel_figures(ch[0], &figures);
	assert_int_equal(figures.received_dropped, 0);
	rln_channel_figures(ch[2], &figures);
	assert_int_equal(figures.received_dropped, 5);
	ev.attach_channels.channels = handles[0];
	ev.attach_channels.attach = RLN_CHANNELS_PART;
	command(&ev);
	turn_after(250);
	assert_int_equal(rln_channel_recv(ch[0], &frame, -1), RLN_EENDED);
	peer_talks(local.port, 1006, 160 * 1006);
	assert_int_equal(rln_channel_recv(ch[1], &frame, 0), 0);
	stop_leg(id);
	assert_int_equal(rln_channel_recv(ch[1], &frame, -1), RLN_EENDED);
	for (unsigned i = 0; i < 3; i++)
		rln_channel_leave(w.channels, ch[i]);
	rln_shard_counts(w.shard, &counts);
	assert_int_equal(counts.channels, 0);
}

static void timeouts_and_statistics_come_up(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_leg_stats s;
	struct rln_event ev = {0};
	struct rln_addr local;
	uint64_t id = create_leg(1, &local);

	(void)state;
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	for (uint16_t i = 0; i < 50; i++)
		peer_talks(local.port, i, 160u * i);
	turns(1100);
	assert_int_equal(rln_shard_leg_stats(w.shard, id, &s), 0);
	assert_int_equal(s.packets_received, 50);
	assert_int_equal(s.octets_received, 8000);
	assert_true(s.packets_sent >= 50);
	assert_int_equal(s.state, RLN_STREAM_FLOWING);
	assert_true(rln_addr_equal(&s.local, &local) && rln_addr_equal(&s.remote, &q.remote));
	assert_int_equal(rln_shard_leg_stats(w.shard, id + 1, &s), -ENOENT);
	assert_int_equal(rln_shard_leg_stats(w.shard, session_id(0), &s), -ENOENT);
	for (unsigned i = 0; i < 30; i++) {
		w.heard_n = 0;
		turns(1000);
	}
	assert_int_equal(got(RLN_EV_RTP_TIMEOUT, &ev), 1);
	assert_int_equal(ev.id, id);
	stop_leg(id);
	assert_int_equal(rln_shard_leg_stats(w.shard, id, &s), 0); /* final */
	assert_int_equal(s.packets_received, 50);
	assert_int_equal(s.state, RLN_STREAM_STALLED);
}

/* ---- ends ---- */

static void legs_that_are_left_go_with_the_shard(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_channel *ch;
	struct rln_event ev = {.kind = RLN_EV_ATTACH_CHANNELS};
	uint64_t id, handle;

	(void)state;
	world_open(NULL);
	for (unsigned i = 0; i < 5; i++) {
		id = create_leg(i, NULL);
		stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	}
	assert_int_equal(rln_channel_open(w.channels, &ch, &handle), 0);
	ev.id = id;
	ev.attach_channels.channels = handle;
	ev.attach_channels.attach = 1;
	command(&ev);
	turns(100);
	rln_channel_leave(w.channels, ch);
	rln_shard_destroy(w.shard);
	rln_channels_ring(w.channels, 0);
	assert_int_equal(rln_channels_in_use(w.channels), 0);
	rln_net_destroy(w.net);
	rln_bus_enter(w.bus, RLN_ENDPOINT_APP);
	rln_bus_free(w.bus);
	rln_channels_destroy(w.channels);
	rln_placement_destroy(w.placement);
	peer_turn();
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_int_equal(rte_mempool_in_use_count(w.pool), 0);
}

static void every_allocation_may_fail(void **state)
{
	struct rln_shard_cfg cfg;
	struct rln_shard *shard = NULL;
	unsigned nth;
	int rc;

	(void)state;
	for (nth = 1; nth < 100; nth++) {
		struct rln_placement_cfg place = {1, 10000, 10031, LEGS};
		int64_t before;

		assert_int_equal(rln_placement_create(&w.placement, &place), 0);
		w.bus = rln_bus_new();
		assert_int_equal(rln_bus_add_worker(w.bus, 0, 64), 0);
		w.channels = NULL;
		net_open();
		shard_cfg(&cfg);
		cfg.cname[0] = 'x';
		before = rln_heap_live_count();
		rln_heap_fail_nth(nth);
		rc = rln_shard_create(&shard, &cfg);
		if (!rln_heap_fail_nth(0)) {
			assert_int_equal(rc, 0);
			rln_shard_destroy(shard);
		} else {
			assert_int_equal(rc, -ENOMEM);
			assert_null(shard);
		}
		assert_int_equal(rln_heap_live_count(), before);
		rln_net_destroy(w.net);
		rln_bus_free(w.bus);
		rln_placement_destroy(w.placement);
		if (rc == 0)
			break;
	}
	assert_true(nth > 6 && nth < 100);
	cfg.bus = NULL;
	assert_int_equal(rln_shard_create(&shard, &cfg), -EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_plain, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_leg_from_create_to_stop),
		T(a_leg_stopped_before_it_started),
		T(a_stale_id_does_nothing),
		T(commands_in_one_burst_keep_their_order),
		T(parameters_without_sense_are_an_error),
		T(an_early_leg_hears_and_waits),
		T(an_update_is_always_answered),
		T(ports_rest_before_they_are_used_again),
		cmocka_unit_test_setup_teardown(no_slot_and_no_address_are_told_apart, open_few, close_all),
		T(packets_for_an_ended_call_reach_nobody),
		T(an_echo_over_the_whole_stack),
		T(two_legs_of_one_process_talk),
		T(a_peer_that_nobody_finds_is_a_fault),
		T(a_channel_through_commands),
		T(several_hear_one_leg),
		T(timeouts_and_statistics_come_up),
		cmocka_unit_test(legs_that_are_left_go_with_the_shard),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests_name("session_shard", tests, world_eal, world_eal_end);
}
