/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of one worker's legs and its turn; shard.h says what a turn does and in which order.
 *
 * Ports: one row per pair and local address. The slice and the addresses are constant, so a row's index is arithmetic; the free
 * list is a ring of pair numbers that is as long as the slice, so it can never overflow, and a pair that was given back is taken
 * again only after all others (a peer that still sends to an ended call must not be heard in the next one).
 */
#include "session/shard_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lcore/bus.h"
#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/secure.h"
#include "session/placement.h"

#define BUS_BUDGET   64
#define AGE_SLOTS    64
#define HOUSEKEEP_NS (5 * RLN_MS)

/*
 * A zeroed table of cache lines. calloc's zero pages come from the kernel on first use: a table for 10,000 calls costs an idle
 * system nothing, which an aligned allocation that must be cleared by hand would.
 */
static void *table_alloc(void **memory, size_t size)
{
	*memory = rln_zalloc(size + 63);
	return *memory ? (void *)(((uintptr_t)*memory + 63) & ~(uintptr_t)63) : NULL;
}

static int ports_create(struct rln_shard *s)
{
	struct rln_port_slice slice = rln_placement_slice(s->cfg.placement, s->cfg.worker);
	struct rln_port_table *t = &s->ports;
	size_t rows;
	unsigned a, i;

	t->addrs_n = s->cfg.shared->addrs_n;
	t->first = slice.first;
	t->pairs = slice.pairs;
	if (t->addrs_n > RLN_NET_ADDRS || t->pairs == 0)
		return -EINVAL;
	rows = (size_t)t->addrs_n * t->pairs;
	t->rows = table_alloc(&s->rows_memory, rows * sizeof(*t->rows));
	if (t->rows == NULL)
		return -ENOMEM;
	for (a = 0; a < t->addrs_n; a++) {
		struct rln_port_fifo *f = &s->free[a];

		memcpy(t->ip[a], s->cfg.shared->addrs[a].addr.ip, sizeof(t->ip[a]));
		f->pair = rln_alloc(t->pairs * sizeof(*f->pair));
		if (f->pair == NULL)
			return -ENOMEM;
		for (i = 0; i < t->pairs; i++)
			f->pair[i] = (uint16_t)i;
		f->count = t->pairs;
	}
	s->counts.ports_free = (uint32_t)rows;
	return 0;
}

static int legs_create(struct rln_shard *s)
{
	struct rln_slots_cfg cfg = {
		.type = RLN_ID_MEDIA, .shard = s->cfg.worker, .capacity = s->cfg.legs, .object_size = sizeof(struct rln_leg)};
	int rc = rln_slots_create(&s->legs, &cfg);

	if (rc != 0)
		return rc;
	s->cold = table_alloc(&s->cold_memory, s->cfg.legs * sizeof(*s->cold));
	if (s->cold == NULL)
		return -ENOMEM;
	s->counts.legs_capacity = s->cfg.legs;
	return 0;
}

static int files_create(struct rln_shard *s)
{
	uint32_t legs = s->cfg.legs;
	struct rln_file_client_cfg cfg = {
		.io = s->cfg.io,
		.endpoint = RLN_ENDPOINT_WORKER0 + s->cfg.worker,
		.counts = rln_counts_of(RLN_ENDPOINT_WORKER0 + s->cfg.worker),
		.players = s->cfg.players ? s->cfg.players : (legs < 4096 ? legs : 4096),
		.recorders = s->cfg.recorders ? s->cfg.recorders : (legs < 256 ? legs : 256),
	};

	if (s->cfg.io == NULL)
		return 0;
	cfg.blocks = s->cfg.file_blocks ? s->cfg.file_blocks : 4 * cfg.recorders;
	return rln_file_client_create(&s->files, &cfg);
}

