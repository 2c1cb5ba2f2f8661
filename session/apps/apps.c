/* SPDX-License-Identifier: BSD-3-Clause */
/* The route table made into handlers, and which of them an INVITE is for (apps.h). */
#include "session/apps/apps.h"

#include <errno.h>
#include <stdio.h>

#include "config/route.h"
#include "lcore/heap.h"
#include "session/apps/handlers.h"

#define USER_MAX 64

struct rln_apps {
	struct rln_apps_cfg cfg;
	struct rln_host *routes[RLN_CONFIG_ROUTES];
};

static struct rln_host *choose(void *arg, const struct rln_invite_details *invite)
{
	struct rln_apps *apps = arg;
	const struct rln_config_route *route;
	char user[USER_MAX];

	rln_config_uri_user(invite->request_uri, user, sizeof(user));
	route = rln_config_route_find(apps->cfg.config, user);
	return route ? apps->routes[route - apps->cfg.config->routes] : NULL;
}

static int add_route(struct rln_apps *apps, unsigned i)
{
	const struct rln_config_route *route = &apps->cfg.config->routes[i];
	struct rln_handler handler;
	char name[16];

	rln_route_app(&handler, route);
	snprintf(name, sizeof(name), "routes[%u]", i);
	return rln_hosts_add(apps->cfg.hosts, &apps->routes[i], &handler, name, NULL);
}

int rln_apps_create(struct rln_apps **out, const struct rln_apps_cfg *cfg)
{
	struct rln_apps *apps = rln_zalloc(sizeof(*apps));
	struct rln_hosts_peer_cfg peer = {
		.name = cfg->config->sip.name, .port = cfg->config->sip.port, .any_user = true, .choose = choose, .arg = apps};
	int rc = 0;

	if (!apps)
		return -ENOMEM;
	apps->cfg = *cfg;
	for (unsigned i = 0; i < cfg->config->routes_n && rc == 0; i++)
		rc = add_route(apps, i);
	if (rc == 0)
		rc = rln_hosts_add_peer(cfg->hosts, &peer);
	if (rc != 0) {
		rln_apps_destroy(apps);
		return rc;
	}
	*out = apps;
	return 0;
}

void rln_apps_destroy(struct rln_apps *apps)
{
	rln_free(apps);
}
