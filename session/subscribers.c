/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Subscribers (subscribers.h). Each has an SP/SC ring of events from control to its reader and one of block references back.
 * The eventfd is written only when the reader found its ring empty before (`armed`), so a busy reader costs no system call.
 *
 * Ending without waiting: both sides set their bit in `gone`, and the one that finds the other's bit set frees. The control
 * lcore learns of a destroyed subscriber when it next delivers to it or walks past it. New subscribers hang in a lock-free list
 * that control takes as a whole.
 */
#include "session/subscribers.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/log.h"

#define GONE_APP     1u
#define GONE_CONTROL 2u
#define WALK         64u /* slots that housekeeping looks at in a turn */

struct rln_sub {
	/* constant, but for cfg.peer, which control alone looks at */
	struct rln_sub_cfg cfg;
	int fd;
	uint32_t mask;
	struct rln_event *ring;
	rln_block_ref *back;
	struct rln_sub *next; /* application until linked, then control */
	/* writer: control */
	uint64_t lost __attribute__((aligned(64)));
	uint32_t head, back_tail;
	uint32_t ended;
	/* writer: the application's thread */
	uint32_t tail __attribute__((aligned(64)));
	uint32_t back_head;
	/* both */
	uint32_t armed __attribute__((aligned(64))); /* the reader found nothing: ring the bell at the next event */
	uint32_t gone;
};

struct place {                /* what subscribers need to know of a session slot */
	uint64_t session;     /* whose events pass now */
	struct rln_sub *subs; /* SESSION subscribers, of this session or of the slot's next ones */
	uint32_t closed;      /* generation of the last session that was closed */
	uint16_t peer;
};

struct rln_subs { /* owner: control lcore, but for `added` */
	struct rln_sub *added;
	struct rln_sub *wide; /* ALL and PEER */
	struct place *places;
	uint32_t sessions, walk;
	uint32_t in_use;
	uint32_t narrow; /* of them, those of one session: none, and there is nothing to walk */
};

/* ---- application side ---- */

static void free_sub(struct rln_sub *sub)
{
	for (uint32_t i = sub->tail; i != sub->head; i++)
		rln_block_release(rln_event_block(&sub->ring[i & sub->mask]));
	for (uint32_t i = sub->back_tail; i != sub->back_head; i++)
		rln_block_release(sub->back[i & sub->mask]);
	if (sub->fd >= 0)
		close(sub->fd);
	rln_free(sub->back);
	rln_free(sub->ring);
	rln_free(sub);
}

