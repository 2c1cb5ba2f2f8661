/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registrations above the SIP layer (registrations.h). The table of what was heard has one writer, the control lcore, which
 * observes the bus; readers of other threads take a copy under a sequence number that is odd while it is written, and try
 * again when it moved.
 */
#include "session/registrations.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "session/coord_priv.h"
#include "sip/auth.h"

struct heard {
	uint32_t sequence; /* odd: being written */
	struct rln_registration_view view;
};

struct rln_heard { /* owner: control lcore; read by any */
	uint32_t n, live;
	struct heard heard[RLN_REGISTRATION_VIEWS];
};

/* ---- credentials ---- */

static bool take(struct rln_credentials *out, const char *user, const char *password)
{
	if (!user[0])
		return false;
	snprintf(out->user, sizeof(out->user), "%s", user);
	snprintf(out->password, sizeof(out->password), "%s", password);
	return true;
}

static bool is_user(const char *name, const char *uri)
{
	struct rln_sip_uri parts;

	return rln_sip_uri_parse(&parts, uri, strlen(uri)) == 0 && strlen(name) == parts.user.len &&
	       strncasecmp(name, uri + parts.user.off, parts.user.len) == 0;
}

/* Our From names the peer, or the address of record under which it registered. */
static bool is_peers(const struct rln_coord_peer *p, const struct rln_addr *local, const char *local_uri)
{
	if (!p->in_use || p->local.port != local->port)
		return false;
	return is_user(p->name, local_uri) || (p->aor[0] && rln_sip_uri_is_same(rln_span_of(p->aor), rln_span_of(local_uri)));
}

static bool is_host(const char *uri, const char *host)
{
	struct rln_sip_uri parts;

	return rln_sip_uri_parse(&parts, uri, strlen(uri)) == 0 && strlen(host) == parts.host.len &&
	       strncasecmp(host, uri + parts.host.off, parts.host.len) == 0;
}

/* A realm is by custom the domain (RFC 3261 22.1); one that is another's name gets nothing to guess at. */
static bool is_for_realm(const struct rln_config_registration *r, const char *realm)
{
	return (r->realm[0] && strcasecmp(r->realm, realm) == 0) || is_host(r->uri, realm);
}

int rln_coord_credentials(const struct rln_coord *coord, const struct rln_addr *local, const char *local_uri, const char *realm,
	struct rln_credentials *out)
{
	const struct rln_config_registration *all = coord ? coord->cfg.registrations : NULL;
	unsigned n = coord ? coord->cfg.registrations_n : 0;

	for (unsigned i = 0; coord && i < RLN_COORD_PEERS; i++) {
		const struct rln_coord_peer *p = &coord->peers[i];

		if (is_peers(p, local, local_uri) && take(out, p->credentials.user, p->credentials.password))
			return 0;
	}
	for (unsigned i = 0; i < n; i++) {
		if (rln_sip_uri_is_same(rln_span_of(all[i].uri), rln_span_of(local_uri)) &&
			take(out, all[i].user, all[i].password))
			return 0;
	}
	for (unsigned i = 0; i < n; i++) {
		if (is_for_realm(&all[i], realm) && take(out, all[i].user, all[i].password))
			return 0;
	}
	return -ENOENT;
}

/* ---- commands ---- */

static struct rln_slice put(char *data, size_t *at, const char *text)
{
	struct rln_slice slice = {(uint16_t)*at, (uint16_t)strlen(text)};

	if (!slice.len)
		return (struct rln_slice){0, 0};
	memcpy(data + *at, text, slice.len + 1u);
	*at += slice.len + 1u;
	return slice;
}

/* The payloads of both kinds are one type. */
static int publish(struct rln_coord *coord, enum rln_event_kind kind, const struct rln_ev_register_endpoint *fields,
	const char *uri, const char *contact, const char *registrar)
{
	struct rln_event ev = {.kind = (uint16_t)kind, .register_endpoint = *fields};
	struct rln_ev_register_endpoint *p = &ev.register_endpoint;
	size_t at = 0, size = strlen(uri) + strlen(contact) + strlen(registrar) + 3;
	char *data;

	if (size > UINT16_MAX)
		return -EINVAL;
	p->block = rln_block_alloc(size);
	data = rln_block_data(p->block);
	if (!data)
		return -ENOBUFS;
	p->uri = put(data, &at, uri);
	p->contact = put(data, &at, contact);
	p->registrar = put(data, &at, registrar);
	return rln_session_hub_publish_event(coord, &ev);
}

