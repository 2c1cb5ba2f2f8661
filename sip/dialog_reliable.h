/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Provisional responses that arrive for sure (RFC 3262): dialog_reliable.c sends them and takes their PRACK, dialog_prack.c
 * receives them and sends it. A dialog has either state only once such a response exists. owner: control lcore.
 */
#pragma once

#include "sip/dialog_priv.h"

/* ---- dialog_reliable.c: the server half ---- */

/* Are the provisionals of this INVITE sent reliably: required, or supported and wanted? */
bool rln_reliable_is_wanted(const struct rln_dialogs *all, const struct rln_sip_msg *invite);
/* 421, when the config wants what the INVITE lacks. */
bool rln_reliable_answers(struct rln_dialogs *all, const struct rln_sip_msg *invite, uint64_t txn);
/* Sends a provisional response, or keeps it until the one before is acknowledged. 0, -ENOMEM, -ENOBUFS (too many wait). */
int rln_reliable_send(struct rln_dialog *d, const struct rln_dialog_response *response);
/* A 2xx may not overtake the session description that stands unacknowledged: it is kept too (RFC 3262 3). */
bool rln_reliable_holds(const struct rln_dialog *d);
int rln_reliable_keep(struct rln_dialog *d, const struct rln_dialog_response *response);
/* What was kept goes out as far as it may. */
void rln_reliable_advance(struct rln_dialog *d);
/* The INVITE has its final response: no repetitions any more; the last PRACK is still taken. */
void rln_reliable_stop(struct rln_dialog *d);
void rln_reliable_on_prack(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn);
/* The PRACK that answered our offer, which the session hears of with the ACK. NULL: none did. */
const struct rln_sip_msg *rln_reliable_answer(const struct rln_dialog *d);
void rln_reliable_free(struct rln_dialog *d);

/* ---- dialog_prack.c: the client half ---- */

/* A provisional response to the INVITE in progress. False when the session is not to hear of it: repeated, out of order, or
 * its PRACK could not be sent. */
bool rln_prack_on_provisional(struct rln_dialog *d, const struct rln_sip_msg *msg);
/* Does the session owe an answer to the offer of a reliable provisional (of the fork that this response comes from; NULL: of any)? */
bool rln_prack_owes(const struct rln_dialog *d, const struct rln_sip_msg *msg);
/* That answer. 0, -ENOTCONN (none is owed), or as rln_dialog_ask(). */
int rln_prack_answer(struct rln_dialog *d, struct rln_span sdp);
/* Are offer and answer exchanged with the fork that this response comes from? */
bool rln_prack_is_answered(const struct rln_dialog *d, const struct rln_sip_msg *msg);
void rln_prack_free(struct rln_dialog *d);
