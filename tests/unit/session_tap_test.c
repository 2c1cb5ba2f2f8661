/* SPDX-License-Identifier: BSD-3-Clause */
/* Taps: a leg's packets on an application's ring, both orders of the end, drops, stale handles, and a sleeper that control's bell wakes. */
#include <pthread.h>

#include "tests/unit/shard_harness.h"

#include "rtp/packet.h"

static void tap_command(uint64_t id, uint64_t handle, bool on)
{
	struct rln_event ev = {.id = id, .kind = RLN_EV_TAP_MEDIA, .tap_media = {.tap = handle, .on = on}};

	command(&ev);
	turn_after(250);
}

static void a_tap_shows_what_comes_and_goes(void **state)
{
	struct rln_addr local;
	uint64_t id = started_as(1, &local, RLN_LEG_PLAIN), handle;
	struct rln_tap_packet p;
	struct rln_tap *tap;
	struct rln_rtp rtp;
	unsigned in = 0, out = 0, at;

	(void)state;
	turns(40);
	assert_int_equal(rln_tap_create(w.taps, 200, &tap, &handle), 0);
	assert_int_equal(rln_tap_read(tap, &p, 0), RLN_ETIMEDOUT);
	tap_command(id, handle, true);
	at = w.heard_n;
	for (uint16_t i = 1; i <= 20; i++)
		peer_talks(local.port, i, 160u * i), turns(20);
	while (rln_tap_read(tap, &p, 0) == 0) {
		const struct rln_ev_rtp_packet *e = &p.ev.rtp_packet_received;

		assert_int_equal(p.ev.id, id);
		assert_int_equal(e->payload.len, 160);
		assert_int_equal(e->payload_type, 0);
		assert_int_equal(p.len, 160);
		if (p.ev.kind == RLN_EV_RTP_PACKET_RECEIVED) {
			in++;
			assert_int_equal(e->sequence_number, in);
			assert_int_equal(e->timestamp, 160 * in);
			assert_int_equal(p.ssrc, 7);
			assert_int_equal(p.payload[5], (uint8_t)(in + 17));
			continue;
		}
		assert_int_equal(p.ev.kind, RLN_EV_SEND_RTP_PACKET);
		assert_int_equal(rln_rtp_parse(w.heard[at + out].data, w.heard[at + out].len, &rtp), 0);
		assert_int_equal(e->sequence_number, rtp.seq); /* what the peer hears, packet by packet */
		assert_int_equal(e->timestamp, rtp.timestamp);
		assert_memory_equal(p.payload, rtp.payload, 160);
		out++;
	}
	assert_int_equal(in, 20);
	assert_in_range(out, 19, 21);
	assert_int_equal(rln_tap_dropped(tap), 0);
	tap_command(id, handle, false);
	assert_int_equal(rln_tap_read(tap, &p, -1), RLN_EENDED);
	peer_talks(local.port, 21, 160 * 21);
	assert_int_equal(rln_tap_read(tap, &p, -1), RLN_EENDED);
	rln_tap_destroy(w.taps, tap);
	stop_leg(id);
}

/* Echoed and bridged packets are sent ones too; digits as well. */
static void turned_packets_are_seen_both_ways(void **state)
{
	struct rln_addr local;
	uint64_t id = started_as(1, &local, RLN_LEG_ECHO), handle;
	struct rln_tap_packet a, b;
	struct rln_tap *tap;

	(void)state;
	peer_talks(local.port, 1, 160);
	assert_int_equal(rln_tap_create(w.taps, 16, &tap, &handle), 0);
	tap_command(id, handle, true);
	peer_talks(local.port, 2, 320);
	assert_int_equal(rln_tap_read(tap, &a, 0), 0);
	assert_int_equal(rln_tap_read(tap, &b, 0), 0);
	assert_int_equal(a.ev.kind, RLN_EV_RTP_PACKET_RECEIVED);
	assert_int_equal(b.ev.kind, RLN_EV_SEND_RTP_PACKET);
	assert_int_not_equal(a.ssrc, b.ssrc);
	assert_memory_equal(a.payload, b.payload, 160);
	stop_leg(id); /* the leg's end is the tap's */
	assert_int_equal(rln_tap_read(tap, &a, -1), RLN_EENDED);
	rln_tap_destroy(w.taps, tap);
}

