/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EAL from our own configuration. EAL can be initialised once in a process's life, so a stopped appliance leaves it up and the next
 * one in the same process uses it again. owner: the thread that starts it, which becomes EAL's main lcore.
 */
#pragma once

#include <stdbool.h>

#include "config/config.h"

/* EAL lcore numbers; the CPUs below them come from the configuration. */
enum { RLN_LCORE_MAIN = 0, RLN_LCORE_CONTROL = 1, RLN_LCORE_WORKER0 = 2 };

struct rln_eal {
	unsigned workers;
	bool hugepages;
};

/*
 * Starts EAL with what the configuration asks for, or finds it running with at least as many workers. Prints one line that says which
 * kind of memory it uses. extra_args: further EAL arguments, or NULL. 0; -ENOTSUP: hugepages are demanded and there are none; -EBUSY: running with fewer
 * workers; -EINVAL: EAL refused its arguments.
 */
int rln_eal_start(const struct rln_config *config, const char *extra_args, struct rln_eal *out) __attribute__((warn_unused_result));
/* Path of the socket that `ringlane trace` asks, in EAL's run folder, which need not run here. 0 or -ENAMETOOLONG. */
int rln_eal_trace_socket(const struct rln_config *config, char *buf, size_t size);
/* Workers that the configuration gives on this machine. */
unsigned rln_eal_workers(const struct rln_config *config);
/* Free hugepage memory of this machine in MB, all sizes. */
unsigned rln_eal_free_hugepages_mb(void);
