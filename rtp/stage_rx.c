/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive stage: a burst of datagrams, each to its leg and to one counted end. Three passes over the burst, each
 * prefetching for the next: addresses to table rows, rows to legs, then the work. The distance is the burst itself (at most 32
 * packets, 4 lines each: 8 KB, a quarter of a first-level cache), which is longer than a line takes to come from memory.
 *
 * A packet that is turned round touches its row, lines 0 and 1 of its leg and the first line of the flow; nothing of the cold
 * part. One that is bridged writes line 0 of the leg that received it and line 1 of its partner. Anything that is news takes the slow branch once.
 */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_prefetch.h>

#include "rtp/codec.h"
#include "rtp/frame_ring.h"
#include "rtp/packet.h"
#include "rtp/pipeline_priv.h"
#include "rtp/recorder.h"

#define SINK_SAMPLES    1460 /* a whole Ethernet frame of G.711: 182 ms */
#define CHANNEL_GAP_MAX 8000 /* 1 s: a longer gap is a new beginning */

static void leg_prefetch(const struct rln_leg *leg)
{
	rte_prefetch0(leg);
	rte_prefetch0(&leg->tx_ns);
	rte_prefetch0(&leg->flow); /* an IPv4 packet needs no more of it */
}

/* Which of the leg's payload types, -1 = telephone-event, -2 = none. */
#define PT_EVENT -1
#define PT_NONE  -2

static int payload_find(const struct rln_leg *leg, uint8_t pt)
{
	int i;

	for (i = 0; i < leg->rx_n; i++) {
		if (leg->rx_pt[i] == pt)
			return i;
	}
	return leg->event_pt != 0 && leg->event_pt == pt ? PT_EVENT : PT_NONE;
}

/* ---- the application's channels ---- */

/* The frame at the ring's head: begun when nothing of it is there yet. NULL: it found the ring full. */
static struct rln_frame *frame_open(struct rln_frame_ring *r, uint32_t ts)
{
	struct rln_frame *f;

	if (r->fill > 0)
		return r->dropping ? NULL : &r->frame[r->head % RLN_FRAME_RING_SIZE];
	f = rln_frame_ring_slot(r);
	r->dropping = f == NULL;
	if (f) {
		f->timestamp = ts;
		f->samples_n = RLN_FRAME_RING_SAMPLES;
		f->flags = 0;
	}
	return f;
}

/* `n` samples (NULL: silence) into the ring's frames; a frame goes out when it is full. False when frames were dropped. */
static bool ring_put(struct rln_frame_ring *r, uint32_t ts, const int16_t *pcm, unsigned n, uint16_t flags)
{
	bool kept = true;

	while (n > 0) {
		unsigned room = RLN_FRAME_RING_SAMPLES - r->fill, take = room < n ? room : n;
		struct rln_frame *f = frame_open(r, ts);

		if (f && pcm)
			memcpy(f->samples + r->fill, pcm, take * sizeof(*pcm));
		else if (f)
			memset(f->samples + r->fill, 0, take * sizeof(*pcm));
		if (f)
			f->flags |= flags;
		kept = kept && f;
		r->fill = (uint16_t)(r->fill + take);
		ts += take;
		pcm = pcm ? pcm + take : NULL;
		n -= take;
		if (r->fill < RLN_FRAME_RING_SAMPLES)
			continue;
		r->fill = 0;
		if (f) {
			rln_frame_ring_commit(r);
			rln_frame_ring_wake(r, rln_frame_ring_count(r));
		}
	}
	return kept;
}

/* The same to everybody who hears the leg; a slow one loses only its own frames. */
static bool channel_put(struct rln_leg_cold *cold, const int16_t *pcm, unsigned n, uint16_t flags)
{
	bool kept = true;

	for (struct rln_frame_ring *r = cold->channel_in; r; r = r->next)
		kept = ring_put(r, cold->in_ts, pcm, n, flags) && kept;
	cold->in_ts += n;
	return kept;
}

