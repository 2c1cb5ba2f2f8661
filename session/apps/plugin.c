/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plug-ins: a shared object with the one symbol `rln_plugin`. What it does reaches the engine by the operations of its host, so it
 * is linked against nothing of ringlane and a build of it serves as long as the abi's number does.
 */
#include "session/apps/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "lcore/heap.h"

struct rln_plugin_file {
	void *object;
	const struct rln_plugin *plugin;
	struct rln_handler handler;
};

static int load(struct rln_plugin_file *p, const char *path, char *why, size_t size)
{
	p->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!p->object) {
		snprintf(why, size, "cannot be loaded: %s", dlerror());
		return -ENOENT;
	}
	p->plugin = dlsym(p->object, RLN_PLUGIN_SYMBOL);
	if (!p->plugin) {
		snprintf(why, size, "'%s' is no plug-in: it has no symbol %s", path, RLN_PLUGIN_SYMBOL);
		return -ENOEXEC;
	}
	if (p->plugin->abi != RLN_HANDLER_ABI) {
		snprintf(why, size, "'%s' is built for interface %u, expected %u", path, p->plugin->abi, RLN_HANDLER_ABI);
		return -EPROTO;
	}
	if (!p->plugin->name || !p->plugin->create) {
		snprintf(why, size, "'%s' is no plug-in: it has no name or no create()", path);
		return -ENOEXEC;
	}
	return 0;
}

static int make(struct rln_plugin_file *p, const char *options, char *why, size_t size)
{
	int rc = p->plugin->create(&p->handler, options);

	if (rc != 0) {
		snprintf(why, size, "the plug-in %.60s refuses: %s", p->plugin->name, strerror(-rc));
		return rc < 0 ? rc : -EINVAL;
	}
	if (p->handler.abi == RLN_HANDLER_ABI)
		return 0;
	snprintf(why, size, "the handler of the plug-in %.60s is built for interface %u, expected %u", p->plugin->name,
		p->handler.abi, RLN_HANDLER_ABI);
	if (p->plugin->destroy)
		p->plugin->destroy(&p->handler);
	return -EPROTO;
}

int rln_plugin_open(struct rln_plugin_file **out, struct rln_handler *handler, const char *folder, const char *path,
	const char *options, char *why, size_t size)
{
	struct rln_plugin_file *p = rln_zalloc(sizeof(*p));
	char full[2 * RLN_CONFIG_PATH + 2];
	int rc;

	snprintf(why, size, "no memory");
	if (!p)
		return -ENOMEM;
	snprintf(full, sizeof(full), "%s%s%s", *path == '/' ? "" : folder, *path == '/' ? "" : "/", path);
	rc = load(p, full, why, size);
	if (rc == 0)
		rc = make(p, options, why, size);
	if (rc == 0) {
		*handler = p->handler;
		*out = p;
		return 0;
	}
	if (p->object)
		dlclose(p->object);
	rln_free(p);
	return rc;
}

void rln_plugin_close(struct rln_plugin_file *p)
{
	if (!p)
		return;
	if (p->plugin->destroy)
		p->plugin->destroy(&p->handler);
	dlclose(p->object);
	rln_free(p);
}
