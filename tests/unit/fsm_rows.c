/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine under test that notes its rows: fsm.c once more, linked in place of the product's, with a note of each row that takes an event. At exit the
 * lines of fsm.def go to the file that UNIT_ROWS names, and no_row.c looks in the end for rows that no test took. A row is the grain, not each of
 * its cells: session_fsm_test.c walks those.
 */
#include <stdio.h>
#include <stdlib.h>

#include "session/fsm.h"

static bool taken[1024]; /* by line of fsm.def */

static void leave_rows(void)
{
	FILE *f = fopen(getenv("UNIT_ROWS"), "ae");

	if (!f) {
		perror("UNIT_ROWS");
		abort();
	}
	for (unsigned line = 0; line < sizeof(taken); line++) {
		if (taken[line])
			fprintf(f, "%u\n", line);
	}
	fclose(f);
}

static void note_row(const struct rln_row *row)
{
	static bool once;

	if (!once && getenv("UNIT_ROWS"))
		atexit(leave_rows);
	once = true;
	if (row->line < sizeof(taken))
		taken[row->line] = true;
}

#define RLN_ROW_TAKEN(row) note_row(row)
#include "session/fsm.c"
