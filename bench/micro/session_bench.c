/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one step of the state machine costs control: find the cell, ask its guards, run its actions, publish. The layers below are doubles that count, so the
 * figure is the machine's own. And what a worker pays to find an RTP packet's leg: parse and table row of one among 10,000 legs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/micro/micro.h"
#include "lcore/clock.h"
#include "lcore/wheel.h"
#include "rtp/leg.h"
#include "rtp/packet.h"
#include "session/fsm.h"
#include "session/layers.h"
#include "session/placement.h"
#include "session/registry.h"
#include "session/session.h"

#define OPERATIONS 1000000u
#define SESSIONS   10000u

static struct rln_machine *machine;
static struct rln_session_id ids[SESSIONS];
static struct rln_port_table ports;
static struct rln_leg leg;
static uint8_t packet[RLN_RTP_HEADER + 160];
static uint64_t published;
static volatile uint32_t sink;

static int publish(void *arg, struct rln_event *ev)
{
	(void)arg, (void)ev;
	published++;
	return 0;
}

/* RINGING in CALLING: a row with a publication and no change of state, so that every step is the same. */
static void step(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct rln_event ev = {
			.kind = RLN_EV_CALL_STATE_CHANGED, .call_state_changed = {.new_state = RLN_CALL_RINGING, .status = 180}};

		rln_machine_process_event(machine, ids[i * 2654435761u % SESSIONS], &ev);
	}
}

static void lookup(uint32_t count)
{
	struct rln_addr to = {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, 0, 1}};
	struct rln_rtp rtp;

	for (uint32_t i = 0; i < count; i++) {
		to.port = (uint16_t)(ports.first + 2 * (i * 2654435761u % SESSIONS));
		sink += (uint32_t)rln_rtp_parse(packet, sizeof(packet), &rtp) + (rln_port_table_find(&ports, &to)->leg == &leg);
	}
}

static int set_up(void)
{
	static struct rln_layers layers = {.publish = publish};
	struct rln_placement_cfg placement = {.workers = 1, .port_min = 10000, .port_max = 49999, .legs_per_worker = SESSIONS};
	struct rln_registry_cfg registry = {.sessions = SESSIONS, .dialogs = SESSIONS, .legs = SESSIONS, .workers = 1};
	struct rln_session_manager_cfg manager = {.sessions = SESSIONS, .stock = SESSIONS};
	struct rln_placement *p;
	struct rln_registry *r;
	int rc = rln_placement_create(&p, &placement);

	if (rc == 0)
		rc = rln_registry_create(&r, &registry);
	if (rc != 0)
		return rc;
	manager.placement = p;
	manager.registry = r;
	rc = rln_session_manager_create(&layers.sessions, &manager);
	if (rc == 0)
		rc = rln_wheel_create(&layers.wheel, RLN_MS, rln_clock_ns());
	if (rc == 0)
		rc = rln_machine_create(&machine, rln_table(), layers.sessions, &layers);
	for (uint32_t i = 0; rc == 0 && i < SESSIONS; i++) {
		struct rln_session *s;

		rln_session_manager_refill(layers.sessions);
		ids[i] = rln_session_manager_reserve(layers.sessions);
		s = rln_session_manager_create_session(layers.sessions, ids[i]);
		if (!s)
			return -1;
		s->role = RLN_ROLE_UAC;
		s->state = RLN_STATE_CALLING; /* set up by hand: the machine alone writes it at work */
		rc = rln_session_manager_register_session(layers.sessions, s);
	}
	ports = (struct rln_port_table){
		.addrs_n = 1, .first = 10000, .pairs = SESSIONS, .rows = aligned_alloc(64, SESSIONS * sizeof(*ports.rows))};
	if (rc != 0 || !ports.rows)
		return -1;
	for (uint32_t i = 0; i < SESSIONS; i++)
		ports.rows[i] = (struct rln_port_row){.leg = &leg};
	memcpy(ports.ip[0], (uint8_t[16]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, 0, 1}, 16);
	packet[0] = 0x80;
	return 0;
}

int main(void)
{
	rln_clock_init();
	if (set_up() != 0) {
		fprintf(stderr, "session_bench: set-up failed\n");
		return 1;
	}
	print_machine("session");
	measure_as("session", "machine_step", step, OPERATIONS);
	measure_as("session", "rtp_parse_and_lookup_of_10000", lookup, OPERATIONS);
	return published ? 0 : 1;
}
