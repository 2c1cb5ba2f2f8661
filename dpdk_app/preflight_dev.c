/* SPDX-License-Identifier: BSD-3-Clause */
/* Preflight: each configured device, what it needs of the kernel and who has it already. */
#include <errno.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/device.h"
#include "config/schema.h"
#include "dpdk_app/kernel_if.h"
#include "dpdk_app/preflight_priv.h"

struct device { /* one port under examination */
	struct rln_look *look;
	const struct rln_config_port *port;
	enum rln_device_kind kind;
	char iface[RLN_CONFIG_PATH];
	char subject[24];
};

#define SAY(d, level, ...) rln_look_say((d)->look, level, (d)->subject, __VA_ARGS__)
#define MEND(d, ...)       rln_look_mend((d)->look, __VA_ARGS__)

/* Of our network namespace: /sys can be that of another one (unshare -n does not mount it anew). */
static unsigned index_of(const struct device *d, const char *iface)
{
	if (d->look->real)
		return if_nametoindex(iface);
	return (unsigned)rln_look_number(d->look, 0, "/sys/class/net/%s/ifindex", iface);
}

static int interface_ioctl(unsigned long request, const char *iface, struct ifreq *req)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	snprintf(req->ifr_name, sizeof(req->ifr_name), "%.15s", iface);
	rc = ioctl(fd, request, req) ? -errno : 0;
	close(fd);
	return rc;
}

static bool need_capability(struct device *d, unsigned capability, const char *name, const char *lower, const char *why)
{
	if (rln_look_capable(d->look, capability))
		return true;
	SAY(d, RLN_FINDING_FAIL, "%s is missing: %s", name, why);
	MEND(d, "run as root; or in a network of your own: unshare -Urn ringlane serve; or: setcap %s+ep $(command -v ringlane)",
		lower);
	return false;
}

/* Somebody has the interface: a second process on it takes flows silently. */
static bool is_taken(struct device *d)
{
	int lock = d->look->real ? rln_kernel_if_lock(rln_device_kind_name(d->kind), d->iface) : -ENOTSUP;

	if (lock == -EADDRINUSE) {
		SAY(d, RLN_FINDING_FAIL, "another ringlane runs on %s", d->iface);
		MEND(d, "stop it: pkill -TERM -x ringlane; or give this one another interface");
		return true;
	}
	if (lock >= 0)
		rln_kernel_if_unlock(lock);
	return false;
}

static void look_at_tap(struct device *d)
{
	char path[512];
	bool ok = true;

	snprintf(path, sizeof(path), "%s/dev/net/tun", d->look->root);
	if (access(path, F_OK) != 0) {
		SAY(d, RLN_FINDING_FAIL, "there is no /dev/net/tun: the kernel has no TAP devices");
		MEND(d, "modprobe tun; mkdir -p /dev/net; test -e /dev/net/tun || mknod -m 0666 /dev/net/tun c 10 200");
		ok = false;
	} else if (access(path, R_OK | W_OK) != 0) {
		SAY(d, RLN_FINDING_FAIL, "/dev/net/tun may not be opened by this user");
		MEND(d, "chmod 0666 /dev/net/tun");
		ok = false;
	}
	ok &= need_capability(d, CAP_NET_ADMIN, "CAP_NET_ADMIN", "cap_net_admin", "a TAP device cannot be made");
	if (is_taken(d))
		return;
	if (*d->iface && index_of(d, d->iface)) {
		SAY(d, RLN_FINDING_FAIL,
			"interface %s exists already: the driver would attach to it and share its packets with the owner",
			d->iface);
		MEND(d, "ip link del %s; or another iface= in ports[].device", d->iface);
	} else if (ok) {
		SAY(d, RLN_FINDING_OK, "tap %s can be made", *d->iface ? d->iface : "(name by the driver)");
	}
}

/* Does the kernel answer for an address of ours on some interface of this namespace? */
static void look_at_kernel_addresses(struct device *d)
{
	struct ifaddrs *all = NULL;
	char text[RLN_CONFIG_IP_TEXT];

	if (!d->look->real || getifaddrs(&all) != 0)
		return;
	for (struct ifaddrs *a = all; a; a = a->ifa_next) {
		struct rln_config_ip ip = {{[10] = 0xff, [11] = 0xff}};

		if (!a->ifa_addr)
			continue;
		if (a->ifa_addr->sa_family == AF_INET)
			memcpy(ip.b + 12, &((struct sockaddr_in *)a->ifa_addr)->sin_addr, 4);
		else if (a->ifa_addr->sa_family == AF_INET6)
			memcpy(ip.b, &((struct sockaddr_in6 *)a->ifa_addr)->sin6_addr, 16);
		else
			continue;
		for (unsigned i = 0; i < d->port->addresses_n; i++)
			if (rln_config_ip_same(&ip, &d->port->addresses[i].ip)) {
				rln_config_ip_text(&ip, text);
				SAY(d, RLN_FINDING_FAIL, "the kernel has %s too, on %s: both would answer", text, a->ifa_name);
				MEND(d, "ip addr del %s dev %s; or another address in ports[].addresses",
					rln_config_prefix_text(&d->port->addresses[i], text), a->ifa_name);
			}
	}
	freeifaddrs(all);
}

