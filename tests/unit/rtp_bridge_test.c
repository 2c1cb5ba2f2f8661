/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bridged legs: what one receives goes out as the other's stream. a stands on port 10004 and talks with 198.18.0.2:4000, b on 10006 with 198.18.0.3:5000,
 * c on 10008 with 198.18.0.4:6000.
 */
#include "tests/unit/rtp_harness.h"

#include "rtp/codec.h"

struct party {
	struct rln_leg leg;
	struct rln_leg_cold cold;
	const char *ip;
	uint16_t port, local;
	uint16_t seq; /* next of the peer */
	uint32_t ts, ssrc;
};

static struct party extra[2];
#define b (&extra[0])
#define c (&extra[1])
static struct party a_peer;

static uint64_t count(enum rln_counter counter)
{
	return h.counts->v[counter];
}

static struct rln_leg_params params_of(const struct party *p)
{
	return params_to(p->ip, p->port);
}

static void party_open(struct party *p, unsigned row, const char *ip, uint16_t port)
{
	struct rln_addr local = addr_of("198.18.0.1", (uint16_t)(10000 + 2 * row));
	struct rln_leg_params q;

	memset(p, 0, sizeof(*p));
	p->ip = ip;
	p->port = port;
	p->local = local.port;
	p->seq = (uint16_t)(65500 + row);
	p->ts = 77777 * row;
	p->ssrc = 100 + row;
	rln_leg_open(h.pipeline, &p->leg, &p->cold, rln_id_make(RLN_ID_MEDIA, 0, 5 + row, 1), &rows_[row], &local, h.now);
	q = params_of(p);
	assert_int_equal(rln_leg_apply(&p->leg, &q, h.now), 0);
	rln_leg_release_news(&p->leg, h.now);
}

static int setup(void **state)
{
	struct rln_leg_params q;

	harness_setup(state);
	party_open(b, 3, "198.18.0.3", 5000);
	party_open(c, 4, "198.18.0.4", 6000);
	a_peer = (struct party){.ip = "198.18.0.2", .port = 4000, .local = 10004, .seq = 1000, .ts = 5000, .ssrc = 7};
	q = params_of(&a_peer);
	start(&q);
	run_for(100);
	return 0;
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!extra[i].cold.closing)
			rln_leg_close(&extra[i].leg, h.now);
	}
	return harness_teardown(state);
}

/* The peer of a party sends something. */
static void says(struct party *p, uint8_t pt, const void *payload, unsigned len)
{
	uint8_t packet[400];
	struct rtp_fields f = {.pt = pt, .seq = p->seq, .ts = p->ts, .ssrc = p->ssrc, .payload = payload, .len = len};

	receive_bytes(p->ip, p->port, p->local, packet, rtp_put(packet, &f));
}

static void talks(struct party *p, unsigned packets)
{
	uint8_t audio[160];

	for (unsigned i = 0; i < packets; i++) {
		for (unsigned k = 0; k < sizeof(audio); k++)
			audio[k] = (uint8_t)(p->seq * 7 + k);
		run_for(20);
		says(p, 0, audio, sizeof(audio));
		p->seq++;
		p->ts += 160;
	}
}

/* The packets that a port of ours sent since `from`, RTCP left out; the last of them, and that they are one stream without a gap. */
static unsigned heard_from(unsigned from, uint16_t port, struct rtp_fields *last)
{
	struct rtp_fields f, before = {0};
	unsigned n = 0;

	for (unsigned i = from; i < h.sent_n; i++) {
		if (h.sent[i].from.port != port)
			continue;
		f = rtp_get(h.sent[i].m);
		if (n > 0) {
			assert_int_equal(f.seq, (uint16_t)(before.seq + 1));
			assert_true((int32_t)(f.ts - before.ts) >= (f.pt == before.pt && f.pt != 101 ? 1 : 0));
			assert_int_equal(f.ssrc, before.ssrc);
		}
		before = f;
		n++;
	}
	if (last)
		*last = before;
	return n;
}

