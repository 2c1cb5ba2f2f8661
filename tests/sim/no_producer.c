/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs after all simulations (R36, R209): each left the names of the kinds that its bus delivered in one file, and here every
 * kind of the catalogue is looked for in it. One that nothing produced fails, and so does one that is still LATER.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/event.h"

static bool seen[RLN_EV_COUNT];

static void note(const char *name)
{
	for (unsigned kind = 1; kind < RLN_EV_COUNT; kind++)
		seen[kind] |= strcmp(rln_event_info((enum rln_event_kind)kind)->name, name) == 0;
}

static int read_names(const char *path)
{
	FILE *f = fopen(path, "re");
	char name[80];

	if (!f) {
		perror(path);
		return -1;
	}
	while (fscanf(f, "%79s", name) == 1)
		note(name);
	fclose(f);
	return 0;
}

static void is_produced(void **state)
{
	enum rln_event_kind kind = (enum rln_event_kind)(uintptr_t)*state;

	if (!seen[kind])
		fail_msg("%s is LIVE, and nothing produced it in the whole run", rln_event_info(kind)->name);
}

/* R36: the mark was for the time until the work is done, and it is. */
static void is_later(void **state)
{
	fail_msg("%s is LATER: a kind is declared when something produces it",
		rln_event_info((enum rln_event_kind)(uintptr_t)*state)->name);
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[RLN_EV_COUNT];
	size_t n = 0;

	if (argc != 2 || read_names(argv[1]) != 0)
		return 2;
	for (unsigned kind = 1; kind < RLN_EV_COUNT; kind++) {
		const struct rln_event_info *info = rln_event_info((enum rln_event_kind)kind);

		tests[n++] = (struct CMUnitTest){.name = info->name,
			.test_func = info->live ? is_produced : is_later,
			.initial_state = (void *)(uintptr_t)kind};
	}
	return _cmocka_run_group_tests("sim/no_producer", tests, n, NULL, NULL);
}
