/* SPDX-License-Identifier: BSD-3-Clause */
/* rln_peer_ping(): OPTIONS over the wire, answered, refused, unanswered, and to where nobody is. */
#include "tests/sim/sim.h"

#include <errno.h>
#include <pthread.h>

struct asked { /* a ping on a thread of its own: it waits, and the test is the other side */
	pthread_t thread;
	struct rln_peer *peer;
	const char *target;
	int timeout_ms, rc;
	uint32_t rtt_us;
};

static struct rln_peer *alice;

static void *ping(void *arg)
{
	struct asked *a = arg;

	a->rc = rln_peer_ping(a->peer, a->target, a->timeout_ms, &a->rtt_us);
	return NULL;
}

static void ask(struct asked *a, const char *target, int timeout_ms)
{
	*a = (struct asked){.peer = alice, .target = target, .timeout_ms = timeout_ms};
	assert_int_equal(pthread_create(&a->thread, NULL, ping, a), 0);
}

static void answer(struct sim_sip *sip, unsigned code)
{
	struct sim_dialog d;
	struct sim_msg m;

	sim_expect(sip, &m, "OPTIONS ");
	sim_uas(&d, sip, &m);
	sim_respond(&d, &m, code, NULL, NULL);
}

static void an_answer_and_its_time(void **state)
{
	struct sim_sip *sip = sim_sip_open(5060);
	struct asked a;

	(void)state;
	ask(&a, "sim@" SIM_HOST, SIM_WAIT_MS);
	answer(sip, 200);
	pthread_join(a.thread, NULL);
	assert_int_equal(a.rc, 200);
	assert_in_range(a.rtt_us, 1, SIM_WAIT_MS * 1000);
	ask(&a, "sip:sim@" SIM_HOST ":5060", SIM_WAIT_MS);
	answer(sip, 486); /* somebody is there all the same */
	pthread_join(a.thread, NULL);
	assert_int_equal(a.rc, 486);
	sim_sip_close(sip);
}

static void nobody_answers(void **state)
{
	struct sim_sip *sip = sim_sip_open(5060);
	uint32_t rtt_us;

	(void)state;
	assert_int_equal(rln_peer_ping(alice, "sim@" SIM_HOST, 50, &rtt_us), RLN_ETIMEDOUT);
	answer(sip, 200); /* too late: nobody waits for it */
	sim_sip_close(sip);
	sim_wire_refuse(true);
	assert_in_range(-rln_peer_ping(alice, "sim@" SIM_HOST ":5999", SIM_WAIT_MS, NULL), 1, 4095);
	sim_wire_refuse(false);
}

static void what_cannot_be_asked(void **state)
{
	(void)state;
	assert_int_equal(rln_peer_ping(alice, "not an address", 100, NULL), -EINVAL);
	assert_int_equal(rln_peer_ping(alice, NULL, 100, NULL), -EINVAL);
	assert_in_range(-rln_peer_ping(alice, "sim@10.1.2.3", SIM_WAIT_MS, NULL), 1, 4095); /* no route */
}

static int start(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){0});
	alice = rln_peer_new("alice", 5070);
	return alice ? 0 : -1;
}

static int stop(void **state)
{
	rln_peer_free(alice);
	return sim_group_stop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_and_its_time),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(what_cannot_be_asked),
	};

	return _cmocka_run_group_tests("sim/ping", tests, sizeof(tests) / sizeof(tests[0]), start, stop);
}
