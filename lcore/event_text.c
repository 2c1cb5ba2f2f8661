/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The text of an event, for people, and the comparison of events by their fields. What payloads consist of is written down once, as rows of `fields` below. An event finds
 * its payload's rows by the C type of its union member, so a kind that changes its payload needs nothing here, and a
 * payload that is not in PAYLOADS does not compile.
 */
#include "lcore/event.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#define TEXT_SHOWN 48 /* characters of a field that stands in a block */

/* clang-format off */
#define PAYLOADS(X) \
	X(initiate_call) X(terminate_session) X(sdp) X(transfer_call) X(tones) X(incoming_call) X(call_state_changed) \
	X(call_terminated) X(dialog_error) X(dialog_state_changed) X(reinvite_received) X(transfer_requested) \
	X(sip_message_received) X(sip_response_received) X(transport_error) X(registration_status) X(send_sip_message) \
	X(send_sip_response) X(register_endpoint) X(create_media_session) X(media_stream) X(stop_media) \
	X(media_direction) X(file) X(channels) X(tap) X(media_session_created) X(media_stream_started) X(media_stream_state) \
	X(quality) X(packet_loss) X(rtp_timeout) X(dtmf) X(recording_stopped) X(media_error) X(start_rtp_stream) \
	X(update_rtp_stream) X(rtp_packet) X(port) X(rtp_statistics) X(rtp_error) X(session_created) X(state_changed) \
	X(media_event) X(sdp_event) X(media_session_ready) X(media_negotiated) X(media_flow) X(first_audio_frame) \
	X(audio_channels_ready) X(remote_media_confirmed) X(session_terminated) X(make_call) X(code) X(target) \
	X(options_request) X(options_answered) X(other) X(flag) X(timer_fired) X(action_failed) X(evaluated) X(other_call) X(bridge) X(command_rejected)
/* clang-format on */

enum payload {
	PAYLOAD_NONE,
#define X(name) PAYLOAD_##name,
	PAYLOADS(X)
#undef X
};

#define GENERIC_CASE(name) , struct rln_ev_##name : PAYLOAD_##name

