/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 3261 17 transactions with the corrections of RFC 6026, as small slots on our own timer wheel: at most 512 bytes and
 * the last message to retransmit. Found by branch, sent-by and method (17.1.3, 17.2.3), or by RFC 2543 rules (17.2.3) when
 * the branch has no cookie. owner: control lcore. The transaction layer absorbs retransmissions; what goes up went up once.
 *
 * The ACK to a non-2xx is made and sent here (17.1.1.3); the ACK to a 2xx, and retransmission of 2xx, belong to the dialog
 * (13.3.1.4). A transaction ends by itself; handles turn stale. Timers B, F and H, and send failures, come up as
 * TRANSPORT_ERROR.
 */
#pragma once

#include "lcore/id.h"
#include "sip/message.h"

struct rln_txns; /* the table; made by the transport */

enum rln_txn_kind { RLN_TXN_ICT, RLN_TXN_NICT, RLN_TXN_IST, RLN_TXN_NIST };

/* A client transaction about to send `method`; writes its branch, for the Via of the request to be built. {0} when the
 * table is full. For CANCEL `branch` holds, on entry, that of the INVITE to be cancelled, and stays as it is (9.1). */
#define RLN_BRANCH_MAX 40
struct rln_txn_id rln_txn_new_client(struct rln_txns *txns, enum rln_sip_method method, char branch[RLN_BRANCH_MAX])
	__attribute__((warn_unused_result));
/* The owner (a dialog id) whose events this transaction's are: event.id of what it publishes. 0 = none yet. */
void rln_txn_set_owner(struct rln_txns *txns, struct rln_txn_id id, uint64_t owner);
uint64_t rln_txn_owner(const struct rln_txns *txns, struct rln_txn_id id);
/* A client transaction whose request leaves from this address and port of ours; not called: rln_transport_local_for() its
 * destination. */
void rln_txn_set_local(struct rln_txns *txns, struct rln_txn_id id, const struct rln_addr *local);
/* The request of a server transaction (kept until its final response was sent), NULL when gone. The table keeps the reference. */
struct rln_sip_msg *rln_txn_request(const struct rln_txns *txns, struct rln_txn_id id);
/* The server INVITE transaction that a CANCEL matches (9.2), {0} when none. */
struct rln_txn_id rln_txn_cancelled_by(const struct rln_txns *txns, const struct rln_sip_msg *cancel);
/* Client INVITE: has a provisional been received; is it still without final response? */
bool rln_txn_has_provisional(const struct rln_txns *txns, struct rln_txn_id id);
bool rln_txn_is_open(const struct rln_txns *txns, struct rln_txn_id id);
/* Ends a client transaction silently (its request could not be built). */
void rln_txn_drop(struct rln_txns *txns, struct rln_txn_id id);
uint32_t rln_txns_in_use(const struct rln_txns *txns);
