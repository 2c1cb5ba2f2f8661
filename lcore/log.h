/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines for people: level, time, id, text. Any thread may log (workers never do on the packet path): a line goes
 * into a ring without waiting and a writer (the application thread's housekeeping, or rln_log_flush()) prints it; the
 * same place in the code logs at most 10 lines a second, the rest is counted and named in the next line.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum rln_log_level { RLN_LOG_ERROR, RLN_LOG_WARNING, RLN_LOG_INFO, RLN_LOG_DEBUG };

struct rln_log_site { /* one static per call site; the limit's state */
	uint64_t window_ns;
	uint32_t lines, held;
};

/* id 0 = no call; otherwise the line carries it as "s0/12#3". */
#define rln_log(level, id, ...)                                                \
	do {                                                                   \
		static struct rln_log_site site_;                              \
		if ((level) <= rln_log_level)                                  \
			rln_log_at(&site_, level, id, __VA_ARGS__);            \
	} while (0)

extern enum rln_log_level rln_log_level; /* written before the lcores run, or by telemetry; read everywhere */

void rln_log_at(struct rln_log_site *site, enum rln_log_level level, uint64_t id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Where lines go: a file descriptor (default 2) and whether with colour. Main thread. */
void rln_log_open(int fd, bool colour);
/* Prints what waits. One thread at a time; returns lines printed. */
unsigned rln_log_flush(void);
