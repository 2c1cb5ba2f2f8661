// SPDX-License-Identifier: BSD-3-Clause
/*
 * The IP stack of two workers under arbitrary frames. After each input the ledger of both workers must agree and no buffer may be missing;
 * a frame's buffer ends where the frame ends, and what lies behind is poisoned for the address sanitizer.
 *
 * An input is a byte of options, then steps: [what][length, two bytes][that many bytes]. See enum step.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <rte_udp.h>

#include "lcore/bus.h"
#include "lcore/clock.h"
#include "lcore/net/net_priv.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(at, n)   __asan_poison_memory_region(at, n)
#define UNPOISON(at, n) __asan_unpoison_memory_region(at, n)
#else
#define POISON(at, n)   ((void)(at), (void)(n))
#define UNPOISON(at, n) ((void)(at), (void)(n))
#endif

#define WORKERS 2
#define BUFFERS 511
#define STEPS   64

enum { OPTION_VLAN = 1, OPTION_PARTIAL = 2, OPTION_FIX = 4, OPTION_ROOMY = 8, OPTION_SMALL_MTU = 16, OPTION_ONE_QUEUE = 32 };
enum step { STEP_FRAME_0, STEP_FRAME_1, STEP_TIME, STEP_SEND, STEP_SEND_TO, STEP_STRIPPED, STEP_KINDS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rln_net_shared shared;
static struct rln_net *net[WORKERS];
static struct rte_ring *rx[WORKERS], *tx[WORKERS];
static struct rte_mempool *frames; /* buffers that are cut to the frame's length */
static uint64_t now_ns;

static int owner_of(const void *arg, const struct rln_addr *local)
{
	(void)arg;
	if (local->port == 5060)
		return RLN_NET_CONTROL;
	return local->port >= 20000 && local->port < 22000 ? (local->port - 20000) / 1000 : RLN_NET_NOBODY;
}

static struct rte_ring *ring(const char *name, unsigned k)
{
	char text[16];
	struct rte_ring *r;

	snprintf(text, sizeof(text), "%s%u", name, k);
	r = rte_ring_create(text, 64, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!r)
		abort();
	return r;
}

static void address(const char *text, unsigned len)
{
	struct rln_net_prefix *p = &shared.addrs[shared.addrs_n++];

	if (rln_addr_parse(&p->addr, text, strlen(text)) < 0)
		abort();
	p->len = (uint8_t)len;
}

static void set_up_device(void)
{
	struct rte_eth_conf conf = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_NONE}};
	int device = rte_eth_from_rings("fuzz", rx, WORKERS, tx, WORKERS, 0);

	if (device < 0 || rte_eth_dev_configure((uint16_t)device, WORKERS, WORKERS, &conf) < 0)
		abort();
	for (uint16_t q = 0; q < WORKERS; q++)
		if (rte_eth_rx_queue_setup((uint16_t)device, q, 64, 0, NULL, frames) < 0 ||
			rte_eth_tx_queue_setup((uint16_t)device, q, 64, 0, NULL) < 0)
			abort();
	if (rte_eth_dev_start((uint16_t)device) < 0)
		abort();
	shared.ports[0].device = (uint16_t)device;
}

static void set_up(void)
{
	static const struct rte_ether_addr mac = {.addr_bytes = {2, 0, 0, 0, 0, 1}};
	char *args[] = {"fuzz", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "32", "--lcores", "0",
		"--log-level", "3", NULL};

	if (rte_eal_init(11, args) < 0)
		abort();
	frames = rte_pktmbuf_pool_create("frames", BUFFERS, 0, RLN_PKT_PRIV, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	shared.pool = rte_pktmbuf_pool_create("fuzz", BUFFERS, 0, RLN_PKT_PRIV, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!frames || !shared.pool)
		abort();
	for (unsigned k = 0; k < WORKERS; k++) {
		rx[k] = ring("rx", k);
		tx[k] = ring("tx", k);
		shared.to_control[k] = ring("up", k);
		shared.handoff[k][1 - k] = ring("hand", k);
	}
	set_up_device();
	shared.workers = WORKERS;
	shared.ports_n = 1;
	shared.ports[0].mac = mac;
	shared.ports[0].rx_queues = WORKERS;
	shared.owner_of = owner_of;
	address("198.18.0.1", 96 + 24);
	address("2001:db8::1", 64);
	shared.routes_n = 1;
	shared.routes[0].to.len = 96;
	if (rln_addr_parse(&shared.routes[0].to.addr, "0.0.0.0", 7) < 0 ||
		rln_addr_parse(&shared.routes[0].gateway, "198.18.0.254", 12) < 0)
		abort();
}

static void configure(uint8_t options)
{
	struct rln_net_port *p = &shared.ports[0];

	p->vlan = options & OPTION_VLAN ? 5 : 0;
	p->partial_ok = options & OPTION_PARTIAL;
	p->mtu = options & OPTION_SMALL_MTU ? 600 : 1500;
	p->tx_queues = options & OPTION_ONE_QUEUE ? 1 : WORKERS;
	now_ns = RLN_SEC;
}

/* ---- buffers ---- */

static struct rte_mbuf *frame(const uint8_t *data, unsigned n, bool roomy)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(frames);

	if (!m)
		return NULL;
	n = RTE_MIN(n, (unsigned)rte_pktmbuf_tailroom(m));
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), data, n);
	if (!roomy) {
		unsigned end = m->data_off + n;

		POISON((uint8_t *)m->buf_addr + end, m->buf_len - end);
		m->buf_len = (uint16_t)end;
	}
	return m;
}

