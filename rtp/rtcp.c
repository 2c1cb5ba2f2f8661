/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RTCP: see rtcp.h. Parsing goes over a compound packet twice: first RFC 3550 A.2 over the headers of all packets, then into each.
 * So a packet that is refused has told nothing.
 */
#include "rtp/rtcp.h"

#include <string.h>

#include "rtp/packet.h"

#define HEADER      4u
#define SSRC        4u
#define SENDER_INFO 20u
#define BLOCK       24u
#define SDES_CNAME  1u
#define SDES_ITEM   2u /* type and length in front of its text */
#define PADDING     0x20u
#define COUNT       0x1fu

/* Bytes of the packet at `p`, its header included. */
static size_t packet_size(const uint8_t *p)
{
	return 4u * ((size_t)rln_get_be16(p + 2) + 1);
}

static bool is_valid(const uint8_t *data, size_t len)
{
	if (len < HEADER + SSRC || (data[1] != RLN_RTCP_SR && data[1] != RLN_RTCP_RR) || (data[0] & PADDING))
		return false;
	for (size_t at = 0; at < len; at += packet_size(data + at)) {
		size_t size, left = len - at;

		if (left < HEADER || data[at] >> 6 != 2)
			return false;
		size = packet_size(data + at);
		if (size > left || ((data[at] & PADDING) && size != left))
			return false;
	}
	return true;
}

/* Without the padding of the last packet; 0 when that is nonsense. */
static size_t inner_size(const uint8_t *p, size_t size)
{
	uint8_t padding = p[size - 1];

	if (!(p[0] & PADDING))
		return size;
	return padding == 0 || padding % 4 || padding > size - HEADER ? 0 : size - padding;
}

static void block_read(const uint8_t *p, struct rln_rtcp_block *b)
{
	b->ssrc = rln_get_be32(p);
	b->fraction = p[4];
	b->lost = (int32_t)(rln_get_be32(p + 4) << 8) >> 8;
	b->highest = rln_get_be32(p + 8);
	b->jitter = rln_get_be32(p + 12);
	b->lsr = rln_get_be32(p + 16);
	b->dlsr = rln_get_be32(p + 20);
}

static bool report_read(const uint8_t *p, size_t size, uint32_t our_ssrc, struct rln_rtcp *out)
{
	size_t at = HEADER + SSRC + (p[1] == RLN_RTCP_SR ? SENDER_INFO : 0);
	unsigned n = p[0] & COUNT;
	bool first = out->packets == 0;

	if (size < at + (size_t)n * BLOCK)
		return false;
	if (first)
		out->ssrc = rln_get_be32(p + HEADER);
	if (p[1] == RLN_RTCP_SR && rln_get_be32(p + HEADER) == out->ssrc) {
		const uint8_t *s = p + HEADER + SSRC;

		out->has_sender = true;
		out->sender.ntp = (uint64_t)rln_get_be32(s) << 32 | rln_get_be32(s + 4);
		out->sender.timestamp = rln_get_be32(s + 8);
		out->sender.packets = rln_get_be32(s + 12);
		out->sender.octets = rln_get_be32(s + 16);
	}
	for (; n > 0; n--, at += BLOCK) {
		if (rln_get_be32(p + at) == our_ssrc) {
			out->has_block = true;
			block_read(p + at, &out->block);
		}
	}
	return true;
}

/* One chunk: SSRC, items, a zero byte, and zeros to the next word. Returns the offset behind it, 0 when it does not end. */
static size_t chunk_read(const uint8_t *p, size_t at, size_t size, struct rln_rtcp *out)
{
	bool ours;

	if (size - at < SSRC + 1)
		return 0;
	ours = rln_get_be32(p + at) == out->ssrc;
	at += SSRC;
	while (at < size && p[at] != 0) {
		if (size - at < SDES_ITEM || size - at - SDES_ITEM < p[at + 1])
			return 0;
		if (p[at] == SDES_CNAME && ours) {
			out->cname = (const char *)p + at + SDES_ITEM;
			out->cname_len = p[at + 1];
		}
		at += SDES_ITEM + p[at + 1];
	}
	return at < size ? (at / 4 + 1) * 4 : 0;
}

