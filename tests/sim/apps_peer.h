/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the tests of routed applications: a caller, those who are called and their RTP, opened before and closed after each test, and what is heard. A leg sends
 * silence by its clock whatever happens, so that packets prove nothing: what was said is looked for, byte by byte.
 */
#pragma once

#include "tests/sim/sim.h"
#include "tests/wav_file.h"

#define FRAME   160
#define SILENCE 0xff
#define MARK    0x55 /* says: whoever hears this is joined */
#define SAID    20   /* frames of a sentence */

static struct sim_sip *caller, *first, *second, *third;
static struct sim_rtp *near_rtp, *far_rtp;

/* ---- set-up ---- */

static int open_peers(void **state)
{
	(void)state;
	caller = sim_sip_open(5060);
	first = sim_sip_open(5070);
	second = sim_sip_open(5071);
	third = sim_sip_open(5072);
	near_rtp = sim_rtp_open(SIM_HOST, 30000);
	far_rtp = sim_rtp_open(SIM_HOST, 34000);
	return 0;
}

static int close_peers(void **state)
{
	(void)state;
	sim_rtp_close(near_rtp);
	sim_rtp_close(far_rtp);
	sim_sip_close(caller);
	sim_sip_close(first);
	sim_sip_close(second);
	sim_sip_close(third);
	sim_wait_idle();
	return 0;
}

/* Codes that an encoder makes (not 0x7f, the second zero), and none of them stands for silence or the mark all through a frame. */
static inline void make_sound(uint8_t *out, unsigned frames, uint32_t seed)
{
	sim_sound_ulaw(out, frames * FRAME, seed);
	for (unsigned i = 0; i < frames * FRAME; i++)
		out[i] = out[i] == 0x7f ? 0x7e : out[i];
}

/* A prompt of so many frames, as a file and as the bytes that must come. */
static inline void make_prompt(const char *name, uint8_t *out, unsigned frames, uint32_t seed)
{
	int16_t samples[40 * FRAME];
	char path[256];

	assert_true(frames <= 40);
	make_sound(out, frames, seed);
	for (unsigned i = 0; i < frames * FRAME; i++)
		samples[i] = sim_ulaw_decode(out[i]);
	wav_write(sim_path(name, path), samples, frames * FRAME);
}

/* ---- what is heard ---- */

static inline bool is_all(const struct sim_rtp_packet *p, uint8_t code)
{
	unsigned i = 0;

	while (i < p->len && p->payload[i] == code)
		i++;
	return i == p->len;
}

/* The packet at or after `at` with this payload. Waits; asserts. */
static inline unsigned hears_frame(struct sim_rtp *r, unsigned at, const uint8_t *frame)
{
	uint64_t end = sim_now_ms() + SIM_WAIT_MS;

	for (unsigned from = at;; at++) {
		struct sim_rtp_packet p;

		sim_rtp_wait(r, at + 1);
		p = sim_rtp_at(r, at);
		if (p.len == FRAME && memcmp(p.payload, frame, FRAME) == 0)
			return at;
		if (sim_now_ms() > end)
			fail_msg("in packets %u to %u nothing is heard of what is played", from, at);
	}
}

/* A prompt from its first frame on, `loops` times without a gap; the packet behind it. */
static inline unsigned hears_prompt(struct sim_rtp *r, unsigned at, const uint8_t *prompt, unsigned frames, unsigned loops)
{
	unsigned begin = hears_frame(r, at, prompt), n = frames * loops;

	sim_rtp_wait(r, begin + n);
	for (unsigned i = 0; i < n; i++)
		assert_memory_equal(sim_rtp_at(r, begin + i).payload, prompt + i % frames * FRAME, FRAME);
	return begin + n;
}

