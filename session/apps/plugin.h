/* SPDX-License-Identifier: BSD-3-Clause */
/* Handlers from shared objects (ringlane_app.h, struct rln_plugin). Main thread, while no lcore runs. */
#pragma once

#include <stddef.h>

#include "session/ringlane_app.h"

struct rln_plugin_file;

/* Loads `path` (relative ones stand in `folder`), checks it and has it fill *handler. 0, or -errno with the reason in `why`:
 * -ENOENT (cannot be loaded), -ENOEXEC (no plug-in), -EPROTO (another abi), or what its create() gave. */
int rln_plugin_open(struct rln_plugin_file **out, struct rln_handler *handler, const char *folder, const char *path,
	const char *options, char *why, size_t size) __attribute__((warn_unused_result));
/* After its handler's on_stop. NULL: nothing. */
void rln_plugin_close(struct rln_plugin_file *plugin);
