/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The agents of a call queue: who is called for whom. An agent is free, rings for one caller, talks to one, or rests: after a call
 * (wrap_up_s), or because it did not answer, was busy or could not be reached (retry_s), so that a dead telephone holds up nobody.
 * The tables are at most RLN_CONFIG_AGENTS long and are walked.
 */
#include "session/apps/queue.h"

/* ---- choosing ---- */

static struct rln_queue_agent *longest_idle(struct rln_queue *q)
{
	struct rln_queue_agent *best = NULL;

	for (unsigned i = 0; i < q->cfg->agents_n; i++) {
		struct rln_queue_agent *a = &q->agents[i];

		if (a->state == RLN_AGENT_FREE && (!best || a->idle_since_ms < best->idle_since_ms))
			best = a;
	}
	return best;
}

static struct rln_queue_agent *first_free(struct rln_queue *q, unsigned from)
{
	for (unsigned i = 0; i < q->cfg->agents_n; i++) {
		struct rln_queue_agent *a = &q->agents[(from + i) % q->cfg->agents_n];

		if (a->state == RLN_AGENT_FREE)
			return a;
	}
	return NULL;
}

static struct rln_queue_agent *choose(struct rln_queue *q)
{
	struct rln_queue_agent *agent = NULL;

	switch ((enum rln_config_strategy)q->cfg->strategy) {
	case RLN_QUEUE_RING_ALL:
	case RLN_QUEUE_LINEAR:
		return first_free(q, 0);
	case RLN_QUEUE_LONGEST_IDLE:
		return longest_idle(q);
	case RLN_QUEUE_ROUND_ROBIN:
		agent = first_free(q, q->turn);
		if (agent)
			q->turn = (unsigned)(agent - q->agents + 1) % q->cfg->agents_n;
		break;
	}
	return agent;
}

/* ---- calling ---- */

static uint64_t now_ms(struct rln_queue *q)
{
	return q->host->ops->now_ms(q->host);
}

/* Counts who is free anew: four states, one figure each would drift apart. */
static void count(struct rln_queue *q)
{
	uint64_t n[RLN_AGENT_RESTING + 1] = {0};

	for (unsigned i = 0; i < q->cfg->agents_n; i++)
		n[q->agents[i].state]++;
	__atomic_store_n(&q->figures.free, n[RLN_AGENT_FREE], __ATOMIC_RELAXED);
	__atomic_store_n(&q->figures.ringing, n[RLN_AGENT_RINGING], __ATOMIC_RELAXED);
	__atomic_store_n(&q->figures.talking, n[RLN_AGENT_TALKING], __ATOMIC_RELAXED);
}

static void rest(struct rln_queue *q, struct rln_queue_agent *agent, uint32_t for_s)
{
	agent->state = for_s ? RLN_AGENT_RESTING : RLN_AGENT_FREE;
	agent->rest_until_ms = now_ms(q) + 1000ull * for_s;
}

/* Rests that are over; the timer for the next one. */
static void wake(struct rln_queue *q)
{
	uint64_t now = now_ms(q), next = UINT64_MAX;

	for (unsigned i = 0; i < q->cfg->agents_n; i++) {
		struct rln_queue_agent *a = &q->agents[i];

		if (a->state != RLN_AGENT_RESTING)
			continue;
		if (a->rest_until_ms <= now)
			a->state = RLN_AGENT_FREE;
		else if (a->rest_until_ms < next)
			next = a->rest_until_ms;
	}
	if (next != UINT64_MAX)
		q->host->ops->start_timer(q->host, (struct rln_session_id){0}, RLN_QUEUE_TIMER_REST, (uint32_t)(next - now));
}

static void call(struct rln_queue *q, struct rln_queue_agent *agent, struct rln_queue_caller *caller)
{
	const char *from = q->host->ops->caller(q->host, caller->party.call);
	struct rln_host_call request = {.to = agent->uri, .from = *from ? from : NULL, .near = caller->party.call};
	struct rln_session_id id = q->host->ops->make_call(q->host, &request);

	if (!id.v) {
		rln_queue_add(&q->figures.not_answered, 1);
		rest(q, agent, q->cfg->retry_s);
		return;
	}
	agent->party.call = id;
	agent->caller = caller;
	agent->state = RLN_AGENT_RINGING;
	agent->is_cancelled = false;
	caller->ringing++;
	q->host->ops->set_data(q->host, id, agent);
	q->host->ops->start_timer(q->host, id, RLN_QUEUE_TIMER_RING, 1000 * q->cfg->agent_ring_s);
}

/* Each waiting caller in turn gets one agent, with ring_all every free one. */
void rln_queue_dispatch(struct rln_queue *q)
{
	bool all = q->cfg->strategy == RLN_QUEUE_RING_ALL;

	wake(q);
	for (struct rln_queue_caller *c = q->waiting; c; c = c->next) {
		struct rln_queue_agent *agent;

		while ((all || c->ringing == 0) && (agent = choose(q)))
			call(q, agent, c);
	}
	wake(q); /* those that could not be called at once */
	count(q);
}

void rln_queue_cancel_agents(struct rln_queue *q, const struct rln_queue_caller *caller)
{
	for (unsigned i = 0; i < q->cfg->agents_n; i++) {
		struct rln_queue_agent *a = &q->agents[i];

		if (a->state != RLN_AGENT_RINGING || a->caller != caller)
			continue;
		a->is_cancelled = true;
		a->caller = NULL;
		q->host->ops->hangup(q->host, a->party.call);
	}
}

/* ---- what becomes of their calls ---- */

void rln_queue_agent_up(struct rln_queue *q, struct rln_queue_agent *agent)
{
	struct rln_queue_caller *caller = agent->caller;

	q->host->ops->stop_timer(q->host, agent->party.call, RLN_QUEUE_TIMER_RING);
	if (!caller || agent->state != RLN_AGENT_RINGING)
		return; /* given up while it answered: its call is being hung up */
	agent->state = RLN_AGENT_TALKING;
	caller->ringing = 0;
	caller->agent = agent;
	rln_queue_cancel_agents(q, caller);
	rln_queue_add(&q->figures.answered, 1);
	rln_queue_add(&q->figures.waited_ms, (int64_t)(now_ms(q) - caller->since_ms));
	rln_queue_leave(q, caller);
	q->host->ops->bridge(q->host, caller->party.call, agent->party.call);
	rln_queue_dispatch(q);
}

void rln_queue_agent_ended(struct rln_queue *q, struct rln_queue_agent *agent)
{
	struct rln_queue_caller *caller = agent->caller;

	agent->caller = NULL;
	agent->party.call.v = 0;
	if (agent->state == RLN_AGENT_TALKING) {
		if (caller) {
			caller->agent = NULL;
			q->host->ops->hangup(q->host, caller->party.call);
		}
		agent->idle_since_ms = now_ms(q);
		rest(q, agent, q->cfg->wrap_up_s);
	} else {
		if (caller)
			caller->ringing--;
		if (!agent->is_cancelled)
			rln_queue_add(&q->figures.not_answered, 1);
		rest(q, agent, agent->is_cancelled ? 0 : q->cfg->retry_s);
	}
	rln_queue_dispatch(q);
}
