/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus outside the hot path: building it, figures, depth, and the trace. */
#include "lcore/bus_priv.h"

#include <errno.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_ring_elem.h>

#include "lcore/block_priv.h"
#include "lcore/count.h"
#include "lcore/heap.h"

#define APP_RING      4096u
#define TRACE_RING    4096u
#define LOCAL_INITIAL 256u
#define QUEUE_MAX     (1u << 18) /* control: 16 MB of events in one queue is not a burst but a fault */
#define WORKER_QUEUES 8u         /* times the ring's size: backlog and local queue of a worker, which may not grow */

/* Events that never came to delivery give their blocks back. */
static void drain_ring(struct rte_ring *ring)
{
	struct rln_event ev;

	while (ring && rte_ring_sc_dequeue_elem(ring, &ev, sizeof(ev)) == 0)
		rln_block_release(rln_event_block(&ev));
	rln_ring_free(ring);
}

static void drain_commands(struct rln_mpsc *ring)
{
	const struct rln_bus_command *c;

	for (; ring->cells && (c = rln_mpsc_peek(ring)); rln_mpsc_drop(ring))
		rln_block_release(rln_event_block(&c->ev));
	rln_free(ring->cells);
}

static void drain_fifo(struct rln_fifo *fifo)
{
	const struct rln_event *ev;

	for (; (ev = rln_fifo_peek(fifo)); rln_fifo_drop(fifo))
		rln_block_release(rln_event_block(ev));
	rln_fifo_fini(fifo);
}

static void path_fini(struct rln_bus_path *path)
{
	drain_ring(path->ring);
	drain_fifo(&path->backlog);
	path->ring = NULL;
}

static int path_init(struct rln_bus_path *path, unsigned size, uint32_t initial, uint32_t max)
{
	path->ring = rln_ring_new(size, RING_F_SP_ENQ | RING_F_SC_DEQ);
	return path->ring ? rln_fifo_init(&path->backlog, initial, max) : -errno;
}

static void endpoint_free(struct rln_bus_endpoint *ep)
{
	if (!ep)
		return;
	drain_fifo(&ep->local);
	for (uint32_t i = ep->inbox_at; i < ep->inbox_n; i++)
		rln_block_release(rln_event_block(&ep->inbox[i]));
	drain_ring(ep->trace);
	rln_free(ep);
}

static struct rln_bus_endpoint *endpoint_new(bool delivers, uint32_t local_initial, uint32_t local_max)
{
	struct rln_bus_endpoint *ep = rln_alloc_aligned(64, sizeof(*ep));

	if (!ep)
		return NULL;
	memset(ep, 0, sizeof(*ep));
	if (!delivers)
		return ep;
	ep->trace = rln_ring_new(TRACE_RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ep->trace && rln_fifo_init(&ep->local, local_initial, local_max) == 0)
		return ep;
	endpoint_free(ep);
	return NULL;
}

struct rln_bus *rln_bus_new(void)
{
	struct rln_bus *bus = rln_alloc_aligned(64, sizeof(*bus));

	if (!bus)
		return NULL;
	memset(bus, 0, sizeof(*bus));
	bus->endpoints[RLN_ENDPOINT_APP] = endpoint_new(false, 0, 0);
	bus->endpoints[RLN_ENDPOINT_CONTROL] = endpoint_new(true, LOCAL_INITIAL, QUEUE_MAX);
	bus->from_app.size = APP_RING;
	bus->from_app.stride = sizeof(struct rln_bus_command);
	bus->from_app.cells = rln_zalloc((size_t)APP_RING * sizeof(struct rln_bus_command));
	if (bus->endpoints[RLN_ENDPOINT_APP] && bus->endpoints[RLN_ENDPOINT_CONTROL] && bus->from_app.cells)
		return bus;
	rln_bus_free(bus);
	errno = ENOMEM;
	return NULL;
}

void rln_bus_free(struct rln_bus *bus)
{
	if (!bus)
		return;
	for (unsigned w = 0; w < RLN_WORKERS_MAX; w++) {
		path_fini(&bus->to_worker[w]);
		path_fini(&bus->to_control[w]);
	}
	drain_commands(&bus->from_app);
	for (unsigned e = 0; e < RLN_ENDPOINT_COUNT; e++) {
		endpoint_free(bus->endpoints[e]);
		if (bus->reader.has[e])
			rln_block_release(rln_event_block(&bus->reader.next[e]));
	}
	rln_block_release(bus->reader.block);
	rln_free(bus);
}

