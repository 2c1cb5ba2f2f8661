/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Audio, sample by sample. What a test sends are G.711 bytes, so that what must come out is known exactly; 0x7f, the second zero of the u-law, is left out because
 * an encoder never makes it. Packets into the appliance may come faster than real time; what it sends comes by its own clock.
 */
#include "tests/sim/sim.h"
#include "tests/wav_file.h"

#include <stdlib.h>

#include <rte_byteorder.h>

#include "lcore/count.h"

#define PORT    5070
#define FRAME   160
#define SILENCE 0xff

static struct rln_peer *bob;
static struct sim_sip *sip;
static struct sim_rtp *rtp;
static struct rln_call *call;
static struct sim_dialog d;
static struct sim_msg answer;
static uint8_t sound[1600 * FRAME];

static int open_call(void **state)
{
	(void)state;
	sim_trace_begin();
	sip = sim_sip_open(5060);
	rtp = sim_rtp_open(SIM_HOST, 30000);
	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0 101", "sendrecv"), bob, &call, &answer);
	sim_rtp_to(rtp, SIM_MAIN, sim_sdp_port(&answer));
	return 0;
}

static int close_call(void **state)
{
	(void)state;
	sim_bye(&d);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	rln_call_free(call);
	sim_rtp_close(rtp);
	sim_sip_close(sip);
	sim_wait_idle();
	return 0;
}

static void make_sound(uint8_t *out, size_t len, uint32_t seed)
{
	sim_sound_ulaw(out, len, seed);
	for (size_t i = 0; i < len; i++)
		out[i] = out[i] == 0x7f ? 0x7e : out[i];
	out[0] = 0x10; /* not silence */
}

static void assert_samples(const int16_t *got, const uint8_t *want, size_t n, const char *what)
{
	for (size_t i = 0; i < n; i++) {
		if (got[i] != sim_ulaw_decode(want[i]))
			fail_msg("%s: sample %zu of %zu is %d, expected %d", what, i, n, got[i], sim_ulaw_decode(want[i]));
	}
}

/* ---- channels ---- */

/* Sends a marked packet until one comes through: the channel is joined now. Frames of marks that follow are skipped by the caller. */
static void join_channel(void)
{
	uint8_t mark[FRAME];
	struct rln_audio_frame f;
	int rc = RLN_ETIMEDOUT;

	memset(mark, 0x55, sizeof(mark));
	for (unsigned i = 0; i < 100 && rc == RLN_ETIMEDOUT; i++) {
		sim_rtp_send(rtp, mark, sizeof(mark), i == 0);
		rc = rln_call_recv_audio(call, &f, 50);
	}
	assert_int_equal(rc, 0);
}

static void recv_frame(struct rln_audio_frame *f)
{
	do {
		assert_int_equal(rln_call_recv_audio(call, f, SIM_WAIT_MS), 0);
	} while (f->samples[0] == sim_ulaw_decode(0x55) && f->samples[1] == f->samples[0] && f->samples[2] == f->samples[0]);
}

/* 1,500 frames, more than the channel holds at once. */
static void audio_in_by_channel(void **state)
{
	const unsigned frames = 1500;
	struct rln_audio_frame f;
	uint32_t ts = 0;

	(void)state;
	join_channel();
	make_sound(sound, frames * FRAME, 7);
	sim_rtp_play(rtp, sound, frames * FRAME, FRAME, 1000, NULL);
	for (unsigned i = 0; i < frames; i++) {
		recv_frame(&f);
		assert_int_equal(f.samples_n, FRAME);
		assert_false(f.flags & RLN_FRAME_LOST);
		assert_samples(f.samples, sound + i * FRAME, FRAME, "received");
		if (i)
			assert_int_equal(f.timestamp, ts + FRAME);
		ts = f.timestamp;
	}
	sim_rtp_wait_sent(rtp);
}

