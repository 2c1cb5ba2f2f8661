/* SPDX-License-Identifier: BSD-3-Clause */
/* The transport between rings that the test fills and empties in the workers' place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/heap.h"
#include "sip/build.h"
#include "sip/transport.h"

#define WORKERS      2
#define RING         8
#define BUFFERS      255
#define TRANSACTIONS 4
#define UP           64

static struct rte_mempool *pool;
static struct rln_net_shared net;
static struct rln_bus *bus;
static struct rln_wheel *wheel;
static struct rln_transport *tp;
static struct rln_addr us, peer, stranger;
static uint64_t now_ns;
static struct rln_event up[UP];
static unsigned up_n;
static int64_t live;

static int nobody(const void *arg, const struct rln_addr *local)
{
	(void)arg;
	(void)local;
	return RLN_NET_CONTROL;
}

static void on_event(void *arg, const struct rln_event *ev)
{
	(void)arg;
	assert_true(up_n < UP);
	rln_block_hold(rln_event_block(ev)); /* looked at until the test ends */
	up[up_n++] = *ev;
}

static void run_ms(unsigned ms)
{
	for (unsigned i = 0; i <= ms; i++) {
		rln_wheel_advance(wheel, now_ns, UINT32_MAX);
		rln_transport_poll(tp, now_ns);
		while (rln_bus_poll(bus, 64))
			;
		now_ns += i < ms ? RLN_MS : 0;
	}
}

/* A datagram as a worker would hand it over; `piece` > 0 cuts it into mbufs of so many bytes. */
static void give(
	unsigned worker, const char *text, size_t len, const struct rln_addr *from, const struct rln_addr *to, size_t piece)
{
	struct rte_mbuf *head = NULL, *m;

	do {
		size_t n = piece && piece < len ? piece : len;

		m = rte_pktmbuf_alloc(pool);
		assert_non_null(m);
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), text, n);
		text += n;
		len -= n;
		if (head)
			assert_int_equal(rte_pktmbuf_chain(head, m), 0);
		else
			head = m;
	} while (len);
	*rln_pkt(head) = (struct rln_pkt){.src = *from, .dst = *to, .op = RLN_PKT_DATAGRAM, .worker = (uint8_t)worker};
	assert_int_equal(rte_ring_sp_enqueue(net.to_control[worker], head), 0);
}

static void give_text(unsigned worker, const char *text)
{
	give(worker, text, strlen(text), &peer, &us, 0);
	run_ms(0);
}

struct datagram {
	struct rln_pkt pkt;
	size_t len;
	unsigned segments;
	char text[65536];
};
static struct datagram got;

static bool taken(unsigned worker)
{
	struct rte_mbuf *m;

	if (rte_ring_sc_dequeue(net.from_control[worker], (void **)&m) < 0)
		return false;
	got.pkt = *rln_pkt(m);
	got.len = m->pkt_len;
	got.segments = m->nb_segs;
	for (size_t at = 0; at < m->pkt_len;) {
		const char *p = rte_pktmbuf_read(m, (uint32_t)at, 1, got.text + at);

		got.text[at++] = *p;
	}
	got.text[got.len] = 0;
	assert_true(m->data_off >= 128);
	rte_pktmbuf_free(m);
	return true;
}

static void request(char *text, size_t size, const char *method, const char *branch, size_t body)
{
	int n = snprintf(text, size,
		"%s sip:bob@198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2:5070;branch=%s;rport\r\nFrom: "
		"<sip:ann@198.18.0.2>;tag=f\r\n"
		"To: <sip:bob@198.18.0.1>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\nContent-Type: text/plain\r\nContent-Length: "
		"%zu\r\n\r\n",
		method, branch, branch, method, body);

	assert_true((size_t)n + body < size);
	memset(text + n, 'x', body);
	text[(size_t)n + body] = 0;
}

static void give_request(unsigned worker, const char *method, const char *branch)
{
	static char text[2048];

	request(text, sizeof(text), method, branch, 0);
	give_text(worker, text);
}

static rln_block_ref block_of(const char *text, struct rln_slice *reason, struct rln_slice *headers, struct rln_slice *body)
{
	struct rln_text t = {.buf = (char *)(uintptr_t)text, .len = strlen(text), .size = strlen(text)};
	rln_block_ref block = rln_build_block(&t, reason, headers, body);

	assert_int_not_equal(block, 0);
	return block;
}

