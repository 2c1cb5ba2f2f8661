/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The words of the state table: what its rows may ask (guards), do (actions) and tell (publications). Each has a body: guards.c,
 * actions.c, actions_dialog.c, actions_media.c, publish.c. X(NAME, what it does, for the generated page)
 */
#pragma once

#include "session/event_read.h"
#include "session/fsm.h"
#include "session/layers.h"
#include "session/publish.h"
#include "session/session.h"
#include "sip/sdp.h"

/* Guards read and never write; they may ask the layers below (R152). */
#define RLN_GUARDS(X)                                                                                      \
	X(LEG_ASKED, "the leg was asked for and has not been reported")                                    \
	X(LEG_READY, "the leg exists")                                                                     \
	X(LEG_RUNNING, "the stream was reported as started")                                               \
	X(NEWS, "MEDIA_NEGOTIATED would say something new")                                                \
	X(NEWS_APPLIED, "as NEWS, and the stream runs")                                                    \
	X(ITS_TURN, "every step of the media order before this one was told")                              \
	X(STREAM_FAULT, "the fault concerns the stream, not a file")                                       \
	X(FAULT_LOST, "as STREAM_FAULT, and audio had come")                                               \
	X(FAULT_ANSWERED, "as STREAM_FAULT, and our 2xx is out")                                           \
	X(FAULT_BAD_SDP, "the worker could not use the description")                                       \
	X(FAULT_NO_ROOM, "ports or memory are out")                                                        \
	X(AUTO_ANSWER, "the call is to be answered by itself")                                             \
	X(INVITE_OUT, "our INVITE was ordered")                                                            \
	X(ANSWERED, "our 2xx is out")                                                                      \
	X(NO_SDP, "the event carries no description")                                                      \
	X(OFFER_USABLE, "the event's offer has a stream that we can take")                                 \
	X(NO_OFFER_KEPT, "the peer made no offer that waits for us")                                       \
	X(ANSWER_USABLE, "the event's answer fits the offer that we made")                                 \
	X(EARLY_ANSWER, "no description, but an early answer is in use")                                   \
	X(WE_OFFERED_NONE, "our INVITE carried no offer")                                                  \
	X(LATE_OFFER_USABLE, "our INVITE carried no offer, and the event's offer can be taken")            \
	X(OFFER_WAITS, "an offer of ours awaits its answer")                                               \
	X(NONE_OFFERED, "no offer of ours awaits an answer")                                               \
	X(LATE_ANSWER_USABLE, "as OFFER_WAITS, and the event's answer fits it")                            \
	X(OUR_OFFER_OPEN, "an INVITE or offer of ours is open")                                            \
	X(UPDATE_PLAIN, "an UPDATE without offer")                                                         \
	X(BY_CANCEL, "the caller gave up before our answer")                                               \
	X(CODE_ENDS, "status 408 or 481: RFC 3261 12.2.1.2 ends the dialog")                               \
	X(DIALOG_OVER, "the dialog's last report")                                                         \
	X(VITAL_ACTION, "the action that failed carries the call's media")                                 \
	X(LEG_STARTING, "the stream was asked for and has not been reported")                              \
	X(CAN_RETRY, "the refusal can be met: credentials, a longer interval, another contact")            \
	X(EARLY_EXCHANGED, "no re-INVITE, and a first offer and answer were exchanged reliably")           \
	X(ANSWER_OWED, "an UPDATE, while an offer in a reliable provisional awaits our answer")            \
	X(EARLY_OFFER_USABLE, "as EARLY_EXCHANGED, and the event's offer can be taken")                    \
	X(EARLY_OFFER_OWED, "a reliable provisional of a call without our offer makes one that we can take") \
	X(NO_PRACK, "our reliable provisional was never acknowledged")                                     \
	X(DIRECTION_MOVES, "the event's offer can be taken, and it changes who sends")                     \
	X(STEP_FAILED, "the action that failed is what this state waits for")                              \
	X(SWITCH_DECIDED, "another codec is to be used")                                                   \
	X(TRANSFER_ALLOWED, "the handler lets the peer transfer this call")                                \
	X(CONSULT_READY, "the consultation is up, and our hold is answered")                               \
	X(CONSULT_OVER, "the transfer was attended, and its consultation is gone")                         \
	X(TRANSFER_LATE, "that timer")                                                                     \
	X(TRANSFER_LATE_CONSULT_OVER, "that timer, and CONSULT_OVER")                                      \
	X(OTHER_LEFT, "the linked call has ended, or is ending")                                           \
	X(LEFT_TOO_EARLY, "as OTHER_LEFT, while an offer of ours is open")                                 \
	X(REFERRED_UP, "the call that the peer's REFER asked for is up")                                   \
	X(REFERRED_LEFT, "that call has failed")                                                           \
	X(LINKED_BRIDGE, "this call is bridged, or joined to early media")                                 \
	X(BRIDGE_ASKED, "the other call is bridged with this one")                                         \
	X(BRIDGE_ASKED_EARLY, "the other call rings, and was joined to this one's early media")            \
	X(BRIDGEABLE, "the other call is up, and both legs exist")                                         \
	X(EARLY_BRIDGEABLE, "the other call has early media, our caller's offer waits, and the legs exist") \
	X(EARLY_JOINED, "early media of that very call is joined already")                                 \
	X(OTHER_ELSEWHERE, "the other call's leg is on another worker")                                    \
	X(OTHER_PARTED, "the other leg let go of this one, or is ending")                                  \
	X(LOST_OWING, "as FAULT_LOST, and the peer's offer waits for the other leg's answer")              \
	X(PARTED_OWING, "as OTHER_PARTED, and the peer's offer waits for the other leg's answer")          \
	X(BRIDGE_BUSY, "an offer is open, or passes through the bridge either way")                        \
	X(OFFER_KEPT, "the peer's offer waits for us")                                                     \
	X(ANSWER_PASSED, "as OFFER_KEPT, and the other leg's peer accepted")                               \
	X(OTHER_LACKS_EVENTS, "the other leg has no telephone-event")                                      \
	X(BY_TELEPHONE_EVENT, "telephone-event was negotiated, and the stream runs")                       \
	X(BY_INFO, "the peer takes INFO")                                                                  \
	X(RING_LIMIT, "that timer")                                                                        \
	X(REINVITE_DUE, "that timer, and no offer of ours is open")                                        \
	X(REINVITE_PUT_OFF, "that timer, while an INVITE is open that is none of ours")                    \
	X(CLEANUP_DUE, "that timer")