static int pipeline_create(struct rln_shard *s)
{
	char token[17];
	struct rln_pipeline_cfg cfg = {
		.net = s->cfg.net,
		.pool = s->cfg.shared->pool,
		.counts = rln_counts_of(RLN_ENDPOINT_WORKER0 + s->cfg.worker),
		.ports = &s->ports,
		.rtp_timeout_ms = s->cfg.rtp_timeout_ms,
		.first_rtp_timeout_ms = s->cfg.first_rtp_timeout_ms,
		.rtcp_interval_ms = s->cfg.rtcp_interval_ms,
		.quality_interval_ms = s->cfg.quality_interval_ms,
		.loss_limit_pct = s->cfg.loss_limit_pct,
		.latch_silence_ms = s->cfg.latch_silence_ms,
		.latch_packets = s->cfg.latch_packets,
		.symmetric = s->cfg.symmetric,
		.cname = s->cfg.cname,
	};

	if (s->cfg.cname[0] == '\0') {
		rln_random_token(token, sizeof(token) - 1); /* RFC 7022 4.2: short-term persistent, not traceable */
		snprintf(s->cfg.cname, sizeof(s->cfg.cname), "%s", token);
	}
	rln_media_hub_outlet(s->hub, &cfg);
	return rln_pipeline_create(&s->pipeline, &cfg, s->now_ns);
}