static void publish_response(uint64_t txn, const char *text, uint16_t status)
{
	struct rln_event ev = {.kind = RLN_EV_SEND_SIP_RESPONSE};
	struct rln_ev_send_sip_response *p = &ev.send_sip_response;

	p->block = block_of(text, &p->reason_phrase, &p->headers, &p->body);
	p->transaction_id = txn;
	p->status_code = status;
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	run_ms(0);
}

static void publish_request(uint64_t txn, const char *text, const struct rln_addr *to)
{
	struct rln_event ev = {.kind = RLN_EV_SEND_SIP_MESSAGE, .id = 77};
	struct rln_ev_send_sip_message *p = &ev.send_sip_message;

	p->block = block_of(text, NULL, &p->headers, &p->body);
	p->destination = *to;
	p->method = RLN_SIP_BYE;
	p->transaction_id = txn;
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	run_ms(0);
}

static uint64_t new_client(char *text, size_t size, size_t body)
{
	char branch[RLN_BRANCH_MAX];
	struct rln_txn_id id = rln_txn_new_client(rln_transport_txns(tp), RLN_SIP_BYE, branch);

	assert_int_not_equal(id.v, 0);
	rln_txn_set_owner(rln_transport_txns(tp), id, 77);
	request(text, size, "BYE", branch, body);
	memcpy(strstr(text, "198.18.0.2:5070"), "198.18.0.1:5060", 15);
	return id.v;
}

/* ---- */

static void a_request_and_its_response(void **state)
{
	struct rln_ev_sip_message_received *ev = &up[0].sip_message_received;
	const struct rln_sip_msg *msg;

	(void)state;
	give_request(1, "INFO", "z9hG4bK1");
	assert_int_equal(up_n, 1);
	assert_int_equal(up[0].kind, RLN_EV_SIP_MESSAGE_RECEIVED);
	assert_int_equal(ev->method, RLN_SIP_INFO);
	assert_true(rln_addr_equal(&ev->source, &peer));
	msg = rln_sip_msg_of(ev->block);
	assert_non_null(msg);
	assert_int_equal(msg->worker, 1);
	assert_true(rln_addr_equal(&msg->local, &us));
	publish_response(ev->transaction_id, "SIP/2.0 200 OK\r\nX: y\r\n\r\nbody", 200);
	assert_false(taken(0));
	assert_true(taken(1)); /* where the request came in */
	assert_string_equal(got.text, "SIP/2.0 200 OK\r\nX: y\r\n\r\nbody");
	assert_true(rln_addr_equal(&got.pkt.src, &us) && rln_addr_equal(&got.pkt.dst, &peer));
	assert_int_equal(got.pkt.op, RLN_PKT_DATAGRAM);
	give_request(0, "INFO", "z9hG4bK1"); /* again, by another worker */
	assert_true(taken(1));
	assert_int_equal(up_n, 1);
	run_ms(32000);
}

static void a_request_of_ours(void **state)
{
	char text[2048], answer[2048];
	uint64_t id = new_client(text, sizeof(text), 0);
	const char *via = strstr(text, "Via: ");

	(void)state;
	publish_request(id, text, &peer);
	assert_true(taken(0) || taken(1));
	assert_string_equal(got.text, text);
	assert_true(rln_addr_equal(&got.pkt.src, &us) && rln_addr_equal(&got.pkt.dst, &peer));
	snprintf(answer, sizeof(answer),
		"SIP/2.0 481 Gone\r\n%.*s\r\nFrom: <sip:a@b>;tag=f\r\nTo: <sip:b@a>;tag=t\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n",
		(int)strcspn(via, "\r"), via);
	give_text(0, answer);
	assert_int_equal(up_n, 1);
	assert_int_equal(up[0].kind, RLN_EV_SIP_RESPONSE_RECEIVED);
	assert_int_equal(up[0].id, 77);
	assert_int_equal(up[0].sip_response_received.status_code, 481);
	assert_int_equal(up[0].sip_response_received.transaction_id, id);
	run_ms(5000);
}

static void what_is_no_sip(void **state)
{
	(void)state;
	give_text(0, "\r\n\r\n");
	give_text(0, "\r\n");
	give(0, "\0\0\0\0", 4, &peer, &us, 0);
	run_ms(0);
	assert_int_equal(rln_count_total(RLN_C_SIP_KEEPALIVE), 3);
	give_text(1, "garbage");
	give_text(1, "SIP/2.0 999 No\r\n\r\n");
	give_text(1, "ACK sip:b@a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
		     "<sip:b@a>\r\nCSeq: 1 ACK\r\n\r\n");
	assert_int_equal(rln_count_total(RLN_C_SIP_MALFORMED), 3);
	assert_int_equal(up_n, 0);
	assert_false(taken(0) || taken(1));
}

