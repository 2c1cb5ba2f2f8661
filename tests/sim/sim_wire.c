/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other end of the ring port. The wire's thread owns the reading side of the appliance's transmit rings; whoever has the lock may write into its receive
 * rings (SP by the lock). Hosts .2 to .9 exist, each with the MAC 02:00:00:00:01:<host>.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <rte_arp.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_udp.h>

#include "lcore/batch.h"

#define DEVICE_QUEUES 2
#define RING          4096
#define FRAMES        8191
#define MTU           1500
#define TURN_NS       300000 /* how long the wire's thread waits when nothing comes */

static struct { /* owner: lock */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed, wake;
	bool stop, cut, refuse;
	unsigned queues;                                        /* that the appliance polls */
	struct rte_ring *rx[DEVICE_QUEUES], *tx[DEVICE_QUEUES]; /* rx: into the appliance */
	struct rte_mempool *pool;
	struct sim_udp *sockets;
	struct sim_task *tasks;
	struct sim_wire_counts counts;
	unsigned pings;
	uint16_t ip_id;
} wire;

uint64_t sim_wire_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void sim_wire_lock(void)
{
	pthread_mutex_lock(&wire.lock);
}

void sim_wire_unlock(void)
{
	pthread_mutex_unlock(&wire.lock);
}

struct rln_addr sim_addr(const char *ip, uint16_t port)
{
	struct rln_addr a = {.port = 0};

	if (rln_addr_parse(&a, ip, strlen(ip)) != 0)
		fail_msg("no address: %s", ip);
	a.port = port;
	return a;
}

static struct rte_ether_addr mac_of(uint32_t ip_be)
{
	uint32_t ip = rte_be_to_cpu_32(ip_be);

	if ((ip & 0xff) == 1)
		return (struct rte_ether_addr){{2, 0, 0, 0, 0, 1}};
	return (struct rte_ether_addr){{2, 0, 0, 0, 1, (uint8_t)ip}};
}

static bool is_host(uint32_t ip_be)
{
	uint32_t ip = rte_be_to_cpu_32(ip_be);

	return ip >> 8 == (198u << 16 | 18u << 8) && (ip & 0xff) >= 2 && (ip & 0xff) <= 9;
}

/* ---- into the appliance ---- */

static void put(const void *frame, size_t len, unsigned hash)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(wire.pool);

	if (!m) {
		wire.counts.lost++;
		return;
	}
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
	wire.counts.from_hosts++;
	if (rte_ring_enqueue(wire.rx[hash % wire.queues], m) != 0) {
		wire.counts.lost++;
		rte_pktmbuf_free(m);
	}
}

static size_t put_headers(uint8_t *f, uint32_t from, uint32_t to, uint8_t proto, size_t payload, uint16_t fragment)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)f;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);

	*eth = (struct rte_ether_hdr){
		.dst_addr = mac_of(to), .src_addr = mac_of(from), .ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)};
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(20 + payload)),
		.packet_id = rte_cpu_to_be_16(wire.ip_id),
		.fragment_offset = rte_cpu_to_be_16(fragment),
		.time_to_live = 64,
		.next_proto_id = proto,
		.src_addr = from,
		.dst_addr = to};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return sizeof(*eth) + sizeof(*ip);
}

/* The UDP datagram, in as many fragments as it needs. */
void sim_udp_send_locked(struct sim_udp *udp, const struct rln_addr *to, const void *data, size_t len)
{
	static uint8_t whole[65536], frame[2048];
	uint32_t src = rln_addr_v4_be(&udp->local), dst = rln_addr_v4_be(to);
	size_t at = put_headers(frame, src, dst, IPPROTO_UDP, 8 + len, 0), total = 8 + len;
	struct rte_udp_hdr *h = (struct rte_udp_hdr *)whole;
	unsigned hash = (to->port / 2u) + udp->local.port;

	wire.ip_id++;
	*h = (struct rte_udp_hdr){
		rte_cpu_to_be_16(udp->local.port), rte_cpu_to_be_16(to->port), rte_cpu_to_be_16((uint16_t)total), 0};
	memcpy(h + 1, data, len);
	h->dgram_cksum = rte_ipv4_udptcp_cksum((struct rte_ipv4_hdr *)(frame + sizeof(struct rte_ether_hdr)), h);
	for (size_t off = 0; off < total;) {
		size_t part = total - off <= MTU - 20 ? total - off : (MTU - 20) & ~7u;
		uint16_t fragment = (uint16_t)(off / 8 | (off + part < total ? RTE_IPV4_HDR_MF_FLAG : 0));

		at = put_headers(frame, src, dst, IPPROTO_UDP, part, fragment);
		memcpy(frame + at, whole + off, part);
		put(frame, at + part, hash);
		off += part;
	}
}

