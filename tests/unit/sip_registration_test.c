/* SPDX-License-Identifier: BSD-3-Clause */
/* The registration machine against a scripted registrar: every step, every refusal, every loss, and time. */
#include "sip/registration.h"
#include "sip_dialog_fixture.h"

#define AOR     "sip:alice@198.18.0.2"
#define ASKS    "WWW-Authenticate: Digest realm=\"example.test\", nonce=\"n1\", qop=\"auth\"\r\n"
#define STALE   "WWW-Authenticate: Digest realm=\"example.test\", nonce=\"n2\", qop=\"auth\", stale=true\r\n"
#define CONTACT "Contact: <sip:alice@198.18.0.1:5060>;expires="

static struct rln_event told[EVENT_MAX];
static unsigned told_n, told_read;
static char sent[TEXT_MAX]; /* the REGISTER in hand */

static void on_told(void *arg, const struct rln_event *ev)
{
	(void)arg;
	if (ev->kind == RLN_EV_REGISTRATION_STATUS_UPDATE)
		told[told_n++ % EVENT_MAX] = *ev;
}

static int start(void **state)
{
	struct rln_event_handler observer = {.handle = on_told, .endpoint = RLN_ENDPOINT_CONTROL};

	start_one(state);
	told_n = told_read = 0;
	return rln_bus_subscribe(node0->bus, RLN_CAT_T2D, &observer);
}

/* What is registered would be refreshed for ever. */
static int end(void **state)
{
	rln_registrations_destroy(dialogs0->registrations);
	assert_int_equal(rln_registrations_create(&dialogs0->registrations, dialogs0), 0);
	rln_transport_set_registrar(node0->transport, rln_registrations_handle, dialogs0->registrations);
	return end_world(state);
}

static uint32_t in_use(void)
{
	return rln_registrations_in_use(dialogs0->registrations);
}

static struct rln_slice put(char *data, size_t *at, const char *text)
{
	struct rln_slice s = {(uint16_t)*at, (uint16_t)(text ? strlen(text) : 0)};

	if (!s.len)
		return (struct rln_slice){0, 0};
	memcpy(data + *at, text, s.len + 1);
	*at += s.len + 1;
	return s;
}

static void order(
	enum rln_event_kind kind, const char *uri, const char *contact, const char *registrar, unsigned expires, uint16_t port)
{
	struct rln_event ev = {.kind = (uint16_t)kind};
	struct rln_ev_register_endpoint *p = kind == RLN_EV_REGISTER_ENDPOINT ? &ev.register_endpoint : &ev.unregister_endpoint;
	size_t at = 0;

	p->block = rln_block_alloc(512);
	if (p->block) {
		p->uri = put(rln_block_data(p->block), &at, uri);
		p->contact = put(rln_block_data(p->block), &at, contact);
		p->registrar = put(rln_block_data(p->block), &at, registrar);
	}
	p->expires = expires;
	p->local_port = port;
	p->peer = 7;
	rln_bus_publish(node0->bus, &ev);
	pump();
}

static void want(unsigned expires)
{
	order(RLN_EV_REGISTER_ENDPOINT, AOR, NULL, NULL, expires, 0);
}

static void unwant(void)
{
	order(RLN_EV_UNREGISTER_ENDPOINT, AOR, NULL, NULL, 0, 0);
}

static const char *next_register(void)
{
	strcpy(sent, next_sent("REGISTER "));
	return sent;
}

static const struct rln_ev_registration_status *status(enum rln_registration_state state, unsigned code)
{
	const struct rln_event *ev;

	pump();
	if (told_read == told_n)
		fail_msg("nothing was told, expected %s", rln_registration_state_name(state));
	ev = &told[told_read++ % EVENT_MAX];
	assert_string_equal(rln_registration_state_name((enum rln_registration_state)ev->registration_status_update.status),
		rln_registration_state_name(state));
	assert_int_equal(ev->registration_status_update.code, code);
	assert_int_equal(ev->registration_status_update.peer, 7);
	return &ev->registration_status_update;
}