static bool is_veth(const char *iface, unsigned *stats)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq req = {.ifr_data = (void *)&info};

	if (interface_ioctl(SIOCETHTOOL, iface, &req) != 0 || strcmp(info.driver, "veth") != 0)
		return false;
	*stats = info.n_stats;
	return true;
}

/* veth's first statistic is the index of its other end, in that end's namespace; 0: not known. */
static unsigned index_of_peer(const char *iface)
{
	struct ifreq req = {0};
	struct ethtool_stats *stats;
	unsigned n = 0, index = 0;

	if (!is_veth(iface, &n) || n == 0)
		return 0;
	stats = calloc(1, sizeof(*stats) + n * sizeof(stats->data[0]));
	if (!stats)
		return 0;
	stats->cmd = ETHTOOL_GSTATS;
	stats->n_stats = n;
	req.ifr_data = (void *)stats;
	if (interface_ioctl(SIOCETHTOOL, iface, &req) == 0)
		index = (unsigned)stats->data[0];
	free(stats);
	return index;
}

/* Only an end that names us as its peer is ours: the same index can mean another interface here. */
static bool name_of_peer(const struct device *d, char name[IF_NAMESIZE])
{
	unsigned peer = index_of_peer(d->iface);

	return peer && if_indextoname(peer, name) && strcmp(name, d->iface) != 0 &&
	       index_of_peer(name) == if_nametoindex(d->iface);
}

/* A kernel sender leaves UDP checksums unfinished on veth, and no flag says so. */
static void look_at_veth_checksums(struct device *d)
{
	struct ethtool_value offload = {.cmd = ETHTOOL_GTXCSUM};
	struct ifreq req = {.ifr_data = (void *)&offload};
	char peer[IF_NAMESIZE];
	unsigned stats;

	if (!d->look->real || d->port->checksum == RLN_CHECKSUM_PARTIAL_OK || !is_veth(d->iface, &stats))
		return;
	if (!name_of_peer(d, peer)) {
		SAY(d, RLN_FINDING_WARN,
			"%s is a veth whose other end is in another namespace: a kernel sender there must finish its UDP "
			"checksums",
			d->iface);
		MEND(d, "there: ethtool -K PEER tx off; or here: checksum: partial_ok");
	} else if (interface_ioctl(SIOCETHTOOL, peer, &req) == 0 && offload.data) {
		SAY(d, RLN_FINDING_WARN,
			"%s is a veth and its other end %s leaves UDP checksums unfinished: those packets would be dropped",
			d->iface, peer);
		MEND(d, "ethtool -K %s tx off", peer);
	} else {
		SAY(d, RLN_FINDING_OK, "%s, the other end of %s, finishes its checksums", peer, d->iface);
	}
}

static bool is_up(const struct device *d)
{
	struct ifreq req = {0};
	char state[16];

	if (d->look->real)
		return interface_ioctl(SIOCGIFFLAGS, d->iface, &req) == 0 && (req.ifr_flags & IFF_UP);
	return rln_look_read(d->look, state, sizeof(state), "/sys/class/net/%s/operstate", d->iface) &&
	       strcmp(state, "down") != 0;
}

/* af_packet and af_xdp sit on an interface that the kernel has. */
static void look_at_packet(struct device *d)
{
	bool ok = need_capability(
		d, CAP_NET_RAW, "CAP_NET_RAW", "cap_net_raw,cap_net_admin,cap_ipc_lock", "packet sockets cannot be opened");

	if (d->kind == RLN_DEVICE_AF_XDP && d->look->user_namespace) {
		SAY(d, RLN_FINDING_FAIL, "af_xdp needs root of the machine, this is a user namespace of its own");
		MEND(d, "run as root outside of it, or use net_af_packet0,iface=%s", d->iface);
		ok = false;
	}
	if (index_of(d, d->iface) == 0) {
		SAY(d, RLN_FINDING_FAIL, "there is no interface %s in this network namespace", d->iface);
		MEND(d, "ip -br link   # shows them; then set iface= in ports[].device");
		return;
	}
	if (is_taken(d))
		return;
	if (!is_up(d)) {
		SAY(d, RLN_FINDING_FAIL, "interface %s is down", d->iface);
		MEND(d, "ip link set %s up", d->iface);
		ok = false;
	}
	look_at_kernel_addresses(d);
	look_at_veth_checksums(d);
	if (ok)
		SAY(d, RLN_FINDING_OK, "%s on %s can be opened", rln_device_kind_name(d->kind), d->iface);
}

