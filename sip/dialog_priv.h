/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the dialog layer: dialog.c (life, states, the public calls), dialog_query.c (the public questions),
 * dialog_uac.c and dialog_uas.c (the two halves of a user agent), dialog_ask.c (requests inside the dialog other than
 * INVITE), dialog_retry.c (a first INVITE that was refused and may go again), dialog_request.c (writing and sending),
 * dialog_route.c (the other side: target, route set, next hop), dialog_hub.c (the bus), uas_policy.c (answers that
 * need no session). owner of everything: control lcore. dialog_state.h has the data.
 */
#pragma once

#include "sip/dialog_state.h"

/* dialog.c */
struct rln_dialog *rln_dialog_get(const struct rln_dialogs *all, uint64_t id);
/* The dialog that a request or response belongs to (12.2.2): Call-ID, our tag, and theirs unless it is not settled
 * yet; NULL when there is none. */
struct rln_dialog *rln_dialog_find(const struct rln_dialogs *all, struct rln_span call_id, struct rln_span local_tag,
	struct rln_span remote_tag);
bool rln_dialog_is_merged(const struct rln_dialogs *all, const struct rln_sip_msg *invite);
/* A dialog for an INVITE of theirs; NULL: table full or no memory. */
struct rln_dialog *rln_dialog_create_uas(struct rln_dialogs *all, const struct rln_sip_msg *invite);
/* Requests of the peer do not find it any more. */
void rln_dialog_unindex(struct rln_dialog *d);
void rln_dialog_set_state(struct rln_dialog *d, enum rln_dialog_state state);
/* The dialog is over: TERMINATED goes up, and nothing after it. */
void rln_dialog_end(struct rln_dialog *d);
/* The order could not be carried out, and nobody else would end the dialog: says so and ends it. */
void rln_dialog_fail(struct rln_dialog *d, int error);
enum rln_dialog_fault rln_dialog_fault_of(int error);
/* Frees the dialog when the session is done with it and nothing is open. End of every call into the layer. */
void rln_dialog_settle(struct rln_dialog *d);
int rln_dialog_bye(struct rln_dialog *d);
int rln_dialog_finish(struct rln_dialog *d, uint16_t code); /* what rln_dialog_terminate() does */
#define RLN_URI_MAX 1024 /* of a caller's URI */
/* A caller's URI into `out`, with the "sip:" that it may have left out, and without what could start a header of its own. */
int rln_dialog_take_uri(char out[RLN_URI_MAX], struct rln_sip_uri *uri, const char *in);

/* dialog_peer.c: what a message of the peer says of what it can. */
void rln_dialog_note_peer(struct rln_dialog *d, const struct rln_sip_msg *msg);

/* dialog_uac.c */
int rln_uac_invite(struct rln_dialog *d, struct rln_span sdp, struct rln_span extra);
/* A re-INVITE with this description, now or once the ACK of our 2xx is here. */
int rln_uac_offer(struct rln_dialog *d, struct rln_span sdp);
void rln_uac_send_queued(struct rln_dialog *d); /* when nothing stands in its way any more */
void rln_uac_offer_failed(struct rln_dialog *d, int error);
int rln_uac_cancel(struct rln_dialog *d);
void rln_uac_ack_pending(struct rln_dialog *d); /* the session no longer will: ACK without its answer */
void rln_uac_on_response(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn);
void rln_uac_on_fault(struct rln_dialog *d, uint64_t txn, int error);
void rln_uac_on_guard(struct rln_timer *timer, uint64_t now_ns);

struct rln_dialog_sent { /* a response as the transport takes it */
	rln_block_ref block;
	struct rln_slice reason, headers, body;
};

/* dialog_uas.c */
/* To the first INVITE while it is open, else to the offer that the dialog holds. */
struct rln_dialog_response {
	uint16_t code;
	struct rln_span sdp, extra; /* extra: whole header lines with CRLF */
	uint32_t rseq;              /* of a reliable provisional, 0 = none */
};
int rln_uas_respond(struct rln_dialog *d, uint16_t code, struct rln_span sdp, struct rln_span extra);
int rln_uas_respond_offer(struct rln_dialog *d, uint16_t code, struct rln_span sdp, struct rln_span extra);
/* To the UPDATE without offer; extra as a string or NULL. */
int rln_uas_respond_update(struct rln_dialog *d, uint16_t code, const char *extra);
/* ---- for the files that answer what is not INVITE ---- */
/* Decimal digits at the start, taken off; false when there are none or too many. */
bool rln_take_number(struct rln_span *text, uint32_t *out);
/* Writes and sends; *keep as rln_dialogs_send_response(). */
int rln_uas_write(struct rln_dialog *d, const struct rln_dialog_theirs *r, const struct rln_dialog_response *response,
	struct rln_dialog_sent *keep);
