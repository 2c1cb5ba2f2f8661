/* SPDX-License-Identifier: BSD-3-Clause */
/* What a leg tells and when: the order of its news, states, timeouts, digits, RTCP and its figures. */
#include "tests/unit/rtp_harness.h"

static uint64_t count(enum rln_counter c)
{
	return h.counts->v[c];
}

static unsigned place_of(enum rln_event_kind kind)
{
	for (unsigned i = 0; i < h.told_n; i++) {
		if (h.told[i].kind == kind)
			return i;
	}
	fail_msg("no %s", rln_event_info(kind)->name);
	return 0;
}

static void send_rtcp(uint32_t ssrc)
{
	uint8_t rr[] = {0x80, 201, 0, 1, (uint8_t)(ssrc >> 24), (uint8_t)(ssrc >> 16), (uint8_t)(ssrc >> 8), (uint8_t)ssrc};

	receive_bytes(peer_ip, (uint16_t)(peer_port + 1), 10005, rr, sizeof(rr));
}

static void news_come_in_order_and_once(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};

	(void)state;
	receive(1, 1111, 7); /* early: seen, and told later */
	receive(2, 1271, 7);
	assert_int_equal(h.told_n, 0);
	start(&q);
	assert_int_equal(told(RLN_EV_REMOTE_MEDIA_CONFIRMED, &ev), 1);
	assert_true(ev.remote_media_confirmed.rtp_flowing && !ev.remote_media_confirmed.rtcp_received);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 0); /* we have sent nothing yet */
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 0);
	run_for(20);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, &ev), 1);
	assert_int_equal(ev.media_flow_established.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_true(rln_addr_equal(&ev.media_flow_established.local_addr, &h.cold->local));
	assert_true(rln_addr_equal(&ev.media_flow_established.remote_addr, &q.remote));
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, &ev), 1);
	assert_int_equal(ev.first_audio_frame_received.timestamp, 1111);
	assert_int_equal(ev.first_audio_frame_received.ssrc, 7);
	assert_true(place_of(RLN_EV_MEDIA_FLOW_ESTABLISHED) < place_of(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED));
	send_rtcp(7);
	assert_int_equal(told(RLN_EV_REMOTE_MEDIA_CONFIRMED, &ev), 2);
	assert_true(ev.remote_media_confirmed.rtp_flowing && ev.remote_media_confirmed.rtcp_received);
	send_rtcp(7);
	receive(3, 1431, 7);
	run_for(100);
	start(&q);
	assert_int_equal(told(RLN_EV_REMOTE_MEDIA_CONFIRMED, NULL), 2);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 1);
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 1);
	assert_int_equal(told(RLN_EV_MEDIA_STREAM_STATE_CHANGED, &ev), 1);
	assert_int_equal(ev.media_stream_state_changed.old_state, RLN_STREAM_READY);
	assert_int_equal(ev.media_stream_state_changed.new_state, RLN_STREAM_FLOWING);
	assert_int_equal(h.leg->mode & RLN_LEG_NEWS, 0); /* the packet path is the short one from now on */
}

static void a_one_way_call_needs_no_flow(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	q.direction = RLN_MEDIA_INBOUND;
	start(&q);
	receive(1, 160, 7);
	run_for(100);
	assert_int_equal(h.sent_n, 0);
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, NULL), 1);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 0);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_FLOWING);
}

static void sending_alone_flows_too(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	q.direction = RLN_MEDIA_OUTBOUND;
	start(&q);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_READY);
	run_for(40);
	assert_int_equal(told(RLN_EV_MEDIA_STREAM_STATE_CHANGED, NULL), 1);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_FLOWING);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 0);
}

static void a_two_way_call_that_hears_nothing_has_no_flow(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	start(&q);
	run_for(500);
	assert_true(h.sent_n >= 24);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 0);
	assert_int_equal(told(RLN_EV_REMOTE_MEDIA_CONFIRMED, NULL), 0);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_READY);
	receive(1, 160, 7);
	assert_int_equal(told(RLN_EV_MEDIA_FLOW_ESTABLISHED, NULL), 1);
}

static void holding_is_less_than_there_was(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	start(&q);
	receive(1, 160, 7);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_FLOWING);
	q.direction = RLN_MEDIA_INBOUND;
	start(&q);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_HELD);
	q.direction = RLN_MEDIA_BIDIRECTIONAL;
	start(&q);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_FLOWING);
}

/* ---- timeouts ---- */

static void silence_is_a_timeout_again_and_again(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};
	uint64_t last;

	(void)state;
	start(&q);
	run_for(100);
	receive(1, 160, 7);
	last = h.now;
	run_for(29900);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 0);
	run_for(200);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, &ev), 1);
	assert_int_equal(ev.rtp_timeout.last_packet_ns, last);
	assert_int_equal(rln_leg_state_now(h.leg), RLN_STREAM_STALLED);
	assert_int_equal(h.cold->state, RLN_STREAM_STALLED);
	run_for(30000);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 2);
	receive(2, 320, 7);
	assert_int_equal(h.cold->state, RLN_STREAM_FLOWING);
	run_for(25000);
	send_rtcp(7); /* RTCP is a sign of life too */
	run_for(25000);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 2);
	run_for(5100);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 3);
}

