/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pipeline with one leg and a network that only remembers: what was sent stands in `sent`, what the leg told in `told`.
 * Real mbufs; time is a number. The functions of lcore/net that rtp/ calls are defined here, so that net's archive stays out.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <rte_eal.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "lcore/bus.h"
#include "lcore/clock.h"
#include "rtp/pipeline_priv.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* no test needs all of it */

#define SENT_MAX 8192
#define TOLD_MAX 4096
#define ROWS     8

struct sent {
	struct rte_mbuf *m;
	struct rln_addr from, to;
	uint16_t udp_sum; /* that the sender knew */
};

struct harness {
	struct rte_mempool *pool;
	struct rln_pipeline *pipeline;
	struct rln_counts *counts;
	struct rln_port_table ports;
	struct rln_leg *leg;
	struct rln_leg_cold *cold;
	uint64_t now;
	uint64_t received; /* packets given to the pipeline that the ledger must find again */
	unsigned sent_n, told_n;
	struct sent sent[SENT_MAX];
	struct rln_event told[TOLD_MAX];
};

static struct harness h;
static struct rln_port_row rows_[ROWS];
static struct rln_leg leg_;
static struct rln_leg_cold cold_;

/* ---- the network ---- */

int rln_flow_init(struct rln_net *net, struct rln_flow *flow, const struct rln_addr *local, const struct rln_addr *remote)
{
	(void)net;
	if (remote->ip[12] == 10) /* 10.0.0.0/8 has no route here */
		return -ENETUNREACH;
	memset(flow, 0, sizeof(*flow));
	flow->local = *local;
	flow->remote = *remote;
	return 0;
}

static void remember(struct rte_mbuf *m, const struct rln_addr *from, const struct rln_addr *to)
{
	assert_true(h.sent_n < SENT_MAX);
	assert_true(rte_pktmbuf_headroom(m) >= RLN_TX_HEADROOM);
	h.sent[h.sent_n++] = (struct sent){m, *from, *to, 0};
	rln_counts_add(h.counts, RLN_C_OUT_PACKETS, 1);
	rln_counts_add(h.counts, RLN_C_TX_PACKETS, 1);
}

void rln_net_send(struct rln_net *net, struct rln_flow *flow, struct rte_mbuf *m)
{
	(void)net;
	remember(m, &flow->local, &flow->remote);
}

void rln_net_send_summed(struct rln_net *net, struct rln_flow *flow, struct rte_mbuf *m, uint16_t udp_sum)
{
	(void)net;
	remember(m, &flow->local, &flow->remote);
	h.sent[h.sent_n - 1].udp_sum = udp_sum;
}

void rln_net_send_to(struct rln_net *net, struct rte_mbuf *m)
{
	(void)net;
	remember(m, &rln_pkt(m)->src, &rln_pkt(m)->dst);
}

static void forget_sent(void)
{
	while (h.sent_n > 0)
		rte_pktmbuf_free(h.sent[--h.sent_n].m);
}

/* ---- what the leg tells ---- */

static void tell(void *arg, struct rln_leg *leg, struct rln_event *ev)
{
	(void)arg;
	ev->id = leg->id;
	assert_true(h.told_n < TOLD_MAX);
	h.told[h.told_n++] = *ev;
}

/* How many of a kind were told, and the last of them. */
static unsigned told(enum rln_event_kind kind, struct rln_event *last)
{
	unsigned i, n = 0;

	for (i = 0; i < h.told_n; i++) {
		if (h.told[i].kind != kind)
			continue;
		n++;
		if (last)
			*last = h.told[i];
	}
	return n;
}

/* ---- set-up ---- */

static struct rln_addr addr_of(const char *ip, uint16_t port)
{
	struct rln_addr a;

	assert_int_equal(rln_addr_parse(&a, ip, strlen(ip)), 0);
	a.port = port;
	return a;
}

static void harness_cfg(struct rln_pipeline_cfg *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->pool = h.pool;
	cfg->counts = h.counts;
	cfg->ports = &h.ports;
	cfg->rtp_timeout_ms = 30000;
	cfg->rtcp_interval_ms = 5000;
	cfg->quality_interval_ms = 5000;
	cfg->loss_limit_pct = 10;
	cfg->latch_silence_ms = 2000;
	cfg->latch_packets = 1;
	cfg->symmetric = true;
	cfg->cname = "test@ringlane";
	cfg->emit = tell;
}

