/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The maps (registry.h). Entries are read under a sequence lock that is made of atomics alone, no fences: the writer's odd
 * number is stored before the fields, which are release stores, so a reader that saw a new field also sees the odd number when
 * it looks again. Reverse entries are one word, and a find through them ends in the entry, whose own ids decide: whatever
 * stands half-changed is found stale, never wrong.
 */
#include "session/registry.h"

#include <errno.h>

#include "lcore/count.h"
#include "lcore/heap.h"

struct entry { /* writer: control lcore */
	uint32_t seq;
	uint8_t state, role;
	uint16_t spare;
	uint64_t session, dialog, media;
};
_Static_assert(sizeof(struct entry) == 32, "two to a cache line");

struct rln_registry {
	struct rln_registry_cfg cfg;
	struct entry *entries;
	uint64_t *dialogs; /* [slot]: session id */
	uint64_t *legs;    /* [worker * cfg.legs + slot]: session id */
	struct rln_registry_figures n;
};

int rln_registry_create(struct rln_registry **out, const struct rln_registry_cfg *cfg)
{
	struct rln_registry *r;

	if (cfg->sessions == 0 || cfg->sessions > RLN_ID_SLOT_MAX || cfg->dialogs == 0 || cfg->legs == 0 || cfg->workers == 0)
		return -EINVAL;
	r = rln_zalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->cfg = *cfg;
	r->entries = rln_zalloc(sizeof(*r->entries) * cfg->sessions);
	r->dialogs = rln_zalloc(sizeof(*r->dialogs) * cfg->dialogs);
	r->legs = rln_zalloc(sizeof(*r->legs) * cfg->legs * cfg->workers);
	if (!r->entries || !r->dialogs || !r->legs)
		goto out;
	*out = r;
	return 0;
out:
	rln_registry_destroy(r);
	return -ENOMEM;
}

void rln_registry_destroy(struct rln_registry *r)
{
	if (!r)
		return;
	rln_free(r->legs);
	rln_free(r->dialogs);
	rln_free(r->entries);
	rln_free(r);
}

/* ---- writer ---- */

static struct entry *entry_of(const struct rln_registry *r, uint64_t session)
{
	uint32_t slot = rln_id_slot(session);

	if (rln_id_type(session) != RLN_ID_SESSION || slot >= r->cfg.sessions)
		return NULL;
	return &r->entries[slot];
}

/* The entry of a session that is registered, for the writer. */
static struct entry *own_entry(const struct rln_registry *r, struct rln_session_id session)
{
	struct entry *e = entry_of(r, session.v);

	return e && e->session == session.v ? e : NULL;
}

static void begin(struct entry *e)
{
	__atomic_store_n(&e->seq, e->seq + 1, __ATOMIC_RELAXED);
}

static void end(struct entry *e)
{
	__atomic_store_n(&e->seq, e->seq + 1, __ATOMIC_RELEASE);
}

#define SET(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELEASE)

static void count(uint32_t *n, int by)
{
	__atomic_store_n(n, *n + (uint32_t)by, __ATOMIC_RELAXED);
}

static uint64_t *dialog_place(const struct rln_registry *r, uint64_t dialog)
{
	uint32_t slot = rln_id_slot(dialog);

	return rln_id_type(dialog) == RLN_ID_DIALOG && slot < r->cfg.dialogs ? &r->dialogs[slot] : NULL;
}

static uint64_t *media_place(const struct rln_registry *r, uint64_t media)
{
	uint32_t slot = rln_id_slot(media);
	unsigned worker = rln_id_shard(media);

	if (rln_id_type(media) != RLN_ID_MEDIA || slot >= r->cfg.legs || worker >= r->cfg.workers)
		return NULL;
	return &r->legs[worker * r->cfg.legs + slot];
}

int rln_registry_add(struct rln_registry *r, struct rln_session_id session, enum rln_call_role role)
{
	struct entry *e = entry_of(r, session.v);

	if (!e)
		return -EINVAL;
	if (e->session != 0)
		rln_registry_remove(r, (struct rln_session_id){e->session});
	begin(e);
	SET(e->session, session.v);
	SET(e->state, RLN_STATE_IDLE);
	SET(e->role, (uint8_t)role);
	end(e);
	count(&r->n.sessions, 1);
	return 0;
}

/* Takes `id`'s reverse entry and what stood in the forward one; both directions agree again when this returns. */
static void unlink_id(struct entry *e, uint64_t *forward, uint64_t *place, uint32_t *n)
{
	if (*forward == 0)
		return;
	if (place && *place == e->session)
		SET(*place, 0);
	begin(e);
	SET(*forward, 0);
	end(e);
	count(n, -1);
}

void rln_registry_unmap_dialog(struct rln_registry *r, struct rln_session_id session)
{
	struct entry *e = own_entry(r, session);

	if (e)
		unlink_id(e, &e->dialog, dialog_place(r, e->dialog), &r->n.dialogs);
}

