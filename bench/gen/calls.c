/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls at a steady rate from templates: INVITE, wait for 200, ACK, hold, BYE, wait for 200. Open loop: the schedule never waits for
 * answers. Requests are retransmitted like RFC 3261 timers A and E; a call without answer after 32 s has failed.
 * Prints one JSON line: calls, failures, retransmissions, set-up times in us.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>

#include "bench/gen/calls.h"

#define CALLS_MAX 262144
#define T1_NS     500000000ull
#define RAMP_S    5.0
#define DEAD_NS   32000000000ull
#define BUCKETS   4096 /* of 16 us: set-up times up to 65 ms, the last one is open */

enum state { FREE, INVITED, HOLDING, BYED };

struct call {
	uint64_t began_ns; /* of the request in progress */
	uint32_t generation;
	uint16_t media;
	uint8_t state;
	char to_tag[40];
};

struct due {
	uint64_t at_ns, dead_ns;
	uint32_t slot, generation;
	uint8_t state;
};

/* Deadlines of one length, so in order; an entry whose call has moved on means nothing. */
#define QUEUE 131072
struct queue {
	struct due *entry;
	uint32_t head, tail;
};

struct calls {
	struct gen *g;
	const struct gen_options *o;
	struct call *call;
	uint32_t *free;
	uint32_t free_n, up;
	uint32_t run;                /* tells this run's Call-IDs and branches from those of an earlier one */
	struct queue hold, retry[4]; /* retry[k]: waits T1 << k, the last one for ever (timer E's T2) */
	uint64_t started, answered, done, failed, refused, retransmitted, unexpected, skipped;
	uint64_t setup[BUCKETS], setup_max_ns;
	void (*on_answer)(void *arg, uint32_t slot, uint16_t media);
	void *arg;
};

static void queue_push(struct queue *q, const struct due *due)
{
	q->entry[q->tail++ % QUEUE] = *due;
}

/* The next entry that is due and still means its call; NULL when there is none. */
static struct due *queue_due(struct calls *c, struct queue *q, uint64_t now)
{
	while (q->head != q->tail && q->entry[q->head % QUEUE].at_ns <= now) {
		struct due *due = &q->entry[q->head++ % QUEUE];

		if (c->call[due->slot].generation == due->generation && c->call[due->slot].state == due->state)
			return due;
	}
	return NULL;
}

static void request(struct calls *c, uint32_t slot, const char *method, unsigned cseq, const char *branch)
{
	const struct call *call = &c->call[slot];
	const struct gen *g = c->g;
	char text[1400], sdp[300], *payload;
	int body = 0, len;
	struct rte_mbuf *m;

	if (method[0] == 'I')
		body = snprintf(sdp, sizeof(sdp),
			"v=0\r\no=gen 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u RTP/AVP 0\r\na=rtpmap:0 "
			"PCMU/8000\r\n",
			g->local, g->local, call->media);
	len = snprintf(text, sizeof(text),
		"%s sip:%s@%s:5060 SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bK-%08x-%s-%u-%u\r\nFrom: "
		"<sip:gen@%s:5060>;tag=g%u\r\n"
		"To: <sip:%s@%s:5060>%s%s\r\nCall-ID: %08x-%08x@gen%08x\r\nCSeq: %u %s\r\nContact: "
		"<sip:gen@%s:5060>\r\nMax-Forwards: 70\r\n"
		"%sContent-Length: %d\r\n\r\n%.*s",
		method, c->o->user, g->peer, g->local, c->run, branch, slot, call->generation, g->local, slot, c->o->user,
		g->peer, call->to_tag[0] ? ";tag=" : "", call->to_tag, slot, call->generation, c->run, cseq, method, g->local,
		body ? "Content-Type: application/sdp\r\n" : "", body, body, sdp);
	m = gen_udp(c->g, 5060, 5060, (unsigned)len, &payload);
	if (!m)
		return;
	memcpy(payload, text, (size_t)len);
	gen_finish(m);
	gen_send(c->g, m);
}

/* Sends INVITE or BYE for the first time and arms its retransmission. */
static void ask(struct calls *c, uint32_t slot, enum state state, uint64_t now)
{
	struct call *call = &c->call[slot];

	call->state = (uint8_t)state;
	call->began_ns = now;
	request(c, slot, state == INVITED ? "INVITE" : "BYE", state == INVITED ? 1 : 2, state == INVITED ? "i" : "b");
	queue_push(&c->retry[0], &(struct due){now + T1_NS, now + DEAD_NS, slot, call->generation, (uint8_t)state});
}