/* Actions return 0 or -errno; the first failure skips the rest of the row and comes back as ACTION_FAILED. */
#define RLN_ACTIONS(X)                                                                                     \
	X(CREATE_DIALOG, "a dialog toward the callee")                                                     \
	X(SEND_INVITE, "INITIATE_CALL with our offer")                                                     \
	X(SEND_RINGING, "180, or 182 when the call was deferred")                                          \
	X(RING, "180 from now on, also when the call was deferred")                                        \
	X(SEND_PROGRESS, "183 with our answer")                                                            \
	X(ANSWER_OFFER, "2xx with our answer to a re-INVITE, UPDATE or PRACK")                             \
	X(OFFER_IN_ANSWER, "200 with our offer to a re-INVITE without one")                                \
	X(RAISE_ACCEPT, "ACCEPT_CALL, raised by auto_answer")                                              \
	X(SEND_ANSWER, "200 with our answer")                                                              \
	X(SEND_OFFER, "200 with our offer")                                                                \
	X(ANSWER_IN_ACK, "ACK with our answer to the 2xx's offer")                                         \
	X(EMPTY_ACK, "ACK without answer")                                                                 \
	X(RESPOND_200, "200 without description")                                                          \
	X(REINVITE, "re-INVITE with our offer; again later when another one is open")                      \
	X(ARM_REINVITE, "re-INVITE again after the random time of RFC 3261 14.1")                          \
	X(HOLD, "HOLD_SESSION: sendonly, or inactive when the peer holds already")                         \
	X(RESUME, "RESUME_SESSION: sendrecv")                                                              \
	X(HOLD_MEDIA, "HOLD_MEDIA: nothing more is let in")                                                \
	X(RESUME_MEDIA, "RESUME_MEDIA: the direction that was agreed")                                     \
	X(ANALYZE_METRICS, "EVALUATED: keep, or switch to another negotiated codec")                       \
	X(SWITCH_CODEC, "re-INVITE that prefers the other codec")                                          \
	X(TRANSFER, "TRANSFER_CALL: REFER to the target")                                                  \
	X(TRANSFER_REPLACES, "TRANSFER_CALL: REFER to the consultation's peer, with Replaces")             \
	X(ARM_TRANSFER, "starts the time limit of a transfer")                                             \
	X(STOP_TRANSFER, "stops it")                                                                       \
	X(CALL_TARGET, "a call of ours to the transfer's target")                                          \
	X(ACCEPT_REFER, "202, NOTIFY 100")                                                                 \
	X(CALL_REFERRED, "a call of ours to where the peer's REFER points")                                \
	X(NOTIFY_DONE, "NOTIFY 200")                                                                       \
	X(NOTIFY_FAILED, "NOTIFY with what became of the new call")                                        \
	X(UNLINK, "lets go of the linked call, its media included")                                        \
	X(END_OTHER, "hangs up the consultation")                                                          \
	X(END_REPLACED, "hangs up the call that this one replaces")                                        \
	X(LINK_BRIDGE, "the other call is the other leg")                                                  \
	X(JOIN, "BRIDGE_MEDIA: what comes in goes out on the other leg")                                   \
	X(ASK_OTHER, "BRIDGE_CALLS to the other call")                                                     \
	X(SEND_AWAY, "UNBRIDGE_CALLS to the call that asked")                                              \
	X(PASS_OFFER, "BRIDGE_OFFER: the direction that the peer offers")                                  \
	X(PASS_HOLD, "BRIDGE_OFFER: the other leg is held")                                                \
	X(PASS_RESUME, "BRIDGE_OFFER: the other leg is resumed")                                           \
	X(TAKE_BRIDGE_OFFER, "notes that our next offer is the other leg's")                               \
	X(REFUSE_BRIDGE_OFFER, "BRIDGE_ANSWER: 491")                                                       \
	X(PASS_ANSWER, "BRIDGE_ANSWER: accepted, for the leg that asked")                                  \
	X(PASS_REFUSAL, "BRIDGE_ANSWER: refused, for the leg that asked")                                  \
	X(ANSWER_AS_OTHER, "agrees on no more than the other leg's peer did")                              \
	X(REFUSE_AS_OTHER, "refuses the kept offer with the other leg's code")                             \
	X(PASS_DTMF, "DTMF_REQUEST to the other leg")                                                      \
	X(SEND_TONES, "SEND_TELEPHONE_EVENTS")                                                             \
	X(SEND_INFO, "SEND_DTMF: SIP INFO")                                                                \
	X(TAP, "TAP_MEDIA")                                                                                \
	X(TERMINATE, "TERMINATE_SESSION: BYE, CANCEL or a refusal, as the dialog's state asks")            \
	X(REFUSE_CODE, "the application's refusal")                                                        \
	X(REFUSE_480, "480, nobody answered")                                                              \
	X(REFUSE_486, "486 Busy Here")                                                                     \
	X(CONFIRM_CANCEL, "487 to the cancelled INVITE")                                                   \
	X(FAIL_488, "488, the offer cannot be taken")                                                      \
	X(FAIL_500, "500")                                                                                 \
	X(FAIL_504, "504")                                                                                 \
	X(FAIL_503, "503 with Retry-After")                                                                \
	X(DIALOG_ENDED, "the dialog reported its end")                                                     \
	X(CREATE_MEDIA, "CREATE_MEDIA_SESSION on the session's worker")                                    \
	X(ADOPT_LEG, "the leg's id and port are the call's")                                               \
	X(PREPARE_MEDIA, "UPDATE_MEDIA_STREAM that arms the leg with what we offer")                       \
	X(KEEP_OFFER, "keeps the peer's offer until it is answered")                                       \
	X(MAKE_ANSWER, "agrees on what we will answer to the kept offer")                                  \
	X(APPLY_ANSWER, "agrees on what the peer answered")                                                \
	X(ESTABLISH_FLOW, "START_MEDIA_STREAM, or UPDATE_MEDIA_STREAM once it was started")                \
	X(DROP_OFFER, "our open offer is void; what was agreed before stays")                              \
	X(WANT_DIRECTION, "notes the direction to ask for")                                                \
	X(STOP_MEDIA, "STOP_MEDIA_STREAM")                                                                 \
	X(LEG_STARTED, "the stream runs")                                                                  \
	X(LEG_FAULT, "a leg that could not be made needs no end")                                          \
	X(LEG_ENDED, "the leg reported its end")                                                           \
	X(MARK_TOLD, "this step of the media order was told")                                              \
	X(PLAY, "PLAY_AUDIO")                                                                              \
	X(STOP_PLAY, "STOP_AUDIO")                                                                         \
	X(RECORD, "START_RECORDING")                                                                       \
	X(STOP_RECORD, "STOP_RECORDING")                                                                   \
	X(MUTE, "sends silence in place of audio, or no longer")                                           \
	X(ATTACH, "ATTACH_CHANNELS")                                                                       \
	X(END_CHANNELS, "the audio channels will get no leg")                                              \
	X(ARM_RING_LIMIT, "starts the ring limit")                                                         \
	X(STOP_RINGING, "stops the ring limit")                                                            \
	X(END_NORMAL, "reason NORMAL") X(END_REMOTE, "reason REMOTE")                                      \
	X(END_REFUSED, "reason REFUSED with the peer's code")                                              \
	X(END_CANCELLED, "reason CANCELLED")                                                               \
	X(END_TIMEOUT, "reason TIMEOUT") X(END_AUTH, "reason AUTH")                                        \
	X(END_NETWORK, "reason NETWORK")                                                                   \
	X(END_NO_ACK, "reason NO_ACK")                                                                     \
	X(END_MEDIA, "reason MEDIA")                                                                       \
	X(END_MEDIA_LOST, "reason MEDIA_LOST")                                                             \
	X(END_BY_ERROR, "the reason that the failed action's error stands for")                            \
	X(CLEANUP, "everything is given back, the slot is free")