static void restore(struct rte_mempool *pool, void *arg, void *obj, unsigned index)
{
	struct rte_mbuf *m = obj;

	(void)arg;
	(void)index;
	m->buf_len = rte_pktmbuf_data_room_size(pool);
	UNPOISON(m->buf_addr, m->buf_len);
}

/* ---- right checksums, so that inputs get past them ---- */

static void fix_l4(uint8_t *l4, unsigned len, uint8_t proto, uint32_t pseudo)
{
	unsigned at = proto == IPPROTO_UDP ? 6 : 2;
	uint16_t sum;

	if ((proto != IPPROTO_UDP && proto != IPPROTO_ICMP && proto != IPPROTO_ICMPV6) || len < 8)
		return;
	memset(l4 + at, 0, 2);
	sum = (uint16_t)~rln_sum_fold((proto == IPPROTO_ICMP ? 0 : pseudo) + rte_raw_cksum(l4, len));
	if (sum == 0 && proto == IPPROTO_UDP)
		sum = 0xffff;
	memcpy(l4 + at, &sum, 2);
}

static void fix_v4(uint8_t *at, unsigned len)
{
	struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)at;
	unsigned head = rte_ipv4_hdr_len(h), total = rte_be_to_cpu_16(h->total_length);

	if (len < 20 || head < 20 || head > len)
		return;
	h->hdr_checksum = 0;
	h->hdr_checksum = (uint16_t)~rte_raw_cksum(h, head);
	if (total < head || total > len || h->fragment_offset & rte_cpu_to_be_16(0x3fff))
		return;
	fix_l4(at + head, total - head, h->next_proto_id, rte_ipv4_phdr_cksum(h, 0));
}

static void fix_v6(uint8_t *at, unsigned len)
{
	struct rte_ipv6_hdr *h = (struct rte_ipv6_hdr *)at;
	uint32_t pseudo;

	if (len < 40 || rte_be_to_cpu_16(h->payload_len) > len - 40)
		return;
	pseudo = (uint32_t)rte_raw_cksum(h->src_addr, 32) + h->payload_len + rte_cpu_to_be_16(h->proto);
	fix_l4(at + 40, rte_be_to_cpu_16(h->payload_len), h->proto, pseudo);
}

static void fix(struct rte_mbuf *m)
{
	uint8_t *b = rte_pktmbuf_mtod(m, uint8_t *);
	unsigned at = 14, n = m->data_len;

	if (n >= 18 && b[12] == 0x81 && b[13] == 0)
		at = 18;
	if (n < at + 20)
		return;
	if (b[at - 2] == 0x08 && b[at - 1] == 0x00)
		fix_v4(b + at, n - at);
	else if (b[at - 2] == 0x86 && b[at - 1] == 0xdd)
		fix_v6(b + at, n - at);
}

/* ---- steps ---- */

