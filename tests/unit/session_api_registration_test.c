/* SPDX-License-Identifier: BSD-3-Clause */
/* Registrations by the public interface: arguments, what is ordered, and waits for what comes before, during or never. */
#include "session_engine.h"

#include <pthread.h>

#include "session/api_priv.h"

static struct rln_event ordered; /* the last REGISTER_ENDPOINT or UNREGISTER_ENDPOINT */
static char uri[128];
static struct rln_peer *peer;

int rln_runtime_start(const struct rln_runtime_options *options)
{
	(void)options;
	return -ENODEV;
}

void rln_runtime_stop(void)
{
}

static void on_order(void *arg, const struct rln_event *ev)
{
	(void)arg;
	ordered = *ev;
	snprintf(uri, sizeof(uri), "%s", rln_slice_text(rln_event_block(ev), ev->register_endpoint.uri));
}

static void on_nothing(void *arg, const struct rln_event *ev)
{
	(void)arg;
	(void)ev;
}

static int begin(void **state)
{
	struct rln_event_handler d2t = {on_order, NULL, RLN_ENDPOINT_CONTROL}, t2d = {on_nothing, NULL, RLN_ENDPOINT_CONTROL};

	setup(state);
	ordered = (struct rln_event){0};
	assert_int_equal(rln_bus_register_handler(bus, RLN_CAT_D2T, &d2t), 0);
	assert_int_equal(rln_bus_register_handler(bus, RLN_CAT_T2D, &t2d), 0);
	assert_int_equal(rln_api_bind(&(struct rln_api){.coord = coord, .sip_port = 5060}), 0);
	peer = rln_peer_new_with(&(struct rln_peer_options){.name = "alice", .port = 5070, .account = {"alice", "first"}});
	assert_non_null(peer);
	return 0;
}

static int end(void **state)
{
	coord->is_running = false;
	rln_peer_free(peer);
	teardown(state);
	rln_api_bind(NULL);
	return 0;
}

/* The SIP layer says what became of it. */
static void says(enum rln_registration_state status, uint16_t code, uint32_t seconds)
{
	struct rln_event ev = {.kind = RLN_EV_REGISTRATION_STATUS_UPDATE};
	struct rln_ev_registration_status *p = &ev.registration_status_update;

	p->block = rln_block_from_text("sip:alice@192.0.2.9", 19, &p->uri);
	p->status = (uint8_t)status;
	p->code = code;
	p->peer = (uint16_t)peer->number;
	p->expires = status == RLN_REGISTRATION_REGISTERED ? seconds : 0;
	p->retry_s = status == RLN_REGISTRATION_UNREGISTERED ? seconds : 0;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	turn();
}

static void *registered_later(void *arg)
{
	(void)arg;
	says(RLN_REGISTRATION_REGISTERED, 200, 300);
	return NULL;
}

static int orders(const char *registrar, const char *user, const char *password)
{
	int rc;

	coord->is_running = false; /* credentials are set at once */
	rc = rln_peer_register(peer, registrar, user, password, 300);
	turn();
	return rc;
}

