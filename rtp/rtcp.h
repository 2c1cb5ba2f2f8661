/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RTCP (RFC 3550 6): building our compound packets, reading the peer's. Pure functions of bytes and numbers; what to put in a report is the caller's.
 * A compound packet is taken whole or not at all (A.2).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RLN_RTCP_MAX 256 /* bytes of the largest packet that we build: SR or RR, SDES, BYE */
#define RLN_RTCP_CNAME_MAX 64

struct rln_rtcp_block { /* report block, 6.4.1 */
	uint32_t ssrc;
	uint8_t fraction;    /* lost since the last report, of 256 */
	int32_t lost;        /* 24 bits signed */
	uint32_t max_seq;    /* extended */
	uint32_t jitter;     /* RTP clock units */
	uint32_t lsr, dlsr;  /* 1/65536 s */
};

struct rln_rtcp_sender { /* sender info */
	uint64_t ntp;        /* 32.32 */
	uint32_t rtp_ts, packets, octets;
};

struct rln_rtcp_report { /* one compound packet, as we send it */
	uint32_t ssrc;                       /* ours */
	bool has_sender, has_block, bye;
	struct rln_rtcp_sender sender;
	struct rln_rtcp_block block;
	const char *cname;
};

struct rln_rtcp_view { /* what we use of a received compound packet */
	uint32_t ssrc;
	bool has_sender, bye;
	bool has_block;                      /* the block about `our_ssrc` */
	struct rln_rtcp_sender sender;
	struct rln_rtcp_block block;
};

/* Writes the packet; returns its length, 0 when it does not fit. */
size_t rln_rtcp_build(uint8_t *out, size_t size, const struct rln_rtcp_report *report);
/* 0, or -EBADMSG: not a valid compound packet (version, padding, first type, lengths that do not add up). */
int rln_rtcp_parse(struct rln_rtcp_view *out, const uint8_t *data, size_t len, uint32_t our_ssrc);
/* Round trip in 1/65536 s from a block that came at `ntp` (32.32); UINT32_MAX = not valid (LSR 0, or 2^31 and more). */
uint32_t rln_rtcp_round_trip(const struct rln_rtcp_block *block, uint64_t ntp);

/* What one leg keeps of the peer's reports. owner: the leg's worker. */
struct rln_rtcp_leg { /* all zero = none came */
	uint32_t lsr;        /* middle 32 bits of the last SR's NTP time */
	uint64_t lsr_ns;     /* clock when it came */
	uint32_t peer_ssrc;
	uint32_t rtt_us;     /* last valid round trip, 0 = none */
	uint32_t peer_jitter, peer_fraction; /* of its last block about us */
	int32_t peer_lost;
	uint32_t reports;    /* compound packets received */
	bool bye;
};
/* Takes a parsed packet that came at `now_ns` (NTP time `ntp`). */
void rln_rtcp_leg_take(struct rln_rtcp_leg *leg, const struct rln_rtcp_view *view, uint64_t now_ns, uint64_t ntp);
/* LSR and DLSR for our next block. */
void rln_rtcp_leg_echo(const struct rln_rtcp_leg *leg, uint64_t now_ns, uint32_t *lsr, uint32_t *dlsr);
/* Interval of 6.3.1 for a session of two: base * U(0.5, 1.5) / 1.21828, half of it for the first. `random` is any 32 bits. */
uint64_t rln_rtcp_interval_ns(uint64_t base_ns, bool first, uint32_t random);
