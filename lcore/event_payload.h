/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Payloads of the event catalogue, at most 40 bytes each: plain numbers, addresses and block slices, no types of
 * rooms to the right. Where a payload has a block it is the first member (block.h says who frees it).
 */
#pragma once

#include "lcore/addr.h"
#include "lcore/block.h"
#include "lcore/types.h"

/* CALL_STATE_CHANGED.new_state (R51): each value is a column of its own in the state table. */
#define RLN_CALL_PROGRESS_VALUES(X) \
	X(TRYING)                   \
	X(RINGING)                  \
	X(PROGRESS)                 \
	X(CHALLENGED)               \
	X(INTERVAL_TOO_SMALL)       \
	X(REDIRECTED)               \
	X(REFUSED)                  \
	X(GLARE)                    \
	X(TIMED_OUT)                \
	X(LATE_ANSWER)              \
	X(ACK_MISSING)              \
	X(TRANSFER_TRYING)          \
	X(TRANSFER_DONE)            \
	X(TRANSFER_FAILED)

enum rln_call_progress {
#define X(name) RLN_CALL_##name,
	RLN_CALL_PROGRESS_VALUES(X)
#undef X
	RLN_CALL_PROGRESS_COUNT
};

enum rln_dialog_fault { /* DIALOG_ERROR.error; error_code is a SIP code or a positive errno */
	RLN_FAULT_PARSE,
	RLN_FAULT_TRANSACTION,
	RLN_FAULT_TRANSPORT,
	RLN_FAULT_REQUEST_REFUSED,
	RLN_FAULT_NO_PRACK,        /* 504: nobody acknowledged our reliable provisional (RFC 3262 3) */
	RLN_FAULT_SESSION_EXPIRED, /* 408: no refresh came in time (RFC 4028 10) */
};

enum rln_media_fault { /* MEDIA_ERROR.error; error_code is a positive errno or 0 */
	RLN_MEDIA_FAULT_NO_PORT,
	RLN_MEDIA_FAULT_NO_MEMORY,
	RLN_MEDIA_FAULT_BAD_SDP,
	RLN_MEDIA_FAULT_DISK,
	RLN_MEDIA_FAULT_FILE,
	RLN_MEDIA_FAULT_FORMAT,
	RLN_MEDIA_FAULT_UNREACHABLE,
	RLN_MEDIA_FAULT_SRTP,
	RLN_MEDIA_FAULT_COMMAND, /* a command that cannot be carried out; the stream goes on */
};

/* session -> dialog */
struct rln_ev_initiate_call { rln_block_ref block; struct rln_slice from, to, sdp_offer, headers; };
struct rln_ev_terminate_session { uint8_t reason; uint8_t spare; uint16_t code; };   /* rln_end_reason; code 0 = as the dialog's state asks */
struct rln_ev_sdp { rln_block_ref block; struct rln_slice sdp; };                    /* HOLD_SESSION, RESUME_SESSION, CALL_ESTABLISHED, REINVITE_ACKED */
struct rln_ev_transfer_call { rln_block_ref block; struct rln_slice target; uint8_t type; uint8_t spare[7]; uint64_t replaces; };
struct rln_ev_tones { uint16_t duration_ms; char tones[38]; };                       /* NUL terminated, 0-9 * # A-D */
struct rln_ev_options_request { rln_block_ref block; struct rln_slice from, target; uint32_t token; uint16_t port; }; /* token: comes back; port of ours, 0 = the transport's */

/* dialog -> session */
struct rln_ev_incoming_call { rln_block_ref block; struct rln_slice call_id, from, to, sdp_offer, headers; };
struct rln_ev_call_state_changed { rln_block_ref block; struct rln_slice sdp, contact; uint16_t status; uint8_t new_state; }; /* rln_call_progress */
struct rln_ev_call_terminated { uint8_t reason; uint8_t spare; uint16_t code; };     /* rln_end_reason */
struct rln_ev_dialog_error { uint8_t error; uint8_t spare; uint16_t error_code; };   /* rln_dialog_fault; SIP code or errno */
struct rln_ev_dialog_state_changed { uint8_t old_state, new_state; };                /* rln_dialog_state */
struct rln_ev_reinvite_received { rln_block_ref block; struct rln_slice sdp; uint8_t method; }; /* sip method number */
struct rln_ev_transfer_requested { rln_block_ref block; struct rln_slice refer_to, replaces, referred_by; uint8_t type; }; /* a URI without headers; header values; rln_transfer_type */

