/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose packets are a leg's: symmetric RTP, the guard against hijackers, and what signalling may change. */
#include "tests/unit/rtp_harness.h"

static uint64_t count(enum rln_counter c)
{
	return h.counts->v[c];
}

static void sent_to(unsigned at, const char *ip, uint16_t port)
{
	struct rln_addr a = addr_of(ip, port);

	assert_true(at < h.sent_n && rln_addr_equal(&h.sent[at].to, &a));
}

static void the_first_source_is_latched_and_guarded(void **state)
{
	struct rln_leg_params q = params_to("198.18.0.77", 5000); /* what the peer believes behind its NAT */

	(void)state;
	start(&q);
	run_for(40);
	sent_to(h.sent_n - 1, "198.18.0.77", 5000);
	receive(1, 160, 7);
	assert_int_equal(count(RLN_C_RTP_LATCHED), 1);
	run_for(40);
	sent_to(h.sent_n - 1, peer_ip, peer_port);
	peer_ip = "198.18.0.66"; /* a hijacker, with the right SSRC even */
	for (uint16_t i = 0; i < 500; i++)
		receive((uint16_t)(2 + i), 320, 7);
	assert_int_equal(count(RLN_C_DROP_RTP_SOURCE), 500);
	assert_int_equal(h.cold->dropped_source, 500);
	peer_ip = "198.18.0.2";
	peer_port = 4001; /* another port is another source */
	receive(3, 480, 7);
	peer_port = 4000;
	assert_int_equal(count(RLN_C_DROP_RTP_SOURCE), 501);
	receive(2, 320, 7); /* the true one goes on */
	assert_int_equal(count(RLN_C_EATEN_RTP), 2);
	run_for(40);
	sent_to(h.sent_n - 1, peer_ip, peer_port);
}

static void a_silent_source_may_be_replaced(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	start(&q);
	receive(1, 160, 7);
	run_for(1900);
	peer_port = 4444;
	receive(2, 320, 9);
	assert_int_equal(count(RLN_C_DROP_RTP_SOURCE), 1);
	run_for(200);
	receive(3, 320, 9);
	peer_port = 4000;
	assert_int_equal(count(RLN_C_EATEN_RTP), 2);
	run_for(40);
	sent_to(h.sent_n - 1, "198.18.0.2", 4444);
	receive(4, 640, 7); /* the address that signalling names wins back */
	run_for(40);
	sent_to(h.sent_n - 1, "198.18.0.2", 4000);
	peer_port = 4444;
	receive(5, 800, 9);
	peer_port = 4000;
	assert_int_equal(count(RLN_C_DROP_RTP_SOURCE), 2);
}

static void another_source_has_a_jitter_of_its_own(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	start(&q);
	receive(1, 160, 7);
	run_for(2100);
	peer_port = 4444; /* an orphan's stream that still runs, and then the true one: clocks that know nothing of one another */
	for (uint16_t i = 0; i < 5; i++) {
		receive((uint16_t)(2000 + i), 900000000u + 160 * i, 9);
		run_for(20);
	}
	peer_port = 4000;
	assert_in_range(h.leg->jitter.j16_max >> 4, 0, 8); /* a ms of 8 kHz, not the 31 hours between the two clocks */
}

static void several_packets_of_one_ssrc_may_be_asked_for(void **state)
{
	struct rln_leg_params q = params_to("198.18.0.77", 5000);

	(void)state;
	h.pipeline->cfg.latch_packets = 4;
	start(&q);
	receive(1, 160, 7);
	receive(2, 320, 7);
	receive(3, 480, 8); /* another SSRC begins anew, and within a second not at all */
	assert_int_equal(count(RLN_C_DROP_RTP_SOURCE), 1);
	receive(3, 480, 7);
	assert_int_equal(count(RLN_C_RTP_LATCHED), 0);
	receive(4, 640, 7);
	assert_int_equal(count(RLN_C_RTP_LATCHED), 1);
}

