/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands of a worker's media hub that have to do with other ends than the leg's own: bridges, and digits for the peer. Over a ring port, from command to packet; each test ends with the
 * packet ledger of the world.
 */
#include "tests/unit/shard_harness.h"

#include "rtp/dtmf.h"
#include "rtp/packet.h"

static void bridge(uint64_t id, uint64_t other)
{
	struct rln_event ev = {.id = id, .kind = RLN_EV_BRIDGE_MEDIA, .bridge_media = {.other = other}};

	command(&ev);
	turn_after(250);
}

/* A leg whose peer sends from and hears on `port`. */
static uint64_t started(unsigned n, uint16_t port, struct rln_addr *local)
{
	struct rln_leg_params q = stream_params();
	uint64_t id = create_leg(n, local);

	q.remote.port = port;
	q.remote_rtcp.port = (uint16_t)(port + 1);
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	return id;
}

static void says(uint16_t from, uint16_t to, uint16_t seq)
{
	uint8_t p[172];

	rln_rtp_build(p, 0, false, seq, 160u * seq, 7u + from);
	memset(p + 12, seq & 0xff, 160);
	peer_sends(PEER, from, to, p, sizeof(p));
	turn_after(250);
}

/* RTP that the peer heard on a port since `from`, and the first byte of the last one's audio. */
static unsigned heard_on(unsigned from, uint16_t port, uint8_t *last)
{
	struct rln_rtp rtp, before = {0};
	unsigned n = 0;

	for (unsigned i = from; i < w.heard_n; i++) {
		if (w.heard[i].to != port)
			continue;
		assert_int_equal(rln_rtp_parse(w.heard[i].data, w.heard[i].len, &rtp), 0);
		if (n++ > 0) {
			assert_int_equal(rtp.seq, (uint16_t)(before.seq + 1));
			assert_int_equal(rtp.ssrc, before.ssrc);
		}
		before = rtp;
	}
	if (last && n)
		*last = before.payload[0];
	return n;
}

static void two_legs_hear_each_other(void **state)
{
	struct rln_addr a_local, b_local;
	uint64_t a = started(1, 4000, &a_local), b = started(2, 5000, &b_local);
	unsigned at;
	uint8_t last = 0;

	(void)state;
	turns(60);
	bridge(a, b);
	bridge(b, a);
	at = w.heard_n;
	for (uint16_t i = 1; i <= 50; i++) {
		says(4000, a_local.port, i);
		says(5000, b_local.port, (uint16_t)(i + 100));
		turns(19);
	}
	assert_int_equal(heard_on(at, 5000, &last), 50);
	assert_int_equal(last, 50);
	assert_int_equal(heard_on(at, 4000, &last), 50);
	assert_int_equal(last, 150);
	assert_int_equal(count(RLN_C_EATEN_RTP_BRIDGED), 100);
	assert_int_equal(got(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 2);
	assert_int_equal(got(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 2);
	bridge(a, 0);
	says(4000, a_local.port, 51);
	assert_int_equal(count(RLN_C_EATEN_RTP), 1);
	stop_leg(b); /* a's other half goes with its leg */
	at = w.heard_n;
	turns(100);
	says(4000, a_local.port, 52);
	assert_in_range(heard_on(at, 4000, &last), 4, 6);
	assert_int_equal(last, 0xff);
	stop_leg(a);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, NULL), 0);
}

static void a_bridge_that_cannot_be_is_an_error(void **state)
{
	struct rln_event ev = {0};
	uint64_t a = started(1, 4000, NULL), b = started(2, 5000, NULL);

	(void)state;
	bridge(a, a);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 1);
	assert_int_equal(ev.id, a);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_COMMAND);
	assert_int_equal(ev.media_error.error_code, EINVAL);
	bridge(a, rln_id_make(RLN_ID_MEDIA, 1, 1, 1));
	got(RLN_EV_MEDIA_ERROR, &ev);
	assert_int_equal(ev.media_error.error_code, EXDEV);
	stop_leg(b);
	bridge(a, b);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 3);
	assert_int_equal(ev.media_error.error_code, ENOENT);
	bridge(b, a); /* a command for a leg that ended is nothing new */
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 3);
	bridge(a, 0);
	stop_leg(a);
}