static void an_odd_request_is_still_a_request(void **state)
{
	(void)state;
	give_text(0, "OPTIONS sip:b@a SIP/7.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
		     "<sip:b@a>\r\nCall-ID: x\r\n"
		     "CSeq: 1 OPTIONS\r\n\r\n");
	assert_int_equal(up_n, 1);
	assert_int_equal(rln_sip_msg_of(up[0].sip_message_received.block)->fault.status, 505);
	publish_response(up[0].sip_message_received.transaction_id, "SIP/2.0 505 No\r\nX: y\r\n\r\n", 505);
	assert_true(taken(0));
	assert_int_equal(got.pkt.dst.port, 5060); /* no rport, no port in sent-by */
	run_ms(32000);
}

static void acks_go_up_without_a_transaction(void **state)
{
	(void)state;
	give_request(0, "ACK", "z9hG4bKack");
	assert_int_equal(up_n, 1);
	assert_int_equal(up[0].sip_message_received.method, RLN_SIP_ACK);
	assert_int_equal(up[0].sip_message_received.transaction_id, 0);
	assert_int_equal(rln_txns_in_use(rln_transport_txns(tp)), 0);
}

static void too_many_transactions(void **state)
{
	char branch[32], first[512];

	(void)state;
	for (unsigned i = 0; i < TRANSACTIONS; i++) {
		snprintf(branch, sizeof(branch), "z9hG4bK%u", i);
		give_request(0, "INFO", branch);
	}
	assert_int_equal(up_n, TRANSACTIONS);
	give_request(1, "INVITE", "z9hG4bKmore");
	assert_true(taken(1));
	assert_memory_equal(got.text, "SIP/2.0 503 Service Unavailable\r\nVia: ", 38);
	assert_non_null(strstr(got.text, "\r\nRetry-After: 7\r\nServer: test\r\nContent-Length: 0\r\n\r\n"));
	assert_non_null(strstr(got.text, "To: <sip:bob@198.18.0.1>;tag="));
	assert_true(rln_addr_equal(&got.pkt.dst, &peer));
	snprintf(first, sizeof(first), "%.500s", got.text);
	give_request(1, "INVITE", "z9hG4bKmore");
	assert_true(taken(1));
	assert_memory_equal(got.text, first, strlen(first)); /* stateless, and the same */
	give_request(1, "ACK", "z9hG4bKmore");
	assert_false(taken(1));
	assert_int_equal(rln_count_total(RLN_C_SIP_OVERLOAD), 2);
	assert_int_equal(up_n, TRANSACTIONS + 1);
	run_ms(32000);
}

/* Both ways, a message longer than a packet buffer. */
static void long_messages(void **state)
{
	static char text[40000];
	uint64_t id;

	(void)state;
	request(text, sizeof(text), "MESSAGE", "z9hG4bKlong", 9000);
	give(0, text, strlen(text), &peer, &us, 1400);
	run_ms(0);
	assert_int_equal(up_n, 1);
	assert_int_equal(up[0].sip_message_received.body.len, 9000);
	publish_response(up[0].sip_message_received.transaction_id, "SIP/2.0 200 OK\r\nX: y\r\n\r\n", 200);
	assert_true(taken(0));
	id = new_client(text, sizeof(text), 30000);
	publish_request(id, text, &peer);
	assert_true(taken(0) || taken(1));
	assert_int_equal(got.len, strlen(text));
	assert_string_equal(got.text, text);
	assert_true(got.segments > 10);
	rln_txn_drop(rln_transport_txns(tp), (struct rln_txn_id){id});
	run_ms(32000);
}

