/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two machines, a caller and a callee, joined by a channel that loses and reorders, and at times a third call beside them: every order of messages, acts of the
 * applications, reports of the workers and timeouts is tried, breadth first, until no state is left that was not gone on from. A run that meets its bound
 * instead fails. A path is a tape of choices; the world cannot be copied, so each path is played from its beginning. The machines, their table, actions and
 * guards are the product's; the dialogs are a model of what sip/dialog.h promises (the real ones: sip_dialog_wire_test.c).
 *
 * One world with everything in it has too many states for a test, so there are several, each with a part of what may happen and each closed (`parts` below says
 * which part, and prints how large it is; 98,248 states and 320,876 transitions in all). What bounds them: all but the set-up begin with both calls ACTIVE or,
 * for early media, at the INVITE; `times` is how often a side may do the same, `losses` and `swaps` how many letters may be lost or overtaken, UNBOUNDED where
 * a part still closes without such a limit. A timer that runs may fire at any time. Not here: late offers, challenges and redirections, INFO, letters that come
 * twice (the transactions take those), two losses where a part says one, and whatever only happens when two parts meet.
 *
 * In each state two things are asked. Everything on the way is lost and only time goes on: do all calls come to a state in which a call may rest, and does a
 * hangup then end them? Everything on the way arrives: do they come to rest, and does a BYE then end them? Either way each end must have been told once
 * (session_world.h counts) and nothing may be left: slots, maps, timers, blocks.
 *
 * In the environment, RLN_PART=i: that part alone. RLN_EXPLORE=n: n states of a world with all that the parts have but for the third
 * call, on top; it is too large to be closed.
 */
#include "session_explore_acts.h"

#define STATES_MAX 30000u /* no part may need more */

/* ---- the paths ---- */

struct node { /* a state, by the choice that led to it first */
	uint32_t before;
	uint16_t depth;
	uint8_t choice;
};

static struct node *nodes;
static uint32_t nodes_n;
static uint32_t states_n; /* of all parts */
static uint64_t steps_n;

#define TAPE_MAX 1024

static unsigned tape_of(uint32_t at, uint8_t *tape)
{
	unsigned n = nodes[at].depth;

	assert_true(n < TAPE_MAX);
	for (unsigned i = n; i > 0; i--, at = nodes[at].before)
		tape[i - 1] = nodes[at].choice;
	return n;
}

static void play(uint32_t at)
{
	uint8_t tape[TAPE_MAX];
	unsigned n = tape_of(at, tape);

	begin();
	for (unsigned i = 0; i < n; i++)
		choose(tape[i]);
}

static const char *state_name(unsigned i)
{
	return call_of(&side[i]) ? rln_call_state_name((enum rln_call_state)call_of(&side[i])->state) : "nothing";
}

static void show(void)
{
	for (unsigned i = 0; i < SIDES; i++) {
		const struct side *s = &side[i];

		print_message("  %s: invite %u asked %u offered %u ack %u bye %u%u update %u refer %u mail %u;", state_name(i),
			s->invite, s->asked, s->offered, s->ack, s->bye_waits, s->bye_out, s->update_out, s->refer, s->mail_n);
		if (s->d)
			print_message(" dialog %u ended %u invite %u theirs %u ack %u", s->d->state, s->d->ended,
				s->d->invite_open, s->d->theirs_open, s->d->ack_pending);
		if (call_of(s))
			print_message(" leg %u offering %u deferred %u", call_of(s)->leg_hold, call_of(s)->is_offering,
				call_of(s)->deferred ? call_of(s)->deferred->ev.kind : 0);
		for (unsigned k = 0; k < s->mail_n; k++)
			print_message(" %u", s->mail[k].message);
		print_message("\n");
	}
}

/* Where it went wrong, and each step of the way to where it began. */
static void print_tape(uint32_t at)
{
	uint8_t tape[TAPE_MAX];
	unsigned n = tape_of(at, tape);

	print_message("%s:\n", part->name);
	show();
	begin();
	for (unsigned i = 0; i < n; i++) {
		choose(tape[i]);
		print_message("choice %u\n", tape[i]);
		show();
	}
}

/* ---- what must hold ---- */

static bool may_rest(unsigned i)
{
	const struct rln_session *c = call_of(&side[i]);

	if (!c)
		return true;
	switch ((enum rln_call_state)c->state) {
	case RLN_STATE_ACTIVE:
	case RLN_STATE_ON_HOLD:
	case RLN_STATE_BRIDGED:
		return true;
	case RLN_STATE_CONSULTING: /* while the two talk */
		return state_of((struct rln_session_id){c->other}) == RLN_STATE_ACTIVE;
	default:
		return false;
	}
}

static void settle_all(void)
{
	settle();
	pump();
	settle();
}

