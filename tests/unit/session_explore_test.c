/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two machines, a caller and a callee, joined by a channel that loses and reorders: every order of messages, commands, worker reports and timeouts up to a bound
 * is tried, breadth first. A path is a tape of choices; the world cannot be copied, so each path is played from its beginning, and a state that an earlier path
 * reached is not gone on from. The machines, their table, actions and guards are the product's; the dialogs are a model of what sip/dialog.h promises.
 *
 * In each state that is reached, three things are asked: does time alone, with everything on the way lost, bring both calls to a state in which a call may rest;
 * does everything that is on the way, delivered in order, do so too; and does a hangup on both sides then end both, tell each end once (session_world.h counts),
 * and leave nothing behind (slots, maps, timers, blocks)?
 *
 * RLN_EXPLORE=n in the environment: that many states in place of the default.
 */
#include "session_explore_dialogs.h"

#define TAPE_MAX 40
#define STATES   40000u /* of the test run: five seconds */

enum command { C_HANGUP, C_ACCEPT, C_REJECT, C_HOLD, C_RESUME, COMMANDS };
static const enum rln_event_kind kind_of[COMMANDS] = {
	RLN_EV_HANGUP_CALL, RLN_EV_ACCEPT_CALL, RLN_EV_REJECT_CALL, RLN_EV_HOLD_CALL, RLN_EV_RESUME_CALL};

static uint8_t used[2]; /* bit per command */
static unsigned losses, swaps;

/* ---- what may happen ---- */

static struct letter take(struct side *s, unsigned at)
{
	struct letter l = s->mail[at];

	memmove(&s->mail[at], &s->mail[at + 1], (--s->mail_n - at) * sizeof(l));
	return l;
}

/* Transactions that hear nothing more; false when none waits. */
static bool give_up(struct side *s)
{
	if (s->invite == REINVITING) {
		s->invite = NONE;
		if (is_live(s)) {
			s->d->invite_open = false;
			dialog_says(s->d, RLN_CALL_TIMED_OUT, 408, NULL);
		}
	} else if (s->invite == CALLING || s->invite == CANCEL_WAITS || s->invite == CANCELLED) {
		on_refused(s, 408);
	} else if (s->ack) {
		s->ack = 0;
		if (is_live(s)) {
			s->d->ack_pending = false;
			dialog_says(s->d, RLN_CALL_ACK_MISSING, 408, NULL);
			if (s->bye_waits)
				send_bye(s);
		}
	} else if (s->bye_out) {
		bye_ended(s, RLN_END_TIMEOUT, 408);
	} else {
		return false;
	}
	return true;
}

/* The session's own events and the dialogs' at once; a worker's reports may be late. */
static void settle(void)
{
	while (pump_one(FROM_SELF) || pump_one(FROM_DIALOG))
		;
	for (unsigned i = 0; i < 2; i++) {
		if (side[i].d && side[i].session.v && !session_of(side[i].session))
			side[i].d = NULL; /* given back */
	}
}

static bool may_command(unsigned i, enum command c)
{
	return side[i].session.v && session_of(side[i].session) && !(used[i] & 1u << c) &&
	       !(i == 0 && (c == C_ACCEPT || c == C_REJECT)) && __builtin_popcount(used[0]) + __builtin_popcount(used[1]) < 4;
}

/* Counts the choices of this state (want < 0), or makes one of them. */
static int choose(int want)
{
	int n = 0;

#define CHOICE(condition, ...)                                                                                                   \
	do {                                                                                                                     \
		if ((condition) && n++ == want) {                                                                                \
			__VA_ARGS__;                                                                                             \
			settle();                                                                                                \
			return n;                                                                                                \
		}                                                                                                                \
	} while (0)
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &side[i];
		struct letter l;

		CHOICE(s->mail_n > 0, l = take(s, 0), receive(s, &l));
		CHOICE(s->mail_n > 1 && swaps < 1, swaps++, l = take(s, 1), receive(s, &l));
		CHOICE(s->mail_n > 0 && losses < 1, losses++, take(s, 0));
		CHOICE(s->mail_n == 0 && peer_of(s)->mail_n == 0 &&
				(s->invite == REINVITING || s->ack || s->bye_out || s->invite == CALLING),
			give_up(s));
		for (enum command c = 0; c < COMMANDS; c++)
			CHOICE(may_command(i, c), used[i] |= (uint8_t)(1u << c), command(s->session, kind_of[c], 486));
	}
	CHOICE(w->queue[FROM_MEDIA].head != w->queue[FROM_MEDIA].tail, pump_one(FROM_MEDIA));
	CHOICE(rln_wheel_armed(w->wheel) > 0 && side[0].mail_n + side[1].mail_n == 0, w->now += 61 * RLN_SEC,
		rln_wheel_advance(w->wheel, w->now, 64));
