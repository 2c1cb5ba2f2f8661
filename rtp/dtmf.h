/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Digits by RFC 4733, received: an event is known by its timestamp, so lost or missing markers, the triple end and packets out of order make
 * no second digit. A key press is told once: at its end packet, or when another event or a timeout shows that the ends were lost. Events longer
 * than 0xffff units go on under a new timestamp without marker (2.5.1.3) and stay one press. owner: the leg's worker.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rln_dtmf_rx { /* all zero = nothing heard yet */
	uint32_t ts;          /* of the event in progress or last told */
	uint32_t base;        /* duration of the segments before this one, units of the RTP clock */
	uint64_t heard_ns;    /* last packet of it */
	uint16_t duration;    /* of the current segment */
	uint8_t event;
	bool open, known;     /* in progress; ts means something */
};

struct rln_dtmf_digit {
	char digit;           /* 0-9 * # A-D */
	uint16_t duration_ms;
};

#define RLN_DTMF_LOST_END_NS 500000000ull /* without a packet an open event has ended */

/* One telephone-event payload. Returns 0, 1 or 2 digits in out: the one that another press shows to have ended, and the one that ends here.
 * Events above 15 (flash, tones) and payloads under 4 bytes are not digits: 0. */
unsigned rln_dtmf_rx_packet(struct rln_dtmf_rx *rx, uint32_t ts, bool marker, const uint8_t *payload, size_t len, uint32_t clock_hz, uint64_t now_ns,
	struct rln_dtmf_digit out[2]);
/* Tells the digit whose end packets were all lost: an audio packet came, or time has passed. 0 or 1. */
unsigned rln_dtmf_rx_idle(struct rln_dtmf_rx *rx, uint32_t clock_hz, uint64_t now_ns, struct rln_dtmf_digit *out);
