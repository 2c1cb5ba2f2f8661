/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes docs/state-machine.md ("md") or docs/state-machine.dot ("dot") from the table that the program runs (session/fsm.def). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "session/actions.h"
#include "session/fsm.h"

static const struct {
	const char *name, *text;
} guards[] = {{"", ""},
#define X(name, text) {#name, text},
	RLN_GUARDS(X)
#undef X
},
  actions[] = {{"", ""},
#define X(name, text) {#name, text},
	  RLN_ACTIONS(X)
#undef X
},
  publications[] = {{"", ""},
#define X(name, text) {#name, text},
	  RLN_PUBLICATIONS(X)
#undef X
};

static const char *role_of(const struct rln_row *row)
{
	return row->roles == 1u << RLN_ROLE_UAC ? "UAC" : row->roles == 1u << RLN_ROLE_UAS ? "UAS" : "";
}

static void list_states(uint32_t states)
{
	const char *comma = "";

	for (unsigned s = 0; s < RLN_STATE_COUNT; s++) {
		if (!(states & 1u << s))
			continue;
		printf("%s%s", comma, rln_call_state_name((enum rln_call_state)s));
		comma = ", ";
	}
}

static void list_columns(const struct rln_row *row)
{
	if (row->columns[0] == RLN_COL_COUNT)
		fputs("every event", stdout);
	for (const uint8_t *c = row->columns; *c && row->columns[0] != RLN_COL_COUNT; c++)
		printf("%s%s", c == row->columns ? "" : ", ", rln_column_name((enum rln_column) * c));
}

/* What the row does, then what it tells. */
static void list_effects(const struct rln_row *row)
{
	const char *comma = "";

	for (const uint8_t *a = row->actions; *a; a++, comma = ", ")
		printf("%s%s", comma, actions[*a].name);
	comma = row->actions[0] && row->publish[0] ? "; tells " : row->publish[0] ? "tells " : "";
	for (const uint8_t *p = row->publish; *p; p++, comma = ", ")
		printf("%s%s", comma, publications[*p].name);
}

static void next_of(const struct rln_row *row)
{
	switch ((enum rln_row_kind)row->kind) {
	case RLN_ROW_GO:
		fputs(row->next == RLN_NEXT_SAME       ? "same"
			: row->next == RLN_NEXT_RETURN ? "*state before*"
						       : rln_call_state_name((enum rln_call_state)row->next),
			stdout);
		break;
	case RLN_ROW_IGNORE:
		fputs("ignored", stdout);
		break;
	case RLN_ROW_DEFER:
		fputs("waits", stdout);
		break;
	case RLN_ROW_REJECT:
		if (row->code >= 300)
			printf("refused: %u", row->code);
		else
			printf("refused: %s", strerror(row->code));
		break;
	}
}

static void rows_of(const struct rln_table *t, unsigned state)
{
	printf("\n### %s\n\n| event | role | guard | actions | next | why |\n|---|---|---|---|---|---|\n",
		rln_call_state_name((enum rln_call_state)state));
	for (size_t i = 0; i < t->rows_n; i++) {
		const struct rln_row *row = &t->rows[i];

		if (!(row->states & 1u << state))
			continue;
		fputs("| ", stdout);
		list_columns(row);
		printf(" | %s | %s | ", role_of(row), guards[row->guard].name);
		list_effects(row);
		fputs(" | ", stdout);
		next_of(row);
		printf(" | %s |\n", row->why);
	}
}

static void markdown(const struct rln_table *t)
{
	puts("# The call's state machine\n\nWritten by `make docs` from `session/fsm.def`, the table that the program "
	     "runs.\n\n![states](state-machine.svg)\n");
	fputs("States in use: ", stdout);
	list_states(t->in_use);
	fputs(".\n\nFinal: ", stdout);
	list_states(t->final);
	puts(". A final state tells SESSION_TERMINATED once; the session's slot goes when its dialog and its leg have both "
	     "reported their end.\n");
	puts("In each cell the first row whose guard holds takes the event; a row without guard is the last. A row that waits is "
	     "asked again after the session's next\n"
	     "event. An action that fails skips the rest of its row and comes back as ACTION_FAILED. Every new state is told as "
	     "STATE_CHANGED.\n\n## Rows by state");
	for (unsigned s = 0; s < RLN_STATE_COUNT; s++)
		rows_of(t, s);
	puts("\n## Guards\n\n| guard | holds when |\n|---|---|");
	for (unsigned g = 1; g < RLN_GUARD_COUNT; g++)
		printf("| %s | %s |\n", guards[g].name, guards[g].text);
	puts("\n## Actions\n\n| action | does |\n|---|---|");
	for (unsigned a = 1; a < RLN_ACT_COUNT; a++)
		printf("| %s | %s |\n", actions[a].name, actions[a].text);
	puts("\n## Told\n\n| word | event |\n|---|---|");
	for (unsigned p = 1; p < RLN_PUB_COUNT; p++)
		printf("| %s | %s |\n", publications[p].name, publications[p].text);
}

/* ---- the picture: one edge per pair of states, labelled with the events that lead along it ---- */

static bool leads(const struct rln_table *t, const struct rln_row *row, unsigned from, unsigned to)
{
	if (row->kind != RLN_ROW_GO || !(row->states & 1u << from) || from == to)
		return false;
	if (row->next != RLN_NEXT_RETURN)
		return row->next == to;
	for (size_t i = 0; i < t->rows_n; i++) { /* back to every state that leads here */
		if (t->rows[i].kind == RLN_ROW_GO && t->rows[i].next == from && (t->rows[i].states & 1u << to))
			return true;
	}
	return false;
}

#define LABEL_WORDS 5

static void edge(const struct rln_table *t, unsigned from, unsigned to)
{
	bool seen[RLN_COL_COUNT] = {false};
	unsigned words = 0;

	for (size_t i = 0; i < t->rows_n; i++) {
		if (!leads(t, &t->rows[i], from, to))
			continue;
		for (const uint8_t *c = t->rows[i].columns; *c; c++) {
			if (seen[*c])
				continue;
			seen[*c] = true;
			if (words == 0)
				printf("\t%s -> %s [label=\"", rln_call_state_name((enum rln_call_state)from),
					rln_call_state_name((enum rln_call_state)to));
			if (words < LABEL_WORDS)
				printf("%s%s", words ? "\\n" : "", rln_column_name((enum rln_column) * c));
			words++;
		}
	}
	if (words > LABEL_WORDS)
		printf("\\n... %u more", words - LABEL_WORDS);
	if (words)
		puts("\"];");
}

static void graph(const struct rln_table *t)
{
	puts("// Written by `make docs` from session/fsm.def.\ndigraph call {\n\trankdir=TB;\n\tnode [shape=box, style=rounded, "
	     "fontname=\"sans-serif\", fontsize=11];\n"
	     "\tedge [fontname=\"sans-serif\", fontsize=8];");
	for (unsigned s = 0; s < RLN_STATE_COUNT; s++) {
		if (t->in_use & 1u << s)
			printf("\t%s%s;\n", rln_call_state_name((enum rln_call_state)s),
				t->final & 1u << s ? " [peripheries=2]" : "");
	}
	for (unsigned from = 0; from < RLN_STATE_COUNT; from++) {
		for (unsigned to = 0; to < RLN_STATE_COUNT; to++)
			edge(t, from, to);
	}
	puts("}");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "md") == 0)
		markdown(rln_table());
	else if (argc == 2 && strcmp(argv[1], "dot") == 0)
		graph(rln_table());
	else
		return 2;
	return 0;
}
