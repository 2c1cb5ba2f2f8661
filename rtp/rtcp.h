/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RTCP (RFC 3550 6): compound packets in and out of bytes, round trips, and when the next report is due. Parsing copies nothing and
 * reads nothing beyond `len`. Our own counters decide every figure; what a peer reports stands beside them (measurement 6).
 * owner: whoever holds the structs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rln_rtcp_type {
	RLN_RTCP_SR = 200,
	RLN_RTCP_RR = 201,
	RLN_RTCP_SDES = 202,
	RLN_RTCP_BYE = 203,
	RLN_RTCP_APP = 204,
	RLN_RTCP_XR = 207,
};

#define RLN_RTCP_BYE_REASON 64u
/* Room that any rln_rtcp_build() of ours fits into: SR with one block 52, SDES 8 + 2 + 255 + 3, BYE 8 + 1 + 64 + 3. */
#define RLN_RTCP_ROOM       400u

struct rln_rtcp_block { /* report block (RFC 3550 6.4.1) */
	uint32_t ssrc;  /* whom it is about */
	uint8_t fraction;
	int32_t lost; /* 24 bits, signed */
	uint32_t highest, jitter, lsr, dlsr;
};

struct rln_rtcp_sender { /* sender info of an SR */
	uint64_t ntp;
	uint32_t timestamp, packets, octets;
};

struct rln_rtcp {        /* what a compound packet says to a leg; blocks about others are skipped */
	uint32_t ssrc;   /* of its sender: the first SR or RR */
	bool has_sender; /* `sender` is valid: it was an SR */
	bool has_block;  /* `block` is valid */
	bool has_bye;    /* `ssrc` said goodbye */
	uint8_t cname_len;
	struct rln_rtcp_sender sender;
	struct rln_rtcp_block block; /* about `our_ssrc` */
	const char *cname;           /* of `ssrc`, not terminated; NULL: none */
	unsigned packets;            /* in the compound packet */
};

/*
 * RFC 3550 A.2: version 2 in every packet, the first is SR or RR without padding, lengths add up to `len`, padding only in the last. Then
 * what lies inside: counts that fit their lengths, SDES items that end. Reduced-size RTCP (RFC 5506) is not negotiated by us and is
 * refused. False: malformed, `out` is not to be used.
 */
bool rln_rtcp_parse(const uint8_t *data, size_t len, uint32_t our_ssrc, struct rln_rtcp *out);

struct rln_rtcp_build {
	uint32_t ssrc;                        /* ours */
	const struct rln_rtcp_sender *sender; /* NULL: RR */
	const struct rln_rtcp_block *block;   /* NULL: nobody to report about */
	const char *cname;                    /* always sent (RFC 3550 6.1) */
	const char *bye;                      /* NULL: none; "" a BYE without reason */
};

/* SR or RR, SDES with CNAME, and BYE. Bytes, a multiple of 4; 0 when `room` is too small. */
size_t rln_rtcp_build(uint8_t *data, size_t room, const struct rln_rtcp_build *in);

/* Middle 32 bits of an NTP timestamp. */
static inline uint32_t rln_rtcp_middle(uint64_t ntp)
{
	return (uint32_t)(ntp >> 16);
}

/* Round trip in 1/65536 s from a block about us that arrived at `now_ntp`; false when it tells none (LSR 0, or a negative sum). */
bool rln_rtcp_rtt(uint64_t now_ntp, uint32_t lsr, uint32_t dlsr, uint32_t *rtt);

/* 1/65536 s to microseconds. */
static inline uint32_t rln_rtcp_us(uint32_t rtt)
{
	uint64_t us = ((uint64_t)rtt * 1000000u) >> 16;

	return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* RFC 3550 6.3.1: interval * U(0.5, 1.5) / 1.21828, half of that for the first report. `random` is any 32 random bits. */
uint64_t rln_rtcp_interval_ns(uint64_t interval_ns, bool first, uint32_t random);

struct rln_rtcp_leg {            /* a leg's side of the conversation; all zero at the start */
	uint64_t peer_sr_ns;     /* clock time of the last SR; 0 = none */
	uint32_t peer_sr_middle; /* its NTP timestamp's middle: our next LSR */
	uint32_t peer_ssrc;
	uint32_t rtt_us;                    /* 0 = not measured */
	uint32_t sent, received;            /* compound packets */
	uint32_t peer_packets;              /* that it says it sent, from its last SR: tells loss at the end */
	uint32_t peer_highest, peer_jitter; /* of what we send, from its last block */
	int32_t peer_lost;
	uint8_t peer_fraction;
	uint8_t has_peer_block, bye_seen;
};

/* Takes what a parsed packet says. now_ntp = rln_clock_ntp(now_ns). */
void rln_rtcp_leg_update(struct rln_rtcp_leg *leg, const struct rln_rtcp *in, uint64_t now_ns, uint64_t now_ntp);
/* LSR and DLSR for our next block. */
void rln_rtcp_leg_fill(const struct rln_rtcp_leg *leg, uint64_t now_ns, struct rln_rtcp_block *block);
