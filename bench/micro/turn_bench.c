/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a received packet costs the RTP side of a worker, from port to the network's door: consumed, turned round (echo), and forwarded to the leg of another
 * call. Bursts of RLN_BURST over many legs, so that their lines come from the cache that they would come from at work; the network only hands the buffers back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include "bench/micro/micro.h"
#include "lcore/bus.h"
#include "rtp/packet.h"
#include "rtp/pipeline_priv.h"

#define LEGS       4096u
#define OPERATIONS 1048576u
#define SAMPLES    160u

static struct rte_mempool *pool;
static struct rln_pipeline *pipeline;
static struct rln_port_table ports;
static struct rln_leg *legs;
static struct rln_leg_cold *cold;
static struct rte_mbuf *packets[RLN_BURST];
static uint16_t seq[LEGS];
static uint64_t now = 1000 * RLN_SEC;

/* ---- the network: every packet comes back at once ---- */

int rln_flow_init(struct rln_net *net, struct rln_flow *flow, const struct rln_addr *local, const struct rln_addr *remote)
{
	(void)net;
	*flow = (struct rln_flow){.local = *local, .remote = *remote};
	return 0;
}

void rln_net_send(struct rln_net *net, struct rln_flow *flow, struct rte_mbuf *m)
{
	(void)net, (void)flow;
	rte_pktmbuf_free(m);
}

void rln_net_send_summed(struct rln_net *net, struct rln_flow *flow, struct rte_mbuf *m, uint16_t udp_sum)
{
	(void)net, (void)udp_sum;
	__asm__ volatile("" : : "r"(flow->header[0]) : "memory");
	rte_pktmbuf_free(m);
}

void rln_net_send_to(struct rln_net *net, struct rte_mbuf *m)
{
	(void)net;
	rte_pktmbuf_free(m);
}

static void emit(void *arg, struct rln_leg *leg, struct rln_event *ev)
{
	(void)arg, (void)leg, (void)ev;
}

/* ---- traffic ---- */

static struct rln_addr addr_of(unsigned last, uint16_t port)
{
	struct rln_addr a = {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, 0, (uint8_t)last}, .port = port};

	return a;
}

static void packet_make(struct rte_mbuf *m, uint32_t k)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

	memset(rln_pkt(m), 0, sizeof(struct rln_pkt));
	rln_pkt(m)->src = addr_of(2, (uint16_t)(20000 + 2 * k));
	rln_pkt(m)->dst = addr_of(1, (uint16_t)(10000 + 2 * k));
	m->data_len = RLN_RTP_HEADER + SAMPLES;
	m->pkt_len = m->data_len;
	seq[k]++;
	rln_rtp_build(data, 0, false, seq[k], seq[k] * SAMPLES, 7 + k);
}

static void receive(uint32_t count)
{
	static uint32_t next;

	for (uint32_t i = 0; i < count; i += RLN_BURST) {
		struct rln_batch batch = {.n = RLN_BURST};

		if (rte_pktmbuf_alloc_bulk(pool, packets, RLN_BURST) != 0)
			abort();
		for (unsigned k = 0; k < RLN_BURST; k++) {
			packet_make(packets[k], (next + k) * 2654435761u % LEGS);
			batch.m[k] = packets[k];
		}
		next += RLN_BURST;
		now += 1000;
		rln_pipeline_rx(pipeline, &batch, now);
	}
}

/* The bench's own part, to be taken off. */
static void make_and_free(uint32_t count)
{
	static uint32_t next;

	for (uint32_t i = 0; i < count; i += RLN_BURST) {
		if (rte_pktmbuf_alloc_bulk(pool, packets, RLN_BURST) != 0)
			abort();
		for (unsigned k = 0; k < RLN_BURST; k++) {
			packet_make(packets[k], (next + k) * 2654435761u % LEGS);
			rte_pktmbuf_free(packets[k]);
		}
		next += RLN_BURST;
	}
	memset(seq, 0, sizeof(seq));
}

