/* SPDX-License-Identifier: BSD-3-Clause */
/* Digits sent by RFC 4733: packet by packet, and read back by our own receiver through loss; then on a leg, between its audio. */
#include "tests/unit/rtp_harness.h"

#include "rtp/dtmf_tx.h"

static struct rln_dtmf_tx tx;

static int clear(void **state)
{
	(void)state;
	memset(&tx, 0, sizeof(tx));
	return 0;
}

/* ---- the queue and its packets ---- */

static void one_digit_packet_by_packet(void **state)
{
	static const uint16_t durations[] = {160, 320, 480, 640, 800, 800, 800};
	struct rln_dtmf_tx_packet p;
	uint32_t ts = 0xfffffff0;

	(void)state;
	assert_int_equal(rln_dtmf_tx_tick(&tx, ts, 160, 8, &p), RLN_DTMF_TX_AUDIO);
	assert_int_equal(rln_dtmf_tx_add(&tx, "#", 0, 8), 0);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(rln_dtmf_tx_tick(&tx, ts + 160 * i, 160, 8, &p), RLN_DTMF_TX_EVENT);
		assert_int_equal(p.payload[0], 11);
		assert_int_equal(p.payload[1], i < 4 ? 10 : 0x8a);
		assert_int_equal(p.payload[2] << 8 | p.payload[3], durations[i]);
		assert_int_equal(p.ts, ts);
		assert_int_equal(p.marker, i == 0);
	}
	assert_true(rln_dtmf_tx_is_busy(&tx));
	assert_int_equal(rln_dtmf_tx_tick(&tx, ts + 7 * 160, 160, 8, &p), RLN_DTMF_TX_SILENT); /* 60 ms after the tone's end */
	assert_int_equal(rln_dtmf_tx_tick(&tx, ts + 8 * 160, 160, 8, &p), RLN_DTMF_TX_AUDIO);
	assert_false(rln_dtmf_tx_is_busy(&tx));
}

/* A duration that is no whole number of packets is exact; one that is shorter than a packet has marker and E at once. */
static void odd_durations_and_long_packets(void **state)
{
	struct rln_dtmf_tx_packet p;

	(void)state;
	assert_int_equal(rln_dtmf_tx_add(&tx, "1", 75, 8), 0);
	assert_int_equal(rln_dtmf_tx_tick(&tx, 0, 480, 8, &p), RLN_DTMF_TX_EVENT);
	assert_int_equal(p.payload[3] | p.payload[2] << 8, 480);
	assert_int_equal(rln_dtmf_tx_tick(&tx, 480, 480, 8, &p), RLN_DTMF_TX_EVENT);
	assert_int_equal(p.payload[3] | p.payload[2] << 8, 600);
	assert_int_equal(p.payload[1], 0x8a);
	assert_int_equal(rln_dtmf_tx_reset(&tx), 0); /* its tone was whole */
	assert_int_equal(rln_dtmf_tx_add(&tx, "1", 40, 8), 0);
	assert_int_equal(rln_dtmf_tx_tick(&tx, 0, 480, 8, &p), RLN_DTMF_TX_EVENT);
	assert_int_equal(p.payload[1], 0x8a);
	assert_true(p.marker);
	assert_int_equal(rln_dtmf_tx_tick(&tx, 480, 480, 8, &p), RLN_DTMF_TX_EVENT);
	assert_false(p.marker);
	assert_int_equal(rln_dtmf_tx_tick(&tx, 960, 480, 8, &p), RLN_DTMF_TX_EVENT);
	assert_int_equal(rln_dtmf_tx_tick(&tx, 1440, 480, 8, &p), RLN_DTMF_TX_AUDIO);
}

