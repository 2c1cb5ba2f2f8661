/* SPDX-License-Identifier: BSD-3-Clause */
/* A transport address in 18 bytes: IPv6, or IPv4 mapped into it (RFC 4291 2.5.5.2), and a UDP port. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rln_addr {
	uint8_t ip[16]; /* network order */
	uint16_t port;  /* host order; 0 = none */
};

/* "[2001:db8::1]:65535" and NUL. */
#define RLN_ADDR_TEXT 56

static inline bool rln_addr_is_v4(const struct rln_addr *a)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

static inline bool rln_addr_same_ip(const struct rln_addr *a, const struct rln_addr *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static inline bool rln_addr_equal(const struct rln_addr *a, const struct rln_addr *b)
{
	return rln_addr_same_ip(a, b) && a->port == b->port;
}

/* The unspecified address of either family. */
bool rln_addr_is_any(const struct rln_addr *a);
/* v4 in network byte order as it stands in a packet. */
void rln_addr_from_v4(struct rln_addr *a, uint32_t ip_be, uint16_t port);
uint32_t rln_addr_v4_be(const struct rln_addr *a);
/* Text to address: "198.18.0.1", "2001:db8::1" or "[2001:db8::1]"; the port stays 0. 0 or -EINVAL. Never resolves names. */
int rln_addr_parse(struct rln_addr *a, const char *text, size_t len);
/* "198.18.0.1:5060"; without ":port" when port is 0. Returns buf. */
const char *rln_addr_text(const struct rln_addr *a, char buf[RLN_ADDR_TEXT]);
/* The IP alone, IPv6 without brackets (SDP) or with them (SIP URI). Returns buf. */
const char *rln_addr_ip_text(const struct rln_addr *a, bool brackets, char buf[RLN_ADDR_TEXT]);

#ifdef __cplusplus
}
#endif
