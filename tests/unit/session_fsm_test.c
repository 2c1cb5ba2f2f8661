/* SPDX-License-Identifier: BSD-3-Clause */
/* The state table and its interpreter: the table is whole and broken ones are refused, every cell does what one of its rows says. */
#include "session_world.h"

#define CELL_MAX 32

/* ---- validation ---- */

static struct rln_row copy[512];

/* The real table with room to break it. */
static struct rln_table table_copy(void)
{
	struct rln_table t = *rln_table();

	assert_true(t.rows_n + 2 < 512);
	memcpy(copy, t.rows, t.rows_n * sizeof(copy[0]));
	t.rows = copy;
	return t;
}

static void assert_refused(const struct rln_table *t, const char *because)
{
	char why[200] = "";

	assert_int_equal(rln_table_check(t, why, sizeof(why)), -EINVAL);
	if (!strstr(why, because))
		fail_msg("refused for \"%s\", expected \"%s\"", why, because);
}

static struct rln_row *row_of(enum rln_call_state state, enum rln_column column, enum rln_call_role role, unsigned n)
{
	const struct rln_row *rows[CELL_MAX];
	size_t have = rln_table_cell(rln_table(), state, column, role, rows, CELL_MAX);

	assert_true(n < have);
	return &copy[rows[n] - rln_table()->rows];
}

static void the_table_is_whole(void **state)
{
	char why[200] = "";

	(void)state;
	if (rln_table_check(rln_table(), why, sizeof(why)) != 0)
		fail_msg("%s", why);
}

static void a_doubled_row_is_refused(void **state)
{
	struct rln_table t = table_copy();

	(void)state;
	copy[t.rows_n] = *row_of(RLN_STATE_ACTIVE, RLN_COL_HANGUP_CALL, RLN_ROLE_UAC, 0);
	t.rows_n++;
	assert_refused(&t, "never reached");
	t = table_copy();
	row_of(RLN_STATE_CALLING, RLN_COL_CALL_ESTABLISHED, RLN_ROLE_UAC, 1)->guard = RLN_GUARD_LATE_OFFER_USABLE;
	assert_refused(&t, "doubles the guard");
}

static void a_missing_cell_is_refused(void **state)
{
	struct rln_table t = table_copy();

	(void)state;
	row_of(RLN_STATE_TERMINATING, RLN_COL_CALL_TERMINATED, RLN_ROLE_UAS, 0)->roles = 1u << RLN_ROLE_UAC;
	assert_refused(&t, "no row");
	t = table_copy();
	row_of(RLN_STATE_PROCEEDING, RLN_COL_ACCEPT_CALL, RLN_ROLE_UAS, 4)->guard = RLN_GUARD_ANSWERED;
	assert_refused(&t, "no row without guard");
}

static void undeclared_states_are_refused(void **state)
{
	struct rln_table t = table_copy();

	(void)state;
	copy[0].states = 1u << RLN_STATE_COUNT;
	assert_refused(&t, "not declared");
	t = table_copy();
	t.in_use &= ~(1u << RLN_STATE_ON_HOLD);
	assert_refused(&t, "not in use");
	t = table_copy();
	row_of(RLN_STATE_NEGOTIATING, RLN_COL_MEDIA_STREAM_STARTED, RLN_ROLE_UAC, 0)->next = RLN_STATE_PROCEEDING;
	assert_refused(&t, "other role");
}

static void broken_words_are_refused(void **state)
{
	static const uint8_t no_column[] = {0}, bad_action[] = {RLN_ACT_COUNT, 0}, long_list[] = {1, 1, 1, 1, 1, 1, 1, 0};
	struct rln_table t = table_copy();

	(void)state;
	copy[0].columns = no_column;
	assert_refused(&t, "no such event");
	t = table_copy();
	copy[0].actions = bad_action;
	assert_refused(&t, "no such action");
	t = table_copy();
	copy[0].actions = long_list;
	assert_refused(&t, "too many");
	t = table_copy();
	copy[0].guard = RLN_GUARD_COUNT;
	assert_refused(&t, "no such guard");
	t = table_copy();
	copy[0].why = "";
	assert_refused(&t, "no reason");
	t = table_copy();
	row_of(RLN_STATE_CALLING, RLN_COL_ACCEPT_CALL, RLN_ROLE_UAC, 0)->code = 0;
	assert_refused(&t, "without code");
	t = table_copy();
	copy[0].kind = 9;
	assert_refused(&t, "kind of row");
}

