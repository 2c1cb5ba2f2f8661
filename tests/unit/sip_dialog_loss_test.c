/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two nodes call one another over a wire that loses one datagram, each in turn (requirements R207). Whatever is lost,
 * both sessions hear of the call's beginning and end as often as without the loss, and nothing stays behind.
 */
#include "sip_dialog_fixture.h"

enum flow {
	ANSWERED,
	LATE_OFFER,
	REINVITE,
	UPDATED_BY_CALLEE,
	CALLEE_ENDS,
	REFUSED,
	CANCELLED,
	BOTH_END,
	RELIABLE,      /* the answer in a 183 */
	RELIABLE_LATE, /* the offer in a 183, the answer in its PRACK */
	REFRESHED,     /* long enough for several refreshes */
};

static enum flow flow;

static struct rln_dialogs *dialogs_of(struct node *node)
{
	return node->dialogs;
}

static void hang_up(struct node *node)
{
	struct rln_event ev = {.kind = RLN_EV_TERMINATE_SESSION, .id = node->dialog.v};

	rln_bus_publish(node->bus, &ev);
}

static bool is_caller(const struct node *node)
{
	return node == &world.node[0];
}

static void on_established(struct node *node, const struct rln_event *ev)
{
	bool first = node->ups++ == 0;

	if (is_caller(node) && flow == LATE_OFFER)
		assert_int_equal(rln_dialog_send_ack(dialogs_of(node), node->dialog, SDP_ANSWER), 0);
	if (!is_caller(node) && (flow == LATE_OFFER || flow == RELIABLE_LATE))
		assert_slice(ev->call_established.block, ev->call_established.sdp, SDP_ANSWER);
	if (is_caller(node) && flow == REINVITE && first)
		assert_int_equal(rln_dialog_send_update(dialogs_of(node), node->dialog, SDP_OFFER), 0);
}

/* The callee's hook starts what needs both sides up: it knows that the ACK came. */
static void on_callee_established(struct node *node)
{
	if (flow == CALLEE_ENDS || flow == BOTH_END)
		hang_up(node);
	if (flow == BOTH_END)
		hang_up(&world.node[0]);
	if (flow == ANSWERED || flow == LATE_OFFER || flow == RELIABLE || flow == RELIABLE_LATE)
		hang_up(&world.node[0]);
	if (flow == UPDATED_BY_CALLEE)
		assert_int_equal(rln_dialog_send_update(dialogs_of(node), node->dialog, SDP_OFFER), 0);
}

static void on_progress(struct node *node, const struct rln_event *ev)
{
	switch ((int)ev->call_state_changed.new_state) {
	case RLN_CALL_RINGING:
		if (flow == CANCELLED)
			hang_up(node);
		break;
	case RLN_CALL_PROGRESS:
		if (flow == RELIABLE_LATE)
			assert_int_equal(rln_dialog_send_ack(dialogs_of(node), node->dialog, SDP_ANSWER), 0);
		break;
	case RLN_CALL_REFUSED:
		node->downs++;
		break;
	default:
		fail_msg("progress %u at node %d", ev->call_state_changed.new_state, (int)(node - world.node));
	}
}

static void on_incoming(struct node *node, const struct rln_event *ev)
{
	bool is_early = flow == RELIABLE || flow == RELIABLE_LATE;

	node->dialog.v = ev->id;
	assert_int_equal(
		rln_dialog_send_response(dialogs_of(node), node->dialog, is_early ? 183 : 180, is_early ? SDP_OFFER : NULL, NULL),
		0);
	if (flow == REFUSED)
		assert_int_equal(rln_dialog_send_response(dialogs_of(node), node->dialog, 486, NULL, NULL), 0);
	else if (flow != CANCELLED)
		assert_int_equal(rln_dialog_send_response(dialogs_of(node), node->dialog, 200, SDP_OFFER, NULL), 0);
}

