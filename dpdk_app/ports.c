/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices from "not there" to "started", each step with its own words when it fails. A virtual device that fails is no error to EAL, so each is
 * plugged by itself and asked for afterwards by name.
 */
#include "dpdk_app/ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <rte_mbuf_pool_ops.h>

#include "config/check.h"
#include "config/device.h"
#include "dpdk_app/kernel_if.h"
#include "lcore/bus.h"
#include "lcore/heap.h"
#include "lcore/log.h"

#define DESCRIPTORS 1024
#define RING_SIZE   8192
#define POOL_CACHE  256

struct port {            /* owner: main thread */
	char device[64]; /* EAL's name of it */
	char iface[16];  /* the kernel's, "" when it has none */
	enum rln_device_kind kind;
	uint16_t id;
	int lock; /* -1: none */
	bool plugged, started;
};

struct rln_ports {
	unsigned n;
	struct port port[RLN_CONFIG_PORTS];
	struct rln_port_wait *wait[RLN_CONFIG_WORKERS];
	struct rln_net_shared *net;
};

static int complain(const struct rln_config_port *cfg, const char *what, int rc)
{
	rln_log(RLN_LOG_ERROR, 0, "port %s (%s): %s: %s", cfg->name, cfg->device, what, strerror(-rc));
	return rc;
}

/* ---- one device ---- */

static int plug(struct port *port, const struct rln_config_port *cfg)
{
	const char *args;
	int rc;

	if (!rln_device_split(cfg->device, port->device, sizeof(port->device), &args))
		return complain(cfg, "device name too long", -EINVAL);
	if (rte_eth_dev_get_port_by_name(port->device, &port->id) == 0)
		return 0; /* PCI, probed at start; or made by the caller */
	if (port->kind == RLN_DEVICE_MEMIF)
		rln_kernel_if_unlink_stale(cfg->device);
	rc = rte_eal_hotplug_add(port->kind == RLN_DEVICE_PCI ? "pci" : "vdev", port->device, args);
	if (rc != 0)
		return complain(cfg, "the driver refuses it (its reason stands above)", rc < -1 ? rc : -ENODEV);
	port->plugged = true;
	if (rte_eth_dev_get_port_by_name(port->device, &port->id) != 0)
		return complain(cfg, "no such device after plugging it", -ENODEV);
	return 0;
}

static uint16_t smaller(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

static int configure(struct port *port, const struct rln_config_port *cfg, unsigned workers, struct rln_net_port *net)
{
	const uint64_t want_tx = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	const uint64_t want_rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	uint16_t want = cfg->queues ? cfg->queues : (uint16_t)workers;
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = {0};
	int rc = rte_eth_dev_info_get(port->id, &info);

	if (rc != 0)
		return complain(cfg, "cannot be asked what it is", rc);
	net->rx_queues = smaller(want, info.max_rx_queues);
	net->tx_queues = smaller(want, info.max_tx_queues);
	if (port->kind == RLN_DEVICE_TAP)
		net->rx_queues = net->tx_queues = smaller(net->rx_queues, net->tx_queues);
	net->tx_offloads = (info.tx_offload_capa & want_tx) == want_tx ? want_tx : 0;
	net->rx_offloads = info.rx_offload_capa & want_rx;
	conf.txmode.offloads = net->tx_offloads;
	conf.rxmode.offloads = net->rx_offloads;
	conf.rxmode.mq_mode = net->rx_queues > 1 && info.flow_type_rss_offloads ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE;
	conf.rx_adv_conf.rss_conf.rss_hf =
		conf.rxmode.mq_mode ? info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP) : 0;
	conf.intr_conf.rxq = port->kind == RLN_DEVICE_TAP; /* gives us the queue's fd to wait on */
	rc = rte_eth_dev_configure(port->id, net->rx_queues, net->tx_queues, &conf);
	return rc == 0 ? 0 : complain(cfg, "cannot be configured", rc);
}

