/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two nodes, and between them a wire that loses one datagram, each in turn, or doubles, delays and loses at random: a transfer is
 * told to its end exactly once, keys come each once and in order, and nothing stays behind.
 */
#include "sip_dialog_fixture.h"

#define KEYS "12*#D90"

static struct {
	bool keys; /* keys instead of a transfer */
	unsigned refers, dones, fails;
	char heard[64];
	uint32_t random;
} run;

static void hang_up(struct node *node)
{
	struct rln_event ev = {.kind = RLN_EV_TERMINATE_SESSION, .id = node->dialog.v};

	rln_bus_publish(node->bus, &ev);
}

static void start_it(struct node *caller)
{
	struct rln_event keys = {.kind = RLN_EV_SEND_DTMF, .id = caller->dialog.v, .send_dtmf = {.tones = KEYS}};
	struct rln_event ev = {.kind = RLN_EV_TRANSFER_CALL, .id = caller->dialog.v};

	if (run.keys) {
		rln_bus_publish(caller->bus, &keys);
		return;
	}
	ev.transfer_call.block = rln_block_from_text("carol@" PEER_IP, strlen("carol@" PEER_IP), &ev.transfer_call.target);
	rln_bus_publish(caller->bus, &ev);
}

static void on_incoming(struct node *node, const struct rln_event *ev)
{
	node->dialog.v = ev->id;
	assert_int_equal(rln_dialog_send_response(node->dialogs, node->dialog, 200, SDP_OFFER, NULL), 0);
}

static void on_refer(struct node *node)
{
	run.refers++;
	assert_int_equal(rln_dialog_respond_refer(node->dialogs, node->dialog, 202), 0);
	assert_int_equal(rln_dialog_notify_transfer(node->dialogs, node->dialog, 180), 0);
	assert_int_equal(rln_dialog_notify_transfer(node->dialogs, node->dialog, 200), 0);
}

static void on_progress(struct node *node, const struct rln_event *ev)
{
	unsigned what = ev->call_state_changed.new_state;

	run.dones += what == RLN_CALL_TRANSFER_DONE;
	run.fails += what == RLN_CALL_TRANSFER_FAILED || what == RLN_CALL_TIMED_OUT;
	if (what == RLN_CALL_TRANSFER_DONE || what == RLN_CALL_TRANSFER_FAILED)
		hang_up(node);
}

static void on_key(struct node *node, const struct rln_event *ev)
{
	strcat(run.heard, ev->dtmf_received.tones);
	if (strlen(run.heard) == strlen(KEYS))
		hang_up(node);
}

static void react(struct node *node, const struct rln_event *ev)
{
	switch ((int)rln_event_kind(ev)) {
	case RLN_EV_INCOMING_CALL:
		on_incoming(node, ev);
		break;
	case RLN_EV_CALL_ESTABLISHED:
		if (node == &world.node[1]) /* it knows that both are up */
			start_it(&world.node[0]);
		break;
	case RLN_EV_TRANSFER_REQUESTED:
		on_refer(node);
		break;
	case RLN_EV_CALL_STATE_CHANGED:
		on_progress(node, ev);
		break;
	case RLN_EV_DTMF_RECEIVED:
		on_key(node, ev);
		break;
	case RLN_EV_DIALOG_STATE_CHANGED:
		if (ev->dialog_state_changed.new_state != RLN_DIALOG_TERMINATED)
			break;
		node->ends++;
		rln_dialog_release(node->dialogs, node->dialog);
		break;
	default:
		break;
	}
}

static unsigned call(unsigned lose, enum fate (*fate)(void))
{
	struct node *a = &world.node[0], *b = &world.node[1];
	bool keys = run.keys;
	uint32_t seed = run.random;
	unsigned wired;

	world_start(2);
	memset(&run, 0, sizeof(run));
	run.keys = keys;
	run.random = seed;
	world.lose = lose;
	world.fate = fate;
	a->react = b->react = react;
	a->dialog = rln_dialog_create(a->dialogs, "alice@" OUR_IP, "bob@" PEER_IP);
	publish_initiate(a, a->dialog, SDP_OFFER);
	run_for(400000);
	wired = world.wired;
	if (!fate) {
		assert_int_equal(a->ends, 1);
		assert_int_equal(b->ends, 1);
		assert_int_equal(run.refers, !keys);
		assert_int_equal(run.dones, !keys);
		assert_int_equal(run.fails, 0);
		assert_string_equal(run.heard, keys ? KEYS : "");
	}
	assert_true(run.dones + run.fails <= 1);
	assert_int_equal(strncmp(run.heard, KEYS, strlen(run.heard)), 0);
	world_end();
	return wired;
}

static void each_datagram_in_turn(bool keys)
{
	unsigned n;

	run.keys = keys;
	n = call(0, NULL);
	assert_true(n >= 10);
	for (unsigned lose = 1; lose <= n; lose++)
		call(lose, NULL);
}

static void a_transfer_survives_each_loss(void **state)
{
	(void)state;
	each_datagram_in_turn(false);
}

static void keys_survive_each_loss(void **state)
{
	(void)state;
	each_datagram_in_turn(true);
}

static enum fate bad_luck(void)
{
	static const enum fate fates[] = {PASSES, PASSES, PASSES, IS_LOST, COMES_TWICE, IS_LATE, PASSES, PASSES};

	run.random = run.random * 1664525u + 1013904223u;
	return fates[run.random >> 29];
}

static void a_bad_wire(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		run.keys = i % 2;
		run.random = i * 7919;
		call(0, bad_luck);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transfer_survives_each_loss),
		cmocka_unit_test(keys_survive_each_loss),
		cmocka_unit_test(a_bad_wire),
	};

	return cmocka_run_group_tests_name("sip_dialog_refer_loss", tests, start_eal, stop_eal);
}