static void a_full_tap_drops_and_counts(void **state)
{
	struct rln_addr local;
	uint64_t id = started_as(1, &local, RLN_LEG_PLAIN), handle;
	struct rln_tap_packet p;
	struct rln_tap *tap;
	unsigned n = 0;

	(void)state;
	assert_int_equal(rln_tap_create(w.taps, 8, &tap, &handle), 0);
	tap_command(id, handle, true);
	for (uint16_t i = 1; i <= 100; i++)
		peer_talks(local.port, i, 160u * i);
	assert_true(rln_tap_dropped(tap) >= 92);
	rln_tap_destroy(w.taps, tap); /* first the application, then the leg */
	assert_int_equal(rln_taps_in_use(w.taps), 1);
	peer_talks(local.port, 101, 160 * 101);
	stop_leg(id);
	turn_after(250);
	assert_int_equal(rln_taps_in_use(w.taps), 0);
	id = started_as(2, &local, RLN_LEG_PLAIN);
	assert_int_equal(rln_tap_create(w.taps, 8, &tap, &handle), 0);
	tap_command(id, handle, true);
	for (uint16_t i = 1; i <= 1000; i++) { /* wraps */
		peer_talks(local.port, i, 160u * i);
		while (rln_tap_read(tap, &p, 0) == 0)
			n += p.ev.kind == RLN_EV_RTP_PACKET_RECEIVED;
	}
	assert_int_equal(n, 1000);
	assert_int_equal(rln_tap_dropped(tap), 0);
	stop_leg(id);
	rln_tap_destroy(w.taps, tap);
}

static void a_tap_that_is_none_is_an_error(void **state)
{
	uint64_t a = started_as(1, NULL, RLN_LEG_PLAIN), b = started_as(2, NULL, RLN_LEG_PLAIN), handle, other;
	struct rln_event ev = {0};
	struct rln_tap *tap, *second;

	(void)state;
	tap_command(a, 12345, true);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 1);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_COMMAND);
	assert_int_equal(ev.media_error.error_code, ENOENT);
	assert_int_equal(rln_tap_create(w.taps, 0, &tap, &handle), -EINVAL);
	assert_int_equal(rln_tap_create(w.taps, 1u << 20, &tap, &handle), -EINVAL);
	assert_int_equal(rln_tap_create(w.taps, 8, &tap, &handle), 0);
	tap_command(a, handle, true);
	tap_command(b, handle, true);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 2);
	assert_int_equal(ev.media_error.error_code, EBUSY);
	assert_int_equal(rln_tap_create(w.taps, 8, &second, &other), 0);
	tap_command(a, other, false); /* not the one that it has */
	tap_command(a, other, true);  /* takes the first one's place, for good */
	tap_command(b, handle, true);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 3);
	assert_int_equal(ev.media_error.error_code, ENOENT);
	tap_command(a, 0, false);
	rln_tap_destroy(w.taps, tap);
	rln_tap_destroy(w.taps, second);
	tap_command(a, other, true);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 4);
	stop_leg(a);
	stop_leg(b);
}

static void the_table_has_an_end(void **state)
{
	struct rln_tap *tap[RLN_TAPS], *more;
	uint64_t handle;

	(void)state;
	for (unsigned i = 0; i < RLN_TAPS; i++)
		assert_int_equal(rln_tap_create(w.taps, 1, &tap[i], &handle), 0);
	assert_int_equal(rln_tap_create(w.taps, 1, &more, &handle), -ENOSPC);
	for (unsigned i = 0; i < RLN_TAPS; i++)
		rln_tap_destroy(w.taps, tap[i]);
}

static void *reader(void *arg)
{
	struct rln_tap_packet p;
	uintptr_t n = 0;

	while (rln_tap_read(arg, &p, 10000) == 0)
		n++;
	return (void *)n;
}

static void a_sleeping_reader_is_woken(void **state)
{
	struct rln_addr local;
	uint64_t id = started_as(1, &local, RLN_LEG_PLAIN), handle;
	struct rln_tap *tap;
	pthread_t thread;
	void *n;

	(void)state;
	assert_int_equal(rln_tap_create(w.taps, 4096, &tap, &handle), 0);
	tap_command(id, handle, true);
	assert_int_equal(pthread_create(&thread, NULL, reader, tap), 0);
	for (uint16_t i = 1; i <= 500; i++) {
		peer_talks(local.port, i, 160u * i);
		sched_yield();
	}
	stop_leg(id); /* the end wakes it too */
	turn_after(250);
	pthread_join(thread, &n);
	assert_true((uintptr_t)n >= 500);
	rln_tap_destroy(w.taps, tap);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_plain, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_tap_shows_what_comes_and_goes),
		T(turned_packets_are_seen_both_ways),
		T(a_full_tap_drops_and_counts),
		T(a_tap_that_is_none_is_an_error),
		T(the_table_has_an_end),
		T(a_sleeping_reader_is_woken),
	};

	return cmocka_run_group_tests_name("session_tap", tests, world_eal, world_eal_end);
}
