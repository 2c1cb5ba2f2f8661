/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What signalling and media both must know of a media leg, as plain data: session/ fills it from SDP (sip/ never sees
 * rtp/), the worker reads it out of START_ and UPDATE_MEDIA_STREAM's block.
 */
#pragma once

#include "lcore/addr.h"
#include "lcore/types.h"

/* R42 */
struct rln_media_config {
	uint8_t codec;        /* enum rln_codec */
	uint8_t channels;
	uint8_t enable_dtx, enable_fec;
	uint32_t sample_rate; /* Hz */
};

#define RLN_LEG_PAYLOADS 4

struct rln_leg_payload { /* one payload type that we accept and may send */
	uint8_t payload_type;
	uint8_t codec;           /* enum rln_codec */
	uint16_t clock_rate_khz; /* RTP clock / 1000 */
};

struct rln_leg_params {
	struct rln_addr remote;            /* RTP; port 0 = not known yet: receive only until latched or updated */
	struct rln_addr remote_rtcp;       /* a=rtcp (RFC 3605), else RTP port + 1 */
	struct rln_leg_payload rx[RLN_LEG_PAYLOADS]; /* accepted on receive; unused: codec NONE */
	struct rln_media_config config;    /* what we send */
	uint8_t payload_type;              /* of what we send */
	uint8_t ptime_ms;                  /* what we send: 10, 20, 30, 40 or 60 */
	uint8_t telephone_event_rx;        /* payload type, 0 = not negotiated */
	uint8_t telephone_event_tx;
	uint8_t direction;                 /* enum rln_media_direction */
	uint8_t app;                       /* enum rln_leg_app */
	uint16_t tone_hz;
	uint8_t muted;
	uint8_t early;                     /* offer is out, answer not in: receive only, events wait (R155) */
};
