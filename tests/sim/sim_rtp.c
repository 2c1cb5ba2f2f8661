/* SPDX-License-Identifier: BSD-3-Clause */
/* RTP streams of the wire's hosts: what came is kept packet by packet; what goes is paced by the wire's thread, with loss, doubles and swaps by a script. */
#include "tests/sim/sim.h"

#include <stdlib.h>

#include "lcore/count.h"

#define FIRST_ROOM 256

static void received(void *arg, const struct sim_packet *p)
{
	struct sim_rtp *r = arg;
	struct sim_rtp_packet *at;

	if (p->len < 12 || p->len - 12 > sizeof(at->payload) || p->data[0] != 0x80)
		return;
	if (r->received_n == r->room) {
		r->room = r->room ? r->room * 2 : FIRST_ROOM;
		r->received = realloc(r->received, r->room * sizeof(*r->received));
	}
	at = &r->received[r->received_n++];
	at->marker = p->data[1] >> 7;
	at->pt = p->data[1] & 0x7f;
	at->seq = (uint16_t)(p->data[2] << 8 | p->data[3]);
	at->ts = (uint32_t)p->data[4] << 24 | (uint32_t)p->data[5] << 16 | (uint32_t)p->data[6] << 8 | p->data[7];
	at->ssrc = (uint32_t)p->data[8] << 24 | (uint32_t)p->data[9] << 16 | (uint32_t)p->data[10] << 8 | p->data[11];
	at->len = (uint16_t)(p->len - 12);
	at->when_ns = p->when_ns;
	memcpy(at->payload, p->data + 12, at->len);
}

struct sim_rtp *sim_rtp_open(const char *ip, uint16_t port)
{
	struct sim_rtp *r = calloc(1, sizeof(*r));

	r->udp = sim_udp_open(ip, port);
	r->rtcp_udp = sim_udp_open(ip, (uint16_t)(port + 1));
	sim_wire_lock();
	r->udp->hook = received;
	r->udp->arg = r;
	sim_wire_unlock();
	r->seq = 1000;
	r->ts = 160000;
	r->ssrc = 0x51000000u + port;
	return r;
}

void sim_rtp_close(struct sim_rtp *r)
{
	sim_udp_close(r->udp);
	sim_udp_close(r->rtcp_udp);
	free(r->received);
	free(r);
}

void sim_rtp_to(struct sim_rtp *r, const char *ip, uint16_t port)
{
	assert_int_not_equal(port, 0);
	sim_wire_lock();
	r->to = sim_addr(ip, port);
	r->to_rtcp = sim_addr(ip, (uint16_t)(port + 1));
	sim_wire_unlock();
}

static size_t build(struct sim_rtp *r, uint8_t *out, const uint8_t *payload, size_t len, bool marker)
{
	const uint8_t header[12] = {0x80, (uint8_t)((marker ? 0x80 : 0) | r->pt), (uint8_t)(r->seq >> 8), (uint8_t)r->seq,
		(uint8_t)(r->ts >> 24), (uint8_t)(r->ts >> 16), (uint8_t)(r->ts >> 8), (uint8_t)r->ts, (uint8_t)(r->ssrc >> 24),
		(uint8_t)(r->ssrc >> 16), (uint8_t)(r->ssrc >> 8), (uint8_t)r->ssrc};

	memcpy(out, header, 12);
	memcpy(out + 12, payload, len);
	r->seq++;
	return len + 12;
}

void sim_rtp_send(struct sim_rtp *r, const uint8_t *payload, size_t len, bool marker)
{
	uint8_t packet[700];
	size_t n;

	sim_wire_lock();
	n = build(r, packet, payload, len, marker);
	r->ts += (uint32_t)len;
	sim_udp_send_locked(r->udp, &r->to, packet, n);
	sim_wire_unlock();
}

/* One packet of the paced stream. */
static uint64_t play(void *arg, uint64_t now_ns)
{
	struct sim_rtp *r = arg;
	unsigned copies = r->script ? r->script(r->sent) : 1;
	uint8_t packet[700];
	size_t len, n = r->frame;

	(void)now_ns;
	if (r->hushed)
		return 0;
	if (n > r->sound_len - r->sound_at)
		n = r->sound_len - r->sound_at;
	len = build(r, packet, r->sound + r->sound_at, n, r->sent == 0);
	r->ts += (uint32_t)n;
	r->sound_at += n;
	r->sent++;
	if (copies == SIM_SWAP) {
		memcpy(r->held, packet, len);
		r->held_len = len;
	} else {
		for (unsigned i = 0; i < copies; i++)
			sim_udp_send_locked(r->udp, &r->to, packet, len);
		if (r->held_len)
			sim_udp_send_locked(r->udp, &r->to, r->held, r->held_len);
		r->held_len = 0;
	}
	if (r->endless)
		r->sound_at %= r->sound_len;
	return r->sound_at < r->sound_len ? r->task.at_ns + r->step_us * 1000u : 0;
}

static void begin(struct sim_rtp *r, const uint8_t *sound, size_t len, unsigned frame, unsigned step_us,
	unsigned (*script)(unsigned packet))
{
	r->sound = sound;
	r->sound_len = len;
	r->sound_at = 0;
	r->frame = frame;
	r->step_us = step_us;
	r->script = script;
	r->sent = 0;
	r->hushed = false;
	r->task = (struct sim_task){.run = play, .arg = r};
	sim_wire_schedule(&r->task, sim_wire_now_ns());
}