static void a_bridge_forwards_in_place(void **state)
{
	struct rtp_fields silence, f;
	struct rln_leg_params q = params_of(b);
	uint8_t audio[160];
	unsigned at;

	(void)state;
	q.payload_type = 97; /* b's peer calls PCMU so */
	assert_int_equal(rln_leg_apply(&b->leg, &q, h.now), 0);
	run_for(60);
	heard_from(0, b->local, &silence);
	rln_leg_bridge(h.leg, &b->leg, h.now);
	memset(audio, 0x31, sizeof(audio));
	at = h.sent_n;
	says(&a_peer, 0, audio, sizeof(audio));
	assert_int_equal(h.sent_n, at + 1);
	f = rtp_get(h.sent[at].m);
	assert_int_equal(f.seq, (uint16_t)(silence.seq + 1));
	assert_in_range(f.ts - silence.ts, 160, 320);
	assert_int_equal(f.ssrc, b->leg.tx_ssrc);
	assert_int_equal(f.pt, 97);
	assert_int_equal(f.marker, 1);
	assert_memory_equal(f.payload, audio, 160);
	assert_true(rln_addr_equal(&h.sent[at].to, &q.remote));
	assert_true(rln_addr_equal(&h.sent[at].from, &b->cold.local));
	assert_int_equal(h.sent[at].udp_sum, 0); /* to elsewhere: to be made anew */
	a_peer.seq++;
	a_peer.ts += 160;
	at = h.sent_n;
	talks(&a_peer, 50);
	assert_int_equal(heard_from(at, b->local, &f), 50); /* and nothing by the clock between them */
	assert_int_equal(f.marker, 0);
	assert_int_equal(count(RLN_C_EATEN_RTP_BRIDGED), 51);
	assert_in_range(heard_from(at, 10004, NULL), 49, 51); /* the other direction was not asked for */
}

static void both_directions_at_once(void **state)
{
	unsigned at;

	(void)state;
	rln_leg_bridge(h.leg, &b->leg, h.now);
	rln_leg_bridge(&b->leg, h.leg, h.now);
	talks(&a_peer, 1);
	talks(b, 1);
	at = h.sent_n;
	for (unsigned i = 0; i < 100; i++) {
		talks(&a_peer, 1);
		talks(b, 1); /* 40 ms apart each: slower than the clock, and no silence in between */
	}
	assert_int_equal(heard_from(at, 10004, NULL), 100);
	assert_int_equal(heard_from(at, b->local, NULL), 100);
	assert_int_equal(count(RLN_C_EATEN_RTP_BRIDGED), 202);
}

static void telephone_events_go_by_the_other_ends_number(void **state)
{
	struct rln_leg_params q = params_of(b);
	unsigned at;

	(void)state;
	q.telephone_event_tx = 110;
	assert_int_equal(rln_leg_apply(&b->leg, &q, h.now), 0);
	rln_leg_bridge(h.leg, &b->leg, h.now);
	says(&a_peer, 101, "\x05\x0a\x00\xa0", 4);
	assert_int_equal(rtp_get(h.sent[h.sent_n - 1].m).pt, 110);
	assert_int_equal(rtp_get(h.sent[h.sent_n - 1].m).marker, 0); /* the mark of a talkspurt waits for audio */
	a_peer.seq++;
	a_peer.ts += 160;
	talks(&a_peer, 1);
	assert_int_equal(rtp_get(h.sent[h.sent_n - 1].m).marker, 1);
	q.telephone_event_tx = 0; /* taken by nobody: heard by us alone */
	assert_int_equal(rln_leg_apply(&b->leg, &q, h.now), 0);
	at = h.sent_n;
	says(&a_peer, 101, "\x05\x8a\x01\x40", 4);
	assert_int_equal(h.sent_n, at);
	assert_int_equal(told(RLN_EV_DTMF_DETECTED, NULL), 1);
}

