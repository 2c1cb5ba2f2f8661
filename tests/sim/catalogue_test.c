/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The catalogue, lived through: the set-up makes six calls in which every LIVE kind of lcore/event.def is raised by its real producer; then each kind has a
 * test of its own, which finds it in the trace and looks at its fields. A LIVE kind without a check fails, a LIVE kind that nothing raised fails, and so does
 * a LATER kind that something raised (R36).
 */
#include "tests/sim/catalogue_check.h"
#include "tests/sim/catalogue_links.h"
#include "tests/sim/catalogue_sip.h"
#include "tests/sim/sim.h"
#include "tests/wav_file.h"

#include <stdlib.h>

#include "session/api_priv.h"
#include "session/registrations.h"
#include "session/tap.h"

#define PORT  5070
#define FRAME 160

static struct {                    /* what the story left for the checks */
	uint64_t a, b, c, r, e, q; /* sessions: in, out, unreachable, rejected, without route, of bad quality */
	uint64_t a_media, a_dialog, b_dialog, q_media;
	uint16_t a_port, b_port;
	char played[256], recorded[256], call_id[64];
	uint32_t ssrc;
} story;

static uint8_t sound[200 * FRAME];

/* ---- the story ---- */

static void write_silence(const char *path)
{
	static const int16_t samples[1600];

	wav_write(path, samples, 1600);
}

static void malformed_request(struct sim_dialog *d)
{
	struct sim_msg m;
	char *cseq;

	sim_request(d, "INFO", NULL, NULL);
	sim_expect(d->sip, &m, "SIP/2.0 ");
	cseq = strstr(d->last, "INFO\r\n");
	assert_non_null(cseq);
	memcpy(cseq, "XXXX", 4); /* CSeq names another method than the request line: 400 */
	cseq = strstr(d->last, "z9hG4bK-sim-");
	cseq[11] = '+'; /* another transaction */
	sim_request_again(d);
	sim_expect(d->sip, &m, "SIP/2.0 400");
}

static void files(struct rln_call *call)
{
	struct rln_event ev;
	char path[256];

	write_silence(sim_path("catalogue.wav", story.played));
	sim_path("catalogue-out.wav", story.recorded);
	assert_int_equal(rln_call_start_recording(call, story.recorded, RLN_FORMAT_WAV, 2), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_RECORDING_STARTED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_play(call, story.played, 2), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_AUDIO_PLAYBACK_FINISHED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_stop_recording(call), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_RECORDING_STOPPED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_play(call, story.played, 0), 0);
	assert_int_equal(rln_call_stop_audio(call), 0);
	assert_int_equal(rln_call_play(call, sim_path("none.wav", path), 1), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_ERROR, SIM_WAIT_MS, &ev), 0);
}

static void reinvites(struct sim_dialog *d, struct rln_call *call)
{
	struct sim_msg m, ack;

	sim_request(d, "INVITE", NULL, sim_sdp(30000, "0 101", "sendrecv"));
	sim_expect(d->sip, &m, "SIP/2.0 200");
	sim_request(d, "ACK", NULL, NULL);
	assert_int_equal(rln_call_update(call, RLN_MEDIA_BIDIRECTIONAL), 0);
	sim_expect(d->sip, &m, "INVITE ");
	sim_respond(d, &m, 200, NULL, sim_sdp(30000, "0 101", "sendrecv"));
	sim_expect(d->sip, &ack, "ACK ");
}

/* The first packet of either way, of which the tap alone tells. */
static void tap(struct rln_call *call)
{
	const struct rln_api *api = rln_api_get();
	struct rln_session_id id = rln_call_session(call);
	struct rln_tap_packet p;
	struct rln_tap *tap;
	uint64_t handle;
	bool in = false, out = false;

	assert_int_equal(rln_tap_create(api->taps, 256, &tap, &handle), 0);
	assert_int_equal(rln_coord_tap(api->coord, id, handle, true), 0);
	while (!in || !out) {
		bool *seen;

		assert_int_equal(rln_tap_read(tap, &p, SIM_WAIT_MS), 0);
		seen = p.ev.kind == RLN_EV_SEND_RTP_PACKET ? &out : &in;
		if (!*seen)
			sim_trace_add(&p.ev);
		*seen = true;
	}
	assert_int_equal(rln_coord_tap(api->coord, id, handle, false), 0);
	while (rln_tap_read(tap, &p, SIM_WAIT_MS) == 0)
		;
	rln_tap_destroy(api->taps, tap);
	rln_api_put(api);
}

