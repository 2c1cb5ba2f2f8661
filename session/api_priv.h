/* SPDX-License-Identifier: BSD-3-Clause */
/* What the public functions share, and how dpdk_app/stages.c gives them the running appliance. */
#pragma once

#include "session/coordinator.h"
#include "session/inbox.h"
#include "session/ringlane.h"

struct rln_channels;
struct rln_hosts;
struct rln_shard;
struct rln_taps;

struct rln_api { /* the running appliance as the API sees it; all 0 once it stopped: handles that are left say RLN_EENDED */
	struct rln_coord *coord;
	struct rln_channels *channels;
	uint16_t sip_port; /* the config's */
	unsigned workers;
	struct rln_shard *const *shards; /* for leg statistics */
	struct rln_hosts *hosts;         /* of handlers (host.h) */
	const char *domain;              /* host part of From in calls that we make; "" or NULL: our address */
	struct rln_taps *taps;           /* of packets (tap.h) */
};

/* dpdk_app/stages.c: the appliance runs (copied), or no longer does (NULL). The thread that starts and stops it. */
void rln_api_bind(const struct rln_api *api);
/* The running appliance; starts one with all defaults when nobody did. NULL and errno. One rln_api_put() for each success. */
const struct rln_api *rln_api_get(void);
/* The last put stops an appliance that rln_api_get() started. */
void rln_api_put(void);

#define RLN_CALL_EVENTS 64 /* events that a call keeps for waits to come; older ones are forgotten */

/* owner: its peer's inbox lock; the application's threads reach it through the functions of ringlane.h alone */
struct rln_call {
	struct rln_peer *peer;
	struct rln_session_id id;
	struct rln_media_id media;    /* its leg, 0 = not known yet */
	struct rln_call *next;        /* of the peer's calls */
	uint32_t states_seen;         /* bit per enum rln_call_state */
	uint8_t state, reason;
	bool ended;                   /* SESSION_TERMINATED came */
	bool is_recording;            /* RECORDING_STARTED came, and nothing that ends it */
	uint16_t code;
	uint64_t latched;             /* bit per latched kind, see latch_of() */
	uint16_t first, count;        /* of events */
	struct rln_event events[RLN_CALL_EVENTS];
	struct rln_channel *channel;  /* taken at the first audio call */
	uint64_t channel_handle;
	char end_text[96];
};

/* An incoming call that the application has not decided on. */
struct rln_incoming {
	struct rln_call *call;
	struct rln_incoming *next;
	char from[256];
};

struct rln_peer {
	const struct rln_api *api;
	unsigned number; /* of the coordinator */
	char from[256];  /* URI of calls that we make when the config names a domain, else "" */
	struct rln_inbox inbox;
	struct rln_call *calls;
	struct rln_incoming *first, **last; /* waiting to be asked for */
	rln_incoming_callback on_incoming;
	void *on_incoming_arg;
	bool freed; /* rln_peer_free() came; the last call frees */
};

/* api_call.c: a call on `peer` with a session; NULL and ENOMEM. Under the inbox lock, or before any event can come. */
struct rln_call *rln_call_make(struct rln_peer *peer, struct rln_session_id id);
/* One event of the call's session. Under the inbox lock. */
void rln_call_take(struct rln_call *call, const struct rln_event *ev);
/* api_peer.c: the call with this session, NULL when there is none. Under the inbox lock. */
struct rln_call *rln_peer_find(struct rln_peer *peer, uint64_t session);
void rln_peer_unlink(struct rln_peer *peer, struct rln_call *call);
/* Runs the incoming-call callback for what came. Not under the lock. */
void rln_peer_callbacks(struct rln_peer *peer);
void rln_peer_release(struct rln_peer *peer);