/* Every way into a state is bent away from it. */
static void bend(struct rln_table *t, enum rln_call_state from, enum rln_call_state to)
{
	for (size_t i = 0; i < t->rows_n; i++) {
		if (copy[i].next == from)
			copy[i].next = (uint8_t)to;
	}
}

static void unreachable_and_dead_states_are_refused(void **state)
{
	struct rln_table t = table_copy();

	(void)state;
	bend(&t, RLN_STATE_RECOVERING, RLN_STATE_TERMINATING);
	assert_refused(&t, "RECOVERING is never reached");
	t = table_copy();
	row_of(RLN_STATE_FAILED, RLN_COL_MEDIA_STREAM_STOPPED, RLN_ROLE_UAC, 0)->next = RLN_STATE_TERMINATING;
	assert_refused(&t, "has an exit");
}

static void states_without_an_end_are_refused(void **state)
{
	static const struct {
		enum rln_call_state state;
		enum rln_column column;
		const char *why;
	} ends[] = {
		{RLN_STATE_TERMINATING, RLN_COL_CALL_TERMINATED, "BYE"},
		{RLN_STATE_CANCEL_PENDING, RLN_COL_CALL_TERMINATED, "BYE"},
		{RLN_STATE_ACTIVE, RLN_COL_HANGUP_CALL, "hangup"},
		{RLN_STATE_NEGOTIATING, RLN_COL_TIMED_OUT, "timeout"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct rln_table t = table_copy();
		struct rln_row *row = row_of(ends[i].state, ends[i].column, RLN_ROLE_UAC, 0);

		row->kind = RLN_ROW_IGNORE;
		row->next = RLN_NEXT_SAME;
		assert_refused(&t, ends[i].why);
	}
}

static void the_machine_refuses_a_broken_table(void **state)
{
	struct rln_table t = table_copy();
	struct rln_machine *m = NULL;

	(void)state;
	t.rows_n--; /* the last row refuses commands after the end */
	assert_int_equal(rln_machine_create(&m, &t, w->sessions, &w->layers), -EINVAL);
	assert_null(m);
	for (unsigned n = 1; n <= 2; n++) {
		rln_heap_fail_nth(n);
		assert_int_equal(rln_machine_create(&m, rln_table(), w->sessions, &w->layers), -ENOMEM);
		assert_int_equal(rln_heap_fail_nth(0), 1);
	}
}

/* ---- words ---- */

static void every_word_has_a_body_and_a_name(void **state)
{
	(void)state;
	for (unsigned i = 1; i < RLN_ACT_COUNT; i++) {
		assert_non_null(rln_action_bodies[i]);
		assert_string_not_equal(rln_action_name(i), "?");
	}
	for (unsigned i = 1; i < RLN_GUARD_COUNT; i++) {
		assert_non_null(rln_guard_bodies[i]);
		assert_string_not_equal(rln_guard_name(i), "?");
	}
	for (unsigned i = 1; i < RLN_PUB_COUNT; i++)
		assert_non_null(rln_publication_bodies[i]);
	for (unsigned i = 1; i < RLN_COL_COUNT; i++)
		assert_string_not_equal(rln_column_name((enum rln_column)i), "?");
	assert_string_equal(rln_action_name(RLN_ACT_COUNT), "?");
	assert_string_equal(rln_guard_name(RLN_GUARD_COUNT), "?");
	assert_string_equal(rln_column_name(RLN_COL_COUNT), "?");
}

/* A word that no row uses would be dead code. */
static void every_word_is_used(void **state)
{
	bool actions[RLN_ACT_COUNT] = {false}, guards[RLN_GUARD_COUNT] = {false}, publications[RLN_PUB_COUNT] = {false};
	const struct rln_table *t = rln_table();

	(void)state;
	for (size_t i = 0; i < t->rows_n; i++) {
		guards[t->rows[i].guard] = true;
		for (const uint8_t *a = t->rows[i].actions; *a; a++)
			actions[*a] = true;
		for (const uint8_t *p = t->rows[i].publish; *p; p++)
			publications[*p] = true;
	}
	for (unsigned i = 1; i < RLN_ACT_COUNT; i++) {
		if (!actions[i])
			fail_msg("no row uses the action %s", rln_action_name(i));
	}
	for (unsigned i = 1; i < RLN_GUARD_COUNT; i++) {
		if (!guards[i])
			fail_msg("no row uses the guard %s", rln_guard_name(i));
	}
	for (unsigned i = 1; i < RLN_PUB_COUNT; i++)
		assert_true(publications[i]);
}

static void columns_cover_every_kind(void **state)
{
	(void)state;
	for (unsigned k = 1; k < RLN_EV_COUNT; k++) {
		struct rln_event ev = {.kind = (uint16_t)k};
		uint8_t c = rln_event_info((enum rln_event_kind)k)->category;

		if (c == RLN_CAT_A2S || c == RLN_CAT_D2S || c == RLN_CAT_M2S)
			assert_int_not_equal(rln_column_of(&ev), RLN_COL_NONE);
		else if (c != RLN_CAT_S2A)
			assert_int_equal(rln_column_of(&ev), RLN_COL_NONE);
	}
	for (unsigned v = 0; v < RLN_CALL_PROGRESS_COUNT; v++) {
		struct rln_event ev = {.kind = RLN_EV_CALL_STATE_CHANGED, .call_state_changed = {.new_state = (uint8_t)v}};

		assert_int_not_equal(rln_column_of(&ev), RLN_COL_CALL_STATE_CHANGED);
		ev.call_state_changed.new_state = RLN_CALL_PROGRESS_COUNT;
		assert_int_equal(rln_column_of(&ev), RLN_COL_CALL_STATE_CHANGED);
	}
}

/* ---- every cell ---- */

/* An event for a column, with nothing but zeros in it. */
static struct rln_event event_for(enum rln_column column)
{
	struct rln_event ev = {0};

	for (unsigned k = 1; k < RLN_EV_COUNT; k++) {
		ev = (struct rln_event){.kind = (uint16_t)k};
		if (k == RLN_EV_CALL_STATE_CHANGED)
			ev.call_state_changed.new_state = 255;
		if (rln_column_of(&ev) == column)
			return ev;
	}
	for (unsigned v = 0; v < RLN_CALL_PROGRESS_COUNT; v++) {
		ev = (struct rln_event){.kind = RLN_EV_CALL_STATE_CHANGED, .call_state_changed = {.new_state = (uint8_t)v}};
		if (rln_column_of(&ev) == column)
			return ev;
	}
	fail();
	return ev;
}

/* A session put into a state by hand, with a dialog and a running leg. */
static struct rln_session *stand_in(enum rln_call_state state, enum rln_call_role role)
{
	struct rln_session *s = session_new(role);
	struct fake_dialog *d = dialog_new(role == RLN_ROLE_UAS);

	s->state = (uint8_t)state;
	s->saved = RLN_STATE_ACTIVE;
	s->dialog.v = d->id;
	s->dialog_hold = RLN_HOLD_RUNNING;
	d->state = RLN_DIALOG_EARLY;
	rln_registry_map_dialog(w->registry, s->id, s->dialog);
	s->media.v = w->legs[0] = rln_id_make(RLN_ID_MEDIA, 0, 0, ++w->leg_generation);
	s->leg_hold = RLN_HOLD_RUNNING;
	rln_registry_map_media(w->registry, s->id, s->media);
	return s;
}

static void drop(struct rln_session_id id)
{
	struct rln_session *s = session_of(id);

	w->ends[rln_id_slot(id.v)] = 1;
	memset(w->legs, 0, sizeof(w->legs));
	if (s)
		rln_cleanup_session(&w->layers, s);
	for (unsigned i = 0; i < SESSIONS; i++)
		w->dialogs[i].id = 0; /* an action may have made one more */
	w->ends[rln_id_slot(id.v)] = 0;
	for (unsigned q = 0; q < SOURCES; q++) {
		while (w->queue[q].head != w->queue[q].tail)
			rln_block_release(rln_event_block(&w->queue[q].ev[w->queue[q].head++ % QUEUE_MAX]));
	}
}

static void walk_cell(enum rln_call_state state, enum rln_column column, enum rln_call_role role)
{
	const struct rln_row *rows[CELL_MAX];
	size_t n = rln_table_cell(rln_table(), state, column, role, rows, CELL_MAX);
	struct rln_session_id id = stand_in(state, role)->id;
	struct rln_event ev = event_for(column);
	uint32_t allowed = 0;

	forget();
	for (size_t i = 0; i < n; i++) {
		uint8_t next = rows[i]->kind == RLN_ROW_GO ? rows[i]->next : (uint8_t)RLN_NEXT_SAME;

		allowed |= 1u << (next == RLN_NEXT_SAME ? state : next == RLN_NEXT_RETURN ? (unsigned)RLN_STATE_ACTIVE : next);
	}
	rln_machine_process_event(w->machine, id, &ev);
	if (!(allowed & 1u << state_of(id)))
		fail_msg("%s in %s leads to %s, which no row says", rln_column_name(column), rln_call_state_name(state),
			rln_call_state_name(state_of(id)));
	assert_int_equal(told(RLN_EV_STATE_CHANGED), state_of(id) != state);
	drop(id);
}

static void every_cell_is_walked(void **state)
{
	unsigned cells = 0;

	(void)state;
	for (unsigned r = 0; r < RLN_ROLE_COUNT; r++) {
		for (unsigned s = 0; s < RLN_STATE_COUNT; s++) {
			if (!(rln_table()->roles[r] & 1u << s))
				continue;
			for (unsigned c = RLN_COL_NONE + 1; c < RLN_COL_COUNT; c++, cells++)
				walk_cell((enum rln_call_state)s, (enum rln_column)c, (enum rln_call_role)r);
		}
	}
	assert_int_equal(cells, (18 + 16) * (RLN_COL_COUNT - 1)); /* a caller never is in PROCEEDING, a callee never calls */
}

/* ---- cells that refuse or ignore: their whole effect ---- */

enum scene { PLAIN, OFFERING, EXCHANGED, USELESS, OWED, SCENES }; /* what the guards before such a row look at */

static bool met[sizeof(copy) / sizeof(copy[0])]; /* rows whose effect was seen */

/* Which row has its turn; guards read and never write. */
static const struct rln_row *chosen(const struct rln_row *rows[], size_t n, const struct rln_step *st)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i]->guard == 0 || rln_guard_bodies[rows[i]->guard](st))
			return rows[i];
	}
	return NULL;
}

