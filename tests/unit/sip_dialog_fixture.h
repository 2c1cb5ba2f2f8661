/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A world for tests of the dialog layer: the real transport and transactions over in-process rings, one or two nodes,
 * time that only the test moves. With one node the test plays the peer: what the node sends stands in `sent`, and
 * scripted datagrams go in by receive(). With two nodes a wire joins them, which can lose any one datagram. The
 * session is a recorder of dialog_to_session, with a hook. world_end() releases every dialog, lets all timers run
 * out, and then nothing may be left: slots, timers, blocks, buffers, memory.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FIXTURE_ABORTS
#include <cmocka.h>
#else /* fuzz targets have no test runner: what does not hold ends the process */
#define assert_true(x)               ((x) ? (void)0 : abort())
#define assert_false(x)              assert_true(!(x))
#define assert_null(x)               assert_true((x) == NULL)
#define assert_non_null(x)           assert_true((x) != NULL)
#define assert_int_equal(a, b)       assert_true((a) == (b))
#define assert_string_equal(a, b)    assert_true(strcmp(a, b) == 0)
#define assert_memory_equal(a, b, n) assert_true(memcmp(a, b, n) == 0)
#define fail_msg(...)                abort()
#endif

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/heap.h"
#include "sip/dialog_priv.h"
#include "sip/txn_priv.h"

#define UNUSED    __attribute__((unused))
#define NODES     2
#define DIALOGS   8
#define TXNS      64
#define BUFFERS   1023
#define SENT_MAX  128
#define EVENT_MAX 256
#define TEXT_MAX  8192

/* What we say of ourselves in Allow and Supported. */
#define ALLOW     "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, REFER, NOTIFY, INFO"
#define SUPPORTED "100rel, timer, replaces, norefersub"

#define OUR_IP     "198.18.0.1"
#define PEER_IP    "198.18.0.2"
#define SDP_OFFER  "v=0\r\no=- 1 1 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
#define SDP_ANSWER "v=0\r\no=- 2 2 IN IP4 198.18.0.1\r\ns=-\r\nc=IN IP4 198.18.0.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n"

enum fate { PASSES, IS_LOST, COMES_TWICE, IS_LATE };

struct datagram {
	struct rln_addr src, dst;
	size_t len;
	char text[TEXT_MAX];
};

struct node {
	struct rln_bus *bus;
	struct rln_transport *transport;
	struct rln_dialogs *dialogs;
	struct rln_net_shared net;
	struct rln_event events[EVENT_MAX];
	unsigned events_n, events_read;
	void (*react)(struct node *node, const struct rln_event *ev);
	/* for hooks */
	struct rln_dialog_id dialog;
	unsigned ups, downs, ends;
	bool released;
};

static struct {
	struct node node[NODES];
	unsigned nodes;
	struct rln_wheel *wheel;
	struct rte_mempool *pool;
	uint64_t now_ns;
	struct datagram sent[SENT_MAX];
	unsigned sent_n, sent_read;
	unsigned wired, lose;    /* datagrams that crossed the wire; the number of the one to lose, counted from 1 */
	enum fate (*fate)(void); /* of a datagram on the wire, when not NULL */
	/* What a node sends, and what reaches it, when not NULL. */
	void (*watch)(unsigned node, bool arrives, const char *text);
	void *late[64]; /* mbufs that come with the next step of time; to whom stands in their private area */
	unsigned late_n;
	bool log;
	int64_t live;
	/* of the nodes that start next */
	enum rln_reliable_mode reliable;
	uint32_t session_expires_s, min_se_s;
} world;

#define node0    (&world.node[0])
#define dialogs0 (world.node[0].dialogs)

static UNUSED struct rln_addr addr_of(const char *ip, uint16_t port)
{
	struct rln_addr a;

	assert_int_equal(rln_addr_parse(&a, ip, strlen(ip)), 0);
	a.port = port;
	return a;
}

static void on_event(void *arg, const struct rln_event *ev)
{
	struct node *node = arg;

	assert_true(node->events_n < EVENT_MAX);
	rln_block_hold(rln_event_block(ev));
	node->events[node->events_n++] = *ev;
	if (node->react)
		node->react(node, ev);
}

static UNUSED int resolve(const void *arg, const char *host, size_t len, struct rln_addr *out)
{
	(void)arg;
	if (len != 16 || memcmp(host, "bob.example.test", 16) != 0)
		return -ENOENT;
	*out = addr_of(PEER_IP, 0);
	return 0;
}

