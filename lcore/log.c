/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log ring: a bounded queue of fixed-size lines for many producers (after Vyukov). A cell's sequence number says whose turn
 * it is; a producer claims a cell, prints into it and publishes it, and waits for nobody. When the ring is full the line is
 * lost and counted. Nothing here needs EAL or our clock, so the first line of main may already log.
 */
#include "lcore/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lcore/count.h"
#include "lcore/id.h"

#define LINES     1024 /* a power of two */
#define LINE_ROOM 360
#define LIMIT     10 /* lines of one site */
#define WINDOW_NS 1000000000ull

struct cell {
	uint64_t
		sequence; /* == position: free for the producer; == position + 1: ready for the writer. Offset by its index, so 0 is right at start */
	uint64_t utc_ns, id;
	uint32_t held;
	uint8_t level;
	char text[LINE_ROOM];
};

enum rln_log_level rln_log_level = RLN_LOG_INFO;

static struct cell cells[LINES];
static uint64_t head __attribute__((aligned(64))); /* producers */
static uint64_t tail __attribute__((aligned(64))); /* the writer */
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

/*
 * Whose turn a cell is: at `position` the producer's that claims it, at position + 1 the writer's. What is stored is less by
 * the cell's index, so that static zeroes are a valid empty ring.
 */
static uint64_t turn_of(const struct cell *c)
{
	return __atomic_load_n(&c->sequence, __ATOMIC_ACQUIRE) + (uint64_t)(c - cells);
}

static void give_turn(struct cell *c, uint64_t turn)
{
	__atomic_store_n(&c->sequence, turn - (uint64_t)(c - cells), __ATOMIC_RELEASE);
}

static struct cell *claim(uint64_t *position)
{
	uint64_t at = __atomic_load_n(&head, __ATOMIC_RELAXED);

	for (;;) {
		struct cell *c = &cells[at % LINES];
		int64_t ahead = (int64_t)(turn_of(c) - at);

		if (ahead < 0)
			return NULL; /* full */
		if (ahead == 0 && __atomic_compare_exchange_n(&head, &at, at + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			*position = at;
			return c;
		}
		if (ahead > 0)
			at = __atomic_load_n(&head, __ATOMIC_RELAXED);
	}
}

void rln_log_at(struct rln_log_site *site, enum rln_log_level level, uint64_t id, const char *format, ...)
{
	uint64_t now = utc_ns();
	uint64_t position;
	uint32_t held;
	struct cell *c;
	va_list args;

	if (!is_allowed(site, now, &held))
		return;
	c = claim(&position);
	if (!c) {
		__atomic_fetch_add(&site->held, held + 1, __ATOMIC_RELAXED);
		rln_count(RLN_C_LOG_SUPPRESSED);
		return;
	}
	c->utc_ns = now;
	c->id = id;
	c->level = (uint8_t)level;
	c->held = held;
	va_start(args, format);
	vsnprintf(c->text, sizeof(c->text), format, args);
	va_end(args);
	give_turn(c, position + 1);
}

void rln_log_open(int fd, bool colour)
{
	out_fd = fd;
	out_colour = colour;
}

/* "2026-01-02T03:04:05.678901Z WARNING s0/12#3 text" */
static size_t print_line(const struct cell *c, char *buf, size_t size)
{
	static const char *const names[] = {"ERROR", "WARNING", "INFO", "DEBUG"};
	static const char *const colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};
	const char *colour = out_colour && c->level < 4 ? colours[c->level] : "";
	time_t seconds = (time_t)(c->utc_ns / 1000000000ull);
	char id[RLN_ID_TEXT + 1] = "", held[48] = "", when[32];
	struct tm tm;
	int n;

	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	if (c->id) {
		rln_id_text(c->id, id);
		strcat(id, " ");
	}
	if (c->held)
		snprintf(held, sizeof(held), " (and %u more like it before)", c->held);
	n = snprintf(buf, size, "%s%s.%06uZ %-7s %s%s%s%s\n", colour, when, (unsigned)(c->utc_ns % 1000000000ull / 1000),
		names[c->level & 3], id, c->text, held, *colour ? "\033[0m" : "");
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
	unsigned printed = 0;

	for (; printed < LINES; printed++) { /* bounded, whatever the producers do meanwhile */
		struct cell *c = &cells[tail % LINES];

		if (turn_of(c) != tail + 1)
			break;
		write_all(buf, print_line(c, buf, sizeof(buf)));
		give_turn(c, tail + LINES);
		tail++;
	}
	return printed;
}
