/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A load generator that replays templates: the bench's peer, not a product. One thread, one ethdev port, no SIP stack: it knows just
 * enough of the answers (status, Call-ID, To, media port) to send the next template. So it costs little beside what it measures.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

struct gen { /* owner: the main thread */
	uint16_t port;
	struct rte_mempool *pool;
	struct rte_ether_addr mac, peer_mac;
	uint32_t local_be, peer_be; /* IPv4 */
	char local[16], peer[16];
	double hz;                  /* TSC, measured against CLOCK_MONOTONIC_RAW */
	uint64_t rx, tx, tx_refused, rx_foreign;
	struct rte_mbuf *out[64];
	unsigned out_n;
};

struct gen_options {
	const char *mode, *local, *peer, *user;
	double rate;      /* calls: a second; echo: packets a second, 0 = as fast as the device takes them */
	double seconds;   /* of sending */
	unsigned legs;    /* echo, churn */
	double churn;     /* churn: re-INVITEs a second, beside the packets of echo */
	bool is_silent;   /* churn without packets */
	double hold_s;    /* calls: between ACK and BYE */
	bool raw;         /* echo without calls: the peer turns any frame round (testpmd 5tswap) */
	const char *peer_mac;
};

/* Opens ethdev 0 and finds the peer's MAC by ARP (or takes options->peer_mac). 0 or -errno. */
int gen_open(struct gen *g, const struct gen_options *o);
void gen_close(struct gen *g);
uint64_t gen_ns(const struct gen *g); /* TSC time in ns */

/* A frame with room for `len` payload bytes, headers written, checksum not yet; *payload points at the bytes. NULL: pool empty. */
struct rte_mbuf *gen_udp(struct gen *g, uint16_t src, uint16_t dst, unsigned len, char **payload);
/* Full UDP checksum over the frame. */
void gen_finish(struct rte_mbuf *m);
/* Queues for sending; bursts of 32. Waits for the device (a refused packet would be our own loss), bounded by one second. */
void gen_send(struct gen *g, struct rte_mbuf *m);
void gen_flush(struct gen *g);

/* A received UDP datagram to us. */
struct gen_datagram { uint16_t src, dst, len; char *payload; };
/* Receives a burst, answers ARP, calls `take` per datagram. Returns packets seen. */
unsigned gen_poll(struct gen *g, void (*take)(void *arg, const struct gen_datagram *d), void *arg);

int gen_calls(struct gen *g, const struct gen_options *o);
int gen_echo(struct gen *g, const struct gen_options *o);
