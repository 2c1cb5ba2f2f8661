/* SPDX-License-Identifier: BSD-3-Clause */
/* Which handler has which call (host.h), and the ways into a handler: an INVITE, an event, a timer, the end. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "session/host_priv.h"

#define SLOW_NS     RLN_MS
#define ADD_PEER_MS 5000

void rln_host_timed(const struct rln_host_view *host, uint64_t began, const char *what)
{
	uint64_t took = rln_clock_ns() - began;

	if (took <= SLOW_NS)
		return;
	rln_count(RLN_C_HANDLER_SLOW);
	rln_log(RLN_LOG_WARNING, 0, "%s of the handler %s took %llu us", what, host->name, (unsigned long long)took / 1000);
}

/* ---- records ---- */

struct rln_host_record *rln_host_find(struct rln_hosts *hosts, uint64_t call)
{
	uint32_t slot = rln_id_slot(call);
	struct rln_host_record *record = slot < hosts->records_n ? hosts->records[slot] : NULL;

	return record && call && record->call == call ? record : NULL;
}

void rln_host_disarm(struct rln_hosts *hosts, struct rln_host_record *record)
{
	for (unsigned i = 0; i < RLN_HANDLER_TIMERS; i++)
		rln_wheel_disarm(hosts->cfg.wheel, &record->timers[i].timer);
}

void rln_host_joins(struct rln_host_view *host)
{
	__atomic_store_n(&host->calls, host->calls + 1, __ATOMIC_RELEASE);
}

void rln_host_leaves(struct rln_host_view *host)
{
	__atomic_store_n(&host->calls, host->calls - 1, __ATOMIC_RELEASE);
	if (host->calls == 0 && __atomic_load_n(&host->retired, __ATOMIC_ACQUIRE))
		sem_post(&host->idle);
}

void rln_host_unclaim(struct rln_hosts *hosts, struct rln_host_record *record)
{
	rln_host_disarm(hosts, record);
	record->call = 0;
	record->data = NULL;
	rln_host_leaves(record->owner);
}

static void tell(struct rln_host_record *record, const struct rln_event *ev)
{
	struct rln_host_view *host = record->owner;
	uint64_t began = rln_clock_ns();

	if (!host->handler.on_event)
		return;
	host->handler.on_event(host->handler.arg, &host->host, ev);
	rln_host_timed(host, began, rln_event_info(rln_event_kind(ev))->name);
}

/* The end of a call that the engine can tell nothing of any more. */
static void end(struct rln_hosts *hosts, struct rln_host_record *record)
{
	struct rln_event ev = {
		.id = record->call, .kind = RLN_EV_SESSION_TERMINATED, .session_terminated = {.reason = RLN_END_NETWORK}};

	tell(record, &ev);
	rln_host_unclaim(hosts, record);
}

struct rln_host_record *rln_host_claim(struct rln_host_view *host, uint64_t call, const char *caller, const char *called)
{
	struct rln_hosts *hosts = host->all;
	uint32_t slot = rln_id_slot(call);
	struct rln_host_record *record;

	if (slot >= hosts->records_n)
		return NULL;
	if (!hosts->records[slot])
		hosts->records[slot] = rln_zalloc(sizeof(**hosts->records));
	record = hosts->records[slot];
	if (!record)
		return NULL;
	if (record->call) /* its session was never made */
		end(hosts, record);
	record->call = call;
	record->owner = host;
	snprintf(record->caller, sizeof(record->caller), "%s", caller ? caller : "");
	snprintf(record->called, sizeof(record->called), "%s", called ? called : "");
	rln_host_joins(host);
	return record;
}

/* ---- into a handler ---- */

static struct rln_decision refuse(uint16_t code)
{
	return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = code};
}

static struct rln_decision ask(struct rln_host_view *host, const struct rln_invite_details *invite)
{
	struct rln_host_record *record;
	struct rln_decision decision;
	uint64_t began = rln_clock_ns();

	if (!host->handler.on_incoming_invite)
		return refuse(404);
	if (__atomic_load_n(&host->retired, __ATOMIC_ACQUIRE))
		return refuse(503);
	record = rln_host_claim(host, invite->session.v, invite->from, invite->request_uri);
	if (!record)
		return refuse(503);
	decision = host->handler.on_incoming_invite(host->handler.arg, &host->host, invite);
	if (decision.kind == RLN_DECISION_REJECT)
		rln_host_unclaim(host->all, record);
	rln_host_timed(host, began, "INVITE");
	return decision;
}