static void signalling_moves_the_remote(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	unsigned i;

	(void)state;
	start(&q);
	receive(1, 160, 7);
	q = params_to("198.18.0.50", 7000);
	start(&q);
	run_for(40);
	sent_to(h.sent_n - 1, "198.18.0.50", 7000);
	for (i = 0; i < 20; i++) /* still on their way: heard, and not latched */
		receive((uint16_t)(2 + i), 160 * (2 + i), 7);
	assert_int_equal(count(RLN_C_EATEN_RTP), 21);
	run_for(40);
	sent_to(h.sent_n - 1, "198.18.0.50", 7000);
	peer_ip = "198.18.0.51"; /* the new one, behind its NAT */
	receive(100, 5000, 11);
	peer_ip = "198.18.0.2";
	run_for(40);
	sent_to(h.sent_n - 1, "198.18.0.51", 4000);
	receive(50, 160 * 50, 7);
	assert_int_equal(count(RLN_C_DROP_RTP_SOURCE), 1);
	assert_true(rln_leg_apply(h.leg, &q, h.now) == 0); /* the same remote again leaves the latch alone */
	run_for(40);
	sent_to(h.sent_n - 1, "198.18.0.51", 4000);
}

static void a_moved_remote_that_did_not_move_is_latched_again(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	unsigned i;

	(void)state;
	start(&q);
	receive(1, 160, 7);
	q = params_to("198.18.0.50", 7000); /* a private address; the NAT's mapping stays as it was */
	start(&q);
	for (i = 0; i < 60; i++)
		receive((uint16_t)(2 + i), 160 * (2 + i), 7);
	run_for(40);
	sent_to(h.sent_n - 1, peer_ip, peer_port);
}

static void without_symmetric_packets_go_where_signalling_says(void **state)
{
	struct rln_leg_params q = params_to("198.18.0.77", 5000);

	(void)state;
	h.pipeline->cfg.symmetric = false;
	start(&q);
	receive(1, 160, 7);
	run_for(40);
	sent_to(h.sent_n - 1, "198.18.0.77", 5000);
	peer_ip = "198.18.0.66";
	receive(2, 320, 7);
	peer_ip = "198.18.0.2";
	assert_int_equal(count(RLN_C_DROP_RTP_SOURCE), 1); /* the guard holds all the same */
}

static void an_early_source_is_kept_when_the_answer_comes(void **state)
{
	struct rln_leg_params q = params_to("198.18.0.77", 5000);

	(void)state;
	receive(1, 160, 7);
	run_for(60);
	assert_int_equal(h.sent_n, 0); /* nothing is sent before the start */
	assert_int_equal(h.told_n, 0); /* and nothing told */
	start(&q);
	run_for(40);
	sent_to(h.sent_n - 1, peer_ip, peer_port);
}

static void a_remote_that_is_not_known_is_learned(void **state)
{
	struct rln_leg_params q = params_to(NULL, 0);

	(void)state;
	start(&q);
	run_for(60);
	assert_int_equal(h.sent_n, 0);
	receive(1, 160, 7);
	run_for(60);
	assert_true(h.sent_n >= 2);
	sent_to(0, peer_ip, peer_port);
}

static void holding_by_the_unspecified_address_stops_sending(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	unsigned n;

	(void)state;
	start(&q);
	run_for(60);
	n = h.sent_n;
	q = params_to("0.0.0.0", peer_port);
	start(&q);
	run_for(60);
	assert_int_equal(h.sent_n, n);
	q = params_to(peer_ip, peer_port);
	start(&q);
	run_for(60);
	assert_true(h.sent_n >= n + 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_first_source_is_latched_and_guarded),
		T(a_silent_source_may_be_replaced),
		T(another_source_has_a_jitter_of_its_own),
		T(several_packets_of_one_ssrc_may_be_asked_for),
		T(signalling_moves_the_remote),
		T(a_moved_remote_that_did_not_move_is_latched_again),
		T(without_symmetric_packets_go_where_signalling_says),
		T(an_early_source_is_kept_when_the_answer_comes),
		T(a_remote_that_is_not_known_is_learned),
		T(holding_by_the_unspecified_address_stops_sending),
	};

	return cmocka_run_group_tests_name("rtp_latch", tests, harness_eal, harness_eal_end);
}