#undef CHOICE
	return n;
}

static void begin(void)
{
	memset(side, 0, sizeof(side));
	memset(used, 0, sizeof(used));
	losses = swaps = 0;
	w->wire = ordered;
	w->quiet_dialog = true;
	side[0].session = call_new(0);
	settle();
}

/* ---- what a state is ---- */

static uint64_t mixed(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static uint64_t hash_side(uint64_t h, const struct side *s)
{
	const struct rln_session *c = s->session.v ? session_of(s->session) : NULL;

	h = mixed(h, (uint64_t)s->invite | (uint64_t)s->asked << 8 | (uint64_t)s->offered << 9 | (uint64_t)s->ack << 10 |
			     (uint64_t)s->bye_waits << 12 | (uint64_t)s->bye_out << 13 | (uint64_t)(s->d != NULL) << 14 |
			     (uint64_t)(s->session.v != 0) << 15);
	if (c)
		h = mixed(h, (uint64_t)c->state | (uint64_t)c->saved << 8 | (uint64_t)c->dialog_hold << 16 |
				     (uint64_t)c->leg_hold << 20 | (uint64_t)c->is_offering << 24 | (uint64_t)c->wanted << 25 |
				     (uint64_t)c->asked << 27 | (uint64_t)c->params.direction << 29 |
				     (uint64_t)(c->offer_sdp.len != 0) << 31 | (uint64_t)c->reason << 32 |
				     (uint64_t)(c->deferred != NULL) << 40 | (uint64_t)c->said << 41);
	if (s->d)
		h = mixed(h, (uint64_t)s->d->state | (uint64_t)s->d->ended << 4 | (uint64_t)s->d->invite_open << 5 |
				     (uint64_t)s->d->cancelled << 6);
	for (unsigned i = 0; i < s->mail_n; i++)
		h = mixed(h, (uint64_t)s->mail[i].message << 16 | s->mail[i].code |
				     (uint64_t)(strstr(s->mail[i].sdp, "a=") != NULL) << 32);
	return h;
}

static uint64_t hash_world(void)
{
	const struct queue *q = &w->queue[FROM_MEDIA];
	uint64_t h = mixed(
		used[0] | (uint64_t)used[1] << 8 | (uint64_t)losses << 16 | (uint64_t)swaps << 20, rln_wheel_armed(w->wheel));

	for (unsigned i = q->head; i != q->tail; i++)
		h = mixed(h, q->ev[i % QUEUE_MAX].kind);
	return hash_side(hash_side(h, &side[0]), &side[1]);
}

/* ---- what must hold ---- */

struct tape {
	uint8_t length, choice[TAPE_MAX];
};

static void print_tape(const struct tape *t)
{
	print_message("tape:");
	for (unsigned i = 0; i < t->length; i++)
		print_message(" %u", t->choice[i]);
	print_message("\n");
}

static void play(const struct tape *t)
{
	begin();
	for (unsigned i = 0; i < t->length; i++)
		choose(t->choice[i]);
}

static bool may_rest(struct rln_session_id id)
{
	enum rln_call_state state = id.v ? state_of(id) : RLN_STATE_COUNT;

	return state == RLN_STATE_COUNT || state == RLN_STATE_ACTIVE || state == RLN_STATE_ON_HOLD;
}

static void wait_for(uint64_t ns)
{
	w->now += ns;
	rln_wheel_advance(w->wheel, w->now, 64);
	settle();
	pump();
	settle();
}

/* The random times of two sides that met (14.1) differ: small steps first, so that one is earlier; then whatever timer is left. */
static void let_time_pass(void)
{
	for (unsigned i = 0; i < 420 && rln_wheel_armed(w->wheel) && side[0].mail_n + side[1].mail_n == 0; i++)
		wait_for(10 * RLN_MS);
	if (side[0].mail_n + side[1].mail_n == 0)
		wait_for(200 * RLN_SEC);
}

/* Everything that is under way comes to its end, by mail or by silence. */
static void come_to_rest(bool mail_arrives)
{
	unsigned still = 0; /* rounds in which nothing happened */

	for (unsigned round = 0; round < 60 && still < 2; round++) {
		bool moved = false;

		for (unsigned i = 0; i < 2; i++) {
			while (side[i].mail_n > 0) {
				struct letter l = take(&side[i], 0);

				if (mail_arrives)
					receive(&side[i], &l);
				settle();
				pump();
				moved = true;
			}
		}
		for (unsigned i = 0; i < 2 && !moved; i++)
			moved = give_up(&side[i]);
		settle();
		pump();
		settle();
		still = moved || rln_wheel_armed(w->wheel) ? 0 : still + 1;
		if (!moved)
			let_time_pass();
	}
}

static void check_from_here(const struct tape *t, bool mail_arrives)
{
	come_to_rest(mail_arrives);
	for (unsigned i = 0; i < 2; i++) {
		if (may_rest(side[i].session))
			continue;
		print_tape(t);
		fail_msg("the %s stays in %s", i ? "callee" : "caller", rln_call_state_name(state_of(side[i].session)));
	}
	for (unsigned i = 0; i < 2; i++) {
		if (side[i].session.v && session_of(side[i].session))
			command(side[i].session, RLN_EV_HANGUP_CALL, 0);
		settle();
	}
	come_to_rest(mail_arrives);
	if (rln_session_manager_in_use(w->sessions) || rln_wheel_armed(w->wheel) || rln_blocks_in_use()) {
		print_tape(t);
		fail_msg("left behind: %u sessions, %u timers, %u blocks", rln_session_manager_in_use(w->sessions),
			(unsigned)rln_wheel_armed(w->wheel), (unsigned)rln_blocks_in_use());
	}
	assert_int_equal(side[0].byes, side[0].byes_answered);
	for (unsigned i = 0; i < SESSIONS; i++)
		assert_int_equal(w->dialogs[i].id, 0);
}

/* ---- the search ---- */

static uint64_t *seen;
static uint32_t seen_room;

static bool is_new(uint64_t hash)
{
	uint32_t at = (uint32_t)hash & (seen_room - 1);

	hash |= hash == 0;
	while (seen[at] && seen[at] != hash)
		at = (at + 1) & (seen_room - 1);
	if (seen[at])
		return false;
	seen[at] = hash;
	return true;
}

static void every_path_ends_well(void **state)
{
	unsigned limit = getenv("RLN_EXPLORE") ? (unsigned)atoi(getenv("RLN_EXPLORE")) : STATES;
	struct tape *queue = calloc(limit + 1, sizeof(*queue));
	unsigned head = 0, tail = 1, deepest = 0;
	uint32_t visited = 0;

	(void)state;
	seen_room = 1u << 22;
	seen = calloc(seen_room, sizeof(*seen));
	assert_non_null(queue);
	assert_non_null(seen);
	while (head < tail) {
		struct tape t = queue[head++];
		int n;

		forget();
		play(&t);
		n = choose(-1);
		for (unsigned i = 0; i < 2; i++)
			visited |= side[i].session.v && session_of(side[i].session) ? 1u << state_of(side[i].session) : 0;
		check_from_here(&t, false);
		play(&t);
		check_from_here(&t, true);
		deepest = t.length;
		for (int c = 0; c < n && t.length < TAPE_MAX; c++) {
			struct tape next = t;
			uint64_t hash;

			next.choice[next.length++] = (uint8_t)c;
			play(&next);
			hash = hash_world();
			if (is_new(hash) && tail < limit)
				queue[tail++] = next;
			check_from_here(&next, true);
		}
	}
	print_message(
		"%u states, paths of up to %u steps%s\n", tail, deepest, tail == limit ? " (the bound)" : ": all there are");
	for (enum rln_call_state s = RLN_STATE_CALLING; s <= RLN_STATE_RESUME_PENDING; s++)
		assert_true(s == RLN_STATE_EARLY_MEDIA || visited & 1u << s);
	free(queue);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_path_ends_well, setup, teardown),
	};

	return cmocka_run_group_tests_name("session_explore", tests, NULL, NULL);
}
