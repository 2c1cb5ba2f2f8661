/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What SIP costs the control lcore, one operation at a time: JSON lines like lcore_bench's. A call as a server is three
 * parses (INVITE, ACK, BYE), two server transactions and some three responses; 10,000 calls/s leave 100 us for each, dialog
 * and session included. Transactions are measured among 100,000 others, as they stand while timer J or M runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/micro.h"
#include "lcore/clock.h"
#include "sip/build.h"
#include "sip/txn_priv.h"

#define OPERATIONS 100000u
#define OTHERS     100000u

static struct rln_addr us, peer;
static char invite[2048], ok[2048], buf[4096];
static size_t invite_len, ok_len;
static struct rln_bus *bus;
static struct rln_wheel *wheel;
static struct rln_txns *txns;
static uint64_t now_ns = RLN_SEC;
static char last_via[128];

/* ---- messages: the headers of a soft phone behind one proxy ---- */

static const char sdp[] =
	"v=0\r\no=- 3898 3898 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0 8 101\r\n"
	"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";

static void make_messages(void)
{
	struct rln_sip_msg *msg;
	struct rln_text t;

	rln_addr_parse(&us, "198.18.0.1", 10);
	rln_addr_parse(&peer, "198.18.0.2", 10);
	us.port = peer.port = 5060;
	invite_len = (size_t)snprintf(invite, sizeof(invite),
		"INVITE sip:echo@198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
		"198.18.0.2:5060;rport;branch=z9hG4bKPj00000000\r\n"
		"Via: SIP/2.0/UDP 10.0.0.9:5060;received=10.0.0.9;branch=z9hG4bKab12\r\nRecord-Route: "
		"<sip:198.18.0.2;lr>\r\nMax-Forwards: 69\r\n"
		"From: \"Ann\" <sip:ann@198.18.0.2>;tag=Yk2jd83\r\nTo: <sip:echo@198.18.0.1>\r\nCall-ID: "
		"9aKq0eTt7v@198.18.0.2\r\n"
		"CSeq: 4711 INVITE\r\nContact: <sip:ann@198.18.0.2:5060>\r\nAllow: INVITE, ACK, BYE, CANCEL, "
		"OPTIONS\r\nSupported: timer\r\n"
		"User-Agent: softphone/1.0\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		sizeof(sdp) - 1, sdp);
	if (rln_sip_parse(&msg, invite, invite_len, &peer, &us) < 0)
		abort();
	rln_text_init(&t, ok, sizeof(ok));
	rln_build_response(&t, msg, 200, NULL, "mine", true);
	rln_text_printf(&t, "Contact: <sip:echo@198.18.0.1:5060>\r\n");
	rln_build_body(&t, "application/sdp", sdp, sizeof(sdp) - 1);
	ok_len = t.len;
	rln_block_release(msg->block);
	fprintf(stderr, "INVITE %zu bytes, 200 %zu bytes\n", invite_len, ok_len);
}

static void parse(const char *text, size_t len, uint32_t count)
{
	struct rln_sip_msg *msg;

	for (uint32_t i = 0; i < count; i++) {
		if (rln_sip_parse(&msg, text, len, &peer, &us) < 0)
			abort();
		rln_block_release(msg->block);
	}
}

static void parse_invite(uint32_t count)
{
	parse(invite, invite_len, count);
}

static void parse_ok(uint32_t count)
{
	parse(ok, ok_len, count);
}

static void build_response(uint32_t count)
{
	struct rln_sip_msg *msg;
	struct rln_text t;

	if (rln_sip_parse(&msg, invite, invite_len, &peer, &us) < 0)
		abort();
	for (uint32_t i = 0; i < count; i++) {
		rln_text_init(&t, buf, sizeof(buf));
		rln_build_response(&t, msg, 200, NULL, "mine", true);
		rln_text_printf(&t, "Contact: <sip:echo@198.18.0.1:5060>\r\n");
		rln_build_body(&t, "application/sdp", sdp, sizeof(sdp) - 1);
	}
	rln_block_release(msg->block);
}

/* ---- transactions ---- */

static int swallow(
	void *arg, const char *text, size_t len, const struct rln_addr *local, const struct rln_addr *remote, unsigned worker)
{
	const char *via = memmem(text, len, "Via: ", 5);

	(void)arg;
	(void)local;
	(void)remote;
	(void)worker;
	if (via)
		snprintf(last_via, sizeof(last_via), "%.*s", (int)strcspn(via, "\r"), via);
	return 0;
}

static void refuse(void *arg, const struct rln_event *ev)
{
	(void)arg;
	if (ev->kind == RLN_EV_SIP_MESSAGE_RECEIVED && ev->sip_message_received.transaction_id)
		rln_txns_send_response(txns, ev->sip_message_received.transaction_id, 200, ok, ok_len);
}

static void take(const char *text, size_t len)
{
	struct rln_sip_msg *msg;

	if (rln_sip_parse(&msg, text, len, &peer, &us) < 0)
		abort();
	if (msg->status)
		rln_txns_on_response(txns, msg);
	else if (rln_txns_on_request(txns, msg) < 0)
		abort();
	rln_bus_poll(bus, 8);
}

/* An OPTIONS with a new branch: parsed, matched to nothing, up, answered; J ends them all after the run. */
static void server_transaction(uint32_t count)
{
	static uint32_t serial;
	int len;

	for (uint32_t i = 0; i < count; i++) {
		len = snprintf(buf, sizeof(buf),
			"OPTIONS sip:x@198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2:5060;branch=z9hG4bK%08x\r\nFrom: "
			"<sip:a@198.18.0.2>;tag=1\r\n"
			"To: <sip:x@198.18.0.1>\r\nCall-ID: b\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
			serial++);
		take(buf, (size_t)len);
	}
}

static void repeated_request(uint32_t count)
{
	int len = snprintf(buf, sizeof(buf),
		"OPTIONS sip:x@198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2:5060;branch=z9hG4bKsame\r\nFrom: "
		"<sip:a@198.18.0.2>;tag=1\r\n"
		"To: <sip:x@198.18.0.1>\r\nCall-ID: b\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");

	for (uint32_t i = 0; i < count; i++)
		take(buf, (size_t)len);
}

static void client_transaction(uint32_t count)
{
	char branch[RLN_BRANCH_MAX], request[512];

	for (uint32_t i = 0; i < count; i++) {
		struct rln_txn_id id = rln_txn_new_client(txns, RLN_SIP_BYE, branch);
		int len = snprintf(request, sizeof(request),
			"BYE sip:x@198.18.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.1:5060;rport;branch=%s\r\nFrom: "
			"<sip:a@198.18.0.1>;tag=1\r\n"
			"To: <sip:x@198.18.0.2>;tag=2\r\nCall-ID: b\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
			branch);

		if (!id.v)
			abort();
		rln_txns_send_request(txns, id.v, request, (size_t)len, &us, &peer, 0);
		len = snprintf(buf, sizeof(buf),
			"SIP/2.0 200 OK\r\n%s\r\nFrom: <sip:a@198.18.0.1>;tag=1\r\nTo: <sip:x@198.18.0.2>;tag=2\r\n"
			"Call-ID: b\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
			last_via);
		take(buf, (size_t)len);
		now_ns += RLN_SEC / 10000; /* 10,000 a second: K ends as many as begin */
		rln_wheel_advance(wheel, now_ns, UINT32_MAX);
	}
}

static void start(void)
{
	struct rln_event_handler handler = {.handle = refuse, .endpoint = RLN_ENDPOINT_CONTROL};
	struct rln_txns_cfg cfg = {.capacity = RLN_ID_SLOT_MAX, .t1_ms = 500, .t2_ms = 4000, .t4_ms = 5000, .send = swallow};

	rln_sip_parser_init();
	if (rln_blocks_init(1024, 16) < 0 || !(bus = rln_bus_new()) || rln_wheel_create(&wheel, RLN_MS, now_ns) < 0)
		abort();
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	cfg.bus = bus;
	cfg.wheel = wheel;
	if (rln_bus_register_handler(bus, RLN_CAT_T2D, &handler) < 0 || rln_txns_create(&txns, &cfg) < 0)
		abort();
}

int main(void)
{
	rln_clock_init();
	print_machine("sip");
	start();
	make_messages();
	measure_as("sip", "parse_invite", parse_invite, OPERATIONS);
	measure_as("sip", "parse_200", parse_ok, OPERATIONS);
	measure_as("sip", "build_200", build_response, OPERATIONS);
	server_transaction(OTHERS);
	measure_as("sip", "server_transaction", server_transaction, OPERATIONS);
	measure_as("sip", "repeated_request", repeated_request, OPERATIONS);
	measure_as("sip", "client_transaction", client_transaction, OPERATIONS);
	rln_txns_destroy(txns);
	rln_wheel_destroy(wheel);
	rln_bus_free(bus);
	rln_blocks_fini();
	return 0;
}