static void what_is_no_digit_or_does_not_fit_is_refused(void **state)
{
	char many[RLN_DTMF_TX_DIGITS + 1];
	struct rln_dtmf_tx_packet p;

	(void)state;
	assert_int_equal(rln_dtmf_tx_add(&tx, "", 100, 8), -EINVAL);
	assert_int_equal(rln_dtmf_tx_add(&tx, "12E", 100, 8), -EINVAL);
	assert_int_equal(rln_dtmf_tx_add(&tx, "1", RLN_DTMF_TX_MS_MIN - 1, 8), -EINVAL);
	assert_int_equal(rln_dtmf_tx_add(&tx, "1", RLN_DTMF_TX_MS_MAX + 1, 8), -EINVAL);
	assert_int_equal(rln_dtmf_tx_add(&tx, "1", 2000, 48), -EINVAL); /* longer than its field */
	assert_false(rln_dtmf_tx_is_busy(&tx));
	memset(many, '5', sizeof(many));
	many[RLN_DTMF_TX_DIGITS] = '\0';
	assert_int_equal(rln_dtmf_tx_add(&tx, many, 100, 8), 0);
	assert_int_equal(rln_dtmf_tx_add(&tx, "1", 100, 8), -ENOBUFS);
	rln_dtmf_tx_tick(&tx, 0, 160, 8, &p);
	assert_int_equal(rln_dtmf_tx_add(&tx, "12", 100, 8), -ENOBUFS);
	assert_int_equal(rln_dtmf_tx_add(&tx, "d", 100, 8), 0);
	assert_int_equal(rln_dtmf_tx_reset(&tx), RLN_DTMF_TX_DIGITS + 1);
}

/* Every packet but each `keep`-th is lost: the receiver still finds each press once, in order. */
static void read_back(unsigned keep, unsigned ptime)
{
	static const char sent[] = "1123456789*0#ABCDD00";
	char got[64] = "";
	struct rln_dtmf_rx rx = {0};
	struct rln_dtmf_tx_packet p;
	struct rln_dtmf_digit digit[2];
	enum rln_dtmf_tx_step step;
	uint64_t now = RLN_SEC;
	unsigned n = 0, i;

	clear(NULL);
	assert_int_equal(rln_dtmf_tx_add(&tx, sent, 100, 8), 0);
	for (i = 0; (step = rln_dtmf_tx_tick(&tx, 160 * i, 8 * ptime, 8, &p)) != RLN_DTMF_TX_AUDIO;
		i += ptime / 20 ? ptime / 20 : 1) {
		now += ptime * RLN_MS;
		if (step == RLN_DTMF_TX_EVENT && i % keep == 0) {
			unsigned k = rln_dtmf_rx_packet(&rx, p.payload, 4, p.ts, 8, now, digit);

			for (unsigned d = 0; d < k; d++)
				got[n++] = digit[d].digit;
		}
	}
	if (rln_dtmf_rx_flush(&rx, 8, digit))
		got[n++] = digit[0].digit;
	assert_string_equal(got, sent);
}

static void our_own_receiver_reads_it(void **state)
{
	(void)state;
	read_back(1, 20);
	read_back(2, 20);
	read_back(3, 20); /* an end packet of each still comes through: three go out */
	read_back(1, 40);
	read_back(1, 60);
}

/* ---- on a leg ---- */

static unsigned events_in(unsigned from, char *digits)
{
	struct rln_dtmf_rx rx = {0};
	struct rln_dtmf_digit digit[2];
	struct rtp_fields f, before = {0};
	unsigned n = 0, packets = 0;

	for (unsigned i = from; i < h.sent_n; i++) {
		if (h.sent[i].to.port & 1)
			continue; /* RTCP */
		f = rtp_get(h.sent[i].m);
		if (i > from)
			assert_int_equal(f.seq, (uint16_t)(before.seq + 1));
		before = f;
		if (f.pt != 101)
			continue;
		packets++;
		for (unsigned k = 0, m = rln_dtmf_rx_packet(&rx, f.payload, f.len, f.ts, 8, h.now, digit); k < m; k++) {
			assert_int_equal(digit[k].duration_ms, 100);
			digits[n++] = digit[k].digit;
		}
	}
	digits[n] = '\0';
	return packets;
}

