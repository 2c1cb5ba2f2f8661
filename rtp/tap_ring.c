/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker's side of a tap: see tap_ring.h. */
#include "rtp/tap_ring.h"

#include "lcore/clock.h"
#include "rtp/packet.h"

static struct rln_tap_packet *slot_take(struct rln_tap_ring *r)
{
	if (r->head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) > r->mask) {
		__atomic_store_n(&r->dropped, r->dropped + 1, __ATOMIC_RELAXED);
		return NULL;
	}
	return &r->packet[r->head & r->mask];
}

static void wake(struct rln_tap_ring *r)
{
	if (!__atomic_load_n(&r->waits, __ATOMIC_SEQ_CST))
		return;
	__atomic_store_n(&r->waits, 0, __ATOMIC_RELAXED);
	__atomic_fetch_or(r->bell.word, r->bell.bit, __ATOMIC_RELAXED);
	__atomic_store_n(r->bell.any, 1, __ATOMIC_RELEASE);
}

void rln_tap_put(struct rln_tap_ring *r, enum rln_event_kind kind, uint64_t leg, const uint8_t *data, size_t len, uint64_t now_ns)
{
	struct rln_tap_packet *p = slot_take(r);
	struct rln_rtp rtp;
	uint16_t kept;

	if (p == NULL || rln_rtp_parse(data, len, &rtp) != 0)
		return;
	kept = rtp.payload_len < RLN_TAP_PAYLOAD ? rtp.payload_len : (uint16_t)RLN_TAP_PAYLOAD;
	p->ev = (struct rln_event){.id = leg, .kind = (uint16_t)kind, .when = (uint32_t)(rln_clock_tsc() >> 4)};
	p->ev.rtp_packet_received.payload = (struct rln_slice){0, kept};
	p->ev.rtp_packet_received.timestamp = rtp.timestamp;
	p->ev.rtp_packet_received.sequence_number = rtp.seq;
	p->ev.rtp_packet_received.payload_type = rtp.payload_type;
	p->at_ns = now_ns;
	p->ssrc = rtp.ssrc;
	p->len = rtp.payload_len;
	p->marker = rtp.marker;
	memcpy(p->payload, rtp.payload, kept);
	__atomic_store_n(&r->head, r->head + 1, __ATOMIC_SEQ_CST); /* either the sleeper sees it, or wake() sees the sleeper */
	wake(r);
}
