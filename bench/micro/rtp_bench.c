/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What RTP costs a worker, one operation at a time: JSON lines like lcore_bench's. 10,000 calls of 20 ms in both directions are 1 Mpps
 * through a worker, 1,000 ns a packet, network included. Streams are many, so that their hot lines come from the cache they
 * would come from at work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/micro.h"
#include "lcore/clock.h"
#include "rtp/codec.h"
#include "rtp/jitter_stat.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"
#include "rtp/seq.h"
#include "rtp/tone.h"

#define OPERATIONS 2000000u
#define FRAMES     400000u
#define STREAMS    4096u /* times 256 bytes of leg: beyond the second-level cache */
#define SAMPLES    160u

struct hot { /* as a leg lays it out */
	struct rln_seq seq;
	struct rln_jitter_stat jitter;
} __attribute__((aligned(256)));

static struct hot hot[STREAMS];
static struct rln_seq_more more[STREAMS];
static uint8_t packet[RLN_RTP_HEADER + SAMPLES], full[RLN_RTP_HEADER + 64 + SAMPLES], report[RLN_RTCP_ROOM], code[SAMPLES];
static size_t full_len, report_len;
static int16_t pcm[SAMPLES];
static volatile uint32_t sink;

static void make_input(void)
{
	const struct rln_rtcp_sender sender = {1, 2, 3, 4};
	const struct rln_rtcp_block block = {.ssrc = 7};
	const struct rln_rtcp_build build = {.ssrc = 8, .sender = &sender, .block = &block, .cname = "user@198.18.0.1"};
	const uint8_t csrc[8] = {0}, extension[8] = {0};
	struct rln_tone tone;
	struct rln_rtp rtp = {
		.payload = code, .payload_len = SAMPLES, .csrc = csrc, .csrc_n = 2, .extension = extension, .extension_len = 8};

	rln_tone_init(&tone, 1004);
	rln_tone_frame(&tone, pcm, SAMPLES);
	rln_codec_encode(RLN_CODEC_PCMU, pcm, SAMPLES, code);
	rln_rtp_build(packet, 0, false, 1, 2, 3);
	memcpy(packet + RLN_RTP_HEADER, code, SAMPLES);
	full_len = rln_rtp_build_full(full, sizeof(full), &rtp);
	report_len = rln_rtcp_build(report, sizeof(report), &build);
	for (uint32_t i = 0; i < STREAMS; i++)
		rln_seq_init(&hot[i].seq, &more[i], true);
}

/* Parses are told apart by their sequence number, or the compiler would do only one. */
static void parse_bytes(uint8_t *data, size_t len, uint32_t count)
{
	struct rln_rtp rtp;

	for (uint32_t i = 0; i < count; i++) {
		rln_put_be16(data + 2, (uint16_t)i);
		if (rln_rtp_parse(data, len, &rtp))
			abort();
		sink = rtp.seq + rtp.timestamp + rtp.ssrc + rtp.payload_len;
	}
}

static void parse_plain(uint32_t count)
{
	parse_bytes(packet, sizeof(packet), count);
}

static void parse_full(uint32_t count)
{
	parse_bytes(full, full_len, count);
}

static void rewrite(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		rln_rtp_rewrite(packet, 8, (uint16_t)i, i, i);
		__asm__ volatile("" : : "r"(packet) : "memory");
	}
}

static void account(uint32_t count, uint32_t streams, uint32_t lost_every)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t k = i % streams;
		uint16_t number = (uint16_t)(hot[k].seq.max + 1 + (lost_every && i % lost_every == 0));

		sink = rln_seq_update(&hot[k].seq, &more[k], number);
		rln_jitter_stat_update(&hot[k].jitter, i * 160 + (i & 7), i * 160);
	}
}

static void account_one(uint32_t count)
{
	account(count, 1, 0);
}

static void account_many(uint32_t count)
{
	account(count, STREAMS, 0);
}

static void account_lossy(uint32_t count)
{
	account(count, STREAMS, 10);
}

static void parse_rtcp(uint32_t count)
{
	struct rln_rtcp in;

	for (uint32_t i = 0; i < count; i++) {
		if (!rln_rtcp_parse(report, report_len, 7, &in))
			abort();
		sink = in.block.highest;
	}
}

static void encode(enum rln_codec codec, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		rln_codec_encode(codec, pcm, SAMPLES, code);
		__asm__ volatile("" : : "r"(code) : "memory");
	}
}

static void decode(enum rln_codec codec, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		rln_codec_decode(codec, code, SAMPLES, pcm);
		__asm__ volatile("" : : "r"(pcm) : "memory");
	}
}

static void pcmu_encode(uint32_t count)
{
	encode(RLN_CODEC_PCMU, count);
}

static void pcma_encode(uint32_t count)
{
	encode(RLN_CODEC_PCMA, count);
}

static void pcmu_decode(uint32_t count)
{
	decode(RLN_CODEC_PCMU, count);
}

static void pcma_decode(uint32_t count)
{
	decode(RLN_CODEC_PCMA, count);
}

static void tone_frame(uint32_t count)
{
	struct rln_tone tone;

	rln_tone_init(&tone, 1004);
	for (uint32_t i = 0; i < count; i++) {
		rln_tone_frame(&tone, pcm, SAMPLES);
		__asm__ volatile("" : : "r"(pcm) : "memory");
	}
}

int main(void)
{
	rln_clock_init();
	print_machine("rtp");
	make_input();
	measure_as("rtp", "rtp_parse", parse_plain, OPERATIONS);
	measure_as("rtp", "rtp_parse_csrc_extension", parse_full, OPERATIONS);
	measure_as("rtp", "rtp_rewrite", rewrite, OPERATIONS);
	measure_as("rtp", "seq_jitter_one_stream", account_one, OPERATIONS);
	measure_as("rtp", "seq_jitter_4096_streams", account_many, OPERATIONS);
	measure_as("rtp", "seq_jitter_4096_streams_10pct_loss", account_lossy, OPERATIONS);
	measure_as("rtp", "rtcp_parse", parse_rtcp, OPERATIONS);
	measure_as("rtp", "pcmu_encode_160", pcmu_encode, FRAMES);
	measure_as("rtp", "pcma_encode_160", pcma_encode, FRAMES);
	measure_as("rtp", "pcmu_decode_160", pcmu_decode, FRAMES);
	measure_as("rtp", "pcma_decode_160", pcma_decode, FRAMES);
	measure_as("rtp", "tone_160", tone_frame, FRAMES / 4);
	return 0;
}