static void laws_are_converted(void **state)
{
	struct rln_leg_params q = params_of(b);
	uint8_t code[256];
	int16_t in[256], out[256];
	struct rtp_fields f;

	(void)state;
	q.config.codec = RLN_CODEC_PCMA;
	q.payload_type = 8;
	assert_int_equal(rln_leg_apply(&b->leg, &q, h.now), 0);
	rln_leg_bridge(h.leg, &b->leg, h.now);
	rln_leg_bridge(&b->leg, h.leg, h.now);
	for (unsigned i = 0; i < 256; i++)
		code[i] = (uint8_t)i;
	rln_codec_decode(RLN_CODEC_PCMU, code, 256, in);
	says(&a_peer, 0, code, 256);
	f = rtp_get(h.sent[h.sent_n - 1].m);
	assert_int_equal(f.pt, 8);
	rln_codec_decode(RLN_CODEC_PCMA, f.payload, 256, out);
	for (unsigned i = 0; i < 256; i++) /* within the coarser of both steps: a sixteenth, 8 near nothing */
		assert_true(abs(in[i] - out[i]) <= 8 + abs(in[i]) / 16);
	rln_codec_decode(RLN_CODEC_PCMA, code, 256, in);
	says(b, 8, code, 256);
	f = rtp_get(h.sent[h.sent_n - 1].m);
	assert_int_equal(f.pt, 0);
	rln_codec_decode(RLN_CODEC_PCMU, f.payload, 256, out);
	for (unsigned i = 0; i < 256; i++)
		assert_true(abs(in[i] - out[i]) <= 8 + abs(in[i]) / 16);
	says(&a_peer, 8, code, 256); /* a second codec of the same leg is b's own: as it is (the same number again is a copy) */
	assert_int_equal(count(RLN_C_DROP_RTP_DUPLICATE), 1);
	a_peer.seq++;
	says(&a_peer, 8, code, 256);
	f = rtp_get(h.sent[h.sent_n - 1].m);
	assert_memory_equal(f.payload, code, 256);
}

static void a_silent_partner_is_replaced_by_the_clock(void **state)
{
	struct rtp_fields f;
	unsigned at, quiet;

	(void)state;
	rln_leg_bridge(h.leg, &b->leg, h.now);
	talks(&a_peer, 20);
	at = h.sent_n;
	run_for(100);
	assert_int_equal(heard_from(at, b->local, NULL), 0);
	run_for(22); /* the phase within the ptime */
	assert_int_equal(heard_from(at, b->local, &f), 1);
	assert_int_equal(((const uint8_t *)f.payload)[0], 0xff);
	run_for(1000);
	quiet = heard_from(at, b->local, NULL);
	assert_int_equal(quiet, 51);
	a_peer.ts += 8000;
	at = h.sent_n - 1;
	talks(&a_peer, 1);
	assert_int_equal(rtp_get(h.sent[h.sent_n - 1].m).marker, 1);
	talks(&a_peer, 100);
	assert_in_range(heard_from(at, b->local, NULL), 101, 103);
	for (unsigned i = 0; i < 4; i++) { /* whenever the leg was touched, the last packet counts */
		assert_int_equal(b->cold.phase_ptime, 0);
		run_for(30);
		rln_leg_refresh(&b->leg, h.now);
	}
	assert_int_equal(b->cold.phase_ptime, 20);
}

static void hold_of_either_leg_stops_the_flow(void **state)
{
	struct rln_leg_params q = params_of(b), qa = params_of(&a_peer);
	unsigned at;

	(void)state;
	rln_leg_bridge(h.leg, &b->leg, h.now);
	rln_leg_bridge(&b->leg, h.leg, h.now);
	talks(&a_peer, 5);
	q.direction = RLN_MEDIA_INACTIVE;
	assert_int_equal(rln_leg_apply(&b->leg, &q, h.now), 0);
	at = h.sent_n;
	talks(&a_peer, 5);
	assert_int_equal(heard_from(at, b->local, NULL), 0);
	says(b, 0, "12345678", 8);
	assert_int_equal(count(RLN_C_DROP_RTP_DIRECTION), 1);
	assert_in_range(heard_from(at, 10004, NULL), 4, 6); /* a hears silence by the clock */
	assert_int_equal(count(RLN_C_EATEN_RTP), 5);
	run_for(61000); /* twice a's time; the held leg has none */
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 2);
	for (unsigned i = 0; i < h.told_n; i++)
		assert_false(h.told[i].kind == RLN_EV_RTP_TIMEOUT && h.told[i].id == b->leg.id);
	q.direction = RLN_MEDIA_BIDIRECTIONAL;
	assert_int_equal(rln_leg_apply(&b->leg, &q, h.now), 0);
	at = h.sent_n;
	talks(&a_peer, 5);
	assert_in_range(heard_from(at, b->local, NULL), 5, 6);
	qa.direction = RLN_MEDIA_OUTBOUND;
	assert_int_equal(rln_leg_apply(h.leg, &qa, h.now), 0);
	at = h.sent_n;
	talks(&a_peer, 5);
	assert_int_equal(count(RLN_C_DROP_RTP_DIRECTION), 6);
	assert_in_range(heard_from(at, b->local, NULL), 4, 6); /* b hears silence */
}

