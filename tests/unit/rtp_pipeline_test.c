/* SPDX-License-Identifier: BSD-3-Clause */
/* The receive side of a leg: every exit, turning round byte by byte, faults. */
#include "tests/unit/rtp_harness.h"

static uint64_t count(enum rln_counter c)
{
	return h.counts->v[c];
}

/* ---- exits ---- */

static void malformed_packets_each_have_their_exit(void **state)
{
	uint8_t p[200] = {0x80};
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	start(&q);
	receive_bytes(peer_ip, peer_port, 10004, p, 11);
	assert_int_equal(count(RLN_C_DROP_RTP_SHORT), 1);
	p[0] = 0x40;
	receive_bytes(peer_ip, peer_port, 10004, p, 172);
	assert_int_equal(count(RLN_C_DROP_RTP_VERSION), 1);
	p[0] = 0x8f; /* 15 CSRCs need 60 more bytes */
	receive_bytes(peer_ip, peer_port, 10004, p, 40);
	p[0] = 0x90; /* an extension that is not there */
	receive_bytes(peer_ip, peer_port, 10004, p, 14);
	p[0] = 0xa0; /* more padding than payload */
	p[171] = 200;
	receive_bytes(peer_ip, peer_port, 10004, p, 172);
	assert_int_equal(count(RLN_C_DROP_RTP_FORMAT), 3);
	p[0] = 0x80;
	p[1] = 33;
	receive_bytes(peer_ip, peer_port, 10004, p, 172);
	assert_int_equal(count(RLN_C_DROP_RTP_PT), 1);
	receive_bytes(peer_ip, peer_port, 10002, p, 172); /* a port of the slice without a leg */
	receive_bytes(peer_ip, peer_port, 10003, p, 172);
	receive_bytes(peer_ip, peer_port, 20000, p, 172); /* a port of another slice */
	receive_bytes(peer_ip, peer_port, 9998, p, 172);
	assert_int_equal(count(RLN_C_DROP_RTP_NO_LEG), 4);
	receive_bytes(peer_ip, (uint16_t)(peer_port + 1), 10005, p, 6);
	assert_int_equal(count(RLN_C_DROP_RTCP_BAD), 1);
	assert_int_equal(h.cold->dropped_pt, 1);
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 0);
}

static void a_stream_of_rubbish_is_a_fault(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	uint8_t p[20] = {0};
	struct rln_event ev = {0};
	unsigned i;

	(void)state;
	start(&q);
	receive(1, 160, 7); /* latched: strangers' rubbish says nothing of the stream */
	for (i = 0; i < 300; i++)
		receive_bytes("198.18.0.9", 999, 10004, p, sizeof(p));
	assert_int_equal(told(RLN_EV_RTP_ERROR, NULL), 0);
	for (i = 0; i < 40; i++) { /* keep-alives of whatever kind between good packets are no fault */
		h.now += 20 * RLN_MS;
		receive_bytes(peer_ip, peer_port, 10004, p, sizeof(p));
		if (i % 9 == 0)
			receive((uint16_t)(2 + i), 320 + 160 * i, 7);
	}
	h.now += RLN_MS;
	receive(100, 16000, 7);
	for (i = 0; i < 9; i++)
		receive_bytes(peer_ip, peer_port, 10004, p, sizeof(p));
	assert_int_equal(told(RLN_EV_RTP_ERROR, NULL), 0);
	receive_bytes(peer_ip, peer_port, 10004, p, sizeof(p));
	assert_int_equal(told(RLN_EV_RTP_ERROR, &ev), 1);
	assert_int_equal(ev.rtp_error.error, RLN_MEDIA_FAULT_FORMAT);
}

static void duplicates_and_late_packets_are_dropped(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++)
		receive((uint16_t)(1000 + i), 160 * i, 7);
	receive(1199, 160 * 199, 7);
	receive(1198, 160 * 198, 7);
	assert_int_equal(count(RLN_C_DROP_RTP_DUPLICATE), 2);
	receive(1000, 0, 7);
	assert_int_equal(count(RLN_C_DROP_RTP_LATE), 1);
	assert_int_equal(count(RLN_C_EATEN_RTP), 200);
	receive(500, 5, 7); /* a sender that starts anew: the second of its packets is believed */
	assert_int_equal(count(RLN_C_DROP_RTP_LATE), 2);
	receive(501, 165, 7);
	receive(502, 325, 7);
	assert_int_equal(count(RLN_C_EATEN_RTP), 202);
}

static void direction_lets_none_in(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	q.direction = RLN_MEDIA_OUTBOUND;
	start(&q);
	receive(1, 160, 7);
	assert_int_equal(count(RLN_C_DROP_RTP_DIRECTION), 1);
	q.direction = RLN_MEDIA_INACTIVE;
	start(&q);
	receive(2, 320, 7);
	assert_int_equal(count(RLN_C_DROP_RTP_DIRECTION), 2);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_HELD);
	q.direction = RLN_MEDIA_INBOUND;
	start(&q);
	receive(3, 480, 7);
	assert_int_equal(count(RLN_C_EATEN_RTP), 1);
}

