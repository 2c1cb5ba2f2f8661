/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses to text and back. */
#include "lcore/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

bool rln_addr_is_any(const struct rln_addr *a)
{
	static const uint8_t zero[16];

	return rln_addr_is_v4(a) ? rln_addr_v4_be(a) == 0 : memcmp(a->ip, zero, sizeof(zero)) == 0;
}

void rln_addr_from_v4(struct rln_addr *a, uint32_t ip_be, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	a->ip[10] = 0xff;
	a->ip[11] = 0xff;
	memcpy(a->ip + 12, &ip_be, sizeof(ip_be));
	a->port = port;
}

uint32_t rln_addr_v4_be(const struct rln_addr *a)
{
	uint32_t ip_be;

	memcpy(&ip_be, a->ip + 12, sizeof(ip_be));
	return ip_be;
}

int rln_addr_parse(struct rln_addr *a, const char *text, size_t len)
{
	char buf[INET6_ADDRSTRLEN];
	struct rln_addr parsed = {0};
	bool brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	uint32_t v4;

	if (brackets) {
		text++;
		len -= 2;
	}
	/* An embedded NUL would end the text early: "198.18.0.1\0.evil" is no address. */
	if (len == 0 || len >= sizeof(buf) || memchr(text, 0, len))
		return -EINVAL;
	memcpy(buf, text, len);
	buf[len] = 0;
	if (!brackets && inet_pton(AF_INET, buf, &v4) == 1)
		rln_addr_from_v4(&parsed, v4, 0);
	else if (inet_pton(AF_INET6, buf, parsed.ip) != 1)
		return -EINVAL;
	*a = parsed;
	return 0;
}

const char *rln_addr_ip_text(const struct rln_addr *a, bool brackets, char buf[RLN_ADDR_TEXT])
{
	if (rln_addr_is_v4(a)) {
		inet_ntop(AF_INET, a->ip + 12, buf, RLN_ADDR_TEXT);
		return buf;
	}
	if (brackets)
		buf[0] = '[';
	inet_ntop(AF_INET6, a->ip, buf + brackets, RLN_ADDR_TEXT - 2);
	if (brackets)
		strcat(buf, "]");
	return buf;
}

const char *rln_addr_text(const struct rln_addr *a, char buf[RLN_ADDR_TEXT])
{
	size_t n;

	rln_addr_ip_text(a, a->port != 0, buf);
	n = strlen(buf);
	if (a->port)
		snprintf(buf + n, RLN_ADDR_TEXT - n, ":%u", a->port);
	return buf;
}