static struct rln_decision on_invite_of_all(void *arg, const struct rln_invite_details *invite)
{
	struct rln_hosts *hosts = arg;
	struct rln_host *host = hosts->choose(hosts->choose_arg, invite);

	return host ? ask(rln_host_view(host), invite) : refuse(404);
}

static struct rln_decision on_invite_of_one(void *arg, const struct rln_invite_details *invite)
{
	return ask(arg, invite);
}

/* What the worker says of a leg that the session does not know yet is the machine's alone. */
static bool is_for_applications(const struct rln_event *ev)
{
	return rln_id_type(ev->id) == RLN_ID_SESSION && ev->kind != RLN_EV_MEDIA_SESSION_CREATED &&
	       ev->kind != RLN_EV_MEDIA_ERROR;
}

static void on_event(void *arg, const struct rln_event *ev)
{
	struct rln_hosts *hosts = arg;
	struct rln_host_record *record = is_for_applications(ev) ? rln_host_find(hosts, ev->id) : NULL;

	if (!record)
		return;
	tell(record, ev);
	if (ev->kind == RLN_EV_SESSION_TERMINATED && record->call == ev->id)
		rln_host_unclaim(hosts, record);
}

void rln_host_timer_fired(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_host_timer *t = (struct rln_host_timer *)timer;
	struct rln_host_view *host = t->host;
	uint64_t began = rln_clock_ns();

	(void)now_ns;
	if (!host->handler.on_timer || (!t->call && __atomic_load_n(&host->retired, __ATOMIC_ACQUIRE)))
		return;
	host->handler.on_timer(host->handler.arg, &host->host, (struct rln_session_id){t->call}, t->number);
	rln_host_timed(host, began, "on_timer");
}

/* ---- hosts ---- */

struct rln_host *rln_hosts_find(struct rln_hosts *hosts, const char *name)
{
	struct rln_host_view *host = __atomic_load_n(&hosts->first, __ATOMIC_ACQUIRE);

	while (host && (__atomic_load_n(&host->retired, __ATOMIC_ACQUIRE) || strcmp(host->name, name) != 0))
		host = host->next;
	return host ? &host->host : NULL;
}

static void free_host(struct rln_host_view *host)
{
	sem_destroy(&host->idle);
	rln_free(host->options);
	rln_free(host);
}