static int whole_uri(char *out, size_t size, const char *text)
{
	bool is_whole = strncasecmp(text, "sip:", 4) == 0 || strncasecmp(text, "sips:", 5) == 0;
	int len = snprintf(out, size, "%s%s", is_whole ? "" : "sip:", text);
	struct rln_sip_uri uri;

	if (len < 0 || (size_t)len >= size || rln_sip_uri_parse(&uri, out, (size_t)len) != 0)
		return -EINVAL;
	return uri.scheme.len == 3 && uri.host.len ? 0 : -EINVAL;
}

/* sip:user@host of the registrar, without its port: that is where requests go, and no part of the name. */
static int default_uri(char *out, size_t size, const char *user, const char *registrar)
{
	struct rln_sip_uri uri;
	int len;

	if (rln_sip_uri_parse(&uri, registrar, strlen(registrar)) != 0 || !user || !user[0])
		return -EINVAL;
	len = snprintf(out, size, "sip:%s@%.*s", user, uri.host.len, registrar + uri.host.off);
	return len > 0 && (size_t)len < size ? 0 : -EINVAL;
}

int rln_coord_register(struct rln_coord *coord, unsigned peer, const struct rln_coord_registration *r, int timeout_ms)
{
	char uri[RLN_REGISTRATION_URI], registrar[RLN_REGISTRATION_URI] = "";
	struct rln_ev_register_endpoint fields = {.expires = r->expires_s, .peer = (uint16_t)peer};
	const struct rln_coord_peer *p;
	int rc = 0;

	if (!coord)
		return RLN_EENDED;
	if (peer >= RLN_COORD_PEERS || !coord->peers[peer].in_use)
		return -EINVAL;
	p = &coord->peers[peer];
	if (r->registrar)
		rc = whole_uri(registrar, sizeof(registrar), r->registrar);
	if (rc == 0)
		rc = r->uri ? whole_uri(uri, sizeof(uri), r->uri)
			    : default_uri(uri, sizeof(uri), r->user ? r->user : p->name, registrar);
	if (rc == 0)
		rc = rln_peers_set_account(coord, peer, uri, r->user, r->password, timeout_ms);
	if (rc != 0)
		return rc;
	fields.local_port = p->local.port;
	return publish(coord, RLN_EV_REGISTER_ENDPOINT, &fields, uri, r->contact ? r->contact : p->name, registrar);
}

static int unregister(struct rln_coord *coord, unsigned peer, const char *uri)
{
	struct rln_ev_register_endpoint fields = {.peer = (uint16_t)peer};

	if (peer < RLN_COORD_PEERS)
		fields.local_port = coord->peers[peer].local.port;
	return publish(coord, RLN_EV_UNREGISTER_ENDPOINT, &fields, uri, "", "");
}

static bool is_live(const struct rln_registration_view *view)
{
	return view->status != RLN_REGISTRATION_UNREGISTERED || view->retry_s;
}

/* All of a peer, or of everybody (RLN_COORD_PEERS + 1). */
#define EVERYBODY (RLN_COORD_PEERS + 1)
static int unregister_all(struct rln_coord *coord, unsigned peer)
{
	struct rln_registration_view view;
	int rc = -ENOENT;

	for (unsigned i = 0; rln_coord_registration_view(coord, i, &view); i++) {
		if (is_live(&view) && (peer == EVERYBODY || view.peer == peer))
			rc = unregister(coord, view.peer, view.uri);
	}
	return rc;
}

int rln_coord_unregister(struct rln_coord *coord, unsigned peer, const char *uri)
{
	char whole[RLN_REGISTRATION_URI];

	if (!coord)
		return RLN_EENDED;
	if (peer >= RLN_COORD_PEERS)
		return -EINVAL;
	if (!uri)
		return unregister_all(coord, peer);
	return whole_uri(whole, sizeof(whole), uri) == 0 ? unregister(coord, peer, whole) : -EINVAL;
}

void rln_coord_unregister_everybody(struct rln_coord *coord)
{
	unregister_all(coord, EVERYBODY);
}

int rln_coord_register_configured(struct rln_coord *coord)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < coord->cfg.registrations_n; i++) {
		const struct rln_config_registration *r = &coord->cfg.registrations[i];
		struct rln_ev_register_endpoint fields = {.expires = r->expires_s, .peer = RLN_COORD_PEERS};
		char registrar[RLN_REGISTRATION_URI] = "";

		if (r->registrar[0])
			rc = whole_uri(registrar, sizeof(registrar), r->registrar);
		if (rc == 0)
			rc = publish(coord, RLN_EV_REGISTER_ENDPOINT, &fields, r->uri, r->contact, registrar);
	}
	return rc;
}

