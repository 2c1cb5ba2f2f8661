/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The coordinator (R27): wires bus, dialog layer, transport, registry, interceptor, machine and cleanup into one engine of
 * calls; there is one per process. ringlane.h's `struct rln_coordinator` and `struct rln_peer` are views of it: each is one
 * local peer (a name and a SIP port) with subscribers.
 *
 * How an application makes a call and never misses an event of it, from any thread:
 *
 *     id = rln_coord_reserve(coord);                          the session's id, before the call exists
 *     rln_sub_create(&sub, rln_coord_subs(coord), {SESSION, id});
 *     rln_coord_make_call(coord, id, &request);               MAKE_CALL on the bus
 *     rln_sub_wait(sub, ms); rln_sub_pop(sub, &ev);           SESSION_CREATED, ..., SESSION_TERMINATED, then -EPIPE
 *
 * Incoming calls: a PEER subscriber gets SESSION_CREATED and INCOMING_CALL (same id) and every later event of that peer's
 * sessions. To give a call a ring of its own, let the PEER reader hand events on by id: a SESSION subscriber made after
 * INCOMING_CALL can miss what came between.
 *
 * Every command is an application_to_session event; the functions here only build and publish it. They return 0 or -ENOBUFS
 * (command ring or block pool), -EINVAL (argument). Whether the machine took it shows in the events that follow: STATE_CHANGED,
 * MEDIA_EVENT, SESSION_TERMINATED.
 */
#pragma once

#include "lcore/bus.h"
#include "lcore/wheel.h"
#include "session/registry.h"
#include "session/ringlane.h"
#include "session/subscribers.h"

struct rln_config_registration;
struct rln_coord;
struct rln_channels;
struct rln_dialogs;
struct rln_hist;
struct rln_net_shared;
struct rln_placement;
struct rln_taps;

#define RLN_COORD_PEERS 64
#define RLN_PEER_NAME 64
#define RLN_COORD_TONES 64         /* digits of one order: what a leg and the INFO queue of a dialog hold */
#define RLN_COORD_TONE_MS 100      /* of a digit when nobody says */
#define RLN_COORD_TONE_MIN_MS 40   /* as a leg takes them (rtp/dtmf_tx.h) */
#define RLN_COORD_TONE_MAX_MS 4000

struct rln_coord_cfg {
	struct rln_bus *bus;                /* workers were added */
	struct rln_wheel *wheel;            /* control's */
	struct rln_dialogs *dialogs;
	const struct rln_net_shared *net;
	struct rln_placement *placement;
	struct rln_channels *channels;      /* NULL: no audio channels */
	struct rln_taps *taps;              /* NULL: no taps */
	uint32_t sessions;                  /* at once */
	uint32_t dialogs_max;               /* as rln_dialogs_cfg.dialogs */
	uint32_t legs_per_worker;           /* as rln_shard_cfg.legs */
	uint32_t calls_per_second;          /* admission of incoming calls; 0 = no limit */
	uint32_t ring_limit_s;              /* 480 after ringing this long; 0 = never */
	uint16_t retry_after_s;             /* in a 503 */
	uint8_t codecs_n, codecs[RLN_CODEC_COUNT]; /* enum rln_codec, best first */
	uint8_t ptime_ms;                   /* 20 */
	uint8_t telephone_event;            /* payload type to offer, 0 = none */
	float loss_limit_pct;               /* above it another codec is tried (R174) */
	uint32_t transfer_limit_s;          /* a REFER of ours must be settled by then */
	bool accept_transfers;              /* of calls whose peer takes every user part and has no on_transfer: carry out REFER */
	const struct rln_config_registration *registrations; /* of the server itself, with credentials that serve its calls too; */
	unsigned registrations_n;                            /* they outlive the coordinator */
};

/*
 * Registers the session hub (dialog_to_session, media_to_session, session_to_application, application_to_session) on the
 * control endpoint; refuses a broken state table. 0, -EINVAL, -ENOMEM or -errno. Main thread, before the lcores run.
 */