/* To the next timer. The random times of two sides that met differ by their ranges (RFC 3261 14.1). */
static void let_time_pass(void)
{
	for (unsigned left = 1000; left && rln_wheel_armed(w->wheel) && !is_mail(); left--) {
		uint64_t next = rln_wheel_next_ns(w->wheel);

		w->now = next > w->now + RLN_MS ? next : w->now + RLN_MS;
		if (rln_wheel_advance(w->wheel, w->now, 1) > 0)
			break;
	}
	settle_all();
}

/* Everything that is under way comes to its end, by mail or by silence. */
static void come_to_rest(bool mail_arrives)
{
	for (unsigned round = 0; round < 60; round++) {
		bool moved = false;

		for (unsigned i = 0; i < SIDES; i++) {
			while (side[i].mail_n > 0) {
				struct letter l = take(&side[i], 0);

				if (mail_arrives)
					receive(&side[i], &l);
				settle_all();
				moved = true;
			}
		}
		for (unsigned i = 0; i < SIDES && !moved; i++)
			moved = give_up(&side[i]);
		settle_all();
		if (moved || is_mail() || can_give_up(&side[0]) || can_give_up(&side[1]) || can_give_up(THIRD))
			continue;
		if (rln_wheel_armed(w->wheel) == 0)
			return;
		let_time_pass();
	}
}

static void end_side(unsigned i, bool by_bye)
{
	static const struct letter bye = {M_BYE, 0, ""};

	if (call_of(&side[i]) && by_bye)
		receive(&side[i], &bye);
	else if (call_of(&side[i]))
		command(side[i].session, RLN_EV_HANGUP_CALL, 0);
	settle_all();
	if (by_bye && call_of(&side[i]))
		assert_true(rln_table()->final & 1u << call_of(&side[i])->state);
}