static int set_up_queues(
	struct port *port, const struct rln_config_port *cfg, const struct rln_net_port *net, struct rte_mempool *pool)
{
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);

	for (uint16_t q = 0; rc == 0 && q < net->rx_queues; q++)
		rc = rte_eth_rx_queue_setup(port->id, q, rx, SOCKET_ID_ANY, NULL, pool);
	if (rc != 0)
		return complain(cfg,
			port->kind == RLN_DEVICE_AF_PACKET ? "receive queue (mbuf_room below framesz?)" : "receive queue", rc);
	for (uint16_t q = 0; rc == 0 && q < net->tx_queues; q++)
		rc = rte_eth_tx_queue_setup(port->id, q, tx, SOCKET_ID_ANY, NULL);
	return rc == 0 ? 0 : complain(cfg, "send queue", rc);
}

static int choose_mac(struct port *port, const struct rln_config_port *cfg, struct rln_net_port *net)
{
	int rc = 0;

	if (cfg->mac_set)
		memcpy(net->mac.addr_bytes, cfg->mac, sizeof(cfg->mac));
	/* The tap driver's address is the kernel end's; ours is another station on that wire. */
	if (port->kind == RLN_DEVICE_TAP) {
		if (!cfg->mac_set)
			rte_eth_random_addr(net->mac.addr_bytes);
		return 0;
	}
	if (cfg->mac_set) {
		/* Point-to-point devices filter nothing: what cannot be set in the device is simply ours in the stack. */
		bool filters = port->kind != RLN_DEVICE_RING && port->kind != RLN_DEVICE_MEMIF;

		rc = rte_eth_dev_default_mac_addr_set(port->id, &net->mac);
		return rc == 0 || !filters ? 0 : complain(cfg, "does not take the mac of the config", rc);
	}
	rc = rte_eth_macaddr_get(port->id, &net->mac);
	if (rc == 0 && rte_is_zero_ether_addr(&net->mac))
		rte_eth_random_addr(net->mac.addr_bytes);
	return rc == 0 ? 0 : complain(cfg, "has no MAC address", rc);
}

static int choose_mtu(struct port *port, const struct rln_config_port *cfg, struct rln_net_port *net)
{
	uint16_t now = 1500;
	int rc;

	rte_eth_dev_get_mtu(port->id, &now);
	net->mtu = smaller(now ? now : 1500, 1500);
	if (cfg->mtu == 0 || cfg->mtu == now) {
		net->mtu = cfg->mtu ? cfg->mtu : net->mtu;
		return 0;
	}
	net->mtu = cfg->mtu;
	rc = rte_eth_dev_set_mtu(port->id, cfg->mtu);
	if (rc != 0 && cfg->mtu > now)
		return complain(cfg, "does not take this mtu", rc);
	return 0; /* smaller than the device's: we simply send smaller packets */
}

static bool is_memif_client(const struct rln_config_port *cfg)
{
	char role[16] = "";

	return rln_device_kind(cfg->device) == RLN_DEVICE_MEMIF && rln_device_arg(cfg->device, "role", role, sizeof(role)) &&
	       strcmp(role, "server") != 0;
}

/* A memif client connects when it is started and never again, and a server that is not configured yet turns it away: try for a while. */
static int start_memif_client(struct port *port)
{
	const struct timespec step = {0, 100000000};
	struct rte_eth_link link = {0};
	int rc = -EAGAIN;

	for (int tries = 0; tries < 100 && !link.link_status; tries++) {
		if (rc == 0)
			rte_eth_dev_stop(port->id);
		rc = rte_eth_dev_start(port->id);
		nanosleep(&step, NULL);
		if (rc == 0)
			rte_eth_link_get_nowait(port->id, &link);
	}
	return link.link_status ? 0 : -ENOTCONN;
}

static int start(struct port *port, const struct rln_config_port *cfg)
{
	bool client = is_memif_client(cfg);
	int rc = client ? start_memif_client(port) : rte_eth_dev_start(port->id);

	if (rc != 0)
		return complain(cfg, client ? "no memif server answers; start it first" : "does not start", rc);
	port->started = true;
	if (rte_eth_allmulticast_enable(port->id) != 0) /* IPv6 neighbour discovery is multicast */
		rte_eth_promiscuous_enable(port->id);
	if (port->kind != RLN_DEVICE_TAP)
		return 0;
	rc = rln_kernel_if_up(port->iface, cfg);
	return rc == 0 ? 0 : complain(cfg, "the kernel's end does not come up with host_address", rc);
}

