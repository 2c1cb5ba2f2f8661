/* SPDX-License-Identifier: BSD-3-Clause */
/* What the public functions share, and how dpdk_app/stages.c gives them the running appliance. */
#pragma once

#include "session/coordinator.h"
#include "session/inbox.h"
#include "session/ringlane.h"

struct rln_channels;
struct rln_hosts;
struct rln_channel;
struct rln_shard;
struct rln_taps;

struct rln_api { /* one run of the appliance as the API sees it; all 0 once it stopped: handles that are left say RLN_EENDED */
	struct rln_coord *coord;
	struct rln_channels *channels;
	uint16_t sip_port; /* the config's */
	unsigned workers;
	struct rln_shard *const *shards; /* for leg statistics */
	struct rln_hosts *hosts;         /* of handlers (host.h) */
	const char *domain;              /* host part of From in calls that we make; "" or NULL: our address */
	struct rln_taps *taps;           /* of packets (tap.h) */
};

/* dpdk_app/stages.c: the appliance runs (copied), or no longer does (NULL: never fails). The thread that starts and stops it.
 * 0 or -ENOMEM. */
int rln_api_bind(const struct rln_api *api);
/* The running appliance; starts one with all defaults when nobody did. NULL and errno. One rln_api_put() for each success. */
const struct rln_api *rln_api_get(void);
/* The last put of a run stops the appliance if rln_api_get() started it and it still runs. */
void rln_api_put(const struct rln_api *api);
/* The view stays readable until it is dropped, and nothing is kept running by it: for what an application may free after the handle
 * that it came from. */
const struct rln_api *rln_api_hold(const struct rln_api *api);
void rln_api_drop(const struct rln_api *api);

/* errno for a code below 0; RLN_EENDED, which is no errno, becomes EPIPE. */
void rln_set_errno(int rc);

/* The wait that timeout_ms stands for. */
int rln_wait_ms(int timeout_ms, enum rln_event_kind kind);

#define RLN_CALL_EVENTS 64 /* events that a call keeps for waits to come; older ones are forgotten */
#define RLN_AUDIO_HEALTH_MS 30000 /* R129 */

/* What an application asked of a call, where a wait is to learn that it will not come (api_order.c). */
enum rln_order {
	RLN_ORDER_ACCEPT,
	RLN_ORDER_HOLD,
	RLN_ORDER_RESUME,
	RLN_ORDER_TRANSFER,
	RLN_ORDER_CONSULT,
	RLN_ORDER_BRIDGE,
	RLN_ORDER_UNBRIDGE,
	RLN_ORDER_COUNT,
};

struct rln_audio_tx {
	const struct rln_api *api;
	struct rln_channel *channel; /* NULL: not taken yet */
};

/* owner: the thread that receives */
struct rln_audio_rx {
	const struct rln_api *api;
	struct rln_call *call; /* whose it is, NULL: a subscriber's own */
	struct rln_channel *channel;
	uint64_t handle, session;
	uint64_t since_ns;  /* frames are due since then, 0: not yet */
	uint32_t health_ms;
	bool heard, stopped;
};

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
	bool is_unclaimed;            /* the application has no handle (yet): a transfer of the peer's, an attended transfer of ours */
	bool completes;               /* the transfer follows as soon as the consultation is answered */
	uint16_t code, ended_by;      /* ended_by: the event kind behind the first state that had a reason */
	uint16_t refusal;             /* SIP status of the peer's last refusal within the call */
	uint64_t from;                /* session that caused this one, 0 = none */
	uint64_t consult;             /* session of our consultation, 0 = none */
	uint32_t failed;              /* bit per enum rln_order: asked for, and will not come; told once */
	int error[RLN_ORDER_COUNT];   /* why */
	uint64_t latched;             /* bit per latched kind, see latch_of() */
	uint16_t first, count;        /* of events */
	struct rln_event events[RLN_CALL_EVENTS];
	uint64_t media_ns;            /* MEDIA_NEGOTIATED came, 0 = not yet; also read by the audio thread */
	struct rln_audio_tx tx;       /* taken at the first audio call */
	struct rln_audio_rx rx;
	char end_text[128];
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
	struct rln_registration registration; /* as the engine told it last */
	bool registers;                       /* ordered, and nothing was told since */
	bool freed; /* rln_peer_free() came; the last call frees */
};

struct rln_callback { /* one event that a handler is to be told of, in order */
	struct rln_callback *next;
	struct rln_event ev;
	char from[256];
};

struct rln_coordinator {
	const struct rln_api *api;
	struct rln_call_handler handler;
	struct rln_signalling_handler signalling;
	char name[64];
	uint16_t port;
	bool started;
	unsigned number; /* of the local peer */
	struct rln_inbox inbox;
	/* Sessions whose end is to be told yet, by slot; of a coordinator that has started. */
	uint64_t *live;
	uint32_t slots, live_n;
	struct rln_callback *first, **last;
	/* of a wait in progress */
	struct rln_event *wanted;
	bool (*is_wanted)(void *arg, const struct rln_event *ev);
	void *wanted_arg;
	bool found;
};

/* api_coordinator.c: a session that the engine is about to be ordered to make, so that its end will be told; or was not, after all. */
void rln_coordinator_expect(struct rln_coordinator *c, struct rln_session_id id);
void rln_coordinator_forget(struct rln_coordinator *c, struct rln_session_id id);

/* api_call.c: a call on `peer` with a session; NULL and ENOMEM. Under the inbox lock, or before any event can come. */
struct rln_call *rln_call_make(struct rln_peer *peer, struct rln_session_id id);
/* One event of the call's session. Under the inbox lock. */
void rln_call_take(struct rln_call *call, const struct rln_event *ev);
/* The session never came to be, or nobody will tell: ends like a failed call. Under the inbox lock. */
void rln_call_never(struct rln_call *call, enum rln_end_reason reason);
/* One of the kinds that are latched came. Under the inbox lock. */
bool rln_call_has_latched(const struct rln_call *call, enum rln_event_kind kind);

/* api_order.c, under the inbox lock: what the event says of earlier orders; which of them lead to a state; the error of one that failed,
 * told once, 0 when none did. */
void rln_order_take(struct rln_call *call, const struct rln_event *ev);
int rln_order_failure(struct rln_call *call, enum rln_call_state wanted);

/* api_audio.c: takes the call's channels. 0 or a negative code. */
int rln_audio_take(struct rln_call *call);
void rln_audio_leave(struct rln_audio_rx *rx);

/* api_wait.c: as rln_inbox_wait(), and the peer's callbacks afterwards. */
int rln_call_wait(struct rln_call *call, bool (*ready)(void *arg), void *arg, int timeout_ms);

/* api_registration.c: REGISTRATION_STATUS_UPDATE. Under the inbox lock. */
void rln_peer_note_registration(struct rln_peer *peer, const struct rln_event *ev);

/* api_peer.c: a local peer and its subscriber, cfg->listener, who hears its first INVITE too. 0, or as rln_sub_create() and
 * rln_coord_add_peer(). */
int rln_listen(struct rln_coord *coord, struct rln_coord_peer_cfg *cfg, unsigned *number, int timeout_ms);
/* The call with this session, NULL when there is none. Under the inbox lock. */
struct rln_call *rln_peer_find(struct rln_peer *peer, uint64_t session);
void rln_peer_unlink(struct rln_peer *peer, struct rln_call *call);
/* Runs the incoming-call callback for what came. Not under the lock. */
void rln_peer_callbacks(struct rln_peer *peer);
void rln_peer_release(struct rln_peer *peer);