static void no_more_told(void)
{
	pump();
	assert_int_equal(told_read, told_n);
}

static void register_for(unsigned expires)
{
	char line[128];

	want(0);
	status(RLN_REGISTRATION_REGISTERING, 0);
	snprintf(line, sizeof(line), CONTACT "%u\r\n", expires);
	reply(next_register(), "200 OK", "r", line, NULL);
	assert_int_equal(status(RLN_REGISTRATION_REGISTERED, 200)->expires, expires);
}

static void unregister(void)
{
	unwant();
	status(RLN_REGISTRATION_UNREGISTERING, 200);
	reply(next_register(), "200 OK", "r", NULL, NULL);
	assert_int_equal(status(RLN_REGISTRATION_UNREGISTERED, 200)->retry_s, 0);
	assert_int_equal(in_use(), 0);
}

/* ---- the steps ---- */

static void registered_refreshed_and_unregistered(void **state)
{
	char first[TEXT_MAX];

	(void)state;
	want(600);
	assert_int_equal(status(RLN_REGISTRATION_REGISTERING, 0)->expires, 0);
	strcpy(first, next_register());
	assert_sent_to(PEER_IP, 5060);
	assert_true(strncmp(first, "REGISTER sip:198.18.0.2 SIP/2.0\r\n", 33) == 0);
	assert_header(first, "To", "<" AOR ">");
	assert_true(strncmp(header(first, "From"), "<" AOR ">;tag=", 27) == 0);
	assert_header(first, "Contact", "<sip:alice@198.18.0.1:5060>;expires=600");
	assert_header(first, "Expires", "600");
	assert_null(nth_header(first, "Authorization", 0));
	reply(first, "200 OK", "r",
		"Contact: <sip:other@198.18.0.9>;expires=3600, <sip:alice@198.18.0.1:5060>;q=0.7;expires=\"100\"\r\nExpires: "
		"7\r\n",
		NULL);
	assert_int_equal(status(RLN_REGISTRATION_REGISTERED, 200)->expires, 100);
	run_for(89900);
	no_more_sent();
	run_for(200); /* a tenth of its time before it expires */
	status(RLN_REGISTRATION_REGISTERING, 200);
	next_register();
	assert_header(sent, "Call-ID", header(first, "Call-ID"));
	assert_header(sent, "From", header(first, "From"));
	assert_int_equal(atoi(header(sent, "CSeq")), atoi(header(first, "CSeq")) + 1);
	reply(sent, "200 OK", "r", "Expires: 60\r\n", NULL);
	assert_int_equal(status(RLN_REGISTRATION_REGISTERED, 200)->expires, 60);
	unwant();
	status(RLN_REGISTRATION_UNREGISTERING, 200);
	next_register();
	assert_header(sent, "Contact", "<sip:alice@198.18.0.1:5060>;expires=0");
	assert_header(sent, "Expires", "0");
	reply(sent, "200 OK", "r", NULL, NULL);
	status(RLN_REGISTRATION_UNREGISTERED, 200);
	run_for(700000);
	no_more_sent();
	no_more_told();
	assert_int_equal(in_use(), 0);
}

static void what_the_registrar_grants(void **state)
{
	static const struct {
		const char *extra;
		unsigned granted, refresh_s;
	} rows[] = {{NULL, 3600, 3240}, {"Expires: 20\r\n", 20, 15}, {CONTACT "8\r\n", 8, 4},
		{"Contact: <sip:x@198.18.0.9>;expires=5\r\n", 3600, 3240}, {CONTACT "99999999999\r\n", INT32_MAX, 600000},
		{CONTACT "never\r\nExpires: 40\r\n", 40, 35}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		want(0);
		status(RLN_REGISTRATION_REGISTERING, 0);
		reply(next_register(), "200 OK", "r", rows[i].extra, NULL);
		assert_int_equal(status(RLN_REGISTRATION_REGISTERED, 200)->expires, rows[i].granted);
		run_for(rows[i].refresh_s * 1000 - 100);
		no_more_sent();
		if (rows[i].refresh_s < 600000) {
			run_for(200);
			status(RLN_REGISTRATION_REGISTERING, 200);
			reply(next_register(), "200 OK", "r", NULL, NULL);
			status(RLN_REGISTRATION_REGISTERED, 200);
		}
		unregister();
	}
}

