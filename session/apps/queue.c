/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Call queue: its callers, from the INVITE to the end. A caller is answered, hears music, announcements and its place, and waits
 * in order of arrival until an agent has answered (queue_agents.c), its patience or the longest wait is over. Then it talks: the
 * two calls are bridged, and the end of one ends the other.
 *
 * Refused with 486: no agents, or max_waiting callers wait. owner: control lcore.
 */
#include "session/apps/queue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lcore/heap.h"

/* ---- who waits ---- */

static bool has_room(const struct rln_queue *q)
{
	return q->cfg->agents_n > 0 && q->figures.waiting < q->cfg->max_waiting;
}

static unsigned place_of(const struct rln_queue *q, const struct rln_queue_caller *caller)
{
	unsigned n = 1;

	for (const struct rln_queue_caller *c = q->waiting; c && c != caller; c = c->next)
		n++;
	return n;
}

static struct rln_queue_caller *enter(struct rln_queue *q, struct rln_host *host, struct rln_session_id call)
{
	struct rln_queue_caller *caller = rln_zalloc(sizeof(*caller));

	if (!caller)
		return NULL;
	q->host = host;
	caller->party.call = call;
	host->ops->set_data(host, call, caller);
	rln_queue_add(&q->figures.entered, 1);
	rln_queue_add(&q->figures.waiting, 1);
	return caller;
}

void rln_queue_leave(struct rln_queue *q, struct rln_queue_caller *caller)
{
	struct rln_queue_caller **at = &q->waiting;

	while (*at && *at != caller)
		at = &(*at)->next;
	if (*at)
		*at = caller->next;
	caller->is_waiting = false;
	rln_queue_add(&q->figures.waiting, -1);
	q->host->ops->stop_timer(q->host, caller->party.call, RLN_QUEUE_TIMER_WAIT);
	q->host->ops->stop_timer(q->host, caller->party.call, RLN_QUEUE_TIMER_ANNOUNCE);
	if (caller->hears != RLN_HEARS_NOTHING)
		q->host->ops->stop_play(q->host, caller->party.call);
	caller->hears = RLN_HEARS_NOTHING;
}

/* ---- what it hears ---- */

static void play(struct rln_queue *q, struct rln_queue_caller *caller, const char *file, bool is_music)
{
	caller->hears = RLN_HEARS_NOTHING;
	if (q->host->ops->play(q->host, caller->party.call, file, is_music ? 0 : 1) == 0)
		caller->hears = is_music ? RLN_HEARS_MUSIC : RLN_HEARS_SPEECH;
}

/* Speech that is due, piece by piece, then music. */
static void speak_or_play(struct rln_queue *q, struct rln_queue_caller *caller)
{
	const struct rln_config_queue *cfg = q->cfg;
	char file[32];

	if (caller->announce_due) {
		caller->announce_due = false;
		if (cfg->position)
			snprintf(caller->digits, sizeof(caller->digits), "%u", place_of(q, caller));
		if (cfg->announce_n) {
			play(q, caller, cfg->announce[caller->announcements++ % cfg->announce_n], false);
			return;
		}
	}
	if (caller->digits[0]) {
		snprintf(file, sizeof(file), "digits/%c.wav", caller->digits[0]);
		memmove(caller->digits, caller->digits + 1, strlen(caller->digits));
		play(q, caller, file, false);
	} else if (cfg->music[0] && !caller->no_music) {
		play(q, caller, cfg->music, true);
	} else {
		caller->hears = RLN_HEARS_NOTHING;
	}
}

static bool announces(const struct rln_queue *q)
{
	return q->cfg->announce_n > 0 || q->cfg->position;
}

static void announce_later(struct rln_queue *q, const struct rln_queue_caller *caller)
{
	if (announces(q))
		q->host->ops->start_timer(q->host, caller->party.call, RLN_QUEUE_TIMER_ANNOUNCE, 1000 * q->cfg->announce_every_s);
}

