/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RTP packets (RFC 3550 5.1) in and out of bytes. Parsing copies nothing and reads nothing beyond `len`; a bad packet is named
 * by the counter of its drop. RTCP on the RTP port is told first, by its second byte (RFC 5761 4).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lcore/count.h"

#define RLN_RTP_HEADER    12u /* without CSRCs and extension */
#define RLN_RTP_VERSION_2 0x80u
#define RLN_RTP_CSRC_MAX  15u

struct rln_rtp { /* a view into the packet */
	const uint8_t *payload;
	const uint8_t *csrc;      /* csrc_n words in network order */
	const uint8_t *extension; /* extension data, NULL: none */
	uint32_t timestamp, ssrc;
	uint16_t seq;
	uint16_t payload_len;   /* without padding; may be 0 */
	uint16_t extension_len; /* bytes of data, a multiple of 4 */
	uint16_t extension_profile;
	uint8_t payload_type, marker, csrc_n, padding; /* padding: bytes cut off the end */
};

/* RFC 5761 4: payload types 64 to 95 with the marker bit are RTCP packet types 192 to 223. */
static inline bool rln_rtp_is_rtcp(const uint8_t *data, size_t len)
{
	return len >= 2 && (uint8_t)(data[1] - 192u) < 32u;
}

/* Compilers make one load or store of each. */
static inline uint16_t rln_get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t rln_get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void rln_put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void rln_put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* CSRCs, extension and padding; the plain header was read already. 0 or the drop. */
enum rln_counter rln_rtp_parse_rest(const uint8_t *data, size_t len, struct rln_rtp *out);

/* 0 (no counter: `out` is filled), RLN_C_DROP_RTP_SHORT, _VERSION or _FORMAT. `len` at most 65,535. */
static inline enum rln_counter rln_rtp_parse(const uint8_t *data, size_t len, struct rln_rtp *out)
{
	if (__builtin_expect(len < RLN_RTP_HEADER, 0))
		return RLN_C_DROP_RTP_SHORT;
	out->marker = data[1] >> 7;
	out->payload_type = data[1] & 0x7f;
	out->seq = rln_get_be16(data + 2);
	out->timestamp = rln_get_be32(data + 4);
	out->ssrc = rln_get_be32(data + 8);
	out->payload = data + RLN_RTP_HEADER;
	out->payload_len = (uint16_t)(len - RLN_RTP_HEADER);
	out->csrc = out->extension = NULL;
	out->extension_len = out->extension_profile = 0;
	out->csrc_n = out->padding = 0;
	if (__builtin_expect(data[0] != RLN_RTP_VERSION_2, 0))
		return rln_rtp_parse_rest(data, len, out);
	return (enum rln_counter)0;
}

/* A plain header of RLN_RTP_HEADER bytes: no CSRC, extension, padding. */
static inline void rln_rtp_build(
	uint8_t *data, uint8_t payload_type, bool marker, uint16_t seq, uint32_t timestamp, uint32_t ssrc)
{
	data[0] = RLN_RTP_VERSION_2;
	data[1] = (uint8_t)((payload_type & 0x7f) | (marker ? 0x80 : 0));
	rln_put_be16(data + 2, seq);
	rln_put_be32(data + 4, timestamp);
	rln_put_be32(data + 8, ssrc);
}

/* Everything that `in` says, payload copied, padding bytes added. Bytes written, 0 when it does not fit or cannot be said. */
size_t rln_rtp_build_full(uint8_t *data, size_t room, const struct rln_rtp *in);

/* Another name for a packet that goes on: the marker bit, CSRCs, extension and payload stay. */
static inline void rln_rtp_rewrite(uint8_t *data, uint8_t payload_type, uint16_t seq, uint32_t timestamp, uint32_t ssrc)
{
	data[1] = (uint8_t)((data[1] & 0x80) | (payload_type & 0x7f));
	rln_put_be16(data + 2, seq);
	rln_put_be32(data + 4, timestamp);
	rln_put_be32(data + 8, ssrc);
}

/* Arrival (or any clock time) in units of an RTP clock, modulo 2^32. */
static inline uint32_t rln_rtp_units(uint64_t ns, unsigned clock_khz)
{
	return (uint32_t)(ns * clock_khz / 1000000u);
}
