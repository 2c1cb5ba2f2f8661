/* SPDX-License-Identifier: BSD-3-Clause */
/* What the `device` text of a port says. Driver names are EAL's; a PCI address is recognised by its form. */
#include "config/device.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *driver, *name;
	enum rln_device_kind kind;
} drivers[] = {
	{"net_tap", "tap", RLN_DEVICE_TAP},
	{"net_af_packet", "af_packet", RLN_DEVICE_AF_PACKET},
	{"eth_af_packet", "af_packet", RLN_DEVICE_AF_PACKET},
	{"net_af_xdp", "af_xdp", RLN_DEVICE_AF_XDP},
	{"net_memif", "memif", RLN_DEVICE_MEMIF},
	{"net_ring", "ring", RLN_DEVICE_RING},
	{"net_pcap", "pcap", RLN_DEVICE_PCAP},
	{"net_null", "null", RLN_DEVICE_NULL},
};
#define DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

/* "0000:03:00.0" or "03:00.0", then the end or a comma. */
static bool is_pci(const char *device)
{
	unsigned domain, bus, dev, fn;
	int len = 0;

	if (sscanf(device, "%4x:%2x:%2x.%1x%n", &domain, &bus, &dev, &fn, &len) != 4 || len != 12) {
		len = 0;
		if (sscanf(device, "%2x:%2x.%1x%n", &bus, &dev, &fn, &len) != 3 || len != 7)
			return false;
	}
	return device[len] == 0 || device[len] == ',';
}

enum rln_device_kind rln_device_kind(const char *device)
{
	for (unsigned i = 0; i < DRIVERS; i++) {
		size_t len = strlen(drivers[i].driver);

		if (strncmp(device, drivers[i].driver, len) != 0)
			continue;
		/* behind the driver's name: anything that keeps it apart from others, "net_tap0", "net_memif_left" */
		if (device[len] == 0 || device[len] == ',' || device[len] == '_' || isdigit((unsigned char)device[len]))
			return drivers[i].kind;
	}
	return is_pci(device) ? RLN_DEVICE_PCI : RLN_DEVICE_UNKNOWN;
}

const char *rln_device_kind_name(enum rln_device_kind kind)
{
	for (unsigned i = 0; i < DRIVERS; i++)
		if (drivers[i].kind == kind)
			return drivers[i].name;
	return kind == RLN_DEVICE_PCI ? "PCI" : "unknown";
}

const char *rln_device_known(void)
{
	return "net_tap, net_af_packet, net_af_xdp, net_memif, net_ring, net_pcap, net_null";
}

bool rln_device_split(const char *device, char *name, size_t size, const char **args)
{
	size_t len = strcspn(device, ",");

	if (len >= size)
		return false;
	memcpy(name, device, len);
	name[len] = 0;
	*args = device[len] ? device + len + 1 : device + len;
	return true;
}

bool rln_device_arg(const char *device, const char *key, char *buf, size_t size)
{
	size_t klen = strlen(key);

	for (const char *p = strchr(device, ','); p; p = strchr(p + 1, ',')) {
		const char *value = p + 1 + klen + 1;
		size_t len;

		if (strncmp(p + 1, key, klen) != 0 || p[1 + klen] != '=')
			continue;
		len = strcspn(value, ",");
		if (len >= size)
			return false;
		memcpy(buf, value, len);
		buf[len] = 0;
		return true;
	}
	return false;
}
