/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simple peer (R113-R119): one local peer of the coordinator, one subscriber for all its sessions, and an inbox that hands events to
 * the calls. Calls outlive the peer when the application still holds them; the last one frees it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/api_priv.h"

#define ASK_CONTROL_MS 5000 /* a control lcore that does not turn for this long is dead */

struct rln_call *rln_peer_find(struct rln_peer *peer, uint64_t session)
{
	struct rln_call *call = peer->calls;

	while (call && call->id.v != session)
		call = call->next;
	return call;
}

void rln_peer_unlink(struct rln_peer *peer, struct rln_call *call)
{
	struct rln_call **at = &peer->calls;

	while (*at && *at != call)
		at = &(*at)->next;
	if (*at)
		*at = call->next;
}

static void incoming(struct rln_peer *peer, const struct rln_event *ev)
{
	struct rln_incoming *in = calloc(1, sizeof(*in));
	size_t len;
	const char *from = rln_sub_text(ev, ev->incoming_call.from, &len);

	if (in)
		in->call = rln_call_make(peer, (struct rln_session_id){ev->id});
	if (!in || !in->call) {
		free(in);
		rln_coord_reject(peer->api->coord, (struct rln_session_id){ev->id}, 500);
		return;
	}
	snprintf(in->from, sizeof(in->from), "%.*s", (int)len, from);
	*peer->last = in;
	peer->last = &in->next;
}

/* A call that the engine placed because the peer of one of ours asked it to (REFER). */
static struct rln_call *transferred(struct rln_peer *peer, const struct rln_event *ev)
{
	struct rln_call *call;

	if (ev->session_created.role != RLN_ROLE_UAC || !rln_peer_find(peer, ev->session_created.from_session))
		return NULL;
	call = rln_call_make(peer, (struct rln_session_id){ev->id});
	if (!call) /* nobody could ever end it */
		rln_coord_hangup(peer->api->coord, (struct rln_session_id){ev->id});
	else
		call->from = ev->session_created.from_session;
	if (call)
		call->is_unclaimed = true;
	return call;
}

static void take(void *owner, const struct rln_event *ev)
{
	struct rln_peer *peer = owner;
	struct rln_call *call = rln_peer_find(peer, ev->id);

	if (ev->kind == RLN_EV_REGISTRATION_STATUS_UPDATE)
		rln_peer_note_registration(peer, ev);
	if (!call && ev->kind == RLN_EV_INCOMING_CALL) {
		incoming(peer, ev);
		call = rln_peer_find(peer, ev->id);
	} else if (!call && ev->kind == RLN_EV_SESSION_CREATED) {
		call = transferred(peer, ev);
	}
	if (!call)
		return;
	rln_call_take(call, ev);
	rln_order_take(call, ev);
	if (call->is_unclaimed && call->ended && !rln_peer_find(peer, call->from)) {
		rln_peer_unlink(peer, call);
		free(call);
	}
}

struct rln_peer *rln_peer_new(const char *name, uint16_t port)
{
	return rln_peer_new_with(&(struct rln_peer_options){.name = name, .port = port});
}

struct rln_peer *rln_peer_new_with(const struct rln_peer_options *options)
{
	struct rln_coord_peer_cfg cfg = {.name = options->name,
		.port = options->port,
		.local_address = options->local_address,
		.auto_answer = options->auto_answer,
		.user = options->account.user,
		.password = options->account.password,
		.accept_transfers = !options->refuse_transfers};
	struct rln_peer *peer = calloc(1, sizeof(*peer));
	int rc;

	if (!peer || !options->name || !options->name[0]) {
		free(peer);
		errno = peer ? EINVAL : ENOMEM;
		return NULL;
	}
	peer->api = rln_api_get();
	if (!peer->api) {
		free(peer);
		return NULL;
	}
	rc = rln_listen(peer->api->coord, &cfg, &peer->number, ASK_CONTROL_MS);
	if (rc != 0) {
		rln_api_put(peer->api);
		free(peer);
		rln_set_errno(rc);
		return NULL;
	}
	if (peer->api->domain && peer->api->domain[0])
		snprintf(peer->from, sizeof(peer->from), "sip:%s@%s", options->name, peer->api->domain);
	peer->last = &peer->first;
	rln_inbox_init(&peer->inbox, cfg.listener, take, peer);
	return peer;
}

int rln_listen(struct rln_coord *coord, struct rln_coord_peer_cfg *cfg, unsigned *number, int timeout_ms)
{
	struct rln_sub_cfg sub = {.filter = RLN_SUB_PEER, .peer = RLN_SUB_NO_PEER};
	int rc = coord ? rln_sub_create(&cfg->listener, rln_coord_subs(coord), &sub) : RLN_EENDED;

	if (rc != 0)
		return rc;
	rc = rln_coord_add_peer(coord, cfg, number, timeout_ms);
	if (rc != 0)
		rln_sub_destroy(cfg->listener);
	return rc;
}

static bool calls_are_over(void *arg)
{
	const struct rln_peer *peer = arg;

	for (const struct rln_call *call = peer->calls; call; call = call->next) {
		if (!call->ended)
			return false;
	}
	return true;
}

static void drop_unclaimed(struct rln_peer *peer)
{
	struct rln_call **at = &peer->calls, *call;

	while ((call = *at)) {
		if (call->is_unclaimed) {
			*at = call->next;
			free(call);
		} else {
			at = &call->next;
		}
	}
}

void rln_peer_release(struct rln_peer *peer)
{
	rln_inbox_fini(&peer->inbox);
	rln_api_put(peer->api);
	free(peer);
}