static struct rln_event event_in(enum scene scene, enum rln_column column)
{
	struct rln_event ev = event_for(column);
	struct rln_slice at;

	if ((scene == USELESS || scene == OWED) && column == RLN_COL_REINVITE_RECEIVED) {
		ev = event_text(0, RLN_EV_REINVITE_RECEIVED, SDP_USELESS, &at);
		ev.reinvite_received.sdp = at;
	}
	if (scene == OFFERING && column == RLN_COL_TIMER_FIRED)
		ev.timer_fired.timer = RLN_TIMER_TRANSFER;
	return ev;
}

static struct fake_dialog *set(enum scene scene, struct rln_session *s)
{
	struct fake_dialog *d = dialog_of(s->dialog.v);

	d->theirs_open = d->refer_open = true;
	s->is_offering = scene == OFFERING;
	d->answered = scene == EXCHANGED || scene == USELESS;
	d->answer_owed = scene == OWED;
	s->asker = scene == EXCHANGED ? s->id.v : 0;
	return d;
}

/* A request of the peer gets the row's code, a command its errno; nothing else is said. */
static void assert_refused_with(const struct rln_row *row, enum rln_column column, uint16_t kind, const struct fake_dialog *d)
{
	const struct rln_event *told_to = last(RLN_EV_COMMAND_REJECTED);

	if (column == RLN_COL_REINVITE_RECEIVED) {
		assert_int_equal(d->last_offer_response, row->code);
		assert_string_equal(d->last_sdp, "");
		assert_int_equal(strncmp(d->last_extra, "Retry-After: ", 13) == 0, row->code == 500);
	} else if (column == RLN_COL_TRANSFER_REQUESTED) {
		assert_int_equal(d->last_refer_response, row->code);
	} else {
		assert_int_equal(w->out_n, 1);
		assert_non_null(told_to);
		assert_int_equal(told_to->command_rejected.kind, kind);
		assert_int_equal(told_to->command_rejected.error, row->code);
		return;
	}
	assert_int_equal(w->out_n, 0);
}

