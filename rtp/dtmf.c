/* SPDX-License-Identifier: BSD-3-Clause */
/* Telephone events (RFC 4733) to key presses: see dtmf.h. */
#include "rtp/dtmf.h"

#include "lcore/clock.h"
#include "rtp/packet.h"

#define EVENT_BYTES  4u
#define EVENTS       16u /* 0 to 15 are the keys; what is above (flash, fax, modem) is no digit */
#define E_BIT        0x80u
#define CONTINUES_MS 20u    /* a segment may begin this much after the last duration that we saw: one lost update */
#define OLD_MS       10000u /* a timestamp this far back is a sender that started anew, not a late packet */

static struct rln_dtmf_digit release(struct rln_dtmf_rx *rx, unsigned clock_khz)
{
	uint32_t ms = (rx->ts - rx->start_ts + rx->duration) / clock_khz;

	rx->down = 0;
	return (struct rln_dtmf_digit){"0123456789*#ABCD"[rx->event], (uint16_t)(ms > UINT16_MAX ? UINT16_MAX : ms)};
}

/* Without an E between them, an event of the same key that begins where the other stood is the same press. */
static bool continues(const struct rln_dtmf_rx *rx, uint8_t event, uint32_t timestamp, unsigned clock_khz)
{
	return rx->down && event == rx->event && timestamp - rx->ts <= rx->duration + CONTINUES_MS * clock_khz;
}

static void press(struct rln_dtmf_rx *rx, uint8_t event, uint32_t timestamp)
{
	rx->event = event;
	rx->start_ts = timestamp;
	rx->down = rx->seen = 1;
}

unsigned rln_dtmf_rx_packet(struct rln_dtmf_rx *rx, const uint8_t *payload, unsigned len, uint32_t timestamp, unsigned clock_khz,
	uint64_t now_ns, struct rln_dtmf_digit out[2])
{
	int32_t newer = (int32_t)(timestamp - rx->ts);
	uint16_t duration;
	unsigned n = 0;

	if (len < EVENT_BYTES || payload[0] >= EVENTS)
		return 0;
	duration = rln_get_be16(payload + 2);
	if (rx->seen && newer < 0 && newer > -(int32_t)(OLD_MS * clock_khz))
		return 0; /* a late packet of an event that is over */
	if (!rx->seen || newer != 0) {
		if (!continues(rx, payload[0], timestamp, clock_khz)) {
			if (rx->down)
				out[n++] = release(rx, clock_khz); /* its end packets were lost */
			press(rx, payload[0], timestamp);
		}
		rx->ts = timestamp;
		rx->duration = duration;
	} else if (!rx->down) {
		return 0; /* a copy of the end */
	}
	rx->last_ns = now_ns;
	if (duration > rx->duration)
		rx->duration = duration;
	if (payload[1] & E_BIT)
		out[n++] = release(rx, clock_khz);
	return n;
}

bool rln_dtmf_rx_expire(struct rln_dtmf_rx *rx, unsigned clock_khz, uint64_t now_ns, struct rln_dtmf_digit *out)
{
	if (!rx->down || now_ns - rx->last_ns < RLN_DTMF_SILENCE_MS * RLN_MS)
		return false;
	*out = release(rx, clock_khz);
	return true;
}

bool rln_dtmf_rx_flush(struct rln_dtmf_rx *rx, unsigned clock_khz, struct rln_dtmf_digit *out)
{
	bool was_down = rx->down;

	if (was_down)
		*out = release(rx, clock_khz);
	rx->seen = 0;
	return was_down;
}
