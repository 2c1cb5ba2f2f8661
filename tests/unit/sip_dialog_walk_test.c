/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random walks: two nodes whose sessions order whatever they like whenever they like, over a wire that loses, doubles
 * and delays. What goes up must stay a true story of each dialog (states that follow from one another, one
 * CALL_TERMINATED at most, nothing after the end), and at the end nothing is left.
 */
#include "sip_dialog_fixture.h"

#define WALKS 150
#define STEPS 120
#define KNOWN 512

static struct story {
	uint64_t id;
	uint8_t state, node;
	bool terminated, ended, released;
} known[KNOWN];
static unsigned known_n;
static uint64_t seed;

static uint32_t random_below(uint32_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % n;
}

static enum fate random_fate(void)
{
	uint32_t n = random_below(100);

	return n < 12 ? IS_LOST : n < 20 ? COMES_TWICE : n < 30 ? IS_LATE : PASSES;
}

static struct story *story_of(unsigned node, uint64_t id)
{
	for (unsigned i = 0; i < known_n; i++) {
		if (known[i].id == id && known[i].node == node)
			return &known[i];
	}
	return NULL;
}

static struct story *begin_story(unsigned node, uint64_t id)
{
	struct story *s;

	assert_true(known_n < KNOWN);
	s = &known[known_n++];
	*s = (struct story){.id = id, .node = (uint8_t)node};
	return s;
}

static void release(struct story *s)
{
	s->released = true;
	rln_dialog_release(world.node[s->node].dialogs, (struct rln_dialog_id){s->id});
}

static void on_state(struct story *s, const struct rln_ev_dialog_state_changed *ev)
{
	assert_int_equal(ev->old_state, s->state);
	assert_true(ev->new_state > ev->old_state); /* states only move on */
	s->state = ev->new_state;
	s->ended = ev->new_state == RLN_DIALOG_TERMINATED;
	if (s->ended && random_below(4))
		release(s);
}

static void react(struct node *node, const struct rln_event *ev)
{
	unsigned index = (unsigned)(node - world.node);
	struct story *s = story_of(index, ev->id);

	rln_block_release(rln_event_block(&node->events[--node->events_n])); /* nobody will read the record */
	if (rln_event_kind(ev) == RLN_EV_INCOMING_CALL) {
		assert_null(s);
		begin_story(index, ev->id);
		return;
	}
	assert_non_null(s);
	if (s->released)
		return; /* it was on its way when the session let go */
	assert_false(s->ended);
	if (rln_event_kind(ev) == RLN_EV_DIALOG_STATE_CHANGED)
		on_state(s, &ev->dialog_state_changed);
	if (rln_event_kind(ev) != RLN_EV_CALL_TERMINATED)
		return;
	assert_false(s->terminated);
	s->terminated = true;
	if (ev->call_terminated.reason == RLN_END_CANCELLED && random_below(3))
		rln_dialog_send_response(node->dialogs, (struct rln_dialog_id){s->id}, 487, NULL, NULL);
}

static void start_call(void)
{
	unsigned from = random_below(2);
	struct node *node = &world.node[from];
	struct rln_dialog_id id = rln_dialog_create(node->dialogs, "walker@example.test", from ? "bob@" OUR_IP : "bob@" PEER_IP);

	if (!id.v)
		return; /* the table is full */
	begin_story(from, id.v);
	publish_initiate(node, id, random_below(4) ? SDP_OFFER : NULL);
}

static void order_something(struct story *s)
{
	static const uint16_t code[] = {100, 180, 183, 200, 200, 200, 202, 302, 486, 488, 491, 500, 603};
	struct rln_dialogs *dialogs = world.node[s->node].dialogs;
	struct rln_dialog_id id = {s->id};

	switch (random_below(13)) {
	case 0:
	case 1:
	case 2:
	case 3:
		rln_dialog_send_response(dialogs, id, code[random_below(13)], random_below(3) ? SDP_ANSWER : NULL, NULL);
		break;
	case 4:
		rln_dialog_send_update(dialogs, id, random_below(4) ? SDP_OFFER : NULL);
		break;
	case 5:
		rln_dialog_send_ack(dialogs, id, SDP_ANSWER);
		break;
	case 6:
		rln_dialog_send_bye(dialogs, id);
		break;
	case 7:
		rln_dialog_send_cancel(dialogs, id);
		break;
	case 8:
		publish_terminate(&world.node[s->node], id, random_below(2) ? 486 : 0);
		break;
	case 9:
		if (random_below(3) == 0)
			release(s);
		break;
	case 10:
		rln_dialog_respond_update(dialogs, id, random_below(2) ? 200 : 500, NULL);
		break;
	default:
		break; /* let the others act */
	}
}

/* The network says that the other node cannot be reached. */
static void report_unreachable(unsigned node)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(world.pool);

	assert_non_null(m);
	*rln_pkt(m) =
		(struct rln_pkt){.dst = addr_of(node ? OUR_IP : PEER_IP, 5060), .op = RLN_PKT_UNREACH, .error = EHOSTUNREACH};
	deliver(m, node);
}

static void step(void)
{
	static const unsigned pause_ms[] = {0, 0, 1, 5, 50, 400, 1100, 4000, 33000, 61000};

	if (random_below(6) == 0)
		start_call();
	for (unsigned i = known_n > 12 ? known_n - 12 : 0; i < known_n; i++) {
		if (!known[i].released && random_below(3) == 0)
			order_something(&known[i]);
	}
	if (random_below(25) == 0)
		report_unreachable(random_below(2));
	pump();
	run_for(pause_ms[random_below(10)]);
}

static void random_walks(void **state)
{
	(void)state;
	for (unsigned walk = 1; walk <= WALKS; walk++) {
		seed = walk * UINT64_C(0x9E3779B97F4A7C15);
		known_n = 0;
		world_start(2);
		world.node[0].react = world.node[1].react = react;
		world.fate = random_fate;
		for (unsigned i = 0; i < STEPS; i++)
			step();
		world.node[0].react = world.node[1].react = NULL;
		world.fate = NULL;
		world_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_walks),
	};

	return cmocka_run_group_tests_name("sip_dialog_walk", tests, start_eal, stop_eal);
}