static bool sdes_read(const uint8_t *p, size_t size, struct rln_rtcp *out)
{
	size_t at = HEADER;

	for (unsigned n = p[0] & COUNT; n > 0; n--) {
		at = chunk_read(p, at, size, out);
		if (at == 0 || at > size)
			return false;
	}
	return true;
}

static bool bye_read(const uint8_t *p, size_t size, struct rln_rtcp *out)
{
	unsigned n = p[0] & COUNT;

	if (size < HEADER + (size_t)n * SSRC)
		return false;
	for (unsigned i = 0; i < n; i++)
		out->has_bye |= rln_get_be32(p + HEADER + i * SSRC) == out->ssrc;
	return true;
}

static bool packet_read(const uint8_t *p, size_t size, uint32_t our_ssrc, struct rln_rtcp *out)
{
	switch (p[1]) {
	case RLN_RTCP_SR:
	case RLN_RTCP_RR:
		return report_read(p, size, our_ssrc, out);
	case RLN_RTCP_SDES:
		return sdes_read(p, size, out);
	case RLN_RTCP_BYE:
		return bye_read(p, size, out);
	default: /* APP, XR, feedback and what comes after us: RFC 3550 6.1 says to ignore it */
		return true;
	}
}

bool rln_rtcp_parse(const uint8_t *data, size_t len, uint32_t our_ssrc, struct rln_rtcp *out)
{
	memset(out, 0, sizeof(*out));
	if (!is_valid(data, len))
		return false;
	for (size_t at = 0; at < len; at += packet_size(data + at)) {
		size_t size = inner_size(data + at, packet_size(data + at));

		if (size == 0 || !packet_read(data + at, size, our_ssrc, out))
			return false;
		out->packets++;
	}
	return true;
}

/* ---- building ---- */

/* Writes the header of a packet of `size` bytes, a multiple of 4. */
static void header_put(uint8_t *p, unsigned count, enum rln_rtcp_type type, size_t size, uint32_t ssrc)
{
	p[0] = (uint8_t)(RLN_RTP_VERSION_2 | count);
	p[1] = (uint8_t)type;
	rln_put_be16(p + 2, (uint16_t)(size / 4 - 1));
	rln_put_be32(p + HEADER, ssrc);
}

static void block_put(uint8_t *p, const struct rln_rtcp_block *b)
{
	rln_put_be32(p, b->ssrc);
	rln_put_be32(p + 4, (uint32_t)b->fraction << 24 | ((uint32_t)b->lost & 0xffffff));
	rln_put_be32(p + 8, b->highest);
	rln_put_be32(p + 12, b->jitter);
	rln_put_be32(p + 16, b->lsr);
	rln_put_be32(p + 20, b->dlsr);
}

static size_t report_put(uint8_t *p, const struct rln_rtcp_build *in)
{
	size_t at = HEADER + SSRC, size = at + (in->sender ? SENDER_INFO : 0) + (in->block ? BLOCK : 0);

	header_put(p, in->block != NULL, in->sender ? RLN_RTCP_SR : RLN_RTCP_RR, size, in->ssrc);
	if (in->sender) {
		rln_put_be32(p + at, (uint32_t)(in->sender->ntp >> 32));
		rln_put_be32(p + at + 4, (uint32_t)in->sender->ntp);
		rln_put_be32(p + at + 8, in->sender->timestamp);
		rln_put_be32(p + at + 12, in->sender->packets);
		rln_put_be32(p + at + 16, in->sender->octets);
		at += SENDER_INFO;
	}
	if (in->block)
		block_put(p + at, in->block);
	return size;
}

