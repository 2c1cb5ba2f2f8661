/* SPDX-License-Identifier: BSD-3-Clause */
/* For the flow tests: our peer bob, a scripted peer and its RTP, opened before and closed after each flow, and texts of the trace. */
#pragma once

#include "tests/sim/sim_flow.h"

#define PORT 5070

static struct rln_peer *bob;
static struct sim_sip *sip;
static struct sim_rtp *rtp;

static int open_peer(void **state)
{
	(void)state;
	sim_trace_begin();
	bob = rln_peer_new("bob", PORT);
	sip = sim_sip_open(5060);
	rtp = sim_rtp_open(SIM_HOST, 30000);
	return bob && sip ? 0 : -1;
}

static int close_peer(void **state)
{
	(void)state;
	rln_peer_free(bob);
	sim_sip_close(sip);
	sim_rtp_close(rtp);
	sim_wait_idle();
	return 0;
}

static inline const struct rln_event *event(size_t i)
{
	return &sim_trace_at(i)->ev;
}

static inline void assert_slice(const struct sim_event *e, struct rln_slice slice, const char *want)
{
	const char *text = sim_trace_text(e, slice);

	if (!strstr(text, want))
		fail_msg("%s: '%s' is not in '%s'", rln_event_info(rln_event_kind(&e->ev))->name, want, text);
}

static inline void send_audio(uint16_t port)
{
	uint8_t sound[160];

	sim_sound_ulaw(sound, sizeof(sound), 1);
	sim_rtp_to(rtp, SIM_MAIN, port);
	for (unsigned i = 0; i < 3; i++)
		sim_rtp_send(rtp, sound, sizeof(sound), i == 0);
}

#define FLOW(f) cmocka_unit_test_setup_teardown(f, open_peer, close_peer)