static void harness_open(const struct rln_pipeline_cfg *cfg)
{
	struct rln_addr local = addr_of("198.18.0.1", 10004);

	memset(rows_, 0, sizeof(rows_));
	memset(&leg_, 0, sizeof(leg_));
	memset(&cold_, 0, sizeof(cold_));
	h.now = 1000 * RLN_SEC;
	h.received = h.told_n = 0;
	rln_counts_reset();
	h.ports.addrs_n = 1;
	h.ports.first = 10000;
	h.ports.pairs = ROWS;
	h.ports.rows = rows_;
	memcpy(h.ports.ip[0], local.ip, 16);
	h.leg = &leg_;
	h.cold = &cold_;
	assert_int_equal(rln_pipeline_create(&h.pipeline, cfg, h.now), 0);
	rln_leg_open(h.pipeline, h.leg, h.cold, rln_id_make(RLN_ID_MEDIA, 0, 5, 1), &rows_[2], &local, h.now);
}

static int harness_setup(void **state)
{
	struct rln_pipeline_cfg cfg;

	(void)state;
	harness_cfg(&cfg);
	harness_open(&cfg);
	return 0;
}

/* The ledger, then everything back: no packet buffer may be missing. */
static int harness_teardown(void **state)
{
	uint64_t ends = rln_counts_group(h.counts, RLN_G_EATEN) + rln_counts_group(h.counts, RLN_G_DROP);

	(void)state;
	assert_int_equal(ends, h.received);
	if (!h.cold->closing)
		rln_leg_close(h.leg, h.now);
	assert_int_equal(h.counts->v[RLN_C_OUT_PACKETS],
		rln_counts_group(h.counts, RLN_G_SENT) + rln_counts_group(h.counts, RLN_G_TXDROP));
	forget_sent();
	rln_pipeline_destroy(h.pipeline);
	assert_int_equal(rte_mempool_in_use_count(h.pool), 0);
	return 0;
}

static struct rln_leg_params params_to(const char *ip, uint16_t port)
{
	struct rln_leg_params q = {.payload_type = 0, .ptime_ms = 20, .direction = RLN_MEDIA_BIDIRECTIONAL};

	if (ip)
		q.remote = addr_of(ip, port);
	q.remote_rtcp = q.remote;
	if (q.remote.port)
		q.remote_rtcp.port++;
	q.rx[0] = (struct rln_leg_payload){0, RLN_CODEC_PCMU, 8};
	q.rx[1] = (struct rln_leg_payload){8, RLN_CODEC_PCMA, 8};
	q.telephone_event_rx = q.telephone_event_tx = 101;
	q.config.codec = RLN_CODEC_PCMU;
	q.config.sample_rate = 8000;
	q.config.channels = 1;
	return q;
}

static void start(const struct rln_leg_params *q)
{
	assert_int_equal(rln_leg_apply(h.leg, q, h.now), 0);
	rln_leg_release_news(h.leg, h.now);
}

/* Time goes on in steps of a turn; whatever is due happens. */
static void run_for(uint64_t ms)
{
	uint64_t end = h.now + ms * RLN_MS;

	while (h.now < end) {
		h.now += 250000;
		rln_pipeline_ticks(h.pipeline, h.now);
	}
}

/* ---- packets ---- */

/* A UDP checksum, the slow way (RFC 768). */
static uint16_t udp_sum_of(const struct rte_mbuf *m, const struct rln_addr *from, const struct rln_addr *to)
{
	uint32_t sum = rte_raw_cksum(from->ip + 12, 4) + rte_raw_cksum(to->ip + 12, 4) + rte_cpu_to_be_16(17) +
		       2u * rte_cpu_to_be_16((uint16_t)(m->pkt_len + 8)) + rte_cpu_to_be_16(from->port) +
		       rte_cpu_to_be_16(to->port) + rte_raw_cksum(rte_pktmbuf_mtod(m, const void *), m->pkt_len);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum ? (uint16_t)~sum : 0xffff;
}