/* Alice's credentials, at two realms. */
static UNUSED int credentials(
	const void *arg, const struct rln_addr *local, const char *local_uri, const char *realm, struct rln_credentials *out)
{
	(void)arg;
	if (strcmp(realm, "example.test") != 0 && strcmp(realm, "proxy.test") != 0)
		return -ENOENT;
	assert_true(local->port != 0);
	assert_true(strncmp(local_uri, "sip:", 4) == 0 && !strpbrk(local_uri, "<>;"));
	*out = (struct rln_credentials){.user = "alice", .password = "wonderland"};
	return 0;
}

static void start_node(struct node *node, unsigned index)
{
	static const char *const ips[NODES] = {OUR_IP, PEER_IP};
	struct rln_event_handler session = {.handle = on_event, .arg = node, .endpoint = RLN_ENDPOINT_CONTROL};
	struct rln_transport_cfg transport = {.wheel = world.wheel,
		.port = 5060,
		.transactions = TXNS,
		.t1_ms = 500,
		.t2_ms = 4000,
		.t4_ms = 5000,
		.retry_after_s = 7};
	struct rln_dialogs_cfg dialogs = {.wheel = world.wheel,
		.dialogs = DIALOGS,
		.t1_ms = 500,
		.t2_ms = 4000,
		.retry_after_s = 7,
		.reliable = (uint8_t)world.reliable,
		.session_expires_s = world.session_expires_s,
		.min_se_s = world.min_se_s,
		.user_agent = "ringlane-test",
		.resolve = resolve,
		.credentials = credentials};
	char name[32];

	memset(node, 0, sizeof(*node));
	node->net.workers = 1;
	node->net.ports_n = 1;
	node->net.addrs_n = 1;
	node->net.addrs[0] = (struct rln_net_prefix){addr_of(ips[index], 0), 96 + 24, 0};
	node->net.pool = world.pool;
	snprintf(name, sizeof(name), "in%u", index);
	node->net.to_control[0] = rte_ring_create(name, 256, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "out%u", index);
	node->net.from_control[0] = rte_ring_create(name, 256, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	node->bus = rln_bus_new();
	assert_non_null(node->bus);
	transport.bus = dialogs.bus = node->bus;
	transport.net = &node->net;
	assert_int_equal(rln_transport_create(&node->transport, &transport), 0);
	dialogs.transport = node->transport;
	assert_int_equal(rln_dialogs_create(&node->dialogs, &dialogs), 0);
	assert_int_equal(rln_bus_register_handler(node->bus, RLN_CAT_D2S, &session), 0);
	assert_int_equal(rln_bus_register_handler(node->bus, RLN_CAT_S2A, &session), 0);
}

static UNUSED void world_start(unsigned nodes)
{
	world.live = rln_heap_live_count();
	world.now_ns = 1000 * RLN_SEC;
	world.nodes = nodes;
	world.sent_n = world.sent_read = world.wired = world.lose = world.late_n = 0;
	world.fate = NULL;
	world.watch = NULL;
	rln_counts_reset();
	assert_int_equal(rln_wheel_create(&world.wheel, RLN_MS, world.now_ns), 0);
	rln_bus_enter(NULL, RLN_ENDPOINT_CONTROL);
	for (unsigned i = 0; i < nodes; i++)
		start_node(&world.node[i], i);
}

static void keep_sent(const struct rte_mbuf *m)
{
	struct datagram *d = &world.sent[world.sent_n++ % SENT_MAX];
	const struct rln_pkt *pkt = rln_pkt((struct rte_mbuf *)(uintptr_t)m);
	const char *text = rte_pktmbuf_read(m, 0, m->pkt_len, d->text);

	assert_true(m->pkt_len < TEXT_MAX);
	if (text != d->text)
		memcpy(d->text, text, m->pkt_len);
	d->text[m->pkt_len] = '\0';
	d->len = m->pkt_len;
	d->src = pkt->src;
	d->dst = pkt->dst;
	if (world.log)
		printf("%8.1f ms -> %s\n", (double)(world.now_ns - 1000 * RLN_SEC) / 1e6, d->text);
}

static void show_watcher(const struct rte_mbuf *m, unsigned node, bool arrives)
{
	static char copy[TEXT_MAX];
	const char *text = rte_pktmbuf_read(m, 0, m->pkt_len, copy);

	assert_true(m->pkt_len < TEXT_MAX);
	if (text != copy)
		memcpy(copy, text, m->pkt_len);
	copy[m->pkt_len] = '\0';
	world.watch(node, arrives, copy);
}

static void deliver(struct rte_mbuf *m, unsigned to)
{
	if (world.watch)
		show_watcher(m, to, true);
	if (rte_ring_enqueue(world.node[to].net.to_control[0], m) != 0)
		rte_pktmbuf_free(m);
}

static void deliver_twice(struct rte_mbuf *m, unsigned to)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, world.pool, 0, UINT32_MAX);

	assert_non_null(copy);
	*rln_pkt(copy) = *rln_pkt(m);
	deliver(m, to);
	deliver(copy, to);
}

