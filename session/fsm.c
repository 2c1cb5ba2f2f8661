/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interpreter of the state table (fsm.h). Rows are expanded once into cells {first, n} of row numbers, so an event costs
 * one index and a guard or two. The order of a transition: actions, the new state with its STATE_CHANGED, the row's
 * publications, and for a final state SESSION_TERMINATED; then events that waited for their turn are asked again. A failed
 * action skips the rest of its row but not the new state, and comes back as ACTION_FAILED: what to do about it is a row of that
 * state.
 */
#include "session/fsm.h"

#include <errno.h>

#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/hist.h"
#include "lcore/log.h"
#include "session/actions.h"
#include "session/offer.h"

#ifndef RLN_ROW_TAKEN /* tests/unit/fsm_rows.c notes which rows take events; here it costs nothing */
#define RLN_ROW_TAKEN(row)
#endif

struct cell {
	uint16_t first, n;
};

struct rln_machine { /* owner: control lcore; constant after create */
	const struct rln_table *table;
	struct rln_session_manager *sessions;
	const struct rln_layers *layers;
	uint16_t *order; /* row numbers, cell after cell */
	struct cell cells[RLN_STATE_COUNT][RLN_COL_COUNT][RLN_ROLE_COUNT];
};

enum rln_column rln_column_of(const struct rln_event *ev)
{
	if (ev->kind == RLN_EV_CALL_STATE_CHANGED) {
		switch (ev->call_state_changed.new_state) {
#define X(name)                                                                                                                  \
	case RLN_CALL_##name:                                                                                                    \
		return RLN_COL_##name;
			RLN_CALL_PROGRESS_VALUES(X)
#undef X
		}
		return RLN_COL_CALL_STATE_CHANGED;
	}
	switch ((int)ev->kind) {
#undef RLN_COL_OF_D2S
#undef RLN_COL_OF_M2S
#undef RLN_COL_OF_A2S
#define RLN_COL_OF_D2S(k)                                                                                                        \
	case RLN_EV_##k:                                                                                                         \
		return RLN_COL_##k;
#define RLN_COL_OF_M2S(k)                                        RLN_COL_OF_D2S(k)
#define RLN_COL_OF_A2S(k)                                        RLN_COL_OF_D2S(k)
#define X(kind, cat, member, payload, full, block, status, text) RLN_COL_OF_##cat(kind)
#include "lcore/event.def"
#undef X
#define X(k) RLN_COL_OF_D2S(k)
		RLN_WORKER_KINDS(X)
#undef X
	}
	return RLN_COL_NONE;
}

const char *rln_column_name(enum rln_column column)
{
	static const char *const names[RLN_COL_COUNT] = {[RLN_COL_NONE] = "nothing",
#undef RLN_COL_OF_D2S
#define RLN_COL_OF_D2S(k)                                        [RLN_COL_##k] = #k,
#define X(kind, cat, member, payload, full, block, status, text) RLN_COL_OF_##cat(kind)
#include "lcore/event.def"
#undef X
#define X(k) RLN_COL_OF_D2S(k)
		RLN_CALL_PROGRESS_VALUES(X) RLN_WORKER_KINDS(X)
#undef X
	};

	return column < RLN_COL_COUNT ? names[column] : "?";
}

const char *rln_action_name(unsigned action)
{
	static const char *const names[] = {"none",
#define X(name, text) #name,
		RLN_ACTIONS(X)
#undef X
	};

	return action < RLN_ACT_COUNT ? names[action] : "?";
}

const char *rln_guard_name(unsigned guard)
{
	static const char *const names[] = {"always",
#define X(name, text) #name,
		RLN_GUARDS(X)
#undef X
	};

	return guard < RLN_GUARD_COUNT ? names[guard] : "?";
}

/* Rows of every cell, counted (order NULL) or written down. */
static size_t expand(struct rln_machine *m, uint16_t *order)
{
	size_t at = 0;

	for (unsigned s = 0; s < RLN_STATE_COUNT; s++) {
		for (unsigned c = RLN_COL_NONE + 1; c < RLN_COL_COUNT; c++) {
			for (unsigned r = 0; r < RLN_ROLE_COUNT; r++) {
				const struct rln_row *rows[64];
				size_t n = rln_table_cell(
					m->table, (enum rln_call_state)s, (enum rln_column)c, (enum rln_call_role)r, rows, 64);

				m->cells[s][c][r] = (struct cell){(uint16_t)at, (uint16_t)n};
				for (size_t i = 0; order && i < n; i++)
					order[at + i] = (uint16_t)(rows[i] - m->table->rows);
				at += n;
			}
		}
	}
	return at;
}

