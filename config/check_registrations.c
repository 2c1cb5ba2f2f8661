/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules for registrations: URIs that can be reached without asking a DNS, and credentials that are whole. */
#include <string.h>
#include <strings.h>

#include "config/check_priv.h"
#include "config/hosts.h"

/* The host of "sip:user@host:port;params", "host:port" or "[::1]:port"; its length, 0 when there is none. */
static size_t host_of(const char *uri, const char **host)
{
	const char *at = strncasecmp(uri, "sip:", 4) == 0 ? uri + 4 : uri, *sign = strchr(at, '@');

	at = sign ? sign + 1 : at;
	if (*at == '[') {
		*host = at + 1;
		return strcspn(at + 1, "]");
	}
	*host = at;
	return strcspn(at, ":;?");
}

static bool is_plain(const char *text)
{
	return text[strcspn(text, " \t<>\"")] == '\0';
}

static void check_host(struct rln_check *c, const void *value, unsigned i, const char *key, const char *uri)
{
	struct rln_config_ip ip;
	const char *host;
	size_t len = host_of(uri, &host);

	if (len && (rln_config_ip_parse(&ip, host, len) == 0 || rln_config_host_find(c->config, host, len, &ip) == 0))
		return;
	rln_check_blame(c, value, "registrations[%u].%s: found host '%.*s', expected an address or a name of sip.hosts", i, key,
		(int)len, host);
}

static void check_uri(struct rln_check *c, unsigned i)
{
	const struct rln_config_registration *r = &c->config->registrations[i];
	const char *sign = strchr(r->uri, '@');

	if (strncasecmp(r->uri, "sip:", 4) != 0 || !sign || sign == r->uri + 4 || !is_plain(r->uri)) {
		rln_check_blame(c, r->uri, "registrations[%u].uri: found '%s', expected sip:USER@HOST", i, r->uri);
		return;
	}
	for (unsigned k = 0; k < i; k++) {
		if (strcasecmp(r->uri, c->config->registrations[k].uri) == 0)
			rln_check_blame(c, r->uri, "registrations[%u].uri: '%s' is registrations[%u] already, expected each once",
				i, r->uri, k);
	}
	if (!*r->registrar)
		check_host(c, r->uri, i, "uri", r->uri);
}

static void check_registration(struct rln_check *c, unsigned i)
{
	const struct rln_config_registration *r = &c->config->registrations[i];

	check_uri(c, i);
	if (*r->registrar && (strchr(r->registrar, '@') || !is_plain(r->registrar)))
		rln_check_blame(c, r->registrar, "registrations[%u].registrar: found '%s', expected HOST, HOST:PORT or sip:HOST",
			i, r->registrar);
	else if (*r->registrar)
		check_host(c, r->registrar, i, "registrar", r->registrar);
	if (!*r->user != !*r->password)
		rln_check_blame(c, *r->user ? r->user : r->password,
			"registrations[%u]: found %s, expected user and password, or neither", i,
			*r->user ? "a user without a password" : "a password without a user");
	if (*r->contact && (strncasecmp(r->contact, "sip:", 4) != 0 || !is_plain(r->contact)))
		rln_check_blame(c, r->contact, "registrations[%u].contact: found '%s', expected a SIP URI", i, r->contact);
}

void rln_check_registrations(struct rln_check *c)
{
	for (unsigned i = 0; i < c->config->registrations_n; i++)
		check_registration(c, i);
}