/* Two with one name may come at once. */
static int publish(struct rln_hosts *hosts, struct rln_host_view *host)
{
	int rc = 0;

	pthread_mutex_lock(&hosts->adding);
	if (rln_hosts_find(hosts, host->name)) {
		rc = -EEXIST;
	} else {
		host->next = hosts->first;
		__atomic_store_n(&hosts->first, host, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&hosts->adding);
	return rc;
}

int rln_hosts_add(
	struct rln_hosts *hosts, struct rln_host **out, const struct rln_handler *handler, const char *name, const char *options)
{
	struct rln_host_view *host;
	int rc;

	if (handler->abi != RLN_HANDLER_ABI || !*name || strlen(name) >= RLN_HOST_NAME)
		return -EINVAL;
	host = rln_zalloc(sizeof(*host));
	if (!host)
		return -ENOMEM;
	sem_init(&host->idle, 0, 0);
	host->options = rln_strdup(options ? options : "");
	if (!host->options) {
		free_host(host);
		return -ENOMEM;
	}
	host->host.ops = &rln_host_ops;
	host->all = hosts;
	host->handler = *handler;
	host->peer = hosts->peer;
	snprintf(host->name, sizeof(host->name), "%s", name);
	rc = publish(hosts, host);
	if (rc != 0) {
		free_host(host);
		return rc;
	}
	*out = &host->host;
	return 0;
}

int rln_hosts_add_peer(struct rln_hosts *hosts, const struct rln_hosts_peer_cfg *cfg)
{
	struct rln_host_view *only = cfg->only ? rln_host_view(cfg->only) : NULL;
	struct rln_coord_peer_cfg peer = {
		.name = cfg->name, .port = cfg->port, .any_user = cfg->any_user, .number = only ? &only->peer : &hosts->peer};
	unsigned number;
	int rc;

	peer.handler = only ? (struct rln_signalling_handler){.on_incoming_invite = on_invite_of_one, .arg = only}
			    : (struct rln_signalling_handler){.on_incoming_invite = on_invite_of_all, .arg = hosts};
	if (!only) {
		hosts->choose = cfg->choose;
		hosts->choose_arg = cfg->arg;
	} else {
		only->has_own_peer = true;
	}
	rc = rln_coord_add_peer(hosts->cfg.coord, &peer, &number, ADD_PEER_MS);
	if (rc != 0 || only)
		return rc;
	for (struct rln_host_view *h = hosts->first; h; h = h->next) {
		if (!h->has_own_peer)
			h->peer = number;
	}
	return 0;
}

uint32_t rln_host_calls(const struct rln_host *host)
{
	return __atomic_load_n(&((const struct rln_host_view *)host)->calls, __ATOMIC_ACQUIRE);
}

static void stop(struct rln_host_view *host)
{
	if (host->handler.on_stop)
		host->handler.on_stop(host->handler.arg, &host->host);
	memset(&host->handler, 0, sizeof(host->handler));
}

void rln_host_forget(struct rln_host *host)
{
	memset(&rln_host_view(host)->handler, 0, sizeof(rln_host_view(host)->handler));
	__atomic_store_n(&rln_host_view(host)->retired, true, __ATOMIC_RELEASE);
}

/* Removing the peer is an order that control carries out: from then on no INVITE and no timer of its own comes any more. */
int rln_host_retire(struct rln_host *h, int timeout_ms)
{
	struct rln_host_view *host = rln_host_view(h);
	struct timespec until;

	__atomic_store_n(&host->retired, true, __ATOMIC_RELEASE);
	rln_coord_del_peer(host->all->cfg.coord, host->peer, timeout_ms);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	while (rln_host_calls(h) > 0) {
		if (sem_timedwait(&host->idle, &until) != 0 && errno == ETIMEDOUT)
			return -ETIMEDOUT;
	}
	stop(host);
	return 0;
}

/* ---- life ---- */

int rln_hosts_create(struct rln_hosts **out, const struct rln_hosts_cfg *cfg)
{
	static const enum rln_category told[] = {RLN_CAT_S2A, RLN_CAT_D2S, RLN_CAT_M2S};
	struct rln_hosts *hosts = rln_zalloc(sizeof(*hosts));
	int rc = -ENOMEM;

	if (!hosts)
		return -ENOMEM;
	hosts->cfg = *cfg;
	pthread_mutex_init(&hosts->adding, NULL);
	hosts->records_n = rln_coord_capacity(cfg->coord) + 1;
	hosts->records = rln_zalloc(hosts->records_n * sizeof(*hosts->records));
	if (!hosts->records)
		goto out;
	rc = 0;
	for (unsigned i = 0; i < sizeof(told) / sizeof(told[0]) && rc == 0; i++)
		rc = rln_bus_subscribe(cfg->bus, told[i], &(struct rln_event_handler){on_event, hosts, RLN_ENDPOINT_CONTROL});
out:
	if (rc != 0) {
		rln_hosts_destroy(hosts);
		return rc;
	}
	*out = hosts;
	return 0;
}

void rln_hosts_stop(struct rln_hosts *hosts)
{
	if (hosts->is_stopped)
		return;
	hosts->is_stopped = true;
	for (uint32_t i = 0; hosts->records && i < hosts->records_n; i++) {
		if (hosts->records[i] && hosts->records[i]->call)
			end(hosts, hosts->records[i]);
	}
	for (struct rln_host_view *host = hosts->first; host; host = host->next) {
		for (unsigned i = 0; i < RLN_HANDLER_TIMERS; i++)
			rln_wheel_disarm(hosts->cfg.wheel, &host->timers[i].timer);
		stop(host);
	}
}

void rln_hosts_destroy(struct rln_hosts *hosts)
{
	struct rln_host_view *host;

	if (!hosts)
		return;
	rln_hosts_stop(hosts);
	while ((host = hosts->first)) {
		hosts->first = host->next;
		free_host(host);
	}
	for (uint32_t i = 0; hosts->records && i < hosts->records_n; i++)
		rln_free(hosts->records[i]);
	rln_free(hosts->records);
	pthread_mutex_destroy(&hosts->adding);
	rln_free(hosts);
}
