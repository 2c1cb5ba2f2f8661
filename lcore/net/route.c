// SPDX-License-Identifier: BSD-3-Clause
/*
 * Where a packet goes: longest prefix over the addresses' own nets, the static routes and the default gateways (routes of
 * length 0). At most 64 + 32 rows, constant after start: a scan of them costs less than keeping a tree right, and flows keep its
 * result. Shared and read by every thread.
 */
#include "lcore/net/net_priv.h"

static unsigned common_bits(const uint8_t a[16], const uint8_t b[16])
{
	for (unsigned i = 0; i < 16; i++)
		if (a[i] != b[i])
			return i * 8 + (unsigned)__builtin_clz((uint32_t)(a[i] ^ b[i])) - 24;
	return 128;
}

static bool is_in(const struct rln_net_prefix *p, const struct rln_addr *addr)
{
	/* A default route of IPv6 (length 0) must not catch IPv4, which lives mapped at ::ffff:0:0/96. */
	return rln_addr_is_v4(&p->addr) == rln_addr_is_v4(addr) && common_bits(p->addr.ip, addr->ip) >= p->len;
}

static bool is_link_local(const struct rln_addr *a)
{
	return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static bool is_multicast(const struct rln_addr *a)
{
	return rln_addr_is_v4(a) ? a->ip[12] >= 0xe0 : a->ip[0] == 0xff;
}

bool rln_net_is_loopback(const struct rln_addr *addr)
{
	static const uint8_t one[16] = {[15] = 1};

	return rln_addr_is_v4(addr) ? addr->ip[12] == 127 : memcmp(addr->ip, one, sizeof(one)) == 0;
}

int rln_route_find(const struct rln_net_shared *shared, const struct rln_addr *to, struct rln_route *route)
{
	int best = -1;

	if (rln_addr_is_any(to) || is_multicast(to) || rln_net_is_loopback(to))
		return -ENETUNREACH;
	for (unsigned i = 0; i < shared->addrs_n; i++) {
		const struct rln_net_prefix *p = &shared->addrs[i];

		if (p->len > best && is_in(p, to)) {
			best = p->len;
			route->next = *to;
			route->port = p->port;
		}
	}
	for (unsigned i = 0; i < shared->routes_n; i++) {
		const struct rln_net_route *r = &shared->routes[i];

		if (r->to.len > best && is_in(&r->to, to)) {
			best = r->to.len;
			route->next = r->gateway;
			route->port = r->to.port;
		}
	}
	route->next.port = 0;
	return best < 0 ? -ENETUNREACH : 0;
}

const struct rln_addr *rln_route_source(const struct rln_net_shared *shared, unsigned port, const struct rln_addr *to)
{
	const struct rln_addr *best = NULL;
	unsigned best_bits = 0;

	for (unsigned i = 0; i < shared->addrs_n; i++) {
		const struct rln_net_prefix *p = &shared->addrs[i];
		unsigned bits = common_bits(p->addr.ip, to->ip);

		if (p->port != port || rln_addr_is_v4(&p->addr) != rln_addr_is_v4(to))
			continue;
		/* RFC 6724 5, rule 2: a link-local source only talks to the link. */
		if (is_link_local(&p->addr) && !is_link_local(to))
			bits = 0;
		if (!best || bits > best_bits) {
			best = &p->addr;
			best_bits = bits;
		}
	}
	return best;
}

bool rln_route_has(const struct rln_net_shared *shared, unsigned port, const struct rln_addr *addr)
{
	for (unsigned i = 0; i < shared->addrs_n; i++)
		if (shared->addrs[i].port == port && rln_addr_same_ip(&shared->addrs[i].addr, addr))
			return true;
	return false;
}

bool rln_route_is_on_link(const struct rln_net_shared *shared, unsigned port, const struct rln_addr *addr)
{
	if (is_link_local(addr))
		return true;
	for (unsigned i = 0; i < shared->addrs_n; i++)
		if (shared->addrs[i].port == port && is_in(&shared->addrs[i], addr))
			return true;
	for (unsigned i = 0; i < shared->routes_n; i++)
		if (shared->routes[i].to.port == port && rln_addr_same_ip(&shared->routes[i].gateway, addr))
			return true;
	return false;
}

/* The first address of a family, whatever its port. */
static int first_of(const struct rln_net_shared *shared, bool v4)
{
	for (unsigned i = 0; i < shared->addrs_n; i++)
		if (rln_addr_is_v4(&shared->addrs[i].addr) == v4)
			return (int)i;
	return -1;
}

int rln_net_is_local(const struct rln_net_shared *shared, const struct rln_addr *addr)
{
	for (unsigned i = 0; i < shared->addrs_n; i++)
		if (rln_addr_same_ip(&shared->addrs[i].addr, addr))
			return (int)i;
	if (rln_net_is_loopback(addr)) {
		int i = first_of(shared, rln_addr_is_v4(addr));

		return i < 0 ? 0 : i;
	}
	return -1;
}

int rln_net_source_for(const struct rln_net_shared *shared, const struct rln_addr *remote, struct rln_addr *local)
{
	const struct rln_addr *source;
	struct rln_route route;
	int i = rln_net_is_local(shared, remote);

	if (i >= 0) {
		/* Loopback means this process: our own end then is a real address, so that what stands in SDP can be reached. */
		*local = (unsigned)i < shared->addrs_n && rln_addr_is_v4(&shared->addrs[i].addr) == rln_addr_is_v4(remote)
				 ? shared->addrs[i].addr
				 : *remote;
		local->port = 0;
		return 0;
	}
	if (rln_route_find(shared, remote, &route) < 0)
		return -ENETUNREACH;
	source = rln_route_source(shared, route.port, &route.next);
	if (!source)
		return -ENETUNREACH;
	*local = *source;
	local->port = 0;
	return 0;
}