void sim_rtp_play(struct sim_rtp *r, const uint8_t *sound, size_t len, unsigned frame, unsigned step_us,
	unsigned (*script)(unsigned packet))
{
	r->endless = false;
	begin(r, sound, len, frame, step_us, script);
}

void sim_rtp_talk(struct sim_rtp *r, const uint8_t *sound, size_t len, unsigned frame, unsigned step_us,
	unsigned (*script)(unsigned packet))
{
	r->endless = true;
	begin(r, sound, len, frame, step_us, script);
}

void sim_rtp_hush(struct sim_rtp *r)
{
	sim_wire_lock();
	r->hushed = true;
	sim_wire_unlock();
	sim_rtp_wait_sent(r);
}

void sim_rtp_wait_sent(struct sim_rtp *r)
{
	sim_wire_join(&r->task, 6 * SIM_WAIT_MS);
}

void sim_rtp_wait(struct sim_rtp *r, unsigned n)
{
	if (!sim_wire_wait(&r->received_n, n, SIM_WAIT_MS))
		fail_msg("%u of %u RTP packets came", sim_rtp_received(r), n);
}

unsigned sim_rtp_received(struct sim_rtp *r)
{
	unsigned n;

	sim_wire_lock();
	n = r->received_n;
	sim_wire_unlock();
	return n;
}

struct sim_rtp_packet sim_rtp_at(struct sim_rtp *r, unsigned i)
{
	struct sim_rtp_packet p = {.seq = 0};
	bool there;

	sim_wire_lock();
	there = i < r->received_n;
	if (there)
		p = r->received[i];
	sim_wire_unlock();
	assert_true(there);
	return p;
}

void sim_rtp_assert_continuous(struct sim_rtp *r, unsigned from)
{
	unsigned n = sim_rtp_received(r);
	uint64_t skipped = 0;

	for (unsigned i = from + 1; i < n; i++) {
		struct sim_rtp_packet a = sim_rtp_at(r, i - 1), b = sim_rtp_at(r, i);
		uint32_t gap = b.ts - (a.ts + a.len);

		skipped += a.len ? gap / a.len : 0;
		if (a.ssrc != b.ssrc || (uint16_t)(a.seq + 1) != b.seq || (gap && (!a.len || gap % a.len)) ||
			skipped > rln_count_total(RLN_C_RTP_TICKS_SKIPPED))
			fail_msg("packet %u of %u: ssrc %x seq %u ts %u (%u bytes), then ssrc %x seq %u ts %u", i, n, a.ssrc,
				a.seq, a.ts, a.len, b.ssrc, b.seq, b.ts);
	}
}

void sim_rtp_digit(struct sim_rtp *r, uint8_t pt, unsigned event, unsigned ms)
{
	uint32_t began = r->ts;
	uint8_t voice = r->pt;

	for (unsigned at = 20, ends = 0; ends < 3; at += 20) {
		unsigned held = at < ms ? at : ms;
		uint8_t packet[16], body[4] = {(uint8_t)event, (uint8_t)(10 | (held == ms ? 0x80 : 0)), (uint8_t)(held * 8 >> 8),
					    (uint8_t)(held * 8)};
		size_t n;

		sim_wire_lock();
		r->pt = pt;
		r->ts = began;
		n = build(r, packet, body, 4, at == 20);
		sim_udp_send_locked(r->udp, &r->to, packet, n);
		sim_wire_unlock();
		ends += held == ms;
	}
	sim_wire_lock();
	r->pt = voice;
	r->ts = began + ms * 8;
	sim_wire_unlock();
}

/* ---- G.711, as the recommendation's tables have it, written apart from the product's ---- */

int16_t sim_ulaw_decode(uint8_t byte)
{
	unsigned b = (uint8_t)~byte, exponent = b >> 4 & 7;
	int magnitude = (int)((((b & 15) << 3) + 0x84) << exponent) - 0x84;

	return (int16_t)(b & 0x80 ? -magnitude : magnitude);
}

uint8_t sim_ulaw(int16_t sample)
{
	int best = 0, error = 1 << 20;

	for (int i = 0; i < 256; i++) {
		int e = abs(sim_ulaw_decode((uint8_t)i) - sample);

		if (e < error) {
			error = e;
			best = i;
		}
	}
	return (uint8_t)best;
}

int16_t sim_alaw_decode(uint8_t byte)
{
	unsigned b = byte ^ 0x55, exponent = b >> 4 & 7;
	int magnitude = (int)((b & 15) << 4) + 8;

	if (exponent)
		magnitude = (magnitude + 0x100) << (exponent - 1);
	return (int16_t)(b & 0x80 ? magnitude : -magnitude);
}

int16_t sim_sound(uint32_t seed, uint32_t at)
{
	uint32_t x = seed * 2654435761u + at * 2246822519u;

	x ^= x >> 15;
	x *= 2246822519u;
	x ^= x >> 13;
	return (int16_t)(x & 0x7fff) - 0x4000;
}

void sim_sound_ulaw(uint8_t *out, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(sim_sound(seed, (uint32_t)i) >> 3);
}