/* A gap in timestamps becomes silence, marked as lost where sequence numbers miss too; a long one is a new beginning. */
static bool channel_receive(struct rln_leg_cold *cold, const struct rln_rtp *rtp, const int16_t *pcm, unsigned n)
{
	int32_t gap = (int32_t)(rtp->timestamp - cold->in_ts);
	bool lost = (uint16_t)(rtp->seq - cold->in_seq) != 1, kept = true;

	if (!cold->in_started || gap > CHANNEL_GAP_MAX || gap < -CHANNEL_GAP_MAX) {
		cold->in_started = 1;
		cold->in_ts = rtp->timestamp;
		for (struct rln_frame_ring *r = cold->channel_in; r; r = r->next)
			r->fill = 0;
		gap = 0;
	}
	if (gap < 0)
		return true; /* its place was filled already */
	if (gap > 0)
		kept = channel_put(cold, NULL, (unsigned)gap, lost ? RLN_FRAME_RING_LOST : 0);
	cold->in_seq = rtp->seq;
	return channel_put(cold, pcm, n, 0) && kept;
}

/* Decodes to whoever listens; `to`: what comes goes on as that leg's stream, NULL: as nobody's. False: the channel was full. */
static bool sink(struct rln_leg *leg, const struct rln_leg *to, const struct rln_rtp *rtp, enum rln_codec codec, uint64_t now_ns)
{
	int16_t pcm[SINK_SAMPLES];
	struct rln_leg_cold *cold = leg->cold;
	unsigned n =
		rln_codec_decode(codec, rtp->payload, rtp->payload_len < SINK_SAMPLES ? rtp->payload_len : SINK_SAMPLES, pcm);

	if (cold->recorder)
		rln_recorder_push(cold->recorder, RLN_RECORDER_RECEIVED, rtp->timestamp, pcm, n, now_ns);
	if (to && to->cold->recorder && rln_recorder_is_stereo(to->cold->recorder))
		rln_recorder_push(to->cold->recorder, RLN_RECORDER_SENT, rtp->timestamp + to->turn_ts, pcm, n, now_ns);
	return cold->channel_in == NULL || channel_receive(cold, rtp, pcm, n);
}

/* ---- turning round ---- */

/* A new run of packets turned from one leg to another or itself: its sequence numbers and timestamps go on where `to`'s own are. */
static void remap(struct rln_leg *leg, struct rln_leg *to, const struct rln_rtp *rtp, uint64_t now_ns)
{
	uint32_t ts = rln_leg_ts(to, now_ns);

	if ((int32_t)(ts - to->tx_last) < 0)
		ts = to->tx_last;
	to->turn_ts = ts - rtp->timestamp;
	to->turn_seq = (uint16_t)(to->tx_seq - rtp->seq);
	to->turn_first = to->tx_seq;
	to->tx_marker = to != leg; /* an echo is the packet itself */
	to->turned_look = (uint16_t)(now_ns >> RLN_LEG_LOOK_SHIFT);
	leg->mode &= (uint8_t)~RLN_LEG_REMAP;
	if (to->cold->recorder)
		rln_recorder_restart(to->cold->recorder, RLN_RECORDER_SENT);
	rln_leg_schedule(to, now_ns);
}

/* Eight codes by one load and one store. */
static inline uint64_t eight_mapped(const uint8_t map[256], uint64_t word)
{
	return (uint64_t)map[word & 0xff] | (uint64_t)map[word >> 8 & 0xff] << 8 | (uint64_t)map[word >> 16 & 0xff] << 16 |
	       (uint64_t)map[word >> 24 & 0xff] << 24 | (uint64_t)map[word >> 32 & 0xff] << 32 |
	       (uint64_t)map[word >> 40 & 0xff] << 40 | (uint64_t)map[word >> 48 & 0xff] << 48 | (uint64_t)map[word >> 56] << 56;
}

/* The other law, in place. */
static void convert(const struct rln_pipeline *p, enum rln_codec from, const struct rln_rtp *rtp)
{
	const uint8_t *map = p->law[from == RLN_CODEC_PCMA];
	uint8_t *code = (uint8_t *)(uintptr_t)rtp->payload;
	unsigned n = rtp->payload_len;
	uint64_t word;

	for (; n >= sizeof(word); n -= sizeof(word), code += sizeof(word)) {
		memcpy(&word, code, sizeof(word));
		word = eight_mapped(map, word);
		memcpy(code, &word, sizeof(word));
	}
	for (; n > 0; n--, code++)
		*code = map[*code];
}

