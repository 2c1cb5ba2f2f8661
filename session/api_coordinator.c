/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The coordinator as an application sees it (R130-R137): a local peer that takes every user part, handlers, and callbacks that run on the thread inside
 * rln_coordinator_run() or a wait, in the order of the events.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lcore/clock.h"
#include "session/api_priv.h"

#define ASK_CONTROL_MS 5000

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

/* ---- sessions whose end is to be told; under the inbox lock ---- */

static void note_begin(struct rln_coordinator *c, uint64_t id)
{
	uint32_t slot = rln_id_slot(id);

	if (slot >= c->slots)
		return;
	c->live_n += c->live[slot] == 0;
	c->live[slot] = id;
}

static void note_end(struct rln_coordinator *c, uint64_t id)
{
	uint32_t slot = rln_id_slot(id);

	if (slot >= c->slots || !id || c->live[slot] != id)
		return;
	c->live[slot] = 0;
	c->live_n--;
}

void rln_coordinator_expect(struct rln_coordinator *c, struct rln_session_id id)
{
	if (!c->started)
		return;
	pthread_mutex_lock(&c->inbox.lock);
	note_begin(c, id.v);
	pthread_mutex_unlock(&c->inbox.lock);
}

void rln_coordinator_forget(struct rln_coordinator *c, struct rln_session_id id)
{
	if (!c->started)
		return;
	pthread_mutex_lock(&c->inbox.lock);
	note_end(c, id.v);
	pthread_mutex_unlock(&c->inbox.lock);
}

/* ---- callbacks ---- */