static void end(struct calls *c, uint32_t slot)
{
	c->call[slot].state = FREE;
	c->call[slot].generation++;
	c->free[c->free_n++] = slot;
	c->up--;
}

static void answered(struct calls *c, uint32_t slot, const char *text, uint64_t now)
{
	struct call *call = &c->call[slot];
	const char *to = strstr(text, "\r\nTo:"), *tag = to ? strstr(to, ";tag=") : NULL, *media = strstr(text, "m=audio ");
	uint64_t took = now - call->began_ns;

	if (!tag || !media) {
		c->unexpected++;
		return;
	}
	tag += 5;
	snprintf(call->to_tag, sizeof(call->to_tag), "%.*s", (int)strcspn(tag, "\r\n;>"), tag);
	request(c, slot, "ACK", 1, "a");
	c->answered++;
	c->setup[RTE_MIN(took / 16000, (uint64_t)BUCKETS - 1)]++;
	c->setup_max_ns = RTE_MAX(c->setup_max_ns, took);
	call->state = HOLDING;
	if (c->on_answer)
		c->on_answer(c->arg, slot, (uint16_t)atoi(media + 8));
	else if (c->o->hold_s <= 0)
		ask(c, slot, BYED, now);
	else
		queue_push(&c->hold, &(struct due){now + (uint64_t)(c->o->hold_s * 1e9), 0, slot, call->generation, HOLDING});
}

void calls_take(void *arg, const struct gen_datagram *d)
{
	struct calls *c = arg;
	char text[2048];
	const char *id;
	unsigned slot, generation, status;
	struct call *call;

	if (d->dst != 5060 || d->len >= sizeof(text))
		return;
	memcpy(text, d->payload, d->len);
	text[d->len] = '\0';
	id = strstr(text, "\r\nCall-ID: ");
	if (sscanf(text, "SIP/2.0 %u", &status) != 1 || !id || sscanf(id + 11, "%8x-%8x@gen", &slot, &generation) != 2 ||
		slot >= CALLS_MAX) {
		c->unexpected++;
		return;
	}
	call = &c->call[slot];
	if (status < 200 || generation != call->generation)
		return; /* a provisional, or an answer that came twice */
	if (call->state == INVITED && status == 200) {
		answered(c, slot, text, gen_ns(c->g));
	} else if (call->state == INVITED) {
		request(c, slot, "ACK", 1, "i");
		c->refused++;
		end(c, slot);
	} else if (status == 200 && strstr(text, " INVITE\r\n")) {
		request(c, slot, "ACK", 1, "a"); /* our ACK was lost */
	} else if (call->state == BYED && strstr(text, " BYE\r\n")) {
		if (status == 200)
			c->done++;
		else
			c->refused++;
		end(c, slot);
	}
}

static void retries(struct calls *c, uint64_t now)
{
	struct due *due;

	for (unsigned k = 0; k < RTE_DIM(c->retry); k++) {
		while ((due = queue_due(c, &c->retry[k], now))) {
			unsigned next = RTE_MIN(k + 1, (unsigned)RTE_DIM(c->retry) - 1);

			if (now >= due->dead_ns) {
				c->failed++;
				end(c, due->slot);
				continue;
			}
			c->retransmitted++;
			request(c, due->slot, due->state == INVITED ? "INVITE" : "BYE", due->state == INVITED ? 1 : 2,
				due->state == INVITED ? "i" : "b");
			due->at_ns = now + (T1_NS << next);
			queue_push(&c->retry[next], due);
		}
	}
}

void calls_start(struct calls *c, uint64_t now, uint16_t media)
{
	uint32_t slot;
	struct call *call;

	if (c->free_n == 0) {
		c->skipped++;
		return;
	}
	slot = c->free[--c->free_n];
	call = &c->call[slot];
	call->media = media;
	call->to_tag[0] = '\0';
	c->started++;
	c->up++;
	ask(c, slot, INVITED, now);
}

