/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Offer and answer (RFC 3264): what both sides can do, seen from us. Pure functions.
 *
 * An answer lists every common codec in our order of preference under the offer's payload types, so that both sides
 * send what we like best; the peer may change among them at will. Our direction is what we want, cut by what the
 * peer lets happen (6.1): it sends what we receive, and the other way round.
 */
#include <errno.h>
#include <string.h>

#include "sip/sdp_priv.h"

/* Sending and receiving change places when the other side describes them. */
uint8_t rln_sdp_mirrored(uint8_t direction)
{
	return (uint8_t)((direction & RLN_MEDIA_INBOUND) << 1 | (direction & RLN_MEDIA_OUTBOUND) >> 1);
}

/* The packet time to send with: what the peer asks for, or ours, within its maxptime; always one of those that we can send. */
static uint8_t packet_time(uint8_t asked, uint8_t most, uint8_t ours)
{
	static const uint8_t possible[] = {60, 40, 30, 20, 10};
	uint8_t want = asked ? asked : ours;

	if (most && want > most)
		want = most;
	for (unsigned i = 0; i < sizeof(possible); i++) {
		if (possible[i] <= want)
			return possible[i];
	}
	return 10;
}

static const struct rln_sdp_payload *payload_of(const struct rln_sdp_media *m, uint8_t codec)
{
	for (unsigned i = 0; i < m->payloads_n; i++) {
		if (m->payload[i].codec == codec && rln_sdp_is_known(codec))
			return &m->payload[i];
	}
	return NULL;
}

/* RFC 4733 2.1 and 7.1.1: the event's clock must be that of the audio it stands beside. 0 = none. */
static uint8_t telephone_event_of(const struct rln_sdp_media *m, uint32_t clock_rate)
{
	for (unsigned i = 0; i < m->payloads_n; i++) {
		if (m->payload[i].is_telephone_event && m->payload[i].clock_rate == clock_rate)
			return m->payload[i].payload_type;
	}
	return 0;
}

static bool is_offered(const struct rln_sdp_local *local, uint8_t codec)
{
	return rln_sdp_is_known(codec) && memchr(local->codec, codec, local->codecs_n) != NULL;
}

static void agree(struct rln_sdp_agreed *agreed, const struct rln_sdp_local *local, const struct rln_sdp_media *m, unsigned index)
{
	agreed->index = (uint8_t)index;
	agreed->ptime_ms = packet_time(m->ptime_ms, m->maxptime_ms, local->ptime_ms);
	agreed->direction = local->direction & rln_sdp_mirrored(m->direction);
	agreed->remote = m->rtp;
	agreed->remote_rtcp = m->rtcp;
	if (local->telephone_event) {
		agreed->telephone_event_tx = telephone_event_of(m, 8000);
		agreed->telephone_event_rx = agreed->telephone_event_tx;
	}
}

/* The stream that an answer to `m` would have; no payloads when nothing is common. */
static void common(struct rln_sdp_stream *out, const struct rln_sdp_local *local, const struct rln_sdp_media *m)
{
	memset(out, 0, sizeof(*out));
	if (!m->is_audio || m->port == 0)
		return;
	for (unsigned i = 0; i < local->codecs_n && out->payloads_n < RLN_SDP_STREAM_PAYLOADS; i++) {
		const struct rln_sdp_payload *pt = payload_of(m, local->codec[i]);

		if (pt)
			out->payload[out->payloads_n++] = *pt;
	}
}

static void write_answer(struct rln_text *t, const struct rln_sdp_local *local, const struct rln_sdp *offer,
	const struct rln_sdp_stream *stream, unsigned index)
{
	rln_sdp_write_session(t, local);
	for (unsigned i = 0; i < offer->media_n; i++) {
		if (i == index)
			rln_sdp_write_audio(t, stream);
		else
			rln_sdp_write_rejected(t, &offer->media[i]);
	}
}

int rln_sdp_answer(
	char *buf, size_t size, const struct rln_sdp_local *local, const struct rln_sdp *offer, struct rln_sdp_agreed *agreed)
{
	struct rln_sdp_stream stream = {0};
	struct rln_text t;
	unsigned index;

	memset(agreed, 0, sizeof(*agreed));
	for (index = 0; index < offer->media_n && stream.payloads_n == 0; index++)
		common(&stream, local, &offer->media[index]);
	if (stream.payloads_n == 0)
		return -ENOTSUP;
	index--; /* the loop looked one further */
	agree(agreed, local, &offer->media[index], index);
	agreed->codec = stream.payload[0].codec;
	agreed->payload_type = stream.payload[0].payload_type;
	agreed->codecs_n = stream.payloads_n;
	memcpy(agreed->rx, stream.payload, sizeof(agreed->rx));
	stream.port = local->rtp.port;
	stream.telephone_event = agreed->telephone_event_rx;
	stream.ptime_ms = agreed->ptime_ms;
	stream.direction = agreed->direction;
	rln_text_init(&t, buf, size);
	write_answer(&t, local, offer, &stream, index);
	return t.full ? -ENOSPC : (int)t.len;
}

/*
 * The answer has as many m-lines as our offer had. It sends to us under our payload types, we send under the
 * answer's; the answer's first codec that we offered is what the peer likes best.
 */
int rln_sdp_accept(const struct rln_sdp_local *local, const struct rln_sdp *answer, struct rln_sdp_agreed *agreed)
{
	unsigned lines = local->media_n ? local->media_n : 1;
	const struct rln_sdp_media *m = &answer->media[local->index % RLN_SDP_MEDIA];

	memset(agreed, 0, sizeof(*agreed));
	if (answer->media_n != lines || !m->is_audio || m->port == 0)
		return -ENOTSUP;
	for (unsigned i = 0; i < m->payloads_n; i++) {
		const struct rln_sdp_payload *pt = &m->payload[i];

		if (!is_offered(local, pt->codec) || agreed->codecs_n == RLN_SDP_STREAM_PAYLOADS)
			continue;
		if (agreed->codecs_n == 0) {
			agreed->codec = pt->codec;
			agreed->payload_type = pt->payload_type;
		}
		agreed->rx[agreed->codecs_n] = *pt;
		agreed->rx[agreed->codecs_n++].payload_type = rln_sdp_static_type(pt->codec);
	}
	if (agreed->codecs_n == 0)
		return -ENOTSUP;
	agree(agreed, local, m, local->index);
	if (agreed->telephone_event_tx)
		agreed->telephone_event_rx = local->telephone_event;
	return 0;
}