static void mute_is_silence_and_comes_back(void **state)
{
	struct rln_leg_params q = params_of(b);
	struct rtp_fields f;
	unsigned at = h.sent_n;

	(void)state;
	rln_leg_bridge(h.leg, &b->leg, h.now);
	talks(&a_peer, 10);
	q.muted = 1;
	assert_int_equal(rln_leg_apply(&b->leg, &q, h.now), 0);
	talks(&a_peer, 10);
	heard_from(at, b->local, &f);
	assert_int_equal(((const uint8_t *)f.payload)[0], 0xff);
	q.muted = 0;
	assert_int_equal(rln_leg_apply(&b->leg, &q, h.now), 0);
	talks(&a_peer, 10);
	assert_in_range(heard_from(at, b->local, &f), 29, 33);
	assert_int_equal(((const uint8_t *)f.payload)[0], (uint8_t)((a_peer.seq - 1) * 7));
	assert_int_equal(count(RLN_C_EATEN_RTP_BRIDGED), 20);
	assert_int_equal(count(RLN_C_EATEN_RTP), 10);
}

static void a_leg_that_ends_is_parted(void **state)
{
	unsigned at;

	(void)state;
	rln_leg_bridge(h.leg, &b->leg, h.now);
	rln_leg_bridge(&b->leg, h.leg, h.now);
	talks(&a_peer, 3);
	talks(b, 3);
	rln_leg_close(&b->leg, h.now);
	memset(&b->leg, 0xee, sizeof(b->leg)); /* nobody may look at it any more */
	memset(&b->cold, 0xee, sizeof(b->cold));
	b->cold.closing = 1;
	at = h.sent_n;
	talks(&a_peer, 50);
	assert_in_range(heard_from(at, 10004, NULL), 49, 51);
	assert_int_equal(count(RLN_C_EATEN_RTP), 50);
	run_for(1000);
}

static void the_last_tie_counts(void **state)
{
	unsigned at;

	(void)state;
	rln_leg_bridge(h.leg, &b->leg, h.now);
	rln_leg_bridge(&c->leg, &b->leg, h.now); /* b hears c now */
	at = h.sent_n;
	talks(&a_peer, 3);
	assert_int_equal(count(RLN_C_EATEN_RTP), 3);
	talks(c, 10);
	assert_int_equal(count(RLN_C_EATEN_RTP_BRIDGED), 10);
	rln_leg_bridge(&c->leg, h.leg, h.now);
	talks(c, 10);
	assert_in_range(heard_from(at, b->local, NULL), 22, 24);
	rln_leg_bridge(&c->leg, NULL, h.now);
	rln_leg_bridge(&c->leg, NULL, h.now);
	talks(c, 10);
	assert_in_range(heard_from(at, b->local, NULL), 32, 34);
	assert_in_range(heard_from(at, 10004, NULL), 32, 34);
	assert_int_equal(count(RLN_C_EATEN_RTP_BRIDGED), 20);
}

