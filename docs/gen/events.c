/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes docs/events.md: the event catalogue and the counters, from the lists that the program is made of. */
#include <stdio.h>

#include "lcore/count.h"
#include "lcore/event.h"

static void events(void)
{
	for (unsigned cat = 0; cat < RLN_CAT_COUNT; cat++) {
		printf("\n## %s\n\n| kind | when a ring is full | block | produced | meaning |\n|---|---|---|---|---|\n", rln_category_name((enum rln_category)cat));
		for (unsigned kind = 1; kind < RLN_EV_COUNT; kind++) {
			const struct rln_event_info *info = rln_event_info((enum rln_event_kind)kind);

			if (info->category == cat)
				printf("| %s | %s | %s | %s | %s |\n", info->name, info->retry ? "waits" : "dropped, counted", info->has_block ? "yes" : "", info->live ? "yes" : "not yet",
					info->meaning);
		}
	}
}

static void counters(void)
{
	static const char *const groups[] = {"received", "taken from another worker", "handed to another worker", "consumed", "dropped", "built", "sent", "dropped on sending",
		"outside the ledger"};

	printf("\n# Counters\n\nPer worker: received + taken = consumed + dropped + handed + inside, and built = sent + dropped on sending + inside. Read them with\n"
	       "`dpdk-telemetry.py -f ringlane` and `/ringlane/counters`.\n\n| counter | group | meaning |\n|---|---|---|\n");
	for (unsigned c = 0; c < RLN_C_COUNT; c++)
		printf("| %s | %s | %s |\n", rln_count_name((enum rln_counter)c), groups[rln_count_group((enum rln_counter)c)], rln_count_meaning((enum rln_counter)c));
}

int main(void)
{
	puts("# Events\n\nWritten by `make docs` from `lcore/event.def` and `lcore/count.def`. `--trace` prints every event with the one that caused it.");
	events();
	counters();
	return 0;
}
