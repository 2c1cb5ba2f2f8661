/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs after all unit tests: each that drives sessions left the rows of fsm.def that its machine took (fsm_rows.c), and here every row that acts (T) or
 * defers is looked for among them. One that no test took fails; those that refuse or ignore have one test for all, in session_fsm_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "session/actions.h"

static bool taken[1024]; /* by line of fsm.def */

static void complain(const struct rln_row *row)
{
	fprintf(stderr, "fsm.def:%u: no test took", row->line);
	for (unsigned s = 0; s < RLN_STATE_COUNT; s++) {
		if (row->states & 1u << s)
			fprintf(stderr, " %s", rln_call_state_name((enum rln_call_state)s));
	}
	fprintf(stderr, ",");
	for (const uint8_t *c = row->columns; *c; c++)
		fprintf(stderr, " %s", rln_column_name((enum rln_column) * c));
	fprintf(stderr, ", %s: %s\n", rln_guard_name(row->guard), row->why);
}

static void every_row_that_acts_or_defers_was_taken(void **state)
{
	const struct rln_table *t = rln_table();
	unsigned missing = 0;

	(void)state;
	for (size_t i = 0; i < t->rows_n; i++) {
		const struct rln_row *row = &t->rows[i];

		assert_true(row->line < sizeof(taken));
		if ((row->kind != RLN_ROW_GO && row->kind != RLN_ROW_DEFER) || taken[row->line])
			continue;
		complain(row);
		missing++;
	}
	assert_int_equal(missing, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_that_acts_or_defers_was_taken)};
	FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
	unsigned line;

	if (!f) {
		perror("rows");
		return 2;
	}
	while (fscanf(f, "%u", &line) == 1) {
		if (line < sizeof(taken))
			taken[line] = true;
	}
	fclose(f);
	return cmocka_run_group_tests_name("no_row", tests, NULL, NULL);
}