/*
 * The UDP checksum of a packet whose addresses and ports change places (the sum stays) and whose RTP header is another one
 * (RFC 1624, equation 3): 12 bytes in place of the whole packet. One's complement sums know no byte order. 0 stays 0: not known.
 */
static uint16_t turned_sum(uint16_t sum, const uint32_t before[3], const uint32_t now[3])
{
	uint64_t acc = (uint16_t)~sum;

	if (sum == 0)
		return 0;
	acc += (uint64_t)(uint32_t)~before[0] + (uint32_t)~before[1] + (uint32_t)~before[2] + now[0] + now[1] + now[2];
	acc = (acc & 0xffffffff) + (acc >> 32);
	acc = (acc & 0xffff) + (acc >> 16);
	acc = (acc & 0xffff) + (acc >> 16);
	acc = (acc & 0xffff) + (acc >> 16);
	return acc == 0xffff ? 0xffff : (uint16_t)~acc; /* 0 would mean none (RFC 768) */
}

/* What the peer of `to` calls it: a bridge sends what that peer negotiated, an echo the codec that came. */
static inline uint8_t turned_pt(const struct rln_leg *leg, const struct rln_leg *to, int at)
{
	if (unlikely(at == PT_EVENT))
		return to->event_turn_pt;
	return to == leg ? leg->turn_pt[at] : to->tx_pt;
}

/* What a packet becomes when it is turned to `to`: 12 bytes of header in place, the payload in another law if need be. */
static void turn(struct rln_pipeline *p, struct rln_leg *leg, struct rln_leg *to, struct rte_mbuf *m, const struct rln_rtp *rtp,
	int at, uint64_t now_ns)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *), pt = turned_pt(leg, to, at);
	uint32_t before[3], now[3], ts = rtp->timestamp + to->turn_ts;
	uint16_t seq = (uint16_t)(rtp->seq + to->turn_seq), sum;
	bool bridged = to != leg;

	if (unlikely(rte_pktmbuf_headroom(m) < RLN_TX_HEADROOM)) {
		rln_pipeline_end(p, m, RLN_C_DROP_RTP_TURN);
		return;
	}
	/* Whole words in registers: reading back what smaller stores have just written would stall. */
	memcpy(before, data, sizeof(before));
	now[0] = (before[0] & rte_cpu_to_be_32(0xff800000)) |
		 rte_cpu_to_be_32((uint32_t)pt << 16 | seq); /* V, P, X, CC and M stay */
	now[1] = rte_cpu_to_be_32(ts);
	now[2] = rte_cpu_to_be_32(to->tx_ssrc);
	if (bridged && at != PT_EVENT) {
		now[0] |= rte_cpu_to_be_32((uint32_t)(to->tx_marker != 0) << 23);
		to->tx_marker = 0;
		if (unlikely(leg->rx_codec[at] != to->tx_codec))
			convert(p, (enum rln_codec)leg->rx_codec[at], rtp);
	}
	memcpy(data, now, sizeof(now));
	sum = leg->mode & RLN_LEG_BACK ? turned_sum(rln_pkt(m)->udp_sum, before, now) : 0;
	if ((int16_t)(seq + 1 - to->tx_seq) > 0) { /* not a packet that was overtaken */
		to->tx_seq = (uint16_t)(seq + 1);
		to->tx_last = ts + rtp->payload_len;
	}
	to->tx_packets++;
	to->tx_octets += rtp->payload_len;
	to->turned_look = (uint16_t)(now_ns >> RLN_LEG_LOOK_SHIFT);
	rln_counts_add(p->counts, bridged ? RLN_C_EATEN_RTP_BRIDGED : RLN_C_EATEN_RTP_TURNED, 1);
	if (unlikely(to->mode & RLN_LEG_TAP))
		rln_leg_tap(to, RLN_EV_SEND_RTP_PACKET, m, now_ns);
	rln_net_send_summed(p->net, &to->flow, m, sum);
	if (unlikely(to->mode & RLN_LEG_NEWS))
		rln_leg_on_sent(to);
}

/* Whose stream the packet goes on as: not one that its peer has no number for, nor one that was overtaken by the beginning of the run. */
static struct rln_leg *turn_to(struct rln_leg *leg, struct rln_leg *to, const struct rln_rtp *rtp, int at, uint64_t now_ns)
{
	uint16_t late;

