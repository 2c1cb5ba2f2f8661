/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the coordinator, for its own files: coordinator.c, peers.c, commands.c, session_hub.c, intercept.c,
 * factory.c. owner: control lcore. */
#pragma once

#include "session/coordinator.h"
#include "session/fsm.h"
#include "session/layers.h"
#include "sip/auth.h"

#define RLN_PEER_AOR 128

/* Who a peer is to the world, which any thread may ask: read again when the sequence moved meanwhile. Writer: control. */
struct rln_coord_aor {
	uint32_t sequence; /* odd: being written */
	uint32_t words[RLN_PEER_AOR / sizeof(uint32_t)];
};

/* Constant while in use, but for is_dying, calls and its account. Writer: control lcore, the main thread before the lcores run. */
struct rln_coord_peer {
	char name[RLN_PEER_NAME];
	struct rln_addr local; /* port always; ip any = every address */
	struct rln_signalling_handler handler;
	bool in_use, any_user, auto_answer, accept_transfers;
	bool is_dying;
	uint32_t calls;
	struct rln_credentials credentials; /* user empty: none; they never leave control */
	char aor[RLN_PEER_AOR];             /* that it last registered, or empty: what its From may have been; control's alone */
	struct rln_coord_aor from;          /* the same while it is registered, or tries to be */
};

struct rln_peer_order; /* peers.c: an application thread waits for control to add or remove a peer */

struct rln_heard;      /* registrations.c: what became of registrations */

struct rln_coord {
	struct rln_coord_cfg cfg;
	struct rln_layers layers;
	struct rln_dialog_event_handler from_dialog; /* session_hub.c; constant after start */
	struct rln_registry *registry;
	struct rln_session_manager *sessions;
	struct rln_machine *machine;
	struct rln_subs *subs;
	struct rln_heard *heard;
	struct rln_coord_peer peers[RLN_COORD_PEERS];
	struct rln_peer_order *orders; /* lock-free list, newest first */
	bool is_running;               /* control has turned: writer control, read by any */
	bool drain_wanted;             /* writer: any thread */
	bool is_draining;
	uint64_t second_ns; /* admission: calls in the second that began here */
	uint32_t second_calls;
	char scratch[RLN_BLOCK_SMALL]; /* headers of an INVITE as a text that ends */
};

/* session_hub.c: the session layer's one emit path (R149). 0 also when the event waits in the backlog; else -errno. Takes
 * the block. */
int rln_session_hub_publish_event(struct rln_coord *coord, struct rln_event *ev);
/* Registers the session hub for its four categories. */
int rln_session_hub_register(struct rln_coord *coord);

/* commands.c: rln_coord_make_call() that leaves the id to the caller when it fails. */
int rln_coord_place_call(struct rln_coord *coord, struct rln_session_id session, const struct rln_call_request *request);

/* peers.c */
void rln_peers_serve(struct rln_coord *coord);
/* Of the local peer that an INVITE to this address and user is for; RLN_COORD_PEERS: nobody. */
unsigned rln_peers_find(const struct rln_coord *coord, const struct rln_addr *local, const char *user, size_t len);
/* A session of this peer came or went. */
void rln_peers_count(struct rln_coord *coord, unsigned peer, int by);
/* HANGUP_CALL to every session of a peer (RLN_COORD_PEERS: of all). */
void rln_coord_hangup_all(struct rln_coord *coord, unsigned peer);
/* A registration's address of record and, unless user is NULL, the peer's credentials from now on. 0, -EINVAL or as
 * rln_coord_add_peer(). Any thread. */
int rln_peers_set_account(struct rln_coord *coord, unsigned peer, const char *aor, const char *user, const char *password,
	int timeout_ms);
/* What became of the registration of an address of record. Control lcore. */
void rln_peers_note_registration(struct rln_coord *coord, unsigned peer, const char *aor, bool is_over);
/* The peer's address of record for a From, "" when it is not registered. Any thread. */
void rln_peers_from(const struct rln_coord_peer *peer, char out[RLN_PEER_AOR]);

/* registrations.c */
int rln_registrations_watch(struct rln_coord *coord) __attribute__((warn_unused_result));
void rln_registrations_unwatch(struct rln_coord *coord);
/* UNREGISTER_ENDPOINT for everything that is registered, or tries to be. Control lcore. */
void rln_coord_unregister_everybody(struct rln_coord *coord);
