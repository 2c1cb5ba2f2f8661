/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The coordinator as an application sees it (R130-R137): a local peer that takes every user part, handlers, and callbacks that run on the thread inside
 * rln_coordinator_run() or a wait, in the order of the events.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/api_priv.h"

#define ASK_CONTROL_MS 5000

struct callback { /* one event that a handler is to be told of, in order */
	struct callback *next;
	struct rln_event ev;
	char from[256];
};

struct rln_coordinator {
	const struct rln_api *api;
	struct rln_call_handler handler;
	struct rln_signalling_handler signalling;
	char name[64];
	uint16_t port;
	bool started;
	unsigned number;
	struct rln_inbox inbox;
	struct callback *first, **last;
	struct rln_event *wanted; /* of a wait in progress */
	bool found;
};

/* CALL_ESTABLISHED comes from the dialog; to the application a call is up when its session is ACTIVE for the first time, after NEGOTIATING. */
static bool is_established(const struct rln_event *ev)
{
	return ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.new_state == RLN_STATE_ACTIVE &&
	       ev->state_changed.old_state == RLN_STATE_NEGOTIATING;
}

static bool is_told(const struct rln_event *ev)
{
	return ev->kind == RLN_EV_INCOMING_CALL || ev->kind == RLN_EV_SESSION_TERMINATED || is_established(ev);
}

static void take(void *owner, const struct rln_event *ev)
{
	struct rln_coordinator *c = owner;
	struct callback *cb;
	size_t len;

	if (c->wanted && !c->found && c->wanted->kind == ev->kind && (!c->wanted->id || c->wanted->id == ev->id)) {
		*c->wanted = *ev;
		if (rln_event_info(rln_event_kind(ev))->has_block)
			memset(c->wanted->raw, 0, sizeof(rln_block_ref));
		c->found = true;
	}
	if (!is_told(ev))
		return;
	cb = calloc(1, sizeof(*cb));
	if (!cb)
		return;
	cb->ev = *ev;
	if (ev->kind == RLN_EV_INCOMING_CALL) {
		const char *from = rln_sub_text(ev, ev->incoming_call.from, &len);

		snprintf(cb->from, sizeof(cb->from), "%.*s", (int)len, from);
	}
	*c->last = cb;
	c->last = &cb->next;
}

static struct callback *next_callback(struct rln_coordinator *c)
{
	struct callback *cb;

	pthread_mutex_lock(&c->inbox.lock);
	cb = c->first;
	if (cb) {
		c->first = cb->next;
		if (!c->first)
			c->last = &c->first;
	}
	pthread_mutex_unlock(&c->inbox.lock);
	return cb;
}

static int run_callbacks(struct rln_coordinator *c)
{
	struct callback *cb;
	int n = 0;

	while ((cb = next_callback(c))) {
		const struct rln_call_handler *h = &c->handler;
		struct rln_session_id id = {cb->ev.id};

		if (cb->ev.kind == RLN_EV_INCOMING_CALL && h->on_incoming_call)
			h->on_incoming_call(h->arg, id, cb->from);
		else if (cb->ev.kind == RLN_EV_SESSION_TERMINATED && h->on_call_ended)
			h->on_call_ended(h->arg, id, (enum rln_end_reason)cb->ev.session_terminated.reason,
				cb->ev.session_terminated.code);
		else if (cb->ev.kind == RLN_EV_STATE_CHANGED && h->on_call_established)
			h->on_call_established(h->arg, id);
		free(cb);
		n++;
	}
	return n;
}

static struct rln_coordinator *create(const struct rln_coordinator_options *options)
{
	struct rln_coordinator *c = calloc(1, sizeof(*c));

	if (!c) {
		errno = ENOMEM;
		return NULL;
	}
	c->api = rln_api_get();
	if (!c->api) {
		free(c);
		return NULL;
	}
	snprintf(c->name, sizeof(c->name), "%s", options && options->name ? options->name : "ringlane");
	c->port = options && options->port ? options->port : c->api->sip_port;
	c->last = &c->first;
	return c;
}

struct rln_coordinator *rln_coordinator_new(const struct rln_coordinator_options *options, const struct rln_call_handler *handler)
{
	struct rln_coordinator *c = create(options);

	if (c && handler)
		c->handler = *handler;
	return c;
}

struct rln_coordinator *rln_coordinator_with_handler(
	const struct rln_coordinator_options *options, const struct rln_signalling_handler *handler)
{
	struct rln_coordinator *c = create(options);

	if (c && handler)
		c->signalling = *handler;
	return c;
}

int rln_coordinator_start(struct rln_coordinator *c)
{
	struct rln_coord_peer_cfg cfg = {.name = c->name, .port = c->port, .handler = c->signalling, .any_user = true};
	struct rln_sub_cfg sub_cfg = {.filter = RLN_SUB_PEER};
	struct rln_sub *sub;
	int rc;

	if (c->started)
		return -EALREADY;
	rc = rln_coord_add_peer(c->api->coord, &cfg, &c->number, ASK_CONTROL_MS);
	if (rc != 0)
		return rc;
	sub_cfg.peer = c->number;
	rc = rln_sub_create(&sub, rln_coord_subs(c->api->coord), &sub_cfg);
	if (rc != 0) {
		rln_coord_del_peer(c->api->coord, c->number, ASK_CONTROL_MS);
		return rc;
	}
	rln_inbox_init(&c->inbox, sub, take, c);
	c->started = true;
	return 0;
}

