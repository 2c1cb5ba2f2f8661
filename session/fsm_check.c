/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a state table must be before a call may depend on it (R152). Reads any struct rln_table, so that tests can feed it
 * broken ones. Runs once at start and in `make docs`: a scan over rows per cell (about 10 ms) was preferred to an index that
 * would have to be right first.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "session/actions.h"

#define CELL_MAX 32

static bool has_column(const struct rln_row *row, enum rln_column column)
{
	if (row->columns[0] == RLN_COL_COUNT)
		return column != RLN_COL_NONE;
	for (const uint8_t *c = row->columns; *c != RLN_COL_NONE; c++) {
		if (*c == column)
			return true;
	}
	return false;
}

static bool applies(const struct rln_row *row, enum rln_call_state state, enum rln_call_role role)
{
	return (row->states & 1u << state) && (row->roles & 1u << role);
}

size_t rln_table_cell(const struct rln_table *table, enum rln_call_state state, enum rln_column column, enum rln_call_role role,
	const struct rln_row *rows[], size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < table->rows_n; i++) {
		if (!applies(&table->rows[i], state, role) || !has_column(&table->rows[i], column))
			continue;
		if (n < max)
			rows[n] = &table->rows[i];
		n++;
	}
	return n;
}

struct report {
	char *why;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct report *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->why, r->size, format, args);
	va_end(args);
	return -EINVAL;
}

static bool is_list(const uint8_t *list, unsigned count, unsigned max)
{
	unsigned n = 0;

	for (; list[n] != 0; n++) {
		if (list[n] >= count || n == max)
			return false;
	}
	return true;
}

static int check_row(const struct rln_table *t, const struct rln_row *row, const struct report *r)
{
	bool is_all = row->columns[0] == RLN_COL_COUNT;

	if (row->states == 0 || row->states >> RLN_STATE_COUNT)
		return refuse(r, "line %u: a state that is not declared", row->line);
	if (row->roles == 0 || row->roles >> RLN_ROLE_COUNT || row->kind > RLN_ROW_DEFER)
		return refuse(r, "line %u: no such role or kind of row", row->line);
	if (row->guard >= RLN_GUARD_COUNT || row->next > RLN_NEXT_RETURN)
		return refuse(r, "line %u: no such guard or next state", row->line);
	if (row->columns[0] == RLN_COL_NONE || (!is_all && !is_list(row->columns, RLN_COL_COUNT, RLN_COL_COUNT)))
		return refuse(r, "line %u: no such event", row->line);
	if (!is_list(row->actions, RLN_ACT_COUNT, RLN_ROW_ACTIONS) || !is_list(row->publish, RLN_PUB_COUNT, RLN_ROW_PUBLISH))
		return refuse(r, "line %u: no such action or publication, or too many", row->line);
	if (row->kind == RLN_ROW_REJECT && row->code == 0)
		return refuse(r, "line %u: a REJECT without code", row->line);
	if (row->why == NULL || row->why[0] == '\0')
		return refuse(r, "line %u: no reason given", row->line);
	if (row->next < RLN_STATE_COUNT && !(t->in_use & 1u << row->next))
		return refuse(r, "line %u: leads to %s, which is not in use", row->line, rln_call_state_name(row->next));
	for (unsigned role = 0; role < RLN_ROLE_COUNT && row->next < RLN_STATE_COUNT; role++) {
		if ((row->roles & 1u << role) && (row->states & t->roles[role]) && !(t->roles[role] & 1u << row->next))
			return refuse(r, "line %u: leads to %s, where the other role alone can be", row->line,
				rln_call_state_name(row->next));
	}
	return 0;
}

static int check_cell(const struct rln_table *t, enum rln_call_state state, enum rln_column column, enum rln_call_role role,
	const struct report *r)
{
	const struct rln_row *rows[CELL_MAX];
	size_t n = rln_table_cell(t, state, column, role, rows, CELL_MAX);
	const char *where = rln_call_state_name(state), *what = rln_column_name(column),
		   *who = role == RLN_ROLE_UAC ? "UAC" : "UAS";
	bool seen[RLN_GUARD_COUNT] = {false};

	if (n == 0 || n > CELL_MAX)
		return refuse(r, "%s, %s, %s: %s", where, what, who, n ? "too many rows" : "no row");
	for (size_t i = 0; i < n; i++) {
		if (seen[0])
			return refuse(r, "%s, %s, %s: line %u is never reached, line %u has no guard", where, what, who,
				rows[i]->line, rows[i - 1]->line);
		if (seen[rows[i]->guard])
			return refuse(
				r, "%s, %s, %s: line %u doubles the guard of an earlier row", where, what, who, rows[i]->line);
		seen[rows[i]->guard] = true;
	}
	if (!seen[0])
		return refuse(r, "%s, %s, %s: no row without guard", where, what, who);
	return 0;
}

