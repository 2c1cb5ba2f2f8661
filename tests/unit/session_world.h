/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A world in which the session machine runs alone: real registry, session manager, wheel and blocks; doubles of the dialog and media layers behind
 * struct rln_layers. What the machine publishes stands in `out`; events toward it wait in three queues (its own, the dialogs', the workers'), each in
 * order, and pump() lets them in. The doubles keep what the real layers promise: one last report per dialog, one per leg, answers to every command.
 *
 *   session_world_state.h   struct world and its queues      session_world_media.h   legs
 *   session_world_wire.h    what the peer of a dialog does   session_world_bus.h     what is published, linked calls
 *   session_world_dialog.h  what the machine asks of it      session_world_app.h     calls, commands, what was told
 *
 * Here: its life, and time.
 */
#pragma once

#include "session_world_app.h"

static UNUSED void world_begin(void)
{
	struct rln_placement_cfg placement = {1, 20000, 20999, SESSIONS};
	struct rln_registry_cfg registry = {SESSIONS, SESSIONS, SESSIONS, 1};
	struct rln_session_manager_cfg manager = {.sessions = SESSIONS};

	rln_clock_init();
	rln_log_level = RLN_LOG_ERROR;
	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	w->now = RLN_SEC;
	assert_int_equal(rln_blocks_init(256, 4), 0);
	assert_int_equal(rln_wheel_create(&w->wheel, RLN_MS, w->now), 0);
	assert_int_equal(rln_placement_create(&w->placement, &placement), 0);
	assert_int_equal(rln_registry_create(&w->registry, &registry), 0);
	manager.registry = w->registry;
	manager.placement = w->placement;
	assert_int_equal(rln_session_manager_create(&w->sessions, &manager), 0);
	w->layers = (struct rln_layers){
		.dialog = {.create = fake_create,
			.set_local_port = fake_set_local_port,
			.send_response = fake_send_response,
			.respond_offer = fake_respond_offer,
			.respond_update = fake_respond_update,
			.send_update = fake_send_update,
			.send_ack = fake_send_ack,
			.respond_refer = fake_respond_refer,
			.notify_transfer = fake_notify_transfer,
			.find_replaced = fake_find_replaced,
			.release = fake_release,
			.get_state = fake_get_state,
			.is_invite_open = fake_is_invite_open,
			.is_ack_pending = fake_is_ack_pending,
			.can_retry = fake_can_retry,
			.is_answered = fake_is_answered,
			.is_answer_owed = fake_is_answer_owed,
			.peer_allows = fake_peer_allows,
			.remote_target = fake_remote_target,
			.local_addr = fake_local_addr},
		.wheel = w->wheel,
		.sessions = w->sessions,
		.set = {.ring_limit_s = 60, .retry_after_s = 7, .codecs_n = 2, .codecs = {RLN_CODEC_PCMA, RLN_CODEC_PCMU}, .ptime_ms = 20, .telephone_event = 101,
			.loss_limit_pct = 10, .transfer_limit_s = 180},
		.publish = fake_publish,
		.address_index = fake_address_index,
		.peer_port = fake_peer_port,
		.make_call = fake_make_call,
		.abandon = fake_abandon,
		.allows_transfer = fake_allows_transfer,
		.end_channels = fake_end_channels,
		.end_tap = fake_end_tap,
		.closed = fake_closed,
	};
	assert_int_equal(rln_machine_create(&w->machine, rln_table(), w->sessions, &w->layers), 0);
}

static UNUSED void world_end(void)
{
	struct rln_registry_figures left;

	rln_registry_figures(w->registry, &left);
	assert_int_equal(rln_session_manager_in_use(w->sessions), 0);
	assert_int_equal(left.sessions + left.dialogs + left.legs, 0);
	assert_int_equal(rln_wheel_armed(w->wheel), 0);
	assert_int_equal(rln_blocks_in_use(), 0);
	for (unsigned i = 0; i < SESSIONS; i++) {
		assert_int_equal(w->legs[i], 0);
		assert_int_equal(w->dialogs[i].id, 0);
	}
	rln_machine_destroy(w->machine);
	rln_session_manager_destroy(w->sessions);
	rln_registry_destroy(w->registry);
	rln_placement_destroy(w->placement);
	rln_wheel_destroy(w->wheel);
	rln_blocks_fini();
	free(w);
	w = NULL;
}

static UNUSED void advance(uint64_t ns)
{
	w->now += ns;
	while (rln_wheel_advance(w->wheel, w->now, 64))
		;
	pump();
}

static UNUSED int setup(void **state)
{
	(void)state;
	world_begin();
	return 0;
}

static UNUSED int teardown(void **state)
{
	(void)state;
	world_end();
	return 0;
}
