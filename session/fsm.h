/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session state machine: one table (fsm.def), one reader. A row says (states, events, role, guard) -> actions, next state,
 * events to publish; every (state, event, role) has exactly one row per guard, the last one without. fsm.c expands the rows
 * into cells, refuses a table that is not whole, and interprets it; actions.c and guards.c are the bodies. Only
 * rln_machine_process_event() writes a session's state.
 *
 * The machine reaches the layers below through `struct rln_layers`, so it runs alone in tests. owner: control lcore.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lcore/event.h"
#include "session/registry.h"

struct rln_machine;
struct rln_session;
struct rln_layers; /* layers.h */

/* Events of 3.9 that a worker raises and the machine passes on in R155's order; AUDIO_CHANNELS_READY it adds itself. */
#define RLN_WORKER_KINDS(X)           \
	X(MEDIA_FLOW_ESTABLISHED)     \
	X(FIRST_AUDIO_FRAME_RECEIVED) \
	X(REMOTE_MEDIA_CONFIRMED)     \
	X(MEDIA_QUALITY_CHANGE)

/* Columns: every kind toward the session, so that a new kind without rows is refused at start; CALL_STATE_CHANGED has one
 * for each value. */
#define RLN_COL_OF_S2D(kind)
#define RLN_COL_OF_D2S(kind) RLN_COL_##kind,
#define RLN_COL_OF_T2D(kind)
#define RLN_COL_OF_D2T(kind)
#define RLN_COL_OF_S2M(kind)
#define RLN_COL_OF_M2S(kind) RLN_COL_##kind,
#define RLN_COL_OF_M2R(kind)
#define RLN_COL_OF_R2M(kind)
#define RLN_COL_OF_S2A(kind)
#define RLN_COL_OF_A2S(kind) RLN_COL_##kind,

enum rln_column {
	RLN_COL_NONE, /* ends a list; the column of no event */
#define X(kind, cat, member, payload, full, block, status, text) RLN_COL_OF_##cat(kind)
#include "lcore/event.def"
#undef X
#define X(name) RLN_COL_##name,
	RLN_CALL_PROGRESS_VALUES(X) RLN_WORKER_KINDS(X)
#undef X
	RLN_COL_COUNT
};

/* The column of an event, RLN_COL_NONE when it has none. */
enum rln_column rln_column_of(const struct rln_event *ev);
const char *rln_column_name(enum rln_column column);

#define RLN_ROW_ACTIONS 6
#define RLN_ROW_PUBLISH 4

enum rln_row_kind { RLN_ROW_GO, RLN_ROW_IGNORE, RLN_ROW_REJECT, RLN_ROW_DEFER };
/* Values of rln_row.next beside enum rln_call_state. */
enum { RLN_NEXT_SAME = RLN_STATE_COUNT, RLN_NEXT_RETURN };

struct rln_row {
	uint32_t states;          /* bit per enum rln_call_state */
	uint8_t roles;            /* bit per enum rln_call_role */
	uint8_t kind;             /* enum rln_row_kind */
	uint8_t guard;            /* enum rln_guard; 0 = none: the cell's last row */
	uint8_t next;             /* GO: a state, SAME or RETURN */
	uint16_t code;            /* REJECT: SIP code (a request of the peer) or errno (a command of the application) */
	uint16_t line;            /* of fsm.def, for messages */
	const uint8_t *columns;   /* ends with RLN_COL_NONE; a first RLN_COL_COUNT stands for every column */
	const uint8_t *actions;   /* ends with 0 */
	const uint8_t *publish;   /* ends with 0 */
	const char *why;
};

struct rln_table { /* what fsm.def says, as data */
	const struct rln_row *rows;
	size_t rows_n;
	uint32_t in_use;   /* states that calls can be in today; each cell of the others says why nothing happens */
	uint32_t final;    /* TERMINATED, CANCELLED, FAILED */
	uint32_t ending;   /* states on their way to a final one: a second hangup may be ignored */
	uint32_t roles[RLN_ROLE_COUNT]; /* states that a role can be in */
};
const struct rln_table *rln_table(void);

/* The rows of one cell in order, at most `max`; returns how many the cell has. For tests and the generated page. */
size_t rln_table_cell(const struct rln_table *table, enum rln_call_state state, enum rln_column column, enum rln_call_role role,
	const struct rln_row *rows[], size_t max);
/* R152: 0, or -EINVAL with the reason in `why`. */
int rln_table_check(const struct rln_table *table, char *why, size_t size);
const char *rln_action_name(unsigned action);
const char *rln_guard_name(unsigned guard);

/* Checks and expands the table. 0; -EINVAL: the table is refused (logged); -ENOMEM. */
int rln_machine_create(struct rln_machine **out, const struct rln_table *table, struct rln_session_manager *sessions,
	const struct rln_layers *layers) __attribute__((warn_unused_result));
void rln_machine_destroy(struct rln_machine *machine);
/*
 * The one entrance (R3). An event that arrives during a transition is queued behind it by the bus; one for an ended session is
 * counted, logged and does nothing. The event's block stays the caller's.
 */
void rln_machine_process_event(struct rln_machine *machine, struct rln_session_id id, const struct rln_event *ev);