void sim_udp_send(struct sim_udp *udp, const struct rln_addr *to, const void *data, size_t len)
{
	sim_wire_lock();
	sim_udp_send_locked(udp, to, data, len);
	sim_wire_unlock();
}

/* ---- out of the appliance ---- */

static void answer_arp(const struct rte_arp_hdr *arp)
{
	uint8_t f[60] = {0};
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)f;
	struct rte_arp_hdr *reply = (struct rte_arp_hdr *)(eth + 1);

	wire.counts.arp++;
	if (arp->arp_opcode != rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) || !is_host(arp->arp_data.arp_tip) || wire.cut)
		return;
	*eth = (struct rte_ether_hdr){arp->arp_data.arp_sha, mac_of(arp->arp_data.arp_tip), rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)};
	*reply = *arp;
	reply->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY);
	reply->arp_data.arp_sha = eth->src_addr;
	reply->arp_data.arp_sip = arp->arp_data.arp_tip;
	reply->arp_data.arp_tha = arp->arp_data.arp_sha;
	reply->arp_data.arp_tip = arp->arp_data.arp_sip;
	put(f, sizeof(f), 0);
}

static void icmp_unreachable(const struct rte_ipv4_hdr *ip)
{
	uint8_t f[128] = {0};
	size_t at = put_headers(f, ip->dst_addr, ip->src_addr, IPPROTO_ICMP, 8 + 28, 0);
	uint16_t sum;

	f[at] = 3;     /* destination unreachable */
	f[at + 1] = 3; /* port */
	memcpy(f + at + 8, ip, 28);
	sum = (uint16_t)~rte_raw_cksum(f + at, 36);
	memcpy(f + at + 2, &sum, 2);
	put(f, at + 36, 0);
}

static struct sim_udp *socket_of(const struct rln_addr *dst)
{
	struct sim_udp *s = wire.sockets;

	while (s && !rln_addr_equal(&s->local, dst))
		s = s->next;
	return s;
}

static void take_udp(const struct rte_ipv4_hdr *ip, const struct rte_udp_hdr *h)
{
	size_t len = rte_be_to_cpu_16(h->dgram_len) - sizeof(*h);
	struct sim_packet *p = malloc(sizeof(*p) + len + 1);
	struct sim_udp *s;

	rln_addr_from_v4(&p->src, ip->src_addr, rte_be_to_cpu_16(h->src_port));
	rln_addr_from_v4(&p->dst, ip->dst_addr, rte_be_to_cpu_16(h->dst_port));
	p->next = NULL;
	p->len = len;
	p->when_ns = sim_wire_now_ns();
	memcpy(p->data, h + 1, len);
	p->data[len] = 0;
	s = socket_of(&p->dst);
	if (!s || s->hook) {
		if (s)
			s->hook(s->arg, p);
		else
			wire.counts.unclaimed++;
		if (!s && wire.refuse)
			icmp_unreachable(ip);
		free(p);
		return;
	}
	*s->last = p;
	s->last = &p->next;
	s->queued++;
}

/* Checksums are looked at: what the appliance sends must be right. */
static void take_ip(const struct rte_ipv4_hdr *ip, size_t len)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);
	size_t total = rte_be_to_cpu_16(ip->total_length);

	if (len < 28 || total > len || rte_ipv4_cksum(ip) != 0) {
		wire.counts.bad++;
		return;
	}
	if (!is_host(ip->dst_addr) || wire.cut) {
		wire.counts.lost++;
		return;
	}
	if (ip->next_proto_id == IPPROTO_ICMP) {
		wire.counts.icmp++;
		wire.pings += *(const uint8_t *)udp == 0;
	} else if (ip->next_proto_id == IPPROTO_UDP && (udp->dgram_cksum == 0 || rte_ipv4_udptcp_cksum(ip, udp) == 0xffff)) {
		take_udp(ip, udp);
	} else {
		wire.counts.bad++;
	}
}