static void parameters_that_cannot_be_are_refused(void **state)
{
	struct rln_leg_params good = params_to(peer_ip, peer_port), q;

	(void)state;
	start(&good);
#define BAD(change)                                                                                                              \
	do {                                                                                                                     \
		q = good;                                                                                                        \
		change;                                                                                                          \
		assert_int_equal(rln_leg_apply(h.leg, &q, h.now), -EINVAL);                                                      \
	} while (0)
	BAD(q.ptime_ms = 0);
	BAD(q.ptime_ms = 50);
	BAD(q.ptime_ms = 15);
	BAD(q.ptime_ms = 80);
	BAD(q.config.codec = RLN_CODEC_NONE);
	BAD(q.config.codec = RLN_CODEC_COUNT);
	BAD(q.payload_type = 128);
	BAD(q.direction = 4);
	BAD(q.app = 3);
	BAD(q.rx[0].codec = q.rx[1].codec = RLN_CODEC_NONE);
	BAD(q.rx[1].payload_type = 200);
#undef BAD
	q = params_to("10.0.0.1", 4000);
	assert_int_equal(rln_leg_apply(h.leg, &q, h.now), -ENETUNREACH);
	assert_true(rln_addr_equal(&h.leg->flow.remote, &good.remote)); /* nothing changed */
	receive(1, 160, 7);
	assert_int_equal(count(RLN_C_EATEN_RTP), 1);
}

/* ---- turning round ---- */

static void an_echo_is_the_packet_itself(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	uint8_t audio[160], packet[200];
	struct rtp_fields f = {.marker = 1, .seq = 65534, .ts = 0xffffff00, .ssrc = 7, .payload = audio, .len = 160}, e;
	uint16_t first_seq = 0;
	uint32_t first_ts = 0;
	unsigned i, at;

	(void)state;
	q.app = RLN_LEG_ECHO;
	start(&q);
	run_for(100); /* silence by the clock before the first packet */
	at = h.sent_n;
	assert_true(at >= 4 && at <= 5);
	for (i = 0; i < 5; i++) {
		for (unsigned k = 0; k < sizeof(audio); k++)
			audio[k] = (uint8_t)(i * 31 + k);
		receive_bytes(peer_ip, peer_port, 10004, packet, rtp_put(packet, &f));
		assert_int_equal(h.sent_n, at + i + 1);
		e = rtp_get(h.sent[at + i].m);
		if (i == 0) {
			struct rtp_fields before = rtp_get(h.sent[at - 1].m);

			first_seq = e.seq;
			first_ts = e.ts;
			assert_int_equal(e.seq, (uint16_t)(before.seq + 1));
			assert_true(e.ts - before.ts >= 160 && e.ts - before.ts <= 320);
			assert_int_equal(e.ssrc, before.ssrc);
		}
		assert_int_equal(e.seq, (uint16_t)(first_seq + i));
		assert_int_equal(e.ts, first_ts + 160 * i);
		assert_int_equal(e.ssrc, h.leg->tx_ssrc);
		assert_int_equal(e.marker, f.marker);
		assert_int_equal(e.pt, 0);
		assert_int_equal(e.len, 160);
		assert_memory_equal(e.payload, audio, 160);
		assert_true(rln_addr_equal(&h.sent[at + i].to, &q.remote));
		assert_true(rln_addr_equal(&h.sent[at + i].from, &h.cold->local));
		f.seq++;
		f.ts += 160;
		f.marker = 0;
	}
	run_for(200); /* no tick any more */
	assert_int_equal(h.sent_n, at + 5);
	assert_int_equal(count(RLN_C_EATEN_RTP_TURNED), 5);
}

static void an_echo_keeps_gaps_and_order(void **state)
{
	static const uint16_t order[] = {100, 101, 104, 103, 110};
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	uint16_t base;
	unsigned i, at;

	(void)state;
	q.app = RLN_LEG_ECHO;
	start(&q);
	at = h.sent_n;
	for (i = 0; i < 5; i++)
		receive(order[i], order[i] * 160u, 7);
	base = rtp_get(h.sent[at].m).seq;
	for (i = 0; i < 5; i++) {
		assert_int_equal((uint16_t)(rtp_get(h.sent[at + i].m).seq - base), order[i] - 100);
		assert_int_equal(rtp_get(h.sent[at + i].m).ts - rtp_get(h.sent[at].m).ts, (order[i] - 100) * 160u);
	}
	/* A new source of the peer's: the run goes on where ours ended, not where its numbers are. */
	receive(9000, 5, 8);
	assert_int_equal(rtp_get(h.sent[at + 5].m).seq, (uint16_t)(base + 11));
	assert_true((int32_t)(rtp_get(h.sent[at + 5].m).ts - rtp_get(h.sent[at + 4].m).ts) >= 160);
}

