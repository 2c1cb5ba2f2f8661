/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SDP (RFC 4566/8866) and offer/answer (RFC 3264) for one audio stream: text to a plain description, description to
 * text. Pure functions, with a line parser of our own (sdp_parse.c says why). Multiple m-lines: the first acceptable
 * audio is taken, the others are answered with port 0 in their places. Unknown attributes are ignored.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lcore/addr.h"
#include "lcore/types.h"

#define RLN_SDP_MEDIA 8       /* m-lines that we keep; an offer with more is refused (488) */
#define RLN_SDP_PAYLOADS 16   /* payload types per m-line that we look at */
#define RLN_SDP_TEXT 2048

struct rln_sdp_payload {
	uint8_t payload_type;
	uint8_t codec;              /* enum rln_codec; NONE = not one of ours */
	bool is_telephone_event;
	uint32_t clock_rate;
};

struct rln_sdp_media {
	bool is_audio;              /* m=audio over RTP/AVP (or an equal profile that we take) */
	uint16_t port;              /* 0 = rejected or switched off */
	char media[12], proto[20], formats[64]; /* as offered, to be given back in a rejected m-line */
	struct rln_addr rtp, rtcp;  /* c= of the media, else of the session; a=rtcp (RFC 3605) or port + 1 */
	uint8_t direction;          /* enum rln_media_direction, seen from the describer; c=0.0.0.0 means hold (RFC 3264 8.4) */
	uint8_t ptime_ms;           /* 0 = not given */
	uint8_t maxptime_ms;
	uint8_t payloads_n;
	struct rln_sdp_payload payload[RLN_SDP_PAYLOADS];
};

struct rln_sdp {
	uint64_t origin_id, origin_version;
	uint8_t media_n;
	struct rln_sdp_media media[RLN_SDP_MEDIA];
};

/* Text to description. 0; -EBADMSG (not SDP); -E2BIG (more m-lines than we keep). */
int rln_sdp_parse(struct rln_sdp *out, const char *text, size_t len) __attribute__((warn_unused_result));

/* What we offer or accept: filled by session/ from config and leg. */
struct rln_sdp_local {
	struct rln_addr rtp;             /* of our leg */
	uint64_t origin_id, origin_version; /* version rises by one whenever the text changes (RFC 3264 8) */
	uint8_t codecs_n, codec[RLN_CODEC_COUNT]; /* in order of preference */
	uint8_t telephone_event;         /* payload type to offer, 0 = none */
	uint8_t ptime_ms;                /* ours */
	uint8_t direction;               /* what we want: enum rln_media_direction */
	uint8_t media_n, index;          /* m-lines of the session and our audio's place among them; 0, 0: only ours (rln_sdp_reoffer) */
};

/* What offer and answer agreed on, seen from us. */
struct rln_sdp_agreed {
	uint8_t index;                   /* of the audio m-line */
	uint8_t codec, payload_type;     /* that we send */
	uint8_t codecs_n; struct rln_sdp_payload rx[4]; /* that we must accept */
	uint8_t telephone_event_tx, telephone_event_rx;
	uint8_t ptime_ms;                /* that we send */
	uint8_t direction;               /* ours: after RFC 3264 6.1 */
	struct rln_addr remote, remote_rtcp;
};

/* Offer text. Returns its length, or -ENOSPC. */
int rln_sdp_offer(char *buf, size_t size, const struct rln_sdp_local *local);
/* Offer within a call: every m-line of `previous` (our last SDP text) keeps its place, the rejected ones stay
 * rejected (RFC 3264 8). Notes in local->media_n and index what rln_sdp_accept() will check the answer against.
 * Length; -EBADMSG: `previous` is not ours; -ENOSPC. */
int rln_sdp_reoffer(char *buf, size_t size, struct rln_sdp_local *local, const char *previous, size_t len);
/* Answer to `offer`: text and what was agreed. Length; -ENOTSUP: no acceptable stream (488); -ENOSPC. */
int rln_sdp_answer(char *buf, size_t size, const struct rln_sdp_local *local, const struct rln_sdp *offer,
	struct rln_sdp_agreed *agreed);
/* The peer's answer to our offer. 0; -ENOTSUP: it refused the stream or answered with what was not offered. */
int rln_sdp_accept(const struct rln_sdp_local *local, const struct rln_sdp *answer, struct rln_sdp_agreed *agreed);

/* A direction (enum rln_media_direction) seen from the other side: what one receives the other sends. */
uint8_t rln_sdp_mirrored(uint8_t direction);

/* Do two texts of ours say the same, apart from their o= lines? Then the version stays (RFC 3264 8). */
bool rln_sdp_is_same(const char *a, size_t a_len, const char *b, size_t b_len);