static void check_from(uint32_t at, bool mail_arrives)
{
	play(at);
	come_to_rest(mail_arrives);
	for (unsigned i = 0; i < SIDES; i++) {
		if (may_rest(i))
			continue;
		print_message("call %u stays in %s\n", i, state_name(i));
		print_tape(at);
		fail();
	}
	for (unsigned i = 0; i < SIDES; i++)
		end_side(i, mail_arrives);
	come_to_rest(mail_arrives);
	if (rln_session_manager_in_use(w->sessions) || rln_wheel_armed(w->wheel) || rln_blocks_in_use()) {
		print_tape(at);
		fail_msg("left behind: %u sessions, %u timers, %u blocks", rln_session_manager_in_use(w->sessions),
			(unsigned)rln_wheel_armed(w->wheel), (unsigned)rln_blocks_in_use());
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		assert_true(w->dialogs[i].id == 0 && w->legs[i] == 0);
}

/* ---- the search ---- */

static uint64_t *seen;
static uint32_t seen_room;

static bool is_new(uint64_t hash)
{
	uint32_t at;

	hash |= hash == 0;
	at = (uint32_t)(hash >> 17) & (seen_room - 1);
	while (seen[at] && seen[at] != hash)
		at = (at + 1) & (seen_room - 1);
	if (seen[at])
		return false;
	seen[at] = hash;
	return true;
}

static void add_node(uint32_t before, unsigned choice, uint32_t limit)
{
	if (nodes_n < limit)
		nodes[nodes_n] = (struct node){before, (uint16_t)(nodes_n ? nodes[before].depth + 1 : 0), (uint8_t)choice};
	nodes_n += nodes_n < limit;
}

/* Bit per state that a call was in. */
static uint32_t explore(const struct part *p, uint32_t limit, bool must_close)
{
	uint32_t visited = 0;
	uint64_t steps = 0;

	part = p;
	nodes_n = 0;
	for (seen_room = 1024; seen_room < 2 * limit;)
		seen_room *= 2;
	nodes = calloc(limit, sizeof(*nodes));
	seen = calloc(seen_room, sizeof(*seen));
	assert_true(nodes && seen);
	add_node(0, 0, limit);
	for (uint32_t head = 0; head < nodes_n; head++) {
		int n;

		check_from(head, false);
		check_from(head, true);
		play(head);
		n = choose(-1);
		assert_true(n < 256);
		for (unsigned i = 0; i < SIDES; i++)
			visited |= call_of(&side[i]) ? 1u << call_of(&side[i])->state : 0;
		for (int c = 0; c < n; c++, steps++) {
			if (c)
				play(head);
			choose(c);
			if (is_new(hash_world()))
				add_node(head, (unsigned)c, limit);
		}
	}
	print_message("%s: %u states, %llu transitions, up to %u steps%s\n", p->name, nodes_n, (unsigned long long)steps,
		nodes[nodes_n - 1].depth, nodes_n == limit ? " (the bound)" : ": all there are");
	if (must_close && nodes_n == limit)
		fail_msg("%s is not closed", p->name);
	states_n += nodes_n;
	steps_n += steps;
	clear();
	free(nodes);
	free(seen);
	return visited;
}

#define CALLEE (ON(ACCEPT) | ON(REJECT))
#define OFFERS (ON(HOLD) | ON(RESUME))
#define ANY    .losses = UNBOUNDED, .swaps = UNBOUNDED

static const struct part parts[] = {
	{"set-up: refusal, cancel, hangup", {ON(HANGUP), CALLEE | ON(HANGUP)}, .is_late = true, .times = UNBOUNDED, ANY},
	{"set-up: the callee's worker has no port", {ON(HANGUP), CALLEE | ON(HANGUP)}, .is_late = true, .no_leg = true,
		.times = UNBOUNDED, ANY},
	{"hold and resume, both sides, as often as they like", {OFFERS, OFFERS}, .is_up = true, .times = UNBOUNDED},
	{"hold and resume, both sides", {OFFERS, OFFERS}, .is_up = true, .times = 1, ANY},
	{"hold, resume and hangup", {OFFERS | ON(HANGUP), ON(HANGUP)}, .is_up = true, .times = 1, ANY},
	{"a session refresh and a hold", {ON(UPDATE) | ON(REFRESH), ON(HOLD)}, .is_up = true, .times = 1, .losses = 1},
	{"two refreshes and a hold", {ON(REFRESH), ON(HOLD) | ON(REFRESH)}, .is_up = true, .times = 1, .losses = 1, .swaps = 1},
	{"UPDATE and re-INVITE", {ON(OFFER) | ON(HOLD), ON(HOLD) | ON(PLAIN_REFRESH)}, .is_up = true, .times = 1, .losses = 1},
	{"early media through a bridge, PRACK, UPDATE", {0, ON(ACCEPT) | ON(CALL) | ON(BRIDGE) | ON(OFFER)}, .is_reliable = true,
		.times = 1, .losses = 1},
	{"early media through a bridge, and parted", {ON(HANGUP), ON(ACCEPT) | ON(CALL) | ON(BRIDGE) | ON(UNBRIDGE)}, .times = 1},
	{"media lost and found", {ON(FLOW) | ON(NO_RTP) | ON(FAULT) | ON(HANGUP), ON(FLOW) | ON(NO_RTP)}, .is_up = true,
		.times = 1, .losses = 1},
	{"media lost, a full disk, a hold", {ON(FLOW) | ON(NO_RTP) | ON(FULL_DISK), ON(HOLD)}, .is_up = true, .is_late = true,
		.times = 1},
	{"quality, and a hold", {ON(LOSS) | ON(MILD_LOSS) | ON(HOLD), ON(HOLD)}, .is_up = true, .times = 1, .losses = 1},
	{"quality on both sides", {ON(LOSS), ON(LOSS)}, .is_up = true, .is_late = true, .times = 1},
	{"blind transfer", {ON(BLIND), ON(HANGUP)}, .is_up = true, .may_transfer = true, .times = 1, ANY},
	{"blind transfer both ways, and a hold", {ON(BLIND) | ON(HOLD), ON(HANGUP)}, .is_up = true, .may_transfer = true,
		.times = 1},
	{"blind transfer, declined", {ON(BLIND) | ON(HANGUP), ON(BLIND) | ON(HANGUP)}, .is_up = true, .times = 1, ANY},
	{"consultation", {ON(CONSULT) | ON(COMPLETE), 0}, .is_up = true, .times = UNBOUNDED, .losses = 1},
	{"consultation, hangups", {ON(CONSULT) | ON(COMPLETE) | ON(HANGUP), ON(HANGUP)}, .is_up = true, .times = 1},
	{"bridge and unbridge", {ON(HANGUP), ON(CALL) | ON(BRIDGE) | ON(UNBRIDGE)}, .is_up = true, .times = 1, .losses = 1},
	{"bridge, a hold passes", {ON(HOLD), ON(CALL) | ON(BRIDGE)}, .is_up = true, .times = 1, .losses = 1},
	{"bridge, media lost", {0, ON(CALL) | ON(BRIDGE) | ON(FLOW) | ON(NO_RTP)}, .is_up = true, .times = 1, .losses = 1},
};

/* Not closed: a sample of the whole but for the third call, for long runs. */
#define THIRD_CALL (ON(CONSULT) | ON(COMPLETE) | ON(CALL) | ON(BRIDGE) | ON(UNBRIDGE))

static const struct part whole = {"the whole", {~THIRD_CALL, ~THIRD_CALL}, .is_late = true, .is_reliable = true, .times = 1, ANY};

static void every_path_ends_well(void **state)
{
	const char *only = getenv("RLN_PART"), *states = getenv("RLN_EXPLORE");
	uint32_t visited = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!only || (unsigned)atoi(only) == i)
			visited |= explore(&parts[i], STATES_MAX, true);
	}
	if (!only)
		assert_int_equal(visited | 1u << RLN_STATE_IDLE, rln_table()->in_use); /* they went everywhere */
	if (states)
		explore(&whole, (uint32_t)atoi(states), false);
	print_message("in all %u states, %llu transitions\n", states_n, (unsigned long long)steps_n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_path_ends_well, setup, teardown),
	};

	return cmocka_run_group_tests_name("session_explore", tests, NULL, NULL);
}
