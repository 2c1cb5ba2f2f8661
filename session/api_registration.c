/* SPDX-License-Identifier: BSD-3-Clause */
/* Registrations of an application's peers and coordinators (R118, R136): orders by registrations.h, and what their inbox heard of them. */
#include <errno.h>

#include "session/api_priv.h"
#include "session/registrations.h"

#define ASK_CONTROL_MS 5000

void rln_peer_note_registration(struct rln_peer *peer, const struct rln_event *ev)
{
	const struct rln_ev_registration_status *p = &ev->registration_status_update;

	peer->registration = (struct rln_registration){
		.state = (enum rln_registration_state)p->status, .code = p->code, .expires_s = p->expires, .retry_s = p->retry_s};
	peer->registers = false;
}

static void set_registers(struct rln_peer *peer, bool is_ordered)
{
	pthread_mutex_lock(&peer->inbox.lock);
	peer->registers = is_ordered;
	pthread_mutex_unlock(&peer->inbox.lock);
}

int rln_peer_register(struct rln_peer *peer, const char *registrar, const char *user, const char *password, uint32_t expires_s)
{
	struct rln_coord_registration r = {
		.registrar = registrar, .user = user, .password = user && !password ? "" : password, .expires_s = expires_s};
	int rc;

	if (!registrar || !registrar[0])
		return -EINVAL;
	rln_inbox_drain(&peer->inbox); /* what was told of an earlier one is past */
	set_registers(peer, true);
	rc = rln_coord_register(peer->api->coord, peer->number, &r, ASK_CONTROL_MS);
	if (rc != 0)
		set_registers(peer, false);
	return rc;
}

int rln_peer_unregister(struct rln_peer *peer)
{
	return rln_coord_unregister(peer->api->coord, peer->number, NULL);
}

void rln_peer_registration(struct rln_peer *peer, struct rln_registration *out)
{
	rln_inbox_drain(&peer->inbox);
	pthread_mutex_lock(&peer->inbox.lock);
	*out = peer->registration;
	pthread_mutex_unlock(&peer->inbox.lock);
}

struct registration_wait {
	const struct rln_peer *peer;
	enum rln_registration_state want;
	int rc;
};

static bool is_settled(void *arg)
{
	struct registration_wait *w = arg;
	const struct rln_registration *now = &w->peer->registration;

	w->rc = 0;
	if (w->peer->registers)
		return false;
	if (now->state == w->want)
		return true;
	w->rc = RLN_EREFUSED;
	return w->want == RLN_REGISTRATION_REGISTERED && now->state == RLN_REGISTRATION_UNREGISTERED && now->retry_s == 0;
}

int rln_peer_wait_for_registration(struct rln_peer *peer, enum rln_registration_state state, int timeout_ms)
{
	struct registration_wait w = {.peer = peer, .want = state};
	int rc;

	if (state != RLN_REGISTRATION_REGISTERED && state != RLN_REGISTRATION_UNREGISTERED)
		return -EINVAL;
	rc = rln_inbox_wait(&peer->inbox, is_settled, &w, rln_wait_ms(timeout_ms, RLN_EV_NONE));
	rln_peer_callbacks(peer);
	return rc == 0 ? w.rc : rc;
}

/* ---- of a coordinator ---- */

int rln_coordinator_register(
	struct rln_coordinator *c, const char *uri, uint32_t expires_s, const char *contact, const struct rln_account *account)
{
	struct rln_coord_registration r = {.uri = uri, .contact = contact, .expires_s = expires_s};

	if (!c->started)
		return -ENOTCONN;
	if (!uri)
		return -EINVAL;
	if (account && account->user) {
		r.user = account->user;
		r.password = account->password ? account->password : "";
	}
	return rln_coord_register(c->api->coord, c->number, &r, ASK_CONTROL_MS);
}

int rln_coordinator_unregister(struct rln_coordinator *c, const char *uri)
{
	return c->started ? rln_coord_unregister(c->api->coord, c->number, uri) : -ENOTCONN;
}