int rln_shard_create(struct rln_shard **out, const struct rln_shard_cfg *cfg)
{
	struct rln_shard *s;
	int rc;

	if (cfg->bus == NULL || cfg->net == NULL || cfg->shared == NULL || cfg->placement == NULL)
		return -EINVAL;
	s = rln_zalloc(sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->cfg = *cfg;
	s->now_ns = rln_clock_ns();
	rc = ports_create(s);
	if (rc == 0)
		rc = legs_create(s);
	if (rc == 0)
		rc = files_create(s);
	if (rc == 0)
		rc = rln_media_hub_create(&s->hub, cfg->bus, s, cfg->worker);
	if (rc == 0)
		rc = pipeline_create(s);
	if (rc != 0) {
		rln_shard_destroy(s);
		return rc;
	}
	*out = s;
	return 0;
}

void rln_shard_destroy(struct rln_shard *s)
{
	uint32_t cursor = 0;
	uint64_t id;
	unsigned a;
	struct rln_leg *leg;

	if (s == NULL)
		return;
	while (s->pipeline && (leg = rln_slots_next(s->legs, &cursor, &id)) != NULL)
		rln_media_hub_abandon(s->hub, leg);
	rln_pipeline_destroy(s->pipeline);
	rln_file_client_destroy(s->files);
	rln_media_hub_destroy(s->hub);
	rln_slots_destroy(s->legs);
	rln_free(s->cold_memory);
	for (a = 0; a < RLN_NET_ADDRS; a++)
		rln_free(s->free[a].pair);
	rln_free(s->rows_memory);
	rln_free(s);
}

/* ---- legs ---- */

int rln_shard_add_leg(struct rln_shard *s, unsigned local, struct rln_leg **out)
{
	struct rln_port_table *t = &s->ports;
	struct rln_port_fifo *f = &s->free[local < RLN_NET_ADDRS ? local : 0];
	struct rln_addr addr;
	struct rln_leg *leg;
	struct rln_leg_cold *cold;
	uint64_t id;
	uint16_t pair;

	if (local >= t->addrs_n)
		return -EADDRNOTAVAIL;
	if (f->count == 0)
		return -EADDRINUSE;
	leg = rln_slots_add(s->legs, &id);
	if (leg == NULL)
		return -ENOMEM;
	pair = f->pair[f->head];
	f->head = (f->head + 1) % t->pairs;
	f->count--;
	memcpy(addr.ip, t->ip[local], sizeof(addr.ip));
	addr.port = (uint16_t)(t->first + 2 * pair);
	cold = &s->cold[rln_id_slot(id)];
	memset(cold, 0, offsetof(struct rln_leg_cold, stats)); /* the statistics' lock goes on counting */
	rln_leg_open(s->pipeline, leg, cold, id, &t->rows[(size_t)local * t->pairs + pair], &addr, s->now_ns);
	rln_shard_count(&s->counts.legs, 1);
	rln_shard_count(&s->counts.ports_free, -1);
	*out = leg;
	return 0;
}

struct rln_leg *rln_shard_leg(const struct rln_shard *s, uint64_t media_id)
{
	return rln_slots_get(s->legs, media_id);
}

void rln_shard_del_leg(struct rln_shard *s, struct rln_leg *leg)
{
	struct rln_port_table *t = &s->ports;
	size_t row = (size_t)(leg->cold->row - t->rows);
	struct rln_port_fifo *f = &s->free[row / t->pairs];

	f->pair[(f->head + f->count++) % t->pairs] = (uint16_t)(row % t->pairs);
	rln_slots_del(s->legs, leg->id);
	rln_shard_count(&s->counts.legs, -1);
	rln_shard_count(&s->counts.ports_free, 1);
}

/* ---- the turn ---- */

static void counts_take(struct rln_shard *s)
{
	struct rln_file_client_counts files;

	if (s->files == NULL)
		return;
	rln_file_client_counts(s->files, &files);
	__atomic_store_n(&s->counts.players, files.players, __ATOMIC_RELAXED);
	__atomic_store_n(&s->counts.recorders, files.recorders, __ATOMIC_RELAXED);
}

/* A few slots at a time, and only while a leg waits for its file. */
static void legs_age(struct rln_shard *s)
{
	struct rln_leg *leg;
	uint64_t id;
	unsigned i;

	for (i = 0; i < AGE_SLOTS && s->counts.closing > 0; i++) {
		leg = rln_slots_next(s->legs, &s->age_cursor, &id);
		if (leg == NULL) {
			s->age_cursor = 0;
			return;
		}
		rln_media_leg_age(s->hub, leg);
	}
}

unsigned rln_shard_poll(void *shard, uint64_t now_ns)
{
	struct rln_shard *s = shard;
	unsigned n;

	s->now_ns = now_ns;
	s->batch.n = 0;
	n = rln_net_poll(s->cfg.net, &s->batch, now_ns);
	if (s->batch.n != 0)
		rln_pipeline_rx(s->pipeline, &s->batch, now_ns);
	n += rln_bus_poll(s->cfg.bus, BUS_BUDGET);
	n += rln_pipeline_ticks(s->pipeline, now_ns);
	if (s->files)
		n += rln_media_files_poll(s->hub);
	rln_net_flush(s->cfg.net);
	if (now_ns >= s->housekeep_ns) {
		s->housekeep_ns = now_ns + HOUSEKEEP_NS;
		rln_net_housekeep(s->cfg.net, now_ns);
		counts_take(s);
		legs_age(s);
	}
	return n;
}

/* ---- snapshots ---- */

bool rln_shard_busy(void *shard)
{
	return __atomic_load_n(&((struct rln_shard *)shard)->counts.legs, __ATOMIC_RELAXED) != 0;
}

void rln_shard_counts(const struct rln_shard *s, struct rln_shard_counts *out)
{
	const struct rln_shard_counts *c = &s->counts;

	out->legs = __atomic_load_n(&c->legs, __ATOMIC_RELAXED);
	out->legs_capacity = c->legs_capacity;
	out->ports_free = __atomic_load_n(&c->ports_free, __ATOMIC_RELAXED);
	out->players = __atomic_load_n(&c->players, __ATOMIC_RELAXED);
	out->recorders = __atomic_load_n(&c->recorders, __ATOMIC_RELAXED);
	out->channels = __atomic_load_n(&c->channels, __ATOMIC_RELAXED);
	out->closing = __atomic_load_n(&c->closing, __ATOMIC_RELAXED);
}

int rln_shard_leg_stats(const struct rln_shard *s, uint64_t media_id, struct rln_leg_stats *out)
{
	if (rln_id_type(media_id) != RLN_ID_MEDIA || rln_id_slot(media_id) >= s->cfg.legs)
		return -ENOENT;
	return rln_leg_stats_read(&s->cold[rln_id_slot(media_id)].stats, media_id, out) ? 0 : -ENOENT;
}