static void orders_with_everything(void **state)
{
	(void)state;
	order(RLN_EV_REGISTER_ENDPOINT, "sip:alice@example.test:5080", "phone", "sip:bob.example.test:5090;lr", 120, 5070);
	status(RLN_REGISTRATION_REGISTERING, 0);
	next_register();
	assert_sent_to(PEER_IP, 5090);
	assert_true(strncmp(sent, "REGISTER sip:bob.example.test:5090;lr SIP/2.0\r\n", 47) == 0);
	assert_header(sent, "Contact", "<sip:phone@198.18.0.1:5070>;expires=120");
	assert_non_null(strstr(header(sent, "Via"), "198.18.0.1:5070"));
	order(RLN_EV_REGISTER_ENDPOINT, AOR, "sip:alice@203.0.113.9:7000", NULL, 120, 0);
	status(RLN_REGISTRATION_REGISTERING, 0);
	next_register();
	assert_header(sent, "Contact", "<sip:alice@203.0.113.9:7000>;expires=120");
	assert_int_equal(in_use(), 2);
}

static void impossible_orders(void **state)
{
	static const char *const rows[][3] = {{"alice", NULL, NULL}, {"tel:123", NULL, NULL},
		{"sips:alice@198.18.0.2", NULL, NULL}, {NULL, NULL, NULL}, {"sip:a@nowhere.test", NULL, NULL},
		{AOR, NULL, "sip:nowhere.test"}, {AOR, NULL, "sip:198.18.0.2;transport=tcp"}, {AOR, NULL, "nonsense"},
		{AOR, "sip:", NULL}, {AOR, "a b", NULL}, {AOR, NULL, "sip:[2001:db8::9]"},
		{"sip:a\r\nX: y@198.18.0.2", NULL, NULL}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		order(RLN_EV_REGISTER_ENDPOINT, rows[i][0], rows[i][1], rows[i][2], 0, 0);
		status(RLN_REGISTRATION_UNREGISTERED, 503);
		assert_int_equal(in_use(), 0);
	}
	unwant(); /* nothing is registered */
	status(RLN_REGISTRATION_UNREGISTERED, 503);
	no_more_sent();
	no_more_told();
}

/* ---- refusals ---- */

static void a_challenge_is_answered_once(void **state)
{
	(void)state;
	want(0);
	status(RLN_REGISTRATION_REGISTERING, 0);
	reply(next_register(), "401 Unauthorized", "r", ASKS, NULL);
	next_register();
	assert_non_null(strstr(header(sent, "Authorization"), "username=\"alice\""));
	assert_non_null(strstr(header(sent, "Authorization"), "uri=\"sip:198.18.0.2\""));
	assert_null(strstr(sent, "wonderland"));
	reply(sent, "401 Unauthorized", "r", STALE, NULL); /* only the nonce was too old */
	next_register();
	assert_non_null(strstr(header(sent, "Authorization"), "nonce=\"n2\""));
	reply(sent, "200 OK", "r", CONTACT "100\r\n", NULL);
	status(RLN_REGISTRATION_REGISTERED, 200);
	run_for(90100);
	status(RLN_REGISTRATION_REGISTERING, 200);
	next_register(); /* with the nonce that we have */
	assert_non_null(strstr(header(sent, "Authorization"), "nc=00000002"));
	reply(sent, "200 OK", "r", CONTACT "100\r\n", NULL);
	status(RLN_REGISTRATION_REGISTERED, 200);
	unregister();
}