static void legs_set(uint8_t app)
{
	for (uint32_t k = 0; k < LEGS; k++) {
		struct rln_leg_params q = {.payload_type = 0, .ptime_ms = 20, .direction = RLN_MEDIA_BIDIRECTIONAL, .app = app};

		q.remote = addr_of(2, (uint16_t)(20000 + 2 * k));
		q.rx[0] = (struct rln_leg_payload){0, RLN_CODEC_PCMU, 8};
		q.config.codec = RLN_CODEC_PCMU;
		if (rln_leg_apply(&legs[k], &q, now) != 0)
			abort();
		rln_leg_release_news(&legs[k], now);
	}
	now += 40 * RLN_MS; /* each sends a packet or two: from then on nothing is news */
	while (rln_pipeline_ticks(pipeline, now) > 0)
		;
}

/* Each leg with its neighbour, which sends PCMA when `convert`. */
static void legs_bridge(bool convert)
{
	legs_set(RLN_LEG_PLAIN);
	for (uint32_t k = 0; k < LEGS; k++) {
		legs[k].tx_codec = convert ? RLN_CODEC_PCMA : RLN_CODEC_PCMU;
		rln_leg_bridge(&legs[k], &legs[k ^ 1], now);
	}
}

static int set_up(void)
{
	char *argv[] = {(char *)"bench", (char *)"--no-huge", (char *)"--no-shconf", (char *)"--no-pci", (char *)"-m",
		(char *)"64", (char *)"--log-level=error", NULL};
	struct rln_pipeline_cfg cfg = {.counts = rln_counts_of(RLN_ENDPOINT_WORKER0),
		.ports = &ports,
		.symmetric = true,
		.latch_packets = 1,
		.cname = "bench",
		.emit = emit};
	struct rln_addr local = addr_of(1, 0);

	if (rte_eal_init(7, argv) < 0)
		return -1;
	pool = cfg.pool = rte_pktmbuf_pool_create("bench", 4095, 64, RLN_PKT_PRIV, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	ports = (struct rln_port_table){
		.addrs_n = 1, .first = 10000, .pairs = LEGS, .rows = aligned_alloc(64, LEGS * sizeof(struct rln_port_row))};
	legs = aligned_alloc(64, LEGS * sizeof(*legs));
	cold = aligned_alloc(64, LEGS * sizeof(*cold));
	if (!pool || !ports.rows || !legs || !cold || rln_pipeline_create(&pipeline, &cfg, now) != 0)
		return -1;
	memcpy(ports.ip[0], local.ip, sizeof(local.ip));
	memset(ports.rows, 0, LEGS * sizeof(*ports.rows));
	memset(legs, 0, LEGS * sizeof(*legs));
	memset(cold, 0, LEGS * sizeof(*cold));
	for (uint32_t k = 0; k < LEGS; k++) {
		local.port = (uint16_t)(10000 + 2 * k);
		rln_leg_open(pipeline, &legs[k], &cold[k], rln_id_make(RLN_ID_MEDIA, 0, k, 1), &ports.rows[k], &local, now);
	}
	return 0;
}

int main(void)
{
	rln_clock_init();
	if (set_up() != 0) {
		fprintf(stderr, "turn_bench: set-up failed\n");
		return 1;
	}
	print_machine("turn");
	measure_as("turn", "bench_make_and_free", make_and_free, OPERATIONS);
	legs_set(RLN_LEG_PLAIN);
	measure_as("turn", "rtp_consumed", receive, OPERATIONS);
	legs_set(RLN_LEG_ECHO);
	measure_as("turn", "rtp_turned", receive, OPERATIONS);
	legs_bridge(false);
	measure_as("turn", "rtp_bridged", receive, OPERATIONS);
	legs_bridge(true);
	measure_as("turn", "rtp_bridged_pcmu_to_pcma", receive, OPERATIONS);
	return 0;
}
