/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Part of ringlane.h: codes of failure, timeouts, and the runtime (EAL, devices, lcores). The runtime is defined in
 * dpdk_app/stages.c, the one body right of its header.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lcore/event.h"
#include "lcore/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RLN_ETIMEDOUT (-110)    /**< -ETIMEDOUT: the wait's time ran out */
#define RLN_ECALLFAILED (-4097) /**< the call ended before what was waited for; rln_call_end() says why */
#define RLN_EENDED (-4098)      /**< it is over: no more audio or events will come, or the runtime stopped */
#define RLN_EREFUSED (-4099)    /**< the peer refused what was asked of the call, which goes on as before; rln_call_refusal() */

#define RLN_FOREVER (-1)         /**< timeout_ms: no limit. So is every other negative number but the next one. */
#define RLN_TIMEOUT_DEFAULT (-2) /**< timeout_ms: 10 s, 5 s for AUDIO_CHANNELS_READY, in rln_call_wait_for_state(), _event() and
                                    _media(), rln_call_transferred(), rln_call_audio_channels_when_ready(),
                                    rln_peer_get_incoming_call(), rln_peer_wait_for_registration() and
                                    rln_coordinator_wait_for_event_timeout() and _where(); no limit in the others */

/** What a code of failure means, in words; of errno's codes strerror()'s. Never NULL. Any thread; the text is the thread's own
 * until it asks again. */
const char *rln_error_text(int code);

/** How the runtime is to start; all zero is the embedded default. Texts are copied. */
struct rln_runtime_options {
	const char *config_file;  /**< NULL: the file that RINGLANE_CONFIG names, else the embedded default
	                                (a TAP device rl0, 198.18.0.1/24) */
	const char *config_text;  /**< YAML in memory, in place of a file */
	const char *eal_args;     /**< passed through to EAL, or NULL */
	bool trace;               /**< every event, with its cause, to standard error */
};

/** What answers a challenge (401, 407). Passwords stand in no log and no trace. */
struct rln_account {
	const char *user;     /**< NULL: none */
	const char *password; /**< NULL: empty */
};

/** Starts lcores and devices; the calling thread becomes EAL's main lcore. NULL: all defaults. One at a time in a process.
 * rln_peer_new(), rln_coordinator_new() and rln_builder_build() do this by themselves when nobody did.
 * 0; -EINVAL (configuration), -EALREADY, or what a device, a file or memory answered: the reason is on standard error. */
int rln_runtime_start(const struct rln_runtime_options *options);
/** Ends every call (BYE, recordings closed), stops lcores and devices. The thread that started it. Handles that are left stay valid
 * and answer RLN_EENDED. */
void rln_runtime_stop(void);
/** Somebody started it and nobody stopped it. Any thread, a snapshot. */
bool rln_runtime_is_running(void);

#ifdef __cplusplus
}
#endif