/* transport -> dialog; the block holds a struct rln_sip_msg (sip/message.h) */
struct rln_ev_sip_message_received { rln_block_ref block; struct rln_slice headers, body; struct rln_addr source; uint16_t method; uint64_t transaction_id; };
struct rln_ev_sip_response_received { rln_block_ref block; struct rln_slice reason_phrase, headers, body; uint64_t transaction_id; uint16_t status_code; };
struct rln_ev_transport_error { uint64_t transaction_id; int32_t error; };           /* positive errno; transaction 0 = none known */
struct rln_ev_registration_status { rln_block_ref block; struct rln_slice uri; uint32_t expires, retry_s; uint16_t code, peer; uint8_t status; }; /* rln_registration_state; expires: s granted, in REGISTERED; retry_s: UNREGISTERED and tried again then, 0 = over; code: SIP status that led here, 0 = none */

/* dialog -> transport; the block holds the datagram as text */
struct rln_ev_send_sip_message { rln_block_ref block; struct rln_slice headers, body; struct rln_addr destination; uint16_t method; uint64_t transaction_id; };
struct rln_ev_send_sip_response { rln_block_ref block; struct rln_slice reason_phrase, headers, body; uint64_t transaction_id; uint16_t status_code; };
struct rln_ev_register_endpoint { rln_block_ref block; struct rln_slice uri, contact, registrar; uint32_t expires; uint16_t local_port, peer; }; /* contact: URI, its user part alone, or absent; registrar absent: the host of uri; expires, local_port 0: the usual */

/* session -> media; media_config is a struct rln_leg_params (lcore/media.h) */
struct rln_ev_create_media_session { uint8_t local; uint8_t spare[7]; };            /* index of the local address */
struct rln_ev_media_stream { rln_block_ref block; struct rln_slice local_sdp, remote_sdp, media_config; };
struct rln_ev_stop_media { uint8_t reason; };                                        /* rln_end_reason */
struct rln_ev_media_direction { uint8_t direction; };                                /* rln_media_direction that holds from now on */
struct rln_ev_file { rln_block_ref block; struct rln_slice file_path; uint32_t loop_count; uint8_t format, channels; };
struct rln_ev_channels { uint64_t channels; uint8_t attach; };                       /* audio channel slot handle (session/channel.h); rln_channels_attach */

struct rln_ev_tap { uint64_t tap; uint8_t on; };                                     /* tap slot handle (session/tap.h) */

/* media -> session */
struct rln_ev_media_session_created { uint64_t media_id; struct rln_addr local_addr; };
struct rln_ev_media_stream_started { uint16_t local_port; uint8_t codec, payload_type; };
struct rln_ev_media_stream_state { uint8_t old_state, new_state, direction; };
struct rln_ev_quality { struct rln_media_metrics metrics; uint8_t quality, severity; };
struct rln_ev_packet_loss { float loss_percentage; uint32_t window_ms; };
struct rln_ev_rtp_timeout { uint64_t last_packet_ns; };                              /* 0 = never received any */
struct rln_ev_dtmf { char digit; uint8_t spare; uint16_t duration_ms; };
struct rln_ev_recording_stopped { rln_block_ref block; struct rln_slice file_path; uint32_t duration_ms, gap_ms; };
struct rln_ev_media_error { uint8_t error; uint8_t spare[3]; int32_t error_code; };  /* rln_media_fault */

/* media -> rtp, rtp -> media: both on the leg's own worker */
struct rln_ev_start_rtp_stream { struct rln_addr remote; uint16_t local_port; uint8_t payload_type, codec; };
struct rln_ev_update_rtp_stream { struct rln_addr remote; };
struct rln_ev_rtp_packet { rln_block_ref block; struct rln_slice payload; uint32_t timestamp; uint16_t sequence_number; uint8_t payload_type; };
struct rln_ev_port { uint16_t local_port; };
struct rln_ev_rtp_statistics { uint32_t packets_sent, packets_received, lost, reordered, duplicate; uint32_t jitter_us; uint32_t rtt_us; uint32_t peer_lost; uint32_t peer_jitter_us; };
struct rln_ev_rtp_error { uint8_t error; int32_t error_code; };

