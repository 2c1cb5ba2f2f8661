/* SPDX-License-Identifier: BSD-3-Clause */
/* One call between bob, the appliance's peer, and a scripted one, in either direction: what the simulations of calls message by message begin with. */
#pragma once

#include "tests/sim/sim.h"

#define PORT 5070
#define SDP  sim_sdp(30000, "0 8 101", "sendrecv")

static struct rln_peer *bob;
static struct sim_sip *sip;
static struct rln_call *call;
static struct sim_dialog d;
static struct sim_msg m;

static int open_peer(void **state)
{
	(void)state;
	sim_trace_begin();
	sip = sim_sip_open(5060);
	call = NULL;
	return 0;
}

static int close_peer(void **state)
{
	(void)state;
	rln_call_free(call);
	sim_sip_close(sip);
	sim_wait_idle();
	return 0;
}

static int group_stop(void **state)
{
	rln_peer_free(bob);
	return sim_group_stop(state);
}

static void ended(enum rln_call_state state, enum rln_end_reason reason, unsigned code)
{
	uint16_t got;

	assert_int_equal(rln_call_wait_for_state(call, state, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_end(call, &got), reason);
	assert_int_equal(got, code);
}

/* The INVITE is out to us; nothing answered. */
static void called(void)
{
	call = rln_peer_call(bob, "sim@" SIM_HOST);
	assert_non_null(call);
	sim_expect(sip, &m, "INVITE ");
	sim_uas(&d, sip, &m);
}

static struct rln_incoming *ringing(const char *sdp)
{
	struct rln_incoming *in;
	struct sim_msg r;

	sim_uac(&d, sip, "bob", PORT);
	sim_request(&d, "INVITE", NULL, sdp);
	sim_expect(sip, &r, "SIP/2.0 180");
	sim_learn(&d, &r);
	in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(in);
	return in;
}

static void up_in(void)
{
	sim_call_in(&d, sip, "bob", PORT, SDP, bob, &call, &m);
}