int rln_bus_add_worker(struct rln_bus *bus, unsigned worker, unsigned size)
{
	int rc;

	if (worker >= RLN_WORKERS_MAX || size < 2 || size > QUEUE_MAX / WORKER_QUEUES || (size & (size - 1)))
		return -EINVAL;
	if (bus->endpoints[RLN_ENDPOINT_WORKER0 + worker])
		return -EEXIST;
	if (worker != bus->workers) /* control polls them as one row */
		return -EINVAL;
	rc = path_init(&bus->to_worker[worker], size, 0, QUEUE_MAX);
	if (rc == 0)
		rc = path_init(&bus->to_control[worker], size, WORKER_QUEUES * size, WORKER_QUEUES * size);
	if (rc < 0)
		goto out;
	rc = -ENOMEM;
	bus->endpoints[RLN_ENDPOINT_WORKER0 + worker] = endpoint_new(true, WORKER_QUEUES * size, WORKER_QUEUES * size);
	if (!bus->endpoints[RLN_ENDPOINT_WORKER0 + worker])
		goto out;
	bus->workers++;
	return 0;
out:
	path_fini(&bus->to_worker[worker]);
	path_fini(&bus->to_control[worker]);
	return rc;
}

unsigned rln_bus_workers(const struct rln_bus *bus)
{
	return bus->workers;
}

static struct rln_bus_endpoint *delivering(const struct rln_bus *bus, const struct rln_event_handler *handler)
{
	if (handler->endpoint == RLN_ENDPOINT_APP || handler->endpoint >= RLN_ENDPOINT_COUNT || !handler->handle)
		return NULL;
	return bus->endpoints[handler->endpoint];
}

/* A category belongs to control, or to the workers: else where an event goes would depend on the order of registration. */
static bool is_taken(const struct rln_bus *bus, enum rln_category category, unsigned endpoint)
{
	for (unsigned e = RLN_ENDPOINT_CONTROL; e < RLN_ENDPOINT_COUNT; e++) {
		bool rivals = e == endpoint || (e == RLN_ENDPOINT_CONTROL) != (endpoint == RLN_ENDPOINT_CONTROL);

		if (rivals && bus->endpoints[e] && bus->endpoints[e]->handlers[category].handle)
			return true;
	}
	return false;
}

int rln_bus_register_handler(struct rln_bus *bus, enum rln_category category, const struct rln_event_handler *handler)
{
	struct rln_bus_endpoint *ep = delivering(bus, handler);

	if (!ep || (unsigned)category >= RLN_CAT_COUNT)
		return -EINVAL;
	if (is_taken(bus, category, handler->endpoint))
		return -EEXIST;
	ep->handlers[category] = *handler;
	return 0;
}

int rln_bus_subscribe(struct rln_bus *bus, enum rln_category category, const struct rln_event_handler *observer)
{
	struct rln_bus_endpoint *ep = delivering(bus, observer);

	if (!ep || (unsigned)category >= RLN_CAT_COUNT)
		return -EINVAL;
	if (ep->observers_n == RLN_BUS_OBSERVERS)
		return -ENOSPC;
	ep->observers[ep->observers_n++] = (struct rln_bus_observer){*observer, (uint8_t)category};
	ep->observed |= 1u << category;
	return 0;
}

void rln_bus_figures(const struct rln_bus *bus, enum rln_event_kind kind, struct rln_bus_figures *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned e = 0; e < RLN_ENDPOINT_COUNT && (unsigned)kind < RLN_EV_COUNT; e++) {
		const struct rln_bus_figures *f = bus->endpoints[e] ? &bus->endpoints[e]->figures[kind] : NULL;

		if (!f)
			continue;
		out->published += __atomic_load_n(&f->published, __ATOMIC_RELAXED);
		out->delivered += __atomic_load_n(&f->delivered, __ATOMIC_RELAXED);
		out->retried += __atomic_load_n(&f->retried, __ATOMIC_RELAXED);
		out->dropped += __atomic_load_n(&f->dropped, __ATOMIC_RELAXED);
	}
}

static unsigned path_depth(const struct rln_bus_path *path)
{
	return rln_ring_count(path->ring) + rln_fifo_count(&path->backlog);
}