/* States that rows of this role lead to from `from`, RETURN included: back to every state that leads here. */
static uint32_t exits(const struct rln_table *t, enum rln_call_state from, unsigned role)
{
	uint32_t to = 0;
	bool returns = false;

	for (size_t i = 0; i < t->rows_n; i++) {
		const struct rln_row *row = &t->rows[i];

		if (row->kind != RLN_ROW_GO || !applies(row, from, (enum rln_call_role)role))
			continue;
		if (row->next < RLN_STATE_COUNT)
			to |= 1u << row->next;
		returns |= row->next == RLN_NEXT_RETURN;
	}
	for (size_t i = 0; returns && i < t->rows_n; i++) {
		const struct rln_row *row = &t->rows[i];

		if (row->kind == RLN_ROW_GO && (row->roles & 1u << role) && row->next == from)
			to |= row->states & t->roles[role];
	}
	return to & ~(1u << from);
}

static uint32_t reachable(const struct rln_table *t, uint32_t start, unsigned role)
{
	uint32_t seen = start, before;

	do {
		before = seen;
		for (unsigned s = 0; s < RLN_STATE_COUNT; s++) {
			if (seen & 1u << s)
				seen |= exits(t, (enum rln_call_state)s, role);
		}
	} while (seen != before);
	return seen;
}

static int check_graph(const struct rln_table *t, const struct report *r)
{
	uint32_t seen = 0;

	for (unsigned role = 0; role < RLN_ROLE_COUNT; role++)
		seen |= reachable(t, 1u << RLN_STATE_IDLE, role) & t->roles[role];
	for (unsigned s = 0; s < RLN_STATE_COUNT; s++) {
		const char *name = rln_call_state_name((enum rln_call_state)s);

		if ((t->in_use & 1u << s) && !(seen & 1u << s))
			return refuse(r, "%s is never reached", name);
		for (unsigned role = 0; role < RLN_ROLE_COUNT; role++) {
			if (!(t->in_use & t->roles[role] & 1u << s))
				continue;
			if ((t->final & 1u << s) && exits(t, (enum rln_call_state)s, role))
				return refuse(r, "%s is final and has an exit", name);
			if (!(reachable(t, 1u << s, role) & t->final))
				return refuse(r, "%s never leads to a final state", name);
		}
	}
	return 0;
}

/* Does any of these events make a call of this role leave the state? */
static bool leaves(const struct rln_table *t, enum rln_call_state state, enum rln_call_role role, const enum rln_column *columns)
{
	const struct rln_row *rows[CELL_MAX];

	for (; *columns != RLN_COL_NONE; columns++) {
		size_t n = rln_table_cell(t, state, *columns, role, rows, CELL_MAX);

		for (size_t i = 0; i < n && i < CELL_MAX; i++) {
			if (rows[i]->kind == RLN_ROW_GO && rows[i]->next != RLN_NEXT_SAME && rows[i]->next != state)
				return true;
		}
	}
	return false;
}

static int check_ends(const struct rln_table *t, enum rln_call_state state, enum rln_call_role role, const struct report *r)
{
	static const enum rln_column bye[] = {RLN_COL_CALL_TERMINATED, RLN_COL_NONE},
				     hangup[] = {RLN_COL_HANGUP_CALL, RLN_COL_NONE};
	static const enum rln_column failure[] = {RLN_COL_DIALOG_ERROR, RLN_COL_ACTION_FAILED, RLN_COL_NONE};
	static const enum rln_column timeout[] = {
		RLN_COL_TIMED_OUT, RLN_COL_ACK_MISSING, RLN_COL_TIMER_FIRED, RLN_COL_CALL_TERMINATED, RLN_COL_NONE};
	bool is_ending = t->ending & 1u << state;
	const char *name = rln_call_state_name(state);

	if (!leaves(t, state, role, bye))
		return refuse(r, "%s: no row for the peer's BYE", name);
	if (!is_ending && !leaves(t, state, role, hangup))
		return refuse(r, "%s: no row for the hangup", name);
	if (!leaves(t, state, role, failure))
		return refuse(r, "%s: no row for a failure", name);
	/* CALL_TERMINATED tells that a BYE of ours timed out: enough where one is out */
	if (!leaves(t, state, role, timeout) ||
		(!is_ending && !leaves(t, state, role,
				       (const enum rln_column[]){
					       RLN_COL_TIMED_OUT, RLN_COL_ACK_MISSING, RLN_COL_TIMER_FIRED, RLN_COL_NONE})))
		return refuse(r, "%s: no row for a timeout", name);
	return 0;
}

static int check_state(const struct rln_table *t, enum rln_call_state state, enum rln_call_role role, const struct report *r)
{
	uint32_t bit = 1u << state;
	int rc = 0;

	for (unsigned c = RLN_COL_NONE + 1; c < RLN_COL_COUNT && rc == 0; c++)
		rc = check_cell(t, state, (enum rln_column)c, role, r);
	if (rc == 0 && state != RLN_STATE_IDLE && (t->in_use & ~t->final & bit))
		rc = check_ends(t, state, role, r);
	return rc;
}

int rln_table_check(const struct rln_table *t, char *why, size_t size)
{
	struct report r = {why, size};
	int rc = 0;

	for (size_t i = 0; i < t->rows_n && rc == 0; i++)
		rc = check_row(t, &t->rows[i], &r);
	for (unsigned role = 0; role < RLN_ROLE_COUNT; role++) {
		for (unsigned s = 0; s < RLN_STATE_COUNT && rc == 0; s++) {
			if (t->roles[role] & 1u << s)
				rc = check_state(t, (enum rln_call_state)s, (enum rln_call_role)role, &r);
		}
	}
	return rc ? rc : check_graph(t, &r);
}
