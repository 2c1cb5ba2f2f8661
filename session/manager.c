/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session manager (registry.h): the store of sessions and the stock of ids.
 *
 * A slot is free (on control's stack), in stock (any thread may take it), or live. Its next id is made when it goes into stock,
 * with the worker that placement chose then: that is what lets a caller know its session's id before the control lcore knows of
 * the call. The stock is a Treiber stack of slot numbers with a tag against ABA, as the block pools have: a thread that is
 * preempted half-way holds up nobody, and the last slot given back is the first one used. Rejected: a command that asks control
 * for an id (a round trip in front of every call), and slots owned by callers (a second writer).
 */
#include <errno.h>

#include "lcore/heap.h"
#include "session/placement.h"
#include "session/registry.h"
#include "session/session.h"

#define NONE UINT32_MAX
#define LOOK 64 /* ids of the stock that a call for a certain worker looks at */

enum slot_state { SLOT_FREE, SLOT_STOCK, SLOT_LIVE };

struct slot { /* writer: control lcore, but for next */
	uint64_t id;
	uint32_t generation;
	uint32_t next; /* of the stock, while the slot is in it */
	uint8_t state; /* enum slot_state */
};

struct rln_session_manager { /* owner: control lcore, but for the stock */
	struct rln_session_manager_cfg cfg;
	struct rln_session *sessions;
	struct slot *slots;
	uint32_t *free; /* stack of slot numbers */
	uint32_t free_n;
	uint32_t in_use;
	uint64_t stock; /* tag:32 | slot:32 */
	uint32_t stock_n;
};

static void stock_push(struct rln_session_manager *m, uint32_t number)
{
	uint64_t old = __atomic_load_n(&m->stock, __ATOMIC_RELAXED), new;

	do {
		__atomic_store_n(&m->slots[number].next, (uint32_t)old, __ATOMIC_RELAXED);
		new = ((old >> 32) + 1) << 32 | number;
	} while (!__atomic_compare_exchange_n(&m->stock, &old, new, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	__atomic_fetch_add(&m->stock_n, 1, __ATOMIC_RELAXED);
}

/* A slot number, or NONE. */
static uint32_t stock_pop(struct rln_session_manager *m)
{
	uint64_t old = __atomic_load_n(&m->stock, __ATOMIC_ACQUIRE), new;

	do {
		if ((uint32_t)old == NONE)
			return NONE;
		new = ((old >> 32) + 1) << 32 | __atomic_load_n(&m->slots[(uint32_t)old].next, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&m->stock, &old, new, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	__atomic_fetch_sub(&m->stock_n, 1, __ATOMIC_RELAXED);
	return (uint32_t)old;
}

int rln_session_manager_create(struct rln_session_manager **out, const struct rln_session_manager_cfg *cfg)
{
	struct rln_session_manager *m;

	if (!cfg->registry || !cfg->placement || cfg->sessions == 0 || cfg->sessions > RLN_ID_SLOT_MAX)
		return -EINVAL;
	m = rln_zalloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->cfg = *cfg;
	m->cfg.stock = cfg->stock ? cfg->stock : 1024;
	m->stock = NONE;
	m->sessions = rln_zalloc(sizeof(*m->sessions) * cfg->sessions);
	m->slots = rln_zalloc(sizeof(*m->slots) * cfg->sessions);
	m->free = rln_alloc(sizeof(*m->free) * cfg->sessions);
	if (!m->sessions || !m->slots || !m->free)
		goto out;
	for (uint32_t i = 0; i < cfg->sessions; i++)
		m->free[m->free_n++] = cfg->sessions - 1 - i; /* slot 0 on top */
	rln_session_manager_refill(m);
	*out = m;
	return 0;
out:
	rln_session_manager_destroy(m);
	return -ENOMEM;
}

void rln_session_manager_destroy(struct rln_session_manager *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; m->slots && i < m->cfg.sessions; i++) {
		if (m->slots[i].state != SLOT_FREE)
			rln_placement_release(m->cfg.placement, rln_id_shard(m->slots[i].id));
	}
	rln_free(m->free);
	rln_free(m->slots);
	rln_free(m->sessions);
	rln_free(m);
}

/* The next free slot gets its next id, with this worker; its number. */
static uint32_t prepare(struct rln_session_manager *m, unsigned worker)
{
	uint32_t number = m->free[--m->free_n];
	struct slot *slot = &m->slots[number];

	if (++slot->generation == 0)
		slot->generation = 1;
	slot->id = rln_id_make(RLN_ID_SESSION, worker, number, slot->generation);
	slot->state = SLOT_STOCK;
	return number;
}

/* One free slot goes into stock; false when nothing is left. */
static bool stock_one(struct rln_session_manager *m)
{
	int worker = m->free_n ? rln_placement_take(m->cfg.placement) : -ENOSPC;

	if (worker < 0)
		return false;
	stock_push(m, prepare(m, (unsigned)worker));
	return true;
}

/* Every free slot is in stock: one that was placed there, if it is among the first few; the others go back. */
static struct rln_session_id take_from_stock(struct rln_session_manager *m, unsigned worker)
{
	uint32_t others[LOOK], n = 0, number = NONE;
	struct rln_session_id found = {0};

	while (!found.v && n < LOOK && (number = stock_pop(m)) != NONE) {
		if (rln_id_shard(m->slots[number].id) == worker)
			found.v = m->slots[number].id;
		else
			others[n++] = number;
	}
	while (n)
		stock_push(m, others[--n]);
	if (!found.v)
		errno = ENOSPC;
	return found;
}

struct rln_session_id rln_session_manager_reserve_near(struct rln_session_manager *m, unsigned worker)
{
	int rc = rln_placement_take_on(m->cfg.placement, worker);

	if (rc >= 0 && m->free_n)
		return (struct rln_session_id){m->slots[prepare(m, worker)].id};
	if (rc >= 0)
		rln_placement_release(m->cfg.placement, worker);
	return take_from_stock(m, worker);
}

unsigned rln_session_manager_refill(struct rln_session_manager *m)
{
	unsigned n = 0;

	while (__atomic_load_n(&m->stock_n, __ATOMIC_RELAXED) < m->cfg.stock && stock_one(m))
		n++;
	return n;
}

struct rln_session_id rln_session_manager_reserve(struct rln_session_manager *m)
{
	uint32_t number = stock_pop(m);

	if (number != NONE)
		return (struct rln_session_id){m->slots[number].id};
	errno = rln_session_manager_in_use(m) < m->cfg.sessions ? EAGAIN : ENOSPC;
	return (struct rln_session_id){0};
}

static struct slot *slot_of(struct rln_session_manager *m, struct rln_session_id id)
{
	uint32_t number = rln_id_slot(id.v);

	if (rln_id_type(id.v) != RLN_ID_SESSION || number >= m->cfg.sessions || m->slots[number].id != id.v)
		return NULL;
	return &m->slots[number];
}

void rln_session_manager_unreserve(struct rln_session_manager *m, struct rln_session_id id)
{
	const struct slot *slot = slot_of(m, id);

	if (slot && slot->state == SLOT_STOCK)
		stock_push(m, rln_id_slot(id.v));
}

/* The slot gets its next id when it goes into stock again. */
static void slot_free(struct rln_session_manager *m, struct slot *slot)
{
	rln_placement_release(m->cfg.placement, rln_id_shard(slot->id));
	slot->state = SLOT_FREE;
	slot->id = 0;
	m->free[m->free_n++] = (uint32_t)(slot - m->slots);
}

bool rln_session_manager_retire(struct rln_session_manager *m, struct rln_session_id id)
{
	struct slot *slot = slot_of(m, id);

	if (!slot || slot->state != SLOT_STOCK)
		return false;
	slot_free(m, slot);
	return true;
}

struct rln_session *rln_session_manager_create_session(struct rln_session_manager *m, struct rln_session_id id)
{
	struct slot *slot = slot_of(m, id);
	struct rln_session *s;

	if (!slot || slot->state != SLOT_STOCK)
		return NULL;
	slot->state = SLOT_LIVE;
	s = &m->sessions[rln_id_slot(id.v)];
	*s = (struct rln_session){.id = id};
	__atomic_store_n(&m->in_use, m->in_use + 1, __ATOMIC_RELAXED);
	return s;
}

int rln_session_manager_register_session(struct rln_session_manager *m, struct rln_session *s)
{
	return rln_registry_add(m->cfg.registry, s->id, (enum rln_call_role)s->role);
}

struct rln_session *rln_session_manager_get_session(struct rln_session_manager *m, struct rln_session_id id)
{
	struct slot *slot = slot_of(m, id);

	return slot && slot->state == SLOT_LIVE ? &m->sessions[rln_id_slot(id.v)] : NULL;
}

const struct rln_session *rln_session_manager_last(const struct rln_session_manager *m, struct rln_session_id id)
{
	uint32_t number = rln_id_slot(id.v);

	return id.v && number < m->cfg.sessions && m->sessions[number].id.v == id.v ? &m->sessions[number] : NULL;
}

int rln_session_manager_update_session_state(struct rln_session_manager *m, struct rln_session_id id, enum rln_call_state state)
{
	return rln_registry_set_state(m->cfg.registry, id, state);
}

struct rln_registry *rln_session_manager_registry(struct rln_session_manager *m)
{
	return m->cfg.registry;
}

bool rln_session_manager_remove_session(struct rln_session_manager *m, struct rln_session_id id)
{
	struct slot *slot = slot_of(m, id);

	if (!slot || slot->state != SLOT_LIVE)
		return false;
	rln_registry_remove(m->cfg.registry, id);
	slot_free(m, slot);
	__atomic_store_n(&m->in_use, m->in_use - 1, __ATOMIC_RELAXED);
	return true;
}

uint32_t rln_session_manager_in_use(const struct rln_session_manager *m)
{
	return __atomic_load_n(&m->in_use, __ATOMIC_RELAXED);
}

uint32_t rln_session_manager_capacity(const struct rln_session_manager *m)
{
	return m->cfg.sessions;
}

struct rln_session *rln_session_manager_next(struct rln_session_manager *m, uint32_t *cursor)
{
	while (*cursor < m->cfg.sessions) {
		uint32_t number = (*cursor)++;

		if (m->slots[number].state == SLOT_LIVE)
			return &m->sessions[number];
	}
	return NULL;
}