/* The partner is late to start: what comes before is taken in, and goes on from the moment that it can. */
static void early_media_pass_once_the_partner_runs(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_addr a_local;
	uint64_t a = create_leg(1, &a_local), b = create_leg(2, NULL);
	unsigned at;

	(void)state;
	bridge(a, b);
	says(4000, a_local.port, 1); /* a's offer is out; nothing of b's is */
	assert_int_equal(count(RLN_C_EATEN_RTP), 1);
	q.remote.port = 5000;
	q.remote_rtcp.port = 5001;
	stream_command(b, RLN_EV_START_MEDIA_STREAM, &q);
	at = w.heard_n;
	for (uint16_t i = 2; i < 12; i++)
		says(4000, a_local.port, i), turns(20);
	assert_int_equal(heard_on(at, 5000, NULL), 10);
	stop_leg(a);
	stop_leg(b);
}

static void legs_that_come_and_go_leave_no_tie(void **state)
{
	uint64_t id[8] = {0};
	struct rln_addr local[8];
	uint32_t r = 99;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		unsigned k, o;

		r = r * 1664525u + 1013904223u;
		k = (r >> 8) % 8;
		o = (r >> 12) % 8;
		switch ((r >> 16) % 8) {
		case 0:
			if (id[k])
				stop_leg(id[k]);
			id[k] = id[k] ? 0 : started(k, (uint16_t)(4000 + 10 * k), &local[k]);
			break;
		case 1:
		case 2:
			bridge(id[k], id[o]);
			break;
		default:
			if (id[k])
				says((uint16_t)(4000 + 10 * k), local[k].port, (uint16_t)i);
			turns(5);
		}
		w.heard_n = w.got_n = 0;
	}
	for (unsigned k = 0; k < 8; k++) {
		if (id[k])
			stop_leg(id[k]);
	}
	assert_true(count(RLN_C_EATEN_RTP_BRIDGED) > 100);
}

/* ---- digits ---- */

static void digits(uint64_t id, const char *tones, uint16_t duration_ms)
{
	struct rln_event ev = {
		.id = id, .kind = RLN_EV_SEND_TELEPHONE_EVENTS, .send_telephone_events = {.duration_ms = duration_ms}};

	memcpy(ev.send_telephone_events.tones, tones, strnlen(tones, sizeof(ev.send_telephone_events.tones)));
	command(&ev);
	turn_after(250);
}

static void digits_reach_the_peer(void **state)
{
	static const char most[] = "12345678901234567890123456789012345678"; /* the payload's 38, without room for a NUL */
	uint64_t id = started(1, 4000, NULL);
	struct rln_dtmf_rx rx = {0};
	struct rln_dtmf_digit digit[2];
	struct rln_rtp rtp;
	char got_digits[64];
	unsigned n = 0;

	(void)state;
	digits(id, most, 40);
	turns(38 * 140);
	for (unsigned i = 0; i < w.heard_n; i++) {
		if (w.heard[i].to != 4000)
			continue;
		assert_int_equal(rln_rtp_parse(w.heard[i].data, w.heard[i].len, &rtp), 0);
		if (rtp.payload_type != 101)
			continue;
		for (unsigned k = 0, m = rln_dtmf_rx_packet(&rx, rtp.payload, rtp.payload_len, rtp.timestamp, 8, w.now, digit);
			k < m; k++)
			got_digits[n++] = digit[k].digit;
	}
	got_digits[n] = '\0';
	assert_string_equal(got_digits, most);
	stop_leg(id);
}

static void digits_that_cannot_be_sent_are_an_error(void **state)
{
	struct rln_leg_params q = stream_params();
	struct rln_event ev = {0};
	uint64_t id = create_leg(1, NULL);

	(void)state;
	q.telephone_event_tx = 0;
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	digits(id, "1", 0);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 1);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_COMMAND);
	assert_int_equal(ev.media_error.error_code, ENOTSUP);
	q.telephone_event_tx = 101;
	stream_command(id, RLN_EV_UPDATE_MEDIA_STREAM, &q);
	digits(id, "x", 0);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 2);
	assert_int_equal(ev.media_error.error_code, EINVAL);
	digits(id, "12345678901234567890123456789012345678", 0);
	digits(id, "12345678901234567890123456789012345678", 0);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 3);
	assert_int_equal(ev.media_error.error_code, ENOBUFS);
	stop_leg(id);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_plain, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(two_legs_hear_each_other),
		T(a_bridge_that_cannot_be_is_an_error),
		T(early_media_pass_once_the_partner_runs),
		T(legs_that_come_and_go_leave_no_tie),
		T(digits_reach_the_peer),
		T(digits_that_cannot_be_sent_are_an_error),
	};

	return cmocka_run_group_tests_name("session_bridge", tests, world_eal, world_eal_end);
}