static void incoming_call_lives(struct rln_peer *bob, struct sim_sip *sip, struct sim_rtp *rtp)
{
	struct rln_audio_frame f;
	struct sim_msg m, ack;
	struct sim_dialog d;
	struct rln_call *call;

	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0 101", "sendrecv"), bob, &call, &m);
	story.a = rln_call_session(call).v;
	story.a_port = sim_sdp_port(&m);
	snprintf(story.call_id, sizeof(story.call_id), "%s", d.call_id);
	sim_rtp_to(rtp, SIM_MAIN, story.a_port);
	story.ssrc = rtp->ssrc;
	sim_rtp_talk(rtp, sound, 60 * FRAME, FRAME, 20000, NULL);
	assert_int_equal(rln_call_wait_for_media(call, SIM_WAIT_MS), 0);
	tap(call);
	assert_int_equal(rln_call_recv_audio(call, &f, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_mute(call, true), 0);
	reinvites(&d, call);
	malformed_request(&d);
	files(call);
	sim_rtp_hush(rtp);
	sim_rtp_digit(rtp, 101, 11, 120);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_DTMF_DETECTED, SIM_WAIT_MS, NULL), 0);
	sim_expect(sip, &m, "INVITE "); /* nothing more for a second: RTP_TIMEOUT */
	sim_respond(&d, &m, 200, NULL, sim_sdp(30000, "0 101", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	sim_bye(&d);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	rln_call_free(call);
}

static unsigned a_quarter_lost(unsigned packet)
{
	return packet % 4 == 3 ? 0 : 1;
}

/* 200 packets of 5 ms in a second: the second look at them judges. */
static void lossy_call_lives(struct rln_peer *bob, struct sim_sip *sip)
{
	struct sim_rtp *rtp = sim_rtp_open(SIM_HOST, 36000);
	struct rln_call *call;
	struct sim_dialog d;
	struct sim_msg m;

	sim_call_in(&d, sip, "bob", PORT, sim_sdp(36000, "0 101", "sendrecv"), bob, &call, &m);
	story.q = rln_call_session(call).v;
	sim_rtp_to(rtp, SIM_MAIN, sim_sdp_port(&m));
	sim_rtp_talk(rtp, sound, sizeof(sound), 40, 5000, a_quarter_lost);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_QUALITY_CHANGE, SIM_WAIT_MS, NULL), 0);
	sim_bye(&d);
	sim_rtp_hush(rtp);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	rln_call_free(call);
	sim_rtp_close(rtp);
}

/* Our media meet a closed port: RTP_ERROR, which the application is told. */
static void outgoing_call_lives(struct rln_peer *bob, struct sim_sip *sip)
{
	struct sim_msg m, ack;
	struct rln_call *call = rln_peer_call(bob, "sim@" SIM_HOST);
	struct sim_dialog d;

	assert_non_null(call);
	story.b = rln_call_session(call).v;
	sim_expect(sip, &m, "INVITE ");
	story.b_port = sim_sdp_port(&m);
	sim_wire_refuse(true);
	sim_uas(&d, sip, &m);
	sim_respond(&d, &m, 180, NULL, NULL);
	sim_respond(&d, &m, 200, NULL, sim_sdp(34000, "8", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_ERROR, SIM_WAIT_MS, NULL), 0);
	sim_wire_refuse(false);
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, &m, "BYE ");
	sim_respond(&d, &m, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	rln_call_free(call);
}

static void calls_fail(struct rln_peer *bob, struct sim_sip *sip)
{
	struct rln_incoming *in;
	struct rln_call *call;
	struct sim_dialog d;
	struct sim_msg m;

	sim_wire_refuse(true);
	call = rln_peer_call(bob, "sim@" SIM_HOST ":5999");
	assert_non_null(call);
	story.c = rln_call_session(call).v;
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_FAILED, SIM_WAIT_MS), 0);
	rln_call_free(call);
	sim_wire_refuse(false);
	sim_uac(&d, sip, "bob", PORT);
	sim_request(&d, "INVITE", NULL, sim_sdp(30000, "0", "sendrecv"));
	in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	assert_non_null(in);
	story.r = rln_incoming_session(in).v;
	assert_int_equal(rln_incoming_reject(in, 486), 0);
	sim_expect(sip, &m, "SIP/2.0 180");
	sim_expect(sip, &m, "SIP/2.0 486");
	sim_ack_refusal(&d, &m);
	call = rln_peer_call(bob, "sim@10.1.2.3"); /* no route */
	assert_non_null(call);
	story.e = rln_call_session(call).v;
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_FAILED, SIM_WAIT_MS), 0);
	rln_call_free(call);
}