static void an_echo_translates_payload_types(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	uint8_t audio[160] = {0}, packet[200];
	struct rtp_fields f = {.pt = 101, .seq = 5, .ts = 800, .ssrc = 7, .payload = "\x05\x0a\x00\xa0", .len = 4};

	(void)state;
	q.app = RLN_LEG_ECHO;
	q.rx[0].payload_type = 96; /* our number for PCMU; the peer's is 97 */
	q.payload_type = 97;
	q.telephone_event_tx = 110;
	start(&q);
	receive_bytes(peer_ip, peer_port, 10004, packet, rtp_put(packet, &f));
	assert_int_equal(rtp_get(h.sent[h.sent_n - 1].m).pt, 110);
	f = (struct rtp_fields){.pt = 96, .seq = 6, .ts = 960, .ssrc = 7, .payload = audio, .len = 160};
	receive_bytes(peer_ip, peer_port, 10004, packet, rtp_put(packet, &f));
	assert_int_equal(rtp_get(h.sent[h.sent_n - 1].m).pt, 97);
	q.telephone_event_tx = 0; /* the peer takes no events: they are heard and not turned */
	start(&q);
	f = (struct rtp_fields){.pt = 101, .seq = 7, .ts = 1120, .ssrc = 7, .payload = "\x05\x0a\x00\xa0", .len = 4};
	receive_bytes(peer_ip, peer_port, 10004, packet, rtp_put(packet, &f));
	assert_int_equal(count(RLN_C_EATEN_RTP_TURNED), 2);
	assert_int_equal(count(RLN_C_EATEN_RTP), 1);
}

static void an_offer_on_a_running_stream_only_widens_it(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port), offer;
	uint8_t audio[160] = {0}, packet[200];
	struct rtp_fields f = {.pt = 96, .seq = 6, .ts = 960, .ssrc = 7, .payload = audio, .len = 160};

	(void)state;
	q.app = RLN_LEG_ECHO;
	start(&q);
	receive(5, 800, 7);
	offer = q;
	offer.early = 1;
	offer.direction = RLN_MEDIA_INACTIVE; /* what we wish, not what is */
	offer.rx[2] = (struct rln_leg_payload){96, RLN_CODEC_PCMU, 8};
	offer.app = RLN_LEG_PLAIN;
	offer.remote.port = 0;
	assert_int_equal(rln_leg_apply(h.leg, &offer, h.now), 0);
	receive_bytes(peer_ip, peer_port, 10004, packet, rtp_put(packet, &f));
	receive(7, 1120, 7);
	assert_int_equal(count(RLN_C_EATEN_RTP_TURNED), 3);
	assert_int_equal(rtp_get(h.sent[h.sent_n - 2].m).pt, 0); /* by the number that the peer knows */
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_FLOWING);
}

static void an_echo_without_headroom_is_dropped(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rte_mbuf *m = rte_pktmbuf_alloc(h.pool);
	struct rln_batch batch = {.n = 1, .m = {m}};
	uint8_t audio[160] = {0};
	struct rtp_fields f = {.seq = 5, .ts = 800, .ssrc = 7, .payload = audio, .len = 160};

	(void)state;
	q.app = RLN_LEG_ECHO;
	start(&q);
	m->data_off = 64;
	m->data_len = m->pkt_len = rtp_put(rte_pktmbuf_mtod(m, uint8_t *), &f);
	memset(rln_pkt(m), 0, sizeof(struct rln_pkt));
	rln_pkt(m)->src = addr_of(peer_ip, peer_port);
	rln_pkt(m)->dst = h.cold->local;
	h.received++;
	rln_pipeline_rx(h.pipeline, &batch, h.now);
	assert_int_equal(count(RLN_C_DROP_RTP_TURN), 1);
}

static void a_stray_number_does_not_move_an_echo(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	unsigned at;
	uint16_t base;

	(void)state;
	q.app = RLN_LEG_ECHO;
	start(&q);
	at = h.sent_n;
	receive(100, 0, 7);
	base = rtp_get(h.sent[at].m).seq;
	receive(20000, 160, 7); /* alone: heard, not turned */
	receive(101, 160, 7);
	assert_int_equal(h.sent_n, at + 2);
	assert_int_equal(rtp_get(h.sent[at + 1].m).seq, (uint16_t)(base + 1));
	receive(30000, 320, 7); /* two in a row: a new run, and ours goes on */
	receive(30001, 480, 7);
	assert_int_equal(h.sent_n, at + 3);
	assert_int_equal(rtp_get(h.sent[at + 2].m).seq, (uint16_t)(base + 2));
}

