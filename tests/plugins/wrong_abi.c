/* SPDX-License-Identifier: BSD-3-Clause */
/* A plug-in of another time. */
#include "session/ringlane.h"

static int create(struct rln_handler *handler, const char *options)
{
	(void)handler;
	(void)options;
	return 0;
}

extern const struct rln_plugin rln_plugin;
const struct rln_plugin rln_plugin = {.abi = RLN_HANDLER_ABI + 1, .name = "old", .create = create};