static struct rln_decision wait_quietly(void *arg, struct rln_host *host, const struct rln_invite_details *invite)
{
	(void)arg;
	host->ops->start_timer(host, invite->session, 0, 10);
	return (struct rln_decision){.kind = RLN_DECISION_DEFER};
}

static void ring_then_refuse(void *arg, struct rln_host *host, struct rln_session_id call, unsigned number)
{
	(void)arg;
	if (number == 0)
		host->ops->ring(host, call);
	else
		host->ops->reject(host, call, 480);
	host->ops->start_timer(host, call, 1, 10);
}

/* A handler defers a call, lets it ring and refuses it. */
static void a_handler_rings(struct sim_sip *sip)
{
	struct rln_handler handler = {.abi = RLN_HANDLER_ABI, .on_incoming_invite = wait_quietly, .on_timer = ring_then_refuse};
	struct rln_app *app = rln_app_start(&(struct rln_app_options){.name = "ringer", .port = PORT}, &handler);
	struct sim_dialog d;
	struct sim_msg m;

	assert_non_null(app);
	sim_uac(&d, sip, "ringer", PORT);
	sim_request(&d, "INVITE", NULL, sim_sdp(30000, "0", "sendrecv"));
	sim_expect(sip, &m, "SIP/2.0 182");
	sim_expect(sip, &m, "SIP/2.0 180");
	sim_expect(sip, &m, "SIP/2.0 480");
	sim_ack_refusal(&d, &m);
	assert_int_equal(rln_app_stop(app), 0);
}

/* A peer registers and takes it back. */
static void registers(struct rln_peer *bob, struct sim_sip *sip)
{
	struct rln_coord_registration r = {.uri = "sip:bob@" SIM_HOST, .contact = "sip:bob@203.0.113.1", .expires_s = 60};
	struct sim_dialog d;
	struct sim_msg m;

	assert_int_equal(rln_coord_register(sim_coord(), bob->number, &r, SIM_WAIT_MS), 0);
	sim_expect(sip, &m, "REGISTER ");
	sim_uas(&d, sip, &m);
	sim_respond(&d, &m, 200, "Expires: 50\r\n", NULL);
	assert_int_equal(rln_coord_unregister(sim_coord(), bob->number, r.uri), 0);
	sim_expect(sip, &m, "REGISTER ");
	sim_respond(&d, &m, 200, NULL, NULL);
}

static int live(void **state)
{
	struct rln_peer *bob;
	struct sim_rtp *rtp;
	struct sim_sip *sip;

	(void)state;
	sim_start(&(struct sim_cfg){.trace = true,
		.rtp = "port_min: 20000, port_max: 29999, rtp_timeout_s: 1, rtcp_interval_ms: 500, quality_interval_ms: 1000"});
	sim_sound_ulaw(sound, sizeof(sound), 5);
	bob = rln_peer_new("bob", PORT);
	sip = sim_sip_open(5060);
	rtp = sim_rtp_open(SIM_HOST, 30000);
	incoming_call_lives(bob, sip, rtp);
	lossy_call_lives(bob, sip);
	outgoing_call_lives(bob, sip);
	calls_fail(bob, sip);
	a_handler_rings(sip);
	registers(bob, sip);
	sim_wait_idle();
	sim_rtp_close(rtp);
	sim_sip_close(sip);
	catalogue_links_live(bob);
	catalogue_sip_live(bob);
	rln_peer_free(bob);
	sim_trace_count();
	story.a_media = sim_trace_at(sim_trace_wait(0, RLN_EV_MEDIA_SESSION_CREATED, story.a))->ev.media_session_created.media_id;
	story.q_media = sim_trace_at(sim_trace_wait(0, RLN_EV_MEDIA_SESSION_CREATED, story.q))->ev.media_session_created.media_id;
	story.a_dialog = sim_trace_at(sim_trace_wait(0, RLN_EV_INCOMING_CALL, 0))->ev.id;
	story.b_dialog = sim_trace_at(sim_trace_wait(0, RLN_EV_INITIATE_CALL, 0))->ev.id;
	return 0;
}

/* ---- the checks: at least one event of the kind for which all of this is true ---- */

static bool is_rtp(const struct rln_addr *a, const char *ip, uint16_t port)
{
	struct rln_addr want = sim_addr(ip, port);

	return rln_addr_equal(a, &want);
}

#define FROM_CONTROL (e->endpoint >= RLN_ENDPOINT_WORKER0 && v->serial >> 24 == RLN_ENDPOINT_CONTROL && v->cause != 0)
#define TO_CONTROL   (e->endpoint == RLN_ENDPOINT_CONTROL)