/* Told to the application after the state moved. */
#define RLN_PUBLICATIONS(X)                                                                                \
	X(FORWARD, "the event itself, with the session's id")                                              \
	X(MEDIA_EVENT, "MEDIA_EVENT with the event's kind and payload")                                    \
	X(READY, "MEDIA_SESSION_READY")                                                                    \
	X(NEGOTIATED, "MEDIA_NEGOTIATED; in a one-way call AUDIO_CHANNELS_READY behind it")                \
	X(CHANNELS_READY, "AUDIO_CHANNELS_READY, once")                                                    \
	X(OFFER_RECEIVED, "SDP_EVENT")                                                                     \
	X(ANSWER_RECEIVED, "SDP_EVENT")                                                                    \
	X(OFFER_SENT, "SDP_EVENT")                                                                         \
	X(ANSWER_SENT, "SDP_EVENT")

enum rln_guard {
	RLN_G_NONE_, /* the row holds without asking */
#define X(name, text) RLN_GUARD_##name,
	RLN_GUARDS(X)
#undef X
	RLN_GUARD_COUNT
};

enum rln_action {
	RLN_ACT_NONE, /* ends a list */
#define X(name, text) RLN_ACT_##name,
	RLN_ACTIONS(X)
#undef X
	RLN_ACT_COUNT
};

