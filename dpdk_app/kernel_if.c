/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's side of our devices; see kernel_if.h. */
#include "dpdk_app/kernel_if.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "config/device.h"
#include "dpdk_app/ports.h"
#include "lcore/heap.h"

struct in6_ifreq { /* <linux/ipv6.h> clashes with <netinet/in.h> */
	struct in6_addr addr;
	uint32_t prefix_len;
	int index;
};

/* ---- addresses ---- */

/* Prefix length of the configured address whose net holds `ip`; 24 or 64 when there is none. */
static unsigned prefix_for(const struct rln_config_port *cfg, const struct rln_config_ip *ip)
{
	for (unsigned i = 0; i < cfg->addresses_n; i++) {
		const struct rln_config_prefix *p = &cfg->addresses[i];
		unsigned bytes = p->len / 8, bits = p->len % 8;
		uint8_t mask = (uint8_t)(0xff00u >> bits);

		if (memcmp(p->ip.b, ip->b, bytes) == 0 && (bits == 0 || ((p->ip.b[bytes] ^ ip->b[bytes]) & mask) == 0))
			return p->len;
	}
	return rln_config_ip_is_v4(ip) ? 96 + 24 : 64;
}

static int give_v4(int fd, struct ifreq *req, const struct rln_config_ip *ip, unsigned len)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	memcpy(&in.sin_addr, ip->b + 12, 4);
	memcpy(&req->ifr_addr, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFADDR, req) != 0)
		return -errno;
	in.sin_addr.s_addr = htonl(len == 96 ? 0 : ~0u << (128 - len));
	memcpy(&req->ifr_netmask, &in, sizeof(in));
	return ioctl(fd, SIOCSIFNETMASK, req) == 0 ? 0 : -errno;
}

static int give_v6(const char *iface, const struct rln_config_ip *ip, unsigned len)
{
	struct in6_ifreq req = {.prefix_len = len, .index = (int)if_nametoindex(iface)};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	memcpy(&req.addr, ip->b, sizeof(req.addr));
	rc = ioctl(fd, SIOCSIFADDR, &req) == 0 || errno == EEXIST ? 0 : -errno;
	close(fd);
	return rc;
}

int rln_kernel_if_up(const char *iface, const struct rln_config_port *cfg)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;
	const struct rln_config_ip *ip = &cfg->host_address;
	struct ifreq req = {0};

	if (fd < 0)
		return -errno;
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", iface);
	if (ioctl(fd, SIOCGIFFLAGS, &req) != 0)
		rc = -errno;
	req.ifr_flags |= IFF_UP;
	if (rc == 0 && ioctl(fd, SIOCSIFFLAGS, &req) != 0)
		rc = -errno;
	if (rc == 0 && rln_config_ip_is_set(ip))
		rc = rln_config_ip_is_v4(ip) ? give_v4(fd, &req, ip, prefix_for(cfg, ip))
					     : give_v6(iface, ip, prefix_for(cfg, ip));
	close(fd);
	return rc;
}

/* ---- locks and sockets ---- */

int rln_kernel_if_lock(const char *kind, const char *iface)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), len, rc = 0;

	if (fd < 0)
		return -errno;
	len = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "ringlane/%s/%s", kind, iface);
	if (bind(fd, (struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) != 0) {
		rc = -errno;
		close(fd);
	}
	return rc == 0 ? fd : rc;
}

void rln_kernel_if_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

void rln_kernel_if_unlink_stale(const char *device)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char abstract[8] = "yes";
	int fd;

	rln_device_arg(device, "socket-abstract", abstract, sizeof(abstract));
	if (strcmp(abstract, "no") != 0 || !rln_device_arg(device, "socket", un.sun_path, sizeof(un.sun_path)))
		return;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0 && errno == ECONNREFUSED)
		unlink(un.sun_path);
	close(fd);
}

/* ---- counters ---- */

uint64_t rln_kernel_if_dropped(const char *iface, bool on_send)
{
	/* /proc/self/net/dev: name: bytes packets errs drop fifo frame compressed multicast, and the same eight for sending. */
	FILE *f = fopen("/proc/self/net/dev", "re");
	unsigned long long v[12], dropped = 0;
	char line[512], name[32];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %31[^:]: %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu", name, &v[0], &v[1],
			    &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11]) == 13 &&
			strcmp(name, iface) == 0)
			dropped = on_send ? v[11] : v[3];
	}
	if (f)
		fclose(f);
	return dropped;
}

/* ---- waiting ---- */

struct rln_port_wait { /* owner: one worker */
	nfds_t n;
	struct pollfd fd[RLN_NET_PORTS];
};

struct rln_port_wait *rln_kernel_if_wait_create(const struct rln_net_shared *net, unsigned worker)
{
	struct rln_port_wait *wait = rln_zalloc(sizeof(*wait));

	for (unsigned p = 0; wait && p < net->ports_n; p++) {
		struct rte_eth_dev_info info;
		int fd = -1;

		if (worker < net->ports[p].rx_queues && rte_eth_dev_info_get(net->ports[p].device, &info) == 0 &&
			strcmp(info.driver_name, "net_tap") == 0)
			fd = rte_eth_dev_rx_intr_ctl_q_get_fd(net->ports[p].device, (uint16_t)worker);
		if (fd >= 0)
			wait->fd[wait->n++] = (struct pollfd){fd, POLLIN, 0};
	}
	return wait;
}

void rln_ports_wait(void *wait, uint32_t us)
{
	struct rln_port_wait *w = wait;
	struct timespec t = {us / 1000000, us % 1000000 * 1000};

	ppoll(w->fd, w->n, &t, NULL);
}