unsigned rln_bus_depth(const struct rln_bus *bus, unsigned endpoint)
{
	const struct rln_bus_endpoint *ep;
	unsigned depth, at;

	if (endpoint == RLN_ENDPOINT_APP || endpoint >= RLN_ENDPOINT_COUNT || !bus->endpoints[endpoint])
		return 0;
	ep = bus->endpoints[endpoint];
	at = __atomic_load_n(&ep->inbox_at, __ATOMIC_RELAXED);
	depth = __atomic_load_n(&ep->inbox_n, __ATOMIC_RELAXED);
	depth = depth > at ? depth - at : 0;
	depth += rln_fifo_count(&ep->local);
	if (endpoint != RLN_ENDPOINT_CONTROL)
		return depth + path_depth(&bus->to_worker[endpoint - RLN_ENDPOINT_WORKER0]);
	depth += rln_mpsc_count(&bus->from_app);
	for (unsigned w = 0; w < bus->workers; w++)
		depth += path_depth(&bus->to_control[w]);
	return depth;
}

void rln_bus_trace(struct rln_bus *bus, bool on)
{
	__atomic_store_n(&bus->tracing, on, __ATOMIC_RELAXED);
}

bool rln_bus_is_traced(const struct rln_bus *bus)
{
	return __atomic_load_n(&bus->tracing, __ATOMIC_RELAXED);
}

void rln_bus_trace_push(struct rln_bus_endpoint *endpoint, const struct rln_event *ev)
{
	struct rln_event copy = *ev;

	if (rln_ring_is_full(endpoint->trace)) {
		rln_count(RLN_C_TRACE_LOST);
		return;
	}
	if (rln_event_info(rln_event_kind(ev))->has_block)
		copy.make_call.block = rln_block_copy_for_trace(rln_event_block(ev));
	rte_ring_sp_enqueue_elem(endpoint->trace, &copy, sizeof(copy));
}

/* A call within a call has the event for its cause, too: its record stands before that of the outer one. */
struct rln_bus_call rln_bus_call_begin(struct rln_bus *bus)
{
	struct rln_bus_endpoint *ep = bus->endpoints[rln_bus_self()];
	struct rln_bus_call call = {.serial = 0};
	struct rln_event ev = {.cause = 0};

	if (likely(!rln_bus_is_traced(bus)) || !ep->trace)
		return call;
	rln_bus_stamp(ep, &ev);
	call.serial = ev.serial;
	call.when = ev.when;
	call.outer = ep->handling;
	if (ep->calls++ == 0)
		ep->calling = ep->handling;
	ep->handling = ev.serial;
	return call;
}

void rln_bus_call_end(struct rln_bus *bus, const struct rln_bus_call *call, uint64_t id, const struct rln_ev_direct_call *what)
{
	struct rln_bus_endpoint *ep = bus->endpoints[rln_bus_self()];
	struct rln_event ev = {.id = id, .cause = ep->calling, .when = call->when, .spare = RLN_TRACED_CALL};

	if (likely(call->serial == 0))
		return;
	ep->calls--;
	ep->handling = call->outer;
	ev.serial = call->serial;
	ev.call = *what;
	if (rln_ring_is_full(ep->trace)) {
		rln_count(RLN_C_TRACE_LOST);
		return;
	}
	ev.call.block = rln_block_text_for_trace(call->text, call->text_len, &ev.call.message);
	rte_ring_sp_enqueue_elem(ep->trace, &ev, sizeof(ev));
}

/*
 * Fills the reader's look-ahead until a whole pass finds nothing more. An event is traced before it is handled, so when we see
 * an effect, its cause is in some ring already: the pass after the one that found the effect finds the cause.
 */
static void look_ahead(struct rln_bus *bus)
{
	struct rln_bus_reader *r = &bus->reader;
	bool found;

	do {
		found = false;
		for (unsigned e = RLN_ENDPOINT_CONTROL; e < RLN_ENDPOINT_COUNT; e++) {
			struct rln_bus_endpoint *ep = bus->endpoints[e];

			if (r->has[e] || !ep || rte_ring_sc_dequeue_elem(ep->trace, &r->next[e], sizeof(r->next[e])) < 0)
				continue;
			r->has[e] = found = true;
		}
	} while (found);
}

bool rln_bus_trace_pop(struct rln_bus *bus, struct rln_event *ev, unsigned *endpoint)
{
	struct rln_bus_reader *r = &bus->reader;
	unsigned oldest = 0;

	rln_block_release(r->block);
	r->block = 0;
	look_ahead(bus);
	for (unsigned e = RLN_ENDPOINT_CONTROL; e < RLN_ENDPOINT_COUNT; e++)
		if (r->has[e] && (!oldest || (int32_t)(r->next[e].when - r->next[oldest].when) < 0))
			oldest = e;
	if (!oldest)
		return false;
	*ev = r->next[oldest];
	*endpoint = oldest;
	r->has[oldest] = false;
	r->block = rln_event_block(ev);
	return true;
}