static const uint8_t payload_of[RLN_EV_COUNT] = {
#define X(kind, cat, member, payload, full, block, status, text)                                                                 \
	[RLN_EV_##kind] = _Generic(((struct rln_event *)NULL)->member PAYLOADS(GENERIC_CASE)),
#include "lcore/event.def"
#undef X
};

#define PICKER(function, ...)                                                                                                    \
	static const char *function(unsigned value)                                                                              \
	{                                                                                                                        \
		static const char *const names[] = {__VA_ARGS__};                                                                \
                                                                                                                                 \
		return value < sizeof(names) / sizeof(names[0]) ? names[value] : "?";                                            \
	}

#define X(name) #name,
PICKER(progress, RLN_CALL_PROGRESS_VALUES(X))
PICKER(call_state, RLN_CALL_STATES(X))
PICKER(reason, RLN_END_REASONS(X))
PICKER(registration_state, RLN_REGISTRATION_STATE_NAMES(X))
#undef X
PICKER(dialog_state, "NONE", "EARLY", "CONFIRMED", "TERMINATED")
PICKER(dialog_fault, "PARSE", "TRANSACTION", "TRANSPORT", "REQUEST_REFUSED")
PICKER(media_fault, "NO_PORT", "NO_MEMORY", "BAD_SDP", "DISK", "FILE", "FORMAT", "UNREACHABLE", "SRTP", "COMMAND")
PICKER(stream_state, "READY", "FLOWING", "HELD", "STALLED", "STOPPED")
PICKER(sdp_event, "OFFER_SENT", "OFFER_RECEIVED", "ANSWER_SENT", "ANSWER_RECEIVED")
PICKER(transfer, "BLIND", "ATTENDED")
PICKER(quality_level, "GOOD", "DEGRADED", "POOR", "FAILED")
PICKER(severity_level, "LOW", "MEDIUM", "HIGH", "CRITICAL")
PICKER(format, "WAV", "FLAC", "MP3")
PICKER(role, "UAC", "UAS")

static const char *direction(unsigned value)
{
	return rln_media_direction_name((enum rln_media_direction)value);
}

static const char *codec(unsigned value)
{
	return rln_codec_name((enum rln_codec)value);
}

static const char *kind_name(unsigned value)
{
	return rln_event_info((enum rln_event_kind)value)->name;
}

enum field_type { UNSIGNED, SIGNED, FLOATING, CHARACTER, STRING, HANDLE, BITS, ADDRESS, METRICS, SLICE, BINARY };

struct field {
	uint8_t payload, type; /* enum payload, enum field_type */
	uint8_t offset, size;
	const char *name;
	const char *(*name_of)(unsigned value); /* of an UNSIGNED that is an enum */
};

#define ROW(payload, type, member, name_of)                                                                                      \
	{                                                                                                                        \
		PAYLOAD_##payload, type, offsetof(struct rln_ev_##payload, member),                                              \
			sizeof(((struct rln_ev_##payload *)NULL)->member), #member, name_of                                      \
	}
#define F(payload, type, member)    ROW(payload, type, member, NULL)
#define E(payload, member, name_of) ROW(payload, UNSIGNED, member, name_of)

static const struct field fields[] = {
	F(initiate_call, SLICE, from),
	F(initiate_call, SLICE, to),
	F(initiate_call, SLICE, sdp_offer),
	F(initiate_call, SLICE, headers),
	E(terminate_session, reason, reason),
	F(terminate_session, UNSIGNED, code),
	F(sdp, SLICE, sdp),
	F(transfer_call, SLICE, target),
	E(transfer_call, type, transfer),
	F(transfer_call, HANDLE, replaces),
	F(tones, STRING, tones),
	F(tones, UNSIGNED, duration_ms),
	F(options_request, SLICE, from),
	F(options_request, SLICE, target),
	F(options_request, UNSIGNED, port),
	F(options_request, UNSIGNED, token),
	F(incoming_call, SLICE, call_id),
	F(incoming_call, SLICE, from),
	F(incoming_call, SLICE, to),
	F(incoming_call, SLICE, sdp_offer),
	F(incoming_call, SLICE, headers),
	E(call_state_changed, new_state, progress),
	F(call_state_changed, UNSIGNED, status),
	F(call_state_changed, SLICE, sdp),
	F(call_state_changed, SLICE, contact),
	E(call_terminated, reason, reason),
	F(call_terminated, UNSIGNED, code),
	E(dialog_error, error, dialog_fault),
	F(dialog_error, UNSIGNED, error_code),
	E(dialog_state_changed, old_state, dialog_state),
	E(dialog_state_changed, new_state, dialog_state),
	F(reinvite_received, UNSIGNED, method),
	F(reinvite_received, SLICE, sdp),
	F(transfer_requested, SLICE, refer_to),
	F(transfer_requested, SLICE, replaces),
	F(transfer_requested, SLICE, referred_by),
	E(transfer_requested, type, transfer),
	F(sip_message_received, UNSIGNED, method),
	F(sip_message_received, ADDRESS, source),
	F(sip_message_received, HANDLE, transaction_id),
	F(sip_message_received, SLICE, headers),
	F(sip_message_received, SLICE, body),
	F(sip_response_received, UNSIGNED, status_code),
	F(sip_response_received, SLICE, reason_phrase),
	F(sip_response_received, HANDLE, transaction_id),
	F(sip_response_received, SLICE, headers),
	F(sip_response_received, SLICE, body),
	F(transport_error, HANDLE, transaction_id),
	F(transport_error, SIGNED, error),
	F(registration_status, SLICE, uri),
	E(registration_status, status, registration_state),
	F(registration_status, UNSIGNED, code),
	F(registration_status, UNSIGNED, expires),
	F(registration_status, UNSIGNED, retry_s),
	F(send_sip_message, UNSIGNED, method),
	F(send_sip_message, ADDRESS, destination),
	F(send_sip_message, HANDLE, transaction_id),
	F(send_sip_message, SLICE, headers),
	F(send_sip_message, SLICE, body),
	F(send_sip_response, UNSIGNED, status_code),
	F(send_sip_response, SLICE, reason_phrase),
	F(send_sip_response, HANDLE, transaction_id),
	F(send_sip_response, SLICE, headers),
	F(send_sip_response, SLICE, body),
	F(register_endpoint, SLICE, uri),
	F(register_endpoint, SLICE, contact),
	F(register_endpoint, SLICE, registrar),
	F(register_endpoint, UNSIGNED, expires),
	F(create_media_session, UNSIGNED, local),
	F(media_stream, SLICE, local_sdp),
	F(media_stream, SLICE, remote_sdp),
	F(media_stream, BINARY, media_config),
	E(stop_media, reason, reason),
	E(media_direction, direction, direction),
	F(file, SLICE, file_path),
	F(file, UNSIGNED, loop_count),
	E(file, format, format),
	F(file, UNSIGNED, channels),
	F(channels, BITS, channels),
	F(channels, UNSIGNED, attach),
	F(tap, BITS, tap),
	F(tap, UNSIGNED, on),
	F(media_session_created, HANDLE, media_id),
	F(media_session_created, ADDRESS, local_addr),
	F(media_stream_started, UNSIGNED, local_port),
	E(media_stream_started, codec, codec),
	F(media_stream_started, UNSIGNED, payload_type),
	E(media_stream_state, old_state, stream_state),
	E(media_stream_state, new_state, stream_state),
	E(media_stream_state, direction, direction),
	F(quality, METRICS, metrics),
	E(quality, quality, quality_level),
	E(quality, severity, severity_level),
	F(packet_loss, FLOATING, loss_percentage),
	F(packet_loss, UNSIGNED, window_ms),
	F(rtp_timeout, UNSIGNED, last_packet_ns),
	F(dtmf, CHARACTER, digit),
	F(dtmf, UNSIGNED, duration_ms),
	F(recording_stopped, SLICE, file_path),
	F(recording_stopped, UNSIGNED, duration_ms),
	F(recording_stopped, UNSIGNED, gap_ms),
	E(media_error, error, media_fault),
	F(media_error, SIGNED, error_code),
	F(start_rtp_stream, ADDRESS, remote),
	F(start_rtp_stream, UNSIGNED, local_port),
	F(start_rtp_stream, UNSIGNED, payload_type),
	E(start_rtp_stream, codec, codec),
	F(update_rtp_stream, ADDRESS, remote),
	F(rtp_packet, BINARY, payload),
	F(rtp_packet, UNSIGNED, timestamp),
	F(rtp_packet, UNSIGNED, sequence_number),
	F(rtp_packet, UNSIGNED, payload_type),
	F(port, UNSIGNED, local_port),
	F(rtp_statistics, UNSIGNED, packets_sent),
	F(rtp_statistics, UNSIGNED, packets_received),
	F(rtp_statistics, UNSIGNED, lost),
	F(rtp_statistics, UNSIGNED, reordered),
	F(rtp_statistics, UNSIGNED, duplicate),
	F(rtp_statistics, UNSIGNED, jitter_us),
	F(rtp_statistics, UNSIGNED, rtt_us),
	F(rtp_statistics, UNSIGNED, peer_lost),
	F(rtp_statistics, UNSIGNED, peer_jitter_us),
	F(rtp_error, UNSIGNED, error),
	F(rtp_error, SIGNED, error_code),
	E(session_created, role, role),
	F(session_created, HANDLE, from_session),
	E(state_changed, old_state, call_state),
	E(state_changed, new_state, call_state),
	E(state_changed, reason, reason),
	F(state_changed, UNSIGNED, code),
	E(state_changed, by, kind_name),
	E(media_event, event, kind_name),
	E(sdp_event, event_type, sdp_event),
	F(sdp_event, SLICE, sdp),
	F(media_session_ready, ADDRESS, local_addr),
	E(media_session_ready, codec, codec),
	F(media_negotiated, ADDRESS, remote_addr),
	E(media_negotiated, codec, codec),
	F(media_negotiated, UNSIGNED, payload_type),
	E(media_negotiated, direction, direction),
	F(media_flow, ADDRESS, local_addr),
	F(media_flow, ADDRESS, remote_addr),
	E(media_flow, direction, direction),
	F(first_audio_frame, UNSIGNED, timestamp),
	F(first_audio_frame, BITS, ssrc),
	F(audio_channels_ready, UNSIGNED, can_send),
	F(audio_channels_ready, UNSIGNED, can_receive),
	F(remote_media_confirmed, ADDRESS, remote_addr),
	F(remote_media_confirmed, UNSIGNED, rtp_flowing),
	F(remote_media_confirmed, UNSIGNED, rtcp_received),
	F(options_answered, UNSIGNED, status),
	F(options_answered, SIGNED, error),
	F(options_answered, UNSIGNED, rtt_us),
	F(options_answered, UNSIGNED, token),
	E(session_terminated, reason, reason),
	F(session_terminated, UNSIGNED, code),
	F(make_call, SLICE, from),
	F(make_call, SLICE, to),
	F(make_call, SLICE, headers),
	F(make_call, SLICE, sdp_offer),
	F(make_call, UNSIGNED, peer),
	F(make_call, UNSIGNED, leg_app),
	F(make_call, UNSIGNED, tone_hz),
	F(make_call, HANDLE, other),
	F(code, UNSIGNED, code),
	F(target, SLICE, target),
	F(target, HANDLE, other),
	F(other, HANDLE, other),
	F(flag, UNSIGNED, on),
	F(timer_fired, UNSIGNED, timer),
	F(action_failed, UNSIGNED, action),
	F(action_failed, SIGNED, error),
	F(evaluated, UNSIGNED, decision),
	F(other_call, HANDLE, other),
	E(other_call, old_state, call_state),
	E(other_call, new_state, call_state),
	E(other_call, reason, reason),
	F(other_call, UNSIGNED, parted),
	F(other_call, UNSIGNED, code),
	F(bridge, HANDLE, other),
	E(bridge, direction, direction),
	F(bridge, UNSIGNED, code),
	E(command_rejected, kind, kind_name),
	F(command_rejected, SIGNED, error),
};

struct out {
	char *buf;
	size_t size, at; /* `at` counts what would have been written, as snprintf() does */
};

__attribute__((format(printf, 2, 3))) static void put(struct out *o, const char *format, ...)
{
	bool room = o->at < o->size;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(room ? o->buf + o->at : NULL, room ? o->size - o->at : 0, format, args);
	va_end(args);
	if (n > 0)
		o->at += (size_t)n;
}

static uint64_t number(const void *at, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, at, size); /* little-endian, like every machine that DPDK's rte_rdtsc() gives us a TSC on */
	return v;
}

static void put_quoted(struct out *o, const char *text, size_t len)
{
	put(o, "\"");
	for (size_t i = 0; i < len && i < TEXT_SHOWN; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			put(o, "\\%c", c);
		else if (c >= ' ' && c < 0x7f)
			put(o, "%c", c);
		else
			put(o, "\\x%02x", c);
	}
	put(o, len > TEXT_SHOWN ? "\"..[%zu]" : "\"", len);
}

static void put_slice(struct out *o, rln_block_ref block, const struct rln_slice *s, bool is_text)
{
	const char *data = s->len ? rln_block_data(block) : NULL;

	if (!is_text || !data || (size_t)s->off + s->len > rln_block_room(block))
		put(o, "[%u]", s->len);
	else
		put_quoted(o, data + s->off, s->len);
}

static void put_metrics(struct out *o, const struct rln_media_metrics *m)
{
	put(o, "{loss %.2f%% jitter %.2fms rtt ", (double)m->packet_loss, (double)m->jitter_ms);
	if (m->round_trip_ms < 0)
		put(o, "n/a");
	else
		put(o, "%.2fms", (double)m->round_trip_ms);
	put(o, " %ubps}", m->bitrate_bps);
}

static int64_t signed_number(const void *at, size_t size)
{
	unsigned unused_bits = 64 - 8 * (unsigned)size;

	return (int64_t)(number(at, size) << unused_bits) >> unused_bits;
}

static void put_field(struct out *o, const struct field *f, const struct rln_event *ev)
{
	const uint8_t *at = ev->raw + f->offset;
	char text[RLN_ADDR_TEXT];
	float real;

	put(o, " %s=", f->name);
	switch ((enum field_type)f->type) {
	case UNSIGNED:
		if (f->name_of)
			put(o, "%s", f->name_of((unsigned)number(at, f->size)));
		else
			put(o, "%" PRIu64, number(at, f->size));
		break;
	case SIGNED:
		put(o, "%" PRId64, signed_number(at, f->size));
		break;
	case FLOATING:
		memcpy(&real, at, sizeof(real));
		put(o, "%.2f", (double)real);
		break;
	case CHARACTER:
		put_quoted(o, (const char *)at, 1);
		break;
	case STRING:
		put_quoted(o, (const char *)at, strnlen((const char *)at, f->size));
		break;
	case HANDLE:
		put(o, "%s", rln_id_text(number(at, f->size), text));
		break;
	case BITS:
		put(o, "%" PRIx64, number(at, f->size));
		break;
	case ADDRESS:
		put(o, "%s", rln_addr_text((const struct rln_addr *)at, text));
		break;
	case METRICS:
		put_metrics(o, (const struct rln_media_metrics *)at);
		break;
	case SLICE:
	case BINARY:
		put_slice(o, rln_event_block(ev), (const struct rln_slice *)at, f->type == SLICE);
		break;
	}
}

int rln_event_fields(const struct rln_event *ev, char *buf, size_t size)
{
	const struct rln_event_info *info = rln_event_info(rln_event_kind(ev));
	unsigned payload = info->category == RLN_CAT_COUNT ? PAYLOAD_NONE : payload_of[ev->kind];
	struct out o = {buf, size, 0};

	if (size)
		buf[0] = 0;
	for (size_t i = 0; payload && i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].payload == payload)
			put_field(&o, &fields[i], ev);
	return (int)o.at;
}

int rln_event_text(const struct rln_event *ev, char *buf, size_t size)
{
	struct out o = {buf, size, 0};
	char id[RLN_ID_TEXT];

	put(&o, "%s %s #%u.%u<-%u.%u", rln_event_info(rln_event_kind(ev))->name, rln_id_text(ev->id, id), ev->serial >> 24,
		ev->serial & 0xffffff, ev->cause >> 24, ev->cause & 0xffffff);
	return (int)o.at + rln_event_fields(ev, o.at < size ? buf + o.at : buf, o.at < size ? size - o.at : 0);
}

static bool field_is_like(const struct field *f, const uint8_t *at, const uint8_t *pattern)
{
	static const uint8_t none[sizeof(((struct rln_event *)NULL)->raw)];

	if (f->type == SLICE || f->type == BINARY || memcmp(pattern, none, f->size) == 0)
		return true;
	if (f->type == STRING)
		return strncmp((const char *)at, (const char *)pattern, f->size) == 0;
	return memcmp(at, pattern, f->size) == 0;
}

bool rln_event_is_like(const struct rln_event *ev, const struct rln_event *pattern)
{
	unsigned payload = rln_event_info(rln_event_kind(ev))->category == RLN_CAT_COUNT ? PAYLOAD_NONE : payload_of[ev->kind];

	if (ev->kind != pattern->kind || (pattern->id && pattern->id != ev->id))
		return false;
	for (size_t i = 0; payload && i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *f = &fields[i];

		if (f->payload == payload && !field_is_like(f, ev->raw + f->offset, pattern->raw + f->offset))
			return false;
	}
	return true;
}
