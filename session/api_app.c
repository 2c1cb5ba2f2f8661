/* SPDX-License-Identifier: BSD-3-Clause */
/* A handler in a program of one's own (ringlane_app.h): a host and a local peer for it in the running appliance. */
#include <errno.h>
#include <stdlib.h>

#include "session/api_priv.h"
#include "session/host.h"

#define STOP_MS 5000

struct rln_app { /* owner: the application */
	const struct rln_api *api;
	struct rln_host *host; /* the appliance's; gone with it */
};

static int install(struct rln_app *app, const struct rln_app_options *options, const struct rln_handler *handler)
{
	struct rln_hosts_peer_cfg peer = {
		.name = options->name, .port = options->port ? options->port : app->api->sip_port, .any_user = options->any_user};
	int rc;

	if (!app->api->hosts)
		return RLN_EENDED;
	rc = rln_hosts_add(app->api->hosts, &app->host, handler, options->name ? options->name : "", options->options);
	if (rc != 0)
		return rc == -EEXIST ? -EADDRINUSE : rc;
	peer.only = app->host;
	rc = rln_hosts_add_peer(app->api->hosts, &peer);
	if (rc != 0)
		rln_host_forget(app->host);
	return rc;
}

struct rln_app *rln_app_start(const struct rln_app_options *options, const struct rln_handler *handler)
{
	struct rln_app *app;
	int rc;

	if (!options || !handler) {
		errno = EINVAL;
		return NULL;
	}
	app = calloc(1, sizeof(*app));
	if (!app) {
		errno = ENOMEM;
		return NULL;
	}
	app->api = rln_api_get();
	if (!app->api) {
		free(app);
		return NULL;
	}
	rc = install(app, options, handler);
	if (rc == 0)
		return app;
	rln_api_put(app->api);
	free(app);
	rln_set_errno(rc);
	return NULL;
}

int rln_app_stop(struct rln_app *app)
{
	int rc = 0;

	if (!app)
		return 0;
	if (app->api->hosts)
		rc = rln_host_retire(app->host, STOP_MS);
	rln_api_put(app->api);
	free(app);
	return rc;
}