int rln_coord_create(struct rln_coord **out, const struct rln_coord_cfg *cfg) __attribute__((warn_unused_result));
/* After the lcores ended. Sessions that are left end without SIP; their readers get SESSION_TERMINATED (NETWORK) and -EPIPE. */
void rln_coord_destroy(struct rln_coord *coord);
/* Task of the control loop, after bus, transport and wheel: housekeeping, requests of peers, refill of ids, drain. Returns
 * what it found to do. */
unsigned rln_coord_poll(void *coord, uint64_t now_ns);
/* For struct rln_loop_cfg.busy: sessions exist. Any thread. */
bool rln_coord_busy(void *coord);

/* ---- local peers ---- */

struct rln_coord_peer_cfg {
	const char *name;                   /* user part of our address; copied */
	uint16_t port;                      /* SIP port of ours */
	const char *local_address;          /* NULL: any; otherwise INVITEs must come to it, and From names it */
	struct rln_signalling_handler handler; /* copied; on the control lcore. on_incoming_invite NULL: always ACCEPT */
	bool auto_answer;                   /* of that default */
	bool accept_transfers;              /* a REFER of the calls' peers is carried out (R178); otherwise 603 */
	const char *user, *password;        /* answers to challenges (401, 407); copied, NULL: none */
	bool any_user;                      /* takes INVITEs whatever their user part; otherwise it must be `name` (404) */
	/* Both NULL, or told of the peer's number before its first INVITE can come: a PEER subscriber of RLN_SUB_NO_PEER, and
	 * a place that control writes. */
	struct rln_sub *listener;
	unsigned *number;
};

/* 0 and *peer; -EADDRINUSE (port and user part are taken), -ENOSPC, -EINVAL, -ETIMEDOUT (the control lcore does not turn). Any
 * thread; before the lcores run only the main thread. Waits for the control lcore once it runs. */
int rln_coord_add_peer(struct rln_coord *coord, const struct rln_coord_peer_cfg *cfg, unsigned *peer, int timeout_ms);
/* Takes no more calls and hangs up those it has; its subscribers see their ends. The number is free once they are gone.
 * 0, -EINVAL, -ENOENT, -ENOMEM; -ETIMEDOUT: it will be, as soon as control turns. Any thread. */
int rln_coord_del_peer(struct rln_coord *coord, unsigned peer, int timeout_ms);

/* ---- commands, any thread ---- */

struct rln_call_request { /* texts are copied */
	unsigned peer;       /* who calls; its port and address are used */
	const char *from;    /* URI; NULL: sip:name@our address */
	const char *to;      /* URI, "sip:" may be absent */
	const char *headers; /* whole lines with CRLF, or NULL */
	const char *sdp;     /* the application's own offer, NULL: ours */
	bool late_offer;     /* no offer: the peer's 2xx makes it, and our ACK answers */
	uint8_t leg_app;     /* enum rln_leg_app: what the leg does by itself */
	uint16_t tone_hz;
	uint64_t other; /* the session that this call is made for, and what that is to it (enum rln_link); 0 = none */
	uint8_t link;
};

/* As rln_coord_reserve(), on the worker of another session, so that the legs of both can be joined. Control lcore. */
struct rln_session_id rln_coord_reserve_near(struct rln_coord *coord, struct rln_session_id other);
/* A session id for rln_coord_make_call(); {0} and errno ENOSPC (call limit) or EAGAIN (again at control's next turn). */
struct rln_session_id rln_coord_reserve(struct rln_coord *coord);
void rln_coord_unreserve(struct rln_coord *coord, struct rln_session_id session);
/* The id is used up, also when this fails. A target that cannot be called ends the session: STATE_CHANGED to FAILED,
 * SESSION_TERMINATED with the reason. */
