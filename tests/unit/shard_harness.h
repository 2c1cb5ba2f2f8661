/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's shard over a ring port: real bus, real IP stack, real mbufs, one thread that plays control and worker in turn and
 * a peer that answers ARP. Time is a number. What reached control stands in `got`, what reached the peer in `heard`.
 */
#pragma once

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <rte_arp.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_ring.h>
#include <rte_udp.h>

#include "lcore/bus.h"
#include "lcore/clock.h"
#include "lcore/io.h"
#include "lcore/net/net.h"
#include "rtp/files.h"
#include "session/channel.h"
#include "session/placement.h"
#include "session/shard_priv.h"
#include "session/tap.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* no test needs all of it */

#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d)) /* RTE_IPV4() shifts into the sign */

#define GOT_MAX   4096
#define PHASE_CYCLE_NS (RLN_PHASE_BINS * RLN_MS)
#define HEARD_MAX 1024
#define LEGS      64

struct heard { /* a UDP datagram that the peer received */
	uint16_t from, to, len;
	uint8_t data[512];
};

struct world {
	struct rte_mempool *pool;
	struct rte_ring *to_us, *to_peer;
	uint16_t device;
	struct rln_net_shared shared;
	struct rln_net *net;
	struct rln_bus *bus;
	struct rln_io *io;
	struct rln_files *files;
	struct rln_placement *placement;
	struct rln_channels *channels;
	struct rln_taps *taps;
	struct rln_shard *shard;
	uint64_t now;
	unsigned got_n, heard_n;
	bool peer_deaf; /* does not answer ARP */
	struct rln_event got[GOT_MAX];
	char path[GOT_MAX][96]; /* of events that carry one */
	struct heard heard[HEARD_MAX];
};

static struct world w;
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 2};

/* ---- control ---- */

static void note_path(const struct rln_event *ev, char *out)
{
	const char *text = "";

	if (ev->kind == RLN_EV_RECORDING_STARTED)
		text = rln_slice_text(ev->recording_started.block, ev->recording_started.file_path);
	if (ev->kind == RLN_EV_RECORDING_STOPPED)
		text = rln_slice_text(ev->recording_stopped.block, ev->recording_stopped.file_path);
	snprintf(out, 96, "%s", text);
}

static void on_event(void *arg, const struct rln_event *ev)
{
	(void)arg;
	assert_true(w.got_n < GOT_MAX);
	note_path(ev, w.path[w.got_n]);
	w.got[w.got_n++] = *ev;
}

static unsigned got(enum rln_event_kind kind, struct rln_event *last)
{
	unsigned i, n = 0;

	for (i = 0; i < w.got_n; i++) {
		if (w.got[i].kind != kind)
			continue;
		n++;
		if (last)
			*last = w.got[i];
	}
	return n;
}

/* Where in the sequence the first of a kind stands; fails when there is none. */
static unsigned place_of(enum rln_event_kind kind)
{
	unsigned i;

	for (i = 0; i < w.got_n; i++) {
		if (w.got[i].kind == kind)
			return i;
	}
	fail_msg("no %s", rln_event_info(kind)->name);
	return 0;
}

/* ---- the peer ---- */

static struct rte_mbuf *frame_new(unsigned len, uint16_t type)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w.pool);
	struct rte_ether_hdr *eth;

	assert_non_null(m);
	eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, (uint16_t)len);
	memset(eth, 0, len);
	memcpy(&eth->dst_addr, &w.shared.ports[0].mac, 6);
	memcpy(&eth->src_addr, peer_mac, 6);
	eth->ether_type = rte_cpu_to_be_16(type);
	return m;
}