/* The call is up: it takes its place. The place is said at once, announcements come later. */
static void begin(struct rln_queue *q, struct rln_queue_caller *caller)
{
	struct rln_queue_caller **last = &q->waiting;

	while (*last)
		last = &(*last)->next;
	*last = caller;
	caller->is_waiting = true;
	caller->since_ms = q->host->ops->now_ms(q->host);
	if (q->cfg->position)
		snprintf(caller->digits, sizeof(caller->digits), "%u", place_of(q, caller));
	speak_or_play(q, caller);
	announce_later(q, caller);
	if (q->cfg->timeout_s)
		q->host->ops->start_timer(q->host, caller->party.call, RLN_QUEUE_TIMER_WAIT, 1000 * q->cfg->timeout_s);
	rln_queue_dispatch(q);
}

/* A file ended or could not be played: the next one. */
static void on_media(struct rln_queue *q, struct rln_queue_caller *caller, const struct rln_ev_media_event *ev)
{
	bool is_fault =
		ev->event == RLN_EV_MEDIA_ERROR && (ev->raw[0] == RLN_MEDIA_FAULT_FILE || ev->raw[0] == RLN_MEDIA_FAULT_FORMAT);

	if (!caller->is_waiting || (!is_fault && ev->event != RLN_EV_AUDIO_PLAYBACK_FINISHED))
		return;
	if (is_fault && caller->hears == RLN_HEARS_MUSIC)
		caller->no_music = true;
	if (caller->hears != RLN_HEARS_NOTHING)
		speak_or_play(q, caller);
}

/* ---- into the queue ---- */

static struct rln_decision on_invite(void *arg, struct rln_host *host, const struct rln_invite_details *invite)
{
	struct rln_queue *q = arg;

	if (!has_room(q)) {
		rln_queue_add(&q->figures.refused, 1);
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 486};
	}
	if (!enter(q, host, invite->session))
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 503};
	return (struct rln_decision){.kind = RLN_DECISION_ACCEPT, .auto_answer = true};
}

static int on_given(void *arg, struct rln_host *host, struct rln_session_id call, const char *text)
{
	struct rln_queue *q = arg;
	struct rln_queue_caller *caller;

	(void)text;
	if (!has_room(q)) {
		rln_queue_add(&q->figures.refused, 1);
		return -EBUSY;
	}
	caller = enter(q, host, call);
	if (!caller)
		return -ENOMEM;
	if (rln_app_is_answered(host->ops->state(host, call)))
		begin(q, caller);
	else
		host->ops->accept(host, call);
	return 0;
}

/* ---- out of it ---- */

static void on_caller_ended(struct rln_queue *q, struct rln_queue_caller *caller)
{
	struct rln_queue_agent *agent = caller->agent;

	caller->hears = RLN_HEARS_NOTHING;
	if (agent) {
		agent->caller = NULL;
		q->host->ops->hangup(q->host, agent->party.call);
	} else if (caller->is_waiting) {
		rln_queue_add(&q->figures.abandoned, 1);
		rln_queue_cancel_agents(q, caller);
		rln_queue_leave(q, caller);
	} else if (caller->since_ms == 0) { /* it was never up */
		rln_queue_add(&q->figures.abandoned, 1);
		rln_queue_add(&q->figures.waiting, -1);
	}
	rln_free(caller);
	rln_queue_dispatch(q);
}

/* The longest wait is over. A caller that is given away is nobody of ours any more. */
static void on_wait_over(struct rln_queue *q, struct rln_queue_caller *caller)
{
	struct rln_session_id call = caller->party.call;

	rln_queue_add(&q->figures.timed_out, 1);
	rln_queue_cancel_agents(q, caller);
	rln_queue_leave(q, caller);
	if (q->cfg->fallback[0] && q->host->ops->give(q->host, call, RLN_APP_BRIDGE, q->cfg->fallback) == 0)
		rln_free(caller);
	else
		q->host->ops->hangup(q->host, call);
	rln_queue_dispatch(q);
}

