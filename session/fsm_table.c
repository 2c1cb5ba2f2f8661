/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state table as data: fsm.def, with the words that its rows use for sets of states and of events. A set is named for
 * what its members have in common, so that a row reads as a sentence; a set that only one row needs is written out there.
 */
#include <errno.h>

#include "session/actions.h"

/* For each of up to 80 words; nested expansion, because a macro cannot call itself. */
#define AGAIN()           ()
#define EXPAND(...)       EXPAND3(EXPAND3(EXPAND3(EXPAND3(__VA_ARGS__))))
#define EXPAND3(...)      EXPAND2(EXPAND2(EXPAND2(EXPAND2(__VA_ARGS__))))
#define EXPAND2(...)      EXPAND1(EXPAND1(EXPAND1(EXPAND1(__VA_ARGS__))))
#define EXPAND1(...)      __VA_ARGS__
#define EACH(m, ...)      __VA_OPT__(EXPAND(ONE_OF(m, __VA_ARGS__)))
#define ONE_OF(m, a, ...) m(a) __VA_OPT__(NEXT_OF AGAIN()(m, __VA_ARGS__))
#define NEXT_OF()         ONE_OF
#define UNWRAP(...)       __VA_ARGS__

#define ON(state) (1u << RLN_STATE_##state)
#define UAC       (1u << RLN_ROLE_UAC)
#define UAS       (1u << RLN_ROLE_UAS)
#define BOTH      (UAC | UAS)

/* states */
#define CALLER (ON(CALLING) | ON(EARLY_MEDIA))
#define UP                                                                                                                       \
	(ON(ACTIVE) | ON(HOLD_PENDING) | ON(ON_HOLD) | ON(RESUME_PENDING) | ON(EVALUATING) | ON(RECOVERING) | ON(TRANSFERRING) | \
		ON(CONSULTING) | ON(BRIDGED))
#define TALK (ON(NEGOTIATING) | UP)
#define OVER (ON(TERMINATED) | ON(CANCELLED) | ON(FAILED))
#define LIVE (CALLER | ON(CANCEL_PENDING) | ON(PROCEEDING) | TALK | ON(TERMINATING))

/* events */
#define DIALOG_EVENTS                                                                                                            \
	CALL_ESTABLISHED, CALL_TERMINATED, DTMF_RECEIVED, DIALOG_ERROR, DIALOG_STATE_CHANGED, REINVITE_RECEIVED, REINVITE_ACKED, \
		TRANSFER_REQUESTED
#define RESPONSES                                                                                                                \
	CALL_STATE_CHANGED, TRYING, RINGING, PROGRESS, CHALLENGED, INTERVAL_TOO_SMALL, REDIRECTED, REFUSED, GLARE, TIMED_OUT,    \
		LATE_ANSWER, ACK_MISSING, TRANSFER_TRYING, TRANSFER_DONE, TRANSFER_FAILED
#define REFUSALS       REFUSED, CHALLENGED, INTERVAL_TOO_SMALL, REDIRECTED
#define FILE_EVENTS    RECORDING_STARTED, RECORDING_STOPPED, AUDIO_PLAYBACK_FINISHED
#define QUALITY_EVENTS MEDIA_QUALITY_UPDATE, MEDIA_QUALITY_DEGRADED, PACKET_LOSS_DETECTED, PACKET_LOSS_THRESHOLD_EXCEEDED
#define MEDIA_EVENTS                                                                                                             \
	MEDIA_SESSION_CREATED, MEDIA_STREAM_STARTED, MEDIA_STREAM_STOPPED, MEDIA_STREAM_STATE_CHANGED, QUALITY_EVENTS,           \
		RTP_TIMEOUT, DTMF_DETECTED, FILE_EVENTS, MEDIA_ERROR
#define WORKER_EVENTS       MEDIA_FLOW_ESTABLISHED, FIRST_AUDIO_FRAME_RECEIVED, REMOTE_MEDIA_CONFIRMED, MEDIA_QUALITY_CHANGE
#define SESSION_EVENTS      TIMER_FIRED, ACTION_FAILED, EVALUATED, OTHER_CALL, BRIDGE_OFFER, BRIDGE_ANSWER
#define ANSWER_COMMANDS     ACCEPT_CALL, REJECT_CALL, RING_CALL
#define CALL_COMMANDS       HANGUP_CALL, UPDATE_REQUEST, CALL_STATE_COMMANDS
#define CALL_STATE_COMMANDS HOLD_CALL, RESUME_CALL, DTMF_REQUEST
#define LINK_COMMANDS       BLIND_TRANSFER, START_CONSULT, COMPLETE_TRANSFER, BRIDGE_CALLS, UNBRIDGE_CALLS
#define FILE_COMMANDS       PLAY_REQUEST, STOP_PLAY_REQUEST, RECORD_REQUEST, STOP_RECORD_REQUEST
#define MEDIA_COMMANDS      MUTE_REQUEST, CHANNELS_REQUEST, TAP_REQUEST

enum { RLN_COL_ALL = RLN_COL_COUNT, RLN_GUARD_ALWAYS = 0, RLN_STATE_SAME = RLN_NEXT_SAME, RLN_STATE_RETURN = RLN_NEXT_RETURN };

#define COLUMN(name)      RLN_COL_##name,
#define ACTION(name)      RLN_ACT_##name,
#define PUBLICATION(name) RLN_PUB_##name,
#define LIST(m, words)    ((const uint8_t[]){EACH(m, UNWRAP words) 0})
#define ROW(k, st, cols, r, g, acts, nx, pubs, cd, text)                                                                         \
	{.states = (st),                                                                                                         \
		.roles = (r),                                                                                                    \
		.kind = RLN_ROW_##k,                                                                                             \
		.guard = RLN_GUARD_##g,                                                                                          \
		.next = RLN_STATE_##nx,                                                                                          \
		.code = (cd),                                                                                                    \
		.line = __LINE__,                                                                                                \
		.columns = LIST(COLUMN, cols),                                                                                   \
		.actions = LIST(ACTION, acts),                                                                                   \
		.publish = LIST(PUBLICATION, pubs),                                                                              \
		.why = (text)},
#define T(st, cols, r, g, acts, nx, pubs, text) ROW(GO, st, cols, r, g, acts, nx, pubs, 0, text)
#define IGNORE(st, cols, r, g, text)            ROW(IGNORE, st, cols, r, g, (), SAME, (), 0, text)
#define REJECT(st, cols, r, g, cd, text)        ROW(REJECT, st, cols, r, g, (), SAME, (), cd, text)
#define DEFER(st, cols, r, g, text)             ROW(DEFER, st, cols, r, g, (), SAME, (), 0, text)

static const struct rln_row rows[] = {
#include "session/fsm.def"
};

static const struct rln_table table = {
	.rows = rows,
	.rows_n = sizeof(rows) / sizeof(rows[0]),
	.in_use = ON(IDLE) | LIVE | OVER,
	.final = OVER,
	.ending = ON(CANCEL_PENDING) | ON(TERMINATING),
	.roles = {[RLN_ROLE_UAC] = (ON(IDLE) | LIVE | OVER) & ~ON(PROCEEDING),
		[RLN_ROLE_UAS] = (ON(IDLE) | LIVE | OVER) & ~(CALLER | ON(CANCEL_PENDING))},
};

const struct rln_table *rln_table(void)
{
	return &table;
}
