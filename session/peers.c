/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local peers: who answers on which SIP port. The table is control's; an application thread that wants a change leaves an order
 * in a lock-free list and sleeps on its eventfd until control has carried it out. Who stops waiting leaves the order to
 * control, which frees it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/net/net.h"
#include "session/coord_priv.h"
#include "session/placement.h"
#include "session/registrations.h"
#include "session/session.h"

struct account { /* of a registration; user NULL: the credentials stay */
	const char *aor, *user, *password;
};

enum order_state { ORDER_WAITS, ORDER_TAKEN, ORDER_GIVEN_UP };

struct rln_peer_order {
	struct rln_peer_order *next;
	const struct rln_coord_peer_cfg *add; /* valid while its thread waits; both NULL: remove `peer`, whoever waits */
	const struct account *account;        /* the same, for `peer` */
	unsigned peer;
	int rc;
	uint32_t state; /* enum order_state */
	int fd;
};

unsigned rln_peers_find(const struct rln_coord *coord, const struct rln_addr *local, const char *user, size_t len)
{
	unsigned any = RLN_COORD_PEERS;

	for (unsigned i = 0; i < RLN_COORD_PEERS; i++) {
		const struct rln_coord_peer *p = &coord->peers[i];

		if (!p->in_use || p->is_dying || p->local.port != local->port)
			continue;
		if (!rln_addr_is_any(&p->local) && !rln_addr_same_ip(&p->local, local))
			continue;
		if (strlen(p->name) == len && strncasecmp(p->name, user, len) == 0)
			return i;
		if (p->any_user)
			any = i;
	}
	return any;
}

/* The same port and either the same name, or both for everybody. */
static bool is_taken(const struct rln_coord *coord, const struct rln_coord_peer_cfg *cfg)
{
	for (unsigned i = 0; i < RLN_COORD_PEERS; i++) {
		const struct rln_coord_peer *p = &coord->peers[i];

		if (p->in_use && p->local.port == cfg->port &&
			(strcasecmp(p->name, cfg->name) == 0 || (p->any_user && cfg->any_user)))
			return true;
	}
	return false;
}

static int set_credentials(struct rln_credentials *c, const char *user, const char *password)
{
	if (!user)
		return 0;
	if (!password || strlen(user) >= sizeof(c->user) || strlen(password) >= sizeof(c->password))
		return -EINVAL;
	explicit_bzero(c, sizeof(*c));
	strcpy(c->user, user);
	strcpy(c->password, password);
	return 0;
}

static int add(struct rln_coord *coord, const struct rln_coord_peer_cfg *cfg, unsigned *number)
{
	struct rln_coord_peer peer = {.handler = cfg->handler,
		.auto_answer = cfg->auto_answer,
		.any_user = cfg->any_user,
		.accept_transfers = cfg->accept_transfers};
	unsigned i;
	int rc = 0;

	if (is_taken(coord, cfg))
		return -EADDRINUSE;
	for (i = 0; i < RLN_COORD_PEERS && coord->peers[i].in_use; i++)
		;
	if (i == RLN_COORD_PEERS)
		return -ENOSPC;
	if (cfg->local_address)
		rc = rln_addr_parse(&peer.local, cfg->local_address, strlen(cfg->local_address));
	if (rc == 0)
		rc = set_credentials(&peer.credentials, cfg->user, cfg->password);
	if (rc != 0)
		return rc;
	peer.local.port = cfg->port;
	snprintf(peer.name, sizeof(peer.name), "%s", cfg->name);
	rln_placement_add_sip_port(coord->cfg.placement, cfg->port);
	if (cfg->listener)
		rln_sub_set_peer(cfg->listener, i);
	if (cfg->number)
		*cfg->number = i;
	peer.in_use = true;
	coord->peers[i] = peer;
	*number = i;
	return 0;
}

static void set_from(struct rln_coord_aor *from, const char *aor)
{
	union {
		char text[RLN_PEER_AOR];
		uint32_t words[RLN_PEER_AOR / sizeof(uint32_t)];
	} new = {0};

	snprintf(new.text, sizeof(new.text), "%s", aor);
	__atomic_exchange_n(&from->sequence, from->sequence + 1, __ATOMIC_ACQ_REL);
	for (unsigned i = 0; i < RLN_PEER_AOR / sizeof(uint32_t); i++)
		__atomic_store_n(&from->words[i], new.words[i], __ATOMIC_RELAXED);
	__atomic_store_n(&from->sequence, from->sequence + 1, __ATOMIC_RELEASE);
}

void rln_peers_from(const struct rln_coord_peer *peer, char out[RLN_PEER_AOR])
{
	const struct rln_coord_aor *from = &peer->from;
	uint32_t before, after, words[RLN_PEER_AOR / sizeof(uint32_t)];

	do {
		before = __atomic_load_n(&from->sequence, __ATOMIC_ACQUIRE);
		for (unsigned i = 0; i < RLN_PEER_AOR / sizeof(uint32_t); i++)
			words[i] = __atomic_load_n(&from->words[i], __ATOMIC_ACQUIRE);
		after = __atomic_load_n(&from->sequence, __ATOMIC_RELAXED);
	} while (before != after || before & 1);
	memcpy(out, words, RLN_PEER_AOR);
}

void rln_peers_note_registration(struct rln_coord *coord, unsigned peer, const char *aor, bool is_over)
{
	struct rln_coord_peer *p = peer < RLN_COORD_PEERS ? &coord->peers[peer] : NULL;

	if (p && p->in_use && strcmp(p->aor, aor) == 0)
		set_from(&p->from, is_over ? "" : aor);
}

