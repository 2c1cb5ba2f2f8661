/* SPDX-License-Identifier: BSD-3-Clause */
/* SDP and offer/answer: exact texts in, exact texts and agreements out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sip/sdp.h"

#define HEAD "v=0\r\no=- 1 2 IN IP4 192.0.2.5\r\ns=-\r\n"
#define C4   "c=IN IP4 192.0.2.5\r\n"
#define T    "t=0 0\r\n"

static struct rln_sdp sdp;
static char text[RLN_SDP_TEXT];
static struct rln_sdp_agreed agreed;

static int parse(const char *s)
{
	return rln_sdp_parse(&sdp, s, strlen(s));
}

static struct rln_sdp_local local_of(const char *ip, uint16_t port)
{
	struct rln_sdp_local local = {.origin_id = 77,
		.origin_version = 78,
		.codecs_n = 2,
		.codec = {RLN_CODEC_PCMU, RLN_CODEC_PCMA},
		.telephone_event = 101,
		.ptime_ms = 20,
		.direction = RLN_MEDIA_BIDIRECTIONAL};

	assert_int_equal(rln_addr_parse(&local.rtp, ip, strlen(ip)), 0);
	local.rtp.port = port;
	return local;
}

static void assert_addr(const struct rln_addr *a, const char *want)
{
	char buf[RLN_ADDR_TEXT];

	assert_string_equal(rln_addr_text(a, buf), want);
}

static int answer(const char *offer, const struct rln_sdp_local *local)
{
	int len;

	assert_int_equal(parse(offer), 0);
	len = rln_sdp_answer(text, sizeof(text), local, &sdp, &agreed);
	if (len >= 0) {
		assert_int_equal(len, strlen(text));
		assert_int_equal(parse(text), 0); /* what we write, we can read */
	}
	return len;
}

static void offer_is_exactly_this(void **state)
{
	struct rln_sdp_local local = local_of("198.18.0.1", 20000);

	(void)state;
	assert_true(rln_sdp_offer(text, sizeof(text), &local) > 0);
	assert_string_equal(text, "v=0\r\no=- 77 78 IN IP4 198.18.0.1\r\ns=-\r\nc=IN IP4 198.18.0.1\r\nt=0 0\r\n"
				  "m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
				  "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n");
	local = local_of("2001:db8::1", 30000);
	local.telephone_event = 0;
	local.codecs_n = 1;
	local.codec[0] = RLN_CODEC_PCMA;
	local.direction = RLN_MEDIA_OUTBOUND;
	assert_true(rln_sdp_offer(text, sizeof(text), &local) > 0);
	assert_string_equal(text, "v=0\r\no=- 77 78 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\n"
				  "m=audio 30000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendonly\r\n");
}

/* Every shorter buffer is refused, none is overrun. */
static void too_small_buffers_are_refused(void **state)
{
	struct rln_sdp_local local = local_of("198.18.0.1", 20000);
	int whole = rln_sdp_offer(text, sizeof(text), &local);

	(void)state;
	for (int size = 0; size <= whole; size++) {
		char *exact = malloc((size_t)size + 1);

		assert_int_equal(rln_sdp_offer(exact, (size_t)size, &local), -ENOSPC);
		free(exact);
	}
	assert_int_equal(parse(HEAD C4 T "m=audio 4000 RTP/AVP 0\r\n"), 0);
	assert_int_equal(rln_sdp_answer(text, 40, &local, &sdp, &agreed), -ENOSPC);
}

static void session_and_media_levels(void **state)
{
	(void)state;
	assert_int_equal(parse(HEAD C4 T "a=recvonly\r\na=tool:x\r\nm=audio 4000 RTP/AVP 0 8\r\na=ptime:30\r\na=maxptime:60\r\n"
					 "m=video 5000 RTP/AVP 31\r\nc=IN IP4 192.0.2.9/127\r\na=sendonly\r\na=rtcp:53020\r\n"
					 "m=audio 0 RTP/SAVP 0\r\na=rtcp:53030 IN IP4 192.0.2.77\r\n"),
		0);
	assert_int_equal(sdp.origin_id, 1);
	assert_int_equal(sdp.origin_version, 2);
	assert_int_equal(sdp.media_n, 3);
	assert_true(sdp.media[0].is_audio);
	assert_addr(&sdp.media[0].rtp, "192.0.2.5:4000");
	assert_addr(&sdp.media[0].rtcp, "192.0.2.5:4001");
	assert_int_equal(sdp.media[0].direction, RLN_MEDIA_INBOUND);
	assert_int_equal(sdp.media[0].ptime_ms, 30);
	assert_int_equal(sdp.media[0].maxptime_ms, 60);
	assert_false(sdp.media[1].is_audio);
	assert_addr(&sdp.media[1].rtp, "192.0.2.9:5000");
	assert_addr(&sdp.media[1].rtcp, "192.0.2.9:53020");
	assert_int_equal(sdp.media[1].direction, RLN_MEDIA_OUTBOUND);
	assert_false(sdp.media[2].is_audio);
	assert_string_equal(sdp.media[2].proto, "RTP/SAVP");
	assert_addr(&sdp.media[2].rtcp, "192.0.2.77:53030");
}