/* A PCI device must be in the hands of a driver that gives it to user space; Mellanox drivers share theirs. */
static void look_at_pci(struct device *d)
{
	static const char *const good[] = {"vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core", "mlx4_core"};
	char name[RLN_CONFIG_PATH], full[RLN_CONFIG_PATH + 8], path[1024], link[512];
	const char *args, *driver;
	ssize_t len;
	bool ok = false;

	rln_device_split(d->port->device, name, sizeof(name), &args);
	snprintf(full, sizeof(full), "%s%s", strlen(name) == 7 ? "0000:" : "", name);
	if (!rln_look_exists(d->look, "/sys/bus/pci/devices/%s", full)) {
		SAY(d, RLN_FINDING_FAIL, "there is no PCI device %s", full);
		MEND(d, "dpdk-devbind.py --status-dev net");
		return;
	}
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", d->look->root, full);
	len = readlink(path, link, sizeof(link) - 1);
	link[len > 0 ? len : 0] = 0;
	driver = strrchr(link, '/') ? strrchr(link, '/') + 1 : link;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok |= strcmp(driver, good[i]) == 0;
	if (!ok) {
		SAY(d, RLN_FINDING_FAIL, "%s is bound to %s: DPDK cannot have it", full, *driver ? driver : "no driver");
		MEND(d, "modprobe vfio-pci; dpdk-devbind.py --bind=vfio-pci %s", full);
	} else if (strcmp(driver, "vfio-pci") == 0 && !rln_look_exists(d->look, "/sys/kernel/iommu_groups/0") &&
		   !rln_look_exists(d->look, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode")) {
		SAY(d, RLN_FINDING_FAIL, "%s is bound to vfio-pci, but this machine runs without IOMMU", full);
		MEND(d, "add to the kernel's command line and reboot: intel_iommu=on iommu=pt   (AMD: amd_iommu=on)");
	} else {
		SAY(d, RLN_FINDING_OK, "%s is bound to %s", full, driver);
	}
}

static void look_at_pcap(struct device *d)
{
	char file[RLN_CONFIG_PATH];

	if (rln_device_arg(d->port->device, "rx_pcap", file, sizeof(file)) && access(file, R_OK) != 0) {
		SAY(d, RLN_FINDING_FAIL, "there is no capture file %s", file);
		MEND(d, "set rx_pcap= in ports[].device to a file that exists");
	} else {
		SAY(d, RLN_FINDING_OK, "pcap");
	}
}

static void look_at_device(struct rln_look *look, const struct rln_config_port *port)
{
	struct device d = {.look = look, .port = port, .kind = rln_device_kind(port->device)};

	snprintf(d.subject, sizeof(d.subject), "port %.18s", port->name);
	if (!rln_device_arg(port->device, "iface", d.iface, sizeof(d.iface)))
		d.iface[0] = 0;
	switch (d.kind) {
	case RLN_DEVICE_TAP:
		look_at_tap(&d);
		break;
	case RLN_DEVICE_AF_PACKET:
	case RLN_DEVICE_AF_XDP:
		look_at_packet(&d);
		break;
	case RLN_DEVICE_PCI:
		look_at_pci(&d);
		break;
	case RLN_DEVICE_PCAP:
		look_at_pcap(&d);
		break;
	case RLN_DEVICE_MEMIF:
	case RLN_DEVICE_RING:
	case RLN_DEVICE_NULL:
		SAY(&d, RLN_FINDING_OK, "%s needs nothing of the kernel", rln_device_kind_name(d.kind));
		break;
	case RLN_DEVICE_UNKNOWN:
		SAY(&d, RLN_FINDING_FAIL, "unknown device '%s'", port->device);
		MEND(&d, "ringlane config check FILE");
		break;
	}
}

void rln_look_devices(struct rln_look *look)
{
	for (unsigned i = 0; i < look->config->ports_n; i++)
		look_at_device(look, &look->config->ports[i]);
}