/* The registrar never takes our password: two requests an attempt, and attempts grow rare. */
static void a_wrong_password(void **state)
{
	static const unsigned delay[] = {30, 60, 120, 240, 480, 600, 600};
	const struct rln_ev_registration_status *told_now;

	(void)state;
	want(0);
	status(RLN_REGISTRATION_REGISTERING, 0);
	for (unsigned i = 0; i < sizeof(delay) / sizeof(*delay); i++) {
		reply(next_register(), "401 Unauthorized", "r", ASKS, NULL);
		reply(next_register(), "401 Unauthorized", "r", ASKS, NULL);
		told_now = status(RLN_REGISTRATION_UNREGISTERED, 401);
		assert_true(told_now->retry_s <= delay[i] && told_now->retry_s >= delay[i] * 3 / 4);
		no_more_sent();
		run_for(told_now->retry_s * 1000 - 100);
		no_more_sent();
		run_for(200);
		status(RLN_REGISTRATION_REGISTERING, 401);
	}
	reply(next_register(), "200 OK", "r", NULL, NULL);
	status(RLN_REGISTRATION_REGISTERED, 200);
	unregister();
}

static void challenges_of_others(void **state)
{
	static const char *const asks[] = {"WWW-Authenticate: Digest realm=\"elsewhere\", nonce=\"n\"\r\n",
		"WWW-Authenticate: Basic realm=\"example.test\"\r\n", NULL};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		want(0);
		status(RLN_REGISTRATION_REGISTERING, 0);
		reply(next_register(), "401 Unauthorized", "r", asks[i], NULL);
		assert_true(status(RLN_REGISTRATION_UNREGISTERED, 401)->retry_s > 0);
		unwant();
		status(RLN_REGISTRATION_UNREGISTERED, 401);
		assert_int_equal(in_use(), 0);
	}
	no_more_sent();
}

static void a_proxy_and_the_registrar(void **state)
{
	(void)state;
	want(0);
	status(RLN_REGISTRATION_REGISTERING, 0);
	reply(next_register(), "407 Proxy Authentication Required", "r",
		"Proxy-Authenticate: Digest realm=\"proxy.test\", nonce=\"p\"\r\n", NULL);
	reply(next_register(), "401 Unauthorized", "r", ASKS, NULL);
	next_register();
	header(sent, "Proxy-Authorization");
	header(sent, "Authorization");
	reply(sent, "200 OK", "r", NULL, NULL);
	status(RLN_REGISTRATION_REGISTERED, 200);
}

static void an_interval_that_is_too_brief(void **state)
{
	(void)state;
	want(60);
	status(RLN_REGISTRATION_REGISTERING, 0);
	reply(next_register(), "423 Interval Too Brief", "r", "Min-Expires: 120\r\n", NULL);
	assert_header(next_register(), "Expires", "120");
	reply(sent, "423 Interval Too Brief", "r", "Min-Expires: 240\r\n", NULL);
	assert_header(next_register(), "Expires", "240");
	reply(sent, "423 Interval Too Brief", "r", "Min-Expires: 480\r\n", NULL);
	status(RLN_REGISTRATION_UNREGISTERED, 423); /* it does not know what it wants */
	run_for(30100);
	status(RLN_REGISTRATION_REGISTERING, 423);
	reply(next_register(), "423 Interval Too Brief", "r", NULL, NULL);
	status(RLN_REGISTRATION_UNREGISTERED, 423);
}