static void look_at(enum scene scene, enum rln_call_state state, enum rln_column column, enum rln_call_role role)
{
	const struct rln_row *rows[CELL_MAX], *row;
	size_t n = rln_table_cell(rln_table(), state, column, role, rows, CELL_MAX);
	uint64_t ignored = rln_count_total(RLN_C_EVENT_IGNORED), rejected = rln_count_total(RLN_C_EVENT_REJECTED);
	struct rln_session *s = stand_in(state, role);
	struct rln_event ev = event_in(scene, column);
	struct rln_step st = {.layers = &w->layers, .s = s, .ev = &ev};
	struct fake_dialog *d = set(scene, s);
	bool refuses, ignores;

	forget();
	w->responses = w->abandoned = 0;
	row = chosen(rows, n, &st);
	assert_non_null(row);
	refuses = row->kind == RLN_ROW_REJECT;
	ignores = row->kind == RLN_ROW_IGNORE;
	if (refuses || ignores) {
		rln_machine_process_event(w->machine, s->id, &ev);
		assert_int_equal(state_of(s->id), state);
		assert_int_equal(rln_count_total(RLN_C_EVENT_REJECTED), rejected + refuses);
		assert_int_equal(rln_count_total(RLN_C_EVENT_IGNORED), ignored + ignores);
		assert_int_equal(w->responses, refuses && column == RLN_COL_REINVITE_RECEIVED);
		assert_int_equal(w->abandoned, refuses && column == RLN_COL_START_CONSULT);
		if (refuses)
			assert_refused_with(row, column, ev.kind, d);
		else
			assert_int_equal(w->out_n, 0);
		met[row - rln_table()->rows] = true;
	}
	rln_block_release(rln_event_block(&ev));
	drop(s->id);
}