	if (unlikely(at == PT_EVENT) && to->event_turn_pt == 0)
		return NULL;
	if (unlikely(leg->mode & RLN_LEG_REMAP))
		remap(leg, to, rtp, now_ns);
	late = (uint16_t)(to->tx_seq - rtp->seq - to->turn_seq);
	if (unlikely(late < RLN_SEQ_DROPOUT && late > (uint16_t)(to->tx_seq - to->turn_first)))
		return NULL;
	return to;
}

/* ---- one packet ---- */

/* Another SSRC of the same source, or the first: nothing of the old stream's numbers holds. */
static void new_source(struct rln_leg *leg, uint32_t ssrc)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_dtmf_digit digit;

	if (rln_dtmf_rx_flush(&cold->dtmf, 8, &digit))
		rln_leg_on_digits(leg, &digit, 1);
	rln_seq_end_epoch(&leg->seq, &cold->seq);
	rln_jitter_stat_init(&leg->jitter); /* its clock has nothing to do with the old one's */
	cold->row->ssrc = ssrc;
	if (cold->recorder)
		rln_recorder_restart(cold->recorder, RLN_RECORDER_RECEIVED);
	cold->in_started = 0;
}

static void telephone_event(struct rln_leg *leg, const struct rln_rtp *rtp, uint64_t now_ns)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_dtmf_digit digits[2];
	unsigned n = rln_dtmf_rx_packet(&cold->dtmf, rtp->payload, rtp->payload_len, rtp->timestamp, 8, now_ns, digits);

	rln_leg_on_digits(leg, digits, n);
	rln_leg_watch_digits(leg, now_ns);
	cold->in_seq = rtp->seq; /* its silence in the channel is no loss */
}

/* Numbers and times of an accepted packet. 0, or the drop. */
static enum rln_counter account(struct rln_leg *leg, const struct rln_rtp *rtp, bool audio, bool *turns, uint64_t now_ns)
{
	switch (rln_seq_update(&leg->seq, &leg->cold->seq, rtp->seq)) {
	case RLN_SEQ_DUPLICATE:
		return RLN_C_DROP_RTP_DUPLICATE;
	case RLN_SEQ_TOO_LATE:
		return RLN_C_DROP_RTP_LATE;
	case RLN_SEQ_JUMP:
		if ((int16_t)(rtp->seq - (uint16_t)leg->seq.max) < 0)
			return RLN_C_DROP_RTP_LATE;
		*turns = false; /* one stray number must not move ours: only a second one makes it a new run */
		break;
	case RLN_SEQ_EPOCH:
		leg->mode |= leg->mode & RLN_LEG_TURN ? RLN_LEG_REMAP : 0;
		break;
	case RLN_SEQ_IN_ORDER:
	case RLN_SEQ_REORDERED:
	case RLN_SEQ_BEFORE_BASE:
		break;
	}
	if (audio)
		rln_jitter_stat_update(&leg->jitter, rln_rtp_units(now_ns, 8), rtp->timestamp);
	leg->rx_ns = now_ns;
	leg->rx_octets += rtp->payload_len;
	return (enum rln_counter)0;
}

static void accepted(
	struct rln_pipeline *p, struct rln_port_row *row, struct rte_mbuf *m, const struct rln_rtp *rtp, int at, uint64_t now_ns)
{
	struct rln_leg *leg = row->leg, *to = NULL;
	bool turns = true, kept = true;
	enum rln_counter drop = account(leg, rtp, at != PT_EVENT, &turns, now_ns);

	if (unlikely(drop)) {
		rln_pipeline_end(p, m, drop);
		return;
	}
	if (unlikely(leg->mode & RLN_LEG_TAP))
		rln_leg_tap(leg, RLN_EV_RTP_PACKET_RECEIVED, m, now_ns);
	if ((leg->mode & RLN_LEG_TURN) && turns)
		to = turn_to(leg, row->to, rtp, at, now_ns);
	if (unlikely(at == PT_EVENT))
		telephone_event(leg, rtp, now_ns);
	else if (leg->mode & RLN_LEG_SINK)
		kept = sink(leg, to, rtp, (enum rln_codec)leg->rx_codec[at], now_ns);
	if (unlikely(leg->mode & RLN_LEG_NEWS)) {
		if (at != PT_EVENT)
			rln_leg_on_audio(leg, rtp->timestamp, rtp->ssrc);
		rln_leg_on_rtp(leg, now_ns);
	}
	if (to)
		turn(p, leg, to, m, rtp, at, now_ns);
	else
		rln_pipeline_end(p, m, kept ? RLN_C_EATEN_RTP : RLN_C_DROP_RTP_CHANNEL_FULL);
}