static void drain(struct rte_ring *r)
{
	void *m;

	while (rte_ring_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
}

static void turn(unsigned k)
{
	struct rln_net_ledger ledger;
	struct rln_batch out;

	rln_net_poll(net[k], &out, now_ns);
	for (unsigned i = 0; i < out.n; i++) {
		if (out.m[i]->nb_segs != 1 || out.m[i]->pkt_len != out.m[i]->data_len)
			abort();
		if (rln_pkt(out.m[i])->op != RLN_PKT_UNREACH)
			rln_counts_add(rln_net_counts(net[k]), RLN_C_EATEN_RTP, 1);
		rte_pktmbuf_free(out.m[i]);
	}
	rln_net_flush(net[k]);
	if (!rln_net_check(net[k], 0, &ledger)) {
		fprintf(stderr, "worker %u: in %lu = %lu + %lu, out %lu = %lu + %lu\n", k, ledger.in, ledger.in_ends,
			ledger.in_held, ledger.out, ledger.out_ends, ledger.out_held);
		abort();
	}
	for (unsigned q = 0; q < WORKERS; q++) {
		drain(tx[q]);
		drain(shared.to_control[q]);
	}
}

static void receive(unsigned k, const uint8_t *data, unsigned n, uint8_t options, bool stripped)
{
	struct rte_mbuf *m = frame(data, n, options & OPTION_ROOMY);

	if (!m)
		return;
	if (options & OPTION_FIX)
		fix(m);
	if (stripped) {
		m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
		m->vlan_tci = 5;
	}
	if (rte_ring_enqueue(rx[k], m) != 0)
		rte_pktmbuf_free(m);
}

/* The first 18 bytes say to whom; the rest, with 2,000 more, is sent. */
static void send_data(const uint8_t *data, unsigned n, bool by_flow)
{
	struct rln_addr local = {.port = by_flow ? 20000 : 5060}, remote = {.port = 0};
	struct rte_mbuf *m = n >= 18 ? rte_pktmbuf_alloc(shared.pool) : NULL;
	struct rln_flow flow;

	if (!m)
		return;
	memcpy(remote.ip, data, 16);
	memcpy(&remote.port, data + 16, 2);
	memcpy(local.ip, shared.addrs[rln_addr_is_v4(&remote) ? 0 : 1].addr.ip, 16);
	memset(rte_pktmbuf_append(m, (uint16_t)(n * 7 % 2000)), 0x55, n * 7 % 2000);
	rln_pkt(m)->src = local;
	rln_pkt(m)->dst = remote;
	if (!by_flow)
		rln_net_send_to(net[0], m);
	else if (rln_flow_init(net[0], &flow, &local, &remote) == 0)
		rln_net_send(net[0], &flow, m);
	else
		rte_pktmbuf_free(m);
}

static void step(enum step what, const uint8_t *data, unsigned n, uint8_t options)
{
	switch (what) {
	case STEP_FRAME_0:
	case STEP_FRAME_1:
		receive(what == STEP_FRAME_1, data, n, options, false);
		break;
	case STEP_STRIPPED:
		receive(0, data, n, options, true);
		break;
	case STEP_TIME:
		now_ns += (n ? data[0] : 1) * (RLN_SEC / 4);
		for (unsigned k = 0; k < WORKERS; k++)
			for (unsigned i = 0; i < 64; i++)
				rln_net_housekeep(net[k], now_ns);
		break;
	case STEP_SEND:
	case STEP_SEND_TO:
		send_data(data, n, what == STEP_SEND);
		break;
	case STEP_KINDS:
		break;
	}
	turn(0);
	turn(1);
}

static void finish(void)
{
	for (unsigned k = 0; k < WORKERS; k++) {
		drain(rx[k]);
		drain(shared.handoff[k][1 - k]);
	}
	for (unsigned k = 0; k < WORKERS; k++) {
		rln_net_destroy(net[k]);
		drain(tx[k]);
		drain(shared.to_control[k]);
	}
	if (rte_mempool_avail_count(frames) != BUFFERS || rte_mempool_avail_count(shared.pool) != BUFFERS) {
		fprintf(stderr, "buffers are missing: %u and %u of %u\n", rte_mempool_avail_count(frames),
			rte_mempool_avail_count(shared.pool), BUFFERS);
		abort();
	}
	rte_mempool_obj_iter(frames, restore, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool up;
	uint8_t options;

	if (!up)
		set_up();
	up = true;
	if (size == 0)
		return 0;
	options = *data++;
	size--;
	configure(options);
	rln_counts_reset();
	for (unsigned k = 0; k < WORKERS; k++)
		if (rln_net_create(&net[k], &shared, k) < 0)
			abort();
	for (unsigned i = 0; i < STEPS && size >= 3; i++) {
		unsigned n = RTE_MIN((unsigned)(data[1] << 8 | data[2]), (unsigned)size - 3);

		step(data[0] % STEP_KINDS, data + 3, n, options);
		data += 3 + n;
		size -= 3 + n;
	}
	finish();
	return 0;
}
