/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Digits by RFC 4733, received: one key press is one digit, whatever happens to its packets. An event is known by its timestamp
 * (the marker bit is not needed), ends with the first packet that carries E (its two copies are swallowed), and is given up for
 * ended when another event begins or nothing more comes for 200 ms (all end packets lost). A long press goes over into segments
 * (RFC 4733 2.5.1.3): an event of the same digit that begins where the one without E stood goes on with it.
 * owner: worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RLN_DTMF_SILENCE_MS 200u /* senders repeat every 20 to 50 ms (RFC 4733 2.5.1.2) */

struct rln_dtmf_rx {       /* all zero = nothing received yet */
	uint64_t last_ns;  /* last packet of the event */
	uint32_t start_ts; /* of the key press */
	uint32_t ts;       /* of its last segment */
	uint16_t duration; /* of the last segment, units of the RTP clock */
	uint8_t event;     /* 0 to 15 */
	uint8_t down;      /* a key is pressed */
	uint8_t seen;      /* start_ts is valid */
};

struct rln_dtmf_digit {
	char digit;           /* 0-9 * # A-D */
	uint16_t duration_ms; /* at most 65,535 */
};

/*
 * One telephone-event payload. Writes the key presses that ended with it: usually 0 or 1, 2 when a packet with E shows that an
 * earlier press had lost its own. Returns how many.
 */
unsigned rln_dtmf_rx_packet(struct rln_dtmf_rx *rx, const uint8_t *payload, unsigned len, uint32_t timestamp, unsigned clock_khz,
	uint64_t now_ns, struct rln_dtmf_digit out[2]);
/* Ends a press whose packets stopped coming. True: `out` is one. Call it while rln_dtmf_rx_is_down(), every 100 ms or so. */
bool rln_dtmf_rx_expire(struct rln_dtmf_rx *rx, unsigned clock_khz, uint64_t now_ns, struct rln_dtmf_digit *out);
/* The stream ends or changes its SSRC: what is pressed ends now. True: `out` is one. */
bool rln_dtmf_rx_flush(struct rln_dtmf_rx *rx, unsigned clock_khz, struct rln_dtmf_digit *out);

static inline bool rln_dtmf_rx_is_down(const struct rln_dtmf_rx *rx)
{
	return rx->down;
}