int rln_sub_create(struct rln_sub **out, struct rln_subs *subs, const struct rln_sub_cfg *cfg)
{
	uint32_t events = cfg->events ? cfg->events : cfg->filter == RLN_SUB_SESSION ? 64 : 4096;
	struct rln_sub *sub;
	int rc = -ENOMEM;

	if (events & (events - 1) || cfg->filter > RLN_SUB_SESSION ||
		(cfg->filter == RLN_SUB_SESSION && rln_id_slot(cfg->session.v) >= subs->sessions))
		return -EINVAL;
	sub = rln_alloc_aligned(64, sizeof(*sub));
	if (!sub)
		return -ENOMEM;
	memset(sub, 0, sizeof(*sub));
	sub->cfg = *cfg;
	sub->mask = events - 1;
	sub->armed = 1;
	sub->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (sub->fd < 0) {
		rc = -errno;
		goto out;
	}
	sub->ring = rln_alloc(sizeof(*sub->ring) * events);
	sub->back = rln_alloc(sizeof(*sub->back) * events);
	if (!sub->ring || !sub->back)
		goto out;
	*out = sub;
	sub->next = __atomic_load_n(&subs->added, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&subs->added, &sub->next, sub, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	return 0;
out:
	free_sub(sub);
	return rc;
}

void rln_sub_destroy(struct rln_sub *sub)
{
	if (sub && (__atomic_fetch_or(&sub->gone, GONE_APP, __ATOMIC_ACQ_REL) & GONE_CONTROL))
		free_sub(sub);
}

static bool take(struct rln_sub *sub, struct rln_event *ev)
{
	if (__atomic_load_n(&sub->head, __ATOMIC_SEQ_CST) == sub->tail)
		return false;
	*ev = sub->ring[sub->tail & sub->mask];
	__atomic_store_n(&sub->tail, sub->tail + 1, __ATOMIC_RELEASE);
	return true;
}

/* Before the ring is looked at for the last time: the next event will ring the bell. */
static void arm(struct rln_sub *sub)
{
	uint64_t rung;

	if (__atomic_load_n(&sub->armed, __ATOMIC_RELAXED))
		return;
	if (read(sub->fd, &rung, sizeof(rung)) < 0 && errno != EAGAIN)
		rln_log(RLN_LOG_WARNING, 0, "subscriber's eventfd: %d", errno);
	__atomic_store_n(&sub->armed, 1, __ATOMIC_SEQ_CST);
}

int rln_sub_pop(struct rln_sub *sub, struct rln_event *ev)
{
	bool ended;

	if (take(sub, ev))
		return 1;
	arm(sub);
	ended = __atomic_load_n(&sub->ended, __ATOMIC_ACQUIRE);
	if (take(sub, ev))
		return 1;
	return ended ? -EPIPE : 0;
}

static int64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int rln_sub_wait(struct rln_sub *sub, int timeout_ms)
{
	int64_t end = timeout_ms < 0 ? 0 : monotonic_ms() + timeout_ms;

	for (;;) {
		struct pollfd p = {.fd = sub->fd, .events = POLLIN};
		int64_t left = timeout_ms < 0 ? -1 : end - monotonic_ms();
		bool ended;

		if (__atomic_load_n(&sub->head, __ATOMIC_SEQ_CST) != sub->tail)
			return 1;
		arm(sub);
		ended = __atomic_load_n(&sub->ended, __ATOMIC_ACQUIRE);
		if (__atomic_load_n(&sub->head, __ATOMIC_SEQ_CST) != sub->tail)
			return 1;
		if (ended)
			return -EPIPE;
		if (timeout_ms >= 0 && left <= 0)
			return 0;
		poll(&p, 1, (int)left); /* woken, timed out or interrupted: the loop looks again */
	}
}

int rln_sub_fd(const struct rln_sub *sub)
{
	return sub->fd;
}

void rln_sub_give_back(struct rln_sub *sub, struct rln_event *ev)
{
	rln_block_ref block = rln_event_block(ev);

	if (block == 0)
		return;
	ev->sdp_event.block = 0; /* the first member of every payload with a block */
	if (sub->back_head - __atomic_load_n(&sub->back_tail, __ATOMIC_ACQUIRE) > sub->mask) {
		rln_block_release(block); /* more than a ring's worth was held back; we are its one owner */
		return;
	}
	sub->back[sub->back_head & sub->mask] = block;
	__atomic_store_n(&sub->back_head, sub->back_head + 1, __ATOMIC_RELEASE);
}

const char *rln_sub_text(const struct rln_event *ev, struct rln_slice slice, size_t *len)
{
	rln_block_ref block = rln_event_block(ev);

	if (len)
		*len = block ? slice.len : 0;
	return block ? rln_slice_text(block, slice) : "";
}

uint64_t rln_sub_lost(const struct rln_sub *sub)
{
	return __atomic_load_n(&sub->lost, __ATOMIC_RELAXED);
}

/* ---- coordinator's side ---- */

int rln_subs_create(struct rln_subs **out, uint32_t sessions)
{
	struct rln_subs *subs = rln_zalloc(sizeof(*subs));

	if (!subs)
		return -ENOMEM;
	subs->sessions = sessions;
	subs->places = rln_zalloc(sizeof(*subs->places) * sessions);
	if (!subs->places) {
		rln_free(subs);
		return -ENOMEM;
	}
	*out = subs;
	return 0;
}

static void ring_bell(struct rln_sub *sub)
{
	const uint64_t one = 1;

	if (__atomic_exchange_n(&sub->armed, 0, __ATOMIC_SEQ_CST) && write(sub->fd, &one, sizeof(one)) < 0)
		rln_log(RLN_LOG_WARNING, 0, "subscriber's eventfd: %d", errno);
}

static unsigned take_back(struct rln_sub *sub)
{
	uint32_t head = __atomic_load_n(&sub->back_head, __ATOMIC_ACQUIRE);
	unsigned n = 0;

	for (; sub->back_tail != head; n++) {
		rln_block_release(sub->back[sub->back_tail & sub->mask]);
		__atomic_store_n(&sub->back_tail, sub->back_tail + 1, __ATOMIC_RELEASE);
	}
	return n;
}

/* Control's last touch; the reader finds the end, or has gone already. */
static void let_go(struct rln_subs *subs, struct rln_sub *sub)
{
	subs->narrow -= sub->cfg.filter == RLN_SUB_SESSION;
	__atomic_store_n(&subs->in_use, subs->in_use - 1, __ATOMIC_RELAXED);
	__atomic_store_n(&sub->ended, 1, __ATOMIC_RELEASE);
	ring_bell(sub);
	if (__atomic_fetch_or(&sub->gone, GONE_CONTROL, __ATOMIC_ACQ_REL) & GONE_APP)
		free_sub(sub);
}

static bool is_gone(const struct rln_sub *sub)
{
	return __atomic_load_n(&sub->gone, __ATOMIC_ACQUIRE) & GONE_APP;
}

static struct place *place_of(struct rln_subs *subs, struct rln_session_id session)
{
	uint32_t slot = rln_id_slot(session.v);

	return slot < subs->sessions ? &subs->places[slot] : NULL;
}

/* Was this session, or a later one of its slot, closed already? Generations wrap. */
static bool is_past(const struct place *p, struct rln_session_id session)
{
	return p->closed && (int32_t)(rln_id_generation(session.v) - p->closed) <= 0;
}

void rln_subs_link(struct rln_subs *subs)
{
	struct rln_sub *list, *sub;

	if (__atomic_load_n(&subs->added, __ATOMIC_RELAXED) == NULL)
		return;
	list = __atomic_exchange_n(&subs->added, NULL, __ATOMIC_ACQUIRE);
	while ((sub = list)) {
		struct rln_sub **head = &subs->wide;
		struct place *p = NULL;

		list = sub->next;
		__atomic_store_n(&subs->in_use, subs->in_use + 1, __ATOMIC_RELAXED);
		if (sub->cfg.filter == RLN_SUB_SESSION) {
			subs->narrow++;
			p = place_of(subs, sub->cfg.session);
			head = &p->subs;
		}
		if (p && is_past(p, sub->cfg.session)) {
			let_go(subs, sub);
			continue;
		}
		sub->next = *head;
		*head = sub;
	}
}

void rln_sub_set_peer(struct rln_sub *sub, unsigned peer)
{
	sub->cfg.peer = peer;
}

void rln_subs_open(struct rln_subs *subs, struct rln_session_id session, unsigned peer)
{
	struct place *p = place_of(subs, session);

	p->session = session.v;
	p->peer = (uint16_t)peer;
}

/* Walks a list, ends those that `session` names (0: none) and those whose reader has gone. Returns what it did. */
static unsigned sweep(struct rln_subs *subs, struct rln_sub **at, uint64_t session)
{
	unsigned n = 0;

	while (*at) {
		struct rln_sub *sub = *at;

		n += take_back(sub);
		if (is_gone(sub) || (session && sub->cfg.session.v == session)) {
			*at = sub->next;
			let_go(subs, sub);
			n++;
		} else {
			at = &sub->next;
		}
	}
	return n;
}

void rln_subs_close(struct rln_subs *subs, struct rln_session_id session)
{
	struct place *p = place_of(subs, session);

	rln_subs_link(subs);
	p->session = 0;
	p->closed = rln_id_generation(session.v);
	sweep(subs, &p->subs, session.v);
}

/* How many slices stand behind the block reference of a payload. */
static unsigned slices_of(const struct rln_event *ev)
{
	switch ((int)ev->kind) {
	case RLN_EV_INCOMING_CALL:
		return 5;
	case RLN_EV_TRANSFER_REQUESTED:
		return 3;
	case RLN_EV_CALL_STATE_CHANGED:
		return 2;
	default:
		return 1;
	}
}

/* Where they stand: behind the block reference, in an envelope behind the one of the payload inside. */
static size_t slices_at(const struct rln_event *ev)
{
	size_t at = ev->kind == RLN_EV_MEDIA_EVENT ? offsetof(struct rln_ev_media_event, raw) : 0;

	return at + sizeof(rln_block_ref);
}

/* The event with a block of its own, which holds just the texts; without them when no block is left. */
static void copy_out(struct rln_event *to, const struct rln_event *from)
{
	struct rln_slice slice[5];
	unsigned n = slices_of(from), i;
	uint8_t *slices = to->raw + slices_at(from);
	size_t size = 0, at = 0;
	rln_block_ref block;
	char *data;

	*to = *from;
	if (rln_event_block(from) == 0)
		return;
	memcpy(slice, slices, n * sizeof(slice[0]));
	for (i = 0; i < n; i++)
		size += slice[i].len + 1u;
	block = rln_block_alloc(size);
	data = rln_block_data(block);
	for (i = 0; i < n; i++) {
		const char *text = rln_slice_text(rln_event_block(from), slice[i]);

		if (!data || slice[i].len == 0) {
			slice[i] = (struct rln_slice){0, 0};
			continue;
		}
		memcpy(data + at, text, slice[i].len);
		data[at + slice[i].len] = '\0';
		slice[i].off = (uint16_t)at;
		at += slice[i].len + 1u;
	}
	memcpy(to->raw, &block, sizeof(block));
	memcpy(slices, slice, n * sizeof(slice[0]));
}

static void push(struct rln_sub *sub, const struct rln_event *ev)
{
	take_back(sub);
	if (sub->head - __atomic_load_n(&sub->tail, __ATOMIC_ACQUIRE) > sub->mask) {
		__atomic_store_n(&sub->lost, sub->lost + 1, __ATOMIC_RELAXED);
		rln_count(RLN_C_APP_EVENTS_LOST);
		return;
	}
	copy_out(&sub->ring[sub->head & sub->mask], ev);
	__atomic_store_n(&sub->head, sub->head + 1, __ATOMIC_SEQ_CST);
	ring_bell(sub);
}

void rln_subs_deliver(struct rln_subs *subs, const struct rln_event *ev)
{
	struct rln_session_id session = {ev->id};
	struct place *p = place_of(subs, session);

	if (!p)
		return;
	rln_subs_link(subs);
	for (struct rln_sub *sub = subs->wide; sub; sub = sub->next) {
		if (sub->cfg.filter == RLN_SUB_ALL || (p->session == session.v && p->peer == sub->cfg.peer))
			push(sub, ev);
	}
	for (struct rln_sub *sub = p->subs; sub; sub = sub->next) {
		if (sub->cfg.session.v == session.v)
			push(sub, ev);
	}
}

void rln_subs_deliver_peer(struct rln_subs *subs, unsigned peer, const struct rln_event *ev)
{
	rln_subs_link(subs);
	for (struct rln_sub *sub = subs->wide; sub; sub = sub->next) {
		if (sub->cfg.filter == RLN_SUB_ALL || sub->cfg.peer == peer)
			push(sub, ev);
	}
}

unsigned rln_subs_housekeep(struct rln_subs *subs)
{
	unsigned n = 0, steps;

	rln_subs_link(subs);
	steps = !subs->narrow ? 0 : subs->sessions < WALK ? subs->sessions : WALK;
	n += sweep(subs, &subs->wide, 0);
	while (steps--) {
		subs->walk = subs->walk + 1 < subs->sessions ? subs->walk + 1 : 0;
		if (subs->places[subs->walk].subs)
			n += sweep(subs, &subs->places[subs->walk].subs, 0);
	}
	return n;
}

static void end_list(struct rln_subs *subs, struct rln_sub **list)
{
	while (*list) {
		struct rln_sub *sub = *list;

		*list = sub->next;
		take_back(sub);
		let_go(subs, sub);
	}
}

void rln_subs_destroy(struct rln_subs *subs)
{
	if (!subs)
		return;
	rln_subs_link(subs);
	end_list(subs, &subs->wide);
	for (uint32_t i = 0; i < subs->sessions; i++)
		end_list(subs, &subs->places[i].subs);
	rln_free(subs->places);
	rln_free(subs);
}

uint32_t rln_subs_in_use(const struct rln_subs *subs)
{
	return __atomic_load_n(&subs->in_use, __ATOMIC_RELAXED);
}