/* ---- what is heard ---- */

/* Its place, or the next free one, or that of one that is over; RLN_REGISTRATION_VIEWS: none. */
static uint32_t place_for(const struct rln_heard *all, const char *uri, uint16_t peer)
{
	uint32_t i;

	for (i = 0; i < all->n; i++) {
		if (all->heard[i].view.peer == peer && strcmp(all->heard[i].view.uri, uri) == 0)
			return i;
	}
	if (all->n < RLN_REGISTRATION_VIEWS)
		return all->n;
	for (i = 0; i < all->n && is_live(&all->heard[i].view); i++)
		;
	return i;
}

typedef uint32_t __attribute__((may_alias)) word; /* fields of other types are copied through it (rtp/leg_stats.c says why) */

#define VIEW_WORDS (sizeof(struct rln_registration_view) / sizeof(word))
_Static_assert(sizeof(struct rln_registration_view) % sizeof(word) == 0, "copied by words");

static void note(struct rln_heard *all, const struct rln_registration_view *view)
{
	uint32_t i = place_for(all, view->uri, view->peer), live;
	struct heard *h = &all->heard[i];

	if (i == RLN_REGISTRATION_VIEWS)
		return; /* there are as many places as registrations: refused orders alone come here */
	live = all->live - is_live(&h->view) + is_live(view); /* a free place is not alive: all zero */
	__atomic_exchange_n(&h->sequence, h->sequence + 1, __ATOMIC_ACQ_REL);
	for (unsigned k = 0; k < VIEW_WORDS; k++)
		__atomic_store_n((word *)&h->view + k, ((const word *)view)[k], __ATOMIC_RELAXED);
	__atomic_store_n(&h->sequence, h->sequence + 1, __ATOMIC_RELEASE);
	if (i == all->n)
		__atomic_store_n(&all->n, all->n + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&all->live, live, __ATOMIC_RELEASE);
}

static void on_status(void *arg, const struct rln_event *ev)
{
	const struct rln_ev_registration_status *p = &ev->registration_status_update;
	struct rln_coord *coord = arg;
	struct rln_registration_view view = {
		.peer = p->peer, .code = p->code, .status = p->status, .expires_s = p->expires, .retry_s = p->retry_s};

	if (ev->kind != RLN_EV_REGISTRATION_STATUS_UPDATE)
		return;
	if (p->uri.len)
		snprintf(view.uri, sizeof(view.uri), "%.*s", p->uri.len, rln_slice_text(p->block, p->uri));
	note(coord->heard, &view);
	rln_peers_note_registration(coord, p->peer, view.uri, !is_live(&view));
	rln_subs_deliver_peer(coord->subs, p->peer, ev);
	if (coord->is_draining && p->status == RLN_REGISTRATION_REGISTERED)
		unregister(coord, p->peer, view.uri); /* it was on its way when the drain began */
}

bool rln_coord_registration_view(const struct rln_coord *coord, unsigned n, struct rln_registration_view *out)
{
	const struct heard *h;
	uint32_t before, after;

	if (n >= __atomic_load_n(&coord->heard->n, __ATOMIC_ACQUIRE))
		return false;
	h = &coord->heard->heard[n];
	do {
		before = __atomic_load_n(&h->sequence, __ATOMIC_ACQUIRE);
		for (unsigned k = 0; k < VIEW_WORDS; k++)
			((word *)out)[k] = __atomic_load_n((const word *)&h->view + k, __ATOMIC_ACQUIRE);
		after = __atomic_load_n(&h->sequence, __ATOMIC_RELAXED);
	} while (before != after || before & 1);
	return true;
}

uint32_t rln_coord_registrations(const struct rln_coord *coord)
{
	return __atomic_load_n(&coord->heard->live, __ATOMIC_ACQUIRE);
}

int rln_registrations_watch(struct rln_coord *coord)
{
	struct rln_event_handler observer = {.handle = on_status, .arg = coord, .endpoint = RLN_ENDPOINT_CONTROL};

	coord->heard = rln_zalloc(sizeof(*coord->heard));
	if (!coord->heard)
		return -ENOMEM;
	return rln_bus_subscribe(coord->cfg.bus, RLN_CAT_T2D, &observer);
}

void rln_registrations_unwatch(struct rln_coord *coord)
{
	rln_free(coord->heard);
}
