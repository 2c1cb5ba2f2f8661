/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as a datagram: refused, or a view whose every slice lies in its block, that can be answered, and whose answer is
 * SIP that we read. What is sound goes on through the transactions, whose user refuses every request at once, until no timer
 * is left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lcore/bus.h"
#include "lcore/heap.h"
#include "sip/build.h"
#include "sip/txn_priv.h"

#define MS 1000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rln_bus *bus;
static struct rln_wheel *wheel;
static struct rln_txns *txns;
static struct rln_addr us, peer;
static uint64_t now_ns = 1000 * MS;
static char scratch[65536];

static void check(bool holds)
{
	if (!holds)
		abort();
}

static int swallow(
	void *arg, const char *text, size_t len, const struct rln_addr *local, const struct rln_addr *remote, unsigned worker)
{
	(void)arg;
	(void)local;
	(void)remote;
	(void)worker;
	check(len > 0 && memchr(text, '\n', len));
	return 0;
}

static void refuse(void *arg, const struct rln_event *ev)
{
	const struct rln_sip_msg *msg;
	struct rln_text t;

	(void)arg;
	if (ev->kind != RLN_EV_SIP_MESSAGE_RECEIVED || !ev->sip_message_received.transaction_id)
		return;
	msg = rln_block_data(ev->sip_message_received.block);
	rln_text_init(&t, scratch, sizeof(scratch));
	rln_build_response(&t, msg, 480, NULL, "us", false);
	rln_build_body(&t, NULL, NULL, 0);
	check(!t.full);
	rln_txns_send_response(txns, ev->sip_message_received.transaction_id, 480, t.buf, t.len);
}

static void start(void)
{
	struct rln_event_handler handler = {.handle = refuse, .endpoint = RLN_ENDPOINT_CONTROL};
	struct rln_txns_cfg cfg = {.capacity = 16, .t1_ms = 500, .t2_ms = 4000, .t4_ms = 5000, .send = swallow};

	rln_sip_parser_init();
	check(rln_blocks_init(8, 8) == 0);
	check((bus = rln_bus_new()) != NULL);
	check(rln_wheel_create(&wheel, MS, now_ns) == 0);
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	check(rln_bus_register_handler(bus, RLN_CAT_T2D, &handler) == 0);
	cfg.bus = bus;
	cfg.wheel = wheel;
	check(rln_txns_create(&txns, &cfg) == 0);
	rln_addr_parse(&us, "198.18.0.1", 10);
	rln_addr_parse(&peer, "198.18.0.2", 10);
	us.port = peer.port = 5060;
}

static void check_slice(const struct rln_sip_msg *msg, struct rln_slice s, bool has_nul)
{
	if (!s.len)
		return;
	check(s.off >= sizeof(*msg) && s.off + s.len < rln_block_room(msg->block));
	check(!has_nul || rln_sip_text(msg, s)[s.len] == 0);
}

static void check_uri(const struct rln_sip_msg *msg, const struct rln_sip_uri *uri)
{
	check_slice(msg, uri->text, true);
	check_slice(msg, uri->scheme, true);
	check_slice(msg, uri->user, true);
	check_slice(msg, uri->host, true);
	check_slice(msg, uri->params, true);
	check(uri->host.len <= uri->text.len && uri->user.len <= uri->text.len);
}

static void check_view(const struct rln_sip_msg *msg)
{
	const struct rln_slice texts[] = {msg->raw, msg->body, msg->method_text, msg->reason, msg->vias, msg->branch,
		msg->sent_by, msg->via_host, msg->via_maddr, msg->via_received, msg->from, msg->to, msg->from_tag, msg->to_tag,
		msg->call_id, msg->cseq_text, msg->content_type, msg->accept, msg->require, msg->supported, msg->allow,
		msg->unsupported, msg->authorization, msg->www_authenticate, msg->proxy_authenticate, msg->proxy_authorization,
		msg->replaces, msg->refer_to, msg->referred_by, msg->event, msg->subscription_state, msg->session_expires,
		msg->min_se, msg->rseq, msg->rack, msg->retry_after, msg->timestamp};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_slice(msg, texts[i], true);
	check_slice(msg, msg->headers, false);
	check_uri(msg, &msg->request_uri);
	check_uri(msg, &msg->from_uri);
	check_uri(msg, &msg->to_uri);
	check(msg->contacts_n <= RLN_SIP_CONTACTS && msg->routes_n <= RLN_SIP_ROUTES && msg->record_routes_n <= RLN_SIP_ROUTES);
	for (unsigned i = 0; i < msg->contacts_n; i++)
		check_uri(msg, &msg->contact[i]);
	for (unsigned i = 0; i < msg->routes_n; i++)
		check_slice(msg, msg->route[i], true);
	for (unsigned i = 0; i < msg->record_routes_n; i++)
		check_slice(msg, msg->record_route[i], true);
	check(msg->vias.len && msg->via_host.len);
	check(!msg->status == (msg->request_uri.text.len || msg->fault.status));
	check(msg->status == 0 || (msg->status >= 100 && msg->status < 700 && !msg->fault.status));
	check(msg->cseq <= INT32_MAX && msg->max_forwards <= 255);
}

/* A sound request's answer is a sound response to it. */
static void check_answer(const struct rln_sip_msg *msg)
{
	struct rln_sip_msg *back = NULL;
	struct rln_addr to;
	struct rln_text t;
	int rc;

	rln_text_init(&t, scratch, sizeof(scratch));
	rln_build_response(&t, msg, msg->fault.status ? msg->fault.status : 200, msg->fault.why, NULL, true);
	rln_build_body(&t, NULL, NULL, 0);
	rln_build_response_target(msg, &to);
	check(!t.full);
	rc = rln_sip_parse(&back, t.buf, t.len, &us, &peer);
	check(rc == 0 || msg->fault.status);
	if (rc < 0)
		return;
	if (!msg->fault.status)
		check(back->cseq == msg->cseq && back->call_id.len == msg->call_id.len && back->branch.len == msg->branch.len);
	rln_text_init(&t, scratch, sizeof(scratch));
	rln_build_ack(&t, rln_sip_text(msg, msg->raw), msg->raw.len, back);
	rln_block_release(back->block);
}

static void settle(void)
{
	while (rln_bus_poll(bus, 64))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int64_t live;
	struct rln_sip_msg *msg = NULL;
	struct rln_sip_uri uri;
	int rc;

	if (!bus) {
		start();
		live = rln_heap_live_count();
	}
	if (size > 65507)
		return 0;
	rln_sip_uri_parse(&uri, (const char *)data, size);
	rc = rln_sip_parse(&msg, (const char *)data, size, &peer, &us);
	check(rc == 0 || rc == -EBADMSG);
	if (rc == 0) {
		check_view(msg);
		if (!msg->status)
			check_answer(msg);
		if (msg->status)
			rln_txns_on_response(txns, msg);
		else
			check(rln_txns_on_request(txns, msg) == 0);
		settle();
	}
	while (rln_txns_in_use(txns)) {
		now_ns += 1000 * MS;
		rln_wheel_advance(wheel, now_ns, UINT32_MAX);
		settle();
	}
	check(rln_blocks_in_use() == 0 && rln_wheel_armed(wheel) == 0 && rln_heap_live_count() == live);
	return 0;
}