/* Eight calls at once, each 140 frames by its own clock: 1,120 frames, each exact and in order. */
static void audio_out_by_channel(void **state)
{
	enum { CALLS = 8, FRAMES = 140 };
	struct rln_call *calls[CALLS];
	struct sim_dialog dialogs[CALLS];
	struct sim_rtp *streams[CALLS];

	(void)state;
	for (unsigned c = 0; c < CALLS; c++) {
		struct sim_msg m;

		streams[c] = sim_rtp_open(SIM_HOST, (uint16_t)(31000 + 2 * c));
		sim_call_in(
			&dialogs[c], sip, "bob", PORT, sim_sdp((uint16_t)(31000 + 2 * c), "0", "sendrecv"), bob, &calls[c], &m);
		make_sound(sound + c * FRAMES * FRAME, FRAMES * FRAME, 100 + c);
	}
	for (unsigned c = 0; c < CALLS; c++) {
		for (unsigned i = 0; i < FRAMES; i++) {
			struct rln_audio_frame f = {.samples_n = FRAME};

			for (unsigned k = 0; k < FRAME; k++)
				f.samples[k] = sim_ulaw_decode(sound[(c * FRAMES + i) * FRAME + k]);
			assert_int_equal(rln_call_send_audio(calls[c], &f), 0);
		}
	}
	for (unsigned c = 0; c < CALLS; c++) {
		unsigned first = 0, n = 0;

		do {
			sim_rtp_wait(streams[c], first + 1);
			n = sim_rtp_at(streams[c], first).payload[0] == SILENCE;
			first += n;
		} while (n);
		sim_rtp_wait(streams[c], first + FRAMES);
		for (unsigned i = 0; i < FRAMES; i++)
			assert_memory_equal(sim_rtp_at(streams[c], first + i).payload, sound + (c * FRAMES + i) * FRAME, FRAME);
		sim_rtp_assert_continuous(streams[c], 0);
	}
	for (unsigned c = 0; c < CALLS; c++) {
		sim_bye(&dialogs[c]);
		assert_int_equal(rln_call_wait_for_event(calls[c], RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
		rln_call_free(calls[c]);
		sim_rtp_close(streams[c]);
	}
}

/* Two peers inside, both ways at once. */
static void audio_inside(void **state)
{
	struct rln_peer *alice = rln_peer_new("alice", 5080);
	struct rln_call *a = rln_peer_call(alice, "bob@127.0.0.1:5070"), *b;
	struct rln_incoming *in = rln_peer_get_incoming_call(bob, SIM_WAIT_MS);
	const unsigned frames = 40;
	struct rln_call *from[2], *to[2];
	struct rln_audio_frame f;

	(void)state;
	assert_non_null(in);
	b = rln_incoming_accept(in);
	assert_non_null(b);
	assert_int_equal(rln_call_wait_for_media(a, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_media(b, SIM_WAIT_MS), 0);
	from[0] = to[1] = a;
	from[1] = to[0] = b;
	for (unsigned way = 0; way < 2; way++)
		assert_int_equal(rln_call_recv_audio(to[way], &f, SIM_WAIT_MS), 0); /* silence: joined */
	for (unsigned way = 0; way < 2; way++) {
		make_sound(sound + way * frames * FRAME, frames * FRAME, 20 + way);
		for (unsigned i = 0; i < frames; i++) {
			f.samples_n = FRAME;
			for (unsigned k = 0; k < FRAME; k++)
				f.samples[k] = sim_ulaw_decode(sound[(way * frames + i) * FRAME + k]);
			assert_int_equal(rln_call_send_audio(from[way], &f), 0);
		}
	}
	for (unsigned way = 0; way < 2; way++) {
		do {
			assert_int_equal(rln_call_recv_audio(to[way], &f, SIM_WAIT_MS), 0);
		} while (f.samples[0] == 0);
		for (unsigned i = 0; i < frames; i++) {
			if (i)
				assert_int_equal(rln_call_recv_audio(to[way], &f, SIM_WAIT_MS), 0);
			assert_samples(f.samples, sound + (way * frames + i) * FRAME, FRAME, way ? "b to a" : "a to b");
		}
	}
	rln_peer_free(alice);
	rln_call_free(a);
	assert_int_equal(rln_call_wait_for_event(b, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	rln_call_free(b);
}

/* ---- echo ---- */

static void echo_is_byte_exact(void **state)
{
	struct sim_rtp *r = sim_rtp_open(SIM_HOST, 32000);
	const unsigned frames = 400;
	struct sim_dialog e;
	unsigned first = 0;
	struct sim_msg m;

	(void)state;
	sim_uac(&e, sip, "echo", 5060);
	sim_request(&e, "INVITE", NULL, sim_sdp(32000, "8", "sendrecv"));
	sim_expect(sip, &m, "SIP/2.0 180");
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_learn(&e, &m);
	sim_request(&e, "ACK", NULL, NULL);
	sim_rtp_to(r, SIM_MAIN, sim_sdp_port(&m));
	r->pt = 8;
	sim_sound_ulaw(sound, frames * FRAME, 3);
	sim_rtp_play(r, sound, frames * FRAME, FRAME, 1500, NULL);
	sim_rtp_wait_sent(r);
	while (memcmp(sim_rtp_at(r, first).payload, sound, FRAME) != 0) { /* silence, until the first one comes */
		first++;
		sim_rtp_wait(r, first + 1);
	}
	sim_rtp_wait(r, first + frames);
	for (unsigned i = 0; i < frames; i++) {
		struct sim_rtp_packet p = sim_rtp_at(r, first + i);

		assert_int_equal(p.pt, 8);
		assert_int_equal(p.len, FRAME);
		assert_memory_equal(p.payload, sound + i * FRAME, FRAME);
	}
	sim_rtp_assert_continuous(r, first);
	assert_int_not_equal(sim_rtp_at(r, first).ssrc, r->ssrc); /* ours, not theirs */
	sim_bye(&e);
	sim_rtp_close(r);
}

/* ---- loss, doubles, order ---- */

static unsigned rough(unsigned packet)
{
	if (packet % 50 == 10 || packet % 50 == 40)
		return 0; /* 8 of 200 lost */
	if (packet % 50 == 20)
		return 2;                        /* 4 doubled */
	return packet % 50 == 30 ? SIM_SWAP : 1; /* 4 late by one */
}

static void rough_stream_is_counted(void **state)
{
	struct rln_call_statistics s = {.packets_received = 0};
	uint64_t end = sim_now_ms() + SIM_WAIT_MS;

	(void)state;
	make_sound(sound, 200 * FRAME, 9);
	sim_rtp_play(rtp, sound, 200 * FRAME, FRAME, 2000, rough);
	sim_rtp_wait_sent(rtp);
	/* The snapshot is at most a second old; its event is what we wait for. */
	while (s.packets_received < 196 && sim_now_ms() < end) {
		sim_trace_wait(sim_trace_count(), RLN_EV_RTP_STATISTICS_UPDATE, 0);
		assert_int_equal(rln_call_statistics(call, &s), 0);
	}
	assert_int_equal(s.lost, 8); /* doubles hide none */
	assert_int_equal(s.duplicate, 4);
	assert_int_equal(s.reordered, 4);
	assert_int_equal(s.codec, RLN_CODEC_PCMU);
	assert_int_equal(s.remote.port, 30000);
	assert_int_equal(s.local.port, sim_sdp_port(&answer));
	assert_true(s.packets_sent > 5);
}

/* ---- files ---- */

static void write_wav(const char *path, const uint8_t *ulaw, size_t n)
{
	int16_t *samples = malloc(n * sizeof(*samples));

	assert_non_null(samples);
	for (size_t i = 0; i < n; i++)
		samples[i] = sim_ulaw_decode(ulaw[i]);
	wav_write(path, samples, n);
	free(samples);
}

/* Samples of one channel of a WAV file; *n frames. The chunk "data" is found wherever it stands. */
static int16_t *read_wav(const char *path, unsigned channels, unsigned channel, size_t *n)
{
	static uint8_t bytes[4 << 20];
	FILE *f = fopen(path, "rb");
	size_t len, at = 12;
	int16_t *out;
	uint32_t size;

	assert_non_null(f);
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_true(len > 44 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WAVE", 4) == 0);
	while (at + 8 < len && memcmp(bytes + at, "data", 4) != 0) {
		memcpy(&size, bytes + at + 4, 4);
		if (memcmp(bytes + at, "fmt ", 4) == 0) {
			assert_int_equal(bytes[at + 10], channels);
			assert_int_equal(bytes[at + 12] | bytes[at + 13] << 8, 8000);
		}
		at += 8 + size + (size & 1);
	}
	memcpy(&size, bytes + at + 4, 4);
	assert_int_equal(at + 8 + size, len); /* closed and valid */
	*n = size / (2 * channels);
	out = malloc(*n * sizeof(*out) + 1);
	for (size_t i = 0; i < *n; i++)
		memcpy(out + i, bytes + at + 8 + 2 * (i * channels + channel), 2);
	return out;
}

/* Where the sound begins in a recording. */
static size_t find_sound(const int16_t *got, size_t n, const uint8_t *want, size_t len)
{
	for (size_t i = 0; i + len <= n; i++) {
		size_t k = 0;

		while (k < FRAME && got[i + k] == sim_ulaw_decode(want[k]))
			k++;
		if (k == FRAME)
			return i;
	}
	fail_msg("the sound of %zu samples is not in the %zu recorded ones", len, n);
	return 0;
}

static void play_is_exact(void **state)
{
	const unsigned frames = 20;
	unsigned first = 0;
	char path[256];

	(void)state;
	make_sound(sound, frames * FRAME, 11);
	write_wav(sim_path("play.wav", path), sound, frames * FRAME);
	assert_int_equal(rln_call_play(call, path, 2), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_AUDIO_PLAYBACK_FINISHED, SIM_WAIT_MS, NULL), 0);
	do
		sim_rtp_wait(rtp, first + 1);
	while (sim_rtp_at(rtp, first++).payload[0] == SILENCE);
	first--;
	sim_rtp_wait(rtp, first + 2 * frames);
	for (unsigned i = 0; i < 2 * frames; i++)
		assert_memory_equal(sim_rtp_at(rtp, first + i).payload, sound + i % frames * FRAME, FRAME);
	sim_rtp_assert_continuous(rtp, 0);
}

static void play_stops_and_fails(void **state)
{
	struct rln_event ev;
	char path[256];

	(void)state;
	assert_int_equal(rln_call_play(call, sim_path("play.wav", path), 0), 0);
	sim_rtp_wait(rtp, sim_rtp_received(rtp) + 10);
	assert_int_equal(rln_call_stop_audio(call), 0);
	assert_int_equal(rln_call_play(call, sim_path("missing.wav", path), 1), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_ERROR, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_FILE);
	assert_int_equal(ev.media_error.error_code, 2); /* ENOENT */
	assert_int_equal(rln_call_state(call), RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_start_recording(call, "x.flac", RLN_FORMAT_FLAC, 1), -95); /* ENOTSUP */
	sim_rtp_assert_continuous(rtp, 0);
}

static void record(const char *path, unsigned channels, const uint8_t *in, size_t len)
{
	struct rln_event ev;

	assert_int_equal(rln_call_start_recording(call, path, RLN_FORMAT_WAV, channels), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_RECORDING_STARTED, SIM_WAIT_MS, NULL), 0);
	sim_rtp_play(rtp, in, len, FRAME, 20000, NULL);
	sim_rtp_wait_sent(rtp);
	sim_rtp_wait(rtp, sim_rtp_received(rtp) + 3);
	assert_int_equal(rln_call_stop_recording(call), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_RECORDING_STOPPED, SIM_WAIT_MS, &ev), 0);
	assert_true(ev.recording_stopped.duration_ms >= len / 8 && ev.recording_stopped.duration_ms < len / 8 + 1000);
}

static void record_is_exact(void **state)
{
	const size_t len = 30 * FRAME;
	int16_t *got;
	char path[256];
	size_t n, at;

	(void)state;
	make_sound(sound, len, 12);
	record(sim_path("mono.wav", path), 1, sound, len);
	got = read_wav(path, 1, 0, &n);
	at = find_sound(got, n, sound, len);
	assert_samples(got + at, sound, len, "recorded");
	free(got);
}

/* Left what came, right what went. */
static void record_stereo(void **state)
{
	const size_t len = 30 * FRAME, played = 15 * FRAME;
	uint8_t *other = sound + len;
	int16_t *got;
	char path[256], play[256];
	size_t n, at;

	(void)state;
	make_sound(sound, len, 13);
	make_sound(other, played, 14);
	write_wav(sim_path("other.wav", play), other, played);
	assert_int_equal(rln_call_start_recording(call, sim_path("stereo.wav", path), RLN_FORMAT_WAV, 2), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_RECORDING_STARTED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_play(call, play, 1), 0);
	sim_rtp_play(rtp, sound, len, FRAME, 20000, NULL);
	sim_rtp_wait_sent(rtp);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_AUDIO_PLAYBACK_FINISHED, SIM_WAIT_MS, NULL), 0);
	sim_rtp_wait(rtp, sim_rtp_received(rtp) + 3);
	assert_int_equal(rln_call_stop_recording(call), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_RECORDING_STOPPED, SIM_WAIT_MS, NULL), 0);
	got = read_wav(path, 2, 0, &n);
	at = find_sound(got, n, sound, len);
	assert_samples(got + at, sound, len, "left");
	free(got);
	got = read_wav(path, 2, 1, &n);
	at = find_sound(got, n, other, played);
	assert_samples(got + at, other, played, "right");
	free(got);
}

