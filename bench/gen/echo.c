/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * G.711 streams to a peer that sends them back: every leg is set up by a real call (or, with --raw, by nobody: the peer turns any frame
 * round, as testpmd's 5tswap does), then RTP goes out round robin at a steady rate, or as fast as the device takes it. Each packet that comes
 * back is accounted to its leg. Prints one JSON line.
 *
 * Churn: meanwhile re-INVITEs hold a call and resume the one that was held a second ago, in turn, at a steady rate. A leg sends nothing from
 * its hold to a moment after the answer of its resume, so that every packet that is sent must come back here too.
 */
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "bench/gen/calls.h"

#define RTP_BYTES  172 /* 12 + 160 */
#define BURST      32
#define PORT0      10000
#define SETTLE_NS  2000000000ull
#define HELD_S     1.0
#define RESUMED_NS 40000000u /* two frames: the worker has the answer's direction by then */

struct leg {
	uint32_t slot, sent, received;
	uint16_t remote, seq;
	uint64_t quiet_ns; /* sends nothing before that */
};

struct echo {
	struct gen *g;
	struct calls *calls;
	struct leg *leg;
	unsigned legs_n;
	uint64_t sent, received, foreign, unsent;
	double churn;         /* re-INVITEs a second */
	uint64_t steps, late; /* late: its turn came while an earlier re-INVITE of the call was open */
	char frame[2048];
	unsigned frame_len;
	uint32_t sum0; /* UDP checksum of the template without ports, sequence and timestamp */
};

struct rtp {
	uint8_t vpxcc, mpt;
	uint16_t seq;
	uint32_t ts, ssrc;
};

static void answer(void *arg, uint32_t slot, uint16_t media)
{
	struct echo *e = arg;
	struct leg *leg = &e->leg[calls_answered(e->calls) - 1]; /* set_up() has one call open at a time */

	leg->slot = slot;
	leg->remote = media;
}

static void change_answered(void *arg, uint32_t slot, uint16_t media)
{
	struct echo *e = arg;

	if (!calls_is_held(e->calls, slot))
		e->leg[(unsigned)(media - PORT0) / 2].quiet_ns = gen_ns(e->g) + RESUMED_NS;
}

static void change(struct echo *e, struct leg *leg, bool hold, uint64_t now)
{
	if (calls_is_held(e->calls, leg->slot) == hold || !calls_change(e->calls, leg->slot, now))
		e->late++;
	else if (hold)
		leg->quiet_ns = UINT64_MAX;
}

/* The re-INVITEs that fell due since `began`: a hold, then the resume of the leg that was held HELD_S ago. */
static void churn(struct echo *e, uint64_t began, uint64_t now)
{
	uint64_t due = (uint64_t)((double)(now - began) / 1e9 * e->churn);
	uint64_t apart = RTE_MIN((uint64_t)(e->churn / 2 * HELD_S), (uint64_t)e->legs_n / 2);

	for (; e->steps < due; e->steps++) {
		uint64_t turn = e->steps / 2;

		if (e->steps % 2 == 0)
			change(e, &e->leg[turn % e->legs_n], true, now);
		else if (turn >= apart)
			change(e, &e->leg[(turn - apart) % e->legs_n], false, now);
	}
}

/* Our own audio, not the silence that a leg sends until the first packet comes. */
static bool is_ours(const char *rtp)
{
	return rtp[RTP_BYTES - 1] == (char)((RTP_BYTES - 1) * 37);
}

static void take(void *arg, const struct gen_datagram *d)
{
	struct echo *e = arg;
	unsigned leg = (unsigned)(d->dst - PORT0) / 2;

	if (d->dst == 5060) {
		calls_take(e->calls, d);
	} else if (d->dst >= PORT0 && leg < e->legs_n && d->len == RTP_BYTES && is_ours(d->payload)) {
		e->leg[leg].received++;
		e->received++;
	} else {
		e->foreign++; /* RTCP, silence before the first packet */
	}
}

static uint32_t sum16(const void *data, unsigned len)
{
	const uint16_t *w = data;
	uint32_t sum = 0;

	for (unsigned i = 0; i < len / 2; i++)
		sum += w[i];
	return sum;
}

static int make_template(struct echo *e)
{
	char *payload;
	struct rte_mbuf *m = gen_udp(e->g, 0, 0, RTP_BYTES, &payload);
	struct rtp *rtp = (struct rtp *)payload;
	struct rte_ipv4_hdr *ip;

	if (!m)
		return -1;
	for (unsigned i = 0; i < RTP_BYTES; i++)
		payload[i] = (char)(i * 37);
	*rtp = (struct rtp){.vpxcc = 0x80, .mpt = 0, .ssrc = htonl(0x52494e47)};
	e->frame_len = m->data_len;
	memcpy(e->frame, rte_pktmbuf_mtod(m, void *), e->frame_len);
	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	e->sum0 = rte_ipv4_phdr_cksum(ip, 0) + sum16(ip + 1, 8 + RTP_BYTES);
	rte_pktmbuf_free(m);
	return 0;
}

static inline void fill(struct echo *e, struct rte_mbuf *m, struct leg *leg, unsigned index)
{
	char *frame = rte_pktmbuf_mtod(m, char *);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(frame + 34);
	struct rtp *rtp = (struct rtp *)(udp + 1);
	uint32_t sum;

	memcpy(frame, e->frame, e->frame_len);
	m->data_len = (uint16_t)e->frame_len;
	m->pkt_len = e->frame_len;
	udp->src_port = htons((uint16_t)(PORT0 + 2 * index));
	udp->dst_port = htons(leg->remote);
	rtp->seq = htons(leg->seq);
	rtp->ts = htonl(leg->sent * 160u);
	leg->seq++;
	leg->sent++;
	sum = e->sum0 + udp->src_port + udp->dst_port + rtp->seq + (rtp->ts & 0xffff) + (rtp->ts >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	udp->dgram_cksum = (uint16_t)~sum ? (uint16_t)~sum : 0xffff;
}

/* Packets of the next `slots` legs; those that are quiet let theirs pass. Returns how many there are. */
static unsigned gather(struct echo *e, struct rte_mbuf **m, unsigned slots, unsigned *next, uint64_t now)
{
	unsigned n = 0;

	if (slots == 0 || rte_pktmbuf_alloc_bulk(e->g->pool, m, slots) != 0)
		return 0;
	for (unsigned i = 0; i < slots; i++, *next = *next + 1 == e->legs_n ? 0 : *next + 1) {
		if (e->leg[*next].quiet_ns <= now)
			fill(e, m[n++], &e->leg[*next], *next);
	}
	if (n < slots)
		rte_pktmbuf_free_bulk(m + n, slots - n);
	return n;
}

/* Receives, and moves the calls on. False when there was nothing. */
static bool serve(struct echo *e, uint64_t now)
{
	bool found = gen_poll(e->g, take, e) != 0;

	if (e->calls)
		calls_step(e->calls, now);
	gen_flush(e->g);
	return found;
}

/* Packets until `until`; rate 0 = as fast as they are taken. What the device refuses is not counted as sent. */
static void stream(struct echo *e, const struct gen_options *o, uint64_t began, uint64_t until)
{
	struct rte_mbuf *m[BURST];
	unsigned have = 0, next = 0;
	uint64_t now = began, out = 0;

	while (now < until) {
		unsigned quota = BURST;

		if (o->rate > 0 || o->is_silent)
			quota = (unsigned)RTE_MIN((uint64_t)((double)(now - began) / 1e9 * o->rate) - out, (uint64_t)BURST);
		if (have == 0) {
			have = gather(e, m, quota, &next, now);
			out += quota;
		}
		if (have) {
			unsigned sent = rte_eth_tx_burst(e->g->port, 0, m, (uint16_t)have);

			e->sent += sent;
			have -= sent;
			memmove(m, m + sent, have * sizeof(m[0]));
		}
		if (e->churn > 0)
			churn(e, began, now);
		if (!serve(e, now) && e->churn > 0 && quota == 0)
			sched_yield(); /* on two CPUs the control lcore shares ours */
		now = gen_ns(e->g);
	}
	e->unsent = have;
	rte_pktmbuf_free_bulk(m, have);
}

/* `legs` calls, one after another. */
static int set_up(struct echo *e, const struct gen_options *o)
{
	uint64_t now = gen_ns(e->g), began = now;
	unsigned started = 0;

	e->calls = calls_new(e->g, o);
	if (!e->calls)
		return -1;
	calls_on_answer(e->calls, answer, e);
	calls_on_change(e->calls, change_answered);
	while (calls_answered(e->calls) < o->legs && now - began < 60000000000ull) {
		if (started == calls_answered(e->calls))
			calls_start(e->calls, now, (uint16_t)(PORT0 + 2 * started++));
		gen_flush(e->g);
		serve(e, now);
		now = gen_ns(e->g);
	}
	return calls_answered(e->calls) == o->legs ? 0 : -1;
}

static void hang_up(struct echo *e)
{
	uint64_t now = gen_ns(e->g), began = now;

	for (unsigned i = 0; i < e->legs_n; i++) {
		uint64_t pause = now + 200000; /* 5,000 a second */

		calls_hangup(e->calls, e->leg[i].slot, now);
		while (now < pause) {
			serve(e, now);
			now = gen_ns(e->g);
		}
	}
	while (calls_up(e->calls) && now - began < 60000000000ull) {
		serve(e, now);
		now = gen_ns(e->g);
	}
}

static void report_churn(const struct echo *e)
{
	struct calls_changes c = calls_changes(e->calls);

	printf("\"reinvites\":%lu,\"reinvites_answered\":%lu,\"reinvites_refused\":%lu,\"reinvites_late\":%lu,\"wrong_"
	       "direction\":%lu,"
	       "\"retransmitted\":%lu,\"change_us\":{\"p50\":%lu,\"p99\":%lu,\"max\":%lu},",
		c.asked, c.answered, c.refused, e->late, c.wrong_direction, calls_retransmitted(e->calls), c.p50_us, c.p99_us,
		c.max_us);
}

/* Whoever measures the peer meanwhile is told when to begin and when to end. */
static void tell(const struct gen_options *o, const char *what)
{
	if (o->churn > 0) {
		puts(what);
		fflush(stdout);
	}
}

int gen_echo(struct gen *g, const struct gen_options *o)
{
	struct echo e = {.g = g, .legs_n = o->legs, .churn = o->churn};
	uint64_t began, ended, hurt = 0;
	bool clean = true;

	e.leg = calloc(o->legs, sizeof(*e.leg));
	if (!e.leg || make_template(&e) != 0)
		return 1;
	if (o->raw) {
		for (unsigned i = 0; i < e.legs_n; i++)
			e.leg[i].remote = (uint16_t)(PORT0 + 2 * i);
	} else if (set_up(&e, o) != 0) {
		fprintf(stderr, "gen: %lu of %u calls answered\n", calls_answered(e.calls), o->legs);
		return 1;
	}
	tell(o, "churn begins");
	began = gen_ns(g);
	stream(&e, o, began, began + (uint64_t)(o->seconds * 1e9));
	ended = gen_ns(g);
	tell(o, "churn ends");
	for (uint64_t now = ended; now < ended + SETTLE_NS; now = gen_ns(g))
		serve(&e, now);
	for (unsigned i = 0; i < e.legs_n; i++)
		hurt += e.leg[i].received < e.leg[i].sent;
	if (e.calls) {
		hang_up(&e);
		clean = calls_clean(e.calls);
	}
	printf("{\"mode\":\"%s\",\"legs\":%u,\"seconds\":%.3f,\"sent\":%lu,\"received\":%lu,\"lost\":%ld,\"legs_with_loss\":%lu,"
	       "\"sent_pps\":%.0f,"
	       "\"received_pps\":%.0f,\"foreign\":%lu,",
		o->raw ? "raw" : o->mode, o->legs, (double)(ended - began) / 1e9, e.sent, e.received, (long)(e.sent - e.received),
		hurt, (double)e.sent * 1e9 / (double)(ended - began), (double)e.received * 1e9 / (double)(ended - began),
		e.foreign);
	if (e.churn > 0)
		report_churn(&e);
	printf("\"calls_clean\":%s}\n", clean ? "true" : "false");
	if (e.calls)
		calls_free(e.calls);
	free(e.leg);
	return clean ? 0 : 1;
}
