/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 3261 dialogs: the user-agent core between transactions and the session machine. It keeps what the RFC keeps
 * (tags, CSeq, route set, remote target, the INVITE in progress), carries out what the machine orders and reports
 * upward; it decides nothing about a call. owner: control lcore.
 *
 * Direct calls go down from the session; events come up: the hub (dialog_hub.c) is the handler of session_to_dialog
 * and transport_to_dialog, and the one publisher of dialog_to_session, with event.id = the dialog's id. What needs no
 * session is answered here: OPTIONS outside a dialog, 405 with Allow, 415, 416, 420, 481, 482 (merged request), 400,
 * 406, CANCEL's own 200. Never 483: we do not forward.
 *
 * Every re-INVITE and UPDATE of theirs goes up as REINVITE_RECEIVED, with or without offer, in whatever state, and the
 * session's row is the answer: 200, 488, 491, 500. The dialog refreshes target and session timer (12.2.2; RFC 4028 7.4),
 * and answers by itself only
 *   - what it could not keep beside the one that the session has: 500 with Retry-After to a second re-INVITE or offer while
 *     the first is unanswered (14.2), to a second UPDATE while one is (RFC 3311 5.2), and to a PRACK with an offer before
 *     the first exchange is complete, since a refused PRACK acknowledges nothing;
 *   - where no session hears any more: 481, and 487 to what was open when the dialog ended (15.1.2).
 *
 * What comes up, and in which order:
 *   - DIALOG_STATE_CHANGED to EARLY or CONFIRMED comes before the event that tells the call (RINGING,
 *     CALL_ESTABLISHED); to TERMINATED it comes last: it is the report that a dialog has ended, once for every dialog
 *     that sent or received anything, and nothing follows it.
 *   - CALL_TERMINATED at most once: {REMOTE, 0} peer's BYE; {CANCELLED, 487} peer's CANCEL (or its BYE or its
 *     INVITE's Expires before our answer): the session then sends 487 with rln_dialog_send_response(); {NORMAL,
 *     status} our BYE was answered; {TIMEOUT, 408} it was not; {NETWORK, 0} it could not be sent.
 *   - A refused INVITE of ours gives CALL_STATE_CHANGED and the end; timer B gives TIMED_OUT (408), other transport
 *     faults DIALOG_ERROR {TRANSPORT, errno}. In a confirmed dialog the refusal of a re-INVITE is REFUSED, GLARE
 *     (491) or TIMED_OUT; a transport fault DIALOG_ERROR and then REFUSED (503). HOLD_SESSION and RESUME_SESSION, which
 *     return nothing, tell a re-INVITE that could not be sent in the same way; one that crossed a request of theirs is GLARE.
 *   - Three refusals of the first INVITE may be met: CHALLENGED, INTERVAL_TOO_SMALL and REDIRECTED. Unless the call was
 *     cancelled the dialog is idle afterwards and waits for the session: INITIATE_CALL sends the INVITE again, with
 *     what was asked for (worth trying when rln_dialog_can_retry()); TERMINATE_SESSION or a release ends it. So it does after
 *     any other refusal below 600, TIMED_OUT and a transport fault while a contact of a 3xx is left to try.
 *   - In a dialog that stands, requests of ours that are challenged go out once more by themselves.
 *   - TRANSFER_CALL is told as TRANSFER_TRYING (the 202, each provisional status in a NOTIFY) and then once as DONE or
 *     FAILED, with the status that the peer told; FAILED too when the REFER was refused or could not be sent (DIALOG_ERROR
 *     first for a transport fault), 408 when the reports ended in silence, 487 when they ended without a final status.
 *   - SEND_DTMF: a key that is refused is DIALOG_ERROR {REQUEST_REFUSED, code}, and those behind it are dropped.
 *   - 408 or 481 to a REFER or INFO is REFUSED with that code, no answer at all TIMED_OUT (408): the peer has no such call.
 *   - TRANSFER_REQUESTED wants rln_dialog_respond_refer(); until then further REFERs are put off.
 *   - UAS: ACK of the first 2xx gives CALL_ESTABLISHED; that of a re-INVITE only when our 2xx carried the offer.
 *     64*T1 without one: ACK_MISSING (408).
 *   - After each dialog's end (or at any time) the session calls rln_dialog_release(); until then the handle stays
 *     valid.
 */
#pragma once

#include "lcore/bus.h"
#include "lcore/wheel.h"
#include "sip/auth.h"
#include "sip/transport.h"

#define RLN_INFO_DIGITS 64 /* of SEND_DTMF that wait for their turn in a dialog */

struct rln_dialogs; /* dialog manager */