/* session -> application */
struct rln_ev_session_created { uint8_t role; uint8_t spare[7]; uint64_t from_session; }; /* the session that caused it (transfer), 0 = none */
struct rln_ev_state_changed { uint8_t old_state, new_state, reason; uint8_t spare; uint16_t code, by; }; /* by: the event kind that moved it */
struct rln_ev_media_event { rln_block_ref block; uint16_t event; uint16_t spare; uint8_t raw[32]; }; /* kind and its payload; slices in it are of `block`, its own block is 0 */
struct rln_ev_sdp_event { rln_block_ref block; struct rln_slice sdp; uint8_t event_type; }; /* rln_sdp_event_type */
struct rln_ev_media_session_ready { struct rln_addr local_addr; uint8_t codec; };
struct rln_ev_media_negotiated { struct rln_addr remote_addr; uint8_t codec, payload_type, direction; };
struct rln_ev_media_flow { struct rln_addr local_addr, remote_addr; uint8_t direction; };
struct rln_ev_first_audio_frame { uint32_t timestamp, ssrc; };
struct rln_ev_audio_channels_ready { uint8_t can_send, can_receive; };
struct rln_ev_remote_media_confirmed { struct rln_addr remote_addr; uint8_t rtp_flowing, rtcp_received; };
struct rln_ev_options_answered { uint32_t token, rtt_us; int32_t error; uint16_t status; }; /* status 0: positive errno, ETIMEDOUT when nobody answered */
struct rln_ev_session_terminated { uint8_t reason; uint8_t spare; uint16_t code; };
struct rln_ev_command_rejected { uint16_t kind; uint16_t spare; int32_t error; };      /* the command; positive errno */

enum rln_channels_attach { RLN_CHANNELS_PART, RLN_CHANNELS_JOIN, RLN_CHANNELS_LISTEN }; /* LISTEN: hears, and does not speak */
enum rln_sdp_event_type { RLN_SDP_OFFER_SENT, RLN_SDP_OFFER_RECEIVED, RLN_SDP_ANSWER_SENT, RLN_SDP_ANSWER_RECEIVED };

/* application -> session, and session-internal */
struct rln_ev_make_call { rln_block_ref block; struct rln_slice from, to, headers, sdp_offer; uint16_t peer, tone_hz; uint8_t leg_app, late_offer, link; uint64_t other; }; /* sdp_offer: the application's own; leg_app: rln_leg_app; other, link: the session that caused it, 0 = none */
struct rln_ev_code { uint16_t code; };
struct rln_ev_target { rln_block_ref block; struct rln_slice target; uint64_t other; }; /* other: the reserved session of a consultation */
struct rln_ev_other { uint64_t other; };                                             /* BRIDGE_CALLS: session; BRIDGE_MEDIA: leg, 0 = part */
struct rln_ev_flag { uint8_t on; };
struct rln_ev_other_call { uint64_t other; uint8_t old_state, new_state, reason, parted; uint16_t code; }; /* parted: it let go of this session */
struct rln_ev_bridge { uint64_t other; uint8_t direction; uint8_t spare; uint16_t code; };               /* rln_media_direction; code: of the answer */
struct rln_ev_timer_fired { uint8_t timer; };
struct rln_ev_action_failed { uint16_t action; uint16_t spare; int32_t error; };
enum rln_evaluation { RLN_EVALUATED_KEEP, RLN_EVALUATED_SWITCH };                    /* EVALUATED.decision */
struct rln_ev_evaluated { uint8_t decision; };

/* A direct call between layers, in the trace alone (bus.h): no kind, never published. The names live as long as the process. */
struct rln_ev_direct_call { rln_block_ref block; struct rln_slice message; const char *name; int64_t result; uint32_t detail; uint8_t category, is_query; };