static void timeouts_ask_the_direction(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	receive(1, 160, 7);
	q.direction = RLN_MEDIA_OUTBOUND;
	start(&q);
	run_for(70000);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 0);
	q.direction = RLN_MEDIA_BIDIRECTIONAL; /* from now on, not from the last packet */
	start(&q);
	run_for(29900);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 0);
	run_for(200);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 1);
}

static void a_first_timeout_is_another(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};

	(void)state;
	start(&q);
	run_for(65000);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 0); /* off */
	h.pipeline->first_rtp_timeout_ns = 10 * RLN_SEC;
	start(&q);
	run_for(1000);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, &ev), 1);
	assert_int_equal(ev.rtp_timeout.last_packet_ns, 0);
	receive(1, 160, 7);
	run_for(29900);
	assert_int_equal(told(RLN_EV_RTP_TIMEOUT, NULL), 1);
}

/* ---- digits ---- */

static void a_key_press_is_one_digit(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};

	(void)state;
	start(&q);
	for (uint16_t i = 0; i < 5; i++)
		receive_event((uint16_t)(10 + i), 8000, 5, false, (uint16_t)(160 * (i + 1)));
	for (uint16_t i = 0; i < 3; i++)
		receive_event((uint16_t)(15 + i), 8000, 5, true, 960);
	assert_int_equal(told(RLN_EV_DTMF_DETECTED, &ev), 1);
	assert_int_equal(ev.dtmf_detected.digit, '5');
	assert_int_equal(ev.dtmf_detected.duration_ms, 120);
	receive_event(18, 20000, 11, false, 400); /* every end packet is lost */
	run_for(500);
	assert_int_equal(told(RLN_EV_DTMF_DETECTED, &ev), 2);
	assert_int_equal(ev.dtmf_detected.digit, '#');
	assert_int_equal(ev.dtmf_detected.duration_ms, 50);
	receive_event(19, 30000, 3, false, 400); /* and here the peer begins anew */
	receive(1, 160, 8);
	assert_int_equal(told(RLN_EV_DTMF_DETECTED, NULL), 3);
	assert_int_equal(told(RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, &ev), 1); /* events are no audio */
	assert_int_equal(ev.first_audio_frame_received.ssrc, 8);
}

static void early_digits_wait(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};
	uint16_t i;

	(void)state;
	q.early = 1;
	assert_int_equal(rln_leg_apply(h.leg, &q, h.now), 0);
	for (i = 0; i < 10; i++) /* more than are kept */
		receive_event((uint16_t)(10 + i), 8000 + 800u * i, (uint8_t)i, true, 400);
	assert_int_equal(h.told_n, 0);
	q.early = 0;
	start(&q);
	assert_int_equal(told(RLN_EV_DTMF_DETECTED, &ev), RLN_LEG_EARLY_DIGITS);
	assert_int_equal(ev.dtmf_detected.digit, '7');
	assert_true(place_of(RLN_EV_REMOTE_MEDIA_CONFIRMED) < place_of(RLN_EV_DTMF_DETECTED));
}

/* ---- RTCP ---- */

static const struct sent *last_rtcp(void)
{
	for (unsigned i = h.sent_n; i > 0; i--) {
		if (h.sent[i - 1].from.port & 1)
			return &h.sent[i - 1];
	}
	return NULL;
}

static unsigned rtcp_sent(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h.sent_n; i++)
		n += h.sent[i].from.port & 1;
	return n;
}

static struct rln_rtcp parsed(const struct sent *s, uint32_t about)
{
	struct rln_rtcp r;

	assert_non_null(s);
	assert_true(rln_rtcp_parse(rte_pktmbuf_mtod(s->m, const uint8_t *), s->m->data_len, about, &r));
	return r;
}