static void a_full_burst_of_both_kinds(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_batch batch = {.n = 0};
	uint8_t audio[160] = {0};

	(void)state;
	q.app = RLN_LEG_ECHO;
	start(&q);
	for (unsigned i = 0; i < RLN_BURST; i++) {
		struct rtp_fields f = {.seq = (uint16_t)i, .ts = 160 * i, .ssrc = 7, .payload = audio, .len = 160};
		struct rte_mbuf *m = rte_pktmbuf_alloc(h.pool);

		m->data_off = RTE_PKTMBUF_HEADROOM + 42;
		m->data_len = m->pkt_len = rtp_put(rte_pktmbuf_mtod(m, uint8_t *), &f);
		memset(rln_pkt(m), 0, sizeof(struct rln_pkt));
		rln_pkt(m)->src = addr_of(peer_ip, peer_port);
		rln_pkt(m)->dst = addr_of("198.18.0.1", i % 4 == 3 ? 10006 : 10004);
		batch.m[batch.n++] = m;
		h.received++;
	}
	rln_pipeline_rx(h.pipeline, &batch, h.now);
	assert_int_equal(batch.n, 0);
	assert_int_equal(count(RLN_C_EATEN_RTP_TURNED), 24);
	assert_int_equal(count(RLN_C_DROP_RTP_NO_LEG), 8);
}

static void a_peer_that_cannot_be_reached_is_a_fault(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};

	(void)state;
	start(&q);
	for (unsigned i = 0; i < 25; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(h.pool);
		struct rln_batch batch = {.n = 1, .m = {m}};

		memset(rln_pkt(m), 0, sizeof(struct rln_pkt));
		rln_pkt(m)->op = RLN_PKT_UNREACH;
		rln_pkt(m)->error = ECONNREFUSED;
		rln_pkt(m)->src = addr_of("198.18.0.1", i < 5 ? 10005 : 10004);       /* RTCP's port says nothing */
		rln_pkt(m)->dst = addr_of(peer_ip, i < 10 && i >= 5 ? 1 : peer_port); /* nor does another remote */
		rln_pipeline_rx(h.pipeline, &batch, h.now);
		assert_int_equal(told(RLN_EV_RTP_ERROR, &ev), i >= 19);
	}
	assert_int_equal(ev.rtp_error.error, RLN_MEDIA_FAULT_UNREACHABLE);
	assert_int_equal(ev.rtp_error.error_code, ECONNREFUSED);
}

static void an_echo_knows_its_checksum(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	uint8_t audio[161], packet[200];
	struct rtp_fields f = {.ssrc = 0xfffffffe, .payload = audio};
	unsigned at, i;

	(void)state;
	q.app = RLN_LEG_ECHO;
	start(&q);
	for (i = 0; i < 5000; i++) { /* every carry, and odd lengths */
		uint64_t random = rln_pipeline_random(h.pipeline);

		memcpy(audio, &random, sizeof(random));
		memset(audio + 8, i % 3 ? 0xff : 0, sizeof(audio) - 8);
		f.seq = (uint16_t)i;
		f.ts = (uint32_t)(random >> 13);
		f.len = 160 + i % 2;
		f.marker = i % 5 == 0;
		at = h.sent_n;
		receive_bytes(peer_ip, peer_port, 10004, packet, rtp_put(packet, &f));
		assert_int_equal(h.sent_n, at + 1);
		assert_int_equal(h.sent[at].udp_sum, udp_sum_of(h.sent[at].m, &h.sent[at].from, &h.sent[at].to));
		if (i % 1000 == 0)
			forget_sent();
	}
	q = params_to("198.18.0.50", 7000); /* to elsewhere: not known */
	q.app = RLN_LEG_ECHO;
	start(&q);
	receive(5001, 1, 0xfffffffe);
	assert_int_equal(h.sent[h.sent_n - 1].udp_sum, 0);
	assert_int_equal(h.sent[h.sent_n - 1].to.port, 7000);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(malformed_packets_each_have_their_exit),
		T(a_stream_of_rubbish_is_a_fault),
		T(duplicates_and_late_packets_are_dropped),
		T(direction_lets_none_in),
		T(parameters_that_cannot_be_are_refused),
		T(an_echo_is_the_packet_itself),
		T(an_echo_keeps_gaps_and_order),
		T(an_echo_translates_payload_types),
		T(an_offer_on_a_running_stream_only_widens_it),
		T(an_echo_knows_its_checksum),
		T(an_echo_without_headroom_is_dropped),
		T(a_stray_number_does_not_move_an_echo),
		T(a_full_burst_of_both_kinds),
		T(a_peer_that_cannot_be_reached_is_a_fault),
	};

	return cmocka_run_group_tests_name("rtp_pipeline", tests, harness_eal, harness_eal_end);
}