static int lock_interface(struct port *port, const struct rln_config_port *cfg)
{
	if (!port->iface[0])
		return 0;
	port->lock = rln_kernel_if_lock(rln_device_kind_name(port->kind), port->iface);
	if (port->lock >= 0)
		return 0;
	rln_log(RLN_LOG_ERROR, 0, "port %s (%s): another ringlane already has %s in this network namespace", cfg->name,
		cfg->device, port->iface);
	return -EBUSY;
}

static int open_port(struct port *port, const struct rln_config_port *cfg, unsigned workers, struct rln_net_port *net,
	struct rte_mempool *pool)
{
	int rc;

	port->lock = -1;
	port->kind = rln_device_kind(cfg->device);
	rln_device_arg(cfg->device, "iface", port->iface, sizeof(port->iface));
	rc = lock_interface(port, cfg);
	if (rc == 0)
		rc = plug(port, cfg);
	if (rc == 0)
		rc = configure(port, cfg, workers, net);
	if (rc == 0)
		rc = set_up_queues(port, cfg, net, pool);
	if (rc == 0)
		rc = choose_mtu(port, cfg, net);
	if (rc == 0)
		rc = choose_mac(port, cfg, net);
	if (rc == 0)
		rc = start(port, cfg);
	snprintf(net->name, sizeof(net->name), "%s", cfg->name);
	net->device = port->id;
	net->vlan = cfg->vlan;
	net->partial_ok = cfg->checksum == RLN_CHECKSUM_PARTIAL_OK;
	return rc;
}

static void close_port(struct port *port)
{
	if (port->started)
		rte_eth_dev_stop(port->id);
	if (port->plugged) {
		rte_eth_dev_close(port->id);
		rte_eal_hotplug_remove(port->kind == RLN_DEVICE_PCI ? "pci" : "vdev", port->device);
	}
	rln_kernel_if_unlock(port->lock);
}

/* ---- addresses and routes ---- */

static struct rln_addr address(const struct rln_config_ip *ip)
{
	struct rln_addr a = {.port = 0};

	memcpy(a.ip, ip->b, sizeof(a.ip));
	return a;
}

static void add_route(
	struct rln_net_shared *net, unsigned port, const struct rln_config_prefix *to, const struct rln_config_ip *via)
{
	if (rln_config_ip_is_set(via))
		net->routes[net->routes_n++] = (struct rln_net_route){{address(&to->ip), to->len, (uint8_t)port}, address(via)};
}

static void add_addresses(struct rln_net_shared *net, unsigned port, const struct rln_config_port *cfg)
{
	static const struct rln_config_prefix any4 = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}, 96}, any6 = {{{0}}, 0};

	for (unsigned i = 0; i < cfg->addresses_n; i++)
		net->addrs[net->addrs_n++] =
			(struct rln_net_prefix){address(&cfg->addresses[i].ip), cfg->addresses[i].len, (uint8_t)port};
	for (unsigned i = 0; i < cfg->routes_n; i++)
		add_route(net, port, &cfg->routes[i].to, &cfg->routes[i].via);
	add_route(net, port, &any4, &cfg->gateway4);
	add_route(net, port, &any6, &cfg->gateway6);
}

/* ---- rings and pool ---- */

static struct rte_ring *ring(const char *what, unsigned from, unsigned to)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "rln_%s_%u_%u", what, from & 0xff, to & 0xff);
	return rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static int make_rings(struct rln_net_shared *net)
{
	bool ok = true;

	for (unsigned w = 0; w < net->workers; w++) {
		ok &= (net->to_control[w] = ring("up", w, 0)) != NULL;
		ok &= (net->from_control[w] = ring("down", w, 0)) != NULL;
		for (unsigned to = 0; to < net->workers; to++) {
			if (to != w)
				ok &= (net->handoff[w][to] = ring("hand", w, to)) != NULL;
		}
	}
	return ok ? 0 : -ENOMEM;
}