static size_t round_up(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static size_t sdes_put(uint8_t *p, uint32_t ssrc, const char *cname, size_t len)
{
	size_t text = HEADER + SSRC + SDES_ITEM + len, size = round_up(text + 1);

	header_put(p, 1, RLN_RTCP_SDES, size, ssrc);
	p[HEADER + SSRC] = SDES_CNAME;
	p[HEADER + SSRC + 1] = (uint8_t)len;
	memcpy(p + HEADER + SSRC + SDES_ITEM, cname, len);
	memset(p + text, 0, size - text);
	return size;
}

static size_t bye_put(uint8_t *p, uint32_t ssrc, const char *reason, size_t len)
{
	size_t size = HEADER + SSRC + (len ? round_up(1 + len) : 0);

	memset(p, 0, size);
	header_put(p, 1, RLN_RTCP_BYE, size, ssrc);
	if (len) {
		p[HEADER + SSRC] = (uint8_t)len;
		memcpy(p + HEADER + SSRC + 1, reason, len);
	}
	return size;
}

size_t rln_rtcp_build(uint8_t *data, size_t room, const struct rln_rtcp_build *in)
{
	size_t cname = strnlen(in->cname, UINT8_MAX), reason = in->bye ? strnlen(in->bye, RLN_RTCP_BYE_REASON) : 0;
	size_t need = HEADER + SSRC + SENDER_INFO + BLOCK + HEADER + SSRC + SDES_ITEM + round_up(cname + 1) + 4 + HEADER + SSRC +
		      round_up(1 + reason);
	size_t len;

	if (room < need)
		return 0;
	len = report_put(data, in);
	len += sdes_put(data + len, in->ssrc, in->cname, cname);
	if (in->bye)
		len += bye_put(data + len, in->ssrc, in->bye, reason);
	return len;
}

/* ---- times ---- */

bool rln_rtcp_rtt(uint64_t now_ntp, uint32_t lsr, uint32_t dlsr, uint32_t *rtt)
{
	*rtt = rln_rtcp_middle(now_ntp) - lsr - dlsr;
	return lsr != 0 && *rtt < 0x80000000u;
}

uint64_t rln_rtcp_interval_ns(uint64_t interval_ns, bool first, uint32_t random)
{
	double factor = (0.5 + (double)random / 4294967296.0) / 1.21828; /* e - 1.5: RFC 3550 6.3.1 */

	return (uint64_t)((double)interval_ns * (first ? factor / 2 : factor));
}

void rln_rtcp_leg_update(struct rln_rtcp_leg *leg, const struct rln_rtcp *in, uint64_t now_ns, uint64_t now_ntp)
{
	uint32_t rtt;

	leg->received++;
	leg->peer_ssrc = in->ssrc;
	leg->bye_seen |= in->has_bye;
	if (in->has_sender) {
		leg->peer_sr_ns = now_ns;
		leg->peer_sr_middle = rln_rtcp_middle(in->sender.ntp);
		leg->peer_packets = in->sender.packets;
	}
	if (!in->has_block)
		return;
	leg->has_peer_block = 1;
	leg->peer_fraction = in->block.fraction;
	leg->peer_lost = in->block.lost;
	leg->peer_highest = in->block.highest;
	leg->peer_jitter = in->block.jitter;
	if (rln_rtcp_rtt(now_ntp, in->block.lsr, in->block.dlsr, &rtt))
		leg->rtt_us = rln_rtcp_us(rtt);
}

void rln_rtcp_leg_fill(const struct rln_rtcp_leg *leg, uint64_t now_ns, struct rln_rtcp_block *block)
{
	uint64_t delay_us = (now_ns - leg->peer_sr_ns) / 1000, limit = 65535ull * 1000000; /* 16 bits of seconds */

	block->lsr = leg->peer_sr_ns ? leg->peer_sr_middle : 0;
	block->dlsr = leg->peer_sr_ns ? (uint32_t)(((delay_us < limit ? delay_us : limit) << 16) / 1000000) : 0;
}