void rln_peer_free(struct rln_peer *peer)
{
	struct rln_incoming *in;
	bool last;

	if (!peer)
		return;
	rln_peer_on_incoming_call(peer, NULL, NULL);
	rln_coord_del_peer(peer->api->coord, peer->number, ASK_CONTROL_MS);
	rln_inbox_wait(&peer->inbox, calls_are_over, peer, ASK_CONTROL_MS);
	pthread_mutex_lock(&peer->inbox.lock);
	while ((in = peer->first)) {
		peer->first = in->next;
		rln_peer_unlink(peer, in->call);
		free(in->call);
		free(in);
	}
	drop_unclaimed(peer);
	peer->freed = true;
	last = peer->calls == NULL;
	pthread_mutex_unlock(&peer->inbox.lock);
	if (last)
		rln_peer_release(peer);
}

struct rln_call *rln_peer_call(struct rln_peer *peer, const char *target)
{
	return rln_peer_call_with(peer, target, NULL);
}

struct rln_call *rln_peer_call_with(struct rln_peer *peer, const char *target, const struct rln_call_options *options)
{
	struct rln_call_request request = {.to = target, .late_offer = options && options->late_offer};
	struct rln_session_id id;
	struct rln_call *call;
	int rc;

	if (!peer)
		return NULL;
	request.peer = peer->number;
	request.from = peer->from[0] ? peer->from : NULL;
	id = rln_coord_reserve(peer->api->coord);
	if (!id.v)
		return NULL;
	pthread_mutex_lock(&peer->inbox.lock);
	call = rln_call_make(peer, id);
	pthread_mutex_unlock(&peer->inbox.lock);
	if (!call) {
		rln_coord_unreserve(peer->api->coord, id);
		return NULL;
	}
	rc = rln_coord_make_call(peer->api->coord, id, &request);
	if (rc == 0)
		return call;
	pthread_mutex_lock(&peer->inbox.lock);
	call->ended = true;
	pthread_mutex_unlock(&peer->inbox.lock);
	rln_call_free(call);
	rln_set_errno(rc);
	return NULL;
}

static bool has_incoming(void *arg)
{
	return ((struct rln_peer *)arg)->first != NULL;
}

/* Under the inbox lock. */
static struct rln_incoming *unlink_first(struct rln_peer *peer)
{
	struct rln_incoming *in = peer->first;

	if (in) {
		peer->first = in->next;
		if (!peer->first)
			peer->last = &peer->first;
	}
	return in;
}

static struct rln_incoming *next_incoming(struct rln_peer *peer)
{
	struct rln_incoming *in;

	pthread_mutex_lock(&peer->inbox.lock);
	in = unlink_first(peer);
	pthread_mutex_unlock(&peer->inbox.lock);
	return in;
}

struct rln_incoming *rln_peer_get_incoming_call(struct rln_peer *peer, int timeout_ms)
{
	struct rln_incoming *in = NULL;
	int rc;

	if (!peer)
		return NULL;
	rc = rln_inbox_wait(&peer->inbox, has_incoming, peer, rln_wait_ms(timeout_ms, RLN_EV_NONE));
	if (rc == 0)
		in = next_incoming(peer);
	if (!in)
		errno = rc == RLN_EENDED ? EPIPE : ETIMEDOUT;
	return in;
}

void rln_peer_on_incoming_call(struct rln_peer *peer, rln_incoming_callback callback, void *arg)
{
	pthread_mutex_lock(&peer->inbox.lock);
	peer->on_incoming = callback;
	peer->on_incoming_arg = arg;
	pthread_mutex_unlock(&peer->inbox.lock);
}

void rln_peer_callbacks(struct rln_peer *peer)
{
	struct rln_incoming *in;
	rln_incoming_callback callback;
	void *arg;

	do {
		pthread_mutex_lock(&peer->inbox.lock);
		callback = peer->on_incoming;
		arg = peer->on_incoming_arg;
		in = callback ? unlink_first(peer) : NULL;
		pthread_mutex_unlock(&peer->inbox.lock);
		if (in)
			callback(arg, in);
	} while (in);
}

static bool has_callback(void *arg)
{
	struct rln_peer *peer = arg;

	return peer->on_incoming && peer->first;
}

int rln_peer_run(struct rln_peer *peer, int timeout_ms)
{
	int rc = rln_inbox_wait(&peer->inbox, has_callback, peer, timeout_ms);

	rln_peer_callbacks(peer);
	return rc == RLN_ETIMEDOUT ? 0 : rc;
}

/* The call that was to be answered has ended meanwhile. */
static bool has_given_up(struct rln_call *call)
{
	struct rln_inbox *inbox = &call->peer->inbox;
	bool ended;

	rln_inbox_drain(inbox);
	pthread_mutex_lock(&inbox->lock);
	ended = call->ended;
	pthread_mutex_unlock(&inbox->lock);
	return ended;
}

struct rln_call *rln_incoming_accept(struct rln_incoming *in)
{
	struct rln_call *call = in ? in->call : NULL;
	int rc;

	if (!in)
		return NULL; /* so that an accept may be written round a wait; errno is the wait's */
	free(in);
	rc = has_given_up(call) ? -ECANCELED : rln_coord_accept(call->peer->api->coord, call->id);
	if (rc == 0)
		return call;
	rln_call_free(call);
	rln_set_errno(rc);
	return NULL;
}

int rln_incoming_reject(struct rln_incoming *in, uint16_t code)
{
	struct rln_call *call = in->call;
	int rc;

	if (code < 400 || code > 699)
		return -EINVAL;
	rc = has_given_up(call) ? -ECANCELED : rln_coord_reject(call->peer->api->coord, call->id, code);
	free(in);
	rln_call_free(call);
	return rc;
}

const char *rln_incoming_from(const struct rln_incoming *in)
{
	return in->from;
}

struct rln_session_id rln_incoming_session(const struct rln_incoming *in)
{
	return in->call->id;
}
