/* SPDX-License-Identifier: BSD-3-Clause */
/* The rare parts of an RTP packet: CSRC list, extension, padding (RFC 3550 5.1, 5.3.1). */
#include "rtp/packet.h"

#include <string.h>

#define HAS_PADDING        0x20u
#define HAS_EXTENSION      0x10u
#define CSRC_COUNT         0x0fu
#define PROFILE_AND_LENGTH 4u

enum rln_counter rln_rtp_parse_rest(const uint8_t *data, size_t len, struct rln_rtp *out)
{
	size_t at = RLN_RTP_HEADER, end = len;

	if (data[0] >> 6 != RLN_RTP_VERSION_2 >> 6)
		return RLN_C_DROP_RTP_VERSION;
	out->csrc_n = data[0] & CSRC_COUNT;
	if (out->csrc_n) {
		out->csrc = data + at;
		at += 4u * out->csrc_n;
	}
	if (data[0] & HAS_EXTENSION) {
		if (end < at + PROFILE_AND_LENGTH)
			return RLN_C_DROP_RTP_FORMAT;
		out->extension_profile = rln_get_be16(data + at);
		out->extension_len = (uint16_t)(4u * rln_get_be16(data + at + 2));
		if (rln_get_be16(data + at + 2) >= 0x4000) /* 65,536 bytes and more: longer than any datagram */
			return RLN_C_DROP_RTP_FORMAT;
		at += PROFILE_AND_LENGTH;
		out->extension = data + at;
		at += out->extension_len;
	}
	if (end < at)
		return RLN_C_DROP_RTP_FORMAT;
	if (data[0] & HAS_PADDING) { /* the last byte counts the padding, itself included */
		if (end == at || data[end - 1] == 0 || data[end - 1] > end - at)
			return RLN_C_DROP_RTP_FORMAT;
		out->padding = data[end - 1];
		end -= out->padding;
	}
	out->payload = data + at;
	out->payload_len = (uint16_t)(end - at);
	return (enum rln_counter)0;
}

size_t rln_rtp_build_full(uint8_t *data, size_t room, const struct rln_rtp *in)
{
	size_t csrc = 4u * in->csrc_n, extension = in->extension ? PROFILE_AND_LENGTH + in->extension_len : 0u;
	size_t len = RLN_RTP_HEADER + csrc + extension + in->payload_len + in->padding;
	uint8_t *p = data + RLN_RTP_HEADER;

	if (in->csrc_n > RLN_RTP_CSRC_MAX || in->extension_len % 4 || len > room || len > UINT16_MAX)
		return 0;
	rln_rtp_build(data, in->payload_type, in->marker, in->seq, in->timestamp, in->ssrc);
	data[0] |= (uint8_t)(in->csrc_n | (in->extension ? HAS_EXTENSION : 0) | (in->padding ? HAS_PADDING : 0));
	if (csrc)
		memcpy(p, in->csrc, csrc);
	p += csrc;
	if (in->extension) {
		rln_put_be16(p, in->extension_profile);
		rln_put_be16(p + 2, in->extension_len / 4);
		memcpy(p + PROFILE_AND_LENGTH, in->extension, in->extension_len);
		p += extension;
	}
	if (in->payload_len)
		memcpy(p, in->payload, in->payload_len);
	p += in->payload_len;
	if (in->padding) {
		memset(p, 0, in->padding);
		p[in->padding - 1] = in->padding;
	}
	return len;
}