static void sending_that_fails(void **state)
{
	static char text[70000];
	struct rte_mbuf *held[BUFFERS];
	uint64_t id;
	unsigned n;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(rln_transport_send(tp, text, 0, &us, &peer, 0), -EMSGSIZE);
	assert_int_equal(rln_transport_send(tp, text, 65508, &us, &peer, 0), -EMSGSIZE);
	assert_int_equal(rln_transport_send(tp, "x", 1, &us, &stranger, 0), -ENETUNREACH);
	for (n = 0; n < RING - 1; n++)
		assert_int_equal(rln_transport_send(tp, "x", 1, &us, &peer, 1), 0);
	assert_int_equal(rln_transport_send(tp, "x", 1, &us, &peer, 1), -ENOBUFS);
	while (taken(1))
		;
	assert_int_equal(rln_transport_send(tp, "x", 1, &us, &peer, 99), 0);
	assert_true(taken(0)); /* a worker that does not exist */
	for (n = 0; n < BUFFERS - 3; n++)
		assert_non_null(held[n] = rte_pktmbuf_alloc(pool));
	assert_int_equal(rln_transport_send(tp, text, 20000, &us, &peer, 0), -ENOBUFS); /* the fourth buffer is missing */
	assert_int_equal(rln_transport_send(tp, "x", 1, &us, &peer, 0), 0);
	assert_true(taken(0));
	rte_pktmbuf_free_bulk(held, n);
	assert_int_equal(rln_count_total(RLN_C_SIP_SEND_LOST), 2);
	id = new_client(text, sizeof(text), 0);
	publish_request(id, text, &stranger);
	assert_int_equal(up_n, 1);
	assert_int_equal(up[0].kind, RLN_EV_TRANSPORT_ERROR);
	assert_int_equal(up[0].id, 77);
	assert_int_equal(up[0].transport_error.transaction_id, id);
	assert_int_equal(up[0].transport_error.error, ENETUNREACH);
	publish_request(0, text, &stranger); /* logged: nobody's transaction */
	publish_request(0, text, &peer);
	assert_true(taken(0) || taken(1));
	assert_int_equal(up_n, 1);
}

static void an_unreachable_peer(void **state)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	char text[2048];
	uint64_t id = new_client(text, sizeof(text), 0);

	(void)state;
	publish_request(id, text, &peer);
	assert_true(taken(0) || taken(1));
	*rln_pkt(m) = (struct rln_pkt){.src = us, .dst = peer, .op = RLN_PKT_UNREACH, .error = ECONNREFUSED};
	assert_int_equal(rte_ring_sp_enqueue(net.to_control[1], m), 0);
	run_ms(0);
	assert_int_equal(up_n, 1);
	assert_int_equal(up[0].kind, RLN_EV_TRANSPORT_ERROR);
	assert_int_equal(up[0].transport_error.error, ECONNREFUSED);
}

static void several_ports(void **state)
{
	struct rln_addr other = us, local;

	(void)state;
	other.port = 5080;
	assert_int_equal(rln_transport_local_for(tp, &peer, &local), 0);
	assert_true(rln_addr_equal(&local, &us));
	assert_int_equal(rln_transport_local_for(tp, &stranger, &local), -ENETUNREACH);
	give(0,
		"OPTIONS sip:b@a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
		"<sip:b@a>\r\nCall-ID: x\r\n"
		"CSeq: 1 OPTIONS\r\n\r\n",
		strlen("OPTIONS sip:b@a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
		       "<sip:b@a>\r\nCall-ID: x\r\n"
		       "CSeq: 1 OPTIONS\r\n\r\n"),
		&peer, &other, 0);
	run_ms(0);
	assert_int_equal(rln_sip_msg_of(up[0].sip_message_received.block)->local.port, 5080);
	publish_response(up[0].sip_message_received.transaction_id, "SIP/2.0 200 OK\r\nX: y\r\n\r\n", 200);
	assert_true(taken(0));
	assert_int_equal(got.pkt.src.port, 5080); /* answers leave from where the request came to */
	run_ms(32000);
}

static void a_kind_without_use(void **state)
{
	struct rln_event ev = {.kind = RLN_EV_UNREGISTER_ENDPOINT};
	struct rln_slice at;

	(void)state;
	ev.unregister_endpoint.block = rln_block_from_text("sip:a@b", 7, &at);
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	run_ms(0);
	assert_int_equal(rln_count_total(RLN_C_BUS_NO_HANDLER), 1);
}

static void no_block_for_a_datagram(void **state)
{
	rln_block_ref held[64];
	unsigned n = 0;

	(void)state;
	while (n < 64 && (held[n] = rln_block_alloc(100)) != 0)
		n++;
	give_request(0, "INFO", "z9hG4bK1");
	assert_int_equal(up_n, 0);
	assert_true(rln_count_total(RLN_C_BLOCK_EMPTY) > 0);
	while (n)
		rln_block_release(held[--n]);
	give_request(0, "INFO", "z9hG4bK1"); /* the peer asks again */
	assert_int_equal(up_n, 1);
	run_ms(32000);
}

static const struct rln_transport_cfg *config(void)
{
	static struct rln_transport_cfg cfg;

	cfg = (struct rln_transport_cfg){.bus = bus,
		.wheel = wheel,
		.net = &net,
		.port = 5060,
		.transactions = TRANSACTIONS,
		.t1_ms = 500,
		.t2_ms = 4000,
		.t4_ms = 5000,
		.retry_after_s = 7,
		.server = "test"};
	return &cfg;
}