/* Speaks until it is heard: the legs are joined now. The packet behind the mark. */
static inline unsigned is_joined(struct sim_rtp *from, struct sim_rtp *to)
{
	uint64_t end = sim_now_ms() + SIM_WAIT_MS;
	unsigned at = sim_rtp_received(to);
	uint8_t mark[FRAME];

	memset(mark, MARK, sizeof(mark));
	for (;; at++) {
		struct sim_rtp_packet p;

		sim_rtp_send(from, mark, FRAME, false);
		sim_rtp_wait(to, at + 1);
		p = sim_rtp_at(to, at);
		if (is_all(&p, MARK))
			return at + 1;
		if (sim_now_ms() > end)
			fail_msg("of %u packets none is what the other side said", at);
	}
}

/* What one side says the other one hears: each frame, in its order. Silence may come between, for a speaker that is late; nothing else may. */
static inline void audio_flows(struct sim_rtp *from, struct sim_rtp *to)
{
	static uint8_t said[SAID * FRAME];
	static uint32_t seed = 1000;
	unsigned at = is_joined(from, to);

	make_sound(said, SAID, ++seed);
	sim_rtp_play(from, said, sizeof(said), FRAME, 20000, NULL);
	sim_rtp_wait_sent(from);
	for (unsigned i = 0; i < SAID; at++) {
		struct sim_rtp_packet p;

		sim_rtp_wait(to, at + 1);
		p = sim_rtp_at(to, at);
		if (is_all(&p, SILENCE) || is_all(&p, MARK))
			continue;
		assert_int_equal(p.len, FRAME);
		assert_memory_equal(p.payload, said + i * FRAME, FRAME);
		i++;
	}
}

/* ---- steps ---- */

static inline void calls(struct sim_dialog *d, const char *user)
{
	sim_uac(d, caller, user, 5060);
	sim_request(d, "INVITE", NULL, sim_sdp(30000, "0 101", "sendrecv"));
}

/* The caller's 200, and its ACK. Provisionals that come before it are read over. */
static inline void is_answered(struct sim_dialog *d)
{
	struct sim_msg m;
	bool again;

	do {
		assert_true(sim_sip_next(caller, &m, &again, SIM_WAIT_MS));
	} while (again || m.status < 200);
	assert_int_equal(m.status, 200);
	sim_learn(d, &m);
	sim_request(d, "ACK", NULL, NULL);
	sim_rtp_to(near_rtp, SIM_MAIN, sim_sdp_port(&m));
}

/* Into a queue or a menu, which answer at once. */
static inline void enters(struct sim_dialog *d, const char *user)
{
	calls(d, user);
	is_answered(d);
}

static inline void is_refused(struct sim_dialog *d, int status)
{
	struct sim_msg m;
	bool again;

	do {
		assert_true(sim_sip_next(caller, &m, &again, SIM_WAIT_MS));
	} while (again || m.status < 200);
	assert_int_equal(m.status, status);
	sim_ack_refusal(d, &m);
}

static inline void is_called(struct sim_sip *who, struct sim_dialog *d, struct sim_msg *invite)
{
	sim_expect(who, invite, "INVITE ");
	sim_uas(d, who, invite);
}

static inline void rings(struct sim_sip *who, struct sim_dialog *d, struct sim_msg *invite)
{
	is_called(who, d, invite);
	sim_respond(d, invite, 180, NULL, NULL);
}

static inline void answers(struct sim_dialog *d, const struct sim_msg *invite)
{
	struct sim_msg ack;

	sim_respond(d, invite, 200, NULL, sim_sdp(34000, "0 101", "sendrecv"));
	sim_expect(d->sip, &ack, "ACK ");
	sim_rtp_to(far_rtp, SIM_MAIN, sim_sdp_port(invite));
}

/* We no longer want whom we called: CANCEL, and the 487 that follows. */
static inline void is_cancelled(struct sim_dialog *d, const struct sim_msg *invite)
{
	struct sim_msg m;

	sim_expect(d->sip, &m, "CANCEL ");
	sim_respond(d, &m, 200, NULL, NULL);
	sim_respond(d, invite, 487, NULL, NULL);
	sim_expect(d->sip, &m, "ACK ");
}

/* The other side's BYE, answered. */
static inline void is_hung_up(struct sim_dialog *d)
{
	struct sim_msg m;

	sim_expect(d->sip, &m, "BYE ");
	sim_respond(d, &m, 200, NULL, NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_peers, close_peers)
