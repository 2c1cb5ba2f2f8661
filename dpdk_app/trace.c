/* SPDX-License-Identifier: BSD-3-Clause */
/* The trace's reader; see trace.h. */
#include "dpdk_app/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dpdk_app/ladder.h"
#include "dpdk_app/trace_client.h"
#include "lcore/block.h"
#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/heap.h"

#define LINE_ROOM 16384 /* of one event, its SIP message included: 4 KB, each line with a margin */
#define OUT_ROOM  65536

struct rln_trace {
	struct rln_bus *bus;
	struct rln_trace_door *door;   /* NULL: nobody can ask */
	struct rln_trace_calls *calls; /* while the trace is on */
	int fd;
	uint8_t how; /* enum rln_config_trace; any thread writes, relaxed */
	bool is_on, has_head;
	uint64_t lost;              /* records that the rings had no room for, as told already */
	struct rln_ladder_text out; /* for fd */
	char line[LINE_ROOM], out_buf[OUT_ROOM];
};

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

int rln_trace_create(struct rln_trace **out, struct rln_bus *bus, int fd, const char *socket)
{
	struct rln_trace *t = rln_zalloc(sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->bus = bus;
	t->fd = fd;
	t->out = (struct rln_ladder_text){t->out_buf, sizeof(t->out_buf), 0};
	if (socket && rln_trace_door_open(&t->door, socket) == -ENOMEM) {
		rln_free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void rln_trace_destroy(struct rln_trace *t)
{
	if (!t)
		return;
	rln_trace_door_close(t->door);
	rln_trace_calls_destroy(t->calls);
	rln_free(t);
}

struct rln_bus *rln_trace_bus(const struct rln_trace *t)
{
	return t->bus;
}

void rln_trace_print(struct rln_trace *t, enum rln_config_trace how)
{
	__atomic_store_n(&t->how, (uint8_t)how, __ATOMIC_RELAXED);
}

/* ---- output for all calls ---- */

static void flush(struct rln_trace *t)
{
	const char *at = t->out.s;
	ssize_t n;

	for (; t->out.len > 0; t->out.len -= (size_t)n, at += n) {
		n = write(t->fd, at, t->out.len);
		if (n <= 0)
			break; /* nobody reads: traces are for people */
	}
	t->out.len = 0;
}

static void print(struct rln_trace *t, const struct rln_traced *e, const struct rln_trace_place *place, bool verbose)
{
	const struct rln_ladder_style style = {.numbers = true, .verbose = verbose, .colour = isatty(t->fd)};

	if (t->out.room - t->out.len < LINE_ROOM)
		flush(t);
	if (!t->has_head)
		rln_ladder_head(&t->out, &style);
	t->has_head = true;
	rln_ladder_line(&t->out, &style, e, place);
}

void rln_trace_feed(struct rln_trace *t, const struct rln_event *ev, unsigned endpoint, char *text, size_t room)
{
	const struct rln_traced e = {ev, endpoint, rln_trace_time(ev, rln_clock_tsc()), text, room};
	enum rln_config_trace how = (enum rln_config_trace)__atomic_load_n(&t->how, __ATOMIC_RELAXED);
	struct rln_ladder_text line = {t->line, sizeof(t->line), 0};
	struct rln_trace_place place;

	if (!t->calls)
		return; /* the tail of a trace that was switched off */
	if (text)
		rln_trace_mask(text, room);
	rln_trace_calls_place(t->calls, &e, &place);
	if (how != RLN_TRACE_OFF)
		print(t, &e, &place, how == RLN_TRACE_MESSAGES);
	rln_trace_door_show(t->door, &e, &place, &line);
}

unsigned rln_trace_read(struct rln_trace *t, unsigned budget)
{
	struct rln_event ev;
	unsigned n = 0, endpoint;

	for (; n < budget && rln_bus_trace_pop(t->bus, &ev, &endpoint); n++) {
		rln_block_ref block = rln_event_block(&ev);
		char *text = block ? rln_block_data(block) : NULL;

		rln_trace_feed(
			t, &ev, endpoint, text, text ? RLN_BLOCK_SMALL : 0); /* a copy has that much, whatever was copied */
	}
	return n;
}

/* What the rings lost since it was told last. */
static void tell_lost(struct rln_trace *t)
{
	uint64_t total = rln_count_total(RLN_C_TRACE_LOST), lost = total - t->lost;

	t->lost = total;
	if (lost == 0 || !t->is_on)
		return;
	if (__atomic_load_n(&t->how, __ATOMIC_RELAXED) != RLN_TRACE_OFF)
		rln_ladder_put(&t->out, "!!! %lu events are missing here: they came faster than they could be traced\n",
			(unsigned long)lost);
	rln_trace_door_tell_lost(t->door, lost);
}

/* The bus copies events only while somebody looks. */
static void switch_bus(struct rln_trace *t)
{
	bool is_wanted = __atomic_load_n(&t->how, __ATOMIC_RELAXED) != RLN_TRACE_OFF || rln_trace_door_is_wanted(t->door);

	if (is_wanted == t->is_on)
		return;
	if (is_wanted && rln_trace_calls_create(&t->calls) != 0)
		return; /* no memory: again at the next turn */
	if (!is_wanted) {
		rln_trace_calls_destroy(t->calls);
		t->calls = NULL;
	}
	t->is_on = is_wanted;
	t->has_head = false;
	t->lost = rln_count_total(RLN_C_TRACE_LOST);
	rln_bus_trace(t->bus, is_wanted);
}

void rln_trace_serve(struct rln_trace *t)
{
	tell_lost(t);
	flush(t);
	rln_trace_door_serve(t->door);
	switch_bus(t);
}