static void packets_from_before_the_run_are_left_out(void **state)
{
	uint8_t audio[160] = {0};
	unsigned at;

	(void)state;
	talks(&a_peer, 10);
	rln_leg_bridge(h.leg, &b->leg, h.now);
	a_peer.seq += 2;
	at = h.sent_n;
	talks(&a_peer, 2); /* two numbers were overtaken: b has sent silence under the numbers that they would have */
	a_peer.seq -= 3;
	says(&a_peer, 0, audio, 160);
	a_peer.seq += 3;
	assert_int_equal(count(RLN_C_EATEN_RTP), 11);
	a_peer.seq += 2;
	talks(&a_peer, 1); /* within the run they go */
	a_peer.seq -= 2;
	says(&a_peer, 0, audio, 160);
	assert_int_equal(count(RLN_C_EATEN_RTP_BRIDGED), 4);
	assert_in_range(h.sent_n - at, 5, 12);
}

/* An echo that is bridged is none any more. */
static void a_bridge_wins_over_an_echo(void **state)
{
	struct rln_leg_params q = params_of(b);
	unsigned at;

	(void)state;
	q.app = RLN_LEG_ECHO;
	assert_int_equal(rln_leg_apply(&b->leg, &q, h.now), 0);
	talks(b, 3);
	assert_int_equal(count(RLN_C_EATEN_RTP_TURNED), 3);
	at = h.sent_n;
	rln_leg_bridge(h.leg, &b->leg, h.now);
	for (unsigned i = 0; i < 10; i++) {
		talks(b, 1);
		talks(&a_peer, 1);
	}
	assert_int_equal(count(RLN_C_EATEN_RTP_TURNED), 3);
	assert_int_equal(count(RLN_C_EATEN_RTP_BRIDGED), 10);
	assert_in_range(heard_from(at, b->local, NULL), 10, 12);
	rln_leg_bridge(h.leg, NULL, h.now);
	talks(b, 3);
	assert_int_equal(count(RLN_C_EATEN_RTP_TURNED), 6);
}

/* Whatever happens, each leg's stream is one: numbers without a gap, timestamps that never go back, one SSRC. */
static void random_changes_keep_streams_whole(void **state)
{
	struct rln_leg *leg[3] = {h.leg, &b->leg, &c->leg};
	struct party *who[3] = {&a_peer, b, c};
	uint32_t r = 12345;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		unsigned at = h.sent_n;

		for (unsigned i = 0; i < 30; i++) {
			struct party *p = who[(r >> 8) % 3];
			struct rln_leg_params q = params_of(p);
			unsigned what;

			r = r * 1664525u + 1013904223u;
			what = (r >> 16) % 16;
			if (what == 0)
				p->ssrc++, p->seq = (uint16_t)r, p->ts = r * 3;
			if (what == 1)
				rln_leg_bridge(
					leg[(r >> 20) % 3], (r >> 22) % 3 == (r >> 20) % 3 ? NULL : leg[(r >> 22) % 3], h.now);
			q.muted = what == 2;
			q.direction = what == 3 ? (uint8_t)(r >> 24) & 3 : RLN_MEDIA_BIDIRECTIONAL;
			q.app = what == 4 ? RLN_LEG_ECHO : RLN_LEG_PLAIN;
			if (what >= 2 && what < 6)
				assert_int_equal(rln_leg_apply(leg[(r >> 8) % 3], &q, h.now), 0);
			if (what == 6)
				run_for(150);
			talks(who[(r >> 12) % 3], 1);
		}
		for (unsigned k = 0; k < 3; k++)
			heard_from(at, who[k]->local, NULL);
		forget_sent();
		h.told_n = 0;
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_bridge_forwards_in_place),
		T(both_directions_at_once),
		T(telephone_events_go_by_the_other_ends_number),
		T(laws_are_converted),
		T(a_silent_partner_is_replaced_by_the_clock),
		T(hold_of_either_leg_stops_the_flow),
		T(mute_is_silence_and_comes_back),
		T(a_leg_that_ends_is_parted),
		T(the_last_tie_counts),
		T(packets_from_before_the_run_are_left_out),
		T(a_bridge_wins_over_an_echo),
		T(random_changes_keep_streams_whole),
	};

	return cmocka_run_group_tests_name("rtp_bridge", tests, harness_eal, harness_eal_end);
}