int rln_machine_create(struct rln_machine **out, const struct rln_table *table, struct rln_session_manager *sessions,
	const struct rln_layers *layers)
{
	struct rln_machine *m;
	char why[200];
	int rc = rln_table_check(table, why, sizeof(why));

	if (rc != 0) {
		rln_log(RLN_LOG_ERROR, 0, "the state table is refused: %s", why);
		return rc;
	}
	m = rln_zalloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->table = table;
	m->sessions = sessions;
	m->layers = layers;
	m->order = rln_alloc(expand(m, NULL) * sizeof(*m->order));
	if (!m->order) {
		rln_free(m);
		return -ENOMEM;
	}
	expand(m, m->order);
	*out = m;
	return 0;
}

void rln_machine_destroy(struct rln_machine *m)
{
	if (!m)
		return;
	rln_free(m->order);
	rln_free(m);
}

/* The row that takes the event: the first whose guard holds. The check saw to it that there is one. */
static const struct rln_row *choose(const struct rln_machine *m, const struct rln_step *st, enum rln_column column)
{
	const struct cell *cell = &m->cells[st->s->state][column][st->s->role];

	for (unsigned i = 0; i < cell->n; i++) {
		const struct rln_row *row = &m->table->rows[m->order[cell->first + i]];

		if (row->guard == 0 || rln_guard_bodies[row->guard](st))
			return row;
	}
	return NULL;
}

/* Runs the actions; false when one failed, which is raised as an event. */
static bool act(struct rln_step *st, const struct rln_row *row)
{
	for (const uint8_t *a = row->actions; *a && !st->is_gone; a++) {
		int rc = rln_action_bodies[*a](st);

		if (rc < 0) {
			rln_log(RLN_LOG_WARNING, st->s->id.v, "%s failed in %s: %d", rln_action_name(*a),
				rln_call_state_name((enum rln_call_state)st->s->state), rc);
			rln_publish_action_failed(st, (enum rln_action) * a, rc);
			/* The action that takes what a command brings is the last of its row. */
			rln_cleanup_command(st->layers, st->s, st->ev);
			return false;
		}
	}
	return true;
}

static void established(const struct rln_machine *m, const struct rln_session *s)
{
	struct rln_hist *setup = m->layers->setup_us[s->role];

	rln_count(RLN_C_CALLS_ESTABLISHED);
	if (setup)
		rln_hist_record(setup, (rln_clock_ns() - s->began_ns) / 1000);
}

/* The one place where a session's state is written. */
static void move(const struct rln_machine *m, struct rln_step *st, const struct rln_row *row)
{
	struct rln_session *s = st->s;
	enum rln_call_state old = (enum rln_call_state)s->state;
	enum rln_call_state next = row->next == RLN_NEXT_RETURN ? (enum rln_call_state)s->saved : (enum rln_call_state)row->next;

	if (row->next == RLN_NEXT_SAME || next == old)
		return;
	s->saved = (uint8_t)old;
	s->state = (uint8_t)next;
	rln_session_manager_update_session_state(m->sessions, s->id, next);
	if (old == RLN_STATE_NEGOTIATING && next == RLN_STATE_ACTIVE)
		established(m, s);
	rln_publish_state(st, old);
}

static void go(const struct rln_machine *m, struct rln_step *st, const struct rln_row *row)
{
	uint32_t before = 1u << st->s->state, after;
	uint64_t other = st->s->other;
	bool ok = act(st, row);

	if (st->is_gone)
		return;
	move(m, st, row);
	rln_publish_to_other(st, other, before);
	for (const uint8_t *p = row->publish; ok && *p; p++)
		rln_publication_bodies[*p](st);
	after = 1u << st->s->state;
	if (!(m->table->final & after))
		return;
	if (!(m->table->final & before)) {
		rln_count(RLN_C_CALLS_ENDED);
		rln_publish_terminated(st);
	}
	rln_cleanup_settle(st);
}