CHECK(INITIATE_CALL, initiate_call,
	v->id == story.b_dialog && has(e, p->from, "sip:bob@" SIM_MAIN) && has(e, p->to, "sim@" SIM_HOST) &&
		has(e, p->sdp_offer, "m=audio"))
CHECK(TERMINATE_SESSION, terminate_session,
	v->id == story.b_dialog && p->reason == RLN_END_NORMAL && v->cause >> 24 == RLN_ENDPOINT_APP)
CHECK(INCOMING_CALL, incoming_call,
	v->id == story.a && has(e, p->call_id, story.call_id) && has(e, p->from, "sip:sim@" SIM_HOST) &&
		has(e, p->to, "sip:bob@") && has(e, p->sdp_offer, "m=audio 30000") && has(e, p->headers, "Via:"))
CHECK(CALL_STATE_CHANGED, call_state_changed, v->id == story.b && p->new_state == RLN_CALL_RINGING && p->status == 180)
CHECK(CALL_ESTABLISHED, call_established, v->id == story.b_dialog && has(e, p->sdp, "m=audio 34000"))
CHECK(CALL_TERMINATED, call_terminated, v->id == story.a_dialog && p->reason == RLN_END_REMOTE)
CHECK(DIALOG_ERROR, dialog_error, v->id == story.a && p->error == RLN_FAULT_PARSE && p->error_code == 400)
CHECK(DIALOG_STATE_CHANGED, dialog_state_changed,
	v->id == story.a && p->old_state == RLN_DIALOG_EARLY && p->new_state == RLN_DIALOG_CONFIRMED)
CHECK(REINVITE_RECEIVED, reinvite_received, v->id == story.a_dialog && p->method == 1 && has(e, p->sdp, "m=audio 30000"))
CHECK(REINVITE_ACKED, reinvite_acked, v->id == story.a_dialog && has(e, p->sdp, "m=audio 30000"))
CHECK(SIP_MESSAGE_RECEIVED, sip_message_received,
	p->method == 1 && is_rtp(&p->source, SIM_HOST, 5060) && p->transaction_id && has(e, p->headers, "Call-ID:") &&
		has(e, p->body, "m=audio 30000"))
CHECK(SIP_RESPONSE_RECEIVED, sip_response_received,
	v->id == story.b_dialog && p->status_code == 200 && has(e, p->reason_phrase, "OK") && p->transaction_id &&
		has(e, p->headers, "CSeq:") && has(e, p->body, "m=audio"))
CHECK(TRANSPORT_ERROR, transport_error, p->error > 0 && p->transaction_id)
CHECK(REGISTRATION_STATUS_UPDATE, registration_status_update,
	rln_id_type(v->id) == RLN_ID_REGISTRATION && has(e, p->uri, "sip:bob@" SIM_HOST) && p->expires == 50 && p->code == 200 &&
		p->status == RLN_REGISTRATION_REGISTERED)
CHECK(REGISTER_ENDPOINT, register_endpoint,
	has(e, p->uri, "sip:bob@" SIM_HOST) && has(e, p->contact, "sip:bob@203.0.113.1") && p->expires == 60 &&
		p->local_port == PORT)
CHECK(UNREGISTER_ENDPOINT, unregister_endpoint, has(e, p->uri, "sip:bob@" SIM_HOST) && p->local_port == PORT)
CHECK(SEND_SIP_MESSAGE, send_sip_message,
	v->id == story.b_dialog && p->method == 1 && is_rtp(&p->destination, SIM_HOST, 5060) && p->transaction_id &&
		has(e, p->headers, "Contact:") && has(e, p->body, "m=audio"))
CHECK(SEND_SIP_RESPONSE, send_sip_response,
	v->id == story.a_dialog && p->status_code == 200 && has(e, p->reason_phrase, "OK") && p->transaction_id &&
		has(e, p->headers, "Contact:") && has(e, p->body, "m=audio"))
CHECK(CREATE_MEDIA_SESSION, create_media_session, v->id == story.a && p->local == 0 && FROM_CONTROL)
CHECK(ATTACH_CHANNELS, attach_channels, v->id == story.a_media && p->channels && p->attach == 1 && FROM_CONTROL)
CHECK(START_MEDIA_STREAM, start_media_stream,
	v->id == story.a_media && has(e, p->local_sdp, "c=IN IP4 " SIM_MAIN) && has(e, p->remote_sdp, "m=audio 30000") &&
		p->media_config.len && FROM_CONTROL)