static void cross_wire(struct rte_mbuf *m, unsigned to)
{
	enum fate fate = world.fate ? world.fate() : ++world.wired == world.lose ? IS_LOST : PASSES;

	rln_pkt(m)->spare = to;
	if (fate == IS_LOST)
		rte_pktmbuf_free(m);
	else if (fate == COMES_TWICE)
		deliver_twice(m, to);
	else if (fate == IS_LATE && world.late_n < 64)
		world.late[world.late_n++] = m;
	else
		deliver(m, to);
}

/* From the node's worker to the test, or to the other node; every datagram counts, the chosen one is lost. */
static unsigned take_sent(unsigned index)
{
	struct rte_ring *from = world.node[index].net.from_control[0];
	void *m;
	unsigned n = 0;

	for (; rte_ring_dequeue(from, &m) == 0; n++) {
		if (world.nodes == 1 || world.log)
			keep_sent(m);
		if (world.watch)
			show_watcher(m, index, false);
		if (world.nodes == 1)
			rte_pktmbuf_free(m);
		else
			cross_wire(m, 1 - index);
	}
	return n;
}

static UNUSED void pump(void)
{
	unsigned n;

	do {
		n = 0;
		for (unsigned i = 0; i < world.nodes; i++) {
			n += rln_transport_poll(world.node[i].transport, world.now_ns);
			n += rln_bus_poll(world.node[i].bus, 64);
			n += take_sent(i);
		}
	} while (n > 0);
}

/* Lets time pass, timer by timer. */
static UNUSED void run_for(uint64_t ms)
{
	uint64_t end = world.now_ns + ms * RLN_MS;

	pump();
	while (world.now_ns < end) {
		uint64_t next = rln_wheel_next_ns(world.wheel);

		next = next < world.now_ns + RLN_MS ? world.now_ns + RLN_MS : next;
		world.now_ns = next < end ? next : end;
		while (rln_wheel_advance(world.wheel, world.now_ns, 64) == 64)
			;
		while (world.late_n) {
			struct rte_mbuf *m = world.late[--world.late_n];

			deliver(m, rln_pkt(m)->spare);
		}
		pump();
	}
}

static UNUSED void receive_from(const char *text, size_t len, const char *ip, uint16_t port, uint16_t our_port)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(world.pool);

	assert_non_null(m);
	assert_non_null(rte_pktmbuf_append(m, (uint16_t)len));
	memcpy(rte_pktmbuf_mtod(m, char *), text, len);
	*rln_pkt(m) = (struct rln_pkt){.src = addr_of(ip, port), .dst = addr_of(OUR_IP, our_port), .op = RLN_PKT_DATAGRAM};
	if (world.log)
		printf("%8.1f ms <- %.*s\n", (double)(world.now_ns - 1000 * RLN_SEC) / 1e6, (int)len, text);
	assert_int_equal(rte_ring_enqueue(node0->net.to_control[0], m), 0);
	pump();
}

static UNUSED void receive(const char *text)
{
	receive_from(text, strlen(text), PEER_IP, 5060, 5060);
}

/* The next datagram that the node sent; its start line begins like this. */
static UNUSED const char *next_sent(const char *start)
{
	const struct datagram *d;

	pump();
	if (world.sent_read == world.sent_n)
		fail_msg("nothing was sent, expected %s", start);
	d = &world.sent[world.sent_read++ % SENT_MAX];
	if (strncmp(d->text, start, strlen(start)) != 0)
		fail_msg("expected %s, sent was:\n%s", start, d->text);
	return d->text;
}

static UNUSED const struct datagram *last_sent(void)
{
	return &world.sent[(world.sent_read - 1) % SENT_MAX];
}

static UNUSED void assert_sent_to(const char *ip, uint16_t port)
{
	char got[RLN_ADDR_TEXT], want[RLN_ADDR_TEXT];
	struct rln_addr to = addr_of(ip, port);

	assert_string_equal(rln_addr_text(&last_sent()->dst, got), rln_addr_text(&to, want));
}

static UNUSED void no_more_sent(void)
{
	pump();
	if (world.sent_read != world.sent_n)
		fail_msg("sent unexpectedly:\n%s", world.sent[world.sent_read % SENT_MAX].text);
}