enum rln_reliable_mode { /* provisional responses that are acknowledged (RFC 3262) */
	RLN_RELIABLE_OFF,       /* ours only where the peer requires it */
	RLN_RELIABLE_SUPPORTED, /* where the peer can */
	RLN_RELIABLE_REQUIRED,  /* in every call: 421 to a peer that cannot, Require in our INVITEs */
};

struct rln_dialogs_cfg {
	struct rln_bus *bus;
	struct rln_wheel *wheel;
	struct rln_transport *transport;
	uint32_t dialogs;            /* table size; beyond it 503 with Retry-After */
	uint32_t t1_ms, t2_ms;
	uint16_t retry_after_s;
	uint8_t reliable;            /* enum rln_reliable_mode */
	uint32_t session_expires_s;  /* of the session timer that we ask for (RFC 4028), 0 = do not ask */
	uint32_t min_se_s;           /* the shortest that we take; at least 90 */
	const char *user_agent;      /* not copied */
	/* Optional: the address of a host name (the config's hosts table; port stays 0). 0 or -errno. NULL: no name is known. */
	int (*resolve)(const void *arg, const char *host, size_t len, struct rln_addr *out);
	const void *resolve_arg;
	/* Optional: answers to 401 and 407 (auth.h). NULL: we have no credentials. */
	int (*credentials)(const void *arg, const struct rln_addr *local, const char *local_uri, const char *realm,
		struct rln_credentials *out);
	const void *credentials_arg;
};

/* Also registers the dialog hub on the bus. 0 or -errno. Before the lcores run. */
int rln_dialogs_create(struct rln_dialogs **out, const struct rln_dialogs_cfg *cfg) __attribute__((warn_unused_result));
void rln_dialogs_destroy(struct rln_dialogs *dialogs);
/* An OPTIONS that waits for its answer is none. */
uint32_t rln_dialogs_in_use(const struct rln_dialogs *dialogs);
struct rln_bus *rln_dialogs_bus(const struct rln_dialogs *dialogs);

/* A UAC dialog from URI `from` to URI `to` (both with or without "sip:"); nothing is sent. {0} and errno: EINVAL
 * (bad URI), ENOMEM (table full), EPROTONOSUPPORT (not UDP), ENETUNREACH, EHOSTUNREACH (host is a name: we resolve
 * none but those in the hosts table of the config). */
struct rln_dialog_id rln_dialog_create(struct rln_dialogs *dialogs, const char *from, const char *to);
/* A source port of ours other than the transport's first one (several peers in one process). */
int rln_dialog_set_local_port(struct rln_dialogs *dialogs, struct rln_dialog_id id, uint16_t port);
/* INVITE (sdp NULL: late offer, the answer then goes in the ACK: rln_dialog_send_ack). extra: whole header lines
 * with CRLF, or NULL. 0 or -errno. Again after CHALLENGED, INTERVAL_TOO_SMALL or REDIRECTED, with the next CSeq: the
 * dialog starts anew at NONE, and sees to what was asked for itself (credentials, interval, the next contact). */
int rln_dialog_send_invite(struct rln_dialogs *dialogs, struct rln_dialog_id id, const char *sdp, const char *extra);
/* re-INVITE in a confirmed dialog. While our 2xx awaits its ACK the description is kept, and sent once the ACK is here
 * (an INVITE counts as open meanwhile). -EINPROGRESS while another INVITE of ours, or an offer of theirs, is open. */
int rln_dialog_send_update(struct rln_dialogs *dialogs, struct rln_dialog_id id, const char *sdp);
/* ACK of a 2xx that carried an offer: the answer. ACKs without body are sent by the dialog itself as soon as the 2xx comes. */
int rln_dialog_send_ack(struct rln_dialogs *dialogs, struct rln_dialog_id id, const char *sdp);
/* Response to the first INVITE while it is open; an INVITE's 2xx is retransmitted until its ACK (13.3.1.4). extra:
 * header lines such as Retry-After, or NULL. Once there is none, the same as the next call. */
int rln_dialog_send_response(struct rln_dialogs *dialogs, struct rln_dialog_id id, uint16_t code, const char *sdp,
	const char *extra);
/* Response to the re-INVITE, or the UPDATE or PRACK with an offer, that REINVITE_RECEIVED told of, whether or not the first
 * INVITE is still open. 0 and nothing sent when the peer has cancelled it meanwhile, or no longer waits. */
int rln_dialog_respond_offer(struct rln_dialogs *dialogs, struct rln_dialog_id id, uint16_t code, const char *sdp,
	const char *extra);