CHECK(STOP_MEDIA_STREAM, stop_media_stream, v->id == story.a_media && p->reason == RLN_END_REMOTE && FROM_CONTROL)
CHECK(UPDATE_MEDIA_STREAM, update_media_stream,
	v->id == story.a_media && has(e, p->remote_sdp, "m=audio 30000") && p->media_config.len && FROM_CONTROL)
CHECK(START_RECORDING, start_recording,
	v->id == story.a_media && has(e, p->file_path, story.recorded) && p->format == RLN_FORMAT_WAV && p->channels == 2)
CHECK(STOP_RECORDING, stop_recording, v->id == story.a_media && FROM_CONTROL)
CHECK(PLAY_AUDIO, play_audio, v->id == story.a_media && has(e, p->file_path, story.played) && p->loop_count == 2)
CHECK(STOP_AUDIO, stop_audio, v->id == story.a_media && FROM_CONTROL)
CHECK(MEDIA_SESSION_CREATED, media_session_created,
	v->id == story.a && p->media_id == story.a_media && is_rtp(&p->local_addr, SIM_MAIN, story.a_port) && TO_CONTROL)
CHECK(MEDIA_STREAM_STARTED, media_stream_started,
	v->id == story.a_media && p->local_port == story.a_port && p->codec == RLN_CODEC_PCMU && p->payload_type == 0 &&
		TO_CONTROL)
CHECK(MEDIA_STREAM_STOPPED, media_stream_stopped, v->id == story.a_media && p->reason == RLN_END_REMOTE && TO_CONTROL)
CHECK(MEDIA_STREAM_STATE_CHANGED, media_stream_state_changed,
	v->id == story.a_media && p->old_state == RLN_STREAM_READY && p->new_state == RLN_STREAM_FLOWING &&
		p->direction == RLN_MEDIA_BIDIRECTIONAL)
CHECK(TAP_REQUEST, tap_request, v->id == story.a && p->tap && p->on == 1)
CHECK(TAP_MEDIA, tap_media, v->id == story.a_media && p->tap && p->on == 1 && FROM_CONTROL)
CHECK(RTP_PACKET_RECEIVED, rtp_packet_received,
	v->id == story.a_media && p->payload.len == FRAME && p->payload_type == 0 && p->sequence_number >= 1000 &&
		p->timestamp == 160000u + FRAME * (p->sequence_number - 1000u))
CHECK(SEND_RTP_PACKET, send_rtp_packet, v->id == story.a_media && p->payload.len == FRAME && p->payload_type == 0)
CHECK(MEDIA_QUALITY_UPDATE, media_quality_update,
	v->id == story.q_media && p->quality == RLN_QUALITY_FAILED && p->metrics.packet_loss > 15 && p->metrics.bitrate_bps &&
		TO_CONTROL)
CHECK(MEDIA_QUALITY_DEGRADED, media_quality_degraded,
	v->id == story.q_media && p->quality == RLN_QUALITY_FAILED && p->severity == RLN_SEVERITY_CRITICAL &&
		p->metrics.packet_loss > 15 && TO_CONTROL)
CHECK(PACKET_LOSS_DETECTED, packet_loss_detected,
	v->id == story.q_media && p->loss_percentage > 15 && p->loss_percentage < 35 && p->window_ms >= 500)
CHECK(PACKET_LOSS_THRESHOLD_EXCEEDED, packet_loss_threshold_exceeded, v->id == story.q_media && p->loss_percentage > 15)
CHECK(MEDIA_QUALITY_CHANGE, media_quality_change,
	v->id == story.q && p->quality == RLN_QUALITY_FAILED && p->metrics.packet_loss > 15)
CHECK(RTP_TIMEOUT, rtp_timeout, v->id == story.a_media && p->last_packet_ns != 0)
CHECK(DTMF_DETECTED, dtmf_detected, v->id == story.a && p->digit == '#' && p->duration_ms == 120)
CHECK(RECORDING_STARTED, recording_started,
	v->id == story.a_media && has(e, p->file_path, "catalogue-out.wav") && p->channels == 2)
CHECK(RECORDING_STOPPED, recording_stopped,
	v->id == story.a_media && has(e, p->file_path, "catalogue-out.wav") && p->duration_ms >= 400)
CHECK(AUDIO_PLAYBACK_FINISHED, audio_playback_finished, v->id == story.a_media && TO_CONTROL)
CHECK(MEDIA_ERROR, media_error, v->id == story.a_media && p->error == RLN_MEDIA_FAULT_FILE && p->error_code == 2)
CHECK(START_RTP_STREAM, start_rtp_stream,
	v->id == story.a_media && p->local_port == story.a_port && is_rtp(&p->remote, SIM_HOST, 30000) && p->payload_type == 0 &&
		p->codec == RLN_CODEC_PCMU)