enum rln_publication {
	RLN_PUB_NONE,
#define X(name, text) RLN_PUB_##name,
	RLN_PUBLICATIONS(X)
#undef X
	RLN_PUB_COUNT
};

/* One transition at work. */
struct rln_step {
	const struct rln_layers *layers;
	struct rln_session *s;
	const struct rln_event *ev;
	bool is_gone; /* CLEANUP ran: the session's slot is free */
};

/* The bodies; indexed by the enums above. */
typedef bool (*rln_guard_fn)(const struct rln_step *st);
typedef int (*rln_action_fn)(struct rln_step *st);
typedef void (*rln_publication_fn)(const struct rln_step *st);
extern const rln_guard_fn rln_guard_bodies[RLN_GUARD_COUNT];
extern const rln_action_fn rln_action_bodies[RLN_ACT_COUNT];
extern const rln_publication_fn rln_publication_bodies[RLN_PUB_COUNT];

#define X(name, text) int rln_act_##name(struct rln_step *st);
RLN_ACTIONS(X)
#undef X

/* publish.c, which publish.h has the rest of */
void rln_publish_action_failed(const struct rln_step *st, enum rln_action action, int error);

/* actions.c: the timer raises TIMER_FIRED after this time. */
void rln_session_arm(const struct rln_layers *layers, struct rln_session *s, enum rln_session_timer which, uint64_t after_ns);

/* cleanup.c: once dialog and leg have reported their end, the cleanup is raised. */
void rln_cleanup_settle(struct rln_step *st);
/* A command that nobody carries out gives back what came with it; `session` is NULL when even its number is forgotten. Twice is as once. */
void rln_cleanup_command(const struct rln_layers *layers, const struct rln_session *session, const struct rln_event *command);
void rln_cleanup_session(const struct rln_layers *layers, struct rln_session *s);
