/* SPDX-License-Identifier: BSD-3-Clause */
/* What a leg sends beyond its own audio, heard by scripted peers: digits, and another call's packets. */
#include "tests/sim/sim.h"

#include <stdlib.h>

#include "rtp/dtmf.h"

#define PORT  5070
#define FRAME 160u

static uint8_t sound[150 * FRAME];

/* The key presses among what a peer heard since packet `from`. */
static unsigned digits_heard(struct sim_rtp *r, unsigned from, char *out)
{
	struct rln_dtmf_rx rx = {0};
	struct rln_dtmf_digit digit[2];
	unsigned n = 0;

	for (unsigned i = from; i < sim_rtp_received(r); i++) {
		struct sim_rtp_packet p = sim_rtp_at(r, i);

		if (p.pt != 101)
			continue;
		for (unsigned k = 0, m = rln_dtmf_rx_packet(&rx, p.payload, p.len, p.ts, 8, p.when_ns, digit); k < m; k++)
			out[n++] = digit[k].digit;
	}
	out[n] = '\0';
	return n;
}

static void digits_go_out_as_telephone_events(void **state)
{
	struct rln_peer *bob = rln_peer_new("bob", PORT);
	struct sim_sip *sip = sim_sip_open(5060);
	struct sim_rtp *rtp = sim_rtp_open(SIM_HOST, 30000);
	struct sim_dialog d;
	struct rln_call *call;
	struct sim_msg m;
	char heard[32];
	unsigned from;

	(void)state;
	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0 101", "sendrecv"), bob, &call, &m);
	sim_rtp_to(rtp, SIM_MAIN, sim_sdp_port(&m));
	sim_rtp_wait(rtp, 5);
	from = sim_rtp_received(rtp);
	assert_int_equal(rln_call_send_dtmf(call, "1#5"), 0);
	sim_rtp_wait(rtp, from + 45); /* 900 ms: three of 100 with their pauses, and audio again */
	assert_int_equal(digits_heard(rtp, from, heard), 3);
	assert_string_equal(heard, "1#5");
	for (unsigned i = from + 1; i < sim_rtp_received(rtp); i++) /* one stream */
		assert_int_equal(sim_rtp_at(rtp, i).seq, (uint16_t)(sim_rtp_at(rtp, i - 1).seq + 1));
	assert_int_equal(sim_rtp_at(rtp, sim_rtp_received(rtp) - 1).pt, 0);
	sim_bye(&d);
	rln_call_free(call);
	sim_wait_idle();
	rln_peer_free(bob);
	sim_rtp_close(rtp);
	sim_sip_close(sip);
}

/* How many of the other side's packets a peer heard, each as it was or in the other law. */
static unsigned frames_heard(struct sim_rtp *r, const uint8_t *of, bool is_alaw)
{
	unsigned n = 0, at = 0;

	for (unsigned i = 0; i < sim_rtp_received(r) && at < 150; i++) {
		struct sim_rtp_packet p = sim_rtp_at(r, i);
		unsigned same = 0;

		for (unsigned k = 0; k < p.len && k < FRAME; k++) {
			int16_t a = is_alaw ? sim_alaw_decode(p.payload[k]) : sim_ulaw_decode(p.payload[k]);
			int16_t b = sim_ulaw_decode(of[at * FRAME + k]);

			same += abs(a - b) <= 8 + abs(b) / 16;
		}
		if (p.len != FRAME || same < FRAME)
			continue;
		n++;
		at++;
	}
	return n;
}

static void bridged_calls_hear_each_other(void **state)
{
	struct rln_peer *bob = rln_peer_new("bob", PORT);
	struct sim_sip *sip[2] = {sim_sip_open(5060), sim_sip_open(5061)};
	struct sim_rtp *rtp[2] = {sim_rtp_open(SIM_HOST, 30000), sim_rtp_open(SIM_HOST, 31000)};
	const char *codecs[2] = {"0 101", "8 101"};
	struct sim_dialog d[2];
	struct rln_call *call[2];
	struct sim_msg m;
	char heard[8];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		sim_call_in(&d[i], sip[i], "bob", PORT, sim_sdp((uint16_t)(30000 + 1000 * i), codecs[i], "sendrecv"), bob,
			&call[i], &m);
		sim_rtp_to(rtp[i], SIM_MAIN, sim_sdp_port(&m));
		rtp[i]->pt = i ? 8 : 0;
	}
	assert_int_equal(rln_coord_bridge(sim_coord(), rln_call_session(call[0]), rln_call_session(call[1])), 0);
	assert_int_equal(rln_call_wait_for_state(call[0], RLN_STATE_BRIDGED, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_state(call[1], RLN_STATE_BRIDGED, SIM_WAIT_MS), 0);
	/* the worker has its commands, and has taken them before it sends a second packet from now on */
	sim_rtp_wait(rtp[1], sim_rtp_received(rtp[1]) + 2);
	sim_rtp_play(rtp[0], sound, sizeof(sound), FRAME, 20000, NULL);
	sim_rtp_wait_sent(rtp[0]);
	sim_rtp_digit(rtp[0], 101, 7, 100);
	sim_rtp_wait(rtp[1], 162);
	assert_true(frames_heard(rtp[1], sound, true) >= 145);
	for (unsigned i = 1; i < sim_rtp_received(rtp[1]); i++) /* silence, the other's audio, silence: one stream */
		assert_int_equal(sim_rtp_at(rtp[1], i).seq, (uint16_t)(sim_rtp_at(rtp[1], i - 1).seq + 1));
	assert_int_equal(digits_heard(rtp[1], 0, heard), 1);
	assert_string_equal(heard, "7");
	assert_int_equal(rln_coord_unbridge(sim_coord(), rln_call_session(call[0])), 0);
	assert_int_equal(rln_call_wait_for_state(call[0], RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	for (unsigned i = 0; i < 2; i++) {
		sim_bye(&d[i]);
		rln_call_free(call[i]);
		sim_rtp_close(rtp[i]);
		sim_sip_close(sip[i]);
	}
	sim_wait_idle();
	rln_peer_free(bob);
}

static int begin(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){.workers = 1, .queues = 1});
	sim_sound_ulaw(sound, sizeof(sound), 7);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_go_out_as_telephone_events),
		cmocka_unit_test(bridged_calls_hear_each_other),
	};

	return _cmocka_run_group_tests("sim/media_out", tests, sizeof(tests) / sizeof(tests[0]), begin, sim_group_stop);
}
