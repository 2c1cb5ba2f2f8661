/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls at a steady rate from templates: INVITE, wait for 200, ACK, hold, BYE, wait for 200; in between, when a mode asks for it, re-INVITEs
 * that change the direction of the audio. Open loop: the schedule never waits for
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

enum state { FREE, INVITED, HOLDING, REINVITED, BYED };

struct call {
	uint64_t began_ns; /* of the request in progress */
	uint32_t generation;
	uint16_t media, cseq; /* cseq: of the last INVITE */
	uint8_t state;
	bool is_held; /* we asked for it, and the peer agreed or will */
	char to_tag[40];
};

struct due {
	uint64_t at_ns, dead_ns;
	uint32_t slot, generation;
	uint16_t cseq;
	uint8_t state;
};

/* Deadlines of one length, so in order; an entry whose call has moved on means nothing. */
#define QUEUE 131072
struct queue {
	struct due *entry;
	uint32_t head, tail;
};

struct times {
	uint64_t n, max_ns, bucket[BUCKETS];
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
	struct times setup, change;
	struct calls_changes changes;
	void (*on_change)(void *arg, uint32_t slot, uint16_t media);
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

		const struct call *call = &c->call[due->slot];

		if (call->generation == due->generation && call->state == due->state && call->cseq == due->cseq)
			return due;
	}
	return NULL;
}

static void times_add(struct times *t, uint64_t ns)
{
	t->n++;
	t->bucket[RTE_MIN(ns / 16000, (uint64_t)BUCKETS - 1)]++;
	t->max_ns = RTE_MAX(t->max_ns, ns);
}

static uint64_t percentile_us(const struct times *t, double p)
{
	uint64_t want = (uint64_t)(p * (double)t->n), seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		seen += t->bucket[i];
		if (seen > want)
			return (i + 1) * 16;
	}
	return t->max_ns / 1000;
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
			"v=0\r\no=gen 1 %u IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u RTP/AVP 0\r\na=rtpmap:0 "
			"PCMU/8000\r\na=%s\r\n",
			cseq, g->local, g->local, call->media, call->is_held ? "sendonly" : "sendrecv");
	len = snprintf(text, sizeof(text),
		"%s sip:%s@%s:5060 SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bK-%08x-%s%u-%u-%u\r\nFrom: "
		"<sip:gen@%s:5060>;tag=g%u\r\n"
		"To: <sip:%s@%s:5060>%s%s\r\nCall-ID: %08x-%08x@gen%08x\r\nCSeq: %u %s\r\nContact: "
		"<sip:gen@%s:5060>\r\nMax-Forwards: 70\r\n"
		"%sContent-Length: %d\r\n\r\n%.*s",
		method, c->o->user, g->peer, g->local, c->run, branch, cseq, slot, call->generation, g->local, slot, c->o->user,
		g->peer, call->to_tag[0] ? ";tag=" : "", call->to_tag, slot, call->generation, c->run, cseq, method, g->local,
		body ? "Content-Type: application/sdp\r\n" : "", body, body, sdp);
	m = gen_udp(c->g, 5060, 5060, (unsigned)len, &payload);
	if (!m)
		return;
	memcpy(payload, text, (size_t)len);
	gen_finish(m);
	gen_send(c->g, m);
}

/* INVITE, re-INVITE or BYE, whichever the call waits for the answer of. */
static void request_again(struct calls *c, uint32_t slot)
{
	const struct call *call = &c->call[slot];

	if (call->state == BYED)
		request(c, slot, "BYE", call->cseq + 1u, "b");
	else
		request(c, slot, "INVITE", call->cseq, "i");
}

