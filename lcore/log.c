/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines are printed into cells of a ring, by whoever logs, and written out by one. When the ring is full the line is lost and
 * counted. Nothing here needs EAL or our clock, so the first line of main may already log.
 */
#include "lcore/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lcore/count.h"
#include "lcore/id.h"
#include "lcore/mpsc.h"

#define LINES     1024 /* a power of two */
#define LINE_ROOM 360
#define LIMIT     10 /* lines of one site */
#define WINDOW_NS 1000000000ull

struct line {
	struct rln_mpsc_cell cell;
	uint64_t utc_ns, id;
	uint32_t held;
	uint8_t level;
	char text[LINE_ROOM];
};

enum rln_log_level rln_log_level = RLN_LOG_INFO;

static struct line lines[LINES];
static struct rln_mpsc ring = {.cells = (uint8_t *)lines, .size = LINES, .stride = sizeof(struct line)};
static int out_fd = 2;
static bool out_colour;

static uint64_t utc_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* True when this site may log now; *held receives how many lines it kept back before. */
static bool is_allowed(struct rln_log_site *site, uint64_t now, uint32_t *held)
{
	uint64_t window = __atomic_load_n(&site->window_ns, __ATOMIC_RELAXED);

	*held = 0;
	if (now - window >= WINDOW_NS &&
		__atomic_compare_exchange_n(&site->window_ns, &window, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		__atomic_store_n(&site->lines, 0, __ATOMIC_RELAXED);
		*held = __atomic_exchange_n(&site->held, 0, __ATOMIC_RELAXED);
	}
	if (__atomic_fetch_add(&site->lines, 1, __ATOMIC_RELAXED) < LIMIT)
		return true;
	__atomic_fetch_add(&site->held, 1, __ATOMIC_RELAXED);
	rln_count(RLN_C_LOG_SUPPRESSED);
	return false;
}

/* Text of strangers may stand in a line: it shall not forge another one, nor reach the terminal's escapes. */
static void disarm(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void rln_log_at(struct rln_log_site *site, enum rln_log_level level, uint64_t id, const char *format, ...)
{
	uint64_t now = utc_ns();
	uint64_t position;
	uint32_t held;
	struct line *l;
	va_list args;

	if (!is_allowed(site, now, &held))
		return;
	l = rln_mpsc_claim(&ring, &position);
	if (!l) {
		__atomic_fetch_add(&site->held, held + 1, __ATOMIC_RELAXED);
		rln_count(RLN_C_LOG_SUPPRESSED);
		return;
	}
	l->utc_ns = now;
	l->id = id;
	l->level = (uint8_t)level;
	l->held = held;
	va_start(args, format);
	vsnprintf(l->text, sizeof(l->text), format, args);
	va_end(args);
	disarm(l->text);
	rln_mpsc_publish(&ring, position);
}

void rln_log_open(int fd, bool colour)
{
	out_fd = fd;
	out_colour = colour;
}

/* "2026-01-02T03:04:05.678901Z WARNING s0/12#3 text" */
static size_t print_line(const struct line *l, char *buf, size_t size)
{
	static const char *const names[] = {"ERROR", "WARNING", "INFO", "DEBUG"};
	static const char *const colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};
	const char *colour = out_colour && l->level < 4 ? colours[l->level] : "";
	time_t seconds = (time_t)(l->utc_ns / 1000000000ull);
	char id[RLN_ID_TEXT + 1] = "", held[48] = "", when[32];
	struct tm tm;
	int n;

	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	if (l->id) {
		rln_id_text(l->id, id);
		strcat(id, " ");
	}
	if (l->held)
		snprintf(held, sizeof(held), " (and %u more like it before)", l->held);
	n = snprintf(buf, size, "%s%s.%06uZ %-7s %s%s%s%s\n", colour, when, (unsigned)(l->utc_ns % 1000000000ull / 1000),
		names[l->level & 3], id, l->text, held, *colour ? "\033[0m" : "");
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

static void write_all(const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(out_fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nowhere left to tell */
		buf += n;
		len -= (size_t)n;
	}
}

unsigned rln_log_flush(void)
{
	char buf[LINE_ROOM + 160];
	const struct line *l;
	unsigned printed = 0;

	for (; printed < LINES && (l = rln_mpsc_peek(&ring)); printed++) { /* bounded, whatever the producers do meanwhile */
		write_all(buf, print_line(l, buf, sizeof(buf)));
		rln_mpsc_drop(&ring);
	}
	return printed;
}