static void rtp_packet(struct rln_pipeline *p, struct rln_port_row *row, struct rte_mbuf *m, uint64_t now_ns)
{
	const struct rln_addr *src = &rln_pkt(m)->src;
	struct rln_leg *leg = row->leg;
	struct rln_rtp rtp;
	enum rln_counter drop = rln_rtp_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &rtp);
	int at;

	if (unlikely(drop)) {
		/* A stranger's rubbish says nothing of our stream. */
		if (rln_addr_equal(src, &row->source))
			rln_leg_on_fault(leg, RLN_MEDIA_FAULT_FORMAT, 0);
		rln_pipeline_end(p, m, drop);
		return;
	}
	at = payload_find(leg, rtp.payload_type);
	if (unlikely(at == PT_NONE)) {
		leg->cold->dropped_pt++;
		rln_pipeline_end(p, m, RLN_C_DROP_RTP_PT);
		return;
	}
	if (unlikely(!(leg->mode & RLN_LEG_IN))) {
		rln_pipeline_end(p, m, RLN_C_DROP_RTP_DIRECTION);
		return;
	}
	if (unlikely(!rln_addr_equal(src, &row->source))) {
		if (!rln_leg_latch(leg, src, rtp.ssrc, now_ns)) {
			leg->cold->dropped_source++;
			rln_pipeline_end(p, m, RLN_C_DROP_RTP_SOURCE);
			return;
		}
		if (!rln_addr_equal(src, &row->source))
			rln_pkt(m)->udp_sum = 0; /* on probation: it is not turned to where it came from */
	}
	if (unlikely(rtp.ssrc != row->ssrc))
		new_source(leg, rtp.ssrc);
	accepted(p, row, m, &rtp, at, now_ns);
}

/* Our own packet came back: nobody is there. RTCP's port is no sign, many peers leave it closed. Outside the ledger. */
static void unreachable(struct rln_pipeline *p, struct rte_mbuf *m)
{
	const struct rln_pkt *pkt = rln_pkt(m);
	struct rln_port_row *row = rln_port_table_find(p->cfg.ports, &pkt->src);

	if (row && row->leg && !(pkt->src.port & 1) && rln_addr_equal(&pkt->dst, &row->leg->flow.remote))
		rln_leg_on_fault(row->leg, RLN_MEDIA_FAULT_UNREACHABLE, pkt->error);
	rte_pktmbuf_free(m);
}

static void packet(struct rln_pipeline *p, struct rln_port_row *row, struct rte_mbuf *m, uint64_t now_ns)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

	if (unlikely(rln_pkt(m)->op == RLN_PKT_UNREACH))
		unreachable(p, m);
	else if (unlikely(row == NULL || row->leg == NULL))
		rln_pipeline_end(p, m, RLN_C_DROP_RTP_NO_LEG);
	else if (unlikely((rln_pkt(m)->dst.port & 1) || rln_rtp_is_rtcp(data, m->data_len)))
		rln_leg_rtcp_rx(row->leg, m, now_ns);
	else
		rtp_packet(p, row, m, now_ns);
}

void rln_pipeline_rx(struct rln_pipeline *p, struct rln_batch *batch, uint64_t now_ns)
{
	struct rln_port_row *row[RLN_BURST];
	unsigned i, n = batch->n;

	for (i = 0; i < n; i++) {
		row[i] = rln_port_table_find(p->cfg.ports, &rln_pkt(batch->m[i])->dst);
		if (row[i])
			rte_prefetch0(row[i]);
		rte_prefetch0(rte_pktmbuf_mtod(batch->m[i], const void *));
	}
	for (i = 0; i < n; i++) {
		if (row[i] == NULL || row[i]->leg == NULL)
			continue;
		leg_prefetch(row[i]->leg);
		if (row[i]->to && row[i]->to != row[i]->leg)
			leg_prefetch(row[i]->to);
	}
	for (i = 0; i < n; i++)
		packet(p, row[i], batch->m[i], now_ns);
	batch->n = 0;
}