/* A call that ends while it records: the file is closed and valid, and the call waits for it. */
static void record_until_the_end(void **state)
{
	const size_t len = 20 * FRAME;
	struct rln_call *other;
	struct sim_dialog e;
	struct sim_msg m;
	int16_t *got;
	char path[256];
	size_t n, at;

	(void)state;
	sim_call_in(&e, sip, "bob", PORT, sim_sdp(30000, "0", "sendrecv"), bob, &other, &m);
	sim_rtp_to(rtp, SIM_MAIN, sim_sdp_port(&m));
	make_sound(sound, len, 15);
	assert_int_equal(rln_call_start_recording(other, sim_path("end.wav", path), RLN_FORMAT_WAV, 1), 0);
	assert_int_equal(rln_call_wait_for_event(other, RLN_EV_RECORDING_STARTED, SIM_WAIT_MS, NULL), 0);
	sim_rtp_play(rtp, sound, len, FRAME, 20000, NULL);
	sim_rtp_wait_sent(rtp);
	sim_bye(&e);
	assert_int_equal(rln_call_wait_for_event(other, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_wait_for_event(other, RLN_EV_RECORDING_STOPPED, SIM_WAIT_MS, NULL), 0);
	rln_call_free(other);
	got = read_wav(path, 1, 0, &n);
	at = find_sound(got, n, sound, len - FRAME);
	assert_samples(got + at, sound, len - FRAME, "recorded"); /* the last packet may meet the BYE */
	free(got);
}

/* ---- digits ---- */

static void digits_once_per_press(void **state)
{
	static const char keys[] = "0123456789*#ABCD";
	struct rln_event ev;

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		sim_rtp_digit(rtp, 101, i, 80 + i * 20);
		assert_int_equal(rln_call_wait_for_event(call, RLN_EV_DTMF_DETECTED, SIM_WAIT_MS, &ev), 0);
		assert_int_equal(ev.dtmf_detected.digit, keys[i]);
		assert_int_equal(ev.dtmf_detected.duration_ms, 80 + i * 20);
	}
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_DTMF_DETECTED, 0, &ev), RLN_ETIMEDOUT);
}

