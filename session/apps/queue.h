/* SPDX-License-Identifier: BSD-3-Clause */
/* What a call queue is made of, for queue.c (callers, from the INVITE to the end), queue_agents.c (who is called) and their tests.
 * owner: control lcore; figures are read by any thread. */
#pragma once

#include "session/apps/handlers.h"

enum { /* timers; of a caller but for those that say otherwise */
	RLN_QUEUE_TIMER_WAIT,     /* the longest wait is over */
	RLN_QUEUE_TIMER_ANNOUNCE, /* the next announcement */
	RLN_QUEUE_TIMER_RING,     /* of an agent's call: it rang long enough */
	RLN_QUEUE_TIMER_REST,     /* of the queue: an agent's rest is over */
};

struct rln_queue_party { /* data of a call: first in both of the structs below */
	bool is_agent;
	struct rln_session_id call; /* {0}: none */
};

struct rln_queue_caller {
	struct rln_queue_party party;
	struct rln_queue_caller *next;  /* of those that wait, oldest first */
	struct rln_queue_agent *agent;  /* whom it talks to */
	uint64_t since_ms;
	unsigned ringing;       /* agents that are being called for it */
	unsigned announcements; /* that it heard, to take them in turn */
	bool is_waiting;        /* up, and in the queue's list */
	bool announce_due;      /* an announcement comes after what plays now */
	bool no_music;          /* it could not be played */
	enum { RLN_HEARS_NOTHING, RLN_HEARS_MUSIC, RLN_HEARS_SPEECH } hears;
	char digits[12];        /* of its place, still to be said */
};

enum rln_agent_state { RLN_AGENT_FREE, RLN_AGENT_RINGING, RLN_AGENT_TALKING, RLN_AGENT_RESTING };

struct rln_queue_agent {
	struct rln_queue_party party;
	const char *uri;
	struct rln_queue_caller *caller; /* for whom it rings, or with whom it talks; NULL: the caller is gone */
	enum rln_agent_state state;
	bool is_cancelled;      /* we gave its call up: not the agent's doing */
	uint64_t idle_since_ms; /* end of its last call */
	uint64_t rest_until_ms;
};

struct rln_queue {
	const struct rln_config_queue *cfg;
	struct rln_host *host; /* known from its first call on */
	struct rln_queue_caller *waiting;
	struct rln_queue_agent agents[RLN_CONFIG_AGENTS];
	unsigned turn; /* round_robin: agent to begin with */
	struct rln_queue_figures figures;
};

/* queue_agents.c: calls agents for those who wait, as the strategy has it. */
void rln_queue_dispatch(struct rln_queue *q);
/* No agent rings for this caller any more. */
void rln_queue_cancel_agents(struct rln_queue *q, const struct rln_queue_caller *caller);
/* An agent's call is up, or has ended. */
void rln_queue_agent_up(struct rln_queue *q, struct rln_queue_agent *agent);
void rln_queue_agent_ended(struct rln_queue *q, struct rln_queue_agent *agent);
/* queue.c: a caller leaves those who wait, its music and its timers stop. */
void rln_queue_leave(struct rln_queue *q, struct rln_queue_caller *caller);
/* One more in a figure that other threads read. */
static inline void rln_queue_add(uint64_t *figure, int64_t by)
{
	__atomic_store_n(figure, *figure + (uint64_t)by, __ATOMIC_RELAXED);
}
