/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the machine's actions and guards reach: the dialog layer's direct calls and queries (R148), the one bus, control's
 * wheel, and what the process is set to. Filled by the coordinator with the real layers, by tests with doubles. Read by the
 * control lcore; constant after start.
 */
#pragma once

#include "lcore/event.h"
#include "lcore/wheel.h"
#include "session/registry.h"
#include "sip/message.h"

struct rln_hist;
struct rln_session;

/*
 * As sip/dialog.h says of the functions with these names. R148's initiate_call and terminate_call are not among them: they are
 * call-level intents, and those are published (R5), as INITIATE_CALL and TERMINATE_SESSION.
 */
struct rln_dialog_commands {
	struct rln_dialog_id (*create)(void *arg, const char *from, const char *to);
	int (*set_local_port)(void *arg, struct rln_dialog_id id, uint16_t port);
	int (*send_response)(void *arg, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra);
	int (*respond_offer)(void *arg, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra);
	int (*respond_update)(void *arg, struct rln_dialog_id id, uint16_t code, const char *extra);
	int (*send_update)(void *arg, struct rln_dialog_id id, const char *sdp);
	int (*send_ack)(void *arg, struct rln_dialog_id id, const char *sdp);
	int (*respond_refer)(void *arg, struct rln_dialog_id id, uint16_t code);
	int (*notify_transfer)(void *arg, struct rln_dialog_id id, uint16_t status);
	int (*find_replaced)(const void *arg, const struct rln_sip_msg *invite, struct rln_dialog_id *out);
	void (*release)(void *arg, struct rln_dialog_id id);
	enum rln_dialog_state (*get_state)(const void *arg, struct rln_dialog_id id);
	bool (*is_invite_open)(const void *arg, struct rln_dialog_id id);
	bool (*is_ack_pending)(const void *arg, struct rln_dialog_id id);
	bool (*peer_allows)(const void *arg, struct rln_dialog_id id, enum rln_sip_method method);
	int (*local_addr)(const void *arg, struct rln_dialog_id id, struct rln_addr *addr);
	bool (*can_retry)(const void *arg, struct rln_dialog_id id);
	bool (*is_answered)(const void *arg, struct rln_dialog_id id);
	bool (*is_answer_owed)(const void *arg, struct rln_dialog_id id);
	const char *(*remote_target)(const void *arg, struct rln_dialog_id id);
	void *arg;
};

/*
 * The way back up (R148): a call comes, stands, ends. It is no way beside the bus (R7): the session hub takes the event off it,
 * sees whose it is and calls the function for its kind; whatever else a dialog tells goes to the machine. `dialog` is the
 * subject; the payload is the event's member of that name, and the event goes along whole, for the machine and the
 * application are given it as it came. Its texts live until the function returns.
 */
struct rln_dialog_event_handler {
	void (*on_incoming_call)(void *arg, struct rln_dialog_id dialog, const struct rln_event *incoming_call);
	void (*on_call_established)(void *arg, struct rln_dialog_id dialog, const struct rln_event *call_established);
	void (*on_call_terminated)(void *arg, struct rln_dialog_id dialog, const struct rln_event *call_terminated);
	void *arg;
};

struct rln_linked_call {
	const char *to;      /* URI */
	const char *headers; /* whole lines with CRLF, or NULL */
};

struct rln_call_settings {
	uint32_t ring_limit_s; /* 0 = none */
	float loss_limit_pct;  /* above it another codec is tried (R174) */
	uint32_t transfer_limit_s; /* our REFER's result must be known by then */
	uint16_t retry_after_s;
	uint8_t codecs_n, codecs[RLN_CODEC_COUNT];
	uint8_t ptime_ms, telephone_event;
};

struct rln_layers {
	struct rln_dialog_commands dialog;
	struct rln_wheel *wheel;
	struct rln_session_manager *sessions;
	struct rln_call_settings set;
	struct rln_hist *setup_us[RLN_ROLE_COUNT]; /* INVITE to ACTIVE; NULL: not kept */
	/* The session hub's emit path (R149): 0 or -errno; the event's block is taken in every case. */
	int (*publish)(void *arg, struct rln_event *ev);
	/* Index of a local address in the net's table, -1 when it is none of ours. */
	int (*address_index)(void *arg, const struct rln_addr *addr);
	/* SIP port of a local peer, 0 = the transport's own. */
	uint16_t (*peer_port)(void *arg, unsigned peer);
	/* Places a call of ours for another session (consultation, transfer): MAKE_CALL under a reserved id (0: a fresh one on the
	 * same worker), linked to `cause` as enum rln_link says. *made is its id. 0 or -errno: the
	 * id was given back, its subscribers told. */
	int (*make_call)(void *arg, const struct rln_session *cause, uint64_t id, const struct rln_linked_call *call, uint64_t *made);
	/* A reserved id whose call will not be made: its subscribers learn that it ended, those of its peer too unless `cause` is
	 * NULL. Void when it is not reserved (any more). */
	void (*abandon)(void *arg, const struct rln_session *cause, uint64_t id);
	/* May the peer of this session have it transferred there? */
	bool (*allows_transfer)(void *arg, const struct rln_session *s, const char *refer_to);
	/* The call cannot give these audio channels a leg. */
	void (*end_channels)(void *arg, uint64_t channels);
	/* Nor this tap. */
	void (*end_tap)(void *arg, uint64_t tap);
	/* The session is about to be removed: its subscribers and its place in applications go. */
	void (*closed)(void *arg, struct rln_session_id id);
	void *arg;
};