static void refusals(void **state)
{
	static const struct {
		const char *line, *extra;
		unsigned least_s;
	} rows[] = {{"404 Not Found", NULL, 22}, {"302 Moved Temporarily", "Contact: <sip:198.18.0.9>\r\n", 22},
		{"503 Service Unavailable", "Retry-After: 7200 (later);duration=5\r\n", 7200}, {"200 OK", CONTACT "0\r\n", 22},
		{"603 Decline", "Retry-After: soon\r\n", 22}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct rln_ev_registration_status *told_now;

		want(0);
		status(RLN_REGISTRATION_REGISTERING, 0);
		reply(next_register(), rows[i].line, "r", rows[i].extra, NULL);
		told_now = status(RLN_REGISTRATION_UNREGISTERED, (unsigned)atoi(rows[i].line));
		assert_true(told_now->retry_s >= rows[i].least_s &&
			    told_now->retry_s <= (rows[i].least_s > 30 ? rows[i].least_s : 30));
		unwant();
		status(RLN_REGISTRATION_UNREGISTERED, (unsigned)atoi(rows[i].line));
	}
}

static void nobody_answers(void **state)
{
	(void)state;
	want(0);
	status(RLN_REGISTRATION_REGISTERING, 0);
	run_for(32100);
	assert_true(status(RLN_REGISTRATION_UNREGISTERED, 408)->retry_s > 0);
	world.sent_read = world.sent_n;
	run_for(30100);
	status(RLN_REGISTRATION_REGISTERING, 408);
	reply(next_register(), "200 OK", "r", NULL, NULL);
	status(RLN_REGISTRATION_REGISTERED, 200);
	unwant(); /* nor now: it is forgotten all the same */
	status(RLN_REGISTRATION_UNREGISTERING, 200);
	run_for(32100);
	status(RLN_REGISTRATION_UNREGISTERED, 408);
	assert_int_equal(in_use(), 0);
}

static void the_network_fails(void **state)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(world.pool);

	(void)state;
	want(0);
	status(RLN_REGISTRATION_REGISTERING, 0);
	*rln_pkt(m) = (struct rln_pkt){
		.src = addr_of(OUR_IP, 5060), .dst = addr_of(PEER_IP, 5060), .op = RLN_PKT_UNREACH, .error = ECONNREFUSED};
	assert_int_equal(rte_ring_enqueue(node0->net.to_control[0], m), 0);
	assert_true(status(RLN_REGISTRATION_UNREGISTERED, 503)->retry_s > 0);
}

/* ---- a wish that changes while a request is open ---- */

static void unwanted_before_the_answer(void **state)
{
	(void)state;
	want(0);
	status(RLN_REGISTRATION_REGISTERING, 0);
	unwant();
	no_more_told();
	reply(next_register(), "200 OK", "r", NULL, NULL);
	status(RLN_REGISTRATION_REGISTERED, 200);
	status(RLN_REGISTRATION_UNREGISTERING, 200);
	reply(next_register(), "200 OK", "r", NULL, NULL);
	status(RLN_REGISTRATION_UNREGISTERED, 200);
	assert_int_equal(in_use(), 0);
	want(0); /* ... and refused */
	status(RLN_REGISTRATION_REGISTERING, 0);
	unwant();
	reply(next_register(), "403 Forbidden", "r", NULL, NULL);
	assert_int_equal(status(RLN_REGISTRATION_UNREGISTERED, 403)->retry_s, 0);
	assert_int_equal(in_use(), 0);
	no_more_sent();
}

static void wanted_again_before_the_answer(void **state)
{
	(void)state;
	register_for(100);
	unwant();
	status(RLN_REGISTRATION_UNREGISTERING, 200);
	want(300);
	reply(next_register(), "200 OK", "r", NULL, NULL);
	status(RLN_REGISTRATION_UNREGISTERED, 200);
	status(RLN_REGISTRATION_REGISTERING, 200);
	assert_header(next_register(), "Expires", "300");
	order(RLN_EV_REGISTER_ENDPOINT, AOR, "phone", NULL, 200, 0); /* another Contact: it is told when it may be */
	reply(sent, "200 OK", "r", NULL, NULL);
	status(RLN_REGISTRATION_REGISTERED, 200);
	status(RLN_REGISTRATION_REGISTERING, 200);
	assert_header(next_register(), "Contact", "<sip:phone@198.18.0.1:5060>;expires=200");
	reply(sent, "200 OK", "r", NULL, NULL);
	status(RLN_REGISTRATION_REGISTERED, 200);
	unregister();
}

