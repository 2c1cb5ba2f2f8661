/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Digits by RFC 4733, sent: a bounded queue of key presses, and what each tick of the leg sends for them. A press is one event: every packet carries its
 * beginning's timestamp and how long it has lasted, the first one the marker; the last one carries E and goes out three times (2.5.1.4). Then the leg is silent until
 * 60 ms after the tone's end, so that a receiver tells two presses of the same key apart.
 * owner: worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RLN_DTMF_TX_DIGITS  64u  /* that may wait */
#define RLN_DTMF_TX_MS      100u /* of a press when nothing else is asked for */
#define RLN_DTMF_TX_MS_MIN  40u  /* what a detector needs (ITU-T Q.24) */
#define RLN_DTMF_TX_MS_MAX  4000u
#define RLN_DTMF_TX_PAUSE   60u /* ms */
#define RLN_DTMF_TX_PAYLOAD 4u  /* bytes */

struct rln_dtmf_tx {        /* all zero = nothing to send */
	uint32_t ts;        /* of the event */
	uint16_t duration;  /* that it shall have, units of the RTP clock */
	uint16_t elapsed;   /* that the last packet had */
	uint16_t pause;     /* left after the tone's end */
	uint8_t phase;      /* dtmf_tx.c */
	uint8_t ends;       /* copies of the last packet still to be sent */
	uint8_t event;      /* 0 to 15 */
	uint8_t head, n;    /* of the queue */
	uint16_t queue[RLN_DTMF_TX_DIGITS]; /* event << 12 | ms */
};

enum rln_dtmf_tx_step {
	RLN_DTMF_TX_AUDIO,  /* nothing to send any more: audio goes on */
	RLN_DTMF_TX_EVENT,  /* the packet is an event's */
	RLN_DTMF_TX_SILENT, /* between two digits */
};

struct rln_dtmf_tx_packet {
	uint8_t payload[RLN_DTMF_TX_PAYLOAD];
	uint32_t ts;
	bool marker;
};

/* Digits of `tones` (0-9 * # A-D, any case), `duration_ms` each (0 = the default). 0; -EINVAL: another character, none at all, or a duration beyond the limits;
 * -ENOBUFS: they do not all fit. Only 0 changes anything. */
int rln_dtmf_tx_add(struct rln_dtmf_tx *tx, const char *tones, unsigned duration_ms, unsigned clock_khz) __attribute__((warn_unused_result));
/* One tick: `ts` and `units` are the timestamp and length of the audio that it would send. */
enum rln_dtmf_tx_step rln_dtmf_tx_tick(
	struct rln_dtmf_tx *tx, uint32_t ts, unsigned units, unsigned clock_khz, struct rln_dtmf_tx_packet *out);
/* Forgets everything. Returns how many digits were not sent to their end. */
unsigned rln_dtmf_tx_reset(struct rln_dtmf_tx *tx);
bool rln_dtmf_tx_is_busy(const struct rln_dtmf_tx *tx);
