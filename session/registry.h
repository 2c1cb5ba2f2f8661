/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who belongs to whom: session <-> dialog and session <-> media leg, both ways, and any of them from any other (requirements,
 * section 6).
 *
 * Slot-indexed arrays, no hash: an id carries its slot. One entry per session slot holds all three ids and the state behind a
 * sequence lock; per dialog slot and per leg slot stands the session's id in one word. Writer: control lcore. Readers: any
 * thread or lcore, at any time, without waiting for the writer to end more than one entry's update. A stale id fails the
 * generation check, is counted (STALE_HANDLE) and finds nothing.
 *
 * The session manager (R145) stands on it: the store of sessions, and the stock of session ids that application threads may
 * reserve without asking the control lcore, so that a caller knows its session's id before the call exists.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lcore/id.h"
#include "lcore/types.h"

struct rln_placement;
struct rln_session;
struct rln_registry;
struct rln_session_manager;

struct rln_registry_cfg {
	uint32_t sessions; /* slots */
	uint32_t dialogs;  /* size of the dialog table: slots 0..dialogs-1 */
	uint32_t legs;     /* per worker */
	unsigned workers;
};

struct rln_registry_entry { /* a consistent copy */
	struct rln_session_id session;
	struct rln_dialog_id dialog; /* 0 = not mapped */
	struct rln_media_id media;
	uint8_t state; /* enum rln_call_state */
	uint8_t role;  /* enum rln_call_role */
};

/* 0, -EINVAL or -ENOMEM. */
int rln_registry_create(struct rln_registry **out, const struct rln_registry_cfg *cfg) __attribute__((warn_unused_result));
void rln_registry_destroy(struct rln_registry *registry);

/* Writer's side, control lcore. A new mapping removes the old reverse entry of either id. 0; -ENOENT: the session is not (any
 * more) registered; -EINVAL: not an id of that type or outside the tables. */
int rln_registry_add(struct rln_registry *registry, struct rln_session_id session, enum rln_call_role role);
int rln_registry_map_dialog(struct rln_registry *registry, struct rln_session_id session, struct rln_dialog_id dialog);
int rln_registry_map_media(struct rln_registry *registry, struct rln_session_id session, struct rln_media_id media);
void rln_registry_unmap_dialog(struct rln_registry *registry, struct rln_session_id session);
void rln_registry_unmap_media(struct rln_registry *registry, struct rln_session_id session);
int rln_registry_set_state(struct rln_registry *registry, struct rln_session_id session, enum rln_call_state state);
/* Removes every entry in every direction. */
void rln_registry_remove(struct rln_registry *registry, struct rln_session_id session);

/* By any id type. False, and counted, when the id is stale; false and not counted for 0. Any thread. */
bool rln_registry_find(const struct rln_registry *registry, uint64_t id, struct rln_registry_entry *out);
/* The same for an id that may well be unknown (a new INVITE's dialog): nothing is counted. */
bool rln_registry_knows(const struct rln_registry *registry, uint64_t id, struct rln_registry_entry *out);
/* Walk: the next entry at or after slot *cursor (start at 0), which moves past it; false at the end. Any thread. */
bool rln_registry_next(const struct rln_registry *registry, uint32_t *cursor, struct rln_registry_entry *out);
struct rln_session_id rln_registry_session_of_dialog(const struct rln_registry *registry, struct rln_dialog_id dialog);
struct rln_session_id rln_registry_session_of_media(const struct rln_registry *registry, struct rln_media_id media);
/* Entries of each direction: a run ends with zeros. Any thread, a snapshot. */
struct rln_registry_figures { uint32_t sessions, dialogs, legs; };
void rln_registry_figures(const struct rln_registry *registry, struct rln_registry_figures *out);

/* ---- the session manager ---- */

struct rln_session_manager_cfg {
	struct rln_registry *registry;
	struct rln_placement *placement; /* chooses each session's worker */
	uint32_t sessions;               /* slots */
	uint32_t stock;                  /* ids kept ready for callers and INVITEs; 0 = 1024, at most `sessions` */
};

int rln_session_manager_create(struct rln_session_manager **out, const struct rln_session_manager_cfg *cfg)
	__attribute__((warn_unused_result));
/* Every session was removed before. */
void rln_session_manager_destroy(struct rln_session_manager *manager);
/* A fresh id, worker included, that no one else gets; give it to register_session or back. {0} and errno: ENOSPC (all in use)
 * or EAGAIN (the stock is empty until control's next turn). Any thread. */
struct rln_session_id rln_session_manager_reserve(struct rln_session_manager *manager);
/* The same on a given worker, past the stock. {0} and errno ENOSPC or EINVAL. Control lcore. */
struct rln_session_id rln_session_manager_reserve_near(struct rln_session_manager *manager, unsigned worker);
void rln_session_manager_unreserve(struct rln_session_manager *manager, struct rln_session_id id);
/* A reserved id whose session will not come, but whose end somebody is told: it is never given out again, its slot is. False when
 * it is not a reserved one. Control lcore. */
bool rln_session_manager_retire(struct rln_session_manager *manager, struct rln_session_id id);
/* Refills the stock. Control, each turn; returns ids added. */
unsigned rln_session_manager_refill(struct rln_session_manager *manager);

/* R145; control lcore. create_session: the zeroed session of a reserved id; NULL when the id is not a reserved one. */
struct rln_session *rln_session_manager_create_session(struct rln_session_manager *manager, struct rln_session_id id);
/* Enters it into the registry; from now on it is found. 0 or -errno. */
int rln_session_manager_register_session(struct rln_session_manager *manager, struct rln_session *session);
struct rln_session *rln_session_manager_get_session(struct rln_session_manager *manager, struct rln_session_id id);
/* The session that had this id last, removed or not, until its slot has another: its numbers alone mean something then. NULL. */
const struct rln_session *rln_session_manager_last(const struct rln_session_manager *manager, struct rln_session_id id);
/* Shows the state to readers; called by the machine alone. */
int rln_session_manager_update_session_state(struct rln_session_manager *manager, struct rln_session_id id,
	enum rln_call_state state);
/* Removes every mapping and frees the slot; its id is stale from now on. False when it already was. */
bool rln_session_manager_remove_session(struct rln_session_manager *manager, struct rln_session_id id);
struct rln_registry *rln_session_manager_registry(struct rln_session_manager *manager);
/* Sessions that exist (reserved ids not counted). Any thread. */
uint32_t rln_session_manager_in_use(const struct rln_session_manager *manager);
uint32_t rln_session_manager_capacity(const struct rln_session_manager *manager);
/* Walk, control lcore: the next session at or after *cursor (start at 0), which moves past it; NULL at the end. */
struct rln_session *rln_session_manager_next(struct rln_session_manager *manager, uint32_t *cursor);