/* ---- loss ---- */

/* A registrar that challenges once and loses the nth message of either side. Returns how many there were. */
static unsigned serve(unsigned lose)
{
	unsigned n = 0;

	for (unsigned waited = 0; waited < 200; waited++) {
		while (world.sent_read < world.sent_n) {
			next_register();
			if (++n == lose || ++n == lose)
				continue;
			if (!nth_header(sent, "Authorization", 0))
				reply(sent, "401 Unauthorized", "r", ASKS, NULL);
			else
				reply(sent, "200 OK", "r", NULL, NULL);
		}
		run_for(100);
	}
	return n;
}

static void any_message_may_be_lost(void **state)
{
	unsigned last = 4;

	(void)state;
	for (unsigned lose = 0; lose <= last; lose++) {
		want(0);
		last = serve(lose);
		status(RLN_REGISTRATION_REGISTERING, 0);
		status(RLN_REGISTRATION_REGISTERED, 200);
		unwant();
		serve(lose);
		status(RLN_REGISTRATION_UNREGISTERING, 200);
		status(RLN_REGISTRATION_UNREGISTERED, 200);
		no_more_told();
		assert_int_equal(in_use(), 0);
	}
}

/* ---- limits ---- */

static void the_table_is_full(void **state)
{
	char uri[64];

	(void)state;
	for (unsigned i = 0; i < RLN_REGISTRATIONS; i++) {
		snprintf(uri, sizeof(uri), "sip:user%u@198.18.0.2", i);
		order(RLN_EV_REGISTER_ENDPOINT, uri, NULL, NULL, 0, 0);
	}
	assert_int_equal(in_use(), RLN_REGISTRATIONS); /* some wait for a transaction, none is lost */
	told_read = told_n;
	want(0);
	status(RLN_REGISTRATION_UNREGISTERED, 503);
	assert_int_equal(in_use(), RLN_REGISTRATIONS);
	world.sent_read = world.sent_n;
}

static void memory_runs_out(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned nth = 1; failed; nth++) {
		assert_true(nth < 100);
		rln_heap_fail_nth(nth);
		want(0);
		if (world.sent_read < world.sent_n)
			reply(next_register(), "401 Unauthorized", "r", ASKS, NULL);
		if (world.sent_read < world.sent_n)
			reply(next_register(), "200 OK", "r", NULL, NULL);
		failed = rln_heap_fail_nth(0);
		unwant();
		run_for(33000);
		assert_int_equal(in_use(), 0);
		world.sent_read = world.sent_n;
	}
}

static void blocks_run_out(void **state)
{
	rln_block_ref held[600];
	unsigned n = 0;

	(void)state;
	register_for(100);
	while ((held[n] = rln_block_alloc(64)))
		n++;
	run_for(91000); /* the refresh finds none */
	while (n)
		rln_block_release(held[--n]);
	told_read = told_n;
	run_for(31000);
	status(RLN_REGISTRATION_REGISTERING, 503);
	reply(next_register(), "200 OK", "r", NULL, NULL);
	status(RLN_REGISTRATION_REGISTERED, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registered_refreshed_and_unregistered),
		TEST(what_the_registrar_grants),
		TEST(orders_with_everything),
		TEST(impossible_orders),
		TEST(a_challenge_is_answered_once),
		TEST(a_wrong_password),
		TEST(challenges_of_others),
		TEST(a_proxy_and_the_registrar),
		TEST(an_interval_that_is_too_brief),
		TEST(refusals),
		TEST(nobody_answers),
		TEST(the_network_fails),
		TEST(unwanted_before_the_answer),
		TEST(wanted_again_before_the_answer),
		TEST(any_message_may_be_lost),
		TEST(the_table_is_full),
		TEST(memory_runs_out),
		TEST(blocks_run_out),
	};

	return cmocka_run_group_tests_name("sip_registration", tests, start_eal, stop_eal);
}
