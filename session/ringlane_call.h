/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Part of ringlane.h: the call handle, which rln_peer_call() and rln_incoming_accept() give.
 *
 * Commands return at once: 0 says that the command is on its way to the engine. What came of it tells a wait, which ends as soon as
 * that is known: the state is there (0), the peer refused (RLN_EREFUSED), the call's state did not allow the command (a negative errno),
 * or the call is over (RLN_ECALLFAILED). Besides what stands beside each, every command may return -ENOBUFS (the command ring or the
 * pool of blocks is full: later again) and RLN_EENDED (the runtime stopped).
 *
 * A NULL call is a wrong argument like any other (-EINVAL) to rln_call_hangup(), _play(), _wait_for_state() and _wait_for_event(), so that
 * short programs may check once, at their end.
 *
 * Threads: one at a time per call; different calls of one peer by different threads at once.
 */
#pragma once

#include "session/ringlane_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rln_call; /* One call of a peer; the application's until rln_call_free(). */

/** Gives the handle back; hangs up when the call still runs. NULL is allowed. */
void rln_call_free(struct rln_call *call);
/** The session's id, for everything that works on ids (subscriptions, the registry, the coordinator). */
struct rln_session_id rln_call_session(const struct rln_call *call);
/** The state now (enum rln_call_state). */
enum rln_call_state rln_call_state(struct rln_call *call);
/** Why it ended (RLN_END_NONE while it runs) and the SIP code, 0 when none was part of it. `code` may be NULL. */
enum rln_end_reason rln_call_end(struct rln_call *call, uint16_t *code);
/** The end in words, with the event that caused it: "REFUSED: refused by the peer (486 Busy Here), by CALL_STATE_CHANGED". Valid
 * until the next rln_call_end_text() of this call. */
const char *rln_call_end_text(struct rln_call *call);
/** SIP status of the peer's last refusal within the call: of a hold, a resume, a transfer, a new description. 0: none. */
uint16_t rln_call_refusal(struct rln_call *call);

/* ---- control ---- */

/** BYE, CANCEL or refusal, whichever the state asks for. */
int rln_call_hangup(struct rln_call *call);
/** Puts the peer on hold (re-INVITE with sendonly); wait for RLN_STATE_ON_HOLD. */
int rln_call_hold(struct rln_call *call);
/** Ends our hold; wait for RLN_STATE_ACTIVE. */
int rln_call_resume(struct rln_call *call);
/** Offers the peer another direction of our audio by re-INVITE: RLN_MEDIA_BIDIRECTIONAL (sendrecv), _OUTBOUND (sendonly), _INBOUND (recvonly)
 * or _INACTIVE; no state changes. MEDIA_NEGOTIATED tells what was agreed, where that is something new: rln_call_wait_for_event(). A
 * refusal is CALL_STATE_CHANGED and rln_call_refusal(), and all stays as it was. COMMAND_REJECTED unless the call is ACTIVE and no
 * offer is open. -EINVAL: another direction. */
int rln_call_update(struct rln_call *call, enum rln_media_direction direction);
/** Sends silence in place of audio, or no longer; no state changes. */
int rln_call_mute(struct rln_call *call, bool on);
/** Digits 0-9 * # A-D to the peer, in order, 100 ms each: RFC 4733 when it was negotiated, else SIP INFO. -EINVAL: none, more than 64, or
 * another character; -ENOBUFS with more than 37: the first 37 may be on their way, the others are not. */
int rln_call_send_dtmf(struct rln_call *call, const char *tones);

/** Transfers the peer to `target` ("bob@host", "sip:bob@host:5070"). RLN_TRANSFER_BLIND: at once. RLN_TRANSFER_ATTENDED: holds the peer,
 * calls the target, and transfers as soon as it answers; never a blind transfer instead. Done when RLN_STATE_TERMINATED is reached;
 * RLN_EREFUSED: the peer or the target would not, and the call goes on. The application keeps waiting on this call meanwhile.
 * -EINVAL: no such target or type. */
int rln_call_transfer(struct rln_call *call, const char *target, enum rln_transfer_type type);
/** Holds the peer and calls `target` to talk to it first. The new call is the caller's, a call like any other: NULL with errno EINVAL
 * (no such target), ENOSPC (call limit), EPIPE (this call is over). When it ends before rln_call_complete_transfer(), the held call resumes. */
