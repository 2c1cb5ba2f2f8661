/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Placement of legs on workers and of ports to owners; placement.h says who may call what.
 *
 * The choice is a scan over at most 32 counts per call set-up: cheaper than any heap that would have to be kept in order at
 * every release. Asking the workers for their real load was rejected: the answer would be as old as the ring is long.
 */
#include "session/placement.h"

#include <errno.h>

#include "lcore/bus.h"
#include "lcore/heap.h"
#include "lcore/net/net.h"

struct rln_placement {
	unsigned workers;
	uint16_t first, pairs; /* the whole range, from an even port */
	uint16_t slice;        /* pairs per worker; the last one also has the remainder */
	uint32_t legs_per_worker;
	unsigned next;                  /* where the next scan starts; control */
	uint32_t legs[RLN_WORKERS_MAX]; /* writer: control */
	uint16_t sip[UINT16_MAX + 1];   /* users per SIP port; writers: main and control, readers: any */
};

int rln_placement_create(struct rln_placement **out, const struct rln_placement_cfg *cfg)
{
	struct rln_placement *p;
	uint32_t first = cfg->port_min + (cfg->port_min & 1u);
	uint32_t pairs = cfg->port_max > first ? (cfg->port_max - first + 1) / 2 : 0;

	if (cfg->workers == 0 || cfg->workers > RLN_WORKERS_MAX || first == 0 || pairs < cfg->workers ||
		cfg->legs_per_worker == 0)
		return -EINVAL;
	p = rln_zalloc(sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->workers = cfg->workers;
	p->first = (uint16_t)first;
	p->pairs = (uint16_t)pairs;
	p->slice = (uint16_t)(pairs / cfg->workers);
	p->legs_per_worker = cfg->legs_per_worker;
	*out = p;
	return 0;
}

void rln_placement_destroy(struct rln_placement *placement)
{
	rln_free(placement);
}

int rln_placement_take(struct rln_placement *p)
{
	unsigned best = p->next, i, w;

	for (i = 1; i < p->workers; i++) {
		w = (p->next + i) % p->workers;
		if (p->legs[w] < p->legs[best])
			best = w;
	}
	if (p->legs[best] >= p->legs_per_worker)
		return -ENOSPC;
	__atomic_store_n(&p->legs[best], p->legs[best] + 1, __ATOMIC_RELAXED);
	p->next = (best + 1) % p->workers;
	return (int)best;
}

int rln_placement_take_on(struct rln_placement *p, unsigned worker)
{
	if (worker >= p->workers)
		return -EINVAL;
	if (p->legs[worker] >= p->legs_per_worker)
		return -ENOSPC;
	__atomic_store_n(&p->legs[worker], p->legs[worker] + 1, __ATOMIC_RELAXED);
	return (int)worker;
}

void rln_placement_release(struct rln_placement *p, unsigned worker)
{
	if (worker < p->workers && p->legs[worker] > 0)
		__atomic_store_n(&p->legs[worker], p->legs[worker] - 1, __ATOMIC_RELAXED);
}

uint32_t rln_placement_legs(const struct rln_placement *p, unsigned worker)
{
	return worker < p->workers ? __atomic_load_n(&p->legs[worker], __ATOMIC_RELAXED) : 0;
}

struct rln_port_slice rln_placement_slice(const struct rln_placement *p, unsigned worker)
{
	struct rln_port_slice s = {0, 0};

	if (worker < p->workers) {
		s.first = (uint16_t)(p->first + 2u * p->slice * worker);
		s.pairs = worker == p->workers - 1 ? (uint16_t)(p->pairs - p->slice * worker) : p->slice;
	}
	return s;
}

void rln_placement_add_sip_port(struct rln_placement *p, uint16_t port)
{
	__atomic_fetch_add(&p->sip[port], 1, __ATOMIC_RELAXED);
}

void rln_placement_del_sip_port(struct rln_placement *p, uint16_t port)
{
	if (__atomic_load_n(&p->sip[port], __ATOMIC_RELAXED) > 0)
		__atomic_fetch_sub(&p->sip[port], 1, __ATOMIC_RELAXED);
}

int rln_placement_owner_of(const void *placement, const struct rln_addr *local)
{
	const struct rln_placement *p = placement;
	uint32_t pair, worker;

	if (__atomic_load_n(&p->sip[local->port], __ATOMIC_RELAXED) > 0)
		return RLN_NET_CONTROL;
	if (local->port < p->first)
		return RLN_NET_NOBODY;
	pair = (uint32_t)(local->port - p->first) / 2;
	if (pair >= p->pairs)
		return RLN_NET_NOBODY;
	worker = pair / p->slice;
	return (int)(worker < p->workers ? worker : p->workers - 1);
}