int rln_coord_make_call(struct rln_coord *coord, struct rln_session_id session, const struct rln_call_request *request);
int rln_coord_accept(struct rln_coord *coord, struct rln_session_id session);
int rln_coord_reject(struct rln_coord *coord, struct rln_session_id session, uint16_t code); /* 400..699 */
int rln_coord_hangup(struct rln_coord *coord, struct rln_session_id session);
/* R141: a call that the handler deferred. */
int rln_coord_deferred_accept(struct rln_coord *coord, struct rln_session_id session);
int rln_coord_deferred_reject(struct rln_coord *coord, struct rln_session_id session, uint16_t code);
/* re-INVITE that offers `direction` (enum rln_media_direction); MEDIA_NEGOTIATED tells what came of it. */
int rln_coord_update(struct rln_coord *coord, struct rln_session_id session, uint8_t direction);
int rln_coord_hold(struct rln_coord *coord, struct rln_session_id session);
int rln_coord_resume(struct rln_coord *coord, struct rln_session_id session);
int rln_coord_blind_transfer(struct rln_coord *coord, struct rln_session_id session, const char *target);
/* Holds the call and calls `target` under `consultation`, an id of rln_coord_reserve() that is used up also when this fails. */
int rln_coord_consult(struct rln_coord *coord, struct rln_session_id session, const char *target, struct rln_session_id consultation);
int rln_coord_complete_transfer(struct rln_coord *coord, struct rln_session_id session);
/* Both on one worker; otherwise the command is rejected (EXDEV). */
int rln_coord_bridge(struct rln_coord *coord, struct rln_session_id session, struct rln_session_id other);
int rln_coord_unbridge(struct rln_coord *coord, struct rln_session_id session);
/* Digits 0-9 * # A-D, 1 to RLN_COORD_TONES; duration of each, within the bounds above, 0 = RLN_COORD_TONE_MS. Beyond 37 they go
 * as two events: with -ENOBUFS the first 37 may be on their way. */
int rln_coord_send_dtmf(struct rln_coord *coord, struct rln_session_id session, const char *tones, uint16_t duration_ms);
int rln_coord_mute(struct rln_coord *coord, struct rln_session_id session, bool on);
int rln_coord_play(struct rln_coord *coord, struct rln_session_id session, const char *path, uint32_t loop_count);
int rln_coord_stop_play(struct rln_coord *coord, struct rln_session_id session);
int rln_coord_record(struct rln_coord *coord, struct rln_session_id session, const char *path, uint8_t format, uint8_t channels);
int rln_coord_stop_record(struct rln_coord *coord, struct rln_session_id session);
/* Joins an open audio channel (session/channel.h) to the call's leg, now or as soon as it exists; the channel ends when the
 * call cannot get one. */
int rln_coord_attach_channels(struct rln_coord *coord, struct rln_session_id session, uint64_t channels, enum rln_channels_attach how);
/* Joins a tap (session/tap.h) to the call's leg, now or as soon as it exists, or parts it. */
int rln_coord_tap(struct rln_coord *coord, struct rln_session_id session, uint64_t tap, bool on);

/* OPTIONS from a local peer to `target`; OPTIONS_ANSWERED comes to the SESSION subscribers of `asker`, an id of rln_coord_reserve() that
 * makes no call: it goes back with rln_coord_unreserve(). `token` tells a late answer from that of the id's next asker.
 * Nothing comes when this fails. */
int rln_coord_options(struct rln_coord *coord, struct rln_session_id asker, unsigned peer, const char *target, uint32_t token);

/* ---- views, any thread ---- */

struct rln_subs *rln_coord_subs(struct rln_coord *coord);
struct rln_bus *rln_coord_bus(struct rln_coord *coord);
const struct rln_registry *rln_coord_registry(const struct rln_coord *coord);
uint32_t rln_coord_sessions(const struct rln_coord *coord); /* not yet cleaned up */
uint32_t rln_coord_capacity(const struct rln_coord *coord);
/* From the INVITE (received, or ordered by MAKE_CALL) to ACTIVE, ringing included, of every call so far; us. Written by control. */
const struct rln_hist *rln_coord_setup_us(const struct rln_coord *coord, enum rln_call_role role);

/* Drain: refuses new calls with 503 and hangs up every call (BYE); done when rln_coord_sessions() is 0. Any thread. */
void rln_coord_drain(struct rln_coord *coord);
