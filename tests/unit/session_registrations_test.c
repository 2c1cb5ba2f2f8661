/* SPDX-License-Identifier: BSD-3-Clause */
/* Registrations above the SIP layer: what is ordered of it, whose credentials answer, what is heard and who is told. */
#include "session_engine.h"

#include "config/config.h"
#include "session/registrations.h"
#include "sip/auth.h"

#define ORDERS 64

static const struct rln_signalling_handler nobody;
static const struct rln_config_registration configured[] = {
	{.uri = "sip:pbx@192.0.2.1", .user = "pbx", .password = "one", .expires_s = 300},
	{.uri = "sip:trunk@192.0.2.2:5080",
		.registrar = "192.0.2.3",
		.user = "trunk",
		.password = "two",
		.realm = "asterisk",
		.contact = "sip:in@203.0.113.1"},
	{.uri = "sip:open@192.0.2.4"},
};

static struct {
	enum rln_event_kind kind;
	char uri[128], contact[128], registrar[128];
	struct rln_ev_register_endpoint fields;
} orders[ORDERS];
static unsigned orders_n;

static void copy(char out[128], rln_block_ref block, struct rln_slice s)
{
	snprintf(out, 128, "%.*s", s.len, s.len ? rln_slice_text(block, s) : "");
}

static void on_order(void *arg, const struct rln_event *ev)
{
	const struct rln_ev_register_endpoint *p = &ev->register_endpoint;

	(void)arg;
	assert_true(orders_n < ORDERS);
	orders[orders_n].kind = rln_event_kind(ev);
	orders[orders_n].fields = *p;
	copy(orders[orders_n].uri, p->block, p->uri);
	copy(orders[orders_n].contact, p->block, p->contact);
	copy(orders[orders_n].registrar, p->block, p->registrar);
	orders_n++;
}

static void on_nothing(void *arg, const struct rln_event *ev)
{
	(void)arg;
	(void)ev;
}

static int begin(void **state)
{
	struct rln_event_handler d2t = {on_order, NULL, RLN_ENDPOINT_CONTROL}, t2d = {on_nothing, NULL, RLN_ENDPOINT_CONTROL};
	struct rln_coord_cfg cfg;

	(void)state;
	layers_begin();
	orders_n = 0;
	assert_int_equal(rln_bus_register_handler(bus, RLN_CAT_D2T, &d2t), 0);
	assert_int_equal(rln_bus_register_handler(bus, RLN_CAT_T2D, &t2d), 0);
	cfg = engine_cfg();
	cfg.registrations = configured;
	cfg.registrations_n = 3;
	assert_int_equal(rln_coord_create(&coord, &cfg), 0);
	return 0;
}

/* The SIP layer says what became of it. */
static void says(const char *uri, unsigned peer, enum rln_registration_state status, unsigned code, unsigned seconds)
{
	struct rln_event ev = {.kind = RLN_EV_REGISTRATION_STATUS_UPDATE};
	struct rln_ev_registration_status *p = &ev.registration_status_update;

	p->block = rln_block_from_text(uri, strlen(uri), &p->uri);
	p->status = (uint8_t)status;
	p->code = (uint16_t)code;
	p->peer = (uint16_t)peer;
	p->expires = status == RLN_REGISTRATION_REGISTERED ? seconds : 0;
	p->retry_s = status == RLN_REGISTRATION_UNREGISTERED ? seconds : 0;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	turn();
}

static int order(unsigned peer, const struct rln_coord_registration *r)
{
	int rc;

	coord->is_running = false; /* one thread: credentials are set at once */
	rc = rln_coord_register(coord, peer, r, 0);
	turn();
	return rc;
}

static void assert_order(enum rln_event_kind kind, const char *uri, const char *contact, const char *registrar)
{
	assert_true(orders_n > 0);
	assert_int_equal(orders[orders_n - 1].kind, kind);
	assert_string_equal(orders[orders_n - 1].uri, uri);
	assert_string_equal(orders[orders_n - 1].contact, contact);
	assert_string_equal(orders[orders_n - 1].registrar, registrar);
}