/* Value of the nth header of a name, in one of four buffers by turns; fails when absent. */
static UNUSED const char *nth_header(const char *text, const char *name, unsigned n)
{
	static char values[8][1024];
	static unsigned turn;
	char *value = values[turn++ % 8], start[64];
	const char *at = text;

	snprintf(start, sizeof(start), "\r\n%s: ", name);
	do {
		at = strstr(at, start);
		if (!at)
			return NULL;
		at += strlen(start);
	} while (n-- > 0);
	snprintf(value, 1024, "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

static UNUSED const char *header(const char *text, const char *name)
{
	const char *value = nth_header(text, name, 0);

	if (!value)
		fail_msg("no %s in:\n%s", name, text);
	return value;
}

static UNUSED void assert_header(const char *text, const char *name, const char *want)
{
	assert_string_equal(header(text, name), want);
}

static UNUSED const char *body_of(const char *text)
{
	const char *at = strstr(text, "\r\n\r\n");

	assert_non_null(at);
	return at + 4;
}

static UNUSED void make_message(char *out, const char *head, const char *extra, const char *body)
{
	int n = snprintf(out, TEXT_MAX, "%s%s%sContent-Length: %zu\r\n\r\n%s", head, extra ? extra : "",
		body ? "Content-Type: application/sdp\r\n" : "", body ? strlen(body) : 0, body ? body : "");

	assert_true(n < TEXT_MAX);
}

/* The peer's response to a request that we sent. tag NULL: To as it stands. */
static UNUSED void reply(const char *request, const char *status, const char *tag, const char *extra, const char *body)
{
	char head[4096], text[TEXT_MAX];
	const char *to = header(request, "To");

	snprintf(head, sizeof(head), "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n", status,
		header(request, "Via"), header(request, "From"), to, tag && !strstr(to, ";tag=") ? ";tag=" : "",
		tag && !strstr(to, ";tag=") ? tag : "", header(request, "Call-ID"), header(request, "CSeq"));
	make_message(text, head, extra, body);
	receive(text);
}

/* A request of the peer; to: the whole To value. */
static UNUSED void request(const char *method, const char *branch, unsigned cseq, const char *from, const char *to,
	const char *call_id, const char *extra, const char *body)
{
	char head[4096], text[TEXT_MAX];

	snprintf(head, sizeof(head),
		"%s sip:alice@" OUR_IP ":5060 SIP/2.0\r\nVia: SIP/2.0/UDP " PEER_IP
		":5060;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
		"From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
		method, branch, from, to, call_id, cseq, method);
	make_message(text, head, extra, body);
	receive(text);
}

static UNUSED const struct rln_event *next_event(enum rln_event_kind kind)
{
	const struct rln_event *ev;

	pump();
	if (node0->events_read == node0->events_n)
		fail_msg("no event came, expected %s", rln_event_info(kind)->name);
	ev = &node0->events[node0->events_read++];
	assert_string_equal(rln_event_info(rln_event_kind(ev))->name, rln_event_info(kind)->name);
	return ev;
}

static UNUSED void no_more_events(void)
{
	pump();
	if (node0->events_read != node0->events_n)
		fail_msg("unexpected event %s", rln_event_info(rln_event_kind(&node0->events[node0->events_read]))->name);
}

static UNUSED void state_event(enum rln_dialog_state from, enum rln_dialog_state to)
{
	const struct rln_event *ev = next_event(RLN_EV_DIALOG_STATE_CHANGED);

	assert_int_equal(ev->dialog_state_changed.old_state, from);
	assert_int_equal(ev->dialog_state_changed.new_state, to);
}

static UNUSED const struct rln_event *progress_event(enum rln_call_progress progress, unsigned status)
{
	const struct rln_event *ev = next_event(RLN_EV_CALL_STATE_CHANGED);

	assert_int_equal(ev->call_state_changed.new_state, progress);
	assert_int_equal(ev->call_state_changed.status, status);
	return ev;
}

static UNUSED void terminated_event(enum rln_end_reason reason, unsigned code)
{
	const struct rln_event *ev = next_event(RLN_EV_CALL_TERMINATED);

	assert_int_equal(ev->call_terminated.reason, reason);
	assert_int_equal(ev->call_terminated.code, code);
}

static UNUSED void assert_slice(rln_block_ref block, struct rln_slice s, const char *want)
{
	assert_int_equal(s.len, strlen(want));
	assert_memory_equal(rln_slice_text(block, s), want, s.len);
}

static UNUSED void publish_initiate(struct node *node, struct rln_dialog_id id, const char *sdp)
{
	struct rln_event ev = {.kind = RLN_EV_INITIATE_CALL, .id = id.v};

	if (sdp)
		ev.initiate_call.block = rln_block_from_text(sdp, strlen(sdp), &ev.initiate_call.sdp_offer);
	rln_bus_publish(node->bus, &ev);
	pump();
}

static UNUSED void publish_terminate(struct node *node, struct rln_dialog_id id, unsigned code)
{
	struct rln_event ev = {.kind = RLN_EV_TERMINATE_SESSION, .id = id.v};

	ev.terminate_session.code = (uint16_t)code;
	rln_bus_publish(node->bus, &ev);
	pump();
}

/* The call is given back: once its timers have run nothing is left of it. What it sent and told is read over. */
static UNUSED void forget_call(struct rln_dialog_id id, uint64_t timers_ms)
{
	rln_dialog_release(dialogs0, id);
	run_for(timers_ms);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
	world.sent_read = world.sent_n;
	node0->events_read = node0->events_n;
}

static void release_all(struct node *node)
{
	struct rln_dialog *d;
	uint32_t cursor = 0;
	uint64_t handle;

	while ((d = rln_slots_next(node->dialogs->slots, &cursor, &handle)))
		rln_dialog_release(node->dialogs, (struct rln_dialog_id){handle});
}

static void stop_node(struct node *node)
{
	for (unsigned i = 0; i < node->events_n; i++)
		rln_block_release(rln_event_block(&node->events[i]));
	rln_dialogs_destroy(node->dialogs);
	rln_transport_destroy(node->transport);
	rln_bus_free(node->bus);
	rte_ring_free(node->net.to_control[0]);
	rte_ring_free(node->net.from_control[0]);
}

/* Names what is left behind, for whoever looks for it. */
static void show_leftovers(struct node *node)
{
	struct rln_dialog *d;
	struct rln_txn *txn;
	uint32_t cursor = 0;
	uint64_t handle;

	while ((d = rln_slots_next(node->dialogs->slots, &cursor, &handle)))
		printf("left behind: dialog of node %d, role %u state %u released %d ours %u theirs %u answer %d bye %u\n",
			(int)(node - world.node), d->role, d->state, d->released, d->ours.phase, d->theirs.phase,
			d->answer.block != 0, d->bye);
	cursor = 0;
	while ((txn = rln_slots_next(rln_transport_txns(node->transport)->slots, &cursor, &handle)))
		printf("left behind: transaction of node %d, kind %u state %u method %u owner %llx\n", (int)(node - world.node),
			txn->kind, txn->state, txn->method, (unsigned long long)txn->owner);
}

static UNUSED void world_end(void)
{
	for (unsigned round = 0; round < world.nodes; round++) { /* an INVITE that is still on its way makes one more dialog */
		for (unsigned i = 0; i < world.nodes; i++)
			release_all(&world.node[i]);
		run_for(150000); /* longer than four times 64*T1: the longest chain of timers is CANCEL given up, then BYE */
	}
	for (unsigned i = 0; i < world.nodes; i++) {
		show_leftovers(&world.node[i]);
		assert_int_equal(rln_dialogs_in_use(world.node[i].dialogs), 0);
		assert_int_equal(world.node[i].dialogs->index.used, 0);
		assert_int_equal(world.node[i].dialogs->merge.used, 0);
		assert_int_equal(rln_txns_in_use(rln_transport_txns(world.node[i].transport)), 0);
	}
	assert_int_equal(rln_wheel_armed(world.wheel), 0);
	assert_true(rln_wheel_validate(world.wheel));
	for (unsigned i = 0; i < world.nodes; i++)
		stop_node(&world.node[i]);
	rln_wheel_destroy(world.wheel);
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_int_equal(rte_mempool_avail_count(world.pool), BUFFERS);
	assert_int_equal(rln_heap_live_count(), world.live);
}

static UNUSED int start_eal(void **state)
{
	static char *argv[] = {"test", "-l0", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m256", "--log-level=4"};

	(void)state;
	if (rte_eal_init(sizeof(argv) / sizeof(*argv), argv) < 0)
		return -1;
	world.pool = rte_pktmbuf_pool_create("sip", BUFFERS, 0, RLN_PKT_PRIV, 4096 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	world.log = getenv("SIP_LOG") != NULL;
	return world.pool ? rln_blocks_init(512, 32) : -1;
}

static UNUSED int stop_eal(void **state)
{
	(void)state;
	rln_blocks_fini();
	rte_mempool_free(world.pool);
	return rte_eal_cleanup();
}

static UNUSED int start_one(void **state)
{
	(void)state;
	world_start(1);
	return 0;
}

static UNUSED int end_world(void **state)
{
	(void)state;
	world_end();
	return 0;
}
