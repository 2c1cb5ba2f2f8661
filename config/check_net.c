/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of the ports: devices that we know, addresses that can be ours, next hops that a net of the port reaches. */
#include "config/check_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT RLN_CONFIG_IP_TEXT

static bool is_multicast(const struct rln_config_ip *ip)
{
	return rln_config_ip_is_v4(ip) ? (ip->b[12] & 0xf0) == 0xe0 : ip->b[0] == 0xff;
}

static bool is_link_local6(const struct rln_config_ip *ip)
{
	return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

static bool is_loopback(const struct rln_config_ip *ip)
{
	static const struct rln_config_ip one = {{[15] = 1}};

	return rln_config_ip_is_v4(ip) ? ip->b[12] == 127 : rln_config_ip_same(ip, &one);
}

/* First (all zero) or last (all one) address of its net: the net itself and the broadcast in IPv4, RFC 3021 apart. */
static bool is_edge(const struct rln_config_prefix *p, bool ones)
{
	for (unsigned bit = p->len; bit < 128; bit++)
		if ((p->ip.b[bit / 8] >> (7 - bit % 8) & 1) != ones)
			return false;
	return true;
}

/* An address that one host can have. */
static const char *why_not_host(const struct rln_config_ip *ip)
{
	static const uint8_t zero[4], broadcast[4] = {255, 255, 255, 255};

	if (!rln_config_ip_is_set(ip) || (rln_config_ip_is_v4(ip) && memcmp(ip->b + 12, zero, 4) == 0))
		return "the unspecified address";
	if (is_multicast(ip))
		return "a multicast address";
	if (is_loopback(ip))
		return "a loopback address";
	if (rln_config_ip_is_v4(ip) && memcmp(ip->b + 12, broadcast, 4) == 0)
		return "the broadcast address";
	return NULL;
}

static void check_address(struct rln_check *c, unsigned i, unsigned k)
{
	const struct rln_config_prefix *p = &c->config->ports[i].addresses[k];
	const char *why = why_not_host(&p->ip);
	char text[TEXT];

	rln_config_prefix_text(p, text);
	if (why)
		rln_check_blame(c, p, "ports[%u].addresses: found %s, %s, expected the address of a host", i, text, why);
	else if (p->len == 0 || (rln_config_ip_is_v4(&p->ip) && p->len == 96))
		rln_check_blame(c, p,
			"ports[%u].addresses: found %s, expected a prefix length of at least 1; the rest of the world is behind "
			"a gateway",
			i, text);
	else if (rln_config_ip_is_v4(&p->ip) && p->len < 96 + 31 && (is_edge(p, false) || is_edge(p, true)))
		rln_check_blame(c, p, "ports[%u].addresses: found %s, the %s of its net, expected the address of a host", i, text,
			is_edge(p, false) ? "first address" : "broadcast address");
	for (unsigned a = 0; a <= i; a++)
		for (unsigned b = 0; b < (a == i ? k : c->config->ports[a].addresses_n); b++)
			if (rln_config_ip_same(&p->ip, &c->config->ports[a].addresses[b].ip))
				rln_check_blame(c, p,
					"ports[%u].addresses: %s stands at ports[%u] already, expected each address once", i,
					text, a);
}

static const struct rln_config_prefix *connected(const struct rln_config_port *p, const struct rln_config_ip *ip)
{
	for (unsigned i = 0; i < p->addresses_n; i++)
		if (rln_config_prefix_holds(&p->addresses[i], ip))
			return &p->addresses[i];
	return NULL;
}

/* A neighbour on a net of the port, and not ourselves. `key` names it in messages. */
static void check_neighbour(struct rln_check *c, unsigned i, const struct rln_config_ip *ip, const char *key)
{
	const struct rln_config_port *p = &c->config->ports[i];
	const char *why = why_not_host(ip);
	char text[TEXT];

	rln_config_ip_text(ip, text);
	if (why)
		rln_check_blame(c, ip, "ports[%u].%s: found %s, %s, expected the address of a host", i, key, text, why);
	else if (!connected(p, ip) && (rln_config_ip_is_v4(ip) || !is_link_local6(ip)))
		rln_check_blame(
			c, ip, "ports[%u].%s: found %s, expected an address on a net of this port's addresses", i, key, text);
	for (unsigned k = 0; k < p->addresses_n; k++)
		if (rln_config_ip_same(ip, &p->addresses[k].ip))
			rln_check_blame(
				c, ip, "ports[%u].%s: found %s, our own address, expected the other side's", i, key, text);
}

static void check_gateway(struct rln_check *c, unsigned i, const struct rln_config_ip *gateway, bool v4)
{
	const char *key = v4 ? "gateway4" : "gateway6";
	char text[TEXT];

	if (!rln_config_ip_is_set(gateway))
		return;
	if (rln_config_ip_is_v4(gateway) != v4) {
		rln_check_blame(c, gateway, "ports[%u].%s: found %s, expected an IPv%c address", i, key,
			rln_config_ip_text(gateway, text), v4 ? '4' : '6');
		return;
	}
	check_neighbour(c, i, gateway, key);
	for (unsigned k = 0; k < i; k++)
		if (rln_config_ip_is_set(v4 ? &c->config->ports[k].gateway4 : &c->config->ports[k].gateway6))
			rln_check_blame(c, gateway,
				"ports[%u].%s: found a second default gateway, ports[%u] has one, expected one for all ports", i,
				key, k);
}

static void check_route(struct rln_check *c, unsigned i, unsigned k)
{
	const struct rln_config_port *p = &c->config->ports[i];
	const struct rln_config_net_route *r = &p->routes[k];
	char key[24], to[TEXT], via[TEXT];

	snprintf(key, sizeof(key), "routes[%u].via", k);
	rln_config_prefix_text(&r->to, to);
	if (!is_edge(&r->to, false))
		rln_check_blame(c, &r->to,
			"ports[%u].routes[%u].to: found %s, expected the first address of that net: bits behind the prefix are "
			"set",
			i, k, to);
	if (rln_config_ip_is_v4(&r->to.ip) != rln_config_ip_is_v4(&r->via))
		rln_check_blame(c, &r->via, "ports[%u].%s: found %s for %s, expected an address of the same family", i, key,
			rln_config_ip_text(&r->via, via), to);
	else
		check_neighbour(c, i, &r->via, key);
	for (unsigned a = 0; a <= i; a++)
		for (unsigned b = 0; b < (a == i ? k : c->config->ports[a].routes_n); b++)
			if (memcmp(&r->to, &c->config->ports[a].routes[b].to, sizeof(r->to)) == 0)
				rln_check_blame(c, &r->to,
					"ports[%u].routes[%u].to: %s has a route at ports[%u] already, expected each destination "
					"once",
					i, k, to, a);
}

/* The host's end of a tap. */
static void check_host_address(struct rln_check *c, unsigned i)
{
	const struct rln_config_port *p = &c->config->ports[i];

	if (!rln_config_ip_is_set(&p->host_address))
		return;
	if (rln_device_kind(p->device) != RLN_DEVICE_TAP)
		rln_check_blame(c, &p->host_address,
			"ports[%u].host_address: found it on %s, expected it only on net_tap: other devices have no "
			"kernel end",
			i, rln_device_kind_name(rln_device_kind(p->device)));
	else
		check_neighbour(c, i, &p->host_address, "host_address");
}

static void check_interface(struct rln_check *c, unsigned i)
{
	const struct rln_config_port *p = &c->config->ports[i];
	enum rln_device_kind kind = rln_device_kind(p->device);
	char iface[RLN_CONFIG_PATH], other[RLN_CONFIG_PATH];
	bool named = rln_device_arg(p->device, "iface", iface, sizeof(iface));

	if (!named && (kind == RLN_DEVICE_AF_PACKET || kind == RLN_DEVICE_AF_XDP))
		rln_check_blame(c, p->device,
			"ports[%u].device: found no iface= in '%s', expected the kernel interface, e.g. net_%s0,iface=eth1", i,
			p->device, rln_device_kind_name(kind));
	if (!named && kind == RLN_DEVICE_PCAP && !strstr(p->device, "_pcap=") && !strstr(p->device, "_iface="))
		rln_check_blame(c, p->device,
			"ports[%u].device: found no rx_pcap=, tx_pcap= or iface= in '%s', expected the files", i, p->device);
	if (named && (strlen(iface) > 15 || !*iface))
		rln_check_blame(c, p->device,
			"ports[%u].device: found interface name '%s', expected 1 to 15 characters, as the kernel has it", i,
			iface);
	for (unsigned k = 0; named && k < i; k++)
		if (rln_device_kind(c->config->ports[k].device) != RLN_DEVICE_AF_XDP &&
			rln_device_arg(c->config->ports[k].device, "iface", other, sizeof(other)) && strcmp(iface, other) == 0)
			rln_check_blame(c, p->device,
				"ports[%u].device: interface %s is used by ports[%u] already, expected each once: both would get "
				"every frame",
				i, iface, k);
}

static void check_device(struct rln_check *c, unsigned i)
{
	const struct rln_config_port *p = &c->config->ports[i];
	enum rln_device_kind kind = rln_device_kind(p->device);
	char name[RLN_CONFIG_PATH], other[RLN_CONFIG_PATH], framesz[16];
	const char *args;

	if (kind == RLN_DEVICE_UNKNOWN) {
		rln_check_blame(c, p->device,
			"ports[%u].device: found '%.60s', expected a PCI address such as 0000:03:00.0 or one of %s (and a "
			"number)",
			i, p->device, rln_device_known());
		return;
	}
	(void)rln_device_split(p->device, name, sizeof(name), &args);
	for (unsigned k = 0; k < i; k++)
		if (rln_device_split(c->config->ports[k].device, other, sizeof(other), &args) && strcmp(name, other) == 0)
			rln_check_blame(c, p->device,
				"ports[%u].device: %s is ports[%u] already, expected a number of its own behind the driver's "
				"name",
				i, name, k);
	check_interface(c, i);
	if (p->mac_set && rln_device_arg(p->device, "mac", other, sizeof(other)))
		rln_check_blame(
			c, &p->mac_set, "ports[%u].mac: found it beside mac=%s in device, expected one of them", i, other);
	if (p->mac_set && kind == RLN_DEVICE_AF_XDP)
		rln_check_blame(
			c, &p->mac_set, "ports[%u].mac: found it on af_xdp, expected auto: the driver cannot change it", i);
	if (p->mbuf_room && rln_device_arg(p->device, "framesz", framesz, sizeof(framesz)) &&
		strtoul(framesz, NULL, 10) > p->mbuf_room)
		rln_check_blame(c, &p->mbuf_room, "ports[%u].mbuf_room: found %u, expected at least the device's framesz, %s", i,
			p->mbuf_room, framesz);
	if (p->queues > 1 && kind == RLN_DEVICE_AF_XDP)
		rln_check_blame(c, &p->queues,
			"ports[%u].queues: found %u on af_xdp, expected 1: give a port per queue (start_queue=N) instead", i,
			p->queues);
}

static void check_mtu(struct rln_check *c, unsigned i)
{
	const struct rln_config_port *p = &c->config->ports[i];

	for (unsigned k = 0; k < p->addresses_n; k++)
		if (p->mtu && p->mtu < 1280 && !rln_config_ip_is_v4(&p->addresses[k].ip)) {
			rln_check_blame(c, &p->mtu,
				"ports[%u].mtu: found %u with an IPv6 address, expected at least 1280 (RFC 8200 5)", i, p->mtu);
			return;
		}
	if (p->mtu > 1500 && rln_device_kind(p->device) == RLN_DEVICE_TAP)
		rln_check_blame(c, &p->mtu, "ports[%u].mtu: found %u on a tap, expected at most 1500: its driver carries no more",
			i, p->mtu);
}

static void check_port(struct rln_check *c, unsigned i)
{
	const struct rln_config_port *p = &c->config->ports[i];

	for (unsigned k = 0; k < i; k++)
		if (strcmp(p->name, c->config->ports[k].name) == 0)
			rln_check_blame(
				c, p->name, "ports[%u].name: '%s' is ports[%u] already, expected each name once", i, p->name, k);
	check_device(c, i);
	for (unsigned k = 0; k < p->addresses_n; k++)
		check_address(c, i, k);
	check_host_address(c, i);
	check_gateway(c, i, &p->gateway4, true);
	check_gateway(c, i, &p->gateway6, false);
	for (unsigned k = 0; k < p->routes_n; k++)
		check_route(c, i, k);
	check_mtu(c, i);
}

void rln_check_net(struct rln_check *c)
{
	const struct rln_config *g = c->config;
	unsigned addresses = 0, routes = 0;

	if (g->ports_n == 0)
		rln_check_blame(c, g->ports, "ports: found none, expected at least one");
	for (unsigned i = 0; i < g->ports_n; i++) {
		check_port(c, i);
		addresses += g->ports[i].addresses_n;
		routes += g->ports[i].routes_n + rln_config_ip_is_set(&g->ports[i].gateway4) +
			  rln_config_ip_is_set(&g->ports[i].gateway6);
	}
	if (addresses > RLN_CONFIG_ADDRS)
		rln_check_blame(c, g->ports, "ports: found %u addresses, expected at most %u over all ports", addresses,
			RLN_CONFIG_ADDRS);
	if (routes > RLN_CONFIG_NET_ROUTES)
		rln_check_blame(c, g->ports, "ports: found %u routes and gateways, expected at most %u over all ports", routes,
			RLN_CONFIG_NET_ROUTES);
}
