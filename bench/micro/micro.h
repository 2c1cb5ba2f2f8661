/* SPDX-License-Identifier: BSD-3-Clause */
/* What every micro bench does: the machine as one JSON line, then a line per operation: median, least and most of RUNS runs, in ns. One thread. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lcore/clock.h"

#define RUNS 7

static inline int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One figure: `operation` does `count` of them. */
static inline void measure_as(const char *bench, const char *name, void (*operation)(uint32_t count), uint32_t count)
{
	double ns[RUNS];

	operation(count / 10); /* warm */
	for (int i = 0; i < RUNS; i++) {
		uint64_t from = rln_clock_tsc();

		operation(count);
		ns[i] = (double)(rln_clock_tsc() - from) * 1e9 / rln_clock_hz() / count;
	}
	qsort(ns, RUNS, sizeof(ns[0]), by_value);
	printf("{\"bench\":\"%s\",\"name\":\"%s\",\"unit\":\"ns\",\"median\":%.2f,\"min\":%.2f,\"max\":%.2f,\"runs\":%d}\n", bench, name, ns[RUNS / 2], ns[0],
		ns[RUNS - 1], RUNS);
}

static inline void print_machine(const char *bench)
{
	char model[128] = "unknown", line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");
	struct utsname u;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "model name : %127[^\n]", model) == 1)
			break;
	if (f)
		fclose(f);
	uname(&u);
	printf("{\"bench\":\"%s\",\"machine\":{\"cpu\":\"%s\",\"cpus\":%ld,\"tsc_hz\":%.0f,\"kernel\":\"%s\",\"compiler\":\"%"
	       "s\"}}\n", bench,
		model, sysconf(_SC_NPROCESSORS_ONLN), rln_clock_hz(), u.release, __VERSION__);
}
