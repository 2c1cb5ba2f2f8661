/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ringlane's public interface: the only header that an application includes. Standard C headers, opaque objects, no DPDK.
 *
 * Two levels. The simple peer makes and takes calls in a few lines and hides everything else. The coordinator adds handlers
 * that decide on each incoming INVITE, event subscriptions and every call of the process.
 *
 *     struct rln_peer *alice = rln_peer_new("alice", 5060);
 *     struct rln_call *call = rln_peer_call(alice, "bob@198.18.0.2");
 *     if (call && rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 10000) == 0)
 *             rln_call_play(call, "hello.wav", 1);
 *
 * Threads: an object (peer, call, coordinator) is used by one thread at a time; different objects by any threads at once. Callbacks run
 * inside rln_coordinator_run() or any wait, on the thread that calls it. Ownership: what a function returns by pointer belongs to the caller
 * until the matching _free. Times are milliseconds; timeout_ms < 0 waits for ever. Errors: functions that return int give 0 or a negative
 * code (errno's, or RLN_E* below); functions that return a pointer give NULL and set errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lcore/event.h"
#include "lcore/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RLN_ETIMEDOUT (-110)   /* -ETIMEDOUT: the wait's time ran out */
#define RLN_ECALLFAILED (-4097) /* the call ended before what was waited for; rln_call_end() says why */
#define RLN_EENDED (-4098)     /* the call is over: no more audio or events will come */

/* ---- the runtime: EAL, devices, lcores; defined in dpdk_app/stages.c, the one body right of its header ---- */

struct rln_runtime_options {
	const char *config_file;  /* NULL: the embedded default (a TAP device rl0, 198.18.0.1/24) */
	const char *config_text;  /* YAML in memory, in place of a file */
	const char *eal_args;     /* passed through to EAL, or NULL */
	bool trace;               /* every event, with its cause, to standard error */
};

/* Starts lcores and devices; the calling thread becomes EAL's main lcore. NULL: all defaults. Once per process at a time. 0 or a
 * negative code, the reason already printed. rln_peer_new() and rln_coordinator_new() do this by themselves when nobody did. */
int rln_runtime_start(const struct rln_runtime_options *options);
/* Ends every call (BYE, recordings closed), stops lcores and devices. The thread that started it. */
void rln_runtime_stop(void);
bool rln_runtime_is_running(void);

/* ---- simple peer ---- */

struct rln_peer;
struct rln_call;
struct rln_incoming;

struct rln_peer_options {
	const char *name;          /* user part of our address, e.g. "alice" */
	uint16_t port;             /* SIP port on every local address */
	const char *local_address; /* NULL: by route */
	bool auto_answer;          /* incoming calls are accepted at once and still delivered */
};

/* A SIP endpoint in this process. EADDRINUSE: a peer of that name has the port already. Needs the port to itself only by name: the server's
 * routes may share it. */
struct rln_peer *rln_peer_new(const char *name, uint16_t port);
struct rln_peer *rln_peer_new_with(const struct rln_peer_options *options);
/* Ends the peer's calls first; calls that the application still holds stay valid and are ended. */
void rln_peer_free(struct rln_peer *peer);

/* Places a call: "bob@198.18.0.2", "sip:bob@198.18.0.2:5070"; hosts 127.0.0.0/8 and ::1 mean this process. Returns at once: wait for
 * RLN_STATE_ACTIVE. A target that cannot be called ends the call at once: FAILED, with its reason.
 * errno: EINVAL (empty or too long), ENOSPC (call limit). */
struct rln_call *rln_peer_call(struct rln_peer *peer, const char *target);

/* The next call off the wire, or NULL with errno ETIMEDOUT. */
struct rln_incoming *rln_peer_get_incoming_call(struct rln_peer *peer, int timeout_ms);
/* Callback form: called from rln_peer_run() or any wait of this peer; it owns `in` and accepts or rejects it, now or later. */
typedef void (*rln_incoming_callback)(void *arg, struct rln_incoming *in);
void rln_peer_on_incoming_call(struct rln_peer *peer, rln_incoming_callback callback, void *arg);
/* Runs callbacks until timeout_ms have passed. 0, or RLN_EENDED when the runtime stopped. */
int rln_peer_run(struct rln_peer *peer, int timeout_ms);

/* Answers (200 OK) and returns the call; `in` is gone either way. NULL: the caller gave up meanwhile (ECANCELED). */
struct rln_call *rln_incoming_accept(struct rln_incoming *in);
/* Refuses with a SIP code 400-699 (486 Busy Here, 603 Decline ...); `in` is gone. -EINVAL, and `in` is still there: another code. */
int rln_incoming_reject(struct rln_incoming *in, uint16_t code);
/* The caller's URI, "sip:alice@198.18.0.1"; valid as long as `in`. */
const char *rln_incoming_from(const struct rln_incoming *in);
struct rln_session_id rln_incoming_session(const struct rln_incoming *in);

/* ---- call ---- */

/* Gives the handle back; hangs up when the call still runs. */
void rln_call_free(struct rln_call *call);
struct rln_session_id rln_call_session(const struct rln_call *call);
enum rln_call_state rln_call_state(struct rln_call *call);
/* Why it ended (RLN_END_NONE while it runs) and the SIP code, 0 when none was part of it. code may be NULL. */
enum rln_end_reason rln_call_end(struct rln_call *call, uint16_t *code);
/* "REFUSED: refused by the peer (486 Busy Here)": the end in words; valid until rln_call_free(). */
const char *rln_call_end_text(struct rln_call *call);

/* BYE, CANCEL or refusal, whichever the state asks for. Returns at once. */
int rln_call_hangup(struct rln_call *call);
/* Sends silence in place of audio; no state changes. */
int rln_call_mute(struct rln_call *call, bool on);
/* Plays a WAV file to the peer `loop_count` times (0: until stopped); AUDIO_PLAYBACK_FINISHED tells the end. */
int rln_call_play(struct rln_call *call, const char *path, unsigned loop_count);
int rln_call_stop_audio(struct rln_call *call);
/* Records what comes in (channels 1) or both directions (2: left received, right sent). -ENOTSUP: a format that the build lacks. */
int rln_call_start_recording(struct rln_call *call, const char *path, enum rln_file_format format, unsigned channels);
int rln_call_stop_recording(struct rln_call *call);
/* What the call's packets did so far, at most a second old; final once the call is over. */
struct rln_call_statistics {
	uint64_t packets_sent, octets_sent, packets_received, octets_received; /* octets of payload */
	uint64_t lost, reordered, duplicate, late;  /* of what should have come; lost: numbers that never did, copies hide none */
	float jitter_ms;                            /* RFC 3550 6.4.1 */
	float round_trip_ms;                        /* from RTCP; < 0: not measured */
	uint32_t peer_lost;                         /* of what we sent, as the peer reports it */
	float peer_jitter_ms;
	enum rln_codec codec;
	struct rln_addr local, remote;
};
/* 0; -ENOENT: the call has or had no media. */
int rln_call_statistics(struct rln_call *call, struct rln_call_statistics *out);

/* 0 as soon as the state is reached; RLN_ECALLFAILED at once when it can no longer be; RLN_ETIMEDOUT. */
int rln_call_wait_for_state(struct rln_call *call, enum rln_call_state state, int timeout_ms);
/* The next event of a kind. Kinds that happen once per call are latched: a wait begun after the event returns at once. */
int rln_call_wait_for_event(struct rln_call *call, enum rln_event_kind kind, int timeout_ms, struct rln_event *event);
/* MEDIA_SESSION_READY, then MEDIA_FLOW_ESTABLISHED in both directions. */
int rln_call_wait_for_media(struct rln_call *call, int timeout_ms);
bool rln_call_is_media_ready(struct rln_call *call);

/* ---- audio ---- */

#define RLN_FRAME_SAMPLES 160 /* 20 ms at 8 kHz */

struct rln_audio_frame {
	uint32_t timestamp;   /* RTP clock of the frame's first sample; on send it is ignored */
	uint16_t samples_n;   /* at most RLN_FRAME_SAMPLES; fewer are padded with silence on send */
	uint16_t flags;       /* RLN_FRAME_* */
	int16_t samples[RLN_FRAME_SAMPLES];
};
#define RLN_FRAME_LOST 1u /* on receive: this frame fills a gap in the sequence */

/* Queues a frame; the media clock sends it. -EAGAIN: 1,000 frames wait already (wait with rln_call_wait_can_send); RLN_EENDED. */
int rln_call_send_audio(struct rln_call *call, const struct rln_audio_frame *frame);
/* Until there is room for `frames` frames. 0, RLN_ETIMEDOUT, RLN_EENDED. */
int rln_call_wait_can_send(struct rln_call *call, unsigned frames, int timeout_ms);
/* The next received frame. 0, RLN_ETIMEDOUT, RLN_EENDED. */
int rln_call_recv_audio(struct rln_call *call, struct rln_audio_frame *frame, int timeout_ms);

/* ---- coordinator: all calls of the process ---- */

struct rln_coordinator;

/* What an incoming INVITE looks like to a handler; texts are valid during the call. */
struct rln_invite_details {
	struct rln_session_id session;  /* reserved; becomes live on ACCEPT, DEFER and CUSTOM */
	const char *call_id, *from, *to, *request_uri, *sdp, *headers;
	struct rln_addr source;
	uint16_t local_port;            /* our SIP port that it came to */
};

enum rln_decision_kind { RLN_DECISION_ACCEPT, RLN_DECISION_REJECT, RLN_DECISION_DEFER, RLN_DECISION_CUSTOM };

struct rln_decision {
	enum rln_decision_kind kind;
	uint16_t code;                  /* REJECT */
	bool auto_answer;               /* ACCEPT: answer by itself */
	void (*action)(void *arg, struct rln_session_id session); /* CUSTOM: called once, on the control lcore, after the session exists */
	void *arg;
	uint8_t leg_app;                /* what the leg does by itself: 0 nothing, 1 echo, 2 tone (enum rln_leg_app of lcore/media.h) */
	uint16_t tone_hz;
};

/* Asked once for each new INVITE, on the control lcore: must not block (over 1 ms is counted and named); DEFER takes time. */
struct rln_signalling_handler {
	struct rln_decision (*on_incoming_invite)(void *arg, const struct rln_invite_details *invite);
	void *arg;
};

/* Callbacks in coordinator order, on the thread inside rln_coordinator_run() or a wait. on_call_ended: exactly once per call. */
struct rln_call_handler {
	void (*on_incoming_call)(void *arg, struct rln_session_id session, const char *from);
	void (*on_call_established)(void *arg, struct rln_session_id session);
	void (*on_call_ended)(void *arg, struct rln_session_id session, enum rln_end_reason reason, uint16_t code);
	void *arg;
};

struct rln_coordinator_options {
	const char *name;   /* user part of our own address */
	uint16_t port;      /* SIP port */
};

/* The handlers' structs are copied. NULL options: name "ringlane", the config's SIP port. */
struct rln_coordinator *rln_coordinator_new(const struct rln_coordinator_options *options, const struct rln_call_handler *handler);
struct rln_coordinator *rln_coordinator_with_handler(const struct rln_coordinator_options *options, const struct rln_signalling_handler *handler);
int rln_coordinator_start(struct rln_coordinator *c);
/* Ends its calls and takes its port out of service. */
void rln_coordinator_stop(struct rln_coordinator *c);
void rln_coordinator_free(struct rln_coordinator *c);

/* sdp NULL: ringlane makes the offer. {0} with errno. */
struct rln_session_id rln_coordinator_create_outgoing_call(struct rln_coordinator *c, const char *from, const char *to, const char *sdp);
int rln_coordinator_terminate_session(struct rln_coordinator *c, struct rln_session_id id);
int rln_coordinator_accept(struct rln_coordinator *c, struct rln_session_id id);
int rln_coordinator_reject(struct rln_coordinator *c, struct rln_session_id id, uint16_t code);
/* Runs callbacks until timeout_ms have passed or one event was handled. Events handled, or a negative code. */
int rln_coordinator_run(struct rln_coordinator *c, int timeout_ms);
/* Waits for an event by kind and, unless event->id is 0, by session; callbacks of other events run meanwhile. */
int rln_coordinator_wait_for_event_timeout(struct rln_coordinator *c, struct rln_event *event, int timeout_ms);
/* Sessions of the process that are not yet cleaned up. */
unsigned rln_coordinator_sessions(const struct rln_coordinator *c);

/* Events of one session ({0}: of all) on a ring of their own. A slow reader loses only its own events, counted. */
struct rln_subscriber;
struct rln_subscriber *rln_coordinator_subscribe_to_session_events(struct rln_coordinator *c, struct rln_session_id id);
/* 0 and the next event, RLN_ETIMEDOUT, RLN_EENDED. A block in the event is the caller's until rln_subscriber_release(). */
int rln_subscriber_next(struct rln_subscriber *s, struct rln_event *event, int timeout_ms);
const char *rln_subscriber_text(struct rln_subscriber *s, const struct rln_event *event, struct rln_slice slice, size_t *len);
void rln_subscriber_release(struct rln_subscriber *s, struct rln_event *event);
int rln_subscriber_fd(const struct rln_subscriber *s); /* readable while events wait */
void rln_subscriber_free(struct rln_subscriber *s);

#ifdef __cplusplus
}
#endif