static void take_frame(struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	size_t len = rte_pktmbuf_data_len(m);

	wire.counts.to_hosts++;
	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP))
		answer_arp((const struct rte_arp_hdr *)(eth + 1));
	else if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) && m->nb_segs == 1)
		take_ip((const struct rte_ipv4_hdr *)(eth + 1), len - sizeof(*eth));
	else
		wire.counts.bad++;
	rte_pktmbuf_free(m);
}

static unsigned empty_rings(void)
{
	unsigned n = 0;
	void *m;

	for (unsigned q = 0; q < DEVICE_QUEUES; q++) {
		while (n < 512 && rte_ring_dequeue(wire.tx[q], &m) == 0) {
			take_frame(m);
			n++;
		}
	}
	return n;
}

/* Runs what is due; returns when the next one is. */
static uint64_t run_tasks(void)
{
	uint64_t now = sim_wire_now_ns(), next = now + TURN_NS;

	for (struct sim_task **at = &wire.tasks; *at;) {
		struct sim_task *t = *at;

		if (t->at_ns <= now) {
			t->at_ns = t->run(t->arg, now);
			if (t->at_ns == 0) {
				t->done = true;
				*at = t->next;
				pthread_cond_broadcast(&wire.changed);
				continue;
			}
		}
		if (t->at_ns < next)
			next = t->at_ns;
		at = &t->next;
	}
	return next;
}

static void *run(void *arg)
{
	struct timespec until;
	uint64_t next;

	pthread_mutex_lock(&wire.lock);
	while (!wire.stop) {
		if (empty_rings())
			pthread_cond_broadcast(&wire.changed);
		next = run_tasks();
		until = (struct timespec){(time_t)(next / 1000000000u), (long)(next % 1000000000u)};
		pthread_cond_timedwait(&wire.wake, &wire.lock, &until);
	}
	pthread_mutex_unlock(&wire.lock);
	return arg;
}

/* ---- what tests use ---- */

struct timespec sim_deadline(int ms)
{
	uint64_t at = sim_wire_now_ns() + (uint64_t)ms * 1000000u;

	return (struct timespec){(time_t)(at / 1000000000u), (long)(at % 1000000000u)};
}

uint64_t sim_now_ms(void)
{
	return sim_wire_now_ns() / 1000000u;
}

struct sim_udp *sim_udp_open(const char *ip, uint16_t port)
{
	struct sim_udp *udp = calloc(1, sizeof(*udp));

	udp->local = sim_addr(ip, port);
	udp->last = &udp->first;
	sim_wire_lock();
	assert_null(socket_of(&udp->local));
	udp->next = wire.sockets;
	wire.sockets = udp;
	sim_wire_unlock();
	return udp;
}

void sim_udp_close(struct sim_udp *udp)
{
	struct sim_udp **at = &wire.sockets;
	struct sim_packet *p;

	sim_wire_lock();
	while (*at != udp)
		at = &(*at)->next;
	*at = udp->next;
	sim_wire_unlock();
	while ((p = udp->first)) {
		udp->first = p->next;
		free(p);
	}
	free(udp);
}

struct sim_packet *sim_udp_recv(struct sim_udp *udp, int timeout_ms)
{
	struct timespec until = sim_deadline(timeout_ms);
	struct sim_packet *p;

	sim_wire_lock();
	while (!udp->first && pthread_cond_timedwait(&wire.changed, &wire.lock, &until) == 0)
		;
	p = udp->first;
	if (p) {
		udp->first = p->next;
		udp->queued--;
		if (!udp->first)
			udp->last = &udp->first;
	}
	sim_wire_unlock();
	return p;
}

bool sim_wire_wait(const unsigned *n, unsigned want, int timeout_ms)
{
	struct timespec until = sim_deadline(timeout_ms);
	bool enough;

	sim_wire_lock();
	while (*n < want && pthread_cond_timedwait(&wire.changed, &wire.lock, &until) == 0)
		;
	enough = *n >= want;
	sim_wire_unlock();
	return enough;
}