static void creation_that_fails(void **state)
{
	struct rln_transport *other = NULL;
	struct rln_bus *fresh = rln_bus_new();
	struct rln_transport_cfg cfg = *config();
	int64_t before = rln_heap_live_count();
	unsigned n = 0;
	int rc;

	(void)state;
	assert_int_equal(rln_transport_create(&other, &cfg), -EEXIST); /* one transport per bus */
	assert_null(other);
	assert_int_equal(rln_heap_live_count(), before);
	cfg.bus = fresh;
	do {
		rln_heap_fail_nth(++n);
		rc = rln_transport_create(&other, &cfg);
		rln_heap_fail_nth(0);
		if (rc < 0)
			assert_int_equal(rln_heap_live_count(), before);
	} while (rc == -ENOMEM);
	assert_int_equal(rc, 0);
	assert_true(n > 4);
	rln_transport_destroy(other);
	rln_transport_destroy(NULL);
	rln_bus_free(fresh);
}

/* ---- */

static int begin(void **state)
{
	struct rln_event_handler handler = {.handle = on_event, .endpoint = RLN_ENDPOINT_CONTROL};

	(void)state;
	live = rln_heap_live_count();
	now_ns = 1000 * RLN_MS;
	up_n = 0;
	rln_counts_reset();
	bus = rln_bus_new();
	if (!bus || rln_wheel_create(&wheel, RLN_MS, now_ns) < 0)
		return -1;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	return rln_bus_register_handler(bus, RLN_CAT_T2D, &handler) || rln_transport_create(&tp, config());
}

static int end(void **state)
{
	bool clean;

	(void)state;
	for (unsigned i = 0; i < up_n; i++)
		rln_block_release(rln_event_block(&up[i]));
	while (taken(0) || taken(1))
		;
	clean = rln_txns_in_use(rln_transport_txns(tp)) == 0 && rln_wheel_armed(wheel) == 0 && rln_blocks_in_use() == 0 &&
		rte_mempool_avail_count(pool) == BUFFERS;
	if (!clean)
		print_error("left: %u transactions, %u timers, %u blocks, %u mbufs\n", rln_txns_in_use(rln_transport_txns(tp)),
			rln_wheel_armed(wheel), rln_blocks_in_use(), BUFFERS - rte_mempool_avail_count(pool));
	rln_transport_destroy(tp);
	rln_wheel_destroy(wheel);
	rln_bus_free(bus);
	return clean && rln_heap_live_count() == live ? 0 : -1;
}

static int set_up(void **state)
{
	char *args[] = {"test", "-l0", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m256", "--log-level=4"};

	(void)state;
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		return -1;
	pool = rte_pktmbuf_pool_create("sip", BUFFERS, 0, RLN_PKT_PRIV, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	rln_addr_parse(&us, "198.18.0.1", 10);
	rln_addr_parse(&peer, "198.18.0.2", 10);
	rln_addr_parse(&stranger, "203.0.113.1", 11);
	us.port = 5060;
	peer.port = 5070;
	stranger.port = 5060;
	net.workers = WORKERS;
	net.pool = pool;
	net.ports_n = 1;
	net.addrs_n = 1;
	net.addrs[0] = (struct rln_net_prefix){.addr = us, .len = 96 + 24};
	net.addrs[0].addr.port = 0;
	net.owner_of = nobody;
	for (unsigned w = 0; w < WORKERS; w++) {
		char name[32];

		snprintf(name, sizeof(name), "in%u", w);
		net.to_control[w] = rte_ring_create(name, RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		snprintf(name, sizeof(name), "out%u", w);
		net.from_control[w] = rte_ring_create(name, RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!net.to_control[w] || !net.from_control[w])
			return -1;
	}
	return pool ? rln_blocks_init(48, 8) : -1;
}

static int tear_down(void **state)
{
	(void)state;
	rln_blocks_fini();
	for (unsigned w = 0; w < WORKERS; w++) {
		rte_ring_free(net.to_control[w]);
		rte_ring_free(net.from_control[w]);
	}
	rte_mempool_free(pool);
	return rte_eal_cleanup();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_and_its_response),
		TEST(a_request_of_ours),
		TEST(what_is_no_sip),
		TEST(an_odd_request_is_still_a_request),
		TEST(acks_go_up_without_a_transaction),
		TEST(too_many_transactions),
		TEST(long_messages),
		TEST(sending_that_fails),
		TEST(an_unreachable_peer),
		TEST(several_ports),
		TEST(a_kind_without_use),
		TEST(no_block_for_a_datagram),
		TEST(creation_that_fails),
	};

	return cmocka_run_group_tests_name("sip_transport", tests, set_up, tear_down);
}
