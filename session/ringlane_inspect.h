/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Part of ringlane.h: read access to the engine: who belongs to whom, what the state table says, and the entrance for events of a
 * transport that is the application's own. Routing, queues and deferred calls of applications build on it.
 *
 * Threads: any, at any time; nothing here waits. What is read is a snapshot.
 */
#pragma once

#include "session/ringlane_coordinator.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rln_registry; /* Who belongs to whom: session, dialog, media. */
struct rln_machine;  /* The state table. */

/** What the registry knows of a call. */
struct rln_call_info {
	struct rln_session_id session; /**< never 0 */
	struct rln_dialog_id dialog;   /**< 0: none yet, or no more */
	struct rln_media_id media;     /**< 0: none yet, or no more */
	enum rln_call_state state;     /**< of that moment */
	enum rln_call_role role;       /**< who called */
};

/** The process's registry; valid while the runtime runs. NULL: it stopped. */
const struct rln_registry *rln_coordinator_registry(const struct rln_coordinator *c);
/** The call that a session's, dialog's or media leg's id belongs to. 0; -ENOENT: none (a stale id is counted). */
int rln_registry_lookup(const struct rln_registry *registry, uint64_t id, struct rln_call_info *out);
/** Every call, at most `max`; returns how many were written. */
size_t rln_registry_list(const struct rln_registry *registry, struct rln_call_info *out, size_t max);

/** The state table, the same for all calls. NULL: the runtime stopped. */
const struct rln_machine *rln_coordinator_machine(const struct rln_coordinator *c);

/** What a row of the table does with its event. */
enum rln_machine_verdict { RLN_VERDICT_GO, RLN_VERDICT_IGNORE, RLN_VERDICT_REJECT, RLN_VERDICT_DEFER };

#define RLN_MACHINE_NAMES 6 /**< actions or publications of a row at most */

/** One row, in words; the texts are constant. */
struct rln_machine_row {
	enum rln_machine_verdict verdict;       /**< GO: the other fields say what happens */
	const char *guard;                      /**< the row holds when this does; "" = the cell's last row, which always holds */
	const char *actions[RLN_MACHINE_NAMES]; /**< in order; NULL behind the last */
	bool returns;                           /**< back to the state that the session kept */
	enum rln_call_state next;               /**< state afterwards, unless `returns` */
	uint16_t code;                          /**< REJECT: SIP status, or errno for a command of the application */
	const char *why;                        /**< of IGNORE, REJECT and DEFER */
};

/** The rows of one cell, in the order in which they are tried: what the machine does with events like *event (kind, and new_state of
 * CALL_STATE_CHANGED) in `state`. At most `max`; returns how many the cell has, 0: no events of that kind reach the machine. */
size_t rln_machine_rows(const struct rln_machine *machine, enum rln_call_state state, enum rln_call_role role, const struct rln_event *event,
	struct rln_machine_row *rows, size_t max);

/** What a SIP transport of the application's own tells; texts are copied. */
struct rln_transport_event {
	/** The dialog's new INVITE, or a response to a request of ours in it. */
	enum { RLN_TRANSPORT_INCOMING_INVITE, RLN_TRANSPORT_RESPONSE } kind;
	struct rln_dialog_id dialog; /**< of the dialog layer */
	const char *from;            /**< INCOMING_INVITE: URI of the caller */
	const char *to;              /**< INCOMING_INVITE: URI of whom it is for */
	const char *sdp;             /**< offer, or answer of the response; NULL: none */
	uint16_t status;             /**< RESPONSE: 100-699 */
};

/** Hands an event of a dialog to the engine as if the dialog layer had raised it: INCOMING_INVITE goes to the interceptor, which asks the
 * handler of this coordinator; RESPONSE by the registry to the session's machine. What is for no session is counted and does nothing.
 * 0; -EINVAL; -ENOTCONN (not started); -ENOBUFS; RLN_EENDED. */
int rln_coordinator_handle_transport_event(struct rln_coordinator *c, const struct rln_transport_event *event);

#ifdef __cplusplus
}
#endif