/* Sends it for the first time and arms its retransmission. */
static void ask(struct calls *c, uint32_t slot, enum state state, uint64_t now)
{
	struct call *call = &c->call[slot];

	call->state = (uint8_t)state;
	call->began_ns = now;
	request_again(c, slot);
	queue_push(&c->retry[0], &(struct due){now + T1_NS, now + DEAD_NS, slot, call->generation, call->cseq, (uint8_t)state});
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

	if (!tag || !media) {
		c->unexpected++;
		return;
	}
	tag += 5;
	snprintf(call->to_tag, sizeof(call->to_tag), "%.*s", (int)strcspn(tag, "\r\n;>"), tag);
	request(c, slot, "ACK", 1, "a");
	c->answered++;
	times_add(&c->setup, now - call->began_ns);
	call->state = HOLDING;
	if (c->on_answer)
		c->on_answer(c->arg, slot, (uint16_t)atoi(media + 8));
	else if (c->o->hold_s <= 0)
		ask(c, slot, BYED, now);
	else
		queue_push(&c->hold, &(struct due){now + (uint64_t)(c->o->hold_s * 1e9), 0, slot, call->generation, 1, HOLDING});
}

/* The answer must mirror the direction that we offered (RFC 3264 6.1). */
static bool is_mirrored(const struct call *call, const char *text)
{
	if (call->is_held)
		return strstr(text, "\r\na=recvonly\r\n") != NULL;
	return !strstr(text, "\r\na=recvonly\r\n") && !strstr(text, "\r\na=sendonly\r\n") && !strstr(text, "\r\na=inactive\r\n");
}

/* The final response to our re-INVITE. */
static void changed(struct calls *c, uint32_t slot, unsigned status, const char *text, uint64_t now)
{
	struct call *call = &c->call[slot];

	request(c, slot, "ACK", call->cseq, status == 200 ? "a" : "i");
	call->state = HOLDING;
	if (status != 200) {
		call->is_held = !call->is_held; /* as before */
		c->changes.refused++;
		return;
	}
	c->changes.answered++;
	c->changes.wrong_direction += !is_mirrored(call, text);
	times_add(&c->change, now - call->began_ns);
	if (c->on_change)
		c->on_change(c->arg, slot, call->media);
}

void calls_take(void *arg, const struct gen_datagram *d)
{
	struct calls *c = arg;
	char text[2048];
	const char *id;
	unsigned slot, generation, status, cseq = 0;
	const char *order;
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
	order = strstr(text, "\r\nCSeq: ");
	if (order)
		sscanf(order + 8, "%u", &cseq);
	if (call->state == INVITED && status == 200) {
		answered(c, slot, text, gen_ns(c->g));
	} else if (call->state == INVITED) {
		request(c, slot, "ACK", 1, "i");
		c->refused++;
		end(c, slot);
	} else if (call->state == REINVITED && cseq == call->cseq) {
		changed(c, slot, status, text, gen_ns(c->g));
	} else if (status == 200 && strstr(text, " INVITE\r\n")) {
		request(c, slot, "ACK", cseq, "a"); /* our ACK was lost */
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
			request_again(c, due->slot);
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
	call->cseq = 1;
	call->is_held = false;
	call->to_tag[0] = '\0';
	c->started++;
	c->up++;
	ask(c, slot, INVITED, now);
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

void calls_on_change(struct calls *c, void (*change)(void *arg, uint32_t slot, uint16_t media))
{
	c->on_change = change;
}

bool calls_change(struct calls *c, uint32_t slot, uint64_t now)
{
	struct call *call = &c->call[slot];

	if (call->state != HOLDING)
		return false;
	call->is_held = !call->is_held;
	call->cseq++;
	c->changes.asked++;
	ask(c, slot, REINVITED, now);
	return true;
}

bool calls_is_held(const struct calls *c, uint32_t slot)
{
	return c->call[slot].is_held;
}

struct calls_changes calls_changes(const struct calls *c)
{
	struct calls_changes got = c->changes;

	got.p50_us = percentile_us(&c->change, 0.5);
	got.p99_us = percentile_us(&c->change, 0.99);
	got.max_us = c->change.max_ns / 1000;
	return got;
}

uint64_t calls_retransmitted(const struct calls *c)
{
	return c->retransmitted;
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
		c->skipped, c->up, percentile_us(&c->setup, 0.5), percentile_us(&c->setup, 0.99), percentile_us(&c->setup, 0.999),
		c->setup.max_ns / 1000);
	rc = calls_clean(c) ? 0 : 1;
	calls_free(c);
	return rc;
}
