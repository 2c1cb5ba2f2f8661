/* SPDX-License-Identifier: BSD-3-Clause */
/* Key presses to telephone events (RFC 4733): see dtmf_tx.h. */
#include "rtp/dtmf_tx.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "rtp/packet.h"

#define E_BIT  0x80u
#define VOLUME 10u /* -10 dBm0 */
#define COPIES 2u  /* of the last packet: three in all */

enum { IDLE, TONE, ENDING }; /* ENDING: copies of the last packet, then the pause */

static const char keys[] = "0123456789*#ABCD";

static int event_of(char digit)
{
	const char *at = digit ? strchr(keys, toupper((unsigned char)digit)) : NULL;

	return at ? (int)(at - keys) : -1;
}

int rln_dtmf_tx_add(struct rln_dtmf_tx *tx, const char *tones, unsigned duration_ms, unsigned clock_khz)
{
	size_t n = strlen(tones), i;
	unsigned ms = duration_ms ? duration_ms : RLN_DTMF_TX_MS;

	if (n == 0 || ms < RLN_DTMF_TX_MS_MIN || ms > RLN_DTMF_TX_MS_MAX || ms * clock_khz > UINT16_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (event_of(tones[i]) < 0)
			return -EINVAL;
	}
	if (n > RLN_DTMF_TX_DIGITS - tx->n)
		return -ENOBUFS;
	for (i = 0; i < n; i++)
		tx->queue[(tx->head + tx->n++) % RLN_DTMF_TX_DIGITS] = (uint16_t)((unsigned)event_of(tones[i]) << 12 | ms);
	return 0;
}

static void begin(struct rln_dtmf_tx *tx, uint32_t ts, unsigned clock_khz)
{
	uint16_t next = tx->queue[tx->head];

	tx->head = (uint8_t)((tx->head + 1) % RLN_DTMF_TX_DIGITS);
	tx->n--;
	tx->event = (uint8_t)(next >> 12);
	tx->duration = (uint16_t)((next & 0xfff) * clock_khz);
	tx->elapsed = 0;
	tx->ts = ts;
	tx->phase = TONE;
}

/* The packet of the state that `tx` is in. */
static enum rln_dtmf_tx_step packet(const struct rln_dtmf_tx *tx, bool marker, struct rln_dtmf_tx_packet *out)
{
	out->payload[0] = tx->event;
	out->payload[1] = (uint8_t)(VOLUME | (tx->phase == ENDING ? E_BIT : 0));
	rln_put_be16(out->payload + 2, tx->elapsed);
	out->ts = tx->ts;
	out->marker = marker;
	return RLN_DTMF_TX_EVENT;
}

static enum rln_dtmf_tx_step tone(struct rln_dtmf_tx *tx, unsigned units, unsigned clock_khz, struct rln_dtmf_tx_packet *out)
{
	bool first = tx->elapsed == 0;

	if (tx->elapsed + units < tx->duration) {
		tx->elapsed = (uint16_t)(tx->elapsed + units);
		return packet(tx, first, out);
	}
	tx->elapsed = tx->duration;
	tx->phase = ENDING;
	tx->ends = COPIES;
	tx->pause = (uint16_t)(RLN_DTMF_TX_PAUSE * clock_khz);
	return packet(tx, first, out);
}

enum rln_dtmf_tx_step rln_dtmf_tx_tick(
	struct rln_dtmf_tx *tx, uint32_t ts, unsigned units, unsigned clock_khz, struct rln_dtmf_tx_packet *out)
{
	if (tx->phase == ENDING) {
		if (tx->ends > 0) {
			tx->ends--;
			tx->pause = (uint16_t)(tx->pause > units ? tx->pause - units : 0);
			return packet(tx, false, out);
		}
		if (tx->pause > 0) {
			tx->pause = (uint16_t)(tx->pause > units ? tx->pause - units : 0);
			return RLN_DTMF_TX_SILENT;
		}
		tx->phase = IDLE;
	}
	if (tx->phase == IDLE) {
		if (tx->n == 0)
			return RLN_DTMF_TX_AUDIO;
		begin(tx, ts, clock_khz);
	}
	return tone(tx, units, clock_khz, out);
}

unsigned rln_dtmf_tx_reset(struct rln_dtmf_tx *tx)
{
	unsigned lost = tx->n + (tx->phase == TONE);

	*tx = (struct rln_dtmf_tx){0};
	return lost;
}

bool rln_dtmf_tx_is_busy(const struct rln_dtmf_tx *tx)
{
	return tx->phase != IDLE || tx->n != 0;
}
