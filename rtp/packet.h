/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RTP header (RFC 3550 5.1): a view of a received packet, and the twelve bytes of one that we send. Parsers take pointer and length and
 * copy nothing. RTCP on the same port is told by its second byte before anything is read as RTP (RFC 5761 4).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RLN_RTP_HEADER 12

struct rln_rtp { /* numbers in host order */
	uint8_t payload_type;
	bool marker;
	uint16_t seq;
	uint32_t ts, ssrc;
	uint16_t payload_off, payload_len; /* behind CSRC list and extension, without padding */
};

enum rln_rtp_fault { RLN_RTP_OK, RLN_RTP_SHORT, RLN_RTP_VERSION, RLN_RTP_FORMAT };

/* RFC 5761: payload types 64-95 are never RTP on a port that carries both. */
static inline bool rln_rtp_is_rtcp(const uint8_t *data, size_t len)
{
	return len >= 2 && data[1] >= 192 && data[1] <= 223;
}

static inline uint16_t rln_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t rln_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void rln_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void rln_put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* CSRC list, extension and padding of a packet that has any: out's payload is narrowed. */
enum rln_rtp_fault rln_rtp_parse_rest(struct rln_rtp *out, const uint8_t *data, size_t len);

/* Any thread. The common packet (version 2, nothing optional) takes no call. */
static inline enum rln_rtp_fault rln_rtp_parse(struct rln_rtp *out, const uint8_t *data, size_t len)
{
	if (len < RLN_RTP_HEADER)
		return RLN_RTP_SHORT;
	if (data[0] >> 6 != 2)
		return RLN_RTP_VERSION;
	out->marker = data[1] >> 7;
	out->payload_type = data[1] & 0x7f;
	out->seq = rln_get16(data + 2);
	out->ts = rln_get32(data + 4);
	out->ssrc = rln_get32(data + 8);
	out->payload_off = RLN_RTP_HEADER;
	out->payload_len = (uint16_t)(len - RLN_RTP_HEADER);
	return data[0] == 0x80 ? RLN_RTP_OK : rln_rtp_parse_rest(out, data, len);
}

/* Writes the header of a packet without CSRC, extension and padding. */
static inline void rln_rtp_build(uint8_t *data, uint8_t payload_type, bool marker, uint16_t seq, uint32_t ts, uint32_t ssrc)
{
	data[0] = 0x80;
	data[1] = (uint8_t)(payload_type | (marker ? 0x80 : 0));
	rln_put16(data + 2, seq);
	rln_put32(data + 4, ts);
	rln_put32(data + 8, ssrc);
}