static int set_account(struct rln_coord_peer *p, const struct account *account)
{
	int rc = p->in_use && !p->is_dying ? set_credentials(&p->credentials, account->user, account->password) : -EINVAL;

	if (rc == 0) {
		snprintf(p->aor, sizeof(p->aor), "%s", account->aor);
		set_from(&p->from, p->aor);
	}
	return rc;
}

static void bury(struct rln_coord *coord, struct rln_coord_peer *p)
{
	if (!p->is_dying || p->calls)
		return;
	rln_placement_del_sip_port(coord->cfg.placement, p->local.port);
	explicit_bzero(&p->credentials, sizeof(p->credentials));
	p->in_use = false;
}

static int del(struct rln_coord *coord, unsigned number)
{
	struct rln_coord_peer *p = &coord->peers[number];

	if (!p->in_use || p->is_dying)
		return -ENOENT;
	p->is_dying = true;
	rln_coord_unregister(coord, number, NULL);
	rln_coord_hangup_all(coord, number);
	bury(coord, p);
	return 0;
}

void rln_peers_count(struct rln_coord *coord, unsigned peer, int by)
{
	struct rln_coord_peer *p = &coord->peers[peer % RLN_COORD_PEERS];

	p->calls += (uint32_t)by;
	bury(coord, p);
}

static void carry_out(struct rln_coord *coord, struct rln_peer_order *order)
{
	if (order->add)
		order->rc = add(coord, order->add, &order->peer);
	else if (order->account)
		order->rc = set_account(&coord->peers[order->peer], order->account);
	else
		order->rc = del(coord, order->peer);
}

static bool is_removal(const struct rln_peer_order *order)
{
	return !order->add && !order->account;
}

static void free_order(struct rln_peer_order *order)
{
	if (order->fd >= 0)
		close(order->fd);
	rln_free(order);
}

static bool swap_state(struct rln_peer_order *order, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&order->state, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void rln_peers_serve(struct rln_coord *coord)
{
	struct rln_peer_order *list, *order;
	const uint64_t one = 1;

	if (__atomic_load_n(&coord->orders, __ATOMIC_RELAXED) == NULL)
		return;
	list = __atomic_exchange_n(&coord->orders, NULL, __ATOMIC_ACQUIRE);
	while ((order = list)) {
		list = order->next;
		if (!swap_state(order, ORDER_WAITS, ORDER_TAKEN)) {
			if (is_removal(order) && coord->is_running)
				carry_out(coord, order);
			free_order(order);
			continue;
		}
		carry_out(coord, order);
		if (write(order->fd, &one, sizeof(one)) < 0) /* the counter cannot be full: it was 0 */
			free_order(order);
	}
}

/* Until control has carried the order out, or the time is up: a signal does not end the wait. */
static bool is_done(const struct rln_peer_order *order, int timeout_ms)
{
	uint64_t end = rln_clock_end_ns(timeout_ms);
	struct pollfd p = {.fd = order->fd, .events = POLLIN};
	uint64_t rung;
	int left;

	do {
		left = rln_clock_left_ms(end);
		/* The read, unlike poll(), orders what control wrote before ours. */
		if (poll(&p, 1, left) == 1 && read(order->fd, &rung, sizeof(rung)) == sizeof(rung))
			return true;
	} while (left != 0);
	return false;
}

/* Waits until control has carried the order out; the order is gone afterwards. */
static int place(struct rln_coord *coord, struct rln_peer_order *order, int timeout_ms, unsigned *peer)
{
	int rc;

	order->next = __atomic_load_n(&coord->orders, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&coord->orders, &order->next, order, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	while (!is_done(order, timeout_ms)) {
		if (swap_state(order, ORDER_WAITS, ORDER_GIVEN_UP))
			return -ETIMEDOUT; /* control frees it */
		timeout_ms = -1;           /* it is at it */
	}
	rc = order->rc;
	*peer = order->peer;
	free_order(order);
	return rc;
}

static int ask(struct rln_coord *coord, const struct rln_coord_peer_cfg *cfg, const struct account *account, unsigned *peer,
	int timeout_ms)
{
	struct rln_peer_order *order = rln_zalloc(sizeof(*order));
	int rc;

	if (!order)
		return -ENOMEM;
	order->add = cfg;
	order->account = account;
	order->peer = *peer;
	if (!__atomic_load_n(&coord->is_running, __ATOMIC_ACQUIRE)) {
		order->fd = -1;
		carry_out(coord, order);
		rc = order->rc;
		*peer = order->peer;
		free_order(order);
		return rc;
	}
	order->fd = eventfd(0, EFD_CLOEXEC);
	if (order->fd < 0) {
		rc = -errno;
		free_order(order);
		return rc;
	}
	return place(coord, order, timeout_ms, peer);
}

int rln_coord_add_peer(struct rln_coord *coord, const struct rln_coord_peer_cfg *cfg, unsigned *peer, int timeout_ms)
{
	*peer = RLN_COORD_PEERS;
	if (!coord)
		return RLN_EENDED;
	if (!cfg->name || !cfg->name[0] || strlen(cfg->name) >= RLN_PEER_NAME || cfg->port == 0)
		return -EINVAL;
	return ask(coord, cfg, NULL, peer, timeout_ms);
}

int rln_coord_del_peer(struct rln_coord *coord, unsigned peer, int timeout_ms)
{
	if (!coord)
		return RLN_EENDED;
	return peer < RLN_COORD_PEERS ? ask(coord, NULL, NULL, &peer, timeout_ms) : -EINVAL;
}

int rln_peers_set_account(
	struct rln_coord *coord, unsigned peer, const char *aor, const char *user, const char *password, int timeout_ms)
{
	const struct account account = {aor, user, password};

	return ask(coord, NULL, &account, &peer, timeout_ms);
}