void rln_registry_unmap_media(struct rln_registry *r, struct rln_session_id session)
{
	struct entry *e = own_entry(r, session);

	if (e)
		unlink_id(e, &e->media, media_place(r, e->media), &r->n.legs);
}

static void link_id(struct entry *e, uint64_t *forward, uint64_t *place, uint64_t id, uint32_t *n)
{
	begin(e);
	SET(*forward, id);
	end(e);
	SET(*place, e->session);
	count(n, 1);
}

int rln_registry_map_dialog(struct rln_registry *r, struct rln_session_id session, struct rln_dialog_id dialog)
{
	struct entry *e = own_entry(r, session);
	uint64_t *place = dialog_place(r, dialog.v);

	if (!e || !place)
		return e ? -EINVAL : -ENOENT;
	if (*place)
		rln_registry_unmap_dialog(r, (struct rln_session_id){*place});
	rln_registry_unmap_dialog(r, session);
	link_id(e, &e->dialog, place, dialog.v, &r->n.dialogs);
	return 0;
}

int rln_registry_map_media(struct rln_registry *r, struct rln_session_id session, struct rln_media_id media)
{
	struct entry *e = own_entry(r, session);
	uint64_t *place = media_place(r, media.v);

	if (!e || !place)
		return e ? -EINVAL : -ENOENT;
	if (*place)
		rln_registry_unmap_media(r, (struct rln_session_id){*place});
	rln_registry_unmap_media(r, session);
	link_id(e, &e->media, place, media.v, &r->n.legs);
	return 0;
}

int rln_registry_set_state(struct rln_registry *r, struct rln_session_id session, enum rln_call_state state)
{
	struct entry *e = own_entry(r, session);

	if (!e)
		return -ENOENT;
	begin(e);
	SET(e->state, (uint8_t)state);
	end(e);
	return 0;
}

void rln_registry_remove(struct rln_registry *r, struct rln_session_id session)
{
	struct entry *e = own_entry(r, session);

	if (!e)
		return;
	rln_registry_unmap_dialog(r, session);
	rln_registry_unmap_media(r, session);
	begin(e);
	SET(e->session, 0);
	end(e);
	count(&r->n.sessions, -1);
}

/* ---- readers ---- */

#define GET(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)

static void read_entry(const struct entry *e, struct rln_registry_entry *out)
{
	uint32_t before;

	do {
		before = GET(e->seq);
		out->session.v = GET(e->session);
		out->dialog.v = GET(e->dialog);
		out->media.v = GET(e->media);
		out->state = GET(e->state);
		out->role = GET(e->role);
	} while ((before & 1) || __atomic_load_n(&e->seq, __ATOMIC_RELAXED) != before);
}

/* The session that an id of any type leads to, 0 when to none; the entry then has the last word. */
static uint64_t lead(const struct rln_registry *r, uint64_t id)
{
	uint64_t *place = NULL;

	switch (rln_id_type(id)) {
	case RLN_ID_SESSION:
		return id;
	case RLN_ID_DIALOG:
		place = dialog_place(r, id);
		break;
	case RLN_ID_MEDIA:
		place = media_place(r, id);
		break;
	case RLN_ID_TXN:
	case RLN_ID_REGISTRATION:
	case RLN_ID_NONE:
		break;
	}
	return place ? GET(*place) : 0;
}

bool rln_registry_knows(const struct rln_registry *r, uint64_t id, struct rln_registry_entry *out)
{
	uint64_t session = lead(r, id);
	const struct entry *e = entry_of(r, session);

	if (!e)
		return false;
	read_entry(e, out);
	return out->session.v == session && (id == session || id == out->dialog.v || id == out->media.v);
}

bool rln_registry_find(const struct rln_registry *r, uint64_t id, struct rln_registry_entry *out)
{
	bool found = rln_registry_knows(r, id, out);

	if (!found && id)
		rln_count(RLN_C_STALE_HANDLE);
	return found;
}

bool rln_registry_next(const struct rln_registry *r, uint32_t *cursor, struct rln_registry_entry *out)
{
	while (*cursor < r->cfg.sessions) {
		read_entry(&r->entries[(*cursor)++], out);
		if (out->session.v)
			return true;
	}
	return false;
}

struct rln_session_id rln_registry_session_of_dialog(const struct rln_registry *r, struct rln_dialog_id dialog)
{
	struct rln_registry_entry e;

	return rln_registry_find(r, dialog.v, &e) ? e.session : (struct rln_session_id){0};
}

struct rln_session_id rln_registry_session_of_media(const struct rln_registry *r, struct rln_media_id media)
{
	struct rln_registry_entry e;

	return rln_registry_find(r, media.v, &e) ? e.session : (struct rln_session_id){0};
}

void rln_registry_figures(const struct rln_registry *r, struct rln_registry_figures *out)
{
	out->sessions = __atomic_load_n(&r->n.sessions, __ATOMIC_RELAXED);
	out->dialogs = __atomic_load_n(&r->n.dialogs, __ATOMIC_RELAXED);
	out->legs = __atomic_load_n(&r->n.legs, __ATOMIC_RELAXED);
}