static void assert_credentials(const char *from, uint16_t port, const char *realm, const char *user, const char *password)
{
	struct rln_addr local = net.addrs[0].addr;
	struct rln_credentials found;

	local.port = port;
	if (!user) {
		assert_int_equal(rln_coord_credentials(coord, &local, from, realm, &found), -ENOENT);
		return;
	}
	assert_int_equal(rln_coord_credentials(coord, &local, from, realm, &found), 0);
	assert_string_equal(found.user, user);
	assert_string_equal(found.password, password);
}

static void a_peer_registers(void **state)
{
	unsigned alice = peer_new("alice", 5070, false, nobody);
	struct rln_coord_registration r = {
		.registrar = "192.0.2.9:5080", .user = "a-user", .password = "secret", .expires_s = 120};
	struct rln_call_request request = {.peer = alice, .to = "bob@198.18.0.2"};

	(void)state;
	assert_int_equal(order(alice, &r), 0);
	assert_order(RLN_EV_REGISTER_ENDPOINT, "sip:a-user@192.0.2.9", "alice", "sip:192.0.2.9:5080");
	assert_int_equal(orders[0].fields.expires, 120);
	assert_int_equal(orders[0].fields.local_port, 5070);
	assert_int_equal(orders[0].fields.peer, alice);
	assert_credentials("sip:a-user@192.0.2.9", 5070, "any", "a-user", "secret");      /* of its registration */
	assert_credentials("sip:alice@198.18.0.1:5070", 5070, "any", "a-user", "secret"); /* ... and of its calls */
	assert_credentials("sip:alice@198.18.0.1:5070", 5071, "any", NULL, NULL);
	assert_credentials("sip:bob@198.18.0.1", 5070, "any", NULL, NULL);
	r = (struct rln_coord_registration){.uri = "alice@192.0.2.9", .contact = "sip:x@203.0.113.1"};
	assert_int_equal(order(alice, &r), 0);
	assert_order(RLN_EV_REGISTER_ENDPOINT, "sip:alice@192.0.2.9", "sip:x@203.0.113.1", "");
	assert_credentials("sip:alice@192.0.2.9", 5070, "any", "a-user", "secret"); /* they stay */
	assert_int_equal(rln_coord_make_call(coord, rln_coord_reserve(coord), &request), 0);
	turn();
	assert_string_equal(dialogs[0].from, "sip:alice@192.0.2.9"); /* its address of record from now on */
	rln_coord_drain(coord);
	turn();
}

static void calls_as(unsigned peer, const char *from)
{
	struct rln_call_request request = {.peer = peer, .to = "bob@198.18.0.2"};
	struct rln_session_id id = rln_coord_reserve(coord);

	memset(dialogs, 0, sizeof(dialogs));
	assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
	turn();
	assert_string_equal(dialogs[0].from, from);
	assert_int_equal(rln_coord_hangup(coord, id), 0);
	turn();
	wire_byes(&dialogs[0], RLN_END_CANCELLED);
}

/* Who is no longer registered calls under his own name again; his credentials still answer for calls that he made before. */
static void an_address_of_record_goes_with_its_registration(void **state)
{
	unsigned alice = peer_new("alice", 5070, false, nobody);
	struct rln_coord_registration r = {.registrar = "192.0.2.9", .user = "a-user", .password = "secret"};

	(void)state;
	assert_int_equal(order(alice, &r), 0);
	says("sip:a-user@192.0.2.9", alice, RLN_REGISTRATION_REGISTERED, 200, 120);
	calls_as(alice, "sip:a-user@192.0.2.9");
	says("sip:a-user@192.0.2.9", alice, RLN_REGISTRATION_UNREGISTERED, 503, 30); /* tries again */
	calls_as(alice, "sip:a-user@192.0.2.9");
	says("sip:a-user@192.0.2.9", alice, RLN_REGISTRATION_UNREGISTERED, 403, 0);
	calls_as(alice, "sip:alice@198.18.0.1:5070");
	assert_credentials("sip:a-user@192.0.2.9", 5070, "any", "a-user", "secret");
	says("sip:a-user@192.0.2.9", alice, RLN_REGISTRATION_REGISTERED, 200, 120);
	says("sip:other@192.0.2.9", alice, RLN_REGISTRATION_UNREGISTERED, 200, 0); /* another of its registrations */
	calls_as(alice, "sip:a-user@192.0.2.9");
}