/* ---- silence of the peer ---- */

static void speak(void)
{
	make_sound(sound, 3 * FRAME, 16);
	for (unsigned i = 0; i < 3; i++)
		sim_rtp_send(rtp, sound + i * FRAME, FRAME, i == 0);
}

/* R175, R190: RTP_TIMEOUT, RECOVERING, re-INVITE, ACTIVE; the second time nobody helps and the call ends. */
static void lost_media_is_recovered_once(void **state)
{
	struct sim_msg invite, ack, bye;
	struct rln_call *other;
	struct sim_dialog e;
	struct sim_msg m;

	(void)state;
	sim_call_in(&e, sip, "bob", PORT, sim_sdp(30000, "0", "sendrecv"), bob, &other, &m);
	sim_rtp_to(rtp, SIM_MAIN, sim_sdp_port(&m));
	speak();
	assert_int_equal(rln_call_wait_for_media(other, SIM_WAIT_MS), 0);
	sim_expect(sip, &invite, "INVITE ");
	assert_int_equal(rln_call_state(other), RLN_STATE_RECOVERING);
	assert_int_equal(rln_call_wait_for_event(other, RLN_EV_RTP_TIMEOUT, SIM_WAIT_MS, NULL), 0);
	sim_respond(&e, &invite, 200, NULL, sim_sdp(30000, "0", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_state(other, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	speak();
	sim_expect(sip, &invite, "INVITE ");
	sim_respond(&e, &invite, 500, NULL, NULL);
	sim_expect(sip, &ack, "ACK ");
	sim_expect(sip, &bye, "BYE ");
	sim_respond(&e, &bye, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_event(other, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_end(other, NULL), RLN_END_MEDIA_LOST);
	rln_call_free(other);
}

/* ---- whose packets ---- */

static void latching_and_hijack(void **state)
{
	struct sim_rtp *nat = sim_rtp_open("198.18.0.3", 40000), *thief = sim_rtp_open("198.18.0.4", 41000);
	uint64_t dropped = rln_count_total(RLN_C_DROP_RTP_SOURCE), latched = rln_count_total(RLN_C_RTP_LATCHED);
	uint8_t payload[FRAME] = {0};
	struct rln_event ev;
	unsigned old;

	(void)state;
	sim_rtp_wait(rtp, 2); /* where SDP says */
	sim_rtp_to(nat, SIM_MAIN, sim_sdp_port(&answer));
	sim_rtp_to(thief, SIM_MAIN, sim_sdp_port(&answer));
	sim_rtp_send(nat, payload, FRAME, true);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_REMOTE_MEDIA_CONFIRMED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(ev.remote_media_confirmed.remote_addr.port, 40000);
	sim_rtp_wait(nat, 3); /* now where packets come from */
	assert_int_equal(rln_count_total(RLN_C_RTP_LATCHED), latched + 1);
	old = sim_rtp_received(rtp);
	for (unsigned i = 0; i < 5; i++) { /* while the first one speaks, nobody takes over */
		sim_rtp_send(nat, payload, FRAME, false);
		sim_rtp_send(thief, payload, FRAME, false);
	}
	sim_rtp_wait(nat, sim_rtp_received(nat) + 3);
	assert_int_equal(sim_rtp_received(thief), 0);
	assert_int_equal(sim_rtp_received(rtp), old);
	assert_true(rln_count_total(RLN_C_DROP_RTP_SOURCE) >= dropped + 5);
	sim_rtp_wait(nat, sim_rtp_received(nat) + 8); /* 160 ms of silence, longer than latch_timeout_ms: it may change */
	sim_rtp_send(thief, payload, FRAME, false);
	sim_rtp_send(thief, payload, FRAME, false);
	sim_rtp_wait(thief, 2);
	sim_rtp_close(nat);
	sim_rtp_close(thief);
}

/* ---- RTCP ---- */

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Their SR comes; our RR answers it at once with a made-up delay of 0, so the round trip is what lay between, plus our loss. */
static void rtcp_round_trip(void **state)
{
	struct rln_call_statistics s = {.round_trip_ms = -1};
	uint8_t rr[32] = {0x81, 201, 0, 7};
	struct sim_packet *p;
	struct rln_event ev;
	uint32_t ssrc, ntp;

	(void)state;
	speak();
	p = sim_udp_recv(rtp->rtcp_udp, SIM_WAIT_MS);
	assert_non_null(p);
	assert_true(p->len >= 28 && p->data[0] >> 6 == 2 && p->data[1] == 200);
	ssrc = be32(p->data + 4);
	assert_int_equal(ssrc, sim_rtp_at(rtp, 0).ssrc);
	ntp = be32(p->data + 10); /* the middle 32 bits */
	free(p);
	memcpy(rr + 4, &(uint32_t){rte_cpu_to_be_32(rtp->ssrc)}, 4);
	memcpy(rr + 8, &(uint32_t){rte_cpu_to_be_32(ssrc)}, 4);
	rr[12] = 64; /* a quarter lost lately, */
	rr[15] = 5;  /* five in all */
	rr[23] = 80; /* jitter 10 ms */
	memcpy(rr + 24, &(uint32_t){rte_cpu_to_be_32(ntp)}, 4);
	sim_udp_send(rtp->rtcp_udp, &rtp->to_rtcp, rr, sizeof(rr));
	do {
		assert_int_equal(rln_call_wait_for_event(call, RLN_EV_REMOTE_MEDIA_CONFIRMED, SIM_WAIT_MS, &ev), 0);
	} while (!ev.remote_media_confirmed.rtcp_received);
	for (unsigned i = 0; i < 5 && s.round_trip_ms < 0; i++) {
		speak();
		sim_trace_wait(sim_trace_count(), RLN_EV_RTP_STATISTICS_UPDATE, 0);
		assert_int_equal(rln_call_statistics(call, &s), 0);
	}
	assert_true(s.round_trip_ms >= 0 && s.round_trip_ms < 500);
	assert_int_equal(s.peer_lost, 5);
	assert_true(s.peer_jitter_ms > 9.9f && s.peer_jitter_ms < 10.1f);
}

/* ---- one stream, whatever happens ---- */

static void stream_is_continuous_over_changes(void **state)
{
	struct sim_rtp *moved = sim_rtp_open(SIM_HOST, 30100);
	struct sim_rtp_packet last, first;
	struct sim_msg r;
	char path[256];
	unsigned n;

	(void)state;
	sim_rtp_wait(rtp, 5);
	assert_int_equal(rln_call_play(call, sim_path("play.wav", path), 1), 0);
	sim_rtp_wait(rtp, 10);
	assert_int_equal(rln_call_mute(call, true), 0);
	sim_request(&d, "INVITE", NULL, sim_sdp(30000, "0", "sendrecv")); /* the same again */
	sim_expect(sip, &r, "SIP/2.0 200");
	sim_request(&d, "ACK", NULL, NULL);
	assert_int_equal(rln_call_mute(call, false), 0);
	sim_rtp_wait(rtp, sim_rtp_received(rtp) + 5);
	sim_request(&d, "INVITE", NULL, sim_sdp(30100, "0", "sendrecv")); /* somewhere else */
	sim_expect(sip, &r, "SIP/2.0 200");
	sim_request(&d, "ACK", NULL, NULL);
	sim_rtp_wait(moved, 5);
	sim_rtp_assert_continuous(rtp, 0);
	sim_rtp_assert_continuous(moved, 0);
	n = sim_rtp_received(rtp);
	last = sim_rtp_at(rtp, n - 1);
	first = sim_rtp_at(moved, 0);
	assert_int_equal(first.ssrc, last.ssrc);
	assert_int_equal(first.seq, (uint16_t)(last.seq + 1));
	assert_int_equal(first.ts, last.ts + last.len);
	sim_rtp_close(moved);
}

/* 10 to 60 ms as the offer asks, one packet each. */
static void packet_lengths(void **state)
{
	static const unsigned ms[] = {10, 30, 40, 60};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct sim_rtp *r = sim_rtp_open(SIM_HOST, (uint16_t)(33000 + 2 * i));
		struct rln_call *other;
		struct sim_dialog e;
		char sdp[1200];

		snprintf(sdp, sizeof(sdp), "%sa=ptime:%u\r\n", sim_sdp((uint16_t)(33000 + 2 * i), "0", "sendrecv"), ms[i]);
		sim_call_in(&e, sip, "bob", PORT, sdp, bob, &other, NULL);
		sim_rtp_wait(r, 4);
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(sim_rtp_at(r, k).len, ms[i] * 8);
		sim_rtp_assert_continuous(r, 0);
		sim_bye(&e);
		assert_int_equal(rln_call_wait_for_event(other, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
		rln_call_free(other);
		sim_rtp_close(r);
	}
}

#define RTP_KEYS "port_min: 20000, port_max: 29999, rtcp_interval_ms: 500, latch_timeout_ms: 100"

static int group_start(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){.trace = true, .rtp = RTP_KEYS, .routes = "routes:\n  - {match: echo, app: echo}\n"});
	bob = rln_peer_new("bob", PORT);
	return bob ? 0 : -1;
}

/* Of its own: whoever has spoken and pauses for a second is lost here. */
static int impatient_start(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){.trace = true, .rtp = RTP_KEYS ", rtp_timeout_s: 1"});
	bob = rln_peer_new("bob", PORT);
	return bob ? 0 : -1;
}

static int group_stop(void **state)
{
	rln_peer_free(bob);
	return sim_group_stop(state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(audio_in_by_channel),
		T(audio_out_by_channel),
		T(audio_inside),
		T(echo_is_byte_exact),
		T(rough_stream_is_counted),
		T(play_is_exact),
		T(play_stops_and_fails),
		T(record_is_exact),
		T(record_stereo),
		T(record_until_the_end),
		T(digits_once_per_press),
		T(latching_and_hijack),
		T(rtcp_round_trip),
		T(stream_is_continuous_over_changes),
		T(packet_lengths),
	};

	const struct CMUnitTest impatient[] = {T(lost_media_is_recovered_once)};
	int failed = cmocka_run_group_tests_name("sim/media", tests, group_start, group_stop);

	return failed + cmocka_run_group_tests_name("sim/media_lost", impatient, impatient_start, group_stop);
}