void rln_uas_provisional_sent(struct rln_dialog *d, uint16_t code);
int rln_uas_accept(struct rln_dialog *d, const struct rln_dialog_response *response); /* 2xx to the first INVITE */
/* 200 without a body. -ENOBUFS: nothing was sent, and its repetition will be as good as new. */
int rln_uas_accept_plain(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn);
/* An offer of theirs goes up, or is refused when nobody would hear of it. */
void rln_uas_open_offer(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn);
void rln_uas_on_invite(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn);
void rln_uas_on_request(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn);
void rln_uas_on_cancel(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn);
/* The guard of an INVITE of theirs fired; false when it was not that which waited. */
bool rln_uas_on_expires(struct rln_dialog *d);
void rln_uas_on_repeat(struct rln_timer *timer, uint64_t now_ns);
void rln_uas_on_fault(struct rln_dialog *d, uint64_t txn, int error);
void rln_uas_drop_answer(struct rln_dialog *d);

/*
 * dialog_ask.c: a request of ours inside the dialog other than INVITE, ACK and CANCEL. Challenged (401, 407) it goes out
 * once more by itself, with the next CSeq, when we have credentials. `done` is called exactly once with the final
 * response, or with msg NULL and a positive errno (ETIMEDOUT: timer F), unless the dialog ends before; it may ask
 * again, and end the dialog. Provisional responses are not told. Several may be open at once.
 */
struct rln_dialog_ask {
	enum rln_sip_method method;
	struct rln_span extra;           /* whole header lines with CRLF; copied */
	struct rln_span body;            /* copied */
	const char *content_type;        /* of the body, a literal; NULL: application/sdp */
	void (*done)(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error);
	uint64_t arg;                    /* the asker's, for done */
	struct rln_dialog_remote *remote; /* an early dialog's, taken when it succeeds; NULL: the dialog's own */
};
/* 0 or -errno: -ENOTCONN (the dialog is over), -ENOMEM, and those of rln_dialog_request(). */
int rln_dialog_ask(struct rln_dialog *d, const struct rln_dialog_ask *ask);
/* Is a request of that method open? */
bool rln_dialog_is_asking(const struct rln_dialog *d, enum rln_sip_method method);
/* The answer to one of them, or a fault of its transaction; false when the transaction is none of theirs. */
bool rln_ask_on_response(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn);
bool rln_ask_on_fault(struct rln_dialog *d, uint64_t txn, int error);
/* Nobody waits for answers any more. */
void rln_ask_drop(struct rln_dialog *d);

/* dialog_retry.c */
/* Can a 401 or 407 to a request of ours be answered with credentials? Learns them. */
bool rln_retry_learn(struct rln_dialog *d, struct rln_auth_tries *tries, const struct rln_sip_msg *msg);
/* Our first INVITE was refused: remembers what was asked for; sets d->again.allowed. */
void rln_retry_on_refusal(struct rln_dialog *d, const struct rln_sip_msg *msg);
/* It came to nothing in any other way: is there a contact of a 3xx that was not tried? Sets d->again.allowed. */
bool rln_retry_elsewhere(struct rln_dialog *d);
/* Before it goes out again: toward the next contact, when a 3xx named one. 0, -ENOMEM or -ENETUNREACH. */
int rln_retry_prepare(struct rln_dialog *d);

/* dialog_request.c. 0 or -errno: -EHOSTUNREACH, -ENOBUFS, -EMSGSIZE. */
struct rln_dialog_request {
	enum rln_sip_method method;
	uint32_t cseq;
	uint64_t owner;                         /* whose events the transaction's are; 0 = nobody's */
	const struct rln_dialog_remote *remote;
	struct rln_span extra, sdp;
	const char *body_type;                  /* of `sdp` when it is none; NULL: application/sdp */
	char *branch;                           /* in for CANCEL, else out: RLN_BRANCH_MAX */
	uint64_t *txn;                          /* out */
	char **credentials;                     /* out, unless NULL: the Authorization lines that went with it; free them */
};
int rln_dialog_request(struct rln_dialog *d, const struct rln_dialog_request *req);
/* The ACK to a 2xx: outside any transaction. */
int rln_dialog_ack(struct rln_dialog *d, const struct rln_dialog_remote *remote, uint32_t cseq, struct rln_span sdp);
/* A response under construction, up to and without its body. */
void rln_dialog_write_contact(struct rln_text *t, const struct rln_dialog *d);
/* Ends the text with its body and gives it to the transport. *keep, when not NULL, receives the block with a
 * reference of the caller's. */