CHECK(STOP_RTP_STREAM, stop_rtp_stream, v->id == story.a_media && p->reason == RLN_END_REMOTE)
CHECK(UPDATE_RTP_STREAM, update_rtp_stream, v->id == story.a_media && is_rtp(&p->remote, SIM_HOST, 30000))
CHECK(RTP_STREAM_STARTED, rtp_stream_started, v->id == story.a_media && p->local_port == story.a_port)
CHECK(RTP_STREAM_STOPPED, rtp_stream_stopped, v->id == story.a_media && p->reason == RLN_END_REMOTE)
CHECK(RTP_STATISTICS_UPDATE, rtp_statistics_update,
	v->id == story.a_media && p->packets_sent && p->packets_received >= 20 && !p->lost && !p->duplicate)
CHECK(RTP_ERROR, rtp_error, p->error == RLN_MEDIA_FAULT_UNREACHABLE && p->error_code > 0 && rln_id_type(v->id) == RLN_ID_MEDIA)
CHECK(SESSION_CREATED, session_created, v->id == story.a && p->role == RLN_ROLE_UAS)
CHECK(STATE_CHANGED, state_changed,
	v->id == story.a && p->old_state == RLN_STATE_ACTIVE && p->new_state == RLN_STATE_TERMINATED &&
		p->reason == RLN_END_REMOTE)
CHECK(MEDIA_EVENT, media_event, v->id == story.a && p->event == RLN_EV_RTP_TIMEOUT)
CHECK(SDP_EVENT, sdp_event, v->id == story.a && p->event_type == RLN_SDP_OFFER_RECEIVED && has(e, p->sdp, "m=audio 30000"))
CHECK(MEDIA_SESSION_READY, media_session_ready,
	v->id == story.a && is_rtp(&p->local_addr, SIM_MAIN, story.a_port) && p->codec == RLN_CODEC_PCMU)
CHECK(MEDIA_NEGOTIATED, media_negotiated,
	v->id == story.b && is_rtp(&p->remote_addr, SIM_HOST, 34000) && p->codec == RLN_CODEC_PCMA && p->payload_type == 8 &&
		p->direction == RLN_MEDIA_BIDIRECTIONAL)
CHECK(MEDIA_FLOW_ESTABLISHED, media_flow_established,
	v->id == story.a && is_rtp(&p->local_addr, SIM_MAIN, story.a_port) && is_rtp(&p->remote_addr, SIM_HOST, 30000) &&
		p->direction == RLN_MEDIA_BIDIRECTIONAL)
CHECK(FIRST_AUDIO_FRAME_RECEIVED, first_audio_frame_received, v->id == story.a && p->ssrc == story.ssrc && p->timestamp == 160000)
CHECK(AUDIO_CHANNELS_READY, audio_channels_ready, v->id == story.a && p->can_send == 1 && p->can_receive == 1)
CHECK(REMOTE_MEDIA_CONFIRMED, remote_media_confirmed,
	v->id == story.a && is_rtp(&p->remote_addr, SIM_HOST, 30000) && p->rtp_flowing == 1 && !p->rtcp_received)
CHECK(SESSION_TERMINATED, session_terminated, v->id == story.r && p->reason == RLN_END_REJECTED && p->code == 486)
CHECK(MAKE_CALL, make_call,
	v->id == story.b && has(e, p->to, "sim@" SIM_HOST) && has(e, p->from, "bob@") && v->serial >> 24 == RLN_ENDPOINT_APP)
CHECK(ACCEPT_CALL, accept_call, v->id == story.a && v->serial >> 24 == RLN_ENDPOINT_APP)
CHECK(RING_CALL, ring_call, rln_id_type(v->id) == RLN_ID_SESSION && v->serial >> 24 == RLN_ENDPOINT_CONTROL)
CHECK(REJECT_CALL, reject_call, v->id == story.r && p->code == 486)
CHECK(HANGUP_CALL, hangup_call, v->id == story.b && v->serial >> 24 == RLN_ENDPOINT_APP)
CHECK(PLAY_REQUEST, play_request, v->id == story.a && has(e, p->file_path, story.played) && p->loop_count == 2)
CHECK(STOP_PLAY_REQUEST, stop_play_request, v->id == story.a)
CHECK(RECORD_REQUEST, record_request,
	v->id == story.a && has(e, p->file_path, story.recorded) && p->format == RLN_FORMAT_WAV && p->channels == 2)