static void take(void *owner, const struct rln_event *ev)
{
	struct rln_coordinator *c = owner;
	struct rln_callback *cb;
	size_t len;

	if (ev->kind == RLN_EV_SESSION_CREATED)
		note_begin(c, ev->id);
	else if (ev->kind == RLN_EV_SESSION_TERMINATED)
		note_end(c, ev->id);

	if (c->wanted && !c->found && c->is_wanted(c->wanted_arg, ev)) {
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

static struct rln_callback *next_callback(struct rln_coordinator *c)
{
	struct rln_callback *cb;

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
	struct rln_callback *cb;
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
	int rc;

	if (c->started)
		return -EALREADY;
	if (!c->api->coord)
		return RLN_EENDED;
	c->slots = rln_coord_capacity(c->api->coord) + 1;
	c->live = calloc(c->slots, sizeof(*c->live));
	if (!c->live)
		return -ENOMEM;
	rc = rln_listen(c->api->coord, &cfg, &c->number, ASK_CONTROL_MS);
	if (rc != 0) {
		free(c->live);
		return rc;
	}
	rln_inbox_init(&c->inbox, cfg.listener, take, c);
	c->started = true;
	return 0;
}

static bool calls_are_over(void *arg)
{
	return ((struct rln_coordinator *)arg)->live_n == 0;
}

/* Nobody else tells: control does not turn, or the runtime is gone. */
static void end_left(struct rln_coordinator *c)
{
	struct rln_event ev = {.kind = RLN_EV_SESSION_TERMINATED, .session_terminated = {.reason = RLN_END_NETWORK}};

	pthread_mutex_lock(&c->inbox.lock);
	for (uint32_t slot = 0; slot < c->slots && c->live_n; slot++) {
		ev.id = c->live[slot];
		if (ev.id)
			take(c, &ev);
	}
	pthread_mutex_unlock(&c->inbox.lock);
}

void rln_coordinator_stop(struct rln_coordinator *c)
{
	if (!c->started)
		return;
	rln_coord_del_peer(c->api->coord, c->number, ASK_CONTROL_MS);
	rln_inbox_wait(&c->inbox, calls_are_over, c, ASK_CONTROL_MS);
	end_left(c);
	run_callbacks(c);
	rln_inbox_fini(&c->inbox);
	free(c->live);
	c->live_n = c->slots = 0;
	c->started = false;
}

void rln_coordinator_free(struct rln_coordinator *c)
{
	if (!c)
		return;
	rln_coordinator_stop(c);
	rln_api_put(c->api);
	free(c);
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

int rln_coordinator_wait_for_event_where(struct rln_coordinator *c, bool (*is_it)(void *arg, const struct rln_event *event),
	void *arg, struct rln_event *event, int timeout_ms)
{
	uint64_t end = rln_clock_end_ns(rln_wait_ms(timeout_ms, RLN_EV_NONE));
	int rc, left;
	bool found;

	if (!c->started)
		return -ENOTCONN;
	pthread_mutex_lock(&c->inbox.lock);
	c->wanted = event;
	c->is_wanted = is_it;
	c->wanted_arg = arg;
	c->found = false;
	pthread_mutex_unlock(&c->inbox.lock);
	do { /* other calls' callbacks interrupt the wait and take of its time */
		left = rln_clock_left_ms(end);
		rc = rln_inbox_wait(&c->inbox, wanted_is_found, c, left);
		run_callbacks(c);
		pthread_mutex_lock(&c->inbox.lock);
		found = c->found;
		pthread_mutex_unlock(&c->inbox.lock);
	} while (rc == 0 && !found && left != 0);
	pthread_mutex_lock(&c->inbox.lock);
	c->wanted = NULL;
	pthread_mutex_unlock(&c->inbox.lock);
	return rc == 0 && !found ? RLN_ETIMEDOUT : rc;
}

static bool is_like(void *arg, const struct rln_event *ev)
{
	return rln_event_is_like(ev, arg);
}

int rln_coordinator_wait_for_event_timeout(struct rln_coordinator *c, struct rln_event *event, int timeout_ms)
{
	struct rln_event pattern = *event;

	return rln_coordinator_wait_for_event_where(
		c, is_like, &pattern, event, rln_wait_ms(timeout_ms, rln_event_kind(&pattern)));
}

unsigned rln_coordinator_sessions(const struct rln_coordinator *c)
{
	return c->api->coord ? rln_coord_sessions(c->api->coord) : 0;
}

/* ---- the builder ---- */

struct rln_builder {
	struct rln_call_handler handler;
	struct rln_signalling_handler signalling;
	char name[RLN_PEER_NAME];
	uint16_t port;
};

struct rln_builder *rln_builder_new(void)
{
	struct rln_builder *b = calloc(1, sizeof(*b));

	if (!b)
		errno = ENOMEM;
	return b;
}

struct rln_builder *rln_builder_with_handler(struct rln_builder *b, const struct rln_signalling_handler *handler)
{
	if (b)
		b->signalling = *handler;
	return b;
}

struct rln_builder *rln_builder_with_call_handler(struct rln_builder *b, const struct rln_call_handler *handler)
{
	if (b)
		b->handler = *handler;
	return b;
}

struct rln_builder *rln_builder_with_name(struct rln_builder *b, const char *name, uint16_t port)
{
	if (b) {
		snprintf(b->name, sizeof(b->name), "%s", name ? name : "");
		b->port = port;
	}
	return b;
}

struct rln_coordinator *rln_builder_build(struct rln_builder *b)
{
	struct rln_coordinator_options options;
	struct rln_coordinator *c = NULL;
	int rc = -ENOMEM;

	if (b) {
		options = (struct rln_coordinator_options){.name = b->name[0] ? b->name : NULL, .port = b->port};
		c = rln_coordinator_new(&options, &b->handler);
		rc = -errno;
	}
	if (c) {
		c->signalling = b->signalling;
		rc = rln_coordinator_start(c);
	}
	if (c && rc != 0) {
		rln_coordinator_free(c);
		c = NULL;
	}
	rln_builder_free(b);
	rln_set_errno(rc);
	return c;
}

void rln_builder_free(struct rln_builder *b)
{
	free(b);
}
