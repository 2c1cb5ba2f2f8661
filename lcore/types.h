/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Types that every layer and the application share: call states, end reasons, media
 * directions, quality levels. Plain standard C, so that ringlane.h can include it.
 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Session states (requirements R150). X(name): the order is the order in docs and diagrams. */
#define RLN_CALL_STATES(X) \
	X(IDLE)            \
	X(CALLING)         \
	X(PROCEEDING)      \
	X(EARLY_MEDIA)     \
	X(NEGOTIATING)     \
	X(ACTIVE)          \
	X(HOLD_PENDING)    \
	X(ON_HOLD)         \
	X(RESUME_PENDING)  \
	X(EVALUATING)      \
	X(RECOVERING)      \
	X(TRANSFERRING)    \
	X(CONSULTING)      \
	X(BRIDGED)         \
	X(CANCEL_PENDING)  \
	X(CANCELLED)       \
	X(TERMINATING)     \
	X(TERMINATED)      \
	X(FAILED)

enum rln_call_state {
#define X(name) RLN_STATE_##name,
	RLN_CALL_STATES(X)
#undef X
	RLN_STATE_COUNT
};

enum rln_call_role { RLN_ROLE_UAC, RLN_ROLE_UAS, RLN_ROLE_COUNT };

/* Why a call ended (R150). REJECTED: we refused it; REFUSED: the peer did; both carry a SIP code. */
#define RLN_END_REASONS(X) \
	X(NONE)            \
	X(NORMAL)          \
	X(REMOTE)          \
	X(REJECTED)        \
	X(REFUSED)         \
	X(CANCELLED)       \
	X(TIMEOUT)         \
	X(AUTH)            \
	X(NETWORK)         \
	X(NO_ACK)          \
	X(MEDIA)           \
	X(MEDIA_LOST)

enum rln_end_reason {
#define X(name) RLN_END_##name,
	RLN_END_REASONS(X)
#undef X
	RLN_END_COUNT
};

/* RFC 3261 12: state of one dialog. */
enum rln_dialog_state {
	RLN_DIALOG_NONE,
	RLN_DIALOG_EARLY,
	RLN_DIALOG_CONFIRMED,
	RLN_DIALOG_TERMINATED,
};

/* R151: one address of record at its registrar. A refresh goes through REGISTERING too. */
#define RLN_REGISTRATION_STATE_NAMES(X) \
	X(UNREGISTERED)                 \
	X(REGISTERING)                  \
	X(REGISTERED)                   \
	X(UNREGISTERING)

enum rln_registration_state {
#define X(name) RLN_REGISTRATION_##name,
	RLN_REGISTRATION_STATE_NAMES(X)
#undef X
	RLN_REGISTRATION_STATES
};

/* Seen from us: INBOUND receives only (SDP recvonly), OUTBOUND sends only (sendonly). Bit 0 = in, bit 1 = out. */
enum rln_media_direction {
	RLN_MEDIA_INACTIVE = 0,
	RLN_MEDIA_INBOUND = 1,
	RLN_MEDIA_OUTBOUND = 2,
	RLN_MEDIA_BIDIRECTIONAL = 3,
};

enum rln_stream_state { /* MEDIA_STREAM_STATE_CHANGED (R80) */
	RLN_STREAM_READY,
	RLN_STREAM_FLOWING,
	RLN_STREAM_HELD,
	RLN_STREAM_STALLED,
	RLN_STREAM_STOPPED,
};

/* Where the audio that a leg sends comes from, and what becomes of what it receives. */
enum rln_leg_app {
	RLN_LEG_PLAIN,   /* player or audio channels when there are any, else silence; received audio to recorder and channels */
	RLN_LEG_ECHO,    /* each packet is turned round in place; silence until the first one comes */
	RLN_LEG_TONE,    /* a sine: tone_hz, at -10 dBm0 */
};

enum rln_transfer_type { RLN_TRANSFER_BLIND, RLN_TRANSFER_ATTENDED };
enum rln_quality { RLN_QUALITY_GOOD, RLN_QUALITY_DEGRADED, RLN_QUALITY_POOR, RLN_QUALITY_FAILED };
enum rln_severity { RLN_SEVERITY_LOW, RLN_SEVERITY_MEDIUM, RLN_SEVERITY_HIGH, RLN_SEVERITY_CRITICAL };
enum rln_file_format { RLN_FORMAT_WAV, RLN_FORMAT_FLAC, RLN_FORMAT_MP3 };

/* Audio codecs. NONE stands for "no usable codec"; later work appends, never reorders. */
enum rln_codec { RLN_CODEC_NONE, RLN_CODEC_PCMU, RLN_CODEC_PCMA, RLN_CODEC_COUNT };

/* R200. packet_loss in percent of the window; round_trip_ms < 0 means not measured. */
struct rln_media_metrics {
	float packet_loss;
	float jitter_ms;
	float round_trip_ms;
	uint32_t bitrate_bps;
};

const char *rln_call_state_name(enum rln_call_state state);
const char *rln_end_reason_name(enum rln_end_reason reason);
const char *rln_registration_state_name(enum rln_registration_state state);
const char *rln_media_direction_name(enum rln_media_direction direction);
const char *rln_codec_name(enum rln_codec codec);

#ifdef __cplusplus
}
#endif
