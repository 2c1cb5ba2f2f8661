/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the bus's trace ring and prints it. Lines are collected and written together: a trace at full rate must not be a
 * system call each. */
#include "dpdk_app/trace.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lcore/clock.h"

uint64_t rln_trace_time(const struct rln_event *ev, uint64_t tsc_now)
{
	uint64_t now = tsc_now >> 4, when = (now & ~UINT64_C(0xffffffff)) | ev->when;

	if (when > now)
		when -= UINT64_C(1) << 32;
	return rln_clock_tsc_to_ns(when << 4);
}

const char *rln_trace_endpoint(unsigned endpoint, char buf[16])
{
	if (endpoint >= RLN_ENDPOINT_WORKER0)
		snprintf(buf, 16, "worker%u", (endpoint - RLN_ENDPOINT_WORKER0) & 0xff);
	else
		snprintf(buf, 16, "%s", endpoint == RLN_ENDPOINT_CONTROL ? "control" : "app");
	return buf;
}

/* "12:34:56.789012" of UTC. */
static void clock_text(uint64_t ns, char *buf, size_t size)
{
	uint64_t utc = rln_clock_utc_ns(ns);
	time_t seconds = (time_t)(utc / RLN_SEC);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(buf, size, "%02d:%02d:%02d.%06u", tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(utc % RLN_SEC / 1000));
}

static size_t print_line(const struct rln_event *ev, unsigned endpoint, char *buf, size_t size)
{
	char when[24], who[16], text[400];
	int len;

	clock_text(rln_trace_time(ev, rln_clock_tsc()), when, sizeof(when));
	rln_event_text(ev, text, sizeof(text));
	len = snprintf(buf, size, "%s %-8s %-22s %s\n", when, rln_trace_endpoint(endpoint, who),
		rln_category_name((enum rln_category)rln_event_info(rln_event_kind(ev))->category), text);
	return (size_t)len < size ? (size_t)len : size - 1;
}

static void write_all(int fd, const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, buf, len);

		if (n <= 0)
			return; /* nobody reads: traces are for people */
		buf += n;
		len -= (size_t)n;
	}
}

unsigned rln_trace_print(struct rln_bus *bus, int fd, unsigned budget)
{
	char lines[16384];
	struct rln_event ev;
	unsigned n = 0, endpoint;
	size_t used = 0;

	while (n < budget && rln_bus_trace_pop(bus, &ev, &endpoint)) {
		if (sizeof(lines) - used < 512) {
			write_all(fd, lines, used);
			used = 0;
		}
		used += print_line(&ev, endpoint, lines + used, sizeof(lines) - used);
		n++;
	}
	write_all(fd, lines, used);
	return n;
}
