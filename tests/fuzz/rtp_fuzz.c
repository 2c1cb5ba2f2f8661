/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as RTP: what is accepted lies inside the bytes and can be built anew; and as a stream of packets through sequence accounting,
 * jitter and digits, whose sums must hold whatever comes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rtp/dtmf.h"
#include "rtp/jitter_stat.h"
#include "rtp/packet.h"
#include "rtp/seq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static void check_packet(const uint8_t *data, size_t size)
{
	static uint8_t again[65536];
	struct rln_rtp in, out;
	size_t len;

	rln_rtp_is_rtcp(data, size);
	if (size > UINT16_MAX || rln_rtp_parse(data, size, &in))
		return;
	check(in.payload >= data + RLN_RTP_HEADER && in.payload + in.payload_len + in.padding == data + size);
	check(!in.csrc_n || in.csrc == data + RLN_RTP_HEADER);
	check(!in.extension || in.extension + in.extension_len == in.payload);
	len = rln_rtp_build_full(again, sizeof(again), &in);
	check(len == size && rln_rtp_parse(again, len, &out) == 0);
	/* Only what padding holds may differ. */
	check(memcmp(again, data, size - in.padding) == 0);
}

/* The input as a stream: four bytes are one packet (kind, number, time). */
static void check_stream(const uint8_t *data, size_t size)
{
	struct rln_seq_counts now, all;
	struct rln_jitter_stat jitter;
	struct rln_dtmf_digit digit[2];
	struct rln_dtmf_rx dtmf = {0};
	struct rln_seq_more more;
	struct rln_seq seq;
	uint32_t packets = 0, highest, ts = 0;
	uint64_t ns = 0;
	int32_t lost;

	rln_jitter_stat_init(&jitter);
	rln_seq_init(&seq, &more, size & 1);
	for (; size >= 4; data += 4, size -= 4, packets++) {
		if (data[0] == 0xff)
			rln_seq_end_epoch(&seq, &more);
		if (data[0] == 0xfe)
			rln_seq_report(&seq, &more, &lost, &highest);
		ns += data[0] * 100000u;
		ts += (uint32_t)data[3] << (data[0] & 15);
		rln_seq_update(&seq, &more, data[0] & 1 ? rln_get_be16(data + 1) : (uint16_t)(seq.max + (int8_t)data[2]));
		rln_jitter_stat_update(&jitter, rln_rtp_units(ns, 8), ts);
		check(rln_dtmf_rx_packet(&dtmf, data, 4, data[3] & 1 ? ts : dtmf.ts, 8, ns, digit) <= 2);
		rln_seq_counts(&seq, &more, &now);
		check(now.in_order + now.reordered <= now.expected);
	}
	rln_seq_counts_total(&seq, &more, &all);
	check(rln_seq_received(&all) + all.jump == packets);
	check(jitter.j16 <= RLN_JITTER_CEILING && jitter.j16_max <= RLN_JITTER_CEILING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_packet(data, size);
	check_stream(data, size);
	return 0;
}