CHECK(STOP_RECORD_REQUEST, stop_record_request, v->id == story.a)
CHECK(MUTE_REQUEST, mute_request, v->id == story.a && p->on == 1)
CHECK(CHANNELS_REQUEST, channels_request, v->id == story.a && p->channels && p->attach == 1)
CHECK(UPDATE_REQUEST, update_request, v->id == story.a && p->direction == RLN_MEDIA_BIDIRECTIONAL)
CHECK(TIMER_FIRED, timer_fired, v->id == story.a && p->timer == 3) /* cleanup */
CHECK(ACTION_FAILED, action_failed, v->id == story.e && p->error != 0)

static bool (*const checks[RLN_EV_COUNT])(const struct sim_event *e) = {
	[RLN_EV_REGISTRATION_STATUS_UPDATE] = check_REGISTRATION_STATUS_UPDATE,
	[RLN_EV_REGISTER_ENDPOINT] = check_REGISTER_ENDPOINT,
	[RLN_EV_UNREGISTER_ENDPOINT] = check_UNREGISTER_ENDPOINT,
#define ROW(kind) [RLN_EV_##kind] = check_##kind,
	ROW(INITIATE_CALL) ROW(TERMINATE_SESSION) ROW(INCOMING_CALL) ROW(CALL_STATE_CHANGED) ROW(CALL_ESTABLISHED) ROW(
		CALL_TERMINATED) ROW(DIALOG_ERROR) ROW(DIALOG_STATE_CHANGED) ROW(REINVITE_RECEIVED) ROW(REINVITE_ACKED)
		ROW(SIP_MESSAGE_RECEIVED) ROW(SIP_RESPONSE_RECEIVED) ROW(TRANSPORT_ERROR) ROW(SEND_SIP_MESSAGE) ROW(
			SEND_SIP_RESPONSE) ROW(CREATE_MEDIA_SESSION) ROW(ATTACH_CHANNELS) ROW(START_MEDIA_STREAM)
			ROW(STOP_MEDIA_STREAM) ROW(UPDATE_MEDIA_STREAM) ROW(START_RECORDING) ROW(STOP_RECORDING) ROW(
				PLAY_AUDIO) ROW(STOP_AUDIO) ROW(MEDIA_SESSION_CREATED) ROW(MEDIA_STREAM_STARTED)
				ROW(MEDIA_STREAM_STOPPED) ROW(MEDIA_STREAM_STATE_CHANGED) ROW(TAP_REQUEST) ROW(TAP_MEDIA) ROW(
					RTP_PACKET_RECEIVED) ROW(SEND_RTP_PACKET) ROW(MEDIA_QUALITY_UPDATE) ROW(MEDIA_QUALITY_DEGRADED)
					ROW(PACKET_LOSS_DETECTED) ROW(PACKET_LOSS_THRESHOLD_EXCEEDED) ROW(MEDIA_QUALITY_CHANGE) ROW(
						RTP_TIMEOUT) ROW(DTMF_DETECTED) ROW(RECORDING_STARTED) ROW(RECORDING_STOPPED)
						ROW(AUDIO_PLAYBACK_FINISHED) ROW(MEDIA_ERROR) ROW(START_RTP_STREAM) ROW(
							STOP_RTP_STREAM) ROW(UPDATE_RTP_STREAM) ROW(RTP_STREAM_STARTED) ROW(RTP_STREAM_STOPPED)
							ROW(RTP_STATISTICS_UPDATE) ROW(RTP_ERROR) ROW(SESSION_CREATED) ROW(
								STATE_CHANGED) ROW(MEDIA_EVENT) ROW(SDP_EVENT) ROW(MEDIA_SESSION_READY)
								ROW(MEDIA_NEGOTIATED) ROW(MEDIA_FLOW_ESTABLISHED) ROW(
									FIRST_AUDIO_FRAME_RECEIVED) ROW(AUDIO_CHANNELS_READY)
									ROW(REMOTE_MEDIA_CONFIRMED) ROW(SESSION_TERMINATED) ROW(
										MAKE_CALL) ROW(ACCEPT_CALL) ROW(RING_CALL)
										ROW(REJECT_CALL) ROW(HANGUP_CALL) ROW(
											PLAY_REQUEST) ROW(STOP_PLAY_REQUEST)
											ROW(RECORD_REQUEST) ROW(
												STOP_RECORD_REQUEST)
												ROW(MUTE_REQUEST) ROW(
													CHANNELS_REQUEST)
													ROW(UPDATE_REQUEST) ROW(
														TIMER_FIRED)
														ROW(ACTION_FAILED)
#undef ROW
};

