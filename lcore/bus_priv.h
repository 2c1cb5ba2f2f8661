/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus from inside: bus.c moves events, bus_setup.c builds, counts and traces. */
#pragma once

#include "lcore/bus.h"
#include "lcore/fifo.h"
#include "lcore/mpsc.h"

#define RLN_BUS_INBOX 32
#define RLN_BUS_OBSERVERS 16

struct rln_bus_path {            /* owner of backlog: the endpoint that sends */
	struct rte_ring *ring;   /* SP/SC */
	struct rln_fifo backlog; /* what found the ring full, in order */
};

struct rln_bus_command { /* an event of an application thread */
	struct rln_mpsc_cell cell;
	struct rln_event ev;
};

struct rln_bus_observer {
	struct rln_event_handler handler;
	uint8_t category; /* enum rln_category */
};

struct rln_bus_endpoint { /* owner: its thread; handlers and observers are constant while lcores run */
	uint32_t count;          /* of events published here; APP: atomic */
	uint32_t handling;       /* serial of the event that is being handled, or of the traced call in it; 0 = none */
	uint32_t calls, calling; /* traced calls that run now, one in another; the event that led to the first */
	struct rln_fifo local;   /* published here for here */
	struct rln_event inbox[RLN_BUS_INBOX]; /* taken from a ring, not yet delivered */
	uint32_t inbox_at, inbox_n;            /* others may read them */
	unsigned source;                       /* control: where the next burst is looked for first */
	struct rln_event_handler handlers[RLN_CAT_COUNT];
	struct rln_bus_observer observers[RLN_BUS_OBSERVERS];
	unsigned observers_n;
	uint32_t observed;                     /* bit per category */
	struct rln_bus_figures figures[RLN_EV_COUNT]; /* one writer, relaxed; APP: atomic */
	struct rte_ring *trace;                /* to the trace reader, SP/SC; APP has none */
};

struct rln_bus_reader {              /* owner: the trace reader */
	rln_block_ref block;         /* of the event that was popped last */
	struct rln_event next[RLN_ENDPOINT_COUNT]; /* the oldest of each endpoint's ring */
	bool has[RLN_ENDPOINT_COUNT];
};

struct rln_bus { /* owner: main thread; constant while lcores run, but for what others own as said above */
	unsigned workers;
	bool tracing; /* relaxed */
	struct rln_mpsc from_app;                         /* of struct rln_bus_command, to control */
	struct rln_bus_path to_worker[RLN_WORKERS_MAX];   /* backlogs: control's */
	struct rln_bus_path to_control[RLN_WORKERS_MAX];  /* backlogs: each worker's */
	uint32_t waiting;                                 /* control: bit per worker whose backlog is not empty */
	struct rln_bus_endpoint *endpoints[RLN_ENDPOINT_COUNT];
	struct rln_bus_reader reader;
};

/* Serial, time and, unless it has one, the cause. The endpoint's own thread. */
void rln_bus_stamp(struct rln_bus_endpoint *endpoint, struct rln_event *ev);
/* A copy of an event that is about to be handled, for the trace reader. */
void rln_bus_trace_push(struct rln_bus_endpoint *endpoint, const struct rln_event *ev);