/* The same for an UPDATE without offer, which may come while an offer waits: a final code. 0 also when the dialog, or the
 * peer's wait, ended meanwhile, or no memory was left and its repetition will come up; -ENOTCONN: none is open. */
int rln_dialog_respond_update(struct rln_dialogs *dialogs, struct rln_dialog_id id, uint16_t code, const char *extra);
/* BYE. For a UAS whose 2xx awaits its ACK it is sent when the ACK comes or 64*T1 passed (15). 0 also when it was
 * ordered before. */
int rln_dialog_send_bye(struct rln_dialogs *dialogs, struct rln_dialog_id id);
/* CANCEL; waits for the first provisional when none came yet (9.1). */
int rln_dialog_send_cancel(struct rln_dialogs *dialogs, struct rln_dialog_id id);
/* Whichever of BYE, CANCEL, final refusal (code, or 480) the state asks for (TERMINATE_SESSION does this). 0;
 * -ENOTCONN when there is nothing to end. */
int rln_dialog_terminate(struct rln_dialogs *dialogs, struct rln_dialog_id id, uint16_t code);
/* The answer to the REFER that TRANSFER_REQUESTED told of: 2xx opens its subscription and sends the first NOTIFY, "100
 * Trying"; any other final code refuses it. 0, -ENOTCONN: none is open; -ETIMEDOUT: its sender no longer waits. */
int rln_dialog_respond_refer(struct rln_dialogs *dialogs, struct rln_dialog_id id, uint16_t code);
/* How that transfer goes: the status of the INVITE that it led to. A final one ends the subscription. 0, also when the
 * peer wants no reports; -ENOTCONN: no subscription (any more). */
int rln_dialog_notify_transfer(struct rln_dialogs *dialogs, struct rln_dialog_id id, uint16_t status);
/* The session is done with it: the dialog goes as soon as its transactions allow, silently. */
void rln_dialog_release(struct rln_dialogs *dialogs, struct rln_dialog_id id);

/* The dialog that an INVITE wants to take over (Replaces, RFC 3891 3). 0 and *out (id 0: the INVITE has no Replaces), or
 * -code: the status to refuse the INVITE with. */
int rln_dialog_find_replaced(const struct rln_dialogs *dialogs, const struct rln_sip_msg *invite, struct rln_dialog_id *out);

/* Queries for guards. */
/* By the peer's last Allow; true while it sent none. */
bool rln_dialog_peer_allows(const struct rln_dialogs *dialogs, struct rln_dialog_id id, enum rln_sip_method method);
enum rln_dialog_state rln_dialog_get_state(const struct rln_dialogs *dialogs, struct rln_dialog_id id);
bool rln_dialog_has_provisional(const struct rln_dialogs *dialogs, struct rln_dialog_id id);
bool rln_dialog_is_invite_open(const struct rln_dialogs *dialogs, struct rln_dialog_id id);   /* ours, no final response yet, or kept back */
/* Offer and answer of the first exchange are known to both: confirmed, or in a reliable provisional and its PRACK. */
bool rln_dialog_is_answered(const struct rln_dialogs *dialogs, struct rln_dialog_id id);
bool rln_dialog_is_ack_pending(const struct rln_dialogs *dialogs, struct rln_dialog_id id);   /* UAS: 2xx sent, ACK not seen */
/* A reliable provisional or 2xx came with an offer: the session owes its answer by rln_dialog_send_ack(). */
bool rln_dialog_is_answer_owed(const struct rln_dialogs *dialogs, struct rln_dialog_id id);
/* The last refusal of our first INVITE can be met: credentials are known and were not refused (RFC 3261 22.2), the
 * interval can be as long as they want (422, twice at most), there is a contact that we have not tried (3xx, five at
 * most; also after a refusal or a fault of the one before, 8.1.3.4). */
bool rln_dialog_can_retry(const struct rln_dialogs *dialogs, struct rln_dialog_id id);
/* Texts of the dialog for logs and callbacks; valid until the next call into the dialog layer. NULL when stale. */
const char *rln_dialog_call_id(const struct rln_dialogs *dialogs, struct rln_dialog_id id);
const char *rln_dialog_remote_uri(const struct rln_dialogs *dialogs, struct rln_dialog_id id);
/* The URI that requests in this dialog go to, the peer's Contact (12.1): this very device, where remote_uri may be several. As
 * above. */
const char *rln_dialog_remote_target(const struct rln_dialogs *dialogs, struct rln_dialog_id id);
/* Our address toward this dialog's peer (for SDP), without port. */
int rln_dialog_local_addr(const struct rln_dialogs *dialogs, struct rln_dialog_id id, struct rln_addr *addr);