static void react(struct node *node, const struct rln_event *ev)
{
	switch ((int)rln_event_kind(ev)) {
	case RLN_EV_INCOMING_CALL:
		on_incoming(node, ev);
		break;
	case RLN_EV_CALL_ESTABLISHED:
		on_established(node, ev);
		if (!is_caller(node))
			on_callee_established(node);
		break;
	case RLN_EV_CALL_STATE_CHANGED:
		on_progress(node, ev);
		break;
	case RLN_EV_REINVITE_RECEIVED:
		if (ev->reinvite_received.method == RLN_SIP_UPDATE && ev->reinvite_received.sdp.len == 0)
			assert_int_equal(rln_dialog_respond_update(dialogs_of(node), node->dialog, 200, NULL), 0);
		else
			assert_int_equal(rln_dialog_send_response(dialogs_of(node), node->dialog, 200, SDP_ANSWER, NULL), 0);
		break;
	case RLN_EV_REINVITE_ACKED:
		hang_up(node);
		break;
	case RLN_EV_CALL_TERMINATED:
		if (ev->call_terminated.reason == RLN_END_CANCELLED)
			assert_int_equal(rln_dialog_send_response(dialogs_of(node), node->dialog, 487, NULL, NULL), 0);
		node->downs++;
		break;
	case RLN_EV_DIALOG_STATE_CHANGED:
		if (ev->dialog_state_changed.new_state != RLN_DIALOG_TERMINATED)
			break;
		node->ends++;
		rln_dialog_release(dialogs_of(node), node->dialog);
		break;
	default:
		fail_msg("event %s", rln_event_info(rln_event_kind(ev))->name);
	}
}

/* One call, with the `lose`th datagram lost (0: none). Returns how many crossed the wire. */
static unsigned run(unsigned lose)
{
	struct node *a = &world.node[0], *b = &world.node[1];
	bool up = flow != REFUSED && flow != CANCELLED;
	unsigned wired;

	world.reliable = RLN_RELIABLE_SUPPORTED;
	world.session_expires_s = flow == REFRESHED ? 100 : 0;
	world_start(2);
	world.reliable = RLN_RELIABLE_OFF;
	world.session_expires_s = 0;
	world.lose = lose;
	a->react = b->react = react;
	a->dialog = rln_dialog_create(a->dialogs, "alice@" OUR_IP, "bob@" PEER_IP);
	publish_initiate(a, a->dialog, flow == LATE_OFFER || flow == RELIABLE_LATE ? NULL : SDP_OFFER);
	if (flow == REFRESHED) {
		run_for(500000);
		hang_up(a);
	}
	run_for(100000);
	wired = world.wired;
	if (a->ups != up || b->ups != up || a->ends != 1 || b->ends != 1)
		fail_msg("flow %d, datagram %u lost: up %u %u, end %u %u", flow, lose, a->ups, b->ups, a->ends, b->ends);
	/* A call that was up, or cancelled from outside, ends with one CALL_TERMINATED; a refused caller has its
	 * REFUSED instead. */
	assert_int_equal(a->downs, 1);
	assert_int_equal(b->downs, flow == REFUSED ? 0 : 1);
	world_end();
	return wired;
}

static void each_datagram_in_turn(enum flow which)
{
	unsigned n;

	flow = which;
	n = run(0);
	assert_true(n >= 4); /* INVITE, 180, 486, ACK at least */
	for (unsigned lose = 1; lose <= n; lose++)
		run(lose);
}

#define FLOW(name, which)                                                                                                        \
	static void name(void **state)                                                                                           \
	{                                                                                                                        \
		(void)state;                                                                                                     \
		each_datagram_in_turn(which);                                                                                    \
	}

FLOW(caller_hangs_up, ANSWERED)
FLOW(late_offer, LATE_OFFER)
FLOW(caller_changes_the_media, REINVITE)
FLOW(callee_changes_the_media, UPDATED_BY_CALLEE)
FLOW(callee_hangs_up, CALLEE_ENDS)
FLOW(both_hang_up, BOTH_END)
FLOW(callee_refuses, REFUSED)
FLOW(caller_gives_up, CANCELLED)
FLOW(answer_in_a_183, RELIABLE)
FLOW(offer_in_a_183, RELIABLE_LATE)
FLOW(the_session_is_refreshed, REFRESHED)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caller_hangs_up),
		cmocka_unit_test(late_offer),
		cmocka_unit_test(caller_changes_the_media),
		cmocka_unit_test(callee_changes_the_media),
		cmocka_unit_test(callee_hangs_up),
		cmocka_unit_test(both_hang_up),
		cmocka_unit_test(callee_refuses),
		cmocka_unit_test(caller_gives_up),
		cmocka_unit_test(answer_in_a_183),
		cmocka_unit_test(offer_in_a_183),
		cmocka_unit_test(the_session_is_refreshed),
	};

	return cmocka_run_group_tests_name("sip_dialog_loss", tests, start_eal, stop_eal);
}