static uint64_t percentile_us(const struct calls *c, double p)
{
	uint64_t want = (uint64_t)(p * (double)c->answered), seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		seen += c->setup[i];
		if (seen > want)
			return (i + 1) * 16;
	}
	return c->setup_max_ns / 1000;
}

struct calls *calls_new(struct gen *g, const struct gen_options *o)
{
	struct calls *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->g = g;
	c->o = o;
	c->run = (uint32_t)gen_ns(g) ^ (uint32_t)getpid();
	c->call = calloc(CALLS_MAX, sizeof(*c->call));
	c->free = calloc(CALLS_MAX, sizeof(*c->free));
	c->hold.entry = calloc(QUEUE, sizeof(struct due));
	for (unsigned k = 0; k < RTE_DIM(c->retry); k++)
		c->retry[k].entry = calloc(QUEUE, sizeof(struct due));
	if (!c->call || !c->free || !c->hold.entry || !c->retry[0].entry || !c->retry[1].entry || !c->retry[2].entry ||
		!c->retry[3].entry) {
		calls_free(c);
		return NULL;
	}
	for (uint32_t slot = CALLS_MAX - 1; slot > 0; slot--)
		c->free[c->free_n++] = slot;
	return c;
}

void calls_free(struct calls *c)
{
	free(c->call);
	free(c->free);
	free(c->hold.entry);
	for (unsigned k = 0; k < RTE_DIM(c->retry); k++)
		free(c->retry[k].entry);
	free(c);
}

void calls_on_answer(struct calls *c, void (*answer)(void *arg, uint32_t slot, uint16_t media), void *arg)
{
	c->on_answer = answer;
	c->arg = arg;
}

void calls_step(struct calls *c, uint64_t now)
{
	struct due *due;

	while ((due = queue_due(c, &c->hold, now)))
		calls_hangup(c, due->slot, now);
	retries(c, now);
}

void calls_hangup(struct calls *c, uint32_t slot, uint64_t now)
{
	if (c->call[slot].state == HOLDING)
		ask(c, slot, BYED, now);
}

uint32_t calls_up(const struct calls *c)
{
	return c->up;
}

uint64_t calls_answered(const struct calls *c)
{
	return c->answered;
}

bool calls_clean(const struct calls *c)
{
	return !c->failed && !c->refused && !c->skipped && !c->up;
}

/* Calls that should have begun after `t` s: a ramp of RAMP_S to the full rate, which then holds. */
static uint64_t calls_due(double t, double rate)
{
	return (uint64_t)(t < RAMP_S ? rate * t * t / (2 * RAMP_S) : rate * (t - RAMP_S / 2));
}

int gen_calls(struct gen *g, const struct gen_options *o)
{
	struct calls *c = calls_new(g, o);
	uint64_t began, now, last_ns, sent = 0;
	unsigned got;
	int rc;

	if (!c)
		return 1;
	began = now = gen_ns(g);
	last_ns = began + (uint64_t)(o->seconds * 1e9);
	while (now < last_ns || (c->up && now < last_ns + DEAD_NS + T1_NS)) {
		while (now < last_ns && sent < calls_due((double)(now - began) / 1e9, o->rate))
			calls_start(c, now, (uint16_t)(20000 + sent++ % 20000 * 2));
		got = gen_poll(g, calls_take, c);
		calls_step(c, now);
		gen_flush(g);
		if (!got)
			sched_yield(); /* on two CPUs somebody shares ours */
		now = gen_ns(g);
	}
	printf("{\"mode\":\"calls\",\"rate\":%.0f,\"seconds\":%.1f,\"started\":%lu,\"answered\":%lu,\"done\":%lu,\"failed\":%lu,"
	       "\"refused\":%lu,"
	       "\"retransmitted\":%lu,\"unexpected\":%lu,\"skipped\":%lu,\"open\":%u,\"setup_us\":{\"p50\":%lu,\"p99\":%lu,"
	       "\"p999\":%lu,\"max\":%lu}}\n",
		o->rate, o->seconds, c->started, c->answered, c->done, c->failed, c->refused, c->retransmitted, c->unexpected,
		c->skipped, c->up, percentile_us(c, 0.5), percentile_us(c, 0.99), percentile_us(c, 0.999),
		c->setup_max_ns / 1000);
	rc = calls_clean(c) ? 0 : 1;
	calls_free(c);
	return rc;
}
