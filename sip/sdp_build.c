/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes SDP: our offer, and the one text that offer and answer share. Pure functions. sdp_priv.h is shared with
 * sdp_negotiate.c, which decides what stands in an answer.
 */
#include <errno.h>
#include <string.h>

#include "sip/sdp_priv.h"

static const char *direction_name(uint8_t direction)
{
	static const char *const name[] = {"inactive", "recvonly", "sendonly", "sendrecv"};

	return name[direction & RLN_MEDIA_BIDIRECTIONAL];
}

static const char *encoding_name(uint8_t codec)
{
	return codec == RLN_CODEC_PCMU ? "PCMU" : "PCMA";
}

uint8_t rln_sdp_static_type(uint8_t codec)
{
	return codec == RLN_CODEC_PCMU ? 0 : 8;
}

bool rln_sdp_is_known(uint8_t codec)
{
	return codec == RLN_CODEC_PCMU || codec == RLN_CODEC_PCMA;
}

void rln_sdp_write_session(struct rln_text *t, const struct rln_sdp_local *local)
{
	const char *type = rln_addr_is_v4(&local->rtp) ? "IP4" : "IP6";
	char ip[RLN_ADDR_TEXT];

	rln_addr_ip_text(&local->rtp, false, ip);
	rln_text_printf(t, "v=0\r\no=- %llu %llu IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n",
		(unsigned long long)local->origin_id, (unsigned long long)local->origin_version, type, ip, type, ip);
}

void rln_sdp_write_audio(struct rln_text *t, const struct rln_sdp_stream *stream)
{
	rln_text_printf(t, "m=audio %u RTP/AVP", stream->port);
	for (unsigned i = 0; i < stream->payloads_n; i++)
		rln_text_printf(t, " %u", stream->payload[i].payload_type);
	if (stream->telephone_event)
		rln_text_printf(t, " %u", stream->telephone_event);
	rln_text_printf(t, "\r\n");
	for (unsigned i = 0; i < stream->payloads_n; i++)
		rln_text_printf(
			t, "a=rtpmap:%u %s/8000\r\n", stream->payload[i].payload_type, encoding_name(stream->payload[i].codec));
	if (stream->telephone_event)
		rln_text_printf(t, "a=rtpmap:%u telephone-event/8000\r\na=fmtp:%u 0-16\r\n", stream->telephone_event,
			stream->telephone_event);
	if (stream->ptime_ms)
		rln_text_printf(t, "a=ptime:%u\r\n", stream->ptime_ms);
	rln_text_printf(t, "a=%s\r\n", direction_name(stream->direction));
}

void rln_sdp_write_rejected(struct rln_text *t, const struct rln_sdp_media *media)
{
	rln_text_printf(t, "m=%s 0 %s %s\r\n", media->media, media->proto, media->formats);
}

static void own_stream(struct rln_sdp_stream *out, const struct rln_sdp_local *local)
{
	*out = (struct rln_sdp_stream){.port = local->rtp.port,
		.telephone_event = local->telephone_event,
		.ptime_ms = local->ptime_ms,
		.direction = local->direction};
	for (unsigned i = 0; i < local->codecs_n && out->payloads_n < RLN_SDP_STREAM_PAYLOADS; i++) {
		if (!rln_sdp_is_known(local->codec[i]))
			continue;
		out->payload[out->payloads_n++] = (struct rln_sdp_payload){
			.payload_type = rln_sdp_static_type(local->codec[i]), .codec = local->codec[i], .clock_rate = 8000};
	}
}

int rln_sdp_offer(char *buf, size_t size, const struct rln_sdp_local *local)
{
	struct rln_sdp_stream stream;
	struct rln_text t;

	own_stream(&stream, local);
	rln_text_init(&t, buf, size);
	rln_sdp_write_session(&t, local);
	rln_sdp_write_audio(&t, &stream);
	return t.full ? -ENOSPC : (int)t.len;
}

/* Our own text: the audio that runs is the one m-line whose port is not 0. */
static int find_place(struct rln_sdp_local *local, const struct rln_sdp *previous)
{
	for (unsigned i = 0; i < previous->media_n; i++) {
		if (!previous->media[i].is_audio || previous->media[i].port == 0)
			continue;
		local->media_n = previous->media_n;
		local->index = (uint8_t)i;
		return 0;
	}
	return -EBADMSG;
}

int rln_sdp_reoffer(char *buf, size_t size, struct rln_sdp_local *local, const char *previous, size_t len)
{
	struct rln_sdp_stream stream;
	struct rln_sdp before;
	struct rln_text t;

	if (rln_sdp_parse(&before, previous, len) != 0 || find_place(local, &before) != 0)
		return -EBADMSG;
	own_stream(&stream, local);
	rln_text_init(&t, buf, size);
	rln_sdp_write_session(&t, local);
	for (unsigned i = 0; i < before.media_n; i++) {
		if (i == local->index)
			rln_sdp_write_audio(&t, &stream);
		else
			rln_sdp_write_rejected(&t, &before.media[i]);
	}
	return t.full ? -ENOSPC : (int)t.len;
}

/* The text without its o= line: what must differ for a new version. */
static bool next_part(const char **at, const char *end, const char **line, size_t *len)
{
	while (*at < end) {
		const char *nl = memchr(*at, '\n', (size_t)(end - *at));

		*line = *at;
		*len = (size_t)((nl ? nl : end) - *at);
		*at = nl ? nl + 1 : end;
		if (*len < 2 || (*line)[0] != 'o' || (*line)[1] != '=')
			return true;
	}
	return false;
}

bool rln_sdp_is_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	const char *a_end = a + a_len, *b_end = b + b_len, *x, *y;
	size_t x_len, y_len;

	for (;;) {
		bool has_x = next_part(&a, a_end, &x, &x_len), has_y = next_part(&b, b_end, &y, &y_len);

		if (has_x != has_y)
			return false;
		if (!has_x)
			return true;
		if (x_len != y_len || memcmp(x, y, x_len) != 0)
			return false;
	}
}
