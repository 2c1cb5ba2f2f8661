/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same calls on every shape of the machine: one worker; two with a queue each, fed by a hash that knows nothing of who owns a port; two on a device with one
 * queue, so that half of what comes and goes crosses between them. In each, what a datagram, a ping, a call from outside and one inside need is there.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

#include "lcore/count.h"

#define CALLS  4
#define FRAMES 60
#define FRAME  160

static uint8_t sound[CALLS][FRAMES * FRAME];

/* Echo on every worker at once, byte for byte. */
static void echoes(struct sim_sip *sip)
{
	struct sim_dialog d[CALLS];
	struct sim_rtp *r[CALLS];
	struct sim_msg m;

	for (unsigned i = 0; i < CALLS; i++) {
		r[i] = sim_rtp_open(SIM_HOST, (uint16_t)(30000 + 10 * i));
		sim_uac(&d[i], sip, "echo", 5060);
		sim_request(&d[i], "INVITE", NULL, sim_sdp((uint16_t)(30000 + 10 * i), "0", "sendrecv"));
		sim_expect(sip, &m, "SIP/2.0 180");
		sim_expect(sip, &m, "SIP/2.0 200");
		sim_learn(&d[i], &m);
		sim_request(&d[i], "ACK", NULL, NULL);
		sim_rtp_to(r[i], SIM_MAIN, sim_sdp_port(&m));
		sim_sound_ulaw(sound[i], sizeof(sound[i]), 50 + i);
	}
	for (unsigned i = 0; i < CALLS; i++)
		sim_rtp_play(r[i], sound[i], sizeof(sound[i]), FRAME, 2000, NULL);
	for (unsigned i = 0; i < CALLS; i++) {
		unsigned first = 0;

		sim_rtp_wait_sent(r[i]);
		do
			sim_rtp_wait(r[i], first + 1);
		while (memcmp(sim_rtp_at(r[i], first++).payload, sound[i], FRAME) != 0);
		first--;
		sim_rtp_wait(r[i], first + FRAMES);
		for (unsigned k = 0; k < FRAMES; k++)
			assert_memory_equal(sim_rtp_at(r[i], first + k).payload, sound[i] + k * FRAME, FRAME);
		sim_rtp_assert_continuous(r[i], first);
	}
	for (unsigned i = 0; i < CALLS; i++) {
		sim_bye(&d[i]);
		sim_rtp_close(r[i]);
	}
}

/* Both ends here, on one worker or on two. */
static void inside(void)
{
	struct rln_peer *alice = rln_peer_new("alice", 5080), *bob = rln_peer_new("bob", 5070);
	struct rln_call *a[CALLS], *b[CALLS];

	for (unsigned i = 0; i < CALLS; i++) {
		struct rln_incoming *in;

		a[i] = rln_peer_call(alice, "bob@127.0.0.1:5070");
		assert_non_null(a[i]);
		in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
		assert_non_null(in);
		b[i] = rln_incoming_accept(in);
		assert_non_null(b[i]);
	}
	for (unsigned i = 0; i < CALLS; i++) {
		assert_int_equal(rln_call_wait_for_media(a[i], SIM_WAIT_MS), 0);
		assert_int_equal(rln_call_wait_for_media(b[i], SIM_WAIT_MS), 0);
	}
	rln_peer_free(alice); /* hangs up */
	for (unsigned i = 0; i < CALLS; i++) {
		assert_int_equal(rln_call_wait_for_state(b[i], RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
		rln_call_free(a[i]);
		rln_call_free(b[i]);
	}
	rln_peer_free(bob);
}

static void shape(unsigned workers, unsigned queues)
{
	struct sim_sip *sip;

	sim_start(&(struct sim_cfg){.workers = workers, .queues = queues, .routes = "routes:\n  - {match: echo, app: echo}\n"});
	sip = sim_sip_open(5060);
	assert_true(sim_ping(SIM_MAIN));
	echoes(sip);
	inside();
	sim_wait_idle();
	sim_sip_close(sip);
}

static void two_workers_two_queues(void **state)
{
	(void)state;
	shape(2, 2);
	assert_true(rln_count_total(RLN_C_HANDOFF_OUT) > 0); /* the hash is not ours */
	sim_stop();
}

static void two_workers_one_queue(void **state)
{
	(void)state;
	shape(2, 1);
	assert_true(rln_count_total(RLN_C_HANDOFF_OUT) > FRAMES);
	assert_true(rln_count_total(RLN_C_TX_HANDED) > FRAMES);
	sim_stop();
}

static void one_worker(void **state)
{
	(void)state;
	shape(1, 1);
	assert_int_equal(rln_count_total(RLN_C_HANDOFF_OUT), 0);
	assert_int_equal(rln_count_total(RLN_C_TX_HANDED), 0);
	sim_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_workers_two_queues), cmocka_unit_test(two_workers_one_queue), cmocka_unit_test(one_worker)};

	return cmocka_run_group_tests_name("sim/shapes", tests, NULL, NULL);
}
