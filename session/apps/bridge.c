/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bridge: a back-to-back user agent. The caller's leg waits quietly, the targets are called in order; the first one's 180, early
 * media and answer pass to the caller, and so does the last one's refusal. Once both are up they are joined, and hold, re-INVITE
 * and digits pass by the machine's own rows (BRIDGED). When one leg ends, the other is hung up.
 *
 * A pair is the data of both of its calls and goes with the last of them. owner: control lcore.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/route.h"
#include "lcore/heap.h"
#include "session/apps/handlers.h"

#define USER_MAX     64
#define TIMER_RING   0
#define GIVEN_RING_S 60

struct bridge { /* one route, or what other handlers give calls to (route NULL) */
	const struct rln_config_route *route;
};

struct pair {
	const struct bridge *bridge;
	struct rln_session_id in, out; /* {0}: none (any more) */
	char given[RLN_CONFIG_TEXT];   /* the only target of a given call */
	unsigned next;                 /* target to call after this one */
	bool is_answered;              /* the caller's leg has its 200, or the command for it is on the way */
	bool in_up, out_up;
	bool is_ringing;    /* 180 was passed */
	bool has_timed_out; /* the target that rings was given up */
};

/* ---- calling ---- */

static const char *target_of(const struct pair *pair)
{
	const struct rln_config_route *route = pair->bridge->route;

	if (!route)
		return pair->next == 0 ? pair->given : NULL;
	return pair->next < route->to_n ? route->to[pair->next] : NULL;
}

/* Calls the next target that can be called; false when none is left. */
static bool call_next(struct pair *pair, struct rln_host *host)
{
	const struct rln_config_route *route = pair->bridge->route;
	const char *caller = host->ops->caller(host, pair->in), *pattern;
	char user[USER_MAX], from[USER_MAX], to[2 * RLN_CONFIG_TEXT];
	struct rln_route_names names = {.user = rln_config_uri_user(host->ops->called(host, pair->in), user, sizeof(user)),
		.from = rln_config_uri_user(caller, from, sizeof(from))};
	struct rln_host_call request = {
		.to = to, .near = pair->in, .from = (!route || route->keep_from) && *caller ? caller : NULL};

	for (; (pattern = target_of(pair)); pair->next++) {
		if (rln_config_route_target(to, sizeof(to), pattern, &names) != 0)
			continue;
		pair->out = host->ops->make_call(host, &request);
		if (!pair->out.v)
			continue;
		pair->next++;
		pair->has_timed_out = false;
		host->ops->set_data(host, pair->out, pair);
		host->ops->start_timer(host, pair->out, TIMER_RING, 1000 * (route ? route->to_ring_s : GIVEN_RING_S));
		return true;
	}
	return false;
}

static struct pair *pair_new(const struct bridge *bridge, struct rln_host *host, struct rln_session_id in)
{
	struct pair *pair = rln_zalloc(sizeof(*pair));

	if (!pair)
		return NULL;
	pair->bridge = bridge;
	pair->in = in;
	host->ops->set_data(host, in, pair);
	return pair;
}

static struct rln_decision on_invite(void *arg, struct rln_host *host, const struct rln_invite_details *invite)
{
	struct pair *pair = pair_new(arg, host, invite->session);

	if (pair && call_next(pair, host))
		return (struct rln_decision){.kind = RLN_DECISION_DEFER};
	rln_free(pair);
	return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 503};
}

static int on_given(void *arg, struct rln_host *host, struct rln_session_id call, const char *text)
{
	struct pair *pair = strlen(text) < RLN_CONFIG_TEXT ? pair_new(arg, host, call) : NULL;

	if (!pair)
		return strlen(text) < RLN_CONFIG_TEXT ? -ENOMEM : -EINVAL;
	snprintf(pair->given, sizeof(pair->given), "%s", text);
	pair->is_answered = pair->in_up = host->ops->state(host, call) == RLN_STATE_ACTIVE;
	if (call_next(pair, host))
		return 0;
	rln_free(pair);
	return -EHOSTUNREACH;
}

/* ---- what becomes of them ---- */

static void join(struct pair *pair, struct rln_host *host)
{
	if (pair->in_up && pair->out_up)
		host->ops->bridge(host, pair->in, pair->out);
}

static void on_state(struct pair *pair, struct rln_host *host, struct rln_session_id call, enum rln_call_state state)
{
	bool is_in = call.v == pair->in.v;

	if (state == RLN_STATE_EARLY_MEDIA && !is_in && !pair->is_answered)
		host->ops->bridge(host, pair->in, call);
	if (state != RLN_STATE_ACTIVE || (is_in ? pair->in_up : pair->out_up))
		return;
	if (is_in) {
		pair->in_up = true;
	} else {
		pair->out_up = true;
		host->ops->stop_timer(host, call, TIMER_RING);
	}
	if (!pair->is_answered && pair->in.v) {
		pair->is_answered = true;
		host->ops->accept(host, pair->in);
	}
	join(pair, host);
}

