/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ring of a tap (R39): what one leg received and sent, packet by packet, from its worker to one application thread. Bounded, SP/SC; what finds it full is dropped
 * and counted, so a slow reader costs the leg nothing. Entries carry the event of the catalogue and the payload beside it, not in a block: blocks are for what crosses
 * to control. Memory, life and waking are session/tap's business; the doorbell is frame_ring.h's.
 */
#pragma once

#include "lcore/event.h"
#include "rtp/frame_ring.h"

#define RLN_TAP_PAYLOAD 480u /* bytes kept of a payload: 60 ms of G.711 */

struct rln_tap_packet {
	struct rln_event ev; /* RTP_PACKET_RECEIVED or SEND_RTP_PACKET: id = the leg; block 0, the slice says how much of `payload` is there */
	uint64_t at_ns;      /* clock of the turn */
	uint32_t ssrc;
	uint16_t len; /* of the whole payload; more than the slice's when it was cut */
	uint8_t marker, spare;
	uint8_t payload[RLN_TAP_PAYLOAD];
};

struct rln_tap_ring {
	uint32_t head __attribute__((aligned(64)));  /* writer: worker; packets ever pushed */
	uint32_t dropped;                            /* writer: worker */
	uint32_t tail __attribute__((aligned(64)));  /* writer: reader */
	uint32_t waits __attribute__((aligned(64))); /* as in frame_ring.h */
	uint32_t mask;                               /* size - 1; constant, like the two below */
	struct rln_doorbell bell;
	struct rln_tap_packet *packet;
};

/* One RTP packet of `len` bytes, which was parsed or built before. Worker. */
void rln_tap_put(struct rln_tap_ring *ring, enum rln_event_kind kind, uint64_t leg, const uint8_t *data, size_t len, uint64_t now_ns);

static inline uint32_t rln_tap_ring_count(const struct rln_tap_ring *r)
{
	return __atomic_load_n(&r->head, __ATOMIC_SEQ_CST) - __atomic_load_n(&r->tail, __ATOMIC_RELAXED);
}
