/* SPDX-License-Identifier: BSD-3-Clause */
/* Look-up in sip.hosts; at most RLN_CONFIG_HOSTS rows and asked once per call: a walk. */
#include "config/hosts.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "config/schema.h"

int rln_config_host_find(const struct rln_config *config, const char *host, size_t len, struct rln_config_ip *out)
{
	if (len > 2 && host[0] == '[' && host[len - 1] == ']')
		return rln_config_ip_parse(out, host + 1, len - 2) == 0 ? 0 : -EHOSTUNREACH;
	if (rln_config_ip_parse(out, host, len) == 0)
		return 0;
	for (unsigned i = 0; i < config->sip.hosts_n; i++) {
		const struct rln_config_host *h = &config->sip.hosts[i];

		if (strlen(h->name) == len && strncasecmp(h->name, host, len) == 0) {
			*out = h->address;
			return 0;
		}
	}
	return -EHOSTUNREACH;
}