static void a_peer_is_registered_before_during_or_never(void **state)
{
	struct rln_registration now;
	pthread_t thread;

	(void)state;
	rln_peer_registration(peer, &now);
	assert_int_equal(now.state, RLN_REGISTRATION_UNREGISTERED);
	assert_int_equal(orders(NULL, NULL, NULL), -EINVAL);
	assert_int_equal(orders("", NULL, NULL), -EINVAL);
	assert_int_equal(rln_peer_wait_for_registration(peer, RLN_REGISTRATION_REGISTERING, 0), -EINVAL);
	assert_int_equal(orders("192.0.2.9", NULL, NULL), 0);
	assert_int_equal(ordered.kind, RLN_EV_REGISTER_ENDPOINT);
	assert_string_equal(uri, "sip:alice@192.0.2.9");
	assert_int_equal(ordered.register_endpoint.expires, 300);
	assert_string_equal(coord->peers[peer->number].credentials.password, "first"); /* the peer's own */
	says(RLN_REGISTRATION_REGISTERING, 0, 0);
	assert_int_equal(rln_peer_wait_for_registration(peer, RLN_REGISTRATION_REGISTERED, 20), RLN_ETIMEDOUT);
	assert_int_equal(pthread_create(&thread, NULL, registered_later, NULL), 0);
	assert_int_equal(rln_peer_wait_for_registration(peer, RLN_REGISTRATION_REGISTERED, RLN_TIMEOUT_DEFAULT), 0);
	pthread_join(thread, NULL);
	assert_int_equal(rln_peer_wait_for_registration(peer, RLN_REGISTRATION_REGISTERED, 0), 0);
	rln_peer_registration(peer, &now);
	assert_int_equal(now.expires_s, 300);
	assert_int_equal(now.code, 200);
	assert_int_equal(rln_peer_unregister(peer), 0);
	turn();
	assert_int_equal(ordered.kind, RLN_EV_UNREGISTER_ENDPOINT);
	says(RLN_REGISTRATION_UNREGISTERED, 200, 0);
	assert_int_equal(rln_peer_wait_for_registration(peer, RLN_REGISTRATION_UNREGISTERED, 0), 0);
	assert_int_equal(rln_peer_unregister(peer), -ENOENT);
}

static void a_refusal_ends_the_wait(void **state)
{
	struct rln_registration now;

	(void)state;
	assert_int_equal(orders("192.0.2.9", "bob", "second"), 0);
	assert_string_equal(uri, "sip:bob@192.0.2.9");
	assert_string_equal(coord->peers[peer->number].credentials.password, "second");
	says(RLN_REGISTRATION_UNREGISTERED, 503, 30); /* it will be tried again */
	assert_int_equal(rln_peer_wait_for_registration(peer, RLN_REGISTRATION_REGISTERED, 10), RLN_ETIMEDOUT);
	says(RLN_REGISTRATION_UNREGISTERED, 403, 0);
	assert_int_equal(rln_peer_wait_for_registration(peer, RLN_REGISTRATION_REGISTERED, RLN_FOREVER), RLN_EREFUSED);
	rln_peer_registration(peer, &now);
	assert_int_equal(now.code, 403);
	assert_int_equal(orders("192.0.2.9", "bob", NULL), 0); /* a new order: what was told before is past */
	assert_int_equal(rln_peer_wait_for_registration(peer, RLN_REGISTRATION_REGISTERED, 10), RLN_ETIMEDOUT);
}

static void a_coordinator_registers_addresses(void **state)
{
	struct rln_account account = {"desk", "secret"};
	struct rln_coordinator *c = rln_coordinator_new(&(struct rln_coordinator_options){.name = "desk", .port = 5090}, NULL);

	(void)state;
	assert_int_equal(rln_coordinator_register(c, "sip:desk@192.0.2.9", 0, NULL, &account), -ENOTCONN);
	assert_int_equal(rln_coordinator_unregister(c, NULL), -ENOTCONN);
	coord->is_running = false;
	assert_int_equal(rln_coordinator_start(c), 0);
	assert_int_equal(rln_coordinator_register(c, NULL, 0, NULL, &account), -EINVAL);
	assert_int_equal(rln_coordinator_register(c, "sip:", 0, NULL, &account), -EINVAL);
	assert_int_equal(rln_coordinator_register(c, "sip:desk@192.0.2.9", 60, "sip:in@203.0.113.1", &account), 0);
	turn();
	assert_int_equal(ordered.kind, RLN_EV_REGISTER_ENDPOINT);
	assert_string_equal(uri, "sip:desk@192.0.2.9");
	assert_string_equal(coord->peers[c->number].credentials.password, "secret");
	assert_int_equal(rln_coordinator_unregister(c, "sip:desk@192.0.2.9"), 0);
	turn();
	assert_int_equal(ordered.kind, RLN_EV_UNREGISTER_ENDPOINT);
	coord->is_running = false;
	rln_coordinator_free(c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_peer_is_registered_before_during_or_never),
		T(a_refusal_ends_the_wait),
		T(a_coordinator_registers_addresses),
	};

	return cmocka_run_group_tests_name("session/api registration", tests, NULL, NULL);
}