static void a_leg_sends_them_between_its_audio(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	char digits[32];
	struct rtp_fields f;
	unsigned at, n = 0;

	(void)state;
	q.app = RLN_LEG_TONE;
	q.tone_hz = 1000;
	assert_int_equal(rln_leg_send_digits(h.leg, "1", 0, h.now), -ENOTSUP); /* nothing negotiated yet */
	start(&q);
	run_for(100);
	at = h.sent_n;
	assert_int_equal(rln_leg_send_digits(h.leg, "1x", 0, h.now), -EINVAL);
	assert_int_equal(rln_leg_send_digits(h.leg, "17", 0, h.now), 0);
	assert_int_equal(rln_leg_send_digits(h.leg, "#", 100, h.now), 0); /* behind them */
	run_for(1000);
	assert_int_equal(events_in(at, digits), 21);
	assert_string_equal(digits, "17#");
	for (unsigned i = at; i < h.sent_n; i++)
		n += h.sent[i].to.port == peer_port;
	assert_int_equal(n, 50); /* a packet per tick, whatever it is */
	f = rtp_get(h.sent[h.sent_n - 1].m);
	assert_int_equal(f.pt, 0);
	assert_int_not_equal(((const uint8_t *)f.payload)[42], 0xff); /* the tone goes on */
	assert_int_equal(rtp_get(h.sent[h.sent_n - 1].m).ts - rtp_get(h.sent[at].m).ts, 49 * 160);
	assert_int_equal(h.leg->tx_digits, 0);
}

static void an_echo_pauses_for_them(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	char digits[32];
	uint16_t seq = 1;
	unsigned at;

	(void)state;
	q.app = RLN_LEG_ECHO;
	start(&q);
	for (; seq < 10; seq++)
		receive(seq, 160u * seq, 7), run_for(20);
	at = h.sent_n;
	assert_int_equal(rln_leg_send_digits(h.leg, "5", 0, h.now), 0);
	for (; seq < 40; seq++)
		receive(seq, 160u * seq, 7), run_for(20);
	assert_int_equal(events_in(at, digits), 7);
	assert_string_equal(digits, "5");
	assert_in_range(h.counts->v[RLN_C_EATEN_RTP], 7, 9);
	assert_int_equal(h.counts->v[RLN_C_EATEN_RTP_TURNED] + h.counts->v[RLN_C_EATEN_RTP], 39);
}

static void a_hold_drops_them_and_says_so(void **state)
{
	struct rln_leg_params q = params_to(peer_ip, peer_port);
	struct rln_event ev = {0};
	unsigned at;

	(void)state;
	start(&q);
	assert_int_equal(rln_leg_send_digits(h.leg, "123", 0, h.now), 0);
	run_for(50);
	q.direction = RLN_MEDIA_INBOUND;
	start(&q);
	assert_int_equal(told(RLN_EV_MEDIA_ERROR, &ev), 1);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_COMMAND);
	assert_int_equal(ev.media_error.error_code, ECANCELED);
	assert_int_equal(rln_leg_send_digits(h.leg, "1", 0, h.now), -ENOTCONN);
	q.direction = RLN_MEDIA_BIDIRECTIONAL;
	at = h.sent_n;
	start(&q);
	run_for(200);
	for (unsigned i = at; i < h.sent_n; i++)
		assert_int_equal(rtp_get(h.sent[i].m).pt, 0);
	assert_int_equal(rln_leg_send_digits(h.leg, "123", 0, h.now), 0);
	rln_leg_close(h.leg, h.now); /* an end says enough */
	assert_int_equal(told(RLN_EV_MEDIA_ERROR, NULL), 1);
}

#define T(name)   cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)
#define OWN(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OWN(one_digit_packet_by_packet),
		OWN(odd_durations_and_long_packets),
		OWN(what_is_no_digit_or_does_not_fit_is_refused),
		OWN(our_own_receiver_reads_it),
		T(a_leg_sends_them_between_its_audio),
		T(an_echo_pauses_for_them),
		T(a_hold_drops_them_and_says_so),
	};

	return cmocka_run_group_tests_name("rtp_dtmf_tx", tests, harness_eal, harness_eal_end);
}