void rln_coordinator_stop(struct rln_coordinator *c)
{
	struct callback *cb;

	if (!c->started)
		return;
	rln_coord_del_peer(c->api->coord, c->number, ASK_CONTROL_MS);
	rln_inbox_drain(&c->inbox);
	run_callbacks(c);
	while ((cb = next_callback(c)))
		free(cb);
	rln_inbox_fini(&c->inbox);
	c->started = false;
}

void rln_coordinator_free(struct rln_coordinator *c)
{
	if (!c)
		return;
	rln_coordinator_stop(c);
	free(c);
	rln_api_put();
}

struct rln_session_id rln_coordinator_create_outgoing_call(
	struct rln_coordinator *c, const char *from, const char *to, const char *sdp)
{
	struct rln_call_request request = {.peer = c->number, .from = from, .to = to, .sdp = sdp};
	struct rln_session_id id;
	int rc;

	if (!c->started) {
		errno = ENOTCONN;
		return (struct rln_session_id){0};
	}
	id = rln_coord_reserve(c->api->coord);
	if (!id.v)
		return id;
	rc = rln_coord_make_call(c->api->coord, id, &request);
	if (rc == 0)
		return id;
	errno = -rc;
	return (struct rln_session_id){0};
}

int rln_coordinator_terminate_session(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coord_hangup(c->api->coord, id);
}

int rln_coordinator_accept(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coord_accept(c->api->coord, id);
}

int rln_coordinator_reject(struct rln_coordinator *c, struct rln_session_id id, uint16_t code)
{
	return rln_coord_reject(c->api->coord, id, code);
}

static bool has_callback(void *arg)
{
	return ((struct rln_coordinator *)arg)->first != NULL;
}

int rln_coordinator_run(struct rln_coordinator *c, int timeout_ms)
{
	int rc, n;

	if (!c->started)
		return -ENOTCONN;
	rc = rln_inbox_wait(&c->inbox, has_callback, c, timeout_ms);
	n = run_callbacks(c);
	return n || rc == RLN_ETIMEDOUT ? n : rc;
}

static bool wanted_is_found(void *arg)
{
	struct rln_coordinator *c = arg;

	return c->found || c->first;
}

int rln_coordinator_wait_for_event_timeout(struct rln_coordinator *c, struct rln_event *event, int timeout_ms)
{
	int rc;

	if (!c->started)
		return -ENOTCONN;
	pthread_mutex_lock(&c->inbox.lock);
	c->wanted = event;
	c->found = false;
	pthread_mutex_unlock(&c->inbox.lock);
	do {
		rc = rln_inbox_wait(&c->inbox, wanted_is_found, c, timeout_ms);
		run_callbacks(c);
	} while (rc == 0 && !c->found);
	pthread_mutex_lock(&c->inbox.lock);
	c->wanted = NULL;
	pthread_mutex_unlock(&c->inbox.lock);
	return rc;
}

unsigned rln_coordinator_sessions(const struct rln_coordinator *c)
{
	return c->api->coord ? rln_coord_sessions(c->api->coord) : 0;
}

/* ---- subscriptions ---- */

struct rln_subscriber {
	struct rln_sub *sub;
};

struct rln_subscriber *rln_coordinator_subscribe_to_session_events(struct rln_coordinator *c, struct rln_session_id id)
{
	struct rln_sub_cfg cfg = {.filter = id.v ? RLN_SUB_SESSION : RLN_SUB_ALL, .session = id};
	struct rln_subscriber *s = calloc(1, sizeof(*s));
	int rc = s ? -EPIPE : -ENOMEM;

	if (s && c->api->coord)
		rc = rln_sub_create(&s->sub, rln_coord_subs(c->api->coord), &cfg);
	if (rc == 0)
		return s;
	free(s);
	errno = -rc;
	return NULL;
}

int rln_subscriber_next(struct rln_subscriber *s, struct rln_event *event, int timeout_ms)
{
	int rc = rln_sub_pop(s->sub, event);

	if (rc == 0 && rln_sub_wait(s->sub, timeout_ms) != 0)
		rc = rln_sub_pop(s->sub, event);
	if (rc == 1)
		return 0;
	return rc == 0 ? RLN_ETIMEDOUT : RLN_EENDED;
}

const char *rln_subscriber_text(struct rln_subscriber *s, const struct rln_event *event, struct rln_slice slice, size_t *len)
{
	(void)s;
	return rln_sub_text(event, slice, len);
}

void rln_subscriber_release(struct rln_subscriber *s, struct rln_event *event)
{
	rln_sub_give_back(s->sub, event);
}

int rln_subscriber_fd(const struct rln_subscriber *s)
{
	return rln_sub_fd(s->sub);
}

void rln_subscriber_free(struct rln_subscriber *s)
{
	if (!s)
		return;
	rln_sub_destroy(s->sub);
	free(s);
}