int rln_dialogs_send_response(struct rln_dialogs *all, struct rln_text *t, uint64_t owner, uint64_t txn, uint16_t status,
	struct rln_span sdp, struct rln_dialog_sent *keep);
void rln_dialogs_publish_response(struct rln_dialogs *all, const struct rln_dialog_sent *sent, uint64_t owner, uint64_t txn,
	uint16_t status);

/* dialog_route.c */
/* Where requests to this URI go (RFC 3263 without names but those of cfg.resolve). 0, -EHOSTUNREACH,
 * -EPROTONOSUPPORT or -EINVAL. */
int rln_dialogs_resolve(const struct rln_dialogs *all, struct rln_span uri, struct rln_addr *out);
struct rln_dialog_remote *rln_dialog_remote_new(const struct rln_dialogs *all, const struct rln_dialog_remote_parts *parts);
/* From a request (as it stands) or a response (route set reversed), with the target to use when it has no Contact.
 * NULL: no memory. */
struct rln_dialog_remote *rln_dialog_remote_of(const struct rln_dialogs *all, const struct rln_sip_msg *msg,
	struct rln_span target);
/* Target refresh (12.2): the message's Contact takes the target's place. */
void rln_dialog_refresh_target(struct rln_dialog *d, const struct rln_sip_msg *msg);
void rln_dialog_write_route(struct rln_text *t, const struct rln_dialog_remote *remote);
/* The Request-URI (12.2.1.1). */
struct rln_span rln_dialog_request_uri(const struct rln_dialog_remote *remote);

/* dialog_hub.c: the one way up. Silent when the session is done with the dialog, or its end was reported. `msg` may be NULL. */
void rln_dialog_hub_handle(void *dialogs, const struct rln_event *ev);
int rln_dialog_emit_incoming(struct rln_dialog *d, const struct rln_sip_msg *msg);
void rln_dialog_emit_progress(struct rln_dialog *d, enum rln_call_progress progress, uint16_t status,
	const struct rln_sip_msg *msg);
void rln_dialog_emit_sdp(struct rln_dialog *d, enum rln_event_kind kind, const struct rln_sip_msg *msg);
/* 0; -ENOTCONN: nobody would hear of it; -ENOBUFS: no room for it. */
int rln_dialog_emit_reinvite(struct rln_dialog *d, const struct rln_sip_msg *msg);
void rln_dialog_emit_terminated(struct rln_dialog *d, enum rln_end_reason reason, uint16_t code);
void rln_dialog_emit_error(struct rln_dialog *d, enum rln_dialog_fault fault, unsigned code);
void rln_dialog_emit_state(struct rln_dialog *d, enum rln_dialog_state from, enum rln_dialog_state to);
/* TRANSFER_REQUESTED; the event's block is taken in every case. -ENOTCONN: nobody would hear of it. */
int rln_dialog_emit_transfer(struct rln_dialog *d, struct rln_event *ev);
/* DTMF_RECEIVED: one key by INFO. */
void rln_dialog_emit_key(struct rln_dialog *d, char key, uint16_t duration_ms);
/* The message's SDP: its body, when that is what it claims to be. */
struct rln_slice rln_dialog_sdp_of(const struct rln_sip_msg *msg);

/* uas_policy.c */
/* Answers what needs no dialog and no session; true when it did. */
bool rln_policy_answers(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn);
/* OPTIONS (11.2), and what else may come outside a dialog. */
void rln_policy_options(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn);
/* A response without more than header lines; tag NULL: as for a stateless one. */
void rln_policy_respond(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn, uint16_t status,
	const char *tag, const char *extra);
/* 500 with Retry-After 0-10 (14.2). */
void rln_policy_respond_later(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn);
/* Allow, Supported and Allow-Events, as header lines; 100rel in a request asks for reliable provisionals. */
void rln_policy_write_abilities(struct rln_text *t, bool wants_reliable);
