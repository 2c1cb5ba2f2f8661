/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of hosts: ringlane asks no DNS, it knows those of sip.hosts. */
#pragma once

#include <stddef.h>

#include "config/config.h"

/* The address of a host as it stands in a URI: an address (IPv6 with or without brackets), or a name of sip.hosts without
 * regard to case. 0 or -EHOSTUNREACH. Any thread. */
int rln_config_host_find(const struct rln_config *config, const char *host, size_t len, struct rln_config_ip *out);
