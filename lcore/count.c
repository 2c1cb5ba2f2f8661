/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Storage of the counters: one struct per endpoint, and what count.def says of each row. An endpoint's thread is the one
 * writer of its struct; application threads (and the file thread) share endpoint 0 and add atomically.
 */
#include "lcore/count.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "lcore/bus.h"

#define NAME_MAX_LEN 40

static struct rln_counts counts[RLN_ENDPOINT_COUNT];
static char names[RLN_C_COUNT][NAME_MAX_LEN]; /* written once, by fill_names() */
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static const struct {
	const char *name, *meaning;
	enum rln_count_group group;
} rows[RLN_C_COUNT] = {
#define X(name, group, meaning) [RLN_C_##name] = {#name, meaning, RLN_G_##group},
#include "lcore/count.def"
#undef X
};

#define X(name, group, meaning) _Static_assert(sizeof(#name) <= NAME_MAX_LEN, #name " is too long");
#include "lcore/count.def"
#undef X

struct rln_counts *rln_counts_of(unsigned endpoint)
{
	return &counts[endpoint < RLN_ENDPOINT_COUNT ? endpoint : RLN_ENDPOINT_APP];
}

void rln_count(enum rln_counter counter)
{
	unsigned self = rln_bus_self();

	if (self == RLN_ENDPOINT_APP)
		__atomic_fetch_add(&counts[self].v[counter], 1, __ATOMIC_RELAXED);
	else
		rln_counts_add(&counts[self], counter, 1);
}

uint64_t rln_count_total(enum rln_counter counter)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < RLN_ENDPOINT_COUNT; i++)
		sum += __atomic_load_n(&counts[i].v[counter], __ATOMIC_RELAXED);
	return sum;
}

static void fill_names(void)
{
	for (unsigned i = 0; i < RLN_C_COUNT; i++)
		for (unsigned k = 0; rows[i].name[k]; k++)
			names[i][k] = (char)tolower((unsigned char)rows[i].name[k]);
}

const char *rln_count_name(enum rln_counter counter)
{
	pthread_once(&names_once, fill_names);
	return names[counter];
}

const char *rln_count_meaning(enum rln_counter counter)
{
	return rows[counter].meaning;
}

enum rln_count_group rln_count_group(enum rln_counter counter)
{
	return rows[counter].group;
}

uint64_t rln_counts_group(const struct rln_counts *c, enum rln_count_group group)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < RLN_C_COUNT; i++)
		if (rows[i].group == group)
			sum += __atomic_load_n(&c->v[i], __ATOMIC_RELAXED);
	return sum;
}

void rln_counts_reset(void)
{
	for (unsigned e = 0; e < RLN_ENDPOINT_COUNT; e++)
		for (unsigned i = 0; i < RLN_C_COUNT; i++)
			__atomic_store_n(&counts[e].v[i], 0, __ATOMIC_RELAXED);
}