static void peer_sends(uint32_t ip, uint16_t from, uint16_t to, const void *data, unsigned len)
{
	struct rte_mbuf *m = frame_new(14 + 20 + 8 + len, RTE_ETHER_TYPE_IPV4);
	struct rte_ipv4_hdr *v4 = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(v4 + 1);

	v4->version_ihl = 0x45;
	v4->total_length = rte_cpu_to_be_16((uint16_t)(28 + len));
	v4->time_to_live = 64;
	v4->next_proto_id = 17;
	v4->src_addr = rte_cpu_to_be_32(ip);
	v4->dst_addr = rte_cpu_to_be_32(IP4(198, 18, 0, 1));
	v4->hdr_checksum = rte_ipv4_cksum(v4);
	udp->src_port = rte_cpu_to_be_16(from);
	udp->dst_port = rte_cpu_to_be_16(to);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(8 + len));
	memcpy(udp + 1, data, len);
	udp->dgram_cksum = rte_ipv4_udptcp_cksum(v4, udp);
	assert_int_equal(rte_ring_enqueue(w.to_us, m), 0);
}

#define PEER IP4(198, 18, 0, 2)

static void peer_answers_arp(const struct rte_arp_hdr *ask)
{
	struct rte_mbuf *m = frame_new(60, RTE_ETHER_TYPE_ARP);
	struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(m, struct rte_arp_hdr *, 14);

	*arp = *ask;
	arp->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY);
	memcpy(&arp->arp_data.arp_sha, peer_mac, 6);
	arp->arp_data.arp_sip = ask->arp_data.arp_tip;
	arp->arp_data.arp_tha = ask->arp_data.arp_sha;
	arp->arp_data.arp_tip = ask->arp_data.arp_sip;
	assert_int_equal(rte_ring_enqueue(w.to_us, m), 0);
}

/* Over pseudo-header, header and data: all ones when right (RFC 768). */
static uint16_t udp_sum(const struct rte_ipv4_hdr *v4, const struct rte_udp_hdr *udp)
{
	uint32_t sum = rte_ipv4_phdr_cksum(v4, 0) + rte_raw_cksum(udp, rte_be_to_cpu_16(udp->dgram_len));

	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static void peer_hears(const struct rte_ipv4_hdr *v4)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(v4 + 1);
	struct heard *x = &w.heard[w.heard_n];

	assert_true(w.heard_n < HEARD_MAX);
	assert_int_equal(v4->next_proto_id, 17);
	assert_int_equal(rte_raw_cksum(v4, sizeof(*v4)), 0xffff);
	assert_int_equal(udp_sum(v4, udp), 0xffff);
	x->from = rte_be_to_cpu_16(udp->src_port);
	x->to = rte_be_to_cpu_16(udp->dst_port);
	x->len = (uint16_t)(rte_be_to_cpu_16(udp->dgram_len) - 8);
	assert_true(x->len <= sizeof(x->data));
	memcpy(x->data, udp + 1, x->len);
	w.heard_n++;
}

/* Of what was heard, how much was RTP: a report may come at any time after the first second (RFC 3550 6.3.1 draws it). */
static unsigned heard_rtp(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w.heard_n; i++)
		n += !(w.heard[i].to & 1);
	return n;
}

static void peer_turn(void)
{
	void *got_one;

	while (rte_ring_dequeue(w.to_peer, &got_one) == 0) {
		struct rte_mbuf *m = got_one;
		const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
		const struct rte_arp_hdr *arp = (const struct rte_arp_hdr *)(eth + 1);

		if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
			peer_hears((const struct rte_ipv4_hdr *)(eth + 1));
		else if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP) && !w.peer_deaf &&
			 arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST))
			peer_answers_arp(arp);
		rte_pktmbuf_free(m);
	}
}

/* ---- turns ---- */

/* One turn of worker, peer and control, `us` microseconds later. */
static void turn_after(unsigned us)
{
	w.now += us * 1000ull;
	rln_bus_enter(w.bus, RLN_ENDPOINT_WORKER0);
	rln_shard_poll(w.shard, w.now);
	peer_turn();
	rln_bus_enter(w.bus, RLN_ENDPOINT_CONTROL);
	while (rln_bus_poll(w.bus, 64) > 0)
		;
	rln_channels_ring(w.channels, w.now);
	rln_taps_ring(w.taps, w.now);
}