void sim_wire_schedule(struct sim_task *task, uint64_t at_ns)
{
	sim_wire_lock();
	task->at_ns = at_ns ? at_ns : 1;
	task->done = false;
	task->next = wire.tasks;
	wire.tasks = task;
	pthread_cond_signal(&wire.wake);
	sim_wire_unlock();
}

void sim_wire_join(struct sim_task *task, int timeout_ms)
{
	struct timespec until = sim_deadline(timeout_ms);
	bool done;

	sim_wire_lock();
	while (!task->done && pthread_cond_timedwait(&wire.changed, &wire.lock, &until) == 0)
		;
	done = task->done;
	sim_wire_unlock();
	assert_true(done);
}

void sim_wire_refuse(bool on)
{
	sim_wire_lock();
	wire.refuse = on;
	sim_wire_unlock();
}

void sim_wire_cut(bool on)
{
	sim_wire_lock();
	wire.cut = on;
	sim_wire_unlock();
}

struct sim_wire_counts sim_wire_counts(void)
{
	struct sim_wire_counts c;

	sim_wire_lock();
	c = wire.counts;
	sim_wire_unlock();
	return c;
}

bool sim_ping(const char *ip)
{
	struct rln_addr to = sim_addr(ip, 0), from = sim_addr(SIM_HOST, 0);
	uint8_t f[128] = {0};
	unsigned before;
	uint16_t sum;
	size_t at;

	sim_wire_lock();
	at = put_headers(f, rln_addr_v4_be(&from), rln_addr_v4_be(&to), IPPROTO_ICMP, 40, 0);
	f[at] = 8; /* echo */
	sum = (uint16_t)~rte_raw_cksum(f + at, 40);
	memcpy(f + at + 2, &sum, 2);
	before = wire.pings;
	put(f, at + 40, 0);
	sim_wire_unlock();
	return sim_wire_wait(&wire.pings, before + 1, SIM_WAIT_MS);
}

unsigned sim_wire_frames_in_use(void)
{
	return rte_mempool_in_use_count(wire.pool);
}

static struct rte_ring *ring(const char *what, unsigned q)
{
	char name[32];

	snprintf(name, sizeof(name), "sim_%s_%u", what, q);
	return rte_ring_create(name, RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

void sim_wire_open(unsigned queues)
{
	pthread_condattr_t attr;

	if (!wire.pool) {
		wire.pool = rte_pktmbuf_pool_create_by_ops(
			"sim_frames", FRAMES, 0, RLN_PKT_PRIV, 2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY, "ring_mt_rts");
		assert_non_null(wire.pool);
		pthread_mutex_init(&wire.lock, NULL);
		pthread_condattr_init(&attr);
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		pthread_cond_init(&wire.changed, &attr);
		pthread_cond_init(&wire.wake, &attr);
		for (unsigned q = 0; q < DEVICE_QUEUES; q++) {
			wire.rx[q] = ring("rx", q);
			wire.tx[q] = ring("tx", q);
			assert_true(wire.rx[q] && wire.tx[q]);
		}
		assert_true(rte_eth_from_rings("sim", wire.rx, DEVICE_QUEUES, wire.tx, DEVICE_QUEUES, SOCKET_ID_ANY) >= 0);
	}
	assert_true(queues <= DEVICE_QUEUES);
	wire.queues = queues;
	wire.stop = wire.cut = wire.refuse = false;
	memset(&wire.counts, 0, sizeof(wire.counts));
	assert_int_equal(pthread_create(&wire.thread, NULL, run, NULL), 0);
}

void sim_wire_close(void)
{
	void *m;

	sim_wire_lock();
	wire.stop = true;
	pthread_cond_signal(&wire.wake);
	sim_wire_unlock();
	pthread_join(wire.thread, NULL);
	wire.tasks = NULL;
	for (unsigned q = 0; q < DEVICE_QUEUES; q++) {
		while (rte_ring_dequeue(wire.rx[q], &m) == 0)
			rte_pktmbuf_free(m);
		while (rte_ring_dequeue(wire.tx[q], &m) == 0)
			rte_pktmbuf_free(m);
	}
}