static void every_refusal_is_told_and_every_ignored_event_counted(void **state)
{
	const struct rln_table *t = rln_table();

	(void)state;
	for (unsigned r = 0; r < RLN_ROLE_COUNT; r++) {
		for (unsigned s = 0; s < RLN_STATE_COUNT * SCENES; s++) {
			if (!(t->roles[r] & 1u << s / SCENES))
				continue;
			for (unsigned c = RLN_COL_NONE + 1; c < RLN_COL_COUNT; c++)
				look_at((enum scene)(s % SCENES), (enum rln_call_state)(s / SCENES), (enum rln_column)c,
					(enum rln_call_role)r);
		}
	}
	for (size_t i = 0; i < t->rows_n; i++) {
		bool is_other = t->rows[i].kind != RLN_ROW_REJECT && t->rows[i].kind != RLN_ROW_IGNORE;

		if (!is_other && !met[i] && t->rows[i].code != EXDEV) /* two workers: session_joined_test.c */
			fail_msg("fsm.def:%u was not looked at: %s", t->rows[i].line, t->rows[i].why);
	}
}

static void events_of_ended_sessions_are_counted(void **state)
{
	struct rln_event ev = {.kind = RLN_EV_HANGUP_CALL};
	uint64_t before = rln_count_total(RLN_C_EVENT_ENDED_SESSION);

	(void)state;
	rln_machine_process_event(w->machine, (struct rln_session_id){rln_id_make(RLN_ID_SESSION, 0, 3, 99)}, &ev);
	rln_machine_process_event(w->machine, (struct rln_session_id){0}, &ev);
	assert_int_equal(rln_count_total(RLN_C_EVENT_ENDED_SESSION), before + 2);
	assert_int_equal(w->out_n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(a_doubled_row_is_refused),
		cmocka_unit_test(a_missing_cell_is_refused),
		cmocka_unit_test(undeclared_states_are_refused),
		cmocka_unit_test(broken_words_are_refused),
		cmocka_unit_test(unreachable_and_dead_states_are_refused),
		cmocka_unit_test(states_without_an_end_are_refused),
		cmocka_unit_test_setup_teardown(the_machine_refuses_a_broken_table, setup, teardown),
		cmocka_unit_test(every_word_has_a_body_and_a_name),
		cmocka_unit_test(every_word_is_used),
		cmocka_unit_test(columns_cover_every_kind),
		cmocka_unit_test_setup_teardown(every_cell_is_walked, setup, teardown),
		cmocka_unit_test_setup_teardown(every_refusal_is_told_and_every_ignored_event_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(events_of_ended_sessions_are_counted, setup, teardown),
	};

	return cmocka_run_group_tests_name("session_fsm", tests, NULL, NULL);
}
