/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of ringlane.h: codes of failure, and the runtime (EAL, devices, lcores). Defined in dpdk_app/stages.c, the one body right of its header. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lcore/event.h"
#include "lcore/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RLN_ETIMEDOUT (-110)   /* -ETIMEDOUT: the wait's time ran out */
#define RLN_ECALLFAILED (-4097) /* the call ended before what was waited for; rln_call_end() says why */
#define RLN_EENDED (-4098)     /* the call is over: no more audio or events will come */

struct rln_runtime_options {
	const char *config_file;  /* NULL: the embedded default (a TAP device rl0, 198.18.0.1/24) */
	const char *config_text;  /* YAML in memory, in place of a file */
	const char *eal_args;     /* passed through to EAL, or NULL */
	bool trace;               /* every event, with its cause, to standard error */
};

/* Starts lcores and devices; the calling thread becomes EAL's main lcore. NULL: all defaults. Once per process at a time. 0 or a
 * negative code, the reason already printed. rln_peer_new() and rln_coordinator_new() do this by themselves when nobody did. */
int rln_runtime_start(const struct rln_runtime_options *options);
/* Ends every call (BYE, recordings closed), stops lcores and devices. The thread that started it. */
void rln_runtime_stop(void);
bool rln_runtime_is_running(void);

#ifdef __cplusplus
}
#endif