static void ipv6_and_names(void **state)
{
	(void)state;
	assert_int_equal(parse("v=0\no=- 1 1 IN IP6 2001:db8::2\ns=-\nc=IN IP6 2001:db8::2\nt=0 0\nm=audio 4000 RTP/AVP 0\n"), 0);
	assert_addr(&sdp.media[0].rtp, "[2001:db8::2]:4000");
	/* A name, another network, multicast or a family that lies: the message stands, the stream is refused. */
	const char *unusable[] = {"IN IP4 phone.example.com", "ATM NSAP 47.0091", "IN IP4 224.2.1.1/127", "IN IP6 ff15::101/3",
		"IN IP6 192.0.2.1", "IN IP4 2001:db8::1"};
	for (unsigned i = 0; i < sizeof(unusable) / sizeof(*unusable); i++) {
		struct rln_sdp_local local = local_of("198.18.0.1", 20000);
		char offer[256];

		snprintf(offer, sizeof(offer), HEAD "c=%s\r\n" T "m=audio 4000 RTP/AVP 0\r\n", unusable[i]);
		assert_int_equal(answer(offer, &local), -ENOTSUP);
	}
}

static void rtpmap_wins_over_static_types(void **state)
{
	(void)state;
	assert_int_equal(
		parse(HEAD C4 T
			"m=audio 4000 RTP/AVP 97 98 99 100 0 101 102\r\na=rtpmap:97 pcma/8000\r\na=rtpmap:98 PCMU/16000\r\n"
			"a=rtpmap:99 PCMU/8000/2\r\na=rtpmap:100 telephone-event/16000\r\na=rtpmap:0 PCMU/8000/1\r\n"
			"a=rtpmap:101 Telephone-Event/8000\r\na=rtpmap:5 PCMU/8000\r\na=rtpmap:102 PCMU\r\n"),
		0);
	const struct rln_sdp_payload *pt = sdp.media[0].payload;
	assert_int_equal(sdp.media[0].payloads_n, 7);
	assert_int_equal(pt[0].codec, RLN_CODEC_PCMA);
	assert_int_equal(pt[1].codec, RLN_CODEC_NONE);
	assert_int_equal(pt[2].codec, RLN_CODEC_NONE);
	assert_true(pt[3].is_telephone_event);
	assert_int_equal(pt[3].clock_rate, 16000);
	assert_int_equal(pt[4].codec, RLN_CODEC_PCMU);
	assert_true(pt[5].is_telephone_event);
	assert_int_equal(pt[6].codec, RLN_CODEC_NONE);
}

static void what_is_not_sdp(void **state)
{
	const char *bad[] = {"", "\r\n", "v=1\r\no=- 1 1 IN IP4 1.2.3.4\r\n", "o=- 1 1 IN IP4 1.2.3.4\r\nv=0\r\n",
		"v=0\r\ns=-\r\nt=0 0\r\n", "v=0\r\no=- a 1 IN IP4 1.2.3.4\r\n", "v=0\r\no=- 1 1 IN IP4\r\n",
		"v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\no=- 1 1 IN IP4 1.2.3.4\r\n", HEAD C4 T "m=audio\r\n",
		HEAD C4 T "m=audio 65536 RTP/AVP 0\r\n", HEAD C4 T "m=audio -1 RTP/AVP 0\r\n",
		HEAD C4 T "m=audio 4000 RTP/AVP\r\n", HEAD C4 T "m=audio 4000\r\n", HEAD C4 T "maudio 4000 RTP/AVP 0\r\n",
		HEAD T "m=audio 4000 RTP/AVP 0\r\n", HEAD "c=IN IP4\r\n" T "m=audio 4000 RTP/AVP 0\r\n", HEAD C4 T "x\r\n",
		"INVITE sip:a@b SIP/2.0\r\n", HEAD C4 T "m=averylongmedianame 4000 RTP/AVP 0\r\n",
		HEAD C4 T "m=audio 4000 averyveryverylongprotocol 0\r\n"};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse(bad[i]), -EBADMSG);
	assert_int_equal(rln_sdp_parse(&sdp, HEAD "a=\0\r\n", sizeof(HEAD "a=\0\r\n") - 1), -EBADMSG);
	assert_int_equal(parse(HEAD T "m=audio 0 RTP/AVP 0\r\n"), 0); /* a stream that is off needs no address */
	/* Too many m-lines. */
	snprintf(text, sizeof(text), HEAD C4 T);
	for (unsigned i = 0; i < RLN_SDP_MEDIA; i++)
		strcat(text, "m=audio 4000 RTP/AVP 0\r\n");
	assert_int_equal(parse(text), 0);
	strcat(text, "m=audio 4000 RTP/AVP 0\r\n");
	assert_int_equal(parse(text), -E2BIG);
}