static void turns(unsigned ms)
{
	unsigned i;

	for (i = 0; i < ms * 4; i++)
		turn_after(250);
}

/* Turns in real time, for what the file thread has to answer: until the kind came `n` times, at most 10 s. */
static void wait_for(enum rln_event_kind kind, unsigned n)
{
	uint64_t deadline = rln_clock_ns() + 10 * RLN_SEC;

	while (got(kind, NULL) < n && rln_clock_ns() < deadline) {
		turn_after(250);
		sched_yield(); /* to the file thread */
	}
	assert_true(got(kind, NULL) >= n);
}

static void command(struct rln_event *ev)
{
	rln_bus_enter(w.bus, RLN_ENDPOINT_CONTROL);
	rln_bus_publish(w.bus, ev);
}

/* ---- set-up ---- */

static int world_eal(void **state)
{
	char *argv[] = {(char *)"test", (char *)"--no-huge", (char *)"--no-shconf", (char *)"--no-pci", (char *)"-m",
		(char *)"256", (char *)"--log-level=error", NULL};
	struct rte_eth_conf conf;
	int device;

	(void)state;
	if (rte_eal_init(7, argv) < 0)
		return -1;
	rln_clock_init();
	memset(&conf, 0, sizeof(conf));
	w.pool = rte_pktmbuf_pool_create("test", 8191, 0, RLN_PKT_PRIV, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	w.to_us = rte_ring_create("to_us", 1024, SOCKET_ID_ANY, 0);
	w.to_peer = rte_ring_create("to_peer", 1024, SOCKET_ID_ANY, 0);
	device = rte_eth_from_rings("shard", &w.to_us, 1, &w.to_peer, 1, 0);
	if (device < 0 || rte_eth_dev_configure((uint16_t)device, 1, 1, &conf) < 0 ||
		rte_eth_rx_queue_setup((uint16_t)device, 0, 256, 0, NULL, w.pool) < 0 ||
		rte_eth_tx_queue_setup((uint16_t)device, 0, 256, 0, NULL) < 0 || rte_eth_dev_start((uint16_t)device) < 0)
		return -1;
	w.device = (uint16_t)device;
	return rln_blocks_init(256, 16);
}

static int world_eal_end(void **state)
{
	(void)state;
	rln_blocks_fini();
	rte_eth_dev_stop(w.device);
	rte_eth_dev_close(w.device);
	rte_ring_free(w.to_us);
	rte_ring_free(w.to_peer);
	rte_mempool_free(w.pool);
	return rte_eal_cleanup();
}

static void net_shared(unsigned workers)
{
	struct rln_net_shared *s = &w.shared;

	memset(s, 0, sizeof(*s));
	s->workers = workers;
	s->ports_n = s->addrs_n = 1;
	s->pool = w.pool;
	s->owner_of = rln_placement_owner_of;
	s->owner_arg = w.placement;
	snprintf(s->ports[0].name, sizeof(s->ports[0].name), "shard");
	s->ports[0].device = w.device;
	rte_eth_macaddr_get(w.device, &s->ports[0].mac);
	s->ports[0].mac.addr_bytes[0] |= 2;
	s->ports[0].mtu = 1500;
	s->ports[0].rx_queues = s->ports[0].tx_queues = 1;
	rln_addr_parse(&s->addrs[0].addr, "198.18.0.1", 10);
	s->addrs[0].len = 96 + 24;
}

static void net_open(void)
{
	net_shared(1);
	assert_int_equal(rln_net_create(&w.net, &w.shared, 0), 0);
}

static void shard_cfg(struct rln_shard_cfg *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->bus = w.bus;
	cfg->net = w.net;
	cfg->shared = &w.shared;
	cfg->io = w.io;
	cfg->placement = w.placement;
	cfg->channels = w.channels;
	cfg->taps = w.taps;
	cfg->legs = LEGS;
	cfg->rtp_timeout_ms = 30000;
	cfg->rtcp_interval_ms = 5000;
	cfg->quality_interval_ms = 5000;
	cfg->loss_limit_pct = 10;
	cfg->latch_silence_ms = 2000;
	cfg->latch_packets = 1;
	cfg->symmetric = true;
}

/* A file thread for the next world_open(); it begins with rln_io_start(). */
static void files_open(void)
{
	struct rln_files_cfg cfg = {.absolute = true, .cache_bytes = 1u << 20};

	assert_int_equal(rln_io_create(&w.io, RLN_ENDPOINT_WORKER0 + 1, 256), 0);
	assert_int_equal(rln_files_create(&w.files, w.io, &cfg), 0);
	rln_io_set_handler(w.io, rln_files_handle, w.files);
}

static void files_close(void)
{
	if (w.io == NULL)
		return;
	rln_files_destroy(w.files);
	rln_io_destroy(w.io);
	w.io = NULL;
	w.files = NULL;
}

static void world_open(void (*tweak)(struct rln_shard_cfg *cfg))
{
	struct rln_placement_cfg place = {1, 10000, 10031, LEGS};
	struct rln_event_handler control = {on_event, NULL, RLN_ENDPOINT_CONTROL};
	struct rln_shard_cfg cfg;

	w.got_n = w.heard_n = 0;
	w.peer_deaf = false;
	rln_counts_reset();
	assert_int_equal(rln_placement_create(&w.placement, &place), 0);
	assert_int_equal(rln_channels_create(&w.channels, 8), 0);
	assert_int_equal(rln_taps_create(&w.taps), 0);
	w.bus = rln_bus_new();
	assert_non_null(w.bus);
	assert_int_equal(rln_bus_add_worker(w.bus, 0, 1024), 0);
	assert_int_equal(rln_bus_register_handler(w.bus, RLN_CAT_M2S, &control), 0);
	assert_int_equal(rln_bus_register_handler(w.bus, RLN_CAT_S2A, &control), 0);
	net_open();
	shard_cfg(&cfg);
	if (tweak)
		tweak(&cfg);
	assert_int_equal(rln_shard_create(&w.shard, &cfg), 0);
	w.now = (rln_clock_ns() / PHASE_CYCLE_NS + 1) * PHASE_CYCLE_NS; /* every run sees its legs tick at the same distances */
}

/* Both sides of the packet ledger, and nothing left: packets, blocks, legs, ports, channels. */
static void world_close(void)
{
	const struct rln_counts *c = rln_net_counts(w.net);
	struct rln_shard_counts counts;

	turns(20);
	assert_int_equal(rln_net_held(w.net), 0);
	assert_int_equal(rln_counts_group(c, RLN_G_RX) + rln_counts_group(c, RLN_G_HANDOFF_IN),
		rln_counts_group(c, RLN_G_EATEN) + rln_counts_group(c, RLN_G_DROP) + rln_counts_group(c, RLN_G_HANDOFF_OUT));
	assert_int_equal(rln_counts_group(c, RLN_G_OUT), rln_counts_group(c, RLN_G_SENT) + rln_counts_group(c, RLN_G_TXDROP));
	rln_shard_counts(w.shard, &counts);
	assert_int_equal(counts.legs, 0);
	assert_int_equal(counts.ports_free, 16);
	assert_int_equal(counts.channels, 0);
	assert_int_equal(counts.closing, 0);
	assert_false(rln_shard_busy(w.shard));
	assert_int_equal(rln_channels_in_use(w.channels), 0);
	assert_int_equal(rln_taps_in_use(w.taps), 0);
	if (w.io)
		rln_io_stop(w.io);
	rln_shard_destroy(w.shard);
	files_close();
	rln_net_destroy(w.net);
	rln_bus_enter(w.bus, RLN_ENDPOINT_APP);
	rln_bus_free(w.bus);
	rln_channels_destroy(w.channels);
	rln_taps_destroy(w.taps);
	rln_placement_destroy(w.placement);
	assert_int_equal(rln_blocks_in_use(), 0);
	assert_int_equal(rte_mempool_in_use_count(w.pool), 0);
}

/* For cmocka: a world as it comes. */
static int open_plain(void **state)
{
	(void)state;
	world_open(NULL);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	world_close();
	return 0;
}

static uint64_t count(enum rln_counter c)
{
	return rln_net_counts(w.net)->v[c];
}

/* ---- commands of control ---- */

static uint64_t session_id(unsigned n)
{
	return rln_id_make(RLN_ID_SESSION, 0, n, 1);
}

/* A leg for session n; its id, and in *local its address. 0 when it was refused. */
static uint64_t create_leg(unsigned n, struct rln_addr *local)
{
	struct rln_event ev = {.id = session_id(n), .kind = RLN_EV_CREATE_MEDIA_SESSION};
	unsigned before = got(RLN_EV_MEDIA_SESSION_CREATED, NULL);

	command(&ev);
	turn_after(250);
	if (got(RLN_EV_MEDIA_SESSION_CREATED, &ev) == before)
		return 0;
	assert_int_equal(ev.id, session_id(n));
	assert_int_equal(rln_id_type(ev.media_session_created.media_id), RLN_ID_MEDIA);
	if (local)
		*local = ev.media_session_created.local_addr;
	return ev.media_session_created.media_id;
}

static struct rln_leg_params stream_params(void)
{
	struct rln_leg_params q = {.payload_type = 0, .ptime_ms = 20, .direction = RLN_MEDIA_BIDIRECTIONAL};

	rln_addr_from_v4(&q.remote, rte_cpu_to_be_32(PEER), 4000);
	rln_addr_from_v4(&q.remote_rtcp, rte_cpu_to_be_32(PEER), 4001);
	q.rx[0] = (struct rln_leg_payload){0, RLN_CODEC_PCMU, 8};
	q.rx[1] = (struct rln_leg_payload){8, RLN_CODEC_PCMA, 8};
	q.telephone_event_rx = q.telephone_event_tx = 101;
	q.config.codec = RLN_CODEC_PCMU;
	return q;
}

static void stream_command(uint64_t id, enum rln_event_kind kind, const struct rln_leg_params *q)
{
	struct rln_event ev = {.id = id, .kind = (uint16_t)kind};
	rln_block_ref block = rln_block_alloc(sizeof(*q) + 8);

	assert_true(block != 0);
	memcpy((uint8_t *)rln_block_data(block) + 8, q, sizeof(*q));
	ev.start_media_stream.block = block;
	ev.start_media_stream.media_config = (struct rln_slice){8, sizeof(*q)};
	command(&ev);
	turn_after(250);
}

/* A leg of session n that streams; its id. */
static uint64_t started_as(unsigned n, struct rln_addr *local, uint8_t app)
{
	struct rln_leg_params q = stream_params();
	uint64_t id = create_leg(n, local);

	q.app = app;
	stream_command(id, RLN_EV_START_MEDIA_STREAM, &q);
	return id;
}

static void stop_leg(uint64_t id)
{
	struct rln_event ev = {.id = id, .kind = RLN_EV_STOP_MEDIA_STREAM};

	ev.stop_media_stream.reason = RLN_END_REMOTE;
	command(&ev);
	turn_after(250);
}

/* 20 ms of something from the peer to a port of ours. */
static void peer_talks(uint16_t to, uint16_t seq, uint32_t ts)
{
	uint8_t p[172] = {0x80, 0, (uint8_t)(seq >> 8), (uint8_t)seq, (uint8_t)(ts >> 24), (uint8_t)(ts >> 16),
		(uint8_t)(ts >> 8), (uint8_t)ts, 0, 0, 0, 7};

	for (unsigned i = 12; i < sizeof(p); i++)
		p[i] = (uint8_t)(seq + i);
	peer_sends(PEER, 4000, to, p, sizeof(p));
	turn_after(250);
}
