/* SPDX-License-Identifier: BSD-3-Clause */
/* The config's routes, queues and menus made into handlers, and which of them an INVITE is for (apps.h). */
#include "session/apps/apps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/route.h"
#include "lcore/heap.h"
#include "session/apps/plugin.h"

#define USER_MAX 64

struct rln_apps { /* constant while the lcores run */
	struct rln_apps_cfg cfg;
	struct rln_host *every; /* the plug-in that takes every call, in place of the routes */
	struct rln_host *routes[RLN_CONFIG_ROUTES];
	struct rln_handler queues[RLN_CONFIG_QUEUES];
	struct rln_plugin_file *plugins[RLN_CONFIG_ROUTES + 1];
	unsigned plugins_n;
};

static struct rln_host *choose(void *arg, const struct rln_invite_details *invite)
{
	struct rln_apps *apps = arg;
	const struct rln_config_route *route;
	char user[USER_MAX];

	if (apps->every)
		return apps->every;
	rln_config_uri_user(invite->request_uri, user, sizeof(user));
	route = rln_config_route_find(apps->cfg.config, user);
	return route ? apps->routes[route - apps->cfg.config->routes] : NULL;
}

/* ---- making them ---- */

/* A handler that was made takes what it holds with it when it cannot be added. */
static int add(
	struct rln_apps *apps, struct rln_host **host, const struct rln_handler *handler, const char *name, const char *options)
{
	struct rln_host *added = NULL;
	int rc = rln_hosts_add(apps->cfg.hosts, &added, handler, name, options);

	if (rc != 0 && handler->on_stop)
		handler->on_stop(handler->arg, NULL);
	if (host)
		*host = added;
	return rc;
}

/* Its handler goes when the plug-in is closed: a handler of a plug-in that could not be added is not told on_stop. */
static int add_plugin(struct rln_apps *apps, struct rln_host **host, const char *name, const char *where, const char *path,
	const char *options, struct rln_apps_fault *fault)
{
	const struct rln_config *c = apps->cfg.config;
	struct rln_plugin_file **plugin = &apps->plugins[apps->plugins_n];
	struct rln_handler handler;
	char why[400];
	int rc = rln_plugin_open(plugin, &handler, c->handler.folder, path, options, why, sizeof(why));

	if (rc != 0) {
		fault->value = path;
		snprintf(fault->text, sizeof(fault->text), "%s: %s", where, why);
		return rc;
	}
	apps->plugins_n++;
	return rln_hosts_add(apps->cfg.hosts, host, &handler, name, options);
}

static struct rln_host *named(struct rln_apps *apps, const char *kind, const char *name)
{
	char full[RLN_APP_NAME];

	snprintf(full, sizeof(full), "%s%s", kind, name);
	return rln_hosts_find(apps->cfg.hosts, full);
}

static int add_route(struct rln_apps *apps, unsigned i, struct rln_apps_fault *fault)
{
	const struct rln_config_route *route = &apps->cfg.config->routes[i];
	struct rln_handler handler;
	char name[24], where[32];
	int rc = 0;

	snprintf(name, sizeof(name), "routes[%u]", i);
	snprintf(where, sizeof(where), "routes[%u].file", i);
	switch ((enum rln_config_app)route->app) {
	case RLN_ROUTE_ECHO:
	case RLN_ROUTE_PLAY:
	case RLN_ROUTE_RECORD:
	case RLN_ROUTE_TONE:
	case RLN_ROUTE_REJECT:
		rln_route_app(&handler, route);
		return add(apps, &apps->routes[i], &handler, name, NULL);
	case RLN_ROUTE_BRIDGE:
		rc = rln_bridge_app(&handler, route);
		return rc ? rc : add(apps, &apps->routes[i], &handler, name, NULL);
	case RLN_ROUTE_QUEUE:
		apps->routes[i] = named(apps, RLN_APP_QUEUE, route->queue);
		break;
	case RLN_ROUTE_MENU:
		apps->routes[i] = named(apps, RLN_APP_MENU, route->menu);
		break;
	case RLN_ROUTE_PLUGIN:
		return add_plugin(apps, &apps->routes[i], name, where, route->file, route->options, fault);
	}
	return rc;
}

/* What calls are given to by name: queues, menus, the bridge. */
static int add_named(struct rln_apps *apps)
{
	const struct rln_config *c = apps->cfg.config;
	struct rln_handler handler;
	char name[RLN_APP_NAME];
	int rc = rln_bridge_app(&handler, NULL);

	if (rc == 0)
		rc = add(apps, NULL, &handler, RLN_APP_BRIDGE, NULL);
	for (unsigned i = 0; i < c->queues_n && rc == 0; i++) {
		snprintf(name, sizeof(name), RLN_APP_QUEUE "%s", c->queues[i].name);
		rc = rln_queue_app(&apps->queues[i], &c->queues[i]);
		if (rc == 0)
			rc = add(apps, NULL, &apps->queues[i], name, NULL);
	}
	for (unsigned i = 0; i < c->menus_n && rc == 0; i++) {
		snprintf(name, sizeof(name), RLN_APP_MENU "%s", c->menus[i].name);
		rc = rln_menu_app(&handler, &c->menus[i]);
		if (rc == 0)
			rc = add(apps, NULL, &handler, name, NULL);
	}
	return rc;
}

static int add_all(struct rln_apps *apps, struct rln_apps_fault *fault)
{
	const struct rln_config *c = apps->cfg.config;
	struct rln_hosts_peer_cfg peer = {
		.name = c->sip.name, .port = c->sip.port, .any_user = true, .choose = choose, .arg = apps};
	int rc = add_named(apps);

	if (rc == 0 && *c->handler.plugin)
		rc = add_plugin(apps, &apps->every, "handler", "handler.plugin", c->handler.plugin, c->handler.options, fault);
	for (unsigned i = 0; i < c->routes_n && rc == 0; i++)
		rc = add_route(apps, i, fault);
	if (rc == 0)
		rc = rln_hosts_add_peer(apps->cfg.hosts, &peer);
	if (rc != 0 && !fault->text[0])
		snprintf(fault->text, sizeof(fault->text), "%s", strerror(-rc));
	return rc;
}

/* ---- life ---- */

int rln_apps_create(struct rln_apps **out, const struct rln_apps_cfg *cfg, struct rln_apps_fault *fault)
{
	struct rln_apps *apps = rln_zalloc(sizeof(*apps));
	int rc;

	*fault = (struct rln_apps_fault){.text = "no memory"};
	if (!apps)
		return -ENOMEM;
	fault->text[0] = '\0';
	apps->cfg = *cfg;
	rc = add_all(apps, fault);
	if (rc != 0) { /* the hosts that were added go with all others, before what they are made of */
		rln_hosts_stop(cfg->hosts);
		rln_apps_destroy(apps);
		return rc;
	}
	*out = apps;
	return 0;
}

void rln_apps_destroy(struct rln_apps *apps)
{
	if (!apps)
		return;
	while (apps->plugins_n > 0)
		rln_plugin_close(apps->plugins[--apps->plugins_n]);
	rln_free(apps);
}

const char *rln_apps_queue(const struct rln_apps *apps, unsigned queue, struct rln_queue_figures *out)
{
	if (!apps || queue >= apps->cfg.config->queues_n)
		return NULL;
	rln_queue_figures(&apps->queues[queue], out);
	return apps->cfg.config->queues[queue].name;
}
