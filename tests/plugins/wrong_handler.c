/* SPDX-License-Identifier: BSD-3-Clause */
/* A plug-in whose handler says another number than itself; without options it has no create(). */
#include "session/ringlane.h"

static int create(struct rln_handler *handler, const char *options)
{
	(void)options;
	handler->abi = 99;
	return 0;
}

extern const struct rln_plugin rln_plugin;
const struct rln_plugin rln_plugin = {.abi = RLN_HANDLER_ABI, .name = "mixed", .create = create};
