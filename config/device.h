/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's `device` text, in EAL's own words: "net_tap0,iface=rl0" (a virtual device) or "0000:03:00.0,arg=1" (PCI). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

enum rln_device_kind {
	RLN_DEVICE_UNKNOWN,
	RLN_DEVICE_TAP,
	RLN_DEVICE_AF_PACKET,
	RLN_DEVICE_AF_XDP,
	RLN_DEVICE_MEMIF,
	RLN_DEVICE_RING,
	RLN_DEVICE_PCAP,
	RLN_DEVICE_NULL,
	RLN_DEVICE_PCI,
};

enum rln_device_kind rln_device_kind(const char *device);
/* "tap", "af_packet", ..., "PCI"; "unknown". */
const char *rln_device_kind_name(enum rln_device_kind kind);
/* Every driver name that ringlane knows, for messages: "net_tap, net_af_packet, ...". */
const char *rln_device_known(void);
/* Splits "net_tap0,iface=rl0" into EAL's device name and its arguments (which may be ""). False when `name` is too small. */
bool rln_device_split(const char *device, char *name, size_t size, const char **args);
/* Value of `key=` among the arguments, NUL-terminated into buf; false when absent or too long. "iface" of a tap is what the
 * kernel shows. */
bool rln_device_arg(const char *device, const char *key, char *buf, size_t size);