/* Numbers beyond what they may be never wrap into something that looks right. */
static void large_numbers(void **state)
{
	(void)state;
	assert_int_equal(parse("v=0\r\no=- 99999999999999999999999 18446744073709551615 IN IP4 1.2.3.4\r\n" C4 T
			       "m=audio 4000 RTP/AVP 256 128 0 "
			       "18446744073709551616\r\na=ptime:276\r\na=rtcp:65537\r\na=rtpmap:256 PCMU/8000\r\n"),
		0);
	assert_true(sdp.origin_id == UINT64_MAX && sdp.origin_version == UINT64_MAX);
	assert_int_equal(sdp.media[0].payloads_n, 1);
	assert_int_equal(sdp.media[0].ptime_ms, 0);
	assert_int_equal(sdp.media[0].rtcp.port, 4001);
}

static void answers_in_our_order_with_their_types(void **state)
{
	struct rln_sdp_local local = local_of("198.18.0.1", 20000);

	(void)state;
	assert_true(answer(HEAD C4 T "m=audio 4000 RTP/AVP 97 18 96 127\r\na=rtpmap:97 PCMA/8000\r\na=rtpmap:96 PCMU/8000\r\n"
				     "a=rtpmap:127 telephone-event/8000\r\na=fmtp:127 0-15\r\n",
			    &local) > 0);
	assert_string_equal(text, "v=0\r\no=- 77 78 IN IP4 198.18.0.1\r\ns=-\r\nc=IN IP4 198.18.0.1\r\nt=0 0\r\n"
				  "m=audio 20000 RTP/AVP 96 97 127\r\na=rtpmap:96 PCMU/8000\r\na=rtpmap:97 PCMA/8000\r\n"
				  "a=rtpmap:127 telephone-event/8000\r\na=fmtp:127 0-16\r\na=ptime:20\r\na=sendrecv\r\n");
	assert_int_equal(agreed.codec, RLN_CODEC_PCMU);
	assert_int_equal(agreed.payload_type, 96);
	assert_int_equal(agreed.codecs_n, 2);
	assert_int_equal(agreed.rx[1].payload_type, 97);
	assert_int_equal(agreed.telephone_event_tx, 127);
	assert_int_equal(agreed.telephone_event_rx, 127);
	assert_int_equal(agreed.ptime_ms, 20);
	assert_int_equal(agreed.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_addr(&agreed.remote, "192.0.2.5:4000");
	assert_addr(&agreed.remote_rtcp, "192.0.2.5:4001");
	local.codec[0] = RLN_CODEC_PCMA;
	local.codec[1] = RLN_CODEC_PCMU;
	assert_true(answer(HEAD C4 T "m=audio 4000 RTP/AVP 0 8\r\n", &local) > 0);
	assert_int_equal(agreed.codec, RLN_CODEC_PCMA);
	assert_int_equal(agreed.payload_type, 8);
	assert_int_equal(agreed.telephone_event_tx, 0);
}

static void telephone_event_needs_the_audio_clock(void **state)
{
	struct rln_sdp_local local = local_of("198.18.0.1", 20000);

	(void)state;
	assert_true(answer(HEAD C4 T "m=audio 4000 RTP/AVP 0 100 102\r\na=rtpmap:100 telephone-event/48000\r\na=rtpmap:102 "
				     "telephone-event/8000\r\n",
			    &local) > 0);
	assert_int_equal(agreed.telephone_event_tx, 102);
	assert_true(answer(HEAD C4 T "m=audio 4000 RTP/AVP 0 100\r\na=rtpmap:100 telephone-event/48000\r\n", &local) > 0);
	assert_int_equal(agreed.telephone_event_tx, 0);
	assert_null(strstr(text, "telephone-event"));
	local.telephone_event = 0; /* we do not want any */
	assert_true(answer(HEAD C4 T "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", &local) > 0);
	assert_int_equal(agreed.telephone_event_rx, 0);
}

static void other_streams_are_refused_in_place(void **state)
{
	struct rln_sdp_local local = local_of("198.18.0.1", 20000);

	(void)state;
	assert_true(answer(HEAD C4 T "m=video 5000 RTP/AVP 31 34\r\nm=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP "
				     "18\r\nm=audio 0 RTP/AVP 0\r\n"
				     "m=audio 4004 RTP/AVP 8\r\nm=audio 4006 RTP/AVP 0\r\nm=application 9 UDP/DTLS/SCTP "
				     "webrtc-datachannel\r\n",
			    &local) > 0);
	assert_non_null(strstr(text,
		"t=0 0\r\nm=video 0 RTP/AVP 31 34\r\nm=audio 0 RTP/SAVP 0\r\nm=audio 0 RTP/AVP 18\r\nm=audio 0 RTP/AVP 0\r\n"
		"m=audio 20000 RTP/AVP 8\r\n"));
	assert_non_null(
		strstr(text, "a=sendrecv\r\nm=audio 0 RTP/AVP 0\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
	assert_int_equal(agreed.index, 4);
	assert_int_equal(agreed.codec, RLN_CODEC_PCMA);
	/* Nothing left: 488 is the session's word. */
	assert_int_equal(answer(HEAD C4 T "m=audio 4000 RTP/SAVPF 0\r\n", &local), -ENOTSUP);
	assert_int_equal(answer(HEAD C4 T "m=audio 4000 RTP/AVP 9 18\r\n", &local), -ENOTSUP);
	assert_int_equal(answer(HEAD C4 T "m=audio 0 RTP/AVP 0\r\n", &local), -ENOTSUP);
	assert_int_equal(answer(HEAD C4 T, &local), -ENOTSUP);
}

static void packet_times(void **state)
{
	static const struct {
		const char *lines;
		uint8_t ours, want;
	} row[] = {{"", 20, 20}, {"", 30, 30}, {"a=ptime:10\r\n", 20, 10}, {"a=ptime:20\r\n", 30, 20}, {"a=ptime:30\r\n", 20, 30},
		{"a=ptime:40\r\n", 20, 40}, {"a=ptime:60\r\n", 20, 60}, {"a=ptime:50\r\n", 20, 40}, {"a=ptime:5\r\n", 20, 10},
		{"a=ptime:200\r\n", 20, 60}, {"a=ptime:20.5\r\n", 30, 20}, {"a=ptime:0\r\n", 20, 20}, {"a=ptime:x\r\n", 20, 20},
		{"a=ptime:60\r\na=maxptime:40\r\n", 20, 40}, {"a=maxptime:10\r\n", 20, 10}, {"a=maxptime:150\r\n", 20, 20}};

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct rln_sdp_local local = local_of("198.18.0.1", 20000);
		char offer[256];

		local.ptime_ms = row[i].ours;
		snprintf(offer, sizeof(offer), HEAD C4 T "m=audio 4000 RTP/AVP 0\r\n%s", row[i].lines);
		assert_true(answer(offer, &local) > 0);
		assert_int_equal(agreed.ptime_ms, row[i].want);
		assert_int_equal(sdp.media[0].ptime_ms, row[i].want);
	}
}

/* RFC 3264 6.1 and 8.4: what they offer, what we want, what comes out (ours). */
static void directions(void **state)
{
	enum { IN = RLN_MEDIA_INBOUND, OUT = RLN_MEDIA_OUTBOUND, BOTH = RLN_MEDIA_BIDIRECTIONAL, NO = RLN_MEDIA_INACTIVE };
	static const struct {
		const char *session, *media, *address;
		uint8_t want, result;
	} row[] = {
		{"", "", "192.0.2.5", BOTH, BOTH},
		{"", "a=sendrecv\r\n", "192.0.2.5", BOTH, BOTH},
		{"", "a=sendonly\r\n", "192.0.2.5", BOTH, IN},
		{"", "a=recvonly\r\n", "192.0.2.5", BOTH, OUT},
		{"", "a=inactive\r\n", "192.0.2.5", BOTH, NO},
		{"a=sendonly\r\n", "", "192.0.2.5", BOTH, IN},
		{"a=inactive\r\n", "a=sendrecv\r\n", "192.0.2.5", BOTH, BOTH},
		{"", "a=sendrecv\r\n", "192.0.2.5", OUT, OUT},
		{"", "a=sendonly\r\n", "192.0.2.5", OUT, NO},
		{"", "a=recvonly\r\n", "192.0.2.5", OUT, OUT},
		{"", "a=inactive\r\n", "192.0.2.5", OUT, NO},
		{"", "a=sendrecv\r\n", "192.0.2.5", NO, NO},
		{"", "", "0.0.0.0", BOTH, IN},
		{"", "a=recvonly\r\n", "0.0.0.0", BOTH, NO},
		{"", "a=sendonly\r\n", "0.0.0.0", BOTH, IN},
		{"", "a=inactive\r\n", "0.0.0.0", BOTH, NO},
		{"", "a=sendonly \t\r\n", "192.0.2.5", BOTH, IN},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(*row); i++) {
		static const char *const name[] = {"a=inactive\r\n", "a=recvonly\r\n", "a=sendonly\r\n", "a=sendrecv\r\n"};
		struct rln_sdp_local local = local_of("198.18.0.1", 20000);
		char offer[256];

		local.direction = row[i].want;
		snprintf(offer, sizeof(offer), HEAD "c=IN IP4 %s\r\n" T "%sm=audio 4000 RTP/AVP 0\r\n%s", row[i].address,
			row[i].session, row[i].media);
		assert_true(answer(offer, &local) > 0);
		assert_int_equal(agreed.direction, row[i].result);
		assert_non_null(strstr(text, name[row[i].result]));
	}
}

static void answers_are_checked(void **state)
{
	struct rln_sdp_local local = local_of("198.18.0.1", 20000);

	(void)state;
	assert_int_equal(
		parse(HEAD C4 T
			"m=audio 4000 RTP/AVP 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:30\r\na=recvonly\r\n"),
		0);
	assert_int_equal(rln_sdp_accept(&local, &sdp, &agreed), 0);
	assert_int_equal(agreed.codec, RLN_CODEC_PCMA); /* the answer's order is the peer's wish */
	assert_int_equal(agreed.payload_type, 8);
	assert_int_equal(agreed.codecs_n, 2);
	assert_int_equal(agreed.rx[0].payload_type, 8);
	assert_int_equal(agreed.rx[1].payload_type, 0);
	assert_int_equal(agreed.telephone_event_tx, 96); /* under its number, ours the other way */
	assert_int_equal(agreed.telephone_event_rx, 101);
	assert_int_equal(agreed.ptime_ms, 30);
	assert_int_equal(agreed.direction, RLN_MEDIA_OUTBOUND);
	/* A dynamic number for a codec: sent under theirs, received under ours. */
	assert_int_equal(parse(HEAD C4 T "m=audio 4000 RTP/AVP 110\r\na=rtpmap:110 PCMU/8000\r\n"), 0);
	assert_int_equal(rln_sdp_accept(&local, &sdp, &agreed), 0);
	assert_int_equal(agreed.payload_type, 110);
	assert_int_equal(agreed.rx[0].payload_type, 0);
	const char *refused[] = {HEAD C4 T "m=audio 0 RTP/AVP 0\r\n", HEAD C4 T "m=audio 4000 RTP/AVP 18\r\n",
		HEAD C4 T "m=video 4000 RTP/AVP 0\r\n", HEAD C4 T "m=audio 4000 RTP/SAVP 0\r\n", HEAD C4 T,
		HEAD C4 T "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n"};
	for (unsigned i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		assert_int_equal(parse(refused[i]), 0);
		assert_int_equal(rln_sdp_accept(&local, &sdp, &agreed), -ENOTSUP);
	}
	local.codecs_n = 1; /* only PCMU was offered */
	assert_int_equal(parse(HEAD C4 T "m=audio 4000 RTP/AVP 8\r\n"), 0);
	assert_int_equal(rln_sdp_accept(&local, &sdp, &agreed), -ENOTSUP);
}

/* RFC 3264 8: m-lines keep their places for the whole call. */
static void offers_within_a_call_keep_the_places(void **state)
{
	struct rln_sdp_local local = local_of("198.18.0.1", 20000);
	char before[RLN_SDP_TEXT];
	int len = answer(HEAD C4 T "m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 0\r\n", &local);

	(void)state;
	memcpy(before, text, (size_t)len + 1);
	local.origin_version++;
	local.direction = RLN_MEDIA_OUTBOUND;
	assert_true(rln_sdp_reoffer(text, sizeof(text), &local, before, (size_t)len) > 0);
	assert_non_null(strstr(text, "o=- 77 79 "));
	assert_non_null(strstr(text, "t=0 0\r\nm=video 0 RTP/AVP 31\r\nm=audio 20000 RTP/AVP 0 8 101\r\n"));
	assert_int_equal(local.media_n, 2);
	assert_int_equal(local.index, 1);
	assert_int_equal(parse(HEAD C4 T "m=video 0 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 0\r\na=recvonly\r\n"), 0);
	assert_int_equal(rln_sdp_accept(&local, &sdp, &agreed), 0);
	assert_int_equal(agreed.index, 1);
	assert_int_equal(agreed.direction, RLN_MEDIA_OUTBOUND);
	assert_int_equal(parse(HEAD C4 T "m=audio 4000 RTP/AVP 0\r\n"), 0);
	assert_int_equal(rln_sdp_accept(&local, &sdp, &agreed), -ENOTSUP);
	assert_int_equal(rln_sdp_reoffer(text, sizeof(text), &local, "v=0\r\n", 5), -EBADMSG);
}

static void version_rises_only_with_the_text(void **state)
{
	struct rln_sdp_local local = local_of("198.18.0.1", 20000);
	char other[RLN_SDP_TEXT];
	int a = rln_sdp_offer(text, sizeof(text), &local), b;

	(void)state;
	local.origin_version++;
	b = rln_sdp_offer(other, sizeof(other), &local);
	assert_true(rln_sdp_is_same(text, (size_t)a, other, (size_t)b));
	assert_false(rln_sdp_is_same(text, (size_t)a, other, (size_t)b - 4));
	local.direction = RLN_MEDIA_INACTIVE;
	b = rln_sdp_offer(other, sizeof(other), &local);
	assert_false(rln_sdp_is_same(text, (size_t)a, other, (size_t)b));
	assert_true(rln_sdp_is_same("", 0, "o=x\r\n", 5));
}

static void formats_are_given_back(void **state)
{
	struct rln_sdp_local local = local_of("198.18.0.1", 20000);
	char offer[512] = HEAD C4 T "m=audio 4000 RTP/AVP 0\r\nm=video 5000 RTP/AVP";

	(void)state;
	for (unsigned i = 0; i < 32; i++)
		snprintf(offer + strlen(offer), sizeof(offer) - strlen(offer), " %u", 96 + i);
	assert_true(answer(offer, &local) > 0);
	assert_non_null(strstr(text, "m=video 0 RTP/AVP 96 97 98 99 100 101 102 103 104 105 106 107 108 109 110 111 112\r\n"));
	assert_true(answer(HEAD C4 T "m=audio 4000/2  RTP/AVP   0 \r\nm=image  7000 udptl t38\r\n", &local) > 0);
	assert_non_null(strstr(text, "m=image 0 udptl t38\r\n"));
	/* The codec that is common may stand behind more formats than an answer gives back. */
	snprintf(offer, sizeof(offer), HEAD C4 T "m=audio 4000 RTP/AVP");
	for (unsigned i = 0; i < 15; i++)
		snprintf(offer + strlen(offer), sizeof(offer) - strlen(offer), " %u", 96 + i);
	strcat(offer, " 8 0\r\n");
	assert_true(answer(offer, &local) > 0);
	assert_int_equal(agreed.codec, RLN_CODEC_PCMA); /* 16 are looked at */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offer_is_exactly_this),
		cmocka_unit_test(too_small_buffers_are_refused),
		cmocka_unit_test(session_and_media_levels),
		cmocka_unit_test(ipv6_and_names),
		cmocka_unit_test(rtpmap_wins_over_static_types),
		cmocka_unit_test(what_is_not_sdp),
		cmocka_unit_test(large_numbers),
		cmocka_unit_test(answers_in_our_order_with_their_types),
		cmocka_unit_test(telephone_event_needs_the_audio_clock),
		cmocka_unit_test(other_streams_are_refused_in_place),
		cmocka_unit_test(packet_times),
		cmocka_unit_test(directions),
		cmocka_unit_test(answers_are_checked),
		cmocka_unit_test(offers_within_a_call_keep_the_places),
		cmocka_unit_test(version_rises_only_with_the_text),
		cmocka_unit_test(formats_are_given_back),
	};

	return cmocka_run_group_tests_name("sip_sdp", tests, NULL, NULL);
}