static void reports_go_out_and_say_the_truth(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_addr to = addr_of(peer_ip, (uint16_t)(peer_port + 1));
	struct rln_rtcp r;
	struct rln_event ev = {0};

	(void)state;
	start(&q);
	for (unsigned i = 0; i < 400; i++) {
		if (i % 4 != 3) /* a quarter is lost */
			receive((uint16_t)i, 160 * i, 77);
		run_for(20);
	}
	assert_true(rtcp_sent() >= 1 && rtcp_sent() <= 4);
	r = parsed(last_rtcp(), 77);
	assert_true(rln_addr_equal(&last_rtcp()->to, &to));
	assert_true(r.has_sender && r.has_block);
	assert_int_equal(r.ssrc, h.leg->tx_ssrc);
	assert_true(r.sender.packets > 50 && r.sender.packets <= h.leg->tx_packets);
	assert_int_equal(r.sender.octets, r.sender.packets * 160);
	assert_true(r.block.fraction >= 60 && r.block.fraction <= 68);
	assert_true(r.block.lost > 10);
	assert_int_equal(r.cname_len, strlen("test@ringlane"));
	assert_memory_equal(r.cname, "test@ringlane", r.cname_len);
	assert_int_equal(told(RLN_EV_RTP_STATISTICS_UPDATE, &ev), 1);
	assert_true(ev.rtp_statistics_update.packets_received > 150 && ev.rtp_statistics_update.lost > 50);
	q.direction = RLN_MEDIA_INBOUND;
	start(&q);
	run_for(9000);
	receive(500, 160 * 500, 77);
	run_for(9000);
	r = parsed(last_rtcp(), 77);
	assert_false(r.has_sender); /* nothing was sent since the last report */
	rln_leg_close(h.leg, h.now);
	assert_true(parsed(last_rtcp(), 77).has_bye);
}

static void a_round_trip_is_measured(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_rtcp_block block = {.fraction = 25, .lost = 3, .highest = 9, .jitter = 80};
	struct rln_rtcp_sender sender = {.ntp = 0x1234567890abcdefull, .packets = 9, .octets = 90, .timestamp = 5};
	struct rln_rtcp_build in = {.ssrc = 77, .sender = &sender, .block = &block, .cname = "peer"};
	struct rln_event ev = {0};
	struct rln_leg_stats s;
	uint8_t data[RLN_RTCP_ROOM];
	struct rln_rtcp r;
	unsigned before;

	(void)state;
	start(&q);
	receive(1, 160, 77);
	run_for(8000);
	r = parsed(last_rtcp(), 77);
	block.ssrc = r.ssrc;
	block.lsr = rln_rtcp_middle(r.sender.ntp);
	block.dlsr = (uint32_t)(rln_rtcp_middle(rln_clock_ntp(h.now)) - block.lsr - 65536 / 20); /* 50 ms on the way */
	receive_bytes(peer_ip, (uint16_t)(peer_port + 11), 10005, data, (unsigned)rln_rtcp_build(data, sizeof(data), &in));
	rln_leg_publish_stats(h.leg, h.now);
	assert_true(rln_leg_stats_read(&h.cold->stats, h.leg->id, &s));
	assert_true(s.rtt_us > 49000 && s.rtt_us < 51000);
	assert_int_equal(s.peer_lost, 3);
	assert_int_equal(s.peer_jitter_us, 10000);
	assert_int_equal(s.peer_fraction_lost, 25);
	assert_false(rln_leg_stats_read(&h.cold->stats, h.leg->id + 1, &s));
	for (uint16_t i = 2; i < 502; i++) { /* two windows of quality */
		receive(i, 160u * i, 77);
		run_for(20);
	}
	assert_true(told(RLN_EV_MEDIA_QUALITY_UPDATE, &ev) >= 1);
	assert_float_equal(ev.media_quality_update.metrics.round_trip_ms, 50, 1);
	before = rtcp_sent();
	while (rtcp_sent() == before)
		run_for(100);
	r = parsed(last_rtcp(), 77);
	assert_int_equal(last_rtcp()->to.port, peer_port + 11); /* to where its reports come from */
	assert_int_equal(r.block.lsr, 0x567890ab);
	assert_true(r.block.dlsr > 0);
	peer_ip = "198.18.0.66"; /* a stranger's report */
	send_rtcp(77);
	peer_ip = "198.18.0.2";
	assert_int_equal(count(RLN_C_DROP_RTP_SOURCE), 1);
	assert_int_equal(count(RLN_C_EATEN_RTCP), 1);
}

static void rtcp_can_be_off(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);

	(void)state;
	h.pipeline->rtcp_interval_ns = 0;
	start(&q);
	receive(1, 160, 7);
	run_for(20000);
	assert_int_equal(rtcp_sent(), 0);
	assert_int_equal(told(RLN_EV_RTP_STATISTICS_UPDATE, NULL), 4);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(news_come_in_order_and_once),
		T(a_one_way_call_needs_no_flow),
		T(sending_alone_flows_too),
		T(a_two_way_call_that_hears_nothing_has_no_flow),
		T(holding_is_less_than_there_was),
		T(silence_is_a_timeout_again_and_again),
		T(timeouts_ask_the_direction),
		T(a_first_timeout_is_another),
		T(a_key_press_is_one_digit),
		T(early_digits_wait),
		T(reports_go_out_and_say_the_truth),
		T(a_round_trip_is_measured),
		T(rtcp_can_be_off),
	};

	return cmocka_run_group_tests_name("rtp_news", tests, harness_eal, harness_eal_end);
}
