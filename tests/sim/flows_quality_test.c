/* SPDX-License-Identifier: BSD-3-Clause */
/* A path that gets bad (requirements 7, R190): the trace, step by step with its causes. */
#include "tests/sim/flow_peer.h"

#define FRAME 40u /* samples: a packet every 5 ms */

static unsigned a_quarter_lost(unsigned packet)
{
	return packet % 4 == 3 ? 0 : 1;
}

/* R190, R173, R174: a path that loses a quarter of the packets. */
static void bad_path_changes_the_codec(void **state)
{
	enum { LOSS, DECIDED, EVALUATING, ASK, INVITE, OK, ACKED, APPLY, ACTIVE, STEPS };
	static const struct sim_step rows[STEPS] = {
		[LOSS] = STEP(PACKET_LOSS_DETECTED, MEDIA, OUTSIDE),
		[DECIDED] = STEP(EVALUATED, SESSION, LOSS),
		[EVALUATING] = STEP(STATE_CHANGED, SESSION, LOSS),
		[ASK] = CALLS("send_update", DECIDED),
		[INVITE] = STEP(SEND_SIP_MESSAGE, NONE, ASK),
		[OK] = STEP(SIP_RESPONSE_RECEIVED, DIALOG, OUTSIDE),
		[ACKED] = STEP(REINVITE_ACKED, DIALOG, OK),
		[APPLY] = STEP(UPDATE_MEDIA_STREAM, MEDIA, ACKED),
		[ACTIVE] = STEP(STATE_CHANGED, SESSION, ACKED),
	};
	static uint8_t sound[200 * 4 * FRAME];
	struct rln_call *call;
	struct sim_msg answer;
	struct sim_dialog d;
	size_t at[STEPS], begin;
	struct sim_msg m;

	(void)state;
	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0 8 101", "sendrecv"), bob, &call, &answer);
	sim_sound_ulaw(sound, sizeof(sound), 3);
	begin = sim_trace_count();
	sim_rtp_to(rtp, SIM_MAIN, sim_sdp_port(&answer));
	sim_rtp_play(rtp, sound, sizeof(sound), FRAME, 5000, a_quarter_lost);
	sim_expect(sip, &m, "INVITE ");
	sim_respond(&d, &m, 200, NULL, sim_sdp(30000, "8 101", "sendrecv"));
	sim_expect(sip, &m, "ACK ");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	sim_rtp_wait_sent(rtp);
	FOLLOW(begin, rows, at);
	WRITE("Quality adaptation (R173, R174, R190)", "Loss above the set limit: another codec of those agreed on is tried.",
		rows, at);
	assert_true(event(at[LOSS])->packet_loss_detected.loss_percentage > 10);
	assert_int_equal(event(at[EVALUATING])->state_changed.new_state, RLN_STATE_EVALUATING);
	assert_int_equal(event(at[ACTIVE])->state_changed.old_state, RLN_STATE_EVALUATING);
	sim_bye(&d);
	rln_call_free(call);
}

static int start(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){.trace = true, .rtp = "port_min: 20000, port_max: 29999, quality_interval_ms: 1000"});
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {FLOW(bad_path_changes_the_codec)};

	return cmocka_run_group_tests_name("sim/flows_quality", tests, start, sim_group_stop);
}
