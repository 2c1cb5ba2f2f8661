/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of ringlane.h: the call handle. */
#pragma once

#include "session/ringlane_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rln_call;


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

#ifdef __cplusplus
}
#endif