/* A request of the peer gets its answer; 500 names a time to come back (RFC 3261 14.2). */
static void reject(const struct rln_machine *m, struct rln_step *st, const struct rln_row *row, enum rln_column column)
{
	const struct rln_dialog_commands *d = &m->layers->dialog;
	const struct rln_session *s = st->s;
	char extra[40] = "";

	rln_count(RLN_C_EVENT_REJECTED);
	rln_log(RLN_LOG_INFO, s->id.v, "%s in %s after %s: refused with %u, %s", rln_column_name(column),
		rln_call_state_name((enum rln_call_state)s->state), rln_column_name((enum rln_column)s->last), row->code,
		row->why);
	if (column == RLN_COL_TRANSFER_REQUESTED)
		d->respond_refer(d->arg, s->dialog, row->code);
	else if (column != RLN_COL_REINVITE_RECEIVED)
		rln_publish_rejected(st, row->code);
	rln_cleanup_command(m->layers, s, st->ev);
	if (column != RLN_COL_REINVITE_RECEIVED)
		return;
	if (row->code == 500)
		snprintf(extra, sizeof(extra), "Retry-After: %u\r\n", (unsigned)(s->id.v % 11)); /* 0-10 s (14.2) */
	rln_offer_refuse(d, s->dialog, st->ev, row->code, extra[0] ? extra : NULL);
}

static void ignore(const struct rln_step *st, const struct rln_row *row, enum rln_column column)
{
	rln_count(RLN_C_EVENT_IGNORED);
	rln_log(RLN_LOG_DEBUG, st->s->id.v, "%s in %s after %s: ignored, %s", rln_column_name(column),
		rln_call_state_name((enum rln_call_state)st->s->state), rln_column_name((enum rln_column)st->s->last), row->why);
}

/* At the end of the queue of its session, with a reference to its block. */
static void defer(const struct rln_step *st)
{
	struct rln_deferred *d = rln_zalloc(sizeof(*d)), **at = &st->s->deferred;

	if (!d) {
		rln_log(RLN_LOG_WARNING, st->s->id.v, "no memory to keep %s", rln_event_info(rln_event_kind(st->ev))->name);
		rln_publish_action_failed(st, RLN_ACT_NONE, -ENOMEM);
		rln_cleanup_command(st->layers, st->s, st->ev);
		return;
	}
	while (*at)
		at = &(*at)->next;
	d->ev = *st->ev;
	rln_block_hold(rln_event_block(&d->ev));
	*at = d;
}

/* True when the event lined up to wait, so that nothing has changed for those that wait already. */
static bool handle(const struct rln_machine *m, struct rln_step *st)
{
	enum rln_column column = rln_column_of(st->ev);
	const struct rln_row *row = column ? choose(m, st, column) : NULL;

	if (!row) {
		rln_log(RLN_LOG_ERROR, st->s->id.v, "event %u in %s has no row", st->ev->kind,
			rln_call_state_name((enum rln_call_state)st->s->state));
		return false;
	}
	RLN_ROW_TAKEN(row);
	switch ((enum rln_row_kind)row->kind) {
	case RLN_ROW_GO:
		go(m, st, row);
		break;
	case RLN_ROW_IGNORE:
		ignore(st, row, column);
		break;
	case RLN_ROW_REJECT:
		reject(m, st, row, column);
		break;
	case RLN_ROW_DEFER:
		defer(st);
		break;
	}
	if (!st->is_gone)
		st->s->last = (uint8_t)column;
	return row->kind == RLN_ROW_DEFER;
}

/* Each event that waited is asked once more, in order; those whose turn has not come line up again. */
static void replay(const struct rln_machine *m, struct rln_step *st)
{
	struct rln_deferred *list = st->s->deferred, *d;

	st->s->deferred = NULL;
	while ((d = list)) {
		list = d->next;
		if (!st->is_gone) {
			st->ev = &d->ev;
			handle(m, st);
		}
		rln_block_release(rln_event_block(&d->ev));
		rln_free(d);
	}
}

void rln_machine_process_event(struct rln_machine *m, struct rln_session_id id, const struct rln_event *ev)
{
	struct rln_step st = {.layers = m->layers, .s = rln_session_manager_get_session(m->sessions, id), .ev = ev};

	if (!st.s) {
		rln_count(RLN_C_EVENT_ENDED_SESSION);
		rln_log(RLN_LOG_DEBUG, id.v, "%s for a session that has ended", rln_event_info(rln_event_kind(ev))->name);
		return;
	}
	if (!handle(m, &st) && !st.is_gone && st.s->deferred)
		replay(m, &st);
}
