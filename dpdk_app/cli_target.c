/* SPDX-License-Identifier: BSD-3-Clause */
/* What the verbs that call somebody have in common: a look at the address before anything is started, and the text that starts it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/hosts.h"
#include "config/schema.h"
#include "dpdk_app/cli_priv.h"
#include "sip/message.h"

/* The host of "sip:user@host:port;parameters", brackets included. */
static const char *host_of(const char *target, size_t *len)
{
	const char *at = strchr(target, '@'), *host = at ? at + 1 : target;

	if (!at && strncasecmp(host, "sip:", 4) == 0)
		host += 4;
	*len = *host == '[' && strchr(host, ']') ? (size_t)(strchr(host, ']') + 1 - host) : strcspn(host, ":;?>");
	return host;
}

#define TARGET_MAX 512

/* Said before anything is started: another scheme than sip, or what is no address at all. */
static bool is_sip_target(const char *target)
{
	static const char *const others[] = {"sips:", "tel:", "h323:"};
	char uri[TARGET_MAX + 8];
	struct rln_sip_uri parts;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strncasecmp(target, others[i], strlen(others[i])) == 0) {
			fprintf(stderr, "ringlane: cannot call %.64s: only sip: is spoken, over UDP\n", target);
			return false;
		}
	}
	snprintf(uri, sizeof(uri), "%s%s", strncasecmp(target, "sip:", 4) == 0 ? "" : "sip:", target);
	if (strlen(target) <= TARGET_MAX && rln_sip_uri_parse(&parts, uri, strlen(uri)) == 0 && parts.host.len)
		return true;
	fprintf(stderr, "ringlane: '%.64s%s' is no SIP address; expected e.g. sip:echo@198.18.0.1\n", target,
		strlen(target) > 64 ? "..." : "");
	return false;
}

/* Said before anything is started: a name that nobody can resolve. */
static bool is_reachable_name(const struct rln_config *config, const char *target)
{
	struct rln_config_ip ip;
	size_t len;
	const char *host = host_of(target, &len);

	if (rln_config_host_find(config, host, len, &ip) == 0)
		return true;
	fprintf(stderr,
		"ringlane: cannot call %s: '%.*s' is no address and not in sip.hosts; ringlane asks no DNS. Expected e.g. "
		"sip:echo@198.18.0.1\n",
		target, (int)len, host);
	return false;
}

bool rln_cli_is_target(const struct rln_config *config, const char *target)
{
	return is_sip_target(target) && is_reachable_name(config, target);
}

char *rln_cli_config_text(const struct rln_cli *cli, struct rln_config *config, int *rc)
{
	char *text = NULL;
	size_t len;
	FILE *out;

	*rc = rln_cli_config(cli, config, stderr);
	if (*rc)
		return NULL;
	*rc = RLN_EXIT_FAILED;
	out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	rln_config_write(out, config, false);
	fclose(out);
	return text;
}