struct rln_call *rln_call_consult(struct rln_call *call, const char *target);
/** Connects the peer with whom rln_call_consult() called (REFER with Replaces) and leaves both calls. -ENOENT: there is no consultation. */
int rln_call_complete_transfer(struct rln_call *call);
/** The call that the peer's transfer made of this one: it asked us (REFER) to call somebody, and the engine did. The new call is the
 * caller's. NULL and errno: ETIMEDOUT, or ECANCELED (this call is over and none came). */
struct rln_call *rln_call_transferred(struct rln_call *call, int timeout_ms);

/* ---- files ---- */

/** Plays a WAV file to the peer `loop_count` times (0: until stopped); AUDIO_PLAYBACK_FINISHED tells the end, MEDIA_ERROR a file that
 * cannot be played. Relative paths stand in the config's media.prompts. -EINVAL: no path, or one of over 250 bytes. */
int rln_call_play(struct rln_call *call, const char *path, unsigned loop_count);
/** Ends the playing. */
int rln_call_stop_audio(struct rln_call *call);
/** Records what comes in (`channels` 1) or both directions (2: left received, right sent). -ENOTSUP: a format that the build lacks;
 * -EINVAL: path or channels. RECORDING_STARTED tells that it runs. */
int rln_call_start_recording(struct rln_call *call, const char *path, enum rln_file_format format, unsigned channels);
/** Ends the recording; RECORDING_STOPPED tells that the file is complete. */
int rln_call_stop_recording(struct rln_call *call);

/** What the call's packets did so far, at most a second old. They stay a while once the call is over, until its leg serves another. */
struct rln_call_statistics {
	uint64_t packets_sent;     /**< RTP */
	uint64_t octets_sent;      /**< of payload */
	uint64_t packets_received; /**< RTP that was valid */
	uint64_t octets_received;  /**< of payload */
	uint64_t lost;             /**< sequence numbers that never came; copies of others hide none */
	uint64_t reordered;        /**< came after a later one */
	uint64_t duplicate;        /**< came again */
	uint64_t late;             /**< came too late to be of use */
	float jitter_ms;           /**< RFC 3550 6.4.1 */
	float round_trip_ms;       /**< from RTCP; < 0: not measured */
	uint32_t peer_lost;        /**< of what we sent, as the peer reports it */
	float peer_jitter_ms;      /**< the same */
	enum rln_codec codec;      /**< in use */
	struct rln_addr local;     /**< our RTP address */
	struct rln_addr remote;    /**< the peer's, as packets go there */
};
/** 0; -ENOENT: the call has or had no media, or is over and its leg serves another call: read the last figures as soon as it ends. */
int rln_call_statistics(struct rln_call *call, struct rln_call_statistics *out);

/* ---- waits; they run the peer's callbacks meanwhile ---- */

/** 0 as soon as the state is reached. At once, when it can no longer be: RLN_ECALLFAILED (rln_call_end_text() says why), RLN_EREFUSED,
 * or the negative errno with which the command toward that state was rejected. RLN_ETIMEDOUT; RLN_EENDED. */
int rln_call_wait_for_state(struct rln_call *call, enum rln_call_state state, int timeout_ms);
/** The next event of a kind, kinds inside MEDIA_EVENT included. Kinds that happen once per call are latched: a wait begun after the event
 * returns at once. *event is a copy without its block; `event` may be NULL. 0; RLN_ECALLFAILED: the call ended and none came;
 * RLN_ETIMEDOUT; RLN_EENDED. */
int rln_call_wait_for_event(struct rln_call *call, enum rln_event_kind kind, int timeout_ms, struct rln_event *event);
/** MEDIA_SESSION_READY, then MEDIA_FLOW_ESTABLISHED: packets went and came. 0; RLN_ECALLFAILED with the call's reason; RLN_ETIMEDOUT, also
 * when no more events can come ("Media setup timeout" in the log). */
int rln_call_wait_for_media(struct rln_call *call, int timeout_ms);
/** What rln_call_wait_for_media() waits for is there. */
bool rln_call_is_media_ready(struct rln_call *call);

#ifdef __cplusplus
}
#endif
