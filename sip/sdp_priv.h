/* SPDX-License-Identifier: BSD-3-Clause */
/* Between sdp_build.c and sdp_negotiate.c: the pieces that offers and answers are written from. */
#pragma once

#include "sip/build.h"
#include "sip/sdp.h"

#define RLN_SDP_STREAM_PAYLOADS 4 /* as many as struct rln_sdp_agreed holds */

struct rln_sdp_stream {            /* an audio m-line of ours */
	uint16_t port;
	uint8_t payloads_n;
	struct rln_sdp_payload payload[RLN_SDP_STREAM_PAYLOADS];
	uint8_t telephone_event;   /* 0 = none */
	uint8_t ptime_ms;          /* 0 = no line */
	uint8_t direction;
};

_Static_assert(RLN_CODEC_COUNT <= RLN_SDP_STREAM_PAYLOADS, "every codec finds room in a stream");

/* RFC 3551: the static type of a codec of ours. */
uint8_t rln_sdp_static_type(uint8_t codec);
bool rln_sdp_is_known(uint8_t codec);
void rln_sdp_write_session(struct rln_text *t, const struct rln_sdp_local *local);
void rln_sdp_write_audio(struct rln_text *t, const struct rln_sdp_stream *stream);
/* The m-line given back with port 0, in its place (RFC 3264 6). */
void rln_sdp_write_rejected(struct rln_text *t, const struct rln_sdp_media *media);