static void what_cannot_be_registered(void **state)
{
	unsigned alice = peer_new("alice", 5070, false, nobody);
	static char long_text[300];
	const struct rln_coord_registration rows[] = {{.uri = "a b@192.0.2.1"}, {.uri = "sip:"}, {.uri = NULL},
		{.registrar = "sips:192.0.2.1"}, {.uri = "a@192.0.2.1", .registrar = "<"}, {.uri = "a@192.0.2.1", .user = "x"},
		{.uri = long_text}, {.uri = "a@192.0.2.1", .user = long_text, .password = "x"},
		{.uri = "a@192.0.2.1", .user = "x", .password = long_text}};

	(void)state;
	memset(long_text, 'a', sizeof(long_text) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(order(alice, &rows[i]), -EINVAL);
	assert_int_equal(order(RLN_COORD_PEERS, &rows[0]), -EINVAL);
	assert_int_equal(order(alice + 1, &(struct rln_coord_registration){.uri = "a@192.0.2.1"}), -EINVAL);
	assert_int_equal(rln_coord_register(NULL, 0, &rows[0], 0), RLN_EENDED);
	assert_int_equal(rln_coord_unregister(NULL, 0, NULL), RLN_EENDED);
	assert_int_equal(rln_coord_unregister(coord, RLN_COORD_PEERS, NULL), -EINVAL);
	assert_int_equal(rln_coord_unregister(coord, alice, NULL), -ENOENT);
	assert_int_equal(rln_coord_unregister(coord, alice, "<"), -EINVAL);
	assert_int_equal(orders_n, 0);
}

static void a_peers_own_credentials(void **state)
{
	struct rln_coord_peer_cfg cfg = {.name = "carol", .port = 5071, .user = "carol", .password = "pw"};
	unsigned peer;

	(void)state;
	assert_int_equal(rln_coord_add_peer(coord, &cfg, &peer, 0), 0);
	assert_credentials("sip:carol@198.18.0.1:5071", 5071, "any", "carol", "pw");
	assert_int_equal(rln_coord_del_peer(coord, peer, 0), 0);
	assert_credentials("sip:carol@198.18.0.1:5071", 5071, "any", NULL, NULL);
	cfg.password = NULL;
	assert_int_equal(rln_coord_add_peer(coord, &cfg, &peer, 0), -EINVAL);
}

static void the_configuration_registers(void **state)
{
	(void)state;
	assert_int_equal(rln_coord_register_configured(coord), 0);
	turn();
	assert_int_equal(orders_n, 3);
	assert_string_equal(orders[0].uri, "sip:pbx@192.0.2.1");
	assert_int_equal(orders[0].fields.expires, 300);
	assert_int_equal(orders[0].fields.local_port, 0);
	assert_int_equal(orders[0].fields.peer, RLN_COORD_PEERS);
	assert_string_equal(orders[1].registrar, "sip:192.0.2.3");
	assert_string_equal(orders[1].contact, "sip:in@203.0.113.1");
	assert_credentials("sip:pbx@192.0.2.1", 5060, "whatever", "pbx", "one");
	assert_credentials("sip:trunk@192.0.2.2:5080", 5060, "whatever", "trunk", "two");
	assert_credentials("sip:ringlane@198.18.0.1", 5060, "Asterisk", "trunk", "two"); /* a call of the server */
	assert_credentials("sip:ringlane@198.18.0.1", 5060, "192.0.2.1", "pbx", "one");
	assert_credentials("sip:ringlane@198.18.0.1", 5060, "elsewhere", NULL, NULL); /* nobody else's realm */
	assert_credentials("sip:ringlane@198.18.0.1", 5060, "", NULL, NULL);
	assert_credentials("sip:open@192.0.2.4", 5060, "192.0.2.4", NULL, NULL);
}

static void what_is_heard(void **state)
{
	struct rln_registration_view view;

	(void)state;
	assert_false(rln_coord_registration_view(coord, 0, &view));
	says("sip:a@192.0.2.1", 3, RLN_REGISTRATION_REGISTERING, 0, 0);
	assert_int_equal(rln_coord_registrations(coord), 1);
	says("sip:a@192.0.2.1", 3, RLN_REGISTRATION_REGISTERED, 200, 60);
	says("sip:b@192.0.2.1", 3, RLN_REGISTRATION_UNREGISTERED, 401, 30);
	assert_int_equal(rln_coord_registrations(coord), 2); /* it will try again */
	assert_true(rln_coord_registration_view(coord, 0, &view));
	assert_string_equal(view.uri, "sip:a@192.0.2.1");
	assert_int_equal(view.status, RLN_REGISTRATION_REGISTERED);
	assert_int_equal(view.expires_s, 60);
	assert_int_equal(view.code, 200);
	assert_true(rln_coord_registration_view(coord, 1, &view));
	assert_int_equal(view.retry_s, 30);
	assert_false(rln_coord_registration_view(coord, 2, &view));
	says("sip:b@192.0.2.1", 3, RLN_REGISTRATION_UNREGISTERED, 401, 0);
	says("sip:a@192.0.2.1", 3, RLN_REGISTRATION_UNREGISTERED, 200, 0);
	assert_int_equal(rln_coord_registrations(coord), 0);
	assert_true(rln_coord_registration_view(coord, 1, &view)); /* how it ended is still there */
}

/* Places of registrations that are over are used again; there are never more at once than places. */
static void many_registrations(void **state)
{
	struct rln_registration_view view;
	char uri[64];

	(void)state;
	for (unsigned i = 0; i < 3 * RLN_REGISTRATION_VIEWS; i++) {
		snprintf(uri, sizeof(uri), "sip:u%u@192.0.2.1", i);
		says(uri, 1, RLN_REGISTRATION_REGISTERED, 200, 60);
		if (i % 3)
			says(uri, 1, RLN_REGISTRATION_UNREGISTERED, 200, 0);
	}
	assert_int_equal(rln_coord_registrations(coord), RLN_REGISTRATION_VIEWS);
	says("sip:refused@192.0.2.1", 1, RLN_REGISTRATION_UNREGISTERED, 503, 0);
	assert_int_equal(rln_coord_registrations(coord), RLN_REGISTRATION_VIEWS);
	assert_false(rln_coord_registration_view(coord, RLN_REGISTRATION_VIEWS, &view));
}

static void subscribers_of_the_peer_are_told(void **state)
{
	unsigned alice = peer_new("alice", 5070, false, nobody), bob = peer_new("bob", 5071, false, nobody);
	struct rln_sub *hers = watch(RLN_SUB_PEER, alice, (struct rln_session_id){0}),
		       *his = watch(RLN_SUB_PEER, bob, (struct rln_session_id){0}),
		       *all = watch(RLN_SUB_ALL, 0, (struct rln_session_id){0});
	struct rln_event ev;
	size_t len;

	(void)state;
	says("sip:alice@192.0.2.9", alice, RLN_REGISTRATION_REGISTERED, 200, 60);
	assert_true(next(hers, RLN_EV_REGISTRATION_STATUS_UPDATE, &ev));
	assert_string_equal(rln_sub_text(&ev, ev.registration_status_update.uri, &len), "sip:alice@192.0.2.9");
	assert_int_equal(ev.registration_status_update.expires, 60);
	rln_sub_give_back(hers, &ev);
	assert_true(next(all, RLN_EV_REGISTRATION_STATUS_UPDATE, &ev));
	rln_sub_give_back(all, &ev);
	assert_false(next(his, RLN_EV_REGISTRATION_STATUS_UPDATE, &ev));
	forget(hers);
	forget(his);
	forget(all);
}

static void unregistered_by_name_and_with_the_peer(void **state)
{
	unsigned alice = peer_new("alice", 5070, false, nobody), bob = peer_new("bob", 5071, false, nobody);

	(void)state;
	says("sip:alice@192.0.2.9", alice, RLN_REGISTRATION_REGISTERED, 200, 60);
	says("sip:bob@192.0.2.9", bob, RLN_REGISTRATION_REGISTERED, 200, 60);
	assert_int_equal(rln_coord_unregister(coord, bob, "bob@192.0.2.9"), 0);
	turn();
	assert_order(RLN_EV_UNREGISTER_ENDPOINT, "sip:bob@192.0.2.9", "", "");
	assert_int_equal(orders[0].fields.local_port, 5071);
	coord->is_running = false;
	assert_int_equal(rln_coord_del_peer(coord, alice, 0), 0);
	turn();
	assert_int_equal(orders_n, 2);
	assert_order(RLN_EV_UNREGISTER_ENDPOINT, "sip:alice@192.0.2.9", "", "");
}

/* The drain takes back what is registered, and what becomes so while it lasts. */
static void a_drain_unregisters(void **state)
{
	(void)state;
	says("sip:a@192.0.2.1", RLN_COORD_PEERS, RLN_REGISTRATION_REGISTERED, 200, 60);
	says("sip:b@192.0.2.1", 1, RLN_REGISTRATION_UNREGISTERED, 408, 30);
	says("sip:c@192.0.2.1", 1, RLN_REGISTRATION_UNREGISTERED, 200, 0);
	rln_coord_drain(coord);
	turn();
	assert_int_equal(orders_n, 2);
	assert_string_equal(orders[0].uri, "sip:a@192.0.2.1");
	assert_string_equal(orders[1].uri, "sip:b@192.0.2.1");
	says("sip:d@192.0.2.1", 1, RLN_REGISTRATION_REGISTERING, 0, 0);
	assert_int_equal(orders_n, 2);
	says("sip:d@192.0.2.1", 1, RLN_REGISTRATION_REGISTERED, 200, 60);
	assert_int_equal(orders_n, 3);
	assert_order(RLN_EV_UNREGISTER_ENDPOINT, "sip:d@192.0.2.1", "", "");
}

static void no_block_for_an_order(void **state)
{
	unsigned alice = peer_new("alice", 5070, false, nobody), n = 0;
	rln_block_ref held[300];

	(void)state;
	while ((held[n] = rln_block_alloc(64)))
		n++;
	assert_int_equal(order(alice, &(struct rln_coord_registration){.uri = "a@192.0.2.1"}), -ENOBUFS);
	assert_int_equal(rln_coord_register_configured(coord), -ENOBUFS);
	while (n)
		rln_block_release(held[--n]);
	assert_int_equal(orders_n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_peer_registers),
		TEST(an_address_of_record_goes_with_its_registration),
		TEST(what_cannot_be_registered),
		TEST(a_peers_own_credentials),
		TEST(the_configuration_registers),
		TEST(what_is_heard),
		TEST(many_registrations),
		TEST(subscribers_of_the_peer_are_told),
		TEST(unregistered_by_name_and_with_the_peer),
		TEST(a_drain_unregisters),
		TEST(no_block_for_an_order),
	};

	return cmocka_run_group_tests_name("session_registrations", tests, NULL, NULL);
}
