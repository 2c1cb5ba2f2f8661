/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one path between layers and lcores (requirements R7, R21, R38).
 *
 * An endpoint is a thread that delivers events: the control lcore, or one worker. Between control and each worker
 * runs one SP/SC ring per direction; application threads reach control through one ring (mpsc.h). On its own endpoint an
 * event waits in a local queue, so delivery is run-to-completion and in order: what a handler publishes comes after
 * what is being handled. A kind marked RETRY that finds a ring full waits in the publisher's own backlog and keeps
 * its place; a kind marked COUNT is dropped and counted.
 */
#pragma once

#include <stdbool.h>

#include "lcore/event.h"

#define RLN_WORKERS_MAX 32

/* Endpoint numbers: also the "lcore" byte of an event's serial. */
enum rln_endpoint {
	RLN_ENDPOINT_APP = 0,     /* every application thread; publishes only */
	RLN_ENDPOINT_CONTROL = 1,
	RLN_ENDPOINT_WORKER0 = 2, /* worker k is RLN_ENDPOINT_WORKER0 + k */
	RLN_ENDPOINT_COUNT = RLN_ENDPOINT_WORKER0 + RLN_WORKERS_MAX,
};

struct rln_bus;

/* Called on the owning endpoint. `ev` is the bus's copy and valid during the call; see block.h about its block. */
struct rln_event_handler {
	void (*handle)(void *arg, const struct rln_event *ev);
	void *arg;
	uint8_t endpoint; /* where it runs */
};

/* The process's bus, without workers; NULL with errno. Main thread. */
struct rln_bus *rln_bus_new(void);
void rln_bus_free(struct rln_bus *bus);
/*
 * Rings for worker k, `size` events each (a power of two; one less is usable); k counts up from 0.
 * 0, -EINVAL, -EEXIST or -ENOMEM. Before the lcores run.
 */
int rln_bus_add_worker(struct rln_bus *bus, unsigned worker, unsigned size) __attribute__((warn_unused_result));
unsigned rln_bus_workers(const struct rln_bus *bus);

/*
 * The receiver of a category on one endpoint; a category that workers own has one handler per worker, and an event
 * goes to the worker in its id's shard. -EEXIST when the place is taken (a category belongs to control or to workers, never
 * to both), -EINVAL when the endpoint does not exist. Before the lcores run.
 */
int rln_bus_register_handler(struct rln_bus *bus, enum rln_category category,
	const struct rln_event_handler *handler) __attribute__((warn_unused_result));
/*
 * Observers see every event of a category when it is delivered, before its handler, on the endpoint that delivers it: one
 * registration per endpoint. 0, -EINVAL or -ENOSPC. Before the lcores run.
 */
int rln_bus_subscribe(struct rln_bus *bus, enum rln_category category,
	const struct rln_event_handler *observer) __attribute__((warn_unused_result));

/*
 * Publishes a copy of *ev from the calling thread's endpoint; stamps serial, time and, unless set, the cause (the
 * event being handled here). The event's block now belongs to the bus, whatever the result. 0; -EAGAIN: waits in
 * the backlog (not a failure); -ENOBUFS: a COUNT kind, or a RETRY kind that the full backlog could not take, was dropped;
 * -ENOENT: no handler, or no way to it (counted, logged): workers reach themselves and control, applications control.
 * Application threads: -ENOBUFS when control's command ring is full.
 */
int rln_bus_publish(struct rln_bus *bus, const struct rln_event *ev);

/* Makes the calling thread endpoint `endpoint` (default: APP). The bus only checks that it exists and may be NULL. */
void rln_bus_enter(struct rln_bus *bus, unsigned endpoint);
/* Delivers up to `budget` events to the calling endpoint's handlers and retries its backlog. Returns how many were handled. */
unsigned rln_bus_poll(struct rln_bus *bus, unsigned budget);

/* The endpoint of the calling thread. */
unsigned rln_bus_self(void);

/* One switch for tracing: copies of every delivered event and of every direct call, for one reader. Any thread. */
void rln_bus_trace(struct rln_bus *bus, bool on);
bool rln_bus_is_traced(const struct rln_bus *bus);
/*
 * Next traced event, with the endpoint that delivered it; false when there is none. Its block is a copy of the first 4 KB
 * that lives until the next call. One reader thread.
 */
bool rln_bus_trace_pop(struct rln_bus *bus, struct rln_event *ev, unsigned *endpoint);

/*
 * A direct call from one layer down to the next (R5, R10), seen by the trace only. What the callee publishes names the call as
 * its cause, and the call names the event that is being handled; while tracing is off both functions are one branch, and the
 * cause is that event. In the trace it is an event of kind NONE whose `spare` is RLN_TRACED_CALL and whose payload is `call`.
 */
struct rln_bus_call {
	uint32_t serial, outer, when; /* serial 0: not traced */
	uint32_t text_len;            /* what went along, for the reader's eyes; the caller may set it before the end */
	const char *text;
};

struct rln_bus_call rln_bus_call_begin(struct rln_bus *bus);
/* what->block and ->message are filled here. */
void rln_bus_call_end(struct rln_bus *bus, const struct rln_bus_call *call, uint64_t id, const struct rln_ev_direct_call *what);

/* Always-on figures per kind, summed over endpoints (R10). Any thread. */
struct rln_bus_figures { uint64_t published, delivered, retried, dropped; };
void rln_bus_figures(const struct rln_bus *bus, enum rln_event_kind kind, struct rln_bus_figures *out);
/* Events waiting toward an endpoint (rings, local queue, backlogs), for telemetry and drain. Any thread; a snapshot. */
unsigned rln_bus_depth(const struct rln_bus *bus, unsigned endpoint);
