/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving events: publish, route, deliver. An event is copied into a local queue, a ring or a backlog and back out; the block
 * that it may own goes with it and is released in exactly one place per fate: after delivery, or when the event is lost.
 */
#include "lcore/bus_priv.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_branch_prediction.h>
#include <rte_ring_elem.h>

#include "lcore/block_priv.h"
#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/log.h"

#define NOWHERE UINT32_MAX

static __thread unsigned self_; /* enum rln_endpoint of this thread */

unsigned rln_bus_self(void)
{
	return self_;
}

/* The end of the process: an invariant of ours does not hold, and going on would corrupt somebody's call. */
__attribute__((cold, noreturn)) static void broken(const char *what, const struct rln_event *ev)
{
	dprintf(2, "ringlane: bus: %s (%s, endpoint %u)\n", what, ev ? rln_event_info(rln_event_kind(ev))->name : "-", self_);
	abort();
}

void rln_bus_enter(struct rln_bus *bus, unsigned endpoint)
{
	if (endpoint >= RLN_ENDPOINT_COUNT || (bus && !bus->endpoints[endpoint]))
		broken("a thread entered an endpoint that does not exist", NULL);
	self_ = endpoint;
}

static void add_figure(uint64_t *figure)
{
	if (self_ == RLN_ENDPOINT_APP)
		__atomic_fetch_add(figure, 1, __ATOMIC_RELAXED);
	else
		__atomic_store_n(figure, __atomic_load_n(figure, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/* An event's end without delivery. */
__attribute__((cold)) static int lose(struct rln_bus_endpoint *ep, const struct rln_event *ev, int error)
{
	const struct rln_event_info *info = rln_event_info(rln_event_kind(ev));

	rln_block_release(rln_event_block(ev));
	add_figure(&ep->figures[ev->kind < RLN_EV_COUNT ? ev->kind : RLN_EV_NONE].dropped);
	if (error == -ENOENT)
		rln_count(RLN_C_BUS_NO_HANDLER);
	else if (info->retry)
		rln_count(RLN_C_BUS_BACKLOG_FULL);
	if (error == -ENOENT)
		rln_log(RLN_LOG_WARNING, ev->id, "event %s (kind %u): no handler takes it", info->name, ev->kind);
	else if (info->retry)
		rln_log(RLN_LOG_WARNING, ev->id, "event %s lost: its way is full", info->name);
	return error;
}

void rln_bus_stamp(struct rln_bus_endpoint *ep, struct rln_event *ev)
{
	uint32_t count;

	do
		count = (self_ == RLN_ENDPOINT_APP ? __atomic_add_fetch(&ep->count, 1, __ATOMIC_RELAXED) : ++ep->count) &
			0xffffff;
	while (count == 0); /* a serial of 0 would mean "no cause" */
	ev->serial = self_ << 24 | count;
	if (ev->cause == 0)
		ev->cause = ep->handling;
	ev->when = (uint32_t)(rln_clock_tsc() >> 4);
}

/* The endpoint whose handler takes the event. */
static unsigned route(const struct rln_bus *bus, const struct rln_event *ev)
{
	enum rln_category category = (enum rln_category)rln_event_info(rln_event_kind(ev))->category;
	unsigned worker = rln_id_shard(ev->id);
	const struct rln_bus_endpoint *ep;

	if (category == RLN_CAT_COUNT)
		return NOWHERE;
	if (bus->endpoints[RLN_ENDPOINT_CONTROL]->handlers[category].handle)
		return RLN_ENDPOINT_CONTROL;
	ep = worker < RLN_WORKERS_MAX ? bus->endpoints[RLN_ENDPOINT_WORKER0 + worker] : NULL;
	return ep && ep->handlers[category].handle ? RLN_ENDPOINT_WORKER0 + worker : NOWHERE;
}

/* Moves what waits into the ring, as far as it goes. True when nothing waits any more. */
static bool flush(struct rln_bus_path *path)
{
	const struct rln_event *ev;

	while ((ev = rln_fifo_peek(&path->backlog))) {
		if (rte_ring_sp_enqueue_elem(path->ring, (void *)(uintptr_t)ev, sizeof(*ev)) < 0)
			return false;
		rln_fifo_drop(&path->backlog);
	}
	return true;
}

static int send_by(struct rln_bus_endpoint *ep, struct rln_bus_path *path, struct rln_event *ev)
{
	if (likely(flush(path) && rte_ring_sp_enqueue_elem(path->ring, ev, sizeof(*ev)) == 0))
		return 0;
	if (!rln_event_info(rln_event_kind(ev))->retry || !rln_fifo_push(&path->backlog, ev))
		return lose(ep, ev, -ENOBUFS);
	add_figure(&ep->figures[ev->kind].retried);
	return -EAGAIN;
}

static int send_to_worker(struct rln_bus *bus, struct rln_bus_endpoint *ep, unsigned worker, struct rln_event *ev)
{
	int rc = send_by(ep, &bus->to_worker[worker], ev);

	if (rc == -EAGAIN)
		bus->waiting |= 1u << worker;
	return rc;
}

static int send_command(struct rln_bus *bus, struct rln_bus_endpoint *ep, const struct rln_event *ev)
{
	uint64_t position;
	struct rln_bus_command *c = rln_mpsc_claim(&bus->from_app, &position);

	if (!c)
		return lose(ep, ev, -ENOBUFS);
	c->ev = *ev;
	rln_mpsc_publish(&bus->from_app, position);
	return 0;
}

int rln_bus_publish(struct rln_bus *bus, const struct rln_event *ev)
{
	struct rln_bus_endpoint *ep = bus->endpoints[self_];
	struct rln_event copy = *ev;
	unsigned target = route(bus, &copy);

	rln_bus_stamp(ep, &copy);
	add_figure(&ep->figures[copy.kind < RLN_EV_COUNT ? copy.kind : RLN_EV_NONE].published);
	if (target == NOWHERE)
		return lose(ep, &copy, -ENOENT);
	if (target == self_)
		return rln_fifo_push(&ep->local, &copy) ? 0 : lose(ep, &copy, -ENOBUFS);
	if (unlikely(rln_block_refs(rln_event_block(&copy)) > 1))
		broken("a block with several references may not leave its lcore", &copy);
	if (self_ == RLN_ENDPOINT_CONTROL)
		return send_to_worker(bus, ep, target - RLN_ENDPOINT_WORKER0, &copy);
	if (target != RLN_ENDPOINT_CONTROL)
		return lose(ep, &copy, -ENOENT); /* no ring runs from worker to worker, nor from applications to workers */
	if (self_ == RLN_ENDPOINT_APP)
		return send_command(bus, ep, &copy);
	return send_by(ep, &bus->to_control[self_ - RLN_ENDPOINT_WORKER0], &copy);
}

static void retry_backlogs(struct rln_bus *bus)
{
	if (self_ != RLN_ENDPOINT_CONTROL) {
		flush(&bus->to_control[self_ - RLN_ENDPOINT_WORKER0]);
		return;
	}
	for (uint32_t left = bus->waiting; left; left &= left - 1) {
		unsigned worker = (unsigned)__builtin_ctz(left);

		if (flush(&bus->to_worker[worker]))
			bus->waiting &= ~(1u << worker);
	}
}

static void observe(const struct rln_bus_endpoint *ep, enum rln_category category, const struct rln_event *ev)
{
	for (unsigned i = 0; i < ep->observers_n; i++)
		if (ep->observers[i].category == category)
			ep->observers[i].handler.handle(ep->observers[i].handler.arg, ev);
}

static void deliver(struct rln_bus *bus, struct rln_bus_endpoint *ep, const struct rln_event *ev)
{
	enum rln_category category = (enum rln_category)rln_event_info(rln_event_kind(ev))->category;
	const struct rln_event_handler *handler = &ep->handlers[category];

	ep->handling = ev->serial;
	if (__atomic_load_n(&bus->tracing, __ATOMIC_RELAXED))
		rln_bus_trace_push(ep, ev);
	if (ep->observed & 1u << category)
		observe(ep, category, ev);
	handler->handle(handler->arg, ev);
	ep->handling = 0;
	add_figure(&ep->figures[ev->kind].delivered);
	rln_block_release(rln_event_block(ev));
}

static unsigned take_burst(struct rte_ring *ring, struct rln_bus_endpoint *ep)
{
	return rte_ring_sc_dequeue_burst_elem(ring, ep->inbox, sizeof(ep->inbox[0]), RLN_BUS_INBOX, NULL);
}

static unsigned take_commands(struct rln_bus *bus, struct rln_bus_endpoint *ep)
{
	const struct rln_bus_command *c;
	unsigned n = 0;

	for (; n < RLN_BUS_INBOX && (c = rln_mpsc_peek(&bus->from_app)); n++) {
		ep->inbox[n] = c->ev;
		rln_mpsc_drop(&bus->from_app);
	}
	return n;
}

/* A burst of the next ring that has any; control looks at its rings in turn, so that none starves another. */
static bool refill(struct rln_bus *bus, struct rln_bus_endpoint *ep)
{
	unsigned sources = bus->workers + 1, n = 0;

	if (self_ != RLN_ENDPOINT_CONTROL) {
		n = take_burst(bus->to_worker[self_ - RLN_ENDPOINT_WORKER0].ring, ep);
	} else {
		for (unsigned i = 0; i < sources && n == 0; i++) {
			unsigned source = ep->source;

			ep->source = source + 1 < sources ? source + 1 : 0;
			n = source ? take_burst(bus->to_control[source - 1].ring, ep) : take_commands(bus, ep);
		}
	}
	__atomic_store_n(&ep->inbox_at, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ep->inbox_n, n, __ATOMIC_RELAXED);
	return n > 0;
}

/* The next event to deliver: first what handlers published here, then what came from elsewhere. */
static bool next_event(struct rln_bus *bus, struct rln_bus_endpoint *ep, struct rln_event *ev)
{
	const struct rln_event *local = rln_fifo_peek(&ep->local);

	if (local) {
		*ev = *local; /* the queue may move while its event is handled */
		rln_fifo_drop(&ep->local);
		return true;
	}
	if (ep->inbox_at == ep->inbox_n && !refill(bus, ep))
		return false;
	*ev = ep->inbox[ep->inbox_at];
	__atomic_store_n(&ep->inbox_at, ep->inbox_at + 1, __ATOMIC_RELAXED);
	return true;
}

unsigned rln_bus_poll(struct rln_bus *bus, unsigned budget)
{
	struct rln_bus_endpoint *ep = bus->endpoints[self_];
	struct rln_event ev;
	unsigned handled = 0;

	if (self_ == RLN_ENDPOINT_APP)
		return 0; /* publishes only */
	if (ep->handling)
		broken("a handler polled the bus that is calling it", NULL);
	retry_backlogs(bus);
	for (; handled < budget && next_event(bus, ep, &ev); handled++)
		deliver(bus, ep, &ev);
	return handled;
}