static void on_rejected(struct rln_queue *q, struct rln_queue_caller *caller, unsigned kind)
{
	if (kind != RLN_EV_BRIDGE_CALLS)
		return;
	q->host->ops->log(q->host, caller->party.call, RLN_HOST_WARNING, "caller and agent cannot be joined");
	q->host->ops->hangup(q->host, caller->party.call);
}

/* ---- events ---- */

static bool is_up(const struct rln_event *ev)
{
	return ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.new_state == RLN_STATE_ACTIVE &&
	       ev->state_changed.old_state == RLN_STATE_NEGOTIATING;
}

static void on_agent_event(struct rln_queue *q, struct rln_queue_agent *agent, const struct rln_event *ev)
{
	if (is_up(ev))
		rln_queue_agent_up(q, agent);
	else if (ev->kind == RLN_EV_SESSION_TERMINATED)
		rln_queue_agent_ended(q, agent);
}

static void on_caller_event(struct rln_queue *q, struct rln_queue_caller *caller, const struct rln_event *ev)
{
	if (is_up(ev))
		begin(q, caller);
	else if (ev->kind == RLN_EV_MEDIA_EVENT)
		on_media(q, caller, &ev->media_event);
	else if (ev->kind == RLN_EV_SESSION_TERMINATED)
		on_caller_ended(q, caller);
	else if (ev->kind == RLN_EV_COMMAND_REJECTED)
		on_rejected(q, caller, ev->command_rejected.kind);
}

static void on_event(void *arg, struct rln_host *host, const struct rln_event *ev)
{
	struct rln_queue_party *party = host->ops->data(host, (struct rln_session_id){ev->id});

	if (party && party->is_agent)
		on_agent_event(arg, (struct rln_queue_agent *)party, ev);
	else if (party)
		on_caller_event(arg, (struct rln_queue_caller *)party, ev);
}

static void on_timer(void *arg, struct rln_host *host, struct rln_session_id call, unsigned number)
{
	struct rln_queue *q = arg;
	void *party = call.v ? host->ops->data(host, call) : NULL;
	struct rln_queue_caller *caller = party;

	if (number == RLN_QUEUE_TIMER_REST) {
		rln_queue_dispatch(q);
	} else if (number == RLN_QUEUE_TIMER_RING) {
		if (party && ((struct rln_queue_agent *)party)->state == RLN_AGENT_RINGING)
			host->ops->hangup(host, call);
	} else if (!caller || !caller->is_waiting) {
		return;
	} else if (number == RLN_QUEUE_TIMER_WAIT) {
		on_wait_over(q, caller);
	} else {
		caller->announce_due = true;
		if (caller->hears != RLN_HEARS_SPEECH)
			speak_or_play(q, caller);
		announce_later(q, caller);
	}
}

static void on_stop(void *arg, struct rln_host *host)
{
	(void)host;
	rln_free(arg);
}

/* ---- life ---- */

void rln_queue_figures(const struct rln_handler *queue, struct rln_queue_figures *out)
{
	const struct rln_queue *q = queue->arg;
	const uint64_t *from = (const uint64_t *)&q->figures;
	uint64_t *to = (uint64_t *)out;

	for (unsigned i = 0; i < sizeof(*out) / sizeof(uint64_t); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

int rln_queue_app(struct rln_handler *out, const struct rln_config_queue *cfg)
{
	struct rln_queue *q = rln_zalloc(sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->cfg = cfg;
	for (unsigned i = 0; i < cfg->agents_n; i++) {
		q->agents[i].party.is_agent = true;
		q->agents[i].uri = cfg->agents[i];
	}
	q->figures.free = cfg->agents_n;
	*out = (struct rln_handler){.abi = RLN_HANDLER_ABI,
		.arg = q,
		.on_incoming_invite = on_invite,
		.on_given = on_given,
		.on_event = on_event,
		.on_timer = on_timer,
		.on_stop = on_stop};
	return 0;
}
