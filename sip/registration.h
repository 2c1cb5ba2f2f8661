/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registration with a registrar (RFC 3261 10.2; requirements R151): one small machine for each address of record and SIP
 * port of ours, apart from all calls. It lives beside the dialogs and shares their resolver and credentials.
 *
 * REGISTER_ENDPOINT begins one, UNREGISTER_ENDPOINT ends it; both come by way of the transport's hub, from any layer. A
 * refresh is a REGISTER_ENDPOINT that its timer publishes, with the registration's id and no texts. Each step is told as
 * REGISTRATION_STATUS_UPDATE, with event.id = the registration's. Call-ID and tag stay for its life and CSeq grows
 * (10.2.4). Refused or unanswered it is tried again by itself, later and later, until it is unregistered; then it is
 * forgotten. owner: control lcore.
 */
#pragma once

#include "lcore/event.h"
#include "sip/message.h"

#define RLN_REGISTRATIONS 64 /* at once */

struct rln_dialogs;
struct rln_registrations; /* all of a dialog layer's */

/* Called by rln_dialogs_create(). 0 or -ENOMEM. */
int rln_registrations_create(struct rln_registrations **out, struct rln_dialogs *dialogs) __attribute__((warn_unused_result));
/* Whatever is registered stays so until it expires. */
void rln_registrations_destroy(struct rln_registrations *all);
/* REGISTER_ENDPOINT and UNREGISTER_ENDPOINT. */
void rln_registrations_handle(void *registrations, const struct rln_event *ev);
/* A response to a REGISTER, or a fault of its transaction (positive errno): `id` is the owner of the transaction. */
void rln_registrations_on_response(struct rln_registrations *all, uint64_t id, const struct rln_sip_msg *msg, uint64_t txn);
void rln_registrations_on_fault(struct rln_registrations *all, uint64_t id, uint64_t txn, int error);
uint32_t rln_registrations_in_use(const struct rln_registrations *all);
