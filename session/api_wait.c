/* SPDX-License-Identifier: BSD-3-Clause */
/* Waits on a call (R125-R127): each is a question to the picture that the call's events have made, asked again whenever it changes. */
#include <errno.h>

#include "lcore/log.h"
#include "session/api_priv.h"

#define BIT(state) (1u << (state))
/* States on the way out: what has not been reached by then never will be, unless it is a state of this set. */
#define LEAVING                                                                                                                  \
	(BIT(RLN_STATE_CANCEL_PENDING) | BIT(RLN_STATE_CANCELLED) | BIT(RLN_STATE_TERMINATING) | BIT(RLN_STATE_TERMINATED) |     \
		BIT(RLN_STATE_FAILED))
#define FINAL (BIT(RLN_STATE_CANCELLED) | BIT(RLN_STATE_TERMINATED) | BIT(RLN_STATE_FAILED))
/* States that a call passes on its way up and that a wait may come too late for. */
#define PASSING                                                                                                                  \
	(BIT(RLN_STATE_IDLE) | BIT(RLN_STATE_CALLING) | BIT(RLN_STATE_PROCEEDING) | BIT(RLN_STATE_EARLY_MEDIA) |                 \
		BIT(RLN_STATE_NEGOTIATING))

struct state_wait {
	struct rln_call *call;
	enum rln_call_state want;
	int rc;
};

static bool state_is_settled(void *arg)
{
	struct state_wait *w = arg;
	uint32_t now = BIT(w->call->state), want = BIT(w->want);

	w->rc = 0;
	if ((now & want) || (want & PASSING & w->call->states_seen))
		return true;
	w->rc = RLN_ECALLFAILED;
	if ((now & FINAL) || ((now & LEAVING) && !(want & LEAVING)))
		return true;
	w->rc = rln_order_failure(w->call, w->want);
	return w->rc != 0;
}

int rln_call_wait(struct rln_call *call, bool (*ready)(void *arg), void *arg, int timeout_ms)
{
	int rc = rln_inbox_wait(&call->peer->inbox, ready, arg, timeout_ms);

	rln_peer_callbacks(call->peer);
	return rc;
}

int rln_call_wait_for_state(struct rln_call *call, enum rln_call_state state, int timeout_ms)
{
	struct state_wait w = {.call = call, .want = state};
	int rc = call ? 0 : -EINVAL;

	if (rc == 0)
		rc = rln_call_wait(call, state_is_settled, &w, rln_wait_ms(timeout_ms, RLN_EV_NONE));

	return rc == 0 ? w.rc : rc;
}

struct event_wait {
	struct rln_call *call;
	enum rln_event_kind kind;
	struct rln_event *out;
	int rc;
};

/* Index of the oldest kept event of a kind, -1 when there is none. */
static int find_event(const struct rln_call *call, enum rln_event_kind kind)
{
	for (unsigned i = 0; i < call->count; i++) {
		if (call->events[(call->first + i) % RLN_CALL_EVENTS].kind == kind)
			return (int)i;
	}
	return -1;
}

static bool event_is_there(void *arg)
{
	struct event_wait *w = arg;
	struct rln_call *call = w->call;
	int at = find_event(call, w->kind);

	w->rc = 0;
	if (at >= 0) {
		if (w->out)
			*w->out = call->events[(call->first + at) % RLN_CALL_EVENTS];
		if (!rln_call_has_latched(call, w->kind)) { /* read once: the others close up */
			for (unsigned i = (unsigned)at; i + 1 < call->count; i++)
				call->events[(call->first + i) % RLN_CALL_EVENTS] =
					call->events[(call->first + i + 1) % RLN_CALL_EVENTS];
			call->count--;
		}
		return true;
	}
	if (rln_call_has_latched(call, w->kind)) { /* came, and was pushed out by later ones */
		if (w->out)
			*w->out = (struct rln_event){.id = call->id.v, .kind = (uint16_t)w->kind};
		return true;
	}
	w->rc = RLN_ECALLFAILED;
	return call->ended && !(w->kind == RLN_EV_RECORDING_STOPPED && call->is_recording);
}

int rln_call_wait_for_event(struct rln_call *call, enum rln_event_kind kind, int timeout_ms, struct rln_event *event)
{
	struct event_wait w = {.call = call, .kind = kind, .out = event};
	int rc = call ? 0 : -EINVAL;

	if (rc == 0)
		rc = rln_call_wait(call, event_is_there, &w, rln_wait_ms(timeout_ms, kind));

	return rc == 0 ? w.rc : rc;
}

static bool media_is_settled(void *arg)
{
	struct state_wait *w = arg;

	w->rc = 0;
	if (rln_call_has_latched(w->call, RLN_EV_MEDIA_SESSION_READY) &&
		rln_call_has_latched(w->call, RLN_EV_MEDIA_FLOW_ESTABLISHED))
		return true;
	w->rc = RLN_ECALLFAILED;
	return BIT(w->call->state) & LEAVING;
}

int rln_call_wait_for_media(struct rln_call *call, int timeout_ms)
{
	struct state_wait w = {.call = call};
	int rc = rln_call_wait(call, media_is_settled, &w, rln_wait_ms(timeout_ms, RLN_EV_NONE));

	if (rc == 0)
		return w.rc;
	rln_log(RLN_LOG_WARNING, call->id.v, "Media setup timeout");
	return RLN_ETIMEDOUT; /* R127: also when nothing more can come */
}

bool rln_call_is_media_ready(struct rln_call *call)
{
	struct state_wait w = {.call = call};
	bool is_ready;

	rln_inbox_drain(&call->peer->inbox);
	pthread_mutex_lock(&call->peer->inbox.lock);
	is_ready = media_is_settled(&w) && w.rc == 0;
	pthread_mutex_unlock(&call->peer->inbox.lock);
	return is_ready;
}