static void drain(struct rte_ring *r)
{
	void *m;

	while (r && rte_ring_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(r);
}

static void free_rings(struct rln_net_shared *net)
{
	for (unsigned w = 0; w < net->workers; w++) {
		drain(net->to_control[w]);
		drain(net->from_control[w]);
		for (unsigned to = 0; to < net->workers; to++)
			drain(net->handoff[w][to]);
	}
}

static int make_pool(const struct rln_config *config, struct rln_net_shared *net)
{
	uint32_t room = rln_config_mbuf_room(config) + RTE_PKTMBUF_HEADROOM;

	/* RTS: two threads that share a CPU must not spin on one another's half-done operation. */
	net->pool = rte_pktmbuf_pool_create_by_ops("rln_packets", rln_config_mbufs(config, net->workers), POOL_CACHE,
		RLN_PKT_PRIV, (uint16_t)room, SOCKET_ID_ANY, "ring_mt_rts");
	if (net->pool)
		return 0;
	rln_log(RLN_LOG_ERROR, 0,
		"packet buffers: no memory for %u of %u bytes; mend: raise runtime.memory_mb or lower limits.calls",
		rln_config_mbufs(config, net->workers), room);
	return -ENOMEM;
}

/* ---- all of them ---- */

int rln_ports_open(struct rln_ports **out, const struct rln_config *config, unsigned workers, struct rln_net_shared *net)
{
	struct rln_ports *ports = rln_zalloc(sizeof(*ports));
	int rc = -ENOMEM;

	*net = (struct rln_net_shared){.workers = workers};
	if (!ports)
		return -ENOMEM;
	ports->net = net;
	rc = make_pool(config, net);
	if (rc == 0)
		rc = make_rings(net);
	for (unsigned i = 0; rc == 0 && i < config->ports_n; i++) {
		ports->n = net->ports_n = i + 1;
		rc = open_port(&ports->port[i], &config->ports[i], workers, &net->ports[i], net->pool);
		add_addresses(net, i, &config->ports[i]);
	}
	for (unsigned w = 0; rc == 0 && w < workers; w++) {
		ports->wait[w] = rln_kernel_if_wait_create(net, w);
		rc = ports->wait[w] ? 0 : -ENOMEM;
	}
	if (rc != 0) {
		rln_ports_close(ports);
		return rc;
	}
	*out = ports;
	return 0;
}

unsigned rln_ports_close(struct rln_ports *ports)
{
	bool kept = false; /* af_xdp never gives back the buffers that stand in its fill and completion rings */
	unsigned left = 0;

	for (unsigned w = 0; w < ports->net->workers; w++)
		rln_free(ports->wait[w]);
	while (ports->n) {
		kept |= ports->port[--ports->n].kind == RLN_DEVICE_AF_XDP;
		close_port(&ports->port[ports->n]);
	}
	free_rings(ports->net);
	if (ports->net->pool && !kept)
		left = rte_mempool_in_use_count(ports->net->pool);
	rte_mempool_free(ports->net->pool);
	ports->net->pool = NULL;
	rln_free(ports);
	return left;
}

struct rln_port_wait *rln_ports_wait_of(struct rln_ports *ports, unsigned worker)
{
	return ports->wait[worker];
}

void rln_ports_losses(const struct rln_ports *ports, unsigned port, struct rln_port_losses *out)
{
	const struct port *p = &ports->port[port];
	struct rte_eth_stats stats;

	*out = (struct rln_port_losses){0};
	if (rte_eth_stats_get(p->id, &stats) == 0) {
		out->imissed = stats.imissed;
		out->ierrors = stats.ierrors;
		out->rx_nombuf = stats.rx_nombuf;
	}
	/* What goes to us is sent by the kernel into a tap, and received by it on our end of a veth. */
	if (p->iface[0])
		out->kernel_dropped = rln_kernel_if_dropped(p->iface, p->kind == RLN_DEVICE_TAP);
}