static void on_progress(struct pair *pair, struct rln_host *host, struct rln_session_id call, unsigned progress)
{
	if (call.v != pair->out.v || progress != RLN_CALL_RINGING || pair->is_answered || pair->is_ringing)
		return;
	pair->is_ringing = true;
	host->ops->ring(host, pair->in);
}

/* What the caller is told of a target that did not answer: its own refusal, where that has a meaning for the caller. */
static uint16_t code_for_caller(const struct pair *pair, const struct rln_ev_session_terminated *ended)
{
	if (pair->has_timed_out || ended->reason == RLN_END_CANCELLED)
		return 480;
	if (ended->reason == RLN_END_AUTH || ended->code == 401 || ended->code == 407)
		return 403; /* it wanted to know us, not the caller */
	if (ended->reason == RLN_END_REFUSED && ended->code >= 400 && ended->code <= 699)
		return ended->code;
	return ended->reason == RLN_END_TIMEOUT ? 408 : ended->reason == RLN_END_MEDIA ? 488 : 503;
}

/* The target's leg ended before it was up. */
static void on_no_answer(struct pair *pair, struct rln_host *host, const struct rln_ev_session_terminated *ended)
{
	uint16_t code = code_for_caller(pair, ended);

	if (code < 600 && call_next(pair, host)) /* 6xx: no other target will do (RFC 3261 21.6) */
		return;
	if (pair->is_answered)
		host->ops->hangup(host, pair->in);
	else
		host->ops->reject(host, pair->in, code);
}

static void on_end(struct pair *pair, struct rln_host *host, const struct rln_event *ev)
{
	if (ev->id == pair->in.v) {
		pair->in.v = 0;
		if (pair->out.v)
			host->ops->hangup(host, pair->out);
	} else {
		pair->out.v = 0;
		if (pair->in.v && pair->out_up)
			host->ops->hangup(host, pair->in);
		else if (pair->in.v)
			on_no_answer(pair, host, &ev->session_terminated);
	}
	if (!pair->in.v && !pair->out.v)
		rln_free(pair);
}

/* Two calls that cannot be joined serve nobody. */
static void on_rejected(struct pair *pair, struct rln_host *host, unsigned kind)
{
	if (kind != RLN_EV_BRIDGE_CALLS || !pair->in_up || !pair->out_up)
		return;
	host->ops->log(host, pair->in, RLN_HOST_WARNING, "the two calls cannot be joined");
	host->ops->hangup(host, pair->in);
}

static void on_event(void *arg, struct rln_host *host, const struct rln_event *ev)
{
	struct rln_session_id call = {ev->id};
	struct pair *pair = host->ops->data(host, call);

	(void)arg;
	if (!pair)
		return;
	if (ev->kind == RLN_EV_STATE_CHANGED)
		on_state(pair, host, call, (enum rln_call_state)ev->state_changed.new_state);
	else if (ev->kind == RLN_EV_CALL_STATE_CHANGED)
		on_progress(pair, host, call, ev->call_state_changed.new_state);
	else if (ev->kind == RLN_EV_SESSION_TERMINATED)
		on_end(pair, host, ev);
	else if (ev->kind == RLN_EV_COMMAND_REJECTED)
		on_rejected(pair, host, ev->command_rejected.kind);
}

/* The target rang long enough. */
static void on_timer(void *arg, struct rln_host *host, struct rln_session_id call, unsigned number)
{
	struct pair *pair = host->ops->data(host, call);

	(void)arg;
	(void)number;
	if (!pair || pair->out_up)
		return;
	pair->has_timed_out = true;
	host->ops->hangup(host, call);
}

static void on_stop(void *arg, struct rln_host *host)
{
	(void)host;
	rln_free(arg);
}

int rln_bridge_app(struct rln_handler *out, const struct rln_config_route *route)
{
	struct bridge *bridge = rln_zalloc(sizeof(*bridge));

	if (!bridge)
		return -ENOMEM;
	bridge->route = route;
	*out = (struct rln_handler){.abi = RLN_HANDLER_ABI,
		.arg = bridge,
		.on_incoming_invite = route ? on_invite : NULL,
		.on_given = route ? NULL : on_given,
		.on_event = on_event,
		.on_timer = on_timer,
		.on_stop = on_stop};
	return 0;
}