/* R87, R88, R103: two offers and two answers each way; each recording in an envelope that has its path. */
static void texts_are_told_as_what_they_are(void **state)
{
	size_t n = sim_trace_count();
	unsigned sdp[4] = {0}, files[RLN_EV_COUNT] = {0};
	char ours[32];

	(void)state;
	snprintf(ours, sizeof(ours), "m=audio %u ", story.a_port);
	for (size_t i = 0; i < n; i++) {
		const struct sim_event *e = sim_trace_at(i);
		const struct rln_ev_sdp_event *p = &e->ev.sdp_event;
		bool is_sent = p->event_type == RLN_SDP_OFFER_SENT || p->event_type == RLN_SDP_ANSWER_SENT;
		struct rln_ev_recording_stopped file; /* RECORDING_STARTED has its path in the same place */

		memcpy(&file, e->ev.media_event.raw, sizeof(file));
		if (e->ev.id == story.a && e->ev.kind == RLN_EV_SDP_EVENT && has(e, p->sdp, is_sent ? ours : "m=audio 30000 "))
			sdp[p->event_type % 4]++;
		if (e->ev.id == story.a && e->ev.kind == RLN_EV_MEDIA_EVENT && e->ev.media_event.block)
			files[e->ev.media_event.event] += has(e, file.file_path, "catalogue-out.wav");
	}
	for (unsigned type = 0; type < 4; type++)
		assert_int_equal(sdp[type], 2);
	assert_true(files[RLN_EV_RECORDING_STARTED] == 1 && files[RLN_EV_RECORDING_STOPPED] == 1);
}

/* Any other kind's printable form is the trace's own business; that it can be printed is asked here. */
static void kind_is_observed(void **state)
{
	enum rln_event_kind kind = (enum rln_event_kind)(uintptr_t)*state;
	const struct rln_event_info *info = rln_event_info(kind);
	size_t n = sim_trace_count();
	unsigned seen = 0;

	bool (*check)(const struct sim_event *e) = checks[kind]                   ? checks[kind]
						   : catalogue_links_checks[kind] ? catalogue_links_checks[kind]
										  : catalogue_sip_checks[kind];

	if (!check)
		fail_msg("%s is LIVE and has no check", info->name);
	for (size_t i = 0; i < n; i++) {
		const struct sim_event *e = sim_trace_at(i);

		if (e->ev.kind != kind)
			continue;
		seen++;
		if (check(e))
			return;
	}
	sim_trace_print();
	fail_msg("%s: %u were seen, none with the fields that it must have", info->name, seen);
}

static void kind_is_silent(void **state)
{
	enum rln_event_kind kind = (enum rln_event_kind)(uintptr_t)*state;
	struct rln_bus_figures figures;

	rln_bus_figures(sim_bus(), kind, &figures);
	assert_int_equal(figures.published, 0);
	assert_int_equal(sim_trace_find(0, kind, 0), SIZE_MAX);
}

/* What was published was delivered: no kind has nobody who takes it, and nothing waits or was lost. */
static void all_were_delivered(void **state)
{
	(void)state;
	for (unsigned kind = 1; kind < RLN_EV_COUNT; kind++) {
		struct rln_bus_figures f;

		rln_bus_figures(sim_bus(), (enum rln_event_kind)kind, &f);
		assert_int_equal(f.published, f.delivered);
		assert_int_equal(f.dropped, 0);
	}
}

/* Each event but those from outside names one that was delivered before it. */
static void causes_are_known(void **state)
{
	size_t n = sim_trace_count();

	(void)state;
	for (size_t i = 0; i < n; i++) {
		uint32_t cause = sim_trace_at(i)->ev.cause;

		if (cause && sim_trace_serial(cause) >= i)
			fail_msg("event %zu (%s) has a cause that did not come before it", i,
				rln_event_info(rln_event_kind(&sim_trace_at(i)->ev))->name);
	}
}

int main(void)
{
	static struct CMUnitTest tests[RLN_EV_COUNT + 3];
	size_t n = 0;

	for (unsigned kind = 1; kind < RLN_EV_COUNT; kind++) {
		const struct rln_event_info *info = rln_event_info((enum rln_event_kind)kind);

		tests[n++] = (struct CMUnitTest){.name = info->name,
			.test_func = info->live ? kind_is_observed : kind_is_silent,
			.initial_state = (void *)(uintptr_t)kind};
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(all_were_delivered);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(causes_are_known);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(texts_are_told_as_what_they_are);
	return _cmocka_run_group_tests("sim/catalogue", tests, n, live, sim_group_stop);
}