static void receive_bytes(const char *ip, uint16_t port, uint16_t to_port, const void *data, unsigned len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(h.pool);
	struct rln_batch batch = {.n = 1, .m = {m}};
	struct rln_pkt *pkt;

	assert_non_null(m);
	assert_non_null(rte_pktmbuf_prepend(m, 0));
	rte_pktmbuf_adj(m, 0);
	m->data_off = RTE_PKTMBUF_HEADROOM + 42; /* where UDP data of an Ethernet frame stands */
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	memcpy(rte_pktmbuf_mtod(m, void *), data, len);
	pkt = rln_pkt(m);
	memset(pkt, 0, sizeof(*pkt));
	pkt->op = RLN_PKT_DATAGRAM;
	pkt->src = addr_of(ip, port);
	pkt->dst = addr_of("198.18.0.1", to_port);
	pkt->rx_ns = h.now;
	pkt->udp_sum = udp_sum_of(m, &pkt->src, &pkt->dst);
	h.received++;
	rln_pipeline_rx(h.pipeline, &batch, h.now);
}

struct rtp_fields {
	uint8_t pt, marker;
	uint16_t seq;
	uint32_t ts, ssrc;
	const void *payload;
	unsigned len;
};

static unsigned rtp_put(uint8_t *out, const struct rtp_fields *f)
{
	out[0] = 0x80;
	out[1] = (uint8_t)(f->marker << 7 | f->pt);
	out[2] = (uint8_t)(f->seq >> 8);
	out[3] = (uint8_t)f->seq;
	for (unsigned i = 0; i < 4; i++) {
		out[4 + i] = (uint8_t)(f->ts >> (24 - 8 * i));
		out[8 + i] = (uint8_t)(f->ssrc >> (24 - 8 * i));
	}
	memcpy(out + 12, f->payload, f->len);
	return 12 + f->len;
}

static struct rtp_fields rtp_get(const struct rte_mbuf *m)
{
	const uint8_t *d = rte_pktmbuf_mtod(m, const uint8_t *);
	struct rtp_fields f = {.payload = d + 12, .len = m->pkt_len - 12};

	assert_int_equal(d[0], 0x80);
	assert_int_equal(m->pkt_len, m->data_len);
	f.marker = d[1] >> 7;
	f.pt = d[1] & 127;
	f.seq = (uint16_t)(d[2] << 8 | d[3]);
	f.ts = (uint32_t)d[4] << 24 | (uint32_t)d[5] << 16 | (uint32_t)d[6] << 8 | d[7];
	f.ssrc = (uint32_t)d[8] << 24 | (uint32_t)d[9] << 16 | (uint32_t)d[10] << 8 | d[11];
	return f;
}

static const char *peer_ip = "198.18.0.2";
static uint16_t peer_port = 4000;

/* 20 ms of something from the peer. */
static void receive(uint16_t seq, uint32_t ts, uint32_t ssrc)
{
	uint8_t audio[160], packet[200];
	struct rtp_fields f = {.seq = seq, .ts = ts, .ssrc = ssrc, .payload = audio, .len = sizeof(audio)};

	for (unsigned i = 0; i < sizeof(audio); i++)
		audio[i] = (uint8_t)(seq * 7 + i);
	receive_bytes(peer_ip, peer_port, 10004, packet, rtp_put(packet, &f));
}

static void receive_event(uint16_t seq, uint32_t ts, uint8_t event, bool end, uint16_t duration)
{
	uint8_t packet[32], payload[4] = {event, (uint8_t)(end ? 0x8a : 0x0a), (uint8_t)(duration >> 8), (uint8_t)duration};
	struct rtp_fields f = {.pt = 101, .seq = seq, .ts = ts, .ssrc = 7, .payload = payload, .len = 4};

	receive_bytes(peer_ip, peer_port, 10004, packet, rtp_put(packet, &f));
}

static int harness_eal(void **state)
{
	char *argv[] = {(char *)"test", (char *)"--no-huge", (char *)"--no-shconf", (char *)"--no-pci", (char *)"-m",
		(char *)"256", (char *)"--log-level=error", NULL};

	(void)state;
	if (rte_eal_init(7, argv) < 0)
		return -1;
	rln_clock_init();
	h.pool = rte_pktmbuf_pool_create("test", 16383, 0, RLN_PKT_PRIV, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	h.counts = rln_counts_of(RLN_ENDPOINT_WORKER0);
	return h.pool ? 0 : -1;
}

static int harness_eal_end(void **state)
{
	(void)state;
	rte_mempool_free(h.pool);
	return rte_eal_cleanup();
}
