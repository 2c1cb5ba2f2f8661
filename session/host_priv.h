/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the hosts, for host.c (who has which call) and host_ops.c (what a handler may do). owner: control lcore. */
#pragma once

#include <pthread.h>
#include <semaphore.h>

#include "session/coordinator.h"
#include "session/host.h"

#define RLN_HOST_NAME 48
#define RLN_HOST_URI  128

struct rln_host_timer {
	struct rln_timer timer; /* first: found from it when it fires */
	struct rln_host_view *host;
	uint64_t call; /* 0: the handler's own */
	uint64_t due_ns;
	uint8_t number;
};

struct rln_host_record { /* one per session slot, made on first use */
	uint64_t call;   /* 0: nobody's */
	struct rln_host_view *owner;
	void *data;
	char caller[RLN_HOST_URI], called[RLN_HOST_URI];
	struct rln_host_timer timers[RLN_HANDLER_TIMERS];
};

struct rln_host_view { /* one handler; constant but for what says otherwise */
	struct rln_host host; /* first: what the handler sees */
	struct rln_hosts *all;
	struct rln_host_view *next;
	struct rln_handler handler;
	unsigned peer; /* local peer that its calls come from; writer: control, before the peer's first INVITE */
	bool has_own_peer;
	bool retired;   /* writer: who retires it */
	uint32_t calls; /* writer: control */
	sem_t idle;     /* posted when it is retired and the last call went */
	struct rln_host_timer timers[RLN_HANDLER_TIMERS];
	char name[RLN_HOST_NAME];
	char *options;
	char text[RLN_BLOCK_SMALL]; /* of text() */
};

struct rln_hosts {
	struct rln_hosts_cfg cfg;
	uint32_t records_n;
	struct rln_host_record **records; /* by session slot */
	struct rln_host_view *first;      /* newest first; grows at its head. Writer: under `adding` */
	pthread_mutex_t adding;           /* applications' threads alone */
	unsigned peer;                    /* of hosts without their own */
	bool is_stopped;
	struct rln_host *(*choose)(void *arg, const struct rln_invite_details *invite);
	void *choose_arg;
};

extern const struct rln_host_ops rln_host_ops;

static inline struct rln_host_view *rln_host_view(struct rln_host *host)
{
	return (struct rln_host_view *)host;
}

/* The record of a call, NULL when no handler has it. */
struct rln_host_record *rln_host_find(struct rln_hosts *hosts, uint64_t call);
/* Makes a call this host's; NULL: no memory, or more sessions than slots. */
struct rln_host_record *rln_host_claim(struct rln_host_view *host, uint64_t call, const char *caller, const char *called);
/* Nobody's again, without telling. */
void rln_host_unclaim(struct rln_hosts *hosts, struct rln_host_record *record);
/* A call came to a host or left it, which who retires it waits for. Control lcore. */
void rln_host_joins(struct rln_host_view *host);
void rln_host_leaves(struct rln_host_view *host);
void rln_host_disarm(struct rln_hosts *hosts, struct rln_host_record *record);
/* A timer fires: tells its handler. */
void rln_host_timer_fired(struct rln_timer *timer, uint64_t now_ns);
/* Counts and names a handler that took over 1 ms since `began` (rln_clock_ns). */
void rln_host_timed(const struct rln_host_view *host, uint64_t began, const char *what);
